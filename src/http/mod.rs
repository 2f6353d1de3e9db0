//! Pages and health, served beside the daemon.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::engine::pass::WakeReport;

/// What the pages know of the daemon's health.
#[derive(Clone, Debug, Default)]
pub struct Health;

impl Health {
    /// Notes a wake.
    pub fn note(&self, _report: &WakeReport) {}
}

/// Serves until it is told to stop.
pub async fn serve(
    _engine: Arc<Engine>,
    _listener: tokio::net::TcpListener,
    _health: Health,
    stop: CancellationToken,
) {
    stop.cancelled().await;
}
