//! Which wall-clock times of a date the rules of some hours open.
//!
//! A rule of `opening_hours` replaces the earlier ones on the dates it matches. The crate, like other
//! implementations, applies that to the *date*, and so forgets a night on its way: of
//! `Mo-Th 18:00-02:00; Fr-Sa 18:00-04:00` it leaves out Friday from midnight to 02:00, although that is
//! the end of Thursday's opening. Here a night belongs to the date on which it begins: where hours go
//! past midnight they are split into what is open on the date itself and what the evening before left
//! over, each with the same rules about dates. What a date says is `off` is off, its first hours too.

use std::ops::Range;

use jiff::civil::Date;
use opening_hours::{Context, ContextHolidays, OpeningHours, RuleKind};
use opening_hours_syntax::ExtendedTime;
use opening_hours_syntax::rules::time::{Time, TimeSelector, TimeSpan};
use opening_hours_syntax::rules::{OpeningHoursExpression, RuleOperator, RuleSequence};

use super::local;

/// Rules ready to be asked date by date.
#[derive(Clone)]
pub(super) struct Rules {
    /// What is open on a date by itself; everything, when no opening goes past midnight.
    own: OpeningHours,
    nights: Option<Nights>,
}

/// What becomes of openings that go past midnight.
#[derive(Clone)]
struct Nights {
    /// For a date: what its openings leave over for the next, as times of that next date.
    left_over: OpeningHours,
    /// For a date: what it says is off, as if it were open.
    off: Option<OpeningHours>,
}

impl Rules {
    /// The rules of hours that have been checked.
    pub(super) fn of(hours: &OpeningHours) -> Rules {
        split(&hours.get_expression()).unwrap_or_else(|| Rules { own: hours.clone(), nights: None })
    }

    /// The same rules, knowing which dates are holidays.
    pub(super) fn with_holidays(&self, holidays: &ContextHolidays) -> Rules {
        let knowing = |hours: &OpeningHours| {
            hours.clone().with_context(Context::default().with_holidays(holidays.clone()))
        };
        Rules {
            own: knowing(&self.own),
            nights: self.nights.as_ref().map(|nights| Nights {
                left_over: knowing(&nights.left_over),
                off: nights.off.as_ref().map(knowing),
            }),
        }
    }

    /// The open times of a date, ascending and apart, in seconds from its midnight.
    pub(super) fn open_times(&self, day: Date) -> Vec<Range<i64>> {
        let mut open = on(&self.own, day);
        if let (Some(nights), Ok(eve)) = (&self.nights, day.yesterday()) {
            let off = nights.off.as_ref().map_or_else(Vec::new, |off| on(off, day));
            open.extend(on(&nights.left_over, eve).into_iter().flat_map(|left| without(left, &off)));
            open = merged(open);
        }
        open
    }
}

/// What the crate says is open on a date.
fn on(hours: &OpeningHours, day: Date) -> Vec<Range<i64>> {
    let Some(day) = local::to_chrono(day) else { return Vec::new() };
    hours
        .schedule_at(day)
        .into_iter()
        .filter(|span| span.kind == RuleKind::Open)
        .map(|span| {
            i64::from(span.range.start.mins_from_midnight()) * 60
                ..i64::from(span.range.end.mins_from_midnight()) * 60
        })
        .collect()
}

/// Splits rules at midnight; `None` when none of them goes past it, or when it cannot be done.
fn split(expression: &OpeningHoursExpression) -> Option<Rules> {
    let rules = &expression.rules;
    // What a fallback falls back from would have to be known for both parts together.
    let falls_back = rules.iter().any(|rule| rule.operator == RuleOperator::Fallback);
    if falls_back || rules.iter().all(|rule| past_midnight(rule).is_empty()) {
        return None;
    }
    let left_over = rules.iter().filter_map(leave_over);
    let off = rules.iter().filter(|rule| rule.kind == RuleKind::Closed).map(|rule| RuleSequence {
        kind: RuleKind::Open,
        operator: RuleOperator::Additional,
        ..before_midnight(rule)
    });
    let off: Vec<_> = off.collect();
    Some(Rules {
        own: hours_of(rules.iter().map(before_midnight).collect())?,
        nights: Some(Nights {
            left_over: hours_of(left_over.collect())?,
            off: if off.is_empty() { None } else { Some(hours_of(off)?) },
        }),
    })
}

/// The rule, for the date itself.
fn before_midnight(rule: &RuleSequence) -> RuleSequence {
    let clip = |span: &TimeSpan| match span.range {
        Range { start: Time::Fixed(start), end: Time::Fixed(end) }
            if end <= start || end > ExtendedTime::MIDNIGHT_24 =>
        {
            TimeSpan::fixed_range(start, ExtendedTime::MIDNIGHT_24)
        }
        _ => span.clone(),
    };
    let spans = rule.time_selector.spans.iter().map(clip).collect();
    RuleSequence { time_selector: TimeSelector::new(spans), ..rule.clone() }
}

