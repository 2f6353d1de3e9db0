//! The notes of Amazon's mail service: JSON in a mail, in place of a report.

use serde_json::Value;

use super::complaint::Complaint;
use super::diagnosis::{diagnose, status_in};
use super::facts::Facts;
use super::{Class, Classified, Failure, Reason};

pub(super) fn classify(facts: &Facts<'_>) -> Option<Classified> {
    let text = facts.text.trim_start();
    if !text.starts_with('{') || !text.contains("\"notificationType\"") && !text.contains("\"eventType\"") {
        return None;
    }
    // Long lines come broken in the middle of a word.
    let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let note: Value = serde_json::Deserializer::from_str(&joined).into_iter().next()?.ok()?;
    let kind = note.get("notificationType").or_else(|| note.get("eventType"))?.as_str()?;
    let evidence = vec![format!("a note of Amazon SES: {kind}")];
    match kind {
        "Delivery" => Some(Classified::new(Class::DeliveryNotice, evidence)),
        "Complaint" => {
            let kind = note["complaint"]["complaintFeedbackType"].as_str().unwrap_or("abuse").to_lowercase();
            let complaint = Some(Complaint { kind });
            Some(Classified { complaint, ..Classified::new(Class::Complaint, evidence) })
        }
        "Bounce" => {
            let is_permanent = note["bounce"]["bounceType"] == "Permanent";
            let recipients = note["bounce"]["bouncedRecipients"].as_array().cloned().unwrap_or_default();
            let failures = recipients.iter().map(|recipient| failure(recipient, is_permanent)).collect();
            Some(Classified { failures, ..Classified::new(Class::Bounce, evidence) })
        }
        _ => None,
    }
}

fn failure(recipient: &Value, is_permanent: bool) -> Failure {
    let text = |name: &str| recipient[name].as_str().unwrap_or_default();
    let status = status_in(text("status")).or_else(|| status_in(text("diagnosticCode")));
    let reason = diagnose(text("diagnosticCode"), status.as_deref(), "");
    let reason = if is_permanent && reason == Reason::Unknown { Reason::NoSuchMailbox } else { reason };
    Failure {
        address: Some(text("emailAddress").to_lowercase()).filter(|address| address.contains('@')),
        status,
        reason,
        is_permanent: is_permanent && reason.is_permanent(),
    }
}
