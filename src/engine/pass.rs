//! What a pass reports, and the guard that keeps one pass from taking the daemon down.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use jiff::Timestamp;
use thiserror::Error;

use super::playbooks::PlaybookError;
use crate::domain::sla::SlaError;
use crate::store::StoreError;

/// What a pass did: how many of each thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassReport {
    /// Leads, enrolments, clocks or mails that were looked at and changed.
    pub done: u64,
    /// Those that have to wait, and were put off.
    pub put_off: u64,
    /// Those that need a person.
    pub parked: u64,
}

impl PassReport {
    /// Both together.
    pub fn and(self, other: PassReport) -> PassReport {
        PassReport {
            done: self.done + other.done,
            put_off: self.put_off + other.put_off,
            parked: self.parked + other.parked,
        }
    }
}

/// Why a pass stopped before its work was done. What it had committed stays; the next wake goes on.
#[derive(Debug, Error)]
pub enum PassError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A playbook could not be read.
    #[error(transparent)]
    Playbook(#[from] PlaybookError),
    /// A promise could not be counted.
    #[error(transparent)]
    Sla(#[from] SlaError),
    /// The mail server cannot be reached, or refuses us. Mail waits.
    #[error("mail cannot be handed over and waits: {0}")]
    Transport(String),
    /// A defect of this program.
    #[error("a defect: {0}; please report it")]
    Panic(String),
}

impl PassError {
    /// Whether no other pass could write to the store either.
    pub fn is_store_shut(&self) -> bool {
        matches!(self, PassError::Store(StoreError::Busy(_) | StoreError::Full(_)))
    }

    /// Whether the next wake may do better without anybody's help.
    pub fn is_temporary(&self) -> bool {
        match self {
            PassError::Store(error) => error.is_temporary(),
            PassError::Transport(_) => true,
            PassError::Playbook(_) | PassError::Sla(_) | PassError::Panic(_) => false,
        }
    }
}

/// Runs a pass so that a panic in it is an error of that pass.
pub async fn guarded(
    pass: impl Future<Output = Result<PassReport, PassError>>,
) -> Result<PassReport, PassError> {
    match AssertUnwindSafe(pass).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => {
            let words = panic
                .downcast_ref::<&str>()
                .map(|words| (*words).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "a panic without words".to_owned());
            Err(PassError::Panic(words))
        }
    }
}

/// What a wake did, pass by pass.
#[derive(Debug)]
pub struct WakeReport {
    /// The instant of the wake.
    pub at: Timestamp,
    passes: Vec<(&'static str, Result<PassReport, PassError>)>,
}

impl WakeReport {
    /// Nothing done yet.
    pub fn new(at: Timestamp) -> WakeReport {
        WakeReport { at, passes: Vec::new() }
    }

    /// Adds what a pass did.
    pub fn add(&mut self, name: &'static str, result: Result<PassReport, PassError>) {
        self.passes.push((name, result));
    }

    /// Adds the passes of another wake.
    pub fn absorb(&mut self, other: WakeReport) {
        self.passes.extend(other.passes);
    }

    /// Everything that was done.
    pub fn did(&self) -> PassReport {
        self.passes
            .iter()
            .filter_map(|(_, result)| result.as_ref().ok())
            .fold(PassReport::default(), |sum, report| sum.and(*report))
    }

    /// Whether any pass failed.
    pub fn failed(&self) -> bool {
        self.passes.iter().any(|(_, result)| result.is_err())
    }

    /// The failures, by pass.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &PassError)> {
        self.passes.iter().filter_map(|(name, result)| Some((*name, result.as_ref().err()?)))
    }
}

/// Tells the log what passes did and could not do. What fails the same way at each wake is told once, and once
/// more when it works again: a log that is full of one sentence hides all others.
#[derive(Debug, Default)]
pub struct Complaints {
    /// What was last said of a pass that fails; of the store, when it cannot be written at all.
    said: BTreeMap<&'static str, String>,
}

/// What a complaint is about when no pass can write.
const THE_STORE: &str = "the store";

impl Complaints {
    /// Logs what a wake did. Failures are logged here and nowhere else.
    pub fn tell(&mut self, report: &WakeReport) {
        for (name, result) in &report.passes {
            match result {
                Ok(report) => did(name, report),
                Err(error) => self.complain(name, error),
            }
        }
        let fails_still = |about: &str| {
            report
                .failures()
                .any(|(name, error)| name == about || (about == THE_STORE && error.is_store_shut()))
        };
        self.said.retain(|about, _| {
            let ran = *about == THE_STORE || report.passes.iter().any(|(name, _)| name == about);
            let keep = fails_still(about) || !ran;
            if !keep {
                tracing::info!("{about} works again");
            }
            keep
        });
    }

    fn complain(&mut self, name: &'static str, error: &PassError) {
        let about = if error.is_store_shut() { THE_STORE } else { name };
        let words = error.to_string();
        if self.said.get(about) == Some(&words) {
            tracing::debug!(pass.name = name, "{about} fails still: {error}");
            return;
        }
        if error.is_temporary() {
            tracing::warn!(pass.name = name, "{about} fails and is tried again at each wake: {error}");
        } else {
            tracing::error!(pass.name = name, "{about} fails: {error}");
        }
        self.said.insert(about, words);
    }
}

fn did(name: &str, report: &PassReport) {
    if *report != PassReport::default() {
        tracing::info!(
            pass.name = name,
            pass.done = report.done,
            pass.put_off = report.put_off,
            pass.parked = report.parked,
            "{name}: {report}"
        );
    }
}

impl fmt::Display for PassReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} done", self.done)?;
        if self.put_off > 0 {
            write!(f, ", {} put off", self.put_off)?;
        }
        if self.parked > 0 {
            write!(f, ", {} need a person (nurtured outbox --parked)", self.parked)?;
        }
        Ok(())
    }
}
