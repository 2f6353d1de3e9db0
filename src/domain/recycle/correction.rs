//! What is known of a lead is corrected by hand: read and checked as if a form had said it, but what cannot be read
//! is refused, because a person waits for the answer.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Refused;
use crate::domain::email::EmailAddress;
use crate::domain::intake::{Owners, RawLead, normalise};
use crate::domain::lead::{Lead, Profile};
use crate::domain::required::Known;
use crate::problem::nearest;

/// What has a type of its own; anything else that is known of a lead may be corrected by its name.
const FIELDS: [&str; 9] =
    ["email", "first_name", "last_name", "company", "title", "phone", "country", "zone", "language"];

/// What is known from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The address, if it is another one.
    pub email: Option<EmailAddress>,
    /// The whole profile.
    pub profile: Profile,
    /// What is different: its name, what was known, what is known now. Personal.
    pub changes: Vec<Change>,
}

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub field: String,
    /// What was known.
    pub before: Option<String>,
    /// What is known now; `None`: nothing.
    pub after: Option<String>,
}

/// Reads `said` (names and values; an empty value means that it is not known) as a correction of `lead`.
///
/// # Errors
/// When a name is none, a value cannot be read, or nothing is different.
pub fn correction(lead: &Lead, said: &[(String, String)], now: Timestamp) -> Result<Correction, Refused> {
    let known = &lead.profile;
    // A number without its country's code is read as one of the lead's country.
    let mut raw = RawLead {
        email: Some(lead.email.to_string()),
        country: known.country.clone(),
        zone: known.zone.clone(),
        ..RawLead::default()
    };
    let mut profile = known.clone();
    for (name, value) in said {
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match name.as_str() {
            "email" => raw.email = value,
            "first_name" => raw.first_name = value,
            "last_name" => raw.last_name = value,
            "company" => raw.company = value,
            "title" => raw.title = value,
            "phone" => raw.phone = value,
            "country" => raw.country = value,
            "zone" => raw.zone = value,
            "language" => raw.language = value,
            other if known.fields.contains_key(other) => match value {
                Some(value) => drop(profile.fields.insert(other.to_owned(), value)),
                None => drop(profile.fields.remove(other)),
            },
            // A field that a campaign requires and nobody has filled in.
            other => match (Known::parse(other), value) {
                (Ok(Known::Field(name)), Some(value)) => drop(profile.fields.insert(name, value)),
                _ => return Err(unknown(other, lead)),
            },
        }
    }
    let (read, warnings) = normalise(raw, &Owners::default(), now)
        .map_err(|refused| Refused::Unreadable { field: "email".to_owned(), why: refused.to_string() })?;
    let is_said = |name: &str| said.iter().any(|(said, _)| said == name);
    if let Some(warning) = warnings.iter().find(|warning| is_said(&warning.field)) {
        let why = format!("{}: {}", warning.kind.label(), warning.text);
        return Err(Refused::Unreadable { field: warning.field.clone(), why });
    }
    for (name, field, value) in [
        ("first_name", &mut profile.first_name, read.profile.first_name),
        ("last_name", &mut profile.last_name, read.profile.last_name),
        ("company", &mut profile.company, read.profile.company),
        ("title", &mut profile.title, read.profile.title),
        ("phone", &mut profile.phone, read.profile.phone),
        ("country", &mut profile.country, read.profile.country),
        ("zone", &mut profile.zone, read.profile.zone),
        ("language", &mut profile.language, read.profile.language),
    ] {
        if is_said(name) {
            *field = value;
            // What could not be read when it came in is kept there as it was written: it is read now.
            profile.fields.remove(name);
        }
    }
    let email = Some(read.email).filter(|email| *email != lead.email);
    let changes = changes(lead, email.as_ref(), &profile);
    if changes.is_empty() {
        return Err(Refused::NothingNew);
    }
    Ok(Correction { email, profile, changes })
}

fn unknown(name: &str, lead: &Lead) -> Refused {
    let known = FIELDS.into_iter().chain(lead.profile.fields.keys().map(String::as_str));
    let suggestion =
        nearest(name, known).map_or_else(|| ".".to_owned(), |near| format!("; did you mean `{near}`?"));
    let hint = format!("{suggestion} There are {}", FIELDS.join(", "));
    Refused::UnknownField { name: name.to_owned(), hint }
}

fn changes(lead: &Lead, email: Option<&EmailAddress>, profile: &Profile) -> Vec<Change> {
    let known = &lead.profile;
    let mut changes = Vec::new();
    let mut note = |field: &str, before: Option<&String>, after: Option<&String>| {
        if before != after {
            let (field, before, after) = (field.to_owned(), before.cloned(), after.cloned());
            changes.push(Change { field, before, after });
        }
    };
    if let Some(email) = email {
        note("email", Some(&lead.email.to_string()), Some(&email.to_string()));
    }
    for (field, before, after) in [
        ("first_name", &known.first_name, &profile.first_name),
        ("last_name", &known.last_name, &profile.last_name),
        ("company", &known.company, &profile.company),
        ("title", &known.title, &profile.title),
        ("phone", &known.phone, &profile.phone),
        ("country", &known.country, &profile.country),
        ("zone", &known.zone, &profile.zone),
        ("language", &known.language, &profile.language),
    ] {
        note(field, before.as_ref(), after.as_ref());
    }
    let names: BTreeSet<&String> = known.fields.keys().chain(profile.fields.keys()).collect();
    for name in names.into_iter().filter(|name| !FIELDS.contains(&name.as_str())) {
        note(name, known.fields.get(name), profile.fields.get(name));
    }
    changes
}
