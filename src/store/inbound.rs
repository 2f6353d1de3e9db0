//! Mail that came in: what became of each, and those that wait for a person.

use jiff::Timestamp;

use super::column::{instant, millis};
use super::{StoreError, Tx, each, statements};

statements! {
    ADD = "INSERT INTO inbound_mail (identity, received_at, result, why, raw) VALUES ($1, $2, $3, $4, $5) \
           ON CONFLICT DO NOTHING RETURNING id";
    RESULT = "SELECT result FROM inbound_mail WHERE identity = $1";
    KEPT = "SELECT id, received_at, why, raw FROM inbound_mail WHERE result = 'kept' AND id > $1 ORDER BY id LIMIT $2";
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
}

#[derive(sqlx::FromRow)]
struct KeptRow {
    id: i64,
    received_at: i64,
    why: String,
    raw: Option<Vec<u8>>,
}

impl Tx {
    /// Notes what became of a mail; `false` when that was noted before.
    pub async fn insert_inbound_mail(&mut self, mail: &NewInboundMail<'_>) -> Result<bool, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(ADD)
            .bind(mail.identity)
            .bind(millis(mail.received_at))
            .bind(mail.result)
            .bind(mail.why)
            .bind(mail.raw)
            .fetch_optional(conn)
            .await)?;
        Ok(id.is_some())
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
