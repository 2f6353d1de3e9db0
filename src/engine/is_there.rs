//! A lead that turns to us by itself is there.
//!
//! What it said before of an absence, or of a later day to talk, is over then: the phone may ring, and its promises run
//! on. Otherwise whoever writes from a holiday, or asks for a call earlier after all, would be answered weeks later.

use jiff::Timestamp;
use serde_json::json;

use super::pass::PassError;
use super::{Engine, Wake};
use crate::domain::contact::{call_after_absence, mail_after_absence};
use crate::domain::happening::Over;
use crate::domain::lead::Lead;
use crate::store::Tx;

/// Ends what a lead waits for, as far as `over` says, and says so in the log; the caller writes the lead, and counts
/// its clocks anew when this is `true`.
pub(super) async fn note(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &mut Lead,
    over: Over,
) -> Result<bool, PassError> {
    let agreement = &wake.rules.agreement;
    let (mail, phone) = (engine.hours.mail(lead, agreement, None), engine.hours.phone(lead, agreement));
    let today = mail.local(wake.now).date().to_string();
    let lies_ahead = |at: Option<Timestamp>| at.is_some_and(|at| at > wake.now);
    let is_away = lead.away_until.is_some_and(|back| {
        lies_ahead(mail_after_absence(&mail, back)) || lies_ahead(call_after_absence(&phone, back))
    });
    let mut events = Vec::new();
    if over != Over::Nothing && is_away {
        lead.away_until = None;
        let facts = json!({ "until": today, "do_not_call": false, "resumes": null, "over": true });
        events.push(wake.event(lead.id, "out_of_office", facts));
    }
    if over == Over::AllOfIt && lies_ahead(lead.follow_up_at) {
        lead.follow_up_at = None;
        let facts = json!({ "on": today, "resumes": null, "over": true });
        events.push(wake.event(lead.id, "follow_up", facts));
    }
    tx.append(&events).await?;
    Ok(!events.is_empty())
}
