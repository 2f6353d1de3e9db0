//! Who hears of a broken promise in which mail: alone and at once, in the next digest, or all in one.
//!
//! A manager who gets forty mails a day reads none of them. So a manager gets a few at once each day, and the
//! rest in digests at fixed times of their working days. Whoever's own lead it is hears at once: a rep acts
//! lead by lead. What the agreement calls urgent goes at once and counts for nothing. When much is found at the
//! same moment, after a standstill say, it is one mail to everybody, whatever it is about.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::calendar::Calendar;
use super::email::EmailAddress;
use super::names::names;

names! {
    /// For what the daemon turns to a rep.
    Purpose, "purpose" {
        /// They are away, or soon are: who takes their leads?
        Absence = "absence",
        /// Their list of calls for the day.
        CallList = "call_list",
    }
}

/// What `[escalation]` of the agreement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// So many mails a day go to somebody at once about leads that are not their own.
    pub mails_at_once: i64,
    /// When the rest goes, in the reader's calendar: ascending, at least one.
    pub digests: Vec<Time>,
    /// More than so many at the same moment come as one mail.
    pub storm: i64,
    /// The policies whose broken promises go at once, and are not counted.
    pub urgent: Vec<String>,
    /// Hears what would reach nobody; `None`: the operator.
    pub fallback: Option<EmailAddress>,
}

impl Default for Escalation {
    fn default() -> Escalation {
        Escalation {
            mails_at_once: 3,
            digests: vec![Time::constant(9, 0, 0, 0), Time::constant(14, 0, 0, 0)],
            storm: 10,
            urgent: Vec::new(),
            fallback: None,
        }
    }
}

/// Something that one reader has to be told, and has not been told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matter {
    /// It is about the reader's own lead.
    pub own: bool,
    /// The agreement calls its policy urgent, and somebody waits for a call.
    pub urgent: bool,
    /// It fell due while nobody looked.
    pub found_late: bool,
}

/// In which mail a matter is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// In one of its own, now.
    AtOnce {
        /// It is one of the reader's few a day.
        counts: bool,
    },
    /// In the digest of that instant.
    InDigest(Timestamp),
    /// With others in one mail, now.
    Together,
}

impl Escalation {
    /// How the matters that have come up for one reader are told, in their order. `told_today`: how many were
    /// told at once today and count.
    pub fn tell(
        &self,
        matters: &[Matter],
        told_today: i64,
        calendar: &Calendar,
        now: Timestamp,
    ) -> Vec<Telling> {
        let is_storm = i64::try_from(matters.len()).unwrap_or(i64::MAX) > self.storm;
        let late = matters.iter().filter(|matter| matter.found_late).count();
        // Nobody is at work, and what was found late is late already: a telephone need not ring at night.
        let may_wait = !calendar.is_open(now);
        let mut left = self.mails_at_once.saturating_sub(told_today);
        matters
            .iter()
            .map(|matter| {
                let bundled = is_storm || (matter.found_late && late > 1);
                if bundled && matter.own {
                    return Telling::Together;
                }
                if matter.own {
                    return Telling::AtOnce { counts: false };
                }
                if may_wait && (bundled || matter.found_late) {
                    return Telling::InDigest(self.next_digest(calendar, now));
                }
                if bundled {
                    return Telling::Together;
                }
                if matter.urgent {
                    return Telling::AtOnce { counts: false };
                }
                if left > 0 {
                    left -= 1;
                    return Telling::AtOnce { counts: true };
                }
                Telling::InDigest(self.next_digest(calendar, now))
            })
            .collect()
    }

