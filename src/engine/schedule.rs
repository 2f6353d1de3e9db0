//! The heartbeat: how often the daemon looks whether something is due.
//!
//! `tokio-cron-scheduler` beats and does nothing else. It freezes a job's time zone to the offset of the day
//! on which the job was made, runs a job again while it is still running, and forgets everything at a restart;
//! so no rule of ours may rest on it. A beat only says "look": what is due stands in the database, a beat
//! during a wake is heard once afterwards, and one that is missed costs a second.

use std::sync::Arc;

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use super::Engine;

/// Each second: a due mail waits for half a second on average.
const EVERY_SECOND: &str = "* * * * * *";

/// Starts the heartbeat of an engine. It beats until the scheduler is shut down.
pub async fn start(engine: &Arc<Engine>) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let engine = Arc::clone(engine);
    let beat = Job::new(EVERY_SECOND, move |_, _| engine.wake_up())?;
    scheduler.add(beat).await?;
    scheduler.start().await?;
    Ok(scheduler)
}
