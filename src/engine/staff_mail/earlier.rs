//! What became of a lead's earlier hand-offs, for the rep who gets it now: who had it, what was tried, what it
//! said, and why it went back. Whoever calls again without knowing that asks the same questions twice.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::name_of;
use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::happening::Outcome;
use crate::domain::ids::LeadId;
use crate::domain::lead::{Lead, Stage};
use crate::engine::Wake;
use crate::engine::pass::PassError;
use crate::store::{Event, GivenBack, HandOff, Tx};

/// Hand-offs that are told: what lies further back is another story.
const TOLD: usize = 3;

/// What humans of ours do to reach a lead, as the log calls it.
const TRIES: [&str; 3] = ["attempt", "meeting", "contacted"];

/// The last hand-offs of a lead and of its doubles, the last one first, as `reader` is told of them.
pub(super) async fn earlier(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    reader: &EmailAddress,
) -> Result<Value, PassError> {
    let mut persons = tx.doubles_of(lead.id).await?;
    persons.push(lead.id);
    let mut hand_offs: Vec<HandOff> = Vec::new();
    for person in &persons {
        hand_offs.extend(tx.hand_offs_of(*person).await?);
    }
    let given_back = tx.given_back(lead.id).await?;
    // What a colleague did until this moment is told apart, event by event.
    hand_offs.retain(|hand_off| match hand_off.ended_at {
        Some(at) => at < wake.now || given_back.iter().any(|given_back| given_back.hand_off == hand_off.id),
        None => false,
    });
    hand_offs.sort_by_key(|hand_off| (hand_off.at, hand_off.id));
    if hand_offs.is_empty() {
        return Ok(json!([]));
    }
    let mut events = events(tx, &persons).await?;
    events.sort_by_key(|event| event.id);
    let mut told = Vec::new();
    for (index, hand_off) in hand_offs.iter().enumerate().rev().take(TOLD) {
        // What was learned of it may be said after it went back.
        let until = hand_offs.get(index + 1).map_or(wake.now, |next| next.at);
        let meanwhile: Vec<&Event> = events
            .iter()
            .filter(|event| event.lead == Some(hand_off.lead))
            .filter(|event| (hand_off.at..=until).contains(&event.occurred_at))
            .collect();
        let given_back = given_back.iter().find(|given_back| given_back.hand_off == hand_off.id);
        let said = match given_back {
            Some(given_back) => tx.event_text(given_back.event).await?,
            None => None,
        };
        let who = if hand_off.rep == *reader { "you".to_owned() } else { name_of(wake, &hand_off.rep) };
        told.push(json!({
            "what": what(wake, hand_off, given_back, &who),
            "said": said,
            "tried": tried(&meanwhile),
            "heard": heard(tx, wake, &meanwhile).await?,
        }));
    }
    Ok(json!(told))
}

async fn events(tx: &mut Tx, persons: &[LeadId]) -> Result<Vec<Event>, PassError> {
    let mut events = Vec::new();
    for person in persons {
        for kind in TRIES.into_iter().chain(["feedback"]) {
            events.extend(tx.events_of_kind(*person, kind).await?);
        }
    }
    Ok(events)
}

/// How a hand-off ended: "62 days ago Robin Adler gave it back: Not ready yet."
fn what(wake: &Wake, hand_off: &HandOff, given_back: Option<&GivenBack>, who: &str) -> String {
    let ago = ago(hand_off.ended_at.unwrap_or(wake.now), wake.now);
    let Some(given_back) = given_back else {
        return match hand_off.ended_why.as_deref() {
            Some("won") => format!("{ago} {who} won it."),
            _ => format!("{ago} it was taken from {who}."),
        };
    };
    let reasons = &wake.rules.agreement.reasons;
    let label = reasons.get(&given_back.reason).map_or(given_back.reason.as_str(), |reason| &reason.label);
    match given_back.stage {
        Stage::Lost => format!("{ago} {who} lost the deal: {label}."),
        _ => format!("{ago} {who} gave it back: {label}."),
    }
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.duration_since(at).as_hours() / 24 {
        ..1 => "Less than a day ago".to_owned(),
        1 => "1 day ago".to_owned(),
        days => format!("{days} days ago"),
    }
}

