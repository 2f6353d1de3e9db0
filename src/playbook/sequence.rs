//! `sequences/<name>/`: what a sequence is, and its mails, one file each, in the order of their numbers.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::fields;
use super::references::{References, What};
use super::section::{Section, Source};
use super::sequence_file;
use super::templates::{Head, TemplateFile, parts};
use crate::domain::agreement::{Late, LateStep, Reentry, Sequence, Step};
use crate::domain::condition::Vars;
use crate::problem::{Problem, Problems};

/// A step that could not leave for two days was meant for another week; but a mail that says something
/// to a lead who waits is better late than never, so the default sends it.
const DEFAULT_LATE: Late = Late { after: SignedDuration::from_hours(48), then: LateStep::Send };

/// The files of one sequence's folder.
#[derive(Debug, Default)]
pub struct SequenceFolder<'a> {
    /// The text of `sequence.toml`.
    pub settings: Option<&'a str>,
    /// The mails: number, step's name, file, text.
    pub steps: Vec<(u32, &'a str, &'a str, &'a str)>,
}

/// A mail's file name, `02-case-study.md`, as number and step.
pub fn step_of_file(file: &str) -> Option<(u32, &str)> {
    let (number, name) = file.strip_suffix(".md")?.split_once('-')?;
    let digits = (2..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| digits)?, name))
}

/// Reads one sequence and its mails.
pub fn read(
    name: &str,
    folder: &SequenceFolder<'_>,
    vars: Vars<'_>,
    references: &mut References,
    templates: &mut Vec<TemplateFile>,
    problems: &RefCell<Problems>,
) -> Option<Sequence> {
    references.define(What::Sequence, name);
    let file = sequence_file(name);
    if let Err(refusal) = fields::name(name) {
        problems.borrow_mut().push(Problem::of(&file, refusal.message).hint(refusal.hint));
    }
    let steps = steps(name, folder, vars, templates, problems);
    let Some(text) = folder.settings else {
        problems.borrow_mut().push(
            Problem::of(&file, format!("sequence `{name}` has no sequence.toml"))
                .hint("write at least a `title`"),
        );
        return None;
    };
    if folder.steps.is_empty() {
        problems.borrow_mut().push(
            Problem::of(&file, format!("sequence `{name}` has no mails"))
                .hint("add a file 01-hello.md beside it"),
        );
    }
    let source = Source { file: &file, text, base: 0, problems };
    let table = source.parse()?;
    let mut top = Section::top(source, &table);
    top.require("title", "write what colleagues call it: `Welcome`");
    let title = top.words("title");
    let enter = top.condition("enter", vars);
    let exit = top.condition("exit", vars);
    let window = top.parsed("window", fields::hours).map(|hours| hours.value);
    let late = match top.section("late") {
        Some(late) => read_late(late),
        None => DEFAULT_LATE,
    };
    let reentry = top.parsed("reentry", fields::reentry).map_or(Reentry::Never, |reentry| reentry.value);
    let then = top.parsed("then", fields::name);
    let then = then.map(|then| references.refer(What::Sequence, &source, &then));
    top.finish();
    Some(Sequence { name: name.to_owned(), title: title?, enter, exit, window, late, reentry, then, steps })
}

fn read_late(mut section: Section<'_>) -> Late {
    let after = section.parsed("after", fields::duration);
    let then = section.parsed("then", |text| {
        let known = [("send", LateStep::Send), ("skip", LateStep::Skip), ("replan", LateStep::Replan)];
        fields::one_of("rule for late steps", text, &known)
    });
    section.finish();
    Late {
        after: after.map_or(DEFAULT_LATE.after, |after| after.value),
        then: then.map_or(DEFAULT_LATE.then, |then| then.value),
    }
}

fn steps(
    sequence: &str,
    folder: &SequenceFolder<'_>,
    vars: Vars<'_>,
    templates: &mut Vec<TemplateFile>,
    problems: &RefCell<Problems>,
) -> Vec<Step> {
    let mut files = folder.steps.clone();
    files.sort_unstable();
    let mut steps = Vec::with_capacity(files.len());
    let (mut numbers, mut names) = (BTreeMap::new(), BTreeSet::new());
    for (number, name, file, text) in files {
        let refuse = |message: String, hint: &str| {
            problems.borrow_mut().push(Problem::of(file, message).hint(hint));
        };
        if let Err(refusal) = fields::name(name) {
            refuse(refusal.message, &refusal.hint);
        }
        if let Some(other) = numbers.insert(number, file) {
            refuse(
                format!("`{other}` has the same number"),
                "the numbers say which mail comes first; give each its own",
            );
        }
        if !names.insert(name) {
            refuse(
                format!("there are two steps `{name}`"),
                "steps are known by their names, not their numbers; rename one",
            );
        }
        steps.extend(step(sequence, name, file, text, vars, templates, problems));
    }
    steps
}

fn step(
    sequence: &str,
    name: &str,
    file: &str,
    text: &str,
    vars: Vars<'_>,
    templates: &mut Vec<TemplateFile>,
    problems: &RefCell<Problems>,
) -> Option<Step> {
    let parts = parts(file, text, problems)?;
    let source = Source { file, text: text.get(parts.head.clone())?, base: parts.head.start, problems };
    let table = source.parse()?;
    let mut top = Section::top(source, &table);
    top.require(
        "after",
        "write how long after the mail before it: `3 days`; of the first mail: after the enrolment",
    );
    let head = Head::read(&mut top);
    let after = top.parsed("after", fields::wait);
    let when = top.condition("when", vars);
    let at_once = top.flag("at_once");
    top.finish();
    templates
        .extend(head.map(|head| head.into_template(format!("{sequence}/{name}"), file, text, parts.body)));
    Some(Step { name: name.to_owned(), after: after?.value, when, at_once })
}
