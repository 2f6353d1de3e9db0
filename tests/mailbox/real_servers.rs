//! Servers we did not write: a mail goes out by Postfix, and what comes back is read from Dovecot.

use std::sync::Arc;
use std::time::Duration;

use nurtured::domain::contact::SuppressionReason;
use nurtured::domain::lead::Stage;
use nurtured::engine::mailboxes;
use nurtured::mail::mailbox::imap::{ImapConfig, Login};
use nurtured::mail::mailbox::{After, Mailbox, Mark, Source};
use nurtured::mail::secret::Secret;
use nurtured::mail::smtp::{SmtpConfig, SmtpTransport, TlsMode};
use nurtured::mail::transport::{Outcome, Parcel, Transport};
use nurtured::store::Suppression;
use tokio_util::sync::CancellationToken;

use super::world::{World, address};
use crate::daemon::eventually;
use crate::servers::given;

/// Far beyond what any of this takes.
const AMPLE: Duration = Duration::from_secs(60);

/// Where both are. `None`, after saying so, where `tests/run` did not start them.
fn ports() -> Option<(u16, u16)> {
    let given = given("NURTURED_TEST_MAIL_SERVERS", "Postfix and Dovecot, and root")?;
    if given == "none" {
        eprintln!("NOT RUN: Postfix runs as root alone");
        return None;
    }
    let (smtp, imap) = given.split_once(' ').expect("two ports");
    Some((smtp.parse().expect("a port"), imap.parse().expect("a port")))
}

fn postfix(port: u16) -> SmtpTransport {
    let config = SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        tls: TlsMode::None,
        username: None,
        password: None,
        hello_name: "tests.mail.test".to_owned(),
        ca_file: None,
        connections: 2,
        command_timeout: AMPLE,
    };
    SmtpTransport::new(&config).expect("a transport")
}

fn dovecot(port: u16, user: &str, after: After) -> Mailbox {
    let imap = ImapConfig {
        host: "127.0.0.1".to_owned(),
        port,
        tls: TlsMode::None,
        username: user.to_owned(),
        login: Login::Password(Secret::new("secret")),
        folder: "INBOX".to_owned(),
        ca_file: None,
        patience: AMPLE,
    };
    Mailbox { name: user.to_owned(), source: Source::Imap(imap), after, poll: AMPLE * 5 }
}

impl World {
    async fn suppressions(&self, email: &str) -> Vec<Suppression> {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let found = tx.suppressions(&address(email)).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        found
    }

    async fn stage_of(&self, email: &str) -> Stage {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let lead = tx.lead_by_email(&address(email)).await.expect("the store answers").expect("a lead");
        tx.rollback().await.expect("the store answers");
        lead.stage
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_and_a_bounce_come_back_by_real_servers() {
    let Some((smtp, imap)) = ports() else { return };
    let world = World::writing("bounces@mail.test", Transport::Smtp(postfix(smtp))).await;
    world.first_mail_is_due_of(&["alice@mail.test", "late@mail.test"]).await;
    let post = world.watch(&dovecot(imap, "bounces", After::Move("Read".to_owned()))).await;
    let stopping = CancellationToken::new();
    let reading = tokio::spawn(mailboxes::run(Arc::clone(&world.engine), vec![post], stopping.clone()));
    eventually("the mailbox is read", async || world.reading().await.read_at).await;
    world.wake().await;

    // Postfix took the mail to late@, and says in a mail of its own that it could not deliver it.
    let bounced = async || world.suppressions("late@mail.test").await.pop();
    let bounced = eventually("the bounce is read", bounced).await;
    assert_eq!(bounced.reason, SuppressionReason::HardBounce);

    // Alice answers what she got.
    let mut alice = dovecot(imap, "alice", After::Leave).reader();
    let got = eventually("her mail arrives", async || {
        let news = alice.look(&Mark::default()).await.expect("a look");
        alice.fetch(news.items.last()?).await.expect("a mail")
    })
    .await;
    alice.close().await;
    let text = String::from_utf8_lossy(&got.raw).into_owned();
    let id = text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a Message-ID");
    let answer = format!(
        "From: Alice <alice@mail.test>\r\nTo: bounces@mail.test\r\nSubject: Re: Hello\r\n\
         Message-ID: <answer@mail.test>\r\nIn-Reply-To: {id}\r\nDate: Mon, 2 Mar 2026 10:30:00 +0000\r\n\r\n\
         Yes, please call me.\r\n"
    );
    let parcel = Parcel {
        envelope_from: address("alice@mail.test"),
        to: address("bounces@mail.test"),
        bytes: answer.into_bytes(),
        file_stem: String::new(),
    };
    let deadline = tokio::time::Instant::now() + AMPLE;
    let sent = postfix(smtp).open().await.send(&parcel, deadline).await;
    assert!(matches!(sent, Outcome::Accepted { .. }), "{sent:?}");
    // Long before the mailbox would be looked at by itself.
    eventually("the answer is read", async || {
        (world.stage_of("alice@mail.test").await == Stage::Qualified).then_some(())
    })
    .await;
    assert!(world.suppressions("alice@mail.test").await.is_empty());
    stopping.cancel();
    world.engine.stop();
    reading.await.expect("without a panic");

    // Both were moved: nothing is left to be read.
    let mut again = dovecot(imap, "bounces", After::Leave).reader();
    assert_eq!(again.look(&Mark::default()).await.expect("a look").items, []);
    again.close().await;
}
