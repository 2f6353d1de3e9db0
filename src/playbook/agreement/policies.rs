//! `[policies.<name>]`: what sales promises for a lead, whom to tell when, and which leads get which policy.
//!
//! A level belongs to first contact unless it says `promise = "…"`; a promise without levels of its own has the
//! usual ones of its kind. It is reached at a share of the target, or at a time in the target's own unit. What cannot be kept is refused here: an order that cannot be, attempts that do not
//! fit into their time, a level of something that is not promised.

use std::collections::{BTreeMap, BTreeSet};

use super::Reading;
use crate::domain::agreement::{Level, Policy, Target};
use crate::domain::condition::Condition;
use crate::domain::contact::Channel;
use crate::domain::sla::{AttemptsOwed, LevelAt, Promise, PromiseKind};
use crate::playbook::fields;
use crate::playbook::references::What;
use crate::playbook::section::{Located, Section};

/// Promises that are a target and nothing else, and their keys.
const PLAIN: [(&str, PromiseKind); 4] = [
    ("accept", PromiseKind::Accept),
    ("first_contact", PromiseKind::FirstContact),
    ("disposition", PromiseKind::Disposition),
    ("feedback", PromiseKind::Feedback),
];

/// More attempts are a siege.
const MOST_ATTEMPTS: i64 = 50;

impl Reading<'_> {
    pub(super) fn policies(&mut self, top: &mut Section<'_>) -> BTreeMap<String, Policy> {
        let mut policies = BTreeMap::new();
        for (name, section) in top.tables("policies") {
            self.references.define(What::Policy, &name.value);
            policies.extend(policy(&name.value, section).map(|policy| (name.value, policy)));
        }
        policies
    }

    /// The policies of a campaign that hold for some of its leads, before the one for all others.
    pub(super) fn chosen_policies(
        &mut self,
        campaign: &mut Section<'_>,
        team: Option<&str>,
    ) -> Vec<(Condition, String)> {
        let mut chosen = Vec::new();
        for mut section in campaign.sections("policies") {
            section.require("when", "write for which leads it holds: `lead.grade == \"A\"`");
            section.require("policy", "name what is promised for them");
            let when = section.condition("when", self.vars());
            let policy = section.parsed("policy", fields::name);
            if let Some(policy) = &policy {
                self.references.refer(What::Policy, &section.source, policy);
                if let Some(team) = team {
                    self.references.agree(team, &section.source, policy);
                }
            }
            section.finish();
            if let (Some(when), Some(policy)) = (when, policy) {
                chosen.push((when, policy.value));
            }
        }
        chosen
    }
}

fn policy(name: &str, mut section: Section<'_>) -> Option<Policy> {
    section.require("first_contact", "write until when a rep tries to reach the lead: `8 business hours`");
    let mut targets: BTreeMap<PromiseKind, Target> = BTreeMap::new();
    for (key, kind) in PLAIN {
        targets.extend(section.parsed(key, fields::target).map(|target| (kind, target.value)));
    }
    let quiet = section.parsed("quiet_opportunity", fields::days);
    targets.extend(quiet.map(|days| (PromiseKind::Quiet, Target::Days(days.value))));
    let attempts = attempts(&mut section);
    targets.extend(attempts.map(|(within, _)| (PromiseKind::Attempts, Target::BusinessDays(within))));
    let not_before = section.parsed("not_before", fields::duration).map(|wait| wait.value);
    let mut levels = levels(name, &targets, &mut section);
    section.finish();
    if !targets.contains_key(&PromiseKind::FirstContact) {
        return None;
    }
    let promises = targets.into_iter().map(|(kind, target)| {
        let levels = levels.remove(&kind).unwrap_or_else(|| kind.usual_levels());
        (kind, Promise { target, levels })
    });
    Some(Policy {
        name: name.to_owned(),
        promises: promises.collect(),
        attempts: attempts.map(|(_, owed)| owed),
        not_before,
    })
}

/// Within how many business days what is owed.
fn attempts(policy: &mut Section<'_>) -> Option<(i64, AttemptsOwed)> {
    let mut section = policy.section("attempts")?;
    section.require("count", "write how many attempts are owed: `count = 6`");
    section.require("within", "write how long they may take: `within = \"10 business days\"`");
    let count = section.integer("count", 1..=MOST_ATTEMPTS);
    let within = section.parsed("within", fields::business_days).map(|days| days.value);
    let mut optional = |key: &'static str, most: i64| {
        let number = section.integer(key, 1..=most);
        if section.has(key) { number } else { Some(1) }
    };
    let days = optional("days", MOST_ATTEMPTS);
    let channels = optional("channels", Channel::ALL.len() as i64);
    let calls_per_day = optional("calls_per_day", 20);
    let (count, within, days) = (count?, within?, days?);
    let owed = AttemptsOwed {
        count,
        days,
        channels: channels?,
        calls_per_day: calls_per_day?,
        first_minutes: None,
        first_from: None,
    };
    for (key, number, what) in [("days", days, "days"), ("channels", owed.channels, "channels")] {
        if number > count {
            section.refuse(
                key,
                format!("{count} attempts cannot be spread over {number} {what}"),
                format!("write at most {count}, or promise more attempts"),
            );
        }
    }
    if days > within {
        let hint = format!("write at most {within}, or allow more business days");
        section.refuse("days", format!("there are no {days} days in {within} business days"), hint);
    }
    let most = owed.most_within(within);
    if count > most {
        let calls = owed.calls_per_day;
        section.refuse(
            "count",
            format!(
                "{count} attempts do not fit into {within} business days: {calls} calls and one mail a day \
                 count, which makes {most}"
            ),
            "promise fewer attempts, or allow more business days or more calls a day",
        );
    }
    section.finish();
    Some((within, owed))
}

