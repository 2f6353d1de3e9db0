//! Other systems are told what happened.
//!
//! Not a pass: an endpoint that takes ten seconds to answer must not hold up a mail. Each has a task of its own, which
//! looks once a second whether the database has something for it, takes the endpoint's lease, and tells it what is
//! due, in the order of the log.
//!
//! **The guarantee**: each event at least once, under one `webhook-id`, and the events of one lead in their order as
//! long as the endpoint takes them. One that it will not take is tried for three days and then given up, the operator
//! is told, and the others pass; an endpoint that nobody answers at is tried for three days and then parked, the operator
//! is told, and everything waits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::pass::PassError;
use super::person::lead_facts;
use super::{Engine, simulate, staff_mail};
use crate::domain::ids::{EventId, LeadId};
use crate::domain::webhook::{PREFIX, endpoint_wait, wait};
use crate::store::{Delivery, StoreError};
use crate::webhook::Webhook;
use crate::webhook::send::{Connection, Failure, Message};

/// How often each endpoint's task looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longer than a round takes.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// No message of a round is begun later than this: the longest that one takes is well below what is left of the lease.
const BEGIN_WITHIN: SignedDuration = SignedDuration::from_mins(4);
/// Messages of a round.
const ROUND: i64 = 16;
/// How often is tried what another daemon got in the way of.
const TRIES: usize = 3;

impl Engine {
    /// From now on these endpoints are told, and no others.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_webhooks(&self, webhooks: &[Webhook]) -> Result<(), StoreError> {
        let mut tries = 1;
        loop {
            match self.try_to_set_webhooks(webhooks).await {
                Err(error) if error.lost_a_race() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn try_to_set_webhooks(&self, webhooks: &[Webhook]) -> Result<(), StoreError> {
        let wanted: Vec<(&str, Vec<&str>)> =
            webhooks.iter().map(|webhook| (webhook.name.as_str(), webhook.events.clone())).collect();
        // Changing it holds up every writer of events, so a restart that changes nothing does not.
        let mut tx = self.store.read().await?;
        let known: BTreeSet<(String, String)> = tx.subscriptions().await?.into_iter().collect();
        let endpoints: BTreeSet<String> =
            tx.webhook_endpoints().await?.into_iter().map(|state| state.name).collect();
        tx.rollback().await?;
        let names = wanted.iter().map(|(name, _)| (*name).to_owned()).collect();
        let pairs = wanted
            .iter()
            .flat_map(|(name, kinds)| kinds.iter().map(|kind| ((*kind).to_owned(), (*name).to_owned())));
        if endpoints == names && known == pairs.collect() {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        tx.set_webhooks(&wanted).await?;
        tx.commit().await
    }

    /// Tells an endpoint everything that is due, until it is told or will not listen. How many messages arrived.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tell(&self, webhook: &Webhook) -> Result<u64, PassError> {
        let mut told = 0;
        loop {
            let (arrived, more) = self.tell_round(webhook).await?;
            told += arrived;
            if !more || self.is_stopping() {
                return Ok(told);
            }
        }
    }

    /// One round; says whether another may follow at once.
    async fn tell_round(&self, webhook: &Webhook) -> Result<(u64, bool), PassError> {
        let name = webhook.name.as_str();
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let state = tx.webhook_endpoint(name).await?;
        let ready = state.is_some_and(|state| state.parked_at.is_none() && state.next_at <= now);
        let due = ready && tx.any_delivery_due(name, now).await?;
        tx.rollback().await?;
        if !due {
            return Ok((0, false));
        }
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|error| PassError::Panic(error.to_string()))?;
        let lease = i64::from_be_bytes(random);
        let mut tx = self.store.begin().await?;
        let mine = tx.claim_webhook(name, lease, now, now.saturating_add(LEASE).unwrap_or(now)).await?;
        tx.commit().await?;
        if !mine {
            return Ok((0, false));
        }
        let result = self.tell_batch(webhook, now).await;
        let mut tx = self.store.begin().await?;
        tx.let_webhook_go(name, lease).await?;
        tx.commit().await?;
        result
    }

    async fn tell_batch(&self, webhook: &Webhook, now: Timestamp) -> Result<(u64, bool), PassError> {
        let mut tx = self.store.read().await?;
        let due = tx.due_deliveries(&webhook.name, now, ROUND).await?;
        tx.rollback().await?;
        let mut connection: Option<Connection<'_>> = None;
        let mut held: BTreeSet<LeadId> = BTreeSet::new();
        let mut arrived = 0;
        for delivery in &due {
            if self.clock.now().duration_since(now) > BEGIN_WITHIN {
                break;
            }
            // An earlier word about this lead was not taken: this one waits behind it.
            if self.is_stopping() || delivery.lead.is_some_and(|lead| held.contains(&lead)) {
                continue;
            }
            let message = self.message(delivery.event).await?;
            let failure = match send(webhook, &mut connection, &message, self.clock.now()).await {
                Ok(()) => {
                    arrived += 1;
                    self.arrived(webhook, delivery).await?;
                    continue;
                }
                Err(failure) => failure,
            };
            match &failure {
                Failure::Message(why) => {
                    held.extend(delivery.lead);
                    self.not_taken(webhook, delivery, why).await?;
                }
                Failure::Endpoint(..) | Failure::Broken(_) | Failure::Gone => {
                    self.not_reached(webhook, &failure).await?;
                    return Ok((arrived, false));
                }
            }
        }
        Ok((arrived, arrived > 0))
    }

    /// What is said of an event: with the lead as it is now, so that nobody hears of who was erased.
    async fn message(&self, id: EventId) -> Result<Message, PassError> {
        let mut tx = self.store.read().await?;
        let event = tx.events_after(EventId(id.0 - 1), 1).await?.pop();
        let event = event.filter(|event| event.id == id).ok_or(StoreError::Inconsistent {
            table: "webhook_delivery",
            id: id.0,
            what: "its event is missing".to_owned(),
        })?;
        let lead = match event.lead {
            Some(lead) => tx.leads(&[lead]).await?.pop(),
            None => None,
        };
        let line = simulate::line(&mut tx, event).await?;
        tx.rollback().await?;
        let payload = json!({
            "type": format!("{PREFIX}{}", line.kind),
            "timestamp": line.at,
            "data": {
                "event": id,
                "recorded_at": line.event.recorded_at,
                "facts": line.facts,
                "lead": lead.as_ref().map(lead_facts),
            },
        });
        Ok(Message { id: format!("msg_{id}"), payload: payload.to_string() })
    }

    async fn arrived(&self, webhook: &Webhook, delivery: &Delivery) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        tx.delivered(delivery.id).await?;
        tx.webhook_is_well(&webhook.name).await?;
        tx.commit().await
    }

