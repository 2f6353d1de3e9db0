//! What marketing does about a lead that sales gave back to be looked at: corrects it, names the right person, or
//! gives it up.

use jiff::Timestamp;
use serde_json::json;

use super::super::happen::{HappenError, Said};
use super::super::pass::PassError;
use super::super::person::CORRECTED_TO;
use super::super::{Engine, Wake, staff_mail};
use crate::domain::agreement::AfterReason;
use crate::domain::email::EmailAddress;
use crate::domain::happening::Refusal;
use crate::domain::intake::merge::Authority;
use crate::domain::lead::{CrmState, Lead, LeadRecord, Profile, Stage, Touch};
use crate::domain::recycle::correction::{Change, Correction, correction};
use crate::domain::recycle::{Refused, goes_with_the_person};
use crate::store::{NewEvent, StoreError, Tx};

/// Where a lead comes from that marketing found because another one was not the right person.
const COLLEAGUE: &str = "colleague";

impl Engine {
    /// Corrects what is known of the lead at `email`: names of fields and their values, an empty one meaning that
    /// it is not known. A lead that waits for marketing goes back to the rep who had it.
    ///
    /// # Errors
    /// [`HappenError::Refused`] says in words that can be shown why it cannot be so; then nothing was changed.
    pub(super) async fn correct(
        &self,
        email: &EmailAddress,
        values: &[(String, String)],
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        let lead = tx.lock_person_by_email(email).await?;
        let mut lead = lead.ok_or_else(|| HappenError::UnknownLead(email.clone()))?;
        let Correction { email, profile, changes } = correction(&lead, values, now).map_err(Refusal::from)?;
        if let Some(new) = email {
            self.readdress(&mut tx, &wake, &mut lead, new).await?;
        }
        lead.profile = profile;
        for Change { field, before, after } in &changes {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            let words = format!("{}{CORRECTED_TO}{}", shown(before), shown(after));
            let event = by(said, wake.event(lead.id, "corrected", json!({ "field": field })));
            tx.append_with_text(&event, Some(&words)).await?;
        }
        if lead.stage.is_nurtured() {
            lead.due_at = Some(now);
        }
        let fields: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
        let fields = fields.join(", ").replace('_', " ");
        if waits_for_marketing(&mut tx, &wake, &lead).await? {
            self.give_to_sales_again(&mut tx, &wake, &mut lead, &format!("corrected: {fields}")).await?;
        } else if let Some(owner) = lead.owner.clone().filter(|_| lead.stage.sales_has_the_word())
            && said.by.as_ref() != Some(&owner)
        {
            tx.save_lead(&lead).await?;
            let words = format!("What is known of this lead was corrected: {fields}.");
            let key = format!("corrected:{}:{now}", lead.id);
            staff_mail::notice(self, &mut tx, &wake, &lead, &owner, &words, &key).await?;
        }
        tx.save_lead(&lead).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(lead)
    }

    /// Another address of the same person. What it refused it still refuses; mail that waits goes there.
    async fn readdress(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        new: EmailAddress,
    ) -> Result<(), HappenError> {
        self.refuse_erased(tx, &new).await?;
        if tx.lead_by_email(&new).await?.is_some() {
            return Err(Refusal::from(Refused::AddressTaken(new)).into());
        }
        for suppression in tx.suppressions(&lead.email).await? {
            if goes_with_the_person(suppression.reason) {
                tx.suppress(&new, suppression.reason, Some("said under another address"), wake.now).await?;
            }
        }
        tx.readdress_waiting_mail(lead.id, &new).await?;
        lead.email = new;
        Ok(())
    }

    /// Nobody whose data was erased comes back by another door than their own.
    async fn refuse_erased(&self, tx: &mut Tx, email: &EmailAddress) -> Result<(), HappenError> {
        if tx.erased_among(&[self.erased_hash(email)]).await?.is_empty() {
            Ok(())
        } else {
            Err(Refusal::from(Refused::Erased).into())
        }
    }

    /// A lead that was given back is sales' again: the rep who had it gets it, if they are there and have room.
    pub(super) async fn give_to_sales_again(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
        why: &str,
    ) -> Result<(), PassError> {
        tx.close_work_item(lead.id, why, wake.now).await?;
        if let Some(given_back) = tx.last_given_back(lead.id).await? {
            lead.owner = tx.hand_off(given_back.hand_off).await?.map(|hand_off| hand_off.rep);
        }
        lead.next_sequence = None;
        lead.due_at = Some(wake.now);
        let event = wake.stage(lead, Stage::Qualified, why);
        tx.save_lead(lead).await?;
        tx.append(&[event]).await?;
        let why = "marketing mended it, and sales gets it again";
        super::is_moot(self, tx, wake, lead, why, super::Tell::Manager).await
    }

