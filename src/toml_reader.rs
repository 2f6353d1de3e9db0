//! Reads one TOML table key by key, and remembers what was asked for.
//!
//! Serde stops at the first mistake, and a person who mends five mistakes does not want to run `check`
//! five times. So the parsed tree is walked by hand: each reading function reports what it cannot use
//! and returns `None`, and [`Section::finish`] reports every key that nobody asked for, with the
//! nearest one that somebody did. The list of known keys is never written down twice.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, Problems, nearest};

/// Why a text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: String,
    /// Which part of the text is meant, in bytes; `None`: all of it.
    pub span: Option<Range<usize>>,
}

impl Refusal {
    /// A refusal of the whole text.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), hint: hint.into(), span: None }
    }
}

/// A file, or the part of a file that is TOML, and where its problems go.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The file's path as the person knows it.
    pub file: &'a str,
    /// The TOML text.
    pub text: &'a str,
    /// Where in the file the text begins, in bytes.
    pub base: usize,
    /// Shared by all who read files of one thing.
    pub problems: &'a RefCell<Problems>,
}

impl<'a> Source<'a> {
    /// Parses the text. Every line that is no TOML is reported.
    pub fn parse(self) -> Option<Spanned<DeTable<'a>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            return Some(table);
        }
        // One slip makes the parser stumble several times in a line; the first says most.
        let mut told = Vec::new();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let line = self.text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count();
            if !told.contains(&line) {
                told.push(line);
                let message = error.message().lines().next().unwrap_or("this is no TOML").to_owned();
                self.refuse(&span, message, "TOML looks like `key = \"text\"`, `key = 5`, `[section.name]`");
            }
        }
        None
    }

    /// Reports a problem at a place of the text.
    pub fn refuse(&self, span: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        let span = self.base + span.start..self.base + span.end;
        self.problems.borrow_mut().push(Problem::at(self.file, span, message).hint(hint));
    }
}

/// A value, and where it stands in its [`Source`].
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// Where, in bytes of the source's text.
    pub span: Range<usize>,
}

