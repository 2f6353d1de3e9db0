//! What becomes of a mail when a server misbehaves, at every point of the dialogue.

#[path = "support/smtp_stub.rs"]
mod smtp_stub;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::poll_immediate;
use nurtured::mail::secret::Secret;
use nurtured::mail::smtp::{SmtpConfig, SmtpSession, SmtpSetupError, SmtpTransport, TlsMode};
use nurtured::mail::transport::{Outcome, Parcel, Scope};
use smtp_stub::{Act, At, Certificate, Kept, Setup, Stub};
use tokio::time::Instant;

/// Far beyond what any test takes.
const AMPLE: Duration = Duration::from_secs(60);

fn config(stub: &Stub) -> SmtpConfig {
    let account = ("nurture", "open sesame");
    SmtpConfig {
        host: stub.address.ip().to_string(),
        port: stub.address.port(),
        tls: TlsMode::None,
        username: Some(account.0.to_owned()),
        password: Some(Secret::new(account.1)),
        hello_name: "nurture.ours.example".to_owned(),
        ca_file: None,
        connections: SmtpConfig::CONNECTIONS,
        command_timeout: SmtpConfig::COMMAND_TIMEOUT,
    }
}

fn setup() -> Setup {
    Setup { account: Some(("nurture", "open sesame")), mechanisms: "PLAIN LOGIN", ..Setup::default() }
}

async fn session(config: &SmtpConfig) -> SmtpSession {
    SmtpTransport::new(config).expect("a good configuration").open().await
}

fn parcel(to: &str, message: impl Into<Vec<u8>>) -> Parcel {
    Parcel {
        envelope_from: "bounce+b1-tag@ours.example".parse().expect("an address"),
        to: to.parse().expect("an address"),
        bytes: message.into(),
        file_stem: "1".to_owned(),
    }
}

const SHORT: &str = "Subject: x\r\n\r\nhello\r\n";

/// More than the buffers between client and stub hold.
fn long() -> String {
    "a line of a long message\r\n".repeat(400_000)
}

/// What a mail must come to; without replies, which are compared where they matter.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Fate {
    Accepted,
    Refused(Scope),
    Deferred(Scope),
    InDoubt,
}

fn fate(outcome: &Outcome) -> Fate {
    match outcome {
        Outcome::Accepted { .. } => Fate::Accepted,
        Outcome::Refused { scope, .. } => Fate::Refused(*scope),
        Outcome::Deferred { scope, .. } => Fate::Deferred(*scope),
        Outcome::InDoubt { .. } => Fate::InDoubt,
    }
}

/// The mail after a failure must go through and get the reply that belongs to it.
async fn assert_next_mail_is_sound(session: &mut SmtpSession, stub: &Stub, case: &str) -> Kept {
    let outcome = session.send(&parcel("next@buyer.example", SHORT), Instant::now() + AMPLE).await;
    let Outcome::Accepted { reply } = outcome else { panic!("{case}: {outcome:?}") };
    assert_eq!(reply.unmasked(), "250 2.0.0 kept for next@buyer.example", "{case}");
    let kept = stub.kept().pop().expect("a mail");
    assert_eq!((kept.to.as_str(), kept.bytes.as_slice()), ("next@buyer.example", SHORT.as_bytes()), "{case}");
    kept
}

