//! Web forms, and what they may do.

use nurtured::config::{ApiConfig, FormsConfig};
use nurtured::domain::access::Scope;
use nurtured::engine::tokens::TokenWish;
use serde_json::json;

use super::site::{Answer, Site, bearer, roomy, start};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

async fn post(site: &Site, headers: &[&str], body: &str) -> Answer {
    let headers: Vec<&str> = headers.iter().copied().chain([FORM]).collect();
    site.ask("POST", "/v1/forms/demo-request", &headers, body).await
}

pub async fn a_form_hands_in_a_lead_and_learns_nothing(site: Site) {
    let key = site.token(&[Scope::FormsWrite]).await;
    let reader = site.token(&[Scope::LeadsRead]).await;
    let jane = format!(
        "form_key={key}&email=Jane%40Buyer.example&name=Jane+Doe&utm_source=google&Seats=40&website=\
         &answers%5BWhen%3F%5D=soon&owner=rep1%40ours.example&score=99&crm_owner=x&opted_out_of_email=true\
         &Do_Not_Call=true&opted_out_of_email%E2%80%8B=true&do_not_call%01=true&%EF%BB%BFcrm_owner=x\
         &colour=red&colour=blue"
    );
    let (first, second) = (post(&site, &[], &jane).await, post(&site, &[], &jane).await);
    assert_eq!(first.ok(202), json!({ "received": true }));
    assert_eq!(first.body, second.body);
    let lead = site.get(&reader, "/v1/leads/jane%40buyer.example").await.ok(200);
    assert_eq!((&lead["first_name"], &lead["last_name"]), (&json!("Jane"), &json!("Doe")));
    assert_eq!((&lead["campaign"], &lead["source"]), (&json!("demo-request"), &json!("google")), "{lead}");
    // What the form asks beyond what a lead has: answers, in its order, however often it is sent.
    let answers: Vec<_> = lead["answers"].as_array().expect("answers").iter().collect();
    let said = |at: usize| (answers[at]["question"].as_str(), answers[at]["answer"].as_str());
    let asked = [("Seats", "40"), ("When?", "soon"), ("owner", "rep1@ours.example"), ("score", "99")];
    for (at, (question, answer)) in asked.into_iter().chain([("colour", "red, blue")]).enumerate() {
        assert_eq!(said(at), (Some(question), Some(answer)), "{lead}");
    }
    assert_eq!((answers.len(), &lead["fields"]), (5, &json!({})), "{lead}");
    // What only a CRM may say.
    assert_eq!(
        (&lead["owner"], &lead["score"], &lead["suppressions"]),
        (&json!(null), &json!(0), &json!([]))
    );
    assert!(!lead.to_string().contains("crm_owner"), "{lead}");

    let body =
        json!({ "form_key": key, "email": "bo@buyer.example", "seats": 40, "answers": { "When?": "later" } });
    let answer =
        site.ask("POST", "/v1/forms/webinar", &["Content-Type: application/json"], &body.to_string()).await;
    answer.ok(202);
    let bo = site.get(&reader, "/v1/leads/bo%40buyer.example").await.ok(200);
    let said: Vec<_> =
        bo["answers"].as_array().expect("answers").iter().map(|said| &said["answer"]).collect();
    assert_eq!((said, &bo["fields"]), (vec![&json!("later"), &json!("40")], &json!({})), "{bo}");

    // A program fills in everything, and is thanked.
    post(&site, &[], &format!("form_key={key}&email=bot%40spam.example&website=http%3A%2F%2Fx"))
        .await
        .ok(202);
    site.get(&reader, "/v1/leads/bot%40spam.example").await.is(404, "unknown-lead");

    post(&site, &[], &format!("form_key={key}&email=")).await.is(422, "invalid");
    post(&site, &[], &format!("form_key={key}&email=jane")).await.is(422, "invalid");
    let page = post(&site, &["Accept: text/html,*/*"], &format!("form_key={key}&email=jane")).await;
    assert!(page.status == 422 && page.body.contains("<h1>") && page.body.contains("go back"), "{page:?}");
    let page = post(&site, &["Accept: text/html"], &jane).await;
    assert!(page.status == 200 && page.body.contains("Thank you"), "{page:?}");
    let elsewhere = post(&site, &[], &format!("{jane}&redirect=https%3A%2F%2Fevil.example%2F")).await;
    elsewhere.is(422, "invalid");
    let unknown = site.ask("POST", "/v1/forms/nothing", &[FORM], &jane).await;
    unknown.is(404, "unknown-campaign");
    let mut other = vec!["Content-Type: multipart/form-data; boundary=b"];
    site.ask("POST", "/v1/forms/default", &other, "--b--").await.is(415, "wrong-type");
    other.clear();
}

pub async fn a_form_s_key_is_for_forms_alone(site: Site) {
    let (key, master) = (site.token(&[Scope::FormsWrite]).await, site.master().await);
    site.get(&key, "/v1/leads").await.is(403, "forbidden");
    site.post(&key, "/v1/leads", json!({ "email": "jane@buyer.example" })).await.is(403, "forbidden");
    // A token that may do more does not belong into a page.
    post(&site, &[], &format!("form_key={master}&email=jane%40buyer.example")).await.is(403, "forbidden");
    post(&site, &[&bearer(&master)], "email=jane%40buyer.example").await.ok(202);
    let reader = site.token(&[Scope::LeadsRead]).await;
    post(&site, &[&bearer(&reader)], "email=jane%40buyer.example").await.is(403, "forbidden");
    post(&site, &[], "email=jane%40buyer.example").await.is(401, "unauthorised");
    post(&site, &[], "form_key=nurtured_x&email=jane%40buyer.example").await.is(401, "unauthorised");
    let wish = TokenWish {
        name: "webinar".to_owned(),
        scopes: vec![Scope::FormsWrite],
        campaign: Some("webinar".to_owned()),
        expires_at: None,
    };
    let webinar = site.engine.new_token(wish, start()).await.expect("a key");
    post(&site, &[], &format!("form_key={webinar}&email=jane%40buyer.example")).await.is(403, "forbidden");
    let body = format!("form_key={webinar}&email=jane%40buyer.example");
    site.ask("POST", "/v1/forms/webinar", &[FORM], &body).await.ok(202);
}

