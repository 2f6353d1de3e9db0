//! The engine where a scenario cannot reach: mail servers that refuse, playbooks that are edited while leads
//! wait, a daemon that was down, several daemons at once.

#[path = "support/postgres.rs"]
mod postgres;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use nurtured::clock::{Clock, ManualClock};
use nurtured::domain::contact::Channel;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::happening::{Happening, Outcome as CallOutcome};
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::{Owners, RawLead, normalise};
use nurtured::domain::lead::{Lead, Stage};
use nurtured::domain::mail::MailState;
use nurtured::domain::sla::PromiseKind;
use nurtured::engine::happen::Said;
use nurtured::engine::playbooks::put_in_force;
use nurtured::engine::{Engine, Identity, Limits};
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Outcome, Parcel, Reply, Scope, Transport};
use nurtured::playbook::PlaybookFiles;
use nurtured::store::{Event, LeadFilter, NewSlaClock, OutboxMail, RoutingDuty, Store};
use postgres::Database;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, SqliteConnection};

const JANE: &str = "jane@acme.example";
const WELCOME: &str = "sequences/welcome/sequence.toml";
const HELLO: &str = "sequences/welcome/01-hello.md";

/// An engine on a clock of ours, whose mail ends in a list.
struct World {
    engine: Arc<Engine>,
    clock: ManualClock,
    mails: Memory,
    folder: tempfile::TempDir,
}

impl World {
    /// On Monday 2 March 2026, eight o'clock in Berlin, under the built-in playbook.
    async fn new() -> World {
        World::under(PlaybookFiles::builtin()).await
    }

    async fn under(playbook: PlaybookFiles) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("world.db")).await.expect("a fresh database");
        let clock = ManualClock::at(berlin(2, 8, 0));
        set(&store, &playbook, &clock).await;
        let mails = Memory::new();
        let engine = engine(store, &clock, &mails).await;
        World { engine, clock, mails, folder }
    }

    /// Somebody comes in now.
    async fn comes_in(&self, email: &str, campaign: &str) {
        comes_in(&self.engine, email, campaign).await;
    }

    /// Lets the time pass, waking whenever something is due. What fails is tried again when it is due again.
    async fn until(&self, end: Timestamp) {
        loop {
            let due = self.engine.next_due().await.expect("the store answers");
            let Some(due) = due.map(|due| due.max(self.clock.now())).filter(|due| *due <= end) else {
                break;
            };
            self.clock.set(due);
            for _ in 0..20 {
                let report = self.engine.wake(due).await;
                if report.failed() || !self.is_due().await {
                    break;
                }
            }
            assert!(!self.is_due().await, "at {due} something stays due");
        }
        self.clock.set(end);
    }

    async fn is_due(&self) -> bool {
        self.engine.next_due().await.expect("the store answers").is_some_and(|due| due <= self.clock.now())
    }

    /// One wake, as after a standstill.
    async fn wakes_at(&self, at: Timestamp) {
        self.clock.set(at);
        self.engine.wake_until_done(at).await;
    }

    async fn edit(&self, file: &str, old: &str, new: &str) {
        let files = edited(&[(file, old, new)]);
        self.put_in_force(&files).await;
    }

    async fn put_in_force(&self, files: &PlaybookFiles) {
        set(self.engine.store(), files, &self.clock).await;
    }

    async fn lead(&self, email: &str) -> Lead {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let lead = tx.lead_by_email(&address(email)).await.expect("the store answers").expect("a lead");
        tx.rollback().await.expect("the store answers");
        lead
    }

    /// The mails to and about a lead, whatever became of them.
    async fn outbox(&self, email: &str) -> Vec<OutboxMail> {
        let lead = self.lead(email).await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let mails = tx.mails_of(lead.id).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        mails
    }

    /// What became of a lead's steps: name and state.
    async fn steps(&self, email: &str) -> Vec<(String, MailState)> {
        let mails = self.outbox(email).await.into_iter();
        mails.filter_map(|mail| Some((mail.step?, mail.state))).collect()
    }

    async fn events(&self, email: &str, kind: &str) -> Vec<Event> {
        let lead = self.lead(email).await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let events = tx.events_of_kind(lead.id, kind).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        events
    }

    /// To whom mail went since the last look, in its order.
    fn sent(&self) -> Vec<String> {
        self.mails.take().into_iter().map(|parcel| parcel.to.to_string()).collect()
    }

    /// How many mails to the lead count against its limits.
    async fn slots(&self, email: &str) -> usize {
        let lead = self.lead(email).await;
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let contacts = tx.contacts_since(&[lead.id], 0).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        contacts.len()
    }
}

