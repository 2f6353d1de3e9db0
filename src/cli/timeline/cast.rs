//! Who is who in a timeline: leads as their records introduce them, staff as the agreement does.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::domain::agreement::Agreement;
use crate::domain::lead::LeadRecord;
use crate::engine::hours::zone_of_profile;
use crate::engine::scenario::{Scenario, What};

/// A lead of the story.
pub(super) struct Member {
    /// What it is called on each line.
    pub name: String,
    /// What it is introduced with: title, company, country.
    pub introduction: String,
    /// How subjects of mail to ours name it: with its company.
    pub display: String,
    /// Where its clock stands.
    pub zone: TimeZone,
    /// That place, as people say it.
    pub place: String,
}

/// Everybody in the story.
pub(super) struct Cast {
    leads: HashMap<String, Member>,
    staff: HashMap<String, String>,
}

impl Cast {
    /// The leads of a scenario and the people of an agreement.
    pub(super) fn of(scenario: &Scenario, agreement: &Agreement) -> Cast {
        let mut leads = HashMap::new();
        for input in &scenario.inputs {
            if let What::Lead(record) = &input.what {
                // A lead that comes in again was introduced already.
                leads.entry(record.email.to_string()).or_insert_with(|| member(record, agreement));
            }
        }
        let mut staff = HashMap::from([(agreement.marketing.manager.to_string(), "marketing".to_owned())]);
        for team in agreement.teams.values() {
            if let Some(director) = &team.director {
                staff.insert(director.to_string(), "the director".to_owned());
            }
            staff.insert(team.manager.to_string(), "the manager".to_owned());
        }
        // A manager may sell too; then the name says more.
        for rep in agreement.teams.values().flat_map(|team| &team.reps) {
            staff.insert(rep.email.to_string(), rep.name.clone());
        }
        Cast { leads, staff }
    }

    /// A lead, if the scenario introduces it.
    pub(super) fn lead(&self, email: &str) -> Option<&Member> {
        self.leads.get(email)
    }

    /// What a lead is called.
    pub(super) fn name<'a>(&'a self, email: &'a str) -> &'a str {
        self.lead(email).map_or_else(|| local_part(email), |member| &member.name)
    }

    /// What one of ours is called.
    pub(super) fn colleague<'a>(&'a self, email: &'a str) -> &'a str {
        self.staff.get(email).map_or_else(|| local_part(email), String::as_str)
    }

    /// `text` with our people's names in place of their addresses.
    pub(super) fn named(&self, text: &str) -> String {
        let word = |word: &str| match self.staff.get(word.trim_end_matches([',', ';', ':', '.'])) {
            Some(name) => word.replace(word.trim_end_matches([',', ';', ':', '.']), name),
            None => word.to_owned(),
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// The longest name of a lead, in characters.
    pub(super) fn widest(&self) -> usize {
        self.leads.values().map(|member| member.name.chars().count()).max().unwrap_or(0)
    }
}

fn member(record: &LeadRecord, agreement: &Agreement) -> Member {
    let profile = &record.profile;
    let zone = zone_of_profile(profile, record.campaign.as_deref(), agreement);
    let parts = [&profile.title, &profile.company, &profile.country];
    let known: Vec<&str> = parts.into_iter().filter_map(|part| part.as_deref()).collect();
    let name = profile.full_name().unwrap_or_else(|| local_part(record.email.as_str()).to_owned());
    Member {
        display: [Some(&name), profile.company.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        name,
        introduction: known.join(", "),
        place: zone.rsplit('/').next().unwrap_or(&zone).replace('_', " "),
        zone: TimeZone::get(&zone).unwrap_or(TimeZone::UTC),
    }
}

/// The part of an address that names the person.
fn local_part(email: &str) -> &str {
    email.split('@').next().unwrap_or(email)
}
