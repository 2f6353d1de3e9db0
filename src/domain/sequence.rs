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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::agreement::Reentry;
    use crate::domain::wait::Wait;

    fn sequence(steps: &str) -> Sequence {
        let step = |name: &str| Step {
            name: name.to_owned(),
            after: Wait::parse("1 hour").expect("a wait"),
            when: None,
            at_once: false,
        };
        Sequence {
            name: "s".to_owned(),
            title: "S".to_owned(),
            enter: None,
            exit: None,
            window: None,
            late: Late { after: SignedDuration::from_hours(48), then: LateStep::Send },
            reentry: Reentry::Never,
            then: None,
            steps: steps.split_whitespace().map(step).collect(),
        }
    }

    #[test]
    fn the_next_step_is_the_one_behind_the_last_that_the_lead_had() {
        for (steps, had, next, why) in [
            ("a b c", "", Some("a"), "it begins"),
            ("a b c", "a", Some("b"), "it goes on"),
            ("a b c", "a b c", None, "it is through"),
            ("a c", "a b", Some("c"), "b was deleted"),
            ("c", "a b", Some("c"), "all it had were deleted"),
            ("b c", "a", Some("b"), "the only one it had was deleted"),
            ("a x b c", "a b", Some("c"), "x was added before its place"),
            ("a b x c", "a b", Some("x"), "x was added behind its place"),
            ("a b c x", "a b c", Some("x"), "x was added at the end"),
            ("b a c", "a", Some("c"), "b was moved before its place"),
            ("b c a d", "a b", Some("c"), "a was moved behind its place"),
            ("b c a", "a b c", None, "a was moved to the end: it had it"),
        ] {
            let had: Vec<String> = had.split_whitespace().map(str::to_owned).collect();
            let sequence = sequence(steps);
            let got = next_step(&sequence, &had).map(|step| step.name.as_str());
            assert_eq!(got, next, "{steps} after {had:?}: {why}");
        }
    }

    #[test]
    fn a_step_is_late_only_beyond_what_the_sequence_bears() {
        let rule = Late { after: SignedDuration::from_hours(48), then: LateStep::Skip };
        let due: Timestamp = "2026-03-02T09:00:00Z".parse().expect("an instant");
        assert_eq!(late(rule, due, due + SignedDuration::from_hours(48)), None);
        assert_eq!(late(rule, due, due + SignedDuration::from_secs(48 * 3600 + 1)), Some(LateStep::Skip));
    }
}