#[tokio::test]
async fn a_refusal_means_what_it_says_and_where_it_is_said() {
    use Act::{Say, SayAndDrop};
    use Fate::{Deferred, Refused};
    use Scope::{Address, Message, Transport};
    // The last column: the connection on which the next mail goes.
    for (at, act, fated, next_on) in [
        (At::Connect, SayAndDrop("421 4.3.2 later"), Deferred(Transport), 2),
        (At::Connect, Say("554 no service"), Refused(Transport), 2),
        (At::Connect, Say("554 5.7.1 you are listed"), Refused(Transport), 2),
        (At::Ehlo, Say("421 4.3.2 later"), Deferred(Transport), 2),
        (At::Ehlo, Say("502 5.5.1 what?"), Refused(Transport), 2),
        (At::Ehlo, Say("550-5.7.1 not\r\n550 5.7.1 you"), Refused(Transport), 2),
        (At::Auth, Say("454 4.7.0 later"), Deferred(Transport), 2),
        (At::Auth, Say("535 5.7.8 wrong password"), Refused(Transport), 2),
        (At::Mail, Say("451 4.3.0 later"), Deferred(Transport), 1),
        (At::Mail, SayAndDrop("421 4.3.2 shutting down"), Deferred(Transport), 2),
        (At::Mail, Say("550 5.1.0 sender rejected"), Refused(Transport), 1),
        (At::Mail, Say("530 5.7.0 STARTTLS first"), Refused(Transport), 1),
        (At::Rcpt, Say("450 4.2.0 greylisted"), Deferred(Address), 1),
        (At::Rcpt, SayAndDrop("421 4.3.2 shutting down"), Deferred(Transport), 2),
        (At::Rcpt, Say("550 5.1.1 <jane@buyer.example>: unknown"), Refused(Address), 1),
        (At::Rcpt, Say("550-5.1.1 unknown,\r\n550 5.1.1 really"), Refused(Address), 1),
        (At::Rcpt, Say("550 5.1.8 your sender's domain is unknown"), Refused(Transport), 1),
        (At::Rcpt, Say("550 no"), Refused(Message), 1),
        (At::Rcpt, Say("554 5.7.1 relay access denied"), Refused(Transport), 1),
        (At::Data, Say("451 4.3.0 later"), Deferred(Message), 1),
        (At::Data, Say("554 5.1.1 no valid recipients"), Refused(Message), 1),
        (At::Data, Say("550 5.7.1 policy"), Refused(Transport), 1),
        (At::Dot, Say("452 4.3.1 disk full"), Deferred(Message), 1),
        (At::Dot, SayAndDrop("421 4.3.2 shutting down"), Deferred(Transport), 2),
        (At::Dot, Say("554 5.6.0 content"), Refused(Message), 1),
        (At::Dot, Say("550 5.1.1 unknown after all"), Refused(Message), 1),
        (At::Dot, Say("550 5.7.1 spam"), Refused(Transport), 1),
        // A server that loses its way: what it says is not what can be said there.
        (At::Rcpt, Say("354 go ahead"), Deferred(Message), 2),
        (At::Data, Say("250 ok"), Deferred(Message), 2),
        (At::Dot, Say("354 go ahead"), Fate::InDoubt, 2),
        (At::Dot, Say("nonsense"), Fate::InDoubt, 2),
    ] {
        for pipelining in [false, true] {
            let case = format!("{at:?} {act:?}, pipelining: {pipelining}");
            let stub = Stub::start(Setup { pipelining, ..setup() }).await;
            let mut session = session(&config(&stub)).await;
            stub.next(at, act.clone());
            let outcome = session.send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE).await;
            assert_eq!(fate(&outcome), fated, "{case}: {outcome:?}");
            assert_eq!(stub.kept(), [], "{case}");
            let next = assert_next_mail_is_sound(&mut session, &stub, &case).await;
            assert_eq!(next.connection, next_on, "{case}");
        }
    }
}

#[tokio::test]
async fn a_server_that_wants_the_message_of_a_refused_mail_all_the_same_never_gets_it() {
    let stub = Stub::start(Setup { pipelining: true, ..setup() }).await;
    let mut session = session(&config(&stub)).await;
    stub.next(At::Rcpt, Act::Say("550 5.1.1 unknown"));
    stub.next(At::Data, Act::Say("354 go ahead"));
    let outcome = session.send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE).await;
    assert_eq!(fate(&outcome), Fate::Refused(Scope::Address), "{outcome:?}");
    assert_eq!(assert_next_mail_is_sound(&mut session, &stub, "the next one").await.connection, 2);
}

#[tokio::test]
async fn a_message_that_is_not_in_seven_bits_is_not_sent() {
    let stub = Stub::start(setup()).await;
    let mut session = session(&config(&stub)).await;
    let umlaut = parcel("jane@buyer.example", "Subject: x\r\n\r\nGrüße\r\n");
    let outcome = session.send(&umlaut, Instant::now() + AMPLE).await;
    assert_eq!(fate(&outcome), Fate::Refused(Scope::Message), "{outcome:?}");
    assert_eq!(stub.commands(), []);
}

/// Where a dialogue can break off in silence, and what becomes of the mail.
const SILENCES: [(At, Fate); 8] = [
    (At::Connect, Fate::Deferred(Scope::Transport)),
    (At::Ehlo, Fate::Deferred(Scope::Transport)),
    (At::Auth, Fate::Deferred(Scope::Transport)),
    (At::Mail, Fate::Deferred(Scope::Transport)),
    (At::Rcpt, Fate::Deferred(Scope::Message)),
    (At::Data, Fate::Deferred(Scope::Message)),
    (At::Body, Fate::Deferred(Scope::Message)),
    (At::Dot, Fate::InDoubt),
];

