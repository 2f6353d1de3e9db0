//! Promises that are about to be broken, and those that are.
//!
//! A level fires once for each clock: the database keeps it. When several fell due while nobody looked (the
//! daemon was down, the database was), all are noted, and everybody concerned gets one mail, about the
//! highest, marked as found late.

mod clocks;
mod desk;
pub mod reapply;
mod shelf;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::duty::Duty;
use super::facts::Behaviour;
use super::hand_off::{self, Given};
use super::pass::{PassError, PassReport};
use super::{Engine, Wake, absence, staff_mail};
use crate::domain::agreement::Role;
use crate::domain::ids::{HandOffId, LeadId};
use crate::domain::lead::Lead;
use crate::domain::sla::course::{Course, Ending};
use crate::domain::sla::once::{self, REASSIGNED};
use crate::domain::sla::{LevelTerms, PromiseKind, Standing, Terms};
use crate::store::{HandOff, SlaClock, Tx};

use desk::Desk;

pub(super) use shelf::TermsShelf;

pub(super) use clocks::{
    Begun, close_all, correct, count_attempts, go_on, is_somebody_else_s, last_word, pauses_in, recount,
    start, start_what_starts, stop_kinds, terms, terms_for,
};

/// Leads whose clocks are looked at in one transaction.
const BATCH: usize = 50;

/// A level found later than this after it fell due was not found in time: nobody was looking.
pub(super) const FOUND_LATE: SignedDuration = SignedDuration::from_mins(15);

/// Why a lead stays with a rep who made no attempt.
const NOBODY_ELSE: &str = "Nobody else of the team is there with room, so the lead stays where it is.";

/// Why a lead stays that would have been taken away while nobody looked: no warning came, and a call could
/// not be logged by mail or by page. Its manager decides.
const NOBODY_LOOKED: &str = "Nobody looked in time, so the lead stays where it is.";

/// Why a clock ends whose rep was asked how it stands, and will be asked again.
pub(super) const ASKED: &str = "asked";

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    if !engine.has(Duty::Sla, wake.now).await? {
        return Ok(PassReport::default());
    }
    let turn = wake.turn();
    let mut report = PassReport::default();
    loop {
        let mut tx = engine.store.begin().await?;
        let due = tx.leads_with_due_clock(wake.now, BATCH as i64).await?;
        let leads = if due.is_empty() { Vec::new() } else { tx.lock_free_leads(&due, BATCH).await? };
        if leads.is_empty() || engine.is_stopping() {
            tx.rollback().await?;
            return Ok(report);
        }
        let desk = Desk::load(&mut tx, wake, &leads).await?;
        for mut lead in leads {
            for clock in desk.due(lead.id) {
                let looked_at = assess(engine, &mut tx, wake, &desk, &mut lead, clock).await?;
                report = report.and(looked_at.report);
                // The clocks of whoever had it are closed, and those of whoever has it now have just begun.
                if looked_at.taken_away {
                    break;
                }
            }
        }
        tx.commit().await?;
        if turn.is_over() {
            return Ok(report);
        }
    }
}

impl Engine {
    /// Looks at the clocks that are due at `now` and at nothing else: a wake does it among other things.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn assess_clocks(&self, now: Timestamp) -> Result<PassReport, PassError> {
        run(self, &self.wake_at(now)).await
    }
}

/// What came of looking at a clock.
#[derive(Default)]
struct LookedAt {
    report: PassReport,
    /// The lead is somebody else's now.
    taken_away: bool,
}

impl From<PassReport> for LookedAt {
    fn from(report: PassReport) -> LookedAt {
        LookedAt { report, taken_away: false }
    }
}

