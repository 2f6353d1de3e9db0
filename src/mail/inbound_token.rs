//! Tokens in the links by which a person says whether a mail that came in is a lead's own.
//!
//! A token names a kept mail and proves that we asked about it. It needs no end: once it is answered, the mail does not
//! wait any more, and the link changes nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// 128 bits: not to be guessed, however many tries a web server allows.
const TAG_BYTES: usize = 16;

/// The token of a kept mail.
pub fn token(key: &[u8], mail: i64) -> String {
    let mut bytes = mail.to_be_bytes().to_vec();
    bytes.extend_from_slice(&keyed(key, mail).finalize().into_bytes()[..TAG_BYTES]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The kept mail whose token this is; `None` when we did not write it.
pub fn verify(key: &[u8], token: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, tag) = bytes.split_at_checked(8)?;
    if tag.len() != TAG_BYTES {
        return None;
    }
    let mail = i64::from_be_bytes(id.try_into().ok()?);
    keyed(key, mail).verify_truncated_left(tag).ok().map(|()| mail)
}

fn keyed(key: &[u8], mail: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"v1|inbound|");
    mac.update(&mail.to_be_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_mail_and_no_other() {
        let ours = token(b"key", 7);
        assert_eq!(verify(b"key", &ours), Some(7));
        assert_eq!(verify(b"another installation's", &ours), None);
        for (at, _) in ours.char_indices() {
            let mut changed = ours.clone();
            let other = if &ours[at..=at] == "A" { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            assert_eq!(verify(b"key", &changed), None, "{changed}");
        }
        for junk in ["", "A", "!!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ä"] {
            assert_eq!(verify(b"key", junk), None, "{junk}");
        }
    }
}
