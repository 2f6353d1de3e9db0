//! The rules about leads that were given back which ask the agreement: who may merge, what ends a rest, what a score
//! is worth.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use nurtured::domain::agreement::Agreement;
use nurtured::domain::condition::Facts;
use nurtured::domain::ids::LeadId;
use nurtured::domain::lead::{Lead, Profile, Stage};
use nurtured::domain::recycle::dispute::{Rejection, may_answer, may_dispute};
use nurtured::domain::recycle::{Refused, Verdict, is_ready_anew, may_merge};
use nurtured::domain::scoring::{Done, score};
use nurtured::playbook::{Playbook, PlaybookFiles};
use proptest::prelude::*;

use crate::{address, at};

/// Read once: a property asks for it hundreds of times.
static AGREEMENT: LazyLock<Agreement> = LazyLock::new(|| match Playbook::load(&PlaybookFiles::builtin()) {
    Ok(playbook) => playbook.agreement,
    Err(problems) => panic!("{problems}"),
});

fn agreement() -> &'static Agreement {
    &AGREEMENT
}

fn now() -> Timestamp {
    at("2026-04-14T10:00:00+02:00")
}

fn lead(id: i64, stage: Stage) -> Lead {
    Lead {
        id: LeadId(id),
        profile: Profile {
            company: Some("Acme".to_owned()),
            title: Some("Head of Operations".to_owned()),
            ..Profile::default()
        },
        campaign: Some("default".to_owned()),
        stage,
        score: 90,
        owner: stage.sales_has_the_word().then(|| address("rep1@ours.example")),
        ..Lead::new(address(&format!("lead{id}@acme.example")), now())
    }
}

fn done(name: &str, days_ago: i64, times: i64) -> Done {
    Done { name: name.to_owned(), days_ago, times }
}

#[test]
fn what_a_resting_lead_did_since_has_to_reach_the_hand_off_point_by_itself() {
    let agreement = agreement();
    let jane = lead(1, Stage::Resting);
    for (campaign, visits, ready) in [
        ("default", vec![], None),
        ("default", vec![done("pricing_page", 0, 1)], None),
        // Grade A and 40 points.
        ("default", vec![done("webinar_attended", 0, 1), done("pricing_page", 0, 2)], Some(50)),
        // The same a month ago: interest fades during a rest, too.
        ("default", vec![done("webinar_attended", 30, 1), done("pricing_page", 30, 2)], None),
        // A point that everybody reaches is reached by a question, not by a visit.
        ("demo-request", vec![done("pricing_page", 0, 9)], None),
    ] {
        let point = agreement.campaign(campaign).expect("a campaign of the built-in agreement");
        let found = is_ready_anew(agreement, point, &jane, &[], &visits, now()).expect("it can be told");
        assert_eq!(found, ready, "{campaign} {visits:?}");
    }
}

#[test]
fn a_double_is_named_by_its_rep_or_by_marketing() {
    let agreement = agreement();
    let other = lead(2, Stage::Nurturing);
    for (stage, by, allowed) in [
        (Stage::HandedOff, Some("rep1@ours.example"), true),
        (Stage::Contacted, Some("rep1@ours.example"), true),
        (Stage::Contacted, Some("rep2@ours.example"), false),
        (Stage::Contacted, Some("marketing@ours.example"), true),
        (Stage::Contacted, None, true),
        (Stage::Nurturing, None, true),
        (Stage::Nurturing, Some("rep1@ours.example"), false),
        (Stage::Disqualified, None, true),
        (Stage::Opportunity, Some("rep1@ours.example"), false),
        (Stage::Won, None, false),
    ] {
        let by = by.map(address);
        let allows = may_merge(&lead(1, stage), &other, by.as_ref(), agreement);
        assert_eq!(allows.is_ok(), allowed, "{stage} {by:?} {allows:?}");
    }
    let itself = may_merge(&other, &other, None, agreement);
    assert_eq!(itself, Err(Refused::Itself(other.email.clone())));
}

#[test]
fn a_rejection_is_disputed_once_by_marketing_while_the_lead_is_given_back() {
    let agreement = agreement();
    let office = &agreement.calendars["office"];
    let rejection =
        |is_loss, disputed_at, verdict| Rejection { team: "sales", at: now(), is_loss, disputed_at, verdict };
    let fresh = Some(rejection(false, None, None));
    let disputed = Some(rejection(false, Some(now()), None));
    let settled = Some(rejection(false, Some(now()), Some(Verdict::Upheld)));
    for (stage, rejection, by, refused) in [
        (Stage::Resting, fresh, None, None),
        (Stage::Rejected, fresh, Some("marketing@ours.example"), None),
        (Stage::Disqualified, fresh, Some("director@ours.example"), None),
        (Stage::Resting, fresh, Some("rep2@ours.example"), Some("that is for marketing")),
        (Stage::Resting, disputed, None, Some("disputed before, on 2026-04-14: it is disputed once")),
        (
            Stage::Resting,
            settled,
            None,
            Some("disputed before, on 2026-04-14, and upheld: it is disputed once"),
        ),
        (Stage::Nurturing, fresh, None, Some("the lead is nurturing: only a rejection")),
        (Stage::Contacted, fresh, None, Some("the lead is contacted: only a rejection")),
        (Stage::Resting, None, None, Some("only a rejection")),
        (Stage::Resting, Some(rejection(true, None, None)), None, Some("only a rejection")),
    ] {
        let by = by.map(address);
        let answer = may_dispute(&lead(1, stage), rejection, by.as_ref(), agreement, office);
        match refused {
            None => assert_eq!(answer, Ok(()), "{stage} {by:?}"),
            Some(words) => {
                let said = answer.expect_err(words).to_string();
                assert!(said.contains(words), "{said}");
            }
        }
    }
    let mut silent = agreement.clone();
    silent.marketing.dispute_answer = None;
    let answer = may_dispute(&lead(1, Stage::Resting), fresh, None, &silent, office);
    assert_eq!(answer, Err(Refused::NoDisputes));
}

