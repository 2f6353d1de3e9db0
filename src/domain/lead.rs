//! A lead: who it is, where it came from, and the stage it has reached.
//!
//! The stages and the moves between them are the agreement's vocabulary:
//! `new → nurturing → qualified → handed_off → accepted → contacted → opportunity → won | lost`;
//! `rejected` and `lost` rest and come back as `nurturing` in a new round, or end as `disqualified`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::email::EmailAddress;
use super::ids::LeadId;
use super::names::UnknownName;

/// How far a lead has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Taken in, not looked at yet.
    New,
    /// In a sequence, or between two.
    Nurturing,
    /// Marketing-qualified; waits for a rep with capacity and is nurtured meanwhile.
    Qualified,
    /// Given to one rep, who has not said yes or no.
    HandedOff,
    /// The rep took it (an attempt to reach the lead says so too).
    Accepted,
    /// A human of ours and the lead have been in touch.
    Contacted,
    /// Sales-qualified: there is a deal to win.
    Opportunity,
    /// A customer.
    Won,
    /// The deal is lost; the reason decides what comes next.
    Lost,
    /// Sales gave it back; the reason decides what comes next.
    Rejected,
    /// Left in peace until its rest is over.
    Resting,
    /// Will not come back by itself.
    Disqualified,
}

impl Stage {
    /// Every stage, in the order of the funnel.
    pub const ALL: [Stage; 12] = [
        Stage::New,
        Stage::Nurturing,
        Stage::Qualified,
        Stage::HandedOff,
        Stage::Accepted,
        Stage::Contacted,
        Stage::Opportunity,
        Stage::Won,
        Stage::Lost,
        Stage::Rejected,
        Stage::Resting,
        Stage::Disqualified,
    ];

    /// The name in files, database, mail and output.
    pub fn name(self) -> &'static str {
        match self {
            Stage::New => "new",
            Stage::Nurturing => "nurturing",
            Stage::Qualified => "qualified",
            Stage::HandedOff => "handed_off",
            Stage::Accepted => "accepted",
            Stage::Contacted => "contacted",
            Stage::Opportunity => "opportunity",
            Stage::Won => "won",
            Stage::Lost => "lost",
            Stage::Rejected => "rejected",
            Stage::Resting => "resting",
            Stage::Disqualified => "disqualified",
        }
    }

    /// The name in a sentence: "handed off".
    pub fn words(self) -> &'static str {
        if self == Stage::HandedOff { "handed off" } else { self.name() }
    }

    /// Whether a rep has the word: sequences are silent.
    pub fn sales_has_the_word(self) -> bool {
        matches!(
            self,
            Stage::HandedOff | Stage::Accepted | Stage::Contacted | Stage::Opportunity | Stage::Won
        )
    }

    /// Whether the lead takes up a place in its rep's capacity.
    pub fn is_open_with_rep(self) -> bool {
        matches!(self, Stage::HandedOff | Stage::Accepted | Stage::Contacted)
    }

    /// Whether sales gave it up; what brings it back begins a new round.
    pub fn is_given_up(self) -> bool {
        matches!(self, Stage::Rejected | Stage::Lost | Stage::Resting | Stage::Disqualified)
    }

    /// Whether sequences may run.
    pub fn is_nurtured(self) -> bool {
        matches!(self, Stage::Nurturing | Stage::Qualified)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stage {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Stage, UnknownName> {
        Stage::ALL
            .into_iter()
            .find(|stage| stage.name() == name)
            .ok_or_else(|| UnknownName { what: "stage", name: name.to_owned() })
    }
}

/// How well a lead fits its campaign's persona: A is best, D fits in nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Fits.
    A,
    /// Fits with reservations.
    B,
    /// Fits barely.
    C,
    /// Does not fit, or nothing is known.
    D,
}

impl Grade {
    /// The letter.
    pub fn name(self) -> &'static str {
        match self {
            Grade::A => "A",
            Grade::B => "B",
            Grade::C => "C",
            Grade::D => "D",
        }
    }
}

impl FromStr for Grade {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Grade, UnknownName> {
        [Grade::A, Grade::B, Grade::C, Grade::D]
            .into_iter()
            .find(|grade| grade.name() == name)
            .ok_or_else(|| UnknownName { what: "grade", name: name.to_owned() })
    }
}

/// What is known of a person. Empty strings do not occur: a field is absent or says something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The company's name.
    pub company: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Phone number in E.164 form (`+4930901820`).
    pub phone: Option<String>,
    /// ISO 3166-1 alpha-2 code, upper case.
    pub country: Option<String>,
    /// IANA time zone name.
    pub zone: Option<String>,
    /// ISO 639-1 language, lower case.
    pub language: Option<String>,
    /// Everything else a form or an export knew, under the name it had there.
    pub fields: BTreeMap<String, String>,
}

