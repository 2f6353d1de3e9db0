//! One person's rights.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use nurtured::domain::access::Scope;
use nurtured::domain::contact::SuppressionReason;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::escalation::Matter;
use nurtured::domain::mail::MailClass;
use nurtured::engine::happen::Said;
use nurtured::engine::recycle::Recycling;
use nurtured::store::NewMatter;
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
        "answers": [{ "question": "Jane, who?", "answer": "Jane" }],
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

/// What is written: every column that may hold words, as `table.column`, and every value in one.
#[derive(Default)]
struct Written {
    columns: BTreeSet<String>,
    values: Vec<(String, String)>,
}

async fn everything_written(site: &Site) -> Written {
    let mut written = Written::default();
    let found = &mut written.values;
    if let Some(path) = site.url.strip_prefix("sqlite:") {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection: SqliteConnection = options.connect().await.expect("a connection");
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
             WHERE m.type = 'table' AND p.type NOT IN ('INTEGER', 'BIGINT', 'BOOLEAN')",
        )
        .fetch_all(&mut connection)
        .await
        .expect("columns");
        for (table, column) in columns {
            written.columns.insert(format!("{table}.{column}"));
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
             WHERE table_schema = 'public' AND data_type NOT IN ('integer', 'bigint', 'boolean')",
        )
        .fetch_all(&mut connection)
        .await
        .expect("columns");
        for (table, column, kind) in columns {
            written.columns.insert(format!("{table}.{column}"));
            let value = match kind.as_str() {
                "bytea" => format!("encode({column}, 'escape')"),
                _ => format!("CAST({column} AS TEXT)"),
            };
            let sql = format!("SELECT {value} FROM {table} WHERE {column} IS NOT NULL");
            let values: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("values");
            found.extend(values.into_iter().map(|value| (format!("{table}.{column}"), value)));
        }
        connection.close().await.expect("closed");
    }
    assert!(found.len() > 50, "{}", found.len());
    // The log of migrations is the library's own.
    written.columns.retain(|column| !column.starts_with("_sqlx"));
    written
}

