//! How values of the domain stand in columns: the only translations there are.

use jiff::Timestamp;
use jiff::civil::Date;

use super::StoreError;

/// An instant as a column holds it: epoch milliseconds.
pub fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The same for an instant that may be missing.
pub fn millis_opt(at: Option<Timestamp>) -> Option<i64> {
    at.map(millis)
}

/// An instant from a column.
pub fn instant(table: &'static str, id: i64, millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|error| StoreError::Inconsistent {
        table,
        id,
        what: format!("{millis} is no instant: {error}"),
    })
}

/// The same for a column that may be empty.
pub fn instant_opt(
    table: &'static str,
    id: i64,
    millis: Option<i64>,
) -> Result<Option<Timestamp>, StoreError> {
    millis.map(|millis| instant(table, id, millis)).transpose()
}

/// A calendar date as a column holds it: days since 1970-01-01.
pub fn day(date: Date) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 1);
    i64::from((date - epoch).get_days())
}

/// The date that such a column holds.
pub fn date(table: &'static str, days: i64) -> Result<Date, StoreError> {
    let epoch = jiff::civil::date(1970, 1, 1);
    jiff::Span::new().try_days(days).and_then(|span| epoch.checked_add(span)).map_err(|error| {
        StoreError::Inconsistent { table, id: days, what: format!("{days} is no date: {error}") }
    })
}

/// A text column that must parse as one of the domain's names.
pub fn parsed<T: std::str::FromStr>(table: &'static str, id: i64, text: &str) -> Result<T, StoreError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| StoreError::Inconsistent { table, id, what: error.to_string() })
}

/// The same for a column that may be empty.
pub fn parsed_opt<T: std::str::FromStr>(
    table: &'static str,
    id: i64,
    text: Option<&str>,
) -> Result<Option<T>, StoreError>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| parsed(table, id, text)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_the_epoch_in_both_directions() {
        assert_eq!(day(jiff::civil::date(1970, 1, 1)), 0);
        assert_eq!(day(jiff::civil::date(1969, 12, 31)), -1);
        assert_eq!(day(jiff::civil::date(2026, 3, 29)), 20_541);
        for days in [-1, 0, 20_541] {
            assert_eq!(day(date("commitment", days).expect("a date")), days);
        }
        assert!(date("commitment", i64::MAX).is_err());
    }
}
