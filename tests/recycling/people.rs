//! One person: under one address or several, and after they asked to be forgotten.

use nurtured::domain::contact::SuppressionReason;
use nurtured::domain::happening::Happening;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::{Origin, Owners, RawLead, normalise};
use nurtured::domain::lead::{Lead, Profile, Stage};
use nurtured::engine::happen::{HappenError, Said};
use nurtured::engine::recycle::Recycling;

use crate::{DOUBLE, JANE, World, address, lead, text};

impl World {
    pub(super) async fn lead(&self, email: &str) -> Lead {
        let mut tx = self.read().await;
        tx.lead_by_email(&address(email)).await.expect("an answer").expect("a lead")
    }

    pub(super) async fn tries(&self, email: &str, what: &Recycling) -> Result<Lead, HappenError> {
        self.engine.recycling(&address(email), what, &Said::default(), self.clock.now()).await
    }

    async fn export_says(&self, raw: RawLead) {
        let now = self.clock.now();
        let raw = RawLead { origin: Origin::HubSpot, ..raw };
        let (record, _) = normalise(raw, &Owners::default(), now).expect("a lead");
        self.engine.take_in(&[record], Authority::Crm, now).await.expect("the store answers");
    }

    /// Jane, and a double of hers that was merged into her.
    pub(super) async fn with_a_double(campaign: &str) -> World {
        let world = World::new().await;
        world.comes_in(lead(JANE, campaign)).await;
        world.comes_in(lead(DOUBLE, campaign)).await;
        world.until("2026-03-03T10:00:00+01:00").await;
        world.merges(DOUBLE, JANE).await;
        world
    }
}

#[tokio::test]
async fn whoever_was_erased_comes_back_by_no_other_door() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "demo-request")).await;
    world.comes_in(lead("john@acme.example", "demo-request")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    world.engine.erase(&address(JANE), "a test", world.clock.now()).await.expect("erased");
    world.says("john@acme.example", Happening::Rejected { reason: "wrong-person".to_owned() }, None).await;
    let replaced = Recycling::Replace { new: address(JANE), known: Box::<Profile>::default() };
    let corrected = Recycling::Correct { values: vec![("email".to_owned(), JANE.to_owned())] };
    for what in [replaced, corrected] {
        let refused = world.tries("john@acme.example", &what).await.expect_err("she was erased");
        assert!(refused.to_string().contains("had their data erased"), "{refused}");
        assert!(!refused.to_string().contains("jane"), "{refused}");
    }
    let mut tx = world.read().await;
    assert!(tx.lead_by_email(&address(JANE)).await.expect("an answer").is_none());
    drop(tx);
    // Nothing was changed: the one who is still to be replaced waits.
    assert_eq!(world.lead("john@acme.example").await.stage, Stage::Rejected);
}

#[tokio::test]
async fn whoever_came_back_can_be_erased_anew() {
    let world = World::new().await;
    let jane = address(JANE);
    for _ in 0..3 {
        world.comes_in(lead(JANE, "default")).await;
        let now = world.clock.now();
        world.engine.suppress(&jane, SuppressionReason::DoNotCall, "a test", now).await.expect("kept");
        assert!(world.engine.erase(&jane, "a test", now).await.expect("erased"));
        let refusals = world.engine.refusals(&jane).await.expect("an answer");
        assert_eq!(refusals, [(SuppressionReason::Erased, None)]);
        // What she had said before may have been said anew before she asks to be known again.
        assert!(world.engine.welcome_back(&jane, now).await.expect("an answer"));
        let refusals = world.engine.refusals(&jane).await.expect("an answer");
        assert_eq!(
            refusals.iter().map(|(reason, _)| *reason).collect::<Vec<_>>(),
            [SuppressionReason::DoNotCall]
        );
    }
}

