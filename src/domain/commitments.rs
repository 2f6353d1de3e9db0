//! What marketing promised sales, and how it keeps that: so many qualified leads in a period, as many of them
//! accepted and complete as was agreed, and no more sent back for one reason than was agreed.
//!
//! A period is a week, a month or a quarter of the calendar; what is due by now is counted in the business days
//! of marketing's own calendar, so that nobody is behind on the morning after Easter. Two things are never said:
//! that somebody is behind in the first days of a period, when one good day would change it, and that a share is
//! too low when it is one of a handful.
//!
//! A lead counts for the period in which it became qualified, although sales may have had no room for it then:
//! that is not for marketing to make good.

mod pace;
mod period;
mod words;

use std::collections::BTreeMap;

pub use pace::{Pace, business_days};
pub use period::Period;
pub use words::{Stock, counted, listed, needed, tenths};

/// Shares are judged before a period is over only when at least so many leads are behind them: one of five more or
/// less moves a share by twenty points.
pub const ENOUGH: i64 = 20;

/// Of fewer leads than this no share is judged, not even when the period is over.
const FEW: i64 = 5;

/// So far below what is due by now, in percent of it, is within the ordinary ups and downs.
const TOLERANCE: i64 = 10;

/// One promise of marketing, for one campaign or for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Its name in the agreement, unique.
    pub name: String,
    /// How long it is counted together.
    pub period: Period,
    /// Only leads of this campaign; `None`: of all.
    pub campaign: Option<String>,
    /// At least so many qualified leads in a period.
    pub qualified: Option<i64>,
    /// At least this share of what sales decided on is accepted, in percent.
    pub accepted: Option<i64>,
    /// At least this share has all of its fields filled at the hand-off.
    pub complete: Option<Complete>,
    /// At most this share of what sales decided on is sent back for a reason, in percent, by the reason's name.
    pub rejected: Vec<(String, i64)>,
}

/// What counts as complete, and how many leads are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complete {
    /// Fields of a lead, as [`filled`] names them.
    pub required: Vec<String>,
    /// In percent.
    pub percent: i64,
}

/// A qualified lead that was handed to sales, and what sales made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// From which campaign.
    pub campaign: String,
    /// The names of its fields that were filled at the hand-off.
    pub filled: Vec<String>,
    /// What sales made of it.
    pub outcome: Outcome,
}

/// What sales made of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody has said yet.
    Open,
    /// It was taken, and not sent back; what became of it later is sales' affair.
    Accepted,
    /// It was sent back, at once or after a look, for this reason.
    Rejected(String),
}

/// The numbers of one commitment in one period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Handed to sales.
    pub handed_off: i64,
    /// Qualified in the period, and waiting because sales has no room.
    pub waiting: i64,
    /// Of those handed off: complete.
    pub complete: i64,
    /// Of those handed off: accepted.
    pub accepted: i64,
    /// Of those handed off: sent back, by reason.
    pub rejected: BTreeMap<String, i64>,
}

impl Figures {
    /// Counts what a commitment speaks of among the leads of a period: those handed off, and the campaigns of
    /// those that wait.
    pub fn count<'a>(
        commitment: &Commitment,
        delivered: impl IntoIterator<Item = &'a Delivered>,
        waiting: &[(String, i64)],
    ) -> Figures {
        let speaks_of = |campaign: &str| commitment.campaign.as_deref().is_none_or(|of| of == campaign);
        let mut figures = Figures::default();
        for lead in delivered.into_iter().filter(|lead| speaks_of(&lead.campaign)) {
            figures.handed_off += 1;
            let required = commitment.complete.as_ref().map_or(&[][..], |complete| &complete.required);
            figures.complete += i64::from(required.iter().all(|field| lead.filled.contains(field)));
            match &lead.outcome {
                Outcome::Open => {}
                Outcome::Accepted => figures.accepted += 1,
                Outcome::Rejected(reason) => *figures.rejected.entry(reason.clone()).or_default() += 1,
            }
        }
        figures.waiting =
            waiting.iter().filter(|(campaign, _)| speaks_of(campaign)).map(|(_, count)| count).sum();
        figures
    }

    /// What marketing delivered: handed off, or waiting for sales.
    pub fn qualified(&self) -> i64 {
        self.handed_off + self.waiting
    }

    /// What sales has decided on.
    pub fn decided(&self) -> i64 {
        self.accepted + self.rejected.values().sum::<i64>()
    }
}

/// One thing that was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// So many qualified leads.
    Qualified,
    /// A share of them accepted.
    Accepted,
    /// A share of them complete.
    Complete,
    /// No more sent back for this reason.
    Rejected(String),
}

