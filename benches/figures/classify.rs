//! How well mail that comes in is understood, and how many mails a second on one core, dates included.
//!
//! How well is measured on `tests/inbound/cases/fourth`, by which nothing was ever improved; how fast on all cases.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nurtured::mail::inbound::classify::{Class, Classified, classify};
use tokio::time::Instant;

use super::Outcome;
use super::table::{Table, ms};

#[expect(dead_code, reason = "the tests need more of the labels")]
#[path = "../../tests/inbound/labels.rs"]
mod labels;

use labels::{Label, Score};

/// Long enough that a stop of the machine weighs little.
const AT_LEAST: Duration = Duration::from_secs(3);

pub fn measure(table: &mut Table) -> Outcome<()> {
    how_well(table)?;
    how_fast(table)
}

fn cases(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inbound/cases").join(name)
}

fn how_well(table: &mut Table) -> Outcome<()> {
    let folder = cases("fourth");
    let mut all: Vec<(Label, Classified)> = Vec::new();
    for label in labels::read(&folder) {
        let raw = std::fs::read(folder.join(&label.file))?;
        all.push((label, classify(&raw)));
    }
    for (name, is_of) in [("English", true), ("seven other languages", false)] {
        let dated: Vec<_> =
            all.iter().filter(|(label, _)| label.is_dated() && (label.lang == "en") == is_of).collect();
        let found: Vec<_> =
            dated.iter().filter_map(|(label, mail)| Some((label, labels::returns_on(mail)?))).collect();
        let right = found.iter().filter(|(label, date)| label.accepts(*date)).count();
        table.add(
            format!("days of return in {name}: found · right"),
            format!("{} of {} · {right} of {}", found.len(), dated.len(), found.len()),
            if is_of { "85 % · 95 %" } else { "· 90 %" },
        );
    }
    let days = || all.iter().filter_map(|(label, mail)| Some((label, labels::returns_on(mail)?)));
    let early = days().filter(|(label, date)| label.is_dated() && label.is_before(*date)).count();
    let given = days().filter(|(label, _)| label.is_dated()).count();
    table.add("days before the real return", format!("{early} of {given}"), "≤ 2 %");
    let undated = all.iter().filter(|(label, _)| label.class == "auto_reply" && label.returns_on.is_none());
    let invented = undated
        .clone()
        .filter(|(label, mail)| labels::returns_on(mail).is_some_and(|date| !label.accepts(date)));
    table.add("days invented", format!("{} of {}", invented.count(), undated.count()), "0");
    let people: Score = all
        .iter()
        .filter(|(label, _)| label.class == "reply" || label.class == "unsubscribe")
        .map(|(label, mail)| (label.file.clone(), matches!(mail.class, Class::Reply | Class::Unsubscribe)))
        .collect();
    table.add("people taken for machines", format!("{} of {}", people.missed.len(), people.of), "≤ 0.1 %");
    Ok(())
}

fn how_fast(table: &mut Table) -> Outcome<()> {
    let mut mails = Vec::new();
    for folder in ["first", "second", "third", "fourth"] {
        for entry in std::fs::read_dir(cases(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "eml") {
                mails.push(std::fs::read(path)?);
            }
        }
    }
    let mut slowest = Duration::ZERO;
    for mail in &mails {
        let started = Instant::now();
        black_box(classify(mail));
        slowest = slowest.max(started.elapsed());
    }
    let (started, mut done) = (Instant::now(), 0_u32);
    while started.elapsed() < AT_LEAST {
        for mail in &mails {
            black_box(classify(black_box(mail)));
            done += 1;
        }
    }
    let a_second = f64::from(done) / started.elapsed().as_secs_f64();
    table.add("mails classified a second, one core", format!("{a_second:.0}"), "≥ 2,000");
    table.add("the slowest of them", ms(slowest), "");
    Ok(())
}
