//! What mails to staff say, in words: pure, so that each sentence can be tried by itself.
//!
//! A rep reads these between two calls, a manager among forty others. Hence sentences without a subject for
//! what the lead did, "you" for whoever reads, a date only where it differs from the one before, and the
//! reader's own clock beside the lead's where they differ.

use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use crate::domain::agreement::{Role, Team};
use crate::domain::calendar::{Calendar, Counted, Reckoning};
use crate::domain::contact::{Permission, reasons};
use crate::domain::email::EmailAddress;
use crate::domain::lead::{Activity, Answer, Grade, Lead, Touch};
use crate::domain::sla::{LevelTerms, PromiseKind, Standing, Terms};
use crate::store::Likes;

/// What a lead did is shown this far back: more is a list, not a picture.
pub(super) const BEHAVIOUR_SHOWN: usize = 10;

/// Answers of a lead that a mail shows; a form asks fewer.
const ANSWERS_SHOWN: usize = 40;

/// Characters of an answer that a mail shows: a message of some length is read whole.
const ANSWER_SHOWN: usize = 2_000;

/// Of fewer leads than this it says nothing what became of them.
const ENOUGH: i64 = 10;

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
pub(super) fn otherwise(
    calendar: &Calendar,
    ahead: &[(LevelTerms, Timestamp)],
    reader: &Reader<'_>,
) -> Vec<String> {
    ahead.iter().map(|(level, at)| consequence(level, &calendar.local(*at), reader)).collect()
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

/// With a capital at its beginning.
pub(in crate::engine) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
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

/// What was promised, until when, how that was counted, and what follows.
pub(super) fn promise(
    calendar: &Calendar,
    promised: Promised<'_>,
    reader: &Reader<'_>,
    otherwise: Vec<String>,
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
        format!("This fell due {fell_due} and is told only now: nurtured was not running then.")
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
        Reckoning::Unreachable => "they cannot be called yet",
    };
    json!({
        "from": day_and_time(&from),
        "to": if from.date() == to.date() { time(&to) } else { day_and_time(&to) },
        "counts": piece.counts().then(|| hours_and_minutes(piece.minutes())),
        "why": why,
    })
}

