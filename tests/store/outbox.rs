//! The life of a mail. What the guarantee rests on: planned once, marked by who holds the lease, and in doubt
//! rather than sent twice.

use nurtured::domain::ids::{EnrolmentId, LeadId, OutboxId};
use nurtured::domain::mail::{Audience, MailClass, MailState};
use nurtured::store::{Lease, NewMail, OutboxMail, SentMail, Store, Tx};

use super::{Place, address, at, enrolment, insert, lead};

const AN_HOUR: i64 = 3_600_000;

/// A mail to a lead that is no step.
fn mail(lead: LeadId, key: &str) -> NewMail {
    NewMail {
        audience: Audience::Lead,
        class: MailClass::Nurture,
        state: MailState::Pending,
        due_at: at("09:00:00"),
        lead: Some(lead),
        recipient: address("jane@firm.example"),
        unique_key: key.to_owned(),
        requested: false,
        playbook: "v1".to_owned(),
        enrolment: None,
        sequence: None,
        step: None,
        level: None,
        subject: None,
        message: None,
        planned_at: at("08:30:00"),
    }
}

pub fn step(lead: LeadId, enrolment: EnrolmentId, key: &str, step: &str) -> NewMail {
    NewMail {
        enrolment: Some(enrolment),
        sequence: Some("welcome".to_owned()),
        step: Some(step.to_owned()),
        ..mail(lead, key)
    }
}

/// One lead, and this mail to it.
async fn planned(store: &Store, key: &str) -> (LeadId, OutboxId) {
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    assert_eq!(tx.insert_mails(&[mail(jane, key)]).await.expect("planned"), 1);
    let id = tx.mails_of(jane).await.expect("mails")[0].id;
    tx.commit().await.expect("committed");
    (jane, id)
}

/// The point of no return.
async fn claim(store: &Store, ids: &[OutboxId], token: i64, length_ms: i64) {
    let mut tx = store.begin().await.expect("a transaction");
    tx.mark_sending(ids, Lease { token, length_ms }, at("09:00:00")).await.expect("claimed");
    tx.commit().await.expect("committed");
}

async fn one(tx: &mut Tx, id: OutboxId) -> OutboxMail {
    tx.outbox_mail(id).await.expect("an answer").expect("a mail")
}

fn sent(id: OutboxId) -> SentMail {
    SentMail { id, subject: "Hello, Jané".to_owned(), at: at("09:00:01") }
}

