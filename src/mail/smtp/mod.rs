//! Mail to a server (RFC 5321), with lettre's protocol code over our own connections.
//!
//! lettre's pool is not used: it does not bound connections, asks NOOP before every mail, and puts back
//! a connection whose send was cancelled, so that the next mail reads the reply to the one before. Here
//! a session owns its connection: it is taken out before a mail and put back only when the server has
//! answered every command in full. After anything else it is dropped.
//!
//! A mail is MAIL, RCPT, DATA and the message. Where the server offers it (PIPELINING, RFC 2920) the first three
//! go out together, and one wait brings their three replies; where not, each waits for its own.

mod connect;
mod verdict;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use self::connect::{Connection, Tls, connect, step};
use self::verdict::{Cause, Failure, Phase};
use super::secret::Secret;
use super::transport::{Outcome, Parcel, Reply, Scope};
use crate::domain::email::EmailAddress;

/// A connection unused for longer is replaced: servers and firewalls forget idle ones, some without a
/// word, and finding that out costs more than connecting.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// Nobody waits longer than this for a server to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// TLS from the first byte, usually on port 465 (RFC 8314).
    Implicit,
    /// TLS after STARTTLS, usually on port 587. A server that does not offer it gets no mail.
    StartTls,
    /// None. A password is then only given to a server on this machine.
    None,
}

/// A mail server and how to speak to it.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// Host name or IP address; with TLS, the name the certificate must bear.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection.
    pub tls: TlsMode,
    /// Who to log in as; without it, nobody.
    pub username: Option<String>,
    /// The password that goes with it.
    pub password: Option<Secret>,
    /// What to call ourselves in EHLO: a host name, or an address literal like `[192.0.2.1]`.
    pub hello_name: String,
    /// Certificate authorities (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// How many connections may be open at a time.
    pub connections: usize,
    /// How long to wait for each step up to the message itself. The answer to the message is waited for
    /// until the deadline, because giving up earlier would leave it in doubt.
    pub command_timeout: Duration,
}

impl SmtpConfig {
    /// How many connections when nothing else is said. Enough to hide the waiting on a distant server,
    /// few enough for those that count.
    pub const CONNECTIONS: usize = 8;

    /// How long a step may take when nothing else is said. RFC 5321 section 4.5.3.2 would allow minutes,
    /// but a submission server that needs them is better asked again later.
    pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
}

/// Why mail cannot be sent with this configuration.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSetupError {
    /// `hello_name` cannot stand in EHLO.
    #[error("`{0}` cannot be said in EHLO; give a host name such as `mail.ours.example`")]
    HelloName(String),
    /// The host is no name a certificate could bear.
    #[error("`{0}` is neither a host name nor an IP address")]
    Host(String),
    /// Only one of user name and password.
    #[error("logging in takes both a username and a password; give both or neither")]
    HalfCredentials,
    /// A password would travel in the clear.
    #[error("refusing to send a password to `{0}` without TLS; set tls to \"starttls\" or \"implicit\"")]
    PasswordInTheClear(String),
    /// The file of certificate authorities cannot be used.
    #[error("cannot read certificates from `{path}`; give a file with certificates in PEM form")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The file of certificate authorities has none in it.
    #[error("there is no certificate in `{0}`; give a file with certificates in PEM form")]
    EmptyCaFile(PathBuf),
    /// Nothing to check a server's certificate against.
    #[error("this system has no certificate authorities; install `ca-certificates` or set ca_file")]
    NoRoots,
    /// The TLS library refused its set-up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// A mail server, ready to be spoken to. Clones share the limit on connections.
#[derive(Clone)]
pub struct SmtpTransport {
    server: Arc<Server>,
    slots: Arc<Semaphore>,
    connections: usize,
}

/// The configuration, checked and in the form it is used in.
struct Server {
    host: String,
    port: u16,
    hello: ClientId,
    encryption: Encryption,
    credentials: Option<Credentials>,
    command_timeout: Duration,
}

