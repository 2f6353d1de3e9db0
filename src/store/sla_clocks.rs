//! SLA clocks and the levels they have reached.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis, millis_opt, parsed};
use super::{StoreError, Tx, each, statements};
use crate::domain::ids::{HandOffId, LeadId, SlaClockId};
use crate::domain::sla::PromiseKind;

macro_rules! columns {
    () => {
        "id, hand_off_id, lead_id, kind, number, terms, started_at, deadline_at, next_at, state, stopped_at, stopped_why"
    };
}

statements! {
    INSERT = "INSERT INTO sla_clock (hand_off_id, lead_id, kind, number, terms, started_at, deadline_at, next_at, \
              state) SELECT $1, $2, $3, COALESCE(MAX(number), 0) + 1, $4, $5, $6, $7, 'running' FROM sla_clock \
              WHERE hand_off_id = $1 AND kind = $3 RETURNING id";
    DUE_LEADS = "SELECT lead_id FROM sla_clock WHERE state = 'running' AND next_at IS NOT NULL AND next_at <= $1 \
                 ORDER BY next_at, id LIMIT $2";
    WITH_RUNNING = "SELECT DISTINCT lead_id FROM sla_clock WHERE state = 'running' AND lead_id > $1 \
                    ORDER BY lead_id LIMIT $2";
    RUNNING = concat!("SELECT ", columns!(), " FROM sla_clock WHERE lead_id = $1 AND state = 'running' ORDER BY id");
    OF_LEAD = concat!("SELECT ", columns!(), " FROM sla_clock WHERE lead_id = $1 ORDER BY id");
    NEXT_DUE = "SELECT MIN(next_at) FROM sla_clock WHERE state = 'running' AND next_at IS NOT NULL";
    PLAN = "UPDATE sla_clock SET deadline_at = $1, next_at = $2 WHERE id = $3 AND state = 'running'";
    STOP = "UPDATE sla_clock SET state = $1, stopped_at = $2, stopped_why = $3, next_at = NULL \
            WHERE id = $4 AND state = 'running'";
    CORRECT = "UPDATE sla_clock SET state = $1, stopped_at = $2, stopped_why = $3 WHERE id = $4 AND state = 'late'";
    CHANGE = "UPDATE sla_clock SET deadline_at = $1, next_at = $2, terms = $4 WHERE id = $3 AND state = 'running'";
    REOPEN = "UPDATE sla_clock SET deadline_at = $1, next_at = $2, terms = $4, hand_off_id = $5, state = 'running', \
              stopped_at = NULL, stopped_why = NULL WHERE id = $3 AND state = 'closed'";
    FIRE = "INSERT INTO sla_level (clock_id, level, fell_due_at, fired_at) VALUES ($1, $2, $3, $4) \
            ON CONFLICT DO NOTHING RETURNING clock_id";
    FIRED = "SELECT level FROM sla_level WHERE clock_id = $1 ORDER BY fell_due_at, level";
}

/// Binds what [`PLAN`], [`CHANGE`] and [`REOPEN`] have in common: when a clock falls due and is looked at next.
macro_rules! planned {
    ($sql:expr, $id:expr, $deadline_at:expr, $next_at:expr) => {
        sqlx::query($sql).bind(millis($deadline_at)).bind(millis_opt($next_at)).bind($id.0)
    };
}

/// A promise begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSlaClock {
    /// Of which hand-off.
    pub hand_off: HandOffId,
    /// For which lead.
    pub lead: LeadId,
    /// What was promised.
    pub kind: PromiseKind,
    /// The promise as it stood then, as JSON.
    pub terms: String,
    /// Since when.
    pub started_at: Timestamp,
    /// Until when.
    pub deadline_at: Timestamp,
    /// When it has to be looked at.
    pub next_at: Option<Timestamp>,
}

/// A clock in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlaClock {
    /// Its row.
    pub id: SlaClockId,
    /// Of which hand-off.
    pub hand_off: HandOffId,
    /// For which lead.
    pub lead: LeadId,
    /// What was promised.
    pub kind: PromiseKind,
    /// The how-many-eth of its kind in the hand-off, from 1.
    pub number: i64,
    /// The promise as it stood then, as JSON.
    pub terms: String,
    /// Since when.
    pub started_at: Timestamp,
    /// Until when, as last computed.
    pub deadline_at: Timestamp,
    /// When it has to be looked at.
    pub next_at: Option<Timestamp>,
    /// `running`, `met` in time, met `late`, or `closed` because it no longer mattered.
    pub state: String,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
    /// Why.
    pub stopped_why: Option<String>,
}

#[derive(sqlx::FromRow)]
struct SlaClockRow {
    id: i64,
    hand_off_id: i64,
    lead_id: i64,
    kind: String,
    number: i64,
    terms: String,
    started_at: i64,
    deadline_at: i64,
    next_at: Option<i64>,
    state: String,
    stopped_at: Option<i64>,
    stopped_why: Option<String>,
}

impl TryFrom<SlaClockRow> for SlaClock {
    type Error = StoreError;

    fn try_from(row: SlaClockRow) -> Result<SlaClock, StoreError> {
        let id = row.id;
        Ok(SlaClock {
            id: SlaClockId(id),
            hand_off: HandOffId(row.hand_off_id),
            lead: LeadId(row.lead_id),
            kind: parsed("sla_clock", id, &row.kind)?,
            number: row.number,
            terms: row.terms,
            started_at: instant("sla_clock", id, row.started_at)?,
            deadline_at: instant("sla_clock", id, row.deadline_at)?,
            next_at: instant_opt("sla_clock", id, row.next_at)?,
            state: row.state,
            stopped_at: instant_opt("sla_clock", id, row.stopped_at)?,
            stopped_why: row.stopped_why,
        })
    }
}

