//! A person is forgotten: every record of theirs, whatever waits to be told of them, and what strangers wrote of them.

use jiff::Timestamp;
use serde_json::json;

use super::{PersonError, Records, former_addresses, is_tombstone};
use crate::domain::contact::SuppressionReason;
use crate::domain::email::EmailAddress;
use crate::domain::lead::{Lead, Profile, Stage};
use crate::domain::mail::MailState;
use crate::engine::{Engine, hand_off, recycle, staff_mail};
use crate::mail::inbound::{everything_said, names};
use crate::store::{NewEvent, StoreError, Tx};

/// Kept mails looked at in one go: each may be a megabyte.
const PAGE: i64 = 20;

/// Why everything ends.
const WHY: &str = "the person had their data erased";

impl Engine {
    /// Erases what is kept of a person, in every record that turned out to be theirs and under every address they
    /// had. `by` is who did it, for the log: a rep, a token, a command. `false` when it was done before.
    ///
    /// # Errors
    /// [`PersonError::BeingSent`] passes within seconds; what was erased until then stays so.
    pub async fn erase(&self, email: &EmailAddress, by: &str, now: Timestamp) -> Result<bool, PersonError> {
        if is_tombstone(email) {
            return Ok(false);
        }
        let mut tx = self.store.read().await?;
        let mut records = Records::of(&mut tx, email).await?.leads;
        tx.rollback().await?;
        // One that was erased before stays as it is: it may be that not all of them could be the last time.
        records.retain(|record| record.email != *email && !is_tombstone(&record.email));
        for record in records {
            self.erase_record(&record.email, by, now).await?;
        }
        self.erase_record(email, by, now).await
    }

    async fn erase_record(
        &self,
        email: &EmailAddress,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, PersonError> {
        let mut tx = self.store.read().await?;
        let mut addresses = vec![email.clone()];
        if let Some(lead) = tx.lead_by_email(email).await? {
            for former in former_addresses(&mut tx, &lead).await? {
                // Somebody else has it by now: it was never theirs, or is theirs no more.
                if tx.lead_by_email(&former).await?.is_none() {
                    addresses.push(former);
                }
            }
        }
        // Mails are read before anything is locked: there may be many.
        let kept = kept_mails_of(&mut tx, &addresses).await?;
        tx.rollback().await?;

        let wake = self.wake_at(now);
        let hash = self.erased_hash(email);
        let mut tx = self.store.begin().await?;
        for mail in kept {
            tx.forget_kept_mail(mail).await?;
        }
        let Some(mut lead) = tx.lock_lead_by_email(email).await? else {
            let known = !tx.erased_among(std::slice::from_ref(&hash)).await?.is_empty();
            if !known {
                tx.rollback().await?;
                return Err(PersonError::Unknown(email.clone()));
            }
            // What somebody wrote of them since.
            tx.forget_answers_naming(email).await?;
            tx.commit().await?;
            return Ok(false);
        };
        tx.forget_kept_mails_of(lead.id).await?;
        if tx.mail_is_being_sent(lead.id).await? {
            tx.rollback().await?;
            return Err(PersonError::BeingSent);
        }
        for bundle in tx.waiting_bundles().await? {
            if !staff_mail::bundle_names(&bundle.message, &lead, &addresses) {
                continue;
            }
            let id = bundle.id;
            let rewritten = match bundle.state {
                MailState::Sending => None,
                _ => staff_mail::instead_of_bundle(self, id, &bundle.recipient, now),
            };
            let Some((subject, message)) = rewritten else {
                tx.rollback().await?;
                return Err(PersonError::BeingSent);
            };
            if !tx.rewrite_waiting_bundle(id, &subject, &message).await? {
                // Another daemon has begun to send it.
                tx.rollback().await?;
                return Err(PersonError::BeingSent);
            }
        }
        self.end_sequence(&mut tx, &wake, lead.id, WHY).await?;
        for clock in tx.running_clocks(lead.id).await? {
            tx.stop_clock(clock.id, "closed", WHY, now).await?;
            let facts = json!({ "promise": clock.kind.name(), "state": "closed", "why": WHY });
            tx.append(&[wake.event(lead.id, "clock_stopped", facts)]).await?;
        }
        if let Some(open) = tx.open_hand_off(lead.id).await? {
            hand_off::end(&mut tx, &wake, &open, WHY).await?;
            staff_mail::erased(self, &mut tx, &wake, &open).await?;
        }
        tx.close_work_item(lead.id, WHY, now).await?;
        tx.lead_is_complete(lead.id).await?;
        // Who asked and who was asked know of it by its mails, and nothing is owed any more: none names it again.
        recycle::is_moot(self, &mut tx, &wake, &lead, WHY, recycle::Tell::Nobody).await?;
        let mut events = Vec::new();
        if lead.stage != Stage::Disqualified {
            events.push(wake.stage(&mut lead, Stage::Disqualified, WHY));
        }
        events.push(NewEvent { actor: Some(by.to_owned()), ..wake.event(lead.id, "erased", json!({})) });
        tx.append(&events).await?;
        let tombstone = Engine::tombstone(&hash);
        let row = Engine::tombstone_of(&mut tx, &hash, lead.id).await?;
        tx.forget_matters_of(lead.id).await?;
        tx.erase_words_of(lead.id, &tombstone, now).await?;
        for address in &addresses {
            let hash = self.erased_hash(address);
            let tombstone = Engine::tombstone(&hash);
            tx.move_suppressions(address, &tombstone).await?;
            tx.forget_answers_naming(address).await?;
            tx.suppress(&tombstone, SuppressionReason::Erased, None, now).await?;
            tx.remember_erased(&hash, Some(lead.id), now).await?;
        }
        tx.suppress(&row, SuppressionReason::Erased, None, now).await?;
        tx.save_lead(&without_words(lead, row)).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(true)
    }
}

/// The mails that wait for a person and name one of these addresses, also where it can be read only once they are
/// decoded.
async fn kept_mails_of(tx: &mut Tx, addresses: &[EmailAddress]) -> Result<Vec<i64>, StoreError> {
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let mails = tx.kept_mails(after, PAGE).await?;
        let Some(last) = mails.last() else { return Ok(found) };
        after = last.id;
        found.extend(
            mails.iter().filter(|mail| names(&everything_said(&mail.raw), addresses)).map(|mail| mail.id),
        );
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
