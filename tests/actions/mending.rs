//! What sales gave back: marketing mends it or disagrees, and the manager decides, from their mails alone.

use jiff::SignedDuration;
use nurtured::domain::lead::{Lead, Stage};
use nurtured::engine::ingest::Ingested;
use nurtured::engine::playbooks::put_in_force;
use nurtured::mail::action::{About, token_about};
use nurtured::playbook::PlaybookFiles;

use crate::answers::{comes, mail, told};
use crate::office::{Answer, DIRECTOR, JANE, MANAGER, Office, ROBIN, SAM, address};

const MARKETING: &str = "marketing@ours.example";
const LOG: &str = "log@ours.example";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Robin gives Jane back, and marketing's list of the next morning has been written.
async fn given_back(office: &Office, reason: &str) {
    let said = [("words", "The number is a fax machine")];
    assert_eq!(office.click(ROBIN, &format!("reject {reason}"), &said).await.title(), "Noted");
    office.mails.take();
    office.later(DAY);
    office.wakes().await;
}

async fn lead_at(office: &Office, email: &str) -> Option<Lead> {
    let mut tx = office.engine.store().read().await.expect("the store answers");
    let lead = tx.lead_by_email(&address(email)).await.expect("the store answers");
    tx.rollback().await.expect("the store answers");
    lead
}

/// Marketing's token for the lead.
fn token(office: &Office, lead: &Lead) -> String {
    let key = &office.engine.keys().action;
    token_about(key, About::Lead(lead.id), &address(MARKETING), office.clock.now())
}

/// Looks at marketing's page, then clicks.
async fn mends(office: &Office, lead: &Lead, order: &str, more: &[(&str, &str)]) -> Answer {
    let path = format!("/a/{}", token(office, lead));
    let seen = office.get(&path).await.seen();
    let mut fields = vec![("seen", seen.as_str()), ("do", order)];
    fields.extend(more);
    let answer = office.post(&path, &fields).await;
    // A double click is one.
    let again = office.post(&path, &fields).await;
    if answer.status == 200 {
        assert_eq!((again.status, again.title()), (200, "That was noted before"), "{}", again.body);
    }
    answer
}

