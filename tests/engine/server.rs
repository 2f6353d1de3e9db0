//! What a mail server says to a mail, and the brake on mail to leads.

use jiff::civil;
use nurtured::domain::intake::Owners;
use nurtured::domain::intake::RawLead;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::normalise;
use nurtured::domain::lead::Stage;
use nurtured::domain::mail::MailState;
use nurtured::mail::transport::Outcome;
use nurtured::mail::transport::Parcel;
use nurtured::mail::transport::Reply;
use nurtured::mail::transport::Scope;
use nurtured::playbook::PlaybookFiles;

use crate::world::{HELLO, JANE, World, address, berlin, edited, step};

fn reply() -> Reply {
    Reply::new("as the server said")
}

#[tokio::test]
async fn a_mail_that_cannot_leave_now_is_tried_again_and_takes_no_place_meanwhile() {
    for scope in [Scope::Message, Scope::Transport] {
        let world = World::new().await;
        world.comes_in(JANE, "default").await;
        world.mails.answer(Outcome::Deferred { reply: reply(), scope });
        world.until(berlin(2, 9, 0)).await;
        assert_eq!(world.sent(), [] as [&str; 0], "{scope:?}");
        let mail = &world.outbox(JANE).await[0];
        assert_eq!((mail.state, mail.due_at), (MailState::Pending, berlin(2, 9, 1)), "{scope:?}");
        // Of a transport that does not work nothing is learnt about the mail.
        assert_eq!(mail.attempts, i64::from(scope == Scope::Message), "{scope:?}");
        assert_eq!(world.slots(JANE).await, 0, "{scope:?}");
        world.until(berlin(2, 9, 1)).await;
        assert_eq!(world.sent(), [JANE], "{scope:?}");
        assert_eq!(world.slots(JANE).await, 1, "{scope:?}");
        // The sequence goes on from the moment at which it left.
        world.until(berlin(6, 9, 0)).await;
        assert_eq!(world.sent(), [] as [&str; 0], "{scope:?}");
        world.until(berlin(6, 9, 1)).await;
        assert_eq!(world.sent(), [JANE], "{scope:?}");
    }
}

#[tokio::test]
async fn a_mail_that_is_put_off_for_days_is_left_to_a_person_in_the_end() {
    let world = World::new().await;
    world.comes_in(JANE, "default").await;
    for _ in 0..40 {
        world.mails.answer(Outcome::Deferred { reply: reply(), scope: Scope::Message });
    }
    world.until(berlin(30, 9, 0)).await;
    let mail = &world.outbox(JANE).await[0];
    assert_eq!((mail.state, mail.attempts), (MailState::Parked, 35));
    let ended = mail.ended_at.expect("it has ended");
    assert!((5..20).contains(&(ended.duration_since(berlin(2, 9, 0)).as_hours() / 24)), "{ended}");
    // The operator hears of it once.
    assert_eq!(world.sent(), ["operator@ours.example"]);
}

#[tokio::test]
async fn a_refused_address_is_never_written_to_again() {
    let world = World::new().await;
    world.comes_in(JANE, "default").await;
    world.mails.answer(Outcome::Refused { reply: Reply::new("550 5.1.1 unknown"), scope: Scope::Address });
    world.until(berlin(30, 12, 0)).await;
    assert_eq!(world.sent(), [] as [&str; 0]);
    assert_eq!(world.steps(JANE).await, [step("hello", MailState::Dropped)]);
    assert_eq!(world.events(JANE, "suppressed").await.len(), 1);
    assert_eq!(world.events(JANE, "bounced").await.len(), 1);
    assert_eq!(world.slots(JANE).await, 0);
}

#[tokio::test]
async fn a_refused_mail_waits_for_a_person_and_others_go() {
    let world = World::new().await;
    world.comes_in(JANE, "default").await;
    world.comes_in("tom@baker.example", "default").await;
    world.mails.answer(Outcome::Refused { reply: Reply::new("552 too large"), scope: Scope::Message });
    world.until(berlin(2, 12, 0)).await;
    assert_eq!(world.sent(), ["tom@baker.example", "operator@ours.example"]);
    assert_eq!(world.steps(JANE).await, [step("hello", MailState::Parked)]);
    assert_eq!(world.slots(JANE).await, 0);
}

#[tokio::test]
async fn a_lead_s_mail_in_doubt_is_not_sent_again_and_the_sequence_goes_on() {
    let world = World::new().await;
    world.comes_in(JANE, "default").await;
    world.mails.answer(Outcome::InDoubt { reply: reply() });
    world.until(berlin(6, 9, 0)).await;
    let steps = world.steps(JANE).await;
    assert_eq!(steps, [step("hello", MailState::InDoubt), step("five-questions", MailState::Sent)]);
    assert_eq!(world.slots(JANE).await, 2);
}

