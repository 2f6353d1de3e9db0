//! `[review]` and `[marketing]`: who signed, and what marketing owes; and what a campaign is expected to bring.

use std::collections::BTreeSet;

use super::Reading;
use super::policies::Rungs;
use crate::domain::agreement::{Marketing, Review, Role};
use crate::domain::capacity::Volume;
use crate::domain::commitments::{Commitment, Complete, FIELDS};
use crate::domain::sla::{Promise, PromiseKind};
use crate::playbook::fields;
use crate::playbook::references::What;
use crate::playbook::section::{Located, Section};
use crate::problem::nearest;

impl Reading<'_> {
    pub(super) fn review(&mut self, top: &mut Section<'_>) -> Review {
        let Some(mut section) = top.section("review") else { return Review::default() };
        let name = |text: &str| match text.trim() {
            "" => Err(fields::Refusal::new("a signature is empty", "write who agreed, or delete it")),
            name => Ok(name.to_owned()),
        };
        let signed_by: Vec<_> = section.list("signed_by", name);
        let signed_on = section.parsed("signed_on", fields::date).map(|date| date.value);
        if section.has("signed_on") && signed_by.is_empty() {
            section.refuse(
                "signed_on",
                "nobody has signed",
                "write `signed_by = [\"Ann Meyer\", \"Tom Weiss\"]`",
            );
        }
        let review_every_days = section.parsed("review_every", fields::days).map(|days| days.value);
        section.finish();
        let signed_by = signed_by.into_iter().map(|name| name.value).collect();
        Review { signed_by, signed_on, review_every_days }
    }

    pub(super) fn marketing(&mut self, top: &mut Section<'_>) -> Option<Marketing> {
        let mut section = top.section("marketing")?;
        section.require("manager", "write the address of whoever answers for marketing's part");
        let manager = section.parsed("manager", fields::email);
        let calendar = section.parsed("calendar", fields::name);
        let calendar = calendar.map(|name| self.references.refer(What::Calendar, &section.source, &name));
        let dispute_answer = self.dispute_answer(&mut section);
        let soon_score = section.integer("soon_score", 1..=10_000);
        let mut names = BTreeSet::new();
        let mut commitments = Vec::new();
        for commitment in section.sections("commitments") {
            commitments.extend(self.commitment(commitment, &mut names));
        }
        section.finish();
        Some(Marketing { manager: manager?.value, calendar, dispute_answer, soon_score, commitments })
    }

    /// `dispute_answer`, and `[[marketing.dispute_levels]]`: whom to tell while the answer is owed.
    fn dispute_answer(&mut self, marketing: &mut Section<'_>) -> Option<Promise> {
        const KIND: PromiseKind = PromiseKind::Dispute;
        let target = marketing.parsed("dispute_answer", fields::target).map(|target| target.value);
        let given = marketing.has("dispute_levels");
        if given && !marketing.has("dispute_answer") {
            marketing.refuse(
                "dispute_levels",
                "marketing disputes nothing, so no answer is owed",
                "write `dispute_answer = \"2 business days\"`, or delete these levels",
            );
        }
        let mut rungs = Rungs::default();
        let mut levels = Vec::new();
        for section in marketing.sections("dispute_levels") {
            let (source, span) = (section.source, section.span.clone());
            if let Some(level) = rungs.read(section, Some(KIND), target) {
                if level.tell.contains(&Role::Owner) {
                    source.refuse(
                        &span,
                        "whoever gave the lead back does not decide whether that was right",
                        "tell the `manager`, the `backup` or the `director`",
                    );
                }
                self.references.tell(&source, span, &level);
                levels.push(level);
            }
        }
        let levels = if given { levels } else { KIND.usual_levels() };
        Some(Promise { target: target?, levels })
    }

    fn commitment(&mut self, mut section: Section<'_>, names: &mut BTreeSet<String>) -> Option<Commitment> {
        section.require("name", "write what mails call it: `webinar-leads`");
        section.require("period", "write how long it is counted together: `week`, `month` or `quarter`");
        let name: Option<Located<String>> = section.parsed("name", fields::name);
        if let Some(name) = &name
            && !names.insert(name.value.clone())
        {
            let message = format!("commitment `{}` is there twice", name.value);
            section.refuse("name", message, "give each its own name");
        }
        let period = section.parsed("period", fields::period);
        let campaign = section.parsed("campaign", fields::name);
        let campaign = campaign.map(|name| self.references.refer(What::Campaign, &section.source, &name));
        let qualified = section.integer("qualified", 1..=1_000_000);
        let accepted = section.parsed("accepted", fields::share);
        let complete = complete(&mut section);
        let rejected = self.rejected(&mut section);
        if ["qualified", "accepted", "complete", "rejected"].iter().all(|key| !section.has(key)) {
            section.source.refuse(
                &section.span,
                "this commitment promises nothing",
                "write `qualified = 40`, `accepted = \"70%\"`, `complete = \"90%\"` or `rejected = { bad-data = \"5%\" }`",
            );
        }
        section.finish();
        Some(Commitment {
            name: name?.value,
            period: period?.value,
            campaign,
            qualified,
            accepted: accepted.map(|share| share.value),
            complete,
            rejected,
        })
    }

    /// `rejected = { bad-data = "5%" }`: at most so many are sent back for a reason.
    fn rejected(&mut self, section: &mut Section<'_>) -> Vec<(String, i64)> {
        let mut found = Vec::new();
        for (name, share) in section.texts("rejected") {
            let reason = self.references.refer(What::Reason, &section.source, &name);
            match fields::share(share.value) {
                Ok(share) => found.push((reason, share)),
                Err(refusal) => section.source.refuse(&share.span, refusal.message, refusal.hint),
            }
        }
        found
    }
}

