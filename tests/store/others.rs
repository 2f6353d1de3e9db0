//! What is kept for other programs: their tokens, the answers they got, what they are still to be told; and what is
//! left of people who had their data erased.

use nurtured::domain::access::Scope;
use nurtured::domain::contact::SuppressionReason;
use nurtured::domain::ids::{EnrolmentId, EventId, LeadId};
use nurtured::domain::lead::Answer;
use nurtured::domain::mail::{Audience, MailClass, MailState};
use nurtured::store::{Began, Lease, NewEvent, NewMail, NewToken, Tx};
use serde_json::json;

use super::{Place, address, at, insert, lead, outbox};

fn token(name: &str) -> NewToken {
    NewToken {
        name: name.to_owned(),
        hash: format!("hash of {name}"),
        scopes: vec![Scope::LeadsRead, Scope::PersonErase],
        campaign: None,
        created_at: at("09:00:00"),
        expires_at: Some(at("18:00:00")),
    }
}

pub async fn a_token_is_known_by_its_hash(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let crm = tx.insert_token(&token("crm")).await.expect("an answer").expect("a new name");
    let other = NewToken { hash: "another".to_owned(), ..token("crm") };
    assert_eq!(tx.insert_token(&other).await.expect("an answer"), None, "the name is in use");
    let grant = tx.token_by_hash("hash of crm").await.expect("an answer").expect("the token");
    assert_eq!((grant.id, grant.scopes.as_slice()), (crm, [Scope::LeadsRead, Scope::PersonErase].as_slice()));
    assert_eq!((grant.expires_at, grant.last_used_at), (Some(at("18:00:00")), None));
    assert_eq!(tx.token_by_hash("crm").await.expect("an answer"), None);
    tx.token_used(crm, at("10:00:00")).await.expect("noted");
    assert!(tx.revoke_token("crm", at("11:00:00")).await.expect("an answer"));
    assert!(!tx.revoke_token("crm", at("12:00:00")).await.expect("an answer"));
    assert!(tx.insert_token(&other).await.expect("an answer").is_some(), "its name is free again");
    let all = tx.tokens().await.expect("tokens");
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].last_used_at, all[0].revoked_at), (Some(at("10:00:00")), Some(at("11:00:00"))));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_request_is_begun_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let crm = tx.insert_token(&token("crm")).await.expect("an answer").expect("a new name");
    let begin = async |tx: &mut Tx, request: &str, now: &str, lost_before: &str| {
        tx.begin_request(crm, "key", request, at(now), at(lost_before)).await.expect("an answer")
    };
    assert_eq!(begin(&mut tx, "a", "09:00:00", "08:59:00").await, Began::First);
    assert_eq!(begin(&mut tx, "a", "09:00:30", "08:59:30").await, Began::UnderWay);
    assert_eq!(begin(&mut tx, "b", "09:00:30", "08:59:30").await, Began::OtherRequest);
    // Whoever began it is gone; what they still say of it no longer counts.
    assert_eq!(begin(&mut tx, "a", "09:02:00", "09:01:00").await, Began::First);
    tx.finish_request(crm, "key", at("09:00:00"), 500, "late").await.expect("no effect");
    tx.forget_request(crm, "key", at("09:00:00")).await.expect("no effect");
    assert_eq!(begin(&mut tx, "a", "09:02:10", "09:01:10").await, Began::UnderWay);
    tx.finish_request(crm, "key", at("09:02:00"), 201, "{}").await.expect("kept");
    let answered = Began::Answered { status: 201, answer: "{}".to_owned() };
    assert_eq!(begin(&mut tx, "a", "12:00:00", "11:59:00").await, answered);
    tx.forget_request(crm, "key", at("09:02:00")).await.expect("no effect");
    assert_eq!(begin(&mut tx, "a", "12:00:00", "11:59:00").await, answered, "an answer is not forgotten so");
    assert_eq!(tx.forget_requests(at("09:02:00")).await.expect("a count"), 0);
    assert_eq!(tx.forget_requests(at("09:02:01")).await.expect("a count"), 1);
    assert_eq!(begin(&mut tx, "b", "12:00:00", "11:59:00").await, Began::First);
    let named = "{\"email\":\"jane@firm.example\"}";
    tx.finish_request(crm, "key", at("12:00:00"), 201, named).await.expect("kept");
    tx.forget_answers_naming(&address("john@firm.example")).await.expect("no effect");
    let answered = Began::Answered { status: 201, answer: named.to_owned() };
    assert_eq!(begin(&mut tx, "b", "13:00:00", "12:59:00").await, answered);
    tx.forget_answers_naming(&address("jane@firm.example")).await.expect("forgotten");
    assert_eq!(begin(&mut tx, "b", "13:00:00", "12:59:00").await, Began::First);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn words_of_a_person_go_and_facts_stay(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let (jane, gone) = (address("jane@firm.example"), address("x@erased.invalid"));
    let id = insert(&mut tx, &lead("jane@firm.example")).await;
    let said = Answer { question: "Who?".to_owned(), answer: "Jane".to_owned(), occurred_at: None };
    tx.insert_answer(id, &said, "f", at("09:00:00")).await.expect("kept");
    let event = event(Some(id), "won");
    tx.append_with_text(&event, Some("Jane said yes")).await.expect("kept");
    tx.suppress(&jane, SuppressionReason::DoNotCall, Some("Jane said so"), at("09:00:00"))
        .await
        .expect("kept");
    assert!(!tx.mail_is_being_sent(id).await.expect("an answer"));
    tx.erase_words_of(id, &gone, at("10:00:00")).await.expect("erased");
    tx.move_suppressions(&jane, &gone).await.expect("moved");
    let list = NewMail {
        audience: Audience::Staff,
        class: MailClass::Digest,
        lead: None,
        subject: Some("3 leads".to_owned()),
        message: Some(b"Jane and others".to_vec()),
        ..outbox::step(id, EnrolmentId(1), "list", "")
    };
    let list = NewMail { enrolment: None, sequence: None, step: None, ..list };
    let list = tx.insert_mail(&list).await.expect("planned").expect("a row");
    let waiting = tx.waiting_bundles().await.expect("lists");
    assert_eq!(waiting.iter().map(|list| list.id).collect::<Vec<_>>(), [list]);
    assert_eq!((waiting[0].state, &waiting[0].message[..]), (MailState::Pending, &b"Jane and others"[..]));
    assert!(tx.rewrite_waiting_bundle(list, "leads", b"others").await.expect("an answer"));
    assert_eq!(tx.mail_message(list).await.expect("bytes").as_deref(), Some(&b"others"[..]));
    tx.mark_sending(&[list], Lease { token: 1, length_ms: 1 }, at("09:00:00")).await.expect("claimed");
    assert!(!tx.rewrite_waiting_bundle(list, "", b"").await.expect("an answer"), "it is leaving");
    tx.remember_erased("h", Some(id), at("10:00:00")).await.expect("remembered");
    tx.remember_erased("h", Some(id), at("11:00:00")).await.expect("no effect");
    assert!(tx.answers(id).await.expect("answers").is_empty());
    assert!(tx.event_texts(id).await.expect("texts").is_empty());
    assert_eq!(tx.events_of(id).await.expect("events").len(), 1);
    assert!(tx.suppressions(&jane).await.expect("suppressions").is_empty());
    let moved = tx.list_suppressions(0, 10).await.expect("suppressions");
    assert_eq!(moved.iter().map(|(_, row)| &row.email).collect::<Vec<_>>(), [&gone]);
    assert!(tx.list_suppressions(moved[0].0, 10).await.expect("suppressions").is_empty());
    let known = tx.erased_among(&["h".to_owned(), "other".to_owned()]).await.expect("an answer");
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["h"]);
    assert!(tx.welcome_back("h").await.expect("an answer"));
    assert!(!tx.welcome_back("h").await.expect("an answer"));
    tx.move_suppressions(&gone, &jane).await.expect("moved");
    assert_eq!(tx.suppressions(&jane).await.expect("suppressions").len(), 1);
    tx.commit().await.expect("committed");
    store.close().await;
}

