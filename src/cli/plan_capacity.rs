//! `nurtured plan-capacity`: whether sales can take what the campaigns are expected to bring, week by week.
//!
//! It reads the agreement as it is edited, not the one in force, so that a campaign is held against the reps before
//! it starts; what share of its leads qualifies, and how long a lead takes a place, is read from the record.

use std::collections::BTreeMap;

use clap::Args;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::agreement::Agreement;
use crate::domain::capacity::{Known, Plan, Rate, Week, plan};
use crate::domain::commitments::{listed, tenths};
use crate::playbook::Playbook;
use crate::store::{Store, StoreError, Tx};

/// The record of so long a time tells how many leads qualify. What came in lately may still.
const RECORD: SignedDuration = SignedDuration::from_hours(365 * 24);
const TOO_NEW: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Hand-offs that ended in so long a time tell how long a lead takes a place; fewer than so many tell nothing.
const TURNOVER: SignedDuration = SignedDuration::from_hours(90 * 24);
const ENOUGH_ENDED: i64 = 20;

/// Hold what campaigns are expected to bring against what each team can take, week by week
///
/// A campaign says what it brings with `expected = "120 per month"` in the agreement, when with `starts` and `ends`,
/// and with `qualifies = "30%"` which share of it becomes ready, as long as the record does not know. Campaigns
/// without an expectation go on as in the last four weeks. Reps of a campaign's own, `new_per_week` and where teams
/// overflow to are counted in.
#[derive(Debug, Args)]
pub struct PlanCapacity {
    /// So many weeks, from the next Monday on
    #[arg(long, value_name = "COUNT", default_value_t = 13, value_parser = clap::value_parser!(u32).range(1..=104))]
    weeks: u32,
    /// One JSON object a line: a team in a week
    #[arg(long)]
    json: bool,
}

impl PlanCapacity {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let playbook = Playbook::load(&workplace.playbook_files()?).map_err(CliError::Problems)?;
        let store = workplace.store().await?;
        let now = Clock::System.now();
        let plan = planned(&store, &playbook.agreement, self.weeks, now).await.map_err(CliError::failed)?;
        if self.json {
            return plan.weeks.iter().try_for_each(|week| line(&as_json(week).to_string()));
        }
        shown(&plan).iter().try_for_each(|words| line(words))
    }
}

/// What is expected of so many weeks after `now`, and what can be taken.
///
/// # Errors
/// When the store fails.
pub async fn planned(
    store: &Store,
    agreement: &Agreement,
    weeks: u32,
    now: Timestamp,
) -> Result<Plan, StoreError> {
    Ok(plan(agreement, &known(store, agreement, now).await?, weeks))
}

/// What the store knows beside the agreement.
async fn known(store: &Store, agreement: &Agreement, now: Timestamp) -> Result<Known, StoreError> {
    let calendar = agreement.marketing_calendar();
    let local = |at: Timestamp| match calendar {
        Some(calendar) => calendar.local(at),
        None => at.to_zoned(jiff::tz::TimeZone::UTC),
    };
    let mut known = Known::nothing(local(now).date());
    let mut tx = store.read().await?;
    let ago = |length: SignedDuration| now.checked_sub(length).unwrap_or(Timestamp::MIN);
    let record = tx.qualification_record(ago(RECORD), ago(TOO_NEW)).await?;
    known.record = record.into_iter().map(|(name, of, qualified)| (name, (of, qualified))).collect();
    let four_weeks_ago = known.today.saturating_sub(28.days());
    let since =
        calendar.and_then(|calendar| calendar.instant_at(four_weeks_ago, jiff::civil::Time::midnight()));
    known.last_four_weeks = tx.delivered_since(since.unwrap_or(now)).await?.into_iter().collect();
    known.waiting = waiting(&mut tx, agreement).await?;
    for rep in agreement.teams.values().flat_map(|team| &team.reps) {
        if let Some((from, until)) = tx.rep_state(&rep.email).await?.away {
            known.away.insert(rep.email.clone(), (local(from).date(), local(until).date()));
        }
    }
    let (ended, milliseconds) = tx.time_with_reps(ago(TURNOVER)).await?;
    if ended >= ENOUGH_ENDED {
        let week = SignedDuration::from_hours(7 * 24).as_millis() as i64;
        known.weeks_open_tenths = (milliseconds / ended * 10 / week).clamp(1, 520);
    }
    tx.rollback().await?;
    Ok(known)
}

