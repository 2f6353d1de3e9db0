//! What an operation is: one description from which the route, the checks and the document are made.
//!
//! The types of a handler are the types of the document: [`operation`] takes a function of a path, a query and a
//! body, reads requests into them, and asks the same types for their schemas. So the document cannot say what the
//! program does not do.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use axum::body::Bytes;
use futures_util::future::BoxFuture;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Site;
use super::problem::{Kind, Problem};
use crate::domain::access::{Grant, Scope};

/// A request whose token was found good.
pub struct Asked<P, Q, B> {
    /// By whose token.
    pub by: Arc<Grant>,
    /// What the path names.
    pub path: P,
    /// What stands behind the question mark.
    pub query: Q,
    /// What was sent.
    pub body: B,
}

/// A request as it came, its body read.
pub struct Raw {
    /// By whose token.
    pub by: Arc<Grant>,
    /// The variable parts of the path, by name.
    pub path: Vec<(String, String)>,
    /// What stands behind the question mark.
    pub query: String,
    /// What the body is said to be, without its parameters, in lower case.
    pub kind: Option<String>,
    /// What was sent.
    pub body: Bytes,
}

/// An answer that is no problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON; nothing for a 204.
    pub body: String,
}

impl Reply {
    /// A status and a value.
    ///
    /// # Errors
    /// When the value has no JSON form: a defect.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Reply, Problem> {
        let body = serde_json::to_string(value).map_err(|error| Problem::failed("an answer", &error))?;
        Ok(Reply { status, body })
    }
}

/// What a handler gives: a status of those its operation names, and a value.
pub struct Answer<T>(pub u16, pub T);

/// A handler behind its types.
pub type Handler = Arc<dyn Fn(Site, Raw) -> BoxFuture<'static, Result<Reply, Problem>> + Send + Sync>;

/// One thing that can be asked.
pub struct Operation {
    /// `GET`, `POST`, `DELETE`.
    pub method: &'static str,
    /// Below `/v1`, its variable parts in braces.
    pub path: &'static str,
    /// Which token may.
    pub scope: Scope,
    /// Its name in the document.
    pub id: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// More about it.
    pub description: &'static str,
    /// The statuses of answers that are no problem, in words.
    pub answers: &'static [(u16, &'static str)],
    /// Problems it has beside those that all have.
    pub problems: &'static [Kind],
    /// The types of its parameters.
    pub schemas: Schemas,
    /// What does it.
    pub handler: Handler,
}

/// Where the document finds the types of an operation.
pub struct Schemas {
    /// An object whose properties are the path's variable parts.
    pub path: fn(&mut SchemaGenerator) -> Schema,
    /// An object whose properties are the query's parameters.
    pub query: fn(&mut SchemaGenerator) -> Schema,
    /// The body's.
    pub body: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// The answer's.
    pub answer: fn(&mut SchemaGenerator) -> Schema,
}

/// The words and the scope of an operation.
pub struct Words {
    /// See [`Operation`].
    pub method: &'static str,
    /// See [`Operation`].
    pub path: &'static str,
    /// See [`Operation`].
    pub scope: Scope,
    /// See [`Operation`].
    pub id: &'static str,
    /// See [`Operation`].
    pub summary: &'static str,
    /// See [`Operation`].
    pub description: &'static str,
    /// See [`Operation`].
    pub answers: &'static [(u16, &'static str)],
    /// See [`Operation`].
    pub problems: &'static [Kind],
}

/// An operation of a handler's types.
pub fn operation<P, Q, B, T, F>(words: Words, handler: fn(Site, Asked<P, Q, B>) -> F) -> Operation
where
    P: DeserializeOwned + JsonSchema + Send + 'static,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    B: DeserializeOwned + JsonSchema + Send + 'static,
    T: Serialize + JsonSchema + Send + 'static,
    F: Future<Output = Result<Answer<T>, Problem>> + Send + 'static,
{
    let Words { method, path, scope, id, summary, description, answers, problems } = words;
    let has_body = std::any::TypeId::of::<B>() != std::any::TypeId::of::<super::wire::Nothing>();
    let schemas = Schemas {
        path: |generator| P::json_schema(generator),
        query: |generator| Q::json_schema(generator),
        body: has_body.then_some(|generator: &mut SchemaGenerator| generator.subschema_for::<B>()),
        answer: |generator| generator.subschema_for::<T>(),
    };
    let handler: Handler = Arc::new(move |site, raw: Raw| {
        let asked = read::<P, Q, B>(raw, has_body).map(|asked| handler(site, asked));
        Box::pin(async move {
            let Answer(status, value) = asked?.await?;
            debug_assert!(answers.iter().any(|(known, _)| *known == status), "{status} is not documented");
            if status == 204 {
                Ok(Reply { status, body: String::new() })
            } else {
                Reply::json(status, &value)
            }
        })
    });
    Operation { method, path, scope, id, summary, description, answers, problems, schemas, handler }
}

fn read<P: DeserializeOwned, Q: DeserializeOwned, B: DeserializeOwned>(
    raw: Raw,
    has_body: bool,
) -> Result<Asked<P, Q, B>, Problem> {
    let path = path_values(&raw.path)?;
    let query = query_values(&raw.query)?;
    let body = if has_body {
        json_body(raw.kind.as_deref(), &raw.body)?
    } else {
        serde_json::from_str("{}").map_err(|error| Problem::failed("an empty body", &error))?
    };
    Ok(Asked { by: raw.by, path, query, body })
}

/// The variable parts of a path as their types. What cannot be one names nothing.
fn path_values<P: DeserializeOwned>(parts: &[(String, String)]) -> Result<P, Problem> {
    let map = parts.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    P::deserialize(serde::de::value::MapDeserializer::<_, serde::de::value::Error>::new(map))
        .map_err(|error| Problem::invalid("path", error.to_string()))
}

fn query_values<Q: DeserializeOwned>(query: &str) -> Result<Q, Problem> {
    let refuse = |error: &dyn Display| Problem::invalid("query", error.to_string());
    serde_urlencoded::from_str(query).map_err(|error| refuse(&error))
}

/// A JSON body as its type.
///
/// # Errors
/// [`Kind::WrongType`] when it is not said to be JSON, [`Kind::Unreadable`] when it is none, [`Kind::Invalid`] with
/// the path of the first value that makes no sense.
pub fn json_body<B: DeserializeOwned>(kind: Option<&str>, body: &[u8]) -> Result<B, Problem> {
    let is_json = kind.is_some_and(|kind| {
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    });
    if !is_json {
        return Err(Problem::new(
            Kind::WrongType,
            "send JSON, with the header `Content-Type: application/json`",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value: B = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let at = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => {
                Problem::invalid(if at == "." { "" } else { &at }, inner.to_string())
            }
            _ => Problem::new(Kind::Unreadable, format!("the body is not JSON: {inner}")),
        }
    })?;
    reader.end().map_err(|error| {
        Problem::new(Kind::Unreadable, format!("the body goes on behind its end: {error}"))
    })?;
    Ok(value)
}

/// Operations by path, in the order in which they are documented.
pub fn by_path(operations: Vec<Operation>) -> BTreeMap<&'static str, Vec<Operation>> {
    let mut paths: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
    for operation in operations {
        paths.entry(operation.path).or_default().push(operation);
    }
    paths
}
