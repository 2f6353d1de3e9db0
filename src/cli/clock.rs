//! `nurtured clock`: the business-time calculator.
//!
//! JSON Lines in, JSON Lines out, one for one and in order, in constant memory: a bad line is answered
//! in its place with what is wrong, and the stream goes on. Holidays are the dates a line lists; there
//! are no countries here, so that the same line has the same answer for ever.
//!
//! ```text
//! {"hours":"Mo-Fr 09:00-17:00","zone":"Europe/Berlin","holidays":["2026-03-09"],"from":"2026-03-06T16:30:00+01:00","minutes":60}
//! {"at":"2026-03-10T08:30:00Z"}
//! ```

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{Calendar, Hours, instant_after};

/// Longer lines are answered with an error and not kept. A century of holidays fits.
const MAX_LINE: usize = 256 * 1024;

/// Calendars kept from line to line. A stream is about a few teams; when it is not, forgetting them all
/// costs less than keeping account of which was used last.
const MAX_CALENDARS: usize = 256;

/// How many bytes of calendars are kept, as written.
const MAX_CALENDAR_BYTES: usize = 4 * 1024 * 1024;

/// Longer errors are cut, in characters.
const MAX_ERROR: usize = 300;

/// How far apart `from` and the answer may be.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 366 * 100);

/// The first year in which the hours' syntax has a meaning.
const FIRST_YEAR: i16 = 1900;

/// A question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    hours: String,
    zone: String,
    #[serde(default)]
    holidays: Option<Vec<String>>,
    from: String,
    to: Option<String>,
    minutes: Option<i64>,
}

/// The answer to one line.
#[derive(Debug, Serialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// So many whole minutes are open.
    OpenMinutes(i64),
    /// The minutes are used up then.
    At(Timestamp),
    /// The line cannot be answered.
    Error(String),
}

impl Answer {
    /// What is wrong, in a length that somebody will read: parts of the line may be quoted in it.
    fn error(message: String) -> Answer {
        Answer::Error(match message.char_indices().nth(MAX_ERROR) {
            Some((end, _)) => format!("{}…", &message[..end]),
            None => message,
        })
    }
}

/// Answers every line of `input` on `output`, and says whether every line was good.
///
/// # Errors
///
/// When reading or writing fails; what is wrong with a line is an answer, not an error.
pub fn run(mut input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut calendars = Calendars::default();
    let mut line = Vec::new();
    let mut all_good = true;
    while let Some(fits) = read_line(&mut input, &mut line)? {
        let answer = if fits {
            answer(&line, &mut calendars).unwrap_or_else(Answer::error)
        } else {
            Answer::Error(format!("the line is longer than {MAX_LINE} bytes"))
        };
        all_good &= !matches!(answer, Answer::Error(_));
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(all_good)
}

/// Reads a line without its end; `None` at the end of the input, `false` when it was too long to keep.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let (mut any, mut fits) = (false, true);
    loop {
        let available = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            available => available?,
        };
        if available.is_empty() {
            return Ok(any.then_some(fits));
        }
        any = true;
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        fits &= line.len() + part.len() <= MAX_LINE;
        if fits {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(fits));
        }
    }
}

fn answer(line: &[u8], calendars: &mut Calendars) -> Result<Answer, String> {
    let text = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned())?;
    // Some editors begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err("the line is empty".to_owned());
    }
    let question: Question = serde_json::from_str(text).map_err(|error| {
        // A question is a line, so only the column says anything.
        format!("the line is not a question: {error}").replace(" at line 1 column", " at column")
    })?;
    let from = instant("from", &question.from)?;
    let calendar = calendars.get(&question)?;
    match (&question.to, question.minutes) {
        (Some(to), None) => {
            let to = instant("to", to)?;
            if to < from {
                return Err("`to` is before `from`".to_owned());
            }
            if to.duration_since(from) > HORIZON {
                return Err("`from` and `to` are more than 100 years apart".to_owned());
            }
            Ok(Answer::OpenMinutes(calendar.open_between(from, to).as_mins()))
        }
        (None, Some(minutes)) => {
            // Longer than any horizon, and short enough to be a duration.
            let target = SignedDuration::from_mins(minutes.clamp(-1, HORIZON.as_mins() + 1));
            instant_after(&[&calendar], from, &[], target, HORIZON)
                .map(Answer::At)
                .map_err(|error| error.to_string())
        }
        (Some(_), Some(_)) => Err("give either `to` or `minutes`, not both".to_owned()),
        (None, None) => Err("give `to` or `minutes`".to_owned()),
    }
}

