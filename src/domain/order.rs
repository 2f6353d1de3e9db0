//! What a rep or a manager orders in a word or two: the grammar of the buttons on our pages and of the subjects
//! of mails that command.
//!
//! ```text
//! accept · reached · no-answer · left-message · wrong-number · emailed · met · opportunity · won
//! reject REASON · lost REASON · later DAY · lead-away [DAY] · away DAY
//! wrong-person · customer · talking · heard [OBJECTION] · convinced [ARGUMENT]
//! mine
//! give ADDRESS · take · extend · recycle REASON · uphold · overturn [ADDRESS]
//! correct FIELD VALUE · replace ADDRESS · duplicate-of ADDRESS · drop · dispute · back
//! ```
//!
//! Reasons, objections and arguments are the agreement's names; a day is 2026-03-16. Whether it can be so is
//! for [`consequences`](super::happening::consequences) to say, as with everything else that is said.

use jiff::civil::Date;

use super::contact::Channel;
use super::email::EmailAddress;
use super::happening::{Happening, Outcome};
use super::names::names;
use super::recycle::Verdict;
use crate::problem::nearest;

names! {
    /// The first word of an order.
    Word, "order" {
        /// The rep takes the lead.
        Accept = "accept",
        /// Called, and talked.
        Reached = "reached",
        /// Called, nobody answered.
        NoAnswer = "no-answer",
        /// Called, and left a message.
        LeftMessage = "left-message",
        /// Called somebody else's number.
        WrongNumber = "wrong-number",
        /// Wrote a mail.
        Emailed = "emailed",
        /// Met.
        Met = "met",
        /// There is a deal to win.
        Opportunity = "opportunity",
        /// A customer.
        Won = "won",
        /// Gives it back, for a reason.
        Reject = "reject",
        /// The deal is lost, for a reason.
        Lost = "lost",
        /// Wants to hear from us on a day.
        Later = "later",
        /// The lead is away until a day.
        LeadAway = "lead-away",
        /// The rep is away until a day.
        Away = "away",
        /// The rep is back.
        Back = "back",
        /// Not the person to talk to.
        WrongPerson = "wrong-person",
        /// Buys from us already.
        Customer = "customer",
        /// The rep talks with it already.
        Talking = "talking",
        /// What speaks against buying.
        Heard = "heard",
        /// What convinced it.
        Convinced = "convinced",
        /// The rep from whom it was taken is on it.
        Mine = "mine",
        /// The manager gives it to a rep.
        Give = "give",
        /// The manager takes it.
        Take = "take",
        /// The manager gives the full time once more.
        Extend = "extend",
        /// The manager gives it back, for a reason.
        Recycle = "recycle",
        /// The manager says that a rejection stands.
        Uphold = "uphold",
        /// The manager says that sales gets it again.
        Overturn = "overturn",
        /// What is known of it is another.
        Correct = "correct",
        /// Somebody else is the right person.
        Replace = "replace",
        /// It is one with another lead.
        DuplicateOf = "duplicate-of",
        /// Marketing gives it up.
        Drop = "drop",
        /// Marketing disagrees with its rejection.
        Dispute = "dispute",
    }
}

