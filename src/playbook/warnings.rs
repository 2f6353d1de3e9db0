//! What is no mistake in an agreement, but should be looked at: nobody signed it, its review is overdue, its campaigns
//! are expected to bring more than its reps can take.
//!
//! A playbook with warnings is taken as it is. They depend on the day, so they are asked for and not found at load.

use jiff::civil::Date;

use super::{AGREEMENT, Playbook, PlaybookFiles};
use crate::domain::capacity::{impossible, weeks_words};
use crate::problem::{Problem, Problems};

/// Everything about `playbook`, read from `files`, that somebody should look at on `today`.
pub fn warnings(playbook: &Playbook, files: &PlaybookFiles, today: Date) -> Problems {
    let mut found = Problems::new().as_warnings();
    let text = files.get(AGREEMENT).unwrap_or_default();
    found.source(AGREEMENT, text);
    let at = |heading: &str, message: String, hint: String| {
        let problem = match text.find(heading) {
            Some(start) => Problem::at(AGREEMENT, start..start + heading.len(), message),
            None => Problem::of(AGREEMENT, message),
        };
        problem.hint(hint)
    };
    let review = &playbook.agreement.review;
    if review.signed_on.is_none() || review.signed_by.is_empty() {
        found.push(at(
            "[review]",
            "nobody has signed the agreement".to_owned(),
            "when both sides have, write their names into `signed_by` and the day into `signed_on`; \
             `nurtured agreement` prints it"
                .to_owned(),
        ));
    }
    if let Some(signed) = review.signed_on.filter(|signed| *signed > today) {
        found.push(at(
            "signed_on",
            format!("the agreement is signed on a day to come, {signed}"),
            "write the day on which it was".to_owned(),
        ));
    }
    if let Some(due) = review.due().filter(|due| *due < today) {
        found.push(at(
            "[review]",
            format!("the review of the agreement was due on {due}"),
            "meet, change what no longer fits, and write the day into `signed_on`".to_owned(),
        ));
    }
    for week in impossible(&playbook.agreement, today) {
        found.push(at(
            &format!("[teams.{}]", week.team),
            format!("team `{}` cannot take what is expected: {}", week.team, weeks_words(&week)),
            "`nurtured plan-capacity` shows it week by week; add reps or capacity, or expect less".to_owned(),
        ));
    }
    found
}
