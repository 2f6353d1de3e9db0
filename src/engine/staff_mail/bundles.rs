//! Mails about several leads at once: a manager's digest, a rep's calls of the day, who has whose leads while a
//! rep is away.
//!
//! They are read in ten seconds on a telephone: the subject says how many and which is the worst, what belongs
//! to one person stands together, and of very many only the worst are told in full.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::actions::offer_return;
use super::{Plan, act_in_line, as_told, name_of, put, words, working_hours};
use crate::domain::calendar::Calendar;
use crate::domain::email::EmailAddress;
use crate::domain::ids::OutboxId;
use crate::domain::lead::Lead;
use crate::domain::mail::MailClass;
use crate::domain::span::counted;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::store::Tx;

/// So many lines are told in full; of the rest who it is.
const IN_FULL: usize = 20;

/// Of a call that is on the list for the last time.
const LAST: &str = "This list says it for the last time: everybody was told whom the agreement names. Call, or give it \
                    back with the reason.";

/// What a line of a digest is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum About {
    /// A promise that is broken, or soon will be: when it falls due.
    Promise(Timestamp),
    /// Somebody else has the lead now.
    ChangedHands,
    /// Something else.
    Note,
}

/// Something to tell about a lead in a line.
pub(in crate::engine) struct Line<'a> {
    pub lead: &'a Lead,
    pub about: About,
    /// "First contact within 8 business hours was due Tue 3 Mar 10:30."
    pub words: String,
    /// Whose lead it is.
    pub whose: Option<&'a EmailAddress>,
    /// The reader has lost it.
    pub lost: bool,
    /// It fell due while nobody looked.
    pub found_late: bool,
    /// What the reader can do about it by one link: what it is called, and the link.
    pub act: Option<(&'static str, String)>,
}

impl Line<'_> {
    fn is_overdue(&self, now: Timestamp) -> bool {
        matches!(self.about, About::Promise(due) if due <= now)
    }
}

/// Several matters in one mail to `to`. `settled`: what is over meanwhile. `unique_key` makes a second one
/// impossible.
pub(in crate::engine) async fn write_digest(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    to: &EmailAddress,
    mut lines: Vec<Line<'_>>,
    settled: &[String],
    unique_key: String,
) -> Result<Option<OutboxId>, PassError> {
    lines.sort_by_key(|line| line.about);
    for line in lines.iter_mut().take(IN_FULL) {
        line.act = act_in_line(engine, tx, wake, line.lead, to).await?;
    }
    let values = {
        let name = |who: &EmailAddress| name_of(wake, who);
        let reader = Reader { to, calendar: working_hours(wake, to), name: &name };
        json!({ "to_name": name(to), "digest": digest(&reader, lines, settled, wake.now) })
    };
    let plan = Plan { class: MailClass::Digest, template: "digest", to, unique_key, level: None, values };
    put(engine, tx, wake, None, plan).await
}

/// Who reads a digest, and by whose clock.
struct Reader<'a> {
    to: &'a EmailAddress,
    calendar: &'a Calendar,
    name: &'a dyn Fn(&EmailAddress) -> String,
}

/// The values of a digest, whose lines stand in the order of what they are about: what is overdue longest comes
/// first, what has no date after what has one.
fn digest(reader: &Reader<'_>, lines: Vec<Line<'_>>, settled: &[String], now: Timestamp) -> Value {
    let late = lines.iter().filter(|line| line.found_late).count();
    let late = (late > 0).then(|| match (late == lines.len(), late) {
        (true, _) => {
            "All of this fell due while nurtured was not running, and is told only now, once.".to_owned()
        }
        (false, 1) => {
            "One of these fell due while nurtured was not running, and is told only now.".to_owned()
        }
        (false, _) => {
            format!("{late} of these fell due while nurtured was not running, and are told only now, once.")
        }
    });
    let whose = |line: &Line<'_>| match line.whose {
        Some(who) if who == reader.to => "yours".to_owned(),
        Some(who) => (reader.name)(who),
        None => "nobody's".to_owned(),
    };
    let worst = lines.first().map(|line| {
        let since = |due| words::day_and_time(&reader.calendar.local(due));
        let words = match line.about {
            About::Promise(due) if due <= now => format!("since {} ({})", since(due), whose(line)),
            About::Promise(due) => format!("by {} ({})", since(due), whose(line)),
            About::ChangedHands => format!("to {}", whose(line)),
            About::Note => format!("({})", whose(line)),
        };
        format!("{} {words}", words::display(line.lead))
    });
    json!({
        "headline": headline(&lines, now),
        "worst": worst,
        "late": late,
        "groups": groups(reader, &lines),
        "settled": settled,
    })
}

