//! What sales gave back, with its reason, and what marketing said to it.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis, parsed, parsed_opt};
use super::{StoreError, Tx, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{EventId, GivenBackId, HandOffId, LeadId};
use crate::domain::lead::Stage;
use crate::domain::recycle::Verdict;

macro_rules! columns {
    () => {
        "id, hand_off_id, lead_id, stage, reason, at, event_id, same_rep, disputed_at, disputed_by, \
         dispute_event_id, settled_at, settled_by, verdict"
    };
}

statements! {
    INSERT = "INSERT INTO given_back (hand_off_id, lead_id, stage, reason, at, event_id, same_rep) \
              VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id";
    OF_LEAD = concat!(
        "SELECT ", columns!(), " FROM given_back WHERE lead_id = $1 \
         OR lead_id IN (SELECT lead_id FROM merged_lead WHERE into_id = $1) ORDER BY id"
    );
    LAST = concat!("SELECT ", columns!(), " FROM given_back WHERE lead_id = $1 ORDER BY id DESC LIMIT 1");
    DISPUTE = "UPDATE given_back SET disputed_at = $1, disputed_by = $2, dispute_event_id = $3 \
               WHERE id = $4 AND disputed_at IS NULL RETURNING id";
    SETTLE = "UPDATE given_back SET settled_at = $1, settled_by = $2, verdict = $3 \
              WHERE id = $4 AND disputed_at IS NOT NULL AND settled_at IS NULL RETURNING id";
}

/// A rep gives a lead back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGivenBack {
    /// The hand-off that ends.
    pub hand_off: HandOffId,
    /// Which lead.
    pub lead: LeadId,
    /// `rejected` or `lost`.
    pub stage: Stage,
    /// Why, by the agreement's name.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The event that says so; its text holds the words.
    pub event: EventId,
    /// Whoever had it is asked first the next time.
    pub same_rep: bool,
}

/// A lead that was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// Its row.
    pub id: GivenBackId,
    /// The hand-off that ended.
    pub hand_off: HandOffId,
    /// Which lead.
    pub lead: LeadId,
    /// `rejected` or `lost`.
    pub stage: Stage,
    /// Why, by the name the agreement had for it then.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The event that says so; its text holds the words.
    pub event: EventId,
    /// Whoever had it is asked first the next time.
    pub same_rep: bool,
    /// Marketing disagrees.
    pub dispute: Option<Dispute>,
}

/// Marketing disagrees with a rejection: once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Since when.
    pub at: Timestamp,
    /// Who.
    pub by: Option<EmailAddress>,
    /// The event that says so; its text holds the words.
    pub event: EventId,
    /// What came of it; `None`: an answer is owed.
    pub settled: Option<Settled>,
}

/// A dispute is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Since when.
    pub at: Timestamp,
    /// By whose word; `None`: by what happened.
    pub by: Option<EmailAddress>,
    /// How.
    pub verdict: Verdict,
}

#[derive(sqlx::FromRow)]
struct GivenBackRow {
    id: i64,
    hand_off_id: i64,
    lead_id: i64,
    stage: String,
    reason: String,
    at: i64,
    event_id: i64,
    same_rep: bool,
    disputed_at: Option<i64>,
    disputed_by: Option<String>,
    dispute_event_id: Option<i64>,
    settled_at: Option<i64>,
    settled_by: Option<String>,
    verdict: Option<String>,
}

impl TryFrom<GivenBackRow> for GivenBack {
    type Error = StoreError;

    fn try_from(row: GivenBackRow) -> Result<GivenBack, StoreError> {
        const TABLE: &str = "given_back";
        let id = row.id;
        let settled = match (instant_opt(TABLE, id, row.settled_at)?, row.verdict) {
            (Some(at), Some(verdict)) => Some(Settled {
                at,
                by: parsed_opt(TABLE, id, row.settled_by.as_deref())?,
                verdict: parsed(TABLE, id, &verdict)?,
            }),
            _ => None,
        };
        let dispute = match (instant_opt(TABLE, id, row.disputed_at)?, row.dispute_event_id) {
            (Some(at), Some(event)) => Some(Dispute {
                at,
                by: parsed_opt(TABLE, id, row.disputed_by.as_deref())?,
                event: EventId(event),
                settled,
            }),
            _ => None,
        };
        Ok(GivenBack {
            id: GivenBackId(id),
            hand_off: HandOffId(row.hand_off_id),
            lead: LeadId(row.lead_id),
            stage: parsed(TABLE, id, &row.stage)?,
            reason: row.reason,
            at: instant(TABLE, id, row.at)?,
            event: EventId(row.event_id),
            same_rep: row.same_rep,
            dispute,
        })
    }
}

impl Tx {
    /// Keeps that a lead was given back; `None` when that hand-off had ended so before.
    pub async fn insert_given_back(&mut self, new: &NewGivenBack) -> Result<Option<GivenBackId>, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(INSERT)
            .bind(new.hand_off.0)
            .bind(new.lead.0)
            .bind(new.stage.name())
            .bind(new.reason.as_str())
            .bind(millis(new.at))
            .bind(new.event.0)
            .bind(new.same_rep)
            .fetch_optional(conn)
            .await)?;
        Ok(id.map(GivenBackId))
    }

    /// How often a lead was given back, and any double of it, in order.
    pub async fn given_back(&mut self, lead: LeadId) -> Result<Vec<GivenBack>, StoreError> {
        let rows: Vec<GivenBackRow> =
            each!(self, conn => sqlx::query_as(OF_LEAD).bind(lead.0).fetch_all(conn).await)?;
        rows.into_iter().map(GivenBack::try_from).collect()
    }

    /// The last time a lead was given back.
    pub async fn last_given_back(&mut self, lead: LeadId) -> Result<Option<GivenBack>, StoreError> {
        let row: Option<GivenBackRow> =
            each!(self, conn => sqlx::query_as(LAST).bind(lead.0).fetch_optional(conn).await)?;
        row.map(GivenBack::try_from).transpose()
    }

    /// Marketing disagrees; `false` when it did before.
    pub async fn dispute(
        &mut self,
        id: GivenBackId,
        by: Option<&EmailAddress>,
        event: EventId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row: Option<i64> = each!(self, conn => sqlx::query_scalar(DISPUTE)
            .bind(millis(now))
            .bind(by.map(EmailAddress::as_str))
            .bind(event.0)
            .bind(id.0)
            .fetch_optional(conn)
            .await)?;
        Ok(row.is_some())
    }

    /// A dispute is over; `false` when there is none, or it was over before.
    pub async fn settle_dispute(
        &mut self,
        id: GivenBackId,
        by: Option<&EmailAddress>,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row: Option<i64> = each!(self, conn => sqlx::query_scalar(SETTLE)
            .bind(millis(now))
            .bind(by.map(EmailAddress::as_str))
            .bind(verdict.name())
            .bind(id.0)
            .fetch_optional(conn)
            .await)?;
        Ok(row.is_some())
    }
}
