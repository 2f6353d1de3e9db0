//! What happened since a hand-off, as its reader would tell it: by names, in the agreement's words, and without what
//! the program notes for itself.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::name_of;
use super::words::{day_and_time, display_day, sentence};
use crate::domain::agreement::Role;
use crate::domain::calendar::Calendar;
use crate::domain::commitments::listed;
use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::happening::Outcome;
use crate::domain::routing::Share;
use crate::domain::sla::PromiseKind;
use crate::engine::Wake;
use crate::store::Event;

/// An entry, and what of it a partner may be told.
struct Told {
    words: String,
    /// Whoever is told less needs this share for it.
    needs: Option<Share>,
    /// What is told without that share; `None`: nothing.
    instead: Option<String>,
}

impl From<String> for Told {
    fn from(words: String) -> Told {
        Told { words, needs: None, instead: None }
    }
}

/// The entries since `since`, the oldest first, by the reader's clock. What a partner may not know of one stands beside
/// it (`needs`, `instead`), for `partner` to take away.
pub(super) fn history(wake: &Wake, calendar: &Calendar, events: &[Event], since: Timestamp) -> Value {
    let mut owner: Option<EmailAddress> = None;
    let mut entries = Vec::new();
    for event in events {
        if event.kind == "assigned" {
            if event.occurred_at == since {
                // What made it somebody else's belongs to the time before.
                entries.clear();
            }
            owner = event.facts.get("to").and_then(Value::as_str).and_then(|to| to.parse().ok()).or(owner);
        }
        // What this mail itself is about, it says above.
        let is_this = event.recorded_at == wake.now && ["level", "assigned"].contains(&event.kind.as_str());
        if event.occurred_at >= since && !is_this {
            entries.extend(told(wake, calendar, event, owner.as_ref()).map(|told| (event, told)));
        }
    }
    // What was found late at once is told once.
    entries.dedup_by(|(one, told), (before, told_before)| {
        one.occurred_at == before.occurred_at && told.words == told_before.words
    });
    let told = entries.into_iter();
    told.map(|(event, told)| {
        json!({
            "at": day_and_time(&calendar.local(event.occurred_at)),
            "words": told.words,
            "needs": told.needs.map(Share::name),
            "instead": told.instead,
        })
    })
    .collect()
}

