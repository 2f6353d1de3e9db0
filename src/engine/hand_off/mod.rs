//! Which leads are ready, and which rep gets each.
//!
//! A lead is looked at when something happened to it. When its campaign's hand-off point is reached, and everything
//! is known of it that the campaign requires, it is `qualified`; it goes to a rep at the first moment that its
//! campaign, its policy and the team's hours allow, or waits, still nurtured, until somebody has room.
//!
//! `board.rs` knows whose turn it is, `queue.rs` who is next to get a rep, `stand_in.rs` who
//! gets what cannot wait for one, `full.rs` tells managers when there is none, `incomplete.rs` tells marketing what is missing.

mod board;
mod full;
mod incomplete;
mod other;
mod queue;
mod stand_in;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::duty::Duty;
use super::facts::Behaviour;
use super::pass::{PassError, PassReport};
use super::{Engine, Wake, recycle, score, sla, staff_mail};
use crate::domain::agreement::{Campaign, Policy, Rep, Team};
use crate::domain::calendar::Calendar;
use crate::domain::commitments;
use crate::domain::condition::EvaluationError;
use crate::domain::ids::{HandOffId, LeadId};
use crate::domain::lead::{Lead, Stage};
use crate::domain::order::Word;
use crate::domain::sla::PromiseKind;
use crate::store::{HandOff, NewDelivery, NewHandOff, Tx};

pub(super) use other::another;

/// Leads looked at in one transaction.
const BATCH: i64 = 50;

/// The promises that begin with a hand-off, those that its policy makes. The attempts are owed from there on, and
/// not from the first of them: whoever waits with it gains nothing.
const AT_HAND_OFF: [PromiseKind; 3] = [PromiseKind::Accept, PromiseKind::FirstContact, PromiseKind::Attempts];

/// The promise about a lead that its rep has talked to, under another address: to say what comes of it.
const AFTER_THE_TALK: [PromiseKind; 1] = [PromiseKind::Disposition];

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    if !engine.has(Duty::HandOff, wake.now).await? {
        return Ok(PassReport::default());
    }
    let turn = wake.turn();
    let mut report = PassReport::default();
    let mut entered: Vec<LeadId> = Vec::new();
    for stage in [Stage::Nurturing, Stage::Qualified] {
        loop {
            let mut tx = engine.store.begin().await?;
            let leads = tx.lock_leads_due(stage, wake.now, BATCH).await?;
            if leads.is_empty() || engine.is_stopping() {
                tx.rollback().await?;
                break;
            }
            let behaviour = Behaviour::load(&mut tx, &leads, wake.now).await?;
            if stage == Stage::Nurturing {
                let ids: Vec<LeadId> = leads.iter().map(|lead| lead.id).collect();
                let on_list = tx.incomplete_among(&ids).await?;
                for lead in leads {
                    let assessed = assess(engine, &mut tx, wake, &behaviour, lead, &on_list).await?;
                    report = report.and(assessed);
                }
            } else {
                let before = entered.len();
                for mut lead in leads {
                    if queue::enter(engine, &mut tx, wake, &behaviour, &mut lead).await? {
                        entered.push(lead.id);
                    } else {
                        report.put_off += 1;
                    }
                }
                if entered.len() > before {
                    tx.look_at_waiting_leads(wake.now).await?;
                }
            }
            tx.commit().await?;
            if turn.is_over() {
                break;
            }
        }
    }
    let report = report.and(queue::release(engine, wake, &turn, &entered).await?);
    Ok(report.and(incomplete::tell(engine, wake).await?))
}

