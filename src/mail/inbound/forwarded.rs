//! A mail that somebody passes on: what a lead wrote to a rep's own mailbox, for us to read.
//!
//! Mail programs pass a mail on as an attachment, or write it into their own text under a block that says who wrote it and
//! when. Either is made a mail again, with the writer, the date and the words of the one that was passed on.

use mail_parser::{Message, MessageParser, PartType};

use crate::domain::email::EmailAddress;

/// How many lines a block of headers has at most, before the words begin.
const MOST_HEADERS: usize = 12;

/// What "From:" is called in the languages of mail programs.
const FROM: [&str; 9] = ["from", "von", "de", "da", "van", "från", "od", "fra", "desde"];
/// The same of "Subject:".
const SUBJECT: [&str; 10] =
    ["subject", "betreff", "objet", "asunto", "oggetto", "onderwerp", "assunto", "ämne", "temat", "emne"];

/// The mail that `raw` passes on, as a raw mail of its own; `None` when it passes on none.
pub fn forwarded(raw: &[u8]) -> Option<Vec<u8>> {
    let message = MessageParser::default().parse(raw)?;
    let attached = message.parts.iter().find_map(|part| match &part.body {
        PartType::Message(within) if within.from().is_some() => Some(within.raw_message().to_vec()),
        _ => None,
    });
    attached.or_else(|| in_its_text(&message))
}

/// The mail that stands in the text of another one.
fn in_its_text(message: &Message<'_>) -> Option<Vec<u8>> {
    let text = message.body_text(0)?;
    let lines: Vec<&str> =
        text.lines().map(|line| line.trim_start_matches(['>', ' ', '*']).trim_end()).collect();
    let begins = lines.iter().position(|line| value_of(line, &FROM).and_then(address_in).is_some())?;
    let from = value_of(lines[begins], &FROM).and_then(address_in)?;
    let block = &lines[begins..lines.len().min(begins + MOST_HEADERS)];
    let subject = block.iter().find_map(|line| value_of(line, &SUBJECT))?;
    let end = block.iter().position(|line| line.trim().is_empty()).unwrap_or(block.len());
    let words = lines.get(begins + end..).unwrap_or_default().join("\r\n");
    // Dates are written in every language; the one on which it was passed on is near enough, and can be read.
    let date = message.date().map(|date| format!("Date: {}\r\n", date.to_rfc822())).unwrap_or_default();
    let subject = subject.replace(['\r', '\n'], " ");
    Some(
        format!(
            "From: {from}\r\nSubject: {subject}\r\n{date}MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
            words.trim()
        )
        .into_bytes(),
    )
}

/// What stands behind one of these names and a colon.
fn value_of<'a>(line: &'a str, names: &[&str]) -> Option<&'a str> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim().trim_matches('*').to_lowercase();
    names.contains(&name.as_str()).then(|| value.trim().trim_matches('*').trim())
}

/// The address in "Jane Doe <jane@acme.example>", "Jane Doe [mailto:jane@acme.example]" or alone.
fn address_in(text: &str) -> Option<EmailAddress> {
    let words = text.split(|c: char| c.is_whitespace() || "<>[]()\"',;".contains(c));
    words.map(|word| word.trim_start_matches("mailto:")).find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::read;
    use super::*;
    use crate::mail::inbound::classify::Class;

    fn passed_on(body: &str) -> Option<(String, String, String)> {
        let raw = format!(
            "From: rep1@ours.example\r\nTo: log@ours.example\r\nSubject: Fwd: x\r\nMessage-ID: <1@x>\r\n\
             Date: Tue, 3 Mar 2026 10:05:00 +0100\r\n{body}"
        );
        let mail = read(&forwarded(raw.as_bytes())?).expect("a mail");
        Some((mail.from.expect("a writer").to_string(), mail.subject, mail.text))
    }

    #[test]
    fn a_mail_is_found_under_the_block_that_programs_write_above_it() {
        for block in [
            "\r\nFYI\r\n\r\n---------- Forwarded message ---------\r\nFrom: Jane Doe <jane@acme.example>\r\n\
             Date: Mon, Mar 2, 2026 at 9:30 AM\r\nSubject: Re: Your demo\r\nTo: Robin <rep1@ours.example>\r\n\r\n\
             Call me on Friday.\r\n",
            "\r\nVon: Jane Doe [mailto:jane@acme.example]\r\nGesendet: Montag, 2. März 2026 09:30\r\n\
             An: Robin\r\nBetreff: Re: Your demo\r\n\r\nCall me on Friday.\r\n",
            "\r\n> *From:* jane@acme.example\r\n> *Sent:* Monday\r\n> *Subject:* Re: Your demo\r\n>\r\n> Call me on Friday.\r\n",
        ] {
            let (from, subject, text) = passed_on(block).expect("a mail");
            assert_eq!(
                (from.as_str(), subject.as_str(), text.as_str()),
                ("jane@acme.example", "Re: Your demo", "Call me on Friday.")
            );
        }
    }

    #[test]
    fn an_attached_mail_is_that_mail_with_its_headers() {
        let attached = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nFYI\r\n--x\r\n\
             Content-Type: message/rfc822\r\n\r\nFrom: jane@acme.example\r\nSubject: Automatic reply\r\n\
             Auto-Submitted: auto-replied\r\nDate: Mon, 2 Mar 2026 09:30:00 +0100\r\n\r\n\
             I am out of the office until Friday.\r\n--x--\r\n";
        let (from, ..) = passed_on(attached).expect("a mail");
        assert_eq!(from, "jane@acme.example");
        let raw = format!("From: rep1@ours.example\r\n{attached}");
        let within = read(&forwarded(raw.as_bytes()).expect("a mail")).expect("a mail");
        assert_eq!(within.classified.class, Class::AutoReply);
    }

    #[test]
    fn a_mail_of_ones_own_passes_on_nothing() {
        assert_eq!(passed_on("\r\nSee you on Thursday.\r\nFrom: the whole team\r\n"), None);
        assert_eq!(passed_on("\r\nFrom: jane@acme.example came nothing\r\n\r\nText"), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_passes_on_a_mail_or_none(text in "(?s).{0,300}") {
            let raw = format!("From: a@b.example\r\nDate: Tue, 3 Mar 2026 10:05:00 +0100\r\n\r\n{text}");
            if let Some(within) = forwarded(raw.as_bytes()) {
                let _ = read(&within);
            }
        }
    }
}
