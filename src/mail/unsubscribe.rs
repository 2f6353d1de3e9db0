//! Tokens in unsubscribe links.
//!
//! A token names a lead and proves that we wrote it: nobody can take others off the list by counting. It
//! never expires, because a mail may be read years later and a link that does not work then is a complaint.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::ids::LeadId;

/// 128 bits: not to be guessed, however many tries a web server allows.
const TAG_BYTES: usize = 16;

/// The token of a lead.
pub fn token(key: &[u8], lead: LeadId) -> String {
    let mut bytes = lead.0.to_be_bytes().to_vec();
    bytes.extend_from_slice(&keyed(key, lead).finalize().into_bytes()[..TAG_BYTES]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The lead whose token this is; `None` when we did not write it.
pub fn verify(key: &[u8], token: &str) -> Option<LeadId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, tag) = bytes.split_at_checked(8)?;
    if tag.len() != TAG_BYTES {
        return None;
    }
    let lead = LeadId(i64::from_be_bytes(id.try_into().ok()?));
    keyed(key, lead).verify_truncated_left(tag).ok().map(|()| lead)
}

fn keyed(key: &[u8], lead: LeadId) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"v1|unsubscribe|");
    mac.update(&lead.0.to_be_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_lead_and_no_other() {
        let token = token(b"key", LeadId(7));
        assert_eq!(verify(b"key", &token), Some(LeadId(7)));
        assert_eq!(verify(b"another installation's", &token), None);
    }

    #[test]
    fn a_token_that_was_changed_is_refused() {
        let token = token(b"key", LeadId(7));
        for (at, _) in token.char_indices() {
            let mut changed = token.clone();
            let other = if &token[at..=at] == "A" { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            assert_eq!(verify(b"key", &changed), None, "{changed}");
        }
        for junk in ["", "A", "!!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ä"] {
            assert_eq!(verify(b"key", junk), None, "{junk}");
        }
    }
}
