//! What an automatic reply says: until when, whom to ask meanwhile, and whether to ring.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::Offset};

use super::facts::{Facts, first_of};
use super::phrases::{ACKNOWLEDGES, AWAY, LEFT};
use super::ringing::asks_not_to_ring;
use super::{AutoReply, Kind};
use crate::domain::email::EmailAddress;
use crate::mail::inbound::dates;

/// From this hour on an absence that ends on a day has taken the day.
const EVENING: i8 = 12;

pub(super) fn read(facts: &Facts<'_>, top: &str, evidence: &mut Vec<String>) -> AutoReply {
    let mut dated = Vec::new();
    let returns_on = returns_on(facts, &mut dated);
    let kind = kind(facts, top, returns_on, evidence);
    let returns_on = returns_on.filter(|_| kind == Kind::OutOfOffice).map(|(date, _)| date);
    if returns_on.is_some() {
        evidence.append(&mut dated);
    }
    let do_not_call = asks_not_to_ring(&facts.own_lower);
    if do_not_call.is_some() {
        evidence.push("asks not to be rung".to_owned());
    }
    AutoReply { kind, returns_on, do_not_call: do_not_call.is_some(), alternate_contact: alternate(facts) }
}

/// Who has gone is also away, and who is away also has "received your message": the first of these that is said counts.
fn kind(facts: &Facts<'_>, top: &str, returns_on: Option<(Date, bool)>, evidence: &mut Vec<String>) -> Kind {
    let is_back = returns_on.is_some_and(|(_, is_return)| is_return);
    let (kind, words) = if let Some(words) = first_of(top, &LEFT).filter(|_| !is_back) {
        (Kind::LeftCompany, words)
    } else if let Some(words) = first_of(top, &AWAY).or_else(|| first_of(&facts.subject, &AWAY)) {
        (Kind::OutOfOffice, words)
    } else if returns_on.is_some() {
        return Kind::OutOfOffice;
    } else if let Some(words) =
        first_of(top, &ACKNOWLEDGES).or_else(|| first_of(&facts.subject, &ACKNOWLEDGES))
    {
        (Kind::Acknowledgement, words)
    } else {
        return Kind::OutOfOffice;
    };
    evidence.push(format!("says “{words}”"));
    kind
}

/// The day, and whether it is said to be one of a return.
fn returns_on(facts: &Facts<'_>, evidence: &mut Vec<String>) -> Option<(Date, bool)> {
    let written = facts.written?;
    if let Some(date) = apple(facts).filter(|date| *date > written.on) {
        evidence.push(format!("back on {date}: x-apple-criteria"));
        return Some((date, true));
    }
    if let Some(date) =
        facts.calendar_end().and_then(|end| calendar_end(&end)).filter(|date| *date > written.on)
    {
        evidence.push(format!("back on {date}: the end of its calendar entry"));
        return Some((date, true));
    }
    // Some say it in the subject only: "AUTO: Jane Doe is out of the office (returning 11/30/2026)".
    let named = dates::returns_on(&format!("{}\n\n{}", facts.subject, facts.own), written)?;
    evidence.push(format!("back on {}: “{}”", named.date, named.words));
    if let Some(other) = named.otherwise {
        evidence.push(format!("or on {other}: nothing tells day and month apart"));
    }
    Some((named.date, named.is_return))
}

/// `{kind=VACATION,startDate=…Z,endDate=2016-04-29T13:00:00Z}`, as iCloud writes it.
fn apple(facts: &Facts<'_>) -> Option<Date> {
    let criteria = facts.header("X-Apple-Criteria")?;
    let (_, rest) = criteria.split_once("enddate=")?;
    let value: String = rest.chars().take_while(|c| !matches!(c, ',' | '}' | ' ')).collect();
    let at: Timestamp = value.to_uppercase().parse().ok()?;
    let offset = Offset::from_seconds(facts.written?.offset.unwrap_or_default()).ok()?;
    let end = offset.to_datetime(at);
    day_after(end.date(), end.time().hour() >= EVENING)
}

/// The value of `DTEND`: a date is the first day that is free again, a time lies on the last one.
fn calendar_end(value: &str) -> Option<Date> {
    let date: Date = value.get(..8)?.parse().ok()?;
    let hour: Option<i8> = value.get(9..11).and_then(|hour| hour.parse().ok());
    day_after(date, hour.is_some_and(|hour| hour >= EVENING))
}

fn day_after(date: Date, is_used_up: bool) -> Option<Date> {
    let date = if is_used_up { date.checked_add(1.days()).ok()? } else { date };
    Some(dates::working_day(date))
}

/// The first address in the text that is not its writer's own.
fn alternate(facts: &Facts<'_>) -> Option<String> {
    let boundary = |c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"' | '|')
    };
    facts
        .own
        .split(boundary)
        .filter(|word| word.contains('@'))
        .filter_map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).parse::<EmailAddress>().ok())
        .map(|address| address.as_str().to_owned())
        .find(|address| {
            *address != facts.from && !address.starts_with("noreply@") && !address.starts_with("no-reply@")
        })
}
