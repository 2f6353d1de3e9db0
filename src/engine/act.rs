//! Somebody acts by a token: on a page that a mail led to, or by answering the mail.
//!
//! All of it is one transaction with the lead locked, so of two who act at one instant one is first, and the
//! other finds what the first left. A click that comes twice counts once: whoever orders says what they had
//! seen, and the same order of the same person after that is taken for the same click.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::Engine;
use super::desk::{Desk, Forbidden, NoDesk, lead_of};
use super::hand_off::team_calendar;
use super::happen::{HappenError, Said, Via, facts};
use super::mending::is_done;
use super::pass::PassError;
use crate::domain::email::EmailAddress;
use crate::domain::happening::Consequences;
use crate::domain::ids::EventId;
use crate::domain::order::Order;
use crate::mail::action::Grant;
use crate::store::{StoreError, Tx};

/// How often is tried what another daemon got in the way of.
const TRIES: usize = 3;

/// What tells one order from another of the same kind.
const PARTICULARS: [&str; 8] = ["channel", "outcome", "reason", "on", "until", "to", "objection", "argument"];

/// What somebody orders.
#[derive(Clone, Debug)]
pub struct Deed {
    /// By which right.
    pub token: String,
    /// What, in this order: all of it or nothing.
    pub orders: Vec<Order>,
    /// In their words.
    pub words: Option<String>,
    /// The last thing that was known on the page they had before them; `None`: there was none, and what is
    /// said twice is meant twice.
    pub seen: Option<EventId>,
    /// Which way it came.
    pub via: Via,
}

