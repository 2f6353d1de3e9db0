//! Every mail is written once at load, for a lead of whom all is known and for one of whom nothing is.
//!
//! Names and types are checked without values; whether `{{lead.company}}` is guarded is not seen that way. A mail
//! that could not be written for half of the leads would be parked for each of them, weeks later: it is
//! refused here, with its place.

use std::collections::BTreeSet;

use super::samples::{Sample, lead_sample, staff_sample};
use super::{LEAD_LAYOUT, PlaybookFiles, STAFF, STAFF_LAYOUT};
use crate::mail::render::{RenderError, Templates};
use crate::problem::{Problem, Problems};

/// Tries `mails` (name and file). What cannot be written goes to `problems`, each cause once: a partial that
/// twenty mails include has one mistake.
pub(super) fn run(
    templates: &Templates,
    mails: &[(String, String)],
    files: &PlaybookFiles,
    problems: &mut Problems,
) {
    let mut told = BTreeSet::new();
    for (name, file) in mails {
        for sample in Sample::ALL {
            let tried = match name.strip_prefix(STAFF) {
                Some(mail) => templates.render(name, STAFF_LAYOUT, &staff_sample(mail, sample)),
                None => templates.render(name, LEAD_LAYOUT, &lead_sample(sample)),
            };
            let Err(error) = tried else { continue };
            let problem = problem(&error, file, sample, files);
            let place = problem.span.as_ref().map(|span| (span.start, span.end));
            if told.insert((problem.file.clone(), place, problem.message.clone())) {
                problems.push(problem);
            }
        }
    }
}

fn problem(error: &RenderError, mail: &str, sample: Sample, files: &PlaybookFiles) -> Problem {
    match error {
        RenderError::Missing { variable, file, line } => {
            let problem = Problem::of(file, format!("`{variable}` may be missing"));
            let span = files.get(file).and_then(|text| place(text, *line, variable));
            Problem { span, ..problem }.hint(format!(
                "write `{{{{default {variable} \"…\"}}}}`, or put `{{{{#if {variable}}}}}` … `{{{{/if}}}}` around it"
            ))
        }
        error => {
            let lead = match sample {
                Sample::Rich => "for a lead of whom everything is known",
                Sample::Bare => "for a lead of whom only the address is known",
            };
            Problem::of(mail, format!("this mail cannot be written {lead}: {error}"))
                .hint("say what it shall be when a value is missing, with `{{default …}}` or `{{#if …}}`")
        }
    }
}

/// Where the variable stands in its line; the whole line when it is not written there as it is called.
fn place(text: &str, line: usize, variable: &str) -> Option<std::ops::Range<usize>> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let written = text.get(start..)?.lines().next()?;
    Some(match written.find(variable) {
        Some(at) => start + at..start + at + variable.len(),
        None => start..start + written.len(),
    })
}
