//! What pays for a debt of attempts, and when the next one is due.

use jiff::SignedDuration;

use super::*;
use crate::domain::agreement::{Policy, Target};
use crate::domain::calendar::{Holidays, Hours};
use crate::domain::sla::{Promise, PromiseKind};

fn calendar(hours: &str) -> Calendar {
    let hours = Hours::parse(hours).expect("hours");
    Calendar::new("Europe/Berlin", hours, Holidays::none()).expect("a calendar")
}

/// Six attempts, on four days, over two channels, one call a day.
const OWED: AttemptsOwed =
    AttemptsOwed { count: 6, days: 4, channels: 2, calls_per_day: 1, first_minutes: None, first_from: None };

/// March 2026 in Berlin; the 2nd is a Monday.
fn at(day: i8, time: &str) -> Timestamp {
    format!("2026-03-{day:02}T{time}:00+01:00").parse().expect("an instant")
}

fn call(day: i8, time: &str) -> Attempt {
    Attempt { at: at(day, time), channel: Channel::Phone }
}

fn mail(day: i8, time: &str) -> Attempt {
    Attempt { at: at(day, time), channel: Channel::Email }
}

fn debt(attempts: &[Attempt]) -> (i64, i64, i64) {
    let debt = OWED.debt(attempts, &calendar("24/7"));
    (debt.made, debt.days, debt.left)
}

#[test]
fn only_what_was_agreed_pays_for_the_debt() {
    assert_eq!(debt(&[]), (0, 0, 6));
    assert_eq!(debt(&[call(2, "10:00")]), (1, 1, 5));
    // The second call of a day and its second mail are the same try.
    assert_eq!(debt(&[call(2, "10:00"), call(2, "16:00"), mail(2, "16:05"), mail(2, "16:10")]), (2, 1, 4));
    // Six on three days are a day short, six calls a channel.
    let three: Vec<Attempt> = (2..5).flat_map(|day| [call(day, "10:00"), mail(day, "11:00")]).collect();
    assert_eq!(debt(&three), (6, 3, 1));
    let calls: Vec<Attempt> = (2..8).map(|day| call(day, "10:00")).collect();
    assert_eq!(debt(&calls), (6, 6, 1));
    let mut paid = calls;
    paid.push(mail(9, "10:00"));
    assert_eq!(debt(&paid), (7, 7, 0));
    // In whatever order they became known.
    paid.reverse();
    assert_eq!(debt(&paid), (7, 7, 0));
}

/// Eight hours for the first, ten business days for all, promised on Monday 2 March, nine o'clock.
fn terms() -> Terms {
    let promise = |target| Promise { target, levels: Vec::new() };
    let policy = Policy {
        name: "standard".to_owned(),
        promises: [
            (PromiseKind::FirstContact, promise(Target::Time(SignedDuration::from_hours(8)))),
            (PromiseKind::Attempts, promise(Target::BusinessDays(10))),
        ]
        .into(),
        attempts: Some(OWED),
        not_before: None,
    };
    let office = calendar("Mo-Fr 09:00-17:00");
    let terms = Terms::of(&policy, PromiseKind::Attempts, &office, &office, at(2, "09:00"));
    terms.expect("it can be counted").expect("it is promised")
}

fn next(attempts: &[Attempt], pauses: &[(Timestamp, Timestamp)]) -> Option<NextAttempt> {
    let office = calendar("Mo-Fr 09:00-17:00");
    next_attempt_due(&terms(), at(2, "09:00"), pauses, attempts, &office, Channel::ALL)
        .expect("it can be counted")
}

#[test]
fn the_attempts_are_spread_from_first_contact_to_the_end() {
    assert_eq!(terms().target_minutes, 80 * 60);
    assert_eq!(terms().target_words(), "6 attempts on 4 days, over 2 channels within 10 business days");
    let due = |attempts: &[Attempt]| next(attempts, &[]).map(|next| (next.number, next.due));
    // Eight hours, then every 14 h 24 min of business time, the last with the closing of the tenth day.
    assert_eq!(due(&[]), Some((1, at(2, "17:00"))));
    assert_eq!(due(&[call(2, "10:00")]), Some((2, at(4, "15:24"))));
    assert_eq!(due(&[call(2, "10:00"), mail(4, "10:00")]), Some((3, at(6, "13:48"))));
    let five = [call(2, "10:00"), mail(2, "11:00"), call(3, "10:00"), mail(4, "10:00"), call(5, "10:00")];
    assert_eq!(due(&five), Some((6, at(13, "17:00"))));
    let six = [&five[..], &[call(9, "10:00")]].concat();
    assert_eq!(due(&six), None);
}