/// The rule, for the date after: one that replaces others and leaves nothing over is `off` there.
fn leave_over(rule: &RuleSequence) -> Option<RuleSequence> {
    let spans = past_midnight(rule);
    match (rule.kind, rule.operator) {
        (RuleKind::Open, RuleOperator::Normal) if spans.is_empty() => Some(RuleSequence {
            kind: RuleKind::Closed,
            time_selector: TimeSelector::default(),
            ..rule.clone()
        }),
        _ if spans.is_empty() => None,
        _ => Some(RuleSequence { time_selector: TimeSelector::new(spans), ..rule.clone() }),
    }
}

/// What of a rule's times lies past midnight, as times of the date after.
fn past_midnight(rule: &RuleSequence) -> Vec<TimeSpan> {
    let spans = rule.time_selector.spans.iter().filter_map(|span| {
        let (Time::Fixed(start), Time::Fixed(end)) = (span.range.start, span.range.end) else { return None };
        let end = if end <= start { end } else { end.add_hours(-24)? };
        (end > ExtendedTime::MIDNIGHT_00).then(|| TimeSpan::fixed_range(ExtendedTime::MIDNIGHT_00, end))
    });
    spans.collect()
}

/// Hours with these rules. The crate makes them from text only; what does not survive the way through
/// text is not used.
fn hours_of(mut rules: Vec<RuleSequence>) -> Option<OpeningHours> {
    // The operator of the first rule has no meaning, and no text.
    if let Some(first) = rules.first_mut() {
        first.operator = RuleOperator::Normal;
    }
    let expression = OpeningHoursExpression { rules };
    let hours: OpeningHours = expression.to_string().parse().ok()?;
    (*hours.get_expression() == expression).then_some(hours)
}

/// What is left of a time without others, which ascend.
fn without(time: Range<i64>, others: &[Range<i64>]) -> Vec<Range<i64>> {
    let mut rest = Vec::new();
    let mut start = time.start;
    for other in others {
        rest.push(start..other.start.min(time.end));
        start = start.max(other.end);
    }
    rest.push(start..time.end);
    rest.retain(|piece| piece.start < piece.end);
    rest
}

/// The same times, ascending, those that touch or overlap made one.
fn merged(mut times: Vec<Range<i64>>) -> Vec<Range<i64>> {
    times.sort_unstable_by_key(|time| time.start);
    let mut apart: Vec<Range<i64>> = Vec::with_capacity(times.len());
    for time in times {
        match apart.last_mut() {
            Some(last) if time.start <= last.end => last.end = last.end.max(time.end),
            _ => apart.push(time),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn times(text: &str, day: Date, holiday: Date) -> Vec<String> {
        let mut public = ContextHolidays::default().get_public().clone();
        public.insert(local::to_chrono(holiday).unwrap());
        let holidays = ContextHolidays::new(public.into(), Default::default());
        let clock = |at: i64| format!("{:02}:{:02}", at / 3600, at / 60 % 60);
        let rules = Rules::of(&text.parse().unwrap()).with_holidays(&holidays);
        rules.open_times(day).iter().map(|r| format!("{}-{}", clock(r.start), clock(r.end))).collect()
    }

    #[test]
    fn a_night_belongs_to_the_date_on_which_it_begins() {
        let (friday, saturday, monday) = (date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 9));
        let tuesday = date(2026, 3, 10);
        for (text, day, expected) in [
            ("Mo-Th 18:00-02:00; Fr-Sa 18:00-04:00", friday, vec!["00:00-02:00", "18:00-24:00"]),
            ("Fr 22:00-02:00; Sa 10:00-12:00", saturday, vec!["00:00-02:00", "10:00-12:00"]),
            ("Sa 10:00-12:00; Fr 22:00-02:00", saturday, vec!["00:00-02:00", "10:00-12:00"]),
            ("Fr 22:00-26:00, Sa 01:00-03:00", saturday, vec!["00:00-03:00"]),
            ("Mo-Fr 20:00-03:00; Fr 20:00-23:00", saturday, vec![]),
            ("Mo-Su 22:00-00:00; Sa 10:00-11:00", saturday, vec!["10:00-11:00"]),
            ("Mo-Su 20:00-44:00; Sa 21:00-22:00", saturday, vec!["00:00-20:00", "21:00-22:00"]),
            ("Mo-Su 22:00-02:00; Sa off", saturday, vec![]),
            (
                "Mo-Su 22:00-02:00; Sa 00:30-01:00 off",
                saturday,
                vec!["00:00-00:30", "01:00-02:00", "22:00-24:00"],
            ),
            // Monday is a holiday.
            ("Mo-Su 22:00-02:00; PH off", monday, vec![]),
            ("Mo-Su 22:00-02:00; PH off", tuesday, vec!["00:00-02:00", "22:00-24:00"]),
            ("Mo-Su 22:00-02:00; PH 10:00-12:00", monday, vec!["00:00-02:00", "10:00-12:00"]),
            ("Mo-Su 22:00-02:00; PH 10:00-12:00", tuesday, vec!["22:00-24:00"]),
        ] {
            assert_eq!(times(text, day, monday), expected, "{text} on {day}");
        }
    }

    #[test]
    fn hours_that_end_by_midnight_are_left_as_they_are() {
        for text in ["Mo-Fr 09:00-17:00; PH off", "24/7", "Mo-Su 18:00-24:00; Sa 10:00-00:00"] {
            assert!(Rules::of(&text.parse().unwrap()).nights.is_none(), "{text}");
        }
    }
}
