//! Everything that is kept of a person, for themselves.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{PersonError, Records, former_addresses, lead_facts};
use crate::domain::email::EmailAddress;
use crate::domain::lead::Lead;
use crate::engine::Engine;
use crate::mail::inbound::{everything_said, names};
use crate::store::{GivenBack, StoreError, Tx};

/// Kept mails looked at in one go: each may be a megabyte.
const PAGE: i64 = 20;

impl Engine {
    /// Everything that is kept of a person, as one JSON object: that of the record that goes on, and in it those of
    /// its doubles.
    ///
    /// # Errors
    /// When nobody knows them, or the store fails.
    pub async fn export(&self, email: &EmailAddress) -> Result<Value, PersonError> {
        let mut tx = self.store.read().await?;
        let records = Records::of(&mut tx, email).await?;
        let Some((person, doubles)) = records.leads.split_first() else {
            return Err(PersonError::Unknown(email.clone()));
        };
        let mut export = everything(&mut tx, person).await?;
        let mut told = Vec::new();
        let mut addresses = Vec::new();
        for double in doubles {
            told.push(everything(&mut tx, double).await?);
        }
        for lead in &records.leads {
            addresses.push(lead.email.clone());
            addresses.extend(former_addresses(&mut tx, lead).await?);
        }
        let mut mails = Vec::new();
        let mut after = 0;
        loop {
            let page = tx.kept_mails(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            mails.extend(page.into_iter().filter(|kept| names(&everything_said(&kept.raw), &addresses)).map(
                |kept| {
                    let mail = String::from_utf8_lossy(&kept.raw).into_owned();
                    json!({ "received_at": kept.received_at, "why": kept.why, "mail": mail })
                },
            ));
        }
        tx.rollback().await?;
        export["doubles"] = Value::from(told);
        export["kept_mails"] = Value::from(mails);
        Ok(export)
    }
}

async fn everything(tx: &mut Tx, lead: &Lead) -> Result<Value, StoreError> {
    let mut notes: BTreeMap<_, _> = tx.event_texts(lead.id).await?.into_iter().collect();
    let mut events = Vec::new();
    for event in tx.events_of(lead.id).await? {
        events.push(json!({
            "at": event.occurred_at,
            "recorded_at": event.recorded_at,
            "kind": event.kind,
            "by": event.actor,
            "facts": event.facts,
            "note": notes.remove(&event.id),
        }));
    }
    let mails = tx.mails_of(lead.id).await?.into_iter().map(|mail| {
        json!({
            "to": mail.recipient.as_str(),
            "class": mail.class.name(),
            "subject": mail.subject,
            "sequence": mail.sequence,
            "step": mail.step,
            "state": mail.state.name(),
            "planned_at": mail.planned_at,
            "ended_at": mail.ended_at,
        })
    });
    let mails: Vec<Value> = mails.collect();
    let enrolments = tx.enrolments_of(lead.id).await?.into_iter().map(|enrolment| {
        json!({ "sequence": enrolment.sequence, "round": enrolment.round, "last_sent_at": enrolment.last_sent_at })
    });
    let enrolments: Vec<Value> = enrolments.collect();
    let hand_offs = tx.hand_offs_of(lead.id).await?.into_iter().map(|given| {
        json!({
            "rep": given.rep.as_str(),
            "team": given.team,
            "campaign": given.campaign,
            "at": given.at,
            "accepted_at": given.accepted_at,
            "ended_at": given.ended_at,
            "ended_why": given.ended_why,
        })
    });
    let hand_offs: Vec<Value> = hand_offs.collect();
    let contacts = tx.contacts_since(&[lead.id], 0).await?.into_iter().map(|contact| {
        let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(contact.local_date));
        json!({ "on": date.ok().map(|date| date.to_string()), "channel": contact.channel.name() })
    });
    let contacts: Vec<Value> = contacts.collect();
    let mut suppressions = refused(tx, &lead.email).await?;
    let mut former = Vec::new();
    for address in former_addresses(tx, lead).await? {
        suppressions.extend(refused(tx, &address).await?);
        former.push(address);
    }
    let given_back = tx.given_back(lead.id).await?.into_iter().filter(|row| row.lead == lead.id);
    let given_back: Vec<Value> = given_back.map(|row| given_back_facts(&row)).collect();
    let work_items = tx.work_items_of(lead.id).await?.into_iter().map(|item| {
        json!({
            "reason": item.reason,
            "opened_at": item.opened_at,
            "closed_at": item.closed_at,
            "closed_why": item.closed_why,
        })
    });
    let work_items: Vec<Value> = work_items.collect();
    Ok(json!({
        "lead": lead_facts(lead),
        "touches": tx.touches(lead.id).await?,
        "answers": tx.answers(lead.id).await?,
        "activities": tx.activities(lead.id).await?,
        "former_addresses": former,
        "suppressions": suppressions,
        "enrolments": enrolments,
        "hand_offs": hand_offs,
        "given_back": given_back,
        "work_items": work_items,
        "contacts": contacts,
        "mails": mails,
        "events": events,
    }))
}

/// What was refused under one address.
async fn refused(tx: &mut Tx, email: &EmailAddress) -> Result<Vec<Value>, StoreError> {
    let said = tx.suppressions(email).await?.into_iter();
    Ok(said.map(|row| json!({ "email": email, "reason": row.reason.name(), "since": row.since })).collect())
}

/// That sales gave the lead back, and what marketing said to it. The words stand with the events.
fn given_back_facts(row: &GivenBack) -> Value {
    let dispute = row.dispute.as_ref().map(|dispute| {
        let settled = dispute.settled.as_ref();
        json!({
            "at": dispute.at,
            "by": dispute.by,
            "verdict": settled.map(|settled| settled.verdict.name()),
            "settled_at": settled.map(|settled| settled.at),
            "settled_by": settled.and_then(|settled| settled.by.as_ref()),
        })
    });
    json!({ "at": row.at, "stage": row.stage, "reason": row.reason, "dispute": dispute })
}
