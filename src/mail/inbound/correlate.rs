//! Which mail of ours an incoming one is about: what ties it to a lead so surely that something may follow from it.
//!
//! Only we can make the names that are looked for here (`mail/token.rs`), so whoever has one was written to by us, or got
//! our mail from somebody who was. What merely says that it is from a lead ties nothing: anybody can say so.
//!
//! The surest comes first: the address it was sent to, which each of our mails has for itself; then the conversation it
//! belongs to; then the mail that it returns. A bounce has the first and the third, an answer the second, and an
//! out-of-office reply any of them.

use mail_parser::{HeaderValue, Message, PartType};

use super::Inbound;
use crate::domain::email::EmailAddress;
use crate::domain::ids::OutboxId;
use crate::mail::token;

/// A mail that is answered names few; the rest of a long conversation is not looked at.
const MOST_NAMES: usize = 50;

/// So much of what is returned is looked through: its headers stand at the top.
const MOST_TEXT: usize = 256 * 1024;

/// Mails within mails within mails.
const MOST_DEPTH: usize = 8;

/// What of a mail names one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clue {
    /// An address it was sent to.
    Address,
    /// The conversation it belongs to.
    Thread,
    /// The mail that it returns or quotes.
    Returned,
}

impl Clue {
    /// As the evidence of a decision.
    pub fn words(self) -> &'static str {
        match self {
            Clue::Address => "the address it was sent to is that of one of our mails",
            Clue::Thread => "it answers one of our mails",
            Clue::Returned => "it returns one of our mails",
        }
    }
}

/// The mail of ours that one is about, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// Our mail.
    pub mail: OutboxId,
    /// By what it is known.
    pub clue: Clue,
}

/// What a mail names that may be ours, not yet checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The Message-IDs of the conversation, the last one first.
    thread: Vec<String>,
    /// What of the mail it returns or quotes looks like a Message-ID.
    returned: Vec<String>,
    /// The same like an address that only bounces go to.
    returned_addresses: Vec<EmailAddress>,
}

impl Named {
    pub(super) fn of(message: &Message<'_>) -> Named {
        let mut named = Named { thread: message_ids(message.in_reply_to()), ..Named::default() };
        let mut references = message_ids(message.references());
        references.reverse();
        named.thread.extend(references);
        named.thread.truncate(MOST_NAMES);
        let mut left = MOST_TEXT;
        named.look_through(message, &mut left, MOST_DEPTH);
        named
    }

    /// Everything within the mail is looked through, because servers return a mail as a part, as its headers alone, or in
    /// the midst of their own words.
    fn look_through(&mut self, message: &Message<'_>, left: &mut usize, depth: usize) {
        for part in &message.parts {
            match &part.body {
                PartType::Text(text) | PartType::Html(text) => self.look_at(text, left),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                    let is_text = part.headers.iter().any(|header| {
                        let value = header.value().as_content_type();
                        value.is_some_and(|kind| ["message", "text"].contains(&kind.ctype()))
                    });
                    if is_text {
                        self.look_at(&String::from_utf8_lossy(&bytes[..bytes.len().min(*left)]), left);
                    }
                }
                PartType::Message(within) => {
                    self.returned.extend(within.message_id().map(str::to_owned));
                    for (name, value) in within.headers_raw() {
                        if name.eq_ignore_ascii_case("Return-Path") {
                            self.look_at(value, left);
                        }
                    }
                    if depth > 0 {
                        self.look_through(within, left, depth - 1);
                    }
                }
                PartType::Multipart(_) => {}
            }
            if *left == 0 || self.returned.len() >= MOST_NAMES {
                break;
            }
        }
    }

    fn look_at(&mut self, text: &str, left: &mut usize) {
        let end = text.floor_char_boundary((*left).min(text.len()));
        *left -= end;
        let text = &text[..end];
        let mut is_of_others = false;
        for line in text.lines() {
            // What a returned mail answers is not what was returned.
            let is_folded = line.starts_with([' ', '\t']);
            let lower =
                line.trim_start_matches(['>', ' ']).get(..12).unwrap_or_default().to_ascii_lowercase();
            is_of_others = (is_folded && is_of_others)
                || lower.starts_with("references:")
                || lower.starts_with("in-reply-to:");
            if !is_of_others {
                self.look_at_line(line);
            }
        }
    }

    fn look_at_line(&mut self, text: &str) {
        for (at, _) in text.match_indices('@') {
            if self.returned.len() + self.returned_addresses.len() >= MOST_NAMES {
                return;
            }
            let in_name = |c: char| c.is_ascii_alphanumeric() || "._%+-=".contains(c);
            let local = &text
                [text[..at].rfind(|c| !in_name(c)).map_or(0, |before| before + last_len(text, before))..at];
            let domain = &text[at + 1..];
            let domain = &domain[..domain.find(|c: char| !in_name(c)).unwrap_or(domain.len())];
            if local.len() == token::MESSAGE_ID_LENGTH {
                self.returned.push(format!("<{local}@{domain}>"));
            } else if local.contains("+b") {
                self.returned_addresses.extend(format!("{local}@{domain}").parse().ok());
            }
        }
    }
}