fn event(lead: Option<LeadId>, kind: &'static str) -> NewEvent {
    NewEvent {
        lead,
        occurred_at: at("09:00:00"),
        recorded_at: at("09:00:00"),
        kind,
        actor: None,
        playbook: None,
        mail: None,
        facts: json!({}),
    }
}

pub async fn who_subscribes_is_told_of_each_event_in_its_order(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let john = insert(&mut tx, &lead("john@firm.example")).await;
    tx.append(&[event(Some(jane), "won")]).await.expect("appended");
    tx.set_webhooks(&[("crm", vec!["won", "lost"]), ("wall", vec!["won"])]).await.expect("set");
    tx.append(&[event(Some(jane), "lost"), event(Some(jane), "mail"), event(Some(john), "won")])
        .await
        .expect("appended");
    tx.append_with_text(&event(Some(jane), "won"), None).await.expect("appended");
    let waiting = |states: Vec<nurtured::store::EndpointState>| {
        states.into_iter().map(|state| (state.name, state.waiting)).collect::<Vec<_>>()
    };
    let all = waiting(tx.webhook_endpoints().await.expect("endpoints"));
    assert_eq!(all, [("crm".to_owned(), 3), ("wall".to_owned(), 2)]);
    assert!(!tx.any_delivery_due("crm", at("08:59:59")).await.expect("an answer"));
    assert!(tx.any_delivery_due("crm", at("09:00:00")).await.expect("an answer"));
    let pair = |kind: &str, endpoint: &str| (kind.to_owned(), endpoint.to_owned());
    assert_eq!(
        tx.subscriptions().await.expect("subscriptions"),
        [pair("lost", "crm"), pair("won", "crm"), pair("won", "wall")]
    );
    let due = tx.due_deliveries("crm", at("09:00:00"), 10).await.expect("deliveries");
    assert_eq!(due.iter().map(|due| due.lead).collect::<Vec<_>>(), [Some(jane), Some(john), Some(jane)]);
    let page = tx.events_of_person_after(jane, EventId(due[0].event.0), 2).await.expect("events");
    assert_eq!(page.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["mail", "won"]);

    // The first word about Jane has to wait, and the second behind it; John's does not.
    tx.deliver_later(due[0].id, Some(at("10:00:00")), "it answered 500").await.expect("later");
    let due_now = tx.due_deliveries("crm", at("09:30:00"), 10).await.expect("deliveries");
    assert_eq!(due_now, due[1..2]);
    tx.delivered(due[1].id).await.expect("delivered");
    assert!(
        !tx.any_delivery_due("crm", at("09:30:00")).await.expect("an answer"),
        "all wait behind the first"
    );
    let due_then = tx.due_deliveries("crm", at("10:00:00"), 10).await.expect("deliveries");
    assert_eq!(
        due_then.iter().map(|due| (due.id, due.attempts)).collect::<Vec<_>>(),
        [(due[0].id, 1), (due[2].id, 0)]
    );
    tx.deliver_later(due[0].id, None, "it answered 500").await.expect("given up");
    assert_eq!(tx.due_deliveries("crm", at("10:00:00"), 10).await.expect("deliveries").len(), 1);

    let claim = async |tx: &mut Tx, token: i64, now: &str| {
        tx.claim_webhook("crm", token, at(now), at("11:00:00")).await.expect("an answer")
    };
    assert!(claim(&mut tx, 1, "10:00:00").await);
    assert!(!claim(&mut tx, 2, "10:01:00").await, "somebody has it");
    tx.let_webhook_go("crm", 2).await.expect("no effect");
    assert!(!claim(&mut tx, 2, "10:01:00").await);
    tx.let_webhook_go("crm", 1).await.expect("given back");
    tx.webhook_failed("crm", "nobody listens", at("10:02:00"), at("10:03:00"), None).await.expect("noted");
    tx.webhook_failed("crm", "nobody listens", at("10:03:00"), at("10:05:00"), None).await.expect("noted");
    let state = tx.webhook_endpoint("crm").await.expect("an answer").expect("the endpoint");
    assert_eq!(
        (state.failures, state.failing_since, state.next_at),
        (2, Some(at("10:02:00")), at("10:05:00"))
    );
    assert!(!claim(&mut tx, 2, "10:04:00").await, "it is not its time");
    tx.webhook_is_well("crm").await.expect("noted");
    assert!(claim(&mut tx, 2, "10:04:00").await);
    tx.let_webhook_go("crm", 2).await.expect("given back");
    tx.webhook_failed("crm", "gone", at("10:05:00"), at("10:05:00"), Some(at("10:05:00")))
        .await
        .expect("parked");
    assert!(!claim(&mut tx, 3, "10:30:00").await, "a person has to look");
    assert!(tx.resume_webhook("crm", at("10:40:00")).await.expect("an answer"));
    assert!(!tx.resume_webhook("nobody", at("10:40:00")).await.expect("an answer"));
    assert!(claim(&mut tx, 3, "10:40:00").await);
    assert_eq!(
        tx.due_deliveries("crm", at("10:40:00"), 10).await.expect("deliveries").len(),
        2,
        "what was given up, too"
    );

    // Who is no longer named is told nothing more.
    tx.set_webhooks(&[("wall", vec!["lost"])]).await.expect("set");
    tx.append(&[event(Some(john), "won")]).await.expect("appended");
    assert_eq!(waiting(tx.webhook_endpoints().await.expect("endpoints")), [("wall".to_owned(), 2)]);
    tx.commit().await.expect("committed");
    store.close().await;
}

/// An endpoint is removed while a writer of events, who has read that it subscribes, is at work. On SQLite there is one
/// writer.
#[tokio::test]
async fn on_postgres_an_endpoint_goes_when_whoever_tells_it_is_done() {
    let Some(place) = Place::postgres().await else { return };
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    tx.set_webhooks(&[("crm", vec!["won"])]).await.expect("set");
    tx.commit().await.expect("committed");

    let mut writer = store.begin().await.expect("a transaction");
    writer.append(&[event(Some(jane), "won")]).await.expect("appended");
    let mut remover = store.begin().await.expect("a transaction");
    let removing = tokio::spawn(async move {
        remover.set_webhooks(&[]).await?;
        remover.commit().await
    });
    let super::Raw::Postgres(mut connection) = place.connection().await else { panic!("another database") };
    loop {
        let waits = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()";
        let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&mut connection).await.expect("a number");
        if waiting > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.commit().await.expect("the event stays");
    removing.await.expect("no panic").expect("the endpoint goes");
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.webhook_endpoints().await.expect("endpoints"), []);
    tx.rollback().await.expect("the end");
    store.close().await;
}
