//! Connections: how many, how long, and how they end.
//!
//! `axum::serve` waits for a request's head for ever, so a few hundred idle sockets would keep every lead
//! out. hyper, which it is made of, can be told not to; only its wiring is here. Nor does a connection live for
//! ever: a few hundred that ask for something now and then, or read their answer byte by byte, would do the same.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::client::Peer;

/// Connections at a time. Others wait in the operating system's queue.
const MAX_CONNECTIONS: usize = 256;
/// Bytes of a request's head. Ours have a few hundred.
const MAX_HEAD: usize = 16 * 1024;
/// When no connection can be accepted, most likely for want of file descriptors, some must end first.
const RECOVERY: Duration = Duration::from_secs(1);

/// Answers connections until `shutdown`; then waits for those being answered, but not for long.
pub async fn accept(listener: TcpListener, router: Router, limits: Limits, shutdown: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    while let Some((stream, peer, slot)) = shutdown.run_until_cancelled(next(&listener, &slots)).await {
        connections.spawn(answer(stream, peer, router.clone(), limits, shutdown.clone(), slot));
        while connections.try_join_next().is_some() {}
    }
    // Nobody new comes in while the last are answered.
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.farewell, all).await.is_err() {
        tracing::warn!("{} connections were cut off", connections.len());
    }
}

/// The next connection, as soon as there is room for it.
async fn next(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, Peer, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, Peer(address), slot),
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                sleep(RECOVERY).await;
            }
        }
    }
}

async fn answer(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
    _slot: OwnedSemaphorePermit,
) {
    let router = TowerToHyperService::new(router);
    let router = service_fn(move |mut request: hyper::Request<_>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), router);
    let mut connection = pin!(connection);
    // What goes wrong with one connection is the other side's affair, and says nothing about us.
    if timeout(limits.connection, shutdown.run_until_cancelled(connection.as_mut()))
        .await
        .is_ok_and(|done| done.is_some())
    {
        return;
    }
    // The request that is under way may end; the next one takes another connection. Who does not even read our answer
    // is cut off.
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.head + limits.answer, connection).await;
}
