//! `nurtured lead`: one lead at a time, and every disposition a rep can give.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Happening, Outcome};
use crate::domain::ids::LeadId;
use crate::domain::intake::merge::Authority;
use crate::domain::intake::{Owners, RawLead, normalise};
use crate::domain::lead::{Lead, Stage};
use crate::engine::happen::{HappenError, Said};
use crate::engine::take_in::TakenIn;
use crate::store::LeadFilter;

/// One lead at a time: add, look at, list, and say what happened.
#[derive(Debug, Args)]
pub struct LeadCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take in one lead, or what is new of one that is known
    Add(Box<Add>),
    /// Everything that is known of a lead
    Show(Show),
    /// A list of leads
    List(List),
    /// Its rep takes it
    Accept(Disposition),
    /// Its rep tried to reach it
    Attempt {
        #[command(flatten)]
        who: Disposition,
        /// How: phone or email
        #[arg(long, default_value = "phone", value_parser = parse_channel)]
        channel: Channel,
        /// With what result: reached, no-answer, left-message, wrong-number, sent
        #[arg(long, default_value = "no-answer", value_parser = parse_outcome)]
        outcome: Outcome,
    },
    /// Its rep and it were in touch
    Contacted(Disposition),
    /// Sales gives it back; the reason decides when it returns
    Reject {
        #[command(flatten)]
        who: Disposition,
        /// Why: a reason of the agreement
        #[arg(long)]
        reason: String,
    },
    /// There is a deal to win
    Opportunity(Disposition),
    /// It is a customer
    Won(Disposition),
    /// The deal is lost; the reason decides when it returns
    Lost {
        #[command(flatten)]
        who: Disposition,
        /// Why: a reason of the agreement
        #[arg(long)]
        reason: String,
    },
    /// It asked to hear from us on a day; until then nobody writes or calls
    FollowUp {
        #[command(flatten)]
        who: Disposition,
        /// The day: 2026-03-16
        #[arg(long)]
        on: Date,
    },
    /// It is away; until its return nobody writes or calls
    Away {
        #[command(flatten)]
        who: Disposition,
        /// Its first day back: 2026-03-16; without it, a week
        #[arg(long)]
        until: Option<Date>,
    },
    /// It did something that scoring knows: opened a page, came to a webinar
    Activity {
        #[command(flatten)]
        who: Disposition,
        /// The activity's name: pricing_page
        name: String,
    },
    /// It wrote back
    Replied(Disposition),
    /// It wants no more marketing mail
    Unsubscribe(Disposition),
}

