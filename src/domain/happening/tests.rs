//! What each happening means at each stage, as tables.

use std::collections::BTreeMap;

use jiff::civil::date;

use super::*;
use crate::domain::agreement::MailCap;
use crate::domain::agreement::{AfterReason, ContactRules, Marketing, Reason, Rep, Review, Scoring, Team};
use crate::domain::calendar::{Holidays, Hours};
use crate::domain::escalation::Escalation;
use crate::domain::ids::LeadId;
use crate::domain::routing::Routing;

/// Tuesday, 3 March 2026, ten o'clock in Berlin.
fn tuesday() -> Timestamp {
    "2026-03-03T10:00:00+01:00".parse().expect("an instant")
}

fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

fn hours() -> Calendar {
    let hours = Hours::parse("Mo-Fr 09:00-16:30").expect("hours");
    Calendar::new("Europe/Berlin", hours, Holidays::none()).expect("a calendar")
}

fn reason(name: &str, for_rejected: bool, for_lost: bool, then: AfterReason) -> (String, Reason) {
    let reason = Reason {
        name: name.to_owned(),
        label: format!("“{name}”"),
        for_rejected,
        for_lost,
        then,
        after_attempts: None,
    };
    (name.to_owned(), reason)
}

fn rest(days: i64, next_rep: NextRep) -> AfterReason {
    AfterReason::Rest {
        days,
        sequence: Some("re-engage".to_owned()),
        rounds: 3,
        afterwards: Some("long-term".to_owned()),
        next_rep,
    }
}

fn agreement() -> Agreement {
    let rep = |name: &str| Rep {
        name: name.to_owned(),
        email: address(&format!("{name}@ours.example")),
        capacity: 30,
        new_per_week: None,
        weight: 1,
        away: Vec::new(),
        territory: None,
    };
    let team = Team {
        name: "sales".to_owned(),
        manager: address("manager@ours.example"),
        director: None,
        calendar: "office".to_owned(),
        backup: None,
        reps: vec![rep("rep1"), rep("rep2")],
        routing: Routing::default(),
        overflow: None,
        policy: None,
        shares: None,
    };
    let window = Hours::parse("Mo-Fr 09:00-16:30").expect("hours");
    Agreement {
        review: Review::default(),
        calendars: BTreeMap::new(),
        contact: ContactRules {
            window: window.clone(),
            phone_window: window,
            default_zone: "Europe/Berlin".to_owned(),
            max_emails: Vec::new(),
            per_company: None,
            excluded_domains: Vec::new(),
            soft_bounces: MailCap { count: 3, days: 14 },
            daily_brake: 1,
        },
        personas: BTreeMap::new(),
        scoring: Scoring::default(),
        teams: [("sales".to_owned(), team)].into(),
        campaigns: Vec::new(),
        policies: BTreeMap::new(),
        escalation: Escalation::default(),
        reasons: [
            reason("not-ready", true, false, rest(60, NextRep::Same)),
            reason("unreachable", true, false, rest(45, NextRep::Another)),
            reason("lost-on-price", false, true, rest(120, NextRep::Anyone)),
            reason("bad-fit", true, true, AfterReason::Never),
            reason("bad-data", true, false, AfterReason::Marketing),
            reason("duplicate", true, false, AfterReason::Merge),
        ]
        .into(),
        objections: [("price".to_owned(), "Too expensive".to_owned())].into(),
        arguments: [("time".to_owned(), "It saves time".to_owned())].into(),
        marketing: Marketing {
            manager: address("marketing@ours.example"),
            dispute_answer: None,
            calendar: None,
            soon_score: None,
            commitments: Vec::new(),
        },
        reports: None,
    }
}

fn lead(stage: Stage) -> Lead {
    let owned = stage.sales_has_the_word();
    Lead {
        id: LeadId(1),
        campaign: Some("default".to_owned()),
        stage,
        owner: owned.then(|| address("rep1@ours.example")),
        ..Lead::new(address("jane@acme.example"), tuesday())
    }
}

fn follows(lead: &Lead, happening: &Happening, actor: Option<&str>) -> Result<Consequences, Refusal> {
    follows_after(lead, happening, actor, 0)
}

fn follows_after(
    lead: &Lead,
    happening: &Happening,
    actor: Option<&str>,
    absent_before: i64,
) -> Result<Consequences, Refusal> {
    follows_with(lead, happening, actor, absent_before, 0)
}

