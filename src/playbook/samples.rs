//! Values to try templates with: for `nurtured check` and `preview`, where no lead is at hand, and at load,
//! where a mail that cannot be written for somebody of whom little is known has to be found.
//!
//! [`Sample::Rich`] has a value for every variable there is; [`Sample::Bare`] has none that may be missing by
//! `schemas.rs`, and each list has at most one item. What the engine writes lies between the two.

use serde_json::{Map, Value, json};

/// Which lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Everything is known of it.
    Rich,
    /// Nothing is known of it but the address.
    Bare,
}

impl Sample {
    /// Both.
    pub const ALL: [Sample; 2] = [Sample::Rich, Sample::Bare];
}

/// The values of a mail to a lead.
pub fn lead_sample(sample: Sample) -> Value {
    let mut values = json!({
        "lead": person(sample),
        "campaign": campaign(sample),
        "sender": { "name": "Robin Adler", "company": "Ours Ltd" },
        "unsubscribe_url": "https://nurtured.ours.example/u/sample",
    });
    if sample == Sample::Rich {
        values["sender"]["postal_address"] = json!("Example Street 1, 10115 Berlin, Germany");
    }
    values
}

/// The values of the mail to staff that is written by the template `staff/<name>`: `notice` is about a lead
/// and no promise, `operator` about neither.
pub fn staff_sample(name: &str, sample: Sample) -> Value {
    let mut values = Map::new();
    values.insert("to_name".to_owned(), json!("Robin Adler"));
    if name != "operator" {
        about_the_lead(&mut values, sample);
        if name != "notice" {
            values.insert("promise".to_owned(), promise(sample));
        }
    }
    if sample == Sample::Rich {
        values.insert("note".to_owned(), json!(note(name)));
    }
    Value::Object(values)
}

fn about_the_lead(values: &mut Map<String, Value>, sample: Sample) {
    let mut insert = |name: &str, value: Value| values.insert(name.to_owned(), value);
    let mut lead = person(sample);
    match sample {
        Sample::Rich => {
            lead["display"] = json!("Jane Doe, Acme");
            lead["phone"] = json!("+493090182000");
            lead["phone_url"] = json!("tel:+493090182000");
            lead["email_url"] = json!("mailto:jane.doe@acme.example");
            lead["local_time"] = json!("Tue 10:05 in Europe/Berlin");
            lead["score"] = json!(62);
            lead["grade"] = json!("A");
            lead["round"] = json!(2);
            insert("call", json!({ "now": true, "words": "Yes, until 12:00 their time." }));
            insert("reasons", json!([
                "Score 62 and grade A: past the hand-off point of campaign webinar.",
                "Yours because Robin Adler has waited longest among those with room: 26 hours.",
                "Has been with sales before: this is round 2.",
            ]));
            insert("touches", json!([
                {
                    "at": "Mon 16 Feb 2026",
                    "words": "google · cpc · crm-switch · ad-b · crm without a project",
                    "ad": "Switch your CRM in four weeks, or stop and pay nothing",
                    "landing_page": "https://ours.example/switch",
                },
                {
                    "at": "Thu 26 Feb 2026",
                    "words": "linkedin · social · webinar-march",
                    "ad": "Webinar: what a change really costs",
                    "landing_page": "https://ours.example/webinar",
                },
            ]));
            insert("answers", json!([
                { "question": "What do you use today?", "answer": "Spreadsheets, and a CRM nobody opens" },
                { "question": "When do you want to decide?", "answer": "Before the summer" },
            ]));
            insert("behaviour", json!([
                { "at": "Tue 3 Mar 08:41", "words": "pricing page" },
                { "at": "Mon 2 Mar 17:30", "words": "webinar attended" },
                { "at": "Thu 26 Feb 09:12", "words": "webinar registered" },
            ]));
            insert("history", json!([
                { "at": "Tue 3 Mar 10:05", "words": "Handed to rep1@ours.example: Robin Adler has waited longest." },
                { "at": "Tue 3 Mar 10:05", "words": "First contact promised by Wed 4 Mar 11:35." },
                { "at": "Wed 4 Mar 09:35", "words": "Level warning reached." },
            ]));
            insert("owner", json!({
                "name": "Robin Adler",
                "email": "rep1@ours.example",
                "email_url": "mailto:rep1@ours.example",
                "is_reader": true,
            }));
        }
        Sample::Bare => {
            lead["display"] = json!("jane.doe@acme.example");
            lead["email_url"] = json!("mailto:jane.doe@acme.example");
            lead["local_time"] = json!("Tue 10:05 in Europe/Berlin");
            lead["score"] = json!(0);
            lead["round"] = json!(1);
            insert("call", json!({ "now": false, "words": "No: no phone number is known." }));
            insert("reasons", json!(["Yours because Robin Adler is the only one there with room."]));
            insert("touches", json!([{ "at": "Tue 3 Mar 2026", "words": "source unknown" }]));
            insert("owner", json!({ "is_reader": false }));
        }
    }
    lead["stage"] = json!("handed off");
    insert("lead", lead);
    insert("campaign", campaign(sample));
    insert("actions", json!([
        { "label": "I take it", "command": "nurtured lead accept jane.doe@acme.example" },
        {
            "label": "I called and talked",
            "command": "nurtured lead attempt jane.doe@acme.example --channel phone --outcome reached",
        },
        {
            "label": "I called, no answer",
            "command": "nurtured lead attempt jane.doe@acme.example --channel phone --outcome no_answer",
        },
        {
            "label": "I give it back",
            "command": "nurtured lead reject jane.doe@acme.example --reason not-ready",
        },
    ]));
}

