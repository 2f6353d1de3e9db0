//! Statements over many rows at once.
//!
//! A wave of mail is planned, claimed and marked in batches; one statement for a batch instead of one
//! for each row is what keeps the store from being the slow part. The text depends only on the number of
//! rows, and that is always a power of two ([`padded`], [`pieces`]): so a handful of texts is all there is,
//! and both drivers keep them prepared. Preparing one for 32 rows takes longer than running it. `VALUES` as a
//! table has columns `column1`, `column2` … on both databases.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow};

use super::{StoreError, Tx, each};

/// The most bound values in one statement. Both databases take tens of thousands; what a longer statement saves
/// is lost again on preparing it.
const MAX_BINDS: usize = 1_152;

/// The most items in a list after `IN`, with room for a few values beside them.
pub const MAX_LIST: usize = 256;

/// The items of a list after `IN`, as many as the next power of two by naming the last one again.
pub fn padded<T: Copy>(items: &[T]) -> Vec<T> {
    let mut padded = items.to_vec();
    if let Some(last) = items.last() {
        padded.resize(items.len().next_power_of_two(), *last);
    }
    padded
}

/// Rows of `columns` values each, cut into pieces for one statement each, their lengths powers of two.
pub fn pieces<T>(mut rows: &[T], columns: usize) -> impl Iterator<Item = &[T]> {
    let most = 1_usize << (MAX_BINDS / columns).ilog2();
    std::iter::from_fn(move || {
        let length = most.min(1 << rows.len().checked_ilog2()?);
        let (piece, rest) = rows.split_at(length);
        rows = rest;
        Some(piece)
    })
}

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
    /// A statement whose values are all bound in the order of their numbers, each once, as the database likes it:
    /// on SQLite with `?` for every number. The driver there asks for the name of each numbered value, and SQLite
    /// looks a name up by going through those before it: ten thousand mails were planned in 2.4 s with 2,304
    /// numbered values in a statement.
    pub(super) fn in_dialect(&self, sql: String) -> String {
        if self.locks_rows() { sql } else { without_numbers(&sql) }
    }

    /// The rows of `<before> ($2,$3,…) <after>` with these ids in the place of those numbers, and `first` for
    /// `$1`, which `before` has to name.
    pub(super) async fn select_by_ids_and<R>(
        &mut self,
        first: i64,
        before: &str,
        ids: &[i64],
        after: &str,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MAX_LIST) {
            let ids = padded(ids);
            let sql = self.in_dialect(format!("{before} ({}) {after}", list(2, ids.len())));
            let rows: Vec<R> = each!(self, conn => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(first);
                for id in ids {
                    query = query.bind(id);
                }
                query.fetch_all(conn).await
            })?;
            found.extend(rows);
        }
        Ok(found)
    }

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
        for ids in ids.chunks(MAX_LIST) {
            let ids = padded(ids);
            let sql = self.in_dialect(format!("{before} ({}) {after}", list(1, ids.len())));
            let rows: Vec<R> = each!(self, conn => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for id in ids {
                    query = query.bind(id);
                }
                query.fetch_all(conn).await
            })?;
            found.extend(rows);
        }
        Ok(found)
    }
}

/// The same statement with `?` in the place of each numbered value.
fn without_numbers(sql: &str) -> String {
    let mut pieces = sql.split('$');
    let mut text = String::with_capacity(sql.len());
    text.push_str(pieces.next().unwrap_or_default());
    for (piece, expected) in pieces.zip(1_usize..) {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        debug_assert_eq!(piece[..digits].parse(), Ok(expected), "not in order: {sql}");
        text.push('?');
        text.push_str(&piece[digits..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_give_way_to_question_marks() {
        assert_eq!(without_numbers("a = $1 AND b IN ($2,$3) ORDER BY c"), "a = ? AND b IN (?,?) ORDER BY c");
        assert_eq!(without_numbers("SELECT 1"), "SELECT 1");
    }

    #[test]
    fn placeholders_are_numbered_through() {
        assert_eq!(values(2, 3), "($1,$2,$3),($4,$5,$6)");
        assert_eq!(list(4, 3), "$4,$5,$6");
        assert_eq!(list(1, 0), "");
    }

    #[test]
    fn a_list_is_padded_with_what_is_in_it_already() {
        assert_eq!(padded(&[7, 8, 9]), [7, 8, 9, 9]);
        assert_eq!(padded(&[7, 8]), [7, 8]);
        assert_eq!(padded::<i64>(&[]), [0; 0]);
    }

    #[test]
    fn pieces_are_powers_of_two_and_together_everything() {
        for rows in [0, 1, 2, 3, 32, 250, 5_000] {
            let all: Vec<usize> = (0..rows).collect();
            let lengths: Vec<usize> = pieces(&all, 18).map(<[usize]>::len).collect();
            assert!(lengths.iter().all(|length| length.is_power_of_two() && length * 18 <= MAX_BINDS));
            assert_eq!(pieces(&all, 18).flatten().copied().collect::<Vec<_>>(), all);
        }
        let lengths: Vec<usize> = pieces(&[(); 21], 18).map(<[()]>::len).collect();
        assert_eq!(lengths, [16, 4, 1]);
    }
}
