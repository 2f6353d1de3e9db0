//! What reports read, and when the mailed ones are due.

use jiff::{Timestamp, ToSpan};
use nurtured::domain::contact::Channel;
use nurtured::domain::ids::{HandOffId, LeadId};
use nurtured::domain::lead::{Answer, Lead, Stage};
use nurtured::domain::sla::PromiseKind;
use nurtured::store::{AnswerCount, NewContact, NewEvent, NewHandOff, NewSlaClock, ReportDue, Tx};
use serde_json::json;

use super::{Place, address, at, insert, lead};

async fn given(tx: &mut Tx, lead: LeadId, campaign: &str, at: Timestamp) -> HandOffId {
    let new = NewHandOff {
        lead,
        rep: address("rep1@ours.example"),
        team: "sales".to_owned(),
        policy: "standard".to_owned(),
        campaign: campaign.to_owned(),
        at,
    };
    tx.insert_hand_off(&new).await.expect("handed off")
}

async fn clock(tx: &mut Tx, lead: LeadId, hand_off: HandOffId, started_at: Timestamp) {
    let new = NewSlaClock {
        hand_off,
        lead,
        kind: PromiseKind::FirstContact,
        terms: "{}".to_owned(),
        started_at,
        deadline_at: at("12:00:00"),
        next_at: None,
    };
    tx.insert_sla_clock(&new).await.expect("started");
}

fn event(lead: LeadId, kind: &'static str, facts: serde_json::Value) -> NewEvent {
    NewEvent {
        lead: Some(lead),
        occurred_at: at("10:00:00"),
        recorded_at: at("10:00:00"),
        kind,
        actor: None,
        playbook: None,
        mail: None,
        facts,
    }
}

pub async fn leads_that_sales_had_in_a_period_are_read_page_by_page(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let mut leads = Vec::new();
    for name in ["before", "within", "over", "still", "after"] {
        let source = Some(name.to_owned());
        let stage = Stage::HandedOff;
        leads.push(insert(&mut tx, &Lead { stage, source, ..lead(&format!("{name}@firm.example")) }).await);
    }
    for (index, (from, until)) in [
        ("08:00:00", Some("09:00:00")),
        ("11:00:00", Some("12:00:00")),
        ("08:00:00", Some("18:00:00")),
        ("08:00:00", None),
        ("15:00:00", None),
    ]
    .into_iter()
    .enumerate()
    {
        let hand_off = given(&mut tx, leads[index], "webinar", at(from)).await;
        if let Some(until) = until {
            tx.end_hand_off(hand_off, "rejected: bad-fit", at(until)).await.expect("ended");
        }
    }
    let (from, to) = (at("10:00:00"), at("15:00:00"));
    let page = |after| (LeadId(after), from, to);
    let (after, from, to) = page(0);
    let first = tx.leads_with_sales(after, from, to, 2).await.expect("a page");
    assert_eq!(first, leads[1..3]);
    let second = tx.leads_with_sales(first[1], from, to, 2).await.expect("a page");
    assert_eq!(second, leads[3..4], "what ended before, and what begins at the end, is not in it");

    let again = given(&mut tx, leads[1], "default", at("13:00:00")).await;
    let found = tx.hand_offs_of_leads(&leads[1..3]).await.expect("an answer");
    let told: Vec<_> = found.iter().map(|row| (row.lead, row.campaign.as_str(), row.at)).collect();
    assert_eq!(
        told,
        [
            (leads[1], "webinar", at("11:00:00")),
            (leads[1], "default", at("13:00:00")),
            (leads[2], "webinar", at("08:00:00")),
        ]
    );
    assert_eq!(
        (found[1].id, found[1].rep.as_str(), found[1].team.as_str()),
        (again, "rep1@ours.example", "sales")
    );
    let mut sources = tx.sources_of(&leads[1..3]).await.expect("an answer");
    sources.sort();
    assert_eq!(sources, [(leads[1], Some("within".to_owned())), (leads[2], Some("over".to_owned()))]);
    tx.rollback().await.expect("rolled back");
}

pub async fn promises_and_what_was_found_late_are_read_of_many_leads(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &Lead { stage: Stage::HandedOff, ..lead("jane@firm.example") }).await;
    let john = insert(&mut tx, &Lead { stage: Stage::HandedOff, ..lead("john@firm.example") }).await;
    for (lead, started_at) in [(jane, at("08:00:00")), (john, at("10:00:00"))] {
        let hand_off = given(&mut tx, lead, "webinar", started_at).await;
        clock(&mut tx, lead, hand_off, started_at).await;
    }
    let all = tx.promises_of_leads(&[jane, john], at("08:00:00")).await.expect("an answer");
    assert_eq!(all.iter().map(|row| row.lead).collect::<Vec<_>>(), [jane, john]);
    let later = tx.promises_of_leads(&[jane, john], at("08:00:01")).await.expect("an answer");
    let [of_john] = later.as_slice() else { panic!("{later:?}") };
    assert_eq!((of_john.kind.as_str(), of_john.state.as_str()), ("first_contact", "running"));
    assert_eq!(
        (of_john.started_at, of_john.deadline_at, of_john.stopped_at),
        (at("10:00:00"), at("12:00:00"), None)
    );

    let minutes = |minutes: i64| minutes * 60_000;
    for (row, fired_at) in [(&all[0], at("12:15:00")), (&all[1], at("12:15:01"))] {
        tx.fire_level(row.id, "breach", at("12:00:00"), fired_at).await.expect("fired");
    }
    let late = tx.levels_found_late(&[jane, john], minutes(15)).await.expect("an answer");
    assert_eq!(late, [(all[1].id, at("12:00:00"))]);

    let stage = json!({ "from": "qualified", "to": "handed_off", "why": "to rep1" });
    tx.append(&[
        event(john, "stage", stage.clone()),
        event(jane, "stage", stage.clone()),
        event(jane, "mail", json!({})),
        event(jane, "follow_up", json!({ "resumes": null })),
    ])
    .await
    .expect("appended");
    let events = tx.figure_events(&[jane, john]).await.expect("an answer");
    let told: Vec<_> = events.iter().filter_map(|event| Some((event.lead?, event.kind.as_str()))).collect();
    assert_eq!(told, [(jane, "stage"), (jane, "follow_up"), (john, "stage")]);
    assert_eq!((events[0].occurred_at, &events[0].facts), (at("10:00:00"), &stage));
    tx.rollback().await.expect("rolled back");
}