#[tokio::test]
async fn a_lost_connection_leaves_doubt_only_after_the_dot() {
    for (at, fated) in SILENCES {
        for pipelining in [false, true] {
            let case = format!("drop at {at:?}, pipelining: {pipelining}");
            let stub = Stub::start(Setup { pipelining, ..setup() }).await;
            let mut session = session(&config(&stub)).await;
            stub.next(at, Act::Drop);
            let message = if at == At::Body { long() } else { SHORT.to_owned() };
            let outcome = session.send(&parcel("jane@buyer.example", message), Instant::now() + AMPLE).await;
            assert_eq!(fate(&outcome), fated, "{case}: {outcome:?}");
            assert_eq!(assert_next_mail_is_sound(&mut session, &stub, &case).await.connection, 2);
        }
    }
}

#[tokio::test]
async fn a_silent_server_is_left_at_the_deadline_and_leaves_doubt_only_after_the_dot() {
    for (at, fated) in SILENCES {
        let case = format!("hang at {at:?}");
        let message = if at == At::Body { long() } else { SHORT.to_owned() };
        let parcel = parcel("jane@buyer.example", message);
        // On a busy machine the time may be over before the dialogue comes to the point: then with more.
        for patience in [100, 1_000, 10_000] {
            let stub = Stub::start(setup()).await;
            let mut session = session(&config(&stub)).await;
            stub.next(at, Act::Hang);
            let outcome = session.send(&parcel, Instant::now() + Duration::from_millis(patience)).await;
            if poll_immediate(stub.hung()).await.is_some() {
                assert_eq!(fate(&outcome), fated, "{case}: {outcome:?}");
                assert_eq!(assert_next_mail_is_sound(&mut session, &stub, &case).await.connection, 2);
                break;
            }
            assert_ne!(patience, 10_000, "{case}: never came to the point");
        }
    }
}

#[tokio::test]
async fn each_step_before_the_message_has_its_own_limit_but_the_answer_has_until_the_deadline() {
    let stub = Stub::start(setup()).await;
    let mut config = config(&stub);
    config.command_timeout = Duration::from_millis(500);
    let mut session = session(&config).await;
    stub.next(At::Dot, Act::Hang);
    let mail = parcel("jane@buyer.example", SHORT);
    let mut sending = std::pin::pin!(session.send(&mail, Instant::now() + AMPLE));
    tokio::select! {
        outcome = &mut sending => panic!("{outcome:?}"),
        () = stub.hung() => {}
    }
    // Well beyond the limit of a command, and nothing is decided.
    let waited = tokio::time::timeout(2 * config.command_timeout, &mut sending).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test]
async fn a_deadline_that_is_over_sends_nothing() {
    let stub = Stub::start(setup()).await;
    let mut session = session(&config(&stub)).await;
    for _ in 0..2 {
        let outcome = session.send(&parcel("jane@buyer.example", SHORT), Instant::now()).await;
        assert_eq!(fate(&outcome), Fate::Deferred(Scope::Transport));
    }
    assert_eq!(stub.commands(), []);
}

#[tokio::test]
async fn a_send_that_is_dropped_half_way_does_not_disturb_the_next_one() {
    let stub = Stub::start(setup()).await;
    let mut session = session(&config(&stub)).await;
    assert_next_mail_is_sound(&mut session, &stub, "first").await;
    stub.next(At::Dot, Act::Hang);
    let dropped = parcel("jane@buyer.example", SHORT);
    tokio::select! {
        outcome = session.send(&dropped, Instant::now() + AMPLE) => panic!("{outcome:?}"),
        () = stub.hung() => {}
    }
    assert_eq!(assert_next_mail_is_sound(&mut session, &stub, "third").await.connection, 2);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_between_two_mails_costs_no_mail() {
    for farewell in ["250 ok", "250 ok\r\n421 4.4.2 you were idle"] {
        let stub = Stub::start(setup()).await;
        let mut session = session(&config(&stub)).await;
        stub.next(At::Dot, Act::SayAndDrop(farewell));
        let outcome = session.send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE).await;
        assert_eq!(fate(&outcome), Fate::Accepted, "{farewell}");
        assert_eq!(assert_next_mail_is_sound(&mut session, &stub, farewell).await.connection, 2);
    }
}

