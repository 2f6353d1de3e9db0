//! A scenario: leads that come in and things that happen, each at its time, as a person writes it down.
//!
//! ```toml
//! start = "2026-03-02T08:00:00+01:00"
//! end = "2026-05-01T00:00:00+02:00"
//! playbook = "templates"                # optional; the one in force otherwise
//!
//! [[lead]]
//! at = "2026-03-02T09:12:00+01:00"
//! email = "jane@acme.example"
//! first_name = "Jane"
//! country = "DE"
//!
//! [[event]]
//! at = "2026-03-10T16:00:00+01:00"
//! kind = "out_of_office"
//! lead = "jane@acme.example"
//! until = "2026-03-16"                  # her first day back
//! occurred_at = "2026-03-10T15:40:00+01:00"  # optional: when it happened, if it is told later
//!
//! [[event]]
//! at = "2026-03-11T09:00:00+01:00"
//! kind = "edited"                       # the playbook: what stands there is replaced, and in force from then on
//! file = "agreement.toml"
//! old = 'first_contact = "1 business hour"'
//! new = 'first_contact = "2 business hours"'
//!
//! [[standstill]]                        # the daemon is down; what people say is kept
//! from = "2026-03-12T18:00:00+01:00"
//! until = "2026-03-13T09:00:00+01:00"
//! ```

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use toml::{Spanned, Table, Value};

use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Happening, Outcome};
use crate::domain::intake::{Owners, RawLead, Warning, WarningKind, normalise};
use crate::domain::lead::{Activity, LeadRecord};
use crate::domain::recycle::Verdict;
use crate::engine::recycle::Recycling;
use crate::engine::sla::reapply::Which;
use crate::problem::{Problem, Problems, nearest};

/// A checked scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its first instant.
    pub start: Timestamp,
    /// Its last.
    pub end: Timestamp,
    /// The playbook's folder, as written.
    pub playbook: Option<PathBuf>,
    /// When the daemon is down, from and until.
    pub standstills: Vec<(Timestamp, Timestamp)>,
    /// What comes in, in order of time; at one instant in the order of the file, leads first.
    pub inputs: Vec<Input>,
}

/// Something that comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What comes in.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A lead.
    Lead(Box<LeadRecord>),
    /// Something happened to one.
    Event {
        /// To which.
        lead: EmailAddress,
        /// Who says so.
        by: Option<EmailAddress>,
        /// When it happened, if that was before we are told.
        occurred_at: Option<Timestamp>,
        /// In which words.
        words: Option<String>,
        /// What.
        happening: Happening,
    },
    /// Something is said about one that was given back.
    Recycling {
        /// About which.
        lead: EmailAddress,
        /// By whom.
        by: Option<EmailAddress>,
        /// In which words.
        words: Option<String>,
        /// What.
        what: Recycling,
    },
    /// The playbook is edited, and in force from then on.
    Edited {
        /// Which of its files.
        file: String,
        /// What is replaced, wherever it stands.
        old: String,
        /// By what.
        new: String,
    },
    /// Promises that run are put on the agreement in force, as `nurtured sla reapply` does.
    Reapply(Which),
    /// A rep is away.
    RepAway {
        /// Who.
        rep: EmailAddress,
        /// Their first day back; `None`: they are back.
        back: Option<Date>,
    },
}

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

/// The kinds of `[[event]]`, each with its own keys: those in brackets may be left out.
const EVENT_KINDS: [(&str, &[&str]); 33] = [
    ("activity", &["name"]),
    ("replied", &[]),
    ("out_of_office", &["until", "do_not_call"]),
    ("away", &["until", "do_not_call"]),
    ("bounced", &["permanent"]),
    ("complained", &[]),
    ("unsubscribed", &[]),
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

impl Scenario {
    /// The first instant from `at` on at which the daemon is up.
    pub fn up_at(&self, mut at: Timestamp) -> Timestamp {
        while let Some((_, until)) =
            self.standstills.iter().find(|(from, until)| (*from..*until).contains(&at))
        {
            at = *until;
        }
        at
    }

    /// The folder of the playbook that a scenario names, if it can be read that far.
    pub fn playbook_of(text: &str) -> Option<PathBuf> {
        let table: Table = toml::from_str(text).ok()?;
        table.get("playbook").and_then(Value::as_str).map(PathBuf::from)
    }

    /// Reads and checks the scenario in `text`; `file` is its name in messages.
    ///
    /// # Errors
    /// Every problem in it, with its place.
    pub fn parse(file: &str, text: &str, owners: &Owners) -> Result<Scenario, Problems> {
        let mut problems = Problems::new();
        problems.source(file, text);
        let raw: Raw = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                problems.push(Problem::at(file, span, error.message().to_owned()));
                return Err(problems);
            }
        };
        let mut reader = Reader { file, problems, owners };
        let start = reader.instant("start", raw.start.span(), raw.start.get_ref());
        let end = reader.instant("end", raw.end.span(), raw.end.get_ref());
        let mut inputs = Vec::new();
        for lead in &raw.lead {
            inputs.extend(reader.lead(lead));
        }
        for event in &raw.event {
            inputs.extend(reader.event(event));
        }
        let standstills =
            raw.standstill.iter().filter_map(|standstill| reader.standstill(standstill)).collect();
        let mut problems = reader.problems;
        if let (Some(start), Some(end)) = (start, end) {
            if end <= start {
                problems.push(Problem::at(file, raw.end.span(), "`end` is not after `start`"));
            }
            for (input, span) in &inputs {
                if !(start..=end).contains(&input.at) {
                    let problem =
                        Problem::at(file, span.clone(), format!("{} is outside of the scenario", input.at));
                    problems.push(problem.hint("move it between `start` and `end`"));
                }
            }
            if problems.is_empty() {
                let mut inputs: Vec<Input> = inputs.into_iter().map(|(input, _)| input).collect();
                inputs.sort_by_key(|input| input.at);
                let playbook = raw.playbook.map(PathBuf::from);
                return Ok(Scenario { start, end, playbook, standstills, inputs });
            }
        }
        Err(problems)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    start: Spanned<Value>,
    end: Spanned<Value>,
    playbook: Option<String>,
    #[serde(default)]
    lead: Vec<Spanned<Table>>,
    #[serde(default)]
    event: Vec<Spanned<Table>>,
    #[serde(default)]
    standstill: Vec<Spanned<Table>>,
}