/// "5 leads overdue, 2 due soon, 1 changed hands".
fn headline(lines: &[Line<'_>], now: Timestamp) -> String {
    let count = |is: &dyn Fn(&Line<'_>) -> bool| lines.iter().filter(|line| is(line)).count();
    let parts = [
        (count(&|line| line.is_overdue(now)), "overdue", "overdue"),
        (
            count(&|line| matches!(line.about, About::Promise(_)) && !line.is_overdue(now)),
            "due soon",
            "due soon",
        ),
        (count(&|line| line.about == About::ChangedHands && line.lost), "no longer yours", "no longer yours"),
        (count(&|line| line.about == About::ChangedHands && !line.lost), "changed hands", "changed hands"),
        (count(&|line| line.about == About::Note), "needs a look", "need a look"),
    ];
    let mut told = Vec::new();
    for (count, one, several) in parts.into_iter().filter(|(count, _, _)| *count > 0) {
        let of = if told.is_empty() { counted_leads(count) } else { count.to_string() };
        told.push(format!("{of} {}", if count == 1 { one } else { several }));
    }
    told.join(", ")
}

/// Under which heading a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group<'a> {
    Lost,
    ChangedHands,
    Of(&'a EmailAddress),
    OfNobody,
}

fn group<'a>(line: &Line<'a>) -> Group<'a> {
    match (line.about, line.whose) {
        (About::ChangedHands, _) if line.lost => Group::Lost,
        (About::ChangedHands, _) => Group::ChangedHands,
        (_, Some(who)) => Group::Of(who),
        (_, None) => Group::OfNobody,
    }
}

/// The lines by whose they are, those of whoever has the worst first.
fn groups(reader: &Reader<'_>, lines: &[Line<'_>]) -> Value {
    let mut found: Vec<Group<'_>> = Vec::new();
    for line in lines {
        if !found.contains(&group(line)) {
            found.push(group(line));
        }
    }
    let told = |of: Group<'_>| {
        let all = lines.iter().enumerate().filter(|(_, line)| group(line) == of);
        let (full, others): (Vec<_>, Vec<_>) = all.partition(|(index, _)| *index < IN_FULL);
        let leads = counted_leads(full.len() + others.len());
        let own = of == Group::Of(reader.to);
        let heading = match of {
            Group::Lost => format!("No longer yours, please do not call: {leads}"),
            Group::ChangedHands => format!("Changed hands: {leads}"),
            Group::Of(_) if own => format!("Yours: {leads}"),
            Group::Of(who) => format!("{}: {leads}", (reader.name)(who)),
            Group::OfNobody => format!("With nobody: {leads}"),
        };
        let ask = match of {
            Group::Of(who) if !own => Some(who),
            Group::Of(_) | Group::Lost | Group::ChangedHands | Group::OfNobody => None,
        };
        let others: Vec<String> = others.iter().map(|(_, line)| words::display(line.lead)).collect();
        json!({
            "heading": heading,
            "ask": ask.map(|who| format!("Ask {}", (reader.name)(who))),
            "ask_url": ask.map(words::mailto),
            "lines": full.into_iter().map(|(_, line)| told(line, own)).collect::<Vec<_>>(),
            "more": (!others.is_empty()).then(|| format!("And {} more: {}.", others.len(), others.join("; "))),
        })
    };
    found.into_iter().map(told).collect()
}

fn told(line: &Line<'_>, own: bool) -> Value {
    let phone = line.lead.profile.phone.as_ref().filter(|_| own);
    json!({
        "display": words::display(line.lead),
        "words": line.words,
        "todo": own.then(|| phone.map_or_else(|| "Write".to_owned(), |phone| format!("Call {phone}"))),
        "todo_url": own.then(|| {
            phone.map_or_else(|| words::mailto(&line.lead.email), |phone| format!("tel:{phone}"))
        }),
        "act": line.act.as_ref().map(|(label, _)| label),
        "act_url": line.act.as_ref().map(|(_, link)| link),
    })
}