fn follows_with(
    lead: &Lead,
    happening: &Happening,
    actor: Option<&str>,
    absent_before: i64,
    strikes: i64,
) -> Result<Consequences, Refusal> {
    let (agreement, hours, actor) = (agreement(), hours(), actor.map(address));
    let circumstances = Circumstances {
        agreement: &agreement,
        hours: &hours,
        absent_before,
        strikes,
        hand_off: HandOffFacts::default(),
        now: tuesday(),
    };
    consequences(lead, happening, actor.as_ref(), circumstances)
}

fn attempt(outcome: Outcome) -> Happening {
    Happening::Attempt { channel: Channel::Phone, outcome }
}

fn rejected(reason: &str) -> Happening {
    Happening::Rejected { reason: reason.to_owned() }
}

fn lost(reason: &str) -> Happening {
    Happening::Lost { reason: reason.to_owned() }
}

/// Where a lead of each stage ends up; `None`: it cannot be so.
#[test]
fn each_stage_goes_where_a_happening_takes_it() {
    use Stage::{
        Accepted, Contacted, Disqualified, HandedOff, Lost, New, Nurturing, Opportunity, Qualified, Rejected,
        Resting, Won,
    };
    let stages = Stage::ALL;
    let (yes, no) = (Some, None);
    // In the order of `Stage::ALL`: new, nurturing, qualified, handed_off, accepted, contacted, opportunity,
    // won, lost, rejected, resting, disqualified.
    for (happening, ends) in [
        (
            Happening::Accepted,
            [
                no,
                no,
                no,
                yes(Accepted),
                yes(Accepted),
                yes(Contacted),
                yes(Opportunity),
                yes(Won),
                no,
                no,
                no,
                no,
            ],
        ),
        (
            attempt(Outcome::NoAnswer),
            [
                no,
                no,
                no,
                yes(Accepted),
                yes(Accepted),
                yes(Contacted),
                yes(Opportunity),
                yes(Won),
                no,
                no,
                no,
                no,
            ],
        ),
        (
            attempt(Outcome::Reached),
            [
                no,
                no,
                no,
                yes(Contacted),
                yes(Contacted),
                yes(Contacted),
                yes(Opportunity),
                yes(Won),
                no,
                no,
                no,
                no,
            ],
        ),
        (
            Happening::Contacted,
            [
                no,
                no,
                no,
                yes(Contacted),
                yes(Contacted),
                yes(Contacted),
                yes(Opportunity),
                yes(Won),
                no,
                no,
                no,
                no,
            ],
        ),
        (
            Happening::Opportunity,
            [
                no,
                no,
                no,
                yes(Opportunity),
                yes(Opportunity),
                yes(Opportunity),
                yes(Opportunity),
                yes(Won),
                no,
                no,
                no,
                no,
            ],
        ),
        (Happening::Won, [no, no, no, yes(Won), yes(Won), yes(Won), yes(Won), yes(Won), no, no, no, no]),
        (
            rejected("not-ready"),
            [no, no, no, yes(Resting), yes(Resting), yes(Resting), no, no, no, no, no, no],
        ),
        (
            rejected("bad-data"),
            [no, no, no, yes(Rejected), yes(Rejected), yes(Rejected), no, no, no, no, no, no],
        ),
        (
            rejected("bad-fit"),
            [no, no, no, yes(Disqualified), yes(Disqualified), yes(Disqualified), no, no, no, no, no, no],
        ),
        (
            lost("lost-on-price"),
            [no, no, no, yes(Resting), yes(Resting), yes(Resting), yes(Resting), no, no, no, no, no],
        ),
        (
            Happening::Replied,
            [
                yes(Qualified),
                yes(Qualified),
                yes(Qualified),
                yes(HandedOff),
                yes(Accepted),
                yes(Contacted),
                yes(Opportunity),
                yes(Won),
                yes(Qualified),
                yes(Qualified),
                yes(Qualified),
                yes(Qualified),
            ],
        ),
        (
            Happening::Unsubscribed,
            [
                New,
                Nurturing,
                Qualified,
                HandedOff,
                Accepted,
                Contacted,
                Opportunity,
                Won,
                Lost,
                Rejected,
                Resting,
                Disqualified,
            ]
            .map(yes),
        ),
    ] {
        for (stage, end) in stages.into_iter().zip(ends) {
            let got = follows(&lead(stage), &happening, None).ok();
            let got = got.map(|followed| followed.stages.last().map_or(stage, |(stage, _)| *stage));
            assert_eq!(got, end, "{stage} {happening:?}");
        }
    }
}

