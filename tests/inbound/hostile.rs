//! Whatever comes in is read to its end: nothing that a stranger sends makes the classifier panic, and nothing keeps it
//! for long. What would be read in more than linear time would keep these tests for hours.

use nurtured::mail::inbound::MOST_BYTES;
use nurtured::mail::inbound::classify::{Class, classify};
use nurtured::mail::inbound::dates::{Written, follow_up_on, returns_on};
use proptest::prelude::*;

const HEAD: &str =
    "From: x@y.example\r\nDate: Mon, 3 Aug 2026 10:00:00 +0200\r\nSubject: Automatic reply: x\r\n";

fn written() -> Written {
    Written { on: "2026-08-03".parse().expect("a date"), offset: Some(7_200) }
}

#[test]
fn parts_within_parts_are_read() {
    let mut mail = String::from(HEAD);
    for depth in 0..120 {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"));
    }
    mail.push_str("Content-Type: text/plain\r\n\r\nback on 17 August\r\n");
    assert_eq!(classify(mail.as_bytes()).class, Class::AutoReply);
    let mails_in_mails = "Content-Type: message/rfc822\r\n\r\n".repeat(500);
    classify(format!("{HEAD}{mails_in_mails}").as_bytes());
}

#[test]
fn the_longest_mail_that_is_read_is_read() {
    for line in [
        "1.1.1.1.1.1 ",
        "until until ",
        "550 5.1.1 <a@b.example> ",
        "> > > > \n",
        "from 3 to 4 to 5 to 6 \n",
        "a@b.example\n",
    ] {
        let mut mail = format!("{HEAD}\r\n").into_bytes();
        mail.extend(line.bytes().cycle().take(MOST_BYTES / 32));
        classify(&mail);
        let bounce = mail_from_daemon(&line.repeat(8_000));
        classify(bounce.as_bytes());
    }
}

#[test]
fn headers_without_end_are_read() {
    let mail = format!("{HEAD}{}\r\n\r\nx", "X-Header: y\r\n".repeat(50_000));
    classify(mail.as_bytes());
    let mail = format!("{HEAD}Subject: {}\r\n\r\nx", "=?utf-8?q?back_on?= ".repeat(20_000));
    classify(mail.as_bytes());
    let fields =
        "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n".repeat(20_000);
    let report = format!(
        "{HEAD}Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\n{fields}--b--\r\n"
    );
    let classified = classify(report.as_bytes());
    assert_eq!(classified.class, Class::Bounce);
    assert!(classified.failures.len() <= 100, "{}", classified.failures.len());
}

#[test]
fn ends_of_lines_are_as_servers_on_the_way_left_them() {
    let mail = "From: x@y.example\nDate: Mon, 3 Aug 2026 10:00:00 +0200\nSubject: Automatic reply: x\n\nI am back on 17 August.\n";
    for end in ["\n", "\r\n"] {
        let classified = classify(mail.replace('\n', end).as_bytes());
        let returns = classified.auto_reply.and_then(|reply| reply.returns_on);
        assert_eq!(returns.map(|date| date.to_string()).as_deref(), Some("2026-08-17"), "{end:?}");
    }
    classify(mail.replace('\n', "\r").as_bytes());
}

fn mail_from_daemon(text: &str) -> String {
    format!("From: MAILER-DAEMON@y.example\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\n{text}")
}

/// Pieces from which dates and their surroundings are made.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "17",
        "31.",
        "2.",
        "0",
        "99",
        "2026",
        "08",
        "/",
        "-",
        ".",
        ",",
        "–",
        "August",
        "march",
        "may",
        "Montag",
        "fri",
        "next",
        "week",
        "in",
        "two",
        "of",
        "the",
        "until",
        "bis",
        "zurück",
        "back",
        "not",
        "from",
        "to",
        "al",
        "t.o.m.",
        "KW",
        "Q",
        "end",
        "mid",
        "a",
        "an",
        "th",
        "1er",
        "\n\n",
        "?",
        "(",
        ")",
        "ß",
        "é",
        "24/7",
        "12:30",
        "am",
        "vom",
        "Easter",
        "new year",
        "today",
        "29.02.",
        "30/02/2026",
        "13.–24.",
        "week of",
        "first",
        "days",
    ]);
    let gap = prop::sample::select(vec![" ", "", "\n"]);
    prop::collection::vec((piece, gap), 0..40)
        .prop_map(|parts| parts.into_iter().flat_map(|(piece, gap)| [piece, gap]).collect())
}

proptest! {
    #[test]
    fn no_text_is_too_much_for_the_reader_of_dates(text in pieces()) {
        let named = returns_on(&text, written());
        prop_assert!(named.is_none_or(|named| named.date > written().on));
        let _ = follow_up_on(&text, written());
    }

    #[test]
    fn no_bytes_are_too_much_for_the_classifier(raw in prop::collection::vec(any::<u8>(), 0..600)) {
        classify(&raw);
        let mut mail = HEAD.as_bytes().to_vec();
        mail.extend(&raw);
        classify(&mail);
        classify(mail_from_daemon(&String::from_utf8_lossy(&raw)).as_bytes());
    }

    #[test]
    fn no_text_of_a_mail_server_is_too_much(text in "[0-9 .<>@a-z:\n-]{0,300}") {
        classify(mail_from_daemon(&text).as_bytes());
    }
}
