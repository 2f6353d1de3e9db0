//! Mail that comes in: what it says, and whose it is, before anybody decides what follows.
//!
//! [`read`] takes one raw mail apart. It never fails on what a stranger sends: a mail without a date or a body
//! is a mail all the same. Whether it is a command, a copy of a rep's own mail or something for a
//! person is for the engine to say (`engine/ingest.rs`). [`classify`](classify::classify) says what kind of mail it
//! is, a bounce, an out-of-office reply or a person's, [`dates`] until when somebody is away, [`correlate`] which of our
//! mails it is about, and [`meaning`] what follows for the lead.

pub mod classify;
pub mod correlate;
pub mod dates;
mod forwarded;
pub mod meaning;
mod own;
mod words;

pub use forwarded::forwarded;
pub use own::own_words;
pub use words::{everything_said, names};

use jiff::Timestamp;
use mail_parser::{Address, Message, MessageParser};
use sha2::{Digest, Sha256};

use classify::{Class, Classified};
use correlate::Named;

use crate::domain::email::EmailAddress;
use crate::domain::hex::hex;

/// The longest mail that is read: more than most mail servers take.
pub const MOST_BYTES: usize = 32 * 1024 * 1024;

/// More recipients than anybody writes to about one lead; the rest is not looked at.
const MOST_RECIPIENTS: usize = 100;

/// Headers in which servers say to whom they delivered: the recipient of a blind copy stands nowhere else.
const DELIVERED: [&str; 4] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];

/// One mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// What tells it from every other, however often it is delivered: a hash of its Message-ID, sender, date and
    /// text.
    pub identity: String,
    /// Who says that they wrote it. Anybody can say so.
    pub from: Option<EmailAddress>,
    /// To whom it is addressed for all to see.
    pub to: Vec<EmailAddress>,
    /// To whom it was delivered beside, as far as servers say.
    pub delivered_to: Vec<EmailAddress>,
    /// Its subject, on one line.
    pub subject: String,
    /// What its writer wrote, without what they quote and without their signature.
    pub text: String,
    /// When its writer sent it, by their clock.
    pub sent_at: Option<Timestamp>,
    /// What it is.
    pub classified: Classified,
    /// What it names that may be ours.
    named: Named,
}

/// What the mail `raw` says; `None` when it is no mail: nothing of it says who wrote it, when, or which it is.
pub fn read(raw: &[u8]) -> Option<Inbound> {
    let message = MessageParser::default().parse(raw)?;
    let from = addresses(message.from()).into_iter().next();
    if from.is_none() && message.message_id().is_none() && message.date().is_none() {
        return None;
    }
    let mut to = addresses(message.to());
    to.extend(addresses(message.cc()));
    to.truncate(MOST_RECIPIENTS);
    let mut delivered_to = addresses(message.bcc());
    for (name, value) in message.headers_raw() {
        if DELIVERED.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            delivered_to.extend(value.trim().trim_matches(['<', '>']).parse::<EmailAddress>().ok());
        }
    }
    delivered_to.truncate(MOST_RECIPIENTS);
    let text = message.body_text(0).unwrap_or_default();
    Some(Inbound {
        identity: identity(&message, from.as_ref(), &text),
        from,
        to,
        delivered_to,
        subject: one_line(message.subject().unwrap_or_default()),
        text: own_words(&text),
        sent_at: message.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
        classified: classify::classify_message(&message),
        named: Named::of(&message),
    })
}

impl Inbound {
    /// Whether it came to `address`: for all to see, or as a copy.
    pub fn came_to(&self, address: &EmailAddress) -> bool {
        self.to.iter().chain(&self.delivered_to).any(|recipient| recipient == address)
    }

    /// Whether a machine wrote it, which orders nothing and is no attempt of a rep.
    pub fn is_automatic(&self) -> bool {
        !matches!(self.classified.class, Class::Reply | Class::Unsubscribe | Class::Calendar)
    }
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No words: a mail is personal, and a log is not.
        f.debug_struct("Inbound").field("identity", &self.identity).finish_non_exhaustive()
    }
}

