//! `nurtured sla`: what runs, put on another agreement.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::lead::refused;
use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::email::EmailAddress;
use crate::engine::sla::reapply::{Reapplied, Which};

/// Put promises that are running on the agreement in force
#[derive(Debug, Args)]
pub struct Sla {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Count running promises by the agreement in force
    ///
    /// A promise keeps the terms under which it was made, whatever is edited later. This changes them, says for
    /// each what its deadline was and is, and tells nobody again what was told before. Promises that were not made
    /// begin with the next hand-off.
    Reapply {
        /// Only to leads of this campaign
        #[arg(long)]
        campaign: Option<String>,
        /// Only to this lead
        #[arg(long, value_name = "LEAD")]
        lead: Option<EmailAddress>,
        /// Say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

impl Sla {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let Action::Reapply { campaign, lead, dry_run, json } = self.action;
        let engine = workplace.engine().await?;
        if let Some(name) = &campaign
            && engine.rules().agreement.campaign(name).is_none()
        {
            return Err(CliError::Misuse(format!("the agreement has no campaign `{name}`")));
        }
        let which = Which { campaign, lead };
        let mut said = Ok(());
        let changed = engine
            .reapply(&which, dry_run, Clock::System.now(), |told| {
                let words = if json { as_json(&told) } else { words(&told) };
                if said.is_ok() {
                    said = line(&words);
                }
            })
            .await
            .map_err(refused)?;
        said?;
        if !json {
            let what = if changed == 1 { "promise" } else { "promises" };
            let would = if dry_run { "would change" } else { "changed" };
            eprintln!("nurtured: {changed} {what} {would}");
        }
        Ok(())
    }
}

fn words(told: &Reapplied) -> String {
    let was = clock(told.was, &told.zone);
    let what = match told.is {
        None => format!("stays due {was}: the agreement does not promise it any more"),
        Some(_) if !told.changed => format!("stays due {was}"),
        Some(is) if is == told.was => format!("stays due {was}, with other levels or hours"),
        Some(is) => format!("was due {was}, is due {}", clock(is, &told.zone)),
    };
    format!("{}  {} {what}", told.lead, told.kind.words())
}

fn as_json(told: &Reapplied) -> String {
    json!({
        "lead": told.lead.as_str(),
        "promise": told.kind.name(),
        "was": told.was.to_string(),
        "is": told.is.map(|is| is.to_string()),
        "changed": told.changed,
    })
    .to_string()
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}
