//! What sales gave back, what marketing has to look at, and two records that become one.

use nurtured::domain::contact::Channel;
use nurtured::domain::ids::{EventId, HandOffId, LeadId};
use nurtured::domain::lead::{Activity, Answer, Lead, Stage, Touch};
use nurtured::domain::mail::{Audience, MailClass, MailState};
use nurtured::domain::recycle::Verdict;
use nurtured::store::{
    Dispute, GivenBack, Moved, NewContact, NewEvent, NewGivenBack, NewHandOff, NewMail, Settled, Tx,
};

use super::{Place, address, assert_conflict, at, enrolment, insert, lead};

async fn handed_off(tx: &mut Tx, lead: LeadId) -> HandOffId {
    let new = NewHandOff {
        lead,
        rep: address("rep1@ours.example"),
        team: "sales".to_owned(),
        policy: "standard".to_owned(),
        campaign: "default".to_owned(),
        at: at("09:00:00"),
    };
    let id = tx.insert_hand_off(&new).await.expect("handed off");
    tx.end_hand_off(id, "rejected: not-ready", at("10:00:00")).await.expect("ended");
    id
}

async fn says(tx: &mut Tx, lead: LeadId, kind: &'static str, words: Option<&str>) -> EventId {
    let event = NewEvent {
        lead: Some(lead),
        occurred_at: at("10:00:00"),
        recorded_at: at("10:00:00"),
        kind,
        actor: None,
        playbook: None,
        mail: None,
        facts: serde_json::json!({}),
    };
    tx.append_with_text(&event, words).await.expect("kept")
}

