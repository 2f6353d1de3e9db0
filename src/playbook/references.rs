//! Names that point from one part of the playbook to another, and whether they point at something.
//!
//! While files are read, what they name and what they refer to is only collected; once everything is
//! read, this checks the whole: unknown names, sequences that nobody enters, circles nobody may walk.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::section::{Located, Source};
use crate::domain::agreement::{Agreement, Level, Reentry, Role, Sequence, Team};
use crate::domain::email::EmailAddress;
use crate::problem::{Problem, Problems, nearest};

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// `[calendars.<name>]`
    Calendar,
    /// `[personas.<name>]`
    Persona,
    /// `[teams.<name>]`
    Team,
    /// `[policies.<name>]`
    Policy,
    /// `[reasons.<name>]`
    Reason,
    /// `[campaigns.<name>]`
    Campaign,
    /// `sequences/<name>/`
    Sequence,
}

impl What {
    fn noun(self) -> &'static str {
        match self {
            What::Calendar => "calendar",
            What::Persona => "persona",
            What::Team => "team",
            What::Policy => "policy",
            What::Reason => "reason",
            What::Campaign => "campaign",
            What::Sequence => "sequence",
        }
    }

    fn where_known(self, name: &str) -> String {
        match self {
            What::Sequence => format!("make the folder sequences/{name}/ with a sequence.toml"),
            other => format!("add a section [{}.{name}] to agreement.toml", other.section()),
        }
    }

    fn section(self) -> &'static str {
        match self {
            What::Calendar => "calendars",
            What::Persona => "personas",
            What::Team => "teams",
            What::Policy => "policies",
            What::Reason => "reasons",
            What::Campaign => "campaigns",
            What::Sequence => "sequences",
        }
    }
}

/// A place where a name is written that has to be known.
#[derive(Clone, Debug)]
pub struct Reference {
    what: What,
    name: String,
    file: String,
    /// In bytes of the file.
    span: Range<usize>,
}

/// Everything that has a name, and everything that refers to a name.
#[derive(Debug, Default)]
pub struct References {
    known: BTreeMap<What, BTreeSet<String>>,
    made: Vec<Reference>,
    /// Which team keeps which policy, and where the campaign says so.
    agreed: Vec<(String, Reference)>,
    /// Who stands in for which team, and where the team says so.
    stand_ins: Vec<(String, EmailAddress, Place)>,
    /// Levels that belong to no policy, and where they stand.
    told: Vec<(Level, Place)>,
}

/// A place in a file, in bytes.
#[derive(Clone, Debug)]
struct Place {
    file: String,
    span: Range<usize>,
}

impl References {
    /// A thing of that name exists, even if it has problems of its own.
    pub fn define(&mut self, what: What, name: &str) {
        self.known.entry(what).or_default().insert(name.to_owned());
    }

    /// A name is used.
    pub fn refer(&mut self, what: What, source: &Source<'_>, name: &Located<String>) -> String {
        self.made.push(reference(what, source, name));
        name.value.clone()
    }

    /// A campaign gives its leads to a team under a policy.
    pub fn agree(&mut self, team: &str, source: &Source<'_>, policy: &Located<String>) {
        self.agreed.push((team.to_owned(), reference(What::Policy, source, policy)));
    }

    /// A level tells somebody of whichever team a lead was with.
    pub fn tell(&mut self, source: &Source<'_>, span: Range<usize>, level: &Level) {
        let place =
            Place { file: source.file.to_owned(), span: source.base + span.start..source.base + span.end };
        self.told.push((level.clone(), place));
    }

    /// Somebody stands in for a team's reps.
    pub fn stand_in(&mut self, team: &str, source: &Source<'_>, who: Located<EmailAddress>) -> EmailAddress {
        let span = source.base + who.span.start..source.base + who.span.end;
        let place = Place { file: source.file.to_owned(), span };
        self.stand_ins.push((team.to_owned(), who.value.clone(), place));
        who.value
    }

