//! Reads one section of the file and the environment beside it.
//!
//! Every key can be given as a variable too: `[mail.smtp] host` is `NURTURED_MAIL_SMTP_HOST`. The variable
//! wins, and what the file says is then not looked at; a variable that is set to nothing counts as not
//! set, because that is how compose files and unit files pass on what they do not have.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use super::secrets;
use crate::mail::secret::Secret;
use crate::problem::{Problem, Problems};
use crate::toml_reader::{Refusal, Section};

/// What variables begin with.
const PREFIX: &str = "NURTURED";

/// Where settings come from, and where problems go.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The file, as problems call it.
    pub file: &'a str,
    /// What relative paths are relative to.
    pub base: &'a Path,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// What keeps the configuration from being used.
    pub problems: &'a RefCell<Problems>,
    /// What does not, and should be said all the same.
    pub warnings: &'a RefCell<Vec<String>>,
}

impl Surroundings<'_> {
    /// A variable that is set to something.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.is_empty())
    }
}

/// Where a setting was found.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the file, in bytes.
    File(Range<usize>),
    /// In the environment.
    Variable(String),
}

/// What was read, and where.
#[derive(Clone, Debug)]
pub struct Setting<T> {
    /// What was read.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// A section, in the file and in the environment.
pub struct Reader<'a> {
    around: Surroundings<'a>,
    /// `None` when the file does not have it.
    section: Option<Section<'a>>,
    /// As problems call it: `mail.smtp`.
    title: String,
    variables: String,
}

