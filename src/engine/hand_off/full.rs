//! A team is full and leads wait: both managers hear of it, once for each spell and at most once a day.

use std::collections::BTreeSet;

use super::board::Board;
use super::team_calendar;
use crate::engine::pass::PassError;
use crate::engine::staff_mail::{self, TeamIsFull};
use crate::engine::{Engine, Wake};
use crate::store::Tx;

/// For whose reps leads wait.
#[derive(Default)]
pub(super) struct Teams {
    /// Any reason will do: their office is closed, say.
    pub waited_for: BTreeSet<String>,
    /// Somebody of them is full.
    pub full: BTreeSet<String>,
}

/// Notes which teams are full while leads of theirs wait, and tells the managers of those that were not before.
pub(super) async fn tell(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    board: &Board,
    teams: &Teams,
) -> Result<(), PassError> {
    let agreement = &wake.rules.agreement;
    for team in agreement.teams.values() {
        // The spell is over when nobody waits, not when the office closes.
        if !teams.waited_for.contains(&team.name) {
            tx.team_has_room(&team.name).await?;
        }
        if !teams.full.contains(&team.name) || !tx.team_is_full(&team.name, wake.now).await? {
            continue;
        }
        let mut told =
            TeamIsFull { team, reps: board.standing(wake, team).collect(), waiting: Vec::new(), since: None };
        for campaign in agreement.campaigns.iter().filter(|campaign| campaign.team == team.name) {
            let (count, since) = tx.count_waiting_leads(&campaign.name).await?;
            if count > 0 {
                told.waiting.push((campaign.name.clone(), count));
                told.since = told.since.into_iter().chain(since).min();
            }
        }
        let day = team_calendar(wake, team).local(wake.now).date();
        let mut managers = vec![&team.manager, &agreement.marketing.manager];
        managers.dedup();
        for to in managers {
            let key = format!("team-full:{}:{day}:{to}", team.name);
            staff_mail::team_is_full(engine, tx, wake, &told, to, &key).await?;
        }
    }
    Ok(())
}
