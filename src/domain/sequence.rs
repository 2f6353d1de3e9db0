//! Which step of a sequence comes next, and when.
//!
//! Steps are known by name. A lead's place is behind the last step it had that the sequence still has; so a
//! step that was moved is not sent again, one that was deleted is passed over, and one that was added behind
//! the lead's place reaches it while one added before it does not.

use jiff::Timestamp;

use super::agreement::{Late, LateStep, Sequence, Step};
use super::calendar::Calendar;

/// The step after those in `had`, which stand there in the order in which the lead had them; `None` when the
/// lead is through.
pub fn next_step<'a>(sequence: &'a Sequence, had: &[String]) -> Option<&'a Step> {
    let place = |name: &String| sequence.steps.iter().position(|step| step.name == *name);
    let last = had.iter().rev().find_map(place);
    sequence.steps[last.map_or(0, |last| last + 1)..].iter().find(|step| !had.contains(&step.name))
}

/// When a step is due, counted from the previous step's send (or the enrolment) in the lead's hours.
/// `None` when the hours never open again.
pub fn due(step: &Step, from: Timestamp, hours: &Calendar) -> Option<Timestamp> {
    step.after.due(from, hours)
}

/// What becomes of a step that was due at `due_at` and is looked at only now.
pub fn late(rule: Late, due_at: Timestamp, now: Timestamp) -> Option<LateStep> {
    (now.duration_since(due_at) > rule.after).then_some(rule.then)
}