/// The rungs of each promise, which have to be in order of time.
fn levels(
    policy: &str,
    targets: &BTreeMap<PromiseKind, Target>,
    section: &mut Section<'_>,
) -> BTreeMap<PromiseKind, Vec<Level>> {
    let mut levels: BTreeMap<PromiseKind, Vec<Level>> = BTreeMap::new();
    let mut rungs = Rungs::default();
    for mut level in section.sections("levels") {
        let promise = match level.parsed("promise", fields::promise) {
            Some(promise) => {
                let key = key_of(promise.value);
                if !section.has(key) {
                    let message = format!("policy `{policy}` does not promise `{}`", promise.value.name());
                    let hint = format!("write `{key} = …` in [policies.{policy}], or delete this level");
                    level.source.refuse(&promise.span, message, hint);
                }
                Some(promise.value)
            }
            None if level.has("promise") => None,
            None => Some(PromiseKind::FirstContact),
        };
        let target = promise.and_then(|promise| targets.get(&promise)).copied();
        if let (Some(level), Some(promise)) = (rungs.read(level, promise, target), promise) {
            levels.entry(promise).or_default().push(level);
        }
    }
    if !rungs.last.contains_key(&PromiseKind::FirstContact) && section.has("first_contact") {
        let hint = format!("add [[policies.{policy}.levels]] with `name`, `at` and `tell`");
        section.source.refuse(&section.span, "nobody is told when the promise is not kept", hint);
    }
    levels
}

/// The rungs that were read so far.
#[derive(Default)]
pub(super) struct Rungs {
    names: BTreeSet<(Option<PromiseKind>, String)>,
    /// Where the last one of each promise was.
    last: BTreeMap<PromiseKind, LevelAt>,
}

impl Rungs {
    /// The next rung of `promise`, on the way to its `target`; `None` when it cannot be, or it is not known of what.
    pub(super) fn read(
        &mut self,
        mut level: Section<'_>,
        promise: Option<PromiseKind>,
        target: Option<Target>,
    ) -> Option<Level> {
        level.require("name", "write what it is called in mails: `warning`, `breach`");
        level.require("at", "write when it is reached: at `75%` of the target, or `2 hours` after the start");
        let name: Option<Located<String>> = level.parsed("name", fields::name);
        let at = level.parsed("at", |text| fields::level_at(text, target));
        let tell: Vec<_> = level.list("tell", fields::role);
        let reassign = level.flag("reassign");
        if let Some(name) = &name
            && !self.names.insert((promise, name.value.clone()))
        {
            level.refuse("name", format!("level `{}` is there twice", name.value), "give each its own name");
        }
        if let (Some(at), Some(promise)) = (&at, promise)
            && let Some(before) = self.last.insert(promise, at.value)
            && let Some(target) = target
            && at.value.place(target) <= before.place(target)
        {
            let message = format!("{} is not after the level before it, at {before}", at.value);
            level.source.refuse(&at.span, message, "list levels in order of time, each at its own");
        }
        for (index, role) in tell.iter().enumerate() {
            if tell.iter().take(index).any(|other| other.value == role.value) {
                level.source.refuse(&role.span, "this role is told twice", "delete one");
            }
        }
        if tell.is_empty() && !reassign && !level.has("tell") {
            level.source.refuse(
                &level.span,
                "this level tells nobody and does nothing",
                "write `tell = [\"owner\", \"manager\"]`, or `reassign = true`",
            );
        }
        if let Some(promise) = promise.filter(|promise| reassign && !promise.may_reassign()) {
            level.refuse(
                "reassign",
                format!("a lead is not taken from its rep over `{}`", promise.name()),
                "only who has made no attempt loses it: let a level of `first_contact` do that",
            );
        }
        level.finish();
        Some(Level {
            name: name?.value,
            at: at?.value,
            tell: tell.into_iter().map(|role| role.value).collect(),
            reassign,
        })
    }
}

/// Where a policy makes the promise.
fn key_of(kind: PromiseKind) -> &'static str {
    if kind == PromiseKind::Quiet { "quiet_opportunity" } else { kind.name() }
}
