//! `[[mailbox]]`: mailboxes that are read.

use std::path::Path;
use std::time::Duration;

use super::fields;
use super::reader::{Place, Reader, Setting};
use crate::domain::span::Span;
use crate::mail::mailbox::imap::{ImapConfig, Login};
use crate::mail::mailbox::{After, Mailbox, Source};
use crate::mail::smtp::{TlsMode, names_this_machine};
use crate::toml_reader::Refusal;

/// RFC 8314 section 3.2 and RFC 3501 section 2.1.
const IMPLICIT_TLS_PORT: u16 = 993;
const PLAIN_PORT: u16 = 143;

/// How often a mailbox is looked at when nothing is said.
const DEFAULT_POLL: Duration = Duration::from_secs(120);
/// Mail to leads waits for a mailbox that was not read for a quarter of an hour.
const LONGEST_POLL: Duration = Duration::from_secs(600);

/// How a login is proved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Auth {
    Password,
    XOAuth2,
    OAuthBearer,
}

/// Reads every `[[mailbox]]`.
pub(super) fn mailboxes(top: &mut Reader<'_>, base: &Path) -> Vec<Mailbox> {
    let mut found: Vec<Mailbox> = Vec::new();
    for mut section in top.sections("mailbox") {
        section.require("name", "write what you call it: `name = \"answers\"`");
        let name = section.parsed("name", name);
        let maildir = section.path("maildir");
        let has_imap = section.is_section("imap");
        let poll = section.parsed("poll", poll).map_or(DEFAULT_POLL, |poll| poll.value);
        let after = after(&mut section);
        let imap = has_imap.then(|| imap(&mut section, base));
        let source = match (maildir, imap) {
            (Some(maildir), Some(_)) => {
                let hint = "give each a [[mailbox]] of its own";
                section.refuse(
                    &maildir.place,
                    "one mailbox is read from a Maildir or from a server, not both",
                    hint,
                );
                None
            }
            (Some(maildir), None) => {
                if let Some(Setting { value: After::Move(_), place }) = &after {
                    let hint = "write \"leave\" or \"seen\"";
                    section.refuse(place, "mails of a Maildir are not moved to another folder", hint);
                }
                Some(Source::Maildir(maildir.value))
            }
            (None, Some(imap)) => imap.map(Source::Imap),
            (None, None) => {
                if !section.has("maildir") {
                    section.require(
                        "maildir",
                        "write where it is: `maildir = \"/var/mail/answers\"`, or `imap = { host = …, username = … }`",
                    );
                }
                None
            }
        };
        if let Some(name) = &name
            && found.iter().any(|other| other.name == name.value)
        {
            let message = format!("two mailboxes are called `{}`", name.value);
            section.refuse(&name.place, message, "give each a name of its own");
        }
        section.finish();
        if let (Some(name), Some(source)) = (name, source) {
            let after = after.map_or(After::Leave, |after| after.value);
            found.push(Mailbox { name: name.value, source, after, poll });
        }
    }
    found
}

/// What becomes of a mail that was read: a word, or `{ move = "Folder" }`.
fn after(section: &mut Reader<'_>) -> Option<Setting<After>> {
    if section.is_section("after") {
        let mut inner = section.section("after");
        inner.require("move", "write the folder: `after = { move = \"Read\" }`");
        let folder = inner.parsed("move", folder);
        inner.finish();
        return folder.map(|folder| Setting { value: After::Move(folder.value), place: folder.place });
    }
    section.parsed("after", |text| match text {
        "leave" => Ok(After::Leave),
        "seen" => Ok(After::Seen),
        _ => Err(Refusal::new(
            format!("`{text}` is nothing that is done with a mail"),
            "write \"leave\", \"seen\" or `{ move = \"Folder\" }`",
        )),
    })
}

