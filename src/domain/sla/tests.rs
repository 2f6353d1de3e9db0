//! Deadlines and levels of a clock, as it runs, pauses and is stored.

use proptest::prelude::*;

use super::*;
use crate::domain::calendar::{Holidays, Hours};
use crate::domain::contact::Channel;

fn calendar(zone: &str, hours: &str) -> Calendar {
    Calendar::new(zone, Hours::parse(hours).expect("hours"), Holidays::none()).expect("a calendar")
}

fn office() -> Calendar {
    calendar("Europe/Berlin", "Mo-Fr 09:00-17:00")
}

fn phone(zone: &str) -> Calendar {
    calendar(zone, "Mo-Fr 09:00-12:00,13:30-17:00")
}

/// Eight hours, told at three quarters, at the end and at double.
fn policy(minutes: i64) -> Policy {
    let level = |name: &str, percent| Level {
        name: name.to_owned(),
        at: LevelAt::Percent(percent),
        tell: vec![Role::Owner],
        reassign: percent > 100,
    };
    let first_contact = Promise {
        target: Target::Time(SignedDuration::from_mins(minutes)),
        levels: vec![level("warning", 75), level("breach", 100), level("double", 200)],
    };
    Policy {
        name: "standard".to_owned(),
        promises: [(PromiseKind::FirstContact, first_contact)].into(),
        attempts: None,
        not_before: None,
    }
}

