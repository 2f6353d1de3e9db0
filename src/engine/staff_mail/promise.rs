//! What a mail says of a promise: what it is, until when, how that was counted, and what follows if nobody acts.

use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use super::counted::counted;
use super::words::{day_and_time, hours_and_minutes, sentence, short};
use crate::domain::agreement::{Role, Team};
use crate::domain::calendar::Calendar;
use crate::domain::email::EmailAddress;
use crate::domain::sla::{LevelTerms, PromiseKind, Standing, Terms};

/// Who reads a mail about a promise, and whose promise it is.
pub(super) struct Reader<'a> {
    pub to: &'a EmailAddress,
    pub rep: &'a EmailAddress,
    pub rep_name: &'a str,
    pub team: &'a Team,
    /// Whether the lead has a number to call.
    pub has_phone: bool,
}

impl Reader<'_> {
    /// How this reader calls the person in `role`; `None` when nobody has it.
    fn calls(&self, role: Role) -> Option<&str> {
        let (who, words) = match role {
            Role::Owner => (self.rep, self.rep_name),
            Role::Manager if self.to == self.rep => (&self.team.manager, "your manager"),
            Role::Manager if self.team.manager == *self.rep => (self.rep, self.rep_name),
            Role::Manager => (&self.team.manager, "the manager"),
            Role::Backup => (self.team.backup.as_ref()?, "the backup"),
            Role::Director => (self.team.director.as_ref()?, "the director"),
        };
        Some(if who == self.to { "you" } else { words })
    }
}

/// A promise, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Promised<'a> {
    pub kind: PromiseKind,
    pub terms: &'a Terms,
    pub standing: &'a Standing,
    /// What is paid of a debt of attempts.
    pub paid: Option<&'a str>,
}

/// What follows if nobody acts, told to its reader: each level that is left, with its instant.
fn otherwise(calendar: &Calendar, ahead: &[(LevelTerms, Timestamp)], reader: &Reader<'_>) -> Vec<String> {
    ahead.iter().map(|(level, at)| consequence(level, &calendar.local(*at), reader)).collect()
}

/// Which of the levels that are left says what it costs if nobody acts: the first at which the promise is broken.
pub(super) fn first_cost(
    ahead: &[(LevelTerms, Timestamp)],
    deadline: Timestamp,
    now: Timestamp,
) -> Option<usize> {
    let does_something = |level: &LevelTerms| level.reassign || !level.tell.is_empty();
    ahead.iter().position(|(level, at)| (deadline <= now || *at >= deadline) && does_something(level))
}

/// What that is, in a sentence.
fn unless(
    calendar: &Calendar,
    ahead: &[(LevelTerms, Timestamp)],
    deadline: Timestamp,
    reader: &Reader<'_>,
    now: Timestamp,
) -> String {
    match first_cost(ahead, deadline, now).map(|first| &ahead[first]) {
        Some((level, at)) if *at == deadline => {
            format!("Unless it is done by then, {}.", follows(level, reader))
        }
        Some((level, at)) => {
            let at = day_and_time(&calendar.local(*at));
            format!("Unless it is done by {at}, {}.", follows(level, reader))
        }
        None if deadline <= now => {
            "Nobody else is told of this: it stays open until somebody acts.".to_owned()
        }
        None => "If it is not done, nobody is told.".to_owned(),
    }
}

/// "To take the lead or give it back within 4 business hours: by Tue 3 Mar 14:00."
pub(super) fn also_promised(
    calendar: &Calendar,
    Promised { kind, terms, standing, .. }: Promised<'_>,
) -> String {
    let by = day_and_time(&calendar.local(standing.deadline.at));
    format!("{}: by {by}.", sentence(&what(kind, terms)))
}

/// "first contact within 8 business hours", "6 attempts on 4 days, over 2 channels within 10 business days".
fn what(kind: PromiseKind, terms: &Terms) -> String {
    match terms.attempts {
        Some(_) => terms.target_words(),
        None => format!("{} within {}", kind.promised(), terms.target_words()),
    }
}

/// What a level does, and when.
pub(super) fn consequence(level: &LevelTerms, at: &Zoned, reader: &Reader<'_>) -> String {
    format!("{}: {}.", day_and_time(at), follows(level, reader))
}

/// "you and your manager are told, and somebody else with room gets the lead".
pub(super) fn follows(level: &LevelTerms, reader: &Reader<'_>) -> String {
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
    parts.join(", and ")
}