fn person(sample: Sample) -> Value {
    match sample {
        Sample::Rich => json!({
            "email": "jane.doe@acme.example",
            "first_name": "Jane",
            "last_name": "Doe",
            "full_name": "Jane Doe",
            "company": "Acme",
            "title": "Head of Operations",
            "country": "DE",
            "source": "google",
        }),
        Sample::Bare => json!({ "email": "jane.doe@acme.example" }),
    }
}

fn campaign(sample: Sample) -> Value {
    match sample {
        Sample::Rich => json!({
            "name": "webinar",
            "brief": "Signed up for the webinar on what a change costs.",
            "incentive": "the recording and the slides",
        }),
        Sample::Bare => json!({}),
    }
}

fn promise(sample: Sample) -> Value {
    match sample {
        Sample::Rich => json!({
            "what": "first contact within 8 business hours",
            "since": "Tue 3 Mar 10:05",
            "by": "Wed 4 Mar 11:35",
            "by_short": "Wed 11:35",
            "broken": true,
            "late": "This fell due Wed 4 Mar 11:35 and is told only now: nurtured was not running then.",
            "zone": "Europe/Berlin",
            "total": "8 h",
            "otherwise": [
                "Wed 4 Mar 09:35: you are reminded.",
                "Wed 4 Mar 11:35: you and your manager are told.",
                "Thu 5 Mar 09:05: you and your manager are told, and somebody else with room gets the lead.",
                "Thu 5 Mar 14:35: the director is told.",
            ],
            "counted": [
                { "from": "Tue 3 Mar 10:05", "to": "12:00", "counts": "1 h 55 min", "why": "counted" },
                { "from": "Tue 3 Mar 12:00", "to": "13:30", "why": "out of hours" },
                { "from": "Tue 3 Mar 13:30", "to": "17:00", "counts": "3 h 30 min", "why": "counted" },
                { "from": "Tue 3 Mar 17:00", "to": "Wed 4 Mar 09:00", "why": "out of hours" },
                { "from": "Wed 4 Mar 09:00", "to": "11:35", "counts": "2 h 35 min", "why": "counted" },
            ],
        }),
        Sample::Bare => json!({
            "what": "first contact within 1 business hour",
            "since": "Tue 3 Mar 10:05",
            "by": "Tue 3 Mar 11:05",
            "by_short": "Tue 11:05",
            "broken": false,
            "zone": "Europe/Berlin",
            "total": "1 h",
            "counted": [{ "from": "Tue 3 Mar 10:05", "to": "11:05", "counts": "1 h", "why": "counted" }],
        }),
    }
}

fn note(name: &str) -> &'static str {
    match name {
        "operator" => "All mail to leads has stopped: 20000 mails on one day. Look at it, then run `nurtured release`.",
        "notice" => "This lead has written to us. It waits for your answer.",
        _ => "The lead now belongs to Sam Berger.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::render::Schema;
    use crate::playbook::schemas::{LEAD_MAIL, STAFF_MAIL};

    /// The value of `touches[].ad` in `values`: of a list, that of any item which has it.
    fn value<'v>(values: &'v Value, variable: &str) -> Option<&'v Value> {
        let Some((list, item)) = variable.split_once("[].") else {
            return variable.split('.').try_fold(values, |value, name| value.get(name));
        };
        value(values, list)?.as_array()?.iter().find_map(|entry| value(entry, item))
    }

    fn missing(schema: &Schema, values: &Value) -> Vec<String> {
        let variables = schema.variables().into_iter();
        variables.map(|(name, _)| name).filter(|name| value(values, name).is_none()).collect()
    }

    #[test]
    fn the_rich_samples_have_a_value_for_every_variable() {
        assert_eq!(missing(&LEAD_MAIL, &lead_sample(Sample::Rich)), [""; 0]);
        assert_eq!(missing(&STAFF_MAIL, &staff_sample("escalation", Sample::Rich)), [""; 0]);
    }

    #[test]
    fn the_bare_samples_lack_exactly_what_may_be_missing() {
        for (schema, values) in [
            (&*LEAD_MAIL, lead_sample(Sample::Bare)),
            (&*STAFF_MAIL, staff_sample("escalation", Sample::Bare)),
        ] {
            for (name, field) in schema.variables() {
                let list = name.split_once("[].").map_or(name.as_str(), |(list, _)| list);
                if list != name && value(&values, list).is_none() {
                    continue;
                }
                let may_be_missing =
                    field.doc.contains("may be missing") || matches!(field.kind, crate::mail::render::Kind::List(_));
                let is_missing = value(&values, &name).is_none();
                assert!(!is_missing || may_be_missing, "`{name}` is not said to be missing at times");
                assert!(is_missing || !field.doc.contains("may be missing"), "`{name}` should be missing");
            }
        }
    }

    #[test]
    fn the_minutes_of_the_sample_add_up() {
        let promise = promise(Sample::Rich);
        let minutes = |text: &str| {
            let numbers: Vec<i64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
            match numbers[..] {
                [hours, minutes] => hours * 60 + minutes,
                [hours] => hours * 60,
                _ => panic!("{text}"),
            }
        };
        let counted = promise["counted"].as_array().expect("a list").iter();
        let sum: i64 = counted.filter_map(|piece| piece["counts"].as_str()).map(minutes).sum();
        assert_eq!(sum, minutes(promise["total"].as_str().expect("text")));
    }
}
