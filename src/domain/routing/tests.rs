//! Who gets a lead, rule by rule, and that equals are treated alike whatever comes in.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::domain::calendar::{Holidays, Hours};

const IDLE: Turn =
    Turn { last_assigned_at: None, given_then: 0, open_leads: 0, new_this_week: 0, level: None, away: None };

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
        new_per_week: None,
        weight: *weight,
        away: Vec::new(),
        territory: None,
    };
    Team {
        name: "sales".to_owned(),
        manager: "manager@ours.example".parse().expect("an address"),
        director: None,
        calendar: "office".to_owned(),
        backup: None,
        reps: weights.iter().enumerate().map(rep).collect(),
        routing: Routing::default(),
        overflow: None,
        policy: None,
        shares: None,
    }
}

/// The question of a lead about which nothing is special.
fn plain<'a>(team: &'a Team, turns: &'a [Turn], calendar: &'a Calendar, now: Timestamp) -> Question<'a> {
    let routing = &team.routing;
    Question { team, turns, only: &[], routing, calendar, account: None, territory: &[], avoid: None, now }
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
        let office = office();
        match choose(&Question { avoid: avoid.as_ref(), ..plain(&team, turns, &office, tuesday()) }) {
            Route::To { rep, why, .. } => format!("{}: {why}", rep.email),
            Route::Wait { until, why, .. } => format!("wait {until:?}: {why}"),
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
    // Whoever says on one of these days that they are back is back.
    let back = Turn { away: Some((tuesday(), tuesday())), ..IDLE };
    assert_eq!(absence(&team.reps[0], &back, &office(), tuesday()), None);
    let before = tuesday() - SignedDuration::from_hours(72);
    let back_before = Turn { away: Some((before, before)), ..IDLE };
    assert!(absence(&team.reps[0], &back_before, &office(), tuesday()).is_some(), "that was another time");
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
        let Route::To { rep, .. } = choose(&plain(&team, &turns, &calendar, at)) else {
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
        let office = office();
        match choose(&Question { avoid: avoid.as_ref(), ..plain(&team, &turns, &office, tuesday()) }) {
            Route::To { rep, .. } => {
                prop_assert!(free.contains(&rep.email));
                let others = free.iter().any(|email| Some(email) != avoid.as_ref());
                prop_assert!(!others || Some(&rep.email) != avoid.as_ref());
            }
            Route::Wait { .. } => prop_assert!(free.is_empty()),
        }
    }
}

/// A team that goes by `rule`, of reps who never run out of room.
fn tireless(weights: &[i64], rule: Rule) -> Team {
    let mut team = team(weights);
    team.reps.iter_mut().for_each(|rep| rep.capacity = i64::MAX);
    team.routing.by = vec![rule];
    team
}

/// Gives one lead at `at`; whose it is, by number from 0. Open leads are up to the caller.
fn give(team: &Team, turns: &mut [Turn], question: &Question<'_>) -> Option<usize> {
    let Route::To { rep, level, .. } = choose(question) else { return None };
    let index = team.reps.iter().position(|known| known.email == rep.email).expect("of the team");
    let turn = &mut turns[index];
    turn.given_then = if turn.last_assigned_at == Some(question.now) { turn.given_then + 1 } else { 1 };
    turn.last_assigned_at = Some(question.now);
    turn.open_leads += 1;
    turn.new_this_week += 1;
    turn.level = level.or(turn.level);
    Some(index)
}

/// Gives `leads` leads out, `apart` from each other; who is away is away for as long as `away` says, counted in
/// leads. How many each got of those behind the absence, and how many of all.
fn shares_around_an_absence(
    team: &Team,
    leads: usize,
    apart: SignedDuration,
    away: std::ops::Range<usize>,
) -> (Vec<i64>, Vec<i64>) {
    let mut turns = vec![IDLE; team.reps.len()];
    let (mut after, mut all) = (vec![0; turns.len()], vec![0; turns.len()]);
    let (office, mut at) = (office(), tuesday());
    for lead in 0..leads {
        let is_away = away.contains(&lead);
        turns[0].away = is_away.then(|| (at, at + SignedDuration::from_hours(1)));
        let before = turns.clone();
        let index = give(team, &mut turns, &plain(team, &before, &office, at)).expect("somebody has room");
        assert!(!is_away || index != 0, "who is away gets nothing");
        all[index] += 1;
        if lead >= away.end {
            after[index] += 1;
        }
        at += apart;
    }
    (after, all)
}

#[test]
fn whoever_catches_up_gets_what_they_missed_and_others_do_not() {
    let mut team = tireless(&[1, 1, 1], Rule::Weighted);
    let (after, _) = shares_around_an_absence(&team, 60, SignedDuration::from_mins(10), 0..30);
    assert_eq!(after, [10, 10, 10]);
    team.routing.catch_up = true;
    // It is counted from the first lead they had: before, nobody could know of them.
    let (after, all) = shares_around_an_absence(&team, 60, SignedDuration::from_mins(10), 3..30);
    assert_eq!(all, [20, 20, 20]);
    assert_eq!(after, [19, 5, 6]);
}

