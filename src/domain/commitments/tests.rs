//! What marketing owes on which day, and what is said of it.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::domain::calendar::{Calendar, Holidays, Hours};
use crate::domain::lead::Profile;

/// Berlin's office, with Germany's holidays.
fn office() -> Calendar {
    let hours = Hours::parse("Mo-Fr 09:00-17:00").expect("hours");
    let holidays = Holidays::of_country("DE").expect("a country of the tables");
    Calendar::new("Europe/Berlin", hours, holidays).expect("a calendar")
}

fn pace_on(period: Period, seen: Date, today: Date) -> Pace {
    let first = period.first_day(today);
    Pace::on(&office(), (first, period.next(first)), seen, today)
}

fn forty_a_month() -> Commitment {
    Commitment {
        name: "volume".to_owned(),
        period: Period::Month,
        campaign: None,
        qualified: Some(40),
        accepted: Some(70),
        complete: Some(Complete { required: vec!["phone".to_owned(), "Seats".to_owned()], percent: 90 }),
        rejected: vec![("bad-data".to_owned(), 10)],
    }
}

fn delivered(campaign: &str, filled: &[&str], outcome: Outcome) -> Delivered {
    Delivered {
        campaign: campaign.to_owned(),
        filled: filled.iter().map(|name| (*name).to_owned()).collect(),
        outcome,
    }
}

#[test]
fn what_is_due_grows_with_the_business_days_that_are_over() {
    // April 2026 has 20 business days: Good Friday (3rd) and Easter Monday (6th) are none.
    for (today, gone, due, early) in [
        (date(2026, 4, 1), 0, 0, true),
        (date(2026, 4, 2), 1, 2, true),
        (date(2026, 4, 7), 2, 4, true),
        (date(2026, 4, 9), 4, 8, false),
        (date(2026, 4, 16), 9, 18, false),
        (date(2026, 4, 18), 11, 22, false),
        (date(2026, 4, 30), 19, 38, false),
    ] {
        let pace = pace_on(Period::Month, date(2026, 1, 1), today);
        assert_eq!((pace.days, pace.counted, pace.gone), (20, 20, gone), "{today}");
        assert_eq!((pace.due(40), pace.is_too_early()), (due, early), "{today}");
        assert_eq!(pace.agreed(40), 40);
    }
}

#[test]
fn nobody_owes_what_was_due_before_the_promise_was_made() {
    // Seen on Thursday 16 April: 9 of 20 business days are over already.
    let pace = pace_on(Period::Month, date(2026, 4, 16), date(2026, 4, 23));
    assert_eq!(pace, Pace { days: 20, counted: 11, gone: 5 });
    assert_eq!((pace.agreed(40), pace.due(40)), (22, 10));
}

#[test]
fn behind_is_who_is_more_than_a_tenth_behind_and_never_in_the_first_days() {
    let commitment = Commitment { accepted: None, complete: None, rejected: Vec::new(), ..forty_a_month() };
    for (today, there, verdict) in [
        // Nothing at all, on the third business day: too early to say.
        (date(2026, 4, 7), 0, Verdict::Open),
        (date(2026, 4, 9), 0, Verdict::Broken),
        // 18 are due: 17 is within a tenth, 16 is not.
        (date(2026, 4, 16), 18, Verdict::Kept),
        (date(2026, 4, 16), 17, Verdict::Kept),
        (date(2026, 4, 16), 16, Verdict::Broken),
    ] {
        let figures = Figures { handed_off: there, ..Figures::default() };
        let lines = so_far(&commitment, &figures, &pace_on(Period::Month, date(2026, 4, 1), today));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].verdict, verdict, "{there} on {today}");
    }
}

#[test]
fn leads_that_wait_for_a_rep_are_delivered() {
    let commitment = Commitment { campaign: Some("webinar".to_owned()), ..forty_a_month() };
    let leads = [
        delivered("webinar", &["phone", "Seats"], Outcome::Accepted),
        delivered("webinar", &["phone"], Outcome::Rejected("bad-data".to_owned())),
        delivered("webinar", &[], Outcome::Open),
        delivered("default", &["phone", "Seats"], Outcome::Accepted),
    ];
    let waiting = [("webinar".to_owned(), 2), ("default".to_owned(), 9)];
    let figures = Figures::count(&commitment, &leads, &waiting);
    assert_eq!((figures.qualified(), figures.decided(), figures.complete), (5, 2, 1));
    let all = Figures::count(&Commitment { campaign: None, ..commitment }, &leads, &waiting);
    assert_eq!((all.qualified(), all.decided(), all.complete), (15, 3, 2));
}

#[test]
fn a_share_of_a_handful_says_nothing_until_the_period_is_over() {
    let pace = pace_on(Period::Month, date(2026, 4, 1), date(2026, 4, 30));
    let few = Figures {
        handed_off: 5,
        waiting: 40,
        complete: 1,
        accepted: 1,
        rejected: BTreeMap::from([("bad-data".to_owned(), 4)]),
    };
    let verdicts = |lines: &[Line]| lines.iter().map(|line| line.verdict).collect::<Vec<_>>();
    let running = so_far(&forty_a_month(), &few, &pace);
    assert_eq!(verdicts(&running), [Verdict::Kept, Verdict::Open, Verdict::Open, Verdict::Open]);
    let over = at_the_end(&forty_a_month(), &few, &pace);
    assert_eq!(verdicts(&over), [Verdict::Kept, Verdict::Broken, Verdict::Broken, Verdict::Broken]);
    assert_eq!(together(&over), Verdict::Broken);
    let hardly_any = Figures { accepted: 0, handed_off: 4, ..few };
    let lines = at_the_end(&Commitment { qualified: None, ..forty_a_month() }, &hardly_any, &pace);
    assert_eq!(verdicts(&lines), [Verdict::Open, Verdict::Open, Verdict::Open]);
    let nothing = at_the_end(&Commitment { qualified: None, ..forty_a_month() }, &Figures::default(), &pace);
    assert_eq!(together(&nothing), Verdict::Open, "nothing was decided, so nothing was broken");
}

