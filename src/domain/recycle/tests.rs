//! What a lead takes over from its double, what a correction changes, and when marketing reads of what. Rules that ask
//! the agreement are tried in `tests/recycling`.

use super::correction::{Change, correction};
use super::*;
use crate::domain::calendar::{Holidays, Hours};
use crate::domain::ids::LeadId;

/// Tuesday, 3 March 2026, ten o'clock in Berlin.
fn tuesday() -> Timestamp {
    at("2026-03-03T10:00:00+01:00")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

fn lead(id: i64, stage: Stage) -> Lead {
    Lead {
        id: LeadId(id),
        campaign: Some("default".to_owned()),
        stage,
        owner: stage.sales_has_the_word().then(|| address("rep1@ours.example")),
        ..Lead::new(address(&format!("lead{id}@acme.example")), tuesday())
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn what_is_known_stays_and_what_is_not_comes_from_the_double() {
    let mut jane = lead(1, Stage::Nurturing);
    jane.profile.first_name = some("Jane");
    jane.profile.fields.insert("Seats".to_owned(), "40".to_owned());
    jane.base_score = 5;
    let mut double = lead(2, Stage::Contacted);
    double.profile = Profile {
        first_name: some("J."),
        last_name: some("Doe"),
        phone: some("+4930901820"),
        fields: [("Seats", "50"), ("Budget", "yes")].map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        ..Profile::default()
    };
    double.base_score = 20;
    double.source = some("google");
    double.away_until = Some(at("2026-03-16T00:00:00+01:00"));
    double.created_at = at("2026-02-01T10:00:00+01:00");
    absorb(&mut jane, &double);
    let profile = &jane.profile;
    // Half a name of each would be a third person.
    assert_eq!((profile.first_name.as_deref(), profile.last_name.as_deref()), (Some("Jane"), None));
    assert_eq!(profile.phone, some("+4930901820"));
    assert_eq!(profile.fields.get("Seats").map(String::as_str), Some("40"));
    assert_eq!(profile.fields.get("Budget").map(String::as_str), Some("yes"));
    assert_eq!((jane.base_score, jane.source.as_deref()), (20, Some("google")));
    assert_eq!((jane.away_until, jane.created_at), (double.away_until, double.created_at));
    assert_eq!((jane.stage, jane.owner), (Stage::Nurturing, None), "what becomes of it is not the double's");
}

#[test]
fn the_first_source_is_that_of_whoever_came_first() {
    for (hours, source) in [(-1, "google"), (1, "fair")] {
        let mut jane = lead(1, Stage::Nurturing);
        jane.source = some("fair");
        let created_at = tuesday() + jiff::SignedDuration::from_hours(hours);
        absorb(&mut jane, &Lead { source: some("google"), created_at, ..lead(2, Stage::New) });
        assert_eq!(jane.source.as_deref(), Some(source));
    }
}

fn said(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_correction_says_what_was_known_and_what_is() {
    let mut jane = lead(1, Stage::Rejected);
    jane.profile.country = some("DE");
    jane.profile.company = some("Akme");
    // As it came in, and could not be read then.
    jane.profile.fields.insert("phone".to_owned(), "ask Bob".to_owned());
    let corrected =
        correction(&jane, &said(&[("phone", "030 901820"), ("company", "")]), tuesday()).expect("readable");
    assert_eq!(corrected.email, None);
    assert_eq!(corrected.profile.phone, some("+4930901820"), "read as a number of its country");
    assert_eq!(corrected.profile.company, None);
    assert!(corrected.profile.fields.is_empty(), "what could not be read is read now");
    let changes = [
        Change { field: "company".to_owned(), before: some("Akme"), after: None },
        Change { field: "phone".to_owned(), before: None, after: some("+4930901820") },
    ];
    assert_eq!(corrected.changes, changes);
}

#[test]
fn another_address_is_another_address() {
    let jane = lead(1, Stage::Rejected);
    let corrected =
        correction(&jane, &said(&[("email", "Jane@Acme.example")]), tuesday()).expect("an address");
    assert_eq!(corrected.email, Some(address("jane@acme.example")));
    let same = correction(&jane, &said(&[("email", "LEAD1@acme.example")]), tuesday());
    assert_eq!(same, Err(Refused::NothingNew));
}

#[test]
fn a_correction_that_cannot_be_read_says_what_is_wrong() {
    let mut jane = lead(1, Stage::Rejected);
    jane.profile.fields.insert("Seats".to_owned(), "40".to_owned());
    for (name, value, words) in [
        ("phone", "twelve", "`phone`: phone number that cannot be dialled: twelve"),
        ("country", "Atlantis", "`country`: unknown country: Atlantis"),
        ("email", "", "`email`: it has no email address"),
        ("phon", "1", "a lead has no `phon`; did you mean `phone`? There are {FIELDS}"),
        ("seats", "1", "a lead has no `seats`; did you mean `Seats`? There are {FIELDS}"),
        ("Seats", "40", "that is what is known already: nothing changes"),
    ] {
        let refused = correction(&jane, &said(&[(name, value)]), tuesday()).expect_err(name);
        let fields = "email, first_name, last_name, company, title, phone, country, zone, language";
        assert_eq!(refused.to_string(), words.replace("{FIELDS}", fields));
    }
    assert!(correction(&jane, &said(&[("Seats", "50")]), tuesday()).is_ok());
}

#[test]
fn marketing_s_list_is_written_when_the_office_opens() {
    let hours = Hours::parse("Mo-Fr 09:00-12:00,13:00-17:00").expect("hours");
    let mut holidays = Holidays::none();
    holidays.add_country("DE").expect("a country");
    let office = Calendar::new("Europe/Berlin", hours, holidays).expect("a calendar");
    for (now, list) in [
        ("2026-03-03T08:59:59+01:00", "2026-03-03T09:00:00+01:00"),
        ("2026-03-03T09:00:00+01:00", "2026-03-04T09:00:00+01:00"),
        // Not after lunch: once a day.
        ("2026-03-03T12:30:00+01:00", "2026-03-04T09:00:00+01:00"),
        ("2026-03-06T16:00:00+01:00", "2026-03-09T09:00:00+01:00"),
        // Good Friday and Easter Monday.
        ("2026-04-02T18:00:00+02:00", "2026-04-07T09:00:00+02:00"),
        // The night in which the clocks change.
        ("2026-03-28T23:00:00+01:00", "2026-03-30T09:00:00+02:00"),
    ] {
        assert_eq!(next_list(&office, at(now)), Some(at(list)), "{now}");
    }
}