/// What became of it, and how things stand now.
#[derive(Clone, Debug)]
pub struct Acted {
    /// How things stand.
    pub desk: Desk,
    /// What became of it.
    pub result: Result<Noted, Unheeded>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is done.
    Now,
    /// It was done before.
    Before,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unheeded {
    /// They may not, or not any more.
    Forbidden(Forbidden),
    /// It cannot be so, for this reason.
    Refused(String),
}

/// Why it is not known whether anything was done, or that nothing could be.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The token leads nowhere.
    #[error(transparent)]
    NoDesk(#[from] NoDesk),
    /// The engine failed, and nothing was done.
    #[error(transparent)]
    Failed(#[from] PassError),
}

impl From<StoreError> for ActError {
    fn from(error: StoreError) -> ActError {
        ActError::Failed(error.into())
    }
}

impl Engine {
    /// Does what somebody orders by a token, or says why not.
    ///
    /// # Errors
    /// When the token leads nowhere, or the store fails; then nothing was done.
    pub async fn act(&self, deed: &Deed, now: Timestamp) -> Result<Acted, ActError> {
        let mut tries = 1;
        loop {
            match self.try_to_act(deed, now).await {
                Err(ActError::Failed(PassError::Store(error))) if error.lost_a_race() && tries < TRIES => {
                    tries += 1;
                }
                Err(error) => return Err(error),
                Ok(result) => {
                    if result == Ok(Noted::Now) {
                        self.wake_up();
                    }
                    return Ok(Acted { desk: self.desk(&deed.token, now).await?, result });
                }
            }
        }
    }

    async fn try_to_act(&self, deed: &Deed, now: Timestamp) -> Result<Result<Noted, Unheeded>, ActError> {
        let grant = self.grant(&deed.token, now)?;
        let mut tx = self.store.begin().await?;
        let result = self.act_in(&mut tx, &grant, deed, now).await;
        if matches!(result, Ok(Ok(Noted::Now))) {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        let result = result?;
        if result == Ok(Noted::Now) && !deed.orders.iter().all(says) {
            return self.act_apart(deed, now).await;
        }
        Ok(result)
    }

    /// The part of it that concerns the lead. Only what ends as [`Noted::Now`] may be committed.
    pub(super) async fn act_in(
        &self,
        tx: &mut Tx,
        grant: &Grant,
        deed: &Deed,
        now: Timestamp,
    ) -> Result<Result<Noted, Unheeded>, ActError> {
        let wake = self.wake_at(now);
        let lead = lead_of(tx, grant).await?;
        let lead = tx.lock_leads(&[lead]).await?.pop().ok_or(NoDesk::Gone)?;
        let desk = self.lay_out(tx, grant, lead, now).await?;
        let phone = self.hours.phone(&desk.lead, &wake.rules.agreement);
        let mut news = Vec::new();
        if let Some(seen) = deed.seen {
            news = tx.events_of(desk.lead.id).await?;
            let since = desk.hand_off.as_ref().map_or(Timestamp::MIN, |hand_off| hand_off.at);
            news.retain(|event| event.id > seen && event.occurred_at >= since);
        }
        let is_known = |order: &Order| {
            let happening = match order {
                Order::Say(happening) => happening,
                Order::Mend(mend) => return is_done(mend, &desk.lead, &news, &desk.person, now),
                Order::RepAway { .. } | Order::RepBack => return true,
            };
            let facts = facts(happening, &Said::default(), &Consequences::default(), &phone);
            news.iter().any(|event| {
                event.kind == happening.kind()
                    && event.actor.as_deref() == Some(desk.person.as_str())
                    && PARTICULARS.iter().all(|name| event.facts.get(name) == facts.get(name))
            })
        };
        if deed.orders.iter().any(concerns_the_lead) && deed.orders.iter().all(is_known) {
            return Ok(Ok(Noted::Before));
        }
        for order in &deed.orders {
            if let Err(forbidden) = desk.part.may(order) {
                return Ok(Err(Unheeded::Forbidden(forbidden)));
            }
        }
        let mut lead = desk.lead.clone();
        let mut said = Said {
            by: Some(desk.person.clone()),
            words: deed.words.clone(),
            via: deed.via,
            ..Said::default()
        };
        for order in &deed.orders {
            let Order::Say(happening) = order else { continue };
            match self.say(tx, &wake, &mut lead, happening, &said).await {
                Ok(()) => said.words = None,
                Err(HappenError::Failed(error)) => return Err(error.into()),
                Err(refused) => return Ok(Err(Unheeded::Refused(refused.to_string()))),
            }
        }
        Ok(Ok(Noted::Now))
    }

    /// The part of it that has transactions of its own: whoever orders is away or back, or something is decided about a
    /// lead that is not with sales.
    async fn act_apart(&self, deed: &Deed, now: Timestamp) -> Result<Result<Noted, Unheeded>, ActError> {
        let desk = self.desk(&deed.token, now).await?;
        let mut noted = Noted::Before;
        for order in &deed.orders {
            let back = match order {
                Order::Say(_) => continue,
                Order::Mend(mend) => match self.mend(&desk, mend, deed, now).await? {
                    Ok(_) => {
                        noted = Noted::Now;
                        continue;
                    }
                    refused => return Ok(refused),
                },
                Order::RepBack if desk.back.is_none() => continue,
                Order::RepBack => None,
                Order::RepAway { until } if self.is_away_until(&desk.person, *until, now).await? => continue,
                Order::RepAway { until } => Some(*until),
            };
            match self.rep_away(&desk.person, back, now).await {
                Ok(()) => noted = Noted::Now,
                Err(HappenError::Failed(error)) => return Err(error.into()),
                Err(refused) => return Ok(Err(Unheeded::Refused(refused.to_string()))),
            }
        }
        Ok(Ok(noted))
    }

    /// Whether a rep said so before.
    async fn is_away_until(&self, rep: &EmailAddress, back: Date, now: Timestamp) -> Result<bool, ActError> {
        let wake = self.wake_at(now);
        let Some((team, _)) = wake.rules.agreement.rep(rep) else { return Ok(false) };
        let until = team_calendar(&wake, team).instant_at(back, Time::midnight());
        let mut tx = self.store.read().await?;
        let state = tx.rep_state(rep).await?;
        tx.rollback().await?;
        Ok(until.is_some() && state.away.map(|(_, until)| until) == until)
    }
}

/// Whether it is about the lead, and not about whoever orders it.
fn concerns_the_lead(order: &Order) -> bool {
    matches!(order, Order::Say(_) | Order::Mend(_))
}

/// Whether it is said in the transaction that has the lead.
fn says(order: &Order) -> bool {
    matches!(order, Order::Say(_))
}
