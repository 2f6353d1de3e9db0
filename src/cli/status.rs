//! `nurtured status` and `nurtured release`: how things stand, and letting go of the brake.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::lead::Stage;
use crate::engine::playbooks::short;

/// How often a daemon gives a sign of life.
const PULSE: SignedDuration = SignedDuration::from_mins(1);

/// Show how things stand now
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
        line(&format!("daemon      {}", daemon(beat, now)))?;
        line(&format!("playbook    {}", version.as_deref().map_or("none in force yet", short)))?;
        let in_stage = |stage: &Stage| standing.leads.iter().find(|(name, _)| name == stage.name());
        let leads: Vec<String> = Stage::ALL
            .iter()
            .filter_map(in_stage)
            .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
            .collect();
        line(&format!("leads       {}", listed(leads, "none")))?;
        line(&format!("sequences   {} running", standing.enrolments))?;
        line(&format!("promises    {} running, {} overdue", standing.clocks, standing.overdue_clocks))?;
        line(&format!("mail        {}", listed(mails(&standing.mails), "none waits")))
    }
}

/// Whether a daemon is at work, as far as its last sign of life tells.
fn daemon(beat: Option<Timestamp>, now: Timestamp) -> String {
    let Some(beat) = beat else {
        return "has never been at work (nurtured run)".to_owned();
    };
    match now.duration_since(beat) {
        silent if silent < PULSE * 2 => "at work less than 2 minutes ago".to_owned(),
        silent => format!("last at work {} ago: does it run?", length(silent)),
    }
}

/// A length of time as one says it, in its largest unit.
fn length(time: SignedDuration) -> String {
    let (count, unit) = match time.as_mins() {
        minutes @ ..60 => (minutes, "minute"),
        minutes @ 60..2_880 => (minutes / 60, "hour"),
        minutes => (minutes / 1_440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Open mail by its state, each with what shows it.
fn mails(counts: &[(String, i64)]) -> Vec<String> {
    let words = |(state, count): &(String, i64)| match state.as_str() {
        "pending" => format!("{count} waiting for their time"),
        "sending" => format!("{count} being sent"),
        "in_doubt" => format!("{count} in doubt (nurtured outbox --in-doubt)"),
        "parked" => format!("{count} parked (nurtured outbox --parked)"),
        other => format!("{count} {}", other.replace('_', " ")),
    };
    counts.iter().map(words).collect()
}

fn listed(words: Vec<String>, none: &str) -> String {
    if words.is_empty() { none.to_owned() } else { words.join(", ") }
}

/// Let go of the brake: mail to leads goes on
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_was_silent_for_long_is_asked_about() {
        let beat = Timestamp::UNIX_EPOCH;
        let after = |minutes| daemon(Some(beat), beat + SignedDuration::from_mins(minutes));
        assert_eq!(after(1), "at work less than 2 minutes ago");
        assert_eq!(after(7), "last at work 7 minutes ago: does it run?");
        assert_eq!(after(61), "last at work 1 hour ago: does it run?");
        assert_eq!(after(3_000), "last at work 2 days ago: does it run?");
        assert_eq!(daemon(None, beat), "has never been at work (nurtured run)");
    }
}
