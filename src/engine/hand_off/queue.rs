//! Leads that wait for a rep, and get one in waves: as many as there is room for, the best first.
//!
//! Every ready lead comes through here, also when somebody has room: so of two hundred that are ready when the office
//! opens, those with most points are given first, and among equals those that have been ready longest. A lead
//! that waits has no due time of its own. What frees a place says so once ([`Tx::look_at_waiting_leads`]), and then
//! only the head of the queue is looked at, however long that is.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::board::{Board, Found, Nobody, OfLead, destinations};
use super::{Given, earliest, full, hand_off, not_before, policy_of, stand_in, team_calendar};
use crate::domain::agreement::Campaign;
use crate::domain::condition::EvaluationError;
use crate::domain::escalation::next_morning;
use crate::domain::ids::LeadId;
use crate::domain::lead::{Lead, Stage};
use crate::domain::routing::Rule;
use crate::domain::scoring;
use crate::engine::facts::Behaviour;
use crate::engine::pass::{PassError, PassReport};
use crate::engine::recycle;
use crate::engine::staff_mail;
use crate::engine::{Engine, Turn as PassTurn, Wake};
use crate::store::column::millis;
use crate::store::{RoutingDuty, Tx, WaitingLead};

/// Leads given in one transaction.
const BATCH: i64 = 50;

/// Whoever frees a place says so; but one that could not be looked at then, because somebody had it locked, was
/// left out. So the queue is looked at this often whatever happens.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// A qualified lead takes its place in the queue, unless it is too early. `true` when it did.
pub(super) async fn enter(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    lead: &mut Lead,
) -> Result<bool, PassError> {
    let Some(campaign) = super::campaign_of(wake, lead) else {
        lead.due_at = None;
        tx.save_lead(lead).await?;
        let why = "the agreement has no campaign for it";
        tx.append(&[wake.event(lead.id, "parked", json!({ "why": why }))]).await?;
        return Ok(false);
    };
    let policy = match policy_of(wake, lead, campaign, behaviour) {
        Ok(policy) => policy,
        Err(error) => {
            park(engine, tx, wake, lead, &error).await?;
            return Ok(false);
        }
    };
    let earliest = earliest(engine, wake, lead, campaign, policy);
    if earliest > wake.now {
        lead.due_at = Some(earliest);
        tx.save_lead(lead).await?;
        return Ok(false);
    }
    let facts = behaviour.facts(lead, wake.now);
    // Its place is by the points of today. Points that cannot be told stay as they were.
    if let Ok(score) = scoring::score(&wake.rules.agreement.scoring, &facts, behaviour.done(lead.id)) {
        lead.score = score;
    }
    lead.campaign = Some(campaign.name.clone());
    lead.due_at = None;
    tx.save_lead(lead).await?;
    Ok(true)
}

/// Gives waiting leads to reps as long as there is room. `entered` took their place in this wake: those of them
/// that have to wait are told why.
pub(super) async fn release(
    engine: &Engine,
    wake: &Wake,
    turn: &PassTurn,
    entered: &[LeadId],
) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    loop {
        let mut tx = engine.store.begin().await?;
        let due = tx.next_routing_due(RoutingDuty::Waiting).await?;
        if due.is_none_or(|due| due > millis(wake.now)) || engine.is_stopping() {
            tx.rollback().await?;
            return Ok(report);
        }
        // The leads are locked before the turns, as everywhere.
        let board = Board::load(&mut tx, wake).await?;
        let mut ids: Vec<LeadId> =
            next_in_line(&mut tx, wake, &board).await?.iter().map(|waiting| waiting.lead).collect();
        if ids.is_empty() {
            ids = stand_in::cannot_wait_any_longer(engine, &mut tx, wake, &board).await?;
        }
        let leads = if ids.is_empty() { Vec::new() } else { tx.lock_free_leads(&ids, ids.len()).await? };
        tx.lock_routing().await?;
        let mut board = Board::load(&mut tx, wake).await?;
        let given = give(engine, &mut tx, wake, &mut board, leads).await?;
        report.done += given;
        if given == 0 {
            if !ids.is_empty() || !next_in_line(&mut tx, wake, &board).await?.is_empty() {
                // Somebody has them locked, or has just made room: the next wake looks.
                tx.rollback().await?;
                return Ok(report);
            }
            wait(engine, &mut tx, wake, &board).await?;
            tx.commit().await?;
            report.put_off += say_why(engine, wake, &board, entered).await?;
            return Ok(report);
        }
        tx.commit().await?;
        if turn.is_over() {
            return Ok(report);
        }
    }
}