    /// The first digest after `now`, on a day on which the reader works.
    pub fn next_digest(&self, calendar: &Calendar, now: Timestamp) -> Timestamp {
        let mut day = Some(calendar.local(now).date()).filter(|day| calendar.is_open_on(*day));
        // Today, and the business day after it: one of them has a digest, as there is one each business day.
        for _ in 0..2 {
            if let Some(day) = day {
                let times = self.digests.iter().filter_map(|time| calendar.instant_at(day, *time));
                if let Some(next) = times.filter(|at| *at > now).min() {
                    return next;
                }
            }
            day = calendar.business_day_after(calendar.local(now).date(), 1);
        }
        now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX)
    }
}

/// The first instant after `now` at which a day's work begins in `calendar`: midnight where it never ends.
/// `None` when it does not open any more.
pub fn next_morning(calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
    let morning = |day: Date| calendar.next_open(calendar.instant_at(day, Time::midnight())?);
    let today = calendar.local(now).date();
    let this_morning = Some(today).filter(|day| calendar.is_open_on(*day)).and_then(morning);
    this_morning
        .filter(|morning| *morning > now)
        .or_else(|| calendar.business_day_after(today, 1).and_then(morning))
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::calendar::{Holidays, Hours};

    fn office(hours: &str) -> Calendar {
        let holidays = Holidays::of_country("DE").expect("Germany is known");
        Calendar::new("Europe/Berlin", Hours::parse(hours).expect("hours"), holidays).expect("a calendar")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    const FOREIGN: Matter = Matter { own: false, urgent: false, found_late: false };
    const OWN: Matter = Matter { own: true, ..FOREIGN };
    const URGENT: Matter = Matter { urgent: true, ..FOREIGN };
    const LATE: Matter = Matter { found_late: true, ..FOREIGN };
    const OWN_LATE: Matter = Matter { own: true, ..LATE };

    /// One letter each: `a`t once, `c`ounted, in a `d`igest, `t`ogether.
    fn told(matters: &[Matter], told_today: i64, now: &str) -> String {
        let rules = Escalation { storm: 4, ..Escalation::default() };
        let letter = |telling| match telling {
            Telling::AtOnce { counts: false } => 'a',
            Telling::AtOnce { counts: true } => 'c',
            Telling::InDigest(_) => 'd',
            Telling::Together => 't',
        };
        rules
            .tell(matters, told_today, &office("Mo-Fr 09:00-17:00"), at(now))
            .into_iter()
            .map(letter)
            .collect()
    }

    #[test]
    fn three_a_day_come_at_once_and_the_rest_in_a_digest() {
        const TUESDAY: &str = "2026-03-03T10:00:00+01:00";
        const NIGHT: &str = "2026-03-03T22:00:00+01:00";
        for (matters, told_today, now, expected) in [
            (&[FOREIGN][..], 0, TUESDAY, "c"),
            (&[FOREIGN; 4], 0, TUESDAY, "cccd"),
            (&[FOREIGN, FOREIGN], 2, TUESDAY, "cd"),
            (&[FOREIGN], 3, TUESDAY, "d"),
            // A hand changed the agreement meanwhile.
            (&[FOREIGN], 7, TUESDAY, "d"),
            // One's own leads and urgent ones go at once, and leave the others their place.
            (&[OWN, OWN, URGENT, FOREIGN], 2, TUESDAY, "aaac"),
            (&[OWN, URGENT], 3, TUESDAY, "aa"),
            // Five at once are a storm.
            (&[OWN, OWN, URGENT, FOREIGN, FOREIGN], 0, TUESDAY, "ttttt"),
            // One found late is told like any other; several are one mail.
            (&[LATE], 0, TUESDAY, "c"),
            (&[LATE, LATE, FOREIGN], 0, TUESDAY, "ttc"),
            (&[OWN_LATE, OWN_LATE], 0, TUESDAY, "tt"),
            // What was found late at night waits for the morning; what falls due then does not.
            (&[LATE], 0, NIGHT, "d"),
            (&[LATE, LATE], 0, NIGHT, "dd"),
            (&[OWN_LATE, URGENT, FOREIGN], 0, NIGHT, "aac"),
            (&[LATE; 5], 0, NIGHT, "ddddd"),
        ] {
            assert_eq!(told(matters, told_today, now), expected, "{matters:?} {now}");
        }
    }

    #[test]
    fn a_digest_comes_at_its_hour_on_the_reader_s_working_days() {
        let (rules, office) = (Escalation::default(), office("Mo-Fr 09:00-17:00"));
        for (now, next) in [
            ("2026-03-03T08:00:00+01:00", "2026-03-03T09:00:00+01:00"),
            ("2026-03-03T09:00:00+01:00", "2026-03-03T14:00:00+01:00"),
            ("2026-03-03T13:59:59+01:00", "2026-03-03T14:00:00+01:00"),
            ("2026-03-03T14:00:00+01:00", "2026-03-04T09:00:00+01:00"),
            // Friday afternoon, Saturday: on Monday.
            ("2026-03-06T15:00:00+01:00", "2026-03-09T09:00:00+01:00"),
            ("2026-03-07T10:00:00+01:00", "2026-03-09T09:00:00+01:00"),
            // Easter, and the clock goes forward on the Sunday before.
            ("2026-03-27T15:00:00+01:00", "2026-03-30T09:00:00+02:00"),
            ("2026-04-02T15:00:00+02:00", "2026-04-07T09:00:00+02:00"),
        ] {
            assert_eq!(rules.next_digest(&office, at(now)), at(next), "{now}");
        }
        let once = Escalation { digests: vec![time(12, 30, 0, 0)], ..rules };
        assert_eq!(
            once.next_digest(&office, at("2026-03-06T12:30:00+01:00")),
            at("2026-03-09T12:30:00+01:00")
        );
    }

    #[test]
    fn a_morning_is_where_work_begins() {
        for (hours, now, morning) in [
            ("Mo-Fr 09:00-17:00", "2026-03-03T08:00:00+01:00", "2026-03-03T09:00:00+01:00"),
            ("Mo-Fr 09:00-17:00", "2026-03-03T09:00:00+01:00", "2026-03-04T09:00:00+01:00"),
            // Lunch ends no night.
            ("Mo-Fr 09:00-12:00,13:00-17:00", "2026-03-03T12:30:00+01:00", "2026-03-04T09:00:00+01:00"),
            ("Mo-Fr 09:00-17:00", "2026-03-06T18:00:00+01:00", "2026-03-09T09:00:00+01:00"),
            ("24/7", "2026-03-03T12:30:00+01:00", "2026-03-04T00:00:00+01:00"),
        ] {
            assert_eq!(next_morning(&office(hours), at(now)), Some(at(morning)), "{hours} {now}");
        }
    }

    proptest! {
        /// Whatever comes up: each matter is told once, no more than agreed go at once and count, and a digest
        /// lies ahead on a working day.
        #[test]
        fn nobody_gets_more_than_agreed_and_nothing_is_lost(
            flags in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 0..30),
            told_today in 0_i64..6,
            mails_at_once in 0_i64..6,
            minutes in 0_i64..40_000,
        ) {
            let rules = Escalation { mails_at_once, ..Escalation::default() };
            let office = office("Mo-Fr 09:00-17:00");
            let now = at("2026-03-02T00:00:00+01:00") + SignedDuration::from_mins(minutes);
            let matters: Vec<Matter> =
                flags.into_iter().map(|(own, urgent, found_late)| Matter { own, urgent, found_late }).collect();
            let told = rules.tell(&matters, told_today, &office, now);
            prop_assert_eq!(told.len(), matters.len());
            let counted = told.iter().filter(|telling| **telling == Telling::AtOnce { counts: true }).count();
            prop_assert!(counted as i64 <= (mails_at_once - told_today).max(0));
            for telling in told {
                if let Telling::InDigest(at) = telling {
                    prop_assert!(at > now && office.is_open_on(office.local(at).date()));
                }
            }
        }
    }
}
