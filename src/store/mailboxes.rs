//! Mailboxes that are read: how far each has been read, and how reading it goes.
//!
//! What becomes of a mail is noted by its content (`inbound.rs`), so a mail that is read twice counts once; what is
//! noted here only saves reading it again. One daemon at a time reads a mailbox; it holds the mailbox's lease.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::{instant, instant_opt, millis};
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::reading::Reading;

statements! {
    READINGS = "SELECT name, watched_since, tried_at, read_at, failing_since, why FROM mailbox ORDER BY name";
    PLACES = "SELECT name, place FROM mailbox ORDER BY name";
    STATE = "SELECT uid_validity, last_uid, failures, failing_since FROM mailbox WHERE name = $1";
    ADD = "INSERT INTO mailbox (name, place, watched_since, failures, last_uid, lease_until) \
           VALUES ($1, $2, $3, 0, 0, 0)";
    WATCH = "UPDATE mailbox SET watched_since = $1 WHERE name = $2";
    // Nobody else can hold one.
    FREE = "UPDATE mailbox SET lease_token = NULL, lease_until = 0";
    FORGET_FILES = "DELETE FROM mailbox_file WHERE mailbox = $1";
    FORGET = "DELETE FROM mailbox WHERE name = $1";
    CLAIM = "UPDATE mailbox SET lease_token = $1, lease_until = $2 WHERE name = $3 \
             AND (lease_until <= $4 OR lease_token = $1)";
    LET_GO = "UPDATE mailbox SET lease_token = NULL, lease_until = 0 WHERE name = $1 AND lease_token = $2";
    FILES = "SELECT file FROM mailbox_file WHERE mailbox = $1";
    FORGET_FILE = "DELETE FROM mailbox_file WHERE mailbox = $1 AND file = $2";
    UP_TO = "UPDATE mailbox SET uid_validity = $1, last_uid = $2 WHERE name = $3";
    IS_READ = "UPDATE mailbox SET tried_at = $1, read_at = $1, failing_since = NULL, failures = 0, why = NULL \
               WHERE name = $2";
    FAILED = "UPDATE mailbox SET tried_at = $1, failing_since = COALESCE(failing_since, $1), failures = failures + 1, \
              why = $2 WHERE name = $3 RETURNING failing_since";
}

/// How far a mailbox has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxState {
    /// IMAP: what `last_uid` is a number of; `None` before the first mail.
    pub uid_validity: Option<i64>,
    /// IMAP: the last mail that was read.
    pub last_uid: i64,
    /// Tries in a row that failed.
    pub failures: i64,
    /// Since when it could not be read.
    pub failing_since: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct ReadingRow {
    name: String,
    watched_since: i64,
    tried_at: Option<i64>,
    read_at: Option<i64>,
    failing_since: Option<i64>,
    why: Option<String>,
}

impl TryFrom<ReadingRow> for Reading {
    type Error = StoreError;

    fn try_from(row: ReadingRow) -> Result<Reading, StoreError> {
        Ok(Reading {
            mailbox: row.name,
            watched_since: instant(TABLE, 0, row.watched_since)?,
            tried_at: instant_opt(TABLE, 0, row.tried_at)?,
            read_at: instant_opt(TABLE, 0, row.read_at)?,
            failing_since: instant_opt(TABLE, 0, row.failing_since)?,
            why: row.why,
        })
    }
}

const TABLE: &str = "mailbox";

