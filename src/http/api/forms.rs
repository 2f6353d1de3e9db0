//! `POST /v1/forms/{campaign}`: a web form hands in a lead.
//!
//! The page that holds the form is public, so its key is too: a token whose only scope is `forms:write`, given as
//! the field `form_key` (or as a bearer). It can add a lead and learns nothing, not even whether the address was
//! known. A form cannot say what only a CRM knows: owner, status, score, or that somebody wants no mail.
//!
//! Programs that fill in every field fill in the honeypot too, and are thanked like everybody else. A visitor is
//! sent on only to addresses that the configuration names, and scripts may read the answer only from its sites.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, on};
use serde_json::{Value, json};

use super::super::limiter::Asker;
use super::super::page::{self, escaped};
use super::leads::not_arrived;
use super::openapi::problems;
use super::problem::{Kind, Problem};
use super::{Site, admit, authenticated, bearer, client, media_type, read_body, store_failed, wrong_method};
use crate::domain::access::{Grant, Scope};
use crate::domain::intake::{RawLead, form};
use crate::engine::take_in::TakenIn;

/// The field with the form's key.
const KEY: &str = "form_key";
/// The field with the page to go on to.
const REDIRECT: &str = "redirect";

/// What can be done there.
pub fn routes() -> MethodRouter<Site> {
    use axum::routing::MethodFilter;
    on(MethodFilter::POST, hand_in)
        .on(MethodFilter::OPTIONS, may_post)
        .fallback(|| async { wrong_method("POST, OPTIONS") })
}

/// What a browser asks before a script of another site posts.
async fn may_post(State(site): State<Site>, headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    if shared_with(&site, &headers).is_some() {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, authorization"),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    shared(&site, &headers, response)
}

async fn hand_in(
    State(site): State<Site>,
    campaign: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let wants_a_page = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let response = match receive(&site, campaign, request).await {
        Ok(Some(redirect)) => go_on(&redirect),
        Ok(None) if wants_a_page => page::page(StatusCode::OK, "Thank you", "<p>We have received it.</p>"),
        Ok(None) => received(),
        Err(problem) if wants_a_page => {
            let shown = problem.shown();
            let status = StatusCode::from_u16(shown.status).unwrap_or(StatusCode::BAD_REQUEST);
            let body = format!("<p>{}</p><p>Please go back and try again.</p>", escaped(&shown.detail));
            let mut response = page::page(status, shown.title, &body);
            problem.say_in_headers(&mut response);
            response
        }
        Err(problem) => problem.into_response(),
    };
    shared(&site, &headers, response)
}

fn received() -> Response {
    let mut response = Response::new(Body::from(json!({ "received": true }).to_string()));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn go_on(to: &str) -> Response {
    let Ok(to) = HeaderValue::from_str(to) else { return received() };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, to);
    response
}

/// The site that a script may read the answer from, when it is one of ours.
fn shared_with<'h>(site: &Site, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?.to_ascii_lowercase();
    site.config.forms.origins.contains(&text).then_some(origin)
}

