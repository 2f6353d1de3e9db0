//! Campaigns that are new to the team, and what a hand-off says of its like.

use nurtured::domain::happening::Happening;
use nurtured::domain::lead::Stage;
use nurtured::domain::mail::MailState;
use nurtured::engine::happen::Said;
use nurtured::engine::resolve::Verdict;
use nurtured::mail::transport::Outcome;
use nurtured::mail::transport::Parcel;
use nurtured::mail::transport::Reply;
use nurtured::mail::transport::Scope;
use nurtured::playbook::PlaybookFiles;
use nurtured::store::LeadFilter;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;

use crate::world::{FULL, JANE, NOBODY_STANDS_IN, World, address, berlin, edited, engine, step};

/// A mail's text, without what it is encoded in.
fn text_of(parcel: &Parcel) -> String {
    let text = String::from_utf8_lossy(&parcel.bytes).into_owned();
    text.replace("=\r\n", "").replace("\r\n", " ")
}

/// The mails about campaigns that went to a rep.
fn news_to(parcels: &[Parcel], rep: &str) -> Vec<String> {
    let told = parcels.iter().filter(|parcel| parcel.to == address(rep)).map(text_of);
    told.filter(|text| text.contains("this is what its leads read")).collect()
}

#[tokio::test]
async fn a_changed_campaign_is_told_to_its_team_two_business_days_before_its_leads_read_it() {
    let world = World::new().await;
    world.wakes_at(berlin(5, 9, 0)).await;
    assert!(world.mails.take().is_empty(), "the first playbook is known");

    // On Thursday morning a mail of the webinar is rewritten; others are as they were.
    let mail = "sequences/event-follow-up/01-thank-you.md";
    let old = PlaybookFiles::builtin().get(mail).expect("the mail").to_owned();
    let subject = old.lines().find(|line| line.starts_with("subject")).expect("a subject").to_owned();
    world.edit(mail, &subject, "subject = \"Thank you, and what comes next\"").await;
    world.wakes_at(berlin(5, 9, 0)).await;
    let parcels = world.mails.take();
    for rep in ["rep1@ours.example", "rep2@ours.example"] {
        let told = news_to(&parcels, rep);
        assert_eq!(told.len(), 1, "{rep}");
        for words in
            ["webinar has changed", "and what comes next", "Mon 9 Mar 09:00", "the recording and the slides"]
        {
            assert!(told[0].contains(words), "{words} is not in\n{}", told[0]);
        }
        assert!(!told[0].contains("demo-request"), "{}", told[0]);
    }
    assert_eq!(parcels.len(), 2, "and nobody else hears of it");

    // Who comes in now is enrolled, and written to on Monday; who asked for a call is answered at once.
    world.comes_in(JANE, "webinar").await;
    world.comes_in("max@muster.example", "demo-request").await;
    world.comes_in("other@firm.example", "default").await;
    world.until(berlin(9, 8, 59)).await;
    assert_eq!(world.steps(JANE).await, []);
    assert_eq!(world.events(JANE, "enrolled").await[0].facts["not_before"], "2026-03-09T08:00:00Z");
    assert_eq!(world.steps("max@muster.example").await.len(), 1);
    assert!(!world.steps("other@firm.example").await.is_empty(), "its campaign is as it was");
    world.until(berlin(9, 9, 1)).await;
    assert_eq!(world.steps(JANE).await, [step("thank-you", MailState::Sent)]);

    // Another daemon on the same store knows that it was told.
    world.mails.take();
    let restarted = engine(world.engine.store().clone(), &world.clock, &world.mails).await;
    restarted.wake(world.clock.now()).await;
    assert_eq!(news_to(&world.mails.take(), "rep1@ours.example"), [] as [String; 0]);
}