/// Which lead, and by whose hand.
#[derive(Debug, Args)]
struct Disposition {
    /// The lead's email address
    lead: EmailAddress,
    /// The rep who says so; without it: the lead's owner
    #[arg(long = "as", value_name = "REP")]
    rep: Option<EmailAddress>,
    /// In words, for the history
    #[arg(long)]
    note: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Add {
    /// The email address
    email: String,
    #[arg(long)]
    first_name: Option<String>,
    #[arg(long)]
    last_name: Option<String>,
    #[arg(long)]
    company: Option<String>,
    /// Job title
    #[arg(long)]
    title: Option<String>,
    #[arg(long)]
    phone: Option<String>,
    /// Code or name
    #[arg(long)]
    country: Option<String>,
    /// IANA time zone: Europe/Berlin
    #[arg(long)]
    zone: Option<String>,
    #[arg(long)]
    language: Option<String>,
    /// The agreement's campaign; without it the first that matches
    #[arg(long)]
    campaign: Option<String>,
    /// Where it came from (`utm_source`)
    #[arg(long)]
    source: Option<String>,
    /// `utm_medium`
    #[arg(long)]
    medium: Option<String>,
    /// `utm_campaign`
    #[arg(long)]
    utm_campaign: Option<String>,
    /// What the ad said or promised
    #[arg(long)]
    ad: Option<String>,
    #[arg(long)]
    landing_page: Option<String>,
    /// Points that the source gives it
    #[arg(long)]
    score: Option<i64>,
    /// What it answered: "How many seats?=40"; may be repeated
    #[arg(long, value_name = "QUESTION=ANSWER", value_parser = parse_pair)]
    answer: Vec<(String, String)>,
    /// Any other field: "Seats=40"; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    field: Vec<(String, String)>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Show {
    /// The lead's email address
    lead: EmailAddress,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct List {
    /// Only leads in this stage
    #[arg(long)]
    stage: Option<Stage>,
    /// Only leads of this rep
    #[arg(long)]
    owner: Option<EmailAddress>,
    /// Only leads of this campaign
    #[arg(long)]
    campaign: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    limit: i64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

fn parse_channel(text: &str) -> Result<Channel, String> {
    text.parse().map_err(|_| "it is phone or email".to_owned())
}

fn parse_outcome(text: &str) -> Result<Outcome, String> {
    text.replace('-', "_").parse().map_err(|_| {
        let known: Vec<String> =
            Outcome::ALL.iter().map(|outcome| outcome.name().replace('_', "-")).collect();
        format!("it is one of {}", known.join(", "))
    })
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl LeadCommand {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let (who, happening) = match self.action {
            Action::Add(add) => return add.run(workplace).await,
            Action::Show(show) => return show.run(workplace).await,
            Action::List(list) => return list.run(workplace).await,
            Action::Accept(who) => (who, Happening::Accepted),
            Action::Attempt { who, channel, outcome } => (who, Happening::Attempt { channel, outcome }),
            Action::Contacted(who) => (who, Happening::Contacted),
            Action::Reject { who, reason } => (who, Happening::Rejected { reason }),
            Action::Opportunity(who) => (who, Happening::Opportunity),
            Action::Won(who) => (who, Happening::Won),
            Action::Lost { who, reason } => (who, Happening::Lost { reason }),
            Action::FollowUp { who, on } => (who, Happening::FollowUp { on }),
            Action::Away { who, until } => (who, Happening::Away { until, do_not_call: false }),
            Action::Activity { who, name } => (who, Happening::Activity { name }),
            Action::Replied(who) => (who, Happening::Replied),
            Action::Unsubscribe(who) => (who, Happening::Unsubscribed),
        };
        who.say(workplace, &happening).await
    }
}

impl Disposition {
    async fn say(self, workplace: Workplace, happening: &Happening) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let said = Said { by: self.rep, words: self.note };
        let before = look(&engine, &self.lead).await?;
        let lead =
            engine.happened(&self.lead, happening, &said, Clock::System.now()).await.map_err(refused)?;
        if self.json {
            return line(&lead_json(&lead).to_string());
        }
        let moved = if before.stage == lead.stage {
            format!("stays {}", lead.stage)
        } else {
            format!("{} → {}", before.stage, lead.stage)
        };
        line(&format!("{}: {} noted; {}", lead.email, happening.kind(), moved.replace('_', " ")))
    }
}

impl Add {
    async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let now = Clock::System.now();
        let raw = RawLead {
            email: Some(self.email),
            first_name: self.first_name,
            last_name: self.last_name,
            company: self.company,
            title: self.title,
            phone: self.phone,
            country: self.country,
            zone: self.zone,
            language: self.language,
            campaign: self.campaign,
            source: self.source,
            medium: self.medium,
            utm_campaign: self.utm_campaign,
            ad: self.ad,
            landing_page: self.landing_page,
            score: self.score.map(|score| score.to_string()),
            answers: self.answer,
            fields: self.field,
            ..RawLead::default()
        };
        let owners = Owners::of(&engine.rules().agreement);
        let (mut record, warnings) =
            normalise(raw, &owners, now).map_err(|error| CliError::Misuse(error.to_string()))?;
        for warning in &warnings {
            eprintln!("nurtured: {}: {warning}", warning.field);
        }
        record.touch.occurred_at = record.touch.occurred_at.or(Some(now));
        let taken = engine.take_in(std::slice::from_ref(&record), Authority::Form, now).await;
        let taken = taken.map_err(CliError::failed)?.pop().unwrap_or(TakenIn::Unchanged);
        let lead = look(&engine, &record.email).await?;
        if self.json {
            return line(&lead_json(&lead).to_string());
        }
        let words = match taken {
            TakenIn::New => "taken in; the daemon looks at it within a second",
            TakenIn::Updated => "was known; what is new was added",
            TakenIn::Unchanged => "was known; nothing is new",
        };
        line(&format!("{}: {words}", lead.email))
    }
}

impl Show {
    async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let store = workplace.store().await?;
        let mut tx = store.read().await.map_err(CliError::failed)?;
        let lead = tx.lead_by_email(&self.lead).await.map_err(CliError::failed)?;
        let lead = lead.ok_or_else(|| unknown(&self.lead))?;
        let touches = tx.touches(lead.id).await.map_err(CliError::failed)?;
        let answers = tx.answers(lead.id).await.map_err(CliError::failed)?;
        let activities = tx.activities(lead.id).await.map_err(CliError::failed)?;
        let suppressions = tx.suppressions(&lead.email).await.map_err(CliError::failed)?;
        let enrolment = tx.active_enrolment(lead.id).await.map_err(CliError::failed)?;
        let mut shown = lead_json(&lead);
        shown["touches"] = json!(touches);
        shown["answers"] = json!(answers);
        shown["activities"] = json!(activities);
        shown["suppressed"] = suppressions.iter().map(|row| json!(row.reason.name())).collect();
        shown["sequence"] = json!(enrolment.map(|enrolment| enrolment.sequence));
        if self.json {
            return line(&shown.to_string());
        }
        show(&shown, 0)
    }
}