/// Whether the lead may be called, by its clock, and by the reader's where that shows something else.
pub(in crate::engine) fn call(
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

/// Why a lead came to its rep, told to them: "you have waited longest", of "Robin Adler has waited longest".
pub(super) fn to_them(why: &str, rep_name: &str) -> String {
    let rest = why.strip_prefix(rep_name).and_then(|rest| rest.strip_prefix(' '));
    for (theirs, yours) in [("has", "have"), ("is", "are"), ("knows", "know")] {
        if let Some(rest) =
            rest.and_then(|rest| rest.strip_prefix(theirs)).filter(|rest| rest.starts_with(' '))
        {
            return format!("you {yours}{rest}");
        }
    }
    why.to_owned()
}

/// What a notice says first, for its subject.
pub(super) fn headline(note: &str) -> &str {
    let end = note.find(". ").or_else(|| note.find("? ")).map_or(note.len(), |at| at + 1);
    note[..end].trim_end_matches('.')
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

/// What became of leads like one; nothing as long as there are too few to say something.
pub(super) fn record(campaign: &str, grade: Grade, likes: Likes) -> Option<String> {
    // The lead itself is among those handed off; nothing became of it yet.
    let handed_off = likes.handed_off - 1;
    (handed_off >= ENOUGH).then(|| {
        let became = match likes.opportunities {
            0 => "none became an opportunity".to_owned(),
            1 => "1 became an opportunity".to_owned(),
            many => format!("{many} became opportunities"),
        };
        format!(
            "Of {handed_off} such leads in the last year (campaign {campaign}, grade {}), {became}.",
            grade.name()
        )
    })
}

/// The latest answers, in order of time. A public form takes any number of any length; the rest is in
/// `nurtured lead show`.
pub(super) fn answers(answers: &[Answer]) -> Value {
    answers[answers.len().saturating_sub(ANSWERS_SHOWN)..]
        .iter()
        .map(|said| {
            let answer = match said.answer.char_indices().nth(ANSWER_SHOWN) {
                Some((end, _)) => format!("{}…", said.answer[..end].trim_end()),
                None => said.answer.clone(),
            };
            json!({ "question": said.question, "answer": answer })
        })
        .collect()
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

/// `text` as one word of a shell, quoted where that matters: an address may hold a backtick, and whoever
/// copies the command runs it.
pub(super) fn shell_word(text: &str) -> String {
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
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'_' | b'-' | b'+' => {
                link.push(byte.into());
            }
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
pub(in crate::engine) fn day_and_time(at: &Zoned) -> String {
    at.strftime("%a %-d %b %H:%M").to_string()
}

/// "Tue 14:00".
pub(super) fn short(at: &Zoned) -> String {
    at.strftime("%a %H:%M").to_string()
}

/// "14:00".
pub(super) fn time(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

/// "Tue 3 Mar".
pub(super) fn display_day(day: jiff::civil::Date) -> String {
    day.strftime("%a %-d %b").to_string()
}

/// "Tue 3 Mar 2026".
pub(super) fn day(at: &Zoned) -> String {
    at.strftime("%a %-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;
    use crate::domain::calendar::{Holidays, Hours};
    use crate::domain::contact::Obstacle;
    use crate::domain::routing::Routing;
    use crate::domain::sla::FrozenAt;

    fn address(text: &str) -> EmailAddress {
        text.parse().expect("an address")
    }

    fn calendar(zone: &str, hours: &str) -> Calendar {
        Calendar::new(zone, Hours::parse(hours).expect("hours"), Holidays::none()).expect("a calendar")
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
    fn whether_it_may_be_called_is_told_by_both_clocks_where_they_differ() {
        let phone = calendar("America/New_York", "Mo-Fr 09:00-12:00,13:30-17:00");
        let berlin = calendar("Europe/Berlin", "Mo-Fr 09:00-17:00");
        let vienna = calendar("Europe/Vienna", "Mo-Fr 09:00-17:00");
        let now = instant("2026-03-03T15:00:00Z");
        let words = |permission: &Permission, reader| call(permission, &phone, reader, now)["words"].clone();
        let later = |at| Permission::NotBefore { at: instant(at), because: vec![Obstacle::OutsideHours] };
        assert_eq!(words(&Permission::Yes, Some(&berlin)), "Yes, until 12:00 their time (18:00 yours).");
        assert_eq!(words(&Permission::Yes, Some(&phone)), "Yes, until 12:00 their time.");
        assert_eq!(words(&Permission::Yes, None), "Yes, until 12:00 their time.");
        assert_eq!(
            words(&later("2026-03-04T01:00:00Z"), Some(&berlin)),
            "Not before 20:00 their time (Wed 4 Mar 02:00 yours): outside the lead's hours."
        );
        assert_eq!(
            words(&later("2026-03-04T14:00:00Z"), None),
            "Not before Wed 4 Mar 09:00 their time: outside the lead's hours."
        );
        let never = Permission::Never { because: Obstacle::NoPhone };
        assert_eq!(
            call(&never, &vienna, Some(&berlin), now),
            json!({ "now": false, "words": "No: no phone number is known." })
        );
        let always = calendar("Europe/Berlin", "24/7");
        assert_eq!(call(&Permission::Yes, &always, None, now)["words"], "Yes, at any time.");
    }

    #[test]
    fn a_promise_shows_every_piece_of_its_count() {
        let berlin = calendar("Europe/Berlin", "Mo-Fr 09:00-17:00");
        let terms = Terms {
            policy: "standard".to_owned(),
            promised: String::new(),
            target_minutes: 150,
            counts_from: None,
            until_opening: false,
            attempts: None,
            calendars: vec![berlin.freeze(date(2026, 1, 1), date(2027, 1, 1))],
            levels: Vec::new(),
        };
        let start = instant("2026-03-03T14:30:00Z");
        let standing = terms.assess(start, &[], &[], start).expect("it can be counted");
        let kind = PromiseKind::FirstContact;
        let promised = Promised { kind, terms: &terms, standing: &standing, paid: None };
        let (team, rep) = (team(), address("rep1@ours.example"));
        let reader = Reader { to: &rep, rep: &rep, rep_name: "Robin Adler", team: &team, has_phone: true };
        let told = promise(&berlin, promised, &reader, Vec::new(), None, start);
        assert_eq!(
            told["counted"],
            json!([
                { "from": "Tue 3 Mar 15:30", "to": "17:00", "counts": "1 h 30 min", "why": "counted" },
                { "from": "Tue 3 Mar 17:00", "to": "Wed 4 Mar 09:00", "counts": null, "why": "out of hours" },
                { "from": "Wed 4 Mar 09:00", "to": "10:00", "counts": "1 h", "why": "counted" },
            ])
        );
        assert_eq!(told["total"], "2 h 30 min");
        assert_eq!(told["by"], "Wed 4 Mar 10:00");
        assert_eq!(told["by_short"], "Wed 10:00");
    }

    #[test]
    fn a_command_is_safe_to_paste_and_a_link_to_follow() {
        assert_eq!(shell_word("jane.doe+x@acme.example"), "jane.doe+x@acme.example");
        assert_eq!(shell_word("`reboot`@acme.example"), "'`reboot`@acme.example'");
        assert_eq!(shell_word("o'neil@acme.example"), r"'o'\''neil@acme.example'");
        assert_eq!(shell_word("-x@acme.example"), "'-x@acme.example'");
        assert_eq!(mailto(&address("jane+x@acme.example")), "mailto:jane+x@acme.example");
        assert_eq!(mailto(&address("a?bcc=b&c%d@acme.example")), "mailto:a%3Fbcc%3Db%26c%25d@acme.example");
    }

    #[test]
    fn a_mail_shows_the_latest_answers_and_no_more_of_each_than_somebody_reads() {
        let said = |number: usize, text: &str| Answer {
            question: format!("Question {number}"),
            answer: text.to_owned(),
            occurred_at: None,
        };
        let mut given: Vec<Answer> = (0..ANSWERS_SHOWN + 5).map(|number| said(number, "yes")).collect();
        given.push(said(99, &"ä".repeat(ANSWER_SHOWN + 1)));
        let shown = answers(&given);
        assert_eq!(shown.as_array().map(Vec::len), Some(ANSWERS_SHOWN));
        assert_eq!(shown[0], json!({ "question": "Question 6", "answer": "yes" }));
        assert_eq!(shown[ANSWERS_SHOWN - 1]["answer"], "ä".repeat(ANSWER_SHOWN) + "…");
    }

    #[test]
    fn the_newest_activities_come_first_and_no_more_than_a_glance_takes_in() {
        let berlin = calendar("Europe/Berlin", "Mo-Fr 09:00-17:00");
        let activities: Vec<Activity> = (0..15)
            .map(|hour| Activity {
                name: "pricing_page".to_owned(),
                occurred_at: instant("2026-03-03T00:00:00Z") + SignedDuration::from_hours(hour),
            })
            .collect();
        let shown = behaviour(&berlin, &activities);
        assert_eq!(shown.as_array().map(Vec::len), Some(BEHAVIOUR_SHOWN));
        assert_eq!(shown[0], json!({ "at": "Tue 3 Mar 15:00", "words": "pricing page" }));
    }
}