/// Which fields a lead has to have, and how many leads have them.
fn complete(section: &mut Section<'_>) -> Option<Complete> {
    let percent = section.parsed("complete", fields::share);
    let required = section.list("required", lead_field);
    match (section.has("complete"), section.has("required")) {
        (true, false) => {
            section.refuse("complete", "complete is what?", "write `required = [\"company\", \"phone\"]`");
        }
        (false, true) => section.refuse(
            "required",
            "how many leads have these fields is not said",
            "write `complete = \"90%\"`, or delete the line",
        ),
        _ => {}
    }
    if section.has("required") && required.is_empty() {
        section.refuse("required", "no field is named", "write `required = [\"company\", \"phone\"]`");
    }
    let required = required.into_iter().map(|field| field.value).collect();
    Some(Complete { required, percent: percent?.value })
}

/// A field of a lead: one that every lead may have, or `fields.<name>` of the company's own.
fn lead_field(text: &str) -> Result<String, fields::Refusal> {
    if let Some(own) = text.strip_prefix("fields.").filter(|own| !own.trim().is_empty()) {
        return Ok(own.to_owned());
    }
    if FIELDS.contains(&text) {
        return Ok(text.to_owned());
    }
    let hint = match nearest(text, FIELDS) {
        Some(known) => format!("did you mean `{known}`?"),
        None => {
            format!("known are {}; one of your own is written `fields.Number of seats`", FIELDS.join(", "))
        }
    };
    Err(fields::Refusal::new(format!("`{text}` is no field of a lead"), hint))
}

/// What a campaign is expected to bring: `expected`, `qualifies`, `starts`, `ends`.
pub(super) fn volume(section: &mut Section<'_>) -> Option<Volume> {
    let expected = section.parsed("expected", fields::volume);
    let qualifies = section.parsed("qualifies", fields::share).map(|share| share.value);
    let starts = section.parsed("starts", fields::date);
    let ends = section.parsed("ends", fields::date);
    for key in ["qualifies", "starts", "ends"] {
        if section.has(key) && !section.has("expected") {
            let message = format!("`{key}` is for planning, and how many leads are expected is not said");
            section.refuse(key, message, "write `expected = \"120 per month\"`");
        }
    }
    if let (Some(starts), Some(ends)) = (&starts, &ends)
        && ends.value < starts.value
    {
        section.source.refuse(&ends.span, "it ends before it starts", "write a later day");
    }
    let (leads, per) = expected?.value;
    Some(Volume {
        leads,
        per,
        qualifies,
        starts: starts.map(|date| date.value),
        ends: ends.map(|date| date.value),
    })
}