fn instant(name: &str, text: &str) -> Result<Timestamp, String> {
    let at: Timestamp = text.parse().map_err(|_| {
        format!("`{name}` is not a time with an offset from UTC, such as `2026-03-02T09:00:00+01:00`")
    })?;
    if jiff::tz::Offset::UTC.to_datetime(at).year() < FIRST_YEAR {
        return Err(format!("`{name}` is before {FIRST_YEAR}"));
    }
    Ok(at)
}

/// The calendars of the lines so far, and what was wrong with those that are none.
#[derive(Default)]
struct Calendars {
    kept: HashMap<String, Result<Calendar, String>>,
    bytes: usize,
    key: String,
}

impl Calendars {
    fn get(&mut self, question: &Question) -> Result<Calendar, String> {
        self.key.clear();
        let holidays = question.holidays.iter().flatten().map(String::as_str);
        for part in [question.zone.as_str(), question.hours.as_str()].into_iter().chain(holidays) {
            self.key.push_str(part);
            // A control character stands in no part that is accepted, so equal keys mean equal parts.
            self.key.push('\0');
        }
        if let Some(known) = self.kept.get(&self.key) {
            return known.clone();
        }
        if self.kept.len() >= MAX_CALENDARS || self.bytes + self.key.len() > MAX_CALENDAR_BYTES {
            self.kept.clear();
            self.bytes = 0;
        }
        let calendar = calendar(question);
        self.bytes += self.key.len();
        self.kept.insert(self.key.clone(), calendar.clone());
        calendar
    }
}

