//! Placeholder.
use std::ops::Range;

use jiff::civil::Date;
/// Placeholder.
#[derive(Clone, Debug)]
pub struct Hours(pub String);
/// Placeholder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HoursError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Option<Range<usize>>,
    /// What to do.
    pub hint: Option<String>,
}
impl Hours {
    /// Placeholder.
    pub fn parse(text: &str) -> Result<Hours, HoursError> {
        match text.parse::<opening_hours::OpeningHours>() {
            Ok(_) if !text.trim().is_empty() && text != "off" => Ok(Hours(text.to_owned())),
            _ => Err(HoursError { message: format!("`{text}` opens never"), span: None, hint: None }),
        }
    }
}
/// Placeholder.
#[derive(Clone, Debug, Default)]
pub struct Holidays;
/// Placeholder.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct HolidaysError(pub String);
impl Holidays {
    /// Placeholder.
    pub fn none() -> Holidays {
        Holidays
    }
    /// Placeholder.
    pub fn add_country(&mut self, code: &str) -> Result<(), HolidaysError> {
        match code.parse::<opening_hours::localization::Country>() {
            Ok(_) => Ok(()),
            Err(_) => Err(HolidaysError(format!("the holidays of country `{code}` are not known"))),
        }
    }
    /// Placeholder.
    pub fn add(&mut self, _date: Date) {}
    /// Placeholder.
    pub fn add_ics(&mut self, text: &str) -> Result<usize, HolidaysError> {
        if text.contains("BEGIN:VCALENDAR") { Ok(1) } else { Err(HolidaysError("no calendar".into())) }
    }
}
/// Placeholder.
#[derive(Clone, Debug)]
pub struct Calendar;
/// Placeholder.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct CalendarError(pub String);
impl CalendarError {
    /// Placeholder.
    pub fn hint(&self) -> Option<String> {
        None
    }
}
impl Calendar {
    /// Placeholder.
    pub fn new(_zone: &str, _hours: Hours, _holidays: Holidays) -> Result<Calendar, CalendarError> {
        Ok(Calendar)
    }
}
