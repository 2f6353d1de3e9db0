//! One connection to an endpoint, and messages over it.
//!
//! A connection is used for the messages of one round and then closed: an endpoint that is told once a day keeps no
//! socket of ours. What an endpoint answers beyond its status is not read: it could be long, and means nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::{Webhook, address};

/// For everything: looking up, connecting, sending, and the answer's head.
const PATIENCE: Duration = Duration::from_secs(10);
/// Nobody has us wait longer than that by asking for it.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// Nobody listens, or not to us: the next message would fare no better. With the wait that they asked for.
    #[error("{0}")]
    Endpoint(String, Option<SignedDuration>),
    /// The connection broke off, before an answer.
    #[error("the connection broke off: {0}")]
    Broken(String),
    /// They say that they are gone for good.
    #[error("it answered 410: it is gone for good")]
    Gone,
    /// They would not take this one.
    #[error("{0}")]
    Message(String),
}

impl Failure {
    fn endpoint(words: impl Into<String>) -> Failure {
        Failure::Endpoint(words.into(), None)
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same at each try.
    pub id: String,
    /// JSON.
    pub payload: String,
}

/// A connection to an endpoint.
pub struct Connection<'w> {
    webhook: &'w Webhook,
    sender: SendRequest<Body>,
}

impl<'w> Connection<'w> {
    /// Connects to where the endpoint is now, if that may be asked.
    ///
    /// # Errors
    /// [`Failure::Endpoint`].
    pub async fn open(webhook: &'w Webhook) -> Result<Connection<'w>, Failure> {
        let opened = timeout(PATIENCE, open(webhook)).await;
        opened.unwrap_or_else(|_| Err(Failure::endpoint("it did not take a connection in time")))
    }

    /// Whether another message can be sent over it.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a message at `now`; it has arrived when this gives no failure.
    ///
    /// # Errors
    /// What the endpoint said, or that it said nothing.
    pub async fn send(&mut self, message: &Message, now: Timestamp) -> Result<(), Failure> {
        let signature = self.webhook.key.signature(&message.id, now, &message.payload);
        let request = Request::post(self.webhook.target.path.as_str())
            .header(header::HOST, self.webhook.target.authority.as_str())
            .header(header::USER_AGENT, concat!("nurtured/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id.as_str())
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signature)
            .body(Body::from(Bytes::from(message.payload.clone())))
            .map_err(|error| Failure::endpoint(format!("it cannot be asked: {error}")))?;
        let sent = timeout(PATIENCE, async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        });
        let answer = match sent.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Failure::Broken(error.to_string())),
            Err(_) => return Err(Failure::endpoint("it did not answer in time")),
        };
        let wait =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = wait.map(|seconds: u32| SignedDuration::from_secs(seconds.into()).min(LONGEST_WAIT));
        verdict(answer.status(), wait)
    }
}

/// What an answer means.
fn verdict(status: StatusCode, wait: Option<SignedDuration>) -> Result<(), Failure> {
    let words = format!("it answered {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Ok(()),
        300..=399 => Err(Failure::endpoint(format!(
            "{words}: it sends us elsewhere, and that is not followed; name the new address"
        ))),
        410 => Err(Failure::Gone),
        // It stumbles over what we said: the next message may pass.
        500 => Err(Failure::Message(words)),
        // It does not know us, or cannot listen now, or who stands before it cannot reach it (52x): that is so for
        // every message.
        401 | 403 | 404 | 405 | 407 | 408 | 425 | 429 | 501.. => Err(Failure::Endpoint(words, wait)),
        _ => Err(Failure::Message(words)),
    }
}

async fn open(webhook: &Webhook) -> Result<Connection<'_>, Failure> {
    let target = &webhook.target;
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    let found = found.map_err(|error| Failure::endpoint(format!("its address is not known: {error}")))?;
    let allowed: Vec<SocketAddr> = found.filter(|found| may_ask(webhook, found.ip())).collect();
    if allowed.is_empty() {
        return Err(Failure::endpoint(if target.plain {
            "it is not on this machine, and http is for this machine alone"
        } else {
            "it is on a private network, which is not asked unless `allow_private = true` says so"
        }));
    }
    // The very addresses that were checked; a second look-up might give others.
    let stream = connect(&allowed, PATIENCE / 2).await;
    let stream = stream.map_err(|words| Failure::endpoint(format!("nobody listens there: {words}")))?;
    over(webhook, stream).await
}

/// Connects to the first of these addresses that answers. One that is silent leaves the others their time: a host whose
/// IPv6 leads nowhere still listens.
async fn connect(addresses: &[SocketAddr], patience: Duration) -> Result<TcpStream, String> {
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = String::new();
    for address in addresses {
        match timeout(patience / count, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = "it did not take a connection in time".to_owned(),
        }
    }
    Err(last)
}

