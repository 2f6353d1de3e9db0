//! Whether mail to leads may leave although a mailbox has not been read.
//!
//! Whoever has answered, complained or whose address is dead must not get the next mail because nobody looked. So mail
//! to leads waits while a mailbox has not been read completely within the last quarter of an hour. It does not wait for
//! ever: a mailbox that fails for hours needs a person, and leads that answered nothing need their mail.

use jiff::{SignedDuration, Timestamp};

/// A mailbox that was read completely within this time is known well enough.
pub const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// So long mail waits at most for a mailbox that cannot be read.
pub const MOST_HELD: SignedDuration = SignedDuration::from_hours(4);

/// After so long the operator is told.
pub const TELL_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// How reading a mailbox goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The mailbox, as the configuration calls it.
    pub mailbox: String,
    /// Since when a daemon reads it: the last start of one.
    pub watched_since: Timestamp,
    /// When a daemon last got to some end with it, good or bad.
    pub tried_at: Option<Timestamp>,
    /// When it was last read completely.
    pub read_at: Option<Timestamp>,
    /// Since when it could not be.
    pub failing_since: Option<Timestamp>,
    /// What went wrong last, without personal text.
    pub why: Option<String>,
}

/// Why mail to leads waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The mailbox.
    pub mailbox: String,
    /// When it was last read completely.
    pub read_at: Option<Timestamp>,
    /// When mail goes on whatever becomes of it.
    pub until: Timestamp,
    /// What went wrong last.
    pub why: Option<String>,
}

/// What mail to leads waits for at `now`: of several mailboxes that one for which it waits longest. What leads asked
/// for goes all the same.
pub fn hold(readings: &[Reading], now: Timestamp) -> Option<Hold> {
    let held = readings.iter().filter_map(|reading| {
        let is_fresh = reading.read_at.is_some_and(|read_at| now.duration_since(read_at) <= FRESH);
        let until = began(reading).saturating_add(MOST_HELD).unwrap_or(Timestamp::MAX);
        (!is_fresh && now < until).then(|| Hold {
            mailbox: reading.mailbox.clone(),
            read_at: reading.read_at,
            until,
            why: reading.why.clone(),
        })
    });
    held.max_by_key(|hold| hold.until)
}

/// When the waiting for a mailbox that is not fresh began. Before a daemon has come to an end with it once, what an
/// earlier one met says nothing: after a long standstill mail waits for the first look.
fn began(reading: &Reading) -> Timestamp {
    if reading.tried_at.is_none_or(|tried| tried < reading.watched_since) {
        return reading.watched_since;
    }
    reading.failing_since.or(reading.read_at).unwrap_or(reading.watched_since)
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mailbox {} has not been read ", self.mailbox)?;
        match self.read_at {
            Some(read_at) => write!(f, "since {}", second(read_at))?,
            None => f.write_str("yet")?,
        }
        if let Some(why) = &self.why {
            write!(f, " ({why})")?;
        }
        write!(f, "; mail to leads goes on by {}", second(self.until))
    }
}

/// An instant as people read it.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-03-02T{text}:00Z").parse().expect("an instant")
    }

    /// A mailbox that was read at `read`, by a daemon at work since 08:00.
    fn read(read: &str) -> Reading {
        Reading {
            mailbox: "answers".to_owned(),
            watched_since: at("08:00"),
            tried_at: Some(at(read)),
            read_at: Some(at(read)),
            failing_since: None,
            why: None,
        }
    }

    fn failing(since: &str, tried: &str) -> Reading {
        let why = Some("the server does not answer".to_owned());
        Reading { tried_at: Some(at(tried)), failing_since: Some(at(since)), why, ..read("09:00") }
    }

    fn until(readings: &[Reading], now: &str) -> Option<Timestamp> {
        hold(readings, at(now)).map(|hold| hold.until)
    }

    #[test]
    fn mail_leaves_while_every_mailbox_was_read_lately() {
        assert_eq!(hold(&[], at("09:00")), None, "nothing is configured");
        assert_eq!(until(&[read("09:00")], "09:15"), None);
        assert_eq!(until(&[read("09:00")], "09:16"), Some(at("13:00")));
        assert_eq!(until(&[read("09:16"), read("09:00")], "09:16"), Some(at("13:00")), "one of two");
    }

    #[test]
    fn it_waits_four_hours_for_a_mailbox_that_fails_and_then_goes_on() {
        let mailbox = [failing("09:05", "13:00")];
        assert_eq!(until(&mailbox, "09:10"), None, "it was read a moment ago");
        assert_eq!(until(&mailbox, "09:20"), Some(at("13:05")));
        assert_eq!(until(&mailbox, "13:04"), Some(at("13:05")));
        assert_eq!(until(&mailbox, "13:05"), None);
    }

    #[test]
    fn after_a_standstill_it_waits_for_the_first_look() {
        let started = Reading { watched_since: at("20:00"), ..read("09:00") };
        assert_eq!(until(std::slice::from_ref(&started), "20:00"), Some(at("20:00") + MOST_HELD));
        let failed_before = Reading { watched_since: at("20:00"), ..failing("09:05", "13:00") };
        assert_eq!(until(std::slice::from_ref(&failed_before), "20:01"), Some(at("20:00") + MOST_HELD));
        let fails_still = Reading { tried_at: Some(at("20:01")), ..failed_before };
        assert_eq!(until(&[fails_still], "20:02"), None, "it has failed for long, and does so still");
        let new = Reading { tried_at: None, read_at: None, ..started };
        assert_eq!(until(&[new], "20:01"), Some(at("20:00") + MOST_HELD), "it was never read");
    }

    #[test]
    fn the_reason_names_the_mailbox_and_the_end() {
        let hold = hold(&[failing("09:05", "09:20")], at("09:20")).expect("held");
        assert_eq!(
            hold.to_string(),
            "mailbox answers has not been read since 2026-03-02T09:00:00Z (the server does not answer); \
             mail to leads goes on by 2026-03-02T13:05:00Z"
        );
    }
}