enum Encryption {
    None,
    StartTls(Tls),
    Implicit(Tls),
}

impl SmtpTransport {
    /// Checks `config` and loads the certificates to trust. Reads files; connects to nobody.
    ///
    /// # Errors
    ///
    /// [`SmtpSetupError`], before any mail meets the mistake.
    pub fn new(config: &SmtpConfig) -> Result<SmtpTransport, SmtpSetupError> {
        let credentials = match (&config.username, &config.password) {
            (Some(username), Some(password)) => {
                Some(Credentials::new(username.clone(), password.reveal().to_owned()))
            }
            (None, None) => None,
            _ => return Err(SmtpSetupError::HalfCredentials),
        };
        if credentials.is_some() && config.tls == TlsMode::None && !names_this_machine(&config.host) {
            return Err(SmtpSetupError::PasswordInTheClear(config.host.clone()));
        }
        let server = Server {
            host: config.host.clone(),
            port: config.port,
            hello: hello(&config.hello_name)?,
            encryption: match config.tls {
                TlsMode::None => Encryption::None,
                TlsMode::StartTls => Encryption::StartTls(tls(config)?),
                TlsMode::Implicit => Encryption::Implicit(tls(config)?),
            },
            credentials,
            command_timeout: config.command_timeout,
        };
        let connections = config.connections.clamp(1, Semaphore::MAX_PERMITS);
        Ok(SmtpTransport {
            server: Arc::new(server),
            slots: Arc::new(Semaphore::new(connections)),
            connections,
        })
    }

    /// How many sessions may be open at a time.
    pub fn sessions(&self) -> usize {
        self.connections
    }

    /// A session, when fewer than [`SmtpTransport::sessions`] are open. It connects at its first mail.
    pub async fn open(&self) -> SmtpSession {
        let slot = Arc::clone(&self.slots).acquire_owned().await.expect("the semaphore is never closed");
        SmtpSession { server: Arc::clone(&self.server), idle: None, _slot: slot }
    }
}

impl fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpTransport({}:{})", self.server.host, self.server.port)
    }
}

impl Server {
    /// When a step that begins now must be over.
    fn until(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.command_timeout)
    }
}

/// Whether a password may be told to `host` in the clear.
///
/// `localhost` may still be another machine; the connection itself is checked again when it is made.
pub fn names_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn hello(name: &str) -> Result<ClientId, SmtpSetupError> {
    let sayable = !name.is_empty() && name.len() <= 255 && name.bytes().all(|b| b.is_ascii_graphic());
    if sayable {
        Ok(ClientId::Domain(name.to_owned()))
    } else {
        Err(SmtpSetupError::HelloName(name.to_owned()))
    }
}

fn tls(config: &SmtpConfig) -> Result<Tls, SmtpSetupError> {
    let name =
        ServerName::try_from(config.host.clone()).map_err(|_| SmtpSetupError::Host(config.host.clone()))?;
    Ok(Tls { connector: trusting(config.ca_file.as_deref())?.into(), name })
}

/// TLS towards servers whose certificates the system's authorities vouch for, or those of `ca_file`.
///
/// # Errors
/// When the file cannot be used, or there are no authorities at all.
pub fn trusting(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, SmtpSetupError> {
    let mut roots = RootCertStore::empty();
    // One bad file among the system's certificates must not stop all mail; having none at all must.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let refused = |source| SmtpSetupError::CaFile { path: path.to_owned(), source };
        let before = roots.len();
        for certificate in CertificateDer::pem_file_iter(path).map_err(refused)? {
            roots.add(certificate.map_err(refused)?)?;
        }
        if roots.len() == before {
            return Err(SmtpSetupError::EmptyCaFile(path.to_owned()));
        }
    }
    if roots.is_empty() {
        return Err(SmtpSetupError::NoRoots);
    }
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(client))
}

