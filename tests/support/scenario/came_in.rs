//! What comes back of a mail, as servers and people write it: an answer, an out-of-office reply, a bounce, a complaint.

use toml::Table;

use super::bodies::Sent;
use super::outside::{CameIn, Way};

/// The raw mail that `came` describes, which is about `sent`; `date` as a header has it, `number` tells it from others.
pub fn raw(came: &CameIn, sent: &Sent, date: &str, number: i64) -> Vec<u8> {
    let is_report = !came.failed.is_empty() || came.complains.is_some();
    let writer = if is_report { "mailer-daemon@mx.acme.example" } else { &sent.to };
    let from = came.from.as_deref().unwrap_or(writer);
    let to = if came.by == Way::Address { &sent.envelope_from } else { "hello@ours.example" };
    let subject = came.subject.clone().unwrap_or_else(|| match is_report {
        true => "Undelivered Mail Returned to Sender".to_owned(),
        false => format!("Re: {}", sent.subject),
    });
    let mut headers = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <in{number}@acme.example>\r\nDate: {date}\r\n"
    );
    if came.by == Way::Thread {
        headers.push_str(&format!("In-Reply-To: {}\r\n", sent.message_id));
    }
    for (name, value) in &came.headers {
        headers.push_str(&format!("{name}: {}\r\n", value.as_str().unwrap_or_default()));
    }
    let text = came.says.replace('\n', "\r\n");
    let original =
        format!("Message-ID: {}\r\nTo: {}\r\nSubject: {}\r\n", sent.message_id, sent.to, sent.subject);
    let with_original = came.by == Way::Returned;
    let part = |kind: &str, body: &str| format!("--x\r\nContent-Type: {kind}\r\n\r\n{body}\r\n");
    let original_part =
        if with_original { part("message/rfc822", &format!("{original}\r\nHello")) } else { String::new() };
    let body = if let Some(kind) = &came.complains {
        let report = format!("Feedback-Type: {kind}\r\nUser-Agent: x/1\r\nVersion: 1\r\n");
        headers.push_str(&report_type("feedback-report"));
        format!(
            "{}{}{original_part}--x--\r\n",
            part("text/plain", &text),
            part("message/feedback-report", &report)
        )
    } else if !came.failed.is_empty() {
        headers.push_str(&report_type("delivery-status"));
        let status = delivery_status(&came.failed, &sent.to);
        format!(
            "{}{}{original_part}--x--\r\n",
            part("text/plain", &text),
            part("message/delivery-status", &status)
        )
    } else if with_original {
        format!("{text}\r\n\r\n> {}\r\n", original.trim_end().replace("\r\n", "\r\n> "))
    } else {
        format!("{text}\r\n")
    };
    format!("{headers}\r\n{body}").into_bytes()
}

fn report_type(kind: &str) -> String {
    format!("MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type={kind}; boundary=x\r\n")
}

/// RFC 3464, of what a scenario says of the failure: `{ status = "5.1.1", code = "smtp; 550 …" }`.
fn delivery_status(failed: &Table, to: &str) -> String {
    let value = |key: &str| failed.get(key).and_then(toml::Value::as_str);
    let status = value("status").unwrap_or("5.1.1");
    let action = value("action").unwrap_or(if status.starts_with('4') { "delayed" } else { "failed" });
    let code = value("code").unwrap_or("smtp; 550 5.1.1 no such user here");
    format!(
        "Reporting-MTA: dns; mx.acme.example\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: {code}\r\n"
    )
}
