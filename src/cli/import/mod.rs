//! `nurtured import FILE.csv`: from a file of any kind to records, in batches, in constant memory.
//!
//! The core knows no store: a [`Sink`] takes each batch and says of each record what became of it. At
//! any time at most one batch and the reader's buffer are held. A row that cannot go in costs that row:
//! it is counted, shown and written to a file beside the input ([`rejected`]).

pub mod columns;
pub mod encoding;
mod headers;
pub mod reader;
mod record;
pub mod rejected;
pub mod summary;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use self::columns::Columns;
use self::reader::{BrokenRow, ReadError, Reader, Row};
use self::rejected::RejectedRows;
use self::summary::Summary;
use crate::domain::intake::merge::Authority;
use crate::domain::intake::{Origin, Owners, Rejection, normalise};
use crate::domain::lead::LeadRecord;

/// Records in a batch: one transaction of a store, small enough to let others write in between.
const BATCH: usize = 500;
/// Bytes of rows after which a batch is taken although it is not full.
const BATCH_BYTES: usize = 4 << 20;
/// Lines of one cell at the end of a Salesforce report that may be its footer.
const MAX_FOOTER: usize = 10;

/// A record and the line on which it began.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// From 1.
    pub line: u64,
    /// Checked and normalised.
    pub record: LeadRecord,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The lead was not known.
    New,
    /// Something of the lead changed, or a touch, an answer or an activity was new.
    Updated,
    /// Everything was known.
    Unchanged,
    /// The person had their data erased: nothing is kept.
    Erased,
    /// It did not go in, and why.
    Refused(String),
}

/// Takes records in. A dry run has one that only looks.
pub trait Sink {
    /// Takes a batch in its order, in which an address may occur more than once. One outcome a record,
    /// in the same order; an error ends the import.
    fn take(
        &mut self,
        batch: Vec<Incoming>,
        authority: Authority,
    ) -> impl Future<Output = anyhow::Result<Vec<Outcome>>> + Send;
}

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Reps by name.
    pub owners: Owners,
    /// Nothing is written, the file of rejected rows neither.
    pub dry_run: bool,
    /// The present.
    pub now: Timestamp,
}

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no list of leads.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No column holds addresses.
    #[error("no column holds email addresses: name it `email` in the first line; the columns are: {0}")]
    NoEmailColumn(String),
    /// The file of rejected rows.
    #[error("rejected rows cannot be written beside the input: {0}")]
    Rejected(#[source] io::Error),
    /// The store.
    #[error("the leads cannot be stored: {0:#}")]
    Sink(anyhow::Error),
}

/// Imports a file, with a progress bar when the standard error is a terminal.
pub async fn import_file(
    input: &Path,
    options: &Options,
    sink: &mut impl Sink,
) -> Result<Summary, ImportError> {
    let file = File::open(input).map_err(ReadError::Io)?;
    let length = file.metadata().map_err(ReadError::Io)?.len();
    let progress = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}  {msg} rows  {eta} left")
    {
        progress.set_style(style);
    }
    let result = import(file, input, options, &progress, sink).await;
    progress.finish_and_clear();
    result
}

/// Imports from any source; `input` names the file beside which rejected rows go.
pub async fn import<R: Read>(
    source: R,
    input: &Path,
    options: &Options,
    progress: &ProgressBar,
    sink: &mut impl Sink,
) -> Result<Summary, ImportError> {
    let mut reader = Reader::open(source, |header| Columns::recognise(header).recognised())?;
    let columns = Columns::recognise(reader.header());
    if !columns.has_email() {
        return Err(ImportError::NoEmailColumn(shown_header(reader.header())));
    }
    let dialect = reader.dialect();
    let mut import = Import {
        options,
        authority: columns.authority(),
        summary: Summary {
            dry_run: options.dry_run,
            export: columns.origin,
            encoding: dialect.encoding,
            delimiter: char::from(dialect.delimiter),
            columns: columns.columns.clone(),
            rows: 0,
            new: 0,
            updated: 0,
            unchanged: 0,
            erased: 0,
            rejected: 0,
            footer_lines: 0,
            first_rejections: Vec::new(),
            rejected_file: None,
            warnings: Default::default(),
        },
        columns,
        rejected: (!options.dry_run).then(|| RejectedRows::beside(input, reader.header_raw(), dialect)),
        batch: Vec::new(),
        rows: Vec::new(),
        bytes: 0,
        footer: Vec::new(),
        sink,
    };
    while let Some(row) = reader.next_row().map_err(ReadError::Io)? {
        import.row(row)?;
        if import.batch.len() >= BATCH || import.bytes >= BATCH_BYTES {
            import.flush().await?;
            progress.set_position(reader.bytes_read());
            progress.set_message(import.summary.rows.to_string());
        }
    }
    import.summary.encoding = reader.dialect().encoding;
    import.finish().await
}

