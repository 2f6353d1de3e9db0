//! What a mail that came in is: a bounce, a complaint, an out-of-office reply, or somebody who answers.
//!
//! The order of the tests matters. Bounces and complaints come first, because a third of them say of themselves that
//! they are automatic replies; what says that it is a report comes before what only looks like one. Whoever is left is
//! a person: that is the cheap error, since a person's answer only stops a sequence and tells the owner.
//!
//! Nothing here changes anything, and nothing reads a clock: "now" is the mail's own date. Every answer says by which
//! words of the mail it came about.
//!
//! Sources: RFC 3464 and 3461 (delivery status), RFC 5965 (complaints), RFC 8098 (receipts), RFC 3834 (automatic
//! replies), RFC 5546 (calendar answers); what of them servers really send is in the cases of `tests/inbound`.

mod absence;
mod automatic;
mod challenge;
mod complaint;
mod delivery;
mod diagnosis;
mod facts;
mod notification;
mod phrases;
mod returned;
mod ringing;
mod unsubscribe;

use jiff::civil::Date;

pub use complaint::Complaint;
pub use diagnosis::Reason;
use facts::Facts;

use super::dates;

/// What a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A mail of ours was not delivered.
    Bounce,
    /// A mail of ours was delivered, or handed on.
    DeliveryNotice,
    /// Somebody called a mail of ours spam.
    Complaint,
    /// A machine answers for somebody.
    AutoReply,
    /// Somebody wants no more mail.
    Unsubscribe,
    /// A person answers.
    Reply,
    /// A mail of ours was opened, or deleted, as the reader's program says.
    Receipt,
    /// An invitation was answered.
    Calendar,
    /// A machine asks for proof that we are a person.
    Challenge,
}

impl Class {
    /// Its name in what is printed and kept.
    pub fn name(self) -> &'static str {
        match self {
            Class::Bounce => "bounce",
            Class::DeliveryNotice => "delivery_notice",
            Class::Complaint => "complaint",
            Class::AutoReply => "auto_reply",
            Class::Unsubscribe => "unsubscribe",
            Class::Reply => "reply",
            Class::Receipt => "receipt",
            Class::Calendar => "calendar",
            Class::Challenge => "challenge",
        }
    }
}

/// What kind of automatic reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody is away and comes back.
    OutOfOffice,
    /// Somebody is gone for good, or the mailbox is.
    LeftCompany,
    /// A mail was received, and no more.
    Acknowledgement,
}

impl Kind {
    /// Its name in what is printed and kept.
    pub fn name(self) -> &'static str {
        match self {
            Kind::OutOfOffice => "out_of_office",
            Kind::LeftCompany => "left_company",
            Kind::Acknowledgement => "acknowledgement",
        }
    }
}

/// What an automatic reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoReply {
    /// What kind it is.
    pub kind: Kind,
    /// The first day on which its writer is back.
    pub returns_on: Option<Date>,
    /// It asks not to be rung, or only in an emergency.
    pub do_not_call: bool,
    /// The address of whoever stands in.
    pub alternate_contact: Option<String>,
}

/// One recipient whom a mail did not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whom, as far as the report says.
    pub address: Option<String>,
    /// The enhanced status code (RFC 3463).
    pub status: Option<String>,
    /// Why.
    pub reason: Reason,
    /// Nothing will ever reach this address.
    pub is_permanent: bool,
}

/// What a mail is, with what follows from its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// What it is.
    pub class: Class,
    /// What it says, if it is an automatic reply.
    pub auto_reply: Option<AutoReply>,
    /// When its writer wants to hear from us again, if a person says so.
    pub follow_up_on: Option<Date>,
    /// Whom it says was not reached.
    pub failures: Vec<Failure>,
    /// What somebody complains of.
    pub complaint: Option<Complaint>,
    /// By which of its words this was decided: without names and addresses.
    pub evidence: Vec<String>,
}

impl Classified {
    fn new(class: Class, evidence: Vec<String>) -> Self {
        Self { class, auto_reply: None, follow_up_on: None, failures: Vec::new(), complaint: None, evidence }
    }
}

/// What the mail `raw` is. Never fails: what cannot be read is something for a person, and so a [`Class::Reply`].
pub fn classify(raw: &[u8]) -> Classified {
    let Some(message) = mail_parser::MessageParser::default().parse(raw) else {
        return Classified::new(Class::Reply, vec!["it cannot be read as a mail".to_owned()]);
    };
    classify_message(&message)
}

/// The same of a mail that was taken apart.
pub fn classify_message(message: &mail_parser::Message<'_>) -> Classified {
    let facts = Facts::of(message);
    complaint::classify(&facts)
        .or_else(|| delivery::classify(&facts))
        .or_else(|| receipt(&facts))
        .or_else(|| notification::classify(&facts))
        .or_else(|| returned::classify(&facts))
        .or_else(|| calendar(&facts))
        .or_else(|| challenge::classify(&facts))
        .or_else(|| automatic::classify(&facts))
        .or_else(|| unsubscribe::classify(&facts))
        .unwrap_or_else(|| reply(&facts))
}

/// RFC 8098: somebody's program says what became of a mail that was delivered.
fn receipt(facts: &Facts<'_>) -> Option<Classified> {
    let is_receipt = facts.report_type() == Some("disposition-notification")
        || facts.part("message", "disposition-notification").is_some();
    is_receipt.then(|| Classified::new(Class::Receipt, vec!["message/disposition-notification".to_owned()]))
}

/// RFC 5546: an invitation is answered, or made.
fn calendar(facts: &Facts<'_>) -> Option<Classified> {
    let method = facts.calendar_method()?;
    if !["reply", "counter", "request", "cancel", "declinecounter", "refresh"].contains(&method.as_str()) {
        return None;
    }
    Some(Classified::new(Class::Calendar, vec![format!("text/calendar, method={method}")]))
}

/// A person, until something else is shown.
fn reply(facts: &Facts<'_>) -> Classified {
    let mut evidence = vec!["nothing says that a machine wrote it".to_owned()];
    let named = facts.written.and_then(|written| dates::follow_up_on(&facts.own, written));
    if let Some(named) = &named {
        evidence.push(format!("asks to be contacted on {}: “{}”", named.date, named.words));
    }
    Classified { follow_up_on: named.map(|named| named.date), ..Classified::new(Class::Reply, evidence) }
}
