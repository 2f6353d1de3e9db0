//! The API for other programs: a CRM, a web form, a script.
//!
//! | file | what |
//! |---|---|
//! | `operation.rs` | what an operation is: route, checks and document come from one description |
//! | `leads.rs`, `happenings.rs`, `contact.rs`, `suppressions.rs`, `persons.rs` | the operations |
//! | `forms.rs` | the one that a browser may use |
//! | `inbound.rs` | the one that takes mails |
//! | `idempotency.rs` | a request that is sent twice is done once |
//! | `openapi.rs` | the document |
//! | `problem.rs`, `wire.rs` | what goes wrong; how values stand in JSON |
//!
//! Each request shows a token, on loopback too; no `Host` is read, no cookie. The order: who asks, may they, how
//! often, is it readable, was it done before. From then on it is done, whether the client still listens or not.

mod contact;
mod forms;
mod happenings;
mod idempotency;
mod inbound;
mod leads;
mod openapi;
mod operation;
mod persons;
mod problem;
mod suppressions;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequest, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, get};
use tokio::time::timeout;

use super::client;
use super::limiter::{Asker, Limiter};
use super::under_way::UnderWay;
use super::{Limits, MAX_BODY};
use crate::config::ApiConfig;
use crate::domain::access::Grant;
use crate::engine::Engine;
use crate::store::StoreError;
use idempotency::Key;
use operation::{Operation, Raw, Reply};
use problem::{Kind, PROBLEM_JSON, Problem};

/// What requests of the API are answered from. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    pub engine: Arc<Engine>,
    pub config: Arc<ApiConfig>,
    limiter: Arc<Limiter>,
    under_way: UnderWay,
}

impl Site {
    /// A site on an engine.
    pub fn new(engine: Arc<Engine>, config: ApiConfig, under_way: UnderWay) -> Site {
        Site { engine, config: Arc::new(config), limiter: Arc::new(Limiter::default()), under_way }
    }

    fn now(&self) -> jiff::Timestamp {
        self.engine.clock().now()
    }
}

/// Every operation but the form's, in the order of the document.
fn operations() -> Vec<Operation> {
    let mut all = leads::operations();
    all.extend(happenings::operations());
    all.extend(contact::operations());
    all.extend(suppressions::operations());
    all.extend(persons::operations());
    all
}

/// What lies below `/v1`.
pub fn router(site: Site, limits: Limits) -> Router {
    let mut router = Router::new();
    for (path, operations) in operation::by_path(operations()) {
        router = router.route(path, methods(operations));
    }
    let only_get = || async { wrong_method("GET, HEAD") };
    let mails = Router::new()
        .route("/inbound", inbound::routes())
        .layer(middleware::from_fn_with_state(limits, in_time))
        .with_state(site.clone());
    router
        .route("/forms/{campaign}", forms::routes())
        .route("/openapi.json", get(document).fallback(only_get))
        .fallback(|| async {
            Problem::new(Kind::NotFound, "look into /v1/openapi.json for what there is").into_response()
        })
        .layer(middleware::from_fn_with_state(limits, within_limits))
        .with_state(site)
        .merge(mails)
}

fn methods(operations: Vec<Operation>) -> MethodRouter<Site> {
    let mut allowed = Vec::new();
    let mut methods = MethodRouter::new();
    for operation in operations {
        allowed.push(operation.method);
        let filter = match operation.method {
            "GET" => {
                allowed.push("HEAD");
                MethodFilter::GET
            }
            "POST" => MethodFilter::POST,
            _ => MethodFilter::DELETE,
        };
        let operation = Arc::new(operation);
        let perform = move |State(site): State<Site>, path: Result<RawPathParams, _>, request: Request| {
            let operation = Arc::clone(&operation);
            async move { answer(site, operation, path, request).await.unwrap_or_else(Problem::into_response) }
        };
        methods = methods.on(filter, perform);
    }
    let allowed = allowed.join(", ");
    methods.fallback(move || async move { wrong_method(&allowed) })
}

