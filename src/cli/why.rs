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
use crate::domain::lead::{Lead, Stage};
use crate::domain::mail::MailState;
use crate::domain::sla::NextAttempt;
use crate::engine::hours::zone_of;
use crate::engine::{Engine, simulate, why};
use crate::store::{StoreError, Tx};

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
            let note = notes.remove(&event.id);
            let mut told = simulate::line(&mut tx, event).await.map_err(CliError::failed)?;
            if self.json {
                if let (Some(facts), Some(note)) = (told.facts.as_object_mut(), &note) {
                    facts.insert("note".to_owned(), json!(note));
                }
                line(&told.to_json())?;
                continue;
            }
            let words = match told.kind.as_str() {
                "mail" => {
                    let fact = |name: &str| {
                        told.facts.get(name).and_then(|value| value.as_str()).unwrap_or_default()
                    };
                    Some(format!("Mail to {}: “{}”.", fact("to"), fact("subject")))
                }
                _ => why::words(&told.event, |at| clock(at, &zone)),
            };
            if let Some(words) = words {
                let note = note.map(|note| format!(" “{note}”")).unwrap_or_default();
                line(&format!("{}  {words}{note}", clock(told.at, &zone)))?;
            }
        }
        let calendar = Plan { engine: &engine, zone: &zone, now: Clock::System.now() };
        let next = calendar.coming(&mut tx, &lead).await.map_err(CliError::failed)?;
        tx.rollback().await.map_err(CliError::failed)?;
        if self.json {
            return Ok(());
        }
        line("")?;
        line(&format!("Now {}{}. Next:", lead.stage.name().replace('_', " "), with_owner(&lead)))?;
        if next.is_empty() {
            line("  nothing is planned until something happens")?;
        }
        for next in next {
            line(&format!("  {next}"))?;
        }
        Ok(())
    }
}

fn with_owner(lead: &Lead) -> String {
    lead.owner.as_ref().map(|owner| format!(", with {owner}")).unwrap_or_default()
}

/// How what is planned is told.
struct Plan<'a> {
    engine: &'a Engine,
    zone: &'a TimeZone,
    now: Timestamp,
}

impl Plan<'_> {
    /// "Tue …  attempt 3 is due, by email".
    fn attempt(&self, next: &NextAttempt) -> String {
        let channel = next.channel.map(|channel| format!(", by {}", channel.name())).unwrap_or_default();
        let overdue = if next.due <= self.now { ", overdue" } else { "" };
        format!("{}  attempt {} is due{channel}{overdue}", clock(next.due, self.zone), next.number)
    }

    /// When something is planned; what is due is done as soon as a daemon looks.
    fn when(&self, due: Timestamp) -> String {
        if due <= self.now { "at the daemon's next look".to_owned() } else { clock(due, self.zone) }
    }

    /// What is planned for a lead, each with its time.
    async fn coming(&self, tx: &mut Tx, lead: &Lead) -> Result<Vec<String>, StoreError> {
        let mut next = Vec::new();
        for mail in tx.mails_of(lead.id).await? {
            let what = match (&mail.sequence, &mail.step) {
                (Some(sequence), Some(step)) => format!("mail {sequence}/{step}"),
                _ => format!("{} mail to {}", mail.class.name().replace('_', " "), mail.recipient),
            };
            let reason = mail.held_why.or(mail.last_error).map(|why| format!(": {why}")).unwrap_or_default();
            match mail.state {
                MailState::Pending => next.push(format!("{}  {what}{reason}", self.when(mail.due_at))),
                MailState::Sending => next.push(format!("{what} is being sent")),
                MailState::InDoubt => {
                    next.push(format!("{what} may or may not have arrived (nurtured outbox --in-doubt)"));
                }
                MailState::Parked => next.push(format!("{what} needs a person{reason}")),
                MailState::Sent | MailState::Skipped | MailState::Dropped => {}
            }
        }
        if let Some(enrolment) = tx.active_enrolment(lead.id).await?
            && let Some(due) = enrolment.due_at
        {
            next.push(format!("{}  the next step of sequence {}", self.when(due), enrolment.sequence));
        }
        for running in tx.running_clocks(lead.id).await? {
            let due = clock(running.deadline_at, self.zone);
            next.push(format!("{due}  {} is due", running.kind.words()));
            if let Ok(Some(attempt)) = self.engine.next_attempt(tx, lead, &running).await {
                next.push(self.attempt(&attempt));
            }
        }
        if let Some(due) = lead.due_at {
            let what = match lead.stage {
                Stage::Resting => "its rest is over",
                Stage::Qualified => "it is handed to a rep",
                _ => "its stage is decided anew",
            };
            next.push(format!("{}  {what}", self.when(due)));
        } else if lead.stage == Stage::Qualified {
            next.push("it waits for a rep with room".to_owned());
        }
        Ok(next)
    }
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
