//! What happened, told day by day, as one likes to read it: who came in, what left, what waits and why.
//!
//! Times are the office's, the agreement's default zone; where a lead's clock shows something else, the line
//! says what. Lines fit a terminal of 110 columns.

mod cast;
mod tally;

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::output::{CliError, line};
use crate::domain::agreement::Agreement;
use crate::engine::scenario::Scenario;
use crate::engine::simulate::Line;
use crate::engine::why;
use cast::{Cast, Member};
use tally::Tally;

/// Characters of a line.
const WIDTH: usize = 110;

/// Characters of a lead's name on each line.
const NAME: usize = 18;

/// Characters of a subject that is quoted whole.
const SUBJECT: usize = 60;

/// Tells lines in the zone of the agreement, with a heading for each day.
pub(super) struct Timeline<'a> {
    agreement: &'a Agreement,
    cast: Cast,
    tally: Tally,
    zone: TimeZone,
    day: Option<Date>,
    told: BTreeSet<(String, String)>,
    owners: HashMap<String, String>,
    back_on: HashMap<String, Date>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(scenario: &Scenario, agreement: &'a Agreement) -> Timeline<'a> {
        Timeline {
            agreement,
            cast: Cast::of(scenario, agreement),
            tally: Tally::default(),
            zone: TimeZone::get(&agreement.contact.default_zone).unwrap_or(TimeZone::UTC),
            day: None,
            told: BTreeSet::new(),
            owners: HashMap::new(),
            back_on: HashMap::new(),
        }
    }

    /// Prints a line, if it is one that people care about.
    pub(super) fn tell(&mut self, told: &Line) -> Result<(), CliError> {
        self.tally.count(told);
        let Some(words) = self.words(told) else {
            return Ok(());
        };
        let at = self.office(told.at);
        if self.day != Some(at.date()) {
            self.day = Some(at.date());
            line("")?;
            line(&at.strftime("%A, %-d %B %Y").to_string())?;
        }
        let who = told.lead.as_deref().map(|lead| self.cast.name(lead)).unwrap_or_default();
        let who: String = who.chars().take(NAME).collect();
        let width = self.cast.widest().min(NAME);
        let head = format!("  {}  {who:<width$}  ", at.strftime("%H:%M"));
        for words in wrapped(&head, &words) {
            line(&words)?;
        }
        Ok(())
    }

    /// Prints what came of each lead.
    pub(super) fn finish(&self) -> Result<(), CliError> {
        let table = self.tally.table(&self.cast);
        if !table.is_empty() {
            line("")?;
        }
        table.iter().try_for_each(|row| line(row))
    }

    fn words(&mut self, told: &Line) -> Option<String> {
        let fact = |name: &str| told.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let lead = told.lead.as_deref().unwrap_or_default();
        let owner = || self.owners.get(lead).map_or("a rep", |owner| self.cast.colleague(owner));
        let actor = || if fact("by").is_empty() { owner() } else { self.cast.colleague(fact("by")) };
        Some(match told.kind.as_str() {
            "taken_in" => self.introduced(lead, fact("source"), told.at),
            "touch" if fact("source").is_empty() => "comes back".to_owned(),
            "touch" => format!("comes back from {}", fact("source")),
            "mail" if fact("class") == "nurture" => {
                let there = self.there(lead, told.at).map(|there| format!(" ({there})")).unwrap_or_default();
                format!("← mail “{}”{there}", fact("subject"))
            }
            "mail" => {
                format!("✉ to {}: “{}”", self.cast.colleague(fact("to")), self.subject(lead, fact("subject")))
            }
            "deferred" => {
                // A mail that waits is worth a word once, not at each look.
                let key = (lead.to_owned(), format!("{}/{}", fact("step"), fact("why")));
                if !self.told.insert(key) {
                    return None;
                }
                let until = self.office(fact("until").parse().ok()?);
                let now = match (fact("why").contains("hours"), self.cast.lead(lead)) {
                    (true, Some(member)) => format!("{}, ", self.clock_of(member, told.at)),
                    _ => String::new(),
                };
                format!(
                    "… mail waits until {}: {now}{}",
                    day_and_time(&until),
                    fact("why").replace("outside the lead's hours", "out of hours")
                )
            }
            "refused" => format!("✗ {}: {}", fact("event"), self.cast.named(fact("why"))),
            "assigned" => {
                let rep = fact("to");
                self.owners.insert(lead.to_owned(), rep.to_owned());
                let name = self.cast.colleague(rep);
                match fact("why").strip_prefix(name) {
                    Some(rest) => format!("is handed to {name}, who{rest}"),
                    None => format!("is handed to {name}: {}", self.cast.named(fact("why"))),
                }
            }
            // What runs beside first contact is told when it is not kept.
            "clock_started" if ["accept", "attempts", "quiet"].contains(&fact("promise")) => return None,
            "clock_started" => {
                let by = self.office(fact("by").parse().ok()?);
                format!("⏱ {} promised by {}", fact("promise").replace('_', " "), day_and_time(&by))
            }
            "attempt" => {
                let how = if fact("channel") == "email" { "writes" } else { "calls" };
                format!("{} {how}: {}", actor(), fact("outcome").replace('_', " "))
            }
            "accepted" => format!("{} takes it", actor()),
            "contacted" => format!("{} and the lead have talked", actor()),
            "rejected" => format!("{} gives it back: {}", actor(), fact("reason")),
            "opportunity" => "is an opportunity".to_owned(),
            "won" => "★ is won".to_owned(),
            "lost" => format!("is lost: {}", fact("reason")),
            "activity" => format!("activity: {}", fact("name").replace('_', " ")),
            "replied" => "writes back".to_owned(),
            "unsubscribed" => "unsubscribes: no more mail".to_owned(),
            "out_of_office" if told.facts.get("over").is_some() => {
                self.back_on.remove(lead);
                "is there: the absence is over".to_owned()
            }
            "out_of_office" => match fact("until").parse::<Date>() {
                Ok(back) => {
                    self.back_on.insert(lead.to_owned(), back);
                    format!("is away, back on {}", back.strftime("%a %-d %b"))
                }
                Err(_) => "is away, without saying until when".to_owned(),
            },
            "rep_away" => match told.facts.get("until").and_then(serde_json::Value::as_str) {
                Some(until) => format!("{} is away until {until}", self.cast.colleague(fact("rep"))),
                None => format!("{} is back", self.cast.colleague(fact("rep"))),
            },
            "stage" => self.stage(lead, fact("to"), fact("why"), told.at)?,
            // What these say, the mails and the words around them say too.
            "not_enrolled" | "clock_stopped" | "enrolled" | "exited" | "finished" | "skipped" | "level"
            | "suppressed" => return None,
            "dropped" if fact("why") == "handed off" => return None,
            _ => self.cast.named(&why::words(&told.event, |at| day_and_time(&self.office(at)))?),
        })
    }

    /// A subject, in which a long line need not name the lead again.
    fn subject(&self, lead: &str, subject: &str) -> String {
        match self.cast.lead(lead) {
            Some(member) if subject.chars().count() > SUBJECT => subject.replace(&member.display, "…"),
            _ => subject.to_owned(),
        }
    }

    /// A lead when it comes in: what it is, where it comes from, what its clock shows.
    fn introduced(&self, lead: &str, source: &str, at: Timestamp) -> String {
        let mut words = "comes in".to_owned();
        if !source.is_empty() {
            words.push_str(&format!(" from {source}"));
        }
        if let Some(member) = self.cast.lead(lead).filter(|member| !member.introduction.is_empty()) {
            words.push_str(&format!(": {}", member.introduction));
        }
        if let Some(there) = self.there(lead, at) {
            words.push_str(&format!(" ({there})"));
        }
        words
    }

    /// A new stage, where it is news: that an accepted lead is accepted, the line before it says.
    fn stage(&self, lead: &str, to: &str, why: &str, at: Timestamp) -> Option<String> {
        match to {
            "nurturing" => Some(format!("is nurtured: {}", why.replace('`', ""))),
            "qualified" => Some(format!("is ready: {}{}", self.readiness(why), self.absence(lead, at))),
            "resting" => Some(why.to_owned()),
            "disqualified" => Some(format!("has ended: {why}")),
            _ => None,
        }
    }

    /// Why a lead is ready. That the hand-off point is reached is what "ready" means; the figures behind it are
    /// the news, and for who raised a hand there are none.
    fn readiness<'w>(&self, why: &'w str) -> &'w str {
        let campaign = why.split('`').nth(1).and_then(|name| self.agreement.campaign(name));
        match why.rsplit_once(": ") {
            Some(_) if campaign.is_some_and(|campaign| campaign.raised_hand) => "raised a hand",
            Some((_, figures)) => figures,
            None => why,
        }
    }

    /// What keeps us from calling a lead that is ready and away.
    fn absence(&self, lead: &str, at: Timestamp) -> String {
        match self.back_on.get(lead) {
            Some(back) if *back > self.office(at).date() => {
                format!("; nobody calls before it is back on {}", back.strftime("%a %-d %b"))
            }
            _ => String::new(),
        }
    }

    fn office(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// What a lead's clock shows, when that is not what the office's shows: "09:00 in Kolkata".
    fn there(&self, lead: &str, at: Timestamp) -> Option<String> {
        let member = self.cast.lead(lead)?;
        let there = at.to_zoned(member.zone.clone());
        let differs = there.datetime() != self.office(at).datetime();
        differs.then(|| format!("{} in {}", there.strftime("%H:%M"), member.place))
    }

    /// What a lead's clock shows, with the day: "it is Sat 09:00 in Kolkata".
    fn clock_of(&self, member: &Member, at: Timestamp) -> String {
        let there = at.to_zoned(member.zone.clone());
        let place = if there.datetime() == self.office(at).datetime() {
            String::new()
        } else {
            format!(" in {}", member.place)
        };
        format!("it is {}{place}", there.strftime("%a %H:%M"))
    }
}

/// "Tue 3 Mar 14:00".
fn day_and_time(at: &Zoned) -> String {
    at.strftime("%a %-d %b %H:%M").to_string()
}

/// `words` behind `head`, in lines of at most [`WIDTH`] characters; further ones begin where the words began.
fn wrapped(head: &str, words: &str) -> Vec<String> {
    let indent = head.chars().count();
    let mut lines = vec![head.to_owned()];
    let mut at_start = true;
    for word in words.split(' ') {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if !at_start && last + 1 + word.chars().count() > WIDTH {
            lines.push(" ".repeat(indent));
            at_start = true;
        }
        if let Some(line) = lines.last_mut() {
            if !at_start {
                line.push(' ');
            }
            line.push_str(word);
        }
        at_start = false;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_told_in_lines_that_fit() {
        let words = "word ".repeat(60);
        let lines = wrapped("  09:00  Jane  ", words.trim());
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert!(lines[1].starts_with("               word"));
        let joined: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        assert_eq!(joined.join(" "), format!("09:00  Jane  {}", words.trim()));
    }
}
