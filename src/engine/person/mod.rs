//! One person's rights: to be told what is kept of them, to have it erased, to be left in peace.
//!
//! Erasing leaves the lead's row, under an address that nobody has, with its stages and times: what was promised
//! and kept stays countable. It takes every personal word, wherever it stands. A keyed hash of the address
//! remembers not to take the person in again: the next export of a CRM brings them, and nobody would notice.
//!
//! A person may have several records, doubles of one another, and may have had other addresses: whatever is done to
//! one of them is done to all.

mod erase;
mod export;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use thiserror::Error;

use super::pass::PassError;
use super::{Engine, recycle};
use crate::domain::contact::{Channel, Purpose, SuppressionReason};
use crate::domain::email::EmailAddress;
use crate::domain::hex::hex;
use crate::domain::ids::{EventId, LeadId};
use crate::domain::lead::{Grade, Lead};
use crate::domain::recycle::goes_with_the_person;
use crate::store::{NewEvent, StoreError, Tx};

/// 160 bits of the hash: no two people meet.
const HASH_BYTES: usize = 20;

/// Where erased people live: a domain that no mail reaches (RFC 2606 section 2).
const NOWHERE: &str = "erased.invalid";

/// What stands between a value and the one that it was corrected to.
pub(super) const CORRECTED_TO: &str = " → ";

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
        let mut lead = whose_refusal(&mut tx, email, reason).await?;
        let hash = self.erased_hash(email);
        // Whoever was erased is left in peace already, and is not to be written down again.
        let forgotten = !tx.erased_among(&[hash]).await?.is_empty();
        let mut new = !forgotten && tx.suppress(email, reason, Some(by), now).await?;
        if let Some(person) = lead.as_ref().filter(|lead| lead.email != *email) {
            new |= tx.suppress(&person.email, reason, Some(by), now).await?;
        }
        if let (true, Some(lead)) = (new, &mut lead) {
            let facts = json!({ "why": reason.label() });
            let event = NewEvent { actor: Some(by.to_owned()), ..wake.event(lead.id, "suppressed", facts) };
            tx.append(&[event]).await?;
            if reason.forbids(Channel::Email, Purpose::Nurture) {
                self.end_sequence(&mut tx, &wake, lead.id, reason.label()).await?;
            }
            recycle::count_attempts(self, &mut tx, &wake, lead, now).await?;
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
}

/// Whether nobody has that address: it stands for somebody who was erased.
pub(super) fn is_tombstone(email: &EmailAddress) -> bool {
    email.as_str().strip_suffix(NOWHERE).is_some_and(|rest| rest.ends_with('@'))
}

/// The records of a person.
struct Records {
    /// The lead that goes on, and its doubles, as they were merged.
    leads: Vec<Lead>,
}

impl Records {
    /// Those of whoever has the address; none when nobody has.
    async fn of(tx: &mut Tx, email: &EmailAddress) -> Result<Records, StoreError> {
        let Some(person) = tx.person_by_email(email).await? else {
            return Ok(Records { leads: Vec::new() });
        };
        let doubles = tx.doubles_of(person.id).await?;
        let mut leads = vec![person];
        let rows = tx.leads(&doubles).await?;
        leads.extend(doubles.iter().filter_map(|id| rows.iter().find(|lead| lead.id == *id).cloned()));
        Ok(Records { leads })
    }
}

/// The addresses that a lead had before they were corrected, the first one first. The log has them as words, because
/// words can be erased.
async fn former_addresses(tx: &mut Tx, lead: &Lead) -> Result<Vec<EmailAddress>, StoreError> {
    let texts: std::collections::BTreeMap<EventId, String> =
        tx.event_texts(lead.id).await?.into_iter().collect();
    let mut former: Vec<EmailAddress> = Vec::new();
    for event in tx.events_of_kind(lead.id, "corrected").await? {
        if event.facts.get("field").and_then(Value::as_str) == Some("email")
            && let Some((before, _)) = texts.get(&event.id).and_then(|words| words.split_once(CORRECTED_TO))
            && let Ok(before) = before.parse()
            && lead.email != before
            && !former.contains(&before)
        {
            former.push(before);
        }
    }
    Ok(former)
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
