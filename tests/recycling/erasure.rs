//! Whoever is forgotten is forgotten under every address, in whatever waits, and in what strangers wrote.

use nurtured::domain::contact::SuppressionReason;
use nurtured::domain::happening::Happening;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::{Owners, normalise};
use nurtured::domain::lead::{Lead, Profile};
use nurtured::domain::mail::{Audience, MailClass, MailState};
use nurtured::engine::happen::Said;
use nurtured::engine::ingest::Ingested;
use nurtured::engine::recycle::Recycling;
use nurtured::engine::take_in::TakenIn;
use nurtured::engine::why;
use nurtured::store::NewMail;

use crate::{DOUBLE, JANE, World, address, lead, text};

const NEW: &str = "jane@new.example";

/// "call jane@acme.example", as a mail program of today writes it.
const ABOUT_JANE: &str = "From: Joe <joe@other.example>\r\nMessage-ID: <1@other.example>\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nY2FsbCBqYW5lQGFjbWUuZXhhbXBsZQ==\r\n";

/// "call mary-jane@acme.example".
const ABOUT_MARY: &str = "From: Joe <joe@other.example>\r\nMessage-ID: <2@other.example>\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nY2FsbCBtYXJ5LWphbmVAYWNtZS5leGFtcGxl\r\n";

impl World {
    async fn corrects(&self, email: &str, field: &str, value: &str) -> Lead {
        let what = Recycling::Correct { values: vec![(field.to_owned(), value.to_owned())] };
        self.tries(email, &what).await.expect("it can be corrected")
    }

    async fn erases(&self, email: &str) -> bool {
        self.engine.erase(&address(email), "a test", self.clock.now()).await.expect("erased")
    }

    async fn is_kept(&self, raw: &str) {
        let ingested = self.engine.ingest(raw.as_bytes(), &[], self.clock.now()).await.expect("taken in");
        assert!(matches!(ingested, Ingested::Kept(_)), "{ingested:?}");
    }

    async fn kept_mails(&self) -> usize {
        self.read().await.kept_mails(0, 100).await.expect("mails").len()
    }

    async fn takes_in(&self, email: &str) -> TakenIn {
        let now = self.clock.now();
        let (record, _) = normalise(lead(email, "default"), &Owners::default(), now).expect("a lead");
        self.engine.take_in(&[record], Authority::Form, now).await.expect("an answer")[0]
    }
}

#[tokio::test]
async fn an_address_that_somebody_had_is_forgotten_with_them() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "default")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    let now = world.clock.now();
    world.engine.suppress(&address(JANE), SuppressionReason::DoNotCall, "a test", now).await.expect("kept");
    world.corrects(JANE, "email", NEW).await;
    world.is_kept(ABOUT_JANE).await;
    world.is_kept(ABOUT_MARY).await;
    assert!(world.erases(NEW).await);
    assert_eq!(world.kept_mails().await, 1, "Mary is somebody else");
    for email in [JANE, NEW] {
        assert_eq!(world.takes_in(email).await, TakenIn::Erased, "{email}");
        let refusals = world.engine.refusals(&address(email)).await.expect("an answer");
        assert_eq!(refusals, [(SuppressionReason::Erased, None)], "{email}");
    }
}

#[tokio::test]
async fn an_address_that_is_somebody_else_s_by_now_is_theirs() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "default")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    world.corrects(JANE, "email", NEW).await;
    assert_eq!(world.takes_in(JANE).await, TakenIn::New);
    assert!(world.erases(NEW).await);
    assert_eq!(world.lead(JANE).await.email, address(JANE));
    assert_eq!(world.takes_in(JANE).await, TakenIn::Unchanged);
}

#[tokio::test]
async fn what_is_written_of_whoever_was_erased_can_be_erased_too() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "default")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    assert!(world.erases(JANE).await);
    world.is_kept(ABOUT_JANE).await;
    assert!(!world.erases(JANE).await, "she was before");
    assert_eq!(world.kept_mails().await, 0);
}

#[tokio::test]
async fn the_log_of_one_lead_names_no_other() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "demo-request")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    world.says(JANE, Happening::Rejected { reason: "wrong-person".to_owned() }, None).await;
    let replaced = Recycling::Replace { new: address("john@acme.example"), known: Box::<Profile>::default() };
    world.tries(JANE, &replaced).await.expect("he is the right one");
    let jane = world.lead(JANE).await;
    let notes = async || {
        let mut tx = world.read().await;
        let notes = why::notes(&mut tx, jane.id).await.expect("notes");
        let texts = tx.event_texts(jane.id).await.expect("texts");
        (notes.into_values().collect::<Vec<_>>(), texts.len())
    };
    assert_eq!(notes().await, (vec!["john@acme.example".to_owned()], 0), "whoever reads it knows who he is");
    assert!(world.erases("john@acme.example").await);
    let (notes, _) = notes().await;
    assert!(notes[0].ends_with("@erased.invalid"), "{notes:?}");
}

