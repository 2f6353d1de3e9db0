//! Texts that can only be a mistake: a stage that does not exist, a country written out.
//!
//! `lead.country == "Germany"` is a valid comparison that never holds, and nobody would notice.

use super::Vars;
use super::variables::Fact;
use crate::domain::lead::{Grade, Stage};
use crate::problem::nearest;

/// Why a text is no value of a variable.
pub(super) struct Unknown {
    pub message: String,
    pub hint: String,
}

/// Whether a variable can have this value.
pub(super) fn check(fact: Fact, text: &str, allowed: Vars<'_>) -> Result<(), Unknown> {
    let refuse = |message: String, hint: &str| Err(Unknown { message, hint: hint.to_owned() });
    // Nothing known is the empty text.
    let is_code =
        |ok: fn(&u8) -> bool| text.is_empty() || (text.len() == 2 && text.as_bytes().iter().all(ok));
    match fact {
        Fact::Stage => one_of("stage", text, &Stage::ALL.map(Stage::name)),
        Fact::Grade => one_of("grade", text, &[Grade::A, Grade::B, Grade::C, Grade::D].map(Grade::name)),
        Fact::EventName => activity(text, allowed),
        Fact::Country if !is_code(u8::is_ascii_uppercase) => {
            refuse(format!("\"{text}\" is no country code"), "write two capital letters: \"DE\"")
        }
        Fact::Language if !is_code(u8::is_ascii_lowercase) => {
            refuse(format!("\"{text}\" is no language code"), "write two small letters: \"de\"")
        }
        Fact::Email | Fact::EmailDomain if text.chars().any(char::is_uppercase) => {
            refuse("addresses are kept in lower case".to_owned(), "write it in lower case")
        }
        _ => Ok(()),
    }
}

/// Whether the agreement, when it lists activities, has this one.
pub(super) fn activity(name: &str, allowed: Vars<'_>) -> Result<(), Unknown> {
    let Some(known) = allowed.activities.filter(|known| !known.contains(name)) else { return Ok(()) };
    let hint = nearest(name, known.iter().map(String::as_str)).map_or_else(
        || "add it to `activities` in [scoring]".to_owned(),
        |name| format!("did you mean `{name}`? New ones are added to `activities` in [scoring]"),
    );
    Err(Unknown { message: format!("`{name}` is not among the activities"), hint })
}

fn one_of(what: &str, text: &str, known: &[&str]) -> Result<(), Unknown> {
    if known.contains(&text) {
        return Ok(());
    }
    let hint = nearest(text, known.iter().copied()).map_or_else(
        || format!("known are {}", known.join(", ")),
        |name| format!("did you mean \"{name}\"?"),
    );
    Err(Unknown { message: format!("\"{text}\" is no {what}"), hint })
}
