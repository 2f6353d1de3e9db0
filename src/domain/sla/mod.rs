//! A promise with a deadline: what was promised, when it falls due, what follows if it is not kept.
//!
//! A clock's terms are frozen when it starts. Whoever edits the agreement changes promises that are made
//! from then on, not those that were made before.
//!
//! Several clocks follow one another after a hand-off; [`PromiseKind`] names them, [`course`] says which of
//! them a happening starts and stops, [`attempts`] counts the debt of attempts. A promise of another kind takes
//! [`Terms::new`] with its own target, hours and levels, and runs through the same pass.

pub mod attempts;
pub mod course;
pub mod level;
pub mod once;
pub mod promise;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::agreement::{Level, Policy, Role, Target};
use super::calendar::{
    Calendar, CalendarError, CalendarSpec, Counted, Deadline, DeadlineError, HORIZON, Reckoning,
    business_days, deadline, elapsed, instant_after, until_opening,
};

pub use attempts::{Attempt, AttemptsOwed, Debt, NextAttempt, next_attempt_due};
pub use level::{FrozenAt, LevelAt};
pub use promise::{Promise, PromiseKind};

/// How far ahead the holidays of a running clock are kept.
const FROZEN_YEARS: i64 = 2;

/// The hours in which the lead can be called may put a deadline off by so much beyond the team's own: long
/// enough for an hour a day between Berlin and Chicago, or for the lead's holidays. Beyond it the two hardly
/// ever meet, as between Berlin and California, and the team's hours count alone: a promise that falls due
/// next summer, or never, is none. Somebody has to call early or late.
const PATIENCE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A promise as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The policy it comes from.
    pub policy: String,
    /// The target as the agreement says it: "2 business days"; empty in clocks of the first version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub promised: String,
    /// Business time promised, in minutes. A target in days is counted out when the clock starts.
    pub target_minutes: i64,
    /// Nothing counts before: the lead cannot be called until then. `None`: it counts from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_from: Option<Timestamp>,
    /// The target is over out of hours: it falls due with the opening after it is used up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub until_opening: bool,
    /// The attempts that are owed, when it is a promise of attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<AttemptsOwed>,
    /// When the team works, and when the lead can be reached: only time open in all of them counts. The
    /// team's alone where the two hardly ever meet.
    pub calendars: Vec<CalendarSpec>,
    /// What happens when.
    pub levels: Vec<LevelTerms>,
}

/// One rung, as it was promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelTerms {
    /// Its name.
    pub name: String,
    /// When it is reached.
    #[serde(flatten)]
    pub at: FrozenAt,
    /// Who is told: roles, so that a new manager gets the mail and not the one who left.
    pub tell: Vec<Role>,
    /// The lead goes to another rep.
    pub reassign: bool,
}

/// Where a running clock stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When the promise falls due, and how that was counted.
    pub deadline: Deadline,
    /// The levels reached by now and not fired before, with the instant at which each was.
    pub reached: Vec<(LevelTerms, Timestamp)>,
    /// When the next level will be reached; `None` when there is none left.
    pub next_at: Option<Timestamp>,
}

/// The calendars of a clock's terms, ready to count with.
#[derive(Clone, Debug)]
pub struct Thawed(Vec<Calendar>);