async fn engine(store: Store, clock: &ManualClock, mails: &Memory) -> Arc<Engine> {
    let transport = Transport::Memory(mails.clone());
    let engine =
        Engine::new(store, Clock::Manual(clock.clone()), identity(), transport, Limits::default()).await;
    Arc::new(engine.expect("an engine"))
}

async fn set(store: &Store, playbook: &PlaybookFiles, clock: &ManualClock) {
    put_in_force(store, playbook, clock.now()).await.unwrap_or_else(|error| panic!("{error}"));
}

async fn comes_in(engine: &Engine, email: &str, campaign: &str) {
    let now = engine.clock().now();
    let raw = RawLead {
        email: Some(email.to_owned()),
        campaign: Some(campaign.to_owned()),
        country: Some("DE".to_owned()),
        ..RawLead::default()
    };
    let (record, _) = normalise(raw, &Owners::default(), now).expect("a lead");
    engine.take_in(&[record], Authority::Form, now).await.expect("the store answers");
}

/// The built-in playbook with some texts replaced.
fn edited(edits: &[(&str, &str, &str)]) -> PlaybookFiles {
    let mut files = PlaybookFiles::builtin();
    for (file, old, new) in edits {
        let text = files.get(file).unwrap_or_else(|| panic!("there is no {file}")).to_owned();
        assert!(text.contains(old), "`{old}` is not in {file}");
        files.insert(*file, text.replace(old, new));
    }
    files
}

/// An instant of March 2026 in Berlin.
fn berlin(day: i8, hour: i8, minute: i8) -> Timestamp {
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let at = civil::date(2026, 3, 1).saturating_add(jiff::Span::new().days(i64::from(day) - 1));
    at.at(hour, minute, 0, 0).to_zoned(zone).expect("an instant").timestamp()
}

/// The subject of a mail, its lines put together.
fn subject(parcel: &Parcel) -> String {
    let text = String::from_utf8_lossy(&parcel.bytes);
    let subject = text.split("\r\nSubject: ").nth(1).unwrap_or_default();
    let mut lines = subject.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let folded = lines.take_while(|line| line.starts_with(' '));
    folded.fold(first, |all, line| all + line)
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
        operator: Some(address("operator@ours.example")),
        company: "Ours".to_owned(),
        postal_address: None,
    }
}

fn step(name: &str, state: MailState) -> (String, MailState) {
    (name.to_owned(), state)
}

// ---------------------------------------------------------------- what the mail server says

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

// ---------------------------------------------------------------- the brake

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

// ---------------------------------------------------------------- the playbook is edited while leads wait

#[tokio::test]
async fn a_mail_taken_out_of_the_playbook_is_not_sent_and_the_next_one_is() {
    // Jane's second mail waits in the outbox for Monday; Tom's is not planned yet.
    let world = World::new().await;
    world.until(berlin(3, 9, 0)).await;
    world.comes_in(JANE, "default").await;
    world.until(berlin(7, 10, 0)).await;
    world.sent();
    let steps = world.steps(JANE).await;
    assert_eq!(steps, [step("hello", MailState::Sent), step("five-questions", MailState::Pending)]);
    let mut files = PlaybookFiles::builtin();
    files.remove("sequences/welcome/02-five-questions.md");
    world.put_in_force(&files).await;
    world.until(berlin(9, 12, 0)).await;
    let steps = world.steps(JANE).await;
    assert_eq!(
        steps[1..],
        [step("five-questions", MailState::Skipped), step("what-a-change-costs", MailState::Sent)]
    );
}

#[tokio::test]
async fn a_mail_that_was_moved_is_not_sent_twice_and_a_new_one_is_sent_if_it_lies_ahead() {
    let world = World::new().await;
    world.comes_in(JANE, "default").await;
    world.until(berlin(6, 12, 0)).await;
    let mut files = PlaybookFiles::builtin();
    let text = |name: &str| {
        PlaybookFiles::builtin().get(&format!("sequences/welcome/{name}")).unwrap_or_default().to_owned()
    };
    // `hello` moves behind `start-small`; `early` and `fresh` are new, before and behind Jane's place.
    files.remove(HELLO);
    files.insert("sequences/welcome/01-early.md", text("01-hello.md"));
    files.insert("sequences/welcome/06-hello.md", text("01-hello.md"));
    files.insert("sequences/welcome/07-fresh.md", text("01-hello.md").replace("30 minutes", "1 day"));
    world.put_in_force(&files).await;
    world.until(berlin(28, 12, 0)).await;
    let steps: Vec<String> = world.steps(JANE).await.into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps.iter().filter(|step| *step == "hello").count(), 1, "{steps:?}");
    assert!(!steps.contains(&"early".to_owned()), "{steps:?}");
    assert!(steps.contains(&"fresh".to_owned()), "{steps:?}");
}

