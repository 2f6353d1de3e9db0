//! The mails about the agreement itself, as the two scenarios about them send them: with numbers that were counted,
//! not made up. `INSTA_UPDATE=always cargo test --test commitments` rewrites them; read them as their receiver.

use nurtured::domain::intake::Owners;
use nurtured::engine::Identity;
use nurtured::engine::scenario::Scenario;
use nurtured::engine::simulate;
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Parcel, Transport};
use nurtured::playbook::{Playbook, PlaybookFiles};
use nurtured::store::Store;

/// What differs from the built-in playbook.
#[derive(serde::Deserialize)]
struct Edits {
    edit: Vec<Edit>,
}

#[derive(serde::Deserialize)]
struct Edit {
    file: String,
    old: String,
    new: String,
}

/// Runs a scenario of `tests/scenarios`, and gives the mails to `to` in their order.
async fn mails_to(rule: &str, to: &str) -> Vec<Parcel> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let read = |ending: &str| {
        std::fs::read_to_string(folder.join(format!("{rule}.{ending}"))).expect("the scenario is there")
    };
    let edits: Edits = toml::from_str(&read("playbook")).expect("edits");
    let mut files = PlaybookFiles::builtin();
    for Edit { file, old, new } in edits.edit {
        let text = files.get(&file).expect("a file of the playbook").replace(&old, &new);
        files.insert(file, text);
    }
    let playbook = match Playbook::load(&files) {
        Ok(playbook) => playbook,
        Err(problems) => panic!("{problems}"),
    };
    // What its expectation shows is no part of the scenario.
    let text =
        read("toml").lines().filter(|line| !line.starts_with("show = ")).collect::<Vec<_>>().join("\n");
    let scenario = match Scenario::parse(rule, &text, &Owners::of(&playbook.agreement)) {
        Ok(scenario) => scenario,
        Err(problems) => panic!("{problems}"),
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    let store = Store::scratch(&place.path().join("scenario.db")).await.expect("a fresh database");
    let sent = Memory::new();
    let transport = Transport::Memory(sent.clone());
    simulate::run(&scenario, &files, store.clone(), identity(), transport, |_| {}).await.expect("it runs");
    store.close().await;
    sent.take().into_iter().filter(|mail| mail.to.as_str() == to).collect()
}

fn identity() -> Identity {
    Identity {
        from: Correspondent { name: None, address: "hello@ours.example".parse().expect("an address") },
        reply_to: None,
        public_url: "https://nurtured.ours.example".to_owned(),
        operator: None,
        company: "Ours".to_owned(),
        postal_address: None,
        log_address: None,
    }
}

/// Subject and text part.
fn letter(mail: &Parcel) -> String {
    let mail = mail_parser::MessageParser::default().parse(&mail.bytes).expect("a mail");
    let text = mail.body_text(0).expect("it has a text part");
    format!("Subject: {}\n\n{}", mail.subject().unwrap_or_default(), text.replace("\r\n", "\n"))
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// The mails of a rule to marketing's manager whose subject begins so: not those of figures.
async fn letters_to_marketing(rule: &str, subject: &str) -> Vec<String> {
    let mails = mails_to(rule, "marketing@ours.example").await;
    let begins = format!("Subject: {subject}");
    mails.iter().map(letter).filter(|letter| letter.starts_with(&begins)).collect()
}

#[tokio::test]
async fn the_mail_about_a_commitment_has_its_numbers_and_what_is_in_stock() {
    let rule = "marketing-behind-its-pace-is-told-once-and-once-a-week";
    let letters = letters_to_marketing(rule, "Marketing is behind").await;
    assert_eq!(letters.len(), 2);
    snapshot("behind-its-pace", &letters[0]);
}

#[tokio::test]
async fn the_mail_about_a_review_has_what_was_kept_and_what_was_sent_back() {
    let letters =
        letters_to_marketing("an-overdue-review-is-told-to-both-sides", "The agreement was due").await;
    assert_eq!(letters.len(), 2);
    snapshot("review-overdue", &letters[0]);
}
