//! The whole program reads its mailboxes, and says how that goes.

use std::path::PathBuf;

use crate::daemon::{Daemon, command, eventually};

/// A folder with a configuration whose mailbox is the Maildir in it.
struct Office {
    folder: tempfile::TempDir,
}

impl Office {
    fn new() -> Office {
        let office = Office { folder: tempfile::tempdir().expect("a folder") };
        let config =
            "[http]\nlisten = \"127.0.0.1:0\"\n[[mailbox]]\nname = \"answers\"\nmaildir = \"Maildir\"\n";
        std::fs::write(office.config(), config).expect("a file");
        office
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("nurtured.toml")
    }

    fn maildir(&self) {
        for name in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(self.folder.path().join("Maildir").join(name)).expect("a folder");
        }
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = command(&self.config(), arguments);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }
}

#[test]
fn a_mailbox_that_cannot_be_read_is_told_by_run_once_and_by_status() {
    let office = Office::new();
    let added = ["lead", "add", "jane@acme.example", "--campaign", "default"];
    assert!(command(&office.config(), &added).status.success(), "{}", office.says(&added));
    let run = command(&office.config(), &["run", "--once"]);
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("mailbox answers: the folder cannot be read"), "{said}");
    let status = office.says(&["status"]);
    assert!(status.contains("MAIL TO LEADS WAITS: mailbox answers has not been read yet"), "{status}");
    assert!(
        status.contains("mailbox     answers: has not been read yet; it fails for 0 minutes"),
        "{status}"
    );
    let status: serde_json::Value = serde_json::from_str(&office.says(&["status", "--json"])).expect("JSON");
    assert_eq!(
        (&status["held"]["mailbox"], &status["mailboxes"][0]["mailbox"]),
        (&"answers".into(), &"answers".into())
    );

    office.maildir();
    std::fs::write(office.folder.path().join("Maildir/new/1.a.host"), "no mail").expect("a file");
    let run = command(&office.config(), &["run", "--once"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let status: serde_json::Value = serde_json::from_str(&office.says(&["status", "--json"])).expect("JSON");
    assert!(status["held"].is_null(), "{status}");
    assert!(office.says(&["ingest", "--kept"]).contains("it is no mail"));
}

#[tokio::test]
async fn the_daemon_reads_its_mailboxes_and_stops_when_told() {
    let office = Office::new();
    office.maildir();
    std::fs::write(office.folder.path().join("Maildir/cur/1.a.host:2,S"), "no mail").expect("a file");
    let mut daemon = Daemon::start(&office.config(), office.folder.path().join("log"));
    eventually("the mail is kept", async || {
        daemon.said().contains("a mail is kept for a person").then_some(())
    })
    .await;
    daemon.signal("TERM");
    assert!(daemon.ended().await.success(), "{}", daemon.said());
}
