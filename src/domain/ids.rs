//! Row numbers, each with a type of its own, so that a lead's cannot be passed for an enrolment's.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A lead.
    LeadId;
    /// A lead's passage through one sequence.
    EnrolmentId;
    /// A mail in the outbox.
    OutboxId;
    /// One hand-off of a lead to a rep.
    HandOffId;
    /// One running or ended SLA clock.
    SlaClockId;
    /// Something that staff has to be told.
    MatterId;
    /// An entry of the event log.
    EventId;
    /// A token of the HTTP API.
    TokenId;
    /// Something that another system is to be told.
    DeliveryId;
    /// One lead given back by one rep.
    GivenBackId;
    /// Something marketing has to look at.
    WorkItemId;
}
