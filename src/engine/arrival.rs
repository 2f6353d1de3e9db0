//! One lead comes in as it was written: by a command, by a program, by a form.

use jiff::Timestamp;
use thiserror::Error;

use super::Engine;
use super::pass::PassError;
use super::take_in::TakenIn;
use crate::domain::email::EmailAddress;
use crate::domain::intake::merge::Authority;
use crate::domain::intake::{Owners, RawLead, Rejection, Warning, normalise};
use crate::domain::lead::Lead;
use crate::store::StoreError;

/// What became of a lead that came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What it meant.
    pub taken: TakenIn,
    /// Its address, as it is kept.
    pub email: EmailAddress,
    /// The person as they are known now; `None`: not at all, they had their data erased.
    pub lead: Option<Lead>,
    /// What could not be read and is kept as it was written.
    pub warnings: Vec<Warning>,
}

/// Why a lead did not come in.
#[derive(Debug, Error)]
pub enum ArrivalError {
    /// There is no address, or an impossible one.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The engine failed.
    #[error(transparent)]
    Failed(#[from] PassError),
}

impl From<StoreError> for ArrivalError {
    fn from(error: StoreError) -> ArrivalError {
        ArrivalError::Failed(error.into())
    }
}

impl Engine {
    /// Takes in a lead as it was written. When it came in is when it was there, unless it says when that was.
    ///
    /// # Errors
    /// When it has no address, or the store fails; then nothing was changed.
    pub async fn arrives(&self, raw: RawLead, now: Timestamp) -> Result<Arrival, ArrivalError> {
        let owners = Owners::of(&self.rules().agreement);
        let (mut record, warnings) = normalise(raw, &owners, now)?;
        record.touch.occurred_at = record.touch.occurred_at.or(Some(now));
        let taken = self.take_in(std::slice::from_ref(&record), Authority::Form, now).await?;
        let taken = taken.first().copied().unwrap_or(TakenIn::Unchanged);
        let mut tx = self.store.read().await?;
        let lead = tx.person_by_email(&record.email).await?;
        tx.rollback().await?;
        Ok(Arrival { taken, email: record.email, lead, warnings })
    }
}
