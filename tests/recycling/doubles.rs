//! What a record leaves behind that turned out to be a double: nothing that would still happen for it.

use nurtured::domain::happening::Happening;
use nurtured::domain::mail::{Audience, MailClass, MailState};
use nurtured::domain::recycle::Verdict;
use nurtured::domain::sla::PromiseKind;
use nurtured::engine::happen::Said;
use nurtured::engine::recycle::Recycling;
use nurtured::store::NewMail;

use crate::{DOUBLE, JANE, World, address, lead, text};

const THIRD: &str = "jd@acme.example";

impl World {
    /// Marketing disputes the rejection of a lead.
    async fn disputes(&self, email: &str) {
        let said = Said { words: text("They have a branch in Berlin"), ..Said::default() };
        let now = self.clock.now();
        let disputed = self.engine.recycling(&address(email), &Recycling::Dispute, &said, now).await;
        disputed.expect("it can be disputed");
    }

    /// The promises about a lead that run.
    async fn owed(&self, email: &str) -> Vec<PromiseKind> {
        let mut tx = self.read().await;
        let lead = tx.lead_by_email(&address(email)).await.expect("an answer").expect("a lead");
        let clocks = tx.running_clocks(lead.id).await.expect("clocks");
        clocks.into_iter().map(|clock| clock.kind).collect()
    }

    async fn verdict(&self, email: &str) -> Option<Verdict> {
        let mut tx = self.read().await;
        let lead = tx.lead_by_email(&address(email)).await.expect("an answer").expect("a lead");
        let last = tx.last_given_back(lead.id).await.expect("an answer").expect("it was given back");
        last.dispute.expect("a dispute").settled.map(|settled| settled.verdict)
    }

    async fn is_rejected(&self, email: &str, reason: &str) {
        self.says(email, Happening::Rejected { reason: reason.to_owned() }, None).await;
    }
}

#[tokio::test]
async fn no_step_comes_twice_however_many_records_become_one() {
    let world = World::new().await;
    world.comes_in(lead(DOUBLE, "default")).await;
    // She has had two mails when she turns out to be known under two more addresses.
    world.until("2026-03-12T20:00:00+01:00").await;
    let first = world.mails.take();
    assert_eq!(first.iter().filter(|parcel| parcel.to == address(DOUBLE)).count(), 2);
    world.comes_in(lead(THIRD, "default")).await;
    world.comes_in(lead(JANE, "default")).await;
    world.until("2026-03-12T20:05:00+01:00").await;
    world.merges(DOUBLE, THIRD).await;
    world.merges(THIRD, JANE).await;
    world.until("2026-04-30T10:00:00+02:00").await;
    let later = world.mails.take();
    let subjects: Vec<String> = first
        .iter()
        .chain(&later)
        .filter(|parcel| [JANE, DOUBLE, THIRD].map(address).contains(&parcel.to))
        .map(|parcel| {
            let mail = mail_parser::MessageParser::default().parse(&parcel.bytes).expect("a mail");
            mail.subject().unwrap_or_default().to_owned()
        })
        .collect();
    let mut once = subjects.clone();
    once.sort();
    once.dedup();
    assert_eq!(subjects.len(), once.len(), "{subjects:?}");
    assert!(later.iter().any(|parcel| parcel.to == address(JANE)), "the rest goes to her");
}

