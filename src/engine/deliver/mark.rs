//! What became of a batch is written: for all of it at once, and under the lease it was sent under.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::json;

use super::super::pass::{PassError, PassReport};
use super::super::{Engine, Wake, staff_mail};
use super::claim::brake_day;
use super::{Batch, Tried, Unsent, again_at};
use crate::domain::backoff;
use crate::domain::happening::{Bounce, Happening};
use crate::domain::ids::OutboxId;
use crate::domain::lead::Lead;
use crate::domain::mail::{Audience, MailState};
use crate::domain::sequence::{due, next_step};
use crate::mail::transport::{Outcome, Scope};
use crate::store::{Advance, NewEvent, OutboxMail, SentMail, Tx};

/// Whether all of a batch was accepted, and nothing else has to be thought of.
pub(super) fn is_smooth(batch: &Batch) -> bool {
    batch.tried.iter().all(|tried| matches!(tried.result, Ok(Outcome::Accepted { .. })))
}

/// Writes that all of a batch was accepted, as the first thing in a transaction: the leads are locked here.
pub(super) async fn smooth(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    batch: &Batch,
) -> Result<PassReport, PassError> {
    lock_leads_of(tx, &batch.tried).await?;
    let accepted: Vec<&Tried> = batch.tried.iter().collect();
    sent(engine, tx, wake, batch.token, &accepted, batch.at).await?;
    Ok(PassReport { done: accepted.len() as u64, ..PassReport::default() })
}

/// Writes what became of a batch, all of it or nothing. Written twice, the second time changes nothing.
///
/// # Errors
/// [`PassError::Transport`] when all of it is written, and the transport as a whole did not work.
pub(super) async fn results(engine: &Engine, wake: &Wake, batch: &Batch) -> Result<PassReport, PassError> {
    let Batch { token, at: now, tried, .. } = batch;
    let (token, now) = (*token, *now);
    let mut report = PassReport::default();
    let transport_trouble = tried.iter().find_map(Tried::transport_trouble);
    // Nothing is learnt about a mail that meets a transport which does not work, nor about those behind it; they
    // go as soon as it works again.
    let again = if transport_trouble.is_some() { engine.delivery.in_trouble(now) } else { now };
    let mut unsent = 0;
    let mut tx = engine.store.begin().await?;
    lock_leads_of(&mut tx, tried).await?;
    let accepted: Vec<&Tried> =
        tried.iter().filter(|tried| matches!(tried.result, Ok(Outcome::Accepted { .. }))).collect();
    report.done += accepted.len() as u64;
    sent(engine, &mut tx, wake, token, &accepted, now).await?;
    for Tried { mail, result, .. } in tried {
        let row = &mail.row;
        match result {
            Ok(Outcome::Accepted { .. }) => {}
            Ok(Outcome::InDoubt { reply }) if row.audience == Audience::Lead => {
                if tx.mark_ended(token, row.id, MailState::InDoubt, reply.unmasked(), now).await? {
                    fell_into_doubt(engine, &mut tx, wake, row, mail.lead.as_ref(), now).await?;
                    report.parked += 1;
                }
            }
            Ok(
                Outcome::Deferred { reply, scope: Scope::Transport }
                | Outcome::Refused { reply, scope: Scope::Transport },
            ) => {
                unsent += give_back(&mut tx, token, row, again, reply.unmasked()).await?;
                report.put_off += 1;
            }
            Err(Unsent::NotTried(why)) => {
                unsent += give_back(&mut tx, token, row, again, why).await?;
                report.put_off += 1;
            }
            // Mail to staff that may have arrived goes again; not at once, or a server that never answers
            // would have a rep's mailbox filled with copies.
            Ok(Outcome::Deferred { reply, .. } | Outcome::InDoubt { reply })
                if row.attempts + 1 < backoff::MOST_ATTEMPTS =>
            {
                let again = again_at(now, row.attempts + 1);
                if tx.mark_later(token, row.id, again, reply.unmasked()).await? {
                    tx.free_slot(row.id).await?;
                    unsent += i64::from(row.audience == Audience::Lead);
                }
                report.put_off += 1;
            }
            Ok(Outcome::Refused { reply, scope: Scope::Address }) if row.audience == Audience::Lead => {
                if tx.mark_ended(token, row.id, MailState::Dropped, reply.unmasked(), now).await? {
                    tx.free_slot(row.id).await?;
                    let facts =
                        json!({ "sequence": row.sequence, "step": row.step, "why": reply.to_string() });
                    tx.append(&[about(wake, row, "dropped", facts)]).await?;
                    // In this transaction: a crash must not leave the sequence waiting for a mail that is gone.
                    let bounced = Happening::Bounced(Bounce::Permanent);
                    engine.happened_by_mail(&mut tx, wake, &row.recipient, &bounced).await?;
                    report.done += 1;
                }
            }
            Ok(
                Outcome::Deferred { reply, .. } | Outcome::Refused { reply, .. } | Outcome::InDoubt { reply },
            ) => {
                park(engine, &mut tx, wake, token, row, reply.unmasked(), &reply.to_string(), now).await?;
                report.parked += 1;
            }
            Err(Unsent::Unwritable(why)) => {
                park(engine, &mut tx, wake, token, row, why, why, now).await?;
                report.parked += 1;
            }
        }
    }
    if unsent > 0 {
        // A mail that is tried again would otherwise be counted each time, and pull the brake.
        tx.count_lead_mails(brake_day(wake), -unsent).await?;
    }
    tx.commit().await?;
    match transport_trouble {
        Some(why) => Err(PassError::Transport(why)),
        None => {
            if report.done > 0 {
                engine.delivery.works();
            }
            Ok(report)
        }
    }
}

