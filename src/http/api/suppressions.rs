//! Who must not be contacted: said, seen, lifted.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::leads::{Cursor, pass_failed};
use super::operation::{Answer, Asked, Operation, Words, operation};
use super::problem::{Kind, Problem};
use super::wire::{Email, Nothing, PageSize, WireReason};
use super::{Site, store_failed};
use crate::domain::access::{Grant, Scope};
use crate::engine::person::PersonError;
use crate::store::StoreError;

pub fn operations() -> Vec<Operation> {
    vec![
        operation(
            Words {
                method: "GET",
                path: "/suppressions",
                scope: Scope::SuppressionsRead,
                id: "listSuppressions",
                summary: "Who must not be contacted, and why",
                description: "All, page by page; or those of one address. Of people who had their data erased no \
                              address is kept: ask for theirs to see that it is so.",
                answers: &[(200, "A page of suppressions")],
                problems: &[],
            },
            list,
        ),
        operation(
            Words {
                method: "POST",
                path: "/suppressions",
                scope: Scope::SuppressionsWrite,
                id: "suppress",
                summary: "An address must not be contacted from now on",
                description: "Whether there is a lead or not. What is planned ends; a suppression always wins.",
                answers: &[(201, "It holds from now on"), (200, "It held before")],
                problems: &[],
            },
            suppress,
        ),
        operation(
            Words {
                method: "DELETE",
                path: "/suppressions/{email}/{reason}",
                scope: Scope::SuppressionsWrite,
                id: "lift",
                summary: "Lift a suppression",
                description: "Only when the person asked for it, or it was a mistake. Lifting `erased` lets the person \
                              be taken in again.",
                answers: &[(204, "It is lifted")],
                problems: &[Kind::UnknownSuppression],
            },
            lift,
        ),
    ]
}

/// Which are listed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only those of this address.
    email: Option<Email>,
    /// At most so many.
    #[serde(default)]
    limit: PageSize,
    /// The `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of suppressions.
#[derive(Serialize, JsonSchema)]
struct Page {
    /// The suppressions.
    suppressions: Vec<View>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Suppression")]
struct View {
    /// The address.
    email: String,
    /// Why.
    reason: WireReason,
    /// Since when; of people who were erased it is not told.
    since: Option<Timestamp>,
}

async fn list(site: Site, asked: Asked<Nothing, Which, Nothing>) -> Result<Answer<Page>, Problem> {
    let Which { email, limit, cursor } = asked.query;
    if let Some(Email(email)) = email {
        let found = site.engine.refusals(&email).await.map_err(|error| store_failed(&error))?;
        let view = |(reason, since)| View { email: email.to_string(), reason: WireReason(reason), since };
        return Ok(Answer(200, Page { suppressions: found.into_iter().map(view).collect(), next: None }));
    }
    let look = async {
        let mut tx = site.engine.store().read().await?;
        let rows = tx.list_suppressions(cursor.map_or(0, |cursor| cursor.0), limit.0 + 1).await?;
        tx.rollback().await?;
        Ok(rows)
    };
    let mut rows = look.await.map_err(|error: StoreError| store_failed(&error))?;
    let more = rows.len() as i64 > limit.0;
    rows.truncate(usize::try_from(limit.0).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|(row, _)| Cursor(*row).text());
    let view = |(_, row): (i64, crate::store::Suppression)| View {
        email: row.email.to_string(),
        reason: WireReason(row.reason),
        since: Some(row.since),
    };
    Ok(Answer(200, Page { suppressions: rows.into_iter().map(view).collect(), next }))
}

/// Who must not be contacted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct New {
    /// The address.
    email: Email,
    /// Why. `erased` is not said but done.
    reason: WireReason,
}

async fn suppress(site: Site, asked: Asked<Nothing, Nothing, New>) -> Result<Answer<View>, Problem> {
    let New { email: Email(email), reason } = asked.body;
    let now = site.now();
    let new = site
        .engine
        .suppress(&email, reason.0, &bearer(&asked.by), now)
        .await
        .map_err(|error| failed(&error))?;
    let view = View { email: email.to_string(), reason, since: new.then_some(now) };
    Ok(Answer(if new { 201 } else { 200 }, view))
}

/// Which is lifted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Known {
    /// The address.
    email: Email,
    /// Why it must not be contacted.
    reason: WireReason,
}

async fn lift(site: Site, asked: Asked<Known, Nothing, Nothing>) -> Result<Answer<()>, Problem> {
    let Known { email: Email(email), reason } = asked.path;
    let lifted = site.engine.lift(&email, reason.0, &bearer(&asked.by), site.now()).await;
    if lifted.map_err(|error| failed(&error))? {
        return Ok(Answer(204, ()));
    }
    Err(Problem::new(Kind::UnknownSuppression, "there is nothing to lift"))
}

/// A token's bearer, as the log calls it.
pub fn bearer(grant: &Grant) -> String {
    format!("token {}", grant.name)
}

/// What a person's wish that could not be met is to a client.
pub fn failed(error: &PersonError) -> Problem {
    match error {
        PersonError::Unknown(_) => super::leads::unknown(),
        PersonError::BeingSent => Problem::new(Kind::BeingSent, error.to_string()).after(60),
        PersonError::EraseInstead => Problem::invalid("reason", error.to_string()),
        PersonError::Failed(error) => pass_failed(error),
    }
}
