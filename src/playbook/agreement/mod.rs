//! `agreement.toml`, section by section, into [`Agreement`].
//!
//! Each section is read even when another is broken, and yields nothing rather than half a thing: what
//! has a problem is left out, and because there is a problem the playbook as a whole is refused.

mod contact;
mod escalation;
mod hand_off;
mod marketing;
mod people;
mod policies;
mod reports;
mod routing;

use std::collections::{BTreeMap, BTreeSet};

use super::files::PlaybookFiles;
use super::references::References;
use super::section::{Section, Source};
use crate::domain::agreement::Agreement;
use crate::domain::condition::Vars;

/// The reading of one agreement.
pub struct Reading<'a> {
    /// For the files that the agreement names.
    files: &'a PlaybookFiles,
    references: &'a mut References,
    /// All activities there are, when `[scoring] activities` lists them.
    activities: Option<BTreeSet<String>>,
}

/// What was read: the agreement when it is complete, and the names that sequences may use too.
pub struct Read {
    /// `None` when something indispensable has a problem.
    pub agreement: Option<Agreement>,
    /// All activities there are, when they are listed.
    pub activities: Option<BTreeSet<String>>,
}

/// Reads the agreement, and reports everything that is wrong with it.
pub fn read(source: Source<'_>, files: &PlaybookFiles, references: &mut References) -> Option<Read> {
    let table = source.parse()?;
    let mut top = Section::top(source, &table);
    for key in ["calendars", "contact", "teams", "campaigns", "policies", "marketing"] {
        top.require(key, "every agreement needs this section; `nurtured init` writes an example");
    }
    let mut reading = Reading { files, references, activities: None };
    let review = reading.review(&mut top);
    let calendars = reading.calendars(&mut top);
    let contact = reading.contact(&mut top);
    // Before anything with a condition: they may name activities.
    let scoring = reading.scoring(&mut top);
    let personas = reading.personas(&mut top);
    let teams = reading.teams(&mut top);
    let policies = reading.policies(&mut top);
    let escalation = reading.escalation(&mut top);
    let reasons = reading.reasons(&mut top);
    let objections = labels(&mut top, "objections");
    let arguments = labels(&mut top, "arguments");
    let campaigns = reading.campaigns(&mut top, &teams);
    let marketing = reading.marketing(&mut top);
    let reports = reading.reports(&mut top);
    top.finish();
    let activities = reading.activities;
    let agreement = (|| {
        Some(Agreement {
            review,
            calendars,
            contact: contact?,
            personas,
            scoring,
            teams,
            campaigns,
            policies,
            escalation: escalation?,
            reasons,
            objections,
            arguments,
            marketing: marketing?,
            reports,
        })
    })();
    Some(Read { agreement, activities })
}

/// `[objections.<name>]` or `[arguments.<name>]`: what leads are heard to say, each with its label.
fn labels(top: &mut Section<'_>, key: &'static str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, mut section) in top.tables(key) {
        section.require("label", "write it as reps read it: `Too expensive`");
        let label = section.words("label");
        section.finish();
        labels.extend(label.map(|label| (name.value, label)));
    }
    labels
}

impl Reading<'_> {
    /// What conditions outside of scoring rules may speak of.
    fn vars(&self) -> Vars<'_> {
        Vars { event: false, activities: self.activities.as_ref() }
    }
}
