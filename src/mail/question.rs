//! Tokens in answer links: a question put to one lead, and often the answer that the link stands for.
//!
//! A token proves that we asked this lead this question, so nobody else's words ever stand on our pages. It never
//! expires: an answer that comes late is an answer still. GET shows it, POST gives it (`http/question.rs`).
//!
//! Templates write links while they are rendered, and must not get hold of the key that signs for every lead. So
//! rendering is handed a key for one lead ([`key_of_lead`]), which signs questions to that lead alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::domain::ids::LeadId;

/// 128 bits: not to be guessed, however many tries a web server allows.
const TAG_BYTES: usize = 16;

/// A question as a link puts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who is asked.
    pub lead: LeadId,
    /// What.
    pub question: String,
    /// The answer for which the link stands; `None`: the page asks for it.
    pub answer: Option<String>,
}

/// What the links of one lead's mail are written with: the values behind the helper `ask`.
pub fn asking(key: &[u8], lead: LeadId, public_url: &str) -> Value {
    json!({ "url": public_url, "lead": lead.0, "key": URL_SAFE_NO_PAD.encode(key_of_lead(key, lead)) })
}

/// The address for a question, of the values that [`asking`] gave; `None` when they are not.
pub fn address(asking: &Value, question: &str, answer: Option<&str>) -> Option<String> {
    let url = asking.get("url")?.as_str()?;
    let lead = LeadId(asking.get("lead")?.as_i64()?);
    let key = URL_SAFE_NO_PAD.decode(asking.get("key")?.as_str()?).ok()?;
    let said = said(question, answer);
    let mut bytes = lead.0.to_be_bytes().to_vec();
    bytes.extend_from_slice(&signed(&key, &said).finalize().into_bytes()[..TAG_BYTES]);
    bytes.extend_from_slice(said.as_bytes());
    Some(format!("{url}/q/{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The question whose token this is; `None` when we did not ask it.
pub fn verify(key: &[u8], token: &str) -> Option<Question> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, rest) = bytes.split_at_checked(8)?;
    let (tag, said) = rest.split_at_checked(TAG_BYTES)?;
    let lead = LeadId(i64::from_be_bytes(id.try_into().ok()?));
    let said = std::str::from_utf8(said).ok()?;
    signed(&key_of_lead(key, lead), said).verify_truncated_left(tag).ok()?;
    let mut said: Vec<String> = serde_json::from_str(said).ok()?;
    let answer = if said.len() == 2 { said.pop() } else { None };
    Some(Question { lead, question: said.pop().filter(|_| said.is_empty())?, answer })
}

fn said(question: &str, answer: Option<&str>) -> String {
    let said: Vec<&str> = std::iter::once(question).chain(answer).collect();
    // A list of texts always has a JSON form.
    serde_json::to_string(&said).unwrap_or_default()
}

/// Signs questions to one lead.
fn key_of_lead(key: &[u8], lead: LeadId) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"v1|questions|");
    mac.update(&lead.0.to_be_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn signed(key_of_lead: &[u8], said: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key_of_lead).expect("HMAC takes keys of any length");
    mac.update(b"v1|question|");
    mac.update(said.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(key: &[u8], lead: LeadId, question: &str, answer: Option<&str>) -> String {
        let asking = asking(key, lead, "https://ours.example");
        let address = address(&asking, question, answer).expect("an address");
        address.strip_prefix("https://ours.example/q/").expect("ours").to_owned()
    }

    #[test]
    fn a_token_that_was_changed_or_is_somebody_else_s_is_refused() {
        let ours = token(b"key", LeadId(7), "When?", Some("This year"));
        assert_eq!(verify(b"another installation's", &ours), None);
        for (at, _) in ours.char_indices() {
            let mut changed = ours.clone();
            let other = if &ours[at..=at] == "A" { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            assert_eq!(verify(b"key", &changed), None, "{changed}");
        }
        for junk in ["", "A", "!!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ä"] {
            assert_eq!(verify(b"key", junk), None, "{junk}");
        }
        // The key for one lead signs for no other.
        let mut asking = asking(b"key", LeadId(7), "https://ours.example");
        asking["lead"] = json!(8);
        let forged = address(&asking, "When?", None).expect("an address");
        assert_eq!(verify(b"key", forged.trim_start_matches("https://ours.example/q/")), None);
    }

    proptest! {
        #[test]
        fn what_was_asked_is_found_again(
            lead in 0..i64::MAX,
            question in "\\PC{1,80}",
            answer in proptest::option::of("\\PC{1,80}"),
        ) {
            let token = token(b"key", LeadId(lead), &question, answer.as_deref());
            prop_assert_eq!(verify(b"key", &token), Some(Question { lead: LeadId(lead), question, answer }));
        }
    }
}
