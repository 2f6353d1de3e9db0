//! Clocks that begin, end and are counted anew.
//!
//! What a happening does to them is decided in `domain/sla/course`; here it is done. Evidence that comes late
//! ends a clock at the instant at which it happened: a clock that was ended late becomes kept when an earlier
//! call turns up. A level that has fired stays fired, and none fires because of it.

use jiff::Timestamp;
use serde_json::json;

use crate::domain::agreement::Target;
use crate::domain::contact::{Channel, Purpose};
use crate::domain::happening::Outcome;
use crate::domain::ids::{HandOffId, LeadId, SlaClockId};
use crate::domain::lead::Lead;
use crate::domain::sla::course::{Course, Ending};
use crate::domain::sla::once::REASSIGNED;
use crate::domain::sla::{Attempt, LevelTerms, NextAttempt, PromiseKind, Standing, Terms, next_attempt_due};
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::store::{Event, HandOff, NewSlaClock, SlaClock, StoreError, Tx};

/// The promise as it was made.
pub(in crate::engine) fn terms(clock: &SlaClock) -> Result<Terms, PassError> {
    serde_json::from_str(&clock.terms).map_err(|error| {
        StoreError::Inconsistent { table: "sla_clock", id: clock.id.0, what: format!("terms: {error}") }
            .into()
    })
}

/// What the policy promises of that kind for the lead from now on, by the names of team and policy; `None` when it
/// promises nothing.
pub(in crate::engine) fn terms_for(
    engine: &Engine,
    wake: &Wake,
    lead: &Lead,
    names: (&str, &str),
    kind: PromiseKind,
) -> Result<Option<Terms>, PassError> {
    terms_since(engine, wake, lead, names, kind, wake.now)
}

/// The same from an instant on that has passed.
pub(super) fn terms_since(
    engine: &Engine,
    wake: &Wake,
    lead: &Lead,
    (team, policy): (&str, &str),
    kind: PromiseKind,
    since: Timestamp,
) -> Result<Option<Terms>, PassError> {
    let agreement = &wake.rules.agreement;
    let calendar = agreement.teams.get(team).and_then(|team| agreement.calendars.get(&team.calendar));
    let (Some(calendar), Some(policy)) = (calendar, agreement.policies.get(policy)) else {
        return Ok(None);
    };
    let phone = engine.hours.phone(lead, agreement);
    let mut terms = Terms::of(policy, kind, calendar, &phone, since)?;
    if let (None, Some(terms), Some(promise)) = (&lead.profile.phone, &mut terms, policy.promises.get(&kind))
        && let Target::BusinessDays(days) = promise.target
    {
        // Whom nobody can call is written to.
        terms.attempts = terms.attempts.map(|owed| owed.within(days, &[Channel::Email]));
    }
    Ok(terms)
}

/// The channels over which a human can try to reach a lead: no number is known, or it is somebody else's, or the
/// person said no.
pub(super) async fn open_channels(tx: &mut Tx, lead: &Lead) -> Result<Vec<Channel>, StoreError> {
    let suppressions = tx.suppressions(&lead.email).await?;
    let forbidden = |channel| suppressions.iter().any(|one| one.reason.forbids(channel, Purpose::Owner));
    let has_number = lead.profile.phone.is_some() && !is_somebody_else_s(tx, lead).await?;
    let open = |channel: &Channel| (*channel != Channel::Phone || has_number) && !forbidden(*channel);
    Ok(Channel::ALL.iter().copied().filter(open).collect())
}

/// Whether the last call found that the lead's number is somebody else's, and nobody has corrected it since.
pub(in crate::engine) async fn is_somebody_else_s(tx: &mut Tx, lead: &Lead) -> Result<bool, StoreError> {
    if lead.profile.phone.is_none() {
        return Ok(false);
    }
    let says = |event: &Event, fact: &str, what: &str| {
        event.facts.get(fact).and_then(|fact| fact.as_str()) == Some(what)
    };
    let calls = tx.events_of_kind(lead.id, "attempt").await?;
    let last = calls.into_iter().rfind(|event| says(event, "channel", Channel::Phone.name()));
    let Some(wrong) = last.filter(|last| says(last, "outcome", Outcome::WrongNumber.name())) else {
        return Ok(false);
    };
    let corrected = tx.events_of_kind(lead.id, "corrected").await?;
    Ok(!corrected.iter().any(|event| event.id > wrong.id && says(event, "field", "phone")))
}

