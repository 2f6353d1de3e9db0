//! What lies before somebody who acts by a token: the lead, who has it now, what was promised, and what they
//! may do about it.
//!
//! A token is for one person and one hand-off. It may outlive both: the lead may have gone to somebody else,
//! been given back, or been erased; the person may have left. So everything is looked up when it is used, and
//! what the token still allows is decided then.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use thiserror::Error;

use super::Engine;
use super::absence;
use super::facts::ContactHistory;
use super::hand_off::team_calendar;
use super::mending::{self, Task};
use super::playbooks::InForce;
use super::staff_mail::{call, day_and_time, name_of};
use super::turn_over;
use crate::domain::agreement::{Agreement, Team};
use crate::domain::calendar::Calendar;
use crate::domain::contact::{Channel, Permission, Purpose, SuppressionReason, may_contact};
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Claim, Happening};
use crate::domain::ids::{EventId, LeadId};
use crate::domain::lead::Lead;
use crate::domain::order::{Mend, Order};
use crate::domain::routing::{self, Turn};
use crate::mail::action::{About, Grant, verify};
use crate::store::{HandOff, StoreError, Tx};

/// Why a token leads nowhere.
#[derive(Debug, Error)]
pub enum NoDesk {
    /// We did not write it.
    #[error("the token is none of ours")]
    NotOurs,
    /// Its last day has passed.
    #[error("the token ended on {0}")]
    Over(Date),
    /// The lead is not there any more, or had its data erased.
    #[error("the lead is not there any more")]
    Gone,
    /// Whose token it was has no part in the agreement any more.
    #[error("whose token it was has no part in the agreement any more")]
    Left,
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// What lies before whoever has the token.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The lead.
    pub lead: Lead,
    /// The hand-off that the token is about; for marketing the last one, if there was any.
    pub hand_off: Option<HandOff>,
    /// Whose token it is.
    pub person: EmailAddress,
    /// How they are called.
    pub name: String,
    /// What they may say.
    pub part: Part,
    /// What waits for them beside that.
    pub task: Task,
    /// Their first day back, if they are a rep who is away.
    pub back: Option<Date>,
    /// How whoever has the lead now is called; `None`: nobody has it.
    pub owner: Option<String>,
    /// What is promised and when it falls due, by the team's clock; the first that does.
    pub promise: Option<Promised>,
    /// Whether it may be called now.
    pub may_call: bool,
    /// The same as a sentence: "Yes, until 12:00 their time."
    pub call: String,
    /// The last day on which the token works.
    pub last_day: Date,
    /// The last thing that was known when this was looked up: what is newer was not seen.
    pub seen: EventId,
    /// The date where the team is.
    pub today: Date,
    /// The rules in force.
    pub rules: Arc<InForce>,
}

/// A promise that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promised {
    /// What: "first contact is due", or that it was.
    pub what: String,
    /// When it falls due: "Tue 3 Mar 14:00".
    pub by: String,
}

/// What somebody has to do with a hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// They are the rep it was made to.
    pub is_rep: bool,
    /// They are manager, director or backup of its team.
    pub is_manager: bool,
    /// They are a rep of the agreement, and can be away.
    pub can_be_away: bool,
    /// How the hand-off stands.
    pub hand_off: HandOffState,
    /// Whether a lead that was taken from them is still theirs.
    pub claim: Claim,
    /// They are marketing.
    pub is_marketing: bool,
    /// Marketing was asked to mend the lead.
    pub mends: bool,
    /// Marketing was, or something that sales has to know is missing.
    pub works: bool,
    /// Marketing can dispute how it was given back.
    pub may_dispute: bool,
    /// A dispute waits for their answer.
    pub may_answer: bool,
}

/// How the hand-off of a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOffState {
    /// The lead is in it.
    Open,
    /// It is over, and there was none after it: what was learned can still be told.
    Over,
    /// Another one came after it.
    Past,
}

/// Why somebody may not order something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// Things have changed since they were told: somebody else has the lead, or nobody.
    Stale,
    /// It is for the lead's rep to say.
    ForTheRep,
    /// It is for the team's manager to say.
    ForTheManager,
    /// It is for marketing to say.
    ForMarketing,
    /// It is settled: nothing of it waits for anybody any more.
    Settled,
    /// Only reps are away.
    ForReps,
}

