//! Marketing disagrees with a rejection: once, with its reason, and the team's manager owes an answer by a day.
//!
//! The lead stays given back meanwhile. If it comes back by itself, the dispute is moot; if the manager agrees with
//! marketing, sales gets it again at once, in the same round, because the rejection never was. An answer that does
//! not come is escalated like any other promise.

use jiff::Timestamp;
use serde_json::json;

use super::super::hand_off::team_calendar;
use super::super::happen::{HappenError, Said};
use super::super::pass::PassError;
use super::super::{Engine, Wake, sla, staff_mail};
use crate::domain::agreement::AfterReason;
use crate::domain::email::EmailAddress;
use crate::domain::happening::Refusal;
use crate::domain::ids::{GivenBackId, HandOffId, LeadId};
use crate::domain::lead::{Lead, Stage};
use crate::domain::recycle::dispute::{Rejection, may_answer, may_dispute};
use crate::domain::recycle::{NextRep, Refused, Verdict};
use crate::domain::sla::course::Ending;
use crate::domain::sla::{PromiseKind, Terms};
use crate::problem::nearest;
use crate::store::{GivenBack, HandOff, NewEvent, StoreError, Tx};

impl Engine {
    /// Marketing disputes the last rejection of the lead at `email`, in words.
    ///
    /// # Errors
    /// [`HappenError::Refused`] says in words that can be shown why it cannot be so; then nothing was changed.
    pub(super) async fn dispute(
        &self,
        email: &EmailAddress,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        let wake = self.wake_at(now);
        let agreement = &wake.rules.agreement;
        let mut tx = self.store.begin().await?;
        let lead = tx.lock_person_by_email(email).await?;
        let lead = lead.ok_or_else(|| HappenError::UnknownLead(email.clone()))?;
        let last = rejection(&mut tx, &lead).await?;
        let hours = self.hours.mail(&lead, agreement, None);
        let facts = last.as_ref().map(|(given_back, hand_off)| facts(given_back, hand_off));
        may_dispute(&lead, facts, said.by.as_ref(), agreement, &hours).map_err(Refusal::from)?;
        let why = said.words.as_deref().map(str::trim).filter(|why| !why.is_empty());
        let why = why.ok_or(Refusal::Recycling(Refused::SayWhy))?;
        let (Some((given_back, hand_off)), Some(promise)) = (last, &agreement.marketing.dispute_answer)
        else {
            return Err(Refusal::Recycling(Refused::NoDisputes).into());
        };
        let event = said_by(said, wake.event(lead.id, "disputed", json!({ "reason": given_back.reason })));
        let event = tx.append_with_text(&event, Some(why)).await?;
        tx.dispute(given_back.id, said.by.as_ref(), event, now).await?;
        let Some(team) = agreement.teams.get(&hand_off.team).or_else(|| agreement.teams.values().next())
        else {
            return Err(Refusal::Recycling(Refused::NoDisputes).into());
        };
        let office = team_calendar(&wake, team);
        let terms = Terms::new(&hand_off.policy, promise, &[office], now).map_err(PassError::from)?;
        let kind = PromiseKind::Dispute;
        let begun = sla::start(&mut tx, &wake, &lead, hand_off.id, kind, &terms).await?;
        staff_mail::dispute(self, &mut tx, &wake, &lead, team, &hand_off, &terms, &begun).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(lead)
    }

    /// The manager answers the dispute about the lead at `email`. Overturned, the lead goes to `to`, or to whom the
    /// reason of the rejection would have it go.
    ///
    /// # Errors
    /// [`HappenError::Refused`] says in words that can be shown why it cannot be so; then nothing was changed.
    pub(super) async fn answer_dispute(
        &self,
        email: &EmailAddress,
        verdict: Verdict,
        to: Option<&EmailAddress>,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        let wake = self.wake_at(now);
        let agreement = &wake.rules.agreement;
        if let Some(to) = to.filter(|to| agreement.rep(to).is_none()) {
            let known = agreement.teams.values().flat_map(|team| &team.reps).map(|rep| rep.email.as_str());
            let near = nearest(to.as_str(), known).map(|near| format!("; did you mean {near}?"));
            return Err(HappenError::UnknownRep { rep: to.clone(), suggestion: near.unwrap_or_default() });
        }
        let mut tx = self.store.begin().await?;
        let lead = tx.lock_person_by_email(email).await?;
        let mut lead = lead.ok_or_else(|| HappenError::UnknownLead(email.clone()))?;
        let last = rejection(&mut tx, &lead).await?;
        let facts = last.as_ref().map(|(given_back, hand_off)| facts(given_back, hand_off));
        may_answer(&lead, facts, verdict, said.by.as_ref(), agreement).map_err(Refusal::from)?;
        let Some((given_back, hand_off)) = last else {
            return Err(Refusal::Recycling(Refused::NothingToAnswer).into());
        };
        tx.settle_dispute(given_back.id, said.by.as_ref(), verdict, now).await?;
        let event = wake.event(lead.id, "dispute_answered", json!({ "verdict": verdict.name() }));
        tx.append_with_text(&said_by(said, event), said.words.as_deref()).await?;
        let ends = [(PromiseKind::Dispute, Ending::Kept)];
        sla::stop_kinds(&mut tx, &wake, lead.id, &ends, "dispute_answered", now).await?;
        if verdict == Verdict::Overturned {
            self.give_to_sales_again(&mut tx, &wake, &mut lead, "the rejection was overturned").await?;
            let another = goes_to_another(&wake, &given_back);
            lead.owner = to.cloned().or(lead.owner.take().filter(|_| !another));
            lead.avoid_rep = Some(hand_off.rep.clone()).filter(|_| another && to.is_none());
            tx.save_lead(&lead).await?;
        }
        self.tell_both(&mut tx, &wake, &lead, &given_back, &hand_off, verdict, said).await?;
        tx.commit().await?;
        self.wake_up();
        Ok(lead)
    }

