//! One person's rights.

use jiff::SignedDuration;
use nurtured::domain::access::Scope;
use nurtured::domain::contact::SuppressionReason;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};

use super::site::{Site, address, bearer, start};

const JANE: &str = "/v1/leads/jane.unmistakable%40privatedomain.example";

/// What must not be found anywhere afterwards, in lower case.
const WORDS: [&str; 9] = [
    "jane",
    "unmistakable",
    "privatedomain",
    "doe-whatever",
    "901820",
    "secretcompany",
    "chief of secrets",
    "forty-two seats",
    "she whispered",
];

/// Jane, with everything that can be known of her, worked by a rep, written to and about.
async fn jane(site: &Site, token: &str) {
    let lead = json!({
        "email": "jane.unmistakable@privatedomain.example", "first_name": "Jane", "last_name": "Doe-Whatever",
        "company": "SecretCompany", "title": "Chief of Secrets", "phone": "+49 30 901820", "country": "DE",
        "campaign": "demo-request", "source": "google", "term": "jane doe-whatever job",
        "landing_page": "https://www.ours.example/?mail=jane.unmistakable@privatedomain.example",
        "referrer": "https://x.example/jane", "fields": { "Seats": "forty-two seats" },
        "answers": [{ "question": "Who?", "answer": "Jane" }],
        "activities": [{ "name": "demo_request", "at": "2026-03-02T08:59:00Z" }],
    });
    let headers =
        [bearer(token), "Content-Type: application/json".to_owned(), "Idempotency-Key: for-jane".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    site.ask("POST", "/v1/leads", &headers, &lead.to_string()).await.ok(201);
    for hour in 0..30 {
        site.clock.set(start() + SignedDuration::from_hours(hour));
        site.wake().await;
    }
    let owner = site.get(token, JANE).await.ok(200)["owner"].as_str().expect("an owner").to_owned();
    let say = async |body: Value| site.post(token, &format!("{JANE}/dispositions"), body).await.ok(200);
    say(json!({ "kind": "attempt", "by": owner, "channel": "phone", "outcome": "reached", "note": "She whispered: call Jane." })).await;
    say(json!({ "kind": "unsubscribed", "by": owner, "note": "jane said so" })).await;
    say(json!({ "kind": "follow_up", "by": owner, "on": "2026-03-20" })).await;
    let did = json!({ "name": "pricing_page", "note": "Jane looked" });
    site.post(token, &format!("{JANE}/activities"), did).await.ok(200);
    site.wake().await;
}

/// Every value of every text and byte column, with its table.
async fn everything_written(site: &Site) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(path) = site.url.strip_prefix("sqlite:") {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection: SqliteConnection = options.connect().await.expect("a connection");
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
             WHERE m.type = 'table' AND p.type IN ('TEXT', 'BLOB')",
        )
        .fetch_all(&mut connection)
        .await
        .expect("columns");
        for (table, column) in columns {
            let sql = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {column} IS NOT NULL");
            let values: Vec<Vec<u8>> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("values");
            let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
            found.extend(values.into_iter().map(|value| (format!("{table}.{column}"), text(value))));
        }
        connection.close().await.expect("closed");
    } else {
        let mut connection = PgConnection::connect(&site.url).await.expect("a connection");
        let columns: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = 'public' AND data_type IN ('text', 'bytea')",
        )
        .fetch_all(&mut connection)
        .await
        .expect("columns");
        for (table, column, kind) in columns {
            let value = if kind == "bytea" { format!("encode({column}, 'escape')") } else { column.clone() };
            let sql = format!("SELECT {value} FROM {table} WHERE {column} IS NOT NULL");
            let values: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("values");
            found.extend(values.into_iter().map(|value| (format!("{table}.{column}"), value)));
        }
        connection.close().await.expect("closed");
    }
    assert!(found.len() > 50, "{}", found.len());
    found
}

/// Where one of the words stands; the playbook is ours.
async fn traces(site: &Site) -> Vec<(String, String)> {
    let mut found = everything_written(site).await;
    found.retain(|(place, value)| {
        let value = value.to_lowercase();
        place != "playbook.files" && WORDS.iter().any(|word| value.contains(word))
    });
    found
}