/// One connection after another to a mail server.
pub struct SmtpSession {
    server: Arc<Server>,
    /// The connection between two mails, and since when it has been unused.
    idle: Option<(Connection, Instant)>,
    _slot: OwnedSemaphorePermit,
}

impl SmtpSession {
    /// Hands one mail over; see [`super::transport::Session::send`].
    pub async fn send(&mut self, parcel: &Parcel, deadline: Instant) -> Outcome {
        let envelope = match Envelope::of(parcel) {
            Ok(envelope) => envelope,
            Err(outcome) => return outcome,
        };
        let Some(message) = on_the_wire(&parcel.bytes) else {
            let reply = Reply::new("the message is not in 7 bits, and 8BITMIME (RFC 6152) is not used");
            return Outcome::Refused { reply, scope: Scope::Message };
        };
        if let Some(connection) = self.connection().await {
            match self.hand_over(connection, &envelope, &message, deadline).await {
                // The server never heard of the mail, so it can be told on a new connection.
                Err(failure) if failure.was_stale() => {}
                result => return outcome(result),
            }
        }
        match connect(&self.server, deadline).await {
            Ok(connection) => outcome(self.hand_over(connection, &envelope, &message, deadline).await),
            Err(failure) => failure.outcome(),
        }
    }

    /// Says QUIT if there is somebody to say it to.
    pub async fn close(mut self) {
        if let Some((connection, _)) = self.idle.take() {
            quit(connection).await;
        }
    }

    /// Takes the connection of the mail before, unless it has been idle for too long.
    async fn connection(&mut self) -> Option<Connection> {
        let (connection, since) = self.idle.take()?;
        if since.elapsed() <= MAX_IDLE {
            return Some(connection);
        }
        quit(connection).await;
        None
    }

    /// Sends one mail over `connection`, and keeps the connection if the next mail can use it.
    async fn hand_over(
        &mut self,
        mut connection: Connection,
        envelope: &Envelope,
        message: &str,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        let result = self.transact(&mut connection, envelope, message, deadline).await;
        let in_step = match &result {
            Ok(_) => true,
            Err(failure) if failure.leaves_dialogue_in_step() && !connection.owes_message => {
                let reset =
                    step(Phase::Mail, self.server.until(deadline), connection.smtp.command(Rset)).await;
                reset.is_ok_and(|response| response.has_code(250))
            }
            Err(_) => false,
        };
        if in_step {
            self.idle = Some((connection, Instant::now()));
        }
        result
    }

    /// MAIL, RCPT, DATA, the message, the dot.
    async fn transact(
        &self,
        connection: &mut Connection,
        envelope: &Envelope,
        message: &str,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        if connection.pipelines {
            self.open_at_once(connection, envelope, deadline).await?;
        } else {
            self.open_step_by_step(connection, envelope, deadline).await?;
        }
        let begun_at = connection.watch.taken();
        let result = step(Phase::Body, deadline, connection.smtp.command(message)).await;
        // Without the dot the server has to throw the message away, whatever it has of it.
        let before_dot = (message.len() - DOT.len()) as u64;
        let phase = if connection.watch.taken() - begun_at > before_dot { Phase::Dot } else { Phase::Body };
        let said = result.map_err(|failure| Failure { phase, ..failure })?;
        expect(phase, &said, Severity::PositiveCompletion)?;
        let text: Vec<_> = said.message().collect();
        Ok(Reply::new(format!("{} {}", said.code(), text.join(" "))))
    }

    async fn open_step_by_step(
        &self,
        Connection { smtp, .. }: &mut Connection,
        envelope: &Envelope,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let until = || self.server.until(deadline);
        let said = step(Phase::Mail, until(), smtp.command(envelope.mail())).await?;
        expect(Phase::Mail, &said, Severity::PositiveCompletion)?;
        let said = step(Phase::Rcpt, until(), smtp.command(envelope.rcpt())).await?;
        expect(Phase::Rcpt, &said, Severity::PositiveCompletion)?;
        let said = step(Phase::Data, until(), smtp.command(Data)).await?;
        expect(Phase::Data, &said, Severity::PositiveIntermediate)
    }

