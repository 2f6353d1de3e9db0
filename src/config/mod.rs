//! `nurtured.toml`: the server, as opposed to the playbook.
//!
//! [`Config::load`] reads the file and the environment into a configuration that can be used, or into
//! every problem there is, each with its place and advice. Nothing is read later: what is wrong is found
//! before the daemon does anything. Without a file the defaults work on their own: SQLite, mail as files,
//! HTTP on this machine, the built-in playbook.
//!
//! - A variable wins over the file: `[mail.smtp] host` is `NURTURED_MAIL_SMTP_HOST`.
//! - Relative paths are taken from the file's folder; without a file, from the working directory.
//! - Links are built from `public_url` alone, never from what a request says its host is. Before mail goes
//!   to a server, `public_url` and `from` have to be given: nobody guesses them.

mod api;
mod fields;
mod mailboxes;
mod network;
mod reader;
mod secrets;
mod webhooks;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::Level;

pub use self::api::{ApiConfig, FormsConfig, ForwardedHeader};
pub use self::network::Network;
use self::reader::{Reader, Setting, Surroundings};
use crate::domain::email::EmailAddress;
use crate::mail::directory::Directory;
use crate::mail::mailbox::Mailbox;
use crate::mail::message::Correspondent;
use crate::mail::secret::Secret;
use crate::mail::smtp::{self, SmtpConfig, SmtpSetupError, SmtpTransport, TlsMode};
use crate::mail::transport::Transport;
use crate::problem::{Problem, Problems};
use crate::toml_reader::{Refusal, Section, Source};
use crate::webhook::Webhook;

/// What problems without a file are said to be in.
const NO_FILE: &str = "no nurtured.toml";

const DEFAULT_STORE: &str = "sqlite:nurtured.db";
const DEFAULT_DIRECTORY: &str = "mail";
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// Nobody has a mailbox there, and nothing but files is ever written from it.
const DEFAULT_FROM: &str = "nurtured@localhost.localdomain";
/// Longer than a slow server takes over a batch, short enough that a hand-off is not late when a daemon dies.
const DEFAULT_LEASE: Duration = Duration::from_secs(300);
/// RFC 8314 section 3.3 and RFC 6409 section 3.1.
const IMPLICIT_TLS_PORT: u16 = 465;
const SUBMISSION_PORT: u16 = 587;
const RELAY_PORT: u16 = 25;

/// The server's configuration. It may be printed: secrets do not show.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address of the store: `sqlite:PATH` or `postgres://…`. It may hold a password.
    pub store_url: Secret,
    /// Who writes, and by which way.
    pub mail: MailConfig,
    /// Pages and health.
    pub http: HttpConfig,
    /// Mailboxes that are read.
    pub mailboxes: Vec<Mailbox>,
    /// Other systems that are told what happens.
    pub webhooks: Vec<Webhook>,
    /// The folder of the playbook; `None`: the built-in one.
    pub playbook: Option<PathBuf>,
    /// Who hears of what only an operator can mend.
    pub operator: Option<EmailAddress>,
    /// What is logged, and how.
    pub log: LogConfig,
    /// What an operator should hear once at the start. No secrets.
    pub warnings: Vec<String>,
}

/// `[mail]`.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// Who mail comes from.
    pub from: Correspondent,
    /// Where answers go, when not to the writer.
    pub reply_to: Option<Correspondent>,
    /// The mailbox that `nurtured ingest` reads: commands by mail go there, and copies of what reps write.
    pub log_address: Option<EmailAddress>,
    /// The company, as mail and pages name it.
    pub company: String,
    /// Its postal address.
    pub postal_address: Option<String>,
    /// Where mail is handed over.
    pub transport: TransportConfig,
    /// How long other daemons on the same database wait before they take mail for lost that this one is sending.
    pub lease: Duration,
}

/// `[mail] transport`, with what belongs to it.
#[derive(Clone, Debug)]
pub enum TransportConfig {
    /// Files in a folder.
    Directory(PathBuf),
    /// A mail server.
    Smtp(SmtpConfig),
}

