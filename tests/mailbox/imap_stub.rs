//! An IMAP server that does as it is told: refuse, hang up, fall silent, at any command.
//!
//! [`Stub::plan`] says what happens at the next command that begins so; each plan is used once, and without one the stub
//! behaves. What it was told is in [`Stub::commands`].

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

/// What the stub does at a command in place of behaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Says no.
    Refuse,
    /// Hangs up without a word.
    Drop,
    /// Hangs up in the middle of a mail.
    DropHalfway,
    /// Does not answer any more.
    Hang,
}

/// What is in the folder, and what is to happen.
#[derive(Default)]
struct State {
    uid_validity: u32,
    next_uid: u32,
    mails: Vec<(u32, Vec<u8>)>,
    plans: Vec<(&'static str, Act)>,
    commands: Vec<String>,
    /// The folder that mails were moved to; made when somebody makes it.
    moved: Option<Vec<u32>>,
}

/// How a stub is protected.
#[derive(Clone, Default)]
pub enum Cover {
    /// Not at all.
    #[default]
    None,
    /// From the first byte.
    Implicit(TlsAcceptor),
    /// After STARTTLS, before which an attacker may add something to the server's words.
    StartTls(TlsAcceptor, &'static str),
}

/// A certificate for `localhost`, and itself in PEM.
pub fn certificate() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key))
        .expect("a TLS configuration");
    (Arc::new(config).into(), made.cert.pem())
}

trait Talk: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Talk for S {}

/// The server. It ends with the runtime of its test.
#[derive(Clone)]
pub struct Stub {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Something new is in the folder.
    news: Arc<Notify>,
    /// Somebody waits for news.
    idling: Arc<Notify>,
    tls: Cover,
}

pub const PASSWORD: &str = "open \"sesame\"";
pub const TOKEN: &str = "ya29.token";

impl Stub {
    pub async fn start() -> Stub {
        Stub::start_with(Cover::None).await
    }

