//! The commitments of marketing period by period, and the agenda: what a wake looks at at planned times beside leads.

use jiff::Timestamp;
use jiff::civil::Date;

use super::column::{date, day, instant_opt, millis, millis_opt};
use super::{StoreError, Tx, each, statements};

statements! {
    BEGIN = "INSERT INTO commitment (name, first_day, next_day, seen_day) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (name, first_day) DO NOTHING";
    EVER = "SELECT COUNT(*) FROM commitment WHERE name = $1";
    OPEN = "SELECT name, first_day, next_day, seen_day, behind_since, told_at FROM commitment \
            WHERE closed_at IS NULL ORDER BY name, next_day";
    CLOSE = "UPDATE commitment SET closed_at = $1 WHERE name = $2 AND first_day = $3 AND closed_at IS NULL";
    BEHIND = "UPDATE commitment SET behind_since = $1 WHERE name = $2 AND first_day = $3";
    TOLD = "UPDATE commitment SET told_at = $1 WHERE name = $2 AND first_day = $3";
    LAST_TOLD = "SELECT MAX(told_at) FROM commitment WHERE told_at IS NOT NULL";
    AGENDA = "SELECT topic, due_at, done_at, playbook FROM agenda ORDER BY topic";
    AGENDA_DUE = "SELECT MIN(due_at) FROM agenda";
    PLAN = "INSERT INTO agenda (topic, due_at, playbook) VALUES ($1, $2, $3) \
            ON CONFLICT (topic) DO UPDATE SET due_at = excluded.due_at, playbook = excluded.playbook";
    TAKE = "UPDATE agenda SET due_at = $1, done_at = $3 WHERE topic = $2 AND due_at <= $3 RETURNING topic";
}

/// A commitment in a period that is not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentPeriod {
    /// Its name in the agreement.
    pub name: String,
    /// The period's first day.
    pub first: Date,
    /// The first day after it.
    pub next: Date,
    /// From this day on it counts.
    pub seen: Date,
    /// Since when it is behind.
    pub behind_since: Option<Timestamp>,
    /// When that was told.
    pub told_at: Option<Timestamp>,
}

/// Something that is looked at at planned times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgendaItem {
    /// What.
    pub topic: String,
    /// When next; `None`: nothing is planned.
    pub due_at: Option<Timestamp>,
    /// When it was last looked at.
    pub done_at: Option<Timestamp>,
    /// Under which version of the playbook that was planned.
    pub playbook: String,
}

impl Tx {
    /// A commitment's period begins, unless it has.
    pub async fn begin_commitment(
        &mut self,
        name: &str,
        (first, next): (Date, Date),
        seen: Date,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(BEGIN)
            .bind(name)
            .bind(day(first))
            .bind(day(next))
            .bind(day(seen))
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Whether a commitment of that name was ever watched.
    pub async fn was_committed(&mut self, name: &str) -> Result<bool, StoreError> {
        let count: i64 = each!(self, conn => sqlx::query_scalar(EVER).bind(name).fetch_one(conn).await)?;
        Ok(count > 0)
    }

    /// Every period that is not closed, by name and time.
    pub async fn open_commitments(&mut self) -> Result<Vec<CommitmentPeriod>, StoreError> {
        type Row = (String, i64, i64, i64, Option<i64>, Option<i64>);
        let rows: Vec<Row> = each!(self, conn => sqlx::query_as(OPEN).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|(name, first, next, seen, behind_since, told_at)| {
                Ok(CommitmentPeriod {
                    name,
                    first: date("commitment", first)?,
                    next: date("commitment", next)?,
                    seen: date("commitment", seen)?,
                    behind_since: instant_opt("commitment", first, behind_since)?,
                    told_at: instant_opt("commitment", first, told_at)?,
                })
            })
            .collect()
    }

    /// A period is over and judged; `false` when it was before.
    pub async fn close_commitment(
        &mut self,
        name: &str,
        first: Date,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(CLOSE)
            .bind(millis(at))
            .bind(name)
            .bind(day(first))
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// A spell of being behind begins, or (`None`) is over.
    pub async fn set_behind(
        &mut self,
        name: &str,
        first: Date,
        since: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(BEHIND)
            .bind(millis_opt(since))
            .bind(name)
            .bind(day(first))
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Marketing was told of a spell.
    pub async fn set_behind_told(
        &mut self,
        name: &str,
        first: Date,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(TOLD)
            .bind(millis(at))
            .bind(name)
            .bind(day(first))
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// When marketing was last told of any commitment.
    pub async fn last_told_behind(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = each!(self, conn => sqlx::query_scalar(LAST_TOLD).fetch_one(conn).await)?;
        instant_opt("commitment", 0, at)
    }

    /// Everything on the agenda.
    pub async fn agenda(&mut self) -> Result<Vec<AgendaItem>, StoreError> {
        let rows: Vec<(String, Option<i64>, Option<i64>, String)> =
            each!(self, conn => sqlx::query_as(AGENDA).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|(topic, due_at, done_at, playbook)| {
                let (due_at, done_at) =
                    (instant_opt("agenda", 0, due_at)?, instant_opt("agenda", 0, done_at)?);
                Ok(AgendaItem { topic, due_at, done_at, playbook })
            })
            .collect()
    }

    /// When the next item of the agenda is due, in epoch milliseconds.
    pub async fn next_agenda_due(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(AGENDA_DUE).fetch_one(conn).await)?)
    }

    /// Plans when a topic is looked at, whatever was planned before.
    pub async fn plan_agenda(
        &mut self,
        topic: &str,
        due: Option<Timestamp>,
        playbook: &str,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(PLAN)
            .bind(topic)
            .bind(millis_opt(due))
            .bind(playbook)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Takes a topic that is due, and plans its next time; `false` when another daemon has, or it is not due.
    pub async fn take_agenda(
        &mut self,
        topic: &str,
        now: Timestamp,
        next: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let row: Option<String> = each!(self, conn => sqlx::query_scalar(TAKE)
            .bind(millis_opt(next))
            .bind(topic)
            .bind(millis(now))
            .fetch_optional(conn)
            .await)?;
        Ok(row.is_some())
    }
}
