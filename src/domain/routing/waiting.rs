//! Whether a ready lead may wait for a rep, or goes to whoever stands in.

use jiff::Timestamp;

/// Whether a lead for which nobody is there goes to whoever stands in. `due`: when its first contact would fall due if
/// it were given now; `until`: when somebody is back or may have more leads, as far as that is known.
///
/// A team that is full has agreed to no more, and its leads are nurtured until a place is free: nobody knows when. Who
/// asked to be contacted cannot be put off so. Where everybody is away nobody has agreed to anything: a lead waits
/// for the first who is back only where the promise would be kept all the same.
pub fn cannot_wait(
    raised_hand: bool,
    somebody_is_full: bool,
    until: Option<Timestamp>,
    due: Timestamp,
) -> bool {
    match until {
        Some(until) => due < until && (raised_hand || !somebody_is_full),
        None => raised_hand,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_waits_no_longer_than_the_promise_and_others_for_a_place() {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).expect("an instant");
        for (raised_hand, somebody_is_full, until, due, goes) in [
            // All are away: whether the promise would be kept decides.
            (false, false, Some(at(9)), at(8), true),
            (false, false, Some(at(9)), at(9), false),
            (true, false, Some(at(9)), at(8), true),
            (true, false, Some(at(9)), at(10), false),
            // Somebody is full, and may have room at any time.
            (false, true, Some(at(9)), at(8), false),
            (true, true, Some(at(9)), at(8), true),
            (true, true, Some(at(9)), at(10), false),
            // All are full: nobody knows until when.
            (false, true, None, at(8), false),
            (true, true, None, at(8), true),
        ] {
            let told = format!("{raised_hand} {somebody_is_full} {until:?} {due}");
            assert_eq!(cannot_wait(raised_hand, somebody_is_full, until, due), goes, "{told}");
        }
    }
}