    pub async fn start_with(tls: Cover) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let state = State { uid_validity: 1, next_uid: 1, ..State::default() };
        let stub = Stub {
            address: listener.local_addr().expect("an address"),
            state: Arc::new(Mutex::new(state)),
            news: Arc::default(),
            idling: Arc::default(),
            tls,
        };
        let serving = stub.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let stub = serving.clone();
                // A client that hangs up is no failure of ours.
                tokio::spawn(async move {
                    let stream = stub.protect(stream).await?;
                    stub.serve(stream).await
                });
            }
        });
        stub
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().expect("nobody panicked with it"))
    }

    /// Puts a mail into the folder.
    pub fn deliver(&self, raw: &[u8]) {
        self.state(|state| {
            state.mails.push((state.next_uid, raw.to_vec()));
            state.next_uid += 1;
        });
        self.news.notify_one();
    }

    pub fn plan(&self, command: &'static str, act: Act) {
        self.state(|state| state.plans.push((command, act)));
    }

    /// The numbers of the mails begin anew.
    pub fn renumber(&self) {
        self.state(|state| {
            state.uid_validity += 1;
            for (number, (uid, _)) in (1..).zip(&mut state.mails) {
                *uid = number;
            }
            state.next_uid = u32::try_from(state.mails.len()).expect("few") + 1;
        });
    }

    /// What it was told that begins so.
    pub fn commands(&self, beginning: &str) -> Vec<String> {
        self.state(|state| {
            state.commands.iter().filter(|told| told.starts_with(beginning)).cloned().collect()
        })
    }

    pub fn moved(&self) -> Vec<u32> {
        self.state(|state| state.moved.clone().unwrap_or_default())
    }

    /// Waits until somebody waits for news.
    pub async fn somebody_idles(&self) {
        self.idling.notified().await;
    }

    /// What the dialogue goes over, the greeting said.
    async fn protect(&self, mut tcp: TcpStream) -> Option<Box<dyn Talk>> {
        let greeting = b"* OK at your service\r\n";
        match &self.tls {
            Cover::None => {
                tcp.write_all(greeting).await.ok()?;
                Some(Box::new(tcp))
            }
            Cover::Implicit(acceptor) => {
                let mut stream = acceptor.accept(tcp).await.ok()?;
                stream.write_all(greeting).await.ok()?;
                Some(Box::new(stream))
            }
            Cover::StartTls(acceptor, injected) => {
                tcp.write_all(greeting).await.ok()?;
                let mut asked = String::new();
                while !asked.ends_with('\n') {
                    asked.push(char::from(tcp.read_u8().await.ok()?));
                }
                let tag = asked.strip_suffix(" STARTTLS\r\n")?;
                tcp.write_all(format!("{tag} OK begin\r\n{injected}").as_bytes()).await.ok()?;
                Some(Box::new(acceptor.accept(tcp).await.ok()?))
            }
        }
    }

    async fn serve(self, stream: Box<dyn Talk>) -> Option<()> {
        let (read, mut out) = tokio::io::split(stream);
        let mut lines = BufReader::new(read).lines();
        loop {
            let line = lines.next_line().await.ok()??;
            let (tag, command) = line.split_once(' ')?;
            self.state(|state| state.commands.push(command.to_owned()));
            let plan = self.state(|state| {
                let at = state.plans.iter().position(|(beginning, _)| command.starts_with(beginning))?;
                Some(state.plans.remove(at).1)
            });
            match plan {
                Some(Act::Refuse) => {
                    say(&mut out, &format!("{tag} NO not for jane@acme.example")).await?;
                    continue;
                }
                Some(Act::Drop) => return None,
                Some(Act::Hang) => std::future::pending().await,
                Some(Act::DropHalfway) => {
                    out.write_all(b"* 1 FETCH (UID 1 BODY[] {100000}\r\nFrom: jane@").await.ok()?;
                    return None;
                }
                None => {}
            }
            let words: Vec<&str> = command.split(' ').collect();
            let mut refused = None;
            match words.as_slice() {
                ["LOGIN", ..] => {
                    let quoted = PASSWORD.replace('"', "\\\"");
                    refused = (!command.ends_with(&format!(" \"{quoted}\""))).then_some("who are you?");
                }
                ["AUTHENTICATE", mechanism] => {
                    say(&mut out, "+ ").await?;
                    let said = BASE64_STANDARD.decode(lines.next_line().await.ok()??).ok()?;
                    if said != sasl(mechanism, self.address) {
                        say(&mut out, &format!("+ {}", BASE64_STANDARD.encode("{\"status\":\"401\"}")))
                            .await?;
                        let end = lines.next_line().await.ok()??;
                        self.state(|state| state.commands.push(format!("after a refusal: {end}")));
                        refused = Some("no such token");
                    }
                }
                ["CAPABILITY"] => say(&mut out, "* CAPABILITY IMAP4rev1 IDLE MOVE").await?,
                ["EXAMINE" | "SELECT", ..] => {
                    let (validity, count) = self.state(|state| (state.uid_validity, state.mails.len()));
                    say(&mut out, &format!("* {count} EXISTS\r\n* OK [UIDVALIDITY {validity}] for now"))
                        .await?;
                }
                ["UID", "SEARCH", "UID", range] => {
                    let first: u32 = range.strip_suffix(":*")?.parse().ok()?;
                    let found = self.state(|state| {
                        let last = state.mails.last().map_or(0, |(uid, _)| *uid);
                        let uids = state.mails.iter().map(|(uid, _)| *uid);
                        // The last one is in the range even when it is below its beginning.
                        uids.filter(|uid| *uid >= first || *uid == last).collect::<Vec<u32>>()
                    });
                    let found: String = found.iter().map(|uid| format!(" {uid}")).collect();
                    say(&mut out, &format!("* SEARCH{found}")).await?;
                }
                ["UID", "FETCH", uid, _, what] => {
                    let uid: u32 = uid.parse().ok()?;
                    let mail = self.state(|state| state.mails.iter().find(|(u, _)| *u == uid).cloned());
                    // Servers tell of other mails in between.
                    say(&mut out, "* 9 FETCH (FLAGS (\\Seen) UID 99)").await?;
                    match mail {
                        Some((_, raw)) if what.starts_with("RFC822.SIZE") => {
                            let size = raw.len();
                            say(&mut out, &format!("* 1 FETCH (UID {uid} RFC822.SIZE {size})")).await?;
                        }
                        Some((_, raw)) => {
                            let head = format!("* 1 FETCH (UID {uid} BODY[] {{{}}}\r\n", raw.len());
                            out.write_all(head.as_bytes()).await.ok()?;
                            out.write_all(&raw).await.ok()?;
                            say(&mut out, ")").await?;
                        }
                        None => {}
                    }
                }
                ["UID", "MOVE", uid, _] => {
                    let uid: u32 = uid.parse().ok()?;
                    refused = self.state(|state| {
                        let Some(moved) = &mut state.moved else { return Some("[TRYCREATE] no such folder") };
                        moved.push(uid);
                        state.mails.retain(|(other, _)| *other != uid);
                        None
                    });
                }
                ["CREATE", ..] => self.state(|state| state.moved = Some(Vec::new())),
                ["IDLE"] => {
                    say(&mut out, "+ idling").await?;
                    self.idling.notify_one();
                    loop {
                        tokio::select! {
                            line = lines.next_line() => {
                                line.ok()??;
                                break;
                            }
                            () = self.news.notified() => say(&mut out, "* 1 EXISTS").await?,
                        }
                    }
                }
                _ => {}
            }
            match refused {
                Some(why) => say(&mut out, &format!("{tag} NO {why}")).await?,
                None => say(&mut out, &format!("{tag} OK done")).await?,
            }
        }
    }
}

/// What somebody with the right token says.
fn sasl(mechanism: &str, address: SocketAddr) -> Vec<u8> {
    let port = address.port();
    match mechanism {
        "XOAUTH2" => format!("user=answers@ours.example\x01auth=Bearer {TOKEN}\x01\x01"),
        "OAUTHBEARER" => format!(
            "n,a=answers@ours.example,\x01host=127.0.0.1\x01port={port}\x01auth=Bearer {TOKEN}\x01\x01"
        ),
        _ => "\0answers@ours.example\0pässword".to_owned(),
    }
    .into_bytes()
}

async fn say(out: &mut (impl AsyncWrite + Unpin), line: &str) -> Option<()> {
    out.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}