impl Profile {
    /// "Jane Doe", "Jane", "Doe", or nothing.
    pub fn full_name(&self) -> Option<String> {
        match (&self.first_name, &self.last_name) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        }
    }
}

/// One contact of the person with our marketing: a form, an ad, an event. Kept for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// When it happened; `None` when the source does not say (then: when it was taken in).
    pub occurred_at: Option<Timestamp>,
    /// `utm_source`, or the export's lead source.
    pub source: Option<String>,
    /// `utm_medium`.
    pub medium: Option<String>,
    /// The campaign as the source names it (`utm_campaign`).
    pub campaign: Option<String>,
    /// `utm_term`: what was searched for.
    pub term: Option<String>,
    /// `utm_content`: which ad.
    pub content: Option<String>,
    /// What the ad said or promised.
    pub ad: Option<String>,
    /// The page the person arrived on.
    pub landing_page: Option<String>,
    /// The page the person came from.
    pub referrer: Option<String>,
}

impl Touch {
    /// Whether it says anything beyond when.
    pub fn is_empty(&self) -> bool {
        *self == Touch { occurred_at: self.occurred_at, ..Touch::default() }
    }
}

/// An answer the person gave: a survey, a form question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question, as asked or as the column is called.
    pub question: String,
    /// What was answered.
    pub answer: String,
    /// When, if the source says.
    pub occurred_at: Option<Timestamp>,
}

/// Something the person did: opened a page, came to a webinar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its name, as scoring rules call it (`pricing_page`).
    pub name: String,
    /// When.
    pub occurred_at: Timestamp,
}

/// What a CRM says about who works the lead and how far they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrmState {
    /// The rep it belongs to.
    pub owner: Option<EmailAddress>,
    /// The stage that the CRM's status means, if it means one of ours.
    pub stage: Option<Stage>,
    /// Why it was rejected or lost, as a reason of the agreement.
    pub reason: Option<String>,
    /// When a human of ours last did something with the lead.
    pub last_activity_at: Option<Timestamp>,
}

/// A lead as it comes in, every field checked and normalised.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadRecord {
    /// The identity: two records with one address are one lead.
    pub email: EmailAddress,
    /// Who it is.
    pub profile: Profile,
    /// The agreement's campaign, if the source names one.
    pub campaign: Option<String>,
    /// Points the source gave it, added to those of the scoring rules.
    pub score: Option<i64>,
    /// When the lead was created at its source.
    pub created_at: Option<Timestamp>,
    /// How it came.
    pub touch: Touch,
    /// What it answered.
    pub answers: Vec<Answer>,
    /// What it did.
    pub activities: Vec<Activity>,
    /// What the CRM says.
    pub crm: CrmState,
}

/// A lead in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Its row.
    pub id: LeadId,
    /// Its identity.
    pub email: EmailAddress,
    /// Who it is.
    pub profile: Profile,
    /// The campaign of the agreement that it belongs to, once chosen.
    pub campaign: Option<String>,
    /// Where it first came from.
    pub source: Option<String>,
    /// How far it has come.
    pub stage: Stage,
    /// Since when.
    pub stage_at: Timestamp,
    /// Points its source gave it.
    pub base_score: i64,
    /// Points in force when last looked at.
    pub score: i64,
    /// Fit to the campaign's persona.
    pub grade: Option<Grade>,
    /// The one rep.
    pub owner: Option<EmailAddress>,
    /// How often it has been nurtured from the start: 1 is the first time.
    pub round: i64,
    /// The lead is away until then: no mail, no call.
    pub away_until: Option<Timestamp>,
    /// It asked to hear from us again then.
    pub follow_up_at: Option<Timestamp>,
    /// The sequence it enters when its rest is over.
    pub next_sequence: Option<String>,
    /// The rep who shall not get it again.
    pub avoid_rep: Option<EmailAddress>,
    /// When somebody has to look at it: intake while it is new, hand-off while it is nurtured or qualified,
    /// recycle while it rests. `None`: nothing to do until something happens.
    pub due_at: Option<Timestamp>,
    /// When it came in.
    pub created_at: Timestamp,
}

impl Lead {
    /// Somebody of whom nothing is known but an address, who came in at `at`; it has no row yet.
    pub fn new(email: EmailAddress, at: Timestamp) -> Lead {
        Lead {
            id: LeadId(0),
            email,
            profile: Profile::default(),
            campaign: None,
            source: None,
            stage: Stage::New,
            stage_at: at,
            base_score: 0,
            score: 0,
            grade: None,
            owner: None,
            round: 1,
            away_until: None,
            follow_up_at: None,
            next_sequence: None,
            avoid_rep: None,
            due_at: None,
            created_at: at,
        }
    }
}
