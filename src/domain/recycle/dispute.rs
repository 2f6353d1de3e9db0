//! Whether marketing may disagree with a rejection, and who answers.
//!
//! A rejection is disputed once, by marketing, while the lead is still given back. The manager of the team that gave
//! it back answers, or the director; the rep who rejected it is no judge of that, and neither is marketing.

use jiff::Timestamp;

use super::{Refused, Verdict};
use crate::domain::agreement::Agreement;
use crate::domain::calendar::Calendar;
use crate::domain::email::EmailAddress;
use crate::domain::lead::{Lead, Stage};

/// A rejection, as far as a dispute about it goes.
#[derive(Clone, Copy, Debug)]
pub struct Rejection<'a> {
    /// The team of the rep who rejected, by its name.
    pub team: &'a str,
    /// When it was said.
    pub at: Timestamp,
    /// It was a loss: the deal was theirs to lose.
    pub is_loss: bool,
    /// When it was disputed.
    pub disputed_at: Option<Timestamp>,
    /// How that ended.
    pub verdict: Option<Verdict>,
}

/// Whether `by` (`None`: marketing) may dispute the last rejection of `lead`.
///
/// # Errors
/// In words for whoever asks.
pub fn may_dispute(
    lead: &Lead,
    rejection: Option<Rejection<'_>>,
    by: Option<&EmailAddress>,
    agreement: &Agreement,
    calendar: &Calendar,
) -> Result<(), Refused> {
    if agreement.marketing.dispute_answer.is_none() {
        return Err(Refused::NoDisputes);
    }
    if let Some(rep) = by.filter(|by| agreement.rep(by).is_some()) {
        return Err(Refused::NotTheirs {
            who: rep.clone(),
            what: "raise a dispute",
            whom: format!("marketing ({})", agreement.marketing.manager),
        });
    }
    let Some(rejection) = rejection.filter(|rejection| lead.stage.is_given_up() && !rejection.is_loss) else {
        return Err(Refused::NotRejected { stage: lead.stage });
    };
    if let Some(at) = rejection.disputed_at {
        let outcome = rejection.verdict.map(|verdict| format!(", and {}", verdict.name()));
        return Err(Refused::DisputedBefore {
            on: calendar.local(at).date(),
            outcome: outcome.unwrap_or_default(),
        });
    }
    Ok(())
}

/// Whether `by` (`None`: the manager) may answer a dispute about the last rejection of `lead` so.
///
/// # Errors
/// In words for whoever asks.
pub fn may_answer(
    lead: &Lead,
    rejection: Option<Rejection<'_>>,
    verdict: Verdict,
    by: Option<&EmailAddress>,
    agreement: &Agreement,
) -> Result<(), Refused> {
    let waits = rejection.filter(|rejection| rejection.disputed_at.is_some() && rejection.verdict.is_none());
    let Some(rejection) = waits else {
        return Err(Refused::NothingToAnswer);
    };
    // A rejection may end a lead, which is then overturned with it. What ended it since is another matter.
    let ended_since = lead.stage == Stage::Disqualified && lead.stage_at != rejection.at;
    if verdict == Verdict::Overturned && (ended_since || !lead.stage.is_given_up()) {
        return Err(Refused::NothingToOverturn { stage: lead.stage });
    }
    let Some(team) = agreement.teams.get(rejection.team) else {
        return Ok(());
    };
    let decides = |by: &EmailAddress| *by == team.manager || team.director.as_ref() == Some(by);
    match by.filter(|by| !decides(by)) {
        Some(by) => Err(Refused::NotTheirs {
            who: by.clone(),
            what: "answer a dispute",
            whom: format!("the team's manager, {}", team.manager),
        }),
        None => Ok(()),
    }
}