impl Part {
    /// Whether they may order this.
    ///
    /// # Errors
    /// Why not.
    pub fn may(self, order: &Order) -> Result<(), Forbidden> {
        let happening = match order {
            Order::RepAway { .. } | Order::RepBack if self.can_be_away => return Ok(()),
            Order::RepAway { .. } | Order::RepBack => return Err(Forbidden::ForReps),
            Order::Mend(mend) => return self.may_mend(mend),
            Order::Say(happening) => happening,
        };
        let is_feedback = matches!(happening, Happening::Feedback { .. });
        match self.hand_off {
            HandOffState::Past if *happening == Happening::Reclaimed && self.claim == Claim::Good => Ok(()),
            HandOffState::Past => Err(Forbidden::Stale),
            HandOffState::Over if !is_feedback => Err(Forbidden::Stale),
            _ if happening.is_for_managers() && !self.is_manager => Err(Forbidden::ForTheManager),
            _ if !happening.is_for_managers() && !self.is_rep => Err(Forbidden::ForTheRep),
            _ => Ok(()),
        }
    }
}

impl Part {
    /// Whether there is something to do for them beside what a rep or a manager does with an open hand-off.
    pub fn has_a_task(self) -> bool {
        self.works || self.may_dispute || self.may_answer || self.claim == Claim::Good
    }

    fn may_mend(self, mend: &Mend) -> Result<(), Forbidden> {
        let works = match mend {
            Mend::Answer { .. } if !self.is_manager => return Err(Forbidden::ForTheManager),
            Mend::Answer { .. } => self.may_answer,
            Mend::DuplicateOf(_) if self.is_rep => self.hand_off == HandOffState::Open,
            _ if !self.is_marketing => return Err(Forbidden::ForMarketing),
            Mend::Dispute => self.may_dispute,
            Mend::Correct(_) => self.works,
            Mend::Replace(_) | Mend::DuplicateOf(_) | Mend::GiveUp => self.mends,
        };
        if works { Ok(()) } else { Err(Forbidden::Settled) }
    }
}

/// A rep to whom a manager could give the lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    /// As people call them.
    pub name: String,
    /// Their address.
    pub email: EmailAddress,
    /// How many leads they have open.
    pub open_leads: i64,
    /// How many they can have.
    pub capacity: i64,
    /// When they are back, if they are away.
    pub away_until: Option<String>,
}

impl Desk {
    /// How somebody is called.
    pub fn called(&self, who: &EmailAddress) -> String {
        self.rules.agreement.rep(who).map_or_else(|| who.as_a_name(), |(_, rep)| rep.name.clone())
    }
}

impl Engine {
    /// What lies before whoever has `token`. Changes nothing.
    ///
    /// # Errors
    /// [`NoDesk`] when it leads nowhere.
    pub async fn desk(&self, token: &str, now: Timestamp) -> Result<Desk, NoDesk> {
        let grant = self.grant(token, now)?;
        let mut tx = self.store.read().await?;
        let lead = lead_of(&mut tx, &grant).await?;
        let lead = tx.leads(&[lead]).await?.pop().ok_or(NoDesk::Gone)?;
        let desk = self.lay_out(&mut tx, &grant, lead, now).await?;
        tx.rollback().await?;
        Ok(desk)
    }

    /// What a token grants, if it is ours and has not ended.
    pub(super) fn grant(&self, token: &str, now: Timestamp) -> Result<Grant, NoDesk> {
        let grant = verify(&self.keys.action, token).ok_or(NoDesk::NotOurs)?;
        if grant.is_over(now) { Err(NoDesk::Over(grant.last_day)) } else { Ok(grant) }
    }

