//! `nurtured why` and `nurtured may-contact`: what happened to a lead and why, and what may happen next.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::lead::{refused, unknown};
use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::contact::{Channel, Permission};
use crate::domain::email::EmailAddress;
use crate::domain::lead::Lead;
use crate::engine::coming::Coming;
use crate::engine::hours::zone_of;
use crate::engine::{simulate, why};

/// Tell the history of a lead with its reasons, and what comes next
#[derive(Debug, Args)]
pub struct Why {
    /// The lead's email address
    lead: EmailAddress,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Why {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let mut tx = engine.store().read().await.map_err(CliError::failed)?;
        let lead = tx.person_by_email(&self.lead).await.map_err(CliError::failed)?;
        let lead = lead.ok_or_else(|| unknown(&self.lead))?;
        let zone = TimeZone::get(&zone_of(&lead, &engine.rules().agreement)).unwrap_or(TimeZone::UTC);
        let mut notes = why::notes(&mut tx, lead.id).await.map_err(CliError::failed)?;
        for event in tx.events_of_person(lead.id).await.map_err(CliError::failed)? {
            let (note, id) = (notes.remove(&event.id), event.id);
            let can_be_undone = tx.kept_for_undo(id).await.map_err(CliError::failed)?.is_some();
            let mut told = simulate::line(&mut tx, event).await.map_err(CliError::failed)?;
            if self.json {
                if let (Some(facts), Some(note)) = (told.facts.as_object_mut(), &note) {
                    facts.insert("note".to_owned(), json!(note));
                }
                line(&told.to_json())?;
                continue;
            }
            let words = why::sentence(&told, |at| clock(at, &zone));
            if let Some(words) = words {
                let note = note.map(|note| format!(" “{note}”")).unwrap_or_default();
                line(&format!("{}  {words}{note}", clock(told.at, &zone)))?;
            }
            if let Some(evidence) = evidence(&told.facts) {
                line(&format!("    read from: {evidence}"))?;
            }
            if can_be_undone {
                line(&format!("    if that is wrong: nurtured undo {id}"))?;
            }
        }
        let now = Clock::System.now();
        let next = engine.coming(&mut tx, &lead, now).await.map_err(CliError::failed)?;
        tx.rollback().await.map_err(CliError::failed)?;
        if self.json {
            return Ok(());
        }
        line("")?;
        line(&format!("Now {}{}. Next:", lead.stage.name().replace('_', " "), with_owner(&lead)))?;
        if next.is_empty() {
            line("  nothing is planned until something happens")?;
        }
        for Coming { at, by_itself, words, .. } in next {
            match at {
                // What is due is done as soon as a daemon looks.
                Some(at) if by_itself && at <= now => line(&format!("  at the daemon's next look  {words}"))?,
                Some(at) => line(&format!("  {}  {words}", clock(at, &zone)))?,
                None => line(&format!("  {words}"))?,
            }
        }
        Ok(())
    }
}

/// By which words of a mail it was read, if it was.
fn evidence(facts: &serde_json::Value) -> Option<String> {
    let evidence = facts.get("evidence")?.as_array()?;
    Some(evidence.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join("; "))
}

fn with_owner(lead: &Lead) -> String {
    lead.owner.as_ref().map(|owner| format!(", with {owner}")).unwrap_or_default()
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}

/// Ask whether a lead may be contacted now, and if not, until when and why
#[derive(Debug, Args)]
pub struct MayContact {
    /// The lead's email address
    lead: EmailAddress,
    /// How: email or phone
    #[arg(long, value_parser = super::arguments::channel)]
    channel: Channel,
    /// The rep who asks; without it: for a sequence (email), or for whoever owns the lead (phone)
    #[arg(long = "as", value_name = "REP")]
    rep: Option<EmailAddress>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl MayContact {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let now = Clock::System.now();
        let answer =
            engine.may_contact(&self.lead, self.channel, self.rep.as_ref(), now).await.map_err(refused)?;
        let (word, not_before, because): (&str, Option<Timestamp>, Vec<String>) = match &answer.permission {
            Permission::Yes => ("yes", None, Vec::new()),
            Permission::NotBefore { at, because } => {
                ("not_before", Some(*at), because.iter().map(ToString::to_string).collect())
            }
            Permission::Never { because } => ("never", None, vec![because.to_string()]),
        };
        if self.json {
            let answer = json!({
                "lead": self.lead.as_str(),
                "channel": self.channel.name(),
                "purpose": answer.purpose.name(),
                "answer": word,
                "not_before": not_before.map(|at| at.to_string()),
                "because": because,
            });
            return line(&answer.to_string());
        }
        let because = because.join("; ");
        match not_before {
            None if word == "yes" => line("yes"),
            None => line(&format!("never because {because}")),
            Some(at) => line(&format!("not before {} because {because}", clock(at, &answer.zone))),
        }
    }
}
