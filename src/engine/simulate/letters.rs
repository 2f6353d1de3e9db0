//! What stands in the mails of a simulation, as far as it is the same every time.

use std::collections::HashMap;

use mail_parser::MessageParser;

use super::Line;
use crate::mail::action;
use crate::mail::transport::Memory;

/// The shortest of our tokens has 32 characters.
const MIN_TOKEN: usize = 32;

/// What of a mail that was sent is looked at later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentLetter {
    /// Its text part.
    pub text: String,
    /// Its Message-ID, with angle brackets.
    pub message_id: String,
    /// Where bounces of it go.
    pub envelope_from: String,
}

/// The texts of the mails that a simulation's transport took.
#[derive(Debug)]
pub struct Letters {
    memory: Memory,
    /// By the number of the mail's row in the outbox.
    letters: HashMap<String, SentLetter>,
}

impl Letters {
    /// Those that a transport will have taken.
    pub fn of(memory: Memory) -> Letters {
        Letters { memory, letters: HashMap::new() }
    }

    /// The mail that a line tells of. It is given out once: each mail has one line.
    pub fn letter_of(&mut self, line: &Line) -> Option<SentLetter> {
        for parcel in self.memory.take() {
            let message = MessageParser::default().parse(&parcel.bytes[..]);
            let text = message.as_ref().and_then(|message| message.body_text(0)).unwrap_or_default();
            let message_id = message.as_ref().and_then(|message| message.message_id()).unwrap_or_default();
            let letter = SentLetter {
                text: text.replace('\r', ""),
                message_id: format!("<{message_id}>"),
                envelope_from: parcel.envelope_from.to_string(),
            };
            self.letters.insert(parcel.file_stem, letter);
        }
        self.letters.remove(&line.event.mail.filter(|_| line.kind == "mail")?.to_string())
    }
}

/// `text` without the tokens in its links and addresses: they are signed with keys that each database makes for
/// itself.
pub fn without_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["/a/", "/u/", "/q/", "/m/"].iter().filter_map(|path| rest.find(path)).min() {
        let (before, token) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = token.find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
        let end = end.unwrap_or(token.len());
        // Too short for a token: a path of somebody else's.
        if end >= MIN_TOKEN {
            shown.push('…');
        } else {
            shown.push_str(&token[..end]);
        }
        rest = &token[end..];
    }
    shown.push_str(rest);
    let is_token = |word: &str| {
        word.len() == action::LENGTH
            && word.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
    };
    let mut words: Vec<&str> =
        shown.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| is_token(word)).collect();
    words.sort_unstable();
    words.dedup();
    words.into_iter().fold(shown.clone(), |text, word| text.replace(word, "…"))
}

/// `text` with a margin before each line, so that nobody takes it for a line of what happened.
pub fn with_margin(text: &str) -> String {
    let mut shown = String::new();
    for line in text.trim_end().lines() {
        shown.push_str("      │");
        if !line.trim_end().is_empty() {
            shown.push(' ');
            shown.push_str(line.trim_end());
        }
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_database_makes_for_itself_is_left_out_and_nothing_else() {
        let token = "ab2c".repeat(action::LENGTH).chars().take(action::LENGTH).collect::<String>();
        let long = "Ab-_".repeat(8);
        for (text, shown) in [
            (format!("<https://x.example/u/{long}>, now"), "<https://x.example/u/…>, now"),
            (format!("https://x.example/a/{long}/accept"), "https://x.example/a/…/accept"),
            (format!("write [{token}] accept"), "write […] accept"),
            ("https://x.example/q/2026/plan".to_owned(), "https://x.example/q/2026/plan"),
        ] {
            assert_eq!(without_tokens(&text), shown);
        }
    }

    #[test]
    fn each_line_has_the_margin_and_no_blank_at_its_end() {
        assert_eq!(with_margin("one \n\n  two\n\n"), "      │ one\n      │\n      │   two\n");
    }
}