    /// The same with the lead at hand, locked or not.
    pub(super) async fn lay_out(
        &self,
        tx: &mut Tx,
        grant: &Grant,
        lead: Lead,
        now: Timestamp,
    ) -> Result<Desk, NoDesk> {
        let wake = self.wake_at(now);
        let agreement = &wake.rules.agreement;
        let suppressions = tx.suppressions(&lead.email).await?;
        if suppressions.iter().any(|why| why.reason == SuppressionReason::Erased) {
            return Err(NoDesk::Gone);
        }
        let hand_offs = tx.hand_offs_of(lead.id).await?;
        let newest = hand_offs.last().map(|last| last.id);
        let (hand_off, person) = match grant.about {
            About::HandOff(id) => {
                let hand_off = hand_offs.into_iter().find(|one| one.id == id).ok_or(NoDesk::Gone)?;
                let person = self.holder(grant, &hand_off, agreement).ok_or(NoDesk::Left)?;
                (Some(hand_off), person)
            }
            About::Lead(_) => {
                let manager = &agreement.marketing.manager;
                let person = Some(manager).filter(|person| grant.is_for(&self.keys.action, person));
                (hand_offs.into_iter().next_back(), person.ok_or(NoDesk::Left)?.clone())
            }
        };
        let is_marketing = matches!(grant.about, About::Lead(_));
        let team = hand_off.as_ref().and_then(|hand_off| agreement.teams.get(&hand_off.team));
        let is_rep = !is_marketing && hand_off.as_ref().is_some_and(|hand_off| hand_off.rep == person);
        let claim = match is_rep {
            true => turn_over::claim(tx, &lead, Some(&person)).await?,
            false => Claim::None,
        };
        let task = match &hand_off {
            _ if is_marketing => mending::for_marketing(self, tx, &wake, &lead).await?,
            Some(hand_off) => mending::for_manager(tx, &wake, &lead, hand_off, &person).await?,
            None => Task::default(),
        };
        let part = Part {
            claim,
            is_rep,
            is_manager: !is_marketing && team.is_some_and(|team| team.is_answered_for_by(&person)),
            can_be_away: agreement.rep(&person).is_some(),
            hand_off: match &hand_off {
                Some(hand_off) if !is_marketing && newest == Some(hand_off.id) => match hand_off.ended_at {
                    None => HandOffState::Open,
                    Some(_) => HandOffState::Over,
                },
                _ => HandOffState::Past,
            },
            is_marketing,
            mends: task.mend.is_some(),
            works: task.mend.is_some() || !task.missing.is_empty(),
            may_dispute: task.may_dispute,
            may_answer: task.dispute.is_some(),
        };
        let back = match agreement.rep(&person) {
            Some((team, rep)) => absence::back_at(tx, &wake, team, rep)
                .await?
                .map(|back| team_calendar(&wake, team).local(back).date()),
            None => None,
        };
        let calendar =
            team.or_else(|| agreement.teams.values().next()).map(|team| team_calendar(&wake, team));
        let promise = match calendar {
            Some(calendar) => promised(tx, &lead, calendar, now).await?,
            None => None,
        };
        let history = ContactHistory::load(tx, std::slice::from_ref(&lead), agreement, now).await?;
        let phone = self.hours.phone(&lead, agreement);
        let permission = may_contact(
            &history.facts(&lead, &[]),
            &agreement.contact,
            &phone,
            Channel::Phone,
            Purpose::Owner,
            lead.owner.as_ref(),
            now,
        );
        Ok(Desk {
            name: name_of(&wake, &person),
            owner: lead.owner.as_ref().map(|owner| name_of(&wake, owner)),
            promise,
            may_call: permission == Permission::Yes,
            call: call(&permission, &phone, calendar, now)["words"].as_str().unwrap_or_default().to_owned(),
            last_day: grant.last_day,
            seen: tx.events_of(lead.id).await?.last().map_or(EventId(0), |event| event.id),
            today: calendar.unwrap_or(&phone).local(now).date(),
            rules: Arc::clone(&wake.rules),
            lead,
            hand_off,
            person,
            part,
            task,
            back,
        })
    }

    /// Whose token it is: the rep of the hand-off, or somebody who answers for a team. A rep who has left the
    /// agreement has left with their links.
    fn holder(&self, grant: &Grant, hand_off: &HandOff, agreement: &Agreement) -> Option<EmailAddress> {
        let of_teams = agreement.teams.values().flat_map(|team| {
            [Some(&team.manager), team.director.as_ref(), team.backup.as_ref()].into_iter().flatten()
        });
        let rep = Some(&hand_off.rep).filter(|rep| agreement.rep(rep).is_some());
        rep.into_iter().chain(of_teams).find(|person| grant.is_for(&self.keys.action, person)).cloned()
    }