fn shared(site: &Site, headers: &HeaderMap, mut response: Response) -> Response {
    if !site.config.forms.origins.is_empty() {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = shared_with(site, headers) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response
}

/// Takes in what a form says; gives the page to go on to.
async fn receive(
    site: &Site,
    campaign: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Option<String>, Problem> {
    let client = client::address(&request, &site.config);
    let headers = request.headers().clone();
    // A server of ours hands in many visitors' forms from one address, by a token that nobody else knows. A form's key
    // is no secret: whoever shows it is one of many, and known by their address.
    let bearer = match bearer(&headers) {
        Some(_) => Some(authenticated(site, &headers, client).await?),
        None => None,
    };
    admit(
        site,
        match &bearer {
            Some(grant) if !grant.is_form_key() => Asker::Token(grant.id),
            _ => Asker::Form(client),
        },
    )?;
    if !site.config.forms.origins.is_empty()
        && headers.contains_key(header::ORIGIN)
        && shared_with(site, &headers).is_none()
    {
        return Err(Problem::new(Kind::Forbidden, "pages of that site may not post here"));
    }
    let Path(campaign) = campaign.map_err(|_| Problem::invalid("path", "it is not UTF-8"))?;
    let kind = media_type(&headers);
    let mut form = Form::read(kind.as_deref(), &read_body(request).await?)?;
    let key = form.take(KEY);
    let grant = match bearer {
        Some(grant) if grant.allows(Scope::FormsWrite) => grant,
        Some(_) => return Err(Problem::new(Kind::Forbidden, "the token has not the scope forms:write")),
        None => key_of(site, client, key.unwrap_or_default()).await?,
    };
    if grant.campaign.as_ref().is_some_and(|only| *only != campaign) {
        return Err(Problem::new(Kind::Forbidden, "the key is for another campaign's form"));
    }
    if site.engine.rules().agreement.campaign(&campaign).is_none() {
        return Err(Problem::new(Kind::UnknownCampaign, "the agreement has no campaign of that name"));
    }
    let redirect = form.take(REDIRECT).filter(|to| !to.is_empty());
    if let Some(to) = &redirect
        && !site.config.forms.redirects.contains(to)
    {
        return Err(Problem::invalid(REDIRECT, "that address is not among [forms] redirects"));
    }
    if form.take(&site.config.forms.honeypot).is_some_and(|text| !text.trim().is_empty()) {
        tracing::info!("a form for {campaign} was filled in by a program and left out");
        return Ok(redirect);
    }
    let now = site.now();
    let raw = form.into_raw(campaign, now)?;
    let engine = Arc::clone(&site.engine);
    let arrival = site.under_way.finish(async move { engine.arrives(raw, now).await }).await;
    let arrival = arrival.map_err(|defect| Problem::failed("a form", &defect))?;
    if arrival.map_err(|error| not_arrived(&error))?.taken == TakenIn::Erased {
        tracing::info!("a form of somebody who had their data erased was left out");
    }
    Ok(redirect)
}

/// Whose form it is, by the key in it.
async fn key_of(site: &Site, client: Option<IpAddr>, key: String) -> Result<Grant, Problem> {
    let grant = site.engine.grant_of(&key, site.now()).await.map_err(|error| store_failed(&error))?;
    match grant {
        Some(grant) if grant.is_form_key() => Ok(grant),
        // A page is no place for a token that may do more; whoever put it there should hear of it.
        Some(grant) => {
            tracing::warn!(
                "the token `{}` stands in a public form and may do more than that: revoke it",
                grant.name
            );
            Err(Problem::new(Kind::Forbidden, "a form's key has the scope forms:write alone; make one"))
        }
        None => {
            admit(site, Asker::Stranger(client))?;
            Err(Problem::new(Kind::Unauthorised, "the field `form_key` holds no good key"))
        }
    }
}

/// What a form says: its fields by their names, each name once, in the order of the form.
#[derive(Default)]
struct Form {
    fields: Vec<(String, String)>,
    places: HashMap<String, usize>,
}

impl Form {
    fn read(kind: Option<&str>, body: &Bytes) -> Result<Form, Problem> {
        let mut form = Form::default();
        match kind {
            Some("application/x-www-form-urlencoded") => {
                let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body).map_err(|error| {
                    Problem::new(Kind::Unreadable, format!("the form cannot be read: {error}"))
                })?;
                for (name, value) in pairs {
                    form.add(name, value);
                }
            }
            Some("application/json") => {
                let value: Value = super::operation::json_body(kind, body)?;
                let Value::Object(members) = value else {
                    return Err(Problem::invalid("", "send an object: the fields of the form by name"));
                };
                for (name, value) in members {
                    match (name.as_str(), value) {
                        ("answers", Value::Object(answers)) => {
                            for (question, answer) in answers {
                                let answer = scalar(&question, answer)?;
                                form.add(format!("answers[{question}]"), answer);
                            }
                        }
                        (_, value) => {
                            let value = scalar(&name, value)?;
                            form.add(name, value);
                        }
                    }
                }
            }
            _ => {
                return Err(Problem::new(
                    Kind::WrongType,
                    "send application/x-www-form-urlencoded, as a form without an enctype does, or JSON",
                ));
            }
        }
        Ok(form)
    }

    /// Several ticks of one question are one answer.
    fn add(&mut self, name: String, value: String) {
        match self.places.get(&name) {
            Some(place) => {
                let before = &mut self.fields[*place].1;
                if !value.is_empty() && *before != value {
                    if !before.is_empty() {
                        before.push_str(", ");
                    }
                    before.push_str(&value);
                }
            }
            None => {
                self.places.insert(name.clone(), self.fields.len());
                self.fields.push((name, value));
            }
        }
    }

    /// What a field says that is not about the lead; nothing is left of it.
    fn take(&mut self, name: &str) -> Option<String> {
        let place = self.places.get(name)?;
        Some(std::mem::take(&mut self.fields[*place].1))
    }

    fn into_raw(self, campaign: String, now: jiff::Timestamp) -> Result<RawLead, Problem> {
        let mut raw = form::lead_of(self.fields);
        if raw.email.is_none() {
            return Err(Problem::invalid("email", "the email address is missing"));
        }
        raw.campaign = Some(campaign);
        raw.touched_at = Some(now.to_string());
        Ok(raw)
    }
}

/// A value of a field as text.
fn scalar(name: &str, value: Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(yes) => Ok(yes.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => {
            Err(Problem::invalid(name, "write a text, a number, or true or false"))
        }
    }
}

/// What may be wrong with a form.
const PROBLEMS: [Kind; 10] = [
    Kind::Unreadable,
    Kind::Unauthorised,
    Kind::Forbidden,
    Kind::UnknownCampaign,
    Kind::TooLarge,
    Kind::WrongType,
    Kind::Invalid,
    Kind::TooMany,
    Kind::Failed,
    Kind::Unavailable,
];

/// The form's part of the document.
pub fn documented() -> Value {
    let fields = json!({
        "type": "object",
        "description": "The values below are the lead's, however they are spelled (`First Name`, `firstname`). Any \
                        other field is the answer to the question that it is called by, and goes to the rep; \
                        `answers[QUESTION]` is one whatever the question is called. What nobody was asked is no \
                        answer: names that begin with `_` and marks like `gclid` are kept as fields of the lead, \
                        answers to a captcha are left out.",
        "properties": {
            KEY: { "type": "string", "description": "A token whose only scope is forms:write." },
            "email": { "type": "string", "format": "email" },
            "first_name": { "type": "string" },
            "last_name": { "type": "string" },
            "name": { "type": "string" },
            "company": { "type": "string" },
            "title": { "type": "string" },
            "phone": { "type": "string" },
            "country": { "type": "string" },
            "utm_source": { "type": "string" },
            "utm_medium": { "type": "string" },
            "utm_campaign": { "type": "string" },
            "landing_page": { "type": "string" },
            "referrer": { "type": "string" },
            REDIRECT: { "type": "string", "description": "One of [forms] redirects." }
        },
        "required": ["email"],
        "additionalProperties": { "type": "string" }
    });
    let mut responses = problems(PROBLEMS.iter().copied());
    for described in responses.values_mut() {
        described["content"]["text/html"] = json!({ "schema": { "type": "string" } });
    }
    for (status, described) in [
        (
            "200",
            json!({ "description": "A page that says thank you, for browsers",
                        "content": { "text/html": { "schema": { "type": "string" } } } }),
        ),
        (
            "202",
            json!({ "description": "Received", "content": { "application/json": { "schema": {
            "type": "object", "properties": { "received": { "type": "boolean" } }, "required": ["received"] } } } }),
        ),
        (
            "303",
            json!({ "description": "The visitor is sent on", "headers": { "Location": {
            "description": "The page that `redirect` named", "schema": { "type": "string" } } } }),
        ),
    ] {
        responses.insert(status.to_owned(), described);
    }
    json!({ "post": {
        "operationId": "handIn",
        "summary": "A web form hands in a lead",
        "description": "Made for a page's own form. Answers nothing about the lead. A browser gets a page, or is sent on.",
        "security": [{}, { "token": [Scope::FormsWrite.name()] }],
        "parameters": [{ "name": "campaign", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 },
                         "description": "The agreement's campaign." }],
        "requestBody": { "required": true, "content": {
            "application/x-www-form-urlencoded": { "schema": fields },
            "application/json": { "schema": fields }
        } },
        "responses": responses
    } })
}
