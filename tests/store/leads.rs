//! Leads, and what is remembered of them.

use std::collections::BTreeMap;

use nurtured::domain::ids::LeadId;
use nurtured::domain::lead::{Activity, Answer, Grade, Lead, Profile, Stage, Touch};
use nurtured::domain::scoring::Done;
use nurtured::store::LeadFilter;

use super::{Place, address, at, insert, lead};

pub async fn an_address_is_one_lead(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    assert_eq!(tx.insert_lead(&lead("jane@firm.example")).await.expect("an answer"), None);
    let john = insert(&mut tx, &lead("john@firm.example")).await;
    assert_ne!(jane, john);
    assert_eq!(
        tx.lead_by_email(&address("jane@firm.example")).await.expect("an answer").map(|l| l.id),
        Some(jane)
    );
    assert_eq!(tx.lead_by_email(&address("nobody@firm.example")).await.expect("an answer"), None);

    // A change of address that runs into another lead is refused.
    let mut changed =
        tx.lead_by_email(&address("john@firm.example")).await.expect("an answer").expect("John");
    changed.email = address("jane@firm.example");
    super::assert_conflict(tx.save_lead(&changed).await);
    drop(tx);
    store.close().await;
}

pub async fn every_field_of_a_lead_comes_back(place: Place) {
    let store = place.store().await;
    let text = |text: &str| Some(text.to_owned());
    let mut jane = Lead {
        profile: Profile {
            first_name: text("Jané 'J' \"x\""),
            last_name: text("Dœ"),
            company: text("Firm & Søns"),
            title: text("CTO"),
            phone: text("+4930901820"),
            country: text("DE"),
            zone: text("Europe/Berlin"),
            language: text("de"),
            fields: BTreeMap::from([("Größe".to_owned(), "50–100 {\"a\":1}".to_owned())]),
        },
        campaign: text("webinar"),
        source: text("google"),
        stage: Stage::Qualified,
        stage_at: at("08:00:00.123"),
        base_score: -5,
        score: 4_000_000_000,
        grade: Some(Grade::B),
        owner: Some(address("rep1@ours.example")),
        round: 2,
        away_until: Some(at("10:00:00")),
        follow_up_at: Some(at("11:00:00")),
        next_sequence: text("re-engage"),
        avoid_rep: Some(address("rep2@ours.example")),
        due_at: Some(at("12:00:00")),
        created_at: "1969-12-31T23:59:59.999Z".parse().expect("an instant"),
        ..lead("jane@firm.example")
    };
    let mut tx = store.begin().await.expect("a transaction");
    jane.id = insert(&mut tx, &jane).await;
    assert_eq!(tx.leads(&[jane.id]).await.expect("leads"), [jane.clone()]);

    let bare = Lead { id: jane.id, ..lead("jane.doe@firm.example") };
    tx.save_lead(&bare).await.expect("saved");
    assert_eq!(tx.lock_lead_by_email(&bare.email).await.expect("an answer"), Some(bare));
    assert_eq!(tx.lock_lead_by_email(&jane.email).await.expect("an answer"), None);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn leads_are_found_by_what_is_asked_for(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let rep = address("rep1@ours.example");
    let mut ids = Vec::new();
    for (email, stage, owner, campaign) in [
        ("a@firm.example", Stage::New, None, None),
        ("b@firm.example", Stage::Accepted, Some(rep.clone()), Some("webinar")),
        ("c@firm.example", Stage::Accepted, None, Some("default")),
        ("d@firm.example", Stage::Contacted, Some(rep.clone()), Some("webinar")),
    ] {
        let campaign = campaign.map(str::to_owned);
        ids.push(insert(&mut tx, &Lead { stage, owner, campaign, ..lead(email) }).await);
    }
    let [a, b, c, d] = ids.try_into().expect("four leads");
    let all = LeadFilter::default();
    for (filter, limit, expected) in [
        (all.clone(), 10, vec![a, b, c, d]),
        (all.clone(), 2, vec![a, b]),
        (LeadFilter { after: Some(b), ..all.clone() }, 10, vec![c, d]),
        (LeadFilter { stage: Some(Stage::Accepted), ..all.clone() }, 10, vec![b, c]),
        (LeadFilter { owner: Some(rep.clone()), ..all.clone() }, 10, vec![b, d]),
        (LeadFilter { campaign: Some("webinar".to_owned()), ..all.clone() }, 10, vec![b, d]),
        (
            LeadFilter {
                stage: Some(Stage::Accepted),
                owner: Some(rep.clone()),
                campaign: Some("webinar".to_owned()),
                with_sales: false,
                after: None,
            },
            10,
            vec![b],
        ),
        (LeadFilter { with_sales: true, ..all.clone() }, 10, vec![b, c, d]),
        (LeadFilter { stage: Some(Stage::Won), ..all.clone() }, 10, vec![]),
    ] {
        let found = tx.list_leads(&filter, limit).await.expect("leads");
        assert_eq!(numbers(&found), expected, "{filter:?}");
    }

    // Asked for by number they come in the order of their numbers, and those there are.
    assert_eq!(numbers(&tx.leads(&[d, LeadId(d.0 + 1), a]).await.expect("leads")), [a, d]);
    assert_eq!(numbers(&tx.lock_leads(&[c, b]).await.expect("leads")), [b, c]);
    assert_eq!(numbers(&tx.lock_free_leads(&[d, c, b], 2).await.expect("leads")), [b, c]);
    assert_eq!(tx.leads(&[]).await.expect("leads"), []);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn leads_that_are_due_are_found_in_their_order(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let mut ids = Vec::new();
    for (email, stage, due_at) in [
        ("a@firm.example", Stage::New, Some(at("09:30:00"))),
        ("b@firm.example", Stage::New, Some(at("09:00:00"))),
        ("c@firm.example", Stage::New, Some(at("12:00:00"))),
        ("d@firm.example", Stage::New, None),
        ("e@firm.example", Stage::Qualified, None),
        ("f@firm.example", Stage::Qualified, Some(at("15:00:00"))),
    ] {
        ids.push(insert(&mut tx, &Lead { stage, due_at, ..lead(email) }).await);
    }
    let [a, b, c, _, _, f] = ids.try_into().expect("six leads");
    let due = tx.lock_leads_due(Stage::New, at("09:30:00"), 10).await.expect("leads");
    assert_eq!(numbers(&due), [b, a]);
    let due = tx.lock_leads_due(Stage::New, at("23:00:00"), 10).await.expect("leads");
    assert_eq!(numbers(&due), [b, a, c]);
    let due = tx.lock_leads_due(Stage::New, at("23:00:00"), 1).await.expect("leads");
    assert_eq!(numbers(&due), [b]);
    let next = tx.next_lead_due(Stage::New).await.expect("an answer");
    assert_eq!(next, Some(at("09:00:00").as_millisecond()));
    assert_eq!(tx.next_lead_due(Stage::Resting).await.expect("an answer"), None);
    // Who waits for a rep is not due by itself.
    let ready = tx.lock_leads_due(Stage::Qualified, at("23:00:00"), 10).await.expect("leads");
    assert_eq!(numbers(&ready), [f]);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn leads_in_other_hands_are_left_to_them(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let mut ids = Vec::new();
    for email in ["a@firm.example", "b@firm.example"] {
        ids.push(insert(&mut tx, &Lead { stage: Stage::Qualified, due_at: None, ..lead(email) }).await);
    }
    let [a, b] = ids.try_into().expect("two leads");
    tx.commit().await.expect("committed");

    let mut one = store.begin().await.expect("a transaction");
    let (known, unknown) = (address("a@firm.example"), address("nobody@firm.example"));
    one.lock_persons_by_email(&[&unknown, &known]).await.expect("locked");
    // On SQLite nobody else could write now.
    if !store.is_exclusive() {
        let mut other = store.begin().await.expect("a transaction");
        assert_eq!(numbers(&other.lock_free_leads(&[a, b], 10).await.expect("leads")), [b]);
        // What somebody notes about a lead waits for nobody who has it locked: they may wait for each other else.
        let visit = Activity { name: "visit".to_owned(), occurred_at: at("09:00:00") };
        assert!(other.insert_activity(a, &visit, "v", at("09:00:00")).await.expect("noted"));
        // Nobody who has leads locked waits for another's.
        other.look_at_waiting_leads(at("10:00:00")).await.expect("noted");
        other.commit().await.expect("committed");
    }
    one.rollback().await.expect("undone");
    store.close().await;
}

pub async fn what_a_lead_did_is_remembered_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let john = insert(&mut tx, &lead("john@firm.example")).await;
    let now = at("12:00:00");
    let text = |text: &str| Some(text.to_owned());

    let first = Touch {
        occurred_at: Some(at("07:00:00")),
        source: text("google"),
        medium: text("cpc"),
        campaign: text("spring"),
        term: text("heat pumps"),
        content: text("blue"),
        ad: text("Halve your bill"),
        landing_page: text("https://ours.example/a"),
        referrer: text("https://google.example/"),
    };
    let undated = Touch { source: text("fair"), ..Touch::default() };
    assert!(tx.insert_touch(jane, &undated, "u", now).await.expect("an answer"));
    assert!(tx.insert_touch(jane, &first, "f", now).await.expect("an answer"));
    assert!(!tx.insert_touch(jane, &first, "f", now).await.expect("an answer"), "known");
    assert!(tx.insert_touch(john, &first, "f", now).await.expect("an answer"), "another lead's");
    let taken_in = Touch { occurred_at: Some(now), ..undated };
    assert_eq!(tx.touches(jane).await.expect("touches"), [first, taken_in]);
    let mut counts = tx.touch_counts(&[jane, john]).await.expect("counts");
    counts.sort();
    assert_eq!(counts, [(jane, 2), (john, 1)]);

    let answer = Answer { question: "Budget?".to_owned(), answer: "yes".to_owned(), occurred_at: None };
    assert!(tx.insert_answer(jane, &answer, "a", now).await.expect("an answer"));
    assert!(!tx.insert_answer(jane, &answer, "a", now).await.expect("an answer"));
    let answer = Answer { occurred_at: Some(now), ..answer };
    assert_eq!(tx.answers(jane).await.expect("answers"), std::slice::from_ref(&answer));

    let visit = Activity { name: "pricing_page".to_owned(), occurred_at: at("11:00:00") };
    assert!(tx.insert_activity(jane, &visit, "v", now).await.expect("an answer"));
    assert!(!tx.insert_activity(jane, &visit, "v", now).await.expect("an answer"));
    let earlier = Activity { name: "webinar".to_owned(), occurred_at: at("10:00:00") };
    assert!(tx.insert_activity(jane, &earlier, "w", now).await.expect("an answer"));
    assert!(tx.insert_activity(john, &visit, "v", now).await.expect("an answer"));
    assert_eq!(tx.activities(jane).await.expect("activities"), [earlier.clone(), visit.clone()]);

    assert!(tx.insert_activity(jane, &visit, "again", now).await.expect("an answer"));
    assert_eq!(tx.recent_activities(jane, 2).await.expect("activities"), [visit.clone(), visit.clone()]);
    assert_eq!(tx.recent_activities(jane, 9).await.expect("activities")[0], earlier);

    let done = |name: &str, days_ago, times| Done { name: name.to_owned(), days_ago, times };
    let two_days_later = now + jiff::SignedDuration::from_hours(48);
    let behaviour = tx.behaviour_of(&[jane, john], two_days_later).await.expect("behaviour");
    let visits = vec![
        (jane, done("pricing_page", 2, 2)),
        (jane, done("webinar", 2, 1)),
        (john, done("pricing_page", 2, 1)),
    ];
    assert_eq!(behaviour, (vec![(jane, answer.clone())], visits));
    let before = tx.behaviour_of(&[john], at("09:00:00")).await.expect("behaviour").1;
    assert_eq!(before, [(john, done("pricing_page", 0, 1))], "what lies ahead is no days old");
    let since = tx.done_since(jane, at("10:30:00"), two_days_later).await.expect("behaviour");
    assert_eq!(since, [done("pricing_page", 2, 2)]);

    // Whoever fills in a public form for ever does not fill the store.
    let mut kept = 0;
    for number in 0..1_010 {
        let answer = Answer { question: format!("Question {number}?"), ..answer.clone() };
        let fingerprint = number.to_string();
        kept += usize::from(tx.insert_answer(john, &answer, &fingerprint, now).await.expect("an answer"));
    }
    assert_eq!((kept, tx.answers(john).await.expect("answers").len()), (1_000, 1_000));
    tx.commit().await.expect("committed");
    store.close().await;
}

/// Daemons that look for work at the same time get different leads. On SQLite there is one daemon.
#[tokio::test]
async fn on_postgres_two_daemons_get_different_leads() {
    let Some(place) = Place::postgres().await else { return };
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let due = |email| Lead { stage: Stage::New, due_at: Some(at("09:00:00")), ..lead(email) };
    let a = insert(&mut tx, &due("a@firm.example")).await;
    let b = insert(&mut tx, &due("b@firm.example")).await;
    tx.commit().await.expect("committed");

    let mut one = store.begin().await.expect("a transaction");
    let mut other = store.begin().await.expect("a transaction");
    assert_eq!(numbers(&one.lock_leads_due(Stage::New, at("10:00:00"), 1).await.expect("leads")), [a]);
    assert_eq!(numbers(&other.lock_leads_due(Stage::New, at("10:00:00"), 2).await.expect("leads")), [b]);
    assert_eq!(numbers(&other.lock_free_leads(&[a, b], 2).await.expect("leads")), [b]);
    one.lock_rows_of_leads(&[a]).await.expect("it has them already");
    drop((one, other));
    store.close().await;
}

fn numbers(leads: &[Lead]) -> Vec<LeadId> {
    leads.iter().map(|lead| lead.id).collect()
}