#[tokio::test]
async fn a_crm_s_word_about_a_double_is_not_its_word_about_the_person() {
    let world = World::with_a_double("demo-request").await;
    world.until("2026-03-03T11:00:00+01:00").await;
    let before = world.lead(JANE).await;
    assert_eq!(before.stage, Stage::HandedOff);
    let owed = world.read().await.running_clocks(before.id).await.expect("clocks").len();
    assert!(owed > 0);
    let closed = RawLead {
        status: text("UNQUALIFIED"),
        owner: text("rep3@ours.example"),
        last_activity_at: text("2026-03-03T09:59:00Z"),
        score: text("1"),
        company: text("Acme"),
        country: text("FR"),
        do_not_call: text("yes"),
        fields: vec![("hs_object_id".to_owned(), "7".to_owned())],
        ..lead(DOUBLE, "demo-request")
    };
    world.export_says(closed).await;
    let after = world.lead(JANE).await;
    assert_eq!(
        (after.stage, &after.owner, after.base_score),
        (before.stage, &before.owner, before.base_score)
    );
    assert_eq!(
        (&after.profile.company, &after.profile.country),
        (&text("Acme"), &text("DE")),
        "gaps are filled"
    );
    assert!(!after.profile.fields.keys().any(|field| field.starts_with("crm_")), "{after:?}");
    let mut tx = world.read().await;
    assert_eq!(tx.running_clocks(after.id).await.expect("clocks").len(), owed, "all of it is owed still");
    let refused = tx.suppressions(&after.email).await.expect("an answer");
    assert_eq!(refused.iter().map(|row| row.reason).collect::<Vec<_>>(), [SuppressionReason::DoNotCall]);
}

#[tokio::test]
async fn a_refusal_said_of_any_address_is_the_person_s() {
    let world = World::with_a_double("default").await;
    let jane = world.lead(JANE).await;
    let now = world.clock.now();
    let running = async || {
        let mut tx = world.read().await;
        tx.active_enrolment(jane.id).await.expect("an answer").is_some()
    };
    assert!(running().await);
    let refuse =
        async |reason| world.engine.suppress(&address(DOUBLE), reason, "a test", now).await.expect("kept");
    let reasons = async |email: &str| -> Vec<SuppressionReason> {
        let refusals = world.engine.refusals(&address(email)).await.expect("an answer");
        refusals.into_iter().map(|(reason, _)| reason).collect()
    };
    // That an address does not exist is the address's own.
    assert!(refuse(SuppressionReason::HardBounce).await);
    assert_eq!(reasons(JANE).await, []);
    assert!(running().await);
    assert!(refuse(SuppressionReason::Unsubscribed).await);
    assert!(!refuse(SuppressionReason::Unsubscribed).await, "it is known");
    assert_eq!(reasons(JANE).await, [SuppressionReason::Unsubscribed]);
    assert!(!running().await, "no mail is planned for her any more");
    // It is lifted as it was said.
    assert!(
        world
            .engine
            .lift(&address(DOUBLE), SuppressionReason::Unsubscribed, "a test", now)
            .await
            .expect("lifted")
    );
    assert_eq!(reasons(JANE).await, []);
    assert_eq!(reasons(DOUBLE).await, [SuppressionReason::HardBounce]);
}

#[tokio::test]
async fn a_double_that_wants_no_calls_leaves_the_other_its_mail() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "default")).await;
    world.comes_in(lead(DOUBLE, "default")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    let now = world.clock.now();
    let no_calls = SuppressionReason::DoNotCall;
    world.engine.suppress(&address(DOUBLE), no_calls, "a test", now).await.expect("kept");
    let jane = world.merges(DOUBLE, JANE).await;
    let mut tx = world.read().await;
    assert!(tx.active_enrolment(jane.id).await.expect("an answer").is_some());
    let refused = tx.suppressions(&jane.email).await.expect("an answer");
    assert_eq!(refused.iter().map(|row| row.reason).collect::<Vec<_>>(), [no_calls]);
}
