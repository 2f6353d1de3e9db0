//! What is left of a lead in sales: promises that cannot be counted, edits of the agreement, all that is known.

use nurtured::domain::contact::Channel;
use nurtured::domain::happening::Happening;
use nurtured::domain::happening::Outcome as CallOutcome;
use nurtured::domain::intake::Owners;
use nurtured::domain::intake::RawLead;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::normalise;
use nurtured::domain::lead::Stage;
use nurtured::domain::sla::PromiseKind;
use nurtured::engine::happen::Said;
use nurtured::store::NewSlaClock;
use nurtured::store::RoutingDuty;

use crate::world::{FULL, JANE, NOBODY_STANDS_IN, World, address, berlin, edited};

#[tokio::test]
async fn a_promise_that_cannot_be_counted_holds_up_no_other() {
    let world = World::new().await;
    world.until(berlin(2, 10, 0)).await;
    world.comes_in(JANE, "demo-request").await;
    world.wakes_at(berlin(2, 10, 0)).await;
    world.sent();
    let store = world.engine.store();
    let mut tx = store.begin().await.expect("a transaction");
    let jane = tx.lead_by_email(&address(JANE)).await.expect("the store answers").expect("a lead");
    let hand_off = tx.open_hand_off(jane.id).await.expect("the store answers").expect("a hand-off");
    // As a program might have written it that is none of ours.
    let foreign = NewSlaClock {
        hand_off: hand_off.id,
        lead: jane.id,
        kind: PromiseKind::Dispute,
        terms: "{}".to_owned(),
        started_at: berlin(2, 10, 0),
        deadline_at: berlin(2, 10, 30),
        next_at: Some(berlin(2, 10, 30)),
    };
    tx.insert_sla_clock(&foreign).await.expect("inserted");
    tx.commit().await.expect("committed");
    world.until(berlin(2, 11, 0)).await;
    // The operator hears of it, and the rep and the manager of the promise that runs out.
    assert_eq!(
        world.sent(),
        ["operator@ours.example", "rep1@ours.example", "manager@ours.example", "rep1@ours.example"]
    );
    assert_eq!(world.events(JANE, "parked").await.len(), 1);
}

#[tokio::test]
async fn a_lead_that_waits_for_room_is_looked_at_every_day_whatever_happens() {
    let files = edited(&[FULL, NOBODY_STANDS_IN]);
    let world = World::under(files).await;
    world.until(berlin(2, 10, 0)).await;
    for email in ["a@one.example", "b@two.example", JANE] {
        world.comes_in(email, "demo-request").await;
    }
    world.wakes_at(berlin(2, 10, 0)).await;
    let jane = world.lead(JANE).await;
    assert_eq!((jane.stage, jane.due_at), (Stage::Qualified, None));
    let mut tx = world.engine.store().read().await.expect("the store answers");
    let look = tx.next_routing_due(RoutingDuty::Waiting).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    assert_eq!(look, Some(berlin(3, 9, 0).as_millisecond()), "in the morning managers hear of it again");
    // What it waits for is said once.
    world.until(berlin(4, 11, 0)).await;
    assert_eq!(world.events(JANE, "waiting").await.len(), 1);
}

#[tokio::test]
async fn a_rep_s_deadline_survives_an_edit_of_the_agreement() {
    let world = World::new().await;
    world.until(berlin(2, 10, 0)).await;
    world.comes_in(JANE, "demo-request").await;
    world.wakes_at(berlin(2, 10, 0)).await;
    world.sent();
    // The promise was made with levels at 45 and 60 minutes; who comes now is promised a day.
    world
        .edit("agreement.toml", "first_contact = \"1 business hour\"", "first_contact = \"8 business hours\"")
        .await;
    world.until(berlin(2, 11, 0)).await;
    assert_eq!(world.sent(), ["rep1@ours.example", "manager@ours.example", "rep1@ours.example"]);
    let called = Happening::Attempt { channel: Channel::Phone, outcome: CallOutcome::NoAnswer };
    let now = world.clock.now();
    world.engine.happened(&address(JANE), &called, &Said::default(), now).await.expect("it can be so");
    world.until(berlin(6, 11, 0)).await;
    // What is left are the other attempts that are owed, in the rep's list of the morning.
    assert!(world.sent().iter().all(|to| to == "rep1@ours.example"));
    let levels = world.events(JANE, "level").await;
    assert!(levels.iter().all(|level| level.occurred_at <= berlin(2, 11, 0)), "{levels:?}");
}

#[tokio::test]
async fn a_rep_is_told_everything_that_is_known_and_how_long_there_is() {
    let world = World::new().await;
    world.until(berlin(3, 10, 0)).await;
    let now = world.clock.now();
    let text = |text: &str| Some(text.to_owned());
    let raw = RawLead {
        email: text(JANE),
        first_name: text("Jane"),
        last_name: text("Doe"),
        company: text("Acme"),
        title: text("Head of Sales"),
        phone: text("+49 30 901820"),
        country: text("DE"),
        campaign: text("demo-request"),
        source: text("google"),
        medium: text("cpc"),
        ad: text("Close the month in a day"),
        landing_page: text("https://ours.example/demo"),
        answers: vec![("How many users?".to_owned(), "About 40".to_owned())],
        ..RawLead::default()
    };
    let (record, _) = normalise(raw, &Owners::default(), now).expect("a lead");
    world.engine.take_in(&[record], Authority::Form, now).await.expect("the store answers");
    world.wakes_at(now).await;
    let parcels = world.mails.take();
    let mail = parcels.iter().find(|parcel| parcel.to == address("rep1@ours.example")).expect("a hand-off");
    let mail = mail_parser::MessageParser::default().parse(&mail.bytes).expect("a mail");
    assert_eq!(mail.subject(), Some("Call by Tue 11:00: Jane Doe, Acme"));
    let body = mail.body_text(0).expect("a text part").into_owned();
    for known in [
        "+4930901820",
        "Head of Sales",
        JANE,
        "google",
        "Close the month in a day",
        "https://ours.example/demo",
        "How many users?",
        "About 40",
        "Asked for a demo",
        "Tue 3 Mar 11:00",
        "1 business hour",
    ] {
        assert!(body.contains(known), "{known}\n{body}");
    }
}