fn addresses(list: Option<&Address<'_>>) -> Vec<EmailAddress> {
    let found = list.into_iter().flat_map(Address::iter).filter_map(|one| one.address()?.trim().parse().ok());
    found.take(MOST_RECIPIENTS).collect()
}

fn identity(message: &Message<'_>, from: Option<&EmailAddress>, text: &str) -> String {
    let mut hash = Sha256::new();
    let date = message.date().map(mail_parser::DateTime::to_timestamp).unwrap_or_default().to_string();
    let from = from.map(EmailAddress::as_str).unwrap_or_default();
    // Servers on the way fold lines and change their ends.
    let words: Vec<&str> = text.split_whitespace().collect();
    for part in [message.message_id().unwrap_or_default(), from, &date, &words.join(" ")] {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(hash.finalize())
}

/// What tells something that is no mail from other things.
pub fn identity_of_noise(raw: &[u8]) -> String {
    hex(Sha256::digest(raw))
}

fn one_line(text: &str) -> String {
    text.split(char::is_control).flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAIL: &str = "Delivered-To: log@ours.example\r\n\
        From: \"Robin Adler\" <Rep1@Ours.example>\r\n\
        To: Jane <jane@acme.example>, joe@acme.example\r\n\
        Cc: sam@ours.example\r\n\
        Subject: =?utf-8?q?Your_demo?=\r\n\
        \x20on Thursday\r\n\
        Message-ID: <1@ours.example>\r\n\
        Date: Tue, 3 Mar 2026 10:00:00 +0100\r\n\
        \r\n\
        See you on Thursday.\r\n\
        \r\n\
        -- \r\n\
        Robin\r\n";

    fn mail(text: &str) -> Inbound {
        read(text.as_bytes()).expect("a mail")
    }

    #[test]
    fn a_mail_is_taken_apart() {
        let mail = mail(MAIL);
        let plain = |list: &[EmailAddress]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(mail.from.as_ref().map(EmailAddress::as_str), Some("rep1@ours.example"));
        assert_eq!(plain(&mail.to), ["jane@acme.example", "joe@acme.example", "sam@ours.example"]);
        assert_eq!(plain(&mail.delivered_to), ["log@ours.example"]);
        assert_eq!(
            (mail.subject.as_str(), mail.text.as_str()),
            ("Your demo on Thursday", "See you on Thursday.")
        );
        assert_eq!(mail.sent_at.map(|at| at.to_string()).as_deref(), Some("2026-03-03T09:00:00Z"));
        assert!(!mail.is_automatic() && mail.came_to(&"log@ours.example".parse().expect("an address")));
        assert!(!format!("{mail:?}").contains("Thursday"));
    }

    #[test]
    fn a_mail_is_the_same_however_it_was_delivered_and_another_when_anything_of_it_differs() {
        let first = mail(MAIL).identity;
        let again =
            MAIL.replace("Delivered-To: log", "Delivered-To: other").replace("Thursday.\r\n", "Thursday.\n");
        assert_eq!(mail(&again).identity, first);
        for (old, new) in
            [("<1@ours", "<2@ours"), ("Rep1@", "rep2@"), ("10:00:00", "10:00:01"), ("See you", "See us")]
        {
            assert_ne!(mail(&MAIL.replace(old, new)).identity, first, "{new}");
        }
    }

    #[test]
    fn a_machine_that_answers_is_known_by_what_it_says_of_itself() {
        for (header, is_automatic) in [
            ("Auto-Submitted: auto-replied", true),
            ("Auto-Submitted: no", false),
            ("X-Autoreply: yes", true),
            ("Precedence: bulk", false),
            ("Precedence: auto_reply", true),
            ("X-Nothing: x", false),
        ] {
            assert_eq!(mail(&format!("{header}\r\n{MAIL}")).is_automatic(), is_automatic, "{header}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_a_mail_or_none(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&raw);
        }

        #[test]
        fn no_mail_that_was_cut_or_changed_is_too_much(at in 0..MAIL.len(), byte: u8) {
            let mut raw = MAIL.as_bytes().to_vec();
            raw[at] = byte;
            let _ = read(&raw);
            let _ = read(&raw[..at]);
        }
    }
}
