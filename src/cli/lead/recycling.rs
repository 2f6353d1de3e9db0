//! `nurtured lead set`, `replace`, `drop`, `dispute`, `answer-dispute`, and `reject --of`: what is done about a lead
//! that sales gave back.

use clap::Args;

use super::super::arguments;
use super::super::output::{CliError, line};
use super::super::workplace::Workplace;
use super::refused;
use super::show::lead_json;
use crate::clock::Clock;
use crate::domain::email::EmailAddress;
use crate::domain::lead::Profile;
use crate::domain::recycle::Verdict;
use crate::engine::happen::Said;
use crate::engine::recycle::Recycling;

/// Who says it, and how it is answered.
#[derive(Debug, Args)]
pub(super) struct Voice {
    /// Who says so; without it: marketing
    #[arg(long = "as", value_name = "WHO")]
    pub(super) who: Option<EmailAddress>,
    /// In words, for the history: `nurtured why` shows them
    #[arg(long, value_name = "WORDS")]
    pub(super) note: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Set {
    /// The lead's email address
    lead: EmailAddress,
    /// What is right: "phone=+49 30 901820", company=Acme, email=new@acme.example; an empty value is not known
    #[arg(required = true, value_name = "FIELD=VALUE", value_parser = arguments::pair)]
    values: Vec<(String, String)>,
    #[command(flatten)]
    voice: Voice,
}

#[derive(Debug, Args)]
pub(super) struct Replace {
    /// The address of the lead that is not the right person
    lead: EmailAddress,
    /// The address of the one who is
    new: EmailAddress,
    /// Their given name
    #[arg(long, value_name = "NAME")]
    first_name: Option<String>,
    /// Their family name
    #[arg(long, value_name = "NAME")]
    last_name: Option<String>,
    /// Their job title
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    voice: Voice,
}

#[derive(Debug, Args)]
pub(super) struct GiveUp {
    /// The lead's email address
    lead: EmailAddress,
    #[command(flatten)]
    voice: Voice,
}

#[derive(Debug, Args)]
pub(super) struct Dispute {
    /// The lead's email address
    lead: EmailAddress,
    /// Why the rejection was wrong: the manager decides by it
    #[arg(long, value_name = "WORDS")]
    why: String,
    /// Who says so; without it: marketing
    #[arg(long = "as", value_name = "WHO")]
    who: Option<EmailAddress>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(clap::ArgGroup::new("verdict").required(true).args(["uphold", "overturn"])))]
pub(super) struct Answer {
    /// The lead's email address
    lead: EmailAddress,
    /// The rejection stands
    #[arg(long)]
    uphold: bool,
    /// Marketing is right: sales gets the lead again, at once
    #[arg(long)]
    overturn: bool,
    /// Who gets it; without it: as the reason of the rejection says
    #[arg(long, value_name = "REP", conflicts_with = "uphold")]
    to: Option<EmailAddress>,
    /// Who says so; without it: the team's manager
    #[arg(long = "as", value_name = "WHO")]
    who: Option<EmailAddress>,
    /// In words, which marketing reads
    #[arg(long, value_name = "WORDS")]
    note: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Dispute {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let voice = Voice { who: self.who, note: Some(self.why), json: self.json };
        voice.say(workplace, &self.lead, &Recycling::Dispute).await
    }
}

impl Answer {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let verdict = if self.overturn { Verdict::Overturned } else { Verdict::Upheld };
        let voice = Voice { who: self.who, note: self.note, json: self.json };
        voice.say(workplace, &self.lead, &Recycling::Answer { verdict, to: self.to }).await
    }
}

impl Set {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        self.voice.say(workplace, &self.lead, &Recycling::Correct { values: self.values }).await
    }
}

impl Replace {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let known = Profile {
            first_name: self.first_name,
            last_name: self.last_name,
            title: self.title,
            ..Profile::default()
        };
        let what = Recycling::Replace { new: self.new, known: Box::new(known) };
        self.voice.say(workplace, &self.lead, &what).await
    }
}

impl GiveUp {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        self.voice.say(workplace, &self.lead, &Recycling::GiveUp).await
    }
}

impl Voice {
    pub(super) async fn say(
        self,
        workplace: Workplace,
        lead: &EmailAddress,
        what: &Recycling,
    ) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let said = Said { by: self.who, words: self.note, ..Said::default() };
        let goes_on = engine.recycling(lead, what, &said, Clock::System.now()).await.map_err(refused)?;
        if self.json {
            return line(&lead_json(&goes_on).to_string());
        }
        let now = format!("now {}", goes_on.stage.name().replace('_', " "));
        let words = match what {
            Recycling::Merge { .. } => {
                format!("{lead} is a double of {}, which goes on: {now}", goes_on.email)
            }
            Recycling::Correct { .. } => format!("{}: corrected; {now}", goes_on.email),
            Recycling::Replace { .. } => format!("{lead} ends; {} goes on: {now}", goes_on.email),
            Recycling::Dispute => format!("{}: disputed; the manager is asked; {now}", goes_on.email),
            Recycling::Answer { verdict, .. } => {
                format!("{}: the rejection is {}; {now}", goes_on.email, verdict.name())
            }
            Recycling::GiveUp => format!("{}: given up; {now}", goes_on.email),
        };
        line(&words)
    }
}
