//! Whom a mail names, wherever in it and however it is encoded: for those who want to be forgotten.

use mail_parser::decoders::html::html_to_text;
use mail_parser::{HeaderValue, Message, MessageParser, PartType};

use crate::domain::email::EmailAddress;

/// Everything that a mail says, in lower case: as it stands, and what its headers and parts say once they are decoded,
/// those of mails within it among them.
pub fn everything_said(raw: &[u8]) -> String {
    let mut said = String::from_utf8_lossy(raw).into_owned();
    if let Some(message) = MessageParser::default().parse(raw) {
        add(&mut said, &message);
    }
    said.to_lowercase()
}

fn add(said: &mut String, message: &Message<'_>) {
    for part in &message.parts {
        for header in &part.headers {
            match header.value() {
                HeaderValue::Text(text) => line(said, text),
                HeaderValue::TextList(texts) => texts.iter().for_each(|text| line(said, text)),
                HeaderValue::Address(list) => {
                    for one in list.iter() {
                        line(said, one.name().unwrap_or_default());
                        line(said, one.address().unwrap_or_default());
                    }
                }
                _ => {}
            }
        }
        match &part.body {
            PartType::Text(text) => line(said, text),
            PartType::Html(html) => {
                line(said, html);
                line(said, &html_to_text(html));
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                line(said, &String::from_utf8_lossy(bytes));
            }
            PartType::Message(within) => add(said, within),
            PartType::Multipart(_) => {}
        }
    }
}

fn line(said: &mut String, text: &str) {
    said.push('\n');
    said.push_str(text);
}

/// Whether what is said in lower case names one of these addresses: it, and not one that only has it in it. In a link
/// the sign between its parts is written otherwise.
pub fn names(said: &str, addresses: &[EmailAddress]) -> bool {
    let of_address = |c: char| c.is_alphanumeric() || "._%+-@".contains(c);
    addresses.iter().any(|address| {
        let in_links = address.as_str().replace('@', "%40");
        [address.as_str(), &in_links].into_iter().any(|form| {
            said.match_indices(form).any(|(at, _)| {
                let mut rest = said[at + form.len()..].chars();
                let goes_on = match rest.next() {
                    // The end of a sentence, or a part of the domain.
                    Some('.') => rest.next().is_some_and(char::is_alphanumeric),
                    Some(c) => c.is_alphanumeric() || c == '-',
                    None => false,
                };
                // "mail=jane%40…" and "mailto:jane@…" begin a name; "mary-jane@…" goes on with one.
                !goes_on && !said[..at].chars().next_back().is_some_and(of_address)
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jane() -> Vec<EmailAddress> {
        vec!["jane@acme.example".parse().expect("an address")]
    }

    #[test]
    fn an_address_is_found_however_it_is_written() {
        for raw in [
            "From: Jane <Jane@Acme.example>\r\n\r\nHello\r\n",
            "Subject: =?utf-8?b?YWJvdXQgamFuZUBhY21lLmV4YW1wbGU=?=\r\n\r\nHello\r\n",
            "Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\nY2FsbCBqYW5lQGFjbWUuZXhhbXBsZQ==\r\n",
            "Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncall jane=40acme.exa=\r\nmple.\r\n",
            "Subject: x\r\nContent-Type: text/html\r\n\r\n<p>call jane&#64;acme.example</p>\r\n",
            "Subject: x\r\n\r\nhttps://x.example/?mail=jane%40acme.example&y\r\n",
            "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
             From: =?utf-8?q?J?= <jane@acme.example>\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--\r\n",
        ] {
            assert!(names(&everything_said(raw.as_bytes()), &jane()), "{raw}");
        }
    }

    #[test]
    fn an_address_that_only_has_another_one_in_it_is_somebody_else_s() {
        for (text, is_hers) in [
            ("jane@acme.example", true),
            ("<jane@acme.example>, x", true),
            ("Write to jane@acme.example.", true),
            ("mary-jane@acme.example", false),
            ("mary.jane@acme.example", false),
            ("jane@acme.example.org", false),
            ("jane@acme.examples", false),
            ("jane@acme.example-two.org", false),
            ("mary-jane@acme.example and jane@acme.example", true),
        ] {
            assert_eq!(names(text, &jane()), is_hers, "{text}");
        }
    }
}
