//! `nurtured check` and `nurtured init`: is what people edit in order; and something to begin with.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::config::Config;
use crate::playbook::{Playbook, PlaybookFiles, warnings};
use crate::problem::Problems;

/// Find every mistake in configuration and playbook, each with its place and a hint
#[derive(Debug, Args)]
pub struct Check {
    /// A playbook's folder to check, in place of the configured one
    #[arg(long, value_name = "DIR")]
    playbook: Option<PathBuf>,
    /// One JSON object for each problem
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, config: Option<&Path>) -> Result<(), CliError> {
        let checked = Workplace::open(config).and_then(|workplace| {
            let files = match &self.playbook {
                Some(folder) => super::simulate::playbook_files(Some(folder))?,
                None => workplace.playbook_files()?,
            };
            let playbook = Playbook::load(&files).map_err(CliError::Problems)?;
            let today = Clock::System.now().to_zoned(TimeZone::system()).date();
            let warnings = warnings(&playbook, &files, today);
            Ok((playbook, warnings))
        });
        match checked {
            Ok((playbook, warnings)) if self.json => {
                drop(playbook);
                lines(&warnings).iter().try_for_each(|warning| line(&warning.to_string()))
            }
            Ok((playbook, warnings)) => {
                eprint!("{warnings}");
                line(&summary(&playbook))
            }
            Err(CliError::Problems(problems)) if self.json => {
                for problem in &lines(&problems) {
                    line(&problem.to_string())?;
                }
                Err(CliError::Problems(problems))
            }
            Err(error) => Err(error),
        }
    }
}

fn summary(playbook: &Playbook) -> String {
    let agreement = &playbook.agreement;
    let steps: usize = playbook.sequences.values().map(|sequence| sequence.steps.len()).sum();
    let reps: usize = agreement.teams.values().map(|team| team.reps.len()).sum();
    format!(
        "in order: {} campaigns, {} sequences with {steps} mails, {} teams with {reps} reps, {} reasons",
        agreement.campaigns.len(),
        playbook.sequences.len(),
        agreement.teams.len(),
        agreement.reasons.len()
    )
}

fn lines(problems: &Problems) -> Vec<serde_json::Value> {
    problems
        .iter()
        .map(|problem| {
            let position = problems.position(problem);
            json!({
                "severity": problems.severity(),
                "file": problem.file,
                "line": position.map(|(line, _)| line),
                "column": position.map(|(_, column)| column),
                "message": problem.message,
                "hint": problem.hint,
            })
        })
        .collect()
}

/// Write a nurtured.toml and the playbook to edit; nothing is overwritten
#[derive(Debug, Args)]
pub struct Init {
    /// The folder to write into, made when it is missing
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
}

impl Init {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = self.directory.join("nurtured.toml");
        let cannot =
            |path: &Path, error: std::io::Error| CliError::failed(format!("{}: {error}", path.display()));
        std::fs::create_dir_all(&self.directory).map_err(|error| cannot(&self.directory, error))?;
        if config.exists() {
            let shown = config.display();
            return Err(CliError::Misuse(format!("{shown} exists already; nothing was written")));
        }
        let folder = self.directory.join("templates");
        let written = PlaybookFiles::builtin()
            .write_to(&folder)
            .map_err(|error| CliError::Misuse(error.to_string()))?;
        std::fs::write(&config, Config::starter()).map_err(|error| cannot(&config, error))?;
        line(&format!("{}", config.display()))?;
        line(&format!("{}/ ({} files)", folder.display(), written.len()))?;
        let program = if self.directory == Path::new(".") {
            "nurtured".to_owned()
        } else {
            format!("nurtured --config {}", config.display())
        };
        line(&format!("Next: edit both, `{program} check`, then `{program} run`."))
    }
}
