//! One person's data, and its end.
//!
//! Erasing takes every personal word out of every table and leaves ids and facts, so that counts and reports of
//! the past stay true. The row of the lead stays too, under an address that nobody has; a keyed hash of the
//! real one remembers whom to leave in peace.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::{millis, parsed};
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{LeadId, OutboxId};
use crate::domain::mail::MailState;

statements! {
    BEING_SENT = "SELECT COUNT(*) FROM outbox WHERE lead_id = $1 AND state = 'sending'";
    ANSWERS = "DELETE FROM answer WHERE lead_id = $1";
    ACTIVITIES = "DELETE FROM activity WHERE lead_id = $1";
    // Addresses of pages carry names and searches; the fingerprints were made of them.
    TOUCHES = "UPDATE touch SET fingerprint = 'erased:' || CAST(id AS TEXT), term = NULL, landing_page = NULL, \
               referrer = NULL WHERE lead_id = $1";
    TEXTS = "DELETE FROM event_text WHERE event_id IN (SELECT id FROM event WHERE lead_id = $1)";
    CONTACTS = "UPDATE contact SET company_key = NULL, company_slot = NULL WHERE lead_id = $1";
    MAILS_WAITING = "UPDATE outbox SET state = 'dropped', ended_at = $1 WHERE lead_id = $2 \
                     AND state IN ('pending', 'parked')";
    MAILS = "UPDATE outbox SET subject = NULL, message = NULL, held_why = NULL, last_error = NULL WHERE lead_id = $1";
    // What went to staff about several leads may name this one; it has been read.
    BUNDLES = "UPDATE outbox SET subject = NULL, message = NULL WHERE lead_id IS NULL AND message IS NOT NULL \
               AND state IN ('sent', 'dropped')";
    WAITING_BUNDLES = "SELECT id, state, recipient, message FROM outbox WHERE lead_id IS NULL AND message IS NOT NULL \
                       AND state IN ('pending', 'parked', 'sending') ORDER BY id";
    REWRITE = "UPDATE outbox SET subject = $1, message = $2 WHERE id = $3 AND state IN ('pending', 'parked')";
    MAILS_TO_IT = "UPDATE outbox SET recipient = $1 WHERE lead_id = $2 AND audience = 'lead'";
    // Both addresses may have said the same.
    COPY_SUPPRESSIONS = "INSERT INTO suppression (email, reason, since) SELECT CAST($1 AS TEXT), reason, since \
                         FROM suppression WHERE email = $2 ON CONFLICT DO NOTHING";
    SUPPRESSIONS = "DELETE FROM suppression WHERE email = $1";
    // Kept answers are few, and a day old at most.
    KEPT_ANSWERS = "DELETE FROM idempotency WHERE answer IS NOT NULL AND REPLACE(answer, $1, '') <> answer";
    REMEMBER = "INSERT INTO erased_person (hash, lead_id, erased_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    WELCOME_BACK = "DELETE FROM erased_person WHERE hash = $1";
}

/// A mail to staff about several leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingBundle {
    /// Its row.
    pub id: OutboxId,
    /// How far it has come.
    pub state: MailState,
    /// To whom.
    pub recipient: EmailAddress,
    /// Its bytes.
    pub message: Vec<u8>,
}

impl Tx {
    /// Whether a mail to a lead, or about it, is on the wire at this moment.
    pub async fn mail_is_being_sent(&mut self, lead: LeadId) -> Result<bool, StoreError> {
        let count: i64 =
            each!(self, conn => sqlx::query_scalar(BEING_SENT).bind(lead.0).fetch_one(conn).await)?;
        Ok(count > 0)
    }

    /// Takes every personal word of a lead out of every table but its own row, which the caller has locked and
    /// writes. Mails that went to it went to `tombstone` from now on.
    pub async fn erase_words_of(
        &mut self,
        lead: LeadId,
        tombstone: &EmailAddress,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for sql in [ANSWERS, ACTIVITIES, TOUCHES, TEXTS, CONTACTS] {
            each!(self, conn => sqlx::query(sql).bind(lead.0).execute(conn).await.map(drop))?;
        }
        each!(self, conn =>
            sqlx::query(MAILS_WAITING).bind(millis(now)).bind(lead.0).execute(conn).await.map(drop))?;
        each!(self, conn => sqlx::query(MAILS).bind(lead.0).execute(conn).await.map(drop))?;
        each!(self, conn => sqlx::query(BUNDLES).execute(conn).await.map(drop))?;
        each!(self, conn =>
            sqlx::query(MAILS_TO_IT).bind(tombstone.as_str()).bind(lead.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Forgets answers to requests that name an address: whoever asks the same again asks anew.
    pub async fn forget_answers_naming(&mut self, email: &EmailAddress) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(KEPT_ANSWERS).bind(email.as_str()).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The mails to staff about several leads that have not left yet, or are on the wire.
    pub async fn waiting_bundles(&mut self) -> Result<Vec<WaitingBundle>, StoreError> {
        let rows: Vec<(i64, String, String, Vec<u8>)> =
            each!(self, conn => sqlx::query_as(WAITING_BUNDLES).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|(id, state, recipient, message)| {
                Ok(WaitingBundle {
                    id: OutboxId(id),
                    state: parsed("outbox", id, &state)?,
                    recipient: parsed("outbox", id, &recipient)?,
                    message,
                })
            })
            .collect()
    }

    /// Has one of them say something else; `false` when it is leaving at this moment.
    pub async fn rewrite_waiting_bundle(
        &mut self,
        id: OutboxId,
        subject: &str,
        message: &[u8],
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(REWRITE)
            .bind(subject)
            .bind(message)
            .bind(id.0)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// What was said of one address is said of another, without the words it was said in.
    pub async fn move_suppressions(
        &mut self,
        from: &EmailAddress,
        to: &EmailAddress,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(COPY_SUPPRESSIONS)
            .bind(to.as_str())
            .bind(from.as_str())
            .execute(conn)
            .await
            .map(drop))?;
        each!(self, conn => sqlx::query(SUPPRESSIONS).bind(from.as_str()).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Remembers, by the hash of the address, that a person's data was erased.
    pub async fn remember_erased(
        &mut self,
        hash: &str,
        lead: Option<LeadId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(REMEMBER)
            .bind(hash)
            .bind(lead.map(|lead| lead.0))
            .bind(millis(now))
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Which of these hashes are of people who had their data erased.
    pub async fn erased_among(&mut self, hashes: &[String]) -> Result<HashSet<String>, StoreError> {
        let mut found = HashSet::new();
        let hashes: Vec<&str> = hashes.iter().map(String::as_str).collect();
        for hashes in hashes.chunks(bulk::MAX_LIST) {
            let hashes = bulk::padded(hashes);
            let list = bulk::list(1, hashes.len());
            let sql = self.in_dialect(format!("SELECT hash FROM erased_person WHERE hash IN ({list})"));
            let rows: Vec<String> = each!(self, conn => {
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                for hash in hashes {
                    query = query.bind(hash);
                }
                query.fetch_all(conn).await
            })?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// The person asked to be known again; `false` when they were not forgotten.
    pub async fn welcome_back(&mut self, hash: &str) -> Result<bool, StoreError> {
        let rows = each!(self, conn =>
            sqlx::query(WELCOME_BACK).bind(hash).execute(conn).await.map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }
}
