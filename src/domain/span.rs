//! Lengths of time as people write them: a number and a unit.
//!
//! A [`Span`] is plain time (`60 days` are 60 times 24 hours); a [`Target`] is business time, and says
//! so (`8 business hours`). Both are written with the unit in words, so that nobody has to know whether
//! `m` is a minute or a month, and read back as they are printed.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::agreement::Target;
use crate::problem;

/// Longer ones are mistakes.
const MAX_DAYS: i64 = 3650;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A length of plain time in whole minutes, not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(SignedDuration);

/// Why a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// It is not a number and a unit.
    #[error("`{text}` is not {expected}")]
    Shape {
        /// As it was written.
        text: String,
        /// What may be written, with an example.
        expected: &'static str,
    },
    /// The unit is none that is known here.
    #[error("`{unit}` is not a unit of {of}{}", did_you_mean(.nearest))]
    Unit {
        /// As it was written.
        unit: String,
        /// Of what.
        of: &'static str,
        /// The unit that was probably meant.
        nearest: Option<&'static str>,
    },
    /// It is longer than ten years.
    #[error("`{0}` is longer than ten years")]
    TooLong(String),
    /// Nothing, where something is needed.
    #[error("`{0}` is no time at all; write at least one")]
    Zero(String),
}

fn did_you_mean(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

impl Span {
    /// The same length as a duration.
    pub fn duration(self) -> SignedDuration {
        self.0
    }

    /// Its whole days of 24 hours.
    pub fn days(self) -> i64 {
        self.0.as_secs() / DAY
    }
}

/// A length of plain time as it is written: "2 hours".
pub fn plain(length: SignedDuration) -> String {
    Span(length).to_string()
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        let (count, unit) =
            number_and_unit(text, "a length of time, such as `45 minutes`, `2 hours` or `60 days`")?;
        let seconds = match unit_of(unit, "time", &["minute", "hour", "day", "week"])? {
            "minute" => MINUTE,
            "hour" => HOUR,
            "day" => DAY,
            _ => 7 * DAY,
        };
        Ok(Span(seconds_of(text, count, seconds)?))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = in_largest_unit(self.0, &[("day", DAY), ("hour", HOUR), ("minute", MINUTE)]);
        f.pad(&counted(count, unit))
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Span, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

/// Reads a length of business time: `8 business hours`, `90 business minutes`, `2 business days`.
///
/// # Errors
///
/// When the text is none, or is nothing long.
pub fn parse_target(text: &str) -> Result<Target, SpanError> {
    let expected = "business time, such as `8 business hours` or `2 business days`";
    let (count, unit) = number_and_unit(text, expected)?;
    let Some(unit) = unit.strip_prefix("business ") else {
        return Err(SpanError::Shape { text: text.to_owned(), expected });
    };
    let unit = unit_of(unit.trim_start(), "business time", &["minute", "hour", "day"])?;
    if count == 0 {
        return Err(SpanError::Zero(text.to_owned()));
    }
    Ok(match unit {
        "minute" => Target::Time(seconds_of(text, count, MINUTE)?),
        "hour" => Target::Time(seconds_of(text, count, HOUR)?),
        _ => Target::BusinessDays(seconds_of(text, count, DAY)?.as_secs() / DAY),
    })
}

/// Reads how long after its start a promise tells somebody: `2 hours`, `1 business day`. It is counted in the
/// business time of its target, so that need not be said; `days` are those of the target.
///
/// # Errors
///
/// When the text is none, or is nothing long.
pub fn parse_level_time(text: &str, target: Option<Target>) -> Result<Target, SpanError> {
    let expected = "a share of the target or a time, such as `75%`, `2 hours` or `1 business day`";
    let (count, unit) = number_and_unit(text, expected)?;
    let units = ["minute", "hour", "day", "business minute", "business hour", "business day"];
    let unit = unit_of(&unit.split_whitespace().collect::<Vec<_>>().join(" "), "time here", &units)?;
    if count == 0 {
        return Err(SpanError::Zero(text.to_owned()));
    }
    let days = || Ok(seconds_of(text, count, DAY)?.as_secs() / DAY);
    Ok(match (unit, target) {
        ("minute" | "business minute", _) => Target::Time(seconds_of(text, count, MINUTE)?),
        ("hour" | "business hour", _) => Target::Time(seconds_of(text, count, HOUR)?),
        ("day", Some(Target::Days(_))) => Target::Days(days()?),
        _ => Target::BusinessDays(days()?),
    })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Target::Time(time) => {
                in_largest_unit(*time, &[("business hour", HOUR), ("business minute", MINUTE)])
            }
            Target::BusinessDays(days) => (*days, "business day"),
            Target::Days(days) => (*days, "day"),
        };
        f.pad(&counted(count, unit))
    }
}

