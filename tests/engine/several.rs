//! Several daemons on one database.

use crate::postgres::Database;
use jiff::SignedDuration;
use jiff::Timestamp;
use nurtured::clock::ManualClock;
use nurtured::domain::happening::Happening;
use nurtured::domain::intake::Owners;
use nurtured::domain::intake::RawLead;
use nurtured::domain::intake::merge::Authority;
use nurtured::domain::intake::normalise;
use nurtured::domain::lead::Stage;
use nurtured::engine::Engine;
use nurtured::engine::happen::Said;
use nurtured::mail::transport::Memory;
use nurtured::playbook::PlaybookFiles;
use nurtured::store::LeadFilter;
use nurtured::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::world::{NOBODY_STANDS_IN, address, berlin, comes_in, edited, engine, set, subject};

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
    let playbook = edited(&[("agreement.toml", "capacity = 30", "capacity = 60"), NOBODY_STANDS_IN]);
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
