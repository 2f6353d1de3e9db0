//! How values of the domain stand in JSON: the types of requests and answers that several operations share.
//!
//! A text that comes in has no control characters and an end: what is stored is shown again, in mails and in
//! terminals, and one of the databases takes no NUL.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::domain::contact::{Channel, SuppressionReason};
use crate::domain::email::EmailAddress;
use crate::domain::happening::Outcome;
use crate::domain::lead::Stage;

/// Characters of a line.
const MAX_LINE: usize = 200;
/// Characters of a note.
const MAX_NOTE: usize = 5_000;

/// Neither a path, nor a query, nor a body.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// An email address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(pub EmailAddress);

impl JsonSchema for Email {
    fn schema_name() -> Cow<'static, str> {
        "Email".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "format": "email", "maxLength": 254, "examples": ["jane@buyer.example"]
        })
    }
}

/// Somebody of ours, by their email address: a rep, or whoever answers for a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Speaker(pub EmailAddress);

impl JsonSchema for Speaker {
    fn schema_name() -> Cow<'static, str> {
        "Speaker".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "format": "email", "maxLength": 254, "examples": ["rep1@ours.example"],
            "description": "Who says it: the email address of a rep, or of a team's manager, director or backup."
        })
    }
}

/// Text of a line: 1 to 200 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Line(String);

impl Line {
    /// The text.
    pub fn text(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Line {
    type Error = String;

    fn try_from(text: String) -> Result<Line, String> {
        if text.trim().is_empty() || text.chars().count() > MAX_LINE || text.chars().any(char::is_control) {
            return Err(format!("write 1 to {MAX_LINE} characters on one line"));
        }
        Ok(Line(text))
    }
}

impl JsonSchema for Line {
    fn schema_name() -> Cow<'static, str> {
        "Line".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_LINE,
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
        })
    }
}

/// Somebody's words: up to 5,000 characters, line breaks included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Note(String);

impl Note {
    /// The words.
    pub fn text(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Note {
    type Error = String;

    fn try_from(text: String) -> Result<Note, String> {
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.chars().count() > MAX_NOTE || text.chars().any(odd) {
            return Err(format!("write up to {MAX_NOTE} characters, without control characters"));
        }
        Ok(Note(text))
    }
}

impl JsonSchema for Note {
    fn schema_name() -> Cow<'static, str> {
        "Note".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": MAX_NOTE, "pattern": r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$" })
    }
}

/// How many of a list are given at once.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
pub struct PageSize(pub i64);

impl PageSize {
    const MOST: i64 = 500;
}

impl Default for PageSize {
    fn default() -> PageSize {
        PageSize(100)
    }
}

impl TryFrom<i64> for PageSize {
    type Error = String;

    fn try_from(count: i64) -> Result<PageSize, String> {
        if (1..=PageSize::MOST).contains(&count) {
            Ok(PageSize(count))
        } else {
            Err(format!("write a number from 1 to {}", PageSize::MOST))
        }
    }
}

impl JsonSchema for PageSize {
    fn schema_name() -> Cow<'static, str> {
        "PageSize".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": PageSize::MOST, "default": 100 })
    }
}

/// Names that the domain keeps in a closed set, with their schema.
macro_rules! named {
    ($($(#[$doc:meta])* $wire:ident($domain:ty), $all:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $wire(pub $domain);

        impl TryFrom<String> for $wire {
            type Error = String;

            fn try_from(name: String) -> Result<$wire, String> {
                name.parse().map($wire).map_err(|_| {
                    let known: Vec<&str> = $all.iter().map(|value| value.name()).collect();
                    format!("write one of {}", known.join(", "))
                })
            }
        }

        impl Serialize for $wire {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.name())
            }
        }

        impl JsonSchema for $wire {
            fn schema_name() -> Cow<'static, str> {
                stringify!($wire).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let names: Vec<&str> = $all.iter().map(|value| value.name()).collect();
                json_schema!({ "type": "string", "enum": names })
            }
        }
    )*};
}

named! {
    /// How far a lead has come.
    WireStage(Stage), Stage::ALL;
    /// How a lead is contacted.
    WireChannel(Channel), Channel::ALL;
    /// What came of an attempt.
    WireOutcome(Outcome), Outcome::ALL;
    /// Why an address must not be contacted.
    WireReason(SuppressionReason), SuppressionReason::ALL;
}