/// Who has the leads of a rep who is away, told to that rep.
pub(in crate::engine) async fn write_away(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    to: &EmailAddress,
    back: Timestamp,
    moved: &[(Lead, String)],
) -> Result<(), PassError> {
    let calendar = working_hours(wake, to);
    let back_words = words::day(&calendar.local(back));
    let lines: Vec<Value> = moved
        .iter()
        .map(|(lead, who)| {
            let display = words::display(&as_told(wake, lead.clone(), to));
            json!({
                "display": display,
                "words": format!("now with {who}"),
                "todo": format!("Tell {who} what you know"),
                "todo_url": lead.owner.as_ref().map(words::mailto),
            })
        })
        .collect();
    let whole = json!({
        "heading": counted_leads(moved.len()),
        "lines": lines,
    });
    let values = json!({
        "to_name": name_of(wake, to),
        "digest": {
            "headline": counted_leads(moved.len()),
            "worst": Value::Null,
            "late": Value::Null,
            "groups": [whole],
            "back": back_words,
        },
    });
    let mut values = values;
    let mut theirs = None;
    for (lead, _) in moved {
        let hand_offs = tx.hand_offs_of(lead.id).await?;
        theirs = theirs.or(hand_offs.into_iter().rev().find(|one| one.rep == *to));
    }
    offer_return(engine, wake, &mut values, theirs.as_ref(), to);
    // The leads say which mail this is: nobody is told twice that one lead is no longer theirs.
    let leads: Vec<String> = moved.iter().map(|(lead, _)| lead.id.to_string()).collect();
    let unique_key = format!("away:{to}:{}:{}", wake.now, leads.join(","));
    let plan = Plan { class: MailClass::Notice, template: "away", to, unique_key, level: None, values };
    put(engine, tx, wake, None, plan).await?;
    Ok(())
}

