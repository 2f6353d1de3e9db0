//! The event log in words: what happened to a lead, and why.
//!
//! A sentence may name an instant (a mail waits until, a promise falls due): its reader's clock tells it, so
//! the caller says how instants are told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::simulate::Line;
use crate::domain::day;
use crate::domain::ids::{EventId, LeadId};
use crate::domain::sla::PromiseKind;
use crate::store::{Event, StoreError, Tx};

/// The words that were said with each event of a person and of their doubles. Who stands in for them is known by their
/// row, and named as long as they have a name.
///
/// # Errors
/// When the store fails.
pub async fn notes(tx: &mut Tx, person: LeadId) -> Result<BTreeMap<EventId, String>, StoreError> {
    let mut records = tx.doubles_of(person).await?;
    records.push(person);
    let mut notes = BTreeMap::new();
    for record in records {
        notes.extend(tx.event_texts(record).await?);
        for event in tx.events_of_kind(record, "replaced").await? {
            let instead = event.facts.get("instead").and_then(Value::as_i64);
            if let Some(instead) = instead
                && let Some(lead) = tx.leads(&[LeadId(instead)]).await?.pop()
            {
                notes.insert(event.id, lead.email.to_string());
            }
        }
    }
    Ok(notes)
}

/// An event as one sentence without its time; `None` for those that only machines care about. `told` says an
/// instant the way the reader of the sentence does; days are told as people read them.
pub fn words(event: &Event, told: impl Fn(Timestamp) -> String) -> Option<String> {
    let year = event.occurred_at.to_zoned(TimeZone::UTC).year();
    as_kept(event, told).map(|sentence| day::readable(&sentence, year))
}