/// Qualified leads that wait for a rep, by their campaign.
async fn waiting(tx: &mut Tx, agreement: &Agreement) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut waiting = BTreeMap::new();
    for (campaign, count) in tx.qualified_waiting(Timestamp::MIN, Timestamp::MAX).await? {
        let campaign = agreement.campaign(&campaign).or(agreement.campaigns.last());
        if let Some(campaign) = campaign {
            *waiting.entry(campaign.name.clone()).or_default() += count;
        }
    }
    Ok(waiting)
}

fn as_json(week: &Week) -> serde_json::Value {
    let leads = |tenths: i64| tenths as f64 / 10.0;
    json!({
        "week": week.monday.to_string(),
        "team": week.team,
        "expected": leads(week.expected),
        "takes": leads(week.takes),
        "over": leads(week.over),
        "elsewhere": leads(week.elsewhere),
        "waiting": leads(week.waiting),
        "holidays": week.holidays,
        "away": week.away,
    })
}

/// The plan as a table, and what it rests on.
pub fn shown(plan: &Plan) -> Vec<String> {
    let mut lines =
        vec![format!("{:<14}{:<16}{:>9}{:>8}{:>9}", "Week of", "Team", "Expected", "Takes", "Waiting")];
    let has_leads = |team: &str| {
        plan.weeks.iter().any(|week| week.team == team && (week.expected > 0 || week.waiting > 0))
    };
    for week in plan.weeks.iter().filter(|week| has_leads(&week.team)) {
        let numbers =
            format!("{:>9}{:>8}{:>9}", tenths(week.expected), tenths(week.takes), tenths(week.waiting));
        let day = week.monday.strftime("%-d %b %Y").to_string();
        let row = format!("{day:<14}{:<16}{numbers}  {}", week.team, remarks(week));
        lines.push(row.trim_end().to_owned());
    }
    if lines.len() == 1 {
        lines = vec![
            "No campaign says what it is expected to bring, and none brought anything lately: write \
             expected = \"120 per month\" into its section of the agreement."
                .to_owned(),
        ];
    }
    for (campaign, rate) in &plan.rates {
        lines.push(match rate {
            Rate::All => format!("{campaign}: every lead is ready at once"),
            Rate::Record { percent, of } => {
                format!("{campaign}: {percent}% become ready, as of {of} on record")
            }
            Rate::Given(percent) => format!("{campaign}: {percent}% become ready, as the agreement expects"),
        });
    }
    for campaign in &plan.unknown {
        lines.push(format!(
            "{campaign}: not counted, because nobody knows yet which share becomes ready: write qualifies = \"30%\""
        ));
    }
    lines
}

/// What is out of the ordinary: over by how much, and who or what is missing.
fn remarks(week: &Week) -> String {
    let mut remarks = Vec::new();
    if week.over > 0 {
        remarks.push(format!("over by {}", tenths(week.over)));
    }
    if week.elsewhere > 0 {
        remarks.push(format!("{} go to other teams", tenths(week.elsewhere)));
    }
    match week.holidays {
        0 => {}
        1 => remarks.push("1 holiday".to_owned()),
        more => remarks.push(format!("{more} holidays")),
    }
    if !week.away.is_empty() {
        remarks.push(format!("away: {}", listed(&week.away)));
    }
    remarks.join("; ")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_table_says_which_week_is_over_by_how_much_and_why() {
        let week = Week {
            monday: date(2026, 5, 4),
            team: "sales".to_owned(),
            expected: 355,
            takes: 240,
            over: 115,
            elsewhere: 20,
            waiting: 115,
            holidays: 1,
            away: vec!["Robin Adler".to_owned(), "Sam Berger".to_owned()],
        };
        let idle = Week {
            team: "partners".to_owned(),
            expected: 0,
            over: 0,
            elsewhere: 0,
            waiting: 0,
            ..week.clone()
        };
        let plan = Plan {
            weeks: vec![idle, week],
            rates: vec![("demo-request".to_owned(), Rate::All), ("webinar".to_owned(), Rate::Given(30))],
            unknown: vec!["fair".to_owned()],
        };
        assert_eq!(
            shown(&plan),
            [
                "Week of       Team             Expected   Takes  Waiting",
                "4 May 2026    sales                35.5      24     11.5  over by 11.5; \
                 2 go to other teams; 1 holiday; away: Robin Adler and Sam Berger",
                "demo-request: every lead is ready at once",
                "webinar: 30% become ready, as the agreement expects",
                "fair: not counted, because nobody knows yet which share becomes ready: write qualifies = \"30%\"",
            ]
        );
        let nothing = Plan { weeks: Vec::new(), rates: Vec::new(), unknown: Vec::new() };
        assert!(shown(&nothing)[0].contains("expected = \"120 per month\""));
    }
}
