//! The kinds of promises that follow one another after a hand-off, and what each counts.
//!
//! All of them run through the same pass and fire levels in the same way; what differs is written here.
//! A kind that is none of sales' (a dispute, say) needs nothing but a name and its own target and levels.

use super::super::agreement::{Level, Role, Target};
use super::super::names::names;
use super::LevelAt;

names! {
    /// What was promised.
    PromiseKind, "promise" {
        /// The rep says whether they take the lead.
        Accept = "accept",
        /// A human turns to the lead.
        FirstContact = "first_contact",
        /// It is tried often enough before it is given up.
        Attempts = "attempts",
        /// Once they spoke, the rep says what comes of it.
        Disposition = "disposition",
        /// An opportunity is not left to itself.
        Quiet = "quiet",
        /// After won or lost, the rep says what convinced, or what stood against it.
        Feedback = "feedback",
        /// The manager answers marketing, which disagrees with a rejection.
        Dispute = "dispute",
    }
}

/// A promise as the agreement has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// How long it may take.
    pub target: Target,
    /// What happens when, in order of time.
    pub levels: Vec<Level>,
}

impl PromiseKind {
    /// What a policy may promise, in the order of the hand-off.
    pub const OF_A_POLICY: [PromiseKind; 6] = [
        PromiseKind::Accept,
        PromiseKind::FirstContact,
        PromiseKind::Attempts,
        PromiseKind::Disposition,
        PromiseKind::Quiet,
        PromiseKind::Feedback,
    ];

    /// Whether a level of it may give the lead to somebody else: only while nobody has tried to reach it.
    pub fn may_reassign(self) -> bool {
        matches!(self, PromiseKind::Accept | PromiseKind::FirstContact)
    }

    /// Whether only time counts in which the lead, too, can be reached, and an absence of the lead stops it.
    pub fn needs_the_lead(self) -> bool {
        matches!(self, PromiseKind::FirstContact | PromiseKind::Attempts)
    }

    /// Whether an absence of the lead, or a date that it named, stops the clock. What is left to do after the
    /// end of a hand-off does not wait for the lead.
    pub fn is_paused_with_the_lead(self) -> bool {
        !self.outlives_the_hand_off()
    }

    /// Whether the clock runs on when the hand-off is over: the promise is about what was.
    pub fn outlives_the_hand_off(self) -> bool {
        matches!(self, PromiseKind::Feedback | PromiseKind::Dispute)
    }

    /// Whether its breach is told at once where the agreement calls the policy urgent: somebody waits for a call. What
    /// came of a talk, or was learned from a deal, can be read with the rest.
    pub fn cannot_wait(self, raised_hand: bool) -> bool {
        match self {
            PromiseKind::Accept | PromiseKind::FirstContact => true,
            PromiseKind::Attempts => raised_hand,
            PromiseKind::Disposition | PromiseKind::Quiet | PromiseKind::Feedback | PromiseKind::Dispute => {
                false
            }
        }
    }

