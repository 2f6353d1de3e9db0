//! `nurtured lead add`: one lead, as a form would give it.

use clap::Args;

use super::super::arguments;
use super::super::output::{CliError, line};
use super::super::workplace::Workplace;
use super::show::lead_json;
use super::unknown;
use crate::clock::Clock;
use crate::domain::agreement::Agreement;
use crate::domain::intake::RawLead;
use crate::engine::arrival::{Arrival, ArrivalError};
use crate::engine::take_in::TakenIn;
use crate::problem::nearest;

#[derive(Debug, Args)]
pub(super) struct Add {
    /// The email address
    email: String,
    /// Given name
    #[arg(long, value_name = "NAME")]
    first_name: Option<String>,
    /// Family name
    #[arg(long, value_name = "NAME")]
    last_name: Option<String>,
    /// The company's name
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// Job title
    #[arg(long)]
    title: Option<String>,
    /// Phone number, best with the country's code: "+49 30 901820"
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Code or name: DE, Germany
    #[arg(long)]
    country: Option<String>,
    /// Time zone: Europe/Berlin; without it the country's
    #[arg(long)]
    zone: Option<String>,
    /// Code or name: de, German
    #[arg(long)]
    language: Option<String>,
    /// The agreement's campaign; without it the first that matches
    #[arg(long, value_name = "NAME")]
    campaign: Option<String>,
    /// Where it came from (`utm_source`): google, trade-fair
    #[arg(long)]
    source: Option<String>,
    /// By which kind of way (`utm_medium`): cpc, email
    #[arg(long)]
    medium: Option<String>,
    /// What the ad's side calls its campaign (`utm_campaign`)
    #[arg(long, value_name = "NAME")]
    utm_campaign: Option<String>,
    /// What the ad said or promised
    #[arg(long, value_name = "WORDS")]
    ad: Option<String>,
    /// The page it arrived on
    #[arg(long, value_name = "URL")]
    landing_page: Option<String>,
    /// Points that the source gives it
    #[arg(long, value_name = "POINTS", allow_negative_numbers = true)]
    score: Option<i64>,
    /// What it answered: "How many seats?=40"; may be repeated
    #[arg(long, value_name = "QUESTION=ANSWER", value_parser = arguments::pair)]
    answer: Vec<(String, String)>,
    /// Any other field: "Seats=40"; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = arguments::pair)]
    field: Vec<(String, String)>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Add {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let now = Clock::System.now();
        let rules = engine.rules();
        if let Some(words) =
            self.campaign.as_deref().and_then(|name| unknown_campaign(name, &rules.agreement))
        {
            eprintln!("nurtured: {words}");
        }
        let json = self.json;
        let arrival = engine.arrives(self.into_raw(), now).await.map_err(|error| match error {
            ArrivalError::Rejected(why) => CliError::Misuse(why.to_string()),
            ArrivalError::Failed(error) => CliError::failed(error),
        })?;
        for warning in &arrival.warnings {
            eprintln!("nurtured: {warning}; kept as it is");
        }
        let Arrival { taken, email, lead, .. } = arrival;
        if taken == TakenIn::Erased {
            return Err(CliError::Failed(format!(
                "{email} had their data erased and is not taken in; if they ask for it themselves: nurtured lead welcome-back {email}"
            )));
        }
        let lead = lead.ok_or_else(|| unknown(&email))?;
        if json {
            return line(&lead_json(&lead).to_string());
        }
        let words = match taken {
            TakenIn::New => "taken in; the daemon looks at it within a second",
            TakenIn::Updated => "was known; what is new was added",
            TakenIn::Unchanged | TakenIn::Erased => "was known; nothing is new",
        };
        line(&format!("{}: {words}", lead.email))
    }

    fn into_raw(self) -> RawLead {
        RawLead {
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
        }
    }
}

/// Other systems have campaigns of their own, so a lead of an unknown one goes in like any other; but who types
/// a name should hear of a slip.
fn unknown_campaign(name: &str, agreement: &Agreement) -> Option<String> {
    if agreement.campaign(name).is_some() {
        return None;
    }
    let known = || agreement.campaigns.iter().map(|campaign| campaign.name.as_str());
    let hint = match nearest(name, known()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
    };
    Some(format!("the agreement has no campaign `{name}`, so the first that matches is taken; {hint}"))
}
