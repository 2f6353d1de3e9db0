//! Another rep for a lead that one has and cannot keep.

use super::board::{Board, Found, OfLead, destinations};
use super::{campaign_of, policy_of};
use crate::domain::agreement::{Policy, Rep, Team};
use crate::domain::lead::Lead;
use crate::engine::Wake;
use crate::engine::facts::Behaviour;
use crate::engine::pass::PassError;
use crate::store::{HandOff, Tx};

/// Who gets it, and on what terms.
pub(in crate::engine) struct Other<'a> {
    /// Of which team.
    pub team: &'a Team,
    /// What that team promises.
    pub policy: &'a Policy,
    /// Who.
    pub rep: &'a Rep,
    /// Their level from now on, where the team counts it.
    level: Option<i64>,
}

impl Other<'_> {
    /// They have it now: their turn is used up.
    pub async fn took_it(&self, tx: &mut Tx) -> Result<(), PassError> {
        if let Some(level) = self.level {
            tx.set_rep_level(&self.rep.email, level).await?;
        }
        Ok(())
    }
}

/// Whoever is there with room, of the team that has it first, then of the teams to which that overflows; `None`
/// when nobody but its rep is. The caller holds the lock of routing.
pub(in crate::engine) async fn another<'a>(
    tx: &mut Tx,
    wake: &'a Wake,
    lead: &Lead,
    from: &HandOff,
) -> Result<Option<Other<'a>>, PassError> {
    let Some(campaign) = campaign_of(wake, lead) else { return Ok(None) };
    let board = Board::load(tx, wake).await?;
    let behaviour = Behaviour::load(tx, std::slice::from_ref(lead), wake.now).await?;
    // What cannot be told is left to a person.
    let Ok(policy) = policy_of(wake, lead, campaign, &behaviour) else { return Ok(None) };
    let mut destinations = destinations(wake, campaign, policy);
    destinations.sort_by_key(|destination| destination.team.name != from.team);
    let lead = Some((lead, &behaviour));
    let of_lead = OfLead { colleagues: &[], lead, avoid: Some(&from.rep), knows: None, at_any_hour: true };
    Ok(destinations.iter().find_map(|destination| {
        match board.find(wake, std::slice::from_ref(destination), &of_lead) {
            Found::Rep { rep, level, .. } if rep.email != from.rep => {
                Some(Other { team: destination.team, policy: destination.policy, rep, level })
            }
            Found::Rep { .. } | Found::Nobody(_) => None,
        }
    }))
}
