//! Mail that came in: what became of each, and those that wait for a person.

use jiff::Timestamp;

use super::column::{instant, millis};
use super::{StoreError, Tx, each, statements};
use crate::domain::ids::LeadId;

statements! {
    ADD = "INSERT INTO inbound_mail (identity, received_at, result, why, raw, lead_id, proposal, held_until) \
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id";
    RESULT = "SELECT result FROM inbound_mail WHERE identity = $1";
    KEPT = "SELECT id, received_at, why, raw, lead_id, proposal FROM inbound_mail WHERE result = 'kept' AND id > $1 \
            ORDER BY id LIMIT $2";
    SETTLE = "UPDATE inbound_mail SET result = 'done', why = $1, raw = NULL, proposal = NULL, held_until = NULL \
              WHERE id = $2 AND result = 'kept'";
    FORGET_OF = "DELETE FROM inbound_mail WHERE lead_id = $1 AND result = 'kept'";
    FORGET = "DELETE FROM inbound_mail WHERE id = $1 AND result = 'kept'";
}

/// A mail that came in, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInboundMail<'a> {
    /// What tells it from every other.
    pub identity: &'a str,
    /// When it came.
    pub received_at: Timestamp,
    /// `done`, `refused` or `kept`.
    pub result: &'static str,
    /// What was done, or why nothing was. No personal text.
    pub why: &'a str,
    /// The mail itself, when a person has to look at it.
    pub raw: Option<&'a [u8]>,
    /// What a person is asked about it.
    pub question: Option<Question>,
}

/// Whether a mail is a lead's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which lead's.
    pub lead: LeadId,
    /// What would follow, as JSON.
    pub proposal: String,
    /// Until then at most the lead gets no mail of a sequence.
    pub held_until: Timestamp,
}

/// A mail that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMail {
    /// Its row.
    pub id: i64,
    /// When it came.
    pub received_at: Timestamp,
    /// Why nothing was done.
    pub why: String,
    /// The mail itself, or its beginning when it is long.
    pub raw: Vec<u8>,
    /// Whose it may be, and what would follow, as JSON; `None`: nothing is asked.
    pub question: Option<(LeadId, String)>,
}

#[derive(sqlx::FromRow)]
struct KeptRow {
    id: i64,
    received_at: i64,
    why: String,
    raw: Option<Vec<u8>>,
    lead_id: Option<i64>,
    proposal: Option<String>,
}

#[derive(sqlx::FromRow)]
struct UnclearRow {
    lead_id: i64,
    held_until: i64,
}

impl Tx {
    /// Notes what became of a mail; `None` when that was noted before.
    pub async fn insert_inbound_mail(
        &mut self,
        mail: &NewInboundMail<'_>,
    ) -> Result<Option<i64>, StoreError> {
        let question = mail.question.as_ref();
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(ADD)
            .bind(mail.identity)
            .bind(millis(mail.received_at))
            .bind(mail.result)
            .bind(mail.why)
            .bind(mail.raw)
            .bind(question.map(|question| question.lead.0))
            .bind(question.map(|question| question.proposal.as_str()))
            .bind(question.map(|question| millis(question.held_until)))
            .fetch_optional(conn)
            .await)?;
        Ok(id)
    }

    /// Until when these leads get no mail of a sequence, because a mail that may be their own waits for a person.
    pub async fn unclear_until(
        &mut self,
        leads: &[LeadId],
        now: Timestamp,
    ) -> Result<Vec<(LeadId, Timestamp)>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        let rows: Vec<UnclearRow> = self
            .select_by_ids_and(
                millis(now),
                "SELECT lead_id, MAX(held_until) AS held_until FROM inbound_mail \
                 WHERE result = 'kept' AND held_until > $1 AND lead_id IN",
                &ids,
                "GROUP BY lead_id",
            )
            .await?;
        rows.into_iter()
            .map(|row| Ok((LeadId(row.lead_id), instant("inbound_mail", row.lead_id, row.held_until)?)))
            .collect()
    }

    /// A person has said what a kept mail is: it waits no more, and its text is forgotten. `false` when it did not
    /// wait.
    pub async fn settle_kept_mail(&mut self, id: i64, why: &str) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(SETTLE)
            .bind(why)
            .bind(id)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Forgets the kept mails that may be a lead's own, which wants to be forgotten.
    pub async fn forget_kept_mails_of(&mut self, lead: LeadId) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(FORGET_OF).bind(lead.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// What became of a mail; `None` when it never came.
    pub async fn inbound_result(&mut self, identity: &str) -> Result<Option<String>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(RESULT).bind(identity).fetch_optional(conn).await)?)
    }

    /// A page of the mails that wait for a person, in the order in which they came, behind row `after`.
    pub async fn kept_mails(&mut self, after: i64, limit: i64) -> Result<Vec<KeptMail>, StoreError> {
        let rows: Vec<KeptRow> =
            each!(self, conn => sqlx::query_as(KEPT).bind(after).bind(limit).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|row| {
                Ok(KeptMail {
                    id: row.id,
                    received_at: instant("inbound_mail", row.id, row.received_at)?,
                    why: row.why,
                    raw: row.raw.unwrap_or_default(),
                    question: row.lead_id.map(LeadId).zip(row.proposal),
                })
            })
            .collect()
    }

    /// A person has looked at a mail that waited, or it names somebody who wants to be forgotten; `false` when there is none of that number.
    pub async fn forget_kept_mail(&mut self, id: i64) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(FORGET).bind(id).execute(conn).await.map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }
}
