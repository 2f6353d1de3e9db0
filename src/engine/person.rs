//! One person's rights: to be told what is kept of them, to have it erased, to be left in peace.
//!
//! Erasing leaves the lead's row, under an address that nobody has, with its stages and times: what was promised
//! and kept stays countable. It takes every personal word, wherever it stands. A keyed hash of the address
//! remembers not to take the person in again: the next export of a CRM brings them, and nobody would notice.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use thiserror::Error;

use super::pass::PassError;
use super::{Engine, hand_off, recycle};
use crate::domain::contact::{Channel, Purpose, SuppressionReason};
use crate::domain::email::EmailAddress;
use crate::domain::hex::hex;
use crate::domain::ids::LeadId;
use crate::domain::lead::{Grade, Lead, Profile, Stage};
use crate::domain::recycle::goes_with_the_person;
use crate::store::{NewEvent, StoreError, Tx};

/// 160 bits of the hash: no two people meet.
const HASH_BYTES: usize = 20;

/// Where erased people live: a domain that no mail reaches (RFC 2606 section 2).
const NOWHERE: &str = "erased.invalid";

/// Why a person's wish could not be met.
#[derive(Debug, Error)]
pub enum PersonError {
    /// Nobody knows them.
    #[error("no lead has the address {0}")]
    Unknown(EmailAddress),
    /// A mail to them, or about them, is on the wire.
    #[error("a mail to this lead, or about it, is being sent at this moment; try again in a minute")]
    BeingSent,
    /// That reason is not said, it is done.
    #[error("`erased` is not said but done: erase the person's data")]
    EraseInstead,
    /// The engine failed.
    #[error(transparent)]
    Failed(#[from] PassError),
}

impl From<StoreError> for PersonError {
    fn from(error: StoreError) -> PersonError {
        PersonError::Failed(error.into())
    }
}

impl Engine {
    /// What is remembered of an address whose person had their data erased.
    pub(super) fn erased_hash(&self, email: &EmailAddress) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.keys.erased).expect("HMAC takes keys of any length");
        mac.update(b"v1|erased|");
        mac.update(email.as_str().as_bytes());
        hex(&mac.finalize().into_bytes()[..HASH_BYTES])
    }

    /// The address under which the row of an erased person stays.
    fn tombstone(hash: &str) -> EmailAddress {
        format!("{hash}@{NOWHERE}").parse().expect("hexadecimal digits at a domain are an address")
    }

    /// The same for one row: whoever came back and had their data erased anew leaves two of them.
    async fn tombstone_of(tx: &mut Tx, hash: &str, lead: LeadId) -> Result<EmailAddress, StoreError> {
        let tombstone = Engine::tombstone(hash);
        if tx.lead_by_email(&tombstone).await?.is_none() {
            return Ok(tombstone);
        }
        let own = format!("{hash}-{lead}@{NOWHERE}");
        Ok(own.parse().expect("hexadecimal digits at a domain are an address"))
    }

    /// Erases what is kept of a person, in every record that turned out to be theirs. `by` is who did it, for the
    /// log: a rep, a token, a command. `false` when it was done before.
    ///
    /// # Errors
    /// [`PersonError::BeingSent`] passes within seconds; what was erased until then stays so.
    pub async fn erase(&self, email: &EmailAddress, by: &str, now: Timestamp) -> Result<bool, PersonError> {
        for record in self.other_records(email).await? {
            self.erase_record(&record, by, now).await?;
        }
        self.erase_record(email, by, now).await
    }

    /// The addresses of the other records of a person: the doubles that were merged into it, or it of which the one
    /// at `email` is a double.
    async fn other_records(&self, email: &EmailAddress) -> Result<Vec<EmailAddress>, PersonError> {
        let mut tx = self.store.read().await?;
        let mut records = Vec::new();
        if let Some(person) = tx.person_by_email(email).await? {
            let mut ids = tx.doubles_of(person.id).await?;
            ids.push(person.id);
            records = tx.leads(&ids).await?.into_iter().map(|lead| lead.email).collect();
            // One that was erased before stays as it is: it may be that not all of them could be the last time.
            records.retain(|record| record != email && !is_tombstone(record));
        }
        tx.rollback().await?;
        Ok(records)
    }

    async fn erase_record(
        &self,
        email: &EmailAddress,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, PersonError> {
        let wake = self.wake_at(now);
        let hash = self.erased_hash(email);
        let mut tx = self.store.begin().await?;
        let Some(mut lead) = tx.lock_lead_by_email(email).await? else {
            let known = !tx.erased_among(std::slice::from_ref(&hash)).await?.is_empty();
            tx.rollback().await?;
            return if known { Ok(false) } else { Err(PersonError::Unknown(email.clone())) };
        };
        if tx.mail_is_being_sent(lead.id).await? {
            tx.rollback().await?;
            return Err(PersonError::BeingSent);
        }
        const WHY: &str = "the person had their data erased";
        self.end_sequence(&mut tx, &wake, lead.id, WHY).await?;
        for clock in tx.running_clocks(lead.id).await? {
            tx.stop_clock(clock.id, "closed", WHY, now).await?;
            let facts = json!({ "promise": clock.kind.name(), "state": "closed", "why": WHY });
            tx.append(&[wake.event(lead.id, "clock_stopped", facts)]).await?;
        }
        if let Some(open) = tx.open_hand_off(lead.id).await? {
            hand_off::end(&mut tx, &wake, &open, WHY).await?;
        }
        tx.close_work_item(lead.id, WHY, now).await?;
        recycle::is_moot(&mut tx, &wake, lead.id, WHY).await?;
        let mut events = Vec::new();
        if lead.stage != Stage::Disqualified {
            events.push(wake.stage(&mut lead, Stage::Disqualified, WHY));
        }
        events.push(NewEvent { actor: Some(by.to_owned()), ..wake.event(lead.id, "erased", json!({})) });
        tx.append(&events).await?;
        let tombstone = Engine::tombstone(&hash);
        let row = Engine::tombstone_of(&mut tx, &hash, lead.id).await?;
        tx.forget_matters_of(lead.id).await?;
        tx.erase_words_of(lead.id, email, &tombstone, now).await?;
        tx.forget_kept_mails_of(email).await?;
        tx.suppress(&tombstone, SuppressionReason::Erased, None, now).await?;
        tx.suppress(&row, SuppressionReason::Erased, None, now).await?;
        tx.remember_erased(&hash, Some(lead.id), now).await?;
        tx.save_lead(&without_words(lead, row)).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(true)
    }

    /// The person asked to be known again. What they had said before (no mail, no calls) holds again, too. `false`
    /// when they were not erased.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn welcome_back(&self, email: &EmailAddress, now: Timestamp) -> Result<bool, PersonError> {
        let hash = self.erased_hash(email);
        let tombstone = Engine::tombstone(&hash);
        let mut tx = self.store.begin().await?;
        let back = tx.welcome_back(&hash).await?;
        if back {
            tx.move_suppressions(&tombstone, email).await?;
            tx.lift_suppression(email, SuppressionReason::Erased).await?;
            tx.suppress(&tombstone, SuppressionReason::Erased, None, now).await?;
        }
        tx.commit().await?;
        Ok(back)
    }

    /// An address must not be contacted from now on, whether there is a lead or not; and the person must not, when
    /// it is an address of theirs under which they are not led and the reason is the person's. `false` when that
    /// was so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn suppress(
        &self,
        email: &EmailAddress,
        reason: SuppressionReason,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, PersonError> {
        if reason == SuppressionReason::Erased {
            return Err(PersonError::EraseInstead);
        }
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        let lead = whose_refusal(&mut tx, email, reason).await?;
        let hash = self.erased_hash(email);
        // Whoever was erased is left in peace already, and is not to be written down again.
        let forgotten = !tx.erased_among(&[hash]).await?.is_empty();
        let mut new = !forgotten && tx.suppress(email, reason, Some(by), now).await?;
        if let Some(person) = lead.as_ref().filter(|lead| lead.email != *email) {
            new |= tx.suppress(&person.email, reason, Some(by), now).await?;
        }
        if let (true, Some(lead)) = (new, &lead) {
            let facts = json!({ "why": reason.label() });
            let event = NewEvent { actor: Some(by.to_owned()), ..wake.event(lead.id, "suppressed", facts) };
            tx.append(&[event]).await?;
            if reason.forbids(Channel::Email, Purpose::Nurture) {
                self.end_sequence(&mut tx, &wake, lead.id, reason.label()).await?;
            }
        }
        tx.commit().await?;
        Ok(new)
    }

    /// Lifts a suppression, of each address of the person when it is theirs; `false` when there was none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lift(
        &self,
        email: &EmailAddress,
        reason: SuppressionReason,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, PersonError> {
        if reason == SuppressionReason::Erased {
            return self.welcome_back(email, now).await;
        }
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        let lead = whose_refusal(&mut tx, email, reason).await?;
        let mut lifted = tx.lift_suppression(email, reason).await?;
        if let Some(person) = lead.as_ref().filter(|_| goes_with_the_person(reason)) {
            let mut ids = tx.doubles_of(person.id).await?;
            ids.push(person.id);
            for record in tx.leads(&ids).await? {
                lifted |= tx.lift_suppression(&record.email, reason).await?;
            }
        }
        if let (true, Some(mut lead)) = (lifted, lead) {
            let facts = json!({ "why": reason.label() });
            let event =
                NewEvent { actor: Some(by.to_owned()), ..wake.event(lead.id, "suppression_lifted", facts) };
            tx.append(&[event]).await?;
            if lead.stage.is_nurtured() {
                lead.due_at = Some(now);
                tx.save_lead(&lead).await?;
            }
        }
        tx.commit().await?;
        self.wake_up();
        Ok(lifted)
    }

    /// Why an address must not be contacted, erasure included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refusals(
        &self,
        email: &EmailAddress,
    ) -> Result<Vec<(SuppressionReason, Option<Timestamp>)>, StoreError> {
        let mut tx = self.store.read().await?;
        let mut said = tx.suppressions(email).await?;
        if let Some(person) = tx.person_by_email(email).await?.filter(|person| person.email != *email) {
            let known: Vec<_> = said.iter().map(|row| row.reason).collect();
            let persons = tx.suppressions(&person.email).await?.into_iter();
            said.extend(
                persons.filter(|row| goes_with_the_person(row.reason) && !known.contains(&row.reason)),
            );
        }
        let mut found: Vec<_> = said.into_iter().map(|row| (row.reason, Some(row.since))).collect();
        if !tx.erased_among(&[self.erased_hash(email)]).await?.is_empty() {
            found.push((SuppressionReason::Erased, None));
        }
        tx.rollback().await?;
        Ok(found)
    }

    /// Everything that is kept of a person, as one JSON object.
    ///
    /// # Errors
    /// When nobody knows them, or the store fails.
    pub async fn export(&self, email: &EmailAddress) -> Result<Value, PersonError> {
        let mut tx = self.store.read().await?;
        let Some(lead) = tx.lead_by_email(email).await? else {
            return Err(PersonError::Unknown(email.clone()));
        };
        let export = everything(&mut tx, &lead).await?;
        tx.rollback().await?;
        Ok(export)
    }
}

