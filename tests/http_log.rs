//! A token in a link is a right to act, and must not be found in a log.
//!
//! A process of its own, because what is logged is captured for all threads, at every level, from every
//! crate that has a part in answering.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use nurtured::clock::{Clock, ManualClock};
use nurtured::config::ApiConfig;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::lead::{Lead, Stage};
use nurtured::engine::playbooks::put_in_force;
use nurtured::engine::{Engine, Identity, Limits};
use nurtured::http::{Health, serve};
use nurtured::mail::action;
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::mail::unsubscribe;
use nurtured::playbook::PlaybookFiles;
use nurtured::store::{NewHandOff, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;

/// Everything that is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Lines;

    fn make_writer(&'w self) -> Lines {
        self.clone()
    }
}

fn lead(email: &EmailAddress, now: Timestamp) -> Lead {
    Lead::new(email.clone(), now)
}

async fn engine(folder: &tempfile::TempDir, now: Timestamp) -> Arc<Engine> {
    let url = format!("sqlite:{}", folder.path().join("x.db").display());
    let store = Store::open(&url).await.expect("a store");
    put_in_force(&store, &PlaybookFiles::builtin(), now).await.expect("the built-in playbook");
    let identity = Identity {
        from: Correspondent { name: None, address: "ann@ours.example".parse().expect("an address") },
        reply_to: None,
        public_url: "https://go.ours.example".to_owned(),
        log_address: None,
        operator: None,
        company: "Ours".to_owned(),
        postal_address: None,
    };
    let clock = Clock::Manual(ManualClock::at(now));
    let transport = Transport::Memory(Memory::new());
    let engine = Engine::new(store, clock, identity, transport, Limits::default()).await;
    Arc::new(engine.expect("an engine"))
}

#[tokio::test]
async fn no_token_and_no_address_is_logged() {
    let lines = Lines::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(lines.clone()).init();
    let now = "2026-03-02T09:00:00Z".parse().expect("an instant");
    let jane: EmailAddress = "jane@buyer.example".parse().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(&folder, now).await;
    let mut tx = engine.store().begin().await.expect("a transaction");
    let id = tx.insert_lead(&lead(&jane, now)).await.expect("a row").expect("a new lead");
    tx.commit().await.expect("a commit");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(
        Arc::clone(&engine),
        listener,
        Health::new(),
        ApiConfig::default(),
        CancellationToken::new(),
    ));

    let token = unsubscribe::token(&engine.keys().unsubscribe, id);
    for (method, path) in [("GET", &token), ("POST", &token), ("POST", &format!("{token}x")), ("PUT", &token)]
    {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!("{method} /u/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }

    // A link to act is a right to act, too: whether it works or not.
    let rep: EmailAddress = "rep1@ours.example".parse().expect("an address");
    let mut tx = engine.store().begin().await.expect("a transaction");
    let new = NewHandOff {
        lead: id,
        rep: rep.clone(),
        team: "sales".to_owned(),
        policy: "hot".to_owned(),
        campaign: "demo-request".to_owned(),
        at: now,
    };
    let hand_off = tx.insert_hand_off(&new).await.expect("a hand-off");
    let mut handed_off = tx.leads(&[id]).await.expect("leads").pop().expect("a lead");
    (handed_off.stage, handed_off.owner) = (Stage::HandedOff, Some(rep.clone()));
    tx.save_lead(&handed_off).await.expect("a lead");
    tx.commit().await.expect("a commit");
    let action = action::token(&engine.keys().action, hand_off, &rep, now);
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\ndo=accept";
    for (method, path, rest) in [
        ("GET", format!("{action}/accept"), "\r\n"),
        ("POST", action.clone(), form),
        ("POST", format!("{action}x"), form),
        ("PUT", action.clone(), "\r\n"),
    ] {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!("{method} /a/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{rest}");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }

    let log = lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let log = String::from_utf8(log).expect("UTF-8");
    assert!(log.contains("unsubscribed by its link"), "{log}");
    assert!(log.contains("accepted by link"), "{log}");
    for secret in [token.as_str(), &action, &action[..20], jane.as_str()] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