    async fn not_taken(&self, webhook: &Webhook, delivery: &Delivery, why: &str) -> Result<(), PassError> {
        let (name, now) = (&webhook.name, self.clock.now());
        let again = wait(delivery.attempts + 1).and_then(|wait| now.checked_add(wait).ok());
        let mut tx = self.store.begin().await?;
        tx.deliver_later(delivery.id, again, why).await?;
        tx.webhook_is_well(name).await?;
        if again.is_some() {
            tracing::warn!("webhook {name}: a message was not taken and is tried again: {why}");
        } else {
            tracing::error!(
                "webhook {name}: a message was not taken for days and is given up: {why} (nurtured webhook list)"
            );
            let words = format!(
                "The webhook {name} ({}) would not take what it was told, for three days: {why}. It is told what \
                 comes next, but not this any more. Look at it (`nurtured webhook list`), then run \
                 `nurtured webhook resume {name}`: what was given up is kept and tried again.",
                webhook.target.authority
            );
            // Once a day: an endpoint that takes nothing is given up message by message.
            let day = now.as_second().div_euclid(86_400);
            let unique_key = format!("webhook:{name}:given_up:{day}");
            staff_mail::operator(self, &mut tx, &self.wake_at(now), &words, &unique_key).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn not_reached(&self, webhook: &Webhook, failure: &Failure) -> Result<(), PassError> {
        let name = webhook.name.as_str();
        let now = self.clock.now();
        let why = failure.to_string();
        let mut tx = self.store.begin().await?;
        let Some(state) = tx.webhook_endpoint(name).await? else {
            tx.rollback().await?;
            return Ok(());
        };
        let since = state.failing_since.unwrap_or(now);
        let wait = match failure {
            Failure::Gone => None,
            Failure::Endpoint(_, asked) => endpoint_wait(state.failures + 1, since, now)
                .map(|wait| asked.map_or(wait, |asked| asked.max(wait))),
            Failure::Broken(_) | Failure::Message(_) => endpoint_wait(state.failures + 1, since, now),
        };
        let next = wait.and_then(|wait| now.checked_add(wait).ok());
        tx.webhook_failed(name, &why, now, next.unwrap_or(now), next.is_none().then_some(now)).await?;
        if next.is_none() {
            tracing::error!("webhook {name} is parked: {why} (nurtured webhook resume {name})");
            let words = format!(
                "The webhook {name} ({}) is told nothing more since nobody listens there: {why}. What happened \
                 meanwhile is kept. Look at it, then run `nurtured webhook resume {name}`.",
                webhook.target.authority
            );
            let wake = self.wake_at(now);
            staff_mail::operator(self, &mut tx, &wake, &words, &format!("webhook:{name}:{since}")).await?;
        } else if state.failures == 0 {
            tracing::warn!("webhook {name} cannot be reached and is tried again: {why}");
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Sends over the connection that is open, or a new one. An open one may have been closed at the other end
/// meanwhile, which says nothing about the endpoint.
async fn send<'w>(
    webhook: &'w Webhook,
    connection: &mut Option<Connection<'w>>,
    message: &Message,
    now: Timestamp,
) -> Result<(), Failure> {
    if let Some(mut open) = connection.take().filter(Connection::is_open) {
        let result = open.send(message, now).await;
        if !matches!(result, Err(Failure::Broken(_))) {
            *connection = Some(open);
            return result;
        }
    }
    let mut open = Connection::open(webhook).await?;
    let result = open.send(message, now).await;
    *connection = Some(open);
    result
}

/// Tells the endpoints until `stopping`.
pub async fn run(engine: Arc<Engine>, webhooks: Vec<Webhook>, stopping: CancellationToken) {
    let mut tasks = tokio::task::JoinSet::new();
    for webhook in webhooks {
        tasks.spawn(run_one(Arc::clone(&engine), webhook, stopping.clone()));
    }
    while tasks.join_next().await.is_some() {}
}

async fn run_one(engine: Arc<Engine>, webhook: Webhook, stopping: CancellationToken) {
    let mut complained = false;
    while !stopping.is_cancelled() {
        match engine.tell(&webhook).await {
            Ok(_) => complained = false,
            Err(error) if complained => tracing::debug!("webhook {} fails still: {error}", webhook.name),
            Err(error) => {
                complained = true;
                tracing::error!("webhook {} fails and is tried again: {error}", webhook.name);
            }
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
