//! What happened, told day by day, as one likes to read it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::output::{CliError, line};
use crate::domain::agreement::Agreement;
use crate::engine::simulate::Line;
use crate::engine::why;

/// Tells lines in the zone of the agreement, with a heading for each day.
pub(super) struct Timeline {
    zone: TimeZone,
    day: Option<Date>,
    told: BTreeSet<(String, String)>,
}

impl Timeline {
    pub(super) fn new(agreement: &Agreement) -> Timeline {
        let zone = TimeZone::get(&agreement.contact.default_zone).unwrap_or(TimeZone::UTC);
        Timeline { zone, day: None, told: BTreeSet::new() }
    }

    /// Prints a line, if it is one that people care about.
    pub(super) fn tell(&mut self, told: &Line) -> Result<(), CliError> {
        let Some(words) = self.words(told) else {
            return Ok(());
        };
        let at = told.at.to_zoned(self.zone.clone());
        if self.day != Some(at.date()) {
            self.day = Some(at.date());
            line("")?;
            line(&at.strftime("%A, %-d %B %Y").to_string())?;
        }
        let who = told.lead.as_deref().map(short_name).unwrap_or_default();
        line(&format!("  {}  {who:<14} {words}", at.strftime("%H:%M")))
    }

    fn words(&mut self, told: &Line) -> Option<String> {
        let fact = |name: &str| told.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        Some(match told.kind.as_str() {
            "mail" if fact("class") == "nurture" => format!("← mail “{}”", fact("subject")),
            "mail" => format!("✉ to {}: “{}”", short_name(fact("to")), fact("subject")),
            "deferred" => {
                // A mail that waits is worth a word once, not at each look.
                let key =
                    (told.lead.clone().unwrap_or_default(), format!("{}/{}", fact("step"), fact("why")));
                if !self.told.insert(key) {
                    return None;
                }
                let until = fact("until").parse::<jiff::Timestamp>().ok()?.to_zoned(self.zone.clone());
                format!("… mail waits until {}: {}", until.strftime("%a %-d %b %H:%M"), fact("why"))
            }
            "refused" => format!("✗ {}: {}", fact("event"), fact("why")),
            "clock_started" => {
                let by = fact("by").parse::<jiff::Timestamp>().ok()?.to_zoned(self.zone.clone());
                format!("⏱ first contact promised by {}", by.strftime("%a %-d %b %H:%M"))
            }
            "rep_away" => match told.facts.get("until").and_then(serde_json::Value::as_str) {
                Some(until) => format!("{} is away until {until}", short_name(fact("rep"))),
                None => format!("{} is back", short_name(fact("rep"))),
            },
            "stage" => stage(fact("to"), fact("why"))?,
            // What these say, the mails and the words around them say too.
            "not_enrolled" | "clock_stopped" | "enrolled" | "exited" | "finished" | "skipped" | "level"
            | "suppressed" => {
                return None;
            }
            _ => why::words(&told.event)?,
        })
    }
}

/// A new stage, where it is news: that an accepted lead is accepted, the line before it says.
fn stage(to: &str, why: &str) -> Option<String> {
    match to {
        "nurturing" => Some(format!("is nurtured: {why}")),
        "qualified" => {
            // That the hand-off point is reached is what "ready" means; the figures behind it are the news.
            let figures = why.rsplit_once(": ").map_or(why, |(_, figures)| figures);
            Some(format!("is ready: {figures}"))
        }
        "resting" => Some(why.to_owned()),
        "disqualified" => Some(format!("has ended: {why}")),
        _ => None,
    }
}

/// The part of an address that names the person.
fn short_name(email: &str) -> &str {
    email.split('@').next().unwrap_or(email)
}
