//! Values to try templates with: for `nurtured check` and `preview`, where no lead is at hand, and at load,
//! where a mail that cannot be written for somebody of whom little is known has to be found.
//!
//! [`Sample::Rich`] has a value for every variable that the engine fills in for that mail; [`Sample::Bare`] has
//! none that may be missing by `schemas.rs`, and lists of at most one item. What the engine writes lies between.

mod kept;
mod tasks;

use serde_json::{Map, Value, json};

use crate::domain::ids::LeadId;
use crate::mail::question;
use crate::mail::render::ASKING;
use kept::{about_the_review, about_what_is_behind};
use tasks::{dispute, incomplete, news, team, work};

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
    values[ASKING] = question::asking(b"sample", LeadId(1), "https://nurtured.ours.example");
    if sample == Sample::Rich {
        values["contact_by"] = json!("Monday 2 March 10:30 (Europe/Berlin)");
        values["sender"]["postal_address"] = json!("Example Street 1, 10115 Berlin, Germany");
    }
    values
}

/// The values of the mail to staff that is written by the template `staff/<name>`: `notice` is about a lead
/// and no promise, `operator` about neither, `digest`, `call-list` and `away` about several leads, `behind` and `review`
/// about the agreement itself. An `escalation` goes to the manager in the rich sample, to the rep in the bare one, so
/// that both of its readers are tried.
pub fn staff_sample(name: &str, sample: Sample) -> Value {
    let mut values = Map::new();
    values.insert("to_name".to_owned(), json!("Robin Adler"));
    if sample == Sample::Rich {
        values.insert("zone".to_owned(), json!("Europe/Berlin"));
    }
    if name == "away" {
        let (buttons, actions) = ways(name, sample);
        values.insert("buttons".to_owned(), buttons);
        values.insert("actions".to_owned(), actions);
    }
    if ["digest", "call-list", "away"].contains(&name) {
        values.insert("digest".to_owned(), digest(sample, name));
        if name == "call-list" {
            values.insert("calls".to_owned(), calls(sample));
        }
        return Value::Object(values);
    }
    if name == "report" {
        values.insert("report".to_owned(), super::figures::sample(sample));
        return Value::Object(values);
    }
    match name {
        "operator" | "erased" => {}
        "behind" => about_what_is_behind(&mut values, sample),
        "team-full" => {
            values.insert("team".to_owned(), team(sample));
        }
        "campaign-news" => {
            values.insert("news".to_owned(), news(sample));
        }
        "data-quality" => {
            values.insert("incomplete".to_owned(), incomplete(sample));
        }
        "review" => about_the_review(&mut values, sample),
        "work-list" => {
            values.insert("work".to_owned(), work(sample));
        }
        _ => about_the_lead(&mut values, sample, name),
    }
    let about_no_lead = [
        "operator",
        "erased",
        "behind",
        "review",
        "notice",
        "team-full",
        "campaign-news",
        "data-quality",
        "work-list",
    ];
    if !about_no_lead.contains(&name) {
        values.insert("promise".to_owned(), promise(sample, name));
        if name == "dispute" {
            dispute(&mut values, sample);
        }
    }
    let note = match name {
        "operator" => Some(
            "All mail to leads has stopped: 20000 mails on one day. Look at it, then run `nurtured release`.",
        ),
        "erased" => Some("The lead that you got on Tue 3 Mar"),
        "notice" => Some("This lead has written to us. It waits for your answer."),
        "campaign-news" => Some("2 campaigns are new or have changed: this is what their leads read"),
        "reassigned" => Some("The lead now belongs to Sam Berger."),
        "behind" => Some("Marketing is behind with webinar-leads: 11 leads, 18 due by now"),
        "work-list" => Some("2 leads wait for you"),
        _ => None,
    };
    if sample == Sample::Rich {
        values.insert("note".to_owned(), json!(note));
        if name == "reassigned" {
            values.insert("next_owner".to_owned(), json!("Sam Berger"));
        }
        if name == "notice" {
            values.insert("headline".to_owned(), json!("This lead has written to us"));
        }
    }
    Value::Object(values)
}

