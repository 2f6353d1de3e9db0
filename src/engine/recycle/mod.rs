//! What was given back: rests that are over, and what marketing has to look at.
//!
//! What a rep says when they give a lead back is recorded in `engine/happen.rs` like everything else, and
//! [`note`] keeps what the next round has to know of it. Beside that: [`duplicate`] merges two records of one
//! person, [`marketing`] brings back what was mended, [`dispute`] lets marketing disagree, and [`unreachable`] gives
//! back what nobody could be reached for.

mod dispute;
mod duplicate;
mod marketing;
mod unreachable;

pub(super) use dispute::{
    Overturned, Tell, can_be_disputed, is_moot, overturned, tell_who_rejected, waits_for_answer,
};
pub(super) use duplicate::talked_to_its_double;
pub(super) use unreachable::{Stays, count_attempts};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::duty::Duty;
use super::enrol::Entered;
use super::facts::Behaviour;
use super::hand_off::{campaign_of, team_calendar};
use super::happen::{HappenError, Said};
use super::pass::{PassError, PassReport};
use super::score::rescore;
use super::{Engine, Wake, staff_mail};
use crate::domain::calendar::Calendar;
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Consequences, Happening};
use crate::domain::ids::{EventId, LeadId};
use crate::domain::lead::{Lead, Profile, Stage};
use crate::domain::recycle::{NextRep, Verdict, is_ready_anew, next_list};
use crate::store::{HandOff, NewGivenBack, StoreError, Tx};

/// Leads looked at in one transaction.
const BATCH: i64 = 100;

/// Leads in one list: more than that is read by nobody, and the next list has the others.
const LISTED: i64 = 100;

/// What nobody has settled stands in marketing's list again in the next morning after so long: once a week.
const NEARLY_A_WEEK: SignedDuration = SignedDuration::from_hours(6 * 24);

/// What people say about a lead that was given back, beside what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recycling {
    /// It is a double of another lead.
    Merge {
        /// Of which.
        of: EmailAddress,
        /// The agreement's reason for that.
        reason: String,
    },
    /// What is known of it is corrected.
    Correct {
        /// Fields and their values; an empty one is not known.
        values: Vec<(String, String)>,
    },
    /// Somebody else is the right person.
    Replace {
        /// Who.
        new: EmailAddress,
        /// What is known of them.
        known: Box<Profile>,
    },
    /// Nothing can be mended.
    GiveUp,
    /// Marketing disagrees with its rejection.
    Dispute,
    /// The manager answers that.
    Answer {
        /// How.
        verdict: Verdict,
        /// Who gets it, if sales gets it again; `None`: as its reason says.
        to: Option<EmailAddress>,
    },
}

impl Recycling {
    /// What it is called in scenarios.
    pub fn kind(&self) -> &'static str {
        match self {
            Recycling::Merge { .. } => "rejected",
            Recycling::Correct { .. } => "corrected",
            Recycling::Replace { .. } => "replaced",
            Recycling::GiveUp => "given_up",
            Recycling::Dispute => "disputed",
            Recycling::Answer { .. } => "dispute_answered",
        }
    }
}

impl Engine {
    /// Does what was said about the lead at `email`, and gives the lead that goes on.
    ///
    /// # Errors
    /// [`HappenError::Refused`] says in words that can be shown why it cannot be so; then nothing was changed.
    pub async fn recycling(
        &self,
        email: &EmailAddress,
        what: &Recycling,
        said: &Said,
        now: Timestamp,
    ) -> Result<Lead, HappenError> {
        match what {
            Recycling::Merge { of, reason } => self.merge(email, of, reason, said, now).await,
            Recycling::Correct { values } => self.correct(email, values, said, now).await,
            Recycling::Replace { new, known } => self.replace(email, new, *known.clone(), said, now).await,
            Recycling::GiveUp => self.drop_lead(email, said, now).await,
            Recycling::Dispute => self.dispute(email, said, now).await,
            Recycling::Answer { verdict, to } => {
                self.answer_dispute(email, *verdict, to.as_ref(), said, now).await
            }
        }
    }
}

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    if !engine.has(Duty::Recycle, wake.now).await? {
        return Ok(PassReport::default());
    }
    let turn = wake.turn();
    let mut report = tell_marketing(engine, wake).await?.and(give_back_unreachable(engine, wake).await?);
    loop {
        let mut tx = engine.store.begin().await?;
        let leads = tx.lock_leads_due(Stage::Resting, wake.now, BATCH).await?;
        if leads.is_empty() || engine.is_stopping() {
            tx.rollback().await?;
            return Ok(report);
        }
        let behaviour = Behaviour::load(&mut tx, &leads, wake.now).await?;
        for lead in leads {
            begin_round(engine, &mut tx, wake, &behaviour, lead).await?;
            report.done += 1;
        }
        tx.commit().await?;
        if turn.is_over() {
            return Ok(report);
        }
    }
}

