//! Leads in and out, what reps say of them, and whether they may be contacted.

use jiff::SignedDuration;
use nurtured::domain::access::Scope;
use serde_json::{Value, json};

use super::site::{Site, bearer, start};

const JANE: &str = "/v1/leads/jane%40buyer.example";

/// A lead that asked for a demo and is with a rep.
async fn handed_off(site: &Site, token: &str) -> String {
    let demo = json!({
        "email": "jane@buyer.example", "first_name": "Jane", "phone": "+49 30 901820", "country": "DE",
        "campaign": "demo-request", "source": "google",
        "activities": [{ "name": "demo_request", "at": "2026-03-02T08:59:00Z" }],
    });
    site.post(token, "/v1/leads", demo).await.ok(201);
    site.wake().await;
    let lead = site.get(token, JANE).await.ok(200);
    assert_eq!(lead["stage"], "handed_off", "{lead}");
    lead["owner"].as_str().expect("an owner").to_owned()
}

pub async fn a_lead_is_taken_in_once_and_looked_at(site: Site) {
    let token = site.token(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let jane = json!({
        "email": " Jane@Buyer.example ".trim(), "first_name": "Jane", "country": "Germany", "phone": "junk",
        "occurred_at": "2026-03-02T08:00:00Z", "source": "google", "fields": { "Seats": "40" },
        "answers": [{ "question": "How many?", "answer": "40" }], "do_not_call": true,
    });
    let told = site.post(&token, "/v1/leads", jane.clone()).await.ok(201);
    assert_eq!(told["outcome"], "new");
    assert_eq!(
        (&told["lead"]["email"], &told["lead"]["country"]),
        (&json!("jane@buyer.example"), &json!("DE"))
    );
    assert_eq!(told["warnings"].as_array().map(Vec::len), Some(1), "{told}");
    let told = site.post(&token, "/v1/leads", jane).await.ok(200);
    assert_eq!(told["outcome"], "unchanged");
    let told =
        site.post(&token, "/v1/leads", json!({ "email": "jane@buyer.example", "company": "Buyer" })).await;
    assert_eq!(told.ok(200)["outcome"], "updated");

    let lead = site.get(&token, JANE).await.ok(200);
    assert_eq!((&lead["first_name"], &lead["company"]), (&json!("Jane"), &json!("Buyer")), "{lead}");
    assert_eq!(lead["fields"]["Seats"], "40");
    assert_eq!(lead["answers"][0]["answer"], "40");
    assert_eq!(lead["suppressions"], json!(["do_not_call"]));
    assert_eq!((&lead["stage"], &lead["touches"][0]["source"]), (&json!("new"), &json!("google")));
    // Whoever comes in with a time that lies ahead has come now.
    let ahead = json!({ "email": "bo@buyer.example", "occurred_at": "2027-01-01T00:00:00Z" });
    site.post(&token, "/v1/leads", ahead).await.ok(201);
    let bo = site.get(&token, "/v1/leads/bo%40buyer.example").await.ok(200);
    assert_eq!(bo["touches"][0]["at"], "2026-03-02T09:00:00Z");
}

pub async fn leads_are_listed_page_by_page(site: Site) {
    let token = site.token(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    for number in 0..5 {
        let campaign = if number == 3 { "webinar" } else { "default" };
        let lead = json!({ "email": format!("lead{number}@buyer.example"), "campaign": campaign });
        site.post(&token, "/v1/leads", lead).await.ok(201);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/leads?limit=2".to_owned());
    let mut pages = 0;
    loop {
        pages += 1;
        let page = site.get(&token, &path).await.ok(200);
        for lead in page["leads"].as_array().expect("leads") {
            seen.push(lead["email"].as_str().expect("an address").to_owned());
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/leads?limit=2&cursor={next}");
    }
    assert_eq!(pages, 3);
    assert_eq!(seen, (0..5).map(|number| format!("lead{number}@buyer.example")).collect::<Vec<_>>());
    for (query, count) in [
        ("campaign=webinar", 1),
        ("stage=new", 5),
        ("stage=won", 0),
        ("owner=rep1%40ours.example", 0),
        ("limit=5", 5),
    ] {
        let page = site.get(&token, &format!("/v1/leads?{query}")).await.ok(200);
        assert_eq!(page["leads"].as_array().map(Vec::len), Some(count), "{query}");
        assert!(page.get("next").is_none(), "{query}");
    }
}

pub async fn a_rep_s_word_counts_and_a_stranger_s_does_not(site: Site) {
    let token = site.token(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let owner = handed_off(&site, &token).await;
    let other = if owner == "rep1@ours.example" { "rep2@ours.example" } else { "rep1@ours.example" };
    let path = format!("{JANE}/dispositions");
    let say = |body| site.post(&token, &path, body);

    say(json!({ "kind": "accepted", "by": "stranger@else.example" })).await.is(422, "invalid");
    let told = say(json!({ "kind": "accepted", "by": other })).await.is(409, "refused");
    assert!(told["detail"].as_str().expect("words").contains(&owner), "{told}");
    say(json!({ "kind": "sold", "by": owner })).await.is(422, "invalid");
    say(json!({ "kind": "rejected", "by": owner, "reason": "no-fun" })).await.is(422, "invalid");
    say(json!({ "kind": "follow_up", "by": owner, "on": "2026-03-01" })).await.is(422, "invalid");
    say(json!({ "kind": "follow_up", "by": owner, "on": "2036-03-01" })).await.is(422, "invalid");
    say(json!({ "kind": "attempt", "by": owner, "channel": "pigeon", "outcome": "reached" }))
        .await
        .is(422, "invalid");

    let called = json!({ "kind": "attempt", "by": owner, "channel": "phone", "outcome": "no_answer", "note": "Try at 9." });
    assert_eq!(say(called).await.ok(200)["stage"], "accepted");
    assert_eq!(say(json!({ "kind": "accepted", "by": owner })).await.ok(200)["stage"], "accepted");
    assert_eq!(say(json!({ "kind": "opportunity", "by": owner })).await.ok(200)["stage"], "opportunity");
    say(json!({ "kind": "reassigned", "by": owner, "to": other })).await.is(409, "refused");
    say(json!({ "kind": "reassigned", "by": "manager@ours.example", "to": "bo@else.example" }))
        .await
        .is(422, "invalid");
    say(json!({ "kind": "feedback", "by": owner, "objection": "no such" })).await.is(422, "invalid");
    say(json!({ "kind": "meeting", "by": owner })).await.ok(200);
    let lost = json!({ "kind": "lost", "by": owner, "reason": "lost-on-price", "note": "Too dear." });
    assert_eq!(say(lost).await.ok(200)["stage"], "resting");
    say(json!({ "kind": "won", "by": owner })).await.is(409, "refused");

    let did = |body| site.post(&token, "/v1/leads/jane%40buyer.example/activities", body);
    did(json!({ "name": "Pricing Page" })).await.is(422, "invalid");
    did(json!({ "name": "pricing_page", "note": "Twice." })).await.ok(200);
    let lead = site.get(&token, JANE).await.ok(200);
    let names = lead["activities"].as_array().expect("activities").iter().map(|did| did["name"].as_str());
    assert_eq!(names.collect::<Vec<_>>(), [Some("demo_request"), Some("pricing_page")]);
}

pub async fn a_crm_asks_before_a_rep_dials(site: Site) {
    let token = site.token(&[Scope::LeadsRead, Scope::LeadsWrite, Scope::ContactRead]).await;
    let owner = handed_off(&site, &token).await;
    let ask = async |rep: &str| site.get(&token, &format!("{JANE}/may-contact?channel=phone&as={rep}")).await;
    let told = ask(&owner).await.ok(200);
    assert_eq!(
        (&told["answer"], &told["purpose"], &told["zone"]),
        (&json!("yes"), &json!("owner"), &json!("Europe/Berlin"))
    );
    assert_eq!(ask("nobody@ours.example").await.ok(200)["answer"], "never");
    site.clock.set(start() + SignedDuration::from_hours(12));
    let told = ask(&owner).await.ok(200);
    assert_eq!(
        (&told["answer"], &told["not_before"]),
        (&json!("not_before"), &json!("2026-03-03T08:00:00Z")),
        "{told}"
    );
    assert_eq!(told["because"], json!(["outside the lead's hours"]));
    site.get(&token, &format!("{JANE}/may-contact")).await.is(422, "invalid");
    site.get(&token, "/v1/leads/bo%40buyer.example/may-contact?channel=phone").await.is(404, "unknown-lead");
}

pub async fn the_history_has_its_reasons(site: Site) {
    let token = site.token(&[Scope::LeadsRead, Scope::LeadsWrite]).await;
    let owner = handed_off(&site, &token).await;
    let planned = |page: Value| page["coming"].as_array().expect("what comes next").clone();
    let coming = planned(site.get(&token, &format!("{JANE}/why?limit=1")).await.ok(200));
    let contact = coming.iter().find(|next| next["words"] == "first contact is due").expect("a promise");
    assert_eq!(contact["kind"], "promise");
    assert!(contact["at"].as_str().is_some_and(|at| at.starts_with("2026-03-02T")), "{contact}");
    let won = json!({ "kind": "won", "by": owner, "note": "The demo convinced." });
    site.post(&token, &format!("{JANE}/dispositions"), won).await.ok(200);
    let (mut entries, mut path) = (Vec::new(), format!("{JANE}/why?limit=3"));
    loop {
        let page = site.get(&token, &path).await.ok(200);
        entries.extend(page["entries"].as_array().expect("entries").clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{JANE}/why?limit=3&cursor={next}");
    }
    let told: Vec<&str> = entries.iter().filter_map(|entry| entry["words"].as_str()).collect();
    let mail = entries.iter().find(|entry| entry["kind"] == "mail").expect("a mail");
    assert_eq!(
        mail["words"],
        format!(
            "Mail to {}: “{}”.",
            mail["facts"]["to"].as_str().unwrap(),
            mail["facts"]["subject"].as_str().unwrap()
        )
    );
    assert_eq!(told[0], "Came in from google.");
    assert!(told.iter().any(|words| words.starts_with("Handed to ")), "{told:?}");
    let won = entries.iter().find(|entry| entry["kind"] == "won").expect("it was won");
    assert_eq!((&won["by"], &won["note"]), (&json!(owner), &json!("The demo convinced.")));
    assert_eq!(
        (&won["facts"]["via"], &won["words"]),
        (&json!("api"), &json!(format!("Won ({owner}, by the API).")))
    );
}

pub async fn suppressions_are_said_seen_and_lifted(site: Site) {
    let token = site.master().await;
    site.post(&token, "/v1/leads", json!({ "email": "jane@buyer.example" })).await.ok(201);
    site.wake().await;
    let said = json!({ "email": "jane@buyer.example", "reason": "do_not_contact" });
    site.post(&token, "/v1/suppressions", said.clone()).await.ok(201);
    site.post(&token, "/v1/suppressions", said).await.ok(200);
    // Also of somebody who is no lead.
    site.post(&token, "/v1/suppressions", json!({ "email": "bo@buyer.example", "reason": "unsubscribed" }))
        .await
        .ok(201);
    let refused = json!({ "email": "bo@buyer.example", "reason": "erased" });
    site.post(&token, "/v1/suppressions", refused).await.is(422, "invalid");

    let page = site.get(&token, "/v1/suppressions?limit=1").await.ok(200);
    assert_eq!(page["suppressions"][0]["email"], "jane@buyer.example");
    let next = page["next"].as_str().expect("a second page");
    let page = site.get(&token, &format!("/v1/suppressions?limit=1&cursor={next}")).await.ok(200);
    assert_eq!((page["suppressions"][0]["reason"].as_str(), page.get("next")), (Some("unsubscribed"), None));
    let page = site.get(&token, "/v1/suppressions?email=bo%40buyer.example").await.ok(200);
    assert_eq!(page["suppressions"].as_array().map(Vec::len), Some(1));

    let told = site.get(&token, &format!("{JANE}/may-contact?channel=email")).await.ok(200);
    assert_eq!((&told["answer"], &told["because"]), (&json!("never"), &json!(["asked not to be contacted"])));
    let lift = "/v1/suppressions/jane%40buyer.example/do_not_contact";
    assert_eq!(site.ask("DELETE", lift, &[&bearer(&token)], "").await.status, 204);
    site.ask("DELETE", lift, &[&bearer(&token)], "").await.is(404, "unknown-suppression");
    let told = site.get(&token, &format!("{JANE}/may-contact?channel=email")).await.ok(200);
    assert_ne!(told["answer"], "never", "{told}");
    let why = site.get(&token, &format!("{JANE}/why")).await.ok(200).to_string();
    assert!(why.contains("suppression_lifted") && why.contains("token leads:read"), "{why}");
}
