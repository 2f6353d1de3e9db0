//! Several daemons on one database.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use nurtured::clock::ManualClock;
use nurtured::domain::happening::Happening;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::{Owners, RawLead, normalise};
use nurtured::domain::lead::{LeadRecord, Stage};
use nurtured::engine::Engine;
use nurtured::engine::happen::{HappenError, Said};
use nurtured::engine::recycle::Recycling;
use nurtured::mail::transport::Memory;
use nurtured::playbook::PlaybookFiles;
use nurtured::store::{LeadFilter, Store};
use sqlx::{Connection, PgConnection};

use crate::postgres::Database;
use crate::world::{NOBODY_STANDS_IN, address, berlin, comes_in, edited, engine, set, subject};

/// Two daemons with a store each, on one database, one clock and one transport.
struct Two {
    one: Arc<Engine>,
    other: Arc<Engine>,
    clock: ManualClock,
    mails: Memory,
    database: Database,
}

impl Two {
    /// Where there is a PostgreSQL to work on.
    async fn at(now: Timestamp, playbook: PlaybookFiles) -> Option<Two> {
        let database = Database::create().await?;
        let (clock, mails) = (ManualClock::at(now), Memory::new());
        let store = Store::open(&database.url()).await.expect("a fresh database");
        set(&store, &playbook, &clock).await;
        let one = engine(store, &clock, &mails).await;
        let store = Store::open(&database.url()).await.expect("the same database");
        let other = engine(store, &clock, &mails).await;
        Some(Two { one, other, clock, mails, database })
    }

    /// So many leads of a campaign come in, each from a company of its own.
    async fn come_in(&self, leads: usize, campaign: &str) {
        for number in 0..leads {
            comes_in(&self.one, &format!("lead{number}@firm{number}.example"), campaign).await;
        }
    }

    /// Wakes both at once until neither finds anything: each alone must do no harm to the other.
    async fn wake_at(&self, now: Timestamp) {
        self.clock.set(now);
        for _ in 0..50 {
            let (one, other) = tokio::join!(self.one.wake(now), self.other.wake(now));
            for report in [&one, &other] {
                assert_eq!(report.failures().map(|(pass, error)| format!("{pass}: {error}")).next(), None);
            }
            if one.did().done + other.did().done == 0 {
                return;
            }
        }
        panic!("there is no end to it");
    }

    /// The daemons end; the database stays.
    async fn close(self) -> Database {
        self.one.store().close().await;
        self.other.store().close().await;
        self.database
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_on_one_database_send_each_mail_once() {
    const LEADS: usize = 500;
    let Some(two) = Two::at(berlin(2, 8, 0), PlaybookFiles::builtin()).await else { return };
    two.come_in(LEADS, "default").await;
    for minute in [0, 30, 60] {
        two.wake_at(berlin(2, 8, 0) + SignedDuration::from_mins(minute)).await;
    }
    let mut sent: Vec<String> = two.mails.take().into_iter().map(|parcel| parcel.to.to_string()).collect();
    assert_eq!(sent.len(), LEADS);
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), LEADS);
    two.close().await;
}

/// Two find the same hundred broken promises at the same moment: each reader gets one mail about them.
#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_tell_a_standstill_in_one_mail() {
    const LEADS: usize = 100;
    let playbook = edited(&[("agreement.toml", "capacity = 30", "capacity = 300")]);
    let Some(two) = Two::at(berlin(2, 10, 0), playbook).await else { return };
    two.come_in(LEADS, "demo-request").await;
    two.wake_at(berlin(2, 10, 0)).await;
    two.mails.take();
    two.wake_at(berlin(4, 10, 0)).await;
    let mut to: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for parcel in two.mails.take() {
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
    two.close().await;
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
    let playbook = edited(&[("agreement.toml", "capacity = 30", "capacity = 60"), NOBODY_STANDS_IN]);
    let Some(two) = Two::at(berlin(2, 7, 0), playbook).await else { return };
    two.come_in(LEADS, "demo-request").await;
    // The office opens, and both daemons hand off what came in overnight.
    two.wake_at(berlin(2, 7, 0)).await;
    let now = berlin(2, 10, 0);
    two.wake_at(now).await;
    for rep in ["rep1@ours.example", "rep2@ours.example"] {
        assert_eq!(open_leads(&two.one, rep).await, 60, "{rep}");
    }
    assert_eq!(qualified(&two.one).await, LEADS - 120);

    // Reps give leads back while both daemons look: the room is used, all of it and no more.
    let mut tx = two.one.store().read().await.expect("the store answers");
    let filter = LeadFilter { stage: Some(Stage::HandedOff), ..LeadFilter::default() };
    let given = tx.list_leads(&filter, 80).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    let give_back = given.iter().enumerate().map(|(number, lead)| {
        let daemon = if number % 2 == 0 { &two.one } else { &two.other };
        let rejected = Happening::Rejected { reason: "no-budget".to_owned() };
        async move {
            let said = Said { by: lead.owner.clone(), ..Said::default() };
            daemon.happened(&lead.email, &rejected, &said, now).await.expect("it can be so")
        }
    });
    tokio::join!(two.wake_at(now), join_all(give_back));
    two.wake_at(now).await;
    for rep in ["rep1@ours.example", "rep2@ours.example"] {
        assert_eq!(open_leads(&two.one, rep).await, 60, "{rep}");
    }
    assert_eq!(qualified(&two.one).await, LEADS - 200);
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_of_the_same_leads_in_another_order_both_come_through() {
    let Some(two) = Two::at(berlin(2, 7, 0), PlaybookFiles::builtin()).await else { return };
    let now = two.clock.now();
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
            two.one.take_in(&forth, Authority::Crm, now),
            two.other.take_in(&back, Authority::Crm, now)
        );
        assert_eq!(forth.expect("taken in").len(), 60);
        assert_eq!(back.expect("taken in").len(), 60);
    }
    two.close().await;
}

