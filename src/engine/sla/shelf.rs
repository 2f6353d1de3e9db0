//! Terms that were read before, and their calendars.
//!
//! Thousands of clocks were promised in the same hours. Reading hours and holidays again for each of them would
//! cost more than all the rest, and a calendar remembers which minutes are open once it has worked them out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::calendar::{Calendar, CalendarSpec};
use crate::domain::sla::{SlaError, Terms, Thawed};
use crate::engine::pass::PassError;
use crate::store::SlaClock;

/// Kept before all are read anew: a policy has a few texts a day, whatever the number of leads.
const KEPT: usize = 4_096;

/// Terms as they were stored, and ready to count with.
pub(in crate::engine) type Read = Arc<(Terms, Thawed)>;

/// What was read before.
#[derive(Default)]
pub(in crate::engine) struct TermsShelf(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    terms: HashMap<String, Read>,
    calendars: HashMap<String, Calendar>,
}

impl TermsShelf {
    /// A clock's terms.
    ///
    /// # Errors
    /// When they are none, or their calendars are not understood any more.
    pub fn read(&self, clock: &SlaClock) -> Result<Read, PassError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = kept.terms.get(&clock.terms) {
            return Ok(Arc::clone(read));
        }
        let terms = super::clocks::terms(clock)?;
        let calendars: Result<Vec<Calendar>, SlaError> =
            terms.calendars.iter().map(|spec| kept.calendar(spec)).collect();
        let read = Arc::new((terms, Thawed::of(calendars?)));
        if kept.terms.len() >= KEPT {
            kept.terms.clear();
        }
        kept.terms.insert(clock.terms.clone(), Arc::clone(&read));
        Ok(read)
    }
}

impl Kept {
    fn calendar(&mut self, spec: &CalendarSpec) -> Result<Calendar, SlaError> {
        let key = format!("{} {} {:?}", spec.zone, spec.hours, spec.holidays);
        if let Some(calendar) = self.calendars.get(&key) {
            return Ok(calendar.clone());
        }
        let calendar = spec.thaw()?;
        if self.calendars.len() >= KEPT {
            self.calendars.clear();
        }
        self.calendars.insert(key, calendar.clone());
        Ok(calendar)
    }
}
