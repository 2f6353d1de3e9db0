//! Months, quarters, calendar weeks, their beginnings and ends, and feasts.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::super::tokens::Gap;
use super::super::vocabulary::{Feast, Meaning, Part};
use super::{Grain, Reader, Span, grain_of};

impl Reader<'_> {
    /// "The end of August", "mid September", "in September", "Q3", "after Easter".
    pub(super) fn part_of_something(&self, at: usize) -> Option<Span> {
        if let Some(Meaning::Part(part)) = self.meaning(at) {
            let mut next = at + 1;
            if self.is(next, "-") {
                next += 1;
            }
            let next = self.skip_fillers(next);
            if let Some(month) = self.month(next, false).or_else(|| self.month(next, true)) {
                let whole = self.whole_month(at, next + 1, month)?;
                return Some(cut(whole, part));
            }
            let (unit, to, ahead) = match self.meaning(next)? {
                Meaning::Unit(unit) => {
                    let is_next = matches!(self.meaning(next + 1), Some(Meaning::Next));
                    (unit, next + 1 + usize::from(is_next), i64::from(is_next))
                }
                Meaning::Next => match self.meaning(next + 1)? {
                    Meaning::Unit(unit) => (unit, next + 2, 1),
                    _ => return None,
                },
                Meaning::This => match self.meaning(next + 1)? {
                    Meaning::Unit(unit) => (unit, next + 2, 0),
                    _ => return None,
                },
                _ => return None,
            };
            let (first, last) = self.coming(unit, ahead)?;
            let whole =
                Span { from: at, to, first, last, grain: grain_of(unit), is_range: false, otherwise: None };
            return Some(cut(whole, part));
        }
        if let Some(feast) = self.feast(at) {
            return Some(feast);
        }
        if let Some(month) = self.month(at, false) {
            return self.whole_month(at, at + 1, month);
        }
        // "In May" is a month, and so is "until Mar"; "I may" is none.
        if let Some(Meaning::WeakMonth(month)) = self.meaning(at) {
            let before = self.token(at.checked_sub(1)?)?;
            let is_date =
                ["in", "until", "till", "through", "early", "late", "by", "of"].contains(&before.text);
            if is_date && self.token(at)?.text == "may" {
                return self.whole_month(at, at + 1, month);
            }
        }
        // "Q3", "KW 34", "week 34".
        if self.token(at)?.text == "q" && self.token(at + 1).is_some_and(|token| token.gap == Gap::None) {
            let quarter = self.number(at + 1).filter(|number| (1..=4).contains(number))?;
            let month = i8::try_from(quarter * 3 - 2).ok()?;
            let (year, to) = self.year(at + 2);
            let first = match year {
                Some(year) => Date::new(year, month, 1).ok()?,
                None => self.month_ahead(month)?,
            };
            let last = first.checked_add(2.months()).ok()?.last_of_month();
            return Some(Span {
                from: at,
                to,
                first,
                last,
                grain: Grain::Month,
                is_range: false,
                otherwise: None,
            });
        }
        if ["kw", "week", "vecka", "v"].contains(&self.token(at)?.text) {
            let next = if self.is_joined(at + 1, ".") { at + 2 } else { at + 1 };
            let number = self.number(next).filter(|number| (1..=53).contains(number))?;
            if self.token(at)?.text == "v" && self.is_joined(next, self.token(next)?.text) {
                return None;
            }
            let first = self.calendar_week(i8::try_from(number).ok()?)?;
            // "Vecka 28-30": so many weeks.
            if let Some(end) =
                self.number(next + 2).filter(|end| self.is(next + 1, "-") && (number..=53).contains(end))
            {
                let last = first.checked_add((7 * (end - number) + 6).days()).ok()?;
                return Some(Span { to: next + 3, ..self.range(at, next + 3, first, last) });
            }
            return Some(Span {
                from: at,
                to: next + 1,
                first,
                last: first.checked_add(6.days()).ok()?,
                grain: Grain::Week,
                is_range: false,
                otherwise: None,
            });
        }
        None
    }

    fn calendar_week(&self, week: i8) -> Option<Date> {
        let this = self.sent.iso_week_date().year();
        (this..=this + 1)
            .filter_map(|year| jiff::civil::ISOWeekDate::new(year, week, Weekday::Monday).ok())
            .map(jiff::civil::ISOWeekDate::date)
            .find(|date| (*date - self.sent).get_days() >= -7)
    }

    fn feast(&self, at: usize) -> Option<Span> {
        let (feast, to) = match self.meaning(at) {
            Some(Meaning::Feast(feast)) => (feast, at + 1),
            _ => {
                let (word, next) = (self.token(at)?.text, self.token(at + 1).map_or("", |token| token.text));
                let is_new_year = [
                    ("new", "year"),
                    ("neuen", "jahr"),
                    ("neues", "jahr"),
                    ("nouvel", "an"),
                    ("año", "nuevo"),
                    ("anno", "nuovo"),
                    ("ano", "novo"),
                    ("nieuwe", "jaar"),
                    ("nya", "året"),
                ]
                .contains(&(word, next))
                    || (word == "new" && next == "year's");
                if is_new_year {
                    (Feast::NewYear, at + 2)
                } else if ["labor", "labour"].contains(&word) && next == "day" {
                    (Feast::LaborDay, at + 2)
                } else {
                    return None;
                }
            }
        };
        let mut years = [self.sent.year(), self.sent.year() + 1].into_iter();
        let (first, last) = years.find_map(|year| {
            let (first, last) = match feast {
                Feast::Easter => {
                    let sunday = easter(year)?;
                    (sunday, sunday.tomorrow().ok()?)
                }
                Feast::Christmas => (Date::new(year, 12, 24).ok()?, Date::new(year, 12, 26).ok()?),
                Feast::NewYear => (Date::new(year, 1, 1).ok()?, Date::new(year, 1, 1).ok()?),
                Feast::LaborDay => {
                    let day = Date::new(year, 9, 1).ok()?.nth_weekday_of_month(1, Weekday::Monday).ok()?;
                    (day, day)
                }
                Feast::Thanksgiving => {
                    let day = Date::new(year, 11, 1).ok()?.nth_weekday_of_month(4, Weekday::Thursday).ok()?;
                    (day, day.tomorrow().ok()?)
                }
                Feast::Holidays => (Date::new(year, 12, 24).ok()?, Date::new(year + 1, 1, 1).ok()?),
            };
            (last >= self.sent).then_some((first, last))
        })?;
        // Feasts that are "the holidays" in summer are nobody's date.
        if feast == Feast::Holidays && self.sent.month() < 11 {
            return None;
        }
        Some(Span { from: at, to, first, last, grain: Grain::Month, is_range: false, otherwise: None })
    }

    pub(super) fn whole_month(&self, from: usize, at: usize, month: i8) -> Option<Span> {
        let (year, to) = self.year(at);
        let first = match year {
            Some(year) => Date::new(year, month, 1).ok()?,
            None => self.month_ahead(month)?,
        };
        Some(Span {
            from,
            to,
            first,
            last: first.last_of_month(),
            grain: Grain::Month,
            is_range: false,
            otherwise: None,
        })
    }

    /// This month or the next one of this name.
    fn month_ahead(&self, month: i8) -> Option<Date> {
        let year = self.sent.year() + i16::from(month < self.sent.month());
        Date::new(year, month, 1).ok()
    }
}

/// The part of a month or a week.
fn cut(whole: Span, part: Part) -> Span {
    let days = (whole.last - whole.first).get_days();
    let at = |day: i32| whole.first.checked_add(i64::from(day).days()).unwrap_or(whole.first);
    let (first, last) = match part {
        Part::Beginning => (whole.first, at(days / 6)),
        Part::Middle if days > 20 => (at(14), at(14)),
        Part::Middle => (at(days / 2), at(days / 2)),
        Part::End => (at(days - days / 6), whole.last),
    };
    Span { first, last, ..whole }
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm of 1876, as in Meeus, "Astronomical Algorithms").
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    Date::new(year, i8::try_from(n / 31).ok()?, i8::try_from(n % 31 + 1).ok()?).ok()
}
