//! Two records turn out to be one person: the double ends, and all that is known of it becomes the other's.
//!
//! It is done in one transaction that holds both leads, locked in the order of all locks, so that nothing comes in
//! for either of them meanwhile. No touch is lost, no refusal is forgotten, and no step of a sequence goes to the
//! same person a second time under the other address.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::happen::{HappenError, Said};
use super::super::pass::PassError;
use super::super::{Engine, Wake, deliver, sla, staff_mail};
use super::came_back;
use super::dispute::{Tell, is_moot};
use crate::domain::agreement::{AfterReason, Agreement, Reason};
use crate::domain::contact::{Channel, Purpose};
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Happening, Outcome, Refusal, double as becomes_double};
use crate::domain::ids::LeadId;
use crate::domain::lead::{Lead, Stage};
use crate::domain::mail::{Audience, MailClass, MailState};
use crate::domain::recycle::{Refused, absorb, goes_with_the_person, may_merge};
use crate::domain::sla::PromiseKind;
use crate::domain::sla::course::Ending;
use crate::problem::nearest;
use crate::store::{Enrolment, HandOff, NewEvent, NewMail, StoreError, Tx};

/// How often it is tried while another daemon gets in the way.
const TRIES: usize = 3;

/// Why something ends that was a double's.
const MERGED: &str = "it was merged";