#[tokio::test]
async fn who_is_in_a_sequence_that_is_gone_leaves_it() {
    let world = World::new().await;
    world.comes_in(JANE, "default").await;
    world.until(berlin(3, 9, 0)).await;
    world.sent();
    let mut files = edited(&[("agreement.toml", "sequence = \"welcome\"", "sequence = \"long-term\"")]);
    for path in PlaybookFiles::builtin().iter().map(|(path, _)| path.to_owned()) {
        if path.starts_with("sequences/welcome/") {
            files.remove(&path);
        }
    }
    world.put_in_force(&files).await;
    world.until(berlin(20, 9, 0)).await;
    // The team hears that the campaign writes other mails now; the lead hears nothing.
    assert_eq!(world.sent(), ["rep1@ours.example", "rep2@ours.example"]);
    let exited = world.events(JANE, "exited").await;
    assert_eq!(exited.len(), 1);
}

/// Each rep has room for one lead.
const FULL: (&str, &str, &str) = ("agreement.toml", "capacity = 30", "capacity = 1");

/// So that also who asked to be contacted waits for a place.
const NOBODY_STANDS_IN: (&str, &str, &str) = ("agreement.toml", "backup = \"manager@ours.example\"", "");

#[tokio::test]
async fn an_edit_that_makes_room_hands_over_who_waits() {
    let full = edited(&[FULL, NOBODY_STANDS_IN]);
    let world = World::under(full).await;
    world.until(berlin(2, 10, 0)).await;
    for number in 0..3 {
        world.comes_in(&format!("lead{number}@firm{number}.example"), "demo-request").await;
    }
    world.wakes_at(berlin(2, 10, 0)).await;
    assert_eq!(world.lead("lead2@firm2.example").await.stage, Stage::Qualified);
    world.put_in_force(&PlaybookFiles::builtin()).await;
    world.wakes_at(berlin(2, 10, 1)).await;
    assert_eq!(world.lead("lead2@firm2.example").await.stage, Stage::HandedOff);
}

// ---------------------------------------------------------------- after a standstill

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
        assert_eq!(to[rep].len(), 2, "what is overdue, and the calls of the day: {:?}", to[rep]);
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

// ---------------------------------------------------------------- the clock

#[tokio::test]
async fn a_clock_that_was_set_stops_leads_mail_and_nothing_else() {
    for (to, words) in [
        (berlin(9, 12, 0), "the clock was set ahead by 7 days"),
        (berlin(1, 12, 0), "the clock was set back by 24 hours"),
    ] {
        let world = World::new().await;
        world.until(berlin(2, 12, 0)).await;
        world.comes_in(JANE, "demo-request").await;
        world.wakes_at(berlin(2, 12, 0)).await;
        world.comes_in("joe@firm.example", "default").await;
        world.sent();
        world.clock.jump(to);
        world.engine.wake_until_done(to).await;
        let mut tx = world.engine.store().read().await.expect("the store answers");
        let brake = tx.brake().await.expect("the store answers").expect("the brake is on");
        tx.rollback().await.expect("the store answers");
        assert_eq!(brake.why, words);
        let sent = world.sent();
        assert!(sent.contains(&"operator@ours.example".to_owned()), "{sent:?}");
        assert!(sent.iter().all(|to| to.ends_with("@ours.example")), "no lead is written to: {sent:?}");
        // Once it is released, time goes on from there.
        assert!(world.engine.release(to).await.expect("released"));
        world.wakes_at(to + SignedDuration::from_secs(1)).await;
        let mut tx = world.engine.store().read().await.expect("the store answers");
        assert_eq!(tx.brake().await.expect("the store answers"), None);
        tx.rollback().await.expect("the store answers");
    }
}

