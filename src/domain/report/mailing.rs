//! Who gets figures by mail, and of whom.
//!
//! A manager answers for a team and gets that team's figures; marketing answers for what it hands off, wherever it
//! goes, and gets everybody's. Somebody who is both gets one mail, with everything.

use std::collections::{BTreeMap, BTreeSet};

use super::super::agreement::Agreement;
use super::super::email::EmailAddress;
use super::period::{Length, Schedule};

/// What was agreed about figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reports {
    /// The calendar by which they are due, and whose zone their days are in.
    pub calendar: String,
    /// When the one on the last week is due; `None`: never.
    pub weekly: Option<Schedule>,
    /// When the one on the last month is due; `None`: never.
    pub monthly: Option<Schedule>,
    /// Who gets them.
    pub to: Vec<Reader>,
    /// In what costs are, as people write it.
    pub currency: Option<String>,
}

/// Who gets figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Each team's manager, of that team.
    Managers,
    /// Each team's director, of that team.
    Directors,
    /// Marketing's manager, of everybody.
    Marketing,
    /// Somebody else, of everybody.
    Address(EmailAddress),
}

impl Reports {
    /// When the report on a length of time is due.
    pub fn schedule(&self, length: Length) -> Option<Schedule> {
        match length {
            Length::Week => self.weekly,
            Length::Month => self.monthly,
            Length::Quarter => None,
        }
    }
}

/// Everybody who gets figures, and of which teams; `None`: of all.
pub fn readers(agreement: &Agreement, reports: &Reports) -> BTreeMap<EmailAddress, Option<BTreeSet<String>>> {
    let mut readers: BTreeMap<EmailAddress, Option<BTreeSet<String>>> = BTreeMap::new();
    let mut of_team = |who: &EmailAddress, team: &str| {
        if let Some(teams) = readers.entry(who.clone()).or_insert_with(|| Some(BTreeSet::new())) {
            teams.insert(team.to_owned());
        }
    };
    for team in agreement.teams.values() {
        if reports.to.contains(&Reader::Managers) {
            of_team(&team.manager, &team.name);
        }
        if let (true, Some(director)) = (reports.to.contains(&Reader::Directors), &team.director) {
            of_team(director, &team.name);
        }
    }
    for reader in &reports.to {
        let of_all = match reader {
            Reader::Marketing => &agreement.marketing.manager,
            Reader::Address(address) => address,
            Reader::Managers | Reader::Directors => continue,
        };
        readers.insert(of_all.clone(), None);
    }
    // Who has every team anyway has everybody.
    let all: BTreeSet<String> = agreement.teams.keys().cloned().collect();
    for teams in readers.values_mut().filter(|teams| teams.as_ref() == Some(&all)) {
        *teams = None;
    }
    readers
}
