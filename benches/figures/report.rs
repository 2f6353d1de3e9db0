//! Figures of a year in which a hundred thousand leads were handed to sales, on SQLite: gathered, and written in every
//! format with every split.

use jiff::civil::{Date, Weekday};
use jiff::{ToSpan, Zoned};
use nurtured::cli::report::{Format, written};
use nurtured::clock::Clock;
use nurtured::domain::report::By;
use nurtured::domain::report::period::Period;
use nurtured::domain::sla::{PromiseKind, Terms};
use nurtured::engine::reports::{Ask, gather};
use nurtured::playbook::{Playbook, PlaybookFiles};
use nurtured::store::Store;
use tokio::time::Instant;

use super::Outcome;
use super::history::{self, Promised};
use super::seed::Leads;
use super::site::Site;
use super::table::{Table, median, ms};

const HAND_OFFS: usize = 100_000;
const ROUNDS: usize = 3;
const PROMISES: [PromiseKind; 4] =
    [PromiseKind::Accept, PromiseKind::FirstContact, PromiseKind::Attempts, PromiseKind::Disposition];

pub async fn measure(table: &mut Table) -> Outcome<()> {
    let playbook = Playbook::load(&with_costs()?).map_err(|problems| problems.to_string())?;
    let now = Clock::System.now();
    let office = playbook.agreement.calendars.get("office").ok_or("there is no calendar `office`")?;
    let today = now.to_zoned(office.zone().clone());
    let days = working_days(&today)?;
    eprintln!("report: filling a store with {HAND_OFFS} hand-offs on {} days …", days.len());
    let site = Site::on_sqlite(Leads { enrolled: HAND_OFFS, due: 0 }).await?;
    history::happened(&site.url, days.len(), &promised(&playbook, &days)?).await?;
    let store = Store::open(&site.url).await?;
    let first = days.iter().min().ok_or("a year has working days")?;
    let period = Period::of_days(*first, today.date(), office.zone()).ok_or("a year is a period")?;
    let ask = Ask { period, teams: None, whole: true };
    let (mut gathered, mut wrote) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("report: round {round} of {ROUNDS} …");
        let begun = Instant::now();
        let report = gather(&store, &playbook.agreement, &ask, now).await?;
        gathered.push(begun.elapsed());
        let begun = Instant::now();
        for format in [Format::Table, Format::Html, Format::Json, Format::Csv] {
            for by in [None].into_iter().chain(By::ALL.iter().copied().map(Some)) {
                if written(&report, by, format).len() < 1_000 {
                    return Err(format!("there are no figures in {format:?}").into());
                }
            }
        }
        wrote.push(begun.elapsed());
    }
    store.close().await;
    table.add(
        format!("report of a year, {HAND_OFFS} hand-offs, gathered"),
        ms(median(&gathered)),
        "< 5000 ms",
    );
    table.add("  written in four formats, each with every split", ms(median(&wrote)), "");
    Ok(())
}

/// The built-in playbook, in which campaigns say what they cost: what they brought is a figure, too.
fn with_costs() -> Outcome<PlaybookFiles> {
    let mut files = PlaybookFiles::builtin();
    let agreement = files.get("agreement.toml").ok_or("there is no agreement")?;
    let mut costly = agreement.to_owned();
    for campaign in ["default", "webinar", "demo-request"] {
        let head = format!("[campaigns.{campaign}]\n");
        if !costly.contains(&head) {
            return Err(format!("the built-in agreement has no campaign `{campaign}` any more").into());
        }
        costly = costly.replacen(&head, &format!("{head}cost = 12000\n"), 1);
    }
    files.insert("agreement.toml", costly);
    Ok(files)
}

/// The working days of the year before, without the last two weeks: what was begun then is over.
fn working_days(today: &Zoned) -> Outcome<Vec<Date>> {
    let is_open = |day: &Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let days: Result<Vec<Date>, _> = (14..364).map(|back| today.date().checked_sub(back.days())).collect();
    Ok(days?.into_iter().filter(is_open).collect())
}

/// What the built-in agreement promises to a lead that is handed off at ten in the morning.
fn promised(playbook: &Playbook, days: &[Date]) -> Outcome<Vec<Promised>> {
    let agreement = &playbook.agreement;
    let policy = agreement.policies.get("standard").ok_or("there is no policy `standard`")?;
    let office = agreement.calendars.get("office").ok_or("there is no calendar `office`")?;
    let mut promised = Vec::new();
    for (day, date) in days.iter().enumerate() {
        let started = date.at(10, 0, 0, 0).to_zoned(office.zone().clone())?.timestamp();
        for kind in PROMISES {
            let Some(terms) = Terms::of(policy, kind, office, office, started)? else { continue };
            let deadline = terms.assess(started, &[], &[], started)?.deadline.at;
            let text = serde_json::to_string(&terms)?;
            promised.push(Promised { day, kind: kind.name(), terms: text, started, deadline });
        }
    }
    Ok(promised)
}
