//! From open wall-clock times to open instants.
//!
//! An instant is open if and only if its local wall-clock time lies in `[open, close)`. So an hour that
//! autumn repeats inside working hours counts twice, and one that spring skips not at all. Each segment
//! of constant offset is intersected with the wall-clock times of the dates it shows; nothing else is
//! needed, and no case of a clock change is special.
//!
//! The result is kept in chunks of instants, worked out when first asked for, so that a million
//! deadlines on one calendar evaluate its text for a few months only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::{Calendar, local};

/// A chunk is long enough for the usual deadline to need one or two, and short enough that a calendar
/// which is used once (`nurtured clock`) does not work out much more than it needs.
const CHUNK: i64 = 16 * 24 * 60 * 60;

/// Some forty years of chunks. When a calendar has more, it is being walked from end to end, and what
/// was worked out first is of no more use.
const MAX_CHUNKS: usize = 1000;

/// Open from the first second to before the second one.
type Opening = (i64, i64);

/// What has been worked out so far.
#[derive(Default)]
pub(super) struct Openings(Mutex<HashMap<i64, Arc<[Opening]>>>);

impl Openings {
    fn chunk(&self, calendar: &Calendar, number: i64) -> Arc<[Opening]> {
        // What is kept is whole or absent, so a panic elsewhere cannot have spoilt it.
        let mut chunks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunk) = chunks.get(&number) {
            return Arc::clone(chunk);
        }
        if chunks.len() >= MAX_CHUNKS {
            chunks.clear();
        }
        let chunk: Arc<[Opening]> = work_out(calendar, number).into();
        chunks.insert(number, Arc::clone(&chunk));
        chunk
    }
}

/// The openings in a chunk, ascending, apart from one another, cut at its ends.
fn work_out(calendar: &Calendar, number: i64) -> Vec<Opening> {
    let mut openings: Vec<Opening> = Vec::new();
    let limit = |second: i64| second.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let (start, end) = (limit(number * CHUNK), limit((number + 1) * CHUNK));
    for segment in local::segments(calendar.zone(), start, end) {
        let mut day = local::date_of(segment.start + segment.offset);
        while local::midnight(day) - segment.offset < segment.end {
            let midnight = local::midnight(day) - segment.offset;
            for times in calendar.open_times(day) {
                let open = (midnight + times.start).max(segment.start);
                let close = (midnight + times.end).min(segment.end);
                match openings.last_mut() {
                    Some(last) if last.1 == open && open < close => last.1 = close,
                    _ if open < close => openings.push((open, close)),
                    _ => {}
                }
            }
            let Ok(tomorrow) = day.tomorrow() else { break };
            day = tomorrow;
        }
    }
    openings
}

/// Open pieces between two instants, ascending, none empty. Pieces may touch, where chunks do.
pub(super) struct Pieces<'a> {
    calendar: &'a Calendar,
    chunk: Arc<[Opening]>,
    number: i64,
    next: usize,
    from: Timestamp,
    to: Timestamp,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(calendar: &'a Calendar, from: Timestamp, to: Timestamp) -> Pieces<'a> {
        let second = from.as_nanosecond().div_euclid(1_000_000_000) as i64;
        let number = second.div_euclid(CHUNK);
        let chunk = calendar.openings().chunk(calendar, number);
        let next = chunk.partition_point(|(_, close)| *close <= second);
        Pieces { calendar, chunk, number, next, from, to }
    }
}

impl Iterator for Pieces<'_> {
    type Item = (Timestamp, Timestamp);

    fn next(&mut self) -> Option<(Timestamp, Timestamp)> {
        loop {
            let Some(&(open, close)) = self.chunk.get(self.next) else {
                if local::instant((self.number + 1) * CHUNK) >= self.to {
                    return None;
                }
                self.number += 1;
                self.next = 0;
                self.chunk = self.calendar.openings().chunk(self.calendar, self.number);
                continue;
            };
            self.next += 1;
            let from = local::instant(open).max(self.from);
            let to = local::instant(close).min(self.to);
            if from < to {
                return Some((from, to));
            }
            if local::instant(open) >= self.to {
                return None;
            }
        }
    }
}
