//! Promises that run, put on another agreement: said for each, told to nobody twice.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use nurtured::clock::{Clock, ManualClock};
use nurtured::domain::email::EmailAddress;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::{Owners, RawLead, normalise};
use nurtured::domain::sla::PromiseKind;
use nurtured::engine::playbooks::put_in_force;
use nurtured::engine::sla::reapply::{Reapplied, Which};
use nurtured::engine::{Engine, Identity, Limits};
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::PlaybookFiles;
use nurtured::store::Store;

const JANE: &str = "jane@acme.example";

fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

/// A time on a day of March 2026 in Berlin; the 2nd is a Monday.
fn berlin(day: i8, hour: i8, minute: i8) -> Timestamp {
    date(2026, 3, day).at(hour, minute, 0, 0).in_tz("Europe/Berlin").expect("a time").timestamp()
}

struct World {
    engine: Arc<Engine>,
    clock: ManualClock,
    mails: Memory,
    _folder: tempfile::TempDir,
}

impl World {
    /// Jane asked for a demo on Monday at ten: a rep calls within the hour.
    async fn new() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("nurtured.db")).await.expect("a fresh database");
        let start = berlin(2, 10, 0);
        put_in_force(&store, &PlaybookFiles::builtin(), start).await.expect("the built-in playbook");
        let clock = ManualClock::at(start);
        let identity = Identity {
            from: Correspondent { name: None, address: address("hello@ours.example") },
            reply_to: None,
            public_url: "https://nurtured.ours.example".to_owned(),
            log_address: None,
            operator: None,
            company: "Ours".to_owned(),
            postal_address: None,
        };
        let mails = Memory::new();
        let limits = Limits { slice: None, ..Limits::default() };
        let transport = Transport::Memory(mails.clone());
        let engine = Engine::new(store, Clock::Manual(clock.clone()), identity, transport, limits).await;
        let world = World { engine: Arc::new(engine.expect("an engine")), clock, mails, _folder: folder };
        let raw = RawLead {
            email: Some(JANE.to_owned()),
            campaign: Some("demo-request".to_owned()),
            country: Some("DE".to_owned()),
            phone: Some("+49 30 901820".to_owned()),
            ..RawLead::default()
        };
        let (record, _) = normalise(raw, &Owners::default(), start).expect("a lead");
        world.engine.take_in(&[record], Authority::Form, start).await.expect("taken in");
        world.wakes(start).await;
        world
    }

    async fn wakes(&self, now: Timestamp) {
        self.clock.set(now);
        let report = self.engine.wake_until_done(now).await;
        assert!(!report.failed(), "{report:?}");
    }

    /// Another agreement is in force from now on.
    async fn edit(&self, old: &str, new: &str) {
        let mut files = PlaybookFiles::builtin();
        let text = files.get("agreement.toml").expect("there is one").to_owned();
        assert!(text.contains(old), "`{old}` is in the agreement");
        files.insert("agreement.toml", text.replacen(old, new, 1));
        let now = self.clock.now();
        put_in_force(self.engine.store(), &files, now).await.expect("a playbook");
        self.wakes(now).await;
    }

    async fn reapply(&self, which: &Which, dry_run: bool) -> Vec<Reapplied> {
        let mut told = Vec::new();
        let now = self.clock.now();
        self.engine.reapply(which, dry_run, now, |one| told.push(one)).await.expect("it can be counted");
        told
    }

    /// To whom mail went since the last look.
    fn sent(&self) -> Vec<String> {
        self.mails.take().into_iter().map(|parcel| parcel.to.to_string()).collect()
    }
}

/// First contact, its old and its new deadline, and whether it changed.
fn first_contact(told: &[Reapplied]) -> (Timestamp, Option<Timestamp>, bool) {
    let one = told.iter().find(|one| one.kind == PromiseKind::FirstContact).expect("it runs");
    (one.was, one.is, one.changed)
}

const ONE_HOUR: &str = "first_contact = \"1 business hour\"";

#[tokio::test]
async fn a_running_promise_is_put_on_the_agreement_in_force_and_no_level_is_told_again() {
    let world = World::new().await;
    world.wakes(berlin(2, 10, 45)).await;
    world.sent();
    // More time: four hours, of which lunch does not count.
    world.edit(ONE_HOUR, "first_contact = \"4 business hours\"").await;
    let moved = (berlin(2, 11, 0), Some(berlin(2, 15, 30)), true);
    assert_eq!(first_contact(&world.reapply(&Which::default(), true).await), moved);
    // A dry run changes nothing, so the same is told once more.
    assert_eq!(first_contact(&world.reapply(&Which::default(), false).await), moved);
    let (was, is, changed) = first_contact(&world.reapply(&Which::default(), false).await);
    assert_eq!((was, is, changed), (berlin(2, 15, 30), Some(berlin(2, 15, 30)), false));
    // The warning was told at a quarter to eleven and is not told at half past two.
    world.wakes(berlin(2, 15, 0)).await;
    assert_eq!(world.sent(), [] as [&str; 0]);
    world.wakes(berlin(2, 15, 30)).await;
    let mut told = world.sent();
    told.sort();
    assert_eq!(told, ["manager@ours.example", "rep1@ours.example"]);
}

#[tokio::test]
async fn a_level_under_a_new_name_that_comes_no_later_than_one_that_was_told_is_not_told() {
    let world = World::new().await;
    world.wakes(berlin(2, 10, 45)).await;
    world.sent();
    let hot = "[[policies.hot.levels]]\nname = \"warning\"\nat = \"75%\"";
    world.edit(hot, "[[policies.hot.levels]]\nname = \"nudge\"\nat = \"50%\"").await;
    assert!(first_contact(&world.reapply(&Which::default(), false).await).2);
    world.wakes(berlin(2, 10, 50)).await;
    assert_eq!(world.sent(), [] as [&str; 0]);
}

#[tokio::test]
async fn only_what_was_asked_for_is_changed() {
    let world = World::new().await;
    world.edit(ONE_HOUR, "first_contact = \"4 business hours\"").await;
    let webinar = Which { campaign: Some("webinar".to_owned()), lead: None };
    assert_eq!(world.reapply(&webinar, false).await, []);
    let jane = Which { campaign: None, lead: Some(address(JANE)) };
    assert!(first_contact(&world.reapply(&jane, false).await).2);
    let nobody = Which { campaign: None, lead: Some(address("john@acme.example")) };
    let now = world.clock.now();
    assert!(world.engine.reapply(&nobody, false, now, |_| {}).await.is_err());
}