/// Splits `3 business days` into 3 and `business days`.
pub(super) fn number_and_unit<'t>(
    text: &'t str,
    expected: &'static str,
) -> Result<(i64, &'t str), SpanError> {
    let shape = || SpanError::Shape { text: text.to_owned(), expected };
    let (number, unit) = text.trim().split_once(char::is_whitespace).ok_or_else(shape)?;
    // A leading sign would be accepted by `parse`.
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(shape());
    }
    let count = number.parse::<u32>().map_err(|_| SpanError::TooLong(text.to_owned()))?;
    Ok((i64::from(count), unit.trim_start()))
}

/// The known unit that is meant, in the singular.
pub(super) fn unit_of(
    written: &str,
    of: &'static str,
    known: &[&'static str],
) -> Result<&'static str, SpanError> {
    let singular = written.strip_suffix('s').unwrap_or(written);
    known.iter().copied().find(|unit| *unit == singular).ok_or_else(|| SpanError::Unit {
        unit: written.to_owned(),
        of,
        nearest: if written.len() > 32 { None } else { problem::nearest(written, known.iter().copied()) },
    })
}

/// So many units of so many seconds.
pub(super) fn seconds_of(text: &str, count: i64, unit: i64) -> Result<SignedDuration, SpanError> {
    match count.checked_mul(unit) {
        Some(seconds) if seconds <= MAX_DAYS * DAY => Ok(SignedDuration::from_secs(seconds)),
        _ => Err(SpanError::TooLong(text.to_owned())),
    }
}

/// The length in the largest of the units, in descending order, that divides it.
pub(super) fn in_largest_unit<'u>(length: SignedDuration, units: &[(&'u str, i64)]) -> (i64, &'u str) {
    let seconds = length.as_secs();
    units
        .iter()
        .find(|(_, unit)| seconds != 0 && seconds % unit == 0)
        .or(units.last())
        .map_or((seconds, "second"), |(name, unit)| (seconds / unit, *name))
}

/// `1 hour`, `2 hours`.
pub fn counted(count: i64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_and_printed_in_its_largest_unit() {
        for (text, minutes, printed) in [
            ("45 minutes", 45, "45 minutes"),
            ("1 minute", 1, "1 minute"),
            ("  2   hours ", 120, "2 hours"),
            ("90 minutes", 90, "90 minutes"),
            ("120 minutes", 120, "2 hours"),
            ("60 days", 60 * 24 * 60, "60 days"),
            ("1 week", 7 * 24 * 60, "7 days"),
            ("0 days", 0, "0 minutes"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.duration(), SignedDuration::from_mins(minutes), "{text}");
            assert_eq!(span.to_string(), printed);
            assert_eq!(span.to_string().parse(), Ok(span));
        }
    }

    #[test]
    fn what_is_no_span_says_what_to_write() {
        for (text, message) in [
            ("", "`` is not a length of time, such as `45 minutes`, `2 hours` or `60 days`"),
            ("soon", "`soon` is not a length of time, such as `45 minutes`, `2 hours` or `60 days`"),
            ("-1 days", "`-1 days` is not a length of time, such as `45 minutes`, `2 hours` or `60 days`"),
            ("2 huors", "`huors` is not a unit of time; did you mean `hour`?"),
            ("2 business hours", "`business hours` is not a unit of time"),
            ("4000 days", "`4000 days` is longer than ten years"),
            ("99999999999 days", "`99999999999 days` is longer than ten years"),
        ] {
            assert_eq!(text.parse::<Span>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_target_is_business_time_of_some_length() {
        let time = |minutes| Target::Time(SignedDuration::from_mins(minutes));
        for (text, target) in [
            ("8 business hours", time(480)),
            ("1 business hour", time(60)),
            ("90 business minutes", time(90)),
            ("2 business days", Target::BusinessDays(2)),
            ("1 business day", Target::BusinessDays(1)),
        ] {
            assert_eq!(parse_target(text), Ok(target), "{text}");
            assert_eq!(target.to_string(), text);
        }
        assert_eq!(Target::Days(30).to_string(), "30 days");
        for (text, message) in [
            ("8 hours", "`8 hours` is not business time, such as `8 business hours` or `2 business days`"),
            ("0 business hours", "`0 business hours` is no time at all; write at least one"),
            ("0 business days", "`0 business days` is no time at all; write at least one"),
            ("4000 business days", "`4000 business days` is longer than ten years"),
            ("2 business weeks", "`weeks` is not a unit of business time"),
        ] {
            assert_eq!(parse_target(text).unwrap_err().to_string(), message);
        }
    }
}
