//! Ready leads for which nobody of their team is there and that cannot wait: whoever stands in gets them.
//!
//! The teams to which theirs overflows were asked before. Whether a lead can wait is decided in
//! `domain/routing/waiting.rs`.

use super::board::{Board, Nobody};
use super::{policy_of, queue, team_calendar};
use crate::domain::agreement::{Campaign, Policy, Rep};
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::domain::routing::cannot_wait;
use crate::domain::sla::PromiseKind;
use crate::engine::facts::Behaviour;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake, absence, sla};
use crate::store::Tx;

/// Leads of a campaign that are looked at in one transaction, the best first.
const BATCH: i64 = 50;

/// The waiting leads that whoever stands in gets now.
pub(super) async fn cannot_wait_any_longer(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    board: &Board,
) -> Result<Vec<LeadId>, PassError> {
    let mut found = Vec::new();
    for campaign in &wake.rules.agreement.campaigns {
        let nobody = queue::nobody(wake, board, campaign);
        let may_go = campaign.raised_hand || (nobody.full.is_empty() && nobody.until.is_some());
        if !may_go || !is_at_work(wake, campaign) || board.room(wake, campaign) > 0 {
            continue;
        }
        let waiting: Vec<LeadId> =
            tx.waiting_leads(&campaign.name, BATCH).await?.iter().map(|waiting| waiting.lead).collect();
        let leads = if waiting.is_empty() { Vec::new() } else { tx.leads(&waiting).await? };
        let behaviour = Behaviour::load(tx, &leads, wake.now).await?;
        for lead in &leads {
            let Ok(Some(policy)) = policy_of(wake, lead, campaign, &behaviour) else { continue };
            if instead(engine, tx, wake, lead, (campaign, policy), &nobody).await?.is_some() {
                found.push(lead.id);
            }
        }
    }
    Ok(found)
}

/// Who gets a lead for which nobody is there; `None`: it waits.
pub(super) async fn instead(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    (campaign, policy): (&Campaign, &Policy),
    nobody: &Nobody,
) -> Result<Option<Rep>, PassError> {
    let Some(team) = wake.rules.agreement.teams.get(&campaign.team).filter(|_| is_at_work(wake, campaign))
    else {
        return Ok(None);
    };
    let names = (campaign.team.as_str(), policy.name.as_str());
    let Some(terms) = sla::terms_for(engine, wake, lead, names, PromiseKind::FirstContact)? else {
        return Ok(None);
    };
    let due = terms.assess(wake.now, &[], &[], wake.now)?.deadline.at;
    if !cannot_wait(campaign.raised_hand, !nobody.full.is_empty(), nobody.until, due) {
        return Ok(None);
    }
    absence::stand_in(tx, wake, team, None).await
}

/// Out of hours a lead waits for the opening, whoever is there then.
fn is_at_work(wake: &Wake, campaign: &Campaign) -> bool {
    let team = wake.rules.agreement.teams.get(&campaign.team);
    team.is_some_and(|team| team_calendar(wake, team).is_open(wake.now))
}