/// A clock that has begun.
pub(in crate::engine) struct Begun {
    /// Where it stands.
    pub standing: Standing,
    /// Its levels, each with its instant.
    pub ahead: Vec<(LevelTerms, Timestamp)>,
}

/// Begins a clock of any kind, and says so in the log. One of its kind must not run in the hand-off.
pub(in crate::engine) async fn start(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    hand_off: HandOffId,
    kind: PromiseKind,
    terms: &Terms,
) -> Result<Begun, PassError> {
    let pauses = match kind.is_paused_with_the_lead() {
        true => pauses(tx, lead, wake.now).await?,
        false => Vec::new(),
    };
    let thawed = terms.thaw()?;
    let standing = terms.assess_in(&thawed, wake.now, &pauses, &[], wake.now)?;
    let ahead = terms.assess_in(&thawed, wake.now, &pauses, &[], Timestamp::MAX)?.reached;
    let clock = NewSlaClock {
        hand_off,
        lead: lead.id,
        kind,
        terms: serde_json::to_string(terms).unwrap_or_default(),
        started_at: wake.now,
        deadline_at: standing.deadline.at,
        next_at: standing.next_at,
    };
    tx.insert_sla_clock(&clock).await?;
    let facts = json!({
        "promise": kind.name(),
        "policy": terms.policy,
        "by": standing.deadline.at.to_string(),
    });
    tx.append(&[wake.event(lead.id, "clock_started", facts)]).await?;
    Ok(Begun { standing, ahead })
}

/// Ends one clock at the instant at which what ends it happened.
async fn stop(
    tx: &mut Tx,
    wake: &Wake,
    clock: &SlaClock,
    ending: Ending,
    why: &str,
    at: Timestamp,
) -> Result<(), PassError> {
    let state = match ending {
        Ending::Closed => "closed",
        Ending::Kept if at > clock.deadline_at => "late",
        Ending::Kept => "met",
    };
    tx.stop_clock(clock.id, state, why, at).await?;
    let facts = json!({ "promise": clock.kind.name(), "state": state, "why": why });
    tx.append(&[wake.event(clock.lead, "clock_stopped", facts)]).await?;
    Ok(())
}

/// Closes every running clock of a lead's hand-off: it goes to somebody else.
pub(in crate::engine) async fn close_all(
    tx: &mut Tx,
    wake: &Wake,
    lead: LeadId,
    why: &str,
) -> Result<(), PassError> {
    for clock in tx.running_clocks(lead).await?.iter().filter(|clock| !clock.kind.outlives_the_hand_off()) {
        stop(tx, wake, clock, Ending::Closed, why, wake.now).await?;
    }
    Ok(())
}

/// The clocks that ended when a lead was taken from its rep run on in the hand-off `id`, as if it had never been
/// gone: whoever takes a lead back gets no minute more than was agreed. A level that fell due while somebody else
/// had it is no news of theirs, and counts as told.
pub(in crate::engine) async fn go_on(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    from: HandOffId,
    id: HandOffId,
) -> Result<(), PassError> {
    let ended_so = |clock: &SlaClock| {
        clock.hand_off == from && clock.state == "closed" && clock.stopped_why.as_deref() == Some(REASSIGNED)
    };
    for clock in tx.clocks_of(lead.id).await?.into_iter().filter(ended_so) {
        let mut terms = terms(&clock)?;
        // It was taken away once.
        terms.stay_with_the_rep();
        let pauses = pauses(tx, lead, clock.started_at).await?;
        let fired = tx.fired_levels(clock.id).await?;
        let standing = terms.assess(clock.started_at, &pauses, &fired, wake.now)?;
        for (level, fell_due) in &standing.reached {
            tx.fire_level(clock.id, &level.name, *fell_due, wake.now).await?;
        }
        let text = serde_json::to_string(&terms).unwrap_or_default();
        tx.reopen_clock(clock.id, id, &text, standing.deadline.at, standing.next_at).await?;
        let facts = json!({
            "promise": clock.kind.name(),
            "policy": terms.policy,
            "by": standing.deadline.at.to_string(),
            "goes_on": true,
        });
        tx.append(&[wake.event(lead.id, "clock_started", facts)]).await?;
    }
    Ok(())
}