#[tokio::test]
async fn a_new_campaign_of_some_reps_is_told_to_them_alone() {
    let world = World::new().await;
    world.wakes_at(berlin(2, 9, 0)).await;
    let campaign = "[campaigns.summer]\nmatch = 'lead.source == \"summer\"'\nqualify = 'lead.score >= 50'\n\
                    team = \"sales\"\npolicy = \"standard\"\nbrief = \"Read about our summer offer.\"\n\
                    reps = [\"rep2@ours.example\"]\nannounce_days = 0\n\n[campaigns.default]";
    world.edit("agreement.toml", "[campaigns.default]", campaign).await;
    world.wakes_at(berlin(2, 9, 0)).await;
    let parcels = world.mails.take();
    assert_eq!(news_to(&parcels, "rep1@ours.example"), [] as [String; 0]);
    let told = news_to(&parcels, "rep2@ours.example");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("Campaign summer is new") && told[0].contains("summer offer"), "{}", told[0]);
    assert!(!told[0].contains("No mail of it leaves before"), "nobody waits for it: {}", told[0]);
}

#[tokio::test]
async fn nobody_is_taken_in_while_the_team_cannot_be_told() {
    let world = World::new().await;
    world.wakes_at(berlin(2, 9, 0)).await;
    world.mails.take();
    let database = world.folder.path().join("world.db");
    let options = SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a connection");
    connection.execute("ALTER TABLE campaign_known RENAME TO lost").await.expect("renamed");
    world.edit("agreement.toml", "[campaigns.default]", "[campaigns.default]\nbrief = \"New.\"").await;
    world.comes_in(JANE, "default").await;
    let failed = world.engine.wake_until_done(berlin(2, 9, 0)).await;
    assert_eq!(failed.failures().map(|(pass, _)| pass).collect::<Vec<_>>(), ["announce"]);
    assert_eq!(world.lead(JANE).await.stage, Stage::New);
    connection.execute("ALTER TABLE lost RENAME TO campaign_known").await.expect("renamed");
    world.wakes_at(berlin(2, 9, 1)).await;
    assert_eq!(news_to(&world.mails.take(), "rep1@ours.example").len(), 1, "now the team knows");
    assert_eq!(world.lead(JANE).await.stage, Stage::Nurturing);
    world.until(berlin(3, 16, 0)).await;
    assert_eq!(world.steps(JANE).await, [], "and she is written to when it has had two days");
}

#[tokio::test]
async fn a_campaign_that_reached_nobody_of_its_team_waits_and_the_operator_is_told() {
    let world = World::new().await;
    world.wakes_at(berlin(5, 9, 0)).await;
    // Neither rep has the mail about it: one address is unknown, and so is the other.
    for _ in 0..2 {
        let reply = Reply::new("550 5.1.1 unknown");
        world.mails.answer(Outcome::Refused { reply, scope: Scope::Address });
    }
    world.edit("agreement.toml", "[campaigns.default]", "[campaigns.default]\nbrief = \"New.\"").await;
    world.wakes_at(berlin(5, 9, 0)).await;
    world.comes_in(JANE, "default").await;
    let told: Vec<String> = world.mails.take().iter().map(text_of).collect();
    assert!(told.iter().any(|text| text.contains("reached none of its reps")), "{told:#?}");
    world.until(berlin(12, 9, 30)).await;
    assert_eq!(world.steps(JANE).await, [], "nobody knows what she would read");
    assert_eq!(
        world.sent().iter().filter(|to| *to == "operator@ours.example").count(),
        0,
        "it was told once"
    );

    // The next Thursday one of them gets it after all, and two business days begin.
    let mut tx = world.engine.store().read().await.expect("the store answers");
    let parked = tx.mails_in(MailState::Parked, 10).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    assert_eq!(parked.len(), 2);
    world.engine.resolve(parked[0].id, Verdict::SendAgain, world.clock.now()).await.expect("it can be so");
    world.until(berlin(16, 9, 29)).await;
    assert_eq!(news_to(&world.mails.take(), "rep1@ours.example").len(), 1);
    assert_eq!(world.steps(JANE).await, []);
    world.until(berlin(16, 9, 31)).await;
    assert_eq!(world.steps(JANE).await, [step("hello", MailState::Sent)]);
}