/// The lead is nurtured again. What made it ready before does not make it ready again: it is looked at when
/// it does something new.
async fn begin_round(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    behaviour: &Behaviour,
    mut lead: Lead,
) -> Result<(), PassError> {
    lead.round += 1;
    lead.due_at = None;
    let campaign = campaign_of(wake, &lead);
    let sequence = lead.next_sequence.take().or_else(|| campaign?.sequence.clone());
    let mut why = format!("rested; round {} begins", lead.round);
    if let Some(campaign) = campaign {
        // What it was worth has faded meanwhile. One that cannot be judged keeps what was last known.
        if rescore(&wake.rules.agreement, behaviour, &mut lead, campaign, wake.now).is_ok() {
            why.push_str(&format!(" with score {}", lead.score));
        }
    }
    let event = wake.stage(&mut lead, Stage::Nurturing, &why);
    tx.save_lead(&lead).await?;
    tx.append(&[event]).await?;
    came_back(engine, tx, wake, &lead).await?;
    if let Some(sequence) = sequence {
        let why = format!("round {}", lead.round);
        if let Entered::No(why) = engine.enrol(tx, wake, &lead, behaviour, &sequence, &why).await? {
            let facts = json!({ "sequence": sequence, "why": why });
            tx.append(&[wake.event(lead.id, "not_enrolled", facts)]).await?;
        }
    }
    Ok(())
}

/// Keeps what a rep said when they gave a lead back, and whom it concerns. The lead is as it was before, and saved
/// by the caller.
#[expect(clippy::too_many_arguments, reason = "one happening and everything that it is about")]
pub(super) async fn note(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    open: Option<&HandOff>,
    happening: &Happening,
    followed: &Consequences,
    event: EventId,
) -> Result<(), PassError> {
    if let Some(open) = open {
        unreachable::say_otherwise(engine, tx, wake, lead, open, happening, followed).await?;
    }
    let given_back = followed.stages.iter().find(|(stage, _)| matches!(stage, Stage::Rejected | Stage::Lost));
    if let (Some((stage, reason)), Some(open)) = (given_back, open) {
        let new = NewGivenBack {
            hand_off: open.id,
            lead: lead.id,
            stage: *stage,
            reason: reason.clone(),
            at: wake.now,
            event,
            same_rep: followed.rest.as_ref().is_some_and(|rest| rest.next_rep == NextRep::Same),
        };
        tx.insert_given_back(&new).await?;
    }
    if let Some(reason) = &followed.marketing_looks {
        let calendar = office(wake, open.map(|open| open.team.as_str()));
        let tell_at = calendar.and_then(|office| next_list(office, wake.now)).unwrap_or(wake.now);
        if tx.open_work_item(lead.id, reason, event, tell_at, wake.now).await? {
            let facts = json!({ "reason": reason, "until": tell_at.to_string() });
            tx.append(&[wake.event(lead.id, "for_marketing", facts)]).await?;
        }
    }
    if lead.stage.is_given_up() && followed.stages.last().is_some_and(|(stage, _)| !stage.is_given_up()) {
        let stage = followed.stages.last().map_or(lead.stage, |(stage, _)| *stage);
        let due_at = Some(wake.now).filter(|_| followed.look_at);
        came_back(engine, tx, wake, &Lead { stage, due_at, ..lead.clone() }).await?;
    }
    Ok(())
}

