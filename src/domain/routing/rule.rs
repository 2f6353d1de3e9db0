//! The words in which an agreement says how leads find their rep.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use crate::domain::calendar::Calendar;
use crate::domain::condition::{Condition, Facts};
use crate::domain::names::names;

names! {
    /// A rule by which a rep is chosen. `account` and `territory` say whose a lead is; the other three, of which
    /// one comes last, share out what is left fairly.
    Rule, "routing rule" {
        /// Who has had a lead of the same company gets its colleagues too.
        Account = "account",
        /// Who is responsible for the lead's country, or whatever the condition says.
        Territory = "territory",
        /// Who has waited longest, times their weight.
        LongestWait = "longest-wait",
        /// Who has had fewest for their weight, counted exactly.
        Weighted = "weighted",
        /// Who has fewest open, for their weight.
        LeastLoaded = "least-loaded",
    }
}

impl Rule {
    /// Whether it shares out, so that nothing behind it could have a say.
    pub fn is_fair_share(self) -> bool {
        matches!(self, Rule::LongestWait | Rule::Weighted | Rule::LeastLoaded)
    }
}

/// How the leads of a team find their rep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// The rules, the first first; each narrows down whom the next ones choose from.
    pub by: Vec<Rule>,
    /// Whoever was away gets the leads missed meanwhile afterwards, one after the other. For `weighted`.
    pub catch_up: bool,
}

impl Routing {
    /// Whether a rule is among them.
    pub fn has(&self, rule: Rule) -> bool {
        self.by.contains(&rule)
    }

    /// The one that shares out.
    pub fn fair_share(&self) -> Rule {
        self.by.iter().copied().find(|rule| rule.is_fair_share()).unwrap_or(Rule::LongestWait)
    }
}

impl Default for Routing {
    fn default() -> Routing {
        Routing { by: vec![Rule::LongestWait], catch_up: false }
    }
}

/// The leads a rep is responsible for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Territory {
    /// ISO codes.
    pub countries: Vec<String>,
    /// Whatever else makes a lead theirs.
    pub condition: Option<Condition>,
}

impl Territory {
    /// Whether a lead is in it. What cannot be told of a lead does not make it theirs.
    pub fn covers(&self, facts: &Facts<'_>) -> bool {
        let country = facts.lead.profile.country.as_ref();
        country.is_some_and(|country| self.countries.contains(country))
            || self.condition.as_ref().is_some_and(|condition| condition.holds(facts).unwrap_or(false))
    }
}

/// The first moment at which leads of a campaign may go to sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earliest {
    /// On that day, in the team's zone.
    On(Date),
    /// So long after the lead came in.
    After(SignedDuration),
}

impl Earliest {
    /// When that is for a lead that came in at `created_at`.
    pub fn of(self, created_at: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        match self {
            Earliest::On(day) => calendar.instant_at(day, Time::midnight()),
            Earliest::After(wait) => created_at.checked_add(wait).ok(),
        }
    }
}

names! {
    /// What a partner may be told of a lead beside its address.
    Share, "part of a lead" {
        /// Given and family name.
        Name = "name",
        /// The company.
        Company = "company",
        /// The job title.
        Title = "title",
        /// The phone number.
        Phone = "phone",
        /// The country.
        Country = "country",
        /// Where it came from, each time.
        Source = "source",
        /// The campaign: brief and incentive.
        Campaign = "campaign",
        /// What it answered.
        Answers = "answers",
        /// What it read and did.
        Behaviour = "behaviour",
        /// Why it counts as ready.
        Reasons = "reasons",
    }
}
