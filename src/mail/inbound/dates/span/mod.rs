//! Where in a text a date stands, and which days it means.
//!
//! A span is the whole expression ("Monday, the 17th of August 2026", "13.–24. Juli", "in two weeks") and the days
//! that it covers, from its first to its last. What it is for, an absence's end or a webinar, is for `role` to say.

mod dated;
mod numbers;
mod parts;
mod relative;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::tokens::{Gap, Token};
use super::vocabulary::{Meaning, Unit, meaning};

/// Further away than this a date is taken to lie on the other side of the new year.
const MOST_BEHIND: i32 = 75;

/// How exactly the days are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// A day of a month.
    Day,
    /// A day of the week without a date.
    Weekday,
    /// A week, or a part of one.
    Week,
    /// A month, or a part of one.
    Month,
    /// A count of days from now on: "two weeks".
    Count,
}

/// A date expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Its first token.
    pub from: usize,
    /// The token after its last.
    pub to: usize,
    /// The first day it covers.
    pub first: Date,
    /// The last one.
    pub last: Date,
    /// How exactly.
    pub grain: Grain,
    /// It says "from … to …" itself.
    pub is_range: bool,
    /// The days it may mean as well: day and month can be told apart by nothing.
    pub otherwise: Option<Date>,
}

/// In which order a language writes the numbers of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The day first.
    DayFirst,
    /// The month first.
    MonthFirst,
    /// Nothing says which.
    Unknown,
}

/// All date expressions of a text, in its order. `sent` is the day on which it was written, by its writer's clock.
pub(super) fn spans(tokens: &[Token<'_>], sent: Date, order: Order) -> Vec<Span> {
    let reader = Reader { tokens, sent, order };
    let mut spans = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match reader.span(at) {
            Some(span) => {
                at = span.to;
                spans.push(span);
            }
            None => at += 1,
        }
    }
    spans
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    sent: Date,
    order: Order,
}

/// A date within an expression.
struct Found {
    date: Date,
    otherwise: Option<Date>,
    to: usize,
}

impl Reader<'_> {
    pub(super) fn token(&self, at: usize) -> Option<&Token<'_>> {
        self.tokens.get(at)
    }

    pub(super) fn meaning(&self, at: usize) -> Option<Meaning> {
        self.token(at).filter(|token| token.is_word()).and_then(|token| meaning(token.text))
    }

    pub(super) fn number(&self, at: usize) -> Option<i64> {
        self.token(at)?.number
    }

    pub(super) fn is(&self, at: usize, sign: &str) -> bool {
        self.token(at).is_some_and(|token| token.is(sign))
    }

    /// The same, joined to what stands before it.
    pub(super) fn is_joined(&self, at: usize, sign: &str) -> bool {
        self.token(at).is_some_and(|token| token.is(sign) && token.gap == Gap::None)
    }

    fn span(&self, at: usize) -> Option<Span> {
        // A number that goes on with others, or with letters, is no date: "+49 30 9018", "v2.3", "ABC-12".
        let before = at.checked_sub(1).and_then(|before| self.token(before));
        if self.number(at).is_some()
            && self.tokens[at].gap == Gap::None
            && before.is_some_and(|before| {
                before.number.is_some()
                    || before.is("-") && at > 1 && self.number(at - 2).is_some()
                    || before.is("+")
                    || before.is("/")
                    || before.is_word()
                    || before.is(".")
            })
        {
            return None;
        }
        if at > 0 && self.number(at).is_some() && before.is_some_and(|before| before.is("+")) {
            return None;
        }
        self.with_weekday(at)
            .or_else(|| self.dated(at, None))
            .or_else(|| self.relative(at))
            .or_else(|| self.part_of_something(at))
            .or_else(|| self.weekday_alone(at))
            .or_else(|| self.day_of_month(at, None))
    }

    pub(super) fn one(&self, from: usize, to: usize, date: Date) -> Span {
        Span { is_range: false, ..self.range(from, to, date, date) }
    }

    pub(super) fn range(&self, from: usize, to: usize, first: Date, last: Date) -> Span {
        Span { from, to, first, last, grain: Grain::Day, is_range: true, otherwise: None }
    }

    pub(super) fn skip_weekday(&self, at: usize) -> usize {
        if matches!(self.meaning(at), Some(Meaning::Weekday(_) | Meaning::WeakWeekday(_))) {
            let next = at + 1;
            return if self.is(next, ",") || self.is_joined(next, ".") { next + 1 } else { next };
        }
        at
    }

    pub(super) fn skip_fillers(&self, mut at: usize) -> usize {
        let mut most = 2;
        while most > 0 && matches!(self.meaning(at), Some(Meaning::Filler)) {
            at += 1;
            most -= 1;
        }
        at
    }

    /// A day of a month and the token after it and its ending: "17", "17.", "17th", "1er", "1º".
    pub(super) fn day_number(&self, at: usize) -> Option<(i64, usize)> {
        let number = match self.meaning(at) {
            Some(Meaning::First) => 1,
            _ => self.number(at).filter(|number| (1..=31).contains(number))?,
        };
        let mut next = at + 1;
        let ends = ["st", "nd", "rd", "th", "er", "º", "°", "ª", "e", "a", "o"];
        if self.token(next).is_some_and(|token| token.gap == Gap::None && ends.contains(&token.text)) {
            next += 1;
        }
        if self.is_joined(next, ".") {
            next += 1;
        }
        Some((number, next))
    }

    pub(super) fn month(&self, at: usize, has_number_beside: bool) -> Option<i8> {
        match self.meaning(at)? {
            Meaning::Month(month) => Some(month),
            Meaning::WeakMonth(month) if has_number_beside => Some(month),
            _ => None,
        }
    }

    /// A year and the token after it, or none.
    pub(super) fn year(&self, at: usize) -> (Option<i16>, usize) {
        let mut next = at;
        while self.is(next, ",")
            || self.is_joined(next, ".")
            || self.token(next).is_some_and(|t| ["de", "del"].contains(&t.text))
        {
            next += 1;
        }
        match self.number(next) {
            Some(year) if (2000..2100).contains(&year) => (i16::try_from(year).ok(), next + 1),
            _ => (None, at),
        }
    }

    /// The date of this day in the year that is meant when none is named: the one that lies nearest ahead, or not far
    /// behind.
    pub(super) fn in_year(&self, month: i8, number: i64, year: Option<i16>) -> Option<Date> {
        let number = i8::try_from(number).ok()?;
        if let Some(year) = year {
            return Date::new(year, month, number).ok();
        }
        let this = self.sent.year();
        (this - 1..=this + 1)
            .filter_map(|year| Date::new(year, month, number).ok())
            .find(|date| (*date - self.sent).get_days() >= -MOST_BEHIND)
    }
}

fn grain_of(unit: Unit) -> Grain {
    match unit {
        Unit::Day | Unit::WorkingDay => Grain::Weekday,
        Unit::Week | Unit::Weekend => Grain::Week,
        Unit::Month | Unit::Quarter | Unit::Year => Grain::Month,
    }
}

/// The same day, or the Monday after it.
pub fn working_day(date: Date) -> Date {
    let ahead = match date.weekday() {
        Weekday::Saturday => 2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    date.checked_add(ahead.days()).unwrap_or(date)
}

fn day(year: i16, month: i64, number: i64) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(number).ok()?).ok()
}