/// A mail of which nothing was learnt is as if it had never been claimed. Gives how many mails to leads that
/// takes from the day's count.
async fn give_back(
    tx: &mut Tx,
    token: i64,
    row: &OutboxMail,
    due_at: Timestamp,
    why: &str,
) -> Result<i64, PassError> {
    if !tx.give_back_mail(token, row.id, due_at, why).await? {
        return Ok(0);
    }
    tx.free_slot(row.id).await?;
    Ok(i64::from(row.audience == Audience::Lead))
}

impl Tried {
    /// What was said of the transport as a whole, if it did not work.
    fn transport_trouble(&self) -> Option<String> {
        match &self.result {
            Ok(
                Outcome::Deferred { reply, scope: Scope::Transport }
                | Outcome::Refused { reply, scope: Scope::Transport },
            ) => Some(reply.to_string()),
            _ => None,
        }
    }
}

/// Leads are locked before their mails are marked, in the order in which everybody locks them.
async fn lock_leads_of(tx: &mut Tx, tried: &[Tried]) -> Result<(), PassError> {
    // Also those that staff mail is about: the event that tells of it names the lead.
    let mut leads: Vec<_> = tried.iter().filter_map(|tried| tried.mail.row.lead).collect();
    leads.sort_unstable();
    leads.dedup();
    if !leads.is_empty() {
        tx.lock_rows_of_leads(&leads).await?;
    }
    Ok(())
}

async fn sent(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    token: i64,
    accepted: &[&Tried],
    now: Timestamp,
) -> Result<(), PassError> {
    if accepted.is_empty() {
        return Ok(());
    }
    let rows: Vec<SentMail> = accepted
        .iter()
        .map(|tried| SentMail { id: tried.mail.row.id, subject: tried.subject.clone(), at: now })
        .collect();
    let marked: HashSet<OutboxId> = tx.mark_sent(token, &rows).await?.into_iter().collect();
    let mut events = Vec::with_capacity(accepted.len());
    let mut advances = Vec::with_capacity(accepted.len());
    for tried in accepted.iter().filter(|tried| marked.contains(&tried.mail.row.id)) {
        let row = &tried.mail.row;
        events.push(NewEvent { occurred_at: now, recorded_at: now, ..about(wake, row, "mail", json!({})) });
        if let Some(lead) = &tried.mail.lead {
            advances.extend(step_on(engine, wake, row, lead, Some(now)));
        }
    }
    tx.append(&events).await?;
    tx.advance_enrolments(&advances).await?;
    Ok(())
}

/// A mail to a lead may or may not have left. It counts as sent, so that the lead never gets it twice and is
/// not stuck, until a person says otherwise.
pub(in crate::engine) async fn fell_into_doubt(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    row: &OutboxMail,
    lead: Option<&Lead>,
    now: Timestamp,
) -> Result<(), PassError> {
    let facts = json!({ "sequence": row.sequence, "step": row.step });
    tx.append(&[about(wake, row, "in_doubt", facts)]).await?;
    if let Some(lead) = lead {
        let advance: Vec<Advance> = step_on(engine, wake, row, lead, Some(now)).into_iter().collect();
        tx.advance_enrolments(&advance).await?;
    }
    Ok(())
}

/// Where a step that has left leads: when the next one has to be looked at.
fn step_on(
    engine: &Engine,
    wake: &Wake,
    row: &OutboxMail,
    lead: &Lead,
    sent_at: Option<Timestamp>,
) -> Option<Advance> {
    let enrolment = row.enrolment?;
    let from = sent_at.unwrap_or(wake.now);
    let sequence = row.sequence.as_ref().and_then(|name| wake.rules.sequences.get(name));
    let due_at = sequence
        .and_then(|sequence| {
            let step = next_step(sequence, std::slice::from_ref(row.step.as_ref()?))?;
            let hours = engine.hours.mail(lead, &wake.rules.agreement, sequence.window.as_ref());
            due(step, from, &hours)
        })
        .unwrap_or(from);
    Some(Advance { enrolment, sent_at, due_at })
}

#[expect(clippy::too_many_arguments, reason = "one mail and what became of it; every caller is in this file")]
async fn park(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    token: i64,
    row: &OutboxMail,
    why: &str,
    shown: &str,
    now: Timestamp,
) -> Result<(), PassError> {
    if tx.mark_ended(token, row.id, MailState::Parked, why, now).await? {
        tx.free_slot(row.id).await?;
        tracing::warn!(outbox.id = row.id.0, "a mail needs a person (nurtured outbox --parked): {shown}");
        let facts = json!({ "sequence": row.sequence, "step": row.step, "why": shown });
        tx.append(&[about(wake, row, "parked", facts)]).await?;
        if engine.identity.operator.as_ref() != Some(&row.recipient) {
            // Once a day: whoever looks at one of them sees them all.
            let key = format!("parked:{}", brake_day(wake));
            let words = "a mail could not be sent and needs a person. Look with `nurtured outbox --parked`.";
            staff_mail::operator(engine, tx, wake, words, &key).await?;
        }
    }
    Ok(())
}

fn about(wake: &Wake, row: &OutboxMail, kind: &'static str, facts: serde_json::Value) -> NewEvent {
    NewEvent {
        lead: row.lead,
        occurred_at: wake.now,
        recorded_at: wake.now,
        kind,
        actor: None,
        playbook: Some(row.playbook.clone()),
        mail: Some(row.id),
        facts,
    }
}
