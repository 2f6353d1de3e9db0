//! The next step of every sequence that has one due: planned into the outbox, skipped, or the end of it.
//!
//! What is planned here is asked again by the gate when it is sent; so this pass does not look at the
//! clock on the lead's wall, only at waits and conditions.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::json;

use super::duty::Duty;
use super::enrol::Entered;
use super::facts::Behaviour;
use super::pass::{PassError, PassReport};
use super::{Engine, Wake, staff_mail};
use crate::domain::agreement::{LateStep, Sequence, Step};
use crate::domain::condition::EvaluationError;
use crate::domain::ids::{EnrolmentId, LeadId};
use crate::domain::lead::Lead;
use crate::domain::mail::{Audience, MailClass, MailState};
use crate::domain::sequence::{due, late, next_step};
use crate::store::{Enrolment, NewEvent, NewMail, Tx};

/// Enrolments looked at in one transaction: enough that a wave is planned in few commits, few enough to
/// keep each under 50 ms on SQLite.
const BATCH: usize = 256;

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    if !engine.has(Duty::Nurture, wake.now).await? {
        return Ok(PassReport::default());
    }
    let turn = wake.turn();
    let mut report = PassReport::default();
    loop {
        let mut tx = engine.store.begin().await?;
        let due = tx.leads_with_due_enrolment(wake.now, BATCH as i64).await?;
        let leads = if due.is_empty() { Vec::new() } else { tx.lock_free_leads(&due, BATCH).await? };
        if leads.is_empty() || engine.is_stopping() {
            tx.rollback().await?;
            return Ok(report);
        }
        let batch = plan_batch(engine, &mut tx, wake, leads).await?;
        tx.commit().await?;
        report = report.and(batch);
        if turn.is_over() {
            return Ok(report);
        }
    }
}

/// Why a step is left out that was due during a standstill.
pub(super) const TOO_LATE: &str = "it is too late for it";

/// Why a step waits whose campaign is new or has changed.
const UNSEEN: &str = "the team has not had the time to read what its campaign writes";

/// What is to be written for a batch, gathered so that it is written in few statements.
#[derive(Default)]
struct Plan {
    mails: Vec<NewMail>,
    waiting: Vec<EnrolmentId>,
    events: Vec<NewEvent>,
    report: PassReport,
}

/// What becomes of an enrolment.
enum Next<'a> {
    /// This step, now.
    Step(&'a Step),
    /// Nothing before then.
    Later(Timestamp),
    /// This step, and not before then: the team is yet to see it.
    Held(&'a Step, Timestamp),
    /// It is through.
    Through,
    /// It leaves.
    Exit(String),
    /// Somebody has to look at it.
    Park(String),
}

async fn plan_batch(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    leads: Vec<Lead>,
) -> Result<PassReport, PassError> {
    let ids: Vec<LeadId> = leads.iter().map(|lead| lead.id).collect();
    let enrolments = tx.active_enrolments_of(&ids).await?;
    let enrolment_ids: Vec<EnrolmentId> = enrolments.iter().map(|enrolment| enrolment.id).collect();
    let mut had: HashMap<EnrolmentId, Vec<String>> = HashMap::new();
    for (enrolment, step) in tx.steps_had(&enrolment_ids).await? {
        had.entry(enrolment).or_default().push(step);
    }
    let behaviour = if enrolments.iter().any(|enrolment| asks_conditions(wake, enrolment)) {
        Behaviour::load(tx, &leads, wake.now).await?
    } else {
        Behaviour::default()
    };
    let leads: HashMap<LeadId, Lead> = leads.into_iter().map(|lead| (lead.id, lead)).collect();
    let mut plan = Plan::default();
    for enrolment in enrolments.iter().filter(|enrolment| enrolment.due_at.is_some_and(|due| due <= wake.now))
    {
        let Some(lead) = leads.get(&enrolment.lead) else {
            continue;
        };
        let mut had = had.remove(&enrolment.id).unwrap_or_default();
        plan_enrolment(engine, tx, wake, lead, enrolment, &mut had, &behaviour, &mut plan).await?;
    }
    tx.insert_mails(&plan.mails).await?;
    tx.await_send(&plan.waiting).await?;
    tx.append(&plan.events).await?;
    Ok(plan.report)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one enrolment and everything that bears on it; it has one caller"
)]
async fn plan_enrolment(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    enrolment: &Enrolment,
    had: &mut Vec<String>,
    behaviour: &Behaviour,
    plan: &mut Plan,
) -> Result<(), PassError> {
    let Some(sequence) = wake.rules.sequences.get(&enrolment.sequence) else {
        plan.report.done += 1;
        let why = "the playbook has this sequence no more";
        return Ok(engine.end_enrolment(tx, wake, enrolment, false, why).await?);
    };
    match next(engine, wake, lead, enrolment, sequence, had, behaviour, plan) {
        Next::Step(step) => {
            plan.mails.push(mail(wake, lead, enrolment, step, MailState::Pending));
            plan.waiting.push(enrolment.id);
            plan.report.done += 1;
        }
        Next::Later(at) => {
            tx.look_at_enrolment(enrolment.id, Some(at)).await?;
            plan.report.put_off += 1;
        }
        Next::Held(step, at) => {
            tx.look_at_enrolment(enrolment.id, Some(at)).await?;
            let (until, why) = (at.to_string(), UNSEEN);
            let facts = json!({ "sequence": sequence.name, "step": step.name, "until": until, "why": why });
            plan.events.push(wake.event(lead.id, "deferred", facts));
            plan.report.put_off += 1;
        }
        Next::Through => {
            engine.end_enrolment(tx, wake, enrolment, true, "through").await?;
            plan.report.done += 1;
            if let Some(then) = &sequence.then {
                let why = format!("follows `{}`", sequence.name);
                let behaviour = Behaviour::load(tx, std::slice::from_ref(lead), wake.now).await?;
                if let Entered::No(why) = engine.enrol(tx, wake, lead, &behaviour, then, &why).await? {
                    let facts = json!({ "sequence": then, "why": why });
                    tx.append(&[wake.event(lead.id, "not_enrolled", facts)]).await?;
                }
            }
        }
        Next::Exit(why) => {
            engine.end_enrolment(tx, wake, enrolment, false, &why).await?;
            plan.report.done += 1;
        }
        Next::Park(why) => {
            tx.look_at_enrolment(enrolment.id, None).await?;
            staff_mail::cannot_be_told(engine, tx, wake, lead, &why).await?;
            let facts = json!({ "sequence": sequence.name, "why": why });
            plan.events.push(wake.event(lead.id, "parked", facts));
            plan.report.parked += 1;
        }
    }
    Ok(())
}

