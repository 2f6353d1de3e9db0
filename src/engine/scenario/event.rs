//! `[[event]]`: something that happens, by its kind.

use toml::{Spanned, Table, Value};

use super::reader::{Reader, Span, pairs, text_of};
use super::{Input, What};
use crate::domain::contact::Channel;
use crate::domain::happening::{Bounce, Happening, Outcome};
use crate::domain::recycle::Verdict;
use crate::engine::recycle::Recycling;
use crate::engine::sla::reapply::Which;
use crate::problem::nearest;

/// The kinds of `[[event]]`, each with its own keys: those in brackets may be left out.
const EVENT_KINDS: [(&str, &[&str]); 34] = [
    ("activity", &["name"]),
    ("replied", &[]),
    ("out_of_office", &["until", "do_not_call"]),
    ("away", &["until", "do_not_call"]),
    ("bounced", &["permanent"]),
    ("complained", &[]),
    ("unsubscribed", &[]),
    ("left_company", &[]),
    ("accepted", &[]),
    ("rejected", &["reason", "of"]),
    ("attempt", &["channel", "outcome"]),
    ("contacted", &[]),
    ("opportunity", &[]),
    ("won", &[]),
    ("lost", &["reason"]),
    ("follow_up", &["on"]),
    ("rep_away", &["rep", "until"]),
    ("meeting", &[]),
    ("wrong_person", &[]),
    ("already_customer", &[]),
    ("already_talking", &[]),
    ("feedback", &["objection", "argument"]),
    ("reassigned", &["to"]),
    ("reclaimed", &[]),
    ("taken", &[]),
    ("extended", &[]),
    ("recycled", &["reason"]),
    ("corrected", &["values"]),
    ("replaced", &["new"]),
    ("given_up", &[]),
    ("disputed", &[]),
    ("dispute_answered", &["verdict", "to"]),
    ("edited", &["file", "old", "new"]),
    ("reapply", &["campaign"]),
];

