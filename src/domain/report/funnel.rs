//! How far leads came that sales got, and what became of them.

use super::passages::{Outcome, Passage};

/// Leads that sales got, and how many of them came how far. Each is counted once for each time that it came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    /// Handed to a rep.
    pub handed_off: i64,
    /// Accepted, or further.
    pub accepted: i64,
    /// Talked to, or further.
    pub contacted: i64,
    /// With a deal to win, or won.
    pub opportunity: i64,
    /// Won.
    pub won: i64,
    /// The deal was lost.
    pub lost: i64,
    /// Given back with a reason.
    pub rejected: i64,
    /// Gone back without a word of sales.
    pub released: i64,
    /// With sales still.
    pub open: i64,
}

impl Funnel {
    /// One more lead.
    pub fn add(&mut self, passage: &Passage) {
        self.handed_off += 1;
        self.accepted += i64::from(passage.accepted_at.is_some());
        self.contacted += i64::from(passage.contacted_at.is_some());
        self.opportunity += i64::from(passage.opportunity_at.is_some());
        match passage.end.as_ref().map(|end| end.outcome) {
            Some(Outcome::Won) => self.won += 1,
            Some(Outcome::Lost) => self.lost += 1,
            Some(Outcome::Rejected) => self.rejected += 1,
            Some(Outcome::Released) => self.released += 1,
            None => self.open += 1,
        }
    }
}

/// `part` of `whole` in tenths of a percent, rounded half up; `None` of nothing.
pub fn permille(part: i64, whole: i64) -> Option<i64> {
    (whole > 0).then(|| (part * 2_000 + whole) / (whole * 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_half_up_and_there_is_none_of_nothing() {
        for (part, whole, share) in [
            (0, 0, None),
            (0, 3, Some(0)),
            (1, 3, Some(333)),
            (2, 3, Some(667)),
            (1, 16, Some(63)),
            (5, 5, Some(1_000)),
        ] {
            assert_eq!(permille(part, whole), share, "{part} of {whole}");
        }
    }
}
