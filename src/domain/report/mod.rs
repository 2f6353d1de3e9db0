//! Figures that marketing and sales can both accept: facts in, figures out.
//!
//! Whoever disputes a figure can count it by hand, so each is defined here, once:
//!
//! - **Promises** ([`attainment`]) are those *made* in the period, as they stand now.
//! - **Leads** ([`funnel`], [`passages`]) are those *handed off* in the period, and what became of them by now. A
//!   report on an old month therefore still changes, as its leads do: that is what it is asked for.
//! - **Reasons**, [what happened](Happened) and success stories are what *happened* in the period, to whatever
//!   leads.
//! - **Stays** at a stage are those that *ended* in the period, in plain time with nights and weekends; of leads that
//!   were with sales at some time in it.
//! - Percentiles are nearest ranks ([`distribution`]); shares are tenths of a percent, rounded half up.
//! - A lead's source is where it first came from; its rep and team are those who had it at last; a promise is that
//!   of the rep who made it.
//!
//! Facts come lead by lead into a [`Tally`], whose size depends on how many names, kinds and different lengths
//! there are, and not on how many leads.

pub mod attainment;
pub mod costs;
pub mod distribution;
pub mod funnel;
pub mod headlines;
pub mod mailing;
pub mod passages;
pub mod period;
pub mod rows;
pub mod stories;
mod tally;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::lead::Stage;
use super::names::names;
use attainment::Attainment;
use costs::CostLine;
use distribution::Distribution;
use funnel::Funnel;
use period::Period;
use stories::Story;

pub use tally::{LeadFacts, Tally};

names! {
    /// What figures are split by.
    By, "way to split figures" {
        /// The campaign.
        Campaign = "campaign",
        /// Where the lead first came from.
        Source = "source",
        /// The team.
        Team = "team",
        /// The rep.
        Rep = "rep",
    }
}

/// Of whom figures are: of everybody, or of one campaign, source, team or rep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Split by what; `None`: not at all.
    pub by: Option<By>,
    /// Which one; empty for everybody.
    pub name: String,
}

impl Group {
    /// Everybody.
    pub fn all() -> Group {
        Group { by: None, name: String::new() }
    }
}

/// What was said of leads, and is counted by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// Why sales gave a lead back.
    Rejected,
    /// Why a deal was lost.
    Lost,
    /// What the lead had against it.
    Objection,
    /// What convinced it.
    Argument,
}

impl Said {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Said::Rejected => "rejected",
            Said::Lost => "lost",
            Said::Objection => "objection",
            Said::Argument => "argument",
        }
    }
}

/// How many leads came to each point in the period, whenever they were handed off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// Handed to sales.
    pub handed_off: i64,
    /// Accepted.
    pub accepted: i64,
    /// Talked to.
    pub contacted: i64,
    /// Deals to win.
    pub opportunity: i64,
    /// Won.
    pub won: i64,
    /// Lost.
    pub lost: i64,
    /// Given back.
    pub rejected: i64,
}

/// What one round brought, and what became of those it did not bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// How far its leads came.
    pub funnel: Funnel,
    /// Of those lost or rejected: nurtured again since.
    pub nurtured_again: i64,
    /// Of those: with sales once more.
    pub handed_off_again: i64,
}

/// Leads of one campaign that answered a question, and what most of them said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The campaign; empty: none.
    pub campaign: String,
    /// As it was asked.
    pub question: String,
    /// How many leads answered it.
    pub leads: i64,
    /// The most frequent answers and how many gave each, the most frequent first.
    pub top: Vec<(String, i64)>,
}

/// All figures of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which days.
    pub period: Period,
    /// As of when.
    pub now: Timestamp,
    /// How people are called and what reasons mean, by their names in the agreement; of what was heard by
    /// [`heard_as`].
    pub labels: BTreeMap<String, String>,
    /// In what the costs are, if the agreement says.
    pub currency: Option<String>,
    /// What happened in the period.
    pub happened: Happened,
    /// Promises made in the period, by whom or what for, and kind.
    pub attainment: BTreeMap<(Group, String), Attainment>,
    /// Leads handed off in the period.
    pub funnels: BTreeMap<Group, Funnel>,
    /// The same by the month of their hand-off.
    pub cohorts: BTreeMap<Date, Funnel>,
    /// The same by round.
    pub rounds: BTreeMap<i64, Round>,
    /// The same by whether sales found them itself.
    pub self_sourced: Funnel,
    /// Those that marketing brought.
    pub from_marketing: Funnel,
    /// Minutes that leads stayed at each stage.
    pub stays: BTreeMap<Stage, Distribution>,
    /// What was said of leads in the period.
    pub reasons: BTreeMap<(Group, Said, String), i64>,
    /// Calls in the period that the gate would have refused, by who made them and what stood against them.
    pub against_gate: BTreeMap<(String, String), i64>,
    /// What campaigns cost, and what for.
    pub costs: Vec<CostLine>,
    /// What leads answered in the period.
    pub answers: Vec<Answers>,
    /// Deals won in the period, the latest first.
    pub stories: Vec<Story>,
}

/// Under which name the label of what was heard stands among the labels.
pub fn heard_as(said: Said, name: &str) -> String {
    format!("{} {name}", said.name())
}

impl Report {
    /// How something is called for people.
    pub fn label<'a>(&'a self, name: &'a str) -> &'a str {
        match name {
            "" => "unknown",
            name => self.labels.get(name).map_or(name, String::as_str),
        }
    }

    /// How something that was said is called: an objection and an argument may have the same name.
    pub fn said_label<'a>(&'a self, said: Said, name: &'a str) -> &'a str {
        let known = match said {
            Said::Rejected | Said::Lost => None,
            Said::Objection | Said::Argument => self.labels.get(&heard_as(said, name)),
        };
        known.map_or_else(|| self.label(name), String::as_str)
    }

    /// How a kind of promise was kept by everybody together.
    pub fn attainment_of(&self, kind: &str) -> Option<&Attainment> {
        self.attainment.get(&(Group::all(), kind.to_owned()))
    }

    /// Whether nothing was promised, handed off or decided: then there is nothing to tell anybody.
    pub fn is_empty(&self) -> bool {
        self.happened == Happened::default() && self.attainment.is_empty() && self.reasons.is_empty()
    }
}
