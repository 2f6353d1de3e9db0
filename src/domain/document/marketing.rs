//! What marketing promised, in words.

use super::{Block, Section, hours, sentence};
use crate::domain::agreement::Agreement;

pub(super) fn promises(agreement: &Agreement) -> Section {
    let marketing = &agreement.marketing;
    let mut blocks = vec![Block::List(vec![
        "Every lead is nurtured at hours that suit the lead, until it is ready; nobody is forgotten."
            .to_owned(),
        "Sales gets a lead only when its hand-off point is reached, with everything that is known of it."
            .to_owned(),
        "While a lead is with sales, marketing does not write to it.".to_owned(),
        format!("{} answers for what follows.", marketing.manager),
    ])];
    let label = |reason: &str| {
        agreement.reasons.get(reason).map_or_else(|| reason.to_owned(), |reason| reason.label.clone())
    };
    for commitment in &marketing.commitments {
        blocks.push(Block::Heading(format!(
            "{}, {}, each {}",
            sentence(&commitment.name.replace('-', " ")),
            commitment.about(),
            commitment.period
        )));
        blocks.push(Block::List(commitment.sentences(label)));
    }
    if marketing.commitments.is_empty() {
        blocks.push(Block::Text("Marketing has committed to no numbers yet.".to_owned()));
    } else {
        let days = agreement.marketing_calendar().map_or_else(String::new, |calendar| {
            format!(" Business days are {}.", hours::calendar(calendar))
        });
        blocks.push(Block::Text(format!(
            "What is due by now is counted in business days. When it falls behind, {} is told, once; when a period is \
             over, it is written down whether the promise was kept.{days}",
            marketing.manager
        )));
    }
    Section { title: "What marketing promises".to_owned(), blocks }
}
