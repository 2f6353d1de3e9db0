//! A manager gives a lead to somebody else, or takes it: one hand-off ends, another begins.
//!
//! Whoever had it is told to stop, because two callers are worse than one. So is whoever got a lead that its former
//! rep, who had called and not said so, takes back ([`take_back`]).

use super::facts::Behaviour;
use super::hand_off::{self, Given};
use super::pass::PassError;
use super::{Engine, Wake, sla, staff_mail};
use crate::domain::agreement::{Campaign, Policy, Rep, Team};
use crate::domain::email::EmailAddress;
use crate::domain::happening::Claim;
use crate::domain::lead::{Lead, Stage};
use crate::domain::sla::PromiseKind;
use crate::domain::sla::course::Ending;
use crate::domain::sla::once::{REASSIGNED, RECLAIMED};
use crate::store::{HandOff, NewHandOff, StoreError, Tx};

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
    let given = Given { campaign, team, policy, rep: &rep, why: &why, taken: by == Some(to) };
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

/// Whether `who` may say of a lead that it is still theirs: a level took it from them, it has not come back since,
/// and nobody has tried to reach it. What a manager decided stands.
pub(super) async fn claim(tx: &mut Tx, lead: &Lead, who: Option<&EmailAddress>) -> Result<Claim, StoreError> {
    let Some(who) = who else { return Ok(Claim::None) };
    let hand_offs = tx.hand_offs_of(lead.id).await?;
    let Some(open) = hand_offs.last().filter(|last| last.ended_at.is_none() && last.rep != *who) else {
        return Ok(Claim::None);
    };
    let Some(lost) = lost_by(&hand_offs, who) else { return Ok(Claim::None) };
    let events = tx.events_of(lead.id).await?;
    let by_manager = |kind: &str| ["reassigned", "taken"].contains(&kind);
    if events.iter().any(|event| by_manager(&event.kind) && Some(event.recorded_at) == lost.ended_at) {
        return Ok(Claim::None);
    }
    let evidence = |kind: &str| ["attempt", "contacted", "meeting", "already_talking"].contains(&kind);
    let tried = events.iter().any(|event| evidence(&event.kind) && event.recorded_at >= open.at);
    Ok(if tried { Claim::TooLate } else { Claim::Good })
}

/// The last hand-off to `who`, if the lead was taken from them then and has not gone on by anybody's word since.
fn lost_by<'a>(hand_offs: &'a [HandOff], who: &EmailAddress) -> Option<&'a HandOff> {
    let last = hand_offs.iter().rev().find(|one| one.rep == *who)?;
    let why = |one: &HandOff| one.ended_why.clone().unwrap_or_default();
    let since = hand_offs.iter().filter(|one| one.number > last.number && one.ended_at.is_some());
    let went_on = since.into_iter().any(|one| why(one) != crate::domain::sla::once::AWAY);
    (why(last) == REASSIGNED && !went_on).then_some(last)
}

/// The lead goes back from whoever has it by `open` to `by`, from whom it was taken. Their promises go on where they
/// stood: nobody gains time by not saying that they have called.
pub(super) async fn take_back(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    open: &HandOff,
    by: &EmailAddress,
) -> Result<(), PassError> {
    let hand_offs = tx.hand_offs_of(lead.id).await?;
    let Some(lost) = lost_by(&hand_offs, by) else { return Ok(()) };
    let (name, other) = (staff_mail::name_of(wake, by), staff_mail::name_of(wake, &open.rep));
    let why = format!("{name} says that it is still theirs");
    sla::close_all(tx, wake, lead.id, RECLAIMED).await?;
    hand_off::end(tx, wake, open, RECLAIMED).await?;
    let new = NewHandOff {
        lead: lead.id,
        rep: by.clone(),
        team: lost.team.clone(),
        policy: lost.policy.clone(),
        campaign: lost.campaign.clone(),
        at: wake.now,
    };
    let id = tx.insert_hand_off(&new).await?;
    // Whoever claims a lead has taken it.
    tx.accept_hand_off(id, wake.now).await?;
    let mut events = vec![wake.event(lead.id, "assigned", serde_json::json!({ "to": by, "why": why }))];
    if lead.stage != Stage::Accepted {
        events.push(wake.stage(lead, Stage::Accepted, "its rep took it back"));
    }
    lead.owner = Some(by.clone());
    tx.save_lead(lead).await?;
    tx.append(&events).await?;
    super::call_list::expect(tx, wake, by).await?;
    sla::go_on(tx, wake, lead, lost.id, id).await?;
    let taken = [(PromiseKind::Accept, Ending::Kept)];
    sla::stop_kinds(tx, wake, lead.id, &taken, RECLAIMED, wake.now).await?;
    let key = format!("reclaimed:{id}");
    let told = format!("This lead is no longer yours: {why}. Please do not call or write to them any more.");
    staff_mail::notice(engine, tx, wake, lead, &open.rep, &told, &format!("{key}:former")).await?;
    staff_mail::notice(engine, tx, wake, lead, by, "It is yours again.", &key).await?;
    let team = wake.rules.agreement.teams.get(&lost.team);
    let not_told = |who: &EmailAddress| who != by && *who != open.rep;
    if let Some(manager) = team.map(|team| &team.manager).filter(|manager| not_told(manager)) {
        let told = format!(
            "{name} has this lead again and says that it is still theirs. {other} had not tried yet."
        );
        staff_mail::matter(engine, tx, wake, lead, None, manager, &told, &format!("{key}:manager")).await?;
    }
    Ok(())
}