#[tokio::test]
async fn time_that_passes_pulls_no_brake_and_a_clock_behind_the_last_wake_does() {
    let world = World::new().await;
    world.wakes_at(berlin(2, 9, 0)).await;
    world.wakes_at(berlin(20, 9, 0)).await;
    let brake = |world: &World| {
        let store = world.engine.store().clone();
        async move {
            let mut tx = store.read().await.expect("the store answers");
            let brake = tx.brake().await.expect("the store answers");
            tx.rollback().await.expect("the store answers");
            brake
        }
    };
    assert_eq!(brake(&world).await, None);
    // The daemon starts again on a machine whose battery was empty.
    let clock = ManualClock::at(berlin(2, 9, 0));
    let again = engine(world.engine.store().clone(), &clock, &world.mails).await;
    again.wake(clock.now()).await;
    assert_eq!(
        brake(&world).await.map(|brake| brake.why),
        Some("the clock was set back by 18 days".to_owned())
    );
}

// ---------------------------------------------------------------- several daemons

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_on_one_database_send_each_mail_once() {
    const LEADS: usize = 500;
    let Some(database) = Database::create().await else {
        return;
    };
    let store = Store::open(&database.url()).await.expect("a fresh database");
    let clock = ManualClock::at(berlin(2, 8, 0));
    set(&store, &PlaybookFiles::builtin(), &clock).await;
    let mails = Memory::new();
    let one = engine(store.clone(), &clock, &mails).await;
    let store_of_other = Store::open(&database.url()).await.expect("the same database");
    let other = engine(store_of_other.clone(), &clock, &mails).await;
    for number in 0..LEADS {
        comes_in(&one, &format!("lead{number}@firm{number}.example"), "default").await;
    }
    for minute in [0, 30, 60] {
        let now = berlin(2, 8, 0) + SignedDuration::from_mins(minute);
        clock.set(now);
        // Both at once, until neither finds anything: each alone must do no harm to the other.
        for _ in 0..50 {
            let (one, other) = tokio::join!(one.wake(now), other.wake(now));
            for report in [&one, &other] {
                assert_eq!(report.failures().map(|(pass, error)| format!("{pass}: {error}")).next(), None);
            }
            if one.did().done + other.did().done == 0 {
                break;
            }
        }
    }
    let mut sent: Vec<String> = mails.take().into_iter().map(|parcel| parcel.to.to_string()).collect();
    assert_eq!(sent.len(), LEADS);
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), LEADS);
    store.close().await;
    store_of_other.close().await;
}

/// Wakes both at once until neither finds anything: each alone must do no harm to the other.
async fn wake_both(one: &Arc<Engine>, other: &Arc<Engine>, now: Timestamp) {
    for _ in 0..50 {
        let (one, other) = tokio::join!(one.wake(now), other.wake(now));
        for report in [&one, &other] {
            assert_eq!(report.failures().map(|(pass, error)| format!("{pass}: {error}")).next(), None);
        }
        if one.did().done + other.did().done == 0 {
            return;
        }
    }
    panic!("there is no end to it");
}

/// Two find the same hundred broken promises at the same moment: each reader gets one mail about them.
#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_tell_a_standstill_in_one_mail() {
    const LEADS: usize = 100;
    let Some(database) = Database::create().await else {
        return;
    };
    let playbook = edited(&[("agreement.toml", "capacity = 30", "capacity = 300")]);
    let store = Store::open(&database.url()).await.expect("a fresh database");
    let clock = ManualClock::at(berlin(2, 10, 0));
    set(&store, &playbook, &clock).await;
    let mails = Memory::new();
    let one = engine(store.clone(), &clock, &mails).await;
    let store_of_other = Store::open(&database.url()).await.expect("the same database");
    let other = engine(store_of_other.clone(), &clock, &mails).await;
    for number in 0..LEADS {
        comes_in(&one, &format!("lead{number}@firm{number}.example"), "demo-request").await;
    }
    wake_both(&one, &other, berlin(2, 10, 0)).await;
    mails.take();
    let late = berlin(4, 10, 0);
    clock.set(late);
    wake_both(&one, &other, late).await;
    let mut to: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for parcel in mails.take() {
        to.entry(parcel.to.to_string()).or_default().push(subject(&parcel));
    }
    for reader in ["manager@ours.example", "director@ours.example"] {
        assert_eq!(to[reader].len(), 1, "{:?}", to[reader]);
        assert!(to[reader][0].starts_with("100 leads overdue"), "{:?}", to[reader]);
    }
    // Nobody could log a call meanwhile, so no lead is taken from its rep: who reads what is theirs in one mail, and
    // what is to be done today in another.
    for reader in ["rep1@ours.example", "rep2@ours.example"] {
        let mut told: Vec<&str> = to[reader].iter().map(|subject| &subject[..8]).collect();
        told.sort_unstable();
        assert_eq!(told, ["50 calls", "50 leads"], "{:?}", to[reader]);
    }
    store.close().await;
    store_of_other.close().await;
}

