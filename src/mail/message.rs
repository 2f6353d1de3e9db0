//! From a letter to the bytes that travel (RFC 5322, MIME).
//!
//! [`compose`] is pure: the same letter gives the same bytes, so a mail that must go again goes again
//! unchanged. lettre encodes (RFC 2047 headers, quoted-printable and base64 bodies, folding); its
//! `MessageBuilder` is not used, because it reads the system's clock for the date, random numbers for
//! the boundary and the host's name for the Message-ID.
//!
//! The result is 7-bit clean and has no line over 998 bytes, so no server needs an extension to take
//! it. No text of the letter can start a header of its own. `Precedence` and
//! `X-Auto-Response-Suppress` are never written: they silence the out-of-office replies we live on.

use jiff::Timestamp;
use lettre::Address;
use lettre::message::header::{self, ContentType, HeaderName, HeaderValue, Headers};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use crate::domain::email::EmailAddress;
use crate::domain::hex::hex;

/// The longest line RFC 5322 section 2.1.1 allows, without its CRLF.
const MAX_LINE: usize = 998;

/// A word in a header is broken after this many characters, for a line can only be folded between
/// words. No language has such a word; a folded header keeps within [`MAX_LINE`] with it.
const MAX_WORD: usize = 200;

/// A name and an address: `Jane Doe <jane@ours.example>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correspondent {
    /// The name shown, if there is one.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

/// Where a lead takes itself off the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// An https address that takes a POST without a page in between (RFC 8058).
    pub url: String,
    /// An address that takes a mail in its place (RFC 2369).
    pub mailto: Option<EmailAddress>,
}

/// Everything that decides what a mail looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Who writes.
    pub from: Correspondent,
    /// Who answers are meant for, when it is not the writer.
    pub reply_to: Option<Correspondent>,
    /// Who it is written to. One mail goes to one person.
    pub to: Correspondent,
    /// The subject line, as people read it.
    pub subject: String,
    /// The HTML part, any line endings.
    pub html: String,
    /// The text part, any line endings.
    pub text: String,
    /// The Message-ID with its angle brackets ([`super::token::message_id`]).
    pub message_id: String,
    /// The Date, written in UTC to the second.
    pub date: Timestamp,
    /// Given for every mail to a lead, never for staff.
    pub unsubscribe: Option<Unsubscribe>,
    /// The Message-ID of the mail this one answers or follows, with its angle brackets.
    pub in_reply_to: Option<String>,
    /// The Message-IDs of the conversation, oldest first.
    pub references: Vec<String>,
    /// Whether to say `Auto-Submitted: auto-generated` (RFC 3834), which keeps automatic replies away.
    ///
    /// Right for digests, reports and notices to the operator. Wrong for leads, and for hand-offs and
    /// escalations: from the out-of-office reply to those we learn that a lead or a rep is away.
    pub auto_generated: bool,
    /// Further headers. A name that is none, or that this module writes itself, is refused.
    pub extra: Vec<(String, String)>,
}

