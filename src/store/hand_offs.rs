//! Hand-offs: which rep has which lead, and whose turn it is.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis, millis_opt, parsed};
use super::{StoreError, Tx, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{HandOffId, LeadId};

macro_rules! columns {
    () => {
        "id, lead_id, number, rep, team, policy, campaign, at, accepted_at, ended_at, ended_why"
    };
}

statements! {
    INSERT = "INSERT INTO hand_off (lead_id, number, rep, team, policy, campaign, at) \
              SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6 FROM hand_off WHERE lead_id = $1 \
              RETURNING id";
    OPEN = concat!("SELECT ", columns!(), " FROM hand_off WHERE lead_id = $1 AND ended_at IS NULL");
    OF_LEAD = concat!("SELECT ", columns!(), " FROM hand_off WHERE lead_id = $1 ORDER BY number");
    BY_ID = concat!("SELECT ", columns!(), " FROM hand_off WHERE id = $1");
    ACCEPT = "UPDATE hand_off SET accepted_at = COALESCE(accepted_at, $1) WHERE id = $2";
    END = "UPDATE hand_off SET ended_at = $1, ended_why = $2 WHERE id = $3 AND ended_at IS NULL";
    ADD_REP = "INSERT INTO rep (email, assigned) VALUES ($1, 0) ON CONFLICT (email) DO NOTHING";
    ASSIGNED = "UPDATE rep SET last_assigned_at = $1, assigned = assigned + 1 WHERE email = $2";
    REP_AWAY = "UPDATE rep SET away_from = $1, away_until = $2 WHERE email = $3";
}

/// What daemons on one PostgreSQL lock while they decide which rep gets a lead: any number that nobody else on
/// the database locks.
const ROUTING: i64 = 0x6e75_7274_7572_6564;

/// A lead is given to a rep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHandOff {
    /// Which lead.
    pub lead: LeadId,
    /// To whom.
    pub rep: EmailAddress,
    /// Of which team.
    pub team: String,
    /// Under which promise.
    pub policy: String,
    /// From which campaign.
    pub campaign: String,
    /// When.
    pub at: Timestamp,
}

/// A hand-off in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOff {
    /// Its row.
    pub id: HandOffId,
    /// Which lead.
    pub lead: LeadId,
    /// The how-many-eth of this lead, from 1.
    pub number: i64,
    /// To whom.
    pub rep: EmailAddress,
    /// Of which team.
    pub team: String,
    /// Under which promise.
    pub policy: String,
    /// From which campaign.
    pub campaign: String,
    /// When.
    pub at: Timestamp,
    /// When the rep took it.
    pub accepted_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub ended_why: Option<String>,
}

#[derive(sqlx::FromRow)]
struct HandOffRow {
    id: i64,
    lead_id: i64,
    number: i64,
    rep: String,
    team: String,
    policy: String,
    campaign: String,
    at: i64,
    accepted_at: Option<i64>,
    ended_at: Option<i64>,
    ended_why: Option<String>,
}

impl TryFrom<HandOffRow> for HandOff {
    type Error = StoreError;

    fn try_from(row: HandOffRow) -> Result<HandOff, StoreError> {
        let id = row.id;
        Ok(HandOff {
            id: HandOffId(id),
            lead: LeadId(row.lead_id),
            number: row.number,
            rep: parsed("hand_off", id, &row.rep)?,
            team: row.team,
            policy: row.policy,
            campaign: row.campaign,
            at: instant("hand_off", id, row.at)?,
            accepted_at: instant_opt("hand_off", id, row.accepted_at)?,
            ended_at: instant_opt("hand_off", id, row.ended_at)?,
            ended_why: row.ended_why,
        })
    }
}

impl Tx {
    /// Decides alone, until the transaction ends, which rep gets a lead: what a rep has room for is read,
    /// then used up, and two who read it at once would both use it. Whoever takes it has locked every lead it
    /// needs, so nobody who has it waits for a lead. Taken twice, it is taken once.
    pub async fn lock_routing(&mut self) -> Result<(), StoreError> {
        match self {
            // A writing transaction on SQLite is alone.
            Tx::Sqlite(_) => {}
            Tx::Postgres(tx) => {
                sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(ROUTING).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    /// Gives a lead to a rep. The database refuses a second open hand-off of one lead.
    pub async fn insert_hand_off(&mut self, new: &NewHandOff) -> Result<HandOffId, StoreError> {
        self.lock_routing().await?;
        let id: i64 = each!(self, conn => sqlx::query_scalar(INSERT)
            .bind(new.lead.0)
            .bind(new.rep.as_str())
            .bind(new.team.as_str())
            .bind(new.policy.as_str())
            .bind(new.campaign.as_str())
            .bind(millis(new.at))
            .fetch_one(conn)
            .await)?;
        each!(self, conn => sqlx::query(ADD_REP).bind(new.rep.as_str()).execute(conn).await.map(drop))?;
        each!(self, conn =>
            sqlx::query(ASSIGNED).bind(millis(new.at)).bind(new.rep.as_str()).execute(conn).await.map(drop))?;
        Ok(HandOffId(id))
    }

    /// The hand-off a lead is in.
    pub async fn open_hand_off(&mut self, lead: LeadId) -> Result<Option<HandOff>, StoreError> {
        let row: Option<HandOffRow> =
            each!(self, conn => sqlx::query_as(OPEN).bind(lead.0).fetch_optional(conn).await)?;
        row.map(HandOff::try_from).transpose()
    }

    /// Every hand-off of a lead, in order.
    pub async fn hand_offs_of(&mut self, lead: LeadId) -> Result<Vec<HandOff>, StoreError> {
        let rows: Vec<HandOffRow> =
            each!(self, conn => sqlx::query_as(OF_LEAD).bind(lead.0).fetch_all(conn).await)?;
        rows.into_iter().map(HandOff::try_from).collect()
    }

    /// One hand-off.
    pub async fn hand_off(&mut self, id: HandOffId) -> Result<Option<HandOff>, StoreError> {
        let row: Option<HandOffRow> =
            each!(self, conn => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(conn).await)?;
        row.map(HandOff::try_from).transpose()
    }

    /// Several hand-offs, in the order of their rows.
    pub async fn hand_offs_by_id(&mut self, ids: &[HandOffId]) -> Result<Vec<HandOff>, StoreError> {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<HandOffRow> = self
            .select_by_ids(concat!("SELECT ", columns!(), " FROM hand_off WHERE id IN"), &ids, "ORDER BY id")
            .await?;
        rows.into_iter().map(HandOff::try_from).collect()
    }

    /// The rep took it; the first time counts.
    pub async fn accept_hand_off(&mut self, id: HandOffId, at: Timestamp) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(ACCEPT).bind(millis(at)).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The rep no longer has it.
    pub async fn end_hand_off(&mut self, id: HandOffId, why: &str, at: Timestamp) -> Result<(), StoreError> {
        each!(self, conn =>
            sqlx::query(END).bind(millis(at)).bind(why).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// A rep announced an absence, or (`None`) is back.
    pub async fn set_rep_away(
        &mut self,
        email: &EmailAddress,
        away: Option<(Timestamp, Timestamp)>,
    ) -> Result<(), StoreError> {
        self.lock_routing().await?;
        each!(self, conn => sqlx::query(ADD_REP).bind(email.as_str()).execute(conn).await.map(drop))?;
        each!(self, conn => sqlx::query(REP_AWAY)
            .bind(millis_opt(away.map(|(from, _)| from)))
            .bind(millis_opt(away.map(|(_, until)| until)))
            .bind(email.as_str())
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }
}
