//! Reads the facts of a report, a page of leads at a time, and has them added up.
//!
//! All of it comes from one snapshot of the database, so that no lead is counted as handed off here and not
//! there. Promises are counted again from their frozen terms: hundreds of them have the same, word for word, so
//! their calendars are thawed once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::super::sla::{FOUND_LATE, pauses_in};
use crate::domain::agreement::Agreement;
use crate::domain::calendar::{Calendar, elapsed};
use crate::domain::ids::{LeadId, SlaClockId};
use crate::domain::lead::{Lead, Stage};
use crate::domain::report::attainment::{ClockState, PromiseFact};
use crate::domain::report::costs::{Brought, Cost, CostLine};
use crate::domain::report::passages::{HandOffFact, Passage, StageFact};
use crate::domain::report::period::Period;
use crate::domain::report::stories::Story;
use crate::domain::report::{Answers, By, Group, LeadFacts, Report, Said, Tally, heard_as};
use crate::domain::sla::{PromiseKind, Terms};
use crate::store::{Event, HandOffRow, PromiseRow, Store, StoreError, Tx};

/// Leads read at a time.
const PAGE: i64 = 512;

/// Sets of thawed calendars that are kept: one for each day, policy and zone of leads is a year's worth.
const KEPT: usize = 8_192;

/// Answers told to each question.
const TOP_ANSWERS: i64 = 5;

/// Which figures are wanted.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Of which days.
    pub period: Period,
    /// Of which teams; `None`: of all.
    pub teams: Option<BTreeSet<String>>,
    /// With costs and answers, which are nobody's in particular and take longer to find.
    pub whole: bool,
}

/// The figures of a period as things stand at `now`.
///
/// # Errors
/// When the store fails.
pub async fn gather(
    store: &Store,
    agreement: &Agreement,
    ask: &Ask,
    now: Timestamp,
) -> Result<Report, StoreError> {
    let mut tx = store.read().await?;
    let mut tally = Tally::new(ask.period.clone(), ask.teams.clone(), now);
    let mut shelf = Shelf::default();
    let mut after = LeadId(0);
    loop {
        let page = tx.leads_with_sales(after, ask.period.from, ask.period.to, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = *last;
        for facts in facts(&mut tx, &page, &ask.period, &mut shelf, now).await? {
            tally.add(&facts);
        }
    }
    let (mut report, won) = tally.finish();
    report.labels = labels(agreement);
    report.against_gate = against_gate(&mut tx, agreement, ask).await?;
    report.stories = stories(&mut tx, agreement, &ask.period, won).await?;
    if ask.whole {
        report.currency = agreement.reports.as_ref().and_then(|reports| reports.currency.clone());
        report.costs = costs(&mut tx, agreement, &report).await?;
        report.answers = answers(&mut tx, &ask.period).await?;
    }
    tx.rollback().await?;
    Ok(report)
}

/// Calls at which the gate was shut, of the people of the teams that are asked for.
async fn against_gate(
    tx: &mut Tx,
    agreement: &Agreement,
    ask: &Ask,
) -> Result<BTreeMap<(String, String), i64>, StoreError> {
    let is_of = |who: &str, team: &str| {
        agreement.teams.get(team).is_some_and(|team| team.reps.iter().any(|rep| rep.email.as_str() == who))
    };
    let mut calls = BTreeMap::new();
    for event in tx.calls_against_gate(ask.period.from, ask.period.to).await? {
        let who = event.actor.unwrap_or_default();
        if ask.teams.as_ref().is_some_and(|teams| !teams.iter().any(|team| is_of(&who, team))) {
            continue;
        }
        // "away, back on 2026-03-16": the day is another one each time.
        let why = event.facts["why"].as_str().unwrap_or_default();
        let why = why.split(',').next().unwrap_or_default().to_owned();
        *calls.entry((who, why)).or_default() += 1;
    }
    Ok(calls)
}

/// Everything that is known of a page of leads, in their order.
async fn facts(
    tx: &mut Tx,
    page: &[LeadId],
    period: &Period,
    shelf: &mut Shelf,
    now: Timestamp,
) -> Result<Vec<LeadFacts>, StoreError> {
    let sources: HashMap<LeadId, Option<String>> = tx.sources_of(page).await?.into_iter().collect();
    let mut hand_offs: HashMap<LeadId, Vec<HandOffRow>> = HashMap::new();
    for row in tx.hand_offs_of_leads(page).await? {
        hand_offs.entry(row.lead).or_default().push(row);
    }
    let mut events: HashMap<LeadId, Vec<Event>> = HashMap::new();
    for event in tx.figure_events(page).await? {
        if let Some(lead) = event.lead {
            events.entry(lead).or_default().push(event);
        }
    }
    let mut promises: HashMap<LeadId, Vec<PromiseRow>> = HashMap::new();
    for row in tx.promises_of_leads(page, period.from).await? {
        if row.started_at < period.to {
            promises.entry(row.lead).or_default().push(row);
        }
    }
    let mut found_late: HashMap<SlaClockId, Vec<Timestamp>> = HashMap::new();
    for (clock, fell_due) in tx.levels_found_late(page, FOUND_LATE.as_millis() as i64).await? {
        found_late.entry(clock).or_default().push(fell_due);
    }
    let mut all = Vec::with_capacity(page.len());
    for lead in page {
        let events = events.remove(lead).unwrap_or_default();
        let mut counted = Vec::new();
        for row in promises.remove(lead).unwrap_or_default() {
            let late = found_late
                .get(&row.id)
                .is_some_and(|fell_due| fell_due.iter().any(|at| *at >= row.deadline_at));
            counted.push(promise(row, &events, late, shelf, now)?);
        }
        all.push(LeadFacts {
            lead: *lead,
            source: sources.get(lead).cloned().flatten(),
            hand_offs: hand_offs.remove(lead).unwrap_or_default().into_iter().map(hand_off).collect(),
            stages: events.iter().filter_map(stage).collect(),
            promises: counted,
            heard: events.iter().flat_map(heard).collect(),
        });
    }
    Ok(all)
}

fn hand_off(row: HandOffRow) -> HandOffFact {
    HandOffFact { id: row.id, rep: row.rep, team: row.team, campaign: row.campaign, at: row.at }
}

fn fact<'e>(event: &'e Event, name: &str) -> Option<&'e str> {
    event.facts.get(name).and_then(serde_json::Value::as_str)
}

