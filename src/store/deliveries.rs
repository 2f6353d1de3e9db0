//! What marketing delivered, and what the record says of it: qualified leads as they were at their hand-off, what
//! sales made of them, how promises were kept.

use jiff::Timestamp;

use super::column::millis;
use super::{StoreError, Tx, each, statements};
use crate::domain::commitments::{Delivered, Outcome};
use crate::domain::ids::{HandOffId, LeadId};

statements! {
    INSERT = "INSERT INTO delivery (lead_id, hand_off_id, campaign, qualified_at, filled) \
              VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hand_off_id) DO NOTHING";
    // A lead that went from rep to rep was delivered once; one that came back after a rest, twice.
    BETWEEN = "SELECT d.id, d.campaign, d.filled, h.accepted_at, h.ended_why FROM delivery d \
               JOIN hand_off h ON h.lead_id = d.lead_id AND h.id >= d.hand_off_id \
               WHERE d.qualified_at >= $1 AND d.qualified_at < $2 AND NOT EXISTS (SELECT 1 FROM delivery later \
               WHERE later.lead_id = d.lead_id AND later.hand_off_id > d.hand_off_id AND later.hand_off_id <= h.id) \
               ORDER BY d.id, h.id";
    WAITING = "SELECT COALESCE(campaign, ''), COUNT(*) FROM lead WHERE stage = 'qualified' AND stage_at >= $1 \
               AND stage_at < $2 GROUP BY COALESCE(campaign, '') ORDER BY COALESCE(campaign, '')";
    NEARLY_READY = "SELECT COALESCE(campaign, ''), COUNT(*) FROM lead WHERE stage = 'nurturing' AND score >= $1 \
                    GROUP BY COALESCE(campaign, '') ORDER BY COALESCE(campaign, '')";
    CAME_IN = "SELECT campaign, COUNT(*), CAST(SUM(CASE WHEN EXISTS (SELECT 1 FROM delivery d \
               WHERE d.lead_id = lead.id) THEN 1 ELSE 0 END) AS BIGINT) FROM lead \
               WHERE created_at >= $1 AND created_at < $2 AND campaign IS NOT NULL GROUP BY campaign ORDER BY campaign";
    DELIVERED_SINCE = "SELECT campaign, COUNT(*) FROM delivery WHERE qualified_at >= $1 GROUP BY campaign \
                       ORDER BY campaign";
    TIME_OPEN = "SELECT COUNT(*), CAST(COALESCE(SUM(ended_at - at), 0) AS BIGINT) FROM hand_off \
                 WHERE ended_at >= $1";
    KEPT = "SELECT c.kind, h.policy, CAST(SUM(CASE WHEN c.state = 'met' THEN 1 ELSE 0 END) AS BIGINT), \
            CAST(SUM(CASE WHEN c.state <> 'met' AND c.deadline_at < COALESCE(c.stopped_at, $2) THEN 1 ELSE 0 END) \
            AS BIGINT) FROM sla_clock c JOIN hand_off h ON h.id = c.hand_off_id \
            WHERE c.started_at >= $1 AND c.started_at < $2 GROUP BY c.kind, h.policy ORDER BY c.kind, h.policy";
    REJECTIONS = "SELECT ended_why, COUNT(*) FROM hand_off WHERE ended_at >= $1 AND ended_at < $2 \
                  AND ended_why LIKE 'rejected: %' GROUP BY ended_why ORDER BY COUNT(*) DESC, ended_why";
    MOST_FIRED = "SELECT c.kind, h.policy, l.level, COUNT(*) FROM sla_level l JOIN sla_clock c ON c.id = l.clock_id \
                  JOIN hand_off h ON h.id = c.hand_off_id WHERE l.fired_at >= $1 AND l.fired_at < $2 \
                  AND l.fell_due_at >= c.deadline_at GROUP BY c.kind, h.policy, l.level ORDER BY COUNT(*) DESC, c.kind, h.policy, l.level LIMIT $3";
}

/// How a hand-off that was sent back ends; the reason's name follows.
const REJECTED: &str = "rejected: ";

/// A delivery, its campaign and filled fields; when one of its reps accepted it, and how that hand-off ended.
type DeliveryRow = (i64, String, String, Option<i64>, Option<String>);

/// A qualified lead is handed to sales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Which lead.
    pub lead: LeadId,
    /// By which hand-off.
    pub hand_off: HandOffId,
    /// From which campaign.
    pub campaign: String,
    /// When it became qualified.
    pub qualified_at: Timestamp,
    /// The names of its fields that are filled.
    pub filled: Vec<String>,
}

/// How a promise of sales was kept over a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPromise {
    /// What was promised: `first_contact` …
    pub kind: String,
    /// Under which policy.
    pub policy: String,
    /// How often it was kept.
    pub kept: i64,
    /// How often it was not: too late, or never.
    pub broken: i64,
}

