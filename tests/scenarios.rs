//! What the engine does, one rule a file: `tests/scenarios/<rule>.toml` is a scenario as `nurtured simulate`
//! reads it, `<rule>.expect` everything that comes of it.
//!
//! An expectation lists every mail and every decision, so a mail that nobody expected fails as surely as one
//! that is missing. Times are local: a lead's mail in the lead's zone, everything else in the office's. What
//! the scenario itself says (she replied, he is away) is not repeated. A mail is told by its subject; where the
//! scenario says `show = ["hand_off", "digest to rep1"]` (a class, a level or a person each), those mails stand
//! there whole, tokens shortened to `…`. Clicks, answers by mail, requests of the API and figures that somebody prints
//! are events, too, which `support/scenario/outside.rs` describes; `nurtured simulate` does not know them. `<rule>.playbook`, where there is one,
//! says what differs from the built-in playbook.
//!
//! `UPDATE_EXPECT=1` rewrites the expectations. Read each of them afterwards as the lead, as the rep and as
//! the manager, with a calendar beside it: a test that repeats what the program did proves nothing.

#[path = "support/postgres.rs"]
mod postgres;

#[path = "support/scenario/mod.rs"]
mod scenario;

use std::fmt::Write as _;

use futures_util::{StreamExt, stream};
use nurtured::store::Store;
use postgres::Database;
use scenario::{Rule, files, rules};

#[tokio::test(flavor = "multi_thread")]
async fn each_scenario_goes_as_its_rule_says() {
    assert_eq!(of_every_rule(goes_as_expected).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scenario_gives_the_same_bytes_on_postgresql() {
    if postgres::postgres_url().is_some() {
        assert_eq!(of_every_rule(is_the_same_on_postgresql).await, "");
    }
}

async fn goes_as_expected(rule: Rule) -> Result<(), String> {
    let (first, again) = tokio::join!(rule.run_on_sqlite(), rule.run_on_sqlite());
    let (first, again) = (first?, again?);
    if first.json != again.json {
        return Err(format!("the second time is different\n{}", diff(&first.json, &again.json)));
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(rule.file("expect"), &first.told).map_err(|error| error.to_string())?;
    }
    let expected = std::fs::read_to_string(rule.file("expect")).unwrap_or_default();
    if expected != first.told {
        return Err(format!("- expected, + happened\n{}", diff(&expected, &first.told)));
    }
    Ok(())
}

async fn is_the_same_on_postgresql(rule: Rule) -> Result<(), String> {
    let database = Database::create().await.ok_or("there is no server any more")?;
    let store = Store::open(&database.url()).await.map_err(|error| error.to_string())?;
    let there = rule.run(store.clone()).await;
    store.close().await;
    let (there, here) = (there?, rule.run_on_sqlite().await?);
    for (here, there) in [(here.json, there.json), (here.told, there.told)] {
        if there != here {
            return Err(format!("- SQLite, + PostgreSQL\n{}", diff(&here, &there)));
        }
    }
    Ok(())
}

/// Tries every rule, a few at a time; what is wrong with them, by name.
async fn of_every_rule<F>(check: fn(Rule) -> F) -> String
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    const AT_A_TIME: usize = 4;
    let checks = rules().into_iter().map(|rule| async move {
        let name = rule.name.clone();
        let checked = tokio::spawn(check(rule)).await.unwrap_or_else(|panic| Err(panic.to_string()));
        checked.map_err(|wrong| format!("\n{name}: {wrong}"))
    });
    let checked: Vec<Result<(), String>> = stream::iter(checks).buffered(AT_A_TIME).collect().await;
    checked.into_iter().filter_map(Result::err).collect()
}

#[test]
fn every_file_belongs_to_a_rule() {
    let names: Vec<String> = rules().into_iter().map(|rule| rule.name).collect();
    for path in files() {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        assert!(names.contains(&stem), "{} has no scenario", path.display());
    }
}

/// The lines of two texts that are in one of them only, in their order.
fn diff(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut common = vec![vec![0_u32; after.len() + 1]; before.len() + 1];
    for (i, one) in before.iter().enumerate().rev() {
        for (j, other) in after.iter().enumerate().rev() {
            common[i][j] =
                if one == other { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == after.len() || (i < before.len() && common[i + 1][j] >= common[i][j + 1]) {
            let _ = writeln!(text, "  - {}", before[i]);
            i += 1;
        } else {
            let _ = writeln!(text, "  + {}", after[j]);
            j += 1;
        }
    }
    text
}
