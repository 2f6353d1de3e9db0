//! What commands work on: the configuration, the store and the engine it describes.

use std::path::Path;
use std::sync::Arc;

use super::output::CliError;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::playbooks::{self, PlaybookError};
use crate::engine::{Engine, Identity, Limits};
use crate::mail::transport::Transport;
use crate::playbook::PlaybookFiles;
use crate::store::{Store, StoreError};

/// The configuration that is taken when none is named, if it is there.
const CONFIG_FILE: &str = "nurtured.toml";

/// The configuration in force.
pub(super) struct Workplace {
    pub config: Config,
}

impl Workplace {
    /// Reads the configuration: the file named, else `nurtured.toml` in the working directory, else defaults.
    pub fn open(file: Option<&Path>) -> Result<Workplace, CliError> {
        let here = Path::new(CONFIG_FILE);
        let file = file.or_else(|| here.exists().then_some(here));
        let config = Config::load(file, &environment).map_err(CliError::Problems)?;
        Ok(Workplace { config })
    }

    /// The playbook as it stands where it is edited.
    pub fn playbook_files(&self) -> Result<PlaybookFiles, CliError> {
        super::simulate::playbook_files(self.config.playbook.as_deref())
    }

    /// The store, its schema up to date.
    pub async fn store(&self) -> Result<Store, CliError> {
        let url = self.config.store_url.reveal();
        Store::open(url).await.map_err(|error| store_failed(url, error))
    }

    /// The same for the daemon, which is alone on a SQLite file.
    pub async fn store_for_daemon(&self) -> Result<Store, CliError> {
        let url = self.config.store_url.reveal();
        Store::open_for_daemon(url).await.map_err(|error| store_failed(url, error))
    }

    /// The engine of a command beside the daemon: by the playbook in force, or, when none ever was, by the one
    /// that is configured.
    pub async fn engine(&self) -> Result<Arc<Engine>, CliError> {
        let store = self.store().await?;
        let mut tx = store.read().await.map_err(CliError::failed)?;
        let in_force = tx.playbook_in_force().await.map_err(CliError::failed)?;
        tx.rollback().await.map_err(CliError::failed)?;
        if in_force.is_none() {
            self.put_in_force(&store).await?;
        }
        self.engine_on(store).await
    }

    /// The engine on an open store.
    pub async fn engine_on(&self, store: Store) -> Result<Arc<Engine>, CliError> {
        let limits = Limits { lease: self.config.mail.lease, ..Limits::default() };
        let engine = Engine::new(store, Clock::System, self.identity(), self.transport()?, limits).await;
        engine.map(Arc::new).map_err(playbook_failed)
    }

    /// Puts the configured playbook in force.
    pub async fn put_in_force(&self, store: &Store) -> Result<(), CliError> {
        let files = self.playbook_files()?;
        playbooks::put_in_force(store, &files, Clock::System.now()).await.map_err(playbook_failed)?;
        Ok(())
    }

    /// Where mail is handed over.
    pub fn transport(&self) -> Result<Transport, CliError> {
        self.config.transport().map_err(|error| CliError::Misuse(error.to_string()))
    }

    fn identity(&self) -> Identity {
        let mail = &self.config.mail;
        Identity {
            from: mail.from.clone(),
            reply_to: mail.reply_to.clone(),
            public_url: self.config.http.public_url.clone(),
            log_address: mail.log_address.clone(),
            operator: self.config.operator.clone(),
            company: mail.company.clone(),
            postal_address: mail.postal_address.clone(),
        }
    }
}

/// A store that cannot be opened, with its address and what to look at.
pub(super) fn store_failed(url: &str, error: StoreError) -> CliError {
    let StoreError::Driver(cause) = &error else {
        return CliError::failed(error);
    };
    let hint = if url.starts_with("sqlite:") {
        "is it a file of ours, in a folder that is there and that this user may write to?"
    } else {
        "does the server run, and are address, user and database right?"
    };
    let shown = crate::store::without_password(url);
    CliError::Failed(format!("{shown} cannot be opened: {cause}; {hint}"))
}

/// A playbook with problems is told like any file with problems.
pub(super) fn playbook_failed(error: PlaybookError) -> CliError {
    match error {
        PlaybookError::Problems(problems) => CliError::Problems(problems),
        error => CliError::failed(error),
    }
}

/// The process's environment.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
