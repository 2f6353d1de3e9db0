//! How a staff mail comes into the outbox: written once, so that the same bytes are sent however often it takes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{partner, shares_with, words, working_hours};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{LeadId, OutboxId};
use crate::domain::lead::Lead;
use crate::domain::mail::{Audience, MailClass, MailState};
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::mail::message::{Correspondent, Letter, compose};
use crate::mail::token;
use crate::playbook::STAFF_LAYOUT;
use crate::store::{NewMail, Tx};

/// A staff mail about to be planned.
pub(in crate::engine) struct Plan<'a> {
    pub class: MailClass,
    pub template: &'a str,
    pub to: &'a EmailAddress,
    /// What makes a second one impossible.
    pub unique_key: String,
    pub level: Option<String>,
    pub values: Value,
}

/// Renders a staff mail and puts it into the outbox, unless it is there already.
pub(super) async fn plan(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: Option<&Lead>,
    plan: Plan<'_>,
) -> Result<(), PassError> {
    put(engine, tx, wake, lead.map(|lead| lead.id), plan).await?;
    Ok(())
}

/// The same; the mail's row, unless it was there already or could not be written.
pub(in crate::engine) async fn put(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    lead: Option<LeadId>,
    mut plan: Plan<'_>,
) -> Result<Option<OutboxId>, PassError> {
    if let Value::Object(values) = &mut plan.values {
        values.entry("zone").or_insert_with(|| json!(working_hours(wake, plan.to).zone_name()));
    }
    if let (Some(shares), Some(_)) = (shares_with(wake, plan.to), lead) {
        partner::withhold(&mut plan.values, shares);
    }
    // What a notice says first is what it is about.
    let headline = plan.values["note"].as_str().map(|note| json!(words::headline(note)));
    if let (Some(headline), Value::Object(values)) = (headline, &mut plan.values) {
        values.entry("headline").or_insert(headline);
    }
    let rendered =
        wake.rules.templates.render(&format!("staff/{}", plan.template), STAFF_LAYOUT, &plan.values);
    let mut mail = NewMail {
        audience: Audience::Staff,
        class: plan.class,
        state: MailState::Pending,
        due_at: wake.now,
        lead,
        recipient: plan.to.clone(),
        unique_key: plan.unique_key,
        requested: false,
        playbook: wake.rules.version.clone(),
        enrolment: None,
        sequence: None,
        step: None,
        level: plan.level,
        subject: None,
        message: None,
        planned_at: wake.now,
    };
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(error) => {
            // The hand-off stands all the same; the mail is kept where a person finds it.
            tracing::error!(mail.template = plan.template, "a mail to staff could not be written: {error}");
            mail.state = MailState::Parked;
            mail.subject = Some(format!("{} could not be written: {error}", plan.template));
            tx.insert_mails(&[mail]).await?;
            return Ok(None);
        }
    };
    mail.subject = Some(rendered.subject.clone());
    let Some(id) = tx.insert_mail(&mail).await? else {
        return Ok(None);
    };
    let words = (rendered.subject, rendered.html, rendered.text);
    let auto_generated = matches!(plan.class, MailClass::Digest | MailClass::Report | MailClass::Notice);
    let letter = letter(engine, id, plan.to, words, auto_generated, wake.now);
    match compose(&letter) {
        Ok(message) => tx.set_mail_message(id, &message).await?,
        Err(error) => {
            tracing::error!(outbox.id = id.0, "a mail to staff could not be composed: {error}");
            tx.settle_mail(id, MailState::Pending, MailState::Parked, &error.to_string(), wake.now).await?;
        }
    }
    Ok(Some(id))
}

/// The letter of a row, from its subject, its HTML and its text.
pub(super) fn letter(
    engine: &Engine,
    id: OutboxId,
    to: &EmailAddress,
    (subject, html, text): (String, String, String),
    auto_generated: bool,
    now: Timestamp,
) -> Letter {
    let identity = &engine.identity;
    Letter {
        from: identity.from.clone(),
        reply_to: identity.reply_to.clone(),
        to: Correspondent { name: None, address: to.clone() },
        subject,
        html,
        text,
        message_id: token::message_id(&engine.keys.mail, id, identity.from.address.domain()),
        date: now,
        unsubscribe: None,
        in_reply_to: None,
        references: Vec::new(),
        auto_generated,
        extra: Vec::new(),
    }
}
