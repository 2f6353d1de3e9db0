//! An office with a daemon: a lead that has just been handed to Robin, and a port that answers.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use nurtured::clock::{Clock, ManualClock};
use nurtured::config::ApiConfig;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::{Owners, RawLead, normalise};
use nurtured::domain::lead::Lead;
use nurtured::engine::playbooks::put_in_force;
use nurtured::engine::{Engine, Identity, Limits};
use nurtured::http::{Health, serve};
use nurtured::mail::action;
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::PlaybookFiles;
use nurtured::store::{Event, HandOff, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub const JANE: &str = "jane@acme.example";
pub const ROBIN: &str = "rep1@ours.example";
pub const SAM: &str = "rep2@ours.example";
pub const MANAGER: &str = "manager@ours.example";
pub const DIRECTOR: &str = "director@ours.example";

pub struct Office {
    pub engine: Arc<Engine>,
    pub clock: ManualClock,
    pub mails: Memory,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

pub fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

/// Tuesday, 3 March 2026, ten o'clock in Berlin.
pub fn tuesday() -> Timestamp {
    "2026-03-03T10:00:00+01:00".parse().expect("an instant")
}

impl Office {
    pub async fn open() -> Office {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("office.db")).await.expect("a fresh database");
        Office::on(store, folder, None).await
    }

    /// The same where links lead nowhere and answers go to a mailbox.
    pub async fn without_pages(log_address: Option<&str>) -> Office {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("office.db")).await.expect("a fresh database");
        Office::on(store, folder, Some(log_address)).await
    }

    /// On any store. `by_mail`: our pages cannot be reached; the mailbox for answers.
    pub async fn on(store: Store, folder: tempfile::TempDir, by_mail: Option<Option<&str>>) -> Office {
        let clock = ManualClock::at(tuesday());
        put_in_force(&store, &PlaybookFiles::builtin(), tuesday()).await.expect("the built-in playbook");
        let identity = Identity {
            from: Correspondent { name: Some("Ours".to_owned()), address: address("hello@ours.example") },
            reply_to: None,
            public_url: match by_mail {
                None => "https://go.ours.example".to_owned(),
                Some(_) => "http://127.0.0.1:8080".to_owned(),
            },
            log_address: by_mail.flatten().map(address),
            operator: Some(address("operator@ours.example")),
            company: "Ours".to_owned(),
            postal_address: None,
        };
        let mails = Memory::new();
        let transport = Transport::Memory(mails.clone());
        let clock_of_engine = Clock::Manual(clock.clone());
        let engine = Engine::new(store, clock_of_engine, identity, transport, Limits::default()).await;
        let engine = Arc::new(engine.expect("an engine"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address");
        tokio::spawn(serve(
            Arc::clone(&engine),
            listener,
            Health::new(),
            ApiConfig::default(),
            CancellationToken::new(),
        ));
        let office = Office { engine, clock, mails, address: port, _folder: folder };
        office.comes_in(JANE, "Jane", "Doe").await;
        office
    }

    /// Somebody asks for a demo, and is handed to whoever's turn it is.
    pub async fn comes_in(&self, email: &str, first_name: &str, last_name: &str) {
        let raw = RawLead {
            email: Some(email.to_owned()),
            first_name: Some(first_name.to_owned()),
            last_name: Some(last_name.to_owned()),
            company: Some("Acme".to_owned()),
            phone: Some("+49 30 901820".to_owned()),
            campaign: Some("demo-request".to_owned()),
            country: Some("DE".to_owned()),
            ..RawLead::default()
        };
        let now = self.clock.now();
        let (record, _) = normalise(raw, &Owners::default(), now).expect("a lead");
        self.engine.take_in(&[record], Authority::Form, now).await.expect("the store answers");
        self.wakes().await;
    }

    pub async fn wakes(&self) {
        let report = self.engine.wake_until_done(self.clock.now()).await;
        assert!(!report.failed(), "{:?}", report.failures().collect::<Vec<_>>());
    }

    pub fn later(&self, by: SignedDuration) {
        self.clock.set(self.clock.now().saturating_add(by).expect("an instant"));
    }

    pub async fn lead(&self) -> Lead {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let lead = tx.lead_by_email(&address(JANE)).await.expect("the store answers").expect("a lead");
        tx.rollback().await.expect("the store answers");
        lead
    }

    /// Everything the log says of the lead.
    pub async fn events(&self) -> Vec<Event> {
        let lead = self.lead().await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let events = tx.events_of(lead.id).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        events
    }

    pub async fn events_of(&self, kind: &str) -> Vec<Event> {
        self.events().await.into_iter().filter(|event| event.kind == kind).collect()
    }

    pub async fn hand_offs(&self) -> Vec<HandOff> {
        let lead = self.lead().await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let hand_offs = tx.hand_offs_of(lead.id).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        hand_offs
    }

    /// The words that people used about the lead.
    pub async fn words(&self) -> Vec<String> {
        let lead = self.lead().await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let texts = tx.event_texts(lead.id).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        texts.into_iter().map(|(_, text)| text).collect()
    }

    /// The token of a person for the newest hand-off.
    pub async fn token(&self, person: &str) -> String {
        let newest = self.hand_offs().await.pop().expect("it was handed off");
        action::token(&self.engine.keys().action, newest.id, &address(person), self.clock.now())
    }

    pub async fn request(&self, request: String) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        Answer::of(&answer)
    }

    pub async fn method(&self, method: &str, path: &str) -> Answer {
        self.request(format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.method("GET", path).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        let body = body.join("&");
        self.request(format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    /// Looks at the page, then clicks, as people do.
    pub async fn click(&self, person: &str, order: &str, more: &[(&str, &str)]) -> Answer {
        let path = format!("/a/{}", self.token(person).await);
        let seen = self.get(&path).await.seen();
        let mut fields = vec![("seen", seen.as_str()), ("do", order)];
        fields.extend(more);
        self.post(&path, &fields).await
    }
}

/// What a server answered.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    fn of(text: &str) -> Answer {
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Answer { status: status.unwrap_or_else(|| panic!("{text:?}")), body: body.to_owned() }
    }

    /// What was known when the page was shown, as its forms have it.
    pub fn seen(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"seen\" value=\"").expect("a form");
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// What the buttons of the page order.
    pub fn orders(&self) -> Vec<String> {
        let parts = self.body.split("name=\"do\" value=\"").skip(1);
        parts.filter_map(|part| Some(part.split('"').next()?.replace("&#38;", "&"))).collect()
    }

    pub fn title(&self) -> &str {
        let (_, rest) = self.body.split_once("<h1>").expect("a title");
        rest.split("</h1>").next().unwrap_or_default()
    }
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
