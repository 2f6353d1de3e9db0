//! What can happen to a lead, and what follows from it.
//!
//! Whoever tells us (a rep's command, a click, a mail that came back, a scenario) says it as a
//! [`Happening`]; [`consequences`] decides what it means for this lead under this agreement. Saying the
//! same thing twice changes nothing the second time.

mod by_lead;
mod by_manager;
mod given_back;
mod refusal;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::agreement::Agreement;
use super::calendar::Calendar;
use super::contact::{Channel, SuppressionReason};
use super::email::EmailAddress;
use super::lead::{Lead, Stage};
use super::names::names;
use super::recycle::NextRep;
use crate::problem::nearest;
use by_lead::{away, bounced, follow_up, left_company, replied};
use by_manager::{extended, goes_to, recycled};
pub use given_back::double;
use given_back::{already_customer, lost, rejected, wrong_person};
pub use refusal::Refusal;

/// An out-of-office reply without a date is taken to mean this many days, as sales tools do (7 to 14).
pub const ABSENCE_WITHOUT_DATE_DAYS: i64 = 7;
/// When that was too short, this many.
pub const LONGER_ABSENCE_DAYS: i64 = 14;
/// Nobody means a follow-up or a return further ahead than this; a later date is a slip of the pen.
pub const FURTHEST_DATE_DAYS: i64 = 730;

names! {
    /// What came of an attempt to reach a lead.
    Outcome, "outcome" {
        /// They spoke.
        Reached = "reached",
        /// Nobody answered.
        NoAnswer = "no_answer",
        /// A message was left.
        LeftMessage = "left_message",
        /// It is somebody else's number.
        WrongNumber = "wrong_number",
        /// A mail was written.
        Sent = "sent",
    }
}

/// What it says of an address that a mail to it came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounce {
    /// The address does not exist.
    Permanent,
    /// Not now. An address at which that happens again and again is dead in the end.
    Strike,
    /// Not now, and the address is alive: its mailbox is full.
    Full,
}

impl Bounce {
    /// Whether the address does not exist.
    pub fn is_permanent(self) -> bool {
        self == Bounce::Permanent
    }
}

/// Something that happened to a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It did something: opened a page, came to a webinar.
    Activity {
        /// Its name, as scoring rules call it.
        name: String,
    },
    /// It wrote back.
    Replied,
    /// It, or its rep on its behalf, said that it is away.
    Away {
        /// Its first day back; `None`: it did not say.
        until: Option<Date>,
        /// It asked not to be called meanwhile.
        do_not_call: bool,
    },
    /// A mail to it came back.
    Bounced(Bounce),
    /// It called our mail spam.
    Complained,
    /// It wants no more marketing mail.
    Unsubscribed,
    /// Its mailbox says that it does not work there any more.
    LeftCompany,
    /// Its rep takes it.
    Accepted,
    /// Its rep tried to reach it.
    Attempt {
        /// How.
        channel: Channel,
        /// With what result.
        outcome: Outcome,
    },
    /// Its rep and it were in touch.
    Contacted,
    /// There is a deal to win.
    Opportunity,
    /// It is a customer.
    Won,
    /// The deal is lost.
    Lost {
        /// Why, by the agreement's name.
        reason: String,
    },
    /// Sales gives it back.
    Rejected {
        /// Why, by the agreement's name.
        reason: String,
    },
    /// It asked to hear from us on that day.
    FollowUp {
        /// Its local date.
        on: Date,
    },
    /// Its rep and it met.
    Meeting,
    /// The right company, but not the person to talk to.
    WrongPerson,
    /// It buys from us already.
    AlreadyCustomer,
    /// Its rep was in touch with it before we handed it over.
    AlreadyTalking,
    /// What was learned from it, by the agreement's names; the words stand beside.
    Feedback {
        /// What speaks against buying.
        objection: Option<String>,
        /// What convinced it.
        argument: Option<String>,
    },
    /// Its manager gives it to another rep.
    Reassigned {
        /// To whom.
        to: EmailAddress,
    },
    /// The rep from whom a level took it says that it is still theirs.
    Reclaimed,
    /// Its manager takes it.
    Taken,
    /// Its manager gives its rep the full time once more, counted from now.
    Extended,
    /// Its manager gives it back.
    Recycled {
        /// Why, by the agreement's name.
        reason: String,
    },
}