/// Deadlocks that the server broke up in a database, once nobody of ours is at it: each session counts its own, and
/// adds them up when it ends.
async fn deadlocks(database: &Database) -> i64 {
    let mut connection = PgConnection::connect(&database.url()).await.expect("a connection");
    let others = "SELECT COUNT(*) FROM pg_stat_activity \
                  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut connection).await.expect("sessions") > 0 {}
    let counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let counted = sqlx::query_scalar(counted).fetch_one(&mut connection).await.expect("a figure");
    connection.close().await.expect("an end");
    counted
}

/// Of a pair of records, one daemon is told that the first is a double of the second, the other the reverse, while
/// imports go through all of them forth and back, everybody reads on, and both daemons work.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_the_same_leads_in_another_order_waits_and_never_in_a_circle() {
    const PAIRS: usize = 20;
    let Some(two) = Two::at(berlin(2, 10, 0), PlaybookFiles::builtin()).await else { return };
    let now = two.clock.now();
    two.come_in(2 * PAIRS, "default").await;
    two.wake_at(now).await;
    let email = |number: usize| address(&format!("lead{number}@firm{number}.example"));
    let records = |title: &str| -> Vec<LeadRecord> {
        let record = |number| {
            let raw = RawLead {
                email: Some(email(number).to_string()),
                title: Some(title.to_owned()),
                ..RawLead::default()
            };
            normalise(raw, &Owners::default(), now).expect("a lead").0
        };
        (0..2 * PAIRS).map(record).collect()
    };
    let (forth, mut back) = (records("Head of IT"), records("CTO"));
    back.reverse();

    let merge = |daemon: Arc<Engine>, double: usize, of: usize| async move {
        let what = Recycling::Merge { of: email(of), reason: "duplicate".to_owned() };
        match daemon.recycling(&email(double), &what, &Said::default(), now).await {
            Ok(_) => true,
            Err(HappenError::Refused(_)) => false,
            Err(error) => panic!("whoever clicked is told: {error}"),
        }
    };
    let merges = join_all((0..PAIRS).map(|pair| {
        let (first, second) = (2 * pair, 2 * pair + 1);
        let one = merge(Arc::clone(&two.one), first, second);
        let other = merge(Arc::clone(&two.other), second, first);
        async move { tokio::join!(one, other) }
    }));
    let reads = |daemon: Arc<Engine>, order: Vec<usize>| async move {
        let activity = Happening::Activity { name: "pricing_page".to_owned() };
        let visits = order.into_iter().map(|number| {
            let (daemon, activity) = (Arc::clone(&daemon), activity.clone());
            async move { daemon.happened(&email(number), &activity, &Said::default(), now).await.map(drop) }
        });
        join_all(visits).await
    };
    let (merged, forth, back, reads_forth, reads_back, ()) = tokio::join!(
        merges,
        two.one.take_in(&forth, Authority::Crm, now),
        two.other.take_in(&back, Authority::Crm, now),
        reads(Arc::clone(&two.other), (0..2 * PAIRS).collect()),
        reads(Arc::clone(&two.one), (0..2 * PAIRS).rev().collect()),
        two.wake_at(now),
    );
    assert_eq!((forth.expect("taken in").len(), back.expect("taken in").len()), (2 * PAIRS, 2 * PAIRS));
    for read in reads_forth.into_iter().chain(reads_back) {
        assert!(!matches!(read, Err(HappenError::Failed(_))), "{read:?}");
    }
    assert_eq!(merged.iter().filter(|(one, other)| one != other).count(), PAIRS, "{merged:?}");
    two.wake_at(now).await;
    let database = two.close().await;
    assert_eq!(deadlocks(&database).await, 0, "nobody had to be given up for it");
}
