//! One person's data: taken out, and erased.

use schemars::JsonSchema;
use serde::Serialize;

use super::Site;
use super::leads::OfLead;
use super::operation::{Answer, Asked, Operation, Words, operation};
use super::problem::{Kind, Problem};
use super::suppressions::{bearer, failed};
use super::wire::Nothing;
use crate::domain::access::Scope;

pub fn operations() -> Vec<Operation> {
    vec![
        operation(
            Words {
                method: "GET",
                path: "/leads/{email}/export",
                scope: Scope::PersonExport,
                id: "exportPerson",
                summary: "Everything that is kept of one person",
                description: "One object with a part for each kind of data, to be handed to the person.",
                answers: &[(200, "The data")],
                problems: &[Kind::UnknownLead],
            },
            export,
        ),
        operation(
            Words {
                method: "POST",
                path: "/leads/{email}/erase",
                scope: Scope::PersonErase,
                id: "erasePerson",
                summary: "Erase one person's data",
                description: "For ever. Ids, times and reasons stay, so that counts of the past stay true; every \
                              personal word goes. A keyed hash of the address remembers to take the person in no more \
                              and to leave them in peace.",
                answers: &[(200, "It is done, now or before")],
                problems: &[Kind::UnknownLead, Kind::BeingSent],
            },
            erase,
        ),
    ]
}

/// Everything that is kept of a person, by kind.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
struct Export(serde_json::Map<String, serde_json::Value>);

async fn export(site: Site, asked: Asked<OfLead, Nothing, Nothing>) -> Result<Answer<Export>, Problem> {
    let export = site.engine.export(&asked.path.email.0).await.map_err(|error| failed(&error))?;
    Ok(Answer(200, Export(export.as_object().cloned().unwrap_or_default())))
}

/// That a person's data is erased.
#[derive(Serialize, JsonSchema)]
struct Erased {
    /// Always `true`.
    erased: bool,
    /// Whether there was still something to erase.
    anew: bool,
}

async fn erase(site: Site, asked: Asked<OfLead, Nothing, Nothing>) -> Result<Answer<Erased>, Problem> {
    let anew = site.engine.erase(&asked.path.email.0, &bearer(&asked.by), site.now()).await;
    let anew = anew.map_err(|error| failed(&error))?;
    Ok(Answer(200, Erased { erased: true, anew }))
}