impl Happening {
    /// The name in the event log and in scenarios.
    pub fn kind(&self) -> &'static str {
        match self {
            Happening::Activity { .. } => "activity",
            Happening::Replied => "replied",
            Happening::Away { .. } => "out_of_office",
            Happening::Bounced { .. } => "bounced",
            Happening::Complained => "complained",
            Happening::Unsubscribed => "unsubscribed",
            Happening::LeftCompany => "left_company",
            Happening::Accepted => "accepted",
            Happening::Attempt { .. } => "attempt",
            Happening::Contacted => "contacted",
            Happening::Opportunity => "opportunity",
            Happening::Won => "won",
            Happening::Lost { .. } => "lost",
            Happening::Rejected { .. } => "rejected",
            Happening::FollowUp { .. } => "follow_up",
            Happening::Meeting => "meeting",
            Happening::WrongPerson => "wrong_person",
            Happening::AlreadyCustomer => "already_customer",
            Happening::AlreadyTalking => "already_talking",
            Happening::Feedback { .. } => "feedback",
            Happening::Reassigned { .. } => "reassigned",
            Happening::Reclaimed => "reclaimed",
            Happening::Taken => "taken",
            Happening::Extended => "extended",
            Happening::Recycled { .. } => "recycled",
        }
    }

    /// Whether only the lead's rep may say it.
    pub fn is_disposition(&self) -> bool {
        matches!(
            self,
            Happening::Accepted
                | Happening::Attempt { .. }
                | Happening::Contacted
                | Happening::Opportunity
                | Happening::Won
                | Happening::Lost { .. }
                | Happening::Rejected { .. }
                | Happening::Meeting
                | Happening::WrongPerson
                | Happening::AlreadyCustomer
                | Happening::AlreadyTalking
                | Happening::Feedback { .. }
        )
    }

    /// Whether it is for the team's manager, director or backup to say, and for no rep.
    pub fn is_for_managers(&self) -> bool {
        matches!(
            self,
            Happening::Reassigned { .. }
                | Happening::Taken
                | Happening::Extended
                | Happening::Recycled { .. }
        )
    }
}

/// What follows from a happening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consequences {
    /// The stages it goes through now, each with the reason.
    pub stages: Vec<(Stage, String)>,
    /// Its sequence ends, for this reason.
    pub sequence_ends: Option<&'static str>,
    /// It must not be contacted any more.
    pub suppress: Vec<SuppressionReason>,
    /// What becomes of the running promises.
    pub promises: Promises,
    /// The rep takes it.
    pub accepted: bool,
    /// The hand-off is over, for this reason.
    pub hand_off_ends: Option<String>,
    /// It goes to this person: the hand-off they get ends the one there is.
    pub goes_to: Option<EmailAddress>,
    /// It goes back to the rep from whom it was taken, and their promises go on.
    pub taken_back: bool,
    /// A human of ours turned to it.
    pub contact: Option<Channel>,
    /// What it said before of when it can be talked to, and is not so any more.
    pub over: Over,
    /// Its first day back begins then.
    pub away_until: Option<Timestamp>,
    /// It asked to hear from us then.
    pub follow_up_at: Option<Timestamp>,
    /// It rests.
    pub rest: Option<Rest>,
    /// Marketing has to look at it, for this reason.
    pub marketing_looks: Option<String>,
    /// It, its score and its readiness have to be looked at now.
    pub look_at: bool,
    /// Somebody has to know.
    pub tell: Option<Tell>,
}

/// What a lead that turns to us by itself has said before, and is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Over {
    /// It did not turn to us.
    #[default]
    Nothing,
    /// An absence. A day that its rep has noted may well be what this very mail says.
    Absence,
    /// That, and a later day to talk.
    AllOfIt,
}

/// What becomes of the running promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Promises {
    /// They run on.
    #[default]
    Run,
    /// They are counted anew: a pause has begun or changed.
    Recount,
    /// The lead was heard of: an opportunity is not quiet.
    Heard,
    /// The rep takes the lead: acceptance is no longer owed.
    Accepted,
    /// A human turned to the lead, which implies acceptance.
    ContactMade,
    /// The same without reaching it: one of the attempts that are owed.
    Tried,
    /// What convinced, or what stood against it, was said.
    FeedbackGiven,
    /// The rep gives the lead back, which is an answer, too.
    Close,
    /// They no longer matter, and nobody kept them.
    Void,
}

/// A lead rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Until then.
    pub until: Timestamp,
    /// Then it enters this sequence; `None`: its campaign's.
    pub sequence: Option<String>,
    /// Who gets it then.
    pub next_rep: NextRep,
}

/// Somebody has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tell {
    /// The lead's rep.
    Owner(String),
    /// Marketing.
    Marketing(String),
}

/// What has to be known beside the lead.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The agreement in force.
    pub agreement: &'a Agreement,
    /// The lead's mail hours.
    pub hours: &'a Calendar,
    /// On how many days before today it said, without a date, that it is away, and was not heard of since.
    pub absent_before: i64,
    /// How often a mail to its address came back for now, within the days that the agreement counts.
    pub strikes: i64,
    /// What is known of its present hand-off.
    pub hand_off: HandOffFacts,
    /// The present instant.
    pub now: Timestamp,
}

