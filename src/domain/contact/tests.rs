//! Each rule of the gate with its answer, and one property: what the gate puts off is allowed at the instant it
//! names.

use jiff::Zoned;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::domain::calendar::{Holidays, Hours};

const MAIL: &str = "Mo-Fr 09:00-11:30,13:30-16:30";
const PHONE: &str = "Mo-Fr 09:00-12:00,13:30-17:00";

fn calendar(hours: &str) -> Calendar {
    let holidays = Holidays::of_country("DE").expect("a known country").closing_contact();
    Calendar::new("Europe/Berlin", Hours::parse(hours).expect("hours"), holidays).expect("a calendar")
}

fn rules() -> ContactRules {
    ContactRules {
        window: Hours::parse(MAIL).expect("hours"),
        phone_window: Hours::parse(PHONE).expect("hours"),
        default_zone: "Europe/Berlin".to_owned(),
        max_emails: vec![
            MailCap { count: 1, days: 1 },
            MailCap { count: 2, days: 7 },
            MailCap { count: 6, days: 30 },
        ],
        per_company: Some(3),
        excluded_domains: vec!["ours.example".to_owned()],
        soft_bounces: MailCap { count: 5, days: 30 },
        daily_brake: 20_000,
    }
}

fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

/// An instant in Berlin.
fn at(text: &str) -> Timestamp {
    let zoned: Zoned = format!("{text}[Europe/Berlin]").parse().expect("an instant");
    zoned.timestamp()
}

fn day(text: &str) -> i64 {
    day_number(text.parse().expect("a date"))
}

/// What is known of a lead, owned by the test.
#[derive(Clone)]
struct Known {
    email: EmailAddress,
    stage: Stage,
    owner: Option<EmailAddress>,
    has_phone: bool,
    away_until: Option<Timestamp>,
    follow_up_at: Option<Timestamp>,
    suppressions: Vec<SuppressionReason>,
    mail_dates: Vec<i64>,
    company_days: Vec<(i64, i64)>,
}

fn nurtured() -> Known {
    Known {
        email: address("jane@acme.example"),
        stage: Stage::Nurturing,
        owner: None,
        has_phone: true,
        away_until: None,
        follow_up_at: None,
        suppressions: Vec::new(),
        mail_dates: Vec::new(),
        company_days: Vec::new(),
    }
}

fn handed_off() -> Known {
    Known { stage: Stage::HandedOff, owner: Some(address("rep1@ours.example")), ..nurtured() }
}

impl Known {
    fn ask(&self, channel: Channel, purpose: Purpose, actor: Option<&str>, now: Timestamp) -> Permission {
        let facts = ContactFacts {
            email: &self.email,
            stage: self.stage,
            owner: self.owner.as_ref(),
            has_phone: self.has_phone,
            away_until: self.away_until,
            follow_up_at: self.follow_up_at,
            unclear_until: None,
            suppressions: &self.suppressions,
            mail_dates: &self.mail_dates,
            company_days: &self.company_days,
        };
        let hours = calendar(if channel == Channel::Email { MAIL } else { PHONE });
        let actor = actor.map(address);
        may_contact(&facts, &rules(), &hours, channel, purpose, actor.as_ref(), now)
    }
}

/// A permission as one reads it, in Berlin's time.
fn told(permission: &Permission) -> String {
    match permission {
        Permission::Yes => "yes".to_owned(),
        Permission::NotBefore { at, because } => {
            let zone = jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone");
            format!("{}: {}", at.to_zoned(zone).strftime("%a %e %b %H:%M"), reasons(because))
        }
        Permission::Never { because } => format!("never: {because}"),
    }
}

#[test]
fn a_suppression_stands_against_what_it_is_about() {
    use Channel::{Email, Phone};
    use Purpose::{Nurture, OtherRep, Owner, Requested};
    for (reason, allowed) in [
        (SuppressionReason::HardBounce, vec![(Phone, Owner), (Phone, OtherRep)]),
        (SuppressionReason::Complaint, vec![(Phone, Owner), (Phone, OtherRep)]),
        (
            SuppressionReason::Unsubscribed,
            vec![(Email, Requested), (Email, Owner), (Email, OtherRep), (Phone, Owner), (Phone, OtherRep)],
        ),
        (
            SuppressionReason::DoNotCall,
            vec![(Email, Nurture), (Email, Requested), (Email, Owner), (Email, OtherRep)],
        ),
        (SuppressionReason::DoNotContact, vec![]),
        (SuppressionReason::Erased, vec![]),
    ] {
        for channel in [Email, Phone] {
            for purpose in [Nurture, Requested, Owner, OtherRep] {
                // Sequences do not call.
                if channel == Phone && matches!(purpose, Nurture | Requested) {
                    continue;
                }
                let forbidden = reason.forbids(channel, purpose);
                assert_eq!(
                    forbidden,
                    !allowed.contains(&(channel, purpose)),
                    "{reason:?} {channel:?} {purpose:?}"
                );
            }
        }
    }
}

