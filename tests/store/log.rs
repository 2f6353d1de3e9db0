//! The event log, which nobody can change.

use nurtured::domain::ids::{EventId, LeadId};
use nurtured::store::NewEvent;
use serde_json::json;

use super::{Place, at, insert, lead};

fn event(lead: Option<LeadId>, kind: &'static str) -> NewEvent {
    NewEvent {
        lead,
        occurred_at: at("09:00:00"),
        recorded_at: at("09:05:00"),
        kind,
        actor: None,
        playbook: None,
        mail: None,
        facts: json!({}),
    }
}

pub async fn the_log_keeps_everything_in_its_order(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let john = insert(&mut tx, &lead("john@firm.example")).await;
    let moved = NewEvent {
        actor: Some("rep1@ours.example".to_owned()),
        playbook: Some("v1".to_owned()),
        facts: json!({"from": "new", "to": "nurturing", "score": 12, "why": ["a", "ß"]}),
        ..event(Some(jane), "stage")
    };
    tx.append(&[moved.clone(), event(Some(john), "stage"), event(Some(jane), "mail"), event(None, "brake")])
        .await
        .expect("appended");
    tx.append(&[]).await.expect("nothing to append");
    let of_jane = tx.events_of(jane).await.expect("events");
    assert_eq!(of_jane.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["stage", "mail"]);
    let first = &of_jane[0];
    assert_eq!(
        (first.lead, first.occurred_at, first.recorded_at),
        (Some(jane), at("09:00:00"), at("09:05:00"))
    );
    assert_eq!((&first.actor, &first.playbook, first.mail), (&moved.actor, &moved.playbook, None));
    assert_eq!(first.facts, moved.facts);
    assert_eq!(tx.events_of_kind(jane, "mail").await.expect("events"), of_jane[1..]);
    assert_eq!(tx.pausing_events_of(&[jane, john]).await.expect("events"), []);

    let all = tx.events_after(EventId(0), 10).await.expect("events");
    let kinds: Vec<_> = all.iter().map(|event| (event.lead, event.kind.as_str())).collect();
    assert_eq!(kinds, [(Some(jane), "stage"), (Some(john), "stage"), (Some(jane), "mail"), (None, "brake")]);
    assert_eq!(tx.events_after(all[1].id, 1).await.expect("events"), all[2..3]);
    let pausing =
        [event(Some(john), "follow_up"), event(Some(jane), "out_of_office"), event(Some(jane), "extended")];
    tx.append(&pausing).await.expect("appended");
    let found = tx.pausing_events_of(&[jane]).await.expect("events");
    let kinds: Vec<_> = found.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["out_of_office", "extended"]);
    tx.append(&[event(Some(john), "called_against_gate")]).await.expect("appended");
    assert_eq!(tx.calls_against_gate(at("08:00:00"), at("09:00:00")).await.expect("calls"), []);
    assert_eq!(tx.calls_against_gate(at("09:00:00"), at("10:00:00")).await.expect("calls").len(), 1);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn the_log_cannot_be_changed(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    tx.append(&[event(None, "brake")]).await.expect("appended");
    tx.commit().await.expect("committed");
    store.close().await;

    let mut connection = place.connection().await;
    for sql in ["UPDATE event SET kind = 'x'", "DELETE FROM event"] {
        let refused = connection.execute(sql).await.expect_err(sql).to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    connection.close().await;
    let store = place.store().await;
    let mut tx = store.read().await.expect("a transaction");
    assert_eq!(tx.events_after(EventId(0), 10).await.expect("events").len(), 1);
    drop(tx);
    store.close().await;
}

pub async fn words_are_kept_apart(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let words = "Not now – ring me in May.\nJ.";
    let with = tx.append_with_text(&event(Some(jane), "replied"), Some(words)).await.expect("appended");
    let without = tx.append_with_text(&event(Some(jane), "contacted"), None).await.expect("appended");
    assert!(with < without);
    assert_eq!(tx.event_texts(jane).await.expect("texts"), [(with, words.to_owned())]);
    let events = tx.events_of(jane).await.expect("events");
    assert!(events.iter().all(|event| !event.facts.to_string().contains("ring me")));
    tx.commit().await.expect("committed");
    store.close().await;

    // Words can be erased, and the log stays as it was.
    let mut connection = place.connection().await;
    assert_eq!(connection.execute("DELETE FROM event_text").await.expect("erased"), 1);
    connection.close().await;
}