/// What was promised, until when, how that was counted, and what follows: `ahead` are the levels that are left, `None`
/// when the promise is over.
pub(super) fn promise(
    calendar: &Calendar,
    promised: Promised<'_>,
    reader: &Reader<'_>,
    ahead: Option<&[(LevelTerms, Timestamp)]>,
    late: Option<Timestamp>,
    now: Timestamp,
) -> Value {
    let Promised { kind, terms, standing, paid } = promised;
    let (who, have) = match kind {
        // The rep has said why; the answer is the manager's.
        PromiseKind::Dispute if *reader.to == reader.team.manager => ("You", "have"),
        PromiseKind::Dispute => ("The manager", "has"),
        _ if reader.to == reader.rep => ("You", "have"),
        _ => (reader.rep_name, "has"),
    };
    let deadline = &standing.deadline;
    let by = calendar.local(deadline.at);
    let late = late.map(|fell_due| {
        let fell_due = day_and_time(&calendar.local(fell_due));
        format!("You would have been told {fell_due}, but nurtured was not running then.")
    });
    json!({
        "what": what(kind, terms),
        "named": (kind != PromiseKind::FirstContact).then(|| sentence(kind.words())),
        "missing": kind.missing(who, have, paid),
        "asks": kind.asks(reader.has_phone),
        "ended_by": kind.ended_by(),
        "asks_for_contact": kind.asks_for_contact(),
        "since": deadline.counted.first().map(|piece| day_and_time(&calendar.local(piece.from))),
        "by": day_and_time(&by),
        "by_short": short(&by),
        "broken": deadline.at <= now,
        "late": late,
        "zone": calendar.zone_name(),
        "total": hours_and_minutes(terms.target_minutes),
        "unless": ahead.map(|ahead| unless(calendar, ahead, deadline.at, reader, now)),
        "otherwise": ahead.map_or_else(Vec::new, |ahead| otherwise(calendar, ahead, reader)),
        "counted": counted(calendar, &deadline.counted),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;
    use crate::domain::calendar::{Holidays, Hours};
    use crate::domain::routing::Routing;
    use crate::domain::sla::FrozenAt;

    fn address(text: &str) -> EmailAddress {
        text.parse().expect("an address")
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn team() -> Team {
        Team {
            name: "sales".to_owned(),
            manager: address("manager@ours.example"),
            director: Some(address("director@ours.example")),
            backup: Some(address("manager@ours.example")),
            calendar: "office".to_owned(),
            reps: Vec::new(),
            routing: Routing::default(),
            overflow: None,
            policy: None,
            shares: None,
        }
    }

    #[test]
    fn what_follows_reads_right_for_whoever_reads_it() {
        let (team, rep) = (team(), address("rep1@ours.example"));
        let at = date(2026, 3, 3).at(14, 0, 0, 0).in_tz("Europe/Berlin").expect("a time");
        let level = |tell: &[Role], reassign| LevelTerms {
            name: "level".to_owned(),
            at: FrozenAt::Share { at_percent: 100 },
            tell: tell.to_vec(),
            reassign,
        };
        for (to, tell, reassign, words) in [
            ("rep1", vec![Role::Owner], false, "you are reminded."),
            ("rep1", vec![Role::Owner, Role::Manager], false, "you and your manager are told."),
            (
                "rep1",
                vec![Role::Owner, Role::Manager],
                true,
                "you and your manager are told, and somebody else with room gets the lead.",
            ),
            ("rep1", vec![Role::Director], false, "the director is told."),
            ("manager", vec![Role::Owner, Role::Manager], false, "you and Robin Adler are told."),
            ("manager", vec![Role::Owner], false, "Robin Adler is told."),
            ("manager", vec![Role::Manager, Role::Backup], false, "you are told."),
            ("director", vec![Role::Manager, Role::Director], false, "you and the manager are told."),
            ("rep1", vec![], true, "somebody else with room gets the lead."),
        ] {
            let to = address(&format!("{to}@ours.example"));
            let reader = Reader { to: &to, rep: &rep, rep_name: "Robin Adler", team: &team, has_phone: true };
            let told = consequence(&level(&tell, reassign), &at, &reader);
            assert_eq!(told, format!("Tue 3 Mar 14:00: {words}"));
        }
    }

    #[test]
    fn a_promise_says_what_it_costs_when_it_is_not_kept() {
        let hours = Hours::parse("Mo-Fr 09:00-17:00").expect("hours");
        let berlin = Calendar::new("Europe/Berlin", hours, Holidays::none()).expect("a calendar");
        let level = |percent: i64, tell: &[Role]| LevelTerms {
            name: percent.to_string(),
            at: FrozenAt::Share { at_percent: percent },
            tell: tell.to_vec(),
            reassign: false,
        };
        let terms = Terms {
            policy: "standard".to_owned(),
            promised: String::new(),
            target_minutes: 120,
            counts_from: None,
            until_opening: false,
            attempts: None,
            calendars: vec![berlin.freeze(date(2026, 1, 1), date(2027, 1, 1))],
            levels: vec![
                level(75, &[Role::Owner]),
                level(100, &[Role::Owner, Role::Manager]),
                level(200, &[Role::Director]),
            ],
        };
        let start = instant("2026-03-03T14:30:00Z");
        let (team, rep) = (team(), address("rep1@ours.example"));
        let reader = Reader { to: &rep, rep: &rep, rep_name: "Robin Adler", team: &team, has_phone: true };
        let end = terms.assess(start, &[], &[], Timestamp::MAX).expect("it can be counted").reached;
        for (now, passed, unless) in [
            ("2026-03-03T14:30:00Z", 0, json!("Unless it is done by then, you and your manager are told.")),
            ("2026-03-04T08:30:00Z", 2, json!("Unless it is done by Wed 4 Mar 11:30, the director is told.")),
            (
                "2026-03-04T10:30:00Z",
                3,
                json!("Nobody else is told of this: it stays open until somebody acts."),
            ),
        ] {
            let standing = terms.assess(start, &[], &[], start).expect("it can be counted");
            let kind = PromiseKind::FirstContact;
            let promised = Promised { kind, terms: &terms, standing: &standing, paid: None };
            let told = promise(&berlin, promised, &reader, Some(&end[passed..]), None, instant(now));
            assert_eq!((&told["by"], &told["by_short"]), (&json!("Wed 4 Mar 09:30"), &json!("Wed 09:30")));
            assert_eq!(told["unless"], unless, "{now}");
            assert_eq!(told["otherwise"].as_array().map(Vec::len), Some(3 - passed));
            let over = promise(&berlin, promised, &reader, None, None, instant(now));
            assert_eq!((&over["unless"], &over["otherwise"]), (&Value::Null, &json!([])));
        }
    }
}