type Span = std::ops::Range<usize>;

struct Reader<'a> {
    file: &'a str,
    problems: Problems,
    owners: &'a Owners,
}

impl Reader<'_> {
    fn refuse(&mut self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::at(self.file, span.clone(), message).hint(hint));
    }

    fn instant(&mut self, key: &str, span: Span, value: &Value) -> Option<Timestamp> {
        let parsed = text_of(value).and_then(|text| text.parse().ok());
        if parsed.is_none() {
            let message = format!("`{key}` is no instant");
            self.refuse(&span, message, "write RFC 3339 with an offset: \"2026-03-02T09:00:00+01:00\"");
        }
        parsed
    }

    fn keys(&mut self, table: &Table, span: &Span, allowed: &[&str]) {
        for key in table.keys().filter(|key| !allowed.contains(&key.as_str())) {
            let hint = match nearest(key, allowed.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has: {}", allowed.join(", ")),
            };
            self.refuse(span, format!("unknown key `{key}`"), hint);
        }
    }

    fn at(&mut self, table: &Table, span: &Span) -> Option<Timestamp> {
        match table.get("at") {
            Some(at) => self.instant("at", span.clone(), at),
            None => {
                self.refuse(
                    span,
                    "it says not when: `at` is missing",
                    "write at = \"2026-03-02T09:00:00+01:00\"",
                );
                None
            }
        }
    }

    fn standstill(&mut self, spanned: &Spanned<Table>) -> Option<(Timestamp, Timestamp)> {
        let (table, span) = (spanned.get_ref(), spanned.span());
        self.keys(table, &span, &["from", "until"]);
        let mut instant = |key: &str| match table.get(key) {
            Some(at) => self.instant(key, span.clone(), at),
            None => {
                let hint = "write from = \"2026-03-02T09:00:00+01:00\" and until = \"…\"";
                self.refuse(
                    &span,
                    format!("it says not since when and until when: `{key}` is missing"),
                    hint,
                );
                None
            }
        };
        let (from, until) = (instant("from")?, instant("until")?);
        if until <= from {
            self.refuse(&span, "`until` is not after `from`", "write the earlier instant first");
            return None;
        }
        Some((from, until))
    }

    fn lead(&mut self, spanned: &Spanned<Table>) -> Option<(Input, Span)> {
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

    fn event(&mut self, spanned: &Spanned<Table>) -> Option<(Input, Span)> {
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
            "bounced" => Happening::Bounced { permanent: self.flag(table, span, "permanent", true)? },
            "complained" => Happening::Complained,
            "unsubscribed" => Happening::Unsubscribed,
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

    fn text(&mut self, table: &Table, span: &Span, key: &str) -> Option<String> {
        let text = table.get(key).and_then(text_of);
        if text.is_none() {
            self.refuse(span, format!("`{key}` is missing"), format!("write {key} = \"…\""));
        }
        text
    }

    fn flag(&mut self, table: &Table, span: &Span, key: &str, default: bool) -> Option<bool> {
        let Some(value) = table.get(key) else {
            return Some(default);
        };
        if value.as_bool().is_none() {
            self.refuse(span, format!("`{key}` is neither true nor false"), format!("write {key} = true"));
        }
        value.as_bool()
    }

    fn address(&mut self, table: &Table, span: &Span, key: &str) -> Option<EmailAddress> {
        let text = self.text(table, span, key)?;
        match text.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                self.refuse(span, format!("`{key}` is no email address"), "write jane@acme.example");
                None
            }
        }
    }

    /// A date, or an instant of which the date counts; nothing when the key is missing.
    fn date(&mut self, table: &Table, span: &Span, key: &str) -> Option<Option<Date>> {
        let Some(text) = table.get(key).and_then(text_of) else {
            return Some(None);
        };
        match text.get(..10).unwrap_or(&text).parse() {
            Ok(date) => Some(Some(date)),
            Err(_) => {
                self.refuse(span, format!("`{key}` is no date"), "write 2026-03-16");
                None
            }
        }
    }

    /// One of a closed set; words may be apart by `_`, `-` or a space.
    fn name<T: Copy>(
        &mut self,
        table: &Table,
        span: &Span,
        key: &str,
        default: T,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let Some(text) = table.get(key).and_then(text_of) else {
            return Some(default);
        };
        let wanted = text.replace(['-', ' '], "_");
        let found = all.iter().copied().find(|value| name(*value) == wanted);
        if found.is_none() {
            let known: Vec<&str> = all.iter().map(|value| name(*value)).collect();
            self.refuse(span, format!("`{text}` is no {key}"), format!("there are: {}", known.join(", ")));
        }
        found
    }
}

/// A scalar as text; absent for tables and lists.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Datetime(at) => Some(at.to_string()),
        Value::Array(_) | Value::Table(_) => None,
    }
}

fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let table = value.and_then(Value::as_table);
    table.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), text_of(value)?))).collect()
}

fn names(value: Option<&Value>) -> impl Iterator<Item = String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(text_of)
}
