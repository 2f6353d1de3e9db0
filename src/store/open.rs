//! Opening a store from its address, and handing out transactions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Executor as _, PgPool, SqliteConnection, SqlitePool};

use super::{StoreError, Tx, migrate};

/// How long a SQLite writer waits for another process (a command beside the daemon) to finish. Ours take
/// milliseconds; for a foreign one that takes longer the daemon asks again at each wake.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a writer waits for its turn within this program, each one before it for at most [`BUSY_TIMEOUT`].
const WRITER_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections of the daemon to PostgreSQL: passes run one after another, HTTP and delivery beside them.
const POSTGRES_CONNECTIONS: u32 = 8;
/// How long a PostgreSQL session of ours waits for a row, and how long the server keeps the rows of one that says
/// nothing more, because its machine hangs or its network is gone. Ours are held for milliseconds, so one
/// daemon that hangs must not stop the others.
const POSTGRES_PATIENCE: &str = "SET lock_timeout = '15s'; SET idle_in_transaction_session_timeout = '60s'";
/// SQLite readers beside the one writer.
const SQLITE_READERS: u32 = 3;

/// The lead store. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
        path: PathBuf,
        /// Locked while a daemon works on the file; the lock goes with the process.
        daemon_lock: Arc<std::sync::Mutex<Option<std::fs::File>>>,
    },
    Postgres(PgPool),
}

/// How often a file is tried that somebody else just opens for the first time, and how long between: as long as
/// [`BUSY_TIMEOUT`] would wait, and far longer than the migrations take.
const OPENING_TRIES: usize = 250;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Tries what two programs that open a new file at once do to it, and SQLite lets nobody wait for, until the other one
/// is done with it. `may_pass` says of which failures that may be the cause.
pub(super) async fn while_another_opens<T, F>(
    attempt: impl Fn() -> F,
    may_pass: impl Fn(&StoreError) -> bool,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for _ in 0..OPENING_TRIES {
        match attempt().await {
            Err(error) if may_pass(&error) => tokio::time::sleep(BETWEEN_TRIES).await,
            result => return result,
        }
    }
    attempt().await
}

