//! What marketing delivered, and how what was promised is watched.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use nurtured::domain::commitments::{Delivered, Outcome};
use nurtured::domain::ids::{HandOffId, LeadId};
use nurtured::domain::lead::{Lead, Stage};
use nurtured::domain::sla::PromiseKind;
use nurtured::store::{
    AgendaItem, CommitmentPeriod, FiredLevel, KeptPromise, NewDelivery, NewHandOff, NewSlaClock, Tx,
};

use super::{Place, address, at, insert, lead};

async fn handed_off(tx: &mut Tx, lead: LeadId, when: Timestamp) -> HandOffId {
    let new = NewHandOff {
        lead,
        rep: address("rep1@ours.example"),
        team: "sales".to_owned(),
        policy: "standard".to_owned(),
        campaign: "webinar".to_owned(),
        at: when,
    };
    tx.insert_hand_off(&new).await.expect("handed off")
}

async fn delivered(tx: &mut Tx, lead: LeadId, hand_off: HandOffId, qualified_at: Timestamp) {
    let filled = vec!["company".to_owned(), "Seats".to_owned()];
    let new = NewDelivery { lead, hand_off, campaign: "webinar".to_owned(), qualified_at, filled };
    tx.insert_delivery(&new).await.expect("delivered");
    tx.insert_delivery(&new).await.expect("the second time it is known");
}