/// Whether nobody has that address: it stands for somebody who was erased.
fn is_tombstone(email: &EmailAddress) -> bool {
    email.as_str().strip_suffix(NOWHERE).is_some_and(|rest| rest.ends_with('@'))
}

/// The lead that a refusal said of `email` is about, locked: what goes with the person is the person's, whichever of
/// their addresses it is said of.
async fn whose_refusal(
    tx: &mut Tx,
    email: &EmailAddress,
    reason: SuppressionReason,
) -> Result<Option<Lead>, StoreError> {
    if goes_with_the_person(reason) {
        tx.lock_person_by_email(email).await
    } else {
        tx.lock_lead_by_email(email).await
    }
}

/// The row of a lead as it stays.
fn without_words(lead: Lead, tombstone: EmailAddress) -> Lead {
    Lead {
        email: tombstone,
        profile: Profile::default(),
        base_score: 0,
        score: 0,
        grade: None,
        owner: None,
        away_until: None,
        follow_up_at: None,
        next_sequence: None,
        avoid_rep: None,
        due_at: None,
        ..lead
    }
}

/// A lead as other systems are told of it.
pub(super) fn lead_facts(lead: &Lead) -> Value {
    json!({
        "id": lead.id,
        "email": lead.email,
        "profile": lead.profile,
        "campaign": lead.campaign,
        "source": lead.source,
        "stage": lead.stage,
        "stage_since": lead.stage_at,
        "score": lead.score,
        "grade": lead.grade.map(Grade::name),
        "owner": lead.owner,
        "round": lead.round,
        "away_until": lead.away_until,
        "follow_up_at": lead.follow_up_at,
        "created_at": lead.created_at,
    })
}

