//! Fingerprints: how the store knows that it has a touch, an answer or an activity already.
//!
//! An export that comes every day says the same things every day. What says the same has the same
//! fingerprint, whatever the time of taking in, and one lead holds each fingerprint once. They are
//! kept for ever, so what goes into them must never change: order, names and lengths below.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::domain::hex::hex;
use crate::domain::lead::{Activity, Answer, Touch};

impl Touch {
    /// SHA-256 over everything it says, in lower-case hex.
    pub fn fingerprint(&self) -> String {
        fingerprint(
            "touch",
            self.occurred_at,
            &[
                self.source.as_deref(),
                self.medium.as_deref(),
                self.campaign.as_deref(),
                self.term.as_deref(),
                self.content.as_deref(),
                self.ad.as_deref(),
                self.landing_page.as_deref(),
                self.referrer.as_deref(),
            ],
        )
    }
}

impl Answer {
    /// SHA-256 over question, answer and time, in lower-case hex.
    pub fn fingerprint(&self) -> String {
        fingerprint("answer", self.occurred_at, &[Some(&self.question), Some(&self.answer)])
    }
}

impl Activity {
    /// SHA-256 over name and time, in lower-case hex.
    pub fn fingerprint(&self) -> String {
        fingerprint("activity", Some(self.occurred_at), &[Some(&self.name)])
    }
}

/// Each part is preceded by its length, an absent one by `-`, so that no two lists of parts read alike.
fn fingerprint(kind: &str, at: Option<Timestamp>, parts: &[Option<&str>]) -> String {
    let mut hash = Sha256::new();
    hash.update(kind);
    match at {
        Some(at) => hash.update(format!("@{}", at.as_millisecond())),
        None => hash.update("@-"),
    }
    for part in parts {
        match part {
            Some(text) => {
                hash.update(format!("|{}:", text.len()));
                hash.update(text);
            }
            None => hash.update("|-"),
        }
    }
    hex(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_never_changes_between_versions() {
        let touch = Touch { source: Some("google".into()), medium: Some("cpc".into()), ..Touch::default() };
        // SHA-256 of `touch@-|6:google|3:cpc|-|-|-|-|-|-`.
        assert_eq!(touch.fingerprint(), "f156c5ace176e8b4f2dbc149c9801164f1c6b5182b603a8d21bd8100fa8a3b36");
    }

    #[test]
    fn what_differs_in_any_part_differs_in_the_fingerprint() {
        let base = Touch { source: Some("ab".into()), ..Touch::default() };
        let others = [
            Touch { source: None, medium: Some("ab".into()), ..Touch::default() },
            Touch { source: Some("a".into()), medium: Some("b".into()), ..Touch::default() },
            Touch { occurred_at: Some(Timestamp::UNIX_EPOCH), ..base.clone() },
            Touch { source: Some(String::new()), ..Touch::default() },
            Touch::default(),
        ];
        for other in others {
            assert_ne!(base.fingerprint(), other.fingerprint(), "{other:?}");
        }
        assert_eq!(base.fingerprint(), base.clone().fingerprint());
    }
}
