//! `[[lead]]`: a lead that comes in, with the fields that forms and exports give.

use toml::{Spanned, Table};

use super::reader::{Reader, Span, names, pairs, text_of};
use super::{Input, What};
use crate::domain::intake::{RawLead, Warning, WarningKind, normalise};
use crate::domain::lead::Activity;

/// Keys of a `[[lead]]` beside `at`, which are the fields of a lead as forms and exports give them.
const LEAD_KEYS: [&str; 35] = [
    "email",
    "first_name",
    "last_name",
    "full_name",
    "company",
    "title",
    "phone",
    "country",
    "zone",
    "language",
    "campaign",
    "score",
    "created_at",
    "touched_at",
    "source",
    "medium",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "term",
    "content",
    "ad",
    "landing_page",
    "referrer",
    "owner",
    "status",
    "reason",
    "last_activity_at",
    "opted_out_of_email",
    "do_not_call",
    "answers",
    "activities",
    "fields",
];

impl Reader<'_> {
    pub fn lead(&mut self, spanned: &Spanned<Table>) -> Option<(Input, Span)> {
        let (table, span) = (spanned.get_ref(), spanned.span());
        let mut allowed = LEAD_KEYS.to_vec();
        allowed.push("at");
        self.keys(table, &span, &allowed);
        let at = self.at(table, &span)?;
        let get = |key: &str| table.get(key).and_then(text_of);
        let raw = RawLead {
            email: get("email"),
            first_name: get("first_name"),
            last_name: get("last_name"),
            full_name: get("full_name"),
            company: get("company"),
            title: get("title"),
            phone: get("phone"),
            country: get("country"),
            zone: get("zone"),
            language: get("language"),
            campaign: get("campaign"),
            score: get("score"),
            created_at: get("created_at"),
            touched_at: get("touched_at"),
            source: get("source").or_else(|| get("utm_source")),
            medium: get("medium").or_else(|| get("utm_medium")),
            utm_campaign: get("utm_campaign"),
            term: get("term").or_else(|| get("utm_term")),
            content: get("content").or_else(|| get("utm_content")),
            ad: get("ad"),
            landing_page: get("landing_page"),
            referrer: get("referrer"),
            owner: get("owner"),
            status: get("status"),
            reason: get("reason"),
            last_activity_at: get("last_activity_at"),
            opted_out_of_email: get("opted_out_of_email"),
            do_not_call: get("do_not_call"),
            answers: pairs(table.get("answers")),
            fields: pairs(table.get("fields")),
            ..RawLead::default()
        };
        match normalise(raw, self.owners, at) {
            Ok((mut record, warnings)) => {
                // A phone number that cannot be dialled is kept as it is; a wrong zone would bend every hour.
                let bends =
                    |warning: &Warning| matches!(warning.kind, WarningKind::Zone | WarningKind::Country);
                for warning in warnings.into_iter().filter(bends) {
                    self.refuse(
                        &span,
                        format!("`{}`: {}", warning.field, warning),
                        "write it as a form would",
                    );
                }
                record.touch.occurred_at = record.touch.occurred_at.or(Some(at));
                record
                    .activities
                    .extend(names(table.get("activities")).map(|name| Activity { name, occurred_at: at }));
                Some((Input { at, what: What::Lead(Box::new(record)) }, span))
            }
            Err(rejection) => {
                self.refuse(
                    &span,
                    rejection.to_string(),
                    "a lead needs an address: email = \"jane@acme.example\"",
                );
                None
            }
        }
    }
}
