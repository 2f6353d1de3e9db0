//! Which week which team is over, and by how much: expected volumes of the built-in agreement's campaigns against
//! its reps.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use nurtured::domain::agreement::Agreement;
use nurtured::domain::capacity::{Known, Per, Plan, Rate, Volume, Week, impossible, plan};
use nurtured::domain::commitments::Period;
use nurtured::playbook::{Playbook, PlaybookFiles};
use proptest::prelude::*;

/// The built-in agreement: team sales has two reps with 30 places, so it takes 30 leads a week.
fn agreement(edits: &[(&str, &str)]) -> Agreement {
    let mut files = PlaybookFiles::builtin();
    for (old, new) in edits {
        let text = files.get("agreement.toml").expect("it is there").to_owned();
        assert!(text.contains(old), "`{old}` is not in the agreement");
        files.insert("agreement.toml", text.replacen(old, new, 1));
    }
    match Playbook::load(&files) {
        Ok(playbook) => playbook.agreement,
        Err(problems) => panic!("{problems}"),
    }
}

/// The webinar brings so much, of which a share qualifies.
fn webinar(expected: &str) -> Agreement {
    let new = format!("[campaigns.webinar]\n{expected}\n");
    agreement(&[("[campaigns.webinar]\n", &new)])
}

/// Monday, 20 April 2026.
const TODAY: Date = date(2026, 4, 20);

fn sales(plan: &Plan) -> Vec<&Week> {
    plan.weeks.iter().filter(|week| week.team == "sales").collect()
}

#[test]
fn a_week_has_what_its_campaigns_bring_and_its_reps_take() {
    // 70 a week from the first Monday of May on, half of which are ready: 35 for 30 places.
    let agreement = webinar("expected = \"70 per week\"\nqualifies = \"50%\"\nstarts = \"2026-05-04\"");
    let plan = plan(&agreement, &Known::nothing(TODAY), 6);
    let told: Vec<(Date, i64, i64, i64, i64)> = sales(&plan)
        .iter()
        .map(|week| (week.monday, week.expected, week.takes, week.over, week.waiting))
        .collect();
    assert_eq!(
        told,
        [
            (date(2026, 4, 20), 0, 300, 0, 0),
            // 1 May is a holiday.
            (date(2026, 4, 27), 0, 240, 0, 0),
            (date(2026, 5, 4), 350, 300, 50, 50),
            // Ascension Day; what could not be taken the week before waits too.
            (date(2026, 5, 11), 350, 240, 110, 160),
            (date(2026, 5, 18), 350, 300, 50, 210),
            // Whit Monday.
            (date(2026, 5, 25), 350, 240, 110, 320),
        ]
    );
    assert_eq!(plan.rates, [("webinar".to_owned(), Rate::Given(50))]);
}

#[test]
fn a_campaign_that_starts_in_mid_week_brings_its_days_and_ends_with_its_last() {
    let agreement = webinar(
        "expected = \"10 per day\"\nqualifies = \"100%\"\nstarts = \"2026-04-22\"\nends = \"2026-04-28\"",
    );
    let plan = plan(&agreement, &Known::nothing(TODAY), 3);
    let expected: Vec<i64> = sales(&plan).iter().map(|week| week.expected).collect();
    assert_eq!(expected, [500, 200, 0]);
}

#[test]
fn whoever_is_away_takes_nothing_and_is_named() {
    let agreement = agreement(&[(
        "away = []\n\n[[teams.sales.reps]]",
        "away = [\"2026-04-20 to 2026-04-24\"]\n\n[[teams.sales.reps]]",
    )]);
    let mut known = Known::nothing(TODAY);
    // Sam is away from Wednesday on, and back on the next Monday.
    let sam = "rep2@ours.example".parse().expect("an address");
    known.away.insert(sam, (date(2026, 4, 22), date(2026, 4, 27)));
    let plan = plan(&agreement, &known, 2);
    let weeks = sales(&plan);
    assert_eq!(weeks[0].takes, 60, "Sam, Monday and Tuesday");
    assert_eq!(weeks[0].away, ["Robin Adler", "Sam Berger"]);
    assert_eq!((weeks[1].takes, weeks[1].holidays), (240, 1));
    assert!(weeks[1].away.is_empty());
}

#[test]
fn the_record_says_which_share_qualifies_when_it_is_long_enough() {
    let agreement = webinar("expected = \"100 per week\"\nqualifies = \"50%\"");
    for (record, rate, expected) in [
        (None, Rate::Given(50), 500),
        (Some((49, 1)), Rate::Given(50), 500),
        (Some((200, 40)), Rate::Record { percent: 20, of: 200 }, 200),
    ] {
        let mut known = Known::nothing(TODAY);
        known.record.extend(record.map(|record| ("webinar".to_owned(), record)));
        let plan = plan(&agreement, &known, 1);
        assert_eq!(plan.rates, [("webinar".to_owned(), rate)]);
        assert_eq!(sales(&plan)[0].expected, expected);
    }
}

