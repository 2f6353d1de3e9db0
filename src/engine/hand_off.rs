//! Which leads are ready, and which rep gets each.
//!
//! A lead is looked at when something happened to it. When its campaign's hand-off point is reached it is
//! `qualified`; it goes to a rep at the first moment that its policy and the team's hours allow, or waits,
//! still nurtured, until somebody has room.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::duty::Duty;
use super::facts::Behaviour;
use super::pass::{PassError, PassReport};
use super::{Engine, Wake, sla, staff_mail};
use crate::domain::agreement::{Campaign, Policy, Rep, Team};
use crate::domain::calendar::Calendar;
use crate::domain::commitments;
use crate::domain::condition::EvaluationError;
use crate::domain::lead::{Lead, Stage};
use crate::domain::routing::{Route, Turn, absence, choose};
use crate::domain::scoring;
use crate::domain::sla::PromiseKind;
use crate::store::{HandOff, NewDelivery, NewHandOff, Tx};

/// Leads looked at in one transaction.
const BATCH: i64 = 50;

/// Whoever has room says so, and the waiting leads are looked at at once; but one that somebody had locked at
/// that moment was left out. So each is looked at this often whatever happens.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// The promises that begin with a hand-off, those that its policy makes. The attempts are owed from there on, and
/// not from the first of them: whoever waits with it gains nothing.
const AT_HAND_OFF: [PromiseKind; 3] = [PromiseKind::Accept, PromiseKind::FirstContact, PromiseKind::Attempts];

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    if !engine.has(Duty::HandOff, wake.now).await? {
        return Ok(PassReport::default());
    }
    let turn = wake.turn();
    let mut report = PassReport::default();
    for stage in [Stage::Nurturing, Stage::Qualified] {
        loop {
            let mut tx = engine.store.begin().await?;
            let leads = tx.lock_leads_due(stage, wake.now, BATCH).await?;
            if leads.is_empty() || engine.is_stopping() {
                tx.rollback().await?;
                break;
            }
            let behaviour = Behaviour::load(&mut tx, &leads).await?;
            if stage == Stage::Qualified {
                tx.lock_routing().await?;
            }
            for lead in leads {
                let looked_at = match stage {
                    Stage::Nurturing => assess(engine, &mut tx, wake, &behaviour, lead).await?,
                    _ => route(engine, &mut tx, wake, &behaviour, lead).await?,
                };
                report = report.and(looked_at);
            }
            tx.commit().await?;
            if turn.is_over() {
                return Ok(report);
            }
        }
    }
    Ok(report)
}

/// Whether a nurtured lead is ready.
async fn assess(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    mut lead: Lead,
) -> Result<PassReport, PassError> {
    lead.due_at = None;
    let Some(campaign) = campaign_of(wake, &lead) else {
        tx.save_lead(&lead).await?;
        return Ok(PassReport::default());
    };
    match is_ready(wake, behaviour, &mut lead, campaign) {
        Ok(false) => {
            tx.save_lead(&lead).await?;
            Ok(PassReport { done: 1, ..PassReport::default() })
        }
        Ok(true) => {
            let why = format!(
                "the hand-off point of campaign `{}` is reached: score {}{}",
                campaign.name,
                lead.score,
                grade(&lead)
            );
            let event = wake.stage(&mut lead, Stage::Qualified, &why);
            // What cannot be told now is told when it is handed off.
            let policy = policy_of(wake, &lead, campaign, behaviour).ok().flatten();
            lead.due_at = Some(earliest(engine, wake, &lead, campaign, policy));
            tx.save_lead(&lead).await?;
            tx.append(&[event]).await?;
            Ok(PassReport { done: 1, ..PassReport::default() })
        }
        Err(error) => {
            tx.save_lead(&lead).await?;
            let why = format!("whether it is ready cannot be told: {error}");
            tx.append(&[wake.event(lead.id, "parked", json!({ "why": why }))]).await?;
            Ok(PassReport { parked: 1, ..PassReport::default() })
        }
    }
}

/// Notes the lead's score and grade in force, and asks its campaign's hand-off point.
fn is_ready(
    wake: &Wake,
    behaviour: &Behaviour,
    lead: &mut Lead,
    campaign: &Campaign,
) -> Result<bool, EvaluationError> {
    let agreement = &wake.rules.agreement;
    let activities = behaviour.activities(lead.id);
    lead.score = scoring::score(&agreement.scoring, &behaviour.facts(lead, wake.now), activities, wake.now)?;
    if let Some(persona) = campaign.persona.as_ref().and_then(|name| agreement.personas.get(name)) {
        lead.grade = Some(scoring::grade(persona, &behaviour.facts(lead, wake.now))?);
    }
    campaign.qualify.holds(&behaviour.facts(lead, wake.now))
}

fn grade(lead: &Lead) -> String {
    lead.grade.map(|grade| format!(", grade {}", grade.name())).unwrap_or_default()
}