impl Tx {
    /// From `now` on these mailboxes are read, and no others: each with its name and a hash of where it is. One that is
    /// elsewhere now is read from its beginning. `alone`: no other daemon can be reading one.
    pub async fn set_mailboxes(
        &mut self,
        mailboxes: &[(&str, &str)],
        now: Timestamp,
        alone: bool,
    ) -> Result<(), StoreError> {
        let known: Vec<(String, String)> = each!(self, conn => sqlx::query_as(PLACES).fetch_all(conn).await)?;
        for (name, place) in &known {
            if !mailboxes.contains(&(name, place)) {
                for sql in [FORGET_FILES, FORGET] {
                    each!(self, conn => sqlx::query(sql).bind(name.as_str()).execute(conn).await.map(drop))?;
                }
            }
        }
        for (name, place) in mailboxes {
            if known.iter().any(|(known, at)| known == name && at == place) {
                each!(self, conn => sqlx::query(WATCH).bind(millis(now)).bind(*name).execute(conn).await.map(drop))?;
            } else {
                each!(self, conn => sqlx::query(ADD)
                    .bind(*name)
                    .bind(*place)
                    .bind(millis(now))
                    .execute(conn)
                    .await
                    .map(drop))?;
            }
        }
        if alone {
            each!(self, conn => sqlx::query(FREE).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// How reading goes, mailbox by mailbox.
    pub async fn readings(&mut self) -> Result<Vec<Reading>, StoreError> {
        let rows: Vec<ReadingRow> = each!(self, conn => sqlx::query_as(READINGS).fetch_all(conn).await)?;
        rows.into_iter().map(Reading::try_from).collect()
    }

    /// How far a mailbox has been read; `None` when it is not read any more.
    pub async fn mailbox_state(&mut self, name: &str) -> Result<Option<MailboxState>, StoreError> {
        let row: Option<(Option<i64>, i64, i64, Option<i64>)> =
            each!(self, conn => sqlx::query_as(STATE).bind(name).fetch_optional(conn).await)?;
        row.map(|(uid_validity, last_uid, failures, failing_since)| {
            let failing_since = instant_opt(TABLE, 0, failing_since)?;
            Ok(MailboxState { uid_validity, last_uid, failures, failing_since })
        })
        .transpose()
    }

    /// Takes the lease of a mailbox until `until`, or makes one's own longer; `false` when somebody else has it.
    pub async fn claim_mailbox(
        &mut self,
        name: &str,
        token: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(CLAIM)
            .bind(token)
            .bind(millis(until))
            .bind(name)
            .bind(millis(now))
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Gives the lease of a mailbox back.
    pub async fn let_mailbox_go(&mut self, name: &str, token: i64) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(LET_GO).bind(name).bind(token).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The files of a Maildir that were read.
    pub async fn mailbox_files(&mut self, name: &str) -> Result<Vec<String>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(FILES).bind(name).fetch_all(conn).await)?)
    }

    /// Notes files of a Maildir that were read.
    pub async fn add_mailbox_files(&mut self, name: &str, files: &[String]) -> Result<(), StoreError> {
        for files in bulk::pieces(files, 2) {
            let values = bulk::values(files.len(), 2);
            let sql = self.in_dialect(format!(
                "INSERT INTO mailbox_file (mailbox, file) VALUES {values} ON CONFLICT DO NOTHING"
            ));
            each!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for file in files {
                    query = query.bind(name).bind(file.as_str());
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// Forgets files of a Maildir that are gone from it.
    pub async fn forget_mailbox_files(&mut self, name: &str, files: &[String]) -> Result<(), StoreError> {
        for file in files {
            each!(self, conn =>
                sqlx::query(FORGET_FILE).bind(name).bind(file.as_str()).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Notes how far a mailbox on a server has been read.
    pub async fn mailbox_is_read_up_to(
        &mut self,
        name: &str,
        uid_validity: i64,
        last_uid: i64,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(UP_TO)
            .bind(uid_validity)
            .bind(last_uid)
            .bind(name)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// A mailbox has been read completely.
    pub async fn mailbox_is_read(&mut self, name: &str, now: Timestamp) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(IS_READ).bind(millis(now)).bind(name).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// A mailbox could not be read. Since when; `None` when it is not to be read any more.
    pub async fn mailbox_failed(
        &mut self,
        name: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let since: Option<i64> = each!(self, conn => sqlx::query_scalar(FAILED)
            .bind(millis(now))
            .bind(why)
            .bind(name)
            .fetch_optional(conn)
            .await)?;
        instant_opt(TABLE, 0, since)
    }
}
