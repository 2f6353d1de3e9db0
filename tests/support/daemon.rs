//! The real program as a process of its own, to be watched, stopped and killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long anything may take that takes a moment: long for machines that are busy with something else.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How often a test looks again at what it waits for.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until `look` gives something.
///
/// # Panics
/// After [`PATIENCE`], saying that `what` did not happen.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let patience = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < patience, "did not happen in {} s: {what}", PATIENCE.as_secs());
        sleep(LOOK).await;
    }
}

/// A running `nurtured run`. It is killed when it is dropped.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts one. What it says is added to `log`.
    pub fn start(config: &Path, log: PathBuf) -> Daemon {
        let said = File::options().create(true).append(true).open(&log).expect("a log");
        let child = program(config)
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("the program starts");
        Daemon { child, log }
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ended");
    }

    /// Sends it a signal that it may answer.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill(1)");
        assert!(sent.success(), "SIG{name} could not be sent: is it running?\n{}", self.said());
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually("the daemon ends", async || child.try_wait().expect("a child")).await
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// What it, and those before it with the same log, said.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, mostly.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command beside the daemon.
pub fn command(config: &Path, arguments: &[&str]) -> Output {
    program(config).args(arguments).stdin(Stdio::null()).output().expect("the program starts")
}

/// The program, with nothing of this process's surroundings.
fn program(config: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_nurtured"));
    program.env_clear().arg("--config").arg(config);
    program
}
