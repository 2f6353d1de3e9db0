//! What becomes of leads that were given back, where a scenario cannot look: into the mails, into the tables, and
//! at two daemons at once.

mod doubles;
mod erasure;
mod people;
#[path = "../support/postgres.rs"]
mod postgres;
mod rules;

use std::sync::Arc;

use jiff::Timestamp;
use nurtured::clock::{Clock, ManualClock};
use nurtured::domain::contact::Channel;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::happening::{Happening, Outcome};
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::{Owners, RawLead, normalise};
use nurtured::domain::lead::{Lead, Stage};
use nurtured::engine::happen::{HappenError, Said};
use nurtured::engine::playbooks::put_in_force;
use nurtured::engine::recycle::Recycling;
use nurtured::engine::{Engine, Identity, Limits};
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::PlaybookFiles;
use nurtured::store::{Store, Tx};
use postgres::Database;

const JANE: &str = "jane@acme.example";
const DOUBLE: &str = "jane.doe@gmail.example";

/// An engine on a clock of ours, whose mail ends in a list.
struct World {
    engine: Arc<Engine>,
    clock: ManualClock,
    mails: Memory,
    _folder: tempfile::TempDir,
}

impl World {
    /// On Tuesday 3 March 2026, half past nine in Berlin, under the built-in playbook.
    async fn new() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("world.db")).await.expect("a fresh database");
        let clock = ManualClock::at(at("2026-03-03T09:30:00+01:00"));
        put_in_force(&store, &PlaybookFiles::builtin(), clock.now()).await.expect("a playbook");
        let mails = Memory::new();
        let engine = engine(store, &clock, &mails).await;
        World { engine, clock, mails, _folder: folder }
    }

    async fn comes_in(&self, raw: RawLead) {
        comes_in(&self.engine, raw).await;
    }

    /// Lets the time pass, waking whenever something is due.
    async fn until(&self, end: &str) {
        let end = at(end);
        while let Some(due) = self.engine.next_due().await.expect("the store answers") {
            let due = due.max(self.clock.now());
            if due > end {
                break;
            }
            self.clock.set(due);
            self.engine.wake_until_done(due).await;
        }
        self.clock.set(end);
    }

    async fn says(&self, email: &str, happening: Happening, words: Option<&str>) {
        let said = Said { words: words.map(str::to_owned), ..Said::default() };
        let now = self.clock.now();
        self.engine.happened(&address(email), &happening, &said, now).await.expect("it can be so");
    }

    async fn merges(&self, email: &str, of: &str) -> Lead {
        let what = Recycling::Merge { of: address(of), reason: "duplicate".to_owned() };
        let now = self.clock.now();
        let merged = self.engine.recycling(&address(email), &what, &Said::default(), now).await;
        merged.expect("they can be merged")
    }

    /// The text of the last mail that went to `to`, with its subject.
    fn last_mail(&self, to: &str) -> (String, String) {
        let parcels = self.mails.take();
        let parcel = parcels.iter().rev().find(|parcel| parcel.to == address(to)).expect("a mail");
        let mail = mail_parser::MessageParser::default().parse(&parcel.bytes).expect("a mail");
        let body = mail.body_text(0).expect("a text part").into_owned();
        (mail.subject().unwrap_or_default().to_owned(), body)
    }

    async fn read(&self) -> Tx {
        self.engine.store().read().await.expect("the store answers")
    }
}

async fn engine(store: Store, clock: &ManualClock, mails: &Memory) -> Arc<Engine> {
    let transport = Transport::Memory(mails.clone());
    let engine =
        Engine::new(store, Clock::Manual(clock.clone()), identity(), transport, Limits::default()).await;
    Arc::new(engine.expect("an engine"))
}

