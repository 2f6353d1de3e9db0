//! What the fields of a web form mean, judged by their names alone.
//!
//! A name of [`VALUES`] is that value of the lead, however it is spelled: `First Name`, `first-name` and `firstname`
//! are one. What form software and ad platforms put into a form without asking anybody is kept as a field, or left
//! out where it says nothing once the form is sent. Everything else was asked of the person: it is the answer to the
//! question that the field is called by, in the order of the form. Whatever stands between the brackets of
//! `answers[…]` is a question, also when it is called like a value.

use super::text::MAX_LINE;
use super::{RawLead, is_for_a_crm_to_say};
use crate::domain::spelling::folded;

/// The place of a value in a lead.
type Place = fn(&mut RawLead) -> &mut Option<String>;

/// The values that a form may give, and what their fields are called, folded; of several that are filled in, the one
/// named first here has the place and the others are answers.
const VALUES: [(Place, &[&str]); 18] = [
    (|raw| &mut raw.email, &["email", "emailaddress"]),
    (|raw| &mut raw.first_name, &["firstname", "givenname"]),
    (|raw| &mut raw.last_name, &["lastname", "familyname", "surname"]),
    (|raw| &mut raw.full_name, &["name", "fullname"]),
    (|raw| &mut raw.company, &["company", "companyname", "organisation", "organization"]),
    (|raw| &mut raw.title, &["title", "jobtitle"]),
    (|raw| &mut raw.phone, &["phone", "phonenumber", "tel", "telephone"]),
    (|raw| &mut raw.country, &["country"]),
    (|raw| &mut raw.zone, &["zone", "timezone"]),
    (|raw| &mut raw.language, &["language", "lang"]),
    (|raw| &mut raw.source, &["utmsource", "source"]),
    (|raw| &mut raw.medium, &["utmmedium", "medium"]),
    (|raw| &mut raw.utm_campaign, &["utmcampaign"]),
    // Not `term` and `content`: so are fields called that ask for the length of a contract, or for a message.
    (|raw| &mut raw.term, &["utmterm"]),
    (|raw| &mut raw.content, &["utmcontent"]),
    (|raw| &mut raw.ad, &["ad"]),
    (|raw| &mut raw.landing_page, &["landingpage", "page"]),
    (|raw| &mut raw.referrer, &["referrer", "referer"]),
];

/// What nobody was asked and says something all the same, folded: clicks on ads, which form it was.
const MARKS: [&str; 16] = [
    "button", "campaign", "dclid", "fbclid", "formid", "formname", "gbraid", "gclid", "lifatid", "msclkid",
    "submit", "ttclid", "twclid", "utmid", "wbraid", "yclid",
];

/// What says nothing once the form is sent, folded: proofs that it came from a page, or from a human being.
const PROOFS: [&str; 7] = [
    "authenticitytoken",
    "cfturnstileresponse",
    "csrfmiddlewaretoken",
    "csrftoken",
    "frccaptchasolution",
    "grecaptcharesponse",
    "hcaptcharesponse",
];

/// What a field is, by its name.
enum Meaning<'a> {
    Value(Place),
    Answer(&'a str),
    Mark,
    Nothing,
}

/// What a field of that name means, and how good its claim on the place of a value is: 0 is the best.
fn meaning(name: &str) -> (Meaning<'_>, usize) {
    if let Some(question) = name.strip_prefix("answers[").and_then(|rest| rest.strip_suffix(']')) {
        return (Meaning::Answer(question), 0);
    }
    if is_for_a_crm_to_say(name) {
        return (Meaning::Nothing, 0);
    }
    let key = folded(name);
    for (place, names) in &VALUES {
        if let Some(claim) = names.iter().position(|name| *name == key) {
            return (Meaning::Value(*place), claim);
        }
    }
    let meaning = if PROOFS.contains(&key.as_str()) || name.chars().count() > MAX_LINE {
        Meaning::Nothing
    } else if name.starts_with('_') || MARKS.contains(&key.as_str()) {
        Meaning::Mark
    } else {
        Meaning::Answer(name)
    };
    (meaning, 0)
}

/// The lead that a form describes, by the names and values of its fields in their order.
pub fn lead_of(fields: Vec<(String, String)>) -> RawLead {
    let mut raw = RawLead::default();
    let mut fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
    // Stable: answers stay in the order of the form.
    fields.sort_by_cached_key(|(name, _)| meaning(name).1);
    for (name, value) in fields {
        match meaning(&name).0 {
            Meaning::Value(place) => match place(&mut raw) {
                none @ None => *none = Some(value),
                Some(same) if *same == value => {}
                Some(_) => raw.answers.push((name, value)),
            },
            Meaning::Answer(question) => raw.answers.push((question.to_owned(), value)),
            Meaning::Mark => raw.fields.push((name, value)),
            Meaning::Nothing => {}
        }
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(fields: &[(&str, &str)]) -> RawLead {
        lead_of(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn what_a_form_asks_beyond_the_lead_s_values_is_answered_in_the_form_s_order() {
        let raw = lead(&[
            ("How many users", "40"),
            ("Email", "jane@firm.example"),
            ("budget", "10k"),
            ("answers[name]", "Acme Suite"),
            ("message", "Call me,\nplease"),
            ("content", "A quote"),
            ("notes", " "),
        ]);
        assert_eq!(raw.email.as_deref(), Some("jane@firm.example"));
        assert_eq!(
            raw.answers,
            [
                pair("How many users", "40"),
                pair("budget", "10k"),
                pair("name", "Acme Suite"),
                pair("message", "Call me,\nplease"),
                pair("content", "A quote"),
            ]
        );
        assert!(raw.fields.is_empty() && raw.full_name.is_none() && raw.content.is_none());
    }

    #[test]
    fn a_value_is_known_however_its_field_is_spelled_and_of_two_neither_is_lost() {
        let raw = lead(&[("tel", "030 2"), ("First-Name", "Jane"), ("Phone", "030 1"), ("source", "x")]);
        assert_eq!((raw.phone.as_deref(), raw.first_name.as_deref()), (Some("030 1"), Some("Jane")));
        assert_eq!((raw.source.as_deref(), raw.answers), (Some("x"), vec![pair("tel", "030 2")]));
        let blank = lead(&[("phone", ""), ("tel", "030 2")]);
        assert_eq!((blank.phone.as_deref(), blank.answers), (Some("030 2"), vec![]));
    }

    #[test]
    fn what_nobody_was_asked_is_no_answer() {
        let raw = lead(&[
            ("gclid", "abc"),
            ("_subject", "Demo"),
            ("g-recaptcha-response", "03AF"),
            ("Do_Not_Call", "true"),
            ("crm_owner#7", "rep1@ours.example"),
            (&"x".repeat(MAX_LINE + 1), "y"),
        ]);
        assert_eq!(raw.fields, [pair("gclid", "abc"), pair("_subject", "Demo")]);
        assert_eq!((raw.answers, raw.do_not_call), (vec![], None));
    }

    #[test]
    fn no_two_meanings_claim_one_name() {
        let mut names: Vec<&str> = VALUES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        names.extend(MARKS.iter().chain(&PROOFS));
        assert!(names.iter().all(|name| folded(name) == *name), "{names:?}");
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
