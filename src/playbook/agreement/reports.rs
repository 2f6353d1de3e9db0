//! `[reports]` and what campaigns cost: who gets which figures when, and what they are held against.

use jiff::ToSpan;
use jiff::civil::{Date, Time, Weekday};

use super::Reading;
use crate::domain::report::costs::{Cost, CostSpan};
use crate::domain::report::mailing::{Reader, Reports};
use crate::domain::report::period::{Length, Schedule};
use crate::playbook::fields::{self, Refusal};
use crate::playbook::references::What;
use crate::playbook::section::{Located, Section};

/// More than this is a slip of the keyboard.
const MOST: i64 = 1_000_000_000;

impl Reading<'_> {
    pub(super) fn reports(&mut self, top: &mut Section<'_>) -> Option<Reports> {
        let mut section = top.section("reports")?;
        section.require("calendar", "name the calendar by whose days reports are due: `office`");
        let calendar = section.parsed("calendar", fields::name);
        let calendar = calendar.map(|name| self.references.refer(What::Calendar, &section.source, &name));
        let weekly = section.parsed("weekly", weekly).and_then(|weekly| weekly.value);
        let monthly = section.parsed("monthly", monthly).and_then(|monthly| monthly.value);
        let to = section.list("to", reader);
        for (index, reader) in to.iter().enumerate() {
            if to.iter().take(index).any(|other| other.value == reader.value) {
                section.source.refuse(&reader.span, "this reader is there twice", "delete one");
            }
        }
        let mails = weekly.is_some() || monthly.is_some();
        if mails && to.is_empty() && !section.has("to") {
            section.source.refuse(
                &section.span,
                "nobody gets the reports",
                "write `to = [\"managers\", \"marketing\"]`, or `weekly = \"never\"`",
            );
        } else if mails && to.is_empty() {
            section.refuse("to", "nobody gets the reports", "write `to = [\"managers\", \"marketing\"]`");
        }
        let currency = section.words("currency");
        section.finish();
        let to = to.into_iter().map(|reader| reader.value).collect();
        Some(Reports { calendar: calendar?, weekly, monthly, to, currency })
    }
}

/// `Monday 08:00`, or `never`.
fn weekly(text: &str) -> Result<Option<Schedule>, Refusal> {
    if text == "never" {
        return Ok(None);
    }
    let refusal =
        || Refusal::new(format!("`{text}` is no day and time of a week"), "write `Monday 08:00`, or `never`");
    let (day, at) = text.split_once(' ').ok_or_else(refusal)?;
    let day = fields::one_of(
        "day of the week",
        day,
        &[
            ("Monday", Weekday::Monday),
            ("Tuesday", Weekday::Tuesday),
            ("Wednesday", Weekday::Wednesday),
            ("Thursday", Weekday::Thursday),
            ("Friday", Weekday::Friday),
            ("Saturday", Weekday::Saturday),
            ("Sunday", Weekday::Sunday),
        ],
    )?;
    let day = u32::from(day.since(Weekday::Monday).unsigned_abs());
    Ok(Some(Schedule { length: Length::Week, day, time: time(at).ok_or_else(refusal)? }))
}

/// `first business day 08:00`, or `never`.
fn monthly(text: &str) -> Result<Option<Schedule>, Refusal> {
    if text == "never" {
        return Ok(None);
    }
    let at = text.strip_prefix("first business day ").and_then(time).ok_or_else(|| {
        Refusal::new(
            format!("`{text}` is no day and time of a month"),
            "write `first business day 08:00`, or `never`",
        )
    })?;
    Ok(Some(Schedule { length: Length::Month, day: 0, time: at }))
}

/// `08:00`.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn reader(text: &str) -> Result<Reader, Refusal> {
    if text.contains('@') {
        return fields::email(text).map(Reader::Address);
    }
    let known = [("managers", 0), ("directors", 1), ("marketing", 2)];
    fields::one_of("reader of reports", text, &known).map(|known| match known {
        0 => Reader::Managers,
        1 => Reader::Directors,
        _ => Reader::Marketing,
    })
}

