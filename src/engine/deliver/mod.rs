//! Mail leaves: claimed, rendered, sent, marked.
//!
//! # The guarantee
//! Mail to a lead is sent at most once; mail to staff is sent at least once, and twice only under the same
//! Message-ID. How it is kept:
//!
//! 1. [`claim`]: one transaction locks the leads, asks the gate with everything that is known by then, takes
//!    the slots of the day, and marks a small batch `sending`. When it is committed there is no way back.
//! 2. The batch is rendered and spoken over connections of our own, outside any transaction, within a
//!    deadline shorter than the lease.
//! 3. [`mark`]: what became of each mail is written for the whole batch, under the lease it was sent under.
//!
//! Whatever dies between 1 and 3 leaves at most the claimed batches behind, as `sending`; housekeeping finds
//! them, puts staff mail back and declares lead mail in doubt.
//!
//! Several lanes do this at once, so that the store works while the network does. Staff mail goes first in
//! each lane, and a wake delivers for a second at most before it looks at everything else again: a hand-off
//! never waits behind a wave.

mod claim;
mod mark;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::duty::Duty;
use super::pass::{PassError, PassReport};
use super::{DeliveryLimits, Engine, Wake};
use crate::domain::backoff;
use crate::domain::ids::LeadId;
use crate::domain::mail::{Audience, MailState};
use crate::mail::message::{Correspondent, Letter, Unsubscribe, compose};
use crate::mail::token;
use crate::mail::transport::{Outcome, Parcel, Session, Transport};
use crate::playbook::LEAD_LAYOUT;
use crate::store::{StoreError, Tx};

use claim::{Claim, Claimed};

pub(super) use claim::brake_day;
pub(super) use mark::fell_into_doubt;

/// Mails claimed at once by a lane. All lanes together are what can be in doubt after a crash.
const BATCH: usize = 32;

/// Lanes, when the transport has connections for them.
const LANES: usize = 2;

/// What delivery keeps from wake to wake.
pub(super) struct Delivery {
    transport: Transport,
    limits: DeliveryLimits,
    /// Open connections that nobody is using.
    sessions: Mutex<Vec<Session>>,
    trouble: Mutex<Trouble>,
}

/// The transport as a whole does not work: no point in trying the next mail.
#[derive(Clone, Copy, Default)]
struct Trouble {
    failures: i64,
    until: Option<Timestamp>,
}

/// A claimed mail and what became of it.
pub(super) struct Tried {
    mail: Claimed,
    /// The subject it was sent under.
    subject: String,
    result: Result<Outcome, String>,
}

impl Delivery {
    pub fn new(transport: Transport, limits: DeliveryLimits) -> Delivery {
        Delivery { transport, limits, sessions: Mutex::default(), trouble: Mutex::default() }
    }

    async fn take_session(&self) -> Session {
        let kept = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match kept {
            Some(session) => session,
            None => self.transport.open().await,
        }
    }

    fn keep_session(&self, session: Session) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.until.filter(|until| *until > now)
    }

    fn in_trouble(&self, now: Timestamp) -> Timestamp {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.until.is_none_or(|until| until <= now) {
            trouble.failures += 1;
            trouble.until = now.checked_add(backoff::delay(trouble.failures)).ok();
        }
        trouble.until.unwrap_or(now)
    }

    fn works(&self) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Trouble::default();
    }

    /// Says goodbye to the mail server.
    pub async fn close(&self) {
        let sessions = std::mem::take(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
        join_all(sessions.into_iter().map(Session::close)).await;
    }
}

