//! `nurtured demo`: the main job on sample leads, with nothing configured.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{CliError, line};
use super::simulate::{Scratch, identity, simulation_failed};
use super::timeline::Timeline;
use crate::domain::intake::Owners;
use crate::engine::scenario::Scenario;
use crate::engine::simulate;
use crate::mail::directory::Directory;
use crate::mail::transport::Transport;
use crate::playbook::{Playbook, PlaybookFiles};

/// The sample leads and what becomes of them.
const SCENARIO: &str = include_str!("demo.toml");

/// What stands above the timeline.
const OPENING: [&str; 4] = [
    "Two months with nurtured: the engine itself, on a virtual clock, by the playbook that comes with it.",
    "Nothing leaves this machine. Times are the office's (Berlin); what a lead's own clock shows stands behind.",
    "",
    "  ← mail to the lead     ✉ mail to one of ours     … mail waits, and why     ⏱ a promise of sales",
];

/// Two simulated months on sample leads, and the mails as files
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the mails go; those of an earlier demo are replaced
    #[arg(long, value_name = "DIR", default_value = "demo")]
    directory: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let files = PlaybookFiles::builtin();
        let playbook = Playbook::load(&files).map_err(CliError::Problems)?;
        let owners = Owners::of(&playbook.agreement);
        let scenario = Scenario::parse("demo.toml", SCENARIO, &owners).map_err(CliError::Problems)?;
        let cannot =
            |error: std::io::Error| CliError::failed(format!("{}: {error}", self.directory.display()));
        remove_earlier(&self.directory).map_err(cannot)?;
        std::fs::create_dir_all(&self.directory).map_err(cannot)?;
        if !self.json {
            for words in OPENING {
                line(words)?;
            }
        }
        let scratch = Scratch::new()?;
        let store = scratch.store().await?;
        let transport = Transport::Directory(Directory::new(&self.directory));
        let mut timeline = Timeline::new(&scenario, &playbook.agreement);
        let mut mails = 0;
        let mut failed = None;
        let result = simulate::run(&scenario, &files, store.clone(), identity(), transport, |told| {
            mails += usize::from(told.kind == "mail");
            let printed = if self.json { line(&told.to_json()) } else { timeline.tell(&told) };
            if let Err(error) = printed {
                failed = Some(error);
            }
        })
        .await;
        store.close().await;
        result.map_err(simulation_failed)?;
        if let Some(error) = failed {
            return Err(error);
        }
        if !self.json {
            timeline.finish()?;
            line("")?;
            line(&format!("{mails} mails are in {}/, one file each.", self.directory.display()))?;
            line("Next: `nurtured init` writes a configuration and this playbook to edit.")?;
        }
        Ok(())
    }
}

/// Removes the mails of an earlier demo, and nothing else.
fn remove_earlier(folder: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let numbered = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .is_some_and(|stem| !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit()));
        if numbered && path.extension().is_some_and(|extension| extension == "eml") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
