//! A line of a course in words, as an expectation has it.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nurtured::engine::simulate::Line;

/// The zone of the built-in agreement's office.
pub const OFFICE: &str = "Europe/Berlin";

/// What the scenario says itself.
const SAID: [&str; 28] = [
    "taken_in",
    "activity",
    "replied",
    "out_of_office",
    "follow_up",
    "bounced",
    "complained",
    "unsubscribed",
    "accepted",
    "attempt",
    "contacted",
    "opportunity",
    "won",
    "lost",
    "rejected",
    "corrected",
    "replaced",
    "given_up",
    "disputed",
    "meeting",
    "wrong_person",
    "already_customer",
    "already_talking",
    "feedback",
    "reassigned",
    "taken",
    "extended",
    "recycled",
];

/// Whether it is the mail of figures: "Week 10, 2 to 8 March 2026: …", "March 2026: …".
pub fn is_figures(line: &Line) -> bool {
    let fact = |name: &str| line.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let is_month = |title: &str| jiff::civil::Date::strptime("%d %B %Y", format!("1 {title}")).is_ok();
    let title = fact("subject").split([':', ',']).next().unwrap_or_default();
    fact("class") == "report" && (title.starts_with("Week ") || is_month(title))
}

/// A line as an expectation has it: local time, whom it is about, what.
pub fn told(line: &Line, zones: &HashMap<String, String>) -> Option<String> {
    let via = line.facts.get("via").and_then(serde_json::Value::as_str);
    if SAID.contains(&line.kind.as_str()) && via.is_none() {
        return None;
    }
    let fact = |name: &str| line.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let lead = line.lead.as_deref().unwrap_or_default();
    let zone = zones.get(lead).map_or(OFFICE, String::as_str);
    let instant = |name: &str, zone: &str| {
        fact(name).parse().map_or_else(|_| fact(name).to_owned(), |at| local(at, zone))
    };
    let step = || format!("{}/{}", fact("sequence"), fact("step"));
    let is_to_lead =
        fact("class") == "nurture" || matches!(line.kind.as_str(), "deferred" | "skipped" | "dropped");
    let words = match line.kind.as_str() {
        "mail" if is_to_lead => format!("← {} “{}”", step(), fact("subject")),
        "mail" => {
            let level = if fact("level").is_empty() { String::new() } else { format!(" {}", fact("level")) };
            format!("→ {}: {}{level} “{}”", name(fact("to")), fact("class"), fact("subject"))
        }
        "stage" => format!("{} → {}: {}", fact("from"), fact("to"), fact("why")),
        "assigned" => format!("to {}: {}", name(fact("to")), fact("why")),
        "waiting" if fact("until").is_empty() => format!("waits: {}", fact("why")),
        "waiting" => format!("waits until {}: {}", instant("until", OFFICE), fact("why")),
        "deferred" => format!("{} waits until {}: {}", step(), instant("until", zone), fact("why")),
        "skipped" | "dropped" => format!("{} {}: {}", step(), line.kind, fact("why")),
        "enrolled" if !fact("not_before").is_empty() => {
            format!(
                "enters {}, held until {}: {}",
                fact("sequence"),
                instant("not_before", OFFICE),
                fact("why")
            )
        }
        "enrolled" => format!("enters {}: {}", fact("sequence"), fact("why")),
        "not_enrolled" => format!("does not enter {}: {}", fact("sequence"), fact("why")),
        "exited" => format!("leaves {}: {}", fact("sequence"), fact("why")),
        "finished" => format!("is through {}", fact("sequence")),
        "clock_started" => format!("{} ({}) by {}", fact("promise"), fact("policy"), instant("by", OFFICE)),
        "clock_stopped" => format!("{} {}: {}", fact("promise"), fact("state"), fact("why")),
        "deadline_moved" => format!("{} moves to {}", fact("promise"), instant("to", OFFICE)),
        "level" => {
            let late =
                line.facts.get("detected_late").and_then(serde_json::Value::as_bool).unwrap_or_default();
            let of = match fact("promise") {
                "" | "first_contact" => String::new(),
                promise => format!("{promise} "),
            };
            format!("{of}level {}{}", fact("level"), if late { ", found late" } else { "" })
        }
        "attempts_spent" => format!("attempts spent: {}", line.facts["made"]),
        "called_against_gate" => format!("called against the gate: {}", fact("why")),
        "terms_changed" => format!("{} changed to {}", fact("promise"), instant("to", OFFICE)),
        "not_reassigned" => format!("stays with {}: {}", name(fact("rep")), fact("why")),
        "last_listed" => "is on the list of calls for the last time".to_owned(),
        "told_later" => format!(
            "{} hears of {} at {}: {}",
            name(fact("to")),
            about(fact("level")),
            instant("until", OFFICE),
            fact("why")
        ),
        "in_digest" => format!("{} hears of {} in a digest", name(fact("to")), about(fact("level"))),
        "not_told" => {
            format!("{} does not hear of {}: {}", name(fact("to")), about(fact("level")), fact("why"))
        }
        "for_marketing" => format!("stands in marketing's list of {}", instant("until", OFFICE)),
        "merged" => {
            let count = |name: &str| line.facts.get(name).and_then(serde_json::Value::as_i64).unwrap_or(0);
            format!(
                "takes over from its double: {} touches, {} answers, {} activities",
                count("touches"),
                count("answers"),
                count("activities")
            )
        }
        "goes_back" => format!("goes back by itself {}: {}", instant("until", OFFICE), fact("reason")),
        "stays" => format!("stays: {}", fact("why")),
        "dispute_answered" => format!("dispute {}", fact("verdict")),
        "reason_missing" => format!("{} without a reason", fact("stage")),
        "merged_into" => "is part of the other lead now".to_owned(),
        "touch" => format!("comes in again from {}", fact("source")),
        "rep_away" if fact("until").is_empty() => format!("{} is back", name(fact("rep"))),
        "rep_away" => format!("{} is away until {}", name(fact("rep")), fact("until")),
        "suppressed" => format!("suppressed: {}", fact("why")),
        "refused" => format!("{} refused: {}", fact("event"), fact("why")),
        "incomplete" => {
            let missing = line.facts.get("missing").and_then(serde_json::Value::as_array);
            let words: Vec<&str> = missing.into_iter().flatten().filter_map(|word| word.as_str()).collect();
            format!("lacks {}", words.join(", "))
        }
        "parked" => format!("parked: {}", fact("why")),
        "commitment" => {
            format!("{}, {}: {}: {}", fact("commitment"), fact("period"), fact("state"), fact("why"))
        }
        "review_overdue" => format!("signed {}, the review was due {}", fact("signed_on"), fact("due")),
        // What came by a link, a mail or a program was not said by the scenario in so many words.
        kind if via.is_some() => format!("{kind}{}, by {}", said(&line.facts), fact("via")),
        _ => format!("{} {}", line.kind, line.facts),
    };
    let zone = if is_to_lead { zone } else { OFFICE };
    let who = if lead.is_empty() { String::new() } else { format!("{:<7} ", name(lead)) };
    Some(format!("{}  {who}{words}", local(line.at, zone)))
}

/// What is said of a thing beside who said it, and which way: " reached phone".
fn said(facts: &serde_json::Value) -> String {
    let beside = ["via", "by", "why"];
    let facts = facts.as_object().into_iter().flatten().filter(|(name, _)| !beside.contains(&name.as_str()));
    facts.filter_map(|(_, value)| value.as_str()).map(|value| format!(" {value}")).collect()
}

/// "Mon  2 Mar 09:30", and where, unless at the office.
pub fn local(at: Timestamp, zone: &str) -> String {
    let there = at.to_zoned(TimeZone::get(zone).expect("zones are checked"));
    let place = if zone == OFFICE { String::new() } else { format!(" {zone}") };
    format!("{}{place}", there.strftime("%a %e %b %H:%M"))
}

/// A level, or for want of one what it is about.
fn about(level: &str) -> &str {
    if level.is_empty() { "it" } else { level }
}

/// The part of an address before the @.
pub fn name(email: &str) -> &str {
    email.split('@').next().unwrap_or(email)
}
