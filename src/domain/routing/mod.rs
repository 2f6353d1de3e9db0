//! Which rep gets a lead: whose it is by the agreement's rules, and of those, whose turn it is.
//!
//! A rep's wait is the time since their last lead, times their weight: a rep of weight 2 comes round twice
//! as often. Whoever never had one comes first, in the order of the agreement. There is no rolling window
//! of past leads, so an absence leaves no hole that comes back month after month.
//!
//! Leads that became ready overnight are all given at the same instant, when the office opens. Then nobody
//! has waited at all, and the turn is that of the rep who got fewest at that instant, by weight.
//!
//! Where a team goes by `weighted`, each lead moves its rep's level on by one lead divided by the weight, and the
//! lowest level is next: shares are exact however the leads come. Whoever was away or full meanwhile starts
//! again where the others are, unless the team has them catch up. `least-loaded` looks at open leads alone. Ties
//! go to the longest wait.
//!
//! No rule has a lead wait as long as anybody of the team is there with room: a rep whose account or territory it
//! is and who is away or full is passed over.

mod rule;
mod waiting;

use std::cmp::Reverse;

use jiff::civil::Time;
use jiff::{Timestamp, ToSpan};

pub use rule::{Earliest, Routing, Rule, Share, Territory};
pub use waiting::cannot_wait;

use super::agreement::{Rep, Team};
use super::calendar::Calendar;
use super::email::EmailAddress;

/// Shares of leads are compared in so many parts of a lead.
const FINE: i128 = 1 << 32;

/// A level is counted in so many parts of a lead.
const LEVEL_OF_A_LEAD: i64 = 1 << 20;

/// What a rep's turn depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// When they were last given a lead.
    pub last_assigned_at: Option<Timestamp>,
    /// How many they were given at that instant.
    pub given_then: i64,
    /// How many leads they have open.
    pub open_leads: i64,
    /// How many they were given since Monday.
    pub new_this_week: i64,
    /// How far `weighted` has counted them; `None`: it never has.
    pub level: Option<i64>,
    /// An absence they announced.
    pub away: Option<(Timestamp, Timestamp)>,
}

/// A lead asks a team for a rep.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Which team.
    pub team: &'a Team,
    /// Whose turn it is, in the order of `team.reps`.
    pub turns: &'a [Turn],
    /// The campaign's own reps; empty: the whole team.
    pub only: &'a [EmailAddress],
    /// By which rules.
    pub routing: &'a Routing,
    /// When the team works.
    pub calendar: &'a Calendar,
    /// Who has had the lead's colleagues.
    pub account: Option<&'a EmailAddress>,
    /// In whose territory the lead is, in the order of `team.reps`; not asked for when it is empty.
    pub territory: &'a [bool],
    /// Who shall not get it unless nobody else is there.
    pub avoid: Option<&'a EmailAddress>,
    /// The instant.
    pub now: Timestamp,
}

/// Who gets it, or what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// This rep.
    To {
        /// Who.
        rep: &'a Rep,
        /// Why, as a sentence.
        why: String,
        /// Their level from now on, where the team goes by `weighted`.
        level: Option<i64>,
    },
    /// Nobody has room or is there.
    Wait {
        /// When the first rep who is awaited is back, or may have more; `None`: nobody is awaited.
        until: Option<Timestamp>,
        /// Why, as a sentence.
        why: String,
        /// Whether somebody is full, so that more room would help.
        full: bool,
    },
}

/// Why a rep cannot be given a lead now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// They have as many open as they can take.
    Full,
    /// They were given as many this week as agreed; the next one begins then.
    WeekIsFull(Option<Timestamp>),
    /// They are away until then.
    Away(Timestamp),
}