pub(super) async fn run(engine: &Arc<Engine>, wake: &Arc<Wake>) -> Result<PassReport, PassError> {
    if engine.delivery.rests_until(wake.now).is_some() || !engine.has(Duty::Deliver, wake.now).await? {
        return Ok(PassReport::default());
    }
    let connections = engine.delivery.transport.sessions().max(1);
    let lanes = LANES.min(connections);
    let over = Instant::now() + engine.delivery.limits.slice;
    let mut running = JoinSet::new();
    for lane in 0..lanes {
        let share = connections / lanes + usize::from(lane < connections % lanes);
        let (engine, wake) = (Arc::clone(engine), Arc::clone(wake));
        running.spawn(async move { run_lane(&engine, &wake, share, over).await });
    }
    let mut report = PassReport::default();
    let mut failed = None;
    while let Some(lane) = running.join_next().await {
        match lane {
            Ok(Ok(lane)) => report = report.and(lane),
            Ok(Err(error)) => failed = Some(error),
            Err(defect) => failed = Some(PassError::Panic(defect.to_string())),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(report),
    }
}

async fn run_lane(
    engine: &Engine,
    wake: &Wake,
    share: usize,
    over: Instant,
) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    let mut sessions = Vec::with_capacity(share);
    for _ in 0..share {
        sessions.push(engine.delivery.take_session().await);
    }
    let mut failed = None;
    while Instant::now() < over && !engine.is_stopping() {
        match deliver_batch(engine, wake, &mut sessions).await {
            Ok(Some(batch)) => report = report.and(batch),
            Ok(None) => break,
            // Somebody else took a slot first: the next claim decides with what is known then.
            Err(PassError::Store(StoreError::Conflict(_))) => report.put_off += 1,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    for session in sessions {
        engine.delivery.keep_session(session);
    }
    failed.map_or(Ok(report), Err)
}

/// Claims, sends and marks one batch; `None` when there is nothing to send.
async fn deliver_batch(
    engine: &Engine,
    wake: &Wake,
    sessions: &mut [Session],
) -> Result<Option<PassReport>, PassError> {
    let lease = engine.delivery.limits.lease;
    // Half the lease: whoever sends longer than that would meet the finder of lost mail.
    let deadline = Instant::now() + lease / 2;
    let claim = claim::next(engine, wake, BATCH, lease).await?;
    if claim.is_empty() {
        return Ok(None);
    }
    let Claim { token, mails, report } = claim;
    let tried = send(engine, wake, sessions, mails, deadline).await;
    let marked = mark::results(engine, wake, token, tried).await?;
    Ok(Some(report.and(marked)))
}

/// Sends a batch over several connections at once.
async fn send(
    engine: &Engine,
    wake: &Wake,
    sessions: &mut [Session],
    mails: Vec<Claimed>,
    deadline: Instant,
) -> Vec<Tried> {
    let queue = Mutex::new(VecDeque::from(mails));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let workers = sessions.iter_mut().map(|session| async {
        let mut tried = Vec::new();
        while let Some(mail) = next() {
            let (subject, parcel) = match letter(engine, wake, &mail).await {
                Ok(letter) => letter,
                Err(why) => {
                    tried.push(Tried { mail, subject: String::new(), result: Err(why) });
                    continue;
                }
            };
            let outcome = session.send(&parcel, deadline).await;
            tried.push(Tried { mail, subject, result: Ok(outcome) });
        }
        tried
    });
    // Unlike `join_all` this asks only the worker whose connection has something to say.
    let finished: Vec<Vec<Tried>> = workers.collect::<FuturesUnordered<_>>().collect().await;
    let mut tried: Vec<Tried> = finished.into_iter().flatten().collect();
    // In the order in which they were planned, whichever connection was quicker.
    tried.sort_by_key(|tried| tried.mail.row.id);
    tried
}

/// A claimed mail as it goes on the wire, and its subject.
async fn letter(engine: &Engine, wake: &Wake, mail: &Claimed) -> Result<(String, Parcel), String> {
    let row = &mail.row;
    let identity = &engine.identity;
    let envelope_from = token::envelope_sender(&engine.keys.mail, row.id, &identity.from.address)
        .unwrap_or_else(|_| identity.from.address.clone());
    let (subject, bytes) = match (&mail.message, &mail.lead) {
        (Some(message), _) => (row.subject.clone().unwrap_or_default(), message.clone()),
        (None, Some(lead)) => {
            let playbook = engine
                .playbooks
                .version(&engine.store, &row.playbook)
                .await
                .map_err(|error| error.to_string())?;
            let template = format!(
                "{}/{}",
                row.sequence.as_deref().unwrap_or_default(),
                row.step.as_deref().unwrap_or_default()
            );
            let values = engine.lead_values(lead, &playbook.agreement);
            let rendered = playbook
                .templates
                .render(&template, LEAD_LAYOUT, &values)
                .map_err(|error| error.to_string())?;
            let letter = Letter {
                from: identity.from.clone(),
                reply_to: identity.reply_to.clone(),
                to: Correspondent { name: lead.profile.full_name(), address: row.recipient.clone() },
                subject: rendered.subject,
                html: rendered.html,
                text: rendered.text,
                message_id: token::message_id(&engine.keys.mail, row.id, identity.from.address.domain()),
                date: wake.now,
                unsubscribe: Some(Unsubscribe { url: engine.unsubscribe_url(lead), mailto: None }),
                in_reply_to: None,
                references: Vec::new(),
                auto_generated: false,
                extra: Vec::new(),
            };
            let bytes = compose(&letter).map_err(|error| error.to_string())?;
            (letter.subject, bytes)
        }
        (None, None) => return Err("a staff mail without its message: a defect, please report it".to_owned()),
    };
    let parcel = Parcel { envelope_from, to: row.recipient.clone(), bytes, file_stem: row.id.to_string() };
    Ok((subject, parcel))
}

/// Drops what a lead has waiting in the outbox, except mail it asked for.
pub(super) async fn drop_waiting_mail(
    tx: &mut Tx,
    wake: &Wake,
    lead: LeadId,
    why: &str,
) -> Result<(), StoreError> {
    for mail in tx.mails_of(lead).await? {
        let waits = mail.audience == Audience::Lead && mail.state == MailState::Pending && !mail.requested;
        if waits && tx.settle_mail(mail.id, MailState::Pending, MailState::Dropped, why, wake.now).await? {
            let facts = json!({ "sequence": mail.sequence, "step": mail.step, "why": why });
            tx.append(&[wake.event(lead, "dropped", facts)]).await?;
        }
    }
    Ok(())
}

/// How long a claim lasts, as the store takes it.
fn lease_ms(lease: std::time::Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 4)
}

/// When a mail that failed is tried again.
fn again_at(now: Timestamp, attempts: i64) -> Timestamp {
    now.checked_add(backoff::delay(attempts)).unwrap_or_else(|_| now + SignedDuration::from_hours(1))
}