#[tokio::test]
async fn no_mail_waits_for_a_record_that_ended() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "default")).await;
    world.comes_in(lead(DOUBLE, "default")).await;
    world.until("2026-03-03T09:31:00+01:00").await;
    let now = world.clock.now();
    let mut tx = world.engine.store().begin().await.expect("a transaction");
    let double = tx.lead_by_email(&address(DOUBLE)).await.expect("an answer").expect("a lead");
    let mail = |state, requested, key: &str| NewMail {
        audience: Audience::Lead,
        class: MailClass::Nurture,
        state,
        due_at: now,
        lead: Some(double.id),
        recipient: double.email.clone(),
        unique_key: key.to_owned(),
        requested,
        playbook: String::new(),
        enrolment: None,
        sequence: text("demo-request"),
        step: text("confirmation"),
        level: None,
        subject: None,
        message: None,
        planned_at: now,
    };
    let waiting = [mail(MailState::Pending, true, "asked for"), mail(MailState::Parked, false, "parked")];
    tx.insert_mails(&waiting).await.expect("mails");
    tx.commit().await.expect("committed");
    world.merges(DOUBLE, JANE).await;
    let mut tx = world.read().await;
    let states: Vec<_> =
        tx.mails_of(double.id).await.expect("mails").into_iter().map(|mail| mail.state).collect();
    assert_eq!(states, [MailState::Dropped, MailState::Dropped]);
}

#[tokio::test]
async fn nobody_owes_an_answer_about_what_has_ended() {
    let world = World::new().await;
    const FOURTH: &str = "joan@acme.example";
    for email in [JANE, DOUBLE, THIRD, FOURTH] {
        world.comes_in(lead(email, "demo-request")).await;
    }
    world.until("2026-03-03T10:00:00+01:00").await;
    for email in [DOUBLE, THIRD, FOURTH] {
        world.is_rejected(email, "bad-data").await;
        world.disputes(email).await;
        assert_eq!(world.owed(email).await, [PromiseKind::Dispute]);
    }
    world.merges(DOUBLE, JANE).await;
    let now = world.clock.now();
    let given_up = world.engine.recycling(&address(THIRD), &Recycling::GiveUp, &Said::default(), now).await;
    given_up.expect("it can be given up");
    for email in [DOUBLE, THIRD] {
        assert_eq!(world.owed(email).await, [], "{email}");
        assert_eq!(world.verdict(email).await, Some(Verdict::Moot), "{email}");
    }
    let mut tx = world.read().await;
    let fourth = tx.lead_by_email(&address(FOURTH)).await.expect("an answer").expect("a lead").id;
    drop(tx);
    assert!(world.engine.erase(&address(FOURTH), "a test", now).await.expect("erased"));
    let mut tx = world.read().await;
    assert_eq!(tx.running_clocks(fourth).await.expect("clocks"), []);
    let last = tx.last_given_back(fourth).await.expect("an answer").and_then(|last| last.dispute);
    let verdict = last.and_then(|dispute| dispute.settled).map(|settled| settled.verdict);
    assert_eq!(verdict, Some(Verdict::Moot));
    // Marketing's list has nobody who is nobody.
    assert_eq!(tx.work_item(fourth).await.expect("an answer"), None);
}

#[tokio::test]
async fn nobody_is_asked_what_a_double_was_lost_for() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "default")).await;
    world.comes_in(lead(DOUBLE, "demo-request")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    world.says(DOUBLE, Happening::Contacted, None).await;
    world.says(DOUBLE, Happening::Lost { reason: "lost-on-price".to_owned() }, None).await;
    assert_eq!(world.owed(DOUBLE).await, [PromiseKind::Feedback]);
    world.merges(DOUBLE, JANE).await;
    assert_eq!(world.owed(DOUBLE).await, []);
}

#[tokio::test]
async fn whoever_rejects_a_double_again_does_not_reject_the_person() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "demo-request")).await;
    world.comes_in(lead(DOUBLE, "demo-request")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    let jane = world.merges(DOUBLE, JANE).await;
    let now = world.clock.now();
    for happening in [Happening::Rejected { reason: "duplicate".to_owned() }, Happening::WrongPerson] {
        let said = world.engine.happened(&address(DOUBLE), &happening, &Said::default(), now).await;
        let refused = said.expect_err("it has ended").to_string();
        assert!(refused.starts_with(&format!("it was merged into {JANE} before")), "{refused}");
    }
    let mut tx = world.read().await;
    let after = tx.lead_by_email(&address(JANE)).await.expect("an answer").expect("a lead");
    assert_eq!((after.stage, after.owner), (jane.stage, jane.owner));
}
