//! A scenario with what stands beside it, and what comes of it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use nurtured::domain::intake::Owners;
use nurtured::engine::Identity;
use nurtured::engine::hours::zone_of;
use nurtured::engine::scenario::Scenario;
use nurtured::engine::simulate::{self, Line};
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::{Playbook, PlaybookFiles};
use nurtured::store::Store;

use super::bodies::{Mails, Shown};
use super::told::{is_figures, told};

/// One rule: a scenario and what is said beside it.
pub struct Rule {
    /// What the file is called, which is what the rule says.
    pub name: String,
    /// The scenario.
    text: String,
    playbook: PlaybookFiles,
    beside: Beside,
}

/// What a scenario may say beside what `nurtured simulate` reads.
#[derive(Clone, Debug, Default, serde::Deserialize)]
struct Beside {
    /// Which mails are shown whole.
    #[serde(default)]
    show: Vec<String>,
}

/// What came of a scenario.
pub struct Course {
    /// As `simulate --json` prints it.
    pub json: String,
    /// As an expectation has it.
    pub told: String,
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

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// Every file there is.
pub fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the scenarios are there");
    entries.map(|entry| entry.expect("the folder can be read").path()).collect()
}

/// Every rule, or those whose name contains `RULE`.
pub fn rules() -> Vec<Rule> {
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

impl Beside {
    /// What stands in a scenario for us, and the scenario without it.
    fn taken_from(text: String) -> Result<(String, Beside), toml::de::Error> {
        let beside: Beside = toml::from_str(&text)?;
        let is_ours = |line: &&str| !line.starts_with("show = ");
        // Line by line, so that everything else stays in its place for messages.
        let lines: Vec<&str> = text.lines().map(|line| if is_ours(&line) { line } else { "" }).collect();
        Ok((lines.join("\n"), beside))
    }
}

impl Rule {
    fn read(path: &Path) -> Rule {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("a scenario is text");
        let (text, beside) = Beside::taken_from(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut rule = Rule { name, text, playbook: PlaybookFiles::builtin(), beside };
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

    pub fn file(&self, extension: &str) -> PathBuf {
        folder().join(format!("{}.{extension}", self.name))
    }

    pub async fn run_on_sqlite(&self) -> Result<Course, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::scratch(&folder.path().join("scenario.db")).await.expect("a fresh database");
        let course = self.run(store.clone()).await;
        store.close().await;
        course
    }

    pub async fn run(&self, store: Store) -> Result<Course, String> {
        let playbook = Playbook::load(&self.playbook).map_err(|problems| problems.to_string())?;
        let owners = Owners::of(&playbook.agreement);
        let scenario = Scenario::parse(&format!("{}.toml", self.name), &self.text, &owners)
            .map_err(|problems| problems.to_string())?;
        let shown = Shown(self.beside.show.clone());
        let mut lines = Vec::new();
        let memory = Memory::new();
        let transport = Transport::Memory(memory.clone());
        let mut mails = Mails::of(memory);
        let mut bodies = Vec::new();
        simulate::run(&scenario, &self.playbook, store.clone(), identity(), transport, |line| {
            bodies.push(mails.shown(&line, &shown));
            lines.push(line);
        })
        .await
        .map_err(|error| error.to_string())?;
        let zones = zones(&lines, &store, &playbook).await;
        let mut course = Course { json: String::new(), told: String::new() };
        for (line, body) in lines.iter().zip(bodies) {
            let _ = writeln!(course.json, "{}", line.to_json());
            // Figures come on Mondays whatever else happens; rules about them are called so.
            let is_told = self.name.starts_with("figures-") || !is_figures(line);
            if let Some(words) = told(line, &zones).filter(|_| is_told) {
                let _ = write!(course.told, "{words}\n{body}");
            }
        }
        Ok(course)
    }
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
