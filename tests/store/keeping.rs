//! What the daemon keeps for itself: playbooks, keys, the brake, its last wake, and the counts of `status`.

use nurtured::domain::lead::{Lead, Stage};
use nurtured::domain::mail::{Audience, MailClass, MailState};
use nurtured::domain::reading::Reading;
use nurtured::domain::sla::PromiseKind;
use nurtured::store::{Brake, MailboxState, NewHandOff, NewInboundMail, NewMail, NewSlaClock, Standing, Tx};

use super::{Place, address, at, enrolment, insert, lead};

pub async fn one_playbook_is_in_force(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.playbook_in_force().await.expect("an answer"), None);
    assert!(tx.put_playbook_in_force("v1", "{\"a\":1}", at("09:00:00")).await.expect("an answer"));
    assert!(!tx.put_playbook_in_force("v1", "{\"a\":1}", at("10:00:00")).await.expect("an answer"));
    assert!(tx.put_playbook_in_force("v2", "{\"a\":2}", at("11:00:00")).await.expect("an answer"));
    assert_eq!(tx.playbook_in_force().await.expect("an answer").as_deref(), Some("v2"));
    let versions = [("v1".to_owned(), at("09:00:00")), ("v2".to_owned(), at("11:00:00"))];
    assert_eq!(tx.playbook_versions().await.expect("versions"), versions);
    // What was in force stays readable, and can come back.
    assert_eq!(tx.playbook_files("v1").await.expect("an answer").as_deref(), Some("{\"a\":1}"));
    assert_eq!(tx.playbook_files("v3").await.expect("an answer"), None);
    assert!(tx.put_playbook_in_force("v1", "{\"a\":1}", at("12:00:00")).await.expect("an answer"));
    assert_eq!(tx.playbook_in_force().await.expect("an answer").as_deref(), Some("v1"));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_key_is_made_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let (first, second) = ([0, 255, 7], [1, 2, 3]);
    assert_eq!(tx.secret_key("unsubscribe", &first).await.expect("a key"), first);
    assert_eq!(tx.secret_key("unsubscribe", &second).await.expect("a key"), first);
    assert_eq!(tx.secret_key("message-id", &second).await.expect("a key"), second);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn the_brake_is_pulled_once_and_the_day_counted(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.lead_mails_on(20_514).await.expect("a count"), 0);
    assert_eq!(tx.count_lead_mails(20_514, 64).await.expect("a sum"), 64);
    assert_eq!(tx.count_lead_mails(20_514, 2).await.expect("a sum"), 66);
    assert_eq!(tx.count_lead_mails(20_515, 1).await.expect("a sum"), 1);
    assert_eq!(tx.lead_mails_on(20_514).await.expect("a count"), 66);

    assert_eq!(tx.brake().await.expect("an answer"), None);
    assert!(!tx.release_brake(20_510).await.expect("an answer"), "it was not on");
    assert!(tx.pull_brake("20,000 mails today", at("10:00:00")).await.expect("an answer"));
    assert!(!tx.pull_brake("the clock jumped", at("11:00:00")).await.expect("an answer"));
    let brake = Brake { since: at("10:00:00"), why: "20,000 mails today".to_owned() };
    assert_eq!(tx.brake().await.expect("an answer"), Some(brake));
    assert!(tx.release_brake(20_514).await.expect("an answer"));
    assert_eq!(tx.brake().await.expect("an answer"), None);
    assert_eq!(tx.lead_mails_on(20_514).await.expect("a count"), 0, "the day begins anew");
    assert_eq!(tx.lead_mails_on(20_515).await.expect("a count"), 1);
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn the_last_wake_is_known(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.last_beat().await.expect("an answer"), None);
    tx.beat(at("09:00:00")).await.expect("noted");
    tx.beat(at("09:01:00")).await.expect("noted");
    assert_eq!(tx.last_beat().await.expect("an answer"), Some(at("09:01:00")));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn what_is_open_is_counted(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.standing(at("09:00:00")).await.expect("counts"), Standing::default());
    let nurtured = insert(&mut tx, &lead("a@firm.example")).await;
    tx.insert_enrolment(&enrolment(nurtured, "welcome")).await.expect("an answer").expect("enrolled");
    insert(&mut tx, &lead("b@firm.example")).await;
    let given = insert(&mut tx, &Lead { stage: Stage::HandedOff, ..lead("c@firm.example") }).await;
    let hand_off = NewHandOff {
        lead: given,
        rep: address("rep1@ours.example"),
        team: "sales".to_owned(),
        policy: "standard".to_owned(),
        campaign: "default".to_owned(),
        at: at("09:00:00"),
    };
    let hand_off = tx.insert_hand_off(&hand_off).await.expect("handed off");
    for (kind, deadline_at) in
        [(PromiseKind::Accept, at("10:00:00")), (PromiseKind::FirstContact, at("12:00:00"))]
    {
        tx.insert_sla_clock(&NewSlaClock {
            hand_off,
            lead: given,
            kind,
            terms: "{}".to_owned(),
            started_at: at("09:00:00"),
            deadline_at,
            next_at: None,
        })
        .await
        .expect("started");
    }
    let states =
        [MailState::Pending, MailState::Parked, MailState::Sent, MailState::Pending, MailState::InDoubt];
    let mails: Vec<NewMail> = (0..)
        .zip(states)
        .map(|(number, state): (i32, MailState)| NewMail {
            audience: Audience::Staff,
            class: MailClass::Notice,
            state,
            due_at: at("09:00:00"),
            lead: None,
            recipient: address("manager@ours.example"),
            unique_key: number.to_string(),
            requested: false,
            playbook: "v1".to_owned(),
            enrolment: None,
            sequence: None,
            step: None,
            level: None,
            subject: None,
            message: None,
            planned_at: at("09:00:00"),
        })
        .collect();
    assert_eq!(tx.insert_mails(&mails).await.expect("planned"), 5);
    let count = |name: &str, count: i64| (name.to_owned(), count);
    assert_eq!(
        tx.standing(at("11:00:00")).await.expect("counts"),
        Standing {
            leads: vec![count("handed_off", 1), count("nurturing", 2)],
            mails: vec![count("in_doubt", 1), count("parked", 1), count("pending", 2)],
            enrolments: 1,
            silent: 1,
            clocks: 2,
            overdue_clocks: 1,
        }
    );
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_mail_that_comes_in_is_noted_once_and_kept_until_somebody_looked(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let mail = |identity, result, raw| NewInboundMail {
        identity,
        received_at: at("09:00:00"),
        result,
        why: "because",
        raw,
        question: None,
    };
    let raw = [0, 255, b'x'];
    assert!(tx.insert_inbound_mail(&mail("one", "kept", Some(&raw))).await.expect("an answer").is_some());
    assert!(tx.insert_inbound_mail(&mail("one", "done", None)).await.expect("an answer").is_none());
    assert!(tx.insert_inbound_mail(&mail("two", "done", None)).await.expect("an answer").is_some());
    assert_eq!(tx.inbound_result("one").await.expect("an answer").as_deref(), Some("kept"));
    assert_eq!(tx.inbound_result("three").await.expect("an answer"), None);
    let kept = tx.kept_mails(0, 10).await.expect("mails");
    assert_eq!((kept.len(), &kept[0].raw[..], kept[0].why.as_str()), (1, &raw[..], "because"));
    assert_eq!(tx.kept_mails(kept[0].id, 10).await.expect("mails"), []);
    assert!(tx.forget_kept_mail(kept[0].id).await.expect("an answer"));
    assert!(!tx.forget_kept_mail(kept[0].id).await.expect("an answer"));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn how_far_a_mailbox_was_read_is_known(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    tx.set_mailboxes(&[("a", "here"), ("b", "there")], at("08:00:00"), true).await.expect("set");
    let nothing = MailboxState { uid_validity: None, last_uid: 0, failures: 0, failing_since: None };
    assert_eq!(tx.mailbox_state("a").await.expect("an answer"), Some(nothing));
    assert_eq!(tx.mailbox_state("c").await.expect("an answer"), None);

    tx.mailbox_is_read_up_to("a", 7, 41).await.expect("noted");
    let files: Vec<String> = (0..600).map(|number| format!("{number}.host")).collect();
    tx.add_mailbox_files("b", &files).await.expect("noted");
    tx.add_mailbox_files("b", &files[..2]).await.expect("known already");
    tx.forget_mailbox_files("b", &files[1..]).await.expect("forgotten");
    assert_eq!(tx.mailbox_files("b").await.expect("files"), ["0.host"]);
    assert!(tx.mailbox_files("a").await.expect("files").is_empty());

    assert_eq!(tx.mailbox_failed("a", "x", at("09:00:00")).await.expect("noted"), Some(at("09:00:00")));
    assert_eq!(tx.mailbox_failed("a", "y", at("09:01:00")).await.expect("noted"), Some(at("09:00:00")));
    assert_eq!(tx.mailbox_failed("c", "x", at("09:00:00")).await.expect("nothing"), None);
    let state = tx.mailbox_state("a").await.expect("an answer").expect("a mailbox");
    assert_eq!((state.uid_validity, state.last_uid, state.failures), (Some(7), 41, 2));
    let reading = Reading {
        mailbox: "a".to_owned(),
        watched_since: at("08:00:00"),
        tried_at: Some(at("09:01:00")),
        read_at: None,
        failing_since: Some(at("09:00:00")),
        why: Some("y".to_owned()),
    };
    assert_eq!(tx.readings().await.expect("readings")[0], reading);
    tx.mailbox_is_read("a", at("09:02:00")).await.expect("noted");
    let read = tx.readings().await.expect("readings").remove(0);
    assert_eq!((read.read_at, read.failing_since, read.why), (Some(at("09:02:00")), None, None));

    // Another start: one is where it was, the other is elsewhere.
    tx.set_mailboxes(&[("a", "here"), ("b", "moved")], at("10:00:00"), true).await.expect("set");
    let readings = tx.readings().await.expect("readings");
    let read: Vec<_> = readings.iter().map(|reading| (reading.watched_since, reading.read_at)).collect();
    assert_eq!(read, [(at("10:00:00"), Some(at("09:02:00"))), (at("10:00:00"), None)]);
    assert_eq!(tx.mailbox_state("a").await.expect("an answer").expect("a mailbox").last_uid, 41);
    assert!(tx.mailbox_files("b").await.expect("files").is_empty(), "it is read from its beginning");
    tx.set_mailboxes(&[], at("11:00:00"), true).await.expect("set");
    assert!(tx.readings().await.expect("readings").is_empty());
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn one_daemon_at_a_time_reads_a_mailbox(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    tx.set_mailboxes(&[("a", "here")], at("08:00:00"), false).await.expect("set");
    let claim = async |tx: &mut Tx, token, now, until| {
        tx.claim_mailbox("a", token, at(now), at(until)).await.expect("an answer")
    };
    assert!(claim(&mut tx, 1, "09:00:00", "09:15:00").await);
    assert!(!claim(&mut tx, 2, "09:01:00", "09:16:00").await);
    assert!(claim(&mut tx, 1, "09:02:00", "09:17:00").await, "its own is made longer");
    tx.let_mailbox_go("a", 2).await.expect("no effect");
    assert!(!claim(&mut tx, 2, "09:16:00", "09:31:00").await);
    assert!(claim(&mut tx, 2, "09:17:00", "09:32:00").await, "its holder is gone");
    tx.let_mailbox_go("a", 2).await.expect("given back");
    assert!(claim(&mut tx, 1, "09:18:00", "09:33:00").await);
    tx.set_mailboxes(&[("a", "here")], at("09:19:00"), false).await.expect("set");
    assert!(!claim(&mut tx, 2, "09:20:00", "09:35:00").await, "another daemon reads it");
    tx.set_mailboxes(&[("a", "here")], at("09:21:00"), true).await.expect("set");
    assert!(claim(&mut tx, 2, "09:22:00", "09:37:00").await, "nobody else can be there");
    tx.commit().await.expect("committed");
    store.close().await;
}
