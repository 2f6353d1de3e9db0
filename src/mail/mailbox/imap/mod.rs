//! A folder on an IMAP server (RFC 9051, RFC 3501).
//!
//! Reading changes nothing on the server: the folder is opened with EXAMINE and mails are fetched with BODY.PEEK, unless
//! the configuration says that they be marked or moved. Nothing is ever deleted or expunged. Mails are known by their
//! UIDs, which grow; when the server says that they are numbers of something else now (UIDVALIDITY), all are new.
//!
//! Each step has a time limit. A step that is broken off leaves a dialogue in the middle, so the connection is taken out
//! before each step and put back only when the server has answered it in full. The protocol is async-imap's; only its
//! readers of whole answers are not used, because they take a connection that is lost for an answer without mails.

mod connect;
mod dialogue;
mod login;

use std::path::PathBuf;
use std::time::Duration;

use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response, ResponseCode};
use tokio::time::timeout;

use self::connect::{Session, connect};
use self::dialogue::{Failure, quoted, run};
use super::{After, Fetched, Item, Mark, News, Trouble};
use crate::mail::inbound::MOST_BYTES;
use crate::mail::secret::Secret;
use crate::mail::smtp::TlsMode;

/// A mail may take so many times as long as another step.
const ONE_MAIL: u32 = 5;
/// Nobody waits longer than this for a server to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);
/// A mail that the server refuses to give so often in a row is passed over: the others must not wait for it.
const MOST_REFUSALS: u32 = 5;

/// A folder on a server and how it is reached.
#[derive(Clone, Debug)]
pub struct ImapConfig {
    /// Host name or IP address; with TLS, the name the certificate must bear.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection. Without any, only a server on this machine is logged in to.
    pub tls: TlsMode,
    /// Who to log in as.
    pub username: String,
    /// By what.
    pub login: Login,
    /// The folder.
    pub folder: String,
    /// Certificate authorities (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// How long a step may take that carries no mail.
    pub patience: Duration,
}

impl ImapConfig {
    /// How long a step may take when nothing else is said.
    pub const PATIENCE: Duration = Duration::from_secs(60);
}

/// How to log in.
#[derive(Clone, Debug)]
pub enum Login {
    /// With a password.
    Password(Secret),
    /// With an access token in this file, in Google's and Microsoft's way. Whoever renews it writes it anew; it is read
    /// at each login.
    XOAuth2(PathBuf),
    /// The same in the standard's way (RFC 7628).
    OAuthBearer(PathBuf),
}

/// A folder on a server, with or without a connection to it.
pub struct Imap {
    config: ImapConfig,
    after: After,
    open: Option<Open>,
    /// A mail that the server refuses to give, and how often.
    refused: Option<(u32, u32)>,
}

/// A connection on which we are logged in.
struct Open {
    session: Session,
    /// The server tells of new mail by itself.
    idles: bool,
    /// The server moves mails.
    moves: bool,
}

impl Imap {
    /// Connects to nobody yet.
    pub fn new(config: &ImapConfig, after: &After) -> Imap {
        Imap { config: config.clone(), after: after.clone(), open: None, refused: None }
    }

    pub(super) async fn look(&mut self, mark: &Mark) -> Result<News, Trouble> {
        // A connection on which nothing was said for a while may be gone, which is no trouble.
        if self.open.is_some()
            && let Ok(news) = self.look_once(mark).await
        {
            return Ok(news);
        }
        if self.open.is_none() {
            self.open = Some(connect(&self.config).await?);
        }
        self.look_once(mark).await.map_err(|failure| failure.trouble("the folder cannot be opened"))
    }