fn stage(event: &Event) -> Option<StageFact> {
    if event.kind != "stage" {
        return None;
    }
    let named = |name| fact(event, name)?.parse::<Stage>().ok();
    let why = fact(event, "why").unwrap_or_default().to_owned();
    Some(StageFact { at: event.occurred_at, from: named("from")?, to: named("to")?, why })
}

/// What a rep heard from a lead.
fn heard(event: &Event) -> Vec<(Timestamp, Said, String)> {
    if event.kind != "feedback" {
        return Vec::new();
    }
    [(Said::Objection, "objection"), (Said::Argument, "argument")]
        .into_iter()
        .filter_map(|(said, name)| Some((event.occurred_at, said, fact(event, name)?.to_owned())))
        .collect()
}

fn promise(
    row: PromiseRow,
    events: &[Event],
    detected_late: bool,
    shelf: &mut Shelf,
    now: Timestamp,
) -> Result<PromiseFact, StoreError> {
    let state = match row.state.as_str() {
        "running" => ClockState::Running,
        "met" => ClockState::Met,
        "late" => ClockState::Late,
        "closed" => ClockState::Closed,
        other => {
            let what = format!("`{other}` is no state of a clock");
            return Err(StoreError::Inconsistent { table: "sla_clock", id: row.id.0, what });
        }
    };
    let end = row.stopped_at.unwrap_or(now);
    // A kind that this program does not know any more was at least counted like the others.
    let waits = row.kind.parse::<PromiseKind>().map_or(true, PromiseKind::is_paused_with_the_lead);
    let pauses = if waits { pauses_in(events, row.started_at) } else { Vec::new() };
    // What was not met took no time that anybody asks for.
    let is_told = matches!(state, ClockState::Met | ClockState::Late) || !pauses.is_empty();
    let (minutes, paused_minutes) = match shelf.hours(&row.terms).filter(|_| is_told) {
        Some(kept) => {
            let calendars: Vec<&Calendar> = kept.calendars.iter().collect();
            let from = kept.counts_from.map_or(row.started_at, |from| from.max(row.started_at));
            let counted = elapsed(&calendars, from, end, &pauses).as_mins();
            let paused =
                if pauses.is_empty() { 0 } else { elapsed(&calendars, from, end, &[]).as_mins() - counted };
            (Some(counted), paused)
        }
        None => (None, 0),
    };
    Ok(PromiseFact {
        hand_off: row.hand_off,
        kind: row.kind,
        state,
        started_at: row.started_at,
        deadline_at: row.deadline_at,
        stopped_at: row.stopped_at,
        minutes,
        paused_minutes,
        detected_late,
    })
}

/// The hours in which a promise was counted.
struct Hours {
    calendars: Vec<Calendar>,
    counts_from: Option<Timestamp>,
}

/// The hours of promises, by the terms in which they stand.
#[derive(Default)]
struct Shelf(HashMap<String, Option<Arc<Hours>>>);

