//! The attempts that a rep owes a lead before giving it up, and when the next one is due.
//!
//! The debt is counted from what was done, never from a counter: calls beyond the agreed number a day and a
//! second mail on one day are the same try, so they do not pay for it. It begins at the hand-off: a rep
//! who waits with the first attempt has less time for the others. The first is due when first contact is,
//! the last at the end, the others evenly between them.
//!
//! It is over when it is paid, when the lead is reached, or when it is given back.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use super::super::calendar::Calendar;
use super::super::contact::Channel;
use super::{SlaError, Terms};

/// How often, on how many days and over how many channels a lead has to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptsOwed {
    /// How many attempts.
    pub count: i64,
    /// On at least so many of the lead's days.
    pub days: i64,
    /// Over at least so many channels.
    pub channels: i64,
    /// So many calls count on one day.
    pub calls_per_day: i64,
    /// When the first is due, in the minutes in which the whole is counted; `None`: one share of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_minutes: Option<i64>,
    /// The minutes until the first do not count before: the lead cannot be called until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_from: Option<Timestamp>,
}

/// One mail a day counts: the second is the first one again.
const MAILS_PER_DAY: i64 = 1;

/// An attempt that a human made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// How.
    pub channel: Channel,
}

/// What is paid of a debt, and what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debt {
    /// Attempts that count.
    pub made: i64,
    /// On how many of the lead's days.
    pub days: i64,
    /// Over which channels, in the order in which they were tried.
    pub channels: Vec<Channel>,
    /// How many are left. More than the agreed number less `made`, when those were on too few days or
    /// channels.
    pub left: i64,
    /// Calls that count already on the day of the latest attempt, and that day.
    latest: Option<(Date, i64, i64)>,
}

/// The next attempt that is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextAttempt {
    /// The how-many-eth it is, from 1.
    pub number: i64,
    /// Until when it is to be made.
    pub due: Timestamp,
    /// It does not count before that, in the lead's hours: the day's calls are used up, or another day is owed.
    pub from: Timestamp,
    /// It has to go over this channel, or the debt cannot be paid any more; `None`: as the rep likes.
    pub channel: Option<Channel>,
}

impl AttemptsOwed {
    /// The most attempts that can count within so many business days.
    pub fn most_within(&self, days: i64) -> i64 {
        days.saturating_mul(self.calls_per_day.saturating_add(MAILS_PER_DAY))
    }

    /// The same for a lead that can be tried over these channels only: over those that are closed nothing is owed.
    pub fn over(self, open: &[Channel]) -> AttemptsOwed {
        let open = i64::try_from(open.len()).unwrap_or(i64::MAX).max(1);
        AttemptsOwed { channels: self.channels.min(open), ..self }
    }

    /// The same where these channels are the only ones from the beginning: nor are more attempts owed than count
    /// over them within so many business days.
    pub fn within(self, days: i64, open: &[Channel]) -> AttemptsOwed {
        let a_day = |channel: &Channel| match channel {
            Channel::Phone => self.calls_per_day,
            Channel::Email => MAILS_PER_DAY,
        };
        let most = days.saturating_mul(open.iter().map(a_day).sum::<i64>());
        let owed = self.over(open);
        AttemptsOwed { count: if most > 0 { owed.count.min(most) } else { owed.count }, ..owed }
    }

    /// What is paid by these attempts, in any order, on the days of the lead's own clock.
    pub fn debt(&self, attempts: &[Attempt], lead: &Calendar) -> Debt {
        let mut attempts = attempts.to_vec();
        attempts.sort_by_key(|attempt| attempt.at);
        let (mut made, mut days) = (0, 0);
        let mut channels = Vec::new();
        let mut latest: Option<(Date, i64, i64)> = None;
        for attempt in attempts {
            let date = lead.local(attempt.at).date();
            let (calls, mails) = match latest {
                Some((day, calls, mails)) if day == date => (calls, mails),
                _ => {
                    days += 1;
                    (0, 0)
                }
            };
            let (calls_now, mails_now) = match attempt.channel {
                Channel::Phone => (calls + 1, mails),
                Channel::Email => (calls, mails + 1),
            };
            latest = Some((date, calls_now, mails_now));
            let again = match attempt.channel {
                Channel::Phone => calls >= self.calls_per_day,
                Channel::Email => mails >= MAILS_PER_DAY,
            };
            if !again {
                made += 1;
                if !channels.contains(&attempt.channel) {
                    channels.push(attempt.channel);
                }
            }
        }
        let left = (self.count - made)
            .max(self.days - days)
            .max(self.channels - i64::try_from(channels.len()).unwrap_or(i64::MAX))
            .max(0);
        Debt { made, days, channels, left, latest }
    }

