//! The values of a scenario's tables, and what is wrong with them: each mistake with its place and what to write.

use jiff::Timestamp;
use jiff::civil::Date;
use toml::{Spanned, Table, Value};

use crate::domain::email::EmailAddress;
use crate::domain::intake::Owners;
use crate::problem::{Problem, Problems, nearest};

pub(super) type Span = std::ops::Range<usize>;

/// Reads tables and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub file: &'a str,
    pub problems: Problems,
    pub owners: &'a Owners,
}

impl Reader<'_> {
    pub fn refuse(&mut self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::at(self.file, span.clone(), message).hint(hint));
    }

    pub fn instant(&mut self, key: &str, span: Span, value: &Value) -> Option<Timestamp> {
        let parsed = text_of(value).and_then(|text| text.parse().ok());
        if parsed.is_none() {
            let message = format!("`{key}` is no instant");
            self.refuse(&span, message, "write RFC 3339 with an offset: \"2026-03-02T09:00:00+01:00\"");
        }
        parsed
    }

    pub fn keys(&mut self, table: &Table, span: &Span, allowed: &[&str]) {
        for key in table.keys().filter(|key| !allowed.contains(&key.as_str())) {
            let hint = match nearest(key, allowed.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has: {}", allowed.join(", ")),
            };
            self.refuse(span, format!("unknown key `{key}`"), hint);
        }
    }

    pub fn at(&mut self, table: &Table, span: &Span) -> Option<Timestamp> {
        match table.get("at") {
            Some(at) => self.instant("at", span.clone(), at),
            None => {
                self.refuse(
                    span,
                    "it says not when: `at` is missing",
                    "write at = \"2026-03-02T09:00:00+01:00\"",
                );
                None
            }
        }
    }

    pub fn standstill(&mut self, spanned: &Spanned<Table>) -> Option<(Timestamp, Timestamp)> {
        let (table, span) = (spanned.get_ref(), spanned.span());
        self.keys(table, &span, &["from", "until"]);
        let mut instant = |key: &str| match table.get(key) {
            Some(at) => self.instant(key, span.clone(), at),
            None => {
                let hint = "write from = \"2026-03-02T09:00:00+01:00\" and until = \"…\"";
                self.refuse(
                    &span,
                    format!("it says not since when and until when: `{key}` is missing"),
                    hint,
                );
                None
            }
        };
        let (from, until) = (instant("from")?, instant("until")?);
        if until <= from {
            self.refuse(&span, "`until` is not after `from`", "write the earlier instant first");
            return None;
        }
        Some((from, until))
    }

    pub fn text(&mut self, table: &Table, span: &Span, key: &str) -> Option<String> {
        let text = table.get(key).and_then(text_of);
        if text.is_none() {
            self.refuse(span, format!("`{key}` is missing"), format!("write {key} = \"…\""));
        }
        text
    }

    pub fn flag(&mut self, table: &Table, span: &Span, key: &str, default: bool) -> Option<bool> {
        let Some(value) = table.get(key) else {
            return Some(default);
        };
        if value.as_bool().is_none() {
            self.refuse(span, format!("`{key}` is neither true nor false"), format!("write {key} = true"));
        }
        value.as_bool()
    }

    pub fn address(&mut self, table: &Table, span: &Span, key: &str) -> Option<EmailAddress> {
        let text = self.text(table, span, key)?;
        match text.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                self.refuse(span, format!("`{key}` is no email address"), "write jane@acme.example");
                None
            }
        }
    }

    /// A date, or an instant of which the date counts; nothing when the key is missing.
    pub fn date(&mut self, table: &Table, span: &Span, key: &str) -> Option<Option<Date>> {
        let Some(text) = table.get(key).and_then(text_of) else {
            return Some(None);
        };
        match text.get(..10).unwrap_or(&text).parse() {
            Ok(date) => Some(Some(date)),
            Err(_) => {
                self.refuse(span, format!("`{key}` is no date"), "write 2026-03-16");
                None
            }
        }
    }

    /// One of a closed set; words may be apart by `_`, `-` or a space.
    pub fn name<T: Copy>(
        &mut self,
        table: &Table,
        span: &Span,
        key: &str,
        default: T,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let Some(text) = table.get(key).and_then(text_of) else {
            return Some(default);
        };
        let wanted = text.replace(['-', ' '], "_");
        let found = all.iter().copied().find(|value| name(*value) == wanted);
        if found.is_none() {
            let known: Vec<&str> = all.iter().map(|value| name(*value)).collect();
            self.refuse(span, format!("`{text}` is no {key}"), format!("there are: {}", known.join(", ")));
        }
        found
    }
}

/// A scalar as text; absent for tables and lists.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Datetime(at) => Some(at.to_string()),
        Value::Array(_) | Value::Table(_) => None,
    }
}

pub(super) fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let table = value.and_then(Value::as_table);
    table.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), text_of(value)?))).collect()
}

pub(super) fn names(value: Option<&Value>) -> impl Iterator<Item = String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(text_of)
}
