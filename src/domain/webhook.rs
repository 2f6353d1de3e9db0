//! What other systems can be told of, and how often it is tried.
//!
//! The names are those of the event log behind `lead.`. The waits are those that the Standard Webhooks specification
//! recommends: seconds at first, because most failures are a restart, and days in the end.

use jiff::{SignedDuration, Timestamp};

/// What every type begins with.
pub const PREFIX: &str = "lead.";

/// Kinds of events that can be told, each with what it means.
pub const EVENTS: &[(&str, &str)] = &[
    ("taken_in", "it came in"),
    ("touch", "it came back"),
    ("stage", "it went from one stage to another"),
    ("enrolled", "it entered a sequence"),
    ("exited", "it left a sequence early"),
    ("finished", "it went through a sequence"),
    ("mail", "a mail to it or about it left"),
    ("assigned", "it was given to a rep"),
    ("waiting", "it waits for a rep"),
    ("clock_started", "a promise began"),
    ("clock_stopped", "a promise was kept, kept late, or ended"),
    ("level", "a promise is in danger or broken: an escalation level was reached"),
    ("activity", "it did something"),
    ("replied", "it wrote back"),
    ("out_of_office", "it is away"),
    ("follow_up", "it asked to hear from us on a day"),
    ("bounced", "mail to it came back"),
    ("complained", "it reported our mail as spam"),
    ("left_company", "its mailbox says that it does not work there any more"),
    ("unsubscribed", "it wants no more marketing mail"),
    ("suppressed", "it must not be contacted any more"),
    ("suppression_lifted", "it may be contacted again"),
    ("accepted", "its rep took it"),
    ("attempt", "its rep tried to reach it"),
    ("contacted", "its rep and it were in touch"),
    ("opportunity", "there is a deal to win"),
    ("won", "it is a customer"),
    ("lost", "the deal is lost"),
    ("rejected", "sales gave it back"),
    ("meeting", "its rep and it met"),
    ("wrong_person", "it is not the person to talk to"),
    ("already_customer", "it buys from us already"),
    ("already_talking", "its rep was in touch with it before"),
    ("feedback", "what was learned from it"),
    ("reassigned", "its manager gave it to somebody else"),
    ("reclaimed", "the rep from whom it was taken has it again"),
    ("taken", "its manager took it"),
    ("extended", "its manager gave its rep more time"),
    ("recycled", "its manager gave it back"),
    ("erased", "its data was erased: erase yours"),
];

/// Waits after the first, second … failure.
const WAITS: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// An endpoint that was silent for so long, and so often, is nobody's any more.
const SILENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The wait after the `failure`-th failure (from 1) of one message; `None` when it is given up.
pub fn wait(failure: i64) -> Option<SignedDuration> {
    usize::try_from(failure).ok().and_then(|failure| WAITS.get(failure.checked_sub(1)?)).copied()
}

/// The wait after the `failure`-th failure in a row (from 1) to reach an endpoint, the first of which was at
/// `since`; `None` when a person has to look.
pub fn endpoint_wait(failure: i64, since: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let spent = wait(failure).is_none() && now.duration_since(since) >= SILENCE;
    (!spent).then(|| wait(failure).unwrap_or(WAITS[WAITS.len() - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_for_three_days() {
        let mut hours = SignedDuration::ZERO;
        let mut failure = 1;
        while let Some(next) = wait(failure) {
            hours += next;
            failure += 1;
        }
        assert_eq!(failure, 10);
        assert!((75..=77).contains(&hours.as_hours()), "{hours:?}");
        assert_eq!((wait(0), wait(-1)), (None, None));
    }

    #[test]
    fn an_endpoint_is_parked_after_many_failures_over_days_and_not_sooner() {
        let since: Timestamp = "2026-03-02T09:00:00Z".parse().expect("an instant");
        let later = |hours: i64| since + SignedDuration::from_hours(hours);
        assert_eq!(endpoint_wait(1, since, since), Some(SignedDuration::from_secs(5)));
        assert_eq!(endpoint_wait(50, since, later(1)), Some(SignedDuration::from_hours(24)));
        assert_eq!(endpoint_wait(9, since, later(200)), Some(SignedDuration::from_hours(24)));
        assert_eq!(endpoint_wait(10, since, later(72)), None);
    }
}
