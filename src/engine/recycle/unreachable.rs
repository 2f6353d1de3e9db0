//! A rep has made every attempt that was owed and reached nobody: the lead goes back by itself, unless they say
//! otherwise within the time that the reason gives them.
//!
//! When it is due stands in the lead itself (`due_at`), as for every other lead at which a pass has to look.

use jiff::Timestamp;
use serde_json::json;

use super::super::hand_off::team_calendar;
use super::super::happen::Said;
use super::super::pass::PassError;
use super::super::{Engine, Wake, sla, staff_mail};
use crate::domain::agreement::Reason;
use crate::domain::happening::{Circumstances, Consequences, HandOffFacts, Happening, Outcome, consequences};
use crate::domain::lead::{Lead, Stage};
use crate::domain::sla::PromiseKind;
use crate::store::{HandOff, SlaClock, Tx};

/// Counts what is owed once more: an attempt was made, or a channel is closed over which one was owed.
pub(in crate::engine) async fn count_attempts(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    at: Timestamp,
) -> Result<(), PassError> {
    let Some(hand_off) = tx.open_hand_off(lead.id).await? else { return Ok(()) };
    if sla::count_attempts(engine, tx, wake, lead, at).await? {
        attempts_are_spent(engine, tx, wake, lead, &hand_off).await?;
    }
    Ok(())
}

/// The debt of attempts is paid and nobody was reached: its rep is told when it goes back.
async fn attempts_are_spent(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    hand_off: &HandOff,
) -> Result<(), PassError> {
    let Some(reason) = reason(wake).filter(|_| lead.stage == Stage::Accepted) else {
        return Ok(());
    };
    plan(tx, wake, lead, hand_off, reason).await?;
    let (Some(at), Some(owner)) = (lead.due_at, lead.owner.clone()) else {
        return Ok(());
    };
    let agreement = &wake.rules.agreement;
    let team = agreement.teams.get(&hand_off.team).or_else(|| agreement.teams.values().next());
    let shown = team.map_or_else(
        || at.to_string(),
        |team| team_calendar(wake, team).local(at).strftime("%a %-d %b %H:%M").to_string(),
    );
    let words = format!(
        "Goes back {shown}, unless you keep it. You have made every attempt that is owed, so it goes back as “{}” by \
         itself. Still yours? Say that you keep it, log another attempt, or name a day for it.",
        reason.label
    );
    // They may be spent more than once: whoever kept the lead owes them anew.
    let times = tx.events_of_kind(lead.id, "attempts_spent").await?.len();
    let key = format!("attempts-spent:{}:{times}", hand_off.id);
    staff_mail::notice(engine, tx, wake, lead, &owner, &words, &key).await
}

/// What its rep, its manager or the lead itself says while it is about to go back: it stays, or waits anew for a
/// rep who goes on trying. The lead is saved by the caller.
pub(super) async fn say_otherwise(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    hand_off: &HandOff,
    happening: &Happening,
    followed: &Consequences,
) -> Result<(), PassError> {
    if !is_about_to_go_back(lead) {
        return Ok(());
    }
    match happening {
        // A visit, or a mail that came back, is no word; and whoever wants no mail has not asked for a call.
        Happening::Activity { .. }
        | Happening::Bounced(_)
        | Happening::Complained
        | Happening::Unsubscribed
        | Happening::LeftCompany
        | Happening::Feedback { .. } => {}
        Happening::Attempt { outcome, .. } if *outcome != Outcome::Reached => {
            if let Some(reason) = reason(wake) {
                plan(tx, wake, lead, hand_off, reason).await?;
            }
        }
        other => {
            // What follows from it has promises of its own, unless nothing does.
            let goes_on = followed.stages.is_empty() && followed.goes_to.is_none();
            let stays = Stays {
                why: other.kind(),
                owed_under: Some(hand_off).filter(|_| goes_on),
                at_once: matches!(other, Happening::Replied),
            };
            stays.note(engine, tx, wake, lead).await?;
        }
    }
    Ok(())
}