/// A TOML table that is being read.
pub struct Section<'a> {
    /// Where it stands.
    pub source: Source<'a>,
    /// The place of its heading.
    pub span: Range<usize>,
    /// As problems call it: `[teams.sales]`.
    title: String,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The top of a file.
    pub fn top(source: Source<'a>, table: &'a Spanned<DeTable<'a>>) -> Section<'a> {
        Section { source, span: 0..0, title: String::new(), table: table.get_ref(), asked: Vec::new() }
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// Whether the key is written there.
    pub fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// Whether a list is written there, for keys that may be something else as well.
    pub fn is_list(&self, key: &str) -> bool {
        self.table.iter().any(|(name, value)| name.get_ref() == key && value.get_ref().is_array())
    }

    /// Whether a section is written there, for keys that may be something else as well.
    pub fn is_section(&self, key: &str) -> bool {
        self.table.iter().any(|(name, value)| name.get_ref() == key && value.get_ref().as_table().is_some())
    }

    /// Knows a key without reading it: what stands there has no effect.
    pub fn pass_over(&mut self, key: &'static str) {
        self.asked.push(key);
    }

    /// Where the key is written, or the section when it is not.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map_or_else(|| self.span.clone(), |(name, _)| name.span())
    }

    /// Reports that a key has to be there and is not.
    pub fn require(&self, key: &str, hint: &str) {
        if !self.has(key) {
            let of = if self.title.is_empty() { String::new() } else { format!(" in {}", self.title) };
            self.source.refuse(&self.span, format!("`{key}` is missing{of}"), hint);
        }
    }

    /// Reports a problem at a key's name.
    pub fn refuse(&self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.source.refuse(&self.key_span(key), message, hint);
    }

    /// Text.
    pub fn text(&mut self, key: &'static str) -> Option<Located<&'a str>> {
        let value = self.value(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "text in quotes");
            return None;
        };
        Some(Located { value: text, span: value.span() })
    }

    /// Text with something in it.
    pub fn words(&mut self, key: &'static str) -> Option<String> {
        let text = self.text(key)?;
        if text.value.trim().is_empty() {
            self.source.refuse(
                &text.span,
                format!("`{key}` is empty"),
                "write something, or delete the line",
            );
            return None;
        }
        Some(text.value.trim().to_owned())
    }

    /// Text that `read` understands.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<Located<T>> {
        let text = self.text(key)?;
        self.read(&text, read)
    }

    fn read<T>(
        &self,
        text: &Located<&str>,
        read: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<Located<T>> {
        match read(text.value) {
            Ok(value) => Some(Located { value, span: text.span.clone() }),
            Err(refusal) => {
                let span = match refusal.span {
                    Some(inner) => self.within(text, &inner),
                    None => text.span.clone(),
                };
                self.source.refuse(&span, refusal.message, refusal.hint);
                None
            }
        }
    }

    /// The place of a part of a text: exact as long as TOML wrote it without escapes.
    fn within(&self, text: &Located<&str>, inner: &Range<usize>) -> Range<usize> {
        let written = self.source.text.get(text.span.clone()).unwrap_or_default();
        match written.find(text.value) {
            Some(start) if !text.value.is_empty() => {
                let start = text.span.start + start;
                start + inner.start..start + inner.end
            }
            _ => text.span.clone(),
        }
    }

    /// A list of texts, each of which `read` understands.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, Refusal>,
    ) -> Vec<Located<T>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list: `[\"…\", \"…\"]`");
            return Vec::new();
        };
        let mut found = Vec::new();
        for element in &**array {
            match element.get_ref().as_str() {
                Some(text) => {
                    found.extend(self.read(&Located { value: text, span: element.span() }, &read));
                }
                None => self.wrong_type(key, element, "text in quotes"),
            }
        }
        found
    }

    /// A whole number within a range.
    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.value(key)?;
        let Some(number) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number without quotes");
            return None;
        };
        let read = i64::from_str_radix(number.as_str(), number.radix()).ok();
        match read.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.source.refuse(
                    &value.span(),
                    format!("`{key}` cannot be {}", number.as_str()),
                    format!("write a number from {} to {}", range.start(), range.end()),
                );
                None
            }
        }
    }

    /// `true` or `false`; not there: `false`.
    pub fn flag(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong_type(key, value, "`true` or `false`, without quotes");
            false
        })
    }

    /// A table in it: `[contact]`, or `late = { … }`.
    pub fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        let value = self.value(key)?;
        let title = self.title_of(key);
        match value.get_ref().as_table() {
            Some(table) => Some(Section {
                source: self.source,
                span: self.key_span(key),
                title,
                table,
                asked: Vec::new(),
            }),
            None => {
                self.wrong_type(key, value, &format!("a section: `{title}`"));
                None
            }
        }
    }

    /// Texts by names that the writer chose, in the order of the file: `rejected = { bad-data = "5%" }`.
    pub fn texts(&mut self, key: &'static str) -> Vec<(Located<String>, Located<&'a str>)> {
        let Some(inner) = self.section(key) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, value) in inner.table {
            match value.get_ref().as_str() {
                Some(text) => found.push((
                    Located { value: name.get_ref().to_string(), span: name.span() },
                    Located { value: text, span: value.span() },
                )),
                None => inner.wrong_type(name.get_ref(), value, "text in quotes"),
            }
        }
        found.sort_by_key(|(name, _)| name.span.start);
        found
    }

    /// The tables of `[[key]]`.
    pub fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let title = format!("[{}]", self.title_of(key));
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, &format!("several sections: `{title}`"));
            return Vec::new();
        };
        let mut found = Vec::new();
        for element in &**array {
            match element.get_ref().as_table() {
                Some(table) => found.push(Section {
                    source: self.source,
                    span: element.span(),
                    title: title.clone(),
                    table,
                    asked: Vec::new(),
                }),
                None => self.wrong_type(key, element, &format!("a section: `{title}`")),
            }
        }
        found
    }

    /// The tables of `[key.<name>]`, in the order of the file, of those names that `is_name` lets pass.
    pub fn named(
        &mut self,
        key: &'static str,
        is_name: impl Fn(&str) -> Result<(), Refusal>,
    ) -> Vec<(Located<String>, Section<'a>)> {
        let Some(parent) = self.section(key) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, value) in parent.table {
            let title = format!("[{key}.{}]", name.get_ref());
            let span = name.span();
            if let Err(refusal) = is_name(name.get_ref()) {
                self.source.refuse(&span, refusal.message, refusal.hint);
                continue;
            }
            match value.get_ref().as_table() {
                Some(table) => {
                    let located = Located { value: name.get_ref().to_string(), span: span.clone() };
                    found.push((
                        located,
                        Section { source: self.source, span, title, table, asked: Vec::new() },
                    ));
                }
                None => parent.wrong_type(name.get_ref(), value, &format!("a section: `{title}`")),
            }
        }
        found.sort_by_key(|(name, _)| name.span.start);
        found
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        for (name, _) in self.table {
            let key: &str = name.get_ref();
            if self.asked.contains(&key) {
                continue;
            }
            let of = if self.title.is_empty() { String::new() } else { format!(" in {}", self.title) };
            let hint = nearest(key, self.asked.iter().copied()).map_or_else(
                || format!("known are {}", self.asked.join(", ")),
                |known| format!("did you mean `{known}`?"),
            );
            self.source.refuse(&name.span(), format!("unknown key `{key}`{of}"), hint);
        }
    }

    fn title_of(&self, key: &str) -> String {
        match self.title.trim_matches(['[', ']']) {
            "" => format!("[{key}]"),
            parent => format!("[{parent}.{key}]"),
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a section",
        };
        self.source.refuse(&value.span(), format!("`{key}` cannot be {found}"), format!("write {wanted}"));
    }
}
