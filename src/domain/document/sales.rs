//! What sales promised, who sells, and what the reasons mean with which a lead comes back.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Block, Section, and, day_words, hours, routing, sentence};
use crate::domain::agreement::{
    AfterReason, Agreement, Campaign, Level, Policy, Reason, Rep, Role, Target, Team,
};
use crate::domain::commitments::counted;
use crate::domain::recycle::NextRep;
use crate::domain::sla::{AttemptsOwed, LevelAt, Promise, PromiseKind};
use crate::domain::span;

pub(super) fn promises(agreement: &Agreement) -> Section {
    let mut blocks = vec![
        Block::List(vec![
            "A lead belongs to one person, who is told everything that is known of it.".to_owned(),
            "Time is counted in the team's working hours; for the first contact and for attempts only while the lead can be \
             called, too, unless that is hardly ever at once. An absence of the lead, or a day that it named, stops the clock."
                .to_owned(),
            "What counts is that somebody turned to the lead: a call, a mail written by hand, a meeting. An edited field \
             does not."
                .to_owned(),
            "A lead is given back with a reason, or not at all.".to_owned(),
        ]),
    ];
    for policy in agreement.policies.values() {
        blocks.push(Block::Heading(format!("Promises “{}”", policy.name)));
        blocks.push(Block::Text(used_by(agreement, policy)));
        blocks.push(Block::Table(
            ["What", "Within", "Otherwise"].map(str::to_owned).to_vec(),
            PromiseKind::OF_A_POLICY
                .into_iter()
                .filter_map(|kind| Some(row(kind, policy.promises.get(&kind)?, policy)))
                .collect(),
        ));
        if let Some(wait) = policy.not_before {
            blocks.push(Block::Text(format!(
                "A lead is not handed over before {} after it came in: too fast repels.",
                span::plain(wait)
            )));
        }
    }
    blocks.push(Block::Heading("How managers hear of it".to_owned()));
    blocks.push(Block::List(escalation(agreement)));
    Section { title: "What sales promises".to_owned(), blocks }
}

/// For which leads these are the promises.
fn used_by(agreement: &Agreement, policy: &Policy) -> String {
    let names = |campaign: &&Campaign| {
        campaign.policy == policy.name || campaign.policies.iter().any(|(_, name)| *name == policy.name)
    };
    let campaigns: Vec<String> =
        agreement.campaigns.iter().filter(names).map(|campaign| campaign.name.clone()).collect();
    let partners: Vec<String> = agreement
        .teams
        .values()
        .filter(|team| team.policy.as_ref() == Some(&policy.name))
        .map(|team| format!("team {}", team.name))
        .collect();
    match (campaigns.is_empty(), partners.is_empty()) {
        (true, true) => "No campaign uses them.".to_owned(),
        (false, true) => format!("For leads of {}.", and(&campaigns)),
        (true, false) => format!("For leads of other teams that {} gets.", and(&partners)),
        (false, false) => format!(
            "For leads of {}, and for leads of other teams that {} gets.",
            and(&campaigns),
            and(&partners)
        ),
    }
}

/// Who is told at once, and what comes together.
fn escalation(agreement: &Agreement) -> Vec<String> {
    let escalation = &agreement.escalation;
    let times: Vec<String> =
        escalation.digests.iter().map(|time| time.strftime("%H:%M").to_string()).collect();
    let mut points = vec![match escalation.mails_at_once {
        0 => format!("A manager gets one mail at {}, with everything.", and(&times)),
        count => format!(
            "A manager gets at most {} a day at once; the rest comes in one mail at {}.",
            counted(count, "mail"),
            and(&times)
        ),
    }];
    if !escalation.urgent.is_empty() {
        points.push(format!(
            "That a lead with the promises {} is not taken, or nobody turns to it, is told at once, always.",
            and(&escalation.urgent)
        ));
    }
    if let Some(fallback) = &escalation.fallback {
        points.push(format!("What would reach nobody reaches {fallback}."));
    }
    points
}

