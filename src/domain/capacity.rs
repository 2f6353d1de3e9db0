//! Whether sales can take what marketing is about to send: expected leads of each campaign, week by week, held
//! against what the reps of its team can take.
//!
//! A lead takes a place with its rep until it is an opportunity or given back, so a rep with 30 places whose leads
//! stay two weeks takes 15 a week. Holidays of the team's calendar and absences take their days away. What cannot be
//! taken waits and is carried over into the next week. Leads are spread evenly over the days of a campaign, and are
//! counted for the week in which they come in: nurturing puts some of them off, never more of them at once.
//!
//! A campaign with reps of its own fills their places first, the one with fewest reps before the others; then come
//! the campaigns that anybody of the team may have, and what is left goes where the team overflows to, once that
//! team's own leads have theirs. Backups are not counted on: they are for what was not planned.

mod room;

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::agreement::{Agreement, Campaign, Team};
use super::commitments::{self, Period};
use super::email::EmailAddress;
use room::Rooms;

pub use room::{team_weekly_tenths, weekly_tenths};

/// Parts of a lead that are counted: a campaign of one lead a month is some of one each day.
const FINE: i64 = 1_000_000;

/// How long a lead takes a place with its rep as long as the record does not say, in tenths of a week: two weeks,
/// in which six attempts are owed.
pub const WEEKS_OPEN_TENTHS: i64 = 20;

/// So many leads have to be on record before the record says which share of them qualifies.
pub const ENOUGH: i64 = 50;

/// What a campaign is expected to bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// So many leads…
    pub leads: i64,
    /// … in each of these.
    pub per: Per,
    /// Which share of them qualifies, in percent, as people expect.
    pub qualifies: Option<i64>,
    /// The first day; `None`: it runs already.
    pub starts: Option<Date>,
    /// The last day; `None`: it goes on.
    pub ends: Option<Date>,
}

/// What volumes are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// A day of the calendar.
    Day,
    /// A week, a month or a quarter.
    Period(Period),
}

impl Per {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Per::Day => "day",
            Per::Period(period) => period.name(),
        }
    }

    /// `leads` in each of these are so many millionths of a lead a day. A month is a twelfth of a year.
    fn daily(self, leads: i64) -> i64 {
        let leads = leads * FINE;
        match self {
            Per::Day => leads,
            Per::Period(Period::Week) => leads / 7,
            Per::Period(Period::Month) => leads * 48 / 1461,
            Per::Period(Period::Quarter) => leads * 16 / 1461,
        }
    }
}

/// Which share of a campaign's leads qualifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// All: its hand-off point takes everybody.
    All,
    /// As it was, in percent, among so many leads.
    Record {
        /// In percent.
        percent: i64,
        /// Of how many.
        of: i64,
    },
    /// As the agreement expects it, in percent.
    Given(i64),
}

impl Rate {
    /// The rate of a campaign of which the record has so many leads, and so many of them that qualified.
    pub fn of(campaign: &Campaign, record: Option<(i64, i64)>) -> Option<Rate> {
        let given = campaign.volume.as_ref().and_then(|volume| volume.qualifies).map(Rate::Given);
        match record {
            _ if campaign.qualify.is_always() => Some(Rate::All),
            Some((of, qualified)) if of >= ENOUGH => Some(Rate::Record { percent: qualified * 100 / of, of }),
            _ => given,
        }
    }

    /// In percent.
    pub fn percent(self) -> i64 {
        match self {
            Rate::All => 100,
            Rate::Record { percent, .. } | Rate::Given(percent) => percent,
        }
    }
}

/// What is known beside the agreement.
#[derive(Clone, Debug)]
pub struct Known {
    /// Today.
    pub today: Date,
    /// Leads on record and how many of them qualified, by campaign.
    pub record: BTreeMap<String, (i64, i64)>,
    /// What was handed off in the last four weeks, by campaign: what one without an expectation goes on with.
    pub last_four_weeks: BTreeMap<String, i64>,
    /// Leads that wait for a rep, by campaign.
    pub waiting: BTreeMap<String, i64>,
    /// Absences that reps announced: first day, and first day back.
    pub away: BTreeMap<EmailAddress, (Date, Date)>,
    /// How long a lead takes a place, in tenths of a week.
    pub weeks_open_tenths: i64,
}

impl Known {
    /// Nothing is known but the day.
    pub fn nothing(today: Date) -> Known {
        Known {
            today,
            record: BTreeMap::new(),
            last_four_weeks: BTreeMap::new(),
            waiting: BTreeMap::new(),
            away: BTreeMap::new(),
            weeks_open_tenths: WEEKS_OPEN_TENTHS,
        }
    }
}

/// One team in one week. Leads in tenths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its Monday.
    pub monday: Date,
    /// The team.
    pub team: String,
    /// Leads that become ready.
    pub expected: i64,
    /// Leads that its reps can take.
    pub takes: i64,
    /// How many of them find no rep, neither here nor where the team overflows to; zero when all do.
    pub over: i64,
    /// How many of them go to other teams, because nobody here has room.
    pub elsewhere: i64,
    /// How many wait at the end of it.
    pub waiting: i64,
    /// Business days of the team that a holiday takes.
    pub holidays: i64,
    /// Who of it is away on some business day.
    pub away: Vec<String>,
}

/// What is expected, held against what can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Week by week, in each the teams in their order.
    pub weeks: Vec<Week>,
    /// The rate that was used for each campaign with an expectation.
    pub rates: Vec<(String, Rate)>,
    /// Campaigns with an expectation of which nobody knows what share qualifies: they are not counted.
    pub unknown: Vec<String>,
}

/// Plans `count` weeks, from the first Monday that is not past.
pub fn plan(agreement: &Agreement, known: &Known, count: u32) -> Plan {
    plan_with(agreement, known, count, false)
}

