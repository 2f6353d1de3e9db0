//! The daemon was down for a while.

use jiff::Timestamp;
use nurtured::domain::mail::MailState;
use std::collections::BTreeMap;

use crate::world::{JANE, WELCOME, World, address, berlin, edited, subject};

/// Three steps become due while nobody looks: from the 2nd to the 12th nothing wakes.
async fn after_ten_days(then: &str) -> Vec<(String, Timestamp)> {
    let world = World::new().await;
    world.edit(WELCOME, "then = \"replan\"", &format!("then = \"{then}\"")).await;
    world.comes_in(JANE, "default").await;
    world.until(berlin(2, 12, 0)).await;
    world.wakes_at(berlin(12, 10, 0)).await;
    world.until(berlin(27, 12, 0)).await;
    let mails = world.outbox(JANE).await.into_iter();
    mails
        .filter(|mail| mail.state == MailState::Sent)
        .filter_map(|mail| Some((mail.step?, mail.ended_at?)))
        .collect()
}

#[tokio::test]
async fn a_late_step_is_sent_left_out_or_planned_anew_as_the_sequence_says() {
    let hello = ("hello".to_owned(), berlin(2, 9, 0));
    let mail = |name: &str, at| (name.to_owned(), at);
    assert_eq!(
        after_ten_days("send").await,
        [
            hello.clone(),
            mail("five-questions", berlin(12, 10, 0)),
            mail("what-a-change-costs", berlin(17, 10, 0)),
            mail("start-small", berlin(23, 9, 0)),
        ]
    );
    // The second was due on the 6th: six days are too late. The third would have come on the 11th: one is not.
    assert_eq!(
        after_ten_days("skip").await,
        [
            hello.clone(),
            mail("what-a-change-costs", berlin(12, 10, 0)),
            mail("start-small", berlin(17, 10, 0)),
            mail("shall-we-talk", berlin(23, 10, 0)),
        ]
    );
    assert_eq!(
        after_ten_days("replan").await,
        [hello, mail("five-questions", berlin(16, 10, 0)), mail("what-a-change-costs", berlin(23, 9, 0))]
    );
}

#[tokio::test]
async fn a_mail_that_waited_through_a_standstill_follows_the_same_rule() {
    for (then, state, at) in [
        ("send", MailState::Sent, Some(berlin(12, 10, 0))),
        ("skip", MailState::Skipped, None),
        ("replan", MailState::Sent, Some(berlin(12, 10, 30))),
    ] {
        let world = World::new().await;
        world.edit(WELCOME, "then = \"replan\"", &format!("then = \"{then}\"")).await;
        world.comes_in(JANE, "default").await;
        // Planned, and held until nine; then nobody looks for ten days.
        world.until(berlin(2, 8, 45)).await;
        world.wakes_at(berlin(12, 10, 0)).await;
        world.until(berlin(12, 16, 0)).await;
        let hello = world.outbox(JANE).await.into_iter().next().expect("the mail");
        assert_eq!(hello.state, state, "{then}");
        assert_eq!(hello.ended_at.filter(|_| state == MailState::Sent), at, "{then}");
    }
}

#[tokio::test]
async fn promises_broken_during_a_standstill_are_told_once_each_and_as_found_late() {
    let world = World::new().await;
    world.until(berlin(2, 10, 0)).await;
    world.comes_in(JANE, "demo-request").await;
    world.wakes_at(berlin(2, 10, 0)).await;
    world.sent();
    world.wakes_at(berlin(12, 10, 0)).await;
    // All four levels were reached. Everybody concerned gets one mail, and the rep the calls of the day. The lead
    // stays: nobody could be warned, and no call could be logged.
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let parcels = world.mails.take();
    for parcel in &parcels {
        *counts.entry(parcel.to.to_string()).or_default() += 1;
    }
    // The managers of both sides also get the figures of the week that had its Monday meanwhile.
    let expected = [
        ("director@ours.example", 1),
        ("manager@ours.example", 2),
        ("marketing@ours.example", 1),
        ("rep1@ours.example", 2),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected.map(|(who, mails)| (who.to_owned(), mails)));
    let levels = world.events(JANE, "level").await;
    assert_eq!(levels.len(), 4);
    assert!(levels.iter().all(|level| level.facts["detected_late"] == true), "{levels:?}");
    assert_eq!(world.lead(JANE).await.owner, Some(address("rep1@ours.example")));
}

#[tokio::test]
async fn four_hundred_promises_broken_during_a_standstill_are_one_mail_to_the_manager() {
    let playbook = edited(&[("agreement.toml", "capacity = 30", "capacity = 300")]);
    let world = World::under(playbook).await;
    world.until(berlin(2, 10, 0)).await;
    for number in 0..400 {
        world.comes_in(&format!("lead{number}@firm{number}.example"), "demo-request").await;
    }
    world.wakes_at(berlin(2, 10, 0)).await;
    world.sent();
    // The two reps are back from a day without the daemon; nobody called anybody.
    world.wakes_at(berlin(4, 10, 0)).await;
    let mut to: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for parcel in world.mails.take() {
        to.entry(parcel.to.to_string()).or_default().push(subject(&parcel));
    }
    assert_eq!(to["manager@ours.example"].len(), 1, "{:?}", to["manager@ours.example"]);
    assert!(to["manager@ours.example"][0].starts_with("400 leads overdue"), "{to:?}");
    assert_eq!(to["director@ours.example"].len(), 1);
    for rep in ["rep1@ours.example", "rep2@ours.example"] {
        assert_eq!(to[rep].len(), 1, "the calls of the day are what is overdue: {:?}", to[rep]);
    }
    let told: usize = world.events("lead7@firm7.example", "in_digest").await.len();
    assert_eq!(told, 3, "the manager, the director and its rep");
    // And never again.
    world.wakes_at(berlin(4, 10, 1)).await;
    assert_eq!(world.sent(), Vec::<String>::new());
}

#[tokio::test]
async fn what_would_reach_nobody_goes_to_whoever_the_agreement_names_or_the_operator() {
    for (named, expected) in
        [("", "operator@ours.example"), ("fallback = \"last@ours.example\"\n", "last@ours.example")]
    {
        let director_only = (
            "tell = [\"owner\", \"manager\"]\n\n[[policies.hot.levels]]\nname = \"reassign\"",
            "tell = [\"director\"]\n\n[[policies.hot.levels]]\nname = \"reassign\"",
        );
        let old = edited(&[("agreement.toml", director_only.0, director_only.1)]);
        let world = World::under(old).await;
        world.until(berlin(2, 10, 0)).await;
        world.comes_in(JANE, "demo-request").await;
        world.wakes_at(berlin(2, 10, 0)).await;
        // The director leaves; the promise was made while there was one.
        let storm = format!("{named}storm = 10");
        let new = edited(&[
            ("agreement.toml", "director = \"director@ours.example\"\n", ""),
            ("agreement.toml", "tell = [\"director\"]", "tell = [\"manager\"]"),
            ("agreement.toml", "storm = 10", &storm),
        ]);
        world.put_in_force(&new).await;
        world.until(berlin(2, 11, 0)).await;
        assert!(world.sent().contains(&expected.to_owned()), "{expected} is told");
    }
}