#[tokio::test]
async fn a_rep_s_mail_in_doubt_goes_again_with_the_same_bytes_a_little_later() {
    let world = World::new().await;
    world.mails.answer(Outcome::InDoubt { reply: reply() });
    world.mails.answer(Outcome::InDoubt { reply: reply() });
    let message = |parcels: Vec<Parcel>| {
        parcels
            .into_iter()
            .find(|parcel| parcel.to == address("rep1@ours.example"))
            .map(|parcel| parcel.bytes)
    };
    // At ten both mails are due: the rep's goes first, and meets the first answer.
    world.until(berlin(2, 9, 30)).await;
    world.comes_in(JANE, "demo-request").await;
    world.wakes_at(berlin(2, 9, 30)).await;
    let hand_off = world.outbox(JANE).await.into_iter().find(|mail| mail.step.is_none()).expect("a hand-off");
    assert_eq!((hand_off.state, hand_off.due_at), (MailState::Pending, berlin(2, 9, 31)));
    let stored = {
        let mut tx = world.engine.store().read().await.expect("the store answers");
        let stored = tx.mail_message(hand_off.id).await.expect("the store answers").expect("its bytes");
        tx.rollback().await.expect("the store answers");
        stored
    };
    assert_eq!(message(world.mails.take()), None);
    world.until(berlin(2, 9, 40)).await;
    assert_eq!(message(world.mails.take()), Some(stored));
    // The lead's own mail, the second in doubt, does not.
    assert_eq!(world.steps(JANE).await, [step("confirmation", MailState::InDoubt)]);
}

#[tokio::test]
async fn mail_to_a_rep_who_has_no_such_address_is_told_the_operator() {
    let world = World::new().await;
    world.until(berlin(2, 9, 30)).await;
    world.comes_in(JANE, "demo-request").await;
    world.mails.answer(Outcome::Refused { reply: Reply::new("550 5.1.1 unknown"), scope: Scope::Address });
    world.wakes_at(berlin(2, 9, 30)).await;
    assert_eq!(world.sent(), ["operator@ours.example", JANE]);
    // The address is the rep's: the lead is not suppressed for it.
    assert_eq!(world.events(JANE, "suppressed").await.len(), 0);
    assert_eq!(world.lead(JANE).await.stage, Stage::HandedOff);
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_left_alone_and_costs_no_mail() {
    let world = World::new().await;
    for number in 0..10 {
        world.comes_in(&format!("lead{number}@firm{number}.example"), "default").await;
    }
    // The first mail of the first batch meets it down, and the rest is spared; so does the first a minute later.
    // The next try comes after two.
    for _ in 0..2 {
        world.mails.answer(Outcome::Deferred { reply: reply(), scope: Scope::Transport });
    }
    world.until(berlin(2, 9, 0)).await;
    assert_eq!(world.sent().len(), 0);
    world.until(berlin(2, 9, 1)).await;
    assert_eq!(world.sent().len(), 0);
    world.until(berlin(2, 9, 2)).await;
    assert_eq!(world.sent().len(), 0);
    world.until(berlin(2, 9, 3)).await;
    assert_eq!(world.sent().len(), 10);
    let mut tx = world.engine.store().read().await.expect("the store answers");
    // The brake counts mails that left, not tries.
    let today = nurtured::domain::contact::day_number(civil::date(2026, 3, 2));
    assert_eq!(tx.lead_mails_on(today).await.expect("the store answers"), 10);
    tx.rollback().await.expect("the store answers");
}

#[tokio::test]
async fn a_mail_that_cannot_be_written_for_one_lead_stops_that_lead_s_sequence_only() {
    // Whoever has a company has a name, the writer thought; and nothing is sent with a hole in it.
    let body = "Hello{{#if lead.company}} {{lead.first_name}} of {{lead.company}}{{/if}}!\n";
    let mut files = PlaybookFiles::builtin();
    files.insert(HELLO, format!("+++\nsubject = \"Hello\"\nafter = \"30 minutes\"\n+++\n{body}"));
    let world = World::under(files).await;
    let now = world.clock.now();
    for (email, company) in [(JANE, Some("Acme")), ("tom@baker.example", None)] {
        let company = company.map(str::to_owned);
        let raw = RawLead { email: Some(email.to_owned()), company, ..RawLead::default() };
        let (record, _) = normalise(raw, &Owners::default(), now).expect("a lead");
        world.engine.take_in(&[record], Authority::Form, now).await.expect("the store answers");
    }
    world.until(berlin(10, 12, 0)).await;
    assert_eq!(world.steps(JANE).await, [step("hello", MailState::Parked)]);
    let tom = world.steps("tom@baker.example").await;
    assert_eq!(tom, [step("hello", MailState::Sent), step("five-questions", MailState::Sent)]);
}

#[tokio::test]
async fn the_brake_stops_leads_mail_and_nothing_else_until_it_is_released() {
    let world = World::under(edited(&[("agreement.toml", "daily_brake = 20000", "daily_brake = 3")])).await;
    for number in 0..3 {
        world.comes_in(&format!("lead{number}@firm{number}.example"), "default").await;
    }
    world.until(berlin(2, 9, 5)).await;
    assert_eq!(world.sent().len(), 3);
    world.comes_in("one@late.example", "default").await;
    world.comes_in("two@late.example", "default").await;
    world.until(berlin(2, 9, 40)).await;
    assert_eq!(world.sent(), ["operator@ours.example"]);
    world.comes_in(JANE, "demo-request").await;
    world.wakes_at(berlin(2, 9, 41)).await;
    world.wakes_at(berlin(2, 9, 42)).await;
    assert_eq!(world.sent(), ["rep1@ours.example"]);
    let mut tx = world.engine.store().begin().await.expect("the store answers");
    let today = nurtured::domain::contact::day_number(civil::date(2026, 3, 2));
    assert!(tx.release_brake(today).await.expect("the store answers"));
    tx.commit().await.expect("the store answers");
    world.wakes_at(berlin(2, 9, 43)).await;
    let mut sent = world.sent();
    sent.sort_unstable();
    assert_eq!(sent, [JANE, "one@late.example", "two@late.example"]);
}
