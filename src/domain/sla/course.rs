//! Which clocks of a hand-off end with what happens, and which begin.
//!
//! Evidence counts, not the change of a field: a call, a mail by a human, a meeting stop the contact clock and
//! imply acceptance; an automatic mail and a status that somebody edited do not. What came of a talk is owed once
//! somebody says that there was one, and again after the day on which the lead wanted to be called.

use super::PromiseKind;
use crate::domain::happening::Promises;
use crate::domain::lead::Stage;

/// How a clock ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What was promised was done: in time, or late.
    Kept,
    /// It no longer matters.
    Closed,
}

/// What a happening does to the clocks of a lead. A clock that does not run does not end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Clocks that end.
    pub stop: Vec<(PromiseKind, Ending)>,
    /// The attempts that were made have to be counted: the debt may be paid.
    pub count_attempts: bool,
    /// Clocks that begin afterwards, if the policy promises them and none of their kind runs.
    pub start: Vec<PromiseKind>,
}

/// What a happening does to the clocks, that takes a lead from `before` through `stages`. `names_a_day`: the lead
/// asked to hear from us on a day. `feedback`: whoever closes it says in words what convinced, or what did not.
pub fn course(
    promises: Promises,
    before: Stage,
    stages: &[Stage],
    names_a_day: bool,
    feedback: bool,
) -> Course {
    use PromiseKind::{Accept, Attempts, Disposition, Feedback, FirstContact, Quiet};
    let mut course = Course::default();
    let mut stop = |kinds: &[PromiseKind], ending| {
        course.stop.extend(kinds.iter().map(|kind| (*kind, ending)));
    };
    let after = stages.last().copied().unwrap_or(before);
    let spoke = matches!(after, Stage::Contacted | Stage::Opportunity | Stage::Won);
    let closed = |stage: &Stage| matches!(stage, Stage::Won | Stage::Lost | Stage::Rejected);
    match promises {
        Promises::Run | Promises::Recount | Promises::Heard => {}
        Promises::Accepted => stop(&[Accept], Ending::Kept),
        Promises::ContactMade | Promises::Tried => {
            stop(&[Accept, FirstContact], Ending::Kept);
            // Who is tried in vain was not reached, whatever a status says.
            let reached = spoke && promises == Promises::ContactMade;
            if reached {
                stop(&[Attempts], Ending::Kept);
            }
            course.count_attempts = !reached;
        }
        Promises::FeedbackGiven => stop(&[Feedback], Ending::Kept),
        // No is an answer, too.
        Promises::Close => {
            stop(&[Accept, Disposition], Ending::Kept);
            stop(&[FirstContact, Attempts, Quiet], Ending::Closed);
        }
        Promises::Void => {
            stop(&[Accept, FirstContact, Attempts, Disposition, Quiet], Ending::Closed);
        }
    }
    let mut stop = |kinds: &[PromiseKind], ending| {
        course.stop.extend(kinds.iter().map(|kind| (*kind, ending)));
    };
    if stages.iter().any(closed) {
        stop(&[Disposition], Ending::Kept);
        stop(&[Accept, FirstContact, Attempts, Quiet], Ending::Closed);
        if !feedback && stages.iter().any(|stage| matches!(stage, Stage::Won | Stage::Lost)) {
            course.start.push(Feedback);
        }
    } else if after == Stage::Opportunity {
        let heard_of =
            matches!(promises, Promises::ContactMade | Promises::Tried | Promises::Heard) || names_a_day;
        if before != Stage::Opportunity || heard_of {
            stop(&[Disposition], Ending::Kept);
            stop(&[Quiet], Ending::Kept);
            course.start.push(Quiet);
        }
    } else if after == Stage::Contacted {
        let is_the_first = before != Stage::Contacted && promises != Promises::Accepted;
        if is_the_first || names_a_day {
            stop(&[Disposition], Ending::Kept);
        }
        // Where only a status said so before, this is the talk that it spoke of.
        if is_the_first || names_a_day || promises == Promises::ContactMade {
            course.start.push(Disposition);
        }
    }
    course
}

#[cfg(test)]
mod tests {
    use super::*;
    use PromiseKind::{Accept, Attempts, Disposition, Feedback, FirstContact, Quiet};

    fn stopped(course: &Course, ending: Ending) -> Vec<PromiseKind> {
        course.stop.iter().filter(|(_, how)| *how == ending).map(|(kind, _)| *kind).collect()
    }

