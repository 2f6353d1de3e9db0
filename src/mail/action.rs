//! Tokens that let whoever got a mail act on it: in links, and in the subject of an answer.
//!
//! A token is bound to one hand-off (and so to one lead), or to a lead where marketing has something to mend, and to
//! one person, and ends after so many days: mails
//! get forwarded, and an old one should not be a right for ever. It says nothing of itself: not the address,
//! not the lead. All of it is lower case without signs, so that it survives a mail server, a subject and a
//! person who reads it out; 40 characters, so that a link fits on a line.
//!
//! What it proves is that we wrote it for that person about that hand-off. Whether they may still act is for
//! the engine to say.

use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use sha2::Sha256;

use super::token::{base32, from_base32};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{HandOffId, LeadId};

/// How many days a token lasts, beside the day on which it was written.
pub const DAYS: i64 = 30;

/// Hand-offs and leads are counted up to 2⁴⁷; the bit above tells them apart.
const ID_BYTES: usize = 6;
const IS_LEAD: i64 = 1 << 47;
/// Days since 1970-01-01, until the year 2149.
const DAY_BYTES: usize = 2;
/// 40 bits tell the few people of an agreement apart; the tag keeps others from choosing them.
const WHO_BYTES: usize = 5;
/// 96 bits: not to be guessed, however many tries a server allows.
const TAG_BYTES: usize = 12;

/// Length of a token in characters.
pub const LENGTH: usize = (ID_BYTES + DAY_BYTES + WHO_BYTES + TAG_BYTES) / 5 * 8;

/// What a token is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A hand-off, for its rep and whoever answers for the team.
    HandOff(HandOffId),
    /// A lead, for marketing.
    Lead(LeadId),
}

/// A token that we wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What it is about.
    pub about: About,
    /// Its last day (UTC).
    pub last_day: Date,
    who: [u8; WHO_BYTES],
}

/// The token with which `to` acts on a hand-off, written at `now`.
pub fn token(key: &[u8], hand_off: HandOffId, to: &EmailAddress, now: Timestamp) -> String {
    token_about(key, About::HandOff(hand_off), to, now)
}

/// The same about either.
pub fn token_about(key: &[u8], about: About, to: &EmailAddress, now: Timestamp) -> String {
    let id = match about {
        About::HandOff(hand_off) => hand_off.0,
        About::Lead(lead) => lead.0 | IS_LEAD,
    };
    let last_day = day_of(now).saturating_add(DAYS.days());
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.extend_from_slice(&id.to_be_bytes()[8 - ID_BYTES..]);
    bytes.extend_from_slice(&days_since_epoch(last_day).to_be_bytes());
    bytes.extend_from_slice(&who(key, to));
    let tag = tag(key, &bytes).finalize().into_bytes();
    bytes.extend_from_slice(&tag[..TAG_BYTES]);
    base32(&bytes)
}

/// What a token grants; `None` when we did not write it. It may be in capitals, as some servers make it.
/// Whether its last day has passed is another question: [`Grant::is_over`].
pub fn verify(key: &[u8], token: &str) -> Option<Grant> {
    if token.len() != LENGTH {
        return None;
    }
    let bytes = from_base32(&token.to_ascii_lowercase())?;
    let (content, found) = bytes.split_at_checked(ID_BYTES + DAY_BYTES + WHO_BYTES)?;
    tag(key, content).verify_truncated_left(found).ok()?;
    let mut id = [0; 8];
    id[8 - ID_BYTES..].copy_from_slice(content.get(..ID_BYTES)?);
    let day = u16::from_be_bytes(content.get(ID_BYTES..ID_BYTES + DAY_BYTES)?.try_into().ok()?);
    let id = i64::from_be_bytes(id);
    let about =
        if id & IS_LEAD == 0 { About::HandOff(HandOffId(id)) } else { About::Lead(LeadId(id & !IS_LEAD)) };
    Some(Grant {
        about,
        last_day: EPOCH.checked_add(i64::from(day).days()).ok()?,
        who: content.get(ID_BYTES + DAY_BYTES..)?.try_into().ok()?,
    })
}

/// The token in `text`, if one of its words is one of ours: a subject may have "Re:" before it and brackets
/// around it.
pub fn find(key: &[u8], text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() == LENGTH)
        .find(|word| verify(key, word).is_some())
        .map(str::to_ascii_lowercase)
}

impl Grant {
    /// Whether it was written for this person.
    pub fn is_for(&self, key: &[u8], person: &EmailAddress) -> bool {
        who(key, person) == self.who
    }

