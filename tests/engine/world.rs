//! An engine on a clock of ours, whose mail ends in a list.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use nurtured::clock::Clock;
use nurtured::clock::ManualClock;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::intake::Owners;
use nurtured::domain::intake::RawLead;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::normalise;
use nurtured::domain::lead::Lead;
use nurtured::domain::mail::MailState;
use nurtured::engine::Engine;
use nurtured::engine::Identity;
use nurtured::engine::Limits;
use nurtured::engine::playbooks::put_in_force;
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::Memory;
use nurtured::mail::transport::Parcel;
use nurtured::mail::transport::Transport;
use nurtured::playbook::PlaybookFiles;
use nurtured::store::Event;
use nurtured::store::OutboxMail;
use nurtured::store::Store;
use std::sync::Arc;

pub const JANE: &str = "jane@acme.example";
pub const WELCOME: &str = "sequences/welcome/sequence.toml";
/// Each rep has room for one lead.
pub const FULL: (&str, &str, &str) = ("agreement.toml", "capacity = 30", "capacity = 1");

/// So that also who asked to be contacted waits for a place.
pub const NOBODY_STANDS_IN: (&str, &str, &str) = ("agreement.toml", "backup = \"manager@ours.example\"", "");

pub const HELLO: &str = "sequences/welcome/01-hello.md";

/// An engine on a clock of ours, whose mail ends in a list.
pub struct World {
    pub engine: Arc<Engine>,
    pub clock: ManualClock,
    pub mails: Memory,
    pub folder: tempfile::TempDir,
}

impl World {
    /// On Monday 2 March 2026, eight o'clock in Berlin, under the built-in playbook.
    pub async fn new() -> World {
        World::under(PlaybookFiles::builtin()).await
    }

    pub async fn under(playbook: PlaybookFiles) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("world.db")).await.expect("a fresh database");
        let clock = ManualClock::at(berlin(2, 8, 0));
        set(&store, &playbook, &clock).await;
        let mails = Memory::new();
        let engine = engine(store, &clock, &mails).await;
        World { engine, clock, mails, folder }
    }

    /// Somebody comes in now.
    pub async fn comes_in(&self, email: &str, campaign: &str) {
        comes_in(&self.engine, email, campaign).await;
    }

    /// Lets the time pass, waking whenever something is due. What fails is tried again when it is due again.
    pub async fn until(&self, end: Timestamp) {
        loop {
            let due = self.engine.next_due().await.expect("the store answers");
            let Some(due) = due.map(|due| due.max(self.clock.now())).filter(|due| *due <= end) else {
                break;
            };
            self.clock.set(due);
            for _ in 0..20 {
                let report = self.engine.wake(due).await;
                if report.failed() || !self.is_due().await {
                    break;
                }
            }
            assert!(!self.is_due().await, "at {due} something stays due");
        }
        self.clock.set(end);
    }

    pub async fn is_due(&self) -> bool {
        self.engine.next_due().await.expect("the store answers").is_some_and(|due| due <= self.clock.now())
    }

    /// One wake, as after a standstill.
    pub async fn wakes_at(&self, at: Timestamp) {
        self.clock.set(at);
        self.engine.wake_until_done(at).await;
    }

    pub async fn edit(&self, file: &str, old: &str, new: &str) {
        let files = edited(&[(file, old, new)]);
        self.put_in_force(&files).await;
    }

    pub async fn put_in_force(&self, files: &PlaybookFiles) {
        set(self.engine.store(), files, &self.clock).await;
    }

    pub async fn lead(&self, email: &str) -> Lead {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let lead = tx.lead_by_email(&address(email)).await.expect("the store answers").expect("a lead");
        tx.rollback().await.expect("the store answers");
        lead
    }

    /// The mails to and about a lead, whatever became of them.
    pub async fn outbox(&self, email: &str) -> Vec<OutboxMail> {
        let lead = self.lead(email).await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let mails = tx.mails_of(lead.id).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        mails
    }

    /// What became of a lead's steps: name and state.
    pub async fn steps(&self, email: &str) -> Vec<(String, MailState)> {
        let mails = self.outbox(email).await.into_iter();
        mails.filter_map(|mail| Some((mail.step?, mail.state))).collect()
    }

    pub async fn events(&self, email: &str, kind: &str) -> Vec<Event> {
        let lead = self.lead(email).await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let events = tx.events_of_kind(lead.id, kind).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        events
    }

    /// To whom mail went since the last look, in its order.
    pub fn sent(&self) -> Vec<String> {
        self.mails.take().into_iter().map(|parcel| parcel.to.to_string()).collect()
    }

    /// How many mails to the lead count against its limits.
    pub async fn slots(&self, email: &str) -> usize {
        let lead = self.lead(email).await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let contacts = tx.contacts_since(&[lead.id], 0).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        contacts.len()
    }
}

pub async fn engine(store: Store, clock: &ManualClock, mails: &Memory) -> Arc<Engine> {
    let transport = Transport::Memory(mails.clone());
    let engine =
        Engine::new(store, Clock::Manual(clock.clone()), identity(), transport, Limits::default()).await;
    Arc::new(engine.expect("an engine"))
}

pub async fn set(store: &Store, playbook: &PlaybookFiles, clock: &ManualClock) {
    put_in_force(store, playbook, clock.now()).await.unwrap_or_else(|error| panic!("{error}"));
}

pub async fn comes_in(engine: &Engine, email: &str, campaign: &str) {
    let now = engine.clock().now();
    let raw = RawLead {
        email: Some(email.to_owned()),
        campaign: Some(campaign.to_owned()),
        country: Some("DE".to_owned()),
        ..RawLead::default()
    };
    let (record, _) = normalise(raw, &Owners::default(), now).expect("a lead");
    engine.take_in(&[record], Authority::Form, now).await.expect("the store answers");
}

/// The built-in playbook with some texts replaced.
pub fn edited(edits: &[(&str, &str, &str)]) -> PlaybookFiles {
    let mut files = PlaybookFiles::builtin();
    for (file, old, new) in edits {
        let text = files.get(file).unwrap_or_else(|| panic!("there is no {file}")).to_owned();
        assert!(text.contains(old), "`{old}` is not in {file}");
        files.insert(*file, text.replace(old, new));
    }
    files
}

/// An instant of March 2026 in Berlin.
pub fn berlin(day: i8, hour: i8, minute: i8) -> Timestamp {
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let at = civil::date(2026, 3, 1).saturating_add(jiff::Span::new().days(i64::from(day) - 1));
    at.at(hour, minute, 0, 0).to_zoned(zone).expect("an instant").timestamp()
}

/// The subject of a mail, its lines put together.
pub fn subject(parcel: &Parcel) -> String {
    let text = String::from_utf8_lossy(&parcel.bytes);
    let subject = text.split("\r\nSubject: ").nth(1).unwrap_or_default();
    let mut lines = subject.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let folded = lines.take_while(|line| line.starts_with(' '));
    folded.fold(first, |all, line| all + line)
}

pub fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

pub fn identity() -> Identity {
    Identity {
        from: Correspondent { name: Some("Ours".to_owned()), address: address("hello@ours.example") },
        reply_to: None,
        public_url: "https://nurtured.ours.example".to_owned(),
        log_address: None,
        operator: Some(address("operator@ours.example")),
        company: "Ours".to_owned(),
        postal_address: None,
    }
}

pub fn step(name: &str, state: MailState) -> (String, MailState) {
    (name.to_owned(), state)
}
