//! The signature of a message, as Standard Webhooks 1.0 has it.
//!
//! HMAC-SHA-256 over `id.timestamp.payload`, in base 64 behind `v1,`. The receiver checks it, and that the timestamp is
//! not old: so nobody else can send, and nobody can send again what they have heard.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// What a secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret, as the specification allows them.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What messages to one endpoint are signed with. It does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// Reads `whsec_` and base 64. `None` when it is no secret of 24 to 64 bytes.
    pub fn parse(text: &str) -> Option<SigningKey> {
        let bytes = STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
        BYTES.contains(&bytes.len()).then_some(SigningKey(bytes))
    }

    /// A fresh secret, as [`parse`](SigningKey::parse) reads it.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn fresh() -> Result<String, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// The `webhook-signature` of a message.
    pub fn signature(&self, id: &str, at: Timestamp, payload: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{}.{payload}", at.as_second()).as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_has_its_signature() {
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let at = Timestamp::from_second(1_614_265_330).expect("an instant");
        let signature = key.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", at, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_ne!(signature, key.signature("msg_p5jXN8AQM9LWM0D4loKWxJel", at, "{\"test\": 2432232314}"));
        assert!(!format!("{key:?}").contains("MfKQ"));
    }

    #[test]
    fn a_secret_is_long_enough_and_marked_as_one() {
        let fresh = SigningKey::fresh().expect("random numbers");
        assert!(SigningKey::parse(&fresh).is_some());
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!"] {
            assert_eq!(SigningKey::parse(text), None, "{text}");
        }
    }
}
