//! What README.md says is so: its commands are commands, its files load, its lists are whole.

use std::collections::BTreeSet;

use nurtured::cli;
use nurtured::domain::condition::VARIABLES;
use nurtured::playbook::schemas::LEAD_MAIL;
use nurtured::playbook::{Playbook, PlaybookFiles};

use crate::commands::Daemon;
use crate::place::Place;

const README: &str = include_str!("../../README.md");

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// What stands between backticks outside of fenced blocks.
fn spans() -> Vec<&'static str> {
    let prose = README.split("```").step_by(2);
    prose.flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

/// The words of a command line; what stands in quotes is one; comments and what goes into a file are none.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().and_then(|line| line.split(" > ").next()).unwrap_or_default();
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Every command of a block, by its words without the program's name.
fn commands() -> Vec<Vec<String>> {
    let lines = blocks("sh").into_iter().flat_map(str::lines);
    let commands: Vec<_> = lines.filter(|line| line.starts_with("nurtured ")).map(words).collect();
    assert!(commands.len() > 15, "{commands:?}");
    commands
}

#[test]
fn every_command_in_a_block_is_one() {
    for command in commands() {
        assert!(cli::parses(command.iter().map(String::as_str)), "{command:?}");
    }
}

#[test]
fn every_command_in_the_prose_begins_one() {
    let spans = spans();
    let spoken: Vec<&&str> = spans.iter().filter(|span| span.starts_with("nurtured ")).collect();
    assert!(spoken.len() > 10, "{spoken:?}");
    for span in spoken {
        let mut words = words(span);
        words.push("--help".to_owned());
        assert!(cli::parses(words.iter().map(String::as_str)), "{span}");
    }
}

#[test]
fn a_rep_s_commands_do_what_they_say() {
    let handed_off = Place::always_open();
    let add = commands().into_iter().find(|command| command[1..3] == ["lead", "add"]).expect("it is named");
    run(&handed_off, &add);
    handed_off.run(&["run", "--once"]).done();
    // What follows a rejection is marketing's; `tests/recycling` says it of leads that were given back.
    const LATER: [&str; 6] = ["add", "set", "replace", "drop", "dispute", "answer-dispute"];
    let is_a_reps = |command: &Vec<String>| {
        ["lead", "rep", "may-contact"].contains(&command[1].as_str())
            && !LATER.contains(&command[2].as_str())
            && !command.iter().any(|word| word == "--of")
    };
    let commands: Vec<_> = commands().into_iter().filter(is_a_reps).collect();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands {
        // Each is said of a fresh hand-off.
        run(&handed_off.copy(), &command);
    }
}

#[test]
fn an_import_is_tried_and_then_done() {
    let place = Place::new();
    place.write("leads.csv", "email\nbo@x.example\n");
    let imports = || commands().into_iter().filter(|command| command[1] == "import");
    assert_eq!(imports().count(), 2);
    imports().for_each(|command| run(&place, &command));
    assert_eq!(place.run(&["lead", "list", "--json"]).json().len(), 1);
}

/// Runs a command of the README, which has to end well.
fn run(place: &Place, command: &[String]) {
    let arguments: Vec<&str> = command[1..].iter().map(String::as_str).collect();
    place.run(&arguments).done();
}

#[test]
fn its_configurations_are_in_order() {
    let place = Place::new();
    place.write("smtp-password", "secret\n");
    place.write("imap-password", "secret\n");
    place.write("webhook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let blocks = blocks("toml");
    assert!(blocks.len() >= 2);
    for block in blocks {
        place.write("nurtured.toml", block);
        place.run(&["check"]).done();
    }
}

/// What it asks the API for, asked of a daemon.
#[test]
fn its_requests_are_answered() {
    let lines: Vec<&str> =
        blocks("sh").into_iter().flat_map(str::lines).filter(|line| line.starts_with("curl ")).collect();
    assert!(lines.len() > 5, "{lines:?}");
    let can = std::process::Command::new("curl").arg("--help").output();
    if can.is_err() {
        eprintln!("curl is missing: the README's requests were NOT tried");
        return;
    }
    let place = Place::always_open();
    let new = commands().into_iter().find(|command| command[1..3] == ["token", "new"]).expect("it is named");
    let new: Vec<&str> = new[1..].iter().map(String::as_str).collect();
    let token = place.run(&new).done();
    let mut daemon = Daemon::start(&place);
    let said = daemon.says("http://");
    let address = said.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
    for line in lines {
        let asked = std::process::Command::new("sh")
            .args(["-c", &line.replacen("curl ", "curl --silent --show-error --fail-with-body ", 1)])
            .env("AUTH", format!("Authorization: Bearer {}", token.trim()))
            .env("API", format!("{address}/v1"))
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&asked.stdout);
        assert!(asked.status.success() && said.starts_with('{'), "{line}\n{said}{asked:?}");
    }
}

