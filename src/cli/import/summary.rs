//! What an import did, for a person and for a program.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::columns::{Column, Meaning};
use super::encoding::Encoding;
use crate::domain::intake::{Origin, Warning, WarningKind};

/// Rejections that are shown one by one; the file holds all.
const SHOWN_REJECTIONS: usize = 20;

/// What an import did.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Nothing was written.
    pub dry_run: bool,
    /// Which export it was.
    pub export: Origin,
    /// In which encoding.
    pub encoding: Encoding,
    /// What stands between its cells.
    pub delimiter: char,
    /// What its columns mean.
    pub columns: Vec<Column>,
    /// Rows that are not blank.
    pub rows: u64,
    /// Leads that were not known.
    pub new: u64,
    /// Leads of which something changed.
    pub updated: u64,
    /// Leads of which everything was known.
    pub unchanged: u64,
    /// People who had their data erased: nothing of them is kept.
    #[serde(skip_serializing_if = "is_none")]
    pub erased: u64,
    /// Rows that did not go in.
    pub rejected: u64,
    /// Lines that a report's footer took.
    pub footer_lines: u64,
    /// The first rejections.
    pub first_rejections: Vec<ShownRejection>,
    /// Where the rejected rows are.
    pub rejected_file: Option<PathBuf>,
    /// How often what could not be read in leads that went in.
    pub warnings: BTreeMap<WarningKind, u64>,
}

/// A row that did not go in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownRejection {
    /// Its line in the file.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// What is rarely there is left out.
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Summary {
    /// Counts a rejected row.
    pub(super) fn reject(&mut self, line: u64, reason: &str) {
        self.rejected += 1;
        if self.first_rejections.len() < SHOWN_REJECTIONS {
            self.first_rejections.push(ShownRejection { line, reason: reason.to_owned() });
        }
    }

    /// Counts warnings.
    pub(super) fn warn(&mut self, warnings: &[Warning]) {
        for warning in warnings {
            *self.warnings.entry(warning.kind).or_default() += 1;
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delimiter = match self.delimiter {
            ',' => "commas".to_owned(),
            ';' => "semicolons".to_owned(),
            '\t' => "tabs".to_owned(),
            other => format!("`{other}`"),
        };
        writeln!(f, "{} export, {}, {delimiter} between cells", self.export, self.encoding)?;
        if self.dry_run {
            self.mapping(f)?;
        }
        writeln!(
            f,
            "{} rows: {} new, {} updated, {} unchanged, {} rejected",
            self.rows, self.new, self.updated, self.unchanged, self.rejected
        )?;
        if self.erased > 0 {
            writeln!(f, "{} left out: they had their data erased", self.erased)?;
        }
        for ShownRejection { line, reason } in &self.first_rejections {
            writeln!(f, "  line {line}: {reason}")?;
        }
        let more = self.rejected.saturating_sub(self.first_rejections.len() as u64);
        if more > 0 {
            writeln!(f, "  and {more} more")?;
        }
        if let Some(path) = &self.rejected_file {
            writeln!(f, "rejected rows: {}", path.display())?;
        }
        for (kind, count) in &self.warnings {
            writeln!(f, "warning: {count} × {}", kind.label())?;
        }
        if self.dry_run {
            writeln!(f, "dry run: nothing was written")?;
        }
        Ok(())
    }
}

impl Summary {
    /// One line a column.
    fn mapping(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            self.columns.iter().map(|column| column.header.chars().count()).max().unwrap_or(0).min(40);
        for column in &self.columns {
            let meaning = match &column.meaning {
                // Their names on the command line are those of the JSON form.
                Meaning::Value(value) => serde_json::to_value(value)
                    .ok()
                    .and_then(|name| name.as_str().map(str::to_owned))
                    .unwrap_or_default(),
                Meaning::ActivityOf(name) => format!("time of the activity `{name}`"),
                Meaning::ActivityName => "activity".to_owned(),
                Meaning::ActivityTime => "time of the activity".to_owned(),
                Meaning::Answer => "answer".to_owned(),
                Meaning::Field => "kept as a field".to_owned(),
                Meaning::Ignored => "ignored".to_owned(),
            };
            writeln!(f, "  {:width$}  → {meaning}", column.header)?;
        }
        Ok(())
    }
}
