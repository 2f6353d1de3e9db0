//! What keeps a runaway from becoming a disaster: the count of a day's lead mails, the brake, the last wake.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis};
use super::{StoreError, Tx, each, statements};

statements! {
    COUNT = "INSERT INTO daily_mail (day, sent) VALUES ($1, $2) \
             ON CONFLICT (day) DO UPDATE SET sent = daily_mail.sent + excluded.sent RETURNING sent";
    SENT_ON = "SELECT COALESCE(MAX(sent), 0) FROM daily_mail WHERE day = $1";
    PULL = "INSERT INTO brake (one, since, why) VALUES (1, $1, $2) ON CONFLICT DO NOTHING RETURNING one";
    BRAKE = "SELECT since, why FROM brake WHERE one = 1";
    RELEASE = "DELETE FROM brake WHERE one = 1";
    FORGET_DAY = "DELETE FROM daily_mail WHERE day = $1";
    BEAT = "INSERT INTO heartbeat (one, at) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET at = excluded.at";
    LAST_BEAT = "SELECT MAX(at) FROM heartbeat";
}

/// A pulled brake: no lead mail leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub why: String,
}

impl Tx {
    /// Counts lead mails on a day (days since 1970-01-01) and returns the day's sum.
    pub async fn count_lead_mails(&mut self, day: i64, sent: i64) -> Result<i64, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(COUNT).bind(day).bind(sent).fetch_one(conn).await)?)
    }

    /// How many lead mails were claimed on a day.
    pub async fn lead_mails_on(&mut self, day: i64) -> Result<i64, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(SENT_ON).bind(day).fetch_one(conn).await)?)
    }

    /// Pulls the brake; `false` when it was on.
    pub async fn pull_brake(&mut self, why: &str, now: Timestamp) -> Result<bool, StoreError> {
        let row: Option<i64> = each!(self, conn =>
            sqlx::query_scalar(PULL).bind(millis(now)).bind(why).fetch_optional(conn).await)?;
        Ok(row.is_some())
    }

    /// The brake, if it is on.
    pub async fn brake(&mut self) -> Result<Option<Brake>, StoreError> {
        let row: Option<(i64, String)> =
            each!(self, conn => sqlx::query_as(BRAKE).fetch_optional(conn).await)?;
        row.map(|(since, why)| Ok(Brake { since: instant("brake", 1, since)?, why })).transpose()
    }

    /// Releases the brake and lets the day's count begin anew; `false` when it was not on.
    pub async fn release_brake(&mut self, day: i64) -> Result<bool, StoreError> {
        let rows = each!(self, conn =>
            sqlx::query(RELEASE).execute(conn).await.map(|done| done.rows_affected()))?;
        each!(self, conn => sqlx::query(FORGET_DAY).bind(day).execute(conn).await.map(drop))?;
        Ok(rows > 0)
    }

    /// Notes a completed wake.
    pub async fn beat(&mut self, now: Timestamp) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(BEAT).bind(millis(now)).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The last completed wake.
    pub async fn last_beat(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = each!(self, conn => sqlx::query_scalar(LAST_BEAT).fetch_one(conn).await)?;
        instant_opt("heartbeat", 1, at)
    }
}