#[test]
fn what_it_adds_to_the_agreement_is_in_order() {
    let blocks = blocks("ini");
    assert!(!blocks.is_empty());
    for block in blocks {
        let mut files = PlaybookFiles::builtin();
        let text = format!("{}\n{block}\n", files.get("agreement.toml").unwrap_or_default());
        files.insert("agreement.toml", text);
        if let Err(problems) = Playbook::load(&files) {
            panic!("{problems}");
        }
    }
}

#[test]
fn its_variable_is_one() {
    let place = Place::new();
    let mut command = place.command(&["status"]);
    let name = spans().into_iter().find(|span| span.starts_with("NURTURED_")).expect("one is named");
    let starter = include_str!("../../src/config/starter.toml");
    assert!(starter.contains(name), "{name}");
    let output = command.env(name, "no name of a host").output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2), "{name} is not read");
}

#[test]
fn every_file_it_names_is_there() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let linked = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    // What begins with braces is written by a template.
    let linked =
        linked.filter(|link| !["http", "#", "{{"].iter().any(|elsewhere| link.starts_with(elsewhere)));
    let is_path = |span: &&str| {
        !span.contains(' ') && ["src/", "tests/", "systemd/"].iter().any(|folder| span.starts_with(folder))
    };
    let in_blocks = blocks("sh").into_iter().flat_map(str::split_whitespace).filter(is_path);
    for path in linked.chain(spans().into_iter().filter(is_path)).chain(in_blocks) {
        assert!(here.join(path).exists(), "{path}");
    }
    for line in blocks("text").into_iter().flat_map(str::lines) {
        let name = line.split_whitespace().next().unwrap_or_default();
        if name.contains('.') {
            assert!(here.join("templates").join(name).exists(), "{name}");
        }
    }
}

#[test]
fn it_lists_every_name_a_condition_knows() {
    let spans: BTreeSet<&str> = spans().into_iter().collect();
    let listed: BTreeSet<&str> = spans
        .iter()
        .map(|span| span.split('[').next().unwrap_or_default())
        .map(|span| if span.starts_with("lead.activities.") { "lead.activities" } else { span })
        .collect();
    for variable in VARIABLES {
        assert!(listed.contains(variable.path), "{}", variable.path);
    }
    let known = |name: &str| {
        VARIABLES.iter().any(|variable| variable.path == name)
            || LEAD_MAIL.variables().iter().any(|(path, _)| path == name)
    };
    for name in &listed {
        let is_name = ["lead.", "campaign.", "event.", "sender."].iter().any(|owner| name.starts_with(owner));
        let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte));
        if is_name && is_plain && !name.ends_with(".toml") {
            assert!(known(name), "{name} is no name");
        }
    }
}

#[test]
fn it_lists_every_name_a_mail_knows() {
    let spans: BTreeSet<&str> = spans().into_iter().collect();
    for (path, _) in LEAD_MAIL.variables() {
        let is_record = LEAD_MAIL.variables().iter().any(|(other, _)| other.starts_with(&format!("{path}.")));
        assert!(is_record || spans.contains(path.as_str()), "{path}");
    }
}

#[test]
fn its_reasons_are_those_of_the_agreement() {
    let playbook = Playbook::load(&PlaybookFiles::builtin()).expect("the built-in playbook is in order");
    let table = README.split("| reason | what follows |").nth(1).and_then(|rest| rest.split("\n\n").next());
    let rows = table.expect("there is a table").lines().filter(|line| line.starts_with("| `"));
    let mut listed = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let names: Vec<&str> = cells[1].split('`').skip(1).step_by(2).collect();
        for (number, name) in names.iter().enumerate() {
            let reason =
                playbook.agreement.reasons.get(*name).unwrap_or_else(|| panic!("{name} is no reason"));
            if let nurtured::domain::agreement::AfterReason::Rest { days, .. } = &reason.then {
                let said: Vec<i64> = cells[2]
                    .split(|c: char| !c.is_ascii_digit())
                    .filter_map(|number| number.parse().ok())
                    .collect();
                assert_eq!(said.get(number), Some(days), "{row}");
            } else {
                assert!(!cells[2].contains("rests"), "{row}");
            }
            listed.insert((*name).to_owned());
        }
    }
    assert_eq!(listed, playbook.agreement.reasons.keys().cloned().collect());
}

#[test]
fn the_demo_says_what_it_shows_of_it() {
    let demo = Place::new().run(&["demo"]).done();
    let shown = blocks("text").into_iter().find(|block| block.contains("March 2026")).expect("it is shown");
    assert!(demo.contains(shown), "{shown}\n--- is not in\n{demo}");
}
