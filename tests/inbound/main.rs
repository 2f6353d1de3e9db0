//! What comes in is understood: labelled mails in eight languages, and how well we are held to read them.
//!
//! `cases/first` was seen while the classifier was written, `cases/second` was looked at once before it was improved by
//! it; both were written before the classifier was. Their README says how they are labelled. Real bounces are judged too
//! when `NURTURED_TEST_BOUNCES` names a folder of labelled ones.

mod hostile;
mod labels;

use std::path::{Path, PathBuf};

use labels::{Label, Score};
use nurtured::mail::inbound::classify::{Class, Classified, classify};

fn cases(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inbound/cases").join(name)
}

fn all() -> Vec<(Label, Classified)> {
    let mut all = Vec::new();
    for folder in ["first", "second", "third"] {
        let folder = cases(folder);
        for label in labels::read(&folder) {
            let raw = std::fs::read(folder.join(&label.file)).expect("a labelled mail is there");
            all.push((label, classify(&raw)));
        }
    }
    assert!(all.len() > 800, "{} mails are labelled", all.len());
    all
}

/// So many of a hundred, with the names of those that are not among them.
fn at_least(score: &Score, percent: f64, what: &str) {
    assert!(
        score.percent() >= percent,
        "{what}: {:.1} % of {}, wanted {percent} %: {}",
        score.percent(),
        score.of,
        score.missed.join(", ")
    );
}

#[test]
fn the_day_of_a_return_is_read_where_one_is_given() {
    let all = all();
    for (lang, exact, given) in [
        ("en", 95.0, 85.0),
        ("de", 90.0, 85.0),
        ("fr", 90.0, 85.0),
        ("es", 90.0, 85.0),
        ("it", 90.0, 85.0),
        ("nl", 90.0, 85.0),
        ("pt", 90.0, 85.0),
        ("sv", 90.0, 85.0),
    ] {
        let dated = || all.iter().filter(|(label, _)| label.lang == lang && label.is_dated());
        let found =
            |(label, mail): &&(Label, Classified)| (label.file.clone(), labels::returns_on(mail).is_some());
        at_least(&dated().map(|case| found(&case)).collect(), given, &format!("{lang}: a day is found"));
        let right = dated().filter(|case| found(case).1).map(|(label, mail)| {
            (label.file.clone(), labels::returns_on(mail).is_some_and(|date| label.accepts(date)))
        });
        at_least(&right.collect(), exact, &format!("{lang}: it is the right one"));
    }
    let early = all.iter().filter(|(label, _)| label.is_dated()).map(|(label, mail)| {
        (label.file.clone(), labels::returns_on(mail).is_none_or(|date| !label.is_before(date)))
    });
    at_least(&early.collect(), 98.0, "nobody is disturbed before they are back");
}

#[test]
fn no_day_is_invented() {
    let undated = all().into_iter().filter(|(label, _)| !label.is_dated());
    let score: Score = undated
        .map(|(label, mail)| {
            (label.file.clone(), labels::returns_on(&mail).is_none_or(|date| label.accepts(date)))
        })
        .collect();
    assert!(score.of > 60);
    at_least(&score, 99.0, "no day is invented");
}

#[test]
fn people_are_not_taken_for_machines() {
    let people =
        all().into_iter().filter(|(label, _)| label.class == "reply" || label.class == "unsubscribe");
    let score: Score = people
        .map(|(label, mail)| (label.file.clone(), matches!(mail.class, Class::Reply | Class::Unsubscribe)))
        .collect();
    assert!(score.of > 300);
    at_least(&score, 99.9, "people are people");
}

#[test]
fn every_class_is_told_from_the_others() {
    let all = all();
    for (class, percent) in [
        ("bounce", 97.0),
        ("complaint", 100.0),
        ("auto_reply", 98.0),
        ("unsubscribe", 95.0),
        ("reply", 99.0),
        ("receipt", 100.0),
        ("calendar", 100.0),
        ("challenge", 90.0),
        ("delivery_notice", 100.0),
    ] {
        let of_class = all.iter().filter(|(label, _)| label.class == class);
        let score = of_class.map(|(label, mail)| (label.file.clone(), mail.class.name() == class)).collect();
        at_least(&score, percent, class);
    }
    let kinds = all.iter().filter(|(label, mail)| label.class == "auto_reply" && mail.auto_reply.is_some());
    let score = kinds.map(|(label, mail)| {
        (label.file.clone(), mail.auto_reply.as_ref().is_some_and(|reply| reply.kind.name() == label.kind))
    });
    at_least(&score.collect(), 97.0, "kinds of automatic replies");
}

