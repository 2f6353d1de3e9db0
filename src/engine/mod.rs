//! The engine: what happens when the daemon wakes.
//!
//! A wake runs the passes in one order, so that what has come in is known before anything goes out:
//!
//! ```text
//! intake → nurture → hand-off → sla → recycle → deliver → housekeeping
//! ```
//!
//! A pass is a reconciler. It takes no input but the store and the playbook in force; it asks the rules of
//! `domain` what is due, and writes state change, outbox row and event in one transaction. Run twice, it
//! does nothing the second time; killed anywhere, the next wake picks up what was not committed. The
//! heartbeat ([`schedule`]) only says when to look: due times are indexed rows, so a wake with nothing due
//! costs the same for a thousand leads as for a million.

mod context;
mod deliver;
mod duty;
mod enrol;
mod facts;
mod hand_off;
pub mod happen;
pub mod hours;
mod housekeeping;
pub mod intake;

pub mod lifecycle;
mod nurture;
pub mod pass;
pub mod permission;
pub mod playbooks;
mod recycle;
pub mod resolve;
pub mod scenario;

mod schedule;
pub mod simulate;
mod sla;
mod staff_mail;
pub mod take_in;
pub mod why;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::email::EmailAddress;
use crate::mail::message::Correspondent;
use crate::mail::transport::Transport;
use crate::store::{Store, StoreError};
use deliver::Delivery;
use hours::HoursShelf;
use pass::{PassError, PassReport, WakeReport};
use playbooks::{InForce, PlaybookError, Playbooks};

/// Who we are, as our mail says it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who writes.
    pub from: Correspondent,
    /// Where answers go, when not to the writer.
    pub reply_to: Option<Correspondent>,
    /// Where the daemon can be reached from outside, without a final slash.
    pub public_url: String,
    /// Who hears of what only an operator can mend.
    pub operator: Option<EmailAddress>,
    /// The company, as mail to leads names it.
    pub company: String,
    /// Its postal address, which the law of many countries wants under marketing mail.
    pub postal_address: Option<String>,
}

impl Identity {
    /// The name mail comes from; the address when there is none.
    pub fn sender_name(&self) -> &str {
        self.from.name.as_deref().unwrap_or(self.from.address.as_str())
    }
}

/// Keys that sign what leaves, one for each purpose.
#[derive(Clone)]
pub struct Keys {
    /// Message-IDs and envelope senders.
    pub mail: Vec<u8>,
    /// Unsubscribe links.
    pub unsubscribe: Vec<u8>,
}

/// How delivery works.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryLimits {
    /// How long nobody else takes a mail for lost that this daemon is sending.
    pub lease: std::time::Duration,
    /// How long a wake delivers before it looks at everything else again.
    pub slice: std::time::Duration,
}

impl Default for DeliveryLimits {
    fn default() -> DeliveryLimits {
        DeliveryLimits {
            lease: std::time::Duration::from_secs(300),
            slice: std::time::Duration::from_secs(1),
        }
    }
}

/// Everything a wake needs.
pub struct Engine {
    store: Store,
    clock: Clock,
    identity: Identity,
    keys: Keys,
    playbooks: Playbooks,
    hours: HoursShelf,
    delivery: Delivery,
    woken: Notify,
    stopping: CancellationToken,
}

/// One wake: its instant, and the rules it goes by. Passes read the clock nowhere else.
pub(crate) struct Wake {
    /// The instant of the wake.
    pub now: Timestamp,
    /// The playbook in force at that instant.
    pub rules: Arc<InForce>,
}

impl Engine {
    /// An engine on a store, with the playbook that is in force there.
    ///
    /// # Errors
    /// When the store fails, or holds a playbook that this program cannot read.
    pub async fn new(
        store: Store,
        clock: Clock,
        identity: Identity,
        transport: Transport,
        limits: DeliveryLimits,
    ) -> Result<Engine, PlaybookError> {
        let keys = Keys { mail: key(&store, "mail").await?, unsubscribe: key(&store, "unsubscribe").await? };
        let playbooks = Playbooks::open(&store).await?;
        Ok(Engine {
            store,
            clock,
            identity,
            keys,
            playbooks,
            hours: HoursShelf::default(),
            delivery: Delivery::new(transport, limits),
            woken: Notify::new(),
            stopping: CancellationToken::new(),
        })
    }