pub async fn a_rejection_is_kept_once_and_disputed_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let hand_off = handed_off(&mut tx, jane).await;
    let event = says(&mut tx, jane, "rejected", Some("not before May")).await;
    assert_eq!(tx.last_given_back(jane).await.expect("an answer"), None);
    let new = NewGivenBack {
        hand_off,
        lead: jane,
        stage: Stage::Rejected,
        reason: "not-ready".to_owned(),
        at: at("10:00:00"),
        event,
        same_rep: true,
    };
    let id = tx.insert_given_back(&new).await.expect("kept").expect("the first time");
    assert_eq!(tx.insert_given_back(&new).await.expect("no error"), None, "that hand-off ended once");
    let kept = GivenBack {
        id,
        hand_off,
        lead: jane,
        stage: Stage::Rejected,
        reason: "not-ready".to_owned(),
        at: at("10:00:00"),
        event,
        same_rep: true,
        dispute: None,
    };
    assert_eq!(tx.last_given_back(jane).await.expect("an answer"), Some(kept.clone()));
    assert_eq!(tx.event_text(event).await.expect("an answer").as_deref(), Some("not before May"));
    assert_eq!(tx.event_text(EventId(-1)).await.expect("an answer"), None);

    let marketing = address("marketing@ours.example");
    let manager = address("manager@ours.example");
    assert!(!tx.settle_dispute(id, None, Verdict::Moot, at("11:00:00")).await.expect("no error"));
    let said = says(&mut tx, jane, "disputed", None).await;
    assert!(tx.dispute(id, Some(&marketing), said, at("11:00:00")).await.expect("disputed"));
    assert!(!tx.dispute(id, Some(&marketing), said, at("12:00:00")).await.expect("no error"), "once");
    let settle = tx.settle_dispute(id, Some(&manager), Verdict::Overturned, at("13:00:00")).await;
    assert!(settle.expect("settled"));
    assert!(!tx.settle_dispute(id, None, Verdict::Moot, at("14:00:00")).await.expect("no error"), "once");
    let settled = Settled { at: at("13:00:00"), by: Some(manager), verdict: Verdict::Overturned };
    let dispute = Dispute { at: at("11:00:00"), by: Some(marketing), event: said, settled: Some(settled) };
    assert_eq!(tx.given_back(jane).await.expect("a list"), [GivenBack { dispute: Some(dispute), ..kept }]);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn what_marketing_has_to_look_at_stands_in_one_list(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let john = insert(&mut tx, &lead("john@firm.example")).await;
    let event = says(&mut tx, jane, "rejected", None).await;
    assert_eq!(tx.next_work_list().await.expect("an answer"), None);
    for lead in [jane, john] {
        let opened = tx.open_work_item(lead, "bad-data", event, at("11:00:00"), at("10:00:00")).await;
        assert!(opened.expect("opened"));
    }
    let again = tx.open_work_item(jane, "wrong-person", event, at("12:00:00"), at("10:00:00")).await;
    assert!(!again.expect("no error"), "one thing at a time");
    assert_eq!(tx.next_work_list().await.expect("an answer"), Some(at("11:00:00").as_millisecond()));
    assert!(tx.work_items_to_tell(at("10:59:59"), 9).await.expect("a list").is_empty());
    let items = tx.work_items_to_tell(at("11:00:00"), 9).await.expect("a list");
    assert_eq!(items.iter().map(|item| item.lead).collect::<Vec<_>>(), [jane, john]);
    tx.work_item_told(items[0].id, Some(at("16:00:00"))).await.expect("noted");
    let item = tx.work_item(jane).await.expect("an answer").expect("it is open");
    assert_eq!(item.tell_at, Some(at("16:00:00")), "it stands in the next list again");
    tx.work_item_told(items[0].id, None).await.expect("noted");
    let item = tx.work_item(jane).await.expect("an answer").expect("it is open");
    assert_eq!((item.tell_at, item.reason.as_str(), item.event), (None, "bad-data", event));
    assert!(tx.close_work_item(john, "mended", at("11:00:00")).await.expect("closed"));
    assert!(!tx.close_work_item(john, "mended", at("11:00:00")).await.expect("no error"));
    assert_eq!(tx.work_item(john).await.expect("an answer"), None);
    assert_eq!(tx.next_work_list().await.expect("an answer"), None, "who is mended stands in no list");
    assert!(tx.close_work_item(jane, "mended", at("11:00:00")).await.expect("closed"));
    let once_more = tx.open_work_item(jane, "bad-data", event, at("15:00:00"), at("14:00:00")).await;
    assert!(once_more.expect("opened"), "what was closed may be opened anew");
    let all = tx.work_items_of(jane).await.expect("a list");
    assert_eq!(
        all.iter().map(|item| (item.closed_at, item.closed_why.as_deref())).collect::<Vec<_>>(),
        [(Some(at("11:00:00")), Some("mended")), (None, None)]
    );
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn what_a_double_had_becomes_the_other_s(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let double = insert(&mut tx, &lead("jd@firm.example")).await;
    let third = insert(&mut tx, &lead("j@firm.example")).await;
    let now = at("12:00:00");
    let touch = |source: &str| Touch { source: Some(source.to_owned()), ..Touch::default() };
    for (lead, source) in [(jane, "both"), (double, "both"), (double, "fair")] {
        tx.insert_touch(lead, &touch(source), source, now).await.expect("kept");
    }
    let answer = Answer { question: "Budget?".to_owned(), answer: "yes".to_owned(), occurred_at: None };
    tx.insert_answer(double, &answer, "a", now).await.expect("kept");
    let visit = Activity { name: "pricing_page".to_owned(), occurred_at: at("11:00:00") };
    tx.insert_activity(double, &visit, "v", now).await.expect("kept");
    let contact = |lead, slot| NewContact {
        lead,
        at: now,
        local_date: 20_514,
        channel: Channel::Email,
        actor: None,
        mail: None,
        slot: Some(slot),
        company_slot: None,
    };
    tx.insert_contacts(&[contact(jane, 0), contact(double, 0)]).await.expect("both have their own day");
    let passed = tx.insert_enrolment(&enrolment(double, "welcome")).await.expect("enrolled").expect("new");
    let sent = NewMail {
        audience: Audience::Lead,
        class: MailClass::Nurture,
        state: MailState::Pending,
        due_at: now,
        lead: Some(double),
        recipient: address("jd@firm.example"),
        unique_key: "step".to_owned(),
        requested: false,
        playbook: "v1".to_owned(),
        enrolment: Some(passed),
        sequence: Some("welcome".to_owned()),
        step: Some("hello".to_owned()),
        level: None,
        subject: None,
        message: None,
        planned_at: now,
    };
    let mail = tx.insert_mail(&sent).await.expect("planned").expect("new");
    assert!(tx.steps_sent(double, "welcome").await.expect("a list").is_empty(), "it has not left");
    tx.readdress_waiting_mail(double, &address("new@firm.example")).await.expect("readdressed");
    let waiting = tx.outbox_mail(mail).await.expect("an answer").expect("a mail");
    assert_eq!(waiting.recipient, address("new@firm.example"));
    tx.settle_mail(mail, MailState::Pending, MailState::Sent, "sent", now).await.expect("settled");
    assert_eq!(tx.steps_sent(double, "welcome").await.expect("a list"), ["hello"]);
    tx.end_enrolment(passed, false, "a double", now).await.expect("ended");
    says(&mut tx, jane, "taken_in", None).await;
    says(&mut tx, double, "taken_in", None).await;

    let moved = tx.merge_lead(double, jane, now).await.expect("merged");
    assert_eq!(moved, Moved { touches: 1, answers: 1, activities: 1 }, "what both had counts once");
    let sources: Vec<_> =
        tx.touches(jane).await.expect("touches").into_iter().filter_map(|touch| touch.source).collect();
    assert_eq!(sources, ["both", "fair"]);
    assert_eq!(tx.contacts_since(&[jane], 0).await.expect("contacts").len(), 2);
    tx.move_enrolment(passed, jane, 1, 1).await.expect("moved");
    assert_eq!(tx.entries(jane, "welcome", 1).await.expect("an answer"), (1, 1));
    assert_eq!(tx.events_of_person(jane).await.expect("events").len(), 2);
    assert_eq!(tx.events_of(jane).await.expect("events").len(), 1, "the log is not rewritten");
    assert_eq!(tx.merged_into(double).await.expect("an answer"), Some(jane));
    assert_eq!(tx.merged_into(jane).await.expect("an answer"), None);

    let id = |found: Option<Lead>| found.map(|lead| lead.id);
    let by = address("jd@firm.example");
    assert_eq!(id(tx.person_by_email(&by).await.expect("an answer")), Some(jane));
    assert_eq!(id(tx.lock_person_by_email(&by).await.expect("an answer")), Some(jane));
    assert_eq!(id(tx.lead_by_email(&by).await.expect("an answer")), Some(double), "the record is kept");
    let nobody = address("nobody@firm.example");
    assert_eq!(id(tx.person_by_email(&nobody).await.expect("an answer")), None);
    assert_eq!(id(tx.lock_person_by_email(&nobody).await.expect("an answer")), None);

    // A double of the double is one of whoever lives.
    tx.merge_lead(jane, third, now).await.expect("merged");
    assert_eq!(id(tx.person_by_email(&by).await.expect("an answer")), Some(third));
    assert_eq!(tx.doubles_of(third).await.expect("a list"), [jane, double]);
    tx.commit().await.expect("committed");

    let mut tx = store.begin().await.expect("a transaction");
    assert_conflict(tx.merge_lead(double, third, now).await);
    drop(tx);
    store.close().await;
}