    /// The same in one breath. What the server refuses first is what counts; but every reply has to be heard,
    /// or the next mail would get this one's.
    async fn open_at_once(
        &self,
        Connection { smtp, owes_message, .. }: &mut Connection,
        envelope: &Envelope,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let until = || self.server.until(deadline);
        let commands = format!("{}{}{Data}", envelope.mail(), envelope.rcpt());
        let mut refused = None;
        for (phase, severity) in [
            (Phase::Mail, Severity::PositiveCompletion),
            (Phase::Rcpt, Severity::PositiveCompletion),
            (Phase::Data, Severity::PositiveIntermediate),
        ] {
            let said = match phase {
                Phase::Mail => step(phase, until(), smtp.command(&commands)).await,
                _ => step(phase, until(), smtp.read_response()).await,
            };
            match said.and_then(|said| expect(phase, &said, severity)) {
                Ok(()) => *owes_message = phase == Phase::Data && refused.is_some(),
                Err(failure) if failure.leaves_dialogue_in_step() => refused = refused.or(Some(failure)),
                Err(failure) => {
                    *owes_message = true;
                    return Err(refused.unwrap_or(failure));
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

impl fmt::Debug for SmtpSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SmtpSession({}:{}, connected: {})",
            self.server.host,
            self.server.port,
            self.idle.is_some()
        )
    }
}

fn outcome(result: Result<Reply, Failure>) -> Outcome {
    match result {
        Ok(reply) => Outcome::Accepted { reply },
        Err(failure) => failure.outcome(),
    }
}

fn expect(phase: Phase, response: &Response, severity: Severity) -> Result<(), Failure> {
    if response.code().severity == severity {
        Ok(())
    } else {
        Err(Failure { phase, cause: Cause::from(response) })
    }
}

async fn quit(mut connection: Connection) {
    // Whether the server answers, and what, changes nothing any more.
    let _ = timeout(FAREWELL, connection.smtp.quit()).await;
}

/// What ends a message, behind the end of its last line.
const DOT: &str = ".\r\n";

/// A message with the dots that it needs for the journey (RFC 5321 section 4.5.2) and the final one; `None` when it
/// is not plain ASCII. In one piece, so that it is one packet more often than not.
fn on_the_wire(message: &[u8]) -> Option<String> {
    let message = std::str::from_utf8(message).ok().filter(|message| message.is_ascii())?;
    let mut wire = String::with_capacity(message.len() + 64);
    if message.starts_with('.') {
        wire.push('.');
    }
    let mut from = 0;
    for (at, _) in message.match_indices("\n.") {
        wire.push_str(&message[from..=at]);
        wire.push('.');
        from = at + 1;
    }
    wire.push_str(&message[from..]);
    if !wire.ends_with("\r\n") {
        wire.push_str("\r\n");
    }
    wire.push_str(DOT);
    Some(wire)
}

/// Sender and recipient in the form lettre takes them.
struct Envelope {
    from: Address,
    to: Address,
}

impl Envelope {
    fn mail(&self) -> Mail {
        Mail::new(Some(self.from.clone()), Vec::new())
    }

    fn rcpt(&self) -> Rcpt {
        Rcpt::new(self.to.clone(), Vec::new())
    }

    fn of(parcel: &Parcel) -> Result<Envelope, Outcome> {
        let address = |address: &EmailAddress, scope| {
            let plain = address.as_str().is_ascii().then(|| address.as_str().parse().ok()).flatten();
            plain.ok_or_else(|| {
                let reply = Reply::new(format!(
                    "{address} cannot be written in an envelope without SMTPUTF8 (RFC 6531)"
                ));
                Outcome::Refused { reply, scope }
            })
        };
        // A sender that cannot be written is the same for every mail.
        let from = address(&parcel.envelope_from, Scope::Transport)?;
        Ok(Envelope { from, to: address(&parcel.to, Scope::Address)? })
    }
}
