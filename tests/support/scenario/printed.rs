//! What somebody prints at an instant: figures, the agreement, a plan, a lead's history.

use jiff::tz::TimeZone;
use nurtured::cli::agreement::markdown;
use nurtured::cli::plan_capacity;
use nurtured::cli::report::{sections, table};
use nurtured::domain::document::{Document, written};
use nurtured::domain::report::By;
use nurtured::domain::report::period::Period;
use nurtured::engine::Engine;
use nurtured::engine::hours::zone_of;
use nurtured::engine::reports::{Ask, gather};
use nurtured::engine::{simulate, why as history};
use toml::{Table, Value};

use super::outside::Report;
use super::told::{OFFICE, local, name};
use super::world::Met;

/// The figures of some days, as `nurtured report` prints them.
pub async fn report(engine: &Engine, wish: &Report) -> Met {
    let zone = TimeZone::get(OFFICE).expect("a zone");
    let period = Period::of_days(wish.from, wish.to, &zone).expect("a period");
    let by = wish.by.as_ref().map(|by| {
        let found = By::ALL.iter().find(|known| known.name() == by);
        *found.unwrap_or_else(|| panic!("nothing is split by {by}"))
    });
    let ask = Ask { period, teams: None, whole: true };
    let rules = engine.rules();
    let report = gather(engine.store(), &rules.agreement, &ask, engine.clock().now()).await.expect("figures");
    let mut told = sections::of(&report, by);
    if !wish.sections.is_empty() {
        let is_wished = |title: &str| wish.sections.iter().any(|wish| title.starts_with(wish.as_str()));
        told.retain(|section| is_wished(&section.title));
    }
    let by = wish.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    Met { lead: None, words: format!("the report{by}"), read: table::write(&report, &told) }
}

/// A section of the agreement, in plain words.
pub fn agreement(engine: &Engine, wanted: &str) -> Met {
    let Document { title, sections } = written(&engine.rules().agreement);
    let sections = sections.into_iter().filter(|section| section.title.starts_with(wanted)).collect();
    let read = markdown::text(&Document { title, sections });
    Met { lead: None, words: "the agreement".to_owned(), read }
}

/// What is expected, against what can be taken.
pub async fn plan(engine: &Engine, weeks: u32) -> Met {
    let rules = engine.rules();
    let plan = plan_capacity::planned(engine.store(), &rules.agreement, weeks, engine.clock().now());
    let read = plan_capacity::shown(&plan.await.expect("the store answers")).join("\n");
    Met { lead: None, words: "the plan".to_owned(), read }
}

/// What happened to a lead and why, as `nurtured why` says it.
pub async fn why(engine: &Engine, lead: &str) -> Met {
    let mut tx = engine.store().read().await.expect("the store answers");
    let lead = lead.parse().expect("an address");
    let lead = tx.person_by_email(&lead).await.expect("the store answers").expect("it is known");
    let zone = zone_of(&lead, &engine.rules().agreement);
    let mut notes = history::notes(&mut tx, lead.id).await.expect("the store answers");
    let mut read = String::new();
    for event in tx.events_of_person(lead.id).await.expect("the store answers") {
        let note = notes.remove(&event.id).map(|note| format!(" “{note}”")).unwrap_or_default();
        let line = simulate::line(&mut tx, event).await.expect("the store answers");
        if let Some(words) = history::sentence(&line, |at| local(at, &zone)) {
            read.push_str(&format!("{}  {words}{note}\n", local(line.at, &zone)));
        }
    }
    tx.rollback().await.expect("the store answers");
    let who = name(lead.email.as_str());
    Met { lead: Some(lead.email.to_string()), words: format!("why {who} is {}", lead.stage.name()), read }
}

/// The values of a table as text.
pub fn pairs(table: &Table) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    table.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}
