//! Handing a mail over, and what became of it.
//!
//! The one question that matters after a failure is whether the other side may have the mail.
//! [`Outcome`] answers it, and says what the failure was about, so that the engine can retry, park,
//! suppress or ask a person without looking at reply codes. Replies quote addresses; a [`Reply`]
//! prints itself with them masked, so they do not reach a log by accident.
//!
//! A [`Session`] sends one mail after another and owns its connection. Its deadline is applied inside,
//! step by step, because only the step at which time ran out tells "not sent" from "in doubt".

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::directory::Directory;
use super::smtp::{SmtpSession, SmtpTransport};
use crate::domain::email::EmailAddress;

/// No reply is kept longer than this, in characters: enough for any explanation, too little to fill a
/// store.
const MAX_REPLY: usize = 500;

/// A mail ready to travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Where bounces go ([`super::token::envelope_sender`]).
    pub envelope_from: EmailAddress,
    /// The one recipient.
    pub to: EmailAddress,
    /// The message as [`super::message::compose`] writes it: CRLF, 7 bits, no line over 998 bytes.
    pub bytes: Vec<u8>,
    /// The name of its file, without `.eml`, for a transport that writes files. The same mail has the
    /// same name each time.
    pub file_stem: String,
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has taken the mail on.
    Accepted {
        /// What it said; often its queue id.
        reply: Reply,
    },
    /// The other side does not have the mail, and trying the same again will not change that.
    Refused {
        /// What it, or we, said against it.
        reply: Reply,
        /// What the refusal is about.
        scope: Scope,
    },
    /// The other side does not have the mail; later may be better.
    Deferred {
        /// What it said, or what happened to the connection.
        reply: Reply,
        /// What has to change: with [`Scope::Transport`] nothing was learnt about this mail, and its
        /// tries should not be counted.
        scope: Scope,
    },
    /// The end of the mail was sent, or begun to be sent, and no answer was read: it may have arrived.
    InDoubt {
        /// What happened.
        reply: Reply,
    },
}

impl Outcome {
    /// What stands against the mail, when it was refused or has to wait.
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Outcome::Refused { scope, .. } | Outcome::Deferred { scope, .. } => Some(*scope),
            Outcome::Accepted { .. } | Outcome::InDoubt { .. } => None,
        }
    }
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This recipient's address; other mails may go.
    Address,
    /// This mail; its address and other mails may be fine.
    Message,
    /// The connection, the account or the server's view of us: every mail would meet the same.
    Transport,
}

/// What was said about a mail. Shown (`Display`, `Debug`) with every address masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply(String);

impl Reply {
    /// Keeps the first 500 characters of `text`, on one line.
    pub fn new(text: impl AsRef<str>) -> Reply {
        let text = text.as_ref().trim();
        Reply(text.chars().take(MAX_REPLY).map(|c| if c.is_control() { ' ' } else { c }).collect())
    }

    /// The text as it was said, addresses and all: for the store, never for a log.
    pub fn unmasked(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", masked(&self.0))
    }
}

/// `text` with every email address replaced by `[address]`.
pub fn masked(text: &str) -> String {
    // What ends an address that stands in a sentence. A colon does too: `RCPT TO:jane@…`.
    let borders = |c: char| c.is_whitespace() || "<>()[]{},;:\"'|".contains(c);
    text.split_inclusive(borders)
        .map(|piece| {
            let (word, border) = match piece.char_indices().next_back() {
                Some((at, c)) if borders(c) => piece.split_at(at),
                _ => (piece, ""),
            };
            if word.contains('@') { format!("[address]{border}") } else { piece.to_owned() }
        })
        .collect()
}

/// Where mail is handed over.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A mail server.
    Smtp(SmtpTransport),
    /// A folder of `.eml` files.
    Directory(Directory),
    /// A list, for scenarios and tests.
    Memory(Memory),
}

impl Transport {
    /// How many sessions may be open at a time. More would wait in [`Transport::open`].
    pub fn sessions(&self) -> usize {
        match self {
            Transport::Smtp(smtp) => smtp.sessions(),
            Transport::Directory(_) | Transport::Memory(_) => 1,
        }
    }

    /// A session for one mail after another. Waits while [`Transport::sessions`] are open to a mail
    /// server. Nothing is said to the server before the first mail.
    pub async fn open(&self) -> Session {
        match self {
            Transport::Smtp(smtp) => Session::Smtp(Box::new(smtp.open().await)),
            Transport::Directory(directory) => Session::Directory(directory.clone()),
            Transport::Memory(memory) => Session::Memory(memory.clone()),
        }
    }
}

