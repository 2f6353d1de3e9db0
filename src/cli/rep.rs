//! `nurtured rep`: a rep's absences.

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::lead::refused;
use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::email::EmailAddress;

/// Say that a rep is away, or back: nobody away is given a lead
#[derive(Debug, Args)]
pub struct RepCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// A rep is away from now on
    Away {
        /// The rep's email address
        rep: EmailAddress,
        /// Their first day back: 2026-03-16
        #[arg(long, value_name = "DAY", value_parser = super::arguments::date)]
        until: Date,
    },
    /// A rep is back earlier than announced
    Back {
        /// The rep's email address
        rep: EmailAddress,
    },
}

impl RepCommand {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let (rep, back) = match self.action {
            Action::Away { rep, until } => (rep, Some(until)),
            Action::Back { rep } => (rep, None),
        };
        engine.rep_away(&rep, back, Clock::System.now()).await.map_err(refused)?;
        match back {
            Some(back) => line(&format!("{rep} is away until {back} and gets no leads")),
            None => line(&format!("{rep} is back")),
        }
    }
}