/// Chooses a rep.
pub fn choose<'a>(question: &Question<'a>) -> Route<'a> {
    let free: Vec<(usize, &Rep, &Turn)> =
        asked(question).filter(|(_, rep, turn)| hindrance(question, rep, turn).is_none()).collect();
    let mut pool: Vec<_> =
        free.iter().copied().filter(|(_, rep, _)| Some(&rep.email) != question.avoid).collect();
    if pool.is_empty() {
        pool = free.clone();
    }
    let level = |rep: &Rep, turn: &Turn| {
        let counts = question.routing.fair_share() == Rule::Weighted;
        counts.then(|| level_of(question, turn).saturating_add(step(rep)))
    };
    let mut of_territory = false;
    for rule in question.routing.by.iter().take_while(|rule| !rule.is_fair_share()) {
        match rule {
            Rule::Account => {
                if let Some((_, rep, turn)) =
                    pool.iter().copied().find(|(_, rep, _)| Some(&rep.email) == question.account)
                {
                    let why = format!("{} knows the company already", rep.name);
                    return Route::To { rep, why, level: level(rep, turn) };
                }
            }
            _ => of_territory = narrow_to_territory(question, &mut pool),
        }
    }
    let place = |(_, rep, turn): &(usize, &Rep, &Turn)| {
        let weight = i128::from(rep.weight.max(1));
        let share = match question.routing.fair_share() {
            Rule::Weighted => i128::from(level_of(question, turn)),
            Rule::LeastLoaded => i128::from(turn.open_leads) * FINE / weight,
            Rule::Account | Rule::Territory | Rule::LongestWait => 0,
        };
        let waited = turn
            .last_assigned_at
            .map_or(i128::MAX, |last| question.now.duration_since(last).as_millis().saturating_mul(weight));
        (share, Reverse(waited), i128::from(turn.given_then) * FINE / weight)
    };
    // `min_by_key` takes the first of equals, as the agreement's order asks.
    match pool.iter().copied().min_by_key(place) {
        Some((_, rep, turn)) => {
            let why = why(question, rep, turn, &free, pool.len(), of_territory);
            Route::To { rep, why, level: level(rep, turn) }
        }
        None => wait(question),
    }
}

/// How many leads the reps who are there can be given now.
pub fn room(question: &Question<'_>) -> i64 {
    asked(question)
        .filter(|(_, rep, turn)| hindrance(question, rep, turn).is_none())
        .map(|(_, rep, turn)| {
            let room = rep.capacity - turn.open_leads;
            rep.new_per_week.map_or(room, |most| room.min(most - turn.new_this_week))
        })
        .fold(0, i64::saturating_add)
}

/// The reps of whom it is one, with their turns.
fn asked<'a>(question: &Question<'a>) -> impl Iterator<Item = (usize, &'a Rep, &'a Turn)> + use<'a> {
    let only = question.only;
    let reps = question.team.reps.iter().zip(question.turns).enumerate();
    reps.filter(move |(_, (rep, _))| only.is_empty() || only.contains(&rep.email))
        .map(|(index, (rep, turn))| (index, rep, turn))
}

/// Leaves those whose territory it is; where there is none of them, those who have no territory of their own;
/// else everybody. Whether it is of somebody's territory.
fn narrow_to_territory(question: &Question<'_>, pool: &mut Vec<(usize, &Rep, &Turn)>) -> bool {
    let covers = |index: usize| question.territory.get(index).copied().unwrap_or(false);
    let theirs: Vec<_> = pool.iter().copied().filter(|(index, _, _)| covers(*index)).collect();
    let is_somebodys = !theirs.is_empty();
    let rest: Vec<_> = pool.iter().copied().filter(|(_, rep, _)| rep.territory.is_none()).collect();
    if let Some(narrower) = [theirs, rest].into_iter().find(|narrower| !narrower.is_empty()) {
        *pool = narrower;
    }
    is_somebodys
}

/// How much one lead moves a rep's level.
fn step(rep: &Rep) -> i64 {
    LEVEL_OF_A_LEAD / rep.weight.max(1)
}

/// Where a rep stands among the others. Whoever was not there when leads were given starts where the one stood who
/// got the last; so does a new one.
fn level_of(question: &Question<'_>, turn: &Turn) -> i64 {
    let last_served = asked(question)
        .filter_map(|(_, rep, turn)| turn.level.map(|level| level.saturating_sub(step(rep))))
        .max()
        .unwrap_or(0);
    match turn.level {
        Some(level) if question.routing.catch_up => level,
        Some(level) => level.max(last_served),
        None => last_served,
    }
}

fn why(
    question: &Question<'_>,
    rep: &Rep,
    turn: &Turn,
    free: &[(usize, &Rep, &Turn)],
    choice: usize,
    of_territory: bool,
) -> String {
    if free.len() == 1 {
        let of_these = if question.only.is_empty() { "" } else { " of the reps of this campaign" };
        return format!("{} is the only one{of_these} there with room", rep.name);
    }
    if of_territory && choice == 1 {
        return format!("it is in the territory of {}", rep.name);
    }
    if free.iter().any(|(_, free, _)| Some(&free.email) == question.avoid) {
        return "it shall go to somebody else than last time".to_owned();
    }
    let among = if of_territory { "those in whose territory it is" } else { "those with room" };
    let is_weighed = free.iter().any(|(_, other, _)| other.weight != rep.weight);
    let by_weight = if is_weighed { ", by weight" } else { "" };
    match question.routing.fair_share() {
        Rule::Weighted => return format!("{} has had fewest among {among}{by_weight}", rep.name),
        Rule::LeastLoaded => {
            let open = turn.open_leads;
            return format!("{} has fewest open among {among}: {open}{by_weight}", rep.name);
        }
        Rule::Account | Rule::Territory | Rule::LongestWait => {}
    }
    match turn.last_assigned_at {
        None => format!("{} has not had a lead yet", rep.name),
        Some(last) => {
            let hours = question.now.duration_since(last).as_hours();
            let waited = match hours {
                0 => "less than an hour".to_owned(),
                1 => "1 hour".to_owned(),
                2..48 => format!("{hours} hours"),
                _ => format!("{} days", hours / 24),
            };
            format!("{} has waited longest among {among}: {waited}{by_weight}", rep.name)
        }
    }
}

