//! Opening hours as people say them.

use crate::domain::calendar::{Calendar, Holidays};

const DAYS: [(&str, &str); 7] = [
    ("Mo", "Monday"),
    ("Tu", "Tuesday"),
    ("We", "Wednesday"),
    ("Th", "Thursday"),
    ("Fr", "Friday"),
    ("Sa", "Saturday"),
    ("Su", "Sunday"),
];

/// So many closed days are named one by one.
const DAYS_NAMED: usize = 6;

/// "Monday to Friday 09:00–12:00 and 13:00–17:00"; as they were written when there are no such words for them.
pub(super) fn hours(written: &str) -> String {
    let rules: Option<Vec<String>> = written.split(';').map(|rule| rule_words(rule.trim())).collect();
    rules.map_or_else(|| written.to_owned(), |rules| rules.join("; "))
}

fn rule_words(rule: &str) -> Option<String> {
    if rule == "24/7" {
        return Some("at any hour".to_owned());
    }
    let (days, times) = rule.split_once(' ')?;
    let days: Option<Vec<String>> = days.split(',').map(day_words).collect();
    let times = times.split(',').map(|time| time.trim().replace('-', "–")).collect::<Vec<_>>();
    let is_time = |time: &String| time.chars().all(|c| c.is_ascii_digit() || c == ':' || c == '–');
    if !times.iter().all(is_time) {
        return None;
    }
    Some(format!("{} {}", super::and(&days?), super::and(&times)))
}

fn day_words(days: &str) -> Option<String> {
    let day = |short: &str| DAYS.iter().find(|(known, _)| *known == short.trim()).map(|(_, day)| *day);
    match days.split_once('-') {
        Some((first, last)) => Some(format!("{} to {}", day(first)?, day(last)?)),
        None => day(days).map(str::to_owned),
    }
}

/// A calendar in one phrase.
pub(super) fn calendar(calendar: &Calendar) -> String {
    let holidays = holidays(calendar.holidays());
    format!("{}, time of {}{holidays}", hours(calendar.hours().as_str()), calendar.zone_name())
}

/// ", closed on the public holidays of DE and on 24 December 2026": many days are counted instead.
fn holidays(holidays: &Holidays) -> String {
    let mut closed = Vec::new();
    if !holidays.countries().is_empty() {
        closed.push(format!("on the public holidays of {}", super::and(holidays.countries())));
    }
    let listed: Vec<String> = holidays.listed().iter().map(|day| super::day_words(*day)).collect();
    match listed.len() {
        0 => {}
        1..=DAYS_NAMED => closed.push(format!("on {}", super::and(&listed))),
        many => closed.push(format!("on {many} days of its own")),
    }
    if closed.is_empty() { String::new() } else { format!(", closed {}", super::and(&closed)) }
}

#[cfg(test)]
mod tests {
    use super::hours;

    #[test]
    fn hours_are_said_as_people_say_them() {
        for (written, said) in [
            ("Mo-Fr 09:00-17:00", "Monday to Friday 09:00–17:00"),
            ("Mo-Fr 09:00-11:30,13:30-16:30", "Monday to Friday 09:00–11:30 and 13:30–16:30"),
            ("Mo,We 09:00-12:00; Sa 10:00-12:00", "Monday and Wednesday 09:00–12:00; Saturday 10:00–12:00"),
            ("24/7", "at any hour"),
            ("Mo-Fr 09:00-17:00; PH off", "Mo-Fr 09:00-17:00; PH off"),
            ("week 1-20 Mo 09:00-10:00", "week 1-20 Mo 09:00-10:00"),
        ] {
            assert_eq!(hours(written), said);
        }
    }
}
