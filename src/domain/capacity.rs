//! Whether sales can take what marketing is about to send: expected leads of each campaign, week by week, held
//! against what the reps of its team can take.
//!
//! A lead takes a place with its rep until it is an opportunity or given back, so a rep with 30 places whose leads
//! stay two weeks takes 15 a week. Holidays of the team's calendar and absences take their days away. What cannot be
//! taken waits and is carried over into the next week. Leads are spread evenly over the days of a campaign, and are
//! counted for the week in which they come in: nurturing puts some of them off, never more of them at once.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::agreement::{Agreement, Campaign, Rep, Team};
use super::calendar::Calendar;
use super::commitments::{self, Period};
use super::email::EmailAddress;

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
    /// Leads that wait for a rep, by team.
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
    /// What they would take if everybody were there and no day were a holiday.
    pub takes_when_all_there: i64,
    /// How many more become ready than can be taken; zero when all can.
    pub over: i64,
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
    let mut rates = Vec::new();
    let mut unknown = Vec::new();
    let mut flows: Vec<Flow<'_>> = Vec::new();
    for campaign in &agreement.campaigns {
        match &campaign.volume {
            Some(volume) => match Rate::of(campaign, known.record.get(&campaign.name).copied()) {
                Some(rate) => {
                    rates.push((campaign.name.clone(), rate));
                    let daily = volume.per.daily(volume.leads) * rate.percent() / 100;
                    flows.push(Flow { team: &campaign.team, daily, from: volume.starts, to: volume.ends });
                }
                None => unknown.push(campaign.name.clone()),
            },
            None => {
                let daily = known.last_four_weeks.get(&campaign.name).copied().unwrap_or(0) * FINE / 28;
                flows.push(Flow { team: &campaign.team, daily, from: None, to: None });
            }
        }
    }
    let this_week = Period::Week.first_day(known.today);
    let first = if this_week == known.today { this_week } else { Period::Week.next(this_week) };
    let mut waiting: BTreeMap<&str, i64> = BTreeMap::new();
    let mut weeks = Vec::new();
    for number in 0..i64::from(count) {
        let monday = first.saturating_add((number * 7).days());
        let days: Vec<Date> = (0..7).map(|day| monday.saturating_add(i64::from(day).days())).collect();
        for team in agreement.teams.values() {
            let Some(calendar) = agreement.calendars.get(&team.calendar) else { continue };
            let expected: i64 = flows
                .iter()
                .filter(|flow| flow.team == team.name)
                .map(|flow| flow.daily * days.iter().filter(|day| flow.runs_on(**day)).count() as i64)
                .sum();
            let room = room(team, calendar, known, &days);
            let queue = waiting
                .entry(team.name.as_str())
                .or_insert_with(|| known.waiting.get(&team.name).copied().unwrap_or(0) * FINE);
            *queue = (*queue + expected - room.takes).max(0);
            weeks.push(Week {
                monday,
                team: team.name.clone(),
                expected: tenths(expected),
                takes: tenths(room.takes),
                takes_when_all_there: tenths(room.all_there),
                over: tenths((expected - room.takes).max(0)),
                waiting: tenths(*queue),
                holidays: room.holidays,
                away: room.away,
            });
        }
    }
    Plan { weeks, rates, unknown }
}

/// Ready leads that come to a team, day by day, in millionths.
struct Flow<'a> {
    team: &'a str,
    daily: i64,
    from: Option<Date>,
    to: Option<Date>,
}

impl Flow<'_> {
    fn runs_on(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

/// What a team can take in a week, in millionths of a lead.
struct Room {
    takes: i64,
    all_there: i64,
    holidays: i64,
    away: Vec<String>,
}

fn room(team: &Team, calendar: &Calendar, known: &Known, days: &[Date]) -> Room {
    let open: Vec<Date> = days.iter().copied().filter(|day| calendar.is_open_on(*day)).collect();
    let holidays = days.iter().filter(|day| calendar.is_closed_by_holiday(**day)).count() as i64;
    let ordinary = open.len() as i64 + holidays;
    let mut room = Room { takes: 0, all_there: 0, holidays, away: Vec::new() };
    for rep in &team.reps {
        let weekly = weekly_tenths(rep, known.weeks_open_tenths) * (FINE / 10);
        let there = open.iter().filter(|day| !is_away(rep, known, **day)).count();
        if there < open.len() {
            room.away.push(rep.name.clone());
        }
        // A team that works one Saturday a month has weeks without any day: nobody takes anything in them.
        if ordinary > 0 {
            room.takes += weekly * there as i64 / ordinary;
            room.all_there += weekly;
        }
    }
    room
}

fn is_away(rep: &Rep, known: &Known, day: Date) -> bool {
    rep.away.iter().any(|(first, last)| (*first..=*last).contains(&day))
        || known.away.get(&rep.email).is_some_and(|(first, back)| (*first..*back).contains(&day))
}

/// What a rep takes in an ordinary week, in tenths of a lead, when a lead takes a place for `weeks_open_tenths`.
pub fn weekly_tenths(rep: &Rep, weeks_open_tenths: i64) -> i64 {
    rep.capacity * 100 / weeks_open_tenths.max(1)
}

/// What a team takes in an ordinary week, in tenths of a lead.
pub fn team_weekly_tenths(team: &Team, weeks_open_tenths: i64) -> i64 {
    team.reps.iter().map(|rep| weekly_tenths(rep, weeks_open_tenths)).sum()
}

/// Millionths as tenths, rounded to the nearest.
fn tenths(millionths: i64) -> i64 {
    (millionths + FINE / 20) / (FINE / 10)
}

/// The first week in which a team would be sent more than it can take although everybody is there, as the agreement
/// alone tells it: nobody has to look at the record to know.
pub fn impossible(agreement: &Agreement, today: Date) -> Vec<Week> {
    const HALF_A_YEAR: u32 = 26;
    let plan = plan(agreement, &Known::nothing(today), HALF_A_YEAR);
    let mut found: Vec<Week> = Vec::new();
    for week in plan.weeks.into_iter().filter(|week| week.expected > week.takes_when_all_there) {
        if !found.iter().any(|known| known.team == week.team) {
            found.push(week);
        }
    }
    found
}

/// A week in words: "in the week of 4 May 2026 it gets 35 ready leads, and with everybody there it takes 30".
pub fn weeks_words(week: &Week) -> String {
    format!(
        "in {} it gets {} ready leads, and with everybody there it takes {}",
        Period::Week.called(week.monday),
        commitments::tenths(week.expected),
        commitments::tenths(week.takes_when_all_there)
    )
}