/// The leads that may get a rep now, in their order, as many as are given in one transaction.
async fn next_in_line(tx: &mut Tx, wake: &Wake, board: &Board) -> Result<Vec<WaitingLead>, PassError> {
    let mut line = Vec::new();
    for campaign in &wake.rules.agreement.campaigns {
        let room = board.room(wake, campaign).min(BATCH);
        if room > 0 {
            line.extend(tx.waiting_leads(&campaign.name, room).await?);
        }
    }
    line.sort_unstable();
    line.truncate(BATCH as usize);
    Ok(line)
}

/// Gives these leads to reps, in the order of the queue, as far as there is room. How many left the queue.
async fn give(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    board: &mut Board,
    mut leads: Vec<Lead>,
) -> Result<u64, PassError> {
    let behaviour = Behaviour::load(tx, &leads, wake.now).await?;
    leads.sort_by_key(|lead| WaitingLead { lead: lead.id, score: lead.score, since: lead.stage_at });
    let mut left = 0;
    for mut lead in leads {
        if lead.stage != Stage::Qualified || lead.due_at.is_some() {
            continue;
        }
        let Some(campaign) = super::campaign_of(wake, &lead) else { continue };
        let policy = match policy_of(wake, &lead, campaign, &behaviour) {
            Ok(policy) => policy,
            Err(error) => {
                park(engine, tx, wake, &mut lead, &error).await?;
                left += 1;
                continue;
            }
        };
        if not_before(engine, wake, &lead, campaign, policy) > wake.now {
            // It went away while it waited.
            lead.due_at = Some(earliest(engine, wake, &lead, campaign, policy));
            tx.save_lead(&lead).await?;
            left += 1;
            continue;
        }
        let destinations = destinations(wake, campaign, policy);
        let by_account = destinations.iter().any(|destination| destination.routing.has(Rule::Account));
        let colleagues = match lead.email.company_key().filter(|_| by_account) {
            Some(company) => tx.reps_of_company(company, lead.id).await?,
            None => Vec::new(),
        };
        let avoid = lead.avoid_rep.clone();
        let knows = recycle::who_knows(tx, &lead).await?;
        let of_lead = OfLead {
            colleagues: &colleagues,
            lead: Some((&lead, &behaviour)),
            avoid: avoid.as_ref(),
            knows: knows.as_ref(),
            at_any_hour: false,
        };
        match board.find(wake, &destinations, &of_lead) {
            Found::Rep { destination, rep, why, level } => {
                let given = Given {
                    campaign,
                    team: destination.team,
                    policy: destination.policy,
                    rep,
                    why: &why,
                    taken: false,
                };
                hand_off(engine, tx, wake, &behaviour, &mut lead, &given).await?;
                note_given(tx, wake, board, &given, level).await?;
                left += 1;
            }
            Found::Nobody(nobody) => {
                let Some((policy, team)) = policy.zip(wake.rules.agreement.teams.get(&campaign.team)) else {
                    continue;
                };
                let terms = (campaign, policy);
                let Some(rep) = stand_in::instead(engine, tx, wake, &lead, terms, &nobody).await? else {
                    continue;
                };
                let why = format!("{}, and it cannot wait that long", nobody.why);
                let given = Given { campaign, team, policy, rep: &rep, why: &why, taken: false };
                hand_off(engine, tx, wake, &behaviour, &mut lead, &given).await?;
                note_given(tx, wake, board, &given, None).await?;
                left += 1;
            }
        }
    }
    Ok(left)
}

