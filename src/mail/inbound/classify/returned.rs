//! Bounces in words: nearly half of all have no report in the form of RFC 3464.
//!
//! That a server wrote it takes one sign of who wrote it (its name, its list of failed recipients, its subject) and
//! another one of what it is about (the returned mail, a status, the words for it). Either alone is also found in what
//! people and their out-of-office replies send.

use super::diagnosis::{diagnose, reply_code_in, status_in};
use super::facts::{Facts, first_of};
use super::{Class, Classified, Failure, Reason};

/// More recipients than a mail of ours has.
const MOST_RECIPIENTS: usize = 100;

const SENDERS: [&str; 14] = [
    "mailer-daemon",
    "mailerdaemon",
    "postmaster",
    "post_master",
    "mail-daemon",
    "mail.daemon",
    "mdaemon",
    "maildaemon",
    "bounce",
    "bounces",
    "mailer_daemon",
    "root",
    "mail-delivery",
    "mailerdeamon",
];

const NAMES: [&str; 8] = [
    "mail delivery",
    "delivery subsystem",
    "system administrator",
    "mailer-daemon",
    "postmaster",
    "mail administrator",
    "mailsystem",
    "mail system",
];

const SUBJECTS: [&str; 45] = [
    "was rejected",
    "undeliver",
    "メールエラー",
    "delivery status notification",
    "delivery failure",
    "delivery failed",
    "mail delivery failed",
    "failure notice",
    "returned mail",
    "mail failure",
    "mail system error",
    "delivery notification",
    "delivery report",
    "non-delivery",
    "nondeliverable",
    "message delivery failure",
    "mail could not be delivered",
    "could not be delivered",
    "warning: message",
    "delayed mail",
    "delivery delayed",
    "delivery problem",
    "message not delivered",
    "mail not delivered",
    "user unknown",
    "failed mail",
    "mail error",
    "unzustellbar",
    "nicht zustellbar",
    "unzustellbare",
    "échec de la remise",
    "non remis",
    "no se puede entregar",
    "no entregado",
    "impossibile recapitare",
    "mancato recapito",
    "onbestelbaar",
    "não entregue",
    "falha na entrega",
    "olevererbart",
    "inte levereras",
    "loop alert",
    "returning message",
    "delivery status",
    "mail delivery",
];

const WORDS: [&str; 48] = [
    "could not be delivered",
    "could not deliver",
    "couldn't be delivered",
    "undeliverable",
    "unable to deliver",
    "was not delivered",
    "not delivered",
    "permanent fatal error",
    "permanent error",
    "did not reach",
    "delivery failed",
    "delivery to the following",
    "failed permanently",
    "following address",
    "delivery has failed",
    "can't be delivered",
    "cannot be delivered",
    "cannot deliver",
    "returned to sender",
    "was rejected",
    "delivery attempts",
    "error delivering",
    "error occurred while trying to deliver",
    "delivery problems",
    "invalid user address",
    "not be found",
    "address not found",
    "could not be sent",
    "will be retried",
    "transcript of session",
    "delivery of this message",
    "non-delivered",
    "fatal error",
    "user unknown",
    "unknown user",
    "unknown address",
    "mailbox full",
    "account is disabled",
    "no such user",
    "mail could not",
    "bounced",
    "has not been delivered",
    "konnte nicht zugestellt",
    "nicht zugestellt",
    "n'a pas pu être",
    "no pudo ser entregado",
    "kunde inte levereras",
    "loop",
];

/// What stands at the beginning of a mail that is returned within the text.
const ORIGINALS: [&str; 30] = [
    "------ this is a copy of",
    "--- below this line is a copy of the message",
    "original message follows",
    "----- original message",
    "message headers follow",
    "--- message header",
    "----- message header follows",
    "---- original message",
    "------ original message",
    "--- the message cannot be delivered",
    "----- unsent message",
    "--- enclosed are the original headers",
    "the following is a copy of the",
    "----- returned message",
    "--- returned mail",
    "----- header of your message",
    "--- original message",
    "original-message",
    "header of the original message",
    "headers of the original message",
    "the header of your message",
    "below is a copy of",
    "--------- original",
    "-------- original",
    "message headers:",
    "--- undelivered message",
    "received: from",
    "received:from",
    "return-path: <",
    "[original message",
];

