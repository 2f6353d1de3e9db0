//! When somebody is open, as people write it: OpenStreetMap `opening_hours` text.
//!
//! The crate reads the text and says, date by date, which wall-clock times are open; instants, zones
//! and clock changes are none of its business here ([`super::openings`] maps them). What cannot be
//! counted in minutes (`unknown`, comments, open ends), what depends on the sun or on schools, and what
//! can only be a mistake (`Feb 30`, `09:00-09:00`) is refused when the text is read, with the place.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::{Date, date};
use opening_hours::{OpeningHours, RuleKind};
use opening_hours_syntax::Error as SyntaxError;
use opening_hours_syntax::rules::day::{Date as DayOfYear, HolidayKind, MonthdayRange, WeekDayRange};
use opening_hours_syntax::rules::time::{Time, TimeSpan};
use opening_hours_syntax::rules::{OpeningHoursExpression, RuleSequence};

use super::rules::Rules;

/// Longer texts are mistakes; evaluating one is quadratic in its rules.
const MAX_LENGTH: usize = 1024;

/// Hours that open on no date from here …
pub(super) const SEARCH_FROM: Date = date(2000, 1, 1);
/// … to here are called never open.
pub(super) const SEARCH_TO: Date = date(2100, 1, 1);

/// Open wall-clock times, without a zone and without knowing which dates are holidays.
///
/// Cheap to clone. Two are equal when their texts are.
#[derive(Clone)]
pub struct Hours(Arc<Parsed>);

struct Parsed {
    text: String,
    rules: Rules,
    names_holidays: bool,
}