impl Word {
    /// What it says, in the words of whoever says it; what follows it stands behind.
    pub fn label(self) -> &'static str {
        match self {
            Word::Accept => "I take it",
            Word::Reached => "I called, we talked",
            Word::NoAnswer => "I called, no answer",
            Word::LeftMessage => "I called and left a message",
            Word::WrongNumber => "I called, it is the wrong number",
            Word::Emailed => "I wrote a mail",
            Word::Met => "We met",
            Word::Opportunity => "There is a deal to win",
            Word::Won => "Won",
            Word::Reject => "I give it back",
            Word::Lost => "Lost",
            Word::Later => "They want to hear from us later",
            Word::LeadAway => "They are away",
            Word::Away => "I am away",
            Word::WrongPerson => "Wrong person",
            Word::Customer => "Already a customer",
            Word::Talking => "I talk with them already",
            Word::Heard => "What speaks against it",
            Word::Convinced => "What convinced them",
            Word::Mine => "It is still mine",
            Word::Give => "Give it to",
            Word::Take => "I take it over",
            Word::Extend => "Give the full time once more",
            Word::Recycle => "Give it back",
            Word::Back => "I am back",
            Word::Uphold => "It stays given back",
            Word::Overturn => "Marketing is right: sales gets it again",
            Word::Correct => "Correct what is known",
            Word::Replace => "Somebody else is the right person",
            Word::DuplicateOf => "It is a duplicate of another lead",
            Word::Drop => "Give it up",
            Word::Dispute => "I disagree: let the manager decide",
        }
    }

    /// Whether it decides about a lead that is not with sales.
    pub fn is_about_what_was_given_back(self) -> bool {
        use Word::{Correct, Dispute, Drop, Overturn, Replace, Uphold};
        matches!(self, Uphold | Overturn | Correct | Replace | Drop | Dispute)
    }

    /// Whether it is for a team's manager, director or backup.
    pub fn is_for_managers(self) -> bool {
        matches!(self, Word::Give | Word::Take | Word::Extend | Word::Recycle)
    }
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// This is so.
    Say(Happening),
    /// Whoever orders it is away until the morning of that day.
    RepAway {
        /// Their first day back.
        until: Date,
    },
    /// Whoever orders it is back.
    RepBack,
    /// Something is decided about a lead that sales gave back, or that lacks something.
    Mend(Mend),
}

/// What is decided about a lead that sales gave back, or that lacks something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// The manager answers marketing.
    Answer {
        /// How.
        verdict: Verdict,
        /// Who gets it, if sales gets it again; `None`: as its reason says.
        to: Option<EmailAddress>,
    },
    /// Fields and their values.
    Correct(Vec<(String, String)>),
    /// Somebody else is the right person.
    Replace(EmailAddress),
    /// It is one with that lead.
    DuplicateOf(EmailAddress),
    /// Nothing can be mended.
    GiveUp,
    /// Marketing disagrees with the rejection.
    Dispute,
}

impl Mend {
    /// The event that says so in the log.
    pub fn kind(&self) -> &'static str {
        match self {
            Mend::Answer { .. } => "dispute_answered",
            Mend::Correct(_) => "corrected",
            Mend::Replace(_) => "replaced",
            Mend::DuplicateOf(_) => "rejected",
            Mend::GiveUp => "given_up",
            Mend::Dispute => "disputed",
        }
    }
}

impl Order {
    /// Its name in the log of the program.
    pub fn kind(&self) -> &'static str {
        match self {
            Order::Say(happening) => happening.kind(),
            Order::RepAway { .. } => "rep_away",
            Order::RepBack => "rep_back",
            Order::Mend(mend) => mend.kind(),
        }
    }
}

/// Why an order cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There is no such word.
    #[error("“{word}” is nothing that can be ordered{suggestion}")]
    UnknownWord {
        /// What was written.
        word: String,
        /// "; did you mean “…”?"
        suggestion: String,
    },
    /// What follows the word is missing.
    #[error("“{word}” needs {what}: “{word} {example}”")]
    Missing {
        /// The word.
        word: &'static str,
        /// What is missing.
        what: &'static str,
        /// For example.
        example: &'static str,
    },
    /// The day cannot be read.
    #[error("“{0}” is no day: write it like 2026-03-16")]
    Day(String),
    /// The address cannot be read.
    #[error("“{0}” is no email address")]
    Address(String),
}

/// How much of a word that nobody knows is said again.
const SHOWN: usize = 40;