    /// To whom a manager could give the lead of `desk`: the reps of its team and of the others, with what they
    /// have to do.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn colleagues(&self, desk: &Desk, now: Timestamp) -> Result<Vec<Colleague>, StoreError> {
        let wake = self.wake_at(now);
        let mut teams: Vec<&Team> = desk.rules.agreement.teams.values().collect();
        let own = desk.hand_off.as_ref().map(|hand_off| hand_off.team.as_str());
        teams.sort_by_key(|team| Some(team.name.as_str()) != own);
        let mut tx = self.store.read().await?;
        let mut colleagues = Vec::new();
        for team in teams {
            let Some(calendar) = desk.rules.agreement.calendars.get(&team.calendar) else { continue };
            for rep in team.reps.iter().filter(|rep| Some(&rep.email) != desk.lead.owner.as_ref()) {
                let state = tx.rep_state(&rep.email).await?;
                let turn = Turn { away: state.away, ..Turn::default() };
                let back = routing::absence(rep, &turn, calendar, wake.now);
                colleagues.push(Colleague {
                    name: rep.name.clone(),
                    email: rep.email.clone(),
                    open_leads: state.open_leads,
                    capacity: rep.capacity,
                    away_until: back.map(|back| day_and_time(&calendar.local(back))),
                });
            }
        }
        tx.rollback().await?;
        Ok(colleagues)
    }
}

/// Which lead a token is about.
pub(super) async fn lead_of(tx: &mut Tx, grant: &Grant) -> Result<LeadId, NoDesk> {
    match grant.about {
        About::HandOff(id) => Ok(tx.hand_off(id).await?.ok_or(NoDesk::Gone)?.lead),
        About::Lead(id) => Ok(id),
    }
}

/// The first promise to fall due.
async fn promised(
    tx: &mut Tx,
    lead: &Lead,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Option<Promised>, StoreError> {
    let clocks = tx.running_clocks(lead.id).await?;
    Ok(clocks.into_iter().min_by_key(|clock| clock.deadline_at).map(|clock| Promised {
        what: format!("{} {}", clock.kind.words(), clock.kind.is_due(clock.deadline_at <= now)),
        by: day_and_time(&calendar.local(clock.deadline_at)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::Word;

    #[test]
    fn each_says_what_is_theirs_to_say_while_it_is() {
        use HandOffState::{Open, Over, Past};
        let part = |is_rep, is_manager, hand_off| {
            let claim = if hand_off == Past { Claim::Good } else { Claim::None };
            Part {
                is_rep,
                is_manager,
                can_be_away: is_rep,
                hand_off,
                claim,
                is_marketing: false,
                mends: false,
                works: false,
                may_dispute: false,
                may_answer: is_manager && hand_off == Over,
            }
        };
        let (yes, stale) = (Ok(()), Err(Forbidden::Stale));
        let (rep, manager, both) = (
            |state| part(true, false, state),
            |state| part(false, true, state),
            |state| part(true, true, state),
        );
        let marketing = |asked| Part {
            is_marketing: true,
            can_be_away: false,
            mends: asked,
            works: asked,
            may_dispute: asked,
            claim: Claim::None,
            ..part(false, false, Past)
        };
        for (word, part, answer) in [
            (Word::Accept, rep(Open), yes),
            (Word::Accept, rep(Over), stale),
            (Word::Accept, rep(Past), stale),
            (Word::Accept, manager(Open), Err(Forbidden::ForTheRep)),
            (Word::Take, rep(Open), Err(Forbidden::ForTheManager)),
            (Word::Take, manager(Open), yes),
            (Word::Take, manager(Over), stale),
            (Word::Extend, both(Open), yes),
            (Word::NoAnswer, both(Open), yes),
            (Word::Heard, rep(Over), yes),
            (Word::Heard, rep(Past), stale),
            (Word::Heard, manager(Over), Err(Forbidden::ForTheRep)),
            (Word::Mine, rep(Past), yes),
            (Word::Mine, Part { claim: Claim::TooLate, ..rep(Past) }, stale),
            (Word::Mine, manager(Open), Err(Forbidden::ForTheRep)),
            (Word::Uphold, manager(Over), yes),
            (Word::Overturn, manager(Past), Err(Forbidden::Settled)),
            (Word::Uphold, rep(Over), Err(Forbidden::ForTheManager)),
            (Word::Drop, rep(Over), Err(Forbidden::ForMarketing)),
            (Word::Drop, marketing(true), yes),
            (Word::Drop, marketing(false), Err(Forbidden::Settled)),
            (Word::Dispute, marketing(true), yes),
            (Word::Accept, marketing(true), stale),
            (Word::Back, rep(Past), yes),
            (Word::Back, marketing(true), Err(Forbidden::ForReps)),
            (Word::Away, rep(Past), yes),
            (Word::Away, manager(Open), Err(Forbidden::ForReps)),
        ] {
            let rest = if word == Word::Overturn { None } else { Some("2026-03-16") };
            let order = Order::of(word, rest).expect("an order");
            assert_eq!(part.may(&order), answer, "{word:?} {part:?}");
        }
    }
}