/// `cost = 12000` for all there is, or `cost = ["4000 in 2026-03", "9000 in 2026-Q2", "50000 in 2027"]`.
pub(super) fn cost(section: &mut Section<'_>) -> Option<Cost> {
    if !section.is_list("cost") {
        return section.integer("cost", 0..=MOST).map(Cost::Whole);
    }
    let spans: Vec<Located<CostSpan>> = section.list("cost", cost_span);
    for (index, span) in spans.iter().enumerate() {
        let meets = |other: &&Located<CostSpan>| {
            other.value.first <= span.value.last && span.value.first <= other.value.last
        };
        if spans.iter().take(index).any(|other| meets(&other)) {
            section.source.refuse(
                &span.span,
                "these days have a cost already",
                "give each day one cost: a year, or its quarters, or its months",
            );
        }
    }
    if spans.is_empty() {
        return None;
    }
    Some(Cost::Spans(spans.into_iter().map(|span| span.value).collect()))
}

/// `4000 in 2026-03`, `9000 in 2026-Q2`, `50000 in 2026`.
fn cost_span(text: &str) -> Result<CostSpan, Refusal> {
    let refusal = || {
        Refusal::new(
            format!("`{text}` is no cost of some days"),
            "write `4000 in 2026-03`, `9000 in 2026-Q2` or `50000 in 2026`",
        )
    };
    let (amount, days) = text.split_once(" in ").ok_or_else(refusal)?;
    let digits = !amount.is_empty() && amount.bytes().all(|byte| byte.is_ascii_digit());
    let amount =
        amount.parse().ok().filter(|amount| digits && (0..=MOST).contains(amount)).ok_or_else(refusal)?;
    let (first, months) = months(days).ok_or_else(refusal)?;
    let last = first.checked_add(months.months()).and_then(Date::yesterday).map_err(|_| refusal())?;
    Ok(CostSpan { amount, first, last })
}

/// The first day of `2026`, `2026-Q2` or `2026-03`, and how many months it has.
fn months(text: &str) -> Option<(Date, i64)> {
    let (year, part) = text.split_once('-').map_or((text, None), |(year, part)| (year, Some(part)));
    if year.len() != 4 {
        return None;
    }
    let (month, months) = match part {
        None => (1, 12),
        Some("Q1") => (1, 3),
        Some("Q2") => (4, 3),
        Some("Q3") => (7, 3),
        Some("Q4") => (10, 3),
        Some(month) if month.len() == 2 => (month.parse().ok()?, 1),
        Some(_) => return None,
    };
    Some((Date::new(year.parse().ok()?, month, 1).ok()?, months))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_cost_is_for_a_year_a_quarter_or_a_month() {
        for (text, amount, first, last) in [
            ("4000 in 2026-02", 4_000, date(2026, 2, 1), date(2026, 2, 28)),
            ("9000 in 2026-Q4", 9_000, date(2026, 10, 1), date(2026, 12, 31)),
            ("0 in 2026", 0, date(2026, 1, 1), date(2026, 12, 31)),
        ] {
            assert_eq!(cost_span(text), Ok(CostSpan { amount, first, last }));
        }
        for text in
            ["4000", "4000 in 2026-13", "-1 in 2026", "+1 in 2026", "4000 in 26", "x in 2026", "9 in 2026-Q5"]
        {
            let refused = cost_span(text);
            assert!(refused.is_err(), "{text}: {refused:?}");
        }
    }

    #[test]
    fn reports_are_due_on_a_day_of_the_week_and_on_the_first_of_the_month_on_which_somebody_works() {
        let at = |day, hour, length| Ok(Some(Schedule { length, day, time: Time::constant(hour, 0, 0, 0) }));
        assert_eq!(weekly("Monday 08:00"), at(0, 8, Length::Week));
        assert_eq!(weekly("Sunday 17:00"), at(6, 17, Length::Week));
        assert_eq!(monthly("first business day 08:00"), at(0, 8, Length::Month));
        assert_eq!((weekly("never"), monthly("never")), (Ok(None), Ok(None)));
        for text in ["Monday", "monday 08:00", "Monday 8:00", "Monday 24:00", "Monday 08:00 sharp"] {
            assert!(weekly(text).is_err(), "{text}");
        }
        for text in ["08:00", "first day 08:00", "first business day", "first business day 25:00"] {
            assert!(monthly(text).is_err(), "{text}");
        }
        assert_eq!(
            weekly("Mondya 08:00").map_err(|refusal| refusal.hint),
            Err("did you mean `Monday`?".to_owned())
        );
    }
}