/// Ends a lead's running clocks of these kinds at `at`, which may be earlier than now.
pub(in crate::engine) async fn stop_kinds(
    tx: &mut Tx,
    wake: &Wake,
    lead: LeadId,
    kinds: &[(PromiseKind, Ending)],
    why: &str,
    at: Timestamp,
) -> Result<(), PassError> {
    if kinds.is_empty() {
        return Ok(());
    }
    for clock in tx.running_clocks(lead).await? {
        let ending = kinds.iter().find(|(kind, _)| *kind == clock.kind).map(|(_, ending)| *ending);
        // What was done before a promise began keeps another one.
        if let Some(ending) = ending.filter(|ending| *ending == Ending::Closed || at >= clock.started_at) {
            stop(tx, wake, &clock, ending, why, at).await?;
        }
    }
    Ok(())
}

/// Evidence came late: a clock of the hand-off that was ended late, by something that happened after `at`, was kept
/// at `at`. What was told meanwhile was told.
pub(in crate::engine) async fn correct(
    tx: &mut Tx,
    wake: &Wake,
    hand_off: &HandOff,
    kinds: &[(PromiseKind, Ending)],
    why: &str,
    at: Timestamp,
) -> Result<(), PassError> {
    for clock in tx.clocks_of(hand_off.lead).await? {
        let is_kept = kinds.contains(&(clock.kind, Ending::Kept)) && clock.state == "late";
        let earlier = clock.stopped_at.is_some_and(|stopped| at < stopped) && at >= clock.started_at;
        if clock.hand_off != hand_off.id || !is_kept || !earlier {
            continue;
        }
        let state = if at > clock.deadline_at { "late" } else { "met" };
        tx.correct_clock(clock.id, state, why, at).await?;
        if state != clock.state {
            let facts = json!({ "promise": clock.kind.name(), "state": state, "why": why });
            tx.append(&[wake.event(clock.lead, "clock_stopped", facts)]).await?;
        }
    }
    Ok(())
}

/// Counts the attempts that were made; `true` when the debt has been paid by the last and nobody was reached.
///
/// The log then has an `attempts_spent`: the lead may be given back as one that cannot be reached. Nothing else
/// is done about it here.
pub(in crate::engine) async fn count_attempts(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    at: Timestamp,
) -> Result<bool, PassError> {
    let running = tx.running_clocks(lead.id).await?;
    let Some(clock) = running.iter().find(|clock| clock.kind == PromiseKind::Attempts) else {
        return Ok(false);
    };
    let Some(owed) = terms(clock)?.attempts else { return Ok(false) };
    let phone = engine.hours.phone(lead, &wake.rules.agreement);
    let owed = owed.over(&open_channels(tx, lead).await?);
    let debt = owed.debt(&attempts_since(tx, lead.id, clock.started_at).await?, &phone);
    if !debt.is_paid() {
        return Ok(false);
    }
    stop(tx, wake, clock, Ending::Kept, "all that are owed were made", at).await?;
    let channels: Vec<&str> = debt.channels.iter().map(|channel| channel.name()).collect();
    let facts = json!({ "made": debt.made, "days": debt.days, "channels": channels });
    tx.append(&[wake.event(lead.id, "attempts_spent", facts)]).await?;
    Ok(true)
}

/// Begins the clocks that begin with a happening, those that the hand-off's policy promises and of whose kind none
/// runs. A lead that became its rep's without any promise, because a CRM said so, gets none later.
pub(in crate::engine) async fn start_what_starts(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    hand_off: &HandOff,
    course: &Course,
) -> Result<(), PassError> {
    if course.start.is_empty() {
        return Ok(());
    }
    let mut clocks = tx.clocks_of(lead.id).await?;
    clocks.retain(|clock| clock.hand_off == hand_off.id);
    if clocks.is_empty() {
        return Ok(());
    }
    let runs = |kind| clocks.iter().any(|clock| clock.kind == kind && clock.stopped_at.is_none());
    for kind in course.start.iter().filter(|kind| !runs(**kind)) {
        let names = (hand_off.team.as_str(), hand_off.policy.as_str());
        if let Some(terms) = terms_for(engine, wake, lead, names, *kind)? {
            start(tx, wake, lead, hand_off.id, *kind, &terms).await?;
        }
    }
    Ok(())
}

/// When the lead of a clock was last heard of: the clocks before it that ended with a question are no word of it.
pub(in crate::engine) async fn last_word(
    tx: &mut Tx,
    lead: &Lead,
    clock: SlaClockId,
) -> Result<Option<Timestamp>, PassError> {
    let clocks = tx.clocks_of(lead.id).await?;
    let mut since = clocks.iter().find(|one| one.id == clock).map(|one| one.started_at);
    let asked = |at| {
        let was_asked = |one: &&SlaClock| {
            one.kind == PromiseKind::Quiet
                && one.stopped_at == Some(at)
                && one.started_at < at
                && one.stopped_why.as_deref() == Some(super::ASKED)
        };
        clocks.iter().find(was_asked).map(|one| one.started_at)
    };
    while let Some(before) = since.and_then(asked) {
        since = Some(before);
    }
    Ok(since)
}

