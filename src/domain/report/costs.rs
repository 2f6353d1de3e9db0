//! What campaigns cost, and what one accepted lead, one opportunity, one customer came to.
//!
//! A cost that is agreed for a span of days counts in a report by the share of those days that lie in its period,
//! and is set against the leads handed off in it. A cost without days is what the campaign costs altogether: it
//! is set against everything the campaign has brought until the report's last day, because a week's share of it
//! cannot be told.

use jiff::civil::Date;

use super::funnel::Funnel;
use super::period::Period;

/// What a campaign costs, in whole units of the agreement's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Altogether.
    Whole(i64),
    /// For spans of days, apart from each other.
    Spans(Vec<CostSpan>),
}

/// A cost for a span of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostSpan {
    /// How much.
    pub amount: i64,
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
}

/// What a campaign has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Leads that sales accepted.
    pub accepted: i64,
    /// Deals to win.
    pub opportunity: i64,
    /// Deals won.
    pub won: i64,
}

impl From<&Funnel> for Brought {
    fn from(funnel: &Funnel) -> Brought {
        Brought { accepted: funnel.accepted, opportunity: funnel.opportunity, won: funnel.won }
    }
}

/// What a campaign cost, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostLine {
    /// Which campaign.
    pub campaign: String,
    /// How much.
    pub amount: i64,
    /// It is what the campaign costs altogether, and so is what it brought.
    pub altogether: bool,
    /// What it brought.
    pub brought: Brought,
}

impl CostLine {
    /// The cost of each of `count`, rounded half up; `None` of none.
    pub fn each(&self, count: i64) -> Option<i64> {
        (count > 0).then(|| (self.amount * 2 + count) / (count * 2))
    }
}

impl Cost {
    /// Its share in a period; `None` when none of its days lies there. What is agreed altogether has no share.
    pub fn within(&self, period: &Period) -> Option<i64> {
        let Cost::Spans(spans) = self else { return None };
        let mut within = None;
        for span in spans {
            let days = |first: Date, last: Date| i64::from((last - first).get_days()) + 1;
            let shared = days(span.first.max(period.first), span.last.min(period.last));
            if shared > 0 {
                let all = days(span.first, span.last);
                *within.get_or_insert(0) += (span.amount * shared * 2 + all) / (all * 2);
            }
        }
        within
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;

    fn days(first: Date, last: Date) -> Period {
        Period::of_days(first, last, &TimeZone::UTC).expect("a period")
    }

    #[test]
    fn a_cost_counts_by_its_days() {
        let quarter = CostSpan { amount: 9_000, first: date(2026, 1, 1), last: date(2026, 3, 31) };
        let april = CostSpan { amount: 600, first: date(2026, 4, 1), last: date(2026, 4, 30) };
        let cost = Cost::Spans(vec![quarter, april]);
        for (first, last, share) in [
            (date(2026, 1, 1), date(2026, 3, 31), Some(9_000)),
            (date(2026, 3, 1), date(2026, 3, 31), Some(3_100)),
            (date(2026, 3, 31), date(2026, 4, 1), Some(120)),
            (date(2025, 1, 1), date(2027, 1, 1), Some(9_600)),
            (date(2026, 5, 1), date(2026, 5, 31), None),
        ] {
            assert_eq!(cost.within(&days(first, last)), share, "{first} to {last}");
        }
        assert_eq!(Cost::Whole(5).within(&days(date(2026, 1, 1), date(2026, 1, 2))), None);
    }

    #[test]
    fn nothing_brought_has_no_price() {
        let line = CostLine {
            campaign: "webinar".to_owned(),
            amount: 1_000,
            altogether: false,
            brought: Brought { accepted: 3, opportunity: 0, won: 0 },
        };
        assert_eq!((line.each(line.brought.accepted), line.each(line.brought.won)), (Some(333), None));
    }
}