    /// Whether its last day has passed.
    pub fn is_over(&self, now: Timestamp) -> bool {
        day_of(now) > self.last_day
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

fn day_of(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn days_since_epoch(day: Date) -> u16 {
    u16::try_from((day - EPOCH).get_days()).unwrap_or(u16::MAX)
}

/// A person, as a token names them.
fn who(key: &[u8], person: &EmailAddress) -> [u8; WHO_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"v1|action|who|");
    mac.update(person.as_str().as_bytes());
    let mut who = [0; WHO_BYTES];
    who.copy_from_slice(&mac.finalize().into_bytes()[..WHO_BYTES]);
    who
}

fn tag(key: &[u8], content: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"v1|action|tag|");
    mac.update(content);
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = b"a key of the store";

    fn rep() -> EmailAddress {
        "rep1@ours.example".parse().expect("an address")
    }

    fn now() -> Timestamp {
        "2026-03-03T09:00:00Z".parse().expect("an instant")
    }

    #[test]
    fn a_token_is_for_one_person_and_one_hand_off_and_ends() {
        let token = token(KEY, HandOffId(7), &rep(), now());
        let grant = verify(KEY, &token).expect("it is ours");
        assert_eq!(
            (grant.about, grant.last_day),
            (About::HandOff(HandOffId(7)), jiff::civil::date(2026, 4, 2))
        );
        let of_lead = token_about(KEY, About::Lead(LeadId(7)), &rep(), now());
        assert_eq!(verify(KEY, &of_lead).map(|grant| grant.about), Some(About::Lead(LeadId(7))));
        assert!(grant.is_for(KEY, &rep()));
        assert!(!grant.is_for(KEY, &"rep2@ours.example".parse().expect("an address")));
        for (at, is_over) in [
            ("2026-03-03T09:00:00Z", false),
            ("2026-04-02T23:59:59Z", false),
            ("2026-04-03T00:00:00Z", true),
            ("2030-01-01T00:00:00Z", true),
        ] {
            assert_eq!(grant.is_over(at.parse().expect("an instant")), is_over, "{at}");
        }
    }

    #[test]
    fn a_token_that_was_changed_cut_or_made_elsewhere_is_none() {
        let token = token(KEY, HandOffId(7), &rep(), now());
        assert_eq!(verify(b"another installation's", &token), None);
        for (at, letter) in token.char_indices() {
            let mut changed = token.clone();
            changed.replace_range(at..=at, if letter == 'a' { "b" } else { "a" });
            assert_eq!(verify(KEY, &changed), None, "{changed}");
        }
        let (longer, doubled) = (format!("{token}a"), format!("{token}{token}"));
        let umlauts = "ä".repeat(LENGTH / 2);
        for junk in
            ["", "a", &token[1..], &longer, &doubled, &"a".repeat(LENGTH), &umlauts, &"!".repeat(LENGTH)]
        {
            assert_eq!(verify(KEY, junk), None, "{junk}");
        }
    }

    #[test]
    fn a_token_is_found_in_a_subject_whatever_stands_around_it() {
        let token = token(KEY, HandOffId(7), &rep(), now());
        for subject in [
            format!("accept [{token}]"),
            format!("AW: Re: accept ({}) Jane Doe", token.to_uppercase()),
            token.clone(),
            format!("log+{token}@ours.example"),
        ] {
            assert_eq!(find(KEY, &subject).as_deref(), Some(token.as_str()), "{subject}");
        }
        assert_eq!(find(KEY, &format!("accept x{token}")), None);
        assert_eq!(find(b"another", &token), None);
    }

    proptest! {
        #[test]
        fn every_hand_off_is_found_again(id in 0..(1_i64 << 47), shouted: bool, local in "[a-z]{1,12}") {
            let person: EmailAddress = format!("{local}@ours.example").parse().expect("an address");
            let token = token(KEY, HandOffId(id), &person, now());
            prop_assert_eq!(token.len(), LENGTH);
            let seen = if shouted { token.to_uppercase() } else { token };
            let grant = verify(KEY, &seen);
            prop_assert_eq!(grant.map(|grant| grant.about), Some(About::HandOff(HandOffId(id))));
            prop_assert!(grant.is_some_and(|grant| grant.is_for(KEY, &person)));
        }

        #[test]
        fn nothing_that_is_made_up_is_ours(text in "[a-z2-7]{40}") {
            prop_assert_eq!(verify(KEY, &text), None);
        }
    }
}
