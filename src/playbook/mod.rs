//! The playbook: what people edit, read and checked as a whole.
//!
//! A playbook is a folder of texts ([`PlaybookFiles`]); its version is the hash of those texts.
//! [`Playbook::load`] turns a version into the types the rules read, or into every problem there is in
//! it, each with its place and advice. There is nothing between: a playbook with a problem is refused,
//! and the one in force stays.

mod agreement;
mod builtin;
mod fields;
mod figures;
mod files;
mod front_matter;
mod references;
pub mod samples;
pub mod schemas;
mod section;
mod sequence;
mod templates;
mod trial;
mod warnings;

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::domain::agreement::{Agreement, Sequence};
use crate::domain::condition::Vars;
use crate::mail::render::{LayoutSource, PartialSource, TemplateSource, Templates};
use crate::problem::{Problem, Problems, nearest};

pub use files::{FilesError, PlaybookFiles};
pub use templates::{PlainFile, TemplateFile, TemplateFiles};
pub use warnings::warnings;

use references::References;
use section::Source;
use sequence::SequenceFolder;

/// What marketing and sales promised each other.
const AGREEMENT: &str = "agreement.toml";

/// The settings of a sequence.
fn sequence_file(name: &str) -> String {
    format!("sequences/{name}/sequence.toml")
}

/// Mails to staff that the engine writes, and the frames it puts mails in. A playbook that has no file for one
/// of them gets the built-in one.
const NEEDED: [&str; 28] = [
    "staff/hand-off.md",
    "staff/warning.md",
    "staff/escalation.md",
    "staff/reassigned.md",
    "staff/notice.md",
    "staff/operator.md",
    "staff/digest.md",
    "staff/call-list.md",
    "staff/away.md",
    "staff/behind.md",
    "staff/review.md",
    "staff/team-full.md",
    "staff/campaign-news.md",
    "staff/data-quality.md",
    "staff/report.md",
    "staff/work-list.md",
    "staff/dispute.md",
    "staff/erased.md",
    "layouts/base.hbs",
    "layouts/staff.hbs",
    "partials/footer.md",
    "partials/staff/actions.md",
    "partials/staff/buttons.md",
    "partials/staff/call.md",
    "partials/staff/counted.md",
    "partials/staff/quote.md",
    "partials/staff/who.md",
    "partials/staff/zone.md",
];

/// The frame of mails to leads.
pub const LEAD_LAYOUT: &str = "base";

/// The frame of mails to staff.
pub const STAFF_LAYOUT: &str = "staff";

/// One version of the playbook, checked.
#[derive(Debug)]
pub struct Playbook {
    /// The hash of its files.
    pub version: String,
    /// `agreement.toml`.
    pub agreement: Agreement,
    /// The sequences, by name.
    pub sequences: BTreeMap<String, Sequence>,
    /// All mails, ready to be rendered: steps as `<sequence>/<step>`, mails to staff as `staff/<name>`.
    pub templates: Templates,
}

impl Playbook {
    /// The names of the steps' mails, sequence by sequence.
    pub fn mails(&self) -> Vec<String> {
        self.sequences
            .values()
            .flat_map(|sequence| sequence.steps.iter().map(|step| format!("{}/{}", sequence.name, step.name)))
            .collect()
    }

    /// Reads and checks a playbook.
    ///
    /// # Errors
    /// All problems in all files, sorted by file and place.
    pub fn load(files: &PlaybookFiles) -> Result<Playbook, Problems> {
        let mut problems = Problems::new();
        for (path, text) in files.iter() {
            problems.source(path, text);
        }
        let problems = RefCell::new(problems);
        let mut references = References::default();
        let whole = completed(files);
        let folder = Folder::sort(&whole, &problems);
        let read = match files.get(AGREEMENT) {
            Some(text) => {
                let source = Source { file: AGREEMENT, text, base: 0, problems: &problems };
                agreement::read(source, files, &mut references)
            }
            None => {
                let problem = Problem::of(AGREEMENT, "the playbook has no agreement");
                problems.borrow_mut().push(problem.hint("`nurtured init` writes one to begin with"));
                None
            }
        };
        let vars = Vars { event: false, activities: read.as_ref().and_then(|read| read.activities.as_ref()) };
        let mut templates = folder.templates;
        let mut sequences = BTreeMap::new();
        for (name, folder) in &folder.sequences {
            let read = sequence::read(name, folder, vars, &mut references, &mut templates.steps, &problems);
            sequences.extend(read.map(|sequence| ((*name).to_owned(), sequence)));
        }
        let mut problems = problems.into_inner();
        // Without an agreement nothing of it is known, and every name would seem wrong.
        if let Some(read) = &read {
            references.report_unknown(&mut problems);
            references.report_unreachable(&mut problems);
            references.report_circles(&sequences, &mut problems);
            if let Some(agreement) = &read.agreement {
                references.report_unfilled_roles(agreement, &mut problems);
                references.report_stand_ins(agreement, &mut problems);
            }
        }
        let templates = compile(templates, &whole, &mut problems);
        match read.and_then(|read| read.agreement) {
            Some(agreement) if problems.is_empty() => {
                Ok(Playbook { version: files.hash(), agreement, sequences, templates })
            }
            _ => Err(sorted(&whole, &problems)),
        }
    }
}