/// A lead to which it cannot be told what is promised leaves the queue: a person has to look at it.
async fn park(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    error: &EvaluationError,
) -> Result<(), PassError> {
    lead.due_at = Some(wake.now.saturating_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX));
    tx.save_lead(lead).await?;
    let why = format!("what is promised to it cannot be told: {error}");
    staff_mail::cannot_be_told(engine, tx, wake, lead, &why).await?;
    let facts = json!({ "why": why });
    let last = tx.events_of_kind(lead.id, "parked").await?.pop();
    // Said once, not each day.
    if last.is_none_or(|last| last.facts != facts) {
        tx.append(&[wake.event(lead.id, "parked", facts)]).await?;
    }
    Ok(())
}

/// A lead was given: its rep's place and turn are used up.
async fn note_given(
    tx: &mut Tx,
    wake: &Wake,
    board: &mut Board,
    given: &Given<'_>,
    level: Option<i64>,
) -> Result<(), PassError> {
    board.given(given.team, &given.rep.email, level, wake.now);
    if let Some(level) = level {
        tx.set_rep_level(&given.rep.email, level).await?;
    }
    Ok(())
}

/// There is no room for anybody who waits: plans the next look, and tells managers that leads wait.
async fn wait(engine: &Engine, tx: &mut Tx, wake: &Wake, board: &Board) -> Result<(), PassError> {
    let mut next: Option<Timestamp> = None;
    let mut teams = full::Teams::default();
    for campaign in &wake.rules.agreement.campaigns {
        if tx.waiting_leads(&campaign.name, 1).await?.is_empty() {
            continue;
        }
        let nobody = nobody(wake, board, campaign);
        let at_last = wake.now.saturating_add(LOOK_AGAIN).unwrap_or(wake.now);
        // In the morning managers hear how many still wait.
        let team = wake.rules.agreement.teams.get(&campaign.team);
        let morning = team.and_then(|team| next_morning(team_calendar(wake, team), wake.now));
        next = next.into_iter().chain(nobody.until).chain(morning).chain([at_last]).min();
        teams.waited_for.insert(campaign.team.clone());
        teams.full.extend(nobody.full.into_iter().filter(|team| *team == campaign.team));
        teams.nobody_there.extend(nobody.not_there.into_iter().filter(|team| *team == campaign.team));
    }
    tx.plan_routing(RoutingDuty::Waiting, next).await?;
    full::tell(engine, tx, wake, board, &teams).await
}

/// Leads that have just come into the queue and have to wait are told why, in their logs. How many they are.
async fn say_why(engine: &Engine, wake: &Wake, board: &Board, entered: &[LeadId]) -> Result<u64, PassError> {
    let mut waiting = 0;
    let mut whys: BTreeMap<&str, Value> = BTreeMap::new();
    for ids in entered.chunks(BATCH as usize) {
        let mut tx = engine.store.begin().await?;
        let mut events = Vec::new();
        for lead in tx.lock_leads(ids).await? {
            if lead.stage != Stage::Qualified || lead.due_at.is_some() {
                continue;
            }
            waiting += 1;
            let Some(campaign) = super::campaign_of(wake, &lead) else { continue };
            let facts = whys.entry(&campaign.name).or_insert_with(|| {
                let nobody = nobody(wake, board, campaign);
                json!({ "until": nobody.until.map(|until| until.to_string()), "why": nobody.why })
            });
            let last = tx.events_of_kind(lead.id, "waiting").await?.pop();
            // Said once, not at each look.
            if last.is_none_or(|last| last.facts != *facts) {
                events.push(wake.event(lead.id, "waiting", facts.clone()));
            }
        }
        tx.append(&events).await?;
        tx.commit().await?;
    }
    Ok(waiting)
}

/// Why leads of a campaign wait.
pub(super) fn nobody(wake: &Wake, board: &Board, campaign: &Campaign) -> Nobody {
    match board.find(wake, &destinations(wake, campaign, None), &OfLead::default()) {
        Found::Nobody(nobody) => nobody,
        Found::Rep { .. } => Nobody::default(),
    }
}
