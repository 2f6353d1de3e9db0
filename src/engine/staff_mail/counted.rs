//! How a deadline was counted, as the table at the end of a mail: interval by interval while that is short. Ten business
//! days have forty of them, which nobody checks: there the working time between two weekends is one row.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::words::{day_and_time, hours_and_minutes, time};
use crate::domain::calendar::{Calendar, Counted, Reckoning};

/// So many intervals are read one by one.
const ROWS: usize = 5;

/// A row of the table.
#[derive(Clone, Copy)]
struct Row {
    from: Timestamp,
    to: Timestamp,
    why: Reckoning,
    /// What of it counts.
    minutes: i64,
    /// Nights and breaks lie within it, and do not count.
    is_folded: bool,
}

impl From<&Counted> for Row {
    fn from(piece: &Counted) -> Row {
        let minutes = if piece.counts() { piece.minutes() } else { 0 };
        Row { from: piece.from, to: piece.to, why: piece.why, minutes, is_folded: false }
    }
}

/// The rows by `calendar`'s clock.
pub(super) fn counted(calendar: &Calendar, pieces: &[Counted]) -> Vec<Value> {
    let rows =
        if pieces.len() > ROWS { folded(calendar, pieces) } else { pieces.iter().map(Row::from).collect() };
    rows.iter().map(|row| told(calendar, row)).collect()
}

/// Working time with the nights and breaks within it; a day or more that does not count stands apart.
fn folded(calendar: &Calendar, pieces: &[Counted]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut gap: Vec<&Counted> = Vec::new();
    for piece in pieces {
        if !piece.counts() {
            gap.push(piece);
            continue;
        }
        let is_short = gap.iter().all(|one| is_night_or_break(calendar, one));
        match rows.last_mut().filter(|_| is_short) {
            Some(run) => {
                run.to = piece.to;
                run.minutes += piece.minutes();
                run.is_folded |= !gap.is_empty();
            }
            None => {
                rows.extend(gap.iter().copied().map(Row::from));
                rows.push(Row::from(piece));
            }
        }
        gap.clear();
    }
    rows.extend(gap.into_iter().map(Row::from));
    rows
}

fn is_night_or_break(calendar: &Calendar, piece: &Counted) -> bool {
    let day = |at| calendar.local(at).date();
    piece.why == Reckoning::Closed && (day(piece.to) - day(piece.from)).get_days() <= 1
}

fn told(calendar: &Calendar, row: &Row) -> Value {
    let (from, to) = (calendar.local(row.from), calendar.local(row.to));
    let why = match row.why {
        Reckoning::Open => "counted",
        Reckoning::Closed => "out of hours",
        Reckoning::Holiday(_) => "holiday",
        Reckoning::Paused => "paused: away, or asked us to wait",
        Reckoning::Unreachable => "they cannot be called yet",
    };
    let working = if row.is_folded { " of working time" } else { "" };
    json!({
        "from": day_and_time(&from),
        "to": if from.date() == to.date() { time(&to) } else { day_and_time(&to) },
        "counts": (row.why == Reckoning::Open).then(|| format!("{}{working}", hours_and_minutes(row.minutes))),
        "why": why,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::calendar::{Holidays, Hours};
    use crate::domain::sla::Terms;

    /// The rows of so many minutes from Friday 15:30 on in Berlin, but for a holiday on Thursday.
    fn rows(minutes: i64) -> Vec<[String; 3]> {
        let hours = Hours::parse("Mo-Fr 09:00-17:00").expect("hours");
        let mut holidays = Holidays::none();
        holidays.add(date(2026, 3, 12));
        let berlin = Calendar::new("Europe/Berlin", hours, holidays).expect("a calendar");
        let terms = Terms {
            policy: "standard".to_owned(),
            promised: String::new(),
            target_minutes: minutes,
            counts_from: None,
            until_opening: false,
            attempts: None,
            calendars: vec![berlin.freeze(date(2026, 1, 1), date(2027, 1, 1))],
            levels: Vec::new(),
        };
        let start: Timestamp = "2026-03-06T14:30:00Z".parse().expect("an instant");
        let standing = terms.assess(start, &[], &[], start).expect("it can be counted");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rows = counted(&berlin, &standing.deadline.counted).into_iter();
        rows.map(|row| {
            let counts = if row["counts"].is_null() { &row["why"] } else { &row["counts"] };
            [text(&row["from"]), text(&row["to"]), text(counts)]
        })
        .collect()
    }

    #[test]
    fn a_short_count_shows_every_piece() {
        assert_eq!(
            rows(150),
            [
                ["Fri 6 Mar 15:30", "17:00", "1 h 30 min"],
                ["Fri 6 Mar 17:00", "Mon 9 Mar 09:00", "out of hours"],
                ["Mon 9 Mar 09:00", "10:00", "1 h"],
            ]
        );
    }

    #[test]
    fn a_long_one_shows_what_lies_between_two_weekends_in_one_row() {
        let rows = rows(90 + 4 * 480 + 60);
        assert_eq!(
            rows[..3],
            [
                ["Fri 6 Mar 15:30", "17:00", "1 h 30 min"],
                ["Fri 6 Mar 17:00", "Mon 9 Mar 09:00", "out of hours"],
                ["Mon 9 Mar 09:00", "Wed 11 Mar 17:00", "24 h of working time"],
            ]
        );
        assert!(rows.iter().any(|row| row[2] == "holiday"), "{rows:?}");
        assert_eq!(rows[rows.len() - 1], ["Mon 16 Mar 09:00", "10:00", "1 h"]);
    }
}