#[test]
fn a_campaign_of_which_nobody_knows_the_share_is_named_and_not_guessed() {
    let agreement = webinar("expected = \"100 per week\"");
    let plan = plan(&agreement, &Known::nothing(TODAY), 1);
    assert_eq!(plan.unknown, ["webinar"]);
    assert_eq!(sales(&plan)[0].expected, 0);
}

#[test]
fn whoever_raises_a_hand_is_ready_and_who_has_no_expectation_goes_on_as_before() {
    let agreement =
        agreement(&[("[campaigns.demo-request]\n", "[campaigns.demo-request]\nexpected = \"7 per week\"\n")]);
    let mut known = Known::nothing(TODAY);
    known.last_four_weeks = BTreeMap::from([("default".to_owned(), 40), ("demo-request".to_owned(), 400)]);
    known.waiting = BTreeMap::from([("default".to_owned(), 25)]);
    let plan = plan(&agreement, &known, 1);
    assert_eq!(plan.rates, [("demo-request".to_owned(), Rate::All)]);
    let week = sales(&plan)[0];
    assert_eq!((week.expected, week.waiting), (170, 120), "7 and 10 a week; 25 waited, 30 are taken");
}

#[test]
fn what_can_never_be_taken_is_known_without_any_record() {
    let possible = webinar("expected = \"60 per week\"\nqualifies = \"50%\"");
    assert!(impossible(&possible, TODAY).is_empty(), "a holiday alone makes nothing impossible");
    let too_much = webinar("expected = \"62 per week\"\nqualifies = \"50%\"\nstarts = \"2026-06-03\"");
    let found = impossible(&too_much, TODAY);
    let told: Vec<(&str, Date)> = found.iter().map(|week| (week.team.as_str(), week.monday)).collect();
    assert_eq!(told, [("sales", date(2026, 6, 8))], "the week of the start has five of its days only");
}

#[test]
fn who_takes_so_many_a_week_takes_no_more_however_many_places_are_free() {
    let agreement = agreement(&[("capacity = 30\n", "capacity = 30\nnew_per_week = 4\n")]);
    let plan = plan(&agreement, &Known::nothing(TODAY), 2);
    let takes: Vec<i64> = sales(&plan).iter().map(|week| week.takes).collect();
    assert_eq!(takes, [190, 160], "Robin 4, also in the week with a holiday; Sam 15, then 12");
}

#[test]
fn a_campaign_with_a_rep_of_its_own_can_be_too_much_for_a_team_with_room() {
    let agreement =
        webinar("expected = \"40 per week\"\nqualifies = \"50%\"\nreps = [\"rep1@ours.example\"]");
    let mut known = Known::nothing(TODAY);
    known.last_four_weeks = BTreeMap::from([("default".to_owned(), 40)]);
    let plan = plan(&agreement, &known, 1);
    let week = sales(&plan)[0];
    assert_eq!((week.expected, week.takes), (300, 300), "there is a place for each of them");
    assert_eq!((week.over, week.waiting), (50, 50), "but Robin takes 15 of 20, and Sam 10 of the others");
    let told: Vec<String> = impossible(&agreement, TODAY).into_iter().map(|week| week.team).collect();
    assert_eq!(told, ["sales"]);
}

#[test]
fn what_a_team_cannot_take_goes_where_it_overflows_to_after_that_teams_own() {
    let agreement = agreement(&[
        ("[campaigns.webinar]\n", "[campaigns.webinar]\nexpected = \"80 per week\"\nqualifies = \"50%\"\n"),
        ("[[teams.sales.reps]]", "overflow = \"partners\"\n\n[[teams.sales.reps]]"),
    ]);
    let week = |agreement: &Agreement| sales(&plan(agreement, &Known::nothing(TODAY), 1))[0].clone();
    // The partners take 7.5 a week.
    let full = week(&agreement);
    assert_eq!((full.expected, full.takes, full.elsewhere, full.over), (400, 300, 75, 25));
    assert_eq!(impossible(&agreement, TODAY).len(), 1);
}

static BUILTIN: LazyLock<Agreement> = LazyLock::new(|| agreement(&[]));

proptest! {
    #[test]
    fn what_comes_in_is_taken_or_waits(leads in 1_i64..500, share in 1_i64..=100, day in 0_i64..60) {
        let mut agreement = BUILTIN.clone();
        let volume =
            Volume { leads, per: Per::Period(Period::Week), qualifies: Some(share), starts: None, ends: None };
        for campaign in agreement.campaigns.iter_mut().filter(|campaign| campaign.name == "webinar") {
            campaign.volume = Some(volume.clone());
        }
        let today = date(2026, 3, 1).saturating_add(day.days());
        let plan = plan(&agreement, &Known::nothing(today), 10);
        let mut waited = 0;
        for week in sales(&plan) {
            prop_assert!(week.monday >= today && week.takes <= 300);
            // Each figure is rounded to a tenth of its own.
            let left = (waited + week.expected - week.takes).max(0);
            prop_assert!((week.waiting - left).abs() <= 2, "{:?}", week);
            prop_assert!(week.over >= 0 && week.over <= week.expected);
            waited = week.waiting;
        }
    }
}
