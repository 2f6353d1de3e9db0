//! What mails about work to be done show: a full team, news of campaigns, what is missing, wrong or disputed.

use serde_json::{Map, Value, json};

use super::Sample;

pub(super) fn team(sample: Sample) -> Value {
    match sample {
        Sample::Rich => json!({
            "name": "sales",
            "waiting": 14,
            "since": "Mon 2 Mar 10:00",
            "open": 57,
            "capacity": 60,
            "reps": [
                { "name": "Robin Adler", "words": "30 of 30 open" },
                { "name": "Sam Berger", "words": "27 of 30 open, 12 of 12 new this week" },
            ],
            "campaigns": ["webinar: 11", "default: 3"],
            "is_reader_s": true,
            "full": true,
        }),
        Sample::Bare => json!({}),
    }
}

pub(super) fn news(sample: Sample) -> Value {
    match sample {
        Sample::Rich => json!([
            {
                "name": "webinar",
                "is_new": true,
                "brief": "Signed up for the webinar on what a change costs.",
                "incentive": "the recording and the slides",
                "first_send": "Wed 4 Mar 10:05",
                "mails": [
                    {
                        "subject": "Thank you for signing up",
                        "paragraphs": [
                            { "lines": ["Hello Jane,"] },
                            { "lines": ["the link comes an hour before:", "1. open it,", "2. bring one question."] },
                            { "lines": ["Kind regards", "Robin Adler"] },
                        ],
                    },
                    { "subject": "From the webinar to your desk", "paragraphs": [{ "lines": ["Hello Jane,", "here it is."] }] },
                ],
            },
            {
                "name": "demo-request",
                "is_new": false,
                "mails": [{ "subject": "We call you", "paragraphs": [{ "lines": ["Hello Jane,", "within the hour."] }] }],
            },
        ]),
        Sample::Bare => json!([{ "name": "default", "is_new": false }]),
    }
}

pub(super) fn incomplete(sample: Sample) -> Value {
    match sample {
        Sample::Rich => json!({
            "new": 52,
            "all": 61,
            "more": 50,
            "by_command": false,
            "leads": [
                {
                    "display": "Jane Doe, Acme",
                    "email": "jane.doe@acme.example",
                    "campaign": "webinar",
                    "missing": "phone, answer to “When do you want to decide?”",
                    "score": "score 62, grade A",
                    "fill_in_url": "https://nurtured.ours.example/a/jane",
                },
                {
                    "display": "max@muster.example",
                    "campaign": "default",
                    "missing": "company",
                    "score": "score 71, grade D",
                    "fill_in_url": "https://nurtured.ours.example/a/max",
                },
            ],
        }),
        Sample::Bare => json!({}),
    }
}

pub(super) fn dispute(values: &mut Map<String, Value>, sample: Sample) {
    let command = |verdict: &str| format!("nurtured lead answer-dispute jane.doe@acme.example {verdict}");
    let actions = json!([
        { "label": "Marketing is right: sales gets it again", "command": command("--overturn") },
        { "label": "It stays given back", "command": command("--uphold --note \"…\"") },
    ]);
    if sample == Sample::Bare {
        values.insert("actions".to_owned(), actions);
    }
    if let (Some(promise), Sample::Rich) = (values.get_mut("promise"), sample) {
        promise["what"] = json!("an answer to the dispute within 2 business days");
        promise["unless"] = json!("Unless it is done by then, you and the director are told.");
        promise["otherwise"] =
            json!(["Wed 4 Mar 17:00: you are told.", "Thu 5 Mar 10:05: you and the director are told.",]);
    }
    let dispute = match sample {
        Sample::Rich => json!({
            "reason": "Will never be a customer",
            "said": "They only sell in Spain",
            "by": "Marketing",
            "why": "They opened a branch in Berlin last month, and asked for prices twice",
        }),
        Sample::Bare => json!({}),
    };
    values.insert("dispute".to_owned(), dispute);
}

pub(super) fn work(sample: Sample) -> Value {
    let button =
        |label: &str| json!({ "label": label, "link": "https://nurtured.ours.example/a/mend", "main": true });
    match sample {
        Sample::Rich => json!([
            {
                "display": "Jane Doe, Acme",
                "what": "Wrong or missing data, says Robin Adler on Tue 3 Mar 11:00.",
                "said": "The number is a fax machine",
                "known": "jane.doe@acme.example · +493090182000 · Acme",
                "buttons": [button("Mend it, or give it up")],
            },
            {
                "display": "jd@acme.example",
                "what": "Duplicate of another lead, says Sam Berger on Tue 3 Mar 14:20.",
                "known": "jd@acme.example · no number",
                "buttons": [button("Name the other lead, or give it up")],
            },
            {
                "display": "Joe Roe, Roe Ltd",
                "what": "Wrong person, says Robin Adler on Tue 3 Mar 15:00.",
                "known": "joe@roe.example · no number · Roe Ltd",
                "set": "nurtured lead set joe@roe.example phone=…",
                "replace": "nurtured lead replace joe@roe.example new@roe.example",
                "merge": "nurtured lead reject joe@roe.example --reason duplicate --of …",
                "drop": "nurtured lead drop joe@roe.example",
            },
        ]),
        Sample::Bare => json!([{
            "display": "jane.doe@acme.example",
            "what": "Wrong or missing data, says rep1@ours.example on Tue 3 Mar 11:00.",
            "known": "jane.doe@acme.example · no number",
        }]),
    }
}
