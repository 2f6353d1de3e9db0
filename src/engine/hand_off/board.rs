//! Whose turn it is in every team, read once for many leads, and where a lead may go.
//!
//! What a rep has room for is read here and used up as leads are given: whoever decides holds the lock of
//! [`Tx::lock_routing`] meanwhile.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::team_calendar;
use crate::domain::agreement::{Campaign, Policy, Rep, Team};
use crate::domain::email::EmailAddress;
use crate::domain::lead::Lead;
use crate::domain::routing::{
    Question, Route, Routing, Rule, Turn, absence, choose, hindrance_of, room, week_around,
};
use crate::engine::Wake;
use crate::engine::facts::Behaviour;
use crate::engine::pass::PassError;
use crate::store::Tx;

/// Whose turn it is.
pub(in crate::engine) struct Board {
    /// By team, in the order of its reps.
    turns: BTreeMap<String, Vec<Turn>>,
}

/// A team to which leads of a campaign may go.
#[derive(Clone)]
pub(in crate::engine) struct Destination<'a> {
    /// Which.
    pub team: &'a Team,
    /// What it promises for them.
    pub policy: &'a Policy,
    /// Which of its reps get them; empty: all.
    pub only: &'a [EmailAddress],
    /// How they find their rep.
    pub routing: Cow<'a, Routing>,
}

/// Where a lead goes.
pub(in crate::engine) enum Found<'a> {
    /// To this rep.
    Rep {
        /// In which team, on what terms.
        destination: Destination<'a>,
        /// Who.
        rep: &'a Rep,
        /// Why.
        why: String,
        /// Their level from now on, where the team counts it.
        level: Option<i64>,
    },
    /// Nowhere for the moment.
    Nobody(Nobody),
}

/// Why nobody gets a lead.
#[derive(Clone, Default)]
pub(in crate::engine) struct Nobody {
    /// When somebody may, at the earliest; `None`: nobody is awaited.
    pub until: Option<Timestamp>,
    /// Why, as a sentence.
    pub why: String,
    /// Teams of which somebody is full.
    pub full: Vec<String>,
    /// Teams at work of which nobody is there with room, for whatever reason.
    pub not_there: Vec<String>,
}

/// What is asked on a lead's behalf, beyond its campaign.
#[derive(Clone, Copy, Default)]
pub(in crate::engine) struct OfLead<'a> {
    /// Who has had its colleagues, the latest first.
    pub colleagues: &'a [EmailAddress],
    /// The lead, for whose territory it is in.
    pub lead: Option<(&'a Lead, &'a Behaviour)>,
    /// Who shall not get it.
    pub avoid: Option<&'a EmailAddress>,
    /// Who had it before and shall have it again, as the reason said for which it was given back.
    pub knows: Option<&'a EmailAddress>,
    /// Whether it may go to a team that is not at work at this moment: one that is taken away may.
    pub at_any_hour: bool,
}

impl Board {
    pub async fn load(tx: &mut Tx, wake: &Wake) -> Result<Board, PassError> {
        let mut turns = BTreeMap::new();
        for team in wake.rules.agreement.teams.values() {
            turns.insert(team.name.clone(), load_team(tx, wake, team).await?);
        }
        Ok(Board { turns })
    }

    /// The turns of a team, in the order of its reps.
    pub fn turns(&self, team: &Team) -> &[Turn] {
        self.turns.get(&team.name).map_or(&[], Vec::as_slice)
    }

    /// How many leads of a campaign can be given now.
    pub fn room(&self, wake: &Wake, campaign: &Campaign) -> i64 {
        destinations(wake, campaign, None)
            .iter()
            .filter(|destination| team_calendar(wake, destination.team).is_open(wake.now))
            .map(|destination| room(&self.question(wake, destination, &OfLead::default(), None, &[])))
            .fold(0, i64::saturating_add)
    }