impl Order {
    /// Reads an order: a word, and what follows it.
    ///
    /// # Errors
    /// In words that tell whoever wrote it what to write.
    pub fn parse(text: &str) -> Result<Order, OrderError> {
        let text = text.trim();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let lower = word.to_ascii_lowercase().replace('_', "-");
        let Ok(word) = lower.parse::<Word>() else {
            let suggestion = nearest(&lower, Word::ALL.iter().map(|word| word.name()))
                .map(|near| format!("; did you mean “{near}”?"))
                .unwrap_or_default();
            return Err(OrderError::UnknownWord { word: word.chars().take(SHOWN).collect(), suggestion });
        };
        if word == Word::Correct {
            let (field, value) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
            let field = field.to_ascii_lowercase().replace('-', "_");
            if field.is_empty() || value.trim().is_empty() {
                return Err(OrderError::Missing {
                    word: word.name(),
                    what: "a field and its value",
                    example: "phone +49 30 901820",
                });
            }
            return Ok(Order::Mend(Mend::Correct(vec![(field, value.trim().to_owned())])));
        }
        Order::of(word, rest.split_whitespace().next())
    }

    /// An order of a word and the one thing that may follow it.
    ///
    /// # Errors
    /// When that is missing, or cannot be read.
    pub fn of(word: Word, rest: Option<&str>) -> Result<Order, OrderError> {
        let name = |what, example| {
            rest.map(str::to_owned).ok_or(OrderError::Missing { word: word.name(), what, example })
        };
        let reason = || name("a reason of the agreement", "not-ready");
        let day = |text: &str| {
            text.parse::<Date>().map_err(|_| OrderError::Day(text.chars().take(SHOWN).collect()))
        };
        let needed_day = || day(&name("a day", "2026-03-16")?);
        let call = |outcome| Happening::Attempt { channel: Channel::Phone, outcome };
        let address = |text: &str| {
            text.parse::<EmailAddress>().map_err(|_| OrderError::Address(text.chars().take(SHOWN).collect()))
        };
        let needed_address = |what| address(&name(what, "somebody@company.example")?);
        let mend = |mend| Ok(Order::Mend(mend));
        Ok(Order::Say(match word {
            Word::Accept => Happening::Accepted,
            Word::Reached => call(Outcome::Reached),
            Word::NoAnswer => call(Outcome::NoAnswer),
            Word::LeftMessage => call(Outcome::LeftMessage),
            Word::WrongNumber => call(Outcome::WrongNumber),
            Word::Emailed => Happening::Attempt { channel: Channel::Email, outcome: Outcome::Sent },
            Word::Met => Happening::Meeting,
            Word::Opportunity => Happening::Opportunity,
            Word::Won => Happening::Won,
            Word::Reject => Happening::Rejected { reason: reason()? },
            Word::Lost => Happening::Lost { reason: reason()? },
            Word::Later => Happening::FollowUp { on: needed_day()? },
            Word::LeadAway => Happening::Away { until: rest.map(day).transpose()?, do_not_call: false },
            Word::Back => return Ok(Order::RepBack),
            Word::Correct => {
                return Err(OrderError::Missing {
                    word: word.name(),
                    what: "what is different",
                    example: "phone +49 30 901820",
                });
            }
            Word::Uphold => return mend(Mend::Answer { verdict: Verdict::Upheld, to: None }),
            Word::Overturn => {
                let to = rest.map(address).transpose()?;
                return mend(Mend::Answer { verdict: Verdict::Overturned, to });
            }
            Word::Replace => return mend(Mend::Replace(needed_address("the right person's address")?)),
            Word::DuplicateOf => return mend(Mend::DuplicateOf(needed_address("the other lead's address")?)),
            Word::Drop => return mend(Mend::GiveUp),
            Word::Dispute => return mend(Mend::Dispute),
            Word::Away => return Ok(Order::RepAway { until: needed_day()? }),
            Word::WrongPerson => Happening::WrongPerson,
            Word::Customer => Happening::AlreadyCustomer,
            Word::Talking => Happening::AlreadyTalking,
            Word::Heard => Happening::Feedback { objection: rest.map(str::to_owned), argument: None },
            Word::Convinced => Happening::Feedback { objection: None, argument: rest.map(str::to_owned) },
            Word::Give => {
                let to = name("a rep's address", "rep@company.example")?;
                Happening::Reassigned { to: address(&to)? }
            }
            Word::Mine => Happening::Reclaimed,
            Word::Take => Happening::Taken,
            Word::Extend => Happening::Extended,
            Word::Recycle => Happening::Recycled { reason: reason()? },
        }))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_order_is_a_word_and_what_follows_it() {
        let on = date(2026, 3, 16);
        for (text, order) in [
            ("accept", Order::Say(Happening::Accepted)),
            ("  Accept  please", Order::Say(Happening::Accepted)),
            (
                "No_Answer",
                Order::Say(Happening::Attempt { channel: Channel::Phone, outcome: Outcome::NoAnswer }),
            ),
            ("emailed", Order::Say(Happening::Attempt { channel: Channel::Email, outcome: Outcome::Sent })),
            ("reject\tnot-ready", Order::Say(Happening::Rejected { reason: "not-ready".to_owned() })),
            ("later 2026-03-16", Order::Say(Happening::FollowUp { on })),
            ("lead-away", Order::Say(Happening::Away { until: None, do_not_call: false })),
            ("lead-away 2026-03-16", Order::Say(Happening::Away { until: Some(on), do_not_call: false })),
            ("away 2026-03-16", Order::RepAway { until: on }),
            ("back", Order::RepBack),
            ("uphold", Order::Mend(Mend::Answer { verdict: Verdict::Upheld, to: None })),
            ("drop it", Order::Mend(Mend::GiveUp)),
            ("duplicate-of j@a.example", Order::Mend(Mend::DuplicateOf("j@a.example".parse().expect("one")))),
            (
                "Correct First-Name  Ann Marie",
                Order::Mend(Mend::Correct(vec![("first_name".to_owned(), "Ann Marie".to_owned())])),
            ),
            ("heard", Order::Say(Happening::Feedback { objection: None, argument: None })),
            (
                "give rep2@ours.example",
                Order::Say(Happening::Reassigned { to: "rep2@ours.example".parse().expect("an address") }),
            ),
        ] {
            assert_eq!(Order::parse(text), Ok(order), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_ordered_is_answered_with_what_to_write() {
        for (text, words) in [
            ("", "“” is nothing that can be ordered"),
            ("acept", "“acept” is nothing that can be ordered; did you mean “accept”?"),
            ("reject", "“reject” needs a reason of the agreement: “reject not-ready”"),
            ("later", "“later” needs a day: “later 2026-03-16”"),
            ("later tomorrow", "“tomorrow” is no day: write it like 2026-03-16"),
            ("away 16.3.", "“16.3.” is no day: write it like 2026-03-16"),
            ("give Sam", "“Sam” is no email address"),
            ("correct phone", "“correct” needs a field and its value: “correct phone +49 30 901820”"),
            ("replace", "“replace” needs the right person's address: “replace somebody@company.example”"),
        ] {
            assert_eq!(Order::parse(text).expect_err(text).to_string(), words);
        }
    }

    #[test]
    fn every_word_is_read_and_those_of_managers_order_what_only_managers_may() {
        for word in Word::ALL {
            let rest = match word {
                Word::Give | Word::Overturn | Word::Replace | Word::DuplicateOf => "rep2@ours.example",
                Word::Correct => "phone +49 30 901820",
                _ => "2026-03-16",
            };
            let order = Order::parse(&format!("{} {rest}", word.name())).expect("an order");
            let for_managers = matches!(&order, Order::Say(happening) if happening.is_for_managers());
            assert_eq!(for_managers, word.is_for_managers(), "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_somebody_writes_is_an_order_or_a_sentence(text in ".{0,80}") {
            if let Err(error) = Order::parse(&text) {
                prop_assert!(error.to_string().chars().count() < 200);
            }
        }
    }
}