/// A lead that was given back is back, as it is now: nobody has to look at it any more, or to say whether it was right.
pub(super) async fn came_back(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
) -> Result<(), PassError> {
    const WHY: &str = "it came back";
    tx.close_work_item(lead.id, WHY, wake.now).await?;
    is_moot(engine, tx, wake, lead, WHY, Tell::Both).await
}

/// Gives back what nobody could be reached for, and nobody said otherwise.
async fn give_back_unreachable(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    let mut report = PassReport::default();
    let mut tx = engine.store.begin().await?;
    let leads = tx.lock_leads_due(Stage::Accepted, wake.now, BATCH).await?;
    for lead in leads {
        unreachable::goes_back(engine, &mut tx, wake, lead).await?;
        report.done += 1;
    }
    tx.commit().await?;
    Ok(report)
}

/// The hours by which marketing's list is written: those of the team that gave the lead back.
fn office<'a>(wake: &'a Wake, team: Option<&str>) -> Option<&'a Calendar> {
    let teams = &wake.rules.agreement.teams;
    let team = team.and_then(|name| teams.get(name)).or_else(|| teams.values().next())?;
    Some(team_calendar(wake, team))
}

/// Who had a lead before and is asked first this time, because its reason says so.
pub(super) async fn who_knows(tx: &mut Tx, lead: &Lead) -> Result<Option<EmailAddress>, StoreError> {
    // The first time round nobody had it.
    if lead.round == 1 {
        return Ok(None);
    }
    match tx.last_given_back(lead.id).await?.filter(|given_back| given_back.same_rep) {
        Some(given_back) => Ok(tx.hand_off(given_back.hand_off).await?.map(|hand_off| hand_off.rep)),
        None => Ok(None),
    }
}

/// Ends the rest of a lead that has just done something, if what it did since it was given back reaches the
/// hand-off point of its campaign.
pub(super) async fn end_rest_if_ready(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
) -> Result<(), PassError> {
    if lead.stage != Stage::Resting {
        return Ok(());
    }
    let Some(campaign) = campaign_of(wake, lead) else {
        return Ok(());
    };
    let done = tx.done_since(lead.id, lead.stage_at, wake.now).await?;
    let answers = tx.answers(lead.id).await?;
    let agreement = &wake.rules.agreement;
    // Whoever cannot be judged rests on: the pass that ends the rest looks at the whole lead.
    let Ok(Some(score)) = is_ready_anew(agreement, campaign, lead, &answers, &done, wake.now) else {
        return Ok(());
    };
    lead.round += 1;
    lead.next_sequence = None;
    lead.due_at = Some(wake.now);
    let why = format!(
        "what it did since it was given back reaches the hand-off point of campaign `{}`: score {score}",
        campaign.name
    );
    let event = wake.stage(lead, Stage::Qualified, &why);
    tx.save_lead(lead).await?;
    tx.append(&[event]).await?;
    came_back(engine, tx, wake, lead).await
}

/// Tells marketing what it has to look at, in one mail.
async fn tell_marketing(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    let mut tx = engine.store.begin().await?;
    let items = tx.work_items_to_tell(wake.now, LISTED).await?;
    if items.is_empty() {
        tx.rollback().await?;
        return Ok(PassReport::default());
    }
    let ids: Vec<LeadId> = items.iter().map(|item| item.lead).collect();
    let leads = tx.lock_leads(&ids).await?;
    staff_mail::work_list(engine, &mut tx, wake, &items, &leads).await?;
    let office = staff_mail::working_hours(wake, &wake.rules.agreement.marketing.manager);
    let again = wake.now.checked_add(NEARLY_A_WEEK).ok().and_then(|at| next_list(office, at));
    for item in &items {
        tx.work_item_told(item.id, again).await?;
    }
    tx.commit().await?;
    Ok(PassReport { done: items.len() as u64, ..PassReport::default() })
}
