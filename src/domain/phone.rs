//! Phone numbers in E.164 form (`+4930901820`), whatever way they were written.
//!
//! A number without a country prefix is read as one of the lead's country; without a country it is
//! no number, because the rep would dial a stranger. Extensions are told apart, not dropped: E.164
//! has no place for them.
//!
//! The text is brought down to digits and a leading `+` before the library sees it: its grammar
//! takes letters and signs from many scripts, and its parser panics for a default country that its
//! metadata lacks.

use std::sync::LazyLock;

use phonenumber::country;
use phonenumber::metadata::Database;

/// Compiled patterns that the library keeps. A number needs about a dozen of its country's; with the
/// library's own hundred, a list of leads from all over the world compiles them anew for each row,
/// which takes a millisecond.
const PATTERNS_KEPT: usize = 4_096;

/// The numbering plans, with room for the patterns of every country.
static DATABASE: LazyLock<&'static Database> = LazyLock::new(|| {
    let database = &*phonenumber::metadata::DATABASE;
    if let Ok(mut cache) = database.cache().lock() {
        cache.set_capacity(PATTERNS_KEPT);
    }
    database
});

/// Longer than any written phone number with its extension.
const MAX_WRITTEN: usize = 80;
/// Words before an extension, the longer before those they contain.
const EXTENSION_WORDS: &[&str] =
    &["extension", "durchwahl", "ext.", "extn", "ext", "poste", "dw.", "dw", "#", "x"];

/// A valid number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// `+`, country prefix, national number.
    pub e164: String,
    /// What to dial when somebody answers.
    pub extension: Option<String>,
}

/// A text that is no phone number, or not one that can be dialled from anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPhone {
    /// Letters, too few or too many digits.
    #[error("it is not a phone number")]
    Unreadable,
    /// It has no country prefix, and nothing says which country is meant.
    #[error("it has no country prefix and the lead has no country")]
    NoCountry,
    /// The country has no such numbers.
    #[error("its country has no such number")]
    Invalid,
}

/// Reads a number; `region` is the alpha-2 code of the country whose prefix it may lack.
pub fn parse(text: &str, region: Option<&str>) -> Result<Phone, NotAPhone> {
    if text.len() > MAX_WRITTEN {
        return Err(NotAPhone::Unreadable);
    }
    let lower = text.trim().to_lowercase();
    let (number, extension) = without_extension(lower.strip_prefix("tel:").unwrap_or(&lower));
    let digits = dialled(number).ok_or(NotAPhone::Unreadable)?;
    let region = region.and_then(known_region);
    if region.is_none() && !digits.starts_with('+') {
        return Err(NotAPhone::NoCountry);
    }
    let parsed = phonenumber::parse_with(&DATABASE, region, &digits).map_err(|_| NotAPhone::Unreadable)?;
    if !parsed.is_valid_with(&DATABASE) {
        return Err(NotAPhone::Invalid);
    }
    Ok(Phone { e164: parsed.format().mode(phonenumber::Mode::E164).to_string(), extension })
}

/// The library's name of a country that its metadata holds.
fn known_region(code: &str) -> Option<country::Id> {
    code.parse::<country::Id>().ok().filter(|id| DATABASE.by_id(id.as_ref()).is_some())
}

/// The number, and the digits behind a word for "extension".
fn without_extension(text: &str) -> (&str, Option<String>) {
    for word in EXTENSION_WORDS {
        if let Some((number, behind)) = text.split_once(word) {
            let behind = behind.trim_matches(|c: char| !c.is_ascii_digit());
            let plain = !behind.is_empty() && behind.len() <= 8 && behind.bytes().all(|b| b.is_ascii_digit());
            if plain {
                return (number, Some(behind.to_owned()));
            }
        }
    }
    (text, None)
}

/// The digits as they are dialled, `00` at the start being a `+`. `None` when a letter or a sign stands
/// among them that separates no digits.
fn dialled(number: &str) -> Option<String> {
    let mut digits = String::with_capacity(number.len());
    for c in number.replace("(0)", "").chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push('+'),
            ' '
            | '\u{a0}'
            | '\u{202f}'
            | '-'
            | '\u{2010}'..='\u{2015}'
            | '.'
            | '/'
            | '('
            | ')'
            | '['
            | ']' => {}
            _ => return None,
        }
    }
    match digits.strip_prefix("00") {
        Some(rest) => Some(format!("+{rest}")),
        None => (digits.len() > 3).then_some(digits),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn e164(text: &str, region: Option<&str>) -> Option<String> {
        parse(text, region).ok().map(|phone| phone.e164)
    }

    #[test]
    fn a_number_is_one_number_however_it_is_written() {
        for (text, region, expected) in [
            ("+49 30 901820", None, "+4930901820"),
            ("+49 (0)30 / 90 18 20", None, "+4930901820"),
            ("0049-30-901820", None, "+4930901820"),
            ("030 901820", Some("DE"), "+4930901820"),
            ("(030) 901820", Some("DE"), "+4930901820"),
            ("tel:+49-30-901820", None, "+4930901820"),
            ("(202) 555-0143", Some("US"), "+12025550143"),
            ("1-202-555-0143", Some("US"), "+12025550143"),
            ("+1 202 555 0143", Some("DE"), "+12025550143"),
            ("020 7946 0018", Some("GB"), "+442079460018"),
            ("06 698 82000", Some("IT"), "+390669882000"),
        ] {
            assert_eq!(e164(text, region).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_extension_is_told_apart() {
        for text in ["+1 202 555 0143 x12", "+1 202-555-0143 ext. 12", "+1 202 555 0143 Durchwahl 12"] {
            let phone = parse(text, None).expect("a number with an extension");
            assert_eq!((phone.e164.as_str(), phone.extension.as_deref()), ("+12025550143", Some("12")));
        }
    }

    #[test]
    fn what_nobody_can_dial_is_no_number() {
        for (text, region, fault) in [
            ("", Some("DE"), NotAPhone::Unreadable),
            ("call me", Some("DE"), NotAPhone::Unreadable),
            ("12", Some("DE"), NotAPhone::Unreadable),
            ("1-800-FLOWERS", Some("US"), NotAPhone::Unreadable),
            ("030 901820", None, NotAPhone::NoCountry),
            ("030 901820", Some("AQ"), NotAPhone::NoCountry),
            ("030 901820", Some("ZZ"), NotAPhone::NoCountry),
            ("+1 111 111 1111", None, NotAPhone::Invalid),
            ("4.93090182E+11", Some("DE"), NotAPhone::Unreadable),
        ] {
            assert_eq!(parse(text, region), Err(fault), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_a_number_reads_as_itself(
            text in "[+0-9 ()/.x-]{0,24}|.{0,20}", region in "DE|US|IT|BR|AR|MX|AQ|XK|HM"
        ) {
            if let Ok(phone) = parse(&text, Some(&region)) {
                prop_assert!(phone.e164.starts_with('+') && phone.e164.len() <= 18);
                prop_assert_eq!(e164(&phone.e164, None), Some(phone.e164));
            }
        }
    }
}
