//! What the engine does, one rule a file: `tests/scenarios/<rule>.toml` is a scenario as `nurtured simulate`
//! reads it, `<rule>.expect` everything that comes of it.
//!
//! An expectation lists every mail and every decision, so a mail that nobody expected fails as surely as one
//! that is missing. Times are local: a lead's mail in the lead's zone, everything else in the office's. What
//! the scenario itself says (she replied, he is away) is not repeated. `<rule>.playbook`, where there is one,
//! says what differs from the built-in playbook.
//!
//! `UPDATE_EXPECT=1` rewrites the expectations. Read each of them afterwards as the lead, as the rep and as
//! the manager, with a calendar beside it: a test that repeats what the program did proves nothing.

#[path = "support/postgres.rs"]
mod postgres;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use nurtured::domain::intake::Owners;
use nurtured::engine::Identity;
use nurtured::engine::hours::zone_of;
use nurtured::engine::scenario::Scenario;
use nurtured::engine::simulate::{self, Line};
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::{Playbook, PlaybookFiles};
use nurtured::store::Store;
use postgres::Database;

/// The zone of the built-in agreement's office.
const OFFICE: &str = "Europe/Berlin";

/// What the scenario says itself.
const SAID: [&str; 28] = [
    "taken_in",
    "activity",
    "replied",
    "out_of_office",
    "follow_up",
    "bounced",
    "complained",
    "unsubscribed",
    "accepted",
    "attempt",
    "contacted",
    "opportunity",
    "won",
    "lost",
    "rejected",
    "corrected",
    "replaced",
    "given_up",
    "disputed",
    "meeting",
    "wrong_person",
    "already_customer",
    "already_talking",
    "feedback",
    "reassigned",
    "taken",
    "extended",
    "recycled",
];

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
    if there.json != here.json {
        return Err(format!("- SQLite, + PostgreSQL\n{}", diff(&here.json, &there.json)));
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

/// One rule: a scenario and what is said beside it.
struct Rule {
    name: String,
    text: String,
    playbook: PlaybookFiles,
}

/// What came of a scenario.
struct Course {
    /// As `simulate --json` prints it.
    json: String,
    /// As an expectation has it.
    told: String,
}

/// What differs from the built-in playbook.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Edits {
    edit: Vec<Edit>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    /// What is replaced, wherever it stands; without it the whole file is new.
    old: Option<String>,
    new: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the scenarios are there");
    entries.map(|entry| entry.expect("the folder can be read").path()).collect()
}

/// Every rule, or those whose name contains `RULE`.
fn rules() -> Vec<Rule> {
    let wanted = std::env::var("RULE").unwrap_or_default();
    let mut rules: Vec<Rule> = files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| Rule::read(&path))
        .filter(|rule| rule.name.contains(&wanted))
        .collect();
    rules.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!rules.is_empty(), "no scenario is called like `{wanted}`");
    rules
}

impl Rule {
    fn read(path: &Path) -> Rule {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("a scenario is text");
        let mut rule = Rule { name, text, playbook: PlaybookFiles::builtin() };
        if let Ok(edits) = std::fs::read_to_string(rule.file("playbook")) {
            let edits: Edits =
                toml::from_str(&edits).unwrap_or_else(|error| panic!("{}: {error}", rule.name));
            for edit in edits.edit {
                rule.apply(edit);
            }
        }
        rule
    }

    fn apply(&mut self, Edit { file, old, new }: Edit) {
        let new = match old {
            None => new,
            Some(old) => {
                let text =
                    self.playbook.get(&file).unwrap_or_else(|| panic!("{}: there is no {file}", self.name));
                assert!(text.contains(&old), "{}: `{old}` is not in {file}", self.name);
                text.replace(&old, &new)
            }
        };
        self.playbook.insert(file, new);
    }

    fn file(&self, extension: &str) -> PathBuf {
        folder().join(format!("{}.{extension}", self.name))
    }

