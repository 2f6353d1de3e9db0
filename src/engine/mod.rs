//! The engine: what happens when the daemon wakes.
//!
//! A wake runs the passes in one order, so that what has come in is known before anything goes out:
//!
//! ```text
//! intake → nurture → hand-off → absence → sla → recycle → digest → commitments → reports → deliver → housekeeping
//! ```
//!
//! A pass is a reconciler. It takes no input but the store and the playbook in force; it asks the rules of
//! `domain` what is due, and writes state change, outbox row and event in one transaction. Run twice, it
//! does nothing the second time; killed anywhere, the next wake picks up what was not committed. The
//! heartbeat (`schedule.rs`) only says when to look: due times are indexed rows, so a wake with nothing due
//! costs the same for a thousand leads as for a million.

mod absence;
pub mod act;
mod announce;
pub mod answer;
pub mod arrival;
mod call_list;
mod clock_watch;
pub mod coming;
mod commitments;
pub mod context;
mod deliver;
pub mod desk;
mod digest;
mod duty;
mod enrol;
mod facts;
mod hand_off;
pub mod happen;
pub mod hours;
mod housekeeping;
pub mod ingest;
pub mod intake;
mod is_there;

pub mod lifecycle;
pub mod mailboxes;
pub mod mending;
mod nurture;
pub mod pass;
pub mod permission;
pub mod person;
pub mod playbooks;
pub mod recycle;
pub mod reports;
pub mod resolve;
pub mod scenario;

mod schedule;
pub mod score;
pub mod simulate;
pub mod sla;
mod staff_mail;
pub mod take_in;
pub mod tokens;
mod turn_over;
pub mod undo;
pub mod webhooks;
pub mod why;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::email::EmailAddress;
use crate::mail::message::Correspondent;
use crate::mail::transport::Transport;
use crate::store::Store;
use clock_watch::ClockWatch;
use deliver::Delivery;
use hours::HoursShelf;
use pass::{Complaints, PassError, PassReport, WakeReport};
use playbooks::{InForce, PlaybookError, Playbooks};

/// How long to wait, before the daemon ends, between two tries to write what it did.
const WRITE_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// The passes that wait while the team could not be told of the campaigns: those that take leads into sequences and
/// plan their mails.
const UNANNOUNCED: [&str; 3] = ["intake", "nurture", "recycle"];

/// Who we are, as our mail says it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who writes.
    pub from: Correspondent,
    /// Where answers go, when not to the writer.
    pub reply_to: Option<Correspondent>,
    /// Where the daemon can be reached from outside, without a final slash.
    pub public_url: String,
    /// The mailbox that is read by `nurtured ingest`: commands go there, and copies of what reps write.
    pub log_address: Option<EmailAddress>,
    /// Who hears of what only an operator can mend.
    pub operator: Option<EmailAddress>,
    /// The company, as mail to leads names it.
    pub company: String,
    /// Its postal address, which the law of many countries wants under marketing mail.
    pub postal_address: Option<String>,
}

impl Identity {
    /// Whether our pages can be reached by those who get our mail: not when only this machine sees them.
    pub fn has_pages(&self) -> bool {
        let rest = self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, _)) => host,
            None => authority.split(':').next().unwrap_or_default(),
        };
        let here = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
        !(host.is_empty() || here || host == "localhost" || host.ends_with(".localhost"))
    }

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
    /// What is remembered of people who had their data erased.
    pub erased: Vec<u8>,
    /// Links and answers by which staff act on a lead.
    pub action: Vec<u8>,
    /// Answer links.
    pub questions: Vec<u8>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long nobody else takes a mail for lost that this daemon is sending.
    pub lease: Duration,
    /// How long a pass goes on with its work before the others have their turn; it finishes the batch it is at.
    /// `None`: until all is done, for a virtual clock, on which nothing may depend on the machine's speed.
    pub slice: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { lease: Duration::from_secs(300), slice: Some(Duration::from_secs(1)) }
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
    terms: sla::TermsShelf,
    delivery: Delivery,
    announced: announce::Announced,
    complaints: Mutex<Complaints>,
    clock_watch: ClockWatch,
    woken: Notify,
    stopping: CancellationToken,
}

/// One wake: its instant, and the rules it goes by. Passes read the clock nowhere else.
pub(crate) struct Wake {
    /// The instant of the wake.
    pub now: Timestamp,
    /// The playbook in force at that instant.
    pub rules: Arc<InForce>,
    /// How long a pass goes on.
    slice: Option<Duration>,
}

/// The turn of a pass: over when its slice of time is.
pub(crate) struct Turn(Option<Instant>);

impl Turn {
    /// Whether the others have waited long enough. Asked between batches, so every turn does something.
    pub fn is_over(&self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }
}

