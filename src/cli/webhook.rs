//! `nurtured webhook`: how other systems listen, and what to do when one does not.

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::store::EndpointState;
use crate::webhook::sign::SigningKey;

/// See how other systems listen to what they are told, and have one told again
#[derive(Debug, Args)]
pub struct WebhookCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Each with what waits for it and what went wrong last
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Have one told again that was parked, what it would not take included
    Resume {
        /// Its name in nurtured.toml
        name: String,
    },
    /// Print a fresh secret for `secret_file` and for the receiver
    NewSecret,
}

impl WebhookCommand {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        match self.action {
            Action::NewSecret => line(&SigningKey::fresh().map_err(CliError::failed)?),
            Action::List { json } => {
                let store = workplace.store().await?;
                let mut tx = store.read().await.map_err(CliError::failed)?;
                let endpoints = tx.webhook_endpoints().await.map_err(CliError::failed)?;
                tx.rollback().await.map_err(CliError::failed)?;
                if endpoints.is_empty() && !json {
                    eprintln!("nurtured: nobody is told anything; [[webhooks]] in nurtured.toml says who is");
                }
                for endpoint in endpoints {
                    line(&if json { as_json(&endpoint) } else { as_row(&endpoint) })?;
                }
                Ok(())
            }
            Action::Resume { name } => {
                let store = workplace.store().await?;
                let mut tx = store.begin().await.map_err(CliError::failed)?;
                let known = tx.resume_webhook(&name, Clock::System.now()).await.map_err(CliError::failed)?;
                tx.commit().await.map_err(CliError::failed)?;
                if known {
                    return line(&format!("{name}: is told again within a second"));
                }
                Err(CliError::Failed(format!("no webhook is called `{name}`; see `nurtured webhook list`")))
            }
        }
    }
}

fn as_row(endpoint: &EndpointState) -> String {
    let standing = match (endpoint.parked_at, endpoint.failing_since) {
        (Some(at), _) => format!("parked since {at}"),
        (None, Some(at)) => format!("failing since {at}"),
        (None, None) => "listens".to_owned(),
    };
    let why = endpoint.last_error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!(
        "{:<20} {} waiting, {} given up  {standing}{why}",
        endpoint.name, endpoint.waiting, endpoint.given_up
    )
}

fn as_json(endpoint: &EndpointState) -> String {
    json!({
        "name": endpoint.name,
        "waiting": endpoint.waiting,
        "given_up": endpoint.given_up,
        "failing_since": endpoint.failing_since,
        "parked_at": endpoint.parked_at,
        "next_at": endpoint.failing_since.map(|_| endpoint.next_at),
        "last_error": endpoint.last_error,
    })
    .to_string()
}