/// Why a letter cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// An address that cannot stand in a header without SMTPUTF8 (RFC 6531), or not at all.
    #[error("the address in {0} cannot be written in a mail header; use one with an ASCII local part")]
    Address(&'static str),
    /// A Message-ID, a link or another value of which not a character may change.
    #[error("{0} has characters that cannot stand in a mail header, or is too long")]
    Verbatim(&'static str),
    /// A further header that may not be set.
    #[error("`{0}` is no header that can be added; choose another name")]
    Header(String),
}

/// Writes a letter: headers, then the text and the HTML as alternatives.
///
/// # Errors
///
/// [`Unwritable`] when an address, an identifier or a further header cannot be written as it is. Names,
/// subject and bodies can hold anything.
pub fn compose(letter: &Letter) -> Result<Vec<u8>, Unwritable> {
    let mut headers = Headers::with_capacity(12 + letter.extra.len());
    headers.insert_raw(verbatim("Date", letter.date.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()));
    headers.set(header::From::from(mailboxes("From", &letter.from)?));
    if let Some(reply_to) = &letter.reply_to {
        headers.set(header::ReplyTo::from(mailboxes("Reply-To", reply_to)?));
    }
    headers.set(header::To::from(mailboxes("To", &letter.to)?));
    headers.set(header::Subject::from(one_line(&letter.subject)));
    headers.insert_raw(verbatim("Message-ID", identifier("Message-ID", &letter.message_id)?));
    if let Some(id) = &letter.in_reply_to {
        headers.insert_raw(verbatim("In-Reply-To", identifier("In-Reply-To", id)?));
    }
    if !letter.references.is_empty() {
        let ids: Result<Vec<_>, _> =
            letter.references.iter().map(|id| identifier("References", id)).collect();
        headers.insert_raw(verbatim("References", ids?.join("\r\n ")));
    }
    if let Some(unsubscribe) = &letter.unsubscribe {
        headers.insert_raw(verbatim("List-Unsubscribe", ways_out(unsubscribe)?));
        headers.insert_raw(verbatim("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    if letter.auto_generated {
        headers.insert_raw(verbatim("Auto-Submitted", "auto-generated".to_owned()));
    }
    for (name, value) in &letter.extra {
        headers.insert_raw(further(&headers, name, value)?);
    }
    headers.set(header::MIME_VERSION_1_0);

    let mut bytes = headers.to_string().into_bytes();
    bytes.extend(alternatives(letter).formatted());
    Ok(bytes)
}

/// The two parts. The boundary comes from the Message-ID, which the writer of a body does not know.
fn alternatives(letter: &Letter) -> MultiPart {
    let digest = Sha256::digest(letter.message_id.as_bytes());
    let boundary = hex(&digest[..16]);
    let content_type = ContentType::parse(&format!("multipart/alternative; boundary=\"=_{boundary}\""))
        .expect("a boundary of hexadecimal digits is well formed");
    MultiPart::builder()
        .header(content_type)
        .singlepart(SinglePart::plain(crlf(&letter.text)))
        .singlepart(SinglePart::html(crlf(&letter.html)))
}

fn mailboxes(header: &'static str, who: &Correspondent) -> Result<Mailboxes, Unwritable> {
    let address: Address = who.address.as_str().parse().map_err(|_| Unwritable::Address(header))?;
    if !who.address.as_str().is_ascii() || who.address.as_str().len() > 320 {
        return Err(Unwritable::Address(header));
    }
    let name = who.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    Ok(Mailbox::new(name, address).into())
}

/// `<https://…>, <mailto:…>`, each on a line of its own.
fn ways_out(unsubscribe: &Unsubscribe) -> Result<String, Unwritable> {
    let refused = Unwritable::Verbatim("List-Unsubscribe");
    let mut ways = format!("<{}>", unsubscribe.url);
    if let Some(address) = &unsubscribe.mailto {
        ways.push_str(&format!(",\r\n <mailto:{address}?subject=unsubscribe>"));
    }
    let clean = |way: &str| {
        way.len() < MAX_LINE - 32 && way.bytes().all(|b| b.is_ascii_graphic() && !b"<>".contains(&b))
    };
    let mailto = unsubscribe.mailto.as_ref().map_or("", EmailAddress::as_str);
    (clean(&unsubscribe.url) && clean(mailto)).then_some(ways).ok_or(refused)
}

/// A Message-ID as it must stand in a header: `<…@…>` (RFC 5322 section 3.6.4), else an error.
fn identifier(header: &'static str, id: &str) -> Result<String, Unwritable> {
    let inside = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    let sound = inside.is_some_and(|inside| {
        inside.len() < MAX_LINE - 32
            && inside.contains('@')
            && inside.bytes().all(|b| b.is_ascii_graphic() && !b"<>".contains(&b))
    });
    if sound { Ok(id.to_owned()) } else { Err(Unwritable::Verbatim(header)) }
}

fn further(headers: &Headers, name: &str, value: &str) -> Result<HeaderValue, Unwritable> {
    let refused = || Unwritable::Header(name.to_owned());
    let taken = headers.get_raw(name).is_some()
        || name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"))
        || ["mime-version", "precedence", "x-auto-response-suppress", "bcc", "return-path"]
            .iter()
            .any(|reserved| name.eq_ignore_ascii_case(reserved));
    if taken || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(refused());
    }
    let header = HeaderName::new_from_ascii(name.to_owned()).map_err(|_| refused())?;
    Ok(HeaderValue::new(header, one_line(value)))
}

/// A header that is written as it is. Callers pass checked ASCII.
fn verbatim(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

/// Text for a header: white space and control characters become single spaces, a word is broken where
/// a line could not be folded, and an ASCII text cannot pose as an encoded word (RFC 2047).
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut word = 0;
    for c in text.chars() {
        let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
        if c == ' ' || word == MAX_WORD {
            if !line.ends_with(' ') && !line.is_empty() {
                line.push(' ');
            }
            word = 0;
        }
        if c != ' ' {
            line.push(c);
            // A word with one letter beyond ASCII is encoded, and encoded words fold anywhere.
            word = if c.is_ascii() { word + 1 } else { 0 };
        }
    }
    line.truncate(line.trim_end().len());
    if line.contains("=?") && line.contains("?=") { line.replace("=?", "= ?") } else { line }
}

/// Every line end as CRLF, and no NUL: what lettre's encoders and SMTP expect of a text.
fn crlf(text: &str) -> String {
    // What we render ourselves has no other line ends than these.
    if !text.contains(['\r', '\0']) {
        return text.replace('\n', "\r\n");
    }
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| matches!(b, b'\r' | b'\n' | 0)) {
        let (line, end) = rest.split_at(at);
        out.push_str(line);
        rest = end.strip_prefix("\r\n").unwrap_or(&end[1..]);
        if !end.starts_with('\0') {
            out.push_str("\r\n");
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use mail_parser::{HeaderValue as Parsed, MessageParser};
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> EmailAddress {
        text.parse().expect("an address")
    }

    fn letter() -> Letter {
        Letter {
            from: Correspondent {
                name: Some("Ann of Ours".to_owned()),
                address: address("ann@ours.example"),
            },
            reply_to: None,
            to: Correspondent { name: Some("Jane Doe".to_owned()), address: address("jane@buyer.example") },
            subject: "A short question".to_owned(),
            html: "<p>Hello</p>\n".to_owned(),
            text: "Hello\n".to_owned(),
            message_id: "<abc@ours.example>".to_owned(),
            date: "2026-03-02T09:30:00Z".parse().expect("an instant"),
            unsubscribe: None,
            in_reply_to: None,
            references: Vec::new(),
            auto_generated: false,
            extra: Vec::new(),
        }
    }

    fn lead_letter() -> Letter {
        Letter {
            unsubscribe: Some(Unsubscribe {
                url: "https://go.ours.example/u/tok,en".to_owned(),
                mailto: Some(address("leave+tok@ours.example")),
            }),
            ..letter()
        }
    }

    fn composed(letter: &Letter) -> String {
        String::from_utf8(compose(letter).expect("a letter")).expect("7-bit text")
    }

    #[test]
    fn a_letter_to_a_lead_looks_like_this() {
        let mut letter = lead_letter();
        letter.in_reply_to = Some("<before@buyer.example>".to_owned());
        letter.references = vec!["<first@ours.example>".to_owned(), "<before@buyer.example>".to_owned()];
        letter.extra = vec![("X-Nurtured-Step".to_owned(), "welcome/hello".to_owned())];
        assert_eq!(
            composed(&letter),
            "Date: Mon, 02 Mar 2026 09:30:00 +0000\r\n\
             From: \"Ann of Ours\" <ann@ours.example>\r\n\
             To: \"Jane Doe\" <jane@buyer.example>\r\n\
             Subject: A short question\r\n\
             Message-ID: <abc@ours.example>\r\n\
             In-Reply-To: <before@buyer.example>\r\n\
             References: <first@ours.example>\r\n <before@buyer.example>\r\n\
             List-Unsubscribe: <https://go.ours.example/u/tok,en>,\r\n \
             <mailto:leave+tok@ours.example?subject=unsubscribe>\r\n\
             List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
             X-Nurtured-Step: welcome/hello\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative;\r\n boundary=\"=_f37395af59a9d223b355b131956b15f3\"\r\n\
             \r\n\
             --=_f37395af59a9d223b355b131956b15f3\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 7bit\r\n\r\nHello\r\n\r\n\
             --=_f37395af59a9d223b355b131956b15f3\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Transfer-Encoding: 7bit\r\n\r\n<p>Hello</p>\r\n\r\n\
             --=_f37395af59a9d223b355b131956b15f3--\r\n"
        );
    }

    #[test]
    fn only_an_automatic_report_keeps_automatic_replies_away() {
        let report = composed(&Letter { auto_generated: true, ..letter() });
        assert!(report.contains("\r\nAuto-Submitted: auto-generated\r\n"));
        for letter in [letter(), lead_letter()] {
            let bytes = composed(&letter).to_lowercase();
            for header in ["auto-submitted", "precedence", "x-auto-response-suppress"] {
                assert!(!bytes.contains(header), "{header}");
            }
        }
    }

    #[test]
    fn a_date_before_1970_and_one_far_ahead_are_written_too() {
        for (date, written) in [
            ("1965-07-04T12:00:00Z", "Date: Sun, 04 Jul 1965 12:00:00 +0000\r\n"),
            ("9999-12-30T00:00:00Z", "Date: Thu, 30 Dec 9999 00:00:00 +0000\r\n"),
        ] {
            let date = date.parse().expect("an instant");
            assert!(composed(&Letter { date, ..letter() }).starts_with(written));
        }
    }

    #[test]
    fn what_must_not_change_by_a_character_is_refused_when_it_cannot_stand() {
        let verbatim = |header| Err(Unwritable::Verbatim(header));
        for id in ["abc@ours.example", "<abc>", "<a b@c>", "<a@b>\r\nBcc: <x@y>", "<ä@b>", "<a@b><c@d>"] {
            let refused = Letter { message_id: id.to_owned(), ..letter() };
            assert_eq!(compose(&refused), verbatim("Message-ID"), "{id}");
            let refused = Letter { references: vec![id.to_owned()], ..letter() };
            assert_eq!(compose(&refused), verbatim("References"), "{id}");
        }
        for url in ["https://x/\r\nBcc: a@b", "https://x/a b", "https://x/>", &"x".repeat(1000)] {
            let unsubscribe = Some(Unsubscribe { url: url.to_owned(), mailto: None });
            assert_eq!(compose(&Letter { unsubscribe, ..letter() }), verbatim("List-Unsubscribe"), "{url}");
        }
        for name in ["X Y", "X:", "", "Ä", "Subject", "bcc", "Precedence", "Content-Type", "X\r\nBcc"] {
            let extra = vec![(name.to_owned(), "1".to_owned())];
            let refused = Err(Unwritable::Header(name.to_owned()));
            assert_eq!(compose(&Letter { extra, ..letter() }), refused, "{name}");
        }
    }

    #[test]
    fn a_subject_cannot_pose_as_an_encoded_word() {
        let subject = "=?utf-8?q?Pay=20here?=".to_owned();
        let bytes = composed(&Letter { subject, ..letter() });
        let parsed = MessageParser::default().parse(bytes.as_bytes()).expect("a message");
        assert_eq!(parsed.subject(), Some("= ?utf-8?q?Pay=20here?="));
    }

    /// What a person sees of a header: runs of white space do not count, and folding adds none.
    fn seen(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
    }

    proptest! {
        #[test]
        fn whatever_people_write_arrives_and_stays_in_its_place(
            name in "\\PC{0,40}|[ -~\r\n]{0,300}|[a-z]{900,1200}",
            subject in "(?s).{0,80}|[ -~]{0,300}|[äöü ]{0,300}|[a-z]{1500}|(Bcc: x@y\r\n){1,3}",
            text in "(?s).{0,200}|[a-z]{2000}|(\\.\r\n){1,3}",
        ) {
            let mut letter = lead_letter();
            letter.to.name = Some(name.clone());
            letter.subject = subject.clone();
            letter.text = text.clone();
            letter.html = format!("<p>{text}</p>");
            let bytes = compose(&letter).expect("a letter");
            prop_assert_eq!(&bytes, &compose(&letter).expect("a letter"));
            prop_assert!(bytes.is_ascii() && !bytes.contains(&0));
            for line in bytes.split(|b| *b == b'\n') {
                prop_assert!(line.len() <= MAX_LINE + 1 && !line[..line.len().saturating_sub(1)].contains(&b'\r'));
            }
            prop_assert!(bytes.windows(2).all(|two| two[1] != b'\n' || two[0] == b'\r'));

            let parsed = MessageParser::default().parse(&bytes).expect("a message");
            let headers: Vec<_> = parsed.headers().iter().map(|header| header.name().to_lowercase()).collect();
            prop_assert_eq!(headers.len(), 9, "{:?}", headers);
            prop_assert!(matches!(parsed.header("Bcc"), None | Some(Parsed::Empty)));
            let arrived = parsed.to().and_then(|to| to.first()).expect("a recipient");
            prop_assert_eq!(arrived.address(), Some("jane@buyer.example"));
            if !(subject.contains("=?") && subject.contains("?=")) {
                prop_assert_eq!(seen(parsed.subject().unwrap_or("")), seen(&subject));
            }
            if !(name.contains("=?") && name.contains("?=")) {
                prop_assert_eq!(seen(arrived.name().unwrap_or("")), seen(&name));
            }
            let body = parsed.body_text(0).expect("a text part");
            prop_assert_eq!(body.trim_end().replace("\r\n", "\n"), crlf(&text).trim_end().replace("\r\n", "\n"));
        }
    }

    #[test]
    fn every_line_end_becomes_crlf() {
        assert_eq!(crlf("a\nb\r\nc\rd\n\re\0f\r"), "a\r\nb\r\nc\r\nd\r\n\r\nef\r\n");
    }
}