/// `[http]`.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the daemon can be reached from outside, without a final slash.
    pub public_url: String,
    /// The API for other programs.
    pub api: ApiConfig,
}

/// `[log]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// For people or for machines.
    pub format: LogFormat,
    /// The least important events that are logged. `RUST_LOG` says it in more detail, and wins.
    pub level: Level,
}

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people and journald.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads the file at `path`, when there is to be one, and the environment.
    ///
    /// # Errors
    /// Every problem in both.
    pub fn load(path: Option<&Path>, env: &impl Fn(&str) -> Option<String>) -> Result<Config, Problems> {
        let file = path.map_or_else(|| NO_FILE.to_owned(), |path| path.display().to_string());
        let mut problems = Problems::new();
        let text = match path.map_or_else(|| Ok(String::new()), std::fs::read_to_string) {
            Ok(text) => text,
            Err(error) => {
                let problem = Problem::of(file, format!("the configuration cannot be read: {error}"));
                problems.push(problem.hint("`nurtured init` writes one to begin with"));
                return Err(problems);
            }
        };
        problems.source(&file, &secrets::hidden(&text));
        let (problems, warnings) = (RefCell::new(problems), RefCell::default());
        let around = Surroundings {
            file: &file,
            base: path.and_then(Path::parent).unwrap_or(Path::new("")),
            env,
            problems: &problems,
            warnings: &warnings,
        };
        let config = read(&text, around);
        let problems = problems.into_inner();
        match config {
            Some(config) if problems.is_empty() => Ok(Config { warnings: warnings.into_inner(), ..config }),
            _ => Err(problems),
        }
    }

    /// The file that `nurtured init` writes: every key, its default and its reason.
    pub fn starter() -> &'static str {
        include_str!("starter.toml")
    }

    /// Where mail is handed over, ready to be used.
    ///
    /// # Errors
    /// When the files that TLS needs cannot be used.
    pub fn transport(&self) -> Result<Transport, SmtpSetupError> {
        Ok(match &self.mail.transport {
            TransportConfig::Directory(path) => Transport::Directory(Directory::new(path)),
            TransportConfig::Smtp(config) => Transport::Smtp(SmtpTransport::new(config)?),
        })
    }
}

/// What [`Config::load`] promises; `None` only together with a problem. Warnings are collected apart.
fn read(text: &str, around: Surroundings<'_>) -> Option<Config> {
    let source = Source { file: around.file, text, base: 0, problems: around.problems };
    let table = source.parse()?;
    let mut top = Reader::top(around, Section::top(source, &table));
    let store_url = store(&mut top, around.base);
    let mut http = top.section("http");
    let listen = http.parsed("listen", fields::listen).map_or(DEFAULT_LISTEN, |listen| listen.value);
    let public_url = http.parsed("public_url", fields::public_url).map(|url| url.value);
    let (mail, by_smtp) = mail(&mut top, around.base);
    let operator = operator(&mut top, by_smtp);
    if by_smtp {
        http.require("public_url", "write where leads reach this daemon: `https://nurture.company.example`");
    }
    let api = api::api(&mut http, &mut top);
    http.finish();
    let mailboxes = mailboxes::mailboxes(&mut top, around.base);
    let webhooks = webhooks::webhooks(&mut top, around.base);
    let playbook = playbook(&mut top);
    let log = log(&mut top);
    top.finish();
    Some(Config {
        store_url: store_url?,
        mail: mail?,
        http: HttpConfig { listen, public_url: public_url.unwrap_or_else(|| on_this_machine(listen)), api },
        mailboxes,
        webhooks,
        playbook,
        operator,
        log,
        warnings: Vec::new(),
    })
}

/// The address of pages as long as nobody else is meant to see them.
fn on_this_machine(listen: SocketAddr) -> String {
    if listen.ip().is_loopback() {
        format!("http://{listen}")
    } else {
        format!("http://localhost:{}", listen.port())
    }
}

