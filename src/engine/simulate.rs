//! The real engine on a virtual clock: what would happen.
//!
//! The same passes, rules and store as the daemon's; only the clock is ours and the mail goes nowhere. The
//! clock steps from one due instant to the next, so two months pass in seconds and nothing depends on when
//! or where it is run: the same scenario gives the same lines, every time, on both databases.

pub mod letters;

use std::iter::Peekable;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;

use super::happen::{HappenError, Said};
use super::pass::PassError;
use super::playbooks::{self, PlaybookError};
use super::scenario::{Input, Scenario, What};
use super::{Engine, Identity, Limits};
use crate::clock::{Clock, ManualClock};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{EventId, LeadId};
use crate::domain::intake::merge::Authority;
use crate::mail::transport::Transport;
use crate::playbook::PlaybookFiles;
use crate::store::{Event, NewEvent, Store, StoreError};

/// Wakes at one instant before it is taken for a defect that something stays due.
const MOST_WAKES: usize = 10_000;

/// Why a simulation ended early.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// The playbook cannot be used.
    #[error(transparent)]
    Playbook(#[from] PlaybookError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A pass failed.
    #[error("{pass}: {error}")]
    Pass {
        /// Which.
        pass: &'static str,
        /// Why.
        error: String,
    },
    /// Recording an event failed.
    #[error(transparent)]
    Event(#[from] PassError),
    /// What an event edits does not stand in the playbook.
    #[error("`{text}` does not stand in the playbook's {file}, so it cannot be edited")]
    NotThere {
        /// In which file.
        file: String,
        /// What.
        text: String,
    },
    /// Time stands still.
    #[error("at {0} something stays due however often it is looked at: a defect, please report it")]
    Stuck(Timestamp),
}

/// A line of the result: an event of the log, with what its mail says if it is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: String,
    /// The lead's address.
    pub lead: Option<String>,
    /// The rest.
    pub facts: Value,
    /// The event, for those who tell it in words.
    pub event: Event,
}

impl Line {
    /// The line as one JSON object: `at`, `kind`, `lead`, then the rest by name.
    pub fn to_json(&self) -> String {
        let mut text = format!("{{\"at\":\"{}\",\"kind\":{}", self.at, json!(self.kind));
        if let Some(lead) = &self.lead {
            text.push_str(&format!(",\"lead\":{}", json!(lead)));
        }
        for (name, value) in self.facts.as_object().into_iter().flatten() {
            text.push_str(&format!(",{}:{value}", json!(name)));
        }
        text.push('}');
        text
    }
}

/// Runs a scenario on an empty store and hands each line to `tell` as soon as it is known.
///
/// # Errors
/// When the playbook has problems or the store fails. What a rep or a lead cannot do at that moment is a
/// line of kind `refused`, and the scenario goes on.
pub async fn run(
    scenario: &Scenario,
    playbook: &PlaybookFiles,
    store: Store,
    identity: Identity,
    transport: Transport,
    mut tell: impl FnMut(Line),
) -> Result<(), SimulationError> {
    let mut simulation = Simulation::begin(scenario, playbook, store, identity, transport).await?;
    simulation.go_on(scenario.end, &mut tell).await?;
    simulation.engine.close().await;
    Ok(())
}

/// A simulation that is under way, for those who want to do something themselves between two instants.
pub struct Simulation<'a> {
    scenario: &'a Scenario,
    inputs: Peekable<std::slice::Iter<'a, Input>>,
    /// The playbook as it was edited last.
    files: PlaybookFiles,
    clock: ManualClock,
    engine: Arc<Engine>,
    told: EventId,
}

impl<'a> Simulation<'a> {
    /// Stands at the scenario's first instant; nothing has happened yet.
    ///
    /// # Errors
    /// When the playbook has problems or the store fails.
    pub async fn begin(
        scenario: &'a Scenario,
        playbook: &PlaybookFiles,
        store: Store,
        identity: Identity,
        transport: Transport,
    ) -> Result<Simulation<'a>, SimulationError> {
        let clock = ManualClock::at(scenario.start);
        playbooks::put_in_force(&store, playbook, scenario.start).await?;
        let limits = Limits { slice: None, ..Limits::default() };
        let engine = Engine::new(store, Clock::Manual(clock.clone()), identity, transport, limits).await?;
        let (engine, inputs) = (Arc::new(engine), scenario.inputs.iter().peekable());
        Ok(Simulation { scenario, inputs, files: playbook.clone(), clock, engine, told: EventId(0) })
    }

    /// The engine, whose clock stands still until the simulation goes on.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Lets happen what happens until `until` and at it, and tells it.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn go_on(
        &mut self,
        until: Timestamp,
        tell: &mut impl FnMut(Line),
    ) -> Result<(), SimulationError> {
        loop {
            let due = self.engine.next_due().await?;
            let due = due.map(|due| self.scenario.up_at(due.max(self.clock.now())));
            let next = match (due, self.inputs.peek()) {
                (Some(due), Some(input)) => due.min(input.at),
                (Some(due), None) => due,
                (None, Some(input)) => input.at,
                (None, None) => break,
            };
            if next > until {
                break;
            }
            self.clock.set(next);
            while let Some(input) = self.inputs.next_if(|input| input.at <= next) {
                take(&self.engine, &mut self.files, &input.what, next).await?;
            }
            if self.scenario.up_at(next) == next {
                settle(&self.engine, next).await?;
            }
            self.told = tell_since(&self.engine, self.told, tell).await?;
        }
        self.clock.set(until);
        self.told = tell_since(&self.engine, self.told, tell).await?;
        Ok(())
    }
}

