//! The score and the grade of leads as they are now: interest fades, also that of a lead at which nobody looks.

use jiff::Timestamp;

use super::Engine;
use super::facts::Behaviour;
use crate::domain::agreement::{Agreement, Campaign};
use crate::domain::condition::EvaluationError;
use crate::domain::lead::Lead;
use crate::domain::scoring;
use crate::store::{StoreError, Tx};

/// Notes the score and grade that a lead has at `now` in its campaign.
pub(super) fn rescore(
    agreement: &Agreement,
    behaviour: &Behaviour,
    lead: &mut Lead,
    campaign: &Campaign,
    now: Timestamp,
) -> Result<(), EvaluationError> {
    lead.score = scoring::score(&agreement.scoring, &behaviour.facts(lead, now), behaviour.done(lead.id))?;
    if let Some(persona) = campaign.persona.as_ref().and_then(|name| agreement.personas.get(name)) {
        lead.grade = Some(scoring::grade(persona, &behaviour.facts(lead, now))?);
    }
    Ok(())
}

impl Engine {
    /// Gives leads that were read the score and the grade they have at `now`, for those who look at them. One that
    /// cannot be judged keeps what was last known.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn as_of(&self, tx: &mut Tx, leads: &mut [Lead], now: Timestamp) -> Result<(), StoreError> {
        let wake = self.wake_at(now);
        let behaviour = Behaviour::load(tx, leads, now).await?;
        for lead in leads {
            let Some(campaign) = super::hand_off::campaign_of(&wake, lead) else { continue };
            let mut judged = lead.clone();
            if rescore(&wake.rules.agreement, &behaviour, &mut judged, campaign, now).is_ok() {
                *lead = judged;
            }
        }
        Ok(())
    }
}
