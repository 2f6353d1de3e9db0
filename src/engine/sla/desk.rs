//! What the clocks of a batch of leads are judged by, read in a handful of statements.

use std::collections::HashMap;

use jiff::Timestamp;

use super::clocks::pauses_in;
use crate::domain::ids::{HandOffId, LeadId, SlaClockId};
use crate::domain::lead::Lead;
use crate::engine::Wake;
use crate::engine::facts::ContactHistory;
use crate::store::{Event, HandOff, SlaClock, StoreError, Tx};

/// The clocks of a batch of leads, and what has to be known of each.
pub(super) struct Desk {
    clocks: HashMap<LeadId, Vec<SlaClock>>,
    hand_offs: HashMap<HandOffId, HandOff>,
    pausing: HashMap<LeadId, Vec<Event>>,
    fired: HashMap<SlaClockId, Vec<String>>,
    /// What the gate has to know, for the mails.
    pub contacts: ContactHistory,
}

impl Desk {
    /// Everything about the clocks of these leads that are due.
    pub async fn load(tx: &mut Tx, wake: &Wake, leads: &[Lead]) -> Result<Desk, StoreError> {
        let ids: Vec<LeadId> = leads.iter().map(|lead| lead.id).collect();
        let due = |clock: &SlaClock| clock.next_at.is_some_and(|next| next <= wake.now);
        let clocks: Vec<SlaClock> = tx.running_clocks_of(&ids).await?.into_iter().filter(due).collect();
        let clock_ids: Vec<SlaClockId> = clocks.iter().map(|clock| clock.id).collect();
        let hand_offs: Vec<HandOffId> = clocks.iter().map(|clock| clock.hand_off).collect();
        let mut desk = Desk {
            clocks: HashMap::new(),
            hand_offs: tx.hand_offs_by_id(&hand_offs).await?.into_iter().map(|one| (one.id, one)).collect(),
            pausing: HashMap::new(),
            fired: HashMap::new(),
            contacts: ContactHistory::load(tx, leads, &wake.rules.agreement, wake.now).await?,
        };
        for event in tx.pausing_events_of(&ids).await? {
            if let Some(lead) = event.lead {
                desk.pausing.entry(lead).or_default().push(event);
            }
        }
        for (clock, level) in tx.fired_levels_of(&clock_ids).await? {
            desk.fired.entry(clock).or_default().push(level);
        }
        for clock in clocks {
            desk.clocks.entry(clock.lead).or_default().push(clock);
        }
        Ok(desk)
    }

    /// The clocks of a lead that are due, in the order in which they began.
    pub fn due(&self, lead: LeadId) -> &[SlaClock] {
        self.clocks.get(&lead).map_or(&[], Vec::as_slice)
    }

    pub fn hand_off(&self, clock: &SlaClock) -> Option<&HandOff> {
        self.hand_offs.get(&clock.hand_off)
    }

    pub fn pauses(&self, clock: &SlaClock) -> Vec<(Timestamp, Timestamp)> {
        match self.pausing.get(&clock.lead) {
            Some(events) if clock.kind.is_paused_with_the_lead() => pauses_in(events, clock.started_at),
            _ => Vec::new(),
        }
    }

    pub fn fired(&self, clock: &SlaClock) -> &[String] {
        self.fired.get(&clock.id).map_or(&[], Vec::as_slice)
    }
}
