//! The event log in words: what happened to a lead, and why.

use serde_json::Value;

use crate::store::Event;

/// An event as one sentence without its time; `None` for those that only machines care about.
pub fn words(event: &Event) -> Option<String> {
    let fact = |name: &str| event.facts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let step = || format!("{}/{}", fact("sequence"), fact("step"));
    let by = event.actor.as_ref().map(|actor| format!(" ({actor})")).unwrap_or_default();
    Some(match event.kind.as_str() {
        "taken_in" => format!("Came in{}.", because(&fact("source"), " from ")),
        "touch" => format!("Came back{}.", because(&fact("source"), " from ")),
        "stage" => format!("{} → {}: {}", spaced(&fact("from")), spaced(&fact("to")), fact("why")),
        "enrolled" => format!("Entered sequence {} ({}).", fact("sequence"), fact("why")),
        "not_enrolled" => format!("Did not enter sequence {}: {}.", fact("sequence"), fact("why")),
        "finished" => format!("Went through sequence {}.", fact("sequence")),
        "exited" => format!("Left sequence {}: {}.", fact("sequence"), fact("why")),
        "skipped" => format!("Step {} left out: {}.", step(), fact("why")),
        "deferred" => format!("Mail {} waits until {}: {}.", step(), fact("until"), fact("why")),
        "dropped" => format!("Mail {} dropped: {}.", step(), fact("why")),
        "parked" => format!("Needs a person: {}.", fact("why")),
        "in_doubt" => format!("Mail {} may or may not have arrived.", step()),
        "mail" => "Mail sent.".to_owned(),
        "assigned" => format!("Handed to {}: {}.", fact("to"), fact("why")),
        "waiting" => format!("Waits for a rep: {}.", fact("why")),
        "clock_started" => format!("{} promised by {}.", promise(&fact("promise")), fact("by")),
        "clock_stopped" => {
            let state = match fact("state").as_str() {
                "met" => "kept",
                "late" => "kept late",
                _ => "closed",
            };
            format!("{} {state} ({}).", promise(&fact("promise")), spaced(&fact("why")))
        }
        "deadline_moved" => format!("{} now due {}.", promise(&fact("promise")), fact("to")),
        "level" => {
            let late = event.facts.get("detected_late").and_then(Value::as_bool).unwrap_or_default();
            format!("Level {} reached{}.", fact("level"), if late { ", found late" } else { "" })
        }
        "not_reassigned" => fact("why"),
        "activity" => format!("Did: {}.", spaced(&fact("name"))),
        "replied" => "Wrote back.".to_owned(),
        "out_of_office" => match event.facts.get("until").and_then(Value::as_str) {
            Some(until) => format!("Is away, back on {until}{by}."),
            None => format!("Is away, without saying until when{by}."),
        },
        "follow_up" => format!("Wants to hear from us on {}{by}.", fact("on")),
        "bounced" => "Mail came back.".to_owned(),
        "complained" => "Reported our mail as spam.".to_owned(),
        "unsubscribed" => "Unsubscribed.".to_owned(),
        "suppressed" => format!("Not contacted any more: {}.", fact("why")),
        "accepted" => format!("Accepted{by}."),
        "attempt" => format!("Tried by {}: {}{by}.", fact("channel"), spaced(&fact("outcome"))),
        "contacted" => format!("Contacted{by}."),
        "opportunity" => format!("Became an opportunity{by}."),
        "won" => format!("Won{by}."),
        "lost" => format!("Lost: {}{by}.", fact("reason")),
        "rejected" => format!("Rejected: {}{by}.", fact("reason")),
        _ => return None,
    })
}

fn because(text: &str, before: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{text}") }
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

fn promise(kind: &str) -> String {
    let mut words = spaced(kind);
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}