impl Engine {
    /// The lead at `email` is given back as a double of the one at `of`, for `reason`, which has to be one that
    /// merges. Gives the lead that goes on.
    ///
    /// # Errors
    /// [`HappenError::Refused`] says in words that can be shown why it cannot be so; then nothing was changed.
    pub(super) async fn merge(
        &self,
        email: &EmailAddress,
        of: &EmailAddress,
        reason: &str,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        let mut tries = 1;
        loop {
            match self.try_to_merge(email, of, reason, said, now).await {
                Err(HappenError::Failed(PassError::Store(error))) if error.lost_a_race() && tries < TRIES => {
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    async fn try_to_merge(
        &self,
        email: &EmailAddress,
        of: &EmailAddress,
        reason: &str,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        let wake = self.wake_at(now);
        let reason = merging(&wake.rules.agreement, reason)?;
        let mut tx = self.store.begin().await?;
        tx.lock_persons_by_email(&[email, of]).await?;
        // The double itself, but whatever lead the other has become, maybe while its lock was waited for.
        let (double, other) = (tx.lock_lead_by_email(email).await?, tx.lock_person_by_email(of).await?);
        let mut double = double.ok_or_else(|| HappenError::UnknownLead(email.clone()))?;
        let mut other = other.ok_or_else(|| HappenError::UnknownLead(of.clone()))?;
        if let Some(into) = tx.merged_into(double.id).await? {
            let into = tx.leads(&[into]).await?.pop();
            let into = into.map_or_else(|| of.clone(), |lead| lead.email);
            return Err(Refusal::from(Refused::MergedBefore(into)).into());
        }
        may_merge(&double, &other, said.by.as_ref(), &wake.rules.agreement).map_err(Refusal::from)?;
        let has_it = double.owner.clone().filter(|_| double.stage.is_open_with_rep());
        let was_with = match has_it {
            Some(rep) => Some(rep),
            None => gave_it_back(&mut tx, &wake.rules.agreement, &double, &other).await?,
        };
        let was_with = was_with.map(|rep| (rep, double.campaign.clone()));

        let followed = becomes_double(&double, reason);
        let happening = Happening::Rejected { reason: reason.name.clone() };
        self.follow(&mut tx, &wake, &mut double, &happening, said, &followed).await?;
        double.due_at = None;
        double.next_sequence = None;
        double.follow_up_at = None;
        double.owner = None;
        tx.save_lead(&double).await?;
        end_what_outlives(self, &mut tx, &wake, &double).await?;
        let mut same_person = tx.doubles_of(double.id).await?;
        same_person.push(double.id);

        let moved = tx.merge_lead(double.id, other.id, now).await?;
        let facts = json!({
            "touches": moved.touches,
            "answers": moved.answers,
            "activities": moved.activities,
        });
        let merged = NewEvent {
            actor: said.by.as_ref().map(|by| by.as_str().to_owned()),
            ..wake.event(other.id, "merged", facts)
        };
        tx.append_with_text(&merged, Some(double.email.as_str())).await?;
        let pointer = wake.event(double.id, "merged_into", json!({}));
        tx.append_with_text(&pointer, Some(other.email.as_str())).await?;
        self.spare_what_they_had(&mut tx, &wake, &same_person, &other).await?;
        for enrolment in tx.enrolments_of(double.id).await? {
            let (ever, _) = tx.entries(other.id, &enrolment.sequence, other.round).await?;
            tx.move_enrolment(enrolment.id, other.id, ever + 1, other.round).await?;
        }
        self.keep_refusals(&mut tx, &wake, &double, &other).await?;
        absorb(&mut other, &double);
        go_on(self, &mut tx, &wake, &mut other, was_with).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(other)
    }

    /// No step that the double had, or may have had, under this address or that of a double of its own, goes to the
    /// other one.
    async fn spare_what_they_had(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        doubles: &[LeadId],
        other: &Lead,
    ) -> Result<(), StoreError> {
        let Some(running) = tx.active_enrolment(other.id).await? else {
            return Ok(());
        };
        for double in doubles {
            for step in tx.steps_sent(*double, &running.sequence).await? {
                self.spare(tx, wake, other, &running, &step).await?;
            }
        }
        Ok(())
    }

    async fn spare(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
        enrolment: &Enrolment,
        step: &str,
    ) -> Result<(), StoreError> {
        const WHY: &str = "it was sent to a double of this lead";
        let planned = tx
            .mails_of(lead.id)
            .await?
            .into_iter()
            .find(|mail| mail.enrolment == Some(enrolment.id) && mail.step.as_deref() == Some(step));
        let facts = json!({ "sequence": enrolment.sequence, "step": step, "why": WHY });
        match planned {
            Some(mail) if mail.state == MailState::Pending => {
                if tx.settle_mail(mail.id, MailState::Pending, MailState::Dropped, WHY, wake.now).await? {
                    tx.append(&[wake.event(lead.id, "dropped", facts)]).await?;
                    tx.look_at_enrolment(enrolment.id, Some(wake.now)).await?;
                }
            }
            Some(_) => {}
            None => {
                let skipped = NewMail {
                    audience: Audience::Lead,
                    class: MailClass::Nurture,
                    state: MailState::Skipped,
                    due_at: wake.now,
                    lead: Some(lead.id),
                    recipient: lead.email.clone(),
                    unique_key: format!("step:{}:{step}", enrolment.id),
                    requested: false,
                    playbook: wake.rules.version.clone(),
                    enrolment: Some(enrolment.id),
                    sequence: Some(enrolment.sequence.clone()),
                    step: Some(step.to_owned()),
                    level: None,
                    subject: None,
                    message: None,
                    planned_at: wake.now,
                };
                tx.insert_mails(&[skipped]).await?;
                tx.append(&[wake.event(lead.id, "skipped", facts)]).await?;
            }
        }
        Ok(())
    }

    /// Whoever said no under one address has said no.
    async fn keep_refusals(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        double: &Lead,
        other: &Lead,
    ) -> Result<(), StoreError> {
        for suppression in tx.suppressions(&double.email).await? {
            let reason = suppression.reason;
            if goes_with_the_person(reason)
                && tx.suppress(&other.email, reason, Some("said by a double of this lead"), wake.now).await?
            {
                tx.append(&[wake.event(other.id, "suppressed", json!({ "why": reason.label() }))]).await?;
                // Whoever wants no calls may want the mail.
                if reason.forbids(Channel::Email, Purpose::Nurture) {
                    self.end_sequence(tx, wake, other.id, reason.label()).await?;
                }
            }
        }
        Ok(())
    }
}

/// Whatever would go on for a record that ends: mail that waits for it, also such as it asked for or somebody looks
/// at, what marketing has to do or to find out about it, and what is owed after a hand-off. Nobody could keep it any more, because
/// what is said from now on is said of the other one.
async fn end_what_outlives(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    double: &Lead,
) -> Result<(), PassError> {
    deliver::drop_all_waiting_mail(tx, wake, double.id, MERGED).await?;
    tx.close_work_item(double.id, MERGED, wake.now).await?;
    tx.lead_is_complete(double.id).await?;
    let ends = [(PromiseKind::Feedback, Ending::Closed)];
    sla::stop_kinds(tx, wake, double.id, &ends, MERGED, wake.now).await?;
    is_moot(engine, tx, wake, double, MERGED, Tell::Both).await
}

/// Who gave the double back as one without saying of whom: sales was to call, and nobody has turned to the person
/// since. Where somebody of sales has had the other lead meanwhile, that counts.
async fn gave_it_back(
    tx: &mut Tx,
    agreement: &Agreement,
    double: &Lead,
    other: &Lead,
) -> Result<Option<EmailAddress>, StoreError> {
    let merges =
        |reason: &str| agreement.reasons.get(reason).is_some_and(|reason| reason.then == AfterReason::Merge);
    let last = tx.last_given_back(double.id).await?;
    let Some(last) = last.filter(|last| double.stage == Stage::Disqualified && merges(&last.reason)) else {
        return Ok(None);
    };
    let meanwhile = tx.hand_offs_of(other.id).await?.iter().any(|hand_off| hand_off.at >= last.at);
    Ok(tx.hand_off(last.hand_off).await?.filter(|_| !meanwhile).map(|hand_off| hand_off.rep))
}

/// The other lead goes on, with what it has learned. If the double was with a rep, somebody was ready for sales: so
/// is the other, unless sales has it or it is no lead any more.
async fn go_on(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    was_with: Option<(EmailAddress, Option<String>)>,
) -> Result<(), PassError> {
    let now = wake.now;
    if lead.stage.sales_has_the_word() {
        tx.save_lead(lead).await?;
        let said_by = was_with.map(|(rep, _)| rep);
        if let Some(owner) = lead.owner.clone().filter(|owner| said_by.as_ref() != Some(owner)) {
            let words = "Another record of the same person was merged into this one: whatever they said and did \
                         there counts here, too.";
            let doubles = tx.doubles_of(lead.id).await?.len();
            let key = format!("merged:{}:{doubles}", lead.id);
            staff_mail::notice(engine, tx, wake, lead, &owner, words, &key).await?;
        }
        return Ok(());
    }
    match was_with.filter(|_| lead.stage != Stage::Disqualified) {
        Some((rep, campaign)) => {
            engine.end_sequence(tx, wake, lead.id, "its double was with sales").await?;
            if lead.stage.is_given_up() {
                lead.round += 1;
                lead.next_sequence = None;
            }
            // What it asked for last counts.
            lead.campaign = campaign.or(lead.campaign.take());
            let was_given_up = lead.stage.is_given_up();
            let event = wake.stage(lead, Stage::Qualified, "its double was with sales");
            tx.append(&[event]).await?;
            lead.due_at = Some(now);
            if was_given_up {
                came_back(engine, tx, wake, lead).await?;
            }
            lead.owner = Some(rep);
        }
        None if lead.stage.is_nurtured() => lead.due_at = Some(now),
        None => {}
    }
    tx.save_lead(lead).await?;
    Ok(())
}

/// Whether `rep` has talked to a double of this lead and then said that it is one: the lead was ready at
/// `qualified_at` because of that.
pub(in crate::engine) async fn talked_to_its_double(
    tx: &mut Tx,
    lead: LeadId,
    rep: &EmailAddress,
    qualified_at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(double) = tx.doubles_of(lead).await?.pop() else { return Ok(false) };
    let is_theirs = |last: &HandOff| last.rep == *rep && last.ended_at == Some(qualified_at);
    let Some(last) = tx.hand_offs_of(double).await?.pop().filter(is_theirs) else { return Ok(false) };
    let events = tx.events_of(double).await?;
    Ok(events.iter().filter(|event| event.occurred_at >= last.at).any(|event| {
        let outcome = event.facts.get("outcome").and_then(Value::as_str);
        match event.kind.as_str() {
            "meeting" | "contacted" => true,
            "attempt" => outcome == Some(Outcome::Reached.name()),
            _ => false,
        }
    }))
}

/// The reason of that name, which has to be one that merges.
fn merging<'a>(agreement: &'a Agreement, name: &str) -> Result<&'a Reason, Refusal> {
    let merges = |reason: &&Reason| reason.then == AfterReason::Merge;
    if let Some(reason) = agreement.reasons.get(name).filter(merges) {
        return Ok(reason);
    }
    let known: Vec<&str> =
        agreement.reasons.values().filter(merges).map(|reason| reason.name.as_str()).collect();
    let hint = match nearest(name, known.iter().copied()).or_else(|| known.first().copied()) {
        Some(near) => format!("; `{near}` does"),
        None => ": no reason of the agreement does (`to = \"merge\"`)".to_owned(),
    };
    Err(Refused::DoesNotMerge { reason: name.to_owned(), hint }.into())
}
