//! What happened to a lead: what it did, and what its rep says.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Site;
use super::leads::{LeadView, OfLead, pass_failed, unknown};
use super::operation::{Answer, Asked, Operation, Words, operation};
use super::problem::{Kind, Problem};
use super::wire::{Line, Note, Nothing, Speaker, WireChannel, WireOutcome};
use crate::domain::access::Scope;
use crate::domain::happening::{Happening, Refusal};
use crate::engine::happen::{HappenError, Said, Via};

pub fn operations() -> Vec<Operation> {
    vec![
        operation(
            Words {
                method: "POST",
                path: "/leads/{email}/activities",
                scope: Scope::LeadsWrite,
                id: "didSomething",
                summary: "It did something: opened a page, came to a webinar, wrote back",
                description: "Scoring knows it by its name. One that asks to be contacted is heard at once.",
                answers: &[(200, "The lead as it is now")],
                problems: &[Kind::UnknownLead, Kind::Refused],
            },
            did,
        ),
        operation(
            Words {
                method: "POST",
                path: "/leads/{email}/dispositions",
                scope: Scope::LeadsWrite,
                id: "repSays",
                summary: "What its rep says (accepted, called, rejected, won, away …), or its manager decides",
                description: "`by` is who says it; a rep who does not have the lead is refused, and so is one who decides \
                              what is a manager's to decide. Saying the same thing twice changes nothing the second \
                              time. Reasons, objections and arguments are the agreement's.",
                answers: &[(200, "The lead as it is now")],
                problems: &[Kind::UnknownLead, Kind::Refused],
            },
            said,
        ),
    ]
}

/// What a lead did.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Did {
    /// As scoring rules call it: `pricing_page`. Letters, digits and `_`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,63}$"))]
    name: String,
    /// In words, for the history.
    note: Option<Note>,
}

async fn did(site: Site, asked: Asked<OfLead, Nothing, Did>) -> Result<Answer<LeadView>, Problem> {
    let Did { name, note } = asked.body;
    let mut letters = name.bytes();
    let good = letters.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.len() <= 64;
    if !good {
        return Err(Problem::invalid("name", "write a name like `pricing_page`: small letters, digits, `_`"));
    }
    let said = Said { words: note.map(Note::text), via: Via::Api, ..Said::default() };
    happened(&site, asked.path, Happening::Activity { name }, said).await
}