#[tokio::test]
async fn a_campaign_that_nobody_saw_is_told_again_with_the_next_agreement() {
    let world = World::new().await;
    world.wakes_at(berlin(5, 9, 0)).await;
    for _ in 0..2 {
        let reply = Reply::new("550 5.1.1 unknown");
        world.mails.answer(Outcome::Refused { reply, scope: Scope::Address });
    }
    let brief = ("agreement.toml", "[campaigns.default]", "[campaigns.default]\nbrief = \"New.\"");
    world.put_in_force(&edited(&[brief])).await;
    world.wakes_at(berlin(5, 9, 0)).await;
    world.comes_in(JANE, "default").await;
    world.wakes_at(berlin(5, 9, 30)).await;
    world.mails.take();
    world
        .put_in_force(&edited(&[brief, ("agreement.toml", "rep1@ours.example", "robin@ours.example")]))
        .await;
    world.wakes_at(berlin(5, 10, 0)).await;
    let parcels = world.mails.take();
    for rep in ["robin@ours.example", "rep2@ours.example"] {
        assert_eq!(news_to(&parcels, rep).len(), 1, "{rep}");
    }
    world.until(berlin(9, 9, 59)).await;
    assert_eq!(world.steps(JANE).await, []);
    world.until(berlin(9, 10, 1)).await;
    assert_eq!(world.steps(JANE).await, [step("hello", MailState::Sent)]);
}

#[tokio::test]
async fn the_hand_off_says_what_became_of_its_like_when_enough_are_known() {
    let world = World::new().await;
    for number in 0..12_i8 {
        let email = format!("lead{number}@firm{number}.example");
        world.until(berlin(2 + number / 5, 10 + number % 5, 0)).await;
        world.mails.take();
        world.comes_in(&email, "demo-request").await;
        let now = world.clock.now();
        world.wakes_at(now).await;
        let lead = world.lead(&email).await;
        assert_eq!(lead.stage, Stage::HandedOff, "{email}");
        let texts: Vec<String> = world.mails.take().iter().map(text_of).collect();
        let text = texts.iter().find(|text| text.contains("Why now")).expect("the hand-off");
        // Ten before it: as many as it takes.
        assert_eq!(text.contains("such leads in the last year"), number >= 10, "{number}: {text}");
        if number == 10 {
            assert!(text.contains("Of 10 such leads in the last year"), "{text}");
            assert!(text.contains("2 became opportunities"), "{text}");
        }
        if number < 2 {
            let said = Said { by: lead.owner.clone(), ..Said::default() };
            let deal = Happening::Opportunity;
            world.engine.happened(&lead.email, &deal, &said, now).await.expect("it can be so");
        }
    }
}

#[tokio::test]
async fn a_place_that_is_freed_wakes_one_lead_however_many_wait() {
    let playbook = edited(&[FULL, NOBODY_STANDS_IN]);
    let world = World::under(playbook).await;
    for number in 0..120 {
        world.comes_in(&format!("lead{number}@firm{number}.example"), "demo-request").await;
    }
    world.until(berlin(2, 10, 0)).await;
    let of_stage = async |stage: Stage| {
        let mut tx = world.engine.store().read().await.expect("the store answers");
        let filter = LeadFilter { stage: Some(stage), ..LeadFilter::default() };
        let leads = tx.list_leads(&filter, 1_000).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        leads
    };
    let waiting = of_stage(Stage::Qualified).await;
    assert_eq!(waiting.len(), 118);
    assert!(waiting.iter().all(|lead| lead.due_at.is_none()), "nobody who waits is due");
    let given = of_stage(Stage::HandedOff).await.pop().expect("a lead");
    let said = Said { by: given.owner.clone(), ..Said::default() };
    let rejected = Happening::Rejected { reason: "bad-fit".to_owned() };
    let now = world.clock.now();
    world.engine.happened(&given.email, &rejected, &said, now).await.expect("it can be so");
    let report = world.engine.wake(now).await;
    assert_eq!(of_stage(Stage::Qualified).await.len(), 117);
    assert_eq!(report.did().put_off, 0, "nobody else was looked at: {report:?}");
}
