//! `nurtured status` and `nurtured release`: how things stand, and letting go of the brake.

use clap::Args;
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::engine::playbooks::short;

/// How things stand now.
#[derive(Debug, Args)]
pub struct Status {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let store = workplace.store().await?;
        let now = Clock::System.now();
        let mut tx = store.read().await.map_err(CliError::failed)?;
        let standing = tx.standing(now).await.map_err(CliError::failed)?;
        let brake = tx.brake().await.map_err(CliError::failed)?;
        let beat = tx.last_beat().await.map_err(CliError::failed)?;
        let version = tx.playbook_in_force().await.map_err(CliError::failed)?;
        tx.rollback().await.map_err(CliError::failed)?;
        if self.json {
            let counts = |rows: &[(String, i64)]| -> serde_json::Value {
                rows.iter()
                    .map(|(name, count)| (name.clone(), json!(count)))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            };
            let status = json!({
                "leads": counts(&standing.leads),
                "mails": counts(&standing.mails),
                "enrolments": standing.enrolments,
                "clocks": standing.clocks,
                "overdue": standing.overdue_clocks,
                "brake": brake.map(|brake| json!({ "since": brake.since.to_string(), "why": brake.why })),
                "last_wake": beat.map(|beat| beat.to_string()),
                "playbook": version,
            });
            return line(&status.to_string());
        }
        if let Some(brake) = &brake {
            line(&format!("THE BRAKE IS ON since {}: {} (nurtured release)", brake.since, brake.why))?;
        }
        let beat = match beat {
            Some(beat) => {
                format!("last at work {} s ago, to the minute", now.duration_since(beat).as_secs().max(0))
            }
            None => "was never at work".to_owned(),
        };
        line(&format!("daemon      {beat}"))?;
        line(&format!("playbook    {}", version.as_deref().map_or("none in force yet", short)))?;
        let list = |rows: &[(String, i64)]| {
            let words: Vec<String> =
                rows.iter().map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
            if words.is_empty() { "none".to_owned() } else { words.join(", ") }
        };
        line(&format!("leads       {}", list(&standing.leads)))?;
        line(&format!("sequences   {} running", standing.enrolments))?;
        line(&format!("promises    {} running, {} overdue", standing.clocks, standing.overdue_clocks))?;
        line(&format!("mail        {}", list(&standing.mails)))
    }
}

/// Releases the brake: mail to leads goes on.
#[derive(Debug, Args)]
pub struct Release {}

impl Release {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        if engine.release(Clock::System.now()).await.map_err(CliError::failed)? {
            line("the brake is released; the day's count begins anew")
        } else {
            line("the brake was not on")
        }
    }
}