#[test]
fn a_dispute_is_answered_once_by_those_who_answer_for_the_team() {
    let agreement = agreement();
    let open =
        Rejection { team: "sales", at: now(), is_loss: false, disputed_at: Some(now()), verdict: None };
    let resting = lead(1, Stage::Resting);
    let upheld = Verdict::Upheld;
    for (by, allowed) in [
        (None, true),
        (Some("manager@ours.example"), true),
        (Some("director@ours.example"), true),
        (Some("rep1@ours.example"), false),
        (Some("marketing@ours.example"), false),
    ] {
        let by = by.map(address);
        let answer = may_answer(&resting, Some(open), upheld, by.as_ref(), agreement);
        assert_eq!(answer.is_ok(), allowed, "{by:?}");
    }
    for nothing in [
        None,
        Some(Rejection { disputed_at: None, ..open }),
        Some(Rejection { verdict: Some(Verdict::Moot), ..open }),
    ] {
        let answer = may_answer(&resting, nothing, upheld, None, agreement);
        assert_eq!(answer, Err(Refused::NothingToAnswer));
    }
}

#[test]
fn a_rejection_is_overturned_while_it_is_what_keeps_the_lead_from_sales() {
    let agreement = agreement();
    let said =
        Rejection { team: "sales", at: now(), is_loss: false, disputed_at: Some(now()), verdict: None };
    let day_before = now() - SignedDuration::from_hours(24);
    for (stage, rejected_at, overturns) in [
        (Stage::Resting, now(), true),
        (Stage::Resting, day_before, true),
        (Stage::Rejected, day_before, true),
        // The rejection itself ended it.
        (Stage::Disqualified, now(), true),
        // Something else did, since.
        (Stage::Disqualified, day_before, false),
        (Stage::Qualified, day_before, false),
        (Stage::Opportunity, day_before, false),
    ] {
        let lead = Lead { stage_at: now(), ..lead(1, stage) };
        let said = Some(Rejection { at: rejected_at, ..said });
        let answer = |verdict| may_answer(&lead, said, verdict, None, agreement);
        assert_eq!(answer(Verdict::Overturned).is_ok(), overturns, "{stage}");
        assert_eq!(answer(Verdict::Upheld), Ok(()), "{stage}");
    }
}

/// The score as it was reckoned visit by visit.
fn reckoned(agreement: &Agreement, lead: &Lead, visits: &[(&str, i64)]) -> i64 {
    let mut sum = 0.0;
    for rule in &agreement.scoring.rules {
        for (name, days) in visits {
            let facts = Facts { event: Some(name), ..Facts::of(lead, now()) };
            if !rule.when.holds(&facts).expect("it can be told") {
                continue;
            }
            let half_life = agreement.scoring.half_life_days.expect("the built-in agreement has one");
            sum += rule.points as f64 * 0.5_f64.powf(*days as f64 / half_life as f64);
            if rule.once {
                break;
            }
        }
    }
    sum.floor() as i64
}

proptest! {
    /// Counting by days changes no score.
    #[test]
    fn visits_counted_by_day_are_worth_what_they_are_worth_one_by_one(
        mut visits in prop::collection::vec(
            (prop::sample::select(vec!["pricing_page", "download", "careers_page", "other"]), 0_i64..120),
            0..40,
        )
    ) {
        visits.sort_by_key(|(_, days)| -days);
        let agreement = agreement();
        let jane = lead(1, Stage::Nurturing);
        let mut counted: Vec<Done> = Vec::new();
        for (name, days) in &visits {
            match counted.iter_mut().find(|done| done.name == *name && done.days_ago == *days) {
                Some(done) => done.times += 1,
                None => counted.push(done(name, *days, 1)),
            }
        }
        let by_day = score(&agreement.scoring, &Facts::of(&jane, now()), &counted).expect("it can be told");
        prop_assert_eq!(by_day, reckoned(agreement, &jane, &visits));
    }

    /// A lead that does nothing is worth less each day, never more; and after a year next to nothing.
    #[test]
    fn interest_only_fades(times in 1_i64..20, days in 0_i64..700) {
        let agreement = agreement();
        let jane = lead(1, Stage::Resting);
        let worth = |days: i64| {
            let facts = Facts::of(&jane, now() + SignedDuration::from_hours(24 * days));
            score(&agreement.scoring, &facts, &[done("pricing_page", days, times)]).expect("it can be told")
        };
        prop_assert!(worth(days + 1) <= worth(days));
        prop_assert_eq!(worth(365 * 2), 0);
    }
}