    async fn run_on_sqlite(&self) -> Result<Course, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("scenario.db")).await.expect("a fresh database");
        let course = self.run(store.clone()).await;
        store.close().await;
        course
    }

    async fn run(&self, store: Store) -> Result<Course, String> {
        let playbook = Playbook::load(&self.playbook).map_err(|problems| problems.to_string())?;
        let owners = Owners::of(&playbook.agreement);
        let scenario = Scenario::parse(&format!("{}.toml", self.name), &self.text, &owners)
            .map_err(|problems| problems.to_string())?;
        let mut lines = Vec::new();
        let transport = Transport::Memory(Memory::new());
        simulate::run(&scenario, &self.playbook, store.clone(), identity(), transport, |line| {
            lines.push(line);
        })
        .await
        .map_err(|error| error.to_string())?;
        let zones = zones(&lines, &store, &playbook).await;
        let mut course = Course { json: String::new(), told: String::new() };
        for line in &lines {
            let _ = writeln!(course.json, "{}", line.to_json());
            // Figures come on Mondays whatever else happens; rules about them are called so.
            let is_told = self.name.starts_with("figures-") || !is_figures(line);
            if let Some(words) = told(line, &zones).filter(|_| is_told) {
                let _ = writeln!(course.told, "{words}");
            }
        }
        Ok(course)
    }
}

/// Whether it is the mail of figures: "Week 10, 2 to 8 March 2026: …", "March 2026: …".
fn is_figures(line: &Line) -> bool {
    let fact = |name: &str| line.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let is_month = |title: &str| jiff::civil::Date::strptime("%d %B %Y", format!("1 {title}")).is_ok();
    let title = fact("subject").split([':', ',']).next().unwrap_or_default();
    fact("class") == "report" && (title.starts_with("Week ") || is_month(title))
}

/// The zone of each lead.
async fn zones(lines: &[Line], store: &Store, playbook: &Playbook) -> HashMap<String, String> {
    let mut zones = HashMap::new();
    let mut tx = store.read().await.expect("the store can be read");
    for email in lines.iter().filter_map(|line| line.lead.as_ref()) {
        let address = email.parse().expect("leads have addresses");
        if let Some(lead) = tx.lead_by_email(&address).await.expect("the store can be read") {
            zones.insert(email.clone(), zone_of(&lead, &playbook.agreement));
        }
    }
    tx.rollback().await.expect("the store can be read");
    zones
}