    /// The rep who gets a lead, of the first of these teams that has one.
    pub fn find<'a>(
        &self,
        wake: &'a Wake,
        destinations: &[Destination<'a>],
        of_lead: &OfLead<'_>,
    ) -> Found<'a> {
        let mut nobody = Nobody::default();
        let mut reasons = Vec::new();
        for destination in destinations {
            let team = destination.team;
            let calendar = team_calendar(wake, team);
            if !of_lead.at_any_hour && !calendar.is_open(wake.now) {
                nobody.until = nobody.until.into_iter().chain(calendar.next_open(wake.now)).min();
                reasons.push(format!("team {} is not at work", team.name));
                continue;
            }
            let known = match of_lead.lead.and_then(|(lead, _)| lead.owner.as_ref()) {
                Some(owner) if of_lead.colleagues.contains(owner) => Some((owner, "has the account already")),
                Some(owner) => Some((owner, "owns it already")),
                None => of_lead.knows.map(|rep| (rep, "had it before and knows it")),
            };
            let theirs =
                known.and_then(|(rep, why)| Some((self.already_theirs(wake, team, rep, of_lead)?, why)));
            if let Some((rep, why)) = theirs {
                let why = format!("{} {why}", rep.name);
                return Found::Rep { destination: destination.clone(), rep, why, level: None };
            }
            let account =
                of_lead.colleagues.iter().find(|known| team.reps.iter().any(|rep| rep.email == **known));
            let territory = territory(wake, destination, of_lead);
            let question = self.question(wake, destination, of_lead, account, &territory);
            match choose(&question) {
                Route::To { rep, why, level } => {
                    // The chosen one, with the agreement's lifetime.
                    if let Some(rep) = team.reps.iter().find(|known| known.email == rep.email) {
                        let why =
                            if reasons.is_empty() { why } else { format!("{}; {why}", reasons.join("; ")) };
                        return Found::Rep { destination: destination.clone(), rep, why, level };
                    }
                }
                Route::Wait { until, why, full } => {
                    let until = until.and_then(|until| calendar.next_open(until));
                    nobody.until = nobody.until.into_iter().chain(until).min();
                    reasons.push(why);
                    if full {
                        nobody.full.push(team.name.clone());
                    }
                    nobody.not_there.push(team.name.clone());
                }
            }
        }
        nobody.why = reasons.join("; ");
        Found::Nobody(nobody)
    }

    /// A lead was given to a rep.
    pub fn given(&mut self, team: &Team, rep: &EmailAddress, level: Option<i64>, now: Timestamp) {
        let index = team.reps.iter().position(|known| known.email == *rep);
        let turns = self.turns.get_mut(&team.name);
        let Some(turn) = index.zip(turns).and_then(|(index, turns)| turns.get_mut(index)) else {
            return;
        };
        turn.given_then = if turn.last_assigned_at == Some(now) { turn.given_then + 1 } else { 1 };
        turn.last_assigned_at = Some(now);
        turn.open_leads += 1;
        turn.new_this_week += 1;
        turn.level = level.or(turn.level);
    }

    fn question<'q>(
        &'q self,
        wake: &'q Wake,
        destination: &'q Destination<'_>,
        of_lead: &OfLead<'q>,
        account: Option<&'q EmailAddress>,
        territory: &'q [bool],
    ) -> Question<'q> {
        Question {
            team: destination.team,
            turns: self.turns(destination.team),
            only: destination.only,
            routing: &destination.routing,
            calendar: team_calendar(wake, destination.team),
            account,
            territory,
            avoid: of_lead.avoid,
            now: wake.now,
        }
    }

    /// The rep to whom a lead belongs before it is handed off, as the CRM says or because they had it before, if they are there and have room.
    fn already_theirs<'a>(
        &self,
        wake: &Wake,
        team: &'a Team,
        owner: &EmailAddress,
        of_lead: &OfLead<'_>,
    ) -> Option<&'a Rep> {
        let (rep, turn) = team.reps.iter().zip(self.turns(team)).find(|(rep, _)| rep.email == *owner)?;
        let calendar = team_calendar(wake, team);
        let is_free = hindrance_of(rep, turn, calendar, wake.now).is_none();
        (is_free && of_lead.avoid != Some(owner)).then_some(rep)
    }

    /// The reps of a team with their turns, and until when each is away.
    pub fn standing<'a>(
        &'a self,
        wake: &'a Wake,
        team: &'a Team,
    ) -> impl Iterator<Item = (&'a Rep, &'a Turn, Option<Timestamp>)> {
        let calendar = team_calendar(wake, team);
        team.reps
            .iter()
            .zip(self.turns(team))
            .map(|(rep, turn)| (rep, turn, absence(rep, turn, calendar, wake.now)))
    }
}

async fn load_team(tx: &mut Tx, wake: &Wake, team: &Team) -> Result<Vec<Turn>, PassError> {
    let emails: Vec<&EmailAddress> = team.reps.iter().map(|rep| &rep.email).collect();
    let week = week_around(team_calendar(wake, team), wake.now);
    let counts_weeks = team.reps.iter().any(|rep| rep.new_per_week.is_some());
    let this_week = match week.filter(|_| counts_weeks) {
        Some((monday, _)) => tx.given_since(&emails, monday).await?,
        None => BTreeMap::new(),
    };
    let states = tx.rep_states(&emails).await?;
    let turn = |state: crate::store::RepState| Turn {
        last_assigned_at: state.last_assigned_at,
        given_then: state.given_then,
        open_leads: state.open_leads,
        new_this_week: this_week.get(state.email.as_str()).copied().unwrap_or(0),
        level: state.level,
        away: state.away,
    };
    Ok(states.into_iter().map(turn).collect())
}

/// In whose territory the lead is, in the order of the team's reps; nothing where the team does not go by it.
fn territory(wake: &Wake, destination: &Destination<'_>, of_lead: &OfLead<'_>) -> Vec<bool> {
    let Some((lead, behaviour)) = of_lead.lead.filter(|_| destination.routing.has(Rule::Territory)) else {
        return Vec::new();
    };
    let facts = behaviour.facts(lead, wake.now);
    let covers = |rep: &Rep| rep.territory.as_ref().is_some_and(|territory| territory.covers(&facts));
    destination.team.reps.iter().map(covers).collect()
}

/// The teams to which leads of a campaign may go: its own, then those to which that overflows. `policy` is what the
/// campaign promises to the lead; `None`: what it promises to most.
pub(in crate::engine) fn destinations<'a>(
    wake: &'a Wake,
    campaign: &'a Campaign,
    policy: Option<&'a Policy>,
) -> Vec<Destination<'a>> {
    let agreement = &wake.rules.agreement;
    let mut found: Vec<Destination<'a>> = Vec::new();
    for team in agreement.teams_for(campaign) {
        let is_first = found.is_empty();
        let own = team.policy.as_ref().filter(|_| !is_first).and_then(|name| agreement.policies.get(name));
        let Some(policy) = own.or(policy).or_else(|| agreement.policies.get(&campaign.policy)) else {
            break;
        };
        let routing = match campaign.routing.as_ref().filter(|_| is_first) {
            Some(by) => Cow::Owned(Routing { by: by.clone(), ..team.routing.clone() }),
            None => Cow::Borrowed(&team.routing),
        };
        let only = if is_first { campaign.reps.as_slice() } else { &[] };
        found.push(Destination { team, policy, only, routing });
    }
    found
}
