//! The names a mail carries so that what comes back can be told apart: its Message-ID and the address
//! that bounces go to.
//!
//! Both are derived from the outbox id with HMAC-SHA-256. The same mail sent twice therefore has the
//! same Message-ID, which is what lets receivers drop the second copy; and only we can make a name
//! that [`verified`] or [`mail_of`] accepts, so a stranger cannot have a lead suppressed by forging a bounce.
//! Everything is lower case, because some servers change the case of local parts on the way.
//!
//! A Message-ID hides its outbox id, and gives it back to whoever has the key: the tag that proves it is also what
//! the id is masked with (as in the synthetic IV of RFC 5297). So no table of Message-IDs is needed to know a reply.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::email::{EmailAddress, NotAnAddress};
use crate::domain::ids::OutboxId;

/// 96 bits prove that a Message-ID is ours; a guess would have to be right at the first try.
const MESSAGE_ID_TAG: usize = 12;

/// The tag, and the masked id of the mail behind it.
const MESSAGE_ID_BYTES: usize = MESSAGE_ID_TAG + size_of::<i64>();

/// How many characters a Message-ID of ours has before its `@`.
pub const MESSAGE_ID_LENGTH: usize = MESSAGE_ID_BYTES / 5 * 8;

/// 80 bits cannot be guessed by mail, and leave the local part far below its 64 characters (RFC 5321
/// section 4.5.3.1.1).
const TAG_BYTES: usize = 10;

/// RFC 4648 base 32 in lower case: no character that a mail server would quote or fold.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The Message-ID of a mail, with its angle brackets: `<…@domain>`.
///
/// It tells nothing about the mail, the host or how many mails there were.
pub fn message_id(key: &[u8], mail: OutboxId, domain: &str) -> String {
    let digest = keyed(key, "message-id", mail).finalize().into_bytes();
    let tag = &digest[..MESSAGE_ID_TAG];
    let masked = mail.0 ^ mask(key, tag);
    format!("<{}@{domain}>", base32(&[tag, &masked.to_be_bytes()].concat()))
}

/// The mail whose [`message_id`] this is, with or without angle brackets, if it is one of ours. What stands behind the
/// `@` is not looked at: a mail is the same when our domain has another name.
pub fn mail_of(key: &[u8], message_id: &str) -> Option<OutboxId> {
    let (local, _) = message_id.trim().trim_start_matches('<').split_once('@')?;
    let bytes = from_base32(&local.to_ascii_lowercase()).filter(|bytes| bytes.len() == MESSAGE_ID_BYTES)?;
    let (tag, masked) = bytes.split_at(MESSAGE_ID_TAG);
    let mail = OutboxId(i64::from_be_bytes(masked.try_into().ok()?) ^ mask(key, tag));
    keyed(key, "message-id", mail).verify_truncated_left(tag).ok().map(|()| mail)
}

/// What hides the id of the mail whose tag this is.
fn mask(key: &[u8], tag: &[u8]) -> i64 {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(b"message-id-mask\0");
    mac.update(tag);
    let digest = mac.finalize().into_bytes();
    i64::from_be_bytes(*digest.first_chunk().expect("a digest is longer"))
}

/// The envelope sender of a mail: `base` with a token as its sub-address, `local+b7f-tag@domain`
/// (a variable envelope return path, VERP).
///
/// # Errors
///
/// When `base` with the token is no address, because its local part is too long.
pub fn envelope_sender(
    key: &[u8],
    mail: OutboxId,
    base: &EmailAddress,
) -> Result<EmailAddress, NotAnAddress> {
    let (local, domain) = base.as_str().rsplit_once('@').unwrap_or((base.as_str(), ""));
    let digest = keyed(key, "envelope-sender", mail).finalize().into_bytes();
    format!("{local}+b{:x}-{}@{domain}", mail.0, base32(&digest[..TAG_BYTES])).parse()
}

/// The mail whose [`envelope_sender`] `address` is, if the token in it is one of ours.
pub fn verified(key: &[u8], address: &EmailAddress) -> Option<OutboxId> {
    let (local, _) = address.as_str().rsplit_once('@')?;
    let (_, token) = local.rsplit_once('+')?;
    let (id, tag) = token.strip_prefix('b')?.split_once('-')?;
    // `from_str_radix` takes a sign; an id that we wrote has none.
    let digits = id.bytes().all(|b| b.is_ascii_hexdigit());
    let mail = OutboxId(digits.then(|| i64::from_str_radix(id, 16))?.ok()?);
    let tag = from_base32(tag).filter(|tag| tag.len() == TAG_BYTES)?;
    keyed(key, "envelope-sender", mail).verify_truncated_left(&tag).ok().map(|()| mail)
}

