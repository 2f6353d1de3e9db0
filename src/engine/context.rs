//! What a mail to a lead is told about that lead: the values behind `playbook/schemas.rs`'s `LEAD_MAIL`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Engine;
use crate::domain::agreement::{Agreement, Campaign};
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::domain::sla::PromiseKind;
use crate::mail::render::ASKING;
use crate::mail::{question, unsubscribe};
use crate::store::{StoreError, Tx};

impl Engine {
    /// The values for a step of a sequence. `contact_by`: until when somebody has promised to turn to the lead.
    pub fn lead_values(&self, lead: &Lead, agreement: &Agreement, contact_by: Option<Timestamp>) -> Value {
        let contact_by = contact_by.map(|by| {
            let phone = self.hours.phone(lead, agreement);
            format!("{} ({})", phone.local(by).strftime("%A %-d %B %H:%M"), phone.zone_name())
        });
        let mut values = json!({
            "lead": person(lead),
            "campaign": campaign(lead.campaign.as_deref().and_then(|name| agreement.campaign(name))),
            "sender": {
                "name": self.identity.sender_name(),
                "company": self.identity.company,
                "postal_address": self.identity.postal_address,
            },
            "unsubscribe_url": self.unsubscribe_url(lead),
            "contact_by": contact_by,
        });
        values[ASKING] = question::asking(&self.keys.questions, lead.id, &self.identity.public_url);
        values
    }

    /// The link that takes a lead off the list, for ever valid.
    pub fn unsubscribe_url(&self, lead: &Lead) -> String {
        let token = unsubscribe::token(&self.keys.unsubscribe, lead.id);
        format!("{}/u/{token}", self.identity.public_url)
    }
}

/// Until when first contact with these leads is promised, where it is owed.
///
/// # Errors
/// When the store fails.
pub async fn contact_promised(
    tx: &mut Tx,
    leads: &[LeadId],
) -> Result<BTreeMap<LeadId, Timestamp>, StoreError> {
    let clocks = if leads.is_empty() { Vec::new() } else { tx.running_clocks_of(leads).await? };
    let first = clocks.into_iter().filter(|clock| clock.kind == PromiseKind::FirstContact);
    Ok(first.map(|clock| (clock.lead, clock.deadline_at)).collect())
}

/// The fields of a lead that both kinds of mail have.
pub(super) fn person(lead: &Lead) -> Value {
    json!({
        "email": lead.email.as_str(),
        "first_name": lead.profile.first_name,
        "last_name": lead.profile.last_name,
        "full_name": lead.profile.full_name(),
        "company": lead.profile.company,
        "title": lead.profile.title,
        "country": lead.profile.country,
        "source": lead.source,
    })
}

/// The fields of a campaign that both kinds of mail have.
pub(super) fn campaign(campaign: Option<&Campaign>) -> Value {
    json!({
        "name": campaign.map(|campaign| &campaign.name),
        "brief": campaign.and_then(|campaign| campaign.brief.as_ref()),
        "incentive": campaign.and_then(|campaign| campaign.incentive.as_ref()),
    })
}
