//! Pages for leads and for staff, the API for other programs, and whether the daemon is well.
//!
//! | path | what |
//! |---|---|
//! | `/a/{token}`, `/a/{token}/{word}` | what staff do about a lead: GET shows, POST does (`action.rs`) |
//! | `/u/{token}` | unsubscribe: GET asks, POST does (`unsubscribe.rs`) |
//! | `/v1/…` | the API for other programs (`api/`) |
//! | `/q/{token}` | a question to a lead: GET shows it, POST answers (`question.rs`) |
//! | `/m/{token}/{answer}` | whether a mail is a lead's own: GET shows it, POST answers (`whose.rs`) |
//! | `/healthz`, `/readyz` | alive; able to work (`health.rs`) |
//!
//! A proxy with a certificate stands in front, but nothing here relies on it: every step of a request has a
//! time limit and so has a connection, heads and bodies a size, connections a number. No cookie is set, no `Host` is read, and no
//! path is ever logged: the token in it is a right to act.

mod action;
mod api;
mod client;
mod connection;
mod health;
mod limiter;
mod page;
mod question;
mod under_way;
mod unsubscribe;
mod whose;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::ApiConfig;
use crate::domain::ids::LeadId;
use crate::engine::Engine;
pub use health::Health;
pub use page::escaped;
use under_way::UnderWay;

/// A one-click request has 27 bytes of body; mail providers may wrap it in a few hundred more.
const MAX_BODY: usize = 64 * 1024;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// A request's head; between two requests of a connection, too.
    head: Duration,
    /// A request's body and our answer.
    answer: Duration,
    /// A connection, whatever is asked over it. Then it may end its request, for as long as one takes.
    connection: Duration,
    /// What is being answered when the daemon stops.
    farewell: Duration,
}

impl Limits {
    /// A phone on a bad line needs seconds; one who needs more is not asking for a page.
    const USUAL: Limits = Limits {
        head: Duration::from_secs(15),
        answer: Duration::from_secs(20),
        connection: Duration::from_secs(120),
        farewell: Duration::from_secs(5),
    };
}

/// What requests are answered from.
#[derive(Clone)]
struct Answering {
    engine: Arc<Engine>,
    health: Health,
    under_way: UnderWay,
}

impl Answering {
    /// Does to its end what a lead asked for by its link.
    async fn finish<E: Display + Send + 'static>(
        &self,
        lead: LeadId,
        work: impl Future<Output = Result<Response, E>> + Send + 'static,
    ) -> Response {
        match self.under_way.finish(work).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => page::link_failed(lead, &error),
            Err(defect) => page::link_failed(lead, &defect),
        }
    }
}

/// Answers requests on `listener` until `shutdown`, and finishes then, within seconds, what it is answering.
pub async fn serve(
    engine: Arc<Engine>,
    listener: TcpListener,
    health: Health,
    api: ApiConfig,
    shutdown: CancellationToken,
) {
    serve_within(Limits::USUAL, engine, listener, health, api, shutdown).await;
}

async fn serve_within(
    limits: Limits,
    engine: Arc<Engine>,
    listener: TcpListener,
    health: Health,
    api: ApiConfig,
    shutdown: CancellationToken,
) {
    let under_way = UnderWay::default();
    let router = router(Answering { engine, health, under_way: under_way.clone() }, api, limits);
    connection::accept(listener, router, limits, shutdown).await;
    if timeout(limits.farewell, under_way.done()).await.is_err() {
        tracing::warn!("what somebody asked for was not done to its end");
    }
}

fn router(answering: Answering, api: ApiConfig, limits: Limits) -> Router {
    let api =
        api::router(api::Site::new(Arc::clone(&answering.engine), api, answering.under_way.clone()), limits);
    let only_get = || async { page::wrong_method("GET, HEAD") };
    Router::new()
        .route("/healthz", get(health::alive).fallback(only_get))
        .route("/readyz", get(health::ready).fallback(only_get))
        .route("/a/{token}", action::of_all())
        .route("/a/{token}/{word}", action::of_one())
        .route("/u/{token}", unsubscribe::routes())
        .route("/q/{token}", question::routes())
        .route("/m/{token}/{answer}", whose::routes())
        .fallback(|| async { page::not_found() })
        .layer(middleware::from_fn_with_state(limits, within_limits))
        .with_state(answering)
        .nest("/v1", api)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::map_response(guarded))
}

/// Refuses a body that says it is too long before it comes, and gives up on a request that takes too long,
/// because its body does not come or the store does not answer.
async fn within_limits(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return page::too_large();
    }
    timeout(limits.answer, next.run(request)).await.unwrap_or_else(|_| page::out_of_order())
}

/// What every answer says: keep nothing, tell nobody, show it in no frame, run nothing.
async fn guarded(mut response: Response) -> Response {
    const ALWAYS: [(HeaderName, &str); 6] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, page::content_security_policy());
    response
}

#[cfg(test)]
mod tests;