pub async fn the_most_frequent_answers_are_counted_by_campaign_and_question(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    for (name, campaign, answer) in [
        ("a", Some("webinar"), "spreadsheets"),
        ("b", Some("webinar"), "nothing"),
        ("c", Some("webinar"), "nothing"),
        ("d", Some("webinar"), "Zeppelin"),
        ("e", None, "nothing"),
    ] {
        let campaign = campaign.map(str::to_owned);
        let id = insert(&mut tx, &Lead { campaign, ..lead(&format!("{name}@firm.example")) }).await;
        let question = "What do you use?".to_owned();
        let answer = Answer { question, answer: answer.to_owned(), occurred_at: Some(at("09:00:00")) };
        tx.insert_answer(id, &answer, "1", at("09:00:00")).await.expect("kept");
    }
    let found = tx.top_answers(at("09:00:00"), at("10:00:00"), 2).await.expect("an answer");
    let count = |campaign: &str, answer: &str, leads, answers| AnswerCount {
        campaign: campaign.to_owned(),
        question: "What do you use?".to_owned(),
        answer: answer.to_owned(),
        leads,
        answers,
    };
    // Of those said once the first in the order of bytes, on both databases.
    assert_eq!(
        found,
        [count("", "nothing", 1, 1), count("webinar", "nothing", 2, 4), count("webinar", "Zeppelin", 1, 4)]
    );
    assert_eq!(tx.top_answers(at("09:00:01"), at("10:00:00"), 2).await.expect("an answer"), []);
    tx.rollback().await.expect("rolled back");
}

pub async fn what_a_campaign_brought_is_counted_by_lead(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    for (name, accepted, opportunity, why) in [
        ("a", false, false, None),
        ("b", true, true, None),
        ("c", true, false, Some("won")),
        ("d", true, false, Some("rejected: bad-fit")),
    ] {
        let id =
            insert(&mut tx, &Lead { stage: Stage::HandedOff, ..lead(&format!("{name}@firm.example")) }).await;
        let hand_off = given(&mut tx, id, "webinar", at("09:00:00")).await;
        if accepted {
            tx.accept_hand_off(hand_off, at("10:00:00")).await.expect("accepted");
        }
        if opportunity {
            tx.append(&[event(id, "opportunity", json!({}))]).await.expect("appended");
        }
        if let Some(why) = why {
            tx.end_hand_off(hand_off, why, at("11:00:00")).await.expect("ended");
        }
        let contact = NewContact {
            lead: id,
            at: at("10:00:00"),
            local_date: 20_514,
            channel: Channel::Phone,
            actor: Some(address("rep1@ours.example")),
            mail: None,
            slot: None,
            company_slot: None,
        };
        tx.insert_contacts(&[contact]).await.expect("kept");
        assert_eq!(tx.turned_to(id).await.expect("an answer"), (0, 1));
    }
    assert_eq!(tx.brought_by("webinar", at("10:00:00")).await.expect("an answer"), (3, 2, 1));
    assert_eq!(tx.brought_by("webinar", at("09:00:00")).await.expect("an answer"), (0, 0, 0));
    assert_eq!(tx.brought_by("other", at("10:00:00")).await.expect("an answer"), (0, 0, 0));
    tx.rollback().await.expect("rolled back");
}

pub async fn a_mailed_report_is_planned_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let due = tx.reports_due(at("08:00:00")).await.expect("an answer");
    let names: Vec<&str> = due.iter().map(|due| due.length.as_str()).collect();
    assert_eq!(names, ["week", "month"], "a new store has to work out when");
    let (next, told) = (at("08:00:00") + 168.hours(), at("00:00:00"));
    assert!(tx.plan_report(&due[0], Some(next), Some(told)).await.expect("planned"));
    assert!(!tx.plan_report(&due[0], Some(next), Some(told)).await.expect("planned"), "somebody did already");
    assert!(tx.plan_report(&due[1], None, None).await.expect("planned"));
    assert_eq!(tx.next_report_due().await.expect("an answer"), Some(next.as_millisecond()));
    assert_eq!(tx.reports_due(at("09:00:00")).await.expect("an answer"), []);
    let week = ReportDue { length: "week".to_owned(), due_at: next, told_until: Some(told) };
    assert_eq!(tx.reports_due(next).await.expect("an answer"), [week]);
    tx.look_at_reports().await.expect("looked at");
    let told: Vec<_> = tx
        .reports_due(at("08:00:00"))
        .await
        .expect("an answer")
        .into_iter()
        .map(|due| due.told_until)
        .collect();
    assert_eq!(told, [Some(at("00:00:00")), None]);
    tx.rollback().await.expect("rolled back");
}