fn store(top: &mut Reader<'_>, base: &Path) -> Option<Secret> {
    let mut section = top.section("store");
    let given = section.has("url") || section.has("url_file");
    let url = section.secret("url", "url_file");
    let checked = match &url {
        None if given => None,
        None => Some(store_address(DEFAULT_STORE, base)),
        Some(url) => Some(store_address(url.value.reveal(), base)),
    };
    let read = match (checked?, url) {
        (Ok(read), _) => Some(read),
        (Err(refusal), Some(url)) => {
            section.refuse(&url.place, refusal.message, refusal.hint);
            None
        }
        (Err(_), None) => None,
    };
    section.finish();
    read
}

/// A store's address, with a relative path made one from `base`. What is wrong is said without quoting
/// it: it may hold a password.
fn store_address(url: &str, base: &Path) -> Result<Secret, Refusal> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Secret::new(url));
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        return Err(Refusal::new(
            "the store's address begins neither with `sqlite:` nor with `postgres://`",
            "write `sqlite:nurtured.db` or `postgres://user@host/database`",
        ));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains(":memory:") || path.contains('?') {
        return Err(Refusal::new(
            "the store has to be a file, named without parameters",
            "write `sqlite:nurtured.db`; what the daemon remembers must outlive it",
        ));
    }
    match base.join(path).to_str() {
        Some(path) => Ok(Secret::new(format!("sqlite:{path}"))),
        None => Err(Refusal::new(
            "the path of the store is not UTF-8",
            "put the configuration into a folder with a plain name",
        )),
    }
}

/// `[mail]`, and whether mail is to go to a server.
fn mail(top: &mut Reader<'_>, base: &Path) -> (Option<MailConfig>, bool) {
    let mut section = top.section("mail");
    let kinds = [("directory", false), ("smtp", true)];
    let by_smtp = section.parsed("transport", |text| fields::one_of(text, &kinds));
    let by_smtp = by_smtp.is_some_and(|by_smtp| by_smtp.value);
    let read = sender(&mut section, by_smtp, base);
    section.finish();
    (read, by_smtp)
}

fn sender(section: &mut Reader<'_>, by_smtp: bool, base: &Path) -> Option<MailConfig> {
    if by_smtp {
        section.require("from", "write who mail comes from: `from = \"Ann of Ours <ann@ours.example>\"`");
    }
    let from = section.parsed("from", fields::correspondent).map(|from| from.value);
    let from = from.or_else(|| fields::correspondent(DEFAULT_FROM).ok())?;
    let reply_to = section.parsed("reply_to", fields::correspondent).map(|reply_to| reply_to.value);
    let log_address = section.parsed("log_address", fields::address).map(|address| address.value);
    let company = section.parsed("company", fields::words).map(|company| company.value);
    let postal_address = section.parsed("postal_address", fields::words).map(|address| address.value);
    let directory = section.path("directory").map(|directory| directory.value);
    if by_smtp && postal_address.is_none() {
        section.warn(
            "[mail] postal_address is not set: many countries' law wants it under marketing mail (in the USA, CAN-SPAM)",
        );
    }
    let lease = section
        .integer("lease_seconds", 5..=3_600)
        .map_or(DEFAULT_LEASE, |seconds| Duration::from_secs(seconds.unsigned_abs()));
    let server = mail_server(section, by_smtp, from.address.domain(), base);
    let transport = if by_smtp {
        TransportConfig::Smtp(server?)
    } else {
        TransportConfig::Directory(directory.unwrap_or_else(|| base.join(DEFAULT_DIRECTORY)))
    };
    let company = company.unwrap_or_else(|| from.address.domain().to_owned());
    Some(MailConfig { from, reply_to, log_address, company, postal_address, transport, lease })
}