/// An entry in words; `owner` had the lead then.
fn told(wake: &Wake, calendar: &Calendar, event: &Event, owner: Option<&EmailAddress>) -> Option<Told> {
    let agreement = &wake.rules.agreement;
    let fact = |name: &str| event.facts.get(name).and_then(Value::as_str).unwrap_or_default();
    let called = |text: &str| {
        text.parse::<EmailAddress>().map_or_else(|_| text.to_owned(), |address| name_of(wake, &address))
    };
    let its_rep = || owner.map_or_else(|| "its rep".to_owned(), |owner| name_of(wake, owner));
    // Where nobody said who it was, it was whoever can have been.
    let who = event.actor.as_deref().map_or_else(
        || match event.kind.as_str() {
            "disputed" => "marketing".to_owned(),
            "dispute_answered" | "extended" => "the manager".to_owned(),
            _ => its_rep(),
        },
        called,
    );
    let by = event.actor.as_deref().map_or(String::new(), |actor| format!(" by {}", called(actor)));
    let reason = |name: &str| {
        let label = agreement.reasons.get(name).map_or(name, |reason| reason.label.as_str());
        uncapitalised(label)
    };
    let on = |name: &str| fact(name).parse::<Date>().map_or_else(|_| fact(name).to_owned(), display_day);
    let at = |name: &str| {
        let instant = fact(name).parse::<Timestamp>();
        instant.map_or_else(|_| fact(name).to_owned(), |at| day_and_time(&calendar.local(at)))
    };
    let promise = || {
        fact("promise")
            .parse()
            .map_or_else(|_| fact("promise").to_owned(), |kind: PromiseKind| kind.words().to_owned())
    };
    let words = match event.kind.as_str() {
        "assigned" => {
            let (name, why) = (called(fact("to")), fact("why"));
            let words = match why.strip_prefix(&name).map(str::trim_start) {
                Some(rest) if !rest.is_empty() => format!("{name} got it, who {rest}."),
                _ => format!("{name} got it: {why}."),
            };
            // Who else was full, and who has how many, is nobody's business outside.
            let instead = Some(format!("{name} got it."));
            return Some(Told { words, needs: Some(Share::Reasons), instead });
        }
        "activity" => {
            let words = format!("They did: {}.", fact("name").replace('_', " "));
            return Some(Told { words, needs: Some(Share::Behaviour), instead: None });
        }
        "touch" => {
            let from = fact("source");
            let words = match from {
                "" => "They came to us again.".to_owned(),
                from => format!("They came to us again, from {from}."),
            };
            return Some(Told { words, needs: Some(Share::Source), instead: None });
        }
        "attempt" => attempt(&sentence(&who), fact("channel"), fact("outcome")),
        "accepted" => format!("{} took it.", sentence(&who)),
        "contacted" => format!("{} was in touch with them.", sentence(&who)),
        "meeting" => format!("{} met them.", sentence(&who)),
        "already_talking" => format!("{} was talking with them already.", sentence(&who)),
        "opportunity" => format!("{} sees a deal to win.", sentence(&who)),
        "won" => format!("Won{by}."),
        "lost" => format!("Lost{by}: {}.", reason(fact("reason"))),
        "rejected" | "recycled" => format!("Given back{by}: {}.", reason(fact("reason"))),
        "wrong_person" => format!("Given back{by}: the wrong person to talk to."),
        "already_customer" => format!("Given back{by}: buys from us already."),
        "called_against_gate" => {
            format!("{} called although it was not the time: {}.", sentence(&who), fact("why"))
        }
        "extended" => format!("{} gave the full time once more.", sentence(&who)),
        "feedback" => {
            let heard = |name: &str, names: &std::collections::BTreeMap<String, String>| {
                let name = fact(name);
                (!name.is_empty()).then(|| names.get(name).cloned().unwrap_or_else(|| name.to_owned()))
            };
            let against = heard("objection", &agreement.objections).map(|what| format!("against it: {what}"));
            let convinced =
                heard("argument", &agreement.arguments).map(|what| format!("convinced by: {what}"));
            let all: Vec<String> = [convinced, against].into_iter().flatten().collect();
            if all.is_empty() {
                return None;
            }
            let words = format!("{}.", sentence(&all.join("; ")));
            return Some(Told { words, needs: Some(Share::Answers), instead: None });
        }
        "replied" => "They wrote to us.".to_owned(),
        "out_of_office" if fact("until").is_empty() => {
            "They are away, and did not say until when.".to_owned()
        }
        "out_of_office" => format!("They are away, back on {}.", on("until")),
        "follow_up" => format!("They want to hear from us on {}.", on("on")),
        "bounced" => "A mail to them came back.".to_owned(),
        "left_company" => "Their mailbox says that they have left.".to_owned(),
        "complained" => "They called our mail spam.".to_owned(),
        "unsubscribed" => "They want no more of our mails.".to_owned(),
        "level" => {
            let is = |name: &str| event.facts.get(name).and_then(Value::as_bool).unwrap_or_default();
            let roles = event.facts.get("tell").and_then(Value::as_array);
            let roles = roles.into_iter().flatten().filter_map(Value::as_str);
            let whom: Vec<String> = roles
                .map(|role| if role == Role::Owner.name() { its_rep() } else { format!("the {role}") })
                .collect();
            let kind = fact("promise").parse::<PromiseKind>().ok();
            reminded(&whom, &promise(), kind, is("overdue"), is("detected_late"))?
        }
        "not_reassigned" => fact("why").to_owned(),
        "deadline_moved" | "terms_changed" => {
            let kind: Option<PromiseKind> = fact("promise").parse().ok();
            let are = if kind == Some(PromiseKind::Attempts) { "are" } else { "is" };
            format!("{} {are} due {} now.", sentence(&promise()), at("to"))
        }
        "attempts_spent" => "All attempts that were owed are made, and nobody was reached.".to_owned(),
        "goes_back" => format!("It goes back by itself on {}.", at("until")),
        "corrected" => format!("Corrected{by}: {}.", fact("field").replace('_', " ")),
        "disputed" => format!("{} disagrees with that.", sentence(&who)),
        "dispute_answered" => match fact("verdict") {
            "overturned" => format!("{} decided that sales gets it again.", sentence(&who)),
            "upheld" => format!("{} decided that it stays given back.", sentence(&who)),
            _ => return None,
        },
        // That mails went out is no news to whoever got them; what the program notes for itself is none to anybody.
        _ => return None,
    };
    Some(words.into())
}

