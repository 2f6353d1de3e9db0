//! `[personas.<name>]`, `[scoring]` and `[teams.<name>]`: whom we want to meet, what their behaviour is
//! worth, and who sells to them.

use std::collections::BTreeMap;

use super::Reading;
use super::routing::Overflows;
use crate::domain::agreement::{Persona, Rep, Scoring, ScoringRule, Team};
use crate::domain::condition::Vars;
use crate::domain::email::EmailAddress;
use crate::domain::lead::Grade;
use crate::playbook::fields;
use crate::playbook::references::What;
use crate::playbook::section::Section;

/// What one person can keep in touch with at a time; beyond it leads wait, and are nurtured meanwhile.
const DEFAULT_CAPACITY: i64 = 30;

impl Reading<'_> {
    pub(super) fn personas(&mut self, top: &mut Section<'_>) -> BTreeMap<String, Persona> {
        let mut personas = BTreeMap::new();
        for (name, mut section) in top.tables("personas") {
            self.references.define(What::Persona, &name.value);
            section.require(
                "fit",
                "write `fit.A = \"lead.country == \\\"DE\\\"\"`, then B and C; D is what remains",
            );
            let mut fit = Vec::new();
            if let Some(mut grades) = section.section("fit") {
                // A lead gets the best grade it fits, so the order is that of the grades, not of the file.
                for (key, grade) in [("A", Grade::A), ("B", Grade::B), ("C", Grade::C)] {
                    fit.extend(grades.condition(key, self.vars()).map(|condition| (grade, condition)));
                }
                grades.finish();
            }
            section.finish();
            personas.insert(name.value.clone(), Persona { name: name.value, fit });
        }
        personas
    }

    pub(super) fn scoring(&mut self, top: &mut Section<'_>) -> Scoring {
        let Some(mut section) = top.section("scoring") else { return Scoring::default() };
        let names = section.list("activities", fields::activity);
        self.activities =
            section.has("activities").then(|| names.into_iter().map(|name| name.value).collect());
        let half_life_days = section.parsed("half_life", fields::days).map(|days| days.value);
        let mut rules = Vec::new();
        for mut rule in section.sections("rules") {
            rule.require("when", "write `when = \"event.name == \\\"pricing_page\\\"\"`");
            rule.require("points", "write `points = 10`");
            let vars = Vars { event: true, activities: self.activities.as_ref() };
            let when = rule.condition("when", vars);
            let points = rule.integer("points", -1000..=1000);
            if points == Some(0) {
                rule.refuse("points", "a rule for no points does nothing", "delete the rule, or give points");
            }
            let once = rule.flag("once");
            rule.finish();
            if let (Some(when), Some(points)) = (when, points) {
                rules.push(ScoringRule { when, points, once });
            }
        }
        section.finish();
        Scoring { rules, half_life_days }
    }

    pub(super) fn teams(&mut self, top: &mut Section<'_>) -> BTreeMap<String, Team> {
        let mut teams = BTreeMap::new();
        let mut seen = BTreeMap::new();
        let mut overflows = Overflows::default();
        for (name, section) in top.tables("teams") {
            self.references.define(What::Team, &name.value);
            if let Some(team) = self.team(&name.value, section, &mut seen, &mut overflows) {
                teams.insert(name.value, team);
            }
        }
        self.report_overflow_circles(&overflows);
        teams
    }

    fn team<'s>(
        &mut self,
        name: &str,
        mut section: Section<'s>,
        seen: &mut BTreeMap<EmailAddress, String>,
        overflows: &mut Overflows<'s>,
    ) -> Option<Team> {
        section.require("manager", "write the address of whoever is told when a lead is not contacted");
        section.require("calendar", "name the calendar in which the team's promises are counted");
        let manager = section.parsed("manager", fields::email);
        let director = section.parsed("director", fields::email).map(|address| address.value);
        let backup = section.parsed("backup", fields::email);
        let backup = backup.map(|backup| self.references.stand_in(name, &section.source, backup));
        let calendar = section.parsed("calendar", fields::name);
        if let Some(calendar) = &calendar {
            self.references.refer(What::Calendar, &section.source, calendar);
        }
        let mut reps = Vec::new();
        for rep in section.sections("reps") {
            reps.extend(self.rep(name, rep, seen));
        }
        if !section.has("reps") {
            let hint = format!("add [[teams.{name}.reps]] with `name` and `email`");
            section.source.refuse(&section.span, format!("team `{name}` has no reps"), hint);
        }
        let routing = self.team_routing(name, &mut section, overflows);
        section.finish();
        Some(Team {
            name: name.to_owned(),
            manager: manager?.value,
            director,
            calendar: calendar?.value,
            backup,
            reps,
            routing: routing.routing,
            overflow: routing.overflow,
            policy: routing.policy,
            shares: routing.shares,
        })
    }

    /// A rep; `seen` has everybody's team, because one person's leads are counted once.
    fn rep(
        &mut self,
        team: &str,
        mut section: Section<'_>,
        seen: &mut BTreeMap<EmailAddress, String>,
    ) -> Option<Rep> {
        section.require("name", "write the name as leads and colleagues read it");
        section.require("email", "write the address that hand-offs go to");
        let name = section.words("name");
        let email = section.parsed("email", fields::email);
        if let Some(email) = &email
            && let Some(other) = seen.insert(email.value.clone(), team.to_owned())
        {
            section.source.refuse(
                &email.span,
                format!("this rep is in team `{other}` already"),
                "list each rep once; somebody who sells for two teams needs two addresses",
            );
        }
        let mut optional = |key: &'static str, range, default| {
            let number = section.integer(key, range);
            if section.has(key) { number } else { Some(default) }
        };
        let capacity = optional("capacity", 1..=10_000, DEFAULT_CAPACITY);
        let weight = optional("weight", 1..=100, 1);
        let new_per_week = section.integer("new_per_week", 1..=10_000);
        let territory = self.territory(&mut section);
        let away = section.list("away", fields::date_range).into_iter().map(|range| range.value).collect();
        section.finish();
        Some(Rep {
            name: name?,
            email: email?.value,
            capacity: capacity?,
            new_per_week,
            weight: weight?,
            away,
            territory,
        })
    }
}
