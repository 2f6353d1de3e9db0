//! What marketing and managers decide by a token about a lead that sales gave back, or that lacks something.
//!
//! Each decision is made elsewhere, in a transaction of its own (`engine/recycle`), which refuses what cannot be so;
//! here is what of it waits for whoever has the token, and how their word gets there.

use jiff::Timestamp;

use super::act::{ActError, Deed, Noted, Unheeded};
use super::desk::Desk;
use super::hand_off::campaign_of;
use super::happen::{HappenError, Said};
use super::recycle::{self, Recycling};
use super::staff_mail::{self, Sides};
use super::{Engine, Wake};
use crate::domain::agreement::AfterReason;
use crate::domain::email::EmailAddress;
use crate::domain::lead::Lead;
use crate::domain::order::Mend;
use crate::domain::recycle::Refused;
use crate::domain::recycle::correction::correction;
use crate::domain::required::{Known, missing_of};
use crate::store::{Event, HandOff, StoreError, Tx};

/// What waits for whoever has a token, beside what a rep does.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// What marketing was asked to mend.
    pub mend: Option<Mending>,
    /// What its campaign requires and is not known.
    pub missing: Vec<Known>,
    /// Both sides of a dispute that the person has to answer.
    pub dispute: Option<Sides>,
    /// The last rejection can be disputed.
    pub may_dispute: bool,
}

/// What marketing was asked to mend.
#[derive(Clone, Debug)]
pub struct Mending {
    /// Why sales gave it back: "Wrong contact data, says Robin Adler on Tue 3 Mar 10:00."
    pub what: String,
    /// In the rep's words.
    pub said: Option<String>,
    /// It is somebody's double.
    pub merges: bool,
}

/// What of a lead waits for marketing.
pub(super) async fn for_marketing(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
) -> Result<Task, StoreError> {
    let agreement = &wake.rules.agreement;
    let mend = match tx.work_item(lead.id).await? {
        Some(item) => {
            let (what, said) = staff_mail::why_given_back(tx, wake, &item, lead).await?;
            let reason = agreement.reasons.get(&item.reason);
            let merges = reason.is_some_and(|reason| reason.then == AfterReason::Merge);
            Some(Mending { what, said, merges })
        }
        None => None,
    };
    let missing = match tx.incomplete_among(&[lead.id]).await?.is_empty() {
        true => Vec::new(),
        false => {
            let required = campaign_of(wake, lead).map_or(&[][..], |campaign| &campaign.required);
            missing_of(required, lead, &tx.answers(lead.id).await?)
        }
    };
    let may_dispute = recycle::can_be_disputed(engine, tx, wake, lead).await?;
    Ok(Task { mend, missing, dispute: None, may_dispute })
}

/// What waits for a manager of the team of `hand_off`.
pub(super) async fn for_manager(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    hand_off: &HandOff,
    person: &EmailAddress,
) -> Result<Task, StoreError> {
    let decides = match wake.rules.agreement.teams.get(&hand_off.team) {
        Some(team) => team.manager == *person || team.director.as_ref() == Some(person),
        None => false,
    };
    let dispute = match decides && recycle::waits_for_answer(tx, lead, hand_off).await? {
        true => staff_mail::sides(tx, wake, lead, hand_off).await?,
        false => None,
    };
    Ok(Task { dispute, ..Task::default() })
}

/// Whether `news` says that this was done, by the same person.
pub(super) fn is_done(
    mend: &Mend,
    lead: &Lead,
    news: &[Event],
    person: &EmailAddress,
    now: Timestamp,
) -> bool {
    let by_them =
        |event: &&Event| event.kind == mend.kind() && event.actor.as_deref() == Some(person.as_str());
    let Some(done) = news.iter().find(by_them) else { return false };
    match mend {
        Mend::Correct(values) => correction(lead, values, now) == Err(Refused::NothingNew),
        Mend::Answer { verdict, .. } => done.facts["verdict"] == verdict.name(),
        _ => true,
    }
}

impl Engine {
    /// Does what `deed` decides about the lead of `desk`.
    pub(super) async fn mend(
        &self,
        desk: &Desk,
        mend: &Mend,
        deed: &Deed,
        now: Timestamp,
    ) -> Result<Result<Noted, Unheeded>, ActError> {
        let words = deed.words.clone();
        let said = Said { by: Some(desk.person.clone()), words, via: deed.via, ..Said::default() };
        let what = match mend.clone() {
            Mend::Answer { verdict, to } => Recycling::Answer { verdict, to },
            Mend::Correct(values) => {
                let (answers, values): (Vec<_>, Vec<_>) = values
                    .into_iter()
                    .partition(|(name, _)| matches!(Known::parse(name), Ok(Known::Answer(_))));
                for (name, answer) in &answers {
                    if let Ok(Known::Answer(question)) = Known::parse(name) {
                        self.answered(desk.lead.id, &question, answer, now).await?;
                    }
                }
                if values.is_empty() {
                    return Ok(Ok(Noted::Now));
                }
                Recycling::Correct { values }
            }
            Mend::Replace(new) => Recycling::Replace { new, known: Box::default() },
            Mend::DuplicateOf(of) => Recycling::Merge { of, reason: self.merging_reason() },
            Mend::GiveUp => Recycling::GiveUp,
            Mend::Dispute => Recycling::Dispute,
        };
        match self.recycling(&desk.lead.email, &what, &said, now).await {
            Ok(_) => Ok(Ok(Noted::Now)),
            Err(HappenError::Failed(error)) => Err(error.into()),
            Err(refused) => Ok(Err(Unheeded::Refused(refused.to_string()))),
        }
    }

    /// The reason of the agreement that makes two leads one.
    fn merging_reason(&self) -> String {
        let rules = self.rules();
        let merges = rules.agreement.reasons.values().find(|reason| reason.then == AfterReason::Merge);
        merges.map_or_else(|| "duplicate".to_owned(), |reason| reason.name.clone())
    }
}
