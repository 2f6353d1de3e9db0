//! `[[webhooks]]`: other systems that are told what happens.

use std::path::Path;

use super::reader::{Place, Reader, Setting};
use crate::domain::webhook::{EVENTS, PREFIX};
use crate::problem::nearest;
use crate::toml_reader::Refusal;
use crate::webhook::sign::SigningKey;
use crate::webhook::{NotATarget, Target, Webhook};

/// Reads every `[[webhooks]]`.
pub(super) fn webhooks(top: &mut Reader<'_>, base: &Path) -> Vec<Webhook> {
    let mut found: Vec<Webhook> = Vec::new();
    for section in top.sections("webhooks") {
        if let Some((webhook, mut section, place)) = webhook(section, base) {
            if found.iter().any(|other| other.name == webhook.name) {
                section.refuse(
                    &place,
                    format!("two webhooks are called `{}`", webhook.name),
                    "give each a name of its own",
                );
            }
            section.pass_over("name");
            section.finish();
            found.push(webhook);
        }
    }
    found
}

fn webhook<'a>(mut section: Reader<'a>, base: &Path) -> Option<(Webhook, Reader<'a>, Place)> {
    section.require("name", "write what you call it: `name = \"crm\"`");
    section.require("url", "write where it listens: `https://crm.company.example/hooks`");
    section.require("events", "write what it is told of: `events = [\"lead.assigned\"]`, or `[\"*\"]`");
    if !section.has("secret") && !section.has("secret_file") {
        section.require("secret_file", "name a file with what `nurtured webhook new-secret` printed");
    }
    let name = section.parsed("name", name);
    let url = section.parsed("url", target);
    let events: Vec<&'static str> = section.list("events", events).into_iter().flatten().collect();
    let secret = section.secret("secret", "secret_file");
    let allow_private = section.flag("allow_private");
    let allow_http = section.flag("allow_http");
    let ca_file = section.parsed("ca_file", super::fields::words).map(|path| base.join(path.value));
    if let Some(Setting { value: target, place }) = &url
        && target.plain
        && !allow_http
    {
        let message = "what is sent by http can be read and changed by everybody on the way";
        section.refuse(place, message, "write https; `allow_http = true` allows http to this machine");
    }
    let key = secret.and_then(|secret| {
        let key = SigningKey::parse(secret.value.reveal());
        if key.is_none() {
            let hint =
                "take what `nurtured webhook new-secret` prints: `whsec_` and base 64 of 24 to 64 bytes";
            section.refuse(&secret.place, "this is no secret of a webhook", hint);
        }
        key
    });
    let (Some(name), Some(url), Some(key)) = (name, url, key) else {
        section.finish();
        return None;
    };
    let mut kinds = events;
    kinds.sort_unstable();
    kinds.dedup();
    let webhook = Webhook { name: name.value, target: url.value, events: kinds, key, allow_private, ca_file };
    Some((webhook, section, name.place))
}

fn name(text: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 40 && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(format!("`{text}` is no name"), "write small letters, digits and `-`, at most 40"))
}

fn target(text: &str) -> Result<Target, Refusal> {
    Target::parse(text).map_err(|error| {
        let hint = match error {
            NotATarget::Credentials => "leave it out: messages are signed, and the receiver checks that",
            NotATarget::NoAddress | NotATarget::NotHttps => "write `https://crm.company.example/hooks`",
        };
        // What stands before an @ may be a password.
        let message = match error {
            NotATarget::Credentials => error.to_string(),
            error => format!("`{text}` cannot be sent to: {error}"),
        };
        Refusal::new(message, hint)
    })
}

fn events(text: &str) -> Result<Vec<&'static str>, Refusal> {
    let kinds = || EVENTS.iter().map(|(kind, _)| *kind);
    if text == "*" {
        return Ok(kinds().collect());
    }
    let wanted = text.strip_prefix(PREFIX).unwrap_or(text);
    if let Some(kind) = kinds().find(|kind| *kind == wanted) {
        return Ok(vec![kind]);
    }
    let hint = match nearest(wanted, kinds()) {
        Some(near) => format!("did you mean `{PREFIX}{near}`?"),
        None => {
            let all: Vec<String> = kinds().map(|kind| format!("{PREFIX}{kind}")).collect();
            format!("there are `*`, {}", all.join(", "))
        }
    };
    Err(Refusal::new(format!("nothing of the name `{text}` is told"), hint))
}