/// Whether an address may be asked.
fn may_ask(webhook: &Webhook, found: IpAddr) -> bool {
    if webhook.target.plain {
        return found.to_canonical().is_loopback();
    }
    webhook.allow_private || address::is_public(found)
}

async fn over(webhook: &Webhook, tcp: TcpStream) -> Result<Connection<'_>, Failure> {
    // A message is one write, and its answer is waited for.
    tcp.set_nodelay(true).map_err(|error| Failure::endpoint(error.to_string()))?;
    let broken = |error: hyper::Error| Failure::endpoint(format!("it does not speak HTTP: {error}"));
    let sender = if webhook.target.plain {
        let (sender, connection) = http1::handshake(TokioIo::new(tcp)).await.map_err(broken)?;
        tokio::spawn(connection);
        sender
    } else {
        let name = ServerName::try_from(webhook.target.host.clone())
            .map_err(|_| Failure::endpoint("no certificate can name such a host"))?;
        let stream = connector(webhook)?.connect(name, tcp).await;
        let stream =
            stream.map_err(|error| Failure::endpoint(format!("no trustworthy TLS connection: {error}")))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection);
        sender
    };
    Ok(Connection { webhook, sender })
}

fn connector(webhook: &Webhook) -> Result<TlsConnector, Failure> {
    let ours = |words: String| Failure::endpoint(words);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &webhook.ca_file {
        let refused = |error: &dyn std::fmt::Display| {
            ours(format!("the certificates in `{}` cannot be used: {error}", path.display()))
        };
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refused(&error))? {
            let certificate = certificate.map_err(|error| refused(&error))?;
            roots.add(certificate).map_err(|error| refused(&error))?;
        }
    }
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ours(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(client).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::Target;
    use crate::webhook::sign::SigningKey;

    fn webhook(url: &str, allow_private: bool) -> Webhook {
        Webhook {
            name: "crm".to_owned(),
            target: Target::parse(url).expect("a target"),
            events: vec!["won"],
            key: SigningKey::parse(&SigningKey::fresh().expect("random numbers")).expect("a secret"),
            allow_private,
            ca_file: None,
        }
    }

    #[tokio::test]
    async fn what_is_not_out_in_the_world_is_not_asked_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "localhost",
            "[::ffff:127.0.0.1]",
            "10.0.0.1",
            "169.254.169.254",
            "0x7f.1",
            "2130706433",
            "[64:ff9b::7f00:1]",
        ] {
            let webhook = webhook(&format!("https://{host}:1/in"), false);
            let Err(refused) = Connection::open(&webhook).await else { panic!("{host} was asked") };
            let words = refused.to_string();
            assert!(words.contains("private network") || words.contains("not known"), "{host}: {words}");
        }
        let webhook = webhook("http://93.184.216.34/", true);
        let Err(refused) = Connection::open(&webhook).await else { panic!("http was spoken to the world") };
        assert!(refused.to_string().contains("this machine alone"), "{refused}");
    }

    #[tokio::test]
    async fn an_address_that_is_silent_leaves_the_others_their_time() {
        let silent = tokio::net::TcpSocket::new_v4().expect("a socket");
        silent.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let silent = silent.listen(1).expect("a listener");
        let silent_at = silent.local_addr().expect("an address");
        // Nobody accepts there: when its queue is full, the next one hears nothing.
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) = timeout(Duration::from_millis(100), TcpStream::connect(silent_at)).await {
            waiting.push(stream);
            assert!(waiting.len() < 64, "the queue has no end");
        }
        let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let other_at = other.local_addr().expect("an address");
        let stream = connect(&[silent_at, other_at], Duration::from_millis(400)).await.expect("a connection");
        assert_eq!(stream.peer_addr().expect("an address"), other_at);
        let failed = connect(&[silent_at], Duration::from_millis(50)).await;
        assert!(failed.is_err_and(|words| words.contains("in time")));
    }

    #[test]
    fn an_answer_says_whether_the_next_message_would_fare_better() {
        for status in [200, 202, 204] {
            assert_eq!(verdict(StatusCode::from_u16(status).expect("a status"), None), Ok(()));
        }
        assert_eq!(verdict(StatusCode::GONE, None), Err(Failure::Gone));
        for status in [301, 307, 401, 404, 429, 501, 502, 503, 507, 520, 522, 525, 530, 599] {
            let failure = verdict(StatusCode::from_u16(status).expect("a status"), None);
            assert!(matches!(failure, Err(Failure::Endpoint(..))), "{status}");
        }
        for status in [400, 409, 413, 422, 500] {
            let failure = verdict(StatusCode::from_u16(status).expect("a status"), None);
            assert!(matches!(failure, Err(Failure::Message(_))), "{status}");
        }
        let wait = Some(SignedDuration::from_secs(30));
        let failure = verdict(StatusCode::TOO_MANY_REQUESTS, wait);
        assert_eq!(failure, Err(Failure::Endpoint("it answered 429".to_owned(), wait)));
    }
}