/// First contact within so many minutes, promised at `start` for a lead in `zone`.
fn first_contact(minutes: i64, zone: &str, start: Timestamp) -> Terms {
    let terms = Terms::of(&policy(minutes), PromiseKind::FirstContact, &office(), &phone(zone), start);
    terms.expect("it can be counted").expect("it is promised")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The names of the levels that `standing` says were reached.
fn reached(standing: &Standing) -> Vec<&str> {
    standing.reached.iter().map(|(level, _)| level.name.as_str()).collect()
}

#[test]
fn levels_are_reached_one_after_the_other_and_each_is_told_once() {
    // Monday ten o'clock, four hours: 10–12, 13:30–15:30.
    let start = at("2026-03-02T10:00:00+01:00");
    let terms = first_contact(240, "Europe/Berlin", start);
    for (now, fired, levels, next) in [
        ("2026-03-02T10:00:00+01:00", &[][..], &[][..], Some("2026-03-02T14:30:00+01:00")),
        ("2026-03-02T14:29:59+01:00", &[], &[], Some("2026-03-02T14:30:00+01:00")),
        ("2026-03-02T14:30:00+01:00", &[], &["warning"], Some("2026-03-02T15:30:00+01:00")),
        ("2026-03-02T15:30:00+01:00", &["warning"], &["breach"], Some("2026-03-03T11:30:00+01:00")),
        ("2026-03-04T10:00:00+01:00", &["warning"], &["breach", "double"], None),
        ("2026-03-04T10:00:00+01:00", &["warning", "breach", "double"], &[], None),
    ] {
        let fired: Vec<String> = fired.iter().map(|name| (*name).to_owned()).collect();
        let standing = terms.assess(start, &[], &fired, at(now)).expect("it can be counted");
        assert_eq!(standing.deadline.at, at("2026-03-02T15:30:00+01:00"), "{now}");
        assert_eq!(reached(&standing), levels, "{now}");
        assert_eq!(standing.next_at, next.map(at), "{now}");
    }
}

#[test]
fn a_pause_moves_what_is_still_to_come() {
    let start = at("2026-03-02T10:00:00+01:00");
    let terms = first_contact(240, "Europe/Berlin", start);
    let pause = (at("2026-03-02T11:00:00+01:00"), at("2026-03-04T13:30:00+01:00"));
    let standing = terms.assess(start, &[pause], &[], at("2026-03-03T12:00:00+01:00"));
    let standing = standing.expect("it can be counted");
    // An hour was counted before; three are left from Wednesday 13:30.
    assert_eq!(standing.deadline.at, at("2026-03-04T16:30:00+01:00"));
    assert_eq!((reached(&standing), standing.next_at), (vec![], Some(at("2026-03-04T15:30:00+01:00"))));
}

#[test]
fn terms_survive_being_stored() {
    let start = at("2026-03-02T10:00:00+01:00");
    let terms = first_contact(240, "Asia/Kolkata", start);
    let stored = serde_json::to_string(&terms).expect("JSON");
    let terms_again: Terms = serde_json::from_str(&stored).expect("the same JSON");
    assert_eq!(terms_again, terms);
    let now = at("2026-03-06T10:00:00+01:00");
    let standing = |terms: &Terms| terms.assess(start, &[], &[], now).expect("it can be counted");
    assert_eq!(standing(&terms_again), standing(&terms));
}

#[test]
fn the_lead_s_hours_count_where_they_meet_the_team_s() {
    let start = at("2026-01-12T10:00:00+01:00");
    for (zone, minutes, deadline) in [
        // The office's lunch is not the lead's: 10–12 and 13:30–15:30.
        ("Europe/Berlin", 240, "2026-01-12T15:30:00+01:00"),
        // New York can be called from 15 to 17 in Berlin.
        ("America/New_York", 240, "2026-01-13T17:00:00+01:00"),
        // Chicago from 16 to 17: eight hours take eight days.
        ("America/Chicago", 480, "2026-01-21T17:00:00+01:00"),
        // California and Tokyo never in winter: the office's hours alone, from the morning after it was nine in
        // California. In Tokyo it is nine before the eight hours are over.
        ("America/Los_Angeles", 240, "2026-01-13T13:00:00+01:00"),
        ("America/Los_Angeles", 480, "2026-01-13T10:00:00+01:00"),
        ("Asia/Tokyo", 240, "2026-01-13T13:00:00+01:00"),
        ("Asia/Tokyo", 480, "2026-01-13T10:00:00+01:00"),
    ] {
        let terms = first_contact(minutes, zone, start);
        let standing = terms.assess(start, &[], &[], start).expect("it can be counted");
        assert_eq!(standing.deadline.at, at(deadline), "{zone}");
    }
}

/// When a promise of that target, made at `start` in these hours, falls due.
fn due(target: Target, hours: &str, start: &str) -> Timestamp {
    let calendar = calendar("Europe/Berlin", hours);
    let promise = Promise { target, levels: Vec::new() };
    let terms = Terms::new("standard", &promise, &[&calendar], at(start)).expect("it can be counted");
    terms.assess(at(start), &[], &[], at(start)).expect("it can be counted").deadline.at
}

#[test]
fn business_days_end_at_the_same_time_of_day_or_with_the_closing_of_the_last() {
    const OFFICE: &str = "Mo-Fr 09:00-17:00";
    for (start, days, hours, ends) in [
        ("2026-03-03T10:00:00+01:00", 2, OFFICE, "2026-03-05T10:00:00+01:00"),
        ("2026-03-06T16:00:00+01:00", 1, OFFICE, "2026-03-09T16:00:00+01:00"),
        // From Saturday: Monday and Tuesday.
        ("2026-03-07T12:00:00+01:00", 2, OFFICE, "2026-03-10T17:00:00+01:00"),
        ("2026-03-03T18:00:00+01:00", 1, OFFICE, "2026-03-04T17:00:00+01:00"),
        // The clocks change between.
        ("2026-03-27T10:00:00+01:00", 2, OFFICE, "2026-03-31T10:00:00+02:00"),
        ("2026-10-23T10:00:00+02:00", 2, OFFICE, "2026-10-27T10:00:00+01:00"),
        // Who never closes has a business day each day.
        ("2026-03-03T10:00:00+01:00", 2, "24/7", "2026-03-05T10:00:00+01:00"),
        ("2026-03-28T10:00:00+01:00", 1, "24/7", "2026-03-29T10:00:00+02:00"),
        // From Tuesday to a team of Mondays and Wednesdays: Wednesday and Monday.
        ("2026-03-03T10:00:00+01:00", 2, "Mo,We 09:00-12:00,14:00-17:00", "2026-03-09T17:00:00+01:00"),
    ] {
        assert_eq!(due(Target::BusinessDays(days), hours, start), at(ends), "{start} + {days}");
    }
}

#[test]
fn days_of_plain_time_end_when_somebody_is_there() {
    const OFFICE: &str = "Mo-Fr 09:00-17:00";
    let month = |start| due(Target::Days(30), OFFICE, start);
    // The clocks change between, and the hour stays.
    assert_eq!(month("2026-03-02T10:00:00+01:00"), at("2026-04-01T10:00:00+02:00"));
    assert_eq!(month("2026-10-02T10:00:00+02:00"), at("2026-11-02T09:00:00+01:00"));
    assert_eq!(month("2026-10-05T16:30:30+02:00"), at("2026-11-04T16:30:30+01:00"));
    // The fifth of April is a Sunday.
    assert_eq!(month("2026-03-06T10:00:00+01:00"), at("2026-04-06T09:00:00+02:00"));
    // The evening is the next morning; closing and opening are themselves.
    for (start, ends) in [
        ("2026-06-01T20:00:00+02:00", "2026-07-02T09:00:00+02:00"),
        ("2026-06-01T17:00:00+02:00", "2026-07-01T17:00:00+02:00"),
        ("2026-06-01T09:00:00+02:00", "2026-07-01T09:00:00+02:00"),
    ] {
        assert_eq!(month(start), at(ends), "{start}");
    }
}

#[test]
fn the_level_at_the_end_of_days_of_plain_time_is_reached_with_the_opening() {
    let ask =
        Level { name: "ask".to_owned(), at: LevelAt::Percent(100), tell: vec![Role::Owner], reassign: false };
    let promise = Promise { target: Target::Days(30), levels: vec![ask] };
    let start = at("2026-03-06T10:00:00+01:00");
    let terms = Terms::new("standard", &promise, &[&office()], start).expect("it can be counted");
    let due = at("2026-04-06T09:00:00+02:00");
    for (now, is_reached) in [("2026-04-06T08:59:59+02:00", false), ("2026-04-06T09:00:00+02:00", true)] {
        let standing = terms.assess(start, &[], &[], at(now)).expect("it can be counted");
        assert_eq!(standing.deadline.at, due);
        assert_eq!(standing.deadline.counted.last().map(|piece| piece.to), Some(due), "{now}");
        assert_eq!(
            (standing.reached.len() == 1, standing.next_at),
            (is_reached, (!is_reached).then_some(due))
        );
    }
    // A pause of that morning puts it off to its end.
    let pause = (at("2026-04-06T08:00:00+02:00"), at("2026-04-06T11:00:00+02:00"));
    let standing = terms.assess(start, &[pause], &[], start).expect("it can be counted");
    assert_eq!(standing.deadline.at, at("2026-04-06T11:00:00+02:00"));
}

#[test]
fn a_lead_that_was_taken_away_stays_and_nobody_is_told_the_same_twice() {
    let level = |name: &str, at_percent, tell: &[Role], reassign| LevelTerms {
        name: name.to_owned(),
        at: FrozenAt::Share { at_percent },
        tell: tell.to_vec(),
        reassign,
    };
    let start = at("2026-03-02T10:00:00+01:00");
    for (levels, left) in [
        // The manager was told of the breach.
        (
            vec![
                level("breach", 100, &[Role::Owner, Role::Manager], false),
                level("reassign", 150, &[Role::Owner, Role::Manager], true),
                level("director", 200, &[Role::Director], false),
            ],
            &["breach", "director"][..],
        ),
        // A reminder is no word of the breach, and the director has not heard anything.
        (
            vec![level("warning", 75, &[Role::Owner], false), level("reassign", 100, &[Role::Owner], true)],
            &["warning", "reassign"],
        ),
        (
            vec![
                level("breach", 100, &[Role::Owner], false),
                level("reassign", 150, &[Role::Director], true),
            ],
            &["breach", "reassign"],
        ),
        (vec![level("breach", 100, &[Role::Owner], false), level("reassign", 150, &[], true)], &["breach"]),
    ] {
        let mut terms = Terms { levels, ..first_contact(60, "Europe/Berlin", start) };
        terms.stay_with_the_rep();
        let names: Vec<&str> = terms.levels.iter().map(|level| level.name.as_str()).collect();
        assert_eq!(names, left);
        assert!(terms.levels.iter().all(|level| !level.reassign), "{left:?}");
    }
}

#[test]
fn a_target_that_is_never_used_up_is_no_promise() {
    let never = calendar("Europe/Berlin", "Mo-Fr 09:00-17:00");
    let night = calendar("Europe/Berlin", "Mo-Fr 20:00-21:00");
    for target in [Target::BusinessDays(1), Target::BusinessDays(10_000)] {
        let promise = Promise { target, levels: Vec::new() };
        let terms = Terms::new("standard", &promise, &[&never, &night], at("2026-03-02T10:00:00+01:00"));
        assert!(terms.is_err(), "{target}");
    }
}

/// A promise of that target with levels at these places, made at `start` in these calendars.
fn with_levels(target: Target, levels: &[LevelAt], calendars: &[&Calendar], start: Timestamp) -> Terms {
    let level = |(index, at): (usize, &LevelAt)| Level {
        name: format!("l{index}"),
        at: *at,
        tell: vec![Role::Owner],
        reassign: false,
    };
    let promise = Promise { target, levels: levels.iter().enumerate().map(level).collect() };
    Terms::new("standard", &promise, calendars, start).expect("it can be counted")
}

/// When each level is reached, and the deadline.
fn instants(
    terms: &Terms,
    start: Timestamp,
    pauses: &[(Timestamp, Timestamp)],
) -> (Vec<Timestamp>, Timestamp) {
    let standing = terms.assess(start, pauses, &[], Timestamp::MAX).expect("it can be counted");
    (standing.reached.into_iter().map(|(_, at)| at).collect(), standing.deadline.at)
}

#[test]
fn a_level_at_a_time_is_counted_as_its_target_is_before_the_end_and_after_it() {
    let hours = |hours| Target::Time(SignedDuration::from_hours(hours));
    let (office, lead) = (office(), phone("Europe/Berlin"));
    for (target, level, both, start, reached) in [
        // Monday 15:00 and two hours of the office; of which the lead's lunch would not count.
        (hours(4), hours(2), false, "2026-03-02T15:00:00+01:00", "2026-03-02T17:00:00+01:00"),
        (hours(4), hours(2), true, "2026-03-02T11:00:00+01:00", "2026-03-02T14:30:00+01:00"),
        (hours(4), hours(6), false, "2026-03-06T15:00:00+01:00", "2026-03-09T13:00:00+01:00"),
        // The same local time of the next day on which it is open; the end of a day that never began in time.
        (
            Target::BusinessDays(2),
            Target::BusinessDays(1),
            false,
            "2026-03-06T10:00:00+01:00",
            "2026-03-09T10:00:00+01:00",
        ),
        (
            Target::BusinessDays(2),
            Target::BusinessDays(3),
            false,
            "2026-03-07T10:00:00+01:00",
            "2026-03-11T17:00:00+01:00",
        ),
        // Forty days end on a Sunday: with the opening, as thirty would.
        (Target::Days(30), Target::Days(40), false, "2026-03-03T10:00:00+01:00", "2026-04-13T09:00:00+02:00"),
    ] {
        let calendars = if both { vec![&office, &lead] } else { vec![&office] };
        let start = at(start);
        let terms = with_levels(target, &[LevelAt::Time(level)], &calendars, start);
        assert_eq!(instants(&terms, start, &[]).0, [at(reached)], "{level} of {target}");
    }
}

#[test]
fn a_level_at_a_time_waits_with_a_target_that_waits_for_the_lead() {
    // In California it is nine when it is six in Berlin: the promise counts from the next morning.
    let start = at("2026-01-12T10:00:00+01:00");
    let hours = |hours| Target::Time(SignedDuration::from_hours(hours));
    let level = |at: LevelAt| Level { name: at.to_string(), at, tell: vec![Role::Owner], reassign: false };
    let mut policy = policy(240);
    let levels = vec![level(LevelAt::Time(hours(2))), level(LevelAt::Time(hours(6)))];
    policy.promises.insert(PromiseKind::FirstContact, Promise { target: hours(4), levels });
    let terms =
        Terms::of(&policy, PromiseKind::FirstContact, &office(), &phone("America/Los_Angeles"), start);
    let terms = terms.expect("it can be counted").expect("it is promised");
    assert_eq!(
        instants(&terms, start, &[]),
        (
            vec![at("2026-01-13T11:00:00+01:00"), at("2026-01-13T15:00:00+01:00")],
            at("2026-01-13T13:00:00+01:00")
        )
    );
    // Who is away until the next week puts it off to then, and not by what was waited before once more.
    let pause = (at("2026-01-12T10:10:00+01:00"), at("2026-01-19T09:00:00+01:00"));
    assert_eq!(instants(&terms, start, &[pause]).1, at("2026-01-19T13:00:00+01:00"));
    let standing = terms.assess(start, &[], &[], start).expect("it can be counted");
    let pieces: Vec<_> = standing.deadline.counted.iter().map(|piece| (piece.from, piece.why)).collect();
    assert_eq!(
        pieces,
        [(start, Reckoning::Unreachable), (at("2026-01-13T09:00:00+01:00"), Reckoning::Open)],
        "what was waited is told, and is no part of the four hours"
    );
}

#[test]
fn the_first_attempt_is_due_with_the_first_contact_also_where_it_waits_for_the_lead() {
    let start = at("2026-01-12T10:00:00+01:00");
    let mut policy = policy(240);
    let target = Target::BusinessDays(10);
    policy.promises.insert(PromiseKind::Attempts, Promise { target, levels: Vec::new() });
    policy.attempts = Some(AttemptsOwed {
        count: 6,
        days: 4,
        channels: 1,
        calls_per_day: 1,
        first_minutes: None,
        first_from: None,
    });
    let (team, lead) = (office(), phone("America/Los_Angeles"));
    let of = |kind| Terms::of(&policy, kind, &team, &lead, start).expect("counted").expect("promised");
    let (first, attempts) = (of(PromiseKind::FirstContact), of(PromiseKind::Attempts));
    for pauses in [vec![], vec![(at("2026-01-12T10:10:00+01:00"), at("2026-01-19T09:00:00+01:00"))]] {
        let due = instants(&first, start, &pauses).1;
        let next = next_attempt_due(&attempts, start, &pauses, &[], &lead, &[Channel::Phone]);
        let next = next.expect("it can be counted").expect("it is owed");
        let can_be_called = end_of_pauses(&pauses, &lead, start);
        assert_eq!(next.due, due.max(can_be_called), "{pauses:?}");
    }
}

/// When a lead can be called first.
fn end_of_pauses(pauses: &[(Timestamp, Timestamp)], lead: &Calendar, start: Timestamp) -> Timestamp {
    let from = pauses.first().map_or(start, |(_, to)| *to);
    lead.next_open(from).expect("it opens")
}

#[test]
fn what_was_promised_is_stored_in_both_forms_and_older_terms_read_as_before() {
    let start = at("2026-03-02T10:00:00+01:00");
    let hours = |hours| Target::Time(SignedDuration::from_hours(hours));
    let levels = [LevelAt::Percent(75), LevelAt::Time(hours(9))];
    let terms = with_levels(hours(8), &levels, &[&office()], start);
    let text = serde_json::to_string(&terms).expect("JSON");
    assert_eq!(serde_json::from_str::<Terms>(&text).expect("it reads"), terms);
    let levels = serde_json::to_value(&terms.levels).expect("JSON");
    assert_eq!(
        levels,
        serde_json::json!([
            { "name": "l0", "at_percent": 75, "tell": ["owner"], "reassign": false },
            { "name": "l1", "at_time": "9 business hours", "at_minutes": 540, "tell": ["owner"], "reassign": false },
        ])
    );
    // As the first version wrote it.
    let old = r#"{"name":"breach","at_percent":100,"tell":["owner","manager"],"reassign":false}"#;
    let read: LevelTerms = serde_json::from_str(old).expect("it reads");
    assert_eq!(read.at, FrozenAt::Share { at_percent: 100 });
}

#[test]
fn a_promise_that_is_made_anew_tells_nothing_that_comes_no_later_than_what_was_told() {
    let hours = |hours| Target::Time(SignedDuration::from_hours(hours));
    let start = at("2026-03-02T10:00:00+01:00");
    let made = |target, level| with_levels(hours(target), &[level], &[&office()], start);
    let (share, time) = (LevelAt::Percent, |count| LevelAt::Time(hours(count)));
    for (old_target, old, new_target, new, is_no_later) in [
        (1, share(75), 4, share(50), true),
        (1, share(75), 4, share(100), false),
        // Times by themselves, whatever they are of.
        (2, time(3), 4, time(3), true),
        (2, time(3), 4, time(4), false),
        // A time and a share by what they are of the target.
        (4, time(2), 8, share(50), true),
        (4, time(2), 8, share(51), false),
        (4, share(50), 8, time(5), false),
    ] {
        let (old, new) = (made(old_target, old), made(new_target, new));
        assert_eq!(new.is_no_later(&new.levels[0], &old, &old.levels[0]), is_no_later, "{:?}", new.levels);
    }
}

proptest! {
    #[test]
    fn a_time_that_equals_a_share_is_reached_at_the_same_instant(
        quarters in 1_i64..=40,
        target in 1_i64..=10,
        offset in 0_i64..=20_000,
        pause in proptest::option::of((0_i64..=5_000, 1_i64..=5_000)),
        both in any::<bool>(),
    ) {
        // A target of whole hours, and a quarter of an hour of each of them at each step.
        let minutes = |minutes| Target::Time(SignedDuration::from_mins(minutes));
        let start = at("2026-03-20T00:00:00+01:00") + SignedDuration::from_mins(offset);
        let pauses: Vec<_> = pause.map(|(after, length)| {
            let from = start + SignedDuration::from_mins(after);
            (from, from + SignedDuration::from_mins(length))
        }).into_iter().collect();
        let (office, lead) = (office(), phone("Europe/Berlin"));
        let calendars = if both { vec![&office, &lead] } else { vec![&office] };
        let levels = [LevelAt::Percent(25 * quarters), LevelAt::Time(minutes(15 * quarters * target))];
        let terms = with_levels(minutes(60 * target), &levels, &calendars, start);
        let (reached, due) = instants(&terms, start, &pauses);
        prop_assert_eq!(reached[0], reached[1]);
        if quarters == 4 {
            prop_assert_eq!(reached[1], due);
        }
        // Days of one length, from any time: half of two is one, and all of two is two.
        let days = [LevelAt::Percent(50), LevelAt::Time(Target::BusinessDays(1)), LevelAt::Percent(100), LevelAt::Time(Target::BusinessDays(2))];
        let terms = with_levels(Target::BusinessDays(2), &days, &calendars, start);
        let (reached, due) = instants(&terms, start, &pauses);
        prop_assert_eq!(reached[0], reached[1]);
        prop_assert_eq!((reached[2], reached[3]), (due, due));
    }
}
