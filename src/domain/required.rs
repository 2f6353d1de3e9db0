//! What must be known of a lead before sales is bothered with it.
//!
//! A rep who gets a lead without a number to call, or without the one answer on which everything turns, does
//! marketing's work. So a campaign may say what it requires; a lead that lacks some of it stays with
//! marketing, which is told what is missing.

use std::fmt;

use super::lead::{Answer, Lead};
use crate::problem::nearest;

/// Something that can be required of a lead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// Its given name.
    FirstName,
    /// Its family name.
    LastName,
    /// The company's name.
    Company,
    /// The job title.
    Title,
    /// A number to call.
    Phone,
    /// The country.
    Country,
    /// An answer to this question.
    Answer(String),
    /// A field of a form or an export, by its name there.
    Field(String),
}

/// Why a text names nothing that can be required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

const PLAIN: [(&str, Known); 6] = [
    ("first_name", Known::FirstName),
    ("last_name", Known::LastName),
    ("company", Known::Company),
    ("title", Known::Title),
    ("phone", Known::Phone),
    ("country", Known::Country),
];

impl Known {
    /// Reads `phone`, `lead.phone`, `answers["When do you want to decide?"]` or `fields["Seats"]`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Known, UnknownField> {
        let name = text.strip_prefix("lead.").unwrap_or(text).trim();
        if let Some((_, known)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(known.clone());
        }
        for (family, of) in [("answers", Known::Answer as fn(String) -> Known), ("fields", Known::Field)] {
            let Some(member) = name.strip_prefix(family) else { continue };
            let member = member
                .trim()
                .strip_prefix('[')
                .and_then(|member| member.strip_suffix(']'))
                .map(str::trim)
                .and_then(|quoted| quoted.strip_prefix(['"', '\'']))
                .and_then(|quoted| quoted.strip_suffix(['"', '\'']))
                .map(str::trim)
                .filter(|member| !member.is_empty());
            return match member {
                Some(member) => Ok(of(member.to_owned())),
                None => Err(UnknownField {
                    message: format!("`{text}` does not say which of the {family}"),
                    hint: format!("write '{family}[\"…\"]', with the words as they were asked"),
                }),
            };
        }
        let names = PLAIN.iter().map(|(plain, _)| *plain).chain(["answers", "fields"]);
        let hint = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "a campaign can require {}, 'answers[\"…\"]' and 'fields[\"…\"]'",
                PLAIN.map(|(plain, _)| plain).join(", ")
            ),
        };
        Err(UnknownField { message: format!("a lead has no `{text}`"), hint })
    }

    /// As [`Known::parse`] reads it.
    pub fn name(&self) -> String {
        match self {
            Known::Answer(question) => format!("answers[\"{question}\"]"),
            Known::Field(name) => format!("fields[\"{name}\"]"),
            plain => PLAIN.iter().find(|(_, known)| known == plain).map_or("", |(name, _)| *name).to_owned(),
        }
    }

    /// Whether it is known.
    fn is_known(&self, lead: &Lead, answers: &[Answer]) -> bool {
        let profile = &lead.profile;
        let answered = |question: &str| answers.iter().any(|answer| answer.question == question);
        match self {
            Known::FirstName => profile.first_name.is_some(),
            Known::LastName => profile.last_name.is_some(),
            Known::Company => profile.company.is_some(),
            Known::Title => profile.title.is_some(),
            Known::Phone => profile.phone.is_some(),
            Known::Country => profile.country.is_some(),
            Known::Answer(question) => answered(question),
            // As conditions see it: what an export has as a field, a form asks.
            Known::Field(name) => match profile.fields.get(name) {
                Some(value) => !value.trim().is_empty(),
                None => answered(name),
            },
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Known::Answer(question) => write!(f, "answer to “{question}”"),
            Known::Field(name) => write!(f, "field “{name}”"),
            plain => {
                let name = PLAIN.iter().find(|(_, known)| known == plain).map_or("", |(name, _)| *name);
                f.write_str(&name.replace('_', " "))
            }
        }
    }
}

/// What of `required` is not known of a lead, in the order of the agreement.
pub fn missing_of(required: &[Known], lead: &Lead, answers: &[Answer]) -> Vec<Known> {
    required.iter().filter(|known| !known.is_known(lead, answers)).cloned().collect()
}

/// What of `required` is not known of a lead, as people read it, in the order of the agreement.
pub fn missing(required: &[Known], lead: &Lead, answers: &[Answer]) -> Vec<String> {
    missing_of(required, lead, answers).iter().map(Known::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_required_is_read_and_the_rest_is_refused_with_advice() {
        for (text, read) in [
            ("phone", Ok("phone")),
            ("lead.first_name", Ok("first name")),
            ("answers[\"When do you want to decide?\"]", Ok("answer to “When do you want to decide?”")),
            ("fields['Seats']", Ok("field “Seats”")),
            ("fone", Err("did you mean `phone`?")),
            ("answers", Err("write 'answers[\"…\"]', with the words as they were asked")),
            ("answers[\"\"]", Err("write 'answers[\"…\"]', with the words as they were asked")),
            (
                "budget",
                Err("a campaign can require first_name, last_name, company, title, phone, country, \
                     'answers[\"…\"]' and 'fields[\"…\"]'"),
            ),
        ] {
            let known = Known::parse(text);
            let told = known.as_ref().map(Known::to_string).map_err(|refused| refused.hint.as_str());
            assert_eq!(told.as_deref().map_err(|hint| *hint), read, "{text}");
        }
    }
}
