//! Leads wait because everybody of a team is full or away: both managers hear of it, at once, and as long as leads
//! wait once on each of the team's business days.

use std::collections::BTreeSet;

use jiff::civil::Time;

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
    /// They are at work, and nobody of them is there with room.
    pub nobody_there: BTreeSet<String>,
}

/// Notes for which teams leads wait, and tells the managers of those who have not heard of it today.
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
            tx.nobody_waits(&team.name).await?;
        }
        let calendar = team_calendar(wake, team);
        let day = calendar.local(wake.now).date();
        let today = calendar.instant_at(day, Time::midnight()).unwrap_or(wake.now);
        if !teams.nobody_there.contains(&team.name) || !tx.leads_wait(&team.name, wake.now, today).await? {
            continue;
        }
        let mut told = TeamIsFull {
            team,
            is_full: teams.full.contains(&team.name),
            reps: board.standing(wake, team).collect(),
            waiting: Vec::new(),
            since: None,
        };
        for campaign in agreement.campaigns.iter().filter(|campaign| campaign.team == team.name) {
            let (count, since) = tx.count_waiting_leads(&campaign.name).await?;
            if count > 0 {
                told.waiting.push((campaign.name.clone(), count));
                told.since = told.since.into_iter().chain(since).min();
            }
        }
        let mut managers = vec![&team.manager, &agreement.marketing.manager];
        managers.dedup();
        for to in managers {
            let key = format!("team-full:{}:{day}:{to}", team.name);
            staff_mail::team_is_full(engine, tx, wake, &told, to, &key).await?;
        }
    }
    Ok(())
}
