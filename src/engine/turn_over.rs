//! A manager gives a lead to somebody else, or takes it: one hand-off ends, another begins.
//!
//! Whoever had it is told to stop, because two callers are worse than one.

use super::facts::Behaviour;
use super::hand_off::{self, Given};
use super::pass::PassError;
use super::{Engine, Wake, sla, staff_mail};
use crate::domain::agreement::{Campaign, Policy, Rep, Team};
use crate::domain::email::EmailAddress;
use crate::domain::lead::Lead;
use crate::domain::sla::once::REASSIGNED;
use crate::store::{HandOff, Tx};

/// Gives `lead` to `to`, who is a rep or answers for a team. `from` is the hand-off it is in.
pub(super) async fn give_to(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    from: Option<&HandOff>,
    to: &EmailAddress,
    by: Option<&EmailAddress>,
) -> Result<(), PassError> {
    let behaviour = Behaviour::load(tx, std::slice::from_ref(lead), wake.now).await?;
    // What a condition cannot tell is what the last hand-off was promised.
    let Some((campaign, campaign_team, policy)) = terms(wake, lead, &behaviour, from) else {
        return Ok(());
    };
    let former_team = from.and_then(|from| wake.rules.agreement.teams.get(&from.team));
    let (team, rep) = receiver(wake, to, former_team.unwrap_or(campaign_team));
    let former = lead.owner.clone();
    sla::close_all(tx, wake, lead.id, REASSIGNED).await?;
    if let Some(from) = from {
        hand_off::end(tx, wake, from, REASSIGNED).await?;
    }
    let why = match by {
        Some(by) if by == to => format!("{} took it over", rep.name),
        Some(by) => format!("{} gave it to {}", staff_mail::name_of(wake, by), rep.name),
        None => format!("it was given to {}", rep.name),
    };
    let given = Given { campaign, team, policy, rep: &rep, why: &why };
    hand_off::hand_off(engine, tx, wake, &behaviour, lead, &given).await?;
    if let (Some(former), Some(from)) = (former.filter(|former| former != to), from) {
        let words =
            format!("This lead is no longer yours: {why}. Please do not call or write to them any more.");
        let key = format!("turned-over:{}", from.id);
        staff_mail::notice(engine, tx, wake, lead, &former, &words, &key).await?;
    }
    Ok(())
}

fn terms<'a>(
    wake: &'a Wake,
    lead: &Lead,
    behaviour: &Behaviour,
    from: Option<&HandOff>,
) -> Option<(&'a Campaign, &'a Team, &'a Policy)> {
    let agreement = &wake.rules.agreement;
    hand_off::terms_of(wake, lead, behaviour).unwrap_or_else(|_| {
        let campaign = hand_off::campaign_of(wake, lead)?;
        let team = agreement.teams.get(&campaign.team)?;
        let policy = from.and_then(|from| agreement.policies.get(&from.policy));
        Some((campaign, team, policy.or_else(|| agreement.policies.get(&campaign.policy))?))
    })
}

/// Who gets it, and in which team's hours: a rep's own team; a manager's is the one that had the lead, or the
/// one they answer for.
fn receiver<'a>(wake: &'a Wake, to: &EmailAddress, former: &'a Team) -> (&'a Team, Rep) {
    let agreement = &wake.rules.agreement;
    if let Some((team, rep)) = agreement.rep(to) {
        return (team, rep.clone());
    }
    let team = if former.is_answered_for_by(to) {
        former
    } else {
        agreement.teams.values().find(|team| team.is_answered_for_by(to)).unwrap_or(former)
    };
    let rep = Rep {
        name: staff_mail::name_of(wake, to),
        email: to.clone(),
        // Whoever takes it has room for it.
        capacity: i64::MAX,
        new_per_week: None,
        weight: 1,
        away: Vec::new(),
        territory: None,
    };
    (team, rep)
}
