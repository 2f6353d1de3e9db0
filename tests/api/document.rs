//! The document says what the server does, and the server does what it says.

use serde_json::Value;

use super::site::{Site, bearer, roomy};
use nurtured::domain::access::Scope;

async fn document(site: &Site) -> Value {
    let answer = site.ask("GET", "/v1/openapi.json", &[], "").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    answer.ok(200)
}

/// A path with its variable parts filled in.
fn filled(path: &str) -> String {
    path.replace("{email}", "nobody%40buyer.example")
        .replace("{reason}", "unsubscribed")
        .replace("{campaign}", "default")
}

pub async fn every_documented_operation_is_there_and_asks_for_its_scope(site: Site) {
    let document = document(&site).await;
    assert_eq!(document["openapi"], "3.1.0");
    let nothing = site.token(&[Scope::FormsWrite]).await;
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            operations += 1;
            let (method, path) = (method.to_uppercase(), filled(path));
            let text = "Content-Type: application/json";
            site.ask(&method, &path, &[text], "{\"email\":\"a@b.example\"}").await.is(401, "unauthorised");
            let responses = &operation["responses"];
            for (status, header) in
                [("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")]
            {
                assert!(responses[status]["headers"][header].is_object(), "{method} {path}: {status}");
            }
            let scope = operation["security"].as_array().and_then(|all| all.last()).expect("a scope");
            let scope = scope["token"][0].as_str().expect("a name");
            let may: Scope = scope.parse().expect("a scope");
            if may != Scope::FormsWrite {
                let refused = site.ask(&method, &path, &[&bearer(&nothing), text], "{}").await;
                assert!(refused.is(403, "forbidden")["detail"].as_str().expect("words").contains(scope));
            }
            // What is not documented there is refused with what is.
            let wrong = site.ask("PATCH", &path, &[], "").await;
            wrong.is(405, "wrong-method");
            assert!(wrong.headers["allow"].contains(&method), "{wrong:?}");
        }
    }
    assert!(operations >= 12, "{operations}");
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere_and_every_operation_says_what_it_does() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document(&Site::on_sqlite().await).await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids = Vec::new();
    for operation in
        document["paths"].as_object().expect("paths").values().flat_map(|path| path.as_object()).flatten()
    {
        let operation = operation.1;
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 10), "{operation}");
        ids.push(operation["operationId"].as_str().expect("a name"));
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_problem_in_json() {
    let site = Site::on_sqlite().await;
    let token = site.master().await;
    let auth = bearer(&token);
    let json = "Content-Type: application/json";
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/leads/", "/v1/leads/a/b/c"] {
        let answer = site.get(&token, path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    site.get(&token, "/v1/nothing").await.is(404, "not-found");
    site.ask("POST", "/v1/leads", &[&auth, "Content-Type: text/plain"], "x").await.is(415, "wrong-type");
    site.ask("POST", "/v1/leads", &[&auth], "{}").await.is(415, "wrong-type");
    site.ask("POST", "/v1/leads", &[&auth, json], "{").await.is(400, "unreadable");
    site.ask("POST", "/v1/leads", &[&auth, json], "{} x").await.is(400, "unreadable");
    let told = site.ask("POST", "/v1/leads", &[&auth, json], "{\"emial\":\"x\"}").await.is(422, "invalid");
    assert!(told["detail"].as_str().expect("words").contains("emial"), "{told}");
    let told = site
        .post(
            &token,
            "/v1/leads",
            serde_json::json!({ "email": "a@b.example", "answers": [{ "question": 1, "answer": "" }] }),
        )
        .await;
    assert_eq!(told.is(422, "invalid")["at"], "answers[0].question");
    site.get(&token, "/v1/leads/nobody").await.is(422, "invalid");
    site.get(&token, "/v1/leads/%ff").await.is(422, "invalid");
    site.get(&token, "/v1/leads/nobody%40buyer.example").await.is(404, "unknown-lead");
    for query in [
        "limit=0",
        "limit=501",
        "limit=x",
        "stage=young",
        "cursor=%00",
        "cursor=YQ",
        "order=up",
        "campaign=%00",
    ] {
        site.get(&token, &format!("/v1/leads?{query}")).await.is(422, "invalid");
    }
    let long = "x".repeat(70_000);
    site.ask("POST", "/v1/leads", &[&auth, json], &long).await.is(413, "too-large");
    let chunked = format!(
        "POST /v1/leads HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{auth}\r\n{json}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}",
        long.len()
    );
    site.raw(&chunked).await.is(413, "too-large");
    let answer = site.get(&token, "/v1/leads").await;
    for header in ["cache-control", "referrer-policy", "x-content-type-options"] {
        assert!(answer.headers.contains_key(header), "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_that_asks_too_often_has_to_wait_and_others_have_not() {
    use nurtured::domain::rate::Rate;
    let rate = Rate { per_minute: 60, burst: 3 };
    let site = Site::with(nurtured::config::ApiConfig { token_rate: rate, form_rate: rate, ..roomy() }).await;
    let (busy, quiet) = (site.token(&[Scope::LeadsRead]).await, site.token(Scope::ALL).await);
    let reader = site.token(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    for _ in 0..3 {
        site.get(&busy, "/v1/leads").await.ok(200);
    }
    let refused = site.get(&busy, "/v1/leads").await;
    refused.is(429, "too-many");
    assert_eq!(refused.headers["retry-after"], "1");
    site.get(&quiet, "/v1/leads").await.ok(200);
    site.get(&reader, "/v1/leads").await.ok(200);
    site.clock.set(super::site::start() + jiff::SignedDuration::from_secs(1));
    site.get(&busy, "/v1/leads").await.ok(200);
    // Who has no token is made to wait, too, before they have tried many.
    for _ in 0..3 {
        site.get("nurtured_guess", "/v1/leads").await.is(401, "unauthorised");
    }
    site.get("nurtured_guess", "/v1/leads").await.is(429, "too-many");
    site.get(&quiet, "/v1/leads").await.ok(200);
    // What a token may not do costs it as much as what it may.
    for _ in 0..3 {
        site.get(&reader, "/v1/suppressions").await.is(403, "forbidden");
    }
    site.get(&reader, "/v1/suppressions").await.is(429, "too-many");
}