    /// Marketing hears the answer; a rep whose rejection did not stand hears that.
    #[expect(clippy::too_many_arguments, reason = "one answer and everything that it is about")]
    async fn tell_both(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
        given_back: &GivenBack,
        hand_off: &HandOff,
        verdict: Verdict,
        said: &Said,
    ) -> Result<(), PassError> {
        let words = said.words.as_ref().map(|words| format!(" “{words}”")).unwrap_or_default();
        let marketing = &wake.rules.agreement.marketing.manager;
        let asked = given_back.dispute.as_ref().and_then(|dispute| dispute.by.as_ref()).unwrap_or(marketing);
        let key = |who: &EmailAddress| format!("dispute-answered:{}:{who}", given_back.id);
        let told = match verdict {
            Verdict::Overturned => format!("You were right about this lead: sales gets it again.{words}"),
            Verdict::Upheld | Verdict::Moot => format!("The rejection of this lead stands.{words}"),
        };
        staff_mail::notice(self, tx, wake, lead, asked, &told, &key(asked)).await?;
        let rep = &hand_off.rep;
        // A rep who gets it again reads that in the hand-off.
        if verdict == Verdict::Overturned && lead.owner.as_ref() != Some(rep) {
            let told = format!("{YOURS_OVERTURNED}, and sales gets it again.{words}");
            staff_mail::notice(self, tx, wake, lead, rep, &told, &key(rep)).await?;
        }
        Ok(())
    }
}

/// What a rep reads whose rejection did not stand.
const YOURS_OVERTURNED: &str = "Your rejection of this lead was overturned";

/// A rejection that was overturned, and what was said of it.
pub(in crate::engine) struct Overturned {
    /// Whose rejection it was.
    pub rep: EmailAddress,
    /// The manager's words, with quotes and a blank before them; empty when there are none.
    pub words: String,
    given_back: GivenBackId,
}

/// The rejection that brought a lead its hand-off `id`, because it was overturned.
pub(in crate::engine) async fn overturned(
    tx: &mut Tx,
    lead: LeadId,
    id: HandOffId,
) -> Result<Option<Overturned>, StoreError> {
    let Some(last) = tx.last_given_back(lead).await? else { return Ok(None) };
    let settled = last.dispute.as_ref().and_then(|dispute| dispute.settled.as_ref());
    let hand_offs = tx.hand_offs_of(lead).await?;
    let before = hand_offs.iter().rev().find(|one| one.id != id);
    let Some(before) = before.filter(|before| before.id == last.hand_off) else { return Ok(None) };
    if settled.is_none_or(|settled| settled.verdict != Verdict::Overturned) {
        return Ok(None);
    }
    let answered = tx.events_of_kind(lead, "dispute_answered").await?.pop();
    let words = match answered {
        Some(event) => tx.event_text(event.id).await?,
        None => None,
    };
    let words = words.map(|words| format!(" “{words}”")).unwrap_or_default();
    Ok(Some(Overturned { rep: before.rep.clone(), words, given_back: last.id }))
}

/// Tells the rep whose rejection was overturned that somebody else has the lead, unless they were told before.
pub(in crate::engine) async fn tell_who_rejected(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    overturned: &Overturned,
) -> Result<(), PassError> {
    let rep = &overturned.rep;
    let told = format!("{YOURS_OVERTURNED}, and somebody else has it now.{}", overturned.words);
    let key = format!("dispute-answered:{}:{rep}", overturned.given_back);
    staff_mail::notice(engine, tx, wake, lead, rep, &told, &key).await
}

