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
        Some((rep, turn)) => Route::To { rep, why: why(rep, turn, &free, avoid, now) },
        None => wait(team, turns, calendar, now),
    }
}

fn why(
    rep: &Rep,
    turn: &Turn,
    free: &[(&Rep, &Turn)],
    avoid: Option<&EmailAddress>,
    now: Timestamp,
) -> String {
    if free.len() == 1 {
        return format!("{} is the only one there with room", rep.name);
    }
    if free.iter().any(|(free, _)| Some(&free.email) == avoid) {
        return "it shall go to somebody else than last time".to_owned();
    }
    let is_weighed = free.iter().any(|(other, _)| other.weight != rep.weight);
    let by_weight = if is_weighed { ", by weight" } else { "" };
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
            format!("{} has waited longest among those with room: {waited}{by_weight}", rep.name)
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::calendar::{Holidays, Hours};

    const IDLE: Turn = Turn { last_assigned_at: None, given_then: 0, open_leads: 0, away: None };

    /// Tuesday, 3 March 2026, ten o'clock in Berlin.
    fn tuesday() -> Timestamp {
        "2026-03-03T10:00:00+01:00".parse().expect("an instant")
    }

    fn office() -> Calendar {
        let hours = Hours::parse("Mo-Fr 09:00-17:00").expect("hours");
        Calendar::new("Europe/Berlin", hours, Holidays::none()).expect("a calendar")
    }

    fn address(number: usize) -> EmailAddress {
        format!("rep{number}@ours.example").parse().expect("an address")
    }

    /// A team of reps 1, 2 … with these weights and room for two leads each.
    fn team(weights: &[i64]) -> Team {
        let rep = |(index, weight): (usize, &i64)| Rep {
            name: format!("Rep {}", index + 1),
            email: address(index + 1),
            capacity: 2,
            weight: *weight,
            away: Vec::new(),
        };
        Team {
            name: "sales".to_owned(),
            manager: "manager@ours.example".parse().expect("an address"),
            director: None,
            calendar: "office".to_owned(),
            backup: None,
            reps: weights.iter().enumerate().map(rep).collect(),
        }
    }

    fn ago(hours: i64) -> Turn {
        let last_assigned_at = Some(tuesday() - SignedDuration::from_hours(hours));
        Turn { last_assigned_at, given_then: 1, ..IDLE }
    }

    fn full(turn: Turn) -> Turn {
        Turn { open_leads: 2, ..turn }
    }

    fn away(turn: Turn, until_hours: i64) -> Turn {
        let from = tuesday() - SignedDuration::from_hours(1);
        Turn { away: Some((from, tuesday() + SignedDuration::from_hours(until_hours))), ..turn }
    }

    #[test]
    fn the_lead_goes_to_whoever_is_there_with_room_and_waited_longest() {
        let chosen = |weights: &[i64], turns: &[Turn], avoid: Option<usize>| {
            let (team, avoid) = (team(weights), avoid.map(address));
            match choose(&team, turns, &office(), avoid.as_ref(), tuesday()) {
                Route::To { rep, why } => format!("{}: {why}", rep.email),
                Route::Wait { until, why } => format!("wait {until:?}: {why}"),
            }
        };
        for (weights, turns, avoid, expected) in [
            (&[1, 1][..], vec![IDLE, IDLE], None, "rep1@ours.example: Rep 1 has not had a lead yet"),
            (&[1, 1], vec![ago(1), IDLE], None, "rep2@ours.example: Rep 2 has not had a lead yet"),
            (
                &[1, 1],
                vec![ago(1), ago(50)],
                None,
                "rep2@ours.example: Rep 2 has waited longest among those with room: 2 days",
            ),
            (
                &[1, 1],
                vec![ago(3), ago(1)],
                None,
                "rep1@ours.example: Rep 1 has waited longest among those with room: 3 hours",
            ),
            // Two hours count as six for a rep of weight three.
            (
                &[1, 3],
                vec![ago(5), ago(2)],
                None,
                "rep2@ours.example: Rep 2 has waited longest among those with room: 2 hours, by weight",
            ),
            (
                &[1, 1],
                vec![full(ago(50)), ago(1)],
                None,
                "rep2@ours.example: Rep 2 is the only one there with room",
            ),
            (
                &[1, 1],
                vec![away(ago(50), 9), ago(1)],
                None,
                "rep2@ours.example: Rep 2 is the only one there with room",
            ),
            (
                &[1, 1],
                vec![ago(50), ago(1)],
                Some(1),
                "rep2@ours.example: it shall go to somebody else than last time",
            ),
            (
                &[1, 1],
                vec![ago(50), full(ago(1))],
                Some(1),
                "rep1@ours.example: Rep 1 is the only one there with room",
            ),
            (
                &[1, 1],
                vec![full(IDLE), full(IDLE)],
                None,
                "wait None: all 2 of team sales have as many open leads as they can take",
            ),
            (
                &[1, 1],
                vec![away(IDLE, 9), away(IDLE, 5)],
                None,
                "wait Some(2026-03-03T14:00:00Z): all 2 of team sales are away",
            ),
            (
                &[1, 1],
                vec![full(IDLE), away(IDLE, 5)],
                None,
                "wait Some(2026-03-03T14:00:00Z): 1 of team sales are full and 1 away",
            ),
        ] {
            assert_eq!(chosen(weights, &turns, avoid), expected);
        }
    }

    #[test]
    fn a_planned_absence_ends_on_the_morning_after_its_last_day() {
        let mut team = team(&[1]);
        let day = |day| jiff::civil::date(2026, 3, day);
        team.reps[0].away = vec![(day(2), day(4))];
        let back = absence(&team.reps[0], &IDLE, &office(), tuesday());
        assert_eq!(back, Some("2026-03-05T00:00:00+01:00".parse().expect("an instant")));
        team.reps[0].away = vec![(day(4), day(4))];
        assert_eq!(absence(&team.reps[0], &IDLE, &office(), tuesday()), None);
    }

    /// Gives `leads` leads out, `apart` from each other, to reps who never run out of room; how many each got.
    fn shares(weights: &[i64], leads: usize, apart: SignedDuration) -> Vec<i64> {
        let mut team = team(weights);
        team.reps.iter_mut().for_each(|rep| rep.capacity = i64::MAX);
        let mut turns = vec![IDLE; weights.len()];
        let mut shares = vec![0; weights.len()];
        let (calendar, mut at) = (office(), tuesday());
        for _ in 0..leads {
            let Route::To { rep, .. } = choose(&team, &turns, &calendar, None, at) else {
                panic!("everybody has room");
            };
            let index = team.reps.iter().position(|known| known.email == rep.email).expect("of the team");
            let turn = &mut turns[index];
            turn.given_then = if turn.last_assigned_at == Some(at) { turn.given_then + 1 } else { 1 };
            turn.last_assigned_at = Some(at);
            turn.open_leads += 1;
            shares[index] += 1;
            at += apart;
        }
        shares
    }

    #[test]
    fn weights_are_kept_in_a_stream_and_in_a_heap() {
        for apart in [SignedDuration::ZERO, SignedDuration::from_mins(10)] {
            assert_eq!(shares(&[1, 1, 1], 30, apart), [10, 10, 10], "{apart}");
            let twice = shares(&[2, 1], 30, apart);
            assert!((19..=21).contains(&twice[0]), "{twice:?}");
        }
    }

    proptest! {
        /// However many leads, in a stream or in a heap: nobody of equals gets two more than another.
        #[test]
        fn equals_are_treated_alike(reps in 1_usize..8, leads in 0_usize..60, minutes in 0_i64..120) {
            let shares = shares(&vec![1; reps], leads, SignedDuration::from_mins(minutes));
            let (most, least) = (shares.iter().max(), shares.iter().min());
            prop_assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{shares:?}");
        }

        /// Nobody who is full or away is chosen, and somebody is whenever one is neither.
        #[test]
        fn only_who_is_there_with_room_is_chosen(
            reps in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_i64..100, 1_i64..4), 1..8),
            avoid in proptest::option::of(1_usize..8),
        ) {
            let team = team(&reps.iter().map(|(_, _, _, weight)| *weight).collect::<Vec<_>>());
            let turns: Vec<Turn> = reps
                .iter()
                .map(|(is_full, is_away, hours, _)| {
                    let turn = if *is_full { full(ago(*hours)) } else { ago(*hours) };
                    if *is_away { away(turn, 5) } else { turn }
                })
                .collect();
            let free: Vec<EmailAddress> = reps
                .iter()
                .enumerate()
                .filter(|(_, (is_full, is_away, _, _))| !is_full && !is_away)
                .map(|(index, _)| address(index + 1))
                .collect();
            let avoid = avoid.map(address);
            match choose(&team, &turns, &office(), avoid.as_ref(), tuesday()) {
                Route::To { rep, .. } => {
                    prop_assert!(free.contains(&rep.email));
                    let others = free.iter().any(|email| Some(email) != avoid.as_ref());
                    prop_assert!(!others || Some(&rep.email) != avoid.as_ref());
                }
                Route::Wait { .. } => prop_assert!(free.is_empty()),
            }
        }
    }
}
