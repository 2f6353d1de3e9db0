//! Mail about the agreement itself: what marketing is behind with, and that both sides should meet again.

use serde_json::{Value, json};

use super::{Plan, name_of, plan};
use crate::domain::email::EmailAddress;
use crate::domain::mail::MailClass;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::store::Tx;

/// Commitments that are behind, to marketing's manager. `values` are those of the template `behind` but for the
/// reader's name.
pub(in crate::engine) async fn behind(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    values: Value,
    unique_key: String,
) -> Result<(), PassError> {
    let to = &wake.rules.agreement.marketing.manager;
    report(engine, tx, wake, "behind", to, values, unique_key).await
}

/// The agreement is due for review, to one of its managers. `values` are those of the template `review` but for the
/// reader's name.
pub(in crate::engine) async fn review(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    to: &EmailAddress,
    values: Value,
    unique_key: String,
) -> Result<(), PassError> {
    report(engine, tx, wake, "review", to, values, unique_key).await
}

async fn report(
    engine: &Engine,
    tx: &mut Tx,
    wake: &Wake,
    template: &'static str,
    to: &EmailAddress,
    mut values: Value,
    unique_key: String,
) -> Result<(), PassError> {
    values["to_name"] = json!(name_of(wake, to));
    let report = Plan { class: MailClass::Report, template, to, unique_key, level: None, values };
    plan(engine, tx, wake, None, report).await
}
