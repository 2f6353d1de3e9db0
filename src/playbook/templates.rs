//! The texts of all mails, as far as the playbook understands them: which file, where its parts stand,
//! what it is called. Whether a template says something that can be filled in is the renderer's to check.

use std::cell::RefCell;
use std::ops::Range;

use super::front_matter::{self, Parts};
use super::section::{Located, Section, Source};
use crate::problem::{Problem, Problems};

/// Everything the renderer compiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateFiles {
    /// Mails to leads, named `<sequence>/<step>`, in the order of the sequences' names and steps.
    pub steps: Vec<TemplateFile>,
    /// Mails to reps and managers, named as their file: `hand-off`.
    pub staff: Vec<TemplateFile>,
    /// Texts that mails share, named as their path in `partials/`: `footer`, `objections/price`.
    pub partials: Vec<PlainFile>,
    /// HTML frames, named as their file: `base`.
    pub layouts: Vec<PlainFile>,
}

/// A mail: subject and preheader from its head, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFile {
    /// What it is called.
    pub name: String,
    /// Its path in the playbook.
    pub file: String,
    /// The whole file: the spans are places in it, in bytes.
    pub text: String,
    /// The Markdown.
    pub body: Range<usize>,
    /// The subject, a template too.
    pub subject: String,
    /// Where the subject's text stands.
    pub subject_span: Range<usize>,
    /// What mail programs show beside the subject, and where it stands.
    pub preheader: Option<(String, Range<usize>)>,
}

/// A file without a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainFile {
    /// What it is called.
    pub name: String,
    /// Its path in the playbook.
    pub file: String,
    /// All of it.
    pub text: String,
}

/// What the head of every mail has.
#[derive(Clone, Debug)]
pub(super) struct Head {
    subject: Located<String>,
    preheader: Option<Located<String>>,
}

impl Head {
    /// Reads subject and preheader; their places are those in the file.
    pub(super) fn read(top: &mut Section<'_>) -> Option<Head> {
        top.require("subject", "write what the mail is about, in a few words");
        let subject = line(top, "subject");
        let preheader = line(top, "preheader");
        Some(Head { subject: subject?, preheader })
    }

    pub(super) fn into_template(
        self,
        name: String,
        file: &str,
        text: &str,
        body: Range<usize>,
    ) -> TemplateFile {
        TemplateFile {
            name,
            file: file.to_owned(),
            text: text.to_owned(),
            body,
            subject: self.subject.value,
            subject_span: self.subject.span,
            preheader: self.preheader.map(|preheader| (preheader.value, preheader.span)),
        }
    }
}

/// Reads a mail that is nothing but head and body.
pub(super) fn read_staff(
    name: &str,
    file: &str,
    text: &str,
    problems: &RefCell<Problems>,
) -> Option<TemplateFile> {
    let parts = parts(file, text, problems)?;
    let source = Source { file, text: text.get(parts.head.clone())?, base: parts.head.start, problems };
    let table = source.parse()?;
    let mut top = Section::top(source, &table);
    let head = Head::read(&mut top);
    top.finish();
    Some(head?.into_template(name.to_owned(), file, text, parts.body))
}

/// Head and body of a mail; a missing fence or an empty body is reported.
pub(super) fn parts(file: &str, text: &str, problems: &RefCell<Problems>) -> Option<Parts> {
    match front_matter::split(text) {
        Ok(parts) => {
            if text.get(parts.body.clone()).is_none_or(|body| body.trim().is_empty()) {
                let problem = Problem::of(file, "the mail says nothing");
                problems.borrow_mut().push(problem.hint("write its text below the second `+++`"));
            }
            Some(parts)
        }
        Err(error) => {
            let first_line = 0..text.lines().next().map_or(0, str::len);
            let hint = "a mail begins with `+++`, then `subject = \"…\"`, then `+++` on a line of its own";
            problems.borrow_mut().push(Problem::at(file, first_line, error.to_string()).hint(hint));
            None
        }
    }
}

/// One line of text, and the place of the text itself, without quotes where TOML wrote it plainly.
fn line(top: &mut Section<'_>, key: &'static str) -> Option<Located<String>> {
    let text = top.text(key)?;
    let source = top.source;
    if text.value.trim().is_empty() {
        source.refuse(&text.span, format!("`{key}` is empty"), "write something, or delete the line");
        return None;
    }
    if text.value.chars().any(char::is_control) {
        source.refuse(&text.span, format!("`{key}` has more than one line"), "write it on one line");
        return None;
    }
    let written = source.text.get(text.span.clone()).unwrap_or_default();
    let span = match written.find(text.value) {
        Some(at) => text.span.start + at..text.span.start + at + text.value.len(),
        None => text.span,
    };
    let span = source.base + span.start..source.base + span.end;
    Some(Located { value: text.value.to_owned(), span })
}