async fn assess(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    desk: &Desk,
    lead: &mut Lead,
    clock: &SlaClock,
) -> Result<LookedAt, PassError> {
    let runs = |hand_off: &&HandOff| hand_off.ended_at.is_none() || clock.kind.outlives_the_hand_off();
    let Some(hand_off) = desk.hand_off(clock).filter(runs) else {
        tx.stop_clock(clock.id, "closed", "the hand-off is over", wake.now).await?;
        return Ok(LookedAt::default());
    };
    let pauses = desk.pauses(clock);
    let fired = desk.fired(clock);
    let counted = engine.terms.read(clock).and_then(|read| {
        let (terms, thawed) = &*read;
        let standing = terms.assess_in(thawed, clock.started_at, &pauses, fired, wake.now)?;
        Ok((standing, read))
    });
    let (standing, read) = match counted {
        Ok(counted) => counted,
        Err(error) => return Ok(park(engine, tx, wake, lead, clock, &error).await?.into()),
    };
    let (terms, thawed) = &*read;
    tx.plan_clock(clock.id, standing.deadline.at, standing.next_at).await?;
    let mut highest: Option<&(LevelTerms, Timestamp)> = None;
    // Whether the lead is to be taken away; `Some(false)`: it would have been, while nobody looked.
    let mut reassign = None;
    let mut tell = Vec::new();
    let mut events = Vec::new();
    let mut now_fired = fired.to_vec();
    for level in &standing.reached {
        if tx.fire_level(clock.id, &level.0.name, level.1, wake.now).await? {
            let mut facts = json!({
                "level": level.0.name,
                "promise": clock.kind.name(),
                "fell_due": level.1.to_string(),
                "detected_late": is_late(level.1, wake.now),
                "overdue": level.1 >= standing.deadline.at,
                "tell": level.0.tell.iter().map(|role| role.name()).collect::<Vec<_>>(),
            });
            if let Some(time) = level.0.at.time() {
                facts["after"] = json!(time);
            }
            events.push(wake.event(lead.id, "level", facts));
            if level.0.reassign {
                reassign = Some(reassign.unwrap_or_default() || !is_late(level.1, wake.now));
            }
            tell.extend(level.0.tell.iter().copied());
            now_fired.push(level.0.name.clone());
            highest = highest.filter(|highest| terms.is_later(&highest.0, &level.0)).or(Some(level));
        }
    }
    let Some((level, fell_due)) = highest else {
        return Ok(PassReport { put_off: 1, ..PassReport::default() }.into());
    };
    tx.append(&events).await?;
    let late = is_late(*fell_due, wake.now).then_some(*fell_due);
    // At the end of time every level is reached: each with its instant.
    let ahead = terms.assess_in(thawed, clock.started_at, &pauses, &now_fired, Timestamp::MAX)?.reached;
    let mut told = Told {
        kind: clock.kind,
        level,
        tell,
        late,
        hand_off,
        terms,
        standing: &standing,
        ahead,
        paid: paid(engine, tx, wake, lead, clock, terms).await?,
        next_owner: None,
        stays: None,
    };
    if let Some(in_time) = reassign {
        if in_time {
            told.next_owner = take_away(engine, tx, wake, lead, hand_off).await?;
        }
        if told.next_owner.is_none() {
            let why = if in_time { NOBODY_ELSE } else { NOBODY_LOOKED };
            let facts = json!({ "rep": hand_off.rep.as_str(), "why": why });
            tx.append(&[wake.event(lead.id, "not_reassigned", facts)]).await?;
            told.stays = Some(why);
        }
    }
    let taken_away = told.next_owner.is_some();
    staff_mail::level(engine, tx, wake, &desk.contacts, lead, clock.id, &told).await?;
    if clock.kind == PromiseKind::Quiet && standing.next_at.is_none() {
        // An opportunity may be quiet for another month: it is asked about again.
        stop_kinds(tx, wake, lead.id, &[(PromiseKind::Quiet, Ending::Closed)], ASKED, wake.now).await?;
        let again = Course { start: vec![PromiseKind::Quiet], ..Course::default() };
        start_what_starts(engine, tx, wake, lead, hand_off, &again).await?;
    }
    Ok(LookedAt { report: PassReport { done: 1, ..PassReport::default() }, taken_away })
}

/// What is paid of a debt of attempts, in words.
async fn paid(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    clock: &SlaClock,
    terms: &Terms,
) -> Result<Option<String>, PassError> {
    let Some(owed) = &terms.attempts else { return Ok(None) };
    let phone = engine.hours.phone(lead, &wake.rules.agreement);
    let attempts = clocks::attempts_since(tx, lead.id, clock.started_at).await?;
    Ok(Some(owed.debt(&attempts, &phone).words(owed)))
}

