//! What a lead's behaviour is worth, and how well it fits.

use std::collections::BTreeMap;

use super::agreement::{Agreement, Campaign, Persona, Scoring};
use super::condition::{EvaluationError, Facts};
use super::lead::Grade;

/// How often a lead did one thing on one day. A score does not change between two looks on one day, so this is
/// all that it needs to know, and a lead with a hundred thousand visits is as quickly valued as any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What, as scoring rules call it.
    pub name: String,
    /// How many whole days ago; 0 for what lies ahead by a slip of somebody's clock.
    pub days_ago: i64,
    /// How often.
    pub times: i64,
}

/// The points in force: what the source gave, and everything `done` (the longest ago first) by every rule that
/// holds for it, halved for each half-life that has passed since.
///
/// # Errors
/// When a rule cannot be evaluated for this lead; never counted as "does not hold".
pub fn score(scoring: &Scoring, facts: &Facts<'_>, done: &[Done]) -> Result<i64, EvaluationError> {
    // What a source says that a lead is worth is its judgement and no interest: it stands until the source says another.
    let mut sum = facts.lead.base_score as f64;
    for rule in &scoring.rules {
        // A rule asks for the name alone, so it is asked once for each.
        let mut values: BTreeMap<&str, bool> = BTreeMap::new();
        for done in done {
            let counts = match values.get(done.name.as_str()) {
                Some(counts) => *counts,
                None => {
                    let counts = rule.when.holds(&Facts { event: Some(&done.name), ..*facts })?;
                    values.insert(&done.name, counts);
                    counts
                }
            };
            if !counts {
                continue;
            }
            let points = rule.points as f64 * remaining(scoring.half_life_days, done.days_ago);
            if rule.once {
                sum += points;
                break;
            }
            sum += points * done.times as f64;
        }
    }
    Ok(sum.floor() as i64)
}

/// The share of its points that something keeps after the time that has passed.
fn remaining(half_life_days: Option<i64>, days_ago: i64) -> f64 {
    half_life_days.map_or(1.0, |half_life| 0.5_f64.powf(days_ago as f64 / half_life as f64))
}

/// How well a lead fits a persona: the first condition that holds.
///
/// # Errors
/// As [`score`].
pub fn grade(persona: &Persona, facts: &Facts<'_>) -> Result<Grade, EvaluationError> {
    for (grade, condition) in &persona.fit {
        if condition.holds(facts)? {
            return Ok(*grade);
        }
    }
    Ok(Grade::D)
}

/// The campaign in which something that has just come in raises its hand, seen by itself: `news` hold the new
/// activities, and of the lead only what the new touch says; `nothing` is the lead without them. What is known
/// from before raises no hand again, and a campaign that takes everybody is no answer to a question.
///
/// # Errors
/// As [`score`].
pub fn raised_hand<'a>(
    agreement: &'a Agreement,
    news: &Facts<'_>,
    nothing: &Facts<'_>,
) -> Result<Option<&'a Campaign>, EvaluationError> {
    let asked = campaign(agreement, news)?;
    let is_named = news.lead.campaign.as_ref() == Some(&asked.name);
    let is_news = is_named || campaign(agreement, nothing)?.name != asked.name;
    Ok(Some(asked).filter(|asked| asked.raised_hand && is_news))
}

/// The campaign a lead belongs to: the one it names, else the first that matches, else `default`, else the
/// last of the agreement.
///
/// # Errors
/// As [`score`].
pub fn campaign<'a>(agreement: &'a Agreement, facts: &Facts<'_>) -> Result<&'a Campaign, EvaluationError> {
    if let Some(named) = facts.lead.campaign.as_deref().and_then(|name| agreement.campaign(name)) {
        return Ok(named);
    }
    for campaign in &agreement.campaigns {
        if let Some(matches) = &campaign.matches
            && matches.holds(facts)?
        {
            return Ok(campaign);
        }
    }
    Ok(agreement
        .campaign("default")
        .or(agreement.campaigns.last())
        .expect("a playbook without campaigns is refused at load"))
}
