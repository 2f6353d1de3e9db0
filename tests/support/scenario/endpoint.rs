//! An endpoint that is told what happens: it answers what the scenario says, and checks each signature.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use nurtured::engine::Engine;
use nurtured::webhook::sign::SigningKey;
use nurtured::webhook::{Target, Webhook};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::outside;
use super::told::name;
use super::world::Met;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What was heard, and what was answered.
struct Heard {
    id: String,
    at: Timestamp,
    signature: String,
    payload: String,
    answer: String,
}

#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<String>>>,
}

/// An endpoint on a port of its own.
pub struct Endpoint {
    /// As the engine knows it.
    pub webhook: Webhook,
    ear: Ear,
    /// The messages that were heard of so far, to know them again: their numbers depend on the database.
    known: Vec<String>,
}

impl Endpoint {
    /// Listens as a scenario describes it.
    pub async fn listening(webhook: &outside::Webhook) -> Endpoint {
        let ear = Ear { answers: Arc::new(Mutex::new(webhook.answers.clone().into())), ..Ear::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/in", listener.local_addr().expect("an address"));
        let serving = ear.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().converse(BufReader::new(stream)));
            }
        });
        let webhook = Webhook {
            name: webhook.name.clone(),
            target: Target::parse(&url).expect("a target"),
            // The configuration's are as static; a test leaks a word or two.
            events: webhook.events.iter().map(|kind| &*kind.clone().leak()).collect(),
            key: SigningKey::parse(SECRET).expect("a secret"),
            allow_private: false,
            ca_file: None,
        };
        Endpoint { webhook, ear, known: Vec::new() }
    }

    /// The daemon looks whether there is something to tell.
    pub async fn is_told(&mut self, engine: &Engine) -> Met {
        engine.tell(&self.webhook).await.expect("the store answers");
        let heard = std::mem::take(&mut *self.ear.heard.lock().expect("whole"));
        let mut read = String::new();
        for message in &heard {
            let signed = self.webhook.key.signature(&message.id, message.at, &message.payload);
            assert_eq!((message.at, &message.signature), (engine.clock().now(), &signed));
            let number = self.known.iter().position(|id| *id == message.id).unwrap_or_else(|| {
                self.known.push(message.id.clone());
                self.known.len() - 1
            });
            let told: Value = serde_json::from_str(&message.payload).expect("JSON");
            let lead = told["data"]["lead"]["email"].as_str().map(name).unwrap_or("nobody by name");
            let kind = told["type"].as_str().unwrap_or_default();
            read.push_str(&format!("message {}: {kind}, {lead} → {}\n", number + 1, message.answer));
        }
        let words = match heard.len() {
            0 => format!("{} is told nothing", self.webhook.name),
            _ => format!("{} is told", self.webhook.name),
        };
        Met { lead: None, words, read }
    }
}

impl Ear {
    async fn converse(self, mut stream: BufReader<TcpStream>) -> Option<()> {
        loop {
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.ok().filter(|bytes| *bytes > 0)?;
                if line.trim_end().is_empty() {
                    break;
                }
                lines.push(line.trim_end().to_owned());
            }
            let header = |name: &str| {
                let found = lines.iter().find_map(|line| {
                    let (found, value) = line.split_once(": ")?;
                    found.eq_ignore_ascii_case(name).then(|| value.to_owned())
                });
                found.unwrap_or_else(|| panic!("{name} is missing: {lines:?}"))
            };
            let mut payload = vec![0; header("content-length").parse().expect("a number")];
            stream.read_exact(&mut payload).await.ok()?;
            let answer = self.answers.lock().expect("whole").pop_front();
            let answer = answer.unwrap_or_else(|| "204 No Content".to_owned());
            self.heard.lock().expect("whole").push(Heard {
                id: header("webhook-id"),
                at: Timestamp::from_second(header("webhook-timestamp").parse().expect("seconds"))
                    .expect("an instant"),
                signature: header("webhook-signature"),
                payload: String::from_utf8(payload).expect("UTF-8"),
                answer: answer.clone(),
            });
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}