/// `imap = { … }`.
fn imap(mailbox: &mut Reader<'_>, base: &Path) -> Option<ImapConfig> {
    let mut section = mailbox.section("imap");
    section.require("host", "write the server's name: `host = \"imap.company.example\"`");
    section.require("username", "write whose mailbox it is: `username = \"answers@company.example\"`");
    let host = section.parsed("host", fields::host);
    let port = section.integer("port", 1..=65_535).and_then(|port| u16::try_from(port).ok());
    let tls = section.parsed("tls", fields::tls);
    let username = section.parsed("username", fields::words);
    let folder = section.parsed("folder", folder);
    let ca_file = section.parsed("ca_file", fields::words).map(|path| base.join(path.value));
    let auths =
        [("password", Auth::Password), ("xoauth2", Auth::XOAuth2), ("oauthbearer", Auth::OAuthBearer)];
    let auth = section.parsed("auth", |text| fields::one_of(text, &auths));
    let login = login(&mut section, auth.map_or(Auth::Password, |auth| auth.value));
    // Without a word about TLS there is TLS: `none` has to be written.
    let mode = match (&tls, port) {
        (Some(tls), _) => tls.value,
        (None, Some(PLAIN_PORT)) => TlsMode::StartTls,
        (None, _) => TlsMode::Implicit,
    };
    if let (TlsMode::None, Some(tls), Some(host)) = (mode, &tls, &host)
        && !names_this_machine(&host.value)
    {
        let message = format!("the login would travel to `{}` in the clear", host.value);
        let hint = "write \"implicit\" or \"starttls\"; without TLS a login goes to this machine only";
        section.refuse(&tls.place, message, hint);
    }
    section.finish();
    Some(ImapConfig {
        host: host?.value,
        port: port.unwrap_or(if mode == TlsMode::Implicit { IMPLICIT_TLS_PORT } else { PLAIN_PORT }),
        tls: mode,
        username: username?.value,
        login: login?,
        folder: folder.map_or_else(|| "INBOX".to_owned(), |folder| folder.value),
        ca_file,
        patience: ImapConfig::PATIENCE,
    })
}

/// By what a login is proved. What belongs to another way is a mistake.
fn login(section: &mut Reader<'_>, auth: Auth) -> Option<Login> {
    let (wanted, other) = match auth {
        Auth::Password => ("password_file", "token_file"),
        Auth::XOAuth2 | Auth::OAuthBearer => ("token_file", "password_file"),
    };
    let has_password = section.has("password") || section.has("password_file");
    let strays = if auth == Auth::Password { section.has("token_file") } else { has_password };
    if strays {
        let place = Place::File(section.key_span(if section.has(other) { other } else { "password" }));
        let hint = "passwords go with auth = \"password\", tokens with \"xoauth2\" or \"oauthbearer\"";
        section.refuse(&place, "this does not go with `auth`", hint);
        section.pass_over("token_file");
        section.pass_over("password_file");
        section.pass_over("password");
        return None;
    }
    if auth == Auth::Password {
        section.pass_over("token_file");
        if !has_password {
            section
                .require(wanted, "name a file with the password in it, readable for the daemon's user alone");
        }
        return section.secret("password", "password_file").map(|password| Login::Password(password.value));
    }
    section.pass_over("password_file");
    section.pass_over("password");
    section.require(
        wanted,
        "name the file into which the access token is written, readable for the daemon's user alone",
    );
    let file = section.secret_path("token_file")?.value;
    Some(if auth == Auth::XOAuth2 { Login::XOAuth2(file) } else { Login::OAuthBearer(file) })
}

fn name(text: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 40 && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(format!("`{text}` is no name"), "write small letters, digits and `-`, at most 40"))
}

fn folder(text: &str) -> Result<String, Refusal> {
    if !text.is_empty() && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(
        format!("`{text}` is no folder of a server"),
        "write it in ASCII, as the server lists it: `Ablage &- B&APw-ro` for `Ablage & Büro`",
    ))
}

fn poll(text: &str) -> Result<Duration, Refusal> {
    let hint = "write from \"1 minute\" to \"10 minutes\"";
    let poll = text.parse::<Span>().map_err(|error| Refusal::new(error.to_string(), hint))?;
    let poll = poll.duration().unsigned_abs();
    if poll.is_zero() || poll > LONGEST_POLL {
        return Err(Refusal::new(format!("`{text}` is no time between two looks at a mailbox"), hint));
    }
    Ok(poll)
}