/// The same with days as the log keeps them.
fn as_kept(event: &Event, told: impl Fn(Timestamp) -> String) -> Option<String> {
    let fact = |name: &str| event.facts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let instant = |name: &str| fact(name).parse().map_or_else(|_| fact(name), &told);
    let step = || format!("{}/{}", fact("sequence"), fact("step"));
    let via = match fact("via").as_str() {
        "" => String::new(),
        "copy" => ", by a copy of their mail".to_owned(),
        "api" => ", by the API".to_owned(),
        way => format!(", by {way}"),
    };
    let by = event.actor.as_ref().map(|actor| format!(" ({actor}{via})")).unwrap_or_default();
    Some(match event.kind.as_str() {
        "taken_in" => format!("Came in{}.", because(&fact("source"), " from ")),
        "touch" => format!("Came back{}.", because(&fact("source"), " from ")),
        "stage" => format!("{} → {}: {}", spaced(&fact("from")), spaced(&fact("to")), fact("why")),
        "enrolled" if !fact("not_before").is_empty() => format!(
            "Entered sequence {} ({}); its first mail waits until {}, the team has to know it first.",
            fact("sequence"),
            fact("why"),
            instant("not_before")
        ),
        "enrolled" => format!("Entered sequence {} ({}).", fact("sequence"), fact("why")),
        "not_enrolled" => format!("Did not enter sequence {}: {}.", fact("sequence"), fact("why")),
        "finished" => format!("Went through sequence {}.", fact("sequence")),
        "exited" => format!("Left sequence {}: {}.", fact("sequence"), fact("why")),
        "skipped" => format!("Step {} left out: {}.", step(), fact("why")),
        "deferred" => format!("Mail {} waits until {}: {}.", step(), instant("until"), fact("why")),
        "dropped" => format!("Mail {} dropped: {}.", step(), fact("why")),
        "parked" => format!("Needs a person: {}.", fact("why")),
        "in_doubt" => format!("Mail {} may or may not have arrived.", step()),
        "mail" => "Mail sent.".to_owned(),
        "assigned" => format!("Handed to {}: {}.", fact("to"), fact("why")),
        "waiting" if fact("until").is_empty() => format!("Waits for a rep: {}.", fact("why")),
        "waiting" => format!("Waits for a rep until {}: {}.", instant("until"), fact("why")),
        "incomplete" => {
            let missing = event.facts.get("missing").and_then(Value::as_array);
            let words: Vec<&str> = missing.into_iter().flatten().filter_map(Value::as_str).collect();
            format!("Ready, but sales has to know its {} first.", words.join(", its "))
        }
        "clock_started" if fact("promise") == PromiseKind::Quiet.name() => {
            format!("Asked about if nothing is heard until {}.", instant("by"))
        }
        "clock_started" if event.facts.get("goes_on").is_some() => {
            format!("{} goes on: promised by {}.", promise(&fact("promise")), instant("by"))
        }
        "clock_started" => format!("{} promised by {}.", promise(&fact("promise")), instant("by")),
        "clock_stopped" if fact("promise") == PromiseKind::Quiet.name() => return None,
        "clock_stopped" => {
            let state = match fact("state").as_str() {
                "met" => "kept",
                "late" => "kept late",
                _ => "closed",
            };
            format!("{} {state} ({}).", promise(&fact("promise")), spaced(&fact("why")))
        }
        "attempts_spent" => {
            let number = |name: &str| event.facts.get(name).and_then(Value::as_i64).unwrap_or_default();
            format!(
                "All {} attempts that are owed were made, on {} days; nobody was reached.",
                number("made"),
                number("days")
            )
        }
        "called_against_gate" => format!("Was called although it should not have been: {}{by}.", fact("why")),
        "terms_changed" => {
            let levels = match fact("levels").as_str() {
                "" => String::new(),
                passed => format!(" Levels that are passed and not told any more: {passed}."),
            };
            format!(
                "{} now as the agreement has it, due {} (was {}).{levels}",
                promise(&fact("promise")),
                instant("to"),
                instant("from")
            )
        }
        "deadline_moved" => format!("{} now due {}.", promise(&fact("promise")), instant("to")),
        "level" => {
            let late = event.facts.get("detected_late").and_then(Value::as_bool).unwrap_or_default();
            let of = match fact("promise").as_str() {
                "" | "first_contact" => String::new(),
                kind => format!(" of {}", told_kind(kind)),
            };
            let after = because(&fact("after"), ", after ");
            format!("Level {}{of} reached{after}{}.", fact("level"), if late { ", found late" } else { "" })
        }
        "not_reassigned" => fact("why"),
        "last_listed" => "Is on its rep's list of calls for the last time.".to_owned(),
        "told_later" => {
            format!("{} is told in the digest of {}: {}.", fact("to"), instant("until"), fact("why"))
        }
        "in_digest" => format!("{} was told in a digest.", fact("to")),
        "not_told" => format!("{} need not be told any more: {}.", fact("to"), fact("why")),
        "activity" => format!("Did: {}.", spaced(&fact("name"))),
        "replied" => "Wrote back.".to_owned(),
        "out_of_office" if event.facts.get("over").is_some() => {
            "Is there: an absence that it had told us of is over.".to_owned()
        }
        "follow_up" if event.facts.get("over").is_some() => {
            "Turned to us before the day that it had named.".to_owned()
        }
        "out_of_office" => match event.facts.get("until").and_then(Value::as_str) {
            Some(until) => format!("Is away, back on {until}{by}."),
            None => format!("Is away, without saying until when{by}."),
        },
        "follow_up" => format!("Wants to hear from us on {}{by}.", fact("on")),
        "bounced" => "Mail came back.".to_owned(),
        "left_company" => "Does not work there any more, as its mailbox says.".to_owned(),
        "not_delivered" => format!("A mail was not delivered, which is ours to mend: {}.", fact("why")),
        "undone" => format!("That of {} ({}) was taken back{by}.", instant("since"), spaced(&fact("what"))),
        "complained" => "Reported our mail as spam.".to_owned(),
        "unsubscribed" => "Unsubscribed.".to_owned(),
        "suppressed" => format!("Not contacted any more: {}{by}.", fact("why")),
        "suppression_lifted" => format!("May be contacted again; it was so because: {}{by}.", fact("why")),
        "erased" => format!("Its data was erased{by}."),
        "accepted" => format!("Accepted{by}."),
        "attempt" => format!("Tried by {}: {}{by}.", fact("channel"), spaced(&fact("outcome"))),
        "for_marketing" => format!("Stands in marketing's list of {}.", instant("until")),
        "corrected" => format!("Corrected: {}{by}.", spaced(&fact("field"))),
        "replaced" => format!("Somebody else is the right person{by}."),
        "given_up" => format!("Given up{by}."),
        "merged" => format!("A double became part of it, with {}{by}.", moved(event)),
        "goes_back" => format!("Goes back by itself at {}: {}.", instant("until"), fact("reason")),
        "stays" => format!("Stays with its rep: {}.", spaced(&fact("why"))),
        "disputed" => format!("Marketing disagrees with the rejection{by}."),
        "dispute_answered" if fact("verdict") == "moot" => format!("The dispute is moot: {}.", fact("why")),
        "dispute_answered" => format!("The rejection was {}{by}.", fact("verdict")),
        "reason_missing" => format!("The CRM says {}, but not why: its rep is asked.", fact("stage")),
        "merged_into" => "Became part of the lead whose double it is.".to_owned(),
        "contacted" => format!("Contacted{by}."),
        "opportunity" => format!("Became an opportunity{by}."),
        "won" => format!("Won{by}."),
        "lost" => format!("Lost: {}{by}.", fact("reason")),
        "rejected" => format!("Rejected: {}{by}.", fact("reason")),
        "meeting" => format!("Met{by}."),
        "wrong_person" => format!("Is the wrong person to talk to{by}."),
        "already_customer" => format!("Is a customer already{by}."),
        "already_talking" => format!("Was being talked to already{by}."),
        "feedback" => match (fact("objection").as_str(), fact("argument").as_str()) {
            ("", "") => format!("Feedback{by}."),
            (objection, "") => format!("Objection heard: {}{by}.", dashed(objection)),
            ("", argument) => format!("Convinced by: {}{by}.", dashed(argument)),
            (objection, argument) => {
                format!("Convinced by: {}, in spite of: {}{by}.", dashed(argument), dashed(objection))
            }
        },
        "reassigned" => format!("Given to {}{by}.", fact("to")),
        "reclaimed" => format!("Is still its former rep's{by}."),
        "taken" => format!("Taken over{by}."),
        "extended" => format!("Its rep has the full time once more{by}."),
        "recycled" => format!("Given back by the manager: {}{by}.", fact("reason")),
        "commitment" => {
            format!(
                "Marketing's {}, {}: {}: {}.",
                fact("commitment"),
                fact("period"),
                fact("state"),
                fact("why")
            )
        }
        "review_overdue" => format!("The review of the agreement was due by {}.", fact("due")),
        _ => return None,
    })
}

