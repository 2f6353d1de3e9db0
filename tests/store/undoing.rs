//! What can be undone, and mails that wait for a person's word.

use nurtured::store::{NewEvent, NewInboundMail, Question};
use serde_json::json;

use super::{Place, at, enrolment, insert, lead};

pub async fn what_was_so_before_is_kept_until_it_is_undone_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let event = |kind| NewEvent {
        lead: Some(jane),
        occurred_at: at("09:00:00"),
        recorded_at: at("09:00:00"),
        kind,
        actor: None,
        playbook: None,
        mail: None,
        facts: json!({ "resumes": "2026-03-16T12:30:00Z" }),
    };
    let away = tx.append_with_text(&event("out_of_office"), None).await.expect("an entry");
    let stage = tx.append_with_text(&event("stage"), None).await.expect("an entry");
    assert_eq!(
        tx.event(away).await.expect("an answer").map(|one| one.kind).as_deref(),
        Some("out_of_office")
    );
    tx.keep_for_undo(away, jane, &json!({ "round": 1 })).await.expect("kept");
    assert_eq!(tx.kept_for_undo(away).await.expect("an answer"), Some(json!({ "round": 1 })));
    assert_eq!(tx.kept_for_undo(stage).await.expect("an answer"), None);
    assert_eq!(tx.pausing_events_of(&[jane]).await.expect("entries").len(), 1);

    assert!(!tx.is_undone(away).await.expect("an answer"));
    assert!(tx.mark_undone(away, at("10:00:00")).await.expect("an answer"));
    assert!(!tx.mark_undone(away, at("11:00:00")).await.expect("an answer"), "it was");
    assert!(!tx.mark_undone(stage, at("11:00:00")).await.expect("an answer"), "it cannot be");
    assert!(tx.is_undone(away).await.expect("an answer"));
    assert_eq!(tx.kept_for_undo(away).await.expect("an answer"), None);
    assert_eq!(tx.undone_events(jane).await.expect("entries"), [away]);
    assert_eq!(tx.pausing_events_of(&[jane]).await.expect("entries"), [], "it stops no clock any more");
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_sequence_goes_on_that_should_not_have_ended_unless_there_is_another(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let welcome = tx.insert_enrolment(&enrolment(jane, "welcome")).await.expect("an answer").expect("one");
    assert!(!tx.reopen_enrolment(welcome, None).await.expect("an answer"), "it runs");
    tx.end_enrolment(welcome, false, "it replied", at("10:00:00")).await.expect("an answer");
    let other = tx.insert_enrolment(&enrolment(jane, "long-term")).await.expect("an answer").expect("one");
    assert!(!tx.reopen_enrolment(welcome, None).await.expect("an answer"), "there is another");
    tx.end_enrolment(other, true, "through", at("11:00:00")).await.expect("an answer");
    assert!(tx.reopen_enrolment(welcome, Some(at("12:00:00"))).await.expect("an answer"));
    let active = tx.active_enrolment(jane).await.expect("an answer").expect("one runs");
    assert_eq!((active.id, active.due_at, active.ended_at), (welcome, Some(at("12:00:00")), None));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_mail_that_may_be_a_lead_s_holds_its_sequence_until_it_is_settled(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let john = insert(&mut tx, &lead("john@firm.example")).await;
    for (identity, lead, until) in
        [("one", jane, "12:00:00"), ("two", jane, "14:00:00"), ("three", john, "12:00:00")]
    {
        let question = Question { lead, proposal: "{}".to_owned(), held_until: at(until) };
        let mail = NewInboundMail {
            identity,
            received_at: at("09:00:00"),
            result: "kept",
            why: "because",
            raw: Some(b"x"),
            question: Some(question),
        };
        tx.insert_inbound_mail(&mail).await.expect("an answer").expect("a number");
    }
    let mut held = tx.unclear_until(&[jane, john], at("10:00:00")).await.expect("an answer");
    held.sort_unstable();
    assert_eq!(held, [(jane, at("14:00:00")), (john, at("12:00:00"))]);
    let held = tx.unclear_until(&[jane, john], at("13:00:00")).await.expect("an answer");
    assert_eq!(held, [(jane, at("14:00:00"))]);

    let kept = tx.kept_mails(0, 10).await.expect("mails");
    assert_eq!(kept[1].question, Some((jane, "{}".to_owned())));
    assert!(tx.settle_kept_mail(kept[1].id, "theirs").await.expect("an answer"));
    assert!(!tx.settle_kept_mail(kept[1].id, "theirs").await.expect("an answer"), "it was settled");
    assert_eq!(tx.inbound_result("two").await.expect("an answer").as_deref(), Some("done"));
    let held = tx.unclear_until(&[jane], at("13:00:00")).await.expect("an answer");
    assert_eq!(held, []);
    tx.forget_kept_mails_of(jane).await.expect("forgotten");
    let left: Vec<_> = tx.kept_mails(0, 10).await.expect("mails").into_iter().map(|mail| mail.id).collect();
    assert_eq!(left, [kept[2].id]);
    tx.commit().await.expect("committed");
    store.close().await;
}