/// What is known of a lead's present hand-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandOffFacts {
    /// A promise is running.
    pub promise_runs: bool,
    /// Its rep was given more time before.
    pub extended: bool,
    /// What became of whoever says that it is still theirs.
    pub claim: Claim,
}

/// Whether a lead that was taken from a rep is still theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    /// It was not taken from them by a promise that they broke, or came back to them before.
    #[default]
    None,
    /// It was, and whoever has it now has not tried to reach it.
    Good,
    /// It was, and whoever has it now has tried.
    TooLate,
}

/// What follows for `lead` from `happening`, said by `actor`.
///
/// # Errors
/// A [`Refusal`], whose text tells the person who said it what to do.
pub fn consequences(
    lead: &Lead,
    happening: &Happening,
    actor: Option<&EmailAddress>,
    circumstances: Circumstances<'_>,
) -> Result<Consequences, Refusal> {
    let Circumstances { agreement, hours, now, .. } = circumstances;
    if happening.is_disposition()
        && let (Some(owner), Some(actor)) = (&lead.owner, actor)
        && owner != actor
        && agreement.rep(actor).is_some()
    {
        return Err(Refusal::NotYours { owner: owner.clone() });
    }
    if happening.is_for_managers()
        && actor.is_some_and(|actor| agreement.rep(actor).is_some() && !agreement.answers_for_team(actor))
    {
        return Err(Refusal::ForManagers);
    }
    match happening {
        Happening::Activity { .. } => Ok(Consequences { look_at: true, ..Consequences::default() }),
        Happening::Replied => Ok(replied(lead)),
        Happening::Away { until, do_not_call } => away(lead, *until, *do_not_call, circumstances),
        Happening::Bounced(bounce) => Ok(bounced(lead, *bounce, agreement, circumstances.strikes)),
        Happening::Complained => Ok(Consequences {
            sequence_ends: Some("it complained"),
            suppress: vec![SuppressionReason::Complaint],
            tell: Some(Tell::Marketing(
                "This lead reported our mail as spam. It gets none any more.".to_owned(),
            )),
            ..Consequences::default()
        }),
        Happening::Unsubscribed => Ok(Consequences {
            sequence_ends: Some("it unsubscribed"),
            suppress: vec![SuppressionReason::Unsubscribed],
            ..Consequences::default()
        }),
        Happening::LeftCompany => Ok(left_company(lead)),
        Happening::Accepted => accepted(lead),
        Happening::Attempt { channel, outcome } => attempt(lead, *channel, *outcome),
        Happening::Contacted => contacted(lead),
        Happening::Opportunity => opportunity(lead),
        Happening::Won => won(lead),
        Happening::Lost { reason } => lost(lead, reason, agreement, hours, now),
        Happening::Rejected { reason } => rejected(lead, reason, agreement, hours, now),
        Happening::FollowUp { on } => follow_up(lead, *on, hours, now),
        Happening::Meeting => meeting(lead),
        Happening::WrongPerson => wrong_person(lead, agreement, hours, now),
        Happening::AlreadyCustomer => already_customer(lead),
        Happening::AlreadyTalking => already_talking(lead),
        Happening::Feedback { objection, argument } => {
            known_name("objection", objection.as_deref(), &agreement.objections)?;
            known_name("argument", argument.as_deref(), &agreement.arguments)?;
            Ok(Consequences { promises: Promises::FeedbackGiven, ..Consequences::default() })
        }
        Happening::Reassigned { to } => goes_to(lead, to, agreement),
        Happening::Reclaimed => reclaimed(lead, actor, circumstances.hand_off.claim),
        Happening::Taken => goes_to(lead, actor.ok_or(Refusal::WhoTakesIt)?, agreement),
        Happening::Extended => extended(lead, circumstances.hand_off),
        Happening::Recycled { reason } => recycled(lead, reason, actor, agreement, hours, now),
    }
}

const HAND_IT_OFF_FIRST: &str = "it has not been handed to a rep, or was given back";

fn wrong_stage(lead: &Lead, what: &'static str) -> Refusal {
    Refusal::WrongStage { stage: lead.stage, what, hint: HAND_IT_OFF_FIRST }
}

fn accepted(lead: &Lead) -> Result<Consequences, Refusal> {
    match lead.stage {
        Stage::HandedOff => Ok(Consequences {
            stages: vec![(Stage::Accepted, "accepted".to_owned())],
            accepted: true,
            promises: Promises::Accepted,
            ..Consequences::default()
        }),
        stage if stage.sales_has_the_word() => Ok(Consequences::default()),
        _ => Err(wrong_stage(lead, "accepted")),
    }
}