/// A call to make today.
pub(in crate::engine) struct Call {
    /// What every mail about the lead says of it.
    pub about: Value,
    /// What is owed: "First contact".
    pub what: String,
    /// Until when.
    pub due: Timestamp,
    /// The lead named this day itself.
    pub asked_for: bool,
    /// It is on the list for the last time, as everybody was told.
    pub is_last: bool,
    /// What was tried, the oldest first.
    pub tried: Vec<String>,
    /// What its rep can do about it by one link: what it is called, and the link.
    pub act: Option<(&'static str, String)>,
}

/// A rep's calls of the day, which are not empty, the most urgent first.
pub(in crate::engine) async fn write_call_list(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    to: &EmailAddress,
    calls: Vec<Call>,
) -> Result<Option<OutboxId>, PassError> {
    let calendar = working_hours(wake, to);
    let first = calls.first().map(|call| {
        let display = call.about["lead"]["display"].as_str().unwrap_or_default();
        format!("{display}, {}", due_words(calendar, call, wake.now))
    });
    let headline = counted(i64::try_from(calls.len()).unwrap_or(i64::MAX), "call");
    let list: Vec<Value> = calls
        .iter()
        .map(|call| {
            let lead = &call.about["lead"];
            json!({
                "display": lead["display"],
                "title": lead["title"],
                "phone": lead["phone"],
                "phone_url": lead["phone_url"],
                "email": lead["email"],
                "email_url": lead["email_url"],
                "local_time": lead["local_time"],
                "call_words": call.about["call"]["words"],
                "what": call.what,
                "due": due_words(calendar, call, wake.now),
                "last": call.is_last.then_some(LAST),
                "tried": call.tried,
                "act": call.act.as_ref().map(|(label, _)| label),
                "act_url": call.act.as_ref().map(|(_, link)| link),
            })
        })
        .collect();
    let values = json!({
        "to_name": name_of(wake, to),
        "digest": { "headline": headline, "worst": first },
        "calls": list,
    });
    let day = calendar.local(wake.now).date();
    let unique_key = format!("call-list:{to}:{day}");
    let plan = Plan { class: MailClass::Digest, template: "call-list", to, unique_key, level: None, values };
    put(engine, tx, wake, None, plan).await
}

/// "overdue since Mon 2 Mar 10:30", "by 11:30" today, "by Wed 4 Mar 11:30", "today, as they asked".
fn due_words(calendar: &Calendar, call: &Call, now: Timestamp) -> String {
    let (due, at) = (call.due, calendar.local(call.due));
    if call.asked_for {
        "today, as they asked".to_owned()
    } else if due <= now {
        format!("overdue since {}", words::day_and_time(&at))
    } else if at.date() == calendar.local(now).date() {
        format!("by {}", words::time(&at))
    } else {
        format!("by {}", words::day_and_time(&at))
    }
}

fn counted_leads(count: usize) -> String {
    counted(i64::try_from(count).unwrap_or(i64::MAX), "lead")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{Holidays, Hours};
    use crate::domain::ids::LeadId;
    use crate::domain::lead::{Profile, Stage};

    fn address(text: &str) -> EmailAddress {
        text.parse().expect("an address")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn lead(number: usize) -> Lead {
        Lead {
            id: LeadId(number as i64),
            profile: Profile {
                phone: (number % 2 == 1).then(|| "+4930901820".to_owned()),
                ..Profile::default()
            },
            stage: Stage::HandedOff,
            ..Lead::new(address(&format!("lead{number}@acme.example")), at("2026-03-02T09:00:00Z"))
        }
    }

    fn line<'a>(lead: &'a Lead, about: About, whose: Option<&'a EmailAddress>) -> Line<'a> {
        Line { lead, about, words: "words".to_owned(), whose, lost: false, found_late: false, act: None }
    }

    /// A digest for Sam, whose addresses are their names.
    fn for_sam(mut lines: Vec<Line<'_>>) -> Value {
        lines.sort_by_key(|line| line.about);
        let hours = Hours::parse("Mo-Fr 09:00-17:00").expect("hours");
        let calendar = Calendar::new("Europe/Berlin", hours, Holidays::none()).expect("a calendar");
        let name = EmailAddress::as_a_name;
        let reader = Reader { to: &address("sam@ours.example"), calendar: &calendar, name: &name };
        digest(&reader, lines, &[], at("2026-03-03T10:30:00Z"))
    }

    #[test]
    fn the_worst_comes_first_and_each_rep_s_leads_stand_together() {
        let (robin, sam) = (address("robin@ours.example"), address("sam@ours.example"));
        let leads: Vec<Lead> = (1..=6).map(lead).collect();
        let due = |text| About::Promise(at(text));
        let digest = for_sam(vec![
            line(&leads[0], About::Note, None),
            line(&leads[1], due("2026-03-03T10:00:00Z"), Some(&robin)),
            line(&leads[2], due("2026-03-03T11:00:00Z"), Some(&sam)),
            line(&leads[3], due("2026-03-02T10:00:00Z"), Some(&sam)),
            Line { found_late: true, ..line(&leads[4], About::ChangedHands, Some(&robin)) },
            Line { lost: true, ..line(&leads[5], About::ChangedHands, Some(&robin)) },
        ]);
        assert_eq!(
            digest["headline"],
            "2 leads overdue, 1 due soon, 1 no longer yours, 1 changed hands, 1 needs a look"
        );
        assert_eq!(digest["worst"], "lead4@acme.example since Mon 2 Mar 11:00 (yours)");
        assert_eq!(
            digest["late"],
            "One of these fell due while nurtured was not running, and is told only now."
        );
        let headings: Vec<&str> = digest["groups"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|group| group["heading"].as_str())
            .collect();
        assert_eq!(
            headings,
            [
                "Yours: 2 leads",
                "Robin: 1 lead",
                "Changed hands: 1 lead",
                "No longer yours, please do not call: 1 lead",
                "With nobody: 1 lead",
            ]
        );
        let yours = &digest["groups"][0]["lines"];
        assert_eq!(
            (&yours[0]["todo_url"], &yours[1]["todo_url"]),
            (&json!("mailto:lead4@acme.example"), &json!("tel:+4930901820"))
        );
        assert_eq!(digest["groups"][0]["ask_url"], Value::Null);
        assert_eq!(digest["groups"][1]["ask_url"], "mailto:robin@ours.example");
        assert_eq!(
            digest["groups"][2]["ask_url"],
            Value::Null,
            "nobody is asked about what was taken from them"
        );
    }

    #[test]
    fn of_very_many_the_worst_are_told_and_the_others_named() {
        let robin = address("robin@ours.example");
        let leads: Vec<Lead> = (1..=412).map(lead).collect();
        let lines = leads.iter().map(|lead| {
            let due = at("2026-03-03T10:00:00Z") - jiff::SignedDuration::from_secs(lead.id.0);
            Line { found_late: true, ..line(lead, About::Promise(due), Some(&robin)) }
        });
        let digest = for_sam(lines.collect());
        assert_eq!(digest["headline"], "412 leads overdue");
        assert_eq!(digest["worst"], "lead412@acme.example since Tue 3 Mar 10:53 (Robin)");
        assert!(digest["late"].as_str().is_some_and(|late| late.starts_with("All of this")));
        let group = &digest["groups"][0];
        assert_eq!(group["heading"], "Robin: 412 leads");
        assert_eq!(group["lines"].as_array().map(Vec::len), Some(IN_FULL));
        let more = group["more"].as_str().expect("the others");
        assert!(more.starts_with("And 392 more: lead392@acme.example; "), "{more}");
        assert!(more.ends_with("lead1@acme.example."), "nobody is left out: {more}");
    }
}