/// A lead that was about to go back stays.
pub(in crate::engine) struct Stays<'a> {
    /// Because of this.
    pub why: &'static str,
    /// The attempts are owed anew under this hand-off, if it promised any: a lead without a promise would be nobody's.
    pub owed_under: Option<&'a HandOff>,
    /// The lead waits for an answer, as it did when it was handed off. A rep who keeps a lead has all the time.
    pub at_once: bool,
}

impl Stays<'_> {
    /// Notes it, if the lead was about to go back. It is saved by the caller.
    pub(in crate::engine) async fn note(
        &self,
        engine: &Engine,
        tx: &mut Tx,
        wake: &Wake,
        lead: &mut Lead,
    ) -> Result<(), PassError> {
        const KIND: PromiseKind = PromiseKind::Attempts;
        if !is_about_to_go_back(lead) {
            return Ok(());
        }
        lead.due_at = None;
        tx.append(&[wake.event(lead.id, "stays", json!({ "why": self.why }))]).await?;
        let Some(hand_off) = self.owed_under else { return Ok(()) };
        let owed = |clock: &SlaClock| clock.hand_off == hand_off.id && clock.kind == KIND;
        let names = (hand_off.team.as_str(), hand_off.policy.as_str());
        if tx.clocks_of(lead.id).await?.iter().any(owed)
            && let Some(mut terms) = sla::terms_for(engine, wake, lead, names, KIND)?
        {
            if let Some(attempts) = terms.attempts.as_mut().filter(|_| !self.at_once) {
                (attempts.first_minutes, attempts.first_from) = (None, None);
            }
            sla::start(tx, wake, lead, hand_off.id, KIND, &terms).await?;
        }
        Ok(())
    }
}

/// An accepted lead has nothing else that it could be due for.
fn is_about_to_go_back(lead: &Lead) -> bool {
    lead.stage == Stage::Accepted && lead.due_at.is_some()
}

/// Nobody said otherwise: the lead goes back.
pub(super) async fn goes_back(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    mut lead: Lead,
) -> Result<(), PassError> {
    let agreement = &wake.rules.agreement;
    lead.due_at = None;
    let hours = engine.hours.mail(&lead, agreement, None);
    let circumstances = Circumstances {
        agreement,
        hours: &hours,
        absent_before: 0,
        strikes: 0,
        hand_off: HandOffFacts::default(),
        now: wake.now,
    };
    if let Some(reason) = reason(wake) {
        let happening = Happening::Rejected { reason: reason.name.clone() };
        if let Ok(followed) = consequences(&lead, &happening, None, circumstances) {
            return engine.follow(tx, wake, &mut lead, &happening, &Said::default(), &followed).await;
        }
    }
    // The agreement has changed meanwhile, and has no such reason any more.
    tx.save_lead(&lead).await?;
    Ok(())
}

/// Notes when the lead goes back.
async fn plan(
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    hand_off: &HandOff,
    reason: &Reason,
) -> Result<(), PassError> {
    let agreement = &wake.rules.agreement;
    let team = agreement.teams.get(&hand_off.team).or_else(|| agreement.teams.values().next());
    let office = team.map(|team| team_calendar(wake, team));
    let at = office
        .zip(reason.after_attempts)
        .and_then(|(office, wait)| wait.due(wake.now, office).and_then(|due| office.next_open(due)));
    lead.due_at = at;
    if let Some(at) = at {
        let facts = json!({ "reason": reason.name, "until": at.to_string() });
        tx.append(&[wake.event(lead.id, "goes_back", facts)]).await?;
    }
    tx.save_lead(lead).await?;
    Ok(())
}

/// The reason for which leads go back by themselves.
fn reason(wake: &Wake) -> Option<&Reason> {
    wake.rules.agreement.reasons.values().find(|reason| reason.after_attempts.is_some())
}