/// A clock that cannot be counted is nobody's promise any more: a person has to call. The others run on.
async fn park(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    clock: &SlaClock,
    error: &PassError,
) -> Result<PassReport, PassError> {
    tracing::error!(
        clock.id = clock.id.0,
        "promise {} cannot be counted and is not watched: {error}",
        clock.id
    );
    tx.plan_clock(clock.id, clock.deadline_at, None).await?;
    let why = format!("its promise cannot be counted: {error}");
    tx.append(&[wake.event(lead.id, "parked", json!({ "why": why }))]).await?;
    let words =
        format!("promise {} to lead {} cannot be counted and is not watched: {error}", clock.id, lead.id);
    staff_mail::operator(engine, tx, wake, &words, &format!("clock:{}", clock.id)).await?;
    Ok(PassReport { parked: 1, ..PassReport::default() })
}

/// What the mails about a level say.
pub(super) struct Told<'a> {
    /// What was promised.
    pub kind: PromiseKind,
    /// The level: the highest, when several were reached at once.
    pub level: &'a LevelTerms,
    /// Everybody who is told at any of them, once.
    pub tell: Vec<Role>,
    /// When it fell due, if nobody looked in time.
    pub late: Option<Timestamp>,
    /// Whose promise it is.
    pub hand_off: &'a HandOff,
    /// What was promised.
    pub terms: &'a Terms,
    /// Where it stands.
    pub standing: &'a Standing,
    /// The levels that are left, each with its instant.
    pub ahead: Vec<(LevelTerms, Timestamp)>,
    /// What is paid of a debt of attempts.
    pub paid: Option<String>,
    /// Who has the lead now, if it was taken away.
    pub next_owner: Option<crate::domain::agreement::Rep>,
    /// Why it was not taken away although the level says so.
    pub stays: Option<&'static str>,
}

fn is_late(fell_due: Timestamp, now: Timestamp) -> bool {
    now.duration_since(fell_due) > FOUND_LATE
}

/// Whether a lead was taken from somebody before the hand-off it is in: then it is not taken again.
pub(super) async fn was_taken_away(
    tx: &mut Tx,
    lead: LeadId,
    hand_off: HandOffId,
) -> Result<bool, PassError> {
    let all = tx.hand_offs_of(lead).await?;
    let before = all.iter().rev().skip_while(|one| one.id != hand_off).skip(1);
    Ok(once::was_taken_away(before.map(|one| one.ended_why.as_deref().unwrap_or_default())))
}

/// Gives a lead that nobody attempted to reach to another rep; `None` when nobody else is there.
async fn take_away(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    from: &HandOff,
) -> Result<Option<crate::domain::agreement::Rep>, PassError> {
    let behaviour = Behaviour::load(tx, std::slice::from_ref(lead), wake.now).await?;
    // What cannot be told gives the lead to nobody else; its manager hears of it.
    let Ok(Some((campaign, team, policy))) = hand_off::terms_of(wake, lead, &behaviour) else {
        return Ok(None);
    };
    tx.lock_routing().await?;
    let name = wake.rules.agreement.rep(&from.rep).map_or(from.rep.as_str(), |(_, rep)| rep.name.as_str());
    let why = format!("{name} made no attempt in time");
    if let Some(other) = hand_off::another(tx, wake, lead, from).await? {
        let (team, policy) = (other.team, other.policy);
        let given = Given { campaign, team, policy, rep: other.rep, why: &why, taken: false };
        absence::give_to(engine, tx, wake, lead, from, &given, REASSIGNED).await?;
        other.took_it(tx).await?;
        return Ok(Some(other.rep.clone()));
    }
    // Nobody has room: whoever stands in takes it.
    let Some(rep) = absence::stand_in(tx, wake, team, Some(&from.rep)).await? else {
        return Ok(None);
    };
    let given = Given { campaign, team, policy, rep: &rep, why: &why, taken: false };
    absence::give_to(engine, tx, wake, lead, from, &given, REASSIGNED).await?;
    Ok(Some(rep))
}