impl<'a> Reader<'a> {
    /// The top of the file.
    pub fn top(around: Surroundings<'a>, section: Section<'a>) -> Reader<'a> {
        Reader { around, section: Some(section), title: String::new(), variables: PREFIX.to_owned() }
    }

    /// A section in it.
    pub fn section(&mut self, key: &'static str) -> Reader<'a> {
        let title = if self.title.is_empty() { key.to_owned() } else { format!("{}.{key}", self.title) };
        let section = self.section.as_mut().and_then(|section| section.section(key));
        Reader { around: self.around, section, title, variables: self.variable_of(key) }
    }

    /// The sections of `[[key]]`, numbered from 1: `NURTURED_KEY_1_…` stands for what is in the first.
    pub fn sections(&mut self, key: &'static str) -> Vec<Reader<'a>> {
        let found = self.section.as_mut().map(|section| section.sections(key)).unwrap_or_default();
        let numbered = |(number, section)| Reader {
            around: self.around,
            section: Some(section),
            title: format!("[{key}]"),
            variables: format!("{}_{}", self.variable_of(key), number + 1),
        };
        found.into_iter().enumerate().map(numbered).collect()
    }

    /// `true` or `false`; not given: `false`.
    pub fn flag(&mut self, key: &'static str) -> bool {
        if let Some((variable, text)) = self.given_outside(key) {
            return match text.trim() {
                "true" => true,
                "false" => false,
                _ => {
                    let hint = "write `true` or `false`";
                    self.refuse(&Place::Variable(variable), format!("`{text}` cannot be `{key}`"), hint);
                    false
                }
            };
        }
        self.section.as_mut().is_some_and(|section| section.flag(key))
    }

    /// The variable that stands for a key.
    pub fn variable_of(&self, key: &str) -> String {
        format!("{}_{}", self.variables, key.to_ascii_uppercase())
    }

    /// The value of that variable; the key in the file is then passed over.
    fn given_outside(&mut self, key: &'static str) -> Option<(String, String)> {
        let variable = self.variable_of(key);
        let text = self.around.variable(&variable)?;
        self.pass_over(key);
        Some((variable, text))
    }

    /// Knows a key without reading it.
    pub fn pass_over(&mut self, key: &'static str) {
        if let Some(section) = &mut self.section {
            section.pass_over(key);
        }
    }

    /// Whether a key is given anywhere.
    pub fn has(&self, key: &str) -> bool {
        self.in_file(key) || self.around.variable(&self.variable_of(key)).is_some()
    }

    /// Whether a section is written there, for keys that may be something else as well, or may be missing.
    pub fn is_section(&self, key: &str) -> bool {
        self.section.as_ref().is_some_and(|section| section.is_section(key))
    }

    /// Where a key is written, or the section when it is not.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        self.section.as_ref().map_or(0..0, |section| section.key_span(key))
    }

    /// The path of a file with a secret that is read anew each time it is needed. It has to hold one now.
    pub fn secret_path(&mut self, key: &'static str) -> Option<Setting<PathBuf>> {
        let around = self.around;
        self.parsed(key, |name| secrets::read(name, &around).map(|_| secrets::find(name, &around)))
    }

    fn in_file(&self, key: &str) -> bool {
        self.section.as_ref().is_some_and(|section| section.has(key))
    }

    /// Text that `read` understands.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<Setting<T>> {
        if let Some((variable, text)) = self.given_outside(key) {
            let place = Place::Variable(variable);
            return match read(&text) {
                Ok(value) => Some(Setting { value, place }),
                Err(refusal) => {
                    self.refuse(&place, refusal.message, refusal.hint);
                    None
                }
            };
        }
        let found = self.section.as_mut()?.parsed(key, read)?;
        Some(Setting { value: found.value, place: Place::File(found.span) })
    }

    /// A whole number within a range.
    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        if let Some((variable, text)) = self.given_outside(key) {
            let number = text.trim().parse().ok().filter(|number| range.contains(number));
            if number.is_none() {
                let hint = format!("write a whole number from {} to {}", range.start(), range.end());
                self.refuse(&Place::Variable(variable), format!("`{text}` cannot be `{key}`"), hint);
            }
            return number;
        }
        self.section.as_mut()?.integer(key, range)
    }

    /// A list of texts, each of which `read` understands; in a variable, commas stand between them.
    pub fn list<T>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, Refusal>) -> Vec<T> {
        if let Some((variable, text)) = self.given_outside(key) {
            let place = Place::Variable(variable);
            let mut found = Vec::new();
            for part in text.split(',').map(str::trim) {
                match read(part) {
                    Ok(value) => found.push(value),
                    Err(refusal) => self.refuse(&place, refusal.message, refusal.hint),
                }
            }
            return found;
        }
        let Some(section) = self.section.as_mut() else { return Vec::new() };
        section.list(key, read).into_iter().map(|found| found.value).collect()
    }

    /// A path, relative ones from the folder of the file.
    pub fn path(&mut self, key: &'static str) -> Option<Setting<PathBuf>> {
        let base = self.around.base;
        self.parsed(key, |text| match text {
            "" => Err(Refusal::new("the path is empty", "write a path, or delete the line")),
            text => Ok(base.join(text)),
        })
    }

    /// A secret, given as it is under `key`, or as a file that holds it under `file_key`.
    pub fn secret(&mut self, key: &'static str, file_key: &'static str) -> Option<Setting<Secret>> {
        let outside = [key, file_key].map(|key| self.around.variable(&self.variable_of(key)).is_some());
        let inside = [key, file_key].map(|key| self.in_file(key));
        let given = if outside == [false; 2] { inside } else { outside };
        if given == [true; 2] {
            let message = format!("`{key}` and `{file_key}` are both given");
            let place = match outside {
                [true, true] => Place::Variable(self.variable_of(file_key)),
                _ => Place::File(self.section.as_ref().map_or(0..0, |section| section.key_span(file_key))),
            };
            self.refuse(&place, message, "keep the file: it can be readable for the daemon alone");
        }
        if given[1] {
            self.pass_over(key);
            let around = self.around;
            return self.parsed(file_key, |name| secrets::read(name, &around));
        }
        self.pass_over(file_key);
        let found = self.parsed(key, |text| match text {
            "" => Err(Refusal::new("this is empty", "write something, or delete the line")),
            text => Ok(Secret::new(text)),
        })?;
        // An address of a database is a secret only as far as it holds one.
        let is_secret = key != "url" || found.value.reveal().contains('@');
        if let Place::File(_) = found.place
            && is_secret
        {
            secrets::warn_if_exposed(Path::new(self.around.file), &self.around);
        }
        Some(found)
    }

    /// Reports that a key has to be given and is not.
    pub fn require(&self, key: &'static str, hint: &str) {
        if self.has(key) {
            return;
        }
        let message = format!("`{key}` is missing in [{}]", self.title);
        let problem = match &self.section {
            Some(section) => Problem::at(self.around.file, section.span.clone(), message),
            None => Problem::of(self.around.file, message),
        };
        let hint = format!("{hint}; or set {}", self.variable_of(key));
        self.around.problems.borrow_mut().push(problem.hint(hint));
    }

    /// Reports a problem with a setting.
    pub fn refuse(&self, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        let problem = match place {
            Place::File(span) => Problem::at(self.around.file, span.clone(), message),
            Place::Variable(name) => Problem::of(format!("environment variable {name}"), message),
        };
        self.around.problems.borrow_mut().push(problem.hint(hint));
    }

    /// Says something that does not keep the configuration from being used.
    pub fn warn(&self, warning: impl Into<String>) {
        self.around.warnings.borrow_mut().push(warning.into());
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        if let Some(section) = self.section {
            section.finish();
        }
    }
}
