//! A machine answers for somebody: who is away, who is gone, or that a mail has arrived.
//!
//! One strong sign is enough: a header that only responders write, or a subject that begins as theirs do. The words of
//! an absence alone are also what people write of themselves, so they need a weak sign beside them, or a mail that is no
//! answer in a thread. `Precedence: bulk` is no sign at all: lists and newsletters carry it, and so do people's mails to
//! them.

use super::absence;
use super::facts::{Facts, first_of};
use super::phrases::{ACKNOWLEDGES, AUTOMATIC_SUBJECTS, AWAY, LEFT};
use super::{Class, Classified};

/// So much of a text says what it is.
const TOP: usize = 700;

pub(super) fn classify(facts: &Facts<'_>) -> Option<Classified> {
    let subject = without_brackets(&facts.subject);
    let top = top(&facts.own_lower);
    let mut evidence = Vec::new();
    if let Some(header) = strong_header(facts) {
        evidence.push(header);
    }
    let is_answer = is_answer(subject);
    if let Some(words) = SUFFIXES.iter().find(|end| subject.ends_with(**end)) {
        evidence.push(format!("subject ends with “{words}”"));
    }
    if let Some((_, words)) = SELF
        .iter()
        .find_map(|words| Some((top.find(words)?, words)))
        .filter(|(at, _)| *at <= 40 && !facts.own.contains('?'))
    {
        evidence.push(format!("says of itself “{words}”"));
    }
    // "vacances RE: …": who is away put a word before the subject.
    if let Some((start, _)) = subject.split_once(" re:").or_else(|| subject.split_once(" aw:"))
        && start.len() < 40
        && PREFIXES.iter().any(|prefix| start.starts_with(prefix))
    {
        evidence.push("a word of absence before the subject".to_owned());
    }
    if !is_answer {
        // "Auto: fleet invoices" is about cars.
        let answers = facts.has("In-Reply-To") || facts.has("References");
        let begins = AUTOMATIC_SUBJECTS
            .iter()
            .find(|start| subject.starts_with(**start))
            .filter(|start| **start != "auto:" || answers || first_of(top, &AWAY).is_some());
        if let Some(start) = begins {
            evidence.push(format!("subject begins with “{start}”"));
        } else if let Some(words) = first_of(subject, &AWAY_SUBJECTS) {
            evidence.push(format!("subject says “{words}”"));
        }
    }
    let says = first_of(top, &AWAY).or_else(|| first_of(top, &LEFT)).or_else(|| first_of(top, &ACKNOWLEDGES));
    // A person who opens a thread with "Out of office next week" asks for something.
    if evidence.len() == 1
        && strong_header(facts).is_none()
        && !facts.has("In-Reply-To")
        && weak_header(facts).is_none()
        && facts.own.contains('?')
    {
        return None;
    }
    if evidence.is_empty() {
        let says = says?;
        let weak = weak_header(facts);
        // A person's answer stands in a thread; a responder's text begins with its matter.
        let stands_alone = !is_answer && !facts.has("References") && is_template(top, says);
        match weak {
            Some(header) if !is_from_list(facts) => evidence.push(header),
            _ if stands_alone && !is_from_list(facts) => {
                evidence.push("it is no answer in a thread".to_owned());
            }
            _ => return None,
        }
        evidence.push(format!("says “{says}”"));
    }
    let reply = absence::read(facts, top, &mut evidence);
    Some(Classified { auto_reply: Some(reply), ..Classified::new(Class::AutoReply, evidence) })
}

/// Subjects of replies from programs that put no mark before them.
const AWAY_SUBJECTS: [&str; 18] = [
    "is out of the office",
    "i am out of the office",
    "i'm out of the office",
    "out of office",
    "away until",
    "away from the office",
    "on vacation until",
    "abwesend bis",
    "abwesenheitsnotiz",
    "absence du bureau",
    "(automatic response)",
    "(auto-reply)",
    "(automatische antwort)",
    "on annual leave until",
    "on parental leave",
    "on maternity leave",
    "i am away",
    "fuori ufficio fino",
];

/// How responders without a header speak of themselves, at the beginning of their text.
const SELF: [&str; 22] = [
    "this is an automatic",
    "this is an automated",
    "this is a standard response",
    "standard response from",
    "mailbox talking",
    "réponse auto",
    "réponse automatique",
    "message automatique",
    "ceci est un message automatique",
    "dies ist eine automatische",
    "automatische antwort:",
    "automatisch generierte",
    "automatisch erstellte",
    "respuesta automática",
    "este es un mensaje automático",
    "risposta automatica",
    "messaggio automatico",
    "dit is een automatisch",
    "automatisch bericht",
    "resposta automática",
    "mensagem automática",
    "detta är ett automatiskt",
];

/// Words of absence that stand before the subject of what is answered.
const PREFIXES: [&str; 22] = [
    "away",
    "vacation",
    "holiday",
    "ooo",
    "out of office",
    "on leave",
    "leave",
    "urlaub",
    "ferien",
    "abwesen",
    "vacances",
    "congé",
    "absen",
    "vacaciones",
    "fuera",
    "ferie",
    "assen",
    "vakantie",
    "afwezig",
    "férias",
    "semester",
    "ausen",
];

