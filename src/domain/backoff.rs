//! How long to wait before trying a mail again.

use jiff::SignedDuration;

/// Tries before a person has to look: with [`delay`] that is about five days, as long as mail servers try.
pub const MOST_ATTEMPTS: i64 = 35;

/// The wait after the `attempt`-th failure (from 1): 1, 2, 4, 8 … minutes, then 4 hours each time.
pub fn delay(attempt: i64) -> SignedDuration {
    let doublings = attempt.clamp(1, 9) - 1;
    SignedDuration::from_mins(1 << doublings).min(SignedDuration::from_hours(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_four_hours() {
        let minutes: Vec<i64> = (0..=11).map(|attempt| delay(attempt).as_mins()).collect();
        assert_eq!(minutes, [1, 1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240]);
    }

    #[test]
    fn a_mail_is_tried_for_about_five_days() {
        let hours: i64 = (1..MOST_ATTEMPTS).map(|attempt| delay(attempt).as_mins()).sum::<i64>() / 60;
        assert!((96..=120).contains(&hours), "{hours} hours");
    }
}
