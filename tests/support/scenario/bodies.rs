//! What stands in a mail, where a scenario asks to see it.

use nurtured::engine::scenario::Show;
use nurtured::engine::simulate::Line;
use nurtured::engine::simulate::letters::{Letters, SentLetter, with_margin, without_tokens};
use nurtured::mail::transport::Memory;

use super::outside::Letter;

/// A mail that was sent.
pub struct Sent {
    /// To whom.
    pub to: String,
    /// What it is called: class, level, and for a lead's mail the step.
    called: [String; 3],
    /// About whom, or to which lead.
    pub lead: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its text part.
    pub text: String,
    /// Its Message-ID.
    pub message_id: String,
    /// Where bounces of it go.
    pub envelope_from: String,
}

/// The mails that were sent so far.
pub struct Mails {
    letters: Letters,
    sent: Vec<Sent>,
}

impl Mails {
    /// Those that a transport will have taken.
    pub fn of(memory: Memory) -> Mails {
        Mails { letters: Letters::of(memory), sent: Vec::new() }
    }

    /// Keeps the mail that a line tells of; what is to be shown below the line.
    pub fn told(&mut self, line: &Line, show: &Show) -> String {
        let Some(SentLetter { text, message_id, envelope_from }) = self.letters.letter_of(line) else {
            return String::new();
        };
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
            message_id,
            envelope_from,
        });
        if show.wants(line) { with_margin(&without_tokens(&text)) } else { String::new() }
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
