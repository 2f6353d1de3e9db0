//! Answers to our mails and copies of what reps write, as a mail server pipes them in.

use jiff::SignedDuration;
use nurtured::domain::lead::Stage;
use nurtured::engine::ingest::Ingested;
use nurtured::mail::action;
use nurtured::mail::inbound::MOST_BYTES;

use crate::office::{JANE, MANAGER, Office, ROBIN, SAM, address};

const LOG: &str = "log@ours.example";

pub fn mail(from: &str, to: &str, subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\
         Date: Tue, 3 Mar 2026 10:05:00 +0100\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

async fn office() -> Office {
    Office::without_pages(Some(LOG)).await
}

pub async fn comes(office: &Office, raw: &[u8]) -> Ingested {
    let ingested = office.engine.ingest(raw, &[], office.clock.now()).await.expect("the store answers");
    office.wakes().await;
    ingested
}

async fn kept(office: &Office) -> usize {
    let mut tx = office.engine.store().read().await.expect("the store answers");
    let kept = tx.kept_mails(0, 100).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    kept.len()
}

/// The subjects of mails to somebody since the last look.
pub fn told(office: &Office, person: &str) -> Vec<(String, String)> {
    let parcels = office.mails.take().into_iter().filter(|parcel| parcel.to == address(person));
    parcels
        .map(|parcel| {
            let message = mail_parser::MessageParser::default().parse(&parcel.bytes[..]).expect("a mail");
            let text = message.body_text(0).unwrap_or_default().replace('\r', "");
            (message.subject().unwrap_or_default().to_owned(), text)
        })
        .collect()
}

#[tokio::test]
async fn an_answer_with_a_token_does_what_its_subject_says_once() {
    let office = office().await;
    let token = office.token(ROBIN).await;
    let raw =
        mail(ROBIN, LOG, &format!("Re: no-answer [{token}]"), "Her assistant says tomorrow.\n\n> quoted");
    assert_eq!(comes(&office, &raw).await, Ingested::Done("attempt, by mail".to_owned()));
    assert_eq!(comes(&office, &raw).await, Ingested::Before);
    let attempts = office.events_of("attempt").await;
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].actor.as_deref(), &attempts[0].facts["via"]), (Some(ROBIN), &"mail".into()));
    assert_eq!(office.words().await, ["Her assistant says tomorrow."]);
    assert_eq!(office.lead().await.stage, Stage::Accepted);
    // In the address, too, where the server delivers such addresses, and from anywhere: the token is the right.
    let to = format!("log+{token}@ours.example").to_uppercase();
    let raw = mail("robin@home.example", &to, "reject not-ready", "");
    assert_eq!(comes(&office, &raw).await, Ingested::Done("rejected, by mail".to_owned()));
    assert_eq!((office.lead().await.stage, kept(&office).await), (Stage::Resting, 0));
}

#[tokio::test]
async fn the_links_of_a_mail_without_pages_are_answers_that_work() {
    let office = office().await;
    let (_, text) = told(&office, ROBIN).pop().expect("a hand-off mail");
    let told_subject = format!("{LOG}, subject: accept [");
    let text = text.replace('\n', " ");
    assert!(
        text.contains("I take it") && text.contains(&told_subject) && !text.contains("nurtured lead"),
        "{text}"
    );
    let help = mail(ROBIN, LOG, &format!("help [{}]", office.token(ROBIN).await), "");
    assert_eq!(comes(&office, &help).await, Ingested::Done("what can be answered was sent".to_owned()));
    let (_, text) = told(&office, ROBIN).pop().expect("an answer");
    for label in ["I give it back: Not ready yet", "I am away until", "We met"] {
        assert!(text.contains(label), "{label}: {text}");
    }
    assert!(!text.contains("I take it over"), "{text}");
}