/// Wakes until nothing is due any more at `now`.
async fn settle(engine: &Arc<Engine>, now: Timestamp) -> Result<(), SimulationError> {
    for _ in 0..MOST_WAKES {
        let report = engine.wake(now).await;
        if let Some((pass, error)) = report.failures().next() {
            return Err(SimulationError::Pass { pass, error: error.to_string() });
        }
        if engine.next_due().await?.is_none_or(|due| due > now) {
            return Ok(());
        }
    }
    Err(SimulationError::Stuck(now))
}

/// What comes in happens; `files` is the playbook as it was edited until then.
async fn take(
    engine: &Engine,
    files: &mut PlaybookFiles,
    what: &What,
    now: Timestamp,
) -> Result<(), SimulationError> {
    match what {
        What::Lead(record) => {
            engine.take_in(std::slice::from_ref(record), Authority::Form, now).await?;
            Ok(())
        }
        What::Event { lead, by, occurred_at, words, happening } => {
            let said = Said { by: by.clone(), words: words.clone(), at: *occurred_at, ..Said::default() };
            match engine.happened(lead, happening, &said, now).await {
                Ok(_) => Ok(()),
                Err(HappenError::Failed(error)) => Err(error.into()),
                Err(refused) => refuse(engine, lead.as_str(), happening.kind(), &refused, now).await,
            }
        }
        What::Recycling { lead, by, words, what } => {
            let said = Said { by: by.clone(), words: words.clone(), ..Said::default() };
            match engine.recycling(lead, what, &said, now).await {
                Ok(_) => Ok(()),
                Err(HappenError::Failed(error)) => Err(error.into()),
                Err(refused) => refuse(engine, lead.as_str(), what.kind(), &refused, now).await,
            }
        }
        What::Edited { file, old, new } => {
            let Some(text) = files.get(file).filter(|text| text.contains(old)) else {
                return Err(SimulationError::NotThere { file: file.clone(), text: old.clone() });
            };
            let edited = text.replace(old, new);
            files.insert(file.clone(), edited);
            playbooks::put_in_force(engine.store(), files, now).await?;
            Ok(())
        }
        What::Reapply(which) => match engine.reapply(which, false, now, |_| {}).await {
            Ok(_) => Ok(()),
            Err(HappenError::Failed(error)) => Err(error.into()),
            Err(refused) => {
                let who = which.lead.as_ref().map_or("", EmailAddress::as_str);
                refuse(engine, who, "reapply", &refused, now).await
            }
        },
        What::RepAway { rep, back } => match engine.rep_away(rep, *back, now).await {
            Ok(()) => Ok(()),
            Err(HappenError::Failed(error)) => Err(error.into()),
            Err(refused) => refuse(engine, rep.as_str(), "rep_away", &refused, now).await,
        },
    }
}

/// What could not be so stands in the log like everything else.
async fn refuse(
    engine: &Engine,
    who: &str,
    event: &str,
    refused: &HappenError,
    now: Timestamp,
) -> Result<(), SimulationError> {
    let mut tx = engine.store().begin().await?;
    let lead = match who.parse() {
        Ok(address) => tx.lead_by_email(&address).await?.map(|lead| lead.id),
        Err(_) => None,
    };
    let facts = json!({ "event": event, "of": who, "why": refused.to_string() });
    let refusal = NewEvent {
        lead,
        occurred_at: now,
        recorded_at: now,
        kind: "refused",
        actor: None,
        playbook: Some(engine.rules().version.clone()),
        mail: None,
        facts,
    };
    tx.append(&[refusal]).await?;
    tx.commit().await?;
    Ok(())
}

/// Tells what the log has behind `after`.
async fn tell_since(
    engine: &Engine,
    mut after: EventId,
    tell: &mut impl FnMut(Line),
) -> Result<EventId, SimulationError> {
    const PAGE: i64 = 1_000;
    let mut tx = engine.store().read().await?;
    loop {
        let events = tx.events_after(after, PAGE).await?;
        let Some(last) = events.last() else {
            break;
        };
        after = last.id;
        for event in events {
            tell(line(&mut tx, event).await?);
        }
    }
    tx.rollback().await?;
    Ok(after)
}

/// An event with everything a reader wants to know of it.
///
/// # Errors
/// When the store fails.
pub async fn line(tx: &mut crate::store::Tx, event: Event) -> Result<Line, StoreError> {
    let lead = match event.lead {
        Some(id) => email_of(tx, id).await?,
        None => None,
    };
    let mut facts = event.facts.clone();
    // What somebody answered says for itself what it is.
    let is_answer = facts.get("via").is_some();
    if let (Some(facts), Some(mail)) = (facts.as_object_mut(), event.mail.filter(|_| !is_answer))
        && let Some(row) = tx.outbox_mail(mail).await?
    {
        for (name, value) in [
            ("class", Some(row.class.name().to_owned())),
            ("to", Some(row.recipient.to_string())),
            ("subject", row.subject),
            ("sequence", row.sequence),
            ("step", row.step),
            ("level", row.level),
        ] {
            if let Some(value) = value {
                facts.insert(name.to_owned(), json!(value));
            }
        }
    }
    if let Some(instead) = event.facts.get("instead").and_then(serde_json::Value::as_i64) {
        facts["instead"] = json!(email_of(tx, LeadId(instead)).await?);
    }
    if let (Some(facts), Some(actor)) = (facts.as_object_mut(), &event.actor) {
        facts.insert("by".to_owned(), json!(actor));
    }
    Ok(Line { at: event.occurred_at, kind: event.kind.clone(), lead, facts, event })
}

async fn email_of(tx: &mut crate::store::Tx, id: LeadId) -> Result<Option<String>, StoreError> {
    Ok(tx.leads(&[id]).await?.pop().map(|lead| lead.email.to_string()))
}