pub async fn a_lead_is_delivered_once_however_often_it_changes_hands(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    // The first rep lets it lie, the second takes it, and gives it back.
    let first = handed_off(&mut tx, jane, at("09:00:00")).await;
    delivered(&mut tx, jane, first, at("08:30:00")).await;
    tx.end_hand_off(first, "reassigned", at("10:00:00")).await.expect("ended");
    let second = handed_off(&mut tx, jane, at("10:00:00")).await;
    let outcome = async |tx: &mut Tx| {
        let found = tx.delivered_between(at("08:00:00"), at("09:00:00")).await.expect("deliveries");
        found.into_iter().map(|lead| lead.outcome).collect::<Vec<_>>()
    };
    assert_eq!(outcome(&mut tx).await, [Outcome::Open]);
    tx.accept_hand_off(second, at("10:30:00")).await.expect("accepted");
    assert_eq!(outcome(&mut tx).await, [Outcome::Accepted]);
    tx.end_hand_off(second, "rejected: not-ready", at("11:00:00")).await.expect("ended");
    assert_eq!(outcome(&mut tx).await, [Outcome::Rejected("not-ready".to_owned())]);
    // It comes back, and is a delivery of its own: the first one's outcome stays.
    let third = handed_off(&mut tx, jane, at("13:00:00")).await;
    delivered(&mut tx, jane, third, at("12:00:00")).await;
    tx.accept_hand_off(third, at("13:10:00")).await.expect("accepted");
    assert_eq!(
        tx.delivered_between(at("08:00:00"), at("14:00:00")).await.expect("deliveries"),
        [Outcome::Rejected("not-ready".to_owned()), Outcome::Accepted].map(|outcome| Delivered {
            campaign: "webinar".to_owned(),
            filled: vec!["company".to_owned(), "Seats".to_owned()],
            outcome,
        })
    );
    assert_eq!(tx.delivered_between(at("08:30:01"), at("12:00:00")).await.expect("none"), []);
    assert_eq!(tx.delivered_since(at("08:30:00")).await.expect("counts"), [("webinar".to_owned(), 2)]);
    assert_eq!(
        tx.rejections(at("08:00:00"), at("14:00:00")).await.expect("counts"),
        [("not-ready".to_owned(), 1)]
    );
    assert_eq!(tx.rejections(at("11:00:01"), at("14:00:00")).await.expect("counts"), []);
    let (ended, together) = tx.time_with_reps(at("00:00:00")).await.expect("an answer");
    assert_eq!((ended, together), (2, SignedDuration::from_hours(2).as_millis() as i64));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn waiting_and_nearly_ready_leads_are_counted(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let webinar = |email: &str| Lead { campaign: Some("webinar".to_owned()), ..lead(email) };
    for lead in [
        Lead { stage: Stage::Qualified, ..webinar("a@firm.example") },
        Lead { stage: Stage::Qualified, stage_at: at("12:00:00"), ..webinar("b@firm.example") },
        Lead { stage: Stage::Qualified, ..lead("c@firm.example") },
        Lead { score: 30, ..webinar("d@firm.example") },
        Lead { score: 29, ..webinar("e@firm.example") },
        Lead { score: 90, stage: Stage::Resting, ..webinar("f@firm.example") },
    ] {
        insert(&mut tx, &lead).await;
    }
    let waiting = tx.qualified_waiting(at("08:00:00"), at("12:00:00")).await.expect("counts");
    assert_eq!(waiting, [(String::new(), 1), ("webinar".to_owned(), 1)]);
    assert_eq!(tx.nearly_ready(30).await.expect("counts"), [("webinar".to_owned(), 1)]);
    let jane = insert(&mut tx, &webinar("jane@firm.example")).await;
    let hand_off = handed_off(&mut tx, jane, at("09:00:00")).await;
    delivered(&mut tx, jane, hand_off, at("09:00:00")).await;
    let record = tx.qualification_record(at("08:00:00"), at("08:00:01")).await.expect("counts");
    assert_eq!(record, [("webinar".to_owned(), 6, 1)]);
    assert_eq!(tx.qualification_record(at("08:00:01"), at("09:00:00")).await.expect("none"), []);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn how_promises_were_kept_is_counted(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let mut clocks = Vec::new();
    for email in ["a@firm.example", "b@firm.example", "c@firm.example", "d@firm.example", "e@firm.example"] {
        let lead = insert(&mut tx, &lead(email)).await;
        let hand_off = handed_off(&mut tx, lead, at("09:00:00")).await;
        let clock = NewSlaClock {
            hand_off,
            lead,
            kind: PromiseKind::FirstContact,
            terms: "{}".to_owned(),
            started_at: at("09:00:00"),
            deadline_at: at("10:00:00"),
            next_at: None,
        };
        clocks.push(tx.insert_sla_clock(&clock).await.expect("a clock"));
    }
    // Kept; too late; taken away after the deadline; closed before it; still running.
    tx.stop_clock(clocks[0], "met", "attempt", at("09:30:00")).await.expect("stopped");
    tx.stop_clock(clocks[1], "late", "attempt", at("10:30:00")).await.expect("stopped");
    tx.stop_clock(clocks[2], "closed", "reassigned", at("11:00:00")).await.expect("stopped");
    tx.stop_clock(clocks[3], "closed", "rejected", at("09:10:00")).await.expect("stopped");
    let kept = |kept, broken| {
        [KeptPromise { kind: "first_contact".to_owned(), policy: "standard".to_owned(), kept, broken }]
    };
    assert_eq!(tx.kept_promises(at("09:00:00"), at("09:59:00")).await.expect("counts"), kept(1, 2));
    assert_eq!(tx.kept_promises(at("09:00:00"), at("12:00:00")).await.expect("counts"), kept(1, 3));
    assert_eq!(tx.kept_promises(at("09:00:01"), at("12:00:00")).await.expect("counts"), []);
    for (clock, level, due) in [
        (clocks[1], "breach", "10:00:00"),
        (clocks[2], "breach", "10:00:00"),
        (clocks[2], "warning", "09:45:00"),
    ] {
        assert!(tx.fire_level(clock, level, at(due), at("10:00:00")).await.expect("fired"));
    }
    let fired = |level: &str, times| FiredLevel {
        kind: "first_contact".to_owned(),
        policy: "standard".to_owned(),
        level: level.to_owned(),
        times,
    };
    // A reminder before the deadline is no broken promise.
    let broken = tx.most_fired_levels(at("09:00:00"), at("12:00:00"), 5).await.expect("counts");
    assert_eq!(broken, [fired("breach", 2)]);
    assert_eq!(tx.most_fired_levels(at("09:00:00"), at("12:00:00"), 0).await.expect("counts").len(), 0);
    assert_eq!(tx.most_fired_levels(at("10:00:01"), at("12:00:00"), 5).await.expect("none"), []);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_commitment_is_told_and_closed_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    assert!(!tx.was_committed("volume").await.expect("an answer"));
    let march = (date(2026, 3, 1), date(2026, 4, 1));
    tx.begin_commitment("volume", march, date(2026, 3, 16)).await.expect("begun");
    tx.begin_commitment("volume", march, date(2026, 3, 20)).await.expect("the first time counts");
    assert!(tx.was_committed("volume").await.expect("an answer"));
    let row = CommitmentPeriod {
        name: "volume".to_owned(),
        first: march.0,
        next: march.1,
        seen: date(2026, 3, 16),
        behind_since: None,
        told_at: None,
    };
    assert_eq!(tx.open_commitments().await.expect("rows"), std::slice::from_ref(&row));
    assert_eq!(tx.last_told_behind().await.expect("an answer"), None);
    tx.set_behind("volume", march.0, Some(at("09:00:00"))).await.expect("noted");
    tx.set_behind_told("volume", march.0, at("09:00:00")).await.expect("noted");
    let told = CommitmentPeriod { behind_since: Some(at("09:00:00")), told_at: Some(at("09:00:00")), ..row };
    assert_eq!(tx.open_commitments().await.expect("rows"), [told]);
    tx.set_behind("volume", march.0, None).await.expect("noted");
    assert_eq!(
        tx.last_told_behind().await.expect("an answer"),
        Some(at("09:00:00")),
        "the spell is over, the mail was sent"
    );
    assert!(tx.close_commitment("volume", march.0, at("10:00:00")).await.expect("closed"));
    assert!(!tx.close_commitment("volume", march.0, at("11:00:00")).await.expect("closed before"));
    assert_eq!(tx.open_commitments().await.expect("rows"), []);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn an_item_of_the_agenda_is_taken_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.next_agenda_due().await.expect("an answer"), None);
    tx.plan_agenda("review", None, "v1").await.expect("planned");
    assert_eq!(tx.next_agenda_due().await.expect("an answer"), None);
    tx.plan_agenda("review", Some(at("09:00:00")), "v2").await.expect("planned");
    assert_eq!(tx.next_agenda_due().await.expect("an answer"), Some(at("09:00:00").as_millisecond()));
    assert!(!tx.take_agenda("review", at("08:59:59"), None).await.expect("an answer"), "it is not due");
    let tomorrow = at("09:00:00") + SignedDuration::from_hours(24);
    assert!(tx.take_agenda("review", at("09:00:01"), Some(tomorrow)).await.expect("an answer"));
    assert!(!tx.take_agenda("review", at("09:00:02"), None).await.expect("an answer"), "somebody has it");
    let item = AgendaItem {
        topic: "review".to_owned(),
        due_at: Some(tomorrow),
        done_at: Some(at("09:00:01")),
        playbook: "v2".to_owned(),
    };
    assert_eq!(tx.agenda().await.expect("rows"), [item]);
    tx.commit().await.expect("committed");
    store.close().await;
}
