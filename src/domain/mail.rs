//! The kinds of mail there are, and the states one can be in.

use super::names::names;

names! {
    /// Whom a mail is for. It decides the guarantee: to a lead at most once, to staff at least once.
    Audience, "audience" {
        /// A lead.
        Lead = "lead",
        /// A rep, a manager, marketing, the operator.
        Staff = "staff",
    }
}

names! {
    /// What a mail is.
    MailClass, "mail class" {
        /// A step of a sequence, to a lead.
        Nurture = "nurture",
        /// A ready lead with all its context, to its rep.
        HandOff = "hand_off",
        /// A promise is about to be broken, to its owner.
        Warning = "warning",
        /// A promise is broken.
        Escalation = "escalation",
        /// Several things at once.
        Digest = "digest",
        /// Figures of a period.
        Report = "report",
        /// Something somebody should know.
        Notice = "notice",
    }
}

names! {
    /// How far a mail has come.
    MailState, "mail state" {
        /// Waits until it is due.
        Pending = "pending",
        /// Is on the wire; durable before its first byte leaves.
        Sending = "sending",
        /// The server took it.
        Sent = "sent",
        /// A step that does not apply to its lead.
        Skipped = "skipped",
        /// Will not be sent; the reason stands beside it.
        Dropped = "dropped",
        /// Nobody knows whether the server took it.
        InDoubt = "in_doubt",
        /// Needs a person; the reason stands beside it.
        Parked = "parked",
    }
}
