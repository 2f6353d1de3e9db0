//! What mails to staff say, in words: pure, so that each sentence can be tried by itself.
//!
//! A rep reads these between two calls, a manager among forty others. Hence sentences without a subject for
//! what the lead did, "you" for whoever reads, a date only where it differs from the one before, and the
//! reader's own clock beside the lead's where they differ.

use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use crate::domain::calendar::Calendar;
use crate::domain::contact::{Permission, reasons};
use crate::domain::day;
use crate::domain::email::EmailAddress;
use crate::domain::lead::{Activity, Answer, Grade, Lead, Touch};
use crate::store::Likes;

/// What a lead did is shown this far back: more is a list, not a picture.
pub(super) const BEHAVIOUR_SHOWN: usize = 10;

/// Answers of a lead that a mail shows; a form asks fewer.
const ANSWERS_SHOWN: usize = 40;

/// Characters of an answer that a mail shows: a message of some length is read whole.
const ANSWER_SHOWN: usize = 2_000;

/// Of fewer leads than this it says nothing what became of them.
const ENOUGH: i64 = 10;

/// With a capital at its beginning.
pub(in crate::engine) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
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
            let because = day::readable(&reasons(because), phone.local(now).year());
            format!("Not before {}: {because}.", on_both_clocks(phone, reader, *at, now))
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
    // Whoever gave it to them is somebody else.
    if let Some(who) = why.strip_suffix(rep_name).filter(|who| who.ends_with(" gave it to ")) {
        return format!("{who}you");
    }
    for (theirs, yours) in [("has", "have"), ("is", "are"), ("knows", "know"), ("took", "took")] {
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
pub(super) fn hours_and_minutes(minutes: i64) -> String {
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
pub(in crate::engine) fn display_day(day: jiff::civil::Date) -> String {
    day.strftime("%a %-d %b").to_string()
}

/// "Tue 3 Mar 2026".
pub(super) fn day(at: &Zoned) -> String {
    at.strftime("%a %-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::calendar::{Holidays, Hours};
    use crate::domain::contact::Obstacle;

    fn address(text: &str) -> EmailAddress {
        text.parse().expect("an address")
    }

    fn calendar(zone: &str, hours: &str) -> Calendar {
        Calendar::new(zone, Hours::parse(hours).expect("hours"), Holidays::none()).expect("a calendar")
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().expect("an instant")
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
    fn why_a_lead_came_to_its_rep_is_told_to_them() {
        for (why, words) in [
            ("Robin Adler has waited longest", "you have waited longest"),
            ("Manager gave it to Robin Adler", "Manager gave it to you"),
            ("Sam Berger made no attempt in time", "Sam Berger made no attempt in time"),
        ] {
            assert_eq!(to_them(why, "Robin Adler"), words);
        }
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
