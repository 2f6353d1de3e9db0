//! What follows from a mail that came in, for the lead it is about: a pure decision.
//!
//! Only what a token ties to a mail of ours acts by itself. What is merely from a lead's address, or is tied but written
//! by a stranger, is put to a person with what would follow: that holds the sequence meanwhile, which is the cheap
//! error, and neither suppresses nor moves anybody.

use super::Inbound;
use super::classify::{Class, Classified, Failure, Kind, Reason};
use crate::domain::email::EmailAddress;
use crate::domain::happening::{Bounce, Happening};

/// How surely a mail is about a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surety {
    /// It proves that it is about a mail of ours to that lead.
    Tied,
    /// Its sender says that it is the lead.
    SaysSo,
}

/// Who wrote it, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The lead's own address.
    Lead,
    /// Another one of its company's domain; whoever has a mailbox at the same provider is none.
    Colleague,
    /// Somebody else, or a server.
    Other,
}

impl Writer {
    /// Who wrote `mail` to, or for, whoever has the address `lead`.
    pub fn of(mail: &Inbound, lead: &EmailAddress) -> Writer {
        match &mail.from {
            Some(from) if from == lead => Writer::Lead,
            Some(from) if from.company_key().is_some() && from.company_key() == lead.company_key() => {
                Writer::Colleague
            }
            _ => Writer::Other,
        }
    }
}