fn digest(sample: Sample, name: &str) -> Value {
    let mut digest = match (name, sample) {
        ("call-list", _) => json!({ "headline": "2 calls" }),
        ("away", Sample::Bare) => json!({
            "headline": "1 lead",
            "groups": [{
                "heading": "1 lead",
                "lines": [{ "display": "jane.doe@acme.example", "words": "now with Sam Berger" }],
            }],
        }),
        ("away", Sample::Rich) => json!({
            "headline": "1 lead",
            "groups": [{
                "heading": "1 lead",
                "lines": [{
                    "display": "Jane Doe, Acme",
                    "words": "now with Sam Berger",
                    "todo": "Tell Sam Berger what you know",
                    "todo_url": "mailto:rep2@ours.example",
                }],
            }],
        }),
        (_, Sample::Bare) => json!({
            "headline": "1 lead to look at",
            "groups": [{
                "heading": "With nobody: 1 lead",
                "lines": [{ "display": "jane.doe@acme.example", "words": "Please look at this lead." }],
            }],
        }),
        (_, Sample::Rich) => json!({
            "headline": "4 leads overdue, 1 due soon",
            "late": "2 of these fell due while nurtured was not running, and are told only now, once.",
            "groups": [
                {
                    "heading": "Robin Adler: 3 leads",
                    "ask": "Ask Robin Adler",
                    "ask_url": "mailto:rep1@ours.example",
                    "lines": [
                        {
                            "display": "Jane Doe, Acme",
                            "words": "first contact within 8 business hours was due Mon 2 Mar 10:30. Found late.",
                            "act": "Give it to somebody else, or take it",
                            "act_url": "https://nurtured.ours.example/a/jane",
                        },
                        {
                            "display": "Jo Bloggs, Initech",
                            "words": "first contact within 8 business hours was due Mon 2 Mar 16:00. Nobody else of \
                                      the team is there with room, so the lead stays where it is.",
                        },
                    ],
                    "more": "And 1 more: Max Roe, Hooli.",
                },
                {
                    "heading": "Yours: 2 leads",
                    "lines": [
                        {
                            "display": "Ann Lee, Umbrella",
                            "words": "first contact within 1 business hour was due Tue 3 Mar 11:05.",
                            "todo": "Call +493090182000",
                            "todo_url": "tel:+493090182000",
                            "act": "Log it, or give it back",
                            "act_url": "https://nurtured.ours.example/a/ann",
                        },
                        {
                            "display": "Tim Poe, Globex",
                            "words": "Robin Adler made no attempt (first contact within 8 business hours, due Tue 3 Mar \
                                      09:30). The lead now belongs to Sam Berger. It is due Wed 4 Mar 09:30 there.",
                            "todo": "Write",
                            "todo_url": "mailto:tim@globex.example",
                        },
                    ],
                },
            ],
            "settled": ["Eve Ray: done meanwhile"],
        }),
    };
    if sample == Sample::Rich {
        match name {
            "call-list" => digest["worst"] = json!("Jane Doe, Acme, overdue since Mon 2 Mar 10:30"),
            "away" => digest["back"] = json!("Mon 16 Mar 2026"),
            _ => digest["worst"] = json!("Jane Doe, Acme since Mon 2 Mar 10:30 (Robin Adler)"),
        }
    }
    digest
}