#[test]
fn a_share_is_kept_when_it_is_exactly_what_was_agreed() {
    let pace = pace_on(Period::Month, date(2026, 4, 1), date(2026, 4, 30));
    let exact = Figures {
        handed_off: 40,
        waiting: 0,
        complete: 36,
        accepted: 28,
        rejected: BTreeMap::from([("bad-data".to_owned(), 4), ("not-ready".to_owned(), 8)]),
    };
    assert!(so_far(&forty_a_month(), &exact, &pace).iter().all(|line| line.verdict == Verdict::Kept));
    let one_less = Figures { accepted: 27, ..exact };
    assert_eq!(so_far(&forty_a_month(), &one_less, &pace)[1].verdict, Verdict::Broken);
}

#[test]
fn what_it_takes_is_said_and_never_too_little() {
    let pace = pace_on(Period::Month, date(2026, 4, 1), date(2026, 4, 16));
    let figures = Figures { handed_off: 11, ..Figures::default() };
    assert_eq!(
        needed(&forty_a_month(), &figures, &pace).as_deref(),
        Some("To keep it, 29 more leads are needed in the 11 business days that are left: 2.7 a day.")
    );
    let enough = Figures { handed_off: 40, ..Figures::default() };
    assert_eq!(needed(&forty_a_month(), &enough, &pace), None);
}

#[test]
fn stock_is_weeks_of_what_sales_takes() {
    let stock = Stock { waiting: 12, soon: 40, weekly_tenths: 300 };
    assert_eq!(stock.weeks_tenths(), Some(17));
    assert_eq!(
        stock.told(),
        "In stock: 12 qualified leads wait for a rep, 40 are close to the hand-off point. \
         Sales takes about 30 a week, so that is 1.7 weeks of hand-offs."
    );
    assert_eq!(Stock { weekly_tenths: 0, ..stock }.weeks_tenths(), None, "everybody is away");
}

#[test]
fn a_field_of_spaces_is_not_filled() {
    let mut profile =
        Profile { company: Some("Acme".to_owned()), phone: Some("  ".to_owned()), ..Profile::default() };
    profile.fields.insert("Seats".to_owned(), "40".to_owned());
    profile.fields.insert("Budget".to_owned(), String::new());
    assert_eq!(filled(&profile), ["company", "Seats"]);
}

proptest! {
    #[test]
    fn pace_never_goes_back_and_ends_with_the_whole_promise(
        start in 0_i64..4_000, promised in 0_i64..10_000, which in 0_usize..3,
    ) {
        let (_, period) = Period::ALL[which];
        let first = period.first_day(date(2020, 1, 1).saturating_add(start.days()));
        let next = period.next(first);
        let calendar = office();
        let mut before = 0;
        for today in first.series(1.day()).take_while(|day| *day <= next) {
            let pace = Pace::on(&calendar, (first, next), first, today);
            let due = pace.due(promised);
            prop_assert!(due >= before, "less is due on {} than before", today);
            prop_assert!(due <= promised);
            prop_assert!(pace.left() >= 0);
            before = due;
        }
        prop_assert_eq!(before, promised);
    }

    #[test]
    fn a_promise_seen_later_owes_no_more(start in 0_i64..4_000, seen in 0_i64..31, promised in 0_i64..1_000) {
        let first = Period::Month.first_day(date(2020, 1, 1).saturating_add(start.days()));
        let next = Period::Month.next(first);
        let calendar = office();
        let late = first.saturating_add(seen.days());
        let (whole, part) = (
            Pace::on(&calendar, (first, next), first, next),
            Pace::on(&calendar, (first, next), late, next),
        );
        prop_assert!(part.agreed(promised) <= whole.agreed(promised));
        prop_assert_eq!(part.agreed(promised), part.due(promised), "at the end all that was agreed is due");
    }

    #[test]
    fn more_leads_never_make_it_worse(there in 0_i64..100, more in 0_i64..100, day in 0_i64..30) {
        let today = date(2026, 4, 1).saturating_add(day.days());
        let pace = pace_on(Period::Month, date(2026, 4, 1), today);
        let commitment = forty_a_month();
        let verdict = |count| {
            so_far(&commitment, &Figures { handed_off: count, ..Figures::default() }, &pace)[0].verdict
        };
        if verdict(there) == Verdict::Kept {
            prop_assert_eq!(verdict(there + more), Verdict::Kept);
        }
    }

    #[test]
    fn stock_grows_with_leads_and_shrinks_with_reps(
        waiting in 0_i64..1_000, soon in 0_i64..1_000, weekly in 1_i64..1_000, more in 0_i64..100,
    ) {
        let stock = Stock { waiting, soon, weekly_tenths: weekly };
        let more_leads = Stock { waiting: waiting + more, ..stock };
        let more_reps = Stock { weekly_tenths: weekly + more, ..stock };
        prop_assert!(more_leads.weeks_tenths() >= stock.weeks_tenths());
        prop_assert!(more_reps.weeks_tenths() <= stock.weeks_tenths());
    }
}