fn row(kind: PromiseKind, promise: &Promise, policy: &Policy) -> Vec<String> {
    let what = match kind {
        PromiseKind::Accept => "Says whether it takes the lead".to_owned(),
        PromiseKind::FirstContact => "Turns to the lead".to_owned(),
        PromiseKind::Attempts => policy.attempts.as_ref().map_or_else(|| "Keeps trying".to_owned(), attempts),
        PromiseKind::Disposition => "Once they spoke, says what comes of it".to_owned(),
        PromiseKind::Quiet => "Does not leave an opportunity to itself".to_owned(),
        PromiseKind::Feedback => "After won or lost, says what convinced or stood against it".to_owned(),
        PromiseKind::Dispute => "Answers whoever disagrees with a rejection".to_owned(),
    };
    let otherwise: Vec<String> = promise.levels.iter().map(|one| level(one, promise.target)).collect();
    vec![what, promise.target.to_string(), otherwise.join(" ")]
}

fn attempts(owed: &AttemptsOwed) -> String {
    let channels = match owed.channels {
        1 => String::new(),
        more => format!(", over {more} channels"),
    };
    format!(
        "Tries {} before giving up, on {}{channels}, at most {} a day",
        counted(owed.count, "time"),
        counted(owed.days, "day"),
        counted(owed.calls_per_day, "call")
    )
}

/// "After 75% of that time the rep is reminded."
fn level(level: &Level, target: Target) -> String {
    let when = match level.at {
        at if at.against(target) == Ordering::Equal => "When that is over,".to_owned(),
        LevelAt::Percent(percent) => format!("After {percent}% of that time"),
        LevelAt::Time(time) => format!("After {time}"),
    };
    let in_time = level.at.against(target) != Ordering::Greater;
    let mut roles = level.tell.clone();
    roles.sort();
    let told: Vec<String> = roles.iter().map(|role| who(*role).to_owned()).collect();
    let mut parts = Vec::new();
    match &roles[..] {
        [] => {}
        [Role::Owner] if in_time => parts.push("the rep is reminded".to_owned()),
        [_] => parts.push(format!("{} is told", and(&told))),
        _ => parts.push(format!("{} are told", and(&told))),
    }
    if level.reassign {
        parts.push("somebody else gets the lead, unless it was tried".to_owned());
    }
    format!("{when} {}.", and(&parts))
}

fn who(role: Role) -> &'static str {
    match role {
        Role::Owner => "the rep",
        Role::Manager => "the manager",
        Role::Backup => "the backup",
        Role::Director => "the director",
    }
}

pub(super) fn reasons(agreement: &Agreement) -> Section {
    let rows = agreement.reasons.values().map(|reason| {
        let from = match (reason.for_rejected, reason.for_lost) {
            (true, true) => "rejected or lost",
            (true, false) => "rejected",
            _ => "lost",
        };
        vec![reason.label.clone(), from.to_owned(), then(reason)]
    });
    let table = Block::Table(["Reason", "When", "What follows"].map(str::to_owned).to_vec(), rows.collect());
    let mut after = "A lead that raises its hand comes back at once, whatever it rests for.".to_owned();
    if let Some(promise) = &agreement.marketing.dispute_answer {
        let otherwise: Vec<String> = promise.levels.iter().map(|one| level(one, promise.target)).collect();
        after.push_str(&format!(
            " Marketing may dispute a rejection once; the team's manager answers within {}. {}",
            promise.target,
            otherwise.join(" ")
        ));
    }
    let mut blocks = vec![table, Block::Text(after)];
    let labels = |names: &BTreeMap<String, String>| {
        names.values().map(|label| format!("“{label}”")).collect::<Vec<_>>()
    };
    let mut heard = Vec::new();
    if !agreement.objections.is_empty() {
        heard.push(format!("What stood against it: {}.", and(&labels(&agreement.objections))));
    }
    if !agreement.arguments.is_empty() {
        heard.push(format!("What convinced: {}.", and(&labels(&agreement.arguments))));
    }
    if !heard.is_empty() {
        blocks.push(Block::Text("Sales says what it heard, so that marketing learns from it:".to_owned()));
        blocks.push(Block::List(heard));
    }
    Section { title: "Why a lead comes back, and when".to_owned(), blocks }
}

