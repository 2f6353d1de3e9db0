//! Other systems are told what happened: signed, in order, until they have taken it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use nurtured::domain::access::Scope;
use nurtured::webhook::sign::SigningKey;
use nurtured::webhook::{Target, Webhook};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::site::{Site, start};

/// What a receiver was sent.
#[derive(Clone, Debug)]
struct Heard {
    id: String,
    timestamp: i64,
    signature: String,
    payload: String,
}

impl Heard {
    fn json(&self) -> Value {
        serde_json::from_str(&self.payload).expect("JSON")
    }

    fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }
}

/// Another system: it answers what it is told to, and 204 afterwards.
#[derive(Clone, Default)]
struct Receiver {
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Receiver {
    fn answers(&self, answers: &[&'static str]) {
        self.answers.lock().expect("whole").extend(answers);
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("whole").clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.heard().iter().map(Heard::kind).collect()
    }

    async fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let receiver = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receiver.clone().converse(BufReader::new(stream)));
            }
        });
        port
    }

    async fn converse(self, mut stream: BufReader<tokio::net::TcpStream>) -> Option<()> {
        loop {
            let (mut length, mut lines) = (0, Vec::new());
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.ok().filter(|bytes| *bytes > 0)?;
                let line = line.trim_end().to_owned();
                if line.is_empty() {
                    break;
                }
                if let Some(bytes) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = bytes.parse().expect("a number");
                }
                lines.push(line);
            }
            let mut payload = vec![0; length];
            stream.read_exact(&mut payload).await.ok()?;
            let header = |name: &str| {
                let found = lines.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                found.unwrap_or_else(|| panic!("{name} is missing: {lines:?}")).to_owned()
            };
            assert_eq!(lines[0], "POST /in?source=nurtured HTTP/1.1");
            assert_eq!(header("content-type"), "application/json");
            let heard = Heard {
                id: header("webhook-id"),
                timestamp: header("webhook-timestamp").parse().expect("seconds"),
                signature: header("webhook-signature"),
                payload: String::from_utf8(payload).expect("UTF-8"),
            };
            self.heard.lock().expect("whole").push(heard);
            let answer = self.answers.lock().expect("whole").pop_front().unwrap_or("204 No Content");
            let answer =
                format!("HTTP/1.1 {answer}\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}

fn key() -> SigningKey {
    SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret")
}

async fn subscribed(site: &Site, port: u16, events: &[&'static str]) -> Webhook {
    let target = Target::parse(&format!("http://127.0.0.1:{port}/in?source=nurtured")).expect("a target");
    let webhook = Webhook {
        name: "crm".to_owned(),
        target,
        events: events.to_vec(),
        key: key(),
        allow_private: false,
        ca_file: None,
    };
    site.engine.set_webhooks(std::slice::from_ref(&webhook)).await.expect("set");
    webhook
}

async fn comes_in(site: &Site, token: &str, email: &str) {
    site.post(token, "/v1/leads", json!({ "email": email, "first_name": "Jane" })).await.ok(201);
}

async fn did(site: &Site, token: &str, email: &str, name: &str) {
    let path = format!("/v1/leads/{}/activities", email.replace('@', "%40"));
    site.post(token, &path, json!({ "name": name })).await.ok(200);
}

fn later(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

pub async fn each_event_is_told_once_in_its_order_and_signed(site: Site) {
    let (token, receiver) = (site.token(&[Scope::LeadsWrite]).await, Receiver::default());
    let webhook = subscribed(&site, receiver.listen().await, &["taken_in", "activity"]).await;
    comes_in(&site, &token, "jane@buyer.example").await;
    did(&site, &token, "jane@buyer.example", "first").await;
    comes_in(&site, &token, "bo@buyer.example").await;
    did(&site, &token, "jane@buyer.example", "second").await;
    assert_eq!(site.engine.tell(&webhook).await.expect("told"), 4);
    assert_eq!(site.engine.tell(&webhook).await.expect("nothing"), 0);
    assert_eq!(receiver.kinds(), ["lead.taken_in", "lead.activity", "lead.taken_in", "lead.activity"]);
    let heard = receiver.heard();
    let told = heard[3].json();
    assert_eq!(told["timestamp"], "2026-03-02T09:00:00Z");
    assert_eq!(
        (&told["data"]["facts"]["name"], &told["data"]["lead"]["email"]),
        (&json!("second"), &json!("jane@buyer.example"))
    );
    assert_eq!(told["data"]["lead"]["profile"]["first_name"], "Jane");
    for heard in &heard {
        let at = Timestamp::from_second(heard.timestamp).expect("an instant");
        assert_eq!((at, &heard.signature), (start(), &key().signature(&heard.id, at, &heard.payload)));
    }
    let mut ids: Vec<_> = heard.iter().map(|heard| heard.id.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

pub async fn a_message_that_is_not_taken_waits_with_those_behind_it_and_others_pass(site: Site) {
    let (token, receiver) = (site.token(&[Scope::LeadsWrite]).await, Receiver::default());
    let webhook = subscribed(&site, receiver.listen().await, &["activity"]).await;
    for email in ["jane@buyer.example", "bo@buyer.example"] {
        comes_in(&site, &token, email).await;
    }
    did(&site, &token, "jane@buyer.example", "first").await;
    did(&site, &token, "jane@buyer.example", "second").await;
    did(&site, &token, "bo@buyer.example", "third").await;
    receiver.answers(&["500 Internal Server Error"]);
    assert_eq!(site.engine.tell(&webhook).await.expect("told"), 1);
    let names = |heard: Vec<Heard>| {
        heard
            .iter()
            .map(|heard| heard.json()["data"]["facts"]["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(receiver.heard()), ["first", "third"]);
    site.clock.set(start() + SignedDuration::from_secs(5));
    assert_eq!(site.engine.tell(&webhook).await.expect("told"), 2);
    assert_eq!(names(receiver.heard()), ["first", "third", "first", "second"]);
    let heard = receiver.heard();
    assert_eq!(heard[0].id, heard[2].id, "a second try is the same message");
    assert_ne!(heard[0].signature, heard[2].signature, "at another time");
}

pub async fn an_endpoint_where_nobody_listens_is_parked_after_days_and_the_operator_told(site: Site) {
    let (token, receiver) = (site.token(&[Scope::LeadsWrite]).await, Receiver::default());
    let port = receiver.listen().await;
    let webhook = subscribed(&site, port, &["taken_in"]).await;
    comes_in(&site, &token, "jane@buyer.example").await;
    comes_in(&site, &token, "bo@buyer.example").await;
    // A redirect is no place to go to, and says the same of every message: only one is tried.
    receiver.answers(&["302 Found"; 20]);
    for hour in 0..120 {
        site.clock.set(later(hour));
        site.engine.tell(&webhook).await.expect("not told");
    }
    let mut tx = site.engine.store().read().await.expect("a transaction");
    let state = tx.webhook_endpoint("crm").await.expect("an answer").expect("the endpoint");
    let told = tx.mails_in(nurtured::domain::mail::MailState::Pending, 10).await.expect("mails");
    tx.rollback().await.expect("the end");
    assert!(state.parked_at.is_some() && state.failures >= 9, "{state:?}");
    assert!(state.last_error.as_ref().is_some_and(|why| why.contains("302") && why.contains("not followed")));
    let tries = receiver.heard().len();
    assert!((9..20).contains(&tries), "{tries}");
    let told: Vec<_> = told.iter().filter(|mail| mail.recipient.as_str() == "ops@ours.example").collect();
    assert_eq!(told.len(), 1, "the operator is told once");

    // What happened meanwhile is kept, and told when a person has looked.
    comes_in(&site, &token, "al@buyer.example").await;
    receiver.answers.lock().expect("whole").clear();
    assert_eq!(site.engine.tell(&webhook).await.expect("not told"), 0);
    let mut tx = site.engine.store().begin().await.expect("a transaction");
    assert!(tx.resume_webhook("crm", site.clock.now()).await.expect("an answer"));
    tx.commit().await.expect("committed");
    assert_eq!(site.engine.tell(&webhook).await.expect("told"), 3);
}

pub async fn a_message_that_is_never_taken_is_given_up_and_the_operator_told_once_a_day(site: Site) {
    let (token, receiver) = (site.token(&[Scope::LeadsWrite]).await, Receiver::default());
    let webhook = subscribed(&site, receiver.listen().await, &["taken_in"]).await;
    comes_in(&site, &token, "jane@buyer.example").await;
    comes_in(&site, &token, "bo@buyer.example").await;
    receiver.answers(&["500 Internal Server Error"; 20]);
    for hour in 0..120 {
        site.clock.set(later(hour));
        site.engine.tell(&webhook).await.expect("not taken");
    }
    assert_eq!(receiver.heard().len(), 20);
    let mut tx = site.engine.store().begin().await.expect("a transaction");
    let state = tx.webhook_endpoints().await.expect("endpoints").pop().expect("the endpoint");
    assert_eq!((state.given_up, state.waiting, state.parked_at), (2, 0, None));
    let told = tx.mails_in(nurtured::domain::mail::MailState::Pending, 10).await.expect("mails");
    let told: Vec<_> = told.iter().filter(|mail| mail.recipient.as_str() == "ops@ours.example").collect();
    assert_eq!(told.len(), 1, "both were given up on one day");
    // Nothing is lost: a person has looked, and all of it is told.
    assert!(tx.resume_webhook("crm", site.clock.now()).await.expect("an answer"));
    tx.commit().await.expect("committed");
    assert_eq!(site.engine.tell(&webhook).await.expect("told"), 2);
}

pub async fn whoever_was_erased_meanwhile_is_not_spoken_of(site: Site) {
    let (token, receiver) = (site.master().await, Receiver::default());
    let webhook = subscribed(&site, receiver.listen().await, &["taken_in", "erased"]).await;
    comes_in(&site, &token, "jane@buyer.example").await;
    site.post(&token, "/v1/leads/jane%40buyer.example/erase", json!({})).await.ok(200);
    assert_eq!(site.engine.tell(&webhook).await.expect("told"), 2);
    assert_eq!(receiver.kinds(), ["lead.taken_in", "lead.erased"]);
    for heard in receiver.heard() {
        assert!(!heard.payload.to_lowercase().contains("jane"), "{}", heard.payload);
        assert!(
            heard.json()["data"]["lead"]["id"].is_i64(),
            "by its number it can be found and erased there, too"
        );
    }
}

#[tokio::test]
async fn https_is_spoken_with_whoever_has_a_certificate_we_trust() {
    use tokio_rustls::rustls;
    let site = Site::on_sqlite().await;
    let token = site.token(&[Scope::LeadsWrite]).await;
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certified.cert.pem()).expect("a file");
    let key_der =
        rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).expect("a key");
    let server =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key_der)
            .expect("a configuration");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            let _ = stream.shutdown().await;
        }
    });
    let target = Target::parse(&format!("https://localhost:{port}/in")).expect("a target");
    let strict = Webhook {
        name: "crm".to_owned(),
        target,
        events: vec!["taken_in"],
        key: key(),
        allow_private: true,
        ca_file: None,
    };
    site.engine.set_webhooks(std::slice::from_ref(&strict)).await.expect("set");
    comes_in(&site, &token, "jane@buyer.example").await;
    assert_eq!(site.engine.tell(&strict).await.expect("not told"), 0);
    let mut tx = site.engine.store().read().await.expect("a transaction");
    let state = tx.webhook_endpoint("crm").await.expect("an answer").expect("the endpoint");
    tx.rollback().await.expect("the end");
    assert!(state.last_error.as_ref().is_some_and(|why| why.contains("trustworthy TLS")), "{state:?}");
    site.clock.set(later(1));
    let trusting = Webhook { ca_file: Some(ca_file), ..strict.clone() };
    assert_eq!(
        site.engine.tell(&Webhook { allow_private: false, ..trusting.clone() }).await.expect("not told"),
        0
    );
    site.clock.set(later(2));
    assert_eq!(site.engine.tell(&trusting).await.expect("told"), 1);
}