fn calendar(question: &Question) -> Result<Calendar, String> {
    let with_hint = |message: String, hint: Option<String>| match hint {
        Some(hint) => format!("{message}: {hint}"),
        None => message,
    };
    let hours = Hours::parse(&question.hours)
        .map_err(|error| with_hint(format!("`hours`: {}", error.message), error.hint))?;
    let holidays = question
        .holidays
        .iter()
        .flatten()
        .map(|date| {
            date.parse::<Date>()
                .map_err(|_| format!("`holidays`: `{date}` is not a date, such as `2026-03-09`"))
        })
        .collect::<Result<_, _>>()?;
    Calendar::new(&question.zone, hours, holidays).map_err(|error| {
        let hint = error.hint();
        with_hint(error.to_string(), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> (Vec<String>, bool) {
        let mut output = Vec::new();
        let all_good = run(input, &mut output).unwrap();
        (String::from_utf8(output).unwrap().lines().map(str::to_owned).collect(), all_good)
    }

    fn ask(rest: &str) -> String {
        let line = format!(r#"{{"hours":"Mo-Fr 09:00-17:00","zone":"Europe/Berlin",{rest}}}"#);
        let (answers, _) = lines(line.as_bytes());
        assert_eq!(answers.len(), 1);
        answers[0].clone()
    }

    #[test]
    fn a_question_is_answered() {
        for (rest, answer) in [
            (
                r#""from":"2026-03-02T09:00:00+01:00","to":"2026-03-02T10:00:00+01:00""#,
                r#"{"open_minutes":60}"#,
            ),
            (r#""from":"2026-03-02T09:00:00Z","to":"2026-03-02T09:00:00Z""#, r#"{"open_minutes":0}"#),
            (
                r#""from":"2026-03-02T09:00:30+01:00","to":"2026-03-02T09:02:00+01:00""#,
                r#"{"open_minutes":1}"#,
            ),
            (r#""from":"2026-03-06T16:30:00+01:00","minutes":60"#, r#"{"at":"2026-03-09T08:30:00Z"}"#),
            (
                r#""holidays":["2026-03-09"],"from":"2026-03-06T16:30:00+01:00","minutes":60"#,
                r#"{"at":"2026-03-10T08:30:00Z"}"#,
            ),
            (
                r#""holidays":[],"from":"2026-03-06T16:30:00+01:00","minutes":30"#,
                r#"{"at":"2026-03-06T16:00:00Z"}"#,
            ),
        ] {
            assert_eq!(ask(rest), answer, "{rest}");
        }
    }

    #[test]
    fn a_bad_line_is_answered_in_its_place_and_remembered() {
        let good = r#"{"hours":"24/7","zone":"UTC","from":"2026-03-02T09:00:00Z","minutes":1}"#;
        let (answers, all_good) = lines(format!("{good}\nnonsense\n\n{good}").as_bytes());
        assert!(!all_good);
        assert_eq!(answers.len(), 4);
        assert_eq!(answers[0], r#"{"at":"2026-03-02T09:01:00Z"}"#);
        assert!(answers[1].starts_with(r#"{"error":"#) && answers[2].starts_with(r#"{"error":"#));
        assert_eq!(answers[3], answers[0]);
        assert!(lines(good.as_bytes()).1);
        assert_eq!(lines(b""), (vec![], true));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        let to = r#""from":"2026-03-02T09:00:00Z","to":"2026-03-02T10:00:00Z""#;
        for (line, error) in [
            (ask(r#""from":"2026-03-02T09:00:01Z","to":"2026-03-02T09:00:00Z""#), "`to` is before `from`"),
            (
                ask(r#""from":"2026-03-02T09:00:00","to":"2026-03-02T10:00:00Z""#),
                "`from` is not a time with an offset",
            ),
            (ask(r#""from":"2026-03-02T09:00:00Z""#), "give `to` or `minutes`"),
            (ask(&format!(r#"{to},"minutes":3"#)), "give either `to` or `minutes`"),
            (ask(r#""from":"2026-03-02T09:00:00Z","minutes":0"#), "longer than nothing"),
            (ask(r#""from":"2026-03-02T09:00:00Z","minutes":-9223372036854775808"#), "longer than nothing"),
            (
                ask(r#""from":"2026-03-02T09:00:00Z","minutes":9223372036854775807"#),
                "not used up within 100 years",
            ),
            (ask(r#""from":"2026-03-02T09:00:00Z","minutes":1.5"#), "invalid type"),
            (ask(r#""from":"1066-10-14T09:00:00Z","minutes":1"#), "before 1900"),
            (ask(r#""from":"1900-10-14T09:00:00Z","to":"2026-03-02T10:00:00Z""#), "100 years apart"),
            (ask(&format!(r#"{to},"holidays":["2026-02-30"]"#)), "`2026-02-30` is not a date"),
            (ask(&format!(r#"{to},"holiday":["2026-02-28"]"#)), "unknown field `holiday`"),
        ] {
            assert!(line.starts_with(r#"{"error":"#) && line.contains(error), "{line}");
        }
        for (hours, zone, error) in [
            ("Mo-Fr 09:00-17:00", "Europe/Berlln", "did you mean `Europe/Berlin`?"),
            ("Mo-Fr 09:00-17:00", "berlin", "did you mean `Europe/Berlin`?"),
            ("Mo-Fr 09:00-17:00; SH off", "UTC", "`hours`: school holidays"),
            ("off", "UTC", "closed on every day"),
        ] {
            let line = format!(r#"{{"hours":"{hours}","zone":"{zone}",{to}}}"#);
            let (answers, all_good) = lines(line.as_bytes());
            assert!(!all_good && answers[0].contains(error), "{answers:?}");
        }
    }

    #[test]
    fn hours_that_only_open_on_a_listed_holiday_are_refused() {
        let line = r#"{"hours":"2026 Mar 09 09:00-17:00","zone":"UTC","holidays":["2026-03-09"],"from":"2026-03-02T09:00:00Z","minutes":1}"#;
        assert!(lines(line.as_bytes()).0[0].contains("never open"));
    }

    #[test]
    fn hostile_lines_are_answered_and_the_stream_goes_on() {
        let good = br#"{"hours":"24/7","zone":"UTC","from":"2026-03-02T09:00:00Z","minutes":1}"#;
        let mut input = vec![b'x'; 1_000_000];
        input.extend_from_slice(b"\n\xff\xfe\n");
        input.extend_from_slice("[".repeat(100_000).as_bytes());
        input.push(b'\n');
        input.extend_from_slice(format!("{{\"{}\":1}}\n", "k".repeat(100_000)).as_bytes());
        input.extend_from_slice(good);
        input.extend_from_slice(b"\r\n");
        let (answers, all_good) = lines(&input);
        assert!(!all_good);
        assert!(answers[0].contains("longer than 262144 bytes"));
        assert!(answers[1].contains("not UTF-8"));
        assert!(answers[2].starts_with(r#"{"error":"#));
        assert!(answers[3].contains("unknown field") && answers[3].len() < 400, "{}", answers[3]);
        assert_eq!(answers[4..], [r#"{"at":"2026-03-02T09:01:00Z"}"#]);
    }

    #[test]
    fn many_calendars_are_forgotten_and_answered_all_the_same() {
        let mut input = String::new();
        for number in 0..(MAX_CALENDARS + 50) {
            let minute = number % 60;
            let hour = 10 + number / 60;
            input.push_str(&format!(
                r#"{{"hours":"Mo-Fr 09:00-{hour}:{minute:02}","zone":"UTC","from":"2026-03-02T09:00:00Z","to":"2026-03-03T00:00:00Z"}}"#,
            ));
            input.push('\n');
        }
        let (answers, all_good) = lines(input.as_bytes());
        assert!(all_good);
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(*answer, format!(r#"{{"open_minutes":{}}}"#, 60 + number));
        }
    }
}
