//! Enrolments: which lead is in which sequence, and when the next step has to be looked at.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::{instant, instant_opt, millis, millis_opt};
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::ids::{EnrolmentId, LeadId};

macro_rules! columns {
    () => {
        "id, lead_id, sequence, entry, round, state, started_at, last_sent_at, due_at, ended_at, ended_why"
    };
}

statements! {
    INSERT = "INSERT INTO enrolment (lead_id, sequence, entry, round, state, voice, started_at, due_at) \
              VALUES ($1, $2, $3, $4, 'active', 'nurture', $5, $6) ON CONFLICT DO NOTHING RETURNING id";
    ACTIVE = concat!("SELECT ", columns!(), " FROM enrolment WHERE lead_id = $1 AND state = 'active'");
    OF_LEAD = concat!("SELECT ", columns!(), " FROM enrolment WHERE lead_id = $1 ORDER BY id");
    ENTRIES = "SELECT COALESCE(MAX(entry), 0) FROM enrolment WHERE lead_id = $1 AND sequence = $2";
    ENTRIES_OF_ROUND = "SELECT COUNT(*) FROM enrolment WHERE lead_id = $1 AND sequence = $2 AND round = $3";
    DUE_LEADS = "SELECT lead_id FROM enrolment WHERE state = 'active' AND due_at IS NOT NULL AND due_at <= $1 \
                 ORDER BY due_at, id LIMIT $2";
    NEXT_DUE = "SELECT MIN(due_at) FROM enrolment WHERE state = 'active' AND due_at IS NOT NULL";
    END = "UPDATE enrolment SET state = $1, voice = NULL, due_at = NULL, ended_at = $2, ended_why = $3 \
           WHERE id = $4 AND state = 'active'";
    REOPEN = "UPDATE enrolment SET state = 'active', voice = 'nurture', due_at = $1, ended_at = NULL, ended_why = NULL \
              WHERE id = $2 AND state <> 'active' \
              AND NOT EXISTS (SELECT 1 FROM enrolment AS other WHERE other.lead_id = enrolment.lead_id \
                              AND other.state = 'active')";
    LOOK_AT = "UPDATE enrolment SET due_at = $1 WHERE id = $2 AND state = 'active'";
}

/// A lead enters a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnrolment {
    /// Who.
    pub lead: LeadId,
    /// Into which.
    pub sequence: String,
    /// The how-many-eth time; the sequence's re-entry rule decides whether it may be above 1.
    pub entry: i64,
    /// In which of the lead's rounds.
    pub round: i64,
    /// When.
    pub started_at: Timestamp,
    /// When its first step has to be looked at.
    pub due_at: Timestamp,
}

/// An enrolment in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// Its row.
    pub id: EnrolmentId,
    /// Who.
    pub lead: LeadId,
    /// In which sequence.
    pub sequence: String,
    /// The how-many-eth time.
    pub entry: i64,
    /// In which of the lead's rounds.
    pub round: i64,
    /// Whether it runs.
    pub is_active: bool,
    /// Since when.
    pub started_at: Timestamp,
    /// When its last mail left.
    pub last_sent_at: Option<Timestamp>,
    /// When the next step has to be looked at; `None` while one waits in the outbox.
    pub due_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub ended_why: Option<String>,
}

/// What a sent, skipped or dropped step means for its enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Which.
    pub enrolment: EnrolmentId,
    /// When the mail left; `None` leaves the time of the last one as it is.
    pub sent_at: Option<Timestamp>,
    /// When the next step has to be looked at.
    pub due_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct EnrolmentRow {
    id: i64,
    lead_id: i64,
    sequence: String,
    entry: i64,
    round: i64,
    state: String,
    started_at: i64,
    last_sent_at: Option<i64>,
    due_at: Option<i64>,
    ended_at: Option<i64>,
    ended_why: Option<String>,
}

impl TryFrom<EnrolmentRow> for Enrolment {
    type Error = StoreError;

    fn try_from(row: EnrolmentRow) -> Result<Enrolment, StoreError> {
        let id = row.id;
        Ok(Enrolment {
            id: EnrolmentId(id),
            lead: LeadId(row.lead_id),
            sequence: row.sequence,
            entry: row.entry,
            round: row.round,
            is_active: row.state == "active",
            started_at: instant("enrolment", id, row.started_at)?,
            last_sent_at: instant_opt("enrolment", id, row.last_sent_at)?,
            due_at: instant_opt("enrolment", id, row.due_at)?,
            ended_at: instant_opt("enrolment", id, row.ended_at)?,
            ended_why: row.ended_why,
        })
    }
}

fn domain(rows: Vec<EnrolmentRow>) -> Result<Vec<Enrolment>, StoreError> {
    rows.into_iter().map(Enrolment::try_from).collect()
}

