//! `nurtured report`: figures of a period, for the terminal, a spreadsheet, a program, or people who read pages.
//!
//! The figures and what they mean are [`crate::domain::report`]'s. The four formats say the same: [`sections`] puts
//! them into words for table and page, [`lines`] prints the rows of named values as JSON and CSV.

pub mod charts;
pub mod lines;
pub mod page;
pub mod sections;
pub mod table;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::arguments::date;
use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::agreement::Agreement;
use crate::domain::report::period::{Length, Period};
use crate::domain::report::{By, Report};
use crate::engine::reports::{Ask, gather};

/// Show figures of a period: who kept what was promised, and what became of the leads
///
/// Promises are those made in the period, leads those handed off in it, each as it stands now; reasons and deals
/// are what happened in it. Median and p90 are business time by the hours under which a promise was made, without
/// the time for which a lead had asked for peace, which stands beside them.
///
///   nurtured report --last quarter --by rep
///   nurtured report --last month --format html --out march.html
///   nurtured report --from 2026-01-01 --to 2026-06-30 --format csv > half.csv
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ReportCommand {
    /// The first day
    #[arg(long, value_name = "DAY", value_parser = date, conflicts_with = "last")]
    from: Option<Date>,
    /// The last day [default: today]
    #[arg(long, value_name = "DAY", value_parser = date, requires = "from")]
    to: Option<Date>,
    /// The last whole week, month or quarter [default: month]
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    last: Option<Length>,
    /// Split by campaign, source, team or rep alone [default: by each]
    #[arg(long, value_name = "WHAT", value_parser = by)]
    by: Option<By>,
    /// What to write
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    format: Format,
    /// One JSON object a line; the same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write to this file, in place of what it holds, instead of printing; nobody else can read it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What figures are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for a terminal
    Table,
    /// One table of named values for a spreadsheet
    Csv,
    /// One JSON object a line
    Json,
    /// A page with charts, whole in one file
    Html,
}

impl ReportCommand {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let rules = engine.rules();
        let now = Clock::System.now();
        let zone = zone(&rules.agreement);
        let period = self.period(now.to_zoned(zone.clone()).date(), &zone)?;
        let ask = Ask { period, teams: None, whole: true };
        let report = gather(engine.store(), &rules.agreement, &ask, now).await.map_err(CliError::failed)?;
        let format = if self.json { Format::Json } else { self.format };
        let text = written(&report, self.by, format);
        match &self.out {
            Some(file) => replace(file, &text)
                .map_err(|error| CliError::failed(format!("{} cannot be written: {error}", file.display()))),
            None => line(text.trim_end_matches('\n')),
        }
    }

    fn period(&self, today: Date, zone: &TimeZone) -> Result<Period, CliError> {
        let misuse = |words: &str| CliError::Misuse(words.to_owned());
        match self.from {
            Some(from) => Period::of_days(from, self.to.unwrap_or(today), zone)
                .ok_or_else(|| misuse("--to is before --from: write the earlier day first")),
            None => Period::last_whole(today, self.last.unwrap_or(Length::Month), zone)
                .ok_or_else(|| misuse("there is no such period")),
        }
    }
}

/// A report in a format; of the split figures, those split `by` that, or all.
pub fn written(report: &Report, by: Option<By>, format: Format) -> String {
    match format {
        Format::Table => table::write(report, &sections::of(report, by)),
        Format::Html => page::write(report, &sections::of(report, by)),
        Format::Json => lines::json(report, by),
        Format::Csv => lines::csv(report, by),
    }
}

/// Where days begin: at the office that reads the reports.
fn zone(agreement: &Agreement) -> TimeZone {
    let calendar = agreement.reports.as_ref().and_then(|reports| agreement.calendars.get(&reports.calendar));
    match calendar {
        Some(calendar) => calendar.zone().clone(),
        None => TimeZone::get(&agreement.contact.default_zone).unwrap_or(TimeZone::UTC),
    }
}

/// Puts a file in the place of another one, whole or not at all. A link is replaced and not followed. Leads are
/// named in it, so it is readable by its owner alone.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    fresh.persist(file).map_err(|error| error.error)?;
    Ok(())
}

fn length(text: &str) -> Result<Length, String> {
    text.parse().map_err(|_| "it is week, month or quarter".to_owned())
}

fn by(text: &str) -> Result<By, String> {
    text.parse().map_err(|_| "it is campaign, source, team or rep".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_takes_the_place_of_a_file_and_not_of_what_a_link_leads_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "old").expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        replace(&link, "new").expect("replaced");
        assert_eq!(std::fs::read_to_string(&target).expect("read"), "old");
        assert_eq!(std::fs::read_to_string(&link).expect("read"), "new");
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&link).expect("there"));
        assert_eq!(mode & 0o777, 0o600);
        assert!(replace(&folder.path().join("none/report"), "new").is_err());
    }
}
