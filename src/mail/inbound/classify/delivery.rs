//! Reports of delivery in the form of RFC 3464: one block of fields for each recipient.

use std::collections::BTreeMap;

use super::diagnosis::{diagnose, status_in};
use super::facts::{Facts, content};
use super::returned::said_of;
use super::{Class, Classified, Failure};

/// More recipients than a mail of ours has.
const MOST_RECIPIENTS: usize = 100;

/// What is said of one recipient: the fields' names in lower case.
pub(super) type Block = BTreeMap<String, String>;

pub(super) fn classify(facts: &Facts<'_>) -> Option<Classified> {
    let mut blocks: Vec<Block> = Vec::new();
    for part in
        facts.parts("message", "delivery-status").chain(facts.parts("message", "global-delivery-status"))
    {
        blocks.extend(fields(&content(part)));
    }
    // Some servers write the fields into the text.
    let report = facts.report_text();
    let is_in_text = blocks.is_empty() && has_fields(&report);
    if is_in_text {
        blocks.extend(fields(&report));
    }
    let recipients: Vec<&Block> = blocks
        .iter()
        .filter(|block| block.contains_key("final-recipient") || block.contains_key("original-recipient"))
        .take(MOST_RECIPIENTS)
        .collect();
    if recipients.is_empty() {
        return None;
    }
    let action = |block: &Block| block.get("action").map(|action| first_word(action)).unwrap_or_default();
    let has_arrived = |block: &&Block| {
        matches!(action(block).as_str(), "delivered" | "relayed" | "expanded" | "deliverable")
            || (action(block).is_empty()
                && block.get("status").is_some_and(|status| status.trim().starts_with('2')))
    };
    let mut evidence = vec![if is_in_text {
        "fields of a delivery report in its text".to_owned()
    } else {
        "message/delivery-status".to_owned()
    }];
    if recipients.iter().all(has_arrived) {
        evidence.push(format!("action: {}", action(recipients[0])));
        return Some(Classified::new(Class::DeliveryNotice, evidence));
    }
    let lower = report.to_lowercase();
    let failures: Vec<Failure> = recipients
        .iter()
        .filter(|block| !has_arrived(block))
        .map(|block| failure(block, &lower, action(block) == "delayed"))
        .collect();
    for failure in &failures {
        evidence.push(format!(
            "status {}: {}",
            failure.status.as_deref().unwrap_or("none"),
            failure.reason.words()
        ));
    }
    Some(Classified { failures, ..Classified::new(Class::Bounce, evidence) })
}

fn failure(block: &Block, report: &str, is_delayed: bool) -> Failure {
    let address = block
        .get("final-recipient")
        .or_else(|| block.get("original-recipient"))
        .and_then(|field| address(field));
    let given = block.get("status").and_then(|status| status_in(&format!(" {status} ")));
    let mut said = block.get("diagnostic-code").cloned().unwrap_or_default();
    // The comment of a status is all that some servers say.
    if let Some(status) = block.get("status")
        && status.contains('(')
    {
        said.push(' ');
        said.push_str(status);
    }
    let tells = said.chars().filter(|c| c.is_alphabetic()).count() > 12;
    if !tells {
        said.push(' ');
        said.push_str(address.as_deref().map_or(report, |address| said_of(report, address)));
    }
    let inner = status_in(&said).filter(|inner| !inner.ends_with(".0.0"));
    let is_vague = given.as_deref().is_none_or(|given| given.ends_with(".0.0"));
    let status = match (inner, given) {
        (Some(inner), _) if is_vague || inner.starts_with('4') || tells => Some(inner),
        (inner, given) => given.or(inner),
    };
    let passes = is_delayed || status.as_deref().is_some_and(|status| status.starts_with('4'));
    let around = address.as_deref().map_or(report, |address| said_of(report, address));
    let reason = diagnose(&said, status.as_deref(), around);
    Failure { address, status, reason, is_permanent: reason.is_permanent() && !passes }
}

/// The blocks of fields in a text, unfolded; a line that is no field ends nothing.
pub(super) fn fields(text: &str) -> Vec<Block> {
    let mut blocks = vec![Block::new()];
    let mut last = None;
    for line in text.lines().take(5_000) {
        let is_folded = line.starts_with([' ', '\t']);
        if line.trim().is_empty() {
            if blocks.last().is_some_and(|block| !block.is_empty()) && blocks.len() <= MOST_RECIPIENTS {
                blocks.push(Block::new());
            }
            last = None;
        } else if is_folded && let (Some(name), Some(block)) = (&last, blocks.last_mut()) {
            if let Some(value) = block.get_mut(name) {
                let value: &mut String = value;
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.trim().split_once(':') {
            let name = name.trim().to_lowercase();
            if name.is_empty() || name.contains(' ') {
                continue;
            }
            if let Some(block) = blocks.last_mut() {
                // Two recipients in one block, as some write it.
                if name == "final-recipient"
                    && block.contains_key("final-recipient")
                    && blocks.len() <= MOST_RECIPIENTS
                {
                    blocks.push(Block::new());
                }
            }
            if let Some(block) = blocks.last_mut() {
                block.entry(name.clone()).or_insert_with(|| value.trim().to_owned());
                last = Some(name);
            }
        }
    }
    blocks
}

fn has_fields(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains("final-recipient:") && (lower.contains("action:") || lower.contains("status:"))
}

fn first_word(text: &str) -> String {
    text.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty()).unwrap_or_default().to_lowercase()
}

/// The address in a recipient's field: `rfc822; <x@y.example>`.
fn address(field: &str) -> Option<String> {
    let value = field.split_once(';').map_or(field, |(_, value)| value);
    let value = value.trim().trim_matches(['<', '>', ' ', '"']).to_lowercase();
    (value.contains('@') && value.len() <= 320).then_some(value)
}
