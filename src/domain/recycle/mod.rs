//! What becomes of a lead that was given back: whether marketing may disagree, whether what it does ends its rest,
//! what it takes over from a double.
//!
//! When and how it comes back is its reason's to say ([`super::agreement::AfterReason`]); what follows from a
//! rejection as such stands in [`super::happening`].

pub mod correction;
pub mod dispute;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::agreement::{Agreement, Campaign};
use super::calendar::Calendar;
use super::condition::{EvaluationError, Facts};
use super::contact::{SuppressionReason, start_of_day};
use super::email::EmailAddress;
use super::lead::{Answer, Lead, Profile, Stage};
use super::names::names;
use super::scoring::{self, Done};

names! {
    /// How a dispute about a rejection ended.
    Verdict, "verdict" {
        /// The lead stays given back.
        Upheld = "upheld",
        /// Sales gets it again.
        Overturned = "overturned",
        /// The lead came back by itself before anybody answered.
        Moot = "moot",
    }
}

/// Why something about a lead that was given back cannot be so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is for somebody else to say.
    #[error("{who} cannot {what}: that is for {whom}")]
    NotTheirs {
        /// Who said so.
        who: EmailAddress,
        /// "raise a dispute".
        what: &'static str,
        /// Who could.
        whom: String,
    },
    /// Sales has not given it back, or it is back already.
    #[error("the lead is {}: only a rejection can be disputed, while the lead is still given back", stage.words())]
    NotRejected {
        /// Where it is.
        stage: Stage,
    },
    /// Both sides have had their say.
    #[error("this rejection was disputed before, on {on}{outcome}: it is disputed once")]
    DisputedBefore {
        /// When.
        on: jiff::civil::Date,
        /// ", and upheld".
        outcome: String,
    },
    /// The agreement does not provide for it.
    #[error("the agreement has no disputes: write `dispute_answer` into [marketing] first")]
    NoDisputes,
    /// Nobody waits for an answer.
    #[error("no dispute about this lead waits for an answer")]
    NothingToAnswer,
    /// The rejection is not what keeps the lead from sales.
    #[error("the lead is {} for another reason since: uphold the rejection, which changes nothing", stage.words())]
    NothingToOverturn {
        /// Where it is.
        stage: Stage,
    },
    /// Whoever disagrees has a reason.
    #[error("say why the rejection was wrong: the manager decides by it")]
    SayWhy,
    /// A lead is no double of itself.
    #[error("{0} is the lead itself: name the other one")]
    Itself(EmailAddress),
    /// It was said before.
    #[error("it was merged into {0} before: what comes in for it is that lead's")]
    MergedBefore(EmailAddress),
    /// The record that should end is the one that goes on.
    #[error(
        "a lead at stage `{}` goes on: say it the other way round, so that {other} ends as the duplicate of it",
        stage.words()
    )]
    TheOtherWayRound {
        /// Where it is.
        stage: Stage,
        /// The other lead.
        other: EmailAddress,
    },
    /// The reason given does not merge.
    #[error("`{reason}` does not merge two leads, so leave `of` out{hint}")]
    DoesNotMerge {
        /// What was said.
        reason: String,
        /// "; `duplicate` does".
        hint: String,
    },
    /// Another lead has the address.
    #[error(
        "{0} is another lead's address: if they are one person, give this one back as a duplicate of that"
    )]
    AddressTaken(EmailAddress),
    /// Whoever has the address asked to be forgotten. It is not repeated: nothing that is kept may name them.
    #[error(
        "the person with that address had their data erased: they are known again only when they ask for it"
    )]
    Erased,
    /// Nothing is different.
    #[error("that is what is known already: nothing changes")]
    NothingNew,
    /// Nobody asked marketing about it.
    #[error("marketing was not asked about this lead: sales has not given it back to be looked at")]
    NotAsked,
    /// The field is none of a lead.
    #[error("a lead has no `{name}`{hint}")]
    UnknownField {
        /// What was written.
        name: String,
        /// "; did you mean `phone`?"
        hint: String,
    },
    /// The value cannot be read.
    #[error("`{field}`: {why}")]
    Unreadable {
        /// Which field.
        field: String,
        /// What is wrong.
        why: String,
    },
}

/// Who gets a lead the next time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NextRep {
    /// Whoever's turn it is.
    #[default]
    Anyone,
    /// Whoever had it, if they are there and have room.
    Same,
    /// Somebody else.
    Another,
}

