//! What a condition is asked about: one lead, seen at one moment.

use std::collections::BTreeMap;

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use jiff::Timestamp;
use regex::Regex;

use super::variables::Fact;
use crate::domain::lead::{Answer, Grade, Lead};

/// How often each activity was done, when nothing is known of any.
static NO_ACTIVITIES: BTreeMap<String, i64> = BTreeMap::new();

/// A lead and what surrounds it. Borrows; making one costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The lead.
    pub lead: &'a Lead,
    /// The moment from which days are counted back.
    pub now: Timestamp,
    /// How many touches it has had.
    pub touches: i64,
    /// Its answers, oldest first: of several to one question the last counts.
    pub answers: &'a [Answer],
    /// How often it did what.
    pub activities: &'a BTreeMap<String, i64>,
    /// In scoring rules, the activity that is being valued.
    pub event: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// The lead alone: no touches, answers, activities. Fill in what is known.
    pub fn of(lead: &'a Lead, now: Timestamp) -> Facts<'a> {
        Facts { lead, now, touches: 0, answers: &[], activities: &NO_ACTIVITIES, event: None }
    }

    fn text(&self, fact: Fact, member: &str) -> &'a str {
        let profile = &self.lead.profile;
        let known = match fact {
            Fact::Email => Some(self.lead.email.as_str()),
            Fact::EmailDomain => Some(self.lead.email.domain()),
            Fact::FirstName => profile.first_name.as_deref(),
            Fact::LastName => profile.last_name.as_deref(),
            Fact::Company => profile.company.as_deref(),
            Fact::Title => profile.title.as_deref(),
            Fact::Phone => profile.phone.as_deref(),
            Fact::Country => profile.country.as_deref(),
            Fact::Zone => profile.zone.as_deref(),
            Fact::Language => profile.language.as_deref(),
            Fact::Source => self.lead.source.as_deref(),
            Fact::Campaign => self.lead.campaign.as_deref(),
            Fact::Stage => Some(self.lead.stage.name()),
            Fact::Grade => Some(self.lead.grade.unwrap_or(Grade::D).name()),
            // What an export has as a field, a form asks.
            Fact::Field => profile.fields.get(member).map(String::as_str).or_else(|| self.answer(member)),
            Fact::Answer => self.answer(member),
            Fact::EventName => self.event,
            Fact::Score
            | Fact::Round
            | Fact::DaysSinceCreated
            | Fact::DaysInStage
            | Fact::Touches
            | Fact::Owned
            | Fact::Activity => None,
        };
        known.unwrap_or("")
    }

    fn answer(&self, question: &str) -> Option<&'a str> {
        let last = self.answers.iter().rfind(|answer| answer.question == question);
        last.map(|answer| answer.answer.as_str())
    }

    fn int(&self, fact: Fact, member: &str) -> i64 {
        match fact {
            Fact::Score => self.lead.score,
            Fact::Round => self.lead.round,
            Fact::DaysSinceCreated => whole_days(self.lead.created_at, self.now),
            Fact::DaysInStage => whole_days(self.lead.stage_at, self.now),
            Fact::Touches => self.touches,
            Fact::Activity => self.activities.get(member).copied().unwrap_or(0),
            _ => 0,
        }
    }
}

fn whole_days(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// One thing a condition asks the facts for.
#[derive(Clone, Debug)]
pub(super) enum Lookup {
    Text(Fact, String),
    Int(Fact, String),
    Owned,
    /// Whether the text matches; the pattern is compiled once, at load.
    Matches(Fact, String, Regex),
}

/// Answers the names "0", "1" … which the check gave to a condition's lookups.
pub(super) struct Resolver<'a> {
    pub lookups: &'a [Lookup],
    pub facts: &'a Facts<'a>,
}

impl VariableResolver for Resolver<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let lookup = self.lookups.get(name.parse::<usize>().ok()?)?;
        Some(match lookup {
            Lookup::Text(fact, member) => CowVal::owned(CelString::from(self.facts.text(*fact, member))),
            Lookup::Int(fact, member) => CowVal::owned(CelInt::from(self.facts.int(*fact, member))),
            Lookup::Owned => CowVal::owned(CelBool::from(self.facts.lead.owner.is_some())),
            Lookup::Matches(fact, member, pattern) => {
                CowVal::owned(CelBool::from(pattern.is_match(self.facts.text(*fact, member))))
            }
        })
    }
}
