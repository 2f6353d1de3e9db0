//! How leads find their rep: the keys of teams, reps and campaigns that say so, and whether what they name exists.
//!
//! Teams name each other (`overflow`), and campaigns name reps, so this looks once all teams are read.

use std::collections::{BTreeMap, BTreeSet};

use super::Reading;
use crate::domain::agreement::Team;
use crate::domain::email::EmailAddress;
use crate::domain::required::Known;
use crate::domain::routing::{Earliest, Routing, Rule, Share, Territory};
use crate::playbook::fields::{self, Refusal};
use crate::playbook::references::What;
use crate::playbook::section::{Located, Section, Source};
use crate::problem::nearest;

/// Business days between the mail to the team and the first mail to a lead of a new campaign.
const DEFAULT_ANNOUNCE_DAYS: i64 = 2;

/// Where a team names another one, and the policy for what overflows to it: looked at when all are known.
#[derive(Default)]
pub(super) struct Overflows<'a> {
    /// By the team that overflows.
    named: BTreeMap<String, (Located<String>, Source<'a>)>,
}

/// What a team says of routing.
pub(super) struct TeamRouting {
    pub routing: Routing,
    pub overflow: Option<String>,
    pub policy: Option<String>,
    pub shares: Option<Vec<Share>>,
}

/// What a campaign says of it.
pub(super) struct CampaignRouting {
    pub required: Vec<Known>,
    pub not_before: Option<Earliest>,
    pub reps: Vec<EmailAddress>,
    pub overflow: Option<String>,
    pub routing: Option<Vec<Rule>>,
    pub announce_days: i64,
}

impl Reading<'_> {
    pub(super) fn team_routing<'s>(
        &mut self,
        name: &str,
        section: &mut Section<'s>,
        overflows: &mut Overflows<'s>,
    ) -> TeamRouting {
        let by = rules(section);
        let catch_up = section.flag("catch_up");
        let routing = Routing { by: by.unwrap_or_else(|| Routing::default().by), catch_up };
        if catch_up && routing.fair_share() != Rule::Weighted {
            let message = "`catch_up` works with `weighted` alone: the others count no leads";
            section.refuse("catch_up", message, "write `routing = [\"weighted\"]`, or delete it");
        }
        let overflow = section.parsed("overflow", fields::name);
        if let Some(overflow) = &overflow {
            self.references.refer(What::Team, &section.source, overflow);
            overflows.named.insert(name.to_owned(), (overflow.clone(), section.source));
        }
        let policy = section.parsed("policy", fields::name);
        if let Some(policy) = &policy {
            self.references.refer(What::Policy, &section.source, policy);
            self.references.agree(name, &section.source, policy);
        }
        let shares = section.list("shares", |text| {
            let known: Vec<(&str, Share)> = Share::ALL.iter().map(|share| (share.name(), *share)).collect();
            fields::one_of("part of a lead", text, &known)
        });
        let shares =
            section.has("shares").then(|| shares.into_iter().map(|share| share.value).collect::<Vec<_>>());
        TeamRouting {
            routing,
            overflow: overflow.map(|name| name.value),
            policy: policy.map(|p| p.value),
            shares,
        }
    }

    /// The territory of a rep, if it has one.
    pub(super) fn territory(&self, section: &mut Section<'_>) -> Option<Territory> {
        let countries = section.list("countries", |text| {
            if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
                Ok(text.to_owned())
            } else {
                Err(Refusal::new(
                    format!("`{text}` is no country code"),
                    "write two capital letters: `DE`; for anything else use `territory`",
                ))
            }
        });
        let condition = section.condition("territory", self.vars());
        let is_said = section.has("countries") || section.has("territory");
        is_said.then(|| Territory {
            countries: countries.into_iter().map(|country| country.value).collect(),
            condition,
        })
    }

    /// Refuses teams that overflow into each other in a circle: a lead would go round for ever.
    pub(super) fn report_overflow_circles(&self, overflows: &Overflows<'_>) {
        for (team, (overflow, source)) in &overflows.named {
            let mut seen = BTreeSet::from([team.as_str()]);
            let mut next = Some(overflow.value.as_str());
            while let Some(name) = next {
                if !seen.insert(name) {
                    // Told where the circle is entered, once for each team in it.
                    if name == team {
                        let message = if overflow.value == *team {
                            format!("team `{team}` overflows to itself")
                        } else {
                            format!("team `{team}` overflows in a circle, by way of `{}`", overflow.value)
                        };
                        let hint =
                            "name a team that does not lead back here, or delete it: the lead then waits";
                        source.refuse(&overflow.span, message, hint);
                    }
                    break;
                }
                next = overflows.named.get(name).map(|(overflow, _)| overflow.value.as_str());
            }
        }
    }

    /// What a campaign of `team` says, with `policy` for what overflows to a team without a policy of its own.
    pub(super) fn campaign_routing(
        &mut self,
        section: &mut Section<'_>,
        team: Option<&str>,
        policy: Option<&Located<String>>,
        teams: &BTreeMap<String, Team>,
    ) -> CampaignRouting {
        let required = section.list("required", |text| {
            Known::parse(text).map_err(|unknown| Refusal::new(unknown.message, unknown.hint))
        });
        let required = without_repeats(section, required, "is required twice");
        let not_before = section.parsed("not_before", earliest).map(|earliest| earliest.value);
        let own = team.and_then(|name| teams.get(name));
        let reps = section.list("reps", fields::email);
        for rep in &reps {
            if let Some(team) = own {
                report_foreign_rep(section, rep, team, teams);
            }
        }
        if reps.is_empty() && section.has("reps") {
            section.refuse("reps", "nobody would get the leads", "name reps of the team, or delete the line");
        }
        let reps = without_repeats(section, reps, "is named twice");
        let overflow = section.parsed("overflow", fields::name);
        if let Some(overflow) = &overflow {
            self.references.refer(What::Team, &section.source, overflow);
            if let Some(team) = team
                && leads_to(&overflow.value, team, teams)
            {
                let message = format!("the leads of team `{team}` would overflow back to it");
                let hint = "name another team, one that does not overflow to this one";
                section.source.refuse(&overflow.span, message, hint);
            }
        }
        if let Some(policy) = policy {
            // Whoever takes what overflows has to have everybody whom the policy tells.
            let mut next = overflow.as_ref().map(|name| name.value.as_str());
            next = next.or(own.and_then(|team| team.overflow.as_deref()));
            let mut seen: BTreeSet<&str> = team.into_iter().collect();
            while let Some(taker) = next.filter(|name| seen.insert(name)).and_then(|name| teams.get(name)) {
                if taker.policy.is_none() {
                    self.references.agree(&taker.name, &section.source, policy);
                }
                next = taker.overflow.as_deref();
            }
        }
        let routing = rules(section);
        let announce = section.integer("announce_days", 0..=20);
        CampaignRouting {
            required,
            not_before,
            reps,
            overflow: overflow.map(|name| name.value),
            routing,
            announce_days: announce.unwrap_or(DEFAULT_ANNOUNCE_DAYS),
        }
    }
}