/// Whether what a resting lead did since it was given back reaches the hand-off point by itself. What made it
/// ready before does not make it ready again: visits count from then on only, and a point that is reached by
/// everybody is reached by a raised hand (see [`scoring::raised_hand`]), not by a visit. Gives the score of what
/// it did since.
///
/// # Errors
/// When a rule or the hand-off point cannot be evaluated for it.
pub fn is_ready_anew(
    agreement: &Agreement,
    campaign: &Campaign,
    lead: &Lead,
    answers: &[Answer],
    done: &[Done],
    now: Timestamp,
) -> Result<Option<i64>, EvaluationError> {
    if done.is_empty() {
        return Ok(None);
    }
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for done in done {
        *counts.entry(done.name.clone()).or_default() += done.times;
    }
    let before = Lead { base_score: 0, score: 0, ..lead.clone() };
    if campaign.qualify.holds(&Facts { answers, ..Facts::of(&before, now) })? {
        return Ok(None);
    }
    let mut after = before.clone();
    let facts = Facts { answers, activities: &counts, ..Facts::of(&before, now) };
    after.score = scoring::score(&agreement.scoring, &facts, done)?;
    if let Some(persona) = campaign.persona.as_ref().and_then(|name| agreement.personas.get(name)) {
        after.grade = Some(scoring::grade(persona, &Facts { lead: &after, ..facts })?);
    }
    let is_ready = campaign.qualify.holds(&Facts { lead: &after, ..facts })?;
    Ok(is_ready.then_some(after.score))
}

/// Whether `by` may say that `double` is the same person as `other`.
///
/// # Errors
/// In words for whoever says so.
pub fn may_merge(
    double: &Lead,
    other: &Lead,
    by: Option<&EmailAddress>,
    agreement: &Agreement,
) -> Result<(), Refused> {
    if double.id == other.id {
        return Err(Refused::Itself(other.email.clone()));
    }
    if matches!(double.stage, Stage::Opportunity | Stage::Won) {
        return Err(Refused::TheOtherWayRound { stage: double.stage, other: other.email.clone() });
    }
    match by.filter(|by| agreement.rep(by).is_some() && double.owner.as_ref() != Some(by)) {
        Some(rep) => Err(Refused::NotTheirs {
            who: rep.clone(),
            what: "say so",
            whom: match &double.owner {
                Some(owner) => format!("{owner}, whose lead it is, or marketing"),
                None => "marketing: nobody of sales has it".to_owned(),
            },
        }),
        None => Ok(()),
    }
}

/// A lead takes over what it does not know from its double. What it knows stays.
pub fn absorb(lead: &mut Lead, double: &Lead) {
    let Profile { first_name, last_name, company, title, phone, country, zone, language, fields } =
        &mut lead.profile;
    let known = &double.profile;
    // A first name of one and a last name of the other would make a third person.
    if first_name.is_none() && last_name.is_none() {
        first_name.clone_from(&known.first_name);
        last_name.clone_from(&known.last_name);
    }
    for (mine, theirs) in [
        (company, &known.company),
        (title, &known.title),
        (phone, &known.phone),
        (country, &known.country),
        (zone, &known.zone),
        (language, &known.language),
    ] {
        if mine.is_none() {
            mine.clone_from(theirs);
        }
    }
    for (name, value) in &known.fields {
        fields.entry(name.clone()).or_insert_with(|| value.clone());
    }
    if double.created_at < lead.created_at {
        lead.created_at = double.created_at;
        lead.source = double.source.clone().or(lead.source.take());
    } else if lead.source.is_none() {
        lead.source.clone_from(&double.source);
    }
    lead.base_score = lead.base_score.max(double.base_score);
    lead.away_until = lead.away_until.max(double.away_until);
    lead.follow_up_at = lead.follow_up_at.max(double.follow_up_at);
}

/// Whether a refusal is the person's, whatever the address: it goes with them to another one. That an address does
/// not exist, or is no longer the person's, is the address's.
pub fn goes_with_the_person(reason: SuppressionReason) -> bool {
    match reason {
        SuppressionReason::HardBounce | SuppressionReason::SoftBounces | SuppressionReason::LeftCompany => {
            false
        }
        SuppressionReason::Unsubscribed
        | SuppressionReason::Complaint
        | SuppressionReason::DoNotCall
        | SuppressionReason::DoNotContact
        | SuppressionReason::Erased => true,
    }
}

/// When marketing's next list is written: when the office opens, today if it has not yet.
pub fn next_list(office: &Calendar, now: Timestamp) -> Option<Timestamp> {
    let today = office.local(now).date();
    let opens = |day| start_of_day(office, day).and_then(|midnight| office.next_open(midnight));
    match opens(today).filter(|opening| *opening > now) {
        Some(opening) => Some(opening),
        None => opens(today.tomorrow().ok()?),
    }
}

#[cfg(test)]
mod tests;
