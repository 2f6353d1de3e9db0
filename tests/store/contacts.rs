//! Slots that hold the caps between daemons, and who must not be contacted.

use nurtured::domain::contact::{Channel, SuppressionReason};
use nurtured::domain::ids::{LeadId, OutboxId};
use nurtured::domain::mail::{Audience, MailClass, MailState};
use nurtured::store::{CompanyDay, NewContact, NewMail, PastContact, Suppression};

use super::{Place, address, assert_conflict, at, insert, lead};

const TODAY: i64 = 20_514;

fn contact(lead: LeadId, slot: Option<i64>) -> NewContact {
    NewContact {
        lead,
        at: at("09:00:00"),
        local_date: TODAY,
        channel: Channel::Email,
        actor: None,
        mail: None,
        slot,
        company_slot: None,
    }
}

pub async fn a_slot_is_taken_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let john = insert(&mut tx, &lead("john@firm.example")).await;
    tx.insert_contacts(&[contact(jane, Some(0)), contact(john, Some(0)), contact(jane, Some(1))])
        .await
        .expect("noted");
    // Calls take no slot, so any number of them fit.
    let call = NewContact {
        channel: Channel::Phone,
        actor: Some(address("rep1@ours.example")),
        ..contact(jane, None)
    };
    let yesterday = NewContact { local_date: TODAY - 1, ..contact(jane, Some(0)) };
    tx.insert_contacts(&[call.clone(), call, yesterday]).await.expect("noted");
    tx.commit().await.expect("committed");

    let mut tx = store.begin().await.expect("a transaction");
    assert_conflict(tx.insert_contacts(&[contact(john, Some(1)), contact(jane, Some(1))]).await);
    drop(tx);

    let mut tx = store.begin().await.expect("a transaction");
    let past = |lead, channel, slot| PastContact { lead, local_date: TODAY, channel, slot };
    let mut expected = vec![
        past(jane, Channel::Email, Some(0)),
        past(jane, Channel::Email, Some(1)),
        past(jane, Channel::Phone, None),
        past(jane, Channel::Phone, None),
        past(john, Channel::Email, Some(0)),
    ];
    assert_eq!(tx.contacts_since(&[john, jane], TODAY).await.expect("contacts"), expected, "all or none");
    expected.insert(4, PastContact { local_date: TODAY - 1, ..past(jane, Channel::Email, Some(0)) });
    assert_eq!(tx.contacts_since(&[john, jane], TODAY - 1).await.expect("contacts"), expected);
    let attempts = tx.attempts_of(&[jane, john]).await.expect("attempts");
    let calls = attempts.iter().filter(|(of, attempt)| *of == jane && attempt.channel == Channel::Phone);
    assert_eq!((calls.count(), attempts.len()), (2, 6), "none of these was a mail of a sequence");
    assert!(attempts.iter().all(|(_, attempt)| attempt.at == at("09:00:00")));
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn slots_of_a_company_are_taken_once(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = insert(&mut tx, &lead("jane@firm.example")).await;
    let john = insert(&mut tx, &lead("john@firm.example")).await;
    let mails = ["a", "b"].map(|key| NewMail {
        audience: Audience::Lead,
        class: MailClass::Nurture,
        state: MailState::Pending,
        due_at: at("09:00:00"),
        lead: Some(jane),
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
        planned_at: at("08:00:00"),
    });
    tx.insert_mails(&mails).await.expect("planned");
    let ids: Vec<OutboxId> = tx.mails_of(jane).await.expect("mails").iter().map(|mail| mail.id).collect();
    let firm = |lead, mail, slot, company: &str, company_slot| NewContact {
        mail,
        company_slot: Some((company.to_owned(), company_slot)),
        ..contact(lead, Some(slot))
    };
    tx.insert_contacts(&[
        firm(jane, Some(ids[0]), 0, "firm.example", 0),
        firm(john, None, 0, "firm.example", 1),
    ])
    .await
    .expect("noted");
    let yesterday = NewContact { local_date: TODAY - 1, ..firm(jane, None, 0, "firm.example", 0) };
    tx.insert_contacts(&[yesterday]).await.expect("noted");
    tx.commit().await.expect("committed");

    let mut tx = store.begin().await.expect("a transaction");
    assert_conflict(tx.insert_contacts(&[firm(john, None, 1, "firm.example", 0)]).await);
    drop(tx);
    let mut tx = store.begin().await.expect("a transaction");
    assert_conflict(tx.insert_contacts(&[NewContact { mail: Some(ids[0]), ..contact(john, None) }]).await);
    drop(tx);

    let mut tx = store.begin().await.expect("a transaction");
    let day = |people, highest_slot| CompanyDay {
        company_key: "firm.example".to_owned(),
        local_date: TODAY,
        people,
        highest_slot,
    };
    let companies = ["firm.example", "other.example"];
    assert_eq!(tx.company_days(&companies, TODAY).await.expect("days"), [day(2, 1)]);
    assert_eq!(tx.company_days(&companies, TODAY - 1).await.expect("days").len(), 2);
    // The mail did not reach her: both slots are free again.
    tx.free_slot(ids[0]).await.expect("freed");
    assert_eq!(tx.company_days(&companies, TODAY).await.expect("days"), [day(1, 1)]);
    tx.insert_contacts(&[firm(jane, Some(ids[1]), 0, "firm.example", 0)]).await.expect("noted");
    tx.commit().await.expect("committed");
    store.close().await;
}

pub async fn a_suppression_is_kept_once_for_each_reason(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let (jane, john) = (address("jane@firm.example"), address("john@firm.example"));
    let unsubscribed = SuppressionReason::Unsubscribed;
    assert_eq!(tx.suppressions(&jane).await.expect("suppressions"), []);
    assert!(tx.suppress(&jane, unsubscribed, Some("link"), at("10:00:00")).await.expect("an answer"));
    assert!(!tx.suppress(&jane, unsubscribed, None, at("11:00:00")).await.expect("an answer"), "known");
    for reason in SuppressionReason::ALL {
        tx.suppress(&john, *reason, None, at("09:00:00")).await.expect("an answer");
    }
    let suppression = Suppression {
        email: jane.clone(),
        reason: unsubscribed,
        since: at("10:00:00"),
        evidence: Some("link".to_owned()),
    };
    let of_jane = tx.suppressions(&jane).await.expect("suppressions");
    assert_eq!(of_jane, [suppression]);
    let all = tx.suppressions_of(&[&jane, &john]).await.expect("suppressions");
    assert_eq!(all.len(), 1 + SuppressionReason::ALL.len());
    assert_eq!(all.last(), of_jane.last(), "the oldest first");

    // What both addresses refused is refused once under the one they get, since it was first said there.
    let both = address("both@firm.example");
    tx.suppress(&both, unsubscribed, None, at("12:00:00")).await.expect("an answer");
    tx.move_suppressions(&both, &jane).await.expect("moved");
    assert_eq!(tx.suppressions(&jane).await.expect("suppressions"), of_jane);
    assert_eq!(tx.suppressions(&both).await.expect("suppressions"), []);

    assert!(tx.lift_suppression(&jane, unsubscribed).await.expect("an answer"));
    assert!(!tx.lift_suppression(&jane, unsubscribed).await.expect("an answer"), "there is none");
    assert_eq!(tx.suppressions(&jane).await.expect("suppressions"), []);
    assert_eq!(tx.suppressions(&john).await.expect("suppressions").len(), SuppressionReason::ALL.len());
    tx.commit().await.expect("committed");
    store.close().await;
}