/// How many bytes the character at `at` has.
fn last_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

fn message_ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![id.to_string()],
        HeaderValue::TextList(ids) => ids.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// The mail of ours that `inbound` is about; `None` when nothing of it proves that it is about any. `key` is that of
/// [`token`].
pub fn tie(key: &[u8], inbound: &Inbound) -> Option<Tie> {
    let named = &inbound.named;
    let of_address = |address: &EmailAddress| token::verified(key, address);
    let of_id = |id: &String| token::mail_of(key, id);
    let tie = |mail: Option<OutboxId>, clue| mail.map(|mail| Tie { mail, clue });
    tie(inbound.delivered_to.iter().chain(&inbound.to).find_map(of_address), Clue::Address)
        .or_else(|| tie(named.thread.iter().find_map(of_id), Clue::Thread))
        .or_else(|| tie(named.returned_addresses.iter().find_map(of_address), Clue::Returned))
        .or_else(|| tie(named.returned.iter().find_map(of_id), Clue::Returned))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const KEY: &[u8] = b"a key of the store";

    fn ours(id: i64) -> String {
        token::message_id(KEY, OutboxId(id), "ours.example")
    }

    fn bounces_to(id: i64) -> String {
        let base = "nurture@ours.example".parse().expect("an address");
        token::envelope_sender(KEY, OutboxId(id), &base).expect("an address").to_string()
    }

    fn tie_of(headers: &str, body: &str) -> Option<(i64, Clue)> {
        let raw =
            format!("From: jane@acme.example\r\nMessage-ID: <1@acme.example>\r\n{headers}\r\n{body}\r\n");
        tie(KEY, &read(raw.as_bytes()).expect("a mail")).map(|tie| (tie.mail.0, tie.clue))
    }

    #[test]
    fn the_address_is_surer_than_the_conversation_and_that_than_what_is_returned() {
        let to = format!("To: {}\r\n", bounces_to(1));
        let delivered = format!("Delivered-To: {}\r\nTo: nurture@ours.example\r\n", bounces_to(1));
        let thread = format!("In-Reply-To: {}\r\nReferences: <x@y> {}\r\n", ours(2), ours(3));
        let returned = format!("Your mail:\r\n\r\nMessage-ID: {}\r\n", ours(4));
        assert_eq!(tie_of(&format!("{to}{thread}"), &returned), Some((1, Clue::Address)));
        assert_eq!(tie_of(&format!("{delivered}{thread}"), &returned), Some((1, Clue::Address)));
        assert_eq!(tie_of(&thread, &returned), Some((2, Clue::Thread)));
        assert_eq!(tie_of("", &returned), Some((4, Clue::Returned)));
        assert_eq!(tie_of("", "Nothing of yours, user@elsewhere.example"), None);
    }

    #[test]
    fn the_last_of_ours_in_a_conversation_is_the_one_that_is_answered() {
        let thread = format!("References: <a@b> {}\r\n {} <c@d>\r\n", ours(5), ours(6));
        assert_eq!(tie_of(&thread, ""), Some((6, Clue::Thread)));
    }

    #[test]
    fn a_returned_mail_is_found_as_a_part_as_headers_and_in_the_midst_of_words() {
        let part = |kind: &str, text: &str| {
            let headers = "MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=x\r\n";
            tie_of(
                headers,
                &format!("--x\r\n\r\nSorry.\r\n--x\r\nContent-Type: {kind}\r\n\r\n{text}\r\n--x--"),
            )
        };
        let original = format!("Message-ID: {}\r\nSubject: A question\r\n\r\nHello", ours(7));
        assert_eq!(part("message/rfc822", &original), Some((7, Clue::Returned)));
        assert_eq!(part("text/rfc822-headers", &original), Some((7, Clue::Returned)));
        let path = format!("Return-Path: <{}>\r\nSubject: A question\r\n\r\nHello", bounces_to(8));
        assert_eq!(part("message/rfc822", &path), Some((8, Clue::Returned)));
        assert_eq!(part("text/rfc822-headers", &path), Some((8, Clue::Returned)));
        assert_eq!(
            part("text/html", &format!("<p>Id: &lt;{}&gt;", ours(9).trim_matches(['<', '>']))),
            Some((9, Clue::Returned))
        );
    }

    #[test]
    fn what_a_returned_mail_answers_is_not_what_was_returned() {
        let headers = "MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=x\r\n";
        let returned = format!(
            "--x\r\n\r\nSorry.\r\n--x\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <1@rep>\r\n\
             References: <2@x>\r\n {}\r\nIn-Reply-To: {}\r\nSubject: Re: A question\r\n--x--",
            ours(7),
            ours(7)
        );
        assert_eq!(tie_of(headers, &returned), None);
    }

    #[test]
    fn what_only_looks_like_one_of_ours_ties_nothing() {
        let forged = token::message_id(b"another key", OutboxId(1), "ours.example");
        assert_eq!(tie_of(&format!("In-Reply-To: {forged}\r\n"), &forged), None);
        assert_eq!(tie_of("To: nurture+b1-aaaaaaaaaaaaaaaa@ours.example\r\n", ""), None);
    }
}