/// What follows from a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This happened to the lead, in this order.
    Happened(Vec<Happening>),
    /// This may have happened; a person is asked, for this reason.
    Asks(Vec<Happening>, &'static str),
    /// Our mail was not delivered, and it is for us to mend.
    OursToMend(Reason),
    /// A person of ours has to do something that no lead's record shows; why.
    ForAPerson(&'static str),
    /// Nothing follows; why.
    Nothing(&'static str),
}

/// Only its sender says that a mail is about a lead.
const ONLY_SAYS_SO: &str = "only its sender's address says that it is this lead's";
/// A mail that belongs to our conversation with a lead has another writer.
const WRITTEN_BY_ANOTHER: &str = "it belongs to our conversation with this lead, but somebody else wrote it";

/// What follows from a mail that is `classified` so.
pub fn meaning(classified: &Classified, surety: Surety, writer: Writer) -> Meaning {
    match classified.class {
        Class::Bounce => bounce(&classified.failures, surety),
        Class::Complaint => complaint(classified, surety),
        Class::AutoReply => auto_reply(classified, surety, writer),
        Class::Unsubscribe => match (surety, writer) {
            (Surety::Tied, Writer::Lead | Writer::Colleague) => {
                Meaning::Happened(vec![Happening::Unsubscribed])
            }
            (Surety::Tied, Writer::Other) => Meaning::Asks(vec![Happening::Unsubscribed], WRITTEN_BY_ANOTHER),
            (Surety::SaysSo, _) => Meaning::Asks(vec![Happening::Unsubscribed], ONLY_SAYS_SO),
        },
        Class::Reply | Class::Calendar => {
            let mut happened = vec![Happening::Replied];
            happened.extend(classified.follow_up_on.map(|on| Happening::FollowUp { on }));
            sure(happened, surety)
        }
        Class::DeliveryNotice => Meaning::Nothing("our mail was delivered, or will be tried again"),
        Class::Receipt => {
            Meaning::Nothing("a program says that our mail was opened, which nobody has to have read")
        }
        Class::Challenge => {
            Meaning::ForAPerson("a machine wants proof that a person writes: answer it by hand, or leave it")
        }
    }
}

/// Every mail of ours has one recipient, so whatever address failed, it is that one's mail.
fn bounce(failures: &[Failure], surety: Surety) -> Meaning {
    if surety == Surety::SaysSo {
        return Meaning::ForAPerson("it says that a mail came back, and nothing ties it to a mail of ours");
    }
    match failures.iter().find(|failure| failure.is_permanent).or(failures.first()) {
        Some(failure) if failure.is_permanent => {
            Meaning::Happened(vec![Happening::Bounced(Bounce::Permanent)])
        }
        Some(failure) if failure.reason.is_ours() => Meaning::OursToMend(failure.reason),
        Some(failure) if failure.reason == Reason::MailboxFull => {
            Meaning::Happened(vec![Happening::Bounced(Bounce::Full)])
        }
        _ => Meaning::Happened(vec![Happening::Bounced(Bounce::Strike)]),
    }
}

/// RFC 5965 and RFC 6591: what is said to be no spam, and what failed a check of ours, is no complaint of a person.
fn complaint(classified: &Classified, surety: Surety) -> Meaning {
    let kind = classified.complaint.as_ref().map_or("abuse", |complaint| complaint.kind.as_str());
    match (kind, surety) {
        ("not-spam", _) => Meaning::Nothing("somebody says that our mail is no spam"),
        ("auth-failure" | "dmarc", _) => Meaning::OursToMend(Reason::Authentication),
        (_, Surety::SaysSo) => {
            Meaning::ForAPerson("it is a complaint, and nothing ties it to a mail of ours")
        }
        ("opt-out" | "opt-out-list", Surety::Tied) => Meaning::Happened(vec![Happening::Unsubscribed]),
        (_, Surety::Tied) => Meaning::Happened(vec![Happening::Complained]),
    }
}

/// Mail is passed on by machines, too: that somebody else is away holds the lead, which is the cheap error, but that somebody
/// else has left says nothing of it.
fn auto_reply(classified: &Classified, surety: Surety, writer: Writer) -> Meaning {
    let Some(reply) = &classified.auto_reply else {
        return Meaning::Nothing("a machine says that our mail arrived");
    };
    match reply.kind {
        Kind::OutOfOffice => {
            sure(vec![Happening::Away { until: reply.returns_on, do_not_call: reply.do_not_call }], surety)
        }
        Kind::LeftCompany if surety == Surety::Tied && writer != Writer::Lead => {
            Meaning::Asks(vec![Happening::LeftCompany], WRITTEN_BY_ANOTHER)
        }
        Kind::LeftCompany => sure(vec![Happening::LeftCompany], surety),
        Kind::Acknowledgement => Meaning::Nothing("a machine says that our mail arrived"),
    }
}

fn sure(happened: Vec<Happening>, surety: Surety) -> Meaning {
    match surety {
        Surety::Tied => Meaning::Happened(happened),
        Surety::SaysSo => Meaning::Asks(happened, ONLY_SAYS_SO),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::classify::{AutoReply, Complaint};
    use super::*;

    fn classified(class: Class) -> Classified {
        Classified {
            class,
            auto_reply: None,
            follow_up_on: None,
            failures: Vec::new(),
            complaint: None,
            evidence: Vec::new(),
        }
    }

    fn failed(reason: Reason) -> Classified {
        let failure = Failure { address: None, status: None, reason, is_permanent: reason.is_permanent() };
        Classified { failures: vec![failure], ..classified(Class::Bounce) }
    }

    fn complains(kind: &str) -> Classified {
        Classified { complaint: Some(Complaint { kind: kind.to_owned() }), ..classified(Class::Complaint) }
    }

    fn replies(kind: Kind) -> Classified {
        let returns_on = Some(date(2026, 3, 16));
        let reply = AutoReply { kind, returns_on, do_not_call: true, alternate_contact: None };
        Classified { auto_reply: Some(reply), ..classified(Class::AutoReply) }
    }

    #[test]
    fn nothing_that_is_not_tied_to_a_mail_of_ours_happens_by_itself() {
        let all =
            [Class::Bounce, Class::DeliveryNotice, Class::Complaint, Class::AutoReply, Class::Unsubscribe]
                .into_iter()
                .chain([Class::Reply, Class::Receipt, Class::Calendar, Class::Challenge]);
        let mut mails: Vec<Classified> = all.map(classified).collect();
        mails.extend([Kind::OutOfOffice, Kind::LeftCompany, Kind::Acknowledgement].map(replies));
        mails.extend([Reason::NoSuchMailbox, Reason::Blocked, Reason::NotReached].map(failed));
        for mail in mails {
            for writer in [Writer::Lead, Writer::Colleague, Writer::Other] {
                let meaning = meaning(&mail, Surety::SaysSo, writer);
                assert!(!matches!(meaning, Meaning::Happened(_)), "{:?}: {meaning:?}", mail.class);
            }
        }
    }

    #[test]
    fn a_bounce_is_the_addresses_end_a_strike_or_ours_to_mend() {
        let bounced = |bounce| Meaning::Happened(vec![Happening::Bounced(bounce)]);
        for (reason, follows) in [
            (Reason::NoSuchMailbox, bounced(Bounce::Permanent)),
            (Reason::NoSuchDomain, bounced(Bounce::Permanent)),
            (Reason::MailboxFull, bounced(Bounce::Full)),
            (Reason::NotReached, bounced(Bounce::Strike)),
            (Reason::Unknown, bounced(Bounce::Strike)),
            (Reason::Blocked, Meaning::OursToMend(Reason::Blocked)),
            (Reason::Authentication, Meaning::OursToMend(Reason::Authentication)),
            (Reason::TooLarge, Meaning::OursToMend(Reason::TooLarge)),
        ] {
            assert_eq!(meaning(&failed(reason), Surety::Tied, Writer::Other), follows, "{reason:?}");
        }
    }

    #[test]
    fn of_complaints_only_what_a_person_says_stops_the_mail() {
        let of = |kind: &str| meaning(&complains(kind), Surety::Tied, Writer::Other);
        for kind in ["abuse", "fraud", "virus", "other"] {
            assert_eq!(of(kind), Meaning::Happened(vec![Happening::Complained]), "{kind}");
        }
        assert_eq!(of("opt-out"), Meaning::Happened(vec![Happening::Unsubscribed]));
        assert_eq!(of("auth-failure"), Meaning::OursToMend(Reason::Authentication));
        assert!(matches!(of("not-spam"), Meaning::Nothing(_)));
    }

    #[test]
    fn who_answers_is_heard_also_when_a_colleague_does_and_a_stranger_takes_nobody_off_the_list() {
        let mut reply = classified(Class::Reply);
        assert_eq!(meaning(&reply, Surety::Tied, Writer::Other), Meaning::Happened(vec![Happening::Replied]));
        reply.follow_up_on = Some(date(2026, 9, 1));
        let on = date(2026, 9, 1);
        assert_eq!(
            meaning(&reply, Surety::Tied, Writer::Lead),
            Meaning::Happened(vec![Happening::Replied, Happening::FollowUp { on }])
        );
        let off = classified(Class::Unsubscribe);
        assert_eq!(
            meaning(&off, Surety::Tied, Writer::Colleague),
            Meaning::Happened(vec![Happening::Unsubscribed])
        );
        assert_eq!(
            meaning(&off, Surety::Tied, Writer::Other),
            Meaning::Asks(vec![Happening::Unsubscribed], WRITTEN_BY_ANOTHER)
        );
    }

    #[test]
    fn an_absence_is_one_until_its_day_and_who_left_is_gone() {
        let until = Some(date(2026, 3, 16));
        assert_eq!(
            meaning(&replies(Kind::OutOfOffice), Surety::Tied, Writer::Lead),
            Meaning::Happened(vec![Happening::Away { until, do_not_call: true }])
        );
        assert_eq!(
            meaning(&replies(Kind::LeftCompany), Surety::Tied, Writer::Lead),
            Meaning::Happened(vec![Happening::LeftCompany])
        );
        assert_eq!(
            meaning(&replies(Kind::LeftCompany), Surety::Tied, Writer::Colleague),
            Meaning::Asks(vec![Happening::LeftCompany], WRITTEN_BY_ANOTHER)
        );
        let acknowledged = meaning(&replies(Kind::Acknowledgement), Surety::Tied, Writer::Lead);
        assert!(matches!(acknowledged, Meaning::Nothing(_)));
    }
}