#[tokio::test]
async fn where_there_is_neither_page_nor_mailbox_a_mail_names_the_command() {
    let office = Office::without_pages(None).await;
    let (_, text) = told(&office, ROBIN).pop().expect("a hand-off mail");
    assert!(text.contains("nurtured lead accept jane@acme.example"), "{text}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_so_is_answered_to_whom_the_token_is_for() {
    let office = office().await;
    let token = office.token(ROBIN).await;
    told(&office, ROBIN);
    for (subject, words) in [
        (format!("dance [{token}]"), "“dance” is nothing that can be ordered"),
        (format!("later [{token}]"), "“later” needs a day"),
        (format!("later 2026-03-03 [{token}]"), "is not in the future"),
        (format!("take [{token}]"), "it is for the team's manager to decide that"),
        (format!("reject because [{token}]"), "is no reason of the agreement"),
    ] {
        let ingested = comes(&office, &mail("eve@evil.example", LOG, &subject, "")).await;
        assert!(matches!(ingested, Ingested::Refused(_)), "{subject}: {ingested:?}");
        let answers = told(&office, ROBIN);
        assert_eq!(answers.len(), 1, "{subject}");
        assert!(answers[0].1.replace('\n', " ").contains(words), "{words}: {}", answers[0].1);
        assert!(told(&office, "eve@evil.example").is_empty());
    }
    assert_eq!((office.lead().await.stage, kept(&office).await), (Stage::HandedOff, 0));
    // The lead has gone to somebody else.
    let give = mail(MANAGER, LOG, &format!("give {SAM} [{}]", office.token(MANAGER).await), "");
    assert_eq!(comes(&office, &give).await, Ingested::Done("reassigned, by mail".to_owned()));
    told(&office, ROBIN);
    let late = comes(&office, &mail(ROBIN, LOG, &format!("accept [{token}]"), "")).await;
    assert!(matches!(late, Ingested::Refused(_)));
    assert!(told(&office, ROBIN)[0].1.contains("not yours to act on"));
    assert_eq!(office.lead().await.owner, Some(address(SAM)));
}

#[tokio::test]
async fn an_answer_says_that_a_rep_is_away() {
    let office = office().await;
    let raw = mail(ROBIN, LOG, &format!("away 2026-03-16 [{}]", office.token(ROBIN).await), "");
    assert_eq!(comes(&office, &raw).await, Ingested::Done("rep_away, by mail".to_owned()));
    assert_eq!(comes(&office, &raw).await, Ingested::Before);
    office.comes_in("joe@one.example", "Joe", "One").await;
    office.comes_in("ann@two.example", "Ann", "Two").await;
    let mut tx = office.engine.store().read().await.expect("the store answers");
    let lead =
        tx.lead_by_email(&address("ann@two.example")).await.expect("the store answers").expect("a lead");
    assert_eq!(lead.owner, Some(address(SAM)));
}

#[tokio::test]
async fn a_copy_of_a_rep_s_own_mail_counts_as_an_attempt() {
    let office = office().await;
    let raw = mail(ROBIN, JANE, "Your demo", "See you on Thursday.");
    // The server knows of the blind copy, the mail does not.
    let recipients = [address(LOG)];
    let now = office.clock.now();
    let ingested = office.engine.ingest(&raw, &recipients, now).await.expect("the store answers");
    assert_eq!(ingested, Ingested::Done("a rep's mail to a lead is noted".to_owned()));
    assert_eq!(office.engine.ingest(&raw, &recipients, now).await.expect("an answer"), Ingested::Before);
    let attempts = office.events_of("attempt").await;
    assert_eq!(attempts.len(), 1);
    for (fact, value) in [("channel", "email"), ("outcome", "sent"), ("via", "copy")] {
        assert_eq!(attempts[0].facts[fact], value);
    }
    let stopped = office.events_of("clock_stopped").await;
    assert!(stopped.iter().any(|event| event.facts["promise"] == "first_contact"), "{stopped:?}");
    assert_eq!(
        (office.words().await, office.lead().await.stage),
        (vec!["Your demo".to_owned()], Stage::Accepted)
    );
    let mut tx = office.engine.store().read().await.expect("the store answers");
    let contacts = tx.contacts_since(&[office.lead().await.id], 0).await.expect("the store answers");
    assert!(
        contacts.iter().any(|contact| contact.slot.is_none()),
        "it counts against the limits: {contacts:?}"
    );
}

#[tokio::test]
async fn what_nobody_understands_is_kept_for_a_person_and_changes_nothing() {
    let office = office().await;
    let token = office.token(ROBIN).await;
    let foreign =
        action::token(b"another", office.hand_offs().await[0].id, &address(ROBIN), office.clock.now());
    let before = office.events().await.len();
    let automatic = |raw: Vec<u8>| [b"Auto-Submitted: auto-replied\r\n".to_vec(), raw].concat();
    let mails = [
        mail("john@acme.example", LOG, "Hello", "What does it cost?"),
        mail(ROBIN, LOG, &format!("accept [{foreign}]"), ""),
        mail(ROBIN, LOG, &format!("accept [{}]", &token[1..]), ""),
        automatic(mail(ROBIN, LOG, &format!("accept [{token}]"), "")),
        automatic(mail(ROBIN, &format!("{JANE}, {LOG}"), "I am away", "")),
        // Not to the log address, not from a rep, not to a lead, not to their own lead.
        mail(ROBIN, JANE, "one", ""),
        mail("eve@evil.example", &format!("{JANE}, {LOG}"), "two", ""),
        mail(ROBIN, &format!("nobody@acme.example, {LOG}"), "three", ""),
        mail(SAM, &format!("{JANE}, {LOG}"), "four", ""),
        b"\x00\xff\xfe no mail at all".to_vec(),
        Vec::new(),
        vec![b'x'; MOST_BYTES],
    ];
    for (number, raw) in mails.iter().enumerate() {
        let ingested = comes(&office, raw).await;
        assert!(matches!(ingested, Ingested::Kept(_)), "{number}: {ingested:?}");
        let Ingested::Kept(why) = ingested else { continue };
        assert!(!why.contains('@'), "{why}");
        assert_eq!(kept(&office).await, number + 1);
        assert_eq!(comes(&office, raw).await, Ingested::Before, "{number}");
    }
    assert_eq!(office.events().await.len(), before);
    // Tokens end.
    office.later(SignedDuration::from_hours(32 * 24));
    let raw = mail(ROBIN, LOG, &format!("accept [{token}] x"), "");
    let ingested = office.engine.ingest(&raw, &[], office.clock.now()).await.expect("the store answers");
    assert!(matches!(ingested, Ingested::Kept(why) if why.contains("ended")));
}