#[tokio::test]
async fn mails_share_one_login_and_the_session_takes_its_leave() {
    for pipelining in [false, true] {
        let stub = Stub::start(Setup { split: true, pipelining, ..setup() }).await;
        let mut session = session(&config(&stub)).await;
        for _ in 0..2 {
            assert_next_mail_is_sound(&mut session, &stub, "in a row").await;
        }
        session.close().await;
        let heard: Vec<_> = stub.commands().into_iter().map(|(_, line)| line).collect();
        let mail = ["MAIL FROM:<bounce+b1-tag@ours.example>", "RCPT TO:<next@buyer.example>", "DATA"];
        assert_eq!(heard[0], "EHLO nurture.ours.example");
        assert!(heard[1].starts_with("AUTH PLAIN "));
        assert_eq!(heard[2..], [&mail[..], &mail, &["QUIT"]].concat(), "pipelining: {pipelining}");
    }
}

#[tokio::test]
async fn every_byte_of_a_message_arrives_dots_and_all() {
    let stub = Stub::start(setup()).await;
    let mut session = session(&config(&stub)).await;
    for message in [
        "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nx.\r\n\r\n.\r\n",
        ".\r\n",
        "Subject: empty\r\n\r\n",
        "Subject: blank lines\r\n\r\nx\r\n\r\n\r\n",
    ] {
        let outcome = session.send(&parcel("jane@buyer.example", message), Instant::now() + AMPLE).await;
        assert_eq!(fate(&outcome), Fate::Accepted);
        assert_eq!(stub.kept().pop().map(|kept| kept.bytes).as_deref(), Some(message.as_bytes()));
    }
}

#[tokio::test]
async fn no_more_sessions_are_open_than_configured() {
    let stub = Stub::start(setup()).await;
    let transport = SmtpTransport::new(&SmtpConfig { connections: 2, ..config(&stub) }).expect("a transport");
    let first = transport.open().await;
    let _second = transport.open().await;
    assert!(poll_immediate(transport.open()).await.is_none());
    drop(first);
    assert!(poll_immediate(transport.open()).await.is_some());
}

/// A stub with a certificate for `name`, and a client that trusts `trusted`.
async fn with_tls(
    mode: TlsMode,
    name: &str,
    trusted: Option<&Certificate>,
) -> (Stub, SmtpConfig, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = Certificate::for_name(name);
    let ca_file = trusted.unwrap_or(&certificate).write_to(&folder);
    let implicit = mode == TlsMode::Implicit;
    let stub = Stub::start(Setup { certificate: Some(certificate), implicit, ..setup() }).await;
    let config = SmtpConfig { tls: mode, ca_file: Some(ca_file), ..config(&stub) };
    (stub, config, folder)
}

#[tokio::test]
async fn mail_and_password_travel_encrypted() {
    for mode in [TlsMode::Implicit, TlsMode::StartTls] {
        let (stub, config, _folder) = with_tls(mode, "127.0.0.1", None).await;
        let mut session = session(&config).await;
        for _ in 0..2 {
            let kept = assert_next_mail_is_sound(&mut session, &stub, "over TLS").await;
            assert_eq!((kept.encrypted, kept.user.as_deref(), kept.connection), (true, Some("nurture"), 1));
        }
    }
}