#[test]
fn only_an_attempt_or_contact_keeps_the_promise() {
    for (happening, promises) in [
        (Happening::Accepted, Promises::Accepted),
        (Happening::Replied, Promises::Heard),
        (attempt(Outcome::NoAnswer), Promises::Tried),
        (attempt(Outcome::Reached), Promises::ContactMade),
        (attempt(Outcome::WrongNumber), Promises::Tried),
        (Happening::Contacted, Promises::ContactMade),
        (Happening::Opportunity, Promises::ContactMade),
        (Happening::Won, Promises::ContactMade),
        (rejected("not-ready"), Promises::Close),
        (lost("bad-fit"), Promises::Close),
        (Happening::Away { until: None, do_not_call: false }, Promises::Recount),
        (Happening::FollowUp { on: date(2026, 3, 9) }, Promises::Recount),
    ] {
        let followed = follows(&lead(Stage::HandedOff), &happening, None).expect("it can be so");
        assert_eq!(followed.promises, promises, "{happening:?}");
    }
}

#[test]
fn a_disposition_is_the_owner_s_and_of_who_is_no_rep() {
    for (happening, is_theirs) in [
        (Happening::Accepted, false),
        (attempt(Outcome::Reached), false),
        (rejected("not-ready"), false),
        (Happening::Replied, true),
        (Happening::Away { until: None, do_not_call: false }, true),
    ] {
        let said_by = |who| follows(&lead(Stage::HandedOff), &happening, Some(who));
        assert_eq!(said_by("rep2@ours.example").is_ok(), is_theirs, "{happening:?}");
        assert!(
            said_by("rep1@ours.example").is_ok() && said_by("manager@ours.example").is_ok(),
            "{happening:?}"
        );
    }
}

#[test]
fn a_rest_ends_on_a_working_day_and_counts_the_rounds() {
    for (reason, round, until, sequence, next_rep) in [
        // 60 days from Tuesday 3 March are Saturday 2 May.
        ("not-ready", 1, "2026-05-04T09:00:00+02:00", "re-engage", NextRep::Same),
        ("unreachable", 2, "2026-04-17T09:00:00+02:00", "re-engage", NextRep::Another),
        ("not-ready", 3, "2026-05-04T09:00:00+02:00", "long-term", NextRep::Same),
        ("not-ready", 7, "2026-05-04T09:00:00+02:00", "long-term", NextRep::Same),
    ] {
        let lead = Lead { round, ..lead(Stage::Contacted) };
        let followed = follows(&lead, &rejected(reason), None).expect("it can be so");
        let until = until.parse().expect("an instant");
        assert_eq!(
            followed.rest,
            Some(Rest { until, sequence: Some(sequence.to_owned()), next_rep }),
            "{reason}"
        );
    }
}

#[test]
fn a_reason_that_does_not_fit_is_refused_with_those_that_do() {
    for (happening, words) in [
        (rejected(""), "say why the lead is rejected: bad-data, bad-fit, duplicate, not-ready, unreachable"),
        (
            rejected("not-redy"),
            "`not-redy` is no reason of the agreement for a rejected lead; did you mean `not-ready`? It knows: bad-data, bad-fit, duplicate, not-ready, unreachable",
        ),
        (
            lost("not-ready"),
            "`not-ready` is no reason of the agreement for a lost lead. It knows: bad-fit, lost-on-price",
        ),
    ] {
        let refusal = follows(&lead(Stage::Contacted), &happening, None).expect_err("it is refused");
        assert_eq!(refusal.to_string(), words);
    }
}

#[test]
fn dates_lie_ahead_but_not_too_far() {
    for (day, is_possible) in [
        (date(2026, 3, 2), false),
        (date(2026, 3, 3), false),
        (date(2026, 3, 4), true),
        (date(2028, 3, 2), true),
        (date(2028, 3, 4), false),
    ] {
        for happening in
            [Happening::FollowUp { on: day }, Happening::Away { until: Some(day), do_not_call: false }]
        {
            assert_eq!(
                follows(&lead(Stage::Nurturing), &happening, None).is_ok(),
                is_possible,
                "{happening:?}"
            );
        }
    }
    for closed in [Stage::Won, Stage::Disqualified] {
        assert!(follows(&lead(closed), &Happening::FollowUp { on: date(2026, 3, 9) }, None).is_err());
    }
}

