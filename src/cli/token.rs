//! `nurtured token`: tokens of the HTTP API, made, listed and taken back.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::access::{Grant, Scope};
use crate::engine::tokens::{TokenError, TokenWish};

/// Make, list and revoke the tokens with which other programs ask
#[derive(Debug, Args)]
pub struct TokenCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token; it is shown this once and kept nowhere
    New {
        /// What it is for: crm, web-form
        #[arg(long)]
        name: String,
        /// What it may do: leads:read, leads:write, forms:write, inbound:write, contact:read, suppressions:read,
        /// suppressions:write, person:export, person:erase; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scope, num_args = 1.., value_delimiter = ',')]
        scopes: Vec<Scope>,
        /// For a form's key: the one campaign that it is for
        #[arg(long, value_name = "NAME")]
        campaign: Option<String>,
        /// The day from which on it is no longer good, in UTC: 2027-01-01
        #[arg(long, value_name = "DAY", value_parser = super::arguments::date)]
        expires: Option<Date>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Every token there ever was, and what it may do
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Take a token back; it is no longer good from the next request on
    Revoke {
        /// Its name
        name: String,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    text.parse().map_err(|_| {
        let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        match crate::problem::nearest(text, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are: {}", known.join(", ")),
        }
    })
}

impl TokenCommand {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let now = Clock::System.now();
        match self.action {
            Action::New { name, scopes, campaign, expires, json } => {
                if name.trim().is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
                    return Err(CliError::Misuse("a name has 1 to 100 characters, on one line".to_owned()));
                }
                let expires_at = expires.map(first_instant).transpose()?;
                let engine = workplace.engine().await?;
                let wish = TokenWish { name: name.trim().to_owned(), scopes, campaign, expires_at };
                let token = engine.new_token(wish, now).await.map_err(refused)?;
                if json {
                    return line(&json!({ "name": name.trim(), "token": token }).to_string());
                }
                eprintln!("nurtured: this is the only time that the token is shown; keep it like a password");
                line(&token)
            }
            Action::List { json } => {
                let store = workplace.store().await?;
                let mut tx = store.read().await.map_err(CliError::failed)?;
                let grants = tx.tokens().await.map_err(CliError::failed)?;
                tx.rollback().await.map_err(CliError::failed)?;
                if grants.is_empty() && !json {
                    eprintln!("nurtured: there is no token; `nurtured token new` makes one");
                }
                for grant in grants {
                    line(&if json { as_json(&grant, now) } else { as_row(&grant, now) })?;
                }
                Ok(())
            }
            Action::Revoke { name } => {
                let store = workplace.store().await?;
                let mut tx = store.begin().await.map_err(CliError::failed)?;
                let revoked = tx.revoke_token(&name, now).await.map_err(CliError::failed)?;
                tx.commit().await.map_err(CliError::failed)?;
                if revoked {
                    return line(&format!("{name}: revoked"));
                }
                Err(CliError::Failed(format!(
                    "no token in use is called `{name}`; see `nurtured token list`"
                )))
            }
        }
    }
}

fn first_instant(day: Date) -> Result<Timestamp, CliError> {
    let zoned = day.to_zoned(TimeZone::UTC).map_err(|error| CliError::Misuse(error.to_string()))?;
    Ok(zoned.timestamp())
}

fn refused(error: TokenError) -> CliError {
    match error {
        TokenError::Store(_) | TokenError::NoRandomness(_) => CliError::failed(error),
        error => CliError::Misuse(error.to_string()),
    }
}

fn standing(grant: &Grant, now: Timestamp) -> String {
    match (grant.revoked_at, grant.expires_at) {
        (Some(at), _) => format!("revoked {}", day(at)),
        (None, Some(at)) if at <= now => format!("expired {}", day(at)),
        (None, Some(at)) => format!("good until {}", day(at)),
        (None, None) => "good".to_owned(),
    }
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

fn names(grant: &Grant) -> Vec<&'static str> {
    grant.scopes.iter().map(|scope| scope.name()).collect()
}

fn as_row(grant: &Grant, now: Timestamp) -> String {
    let used = grant.last_used_at.map_or("never used".to_owned(), |at| format!("last used {}", day(at)));
    let campaign = grant.campaign.as_ref().map(|name| format!(" (campaign {name})")).unwrap_or_default();
    format!("{:<20} {:<22} {used:<21} {}{campaign}", grant.name, standing(grant, now), names(grant).join(" "))
}

fn as_json(grant: &Grant, now: Timestamp) -> String {
    json!({
        "name": grant.name,
        "scopes": names(grant),
        "campaign": grant.campaign,
        "good": grant.is_good(now),
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
        "revoked_at": grant.revoked_at,
        "last_used_at": grant.last_used_at,
    })
    .to_string()
}