pub async fn a_mail_is_planned_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let welcome =
        tx.insert_enrolment(&enrolment(jane, "welcome")).await.expect("an answer").expect("enrolled");
    let hello = NewMail { requested: true, ..step(jane, welcome, "k1", "hello") };
    assert_eq!(
        tx.insert_mails(&[hello.clone(), step(jane, welcome, "k2", "second")]).await.expect("planned"),
        2
    );
    let key_again = NewMail { step: Some("third".to_owned()), ..hello.clone() };
    assert_eq!(tx.insert_mails(&[key_again]).await.expect("an answer"), 0, "the key is taken");
    let step_again = NewMail { unique_key: "k3".to_owned(), ..hello.clone() };
    let skipped = NewMail { state: MailState::Skipped, ..step(jane, welcome, "k4", "third") };
    assert_eq!(tx.insert_mails(&[step_again, skipped]).await.expect("an answer"), 1, "the step was had");

    let had: Vec<_> = tx.steps_had(&[welcome]).await.expect("steps");
    assert_eq!(had, ["hello", "second", "third"].map(|step| (welcome, step.to_owned())));

    let mails = tx.mails_of(jane).await.expect("mails");
    let [first, second, third] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(
        *first,
        OutboxMail {
            id: first.id,
            audience: Audience::Lead,
            class: MailClass::Nurture,
            state: MailState::Pending,
            due_at: at("09:00:00"),
            lead: Some(jane),
            recipient: address("jane@firm.example"),
            requested: true,
            playbook: "v1".to_owned(),
            enrolment: Some(welcome),
            sequence: Some("welcome".to_owned()),
            step: Some("hello".to_owned()),
            level: None,
            subject: None,
            attempts: 0,
            held_why: None,
            last_error: None,
            planned_at: at("08:30:00"),
            ended_at: None,
        }
    );
    assert_eq!((third.state, third.ended_at), (MailState::Skipped, Some(at("08:30:00"))));
    assert_eq!(tx.sent_in(&[welcome]).await.expect("mails"), [], "none has left");
    assert_eq!(tx.mail_with_key("k2").await.expect("an answer").as_ref(), Some(second));
    assert_eq!(tx.mail_with_key("k3").await.expect("an answer"), None);

    // What is skipped is never due.
    assert_eq!(tx.lead_mail_due(at("08:59:59.999"), 10).await.expect("mails"), []);
    let due = tx.lead_mail_due(at("09:00:00"), 10).await.expect("mails");
    assert_eq!(due, [first.clone(), second.clone()]);
    let all = [first.id, second.id, third.id];
    let due = tx.still_due(&all, at("09:00:00")).await.expect("mails");
    assert_eq!(due, [first.clone(), second.clone()]);
    assert_eq!(tx.still_due(&all, at("08:59:59.999")).await.expect("mails"), []);
    assert_eq!(tx.mails_in(MailState::Skipped, 10).await.expect("mails"), std::slice::from_ref(third));
    let next = tx.next_mail_due(Audience::Lead).await.expect("an answer");
    assert_eq!(next, Some(at("09:00:00").as_millisecond()));
    assert_eq!(tx.next_mail_due(Audience::Staff).await.expect("an answer"), None);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_mail_is_marked_under_its_lease_alone(place: Place) {
    let store = place.store().await;
    let (jane, id) = planned(&store, "k1").await;
    claim(&store, &[id], 7, AN_HOUR).await;

    let mut tx = store.begin().await.expect("a transaction");
    let sending = one(&mut tx, id).await;
    assert_eq!((sending.state, sending.attempts), (MailState::Sending, 1));
    assert_eq!(tx.lead_mail_due(at("23:00:00"), 10).await.expect("mails"), [], "claimed is not due");

    // A stranger's marks change nothing.
    assert_eq!(tx.mark_sent(8, &[sent(id)]).await.expect("an answer"), []);
    assert!(!tx.mark_later(8, id, at("10:00:00"), "451").await.expect("an answer"));
    assert!(!tx.mark_ended(8, id, MailState::Parked, "550", at("10:00:00")).await.expect("an answer"));
    assert_eq!(one(&mut tx, id).await, sending);

    // Not now: it is pending again, and the lease is gone with it.
    assert!(tx.mark_later(7, id, at("10:00:00"), "451 later").await.expect("an answer"));
    let later = one(&mut tx, id).await;
    assert_eq!(
        (later.state, later.due_at, later.last_error.as_deref()),
        (MailState::Pending, at("10:00:00"), Some("451 later"))
    );
    assert_eq!(tx.mark_sent(7, &[sent(id)]).await.expect("an answer"), [], "the lease was given back");
    tx.commit().await.expect("committed");

    // Its turn did not come: the claim does not count.
    claim(&store, &[id], 12, AN_HOUR).await;
    let mut tx = store.begin().await.expect("a transaction");
    assert!(!tx.give_back_mail(7, id, at("10:00:00"), "stopped").await.expect("an answer"));
    assert!(tx.give_back_mail(12, id, at("10:00:00"), "stopped").await.expect("an answer"));
    let back = one(&mut tx, id).await;
    assert_eq!((back.state, back.attempts, back.due_at), (MailState::Pending, 1, at("10:00:00")));
    assert!(!tx.give_back_mail(12, id, at("11:00:00"), "stopped").await.expect("an answer"), "once");
    tx.commit().await.expect("committed");

    claim(&store, &[id], 9, AN_HOUR).await;
    // A second claim of the same mail takes nothing: it is not pending.
    claim(&store, &[id], 10, AN_HOUR).await;
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.mark_sent(10, &[sent(id)]).await.expect("an answer"), []);
    assert_eq!(tx.mark_sent(9, &[sent(id)]).await.expect("an answer"), [id]);
    let gone = one(&mut tx, id).await;
    assert_eq!((gone.state, gone.attempts, gone.ended_at), (MailState::Sent, 2, Some(at("09:00:01"))));
    assert_eq!((gone.subject.as_deref(), gone.last_error), (Some("Hello, Jané"), None));
    assert_eq!(tx.mark_sent(9, &[sent(id)]).await.expect("an answer"), [], "sent is sent");
    assert!(!tx.mark_ended(9, id, MailState::InDoubt, "?", at("10:00:00")).await.expect("an answer"));

    // Many are marked in one go, each with its own words.
    let mails: Vec<NewMail> = (0..20).map(|number| mail(jane, &format!("many {number}"))).collect();
    assert_eq!(tx.insert_mails(&mails).await.expect("planned"), 20);
    let ids: Vec<OutboxId> =
        tx.mails_in(MailState::Pending, 100).await.expect("mails").iter().map(|mail| mail.id).collect();
    tx.mark_sending(&ids, Lease { token: 11, length_ms: AN_HOUR }, at("09:00:00")).await.expect("claimed");
    let marks: Vec<SentMail> =
        ids.iter().map(|id| SentMail { subject: format!("No {id}"), ..sent(*id) }).collect();
    let mut marked = tx.mark_sent(11, &marks).await.expect("marked");
    marked.sort();
    assert_eq!(marked, ids);
    let subject = one(&mut tx, ids[4]).await.subject;
    assert_eq!(subject, Some(format!("No {}", ids[4])));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_lost_mail_is_found_by_its_lease(place: Place) {
    let store = place.store().await;
    let (jane, held) = planned(&store, "held").await;
    let mut tx = store.begin().await.expect("a transaction");
    tx.insert_mails(&[mail(jane, "lost")]).await.expect("planned");
    let lost = tx.mails_of(jane).await.expect("mails")[1].id;
    tx.commit().await.expect("committed");
    claim(&store, &[held], 1, AN_HOUR).await;
    claim(&store, &[lost], 2, 0).await;

    let mut tx = store.begin().await.expect("a transaction");
    assert!(tx.any_mail_sending().await.expect("an answer"));
    let found = tx.lost_mails(at("09:00:00"), false, 10).await.expect("mails");
    assert_eq!(found.iter().map(|mail| mail.id).collect::<Vec<_>>(), [lost]);
    assert_eq!(tx.lock_lost_mails(at("09:00:00"), false, 10).await.expect("mails"), found);

    // Who has just started alone knows that nobody holds any lease; where several share the work nobody
    // can know that.
    let found = tx.lock_lost_mails(at("09:00:00"), true, 10).await.expect("mails");
    let expected = if store.is_exclusive() { vec![lost, held] } else { vec![lost] };
    assert_eq!(found.iter().map(|mail| mail.id).collect::<Vec<_>>(), expected);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_mail_in_doubt_that_left_after_all_is_sent(place: Place) {
    let store = place.store().await;
    let (_, id) = planned(&store, "k1").await;
    claim(&store, &[id], 7, 0).await;

    // The finder of the lost mail puts it in doubt, once.
    let mut tx = store.begin().await.expect("a transaction");
    assert!(settle(&mut tx, id, MailState::Sending, MailState::InDoubt).await);
    assert!(!settle(&mut tx, id, MailState::Sending, MailState::InDoubt).await);
    let doubtful = one(&mut tx, id).await;
    assert_eq!((doubtful.state, doubtful.ended_at), (MailState::InDoubt, Some(at("10:00:00"))));
    // Its sender was slow, not dead, and says that it left; another's word does not count.
    assert_eq!(tx.mark_sent(8, &[sent(id)]).await.expect("an answer"), []);
    assert_eq!(tx.mark_sent(7, &[sent(id)]).await.expect("an answer"), [id]);
    assert_eq!(one(&mut tx, id).await.state, MailState::Sent);
    tx.commit().await.expect("committed");

    // Had a person sent it again meanwhile, the old lease would count for nothing.
    let mut tx = store.begin().await.expect("a transaction");
    assert!(settle(&mut tx, id, MailState::Sent, MailState::InDoubt).await);
    let again = tx.send_mail_again(id, MailState::InDoubt, at("11:00:00"), "by hand").await;
    assert!(again.expect("an answer"));
    let again = tx.send_mail_again(id, MailState::InDoubt, at("11:00:00"), "by hand").await;
    assert!(!again.expect("an answer"), "it is pending");
    assert_eq!(tx.mark_sent(7, &[sent(id)]).await.expect("an answer"), []);
    let pending = one(&mut tx, id).await;
    assert_eq!((pending.state, pending.due_at), (MailState::Pending, at("11:00:00")));
    assert_eq!(pending.ended_at, None, "it has not ended");
    tx.commit().await.expect("committed");
    store.close().await;
}

async fn settle(tx: &mut Tx, id: OutboxId, from: MailState, to: MailState) -> bool {
    tx.settle_mail(id, from, to, "nobody knows", at("10:00:00")).await.expect("an answer")
}

pub async fn staff_mail_keeps_its_bytes(place: Place) {
    let store = place.store().await;
    let (jane, to_lead) = planned(&store, "k1").await;
    let bytes = b"Subject: x\r\n\r\n\0\xff binary\r\n".to_vec();
    let to_staff = NewMail {
        audience: Audience::Staff,
        class: MailClass::Escalation,
        recipient: address("manager@ours.example"),
        level: Some("director".to_owned()),
        subject: Some("Uncontacted".to_owned()),
        message: Some(bytes.clone()),
        due_at: at("09:30:00"),
        ..mail(jane, "staff")
    };
    let earlier =
        NewMail { due_at: at("09:10:00"), ..NewMail { unique_key: "s2".to_owned(), ..to_staff.clone() } };
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.insert_mails(&[to_staff, earlier]).await.expect("planned"), 2);
    assert_eq!(tx.lock_staff_mail_due(at("09:29:00"), 10).await.expect("mails").len(), 1);
    let due = tx.lock_staff_mail_due(at("09:30:00"), 10).await.expect("mails");
    let times: Vec<_> = due.iter().map(|mail| mail.due_at).collect();
    assert_eq!(times, [at("09:10:00"), at("09:30:00")]);
    assert_eq!((due[1].class, due[1].level.as_deref()), (MailClass::Escalation, Some("director")));
    assert_eq!(tx.mail_message(due[1].id).await.expect("an answer"), Some(bytes));
    assert_eq!(
        tx.mail_message(to_lead).await.expect("an answer"),
        None,
        "lead mail is rendered when it leaves"
    );
    assert_eq!(tx.mail_message(OutboxId(-1)).await.expect("an answer"), None);
    let due = tx.lead_mail_due(at("23:00:00"), 10).await.expect("mails");
    assert_eq!(due.iter().map(|mail| mail.id).collect::<Vec<_>>(), [to_lead], "the lead's own only");

    // A refusal parks it, in the words of the server.
    let lease = Lease { token: 3, length_ms: AN_HOUR };
    tx.mark_sending(&[due[0].id], lease, at("09:30:00")).await.expect("claimed");
    let parked = tx.mark_ended(3, due[0].id, MailState::Parked, "550 5.7.1 no", at("09:31:00")).await;
    assert!(parked.expect("an answer"));
    let parked = one(&mut tx, due[0].id).await;
    assert_eq!(
        (parked.state, parked.ended_at, parked.last_error.as_deref()),
        (MailState::Parked, Some(at("09:31:00")), Some("550 5.7.1 no"))
    );
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_mail_that_has_to_wait_stays_the_same_mail(place: Place) {
    let store = place.store().await;
    let (jane, id) = planned(&store, "k1").await;
    let mut tx = store.begin().await.expect("a transaction");
    tx.hold_mail(id, at("14:00:00"), "on holiday").await.expect("held");
    let held = one(&mut tx, id).await;
    assert_eq!((held.state, held.due_at), (MailState::Pending, at("14:00:00")));
    assert_eq!((held.held_why.as_deref(), held.attempts), (Some("on holiday"), 0));
    assert_eq!(tx.insert_mails(&[mail(jane, "k1")]).await.expect("an answer"), 0, "no second one");

    tx.mark_sending(&[id], Lease { token: 1, length_ms: AN_HOUR }, at("14:00:00")).await.expect("claimed");
    assert_eq!(one(&mut tx, id).await.held_why, None, "it no longer waits");
    tx.hold_mail(id, at("20:00:00"), "too late").await.expect("no error");
    let sending = one(&mut tx, id).await;
    assert_eq!((sending.state, sending.held_why), (MailState::Sending, None), "past the point of no return");
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_staff_mail_gets_its_bytes_after_its_number(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let hand_off =
        NewMail { audience: Audience::Staff, class: MailClass::HandOff, ..mail(jane, "hand-off:1") };
    let id = tx.insert_mail(&hand_off).await.expect("an answer").expect("planned");
    assert_eq!(tx.insert_mail(&hand_off).await.expect("an answer"), None, "the key is taken");
    assert_eq!(tx.mail_message(id).await.expect("an answer"), None);
    tx.set_mail_message(id, b"Subject: x\r\n").await.expect("written");
    assert_eq!(tx.mail_message(id).await.expect("an answer").as_deref(), Some(&b"Subject: x\r\n"[..]));

    // What is on its way is not rewritten.
    tx.mark_sending(&[id], Lease { token: 1, length_ms: AN_HOUR }, at("09:00:00")).await.expect("claimed");
    tx.set_mail_message(id, b"other").await.expect("an answer");
    assert_eq!(tx.mail_message(id).await.expect("an answer").as_deref(), Some(&b"Subject: x\r\n"[..]));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn what_leads_asked_for_is_found_apart(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    assert_eq!(tx.next_requested_mail_due().await.expect("an answer"), None);
    let asked = NewMail { requested: true, due_at: at("09:30:00"), ..mail(jane, "asked") };
    tx.insert_mails(&[mail(jane, "k"), asked]).await.expect("planned");
    let due = tx.next_requested_mail_due().await.expect("an answer");
    assert_eq!(due, Some(at("09:30:00").as_millisecond()));
    let found = async |tx: &mut Tx, now| {
        let mails = tx.requested_mail_due(at(now), 10).await.expect("mails");
        mails.into_iter().map(|mail| mail.requested).collect::<Vec<_>>()
    };
    assert!(found(&mut tx, "09:29:00").await.is_empty());
    assert_eq!(found(&mut tx, "09:30:00").await, [true]);
    assert_eq!(tx.lead_mail_due(at("09:30:00"), 10).await.expect("mails").len(), 2);
    tx.pull_brake("because", at("09:30:00")).await.expect("pulled");
    assert!(found(&mut tx, "09:30:00").await.is_empty(), "the brake stops all");
    tx.commit().await.expect("committed");
    store.close().await;
}
