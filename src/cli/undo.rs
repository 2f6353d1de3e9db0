//! `nurtured undo`: a lead was taken to have said what it had not.

use clap::Args;
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::email::EmailAddress;
use crate::domain::ids::EventId;
use crate::engine::undo::UndoError;

/// Take back what a lead, or its mailbox, was taken to have said
///
/// `nurtured why LEAD` shows the number of each entry that can be taken back, and by which words it was read. What
/// followed from it is put right: suppressions are lifted, its sequence goes on, its promises are counted as if it had
/// not been said. Both entries stay in the log.
#[derive(Debug, Args)]
pub struct Undo {
    /// The number of the entry
    #[arg(value_name = "EVENT")]
    event: i64,
    /// Who says that it was wrong
    #[arg(long = "as", value_name = "ADDRESS")]
    who: Option<EmailAddress>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Undo {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let undone = engine.undo(EventId(self.event), self.who.as_ref(), Clock::System.now()).await;
        let undone = undone.map_err(|error| match error {
            UndoError::Failed(error) => CliError::failed(error),
            refused => CliError::Failed(refused.to_string()),
        })?;
        if self.json {
            let said = json!({ "event": self.event, "lead": undone.lead.as_str(), "what": undone.words });
            return line(&said.to_string());
        }
        line(&format!("{}: entry {} is taken back.", undone.lead, self.event))?;
        undone.words.iter().try_for_each(|words| line(&format!("  {words}")))
    }
}