impl List {
    async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        const PAGE: i64 = 500;
        let store = workplace.store().await?;
        let mut filter =
            LeadFilter { stage: self.stage, owner: self.owner, campaign: self.campaign, after: None };
        let mut left = self.limit.max(0);
        while left > 0 {
            let mut tx = store.read().await.map_err(CliError::failed)?;
            let page = tx.list_leads(&filter, left.min(PAGE)).await.map_err(CliError::failed)?;
            tx.rollback().await.map_err(CliError::failed)?;
            let Some(last) = page.last() else {
                break;
            };
            filter.after = Some(LeadId(last.id.0));
            left -= page.len() as i64;
            for lead in &page {
                if self.json {
                    line(&lead_json(lead).to_string())?;
                    continue;
                }
                let owner = lead.owner.as_ref().map(EmailAddress::as_str).unwrap_or_default();
                let name = lead.profile.full_name().unwrap_or_default();
                line(&format!("{:<36} {:<12} {:<24} {owner}", lead.email, lead.stage, name))?;
            }
        }
        Ok(())
    }
}

async fn look(engine: &crate::engine::Engine, email: &EmailAddress) -> Result<Lead, CliError> {
    let mut tx = engine.store().read().await.map_err(CliError::failed)?;
    let lead = tx.lead_by_email(email).await.map_err(CliError::failed)?;
    tx.rollback().await.map_err(CliError::failed)?;
    lead.ok_or_else(|| unknown(email))
}

pub(super) fn unknown(email: &EmailAddress) -> CliError {
    CliError::Failed(format!("no lead has the address {email}"))
}

/// What cannot be so is the caller's mistake; what failed is not.
pub(super) fn refused(error: HappenError) -> CliError {
    match error {
        HappenError::Refused(refusal) => CliError::Misuse(refusal.to_string()),
        HappenError::UnknownRep { .. } => CliError::Misuse(error.to_string()),
        HappenError::UnknownLead(_) | HappenError::Failed(_) => CliError::failed(error),
    }
}

/// A lead as `--json` shows it.
fn lead_json(lead: &Lead) -> Value {
    json!({
        "email": lead.email.as_str(),
        "first_name": lead.profile.first_name,
        "last_name": lead.profile.last_name,
        "company": lead.profile.company,
        "title": lead.profile.title,
        "phone": lead.profile.phone,
        "country": lead.profile.country,
        "zone": lead.profile.zone,
        "language": lead.profile.language,
        "fields": lead.profile.fields,
        "campaign": lead.campaign,
        "source": lead.source,
        "stage": lead.stage.name(),
        "stage_since": lead.stage_at.to_string(),
        "score": lead.score,
        "grade": lead.grade.map(super::super::domain::lead::Grade::name),
        "owner": lead.owner.as_ref().map(EmailAddress::as_str),
        "round": lead.round,
        "away_until": lead.away_until.map(|at| at.to_string()),
        "follow_up_at": lead.follow_up_at.map(|at| at.to_string()),
        "created_at": lead.created_at.to_string(),
    })
}

/// An object as indented lines; what is not known is left out.
fn show(value: &Value, depth: usize) -> Result<(), CliError> {
    let indent = "  ".repeat(depth);
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = name.replace('_', " ");
        match value {
            Value::Null => {}
            Value::Object(fields) if fields.is_empty() => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(_) => {
                line(&format!("{indent}{name}:"))?;
                show(value, depth + 1)?;
            }
            Value::Array(items) => {
                line(&format!("{indent}{name}:"))?;
                for item in items {
                    match item {
                        Value::Object(fields) => {
                            let known: Vec<String> =
                                fields.values().filter(|value| !value.is_null()).map(plain).collect();
                            line(&format!("{indent}  - {}", known.join(" · ")))?;
                        }
                        item => line(&format!("{indent}  - {}", plain(item)))?,
                    }
                }
            }
            value => line(&format!("{indent}{name}: {}", plain(value)))?,
        }
    }
    Ok(())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