/// A level of a policy, and how often it was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiredLevel {
    /// Of which promise.
    pub kind: String,
    /// Under which policy.
    pub policy: String,
    /// Its name.
    pub level: String,
    /// How often.
    pub times: i64,
}

impl Tx {
    /// Notes that a qualified lead was handed to sales, once for each hand-off.
    pub async fn insert_delivery(&mut self, new: &NewDelivery) -> Result<(), StoreError> {
        // A list of texts always has a JSON form.
        let filled = serde_json::to_string(&new.filled).unwrap_or_else(|_| "[]".to_owned());
        each!(self, conn => sqlx::query(INSERT)
            .bind(new.lead.0)
            .bind(new.hand_off.0)
            .bind(new.campaign.as_str())
            .bind(millis(new.qualified_at))
            .bind(filled)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// What was handed to sales of the leads that became qualified from `from` to before `to`, and what sales made of
    /// each: by its last rep.
    pub async fn delivered_between(
        &mut self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Delivered>, StoreError> {
        let rows: Vec<DeliveryRow> = each!(self, conn =>
            sqlx::query_as(BETWEEN).bind(millis(from)).bind(millis(to)).fetch_all(conn).await)?;
        let mut found: Vec<(i64, Delivered)> = Vec::new();
        for (id, campaign, filled, accepted_at, ended_why) in rows {
            if found.last().is_none_or(|(last, _)| *last != id) {
                let filled = serde_json::from_str(&filled).map_err(|error| StoreError::Inconsistent {
                    table: "delivery",
                    id,
                    what: format!("filled: {error}"),
                })?;
                found.push((id, Delivered { campaign, filled, outcome: Outcome::Open }));
            }
            if let Some((_, lead)) = found.last_mut() {
                if let Some(reason) = ended_why.as_deref().and_then(|why| why.strip_prefix(REJECTED)) {
                    lead.outcome = Outcome::Rejected(reason.to_owned());
                } else if accepted_at.is_some() {
                    lead.outcome = Outcome::Accepted;
                }
            }
        }
        Ok(found.into_iter().map(|(_, lead)| lead).collect())
    }

    /// Leads that became qualified in that time and wait for a rep, by campaign; without one: "".
    pub async fn qualified_waiting(
        &mut self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(each!(self, conn =>
            sqlx::query_as(WAITING).bind(millis(from)).bind(millis(to)).fetch_all(conn).await)?)
    }

    /// Nurtured leads of at least that score, by campaign.
    pub async fn nearly_ready(&mut self, score: i64) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(each!(self, conn => sqlx::query_as(NEARLY_READY).bind(score).fetch_all(conn).await)?)
    }

    /// Leads that came in during that time by campaign, and how many of them were handed off since.
    pub async fn qualification_record(
        &mut self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(String, i64, i64)>, StoreError> {
        Ok(each!(self, conn =>
            sqlx::query_as(CAME_IN).bind(millis(from)).bind(millis(to)).fetch_all(conn).await)?)
    }

    /// What was delivered since, by campaign.
    pub async fn delivered_since(&mut self, since: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(each!(self, conn => sqlx::query_as(DELIVERED_SINCE).bind(millis(since)).fetch_all(conn).await)?)
    }

    /// How many hand-offs ended since, and how long all of them together took, in milliseconds.
    pub async fn time_with_reps(&mut self, since: Timestamp) -> Result<(i64, i64), StoreError> {
        Ok(each!(self, conn => sqlx::query_as(TIME_OPEN).bind(millis(since)).fetch_one(conn).await)?)
    }

    /// How promises that began in that time were kept, by promise and policy.
    pub async fn kept_promises(
        &mut self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<KeptPromise>, StoreError> {
        let rows: Vec<(String, String, i64, i64)> = each!(self, conn =>
            sqlx::query_as(KEPT).bind(millis(from)).bind(millis(to)).fetch_all(conn).await)?;
        Ok(rows
            .into_iter()
            .map(|(kind, policy, kept, broken)| KeptPromise { kind, policy, kept, broken })
            .collect())
    }

    /// What sales sent back in that time, by the reason's name, the most frequent first.
    pub async fn rejections(
        &mut self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let rows: Vec<(String, i64)> = each!(self, conn =>
            sqlx::query_as(REJECTIONS).bind(millis(from)).bind(millis(to)).fetch_all(conn).await)?;
        let reason = |why: String| why.strip_prefix(REJECTED).map(str::to_owned).unwrap_or(why);
        Ok(rows.into_iter().map(|(why, count)| (reason(why), count)).collect())
    }

    /// The levels of broken promises that were reached most often in that time: reminders before a deadline are none.
    pub async fn most_fired_levels(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        limit: i64,
    ) -> Result<Vec<FiredLevel>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = each!(self, conn =>
            sqlx::query_as(MOST_FIRED).bind(millis(from)).bind(millis(to)).bind(limit).fetch_all(conn).await)?;
        Ok(rows
            .into_iter()
            .map(|(kind, policy, level, times)| FiredLevel { kind, policy, level, times })
            .collect())
    }
}