impl Reader<'_> {
    pub fn event(&mut self, spanned: &Spanned<Table>) -> Option<(Input, Span)> {
        let (table, span) = (spanned.get_ref(), spanned.span());
        let kinds = EVENT_KINDS.iter().map(|(kind, _)| *kind);
        let kind = table.get("kind").and_then(Value::as_str).unwrap_or_default();
        let Some((kind, own)) = EVENT_KINDS.iter().find(|(known, _)| *known == kind) else {
            let hint = match nearest(kind, kinds.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", kinds.collect::<Vec<_>>().join(", ")),
            };
            self.refuse(&span, format!("`{kind}` is no kind of event"), hint);
            return None;
        };
        let mut allowed = vec!["at", "kind", "by", "lead", "occurred_at", "note"];
        allowed.extend(*own);
        self.keys(table, &span, &allowed);
        let at = self.at(table, &span)?;
        let what = if let Some(what) = self.without_a_lead(kind, table, &span)? {
            what
        } else {
            let lead = self.address(table, &span, "lead")?;
            let occurred_at = match table.get("occurred_at") {
                Some(at) => Some(self.instant("occurred_at", span.clone(), at)?),
                None => None,
            };
            let by = if table.contains_key("by") { Some(self.address(table, &span, "by")?) } else { None };
            let words = table.get("note").and_then(text_of);
            match self.recycling(kind, table, &span)? {
                Some(what) => What::Recycling { lead, by, words, what },
                None => {
                    let happening = self.happening(kind, table, &span)?;
                    What::Event { lead, by, occurred_at, words, happening }
                }
            }
        };
        Some((Input { at, what }, span))
    }

    /// What is about no one lead; `Some(None)` when the event is of another kind.
    fn without_a_lead(&mut self, kind: &str, table: &Table, span: &Span) -> Option<Option<What>> {
        Some(Some(match kind {
            "rep_away" => What::RepAway {
                rep: self.address(table, span, "rep")?,
                back: self.date(table, span, "until")?,
            },
            "edited" => What::Edited {
                file: self.text(table, span, "file")?,
                old: self.text(table, span, "old")?,
                new: self.text(table, span, "new")?,
            },
            "reapply" => What::Reapply(Which {
                campaign: table.get("campaign").and_then(text_of),
                lead: if table.contains_key("lead") {
                    Some(self.address(table, span, "lead")?)
                } else {
                    None
                },
            }),
            _ => return Some(None),
        }))
    }

    /// What is said about a lead that was given back; `Some(None)` when the event is of another kind.
    fn recycling(&mut self, kind: &str, table: &Table, span: &Span) -> Option<Option<Recycling>> {
        Some(Some(match kind {
            "rejected" if table.contains_key("of") => Recycling::Merge {
                of: self.address(table, span, "of")?,
                reason: self.text(table, span, "reason")?,
            },
            "corrected" => {
                let values = pairs(table.get("values"));
                if values.is_empty() {
                    self.refuse(span, "`values` is missing", "write values = { phone = \"+49 30 901820\" }");
                    return None;
                }
                Recycling::Correct { values }
            }
            "replaced" => {
                Recycling::Replace { new: self.address(table, span, "new")?, known: Box::default() }
            }
            "given_up" => Recycling::GiveUp,
            "disputed" => Recycling::Dispute,
            "dispute_answered" => Recycling::Answer {
                verdict: self.name(
                    table,
                    span,
                    "verdict",
                    Verdict::Upheld,
                    &[Verdict::Upheld, Verdict::Overturned],
                    Verdict::name,
                )?,
                to: match table.contains_key("to") {
                    true => Some(self.address(table, span, "to")?),
                    false => None,
                },
            },
            _ => return Some(None),
        }))
    }

    fn happening(&mut self, kind: &str, table: &Table, span: &Span) -> Option<Happening> {
        Some(match kind {
            "activity" => Happening::Activity { name: self.text(table, span, "name")? },
            "replied" => Happening::Replied,
            "out_of_office" | "away" => Happening::Away {
                until: self.date(table, span, "until")?,
                do_not_call: self.flag(table, span, "do_not_call", false)?,
            },
            "bounced" if self.flag(table, span, "permanent", true)? => Happening::Bounced(Bounce::Permanent),
            "bounced" => Happening::Bounced(Bounce::Strike),
            "complained" => Happening::Complained,
            "unsubscribed" => Happening::Unsubscribed,
            "left_company" => Happening::LeftCompany,
            "accepted" => Happening::Accepted,
            "rejected" => Happening::Rejected { reason: self.text(table, span, "reason")? },
            "attempt" => Happening::Attempt {
                channel: self.name(table, span, "channel", Channel::Phone, Channel::ALL, Channel::name)?,
                outcome: self.name(table, span, "outcome", Outcome::NoAnswer, Outcome::ALL, Outcome::name)?,
            },
            "contacted" => Happening::Contacted,
            "opportunity" => Happening::Opportunity,
            "won" => Happening::Won,
            "lost" => Happening::Lost { reason: self.text(table, span, "reason")? },
            "follow_up" => match self.date(table, span, "on")? {
                Some(on) => Happening::FollowUp { on },
                None => {
                    self.refuse(span, "`on` is missing", "write on = \"2026-03-16\"");
                    return None;
                }
            },
            "meeting" => Happening::Meeting,
            "wrong_person" => Happening::WrongPerson,
            "already_customer" => Happening::AlreadyCustomer,
            "already_talking" => Happening::AlreadyTalking,
            "feedback" => Happening::Feedback {
                objection: table.get("objection").and_then(text_of),
                argument: table.get("argument").and_then(text_of),
            },
            "reassigned" => Happening::Reassigned { to: self.address(table, span, "to")? },
            "reclaimed" => Happening::Reclaimed,
            "taken" => Happening::Taken,
            "extended" => Happening::Extended,
            "recycled" => Happening::Recycled { reason: self.text(table, span, "reason")? },
            _ => return None,
        })
    }
}
