//! What keeps a lead out, and what is only told.

use std::fmt;

use serde::Serialize;

use crate::domain::email::NotAnAddress;

/// Why a lead was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is nothing to know the lead by.
    #[error("it has no email address")]
    NoEmail,
    /// The text is no address.
    #[error(transparent)]
    BadEmail(#[from] NotAnAddress),
}

/// What was wrong with a field of a lead that was taken in all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The phone number cannot be dialled; it is kept among the fields.
    Phone,
    /// The country is not known; it is kept among the fields.
    Country,
    /// The time zone is not known; it is kept among the fields.
    Zone,
    /// The language is not known; it is kept among the fields.
    Language,
    /// A time cannot be read, or lies in the future.
    Time,
    /// A date may have day and month the other way round.
    AmbiguousDate,
    /// The score is no number.
    Score,
    /// The owner is neither an address nor a rep of the agreement.
    Owner,
    /// A text was too long and was cut.
    Cut,
    /// There were more fields, answers or activities than are kept.
    TooMany,
}

impl WarningKind {
    /// As a summary counts them.
    pub fn label(self) -> &'static str {
        match self {
            WarningKind::Phone => "phone number that cannot be dialled",
            WarningKind::Country => "unknown country",
            WarningKind::Zone => "unknown time zone",
            WarningKind::Language => "unknown language",
            WarningKind::Time => "unreadable time",
            WarningKind::AmbiguousDate => "date whose day and month may be the other way round",
            WarningKind::Score => "score that is no number",
            WarningKind::Owner => "owner who is no rep of the agreement",
            WarningKind::Cut => "text that was too long and was cut",
            WarningKind::TooMany => "lead with more fields than are kept",
        }
    }
}

/// Something about a lead that could not be read. `Debug` does not show the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Warning {
    /// What was wrong.
    pub kind: WarningKind,
    /// The field, as [`RawLead`](super::RawLead) calls it, or the column.
    pub field: String,
    /// What was written.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: `{}`", self.field, self.kind.label(), self.text)
    }
}

impl fmt::Debug for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warning")
            .field("kind", &self.kind)
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}