async fn comes_in(engine: &Engine, raw: RawLead) {
    let now = engine.clock().now();
    let (record, _) = normalise(raw, &Owners::default(), now).expect("a lead");
    engine.take_in(&[record], Authority::Form, now).await.expect("the store answers");
    engine.wake_up();
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn lead(email: &str, campaign: &str) -> RawLead {
    RawLead { email: text(email), campaign: text(campaign), country: text("DE"), ..RawLead::default() }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

fn identity() -> Identity {
    Identity {
        from: Correspondent { name: Some("Ours".to_owned()), address: address("hello@ours.example") },
        reply_to: None,
        public_url: "https://nurtured.ours.example".to_owned(),
        log_address: None,
        operator: None,
        company: "Ours".to_owned(),
        postal_address: None,
    }
}

fn call(outcome: Outcome) -> Happening {
    Happening::Attempt { channel: Channel::Phone, outcome }
}

#[tokio::test]
async fn the_next_rep_reads_what_happened_before() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "demo-request")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    world.says(JANE, call(Outcome::NoAnswer), None).await;
    world.until("2026-03-03T15:00:00+01:00").await;
    world.says(JANE, call(Outcome::Reached), None).await;
    let lost = Happening::Lost { reason: "lost-on-price".to_owned() };
    world.says(JANE, lost, Some("They pay half of that today")).await;
    let heard = Happening::Feedback { objection: text("price"), argument: None };
    world.says(JANE, heard, Some("No budget before the summer")).await;
    world.until("2026-07-06T10:00:00+02:00").await;
    // Somebody else's turn, so that the next rep is a stranger to her.
    world.comes_in(lead("john@beta.example", "demo-request")).await;
    world.until("2026-07-06T10:01:00+02:00").await;
    world.mails.take();
    world.says(JANE, Happening::Replied, None).await;
    world.until("2026-07-06T10:02:00+02:00").await;
    let mut tx = world.read().await;
    let jane = tx.lead_by_email(&address(JANE)).await.expect("the store answers").expect("a lead");
    let owner = jane.owner.expect("she was handed off");
    let who = if owner == address("rep1@ours.example") { "you" } else { "Robin Adler" };
    let (_, body) = world.last_mail(owner.as_str());
    let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        format!("124 days ago {who} lost the deal: Lost on price. “They pay half of that today”").as_str(),
        "Tried: 2 calls, 1 of them reached.",
        "Heard: ",
        "“No budget before the summer”",
    ] {
        assert!(body.contains(told), "{told}\n{body}");
    }
}

#[tokio::test]
async fn marketing_reads_what_it_can_do_about_each_lead() {
    let world = World::new().await;
    let phone = RawLead { phone: text("+49 30 901820"), company: text("Acme"), ..lead(JANE, "demo-request") };
    world.comes_in(phone).await;
    world.comes_in(lead(DOUBLE, "demo-request")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    let wrong = Happening::Rejected { reason: "bad-data".to_owned() };
    world.says(JANE, wrong, Some("That is a fax machine")).await;
    let double = Happening::Rejected { reason: "duplicate".to_owned() };
    world.says(DOUBLE, double, None).await;
    world.until("2026-03-04T08:59:00+01:00").await;
    world.mails.take();
    world.until("2026-03-04T09:00:00+01:00").await;
    let (subject, body) = world.last_mail("marketing@ours.example");
    assert_eq!(subject, "2 leads wait for you");
    for told in [
        "Wrong or missing data, says Robin Adler on Tue 3 Mar 10:00.",
        "“That is a fax",
        "jane@acme.example · +4930901820 · Acme · DE",
        "Mend it, or give it up",
        "<https://nurtured.ours.example/a/",
        "Duplicate of another lead, says Sam Berger on Tue 3 Mar 10:00.",
        "Name the other lead, or give it up",
        "they stand here again in a week",
    ] {
        assert!(body.contains(told), "{told}\n{body}");
    }
}

#[tokio::test]
async fn the_manager_reads_what_both_sides_say() {
    let world = World::new().await;
    world.comes_in(lead(JANE, "demo-request")).await;
    world.until("2026-03-03T10:00:00+01:00").await;
    let rejected = Happening::Rejected { reason: "bad-fit".to_owned() };
    world.says(JANE, rejected, Some("They only sell in Spain")).await;
    let said = Said {
        by: Some(address("marketing@ours.example")),
        words: text("They opened a branch in Berlin"),
        ..Said::default()
    };
    world.mails.take();
    let now = world.clock.now();
    world
        .engine
        .recycling(&address(JANE), &Recycling::Dispute, &said, now)
        .await
        .expect("it can be disputed");
    world.until("2026-03-03T10:01:00+01:00").await;
    let (subject, body) = world.last_mail("manager@ours.example");
    assert_eq!(subject, "Decide by Thu 10:00: was it right to give jane@acme.example back?");
    let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        "Robin Adler gave jane@acme.example back: Will never be a customer.",
        "“They only sell in Spain”",
        "Marketing disagrees. “They opened a branch in Berlin”",
        "by Thu 5 Mar 10:00",
        "Marketing is right: sales gets it again <https://nurtured.ours.example/a/",
        "It stays given back <https://nurtured.ours.example/a/",
        "you and the director are told",
    ] {
        assert!(body.contains(told), "{told}\n{body}");
    }
    // Overdue: the same question, to the director as well.
    world.until("2026-03-05T10:00:00+01:00").await;
    let (subject, body) = world.last_mail("director@ours.example");
    assert_eq!(subject, "Overdue: was it right to give jane@acme.example back?");
    let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(body.contains("Until somebody answers, the lead stays given back."), "{body}");
}