/// "3 calls, 1 of them reached, and 1 mail"; `None` when nobody tried.
fn tried(events: &[&Event]) -> Option<String> {
    let fact = |event: &Event, name: &str| {
        event.facts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut counts: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for event in events.iter().filter(|event| TRIES.contains(&event.kind.as_str())) {
        let (what, reached) = match event.kind.as_str() {
            "meeting" => ("meeting", false),
            "contacted" => ("conversation", false),
            _ if fact(event, "channel") == Channel::Phone.name() => {
                ("call", fact(event, "outcome") == Outcome::Reached.name())
            }
            _ => ("mail", false),
        };
        let (times, reached_times) = counts.entry(what).or_default();
        *times += 1;
        *reached_times += i64::from(reached);
    }
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(what, (times, reached))| {
            let plural = if times == 1 { "" } else { "s" };
            match (times, reached) {
                (_, 0) => format!("{times} {what}{plural}"),
                (1, _) => format!("1 {what} that reached them"),
                _ => format!("{times} {what}{plural}, {reached} of them reached"),
            }
        })
        .collect();
    match &parts[..] {
        [] => None,
        [one] => Some(one.clone()),
        [first @ .., last] => Some(format!("{}, and {last}", first.join(", "))),
    }
}

/// What the lead objected and what convinced it, in the agreement's words and in its own.
async fn heard(tx: &mut Tx, wake: &Wake, events: &[&Event]) -> Result<Option<String>, PassError> {
    let agreement = &wake.rules.agreement;
    let mut heard = Vec::new();
    for event in events.iter().filter(|event| event.kind == "feedback") {
        let name = |fact: &str| event.facts.get(fact).and_then(Value::as_str);
        let label = |name: &str, labels: &BTreeMap<String, String>| {
            labels.get(name).cloned().unwrap_or_else(|| name.to_owned())
        };
        let mut words: Vec<String> = Vec::new();
        words.extend(name("objection").map(|name| label(name, &agreement.objections)));
        words.extend(
            name("argument").map(|name| format!("convinced by: {}", label(name, &agreement.arguments))),
        );
        let mut words = words.join(", ");
        if let Some(said) = tx.event_text(event.id).await? {
            let colon = if words.is_empty() { "" } else { ": " };
            words = format!("{words}{colon}“{said}”");
        }
        heard.extend(Some(words).filter(|words| !words.is_empty()));
    }
    Ok((!heard.is_empty()).then(|| heard.join(" · ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::EventId;

    fn event(kind: &str, facts: Value) -> Event {
        Event {
            id: EventId(1),
            lead: None,
            occurred_at: Timestamp::UNIX_EPOCH,
            recorded_at: Timestamp::UNIX_EPOCH,
            kind: kind.to_owned(),
            actor: None,
            playbook: None,
            mail: None,
            facts,
        }
    }

    #[test]
    fn what_was_tried_is_counted_by_its_kind() {
        let call = |outcome: &str| event("attempt", json!({ "channel": "phone", "outcome": outcome }));
        let mail = event("attempt", json!({ "channel": "email", "outcome": "sent" }));
        let (no_answer, reached) = (call("no_answer"), call("reached"));
        let other = event("feedback", json!({}));
        for (events, words) in [
            (vec![], None),
            (vec![&other], None),
            (vec![&no_answer], Some("1 call")),
            (vec![&reached], Some("1 call that reached them")),
            (vec![&no_answer, &no_answer], Some("2 calls")),
            (vec![&no_answer, &reached, &no_answer], Some("3 calls, 1 of them reached")),
            (vec![&no_answer, &mail], Some("1 call, and 1 mail")),
        ] {
            assert_eq!(tried(&events).as_deref(), words);
        }
    }

    #[test]
    fn how_long_ago_is_told_in_days() {
        let now: Timestamp = "2026-03-03T10:00:00Z".parse().expect("an instant");
        for (hours, words) in [(3, "Less than a day ago"), (30, "1 day ago"), (24 * 62 + 1, "62 days ago")] {
            assert_eq!(ago(now - jiff::SignedDuration::from_hours(hours), now), words);
        }
    }
}
