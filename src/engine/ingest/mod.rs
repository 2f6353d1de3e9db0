//! A mail comes in: a command, a copy of what a rep wrote to a lead, what came back of a mail of ours, or something for a
//! person.
//!
//! Which of them is asked in that order, and each says by which right it acts: a command by its token ([`command`]), a
//! copy by its sender and our log address ([`copy`]), what somebody of ours passes on by the same ([`passed_on`]), what came back by what ties it to a mail of ours
//! ([`came_back`]). Whatever a machine wrote orders nothing. Everything else is kept for a person; where it may be a
//! lead's own, one is asked ([`question`]).
//!
//! A mail is known by its content, so one that a server delivers twice, or that two mailboxes have, counts once: the note
//! of it and what follows are one transaction.

mod came_back;
mod command;
mod copy;
mod of_staff;
mod passed_on;
pub mod question;

use jiff::Timestamp;

use super::pass::PassError;
use super::{Engine, Wake};
use crate::domain::email::EmailAddress;
use crate::domain::order::Order;
use crate::mail::inbound::{self, Inbound};
use crate::store::{NewInboundMail, Tx};
use question::Asked;

/// How often is tried what another daemon got in the way of.
const TRIES: usize = 3;

/// So much is kept of a mail for a person to look at.
const MOST_KEPT: usize = 1024 * 1024;

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// It did something, or nothing has to be done; what, as a sentence without personal text.
    Done(String),
    /// It ordered what cannot be so, and was answered; why.
    Refused(String),
    /// It may be a lead's own, and a person is asked; why.
    Asked(String),
    /// Nobody knows what to do with it, and it waits for a person; why.
    Kept(String),
    /// It came before, and did then what it does.
    Before,
}

/// The same with what a person is asked.
struct Verdict {
    ingested: Ingested,
    asked: Option<Asked>,
}

impl From<Ingested> for Verdict {
    fn from(ingested: Ingested) -> Verdict {
        Verdict { ingested, asked: None }
    }
}

impl Engine {
    /// Takes in one raw mail. `recipients` are those that the mail server knows of beside the headers.
    ///
    /// # Errors
    /// When the store fails; then nothing was done, and the mail should be offered again.
    pub async fn ingest(
        &self,
        raw: &[u8],
        recipients: &[EmailAddress],
        now: Timestamp,
    ) -> Result<Ingested, PassError> {
        let mut mail = inbound::read(raw);
        if let Some(mail) = &mut mail {
            mail.delivered_to.extend(recipients.iter().cloned());
        }
        let identity =
            mail.as_ref().map_or_else(|| inbound::identity_of_noise(raw), |mail| mail.identity.clone());
        let mut tries = 1;
        loop {
            match self.try_to_ingest(raw, mail.as_ref(), &identity, now).await {
                Err(PassError::Store(error)) if error.lost_a_race() && tries < TRIES => tries += 1,
                result => {
                    if matches!(result, Ok(Ingested::Done(_) | Ingested::Refused(_) | Ingested::Asked(_))) {
                        self.wake_up();
                    }
                    return result;
                }
            }
        }
    }

    /// Keeps a mail for a person that could not be taken in for another reason than the store.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn keep(&self, raw: &[u8], why: &str, now: Timestamp) -> Result<Ingested, PassError> {
        let identity = inbound::identity_of_noise(raw);
        let tx = self.store.begin().await?;
        self.note(tx, &identity, raw, Ingested::Kept(why.to_owned()).into(), now).await
    }

    async fn try_to_ingest(
        &self,
        raw: &[u8],
        mail: Option<&Inbound>,
        identity: &str,
        now: Timestamp,
    ) -> Result<Ingested, PassError> {
        if let Some(mail) = mail {
            if !mail.is_automatic()
                && let Some(command) = self.command(mail)
                && let Ok(order @ (Order::RepAway { .. } | Order::RepBack | Order::Mend(_))) = &command.order
                && !command.grant.is_over(now)
            {
                return self.obey_apart(mail, &command, order, identity, now).await;
            }
            if let Some(ingested) = self.rep_is_away(mail, identity, now).await? {
                return Ok(ingested);
            }
        }
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        if tx.inbound_result(identity).await?.is_some() {
            tx.rollback().await?;
            return Ok(Ingested::Before);
        }
        let verdict = match mail {
            None => Ingested::Kept("it is no mail".to_owned()).into(),
            Some(mail) => self.judge(&mut tx, &wake, mail, raw).await?,
        };
        self.note(tx, identity, raw, verdict, now).await
    }

    /// What one mail is, and what follows.
    async fn judge(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        mail: &Inbound,
        raw: &[u8],
    ) -> Result<Verdict, PassError> {
        if let Some(command) = self.command(mail) {
            return Ok(self.obey(tx, wake, mail, &command).await?.into());
        }
        // A rep's own mail to a lead belongs to our conversation with it, too.
        let is_of_ours = mail.from.as_ref().is_some_and(|from| copy::is_of_ours(wake, from));
        if (mail.is_automatic() || !is_of_ours)
            && let Some(verdict) = self.came_back(tx, wake, mail).await?
        {
            return Ok(verdict);
        }
        if is_of_ours && let Some(verdict) = self.passed_on(tx, wake, mail, raw).await? {
            return Ok(verdict);
        }
        Ok(self.log_copy(tx, wake, mail).await?.into())
    }

    /// Notes what became of a mail, with everything that followed from it.
    async fn note(
        &self,
        mut tx: Tx,
        identity: &str,
        raw: &[u8],
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Ingested, PassError> {
        let Verdict { ingested, asked } = verdict;
        let (result, why, raw) = match &ingested {
            Ingested::Done(what) => ("done", what, None),
            Ingested::Refused(why) => ("refused", why, None),
            Ingested::Asked(why) | Ingested::Kept(why) => {
                ("kept", why, Some(&raw[..raw.len().min(MOST_KEPT)]))
            }
            Ingested::Before => return Ok(ingested),
        };
        let question = asked.as_ref().map(Asked::as_kept);
        let new = NewInboundMail { identity, received_at: now, result, why, raw, question };
        let Some(id) = tx.insert_inbound_mail(&new).await? else {
            // Another process was given the same mail, and was faster.
            tx.rollback().await?;
            return Ok(Ingested::Before);
        };
        if let Some(asked) = asked {
            self.ask_about(&mut tx, &self.wake_at(now), id, &asked).await?;
        }
        tx.commit().await?;
        Ok(ingested)
    }
}
