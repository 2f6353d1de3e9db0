//! The playbooks that were ever in force, and the one that is.

use jiff::Timestamp;

use super::column::{instant, millis};
use super::{StoreError, Tx, each, statements};

statements! {
    STORE = "INSERT INTO playbook (version, files, stored_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    FILES = "SELECT files FROM playbook WHERE version = $1";
    VERSIONS = "SELECT version, stored_at FROM playbook ORDER BY stored_at, version";
    IN_FORCE = "SELECT version FROM playbook_in_force WHERE one = 1";
    PUT_IN_FORCE = "INSERT INTO playbook_in_force (one, version, since) VALUES (1, $1, $2) \
                    ON CONFLICT (one) DO UPDATE SET version = excluded.version, since = excluded.since \
                    WHERE playbook_in_force.version <> excluded.version RETURNING one";
}

impl Tx {
    /// Stores a playbook and puts it in force; `false` when it was in force already.
    pub async fn put_playbook_in_force(
        &mut self,
        version: &str,
        files: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        each!(self, conn =>
            sqlx::query(STORE).bind(version).bind(files).bind(millis(now)).execute(conn).await.map(drop))?;
        let row: Option<i64> = each!(self, conn =>
            sqlx::query_scalar(PUT_IN_FORCE).bind(version).bind(millis(now)).fetch_optional(conn).await)?;
        Ok(row.is_some())
    }

    /// The version in force.
    pub async fn playbook_in_force(&mut self) -> Result<Option<String>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(IN_FORCE).fetch_optional(conn).await)?)
    }

    /// Every version that was ever stored, and when it first was, the oldest first.
    pub async fn playbook_versions(&mut self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let rows: Vec<(String, i64)> = each!(self, conn => sqlx::query_as(VERSIONS).fetch_all(conn).await)?;
        rows.into_iter().map(|(version, at)| Ok((version, instant("playbook", 0, at)?))).collect()
    }

    /// The files of a version, as they were stored.
    pub async fn playbook_files(&mut self, version: &str) -> Result<Option<String>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(FILES).bind(version).fetch_optional(conn).await)?)
    }
}
