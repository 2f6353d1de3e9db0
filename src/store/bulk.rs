//! Statements over many rows at once.
//!
//! A wave of mail is planned, claimed and marked in batches; one statement for a batch instead of one
//! for each row is what keeps the store from being the slow part. The text depends only on the number of
//! rows, so both drivers keep it prepared. `VALUES` as a table has columns `column1`, `column2` … on both
//! databases.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow};

use super::{StoreError, Tx, each};

/// The most bound values in one statement: SQLite takes 32,766, PostgreSQL 65,535.
pub const MAX_BINDS: usize = 32_000;

/// `($1,$2),($3,$4)` for `rows` rows of `columns` values.
pub fn values(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    let mut number = 0;
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..columns {
            number += 1;
            if column > 0 {
                text.push(',');
            }
            text.push('$');
            text.push_str(&number.to_string());
        }
        text.push(')');
    }
    text
}

/// `$4,$5,$6`: `count` placeholders from number `first` on.
pub fn list(first: usize, count: usize) -> String {
    let mut text = String::with_capacity(count * 5);
    for number in first..first + count {
        if number > first {
            text.push(',');
        }
        text.push('$');
        text.push_str(&number.to_string());
    }
    text
}

impl Tx {
    /// The rows of `<before> ($1,$2,…) <after>` with these ids in the place of the numbers.
    pub(super) async fn select_by_ids<R>(
        &mut self,
        before: &str,
        ids: &[i64],
        after: &str,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MAX_BINDS) {
            let sql = format!("{before} ({}) {after}", list(1, ids.len()));
            let rows: Vec<R> = each!(self, conn => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for id in ids {
                    query = query.bind(*id);
                }
                query.fetch_all(conn).await
            })?;
            found.extend(rows);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_through() {
        assert_eq!(values(2, 3), "($1,$2,$3),($4,$5,$6)");
        assert_eq!(list(4, 3), "$4,$5,$6");
        assert_eq!(list(1, 0), "");
    }
}
