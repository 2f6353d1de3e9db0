//! How a lead finds its rep, and what must be known of it before, in words.

use super::{and, day_words, sentence};
use crate::domain::agreement::{Agreement, Campaign, Rep, Team};
use crate::domain::commitments::counted;
use crate::domain::condition::Condition;
use crate::domain::required::Known;
use crate::domain::routing::{Earliest, Routing, Rule, Share};
use crate::domain::span;

/// What a campaign says about its hand-off.
pub(super) fn of_campaign(agreement: &Agreement, campaign: &Campaign) -> Vec<String> {
    let mut points = Vec::new();
    if !campaign.required.is_empty() {
        let known: Vec<String> = campaign.required.iter().map(Known::to_string).collect();
        points.push(format!(
            "Before sales is bothered, marketing knows of it: {}. A lead that lacks some of it stays with marketing.",
            and(&known)
        ));
    }
    match campaign.not_before {
        Some(Earliest::On(day)) => {
            points.push(format!("None of its leads goes to sales before {}.", day_words(day)));
        }
        Some(Earliest::After(wait)) => points
            .push(format!("None of its leads goes to sales before {} after it came in.", span::plain(wait))),
        None => {}
    }
    if !campaign.reps.is_empty() {
        let names: Vec<String> = campaign
            .reps
            .iter()
            .map(|email| agreement.rep(email).map_or_else(|| email.to_string(), |(_, rep)| rep.name.clone()))
            .collect();
        points.push(format!("Of the team only {} {} its leads.", and(&names), verb(names.len())));
    }
    if let Some(by) = &campaign.routing {
        let routing = Routing { by: by.clone(), catch_up: false };
        points.extend(rules(&routing).map(|rule| format!("For these leads: {rule}.")));
    }
    if let Some(other) = &campaign.overflow {
        points.push(format!("When nobody of the team has room, its leads go to team {other}."));
    }
    points.push(match campaign.announce_days {
        0 => "Its first mail may leave as soon as it stands in this agreement.".to_owned(),
        days => format!(
            "The team sees what is sent {} before the first mail leaves.",
            counted(days, "business day")
        ),
    });
    points
}

/// What a team says about the leads it gets.
pub(super) fn of_team(team: &Team) -> Vec<String> {
    let mut points: Vec<String> = rules(&team.routing).map(|rule| format!("{}.", sentence(&rule))).collect();
    if team.routing.catch_up {
        points.push("Whoever was away gets the leads missed meanwhile afterwards.".to_owned());
    }
    match &team.overflow {
        Some(other) => points.push(format!("When nobody here has room, leads go to team {other}.")),
        None => points.push(
            "When nobody here has room, leads wait with marketing, those with most points first.".to_owned(),
        ),
    }
    if let Some(policy) = &team.policy {
        points.push(format!("Leads that come from another team are under the promises “{policy}”."));
    }
    if let Some(shares) = &team.shares {
        let told: Vec<String> = shares.iter().map(|share| share_words(*share).to_owned()).collect();
        points.push(match told.is_empty() {
            true => "It is told nothing of a lead but its address.".to_owned(),
            false => format!("Beside the address it is told of a lead: {}. Nothing else.", and(&told)),
        });
    }
    points
}

/// The leads a rep is responsible for; nothing when the agreement names none.
pub(super) fn territory(rep: &Rep) -> String {
    let Some(territory) = &rep.territory else { return String::new() };
    let countries = territory.countries.join(", ");
    let condition = territory.condition.as_ref().map(Condition::words).unwrap_or_default();
    match (countries.is_empty(), condition.is_empty()) {
        (false, false) => format!("{countries}, or {condition}"),
        (true, _) => condition,
        (_, true) => countries,
    }
}

/// How many new leads a week; nothing when there is no limit.
pub(super) fn new_per_week(rep: &Rep) -> String {
    rep.new_per_week.map(|count| count.to_string()).unwrap_or_default()
}

fn rules(routing: &Routing) -> impl Iterator<Item = String> {
    routing.by.iter().map(|rule| {
        match rule {
            Rule::Account => "whoever has had a lead of the same company gets its colleagues too",
            Rule::Territory => "a lead goes to whoever is responsible for it",
            Rule::LongestWait => "the next lead goes to who has waited longest, by their share",
            Rule::Weighted => "leads are shared out exactly by the shares below",
            Rule::LeastLoaded => "the next lead goes to who has fewest open, by their share",
        }
        .to_owned()
    })
}

fn share_words(share: Share) -> &'static str {
    match share {
        Share::Name => "its name",
        Share::Company => "the company",
        Share::Title => "the job title",
        Share::Phone => "the phone number",
        Share::Country => "the country",
        Share::Source => "where it came from",
        Share::Campaign => "the campaign and what it offered",
        Share::Answers => "what it answered",
        Share::Behaviour => "what it read and did",
        Share::Reasons => "why it counts as ready",
    }
}

fn verb(count: usize) -> &'static str {
    if count == 1 { "gets" } else { "get" }
}
