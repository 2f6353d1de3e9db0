//! Mails that a provider hands in.

use nurtured::domain::access::Scope;
use serde_json::json;

use super::site::{Site, bearer};

const MAIL: &str = "Content-Type: message/rfc822";

fn mail(subject: &str, text: &str) -> String {
    format!(
        "From: jane@buyer.example\r\nTo: hello@ours.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\
         Date: Tue, 3 Mar 2026 10:05:00 +0100\r\n\r\n{text}\r\n"
    )
}

pub async fn a_mail_that_is_handed_in_counts_once_and_needs_its_own_scope(site: Site) {
    let token = site.token(&[Scope::InboundWrite]).await;
    let master = site.master().await;
    site.post(&master, "/v1/leads", json!({ "email": "jane@buyer.example" })).await.ok(201);
    let post = |token: String, path: &'static str, kind: &'static str, body: String| {
        let site = &site;
        async move { site.ask("POST", path, &[&bearer(&token), kind], &body).await }
    };
    let hello = mail("hello", "What does it cost?");
    let first = post(token.clone(), "/v1/inbound", MAIL, hello.clone()).await.ok(200);
    assert_eq!(first["result"], "asked", "only its sender says that it is hers: {first}");
    let again = post(token.clone(), "/v1/inbound?recipient=log%40ours.example", MAIL, hello.clone()).await;
    assert_eq!(again.ok(200)["result"], "before");

    // A mail is longer than any other request.
    let long = mail(
        "long",
        &"A line of seventy-two characters, as a mail program breaks them, goes on.\r\n".repeat(2_000),
    );
    let second = post(token.clone(), "/v1/inbound", MAIL, long).await.ok(200);
    assert_eq!(second["result"], "kept", "one question about a lead is enough: {second}");

    let other = site.token(&[Scope::LeadsWrite]).await;
    post(other, "/v1/inbound", MAIL, hello.clone()).await.is(403, "forbidden");
    site.ask("POST", "/v1/inbound", &[MAIL], &hello).await.is(401, "unauthorised");
    post(token.clone(), "/v1/inbound", "Content-Type: application/json", "{}".to_owned())
        .await
        .is(415, "wrong-type");
    post(token.clone(), "/v1/inbound", MAIL, String::new()).await.is(400, "unreadable");
    post(token.clone(), "/v1/inbound?recipient=nobody", MAIL, hello.clone()).await.is(422, "invalid");
    post(token, "/v1/inbound?to=x", MAIL, hello).await.is(422, "invalid");
}