/// Why a text is not accepted as hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HoursError {
    /// What is wrong, as one sentence without a final full stop.
    pub message: String,
    /// The place in the text, in bytes, when it is known.
    pub span: Option<Range<usize>>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Hours {
    /// Reads `opening_hours` text, such as `Mo-Fr 09:00-12:00,13:00-17:30; PH off`.
    ///
    /// Syntax: <https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification>. Times past
    /// midnight (`22:00-02:00`) belong to the date on which they begin.
    ///
    /// # Errors
    ///
    /// When the text does not follow the syntax, or asks for something that this product does not count.
    pub fn parse(text: &str) -> Result<Hours, HoursError> {
        if text.trim().is_empty() {
            return Err(refusal("the hours are empty").advise(EXAMPLE));
        }
        if text.len() > MAX_LENGTH {
            return Err(refusal(format!("the hours are longer than {MAX_LENGTH} bytes")));
        }
        let hours: OpeningHours = text.parse().map_err(|error| from_syntax(error, text))?;
        let expression = hours.get_expression();
        refuse_what_cannot_be_counted(&expression, text)?;
        let names_holidays = expression
            .rules
            .iter()
            .flat_map(|rule| &rule.day_selector.weekday)
            .any(|day| matches!(day, WeekDayRange::Holiday { .. }));
        let rules = Rules::of(&hours);
        // With a `PH` rule it depends on the holidays, which only the calendar knows.
        if !names_holidays && !opens_some_day(|day| !rules.open_times(day).is_empty()) {
            return Err(refusal(format!(
                "these hours are closed on every day from {} to {}",
                SEARCH_FROM.year(),
                SEARCH_TO.year()
            ))
            .at(0..text.len())
            .advise(EXAMPLE));
        }
        Ok(Hours(Arc::new(Parsed { text: text.to_owned(), rules, names_holidays })))
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether the text itself says what happens on public holidays (`PH off`, `PH 10:00-12:00`).
    pub fn names_holidays(&self) -> bool {
        self.0.names_holidays
    }

    /// The rules, as if no date were a holiday.
    pub(super) fn rules(&self) -> &Rules {
        &self.0.rules
    }
}

impl PartialEq for Hours {
    fn eq(&self, other: &Hours) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Hours {}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hours").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether `opens` holds for any date of the search.
pub(super) fn opens_some_day(opens: impl Fn(Date) -> bool) -> bool {
    // Most hours open within a week, and those that do not are mostly about years to come.
    SEARCH_FROM.series(jiff::Span::new().days(1)).take_while(|day| *day < SEARCH_TO).any(opens)
}

const EXAMPLE: &str = "write them like `Mo-Fr 09:00-17:00`";

fn refusal(message: impl Into<String>) -> HoursError {
    HoursError { message: message.into(), span: None, hint: None }
}

impl HoursError {
    fn at(mut self, span: impl Into<Option<Range<usize>>>) -> HoursError {
        self.span = span.into();
        self
    }

    fn advise(mut self, hint: impl Into<String>) -> HoursError {
        self.hint = Some(hint.into());
        self
    }
}

fn from_syntax(error: SyntaxError, text: &str) -> HoursError {
    match error {
        SyntaxError::Syntax(error) => {
            let start = match error.location {
                pest::error::InputLocation::Pos(start) | pest::error::InputLocation::Span((start, _)) => {
                    start
                }
            };
            let place = word_around(text, start);
            let found = match text.get(place.clone()) {
                Some(found) if !found.is_empty() => format!("`{found}` is not expected here"),
                _ => "the hours end too early".to_owned(),
            };
            refusal(found).at(place).advise(EXAMPLE)
        }
        SyntaxError::Unsupported("point in time") => refusal("a single time opens for no length of time")
            .advise("write from when to when, as in `09:00-17:00`"),
        error => refusal(error.to_string()).advise(EXAMPLE),
    }
}

fn refuse_what_cannot_be_counted(expression: &OpeningHoursExpression, text: &str) -> Result<(), HoursError> {
    for rule in &expression.rules {
        refuse_uncertain(rule, text)?;
        for day in &rule.day_selector.weekday {
            if matches!(day, WeekDayRange::Holiday { kind: HolidayKind::School, .. }) {
                return Err(refusal("school holidays (`SH`) are not known here")
                    .at(word(text, "SH"))
                    .advise("list the dates among the calendar's own holidays"));
            }
        }
        for range in &rule.day_selector.monthday {
            let MonthdayRange::Date { start, end } = range else { continue };
            for day in [&start.0, &end.0] {
                if !occurs(day) {
                    let day = day.to_string();
                    return Err(refusal(format!("there is no {day}")).at(find(text, &day)));
                }
            }
        }
        for span in &rule.time_selector.spans {
            refuse_odd_times(span, text)?;
        }
    }
    Ok(())
}

fn refuse_uncertain(rule: &RuleSequence, text: &str) -> Result<(), HoursError> {
    if rule.kind == RuleKind::Unknown {
        return Err(refusal("`unknown` hours cannot be counted")
            .at(word(text, "unknown"))
            .advise("say whether it is open: write times, or `off`"));
    }
    if !rule.comment.is_empty() {
        let place = find(text, &format!("\"{}\"", rule.comment));
        return Err(refusal("a comment in the hours says something that cannot be counted")
            .at(place)
            .advise("leave it out"));
    }
    Ok(())
}

fn refuse_odd_times(span: &TimeSpan, text: &str) -> Result<(), HoursError> {
    for time in [&span.range.start, &span.range.end] {
        if let Some(event) = time.as_time_event() {
            return Err(refusal(format!("`{event}` moves with the sun; hours are local times"))
                .at(word(text, event.as_str()))
                .advise("write a time, as in `09:00-17:00`"));
        }
    }
    if span.open_end {
        let place = text.match_indices('+').map(|(at, _)| at).find(|at| {
            text[..*at].trim_end().ends_with(|before: char| before.is_ascii_digit())
                && text[..*at].rfind(':').is_some_and(|colon| at - colon <= 4)
        });
        return Err(refusal("an open end (`+`) cannot be counted")
            .at(place.map(|at| at..at + 1))
            .advise("write when it closes, as in `09:00-17:00`"));
    }
    if span.repeats.is_some() {
        return Err(refusal("times that repeat (`/`) open for no length of time")
            .at(find(text, "/"))
            .advise("write from when to when, as in `09:00-17:00`"));
    }
    if let (Time::Fixed(start), Time::Fixed(end)) = (&span.range.start, &span.range.end)
        && start == end
    {
        return Err(refusal(format!("`{span}` begins and ends at the same time"))
            .at(find(text, &span.to_string()))
            .advise("a whole day is `00:00-24:00`"));
    }
    Ok(())
}

/// Whether a day of the year exists in its year, or in any year when it names none.
fn occurs(day: &DayOfYear) -> bool {
    let DayOfYear::Fixed { year, month, day } = *day else { return true };
    // 2000 was a leap year.
    let year = year.map_or(2000, |year| *year);
    let (Ok(year), Ok(day)) = (i16::try_from(year), i8::try_from(day)) else { return false };
    Date::new(year, month as i8, day).is_ok()
}

/// The word at `index`; a separator is a word of its own, and the end of the text an empty one.
fn word_around(text: &str, index: usize) -> Range<usize> {
    let separates = |c: char| c.is_whitespace() || [',', ';'].contains(&c);
    let (Some(before), Some(after)) = (text.get(..index), text.get(index..)) else { return 0..text.len() };
    match after.chars().next() {
        None => index..index,
        Some(first) if separates(first) => index..index + first.len_utf8(),
        Some(_) => {
            let start = before
                .rfind(separates)
                .map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8));
            start..index + after.find(separates).unwrap_or(after.len())
        }
    }
}