fn wait<'a>(question: &Question<'a>) -> Route<'a> {
    let mut until: Option<Timestamp> = None;
    let (mut full, mut of_the_week, mut away) = (0, 0, 0);
    for (_, rep, turn) in asked(question) {
        let back = match hindrance(question, rep, turn) {
            Some(Hindrance::Full) | None => {
                full += 1;
                None
            }
            Some(Hindrance::WeekIsFull(next)) => {
                of_the_week += 1;
                next
            }
            Some(Hindrance::Away(back)) => {
                away += 1;
                Some(back)
            }
        };
        until = until.into_iter().chain(back).min();
    }
    let (name, all) = (&question.team.name, full + of_the_week + away);
    let whose = if question.only.is_empty() {
        format!("of team {name}")
    } else {
        format!("of team {name} for this campaign")
    };
    let why = match (full, of_the_week, away) {
        (1, 0, 0) => format!("the one rep {whose} has as many open leads as they can take"),
        (0, 1, 0) => format!("the one rep {whose} has had as many new leads this week as they can take"),
        (0, 0, 1) => format!("the one rep {whose} is away"),
        (_, 0, 0) => format!("all {all} {whose} have as many open leads as they can take"),
        (0, _, 0) => format!("all {all} {whose} have had as many new leads this week as they can take"),
        (_, _, 0) => format!("all {all} {whose} have as many leads as they can take"),
        (0, 0, _) => format!("all {all} {whose} are away"),
        _ => format!("{} {whose} are full and {away} away", full + of_the_week),
    };
    Route::Wait { until, why, full: full + of_the_week > 0 }
}

fn hindrance(question: &Question<'_>, rep: &Rep, turn: &Turn) -> Option<Hindrance> {
    hindrance_of(rep, turn, question.calendar, question.now)
}

/// Why a rep cannot be given a lead; `None` for one who can.
pub fn hindrance_of(rep: &Rep, turn: &Turn, calendar: &Calendar, now: Timestamp) -> Option<Hindrance> {
    if turn.open_leads >= rep.capacity {
        return Some(Hindrance::Full);
    }
    if let Some(back) = absence(rep, turn, calendar, now) {
        return Some(Hindrance::Away(back));
    }
    let week_is_full = rep.new_per_week.is_some_and(|most| turn.new_this_week >= most);
    week_is_full.then(|| Hindrance::WeekIsFull(week_around(calendar, now).map(|(_, next)| next)))
}

/// The beginning of the week in which `now` lies, and of the next: Monday, midnight, by the team's clock. A week of
/// the calendar and not the last seven days: otherwise a quiet week would come back as a flood, and a flood as a
/// quiet week.
pub fn week_around(calendar: &Calendar, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let today = calendar.local(now).date();
    let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
    let next = monday.checked_add(7.days()).ok()?;
    let at = |day| calendar.instant_at(day, Time::midnight());
    Some((at(monday)?, at(next)?))
}

/// When an absent rep is back; `None` for one who is there.
pub fn absence(rep: &Rep, turn: &Turn, calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
    let today = calendar.local(now).date();
    // Who says that they are back is back, whatever was planned.
    let back = turn.away.filter(|(from, until)| from == until && *until <= now);
    let back = back.map(|(_, until)| calendar.local(until).date());
    let planned = rep
        .away
        .iter()
        .find(|(first, last)| (*first..=*last).contains(&today))
        .filter(|(first, last)| back.is_none_or(|back| !(*first..=*last).contains(&back)))
        .and_then(|(_, last)| calendar.instant_at(last.tomorrow().ok()?, Time::midnight()));
    let announced = turn.away.filter(|(from, until)| (*from..*until).contains(&now)).map(|(_, until)| until);
    planned.max(announced)
}

#[cfg(test)]
mod tests;
