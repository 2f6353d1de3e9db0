//! The built-in agreement as two managers read and sign it. After a change on purpose run
//! `INSTA_UPDATE=always cargo test --test agreement`, and read the difference as one of them.

use nurtured::cli::agreement::{html, markdown};
use nurtured::domain::document::{changes, written};
use nurtured::playbook::{Playbook, PlaybookFiles};

fn agreement(edits: &[(&str, &str)]) -> nurtured::domain::document::Document {
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
    let told: Vec<String> = changes(&agreement(&[]), &signed)
        .into_iter()
        .flat_map(|change| {
            let section = change.section;
            let before = change.before.into_iter().map(|words| ('-', words)).collect::<Vec<_>>();
            let now = change.now.into_iter().map(|words| ('+', words));
            before
                .into_iter()
                .chain(now)
                .map(move |(sign, words)| format!("{sign} {section}: {words}"))
                .collect::<Vec<_>>()
        })
        .collect();
    snapshot("agreement-changes", &told.join("\n"));
}