async fn open_leads(engine: &Engine, rep: &str) -> i64 {
    let mut tx = engine.store().read().await.expect("the store answers");
    let state = tx.rep_state(&address(rep)).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    state.open_leads
}

async fn qualified(engine: &Engine) -> usize {
    let mut tx = engine.store().read().await.expect("the store answers");
    let filter = LeadFilter { stage: Some(Stage::Qualified), ..LeadFilter::default() };
    let leads = tx.list_leads(&filter, 1_000).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    leads.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_give_a_rep_no_more_leads_than_there_is_room_for() {
    const LEADS: usize = 300;
    let Some(database) = Database::create().await else {
        return;
    };
    let store = Store::open(&database.url()).await.expect("a fresh database");
    let clock = ManualClock::at(berlin(2, 7, 0));
    let playbook = edited(&[("agreement.toml", "capacity = 30", "capacity = 60")]);
    set(&store, &playbook, &clock).await;
    let mails = Memory::new();
    let one = engine(store.clone(), &clock, &mails).await;
    let store_of_other = Store::open(&database.url()).await.expect("the same database");
    let other = engine(store_of_other.clone(), &clock, &mails).await;
    for number in 0..LEADS {
        comes_in(&one, &format!("lead{number}@firm{number}.example"), "demo-request").await;
    }
    // The office opens, and both daemons hand off what came in overnight.
    wake_both(&one, &other, berlin(2, 7, 0)).await;
    let now = berlin(2, 10, 0);
    clock.set(now);
    wake_both(&one, &other, now).await;
    for rep in ["rep1@ours.example", "rep2@ours.example"] {
        assert_eq!(open_leads(&one, rep).await, 60, "{rep}");
    }
    assert_eq!(qualified(&one).await, LEADS - 120);

    // Reps give leads back while both daemons look: the room is used, all of it and no more.
    let mut tx = store.read().await.expect("the store answers");
    let filter = LeadFilter { stage: Some(Stage::HandedOff), ..LeadFilter::default() };
    let given = tx.list_leads(&filter, 80).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    let give_back = given.iter().enumerate().map(|(number, lead)| {
        let daemon = if number % 2 == 0 { &one } else { &other };
        let rejected = Happening::Rejected { reason: "no-budget".to_owned() };
        async move {
            let said = Said { by: lead.owner.clone(), ..Said::default() };
            daemon.happened(&lead.email, &rejected, &said, now).await.expect("it can be so")
        }
    });
    tokio::join!(wake_both(&one, &other, now), futures_util::future::join_all(give_back));
    wake_both(&one, &other, now).await;
    for rep in ["rep1@ours.example", "rep2@ours.example"] {
        assert_eq!(open_leads(&one, rep).await, 60, "{rep}");
    }
    assert_eq!(qualified(&one).await, LEADS - 200);
    store.close().await;
    store_of_other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_of_the_same_leads_in_another_order_both_come_through() {
    let Some(database) = Database::create().await else {
        return;
    };
    let store = Store::open(&database.url()).await.expect("a fresh database");
    let clock = ManualClock::at(berlin(2, 7, 0));
    set(&store, &PlaybookFiles::builtin(), &clock).await;
    let engine = engine(store.clone(), &clock, &Memory::new()).await;
    let now = clock.now();
    let record = |number: usize, title: String| {
        let raw = RawLead {
            email: Some(format!("lead{number}@firm.example")),
            title: Some(title),
            ..RawLead::default()
        };
        normalise(raw, &Owners::default(), now).expect("a lead").0
    };
    // First nobody knows them, then everybody does.
    for round in 0..6 {
        let forth: Vec<_> =
            (0..60).map(|number| record(number + round / 2 * 60, format!("a{round}"))).collect();
        let back: Vec<_> =
            (0..60).rev().map(|number| record(number + round / 2 * 60, format!("b{round}"))).collect();
        let (forth, back) = tokio::join!(
            engine.take_in(&forth, Authority::Crm, now),
            engine.take_in(&back, Authority::Crm, now)
        );
        assert_eq!(forth.expect("taken in").len(), 60);
        assert_eq!(back.expect("taken in").len(), 60);
    }
    store.close().await;
}

// ---------------------------------------------------------------- what is left of a lead in sales

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

// ---------------------------------------------------------------- campaigns that are new to the team

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
