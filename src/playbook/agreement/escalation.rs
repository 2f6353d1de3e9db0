//! `[escalation]`: who is told at once and who in a digest; and that whoever is named to stand in is somebody.

use jiff::civil::Time;

use super::Reading;
use crate::domain::escalation::Escalation;
use crate::playbook::fields;
use crate::playbook::references::What;
use crate::playbook::section::{Located, Section};

impl Reading<'_> {
    pub(super) fn escalation(&mut self, top: &mut Section<'_>) -> Option<Escalation> {
        let usual = Escalation::default();
        let Some(mut section) = top.section("escalation") else { return Some(usual) };
        let mut optional = |key: &'static str, range, default| {
            let number = section.integer(key, range);
            if section.has(key) { number } else { Some(default) }
        };
        let mails_at_once = optional("mails_at_once", 0..=100, usual.mails_at_once);
        let storm = optional("storm", 1..=10_000, usual.storm);
        let digests = digests(&mut section, usual.digests);
        let mut urgent = Vec::new();
        for policy in section.list("urgent", fields::name) {
            if urgent.contains(&policy.value) {
                section.source.refuse(&policy.span, "this policy is urgent already", "delete one");
                continue;
            }
            urgent.push(self.references.refer(What::Policy, &section.source, &policy));
        }
        let fallback = section.parsed("fallback", fields::email);
        let fallback = match fallback {
            Some(address) => Some(Some(address.value)),
            None if section.has("fallback") => None,
            None => Some(None),
        };
        section.finish();
        Some(Escalation {
            mails_at_once: mails_at_once?,
            digests: digests?,
            storm: storm?,
            urgent,
            fallback: fallback?,
        })
    }
}

/// The times of the digests, in their order.
fn digests(section: &mut Section<'_>, usual: Vec<Time>) -> Option<Vec<Time>> {
    let times: Vec<Located<Time>> = section.list("digests", fields::time_of_day);
    if !section.has("digests") {
        return Some(usual);
    }
    if times.is_empty() {
        let message = "there is no digest, so what is not told at once would never be told";
        section.refuse("digests", message, "write `[\"09:00\", \"14:00\"]`");
        return None;
    }
    for (earlier, later) in times.iter().zip(times.iter().skip(1)) {
        if later.value <= earlier.value {
            let message = format!("{} is not after the digest before it", later.value.strftime("%H:%M"));
            section.source.refuse(&later.span, message, "list the digests in order of time, each once");
        }
    }
    Some(times.into_iter().map(|time| time.value).collect())
}