/// The attempts that humans made since `since`.
pub(in crate::engine) async fn attempts_since(
    tx: &mut Tx,
    lead: LeadId,
    since: Timestamp,
) -> Result<Vec<Attempt>, StoreError> {
    let attempts = tx.attempts_of(&[lead]).await?;
    Ok(attempts.into_iter().map(|(_, attempt)| attempt).filter(|attempt| attempt.at >= since).collect())
}

impl Engine {
    /// The next attempt that a running clock asks for; `None` when it asks for none.
    ///
    /// # Errors
    /// When the store fails, or the clock cannot be counted.
    pub async fn next_attempt(
        &self,
        tx: &mut Tx,
        lead: &Lead,
        clock: &SlaClock,
    ) -> Result<Option<NextAttempt>, PassError> {
        if clock.kind != PromiseKind::Attempts {
            return Ok(None);
        }
        let attempts = attempts_since(tx, lead.id, clock.started_at).await?;
        let pauses = pauses(tx, lead, clock.started_at).await?;
        let phone = self.hours.phone(lead, &self.rules().agreement);
        let open = open_channels(tx, lead).await?;
        Ok(next_attempt_due(&terms(clock)?, clock.started_at, &pauses, &attempts, &phone, &open)?)
    }
}

/// Counts every running clock of a lead anew that waits for the lead: a pause has begun, or changed.
pub(in crate::engine) async fn recount(tx: &mut Tx, wake: &Wake, lead: &Lead) -> Result<(), PassError> {
    let clocks = tx.running_clocks(lead.id).await?;
    for clock in clocks.into_iter().filter(|clock| clock.kind.is_paused_with_the_lead()) {
        let pauses = pauses(tx, lead, clock.started_at).await?;
        let fired = tx.fired_levels(clock.id).await?;
        let standing = terms(&clock)?.assess(clock.started_at, &pauses, &fired, wake.now)?;
        let next_at = standing.reached.iter().map(|_| wake.now).next().or(standing.next_at);
        tx.plan_clock(clock.id, standing.deadline.at, next_at).await?;
        if standing.deadline.at != clock.deadline_at {
            let facts = json!({
                "promise": clock.kind.name(),
                "from": clock.deadline_at.to_string(),
                "to": standing.deadline.at.to_string(),
            });
            tx.append(&[wake.event(lead.id, "deadline_moved", facts)]).await?;
        }
    }
    Ok(())
}

/// The kinds of events that stop a lead's clocks until they are over.
pub(super) const PAUSING: [&str; 2] = ["out_of_office", "follow_up"];

/// A manager gave the full time once more.
pub(super) const EXTENDED: &str = "extended";

/// When a lead could not be contacted since `since`: absences and follow-up dates, from the event log.
pub(in crate::engine) async fn pauses(
    tx: &mut Tx,
    lead: &Lead,
    since: Timestamp,
) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
    Ok(pauses_in(&tx.pausing_events_of(&[lead.id]).await?, since))
}

/// The pauses that these events began and that were not over at `since`.
///
/// Each begins when it was said and ends when the lead can be called again; what was said later about the same
/// thing replaces what was said before from then on. A manager who gives more time has the promise counted anew
/// from then, so what went before counts as a pause too.
pub(in crate::engine) fn pauses_in(events: &[Event], since: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let extended = events.iter().filter(|event| event.kind == EXTENDED && event.occurred_at > since);
    let mut pauses: Vec<_> = extended.map(|event| (since, event.occurred_at)).collect();
    for kind in PAUSING {
        let mut events = events.iter().filter(|event| event.kind == kind).peekable();
        while let Some(event) = events.next() {
            let Some(until) = event.facts.get("resumes").and_then(|until| until.as_str()?.parse().ok())
            else {
                continue;
            };
            let replaced_at = events.peek().map(|next| next.occurred_at);
            let end: Timestamp = replaced_at.map_or(until, |replaced| replaced.min(until));
            if end > since && end > event.occurred_at {
                pauses.push((event.occurred_at, end));
            }
        }
    }
    pauses
}