/// One key serves both names; the purpose keeps one from being passed for the other.
fn keyed(key: &[u8], purpose: &str, mail: OutboxId) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(&mail.0.to_be_bytes());
    mac
}

/// Base 32 without padding. Every length used here is a multiple of five bytes, so no bits are left over.
pub(super) fn base32(bytes: &[u8]) -> String {
    bytes
        .chunks(5)
        .flat_map(|five| {
            let word = five.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
            (0..8).rev().map(move |place| char::from(BASE32[(word >> (5 * place)) as usize & 31]))
        })
        .collect()
}

pub(super) fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    for eight in text.as_bytes().chunks(8) {
        let mut word = 0u64;
        for letter in eight {
            let value = BASE32.iter().position(|known| known == letter)?;
            word = word << 5 | value as u64;
        }
        bytes.extend((eight.len() == 8).then(|| word.to_be_bytes())?.into_iter().skip(3));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = b"a key of the store";

    fn base() -> EmailAddress {
        "nurture@ours.example".parse().expect("an address")
    }

    #[test]
    fn the_same_mail_always_has_the_same_message_id_and_another_mail_or_key_another_one() {
        let id = message_id(KEY, OutboxId(7), "ours.example");
        assert_eq!(id, message_id(KEY, OutboxId(7), "ours.example"));
        assert_ne!(id, message_id(KEY, OutboxId(8), "ours.example"));
        assert_ne!(id, message_id(b"another key", OutboxId(7), "ours.example"));
        let (local, domain) = id.trim_matches(['<', '>']).split_once('@').expect("an @");
        assert_eq!((local.len(), domain), (32, "ours.example"));
    }

    #[test]
    fn a_forged_or_foreign_message_id_names_no_mail() {
        let id = message_id(KEY, OutboxId(7), "ours.example");
        let local = id.trim_matches(['<', '>']).split('@').next().expect("a local part").to_owned();
        for forged in [
            format!("<a{}@ours.example>", &local[1..]),
            format!("<{}@ours.example>", &local[1..]),
            format!("<{local}a@ours.example>"),
            format!("<{local}>"),
            "<@ours.example>".to_owned(),
            "<CAF=x1+y@mail.gmail.com>".to_owned(),
            String::new(),
        ] {
            // The first letter may happen to be the one that is put there.
            assert!(forged == id || mail_of(KEY, &forged).is_none(), "{forged}");
        }
        assert_eq!(mail_of(b"another key", &id), None);
    }

    #[test]
    fn base_32_agrees_with_the_vectors_of_rfc_4648() {
        assert_eq!(base32(b"fooba"), "mzxw6ytb");
        assert_eq!(from_base32("mzxw6ytb").as_deref(), Some(&b"fooba"[..]));
        assert_eq!(from_base32("mzxw6yt"), None);
        assert_eq!(from_base32("mzxw6yt1"), None);
    }

    #[test]
    fn a_forged_or_foreign_bounce_address_names_no_mail() {
        let ours = envelope_sender(KEY, OutboxId(0xb7f), &base()).expect("an address");
        let (_, tag) = ours.as_str().split_once('-').expect("a tag");
        for forged in [
            format!("nurture+bb80-{tag}"),
            format!("nurture+b+b7f-{tag}"),
            format!("nurture+bb7f-{}", &tag[1..]),
            format!("nurture+bb7f-a{tag}"),
            "nurture+bb7f-@ours.example".to_owned(),
            "nurture+b-@ours.example".to_owned(),
            "nurture@ours.example".to_owned(),
            "nurture+news@ours.example".to_owned(),
        ] {
            let forged = EmailAddress::try_from(forged).expect("an address");
            assert_eq!(verified(KEY, &forged), None, "{forged}");
        }
        assert_eq!(verified(b"another key", &ours), None);
    }

    proptest! {
        #[test]
        fn what_a_message_id_names_is_found_again(id in 0..i64::MAX, shouted: bool, bare: bool) {
            let sent = message_id(KEY, OutboxId(id), "ours.example");
            let seen = if shouted { sent.to_uppercase() } else { sent };
            let seen = if bare { seen.trim_matches(['<', '>']) } else { &seen };
            prop_assert_eq!(mail_of(KEY, seen), Some(OutboxId(id)));
        }

        #[test]
        fn what_an_envelope_sender_names_is_found_again(id in 0..i64::MAX, shouted: bool) {
            let sender = envelope_sender(KEY, OutboxId(id), &base()).expect("an address");
            let local = sender.as_str().split('@').next().expect("a local part").len();
            prop_assert!(local <= 64, "{sender}");
            let seen = if shouted { sender.as_str().to_uppercase() } else { sender.as_str().to_owned() };
            let seen: EmailAddress = seen.parse().expect("an address");
            prop_assert_eq!(verified(KEY, &seen), Some(OutboxId(id)));
        }
    }
}
