//! What of a mail the tests look at, taken apart once.

use std::borrow::Cow;

use jiff::civil::Date;
use mail_parser::{Message, MessagePart, MimeHeaders, PartType};

use crate::mail::inbound::dates::Written;
use crate::mail::inbound::own_words;

/// So much of a report is read: what a server says stands at the top.
const MOST_REPORT: usize = 64 * 1024;

/// A mail, taken apart.
pub(super) struct Facts<'a> {
    message: &'a Message<'a>,
    /// Its subject, in lower case and on one line.
    pub subject: String,
    /// Its whole text.
    pub text: Cow<'a, str>,
    /// What its writer wrote, without what they quote.
    pub own: String,
    /// The same in lower case and on one line, with one kind of apostrophe and space.
    pub own_lower: String,
    /// The address that it says it is from, in lower case.
    pub from: String,
    /// The name beside it, in lower case.
    pub from_name: String,
    /// When it was written, by its own date.
    pub written: Option<Written>,
}

impl<'a> Facts<'a> {
    pub fn of(message: &'a Message<'a>) -> Self {
        let sender = message.from().and_then(|list| list.first());
        let text = body(message);
        let own = own_words(&text);
        let written = message.date().and_then(|date| {
            let day = Date::new(
                i16::try_from(date.year).ok()?,
                i8::try_from(date.month).ok()?,
                i8::try_from(date.day).ok()?,
            );
            let offset = i32::from(date.tz_hour) * 3600 + i32::from(date.tz_minute) * 60;
            let offset = if date.tz_before_gmt { -offset } else { offset };
            Some(Written { on: day.ok()?, offset: Some(offset) })
        });
        Self {
            message,
            subject: on_one_line(&plain(message.subject().unwrap_or_default())),
            own_lower: on_one_line(&plain(&own)),
            own,
            text,
            from: sender.and_then(|from| from.address()).unwrap_or_default().trim().to_lowercase(),
            from_name: plain(sender.and_then(|from| from.name()).unwrap_or_default()),
            written,
        }
    }

    /// The value of a header as it stands, in lower case and unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.message.headers_raw();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
    }

    /// Whether it has such a header.
    pub fn has(&self, name: &str) -> bool {
        self.message.headers_raw().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The envelope sender is nobody, as for everything that must not be answered.
    pub fn has_null_sender(&self) -> bool {
        self.header("Return-Path").is_some_and(|path| path == "<>" || path == "<mailer-daemon>")
    }

    /// The `report-type` of a `multipart/report`.
    pub fn report_type(&self) -> Option<&str> {
        let kind = self.message.content_type()?;
        let is_report = kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"));
        is_report.then(|| kind.attribute("report-type")).flatten()
    }

    /// Whether its outermost part is a `multipart/report`.
    pub fn is_report(&self) -> bool {
        let kind = self.message.content_type();
        kind.and_then(|kind| kind.subtype()).is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"))
    }

    /// The first part of this type.
    pub fn part(&self, main: &str, sub: &str) -> Option<&MessagePart<'a>> {
        self.parts(main, sub).next()
    }

    /// All parts of this type.
    pub fn parts(&self, main: &str, sub: &str) -> impl Iterator<Item = &MessagePart<'a>> {
        self.message.parts.iter().filter(move |part| {
            part.content_type().is_some_and(|kind| {
                kind.ctype().eq_ignore_ascii_case(main)
                    && kind.subtype().is_some_and(|known| known.eq_ignore_ascii_case(sub))
            })
        })
    }

    /// Whether the mail that it is about comes with it.
    pub fn returns_original(&self) -> bool {
        self.part("message", "rfc822").is_some()
            || self.part("text", "rfc822-headers").is_some()
            || self.part("message", "rfc822-headers").is_some()
    }

    /// The `METHOD` of a calendar part, in lower case.
    pub fn calendar_method(&self) -> Option<String> {
        let part = self.part("text", "calendar")?;
        let named = part.content_type().and_then(|kind| kind.attribute("method")).map(str::to_lowercase);
        named.or_else(|| calendar_value(&content(part), "METHOD"))
    }

    /// The end of the first event of a calendar part, as it stands.
    pub fn calendar_end(&self) -> Option<String> {
        calendar_value(&content(self.part("text", "calendar")?), "DTEND")
    }

    /// What a server says about a delivery: the texts of the mail without the mail that it returns.
    pub fn report_text(&self) -> String {
        let mut report = String::new();
        for part in &self.message.parts {
            let kind = part.content_type().map_or("text", |kind| kind.ctype());
            let subtype = part.content_type().and_then(|kind| kind.subtype()).unwrap_or("plain");
            if kind.eq_ignore_ascii_case("message") || subtype.eq_ignore_ascii_case("rfc822-headers") {
                if !report.is_empty() {
                    break;
                }
                continue;
            }
            if matches!(part.body, PartType::Text(_) | PartType::Html(_)) {
                let text = content(part);
                let text = if matches!(part.body, PartType::Html(_)) {
                    if !report.trim().is_empty() {
                        continue;
                    }
                    of_html(&text)
                } else {
                    text.into_owned()
                };
                report.push_str(&text);
                report.push('\n');
            }
        }
        let end = super::returned::original_begins(&report).unwrap_or(report.len()).min(MOST_REPORT);
        let end = (0..=end).rev().find(|end| report.is_char_boundary(*end)).unwrap_or_default();
        report.truncate(end);
        report
    }

    /// To whom the mail was addressed that this one returns.
    pub fn original_recipient(&self) -> Option<String> {
        let inner = self.message.parts.iter().find_map(|part| match &part.body {
            PartType::Message(inner) => Some(inner),
            _ => None,
        })?;
        inner.to()?.first()?.address().map(str::to_lowercase)
    }
}

