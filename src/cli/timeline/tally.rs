//! What came of each lead, added up behind a timeline.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::cast::Cast;
use crate::engine::simulate::Line;

/// Characters of a lead's name and company in the table.
const WHO: usize = 44;

/// What came of one lead.
#[derive(Default)]
struct Course {
    mails: usize,
    hand_offs: usize,
    /// Instants at which somebody was told of a broken promise.
    escalations: BTreeSet<Timestamp>,
    stage: String,
    round: usize,
    unsubscribed: bool,
}

/// Counts by lead, in the order in which they came.
#[derive(Default)]
pub(super) struct Tally {
    order: Vec<String>,
    courses: HashMap<String, Course>,
}

impl Tally {
    /// Takes a line into account.
    pub(super) fn count(&mut self, told: &Line) {
        let Some(lead) = &told.lead else {
            return;
        };
        let fact = |name: &str| told.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        if !self.courses.contains_key(lead) {
            self.order.push(lead.clone());
        }
        let course = self.courses.entry(lead.clone()).or_default();
        match told.kind.as_str() {
            "mail" if fact("class") == "nurture" => course.mails += 1,
            "mail" if fact("class") == "escalation" => {
                course.escalations.insert(told.at);
            }
            "assigned" => course.hand_offs += 1,
            "unsubscribed" => course.unsubscribed = true,
            "stage" => {
                fact("to").clone_into(&mut course.stage);
                course.round += usize::from(fact("from") == "resting");
            }
            _ => {}
        }
    }

    /// The table, line by line; nothing when no lead came in.
    pub(super) fn table(&self, cast: &Cast) -> Vec<String> {
        if self.order.is_empty() {
            return Vec::new();
        }
        let row = |who: &str, mails: &str, hand_offs: &str, escalations: &str, end: &str| {
            format!("{who:<WHO$}  {mails:>5}  {hand_offs:>9}  {escalations:>11}  {end}").trim_end().to_owned()
        };
        let mut lines = vec![row("Lead", "mails", "hand-offs", "escalations", "in the end")];
        let courses = || self.order.iter().filter_map(|lead| self.courses.get(lead));
        for (lead, course) in self.order.iter().zip(courses()) {
            let who = match cast.lead(lead) {
                Some(member) if !member.introduction.is_empty() => {
                    format!("{}, {}", member.name, member.introduction)
                }
                _ => lead.clone(),
            };
            lines.push(row(
                &shortened(&who),
                &course.mails.to_string(),
                &course.hand_offs.to_string(),
                &course.escalations.len().to_string(),
                &course.end(),
            ));
        }
        let won = courses().filter(|course| course.stage == "won").count();
        lines.push(row(
            &format!("{} in all", self.order.len()),
            &courses().map(|course| course.mails).sum::<usize>().to_string(),
            &courses().map(|course| course.hand_offs).sum::<usize>().to_string(),
            &courses().map(|course| course.escalations.len()).sum::<usize>().to_string(),
            &format!("{won} won"),
        ));
        lines
    }
}

impl Course {
    fn end(&self) -> String {
        let stage = self.stage.replace('_', " ");
        let round = if self.round > 0 { format!(", round {}", self.round + 1) } else { String::new() };
        let mail = if self.unsubscribed { ", no more mail" } else { "" };
        format!("{stage}{round}{mail}")
    }
}

/// `text` cut where the column ends.
fn shortened(text: &str) -> String {
    if text.chars().count() <= WHO {
        return text.to_owned();
    }
    let kept: String = text.chars().take(WHO - 1).collect();
    format!("{}…", kept.trim_end_matches([' ', ',']))
}
