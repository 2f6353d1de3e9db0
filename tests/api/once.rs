//! A request that is sent again is done once.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::site::{Answer, Site, bearer, start};

async fn send(site: &Site, token: &str, key: &str, body: &Value) -> Answer {
    let headers =
        [bearer(token), format!("Idempotency-Key: {key}"), "Content-Type: application/json".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    site.ask("POST", "/v1/leads", &headers, &body.to_string()).await
}

async fn touches(site: &Site, token: &str) -> usize {
    let lead = site.get(token, "/v1/leads/jane%40buyer.example").await.ok(200);
    lead["touches"].as_array().expect("touches").len()
}

pub async fn a_request_that_is_sent_twice_is_done_once(site: Site) {
    let token = site.master().await;
    let jane = json!({ "email": "jane@buyer.example", "source": "google" });
    let first = send(&site, &token, "one", &jane).await;
    first.ok(201);
    site.clock.set(start() + SignedDuration::from_hours(1));
    let second = send(&site, &token, "\"one\"", &jane).await;
    assert_eq!(
        (second.ok(201), &second.headers["idempotency-replayed"]),
        (first.ok(201), &"true".to_owned())
    );
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(touches(&site, &token).await, 1);
    // Without a key it is another visit.
    site.post(&token, "/v1/leads", jane.clone()).await.ok(200);
    assert_eq!(touches(&site, &token).await, 2);
    // What was refused is refused again, in the same words.
    let wrong = json!({ "email": "jane@buyer.example", "score": "many" });
    let (first, second) =
        (send(&site, &token, "two", &wrong).await, send(&site, &token, "two", &wrong).await);
    assert_eq!(first.is(422, "invalid"), second.is(422, "invalid"));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    for key in ["", "a b", &"x".repeat(256)] {
        send(&site, &token, key, &jane).await.is(422, "invalid");
    }
}

pub async fn of_many_at_the_same_instant_one_is_done(site: Site) {
    let site = Arc::new(site);
    let token = site.master().await;
    let jane = json!({ "email": "jane@buyer.example", "source": "google" });
    let asked = (0..12).map(|_| send(&site, &token, "one", &jane));
    let answers = join_all(asked).await;
    let mut done = 0;
    for answer in &answers {
        match answer.status {
            201 => done += usize::from(!answer.headers.contains_key("idempotency-replayed")),
            _ => drop(answer.is(409, "under-way")),
        }
    }
    assert_eq!(done, 1, "{answers:?}");
    assert_eq!(touches(&site, &token).await, 1);
}

pub async fn a_key_names_one_request(site: Site) {
    let token = site.master().await;
    let other = site.token(&[nurtured::domain::access::Scope::LeadsWrite]).await;
    send(&site, &token, "one", &json!({ "email": "jane@buyer.example" })).await.ok(201);
    send(&site, &token, "one", &json!({ "email": "bo@buyer.example" })).await.is(422, "key-reused");
    site.get(&token, "/v1/leads/bo%40buyer.example").await.is(404, "unknown-lead");
    // Another client's keys are its own.
    send(&site, &other, "one", &json!({ "email": "bo@buyer.example" })).await.ok(201);
}

pub async fn old_answers_are_forgotten(site: Site) {
    let token = site.master().await;
    let jane = json!({ "email": "jane@buyer.example", "source": "google" });
    send(&site, &token, "one", &jane).await.ok(201);
    site.clock.set(start() + SignedDuration::from_hours(24));
    site.wake().await;
    assert_eq!(send(&site, &token, "one", &jane).await.headers["idempotency-replayed"], "true");
    site.clock.set(start() + SignedDuration::from_hours(49));
    site.wake().await;
    let answer = send(&site, &token, "one", &jane).await;
    assert!(!answer.headers.contains_key("idempotency-replayed"), "{answer:?}");
}

pub async fn what_fails_half_way_is_undone_and_the_same_request_may_come_again(site: Site) {
    let token = site.master().await;
    let jane = json!({ "email": "jane@buyer.example", "source": "google" });
    // The lead's row is written by then.
    let fault = site.fault("INSERT", "touch").await;
    let failed = send(&site, &token, "one", &jane).await;
    assert!([500, 503].contains(&failed.status), "{failed:?}");
    let told = failed.is(failed.status, if failed.status == 503 { "unavailable" } else { "failed" });
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("try again")), "{told}");
    assert_eq!(failed.headers.contains_key("retry-after"), failed.status == 503, "{failed:?}");
    site.get(&token, "/v1/leads/jane%40buyer.example").await.is(404, "unknown-lead");
    site.mend(fault).await;
    // Its key is free again: no answer was kept for it.
    let done = send(&site, &token, "one", &jane).await;
    done.ok(201);
    assert!(!done.headers.contains_key("idempotency-replayed"));
    assert_eq!(touches(&site, &token).await, 1);
}

pub async fn an_answer_that_cannot_be_kept_is_given_and_its_request_not_done_twice(site: Site) {
    let token = site.master().await;
    let jane = json!({ "email": "jane@buyer.example", "source": "google" });
    let fault = site.fault("UPDATE", "idempotency").await;
    // What was asked for is done, all of it, so whoever asked is told so.
    send(&site, &token, "one", &jane).await.ok(201);
    assert_eq!(touches(&site, &token).await, 1);
    // Whoever did not hear it and asks again is told to wait, also while the store fails still.
    for fault in [None, Some(fault)] {
        if let Some(fault) = fault {
            site.mend(fault).await;
        }
        let again = send(&site, &token, "one", &jane).await;
        again.is(409, "under-way");
        assert_eq!(again.headers["retry-after"], "1");
        assert_eq!(touches(&site, &token).await, 1);
    }
    // The answer is lost for good: asked once more, it is answered as a lead that is known.
    site.clock.set(start() + SignedDuration::from_mins(6));
    let known = send(&site, &token, "one", &jane).await;
    assert!(!known.headers.contains_key("idempotency-replayed"), "{known:?}");
    assert_eq!(known.ok(200)["lead"]["email"], "jane@buyer.example");
    assert_eq!(send(&site, &token, "one", &jane).await.headers["idempotency-replayed"], "true");
}
