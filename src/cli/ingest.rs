//! `nurtured ingest`: one mail on standard input, as a mail server's pipe gives it.
//!
//! Whatever a mail says, the exit code is 0: a mail that nobody understands is kept, and its sender is not
//! bothered with a bounce. What keeps it from being taken in (the store, the configuration) ends with 75, on
//! which mail servers try again later.

use std::io::Read as _;
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::output::{self, CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::email::EmailAddress;
use crate::engine::ingest::Ingested;
use crate::engine::ingest::question::Answered;
use crate::mail::inbound::MOST_BYTES;

/// Kept mails shown at once.
const PAGE: i64 = 100;

/// Take in one mail on standard input: an answer, a bounce, an order, a copy of a rep's own
///
/// Meant for the pipe of a mail server. In Postfix's master.cf, on one line:
///
///   nurtured unix - n n - - pipe flags=DO user=nurtured argv=/usr/bin/nurtured
///     --config /etc/nurtured/nurtured.toml ingest --recipient ${original_recipient}
///
/// A mail that nobody understands is kept, and the exit code is 0 all the same; 75 asks the server to try again.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Ingest {
    /// To whom the mail server delivers it; a blind copy says so nowhere else
    #[arg(long, value_name = "ADDRESS")]
    recipient: Vec<String>,
    /// List the mails that wait for a person, instead of reading one
    #[arg(long, conflicts_with_all = ["recipient", "show", "forget"])]
    kept: bool,
    /// Print a mail that waits for a person, as it came
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["recipient", "forget"])]
    show: Option<i64>,
    /// A mail that waited has been looked at: delete it
    #[arg(long, value_name = "NUMBER", conflicts_with = "recipient")]
    forget: Option<i64>,
    /// A mail that waited is the lead's own: what it says counts
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["recipient", "kept", "show", "forget"])]
    theirs: Option<i64>,
    /// A mail that waited is not the lead's own: what was held for it goes on
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["recipient", "kept", "show", "forget", "theirs"])]
    not_theirs: Option<i64>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Ingest {
    pub(super) async fn run(
        self,
        config: Option<&Path>,
        at_work: impl Fn(Option<&Path>) -> Result<Workplace, CliError>,
    ) -> Result<(), CliError> {
        if self.kept || self.show.is_some() || self.forget.is_some() {
            return self.look(at_work(config)?).await;
        }
        if let Some(number) = self.theirs.or(self.not_theirs) {
            return answer(&at_work(config)?, number, self.theirs.is_some()).await;
        }
        match self.take_in(config, at_work).await {
            Err(error @ (CliError::Failed(_) | CliError::Problems(_) | CliError::Misuse(_))) => {
                output::report(&error);
                Err(CliError::TryAgain)
            }
            result => result,
        }
    }

    async fn take_in(
        self,
        config: Option<&Path>,
        at_work: impl Fn(Option<&Path>) -> Result<Workplace, CliError>,
    ) -> Result<(), CliError> {
        let mut raw = Vec::new();
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        std::io::stdin().lock().take(most + 1).read_to_end(&mut raw).map_err(CliError::failed)?;
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).map_err(CliError::failed)?;
        let engine = at_work(config)?.engine().await?;
        // Of one that is too long a person sees the beginning. Its server is not cut off in the middle of it.
        raw.truncate(MOST_BYTES);
        // An address that is none of ours' kind is no reason to lose the mail.
        let recipients: Vec<EmailAddress> =
            self.recipient.iter().filter_map(|text| text.parse().ok()).collect();
        let ingested =
            engine.ingest(&raw, &recipients, Clock::System.now()).await.map_err(CliError::failed)?;
        let (result, words) = match &ingested {
            Ingested::Done(what) => ("done", what.as_str()),
            Ingested::Refused(why) => ("refused", why.as_str()),
            Ingested::Asked(why) => ("asked", why.as_str()),
            Ingested::Kept(why) => ("kept", why.as_str()),
            Ingested::Before => ("before", "it was taken in before"),
        };
        if matches!(ingested, Ingested::Kept(_)) {
            tracing::warn!("a mail is kept for a person (nurtured ingest --kept): {words}");
        }
        if self.json {
            return line(&json!({ "result": result, "why": words }).to_string());
        }
        line(&format!("{result}: {words}"))
    }

    async fn look(self, workplace: Workplace) -> Result<(), CliError> {
        let store = workplace.store().await?;
        if let Some(number) = self.forget {
            let mut tx = store.begin().await.map_err(CliError::failed)?;
            let was_there = tx.forget_kept_mail(number).await.map_err(CliError::failed)?;
            tx.commit().await.map_err(CliError::failed)?;
            return if was_there { line(&format!("mail {number} is deleted")) } else { Err(none(number)) };
        }
        let mut tx = store.read().await.map_err(CliError::failed)?;
        if let Some(number) = self.show {
            let found = tx.kept_mails(number - 1, 1).await.map_err(CliError::failed)?.pop();
            tx.rollback().await.map_err(CliError::failed)?;
            let mail = found.filter(|mail| mail.id == number).ok_or_else(|| none(number))?;
            return line(&String::from_utf8_lossy(&mail.raw));
        }
        let mut after = 0;
        loop {
            let mails = tx.kept_mails(after, PAGE).await.map_err(CliError::failed)?;
            let Some(last) = mails.last() else { break };
            after = last.id;
            for mail in &mails {
                let at = mail.received_at.to_string();
                let is_asked = mail.question.is_some();
                if self.json {
                    let asked = json!({ "number": mail.id, "at": at, "why": mail.why, "asked": is_asked });
                    line(&asked.to_string())?;
                } else {
                    let how = if is_asked { " (--theirs or --not-theirs)" } else { "" };
                    line(&format!("{}  {at}  {}{how}", mail.id, mail.why))?;
                }
            }
        }
        tx.rollback().await.map_err(CliError::failed)
    }
}

/// A person says whether a mail is the lead's own.
async fn answer(workplace: &Workplace, number: i64, is_theirs: bool) -> Result<(), CliError> {
    let engine = workplace.engine().await?;
    let answered = engine.answer_about_mail(number, is_theirs, Clock::System.now()).await;
    match answered.map_err(CliError::failed)? {
        Answered::Theirs(what) => line(&format!("it counts as the lead's: {what}")),
        Answered::NotTheirs => line("it does not count, and what was held for it goes on"),
        Answered::Settled => Err(CliError::Failed(format!(
            "nobody is asked about mail {number} (nurtured ingest --kept lists those that wait)"
        ))),
    }
}

fn none(number: i64) -> CliError {
    CliError::Failed(format!("no mail {number} waits for a person (nurtured ingest --kept)"))
}