async fn everything(tx: &mut Tx, lead: &Lead) -> Result<Value, StoreError> {
    let mut notes: std::collections::BTreeMap<_, _> = tx.event_texts(lead.id).await?.into_iter().collect();
    let mut events = Vec::new();
    for event in tx.events_of(lead.id).await? {
        events.push(json!({
            "at": event.occurred_at,
            "recorded_at": event.recorded_at,
            "kind": event.kind,
            "by": event.actor,
            "facts": event.facts,
            "note": notes.remove(&event.id),
        }));
    }
    let mails = tx.mails_of(lead.id).await?.into_iter().map(|mail| {
        json!({
            "to": mail.recipient.as_str(),
            "class": mail.class.name(),
            "subject": mail.subject,
            "sequence": mail.sequence,
            "step": mail.step,
            "state": mail.state.name(),
            "planned_at": mail.planned_at,
            "ended_at": mail.ended_at,
        })
    });
    let mails: Vec<Value> = mails.collect();
    let enrolments = tx.enrolments_of(lead.id).await?.into_iter().map(|enrolment| {
        json!({ "sequence": enrolment.sequence, "round": enrolment.round, "last_sent_at": enrolment.last_sent_at })
    });
    let enrolments: Vec<Value> = enrolments.collect();
    let hand_offs = tx.hand_offs_of(lead.id).await?.into_iter().map(|given| {
        json!({
            "rep": given.rep.as_str(),
            "team": given.team,
            "campaign": given.campaign,
            "at": given.at,
            "accepted_at": given.accepted_at,
            "ended_at": given.ended_at,
            "ended_why": given.ended_why,
        })
    });
    let hand_offs: Vec<Value> = hand_offs.collect();
    let contacts = tx.contacts_since(&[lead.id], 0).await?.into_iter().map(|contact| {
        let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(contact.local_date));
        json!({ "on": date.ok().map(|date| date.to_string()), "channel": contact.channel.name() })
    });
    let contacts: Vec<Value> = contacts.collect();
    let suppressions = tx.suppressions(&lead.email).await?.into_iter();
    let suppressions: Vec<Value> =
        suppressions.map(|row| json!({ "reason": row.reason.name(), "since": row.since })).collect();
    Ok(json!({
        "lead": lead_facts(lead),
        "touches": tx.touches(lead.id).await?,
        "answers": tx.answers(lead.id).await?,
        "activities": tx.activities(lead.id).await?,
        "suppressions": suppressions,
        "enrolments": enrolments,
        "hand_offs": hand_offs,
        "contacts": contacts,
        "mails": mails,
        "events": events,
    }))
}
