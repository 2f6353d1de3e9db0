//! The program itself, as its users run it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::Outcome;

/// A run of `nurtured`, killed with this value if it has not ended.
pub struct Process(Child);

/// What a process holds in memory, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resident {
    /// Now.
    pub now: u64,
    /// At most, since it began.
    pub peak: u64,
}

impl Process {
    /// Starts `nurtured --config FILE ARGUMENTS…`; what it says goes to `log`.
    pub fn start(config: &Path, arguments: &[&str], log: &Path) -> Outcome<Process> {
        let log = std::fs::File::create(log)?;
        let child = Command::new(env!("CARGO_BIN_EXE_nurtured"))
            .arg("--config")
            .arg(config)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Process(child))
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Outcome<()> {
        let status = self.0.wait()?;
        if status.success() { Ok(()) } else { Err(format!("nurtured: {status}").into()) }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> Outcome<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    /// What it holds in memory; `None` when it has ended.
    pub fn resident(&self) -> Option<Resident> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().trim_end_matches(" kB").trim().parse().ok()
        };
        Some(Resident { now: kib("VmRSS:")?, peak: kib("VmHWM:")? })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
