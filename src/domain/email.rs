//! Email addresses: one spelling for one mailbox.
//!
//! Two records are one lead when their normalised addresses are equal. The domain is lower-cased and
//! brought into its ASCII form (IDNA, RFC 5891); the local part is lower-cased too, although RFC 5321
//! section 2.3.11 leaves its meaning to the receiver: no mail provider in use tells `Jane@` from
//! `jane@`, and lead exports mix them. Sub-addresses (`jane+news@`) stay as they are.
//!
//! Refused, because no company mail goes there: quoted local parts, address literals (`@[192.0.2.1]`),
//! domains without a dot, and local parts beyond ASCII, which need SMTPUTF8 (RFC 6531) on every hop.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use idna::AsciiDenyList;
use serde::{Deserialize, Serialize};

/// Octets before the `@` (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;
/// Octets of the whole: a path of 256 with its angle brackets (RFC 5321 section 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;
/// Octets of one label of a domain (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// Domains where anybody gets a mailbox, so that two addresses there say nothing about one company.
const FREE_MAIL: &str = "126.com 163.com aol.com aon.at arcor.de bluewin.ch bol.com.br btinternet.com comcast.net duck.com \
    fastmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com \
    hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it icloud.com \
    interia.pl kpnmail.nl laposte.net libero.it live.com live.de live.fr live.nl mac.com mail.com \
    mail.de mail.ru mailbox.org me.com msn.com naver.com o2.pl online.de orange.fr outlook.com \
    outlook.de outlook.fr pm.me posteo.de proton.me protonmail.ch protonmail.com qq.com rediffmail.com \
    rocketmail.com seznam.cz sfr.fr sina.com sky.com t-online.de terra.com.br tiscali.it tuta.com \
    tutanota.com uol.com.br verizon.net virgilio.it wanadoo.fr web.de wp.pl yahoo.co.jp yahoo.co.uk \
    yahoo.com yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com yandex.ru ymail.com ziggo.nl";

/// The same, for looking up.
static FREE: LazyLock<HashSet<&str>> = LazyLock::new(|| FREE_MAIL.split(' ').collect());

/// Second labels under which a country's registry gives out names: `firm.co.uk` is one owner, `co.uk` is not.
const REGISTRY_LABELS: &str = "ac co com edu go gob gouv gov gv ltd me ne net or org plc sch";

/// A normalised email address. `Debug` shows it masked, so that no log holds one by accident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// Why a text is no address. `Debug` does not show the text, `Display` does: it is for the person who wrote it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an email address: {fault}")]
pub struct NotAnAddress {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub fault: AddressFault,
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Nothing was written.
    #[error("it is empty")]
    Empty,
    /// There is no `@`.
    #[error("it has no @")]
    NoAt,
    /// There is nothing, or too much, before the `@`.
    #[error("the part before the @ must have 1 to 64 characters")]
    LocalLength,
    /// Quotes, spaces, a second `@`, letters beyond ASCII, misplaced dots.
    #[error("the part before the @ has a character that cannot stand there")]
    LocalCharacter,
    /// The domain is no host name.
    #[error("the part behind the @ is not a domain name")]
    Domain,
    /// The whole is longer than mail allows.
    #[error("it is longer than 254 characters")]
    TooLong,
}

