//! Each rep's calls of the day in one mail, in the morning when their work begins, if there are any.
//!
//! A mail for each attempt that is owed would be forty a day and read by nobody. The list has what was never
//! tried, what is owed today, and who asked to be called today; who cannot be called before tomorrow (away, asked
//! us to wait) is not on it. When all is told of a broken promise it stands there once more, and says so: a list
//! that repeats for ever what nobody does is read by nobody.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::duty::Duty;
use super::pass::{PassError, PassReport};
use super::staff_mail::{self, Call};
use super::{Engine, Wake, absence, sla};
use crate::domain::calendar::Calendar;
use crate::domain::email::EmailAddress;
use crate::domain::escalation::{Purpose, next_morning};
use crate::domain::ids::{LeadId, OutboxId};
use crate::domain::lead::Lead;
use crate::domain::sla::PromiseKind;
use crate::store::{SlaClock, Tx};

/// Reps whose lists are written in one transaction: one, as nobody is given a lead meanwhile.
const REPS: i64 = 1;

/// The event of a lead that is on the list for the last time.
const LAST_LISTED: &str = "last_listed";

/// A rep has a lead: there may be something to call tomorrow morning.
pub(super) async fn expect(tx: &mut Tx, wake: &Wake, rep: &EmailAddress) -> Result<(), PassError> {
    if let Some(morning) = next_morning(staff_mail::working_hours(wake, rep), wake.now) {
        tx.make_appointment(rep, Purpose::CallList, morning).await?;
    }
    Ok(())
}

/// The leads that stand on the lists that were written now, and in which mail, by their reader.
pub(super) type Listed = BTreeMap<EmailAddress, (OutboxId, BTreeSet<LeadId>)>;

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<(PassReport, Listed), PassError> {
    let (mut report, mut listed) = (PassReport::default(), Listed::new());
    if !engine.has(Duty::CallLists, wake.now).await? {
        return Ok((report, listed));
    }
    let turn = wake.turn();
    loop {
        let mut tx = engine.store.begin().await?;
        tx.lock_telling().await?;
        let due = tx.appointments_due(Purpose::CallList, wake.now, REPS).await?;
        if due.is_empty() || engine.is_stopping() {
            tx.rollback().await?;
            return Ok((report, listed));
        }
        let mut written = Listed::new();
        for (rep, _) in due {
            if let Some(list) = write(engine, &mut tx, wake, &rep).await? {
                written.insert(rep, list);
            }
            report.done += 1;
        }
        tx.commit().await?;
        listed.append(&mut written);
        if turn.is_over() {
            return Ok((report, listed));
        }
    }
}

/// Writes a rep's list, if they are there and there is something to call, and plans the next.
async fn write(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    rep: &EmailAddress,
) -> Result<Option<(OutboxId, BTreeSet<LeadId>)>, PassError> {
    let calendar = staff_mail::working_hours(wake, rep);
    let back = match wake.rules.agreement.rep(rep) {
        Some((team, known)) => absence::back_at(tx, wake, team, known).await?,
        None => None,
    };
    // Nobody gives them a lead while it is found that they have none.
    tx.lock_routing().await?;
    let leads = tx.open_leads_of(rep).await?;
    if leads.is_empty() {
        tx.cancel_appointment(rep, Purpose::CallList).await?;
        return Ok(None);
    }
    let mut written = None;
    // A list of the morning that is found at night is none.
    if back.is_none() && calendar.is_open(wake.now) {
        let (mut calls, mut listed) = (Vec::new(), BTreeSet::new());
        for lead in tx.leads(&leads).await? {
            if let Some(call) = call(engine, tx, wake, rep, calendar, &lead).await? {
                calls.push(call);
                listed.insert(lead.id);
            }
        }
        calls.sort_by_key(|call| call.due);
        if !calls.is_empty() {
            let mail = staff_mail::write_call_list(engine, tx, wake, rep, calls).await?;
            written = mail.map(|mail| (mail, listed));
        }
    }
    let morning = match back {
        Some(back) => next_morning(calendar, back.max(wake.now) - SignedDuration::from_secs(1)),
        None => next_morning(calendar, wake.now),
    };
    match morning {
        Some(morning) => tx.move_appointment(rep, Purpose::CallList, morning).await?,
        None => tx.cancel_appointment(rep, Purpose::CallList).await?,
    }
    Ok(written)
}

