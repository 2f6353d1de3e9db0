//! `/m/{token}/yes` and `/no`: whether a mail that came in is a lead's own.
//!
//! GET shows the mail and both answers and changes nothing: mail scanners open every link. POST answers; a second click
//! finds that it was answered, and says so.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::Answering;
use super::page::{self, escaped};
use crate::engine::Engine;
use crate::engine::ingest::question::{Answered, Waiting};
use crate::engine::pass::PassError;
use crate::mail::inbound_token::verify;

/// What can be done with the link.
pub fn routes() -> MethodRouter<Answering> {
    get(ask).post(act).fallback(|| async { page::wrong_method("GET, HEAD, POST") })
}

type Link = Result<Path<(String, String)>, PathRejection>;

async fn ask(State(answering): State<Answering>, link: Link) -> Response {
    let Some((number, is_theirs)) = asked(&answering.engine, link) else { return no_such_link() };
    let engine = Arc::clone(&answering.engine);
    match engine.waiting_mail(number).await {
        Ok(Some(waiting)) => form(&waiting, is_theirs),
        Ok(None) => settled(),
        Err(error) => {
            tracing::error!("the page of a kept mail cannot be shown: {error}");
            page::out_of_order()
        }
    }
}

async fn act(State(answering): State<Answering>, link: Link) -> Response {
    let Some((number, is_theirs)) = asked(&answering.engine, link) else { return no_such_link() };
    let engine = Arc::clone(&answering.engine);
    let lead = match engine.waiting_mail(number).await {
        Ok(Some(waiting)) => waiting.lead.id,
        Ok(None) => return settled(),
        Err(error) => {
            tracing::error!("a kept mail cannot be looked up: {error}");
            return page::out_of_order();
        }
    };
    let work = async move {
        let now = engine.clock().now();
        Ok::<_, PassError>(match engine.answer_about_mail(number, is_theirs, now).await? {
            Answered::Theirs(_) => said("It counts as theirs. Whoever has the lead is told."),
            Answered::NotTheirs => said("It does not count. The lead is written to as before."),
            Answered::Settled => settled(),
        })
    };
    answering.finish(lead, work).await
}

/// The kept mail that the link is about, and which answer it stands for.
fn asked(engine: &Engine, link: Link) -> Option<(i64, bool)> {
    let Path((token, answer)) = link.ok()?;
    let is_theirs = match answer.as_str() {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    Some((verify(&engine.keys().action, &token)?, is_theirs))
}

/// The mail with the answer that was clicked; the other one is a link away.
fn form(waiting: &Waiting, is_theirs: bool) -> Response {
    let profile = &waiting.lead.profile;
    let whose = profile.full_name().unwrap_or_else(|| waiting.lead.email.to_string());
    let from = waiting.from.as_ref().map(|from| format!("<p>From {}</p>\n", escaped(from.as_str())));
    let text = escaped(&waiting.text).replace('\n', "<br>");
    let (button, other, label) = match is_theirs {
        true => (format!("Yes, it is theirs: {}", escaped(&waiting.follows)), "no", "No, it is not theirs"),
        false => ("No, it is not theirs".to_owned(), "yes", "Yes, it is theirs"),
    };
    let body = format!(
        "{}<blockquote>{text}</blockquote>\n<form method=\"post\"><button>{button}</button></form>\n\
         <a class=\"more\" href=\"{other}\">{label}</a>",
        from.unwrap_or_default()
    );
    page::page(StatusCode::OK, &format!("Is this mail from {whose}?"), &body)
}

fn said(words: &str) -> Response {
    page::page(StatusCode::OK, "Noted", &format!("<p>{}</p>", escaped(words)))
}

fn settled() -> Response {
    page::page(
        StatusCode::OK,
        "Answered before",
        "<p>Somebody has answered that, and nothing was changed now.</p>",
    )
}

fn no_such_link() -> Response {
    page::no_such_link("answer that mail")
}
