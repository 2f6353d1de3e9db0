//! `nurtured lead export|erase|welcome-back`: one person's rights.

use clap::Args;

use super::super::output::{CliError, line};
use super::super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::email::EmailAddress;
use crate::engine::person::PersonError;

/// Who the log says did it.
const BY: &str = "command";

/// One JSON object: a person's right is to have it in a form that machines read, too.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The lead's email address
    lead: EmailAddress,
}

#[derive(Debug, Args)]
pub(super) struct Erase {
    /// The lead's email address
    lead: EmailAddress,
    /// That it is meant: nothing brings the data back
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct WelcomeBack {
    /// The email address of somebody whose data was erased and who asks to be known again
    email: EmailAddress,
}

impl Export {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let export = engine.export(&self.lead).await.map_err(failed)?;
        line(&export.to_string())
    }
}

impl Erase {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        if !self.yes {
            let words =
                "nothing brings erased data back; say --yes if it is meant (`nurtured lead export` shows it)";
            return Err(CliError::Misuse(words.to_owned()));
        }
        let engine = workplace.engine().await?;
        let anew = engine.erase(&self.lead, BY, Clock::System.now()).await.map_err(failed)?;
        let words = if anew { "erased; what is left are numbers and times" } else { "was erased before" };
        line(&format!("{}: {words}", self.lead))
    }
}

impl WelcomeBack {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        if engine.welcome_back(&self.email, Clock::System.now()).await.map_err(failed)? {
            return line(&format!("{}: may be taken in again", self.email));
        }
        Err(CliError::Failed(format!("{} was not erased", self.email)))
    }
}

fn failed(error: PersonError) -> CliError {
    CliError::failed(error)
}