#[test]
fn each_rule_of_the_gate_answers_with_its_reason() {
    use Channel::{Email, Phone};
    use Purpose::{Nurture, OtherRep, Owner, Requested};
    let monday = "2026-03-02T10:00:00";
    let rep = Some("rep1@ours.example");
    let back = Some(at("2026-03-16T00:00:00"));
    let ours = address("jane@ours.example");
    let below = address("jane@eu.ours.example");
    let alike = address("jane@yours.example");
    let mailed = |dates: &[&str]| dates.iter().map(|date| day(date)).collect::<Vec<_>>();
    for (what, lead, channel, purpose, actor, now, answer) in [
        ("in its hours", nurtured(), Email, Nurture, None, monday, "yes"),
        (
            "early",
            nurtured(),
            Email,
            Nurture,
            None,
            "2026-03-02T08:59:59",
            "Mon  2 Mar 09:00: outside the lead's hours",
        ),
        (
            "at closing time",
            nurtured(),
            Email,
            Nurture,
            None,
            "2026-03-02T11:30:00",
            "Mon  2 Mar 13:30: outside the lead's hours",
        ),
        (
            "on Saturday",
            nurtured(),
            Email,
            Nurture,
            None,
            "2026-03-07T10:00:00",
            "Mon  9 Mar 09:00: outside the lead's hours",
        ),
        (
            "on Good Friday",
            nurtured(),
            Email,
            Nurture,
            None,
            "2026-04-03T10:00:00",
            "Tue  7 Apr 09:00: 2026-04-03 is a holiday for the lead",
        ),
        ("what it asked for, at night", nurtured(), Email, Requested, None, "2026-03-07T23:00:00", "yes"),
        (
            "what it asked for, while away",
            Known { away_until: back, ..nurtured() },
            Email,
            Requested,
            None,
            monday,
            "yes",
        ),
        (
            "away",
            Known { away_until: back, ..nurtured() },
            Email,
            Nurture,
            None,
            monday,
            "Tue 17 Mar 09:00: away, back on 2026-03-16",
        ),
        (
            "away, on the first day back",
            Known { away_until: back, ..nurtured() },
            Email,
            Nurture,
            None,
            "2026-03-16T10:00:00",
            "Tue 17 Mar 09:00: away, back on 2026-03-16",
        ),
        (
            "follow-up",
            Known { follow_up_at: Some(at("2026-03-04T09:00:00")), ..nurtured() },
            Email,
            Nurture,
            None,
            monday,
            "Wed  4 Mar 09:00: asked to hear from us on 2026-03-04",
        ),
        (
            "had one today",
            Known { mail_dates: mailed(&["2026-03-02"]), ..nurtured() },
            Email,
            Nurture,
            None,
            monday,
            "Tue  3 Mar 09:00: it has had 1 mail on that day; outside the lead's hours",
        ),
        (
            "had two this week",
            Known { mail_dates: mailed(&["2026-02-25", "2026-02-27"]), ..nurtured() },
            Email,
            Nurture,
            None,
            monday,
            "Wed  4 Mar 09:00: it has had 2 mails in 7 days; outside the lead's hours",
        ),
        (
            "had one this week",
            Known { mail_dates: mailed(&["2026-02-24"]), ..nurtured() },
            Email,
            Nurture,
            None,
            monday,
            "yes",
        ),
        (
            "three colleagues today",
            Known { company_days: vec![(day("2026-03-02"), 3)], ..nurtured() },
            Email,
            Nurture,
            None,
            monday,
            "Tue  3 Mar 09:00: 3 people of its company get mail on that day already; outside the lead's hours",
        ),
        (
            "two colleagues today",
            Known { company_days: vec![(day("2026-03-02"), 2)], ..nurtured() },
            Email,
            Nurture,
            None,
            monday,
            "yes",
        ),
        (
            "excluded",
            Known { email: ours.clone(), ..nurtured() },
            Email,
            Nurture,
            None,
            monday,
            "never: its domain is excluded by the agreement",
        ),
        (
            "below an excluded one",
            Known { email: below, ..nurtured() },
            Email,
            Requested,
            None,
            monday,
            "never: its domain is excluded by the agreement",
        ),
        ("that ends alike", Known { email: alike, ..nurtured() }, Email, Nurture, None, monday, "yes"),
        ("excluded, by its rep", Known { email: ours, ..handed_off() }, Email, Owner, rep, monday, "yes"),
        ("in sales", handed_off(), Email, Nurture, None, monday, "never: sales has the word"),
        (
            "won",
            Known { stage: Stage::Won, ..handed_off() },
            Email,
            Nurture,
            None,
            monday,
            "never: sales has the word",
        ),
        ("its rep writes at night", handed_off(), Email, Owner, rep, "2026-03-07T23:00:00", "yes"),
        (
            "its rep writes to who is away",
            Known { away_until: back, ..handed_off() },
            Email,
            Owner,
            rep,
            monday,
            "Tue 17 Mar 09:00: away, back on 2026-03-16",
        ),
        ("its rep calls", handed_off(), Phone, Owner, rep, monday, "yes"),
        (
            "its rep calls over lunch",
            handed_off(),
            Phone,
            Owner,
            rep,
            "2026-03-02T12:00:00",
            "Mon  2 Mar 13:30: outside the lead's hours",
        ),
        (
            "its rep calls who is away",
            Known { away_until: back, ..handed_off() },
            Phone,
            Owner,
            rep,
            monday,
            "Mon 16 Mar 13:30: away, back on 2026-03-16",
        ),
        (
            "its rep calls before the date it named",
            Known { follow_up_at: Some(at("2026-03-04T09:00:00")), ..handed_off() },
            Phone,
            Owner,
            rep,
            monday,
            "Wed  4 Mar 09:00: asked to hear from us on 2026-03-04",
        ),
        (
            "nobody knows its number",
            Known { has_phone: false, ..handed_off() },
            Phone,
            Owner,
            rep,
            monday,
            "never: no phone number is known",
        ),
        (
            "another rep calls",
            handed_off(),
            Phone,
            OtherRep,
            Some("rep2@ours.example"),
            monday,
            "never: it belongs to rep1@ours.example",
        ),
        (
            "a rep calls a nurtured lead",
            nurtured(),
            Phone,
            Owner,
            rep,
            monday,
            "never: it has not been handed to anybody",
        ),
    ] {
        assert_eq!(told(&lead.ask(channel, purpose, actor, at(now))), answer, "{what}");
    }
}

