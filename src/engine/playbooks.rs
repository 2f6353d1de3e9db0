//! The playbook in force, and those that waiting mail was planned under.
//!
//! A playbook lives in the database by its content hash, and one row says which is in force. So every
//! daemon on one database goes by the same rules, a mail is rendered from the version it was planned
//! under, and an edit takes effect all at once or not at all. A wake holds one version from its beginning
//! to its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use thiserror::Error;

use crate::playbook::{Playbook, PlaybookFiles};
use crate::problem::Problems;
use crate::store::{Store, StoreError};

/// A playbook as the engine uses it.
pub type InForce = Playbook;

/// Versions kept ready for mail that was planned under them. Older ones are read again when they are needed.
const KEPT_VERSIONS: usize = 8;

/// Why there are no rules to go by.
#[derive(Debug, Error)]
pub enum PlaybookError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The playbook has problems.
    #[error("the playbook cannot be used:\n{0}")]
    Problems(Problems),
    /// The database names a version that it does not have, or cannot be read as files.
    #[error(
        "playbook {version} is not in the database as it should be: {why}; put one in force with `nurtured run`"
    )]
    Missing {
        /// Its hash.
        version: String,
        /// What was found.
        why: String,
    },
    /// No version was ever put in force.
    #[error("no playbook is in force yet: start the daemon once, or run `nurtured run --once`")]
    None,
    /// The operating system gives no random bytes, so no key can be made.
    #[error("the operating system gives no random bytes for a new key: {0}")]
    NoRandomness(String),
}

/// The versions at hand.
pub struct Playbooks {
    in_force: ArcSwap<InForce>,
    /// The version under which whoever waits was last looked at.
    settled: Mutex<String>,
    others: Mutex<HashMap<String, Arc<InForce>>>,
}

/// Checks a playbook and puts it in force; `false` when it was in force already.
///
/// # Errors
/// [`PlaybookError::Problems`] with everything that is wrong with it; then the one in force stays.
pub async fn put_in_force(
    store: &Store,
    files: &PlaybookFiles,
    now: Timestamp,
) -> Result<bool, PlaybookError> {
    let playbook = Playbook::load(files).map_err(PlaybookError::Problems)?;
    let mut tx = store.begin().await?;
    let changed = tx.put_playbook_in_force(&playbook.version, &files.to_json(), now).await?;
    super::absence::look_at_all(&mut tx, &playbook.agreement, now).await?;
    tx.commit().await?;
    Ok(changed)
}

impl Playbooks {
    /// Reads the playbook in force.
    ///
    /// # Errors
    /// [`PlaybookError::None`] when none ever was.
    pub async fn open(store: &Store) -> Result<Playbooks, PlaybookError> {
        let mut tx = store.read().await?;
        let version = tx.playbook_in_force().await?.ok_or(PlaybookError::None)?;
        tx.rollback().await?;
        let in_force = read(store, &version).await?;
        Ok(Playbooks {
            settled: Mutex::new(version),
            in_force: ArcSwap::from_pointee(in_force),
            others: Mutex::new(HashMap::new()),
        })
    }

    /// The playbook in force.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Takes up the playbook that is in force now: this daemon, or another one, may have changed it. `true`
    /// when it is another one than that under which whoever waits was last looked at ([`Playbooks::settle`]).
    ///
    /// # Errors
    /// When it cannot be read; the one before stays.
    pub async fn follow(&self, store: &Store) -> Result<bool, PlaybookError> {
        let mut tx = store.read().await?;
        let version = tx.playbook_in_force().await?.ok_or(PlaybookError::None)?;
        tx.rollback().await?;
        let before = self.in_force();
        if before.version != version {
            self.in_force.store(Arc::new(read(store, &version).await?));
            self.keep(before);
            tracing::info!(playbook.version = version, "playbook {} is in force", short(&version));
        }
        Ok(*self.settled.lock().unwrap_or_else(PoisonError::into_inner) != version)
    }

    /// Whoever waits is looked at under that version.
    pub fn settle(&self, version: &str) {
        version.clone_into(&mut self.settled.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The playbook of that version.
    ///
    /// # Errors
    /// When the database does not have it, or it cannot be read any more.
    pub async fn version(&self, store: &Store, version: &str) -> Result<Arc<InForce>, PlaybookError> {
        let in_force = self.in_force();
        if in_force.version == version {
            return Ok(in_force);
        }
        if let Some(kept) = self.others.lock().unwrap_or_else(PoisonError::into_inner).get(version) {
            return Ok(Arc::clone(kept));
        }
        let read = Arc::new(read(store, version).await?);
        self.keep(Arc::clone(&read));
        Ok(read)
    }

    fn keep(&self, playbook: Arc<InForce>) {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if others.len() >= KEPT_VERSIONS {
            others.clear();
        }
        others.insert(playbook.version.clone(), playbook);
    }
}

async fn read(store: &Store, version: &str) -> Result<InForce, PlaybookError> {
    let missing = |why: String| PlaybookError::Missing { version: version.to_owned(), why };
    let mut tx = store.read().await?;
    let files = tx.playbook_files(version).await?.ok_or_else(|| missing("it is not there".to_owned()))?;
    tx.rollback().await?;
    let files = PlaybookFiles::from_json(&files).map_err(|error| missing(error.to_string()))?;
    Playbook::load(&files).map_err(PlaybookError::Problems)
}

/// A version as people read it.
pub fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}
