//! The only file that reads the time.
//!
//! Everything else is handed an instant: rules take `now` as an argument, passes read the clock once
//! when they begin, SQL never calls `now()`. So a scenario on [`ManualClock`] and the daemon on
//! [`Clock::System`] run the same code, and a test can hold that rule by looking for the banned calls
//! (`tests/architecture.rs`).
//!
//! Instants are whole milliseconds, because that is what both databases store: an instant survives a
//! round trip through the store unchanged.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// Where "now" comes from. Cheap to clone; clones share the same time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is moved.
    Manual(ManualClock),
}

impl Clock {
    /// The present instant, in whole milliseconds.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::System => whole_milliseconds(Timestamp::now()),
            Clock::Manual(clock) => clock.now(),
        }
    }

    /// How long the machine has run: it passes as time does, and is never set. Beside [`Clock::now`] it shows
    /// that somebody has set the clock.
    pub fn running(&self) -> SignedDuration {
        match self {
            Clock::System => machine_running(),
            Clock::Manual(clock) => clock.running(),
        }
    }
}

/// Where the system says how long it has been up, sleep included: a laptop that was closed overnight has not
/// had its clock set.
const UPTIME: &str = "/proc/uptime";

#[expect(clippy::disallowed_methods, reason = "the one place that reads the time; it is not to be paused")]
fn machine_running() -> SignedDuration {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    static HAS_UPTIME: OnceLock<bool> = OnceLock::new();
    let read = || {
        let text = std::fs::read_to_string(UPTIME).ok()?;
        let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
        SignedDuration::try_from_secs_f64(seconds).ok()
    };
    // One source for a process's life: the two do not begin at the same time.
    if *HAS_UPTIME.get_or_init(|| read().is_some())
        && let Some(up) = read()
    {
        return up;
    }
    let passed = STARTED.get_or_init(Instant::now).elapsed();
    SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX)
}

/// A clock for scenarios and tests: it shows what it was last set to.
#[derive(Clone, Debug)]
pub struct ManualClock {
    /// Epoch milliseconds.
    shows: Arc<AtomicI64>,
    /// Milliseconds that have passed.
    passed: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows `at`, cut to whole milliseconds.
    pub fn at(at: Timestamp) -> ManualClock {
        ManualClock { shows: Arc::new(AtomicI64::new(at.as_millisecond())), passed: Arc::default() }
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        // Every value stored came out of a Timestamp, so it is in range.
        Timestamp::from_millisecond(self.shows.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// How long it has run.
    pub fn running(&self) -> SignedDuration {
        SignedDuration::from_millis(self.passed.load(Ordering::SeqCst))
    }

    /// Lets the time pass until `at`; an instant that lies behind is gone back to, which no real time does.
    pub fn set(&self, at: Timestamp) {
        let before = self.shows.swap(at.as_millisecond(), Ordering::SeqCst);
        let passed = at.as_millisecond().saturating_sub(before).max(0);
        self.passed.fetch_add(passed, Ordering::SeqCst);
    }

    /// Has the clock show `at` without time passing: somebody set it.
    pub fn jump(&self, at: Timestamp) {
        self.shows.store(at.as_millisecond(), Ordering::SeqCst);
    }
}

/// Cuts an instant to whole milliseconds, towards the past.
pub fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_nanosecond().div_euclid(1_000_000) as i64)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