impl Wake {
    /// The turn of a pass, beginning now.
    pub fn turn(&self) -> Turn {
        Turn(self.slice.map(|slice| Instant::now() + slice))
    }
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
        limits: Limits,
    ) -> Result<Engine, PlaybookError> {
        let keys = Keys {
            mail: key(&store, "mail").await?,
            unsubscribe: key(&store, "unsubscribe").await?,
            erased: key(&store, "erased").await?,
            action: key(&store, "action").await?,
            questions: key(&store, "questions").await?,
        };
        let playbooks = Playbooks::open(&store).await?;
        Ok(Engine {
            store,
            clock,
            identity,
            keys,
            playbooks,
            hours: HoursShelf::default(),
            terms: sla::TermsShelf::default(),
            delivery: Delivery::new(transport, limits),
            announced: announce::Announced::default(),
            complaints: Mutex::default(),
            clock_watch: ClockWatch::default(),
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

    /// Has the store know what became of every mail that left, and says goodbye to the mail server.
    pub async fn close(&self) {
        while self.delivery.has_unwritten() {
            let wake = self.wake_at(self.clock.now());
            match deliver::write_unwritten(self, &wake).await {
                Ok(_) | Err(PassError::Transport(_)) => {}
                Err(error) => {
                    tracing::error!("what became of the last mails is not written yet: {error}");
                    tokio::time::sleep(WRITE_AGAIN).await;
                }
            }
        }
        self.delivery.close().await;
    }

    /// What a wake at `now` goes by.
    pub(crate) fn wake_at(&self, now: Timestamp) -> Wake {
        Wake { now, rules: self.playbooks.in_force(), slice: self.delivery.slice() }
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

    /// Runs every pass once. What fails is in the report; the other passes run all the same, unless nothing can
    /// be written at all: SQLite has had the first of them wait for seconds, and there are eleven.
    pub async fn wake(self: &Arc<Engine>, now: Timestamp) -> WakeReport {
        let mut report = WakeReport::new(now);
        if let Err(error) = self.follow_playbook(now).await {
            report.add("playbook", Err(error));
        }
        let wake = Arc::new(self.wake_at(now));
        // Before anything is decided by a clock that shows a wrong time.
        if let Err(error) = clock_watch::look(self, &wake).await {
            report.add("clock", Err(error));
        }
        // Nobody is written to of whom a team does not know why: what brings leads into sequences waits then.
        let mut held: &[&str] = &[];
        if let Err(error) = announce::run(self, &wake).await {
            report.add("announce", Err(error));
            held = &UNANNOUNCED;
        }
        let passes: [(&'static str, BoxFuture<'_, Result<PassReport, PassError>>); 11] = [
            ("intake", Box::pin(intake::run(self, &wake))),
            ("nurture", Box::pin(nurture::run(self, &wake))),
            ("hand-off", Box::pin(hand_off::run(self, &wake))),
            ("absence", Box::pin(absence::run(self, &wake))),
            ("sla", Box::pin(sla::run(self, &wake))),
            ("recycle", Box::pin(recycle::run(self, &wake))),
            ("digest", Box::pin(digest::run(self, &wake))),
            ("commitments", Box::pin(commitments::run(self, &wake))),
            ("reports", Box::pin(reports::run(self, &wake))),
            ("deliver", Box::pin(deliver::run(self, &wake))),
            ("housekeeping", Box::pin(housekeeping::run(self, &wake))),
        ];
        for (name, pass) in passes {
            if self.is_stopping() {
                break;
            }
            if held.contains(&name) {
                continue;
            }
            let result = pass::guarded(pass).await;
            let shut = self.store.is_exclusive() && result.as_ref().is_err_and(PassError::is_store_shut);
            report.add(name, result);
            if shut {
                break;
            }
        }
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).tell(&report);
        report
    }

    /// Takes up the playbook in force. Another one may have more reps, or give them more room: who waits for
    /// one is looked at again.
    async fn follow_playbook(&self, now: Timestamp) -> Result<(), PassError> {
        if self.playbooks.follow(&self.store).await? {
            let rules = self.playbooks.in_force();
            let campaigns: Vec<&str> =
                rules.agreement.campaigns.iter().map(|campaign| campaign.name.as_str()).collect();
            let mut tx = self.store.begin().await?;
            tx.requeue_leads_without_campaign(&campaigns, now).await?;
            tx.look_at_incomplete_leads(now).await?;
            tx.look_at_waiting_leads(now).await?;
            tx.look_at_reports().await?;
            tx.commit().await?;
            self.playbooks.settle(&rules.version);
        }
        Ok(())
    }

    /// Wakes until nothing that is due at `until` can be done any more, or a pass fails. The report adds up all
    /// wakes.
    pub async fn wake_until_done(self: &Arc<Engine>, until: Timestamp) -> WakeReport {
        let mut sum = WakeReport::new(until);
        loop {
            let report = self.wake(until).await;
            let idle = report.did() == PassReport::default();
            sum.absorb(report);
            if idle || sum.failed() {
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
        let wake = self.wake_at(now);
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