/// What can be done there instead of what was asked.
fn wrong_method(allowed: &str) -> Response {
    let detail = format!("here there are {allowed}");
    Problem::new(Kind::WrongMethod, detail).allowing(allowed.to_owned()).into_response()
}

async fn document() -> Response {
    let mut response = Response::new(Body::from(openapi::document().to_owned()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Refuses a body that says it is too long before it comes, and gives up on a request that takes too long. What
/// was begun by then goes on: a request with an `Idempotency-Key` gets its answer when it is sent again.
async fn within_limits(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return too_large().into_response();
    }
    in_time(State(limits), request, next).await
}

async fn in_time(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    match timeout(limits.answer, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable().into_response(),
    }
}

fn too_large() -> Problem {
    Problem::new(Kind::TooLarge, format!("send at most {} kB", MAX_BODY / 1024))
}

async fn answer(
    site: Site,
    operation: Arc<Operation>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let client = client::address(&request, &site.config);
    let by = Arc::new(authenticated(&site, request.headers(), client).await?);
    // What is refused costs as much as what is done: else a token without a scope could ask without end.
    admit(&site, Asker::Token(by.id))?;
    if !by.allows(operation.scope) {
        let detail = format!("the token `{}` has not the scope {}", by.name, operation.scope.name());
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let path = path.map_err(|_| Problem::invalid("path", "it is not UTF-8"))?;
    let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let key = match operation.method {
        "POST" => Key::of(request.headers())?,
        _ => None,
    };
    let target = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let kind = media_type(request.headers());
    let body = read_body(request).await?;
    let request_hash = idempotency::request_hash(operation.method, &target, &query, &body);
    let raw = Raw { by: Arc::clone(&by), path, query, kind, body };
    let under_way = site.under_way.clone();
    let work = async move {
        match key {
            Some(key) => {
                idempotency::once(&site, by.id, &key, &request_hash, || {
                    (operation.handler)(site.clone(), raw)
                })
                .await
            }
            None => (operation.handler)(site.clone(), raw).await.map(|reply| (reply, false)),
        }
    };
    let (reply, replayed) =
        under_way.finish(work).await.map_err(|defect| Problem::failed("a request", &defect))??;
    Ok(response(reply, replayed))
}

fn response(reply: Reply, replayed: bool) -> Response {
    let Reply { status, body } = reply;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if status >= 400 { PROBLEM_JSON } else { "application/json" };
    if status != 204 {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// Whose token it is. Who has none that is good is told so a few times a minute and then made to wait. A token is
/// looked up all the same: a good one must not be shut out by strangers at the same address.
async fn authenticated(site: &Site, headers: &HeaderMap, client: Option<IpAddr>) -> Result<Grant, Problem> {
    let grant = match bearer(headers) {
        Some(token) => site.engine.grant_of(token, site.now()).await.map_err(|error| store_failed(&error))?,
        None => None,
    };
    match grant {
        Some(grant) => Ok(grant),
        None => {
            admit(site, Asker::Stranger(client))?;
            let detail = "send `Authorization: Bearer` and a token that `nurtured token new` made and that is still good";
            Err(Problem::new(Kind::Unauthorised, detail))
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Whether it is that asker's turn.
fn admit(site: &Site, asker: Asker) -> Result<(), Problem> {
    site.limiter.admit(asker, &site.config, site.now()).map_err(|wait| {
        let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
        Problem::new(Kind::TooMany, "ask more slowly").after(seconds)
    })
}

/// What the body is said to be.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

async fn read_body(request: Request) -> Result<Bytes, Problem> {
    Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Problem::new(Kind::Unreadable, "the request broke off"),
    })
}

/// A store that is busy may answer in a moment; one that fails is ours to mend.
fn store_failed(error: &StoreError) -> Problem {
    if error.is_temporary() { Problem::unavailable() } else { Problem::failed("the store", error) }
}
