//! Requests that are done once however often they are sent: who is first takes the row.

use jiff::Timestamp;

use super::column::millis;
use super::{StoreError, Tx, each, statements};
use crate::domain::ids::TokenId;

statements! {
    BEGIN = "INSERT INTO idempotency (token_id, key_hash, request, started_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING RETURNING started_at";
    FOUND = "SELECT request, started_at, status, answer FROM idempotency WHERE token_id = $1 AND key_hash = $2";
    TAKE_OVER = "UPDATE idempotency SET started_at = $1 WHERE token_id = $2 AND key_hash = $3 AND status IS NULL \
                 AND started_at = $4";
    FINISH = "UPDATE idempotency SET status = $1, answer = $2 WHERE token_id = $3 AND key_hash = $4 \
              AND started_at = $5";
    FORGET = "DELETE FROM idempotency WHERE token_id = $1 AND key_hash = $2 AND started_at = $3 AND status IS NULL";
    FORGET_OLD = "DELETE FROM idempotency WHERE started_at < $1";
}

/// What became of the wish to do a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Began {
    /// It is the first: do it.
    First,
    /// The first is at it.
    UnderWay,
    /// It was answered so.
    Answered {
        /// The HTTP status.
        status: i64,
        /// The body.
        answer: String,
    },
    /// The key was used for another request.
    OtherRequest,
}

type FoundRow = (String, i64, Option<i64>, Option<String>);

impl Tx {
    /// Begins a request under a key. One that was begun before `lost_before` and never finished is taken over:
    /// whoever was at it is gone.
    pub async fn begin_request(
        &mut self,
        token: TokenId,
        key_hash: &str,
        request: &str,
        now: Timestamp,
        lost_before: Timestamp,
    ) -> Result<Began, StoreError> {
        let first: Option<i64> = each!(self, conn => sqlx::query_scalar(BEGIN)
            .bind(token.0)
            .bind(key_hash)
            .bind(request)
            .bind(millis(now))
            .fetch_optional(conn)
            .await)?;
        if first.is_some() {
            return Ok(Began::First);
        }
        let found: Option<FoundRow> = each!(self, conn => sqlx::query_as(FOUND)
            .bind(token.0)
            .bind(key_hash)
            .fetch_optional(conn)
            .await)?;
        Ok(match found {
            // Cleaned away between two statements: the next try finds nothing.
            None => Began::UnderWay,
            Some((other, ..)) if other != request => Began::OtherRequest,
            Some((_, _, Some(status), answer)) => {
                Began::Answered { status, answer: answer.unwrap_or_default() }
            }
            Some((_, started, None, _)) if started < millis(lost_before) => {
                let taken = each!(self, conn => sqlx::query(TAKE_OVER)
                    .bind(millis(now))
                    .bind(token.0)
                    .bind(key_hash)
                    .bind(started)
                    .execute(conn)
                    .await
                    .map(|done| done.rows_affected()))?;
                if taken > 0 { Began::First } else { Began::UnderWay }
            }
            Some(_) => Began::UnderWay,
        })
    }

    /// Keeps the answer to a request begun at `started`.
    pub async fn finish_request(
        &mut self,
        token: TokenId,
        key_hash: &str,
        started: Timestamp,
        status: i64,
        answer: &str,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(FINISH)
            .bind(status)
            .bind(answer)
            .bind(token.0)
            .bind(key_hash)
            .bind(millis(started))
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Lets a request begun at `started` be tried anew: it failed through no fault of its own.
    pub async fn forget_request(
        &mut self,
        token: TokenId,
        key_hash: &str,
        started: Timestamp,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(FORGET)
            .bind(token.0)
            .bind(key_hash)
            .bind(millis(started))
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Forgets requests begun before `before`; how many.
    pub async fn forget_requests(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        Ok(each!(self, conn => sqlx::query(FORGET_OLD)
            .bind(millis(before))
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