/// The same of an event with what its mail says, if it is one.
pub fn sentence(line: &Line, told: impl Fn(Timestamp) -> String) -> Option<String> {
    if line.kind != "mail" {
        return words(&line.event, told);
    }
    let fact = |name: &str| line.facts.get(name).and_then(Value::as_str).unwrap_or_default();
    Some(format!("Mail to {}: “{}”.", fact("to"), fact("subject")))
}

/// How much came from a double.
fn moved(event: &Event) -> String {
    let count = |name: &str, one: &str, several: &str| {
        let count = event.facts.get(name).and_then(Value::as_i64).unwrap_or_default();
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { several }))
    };
    let parts: Vec<String> = [
        count("touches", "touch", "touches"),
        count("answers", "answer", "answers"),
        count("activities", "activity", "activities"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "nothing that was not known".to_owned() } else { parts.join(", ") }
}

fn because(text: &str, before: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{text}") }
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

/// A name of the agreement in words.
fn dashed(name: &str) -> String {
    name.replace('-', " ")
}

/// A kind of promise as the program calls it, in words.
fn told_kind(kind: &str) -> String {
    kind.parse().map_or_else(|_| spaced(kind), |kind: PromiseKind| kind.words().to_owned())
}

fn promise(kind: &str) -> String {
    let mut words = told_kind(kind);
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::EventId;

    #[test]
    fn what_other_systems_are_told_of_can_be_told_to_people_too() {
        for (kind, _) in crate::domain::webhook::EVENTS {
            let at = Timestamp::UNIX_EPOCH;
            let event = Event {
                id: EventId(1),
                lead: None,
                occurred_at: at,
                recorded_at: at,
                kind: (*kind).to_owned(),
                actor: None,
                playbook: None,
                mail: None,
                facts: json!({}),
            };
            assert!(words(&event, |at| at.to_string()).is_some(), "{kind}");
        }
    }

    #[test]
    fn an_instant_in_a_sentence_is_told_by_the_reader_s_clock() {
        let in_kolkata = |at: Timestamp| {
            at.to_zoned(jiff::tz::TimeZone::get("Asia/Kolkata").unwrap()).strftime("%a %H:%M").to_string()
        };
        for (kind, facts, sentence) in [
            (
                "deferred",
                json!({ "sequence": "welcome", "step": "hello", "until": "2026-03-03T03:30:00Z", "why": "night" }),
                "Mail welcome/hello waits until Tue 09:00: night.",
            ),
            (
                "clock_started",
                json!({ "promise": "first_contact", "by": "2026-03-03T03:30:00Z" }),
                "First contact promised by Tue 09:00.",
            ),
            (
                "deadline_moved",
                json!({ "promise": "first_contact", "to": "2026-03-03T03:30:00Z" }),
                "First contact now due Tue 09:00.",
            ),
            ("out_of_office", json!({ "until": "2026-03-09" }), "Is away, back on Mon 9 Mar 2026."),
        ] {
            let at = Timestamp::UNIX_EPOCH;
            let event = Event {
                id: EventId(1),
                lead: None,
                occurred_at: at,
                recorded_at: at,
                kind: kind.to_owned(),
                actor: None,
                playbook: None,
                mail: None,
                facts,
            };
            assert_eq!(words(&event, in_kolkata).as_deref(), Some(sentence));
        }
    }
}