    async fn look_once(&mut self, mark: &Mark) -> Result<News, Failure> {
        let patience = self.config.patience;
        let verb = if self.after == After::Leave { "EXAMINE" } else { "SELECT" };
        let mut validity = None;
        let command = format!("{verb} {}", quoted(&self.config.folder));
        self.command(&command, patience, |response| {
            if let Response::Data { outcome, .. } = response
                && let Some(ResponseCode::UidValidity(number)) = &outcome.code
            {
                validity = Some(i64::from(*number));
            }
        })
        .await?;
        // A server without it gives no numbers that last (RFC 3501 section 2.3.1.1).
        let uid_validity = Some(validity.unwrap_or(0));
        let last = if mark.uid_validity == uid_validity { mark.last_uid } else { 0 };
        let mut found = Vec::new();
        let command = format!("UID SEARCH UID {}:*", last.saturating_add(1));
        self.command(&command, patience, |response| {
            if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                found.extend(uids);
            }
        })
        .await?;
        // `n:*` names the last mail even when its number is below n.
        found.retain(|uid| i64::from(*uid) > last);
        found.sort_unstable();
        found.dedup();
        Ok(News { items: found.into_iter().map(Item::Uid).collect(), gone: Vec::new(), uid_validity })
    }

    pub(super) async fn fetch(&mut self, uid: u32) -> Result<Option<Fetched>, Trouble> {
        match self.fetch_once(uid).await {
            Ok(fetched) => {
                self.refused = None;
                Ok(fetched)
            }
            Err(Failure::Refused(_)) if self.is_refused_again(uid) => {
                tracing::error!(
                    "a mail is passed over that the server refused to give {MOST_REFUSALS} times"
                );
                Ok(None)
            }
            Err(failure) => Err(failure.trouble("a mail cannot be fetched")),
        }
    }

    async fn fetch_once(&mut self, uid: u32) -> Result<Option<Fetched>, Failure> {
        let patience = self.config.patience;
        let mut size = None;
        self.attributes(uid, "RFC822.SIZE", patience, |attribute| {
            if let AttributeValue::Rfc822Size(bytes) = attribute {
                size = Some(*bytes as usize);
            }
        })
        .await?;
        // It is gone, or was moved.
        let Some(size) = size else { return Ok(None) };
        let is_cut = size > MOST_BYTES;
        let what = if is_cut { format!("BODY.PEEK[]<0.{MOST_BYTES}>") } else { "BODY.PEEK[]".to_owned() };
        let mut raw = None;
        self.attributes(uid, &what, patience * ONE_MAIL, |attribute| {
            if let AttributeValue::BodySection { section: None, data: Some(data), .. } = attribute {
                raw = Some(data[..data.len().min(MOST_BYTES)].to_vec());
            }
        })
        .await?;
        Ok(raw.map(|raw| Fetched { raw, is_cut }))
    }

    /// Whether the server has refused to give a mail often enough.
    fn is_refused_again(&mut self, uid: u32) -> bool {
        let times = self.refused.filter(|(refused, _)| *refused == uid).map_or(0, |(_, times)| times) + 1;
        self.refused = Some((uid, times));
        times >= MOST_REFUSALS
    }

    pub(super) async fn settle(&mut self, uid: u32) -> Result<(), Trouble> {
        let patience = self.config.patience;
        let what = "a mail that was read cannot be marked or moved";
        match self.after.clone() {
            After::Leave => Ok(()),
            After::Seen => {
                let command = format!("UID STORE {uid} +FLAGS.SILENT (\\Seen)");
                self.command(&command, patience, |_| {}).await.map_err(|failure| failure.trouble(what))
            }
            After::Move(folder) => {
                if self.open.as_ref().is_some_and(|open| !open.moves) {
                    return Err(Trouble(format!("{what}: the server cannot move mails (no MOVE)")));
                }
                let command = format!("UID MOVE {uid} {}", quoted(&folder));
                match self.command(&command, patience, |_| {}).await {
                    Ok(()) => return Ok(()),
                    // Perhaps the folder is not there yet.
                    Err(Failure::Refused(_)) => {}
                    Err(failure) => return Err(failure.trouble(what)),
                }
                let create = format!("CREATE {}", quoted(&folder));
                let _ = self.command(&create, patience, |_| {}).await;
                self.command(&command, patience, |_| {}).await.map_err(|failure| failure.trouble(what))
            }
        }
    }

    /// Waits until the server tells of something (IDLE, RFC 2177), `poll` at most. That is far less than the half hour
    /// after which servers hang up.
    pub(super) async fn wait(&mut self, poll: Duration) -> Result<(), Trouble> {
        let Some(Open { session, idles, moves }) = self.open.take() else {
            tokio::time::sleep(poll).await;
            return Ok(());
        };
        if !idles {
            tokio::time::sleep(poll).await;
            self.open = Some(Open { session, idles, moves });
            return Ok(());
        }
        let patience = self.config.patience;
        let mut idle = session.idle();
        let lost = |_| Trouble("the connection was lost".to_owned());
        timeout(patience, idle.init())
            .await
            .map_err(lost)?
            .map_err(|error| Failure::of(&error).trouble("no news"))?;
        {
            // The crate begins to count anew at each word of the server.
            let (said, _interrupt) = idle.wait_with_timeout(poll);
            if let Ok(Err(error)) = timeout(poll, said).await {
                return Err(Failure::of(&error).trouble("no news"));
            }
        }
        let done = timeout(patience, idle.done()).await.map_err(lost)?;
        let session = done.map_err(|error| Failure::of(&error).trouble("no news"))?;
        self.open = Some(Open { session, idles, moves });
        Ok(())
    }

    pub(super) async fn close(self) {
        if let Some(mut open) = self.open {
            let _ = timeout(FAREWELL, run(&mut open.session, "LOGOUT", |_| {})).await;
        }
    }

    /// What the server says of one mail.
    async fn attributes(
        &mut self,
        uid: u32,
        what: &str,
        limit: Duration,
        mut each: impl FnMut(&AttributeValue<'_>) + Send,
    ) -> Result<(), Failure> {
        self.command(&format!("UID FETCH {uid} (UID {what})"), limit, |response| {
            // Servers may tell of other mails, and of new flags, at any time.
            if let Response::Fetch(_, attributes) = response
                && attributes.contains(&AttributeValue::Uid(uid))
            {
                attributes.iter().for_each(&mut each);
            }
        })
        .await
    }

    /// One command and its answers. The connection is kept when the server has answered it in full.
    async fn command(
        &mut self,
        command: &str,
        limit: Duration,
        each: impl FnMut(&Response<'_>) + Send,
    ) -> Result<(), Failure> {
        let Some(mut open) = self.open.take() else { return Err(Failure::lost("there is no connection")) };
        let result = match timeout(limit, run(&mut open.session, command, each)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::lost("the server does not answer")),
        };
        if matches!(result, Ok(()) | Err(Failure::Refused(_))) {
            self.open = Some(open);
        }
        result
    }
}
