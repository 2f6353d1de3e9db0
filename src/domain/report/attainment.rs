//! How promises were kept.
//!
//! Every promise that was made in the period is in exactly one of six counts. *Kept* and *late* were met, in
//! time or after it. *Missed* was never met and its deadline has passed: it runs on overdue, or the lead was
//! taken away, given up or closed after the deadline. *Running* is not due yet. *Closed* ended before its
//! deadline because it no longer mattered (the lead was given to somebody else, rejected, won). The share kept
//! is of those that are decided: kept, late, missed.
//!
//! How long it took is told of what was met, in minutes of business time as the clock itself counted them: the
//! hours and holidays frozen with the promise, without the time for which the lead had asked for peace. That
//! time stands beside it.

use jiff::Timestamp;

use super::super::ids::HandOffId;
use super::distribution::Distribution;
use super::funnel::permille;

/// Where a clock stands, by its name in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    /// It runs.
    Running,
    /// It was met in time.
    Met,
    /// It was met, after its deadline.
    Late,
    /// It no longer matters.
    Closed,
}

/// A promise, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseFact {
    /// With which hand-off it was made.
    pub hand_off: HandOffId,
    /// What was promised: `first_contact`, `accept` …
    pub kind: String,
    /// Where it stands.
    pub state: ClockState,
    /// When it was made.
    pub started_at: Timestamp,
    /// Until when.
    pub deadline_at: Timestamp,
    /// When it was met or closed.
    pub stopped_at: Option<Timestamp>,
    /// Business minutes from its beginning to its end, paused time left out; `None` when they cannot be counted.
    pub minutes: Option<i64>,
    /// Business minutes that were left out because the clock was paused.
    pub paused_minutes: i64,
    /// It was broken while nobody looked, and that was found later.
    pub detected_late: bool,
}

/// The promises of one kind, to one campaign, source, team or rep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attainment {
    /// All that were made.
    pub made: i64,
    /// Met in time.
    pub kept: i64,
    /// Met, after the deadline.
    pub late: i64,
    /// Not met, and the deadline has passed.
    pub missed: i64,
    /// Not due yet.
    pub running: i64,
    /// Ended before the deadline, without being met.
    pub closed: i64,
    /// Of the missed: still running, so somebody can do something about it.
    pub overdue: i64,
    /// Of the late and missed: found later than it fell due, because nobody looked.
    pub detected_late: i64,
    /// Business minutes that those took which were met.
    pub took: Distribution,
    /// Promises that were paused.
    pub paused: i64,
    /// Business minutes for which they were, together.
    pub paused_minutes: i64,
}

impl Attainment {
    /// One more promise, as it stands at `now`.
    pub fn add(&mut self, promise: &PromiseFact, now: Timestamp) {
        self.made += 1;
        let ended_at = promise.stopped_at.unwrap_or(now);
        match promise.state {
            ClockState::Met => self.kept += 1,
            ClockState::Late => self.late += 1,
            ClockState::Running if now > promise.deadline_at => {
                self.missed += 1;
                self.overdue += 1;
            }
            ClockState::Running => self.running += 1,
            ClockState::Closed if ended_at > promise.deadline_at => self.missed += 1,
            ClockState::Closed => self.closed += 1,
        }
        self.detected_late += i64::from(promise.detected_late);
        if matches!(promise.state, ClockState::Met | ClockState::Late)
            && let Some(minutes) = promise.minutes
        {
            self.took.add(minutes);
        }
        if promise.paused_minutes > 0 {
            self.paused += 1;
            self.paused_minutes += promise.paused_minutes;
        }
    }

    /// Promises of which it is known whether they were kept.
    pub fn decided(&self) -> i64 {
        self.kept + self.late + self.missed
    }

    /// The share of them that was kept, in tenths of a percent.
    pub fn kept_permille(&self) -> Option<i64> {
        permille(self.kept, self.decided())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + hour * 3_600).expect("an instant")
    }

    fn promise(state: ClockState, deadline: i64, stopped: Option<i64>) -> PromiseFact {
        PromiseFact {
            hand_off: HandOffId(1),
            kind: "first_contact".to_owned(),
            state,
            started_at: at(0),
            deadline_at: at(deadline),
            stopped_at: stopped.map(at),
            minutes: Some(stopped.unwrap_or(0) * 60),
            paused_minutes: 0,
            detected_late: false,
        }
    }

    #[test]
    fn what_ended_after_its_deadline_without_being_met_was_missed() {
        for (state, stopped, expected) in [
            (ClockState::Met, Some(3), [1, 0, 0, 0, 0]),
            (ClockState::Late, Some(6), [0, 1, 0, 0, 0]),
            // The rep who lost the lead broke the promise before.
            (ClockState::Closed, Some(6), [0, 0, 1, 0, 0]),
            (ClockState::Closed, Some(4), [0, 0, 0, 0, 1]),
            (ClockState::Running, None, [0, 0, 1, 0, 0]),
        ] {
            let mut found = Attainment::default();
            found.add(&promise(state, 4, stopped), at(10));
            let counts = [found.kept, found.late, found.missed, found.running, found.closed];
            assert_eq!(counts, expected, "{state:?} {stopped:?}");
        }
        let mut found = Attainment::default();
        found.add(&promise(ClockState::Running, 4, None), at(4));
        assert_eq!((found.running, found.kept_permille()), (1, None), "at its deadline it is not late yet");
    }

    #[test]
    fn how_long_it_took_is_told_of_what_was_met() {
        let mut found = Attainment::default();
        for (state, stopped) in
            [(ClockState::Met, 1), (ClockState::Met, 2), (ClockState::Late, 9), (ClockState::Closed, 90)]
        {
            found.add(&promise(state, 4, Some(stopped)), at(100));
        }
        assert_eq!((found.took.median(), found.took.p90()), (Some(120), Some(540)));
        assert_eq!(found.kept_permille(), Some(500));
    }

    proptest! {
        #[test]
        fn every_promise_is_counted_once(
            promises in prop::collection::vec((0_usize..4, 0_i64..20, prop::option::of(0_i64..20)), 0..40),
            now in 0_i64..30,
        ) {
            let mut found = Attainment::default();
            for (state, deadline, stopped) in &promises {
                let state = [ClockState::Running, ClockState::Met, ClockState::Late, ClockState::Closed][*state];
                found.add(&promise(state, *deadline, *stopped), at(now));
            }
            prop_assert_eq!(found.made, promises.len() as i64);
            prop_assert_eq!(found.made, found.decided() + found.running + found.closed);
            prop_assert!(found.overdue <= found.missed);
        }
    }
}
