//! Mailboxes that are read: a Maildir on this machine, or a folder on an IMAP server.
//!
//! A [`Reader`] says what is new behind a [`Mark`], oldest first, gives one mail at a time, and puts it aside when it is
//! told to. It never deletes anything. What has been read is for its caller to remember.

pub mod imap;
pub mod maildir;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest, Sha256};
use thiserror::Error;

use self::imap::{Imap, ImapConfig};
use self::maildir::Maildir;
use crate::domain::hex::hex;

/// A mailbox, as it is configured.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// What it is called in logs and questions.
    pub name: String,
    /// Where it is.
    pub source: Source,
    /// What becomes of a mail that was read.
    pub after: After,
    /// How often it is looked at, beside whatever the server says by itself.
    pub poll: Duration,
}

/// Where a mailbox is.
#[derive(Clone, Debug)]
pub enum Source {
    /// A folder with `new` and `cur` in it.
    Maildir(PathBuf),
    /// A folder on a server.
    Imap(ImapConfig),
}

/// What becomes of a mail that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// It stays as it is.
    Leave,
    /// It is marked as seen.
    Seen,
    /// It is moved to this folder of the server.
    Move(String),
}

/// Why a mailbox cannot be read now. It has no addresses, no secrets and nothing of a mail in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// How far a mailbox has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Of a Maildir: the names that were read, without their flags.
    pub files: HashSet<String>,
    /// Of a server: the UIDVALIDITY of `last_uid`.
    pub uid_validity: Option<i64>,
    /// Of a server: the last UID that was read.
    pub last_uid: i64,
}

/// A mail in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// In a Maildir: its name without flags, and where it lies.
    File {
        /// The name without flags.
        name: String,
        /// Where it lies now.
        path: PathBuf,
    },
    /// On a server.
    Uid(u32),
}

/// What is new in a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Mails that were not read, oldest first.
    pub items: Vec<Item>,
    /// Of a Maildir: names in the mark that are no longer there.
    pub gone: Vec<String>,
    /// Of a server: what its numbers are numbers of.
    pub uid_validity: Option<i64>,
}

/// A mail as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes, or the first of them.
    pub raw: Vec<u8>,
    /// Whether it is longer than is read.
    pub is_cut: bool,
}

/// A mailbox that is open, or opens itself when it is looked at.
pub enum Reader {
    /// On this machine.
    Maildir(Maildir),
    /// On a server.
    Imap(Box<Imap>),
}

impl Mailbox {
    /// A hash of where it is, by which it is known that one of the same name is another.
    pub fn place(&self) -> String {
        let mut hash = Sha256::new();
        match &self.source {
            Source::Maildir(path) => {
                hash.update(b"maildir\0");
                hash.update(path.as_os_str().as_encoded_bytes());
            }
            Source::Imap(imap) => {
                let port = imap.port.to_string();
                for part in ["imap", &imap.host, &port, &imap.username, &imap.folder] {
                    hash.update(part.as_bytes());
                    hash.update(b"\0");
                }
            }
        }
        hex(hash.finalize())
    }

    /// Begins to read it. Nothing is opened yet.
    pub fn reader(&self) -> Reader {
        match &self.source {
            Source::Maildir(path) => Reader::Maildir(Maildir::new(path, self.after == After::Seen)),
            Source::Imap(config) => Reader::Imap(Box::new(Imap::new(config, &self.after))),
        }
    }
}

impl Reader {
    /// What is new behind `mark`.
    ///
    /// # Errors
    /// When it cannot be seen. The next look begins anew.
    pub async fn look(&mut self, mark: &Mark) -> Result<News, Trouble> {
        match self {
            Reader::Maildir(maildir) => maildir.look(mark).await,
            Reader::Imap(imap) => imap.look(mark).await,
        }
    }

    /// One of the mails that [`Reader::look`] found; `None` when it is gone.
    ///
    /// # Errors
    /// When it cannot be read now.
    pub async fn fetch(&mut self, item: &Item) -> Result<Option<Fetched>, Trouble> {
        match (self, item) {
            (Reader::Maildir(maildir), Item::File { path, .. }) => maildir.fetch(path).await,
            (Reader::Imap(imap), Item::Uid(uid)) => imap.fetch(*uid).await,
            // No other pair is ever made.
            (Reader::Maildir(_), Item::Uid(_)) | (Reader::Imap(_), Item::File { .. }) => Ok(None),
        }
    }

    /// Does with a mail that was read what the configuration says.
    ///
    /// # Errors
    /// When that cannot be done. The mail counts as read all the same.
    pub async fn settle(&mut self, item: &Item) -> Result<(), Trouble> {
        match (self, item) {
            (Reader::Maildir(maildir), Item::File { name, path }) => maildir.settle(name, path).await,
            (Reader::Imap(imap), Item::Uid(uid)) => imap.settle(*uid).await,
            (Reader::Maildir(_), Item::Uid(_)) | (Reader::Imap(_), Item::File { .. }) => Ok(()),
        }
    }

    /// Waits until there may be something new, `poll` at most.
    ///
    /// # Errors
    /// When the server is gone.
    pub async fn wait(&mut self, poll: Duration) -> Result<(), Trouble> {
        match self {
            Reader::Maildir(_) => {
                tokio::time::sleep(poll).await;
                Ok(())
            }
            Reader::Imap(imap) => imap.wait(poll).await,
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        match self {
            Reader::Maildir(_) => {}
            Reader::Imap(imap) => imap.close().await,
        }
    }
}