#[test]
fn a_guessed_absence_grows_and_never_shortens_one_that_was_said() {
    let guess = Happening::Away { until: None, do_not_call: false };
    let said = Some("2026-03-20T00:00:00+01:00".parse().expect("an instant"));
    for (absent_before, away_until, back, marketing_is_told) in [
        (0, None, "2026-03-10T00:00:00+01:00", false),
        (1, None, "2026-03-17T00:00:00+01:00", false),
        (2, None, "2026-03-17T00:00:00+01:00", true),
        (0, said, "2026-03-20T00:00:00+01:00", false),
    ] {
        let lead = Lead { away_until, ..lead(Stage::Nurturing) };
        let followed = follows_after(&lead, &guess, None, absent_before).expect("it can be so");
        assert_eq!(followed.away_until, Some(back.parse().expect("an instant")), "{absent_before}");
        assert_eq!(matches!(followed.tell, Some(Tell::Marketing(_))), marketing_is_told, "{absent_before}");
    }
    // Who owns it is told each time.
    let followed = follows_after(&lead(Stage::HandedOff), &guess, None, 2).expect("it can be so");
    assert!(matches!(followed.tell, Some(Tell::Owner(_))));
}

#[test]
fn saying_no_ends_the_sequence_and_is_remembered() {
    for (happening, suppressed) in [
        (Happening::Bounced(Bounce::Permanent), vec![SuppressionReason::HardBounce]),
        (Happening::Bounced(Bounce::Strike), vec![]),
        (Happening::Bounced(Bounce::Full), vec![]),
        (Happening::LeftCompany, vec![SuppressionReason::LeftCompany]),
        (Happening::Complained, vec![SuppressionReason::Complaint]),
        (Happening::Unsubscribed, vec![SuppressionReason::Unsubscribed]),
    ] {
        let followed = follows(&lead(Stage::Nurturing), &happening, None).expect("it can be so");
        assert_eq!(followed.sequence_ends.is_some(), !suppressed.is_empty(), "{happening:?}");
        assert_eq!(followed.suppress, suppressed, "{happening:?}");
    }
}

/// Where a lead of each stage that sales may have ends up: handed_off, accepted, contacted, opportunity, won.
#[test]
fn what_sales_says_beyond_calls_moves_a_lead_that_it_has() {
    use Stage::{
        Accepted, Contacted, Disqualified, HandedOff, Lost, New, Nurturing, Opportunity, Qualified, Rejected,
        Resting, Won,
    };
    let (yes, no) = (Some, None);
    let recycled = |reason: &str| Happening::Recycled { reason: reason.to_owned() };
    for (happening, ends) in [
        (Happening::Meeting, [yes(Contacted), yes(Contacted), yes(Contacted), yes(Opportunity), yes(Won)]),
        (
            Happening::AlreadyTalking,
            [yes(Contacted), yes(Contacted), yes(Contacted), yes(Opportunity), yes(Won)],
        ),
        (Happening::WrongPerson, [yes(Rejected), yes(Rejected), yes(Rejected), no, no]),
        (
            Happening::AlreadyCustomer,
            [yes(Disqualified), yes(Disqualified), yes(Disqualified), yes(Disqualified), no],
        ),
        (Happening::Taken, [yes(HandedOff), yes(Accepted), yes(Contacted), yes(Opportunity), no]),
        (recycled("not-ready"), [yes(Resting), yes(Resting), yes(Resting), yes(Resting), no]),
        (recycled("bad-data"), [yes(Rejected), yes(Rejected), yes(Rejected), yes(Rejected), no]),
        (recycled("lost-on-price"), [no, no, no, no, no]),
    ] {
        let with_sales = [HandedOff, Accepted, Contacted, Opportunity, Won];
        for (stage, end) in with_sales.into_iter().zip(ends) {
            let got = follows(&lead(stage), &happening, Some("manager@ours.example")).ok();
            let got = got.map(|followed| followed.stages.last().map_or(stage, |(stage, _)| *stage));
            assert_eq!(got, end, "{stage} {happening:?}");
        }
        for stage in [New, Nurturing, Qualified, Lost, Rejected, Resting, Disqualified] {
            assert!(follows(&lead(stage), &happening, None).is_err(), "{stage} {happening:?}");
        }
    }
}