#[test]
fn a_week_is_that_of_the_calendar() {
    let (monday, next) = week_around(&office(), tuesday()).expect("a week");
    assert_eq!(monday, "2026-03-02T00:00:00+01:00".parse().expect("an instant"));
    assert_eq!(next, "2026-03-09T00:00:00+01:00".parse().expect("an instant"));
    // The clocks go forward on the 29th: that week has an hour less.
    let sunday = "2026-03-29T12:00:00+02:00".parse().expect("an instant");
    let (monday, next) = week_around(&office(), sunday).expect("a week");
    assert_eq!(next.duration_since(monday).as_hours(), 7 * 24 - 1);
}

#[test]
fn who_has_had_as_many_as_agreed_this_week_gets_the_next_one_on_monday() {
    let mut team = team(&[1, 1]);
    team.reps.iter_mut().for_each(|rep| rep.new_per_week = Some(3));
    let had = |number| Turn { new_this_week: number, ..IDLE };
    let office = office();
    let ask = |turns: &[Turn]| match choose(&plain(&team, turns, &office, tuesday())) {
        Route::To { rep, .. } => rep.email.to_string(),
        Route::Wait { until, why, full } => format!("{full} until {until:?}: {why}"),
    };
    assert_eq!(ask(&[had(3), had(2)]), "rep2@ours.example");
    assert_eq!(
        ask(&[had(3), had(4)]),
        "true until Some(2026-03-08T23:00:00Z): all 2 of team sales have had as many new leads this week as they \
         can take"
    );
    assert_eq!(
        ask(&[had(3), full(IDLE)]),
        "true until Some(2026-03-08T23:00:00Z): all 2 of team sales have as many leads as they can take"
    );
    let turns = [had(1), Turn { open_leads: 1, ..IDLE }];
    assert_eq!(room(&plain(&team, &turns, &office, tuesday())), 3, "two, and one");
}

#[test]
fn accounts_and_territories_come_before_turns_but_nobody_waits_for_them() {
    let mut team = team(&[1, 1, 1]);
    team.routing.by = vec![Rule::Account, Rule::Territory, Rule::LongestWait];
    let covers = Territory { countries: vec!["AT".to_owned()], condition: None };
    team.reps[0].territory = Some(covers.clone());
    team.reps[1].territory = Some(covers);
    let (office, colleague) = (office(), address(3));
    let ask = |turns: &[Turn], account: bool, territory: &[bool]| {
        let account = account.then_some(&colleague);
        match choose(&Question { account, territory, ..plain(&team, turns, &office, tuesday()) }) {
            Route::To { rep, why, .. } => format!("{}: {why}", rep.email),
            Route::Wait { why, .. } => why,
        }
    };
    let (austria, nowhere) = ([true, true, false], [false; 3]);
    for (turns, account, territory, expected) in [
        ([ago(9), ago(9), ago(1)], true, &austria, "rep3@ours.example: Rep 3 knows the company already"),
        (
            [ago(1), ago(9), ago(50)],
            false,
            &austria,
            "rep2@ours.example: Rep 2 has waited longest among those in whose territory it is: 9 hours",
        ),
        (
            [ago(1), full(ago(9)), ago(50)],
            false,
            &austria,
            "rep1@ours.example: it is in the territory of Rep 1",
        ),
        // Nobody's: those who have no territory.
        (
            [ago(50), ago(50), ago(1)],
            false,
            &nowhere,
            "rep3@ours.example: Rep 3 has waited longest among those with room: 1 hour",
        ),
        (
            [ago(50), ago(9), full(ago(1))],
            true,
            &nowhere,
            "rep1@ours.example: Rep 1 has waited longest among those with room: 2 days",
        ),
        (
            [full(ago(50)), full(ago(9)), ago(1)],
            false,
            &austria,
            "rep3@ours.example: Rep 3 is the only one there with room",
        ),
    ] {
        assert_eq!(ask(&turns, account, territory), expected);
    }
}

#[test]
fn a_campaign_s_own_reps_are_asked_alone() {
    let team = team(&[1, 1, 1]);
    let (office, only) = (office(), [address(2), address(3)]);
    let ask =
        |turns: &[Turn]| match choose(&Question { only: &only, ..plain(&team, turns, &office, tuesday()) }) {
            Route::To { rep, .. } => rep.email.to_string(),
            Route::Wait { why, .. } => why,
        };
    assert_eq!(ask(&[IDLE, ago(1), ago(2)]), "rep3@ours.example");
    assert_eq!(
        ask(&[IDLE, full(IDLE), full(IDLE)]),
        "all 2 of team sales for this campaign have as many open leads as they can take"
    );
}

