//! What other systems are still to be told, and how they listen.
//!
//! A trigger of the database writes a delivery with each event that somebody subscribes to, in the
//! transaction of the event: no writer of events can forget it, and neither of the two is ever there alone.
//! One daemon at a time works on an endpoint; it holds the endpoint's lease.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis, millis_opt};
use super::{StoreError, Tx, each, statements};
use crate::domain::ids::{DeliveryId, EventId, LeadId};

statements! {
    ADD_ENDPOINT = "INSERT INTO webhook_endpoint (name, failures, next_at, lease_until) VALUES ($1, 0, 0, 0) \
                    ON CONFLICT DO NOTHING";
    ENDPOINTS = "SELECT name, failures, failing_since, next_at, parked_at, last_error, \
                 (SELECT COUNT(*) FROM webhook_delivery d WHERE d.endpoint = e.name AND NOT d.given_up) AS waiting, \
                 (SELECT COUNT(*) FROM webhook_delivery d WHERE d.endpoint = e.name AND d.given_up) AS given_up \
                 FROM webhook_endpoint e ORDER BY name";
    ENDPOINT = "SELECT name, failures, failing_since, next_at, parked_at, last_error, CAST(0 AS BIGINT) AS waiting, \
                CAST(0 AS BIGINT) AS given_up FROM webhook_endpoint WHERE name = $1";
    SUBSCRIPTIONS = "SELECT kind, endpoint FROM webhook_subscription ORDER BY endpoint, kind";
    UNSUBSCRIBE_ALL = "DELETE FROM webhook_subscription";
    SUBSCRIBE = "INSERT INTO webhook_subscription (kind, endpoint) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    FORGET_DELIVERIES = "DELETE FROM webhook_delivery WHERE endpoint = $1";
    FORGET_ENDPOINT = "DELETE FROM webhook_endpoint WHERE name = $1";
    CLAIM = "UPDATE webhook_endpoint SET lease_token = $1, lease_until = $2 WHERE name = $3 AND parked_at IS NULL \
             AND next_at <= $4 AND lease_until <= $4";
    LET_GO = "UPDATE webhook_endpoint SET lease_token = NULL, lease_until = 0 WHERE name = $1 AND lease_token = $2";
    // What is told of one lead is told in its order: nothing passes by an earlier word that has to wait.
    ANY_DUE = "SELECT id FROM webhook_delivery d WHERE endpoint = $1 AND NOT given_up AND due_at <= $2 \
               AND NOT EXISTS (SELECT 1 FROM webhook_delivery e WHERE e.endpoint = d.endpoint \
               AND e.lead_id = d.lead_id AND NOT e.given_up AND e.event_id < d.event_id AND e.due_at > $2) LIMIT 1";
    DUE = "SELECT id, event_id, lead_id, attempts FROM webhook_delivery d WHERE endpoint = $1 AND NOT given_up \
           AND due_at <= $2 AND NOT EXISTS (SELECT 1 FROM webhook_delivery e WHERE e.endpoint = d.endpoint \
           AND e.lead_id = d.lead_id AND NOT e.given_up AND e.event_id < d.event_id AND e.due_at > $2) \
           ORDER BY event_id LIMIT $3";
    DELIVERED = "DELETE FROM webhook_delivery WHERE id = $1";
    LATER = "UPDATE webhook_delivery SET due_at = $1, attempts = attempts + 1, last_error = $2 WHERE id = $3";
    GIVE_UP = "UPDATE webhook_delivery SET given_up = TRUE, attempts = attempts + 1, last_error = $1 WHERE id = $2";
    WELL = "UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, next_at = 0, last_error = NULL \
            WHERE name = $1 AND failures > 0";
    FAILED = "UPDATE webhook_endpoint SET failures = failures + 1, failing_since = COALESCE(failing_since, $1), \
              next_at = $2, last_error = $3, parked_at = $4 WHERE name = $5";
    RESUME = "UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, next_at = 0, parked_at = NULL, \
              last_error = NULL WHERE name = $1";
    TRY_AGAIN = "UPDATE webhook_delivery SET due_at = $1, attempts = 0, given_up = FALSE WHERE endpoint = $2";
}

/// Waits for every writer of events that has read who subscribes, and holds up the next: else one of them would put a
/// delivery beside an endpoint that is being removed, and either of the two would fail. PostgreSQL alone has several
/// writers.
const ALONE: &str = "LOCK TABLE webhook_subscription IN ACCESS EXCLUSIVE MODE";

/// Something that an endpoint is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its row.
    pub id: DeliveryId,
    /// Of which event.
    pub event: EventId,
    /// About which lead.
    pub lead: Option<LeadId>,
    /// How often it was tried.
    pub attempts: i64,
}

/// How an endpoint listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointState {
    /// As the configuration calls it.
    pub name: String,
    /// Tries in a row that reached nobody.
    pub failures: i64,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Not before.
    pub next_at: Timestamp,
    /// Since when a person has to look.
    pub parked_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// What it is still to be told. Counted for lists alone.
    pub waiting: i64,
    /// What it would not take. Counted for lists alone.
    pub given_up: i64,
}

#[derive(sqlx::FromRow)]
struct EndpointRow {
    name: String,
    failures: i64,
    failing_since: Option<i64>,
    next_at: i64,
    parked_at: Option<i64>,
    last_error: Option<String>,
    waiting: i64,
    given_up: i64,
}

impl TryFrom<EndpointRow> for EndpointState {
    type Error = StoreError;

