//! One owner at a time, and the clocks that run against them.

use jiff::Timestamp;
use nurtured::domain::ids::{HandOffId, LeadId, SlaClockId};
use nurtured::domain::lead::{Lead, Stage};
use nurtured::domain::sla::PromiseKind;
use nurtured::store::{HandOff, NewHandOff, NewSlaClock, RepState, SlaClock, Tx};

use super::{Place, address, assert_conflict, at, insert, lead};

const REP: &str = "rep1@ours.example";

fn hand_off(lead: LeadId, rep: &str, at: Timestamp) -> NewHandOff {
    NewHandOff {
        lead,
        rep: address(rep),
        team: "sales".to_owned(),
        policy: "standard".to_owned(),
        campaign: "default".to_owned(),
        at,
    }
}

async fn handed_off(tx: &mut Tx, email: &str, stage: Stage) -> (LeadId, HandOffId) {
    let lead = insert(tx, &Lead { stage, ..lead(email) }).await;
    let id = tx.insert_hand_off(&hand_off(lead, REP, at("09:00:00"))).await.expect("handed off");
    (lead, id)
}

pub async fn a_lead_has_one_open_hand_off(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let (jane, first) = handed_off(&mut tx, "jane@firm.example", Stage::HandedOff).await;
    tx.commit().await.expect("committed");

    let mut tx = store.begin().await.expect("a transaction");
    assert_conflict(tx.insert_hand_off(&hand_off(jane, "rep2@ours.example", at("10:00:00"))).await);
    drop(tx);

    let mut tx = store.begin().await.expect("a transaction");
    let open = HandOff {
        id: first,
        lead: jane,
        number: 1,
        rep: address(REP),
        team: "sales".to_owned(),
        policy: "standard".to_owned(),
        campaign: "default".to_owned(),
        at: at("09:00:00"),
        accepted_at: None,
        ended_at: None,
        ended_why: None,
    };
    assert_eq!(tx.open_hand_off(jane).await.expect("an answer"), Some(open.clone()));
    tx.accept_hand_off(first, at("10:00:00")).await.expect("accepted");
    tx.accept_hand_off(first, at("11:00:00")).await.expect("accepted");
    tx.end_hand_off(first, "breach", at("12:00:00")).await.expect("ended");
    tx.end_hand_off(first, "again", at("13:00:00")).await.expect("no error");
    assert_eq!(tx.open_hand_off(jane).await.expect("an answer"), None);

    let second =
        tx.insert_hand_off(&hand_off(jane, "rep2@ours.example", at("12:00:00"))).await.expect("the next");
    let all = tx.hand_offs_of(jane).await.expect("hand-offs");
    let ended = HandOff {
        accepted_at: Some(at("10:00:00")),
        ended_at: Some(at("12:00:00")),
        ended_why: Some("breach".to_owned()),
        ..open
    };
    assert_eq!(all[0], ended, "the first acceptance and the first end count");
    assert_eq!((all[1].id, all[1].number, all.len()), (second, 2, 2));
    assert_eq!(tx.hand_off(first).await.expect("an answer"), Some(ended.clone()));
    assert_eq!(tx.hand_offs_by_id(&[first, HandOffId(-1)]).await.expect("hand-offs"), [ended]);
    assert_eq!(tx.hand_off(HandOffId(-1)).await.expect("an answer"), None);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_rep_is_known_by_what_was_given_to_them(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let rep = address(REP);
    let unknown = RepState {
        email: rep.clone(),
        last_assigned_at: None,
        given_then: 0,
        assigned: 0,
        level: None,
        away: None,
        open_leads: 0,
    };
    assert_eq!(tx.rep_state(&rep).await.expect("a state"), unknown);

    // Of four open hand-offs the opportunity takes up no place; a fifth has ended.
    for (email, stage) in [
        ("a@firm.example", Stage::HandedOff),
        ("b@firm.example", Stage::Accepted),
        ("c@firm.example", Stage::Contacted),
        ("d@firm.example", Stage::Opportunity),
    ] {
        handed_off(&mut tx, email, stage).await;
    }
    let (_, ended) = handed_off(&mut tx, "e@firm.example", Stage::Accepted).await;
    tx.end_hand_off(ended, "rejected", at("10:00:00")).await.expect("ended");
    let away = Some((at("12:00:00"), at("18:00:00")));
    tx.set_rep_away(&rep, away).await.expect("noted");
    assert_eq!(
        tx.rep_state(&rep).await.expect("a state"),
        RepState {
            email: rep.clone(),
            last_assigned_at: Some(at("09:00:00")),
            given_then: 4,
            assigned: 5,
            level: None,
            away,
            open_leads: 3,
        }
    );
    tx.set_rep_away(&rep, None).await.expect("noted");
    assert_eq!(tx.rep_state(&rep).await.expect("a state").away, None);
    // One who was never given anything may be away too.
    let other = address("rep2@ours.example");
    tx.set_rep_away(&other, away).await.expect("noted");
    assert_eq!(tx.rep_state(&other).await.expect("a state"), RepState { email: other, away, ..unknown });
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn one_at_a_time_decides_who_gets_a_lead(place: Place) {
    let store = place.store().await;
    let mut one = store.begin().await.expect("a transaction");
    one.lock_routing().await.expect("locked");
    one.lock_routing().await.expect("locked already");
    let (_, hand_off) = handed_off(&mut one, "jane@firm.example", Stage::HandedOff).await;
    let rep = address(REP);
    let mut other = Box::pin(async {
        let mut tx = store.begin().await.expect("a transaction");
        tx.lock_routing().await.expect("locked");
        let open = tx.rep_state(&rep).await.expect("a state").open_leads;
        tx.rollback().await.expect("undone");
        open
    });
    assert!(futures_util::poll!(&mut other).is_pending());
    one.end_hand_off(hand_off, "rejected", at("10:00:00")).await.expect("ended");
    one.commit().await.expect("committed");
    // It sees what the one before it did.
    assert_eq!(other.await, 0);
    store.close().await;
}

fn clock(lead: LeadId, hand_off: HandOffId, kind: PromiseKind) -> NewSlaClock {
    NewSlaClock {
        hand_off,
        lead,
        kind,
        terms: "{\"target\":480}".to_owned(),
        started_at: at("09:00:00"),
        deadline_at: at("17:00:00"),
        next_at: Some(at("15:00:00")),
    }
}

pub async fn a_clock_runs_until_it_is_stopped(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let (jane, turn) = handed_off(&mut tx, "jane@firm.example", Stage::HandedOff).await;
    let accept = tx.insert_sla_clock(&clock(jane, turn, PromiseKind::Accept)).await.expect("started");
    let earlier =
        NewSlaClock { next_at: Some(at("14:00:00")), ..clock(jane, turn, PromiseKind::FirstContact) };
    let contact = tx.insert_sla_clock(&earlier).await.expect("started");
    tx.commit().await.expect("committed");
    let mut tx = store.begin().await.expect("a transaction");
    assert_conflict(tx.insert_sla_clock(&clock(jane, turn, PromiseKind::Accept)).await);
    drop(tx);

    let mut tx = store.begin().await.expect("a transaction");
    let started = SlaClock {
        id: accept,
        hand_off: turn,
        lead: jane,
        kind: PromiseKind::Accept,
        number: 1,
        terms: "{\"target\":480}".to_owned(),
        started_at: at("09:00:00"),
        deadline_at: at("17:00:00"),
        next_at: Some(at("15:00:00")),
        state: "running".to_owned(),
        stopped_at: None,
        stopped_why: None,
    };
    let running = tx.running_clocks(jane).await.expect("clocks");
    assert_eq!((running.len(), &running[0]), (2, &started));
    assert_eq!(tx.leads_with_due_clock(at("13:59:59"), 10).await.expect("leads"), []);
    assert_eq!(tx.leads_with_due_clock(at("15:00:00"), 10).await.expect("leads"), [jane, jane]);
    assert_eq!(tx.leads_with_due_clock(at("15:00:00"), 1).await.expect("leads"), [jane]);
    assert_eq!(tx.next_clock_due().await.expect("an answer"), Some(at("14:00:00").as_millisecond()));

    tx.plan_clock(contact, at("18:00:00"), None).await.expect("planned");
    assert_eq!(tx.next_clock_due().await.expect("an answer"), Some(at("15:00:00").as_millisecond()));
    tx.stop_clock(accept, "met", "accepted", at("10:00:00")).await.expect("stopped");
    // What has stopped neither stops again nor moves.
    tx.stop_clock(accept, "late", "again", at("11:00:00")).await.expect("no error");
    tx.plan_clock(accept, at("20:00:00"), Some(at("20:00:00"))).await.expect("no error");
    assert_eq!(tx.next_clock_due().await.expect("an answer"), None);
    let all = tx.clocks_of(jane).await.expect("clocks");
    assert_eq!(
        all[0],
        SlaClock {
            next_at: None,
            state: "met".to_owned(),
            stopped_at: Some(at("10:00:00")),
            stopped_why: Some("accepted".to_owned()),
            ..started
        }
    );
    assert_eq!((all[1].id, all[1].deadline_at), (contact, at("18:00:00")));
    assert_eq!(tx.running_clocks(jane).await.expect("clocks"), all[1..]);
    assert_eq!(tx.running_clocks_of(&[jane]).await.expect("clocks"), all[1..]);
    assert_eq!(tx.leads_with_running_clocks(LeadId(0), 10).await.expect("leads"), [jane]);
    assert_eq!(tx.leads_with_running_clocks(jane, 10).await.expect("leads"), []);
    assert_eq!(tx.running_clocks_of(&[]).await.expect("clocks"), []);
    // Only what was kept late can turn out to have been kept earlier.
    tx.correct_clock(accept, "late", "another", at("11:00:00")).await.expect("no error");
    assert_eq!(tx.clocks_of(jane).await.expect("clocks")[0], all[0]);
    tx.change_clock(contact, "{}", at("19:00:00"), Some(at("18:30:00"))).await.expect("changed");
    let changed = tx.running_clocks(jane).await.expect("clocks").remove(0);
    assert_eq!((changed.terms.as_str(), changed.next_at), ("{}", Some(at("18:30:00"))));
    tx.stop_clock(contact, "late", "attempt", at("20:00:00")).await.expect("stopped");
    tx.correct_clock(contact, "met", "attempt", at("16:00:00")).await.expect("corrected");
    let corrected = tx.clocks_of(jane).await.expect("clocks").remove(1);
    assert_eq!((corrected.state.as_str(), corrected.stopped_at), ("met", Some(at("16:00:00"))));
    // What was promised and kept may be promised again.
    tx.insert_sla_clock(&clock(jane, turn, PromiseKind::Accept)).await.expect("started again");
    assert_eq!(tx.clocks_of(jane).await.expect("clocks")[2].number, 2);
    // One that was closed runs on, in another turn of the same rep; one that was kept does not.
    let quiet = NewSlaClock { next_at: None, ..clock(jane, turn, PromiseKind::Disposition) };
    let closed = tx.insert_sla_clock(&quiet).await.expect("started");
    tx.stop_clock(closed, "closed", "reassigned", at("11:00:00")).await.expect("stopped");
    for id in [closed, accept] {
        tx.reopen_clock(id, turn, "{}", at("18:00:00"), Some(at("16:00:00"))).await.expect("no error");
    }
    let running = tx.running_clocks(jane).await.expect("clocks");
    assert!(running.iter().any(|clock| clock.id == closed && clock.next_at == Some(at("16:00:00"))));
    assert!(running.iter().all(|clock| clock.id != accept));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_level_fires_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let (jane, turn) = handed_off(&mut tx, "jane@firm.example", Stage::HandedOff).await;
    let one = tx.insert_sla_clock(&clock(jane, turn, PromiseKind::Accept)).await.expect("started");
    let other = tx.insert_sla_clock(&clock(jane, turn, PromiseKind::FirstContact)).await.expect("started");
    assert!(fire(&mut tx, one, "owner", "15:00:00").await);
    assert!(fire(&mut tx, one, "breach", "17:00:00").await);
    assert!(!fire(&mut tx, one, "owner", "16:00:00").await, "even when its deadline has moved");
    assert!(fire(&mut tx, other, "owner", "15:00:00").await, "another clock's");
    assert_eq!(tx.fired_levels(one).await.expect("levels"), ["owner", "breach"]);
    assert_eq!(tx.fired_levels(other).await.expect("levels"), ["owner"]);
    let all = tx.fired_levels_of(&[other, one]).await.expect("levels");
    let named = |id, level: &str| (id, level.to_owned());
    assert_eq!(all, [named(one, "owner"), named(one, "breach"), named(other, "owner")]);
    tx.commit().await.expect("committed");
    store.close().await;
}

async fn fire(tx: &mut Tx, clock: SlaClockId, level: &str, fell_due_at: &str) -> bool {
    tx.fire_level(clock, level, at(fell_due_at), at("18:00:00")).await.expect("an answer")
}
