//! Email addresses: one spelling for one mailbox.
//!
//! Two records are one lead when their normalised addresses are equal. The domain is lower-cased and
//! brought into its ASCII form (IDNA, RFC 5891); the local part is lower-cased too, although RFC 5321
//! section 2.3.11 leaves its meaning to the receiver: no mail provider in use tells `Jane@` from
//! `jane@`, and lead exports mix them. Sub-addresses (`jane+news@`) stay as they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A normalised email address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an email address")]
pub struct NotAnAddress(pub String);

impl EmailAddress {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> String {
        address.0
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<EmailAddress, NotAnAddress> {
        text.parse()
    }
}

impl FromStr for EmailAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<EmailAddress, NotAnAddress> {
        Ok(EmailAddress(text.trim().to_lowercase()))
    }
}
