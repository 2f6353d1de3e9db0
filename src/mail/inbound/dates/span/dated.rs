//! Dates with a day: with a month's name, with a weekday, and two of them as a range.

use jiff::ToSpan;

use super::super::tokens::Gap;
use super::super::vocabulary::Meaning;
use super::{Found, Grain, Reader, Span};

impl Reader<'_> {
    /// "Monday, (the) 17 August".
    pub(super) fn with_weekday(&self, at: usize) -> Option<Span> {
        let (weekday, is_weak) = match self.meaning(at)? {
            Meaning::Weekday(day) => (day, false),
            Meaning::WeakWeekday(day) => (day, true),
            _ => return None,
        };
        let mut next = at + 1;
        let mut fillers = 0;
        while fillers < 3 {
            match self.token(next) {
                Some(token) if token.gap == Gap::Paragraph => return None,
                Some(token) if [".", ",", "("].contains(&token.text) => {}
                Some(_) if matches!(self.meaning(next), Some(Meaning::Filler)) && !is_weak => {}
                _ => break,
            }
            next += 1;
            fillers += 1;
        }
        let mut span = self.dated(next, Some(weekday)).or_else(|| self.day_of_month(next, Some(weekday)))?;
        span.from = at;
        if self.is(span.to, ")") {
            span.to += 1;
        }
        Some(span)
    }

    /// A date in numbers or with a month's name, or two of them as a range.
    pub(super) fn dated(&self, at: usize, weekday: Option<i8>) -> Option<Span> {
        if let Some(range) = self.short_range(at) {
            return Some(range);
        }
        let found = self.date(at, weekday)?;
        let is_other = weekday.is_some_and(|weekday| found.date.weekday().to_monday_one_offset() != weekday);
        let (date, otherwise) = match found.otherwise {
            // The weekday fits one of the two.
            Some(other) if is_other && weekday == Some(other.weekday().to_monday_one_offset()) => {
                (other, None)
            }
            otherwise => (found.date, otherwise.filter(|_| weekday.is_none() || is_other)),
        };
        Some(Span {
            from: at,
            to: found.to,
            first: date,
            last: date,
            grain: Grain::Day,
            is_range: false,
            otherwise,
        })
    }

    /// "The 13th", "Thursday the 11th", "quinta, dia 11": the next such day of a month that nobody names. Without a
    /// weekday that fits it needs the ending of an ordinal.
    pub(super) fn day_of_month(&self, at: usize, weekday: Option<i8>) -> Option<Span> {
        let (number, to) = self.day_number(at)?;
        let is_ordinal = self
            .token(at + 1)
            .is_some_and(|token| token.gap == Gap::None && ["st", "nd", "rd", "th"].contains(&token.text));
        let of_unit = matches!(self.meaning(to), Some(Meaning::Unit(_)));
        // "Bin am 25. wieder da."
        let is_german = self.is(to - 1, ".")
            && self.token(to).is_none_or(|next| next.gap != Gap::None && next.number.is_none())
            && at
                .checked_sub(1)
                .and_then(|before| self.token(before))
                .is_some_and(|token| ["am", "ab", "zum", "bis", "dem", "den"].contains(&token.text));
        let is_ordinal = is_ordinal || is_german;
        if (weekday.is_none() && !is_ordinal) || of_unit || self.meaning(at) == Some(Meaning::First) {
            return None;
        }
        // "Thursday 10:30" is a time.
        let is_time = self.is_joined(to, ":")
            || (self.is(to - 1, ".") && self.number(to).is_some_and(|_| self.tokens[to].gap == Gap::None))
            || self.meaning_of_time_after(to);
        if is_time {
            return None;
        }
        let number = i8::try_from(number).ok()?;
        let date = (0..3).find_map(|months: i64| {
            let month = self.sent.first_of_month().checked_add(months.months()).ok()?;
            let date = month.with().day(number).build().ok()?;
            let fits = weekday.is_none_or(|weekday| date.weekday().to_monday_one_offset() == weekday);
            (fits && date >= self.sent).then_some(date)
        })?;
        if self.is(to.checked_sub(1)?, ".") && !is_german {
            return Some(self.one(at, to - 1, date));
        }
        Some(self.one(at, to, date))
    }

    /// "13.–24. Juli", "3 to 14 August", "July 10-31", "from 3 August to 14", "01.-14.08.2026".
    fn short_range(&self, at: usize) -> Option<Span> {
        if let Some(first) = self.day_number(at) {
            let second_at = self.skip_weekday(self.joint(first.1)?);
            self.day_number(second_at)?;
            let last = self.date(second_at, None)?;
            let date = last.date;
            let mut start = date.with().day(i8::try_from(first.0).ok()?).build().ok()?;
            if start > date {
                // "28 to 3 August" began in July.
                start = start.checked_sub(1.month()).ok()?;
            }
            if start == date {
                return None;
            }
            return Some(self.range(at, last.to, start, date));
        }
        let month = self.month(at, true)?;
        let first = self.day_number(self.skip_fillers(at + 1))?;
        let second = self.day_number(self.joint(first.1)?)?;
        // "July 10 - 2 August": the second number has a month of its own.
        if self.month(self.skip_fillers(second.1), false).is_some() || second.0 <= first.0 {
            return None;
        }
        let (year, to) = self.year(second.1);
        let last = self.in_year(month, second.0, year)?;
        let start = last.with().day(i8::try_from(first.0).ok()?).build().ok()?;
        Some(self.range(at, to, start, last))
    }

    /// After the word or sign that joins the two ends of a range.
    fn joint(&self, at: usize) -> Option<usize> {
        let token = self.token(at)?;
        if token.is("-") {
            return Some(at + 1);
        }
        let joins = [
            "to", "bis", "al", "au", "a", "à", "tot", "till", "thru", "through", "until", "hasta", "até",
            "ao",
        ];
        if !joins.contains(&token.text) {
            return (token.is("t") && self.is_joined(at + 1, "/")).then_some(at + 3);
        }
        let mut next = at + 1;
        let more = ["zum", "el", "il", "le", "den", "en", "met", "och", "med", "the", "and", "including"];
        while self.token(next).is_some_and(|token| more.contains(&token.text)) {
            next += 1;
        }
        Some(next)
    }

    /// One date at this token.
    pub(super) fn date(&self, at: usize, weekday: Option<i8>) -> Option<Found> {
        self.iso(at).or_else(|| self.in_numbers(at, weekday)).or_else(|| self.in_words(at))
    }

    /// "17 August 2026", "the 17th of August", "August 17th, 2026".
    fn in_words(&self, at: usize) -> Option<Found> {
        if let Some((number, next)) = self.day_number(at) {
            let month_at = self.skip_fillers(next);
            if self.token(month_at).is_some_and(|token| token.gap != Gap::Paragraph)
                && let Some(month) = self.month(month_at, true)
            {
                let mut to = month_at + 1;
                let (year, after) = self.year(if self.is_joined(to, ".") { to + 1 } else { to });
                if year.is_some() {
                    to = after;
                } else if self.is_joined(to, ".") && is_abbreviation(self.token(month_at)?.text) {
                    to += 1;
                }
                return Some(Found { date: self.in_year(month, number, year)?, otherwise: None, to });
            }
        }
        let month = self.month(at, true)?;
        let mut next = at + 1;
        if self.is_joined(next, ".") {
            next += 1;
        }
        let (number, mut after) = self.day_number(self.skip_fillers(next))?;
        // "June 12." ends its sentence.
        if self.is(after - 1, ".") {
            after -= 1;
        }
        if self.tokens[after - 1].text.len() == 4 || self.token(next)?.gap == Gap::Paragraph {
            return None;
        }
        let (year, to) = self.year(after);
        Some(Found { date: self.in_year(month, number, year)?, otherwise: None, to })
    }
}

/// Whether a month is written with a full stop at its end, which then ends no sentence.
fn is_abbreviation(month: &str) -> bool {
    [
        "jan", "janv", "genn", "gen", "ene", "feb", "febr", "févr", "fév", "fev", "mar", "marz", "mrz",
        "mrt", "apr", "avr", "abr", "jun", "jul", "juil", "aug", "ago", "sep", "sept", "set", "sett", "oct",
        "okt", "ott", "out", "nov", "dec", "dez", "déc", "dic", "mag", "giu", "lug",
    ]
    .contains(&month)
}