proptest! {
    /// An absence neither costs a rep anything afterwards nor brings them more than the one lead they waited for.
    #[test]
    fn an_absence_leaves_no_hole_and_no_flood(
        reps in 2_usize..6,
        from in 0_usize..20,
        length in 0_usize..40,
        minutes in 0_i64..120,
        weighted in any::<bool>(),
    ) {
        let rule = if weighted { Rule::Weighted } else { Rule::LongestWait };
        let team = tireless(&vec![1; reps], rule);
        let leads = from + length + reps * 6;
        let apart = SignedDuration::from_mins(minutes);
        let (after, _) = shares_around_an_absence(&team, leads, apart, from..from + length);
        let (most, least) = (after.iter().max(), after.iter().min());
        // In a heap nobody has waited: who was away got fewer of it, and catches up within it.
        if minutes > 0 || weighted {
            prop_assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 2), "{after:?}");
        }
    }

    /// Shares by weight are exact, whenever the leads come.
    #[test]
    fn weights_are_kept_exactly(
        weights in proptest::collection::vec(1_i64..6, 1..6),
        rounds in 1_i64..6,
        gaps in proptest::collection::vec(0_i64..300, 1..8),
    ) {
        let team = tireless(&weights, Rule::Weighted);
        let sum: i64 = weights.iter().sum();
        let mut turns = vec![IDLE; weights.len()];
        let mut shares = vec![0; weights.len()];
        let (office, mut at) = (office(), tuesday());
        for lead in 0..rounds * sum {
            let before = turns.clone();
            let index = give(&team, &mut turns, &plain(&team, &before, &office, at)).expect("room");
            shares[index] += 1;
            at += SignedDuration::from_mins(gaps[lead as usize % gaps.len()]);
        }
        for (share, weight) in shares.iter().zip(&weights) {
            prop_assert!((share - rounds * weight).abs() <= 1, "{shares:?} of {weights:?}");
        }
    }

    /// However leads end, whoever gets the next has fewest open.
    #[test]
    fn the_least_loaded_gets_the_next(
        reps in 1_usize..6,
        ends in proptest::collection::vec((0_usize..6, any::<bool>()), 1..60),
    ) {
        let team = tireless(&vec![1; reps], Rule::LeastLoaded);
        let mut turns = vec![IDLE; reps];
        let (office, mut at) = (office(), tuesday());
        for (who, one_ends) in ends {
            let before = turns.clone();
            let index = give(&team, &mut turns, &plain(&team, &before, &office, at)).expect("room");
            let fewest = before.iter().map(|turn| turn.open_leads).min();
            prop_assert_eq!(Some(before[index].open_leads), fewest);
            if let Some(turn) = turns.get_mut(who).filter(|turn| one_ends && turn.open_leads > 0) {
                turn.open_leads -= 1;
            }
            at += SignedDuration::from_mins(10);
        }
    }

    /// A lead stays in its territory and with its account as long as somebody of there has room; and never
    /// waits while anybody has.
    #[test]
    fn whose_a_lead_is_comes_before_whose_turn_it_is(
        reps in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_i64..100), 1..7),
        account in proptest::option::of(1_usize..7),
    ) {
        let mut team = team(&vec![1; reps.len()]);
        team.routing.by = vec![Rule::Account, Rule::Territory, Rule::LongestWait];
        let territory: Vec<bool> = reps.iter().map(|(_, covers, _)| *covers).collect();
        let of_austria = Territory { countries: vec!["AT".to_owned()], condition: None };
        for (rep, covers) in team.reps.iter_mut().zip(&territory) {
            rep.territory = covers.then(|| of_austria.clone());
        }
        let turns: Vec<Turn> = reps
            .iter()
            .map(|(is_full, _, hours)| if *is_full { full(ago(*hours)) } else { ago(*hours) })
            .collect();
        let is_free = |index: usize| reps.get(index).is_some_and(|(is_full, _, _)| !is_full);
        let (office, account) = (office(), account.map(address));
        let question = Question {
            account: account.as_ref(),
            territory: &territory,
            ..plain(&team, &turns, &office, tuesday())
        };
        let chosen = match choose(&question) {
            Route::To { rep, .. } => team.reps.iter().position(|known| known.email == rep.email),
            Route::Wait { .. } => None,
        };
        let its_account = team.reps.iter().position(|rep| Some(&rep.email) == account.as_ref());
        match its_account.filter(|index| is_free(*index)) {
            Some(index) => prop_assert_eq!(chosen, Some(index)),
            None => {
                let somebody = (0..reps.len()).any(is_free);
                let of_there = (0..reps.len()).any(|index| territory[index] && is_free(index));
                prop_assert_eq!(chosen.is_some(), somebody);
                prop_assert!(!of_there || chosen.is_some_and(|index| territory[index]));
            }
        }
    }
}
