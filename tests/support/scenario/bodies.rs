//! What stands in a mail, where a scenario asks to see it.

use std::collections::HashMap;
use std::fmt::Write as _;

use mail_parser::MessageParser;
use nurtured::engine::simulate::Line;
use nurtured::mail::action;
use nurtured::mail::transport::Memory;

use super::outside::Letter;
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

/// A mail that was sent.
pub struct Sent {
    /// To whom.
    to: String,
    /// What it is called: class, level, and for a lead's mail the step.
    called: [String; 3],
    /// About whom, or to which lead.
    pub lead: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its text part.
    pub text: String,
}

/// The mails that were sent so far.
pub struct Mails {
    memory: Memory,
    /// The text of each, by the number of its row in the outbox.
    texts: HashMap<String, String>,
    sent: Vec<Sent>,
}

impl Mails {
    /// Those that a transport will have taken.
    pub fn of(memory: Memory) -> Mails {
        Mails { memory, texts: HashMap::new(), sent: Vec::new() }
    }

    /// Keeps the mail that a line tells of; what is to be shown below the line.
    pub fn told(&mut self, line: &Line, shown: &Shown) -> String {
        for parcel in self.memory.take() {
            let message = MessageParser::default().parse(&parcel.bytes[..]).expect("what we write is mail");
            let text = message.body_text(0).unwrap_or_default().replace('\r', "");
            self.texts.insert(parcel.file_stem, text);
        }
        let text = line.event.mail.and_then(|mail| self.texts.get(&mail.to_string()));
        let Some(text) = text.filter(|_| line.kind == "mail") else { return String::new() };
        let fact = |name: &str| line.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        self.sent.push(Sent {
            to: fact("to").to_owned(),
            called: [
                fact("class").to_owned(),
                fact("level").to_owned(),
                format!("{}/{}", fact("sequence"), fact("step")),
            ],
            lead: line.lead.clone(),
            subject: fact("subject").to_owned(),
            text: text.clone(),
        });
        if shown.is_asked_for(line) { indented(&without_tokens(text)) } else { String::new() }
    }

    /// The latest mail that a scenario means.
    pub fn latest(&self, letter: &Letter) -> &Sent {
        let is_meant = |sent: &&Sent| {
            sent.to == letter.by
                && sent.called.contains(&letter.mail)
                && (letter.lead.is_none() || sent.lead == letter.lead)
        };
        let found = self.sent.iter().rev().find(is_meant);
        found.unwrap_or_else(|| panic!("no mail was sent like {letter:?}"))
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
