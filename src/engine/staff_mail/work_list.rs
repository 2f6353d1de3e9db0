//! Marketing's list: the leads that sales gave back because something about them has to be mended, in one mail.

use serde_json::{Value, json};

use super::actions::{FILL_IN, Way, button, to_fill_in, way};
use super::words::{day_and_time, display, shell_word};
use super::{Plan, name_of, plan, working_hours};
use crate::domain::agreement::AfterReason;
use crate::domain::lead::Lead;
use crate::domain::mail::MailClass;
use crate::domain::order::Word;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::mail::action::About;
use crate::store::{StoreError, Tx, WorkItem};

/// Plans the list of `items`, which are about `leads`.
pub(in crate::engine) async fn work_list(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    items: &[WorkItem],
    leads: &[Lead],
) -> Result<(), PassError> {
    let mut work = Vec::new();
    for item in items {
        if let Some(lead) = leads.iter().find(|lead| lead.id == item.lead) {
            work.push(told(engine, tx, wake, item, lead).await?);
        }
    }
    let note = match work.len() {
        0 => return Ok(()),
        1 => "1 lead waits for you".to_owned(),
        several => format!("{several} leads wait for you"),
    };
    let to = wake.rules.agreement.marketing.manager.clone();
    let first = items.first().map_or(0, |item| item.id.0);
    let values = json!({ "to_name": name_of(wake, &to), "note": note, "work": work });
    let list = Plan {
        class: MailClass::Digest,
        template: "work-list",
        to: &to,
        unique_key: format!("work-list:{first}:{}", wake.now),
        level: None,
        values,
    };
    plan(engine, tx, wake, None, list).await
}

/// Why sales gave a lead back to be mended ("Wrong contact data, says Robin Adler on Tue 3 Mar 10:00."), and in the
/// rep's words.
pub(in crate::engine) async fn why_given_back(
    tx: &mut Tx,
    wake: &Wake,
    item: &WorkItem,
    lead: &Lead,
) -> Result<(String, Option<String>), StoreError> {
    let agreement = &wake.rules.agreement;
    let reason = agreement.reasons.get(&item.reason);
    let label = reason.map_or(item.reason.as_str(), |reason| reason.label.as_str());
    let hand_off = match tx.last_given_back(lead.id).await? {
        Some(given_back) => tx.hand_off(given_back.hand_off).await?,
        None => None,
    };
    let on = day_and_time(&working_hours(wake, &agreement.marketing.manager).local(item.opened_at));
    let who = hand_off.map_or_else(|| "sales".to_owned(), |hand_off| name_of(wake, &hand_off.rep));
    Ok((format!("{label}, says {who} on {on}."), tx.event_text(item.event).await?))
}

/// One lead of the list, and what can be done about it.
async fn told(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    item: &WorkItem,
    lead: &Lead,
) -> Result<Value, PassError> {
    let agreement = &wake.rules.agreement;
    let reason = agreement.reasons.get(&item.reason);
    let (what, said) = why_given_back(tx, wake, item, lead).await?;
    let known: Vec<&str> = [
        Some(lead.email.as_str()),
        Some(lead.profile.phone.as_deref().unwrap_or("no number")),
        lead.profile.company.as_deref(),
        lead.profile.title.as_deref(),
        lead.profile.country.as_deref(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let merges = reason.is_some_and(|reason| reason.then == AfterReason::Merge);
    let mut told = json!({
        "display": display(lead),
        "what": what,
        "said": said,
        "known": known.join(" · "),
    });
    let way = way(engine, wake, About::Lead(lead.id), &agreement.marketing.manager);
    let mend = if merges { &[Word::DuplicateOf][..] } else { &[Word::Correct, Word::Replace] };
    match &way {
        Way::Page(page) => {
            let label = if merges { "Name the other lead, or give it up" } else { "Mend it, or give it up" };
            told["buttons"] = json!([{ "label": label, "link": page, "main": true }]);
        }
        Way::Answer(..) => {
            let by_hand = mend
                .iter()
                .map(|word| button(&way, &to_fill_in(*word), &format!("{}{FILL_IN}", word.label()), false));
            let plain = button(&way, Word::Drop.name(), Word::Drop.label(), false);
            told["buttons"] = by_hand.chain([plain]).collect();
        }
        Way::Command => {
            let address = shell_word(lead.email.as_str());
            told["drop"] = json!(format!("nurtured lead drop {address}"));
            if merges {
                let reason = &item.reason;
                told["merge"] = json!(format!("nurtured lead reject {address} --reason {reason} --of …"));
            } else {
                told["set"] = json!(format!("nurtured lead set {address} phone=…"));
                told["replace"] =
                    json!(format!("nurtured lead replace {address} new@{}", lead.email.domain()));
            }
        }
    }
    Ok(told)
}
