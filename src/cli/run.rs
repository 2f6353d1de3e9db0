//! `nurtured run`: the daemon.

use std::sync::Arc;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::output::CliError;
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::engine::mailboxes::{Post, Read};
use crate::engine::{Engine, lifecycle, mailboxes, webhooks};
use crate::http::{self, Health};

/// Run the daemon, until SIGTERM or Ctrl-C
///
/// SIGTERM finishes what is on the wire, a second one stops at once. SIGHUP reads the playbook again, all of it or
/// nothing.
#[derive(Debug, Args)]
pub struct Run {
    /// Do what is due now, then exit; with 1 when something failed
    #[arg(long)]
    once: bool,
}

impl Run {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let store = workplace.store_for_daemon().await?;
        workplace.put_in_force(&store).await?;
        let engine = workplace.engine_on(store).await?;
        let hooks = workplace.config.webhooks.clone();
        engine.set_webhooks(&hooks).await.map_err(CliError::failed)?;
        let boxes = workplace.config.mailboxes.clone();
        engine.set_mailboxes(&boxes, Clock::System.now()).await.map_err(CliError::failed)?;
        let posts: Result<Vec<Post>, _> = boxes.into_iter().map(Post::new).collect();
        let posts = posts.map_err(CliError::failed)?;
        if self.once {
            let now = Clock::System.now();
            engine.recover(now).await.map_err(CliError::failed)?;
            // What has come in is known before anything goes out.
            let mut all_read = true;
            for post in posts {
                all_read &= read_once(&engine, post).await?;
            }
            let report = engine.wake_until_done(now).await;
            let mut told = Ok(0);
            for hook in &hooks {
                told = told.and(engine.tell(hook).await);
            }
            engine.close().await;
            engine.store().close().await;
            told.map_err(CliError::failed)?;
            return if report.failed() || !all_read { Err(CliError::Silent) } else { Ok(()) };
        }
        let stopping = CancellationToken::new();
        let health = Health::new();
        let address = workplace.config.http.listen;
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
            CliError::failed(format!(
                "{address} cannot be listened on: {error}; stop what listens there, or say another [http] listen"
            ))
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!("pages for leads and health at http://{address}");
        }
        let api = workplace.config.http.api.clone();
        let served =
            tokio::spawn(http::serve(Arc::clone(&engine), listener, health.clone(), api, stopping.clone()));
        let telling = tokio::spawn(webhooks::run(Arc::clone(&engine), hooks, stopping.clone()));
        let reading = tokio::spawn(mailboxes::run(Arc::clone(&engine), posts, stopping.clone()));
        let reload = move || {
            workplace.playbook_files().map_err(|error| match error {
                CliError::Failed(words) | CliError::Misuse(words) => words,
                CliError::Problems(problems) => problems.to_string(),
                CliError::Silent | CliError::TryAgain => String::new(),
            })
        };
        let ended =
            lifecycle::run(Arc::clone(&engine), reload, move |report| health.woke(report), stopping.clone())
                .await;
        stopping.cancel();
        let _ = served.await;
        let _ = telling.await;
        let _ = reading.await;
        ended.map_err(CliError::failed)?;
        engine.store().close().await;
        Ok(())
    }
}

/// Reads a mailbox once; `false` when it could not be read, which the log tells.
async fn read_once(engine: &Engine, mut post: Post) -> Result<bool, CliError> {
    let read = engine.read_mailbox(&mut post).await.map_err(CliError::failed)?;
    post.close().await;
    Ok(!matches!(read, Read::Failed(_)))
}
