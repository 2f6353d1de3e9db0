//! Whether the clock was set between two wakes. Then the brake goes on: what a wrong clock makes due, a person
//! looks at first. Staff mail goes on.

use std::sync::Mutex;
use std::sync::PoisonError;

use super::pass::PassError;
use super::{Engine, Wake};
use crate::domain::clock_jump::{Reading, behind, words};

/// What the clock showed at the last wake.
#[derive(Debug, Default)]
pub(super) struct ClockWatch(Mutex<Option<Reading>>);

/// Reads the clock, and pulls the brake when it was set since the last wake; at the first wake, when it is behind
/// what the store knows of the last one.
pub(super) async fn look(engine: &Engine, wake: &Wake) -> Result<(), PassError> {
    let now = Reading { shows: engine.clock.now(), running: engine.clock.running() };
    let before = engine.clock_watch.0.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
    let set = match before {
        Some(before) => before.jump_to(now),
        None => {
            let mut tx = engine.store.read().await?;
            let last = tx.last_beat().await?;
            tx.rollback().await?;
            last.and_then(|last| behind(last, now.shows)).map(|behind| -behind)
        }
    };
    match set {
        Some(set) => engine.pull_brake(wake, &words(set)).await,
        None => Ok(()),
    }
}
