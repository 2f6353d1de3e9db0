//! A hundred thousand running clocks, a thousand of which are due: the SLA pass of the real engine with all its
//! writes, on SQLite.
//!
//! Every lead is with one of two reps, under the built-in agreement's first contact within eight business hours. It
//! is Tuesday, four in the afternoon. Of the clocks that are due half have reached their warning and half their
//! deadline, so both mails are written; all others were started an hour ago.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nurtured::clock::Clock;
use nurtured::domain::sla::{PromiseKind, Terms};
use nurtured::engine::{Engine, Limits};
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::{Playbook, PlaybookFiles};
use nurtured::store::Store;
use tokio::time::Instant;

use super::Outcome;
use super::seed::{self, Clocks, Leads};
use super::site::Site;
use super::table::{Table, median, ms};
use super::wake::identity;

const CLOCKS: usize = 100_000;
const DUE: usize = 1_000;
const ROUNDS: usize = 3;

const NOW: &str = "2026-03-03T16:00:00+01:00";
/// Eight business hours before.
const DEADLINE_REACHED: &str = "2026-03-02T16:00:00+01:00";
/// Seven: past the three quarters of the warning.
const WARNING_REACHED: &str = "2026-03-03T09:00:00+01:00";
const NOTHING_REACHED: &str = "2026-03-03T15:00:00+01:00";
const NEXT_MORNING: &str = "2026-03-04T13:00:00+01:00";

pub async fn measure(table: &mut Table) -> Outcome<()> {
    let mut took = Vec::with_capacity(ROUNDS);
    for round in 1..=ROUNDS {
        eprintln!("sla: round {round} of {ROUNDS}, {CLOCKS} running clocks …");
        took.push(pass().await?);
    }
    table.add(format!("SLA pass, {CLOCKS} clocks, {DUE} due"), ms(median(&took)), "< 2000 ms");
    Ok(())
}

/// How long the pass takes on a store that was filled for it.
async fn pass() -> Outcome<Duration> {
    let site = Site::on_sqlite(Leads { enrolled: CLOCKS, due: 0 }).await?;
    let instant = |text: &str| text.parse::<Timestamp>();
    let clocks = Clocks {
        due: DUE,
        terms: serde_json::to_string(&terms(instant(DEADLINE_REACHED)?)?)?,
        now: instant(NOW)?,
        deadline_reached: instant(DEADLINE_REACHED)?,
        warning_reached: instant(WARNING_REACHED)?,
        nothing_reached: instant(NOTHING_REACHED)?,
        next_morning: instant(NEXT_MORNING)?,
    };
    seed::start_clocks(&site.url, &clocks).await?;
    let store = Store::open(&site.url).await?;
    let transport = Transport::Memory(Memory::new());
    let limits = Limits { slice: None, ..Limits::default() };
    let engine = Arc::new(Engine::new(store, Clock::System, identity()?, transport, limits).await?);
    let begun = Instant::now();
    let report = engine.assess_clocks(clocks.now).await?;
    let took = begun.elapsed();
    if report.done != DUE as u64 {
        return Err(format!("{report} of {DUE} clocks that are due").into());
    }
    engine.store().close().await;
    Ok(took)
}

/// First contact, as the built-in agreement promises it to a lead in India.
fn terms(start: Timestamp) -> Outcome<Terms> {
    let playbook = Playbook::load(&PlaybookFiles::builtin()).map_err(|problems| problems.to_string())?;
    let agreement = &playbook.agreement;
    let policy = agreement.policies.get("standard").ok_or("there is no policy `standard`")?;
    let office = agreement.calendars.get("office").ok_or("there is no calendar `office`")?;
    let terms = Terms::of(policy, PromiseKind::FirstContact, office, office, start)?;
    terms.ok_or_else(|| "first contact is not promised".into())
}
