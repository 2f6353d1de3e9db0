//! How many leads each rep can take in a week: their places as they come free, the days they are there, and the
//! most that they take in a week.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{FINE, Known};
use crate::domain::agreement::{Agreement, Rep, Team};
use crate::domain::calendar::Calendar;
use crate::domain::email::EmailAddress;

/// What is left of everybody's room in a week.
pub(super) struct Rooms<'a> {
    teams: BTreeMap<&'a str, Room>,
}

/// What is left of a team's room, in millionths of a lead.
pub(super) struct Room {
    /// In the order of the team's reps.
    reps: Vec<i64>,
    /// Days of its week that are holidays.
    pub holidays: i64,
    /// Who is away on some of its days.
    pub away: Vec<String>,
}

impl Room {
    /// All of it.
    pub fn total(&self) -> i64 {
        self.reps.iter().sum()
    }
}

impl<'a> Rooms<'a> {
    /// The room of all teams on these days; or as it would be without holidays and absences.
    pub fn new(agreement: &'a Agreement, known: &Known, days: &[Date], all_there: bool) -> Rooms<'a> {
        let teams = agreement.teams.values().filter_map(|team| {
            let calendar = agreement.calendars.get(&team.calendar)?;
            Some((team.name.as_str(), room(team, calendar, known, days, all_there)))
        });
        Rooms { teams: teams.collect() }
    }

    /// That of a team.
    pub fn of(&self, team: &Team) -> Option<&Room> {
        self.teams.get(team.name.as_str())
    }

    /// Takes up to `leads` from `only` these reps of a team, or when there are none from all of them, and says how
    /// many it were. Who has most room left gives first.
    pub fn take(&mut self, team: &Team, only: &[EmailAddress], leads: i64) -> i64 {
        let Some(room) = self.teams.get_mut(team.name.as_str()) else { return 0 };
        let mut asked: Vec<&mut i64> = team
            .reps
            .iter()
            .zip(&mut room.reps)
            .filter(|(rep, _)| only.is_empty() || only.contains(&rep.email))
            .map(|(_, left)| left)
            .collect();
        asked.sort_by_key(|left| std::cmp::Reverse(**left));
        let mut wanted = leads.max(0);
        for left in asked {
            let taken = wanted.min(*left);
            *left -= taken;
            wanted -= taken;
        }
        leads.max(0) - wanted
    }
}

fn room(team: &Team, calendar: &Calendar, known: &Known, days: &[Date], all_there: bool) -> Room {
    let open: Vec<Date> = days.iter().copied().filter(|day| calendar.is_open_on(*day)).collect();
    let holidays = days.iter().filter(|day| calendar.is_closed_by_holiday(**day)).count() as i64;
    let ordinary = open.len() as i64 + holidays;
    let mut room = Room { reps: Vec::with_capacity(team.reps.len()), holidays, away: Vec::new() };
    for rep in &team.reps {
        let there = open.iter().filter(|day| !is_away(rep, known, **day)).count();
        if there < open.len() {
            room.away.push(rep.name.clone());
        }
        let weekly = places(rep, known.weeks_open_tenths) * (FINE / 10);
        let takes = match ordinary {
            // A team that works one Saturday a month has weeks without any day: nobody takes anything in them.
            0 => 0,
            _ if all_there => weekly,
            days => weekly * there as i64 / days,
        };
        room.reps.push(rep.new_per_week.map_or(takes, |most| takes.min(most * FINE)));
    }
    room
}

fn is_away(rep: &Rep, known: &Known, day: Date) -> bool {
    rep.away.iter().any(|(first, last)| (*first..=*last).contains(&day))
        || known.away.get(&rep.email).is_some_and(|(first, back)| (*first..*back).contains(&day))
}

/// How many places come free with a rep in an ordinary week, in tenths, when a lead takes one for so long.
fn places(rep: &Rep, weeks_open_tenths: i64) -> i64 {
    rep.capacity * 100 / weeks_open_tenths.max(1)
}

/// What a rep takes in an ordinary week, in tenths of a lead, when a lead takes a place for `weeks_open_tenths`.
pub fn weekly_tenths(rep: &Rep, weeks_open_tenths: i64) -> i64 {
    let places = places(rep, weeks_open_tenths);
    rep.new_per_week.map_or(places, |most| places.min(most * 10))
}

/// What a team takes in an ordinary week, in tenths of a lead.
pub fn team_weekly_tenths(team: &Team, weeks_open_tenths: i64) -> i64 {
    team.reps.iter().map(|rep| weekly_tenths(rep, weeks_open_tenths)).sum()
}