/// Gives a qualified lead to a rep, or has it wait.
async fn route(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    mut lead: Lead,
) -> Result<PassReport, PassError> {
    let terms = terms_of(wake, &lead, behaviour);
    let Ok(Some((campaign, team, policy))) = terms else {
        lead.due_at = None;
        tx.save_lead(&lead).await?;
        let why = match terms {
            Err(error) => format!("what is promised to it cannot be told: {error}"),
            Ok(_) => "the agreement has no campaign for it".to_owned(),
        };
        tx.append(&[wake.event(lead.id, "parked", json!({ "why": why }))]).await?;
        return Ok(PassReport { parked: 1, ..PassReport::default() });
    };
    let earliest = earliest(engine, wake, &lead, campaign, Some(policy));
    if earliest > wake.now {
        lead.due_at = Some(earliest);
        tx.save_lead(&lead).await?;
        return Ok(PassReport { put_off: 1, ..PassReport::default() });
    }
    let calendar = team_calendar(wake, team);
    let turns = turns(tx, team).await?;
    let route = match already_theirs(&lead, team, &turns, calendar, wake.now) {
        Some(rep) => Route::To { rep, why: format!("{} has the account already", rep.name) },
        None => choose(team, &turns, calendar, lead.avoid_rep.as_ref(), wake.now),
    };
    match route {
        Route::To { rep, why } => {
            let given = Given { campaign, team, policy, rep, why: &why, reassigned: false };
            hand_off(engine, tx, wake, behaviour, &mut lead, &given).await?;
            Ok(PassReport { done: 1, ..PassReport::default() })
        }
        Route::Wait { until, why } => {
            let at_last = wake.now.saturating_add(LOOK_AGAIN).unwrap_or(wake.now);
            lead.due_at = Some(until.map_or(at_last, |until| until.min(at_last)));
            tx.save_lead(&lead).await?;
            let facts = json!({ "until": until.map(|until| until.to_string()), "why": why });
            if last_wait(tx, &lead).await?.as_ref() != Some(&facts) {
                tx.append(&[wake.event(lead.id, "waiting", facts)]).await?;
            }
            Ok(PassReport { put_off: 1, ..PassReport::default() })
        }
    }
}

/// The rep to whom a lead belongs before it is handed off, as the CRM says, if they are there and have room.
fn already_theirs<'a>(
    lead: &Lead,
    team: &'a Team,
    turns: &[Turn],
    calendar: &Calendar,
    now: Timestamp,
) -> Option<&'a Rep> {
    let owner = lead.owner.as_ref()?;
    let (rep, turn) = team.reps.iter().zip(turns).find(|(rep, _)| rep.email == *owner)?;
    (turn.open_leads < rep.capacity && absence(rep, turn, calendar, now).is_none()).then_some(rep)
}

/// What a lead last waited for: said once, not at each look.
async fn last_wait(tx: &mut Tx, lead: &Lead) -> Result<Option<serde_json::Value>, PassError> {
    Ok(tx.events_of_kind(lead.id, "waiting").await?.pop().map(|event| event.facts))
}

/// To whom a lead goes, and on what terms.
pub(super) struct Given<'a> {
    /// The campaign it comes from.
    pub campaign: &'a Campaign,
    /// The team that gets it.
    pub team: &'a Team,
    /// What that team promises.
    pub policy: &'a Policy,
    /// The rep.
    pub rep: &'a Rep,
    /// Why this one.
    pub why: &'a str,
    /// It was taken from somebody else.
    pub reassigned: bool,
}

/// Gives a lead to a rep: sequences fall silent, the promise begins, the rep gets everything that is known.
pub(super) async fn hand_off(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    lead: &mut Lead,
    given: &Given<'_>,
) -> Result<(), PassError> {
    engine.end_sequence(tx, wake, lead.id, "handed off").await?;
    let facts = json!({ "to": given.rep.email.as_str(), "why": given.why });
    let mut events = vec![wake.event(lead.id, "assigned", facts)];
    // What marketing delivered: a lead that goes from rep to rep was delivered before.
    let delivered = (lead.stage == Stage::Qualified).then_some(lead.stage_at);
    if lead.stage != Stage::HandedOff {
        events.push(wake.stage(lead, Stage::HandedOff, &format!("to {}", given.rep.email)));
    } else {
        lead.stage_at = wake.now;
    }
    lead.owner = Some(given.rep.email.clone());
    lead.avoid_rep = None;
    lead.due_at = None;
    tx.save_lead(lead).await?;
    let new = NewHandOff {
        lead: lead.id,
        rep: given.rep.email.clone(),
        team: given.team.name.clone(),
        policy: given.policy.name.clone(),
        campaign: given.campaign.name.clone(),
        at: wake.now,
    };
    let id = tx.insert_hand_off(&new).await?;
    super::call_list::expect(tx, wake, &given.rep.email).await?;
    if let Some(qualified_at) = delivered {
        let campaign = given.campaign.name.clone();
        let filled = commitments::filled(&lead.profile);
        tx.insert_delivery(&NewDelivery { lead: lead.id, hand_off: id, campaign, qualified_at, filled })
            .await?;
    }
    tx.append(&events).await?;
    let mut promised = Vec::new();
    for kind in AT_HAND_OFF {
        let names = (given.team.name.as_str(), given.policy.name.as_str());
        let Some(mut terms) = sla::terms_for(engine, wake, lead, names, kind)? else { continue };
        if given.reassigned {
            // A lead that went round in circles would be everybody's and nobody's.
            terms.levels.iter_mut().for_each(|level| level.reassign = false);
        }
        let begun = sla::start(tx, wake, lead, id, kind, &terms).await?;
        promised.push((kind, terms, begun));
    }
    staff_mail::hand_off(engine, tx, wake, behaviour, lead, given, id, &promised).await?;
    Ok(())
}

