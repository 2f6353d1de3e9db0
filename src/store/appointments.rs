//! When the daemon turns to a rep the next time, and for what: one appointment a purpose.

use jiff::Timestamp;

use super::column::{instant, millis, parsed};
use super::{StoreError, Tx, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::escalation::Purpose;
use crate::domain::ids::{HandOffId, LeadId};

statements! {
    NEXT = "SELECT MIN(at) FROM appointment WHERE purpose = $1";
    DUE = "SELECT rep, at FROM appointment WHERE purpose = $1 AND at <= $2 ORDER BY at, rep LIMIT $3";
    MAKE = "INSERT INTO appointment (rep, purpose, at) VALUES ($1, $2, $3) ON CONFLICT (rep, purpose) DO NOTHING";
    MOVE = "INSERT INTO appointment (rep, purpose, at) VALUES ($1, $2, $3) \
            ON CONFLICT (rep, purpose) DO UPDATE SET at = excluded.at";
    CANCEL = "DELETE FROM appointment WHERE rep = $1 AND purpose = $2";
    OPEN_LEADS = "SELECT lead_id FROM hand_off WHERE rep = $1 AND ended_at IS NULL ORDER BY lead_id";
    UNTRIED = "SELECT hand_off.lead_id, hand_off.id, MIN(sla_clock.deadline_at) FROM hand_off \
               JOIN sla_clock ON sla_clock.lead_id = hand_off.lead_id AND sla_clock.hand_off_id = hand_off.id \
               WHERE hand_off.rep = $1 AND hand_off.ended_at IS NULL AND sla_clock.state = 'running' \
               AND sla_clock.kind = 'first_contact' \
               GROUP BY hand_off.lead_id, hand_off.id ORDER BY hand_off.lead_id";
}

impl Tx {
    /// When the daemon turns to some rep next, for a purpose.
    pub async fn next_appointment(&mut self, purpose: Purpose) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT).bind(purpose.name()).fetch_one(conn).await)?)
    }

    /// The reps to turn to by `now`, the longest due first, each with when it was due.
    pub async fn appointments_due(
        &mut self,
        purpose: Purpose,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(EmailAddress, Timestamp)>, StoreError> {
        let rows: Vec<(String, i64)> = each!(self, conn => sqlx::query_as(DUE)
            .bind(purpose.name())
            .bind(millis(now))
            .bind(limit)
            .fetch_all(conn)
            .await)?;
        let read =
            |(rep, at): (String, i64)| Ok((parsed("appointment", 0, &rep)?, instant("appointment", 0, at)?));
        rows.into_iter().map(read).collect()
    }

    /// Turns to a rep at that time, unless there is an appointment already.
    pub async fn make_appointment(
        &mut self,
        rep: &EmailAddress,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.appoint(MAKE, rep, purpose, at).await
    }

    /// Turns to a rep at that time, and not before or after.
    pub async fn move_appointment(
        &mut self,
        rep: &EmailAddress,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.appoint(MOVE, rep, purpose, at).await
    }

    async fn appoint(
        &mut self,
        sql: &'static str,
        rep: &EmailAddress,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(sql)
            .bind(rep.as_str())
            .bind(purpose.name())
            .bind(millis(at))
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// There is nothing to turn to a rep for.
    pub async fn cancel_appointment(
        &mut self,
        rep: &EmailAddress,
        purpose: Purpose,
    ) -> Result<(), StoreError> {
        each!(self, conn =>
            sqlx::query(CANCEL).bind(rep.as_str()).bind(purpose.name()).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The leads that a rep has, by their ids.
    pub async fn open_leads_of(&mut self, rep: &EmailAddress) -> Result<Vec<LeadId>, StoreError> {
        let ids: Vec<i64> =
            each!(self, conn => sqlx::query_scalar(OPEN_LEADS).bind(rep.as_str()).fetch_all(conn).await)?;
        Ok(ids.into_iter().map(LeadId).collect())
    }

    /// The leads of a rep that nobody tried to reach since they were handed off, by their ids, each with its
    /// hand-off and when first contact is due.
    pub async fn untried_leads_of(
        &mut self,
        rep: &EmailAddress,
    ) -> Result<Vec<(LeadId, HandOffId, Timestamp)>, StoreError> {
        let rows: Vec<(i64, i64, i64)> =
            each!(self, conn => sqlx::query_as(UNTRIED).bind(rep.as_str()).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|(lead, hand_off, due)| {
                Ok((LeadId(lead), HandOffId(hand_off), instant("sla_clock", lead, due)?))
            })
            .collect()
    }
}