#[tokio::test]
async fn a_visitor_is_sent_on_and_a_script_answered_only_where_the_configuration_says() {
    let forms = FormsConfig {
        honeypot: "url".to_owned(),
        redirects: vec!["https://www.ours.example/thanks".to_owned()],
        origins: vec!["https://www.ours.example".to_owned()],
    };
    let site = Site::with(ApiConfig { forms, ..roomy() }).await;
    let key = site.token(&[Scope::FormsWrite]).await;
    let ours = "Origin: https://www.ours.example";
    let thanks =
        format!("form_key={key}&email=jane%40buyer.example&redirect=https%3A%2F%2Fwww.ours.example%2Fthanks");
    let answer = post(&site, &[ours], &thanks).await;
    assert_eq!(
        (answer.status, answer.headers["location"].as_str()),
        (303, "https://www.ours.example/thanks")
    );
    assert_eq!(answer.headers["access-control-allow-origin"], "https://www.ours.example");
    let answer = post(&site, &[ours], &thanks.replace("thanks", "thanks2")).await;
    answer.is(422, "invalid");
    assert_eq!(answer.headers["access-control-allow-origin"], "https://www.ours.example");

    for origin in
        ["Origin: https://evil.example", "Origin: null", "Origin: https://www.ours.example.evil.example"]
    {
        let answer = post(&site, &[origin], &thanks).await;
        answer.is(403, "forbidden");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let asked = site
        .ask("OPTIONS", "/v1/forms/demo-request", &[ours, "Access-Control-Request-Method: POST"], "")
        .await;
    assert_eq!((asked.status, asked.headers["access-control-allow-methods"].as_str()), (204, "POST"));
    let asked = site.ask("OPTIONS", "/v1/forms/demo-request", &["Origin: https://evil.example"], "").await;
    assert!(asked.headers.keys().all(|name| !name.starts_with("access-control")), "{asked:?}");
    // Nothing else is for other sites' scripts.
    site.ask("OPTIONS", "/v1/leads", &[ours], "").await.is(405, "wrong-method");
}

#[tokio::test]
async fn a_browser_that_posts_too_often_has_to_wait() {
    use nurtured::domain::rate::Rate;
    let proxies = vec!["127.0.0.1".parse().expect("an address")];
    let form_rate = Rate { per_minute: 6, burst: 2 };
    let site = Site::with(ApiConfig { form_rate, trusted_proxies: proxies, ..roomy() }).await;
    let body = format!("form_key={}&email=jane%40buyer.example", site.token(&[Scope::FormsWrite]).await);
    let from = |client: &str| format!("X-Forwarded-For: 192.0.2.200, {client}");
    for _ in 0..2 {
        post(&site, &[&from("203.0.113.9")], &body).await.ok(202);
    }
    let refused = post(&site, &[&from("203.0.113.9")], &body).await;
    refused.is(429, "too-many");
    assert_eq!(refused.headers["retry-after"], "10");
    post(&site, &[&from("203.0.113.10")], &body).await.ok(202);
    // A page says the same to programs on the way.
    let page = post(&site, &[&from("203.0.113.9"), "Accept: text/html"], &body).await;
    assert_eq!((page.status, page.headers["retry-after"].as_str()), (429, "10"));
    assert!(page.body.starts_with("<!doctype html>"), "{page:?}");
    let page = post(&site, &[&from("203.0.113.11"), "Accept: text/html"], "email=jane%40buyer.example").await;
    assert_eq!((page.status, page.headers["www-authenticate"].as_str()), (401, "Bearer"));
}

#[tokio::test]
async fn a_server_hands_in_forms_at_its_token_s_rate_and_a_form_s_key_at_its_visitor_s() {
    use nurtured::domain::rate::Rate;
    let form_rate = Rate { per_minute: 6, burst: 1 };
    let token_rate = Rate { per_minute: 60, burst: 3 };
    let site = Site::with(ApiConfig { form_rate, token_rate, ..roomy() }).await;
    let server = site.token(&[Scope::FormsWrite, Scope::LeadsRead]).await;
    let key = site.token(&[Scope::FormsWrite]).await;
    for _ in 0..3 {
        post(&site, &[&bearer(&server)], "email=jane%40buyer.example").await.ok(202);
    }
    post(&site, &[&bearer(&server)], "email=jane%40buyer.example").await.is(429, "too-many");
    site.get(&server, "/v1/leads").await.is(429, "too-many");
    // Its visitors have an account of their own, wherever they show the key of the form.
    post(&site, &[&bearer(&key)], "email=jane%40buyer.example").await.ok(202);
    post(&site, &[&bearer(&key)], "email=jane%40buyer.example").await.is(429, "too-many");
    post(&site, &[], &format!("form_key={key}&email=jane%40buyer.example")).await.is(429, "too-many");
}