    /// Reports stand-ins whom nobody knows, and teams that stand in for each other in a circle: when all are
    /// away, each would wait for the other.
    pub fn report_stand_ins(&self, agreement: &Agreement, problems: &mut Problems) {
        for (team, who, place) in &self.stand_ins {
            let problem = |message: String| Problem::at(&place.file, place.span.clone(), message);
            let known: BTreeSet<&EmailAddress> = agreement
                .teams
                .values()
                .flat_map(|team| {
                    let reps = team.reps.iter().map(|rep| &rep.email);
                    reps.chain([&team.manager]).chain(&team.director)
                })
                .collect();
            if !known.contains(who) {
                let hint = nearest(who.as_str(), known.iter().map(|known| known.as_str())).map_or_else(
                    || "name a rep of some team, a manager or a director".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                problems.push(problem(format!("nobody in the agreement is `{who}`")).hint(hint));
            }
            // Told once, at the first of its teams.
            let circle = circle_from(team, agreement).filter(|circle| circle.iter().min() == circle.first());
            if let Some(circle) = circle.map(|circle| circle.join(" → ")) {
                problems.push(
                    problem(format!("the teams stand in for each other in a circle: {circle}"))
                        .hint("let one of them name somebody who has no leads, such as its manager"),
                );
            }
        }
    }

    /// Reports names that nothing has.
    pub fn report_unknown(&self, problems: &mut Problems) {
        let nothing = BTreeSet::new();
        for reference in &self.made {
            let known = self.known.get(&reference.what).unwrap_or(&nothing);
            if known.contains(&reference.name) {
                continue;
            }
            let hint = nearest(&reference.name, known.iter().map(String::as_str)).map_or_else(
                || reference.what.where_known(&reference.name),
                |name| format!("did you mean `{name}`?"),
            );
            let message = format!("there is no {} `{}`", reference.what.noun(), reference.name);
            problems.push(Problem::at(&reference.file, reference.span.clone(), message).hint(hint));
        }
    }

    /// Reports policies, and levels of no policy, that tell somebody whom the team does not have.
    pub fn report_unfilled_roles(&self, agreement: &Agreement, problems: &mut Problems) {
        for (team, policy) in &self.agreed {
            let (Some(team), Some(promises)) = (
                agreement.teams.get(team),
                agreement.policies.get(&policy.name).map(|policy| &policy.promises),
            ) else {
                continue;
            };
            let levels = promises.values().flat_map(|promise| &promise.levels);
            for (role, word) in unfilled(team) {
                if levels.clone().any(|level| level.tell.contains(&role)) {
                    let message = format!(
                        "policy `{}` tells the {word}, but team `{}` has none",
                        policy.name, team.name
                    );
                    problems.push(
                        Problem::at(&policy.file, policy.span.clone(), message)
                            .hint(format!("add `{word}` to [teams.{}], or tell the manager", team.name)),
                    );
                }
            }
        }
        for (level, place) in &self.told {
            for team in agreement.teams.values() {
                for (_, word) in unfilled(team).filter(|(role, _)| level.tell.contains(role)) {
                    let message =
                        format!("level `{}` tells the {word}, but team `{}` has none", level.name, team.name);
                    problems.push(
                        Problem::at(&place.file, place.span.clone(), message)
                            .hint(format!("add `{word}` to [teams.{}], or tell the manager", team.name)),
                    );
                }
            }
        }
    }

    /// Reports sequences that no lead can come into.
    pub fn report_unreachable(&self, problems: &mut Problems) {
        let Some(all) = self.known.get(&What::Sequence) else { return };
        let leads_to = |file: &str| {
            let from = self.made.iter().filter(move |made| made.what == What::Sequence && made.file == file);
            from.map(|made| made.name.as_str()).collect::<Vec<_>>()
        };
        let mut open = leads_to(super::AGREEMENT);
        let mut entered = BTreeSet::new();
        while let Some(name) = open.pop() {
            if entered.insert(name) {
                open.extend(leads_to(&super::sequence_file(name)));
            }
        }
        for name in all.iter().filter(|name| !entered.contains(name.as_str())) {
            let problem =
                Problem::of(super::sequence_file(name), format!("no lead can come into sequence `{name}`"));
            problems.push(problem.hint(
                "name it in a campaign (`sequence`), in a reason (`sequence`, `afterwards`), or as another \
                 sequence's `then`; or delete its folder",
            ));
        }
    }

    /// Reports sequences that follow each other in a circle which re-entry forbids.
    pub fn report_circles(&self, sequences: &BTreeMap<String, Sequence>, problems: &mut Problems) {
        for (name, sequence) in sequences {
            if sequence.reentry == Reentry::Always || !follows_itself(name, sequences) {
                continue;
            }
            let file = super::sequence_file(name);
            let then = self.made.iter().find(|r| r.file == file && r.what == What::Sequence);
            let message = format!("sequence `{name}` leads back to itself, but may not be entered again");
            let problem = match then {
                Some(then) => Problem::at(&file, then.span.clone(), message),
                None => Problem::of(&file, message),
            };
            problems.push(problem.hint("write `reentry = \"always\"`, or end with another `then`"));
        }
    }
}

/// The roles that nobody has in a team, and their words.
fn unfilled(team: &Team) -> impl Iterator<Item = (Role, &'static str)> {
    let roles = [
        (Role::Director, "director", team.director.is_none()),
        (Role::Backup, "backup", team.backup.is_none()),
    ];
    roles.into_iter().filter(|(_, _, missing)| *missing).map(|(role, word, _)| (role, word))
}

/// The teams through which `team`'s stand-ins lead back to it: `sales`, `partners`, `sales`.
fn circle_from<'a>(team: &'a str, agreement: &'a Agreement) -> Option<Vec<&'a str>> {
    let mut way = vec![team];
    loop {
        let backup = agreement.teams.get(*way.last()?)?.backup.as_ref()?;
        // Somebody of the same team is no circle: whoever is away is not asked to stand in.
        let next = agreement
            .rep(backup)
            .map(|(next, _)| next.name.as_str())
            .filter(|next| way.last() != Some(next))?;
        way.push(next);
        if next == team {
            return Some(way);
        }
        // A circle that `team` only leads into is told where it begins.
        if way.iter().filter(|passed| **passed == next).count() > 1 {
            return None;
        }
    }
}

fn reference(what: What, source: &Source<'_>, name: &Located<String>) -> Reference {
    Reference {
        what,
        name: name.value.clone(),
        file: source.file.to_owned(),
        span: source.base + name.span.start..source.base + name.span.end,
    }
}

fn follows_itself(name: &str, sequences: &BTreeMap<String, Sequence>) -> bool {
    let mut seen = BTreeSet::new();
    let mut at = name;
    while let Some(next) = sequences.get(at).and_then(|sequence| sequence.then.as_deref()) {
        if next == name {
            return true;
        }
        if !seen.insert(next) {
            return false;
        }
        at = next;
    }
    false
}
