//! Postfix's test programs: `smtp-sink` takes mail and forgets it, `smtp-source` pushes as much as it can.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use super::Outcome;

/// Where Debian and others put them; `PATH` of an ordinary user rarely has it.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/usr/lib/postfix/sbin"];

/// Connections that `smtp-source` uses, as many as we do.
const CONNECTIONS: &str = "8";

/// Roughly what `smtp-source` writes as headers beside the payload that it is told the size of.
const SOURCE_HEADERS: usize = 200;

/// A running `smtp-sink`; it ends with this value.
pub struct Sink {
    child: Child,
    pub port: u16,
}

impl Sink {
    pub fn start() -> Outcome<Sink> {
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(program("smtp-sink")?);
        // It refuses to work as root.
        if is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command.arg(&address).arg("1024").stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let sink = Sink { child, port };
        let over = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(&address).is_err() {
            if Instant::now() > over {
                return Err("smtp-sink does not listen".into());
            }
            std::thread::yield_now();
        }
        Ok(sink)
    }

    /// How long `smtp-source` takes to push `mails` mails of `bytes` bytes.
    pub fn push(&self, mails: usize, bytes: usize) -> Outcome<Duration> {
        let begun = Instant::now();
        let status = Command::new(program("smtp-source")?)
            .args(["-d", "-s", CONNECTIONS, "-f", "nurtured@ours.example", "-t", "lead@buyer.example"])
            .arg("-l")
            .arg(bytes.saturating_sub(SOURCE_HEADERS).to_string())
            .arg("-m")
            .arg(mails.to_string())
            .arg(format!("127.0.0.1:{}", self.port))
            .status()?;
        let took = begun.elapsed();
        if status.success() { Ok(took) } else { Err(format!("smtp-source: {status}").into()) }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn program(name: &str) -> Outcome<PathBuf> {
    let found = FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    found.ok_or_else(|| format!("{name} is not here: it comes with postfix").into())
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")))
}
