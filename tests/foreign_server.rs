//! Mail to a server we did not write: postfix's `smtp-sink`, which keeps each mail it was given.
//!
//! The stub behind `tests/smtp.rs` speaks SMTP as we understand it. This one does as its authors do; it is also the
//! witness of what the whole program sent, from a CSV file to the wire.

#[path = "support/servers.rs"]
mod servers;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nurtured::domain::ids::EventId;
use nurtured::mail::smtp::{SmtpConfig, SmtpTransport, TlsMode};
use nurtured::mail::token;
use nurtured::mail::transport::{Outcome, Parcel};
use nurtured::store::Store;
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

#[tokio::test]
async fn a_server_received_exactly_what_the_log_says_was_sent() {
    const LEADS: usize = 150;
    let Some(program) = servers::given("NURTURED_TEST_SMTP_SINK", "smtp-sink") else { return };
    let (home, arrived) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let sink = Sink::start(&program, arrived.path()).await;
    let config = format!(
        "[mail]\ntransport = \"smtp\"\nfrom = \"Ann of Ours <ann@ours.example>\"\n\
         [mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
         [http]\npublic_url = \"https://nurture.ours.example\"\n",
        sink.port
    );
    std::fs::write(home.path().join("nurtured.toml"), config).expect("a configuration");
    // They asked for a demo, so the confirmation leaves whatever the hour is.
    let mut csv = "email,first_name,campaign\n".to_owned();
    for number in 0..LEADS {
        csv.push_str(&format!("lead{number}@firm{number}.example,Lead {number},demo-request\n"));
    }
    std::fs::write(home.path().join("leads.csv"), csv).expect("a list");
    nurtured(home.path(), &["import", "leads.csv"]);
    nurtured(home.path(), &["run", "--once"]);
    drop(sink);

    let received: Vec<(String, String)> = std::fs::read_dir(arrived.path())
        .expect("the folder")
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a mail"))
        .map(|mail| {
            (
                header(&mail, "Message-ID: "),
                header(&mail, "X-Rcpt-Args: ").trim_matches(['<', '>']).to_owned(),
            )
        })
        .collect();
    let logged = what_the_log_says(&home.path().join("nurtured.db")).await;
    assert!(logged.len() >= LEADS, "{} mails", logged.len());
    assert_eq!(received.len(), logged.len(), "nothing arrived twice");
    assert_eq!(received.into_iter().collect::<BTreeSet<_>>(), logged);
}

/// Runs the program, which has to succeed.
fn nurtured(home: &Path, arguments: &[&str]) {
    let program = Command::new(env!("CARGO_BIN_EXE_nurtured"))
        .args(arguments)
        .current_dir(home)
        .env_remove("NURTURED_CONFIG")
        .stdin(Stdio::null())
        .output()
        .expect("nurtured starts");
    assert!(program.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&program.stderr));
}

/// The rest of the first line that begins so.
fn header(mail: &str, name: &str) -> String {
    mail.lines().find_map(|line| line.strip_prefix(name)).expect("a header").to_owned()
}

/// Message-ID and recipient of every mail of which the event log says that it was sent.
async fn what_the_log_says(database: &Path) -> BTreeSet<(String, String)> {
    let store = Store::open(&format!("sqlite:{}", database.display())).await.expect("the store");
    let mut tx = store.begin().await.expect("a transaction");
    let key = tx.secret_key("mail", &[]).await.expect("the key");
    let mut logged = BTreeSet::new();
    for event in tx.events_after(EventId(0), i64::MAX).await.expect("the log") {
        if event.kind == "mail" {
            let mail = event.mail.expect("an event of a mail names it");
            let row = tx.outbox_mail(mail).await.expect("an answer").expect("a mail");
            logged.insert((token::message_id(&key, mail, "ours.example"), row.recipient.to_string()));
        }
    }
    logged
}