    #[test]
    fn each_step_of_a_lead_ends_and_begins_its_clocks() {
        use Stage as S;
        for (promises, before, stages, kept, started) in [
            (Promises::Run, S::HandedOff, &[][..], &[][..], &[][..]),
            (Promises::Accepted, S::HandedOff, &[S::Accepted], &[Accept], &[]),
            // Not reached: the contact is made, the debt of attempts runs on.
            (Promises::Tried, S::HandedOff, &[S::Accepted], &[Accept, FirstContact], &[]),
            (
                Promises::ContactMade,
                S::HandedOff,
                &[S::Accepted, S::Contacted],
                &[Accept, FirstContact, Attempts, Disposition],
                &[Disposition],
            ),
            // Spoken to again: what came of the first talk is still owed, or owed from now where a status said so.
            (Promises::ContactMade, S::Contacted, &[], &[Accept, FirstContact, Attempts], &[Disposition]),
            (Promises::Tried, S::Contacted, &[], &[Accept, FirstContact], &[]),
            (
                Promises::ContactMade,
                S::Contacted,
                &[S::Opportunity],
                &[Accept, FirstContact, Attempts, Disposition, Quiet],
                &[Quiet],
            ),
            // A status that was edited moves the stage, and is no contact: nobody knows of a talk.
            (Promises::Accepted, S::HandedOff, &[S::Accepted, S::Contacted], &[Accept], &[]),
            (Promises::FeedbackGiven, S::Resting, &[], &[Feedback], &[]),
        ] {
            let course = course(promises, before, stages, false, false);
            assert_eq!(stopped(&course, Ending::Kept), kept, "{promises:?} {stages:?}");
            assert_eq!(course.start, started, "{promises:?} {stages:?}");
        }
    }

    #[test]
    fn attempts_are_counted_until_somebody_is_reached() {
        let counts = |promises, before, stages: &[Stage]| {
            course(promises, before, stages, false, false).count_attempts
        };
        assert!(counts(Promises::Tried, Stage::Accepted, &[]));
        assert!(counts(Promises::Tried, Stage::Contacted, &[]));
        assert!(!counts(Promises::ContactMade, Stage::Accepted, &[Stage::Contacted]));
    }

    #[test]
    fn the_end_of_a_hand_off_closes_what_runs_and_asks_for_feedback() {
        for (promises, stage, feedback, started) in [
            (Promises::Close, Stage::Rejected, false, &[][..]),
            (Promises::Close, Stage::Lost, false, &[Feedback]),
            (Promises::Close, Stage::Lost, true, &[]),
            (Promises::ContactMade, Stage::Won, false, &[Feedback]),
        ] {
            let course = course(promises, Stage::Contacted, &[stage, Stage::Resting][..1], false, feedback);
            // Of two endings of one clock the first counts.
            let ends = |kind| course.stop.iter().find(|(ended, _)| *ended == kind).map(|(_, how)| *how);
            assert_eq!(ends(Disposition), Some(Ending::Kept), "{stage}");
            let reached = if stage == Stage::Won { Ending::Kept } else { Ending::Closed };
            for kind in [FirstContact, Attempts] {
                assert_eq!(ends(kind), Some(reached), "{stage}");
            }
            assert_eq!((ends(Accept), ends(Quiet)), (Some(Ending::Kept), Some(Ending::Closed)), "{stage}");
            assert_eq!(course.start, started, "{stage}");
        }
    }

    #[test]
    fn nobody_keeps_a_promise_by_what_is_no_answer() {
        for stages in [&[Stage::Rejected, Stage::Resting][..], &[Stage::Contacted]] {
            let course = course(Promises::Void, Stage::HandedOff, stages, false, false);
            let ends = |kind| course.stop.iter().find(|(ended, _)| *ended == kind).map(|(_, how)| *how);
            for kind in [Accept, FirstContact, Attempts, Disposition, Quiet] {
                assert_eq!(ends(kind), Some(Ending::Closed), "{stages:?}");
            }
        }
    }

    #[test]
    fn a_day_that_the_lead_named_is_an_answer_and_the_question_is_asked_again_after_it() {
        let named = course(Promises::Recount, Stage::Contacted, &[], true, false);
        assert_eq!((named.stop, named.start), (vec![(Disposition, Ending::Kept)], vec![Disposition]));
        // Before there was a talk it only stops the time.
        assert_eq!(course(Promises::Recount, Stage::HandedOff, &[], true, false), Course::default());
        for (promises, named) in [(Promises::Recount, true), (Promises::Heard, false)] {
            assert_eq!(course(promises, Stage::Opportunity, &[], named, false).start, [Quiet]);
        }
        assert_eq!(course(Promises::Heard, Stage::Contacted, &[], false, false), Course::default());
    }
}