#[test]
fn who_is_not_to_be_rung_and_who_stands_in_is_read() {
    let all = all();
    let replies = || {
        all.iter()
            .filter(|(label, _)| label.class == "auto_reply")
            .filter_map(|(label, mail)| Some((label, mail.auto_reply.as_ref()?)))
    };
    let calls = replies().map(|(label, reply)| (label.file.clone(), reply.do_not_call == label.do_not_call));
    at_least(&calls.collect(), 98.0, "asks not to be rung");
    let contacts = replies().map(|(label, reply)| {
        let named = reply.alternate_contact.as_deref().unwrap_or_default();
        (
            label.file.clone(),
            label.alternate_contacts.iter().any(|one| one == named)
                || (label.alternate_contacts.is_empty() && named.is_empty()),
        )
    });
    at_least(&contacts.collect(), 97.0, "who stands in");
}

#[test]
fn a_day_to_talk_again_is_read_and_none_is_invented() {
    let people: Vec<_> = all().into_iter().filter(|(label, _)| label.class == "reply").collect();
    let asked = people.iter().filter(|(label, _)| label.follow_up_on.is_some());
    let score: Score = asked
        .map(|(label, mail)| {
            (label.file.clone(), mail.follow_up_on.is_some_and(|date| label.accepts_follow_up(date)))
        })
        .collect();
    at_least(&score, 85.0, "a day to talk again");
    let others = people.iter().filter(|(label, _)| label.follow_up_on.is_none());
    let score = others.map(|(label, mail)| {
        (label.file.clone(), mail.follow_up_on.is_none_or(|date| label.accepts_follow_up(date)))
    });
    at_least(&score.collect(), 98.0, "no day to talk again is invented");
}

#[test]
fn every_answer_says_by_which_words_it_came_about() {
    for (label, mail) in all() {
        assert!(!mail.evidence.is_empty(), "{}", label.file);
        // A log may show it: no addresses.
        assert!(
            mail.evidence.iter().all(|evidence| !evidence.contains('@')),
            "{}: {:?}",
            label.file,
            mail.evidence
        );
    }
}

/// Real bounces that others collected and labelled are no part of this repository.
#[test]
#[ignore = "wants labelled bounces in the folder NURTURED_TEST_BOUNCES"]
fn real_bounces_are_known_by_what_servers_really_write() {
    let folder = std::env::var_os("NURTURED_TEST_BOUNCES").map(PathBuf::from).expect("NURTURED_TEST_BOUNCES");
    let (mut known, mut kinds) = (Score::default(), Score::default());
    for (file, rows) in labels::bounces(&folder) {
        let mail = classify(&std::fs::read(folder.join(&file)).expect("a labelled bounce is there"));
        known.add(&file, mail.class == Class::Bounce);
        if mail.class == Class::Bounce {
            kinds
                .add(&file, mail.failures.iter().any(|failure| failure.is_permanent) == rows.contains(&true));
        }
    }
    at_least(&known, 97.0, "bounces");
    at_least(&kinds, 92.0, "permanent or temporary");
}

/// What the command prints, line for line and in the order of the files' names.
#[test]
fn the_command_prints_what_each_mail_is() {
    let folder = cases("first");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_nurtured"))
        .arg("classify")
        .arg(&folder)
        .arg("--json")
        .output()
        .expect("the command runs");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), labels::read(&folder).len());
    let files: Vec<&str> = lines.iter().filter_map(|line| line["file"].as_str()).collect();
    assert!(files.is_sorted());
    for key in ["class", "auto_reply", "follow_up_on", "failures", "complaint", "evidence"] {
        assert!(lines.iter().all(|line| line.get(key).is_some()), "{key}");
    }
    let away = lines.iter().find(|line| line["auto_reply"]["returns_on"].is_string()).expect("an absence");
    assert_eq!(away["class"], "auto_reply");
    assert!(away["auto_reply"]["do_not_call"].is_boolean());
}