impl EmailAddress {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`, in ASCII.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address so that a person who knows it recognises it: `j…@e….example`.
    pub fn masked(&self) -> String {
        let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
        let (name, top) = self.domain().rsplit_once('.').unwrap_or((self.domain(), ""));
        format!("{}…@{}….{top}", first(&self.0), first(name))
    }

    /// What may be the name of whoever has the address, from what stands before the `@`: "Maria Lopez" of
    /// `maria.lopez@…`. For people of whom nothing else is known.
    pub fn as_a_name(&self) -> String {
        let local = self.0.rsplit_once('@').map_or(self.0.as_str(), |(local, _)| local);
        let local = local.split('+').next().unwrap_or(local);
        let words = local.split(['.', '_', '-']).filter(|word| !word.is_empty()).map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        });
        words.collect::<Vec<String>>().join(" ")
    }

    /// What the addresses of one company have in common: the domain as its owner registered it
    /// (`firm.co.uk` of `mail.firm.co.uk`). `None` where anybody gets a mailbox.
    ///
    /// This is a rule of thumb over the shape of names, not the Public Suffix List: where it errs it
    /// holds two companies for one, and one of them is written to a day later.
    pub fn company_key(&self) -> Option<&str> {
        let domain = self.domain();
        let key = registered(domain);
        (!FREE.contains(domain) && !FREE.contains(key)).then_some(key)
    }
}

/// The last two labels, or three below a country's registry label.
fn registered(domain: &str) -> &str {
    let mut dots = domain.rmatch_indices('.').map(|(index, _)| index);
    let (Some(last), Some(second)) = (dots.next(), dots.next()) else {
        return domain;
    };
    let below_registry = domain.len() - last == 3
        && REGISTRY_LABELS.split(' ').any(|label| label == &domain[second + 1..last]);
    let start = if below_registry { dots.next().map_or(0, |third| third + 1) } else { second + 1 };
    &domain[start..]
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({})", self.masked())
    }
}

impl fmt::Debug for NotAnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotAnAddress").field("fault", &self.fault).finish_non_exhaustive()
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
        normalise(text.trim()).map_err(|fault| NotAnAddress { text: text.to_owned(), fault })
    }
}

fn normalise(text: &str) -> Result<EmailAddress, AddressFault> {
    if text.is_empty() {
        return Err(AddressFault::Empty);
    }
    let (local, domain) = text.rsplit_once('@').ok_or(AddressFault::NoAt)?;
    check_local_part(local)?;
    let domain = ascii_domain(domain)?;
    if local.len() + 1 + domain.len() > MAX_ADDRESS {
        return Err(AddressFault::TooLong);
    }
    Ok(EmailAddress(format!("{}@{domain}", local.to_ascii_lowercase())))
}

/// A dot-atom of RFC 5322 section 3.2.3 in ASCII.
fn check_local_part(local: &str) -> Result<(), AddressFault> {
    if local.is_empty() || local.len() > MAX_LOCAL_PART {
        return Err(AddressFault::LocalLength);
    }
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    if local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext)) {
        Ok(())
    } else {
        Err(AddressFault::LocalCharacter)
    }
}

/// The ASCII form of a host name of at least two labels, whose last is no number.
fn ascii_domain(domain: &str) -> Result<String, AddressFault> {
    // A trailing dot names the same host.
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let ascii = idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::STD3)
        .map_err(|_| AddressFault::Domain)?;
    let label = |label: &str| {
        !label.is_empty() && label.len() <= MAX_LABEL && !label.starts_with('-') && !label.ends_with('-')
    };
    let top = ascii.rsplit_once('.').map(|(_, top)| top).ok_or(AddressFault::Domain)?;
    if ascii.split('.').all(label) && !top.bytes().all(|byte| byte.is_ascii_digit()) && ascii.len() <= 253 {
        Ok(ascii.into_owned())
    } else {
        Err(AddressFault::Domain)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> EmailAddress {
        text.parse().expect("the table holds addresses")
    }

    #[test]
    fn spellings_of_one_mailbox_are_one_address() {
        for (written, normalised) in [
            (" Jane.Doe@Firm.Example ", "jane.doe@firm.example"),
            ("jane+news@firm.example", "jane+news@firm.example"),
            ("jane@bücher.example", "jane@xn--bcher-kva.example"),
            ("jane@BÜCHER.example", "jane@xn--bcher-kva.example"),
            ("jane@firm.example.", "jane@firm.example"),
            ("o'neil@firm.example", "o'neil@firm.example"),
            ("jane@firm。example", "jane@firm.example"),
        ] {
            assert_eq!(address(written).as_str(), normalised, "{written}");
        }
    }

    #[test]
    fn what_mail_cannot_reach_is_refused_with_the_fault() {
        use AddressFault::*;
        let long_local = format!("{}@firm.example", "a".repeat(65));
        let long_label = format!("a@{}.example", "b".repeat(64));
        let long_whole = format!("{}@{}example", "a".repeat(64), "bbbbbbbb.".repeat(21));
        for (text, fault) in [
            ("", Empty),
            ("  ", Empty),
            ("jane", NoAt),
            ("@firm.example", LocalLength),
            (long_local.as_str(), LocalLength),
            ("\"jane doe\"@firm.example", LocalCharacter),
            ("jane doe@firm.example", LocalCharacter),
            ("jane..doe@firm.example", LocalCharacter),
            (".jane@firm.example", LocalCharacter),
            ("jane.@firm.example", LocalCharacter),
            ("jane@doe@firm.example", LocalCharacter),
            ("jänè@firm.example", LocalCharacter),
            ("a@b.example, c@d.example", LocalCharacter),
            ("jane@", Domain),
            ("jane@localhost", Domain),
            ("jane@firm..example", Domain),
            ("jane@-firm.example", Domain),
            ("jane@firm_x.example", Domain),
            ("jane@[192.0.2.1]", Domain),
            ("jane@192.0.2.1", Domain),
            ("jane@firm.example\r\nBcc: x@y.example", LocalCharacter),
            (long_label.as_str(), Domain),
            (long_whole.as_str(), TooLong),
        ] {
            assert_eq!(text.parse::<EmailAddress>().map_err(|e| e.fault), Err(fault), "{text}");
        }
    }

    #[test]
    fn debug_shows_neither_an_address_nor_a_refused_text() {
        assert_eq!(format!("{:?}", address("jane@firm.example")), "EmailAddress(j…@f….example)");
        let refused = "jane doe@firm.example".parse::<EmailAddress>().expect_err("has a space");
        assert!(!format!("{refused:?}").contains("jane"));
    }

    #[test]
    fn colleagues_share_a_company_key_and_free_mail_has_none() {
        for (text, key) in [
            ("a@firm.example", Some("firm.example")),
            ("a@mail.firm.example", Some("firm.example")),
            ("a@firm.co.uk", Some("firm.co.uk")),
            ("a@eu.mail.firm.co.uk", Some("firm.co.uk")),
            ("a@firm.com.br", Some("firm.com.br")),
            ("a@co.uk", Some("co.uk")),
            ("a@shop.firm.de", Some("firm.de")),
            ("a@gmail.com", None),
            ("a@yahoo.co.uk", None),
            ("a@mail.web.de", None),
        ] {
            assert_eq!(address(text).company_key(), key, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_is_refused_and_normalising_twice_changes_nothing(text in ".{0,80}") {
            if let Ok(once) = text.parse::<EmailAddress>() {
                prop_assert_eq!(once.as_str().parse::<EmailAddress>().ok(), Some(once.clone()));
                let _ = (once.masked(), once.company_key());
            }
        }

        #[test]
        fn whatever_looks_like_an_address_normalises_to_a_fixed_point(
            text in "[a-zA-Z0-9.!#$%+_-]{1,20}@[a-zA-Z0-9äöüß。.-]{1,20}\\.[a-zA-Zé]{2,6}"
        ) {
            if let Ok(once) = text.parse::<EmailAddress>() {
                prop_assert!(once.as_str().is_ascii());
                prop_assert_eq!(once.as_str().parse::<EmailAddress>().ok(), Some(once));
            }
        }
    }
}
