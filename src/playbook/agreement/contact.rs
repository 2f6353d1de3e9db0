//! `[calendars.<name>]` and `[contact]`: when people work, and when leads may be contacted.

use std::collections::BTreeMap;

use super::Reading;
use crate::domain::agreement::{ContactRules, MailCap};
use crate::domain::calendar::{Calendar, Holidays};
use crate::playbook::fields;
use crate::playbook::references::What;
use crate::playbook::section::{Located, Section};

/// See the design's defaults: more lead mail than this on one day is an accident until somebody says otherwise.
const DEFAULT_DAILY_BRAKE: i64 = 20_000;
/// What is down for a weekend, or for a week, is not dead.
const DEFAULT_SOFT_BOUNCES: MailCap = MailCap { count: 5, days: 30 };

impl Reading<'_> {
    pub(super) fn calendars(&mut self, top: &mut Section<'_>) -> BTreeMap<String, Calendar> {
        let mut calendars = BTreeMap::new();
        for (name, section) in top.tables("calendars") {
            self.references.define(What::Calendar, &name.value);
            if let Some(calendar) = self.calendar(section) {
                calendars.insert(name.value, calendar);
            }
        }
        calendars
    }

    fn calendar(&self, mut section: Section<'_>) -> Option<Calendar> {
        section.require("zone", "write the zone of the people who work these hours: `Europe/Berlin`");
        section.require("hours", "write `Mo-Fr 09:00-17:00`");
        let zone = section.parsed("zone", fields::zone);
        let hours = section.parsed("hours", fields::hours);
        let mut holidays = Holidays::none();
        for code in section.list("holidays", |text| Ok(text.to_owned())) {
            if let Err(refusal) = fields::holiday_country(&code.value, &mut holidays) {
                section.source.refuse(&code.span, refusal.message, refusal.hint);
            }
        }
        for date in section.list("extra_holidays", fields::date) {
            holidays.add(date.value);
        }
        for path in section.list("holiday_files", |text| Ok(text.to_owned())) {
            let refusal = match self.files.get(&path.value) {
                Some(text) => fields::holiday_file(text, &mut holidays).err(),
                None => Some(fields::Refusal::new(
                    format!("there is no file `{}` in the playbook", path.value),
                    "put it into the folder `holidays` and write `holidays/name.ics`",
                )),
            };
            if let Some(refusal) = refusal {
                section.source.refuse(&path.span, refusal.message, refusal.hint);
            }
        }
        let calendar = match (zone, hours) {
            (Some(zone), Some(hours)) => match fields::calendar(&zone.value, hours.value, holidays) {
                Ok(calendar) => Some(calendar),
                Err(refusal) => {
                    section.source.refuse(&hours.span, refusal.message, refusal.hint);
                    None
                }
            },
            _ => None,
        };
        section.finish();
        calendar
    }

    pub(super) fn contact(&mut self, top: &mut Section<'_>) -> Option<ContactRules> {
        let mut section = top.section("contact")?;
        section.require("window", "write when lead mail may leave: `Mo-Fr 09:00-11:30,13:30-16:30`");
        section.require("phone_window", "write when leads may be called: `Mo-Fr 09:00-12:00,13:30-17:00`");
        section.require("default_zone", "write the zone of leads of whom nothing is known: `Europe/Berlin`");
        section.require("max_emails", "write `[\"1 per day\", \"2 per 7 days\", \"6 per 30 days\"]`");
        let window = section.parsed("window", fields::hours);
        let phone_window = section.parsed("phone_window", fields::hours);
        let default_zone = section.parsed("default_zone", fields::zone);
        let max_emails = caps(&mut section);
        let per_company = section.integer("per_company", 1..=10_000);
        let excluded_domains =
            section.list("excluded_domains", fields::domain).into_iter().map(|domain| domain.value).collect();
        let brake = section.integer("daily_brake", 1..=10_000_000);
        let daily_brake = if section.has("daily_brake") { brake } else { Some(DEFAULT_DAILY_BRAKE) };
        let soft_bounces = section.parsed("soft_bounces", fields::mail_cap);
        let soft_bounces = if section.has("soft_bounces") {
            soft_bounces.map(|cap| cap.value)
        } else {
            Some(DEFAULT_SOFT_BOUNCES)
        };
        section.finish();
        Some(ContactRules {
            window: window?.value,
            phone_window: phone_window?.value,
            default_zone: default_zone?.value,
            max_emails,
            per_company,
            excluded_domains,
            soft_bounces: soft_bounces?,
            daily_brake: daily_brake?,
        })
    }
}

fn caps(section: &mut Section<'_>) -> Vec<MailCap> {
    let caps: Vec<Located<MailCap>> = section.list("max_emails", fields::mail_cap);
    if caps.is_empty() && section.has("max_emails") {
        section.refuse("max_emails", "there is no limit on mails", "write at least `[\"1 per day\"]`");
    }
    for (index, cap) in caps.iter().enumerate() {
        let earlier = caps.iter().take(index);
        if earlier.clone().any(|other| other.value.days == cap.value.days) {
            section.source.refuse(
                &cap.span,
                format!("there is another cap for {} days", cap.value.days),
                "keep the lower one",
            );
        }
    }
    caps.into_iter().map(|cap| cap.value).collect()
}