/// Whether what overflows to `from` comes to `team` in the end.
fn leads_to(from: &str, team: &str, teams: &BTreeMap<String, Team>) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = Some(from);
    while let Some(name) = next.filter(|name| seen.insert(*name)) {
        if name == team {
            return true;
        }
        next = teams.get(name).and_then(|team| team.overflow.as_deref());
    }
    false
}

fn report_foreign_rep(
    section: &Section<'_>,
    rep: &Located<EmailAddress>,
    team: &Team,
    teams: &BTreeMap<String, Team>,
) {
    let has = |team: &&Team| team.reps.iter().any(|known| known.email == rep.value);
    if has(&team) {
        return;
    }
    let (message, hint) = match teams.values().find(has) {
        Some(other) => (
            format!("{} is in team `{}`, the campaign's leads go to `{}`", rep.value, other.name, team.name),
            format!("write `team = \"{}\"`, or name reps of `{}`", other.name, team.name),
        ),
        None => {
            let known = team.reps.iter().map(|known| known.email.as_str());
            let hint = nearest(rep.value.as_str(), known).map_or_else(
                || format!("add [[teams.{}.reps]] with this `email`", team.name),
                |near| format!("did you mean `{near}`?"),
            );
            (format!("no team has a rep with the address {}", rep.value), hint)
        }
    };
    section.source.refuse(&rep.span, message, hint);
}

/// The rules of `routing`; what shares out comes last, and is added where it is missing.
fn rules(section: &mut Section<'_>) -> Option<Vec<Rule>> {
    let known: Vec<(&str, Rule)> = Rule::ALL.iter().map(|rule| (rule.name(), *rule)).collect();
    let named = section.list("routing", |text| fields::one_of("routing rule", text, &known));
    if !section.has("routing") {
        return None;
    }
    let mut rules: Vec<Rule> = Vec::new();
    for rule in named {
        if rules.contains(&rule.value) {
            section.source.refuse(
                &rule.span,
                format!("`{}` is there twice", rule.value.name()),
                "delete one",
            );
        } else if let Some(last) = rules.iter().find(|rule| rule.is_fair_share()) {
            let message = format!("`{}` never has a say behind `{}`", rule.value.name(), last.name());
            let hint =
                "`account` and `territory` come first, then one of longest-wait, weighted, least-loaded";
            section.source.refuse(&rule.span, message, hint);
        }
        rules.push(rule.value);
    }
    if !rules.iter().any(|rule| rule.is_fair_share()) {
        rules.push(Rule::LongestWait);
    }
    Some(rules)
}

/// `2026-03-09`, or `3 days` after the lead came in.
fn earliest(text: &str) -> Result<Earliest, Refusal> {
    if text.starts_with(|c: char| c.is_ascii_digit()) && text.matches('-').count() == 2 {
        return fields::date(text).map(Earliest::On);
    }
    fields::duration(text).map(Earliest::After).map_err(|_| {
        Refusal::new(
            format!("`{text}` is neither a day nor a time after the lead came in"),
            "write `2026-03-09`, or `2 hours`, `3 days`",
        )
    })
}

fn without_repeats<T: PartialEq>(section: &Section<'_>, found: Vec<Located<T>>, message: &str) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for one in found {
        if kept.contains(&one.value) {
            section.source.refuse(&one.span, format!("this {message}"), "delete one");
        } else {
            kept.push(one.value);
        }
    }
    kept
}
