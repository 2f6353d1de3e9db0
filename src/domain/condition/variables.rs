//! The names a condition may use, each with its kind and meaning: the one table for check,
//! evaluation and documentation.

use std::fmt;

/// What sort of value an expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// Text, empty when nothing is known.
    Text,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Bool => "true or false",
            Kind::Int => "a number",
            Kind::Text => "text",
        })
    }
}

/// A name of the language.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// As it is written: `lead.score`.
    pub path: &'static str,
    /// What it holds. Of a family (`lead.fields`): what each member holds.
    pub kind: Kind,
    /// Whether it is a family whose members are named behind it:
    /// `lead.fields["Number of seats"]`, `lead.activities.pricing_page`.
    pub family: bool,
    /// What it says, for the documentation.
    pub meaning: &'static str,
    pub(super) fact: Fact,
}

/// Which fact stands behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Email,
    EmailDomain,
    FirstName,
    LastName,
    Company,
    Title,
    Phone,
    Country,
    Zone,
    Language,
    Source,
    Campaign,
    Stage,
    Grade,
    Score,
    Round,
    DaysSinceCreated,
    DaysInStage,
    Touches,
    Owned,
    Field,
    Answer,
    Activity,
    EventName,
}

/// Every name, sorted as people look for them.
pub const VARIABLES: &[Variable] = &[
    text("lead.email", Fact::Email, "The address, in lower case"),
    text("lead.email_domain", Fact::EmailDomain, "What stands behind the @"),
    text("lead.first_name", Fact::FirstName, "Given name"),
    text("lead.last_name", Fact::LastName, "Family name"),
    text("lead.company", Fact::Company, "The company's name"),
    text("lead.title", Fact::Title, "Job title, as the lead wrote it"),
    text("lead.phone", Fact::Phone, "Phone number in international form, `+4930901820`"),
    text("lead.country", Fact::Country, "Two capital letters (ISO 3166), `DE`"),
    text("lead.zone", Fact::Zone, "Time zone (IANA), `Europe/Berlin`"),
    text("lead.language", Fact::Language, "Two small letters (ISO 639), `de`"),
    text("lead.source", Fact::Source, "Where it first came from: `utm_source` or the export's lead source"),
    text("lead.campaign", Fact::Campaign, "The campaign's name in the agreement"),
    text("lead.stage", Fact::Stage, "`new`, `nurturing`, `qualified` …"),
    text(
        "lead.grade",
        Fact::Grade,
        "Fit to the campaign's persona, `A` to `D`; `D` as long as nothing is known",
    ),
    int("lead.score", Fact::Score, "Points in force"),
    int("lead.round", Fact::Round, "How often it has been nurtured from the start; 1 is the first time"),
    int("lead.days_since_created", Fact::DaysSinceCreated, "Whole days since it came in"),
    int("lead.days_in_stage", Fact::DaysInStage, "Whole days since its stage last changed"),
    int(
        "lead.touches",
        Fact::Touches,
        "How often it has been in touch with our marketing: forms, ads, events",
    ),
    Variable {
        path: "lead.owned",
        kind: Kind::Bool,
        family: false,
        meaning: "Whether it belongs to a rep",
        fact: Fact::Owned,
    },
    Variable {
        path: "lead.fields",
        kind: Kind::Text,
        family: true,
        meaning: "What else an export or a form knew, by its name there: `lead.fields[\"Number of seats\"]`; \
                  where no field is called so, the last answer to that question",
        fact: Fact::Field,
    },
    Variable {
        path: "lead.answers",
        kind: Kind::Text,
        family: true,
        meaning: "The last answer to a question, by the question as asked: `lead.answers[\"Budget?\"]`",
        fact: Fact::Answer,
    },
    Variable {
        path: "lead.activities",
        kind: Kind::Int,
        family: true,
        meaning: "How often it did something: `lead.activities.pricing_page >= 2`",
        fact: Fact::Activity,
    },
    text("campaign.name", Fact::Campaign, "The same as `lead.campaign`"),
    text("event.name", Fact::EventName, "In scoring rules: the activity that is being valued"),
];

const fn text(path: &'static str, fact: Fact, meaning: &'static str) -> Variable {
    Variable { path, kind: Kind::Text, family: false, meaning, fact }
}

const fn int(path: &'static str, fact: Fact, meaning: &'static str) -> Variable {
    Variable { path, kind: Kind::Int, family: false, meaning, fact }
}