impl Store {
    /// Opens `sqlite:PATH` (created when missing) or `postgres://…` and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Address`] for an address of no known kind, [`StoreError::Newer`] when a newer program
    /// has been at the database.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let store = Store::connect(url).await?;
        migrate::up_to_date(&store).await?;
        Ok(store)
    }

    /// Opens a store for a daemon to work on. It is claimed first, so that one that is refused does not change the
    /// schema under the daemon at work.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StoreError::Taken`].
    pub async fn open_for_daemon(url: &str) -> Result<Store, StoreError> {
        let store = Store::connect(url).await?;
        store.claim_for_daemon()?;
        migrate::up_to_date(&store).await?;
        Ok(store)
    }

    /// Opens a SQLite file that nobody will miss: it survives no power cut, and is quicker for that.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn scratch(path: &Path) -> Result<Store, StoreError> {
        let store = Store::connect_sqlite(path, SqliteSynchronous::Off).await?;
        migrate::up_to_date(&store).await?;
        Ok(store)
    }

    async fn connect(url: &str) -> Result<Store, StoreError> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| {
                StoreError::Address { url: without_password(url), why: error.to_string() }
            })?;
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .after_connect(|connection, _| {
                    Box::pin(async move { connection.execute(POSTGRES_PATIENCE).await.map(drop) })
                })
                .connect_with(options)
                .await?;
            return Ok(Store { backend: Backend::Postgres(pool) });
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(StoreError::Address {
                url: without_password(url),
                why: "it begins neither with `sqlite:` nor with `postgres://`".to_owned(),
            });
        };
        let path = Path::new(path.strip_prefix("//").unwrap_or(path));
        // FULL: what a commit confirmed survives a power cut. A mail marked `sending` must.
        Store::connect_sqlite(path, SqliteSynchronous::Full).await
    }

    async fn connect_sqlite(path: &Path, synchronous: SqliteSynchronous) -> Result<Store, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(BUSY_TIMEOUT)
            // A batch is read in one go, and not in turns with whoever takes its rows.
            .row_buffer_size(512)
            .pragma("cache_size", "-8000")
            // Pages of 4 KiB. At SQLite's own 1,000 a wave of mail writes the same pages to the file over and over.
            .pragma("wal_autocheckpoint", "8000")
            .pragma("temp_store", "memory");
        let one_writer = SqlitePoolOptions::new()
            .max_connections(1)
            // A file does not hang up.
            .test_before_acquire(false)
            .acquire_timeout(WRITER_TIMEOUT)
            // Waiting for one's turn is how it is meant, and nothing to warn of.
            .acquire_slow_threshold(WRITER_TIMEOUT)
            .before_acquire(|connection, _| Box::pin(async move { Ok(is_between_transactions(connection)) }));
        // Whoever changes a new file to WAL has it alone.
        let write = while_another_opens(
            || async { Ok(one_writer.clone().connect_with(options.clone()).await?) },
            |error| matches!(error, StoreError::Busy(_)),
        )
        .await?;
        let read = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .min_connections(0)
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(async move { Ok(is_between_transactions(connection)) }))
            .connect_lazy_with(options.read_only(true));
        let backend = Backend::Sqlite {
            write,
            read,
            path: path.to_owned(),
            daemon_lock: Arc::new(std::sync::Mutex::new(None)),
        };
        Ok(Store { backend })
    }

    /// Begins a transaction that may write. On SQLite it is the only one that does, from now on.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match &self.backend {
            // Not a deferred transaction: one that reads first and then writes fails at once when somebody
            // else wrote in between (SQLITE_BUSY_SNAPSHOT), and no timeout helps.
            Backend::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            // Not as the server's default may have it: who has waited for a row has to see what it became.
            Backend::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?)
            }
        })
    }

    /// Begins a transaction that only reads, beside whoever writes, from one snapshot.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match &self.backend {
            Backend::Sqlite { read, .. } => Tx::Sqlite(read.begin().await?),
            Backend::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Claims the store for a daemon. On SQLite one daemon at a time works on a file; on PostgreSQL they
    /// share the work and this does nothing. The claim ends with the process, however it ends.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when another daemon has it.
    pub fn claim_for_daemon(&self) -> Result<(), StoreError> {
        let Backend::Sqlite { path, daemon_lock, .. } = &self.backend else {
            return Ok(());
        };
        // By whatever name the file was reached, its lock is one: a link must not let a second daemon in.
        let file_path = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let mut lock_path = file_path.into_os_string();
        lock_path.push(".lock");
        let taken = |why: String| StoreError::Address { url: path.display().to_string(), why };
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| taken(format!("its lock file cannot be opened: {error}")))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::Taken { path: path.display().to_string() });
            }
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(taken(format!("its lock file cannot be locked: {error}")));
            }
        }
        *daemon_lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(file);
        Ok(())
    }

    /// Whether this process is the only daemon that can be at work on the store.
    pub fn is_exclusive(&self) -> bool {
        matches!(self.backend, Backend::Sqlite { .. })
    }

    /// Closes the connections, so that a SQLite file is left without its side files.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite { write, read, .. } => {
                read.close().await;
                write.close().await;
            }
            Backend::Postgres(pool) => pool.close().await,
        }
    }

    pub(super) fn sqlite_writer(&self) -> Option<&SqlitePool> {
        match &self.backend {
            Backend::Sqlite { write, .. } => Some(write),
            Backend::Postgres(_) => None,
        }
    }

    pub(super) fn postgres(&self) -> Option<&PgPool> {
        match &self.backend {
            Backend::Sqlite { .. } => None,
            Backend::Postgres(pool) => Some(pool),
        }
    }
}

/// Whether a connection can be used again; the pool replaces one that cannot.
///
/// On some errors, a full disk above all, SQLite itself rolls a transaction back. The driver's own rollback then
/// fails, it believes the transaction open for ever, and would refuse every further one on that connection.
fn is_between_transactions(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

/// A database address that can be shown: the password, if any, is replaced.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let Some((credentials, host)) = rest.split_once('@') else {
        return url.to_owned();
    };
    match credentials.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_address_has_no_password() {
        assert_eq!(without_password("postgres://app:secret@db/x"), "postgres://app:…@db/x");
        assert_eq!(without_password("postgres://app@db/x"), "postgres://app@db/x");
        assert_eq!(without_password("sqlite:nurtured.db"), "sqlite:nurtured.db");
    }
}
