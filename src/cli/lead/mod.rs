//! `nurtured lead`: one lead at a time, and every disposition a rep can give.

mod add;
mod incomplete;
mod person;
mod recycling;
mod show;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;

use super::arguments;
use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::contact::Channel;
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Happening, Outcome};
use crate::domain::lead::Lead;
use crate::engine::Engine;
use crate::engine::happen::{HappenError, Said};
use crate::engine::recycle::Recycling;
use add::Add;
use incomplete::Incomplete;
use person::{Erase, Export, WelcomeBack};
use recycling::Voice;
use show::{List, Show, lead_json};

/// One lead at a time: add, look at, list, and say what happened
#[derive(Debug, Args)]
pub struct LeadCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take in one lead, or what is new of one that is known
    Add(Box<Add>),
    /// Everything that is known of a lead
    Show(Show),
    /// A list of leads
    List(List),
    /// Marketing's list: leads that lack what their campaign requires
    Incomplete(Incomplete),
    /// Its rep takes it
    Accept(Disposition),
    /// Its rep tried to reach it
    Attempt {
        /// How: phone or email
        #[arg(long, default_value = "phone", value_parser = arguments::channel)]
        channel: Channel,
        /// With what result: reached, no-answer, left-message, wrong-number, sent
        #[arg(long, default_value = "no-answer", value_parser = arguments::outcome)]
        outcome: Outcome,
        #[command(flatten)]
        who: Disposition,
    },
    /// Its rep and it were in touch
    Contacted(Disposition),
    /// Its rep and it met
    Meeting(Disposition),
    /// The right company, but not the person to talk to
    WrongPerson(Disposition),
    /// It buys from us already
    Customer(Disposition),
    /// Its rep was in touch with it before it was handed over
    Talking(Disposition),
    /// What was learned from it: the objection heard, what convinced it
    Feedback {
        /// What speaks against buying: an objection of the agreement
        #[arg(long, value_name = "NAME")]
        objection: Option<String>,
        /// What convinced it: an argument of the agreement
        #[arg(long, value_name = "NAME")]
        argument: Option<String>,
        #[command(flatten)]
        who: Disposition,
    },
    /// Its manager gives it to another rep
    Reassign {
        /// The other rep's address
        #[arg(long, value_name = "REP")]
        to: EmailAddress,
        #[command(flatten)]
        who: Disposition,
    },
    /// The rep from whom it was taken has it again, as long as nobody has tried: say who with --as
    Reclaim(Disposition),
    /// Its manager takes it: say who with --as
    Take(Disposition),
    /// Its manager gives its rep the full time once more, counted from now
    Extend(Disposition),
    /// Its manager gives it back; the reason decides when it returns
    Recycle {
        /// Why: a reason of the agreement
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Disposition,
    },
    /// Correct what is known of it; what sales gave back for that goes to its rep again
    Set(recycling::Set),
    /// Name the right person, when sales says that it is the wrong one
    Replace(recycling::Replace),
    /// Give up a lead that sales gave back to be mended
    Drop(recycling::GiveUp),
    /// Marketing disagrees with its rejection: the team's manager decides
    Dispute(recycling::Dispute),
    /// The manager answers marketing: the rejection stands, or sales gets the lead again
    AnswerDispute(recycling::Answer),
    /// Sales gives it back; the reason decides when it returns
    Reject {
        /// Why: a reason of the agreement
        #[arg(long)]
        reason: String,
        /// The lead whose duplicate it is: both become one
        #[arg(long, value_name = "LEAD")]
        of: Option<EmailAddress>,
        #[command(flatten)]
        who: Disposition,
    },
    /// There is a deal to win
    Opportunity(Disposition),
    /// It is a customer
    Won(Disposition),
    /// The deal is lost; the reason decides when it returns
    Lost {
        /// Why: a reason of the agreement
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Disposition,
    },
    /// It asked to hear from us on a day; until then nobody writes or calls
    FollowUp {
        /// The day: 2026-03-16
        #[arg(long, value_name = "DAY", value_parser = arguments::date)]
        on: Date,
        #[command(flatten)]
        who: Disposition,
    },
    /// It is away; until its return nobody writes or calls
    Away {
        /// Its first day back: 2026-03-16; without it, a week
        #[arg(long, value_name = "DAY", value_parser = arguments::date)]
        until: Option<Date>,
        #[command(flatten)]
        who: Disposition,
    },
    /// It did something that scoring knows: opened a page, came to a webinar
    Activity {
        #[command(flatten)]
        who: Disposition,
        /// The activity's name: pricing_page
        name: String,
    },
    /// It wrote back
    Replied(Disposition),
    /// It wants no more marketing mail
    Unsubscribe(Disposition),
    /// Print everything that is kept of a person, for them to have
    Export(Export),
    /// Erase everything personal that is kept of a person, for ever
    Erase(Erase),
    /// Somebody whose data was erased asks to be known again
    WelcomeBack(WelcomeBack),
}

