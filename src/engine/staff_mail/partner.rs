//! A partner is told of a lead what the agreement says, and no more.
//!
//! Applied to every mail about a lead just before it is written, whatever the mail is about: a field that
//! somebody adds to a mail is kept from partners unless it is let through here. A mail about several leads is
//! written from leads of which no more is known than that ([`shared`]).

use serde_json::{Map, Value, json};

use crate::domain::lead::Profile;
use crate::domain::routing::Share;

/// Leaves of the values of a mail what `shares` names, the address, and what is ours: the promise, the hours, what
/// can be done.
pub(super) fn withhold(values: &mut Value, shares: &[Share]) {
    let has = |share: Share| shares.contains(&share);
    let Value::Object(values) = values else { return };
    let kept = |name: &String, _: &mut Value| match name.as_str() {
        "to_name" | "lead" | "call" | "promise" | "also_promised" | "owner" | "note" | "history" => true,
        "next_owner" | "buttons" | "actions" | "unless" | "zone" => true,
        "campaign" => has(Share::Campaign),
        "touches" => has(Share::Source),
        "answers" | "wrote" | "quote" => has(Share::Answers),
        "behaviour" => has(Share::Behaviour),
        "reasons" => has(Share::Reasons),
        _ => false,
    };
    values.retain(kept);
    if let Some(Value::Array(history)) = values.get_mut("history") {
        history.retain_mut(|entry| is_told(entry, &has));
    }
    let Some(Value::Object(lead)) = values.get_mut("lead") else { return };
    lead.retain(|name, _| match name.as_str() {
        "email" | "email_url" | "display" | "local_time" | "stage" | "round" | "score" => true,
        "first_name" | "last_name" | "full_name" => has(Share::Name),
        "company" => has(Share::Company),
        "title" => has(Share::Title),
        "phone" | "phone_url" => has(Share::Phone),
        "country" => has(Share::Country),
        "source" => has(Share::Source),
        "grade" => has(Share::Reasons),
        _ => false,
    });
    let display = display(lead);
    lead.insert("display".to_owned(), json!(display));
    if !has(Share::Reasons) {
        // A template may show it, so it is there; it says nothing.
        lead.insert("score".to_owned(), json!(0));
    }
}

/// Whether an entry of the history is told, with what a partner may know of it in place of the rest.
fn is_told(entry: &mut Value, has: &dyn Fn(Share) -> bool) -> bool {
    let needs = entry["needs"].as_str().and_then(|name| name.parse::<Share>().ok());
    if needs.is_none_or(has) {
        return true;
    }
    match entry["instead"].as_str().map(str::to_owned) {
        Some(words) => {
            entry["words"] = json!(words);
            true
        }
        None => false,
    }
}

/// What is known of a lead to whom no more is told than `shares` names.
pub(super) fn shared(known: Profile, shares: &[Share]) -> Profile {
    let only = |share: Share, field: Option<String>| field.filter(|_| shares.contains(&share));
    Profile {
        first_name: only(Share::Name, known.first_name),
        last_name: only(Share::Name, known.last_name),
        company: only(Share::Company, known.company),
        title: only(Share::Title, known.title),
        phone: only(Share::Phone, known.phone),
        country: only(Share::Country, known.country),
        ..Profile::default()
    }
}

fn display(lead: &Map<String, Value>) -> String {
    let text = |name: &str| lead.get(name).and_then(Value::as_str);
    let name = text("full_name").or_else(|| text("email")).unwrap_or_default();
    match text("company") {
        Some(company) => format!("{name}, {company}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::samples::{Sample, staff_sample};

    #[test]
    fn the_history_tells_no_more_than_is_shared() {
        let history = json!([
            { "words": "Sam got it, who is the only one with room.", "needs": "reasons", "instead": "Sam got it." },
            { "words": "They did: pricing page.", "needs": "behaviour", "instead": null },
            { "words": "Against it: price.", "needs": "answers", "instead": null },
            { "words": "Sam called, no answer.", "needs": null, "instead": null },
        ]);
        for (shares, told) in [
            (&[][..], vec!["Sam got it.", "Sam called, no answer."]),
            (&[Share::Behaviour], vec!["Sam got it.", "They did: pricing page.", "Sam called, no answer."]),
            (
                &[Share::Reasons, Share::Answers],
                vec![
                    "Sam got it, who is the only one with room.",
                    "Against it: price.",
                    "Sam called, no answer.",
                ],
            ),
        ] {
            let mut values = json!({ "lead": { "email": "j@a.example" }, "history": history });
            withhold(&mut values, shares);
            let words: Vec<&str> = values["history"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|entry| entry["words"].as_str())
                .collect();
            assert_eq!(words, told, "{shares:?}");
        }
    }

    #[test]
    fn a_list_of_several_leads_says_no_more_of_each() {
        let text = |words: &str| Some(words.to_owned());
        let profile = Profile {
            first_name: text("Jane"),
            last_name: text("Doe"),
            company: text("Acme"),
            title: text("Head of Operations"),
            phone: text("+493090182000"),
            country: text("DE"),
            zone: text("Europe/Berlin"),
            language: text("de"),
            fields: [("budget".to_owned(), "1000".to_owned())].into(),
        };
        for (share, kept) in [
            (Share::Name, Profile { first_name: text("Jane"), last_name: text("Doe"), ..Profile::default() }),
            (Share::Company, Profile { company: text("Acme"), ..Profile::default() }),
            (Share::Title, Profile { title: text("Head of Operations"), ..Profile::default() }),
            (Share::Phone, Profile { phone: text("+493090182000"), ..Profile::default() }),
            (Share::Country, Profile { country: text("DE"), ..Profile::default() }),
            (Share::Answers, Profile::default()),
        ] {
            assert_eq!(shared(profile.clone(), &[share]), kept, "{share:?}");
        }
    }

    /// Every text in a value.
    fn texts(value: &Value, into: &mut String) {
        match value {
            Value::String(text) => {
                into.push_str(text);
                into.push('\n');
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
            Value::Object(fields) => fields.values().for_each(|field| texts(field, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    #[test]
    fn a_partner_is_told_what_is_shared_and_no_more() {
        // What of the rich sample belongs to which share.
        let of = [
            (Share::Name, "Doe"),
            (Share::Company, "Acme"),
            (Share::Title, "Head of Operations"),
            (Share::Phone, "+493090182000"),
            (Share::Country, "DE"),
            (Share::Source, "ours.example/switch"),
            (Share::Campaign, "the recording and the slides"),
            (Share::Answers, "Before the summer"),
            (Share::Behaviour, "webinar attended"),
            (Share::Reasons, "past the hand-off point"),
        ];
        assert_eq!(of.len(), Share::ALL.len());
        for (shared, _) in of {
            let mut values = staff_sample("hand-off", Sample::Rich);
            withhold(&mut values, &[shared]);
            let mut told = String::new();
            texts(&values, &mut told);
            for (share, words) in of {
                assert_eq!(told.contains(words), share == shared, "{shared:?} shared, {words:?} in\n{told}");
            }
            assert!(told.contains("jane.doe@acme.example"), "without an address nobody could be written to");
            assert!(values["buttons"].as_array().is_some_and(|buttons| !buttons.is_empty()), "they act, too");
        }
    }
}