/// Whoever calls with the second rep on the way would be the second caller: so only as long as nobody has tried.
fn reclaimed(lead: &Lead, actor: Option<&EmailAddress>, claim: Claim) -> Result<Consequences, Refusal> {
    let actor = actor.ok_or(Refusal::WhoTakesIt)?;
    if !matches!(lead.stage, Stage::HandedOff | Stage::Accepted) {
        return Err(wrong_stage(lead, "taken back"));
    }
    match (claim, &lead.owner) {
        (_, Some(owner)) if owner == actor => Err(Refusal::TheirsAlready { owner: owner.clone() }),
        (Claim::TooLate, Some(owner)) => Err(Refusal::TriedSince { owner: owner.clone() }),
        (Claim::Good, Some(_)) => Ok(Consequences { taken_back: true, ..Consequences::default() }),
        _ => Err(Refusal::NotTaken),
    }
}

fn attempt(lead: &Lead, channel: Channel, outcome: Outcome) -> Result<Consequences, Refusal> {
    if !lead.stage.sales_has_the_word() {
        return Err(Refusal::WrongStage {
            stage: lead.stage,
            what: "attempted",
            hint: "nobody owns it; hand it to a rep first, so that one person calls",
        });
    }
    let mut stages = Vec::new();
    if lead.stage == Stage::HandedOff {
        stages.push((Stage::Accepted, "an attempt implies acceptance".to_owned()));
    }
    if outcome == Outcome::Reached && matches!(lead.stage, Stage::HandedOff | Stage::Accepted) {
        stages.push((Stage::Contacted, format!("reached by {}", channel.name())));
    }
    Ok(Consequences {
        stages,
        accepted: true,
        promises: if outcome == Outcome::Reached { Promises::ContactMade } else { Promises::Tried },
        contact: Some(channel),
        ..Consequences::default()
    })
}

fn contacted(lead: &Lead) -> Result<Consequences, Refusal> {
    let mut stages = Vec::new();
    match lead.stage {
        Stage::HandedOff => {
            stages.push((Stage::Accepted, "contact implies acceptance".to_owned()));
            stages.push((Stage::Contacted, "contacted".to_owned()));
        }
        Stage::Accepted => stages.push((Stage::Contacted, "contacted".to_owned())),
        stage if stage.sales_has_the_word() => {}
        _ => return Err(wrong_stage(lead, "contacted")),
    }
    Ok(Consequences { stages, accepted: true, promises: Promises::ContactMade, ..Consequences::default() })
}

/// A meeting is an attempt that reached the lead.
fn meeting(lead: &Lead) -> Result<Consequences, Refusal> {
    let mut met = contacted(lead)?;
    if let Some((stage, why)) = met.stages.last_mut()
        && *stage == Stage::Contacted
    {
        *why = "they met".to_owned();
    }
    Ok(met)
}

/// Who talks with the lead anyhow made no attempt for us: the promise is neither kept nor broken.
fn already_talking(lead: &Lead) -> Result<Consequences, Refusal> {
    let mut talking = contacted(lead)?;
    if let Some((stage, why)) = talking.stages.last_mut()
        && *stage == Stage::Contacted
    {
        *why = "they were talking already".to_owned();
    }
    Ok(Consequences { promises: Promises::Void, ..talking })
}

/// Refuses a name that is not among `known`.
fn known_name(
    what: &'static str,
    name: Option<&str>,
    known: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    let Some(name) = name.filter(|name| !known.contains_key(*name)) else {
        return Ok(());
    };
    let suggestion = nearest(name, known.keys().map(String::as_str))
        .map_or_else(|| ".".to_owned(), |near| format!("; did you mean `{near}`?"));
    let known = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    Err(Refusal::UnknownFeedback { name: name.to_owned(), what, suggestion, known })
}

fn opportunity(lead: &Lead) -> Result<Consequences, Refusal> {
    match lead.stage {
        Stage::HandedOff | Stage::Accepted | Stage::Contacted => Ok(Consequences {
            stages: vec![(Stage::Opportunity, "there is a deal to win".to_owned())],
            accepted: true,
            promises: Promises::ContactMade,
            ..Consequences::default()
        }),
        Stage::Opportunity | Stage::Won => Ok(Consequences::default()),
        _ => Err(wrong_stage(lead, "an opportunity")),
    }
}

fn won(lead: &Lead) -> Result<Consequences, Refusal> {
    match lead.stage {
        Stage::Won => Ok(Consequences::default()),
        stage if stage.sales_has_the_word() => Ok(Consequences {
            stages: vec![(Stage::Won, "won".to_owned())],
            accepted: true,
            promises: Promises::ContactMade,
            hand_off_ends: Some("won".to_owned()),
            ..Consequences::default()
        }),
        _ => Err(wrong_stage(lead, "won")),
    }
}

fn tell_owner(lead: &Lead, what: &str) -> Option<Tell> {
    (lead.owner.is_some() && lead.stage.sales_has_the_word()).then(|| Tell::Owner(what.to_owned()))
}

#[cfg(test)]
mod tests;
