//! A lead that nobody calls goes to somebody else once. One that went round in circles would be everybody's and
//! nobody's.

/// How a hand-off ends whose lead was taken from its rep, by a level or by a manager.
pub const REASSIGNED: &str = "reassigned";

/// How a hand-off ends whose rep is away.
pub const AWAY: &str = "the rep is away";

/// How a hand-off ends whose lead goes back to the rep from whom it was taken, because they are on it.
pub const RECLAIMED: &str = "reclaimed";

/// Whether a lead was taken from somebody before it came to its rep, also when it then passed on from one who
/// was away, or back to whom it was taken from: so it is not taken again. `endings`: how its earlier hand-offs ended, the latest first.
pub fn was_taken_away<'a>(endings: impl IntoIterator<Item = &'a str>) -> bool {
    endings.into_iter().find(|ending| ![AWAY, RECLAIMED].contains(ending)) == Some(REASSIGNED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_taken_away_once_until_it_is_given_back() {
        for (endings, taken) in [
            (&[][..], false),
            (&[REASSIGNED], true),
            // Whoever got it fell ill: it does not begin anew with whoever stands in.
            (&[AWAY, REASSIGNED], true),
            (&[AWAY, AWAY, REASSIGNED, AWAY], true),
            (&[AWAY], false),
            // Whoever lost it has it again: once is enough.
            (&[RECLAIMED, REASSIGNED], true),
            // It was given back, and comes in a new round.
            (&["not-ready", REASSIGNED], false),
            (&[AWAY, "not-ready", REASSIGNED], false),
        ] {
            assert_eq!(was_taken_away(endings.iter().copied()), taken, "{endings:?}");
        }
    }
}
