//! `nurtured simulate SCENARIO.toml`: what would happen.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::output::{CliError, line};
use super::timeline::Timeline;
use super::workplace::{Workplace, store_failed};
use crate::domain::intake::Owners;
use crate::engine::Identity;
use crate::engine::playbooks::PlaybookError;
use crate::engine::scenario::Scenario;
use crate::engine::simulate::letters::{Letters, with_margin, without_tokens};
use crate::engine::simulate::{self, Line, SimulationError};
use crate::mail::message::Correspondent;
use crate::mail::transport::{Memory, Transport};
use crate::playbook::{Playbook, PlaybookFiles};
use crate::store::Store;

/// Show what would happen to the leads and events of a file: the real engine on a virtual clock
///
/// The scenario names its first and last instant, leads that come in and events that happen to them. The
/// engine works on an empty store of its own, by the playbook that --playbook names, else the scenario, else the
/// configuration; nothing is sent. The same scenario gives the same lines, every time. With
/// `show = ["hand_off to rep1"]` in the scenario, such mails are shown whole: below their line, or as their `text`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The scenario: a TOML file
    scenario: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The playbook's folder, in place of the one that the scenario names
    #[arg(long, value_name = "DIR")]
    playbook: Option<PathBuf>,
    /// An empty database to work on, in place of a temporary SQLite file
    #[arg(long, value_name = "URL")]
    store: Option<String>,
}

impl Simulate {
    pub(super) async fn run(self, config: Option<&Path>) -> Result<(), CliError> {
        let name = self.scenario.display().to_string();
        let text = std::fs::read_to_string(&self.scenario)
            .map_err(|error| CliError::Misuse(format!("{name} cannot be read: {error}")))?;
        let named = Scenario::playbook_of(&text);
        let beside = |folder| self.scenario.parent().unwrap_or(Path::new("")).join(folder);
        let folder = match self.playbook.clone().or_else(|| named.map(beside)) {
            Some(folder) => Some(folder),
            None => Workplace::open(config)?.config.playbook,
        };
        let files = playbook_files(folder.as_deref())?;
        let playbook = Playbook::load(&files).map_err(CliError::Problems)?;
        let scenario =
            Scenario::parse(&name, &text, &Owners::of(&playbook.agreement)).map_err(CliError::Problems)?;
        let scratch = Scratch::new()?;
        let store = match &self.store {
            Some(url) => open_empty(url).await?,
            None => scratch.store().await?,
        };
        let mut timeline = Timeline::new(&scenario, &playbook.agreement);
        let memory = Memory::new();
        let mut letters = Letters::of(memory.clone());
        let mut tell = |mut told: Line| {
            let text =
                letters.letter_of(&told).filter(|_| scenario.show.wants(&told)).map(|letter| letter.text);
            let text = text.map(|text| without_tokens(&text));
            if self.json {
                if let Some(text) = text {
                    told.facts["text"] = json!(text);
                }
                return line(&told.to_json());
            }
            timeline.tell(&told)?;
            text.map_or(Ok(()), |text| line(with_margin(&text).trim_end()))
        };
        let transport = Transport::Memory(memory);
        let mut failed = None;
        let result = simulate::run(&scenario, &files, store.clone(), identity(), transport, |told| {
            if let Err(error) = tell(told) {
                failed = Some(error);
            }
        })
        .await;
        store.close().await;
        result.map_err(simulation_failed)?;
        match failed {
            Some(error) => Err(error),
            None if self.json => Ok(()),
            None => timeline.finish(),
        }
    }
}

pub(super) fn simulation_failed(error: SimulationError) -> CliError {
    match error {
        SimulationError::Playbook(PlaybookError::Problems(problems)) => CliError::Problems(problems),
        error => CliError::failed(error),
    }
}

/// The playbook in a folder, or the built-in one.
pub(super) fn playbook_files(folder: Option<&Path>) -> Result<PlaybookFiles, CliError> {
    match folder {
        None => Ok(PlaybookFiles::builtin()),
        Some(folder) => PlaybookFiles::from_directory(folder).map_err(|error| {
            let hint = if folder.exists() { "" } else { " (`nurtured init` writes one to begin with)" };
            CliError::Misuse(format!("the playbook cannot be read: {error}{hint}"))
        }),
    }
}

/// Who writes in simulations.
pub(super) fn identity() -> Identity {
    Identity {
        from: Correspondent {
            name: Some("Ours".to_owned()),
            address: "hello@ours.example".parse().expect("an address that is written here"),
        },
        reply_to: None,
        public_url: "https://nurtured.ours.example".to_owned(),
        log_address: None,
        operator: Some("operator@ours.example".parse().expect("an address that is written here")),
        company: "Ours".to_owned(),
        postal_address: Some("1 Example Street, Exampletown".to_owned()),
    }
}

/// A database named on the command line must be empty: a simulation would mix with what is there.
async fn open_empty(url: &str) -> Result<Store, CliError> {
    let store = Store::open(url).await.map_err(|error| store_failed(url, error))?;
    let mut tx = store.read().await.map_err(CliError::failed)?;
    let used = tx.playbook_in_force().await.map_err(CliError::failed)?.is_some();
    tx.rollback().await.map_err(CliError::failed)?;
    if used {
        let shown = crate::store::without_password(url);
        return Err(CliError::Misuse(format!(
            "{shown} is not empty: a simulation needs a database of its own"
        )));
    }
    Ok(store)
}

/// A folder for a simulation's database; it goes with the command.
pub(super) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(super) fn new() -> Result<Scratch, CliError> {
        let folder = tempfile::Builder::new().prefix("nurtured-").tempdir();
        folder
            .map(Scratch)
            .map_err(|error| CliError::failed(format!("no temporary folder can be made: {error}")))
    }

    pub(super) async fn store(&self) -> Result<Store, CliError> {
        Store::scratch(&self.0.path().join("simulation.db")).await.map_err(CliError::failed)
    }
}
