//! Mail to a server we did not write: postfix's `smtp-sink`, which keeps each mail it was given.
//!
//! The stub behind `tests/smtp.rs` speaks SMTP as we understand it. This one does as its authors do.

#[path = "support/servers.rs"]
mod servers;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nurtured::mail::smtp::{SmtpConfig, SmtpTransport, TlsMode};
use nurtured::mail::transport::{Outcome, Parcel};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Far beyond what any of this takes.
const AMPLE: Duration = Duration::from_secs(60);

/// Stops the server with the test, however it ends.
struct Sink {
    child: Child,
    port: u16,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sink {
    /// Starts `program`, which writes each mail into a file in `folder`.
    async fn start(program: &str, folder: &Path) -> Sink {
        // smtp-sink cannot choose a port by itself. Between our letting go of this one and its taking it
        // somebody else may be faster; then it ends, and another is tried.
        for _ in 0..5 {
            let port =
                TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
            let mut command = Command::new(program);
            if is_root(folder) {
                command.args(["-u", "nobody"]);
            }
            let child = command
                .arg("-d")
                .arg(folder.join("mail."))
                .args([&format!("127.0.0.1:{port}"), "64"])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("smtp-sink starts");
            let mut sink = Sink { child, port };
            if timeout(AMPLE, sink.answers()).await.expect("smtp-sink answers or ends") {
                return sink;
            }
        }
        panic!("smtp-sink found no port");
    }

    /// Waits until it accepts connections; `false` when it has ended instead.
    async fn answers(&mut self) -> bool {
        loop {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return true;
            }
            if self.child.try_wait().expect("a child of ours").is_some() {
                return false;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Lets everybody write into `folder`, and says whether it belongs to root: smtp-sink does not run as root.
fn is_root(folder: &Path) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).expect("our own folder");
    std::fs::metadata(folder).expect("our own folder").uid() == 0
}

fn parcel(number: usize) -> Parcel {
    // Lines that begin with dots are what SMTP changes on the way.
    let text = format!("Subject: No {number}\r\n\r\n.\r\n..two\r\nend of {number}\r\n");
    Parcel {
        envelope_from: format!("bounce+{number}@ours.example").parse().expect("an address"),
        to: format!("lead{number}@firm.example").parse().expect("an address"),
        bytes: text.into_bytes(),
        file_stem: number.to_string(),
    }
}

#[tokio::test]
async fn every_mail_arrives_once_and_unchanged() {
    const SESSIONS: usize = 4;
    const MAILS: usize = 25;
    let Some(program) = servers::given("NURTURED_TEST_SMTP_SINK", "smtp-sink") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sink = Sink::start(&program, folder.path()).await;
    let transport = SmtpTransport::new(&SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port: sink.port,
        tls: TlsMode::None,
        username: None,
        password: None,
        hello_name: "nurture.ours.example".to_owned(),
        ca_file: None,
        connections: SESSIONS,
        command_timeout: SmtpConfig::COMMAND_TIMEOUT,
    })
    .expect("a good configuration");

    let sessions = (0..SESSIONS).map(|session| {
        let transport = &transport;
        async move {
            let mut open = transport.open().await;
            for number in session * MAILS..(session + 1) * MAILS {
                let outcome = open.send(&parcel(number), Instant::now() + AMPLE).await;
                assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
            }
            open.close().await;
        }
    });
    futures_util::future::join_all(sessions).await;
    drop(sink);

    let kept: Vec<String> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a mail"))
        .collect();
    for number in 0..SESSIONS * MAILS {
        let subject = format!("\nSubject: No {number}\n");
        let copies: Vec<&String> = kept.iter().filter(|mail| mail.contains(&subject)).collect();
        let [mail] = copies.as_slice() else { panic!("mail {number} arrived {} times", copies.len()) };
        assert!(mail.contains(&format!("<bounce+{number}@ours.example>")), "{mail}");
        assert!(mail.contains(&format!("<lead{number}@firm.example>")), "{mail}");
        assert!(mail.contains(&format!("\n\n.\n..two\nend of {number}\n")), "{mail}");
    }
    assert_eq!(kept.len(), SESSIONS * MAILS);
}
