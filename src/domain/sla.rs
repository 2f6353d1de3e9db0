//! A promise with a deadline: what was promised, when it falls due, what follows if it is not kept.
//!
//! A clock's terms are frozen when it starts. Whoever edits the agreement changes promises that are made
//! from then on, not those that were made before.

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::agreement::{Level, Policy, Role};
use super::calendar::{
    Calendar, CalendarError, CalendarSpec, Deadline, DeadlineError, HORIZON, deadline, instant_after,
};

/// How far ahead the holidays of a running clock are kept.
const FROZEN_YEARS: i64 = 2;

/// The hours in which the lead can be called may put a deadline off by so much beyond the team's own: long
/// enough for an hour a day between Berlin and Chicago, or for the lead's holidays. Beyond it the two hardly
/// ever meet, as between Berlin and California, and the team's hours count alone: a promise that falls due
/// next summer, or never, is none. Somebody has to call early or late.
const PATIENCE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A promise as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The policy it comes from.
    pub policy: String,
    /// Business time promised, in minutes.
    pub target_minutes: i64,
    /// When the team works, and when the lead can be reached: only time open in all of them counts. The
    /// team's alone where the two hardly ever meet.
    pub calendars: Vec<CalendarSpec>,
    /// What happens when.
    pub levels: Vec<LevelTerms>,
}

/// One rung, as it was promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelTerms {
    /// Its name.
    pub name: String,
    /// Percent of the target.
    pub at_percent: i64,
    /// Who is told: roles, so that a new manager gets the mail and not the one who left.
    pub tell: Vec<Role>,
    /// The lead goes to another rep.
    pub reassign: bool,
}

/// Where a running clock stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When the promise falls due, and how that was counted.
    pub deadline: Deadline,
    /// The levels reached by now and not fired before, with the instant at which each was.
    pub reached: Vec<(LevelTerms, Timestamp)>,
    /// When the next level will be reached; `None` when there is none left.
    pub next_at: Option<Timestamp>,
}