fn calls(sample: Sample) -> Value {
    let bare = json!({
        "display": "jo@initech.example",
        "email": "jo@initech.example",
        "email_url": "mailto:jo@initech.example",
        "local_time": "Tue 03:05 in America/New_York",
        "call_words": "No: no phone number is known.",
        "what": "first contact",
        "due": "by 16:30",
    });
    match sample {
        Sample::Bare => json!([bare]),
        Sample::Rich => json!([
            {
                "display": "Jane Doe, Acme",
                "title": "Head of Operations",
                "phone": "+493090182000",
                "phone_url": "tel:+493090182000",
                "email": "jane.doe@acme.example",
                "email_url": "mailto:jane.doe@acme.example",
                "local_time": "Tue 09:00 in Europe/Berlin",
                "call_words": "Yes, until 12:00 their time.",
                "what": "attempt 3 of 6",
                "due": "overdue since Mon 2 Mar 10:30",
                "last": "This list says it for the last time: everybody was told whom the agreement names. \
                         Call, or give it back with the reason.",
                "tried": ["Thu 26 Feb 10:12: by phone, no answer", "Fri 27 Feb 15:40: by email, sent"],
                "act": "Log it, or give it back",
                "act_url": "https://nurtured.ours.example/a/sample",
            },
            bare,
        ]),
    }
}

fn about_the_lead(values: &mut Map<String, Value>, sample: Sample, name: &str) {
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
            insert("wrote", json!(["Thanks for the figures.", "Could you call me after the fair?"]));
            insert(
                "reasons",
                json!([
                    "Score 62 and grade A: past the hand-off point of campaign webinar.",
                    "Yours because you have waited longest among those with room: 26 hours.",
                    "Has been with sales before: this is round 2.",
                ]),
            );
            insert(
                "touches",
                json!([
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
                ]),
            );
            insert(
                "answers",
                json!([
                    { "question": "What do you use today?", "answer": "Spreadsheets, and a CRM nobody opens" },
                    { "question": "When do you want to decide?", "answer": "Before the summer" },
                ]),
            );
            insert(
                "behaviour",
                json!([
                    { "at": "Tue 3 Mar 08:41", "words": "pricing page" },
                    { "at": "Mon 2 Mar 17:30", "words": "webinar attended" },
                    { "at": "Thu 26 Feb 09:12", "words": "webinar registered" },
                ]),
            );
            if name == "hand-off" {
                insert(
                    "also_promised",
                    json!([
                        "To take the lead or give it back within 4 business hours: by Tue 3 Mar 14:05.",
                        "6 attempts on 4 days, over 2 channels within 10 business days: by Tue 17 Mar 10:05.",
                    ]),
                );
            }
            insert(
                "earlier",
                json!([
                    {
                        "what": "62 days ago Sam Berger gave it back: Not ready yet.",
                        "said": "Their CRM contract runs until the summer",
                        "tried": "3 calls, 1 of them reached, and 1 mail",
                        "heard": "Too expensive: “we pay half of that now”",
                    },
                    { "what": "190 days ago it was taken from you." },
                ]),
            );
            insert(
                "history",
                json!([
                    { "at": "Tue 3 Mar 10:05", "words": "Robin Adler got it, who has waited longest." },
                    { "at": "Wed 4 Mar 09:35", "words": "Robin Adler was reminded of first contact." },
                ]),
            );
            insert(
                "owner",
                json!({
                    "name": "Robin Adler",
                    "email": "rep1@ours.example",
                    "email_url": "mailto:rep1@ours.example",
                    "is_reader": !matches!(name, "escalation" | "dispute"),
                }),
            );
        }
        Sample::Bare => {
            lead["display"] = json!("jane.doe@acme.example");
            lead["email_url"] = json!("mailto:jane.doe@acme.example");
            lead["local_time"] = json!("Tue 10:05 in Europe/Berlin");
            lead["score"] = json!(0);
            lead["round"] = json!(1);
            insert("call", json!({ "now": false, "words": "No: no phone number is known." }));
            insert("reasons", json!(["Yours because you are the only one there with room."]));
            insert("touches", json!([{ "at": "Tue 3 Mar 2026", "words": "source unknown" }]));
            insert("owner", json!({ "is_reader": true }));
        }
    }
    lead["stage"] = json!("handed off");
    insert("lead", lead);
    insert("campaign", campaign(sample));
    let (buttons, actions) = ways(name, sample);
    insert("buttons", buttons);
    insert("actions", actions);
    if name == "notice" && sample == Sample::Rich {
        let unless =
            "If nobody acts: first contact falls due Wed 4 Mar 11:35; then you and your manager are told.";
        insert("unless", json!(unless));
        insert("quote", json!(["Thanks for the figures.", "Could you call me after the fair?"]));
    }
}

