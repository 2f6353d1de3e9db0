//! Where leads come from, when they are ready, and what their behaviour is worth, in words and as the file has it.

use super::{Block, Section, day_words, routing, sentence};
use crate::domain::agreement::{Agreement, Campaign};
use crate::domain::condition::Condition;

pub(super) fn ready(agreement: &Agreement) -> Section {
    let mut blocks = vec![Block::Text(
        "A lead belongs to the campaign that it names, or else to the first of these whose condition it meets.".to_owned(),
    )];
    for campaign in &agreement.campaigns {
        blocks.push(Block::Heading(format!("Campaign {}", campaign.name)));
        let mut said = points(campaign);
        said.extend(routing::of_campaign(agreement, campaign));
        blocks.push(Block::List(said));
        blocks.push(Block::Text("Ready when".to_owned()));
        blocks.extend(condition(&campaign.qualify));
    }
    Section { title: "When a lead is ready".to_owned(), blocks }
}

/// A condition in words, and as it stands in the file.
fn condition(condition: &Condition) -> [Block; 2] {
    let mut alternatives = condition.alternatives();
    if condition.is_always() {
        alternatives = vec!["it comes in: no score is needed".to_owned()];
    }
    let last = alternatives.len().saturating_sub(1);
    let points = alternatives.iter().enumerate().map(|(number, words)| match number {
        number if number == last => format!("{words}."),
        _ => format!("{words}, or"),
    });
    [Block::List(points.collect()), Block::Code(condition.text().trim().to_owned())]
}

fn points(campaign: &Campaign) -> Vec<String> {
    let mut points = Vec::new();
    match &campaign.matches {
        Some(matches) if matches.is_always() => {
            points.push("Takes every lead that no other campaign takes.".to_owned());
        }
        Some(matches) => points.push(format!("Takes a lead when {}.", matches.words())),
        None => points.push("Takes the leads that name it.".to_owned()),
    }
    if campaign.raised_hand {
        points.push("These leads asked to be contacted, so they do not wait for anything.".to_owned());
    }
    let persona = campaign.persona.as_ref().map(|persona| format!(" It is meant for persona {persona}."));
    points.push(format!(
        "Goes to team {}, under the promises “{}”.{}",
        campaign.team,
        campaign.policy,
        persona.unwrap_or_default()
    ));
    for (when, policy) in &campaign.policies {
        points.push(format!("But under the promises “{policy}” when {}.", when.words()));
    }
    if let Some(sequence) = &campaign.sequence {
        points.push(format!("Until it is ready it gets the mails of sequence {sequence}."));
    }
    if let Some(brief) = &campaign.brief {
        points.push(format!("What sales should know: {brief}"));
    }
    if let Some(incentive) = &campaign.incentive {
        points.push(format!("What the lead was offered: {incentive}."));
    }
    if let Some(volume) = &campaign.volume {
        let share =
            volume.qualifies.map(|share| format!(", of which {share}% become ready")).unwrap_or_default();
        let starts = volume.starts.map(|day| format!(" from {}", day_words(day))).unwrap_or_default();
        let ends = volume.ends.map(|day| format!(" to {}", day_words(day))).unwrap_or_default();
        let count = crate::domain::commitments::counted(volume.leads, "lead");
        points.push(format!("Expected: {count} per {}{starts}{ends}{share}.", volume.per.name()));
    }
    points
}

pub(super) fn scoring(agreement: &Agreement) -> Section {
    let mut blocks = Vec::new();
    for persona in agreement.personas.values() {
        blocks.push(Block::Heading(format!("Persona {}", persona.name)));
        let rows =
            persona.fit.iter().map(|(grade, fit)| vec![grade.name().to_owned(), sentence(&fit.words())]);
        let rows = rows.chain([vec!["D".to_owned(), "Everybody else".to_owned()]]);
        blocks.push(Block::Table(vec!["Grade".to_owned(), "Who".to_owned()], rows.collect()));
    }
    let scoring = &agreement.scoring;
    if !scoring.rules.is_empty() {
        blocks.push(Block::Heading("What behaviour is worth".to_owned()));
        let rows = scoring.rules.iter().map(|rule| {
            let once = if rule.once { ", counted once" } else { "" };
            vec![sentence(&rule.when.words()), format!("{:+}{once}", rule.points)]
        });
        blocks.push(Block::Table(vec!["When".to_owned(), "Points".to_owned()], rows.collect()));
    }
    if let Some(days) = scoring.half_life_days {
        blocks.push(Block::Text(format!("Interest fades: after {days} days points count half.")));
    }
    Section { title: "Whom we want to meet, and how interest is measured".to_owned(), blocks }
}
