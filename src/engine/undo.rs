//! `nurtured undo`: what was taken for a lead's word is taken back.
//!
//! A machine that reads mail errs. Whatever a lead or its mailbox is taken to have said keeps what was so before; going
//! back to it lifts the suppressions that followed, has the sequence go on where it was, gives a lead back to marketing
//! that went to sales for its sake, and counts clocks as if it had never been said. The log keeps both entries.
//!
//! Only what still stands is changed: a later absence, a rep who has turned to the lead, another sequence win over what
//! was so before.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;

use super::happen::Said;
use super::pass::PassError;
use super::{Engine, Wake, hand_off, sla, staff_mail};
use crate::domain::contact::{Channel, Purpose, SuppressionReason};
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Consequences, Happening, Over};
use crate::domain::ids::{EnrolmentId, EventId};
use crate::domain::lead::{Lead, Stage};
use crate::domain::mail::{Audience, MailState};
use crate::store::{Event, StoreError, Tx};

/// How often is tried what another daemon got in the way of.
const TRIES: usize = 3;

/// Why a hand-off ends that came of a word that was none.
const IT_WAS_NO_WORD: &str = "what it was handed off for was taken back";

/// What was so before.
#[derive(Serialize, Deserialize)]
struct Before {
    stage: String,
    away_until: Option<Timestamp>,
    follow_up_at: Option<Timestamp>,
    due_at: Option<Timestamp>,
    next_sequence: Option<String>,
    round: i64,
    /// The sequence that ended with it.
    enrolment: Option<i64>,
    /// The stage that it moved the lead to.
    set_stage: Option<String>,
    /// It ended what the lead had said before of an absence, and of a day.
    ended: (bool, bool),
    /// What was set by it.
    set_away_until: Option<Timestamp>,
    set_follow_up_at: Option<Timestamp>,
}

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Whose word it was.
    pub lead: EmailAddress,
    /// What is so again, and what could not be, each as a sentence.
    pub words: Vec<String>,
}

/// Why nothing was taken back.
#[derive(Debug, Error)]
pub enum UndoError {
    /// There is no such entry.
    #[error("there is no entry {0} in the log; `nurtured why LEAD` shows their numbers")]
    Unknown(EventId),
    /// It was done before.
    #[error("entry {0} was taken back before")]
    Before(EventId),
    /// It is no word of a lead.
    #[error(
        "entry {event} (`{kind}`) cannot be taken back: only what a lead or its mailbox was taken to have said can; \
         what a person said is changed by saying otherwise"
    )]
    NoWord {
        /// Which.
        event: EventId,
        /// What it is.
        kind: String,
    },
    /// The engine failed, and nothing was done.
    #[error(transparent)]
    Failed(#[from] PassError),
}

impl From<StoreError> for UndoError {
    fn from(error: StoreError) -> UndoError {
        UndoError::Failed(error.into())
    }
}

/// Whether a happening is what a lead or its mailbox was taken to have said.
pub(super) fn can_be_undone(happening: &Happening, said: &Said) -> bool {
    said.read_from.is_some()
        && matches!(
            happening,
            Happening::Replied
                | Happening::Away { .. }
                | Happening::FollowUp { .. }
                | Happening::Bounced(_)
                | Happening::Complained
                | Happening::Unsubscribed
                | Happening::LeftCompany
        )
}

/// Keeps what is so before a happening has its consequences.
pub(super) async fn keep(
    tx: &mut Tx,
    lead: &Lead,
    followed: &Consequences,
    event: EventId,
) -> Result<(), PassError> {
    let ends = followed.sequence_ends.is_some();
    let enrolment = if ends { tx.active_enrolment(lead.id).await? } else { None };
    let before = Before {
        stage: lead.stage.name().to_owned(),
        away_until: lead.away_until,
        follow_up_at: lead.follow_up_at,
        due_at: lead.due_at,
        next_sequence: lead.next_sequence.clone(),
        round: lead.round,
        enrolment: enrolment.map(|enrolment| enrolment.id.0),
        set_stage: followed.stages.last().map(|(stage, _)| stage.name().to_owned()),
        ended: (followed.over != Over::Nothing, followed.over == Over::AllOfIt),
        set_away_until: followed.away_until,
        set_follow_up_at: followed.follow_up_at,
    };
    tx.keep_for_undo(event, lead.id, &json!(before)).await?;
    Ok(())
}

