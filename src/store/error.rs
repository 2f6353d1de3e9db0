//! What can go wrong in the store, told apart by what the caller should do about it.

use thiserror::Error;

/// A failed store operation.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Somebody else is writing. Trying again later is right.
    #[error("the database is busy: somebody else has been writing to it for too long; try again ({0})")]
    Busy(#[source] sqlx::Error),
    /// The disk or the quota is full. Trying again later is right, and a person should hear of it.
    #[error("the database cannot grow, its disk is full: {0}")]
    Full(#[source] sqlx::Error),
    /// A unique key said that this already exists.
    #[error("the row exists already: {0}")]
    Conflict(#[source] sqlx::Error),
    /// The database was written by a newer program.
    #[error(
        "the database has schema {found}, this program knows schemas up to {known}: \
         install the newer nurtured again, or restore a backup from before the upgrade"
    )]
    Newer {
        /// The newest migration in the database.
        found: i64,
        /// The newest migration in the program.
        known: i64,
    },
    /// Another daemon works on this SQLite file.
    #[error(
        "another nurtured daemon works on {path}: SQLite serves one daemon at a time; stop the other one, \
         or move to PostgreSQL, where several share the work"
    )]
    Taken {
        /// The database file.
        path: String,
    },
    /// A row holds what no version of this program writes.
    #[error("table {table}, row {id}: {what}; a person has to look at it")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The row.
        id: i64,
        /// What is wrong with it.
        what: String,
    },
    /// The address of the database cannot be used.
    #[error("`{url}` is no usable database address: {why}")]
    Address {
        /// As configured, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Anything else the driver reports.
    #[error("the database failed: {0}")]
    Driver(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same operation may succeed when tried again later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, StoreError::Busy(_) | StoreError::Full(_) | StoreError::Conflict(_))
            || matches!(self, StoreError::Driver(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut))
    }

    /// Whether somebody else who wanted the same rows was let through first: the same transaction, begun anew,
    /// sees what they did. What waited in vain for a slow one is no such case; it would wait again.
    pub fn lost_a_race(&self) -> bool {
        match self {
            StoreError::Conflict(_) => true,
            // SQLSTATE class 40: a deadlock, or what cannot be serialised.
            StoreError::Busy(error) => error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                .is_some_and(|code| code.len() == 5 && code.starts_with("40")),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        let Some(database) = error.as_database_error() else {
            return StoreError::Driver(error);
        };
        if database.is_unique_violation() {
            return StoreError::Conflict(error);
        }
        // SQLite: primary result codes BUSY (5), LOCKED (6), FULL (13), in the low byte of the extended
        // code. PostgreSQL: SQLSTATE class 40 (transaction rollback), 55P03 (lock not available), 53100.
        match database.code().as_deref() {
            Some("53100") => StoreError::Full(error),
            Some(code) if code.len() == 5 && (code.starts_with("40") || code == "55P03") => {
                StoreError::Busy(error)
            }
            Some(code) => match code.parse::<i64>().map(|code| code & 0xff) {
                Ok(5 | 6) if code.len() < 5 => StoreError::Busy(error),
                Ok(13) if code.len() < 5 => StoreError::Full(error),
                _ => StoreError::Driver(error),
            },
            None => StoreError::Driver(error),
        }
    }
}