/// The files, and the built-in ones for those that every playbook needs.
fn completed(files: &PlaybookFiles) -> PlaybookFiles {
    let mut whole = files.clone();
    let builtin = PlaybookFiles::builtin();
    for path in NEEDED {
        if let (None, Some(text)) = (files.get(path), builtin.get(path)) {
            whole.insert(path, text);
        }
    }
    whole
}

/// Compiles all mails, each with the variables of its kind, and tries them.
fn compile(files: TemplateFiles, whole: &PlaybookFiles, problems: &mut Problems) -> Templates {
    let mails: Vec<(String, String)> = files
        .steps
        .iter()
        .map(|file| (file.name.clone(), file.file.clone()))
        .chain(files.staff.iter().map(|file| (format!("{STAFF}{}", file.name), file.file.clone())))
        .collect();
    let known = problems.len();
    let source = |file: TemplateFile, name: String| TemplateSource {
        name,
        file: file.file,
        text: file.text,
        body: file.body,
        subject: file.subject,
        subject_span: file.subject_span,
        preheader: file.preheader,
    };
    let steps = files.steps.into_iter().map(|file| {
        let name = file.name.clone();
        source(file, name)
    });
    let staff = files.staff.into_iter().map(|file| {
        let name = format!("{STAFF}{}", file.name);
        source(file, name)
    });
    let partials = files.partials.into_iter().map(|file| PartialSource {
        name: file.name,
        file: file.file,
        text: file.text,
    });
    let layouts = files.layouts.into_iter().map(|file| LayoutSource {
        name: file.name,
        file: file.file,
        text: file.text,
    });
    let schema_of =
        |name: &str| if name.starts_with(STAFF) { &*schemas::STAFF_MAIL } else { &*schemas::LEAD_MAIL };
    let templates = Templates::compile(
        steps.chain(staff).collect(),
        partials.collect(),
        layouts.collect(),
        schema_of,
        problems,
    );
    // What has mistakes cannot be rendered, and would be told twice.
    if problems.len() == known {
        trial::run(&templates, &mails, whole, problems);
    }
    templates
}

/// What the names of mails to staff begin with. No sequence can have that name.
const STAFF: &str = "staff/";

/// The files by what they are.
#[derive(Default)]
struct Folder<'a> {
    sequences: BTreeMap<&'a str, SequenceFolder<'a>>,
    templates: TemplateFiles,
}

impl<'a> Folder<'a> {
    fn sort(files: &'a PlaybookFiles, problems: &RefCell<Problems>) -> Folder<'a> {
        let mut folder = Folder::default();
        for (path, text) in files.iter() {
            if !folder.place(path, text, problems) {
                let places = [
                    AGREEMENT,
                    "sequences/<name>/sequence.toml",
                    "sequences/<name>/01-<step>.md",
                    "staff/<name>.md",
                    "partials/<name>.md",
                    "layouts/<name>.hbs",
                    "holidays/<name>.ics",
                ];
                let hint = match nearest(path, [AGREEMENT]) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("the playbook has {}; move it elsewhere", places.join(", ")),
                };
                let problem = Problem::of(path, "nobody reads this file").hint(hint);
                problems.borrow_mut().push(problem);
            }
        }
        folder
    }

    /// Whether the file has a place.
    fn place(&mut self, path: &'a str, text: &'a str, problems: &RefCell<Problems>) -> bool {
        let plain =
            |name: &str| PlainFile { name: name.to_owned(), file: path.to_owned(), text: text.to_owned() };
        match path.split('/').collect::<Vec<_>>()[..] {
            [AGREEMENT] | [.., "README.md"] => true,
            ["holidays", file] => file.ends_with(".ics"),
            ["sequences", name, "sequence.toml"] => {
                self.sequences.entry(name).or_default().settings = Some(text);
                true
            }
            ["sequences", name, file] => match sequence::step_of_file(file) {
                Some((number, step)) => {
                    self.sequences.entry(name).or_default().steps.push((number, step, path, text));
                    true
                }
                None => false,
            },
            ["staff", file] => match file.strip_suffix(".md") {
                Some(name) => {
                    self.templates.staff.extend(templates::read_staff(name, path, text, problems));
                    true
                }
                None => false,
            },
            ["partials", ..] => match path.trim_start_matches("partials/").strip_suffix(".md") {
                Some(name) => {
                    self.templates.partials.push(plain(name));
                    true
                }
                None => false,
            },
            ["layouts", file] => match file.strip_suffix(".hbs") {
                Some(name) => {
                    self.templates.layouts.push(plain(name));
                    true
                }
                None => false,
            },
            _ => false,
        }
    }
}

/// The problems as people mend them: file by file, from top to bottom.
fn sorted(files: &PlaybookFiles, problems: &Problems) -> Problems {
    let mut found: Vec<&Problem> = problems.iter().collect();
    found.sort_by_key(|problem| (&problem.file, problem.span.as_ref().map(|span| span.start)));
    let mut sorted = Problems::new();
    for (path, text) in files.iter() {
        sorted.source(path, text);
    }
    found.into_iter().for_each(|problem| sorted.push(problem.clone()));
    sorted
}

#[cfg(test)]
mod tests;