/// One line of mails to one place, each waiting for the one before.
#[derive(Debug)]
pub enum Session {
    /// A connection to a mail server, made when it is first needed and again when it broke.
    Smtp(Box<SmtpSession>),
    /// A folder.
    Directory(Directory),
    /// A list.
    Memory(Memory),
}

impl Session {
    /// Hands one mail over and says what became of it, with a server by `deadline` at the latest; a
    /// folder takes as long as the disk does.
    ///
    /// Do not drop the future half-way: the mail would be in doubt without anybody saying so. (The
    /// session itself would be sound; it forgets the connection.)
    pub async fn send(&mut self, parcel: &Parcel, deadline: Instant) -> Outcome {
        match self {
            Session::Smtp(smtp) => smtp.send(parcel, deadline).await,
            Session::Directory(directory) => directory.send(parcel).await,
            Session::Memory(memory) => memory.send(parcel),
        }
    }

    /// Takes leave of the server. A session that is dropped just hangs up.
    pub async fn close(self) {
        match self {
            Session::Smtp(smtp) => smtp.close().await,
            Session::Directory(_) | Session::Memory(_) => {}
        }
    }
}

/// A transport that keeps what it is given. Clones share the list.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    accepted: Vec<Parcel>,
    answers: VecDeque<Outcome>,
}

impl Memory {
    /// A list with nothing in it that accepts every mail.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Gives the next mail this outcome in place of accepting it; further calls, the mails after it.
    pub fn answer(&self, outcome: Outcome) {
        self.kept().answers.push_back(outcome);
    }

    /// Takes out the mails that were accepted since the last call, oldest first.
    pub fn take(&self) -> Vec<Parcel> {
        std::mem::take(&mut self.kept().accepted)
    }

    fn send(&self, parcel: &Parcel) -> Outcome {
        let mut kept = self.kept();
        let outcome =
            kept.answers.pop_front().unwrap_or_else(|| Outcome::Accepted { reply: Reply::new("kept") });
        if matches!(outcome, Outcome::Accepted { .. }) {
            kept.accepted.push(parcel.clone());
        }
        outcome
    }

    /// A panic elsewhere leaves the list whole: each change to it is a single push or pop.
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_replies_are_masked_however_they_are_wrapped() {
        for (reply, shown) in [
            ("550 5.1.1 <jane@buyer.example>: unknown", "550 5.1.1 <[address]>: unknown"),
            ("jane@buyer.example... User unknown", "[address] User unknown"),
            ("RCPT TO:jane+news@buyer.example refused", "RCPT TO:[address] refused"),
            ("\"jané@büyer.example\"", "\"[address]\""),
            ("<b@x>,<c@y>", "<[address]>,<[address]>"),
            ("250 2.0.0 Ok: queued as 4B1C", "250 2.0.0 Ok: queued as 4B1C"),
            ("", ""),
        ] {
            assert_eq!(masked(reply), shown);
        }
    }

    #[test]
    fn a_reply_does_not_show_an_address_unless_asked() {
        let reply = Reply::new("550 no jane@buyer.example\r\nhere\n");
        assert_eq!(reply.unmasked(), "550 no jane@buyer.example  here");
        let outcome = Outcome::Refused { reply: reply.clone(), scope: Scope::Address };
        assert!(!format!("{outcome:?} {reply}").contains("jane"));
        assert_eq!(Reply::new("x".repeat(9_999)).unmasked().len(), MAX_REPLY);
    }

    #[tokio::test]
    async fn the_list_keeps_what_it_accepted_and_answers_as_told() {
        let memory = Memory::new();
        let mut session = Transport::Memory(memory.clone()).open().await;
        let parcel = Parcel {
            envelope_from: "bounce@ours.example".parse().expect("an address"),
            to: "jane@buyer.example".parse().expect("an address"),
            bytes: b"Subject: x\r\n\r\n".to_vec(),
            file_stem: "1".to_owned(),
        };
        let doubt = Outcome::InDoubt { reply: Reply::new("lost") };
        memory.answer(doubt.clone());
        assert_eq!(session.send(&parcel, Instant::now()).await, doubt);
        assert_eq!(memory.take(), []);
        assert!(matches!(session.send(&parcel, Instant::now()).await, Outcome::Accepted { .. }));
        assert_eq!(memory.take(), [parcel]);
        assert_eq!(memory.take(), []);
    }
}
