//! Running clocks put on the agreement in force, because somebody says so.
//!
//! A clock keeps the terms under which it began; this is the one way to change them. It counts from the same start
//! with the pauses that were. A level that was told is not told again, nor is one under a new name that comes
//! no later: only what is reached beyond it is told at the next look, as it would be if the terms had always been
//! so. Promises that were not made at all begin with the next hand-off.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::clocks::{pauses, terms, terms_since};
use crate::domain::email::EmailAddress;
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::domain::sla::{PromiseKind, Standing, Terms};
use crate::engine::happen::HappenError;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::store::{SlaClock, Tx};

/// Leads in one transaction.
const BATCH: i64 = 100;

/// Which clocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Which {
    /// Only those of leads of this campaign.
    pub campaign: Option<String>,
    /// Only those of this lead.
    pub lead: Option<EmailAddress>,
}

/// What becomes of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reapplied {
    /// Whose.
    pub lead: EmailAddress,
    /// What was promised.
    pub kind: PromiseKind,
    /// When it fell due.
    pub was: Timestamp,
    /// When it falls due; `None`: it stays as it was, because the agreement does not promise this any more.
    pub is: Option<Timestamp>,
    /// Whether its target, hours or levels are others.
    pub changed: bool,
    /// The clocks of its team.
    pub zone: TimeZone,
}

impl Engine {
    /// Puts running clocks on the agreement in force and tells what becomes of each; with `dry_run` nothing is
    /// written. Returns how many change.
    ///
    /// # Errors
    /// When nobody knows the lead, the store fails, or a promise cannot be counted.
    pub async fn reapply(
        &self,
        which: &Which,
        dry_run: bool,
        now: Timestamp,
        mut tell: impl FnMut(Reapplied),
    ) -> Result<u64, HappenError> {
        let wake = self.wake_at(now);
        let mut changed = 0;
        let mut after = LeadId(0);
        loop {
            let mut tx = self.store.begin().await?;
            let leads = match &which.lead {
                Some(email) => {
                    let lead = tx.lock_lead_by_email(email).await?;
                    vec![lead.ok_or_else(|| HappenError::UnknownLead(email.clone()))?]
                }
                None => {
                    let ids = tx.leads_with_running_clocks(after, BATCH).await?;
                    tx.lock_leads(&ids).await?
                }
            };
            let last = leads.last().map(|lead| lead.id);
            for lead in leads.iter().filter(|lead| which.holds(lead)) {
                for told in self.reapply_to(&mut tx, &wake, lead, dry_run).await? {
                    changed += u64::from(told.changed);
                    tell(told);
                }
            }
            if dry_run {
                tx.rollback().await?;
            } else {
                tx.commit().await?;
            }
            match last {
                Some(last) if which.lead.is_none() => after = last,
                _ => break,
            }
        }
        self.wake_up();
        Ok(changed)
    }

    async fn reapply_to(
        &self,
        tx: &mut Tx,
        wake: &Wake,
        lead: &Lead,
        dry_run: bool,
    ) -> Result<Vec<Reapplied>, PassError> {
        let mut all = Vec::new();
        for clock in tx.running_clocks(lead.id).await? {
            let Some(hand_off) = tx.hand_off(clock.hand_off).await? else { continue };
            let agreement = &wake.rules.agreement;
            let calendar =
                agreement.teams.get(&hand_off.team).and_then(|team| agreement.calendars.get(&team.calendar));
            let mut told = Reapplied {
                lead: lead.email.clone(),
                kind: clock.kind,
                was: clock.deadline_at,
                is: None,
                changed: false,
                zone: calendar.map_or(TimeZone::UTC, |calendar| calendar.zone().clone()),
            };
            let names = (hand_off.team.as_str(), hand_off.policy.as_str());
            if let Some(mut new) = terms_since(self, wake, lead, names, clock.kind, clock.started_at)? {
                if super::was_taken_away(tx, lead.id, hand_off.id).await? {
                    new.stay_with_the_rep();
                }
                let old = terms(&clock)?;
                let standing = standing(tx, wake, lead, &clock, &new).await?;
                told.is = Some(standing.deadline.at);
                told.changed = new != old;
                if told.changed && !dry_run {
                    change(tx, wake, &clock, &old, &new).await?;
                }
            }
            all.push(told);
        }
        Ok(all)
    }
}

impl Which {
    fn holds(&self, lead: &Lead) -> bool {
        self.campaign.is_none() || self.campaign == lead.campaign
    }
}

async fn standing(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    clock: &SlaClock,
    terms: &Terms,
) -> Result<Standing, PassError> {
    let pauses = match clock.kind.is_paused_with_the_lead() {
        true => pauses(tx, lead, clock.started_at).await?,
        false => Vec::new(),
    };
    let fired = tx.fired_levels(clock.id).await?;
    Ok(terms.assess(clock.started_at, &pauses, &fired, wake.now)?)
}

/// Writes the new terms. Levels that come no later than one that was told count as told.
async fn change(
    tx: &mut Tx,
    wake: &Wake,
    clock: &SlaClock,
    old: &Terms,
    new: &Terms,
) -> Result<(), PassError> {
    let lead = tx.leads(&[clock.lead]).await?;
    let Some(lead) = lead.first() else { return Ok(()) };
    let fired = tx.fired_levels(clock.id).await?;
    let told: Vec<_> = old.levels.iter().filter(|level| fired.contains(&level.name)).collect();
    let mut passed = Vec::new();
    for level in &new.levels {
        if told.iter().any(|told| new.is_no_later(level, old, told))
            && tx.fire_level(clock.id, &level.name, wake.now, wake.now).await?
        {
            passed.push(level.name.as_str());
        }
    }
    let standing = standing(tx, wake, lead, clock, new).await?;
    let next_at = standing.reached.first().map(|_| wake.now).or(standing.next_at);
    let text = serde_json::to_string(new).unwrap_or_default();
    tx.change_clock(clock.id, &text, standing.deadline.at, next_at).await?;
    let facts = json!({
        "promise": clock.kind.name(),
        "policy": new.policy,
        "from": clock.deadline_at.to_string(),
        "to": standing.deadline.at.to_string(),
        "levels": passed.join(", "),
    });
    tx.append(&[wake.event(clock.lead, "terms_changed", facts)]).await?;
    Ok(())
}