    /// Has the engine finish what is in flight and begin nothing new.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Says goodbye to the mail server.
    pub async fn close(&self) {
        self.delivery.close().await;
    }

    /// The store it works on.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Who we are.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The keys that sign what leaves.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The playbook in force.
    pub fn rules(&self) -> Arc<InForce> {
        self.playbooks.in_force()
    }

    /// Has the next wake begin at once: something came in.
    pub fn wake_up(&self) {
        self.woken.notify_one();
    }

    /// Runs every pass once. What fails is in the report; the other passes run all the same.
    pub async fn wake(self: &Arc<Engine>, now: Timestamp) -> WakeReport {
        let mut report = WakeReport::new(now);
        if let Err(error) = self.playbooks.follow(&self.store).await {
            report.add("playbook", Err(error.into()));
        }
        let wake = Arc::new(Wake { now, rules: self.playbooks.in_force() });
        report.add("intake", pass::guarded(intake::run(self, &wake)).await);
        report.add("nurture", pass::guarded(nurture::run(self, &wake)).await);
        report.add("hand-off", pass::guarded(hand_off::run(self, &wake)).await);
        report.add("sla", pass::guarded(sla::run(self, &wake)).await);
        report.add("recycle", pass::guarded(recycle::run(self, &wake)).await);
        report.add("deliver", pass::guarded(deliver::run(self, &wake)).await);
        report.add("housekeeping", pass::guarded(housekeeping::run(self, &wake)).await);
        report
    }

    /// Wakes until nothing is due at `until`. The report adds up all wakes.
    pub async fn wake_until_done(self: &Arc<Engine>, until: Timestamp) -> WakeReport {
        let mut sum = WakeReport::new(until);
        loop {
            let report = self.wake(until).await;
            let done = report.did() == PassReport::default() || report.failed();
            sum.absorb(report);
            if done && !self.is_due(until).await.unwrap_or(false) {
                return sum;
            }
            if sum.failed() {
                return sum;
            }
        }
    }

    /// Settles what a daemon before this one left in flight. Call it once at the start, when no other daemon
    /// can be at work: on a store that several share it waits for the leases to run out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover(&self, now: Timestamp) -> Result<PassReport, PassError> {
        let wake = Wake { now, rules: self.playbooks.in_force() };
        housekeeping::settle_lost_mail(self, &wake, self.store.is_exclusive()).await
    }

    /// Stops all mail to leads until a person releases it, and tells the operator.
    pub(crate) async fn pull_brake(&self, wake: &Wake, why: &str) -> Result<(), PassError> {
        let mut tx = self.store.begin().await?;
        if tx.pull_brake(why, wake.now).await? {
            tracing::error!("the brake is on, no mail to leads leaves until `nurtured release`: {why}");
            let words =
                format!("All mail to leads has stopped: {why}. Look at it, then run `nurtured release`.");
            staff_mail::operator(self, &mut tx, wake, &words, &format!("brake:{}", wake.now)).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether anything is due by `until`.
    async fn is_due(&self, until: Timestamp) -> Result<bool, StoreError> {
        Ok(self.next_due().await?.is_some_and(|due| due <= until))
    }
}

/// The key for a purpose, made when there is none.
async fn key(store: &Store, purpose: &str) -> Result<Vec<u8>, PlaybookError> {
    let mut fresh = [0_u8; 32];
    getrandom::fill(&mut fresh).map_err(|error| PlaybookError::NoRandomness(error.to_string()))?;
    let mut tx = store.begin().await?;
    let key = tx.secret_key(purpose, &fresh).await?;
    tx.commit().await?;
    Ok(key)
}
