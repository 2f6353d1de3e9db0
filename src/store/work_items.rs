//! What marketing has to look at: leads with wrong data, leads that are not the right person.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis, millis_opt};
use super::{StoreError, Tx, each, statements};
use crate::domain::ids::{EventId, LeadId, WorkItemId};

statements! {
    OPEN = "INSERT INTO work_item (lead_id, reason, event_id, opened_at, tell_at) VALUES ($1, $2, $3, $4, $5) \
            ON CONFLICT DO NOTHING RETURNING id";
    OF_LEAD = "SELECT id, lead_id, reason, event_id, opened_at, tell_at FROM work_item \
               WHERE lead_id = $1 AND closed_at IS NULL";
    ALL_OF_LEAD = "SELECT reason, opened_at, closed_at, closed_why FROM work_item WHERE lead_id = $1 ORDER BY id";
    TO_TELL = "SELECT id, lead_id, reason, event_id, opened_at, tell_at FROM work_item \
               WHERE tell_at IS NOT NULL AND tell_at <= $1 ORDER BY tell_at, id LIMIT $2";
    TOLD = "UPDATE work_item SET tell_at = $1 WHERE id = $2 AND closed_at IS NULL";
    CLOSE = "UPDATE work_item SET closed_at = $1, closed_why = $2, tell_at = NULL \
             WHERE lead_id = $3 AND closed_at IS NULL";
    NEXT = "SELECT MIN(tell_at) FROM work_item WHERE tell_at IS NOT NULL";
}

/// Something marketing has to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    /// Its row.
    pub id: WorkItemId,
    /// Which lead.
    pub lead: LeadId,
    /// Why, by the agreement's name.
    pub reason: String,
    /// The event that says so; its text holds the words.
    pub event: EventId,
    /// Since when.
    pub opened_at: Timestamp,
    /// When it stands in a list; `None`: never again.
    pub tell_at: Option<Timestamp>,
}

/// Something that marketing had to look at, or still has to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastWorkItem {
    /// Why, by the agreement's name.
    pub reason: String,
    /// Since when.
    pub opened_at: Timestamp,
    /// Until when; `None`: it still has to.
    pub closed_at: Option<Timestamp>,
    /// What came of it.
    pub closed_why: Option<String>,
}

#[derive(sqlx::FromRow)]
struct WorkItemRow {
    id: i64,
    lead_id: i64,
    reason: String,
    event_id: i64,
    opened_at: i64,
    tell_at: Option<i64>,
}

impl TryFrom<WorkItemRow> for WorkItem {
    type Error = StoreError;

    fn try_from(row: WorkItemRow) -> Result<WorkItem, StoreError> {
        Ok(WorkItem {
            id: WorkItemId(row.id),
            lead: LeadId(row.lead_id),
            reason: row.reason,
            event: EventId(row.event_id),
            opened_at: instant("work_item", row.id, row.opened_at)?,
            tell_at: instant_opt("work_item", row.id, row.tell_at)?,
        })
    }
}

impl Tx {
    /// Marketing has to look at a lead; `false` when it has to already.
    pub async fn open_work_item(
        &mut self,
        lead: LeadId,
        reason: &str,
        event: EventId,
        tell_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(OPEN)
            .bind(lead.0)
            .bind(reason)
            .bind(event.0)
            .bind(millis(now))
            .bind(millis(tell_at))
            .fetch_optional(conn)
            .await)?;
        Ok(id.is_some())
    }

    /// What marketing has to look at of a lead.
    pub async fn work_item(&mut self, lead: LeadId) -> Result<Option<WorkItem>, StoreError> {
        let row: Option<WorkItemRow> =
            each!(self, conn => sqlx::query_as(OF_LEAD).bind(lead.0).fetch_optional(conn).await)?;
        row.map(WorkItem::try_from).transpose()
    }

    /// Everything that marketing ever had to look at of a lead, in order.
    pub async fn work_items_of(&mut self, lead: LeadId) -> Result<Vec<PastWorkItem>, StoreError> {
        let rows: Vec<(String, i64, Option<i64>, Option<String>)> =
            each!(self, conn => sqlx::query_as(ALL_OF_LEAD).bind(lead.0).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|(reason, opened_at, closed_at, closed_why)| {
                Ok(PastWorkItem {
                    reason,
                    opened_at: instant("work_item", lead.0, opened_at)?,
                    closed_at: instant_opt("work_item", lead.0, closed_at)?,
                    closed_why,
                })
            })
            .collect()
    }

    /// What is to stand in the list that is written by `now`, in order.
    pub async fn work_items_to_tell(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<WorkItem>, StoreError> {
        let rows: Vec<WorkItemRow> = each!(self, conn =>
            sqlx::query_as(TO_TELL).bind(millis(now)).bind(limit).fetch_all(conn).await)?;
        rows.into_iter().map(WorkItem::try_from).collect()
    }

    /// It stands in a list now, and in the next one at `again`.
    pub async fn work_item_told(
        &mut self,
        id: WorkItemId,
        again: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(TOLD).bind(millis_opt(again)).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Marketing has nothing to look at any more; `false` when it had not before either.
    pub async fn close_work_item(
        &mut self,
        lead: LeadId,
        why: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(CLOSE)
            .bind(millis(now))
            .bind(why)
            .bind(lead.0)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// When the next list is written, in epoch milliseconds.
    pub async fn next_work_list(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT).fetch_one(conn).await)?)
    }
}
