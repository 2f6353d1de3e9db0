//! An engine on a clock of ours, whose mail ends in a list, and a lead that has had one.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use nurtured::clock::{Clock, ManualClock};
use nurtured::domain::email::EmailAddress;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::{Owners, RawLead, normalise};
use nurtured::domain::lead::Lead;
use nurtured::domain::reading::Reading;
use nurtured::engine::mailboxes::{Post, Read};
use nurtured::engine::playbooks::put_in_force;
use nurtured::engine::{Engine, Identity, Limits};
use nurtured::mail::mailbox::Mailbox;
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Parcel, Transport};
use nurtured::playbook::PlaybookFiles;
use nurtured::store::Store;

pub const JANE: &str = "jane@acme.example";

pub struct World {
    pub engine: Arc<Engine>,
    pub clock: ManualClock,
    pub mails: Memory,
    pub folder: tempfile::TempDir,
}

impl World {
    /// On Monday 2 March 2026, ten o'clock in London, when Jane's first mail is due.
    pub async fn new() -> World {
        let mails = Memory::new();
        let world = World::with("hello@ours.example", Transport::Memory(mails.clone()), mails).await;
        world.first_mail_is_due_of(&[JANE]).await;
        world
    }

    /// They come in, and it is ten o'clock.
    pub async fn first_mail_is_due_of(&self, leads: &[&str]) {
        for lead in leads {
            self.comes_in(lead, "default").await;
        }
        self.wake().await;
        self.clock.set(at("10:00"));
    }

    /// A while before that, when nobody has come in; mail comes from `from` and really leaves.
    pub async fn writing(from: &str, transport: Transport) -> World {
        World::with(from, transport, Memory::new()).await
    }

    async fn with(from: &str, transport: Transport, mails: Memory) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("world.db")).await.expect("a fresh database");
        let clock = ManualClock::at(at("09:20"));
        put_in_force(&store, &PlaybookFiles::builtin(), clock.now()).await.expect("in force");
        let identity = Identity {
            from: Correspondent { name: Some("Ours".to_owned()), address: address(from) },
            reply_to: None,
            public_url: "https://nurtured.ours.example".to_owned(),
            log_address: None,
            operator: Some(address("operator@ours.example")),
            company: "Ours".to_owned(),
            postal_address: None,
        };
        let engine =
            Engine::new(store, Clock::Manual(clock.clone()), identity, transport, Limits::default()).await;
        World { engine: Arc::new(engine.expect("an engine")), clock, mails, folder }
    }

    pub async fn comes_in(&self, email: &str, campaign: &str) {
        let now = self.clock.now();
        let raw = RawLead {
            email: Some(email.to_owned()),
            campaign: Some(campaign.to_owned()),
            country: Some("GB".to_owned()),
            ..RawLead::default()
        };
        let (record, _) = normalise(raw, &Owners::default(), now).expect("a lead");
        self.engine.take_in(&[record], Authority::Form, now).await.expect("the store answers");
    }

    /// Lets every duty of this instant be done, and says which mails left.
    pub async fn wake(&self) -> Vec<Parcel> {
        let report = self.engine.wake_until_done(self.clock.now()).await;
        assert!(!report.failed(), "{report:?}");
        self.mails.take()
    }

    /// The mails to `to` that leave now.
    pub async fn mails_to(&self, to: &str) -> Vec<Parcel> {
        self.wake().await.into_iter().filter(|parcel| parcel.to.as_str() == to).collect()
    }

    /// Time passes.
    pub fn pass(&self, minutes: i64) {
        self.clock.set(self.clock.now() + SignedDuration::from_mins(minutes));
    }

    /// Begins to read a mailbox, as at a start.
    pub async fn watch(&self, mailbox: &Mailbox) -> Post {
        let mailboxes = std::slice::from_ref(mailbox);
        self.engine.set_mailboxes(mailboxes, self.clock.now()).await.expect("the store answers");
        Post::new(mailbox.clone()).expect("randomness")
    }

    pub async fn read(&self, post: &mut Post) -> Read {
        self.engine.read_mailbox(post).await.expect("the store answers")
    }

    pub async fn reading(&self) -> Reading {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let reading = tx.readings().await.expect("the store answers").remove(0);
        tx.rollback().await.expect("the store answers");
        reading
    }

    pub async fn lead(&self) -> Lead {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let lead = tx.lead_by_email(&address(JANE)).await.expect("the store answers").expect("a lead");
        tx.rollback().await.expect("the store answers");
        lead
    }

    /// How often something happened to Jane.
    pub async fn times(&self, kind: &str) -> usize {
        let lead = self.lead().await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let events = tx.events_of_kind(lead.id, kind).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        events.len()
    }

    /// Jane gets her first mail, and this is what she answers.
    pub async fn answer(&self) -> Vec<u8> {
        let mails = self.mails_to(JANE).await;
        answer_to(mails.first().expect("her first mail"), self.clock.now())
    }
}

/// What Jane answers to a mail.
pub fn answer_to(parcel: &Parcel, now: Timestamp) -> Vec<u8> {
    let text = String::from_utf8_lossy(&parcel.bytes);
    let id = text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a Message-ID");
    let date = now.strftime("%a, %d %b %Y %H:%M:%S +0000");
    format!(
        "From: Jane <{JANE}>\r\nTo: hello@ours.example\r\nSubject: Re: Hello\r\nMessage-ID: <1@acme.example>\r\n\
         In-Reply-To: {id}\r\nDate: {date}\r\n\r\nYes, let us talk about it.\r\n"
    )
    .into_bytes()
}

/// A mail that has nothing to do with us.
pub fn other(number: usize) -> Vec<u8> {
    format!(
        "From: bob@elsewhere.example\r\nTo: hello@ours.example\r\nSubject: {number}\r\n\
         Message-ID: <other-{number}@elsewhere.example>\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\n\r\nHello.\r\n"
    )
    .into_bytes()
}

pub fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}:00Z").parse().expect("an instant")
}

pub fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}