pub(super) fn classify(facts: &Facts<'_>) -> Option<Classified> {
    let mut evidence = Vec::new();
    let local = facts.from.split('@').next().unwrap_or_default();
    let name = first_of(&facts.from_name, &NAMES);
    if SENDERS.contains(&local) || name.is_some() {
        evidence.push(format!("from {}", name.unwrap_or("a mail server")));
    }
    let failed = facts.header("X-Failed-Recipients");
    if failed.is_some() {
        evidence.push("x-failed-recipients".to_owned());
    }
    let is_answer = ["re:", "aw:", "sv:", "antw:", "fwd:", "fw:", "wg:", "tr:"]
        .iter()
        .any(|start| facts.subject.starts_with(start));
    if let Some(subject) = first_of(&facts.subject, &SUBJECTS).filter(|_| !is_answer) {
        evidence.push(format!("subject: {subject}"));
    }
    if evidence.is_empty() {
        return None;
    }
    let report = facts.report_text();
    let lower = report.to_lowercase();
    let about = evidence.len();
    if facts.returns_original() || original_begins(&facts.text).is_some() {
        evidence.push("it returns a mail".to_owned());
    }
    if let Some(words) = first_of(&lower, &WORDS) {
        evidence.push(format!("says: {words}"));
    }
    if let Some(status) = status_in(&report) {
        evidence.push(format!("status {status}"));
    } else if reply_code_in(&report).is_some() {
        evidence.push("the reply of a server".to_owned());
    }
    if about == evidence.len() {
        return None;
    }
    // A person who forwards a bounce is a person, and a machine that says somebody is away is none of these.
    let is_machine = SENDERS.contains(&local)
        || failed.is_some()
        || name.is_some()
        || facts.has_null_sender()
        || facts.from.is_empty()
        || facts.from == "<>";
    if !is_machine
        && !(about < evidence.len()
            && first_of(&facts.subject, &SUBJECTS).is_some()
            && (status_in(&report).is_some() || reply_code_in(&report).is_some() || facts.returns_original()))
    {
        return None;
    }
    let failures = failures(facts, &lower, failed.as_deref());
    let only_arrived = !failures.is_empty()
        && failures
            .iter()
            .all(|failure| failure.status.as_deref().is_some_and(|status| status.starts_with('2')));
    if only_arrived {
        return Some(Classified::new(Class::DeliveryNotice, evidence));
    }
    for failure in &failures {
        evidence.push(failure.reason.words().to_owned());
    }
    Some(Classified { failures, ..Classified::new(Class::Bounce, evidence) })
}

fn failures(facts: &Facts<'_>, report: &str, failed: Option<&str>) -> Vec<Failure> {
    let mut addresses: Vec<String> = failed.map_or_else(Vec::new, |list| {
        list.split([',', ' '])
            .map(|one| one.trim_matches(['<', '>']).to_owned())
            .filter(|one| one.contains('@'))
            .collect()
    });
    let at_lines: Vec<String> = report.lines().filter_map(address_at_start).collect();
    if addresses.is_empty() {
        for address in at_lines {
            if !addresses.contains(&address) && address != facts.from {
                addresses.push(address);
            }
        }
    }
    if addresses.is_empty() {
        addresses
            .extend(report.split_whitespace().filter_map(address_in).find(|address| *address != facts.from));
    }
    addresses.truncate(MOST_RECIPIENTS);
    if addresses.is_empty() {
        return vec![failure(facts.original_recipient(), report)];
    }
    let is_one = addresses.len() == 1;
    addresses
        .into_iter()
        .map(|address| {
            let said = if is_one { report } else { said_of(report, &address) };
            failure(Some(address), said)
        })
        .collect()
}

fn failure(address: Option<String>, said: &str) -> Failure {
    let status = status_in(said);
    let class = status.as_deref().and_then(|status| status.chars().next()).or_else(|| reply_code_in(said));
    let is_delayed = [
        "delayed",
        "still being retried",
        "will be retried",
        "will continue to",
        "not yet been delivered",
        "warning only",
    ]
    .iter()
    .any(|phrase| said.contains(phrase));
    let given = status.clone().or_else(|| class.map(|class| format!("{class}.0.0")));
    let reason = diagnose(said, given.as_deref(), "");
    let passes = is_delayed || class == Some('4') || reason == Reason::Unknown;
    Failure { address, status, reason, is_permanent: reason.is_permanent() && !passes }
}

/// What a report says about this address: from where it is named to where another one begins a line.
pub(super) fn said_of<'a>(report: &'a str, address: &str) -> &'a str {
    let Some(at) = report.find(address) else { return report };
    let begin = report[..at].rfind('\n').map_or(0, |line| line + 1);
    let mut end = begin;
    for (index, line) in report[begin..].split_inclusive('\n').enumerate() {
        if index > 0 && address_at_start(line).is_some_and(|other| other != address) {
            break;
        }
        end += line.len();
    }
    &report[begin..end]
}

/// The address with which a line begins, when it begins with one.
fn address_at_start(line: &str) -> Option<String> {
    let line = line.trim_start_matches([' ', '\t', '>', '<', '-', '*', '"', '\'', '[']);
    // "<<< 550 <x@y.example>… User unknown".
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches([' ', '<']);
    let first = line.split_whitespace().next()?;
    address_in(first)
}

fn address_in(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !(c.is_alphanumeric()));
    let end = word.find(['>', ';', ',', '(', ')', '"', ':']).unwrap_or(word.len());
    let word = &word[..end];
    let (local, domain) = word.split_once('@')?;
    let is_one = !local.is_empty()
        && domain.contains('.')
        && !domain.contains('@')
        && word.len() <= 320
        && domain.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-');
    is_one.then(|| word.to_lowercase())
}

/// Where in a text the mail begins that it returns.
pub(super) fn original_begins(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start: String = line.trim_start().chars().take(60).collect::<String>().to_lowercase();
        if at > 0 && ORIGINALS.iter().any(|original| start.starts_with(original)) {
            return Some(at);
        }
        at += line.len();
    }
    None
}
