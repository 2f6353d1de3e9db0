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
//! them, puts staff mail back and declares lead mail in doubt. A store that cannot be written at 3 (locked by
//! another program, its disk full) costs nothing: the results are kept, and nothing else is sent before they
//! are written.
//!
//! Several lanes do this at once, so that the store works while the network does. Staff mail goes first in
//! each lane, and a wake delivers for a second at most before it looks at everything else again: a hand-off
//! never waits behind a wave.

mod claim;
mod mark;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::duty::Duty;
use super::pass::{PassError, PassReport};
use super::playbooks::PlaybookError;
use super::{Engine, Limits, Wake};
use crate::domain::backoff;
use crate::domain::ids::{LeadId, OutboxId};
use crate::domain::mail::{Audience, MailState};
use crate::mail::message::{Correspondent, Letter, Unsubscribe, compose};
use crate::mail::token;
use crate::mail::transport::{Outcome, Parcel, Scope, Session, Transport};
use crate::playbook::LEAD_LAYOUT;
use crate::store::{StoreError, Tx};

use claim::{Claim, Claimed, Looked};

pub(super) use claim::brake_day;
pub(super) use mark::fell_into_doubt;

/// Mails claimed at once by a lane. All lanes together are what can be in doubt after a crash.
const BATCH: usize = 32;

/// Lanes, when the transport has connections for them.
const LANES: usize = 2;

/// What delivery keeps from wake to wake.
pub(super) struct Delivery {
    transport: Transport,
    limits: Limits,
    /// Open connections that nobody is using.
    sessions: Mutex<Vec<Session>>,
    trouble: Mutex<Trouble>,
    /// Batches of which the store does not know yet what became of them.
    unwritten: Mutex<Vec<Batch>>,
}

/// The transport as a whole does not work: no point in trying the next mail.
#[derive(Clone, Copy, Default)]
struct Trouble {
    failures: i64,
    until: Option<Timestamp>,
}

/// Mails that were sent, or not, under one lease.
struct Batch {
    token: i64,
    /// When the last of them was through.
    at: Timestamp,
    /// Until when nobody else takes them for lost.
    lease_ends: Instant,
    tried: Vec<Tried>,
}

/// A claimed mail and what became of it.
struct Tried {
    mail: Claimed,
    /// The subject it was sent under.
    subject: String,
    result: Result<Outcome, Unsent>,
}

/// Why a claimed mail never got as far as the transport.
#[derive(Debug)]
enum Unsent {
    /// It cannot be written as a mail; somebody has to look at it.
    Unwritable(String),
    /// Its turn did not come. Nothing was learnt about it.
    NotTried(String),
}

impl Delivery {
    pub fn new(transport: Transport, limits: Limits) -> Delivery {
        Delivery {
            transport,
            limits,
            sessions: Mutex::default(),
            trouble: Mutex::default(),
            unwritten: Mutex::default(),
        }
    }