impl Shelf {
    /// The hours of a promise; `None` when they cannot be read any more.
    fn hours(&mut self, terms: &str) -> Option<Arc<Hours>> {
        if let Some(kept) = self.0.get(terms) {
            return kept.clone();
        }
        let thawed = serde_json::from_str::<Terms>(terms).ok().and_then(|terms| {
            let calendars = terms.calendars.iter().map(|spec| spec.thaw().ok());
            let calendars = calendars.collect::<Option<Vec<Calendar>>>()?;
            Some(Arc::new(Hours { calendars, counts_from: terms.counts_from }))
        });
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.insert(terms.to_owned(), thawed.clone());
        thawed
    }
}

/// How people and reasons are called.
fn labels(agreement: &Agreement) -> BTreeMap<String, String> {
    let reps = agreement.teams.values().flat_map(|team| &team.reps);
    let reps = reps.map(|rep| (rep.email.to_string(), rep.name.clone()));
    let reasons = agreement.reasons.values().map(|reason| (reason.name.clone(), reason.label.clone()));
    let heard = [(Said::Objection, &agreement.objections), (Said::Argument, &agreement.arguments)];
    let heard = heard.into_iter().flat_map(|(said, names)| {
        names.iter().map(move |(name, label)| (heard_as(said, name), label.clone()))
    });
    heard.chain(reasons).chain(reps).collect()
}

async fn stories(
    tx: &mut Tx,
    agreement: &Agreement,
    period: &Period,
    won: Vec<(LeadId, Passage)>,
) -> Result<Vec<Story>, StoreError> {
    let mut stories = Vec::with_capacity(won.len());
    for (id, passage) in won {
        let (Some(lead), Some(end)) = (tx.leads(&[id]).await?.pop(), &passage.end) else { continue };
        let touches = tx.touches(id).await?;
        let (mails, attempts) = tx.turned_to(id).await?;
        let first = touches.first();
        let came =
            first.and_then(|touch| touch.occurred_at).map_or(lead.created_at, |at| at.min(lead.created_at));
        // As people count them, by the calendar: from Monday morning to Tuesday evening it is one day.
        let day = |at: Timestamp| at.to_zoned(period.zone.clone()).date();
        let days = |from: Timestamp, to: Timestamp| i64::from((day(to) - day(from)).get_days()).max(0);
        let rep = agreement
            .teams
            .values()
            .flat_map(|team| &team.reps)
            .find(|rep| rep.email.as_str() == passage.rep);
        stories.push(Story {
            lead: display(&lead),
            on: day(end.at),
            campaign: passage.campaign.clone(),
            source: lead.source.clone(),
            ad: first.and_then(|touch| touch.ad.clone()),
            touches: i64::try_from(touches.len()).unwrap_or(i64::MAX),
            mails,
            attempts,
            round: passage.round,
            days_to_sales: days(came, passage.started_at),
            days_to_deal: days(passage.started_at, end.at),
            rep: rep.map_or_else(|| passage.rep.clone(), |rep| rep.name.clone()),
        });
    }
    Ok(stories)
}

/// "Jane Doe, Acme", as far as it is known.
fn display(lead: &Lead) -> String {
    let name = lead.profile.full_name().unwrap_or_else(|| lead.email.to_string());
    match &lead.profile.company {
        Some(company) => format!("{name}, {company}"),
        None => name,
    }
}

async fn costs(tx: &mut Tx, agreement: &Agreement, report: &Report) -> Result<Vec<CostLine>, StoreError> {
    let mut lines = Vec::new();
    for campaign in &agreement.campaigns {
        let Some(cost) = &campaign.cost else { continue };
        let line = match cost {
            Cost::Whole(amount) => {
                let (accepted, opportunity, won) = tx.brought_by(&campaign.name, report.period.to).await?;
                let brought = Brought { accepted, opportunity, won };
                CostLine { campaign: campaign.name.clone(), amount: *amount, altogether: true, brought }
            }
            Cost::Spans(_) => {
                let Some(amount) = cost.within(&report.period) else { continue };
                let group = Group { by: Some(By::Campaign), name: campaign.name.clone() };
                let brought = report.funnels.get(&group).map(Brought::from).unwrap_or_default();
                CostLine { campaign: campaign.name.clone(), amount, altogether: false, brought }
            }
        };
        lines.push(line);
    }
    Ok(lines)
}

async fn answers(tx: &mut Tx, period: &Period) -> Result<Vec<Answers>, StoreError> {
    let mut all: Vec<Answers> = Vec::new();
    for row in tx.top_answers(period.from, period.to, TOP_ANSWERS).await? {
        let said = (row.answer, row.leads);
        match all.last_mut().filter(|last| last.campaign == row.campaign && last.question == row.question) {
            Some(answers) => answers.top.push(said),
            None => all.push(Answers {
                campaign: row.campaign,
                question: row.question,
                leads: row.answers,
                top: vec![said],
            }),
        }
    }
    Ok(all)
}