/// "Robin Adler and the manager were told that first contact is overdue."; `None` when nobody was told.
fn reminded(
    whom: &[String],
    promise: &str,
    kind: Option<PromiseKind>,
    is_overdue: bool,
    is_late: bool,
) -> Option<String> {
    let were = if whom.len() == 1 { "was" } else { "were" };
    let are = if kind == Some(PromiseKind::Attempts) { "are" } else { "is" };
    let article = match kind {
        Some(PromiseKind::Attempts | PromiseKind::Disposition | PromiseKind::Dispute) => "the ",
        _ => "",
    };
    let words = match kind {
        Some(PromiseKind::Quiet) => format!("{were} asked how the deal stands"),
        _ if is_overdue => format!("{were} told that {article}{promise} {are} overdue"),
        _ => format!("{were} reminded of {article}{promise}"),
    };
    let late = if is_late { ", late" } else { "" };
    (!whom.is_empty()).then(|| format!("{} {words}{late}.", sentence(&listed(whom))))
}

/// "Robin Adler called, no answer."
fn attempt(who: &str, channel: &str, outcome: &str) -> String {
    let (channel, outcome) = (channel.parse().unwrap_or(Channel::Phone), outcome.parse());
    let did = match (channel, outcome) {
        (Channel::Phone, Ok(Outcome::Reached)) => "called, and they talked",
        (Channel::Phone, Ok(Outcome::NoAnswer)) => "called, no answer",
        (Channel::Phone, Ok(Outcome::LeftMessage)) => "called and left a message",
        (Channel::Phone, Ok(Outcome::WrongNumber)) => "called, it is the wrong number",
        (Channel::Email, Ok(Outcome::Reached)) => "wrote a mail, and they answered",
        (Channel::Email, _) => "wrote a mail",
        (_, _) => "tried to reach them",
    };
    format!("{who} {did}.")
}

/// "not ready yet", of "Not ready yet"; an abbreviation stays as it is.
fn uncapitalised(label: &str) -> String {
    let mut letters = label.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reminder_says_whom_it_reminded() {
        let rep = || "Robin".to_owned();
        for (whom, kind, is_overdue, words) in [
            (vec![rep()], PromiseKind::FirstContact, false, Some("Robin was reminded of first contact.")),
            (
                vec![rep(), "the manager".to_owned()],
                PromiseKind::Attempts,
                true,
                Some("Robin and the manager were told that the attempts are overdue."),
            ),
            (
                vec!["the director".to_owned()],
                PromiseKind::Accept,
                true,
                Some("The director was told that acceptance is overdue."),
            ),
            (vec![rep()], PromiseKind::Quiet, true, Some("Robin was asked how the deal stands.")),
            (vec![], PromiseKind::FirstContact, true, None),
        ] {
            let told = reminded(&whom, kind.words(), Some(kind), is_overdue, false);
            assert_eq!(told.as_deref(), words);
        }
    }

    #[test]
    fn what_somebody_tried_is_told_as_they_would() {
        for (channel, outcome, words) in [
            ("phone", "no_answer", "Robin called, no answer."),
            ("phone", "reached", "Robin called, and they talked."),
            ("email", "sent", "Robin wrote a mail."),
        ] {
            assert_eq!(attempt("Robin", channel, outcome), words);
        }
        assert_eq!(
            (uncapitalised("Not ready"), uncapitalised("CRM says so")),
            ("not ready".into(), "CRM says so".into())
        );
    }
}
