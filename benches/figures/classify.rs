//! How many mails a second are understood, on one core: the labelled ones of `tests/inbound`, dates included.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use nurtured::mail::inbound::classify::classify;

use super::Outcome;
use super::table::Table;

/// Long enough that a stop of the machine weighs little.
const AT_LEAST: Duration = Duration::from_secs(3);

pub fn measure(table: &mut Table) -> Outcome<()> {
    let mut mails = Vec::new();
    for folder in ["first", "second", "third"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inbound/cases").join(folder);
        for entry in std::fs::read_dir(folder)? {
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
    table.add("the slowest of them", format!("{:.1} ms", slowest.as_secs_f64() * 1_000.0), "");
    Ok(())
}