    /// As a sentence about the promise begins: "first contact".
    pub fn words(self) -> &'static str {
        match self {
            PromiseKind::Accept => "acceptance",
            PromiseKind::FirstContact => "first contact",
            PromiseKind::Attempts => "attempts",
            PromiseKind::Disposition => "outcome of the talk",
            PromiseKind::Quiet => "news of the deal",
            PromiseKind::Feedback => "feedback on the deal",
            PromiseKind::Dispute => "answer to a dispute",
        }
    }

    /// The verb that follows [`words`](PromiseKind::words): "first contact is due", "attempts were due".
    pub fn is_due(self, broken: bool) -> &'static str {
        match (self, broken) {
            (PromiseKind::Attempts, false) => "are due",
            (PromiseKind::Attempts, true) => "were due",
            (_, false) => "is due",
            (_, true) => "was due",
        }
    }

    /// As what was promised: "first contact within 8 business hours".
    pub fn promised(self) -> &'static str {
        match self {
            PromiseKind::Accept => "to take the lead or give it back",
            PromiseKind::FirstContact => "first contact",
            PromiseKind::Attempts => "attempts",
            PromiseKind::Disposition => "word of what comes of the talk",
            PromiseKind::Quiet => "news of the deal",
            PromiseKind::Feedback => "feedback on the closed deal",
            PromiseKind::Dispute => "an answer to the dispute",
        }
    }

    /// What a rep has to do, as a subject begins: "Call by Tue 14:00". `phone`: whether there is a number.
    pub fn asks(self, phone: bool) -> &'static str {
        match self {
            PromiseKind::Accept => "Take it or give it back",
            PromiseKind::FirstContact if phone => "Call",
            PromiseKind::FirstContact => "Write",
            PromiseKind::Attempts => "Try again",
            PromiseKind::Disposition => "Say what comes of the talk",
            PromiseKind::Quiet => "Say how the deal stands",
            PromiseKind::Feedback => "Say what decided it",
            PromiseKind::Dispute => "Answer the dispute",
        }
    }

    /// What is owed, as a sentence goes on with "falls due".
    pub fn owed(self) -> &'static str {
        match self {
            PromiseKind::Accept => "taking it or giving it back",
            PromiseKind::Attempts => "the last of the attempts that are owed",
            kind => kind.promised(),
        }
    }

    /// What ends the clock.
    pub fn ended_by(self) -> &'static str {
        match self {
            PromiseKind::Accept => {
                "Taking it or giving it back ends this; so does an attempt that is logged."
            }
            PromiseKind::FirstContact => "One logged attempt, reached or not, ends this.",
            PromiseKind::Attempts => {
                "Each logged attempt counts; reaching them, or giving the lead back, ends this."
            }
            PromiseKind::Disposition => {
                "An opportunity, won, lost, given back, or a day on which to talk again: each of them ends this."
            }
            PromiseKind::Quiet => {
                "Won, lost, a logged contact, or a day on which to talk again: each of them ends this."
            }
            PromiseKind::Feedback => "One sentence is enough: what convinced them, or what stood against it.",
            PromiseKind::Dispute => "An answer ends this.",
        }
    }

    /// What has not been done by `who` ("You", a name), `have` being their "have" or "has". `paid` tells what is
    /// paid of a debt of attempts.
    pub fn missing(self, who: &str, have: &str, paid: Option<&str>) -> String {
        match self {
            PromiseKind::Accept => format!("{who} {have} neither taken the lead nor given it back."),
            PromiseKind::FirstContact => format!("{who} {have} logged no attempt to reach them."),
            PromiseKind::Attempts => match paid {
                Some(paid) => format!("{who} {have} made {paid}."),
                None => format!("{who} {have} not made all the attempts that are owed."),
            },
            PromiseKind::Disposition => {
                format!("{who} {have} talked to them, and not said what comes of it.")
            }
            PromiseKind::Quiet => format!("{who} {have} not told anything of this opportunity for a while."),
            PromiseKind::Feedback => {
                format!("{who} {have} not said what convinced them, or what stood against it.")
            }
            PromiseKind::Dispute => format!("{who} {have} not answered the dispute."),
        }
    }

    /// Whether a call or a mail to the lead is what is missing.
    pub fn asks_for_contact(self) -> bool {
        matches!(self, PromiseKind::Accept | PromiseKind::FirstContact | PromiseKind::Attempts)
    }

    /// What happens when an agreement promises this and says not whom to tell.
    ///
    /// An answer that is late harms nobody while first contact is watched beside it, so only the rep hears of
    /// it. Owed attempts are asked for every morning; what is told here is that the time for them is over. What
    /// came of a talk, and why a deal was lost, is what marketing lives by: the manager asks for it, late.
    pub fn usual_levels(self) -> Vec<Level> {
        let level = |name: &str, percent, tell: &[Role]| Level {
            name: name.to_owned(),
            at: LevelAt::Percent(percent),
            tell: tell.to_vec(),
            reassign: false,
        };
        let reminder = level("reminder", 100, &[Role::Owner]);
        match self {
            PromiseKind::Accept => vec![reminder],
            PromiseKind::Attempts => vec![level("breach", 100, &[Role::Owner, Role::Manager])],
            PromiseKind::Disposition => vec![reminder, level("breach", 150, &[Role::Owner, Role::Manager])],
            PromiseKind::Quiet => vec![level("ask", 100, &[Role::Owner])],
            PromiseKind::Feedback => vec![reminder, level("breach", 200, &[Role::Owner, Role::Manager])],
            PromiseKind::Dispute => vec![
                level("warning", 75, &[Role::Manager]),
                level("breach", 100, &[Role::Manager, Role::Director]),
            ],
            PromiseKind::FirstContact => {
                vec![
                    level("warning", 75, &[Role::Owner]),
                    level("breach", 100, &[Role::Owner, Role::Manager]),
                ]
            }
        }
    }
}