#[test]
fn the_first_day_back_is_the_first_working_day() {
    let (mail, phone) = (calendar(MAIL), calendar(PHONE));
    for (back, mail_at, call_at) in [
        ("2026-03-16T00:00:00", "2026-03-17T09:00:00", "2026-03-16T13:30:00"),
        // Back on a Saturday: Monday is the first day.
        ("2026-03-14T00:00:00", "2026-03-17T09:00:00", "2026-03-16T13:30:00"),
        // Back on Good Friday: after Easter.
        ("2026-04-03T00:00:00", "2026-04-08T09:00:00", "2026-04-07T13:30:00"),
    ] {
        assert_eq!(mail_after_absence(&mail, at(back)), Some(at(mail_at)), "{back}");
        assert_eq!(call_after_absence(&phone, at(back)), Some(at(call_at)), "{back}");
    }
}

#[test]
fn the_longest_limit_says_how_far_back_mails_count() {
    assert_eq!(first_day_that_counts(&rules(), date(2026, 3, 31)), day("2026-03-01"));
}

proptest! {
    /// Whatever stands against a mail: at the instant the gate names, nothing does.
    #[test]
    fn what_is_not_before_an_instant_is_allowed_at_it(
        minutes in 0_i64..60 * 24 * 60,
        away in proptest::option::of(0_i64..40),
        follow_up in proptest::option::of(0_i64..40),
        mailed in proptest::collection::vec(-30_i64..30, 0..8),
        company in proptest::collection::vec((-2_i64..10, 0_i64..5), 0..5),
    ) {
        let start = at("2026-03-15T00:00:00");
        let now = start + jiff::SignedDuration::from_mins(minutes);
        let today = day("2026-03-15");
        let later = |days: i64| start + jiff::SignedDuration::from_hours(24 * days);
        let lead = Known {
            away_until: away.map(later),
            follow_up_at: follow_up.map(later),
            mail_dates: mailed.iter().map(|days| today + days).collect(),
            company_days: company.iter().map(|(days, people)| (today + days, *people)).collect(),
            ..nurtured()
        };
        match lead.ask(Channel::Email, Purpose::Nurture, None, now) {
            Permission::Yes => {}
            Permission::NotBefore { at, because } => {
                prop_assert!(at > now && !because.is_empty());
                prop_assert_eq!(lead.ask(Channel::Email, Purpose::Nurture, None, at), Permission::Yes);
            }
            Permission::Never { because } => prop_assert!(false, "{because}"),
        }
    }
}
