//! Mail that needs a person, settled by one.

use jiff::Timestamp;
use serde_json::json;
use thiserror::Error;

use super::Engine;
use super::pass::PassError;
use crate::domain::ids::OutboxId;
use crate::domain::mail::MailState;
use crate::store::{NewEvent, StoreError};

/// What a person found out about a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Sent,
    /// It did not arrive, and shall not be sent again.
    Drop,
    /// It did not arrive (or could not leave, and now can): send it.
    SendAgain,
}

/// Why a mail could not be settled.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// There is no such mail.
    #[error("there is no mail {0} in the outbox")]
    Unknown(OutboxId),
    /// It needs nobody.
    #[error("mail {id} is {}: only mail that is in doubt or parked needs a person", .state.name())]
    Settled {
        /// Which.
        id: OutboxId,
        /// Its state.
        state: MailState,
    },
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] PassError),
}

impl From<StoreError> for ResolveError {
    fn from(error: StoreError) -> ResolveError {
        ResolveError::Failed(error.into())
    }
}

impl Engine {
    /// Settles a mail that is in doubt or parked.
    ///
    /// # Errors
    /// When it is neither, or the store fails.
    pub async fn resolve(&self, id: OutboxId, verdict: Verdict, now: Timestamp) -> Result<(), ResolveError> {
        const WHY: &str = "settled by hand";
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        let unknown = ResolveError::Unknown(id);
        let Some(lead) = tx.outbox_mail(id).await?.map(|mail| mail.lead) else { return Err(unknown) };
        if let Some(lead) = lead {
            tx.lock_leads(&[lead]).await?;
        }
        // Read once more under the lock: somebody may have settled it meanwhile.
        let mail = tx.outbox_mail(id).await?.ok_or(unknown)?;
        if !matches!(mail.state, MailState::InDoubt | MailState::Parked) {
            return Err(ResolveError::Settled { id, state: mail.state });
        }
        let kind = match verdict {
            Verdict::Sent => {
                tx.settle_mail(id, mail.state, MailState::Sent, WHY, now).await?;
                "mail"
            }
            Verdict::Drop => {
                tx.settle_mail(id, mail.state, MailState::Dropped, WHY, now).await?;
                tx.free_slot(id).await?;
                "dropped"
            }
            Verdict::SendAgain => {
                tx.send_mail_again(id, mail.state, now, WHY).await?;
                tx.free_slot(id).await?;
                "sent_again"
            }
        };
        let facts = json!({ "sequence": mail.sequence, "step": mail.step, "why": WHY });
        let event = NewEvent {
            lead: mail.lead,
            occurred_at: now,
            recorded_at: now,
            kind,
            actor: None,
            playbook: Some(wake.rules.version.clone()),
            mail: Some(id),
            facts,
        };
        tx.append(&[event]).await?;
        // A step that is given up leaves its sequence to go on.
        if let (Verdict::Drop, Some(enrolment)) = (verdict, mail.enrolment) {
            tx.look_at_enrolment(enrolment, Some(now)).await?;
        }
        tx.commit().await?;
        self.wake_up();
        Ok(())
    }

    /// Releases the brake; `false` when it was not on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release(&self, now: Timestamp) -> Result<bool, PassError> {
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        let released = tx.release_brake(super::deliver::brake_day(&wake)).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(released)
    }
}
