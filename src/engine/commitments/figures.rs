//! Commitments as the tables of a mail have them.

use serde_json::{Value, json};

use super::Standing;
use crate::domain::agreement::Agreement;
use crate::domain::commitments::{Line, Promise, Stock, Verdict, counted, needed};

/// The values of the mail about commitments that are behind.
pub(super) fn behind(agreement: &Agreement, behind: &[Standing<'_>], stock: &Stock) -> Value {
    let commitments: Vec<Value> = behind
        .iter()
        .map(|standing| {
            json!({
                "title": standing.title(),
                "pace": pace(standing),
                "needed": needed(standing.commitment, &standing.figures, &standing.pace),
            })
        })
        .collect();
    json!({
        "note": headline(agreement, behind),
        "commitments": commitments,
        "figures": behind.iter().flat_map(|standing| rows(agreement, standing)).collect::<Vec<_>>(),
        "stock": stock.told(),
    })
}

/// Every line of a commitment, as the tables show it.
pub(super) fn rows(agreement: &Agreement, standing: &Standing<'_>) -> Vec<Value> {
    let row = |line: &Line| {
        json!({
            "about": standing.commitment.name,
            "what": line.what(|reason| label(agreement, reason)),
            "agreed": line.agreed_words(),
            "actual": line.actual_words(false),
            "verdict": line.verdict_words(false),
        })
    };
    standing.lines.iter().map(row).collect()
}

/// A reason as people read it.
pub(super) fn label(agreement: &Agreement, reason: &str) -> String {
    agreement.reasons.get(reason).map_or_else(|| reason.to_owned(), |reason| reason.label.clone())
}

/// The one number that says most, for the subject.
fn headline(agreement: &Agreement, behind: &[Standing<'_>]) -> String {
    let [standing] = behind else {
        let names: Vec<&str> = behind.iter().map(|standing| standing.commitment.name.as_str()).collect();
        return format!("Marketing is behind with {} promises: {}", behind.len(), names.join(", "));
    };
    let broken = standing.lines.iter().find(|line| line.verdict == Verdict::Broken);
    let words = broken.map_or_else(String::new, |line| match line.promise {
        Promise::Qualified => format!(": {}, {} due by now", counted(line.actual, "lead"), line.of),
        _ => format!(": {} {}", line.actual_words(false), line.what(|reason| label(agreement, reason))),
    });
    format!("Marketing is behind with {}{words}", standing.commitment.name)
}

fn pace(standing: &Standing<'_>) -> String {
    let pace = &standing.pace;
    let since = if pace.counted == pace.days { "" } else { " since it was promised" };
    let are = if pace.gone == 1 { "is" } else { "are" };
    format!("{} of {} business days{since} {are} over.", pace.gone, pace.counted)
}