/// A line as an expectation has it: local time, whom it is about, what.
fn told(line: &Line, zones: &HashMap<String, String>) -> Option<String> {
    if SAID.contains(&line.kind.as_str()) {
        return None;
    }
    let fact = |name: &str| line.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let lead = line.lead.as_deref().unwrap_or_default();
    let zone = zones.get(lead).map_or(OFFICE, String::as_str);
    let instant = |name: &str, zone: &str| {
        fact(name).parse().map_or_else(|_| fact(name).to_owned(), |at| local(at, zone))
    };
    let step = || format!("{}/{}", fact("sequence"), fact("step"));
    let is_to_lead =
        fact("class") == "nurture" || matches!(line.kind.as_str(), "deferred" | "skipped" | "dropped");
    let words = match line.kind.as_str() {
        "mail" if is_to_lead => format!("← {} “{}”", step(), fact("subject")),
        "mail" => {
            let level = if fact("level").is_empty() { String::new() } else { format!(" {}", fact("level")) };
            format!("→ {}: {}{level} “{}”", name(fact("to")), fact("class"), fact("subject"))
        }
        "stage" => format!("{} → {}: {}", fact("from"), fact("to"), fact("why")),
        "assigned" => format!("to {}: {}", name(fact("to")), fact("why")),
        "waiting" if fact("until").is_empty() => format!("waits: {}", fact("why")),
        "waiting" => format!("waits until {}: {}", instant("until", OFFICE), fact("why")),
        "deferred" => format!("{} waits until {}: {}", step(), instant("until", zone), fact("why")),
        "skipped" | "dropped" => format!("{} {}: {}", step(), line.kind, fact("why")),
        "enrolled" if !fact("not_before").is_empty() => {
            format!(
                "enters {}, held until {}: {}",
                fact("sequence"),
                instant("not_before", OFFICE),
                fact("why")
            )
        }
        "enrolled" => format!("enters {}: {}", fact("sequence"), fact("why")),
        "not_enrolled" => format!("does not enter {}: {}", fact("sequence"), fact("why")),
        "exited" => format!("leaves {}: {}", fact("sequence"), fact("why")),
        "finished" => format!("is through {}", fact("sequence")),
        "clock_started" => format!("{} ({}) by {}", fact("promise"), fact("policy"), instant("by", OFFICE)),
        "clock_stopped" => format!("{} {}: {}", fact("promise"), fact("state"), fact("why")),
        "deadline_moved" => format!("{} moves to {}", fact("promise"), instant("to", OFFICE)),
        "level" => {
            let late =
                line.facts.get("detected_late").and_then(serde_json::Value::as_bool).unwrap_or_default();
            let of = match fact("promise") {
                "" | "first_contact" => String::new(),
                promise => format!("{promise} "),
            };
            format!("{of}level {}{}", fact("level"), if late { ", found late" } else { "" })
        }
        "attempts_spent" => format!("attempts spent: {}", line.facts["made"]),
        "called_against_gate" => format!("called against the gate: {}", fact("why")),
        "terms_changed" => format!("{} changed to {}", fact("promise"), instant("to", OFFICE)),
        "not_reassigned" => format!("stays with {}: {}", name(fact("rep")), fact("why")),
        "last_listed" => "is on the list of calls for the last time".to_owned(),
        "told_later" => format!(
            "{} hears of {} at {}: {}",
            name(fact("to")),
            about(fact("level")),
            instant("until", OFFICE),
            fact("why")
        ),
        "in_digest" => format!("{} hears of {} in a digest", name(fact("to")), about(fact("level"))),
        "not_told" => {
            format!("{} does not hear of {}: {}", name(fact("to")), about(fact("level")), fact("why"))
        }
        "for_marketing" => format!("stands in marketing's list of {}", instant("until", OFFICE)),
        "merged" => {
            let count = |name: &str| line.facts.get(name).and_then(serde_json::Value::as_i64).unwrap_or(0);
            format!(
                "takes over from its double: {} touches, {} answers, {} activities",
                count("touches"),
                count("answers"),
                count("activities")
            )
        }
        "goes_back" => format!("goes back by itself {}: {}", instant("until", OFFICE), fact("reason")),
        "stays" => format!("stays: {}", fact("why")),
        "dispute_answered" => format!("dispute {}", fact("verdict")),
        "reason_missing" => format!("{} without a reason", fact("stage")),
        "merged_into" => "is part of the other lead now".to_owned(),
        "touch" => format!("comes in again from {}", fact("source")),
        "rep_away" if fact("until").is_empty() => format!("{} is back", name(fact("rep"))),
        "rep_away" => format!("{} is away until {}", name(fact("rep")), fact("until")),
        "suppressed" => format!("suppressed: {}", fact("why")),
        "refused" => format!("{} refused: {}", fact("event"), fact("why")),
        "incomplete" => {
            let missing = line.facts.get("missing").and_then(serde_json::Value::as_array);
            let words: Vec<&str> = missing.into_iter().flatten().filter_map(|word| word.as_str()).collect();
            format!("lacks {}", words.join(", "))
        }
        "parked" => format!("parked: {}", fact("why")),
        "commitment" => {
            format!("{}, {}: {}: {}", fact("commitment"), fact("period"), fact("state"), fact("why"))
        }
        "review_overdue" => format!("signed {}, the review was due {}", fact("signed_on"), fact("due")),
        _ => format!("{} {}", line.kind, line.facts),
    };
    let zone = if is_to_lead { zone } else { OFFICE };
    let who = if lead.is_empty() { String::new() } else { format!("{:<7} ", name(lead)) };
    Some(format!("{}  {who}{words}", local(line.at, zone)))
}

/// "Mon  2 Mar 09:30", and where, unless at the office.
fn local(at: Timestamp, zone: &str) -> String {
    let there = at.to_zoned(TimeZone::get(zone).expect("zones are checked"));
    let place = if zone == OFFICE { String::new() } else { format!(" {zone}") };
    format!("{}{place}", there.strftime("%a %e %b %H:%M"))
}

/// A level, or for want of one what it is about.
fn about(level: &str) -> &str {
    if level.is_empty() { "it" } else { level }
}

/// The part of an address before the @.
fn name(email: &str) -> &str {
    email.split('@').next().unwrap_or(email)
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

fn identity() -> Identity {
    Identity {
        from: Correspondent {
            name: Some("Ours".to_owned()),
            address: "hello@ours.example".parse().expect("an address"),
        },
        reply_to: None,
        public_url: "https://nurtured.ours.example".to_owned(),
        log_address: None,
        operator: Some("operator@ours.example".parse().expect("an address")),
        company: "Ours".to_owned(),
        postal_address: None,
    }
}
