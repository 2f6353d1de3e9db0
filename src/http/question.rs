//! `/q/{token}`: a question that a mail put to a lead.
//!
//! GET shows the question, with the answer that was clicked or a field to write one in, and changes nothing: mail
//! scanners open every link. POST gives the answer, which then stands among the lead's answers, or in the
//! field that was asked for; the same one again changes nothing, another one replaces it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Form, FromRequest, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::Answering;
use super::page::{self, escaped};
use crate::engine::Engine;
use crate::engine::answer::{Answered, asked_for, words};
use crate::engine::pass::PassError;
use crate::mail::question::{Question, verify};

/// What the page's form sends.
#[derive(serde::Deserialize)]
struct Said {
    answer: Option<String>,
}

/// What can be done with the link.
pub fn routes() -> MethodRouter<Answering> {
    get(ask).post(act).fallback(|| async { page::wrong_method("GET, HEAD, POST") })
}

async fn ask(State(answering): State<Answering>, token: Result<Path<String>, PathRejection>) -> Response {
    match question_of(&answering.engine, token) {
        Some(question) => form(&question, None, ""),
        None => no_such_link(),
    }
}

async fn act(
    State(answering): State<Answering>,
    token: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(question) = question_of(&answering.engine, token) else { return no_such_link() };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return page::not_taken(rejection.status()),
    };
    let answer = match &question.answer {
        Some(answer) => Some(answer.clone()),
        None => written(body).await,
    };
    let Some(answer) = answer.map(|answer| answer.trim().to_owned()).filter(|answer| !answer.is_empty())
    else {
        return form(&question, Some("Please write an answer."), "");
    };
    let (lead, engine) = (question.lead, Arc::clone(&answering.engine));
    let work = async move {
        let now = engine.clock().now();
        Ok::<_, PassError>(match engine.answered(lead, &question.question, &answer, now).await? {
            Answered::NotUnderstood => {
                form(&question, Some("We could not read that. Please look at it again."), &answer)
            }
            Answered::Noted | Answered::Known | Answered::Gone => thanks(&question, &answer),
        })
    };
    answering.finish(lead, work).await
}

/// The question that the link puts.
fn question_of(engine: &Engine, token: Result<Path<String>, PathRejection>) -> Option<Question> {
    verify(&engine.keys().questions, &token.ok()?.0)
}

/// What was written into the page's field.
async fn written(body: Bytes) -> Option<String> {
    let request = Request::builder()
        .method("POST")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.into())
        .ok()?;
    Form::<Said>::from_request(request, &()).await.ok()?.0.answer
}

/// The page with the question; what was written before and not understood is in its field.
fn form(question: &Question, complaint: Option<&str>, written: &str) -> Response {
    let complaint = complaint.map(|words| format!("<p><b>{}</b></p>\n", escaped(words))).unwrap_or_default();
    let body = match &question.answer {
        Some(answer) => format!(
            "<p>Your answer: <b>{}</b></p>\n<form method=\"post\"><button>Send this answer</button></form>",
            escaped(answer)
        ),
        None => {
            let autocomplete = asked_for(&question.question).map_or("off", |(_, autocomplete)| autocomplete);
            // A phone shows its digits for it.
            let kind = if autocomplete == "tel" { "tel" } else { "text" };
            format!(
                "{complaint}<form method=\"post\">\n<input name=\"answer\" type=\"{kind}\" maxlength=\"500\" \
                 required aria-label=\"Your answer\" autocomplete=\"{autocomplete}\" value=\"{}\">\n\
                 <button>Send</button>\n</form>",
                escaped(written)
            )
        }
    };
    let status = if complaint.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page::page(status, words(&question.question), &body)
}

fn thanks(question: &Question, answer: &str) -> Response {
    let body = format!(
        "<p>{}</p>\n<p><b>{}</b></p>\n<p>We have noted it.</p>",
        escaped(words(&question.question)),
        escaped(answer)
    );
    page::page(StatusCode::OK, "Thank you", &body)
}

fn no_such_link() -> Response {
    page::no_such_link("answer that mail")
}