#[test]
fn a_meeting_keeps_the_promise_and_talking_before_it_began_ends_it() {
    for (happening, promises, accepted) in [
        (Happening::Meeting, Promises::ContactMade, true),
        (Happening::AlreadyTalking, Promises::Void, true),
        (Happening::WrongPerson, Promises::Close, false),
        (Happening::AlreadyCustomer, Promises::Close, false),
        (Happening::Feedback { objection: None, argument: None }, Promises::FeedbackGiven, false),
    ] {
        let followed = follows(&lead(Stage::HandedOff), &happening, None).expect("it can be so");
        assert_eq!((followed.promises, followed.accepted), (promises, accepted), "{happening:?}");
    }
}

#[test]
fn the_wrong_person_is_marketing_s_to_replace_also_where_the_agreement_has_no_reason_for_it() {
    let followed = follows(&lead(Stage::Contacted), &Happening::WrongPerson, None).expect("it can be so");
    assert!(followed.marketing_looks.as_deref() == Some("wrong-person") && followed.rest.is_none());
    assert_eq!(followed.stages, [(Stage::Rejected, "wrong-person".to_owned())]);
}

#[test]
fn a_manager_gives_a_lead_to_whom_the_agreement_knows() {
    let give = |to: &str, by: &str| {
        follows(&lead(Stage::Accepted), &Happening::Reassigned { to: address(to) }, Some(by))
            .map(|followed| followed.goes_to)
            .map_err(|refusal| refusal.to_string())
    };
    let manager = "manager@ours.example";
    assert_eq!(give("rep2@ours.example", manager), Ok(Some(address("rep2@ours.example"))));
    assert_eq!(
        give("rep3@ours.example", manager),
        Err("rep3@ours.example is no rep of the agreement; did you mean rep1@ours.example?".to_owned())
    );
    assert_eq!(give("rep1@ours.example", manager), Err("rep1@ours.example has the lead already".to_owned()));
    assert!(give("rep2@ours.example", "rep1@ours.example").is_err_and(|words| words.contains("manager")));
    assert_eq!(
        follows(&lead(Stage::Accepted), &Happening::Taken, Some(manager)).map(|followed| followed.goes_to),
        Ok(Some(address(manager)))
    );
    assert_eq!(follows(&lead(Stage::Accepted), &Happening::Taken, None), Err(Refusal::WhoTakesIt));
}

#[test]
fn more_time_is_given_once_and_only_while_a_promise_runs() {
    for (promise_runs, extended, result) in [
        (true, false, Ok(Promises::Recount)),
        (true, true, Err(Refusal::ExtendedBefore)),
        (false, false, Err(Refusal::NothingRuns)),
    ] {
        let (agreement, hours) = (agreement(), hours());
        let circumstances = Circumstances {
            agreement: &agreement,
            hours: &hours,
            absent_before: 0,
            strikes: 0,
            hand_off: HandOffFacts { promise_runs, extended, ..HandOffFacts::default() },
            now: tuesday(),
        };
        let followed = consequences(&lead(Stage::HandedOff), &Happening::Extended, None, circumstances);
        assert_eq!(followed.map(|followed| followed.promises), result);
    }
}

#[test]
fn what_was_heard_is_one_of_the_names_that_are_counted() {
    let heard = |objection: Option<&str>, argument: Option<&str>| {
        let (objection, argument) = (objection.map(str::to_owned), argument.map(str::to_owned));
        let happening = Happening::Feedback { objection, argument };
        follows(&lead(Stage::Lost), &happening, None).map_err(|refusal| refusal.to_string())
    };
    assert!(heard(Some("price"), None).is_ok() && heard(None, Some("time")).is_ok());
    assert_eq!(
        heard(Some("prise"), None),
        Err("`prise` is no objection of the agreement; did you mean `price`? It knows: price".to_owned())
    );
    assert!(heard(None, Some("price")).is_err());
}

#[test]
fn an_address_from_which_mail_comes_back_too_often_for_now_is_dead_and_a_full_one_never_is() {
    let lead = lead(Stage::Nurturing);
    let suppressed = |bounce, strikes| {
        let followed = follows_with(&lead, &Happening::Bounced(bounce), None, 0, strikes);
        followed.expect("it can be").suppress
    };
    // The agreement of these tests counts three.
    assert_eq!(suppressed(Bounce::Strike, 1), []);
    assert_eq!(suppressed(Bounce::Strike, 2), [SuppressionReason::SoftBounces]);
    assert_eq!(suppressed(Bounce::Full, 99), []);
    assert_eq!(suppressed(Bounce::Permanent, 0), [SuppressionReason::HardBounce]);
}
