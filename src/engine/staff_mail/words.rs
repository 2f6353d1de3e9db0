//! What mails to staff say, in words: pure, so that each sentence can be tried by itself.
//!
//! A rep reads these between two calls, a manager among forty others. Hence sentences without a subject for
//! what the lead did, "you" for whoever reads, a date only where it differs from the one before, and the
//! reader's own clock beside the lead's where they differ.

use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use crate::domain::agreement::{Role, Target, Team};
use crate::domain::calendar::{Calendar, Counted, Reckoning};
use crate::domain::contact::{Channel, Permission, reasons};
use crate::domain::email::EmailAddress;
use crate::domain::happening::Outcome;
use crate::domain::lead::{Activity, Answer, Lead, Touch};
use crate::domain::sla::{LevelTerms, Standing, Terms};
use crate::engine::why;
use crate::store::Event;

/// What a lead did is shown this far back: more is a list, not a picture.
const BEHAVIOUR_SHOWN: usize = 10;

/// Who reads a mail about a promise, and whose promise it is.
pub(super) struct Reader<'a> {
    pub to: &'a EmailAddress,
    pub rep: &'a EmailAddress,
    pub rep_name: &'a str,
    pub team: &'a Team,
}

impl Reader<'_> {
    /// How this reader calls the person in `role`; `None` when nobody has it.
    fn calls(&self, role: Role) -> Option<&str> {
        let (who, words) = match role {
            Role::Owner => (self.rep, self.rep_name),
            Role::Manager if self.to == self.rep => (&self.team.manager, "your manager"),
            Role::Manager => (&self.team.manager, "the manager"),
            Role::Backup => (self.team.backup.as_ref()?, "the backup"),
            Role::Director => (self.team.director.as_ref()?, "the director"),
        };
        Some(if who == self.to { "you" } else { words })
    }
}

/// What a level does, and when.
pub(super) fn consequence(level: &LevelTerms, at: &Zoned, reader: &Reader<'_>) -> String {
    let mut told: Vec<&str> = Vec::new();
    for who in level.tell.iter().filter_map(|role| reader.calls(*role)) {
        if !told.contains(&who) {
            told.push(who);
        }
    }
    // "you and the director": the word that the reader looks for comes first.
    told.sort_by_key(|who| *who != "you");
    let mut parts = Vec::new();
    match told[..] {
        [] => {}
        ["you"] if reader.to == reader.rep => parts.push("you are reminded".to_owned()),
        ["you"] => parts.push("you are told".to_owned()),
        [one] => parts.push(format!("{one} is told")),
        [ref first @ .., last] => parts.push(format!("{} and {last} are told", first.join(", "))),
    }
    if level.reassign {
        parts.push("somebody else with room gets the lead".to_owned());
    }
    format!("{}: {}.", day_and_time(at), parts.join(", and "))
}

/// What was promised, until when, how that was counted, and what follows.
pub(super) fn promise(
    calendar: &Calendar,
    terms: &Terms,
    standing: &Standing,
    otherwise: Vec<String>,
    late: Option<Timestamp>,
    now: Timestamp,
) -> Value {
    let deadline = &standing.deadline;
    let by = calendar.local(deadline.at);
    let late = late.map(|fell_due| {
        let fell_due = day_and_time(&calendar.local(fell_due));
        format!("This fell due {fell_due} and is told only now: nurtured was not running then.")
    });
    json!({
        "what": format!("first contact within {}", Target(SignedDuration::from_mins(terms.target_minutes))),
        "since": deadline.counted.first().map(|piece| day_and_time(&calendar.local(piece.from))),
        "by": day_and_time(&by),
        "by_short": short(&by),
        "broken": deadline.at <= now,
        "late": late,
        "zone": calendar.zone_name(),
        "total": hours_and_minutes(terms.target_minutes),
        "otherwise": otherwise,
        "counted": deadline.counted.iter().map(|piece| counted(calendar, piece)).collect::<Vec<_>>(),
    })
}

fn counted(calendar: &Calendar, piece: &Counted) -> Value {
    let (from, to) = (calendar.local(piece.from), calendar.local(piece.to));
    let why = match piece.why {
        Reckoning::Open => "counted",
        Reckoning::Closed => "out of hours",
        Reckoning::Holiday(_) => "holiday",
        Reckoning::Paused => "paused: away, or asked us to wait",
    };
    json!({
        "from": day_and_time(&from),
        "to": if from.date() == to.date() { time(&to) } else { day_and_time(&to) },
        "counts": piece.counts().then(|| hours_and_minutes(piece.minutes())),
        "why": why,
    })
}

/// Whether the lead may be called, by its clock, and by the reader's where that shows something else.
pub(super) fn call(
    permission: &Permission,
    phone: &Calendar,
    reader: Option<&Calendar>,
    now: Timestamp,
) -> Value {
    let words = match permission {
        Permission::Yes => {
            let tomorrow = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
            match phone.intervals(now, tomorrow).next() {
                Some((open, close)) if open <= now && close < tomorrow => {
                    format!("Yes, until {}.", on_both_clocks(phone, reader, close, now))
                }
                _ => "Yes, at any time.".to_owned(),
            }
        }
        Permission::NotBefore { at, because } => {
            format!("Not before {}: {}.", on_both_clocks(phone, reader, *at, now), reasons(because))
        }
        Permission::Never { because } => format!("No: {because}."),
    };
    json!({ "now": *permission == Permission::Yes, "words": words })
}