/// Where one of the words stands; the playbook is ours.
async fn traces(site: &Site) -> Vec<(String, String)> {
    let mut found = everything_written(site).await.values;
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

/// Columns that no word of a person comes into, each group with its reason. A column that is new stands here or is
/// tried.
const WORDLESS: [(&str, &[&str]); 8] = [
    (
        "a name that the agreement or the program has for something",
        &[
            "activity.name",
            "agenda.topic",
            "appointment.purpose",
            "campaign_known.campaign",
            "commitment.name",
            "contact.channel",
            "delivery.campaign",
            "delivery.filled",
            "enrolment.sequence",
            "enrolment.state",
            "enrolment.voice",
            "event.kind",
            "full_team.team",
            "given_back.reason",
            "given_back.stage",
            "given_back.verdict",
            "hand_off.campaign",
            "hand_off.grade",
            "hand_off.policy",
            "hand_off.team",
            "inbound_mail.proposal",
            "inbound_mail.result",
            "incomplete_lead.campaign",
            "incomplete_lead.missing",
            "lead.campaign",
            "lead.grade",
            "lead.next_sequence",
            "lead.stage",
            "lead.voice",
            "mailbox.name",
            "mailbox.place",
            "mailbox.why",
            "mailbox_file.file",
            "mailbox_file.mailbox",
            "matter.class",
            "matter.level",
            "matter.state",
            "matter.template",
            "outbox.audience",
            "outbox.class",
            "outbox.level",
            "outbox.sequence",
            "outbox.state",
            "outbox.step",
            "report_due.length",
            "routing_due.what",
            "secret_key.purpose",
            "sla_clock.kind",
            "sla_clock.state",
            "sla_level.level",
            "suppression.reason",
            "webhook_delivery.endpoint",
            "webhook_endpoint.name",
            "webhook_subscription.endpoint",
            "webhook_subscription.kind",
            "work_item.reason",
            "undo.before",
        ],
    ),
    (
        "somebody of ours, or a program of ours",
        &[
            "api_token.campaign",
            "api_token.name",
            "api_token.scopes",
            "appointment.rep",
            "contact.actor",
            "event.actor",
            "given_back.disputed_by",
            "given_back.settled_by",
            "hand_off.rep",
            "lead.avoid_rep",
            "lead.owner",
            "matter.recipient",
            "rep.email",
        ],
    ),
    (
        "a hash, or a key of numbers",
        &[
            "api_token.hash",
            "erased_person.hash",
            "idempotency.key_hash",
            "idempotency.request",
            "inbound_mail.identity",
            "matter.unique_key",
            "outbox.unique_key",
            "secret_key.secret",
        ],
    ),
    (
        "made of what was said: a hash, which goes with it",
        &["activity.fingerprint", "answer.fingerprint", "touch.fingerprint"],
    ),
    (
        "a sentence of ours, of numbers and names of the agreement",
        &[
            "brake.why",
            "enrolment.ended_why",
            "event.facts",
            "hand_off.ended_why",
            "inbound_mail.why",
            "outbox.held_why",
            "sla_clock.stopped_why",
            "sla_clock.terms",
            "suppression.evidence",
            "work_item.closed_why",
        ],
    ),
    (
        "an error, from which addresses are taken; and of mail to a person it goes, too",
        &["outbox.last_error", "webhook_delivery.last_error", "webhook_endpoint.last_error"],
    ),
    (
        "a version of the playbook, or what is in it",
        &[
            "agenda.playbook",
            "campaign_known.content",
            "event.playbook",
            "outbox.playbook",
            "playbook.files",
            "playbook.version",
            "playbook_in_force.version",
        ],
    ),
    (
        "where many come from, as marketing or the world calls it",
        &[
            "lead.country",
            "lead.language",
            "lead.source",
            "lead.zone",
            "touch.ad",
            "touch.campaign",
            "touch.content",
            "touch.medium",
            "touch.source",
        ],
    ),
];

/// Jane, of whom everything is known that can be: given back and disputed, with a double and a former address, and
/// written about by strangers.
async fn jane_whole(site: &Site, token: &str) {
    jane(site, token).await;
    let her = address("jane.unmistakable@privatedomain.example");
    let former = "jane.unmistakable.old@privatedomain.example";
    let say = async |body: Value| site.post(token, &format!("{JANE}/dispositions"), body).await.ok(200);
    let owner = site.get(token, JANE).await.ok(200)["owner"].as_str().expect("an owner").to_owned();
    let why = "Jane has a fax machine";
    say(json!({ "kind": "rejected", "by": owner, "reason": "bad-data", "note": why })).await;
    let recycling = async |email: &EmailAddress, what: Recycling| {
        let said = Said { words: Some("jane told us".to_owned()), ..Said::default() };
        site.engine.recycling(email, &what, &said, site.clock.now()).await.expect("it can be so")
    };
    recycling(&her, Recycling::Dispute).await;
    // Marketing's list of the next morning names her.
    site.clock.set(start() + SignedDuration::from_hours(48));
    site.wake().await;
    let double = json!({
        "email": "jane.unmistakable@home.example", "first_name": "Jane", "last_name": "Doe-Whatever",
        "company": "SecretCompany",
    });
    site.post(token, "/v1/leads", double).await.ok(201);
    site.clock.set(start() + SignedDuration::from_hours(50));
    site.wake().await;
    let merge = Recycling::Merge { of: her.clone(), reason: "duplicate".to_owned() };
    recycling(&address("jane.unmistakable@home.example"), merge).await;
    for (from, to) in [(her.as_str(), former), (former, her.as_str())] {
        let values = vec![("email".to_owned(), to.to_owned())];
        recycling(&address(from), Recycling::Correct { values }).await;
    }
    // "call jane.unmistakable@privatedomain.example", and once more as it stands.
    for raw in [
        "From: x@y.example\r\nMessage-ID: <1@y>\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         Y2FsbCBqYW5lLnVubWlzdGFrYWJsZUBwcml2YXRlZG9tYWluLmV4YW1wbGU=\r\n",
        "From: x@y.example\r\nMessage-ID: <2@y>\r\n\r\ncall jane.unmistakable@home.example\r\n",
    ] {
        site.engine.ingest(raw.as_bytes(), &[], site.clock.now()).await.expect("taken in");
    }
    let headers =
        [bearer(token), "Content-Type: application/json".to_owned(), "Idempotency-Key: again".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let again = json!({ "email": her, "first_name": "Jane" });
    site.ask("POST", "/v1/leads", &headers, &again.to_string()).await.ok(200);
    // Her rep's manager is still to be told something.
    let mut tx = site.engine.store().begin().await.expect("a transaction");
    let lead = tx.lead_by_email(&her).await.expect("an answer").expect("a lead").id;
    let waits = NewMatter {
        recipient: address("manager@ours.example"),
        lead,
        clock: None,
        unique_key: "a matter".to_owned(),
        class: MailClass::Escalation,
        template: "notice".to_owned(),
        level: None,
        body: json!({ "note": "Jane waits" }).to_string(),
        weight: Matter { own: false, urgent: false, found_late: false },
        noted_at: site.clock.now(),
    };
    assert!(tx.insert_matter(&waits).await.expect("noted"));
    tx.commit().await.expect("committed");
}

pub async fn every_column_that_may_hold_words_is_looked_at(site: Site) {
    let token = site.master().await;
    jane_whole(&site, &token).await;
    let before = traces(&site).await;
    let tried: BTreeSet<&str> = before.iter().map(|(place, _)| place.as_str()).collect();
    let wordless: BTreeSet<&str> = WORDLESS.iter().flat_map(|(_, columns)| columns.iter().copied()).collect();
    let columns = everything_written(&site).await.columns;
    let unknown: Vec<&String> = columns
        .iter()
        .filter(|column| !tried.contains(column.as_str()) && !wordless.contains(column.as_str()))
        .collect();
    assert_eq!(unknown, Vec::<&String>::new(), "have a word of hers come into it, or say why none does");
    let wrong: Vec<&&str> =
        wordless.iter().filter(|column| tried.contains(**column) || !columns.contains(**column)).collect();
    assert_eq!(wrong, Vec::<&&str>::new(), "a word of hers came into it, or there is no such column");
    let told = site.post(&token, &format!("{JANE}/erase"), json!({})).await.ok(200);
    assert_eq!(told, json!({ "erased": true, "anew": true }));
    assert_eq!(traces(&site).await, []);
    assert!(
        site.engine.store().read().await.expect("a view").kept_mails(0, 9).await.expect("mails").is_empty()
    );
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