    /// Marketing found the right person: `new` comes in as a lead of the same company and campaign, and the rep who
    /// had the other one gets it when it is ready. The lead at `email` ends.
    ///
    /// # Errors
    /// [`HappenError::Refused`] when marketing was not asked about it; then nothing was changed.
    pub(super) async fn replace(
        &self,
        email: &EmailAddress,
        new: &EmailAddress,
        known: Profile,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        tx.lock_persons_by_email(&[email, new]).await?;
        let lead = tx.lock_person_by_email(email).await?;
        let mut lead = lead.ok_or_else(|| HappenError::UnknownLead(email.clone()))?;
        if lead.email == *new {
            return Err(Refusal::from(Refused::Itself(new.clone())).into());
        }
        self.refuse_erased(&mut tx, new).await?;
        if tx.work_item(lead.id).await?.is_none() {
            return Err(Refusal::from(Refused::NotAsked).into());
        }
        let rep = match tx.last_given_back(lead.id).await? {
            Some(given_back) => tx.hand_off(given_back.hand_off).await?.map(|hand_off| hand_off.rep),
            None => None,
        };
        let record = LeadRecord {
            email: new.clone(),
            profile: Profile {
                company: known.company.or(lead.profile.company.clone()),
                country: known.country.or(lead.profile.country.clone()),
                zone: known.zone.or(lead.profile.zone.clone()),
                language: known.language.or(lead.profile.language.clone()),
                ..known
            },
            campaign: lead.campaign.clone(),
            score: None,
            created_at: None,
            touch: Touch { occurred_at: Some(now), source: Some(COLLEAGUE.to_owned()), ..Touch::default() },
            answers: Vec::new(),
            activities: Vec::new(),
            crm: CrmState { owner: rep, ..CrmState::default() },
        };
        self.take_in_one(&mut tx, &wake, &record, Authority::Form).await?;
        self.hand_to_sales(&mut tx, &wake, new, &record).await?;
        let found = tx.person_by_email(new).await?;
        // By its row: the words of one lead name no other, who may want to be forgotten.
        let facts = json!({ "instead": found.as_ref().map(|found| found.id) });
        tx.append(&[by(said, wake.event(lead.id, "replaced", facts))]).await?;
        self.give_up(&mut tx, &wake, &mut lead, "marketing found the right person").await?;
        tx.commit().await?;
        self.wake_up();
        found.ok_or_else(|| HappenError::UnknownLead(new.clone()))
    }

    /// Whoever stands in for another one has asked for nothing: they enter no sequence, and go to the rep at once.
    /// One whom sales has already, or who was given back, stays as they are.
    async fn hand_to_sales(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        new: &EmailAddress,
        record: &LeadRecord,
    ) -> Result<(), PassError> {
        let Some(mut found) = tx.lock_person_by_email(new).await? else {
            return Ok(());
        };
        if found.stage != Stage::New && !found.stage.is_nurtured() {
            return Ok(());
        }
        self.end_sequence(tx, wake, found.id, "it is the right person in place of another").await?;
        found.campaign = found.campaign.or(record.campaign.clone());
        found.owner = found.owner.or(record.crm.owner.clone());
        found.due_at = Some(wake.now);
        let event = wake.stage(&mut found, Stage::Qualified, "it is the right person in place of another");
        tx.save_lead(&found).await?;
        tx.append(&[event]).await?;
        Ok(())
    }

    /// Marketing gives up a lead that it was asked to look at.
    ///
    /// # Errors
    /// [`HappenError::Refused`] when it was not asked; then nothing was changed.
    pub(super) async fn drop_lead(
        &self,
        email: &EmailAddress,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        let wake = self.wake_at(now);
        let mut tx = self.store.begin().await?;
        let lead = tx.lock_person_by_email(email).await?;
        let mut lead = lead.ok_or_else(|| HappenError::UnknownLead(email.clone()))?;
        if tx.work_item(lead.id).await?.is_none() {
            return Err(Refusal::from(Refused::NotAsked).into());
        }
        let event = by(said, wake.event(lead.id, "given_up", json!({})));
        tx.append_with_text(&event, said.words.as_deref()).await?;
        self.give_up(&mut tx, &wake, &mut lead, "marketing gave it up").await?;
        tx.commit().await?;
        Ok(lead)
    }

    async fn give_up(&self, tx: &mut Tx, wake: &Wake, lead: &mut Lead, why: &str) -> Result<(), PassError> {
        tx.close_work_item(lead.id, why, wake.now).await?;
        if lead.stage != Stage::Disqualified {
            let event = wake.stage(lead, Stage::Disqualified, why);
            tx.append(&[event]).await?;
        }
        lead.due_at = None;
        tx.save_lead(lead).await?;
        super::is_moot(self, tx, wake, lead, why, super::Tell::Manager).await
    }
}

/// Whether a lead waits for marketing to mend it, so that mending brings it back.
async fn waits_for_marketing(tx: &mut Tx, wake: &Wake, lead: &Lead) -> Result<bool, StoreError> {
    let Some(item) = tx.work_item(lead.id).await?.filter(|_| lead.stage == Stage::Rejected) else {
        return Ok(false);
    };
    let reason = wake.rules.agreement.reasons.get(&item.reason);
    Ok(reason.is_none_or(|reason| reason.then == AfterReason::Marketing))
}

fn by(said: &Said, mut event: NewEvent) -> NewEvent {
    if let Some(via) = said.via.name() {
        event.facts["via"] = json!(via);
    }
    NewEvent { actor: said.by.as_ref().map(|by| by.as_str().to_owned()), ..event }
}
