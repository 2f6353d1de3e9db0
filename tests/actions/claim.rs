//! A lead was taken from a rep who had called and not said so.

use jiff::{SignedDuration, Timestamp};
use nurtured::domain::lead::Stage;
use nurtured::engine::ingest::Ingested;
use nurtured::mail::action;

use crate::answers::{comes, mail, told};
use crate::office::{Answer, MANAGER, Office, ROBIN, SAM, address};

const LOG: &str = "log@ours.example";

/// At half past eleven nobody has called within the hour, and Sam gets it.
async fn is_taken_away(office: &Office) {
    office.later(SignedDuration::from_mins(90));
    office.wakes().await;
    assert_eq!(office.lead().await.owner, Some(address(SAM)));
}

/// Robin's token of the hand-off that was taken away.
async fn token(office: &Office) -> String {
    let first = office.hand_offs().await.remove(0);
    action::token(&office.engine.keys().action, first.id, &address(ROBIN), office.clock.now())
}

async fn claims(office: &Office) -> Answer {
    let path = format!("/a/{}/mine", token(office).await);
    let seen = office.get(&path).await.seen();
    office.post(&path, &[("seen", &seen), ("do", "mine")]).await
}

/// The promises that run, each with its beginning and its end.
async fn running(office: &Office) -> Vec<(String, Timestamp, Timestamp)> {
    let lead = office.lead().await;
    let mut tx = office.engine.store().read().await.expect("the store answers");
    let clocks = tx.running_clocks(lead.id).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    clocks.into_iter().map(|one| (one.kind.name().to_owned(), one.started_at, one.deadline_at)).collect()
}

#[tokio::test]
async fn a_rep_takes_back_what_was_taken_away_and_gains_no_time() {
    let office = Office::open().await;
    let before: Vec<_> = running(&office).await.into_iter().filter(|one| one.0 != "accept").collect();
    is_taken_away(&office).await;
    let (_, text) = told(&office, ROBIN).pop().expect("a mail");
    let token = token(&office).await;
    assert!(text.contains(&format!("https://go.ours.example/a/{token}/mine")), "{text}");
    office.later(SignedDuration::from_mins(2));
    // Looking is no claim.
    let page = office.get(&format!("/a/{token}")).await;
    assert!(page.body.contains("<b>Sam Berger has it</b>"), "{}", page.body);
    assert_eq!((page.orders(), office.lead().await.owner), (vec!["mine".to_owned()], Some(address(SAM))));
    let seen = page.seen();
    office.mails.take();
    assert_eq!(claims(&office).await.title(), "Yours again");
    let lead = office.lead().await;
    assert_eq!((lead.owner, lead.stage), (Some(address(ROBIN)), Stage::Accepted));
    assert_eq!(running(&office).await, before, "the deadlines are those of the beginning");
    // Both clicks of a double click are one claim.
    let again = office.post(&format!("/a/{token}"), &[("seen", &seen), ("do", "mine")]).await;
    assert_eq!((again.status, again.title()), (200, "That was noted before"));
    assert_eq!((office.events_of("reclaimed").await.len(), office.hand_offs().await.len()), (1, 3));
    office.wakes().await;
    let mails = office.mails.take();
    let to = |who: &str| mails.iter().filter(|parcel| parcel.to == address(who)).count();
    assert_eq!((to(SAM), to(ROBIN), to(MANAGER)), (1, 1, 1), "each is told once");
    // The director is told when she would have been, and it is not taken away again.
    office.later(SignedDuration::from_hours(4));
    office.wakes().await;
    assert_eq!(office.lead().await.owner, Some(address(ROBIN)));
    let levels = office.events_of("level").await;
    let of_contact: Vec<&str> = levels
        .iter()
        .filter(|event| event.facts["promise"] == "first_contact")
        .filter_map(|event| event.facts["level"].as_str())
        .collect();
    let mut once = of_contact.clone();
    once.dedup();
    assert_eq!(of_contact, once, "no level is told twice");
}

#[tokio::test]
async fn whoever_has_tried_keeps_it_and_a_late_claim_says_who() {
    let office = Office::open().await;
    is_taken_away(&office).await;
    let token = token(&office).await;
    let seen = office.get(&format!("/a/{token}/mine")).await.seen();
    assert_eq!(office.click(SAM, "no-answer", &[]).await.title(), "Noted");
    let before = (office.lead().await, office.events().await.len());
    for path in [format!("/a/{token}"), format!("/a/{token}/mine")] {
        let page = office.get(&path).await;
        assert!(page.body.contains("<b>Sam Berger has it</b>"), "{}", page.body);
        assert!(page.orders().is_empty(), "{}", page.body);
        let late = office.post(&path, &[("seen", &seen), ("do", "mine")]).await;
        assert_eq!((late.status, late.title()), (409, "Sam Berger has this lead now"));
    }
    assert_eq!((office.lead().await, office.events().await.len()), before);
}

#[tokio::test]
async fn what_a_manager_decided_stands_and_nobody_claims_what_was_not_theirs() {
    let office = Office::open().await;
    let token_of_robin = token(&office).await;
    // It is his already.
    let early = office.post(&format!("/a/{token_of_robin}"), &[("do", "mine")]).await;
    assert_eq!((early.status, early.title()), (409, "That cannot be so"));
    assert_eq!(office.click(MANAGER, &format!("give {SAM}"), &[]).await.title(), "Noted");
    let page = office.get(&format!("/a/{token_of_robin}/mine")).await;
    assert!(page.orders().is_empty(), "{}", page.body);
    let late = office.post(&format!("/a/{token_of_robin}"), &[("do", "mine")]).await;
    assert_eq!((late.status, late.title()), (409, "Sam Berger has this lead now"));
    assert_eq!(office.lead().await.owner, Some(address(SAM)));
}

#[tokio::test]
async fn an_answer_by_mail_takes_it_back_too() {
    let office = Office::without_pages(Some(LOG)).await;
    is_taken_away(&office).await;
    let token = token(&office).await;
    let (_, text) = told(&office, ROBIN).pop().expect("a mail");
    assert!(text.replace('\n', " ").contains(&format!("{LOG}, subject: mine [{token}]")), "{text}");
    let raw = mail(ROBIN, LOG, &format!("mine [{token}]"), "I talked to her at nine.");
    assert_eq!(comes(&office, &raw).await, Ingested::Done("reclaimed, by mail".to_owned()));
    assert_eq!(comes(&office, &raw).await, Ingested::Before);
    assert_eq!(office.lead().await.owner, Some(address(ROBIN)));
    assert_eq!(office.words().await, ["I talked to her at nine."]);
    // A second one cannot be so any more, and is answered.
    let again = mail(ROBIN, LOG, &format!("Re: mine [{token}]"), "Again.");
    assert!(matches!(comes(&office, &again).await, Ingested::Refused(_)));
}
