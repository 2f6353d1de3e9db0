//! Whether the daemon is alive, and whether it does its work.
//!
//! `/healthz` says that the process answers: whoever restarts what hangs asks there. `/readyz` says that
//! the store answers and that a wake was completed lately: whoever raises an alarm asks there. A pass that
//! failed does not make the daemon unready, for the others run all the same and the next wake tries again;
//! its name is in the answer, its error is in the log, where no stranger reads it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::timeout;

use super::Answering;
use crate::engine::Engine;
use crate::engine::pass::{PassReport, WakeReport};
use crate::store::StoreError;

/// The daemon looks every second, and a wake takes seconds; five minutes without one is a fault.
const MAX_SILENCE: SignedDuration = SignedDuration::from_mins(5);
/// A store that takes longer to say a word is not at work.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// How the last wake went. Clones share it: the daemon tells one, the pages ask the other.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Option<LastWake>>>);

#[derive(Clone, Debug)]
struct LastWake {
    at: Timestamp,
    did: PassReport,
    failed: Vec<&'static str>,
}

impl Health {
    /// No wake yet.
    pub fn new() -> Health {
        Health::default()
    }

    /// A wake is complete.
    pub fn woke(&self, report: &WakeReport) {
        let failed = report.failures().map(|(pass, _)| pass).collect();
        *self.last() = Some(LastWake { at: report.at, did: report.did(), failed });
    }

    /// A panic elsewhere leaves it whole: it is only ever replaced.
    fn last(&self) -> std::sync::MutexGuard<'_, Option<LastWake>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `GET /healthz`.
pub async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`.
pub async fn ready(State(answering): State<Answering>) -> Response {
    let last = answering.health.last().clone();
    let brake = brake(&answering.engine).await;
    let why = match (&brake, &last) {
        (Err(why), _) => Some(*why),
        (Ok(_), None) => Some("no wake is complete yet"),
        (Ok(_), Some(last)) if answering.engine.clock().now().duration_since(last.at) > MAX_SILENCE => {
            Some("no wake was completed in the last 5 minutes")
        }
        _ => None,
    };
    let body = json!({
        "ready": why.is_none(),
        "why": why,
        "last_wake": last.as_ref().map(|last| json!({
            "at": last.at.to_string(),
            "done": last.did.done,
            "put_off": last.did.put_off,
            "parked": last.did.parked,
            "failed": last.failed,
        })),
        "brake": brake.ok(),
    });
    let status = if why.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

/// Whether the brake is on, which is also the question whether the store answers.
async fn brake(engine: &Engine) -> Result<bool, &'static str> {
    let ask = async {
        let mut tx = engine.store().read().await?;
        let brake = tx.brake().await?;
        tx.rollback().await?;
        Ok::<_, StoreError>(brake.is_some())
    };
    match timeout(MAX_WAIT, ask).await {
        Ok(Ok(brake)) => Ok(brake),
        Ok(Err(error)) => {
            tracing::warn!("the store does not answer: {error}");
            Err("the store fails")
        }
        Err(_) => Err("the store does not answer"),
    }
}
