//! A mail server that does as it is told: refuse, hang up, fall silent, at any point of a dialogue.
//!
//! [`Stub::next`] plans what happens when a dialogue next comes to a point; each plan is used once, and
//! without one the stub behaves. What it took on is in [`Stub::kept`], what it was told in
//! [`Stub::commands`]. Every acceptance names the recipient, so a reply can be told from another's.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

/// A point of a dialogue: before the answer to what the client just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Connect,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// After some of the message, long before its end.
    Body,
    Dot,
}

/// What the stub does at a point in place of behaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answers this (one reply or more, without the last line end) and goes on.
    Say(&'static str),
    /// Answers this and hangs up.
    SayAndDrop(&'static str),
    /// Hangs up.
    Drop,
    /// Neither reads nor answers any more.
    Hang,
}

/// How a stub is set up.
#[derive(Clone, Default)]
pub struct Setup {
    /// The certificate, for TLS.
    pub certificate: Option<Certificate>,
    /// TLS from the first byte; else STARTTLS is offered if there is a certificate.
    pub implicit: bool,
    /// Who must log in, with which password, before MAIL.
    pub account: Option<(&'static str, &'static str)>,
    /// The mechanisms offered for it.
    pub mechanisms: &'static str,
    /// What an attacker adds behind the reply to STARTTLS, with its line ends.
    pub injected: &'static str,
    /// Whether replies go out one byte at a time.
    pub split: bool,
    /// Whether several commands at once are offered.
    pub pipelining: bool,
}

/// A mail that the stub took on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub connection: usize,
    pub from: String,
    pub to: String,
    pub bytes: Vec<u8>,
    pub encrypted: bool,
    pub user: Option<String>,
}

/// A running stub. It ends, with all its connections, when it is dropped.
pub struct Stub {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    setup: Setup,
    plans: Mutex<VecDeque<(At, Act)>>,
    kept: Mutex<Vec<Kept>>,
    commands: Mutex<Vec<(usize, String)>>,
    hung: Notify,
}

impl Stub {
    pub async fn start(setup: Setup) -> Stub {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Little room, so that a client notices within a message that nobody reads.
        socket.set_recv_buffer_size(8 * 1024).expect("a buffer size");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let listener = socket.listen(64).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { setup, ..Shared::default() });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            for number in 1.. {
                let (tcp, _) = listener.accept().await.expect("a connection");
                tcp.set_nodelay(true).expect("an option");
                let shared = Arc::clone(&serving);
                connections.spawn(async move {
                    // That a client hangs up, or fails its handshake, is what many tests are about.
                    let _ = Dialogue::serve(shared, number, Box::new(tcp)).await;
                });
            }
        });
        Stub { address, shared, task }
    }

    /// Plans what happens when a dialogue next comes to `at`.
    pub fn next(&self, at: At, act: Act) {
        self.shared.plans.lock().expect("no panic").push_back((at, act));
    }

    /// The mails taken on, in order.
    pub fn kept(&self) -> Vec<Kept> {
        self.shared.kept.lock().expect("no panic").clone()
    }

    /// The commands heard, each with the number of its connection, counted from 1.
    pub fn commands(&self) -> Vec<(usize, String)> {
        self.shared.commands.lock().expect("no panic").clone()
    }

    /// Waits until a dialogue came to an [`Act::Hang`].
    pub async fn hung(&self) {
        self.shared.hung.notified().await;
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A self-signed certificate.
#[derive(Clone)]
pub struct Certificate {
    acceptor: TlsAcceptor,
    pem: String,
}

impl Certificate {
    pub fn for_name(name: &str) -> Certificate {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            })
            .expect("a TLS configuration");
        Certificate { acceptor: Arc::new(config).into(), pem: made.cert.pem() }
    }

    /// Writes the certificate where a client can be told to trust it.
    pub fn write_to(&self, folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, &self.pem).expect("a file");
        path
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

struct Dialogue {
    shared: Arc<Shared>,
    number: usize,
    stream: BufReader<Box<dyn Stream>>,
    encrypted: bool,
    user: Option<String>,
}

