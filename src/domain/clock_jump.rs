//! Whether somebody has set the clock, by what it shows and how much time has passed.
//!
//! A clock that jumps ahead makes a year of mail due at once; one that jumps back sends today's limits to
//! yesterday. A little is ordinary: time servers mend a clock by seconds.

use jiff::{SignedDuration, Timestamp};

/// Further ahead than this is a jump.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// Further back than this is one.
const BACK: SignedDuration = SignedDuration::from_mins(1);

/// What the clock showed, and how long the machine had run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it showed.
    pub shows: Timestamp,
    /// How long the machine had run.
    pub running: SignedDuration,
}

impl Reading {
    /// By how much the clock was set since this reading, ahead or back; `None` when it was not.
    pub fn jump_to(&self, now: Reading) -> Option<SignedDuration> {
        let passed = now.running - self.running;
        let set = now.shows.duration_since(self.shows) - passed;
        (set > AHEAD || set < -BACK).then_some(set)
    }
}

/// By how much the clock is behind the last wake that is known, of this daemon or one before it; `None` when it is
/// not, or by no more than two machines' clocks differ.
pub fn behind(last_wake: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let behind = last_wake.duration_since(now);
    (behind > AHEAD).then_some(behind)
}

/// "The clock was set ahead by 2 days": for the operator.
pub fn words(set: SignedDuration) -> String {
    let (way, by) = if set.is_negative() { ("back", -set) } else { ("ahead", set) };
    let by = match (by.as_hours() / 24, by.as_hours(), by.as_mins()) {
        (2.., _, _) => format!("{} days", by.as_hours() / 24),
        (_, 2.., _) => format!("{} hours", by.as_hours()),
        (_, _, minutes) => format!("{minutes} minutes"),
    };
    format!("the clock was set {way} by {by}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(shows: &str, running: i64) -> Reading {
        Reading { shows: shows.parse().expect("an instant"), running: SignedDuration::from_secs(running) }
    }

    #[test]
    fn a_clock_jumps_when_it_shows_another_time_than_has_passed() {
        let before = reading("2026-03-02T10:00:00Z", 100);
        for (now, running, jump) in [
            ("2026-03-02T10:00:01Z", 101, None),
            // A week of sleep is a week.
            ("2026-03-09T10:00:00Z", 100 + 7 * 86_400, None),
            // A time server mends some seconds, and an hour after the start.
            ("2026-03-02T09:59:30Z", 101, None),
            ("2026-03-02T11:00:00Z", 100, None),
            ("2026-03-02T11:00:02Z", 101, Some("the clock was set ahead by 60 minutes")),
            ("2026-03-05T10:00:00Z", 100, Some("the clock was set ahead by 3 days")),
            ("2026-03-02T09:58:00Z", 101, Some("the clock was set back by 2 minutes")),
            ("2026-03-01T20:00:00Z", 100, Some("the clock was set back by 14 hours")),
        ] {
            let told = before.jump_to(reading(now, running)).map(words);
            assert_eq!(told.as_deref(), jump, "{now}");
        }
    }

    #[test]
    fn a_clock_is_behind_the_last_wake_when_no_other_machine_s_could_be_so_far_ahead() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let last = at("2026-03-02T10:00:00Z");
        assert_eq!(behind(last, at("2026-03-02T10:00:01Z")), None);
        assert_eq!(behind(last, at("2026-03-02T09:30:00Z")), None);
        assert_eq!(behind(last, at("2026-03-01T10:00:00Z")), Some(SignedDuration::from_hours(24)));
    }
}
