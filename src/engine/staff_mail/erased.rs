//! What is told of a lead that is erased: to its rep that they have one lead less, and nothing of whose it was.
//!
//! A mail about several leads that waits meanwhile leaves, but names nobody. Whoever gets it is still told that there was something to be told, under the Message-ID that it would have had; what
//! stood in it about the others they find where it is kept.

use jiff::Timestamp;
use serde_json::json;

use super::post::letter;
use super::words::{display, display_day};
use super::{Plan, name_of, plan, working_hours};
use crate::domain::email::EmailAddress;
use crate::domain::ids::OutboxId;
use crate::domain::lead::Lead;
use crate::domain::mail::MailClass;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::mail::inbound::{everything_said, names};
use crate::mail::message::compose;
use crate::store::{HandOff, Tx};

const SUBJECT: &str = "Several leads need a look, and one was erased";

const WORDS: &str = "This mail was about several leads. One of them had their data erased before it could leave, so it \
                     says nothing of any of them. What of theirs is open, whoever runs nurtured can tell you.";

/// Tells a rep that a lead of theirs is gone. The day on which they got it is all that is left of it.
pub(in crate::engine) async fn erased(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    was: &HandOff,
) -> Result<(), PassError> {
    let to = &was.rep;
    let day = display_day(working_hours(wake, to).local(was.at).date());
    let note = format!("The lead that you got on {day}");
    let unique_key = format!("erased:{}", was.id);
    let values = json!({ "to_name": name_of(wake, to), "note": note });
    let notice = Plan { class: MailClass::Notice, template: "erased", to, unique_key, level: None, values };
    plan(engine, tx, wake, None, notice).await
}

/// Whether the mail names a lead: by one of its addresses, or as mails about several leads call it.
pub(in crate::engine) fn bundle_names(message: &[u8], lead: &Lead, addresses: &[EmailAddress]) -> bool {
    let said = everything_said(message);
    if names(&said, addresses) {
        return true;
    }
    // Lines are broken anywhere.
    let words = |text: &str| text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let said = words(&said);
    let told_as = [lead.profile.full_name(), lead.profile.phone.clone(), Some(display(lead))];
    // A first name alone is everybody's.
    let told_as = told_as.into_iter().flatten().filter(|name| name.contains([' ', '+', ',']));
    told_as.map(|name| words(&name)).any(|name| said.contains(&name))
}

/// What goes in its place: subject and bytes.
pub(in crate::engine) fn instead_of_bundle(
    engine: &Engine,
    id: OutboxId,
    to: &EmailAddress,
    now: Timestamp,
) -> Option<(String, Vec<u8>)> {
    let letter =
        letter(engine, id, to, (SUBJECT.to_owned(), format!("<p>{WORDS}</p>"), WORDS.to_owned()), true, now);
    compose(&letter).ok().map(|message| (SUBJECT.to_owned(), message))
}
