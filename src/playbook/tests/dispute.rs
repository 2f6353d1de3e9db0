//! Who is told while the answer to a dispute is owed: read as written, and every mistake told.

use super::*;
use crate::domain::agreement::Role;
use crate::domain::sla::{LevelAt, PromiseKind};

fn disputes(text: &str) -> PlaybookFiles {
    let mut files = small();
    files.insert("agreement.toml", format!("{SMALL}{text}\n"));
    files
}

#[test]
fn whom_a_dispute_is_told_is_checked() {
    const ANSWER: &str = "dispute_answer = \"2 business days\"\n";
    const LEVEL: &str = "[[marketing.dispute_levels]]\nname = \"breach\"\nat = \"100%\"\n";
    for (text, message, hint) in [
        (
            format!("{LEVEL}tell = [\"manager\"]"),
            "dispute_levels: marketing disputes nothing",
            "dispute_answer",
        ),
        (format!("{ANSWER}{LEVEL}"), "this level tells nobody", "tell ="),
        (format!("{ANSWER}{LEVEL}tell = [\"boss\"]"), "\"boss\": `boss` is no role", "manager"),
        (
            format!("{ANSWER}{LEVEL}tell = [\"director\"]"),
            "level `breach` tells the director, but team `sales` has none",
            "[teams.sales]",
        ),
        (
            format!("{ANSWER}{LEVEL}tell = [\"owner\", \"manager\"]"),
            "whoever gave the lead back does not decide",
            "`manager`",
        ),
        (
            format!("{ANSWER}{LEVEL}tell = [\"manager\"]\nreassign = true"),
            "reassign: a lead is not taken from its rep over `dispute`",
            "first_contact",
        ),
        (
            format!("{ANSWER}{LEVEL}tell = [\"manager\"]\n{LEVEL}tell = [\"manager\"]"),
            "name: level `breach` is there twice",
            "own name",
        ),
        (format!("{ANSWER}{LEVEL}tell = [\"manager\"]\npromise = \"accept\""), "promise: unknown key", ""),
    ] {
        told(&disputes(&text), &text, message, hint);
    }
    let loaded_with = |text: &str| loaded(&disputes(text)).agreement.marketing.dispute_answer;
    let promise = loaded_with(&format!("{ANSWER}{LEVEL}tell = [\"manager\"]")).expect("an answer is owed");
    let levels: Vec<_> = promise.levels.iter().map(|level| (level.at, level.tell.clone())).collect();
    assert_eq!(levels, [(LevelAt::Percent(100), vec![Role::Manager])]);
    let usual = loaded_with(ANSWER).expect("an answer is owed");
    assert_eq!(usual.levels, PromiseKind::Dispute.usual_levels());
    assert!(loaded_with("").is_none());
}