#[tokio::test]
async fn nothing_is_lost_when_two_records_become_one() {
    let world = World::new().await;
    let asked = |question: &str, answer: &str| vec![(question.to_owned(), answer.to_owned())];
    let known = RawLead {
        source: text("google"),
        answers: asked("How many seats?", "40"),
        company: text("Acme"),
        ..lead(JANE, "default")
    };
    world.comes_in(known).await;
    world.until("2026-03-03T12:00:00+01:00").await;
    let private = RawLead {
        source: text("linkedin"),
        answers: asked("When?", "In summer"),
        first_name: text("Jane"),
        phone: text("+49 30 901820"),
        company: text("Acme Ltd"),
        ..lead(DOUBLE, "default")
    };
    world.comes_in(private).await;
    world.says(DOUBLE, Happening::Activity { name: "product_page".to_owned() }, None).await;
    // One thing both of them did at one moment is one thing.
    world.says(JANE, Happening::Activity { name: "case_study".to_owned() }, None).await;
    world.until("2026-03-05T09:00:00+01:00").await;
    let merged = world.merges(DOUBLE, JANE).await;
    world.until("2026-03-05T09:01:00+01:00").await;

    assert_eq!(merged.email, address(JANE));
    assert_eq!((merged.profile.first_name, merged.profile.phone), (text("Jane"), text("+4930901820")));
    assert_eq!(merged.profile.company, text("Acme"), "what was known stays");
    let mut tx = world.read().await;
    let touches = tx.touches(merged.id).await.expect("the store answers");
    let sources: Vec<_> = touches.into_iter().filter_map(|touch| touch.source).collect();
    assert_eq!(sources, ["google", "linkedin"]);
    let answers = tx.answers(merged.id).await.expect("the store answers");
    assert_eq!(answers.into_iter().map(|answer| answer.answer).collect::<Vec<_>>(), ["40", "In summer"]);
    let done = tx.activities(merged.id).await.expect("the store answers");
    assert_eq!(done.len(), 2);
    let contacts = tx.contacts_since(&[merged.id], 0).await.expect("the store answers");
    assert_eq!(contacts.len(), 2, "the mails that both had count against one person's limit");

    let double = tx.lead_by_email(&address(DOUBLE)).await.expect("an answer").expect("it is kept");
    assert_eq!((double.stage, double.due_at, double.owner), (Stage::Disqualified, None, None));
    assert_eq!(tx.merged_into(double.id).await.expect("an answer"), Some(merged.id));
    assert!(tx.active_enrolment(double.id).await.expect("an answer").is_none());
    // The history of both is one story.
    let story = tx.events_of_person(merged.id).await.expect("the store answers");
    let own = tx.events_of(merged.id).await.expect("the store answers");
    let doubles = tx.events_of(double.id).await.expect("the store answers");
    assert_eq!(story.len(), own.len() + doubles.len());
    assert!(doubles.len() > 3 && story.is_sorted_by_key(|event| event.id));

    // A daily export brings both of them again: nothing comes back to life.
    world.comes_in(RawLead { source: text("fair"), ..lead(DOUBLE, "default") }).await;
    let mut tx = world.read().await;
    assert_eq!(tx.touches(merged.id).await.expect("the store answers").len(), 3);
    assert!(tx.touches(double.id).await.expect("the store answers").is_empty());
}

