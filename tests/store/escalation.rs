//! What staff is told in bundles: matters, and the appointments of reps.

use nurtured::domain::escalation::{self, Purpose};
use nurtured::domain::ids::{LeadId, SlaClockId};
use nurtured::domain::lead::{Lead, Stage};
use nurtured::domain::mail::{Audience, MailClass, MailState};
use nurtured::store::{NewHandOff, NewMail, NewMatter, NewSlaClock, Tx};

use super::{Place, address, at, insert, lead};

const MANAGER: &str = "manager@ours.example";
const ROBIN: &str = "robin@ours.example";

fn matter(lead: LeadId, clock: Option<SlaClockId>, key: &str, noted: &str) -> NewMatter {
    NewMatter {
        recipient: address(MANAGER),
        lead,
        clock,
        unique_key: key.to_owned(),
        class: MailClass::Escalation,
        template: "escalation".to_owned(),
        level: Some("breach".to_owned()),
        body: "{\"to_name\":\"Manager\"}".to_owned(),
        weight: escalation::Matter { own: false, urgent: true, found_late: false },
        noted_at: at(noted),
    }
}

async fn mail(tx: &mut Tx, key: &str) -> nurtured::domain::ids::OutboxId {
    let mail = NewMail {
        audience: Audience::Staff,
        class: MailClass::Digest,
        state: MailState::Pending,
        due_at: at("09:00:00"),
        lead: None,
        recipient: address(MANAGER),
        unique_key: key.to_owned(),
        requested: false,
        playbook: "v1".to_owned(),
        enrolment: None,
        sequence: None,
        step: None,
        level: None,
        subject: Some("2 leads overdue".to_owned()),
        message: None,
        planned_at: at("09:00:00"),
    };
    tx.insert_mail(&mail).await.expect("planned").expect("a new key")
}

/// A lead that is handed to a rep, with a running promise.
async fn handed(tx: &mut Tx, email: &str, rep: &str, deadline: &str) -> (LeadId, SlaClockId) {
    let id = insert(tx, &Lead { stage: Stage::HandedOff, ..lead(email) }).await;
    let hand_off = NewHandOff {
        lead: id,
        rep: address(rep),
        team: "sales".to_owned(),
        policy: "standard".to_owned(),
        campaign: "default".to_owned(),
        at: at("09:00:00"),
    };
    let hand_off = tx.insert_hand_off(&hand_off).await.expect("handed off");
    let clock = NewSlaClock {
        hand_off,
        lead: id,
        kind: "first_contact".parse().expect("a promise"),
        terms: "{}".to_owned(),
        started_at: at("09:00:00"),
        deadline_at: at(deadline),
        next_at: None,
    };
    (id, tx.insert_sla_clock(&clock).await.expect("started"))
}

pub async fn a_matter_is_told_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    tx.lock_telling().await.expect("locked");
    assert_eq!(tx.next_matter_due().await.expect("an answer"), None);
    let (jane, clock) = handed(&mut tx, "jane@firm.example", ROBIN, "11:00:00").await;
    let first = matter(jane, Some(clock), "level:1:breach", "11:00:00");
    assert!(tx.insert_matter(&first).await.expect("noted"));
    assert!(!tx.insert_matter(&first).await.expect("an answer"), "it was noted before");
    assert!(tx.insert_matter(&matter(jane, None, "notice:2", "11:01:00")).await.expect("noted"));
    assert!(tx.insert_matter(&matter(jane, None, "notice:3", "11:02:00")).await.expect("noted"));
    assert_eq!(tx.next_matter_due().await.expect("an answer"), Some(at("11:00:00").as_millisecond()));

    let manager = address(MANAGER);
    assert_eq!(tx.recipients_due(at("10:59:59"), 9).await.expect("an answer"), []);
    assert_eq!(
        tx.recipients_due(at("11:00:00"), 9).await.expect("an answer"),
        std::slice::from_ref(&manager)
    );
    let untold = tx.untold(&manager, 9).await.expect("an answer");
    assert_eq!(untold.len(), 3);
    assert_eq!((&untold[0].what, untold[0].waits, untold[0].due_at), (&first, false, at("11:00:00")));

    // The first is told alone and counts, the second waits for the digest, the third with it.
    let alone = mail(&mut tx, "alone").await;
    tx.matter_told(untold[0].id, Some(alone), Some(20_514)).await.expect("told");
    assert_eq!(tx.matters_counted_on(&manager, 20_514).await.expect("a count"), 1);
    assert_eq!(tx.matters_counted_on(&manager, 20_515).await.expect("a count"), 0);
    tx.put_off_matters(&[untold[1].id, untold[2].id], at("14:00:00")).await.expect("put off");
    assert_eq!(tx.recipients_due(at("13:59:59"), 9).await.expect("an answer"), []);
    let waiting = tx.untold(&manager, 9).await.expect("an answer");
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|matter| matter.waits && matter.due_at == at("14:00:00")));
    let digest = mail(&mut tx, "digest").await;
    tx.matters_told_in(&[waiting[0].id], digest).await.expect("told");
    tx.matters_settled(&[waiting[1].id], at("14:00:00")).await.expect("settled");
    assert_eq!(tx.untold(&manager, 9).await.expect("an answer"), []);
    assert_eq!(tx.next_matter_due().await.expect("an answer"), None);
    assert!(!tx.insert_matter(&first).await.expect("an answer"), "told for ever");
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn the_many_matters_of_one_reader_hide_nothing_else(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    for number in 0..3 {
        tx.insert_matter(&matter(jane, None, &format!("late:{number}"), "11:00:00")).await.expect("noted");
    }
    let waiting = tx.untold(&address(MANAGER), 9).await.expect("an answer");
    let ids: Vec<_> = waiting.iter().map(|matter| matter.id).collect();
    tx.put_off_matters(&ids, at("14:00:00")).await.expect("put off");
    for (recipient, key) in [(MANAGER, "fresh:1"), (MANAGER, "fresh:2"), (ROBIN, "fresh:3")] {
        let fresh = NewMatter { recipient: address(recipient), ..matter(jane, None, key, "12:00:00") };
        tx.insert_matter(&fresh).await.expect("noted");
    }
    let readers = tx.recipients_due(at("12:00:00"), 2).await.expect("an answer");
    assert_eq!(readers, [address(MANAGER), address(ROBIN)], "each reader once");
    let untold = tx.untold(&address(MANAGER), 2).await.expect("an answer");
    let keys: Vec<&str> = untold.iter().map(|matter| matter.what.unique_key.as_str()).collect();
    assert_eq!(keys, ["fresh:1", "fresh:2"], "what waits for its hour comes after what is due");
    tx.rollback().await.expect("rolled back");
    store.close().await;
}

