//! Marketing disagrees with a rejection: the manager reads both sides, and what to answer by when.

use serde_json::{Value, json};

use super::words::{self, Promised, Reader, shell_word};
use super::{Plan, lead_values, name_of, owner, plan};
use crate::domain::agreement::Team;
use crate::domain::email::EmailAddress;
use crate::domain::lead::Lead;
use crate::domain::mail::MailClass;
use crate::domain::sla::{PromiseKind, Terms};
use crate::engine::hand_off::team_calendar;
use crate::engine::pass::PassError;
use crate::engine::sla::Begun;
use crate::engine::{Engine, Wake};
use crate::store::{HandOff, Tx};

/// Plans the mail that asks the manager for an answer.
#[expect(clippy::too_many_arguments, reason = "both sides' words and the promise go into this mail")]
pub(in crate::engine) async fn dispute(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    team: &Team,
    hand_off: &HandOff,
    terms: &Terms,
    begun: &Begun,
) -> Result<(), PassError> {
    let to = &team.manager;
    let calendar = team_calendar(wake, team);
    let mut values = lead_values(engine, tx, wake, lead, to).await?;
    let rep_name = name_of(wake, &hand_off.rep);
    let has_phone = lead.profile.phone.is_some();
    let reader = Reader { to, rep: &hand_off.rep, rep_name: &rep_name, team, has_phone };
    let follows = words::otherwise(calendar, &begun.ahead, &reader);
    let promised = Promised { kind: PromiseKind::Dispute, terms, standing: &begun.standing, paid: None };
    values["promise"] = words::promise(calendar, promised, &reader, follows, None, wake.now);
    values["owner"] = owner(wake, &hand_off.rep, to);
    values["history"] = words::history(calendar, &tx.events_of(lead.id).await?, hand_off.at);
    values["dispute"] = about(tx, wake, lead, hand_off).await?;
    values["actions"] = actions(&lead.email);
    let asked = Plan {
        class: MailClass::Notice,
        template: "dispute",
        to,
        unique_key: format!("dispute:{}", hand_off.id),
        level: None,
        values,
    };
    plan(engine, tx, wake, Some(lead), asked).await
}

/// What each side says.
pub(super) async fn about(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    hand_off: &HandOff,
) -> Result<Value, PassError> {
    let given_back = tx.last_given_back(lead.id).await?;
    let Some(given_back) = given_back.filter(|given_back| given_back.hand_off == hand_off.id) else {
        return Ok(Value::Null);
    };
    let agreement = &wake.rules.agreement;
    let reason = agreement.reasons.get(&given_back.reason);
    let (by, why) = match &given_back.dispute {
        Some(dispute) => {
            let by = dispute.by.as_ref().unwrap_or(&agreement.marketing.manager);
            (name_of(wake, by), tx.event_text(dispute.event).await?)
        }
        None => (name_of(wake, &agreement.marketing.manager), None),
    };
    Ok(json!({
        "reason": reason.map_or(given_back.reason.as_str(), |reason| reason.label.as_str()),
        "said": tx.event_text(given_back.event).await?,
        "by": by,
        "why": why,
    }))
}

/// What a manager can answer.
pub(super) fn actions(lead: &EmailAddress) -> Value {
    let lead = shell_word(lead.as_str());
    json!([
        {
            "label": "Marketing is right: sales gets it again (with --to and an address, that rep gets it)",
            "command": format!("nurtured lead answer-dispute {lead} --overturn"),
        },
        {
            "label": "It stays given back",
            "command": format!("nurtured lead answer-dispute {lead} --uphold --note \"…\""),
        },
        { "label": "See its whole history", "command": format!("nurtured why {lead}") },
    ])
}
