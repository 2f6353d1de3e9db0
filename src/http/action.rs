//! `/a/{token}`: what a mail asked a rep or a manager to do, with one click.
//!
//! | path | what |
//! |---|---|
//! | `/a/{token}` | GET shows the lead and all that can be done; POST does it |
//! | `/a/{token}/{word}` | the same for one order: what clicking does, and one button (`domain/order.rs` has the words) |
//!
//! GET and HEAD change nothing, because mail scanners open every link. POST orders: its form says what, and what
//! was known when the page was shown, so that a double click counts once and a late one harms nothing. The
//! token is all the right there is; there is no cookie, so there is no forged request to fear. What is done here
//! is recorded as done by link, because mails get forwarded.

mod ending;
mod form;
mod mending;

use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::Answering;
use super::page;
use crate::domain::happening::Happening;
use crate::domain::ids::EventId;
use crate::domain::order::{Mend, Order, OrderError, Word};
use crate::engine::act::{ActError, Acted, Deed, Noted};
use crate::engine::desk::{Desk, NoDesk};
use crate::engine::happen::Via;

/// More words than anybody writes about a call; the rest is cut off.
const MOST_WORDS: usize = 4_000;

/// What can be done with a link to everything.
pub fn of_all() -> MethodRouter<Answering> {
    get(show_all).post(order).fallback(|| async { page::wrong_method("GET, HEAD, POST") })
}

/// What can be done with a link to one order.
pub fn of_one() -> MethodRouter<Answering> {
    get(show_one).post(order_one).fallback(|| async { page::wrong_method("GET, HEAD, POST") })
}

type Fields = Vec<(String, String)>;

async fn show_all(State(answering): State<Answering>, path: Result<Path<String>, PathRejection>) -> Response {
    match path {
        Ok(Path(token)) => show(&answering, &token, None).await,
        Err(_) => ending::no_desk(&NoDesk::NotOurs),
    }
}

async fn show_one(
    State(answering): State<Answering>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path((token, word))) = path else { return ending::no_desk(&NoDesk::NotOurs) };
    match word.parse() {
        Ok(word) => show(&answering, &token, Some(word)).await,
        Err(_) => page::not_found(),
    }
}

async fn show(answering: &Answering, token: &str, word: Option<Word>) -> Response {
    let engine = &answering.engine;
    let now = engine.clock().now();
    let desk = match engine.desk(token, now).await {
        Ok(desk) => desk,
        Err(error) => return ending::no_desk(&error),
    };
    let colleagues = if desk.part.is_manager {
        match engine.colleagues(&desk, now).await {
            Ok(colleagues) => colleagues,
            Err(error) => return ending::no_desk(&NoDesk::Failed(error)),
        }
    } else {
        Vec::new()
    };
    page::page(StatusCode::OK, &form::title(&desk, word), &form::body(&desk, &colleagues, token, word))
}

async fn order(
    State(answering): State<Answering>,
    path: Result<Path<String>, PathRejection>,
    fields: Result<Form<Fields>, FormRejection>,
) -> Response {
    let Ok(Path(token)) = path else { return ending::no_desk(&NoDesk::NotOurs) };
    act(answering, token, fields, false).await
}

async fn order_one(
    State(answering): State<Answering>,
    path: Result<Path<(String, String)>, PathRejection>,
    fields: Result<Form<Fields>, FormRejection>,
) -> Response {
    let Ok(Path((token, _))) = path else { return ending::no_desk(&NoDesk::NotOurs) };
    act(answering, token, fields, true).await
}

async fn act(
    answering: Answering,
    token: String,
    fields: Result<Form<Fields>, FormRejection>,
    one: bool,
) -> Response {
    let fields = match fields {
        Ok(Form(fields)) => fields,
        Err(rejection) => return page::not_taken(rejection.status()),
    };
    let engine = answering.engine;
    let now = engine.clock().now();
    // Before anything is read of what was sent: who may not ask is told nothing about it.
    let desk = match engine.desk(&token, now).await {
        Ok(desk) => desk,
        Err(error) => return ending::no_desk(&error),
    };
    let orders = match orders(&fields) {
        Ok(orders) => orders,
        Err(error) => return ending::not_understood(&desk, &token, one, &error),
    };
    let seen = field(&fields, "seen").and_then(|seen| seen.parse().ok()).unwrap_or_default();
    let deed = Deed {
        token: token.clone(),
        orders: orders.clone(),
        words: words(&fields),
        seen: Some(EventId(seen)),
        via: Via::Link,
    };
    match answering.under_way.finish(async move { engine.act(&deed, now).await }).await {
        Ok(Ok(acted)) => {
            log(&acted, &orders);
            ending::acted(&acted, &orders, &token, one)
        }
        Ok(Err(ActError::NoDesk(error))) => ending::no_desk(&error),
        Ok(Err(ActError::Failed(error))) => ending::failed(&desk, &error),
        Err(defect) => ending::failed(&desk, &defect),
    }
}

/// What a form orders: the word of its button with what follows it, and what was heard beside.
fn orders(fields: &Fields) -> Result<Vec<Order>, OrderError> {
    let ordered = field(fields, "do").unwrap_or_default();
    let chosen = |name| field(fields, name).map(str::to_owned);
    let (objection, argument) = (chosen("objection"), chosen("argument"));
    let (word, rest) = ordered.split_once(' ').unwrap_or((ordered, ""));
    let mut orders = match word.parse() {
        Ok(Word::Heard | Word::Convinced) => Vec::new(),
        Ok(Word::Correct) if rest.is_empty() => match corrected(fields) {
            values if values.is_empty() => vec![Order::of(Word::Correct, None)?],
            values => vec![Order::Mend(Mend::Correct(values))],
        },
        Ok(word) => {
            let beside = ["day", "to", "of", "new"].into_iter().find_map(|name| field(fields, name));
            vec![Order::of(word, Some(rest).filter(|rest| !rest.is_empty()).or(beside))?]
        }
        // It says what is wrong with it.
        Err(_) => vec![Order::parse(ordered)?],
    };
    if objection.is_some() || argument.is_some() || orders.is_empty() {
        orders.push(Order::Say(Happening::Feedback { objection, argument }));
    }
    Ok(orders)
}

/// What of a form's fields is not what it was, by name.
fn corrected(fields: &Fields) -> Vec<(String, String)> {
    let was = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key.strip_prefix("was:") == Some(name))
            .map_or("", |(_, was)| was.trim())
    };
    let named = fields.iter().filter_map(|(key, value)| Some((key.strip_prefix("is:")?, value.trim())));
    named
        .filter(|(name, value)| *value != was(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A field of a form, unless it was left empty.
fn field<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    let found = fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
    found.filter(|value| !value.is_empty())
}

/// What somebody wrote, without what is no text.
fn words(fields: &Fields) -> Option<String> {
    let text = field(fields, "words")?;
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').take(MOST_WORDS).collect();
    Some(text)
}

fn log(acted: &Acted, orders: &[Order]) {
    let Desk { lead, .. } = &acted.desk;
    for order in orders.iter().filter(|_| acted.result == Ok(Noted::Now)) {
        let what = order.kind();
        tracing::info!(lead = lead.id.0, "{what} by link, about lead {}", lead.id);
    }
}
