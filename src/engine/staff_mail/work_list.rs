//! Marketing's list: the leads that sales gave back because something about them has to be mended, in one mail.

use serde_json::{Value, json};

use super::words::{day_and_time, display, shell_word};
use super::{Plan, name_of, plan};
use crate::domain::agreement::AfterReason;
use crate::domain::lead::Lead;
use crate::domain::mail::MailClass;
use crate::engine::hand_off::team_calendar;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::store::{Tx, WorkItem};

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
            work.push(told(tx, wake, item, lead).await?);
        }
    }
    let note = match work.len() {
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

/// One lead of the list, and what can be done about it.
async fn told(tx: &mut Tx, wake: &Wake, item: &WorkItem, lead: &Lead) -> Result<Value, PassError> {
    let agreement = &wake.rules.agreement;
    let reason = agreement.reasons.get(&item.reason);
    let label = reason.map_or(item.reason.as_str(), |reason| reason.label.as_str());
    let hand_off = match tx.last_given_back(lead.id).await? {
        Some(given_back) => tx.hand_off(given_back.hand_off).await?,
        None => None,
    };
    let team = hand_off.as_ref().and_then(|hand_off| agreement.teams.get(&hand_off.team));
    let on = team
        .or_else(|| agreement.teams.values().next())
        .map(|team| format!(" on {}", day_and_time(&team_calendar(wake, team).local(item.opened_at))))
        .unwrap_or_default();
    let who = hand_off.map_or_else(|| "sales".to_owned(), |hand_off| name_of(wake, &hand_off.rep));
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
    let address = shell_word(lead.email.as_str());
    let merges = reason.is_some_and(|reason| reason.then == AfterReason::Merge);
    let mut told = json!({
        "display": display(lead),
        "what": format!("{label}, says {who}{on}."),
        "said": tx.event_text(item.event).await?,
        "known": known.join(" · "),
        "drop": format!("nurtured lead drop {address}"),
    });
    if merges {
        let reason = &item.reason;
        told["merge"] = json!(format!("nurtured lead reject {address} --reason {reason} --of …"));
    } else {
        told["set"] = json!(format!("nurtured lead set {address} phone=…"));
        told["replace"] = json!(format!("nurtured lead replace {address} new@{}", lead.email.domain()));
    }
    Ok(told)
}
