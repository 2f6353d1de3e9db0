//! The hours in which a lead can be contacted: its zone, its holidays, the agreement's windows.
//!
//! The zone is the lead's own, else that of its country, else its campaign's, else the agreement's. Its
//! country's public holidays close its days, the regional ones too: a call on a holiday in half the
//! country is a bad call. Who names no country keeps the holidays of the country whose time it is given. Calendars are kept, because a wave of mail asks for the same few.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::agreement::{Agreement, ContactRules};
use crate::domain::calendar::Holidays;
use crate::domain::calendar::{Calendar, Hours};
use crate::domain::country;
use crate::domain::lead::{Lead, Profile};

/// Calendars kept before all are made anew: zones × countries × windows in use are far fewer.
const KEPT: usize = 4_096;

/// Calendars that were asked for before.
#[derive(Default)]
pub struct HoursShelf(Mutex<HashMap<Key, Calendar>>);

type Key = (String, Option<String>, String);

/// The zone a lead lives in, as far as is known.
pub fn zone_of(lead: &Lead, agreement: &Agreement) -> String {
    zone_of_profile(&lead.profile, lead.campaign.as_deref(), agreement)
}

/// The same of somebody who is not in the store.
pub fn zone_of_profile(profile: &Profile, campaign: Option<&str>, agreement: &Agreement) -> String {
    profile
        .zone
        .clone()
        .or_else(|| profile.country.as_deref().and_then(country::default_zone).map(str::to_owned))
        .or_else(|| agreement.campaign(campaign?)?.zone.clone())
        .unwrap_or_else(|| agreement.contact.default_zone.clone())
}

impl HoursShelf {
    /// When mail may reach a lead; narrowed to a sequence's own window when it has one.
    pub fn mail(&self, lead: &Lead, agreement: &Agreement, window: Option<&Hours>) -> Calendar {
        self.calendar(lead, agreement, window.unwrap_or(&agreement.contact.window))
    }

    /// When a lead may be called.
    pub fn phone(&self, lead: &Lead, agreement: &Agreement) -> Calendar {
        self.calendar(lead, agreement, &agreement.contact.phone_window)
    }

    fn calendar(&self, lead: &Lead, agreement: &Agreement, hours: &Hours) -> Calendar {
        let zone = zone_of(lead, agreement);
        let country = lead.profile.country.clone().or_else(|| country::of_zone(&zone).map(str::to_owned));
        let key = (zone, country, hours.as_str().to_owned());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calendar) = kept.get(&key) {
            return calendar.clone();
        }
        let calendar = make(&key, &agreement.contact, hours);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, calendar.clone());
        calendar
    }
}

fn make((zone, country, _): &Key, rules: &ContactRules, hours: &Hours) -> Calendar {
    // A country the tables do not know (India, the Emirates) has no holidays here: its weekends still hold.
    let holidays = country
        .as_deref()
        .and_then(|code| Holidays::of_country(code).ok())
        .map_or_else(Holidays::none, |holidays| holidays.closing_contact());
    Calendar::new(zone, hours.clone(), holidays)
        // A zone that was valid when the lead came in may be gone from a newer time zone database.
        .or_else(|_| Calendar::new(&rules.default_zone, hours.clone(), Holidays::none()))
        .expect("the playbook's windows open on ordinary weekdays in its default zone; checked at load")
}