/// Whether marketing can dispute the last rejection of a lead now.
pub(in crate::engine) async fn can_be_disputed(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
) -> Result<bool, StoreError> {
    let agreement = &wake.rules.agreement;
    let last = rejection(tx, lead).await?;
    let facts = last.as_ref().map(|(given_back, hand_off)| facts(given_back, hand_off));
    let hours = engine.hours.mail(lead, agreement, None);
    Ok(may_dispute(lead, facts, None, agreement, &hours).is_ok())
}

/// Whether a dispute about how `hand_off` ended waits for an answer.
pub(in crate::engine) async fn waits_for_answer(
    tx: &mut Tx,
    lead: &Lead,
    hand_off: &HandOff,
) -> Result<bool, StoreError> {
    let last = tx.last_given_back(lead.id).await?.filter(|last| last.hand_off == hand_off.id);
    Ok(last.and_then(|last| last.dispute).is_some_and(|dispute| dispute.settled.is_none()))
}

/// Who is told that a dispute is moot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Tell {
    /// Both sides: it happened by itself.
    Both,
    /// The manager who was asked: marketing did it.
    Manager,
    /// Nobody: there is no lead any more that could be named.
    Nobody,
}

/// Nobody owes an answer any more: the lead is back by itself, or there is nothing left to give anybody. `why`, in
/// words. The lead is as it is from then on: whoever was asked reads what becomes of it, and so does whoever disagreed.
pub(in crate::engine) async fn is_moot(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    why: &str,
    tell: Tell,
) -> Result<(), PassError> {
    let Some((last, hand_off)) = rejection(tx, lead).await? else {
        return Ok(());
    };
    let Some(dispute) = last.dispute.as_ref().filter(|dispute| dispute.settled.is_none()) else {
        return Ok(());
    };
    tx.settle_dispute(last.id, None, Verdict::Moot, wake.now).await?;
    let facts = json!({ "verdict": Verdict::Moot.name(), "why": why });
    tx.append(&[wake.event(lead.id, "dispute_answered", facts)]).await?;
    let ends = [(PromiseKind::Dispute, Ending::Closed)];
    sla::stop_kinds(tx, wake, lead.id, &ends, why, wake.now).await?;
    let agreement = &wake.rules.agreement;
    let asked =
        agreement.teams.get(&hand_off.team).map(|team| &team.manager).filter(|_| tell != Tell::Nobody);
    let disputed = dispute.by.as_ref().unwrap_or(&agreement.marketing.manager);
    let disputed = Some(disputed).filter(|who| tell == Tell::Both && Some(*who) != asked);
    for (who, rest) in [
        (asked, "You do not have to say any more whether it was right to give it back."),
        (disputed, "Nobody says any more whether it was right to give it back."),
    ] {
        let Some(who) = who else { continue };
        let words = format!("The dispute about this lead is over, because {why}. {rest}");
        let key = format!("dispute-moot:{}:{who}", last.id);
        staff_mail::notice(engine, tx, wake, lead, who, &words, &key).await?;
    }
    Ok(())
}

/// The last time a lead was given back, and the hand-off that ended so.
async fn rejection(tx: &mut Tx, lead: &Lead) -> Result<Option<(GivenBack, HandOff)>, StoreError> {
    let Some(given_back) = tx.last_given_back(lead.id).await? else {
        return Ok(None);
    };
    Ok(tx.hand_off(given_back.hand_off).await?.map(|hand_off| (given_back, hand_off)))
}

fn facts<'a>(given_back: &GivenBack, hand_off: &'a HandOff) -> Rejection<'a> {
    let dispute = given_back.dispute.as_ref();
    Rejection {
        team: &hand_off.team,
        at: given_back.at,
        is_loss: given_back.stage == Stage::Lost,
        disputed_at: dispute.map(|dispute| dispute.at),
        verdict: dispute.and_then(|dispute| dispute.settled.as_ref()).map(|settled| settled.verdict),
    }
}

/// Whether the reason says that another voice may get through.
fn goes_to_another(wake: &Wake, given_back: &GivenBack) -> bool {
    let reason = wake.rules.agreement.reasons.get(&given_back.reason);
    reason.is_some_and(|reason| matches!(reason.then, AfterReason::Rest { next_rep: NextRep::Another, .. }))
}

fn said_by(said: &Said, mut event: NewEvent) -> NewEvent {
    if let Some(via) = said.via.name() {
        event.facts["via"] = json!(via);
    }
    NewEvent { actor: said.by.as_ref().map(|by| by.as_str().to_owned()), ..event }
}
