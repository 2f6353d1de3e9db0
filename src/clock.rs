//! The only file that reads the time.
//!
//! Everything else is handed an instant: rules take `now` as an argument, passes read the clock once
//! when they begin, SQL never calls `now()`. So a scenario on [`ManualClock`] and the daemon on
//! [`Clock::System`] run the same code, and a test can hold that rule by looking for the banned calls
//! (`tests/architecture.rs`).
//!
//! Instants are whole milliseconds, because that is what both databases store: an instant survives a
//! round trip through the store unchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

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
}

/// A clock for scenarios and tests: it shows what it was last set to.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `at`, cut to whole milliseconds.
    pub fn at(at: Timestamp) -> ManualClock {
        ManualClock(Arc::new(AtomicI64::new(at.as_millisecond())))
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        // Every value stored came out of a Timestamp, so it is in range.
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves the clock to `at`, forwards or backwards.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_millisecond(), Ordering::SeqCst);
    }
}

/// Cuts an instant to whole milliseconds, towards the past.
pub fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_nanosecond().div_euclid(1_000_000) as i64)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