    /// Minutes of the target after which the `number`th attempt is due.
    fn minutes(&self, number: i64, target: i64) -> i64 {
        if number >= self.count {
            return target;
        }
        let first = self.first_minutes.unwrap_or(target / self.count.max(1)).clamp(1, target);
        first + (target - first) * (number - 1).max(0) / (self.count - 1).max(1)
    }
}

impl fmt::Display for AttemptsOwed {
    /// "6 attempts on 4 days, over 2 channels".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: i64| if count == 1 { "" } else { "s" };
        write!(f, "{} attempt{}", self.count, plural(self.count))?;
        if self.days > 1 {
            write!(f, " on {} days", self.days)?;
        }
        if self.channels > 1 {
            write!(f, ", over {} channels", self.channels)?;
        }
        Ok(())
    }
}

impl Debt {
    /// Whether nothing is owed any more.
    pub fn is_paid(&self) -> bool {
        self.left == 0
    }

    /// "3 of 6 attempts, on 2 days, by phone and email".
    pub fn words(&self, owed: &AttemptsOwed) -> String {
        let of = format!("{} of {} attempts", self.made, owed.count);
        if self.made == 0 {
            return of;
        }
        let days = if self.days == 1 { "1 day".to_owned() } else { format!("{} days", self.days) };
        let channels: Vec<&str> = self.channels.iter().map(|channel| channel.name()).collect();
        format!("{of}, on {days}, by {}", channels.join(" and "))
    }
}

/// The next attempt that a running clock of attempts asks for; `None` when the debt is paid.
///
/// `lead` are the hours in which the lead can be called, `open` the channels that lead to it. What is overdue has its `due` in the past, unless it
/// cannot be made before a later day.
///
/// # Errors
/// When the terms' calendars cannot be read, or are never open together for long enough.
pub fn next_attempt_due(
    terms: &Terms,
    started_at: Timestamp,
    pauses: &[(Timestamp, Timestamp)],
    attempts: &[Attempt],
    lead: &Calendar,
    open: &[Channel],
) -> Result<Option<NextAttempt>, SlaError> {
    let Some(owed) = terms.attempts.map(|owed| owed.over(open)) else { return Ok(None) };
    let debt = owed.debt(attempts, lead);
    if debt.is_paid() {
        return Ok(None);
    }
    let number = debt.made + 1;
    let minutes = owed.minutes(number, terms.target_minutes);
    let counts_from = owed.first_from.filter(|from| number == 1 && *from > started_at).unwrap_or(started_at);
    let paced = terms.thaw()?.instant_after(counts_from, pauses, minutes)?;
    let missing_channels = owed.channels - i64::try_from(debt.channels.len()).unwrap_or(i64::MAX);
    let channel = (missing_channels > 0 && debt.left <= missing_channels)
        .then(|| open.iter().copied().find(|channel| !debt.channels.contains(channel)))
        .flatten();
    let from = match debt.latest {
        Some((day, calls, mails)) => {
            let another_day = owed.days - debt.days >= debt.left;
            let used_up = match channel {
                Some(Channel::Phone) => calls >= owed.calls_per_day,
                Some(Channel::Email) => mails >= MAILS_PER_DAY,
                // By mail it could be tried on the same day, but a rep who has just called need not write at once.
                None => calls >= owed.calls_per_day || mails >= MAILS_PER_DAY,
            };
            if another_day || used_up { opening_after(lead, day).unwrap_or(started_at) } else { started_at }
        }
        None => lead.next_open(started_at).unwrap_or(started_at),
    };
    let from = end_of_pause(pauses, from, lead);
    Ok(Some(NextAttempt { number, due: paced.max(from), from, channel }))
}

/// When the lead can be called again after the end of a day.
fn opening_after(lead: &Calendar, day: Date) -> Option<Timestamp> {
    lead.next_open(lead.instant_at(day.tomorrow().ok()?, Time::midnight())?)
}

/// The first instant at or after `at` that lies in no pause.
fn end_of_pause(pauses: &[(Timestamp, Timestamp)], at: Timestamp, lead: &Calendar) -> Timestamp {
    let mut at = at;
    while let Some((_, ends)) = pauses.iter().find(|(from, to)| *from <= at && at < *to) {
        at = lead.next_open(*ends).unwrap_or(*ends);
    }
    at
}

#[cfg(test)]
mod tests;