pub async fn what_is_erased_is_nowhere(site: Site) {
    let token = site.master().await;
    jane(&site, &token).await;
    let before = traces(&site).await;
    for place in [
        "lead.email",
        "answer.answer",
        "event_text.body",
        "outbox.message",
        "outbox.recipient",
        "touch.referrer",
        "idempotency.answer",
        "suppression.email",
    ] {
        assert!(before.iter().any(|(found, _)| found == place), "{place} is not tried: {before:?}");
    }
    let told = site.post(&token, &format!("{JANE}/erase"), json!({})).await.ok(200);
    assert_eq!(told, json!({ "erased": true, "anew": true }));
    assert_eq!(traces(&site).await, []);
    let told = site.post(&token, &format!("{JANE}/erase"), json!({})).await.ok(200);
    assert_eq!(told, json!({ "erased": true, "anew": false }));
    site.get(&token, JANE).await.is(404, "unknown-lead");
    // Not even in the answer that is kept for a request that speaks of her afterwards.
    let again =
        [bearer(&token), "Content-Type: application/json".to_owned(), "Idempotency-Key: x".to_owned()];
    let again: Vec<&str> = again.iter().map(String::as_str).collect();
    let did = "{\"name\":\"pricing_page\"}";
    site.ask("POST", &format!("{JANE}/activities"), &again, did).await.is(404, "unknown-lead");
    assert_eq!(traces(&site).await, []);
    site.post(&token, "/v1/leads/bo%40buyer.example/erase", json!({})).await.is(404, "unknown-lead");

    // What is left: numbers, times, and how far she came. Nothing more goes out.
    let page = site.get(&token, "/v1/leads?stage=disqualified").await.ok(200);
    let left = &page["leads"][0];
    assert!(left["email"].as_str().is_some_and(|email| email.ends_with("@erased.invalid")), "{left}");
    assert_eq!(
        (&left["first_name"], &left["owner"], &left["fields"]),
        (&Value::Null, &Value::Null, &json!({}))
    );
    for day in 2..40 {
        site.clock.set(start() + SignedDuration::from_hours(24 * day));
        site.wake().await;
    }
    assert_eq!(traces(&site).await, []);
    let email = left["email"].as_str().expect("an address").replace('@', "%40");
    let why = site.get(&token, &format!("/v1/leads/{email}/why")).await.ok(200);
    let last = why["entries"].as_array().and_then(|entries| entries.last()).expect("entries");
    assert_eq!(last["kind"], "erased", "{last}");
}

pub async fn what_is_kept_of_a_person_is_told_whole(site: Site) {
    let token = site.master().await;
    jane(&site, &token).await;
    let export = site.get(&token, &format!("{JANE}/export")).await.ok(200);
    let text = export.to_string().to_lowercase();
    for word in WORDS {
        assert!(text.contains(word), "{word} is missing: {text}");
    }
    for part in
        ["touches", "answers", "activities", "suppressions", "hand_offs", "contacts", "mails", "events"]
    {
        assert!(export[part].as_array().is_some_and(|rows| !rows.is_empty()), "{part}: {export}");
    }
    let reader = site.token(&[Scope::LeadsRead]).await;
    site.get(&reader, &format!("{JANE}/export")).await.is(403, "forbidden");
}

pub async fn whoever_was_erased_is_not_taken_in_again_until_they_ask(site: Site) {
    let token = site.master().await;
    jane(&site, &token).await;
    site.post(&token, &format!("{JANE}/erase"), json!({})).await.ok(200);
    let back = json!({ "email": "Jane.Unmistakable@privatedomain.example", "first_name": "Jane" });
    site.post(&token, "/v1/leads", back.clone()).await.is(409, "erased");
    // A form does not tell a stranger so.
    let form = ["Content-Type: application/json", &bearer(&token)];
    site.ask("POST", "/v1/forms/default", &form, &back.to_string()).await.ok(202);
    let said = json!({ "email": "jane.unmistakable@privatedomain.example", "reason": "do_not_call" });
    site.post(&token, "/v1/suppressions", said).await.ok(200);
    assert_eq!(traces(&site).await, []);
    let jane = address("jane.unmistakable@privatedomain.example");
    let refusals = site.engine.refusals(&jane).await.expect("an answer");
    assert_eq!(refusals, [(SuppressionReason::Erased, None)]);

    let lift = "/v1/suppressions/jane.unmistakable%40privatedomain.example/erased";
    assert_eq!(site.ask("DELETE", lift, &[&bearer(&token)], "").await.status, 204);
    site.ask("DELETE", lift, &[&bearer(&token)], "").await.is(404, "unknown-suppression");
    site.post(&token, "/v1/leads", back).await.ok(201);
    // She is another lead now; that she wants no mail holds still.
    let lead = site.get(&token, JANE).await.ok(200);
    assert_eq!((&lead["stage"], &lead["suppressions"]), (&json!("new"), &json!(["unsubscribed"])), "{lead}");
}
