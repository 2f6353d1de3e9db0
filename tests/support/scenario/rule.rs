//! A scenario with what stands beside it, and what comes of it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nurtured::domain::intake::Owners;
use nurtured::engine::Identity;
use nurtured::engine::hours::zone_of;
use nurtured::engine::scenario::{Scenario, Show};
use nurtured::engine::simulate::letters::{with_margin, without_tokens};
use nurtured::engine::simulate::{Line, Simulation, SimulationError};
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::{Playbook, PlaybookFiles};
use nurtured::store::Store;

use super::bodies::Mails;
use super::outside::{Beside, Office};
use super::told::{OFFICE, is_figures, local, name, told};
use super::world::{Met, PUBLIC_URL, World, steps};

/// One rule: a scenario and what is said beside it.
pub struct Rule {
    /// What the file is called, which is what the rule says.
    pub name: String,
    /// The scenario.
    text: String,
    playbook: PlaybookFiles,
    beside: Beside,
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

/// Every rule, or those whose name contains one of the words of `RULE`.
pub fn rules() -> Vec<Rule> {
    let wanted = std::env::var("RULE").unwrap_or_default();
    let mut rules: Vec<Rule> = files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| Rule::read(&path))
        .filter(|rule| wanted.is_empty() || wanted.split_whitespace().any(|part| rule.name.contains(part)))
        .collect();
    rules.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!rules.is_empty(), "no scenario is called like `{wanted}`");
    rules
}

impl Rule {
    fn read(path: &Path) -> Rule {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("a scenario is text");
        let (beside, text) = Beside::taken_from(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
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
        let entries = self.entries(&scenario, store.clone()).await.map_err(|error| error.to_string())?;
        let zones = zones(&entries, &store, &playbook).await;
        let mut course = Course { json: String::new(), told: String::new() };
        for entry in &entries {
            match entry {
                Entry::Engine(line, below) => {
                    let _ = writeln!(course.json, "{}", line.to_json());
                    // Figures come on Mondays whatever else happens; rules about them are called so.
                    let is_told = self.name.starts_with("figures-") || !is_figures(line);
                    if let Some(words) = told(line, &zones).filter(|_| is_told) {
                        let _ = write!(course.told, "{words}\n{below}");
                    }
                }
                Entry::Outside(at, met) => {
                    let who = met.lead.as_ref().map_or(String::new(), |lead| format!("{:<7} ", name(lead)));
                    let below = with_margin(&without_tokens(&met.read));
                    let _ = write!(course.told, "{}  {who}{}\n{below}", local(*at, OFFICE), met.words);
                }
            }
        }
        Ok(course)
    }

    /// Lets the scenario run, with what comes from outside at its time.
    async fn entries(&self, scenario: &Scenario, store: Store) -> Result<Vec<Entry>, SimulationError> {
        let memory = Memory::new();
        let (transport, mut mails) = (Transport::Memory(memory.clone()), Mails::of(memory));
        let identity = identity(&self.beside.office);
        let mut simulation = Simulation::begin(scenario, &self.playbook, store, identity, transport).await?;
        let mut entries = Vec::new();
        let steps = steps(&self.beside);
        let mut world = World::open(&self.beside, simulation.engine()).await;
        for step in steps {
            let at = step.at;
            assert!(scenario.up_at(at) == at, "{}: nobody answers at {at}", self.name);
            simulation
                .go_on(at, &mut |line| entries.push(Entry::of(line, &mut mails, &scenario.show)))
                .await?;
            let met = world.takes(step, &mut mails).await;
            entries.extend(met.map(|met| Entry::Outside(at, met)));
            simulation
                .go_on(at, &mut |line| entries.push(Entry::of(line, &mut mails, &scenario.show)))
                .await?;
        }
        simulation
            .go_on(scenario.end, &mut |line| entries.push(Entry::of(line, &mut mails, &scenario.show)))
            .await?;
        simulation.engine().close().await;
        Ok(entries)
    }
}

/// What is told of a course.
enum Entry {
    /// What the engine did, and what stands below it.
    Engine(Box<Line>, String),
    /// What somebody outside met with.
    Outside(Timestamp, Met),
}

impl Entry {
    fn of(mut line: Line, mails: &mut Mails, show: &Show) -> Entry {
        // Whoever is erased is known by a hash under a key that each database makes for itself.
        if let Some(lead) = line.lead.as_mut().filter(|lead| lead.ends_with("@erased.invalid")) {
            *lead = "erased@erased.invalid".to_owned();
        }
        let below = mails.told(&line, show);
        Entry::Engine(Box::new(line), below)
    }
}

/// The zone of each lead.
async fn zones(entries: &[Entry], store: &Store, playbook: &Playbook) -> HashMap<String, String> {
    let mut zones = HashMap::new();
    let mut tx = store.read().await.expect("the store can be read");
    let leads = entries.iter().filter_map(|entry| match entry {
        Entry::Engine(line, _) => line.lead.as_ref(),
        Entry::Outside(..) => None,
    });
    for email in leads {
        let address = email.parse().expect("leads have addresses");
        if let Some(lead) = tx.lead_by_email(&address).await.expect("the store can be read") {
            zones.insert(email.clone(), zone_of(&lead, &playbook.agreement));
        }
    }
    tx.rollback().await.expect("the store can be read");
    zones
}

fn identity(office: &Office) -> Identity {
    Identity {
        from: Correspondent {
            name: Some("Ours".to_owned()),
            address: "hello@ours.example".parse().expect("an address"),
        },
        reply_to: None,
        // Loopback is nowhere to a reader of mail.
        public_url: if office.pages { PUBLIC_URL } else { "http://127.0.0.1:8080" }.to_owned(),
        log_address: office.log_address.as_ref().map(|log| log.parse().expect("an address")),
        operator: Some("operator@ours.example".parse().expect("an address")),
        company: "Ours".to_owned(),
        postal_address: None,
    }
}