/// Why a clock cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SlaError {
    /// The terms do not make sense any more.
    #[error("its calendar cannot be used: {0}")]
    Calendar(#[from] CalendarError),
    /// The deadline is never reached.
    #[error("its deadline cannot be counted: {0}")]
    Deadline(#[from] DeadlineError),
}

impl Terms {
    /// Any promise, made now: its target counted in all of these calendars at once.
    ///
    /// # Errors
    /// When the target is not used up in the calendars within the time that is looked ahead.
    pub fn new(
        policy: &str,
        promise: &Promise,
        calendars: &[&Calendar],
        now: Timestamp,
    ) -> Result<Terms, SlaError> {
        let minutes = minutes_of(promise.target, calendars, now, HORIZON)
            .ok_or(DeadlineError::NotReached { years: HORIZON.as_hours() / (24 * 365) })?;
        Ok(Terms {
            policy: policy.to_owned(),
            promised: promise.target.to_string(),
            target_minutes: minutes,
            counts_from: None,
            until_opening: is_over_out_of_hours(promise.target, calendars, now),
            attempts: None,
            calendars: calendars.iter().map(|calendar| freeze(calendar, now)).collect(),
            levels: promise
                .levels
                .iter()
                .map(|level| LevelTerms::of(level, calendars, now))
                .collect::<Result<_, DeadlineError>>()?,
        })
    }

    /// What `policy` promises of that kind, made now; `None` when it promises nothing. `lead` are the hours in
    /// which the lead can be called.
    ///
    /// # Errors
    /// When the target is not used up in the team's hours within the time that is looked ahead.
    pub fn of(
        policy: &Policy,
        kind: PromiseKind,
        team: &Calendar,
        lead: &Calendar,
        now: Timestamp,
    ) -> Result<Option<Terms>, SlaError> {
        let Some(promise) = policy.promises.get(&kind) else {
            return Ok(None);
        };
        let both = [team, lead];
        let shared = kind.needs_the_lead() && meet(team, lead, promise.target, now);
        let calendars = if shared { &both[..] } else { &both[..1] };
        let mut terms = Terms::new(&policy.name, promise, calendars, now)?;
        if kind.needs_the_lead()
            && !shared
            && let Some(from) = terms.back_at_work(lead, team, now)?
        {
            terms = Terms::new(&policy.name, promise, calendars, from)?;
            terms.counts_from = Some(from);
            terms.promised.push_str(" once they can be called");
        }
        if kind == PromiseKind::Attempts {
            let first = Terms::of(policy, PromiseKind::FirstContact, team, lead, now)?;
            terms.attempts = policy.attempts.map(|owed| AttemptsOwed {
                first_minutes: first.as_ref().map(|first| first.target_minutes),
                first_from: first.and_then(|first| first.counts_from),
                ..owed
            });
        }
        Ok(Some(terms))
    }

    /// Where the two hardly ever meet, a target that is over before the lead's hours have come once would ask for a
    /// call at night: the team's time counts from its first hour after they came, so that somebody can call early
    /// or late. `None` when it counts from the start.
    fn back_at_work(
        &self,
        lead: &Calendar,
        team: &Calendar,
        start: Timestamp,
    ) -> Result<Option<Timestamp>, SlaError> {
        let target = SignedDuration::from_mins(self.target_minutes);
        let due = instant_after(&[team], start, &[], target, HORIZON)?;
        let opens = lead.next_open(start).filter(|opens| *opens >= due);
        Ok(opens.and_then(|opens| team.next_open(opens)))
    }

    /// The same for a lead that was taken from somebody before: it is not taken again. A level that would do nothing
    /// else than repeat what the same people were told before is left out.
    pub fn stay_with_the_rep(&mut self) {
        let all = self.levels.clone();
        let target = self.target_minutes;
        let repeats = |level: &LevelTerms| {
            // That it is due soon is another mail than that it is overdue.
            let before = all.iter().filter(|one| {
                one.at.place(target) < level.at.place(target)
                    && (one.is_over(target) || !level.is_over(target))
            });
            let told: Vec<Role> = before.flat_map(|one| one.tell.iter().copied()).collect();
            level.tell.iter().all(|role| told.contains(role))
        };
        self.levels.retain(|level| !(level.reassign && repeats(level)));
        self.levels.iter_mut().for_each(|level| level.reassign = false);
    }

    /// The first level at which the promise is broken.
    pub fn first_when_broken(&self) -> Option<&LevelTerms> {
        self.levels.iter().find(|level| level.is_over(self.target_minutes))
    }

    /// What is over of the target when a level is reached that the agreement puts at a time: "2 of 4 business hours
    /// are over"; `None` for a share.
    pub fn over_at(&self, level: &LevelTerms) -> Option<String> {
        let (at, end) = (level.at.place(self.target_minutes), 100 * self.target_minutes);
        // At its end that it was due says all.
        let time = level.at.time().filter(|_| at != end)?;
        Some(level::over(time, &self.promised, at > end))
    }

    /// Whether `one` comes after `other`.
    pub fn is_later(&self, one: &LevelTerms, other: &LevelTerms) -> bool {
        one.at.place(self.target_minutes) > other.at.place(self.target_minutes)
    }

    /// Whether a level of these terms comes no later than one of others, each as far on the way to its own target.
    pub fn is_no_later(&self, level: &LevelTerms, others: &Terms, other: &LevelTerms) -> bool {
        level.at.is_no_later(self.target_minutes, &other.at, others.target_minutes)
    }

    /// The target as people read it: "8 business hours"; for attempts all that is owed.
    pub fn target_words(&self) -> String {
        let target = match self.promised.as_str() {
            "" => Target::Time(SignedDuration::from_mins(self.target_minutes)).to_string(),
            promised => promised.to_owned(),
        };
        match &self.attempts {
            Some(owed) => format!("{owed} within {target}"),
            None => target,
        }
    }

    /// The instant from which time counts for a clock that started at `started_at`.
    pub fn counts_from(&self, started_at: Timestamp) -> Timestamp {
        self.counts_from.map_or(started_at, |from| from.max(started_at))
    }

    /// The calendars, ready to count with.
    ///
    /// # Errors
    /// When their hours or zones are not understood any more.
    pub fn thaw(&self) -> Result<Thawed, SlaError> {
        let calendars = self
            .calendars
            .iter()
            .map(CalendarSpec::thaw)
            .collect::<Result<Vec<Calendar>, CalendarError>>()?;
        Ok(Thawed(calendars))
    }

    /// Where a clock that started at `started_at` stands at `now`. Pauses come from the event log.
    ///
    /// # Errors
    /// When the frozen calendars cannot be read, or are never open together for long enough.
    pub fn assess(
        &self,
        started_at: Timestamp,
        pauses: &[(Timestamp, Timestamp)],
        fired: &[String],
        now: Timestamp,
    ) -> Result<Standing, SlaError> {
        self.assess_in(&self.thaw()?, started_at, pauses, fired, now)
    }

    /// The same with calendars that were thawed before: many clocks have the same ones.
    ///
    /// # Errors
    /// When they are never open together for long enough.
    pub fn assess_in(
        &self,
        thawed: &Thawed,
        started_at: Timestamp,
        pauses: &[(Timestamp, Timestamp)],
        fired: &[String],
        now: Timestamp,
    ) -> Result<Standing, SlaError> {
        let calendars = thawed.borrowed();
        let counts_from = self.counts_from(started_at);
        let mut due =
            deadline(&calendars, counts_from, pauses, SignedDuration::from_mins(self.target_minutes))?;
        if self.until_opening {
            due = until_opening(&calendars, pauses, due)?;
        }
        if counts_from > started_at {
            let waited = Counted { from: started_at, to: counts_from, why: Reckoning::Unreachable };
            due.counted.insert(0, waited);
        }
        let mut reached = Vec::new();
        let mut next_at: Option<Timestamp> = None;
        for level in self.levels.iter().filter(|level| !fired.contains(&level.name)) {
            let place = level.at.place(self.target_minutes);
            let at = if place == 100 * self.target_minutes {
                due.at
            } else {
                let time = SignedDuration::from_secs(place * 60 / 100);
                if level.at.is_until_opening() {
                    until_opening(&calendars, pauses, deadline(&calendars, counts_from, pauses, time)?)?.at
                } else {
                    instant_after(&calendars, counts_from, pauses, time, HORIZON)?
                }
            };
            if at <= now {
                reached.push((level.clone(), at));
            } else {
                next_at = Some(next_at.map_or(at, |earliest| earliest.min(at)));
            }
        }
        Ok(Standing { deadline: due, reached, next_at })
    }
}

impl Thawed {
    /// Calendars that were thawed before.
    pub fn of(calendars: Vec<Calendar>) -> Thawed {
        Thawed(calendars)
    }

    /// When so many minutes have passed since `start`, counted in all of the calendars.
    ///
    /// # Errors
    /// When they are not open together for long enough.
    pub fn instant_after(
        &self,
        start: Timestamp,
        pauses: &[(Timestamp, Timestamp)],
        minutes: i64,
    ) -> Result<Timestamp, SlaError> {
        let target = SignedDuration::from_mins(minutes);
        Ok(instant_after(&self.borrowed(), start, pauses, target, HORIZON)?)
    }

    fn borrowed(&self) -> Vec<&Calendar> {
        self.0.iter().collect()
    }
}

fn freeze(calendar: &Calendar, now: Timestamp) -> CalendarSpec {
    let from = calendar.local(now).date();
    let to = from.checked_add(FROZEN_YEARS.years()).unwrap_or(jiff::civil::Date::MAX);
    calendar.freeze(from, to)
}

/// A target in minutes open in all of the calendars, from `start`; `None` when they are not open for so long
/// within `horizon`.
///
/// So many business days end at the same local time on the so-many-eth open day after the first: from Tuesday
/// 10:00 two of them end on Thursday 10:00, and from Saturday with the closing of Tuesday. So many days of plain
/// time end at the same local time too, whatever the clocks did meanwhile; out of hours [`is_over_out_of_hours`].
fn minutes_of(
    target: Target,
    calendars: &[&Calendar],
    start: Timestamp,
    horizon: SignedDuration,
) -> Option<i64> {
    let minutes = match target {
        Target::Time(time) => return Some(time.as_mins()),
        Target::BusinessDays(days) => business_days(calendars, start, days, horizon)?.as_mins(),
        Target::Days(days) => {
            let open = elapsed(calendars, start, days_after(calendars, start, days)?, &[]);
            // What was begun is whole, or it would be over before closing time.
            open.as_mins() + i64::from(open.subsec_nanos() > 0 || open.as_secs() % 60 > 0)
        }
    };
    Some(minutes.max(1))
}

/// So many days later at the same local time, by the first calendar's zone.
fn days_after(calendars: &[&Calendar], start: Timestamp, days: i64) -> Option<Timestamp> {
    let local = calendars.first()?.local(start);
    Some(local.checked_add(days.days()).ok()?.timestamp())
}

/// Whether days of plain time are over when nobody is there any more. Then they last until somebody is.
fn is_over_out_of_hours(target: Target, calendars: &[&Calendar], start: Timestamp) -> bool {
    let Target::Days(days) = target else { return false };
    let Some(over) = days_after(calendars, start, days) else { return false };
    let before = over.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(over);
    elapsed(calendars, before, over, &[]).is_zero()
}

/// Whether a target is used up in the hours that team and lead share, without undue delay.
fn meet(team: &Calendar, lead: &Calendar, target: Target, now: Timestamp) -> bool {
    let used_up = |calendars: &[&Calendar], horizon: SignedDuration| {
        let target = SignedDuration::from_mins(minutes_of(target, calendars, now, horizon)?);
        instant_after(calendars, now, &[], target, horizon).ok()
    };
    let Some(alone) = used_up(&[team], HORIZON) else {
        return false;
    };
    used_up(&[team, lead], alone.duration_since(now) + PATIENCE).is_some()
}

impl LevelTerms {
    fn of(level: &Level, calendars: &[&Calendar], start: Timestamp) -> Result<LevelTerms, DeadlineError> {
        Ok(LevelTerms {
            name: level.name.clone(),
            at: FrozenAt::of(level.at, calendars, start)?,
            tell: level.tell.clone(),
            reassign: level.reassign,
        })
    }

    /// Whether a promise of so many minutes is broken when it is reached.
    fn is_over(&self, target_minutes: i64) -> bool {
        self.at.place(target_minutes) >= 100 * target_minutes
    }
}

#[cfg(test)]
mod tests;