impl Tx {
    /// Enrols a lead; `None` when it was in the sequence already, or is in one now.
    pub async fn insert_enrolment(&mut self, new: &NewEnrolment) -> Result<Option<EnrolmentId>, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(INSERT)
            .bind(new.lead.0)
            .bind(new.sequence.as_str())
            .bind(new.entry)
            .bind(new.round)
            .bind(millis(new.started_at))
            .bind(millis(new.due_at))
            .fetch_optional(conn)
            .await)?;
        Ok(id.map(EnrolmentId))
    }

    /// The sequence a lead is in.
    pub async fn active_enrolment(&mut self, lead: LeadId) -> Result<Option<Enrolment>, StoreError> {
        let row: Option<EnrolmentRow> =
            each!(self, conn => sqlx::query_as(ACTIVE).bind(lead.0).fetch_optional(conn).await)?;
        row.map(Enrolment::try_from).transpose()
    }

    /// Every sequence a lead was in, the first one first.
    pub async fn enrolments_of(&mut self, lead: LeadId) -> Result<Vec<Enrolment>, StoreError> {
        domain(each!(self, conn => sqlx::query_as(OF_LEAD).bind(lead.0).fetch_all(conn).await)?)
    }

    /// How often a lead has been in a sequence, and how often in this round.
    pub async fn entries(
        &mut self,
        lead: LeadId,
        sequence: &str,
        round: i64,
    ) -> Result<(i64, i64), StoreError> {
        let ever = each!(self, conn =>
            sqlx::query_scalar(ENTRIES).bind(lead.0).bind(sequence).fetch_one(conn).await)?;
        let in_round = each!(self, conn =>
            sqlx::query_scalar(ENTRIES_OF_ROUND).bind(lead.0).bind(sequence).bind(round).fetch_one(conn).await)?;
        Ok((ever, in_round))
    }

    /// Leads with an enrolment to look at by `now`, the longest due first.
    pub async fn leads_with_due_enrolment(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<LeadId>, StoreError> {
        let ids: Vec<i64> = each!(self, conn =>
            sqlx::query_scalar(DUE_LEADS).bind(millis(now)).bind(limit).fetch_all(conn).await)?;
        Ok(ids.into_iter().map(LeadId).collect())
    }

    /// The running enrolments of these leads, in the order of the leads.
    pub async fn active_enrolments_of(&mut self, leads: &[LeadId]) -> Result<Vec<Enrolment>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        let rows = self
            .select_by_ids(
                concat!("SELECT ", columns!(), " FROM enrolment WHERE state = 'active' AND lead_id IN"),
                &ids,
                "ORDER BY lead_id",
            )
            .await?;
        domain(rows)
    }

    /// When the next enrolment has to be looked at.
    pub async fn next_enrolment_due(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT_DUE).fetch_one(conn).await)?)
    }

    /// An enrolment goes on, because it should not have ended; when its next step is looked at, or `None` while one waits
    /// in the outbox. `false` when the lead is in a sequence.
    pub async fn reopen_enrolment(
        &mut self,
        id: EnrolmentId,
        due_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(REOPEN)
            .bind(millis_opt(due_at))
            .bind(id.0)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Ends an enrolment: `finished` when it is through, else exited. `false` when it had ended already.
    pub async fn end_enrolment(
        &mut self,
        id: EnrolmentId,
        finished: bool,
        why: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let state = if finished { "finished" } else { "exited" };
        let rows = each!(self, conn => sqlx::query(END)
            .bind(state)
            .bind(millis(now))
            .bind(why)
            .bind(id.0)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Has an enrolment looked at again at `at`; `None`: not before something else says so.
    pub async fn look_at_enrolment(
        &mut self,
        id: EnrolmentId,
        at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        each!(self, conn =>
            sqlx::query(LOOK_AT).bind(millis_opt(at)).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// These enrolments wait for the step they have in the outbox.
    pub async fn await_send(&mut self, ids: &[EnrolmentId]) -> Result<(), StoreError> {
        for ids in ids.chunks(bulk::MAX_LIST) {
            let ids = bulk::padded(ids);
            let sql = self.in_dialect(format!(
                "UPDATE enrolment SET due_at = NULL WHERE id IN ({})",
                bulk::list(1, ids.len())
            ));
            each!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for id in ids {
                    query = query.bind(id.0);
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// Moves enrolments on, those that still run and have no other mail that is yet to leave: a step that is sent
    /// again by hand does not hurry those behind it.
    pub async fn advance_enrolments(&mut self, advances: &[Advance]) -> Result<(), StoreError> {
        for advances in bulk::pieces(advances, 3) {
            let sql = self.in_dialect(format!(
                "UPDATE enrolment SET last_sent_at = COALESCE(v.column2, enrolment.last_sent_at), due_at = v.column3 \
                 FROM (VALUES {}) AS v WHERE enrolment.id = v.column1 AND enrolment.state = 'active' \
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.enrolment_id = enrolment.id \
                 AND outbox.state IN ('pending', 'sending'))",
                bulk::values(advances.len(), 3)
            ));
            each!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for advance in advances {
                    query = query
                        .bind(advance.enrolment.0)
                        .bind(millis_opt(advance.sent_at))
                        .bind(millis(advance.due_at));
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }
}
