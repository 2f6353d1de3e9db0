//! `nurtured import`: a file of leads into the store, batch by batch.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::import::{Incoming, Options, Outcome, Sink, import_file};
use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::intake::Owners;
use crate::domain::intake::merge::Authority;
use crate::domain::lead::LeadRecord;
use crate::engine::Engine;
use crate::engine::take_in::TakenIn;

/// Take in leads from a CSV file: an export of HubSpot, Salesforce or Mautic, or a plain list
///
/// The same file may be imported again and again: what is known is not doubled, and what the CRM changed
/// (owner, status, activity) is taken over. Rows that cannot go in are written to a file beside the input.
#[derive(Debug, Args)]
pub struct Import {
    /// The CSV file
    file: PathBuf,
    /// Say what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let owners = Owners::of(&engine.rules().agreement);
        let options = Options { owners, dry_run: self.dry_run, now: Clock::System.now() };
        let mut store = IntoStore { engine, dry_run: self.dry_run };
        let summary = import_file(&self.file, &options, &mut store)
            .await
            .map_err(|error| CliError::failed(format!("{}: {error}", self.file.display())))?;
        if self.json {
            return line(&serde_json::to_string(&summary).map_err(CliError::failed)?);
        }
        line(summary.to_string().trim_end())
    }
}

/// Takes records into the store, or (dry run) only looks what would become of them.
struct IntoStore {
    engine: Arc<Engine>,
    dry_run: bool,
}

impl Sink for IntoStore {
    async fn take(&mut self, batch: Vec<Incoming>, authority: Authority) -> anyhow::Result<Vec<Outcome>> {
        let records: Vec<LeadRecord> = batch.into_iter().map(|incoming| incoming.record).collect();
        let now = Clock::System.now();
        let taken = if self.dry_run {
            self.engine.would_take_in(&records, authority, now).await?
        } else {
            self.engine.take_in(&records, authority, now).await?
        };
        let outcomes = taken.into_iter().map(|taken| match taken {
            TakenIn::New => Outcome::New,
            TakenIn::Updated => Outcome::Updated,
            TakenIn::Unchanged => Outcome::Unchanged,
            TakenIn::Erased => Outcome::Erased,
        });
        Ok(outcomes.collect())
    }
}
