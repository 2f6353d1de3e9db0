//! Enrolments: the unique keys behind "no lead ever gets the same thing twice", and one voice at a time.

use nurtured::domain::ids::{EnrolmentId, LeadId};
use nurtured::domain::lead::{Lead, Stage};
use nurtured::store::{Advance, NewEnrolment, StoreError};

use super::{Place, at, enrolment, insert, lead};

pub async fn a_lead_is_in_one_sequence_at_a_time_and_in_each_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let welcome = enrolment(jane, "welcome");
    let first = tx.insert_enrolment(&welcome).await.expect("an answer").expect("enrolled");
    let active = tx.active_enrolment(jane).await.expect("an answer").expect("one runs");
    assert_eq!((active.id, active.lead, active.sequence.as_str()), (first, jane, "welcome"));
    assert_eq!((active.entry, active.round, active.is_active), (1, 1, true));
    assert_eq!((active.started_at, active.due_at), (at("09:00:00"), Some(at("09:00:00"))));
    assert_eq!((active.last_sent_at, active.ended_at, active.ended_why), (None, None, None));

    let second = enrolment(jane, "long-term");
    assert_eq!(tx.insert_enrolment(&second).await.expect("an answer"), None, "one at a time");
    assert!(tx.end_enrolment(first, true, "through", at("10:00:00")).await.expect("an answer"));
    assert!(!tx.end_enrolment(first, false, "replied", at("11:00:00")).await.expect("an answer"), "it ended");
    assert_eq!(tx.active_enrolment(jane).await.expect("an answer"), None);

    assert_eq!(tx.insert_enrolment(&welcome).await.expect("an answer"), None, "each once");
    let again = NewEnrolment { entry: 2, round: 2, ..welcome };
    let again = tx.insert_enrolment(&again).await.expect("an answer").expect("re-entry is allowed");
    assert!(tx.end_enrolment(again, false, "replied", at("12:00:00")).await.expect("an answer"));
    assert_eq!(tx.entries(jane, "welcome", 2).await.expect("counts"), (2, 1));
    assert_eq!(tx.entries(jane, "long-term", 1).await.expect("counts"), (0, 0));

    let all = tx.enrolments_of(jane).await.expect("enrolments");
    let ends: Vec<_> = all.iter().map(|one| (one.id, one.ended_at, one.ended_why.as_deref())).collect();
    assert_eq!(
        ends,
        [(first, Some(at("10:00:00")), Some("through")), (again, Some(at("12:00:00")), Some("replied"))]
    );
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn sales_has_no_voice_while_an_enrolment_runs(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let running =
        tx.insert_enrolment(&enrolment(jane, "welcome")).await.expect("an answer").expect("enrolled");
    tx.commit().await.expect("committed");

    let handed_off = Lead { id: jane, stage: Stage::HandedOff, ..lead("jane@firm.example") };
    let mut tx = store.begin().await.expect("a transaction");
    let refused = tx.save_lead(&handed_off).await;
    assert!(matches!(refused, Err(StoreError::Driver(_))), "{refused:?}");
    drop(tx);

    // Qualified is still nurture's word.
    let mut tx = store.begin().await.expect("a transaction");
    let qualified = Lead { stage: Stage::Qualified, ..handed_off.clone() };
    tx.save_lead(&qualified).await.expect("saved");
    assert!(tx.end_enrolment(running, false, "handed off", at("10:00:00")).await.expect("an answer"));
    tx.save_lead(&handed_off).await.expect("the enrolment has ended");
    tx.commit().await.expect("committed");

    // And the other way round.
    let mut tx = store.begin().await.expect("a transaction");
    let refused = tx.insert_enrolment(&enrolment(jane, "long-term")).await;
    assert!(matches!(refused, Err(StoreError::Driver(_))), "{refused:?}");
    drop(tx);
    store.close().await;
}

pub async fn enrolments_are_looked_at_when_they_are_due(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let mut pairs: Vec<(LeadId, EnrolmentId)> = Vec::new();
    for (email, due_at) in
        [("a@firm.example", "11:00:00"), ("b@firm.example", "10:00:00"), ("c@firm.example", "12:00:00")]
    {
        let lead = insert(&mut tx, &lead(email)).await;
        let new = NewEnrolment { due_at: at(due_at), ..enrolment(lead, "welcome") };
        pairs.push((lead, tx.insert_enrolment(&new).await.expect("an answer").expect("enrolled")));
    }
    let [(a, in_a), (b, in_b), (c, in_c)] = pairs.try_into().expect("three leads");
    assert_eq!(tx.leads_with_due_enrolment(at("11:00:00"), 10).await.expect("leads"), [b, a]);
    assert_eq!(tx.leads_with_due_enrolment(at("11:00:00"), 1).await.expect("leads"), [b]);
    assert_eq!(tx.next_enrolment_due().await.expect("an answer"), Some(at("10:00:00").as_millisecond()));

    // While a step waits in the outbox nothing is due.
    tx.await_send(&[in_a, in_b]).await.expect("noted");
    assert_eq!(tx.leads_with_due_enrolment(at("23:00:00"), 10).await.expect("leads"), [c]);
    tx.look_at_enrolment(in_a, Some(at("09:00:00"))).await.expect("noted");
    tx.look_at_enrolment(in_c, None).await.expect("noted");
    assert_eq!(tx.leads_with_due_enrolment(at("23:00:00"), 10).await.expect("leads"), [a]);

    // Sent steps move on, skipped ones keep the time of the last mail, ended enrolments stay ended.
    let advance = |enrolment, sent_at, due_at| Advance { enrolment, sent_at, due_at: at(due_at) };
    tx.end_enrolment(in_c, false, "replied", at("12:00:00")).await.expect("an answer");
    tx.advance_enrolments(&[
        advance(in_a, Some(at("13:00:00")), "15:00:00"),
        advance(in_b, None, "16:00:00"),
        advance(in_c, Some(at("13:00:00")), "17:00:00"),
    ])
    .await
    .expect("moved on");
    tx.advance_enrolments(&[advance(in_a, None, "18:00:00")]).await.expect("moved on");
    let active = tx.active_enrolments_of(&[c, b, a]).await.expect("enrolments");
    let times: Vec<_> = active.iter().map(|one| (one.id, one.last_sent_at, one.due_at)).collect();
    assert_eq!(
        times,
        [(in_a, Some(at("13:00:00")), Some(at("18:00:00"))), (in_b, None, Some(at("16:00:00")))]
    );
    // One with a mail that is yet to leave waits for that.
    tx.await_send(&[in_b]).await.expect("noted");
    assert_eq!(tx.insert_mails(&[super::outbox::step(b, in_b, "k1", "second")]).await.expect("planned"), 1);
    tx.advance_enrolments(&[advance(in_b, Some(at("14:00:00")), "19:00:00")]).await.expect("no error");
    let waiting = tx.active_enrolment(b).await.expect("an answer").expect("an enrolment");
    assert_eq!((waiting.last_sent_at, waiting.due_at), (None, None));
    let ended = tx.enrolments_of(c).await.expect("enrolments");
    assert_eq!(ended.iter().map(|one| (one.last_sent_at, one.due_at)).collect::<Vec<_>>(), [(None, None)]);
    tx.commit().await.expect("committed");
    store.close().await;
}