impl Engine {
    /// Takes back what a lead was taken to have said; `by` is who says that it was wrong.
    ///
    /// # Errors
    /// Why it cannot be, in words that can be shown; then nothing was changed.
    pub async fn undo(
        &self,
        event: EventId,
        by: Option<&EmailAddress>,
        now: Timestamp,
    ) -> Result<Undone, UndoError> {
        let mut tries = 1;
        loop {
            let mut tx = self.store.begin().await?;
            match self.undo_in(&mut tx, event, by, now).await {
                Ok(undone) => {
                    tx.commit().await?;
                    self.wake_up();
                    return Ok(undone);
                }
                Err(UndoError::Failed(PassError::Store(error))) if error.lost_a_race() && tries < TRIES => {
                    tries += 1;
                }
                Err(error) => {
                    tx.rollback().await?;
                    return Err(error);
                }
            }
        }
    }

    async fn undo_in(
        &self,
        tx: &mut Tx,
        id: EventId,
        by: Option<&EmailAddress>,
        now: Timestamp,
    ) -> Result<Undone, UndoError> {
        let wake = self.wake_at(now);
        let event = tx.event(id).await?.ok_or(UndoError::Unknown(id))?;
        let no_word = || UndoError::NoWord { event: id, kind: event.kind.clone() };
        let lead = event.lead.ok_or_else(no_word)?;
        let mut lead = tx.lock_leads(&[lead]).await?.pop().ok_or_else(no_word)?;
        let Some(before) = tx.kept_for_undo(id).await? else {
            return Err(if tx.is_undone(id).await? { UndoError::Before(id) } else { no_word() });
        };
        let before: Before = serde_json::from_value(before).map_err(|error| StoreError::Inconsistent {
            table: "undo",
            id: id.0,
            what: error.to_string(),
        })?;
        tx.mark_undone(id, now).await?;
        let mut words = Vec::new();
        lift(tx, &wake, &lead, id, &mut words).await?;
        not_over_after_all(tx, &lead, &event, now).await?;
        restore_days(&mut lead, &before, &mut words);
        let may_go_on = self.restore_stage(tx, &wake, &mut lead, &before, &event, &mut words).await?;
        tx.save_lead(&lead).await?;
        let forbids = |reason: SuppressionReason| reason.forbids(Channel::Email, Purpose::Nurture);
        let is_shut = tx.suppressions(&lead.email).await?.iter().any(|row| forbids(row.reason));
        if let (Some(enrolment), true) = (before.enrolment.map(EnrolmentId), may_go_on && !is_shut) {
            self.go_on_with(tx, &wake, &lead, enrolment, &event, &mut words).await?;
        }
        sla::recount(tx, &wake, &lead).await?;
        let mut entry = wake.event(
            lead.id,
            "undone",
            json!({ "what": event.kind, "since": event.recorded_at.to_string() }),
        );
        entry.actor = by.map(|by| by.as_str().to_owned());
        tx.append(&[entry]).await?;
        if words.is_empty() {
            words.push("Nothing had followed from it; it does not count any more.".to_owned());
        }
        Ok(Undone { lead: lead.email, words })
    }

    /// Has a lead that went to sales, or waits for it, for the sake of it go back to where it was; whether it is there.
    async fn restore_stage(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        before: &Before,
        event: &Event,
        words: &mut Vec<String>,
    ) -> Result<bool, PassError> {
        let stage: Stage = before.stage.parse().map_err(|_| StoreError::Inconsistent {
            table: "undo",
            id: event.id.0,
            what: format!("`{}` is no stage", before.stage),
        })?;
        if stage == lead.stage {
            return Ok(true);
        }
        // What it did not move it does not move back.
        if before.set_stage.is_none() {
            return Ok(!lead.stage.sales_has_the_word());
        }
        let undone = tx.undone_events(lead.id).await?;
        let replies = tx.events_of_kind(lead.id, "replied").await?;
        if replies.iter().any(|reply| reply.id > event.id && !undone.contains(&reply.id)) {
            words.push(format!("It has written since, and stays {}.", lead.stage.name().replace('_', " ")));
            return Ok(false);
        }
        if stage.sales_has_the_word() || lead.round > before.round + 1 {
            words.push(format!("It has gone on since, and stays {}.", lead.stage.name().replace('_', " ")));
            return Ok(false);
        }
        let hand_off = tx.open_hand_off(lead.id).await?;
        match hand_off {
            None if lead.stage == Stage::Qualified => {}
            Some(hand_off) if lead.stage == Stage::HandedOff && hand_off.at >= event.recorded_at => {
                sla::close_all(tx, wake, lead.id, IT_WAS_NO_WORD).await?;
                hand_off::end(tx, wake, &hand_off, IT_WAS_NO_WORD).await?;
                let told = "This lead is no longer yours: it had not written to us after all. Please do not call or \
                            write to them.";
                let key = format!("undone:{}", event.id);
                staff_mail::notice(self, tx, wake, lead, &hand_off.rep, told, &key).await?;
                lead.owner = None;
                words.push("It was handed to a rep for the sake of it, who is told to leave it.".to_owned());
            }
            _ => {
                words.push(format!(
                    "It stays {}, because somebody has turned to it since.",
                    lead.stage.name().replace('_', " ")
                ));
                return Ok(false);
            }
        }
        let entry = wake.stage(lead, stage, "what it was taken to have said was taken back");
        lead.round = before.round;
        lead.due_at = before.due_at.map(|at| at.max(wake.now));
        lead.next_sequence.clone_from(&before.next_sequence);
        tx.append(&[entry]).await?;
        words.push(format!("It is {} again.", stage.name().replace('_', " ")));
        Ok(true)
    }