/// An import under way.
struct Import<'a, S> {
    options: &'a Options,
    columns: Columns,
    authority: Authority,
    summary: Summary,
    /// `None` in a dry run.
    rejected: Option<RejectedRows>,
    batch: Vec<Incoming>,
    /// The rows of `batch` as they were written, should the sink refuse them.
    rows: Vec<Vec<u8>>,
    bytes: usize,
    /// Rows of one cell that may be a report's footer.
    footer: Vec<Row>,
    sink: &'a mut S,
}

impl<S: Sink> Import<'_, S> {
    fn row(&mut self, row: Row) -> Result<(), ImportError> {
        if self.columns.origin == Origin::Salesforce
            && matches!(row.cells, Err(BrokenRow::Cells { found: 1, .. }))
            && self.footer.len() < MAX_FOOTER
        {
            self.footer.push(row);
            return Ok(());
        }
        self.reject_footer()?;
        self.summary.rows += 1;
        let cells = match row.cells {
            Ok(cells) => cells,
            Err(fault) => return self.reject(row.line, &fault.to_string(), &row.raw),
        };
        match normalise(self.columns.raw_lead(cells), &self.options.owners, self.options.now) {
            Ok((record, warnings)) => {
                self.summary.warn(&warnings);
                self.batch.push(Incoming { line: row.line, record });
                self.bytes += row.raw.len();
                self.rows.push(row.raw);
                Ok(())
            }
            // The text is in the row; reasons hold no addresses.
            Err(Rejection::BadEmail(error)) => {
                self.reject(row.line, &format!("the email address is none: {}", error.fault), &row.raw)
            }
            Err(error @ Rejection::NoEmail) => self.reject(row.line, &error.to_string(), &row.raw),
        }
    }

    fn reject(&mut self, line: u64, reason: &str, raw: &[u8]) -> Result<(), ImportError> {
        self.summary.reject(line, reason);
        match &mut self.rejected {
            Some(rejected) => rejected.add(line, reason, raw).map_err(ImportError::Rejected),
            None => Ok(()),
        }
    }

    /// What looked like a footer was none: rows follow.
    fn reject_footer(&mut self) -> Result<(), ImportError> {
        for row in std::mem::take(&mut self.footer) {
            self.summary.rows += 1;
            if let Err(fault) = row.cells {
                self.reject(row.line, &fault.to_string(), &row.raw)?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ImportError> {
        let batch = std::mem::take(&mut self.batch);
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if batch.is_empty() {
            return Ok(());
        }
        let lines: Vec<u64> = batch.iter().map(|incoming| incoming.line).collect();
        let outcomes = self.sink.take(batch, self.authority).await.map_err(ImportError::Sink)?;
        if outcomes.len() != lines.len() {
            let count = format!("{} records were given, {} were answered for", lines.len(), outcomes.len());
            return Err(ImportError::Sink(anyhow::Error::msg(count)));
        }
        for ((line, row), outcome) in lines.into_iter().zip(rows).zip(outcomes) {
            match outcome {
                Outcome::New => self.summary.new += 1,
                Outcome::Updated => self.summary.updated += 1,
                Outcome::Unchanged => self.summary.unchanged += 1,
                Outcome::Erased => self.summary.erased += 1,
                Outcome::Refused(reason) => self.reject(line, &reason, &row)?,
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Summary, ImportError> {
        self.flush().await?;
        let footer = |row: &Row| {
            let text = String::from_utf8_lossy(&row.raw);
            text.contains("Generated By") || text.contains("salesforce.com")
        };
        if self.footer.iter().any(footer) {
            self.summary.footer_lines = self.footer.len() as u64;
        } else {
            self.reject_footer()?;
        }
        if let Some(rejected) = self.rejected.take() {
            self.summary.rejected_file = rejected.finish().map_err(ImportError::Rejected)?;
        }
        Ok(self.summary)
    }
}

/// The header for a message: a file without one shows its first row, whose addresses stay out.
fn shown_header(header: &[String]) -> String {
    if header.iter().any(|text| text.contains('@')) {
        return "not named (the first line looks like a lead, not like a header)".to_owned();
    }
    header.iter().take(20).map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}
