//! `nurtured lead incomplete`: marketing's list of leads that sales would get if something more were known.

use clap::Args;
use serde_json::json;

use crate::cli::output::{CliError, line};
use crate::cli::workplace::Workplace;
use crate::domain::ids::LeadId;

/// Leads read at a time.
const PAGE: i64 = 500;

/// Leads that are ready for sales but for something that their campaign requires
#[derive(Debug, Args)]
pub(super) struct Incomplete {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Incomplete {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let store = workplace.store().await?;
        let mut after = LeadId(0);
        let mut is_empty = true;
        loop {
            let mut tx = store.read().await.map_err(CliError::failed)?;
            let page = tx.incomplete_leads(after, PAGE).await.map_err(CliError::failed)?;
            let ids: Vec<LeadId> = page.iter().map(|incomplete| incomplete.lead).collect();
            let leads = tx.leads(&ids).await.map_err(CliError::failed)?;
            tx.rollback().await.map_err(CliError::failed)?;
            let Some(last) = ids.last() else { break };
            after = *last;
            for incomplete in page {
                let Some(lead) = leads.iter().find(|lead| lead.id == incomplete.lead) else { continue };
                is_empty = false;
                if self.json {
                    let told = json!({
                        "email": lead.email.as_str(),
                        "campaign": incomplete.campaign,
                        "missing": incomplete.missing,
                        "score": lead.score,
                        "since": incomplete.since.to_string(),
                    });
                    line(&told.to_string())?;
                } else {
                    let missing = incomplete.missing.join(", ");
                    line(&format!("{:<36} {:<16} {missing}", lead.email, incomplete.campaign))?;
                }
            }
        }
        if is_empty && !self.json {
            eprintln!("nurtured: no lead lacks what its campaign requires");
        }
        Ok(())
    }
}