#[tokio::test]
async fn a_list_that_waits_names_nobody_who_was_erased() {
    let world = World::new().await;
    let known = nurtured::domain::intake::RawLead {
        first_name: text("Jane"),
        last_name: text("Doe"),
        ..lead(JANE, "default")
    };
    world.comes_in(known).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    world.mails.take();
    let later = world.clock.now() + jiff::SignedDuration::from_hours(1);
    let list = |state, key: &str, words: &str| NewMail {
        audience: Audience::Staff,
        class: MailClass::Digest,
        state,
        due_at: later,
        lead: None,
        recipient: address("manager@ours.example"),
        unique_key: key.to_owned(),
        requested: false,
        playbook: String::new(),
        enrolment: None,
        sequence: None,
        step: None,
        level: None,
        subject: text("3 leads"),
        message: Some(format!("Subject: 3 leads\r\n\r\n{words}\r\n").into_bytes()),
        planned_at: world.clock.now(),
    };
    let lists = [
        list(MailState::Pending, "by name", "Joe and Jane\r\nDoe"),
        list(MailState::Parked, "by address", "Joe and <jane@acme.example>"),
        list(MailState::Pending, "others", "Joe and mary-jane@acme.example"),
    ];
    let mut tx = world.engine.store().begin().await.expect("a transaction");
    let mut ids = Vec::new();
    for list in &lists {
        ids.push(tx.insert_mail(list).await.expect("planned").expect("a mail"));
    }
    tx.commit().await.expect("committed");
    assert!(world.erases(JANE).await);
    let mut tx = world.read().await;
    for (id, list) in ids.iter().zip(&lists) {
        let bytes = tx.mail_message(*id).await.expect("an answer").expect("its bytes");
        let bytes = String::from_utf8(bytes).expect("text");
        let row = tx.outbox_mail(*id).await.expect("an answer").expect("a row");
        assert_eq!(row.state, list.state, "it is told all the same");
        let is_hers = list.unique_key != "others";
        assert_eq!(bytes.contains("Joe"), !is_hers, "{bytes}");
        assert_eq!(row.subject == list.subject, !is_hers, "{row:?}");
    }
    drop(tx);
    world.until("2026-03-03T12:00:00+01:00").await;
    let (subject, body) = {
        let parcels = world.mails.take();
        let mut told = parcels.iter().filter(|parcel| parcel.to == address("manager@ours.example"));
        let parcel = told.next().expect("a mail");
        let mail = mail_parser::MessageParser::default().parse(&parcel.bytes).expect("a mail").into_owned();
        (mail.subject().unwrap_or_default().to_owned(), mail.body_text(0).expect("a text").into_owned())
    };
    assert_eq!(subject, "Several leads need a look, and one was erased");
    assert!(body.contains("says nothing of any of them"), "{body}");
}

#[tokio::test]
async fn a_person_is_told_what_is_kept_under_each_of_their_addresses() {
    let world = World::with_a_double("demo-request").await;
    world.says(JANE, Happening::Rejected { reason: "bad-data".to_owned() }, Some("That is a fax")).await;
    let said = Said { words: text("They have a telephone"), ..Said::default() };
    let now = world.clock.now();
    world.engine.recycling(&address(JANE), &Recycling::Dispute, &said, now).await.expect("disputed");
    world.is_kept(ABOUT_JANE).await;
    world.is_kept(ABOUT_MARY).await;
    world.corrects(JANE, "email", NEW).await;
    let export = world.engine.export(&address(DOUBLE)).await.expect("an export");
    assert_eq!(export["lead"]["email"], NEW);
    assert_eq!(export["former_addresses"], serde_json::json!([JANE]));
    assert_eq!(export["doubles"].as_array().map(Vec::len), Some(1));
    assert_eq!(export["doubles"][0]["lead"]["email"], DOUBLE);
    let events = export["doubles"][0]["events"].as_array().expect("events");
    assert!(events.iter().any(|event| event["kind"] == "merged_into" && event["note"] == JANE), "{export}");
    let given_back = &export["given_back"][0];
    assert_eq!((&given_back["reason"], &given_back["stage"]), (&"bad-data".into(), &"rejected".into()));
    assert_eq!(given_back["dispute"]["verdict"], "moot", "it was mended: {given_back}");
    assert_eq!(export["work_items"][0]["reason"], "bad-data");
    let kept = export["kept_mails"].as_array().expect("mails");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0]["mail"].as_str().is_some_and(|mail| mail.contains("joe@other.example")), "{kept:?}");
}