/// `[mail.smtp]`. It is checked even when mail goes elsewhere; only secrets are then not looked for.
fn mail_server(mail: &mut Reader<'_>, in_use: bool, from: &str, base: &Path) -> Option<SmtpConfig> {
    let mut section = mail.section("smtp");
    if in_use {
        section.require("host", "write the mail server's name: `host = \"mail.company.example\"`");
    }
    let host = section.parsed("host", fields::host);
    let port = section.integer("port", 1..=65_535).and_then(|port| u16::try_from(port).ok());
    let tls = section.parsed("tls", fields::tls);
    let username = section.parsed("username", fields::words);
    let password = if in_use {
        section.secret("password", "password_file")
    } else {
        section.pass_over("password");
        section.pass_over("password_file");
        None
    };
    let hello_name = section.parsed("hello_name", fields::hello_name).map(|name| name.value);
    let ca_file = section.parsed("ca_file", fields::words).map(|path| base.join(path.value));
    let connections = section.integer("connections", 1..=100).and_then(|count| usize::try_from(count).ok());

    // Without a word about TLS there is TLS: `none` has to be written.
    let mode = match (&tls, port) {
        (Some(tls), _) => tls.value,
        (None, Some(IMPLICIT_TLS_PORT)) => TlsMode::Implicit,
        (None, _) => TlsMode::StartTls,
    };
    if in_use {
        if let Some(username) = &username
            && !section.has("password")
            && !section.has("password_file")
        {
            let hint = "give `password_file`, or take `username` away";
            section.refuse(&username.place, "there is a username without a password", hint);
        }
        if let (Some(password), false) = (&password, section.has("username")) {
            let hint = "give `username`, or take the password away";
            section.refuse(&password.place, "there is a password without a username", hint);
        }
        if let (TlsMode::None, Some(tls), Some(host), true) = (mode, &tls, &host, section.has("username")) {
            refuse_password_in_the_clear(&section, tls, &host.value);
        }
    }
    section.finish();
    Some(SmtpConfig {
        host: host?.value,
        port: port.unwrap_or(match mode {
            TlsMode::Implicit => IMPLICIT_TLS_PORT,
            TlsMode::StartTls => SUBMISSION_PORT,
            TlsMode::None => RELAY_PORT,
        }),
        tls: mode,
        username: username.map(|username| username.value),
        password: password.map(|password| password.value),
        hello_name: hello_name.unwrap_or_else(|| from.to_owned()),
        ca_file,
        connections: connections.unwrap_or(SmtpConfig::CONNECTIONS),
        command_timeout: SmtpConfig::COMMAND_TIMEOUT,
    })
}

fn refuse_password_in_the_clear(section: &Reader<'_>, tls: &Setting<TlsMode>, host: &str) {
    if !smtp::names_this_machine(host) {
        let message = format!("the password would travel to `{host}` in the clear");
        let hint = "write \"starttls\" or \"implicit\"; without TLS a password goes to this machine only";
        section.refuse(&tls.place, message, hint);
    }
}

fn operator(top: &mut Reader<'_>, by_smtp: bool) -> Option<EmailAddress> {
    let mut section = top.section("operator");
    if by_smtp && !section.has("email") {
        section.warn("[operator] email is not set: when mail has to stop, only the log says so");
    }
    let email = section.parsed("email", fields::address).map(|email| email.value);
    section.finish();
    email
}

fn playbook(top: &mut Reader<'_>) -> Option<PathBuf> {
    let mut section = top.section("playbook");
    let path = section.path("path").map(|path| path.value);
    section.finish();
    path
}

fn log(top: &mut Reader<'_>) -> LogConfig {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    let mut section = top.section("log");
    let format = section.parsed("format", |text| fields::one_of(text, &formats));
    let level = section.parsed("level", |text| fields::one_of(text, &levels));
    section.finish();
    LogConfig {
        format: format.map_or(LogFormat::Text, |format| format.value),
        level: level.map_or(Level::INFO, |level| level.value),
    }
}

#[cfg(test)]
mod tests;