#[test]
fn an_attempt_that_cannot_count_today_is_due_tomorrow() {
    // On the last Friday: overdue since Wednesday, called today already, so the next counts on Monday.
    let next = next(&[call(13, "10:00")], &[]).expect("more is owed");
    assert_eq!((next.number, next.from, next.due), (2, at(16, "09:00"), at(16, "09:00")));
}

#[test]
fn the_last_attempts_have_to_go_over_the_channel_that_is_missing() {
    let calls = |count: i8| (2..2 + count).map(|day| call(day, "10:00")).collect::<Vec<_>>();
    assert_eq!(next(&calls(4), &[]).and_then(|next| next.channel), None);
    assert_eq!(next(&calls(5), &[]).and_then(|next| next.channel), Some(Channel::Email));
    // The call of the day is made; the mail counts at once.
    let last = next(&calls(5), &[]).expect("one is owed");
    assert_eq!(last.from, at(2, "09:00"));
}

#[test]
fn an_absence_puts_the_next_attempt_off() {
    let away = (at(3, "12:00"), at(10, "13:00"));
    let next = next(&[call(2, "10:00")], &[away]).expect("more is owed");
    // 11 h were counted before; 11 h 24 min are left from Tuesday 13:00.
    assert_eq!((next.number, next.due), (2, at(11, "16:24")));
}

#[test]
fn over_a_channel_that_is_closed_nothing_is_owed() {
    let any_time = calendar("24/7");
    let mails: Vec<Attempt> = (2..8).map(|day| mail(day, "10:00")).collect();
    for (open, left) in [
        (&[Channel::Phone, Channel::Email][..], 1),
        // Without a number six mails are all that can be asked.
        (&[Channel::Email], 0),
        (&[], 0),
    ] {
        assert_eq!(OWED.over(open).debt(&mails, &any_time).left, left, "{open:?}");
    }
    // Who called in vain before the number turned out wrong has paid for that.
    assert_eq!(OWED.over(&[Channel::Email]).debt(&[call(2, "10:00")], &any_time).left, 5);
}

#[test]
fn no_more_is_owed_than_can_count_over_the_channels_that_are_open() {
    let both = [Channel::Phone, Channel::Email];
    for (days, open, count, channels) in [
        (3, &both[..], 6, 2),
        (2, &both[..], 4, 2),
        (10, &both[1..], 6, 1),
        (3, &both[1..], 3, 1),
        (3, &[], 6, 1),
    ] {
        let owed = OWED.within(days, open);
        assert_eq!((owed.count, owed.channels), (count, channels), "{days} {open:?}");
    }
}

#[test]
fn the_last_attempt_goes_over_a_channel_that_is_open() {
    let office = calendar("Mo-Fr 09:00-17:00");
    let calls: Vec<Attempt> = (2..7).map(|day| call(day, "10:00")).collect();
    let next = |attempts: &[Attempt], open: &[Channel]| {
        next_attempt_due(&terms(), at(2, "09:00"), &[], attempts, &office, open).expect("it can be counted")
    };
    let both = next(&calls, Channel::ALL).expect("one is owed");
    assert_eq!((both.number, both.channel), (6, Some(Channel::Email)));
    // The address does not exist: the sixth call is the last.
    let phone = next(&calls, &[Channel::Phone]).expect("one is owed");
    assert_eq!((phone.number, phone.channel), (6, None));
    let mut six = calls;
    six.push(call(9, "10:00"));
    assert_eq!(next(&six, &[Channel::Phone]), None);
    assert!(next(&six, Channel::ALL).is_some());
}