/// As [`plan`]; or as if everybody were there on every day.
fn plan_with(agreement: &Agreement, known: &Known, count: u32, all_there: bool) -> Plan {
    let mut rates = Vec::new();
    let mut unknown = Vec::new();
    let mut flows: Vec<Flow<'_>> = Vec::new();
    for campaign in &agreement.campaigns {
        let mut flow = Flow {
            teams: agreement.teams_for(campaign),
            only: &campaign.reps,
            daily: 0,
            from: None,
            to: None,
            waiting: known.waiting.get(&campaign.name).copied().unwrap_or(0) * FINE,
        };
        match &campaign.volume {
            Some(volume) => match Rate::of(campaign, known.record.get(&campaign.name).copied()) {
                Some(rate) => {
                    rates.push((campaign.name.clone(), rate));
                    flow.daily = volume.per.daily(volume.leads) * rate.percent() / 100;
                    (flow.from, flow.to) = (volume.starts, volume.ends);
                }
                None => unknown.push(campaign.name.clone()),
            },
            None => {
                flow.daily = known.last_four_weeks.get(&campaign.name).copied().unwrap_or(0) * FINE / 28;
            }
        }
        flows.push(flow);
    }
    let this_week = Period::Week.first_day(known.today);
    let first = if this_week == known.today { this_week } else { Period::Week.next(this_week) };
    let mut weeks = Vec::new();
    for number in 0..i64::from(count) {
        let monday = first.saturating_add((number * 7).days());
        let days: Vec<Date> = (0..7).map(|day| monday.saturating_add(i64::from(day).days())).collect();
        weeks.extend(week(agreement, &mut flows, &days, known, all_there));
    }
    Plan { weeks, rates, unknown }
}

/// One week of every team; what finds no rep waits on in its flow.
fn week(
    agreement: &Agreement,
    flows: &mut [Flow<'_>],
    days: &[Date],
    known: &Known,
    all_there: bool,
) -> Vec<Week> {
    let mut rooms = Rooms::new(agreement, known, days, all_there);
    let mut of_teams: BTreeMap<&str, Week> = agreement
        .teams
        .values()
        .filter_map(|team| {
            let open = rooms.of(team)?;
            let week = Week {
                monday: days[0],
                team: team.name.clone(),
                expected: 0,
                takes: open.total(),
                over: 0,
                elsewhere: 0,
                waiting: 0,
                holidays: open.holidays,
                away: open.away.clone(),
            };
            Some((team.name.as_str(), week))
        })
        .collect();
    let new: Vec<i64> = flows
        .iter()
        .map(|flow| flow.daily * days.iter().filter(|day| flow.runs_on(**day)).count() as i64)
        .collect();
    let mut left: Vec<i64> = flows.iter().zip(&new).map(|(flow, new)| flow.waiting + new).collect();
    // Nobody else can have the leads of a campaign with few reps.
    let mut order: Vec<usize> = (0..flows.len()).collect();
    order.sort_by_key(|index| match flows[*index].only.len() {
        0 => usize::MAX,
        reps => reps,
    });
    for index in &order {
        if let Some(team) = flows[*index].teams.first() {
            left[*index] -= rooms.take(team, flows[*index].only, left[*index]);
        }
    }
    for (index, flow) in flows.iter_mut().enumerate() {
        let Some(own) = flow.teams.first().and_then(|team| of_teams.get_mut(team.name.as_str())) else {
            continue;
        };
        for team in &flow.teams[1..] {
            let taken = rooms.take(team, &[], left[index]);
            left[index] -= taken;
            own.elsewhere += taken;
        }
        own.expected += new[index];
        own.over += left[index] - flow.waiting;
        own.waiting += left[index];
        flow.waiting = left[index];
    }
    let mut weeks: Vec<Week> = of_teams.into_values().collect();
    for week in &mut weeks {
        week.over = week.over.max(0);
        for figure in
            [&mut week.expected, &mut week.takes, &mut week.over, &mut week.elsewhere, &mut week.waiting]
        {
            *figure = tenths(*figure);
        }
    }
    weeks
}

/// Ready leads of a campaign, day by day, in millionths.
struct Flow<'a> {
    /// Who may get them: the campaign's team, then those to which it overflows.
    teams: Vec<&'a Team>,
    /// The reps of the first one who get them; empty: all.
    only: &'a [EmailAddress],
    daily: i64,
    from: Option<Date>,
    to: Option<Date>,
    waiting: i64,
}

impl Flow<'_> {
    fn runs_on(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

/// Millionths as tenths, rounded to the nearest.
fn tenths(millionths: i64) -> i64 {
    (millionths + FINE / 20) / (FINE / 10)
}

/// The first week in which a team would be sent more than it can take although everybody is there, as the agreement
/// alone tells it: nobody has to look at the record to know.
pub fn impossible(agreement: &Agreement, today: Date) -> Vec<Week> {
    const HALF_A_YEAR: u32 = 26;
    let plan = plan_with(agreement, &Known::nothing(today), HALF_A_YEAR, true);
    let mut found: Vec<Week> = Vec::new();
    for week in plan.weeks.into_iter().filter(|week| week.over > 0) {
        if !found.iter().any(|known| known.team == week.team) {
            found.push(week);
        }
    }
    found
}

/// A week in words: "in the week of 4 May 2026 it gets 35 ready leads, and with everybody there 5 find no rep".
pub fn weeks_words(week: &Week) -> String {
    format!(
        "in {} it gets {} ready leads, and with everybody there {} of them find no rep",
        Period::Week.called(week.monday),
        commitments::tenths(week.expected),
        commitments::tenths(week.over)
    )
}