#[tokio::test]
async fn who_is_erased_is_erased_in_every_record() {
    for asked_as in [JANE, DOUBLE] {
        let world = World::new().await;
        world.comes_in(lead(JANE, "default")).await;
        world.comes_in(lead(DOUBLE, "default")).await;
        world.until("2026-03-03T12:00:00+01:00").await;
        world.merges(DOUBLE, JANE).await;
        let now = world.clock.now();
        assert!(world.engine.erase(&address(asked_as), "a test", now).await.expect("erased"));
        let mut tx = world.read().await;
        for email in [JANE, DOUBLE] {
            assert!(tx.lead_by_email(&address(email)).await.expect("an answer").is_none(), "{email}");
        }
    }
}

#[tokio::test]
async fn a_chain_of_doubles_ends_at_the_one_that_lives() {
    let world = World::new().await;
    for email in [JANE, DOUBLE, "jd@acme.example"] {
        world.comes_in(lead(email, "default")).await;
    }
    world.until("2026-03-03T12:00:00+01:00").await;
    world.merges("jd@acme.example", DOUBLE).await;
    let lives = world.merges(DOUBLE, JANE).await;
    let mut tx = world.read().await;
    let person = tx.person_by_email(&address("jd@acme.example")).await.expect("an answer");
    assert_eq!(person.map(|lead| lead.id), Some(lives.id));
    assert_eq!(tx.doubles_of(lives.id).await.expect("an answer").len(), 2);
    drop(tx);
    // Merging into a double means the lead that it became, and back again is refused.
    let circle = Recycling::Merge { of: address("jd@acme.example"), reason: "duplicate".to_owned() };
    let refused = world.engine.recycling(&address(JANE), &circle, &Said::default(), world.clock.now()).await;
    assert!(matches!(refused, Err(HappenError::Refused(_))), "{refused:?}");
    assert_eq!(
        refused.expect_err("a circle").to_string(),
        format!("{JANE} is the lead itself: name the other one")
    );
}

/// Two people say it at one moment, each the other way round: one of them is right, the other is told.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_merge_the_same_leads_at_once_make_no_circle() {
    let Some(database) = Database::create().await else { return };
    let clock = ManualClock::at(at("2026-03-03T09:30:00+01:00"));
    let store = Store::open(&database.url()).await.expect("a store");
    put_in_force(&store, &PlaybookFiles::builtin(), clock.now()).await.expect("a playbook");
    let one = engine(store.clone(), &clock, &Memory::new()).await;
    let other = engine(Store::open(&database.url()).await.expect("a store"), &clock, &Memory::new()).await;
    for round in 0..8 {
        let (a, b) = (format!("a{round}@acme.example"), format!("b{round}@acme.example"));
        comes_in(&one, lead(&a, "default")).await;
        comes_in(&one, lead(&b, "default")).await;
        one.wake_until_done(clock.now()).await;
        let merge = |engine: &Arc<Engine>, double: &str, of: &str| {
            let (engine, double, of) = (engine.clone(), address(double), address(of));
            let now = clock.now();
            async move {
                let what = Recycling::Merge { of, reason: "duplicate".to_owned() };
                engine.recycling(&double, &what, &Said::default(), now).await
            }
        };
        let (first, second) =
            tokio::join!(tokio::spawn(merge(&one, &a, &b)), tokio::spawn(merge(&other, &b, &a)));
        let results = [first.expect("no panic"), second.expect("no panic")];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        assert!(results.iter().any(|result| matches!(result, Err(HappenError::Refused(_)))), "{results:?}");
    }
    one.store().close().await;
    other.store().close().await;
}