/// "13:30 their time (12:30 yours)": without the date when it is today there.
fn on_both_clocks(theirs: &Calendar, yours: Option<&Calendar>, at: Timestamp, now: Timestamp) -> String {
    let shown = |at: &Zoned, today: jiff::civil::Date| {
        if at.date() == today { time(at) } else { day_and_time(at) }
    };
    let their = theirs.local(at);
    let words = format!("{} their time", shown(&their, theirs.local(now).date()));
    match yours.map(|calendar| calendar.local(at)).filter(|your| your.datetime() != their.datetime()) {
        Some(your) => format!("{words} ({} yours)", shown(&your, their.date())),
        None => words,
    }
}

/// "Jane Doe, Acme", or the address when no name is known.
pub(super) fn display(lead: &Lead) -> String {
    let name = lead.profile.full_name().unwrap_or_else(|| lead.email.as_str().to_owned());
    match &lead.profile.company {
        Some(company) => format!("{name}, {company}"),
        None => name,
    }
}

pub(super) fn touches(calendar: &Calendar, touches: &[Touch]) -> Value {
    touches
        .iter()
        .map(|touch| {
            let parts = [&touch.source, &touch.medium, &touch.campaign, &touch.content, &touch.term];
            let words: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            json!({
                "at": touch.occurred_at.map(|at| day(&calendar.local(at))),
                "words": if words.is_empty() { "source unknown".to_owned() } else { words.join(" · ") },
                "ad": touch.ad,
                "landing_page": touch.landing_page,
            })
        })
        .collect()
}

pub(super) fn answers(answers: &[Answer]) -> Value {
    answers.iter().map(|answer| json!({ "question": answer.question, "answer": answer.answer })).collect()
}

pub(super) fn behaviour(calendar: &Calendar, activities: &[Activity]) -> Value {
    activities
        .iter()
        .rev()
        .take(BEHAVIOUR_SHOWN)
        .map(|activity| {
            json!({
                "at": day_and_time(&calendar.local(activity.occurred_at)),
                "words": activity.name.replace('_', " "),
            })
        })
        .collect()
}

/// What happened since a hand-off, as its reader would tell it, by the reader's clock.
pub(super) fn history(calendar: &Calendar, events: &[Event], since: Timestamp) -> Value {
    events
        .iter()
        .filter(|event| event.occurred_at >= since)
        // That mails went out is no news to whoever got them, and who has the lead is told by `assigned`.
        .filter(|event| !["mail", "stage"].contains(&event.kind.as_str()))
        .filter_map(|event| {
            let words = why::words(&Event { facts: by_the_clock(calendar, &event.facts), ..event.clone() })?;
            Some(json!({ "at": day_and_time(&calendar.local(event.occurred_at)), "words": words }))
        })
        .collect()
}

/// The facts of an event with every instant as people read it.
fn by_the_clock(calendar: &Calendar, facts: &Value) -> Value {
    let Value::Object(facts) = facts else { return facts.clone() };
    let shown = |fact: &Value| match fact.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
        Some(at) => Value::String(day_and_time(&calendar.local(at))),
        None => fact.clone(),
    };
    Value::Object(facts.iter().map(|(name, fact)| (name.clone(), shown(fact))).collect())
}

/// What a rep can do, as commands; the links of action mails take their place when there are any.
pub(super) fn dispositions(lead: &EmailAddress) -> Value {
    let lead = shell_word(lead.as_str());
    let called = |outcome: Outcome| {
        let (channel, outcome) = (Channel::Phone.name(), outcome.name());
        format!("nurtured lead attempt {lead} --channel {channel} --outcome {outcome}")
    };
    json!([
        { "label": "I take it", "command": format!("nurtured lead accept {lead}") },
        { "label": "I called and talked", "command": called(Outcome::Reached) },
        { "label": "I called, no answer", "command": called(Outcome::NoAnswer) },
        { "label": "I give it back", "command": format!("nurtured lead reject {lead} --reason not-ready") },
    ])
}

/// `text` as one word of a shell, quoted where that matters: an address may hold a backtick, and whoever
/// copies the command runs it.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    if !text.starts_with('-') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The address as a link to write to, without what would add headers to the mail (RFC 6068).
pub(super) fn mailto(address: &EmailAddress) -> String {
    let mut link = "mailto:".to_owned();
    for byte in address.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'_' | b'-' | b'+' => link.push(byte.into()),
            other => link.push_str(&format!("%{other:02X}")),
        }
    }
    link
}

/// "1 h 30 min".
fn hours_and_minutes(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// "Tue 3 Mar 14:00".
fn day_and_time(at: &Zoned) -> String {
    at.strftime("%a %-d %b %H:%M").to_string()
}

/// "Tue 14:00".
pub(super) fn short(at: &Zoned) -> String {
    at.strftime("%a %H:%M").to_string()
}

/// "14:00".
fn time(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

/// "Tue 3 Mar 2026".
fn day(at: &Zoned) -> String {
    at.strftime("%a %-d %b %Y").to_string()
}