/// Whether a nurtured lead is ready.
async fn assess(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    mut lead: Lead,
    on_list: &BTreeSet<LeadId>,
) -> Result<PassReport, PassError> {
    lead.due_at = None;
    let Some(campaign) = campaign_of(wake, &lead) else {
        tx.save_lead(&lead).await?;
        return Ok(PassReport::default());
    };
    let ready = is_ready(wake, behaviour, &mut lead, campaign);
    let missing = match ready {
        Ok(true) => incomplete::missing(wake, &lead, behaviour),
        Ok(false) | Err(_) => Vec::new(),
    };
    if missing.is_empty() && on_list.contains(&lead.id) {
        tx.lead_is_complete(lead.id).await?;
    }
    match ready {
        Ok(false) => {
            tx.save_lead(&lead).await?;
            Ok(PassReport { done: 1, ..PassReport::default() })
        }
        Ok(true) if !missing.is_empty() => {
            // It stays with marketing, which is told what to find out.
            tx.save_lead(&lead).await?;
            incomplete::put_on_list(tx, wake, &lead, campaign, &missing).await?;
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
            staff_mail::cannot_be_told(engine, tx, wake, &lead, &why).await?;
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
    score::rescore(&wake.rules.agreement, behaviour, lead, campaign, wake.now)?;
    campaign.qualify.holds(&behaviour.facts(lead, wake.now))
}

fn grade(lead: &Lead) -> String {
    lead.grade.map(|grade| format!(", grade {}", grade.name())).unwrap_or_default()
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
    /// They took it themselves: whoever takes a lead has accepted it.
    pub taken: bool,
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
    let (stage, how) = match given.taken {
        true => (Stage::Accepted, "whoever takes it over accepts it".to_owned()),
        false => (Stage::HandedOff, format!("to {}", given.rep.email)),
    };
    if lead.stage != stage {
        events.push(wake.stage(lead, stage, &how));
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
    if given.taken {
        tx.accept_hand_off(id, wake.now).await?;
    }
    super::call_list::expect(tx, wake, &given.rep.email).await?;
    if let Some(qualified_at) = delivered {
        let campaign = given.campaign.name.clone();
        let filled = commitments::filled(&lead.profile);
        tx.insert_delivery(&NewDelivery { lead: lead.id, hand_off: id, campaign, qualified_at, filled })
            .await?;
    }
    tx.note_grade(id, lead.grade).await?;
    tx.append(&events).await?;
    let was_taken_away = delivered.is_none() && sla::was_taken_away(tx, lead.id, id).await?;
    let talked = match delivered {
        Some(qualified_at) => {
            recycle::talked_to_its_double(tx, lead.id, &given.rep.email, qualified_at).await?
        }
        None => false,
    };
    let kinds = if talked { &AFTER_THE_TALK[..] } else { &AT_HAND_OFF };
    let mut promised = Vec::new();
    let is_owed = |kind: &PromiseKind| !(given.taken && *kind == PromiseKind::Accept);
    for kind in kinds.iter().copied().filter(is_owed) {
        let names = (given.team.name.as_str(), given.policy.name.as_str());
        let Some(mut terms) = sla::terms_for(engine, wake, lead, names, kind)? else { continue };
        if was_taken_away {
            terms.stay_with_the_rep();
        }
        let begun = sla::start(tx, wake, lead, id, kind, &terms).await?;
        promised.push((kind, terms, begun));
    }
    if talked {
        return goes_on(engine, tx, wake, lead, given, id).await;
    }
    let overturned = match delivered {
        Some(_) => recycle::overturned(tx, lead.id, id).await?,
        None => None,
    };
    if let Some(overturned) = overturned.as_ref().filter(|overturned| overturned.rep != given.rep.email) {
        recycle::tell_who_rejected(engine, tx, wake, lead, overturned).await?;
    }
    let overturned = overturned.as_ref();
    staff_mail::hand_off(engine, tx, wake, behaviour, lead, given, id, &promised, overturned).await
}

/// A lead whose rep has talked to it under another address is not to be called as if nobody had.
async fn goes_on(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    given: &Given<'_>,
    id: HandOffId,
) -> Result<(), PassError> {
    let event = wake.stage(lead, Stage::Contacted, "its rep has talked to it under its other address");
    tx.save_lead(lead).await?;
    tx.accept_hand_off(id, wake.now).await?;
    tx.append(&[event]).await?;
    let words =
        "It is one with the record under which you talked, and goes on with you. What comes of the talk?";
    let answers = &[Word::Opportunity, Word::Reject, Word::Later];
    let key = format!("hand-off:{id}");
    staff_mail::question(engine, tx, wake, lead, &given.rep.email, words, &key, answers).await
}

/// When a qualified lead may be handed off at the earliest, in the hours of its campaign's team.
fn earliest(
    engine: &Engine,
    wake: &Wake,
    lead: &Lead,
    campaign: &Campaign,
    policy: Option<&Policy>,
) -> Timestamp {
    let not_before = not_before(engine, wake, lead, campaign, policy);
    let agreement = &wake.rules.agreement;
    agreement
        .teams
        .get(&campaign.team)
        .and_then(|team| agreement.calendars.get(&team.calendar))
        .and_then(|calendar| calendar.next_open(not_before))
        .unwrap_or(not_before)
}

/// Until when a qualified lead stays with marketing whatever the team's hours: its campaign says so, its policy
/// does, or it is away, or named a day to hear from us.
fn not_before(
    engine: &Engine,
    wake: &Wake,
    lead: &Lead,
    campaign: &Campaign,
    policy: Option<&Policy>,
) -> Timestamp {
    let agreement = &wake.rules.agreement;
    let by_policy =
        policy.and_then(|policy| policy.not_before).and_then(|after| lead.created_at.checked_add(after).ok());
    let team = agreement.teams.get(&campaign.team);
    let by_campaign = campaign
        .not_before
        .zip(team)
        .and_then(|(earliest, team)| earliest.of(lead.created_at, team_calendar(wake, team)));
    // A lead that is away cannot be called: the rep gets it when it can.
    let when_back = lead.away_until.filter(|until| *until > wake.now).and_then(|until| {
        crate::domain::contact::call_after_absence(&engine.hours.phone(lead, agreement), until)
    });
    // Nor does one that asked to hear from us later want a call before that.
    let when_asked = lead.follow_up_at.filter(|at| *at > wake.now);
    [by_policy, by_campaign, when_back, when_asked].into_iter().flatten().fold(wake.now, Timestamp::max)
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
pub(super) fn policy_of<'a>(
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

/// Ends a hand-off; whoever waits for room is looked at again.
pub(super) async fn end(tx: &mut Tx, wake: &Wake, hand_off: &HandOff, why: &str) -> Result<(), PassError> {
    tx.end_hand_off(hand_off.id, why, wake.now).await?;
    tx.look_at_waiting_leads(wake.now).await?;
    Ok(())
}