/// What a rep says of a lead.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Disposition {
    /// The rep takes it.
    Accepted {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// The rep tried to reach it.
    Attempt {
        by: Speaker,
        /// How.
        channel: WireChannel,
        /// With what result.
        outcome: WireOutcome,
        /// In words.
        note: Option<Note>,
    },
    /// The rep and it were in touch.
    Contacted {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// There is a deal to win.
    Opportunity {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// It is a customer.
    Won {
        by: Speaker,
        /// In words: what convinced.
        note: Option<Note>,
    },
    /// The deal is lost.
    Lost {
        by: Speaker,
        /// Why, by the agreement's name.
        reason: Line,
        /// In words.
        note: Option<Note>,
    },
    /// Sales gives it back.
    Rejected {
        by: Speaker,
        /// Why, by the agreement's name.
        reason: Line,
        /// In words.
        note: Option<Note>,
    },
    /// It asked to hear from us on a day.
    FollowUp {
        by: Speaker,
        /// The day, in the lead's zone; at most two years ahead.
        on: Date,
        /// In words.
        note: Option<Note>,
    },
    /// It is away.
    OutOfOffice {
        by: Speaker,
        /// Its first day back; without it, a week is taken.
        until: Option<Date>,
        /// It asked not to be called meanwhile.
        #[serde(default)]
        do_not_call: bool,
        /// In words.
        note: Option<Note>,
    },
    /// It wrote back, to the rep's own mailbox.
    Replied {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// It told the rep that it wants no more marketing mail.
    Unsubscribed {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// The rep and it met.
    Meeting {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// The right company, but not the person to talk to.
    WrongPerson {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// It buys from us already.
    AlreadyCustomer {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// The rep was in touch with it before it was handed over.
    AlreadyTalking {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// What was learned from it.
    Feedback {
        by: Speaker,
        /// What speaks against buying, by the agreement's name.
        objection: Option<Line>,
        /// What convinced it, by the agreement's name.
        argument: Option<Line>,
        /// In words.
        note: Option<Note>,
    },
    /// Its manager gives it to somebody else.
    Reassigned {
        by: Speaker,
        /// A rep, or whoever answers for a team.
        to: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// Its manager takes it.
    Taken {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// Its manager gives its rep the full time once more, from now on.
    Extended {
        by: Speaker,
        /// In words.
        note: Option<Note>,
    },
    /// Its manager gives it back.
    Recycled {
        by: Speaker,
        /// Why, by the agreement's name.
        reason: Line,
        /// In words.
        note: Option<Note>,
    },
}

impl Disposition {
    fn into_parts(self) -> (Happening, Speaker, Option<Note>) {
        match self {
            Disposition::Accepted { by, note } => (Happening::Accepted, by, note),
            Disposition::Attempt { by, channel, outcome, note } => {
                (Happening::Attempt { channel: channel.0, outcome: outcome.0 }, by, note)
            }
            Disposition::Contacted { by, note } => (Happening::Contacted, by, note),
            Disposition::Opportunity { by, note } => (Happening::Opportunity, by, note),
            Disposition::Won { by, note } => (Happening::Won, by, note),
            Disposition::Lost { by, reason, note } => (Happening::Lost { reason: reason.text() }, by, note),
            Disposition::Rejected { by, reason, note } => {
                (Happening::Rejected { reason: reason.text() }, by, note)
            }
            Disposition::FollowUp { by, on, note } => (Happening::FollowUp { on }, by, note),
            Disposition::OutOfOffice { by, until, do_not_call, note } => {
                (Happening::Away { until, do_not_call }, by, note)
            }
            Disposition::Replied { by, note } => (Happening::Replied, by, note),
            Disposition::Unsubscribed { by, note } => (Happening::Unsubscribed, by, note),
            Disposition::Meeting { by, note } => (Happening::Meeting, by, note),
            Disposition::WrongPerson { by, note } => (Happening::WrongPerson, by, note),
            Disposition::AlreadyCustomer { by, note } => (Happening::AlreadyCustomer, by, note),
            Disposition::AlreadyTalking { by, note } => (Happening::AlreadyTalking, by, note),
            Disposition::Feedback { by, objection, argument, note } => {
                let (objection, argument) = (objection.map(Line::text), argument.map(Line::text));
                (Happening::Feedback { objection, argument }, by, note)
            }
            Disposition::Reassigned { by, to, note } => (Happening::Reassigned { to: to.0 }, by, note),
            Disposition::Taken { by, note } => (Happening::Taken, by, note),
            Disposition::Extended { by, note } => (Happening::Extended, by, note),
            Disposition::Recycled { by, reason, note } => {
                (Happening::Recycled { reason: reason.text() }, by, note)
            }
        }
    }
}

async fn said(site: Site, asked: Asked<OfLead, Nothing, Disposition>) -> Result<Answer<LeadView>, Problem> {
    let (happening, by, note) = asked.body.into_parts();
    if !may_speak(&site, &by) {
        let detail = format!("{} is neither a rep nor a manager of the agreement", by.0);
        return Err(Problem::invalid("by", detail));
    }
    let said = Said { by: Some(by.0), words: note.map(Note::text), via: Via::Api, ..Said::default() };
    happened(&site, asked.path, happening, said).await
}

/// Whether the agreement names somebody who works leads or answers for those who do.
fn may_speak(site: &Site, by: &Speaker) -> bool {
    let rules = site.engine.rules();
    rules.agreement.rep(&by.0).is_some() || rules.agreement.answers_for_team(&by.0)
}

async fn happened(
    site: &Site,
    lead: OfLead,
    happening: Happening,
    said: Said,
) -> Result<Answer<LeadView>, Problem> {
    let email = lead.email.0;
    match site.engine.happened(&email, &happening, &said, site.now()).await {
        Ok(lead) => Ok(Answer(200, LeadView::of(&lead))),
        Err(HappenError::UnknownLead(_)) => Err(unknown()),
        Err(HappenError::Refused(refusal)) => Err(refused(&refusal)),
        Err(error @ HappenError::UnknownRep { .. }) => Err(Problem::invalid("by", error.to_string())),
        Err(HappenError::Failed(error)) => Err(pass_failed(&error)),
    }
}

/// What makes no sense is a value; what cannot be so now is the state of the lead.
fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::UnknownReason { .. } => Problem::invalid("reason", refusal.to_string()),
        Refusal::UnknownFeedback { what, .. } => Problem::invalid(*what, refusal.to_string()),
        Refusal::UnknownRep { .. } => Problem::invalid("to", refusal.to_string()),
        Refusal::Date { .. } => Problem::invalid("date", refusal.to_string()),
        _ => Problem::new(Kind::Refused, refusal.to_string()),
    }
}
