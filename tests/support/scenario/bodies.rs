//! What stands in a mail, where a scenario asks to see it.

use std::collections::HashMap;
use std::fmt::Write as _;

use mail_parser::MessageParser;
use nurtured::engine::simulate::Line;
use nurtured::mail::action;
use nurtured::mail::transport::Memory;

use super::told::name;

/// What stands before each line of a mail.
const MARGIN: &str = "      │";

/// The mails whose text stands below their line: `show = ["hand_off", "breach", "manager", "digest to rep1"]`.
///
/// A word is a class, a level or a person, "… to …" both; `all` is all of them.
#[derive(Clone, Debug, Default)]
pub struct Shown(pub Vec<String>);

impl Shown {
    fn is_asked_for(&self, line: &Line) -> bool {
        let fact = |name: &str| line.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let is_of = |kind: &str| kind == "all" || kind == fact("class") || kind == fact("level");
        let is_to = |person: &str| person == name(fact("to"));
        self.0.iter().any(|wish| match wish.split_once(" to ") {
            Some((kind, person)) => is_of(kind) && is_to(person),
            None => is_of(wish) || is_to(wish),
        })
    }
}

/// The mails that were sent so far, by the number of their row in the outbox.
pub struct Mails {
    memory: Memory,
    sent: HashMap<String, String>,
}

impl Mails {
    /// Those that a transport will have taken.
    pub fn of(memory: Memory) -> Mails {
        Mails { memory, sent: HashMap::new() }
    }

    /// The text part of the mail that a line tells of.
    pub fn text(&mut self, line: &Line) -> Option<&str> {
        for parcel in self.memory.take() {
            let message = MessageParser::default().parse(&parcel.bytes[..]).expect("what we write is mail");
            let text = message.body_text(0).unwrap_or_default().replace('\r', "");
            self.sent.insert(parcel.file_stem, text);
        }
        self.sent.get(&line.event.mail?.to_string()).map(String::as_str)
    }

    /// What is to be shown below a line: nothing unless it is a mail that was asked for.
    pub fn shown(&mut self, line: &Line, shown: &Shown) -> String {
        if line.kind != "mail" || !shown.is_asked_for(line) {
            return String::new();
        }
        self.text(line).map(|text| indented(&without_tokens(text))).unwrap_or_default()
    }
}

/// A text with a margin, so that nobody takes it for a line of the expectation.
pub fn indented(text: &str) -> String {
    let mut shown = String::new();
    for line in text.trim_end().lines() {
        let line = if line.is_empty() { String::new() } else { format!(" {line}") };
        let _ = writeln!(shown, "{MARGIN}{}", line.trim_end());
    }
    shown
}

/// Tokens are signed with keys that each database makes for itself.
pub fn without_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["/a/", "/u/", "/q/"].iter().filter_map(|path| rest.find(path)).min() {
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

/// The shortest of our tokens has 32 characters.
const MIN_TOKEN: usize = 32;
