//! A database that cannot be written for a while, and a log that never can.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nurtured::domain::mail::{Audience, MailState};
use sqlx::{ConnectOptions, Executor};

use crate::daemon::{Daemon, PATIENCE, eventually};
use crate::world::{STEPS, World};

/// So few that SQLite's log has not been folded back when the wave begins: each commit then needs more disk.
const LEADS: usize = 100;

/// Before the wave is half through.
const SOON: usize = 20;

#[tokio::test]
async fn a_locked_database_costs_no_mail_and_is_complained_of_once() {
    let world = World::on_sqlite(Duration::from_millis(5));
    world.take_in("wave", 0..LEADS).await;
    let daemon = world.start("daemon");
    assert!(world.sink.reaches(SOON, PATIENCE), "{}", daemon.said());
    // In the middle of a batch, mostly: its mails have left, and cannot be marked.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(world.file()).busy_timeout(PATIENCE);
    let mut other = options.connect().await.expect("a connection");
    other.execute("BEGIN IMMEDIATE").await.expect("the lock");
    waits_for_the_store(&daemon, "the database is busy").await;
    other.execute("ROLLBACK").await.expect("the lock is given back");
    nothing_is_lost(&world, &daemon).await;
}

#[tokio::test]
async fn a_full_disk_costs_no_mail_and_is_complained_of_once() {
    let Some(disk) = SmallDisk::mount() else { return };
    let world = World::on_sqlite_in(disk.folder.path(), Duration::from_millis(5));
    world.take_in("wave", 0..LEADS).await;
    let daemon = world.start("daemon");
    assert!(world.sink.reaches(SOON, PATIENCE), "{}", daemon.said());
    let filler = disk.folder.path().join("filler");
    fill(&filler);
    waits_for_the_store(&daemon, "its disk is full").await;
    std::fs::remove_file(filler).expect("the disk has room again");
    nothing_is_lost(&world, &daemon).await;
}

#[tokio::test]
async fn a_daemon_whose_log_cannot_be_written_works_on() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        let _ = writeln!(std::io::stderr(), "NOT RUN: a log that cannot be written needs /dev/full");
        return;
    }
    let world = World::on_sqlite(Duration::ZERO);
    world.take_in("wave", 0..50).await;
    let mut daemon = world.start_with_log("daemon", full.to_owned());
    world.quiet().await;
    assert!(daemon.runs());
    world.outcome().await.assert_guarantee();
}

/// Waits until the daemon has tried twice.
async fn waits_for_the_store(daemon: &Daemon, complaint: &str) {
    eventually("the daemon complains, and tries again", async || {
        let said = daemon.said();
        (said.contains(complaint) && said.contains("the store fails still")).then_some(())
    })
    .await;
    let said = daemon.said();
    let complaints: Vec<_> =
        said.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    assert!(matches!(complaints[..], [one] if one.contains(complaint)), "{complaints:#?}");
}

async fn nothing_is_lost(world: &World, daemon: &Daemon) {
    world.quiet().await;
    let outcome = world.outcome().await;
    outcome.assert_guarantee();
    assert_eq!(outcome.count(Audience::Lead, MailState::Sent), LEADS * STEPS, "none is even in doubt");
    assert!(daemon.said().contains("the store works again"), "{}", daemon.said());
}

/// Writes until the disk is full.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).expect("a file");
    while file.write_all(&[0; 4096]).is_ok() {}
}

/// A file system of a few megabytes, unmounted when it is dropped.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Only root may mount; without it this says so where the test harness does not swallow it.
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            let _ = writeln!(std::io::stderr(), "NOT RUN: a full disk needs the right to mount one");
        }
        mounted.then_some(SmallDisk { folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what still has files open there ends with this test.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}
