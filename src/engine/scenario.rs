//! A scenario: leads that come in and things that happen, each at its time, as a person writes it down.
//!
//! ```toml
//! start = "2026-03-02T08:00:00+01:00"
//! end = "2026-05-01T00:00:00+02:00"
//! playbook = "templates"                # optional; the one in force otherwise
//! show = ["hand_off to rep1", "breach"] # optional: mails to read whole, by class, level or person; "all" is all
//!
//! [[lead]]
//! at = "2026-03-02T09:12:00+01:00"
//! email = "jane@acme.example"
//! first_name = "Jane"
//! country = "DE"
//!
//! [[event]]
//! at = "2026-03-10T16:00:00+01:00"
//! kind = "out_of_office"
//! lead = "jane@acme.example"
//! until = "2026-03-16"                  # her first day back
//! occurred_at = "2026-03-10T15:40:00+01:00"  # optional: when it happened, if it is told later
//!
//! [[event]]
//! at = "2026-03-11T09:00:00+01:00"
//! kind = "edited"                       # the playbook: what stands there is replaced, and in force from then on
//! file = "agreement.toml"
//! old = 'first_contact = "1 business hour"'
//! new = 'first_contact = "2 business hours"'
//!
//! [[standstill]]                        # the daemon is down; what people say is kept
//! from = "2026-03-12T18:00:00+01:00"
//! until = "2026-03-13T09:00:00+01:00"
//! ```

mod event;
mod lead;
mod reader;
mod show;

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use toml::{Spanned, Table, Value};

use self::reader::Reader;
pub use self::show::Show;
use crate::domain::email::EmailAddress;
use crate::domain::happening::Happening;
use crate::domain::intake::Owners;
use crate::domain::lead::LeadRecord;
use crate::engine::recycle::Recycling;
use crate::engine::sla::reapply::Which;
use crate::problem::{Problem, Problems};

/// A checked scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its first instant.
    pub start: Timestamp,
    /// Its last.
    pub end: Timestamp,
    /// The playbook's folder, as written.
    pub playbook: Option<PathBuf>,
    /// The mails whose text is shown.
    pub show: Show,
    /// When the daemon is down, from and until.
    pub standstills: Vec<(Timestamp, Timestamp)>,
    /// What comes in, in order of time; at one instant in the order of the file, leads first.
    pub inputs: Vec<Input>,
}

/// Something that comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What comes in.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A lead.
    Lead(Box<LeadRecord>),
    /// Something happened to one.
    Event {
        /// To which.
        lead: EmailAddress,
        /// Who says so.
        by: Option<EmailAddress>,
        /// When it happened, if that was before we are told.
        occurred_at: Option<Timestamp>,
        /// In which words.
        words: Option<String>,
        /// What.
        happening: Happening,
    },
    /// Something is said about one that was given back.
    Recycling {
        /// About which.
        lead: EmailAddress,
        /// By whom.
        by: Option<EmailAddress>,
        /// In which words.
        words: Option<String>,
        /// What.
        what: Recycling,
    },
    /// The playbook is edited, and in force from then on.
    Edited {
        /// Which of its files.
        file: String,
        /// What is replaced, wherever it stands.
        old: String,
        /// By what.
        new: String,
    },
    /// Promises that run are put on the agreement in force, as `nurtured sla reapply` does.
    Reapply(Which),
    /// A rep is away.
    RepAway {
        /// Who.
        rep: EmailAddress,
        /// Their first day back; `None`: they are back.
        back: Option<Date>,
    },
}

impl Scenario {
    /// The first instant from `at` on at which the daemon is up.
    pub fn up_at(&self, mut at: Timestamp) -> Timestamp {
        while let Some((_, until)) =
            self.standstills.iter().find(|(from, until)| (*from..*until).contains(&at))
        {
            at = *until;
        }
        at
    }

    /// The folder of the playbook that a scenario names, if it can be read that far.
    pub fn playbook_of(text: &str) -> Option<PathBuf> {
        let table: Table = toml::from_str(text).ok()?;
        table.get("playbook").and_then(Value::as_str).map(PathBuf::from)
    }

    /// Reads and checks the scenario in `text`; `file` is its name in messages.
    ///
    /// # Errors
    /// Every problem in it, with its place.
    pub fn parse(file: &str, text: &str, owners: &Owners) -> Result<Scenario, Problems> {
        let mut problems = Problems::new();
        problems.source(file, text);
        let raw: Raw = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                problems.push(Problem::at(file, span, error.message().to_owned()));
                return Err(problems);
            }
        };
        let mut reader = Reader { file, problems, owners };
        let start = reader.instant("start", raw.start.span(), raw.start.get_ref());
        let end = reader.instant("end", raw.end.span(), raw.end.get_ref());
        let mut inputs = Vec::new();
        for lead in &raw.lead {
            inputs.extend(reader.lead(lead));
        }
        for event in &raw.event {
            inputs.extend(reader.event(event));
        }
        let standstills =
            raw.standstill.iter().filter_map(|standstill| reader.standstill(standstill)).collect();
        let mut problems = reader.problems;
        if let (Some(start), Some(end)) = (start, end) {
            if end <= start {
                problems.push(Problem::at(file, raw.end.span(), "`end` is not after `start`"));
            }
            for (input, span) in &inputs {
                if !(start..=end).contains(&input.at) {
                    let problem =
                        Problem::at(file, span.clone(), format!("{} is outside of the scenario", input.at));
                    problems.push(problem.hint("move it between `start` and `end`"));
                }
            }
            if problems.is_empty() {
                let mut inputs: Vec<Input> = inputs.into_iter().map(|(input, _)| input).collect();
                inputs.sort_by_key(|input| input.at);
                let playbook = raw.playbook.map(PathBuf::from);
                let show = Show(raw.show);
                return Ok(Scenario { start, end, playbook, show, standstills, inputs });
            }
        }
        Err(problems)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    start: Spanned<Value>,
    end: Spanned<Value>,
    playbook: Option<String>,
    #[serde(default)]
    show: Vec<String>,
    #[serde(default)]
    lead: Vec<Spanned<Table>>,
    #[serde(default)]
    event: Vec<Spanned<Table>>,
    #[serde(default)]
    standstill: Vec<Spanned<Table>>,
}