#[tokio::test]
async fn silence_is_told_apart_over_tls_too() {
    let (stub, config, _folder) = with_tls(TlsMode::StartTls, "127.0.0.1", None).await;
    for (at, act, fated) in [
        (At::StartTls, Act::Say("454 4.7.0 TLS not available now"), Fate::Deferred(Scope::Transport)),
        (At::StartTls, Act::Say("554 5.7.3 no TLS"), Fate::Refused(Scope::Transport)),
        (At::StartTls, Act::Drop, Fate::Deferred(Scope::Transport)),
        (At::Connect, Act::Say("554 5.7.1 you are listed"), Fate::Refused(Scope::Transport)),
        (At::Dot, Act::Drop, Fate::InDoubt),
        (At::Body, Act::Drop, Fate::Deferred(Scope::Message)),
    ] {
        let message = if at == At::Body { long() } else { SHORT.to_owned() };
        let mut session = session(&config).await;
        stub.next(at, act.clone());
        let outcome = session.send(&parcel("jane@buyer.example", message), Instant::now() + AMPLE).await;
        assert_eq!(fate(&outcome), fated, "{at:?} {act:?}: {outcome:?}");
        assert_next_mail_is_sound(&mut session, &stub, "after a failure over TLS").await;
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_learns_nothing() {
    let other = Certificate::for_name("127.0.0.1");
    for mode in [TlsMode::Implicit, TlsMode::StartTls] {
        for (name, trusted) in [("127.0.0.1", Some(&other)), ("mail.ours.example", None)] {
            let (stub, config, _folder) = with_tls(mode, name, trusted).await;
            let outcome = session(&config)
                .await
                .send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE)
                .await;
            assert_eq!(fate(&outcome), Fate::Refused(Scope::Transport), "{mode:?} {name}: {outcome:?}");
            let heard: Vec<_> = stub.commands().into_iter().map(|(_, line)| line).collect();
            assert!(heard.iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS"), "{heard:?}");
        }
    }
}

#[tokio::test]
async fn a_server_stripped_of_starttls_gets_neither_password_nor_mail() {
    let (stub, config, _folder) = with_tls(TlsMode::StartTls, "127.0.0.1", None).await;
    stub.next(At::Ehlo, Act::Say("250-stub.example\r\n250 AUTH PLAIN LOGIN"));
    let outcome =
        session(&config).await.send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE).await;
    assert_eq!(fate(&outcome), Fate::Refused(Scope::Transport), "{outcome:?}");
    assert_eq!(stub.commands(), [(1, "EHLO nurture.ours.example".to_owned())]);
}

#[tokio::test]
async fn what_is_injected_before_the_handshake_is_never_taken_for_the_servers_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = Certificate::for_name("127.0.0.1");
    let ca_file = Some(certificate.write_to(&folder));
    let injected = "250-evil.example\r\n250 AUTH LOGIN\r\n";
    let stub = Stub::start(Setup { certificate: Some(certificate), injected, ..setup() }).await;
    let config = SmtpConfig { tls: TlsMode::StartTls, ca_file, ..config(&stub) };
    let outcome =
        session(&config).await.send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE).await;
    assert_eq!(fate(&outcome), Fate::Refused(Scope::Transport), "{outcome:?}");
    assert!(!stub.commands().iter().any(|(_, line)| line.starts_with("AUTH") || line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_login_works_with_either_mechanism_and_without_one_the_transport_is_refused() {
    for (mechanisms, fated) in
        [("PLAIN", Fate::Accepted), ("LOGIN", Fate::Accepted), ("GSSAPI", Fate::Refused(Scope::Transport))]
    {
        let stub = Stub::start(Setup { mechanisms, ..setup() }).await;
        let mut session = session(&config(&stub)).await;
        let outcome = session.send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE).await;
        assert_eq!(fate(&outcome), fated, "{mechanisms}: {outcome:?}");
    }
    let stub = Stub::start(setup()).await;
    let wrong = SmtpConfig { password: Some(Secret::new("guess")), ..config(&stub) };
    let outcome =
        session(&wrong).await.send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE).await;
    assert_eq!(fate(&outcome), Fate::Refused(Scope::Transport), "{outcome:?}");
}

#[tokio::test]
async fn nobody_listening_defers_the_mail() {
    let stub = Stub::start(setup()).await;
    let config = config(&stub);
    drop(stub);
    tokio::task::yield_now().await;
    let outcome =
        session(&config).await.send(&parcel("jane@buyer.example", SHORT), Instant::now() + AMPLE).await;
    assert_eq!(fate(&outcome), Fate::Deferred(Scope::Transport), "{outcome:?}");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_or_would_give_the_password_away_is_refused_at_once() {
    let stub = Stub::start(setup()).await;
    let good = config(&stub);
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").expect("a file");
    let refusal = |config: SmtpConfig| SmtpTransport::new(&config).expect_err("a refusal");
    let clear = SmtpConfig { host: "mail.ours.example".to_owned(), ..good.clone() };
    assert!(matches!(refusal(clear), SmtpSetupError::PasswordInTheClear(_)));
    let half = SmtpConfig { password: None, ..good.clone() };
    assert!(matches!(refusal(half), SmtpSetupError::HalfCredentials));
    let hello = SmtpConfig { hello_name: "x\r\nMAIL FROM:<>".to_owned(), ..good.clone() };
    assert!(matches!(refusal(hello), SmtpSetupError::HelloName(_)));
    let trusting = |path: PathBuf| SmtpConfig { tls: TlsMode::Implicit, ca_file: Some(path), ..good.clone() };
    assert!(matches!(refusal(trusting(empty)), SmtpSetupError::EmptyCaFile(_)));
    assert!(matches!(refusal(trusting("/no/such/file".into())), SmtpSetupError::CaFile { .. }));
    assert!(!format!("{good:?}").contains("sesame"));
}