/// What there is to call a lead for today, if anything.
async fn call(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    rep: &EmailAddress,
    calendar: &Calendar,
    lead: &Lead,
) -> Result<Option<Call>, PassError> {
    let today = calendar.local(wake.now).date();
    let tonight = today
        .tomorrow()
        .ok()
        .and_then(|tomorrow| calendar.instant_at(tomorrow, Time::midnight()))
        .unwrap_or(Timestamp::MAX);
    // Who is away, or named a later day, waits for it.
    let waits = [lead.away_until, lead.follow_up_at].into_iter().flatten().any(|until| until >= tonight);
    if waits {
        return Ok(None);
    }
    let asked_for_today = lead.follow_up_at.filter(|at| calendar.local(*at).date() == today);
    let clocks = tx.running_clocks(lead.id).await?;
    let (what, due) = match (asked_for_today, owed(engine, tx, lead, &clocks, tonight).await?) {
        (Some(at), _) => ("call".to_owned(), at),
        (None, Some(owed)) => owed,
        (None, None) => return Ok(None),
    };
    let is_last = asked_for_today.is_none() && is_over(&clocks, wake.now);
    if is_last && !leave(tx, wake, lead, &clocks).await? {
        return Ok(None);
    }
    let about = staff_mail::about(engine, tx, wake, lead, rep).await?;
    let tried = staff_mail::tried(tx, lead, calendar).await?;
    let act = staff_mail::act_in_line(engine, tx, wake, lead, rep).await?;
    Ok(Some(Call { about, what, due, asked_for: asked_for_today.is_some(), is_last, tried, act }))
}

/// The promises that ask for a call.
fn of_calls(clocks: &[SlaClock]) -> impl Iterator<Item = &SlaClock> {
    let kinds = [PromiseKind::FirstContact, PromiseKind::Attempts];
    clocks.iter().filter(move |clock| kinds.contains(&clock.kind))
}

/// Whether everything that asks for a call is broken, and everybody was told whom the agreement names.
fn is_over(clocks: &[SlaClock], now: Timestamp) -> bool {
    of_calls(clocks).all(|clock| clock.deadline_at <= now && clock.next_at.is_none())
}

/// Notes that a lead is on the list for the last time; `false` when it was before.
async fn leave(tx: &mut Tx, wake: &Wake, lead: &Lead, clocks: &[SlaClock]) -> Result<bool, PassError> {
    let facts = json!({ "promises": of_calls(clocks).map(|clock| clock.id.0).collect::<Vec<_>>() });
    let before = tx.events_of_kind(lead.id, LAST_LISTED).await?;
    if before.iter().any(|event| event.facts == facts) {
        return Ok(false);
    }
    tx.append(&[wake.event(lead.id, LAST_LISTED, facts)]).await?;
    Ok(true)
}

/// The attempt that is owed next, and until when; `None` when none is owed before tomorrow.
async fn owed(
    engine: &Engine,
    tx: &mut Tx,
    lead: &Lead,
    clocks: &[SlaClock],
    tonight: Timestamp,
) -> Result<Option<(String, Timestamp)>, PassError> {
    // Who was never tried is on the list whenever it falls due.
    if let Some(first) = clocks.iter().find(|clock| clock.kind == PromiseKind::FirstContact) {
        return Ok(Some((PromiseKind::FirstContact.words().to_owned(), first.deadline_at)));
    }
    let Some(clock) = clocks.iter().find(|clock| clock.kind == PromiseKind::Attempts) else {
        return Ok(None);
    };
    let next = engine.next_attempt(tx, lead, clock).await?;
    let Some(next) = next.filter(|next| next.from < tonight && next.due < tonight) else {
        return Ok(None);
    };
    let of = sla::terms(clock)?.attempts.map(|owed| format!(" of {}", owed.count)).unwrap_or_default();
    let by = next.channel.map(|channel| format!(" by {}", channel.name())).unwrap_or_default();
    Ok(Some((format!("attempt {}{of}{by}", next.number), next.due)))
}
