//! `POST /v1/inbound`: a mail that came in, as it came, from a provider's webhook or a mail server's script.
//!
//! The body is the raw mail (`message/rfc822`). Whom it was delivered to, where the mail does not say so, is given as
//! `recipient`. The same mail twice counts once, so a request needs no `Idempotency-Key`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::limiter::Asker;
use super::openapi::problems;
use super::problem::{Kind, Problem};
use super::{Site, admit, authenticated, client, media_type, wrong_method};
use crate::domain::access::Scope;
use crate::domain::email::EmailAddress;
use crate::engine::ingest::Ingested;
use crate::engine::pass::PassError;
use crate::mail::inbound::MOST_BYTES;

/// What can be done there. A mail is longer than any other request, so this route has a limit of its own.
pub fn routes() -> MethodRouter<Site> {
    post(take_in).fallback(|| async { wrong_method("POST") }).layer(DefaultBodyLimit::max(MOST_BYTES))
}

/// Problems that it has.
const PROBLEMS: [Kind; 9] = [
    Kind::Unreadable,
    Kind::Unauthorised,
    Kind::Forbidden,
    Kind::TooLarge,
    Kind::WrongType,
    Kind::Invalid,
    Kind::TooMany,
    Kind::Failed,
    Kind::Unavailable,
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivered {
    recipient: Option<String>,
}

async fn take_in(
    State(site): State<Site>,
    delivered: Result<Query<Delivered>, QueryRejection>,
    request: Request,
) -> Response {
    receive(&site, delivered.ok().map(|Query(delivered)| delivered), request)
        .await
        .unwrap_or_else(Problem::into_response)
}

async fn receive(site: &Site, delivered: Option<Delivered>, request: Request) -> Result<Response, Problem> {
    let client = client::address(&request, &site.config);
    let by = authenticated(site, request.headers(), client).await?;
    admit(site, Asker::Token(by.id))?;
    if !by.allows(Scope::InboundWrite) {
        let detail = format!("the token `{}` has not the scope {}", by.name, Scope::InboundWrite.name());
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let delivered =
        delivered.ok_or_else(|| Problem::invalid("query", "the only parameter is `recipient`"))?;
    let recipient = match delivered.recipient {
        None => None,
        Some(text) => Some(
            text.parse::<EmailAddress>()
                .map_err(|_| Problem::invalid("recipient", "it is no email address"))?,
        ),
    };
    if media_type(request.headers()).is_some_and(|kind| !is_mail(&kind)) {
        return Err(Problem::new(Kind::WrongType, "send the mail as it came, as message/rfc822"));
    }
    let raw = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Kind::TooLarge, "send at most 32 MB"),
        _ => Problem::new(Kind::Unreadable, "the request broke off"),
    })?;
    if raw.is_empty() {
        return Err(Problem::new(Kind::Unreadable, "the body is the mail, and it is empty"));
    }
    let engine = Arc::clone(&site.engine);
    let recipients: Vec<EmailAddress> = recipient.into_iter().collect();
    let work = async move { engine.ingest(&raw, &recipients, engine.clock().now()).await };
    let ingested = site
        .under_way
        .finish(work)
        .await
        .map_err(|defect| Problem::failed("a mail that came in", &defect))?
        .map_err(|error: PassError| match &error {
            PassError::Store(store) => super::store_failed(store),
            other => Problem::failed("a mail that came in", other),
        })?;
    let (result, why) = match ingested {
        Ingested::Done(what) => ("done", what),
        Ingested::Refused(why) => ("refused", why),
        Ingested::Asked(why) => ("asked", why),
        Ingested::Kept(why) => ("kept", why),
        Ingested::Before => ("before", "it was taken in before".to_owned()),
    };
    let mut response = Response::new(Body::from(json!({ "result": result, "why": why }).to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Some programs name no type that fits.
fn is_mail(kind: &str) -> bool {
    ["message/rfc822", "message/global", "application/octet-stream", "text/plain"].contains(&kind)
}

/// What it is in the document.
pub fn documented() -> Value {
    let mut responses = problems(PROBLEMS.iter().copied());
    let became = json!({
        "description": "What became of it",
        "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["result", "why"],
            "properties": {
                "result": { "type": "string", "enum": ["done", "refused", "asked", "kept", "before"] },
                "why": { "type": "string", "description": "A sentence without personal text." },
            },
        } } },
    });
    responses.insert("200".to_owned(), became);
    json!({ "post": {
        "operationId": "mailCameIn",
        "summary": "A mail came in: an answer, a bounce, an out-of-office reply, a complaint",
        "description": "The body is the mail as it came. The same mail twice counts once. What nobody understands is \
                        kept for a person (`nurtured ingest --kept`).",
        "security": [{ "token": [Scope::InboundWrite.name()] }],
        "parameters": [{
            "name": "recipient",
            "in": "query",
            "required": false,
            "description": "To whom it was delivered, where the mail does not say so.",
            "schema": { "type": "string", "format": "email" },
        }],
        "requestBody": {
            "required": true,
            "content": { "message/rfc822": { "schema": { "type": "string", "format": "binary" } } },
        },
        "responses": responses,
    } })
}