/// What the reader can do: by links in the rich sample, by commands in the bare one.
fn ways(name: &str, sample: Sample) -> (Value, Value) {
    let page = "https://nurtured.ours.example/a/sample";
    let button =
        |label: &str, word: &str| json!({ "label": label, "link": format!("{page}/{word}"), "main": true });
    match (name, sample) {
        ("escalation", Sample::Rich) => (
            json!([
                button("Give it to somebody else", "give"),
                button("I take it over", "take"),
                button("Give the full time once more", "extend"),
                { "label": "Give it back, and everything else", "link": page, "main": false },
            ]),
            json!([]),
        ),
        ("reassigned", Sample::Rich) => (json!([button("It is still mine", "mine")]), json!([])),
        ("reassigned", Sample::Bare) => (
            json!([]),
            json!([{
                "label": "It is still mine",
                "command": "nurtured lead reclaim jane.doe@acme.example --as rep1@ours.example",
            }]),
        ),
        ("away", Sample::Rich) => (json!([button("I am back", "back")]), json!([])),
        ("away", Sample::Bare) => {
            (json!([]), json!([{ "label": "I am back", "command": "nurtured rep back rep1@ours.example" }]))
        }
        ("dispute", Sample::Rich) => (
            json!([
                button("Marketing is right: sales gets it again", "overturn"),
                button("It stays given back", "uphold"),
            ]),
            json!([]),
        ),
        (_, Sample::Rich) => (
            json!([
                button("I take it", "accept"),
                button("I called, no answer", "no-answer"),
                button("I called, we talked", "reached"),
                {
                    "label": "Not now, give it back, I am away, and everything else",
                    "link": page,
                    "main": false,
                },
            ]),
            json!([]),
        ),
        (_, Sample::Bare) => (
            json!([]),
            json!([
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
            ]),
        ),
    }
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

/// What follows, told to the rep.
const FOLLOWS: [&str; 4] = [
    "Wed 4 Mar 09:35: you are reminded.",
    "Wed 4 Mar 11:35: you and your manager are told.",
    "Thu 5 Mar 09:05: you and your manager are told, and somebody else with room gets the lead.",
    "Thu 5 Mar 14:35: the director is told.",
];

fn promise(sample: Sample, name: &str) -> Value {
    let otherwise = match name {
        "escalation" => json!(["Thu 5 Mar 14:35: the director is told."]),
        "reassigned" => json!([]),
        "warning" => json!(FOLLOWS.get(2..)),
        _ => json!(FOLLOWS),
    };
    let unless = match name {
        "escalation" => Some(
            "Unless it is done by Thu 5 Mar 09:05, you and Robin Adler are told, and somebody else with room gets the \
             lead.",
        ),
        "reassigned" => None,
        _ => Some("Unless it is done by then, you and your manager are told."),
    };
    let broken = matches!(name, "escalation" | "reassigned");
    let late = "You would have been told Wed 4 Mar 11:35, but nurtured was not running then.";
    let missing = match (name, sample) {
        ("escalation", Sample::Rich) => "Robin Adler has logged no attempt to reach them.",
        _ => "You have logged no attempt to reach them.",
    };
    let ended_by = "One logged attempt, reached or not, ends this.";
    match sample {
        Sample::Rich => json!({
            "missing": missing,
            "asks": if sample == Sample::Rich { "Call" } else { "Write" },
            "ended_by": ended_by,
            "asks_for_contact": true,
            "over": (name == "warning").then_some("6 of 8 business hours are over"),
            "what": "first contact within 8 business hours",
            "named": (name == "dispute").then_some("Answer to a dispute"),
            "since": "Tue 3 Mar 10:05",
            "by": "Wed 4 Mar 11:35",
            "by_short": "Wed 11:35",
            "broken": broken,
            "late": (name == "escalation").then_some(late),
            "zone": "Europe/Berlin",
            "total": "8 h",
            "unless": unless,
            "otherwise": otherwise,
            "counted": [
                { "from": "Tue 3 Mar 10:05", "to": "12:00", "counts": "1 h 55 min", "why": "counted" },
                { "from": "Tue 3 Mar 12:00", "to": "13:30", "why": "out of hours" },
                { "from": "Tue 3 Mar 13:30", "to": "17:00", "counts": "3 h 30 min", "why": "counted" },
                { "from": "Tue 3 Mar 17:00", "to": "Wed 4 Mar 09:00", "why": "out of hours" },
                { "from": "Wed 4 Mar 09:00", "to": "11:35", "counts": "2 h 35 min", "why": "counted" },
            ],
        }),
        Sample::Bare => json!({
            "missing": missing,
            "asks": if sample == Sample::Rich { "Call" } else { "Write" },
            "ended_by": ended_by,
            "asks_for_contact": true,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::render::{Field, Kind, Schema};
    use crate::playbook::schemas::{LEAD_MAIL, STAFF_MAIL};

    /// The value of `touches[].ad` in `values`: of a list, that of any item which has it.
    fn value<'v>(values: &'v Value, variable: &str) -> Option<&'v Value> {
        if let Some((list, item)) = variable.split_once("[].") {
            return value(values, list)?.as_array()?.iter().find_map(|entry| value(entry, item));
        }
        variable.split('.').try_fold(values, |value, name| value.get(name)).filter(|value| !value.is_null())
    }

    /// What the engine writes, and the samples of it.
    fn samples(sample: Sample) -> [(&'static Schema, Vec<Value>); 2] {
        let staff = [
            "hand-off",
            "warning",
            "escalation",
            "reassigned",
            "notice",
            "operator",
            "digest",
            "call-list",
            "away",
            "behind",
            "review",
            "team-full",
            "data-quality",
            "campaign-news",
            "report",
            "work-list",
            "dispute",
            "erased",
        ];
        [
            (&LEAD_MAIL, vec![lead_sample(sample)]),
            (&STAFF_MAIL, staff.map(|name| staff_sample(name, sample)).to_vec()),
        ]
    }

    fn may_be_missing(field: &Field) -> bool {
        field.doc.contains("may be missing")
    }

    #[test]
    fn some_sample_has_a_value_for_every_variable() {
        // Commands stand where there are no links, so not in a rich one.
        for ((schema, rich), (_, bare)) in samples(Sample::Rich).into_iter().zip(samples(Sample::Bare)) {
            for (name, _) in schema.variables() {
                let mut all = rich.iter().chain(&bare);
                assert!(all.any(|values| value(values, &name).is_some()), "`{name}` is nowhere");
            }
        }
    }

    #[test]
    fn no_bare_sample_has_what_may_be_missing() {
        for (schema, samples) in samples(Sample::Bare) {
            for (name, _) in schema.variables().into_iter().filter(|(_, field)| may_be_missing(field)) {
                // Whether a piece counts is not for the lead to leave out.
                if name != "promise.counted[].counts" {
                    assert!(samples.iter().all(|values| value(values, &name).is_none()), "`{name}` is there");
                }
            }
        }
    }

    #[test]
    fn every_bare_sample_about_a_promise_has_what_is_never_missing() {
        for name in ["hand-off", "warning", "escalation", "reassigned"] {
            let values = staff_sample(name, Sample::Bare);
            for (name, field) in STAFF_MAIL.variables() {
                let in_a_list = name.contains("[].") || matches!(field.kind, Kind::List(_));
                // Mails about several leads, about the agreement, and of figures, are others.
                let elsewhere = ["digest.", "review.", "report."].iter().any(|other| name.starts_with(other));
                let in_a_list = in_a_list || elsewhere;
                let known = may_be_missing(field) || in_a_list || value(&values, &name).is_some();
                assert!(known, "`{name}` is missing, and is not said to be so at times");
            }
        }
    }

    #[test]
    fn the_pieces_of_the_count_add_up() {
        let promise = promise(Sample::Rich, "hand-off");
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