#[tokio::test]
async fn wrong_data_is_corrected_on_the_page_of_the_list_and_goes_back_to_its_rep() {
    let office = Office::open().await;
    given_back(&office, "bad-data").await;
    let lead = office.lead().await;
    let (subject, text) = told(&office, MARKETING).pop().expect("a list");
    let page = format!("/a/{}", token(&office, &lead));
    assert_eq!(subject, "1 lead waits for you");
    assert!(text.contains(&format!("https://go.ours.example{page}")), "{text}");
    assert!(!text.contains("nurtured lead"), "no command where there is a click: {text}");
    assert!(text.contains("If nobody acts") && text.contains("Times are Europe/Berlin time."), "{text}");
    let before = office.events().await.len();
    let shown = office.get(&page).await;
    for words in ["Wrong or missing data, says Robin Adler", "The number is a fax machine", "+4930901820"] {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    assert_eq!(office.events().await.len(), before, "looking changes nothing");
    // What is left as it was is not said again, and nonsense is refused with what is wrong.
    let fields =
        [("is:phone", "+4930901820"), ("was:phone", "+4930901820"), ("is:email", "x"), ("was:email", JANE)];
    let answer = mends(&office, &lead, "correct", &fields).await;
    assert_eq!((answer.status, answer.title()), (409, "That cannot be so"));
    let empty = office.post(&page, &[("do", "correct"), ("is:phone", "1"), ("was:phone", "1")]).await;
    assert_eq!((empty.status, empty.title()), (400, "Something is missing"));
    let fields = [("is:phone", "+49 30 901821"), ("was:phone", "+4930901820")];
    let answer = mends(&office, &lead, "correct", &fields).await;
    assert_eq!((answer.status, answer.title()), (200, "Noted"), "{}", answer.body);
    let corrected = office.events_of("corrected").await;
    assert_eq!(corrected.len(), 1);
    assert_eq!(
        (corrected[0].actor.as_deref(), &corrected[0].facts["via"]),
        (Some(MARKETING), &"link".into())
    );
    office.wakes().await;
    let lead = office.lead().await;
    assert_eq!(
        (lead.owner.as_ref(), lead.profile.phone.as_deref()),
        (Some(&address(ROBIN)), Some("+4930901821"))
    );
    // It is settled now: a stale click harms nothing, and says who has it.
    for (order, more) in
        [("drop", ("words", "")), ("replace", ("new", "ann@acme.example")), ("correct", ("is:phone", "1"))]
    {
        let late = office.post(&page, &[("do", order), more]).await;
        assert_eq!((late.status, late.title()), (409, "That is settled already"), "{order}");
        assert!(late.body.contains("<b>Robin Adler has it</b>"), "{}", late.body);
    }
    assert_eq!(office.lead().await, lead);
    // The token of marketing is no rep's.
    let answer = office.post(&page, &[("do", "accept")]).await;
    assert_eq!((answer.status, office.lead().await), (409, lead));
}

#[tokio::test]
async fn what_nobody_mends_stands_in_the_list_again_after_a_week() {
    let office = Office::open().await;
    given_back(&office, "bad-data").await;
    let mut lists = 0;
    for _ in 0..15 {
        lists +=
            told(&office, MARKETING).iter().filter(|(subject, _)| subject.contains("waits for you")).count();
        office.later(DAY);
        office.wakes().await;
    }
    assert_eq!(lists, 3, "once, and after a week, and after two");
    let lead = office.lead().await;
    assert_eq!(mends(&office, &lead, "drop", &[]).await.title(), "Noted");
    assert_eq!(office.lead().await.stage, Stage::Disqualified);
    told(&office, MARKETING);
    office.later(DAY * 14);
    office.wakes().await;
    assert!(told(&office, MARKETING).iter().all(|(subject, _)| !subject.contains("waits for you")));
}

#[tokio::test]
async fn the_right_person_takes_the_place_of_the_wrong_one() {
    let office = Office::open().await;
    given_back(&office, "wrong-person").await;
    let lead = office.lead().await;
    let answer = mends(&office, &lead, "replace", &[("new", "ann@acme.example")]).await;
    assert_eq!(answer.title(), "Noted", "{}", answer.body);
    office.wakes().await;
    let ann = lead_at(&office, "ann@acme.example").await.expect("she came in");
    assert_eq!((ann.owner, office.lead().await.stage), (Some(address(ROBIN)), Stage::Disqualified));
}

#[tokio::test]
async fn the_other_lead_of_a_duplicate_is_named_on_a_page_by_rep_or_marketing() {
    let office = Office::open().await;
    office.comes_in("j.doe@acme.example", "Jane", "Doe").await;
    given_back(&office, "duplicate").await;
    let lead = office.lead().await;
    let (_, text) = told(&office, MARKETING).pop().expect("a list");
    assert!(text.contains("Name the other lead, or give it up"), "{text}");
    let itself = mends(&office, &lead, "duplicate-of", &[("of", JANE)]).await;
    assert_eq!((itself.status, itself.title()), (409, "That cannot be so"));
    let answer = mends(&office, &lead, "duplicate-of", &[("of", "j.doe@acme.example")]).await;
    assert_eq!(answer.title(), "Noted", "{}", answer.body);
    assert_eq!(office.events_of("merged_into").await.len(), 1);
    // A rep who knows it says so at once.
    let office = Office::open().await;
    office.comes_in("j.doe@acme.example", "Jane", "Doe").await;
    let answer = office.click(ROBIN, "duplicate-of", &[("of", "j.doe@acme.example")]).await;
    assert_eq!(answer.title(), "Noted", "{}", answer.body);
    assert_eq!(office.events_of("merged_into").await.len(), 1);
}

#[tokio::test]
async fn a_manager_decides_a_dispute_with_one_click_of_the_mail() {
    for (order, stage, title) in
        [("uphold", Stage::Rejected, "Noted"), (&*format!("overturn {SAM}"), Stage::HandedOff, "Noted")]
    {
        let office = Office::open().await;
        given_back(&office, "bad-data").await;
        let lead = office.lead().await;
        let without = mends(&office, &lead, "dispute", &[]).await;
        assert_eq!((without.status, without.title()), (409, "That cannot be so"), "a reason is needed");
        let answer = mends(&office, &lead, "dispute", &[("words", "The number was right all along")]).await;
        assert_eq!(answer.title(), "Noted", "{}", answer.body);
        office.wakes().await;
        let (subject, text) = told(&office, MANAGER).pop().expect("a question");
        let token_of_manager = office.token(MANAGER).await;
        assert!(subject.contains("was it right to give Jane Doe, Acme back?"), "{subject}");
        for word in ["uphold", "overturn"] {
            let link = format!("https://go.ours.example/a/{token_of_manager}/{word}");
            assert!(text.contains(&link), "{link}: {text}");
        }
        assert!(!text.contains("nurtured lead"), "{text}");
        let path = format!("/a/{token_of_manager}");
        let page = office.get(&path).await;
        for words in ["The number is a fax machine", "The number was right all along", "Marketing disagrees."]
        {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        assert_eq!(page.orders(), ["overturn", "uphold"]);
        // It is neither the rep's to decide nor marketing's.
        let robins = office.post(&format!("/a/{}", office.token(ROBIN).await), &[("do", order)]).await;
        let theirs = office.post(&format!("/a/{}", token(&office, &lead)), &[("do", order)]).await;
        assert_eq!((robins.status, theirs.status), (403, 403));
        let seen = page.seen();
        let fields = [("seen", seen.as_str()), ("do", order), ("words", "They moved")];
        let answer = office.post(&path, &fields).await;
        assert_eq!(answer.title(), title, "{}", answer.body);
        assert_eq!(office.post(&path, &fields).await.title(), "That was noted before");
        office.wakes().await;
        assert_eq!((office.events_of("dispute_answered").await.len(), office.lead().await.stage), (1, stage));
        // The director comes too late, and is told how it stands.
        let other = if order == "uphold" { "overturn" } else { "uphold" };
        let first = office.hand_offs().await.remove(0);
        let key = &office.engine.keys().action;
        let late = token_about(key, About::HandOff(first.id), &address(DIRECTOR), office.clock.now());
        let late = office.post(&format!("/a/{late}"), &[("do", other)]).await;
        assert_eq!((late.status, late.title()), (409, "That is settled already"), "{}", late.body);
        if order != "uphold" {
            assert!(late.body.contains("<b>Sam Berger has it</b>"), "{}", late.body);
        }
        let answered = told(&office, MARKETING);
        assert!(answered.iter().any(|(_, text)| text.contains("They moved")), "{answered:?}");
    }
}

#[tokio::test]
async fn what_sales_has_to_know_is_filled_in_on_the_page_of_the_list() {
    let office = Office::open().await;
    let mut files = PlaybookFiles::builtin();
    let agreement = files.get("agreement.toml").expect("an agreement");
    let agreement = agreement.replace(
        "[campaigns.demo-request]\n",
        "[campaigns.demo-request]\nrequired = [\"title\", 'answers[\"Which tool?\"]', 'fields[\"Seats\"]']\n",
    );
    files.insert("agreement.toml", agreement);
    put_in_force(office.engine.store(), &files, office.clock.now()).await.expect("an agreement");
    office.wakes().await;
    office.comes_in("ann@two.example", "Ann", "Two").await;
    office.later(DAY);
    office.mails.take();
    office.wakes().await;
    let ann = lead_at(&office, "ann@two.example").await.expect("she is known");
    assert_eq!(ann.owner, None);
    let (_, text) = told(&office, MARKETING).pop().expect("a list");
    let page = format!("/a/{}", token(&office, &ann));
    assert!(text.replace('\n', "").contains(&format!("https://go.ours.example{page}")), "{text}");
    assert!(!text.contains("nurtured lead"), "{text}");
    let shown = office.get(&page).await;
    assert!(shown.body.contains("Which tool?") && shown.orders() == ["correct"], "{}", shown.body);
    let fields = [
        ("is:title", "Head of IT"),
        ("was:title", ""),
        ("is:answers[\"Which tool?\"]", "None yet"),
        ("was:answers[\"Which tool?\"]", ""),
        ("is:fields[\"Seats\"]", "40"),
        ("was:fields[\"Seats\"]", ""),
    ];
    let mut all = vec![("do", "correct")];
    all.extend(fields);
    let answer = office.post(&page, &all).await;
    assert_eq!(answer.title(), "Noted", "{}", answer.body);
    office.wakes().await;
    let ann = lead_at(&office, "ann@two.example").await.expect("she is known");
    assert!(ann.owner.is_some(), "it went to sales by itself: {:?}", ann.stage);
    let late = office.post(&page, &[("do", "correct"), ("is:title", "Nobody")]).await;
    assert_eq!((late.status, late.title()), (409, "That is settled already"));
}

#[tokio::test]
async fn where_there_are_no_pages_answers_by_mail_do_the_same() {
    let office = Office::without_pages(Some(LOG)).await;
    given_back(&office, "bad-data").await;
    let lead = office.lead().await;
    let (_, text) = told(&office, MARKETING).pop().expect("a list");
    let token = token(&office, &lead);
    let text = text.replace('\n', " ");
    assert!(text.contains(&format!("drop [{token}]")) && !text.contains("nurtured lead"), "{text}");
    let nonsense = mail(MARKETING, LOG, &format!("correct email nobody [{token}]"), "");
    assert!(matches!(comes(&office, &nonsense).await, Ingested::Refused(_)));
    let (_, answer) = told(&office, MARKETING).pop().expect("an answer");
    assert!(answer.contains("Your mail changed nothing") && answer.contains("I disagree"), "{answer}");
    let dispute = mail(MARKETING, LOG, &format!("dispute [{token}]"), "The number is right.");
    assert_eq!(comes(&office, &dispute).await, Ingested::Done("disputed, by mail".to_owned()));
    let (_, text) = told(&office, MANAGER).pop().expect("a question");
    let manager = office.token(MANAGER).await;
    assert!(text.replace('\n', " ").contains(&format!("uphold [{manager}]")), "{text}");
    let uphold = mail(MANAGER, LOG, &format!("uphold [{manager}]"), "No.");
    assert_eq!(comes(&office, &uphold).await, Ingested::Done("dispute_answered, by mail".to_owned()));
    assert_eq!(comes(&office, &uphold).await, Ingested::Before);
    let correct = mail(MARKETING, LOG, &format!("Re: correct phone +49 (30) 901821 [{token}]"), "");
    assert_eq!(comes(&office, &correct).await, Ingested::Done("corrected, by mail".to_owned()));
    let lead = office.lead().await;
    assert_eq!((lead.profile.phone.as_deref(), lead.owner), (Some("+4930901821"), Some(address(ROBIN))));
}

#[tokio::test]
async fn a_rep_who_is_back_says_so_by_a_link_or_an_answer() {
    let office = Office::open().await;
    assert_eq!(office.click(ROBIN, "away", &[("day", "2026-03-16")]).await.title(), "Noted");
    office.wakes().await;
    let (_, text) = told(&office, ROBIN).pop().expect("who has his leads");
    let theirs = {
        let first = office.hand_offs().await.remove(0);
        token_about(
            &office.engine.keys().action,
            About::HandOff(first.id),
            &address(ROBIN),
            office.clock.now(),
        )
    };
    let path = format!("/a/{theirs}/back");
    assert!(text.contains(&format!("https://go.ours.example{path}")), "{text}");
    assert!(!text.contains("nurtured rep"), "{text}");
    let page = office.get(&path).await;
    assert_eq!((page.title(), page.orders()), ("I am back", vec!["back".to_owned(), "away".to_owned()]));
    assert!(page.body.contains("Mon 16 Mar"), "{}", page.body);
    let seen = page.seen();
    for title in ["Noted", "That was noted before"] {
        let answer = office.post(&path, &[("seen", &seen), ("do", "back")]).await;
        assert_eq!((answer.status, answer.title()), (200, title), "{}", answer.body);
    }
    assert_eq!(office.get(&path).await.title(), "You are not away");
    office.comes_in("joe@one.example", "Joe", "One").await;
    office.comes_in("ann@two.example", "Ann", "Two").await;
    let mut owners = Vec::new();
    for email in ["joe@one.example", "ann@two.example"] {
        owners.push(lead_at(&office, email).await.and_then(|lead| lead.owner));
    }
    assert!(owners.contains(&Some(address(ROBIN))), "{owners:?}");
    let manager = office.token(MANAGER).await;
    let answer = office.post(&format!("/a/{manager}/back"), &[("do", "back")]).await;
    assert_eq!(answer.status, 403);

    let office = Office::without_pages(Some(LOG)).await;
    let token = office.token(ROBIN).await;
    for (order, done) in [("away 2026-03-16", "rep_away, by mail"), ("back", "rep_back, by mail")] {
        let raw = mail(ROBIN, LOG, &format!("{order} [{token}]"), "");
        assert_eq!(comes(&office, &raw).await, Ingested::Done(done.to_owned()));
    }
    let mut tx = office.engine.store().read().await.expect("the store answers");
    let away = tx.rep_state(&address(ROBIN)).await.expect("the store answers").away;
    assert!(away.is_some_and(|(_, until)| until <= office.clock.now()), "{away:?}");
}