    fn try_from(row: EndpointRow) -> Result<EndpointState, StoreError> {
        const TABLE: &str = "webhook_endpoint";
        Ok(EndpointState {
            name: row.name,
            failures: row.failures,
            failing_since: instant_opt(TABLE, 0, row.failing_since)?,
            next_at: instant(TABLE, 0, row.next_at)?,
            parked_at: instant_opt(TABLE, 0, row.parked_at)?,
            last_error: row.last_error,
            waiting: row.waiting,
            given_up: row.given_up,
        })
    }
}

impl Tx {
    /// Who is told of what from now on: endpoints by name, each with its kinds of events. Who is not named any
    /// more is told nothing more, not even what waits.
    pub async fn set_webhooks(&mut self, endpoints: &[(&str, Vec<&str>)]) -> Result<(), StoreError> {
        if let Tx::Postgres(tx) = self {
            sqlx::query(ALONE).execute(&mut **tx).await?;
        }
        each!(self, conn => sqlx::query(UNSUBSCRIBE_ALL).execute(conn).await.map(drop))?;
        for known in self.webhook_endpoints().await? {
            if endpoints.iter().all(|(name, _)| *name != known.name) {
                for sql in [FORGET_DELIVERIES, FORGET_ENDPOINT] {
                    let name = known.name.as_str();
                    each!(self, conn => sqlx::query(sql).bind(name).execute(conn).await.map(drop))?;
                }
            }
        }
        for (name, kinds) in endpoints {
            each!(self, conn => sqlx::query(ADD_ENDPOINT).bind(*name).execute(conn).await.map(drop))?;
            for kind in kinds {
                each!(self, conn => sqlx::query(SUBSCRIBE).bind(*kind).bind(*name).execute(conn).await.map(drop))?;
            }
        }
        Ok(())
    }

    /// Who subscribes to what: kinds of events and endpoints, by endpoint.
    pub async fn subscriptions(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(each!(self, conn => sqlx::query_as(SUBSCRIPTIONS).fetch_all(conn).await)?)
    }

    /// Every endpoint, with what waits for it.
    pub async fn webhook_endpoints(&mut self) -> Result<Vec<EndpointState>, StoreError> {
        let rows: Vec<EndpointRow> = each!(self, conn => sqlx::query_as(ENDPOINTS).fetch_all(conn).await)?;
        rows.into_iter().map(EndpointState::try_from).collect()
    }

    /// One endpoint, without counts.
    pub async fn webhook_endpoint(&mut self, name: &str) -> Result<Option<EndpointState>, StoreError> {
        let row: Option<EndpointRow> =
            each!(self, conn => sqlx::query_as(ENDPOINT).bind(name).fetch_optional(conn).await)?;
        row.map(EndpointState::try_from).transpose()
    }

    /// Takes the lease of an endpoint until `until`; `false` when somebody else has it, or it is not its time.
    pub async fn claim_webhook(
        &mut self,
        name: &str,
        token: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(CLAIM)
            .bind(token)
            .bind(millis(until))
            .bind(name)
            .bind(millis(now))
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Gives the lease of an endpoint back.
    pub async fn let_webhook_go(&mut self, name: &str, token: i64) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(LET_GO).bind(name).bind(token).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Whether an endpoint is to be told anything now: whether [`Tx::due_deliveries`] has something.
    pub async fn any_delivery_due(&mut self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        let first: Option<i64> = each!(self, conn =>
            sqlx::query_scalar(ANY_DUE).bind(name).bind(millis(now)).fetch_optional(conn).await)?;
        Ok(first.is_some())
    }

    /// What an endpoint is to be told now, in the order of the log; of each lead nothing that has to wait for an
    /// earlier word.
    pub async fn due_deliveries(
        &mut self,
        name: &str,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<(i64, i64, Option<i64>, i64)> = each!(self, conn => sqlx::query_as(DUE)
            .bind(name)
            .bind(millis(now))
            .bind(limit)
            .fetch_all(conn)
            .await)?;
        let delivery = |(id, event, lead, attempts): (i64, i64, Option<i64>, i64)| Delivery {
            id: DeliveryId(id),
            event: EventId(event),
            lead: lead.map(LeadId),
            attempts,
        };
        Ok(rows.into_iter().map(delivery).collect())
    }

    /// The endpoint has taken it.
    pub async fn delivered(&mut self, id: DeliveryId) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(DELIVERED).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// It is tried again at `at`; `None`: it is not, until a person says so.
    pub async fn deliver_later(
        &mut self,
        id: DeliveryId,
        at: Option<Timestamp>,
        why: &str,
    ) -> Result<(), StoreError> {
        match at {
            Some(at) => each!(self, conn =>
                sqlx::query(LATER).bind(millis(at)).bind(why).bind(id.0).execute(conn).await.map(drop))?,
            None => each!(self, conn =>
                sqlx::query(GIVE_UP).bind(why).bind(id.0).execute(conn).await.map(drop))?,
        }
        Ok(())
    }

    /// Somebody listens at the endpoint.
    pub async fn webhook_is_well(&mut self, name: &str) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(WELL).bind(name).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Nobody listened at the endpoint. It is tried again at `next_at`, or, with `parked_at`, when a person says so.
    pub async fn webhook_failed(
        &mut self,
        name: &str,
        why: &str,
        now: Timestamp,
        next_at: Timestamp,
        parked_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(FAILED)
            .bind(millis(now))
            .bind(millis(next_at))
            .bind(why)
            .bind(millis_opt(parked_at))
            .bind(name)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// A person has looked: the endpoint is told again, what it would not take included. `false` when there is none
    /// of that name.
    pub async fn resume_webhook(&mut self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        let rows = each!(self, conn =>
            sqlx::query(RESUME).bind(name).execute(conn).await.map(|done| done.rows_affected()))?;
        each!(self, conn => sqlx::query(TRY_AGAIN).bind(millis(now)).bind(name).execute(conn).await.map(drop))?;
        Ok(rows > 0)
    }
}