fn then(reason: &Reason) -> String {
    match &reason.then {
        AfterReason::Never => "It ends here.".to_owned(),
        AfterReason::Marketing => "Marketing mends it, and it goes to its rep again.".to_owned(),
        AfterReason::Merge => "It becomes part of the lead whose duplicate it is.".to_owned(),
        AfterReason::Rest { days, sequence, rounds, afterwards, next_rep } => {
            let again = sequence.as_ref().map_or_else(
                || "is nurtured again as its campaign says".to_owned(),
                |sequence| format!("gets the mails of sequence {sequence}"),
            );
            let end = afterwards.as_ref().map_or_else(
                || "it ends".to_owned(),
                |sequence| format!("it stays with sequence {sequence}"),
            );
            let next = match next_rep {
                NextRep::Anyone => "",
                NextRep::Same => " Next time the same rep gets it.",
                NextRep::Another => " Next time somebody else gets it.",
            };
            let by_itself = reason.after_attempts.map_or_else(String::new, |wait| {
                format!(" It goes back so by itself, {wait} after the last attempt that is owed.")
            });
            format!(
                "It rests {}, then {again}. After {} {end}.{next}{by_itself}",
                counted(*days, "day"),
                counted(*rounds, "round")
            )
        }
    }
}

pub(super) fn teams(agreement: &Agreement) -> Section {
    let mut blocks = Vec::new();
    for team in agreement.teams.values() {
        blocks.push(Block::Heading(format!("Team {}", team.name)));
        let mut said = leaders(agreement, team);
        said.extend(routing::of_team(team));
        blocks.push(Block::List(said));
        blocks.push(reps(team));
    }
    Section { title: "Who sells".to_owned(), blocks }
}

fn leaders(agreement: &Agreement, team: &Team) -> Vec<String> {
    let mut points = vec![format!("Manager: {}.", team.manager)];
    if let Some(director) = &team.director {
        points.push(format!("Director: {director}."));
    }
    if let Some(backup) = &team.backup {
        points.push(format!("Stands in for whoever is away, takes a lead that has to change hands when nobody has room, and one that asked to be contacted and cannot wait: {backup}."));
    }
    if let Some(calendar) = agreement.calendars.get(&team.calendar) {
        points.push(format!("{}.", sentence(&format!("works {}", hours::calendar(calendar)))));
    }
    points
}

/// One row a rep. A column that says nothing of anybody is left out.
fn reps(team: &Team) -> Block {
    type Column = (&'static str, fn(&Rep) -> String);
    let columns: [Column; 7] = [
        ("Who", |rep| rep.name.clone()),
        ("Address", |rep| rep.email.to_string()),
        ("Leads at a time", |rep| rep.capacity.to_string()),
        ("New a week", routing::new_per_week),
        ("Share", |rep| rep.weight.to_string()),
        ("Responsible for", routing::territory),
        ("Away", away),
    ];
    let optional = ["New a week", "Responsible for"];
    let shown: Vec<_> = columns
        .into_iter()
        .filter(|(head, cell)| !optional.contains(head) || team.reps.iter().any(|rep| !cell(rep).is_empty()))
        .collect();
    let head = shown.iter().map(|(head, _)| (*head).to_owned()).collect();
    let row = |rep: &Rep| shown.iter().map(|(_, cell)| cell(rep)).collect();
    Block::Table(head, team.reps.iter().map(row).collect())
}

fn away(rep: &Rep) -> String {
    let away: Vec<String> = rep
        .away
        .iter()
        .map(|(first, last)| match first == last {
            true => day_words(*first),
            false => format!("{} to {}", day_words(*first), day_words(*last)),
        })
        .collect();
    away.join("; ")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_level_is_told_as_the_agreement_has_it() {
        let hours = |hours| Target::Time(SignedDuration::from_hours(hours));
        for (at, target, tell, words) in [
            (LevelAt::Percent(75), hours(4), Role::Owner, "After 75% of that time the rep is reminded."),
            (LevelAt::Percent(100), hours(4), Role::Owner, "When that is over, the rep is reminded."),
            (LevelAt::Time(hours(2)), hours(4), Role::Owner, "After 2 business hours the rep is reminded."),
            (LevelAt::Time(hours(4)), hours(4), Role::Manager, "When that is over, the manager is told."),
            (
                LevelAt::Time(Target::BusinessDays(3)),
                Target::BusinessDays(2),
                Role::Owner,
                "After 3 business days the rep is told.",
            ),
        ] {
            let one = Level { name: "level".to_owned(), at, tell: vec![tell], reassign: false };
            assert_eq!(level(&one, target), words);
        }
    }
}