    /// Has the sequence go on that ended, with the mail that was waiting.
    async fn go_on_with(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
        enrolment: EnrolmentId,
        event: &Event,
        words: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let waiting: Vec<_> = tx
            .mails_of(lead.id)
            .await?
            .into_iter()
            .filter(|mail| {
                mail.audience == Audience::Lead
                    && mail.state == MailState::Dropped
                    && mail.enrolment == Some(enrolment)
                    && mail.ended_at == Some(event.recorded_at)
            })
            .collect();
        let due_at = if waiting.is_empty() { Some(wake.now) } else { None };
        if !tx.reopen_enrolment(enrolment, due_at).await? {
            words
                .push("The sequence that it was in does not go on, because it is in another one.".to_owned());
            return Ok(());
        }
        for mail in waiting {
            tx.send_mail_again(mail.id, MailState::Dropped, wake.now, "what stopped it was taken back")
                .await?;
        }
        words.push("Its sequence goes on where it was.".to_owned());
        Ok(())
    }
}

/// The kind of entry by which an address comes to be suppressed for a reason.
fn said_by(reason: SuppressionReason) -> &'static str {
    match reason {
        SuppressionReason::HardBounce | SuppressionReason::SoftBounces => "bounced",
        SuppressionReason::Unsubscribed => "unsubscribed",
        SuppressionReason::Complaint => "complained",
        SuppressionReason::LeftCompany => "left_company",
        SuppressionReason::DoNotCall | SuppressionReason::DoNotContact | SuppressionReason::Erased => {
            "suppressed"
        }
    }
}

/// Lifts what was suppressed for the sake of it.
async fn lift(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    id: EventId,
    words: &mut Vec<String>,
) -> Result<(), StoreError> {
    let evidence = format!("event {id}");
    let undone = tx.undone_events(lead.id).await?;
    let events = tx.events_of(lead.id).await?;
    for row in tx.suppressions(&lead.email).await? {
        let kind = said_by(row.reason);
        let again = |one: &&Event| one.kind == kind && one.id > id && !undone.contains(&one.id);
        if row.evidence.as_deref() == Some(&evidence) && events.iter().any(|one| again(&one)) {
            words.push(format!("It stays so, because it was said again since: {}.", row.reason.label()));
            continue;
        }
        if row.evidence.as_deref() == Some(&evidence) && tx.lift_suppression(&lead.email, row.reason).await? {
            let why = row.reason.label();
            tx.append(&[wake.event(lead.id, "suppression_lifted", json!({ "why": why }))]).await?;
            words.push(format!("It may be contacted again; it was so because: {why}."));
        }
    }
    Ok(())
}

/// Whoever turned to us was taken to be there: what was noted of that does not count either.
async fn not_over_after_all(
    tx: &mut Tx,
    lead: &Lead,
    event: &Event,
    now: Timestamp,
) -> Result<(), StoreError> {
    let over = |one: &&Event| {
        one.id > event.id && one.recorded_at == event.recorded_at && one.facts.get("over").is_some()
    };
    for one in tx.events_of(lead.id).await?.iter().filter(over) {
        tx.keep_for_undo(one.id, lead.id, &json!({})).await?;
        tx.mark_undone(one.id, now).await?;
    }
    Ok(())
}

/// Has the lead be away, or wait for a day, as it did before, unless something else was said since.
fn restore_days(lead: &mut Lead, before: &Before, words: &mut Vec<String>) {
    let stands = |now: Option<Timestamp>, set: Option<Timestamp>, ended: bool| match set {
        Some(_) => now == set,
        None => ended && now.is_none(),
    };
    if stands(lead.away_until, before.set_away_until, before.ended.0) && lead.away_until != before.away_until
    {
        lead.away_until = before.away_until;
        words.push(match before.away_until {
            Some(_) => "It is away as it was before.".to_owned(),
            None => "It is not away any more.".to_owned(),
        });
    }
    if stands(lead.follow_up_at, before.set_follow_up_at, before.ended.1)
        && lead.follow_up_at != before.follow_up_at
    {
        lead.follow_up_at = before.follow_up_at;
        words.push("The day on which it wanted to hear from us is what it was before.".to_owned());
    }
}
