//! What was so before something was taken for a lead's word, so that it can be undone once.

use jiff::Timestamp;

use super::column::millis;
use super::{StoreError, Tx, each, statements};
use crate::domain::ids::{EventId, LeadId};

statements! {
    ADD = "INSERT INTO undo (event_id, lead_id, before) VALUES ($1, $2, $3)";
    STANDS = "SELECT before FROM undo WHERE event_id = $1 AND undone_at IS NULL";
    IS_UNDONE = "SELECT COUNT(*) FROM undo WHERE event_id = $1 AND undone_at IS NOT NULL";
    UNDO = "UPDATE undo SET undone_at = $1 WHERE event_id = $2 AND undone_at IS NULL";
    UNDONE = "SELECT event_id FROM undo WHERE lead_id = $1 AND undone_at IS NOT NULL ORDER BY event_id";
}

impl Tx {
    /// Keeps what was so before an entry of the log, as JSON without personal text.
    pub async fn keep_for_undo(
        &mut self,
        event: EventId,
        lead: LeadId,
        before: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let before = before.to_string();
        each!(self, conn => sqlx::query(ADD)
            .bind(event.0)
            .bind(lead.0)
            .bind(before.as_str())
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// What was so before an entry that can be undone; `None` when it cannot, or was.
    pub async fn kept_for_undo(&mut self, event: EventId) -> Result<Option<serde_json::Value>, StoreError> {
        let before: Option<String> =
            each!(self, conn => sqlx::query_scalar(STANDS).bind(event.0).fetch_optional(conn).await)?;
        before
            .map(|before| {
                serde_json::from_str(&before).map_err(|error| StoreError::Inconsistent {
                    table: "undo",
                    id: event.0,
                    what: format!("before: {error}"),
                })
            })
            .transpose()
    }

    /// Whether an entry was undone.
    pub async fn is_undone(&mut self, event: EventId) -> Result<bool, StoreError> {
        let count: i64 =
            each!(self, conn => sqlx::query_scalar(IS_UNDONE).bind(event.0).fetch_one(conn).await)?;
        Ok(count > 0)
    }

    /// Marks an entry as undone; `false` when it was before, or cannot be.
    pub async fn mark_undone(&mut self, event: EventId, now: Timestamp) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(UNDO)
            .bind(millis(now))
            .bind(event.0)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// The entries of a lead's log that were undone: no rule counts them any more.
    pub async fn undone_events(&mut self, lead: LeadId) -> Result<Vec<EventId>, StoreError> {
        let ids: Vec<i64> =
            each!(self, conn => sqlx::query_scalar(UNDONE).bind(lead.0).fetch_all(conn).await)?;
        Ok(ids.into_iter().map(EventId).collect())
    }
}
