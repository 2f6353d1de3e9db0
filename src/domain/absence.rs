//! When a rep will be away, by the agreement: known beforehand, so that nobody has to say it on the day.

use jiff::Timestamp;
use jiff::civil::Time;

use super::agreement::Rep;
use super::calendar::Calendar;

/// When the next planned absence is felt after `now`: where the work of its first working day would begin by the
/// calendar of the rep's team. Nobody takes leads over at midnight.
pub fn next_absence(rep: &Rep, calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
    rep.away
        .iter()
        .filter_map(|(first, _)| calendar.next_open(calendar.instant_at(*first, Time::midnight())?))
        .filter(|begins| *begins > now)
        .min()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::calendar::{Holidays, Hours};

    #[test]
    fn the_next_absence_is_felt_where_its_first_working_day_begins() {
        let hours = Hours::parse("Mo-Fr 09:00-17:00").expect("hours");
        let office = Calendar::new("Europe/Berlin", hours, Holidays::none()).expect("a calendar");
        let day = |month, day| (date(2026, month, day), date(2026, month, day + 2));
        let rep = Rep {
            name: "Robin".to_owned(),
            email: "robin@ours.example".parse().expect("an address"),
            capacity: 1,
            new_per_week: None,
            weight: 1,
            away: vec![day(8, 3), day(3, 2), day(4, 4)],
            territory: None,
        };
        for (now, begins) in [
            ("2026-03-01T23:59:59+01:00", Some("2026-03-02T09:00:00+01:00")),
            ("2026-03-02T00:00:00+01:00", Some("2026-03-02T09:00:00+01:00")),
            // It has begun: the one after it is the next. That begins on a Saturday.
            ("2026-03-02T09:00:00+01:00", Some("2026-04-06T09:00:00+02:00")),
            ("2026-07-01T12:00:00+02:00", Some("2026-08-03T09:00:00+02:00")),
            ("2026-08-03T12:00:00+02:00", None),
        ] {
            let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
            assert_eq!(next_absence(&rep, &office, at(now)), begins.map(at), "{now}");
        }
    }
}
