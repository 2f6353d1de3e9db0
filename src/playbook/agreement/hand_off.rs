//! `[reasons.<name>]` and `[campaigns.<name>]`: why a lead may come back, and what was agreed for leads from
//! where.

use std::collections::BTreeMap;

use super::{Reading, marketing};
use crate::domain::agreement::{AfterReason, Campaign, Reason, Team};
use crate::domain::condition::Condition;
use crate::domain::recycle::NextRep;
use crate::playbook::fields;
use crate::playbook::references::What;
use crate::playbook::section::Section;

/// How often a lead is nurtured from the start before it is left to `afterwards`.
const DEFAULT_ROUNDS: i64 = 3;

/// Where a lead goes that does not rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Never,
    Marketing,
    Merge,
}

impl Reading<'_> {
    pub(super) fn reasons(&mut self, top: &mut Section<'_>) -> BTreeMap<String, Reason> {
        let mut reasons = BTreeMap::new();
        let mut by_itself: Option<String> = None;
        for (name, section) in top.tables("reasons") {
            self.references.define(What::Reason, &name.value);
            if section.has("after_attempts")
                && let Some(other) = by_itself.replace(name.value.clone())
            {
                section.refuse(
                    "after_attempts",
                    format!("leads that cannot be reached go back as `{other}` already"),
                    "keep `after_attempts` in one reason",
                );
            }
            if let Some(reason) = self.reason(&name.value, section) {
                reasons.insert(name.value, reason);
            }
        }
        reasons
    }

    fn reason(&mut self, name: &str, mut section: Section<'_>) -> Option<Reason> {
        section.require("label", "write it as reps read it: `Not ready yet`");
        section.require("from", "write `[\"rejected\"]`, `[\"lost\"]` or both");
        let label = section.words("label");
        let from = section.list("from", |text| {
            fields::one_of("state with a reason", text, &[("rejected", true), ("lost", false)])
        });
        if from.is_empty() && section.has("from") {
            section.refuse(
                "from",
                "nobody could give this reason",
                "write `[\"rejected\"]`, `[\"lost\"]` or both",
            );
        }
        let to = section.parsed("to", |text| {
            let ends = [("never", End::Never), ("marketing", End::Marketing), ("merge", End::Merge)];
            fields::one_of("end", text, &ends)
        });
        let rest = section.parsed("rest", fields::days);
        let sequence = self.sequence(&mut section, "sequence");
        let afterwards = self.sequence(&mut section, "afterwards");
        let rounds = section.integer("rounds", 1..=100);
        let rounds = if section.has("rounds") { rounds } else { Some(DEFAULT_ROUNDS) };
        let next_rep = next_rep(&mut section);
        let after_attempts = section.parsed("after_attempts", fields::wait);
        if let Some(wait) = after_attempts.as_ref().filter(|_| !from.iter().any(|from| from.value)) {
            let message = "only a lead that is rejected goes back by itself";
            section.source.refuse(&wait.span, message, "write `from = [\"rejected\"]`, or delete it");
        }
        match (section.has("rest"), section.has("to")) {
            (true, true) => {
                section.refuse("to", "a lead that rests does not end", "keep either `rest` or `to`");
            }
            (false, false) => section.source.refuse(
                &section.span,
                format!("reason `{name}` does not say what follows"),
                "write `rest = \"60 days\"`, `to = \"never\"`, `to = \"marketing\"` or `to = \"merge\"`",
            ),
            (false, true) => {
                for key in ["sequence", "afterwards", "rounds", "other_rep", "same_rep"] {
                    if section.has(key) {
                        section.refuse(
                            key,
                            format!("`{key}` needs a `rest`"),
                            "delete it, or let the lead rest",
                        );
                    }
                }
            }
            (true, false) => {}
        }
        if let Some(to) = to.as_ref().filter(|to| to.value == End::Merge)
            && from.iter().any(|from| !from.value)
        {
            let message = "a deal that was lost is no double of another lead";
            section.source.refuse(&to.span, message, "write `from = [\"rejected\"]`");
        }
        section.finish();
        let then = match (rest, to) {
            (Some(rest), _) => {
                AfterReason::Rest { days: rest.value, sequence, rounds: rounds?, afterwards, next_rep }
            }
            (None, Some(to)) => match to.value {
                End::Never => AfterReason::Never,
                End::Marketing => AfterReason::Marketing,
                End::Merge => AfterReason::Merge,
            },
            (None, None) => return None,
        };
        Some(Reason {
            name: name.to_owned(),
            label: label?,
            for_rejected: from.iter().any(|from| from.value),
            for_lost: from.iter().any(|from| !from.value),
            then,
            after_attempts: after_attempts.map(|wait| wait.value),
        })
    }

    pub(super) fn campaigns(
        &mut self,
        top: &mut Section<'_>,
        teams: &BTreeMap<String, Team>,
    ) -> Vec<Campaign> {
        let mut campaigns = Vec::new();
        let found = top.tables("campaigns");
        // A lead that matches nothing would be kept by nobody.
        let mut catches_all = found.is_empty();
        for (name, section) in found {
            self.references.define(What::Campaign, &name.value);
            let (campaign, all) = self.campaign(&name.value, section, teams);
            catches_all |= all;
            campaigns.extend(campaign);
        }
        if !catches_all {
            top.refuse(
                "campaigns",
                "a lead that matches no campaign would be forgotten",
                "give the last campaign `match = \"true\"`",
            );
        }
        campaigns
    }

    /// The campaign when it is complete, and whether it takes every lead (or might, were it readable).
    fn campaign(
        &mut self,
        name: &str,
        mut section: Section<'_>,
        teams: &BTreeMap<String, Team>,
    ) -> (Option<Campaign>, bool) {
        section.require("qualify", "write when a lead goes to sales: `lead.score >= 50`");
        section.require("team", "name the team that gets the leads");
        section.require("policy", "name what that team promises");
        let matches = section.condition("match", self.vars());
        let all = section.has("match") && matches.as_ref().is_none_or(Condition::is_always);
        let sequence = self.sequence(&mut section, "sequence");
        let persona = section.parsed("persona", fields::name);
        let persona = persona.map(|persona| self.references.refer(What::Persona, &section.source, &persona));
        let qualify = section.condition("qualify", self.vars());
        let team = section.parsed("team", fields::name);
        let team = team.map(|team| self.references.refer(What::Team, &section.source, &team));
        let policy = section.parsed("policy", fields::name);
        if let Some(policy) = &policy {
            self.references.refer(What::Policy, &section.source, policy);
            if let Some(team) = &team {
                self.references.agree(team, &section.source, policy);
            }
        }
        let policies = self.chosen_policies(&mut section, team.as_deref());
        let brief = section.words("brief");
        let incentive = section.words("incentive");
        let zone = section.parsed("zone", fields::zone).map(|zone| zone.value);
        let raised_hand = section.flag("raised_hand");
        let volume = marketing::volume(&mut section);
        let routing = self.campaign_routing(&mut section, team.as_deref(), policy.as_ref(), teams);
        let cost = super::reports::cost(&mut section);
        section.finish();
        let campaign = (|| {
            Some(Campaign {
                name: name.to_owned(),
                matches,
                sequence,
                persona,
                qualify: qualify?,
                team: team?,
                policies,
                policy: policy?.value,
                brief,
                incentive,
                zone,
                raised_hand,
                volume,
                required: routing.required,
                not_before: routing.not_before,
                reps: routing.reps,
                overflow: routing.overflow,
                routing: routing.routing,
                announce_days: routing.announce_days,
                cost,
            })
        })();
        (campaign, all)
    }

    /// A key that names a sequence.
    fn sequence(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<String> {
        let name = section.parsed(key, fields::name)?;
        Some(self.references.refer(What::Sequence, &section.source, &name))
    }
}

/// Who gets a lead after its rest.
fn next_rep(section: &mut Section<'_>) -> NextRep {
    match (section.flag("same_rep"), section.flag("other_rep")) {
        (true, true) => {
            let message = "it cannot go to the same rep and to another one";
            section.refuse("same_rep", message, "keep one of `same_rep` and `other_rep`");
            NextRep::Anyone
        }
        (true, false) => NextRep::Same,
        (false, true) => NextRep::Another,
        (false, false) => NextRep::Anyone,
    }
}
