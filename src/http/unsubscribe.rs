//! `/u/{token}`: off the list, with one click.
//!
//! GET shows a page with a button and changes nothing, because mail scanners open every link; POST is the
//! button, and the one-click request of RFC 8058 that mail programs send for their own button. Both carry
//! the same body, but any POST counts: nobody is kept on a list for a badly written form. There is nothing
//! to log in to and no cookie, so there is no forged request to fear: the token is all the right there is.
//!
//! Asking twice changes nothing the second time. A lead that is not there any more gets no mail, so
//! its link says so too.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::Answering;
use super::page::{self, escaped};
use crate::domain::contact::SuppressionReason;
use crate::domain::happening::Happening;
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::engine::Engine;
use crate::engine::happen::{HappenError, Said};
use crate::mail::unsubscribe::verify;
use crate::store::StoreError;

/// A lead, as its link finds it.
enum Found {
    /// It has not said that it wants no mail. That it gets none for another reason, because mail to it came
    /// back, does not count: that may be mended, and its word has to stand then.
    Listed(Box<Lead>),
    /// It has unsubscribed.
    Off(Box<Lead>),
    /// There is no such lead any more.
    Gone,
}

/// What can be done with the link.
pub fn routes() -> MethodRouter<Answering> {
    get(ask).post(act).fallback(|| async { page::wrong_method("GET, HEAD, POST") })
}

async fn ask(State(answering): State<Answering>, token: Result<Path<String>, PathRejection>) -> Response {
    let engine = &answering.engine;
    let Some(lead) = lead_of(engine, token) else { return no_such_link() };
    match find(engine, lead).await {
        Ok(Found::Listed(lead)) => question(engine, &lead),
        Ok(Found::Off(lead)) => confirmation(engine, Some(&lead)),
        Ok(Found::Gone) => confirmation(engine, None),
        Err(error) => page::link_failed(lead, &error),
    }
}

async fn act(
    State(answering): State<Answering>,
    token: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(lead) = lead_of(&answering.engine, token) else { return no_such_link() };
    if let Err(rejection) = body {
        return page::not_taken(rejection.status());
    }
    let engine = Arc::clone(&answering.engine);
    let work = async move {
        let lead = unsubscribe(&engine, lead).await?;
        Ok::<_, HappenError>(confirmation(&engine, lead.as_deref()))
    };
    answering.finish(lead, work).await
}

/// The lead whose link it is.
fn lead_of(engine: &Engine, token: Result<Path<String>, PathRejection>) -> Option<LeadId> {
    verify(&engine.keys().unsubscribe, &token.ok()?.0)
}

async fn find(engine: &Engine, lead: LeadId) -> Result<Found, StoreError> {
    let mut tx = engine.store().read().await?;
    let found = match tx.leads(&[lead]).await?.pop() {
        None => Found::Gone,
        Some(lead) => {
            // The mail may have gone to a double; its word is the person's.
            let person = tx.person_by_email(&lead.email).await?;
            let email = person.as_ref().map_or(&lead.email, |person| &person.email);
            let suppressions = tx.suppressions(email).await?;
            let off = suppressions.iter().any(|why| why.reason == SuppressionReason::Unsubscribed);
            if off { Found::Off(Box::new(lead)) } else { Found::Listed(Box::new(lead)) }
        }
    };
    tx.rollback().await?;
    Ok(found)
}

/// Takes the lead off the list, unless it is off already.
async fn unsubscribe(engine: &Engine, lead: LeadId) -> Result<Option<Box<Lead>>, HappenError> {
    let lead = match find(engine, lead).await? {
        Found::Listed(lead) => lead,
        Found::Off(lead) => return Ok(Some(lead)),
        Found::Gone => return Ok(None),
    };
    let now = engine.clock().now();
    match engine.happened(&lead.email, &Happening::Unsubscribed, &Said::default(), now).await {
        Ok(_) => {
            tracing::info!(lead = lead.id.0, "lead {} unsubscribed by its link", lead.id);
            Ok(Some(lead))
        }
        // Erased since we looked.
        Err(HappenError::UnknownLead(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn question(engine: &Engine, lead: &Lead) -> Response {
    let (company, email) = (escaped(&engine.identity().company), escaped(&lead.email.masked()));
    let body = format!(
        "<p>{company} will send no more marketing mail to <b>{email}</b>.</p>\n\
         <form method=\"post\"><button name=\"List-Unsubscribe\" value=\"One-Click\">Unsubscribe</button></form>"
    );
    page::page(StatusCode::OK, "Unsubscribe?", &body)
}

fn confirmation(engine: &Engine, lead: Option<&Lead>) -> Response {
    let company = escaped(&engine.identity().company);
    let to = match lead {
        Some(lead) => format!("<b>{}</b>", escaped(&lead.email.masked())),
        None => "you".to_owned(),
    };
    let body = format!(
        "<p>{company} sends no more marketing mail to {to}.</p>\n\
         <p>If you are in touch with somebody there in person, they can still answer you.</p>"
    );
    page::page(StatusCode::OK, "You are unsubscribed", &body)
}

fn no_such_link() -> Response {
    page::no_such_link("answer that mail with the word <b>unsubscribe</b>")
}
