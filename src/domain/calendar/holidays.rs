//! Dates on which nobody works.
//!
//! There are two kinds. A *public* holiday closes everything. A *regional* one holds in a part of the
//! country only, and the tables do not say in which: it closes contact with a lead, where a mail too
//! few costs a day, but not an SLA clock, where an hour too many costs the lead; unless a person lists
//! its date. So the United Kingdom's 1 January and Easter Monday are regional here (Scotland has one and
//! not the other), and a team in London lists them.
//!
//! The tables (Nager.Date, in crate `opening-hours`) know about 120 countries, from 2000 to 2076. A
//! country they do not know is an error: taking it for one without holidays would ring people on theirs.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use opening_hours::ContextHolidays;
use opening_hours::localization::Country;

use super::{ics, local};

/// The last year of the tables, and of what recurs in a file.
pub(super) const LAST_YEAR: i16 = 2076;

/// Holidays of one or several countries, and dates that people listed. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    countries: Vec<String>,
    public: Vec<ContextHolidays>,
    regional: Vec<ContextHolidays>,
    listed: Arc<BTreeSet<Date>>,
}

/// Why holidays could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HolidaysError {
    /// The tables do not have the country.
    #[error("the holidays of country `{0}` are not known; list its dates or give an .ics file")]
    UnknownCountry(String),
    /// The text is not an iCalendar file that can be understood.
    #[error("this is not a usable iCalendar file: {0}")]
    Ics(String),
}

impl Holidays {
    /// No holidays at all.
    pub fn none() -> Holidays {
        Holidays::default()
    }

    /// The holidays of a country, by its ISO 3166-1 alpha-2 code in either case.
    ///
    /// # Errors
    ///
    /// When the tables do not have the country.
    pub fn of_country(code: &str) -> Result<Holidays, HolidaysError> {
        let mut holidays = Holidays::none();
        holidays.add_country(code)?;
        Ok(holidays)
    }

    /// Adds the holidays of a country.
    ///
    /// # Errors
    ///
    /// As [`Holidays::of_country`].
    pub fn add_country(&mut self, code: &str) -> Result<(), HolidaysError> {
        let unknown = || HolidaysError::UnknownCountry(code.to_owned());
        let country: Country = code.trim().to_ascii_uppercase().parse().map_err(|_| unknown())?;
        let public = country.holidays();
        if public.get_public().count() == 0 {
            return Err(unknown());
        }
        self.countries.push(code.trim().to_ascii_uppercase());
        self.public.push(public);
        self.regional.push(country.holidays_regional());
        Ok(())
    }

    /// Lists a date as a public holiday.
    pub fn add(&mut self, date: Date) {
        Arc::make_mut(&mut self.listed).insert(date);
    }

    /// Lists the all-day events of an iCalendar file (RFC 5545) as public holidays, and says how many
    /// dates they cover. Events with a time of day are meetings, not holidays, and are passed over.
    ///
    /// # Errors
    ///
    /// When the text is no calendar, or an event recurs in another way than once a year.
    pub fn add_ics(&mut self, text: &str) -> Result<usize, HolidaysError> {
        let dates = ics::all_day_dates(text).map_err(HolidaysError::Ics)?;
        let count = dates.len();
        Arc::make_mut(&mut self.listed).extend(dates);
        Ok(count)
    }

    /// The same dates, with the regional ones counted as public: for contact with leads.
    pub fn closing_contact(&self) -> Holidays {
        let public = self.public.iter().chain(&self.regional).cloned().collect();
        Holidays {
            countries: self.countries.clone(),
            public,
            regional: Vec::new(),
            listed: Arc::clone(&self.listed),
        }
    }

    /// The countries, by their codes.
    pub fn countries(&self) -> &[String] {
        &self.countries
    }

    /// The dates that people listed.
    pub fn listed(&self) -> &BTreeSet<Date> {
        &self.listed
    }

    /// Whether the date closes everything.
    pub fn is_public(&self, date: Date) -> bool {
        self.listed.contains(&date) || in_tables(&self.public, date)
    }

    /// Whether the date is a holiday in a part of the country only, and not listed.
    pub fn is_regional(&self, date: Date) -> bool {
        in_tables(&self.regional, date) && !self.is_public(date)
    }

    /// The public holidays from one date to another, both included, ascending.
    pub fn public_between(&self, from: Date, to: Date) -> BTreeSet<Date> {
        self.all_public().filter(|date| (from..=to).contains(date)).collect()
    }

    /// All public holidays, as the crate that evaluates a `PH` rule wants them.
    pub(super) fn to_context(&self) -> ContextHolidays {
        let mut public = ContextHolidays::default().get_public().clone();
        for date in self.all_public() {
            if let Some(date) = local::to_chrono(date) {
                public.insert(date);
            }
        }
        ContextHolidays::new(Arc::new(public), Arc::default())
    }

    /// Every public holiday, some perhaps more than once.
    fn all_public(&self) -> impl Iterator<Item = Date> + '_ {
        let tables = self.public.iter().flat_map(|table| table.get_public().iter());
        tables.filter_map(local::from_chrono).chain(self.listed.iter().copied())
    }
}

fn in_tables(tables: &[ContextHolidays], date: Date) -> bool {
    !tables.is_empty()
        && local::to_chrono(date)
            .is_some_and(|date| tables.iter().any(|table| table.get_public().contains(date)))
}

impl FromIterator<Date> for Holidays {
    fn from_iter<I: IntoIterator<Item = Date>>(dates: I) -> Holidays {
        Holidays { listed: Arc::new(dates.into_iter().collect()), ..Holidays::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_country_has_its_public_holidays() {
        let germany = Holidays::of_country("de").unwrap();
        assert!(germany.is_public(date(2026, 10, 3)));
        assert!(!germany.is_public(date(2026, 10, 2)));
        assert!(germany.is_regional(date(2026, 11, 1)), "All Saints' Day is kept in some states");
        assert!(!germany.is_public(date(2026, 11, 1)));
    }

    #[test]
    fn the_british_new_year_is_regional_until_it_is_listed() {
        let mut britain = Holidays::of_country("GB").unwrap();
        for day in [date(2026, 1, 1), date(2026, 4, 6)] {
            assert!(britain.is_regional(day) && !britain.is_public(day), "{day}");
            assert!(britain.closing_contact().is_public(day), "{day}");
            britain.add(day);
            assert!(britain.is_public(day) && !britain.is_regional(day), "{day}");
        }
        assert!(britain.is_public(date(2026, 12, 25)));
    }

    #[test]
    fn a_country_that_the_tables_lack_is_an_error_that_names_it() {
        for code in ["IN", "AE", "IL", "XX", "Germany", ""] {
            assert_eq!(Holidays::of_country(code), Err(HolidaysError::UnknownCountry(code.to_owned())));
        }
    }

    #[test]
    fn holidays_between_two_dates_include_both_and_come_once() {
        let mut holidays = Holidays::of_country("DE").unwrap();
        holidays.add(date(2026, 12, 25));
        holidays.add(date(2026, 12, 31));
        let found: Vec<_> =
            holidays.public_between(date(2026, 12, 25), date(2027, 1, 1)).into_iter().collect();
        assert_eq!(found, [date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 31), date(2027, 1, 1)]);
    }
}
