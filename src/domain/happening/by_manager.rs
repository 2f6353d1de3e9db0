//! What a team's manager decides about a lead: who has it, whether its rep gets more time, and whether it goes
//! back. Never what came of a call: that is for whoever called to say.

use jiff::Timestamp;

use super::given_back::{given_back, known_reason};
use super::{Consequences, HandOffFacts, Promises, Refusal, tell_owner, wrong_stage};
use crate::domain::agreement::Agreement;
use crate::domain::calendar::Calendar;
use crate::domain::email::EmailAddress;
use crate::domain::lead::{Lead, Stage};
use crate::problem::nearest;

/// The lead goes to `to`: a rep, or whoever answers for a team. Their promise begins; the one before it ends.
pub(super) fn goes_to(
    lead: &Lead,
    to: &EmailAddress,
    agreement: &Agreement,
) -> Result<Consequences, Refusal> {
    if !is_with_sales(lead) {
        return Err(wrong_stage(lead, "given to somebody"));
    }
    if lead.owner.as_ref() == Some(to) {
        return Err(Refusal::TheirsAlready { owner: to.clone() });
    }
    if agreement.rep(to).is_none() && !agreement.answers_for_team(to) {
        let known = agreement.teams.values().flat_map(|team| &team.reps).map(|rep| rep.email.as_str());
        let suggestion =
            nearest(to.as_str(), known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(Refusal::UnknownRep { rep: to.clone(), suggestion });
    }
    Ok(Consequences { goes_to: Some(to.clone()), ..Consequences::default() })
}

/// The full time once more, from now; once for each hand-off, or a deadline would be none.
pub(super) fn extended(lead: &Lead, hand_off: HandOffFacts) -> Result<Consequences, Refusal> {
    if !is_with_sales(lead) {
        return Err(wrong_stage(lead, "given more time"));
    }
    if hand_off.extended {
        return Err(Refusal::ExtendedBefore);
    }
    if !hand_off.promise_runs {
        return Err(Refusal::NothingRuns);
    }
    Ok(Consequences {
        promises: Promises::Recount,
        tell: tell_owner(lead, "You have the full time for this lead once more, counted from now."),
        ..Consequences::default()
    })
}

/// As a rep gives a lead back, but also one with a deal to win: a manager may see that there is none.
pub(super) fn recycled(
    lead: &Lead,
    reason: &str,
    actor: Option<&EmailAddress>,
    agreement: &Agreement,
    hours: &Calendar,
    now: Timestamp,
) -> Result<Consequences, Refusal> {
    let reason = known_reason(agreement, reason, "rejected", |reason| reason.for_rejected)?;
    if !is_with_sales(lead) {
        return Err(wrong_stage(lead, "given back"));
    }
    let given_back = given_back(lead, Stage::Rejected, reason, hours, now)?;
    // Whoever has it, perhaps with a deal open, would go on with it.
    let told = (lead.owner.as_ref() != actor).then(|| {
        format!("This lead was taken from you and given back: {}. Nothing is left to do.", reason.label)
    });
    // It is not the rep's answer.
    let tell = told.and_then(|words| tell_owner(lead, &words));
    Ok(Consequences { promises: Promises::Void, tell, ..given_back })
}

fn is_with_sales(lead: &Lead) -> bool {
    lead.stage.sales_has_the_word() && lead.stage != Stage::Won
}
