//! The built-in agreement as two managers read and sign it. After a change on purpose run
//! `INSTA_UPDATE=always cargo test --test agreement`, and read the difference as one of them.

use nurtured::cli::agreement::{html, markdown};
use nurtured::domain::document::{Document, changes, written};
use nurtured::playbook::{Playbook, PlaybookFiles};

fn agreement(edits: &[(&str, &str)]) -> Document {
    let mut files = PlaybookFiles::builtin();
    for (old, new) in edits {
        let text = files.get("agreement.toml").expect("it is there").to_owned();
        assert!(text.contains(old), "`{old}` is not in the agreement");
        files.insert("agreement.toml", text.replacen(old, new, 1));
    }
    match Playbook::load(&files) {
        Ok(playbook) => written(&playbook.agreement),
        Err(problems) => panic!("{problems}"),
    }
}

/// What differs, one statement a line.
fn told(before: &Document, now: &Document) -> String {
    let lines = changes(before, now).into_iter().flat_map(|change| {
        let section = change.section;
        let gone = change.before.into_iter().map(|words| ('-', words));
        let added = change.now.into_iter().map(|words| ('+', words));
        gone.chain(added).map(|(sign, words)| format!("{sign} {section}: {words}")).collect::<Vec<_>>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn the_built_in_agreement_reads_like_a_document() {
    snapshot("agreement-markdown", &markdown::text(&agreement(&[])));
}

#[test]
fn it_is_a_page_that_can_be_printed() {
    snapshot("agreement-html", &html::page(&agreement(&[])));
}

#[test]
fn what_two_people_change_is_told_in_words() {
    let signed = agreement(&[
        ("# signed_on = \"2026-01-05\"", "signed_on = \"2026-01-05\""),
        ("first_contact = \"1 business hour\"", "first_contact = \"2 business hours\""),
        ("accepted = \"70%\"", "accepted = \"60%\""),
        ("capacity = 15", "capacity = 20"),
    ]);
    snapshot("agreement-changes", &told(&agreement(&[]), &signed));
}

#[test]
fn what_was_agreed_about_the_hand_off_is_told_too() {
    let before = agreement(&[]);
    let now = agreement(&[
        (
            "[campaigns.webinar]\n",
            "[campaigns.webinar]\nrequired = [\"phone\", 'answers[\"When do you want to decide?\"]']\n\
             reps = [\"rep1@ours.example\"]\noverflow = \"partners\"\nannounce_days = 0\n\
             not_before = \"2026-03-05\"\n",
        ),
        (
            "routing = [\"longest-wait\"]",
            "routing = [\"account\", \"territory\", \"weighted\"]\ncatch_up = true",
        ),
        ("capacity = 30\n", "capacity = 30\nnew_per_week = 12\ncountries = [\"AT\", \"CH\"]\n"),
        (
            "[teams.partners]\n",
            "[teams.partners]\npolicy = \"hot\"\nshares = [\"name\", \"company\", \"phone\"]\n",
        ),
    ]);
    snapshot("agreement-hand-off", &told(&before, &now));
}
