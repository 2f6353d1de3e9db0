//! Which rep gets a lead: the one who has waited longest among those with room.
//!
//! A rep's wait is the time since their last lead, times their weight: a rep of weight 2 comes round twice
//! as often. Whoever never had one comes first, in the order of the agreement. There is no rolling window
//! of past leads, so an absence leaves no hole that comes back month after month.
//!
//! Leads that became ready overnight are all given at the same instant, when the office opens. Then nobody
//! has waited at all, and the turn is that of the rep who got fewest at that instant, by weight.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::agreement::{Rep, Team};
use super::calendar::Calendar;
use super::email::EmailAddress;

/// Shares of leads given at one instant are compared in so many parts of a lead.
const FINE: i128 = 1 << 32;

/// What a rep's turn depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When they were last given a lead.
    pub last_assigned_at: Option<Timestamp>,
    /// How many they were given at that instant.
    pub given_then: i64,
    /// How many leads they have open.
    pub open_leads: i64,
    /// An absence they announced.
    pub away: Option<(Timestamp, Timestamp)>,
}

/// Who gets it, or what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// This rep.
    To {
        /// Who.
        rep: &'a Rep,
        /// Why, as a sentence.
        why: String,
    },
    /// Nobody has room or is there.
    Wait {
        /// When the first absent rep with room is back; `None`: nobody is awaited.
        until: Option<Timestamp>,
        /// Why, as a sentence.
        why: String,
    },
}

/// Chooses among `team`'s reps, whose turns come in the order of `team.reps`. `avoid` shall not get it
/// unless nobody else is there.
pub fn choose<'a>(
    team: &'a Team,
    turns: &[Turn],
    calendar: &Calendar,
    avoid: Option<&EmailAddress>,
    now: Timestamp,
) -> Route<'a> {
    let free: Vec<(&Rep, &Turn)> = team
        .reps
        .iter()
        .zip(turns)
        .filter(|(rep, turn)| turn.open_leads < rep.capacity && absence(rep, turn, calendar, now).is_none())
        .collect();
    let preferred = free.iter().copied().filter(|(rep, _)| Some(&rep.email) != avoid);
    let longest = |(rep, turn): &(&Rep, &Turn)| {
        let weight = i128::from(rep.weight.max(1));
        let waited = turn
            .last_assigned_at
            .map_or(i128::MAX, |last| now.duration_since(last).as_millis().saturating_mul(weight));
        (waited, Reverse(i128::from(turn.given_then) * FINE / weight))
    };
    // `max_by_key` takes the last of equals; the agreement's order asks for the first.
    let chosen =
        preferred.rev().max_by_key(longest).or_else(|| free.iter().copied().rev().max_by_key(longest));
    match chosen {
        Some((rep, turn)) => Route::To { rep, why: why(rep, turn, free.len(), now) },
        None => wait(team, turns, calendar, now),
    }
}

fn why(rep: &Rep, turn: &Turn, free: usize, now: Timestamp) -> String {
    if free == 1 {
        return format!("{} is the only one there with room", rep.name);
    }
    match turn.last_assigned_at {
        None => format!("{} has not had a lead yet", rep.name),
        Some(last) => {
            let hours = now.duration_since(last).as_hours();
            let waited = match hours {
                0 => "less than an hour".to_owned(),
                1 => "1 hour".to_owned(),
                2..48 => format!("{hours} hours"),
                _ => format!("{} days", hours / 24),
            };
            format!("{} has waited longest among those with room: {waited}", rep.name)
        }
    }
}

fn wait<'a>(team: &'a Team, turns: &[Turn], calendar: &Calendar, now: Timestamp) -> Route<'a> {
    let mut until: Option<Timestamp> = None;
    let mut full = 0;
    for (rep, turn) in team.reps.iter().zip(turns) {
        if turn.open_leads >= rep.capacity {
            full += 1;
        } else if let Some(back) = absence(rep, turn, calendar, now) {
            until = Some(until.map_or(back, |earliest| earliest.min(back)));
        }
    }
    let why = match (full, team.reps.len() - full) {
        (full, 0) => format!("all {full} of team {} have as many open leads as they can take", team.name),
        (0, away) => format!("all {away} of team {} are away", team.name),
        (full, away) => format!("{full} of team {} are full and {away} away", team.name),
    };
    Route::Wait { until, why }
}

/// When an absent rep is back; `None` for one who is there.
pub fn absence(rep: &Rep, turn: &Turn, calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
    let today = calendar.local(now).date();
    let planned = rep
        .away
        .iter()
        .find(|(first, last)| (*first..=*last).contains(&today))
        .and_then(|(_, last)| calendar.instant_at(last.tomorrow().ok()?, jiff::civil::Time::midnight()));
    let announced = turn.away.filter(|(from, until)| (*from..*until).contains(&now)).map(|(_, until)| until);
    planned.max(announced)
}
