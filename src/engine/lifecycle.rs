//! The daemon from start to stop.
//!
//! Started, it settles what a daemon before it left in flight, says READY, and wakes at each heartbeat that
//! finds something due, at once when something comes in. SIGTERM and SIGINT stop it softly: what is in flight
//! is finished, nothing new begins. A second signal, or a stop that takes too long, ends it at once; the
//! store then knows what was in flight. SIGHUP reads the playbook again: all of it, or nothing.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_cron_scheduler::JobSchedulerError;
use tokio_util::sync::CancellationToken;

use super::pass::{PassError, PassReport, WakeReport};
use super::playbooks::{self, PlaybookError, short};
use super::{Engine, schedule};
use crate::mail::transport::masked;
use crate::playbook::PlaybookFiles;

/// How long a soft stop may take. The mails in flight need seconds; systemd kills after 90.
const SOFT_STOP: Duration = Duration::from_secs(45);

/// Why the daemon ended although nobody stopped it, or ended badly.
#[derive(Debug, Error)]
pub enum LifecycleError {
    /// What was in flight could not be settled.
    #[error("what the last daemon left in flight could not be settled: {0}")]
    Recover(#[source] PassError),
    /// The heartbeat did not start.
    #[error("the heartbeat did not start: {0}")]
    Heartbeat(#[from] JobSchedulerError),
    /// The operating system gives no signals.
    #[error("signals cannot be received: {0}")]
    Signals(#[from] std::io::Error),
    /// The task that wakes ended, which nothing tells it to.
    #[error("the daemon stopped waking: a defect, please report it")]
    Died,
    /// Stopped before what was in flight was finished.
    #[error("stopped before what was in flight was finished; the next start settles it")]
    Hard,
}

/// Runs the daemon until it is told to stop.
///
/// `reload` reads the playbook from where it is edited; `on_wake` hears of each wake. `http` is cancelled when
/// the daemon begins to stop.
///
/// # Errors
/// [`LifecycleError::Hard`] when it was told twice, or took too long.
pub async fn run(
    engine: Arc<Engine>,
    reload: impl Fn() -> Result<PlaybookFiles, String> + Send + 'static,
    on_wake: impl Fn(&WakeReport) + Send + 'static,
    stopping: CancellationToken,
) -> Result<(), LifecycleError> {
    let recovered = engine.recover(engine.clock().now()).await.map_err(LifecycleError::Recover)?;
    if recovered != PassReport::default() {
        tracing::warn!(
            "the last daemon left mail in flight: {} to staff go again, {} to leads are in doubt \
             (nurtured outbox --in-doubt)",
            recovered.put_off,
            recovered.parked
        );
    }
    let mut signals = Signals::new()?;
    let mut heartbeat = schedule::start(&engine).await?;
    engine.wake_up();
    tell_systemd(&[NotifyState::Ready]);
    tracing::info!(playbook.version = short(&engine.rules().version), "nurtured is at work");
    let mut work = tokio::spawn(wake_until_stopped(Arc::clone(&engine), on_wake, stopping.clone()));
    loop {
        tokio::select! {
            heard = signals.next() => match heard {
                Heard::Stop => break,
                Heard::Reload => reload_playbook(&engine, &reload).await,
            },
            // A daemon that no longer wakes must not look alive: systemd starts another.
            _ = &mut work => return Err(LifecycleError::Died),
        }
    }
    tell_systemd(&[NotifyState::Stopping]);
    tracing::info!("stopping: what is in flight is finished first");
    stopping.cancel();
    engine.stop();
    let finished = tokio::select! {
        () = async { let _ = work.await; engine.close().await } => true,
        () = signals.stop_again() => false,
        () = tokio::time::sleep(SOFT_STOP) => false,
    };
    if let Err(error) = heartbeat.shutdown().await {
        tracing::warn!("the heartbeat did not stop: {error}");
    }
    if !finished {
        return Err(LifecycleError::Hard);
    }
    tracing::info!("stopped");
    Ok(())
}

async fn wake_until_stopped(engine: Arc<Engine>, on_wake: impl Fn(&WakeReport), stopping: CancellationToken) {
    let mut idle = Idle::default();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = engine.woken.notified() => {}
        }
        let report = engine.wake(engine.clock().now()).await;
        on_wake(&report);
        idle.tell(&report);
        // More of the same may be waiting: a slice of delivery is over after a second.
        if report.did().done > 0 && !report.failed() {
            engine.wake_up();
        }
    }
}

/// Tells systemd that we are alive, and in one line how it goes, whenever that changes.
#[derive(Default)]
struct Idle {
    said: String,
}

impl Idle {
    fn tell(&mut self, report: &WakeReport) {
        let status = match report.failures().next() {
            // One line, because systemd would take a second one for a message of its own; and anybody may read it.
            Some((pass, error)) => {
                format!("{pass} fails: {}", masked(error.to_string().lines().next().unwrap_or_default()))
            }
            None => "at work".to_owned(),
        };
        if status == self.said {
            tell_systemd(&[NotifyState::Watchdog]);
        } else {
            tell_systemd(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
            self.said = status;
        }
    }
}

async fn reload_playbook(engine: &Engine, reload: &impl Fn() -> Result<PlaybookFiles, String>) {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell_systemd(&[NotifyState::Reloading, now]);
    }
    match reload() {
        Ok(files) => match playbooks::put_in_force(engine.store(), &files, engine.clock().now()).await {
            Ok(true) => engine.wake_up(),
            Ok(false) => tracing::info!("the playbook has not changed"),
            Err(PlaybookError::Problems(problems)) => tracing::error!(
                "the playbook was not reloaded, the one in force stays: {} problems (nurtured check)\n{problems}",
                problems.len()
            ),
            Err(error) => tracing::error!("the playbook was not reloaded, the one in force stays: {error}"),
        },
        Err(error) => tracing::error!("the playbook was not reloaded, the one in force stays: {error}"),
    }
    tell_systemd(&[NotifyState::Ready]);
}

/// Says something to systemd, if it is there. That it does not listen is no reason to stop.
fn tell_systemd(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("systemd does not listen: {error}");
    }
}

enum Heard {
    Stop,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.terminate.recv() => Heard::Stop,
            _ = self.interrupt.recv() => Heard::Stop,
            _ = self.hang_up.recv() => Heard::Reload,
        }
    }

    async fn stop_again(&mut self) {
        while let Heard::Reload = self.next().await {}
    }
}
