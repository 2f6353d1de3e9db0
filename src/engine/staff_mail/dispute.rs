//! Marketing disagrees with a rejection: the manager reads both sides, and what to answer by when.

use serde_json::{Value, json};

use super::actions::{Way, button, way};
use super::history;
use super::promise::{self, Promised, Reader};
use super::words::shell_word;
use super::{Plan, lead_values, name_of, owner, plan};
use crate::domain::agreement::Team;
use crate::domain::email::EmailAddress;
use crate::domain::lead::Lead;
use crate::domain::mail::MailClass;
use crate::domain::order::Word;
use crate::domain::sla::{PromiseKind, Terms};
use crate::engine::hand_off::team_calendar;
use crate::engine::pass::PassError;
use crate::engine::sla::Begun;
use crate::engine::{Engine, Wake};
use crate::mail::action::About;
use crate::store::{HandOff, StoreError, Tx};

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
    let promised = Promised { kind: PromiseKind::Dispute, terms, standing: &begun.standing, paid: None };
    values["promise"] = promise::promise(calendar, promised, &reader, Some(&begun.ahead), None, wake.now);
    values["owner"] = owner(wake, &hand_off.rep, to);
    values["history"] = history::history(wake, calendar, &tx.events_of(lead.id).await?, hand_off.at);
    values["dispute"] = about(tx, wake, lead, hand_off).await?;
    offer(engine, wake, &mut values, &lead.email, team, hand_off, to);
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

/// What each side says of a rejection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Why it was given back, in the agreement's words.
    pub reason: String,
    /// In the rep's words.
    pub said: Option<String>,
    /// Who disagrees, by name.
    pub by: String,
    /// In their words.
    pub why: Option<String>,
}

/// What each side says of how `hand_off` ended.
pub(in crate::engine) async fn sides(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    hand_off: &HandOff,
) -> Result<Option<Sides>, StoreError> {
    let given_back = tx.last_given_back(lead.id).await?;
    let Some(given_back) = given_back.filter(|given_back| given_back.hand_off == hand_off.id) else {
        return Ok(None);
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
    let reason = reason.map_or(given_back.reason.as_str(), |reason| reason.label.as_str()).to_owned();
    Ok(Some(Sides { reason, said: tx.event_text(given_back.event).await?, by, why }))
}

/// The same as values of a mail.
pub(super) async fn about(
    tx: &mut Tx,
    wake: &Wake,
    lead: &Lead,
    hand_off: &HandOff,
) -> Result<Value, PassError> {
    Ok(sides(tx, wake, lead, hand_off).await?.map_or(
        Value::Null,
        |sides| json!({ "reason": sides.reason, "said": sides.said, "by": sides.by, "why": sides.why }),
    ))
}

/// Adds what a manager can answer; whoever only has to know of it is offered nothing.
pub(super) fn offer(
    engine: &Engine,
    wake: &Wake,
    values: &mut Value,
    lead: &EmailAddress,
    team: &Team,
    hand_off: &HandOff,
    to: &EmailAddress,
) {
    let decides = team.manager == *to || team.director.as_ref() == Some(to);
    let way = if decides { way(engine, wake, About::HandOff(hand_off.id), to) } else { Way::Command };
    let words = [Word::Overturn, Word::Uphold];
    values["buttons"] = match way {
        Way::Command => json!([]),
        Way::Page(_) | Way::Answer(..) => {
            words.iter().map(|word| button(&way, word.name(), word.label(), true)).collect()
        }
    };
    values["actions"] = match way {
        Way::Command if decides => actions(lead),
        _ => json!([]),
    };
}

/// What a manager can answer.
fn actions(lead: &EmailAddress) -> Value {
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