/// Why a clock cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SlaError {
    /// The terms do not make sense any more.
    #[error("its calendar cannot be used: {0}")]
    Calendar(#[from] CalendarError),
    /// The deadline is never reached.
    #[error("its deadline cannot be counted: {0}")]
    Deadline(#[from] DeadlineError),
}

impl Terms {
    /// The first-contact promise of a policy, made now.
    pub fn first_contact(policy: &Policy, team: &Calendar, lead: &Calendar, now: Timestamp) -> Terms {
        let freeze = |calendar: &Calendar| {
            let from = calendar.local(now).date();
            let to = from.checked_add(FROZEN_YEARS.years()).unwrap_or(jiff::civil::Date::MAX);
            calendar.freeze(from, to)
        };
        let mut calendars = vec![freeze(team)];
        if meet(team, lead, policy.first_contact.0, now) {
            calendars.push(freeze(lead));
        }
        Terms {
            policy: policy.name.clone(),
            target_minutes: policy.first_contact.0.as_mins(),
            calendars,
            levels: policy.levels.iter().map(LevelTerms::from).collect(),
        }
    }

    /// Where a clock that started at `started_at` stands at `now`. Pauses come from the event log.
    ///
    /// # Errors
    /// When the frozen calendars cannot be read, or are never open together for long enough.
    pub fn assess(
        &self,
        started_at: Timestamp,
        pauses: &[(Timestamp, Timestamp)],
        fired: &[String],
        now: Timestamp,
    ) -> Result<Standing, SlaError> {
        let calendars = self
            .calendars
            .iter()
            .map(CalendarSpec::thaw)
            .collect::<Result<Vec<Calendar>, CalendarError>>()?;
        let calendars: Vec<&Calendar> = calendars.iter().collect();
        let at_percent = |percent: i64| {
            let target = SignedDuration::from_secs(self.target_minutes * 60 * percent / 100);
            deadline(&calendars, started_at, pauses, target)
        };
        let mut reached = Vec::new();
        let mut next_at: Option<Timestamp> = None;
        for level in self.levels.iter().filter(|level| !fired.contains(&level.name)) {
            let at = at_percent(level.at_percent)?.at;
            if at <= now {
                reached.push((level.clone(), at));
            } else {
                next_at = Some(next_at.map_or(at, |earliest| earliest.min(at)));
            }
        }
        Ok(Standing { deadline: at_percent(100)?, reached, next_at })
    }
}

/// Whether a target is used up in the hours that team and lead share, without undue delay.
fn meet(team: &Calendar, lead: &Calendar, target: SignedDuration, now: Timestamp) -> bool {
    let Ok(alone) = instant_after(&[team], now, target, HORIZON) else {
        return false;
    };
    let patience = alone.duration_since(now) + PATIENCE;
    instant_after(&[team, lead], now, target, patience).is_ok()
}

impl From<&Level> for LevelTerms {
    fn from(level: &Level) -> LevelTerms {
        LevelTerms {
            name: level.name.clone(),
            at_percent: level.at_percent,
            tell: level.tell.clone(),
            reassign: level.reassign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agreement::Target;
    use crate::domain::calendar::{Holidays, Hours};

    fn calendar(zone: &str, hours: &str) -> Calendar {
        Calendar::new(zone, Hours::parse(hours).expect("hours"), Holidays::none()).expect("a calendar")
    }

    fn office() -> Calendar {
        calendar("Europe/Berlin", "Mo-Fr 09:00-17:00")
    }

    fn phone(zone: &str) -> Calendar {
        calendar(zone, "Mo-Fr 09:00-12:00,13:30-17:00")
    }

    /// Eight hours, told at three quarters, at the end and at double.
    fn policy(minutes: i64) -> Policy {
        let level = |name: &str, at_percent| Level {
            name: name.to_owned(),
            at_percent,
            tell: vec![Role::Owner],
            reassign: at_percent > 100,
        };
        Policy {
            name: "standard".to_owned(),
            first_contact: Target(SignedDuration::from_mins(minutes)),
            not_before: None,
            levels: vec![level("warning", 75), level("breach", 100), level("double", 200)],
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    /// The names of the levels that `standing` says were reached.
    fn reached(standing: &Standing) -> Vec<&str> {
        standing.reached.iter().map(|(level, _)| level.name.as_str()).collect()
    }

    #[test]
    fn levels_are_reached_one_after_the_other_and_each_is_told_once() {
        // Monday ten o'clock, four hours: 10–12, 13:30–15:30.
        let start = at("2026-03-02T10:00:00+01:00");
        let terms = Terms::first_contact(&policy(240), &office(), &phone("Europe/Berlin"), start);
        for (now, fired, levels, next) in [
            ("2026-03-02T10:00:00+01:00", &[][..], &[][..], Some("2026-03-02T14:30:00+01:00")),
            ("2026-03-02T14:29:59+01:00", &[], &[], Some("2026-03-02T14:30:00+01:00")),
            ("2026-03-02T14:30:00+01:00", &[], &["warning"], Some("2026-03-02T15:30:00+01:00")),
            ("2026-03-02T15:30:00+01:00", &["warning"], &["breach"], Some("2026-03-03T11:30:00+01:00")),
            ("2026-03-04T10:00:00+01:00", &["warning"], &["breach", "double"], None),
            ("2026-03-04T10:00:00+01:00", &["warning", "breach", "double"], &[], None),
        ] {
            let fired: Vec<String> = fired.iter().map(|name| (*name).to_owned()).collect();
            let standing = terms.assess(start, &[], &fired, at(now)).expect("it can be counted");
            assert_eq!(standing.deadline.at, at("2026-03-02T15:30:00+01:00"), "{now}");
            assert_eq!(reached(&standing), levels, "{now}");
            assert_eq!(standing.next_at, next.map(at), "{now}");
        }
    }

    #[test]
    fn a_pause_moves_what_is_still_to_come() {
        let start = at("2026-03-02T10:00:00+01:00");
        let terms = Terms::first_contact(&policy(240), &office(), &phone("Europe/Berlin"), start);
        let pause = (at("2026-03-02T11:00:00+01:00"), at("2026-03-04T13:30:00+01:00"));
        let standing = terms.assess(start, &[pause], &[], at("2026-03-03T12:00:00+01:00"));
        let standing = standing.expect("it can be counted");
        // An hour was counted before; three are left from Wednesday 13:30.
        assert_eq!(standing.deadline.at, at("2026-03-04T16:30:00+01:00"));
        assert_eq!((reached(&standing), standing.next_at), (vec![], Some(at("2026-03-04T15:30:00+01:00"))));
    }

    #[test]
    fn terms_survive_being_stored() {
        let start = at("2026-03-02T10:00:00+01:00");
        let terms = Terms::first_contact(&policy(240), &office(), &phone("Asia/Kolkata"), start);
        let stored = serde_json::to_string(&terms).expect("JSON");
        let terms_again: Terms = serde_json::from_str(&stored).expect("the same JSON");
        assert_eq!(terms_again, terms);
        let now = at("2026-03-06T10:00:00+01:00");
        let standing = |terms: &Terms| terms.assess(start, &[], &[], now).expect("it can be counted");
        assert_eq!(standing(&terms_again), standing(&terms));
    }

    #[test]
    fn the_lead_s_hours_count_where_they_meet_the_team_s() {
        let start = at("2026-01-12T10:00:00+01:00");
        for (zone, minutes, deadline) in [
            // The office's lunch is not the lead's: 10–12 and 13:30–15:30.
            ("Europe/Berlin", 240, "2026-01-12T15:30:00+01:00"),
            // New York can be called from 15 to 17 in Berlin.
            ("America/New_York", 240, "2026-01-13T17:00:00+01:00"),
            // Chicago from 16 to 17: eight hours take eight days.
            ("America/Chicago", 480, "2026-01-21T17:00:00+01:00"),
            // California and Tokyo never in winter: the office's hours alone.
            ("America/Los_Angeles", 240, "2026-01-12T14:00:00+01:00"),
            ("Asia/Tokyo", 480, "2026-01-13T10:00:00+01:00"),
        ] {
            let terms = Terms::first_contact(&policy(minutes), &office(), &phone(zone), start);
            let standing = terms.assess(start, &[], &[], start).expect("it can be counted");
            assert_eq!(standing.deadline.at, at(deadline), "{zone}");
        }
    }
}