/// The text of a mail; of one that has only HTML, with what stands in different cells of a table apart.
fn body<'a>(message: &'a Message<'a>) -> Cow<'a, str> {
    let plain = message.text_body.first().and_then(|at| message.parts.get(usize::try_from(*at).ok()?));
    match plain.map(|part| &part.body) {
        Some(PartType::Html(html)) => Cow::Owned(of_html(html)),
        _ => message.body_text(0).unwrap_or_default(),
    }
}

fn of_html(html: &str) -> String {
    let mut apart = html.to_owned();
    for (tag, before) in [
        ("<td", " "),
        ("<th", " "),
        ("<TD", " "),
        ("</tr", "\n"),
        ("</TR", "\n"),
        ("</li", "\n"),
        ("</h", "\n"),
    ] {
        if apart.contains(tag) {
            apart = apart.replace(tag, &format!("{before}{tag}"));
        }
    }
    mail_parser::decoders::html::html_to_text(&apart)
}

/// What is in a part, decoded.
pub(super) fn content<'a>(part: &'a MessagePart<'_>) -> Cow<'a, str> {
    match &part.body {
        PartType::Text(text) | PartType::Html(text) => Cow::Borrowed(text),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => String::from_utf8_lossy(bytes),
        PartType::Message(inner) => String::from_utf8_lossy(inner.raw_message()),
        PartType::Multipart(_) => Cow::Borrowed(""),
    }
}

fn calendar_value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        let key = key.split(';').next()?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_lowercase())
    })
}

/// In lower case, with one kind of apostrophe and space.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '’' | '‘' | '´' | '`' => plain.push('\''),
            '\n' => plain.push('\n'),
            '\u{ad}' | '\u{200b}' | '\u{feff}' => {}
            c if c.is_whitespace() || c.is_control() => plain.push(' '),
            c => plain.extend(c.to_lowercase()),
        }
    }
    plain
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first of these that the text has in it.
pub(super) fn first_of<'b>(text: &str, phrases: &[&'b str]) -> Option<&'b str> {
    phrases.iter().find(|phrase| text.contains(**phrase)).copied()
}
