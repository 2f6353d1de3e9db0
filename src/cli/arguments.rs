//! Arguments as people write them, and what to write in place of those that cannot be read.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::contact::Channel;
use crate::domain::happening::Outcome;
use crate::domain::lead::Stage;
use crate::problem::nearest;

/// A day: 2026-03-16.
pub(super) fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "write a day as year-month-day: 2026-03-16".to_owned())
}

/// An instant: 2026-03-03T10:20:00+01:00.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write a time with its offset: 2026-03-03T10:20:00+01:00".to_owned())
}

/// A way to reach a lead.
pub(super) fn channel(text: &str) -> Result<Channel, String> {
    text.parse().map_err(|_| "it is phone or email".to_owned())
}

/// What came of an attempt; words may be apart by `-` or `_`.
pub(super) fn outcome(text: &str) -> Result<Outcome, String> {
    text.replace('-', "_").parse().map_err(|_| {
        let known: Vec<String> =
            Outcome::ALL.iter().map(|outcome| outcome.name().replace('_', "-")).collect();
        format!("it is one of {}", known.join(", "))
    })
}

/// A stage; words may be apart by `-` or `_`.
pub(super) fn stage(text: &str) -> Result<Stage, String> {
    let wanted = text.replace('-', "_");
    let names = || Stage::ALL.iter().map(|stage| stage.name());
    Stage::ALL.into_iter().find(|stage| stage.name() == wanted).ok_or_else(|| {
        match nearest(&wanted, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("it is one of {}", names().collect::<Vec<_>>().join(", ")),
        }
    })
}

/// A name and what it has: `Seats=40`. What has a name only is refused, as is what has none.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write name=value, in quotes when there is a space in it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_answered_with_what_to_write() {
        assert_eq!(date("16.3.2026").unwrap_err(), "write a day as year-month-day: 2026-03-16");
        assert_eq!(date("2026-03-16").unwrap().to_string(), "2026-03-16");
        assert_eq!(channel("fax").unwrap_err(), "it is phone or email");
        assert!(outcome("left-message").is_ok() && outcome("left_message").is_ok());
        assert!(outcome("busy").unwrap_err().starts_with("it is one of reached, no-answer"));
        assert!(stage("handed-off").is_ok() && stage("handed_off").is_ok());
        assert_eq!(stage("nurturig").unwrap_err(), "did you mean nurturing?");
        assert_eq!(pair("How many?=40=").unwrap(), ("How many?".to_owned(), "40=".to_owned()));
        assert!(pair("seats").is_err() && pair("=40").is_err());
    }
}
