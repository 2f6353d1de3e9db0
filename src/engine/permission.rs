//! The gate's answer for people who ask: `nurtured may-contact`.

use jiff::Timestamp;

use super::Engine;
use super::facts::ContactHistory;
use super::happen::HappenError;
use crate::domain::contact::{Channel, Permission, Purpose, may_contact};
use crate::domain::email::EmailAddress;

/// The gate's answer, and what it was asked.
#[derive(Clone, Debug)]
pub struct Answer {
    /// For whom it was taken to be asked.
    pub purpose: Purpose,
    /// What it says.
    pub permission: Permission,
    /// Where the lead lives, for telling the time.
    pub zone: jiff::tz::TimeZone,
}

impl Engine {
    /// Whether the lead at `email` may be contacted over `channel` now; by `rep`, or (`None`) by a sequence when
    /// it is about mail, and by whoever owns the lead when it is about the phone.
    ///
    /// # Errors
    /// When nobody knows the lead, or the store fails.
    pub async fn may_contact(
        &self,
        email: &EmailAddress,
        channel: Channel,
        rep: Option<&EmailAddress>,
        now: Timestamp,
    ) -> Result<Answer, HappenError> {
        let rules = self.rules();
        let agreement = &rules.agreement;
        let mut tx = self.store.read().await?;
        let Some(lead) = tx.person_by_email(email).await? else {
            return Err(HappenError::UnknownLead(email.clone()));
        };
        let history = ContactHistory::load(&mut tx, std::slice::from_ref(&lead), agreement, now).await?;
        let enrolment = tx.active_enrolment(lead.id).await?;
        tx.rollback().await?;
        let purpose = match (rep, channel) {
            (None, Channel::Email) => Purpose::Nurture,
            (Some(rep), _) if lead.owner.as_ref() != Some(rep) => Purpose::OtherRep,
            (Some(_) | None, _) => Purpose::Owner,
        };
        let hours = match channel {
            Channel::Phone => self.hours.phone(&lead, agreement),
            Channel::Email => {
                let sequence = enrolment.and_then(|enrolment| rules.sequences.get(&enrolment.sequence));
                self.hours.mail(&lead, agreement, sequence.and_then(|sequence| sequence.window.as_ref()))
            }
        };
        let company_days = history.company_days(&lead);
        let facts = history.facts(&lead, &company_days);
        let permission = may_contact(&facts, &agreement.contact, &hours, channel, purpose, rep, now);
        Ok(Answer { purpose, permission, zone: hours.zone().clone() })
    }
}
