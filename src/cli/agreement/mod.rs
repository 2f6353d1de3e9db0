//! `nurtured agreement`: what each side promised, as a document; or what changed in it.
//!
//! It is written from the agreement as it stands where it is edited, so that two people can read and sign it before
//! it is in force.

pub mod html;
pub mod markdown;

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::domain::document::{Change, Document, changes, written};
use crate::engine::playbooks::short;
use crate::playbook::{Playbook, PlaybookFiles};

/// Print what marketing and sales promised each other, in plain words
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("format")))]
pub struct AgreementCommand {
    /// As Markdown (the default)
    #[arg(long, group = "format")]
    markdown: bool,
    /// As one HTML page that needs nothing else, to print or to send
    #[arg(long, group = "format")]
    html: bool,
    /// One JSON object a line: a section, or with --since a section that changed
    #[arg(long, group = "format")]
    json: bool,
    /// Write it to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only what changed since a version that was in force, by the beginning of its number, or since a day
    #[arg(long, value_name = "VERSION|DAY")]
    since: Option<String>,
}

impl AgreementCommand {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let playbook = Playbook::load(&workplace.playbook_files()?).map_err(CliError::Problems)?;
        let document = written(&playbook.agreement);
        let text = match &self.since {
            Some(since) => {
                let (version, before) = earlier(&workplace, since).await?;
                let changes = changes(&before, &document);
                self.changed(short(&version), &changes)
            }
            None => self.whole(&document),
        };
        match &self.out {
            Some(file) => std::fs::write(file, text)
                .map_err(|error| CliError::failed(format!("{}: {error}", file.display()))),
            None => line(text.trim_end()),
        }
    }

    fn whole(&self, document: &Document) -> String {
        if self.json {
            return json_lines(&document.sections);
        }
        if self.html { html::page(document) } else { markdown::text(document) }
    }

    fn changed(&self, version: &str, changes: &[Change]) -> String {
        if self.json {
            return json_lines(changes);
        }
        let document = as_document(version, changes);
        if self.html { html::page(&document) } else { markdown::text(&document) }
    }
}

fn json_lines<T: serde::Serialize>(items: &[T]) -> String {
    let lines = items.iter().filter_map(|item| serde_json::to_string(item).ok());
    lines.map(|line| line + "\n").collect()
}

/// What changed, as a document of its own.
fn as_document(version: &str, changes: &[Change]) -> Document {
    use crate::domain::document::{Block, Section};
    let mut sections: Vec<Section> = changes
        .iter()
        .map(|change| {
            let mut blocks = Vec::new();
            for (heading, statements) in [("No longer", &change.before), ("Now", &change.now)] {
                if !statements.is_empty() {
                    blocks.push(Block::Heading(heading.to_owned()));
                    blocks.push(Block::List(statements.clone()));
                }
            }
            Section { title: change.section.clone(), blocks }
        })
        .collect();
    if sections.is_empty() {
        let blocks = vec![Block::Text("It says the same.".to_owned())];
        sections.push(Section { title: "Nothing changed".to_owned(), blocks });
    }
    Document { title: format!("What changed in the agreement since version {version}"), sections }
}

/// The version that `since` means, and what it said.
async fn earlier(workplace: &Workplace, since: &str) -> Result<(String, Document), CliError> {
    let store = workplace.store().await?;
    let mut tx = store.read().await.map_err(CliError::failed)?;
    let versions = tx.playbook_versions().await.map_err(CliError::failed)?;
    let version = found(&versions, since, &TimeZone::system()).map_err(CliError::Misuse)?;
    let files = tx.playbook_files(&version).await.map_err(CliError::failed)?;
    tx.rollback().await.map_err(CliError::failed)?;
    let files = files.and_then(|files| PlaybookFiles::from_json(&files).ok());
    let cannot =
        || CliError::failed(format!("version {} cannot be read by this program any more", short(&version)));
    let playbook = files.and_then(|files| Playbook::load(&files).ok()).ok_or_else(cannot)?;
    Ok((version, written(&playbook.agreement)))
}

/// The version of that number, or the newest that was there at the end of that day; otherwise what there is.
fn found(versions: &[(String, Timestamp)], since: &str, zone: &TimeZone) -> Result<String, String> {
    let local = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let by_day = since.parse::<Date>().ok().map(|day| {
        versions.iter().filter(|(_, stored)| local(*stored) <= day).max_by_key(|(_, stored)| *stored)
    });
    let found = match by_day {
        Some(found) => found,
        None => versions.iter().find(|(version, _)| since.len() >= 4 && version.starts_with(since)),
    };
    found.map(|(version, _)| version.clone()).ok_or_else(|| {
        let known: Vec<String> = versions
            .iter()
            .map(|(version, stored)| format!("{} of {}", short(version), local(*stored)))
            .collect();
        let known = if known.is_empty() { "none was in force yet".to_owned() } else { known.join(", ") };
        format!("no version of the agreement is `{since}`, or as old; there are: {known}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_by_its_beginning_or_by_its_day() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let versions = [
            ("abcdef0123456789".to_owned(), at("2026-03-02T10:00:00Z")),
            ("fedcba9876543210".to_owned(), at("2026-04-02T10:00:00Z")),
        ];
        let found = |since: &str| found(&versions, since, &TimeZone::UTC);
        assert_eq!(found("abcd").as_deref(), Ok("abcdef0123456789"));
        assert_eq!(found("2026-03-02").as_deref(), Ok("abcdef0123456789"));
        assert_eq!(found("2026-04-01").as_deref(), Ok("abcdef0123456789"));
        assert_eq!(found("2026-04-02").as_deref(), Ok("fedcba9876543210"));
        for unknown in ["a", "1234", "2026-03-01"] {
            let said = found(unknown).unwrap_err();
            assert!(said.contains("abcdef012345 of 2026-03-02, fedcba987654 of 2026-04-02"), "{said}");
        }
    }
}
