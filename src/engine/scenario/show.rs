//! `show`: the mails whose text somebody wants to read below their line.

use serde_json::Value;

use crate::engine::simulate::Line;

/// Which mails are shown whole: `show = ["hand_off", "breach", "manager", "digest to rep1"]`.
///
/// A word is a class, a level, or a person, by the address or what stands before its `@`; "… to …" is both, and `all`
/// is every mail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Show(pub(super) Vec<String>);

impl Show {
    /// Whether the text of the mail that a line tells of is asked for.
    pub fn wants(&self, line: &Line) -> bool {
        let fact = |name: &str| line.facts.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_of = |kind: &str| kind == "all" || kind == fact("class") || kind == fact("level");
        let to = fact("to");
        let is_to = |person: &str| person == to || to.split('@').next() == Some(person);
        line.kind == "mail"
            && self.0.iter().any(|wish| match wish.split_once(" to ") {
                Some((kind, person)) => is_of(kind.trim()) && is_to(person.trim()),
                None => is_of(wish) || is_to(wish),
            })
    }
}
