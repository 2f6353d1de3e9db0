//! A rep has made every attempt that was owed and reached nobody: the lead goes back by itself, unless they say
//! otherwise within the time that the reason gives them.
//!
//! When it is due stands in the lead itself (`due_at`), as for every other lead at which a pass has to look.

use serde_json::json;

use super::super::hand_off::team_calendar;
use super::super::happen::Said;
use super::super::pass::PassError;
use super::super::{Engine, Wake, staff_mail};
use crate::domain::agreement::Reason;
use crate::domain::happening::{Circumstances, HandOffFacts, Happening, Outcome, consequences};
use crate::domain::lead::{Lead, Stage};
use crate::store::{HandOff, Tx};

/// The debt of attempts is paid and nobody was reached: its rep is told when it goes back.
pub(in crate::engine) async fn attempts_are_spent(
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
        "You have made every attempt that is owed. On {shown} this lead goes back as \"{}\" by itself. Still yours? \
         Take it once more, log another attempt, or name a day for it.",
        reason.label
    );
    let key = format!("attempts-spent:{}", hand_off.id);
    staff_mail::notice(engine, tx, wake, lead, &owner, &words, &key).await
}

/// What its rep, its manager or the lead itself says while it is about to go back: it stays, or waits anew for a
/// rep who goes on trying. The lead is saved by the caller.
pub(super) async fn say_otherwise(
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    hand_off: &HandOff,
    happening: &Happening,
) -> Result<(), PassError> {
    if lead.stage != Stage::Accepted || lead.due_at.is_none() {
        return Ok(());
    }
    match happening {
        // A visit, or a mail that came back, is no word.
        Happening::Activity { .. } | Happening::Bounced { .. } | Happening::Feedback { .. } => {}
        Happening::Attempt { outcome, .. } if *outcome != Outcome::Reached => {
            if let Some(reason) = reason(wake) {
                plan(tx, wake, lead, hand_off, reason).await?;
            }
        }
        other => {
            lead.due_at = None;
            let facts = json!({ "why": other.kind() });
            tx.append(&[wake.event(lead.id, "stays", facts)]).await?;
        }
    }
    Ok(())
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
