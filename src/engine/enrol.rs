//! A lead enters a sequence, or leaves it.

use jiff::Timestamp;
use serde_json::json;

use super::facts::Behaviour;
use super::{Engine, Wake, deliver};
use crate::domain::agreement::{Reentry, Sequence};
use crate::domain::condition::EvaluationError;
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::domain::sequence::due;
use crate::store::{Enrolment, NewEnrolment, NewEvent, StoreError, Tx};

/// Whether a lead entered.
#[derive(Debug)]
pub(super) enum Entered {
    /// It did.
    Yes,
    /// It may not, for this reason.
    No(String),
}

impl Engine {
    /// Enrols a lead, which is in no sequence, in `name`, if that takes it. Says so in the event log.
    pub(super) async fn enrol(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
        behaviour: &Behaviour,
        name: &str,
        why: &str,
    ) -> Result<Entered, StoreError> {
        let Some(sequence) = wake.rules.sequences.get(name) else {
            return Ok(Entered::No(format!("the playbook has no sequence `{name}`")));
        };
        let (ever, in_round) = tx.entries(lead.id, name, lead.round).await?;
        let refused = match sequence.reentry {
            Reentry::Never if ever > 0 => Some("it was in it before"),
            Reentry::EachRound if in_round > 0 => Some("it was in it before in this round"),
            Reentry::Never | Reentry::EachRound | Reentry::Always => None,
        };
        if let Some(refused) = refused {
            return Ok(Entered::No(format!("`{name}` does not take it again: {refused}")));
        }
        match enters(sequence, behaviour, lead, wake.now) {
            Ok(true) => {}
            Ok(false) => return Ok(Entered::No(format!("`{name}` is not for it: {}", condition(sequence)))),
            Err(error) => {
                return Ok(Entered::No(format!("`{name}` cannot tell whether it may enter: {error}")));
            }
        }
        let hours = self.hours.mail(lead, &wake.rules.agreement, sequence.window.as_ref());
        let first = sequence.steps.first().and_then(|step| due(step, wake.now, &hours)).unwrap_or(wake.now);
        let held =
            self.announced.holds(wake, lead, name, sequence.steps.first()).filter(|from| *from > first);
        let enrolment = NewEnrolment {
            lead: lead.id,
            sequence: name.to_owned(),
            entry: ever + 1,
            round: lead.round,
            started_at: wake.now,
            due_at: held.unwrap_or(first),
        };
        if tx.insert_enrolment(&enrolment).await?.is_none() {
            return Ok(Entered::No("it is in a sequence already".to_owned()));
        }
        let mut facts = json!({ "sequence": name, "why": why });
        if let Some(from) = held {
            facts["not_before"] = json!(from.to_string());
        }
        tx.append(&[wake.event(lead.id, "enrolled", facts)]).await?;
        Ok(Entered::Yes)
    }

    /// Ends the sequence a lead is in, and drops what it has waiting in the outbox, except mail the lead
    /// asked for.
    pub(super) async fn end_sequence(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: LeadId,
        why: &str,
    ) -> Result<(), StoreError> {
        if let Some(enrolment) = tx.active_enrolment(lead).await? {
            self.end_enrolment(tx, wake, &enrolment, false, why).await?;
        }
        deliver::drop_waiting_mail(tx, wake, lead, why).await
    }

    /// Has a lead leave its sequence when the exit condition holds, mail that waits for the morning included. A
    /// condition that cannot be told is left to the next step, which says so.
    pub(super) async fn leave_if_it_exits(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
    ) -> Result<(), StoreError> {
        let enrolment = tx.active_enrolment(lead.id).await?;
        let sequence = enrolment.and_then(|enrolment| wake.rules.sequences.get(&enrolment.sequence));
        let Some(exit) = sequence.and_then(|sequence| sequence.exit.as_ref()) else {
            return Ok(());
        };
        let behaviour = Behaviour::load(tx, std::slice::from_ref(lead), wake.now).await?;
        if exit.holds(&behaviour.facts(lead, wake.now)).unwrap_or(false) {
            self.end_sequence(tx, wake, lead.id, &format!("exit: {}", exit.text())).await?;
        }
        Ok(())
    }

    /// Ends one enrolment and says so in the event log.
    pub(super) async fn end_enrolment(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        enrolment: &Enrolment,
        finished: bool,
        why: &str,
    ) -> Result<(), StoreError> {
        if tx.end_enrolment(enrolment.id, finished, why, wake.now).await? {
            let kind = if finished { "finished" } else { "exited" };
            let facts = json!({ "sequence": enrolment.sequence, "why": why });
            tx.append(&[wake.event(enrolment.lead, kind, facts)]).await?;
        }
        Ok(())
    }
}

fn enters(
    sequence: &Sequence,
    behaviour: &Behaviour,
    lead: &Lead,
    now: Timestamp,
) -> Result<bool, EvaluationError> {
    match &sequence.enter {
        Some(enter) => enter.holds(&behaviour.facts(lead, now)),
        None => Ok(true),
    }
}

fn condition(sequence: &Sequence) -> &str {
    sequence.enter.as_ref().map_or("", |enter| enter.text())
}

impl Wake {
    /// An event of this wake, about a lead.
    pub fn event(&self, lead: LeadId, kind: &'static str, facts: serde_json::Value) -> NewEvent {
        NewEvent {
            lead: Some(lead),
            occurred_at: self.now,
            recorded_at: self.now,
            kind,
            actor: None,
            playbook: Some(self.rules.version.clone()),
            mail: None,
            facts,
        }
    }

    /// A lead goes from one stage to another: changes it, and gives the event that says so.
    pub fn stage(&self, lead: &mut Lead, to: crate::domain::lead::Stage, why: &str) -> NewEvent {
        let from = lead.stage;
        lead.stage = to;
        lead.stage_at = self.now;
        self.event(lead.id, "stage", json!({ "from": from.name(), "to": to.name(), "why": why }))
    }
}