/// When a qualified lead may be handed off at the earliest: not before the policy says, in the team's hours.
fn earliest(
    engine: &Engine,
    wake: &Wake,
    lead: &Lead,
    campaign: &Campaign,
    policy: Option<&Policy>,
) -> Timestamp {
    let agreement = &wake.rules.agreement;
    let not_before = policy
        .and_then(|policy| policy.not_before)
        .and_then(|after| lead.created_at.checked_add(after).ok())
        .unwrap_or(wake.now)
        .max(wake.now);
    // A lead that is away cannot be called: the rep gets it when it can.
    let not_before = match lead.away_until.filter(|until| *until > wake.now) {
        Some(_) => {
            let phone = engine.hours.phone(lead, agreement);
            lead.away_until
                .and_then(|until| crate::domain::contact::call_after_absence(&phone, until))
                .map_or(not_before, |call| not_before.max(call))
        }
        None => not_before,
    };
    agreement
        .teams
        .get(&campaign.team)
        .and_then(|team| agreement.calendars.get(&team.calendar))
        .and_then(|calendar| calendar.next_open(not_before))
        .unwrap_or(not_before)
}

/// The campaign a lead was given at intake, or the one that takes every lead when that is gone.
pub(super) fn campaign_of<'a>(wake: &'a Wake, lead: &Lead) -> Option<&'a Campaign> {
    let agreement = &wake.rules.agreement;
    lead.campaign
        .as_deref()
        .and_then(|name| agreement.campaign(name))
        .or_else(|| agreement.campaign("default"))
        .or(agreement.campaigns.last())
}

/// A lead's campaign, with the team and the policy that hold for it; nothing when the agreement has none for it.
pub(super) fn terms_of<'a>(
    wake: &'a Wake,
    lead: &Lead,
    behaviour: &Behaviour,
) -> Result<Option<(&'a Campaign, &'a Team, &'a Policy)>, EvaluationError> {
    let Some(campaign) = campaign_of(wake, lead) else { return Ok(None) };
    let Some(team) = wake.rules.agreement.teams.get(&campaign.team) else { return Ok(None) };
    Ok(policy_of(wake, lead, campaign, behaviour)?.map(|policy| (campaign, team, policy)))
}

/// What a campaign promises to a lead: the first policy whose condition holds, or that for all others.
fn policy_of<'a>(
    wake: &'a Wake,
    lead: &Lead,
    campaign: &'a Campaign,
    behaviour: &Behaviour,
) -> Result<Option<&'a Policy>, EvaluationError> {
    let mut name = &campaign.policy;
    for (when, policy) in &campaign.policies {
        if when.holds(&behaviour.facts(lead, wake.now))? {
            name = policy;
            break;
        }
    }
    Ok(wake.rules.agreement.policies.get(name))
}

/// The calendar in which a team's promises are counted.
pub(super) fn team_calendar<'a>(wake: &'a Wake, team: &Team) -> &'a Calendar {
    wake.rules.agreement.calendars.get(&team.calendar).expect("a team's calendar is checked at load")
}

/// Whose turn it is in a team, in the order of its reps.
pub(super) async fn turns(tx: &mut Tx, team: &Team) -> Result<Vec<Turn>, PassError> {
    let mut turns = Vec::with_capacity(team.reps.len());
    for rep in &team.reps {
        let state = tx.rep_state(&rep.email).await?;
        turns.push(Turn {
            last_assigned_at: state.last_assigned_at,
            given_then: state.given_then,
            open_leads: state.open_leads,
            away: state.away,
        });
    }
    Ok(turns)
}

/// Ends a hand-off; whoever waits for room is looked at again.
pub(super) async fn end(tx: &mut Tx, wake: &Wake, hand_off: &HandOff, why: &str) -> Result<(), PassError> {
    tx.end_hand_off(hand_off.id, why, wake.now).await?;
    tx.look_at_waiting_leads(wake.now).await?;
    Ok(())
}
