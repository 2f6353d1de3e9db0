//! Many values, and what is typical of them.
//!
//! # What a percentile is
//! The nearest rank: the smallest value of the list that at least `p` percent of the list do not exceed. It is
//! always a value that occurred, never one between two, so whoever reads "p90 is 9 h 10 min" can be shown the
//! lead that took so long. The median is the 50th: of an even number of values the lower of the two in the
//! middle.

use std::collections::BTreeMap;

/// Values, each with how often it occurred: as large as the number of different values, however many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    counts: BTreeMap<i64, u64>,
    total: u64,
}

impl Distribution {
    /// One more value.
    pub fn add(&mut self, value: i64) {
        *self.counts.entry(value).or_default() += 1;
        self.total += 1;
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// All of them together.
    pub fn sum(&self) -> i64 {
        self.counts
            .iter()
            .map(|(value, count)| value.saturating_mul(i64::try_from(*count).unwrap_or(i64::MAX)))
            .fold(0, i64::saturating_add)
    }

    /// The smallest value that at least `percent` percent of all do not exceed; `None` of nothing.
    pub fn percentile(&self, percent: u64) -> Option<i64> {
        // Rounded up: the 90th percentile of nine values is the ninth, not the eighth.
        let rank = (self.total * percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        self.counts.iter().find_map(|(value, count)| {
            seen += count;
            (seen >= rank).then_some(*value)
        })
    }

    /// The 50th percentile.
    pub fn median(&self) -> Option<i64> {
        self.percentile(50)
    }

    /// The 90th percentile.
    pub fn p90(&self) -> Option<i64> {
        self.percentile(90)
    }
}

impl FromIterator<i64> for Distribution {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Distribution {
        let mut distribution = Distribution::default();
        values.into_iter().for_each(|value| distribution.add(value));
        distribution
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[i64]) -> Distribution {
        values.iter().copied().collect()
    }

    #[test]
    fn percentiles_are_values_by_their_rank() {
        for (values, median, p90) in [
            (&[][..], None, None),
            (&[7], Some(7), Some(7)),
            // Of two the lower is the median.
            (&[1, 9], Some(1), Some(9)),
            (&[3, 1, 2], Some(2), Some(3)),
            (&[1, 2, 3, 4], Some(2), Some(4)),
            // Nine of ten do not exceed nine.
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], Some(5), Some(9)),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9], Some(5), Some(9)),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], Some(6), Some(10)),
            (&[5, 5, 5, 5, 100], Some(5), Some(100)),
            (&[-3, 0, 0], Some(0), Some(0)),
        ] {
            let distribution = of(values);
            assert_eq!((distribution.median(), distribution.p90()), (median, p90), "{values:?}");
        }
    }

    #[test]
    fn the_ends_are_the_smallest_and_the_largest() {
        let distribution = of(&[4, 8, 15, 16, 23, 42]);
        assert_eq!((distribution.percentile(0), distribution.percentile(100)), (Some(4), Some(42)));
        assert_eq!(
            (distribution.percentile(1_000), distribution.count(), distribution.sum()),
            (Some(42), 6, 108)
        );
    }

    proptest! {
        /// Against the definition itself, on a sorted list.
        #[test]
        fn enough_values_do_not_exceed_a_percentile_and_no_smaller_value_would_do(
            mut values in prop::collection::vec(-50_i64..50, 1..60),
            percent in 1_u64..=100,
        ) {
            let found = of(&values).percentile(percent).expect("there is one");
            values.sort_unstable();
            let not_above = |limit: i64| values.iter().filter(|value| **value <= limit).count() as u64;
            prop_assert!(values.contains(&found));
            prop_assert!(not_above(found) * 100 >= percent * values.len() as u64);
            prop_assert!(not_above(found - 1) * 100 < percent * values.len() as u64);
        }

        #[test]
        fn the_order_of_the_values_does_not_matter(values in prop::collection::vec(0_i64..1_000, 0..60)) {
            let mut reversed = values.clone();
            reversed.reverse();
            prop_assert_eq!(of(&values), of(&reversed));
            prop_assert!(of(&values).median() <= of(&values).p90());
        }
    }
}
