//! The pages as a rep, a manager, a scanner and somebody with an old mail meet them.

use jiff::SignedDuration;
use nurtured::domain::contact::SuppressionReason;
use nurtured::domain::ids::HandOffId;
use nurtured::domain::lead::Stage;
use nurtured::domain::order::Word;
use nurtured::engine::playbooks::put_in_force;
use nurtured::mail::action;
use nurtured::playbook::PlaybookFiles;

use crate::office::{DIRECTOR, JANE, MANAGER, Office, ROBIN, SAM, address};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[tokio::test]
async fn looking_changes_nothing_however_one_looks() {
    let office = Office::open().await;
    let before = (office.lead().await, office.events().await.len());
    for person in [ROBIN, MANAGER] {
        let page = format!("/a/{}", office.token(person).await);
        for method in ["GET", "HEAD"] {
            assert_eq!(office.method(method, &page).await.status, 200);
            for word in Word::ALL {
                let answer = office.method(method, &format!("{page}/{}", word.name())).await;
                assert_eq!(answer.status, 200, "{method} {word:?}");
            }
        }
    }
    office.wakes().await;
    assert_eq!((office.lead().await, office.events().await.len()), before);
}

#[tokio::test]
async fn the_page_says_who_the_lead_is_who_has_it_and_until_when_the_link_works() {
    let office = Office::open().await;
    let page = office.get(&format!("/a/{}", office.token(ROBIN).await)).await;
    assert_eq!(page.title(), "Jane Doe, Acme");
    for words in [
        "It is yours, and you have not said yet whether you take it.",
        "First contact is due Tue 3 Mar 11:00.",
        "May I call now? <b>Yes, until 12:00 their time.</b>",
        "<a class=\"act\" href=\"tel:+4930901820\">Call +4930901820</a>",
        "until 2 April 2026",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    // At noon there is no button that a thumb could slip on.
    office.later(SignedDuration::from_mins(130));
    let noon = office.get(&format!("/a/{}", office.token(ROBIN).await)).await;
    assert!(noon.body.contains("First contact was due Tue 3 Mar 11:00."), "{}", noon.body);
    assert!(
        noon.body.contains("<a class=\"more\" href=\"tel:+4930901820\">+4930901820</a>"),
        "{}",
        noon.body
    );
    let page = office.get(&format!("/a/{}", office.token(MANAGER).await)).await;
    assert!(page.body.contains("<b>Robin Adler has it</b>: handed off."), "{}", page.body);
    assert!(page.body.contains("Sam Berger (0 of 30 leads)"), "{}", page.body);
    let page = office.get(&format!("/a/{}/accept", office.token(ROBIN).await)).await;
    assert_eq!((page.title(), page.orders()), ("I take it: Jane Doe, Acme", vec!["accept".to_owned()]));
}

#[tokio::test]
async fn every_button_of_every_page_does_what_it_says() {
    let office = Office::open().await;
    let mut orders = Vec::new();
    for person in [ROBIN, MANAGER] {
        let page = office.get(&format!("/a/{}", office.token(person).await)).await;
        orders.extend(page.orders().into_iter().map(|order| (person, order)));
    }
    assert!(orders.len() > 30, "{orders:?}");
    for (person, order) in orders {
        let office = Office::open().await;
        if order == "duplicate-of" {
            office.comes_in("joe@one.example", "Joe", "One").await;
        }
        let before = office.events().await.len();
        let day: &[(&str, &str)] = match order.as_str() {
            "later" | "lead-away" | "away" => &[("day", "2026-03-16")],
            "duplicate-of" => &[("of", "joe@one.example")],
            _ => &[],
        };
        let answer = office.click(person, &order, day).await;
        assert_eq!((answer.status, answer.title()), (200, "Noted"), "{order}: {}", answer.body);
        let news = office.events().await.split_off(before);
        if order == "away" {
            assert_eq!(news.len(), 0);
        } else {
            assert_eq!(news[0].actor.as_deref(), Some(person), "{order}");
            assert_eq!(news[0].facts["via"], "link", "{order}");
        }
        office.wakes().await;
    }
}

#[tokio::test]
async fn a_double_click_counts_once_and_a_second_call_twice() {
    let office = Office::open().await;
    let path = format!("/a/{}", office.token(ROBIN).await);
    let seen = office.get(&path).await.seen();
    let fields = [("seen", seen.as_str()), ("do", "no-answer"), ("words", "her assistant said tomorrow")];
    assert_eq!(office.post(&path, &fields).await.title(), "Noted");
    assert_eq!(office.post(&path, &fields).await.title(), "That was noted before");
    assert_eq!(office.events_of("attempt").await.len(), 1);
    assert_eq!(office.words().await, ["her assistant said tomorrow"]);
    // Another outcome from the same page is another call.
    assert_eq!(office.post(&path, &[("seen", &seen), ("do", "reached")]).await.title(), "Noted");
    office.later(MINUTE);
    assert_eq!(office.click(ROBIN, "no-answer", &[]).await.title(), "Noted");
    assert_eq!(office.events_of("attempt").await.len(), 3);
    assert_eq!(office.lead().await.stage, Stage::Contacted);
    // A form without what was seen is taken for the same click, too.
    assert_eq!(office.post(&path, &[("do", "no-answer")]).await.title(), "That was noted before");
}

#[tokio::test]
async fn a_late_click_harms_nothing_and_says_who_has_the_lead() {
    let office = Office::open().await;
    let (robins, managers) = (office.token(ROBIN).await, office.token(MANAGER).await);
    let given = office.click(MANAGER, &format!("give {SAM}"), &[]).await;
    assert_eq!(given.title(), "Noted");
    let before = (office.lead().await, office.events().await.len());
    for (token, order) in [
        (&robins, "accept"),
        (&robins, "reject not-ready"),
        (&robins, "heard"),
        (&managers, "take"),
        (&managers, "extend"),
    ] {
        let answer = office.post(&format!("/a/{token}"), &[("do", order), ("objection", "price")]).await;
        assert_eq!((answer.status, answer.title()), (409, "Sam Berger has this lead now"), "{order}");
    }
    assert_eq!((office.lead().await, office.events().await.len()), before);
    assert_eq!(before.0.owner, Some(address(SAM)));
    // The one who has it now goes on undisturbed.
    assert_eq!(office.click(SAM, "accept", &[]).await.title(), "Noted");
}

#[tokio::test]
async fn a_lead_rejected_twice_is_rejected_once() {
    let office = Office::open().await;
    let path = format!("/a/{}", office.token(ROBIN).await);
    let seen = office.get(&path).await.seen();
    let reject = |reason: &'static str| [("seen", seen.clone()), ("do", format!("reject {reason}"))];
    for (reason, title) in [
        ("not-ready", "Noted"),
        ("not-ready", "That was noted before"),
        ("no-budget", "Nobody in sales has this lead now"),
    ] {
        let fields = reject(reason);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(office.post(&path, &fields).await.title(), title);
    }
    assert_eq!(office.events_of("rejected").await.len(), 1);
    assert_eq!(office.lead().await.stage, Stage::Resting);
    let page = office.get(&path).await;
    assert!(page.body.contains("Nobody in sales has it: resting."), "{}", page.body);
}

#[tokio::test]
async fn won_asks_what_convinced_and_the_answer_is_kept_by_name_and_words() {
    let office = Office::open().await;
    let won = office.click(ROBIN, "won", &[]).await;
    assert!(won.body.contains("What convinced them?"), "{}", won.body);
    let told = office.click(ROBIN, "heard", &[("argument", "people"), ("words", "Sam's demo")]).await;
    assert!(told.body.contains("heard “The people they talked to”"), "{}", told.body);
    assert_eq!(office.events_of("feedback").await[0].facts["argument"], "people");
    assert_eq!(office.words().await, ["Sam's demo"]);
    assert_eq!(office.lead().await.stage, Stage::Won);
    // Both at once, on the page itself.
    let office = Office::open().await;
    let won = office.click(ROBIN, "won", &[("argument", "price")]).await;
    assert!(!won.body.contains("What convinced them?"), "{}", won.body);
    assert_eq!(office.events_of("feedback").await.len(), 1);
    // All or nothing: a name that nobody agreed on undoes the rest.
    let office = Office::open().await;
    let won = office.click(ROBIN, "won", &[("argument", "bribery")]).await;
    assert_eq!((won.status, won.title()), (409, "That cannot be so"));
    assert_eq!(office.lead().await.stage, Stage::HandedOff);
}

#[tokio::test]
async fn a_token_that_is_not_ours_or_has_ended_or_is_about_nobody_leads_to_a_calm_page() {
    let office = Office::open().await;
    let hand_off = office.hand_offs().await[0].id;
    let (robin, now) = (address(ROBIN), office.clock.now());
    let key = office.engine.keys().action.clone();
    let ours = office.token(ROBIN).await;
    let foreign = action::token(b"another installation's key", hand_off, &robin, now);
    let tampered = format!("{}{}", &ours[..39], if ours.ends_with('a') { 'b' } else { 'a' });
    let stranger = action::token(&key, hand_off, &address("who@left.example"), now);
    let nobody = action::token(&key, HandOffId(999), &robin, now);
    let before = office.events().await.len();
    for (token, status) in [
        (foreign.as_str(), 404),
        (&tampered, 404),
        (&ours[1..], 404),
        ("%ff%fe", 404),
        (&stranger, 403),
        (&nobody, 410),
    ] {
        for answer in [
            office.get(&format!("/a/{token}")).await,
            office.get(&format!("/a/{token}/accept")).await,
            office.post(&format!("/a/{token}"), &[("do", "accept")]).await,
        ] {
            assert_eq!(answer.status, status, "{token}: {}", answer.body);
            assert!(!answer.body.contains("Jane"), "{}", answer.body);
        }
    }
    // It still works on its last day, and not on the next.
    office.later(SignedDuration::from_hours(30 * 24));
    assert_eq!(office.get(&format!("/a/{ours}")).await.status, 200);
    office.later(SignedDuration::from_hours(24));
    let over = office.post(&format!("/a/{ours}"), &[("do", "accept")]).await;
    assert_eq!((over.status, over.title()), (410, "This link has ended"));
    assert_eq!(office.events().await.len(), before);
}

#[tokio::test]
async fn a_rep_who_has_left_the_agreement_does_nothing_by_an_old_link() {
    let office = Office::open().await;
    let path = format!("/a/{}", office.token(ROBIN).await);
    let seen = office.get(&path).await.seen();
    let mut files = PlaybookFiles::builtin();
    let agreement = files.get("agreement.toml").expect("an agreement");
    let (before, robin) = agreement.split_once("[[teams.sales.reps]]").expect("Robin");
    let (_, others) = robin.split_once("[[teams.sales.reps]]").expect("Sam");
    let agreement = format!("{before}[[teams.sales.reps]]{others}");
    files.insert("agreement.toml", agreement);
    put_in_force(office.engine.store(), &files, office.clock.now()).await.expect("an agreement");
    office.wakes().await;
    let before = office.events().await.len();
    for answer in [
        office.get(&path).await,
        office.post(&path, &[("seen", &seen), ("do", "accept")]).await,
        office.post(&path, &[("seen", &seen), ("do", "away"), ("date", "2026-03-16")]).await,
    ] {
        assert_eq!((answer.status, answer.title()), (403, "This link is not yours any more"));
        assert!(!answer.body.contains("Jane"), "{}", answer.body);
    }
    assert_eq!(office.events().await.len(), before);
    // Whoever answers for the team still does.
    assert_eq!(office.get(&format!("/a/{}", office.token(MANAGER).await)).await.status, 200);
}

#[tokio::test]
async fn the_link_of_an_erased_lead_says_nothing_of_it() {
    let office = Office::open().await;
    let token = office.token(ROBIN).await;
    let mut tx = office.engine.store().begin().await.expect("a transaction");
    let erased = SuppressionReason::Erased;
    tx.suppress(&address(JANE), erased, None, office.clock.now()).await.expect("a suppression");
    tx.commit().await.expect("a commit");
    for answer in [
        office.get(&format!("/a/{token}")).await,
        office.post(&format!("/a/{token}"), &[("do", "accept")]).await,
    ] {
        assert_eq!((answer.status, answer.title()), (410, "This lead is not there any more"));
        assert!(!answer.body.contains("Jane"));
    }
    assert_eq!(office.lead().await.stage, Stage::HandedOff);
}

#[tokio::test]
async fn each_may_say_what_is_theirs_to_say() {
    let office = Office::open().await;
    for (person, order, status) in [
        (MANAGER, "accept", 403),
        (MANAGER, "reject not-ready", 403),
        (MANAGER, "away", 403),
        (ROBIN, "take", 403),
        (ROBIN, "give rep2@ours.example", 403),
        (ROBIN, "extend", 403),
        (ROBIN, "recycle not-ready", 403),
        (DIRECTOR, "extend", 200),
    ] {
        let answer = office.click(person, order, &[("day", "2026-03-16")]).await;
        assert_eq!(answer.status, status, "{person} {order}: {}", answer.body);
    }
    assert_eq!(office.events_of("extended").await.len(), 1);
    let again = office.click(MANAGER, "extend", &[]).await;
    assert_eq!((again.status, again.title()), (409, "That cannot be so"));
}

#[tokio::test]
async fn a_day_that_makes_no_sense_is_refused_in_words() {
    let office = Office::open().await;
    for (order, day, status, words) in [
        ("later", "2026-03-03", 409, "is not in the future"),
        ("later", "2020-01-01", 409, "is not in the future"),
        ("later", "2036-03-16", 409, "is more than two years ahead"),
        ("later", "", 400, "A day is missing"),
        ("later", "soon", 400, "“soon” is no day"),
        ("away", "2026-03-03", 409, "is not in the future"),
        ("dance", "", 400, "“dance” is nothing that can be ordered"),
        ("", "", 400, "nothing that can be ordered"),
    ] {
        let answer = office.click(ROBIN, order, &[("day", day)]).await;
        assert_eq!(answer.status, status, "{order} {day}: {}", answer.body);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    assert_eq!(office.lead().await.follow_up_at, None);
    assert_eq!(office.click(ROBIN, "later", &[("day", "2026-03-16")]).await.status, 200);
    assert!(office.lead().await.follow_up_at.is_some());
}

#[tokio::test]
async fn a_rep_who_says_that_they_are_away_gets_no_lead() {
    let office = Office::open().await;
    for title in ["Noted", "That was noted before"] {
        let answer = office.click(ROBIN, "away", &[("day", "2026-03-16")]).await;
        assert_eq!(answer.title(), title);
    }
    for name in ["joe@one.example", "ann@two.example"] {
        office.comes_in(name, "Some", "Body").await;
        let mut tx = office.engine.store().read().await.expect("the store answers");
        let lead = tx.lead_by_email(&address(name)).await.expect("the store answers").expect("a lead");
        assert_eq!(lead.owner, Some(address(SAM)), "{name}");
    }
}

#[tokio::test]
async fn a_name_written_to_break_out_is_shown_as_text() {
    let office = Office::open().await;
    let mut lead = office.lead().await;
    lead.profile.first_name = Some("<script>alert(1)</script>".to_owned());
    lead.profile.title = Some("\"><img src=x>".to_owned());
    let mut tx = office.engine.store().begin().await.expect("a transaction");
    tx.save_lead(&lead).await.expect("a lead");
    tx.commit().await.expect("a commit");
    let path = format!("/a/{}", office.token(ROBIN).await);
    let done = office.click(ROBIN, "accept", &[("words", "<b>")]).await;
    for page in [office.get(&path).await, done] {
        assert!(page.body.contains("&#60;script&#62;"), "{}", page.body);
        assert!(
            !page.body.contains("<script") && !page.body.contains("<img") && !page.body.contains("<b>\"")
        );
    }
}

#[tokio::test]
async fn nothing_else_is_offered_and_too_much_is_refused() {
    let office = Office::open().await;
    let path = format!("/a/{}", office.token(ROBIN).await);
    for (method, path, status) in [
        ("PUT", path.as_str(), 405),
        ("DELETE", &format!("{path}/accept"), 405),
        ("GET", &format!("{path}/dance"), 404),
        ("GET", &format!("{path}/accept/now"), 404),
        ("GET", "/a", 404),
        ("GET", "/a/", 404),
        // A form without a content type is no form.
        ("POST", &path, 400),
    ] {
        assert_eq!(office.method(method, path).await.status, status, "{method} {path}");
    }
    let much = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n");
    assert_eq!(office.request(much).await.status, 413);
    assert_eq!(office.lead().await.stage, Stage::HandedOff);
    let long = "ä".repeat(5_000);
    assert_eq!(office.post(&path, &[("do", "no-answer"), ("words", &long)]).await.status, 200);
    assert_eq!(office.words().await[0].chars().count(), 4_000);
}

#[tokio::test]
async fn the_mail_leads_to_the_page() {
    let office = Office::open().await;
    let parcels = office.mails.take();
    let mail = parcels.iter().find(|parcel| parcel.to == address(ROBIN)).expect("a hand-off mail");
    let message = mail_parser::MessageParser::default().parse(&mail.bytes[..]).expect("a mail");
    let text = message.body_text(0).expect("a text part").into_owned();
    let links: Vec<&str> = text
        .split("<https://go.ours.example")
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .filter(|path| path.starts_with("/a/"))
        .collect();
    assert_eq!(links.len(), 4, "{text}");
    for path in &links {
        assert_eq!(office.get(path).await.status, 200, "{path}");
    }
    assert!(links[0].ends_with("/accept"));
    assert_eq!(office.post(links[0], &[("do", "accept")]).await.title(), "Noted");
    assert_eq!(office.lead().await.stage, Stage::Accepted);
}