/// Where `needle` stands in `text`, whatever its case.
fn find(text: &str, needle: &str) -> Option<Range<usize>> {
    let start = text.to_ascii_lowercase().find(&needle.to_ascii_lowercase())?;
    Some(start..start + needle.len())
}

/// Where `needle` stands in `text` as a word of its own.
fn word(text: &str, needle: &str) -> Option<Range<usize>> {
    let folded = text.to_ascii_lowercase();
    let letter_at = |index: usize| folded.as_bytes().get(index).is_some_and(u8::is_ascii_alphabetic);
    folded
        .match_indices(&needle.to_ascii_lowercase())
        .map(|(start, found)| start..start + found.len())
        .find(|place| !letter_at(place.end) && !place.start.checked_sub(1).is_some_and(letter_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(text: &str, day: Date) -> Vec<String> {
        let hours = Hours::parse(text).unwrap();
        hours
            .rules()
            .open_times(day)
            .iter()
            .map(|r| {
                let clock = |at: i64| format!("{:02}:{:02}", at / 3600, at / 60 % 60);
                format!("{}-{}", clock(r.start), clock(r.end))
            })
            .collect()
    }

    #[test]
    fn hours_are_open_when_they_say_so() {
        let monday = date(2026, 3, 2);
        let saturday = date(2026, 3, 7);
        for (text, day, expected) in [
            ("Mo-Fr 09:00-17:00", monday, vec!["09:00-17:00"]),
            ("Mo-Fr 09:00-17:00", saturday, vec![]),
            ("Mo-Fr 09:00-12:00,13:00-17:30", monday, vec!["09:00-12:00", "13:00-17:30"]),
            ("Mo-Fr 13:00-17:30, Mo 09:00-12:00", monday, vec!["09:00-12:00", "13:00-17:30"]),
            ("24/7", saturday, vec!["00:00-24:00"]),
            ("Fr 22:00-02:00", saturday, vec!["00:00-02:00"]),
            ("Mo-Su 22:00-26:00", monday, vec!["00:00-02:00", "22:00-24:00"]),
            ("Mo-Fr 09:00-17:00; Mo 12:00-13:00 off", monday, vec!["09:00-12:00", "13:00-17:00"]),
            ("Mo-Fr 09:00-17:00; Mar 2 10:00-11:00", monday, vec!["10:00-11:00"]),
            ("Jan-Feb 09:00-17:00", monday, vec![]),
            ("week 10 Mo 9:00-17:00", monday, vec!["09:00-17:00"]),
            ("Mo[1] 09:00-10:00", monday, vec!["09:00-10:00"]),
            ("Mo-Fr 09:00-17:00; PH off", monday, vec!["09:00-17:00"]),
        ] {
            assert_eq!(times(text, day), expected, "{text} on {day}");
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused_with_its_place() {
        for (text, place, message) in [
            ("", None, "the hours are empty"),
            ("Mo-Fr 9-17", Some("9-17"), "`9-17` is not expected here"),
            ("Mo-Fr 09:00", None, "the hours end too early"),
            ("Mo-Fr 09:00-17:00; SH off", Some("SH"), "school holidays (`SH`) are not known here"),
            ("Mo-Fr sunrise-17:00", Some("sunrise"), "`sunrise` moves with the sun; hours are local times"),
            ("Mo-Fr 09:00-(dusk-01:00)", Some("dusk"), "`dusk` moves with the sun; hours are local times"),
            ("Su 10:00-12:00 unknown", Some("unknown"), "`unknown` hours cannot be counted"),
            (
                "Mo-Fr 09:00-17:00 \"by appointment\"",
                Some("\"by appointment\""),
                "a comment in the hours says something that cannot be counted",
            ),
            ("Mo-Fr 17:00+", Some("+"), "an open end (`+`) cannot be counted"),
            ("Mo-Fr 09:00-17:00+", Some("+"), "an open end (`+`) cannot be counted"),
            ("Mon-Fri 09:00-17:00", Some("Mon-Fri"), "`Mon-Fri` is not expected here"),
            ("Mo-Fr 09:00–17:00", Some("09:00–17:00"), "`09:00–17:00` is not expected here"),
            ("Mo-Fr 09:00-17:00; Foo off", Some("Foo"), "`Foo` is not expected here"),
            ("Mo-Fr 09:00-17:00;;", Some(";"), "`;` is not expected here"),
            ("Mo-Fr 10:00-16:00/01:30", Some("/"), "times that repeat (`/`) open for no length of time"),
            ("Mo-Fr 09:00-09:00", Some("09:00-09:00"), "`09:00-09:00` begins and ends at the same time"),
            ("Mo-Fr 09:00-17:00; Feb 30 off", Some("Feb 30"), "there is no Feb 30"),
            ("2026 Feb 29 09:00-17:00", Some("2026 Feb 29"), "there is no 2026 Feb 29"),
            ("Apr 1-Apr 31 09:00-17:00", Some("Apr 31"), "there is no Apr 31"),
        ] {
            let error = Hours::parse(text).expect_err(text);
            assert_eq!(error.message, message, "{text}");
            if let Some(place) = place {
                let span = error.span.clone().unwrap_or_else(|| panic!("{text}: no place"));
                assert_eq!(&text[span], place, "{text}");
            }
        }
    }

    #[test]
    fn hours_that_never_open_are_refused() {
        for text in ["off", "24/7 off", "Mo-Fr 09:00-17:00; off", "1950 Mo-Fr 09:00-17:00"] {
            let error = Hours::parse(text).expect_err(text);
            assert!(error.message.starts_with("these hours are closed on every day"), "{text}: {error}");
        }
    }

    #[test]
    fn the_text_says_whether_it_names_holidays() {
        assert!(Hours::parse("Mo-Fr 09:00-17:00; PH off").unwrap().names_holidays());
        assert!(!Hours::parse("Mo-Fr 09:00-17:00").unwrap().names_holidays());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_text_makes_the_reader_panic(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "Mo", "Fr", "Mo-Fr", "Su-Tu", "PH", "SH", "off", "open", "unknown", "24/7", "09:00-17:00",
                    "22:00-02:00", "00:00-48:00", "17:00+", "10:00-16:00/90", "sunrise-sunset", "week 1-53/2",
                    "Feb 29", "Feb 30", "Jan-Mar", "easter", "-1 day", "+2 days", "2026", "2026-2030/3", "[1]",
                    "[-5]", "\"x\"", ";", ",", "||", " ", " ", " ", "-", ":", "é", "9999", "PH +999 days",
                ]),
                0..9,
            ),
        ) {
            let text = words.concat();
            match Hours::parse(&text) {
                Err(error) => prop_assert!(error.span.is_none_or(|span| text.get(span).is_some())),
                Ok(hours) => {
                    for day in [Date::MIN, date(1899, 12, 31), Date::MAX, date(9999, 12, 30), date(2028, 2, 29)]
                        .into_iter()
                        .chain(date(2026, 12, 20).series(jiff::Span::new().days(1)).take(20))
                    {
                        let times = hours.rules().open_times(day);
                        prop_assert!(times.iter().all(|span| 0 <= span.start && span.start < span.end));
                        prop_assert!(times.windows(2).all(|pair| pair[0].end < pair[1].start));
                    }
                }
            }
        }
    }
}
