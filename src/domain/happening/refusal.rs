//! Why something that somebody says of a lead cannot be so.

use jiff::civil::Date;

use crate::domain::email::EmailAddress;
use crate::domain::lead::Stage;
use crate::domain::recycle::Refused;

/// Why something cannot be so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The lead is at a stage in which it cannot happen.
    #[error("a lead at stage `{}` cannot be {what}: {hint}", stage.words())]
    WrongStage {
        /// Where it is.
        stage: Stage,
        /// What was said.
        what: &'static str,
        /// What could be said instead.
        hint: &'static str,
    },
    /// Somebody else has it.
    #[error("the lead belongs to {owner}: only they can say so, or whoever answers for their team")]
    NotYours {
        /// Who.
        owner: EmailAddress,
    },
    /// It is not for a rep to say.
    #[error("only the manager, the director or the backup of a team can say so")]
    ForManagers,
    /// It does not say who takes it.
    #[error("say who takes it")]
    WhoTakesIt,
    /// The agreement does not know the rep.
    #[error("{rep} is no rep of the agreement{suggestion}")]
    UnknownRep {
        /// Who was named.
        rep: EmailAddress,
        /// "; did you mean …?"
        suggestion: String,
    },
    /// It was not taken from them.
    #[error("it was not taken from you because a call was overdue, so there is nothing to take back")]
    NotTaken,
    /// Somebody works on it by now.
    #[error("{owner} has tried to reach it since and goes on with it: tell them what you know")]
    TriedSince {
        /// Who.
        owner: EmailAddress,
    },
    /// They have it already.
    #[error("{owner} has the lead already")]
    TheirsAlready {
        /// Who.
        owner: EmailAddress,
    },
    /// More time was given before.
    #[error("its rep was given more time once: after that it is done, given to somebody else, or given back")]
    ExtendedBefore,
    /// There is no deadline to move.
    #[error("no promise to this lead is running: there is no deadline to move")]
    NothingRuns,
    /// The agreement does not know what was heard.
    #[error("`{name}` is no {what} of the agreement{suggestion} It knows: {known}")]
    UnknownFeedback {
        /// What was said.
        name: String,
        /// Objection or argument.
        what: &'static str,
        /// "; did you mean …?", or the end of the sentence.
        suggestion: String,
        /// Those it knows.
        known: String,
    },
    /// It is not given back without a reason.
    #[error("say why the lead is {what}: {known}")]
    NoReason {
        /// Rejected or lost.
        what: &'static str,
        /// The agreement's reasons.
        known: String,
    },
    /// The agreement does not know the reason.
    #[error("`{reason}` is no reason of the agreement for a {what} lead{suggestion} It knows: {known}")]
    UnknownReason {
        /// What was said.
        reason: String,
        /// Rejected or lost.
        what: &'static str,
        /// "; did you mean …?", or the end of the sentence.
        suggestion: String,
        /// Those it knows.
        known: String,
    },
    /// The date makes no sense.
    #[error("{date} {why}")]
    Date {
        /// What was said.
        date: Date,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is said to have happened later than now.
    #[error("it cannot have happened yet: the time is in the future")]
    NotYet,
    /// It has been given back, or comes from a double: the rules of that say no.
    #[error(transparent)]
    Recycling(#[from] Refused),
    /// The lead's hours never open, so no day can be kept.
    #[error("the lead's hours never open")]
    NeverOpen,
}