fn domain(rows: Vec<SlaClockRow>) -> Result<Vec<SlaClock>, StoreError> {
    rows.into_iter().map(SlaClock::try_from).collect()
}

impl Tx {
    /// Starts a clock.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when one of its kind runs already in the hand-off.
    pub async fn insert_sla_clock(&mut self, new: &NewSlaClock) -> Result<SlaClockId, StoreError> {
        let id: i64 = each!(self, conn => sqlx::query_scalar(INSERT)
            .bind(new.hand_off.0)
            .bind(new.lead.0)
            .bind(new.kind.name())
            .bind(new.terms.as_str())
            .bind(millis(new.started_at))
            .bind(millis(new.deadline_at))
            .bind(millis_opt(new.next_at))
            .fetch_one(conn)
            .await)?;
        Ok(SlaClockId(id))
    }

    /// Leads with a clock to look at by `now`, the longest due first.
    pub async fn leads_with_due_clock(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<LeadId>, StoreError> {
        let ids: Vec<i64> = each!(self, conn =>
            sqlx::query_scalar(DUE_LEADS).bind(millis(now)).bind(limit).fetch_all(conn).await)?;
        Ok(ids.into_iter().map(LeadId).collect())
    }

    /// Leads with a running clock, behind one of them, in the order of their rows.
    pub async fn leads_with_running_clocks(
        &mut self,
        after: LeadId,
        limit: i64,
    ) -> Result<Vec<LeadId>, StoreError> {
        let ids: Vec<i64> = each!(self, conn =>
            sqlx::query_scalar(WITH_RUNNING).bind(after.0).bind(limit).fetch_all(conn).await)?;
        Ok(ids.into_iter().map(LeadId).collect())
    }

    /// The running clocks of a lead.
    pub async fn running_clocks(&mut self, lead: LeadId) -> Result<Vec<SlaClock>, StoreError> {
        domain(each!(self, conn => sqlx::query_as(RUNNING).bind(lead.0).fetch_all(conn).await)?)
    }

    /// The running clocks of several leads, in the order in which they began.
    pub async fn running_clocks_of(&mut self, leads: &[LeadId]) -> Result<Vec<SlaClock>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        domain(
            self.select_by_ids(
                concat!("SELECT ", columns!(), " FROM sla_clock WHERE state = 'running' AND lead_id IN"),
                &ids,
                "ORDER BY id",
            )
            .await?,
        )
    }

    /// Every clock of a lead, in order.
    pub async fn clocks_of(&mut self, lead: LeadId) -> Result<Vec<SlaClock>, StoreError> {
        domain(each!(self, conn => sqlx::query_as(OF_LEAD).bind(lead.0).fetch_all(conn).await)?)
    }

    /// When the next clock has to be looked at.
    pub async fn next_clock_due(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT_DUE).fetch_one(conn).await)?)
    }

    /// Notes a running clock's deadline and when it has to be looked at next.
    pub async fn plan_clock(
        &mut self,
        id: SlaClockId,
        deadline_at: Timestamp,
        next_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        each!(self, conn => planned!(PLAN, id, deadline_at, next_at).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Stops a running clock as `met`, `late` or `closed`.
    pub async fn stop_clock(
        &mut self,
        id: SlaClockId,
        state: &str,
        why: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(STOP)
            .bind(state)
            .bind(millis(at))
            .bind(why)
            .bind(id.0)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// A clock that was kept late was kept earlier than was known then.
    pub async fn correct_clock(
        &mut self,
        id: SlaClockId,
        state: &str,
        why: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(CORRECT)
            .bind(state)
            .bind(millis(at))
            .bind(why)
            .bind(id.0)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Puts a running clock on other terms: what was promised is changed, by somebody's word.
    pub async fn change_clock(
        &mut self,
        id: SlaClockId,
        terms: &str,
        deadline_at: Timestamp,
        next_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        each!(self, conn =>
            planned!(CHANGE, id, deadline_at, next_at).bind(terms).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// A clock that was closed runs on as if it had not been, in another hand-off of the same rep: the levels that it
    /// reached stay reached.
    pub async fn reopen_clock(
        &mut self,
        id: SlaClockId,
        hand_off: HandOffId,
        terms: &str,
        deadline_at: Timestamp,
        next_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        each!(self, conn => planned!(REOPEN, id, deadline_at, next_at)
            .bind(terms)
            .bind(hand_off.0)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Notes that a level was reached; `false` when it had been before.
    pub async fn fire_level(
        &mut self,
        clock: SlaClockId,
        level: &str,
        fell_due_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row: Option<i64> = each!(self, conn => sqlx::query_scalar(FIRE)
            .bind(clock.0)
            .bind(level)
            .bind(millis(fell_due_at))
            .bind(millis(now))
            .fetch_optional(conn)
            .await)?;
        Ok(row.is_some())
    }

    /// The levels that these clocks have reached, by name.
    pub async fn fired_levels_of(
        &mut self,
        clocks: &[SlaClockId],
    ) -> Result<Vec<(SlaClockId, String)>, StoreError> {
        let ids: Vec<i64> = clocks.iter().map(|id| id.0).collect();
        let rows: Vec<(i64, String)> = self
            .select_by_ids(
                "SELECT clock_id, level FROM sla_level WHERE clock_id IN",
                &ids,
                "ORDER BY clock_id, fell_due_at, level",
            )
            .await?;
        Ok(rows.into_iter().map(|(id, level)| (SlaClockId(id), level)).collect())
    }

    /// The names of the levels a clock has reached.
    pub async fn fired_levels(&mut self, clock: SlaClockId) -> Result<Vec<String>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(FIRED).bind(clock.0).fetch_all(conn).await)?)
    }
}