pub async fn nothing_more_is_told_about_a_lead_that_is_forgotten(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let joe = insert(&mut tx, &lead("joe@firm.example")).await;
    for (lead, key) in [(jane, "a"), (joe, "b"), (jane, "c")] {
        tx.insert_matter(&matter(lead, None, key, "11:00:00")).await.expect("noted");
    }
    tx.forget_matters_of(jane).await.expect("forgotten");
    let untold = tx.untold(&address(MANAGER), 9).await.expect("an answer");
    assert_eq!(untold.iter().map(|matter| matter.what.lead).collect::<Vec<_>>(), [joe]);
    tx.commit().await.expect("committed");
    let mut connection = place.connection().await;
    let kept =
        connection.execute("UPDATE matter SET body = body WHERE body IS NOT NULL").await.expect("an answer");
    assert_eq!(kept, 1, "what was to be said of the other is gone");
    connection.close().await;
    store.close().await;
}

pub async fn a_rep_has_one_appointment_for_each_purpose(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let (robin, sam) = (address(ROBIN), address("sam@ours.example"));
    let next = |at: Option<i64>| at;
    assert_eq!(tx.next_appointment(Purpose::CallList).await.expect("an answer"), None);
    tx.make_appointment(&robin, Purpose::CallList, at("09:00:00")).await.expect("made");
    tx.make_appointment(&robin, Purpose::CallList, at("08:00:00")).await.expect("it stays as it is");
    tx.make_appointment(&sam, Purpose::CallList, at("10:00:00")).await.expect("made");
    tx.move_appointment(&robin, Purpose::Absence, at("07:00:00")).await.expect("made");
    assert_eq!(
        next(tx.next_appointment(Purpose::CallList).await.expect("an answer")),
        Some(at("09:00:00").as_millisecond())
    );
    assert_eq!(tx.appointments_due(Purpose::CallList, at("08:59:59"), 9).await.expect("an answer"), []);
    assert_eq!(
        tx.appointments_due(Purpose::CallList, at("10:00:00"), 9).await.expect("an answer"),
        [(robin.clone(), at("09:00:00")), (sam.clone(), at("10:00:00"))]
    );
    tx.move_appointment(&robin, Purpose::CallList, at("11:00:00")).await.expect("moved");
    tx.cancel_appointment(&sam, Purpose::CallList).await.expect("cancelled");
    assert_eq!(
        tx.appointments_due(Purpose::CallList, at("12:00:00"), 9).await.expect("an answer"),
        [(robin.clone(), at("11:00:00"))]
    );
    assert_eq!(
        tx.appointments_due(Purpose::Absence, at("12:00:00"), 9).await.expect("an answer"),
        [(robin, at("07:00:00"))]
    );
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_rep_s_untried_leads_are_known(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let robin = address(ROBIN);
    let (jane, _) = handed(&mut tx, "jane@firm.example", ROBIN, "11:00:00").await;
    let (tried, clock) = handed(&mut tx, "joe@firm.example", ROBIN, "12:00:00").await;
    let (given_back, _) = handed(&mut tx, "jim@firm.example", ROBIN, "12:00:00").await;
    handed(&mut tx, "jon@firm.example", "sam@ours.example", "12:00:00").await;
    tx.stop_clock(clock, "met", "attempt", at("10:00:00")).await.expect("stopped");
    let hand_off = tx.open_hand_off(given_back).await.expect("an answer").expect("handed off");
    tx.end_hand_off(hand_off.id, "rejected", at("10:00:00")).await.expect("ended");
    let untried = tx.untried_leads_of(&robin).await.expect("an answer");
    let found: Vec<_> = untried.iter().map(|(lead, _, due)| (*lead, *due)).collect();
    assert_eq!(found, [(jane, at("11:00:00"))]);
    assert_eq!(tx.open_leads_of(&robin).await.expect("an answer"), [jane, tried]);
    tx.commit().await.expect("committed");
    store.close().await;
}
