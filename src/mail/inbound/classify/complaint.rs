//! Reports of abuse in the form of RFC 5965, and those of providers who have a form of their own.

use super::delivery::fields;
use super::facts::{Facts, content};
use super::{Class, Classified};

/// What somebody complains of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The feedback type, in lower case: `abuse`, `opt-out`, `fraud`, `not-spam`, `auth-failure`, …
    pub kind: String,
}

pub(super) fn classify(facts: &Facts<'_>) -> Option<Classified> {
    if let Some(part) = facts.part("message", "feedback-report") {
        let blocks = fields(&content(part));
        let kind = blocks.iter().find_map(|block| block.get("feedback-type")).map_or("abuse", String::as_str);
        return Some(complaint(kind, format!("message/feedback-report, type {}", kind.to_lowercase())));
    }
    // Some send the fields in a text.
    let text = &facts.text;
    let has_type = facts.report_type() == Some("feedback-report") || text.contains("Feedback-Type:");
    if has_type && (facts.is_report() || text.contains("User-Agent:")) {
        let kind = fields(text).into_iter().find_map(|block| block.get("feedback-type").cloned());
        let kind = kind.unwrap_or_else(|| "abuse".to_owned());
        return Some(complaint(&kind, format!("fields of a feedback report, type {}", kind.to_lowercase())));
    }
    if facts.has("X-HmXmrOriginalRecipient") {
        return Some(complaint("abuse", "X-HmXmrOriginalRecipient: the loop of Outlook.com".to_owned()));
    }
    let is_from_loop = ["feedbackloop@", "fbl@", "complaints@", "staff@hotmail", "abuse@", "feedback@"]
        .iter()
        .any(|start| facts.from.starts_with(start));
    let is_about_one =
        facts.subject.starts_with("complaint about message from") || facts.subject.contains("abuse report");
    (is_from_loop && is_about_one && (facts.returns_original() || facts.is_report()))
        .then(|| complaint("abuse", format!("its subject, from {}", "a feedback loop")))
}

fn complaint(kind: &str, evidence: String) -> Classified {
    let complaint = Complaint { kind: kind.trim().to_lowercase() };
    Classified { complaint: Some(complaint), ..Classified::new(Class::Complaint, vec![evidence]) }
}
