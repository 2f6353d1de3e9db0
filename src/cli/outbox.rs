//! `nurtured outbox`: mail that waits, is in doubt, or needs a person.

use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::ids::OutboxId;
use crate::domain::mail::{Audience, MailState};
use crate::domain::reading::hold;
use crate::engine::resolve::{ResolveError, Verdict};
use crate::store::OutboxMail;

/// What a person does about mail that needs one.
const HOW_TO_SETTLE: &str = "settle one with `nurtured outbox resolve NUMBER`, or with `resolve all` all that are \
                             in doubt: --sent if it arrived, --again if it did not, --drop to let it be";

/// List mail that waits, is in doubt or needs a person, and settle it
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("state")), args_conflicts_with_subcommands = true)]
pub struct Outbox {
    #[command(subcommand)]
    action: Option<Action>,
    /// Lead mail of which nobody knows whether it arrived
    #[arg(long, group = "state")]
    in_doubt: bool,
    /// Mail that could not be written or was refused, and waits for a person
    #[arg(long, group = "state")]
    parked: bool,
    /// Mail that waits for its time (the default)
    #[arg(long, group = "state")]
    pending: bool,
    /// Mail that is being sent now
    #[arg(long, group = "state")]
    sending: bool,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Settle a mail that is in doubt or parked
    #[command(group(ArgGroup::new("verdict").required(true)))]
    Resolve {
        /// The mail's number, as the list shows it; or `all` that are in doubt
        mail: String,
        /// It arrived
        #[arg(long, group = "verdict")]
        sent: bool,
        /// It did not arrive and shall not be sent again
        #[arg(long, group = "verdict")]
        drop: bool,
        /// It did not arrive: send it
        #[arg(long, group = "verdict")]
        again: bool,
    },
}

impl Outbox {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        match &self.action {
            Some(Action::Resolve { mail, sent, drop, .. }) => {
                let verdict = match (sent, drop) {
                    (true, _) => Verdict::Sent,
                    (_, true) => Verdict::Drop,
                    _ => Verdict::SendAgain,
                };
                resolve(workplace, mail, verdict).await
            }
            None => self.list(workplace).await,
        }
    }

    async fn list(self, workplace: Workplace) -> Result<(), CliError> {
        let state = match (self.in_doubt, self.parked, self.sending) {
            (true, _, _) => MailState::InDoubt,
            (_, true, _) => MailState::Parked,
            (_, _, true) => MailState::Sending,
            _ => MailState::Pending,
        };
        let store = workplace.store().await?;
        let mut tx = store.read().await.map_err(CliError::failed)?;
        // One more than is shown, to know whether there are more.
        let mut mails = tx.mails_in(state, self.limit.saturating_add(1)).await.map_err(CliError::failed)?;
        let now = Clock::System.now();
        let held = hold(&tx.readings().await.map_err(CliError::failed)?, now);
        tx.rollback().await.map_err(CliError::failed)?;
        let more = mails.len() as i64 > self.limit;
        mails.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        for mail in &mut mails {
            // Mail that is due and waits all the same says why.
            if let Some(held) = &held
                && mail.audience == Audience::Lead
                && mail.state == MailState::Pending
                && !mail.requested
                && mail.due_at <= now
            {
                mail.held_why = Some(held.to_string());
            }
            if self.json { line(&mail_json(mail).to_string())? } else { line(&mail_line(mail))? }
        }
        if !self.json && mails.is_empty() {
            eprintln!("nurtured: no mail is {}", state.name().replace('_', " "));
        }
        if !self.json && more {
            eprintln!("nurtured: there are more; --limit shows more of them");
        }
        if !self.json && !mails.is_empty() && matches!(state, MailState::InDoubt | MailState::Parked) {
            eprintln!("nurtured: {HOW_TO_SETTLE}");
        }
        Ok(())
    }
}

async fn resolve(workplace: Workplace, mail: &str, verdict: Verdict) -> Result<(), CliError> {
    let engine = workplace.engine().await?;
    let ids = if mail == "all" {
        let mut tx = engine.store().read().await.map_err(CliError::failed)?;
        let mails = tx.mails_in(MailState::InDoubt, i64::MAX).await.map_err(CliError::failed)?;
        mails.into_iter().map(|mail| mail.id).collect()
    } else {
        let id = mail.parse().map_err(|_| {
            CliError::Misuse(format!(
                "`{mail}` is no number of a mail: write the number that `nurtured outbox` shows, or `all`"
            ))
        })?;
        vec![OutboxId(id)]
    };
    if ids.is_empty() {
        eprintln!("nurtured: no mail is in doubt");
    }
    for id in ids {
        match engine.resolve(id, verdict, Clock::System.now()).await {
            Ok(()) => line(&format!("mail {id}: settled"))?,
            Err(error @ (ResolveError::Unknown(_) | ResolveError::Settled { .. })) => {
                return Err(CliError::Misuse(error.to_string()));
            }
            Err(ResolveError::Failed(error)) => return Err(CliError::failed(error)),
        }
    }
    Ok(())
}

fn mail_json(mail: &OutboxMail) -> serde_json::Value {
    json!({
        "mail": mail.id.0,
        "state": mail.state.name(),
        "class": mail.class.name(),
        "to": mail.recipient.as_str(),
        "sequence": mail.sequence,
        "step": mail.step,
        "level": mail.level,
        "subject": mail.subject,
        "due_at": mail.due_at.to_string(),
        "attempts": mail.attempts,
        "held_why": mail.held_why,
        "last_error": mail.last_error,
        "ended_at": mail.ended_at.map(|at| at.to_string()),
    })
}

fn mail_line(mail: &OutboxMail) -> String {
    let what = match (&mail.sequence, &mail.step) {
        (Some(sequence), Some(step)) => format!("{sequence}/{step}"),
        _ => mail.subject.clone().unwrap_or_else(|| mail.class.name().to_owned()),
    };
    let why = mail.last_error.as_deref().or(mail.held_why.as_deref()).unwrap_or_default();
    format!("{:>8}  {:<32} {what:<28} {}  {why}", mail.id, mail.recipient, mail.due_at)
}