/// How a promise stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As agreed, or better.
    Kept,
    /// Worse than agreed.
    Broken,
    /// It cannot be said.
    Open,
}

/// One promise in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub promise: Promise,
    /// What was agreed for the whole period: leads, or percent.
    pub agreed: i64,
    /// Leads that are due by now; of a share: how many it is a share of.
    pub of: i64,
    /// What there is: leads.
    pub actual: i64,
    /// How that stands.
    pub verdict: Verdict,
}

/// Where a commitment stands in a running period: what is behind is behind what is due by now.
pub fn so_far(commitment: &Commitment, figures: &Figures, pace: &Pace) -> Vec<Line> {
    lines(commitment, figures, |promised| {
        let (agreed, due) = (pace.agreed(promised), pace.due(promised));
        let actual = figures.qualified();
        let verdict = if pace.is_too_early() {
            Verdict::Open
        } else if actual < due && actual * 100 < due * (100 - TOLERANCE) {
            Verdict::Broken
        } else {
            Verdict::Kept
        };
        Line { promise: Promise::Qualified, agreed, of: due, actual, verdict }
    })
    .into_iter()
    .map(|line| of_enough(line, ENOUGH))
    .collect()
}

/// How a commitment was kept in a period that is over. A share of a handful stays open.
pub fn at_the_end(commitment: &Commitment, figures: &Figures, pace: &Pace) -> Vec<Line> {
    lines(commitment, figures, |promised| {
        let (agreed, actual) = (pace.agreed(promised), figures.qualified());
        let verdict = if actual >= agreed { Verdict::Kept } else { Verdict::Broken };
        Line { promise: Promise::Qualified, agreed, of: agreed, actual, verdict }
    })
    .into_iter()
    .map(|line| of_enough(line, FEW))
    .collect()
}

/// Leaves a share open that is one of too few.
fn of_enough(line: Line, enough: i64) -> Line {
    match line.promise {
        Promise::Qualified => line,
        _ if line.of < enough => Line { verdict: Verdict::Open, ..line },
        _ => line,
    }
}

fn lines(commitment: &Commitment, figures: &Figures, qualified: impl Fn(i64) -> Line) -> Vec<Line> {
    let mut lines: Vec<Line> = commitment.qualified.map(qualified).into_iter().collect();
    let decided = figures.decided();
    lines.extend(
        commitment.accepted.map(|agreed| at_least(Promise::Accepted, agreed, figures.accepted, decided)),
    );
    lines.extend(
        commitment.complete.as_ref().map(|complete| {
            at_least(Promise::Complete, complete.percent, figures.complete, figures.handed_off)
        }),
    );
    lines.extend(commitment.rejected.iter().map(|(reason, agreed)| {
        let actual = figures.rejected.get(reason).copied().unwrap_or(0);
        let verdict = judged(decided, actual * 100 <= agreed * decided);
        Line { promise: Promise::Rejected(reason.clone()), agreed: *agreed, of: decided, actual, verdict }
    }));
    lines
}

fn at_least(promise: Promise, agreed: i64, actual: i64, of: i64) -> Line {
    Line { promise, agreed, of, actual, verdict: judged(of, actual * 100 >= agreed * of) }
}

fn judged(of: i64, kept: bool) -> Verdict {
    match (of, kept) {
        (0, _) => Verdict::Open,
        (_, true) => Verdict::Kept,
        (_, false) => Verdict::Broken,
    }
}

/// The verdict on several promises together: broken when one is, open when nothing can be said of any.
pub fn together(lines: &[Line]) -> Verdict {
    let has = |verdict| lines.iter().any(|line| line.verdict == verdict);
    if has(Verdict::Broken) {
        Verdict::Broken
    } else if has(Verdict::Kept) {
        Verdict::Kept
    } else {
        Verdict::Open
    }
}

/// Fields that a commitment may require beside those that companies name themselves.
pub const FIELDS: [&str; 7] = ["first_name", "last_name", "company", "title", "phone", "country", "language"];

/// The names of a lead's fields that are filled: the standard ones, and its own by their names.
pub fn filled(profile: &super::lead::Profile) -> Vec<String> {
    let standard = [
        &profile.first_name,
        &profile.last_name,
        &profile.company,
        &profile.title,
        &profile.phone,
        &profile.country,
        &profile.language,
    ];
    let is_there = |text: &str| !text.trim().is_empty();
    let standard = FIELDS
        .into_iter()
        .zip(standard)
        .filter(|(_, value)| value.as_deref().is_some_and(is_there))
        .map(|(name, _)| name.to_owned());
    let own = profile.fields.iter().filter(|(_, value)| is_there(value)).map(|(name, _)| name.clone());
    standard.chain(own).collect()
}

#[cfg(test)]
mod tests;