#[expect(
    clippy::too_many_arguments,
    reason = "one enrolment and everything that bears on it; it has one caller"
)]
fn next<'a>(
    engine: &Engine,
    wake: &Wake,
    lead: &Lead,
    enrolment: &Enrolment,
    sequence: &'a Sequence,
    had: &mut Vec<String>,
    behaviour: &Behaviour,
    plan: &mut Plan,
) -> Next<'a> {
    let facts = behaviour.facts(lead, wake.now);
    let unknown = |what: &str, error: &EvaluationError| Next::Park(format!("{what} cannot be told: {error}"));
    match sequence.exit.as_ref().map(|exit| exit.holds(&facts)) {
        Some(Ok(true)) => {
            return Next::Exit(format!("exit: {}", sequence.exit.as_ref().map_or("", |exit| exit.text())));
        }
        Some(Err(error)) => return unknown("whether it exits", &error),
        Some(Ok(false)) | None => {}
    }
    let hours = engine.hours.mail(lead, &wake.rules.agreement, sequence.window.as_ref());
    let mut from = enrolment.last_sent_at.unwrap_or(enrolment.started_at);
    loop {
        let Some(step) = next_step(sequence, had) else {
            return Next::Through;
        };
        let Some(due_at) = due(step, from, &hours) else {
            return Next::Park(format!("step `{}` is never due: its hours never open", step.name));
        };
        if due_at > wake.now {
            return Next::Later(due_at);
        }
        // What was planned for later than the last mail would have it (anew, after a standstill; after a mail
        // that the playbook has no more) is late from then on only.
        let planned = enrolment.due_at.map_or(due_at, |planned| planned.max(due_at));
        let skip = match late(sequence.late, planned, wake.now) {
            Some(LateStep::Replan) if from < wake.now => {
                from = wake.now;
                continue;
            }
            Some(LateStep::Skip) => {
                // The others keep their distance from where it would have been.
                from = due_at;
                Some(TOO_LATE.to_owned())
            }
            Some(LateStep::Send | LateStep::Replan) | None => {
                match step.when.as_ref().map(|when| when.holds(&facts)) {
                    Some(Ok(false)) => Some(step.when.as_ref().map_or("", |when| when.text()).to_owned()),
                    Some(Err(error)) => {
                        return unknown(&format!("whether step `{}` applies", step.name), &error);
                    }
                    Some(Ok(true)) | None => None,
                }
            }
        };
        let Some(why) = skip else {
            let held = engine.announced.holds(wake, lead, &sequence.name, Some(step));
            return held.map_or(Next::Step(step), |at| Next::Held(step, at));
        };
        plan.mails.push(mail(wake, lead, enrolment, step, MailState::Skipped));
        let facts = json!({ "sequence": sequence.name, "step": step.name, "why": why });
        plan.events.push(wake.event(lead.id, "skipped", facts));
        had.push(step.name.clone());
    }
}

fn mail(wake: &Wake, lead: &Lead, enrolment: &Enrolment, step: &Step, state: MailState) -> NewMail {
    NewMail {
        audience: Audience::Lead,
        class: MailClass::Nurture,
        state,
        due_at: wake.now,
        lead: Some(lead.id),
        recipient: lead.email.clone(),
        unique_key: format!("step:{}:{}", enrolment.id, step.name),
        requested: step.at_once,
        playbook: wake.rules.version.clone(),
        enrolment: Some(enrolment.id),
        sequence: Some(enrolment.sequence.clone()),
        step: Some(step.name.clone()),
        level: None,
        subject: None,
        message: None,
        planned_at: wake.now,
    }
}

fn asks_conditions(wake: &Wake, enrolment: &Enrolment) -> bool {
    wake.rules.sequences.get(&enrolment.sequence).is_some_and(|sequence| {
        sequence.exit.is_some() || sequence.steps.iter().any(|step| step.when.is_some())
    })
}