    /// How long a pass goes on.
    pub fn slice(&self) -> Option<Duration> {
        self.limits.slice
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

    fn keep_unwritten(&self, batch: Batch) {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    fn take_unwritten(&self) -> Vec<Batch> {
        std::mem::take(&mut *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the store does not know yet what became of some mail.
    pub fn has_unwritten(&self) -> bool {
        !self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
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
    let mut report = write_unwritten(engine, wake).await?;
    if engine.delivery.rests_until(wake.now).is_some() || !engine.has(Duty::Deliver, wake.now).await? {
        return Ok(report);
    }
    let connections = engine.delivery.transport.sessions().max(1);
    let lanes = LANES.min(connections);
    let mut running = JoinSet::new();
    for lane in 0..lanes {
        let share = connections / lanes + usize::from(lane < connections % lanes);
        let (engine, wake) = (Arc::clone(engine), Arc::clone(wake));
        running.spawn(async move { run_lane(&engine, &wake, share).await });
    }
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

async fn run_lane(engine: &Engine, wake: &Wake, share: usize) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    let mut sessions = Vec::with_capacity(share);
    for _ in 0..share {
        sessions.push(engine.delivery.take_session().await);
    }
    let mut failed = None;
    let mut sent = None;
    let turn = wake.turn();
    while !turn.is_over() && !engine.is_stopping() {
        let begun = Instant::now();
        match settle_and_claim(engine, wake, sent.take()).await {
            Ok((settled, claim)) => {
                report = report.and(settled).and(claim.report);
                if claim.is_empty() {
                    break;
                }
                sent = Some(send(engine, wake, &mut sessions, claim, begun).await);
            }
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
    if let Some(batch) = sent {
        report = report.and(write(engine, wake, batch).await?);
    }
    failed.map_or(Ok(report), Err)
}

/// Writes what became of a batch and claims the next one; in one transaction when all of it went well, which saves
/// every second commit.
async fn settle_and_claim(
    engine: &Engine,
    wake: &Wake,
    sent: Option<Batch>,
) -> Result<(PassReport, Claim), PassError> {
    let lease = engine.delivery.limits.lease;
    let mut settled = PassReport::default();
    if let Some(batch) = sent {
        // Whatever goes wrong with both together, each is tried on its own and tells its own error.
        if mark::is_smooth(&batch)
            && let Ok(Some(both)) = both_at_once(engine, wake, &batch, lease).await
        {
            return Ok(both);
        }
        settled = write(engine, wake, batch).await?;
    }
    Ok((settled, claim::next(engine, wake, BATCH, lease).await?))
}

/// `None`, and nothing written, when the claim has to have a transaction of its own.
async fn both_at_once(
    engine: &Engine,
    wake: &Wake,
    batch: &Batch,
    lease: Duration,
) -> Result<Option<(PassReport, Claim)>, PassError> {
    let mut tx = engine.store.begin().await?;
    let settled = mark::smooth(engine, &mut tx, wake, batch).await?;
    let claim = match claim::look(engine, &mut tx, wake, BATCH, lease).await? {
        Looked::Claimed(claim) => claim,
        Looked::Idle => Claim::none(),
        Looked::DayIsFull(_) => {
            tx.rollback().await?;
            return Ok(None);
        }
    };
    tx.commit().await?;
    engine.delivery.works();
    Ok(Some((settled, claim)))
}

/// Writes what became of a batch, or keeps it until the store can be written.
async fn write(engine: &Engine, wake: &Wake, batch: Batch) -> Result<PassReport, PassError> {
    let written = mark::results(engine, wake, &batch).await;
    if let Err(PassError::Store(error)) = &written {
        if error.is_temporary() || Instant::now() < batch.lease_ends {
            engine.delivery.keep_unwritten(batch);
        } else {
            // Housekeeping settles them like those of a daemon that vanished.
            tracing::error!("what became of {} mails cannot be written: {error}", batch.tried.len());
        }
    }
    written
}

/// Writes what became of batches when the store could not be written at once.
///
/// # Errors
/// When it still cannot be written, or when the transport was in trouble then.
pub(super) async fn write_unwritten(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    let mut batches = engine.delivery.take_unwritten().into_iter();
    while let Some(batch) = batches.next() {
        match write(engine, wake, batch).await {
            Ok(written) => report = report.and(written),
            Err(error) => {
                batches.for_each(|batch| engine.delivery.keep_unwritten(batch));
                return Err(error);
            }
        }
    }
    Ok(report)
}

/// Sends a batch over several connections at once. No further mail is begun when the daemon is to stop, when
/// time is up, or when the transport as a whole does not work; those mails are given back.
async fn send(engine: &Engine, wake: &Wake, sessions: &mut [Session], claim: Claim, begun: Instant) -> Batch {
    let lease = engine.delivery.limits.lease;
    // Half the lease: whoever sends longer than that would meet the finder of lost mail.
    let deadline = begun + lease / 2;
    let queue = Mutex::new(VecDeque::from(claim.mails));
    let over: OnceLock<&'static str> = OnceLock::new();
    let next = || {
        if engine.is_stopping() {
            over.get_or_init(|| "the daemon stopped before its turn came");
        } else if Instant::now() >= deadline {
            over.get_or_init(|| "the mails before it took too long");
        }
        if over.get().is_some() {
            return None;
        }
        queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    };
    let workers = sessions.iter_mut().map(|session| async {
        let mut tried = Vec::new();
        while let Some(mail) = next() {
            let (subject, parcel) = match letter(engine, wake, &mail).await {
                Ok(letter) => letter,
                Err(unsent) => {
                    tried.push(Tried { mail, subject: String::new(), result: Err(unsent) });
                    continue;
                }
            };
            let outcome = session.send(&parcel, deadline).await;
            if outcome.scope() == Some(Scope::Transport) {
                over.get_or_init(|| "the mail server does not work");
            }
            tried.push(Tried { mail, subject, result: Ok(outcome) });
        }
        tried
    });
    // Unlike `join_all` this asks only the worker whose connection has something to say.
    let finished: Vec<Vec<Tried>> = workers.collect::<FuturesUnordered<_>>().collect().await;
    let mut tried: Vec<Tried> = finished.into_iter().flatten().collect();
    let left = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    let why = over.get().copied().unwrap_or_default();
    tried.extend(left.into_iter().map(|mail| Tried {
        mail,
        subject: String::new(),
        result: Err(Unsent::NotTried(why.to_owned())),
    }));
    // In the order in which they were planned, whichever connection was quicker.
    tried.sort_by_key(|tried| tried.mail.row.id);
    let at = engine.clock.now().max(wake.now);
    Batch { token: claim.token, at, lease_ends: begun + lease, tried }
}

/// A claimed mail as it goes on the wire, and its subject.
async fn letter(engine: &Engine, wake: &Wake, mail: &Claimed) -> Result<(String, Parcel), Unsent> {
    let unwritable = |error: &dyn std::fmt::Display| Unsent::Unwritable(error.to_string());
    let row = &mail.row;
    let identity = &engine.identity;
    let envelope_from = token::envelope_sender(&engine.keys.mail, row.id, &identity.from.address)
        .unwrap_or_else(|_| identity.from.address.clone());
    let (subject, bytes) = match (&mail.message, &mail.lead) {
        (Some(message), _) => (row.subject.clone().unwrap_or_default(), message.clone()),
        (None, Some(lead)) => {
            let version = engine.playbooks.version(&engine.store, &row.playbook).await;
            let playbook = version.map_err(|error| match error {
                // That the store cannot be read just now is no fault of this mail.
                PlaybookError::Store(_) => Unsent::NotTried(error.to_string()),
                error => unwritable(&error),
            })?;
            let template = format!(
                "{}/{}",
                row.sequence.as_deref().unwrap_or_default(),
                row.step.as_deref().unwrap_or_default()
            );
            let values = engine.lead_values(lead, &playbook.agreement, mail.contact_by);
            let rendered = playbook
                .templates
                .render(&template, LEAD_LAYOUT, &values)
                .map_err(|error| unwritable(&error))?;
            let named =
                |id: &OutboxId| token::message_id(&engine.keys.mail, *id, identity.from.address.domain());
            let thread: Vec<String> = mail.before.iter().map(named).collect();
            let letter = Letter {
                from: identity.from.clone(),
                reply_to: identity.reply_to.clone(),
                to: Correspondent { name: lead.profile.full_name(), address: row.recipient.clone() },
                subject: rendered.subject,
                html: rendered.html,
                text: rendered.text,
                message_id: named(&row.id),
                date: wake.now,
                unsubscribe: Some(Unsubscribe { url: engine.unsubscribe_url(lead), mailto: None }),
                in_reply_to: thread.last().cloned(),
                references: thread,
                auto_generated: false,
                extra: Vec::new(),
            };
            let bytes = compose(&letter).map_err(|error| unwritable(&error))?;
            (letter.subject, bytes)
        }
        (None, None) => {
            return Err(unwritable(&"a staff mail without its message: a defect, please report it"));
        }
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

/// Drops everything that is still to go to a lead, also what it asked for and what waits for a person: another record
/// of the same person goes on.
pub(super) async fn drop_all_waiting_mail(
    tx: &mut Tx,
    wake: &Wake,
    lead: LeadId,
    why: &str,
) -> Result<(), StoreError> {
    for mail in tx.mails_of(lead).await? {
        let waits = matches!(mail.state, MailState::Pending | MailState::Parked);
        if mail.audience == Audience::Lead
            && waits
            && tx.settle_mail(mail.id, mail.state, MailState::Dropped, why, wake.now).await?
        {
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
