//! How often somebody may ask: an even flow with room for a burst.
//!
//! The generic cell rate algorithm: of each asker one instant is remembered, the one at which their requests
//! would all have been paid for. Who is further ahead of it than a burst has to wait.

use jiff::{SignedDuration, Timestamp};

/// A flow of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute, at least 1.
    pub per_minute: u32,
    /// Requests at once, at least 1.
    pub burst: u32,
}

/// Whether a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It passes; remember this instant for the next one.
    Pass(Timestamp),
    /// It does not; it would after this wait.
    Wait(SignedDuration),
}

impl Rate {
    /// `count` requests a minute, a sixth of them at once.
    pub fn per_minute(count: u32) -> Rate {
        Rate { per_minute: count.max(1), burst: (count / 6).max(1) }
    }

    /// How long one request is paid for.
    fn cell(self) -> SignedDuration {
        SignedDuration::from_secs(60) / i32::try_from(self.per_minute.max(1)).unwrap_or(i32::MAX)
    }

    /// After this long without a request an asker may be forgotten.
    pub fn memory(self) -> SignedDuration {
        self.cell() * i32::try_from(self.burst.max(1)).unwrap_or(i32::MAX)
    }

    /// Whether a request at `now` passes, when the asker's `paid` instant is as remembered.
    pub fn admit(self, paid: Option<Timestamp>, now: Timestamp) -> Admission {
        // A clock that was set back must not lock anybody out for longer than a burst.
        let latest = now.saturating_add(self.memory()).unwrap_or(now);
        let paid = paid.map_or(now, |paid| paid.clamp(now, latest));
        let next = paid.saturating_add(self.cell()).unwrap_or(paid);
        let ahead = next.duration_since(now);
        if ahead <= self.memory() { Admission::Pass(next) } else { Admission::Wait(ahead - self.memory()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> Timestamp {
        "2026-03-02T09:00:00Z".parse().expect("an instant")
    }

    fn after(millis: i64) -> Timestamp {
        start() + SignedDuration::from_millis(millis)
    }

    /// How many of requests at these instants pass.
    fn passed(rate: Rate, instants: impl IntoIterator<Item = Timestamp>) -> usize {
        let (mut paid, mut passed) = (None, 0);
        for now in instants {
            if let Admission::Pass(next) = rate.admit(paid, now) {
                (paid, passed) = (Some(next), passed + 1);
            }
        }
        passed
    }

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let rate = Rate::per_minute(60);
        assert_eq!(rate.burst, 10);
        assert_eq!(passed(rate, (0..30).map(|_| start())), 10);
        let mut paid = None;
        for _ in 0..10 {
            let Admission::Pass(next) = rate.admit(paid, start()) else { panic!("a burst") };
            paid = Some(next);
        }
        assert_eq!(rate.admit(paid, start()), Admission::Wait(SignedDuration::from_secs(1)));
        assert!(matches!(rate.admit(paid, after(1_000)), Admission::Pass(_)));
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let rate = Rate::per_minute(60);
        let ahead = after(86_400_000);
        let Admission::Wait(wait) = rate.admit(Some(ahead), start()) else { panic!("it is far ahead") };
        assert!(wait <= SignedDuration::from_secs(1), "{wait:?}");
    }

    proptest! {
        #[test]
        fn in_any_minute_no_more_pass_than_the_rate_and_a_burst(
            count in 1_u32..200, mut millis in proptest::collection::vec(0_i64..60_000, 0..600)
        ) {
            millis.sort_unstable();
            let rate = Rate::per_minute(count);
            let passed = passed(rate, millis.into_iter().map(after));
            prop_assert!(passed <= (rate.per_minute + rate.burst) as usize);
        }
    }
}