/// The client was hung up on.
fn over() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl Dialogue {
    async fn serve(shared: Arc<Shared>, number: usize, mut stream: Box<dyn Stream>) -> io::Result<()> {
        let encrypted = shared.setup.implicit;
        if let (true, Some(certificate)) = (encrypted, &shared.setup.certificate) {
            stream = Box::new(certificate.acceptor.accept(stream).await?);
        }
        Dialogue { shared, number, stream: BufReader::new(stream), encrypted, user: None }.speak().await
    }

    async fn speak(mut self) -> io::Result<()> {
        if !self.answer(At::Connect, "220 stub.example ESMTP").await? {
            return Ok(());
        }
        let (mut from, mut to) = (None, None);
        loop {
            let line = self.line().await?;
            self.shared.commands.lock().expect("no panic").push((self.number, line.clone()));
            let (verb, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
            match verb {
                "EHLO" => {
                    let offer = self.offer();
                    self.answer(At::Ehlo, &offer).await?;
                }
                "STARTTLS" => {
                    let ready = format!("220 go ahead\r\n{}", self.shared.setup.injected);
                    if self.answer(At::StartTls, ready.trim_end()).await? {
                        self = self.encrypt().await?;
                    }
                }
                "AUTH" => self.log_in(rest).await?,
                "MAIL" if self.shared.setup.account.is_some() && self.user.is_none() => {
                    self.say("530 5.7.0 log in first").await?;
                }
                "MAIL" => from = self.answer(At::Mail, "250 2.1.0 ok").await?.then(|| path(rest)),
                "RCPT" if from.is_some() => {
                    to = self.answer(At::Rcpt, "250 2.1.5 ok").await?.then(|| path(rest));
                }
                "DATA" if to.is_some() || self.is_planned(At::Data) => {
                    if !self.answer(At::Data, "354 go ahead").await? {
                        continue;
                    }
                    let bytes = self.message().await?;
                    let (from, to) = (from.take().unwrap_or_default(), to.take().unwrap_or_default());
                    let kept = Kept {
                        connection: self.number,
                        from,
                        to: to.clone(),
                        bytes,
                        encrypted: self.encrypted,
                        user: self.user.clone(),
                    };
                    // Before the answer: who has read it may look at once.
                    if !self.is_planned(At::Dot) {
                        self.shared.kept.lock().expect("no panic").push(kept);
                    }
                    self.answer(At::Dot, &format!("250 2.0.0 kept for {to}")).await?;
                }
                "RCPT" | "DATA" => self.say("503 5.5.1 not now").await?,
                "RSET" | "NOOP" => {
                    (from, to) = (None, None);
                    self.say("250 2.0.0 ok").await?;
                }
                "QUIT" => return self.say("221 2.0.0 bye").await,
                _ => self.say("502 5.5.2 what?").await?,
            }
        }
    }

    /// Answers as planned, else with `reply`. Whether it was `reply`.
    async fn answer(&mut self, at: At, reply: &str) -> io::Result<bool> {
        match self.planned(at) {
            None => self.say(reply).await.map(|()| true),
            Some(Act::Say(other)) => self.say(other).await.map(|()| false),
            Some(Act::SayAndDrop(other)) => {
                self.say(other).await?;
                Err(over())
            }
            Some(Act::Drop) => Err(over()),
            Some(Act::Hang) => {
                self.shared.hung.notify_one();
                std::future::pending().await
            }
        }
    }

    fn planned(&self, at: At) -> Option<Act> {
        let mut plans = self.shared.plans.lock().expect("no panic");
        let place = plans.iter().position(|(planned, _)| *planned == at)?;
        plans.remove(place).map(|(_, act)| act)
    }

    fn is_planned(&self, at: At) -> bool {
        self.shared.plans.lock().expect("no panic").iter().any(|(planned, _)| *planned == at)
    }

    fn offer(&self) -> String {
        let setup = &self.shared.setup;
        let mut lines = vec!["stub.example".to_owned()];
        if setup.certificate.is_some() && !self.encrypted {
            lines.push("STARTTLS".to_owned());
        }
        if setup.account.is_some() {
            lines.push(format!("AUTH {}", setup.mechanisms));
        }
        if setup.pipelining {
            lines.push("PIPELINING".to_owned());
        }
        lines.push("8BITMIME".to_owned());
        let last = lines.pop().unwrap_or_default();
        lines.iter().map(|line| format!("250-{line}\r\n")).chain([format!("250 {last}")]).collect()
    }

    /// Reads on behind what was buffered, as a server must that throws away what came in the clear.
    async fn encrypt(mut self) -> io::Result<Dialogue> {
        let certificate = self.shared.setup.certificate.clone().ok_or_else(over)?;
        let stream = certificate.acceptor.accept(self.stream.into_inner()).await?;
        self.stream = BufReader::new(Box::new(stream));
        self.encrypted = true;
        Ok(self)
    }

    async fn log_in(&mut self, arguments: &str) -> io::Result<()> {
        let (user, password) = match arguments.split_once(' ') {
            Some(("PLAIN", response)) => {
                let text = decoded(response);
                let mut parts = text.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            _ => (self.ask("Username:").await?, self.ask("Password:").await?),
        };
        if self.shared.setup.account != Some((user.as_str(), password.as_str())) {
            return self.say("535 5.7.8 no").await;
        }
        if self.answer(At::Auth, "235 2.7.0 welcome").await? {
            self.user = Some(user);
        }
        Ok(())
    }

    async fn ask(&mut self, prompt: &str) -> io::Result<String> {
        self.say(&format!("334 {}", BASE64_STANDARD.encode(prompt))).await?;
        Ok(decoded(&self.line().await?))
    }

    /// The message up to its final dot, without the dots added for the journey.
    async fn message(&mut self) -> io::Result<Vec<u8>> {
        if self.is_planned(At::Body) {
            self.stream.read_exact(&mut [0; 100]).await?;
            self.answer(At::Body, "").await?;
        }
        let mut bytes = Vec::new();
        loop {
            let start = bytes.len();
            if self.stream.read_until(b'\n', &mut bytes).await? == 0 {
                return Err(over());
            }
            match &bytes[start..] {
                b".\r\n" => {
                    bytes.truncate(start);
                    return Ok(bytes);
                }
                [b'.', ..] => {
                    bytes.remove(start);
                }
                _ => {}
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(over());
        }
        Ok(line.trim_end().to_owned())
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        let bytes = format!("{reply}\r\n").into_bytes();
        let piece = if self.shared.setup.split { 1 } else { bytes.len() };
        for piece in bytes.chunks(piece) {
            self.stream.get_mut().write_all(piece).await?;
            self.stream.get_mut().flush().await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn decoded(text: &str) -> String {
    let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// What stands between the angle brackets.
fn path(argument: &str) -> String {
    argument.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