/// What some put behind a subject, even behind an answer's.
const SUFFIXES: [&str; 4] = ["(automatic response)", "(auto-reply)", "(autoreply)", "(automatische antwort)"];

/// Headers that only responders write.
fn strong_header(facts: &Facts<'_>) -> Option<String> {
    if let Some(value) = facts.header("Auto-Submitted")
        && value.starts_with("auto-replied")
    {
        return Some("auto-submitted: auto-replied".to_owned());
    }
    for name in [
        "X-Autoreply",
        "X-Autorespond",
        "X-Autoresponder",
        "X-AutoReply-From",
        "X-Mail-Autoreply",
        "X-Amazon-Auto-Reply",
        "X-FC-MachineGenerated",
    ] {
        if facts.header(name).is_some_and(|value| !["no", "false", "0"].contains(&value.as_str())) {
            return Some(name.to_lowercase());
        }
    }
    if facts.header("X-Apple-Action").is_some_and(|value| value.starts_with("vacation")) {
        return Some("x-apple-action: vacation".to_owned());
    }
    if facts.has("X-MS-Exchange-Inbox-Rules-Loop")
        && facts.header("X-Auto-Response-Suppress").is_some_and(|value| value.contains("all"))
    {
        return Some("x-ms-exchange-inbox-rules-loop".to_owned());
    }
    if facts.header("Precedence").is_some_and(|value| value == "auto_reply")
        || facts.header("Preference").is_some_and(|value| value == "auto_reply")
    {
        return Some("precedence: auto_reply".to_owned());
    }
    if facts.header("X-POST-MessageClass").is_some_and(|value| value.contains("autoresponder")) {
        return Some("x-post-messageclass: autoresponder".to_owned());
    }
    if facts.header("X-Mailer").is_some_and(|value| {
        value.contains("vacation") || value.contains("autorespond") || value.contains("kana response")
    }) {
        return Some("x-mailer of a responder".to_owned());
    }
    None
}

/// Headers that responders write, and others too.
fn weak_header(facts: &Facts<'_>) -> Option<String> {
    if facts.header("Auto-Submitted").is_some_and(|value| value != "no" && !value.starts_with("no ")) {
        return Some("auto-submitted".to_owned());
    }
    if facts.has_null_sender() {
        return Some("it has no envelope sender".to_owned());
    }
    for name in ["X-Auto-Response-Suppress", "X-MS-Exchange-Generated-Message-Source", "X-Loop"] {
        if facts.has(name) {
            return Some(name.to_lowercase());
        }
    }
    if facts.header("Precedence").is_some_and(|value| ["bulk", "junk"].contains(&value.as_str())) {
        return Some("precedence: bulk, of no list".to_owned());
    }
    let local = facts.from.split('@').next().unwrap_or_default();
    ["noreply", "no-reply", "donotreply", "do-not-reply", "autoresponder", "auto-reply", "autoreply"]
        .contains(&local)
        .then(|| "from an address that takes no answers".to_owned())
}

fn is_from_list(facts: &Facts<'_>) -> bool {
    facts.has("List-Id") || facts.has("List-Post")
}

/// Whether the words stand where a responder's text has them: at its beginning, or after its thanks.
fn is_template(top: &str, says: &str) -> bool {
    let at = top.find(says).unwrap_or(usize::MAX);
    let thanks = [
        "thank you for your",
        "thanks for your",
        "vielen dank für ihre",
        "danke für ihre",
        "merci pour votre",
        "merci de votre",
        "gracias por su",
        "gracias por tu",
        "grazie per",
        "bedankt voor",
        "obrigado pel",
        "obrigada pel",
        "tack för",
    ];
    at < 45 || (at < 250 && thanks.iter().any(|thanks| top[..at].contains(thanks)))
}

/// Whether a subject is an answer's, or of a mail that is handed on.
pub(super) fn is_answer(subject: &str) -> bool {
    const ANSWERS: [&str; 19] = [
        "re:", "re :", "aw:", "antwort:", "sv:", "antw:", "fwd:", "fw:", "wg:", "tr:", "rv:", "r:", "i:",
        "enc:", "res:", "vs:", "odp:", "re[", "doorst:",
    ];
    ANSWERS.iter().any(|start| subject.starts_with(start))
}

/// "[EXTERNAL] Automatic reply: …": what gateways put before a subject is not its beginning.
fn without_brackets(subject: &str) -> &str {
    let mut subject = subject.trim();
    while let Some(rest) = subject.strip_prefix('[') {
        let Some((inner, after)) = rest.split_once(']') else { break };
        if inner.contains("auto") || after.trim().is_empty() || inner.len() > 30 {
            break;
        }
        subject = after.trim();
    }
    subject
}

fn top(text: &str) -> &str {
    let end = (0..=text.len().min(TOP)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    &text[..end]
}
