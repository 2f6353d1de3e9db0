//! Deadlines and levels of a clock, as it runs, pauses and is stored.

use super::*;
use crate::domain::calendar::{Holidays, Hours};

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
    let level = |name: &str, at_percent| Level {
        name: name.to_owned(),
        at_percent,
        tell: vec![Role::Owner],
        reassign: at_percent > 100,
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
        // California and Tokyo never in winter: the office's hours alone.
        ("America/Los_Angeles", 240, "2026-01-12T14:00:00+01:00"),
        ("Asia/Tokyo", 480, "2026-01-13T10:00:00+01:00"),
    ] {
        let terms = first_contact(minutes, zone, start);
        let standing = terms.assess(start, &[], &[], start).expect("it can be counted");
        assert_eq!(standing.deadline.at, at(deadline), "{zone}");
    }
}