/// Which lead, and by whose hand.
#[derive(Debug, Args)]
struct Disposition {
    /// The lead's email address
    lead: EmailAddress,
    /// The rep who says so; without it: the lead's owner
    #[arg(long = "as", value_name = "REP")]
    rep: Option<EmailAddress>,
    /// In words, for the history: `nurtured why` shows them
    #[arg(long, value_name = "WORDS")]
    note: Option<String>,
    /// When it happened, if that was earlier: 2026-03-03T10:20:00+01:00
    #[arg(long, value_name = "TIME", value_parser = arguments::instant)]
    at: Option<Timestamp>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl LeadCommand {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let (who, happening) = match self.action {
            Action::Add(add) => return add.run(workplace).await,
            Action::Show(show) => return show.run(workplace).await,
            Action::List(list) => return list.run(workplace).await,
            Action::Export(export) => return export.run(workplace).await,
            Action::Erase(erase) => return erase.run(workplace).await,
            Action::WelcomeBack(welcome_back) => return welcome_back.run(workplace).await,
            Action::Incomplete(incomplete) => return incomplete.run(workplace).await,
            Action::Set(set) => return set.run(workplace).await,
            Action::Replace(replace) => return replace.run(workplace).await,
            Action::Drop(give_up) => return give_up.run(workplace).await,
            Action::Dispute(dispute) => return dispute.run(workplace).await,
            Action::AnswerDispute(answer) => return answer.run(workplace).await,
            Action::Reject { who, reason, of: Some(of) } => {
                let voice = Voice { who: who.rep, note: who.note, json: who.json };
                return voice.say(workplace, &who.lead, &Recycling::Merge { of, reason }).await;
            }
            Action::Accept(who) => (who, Happening::Accepted),
            Action::Attempt { who, channel, outcome } => (who, Happening::Attempt { channel, outcome }),
            Action::Contacted(who) => (who, Happening::Contacted),
            Action::Meeting(who) => (who, Happening::Meeting),
            Action::WrongPerson(who) => (who, Happening::WrongPerson),
            Action::Customer(who) => (who, Happening::AlreadyCustomer),
            Action::Talking(who) => (who, Happening::AlreadyTalking),
            Action::Feedback { who, objection, argument } => {
                (who, Happening::Feedback { objection, argument })
            }
            Action::Reassign { who, to } => (who, Happening::Reassigned { to }),
            Action::Reclaim(who) => (who, Happening::Reclaimed),
            Action::Take(who) => (who, Happening::Taken),
            Action::Extend(who) => (who, Happening::Extended),
            Action::Recycle { who, reason } => (who, Happening::Recycled { reason }),
            Action::Reject { who, reason, of: None } => (who, Happening::Rejected { reason }),
            Action::Opportunity(who) => (who, Happening::Opportunity),
            Action::Won(who) => (who, Happening::Won),
            Action::Lost { who, reason } => (who, Happening::Lost { reason }),
            Action::FollowUp { who, on } => (who, Happening::FollowUp { on }),
            Action::Away { who, until } => (who, Happening::Away { until, do_not_call: false }),
            Action::Activity { who, name } => (who, Happening::Activity { name }),
            Action::Replied(who) => (who, Happening::Replied),
            Action::Unsubscribe(who) => (who, Happening::Unsubscribed),
        };
        who.say(workplace, &happening).await
    }
}

impl Disposition {
    async fn say(self, workplace: Workplace, happening: &Happening) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        let said = Said { by: self.rep, words: self.note, at: self.at, ..Said::default() };
        let before = look(&engine, &self.lead).await?;
        let lead =
            engine.happened(&self.lead, happening, &said, Clock::System.now()).await.map_err(refused)?;
        if self.json {
            return line(&lead_json(&lead).to_string());
        }
        let moved = if before.stage == lead.stage {
            format!("stays {}", lead.stage)
        } else {
            format!("{} → {}", before.stage, lead.stage)
        };
        let words = format!("{} noted; {moved}", happening.kind()).replace('_', " ");
        line(&format!("{}: {words}", lead.email))
    }
}

async fn look(engine: &Engine, email: &EmailAddress) -> Result<Lead, CliError> {
    let mut tx = engine.store().read().await.map_err(CliError::failed)?;
    let lead = tx.person_by_email(email).await.map_err(CliError::failed)?;
    tx.rollback().await.map_err(CliError::failed)?;
    lead.ok_or_else(|| unknown(email))
}

pub(super) fn unknown(email: &EmailAddress) -> CliError {
    CliError::Failed(format!("no lead has the address {email}"))
}

/// What cannot be so is the caller's mistake; what failed is not.
pub(super) fn refused(error: HappenError) -> CliError {
    match error {
        HappenError::Refused(refusal) => CliError::Misuse(refusal.to_string()),
        HappenError::UnknownRep { .. } => CliError::Misuse(error.to_string()),
        HappenError::UnknownLead(_) | HappenError::Failed(_) => CliError::failed(error),
    }
}
