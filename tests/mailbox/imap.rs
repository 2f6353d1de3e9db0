//! A folder on a server, and a server that fails.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nurtured::engine::mailboxes::{self, Post, Read};
use nurtured::mail::mailbox::imap::{ImapConfig, Login};
use nurtured::mail::mailbox::{After, Mailbox, Source};
use nurtured::mail::secret::Secret;
use nurtured::mail::smtp::TlsMode;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::imap_stub::{Act, Cover, PASSWORD, Stub, TOKEN, certificate};
use super::world::{World, other};

/// Far beyond what any of this takes.
const AMPLE: Duration = Duration::from_secs(60);

/// What a stub is waited for that does not answer; one that does answers at once.
const PATIENCE: Duration = Duration::from_secs(2);

fn mailbox_with(stub: &Stub, login: Login, after: After) -> Mailbox {
    let imap = ImapConfig {
        host: "127.0.0.1".to_owned(),
        port: stub.address.port(),
        tls: TlsMode::None,
        username: "answers@ours.example".to_owned(),
        login,
        folder: "INBOX".to_owned(),
        ca_file: None,
        patience: PATIENCE,
    };
    Mailbox { name: "answers".to_owned(), source: Source::Imap(imap), after, poll: AMPLE }
}

fn mailbox(stub: &Stub, after: After) -> Mailbox {
    mailbox_with(stub, Login::Password(Secret::new(PASSWORD)), after)
}

/// A world whose Jane has answered, and the folder with her answer between two other mails.
async fn answered() -> (World, Stub, Post) {
    let (world, stub) = (World::new().await, Stub::start().await);
    stub.deliver(&other(1));
    stub.deliver(&world.answer().await);
    stub.deliver(&other(2));
    let post = world.watch(&mailbox(&stub, After::Leave)).await;
    (world, stub, post)
}

#[tokio::test]
async fn an_answer_on_a_server_is_read_and_nothing_there_is_changed() {
    let (world, stub, mut post) = answered().await;
    assert_eq!(world.read(&mut post).await, Read::All(3));
    assert_eq!(world.times("replied").await, 1);
    assert_eq!(world.read(&mut post).await, Read::All(0));
    assert_eq!(stub.commands("UID FETCH").len(), 6, "each mail is fetched once: its size, and itself");
    // After a restart nothing is read again, either.
    let mut later = world.watch(&mailbox(&stub, After::Leave)).await;
    assert_eq!(world.read(&mut later).await, Read::All(0));
    assert_eq!(stub.commands("UID FETCH").len(), 6);
    for changes in ["SELECT", "STORE", "UID STORE", "UID MOVE", "EXPUNGE", "UID EXPUNGE", "CLOSE", "DELETE"] {
        assert!(stub.commands(changes).is_empty(), "{changes}");
    }
    let mails = stub.commands("UID FETCH").into_iter().filter(|told| told.contains("BODY"));
    assert!(mails.into_iter().all(|told| told.contains("BODY.PEEK[]")));
    later.close().await;
    assert_eq!(stub.commands("LOGOUT").len(), 1);
}

#[tokio::test]
async fn wherever_a_server_hangs_up_nothing_is_lost_and_nothing_counts_twice() {
    for (command, act) in [
        ("LOGIN", Act::Drop),
        ("CAPABILITY", Act::Drop),
        ("EXAMINE", Act::Drop),
        ("UID SEARCH", Act::Drop),
        ("UID FETCH 2 (UID RFC822.SIZE", Act::Drop),
        ("UID FETCH 2 (UID BODY", Act::Drop),
        ("UID FETCH 2 (UID BODY", Act::DropHalfway),
        ("UID FETCH 2 (UID BODY", Act::Refuse),
        ("EXAMINE", Act::Refuse),
    ] {
        let (world, stub, mut post) = answered().await;
        stub.plan(command, act);
        assert_eq!(world.read(&mut post).await, Read::Failed(1), "{command} {act:?}");
        assert_eq!(world.times("replied").await, 0, "{command} {act:?}");
        let why = world.reading().await.why.expect("a reason");
        assert!(!why.contains('@'), "{why}");
        assert!(matches!(world.read(&mut post).await, Read::All(2 | 3)), "{command} {act:?}");
        assert_eq!(world.times("replied").await, 1, "{command} {act:?}");
        assert_eq!(world.read(&mut post).await, Read::All(0), "{command} {act:?}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_not_waited_for() {
    for command in ["LOGIN", "EXAMINE", "UID FETCH 2 (UID RFC822.SIZE"] {
        let (world, stub, mut post) = answered().await;
        stub.plan(command, Act::Hang);
        let read = timeout(AMPLE, world.read(&mut post)).await.expect("it gives up");
        assert_eq!(read, Read::Failed(1), "{command}");
        assert!(matches!(world.read(&mut post).await, Read::All(2 | 3)), "{command}");
        assert_eq!(world.times("replied").await, 1, "{command}");
    }
}

#[tokio::test]
async fn a_connection_that_was_lost_meanwhile_is_made_anew() {
    let (world, stub, mut post) = answered().await;
    assert_eq!(world.read(&mut post).await, Read::All(3));
    stub.plan("EXAMINE", Act::Drop);
    stub.deliver(&other(3));
    assert_eq!(world.read(&mut post).await, Read::All(1), "no failure is told of that");
    assert_eq!(stub.commands("LOGIN").len(), 2);
}

#[tokio::test]
async fn when_a_server_numbers_its_mails_anew_all_are_read_again_and_count_once() {
    let (world, stub, mut post) = answered().await;
    stub.renumber();
    assert_eq!(world.read(&mut post).await, Read::All(3));
    stub.renumber();
    stub.deliver(&other(3));
    assert_eq!(world.read(&mut post).await, Read::All(4));
    assert_eq!(world.times("replied").await, 1);
    assert_eq!(world.read(&mut post).await, Read::All(0));
    assert_eq!(stub.commands("LOGIN").len(), 1);
}

#[tokio::test]
async fn one_mail_that_the_server_will_not_give_does_not_hold_up_the_others_for_ever() {
    let (world, stub, mut post) = answered().await;
    for failures in 1..5 {
        stub.plan("UID FETCH 1 (UID BODY", Act::Refuse);
        assert_eq!(world.read(&mut post).await, Read::Failed(failures));
    }
    stub.plan("UID FETCH 1 (UID BODY", Act::Refuse);
    assert_eq!(world.read(&mut post).await, Read::All(3));
    assert_eq!(world.times("replied").await, 1);
}

#[tokio::test]
async fn mails_are_marked_or_moved_when_that_is_configured() {
    let (world, stub, _) = answered().await;
    let mut post = world.watch(&mailbox(&stub, After::Seen)).await;
    assert_eq!(world.read(&mut post).await, Read::All(3));
    let marked: Vec<String> = (1..=3).map(|uid| format!("UID STORE {uid} +FLAGS.SILENT (\\Seen)")).collect();
    assert_eq!(stub.commands("UID STORE"), marked);
    stub.renumber();
    let mut post = world.watch(&mailbox(&stub, After::Move("Read".to_owned()))).await;
    assert_eq!(world.read(&mut post).await, Read::All(3));
    assert_eq!(stub.moved(), [1, 2, 3]);
    assert_eq!(stub.commands("CREATE"), ["CREATE \"Read\""], "the folder is made when it is missing");
    assert_eq!(world.times("replied").await, 1);
}

#[tokio::test]
async fn a_login_is_proved_by_password_or_token() {
    let world = World::new().await;
    let file = world.folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("a file");
    let stub = Stub::start().await;
    for login in [
        Login::XOAuth2(file.clone()),
        Login::OAuthBearer(file.clone()),
        // LOGIN cannot say these letters.
        Login::Password(Secret::new("pässword")),
    ] {
        let mut post = world.watch(&mailbox_with(&stub, login.clone(), After::Leave)).await;
        assert_eq!(world.read(&mut post).await, Read::All(0), "{login:?}");
    }
    let told = ["AUTHENTICATE XOAUTH2", "AUTHENTICATE OAUTHBEARER", "AUTHENTICATE PLAIN"];
    assert_eq!(stub.commands("AUTHENTICATE"), told);
}

/// A mailbox that is reached by TLS, by a certificate that is trusted or not.
fn by_tls(stub: &Stub, tls: TlsMode, ca_file: Option<&Path>) -> Mailbox {
    let mut mailbox = mailbox(stub, After::Leave);
    if let Source::Imap(imap) = &mut mailbox.source {
        imap.host = "localhost".to_owned();
        imap.tls = tls;
        imap.ca_file = ca_file.map(Path::to_owned);
    }
    mailbox
}

#[tokio::test]
async fn a_login_goes_to_whom_a_trusted_certificate_names() {
    let world = World::new().await;
    let (acceptor, pem) = certificate();
    let ca_file = world.folder.path().join("ca.pem");
    std::fs::write(&ca_file, pem).expect("a file");
    for (tls, mode) in [
        (Cover::Implicit(acceptor.clone()), TlsMode::Implicit),
        (Cover::StartTls(acceptor.clone(), ""), TlsMode::StartTls),
    ] {
        let stub = Stub::start_with(tls).await;
        let mut post = world.watch(&by_tls(&stub, mode, Some(&ca_file))).await;
        assert_eq!(world.read(&mut post).await, Read::All(0), "{mode:?}");
        let why = why_not_at(&world, &by_tls(&stub, mode, None)).await;
        assert!(why.starts_with("no trustworthy TLS connection: invalid peer certificate"), "{why}");
        assert_eq!(stub.commands("LOGIN").len(), 1, "{mode:?}");
    }
    // What an attacker says in the clear is no word of the server.
    let stub = Stub::start_with(Cover::StartTls(acceptor, "* OK come in\r\n")).await;
    why_not_at(&world, &by_tls(&stub, TlsMode::StartTls, Some(&ca_file))).await;
    let plain = Stub::start().await;
    plain.plan("STARTTLS", Act::Refuse);
    let why = why_not_at(&world, &by_tls(&plain, TlsMode::StartTls, Some(&ca_file))).await;
    assert_eq!(why, "STARTTLS: the server offers no TLS, and no login is sent in the clear");
    assert!(stub.commands("LOGIN").is_empty() && plain.commands("LOGIN").is_empty());
}

async fn why_not(world: &World, stub: &Stub, login: Login) -> String {
    why_not_at(world, &mailbox_with(stub, login, After::Leave)).await
}

async fn why_not_at(world: &World, mailbox: &Mailbox) -> String {
    let mut post = world.watch(mailbox).await;
    assert!(matches!(world.read(&mut post).await, Read::Failed(_)));
    world.reading().await.why.expect("a reason")
}

#[tokio::test]
async fn a_login_that_is_refused_is_told_without_what_was_said() {
    let (world, stub) = (World::new().await, Stub::start().await);
    let file = world.folder.path().join("token");
    let refused = "the server refuses the login";
    let token = |path: &Path| Login::XOAuth2(path.to_owned());
    assert_eq!(why_not(&world, &stub, Login::Password(Secret::new("wrong"))).await, refused);
    let missing = why_not(&world, &stub, token(&file)).await;
    assert_eq!(missing, "the file with the token cannot be read: entity not found");
    std::fs::write(&file, "expired").expect("a file");
    assert_eq!(why_not(&world, &stub, token(&file)).await, refused);
    assert_eq!(why_not(&world, &stub, Login::OAuthBearer(file.clone())).await, refused);
    // What RFC 7628 and Google want said before they say no.
    assert_eq!(stub.commands("after a refusal"), ["after a refusal: ", "after a refusal: AQ=="]);
    // Whoever renews the token writes it into the file; nothing has to be started anew.
    let mut post = world.watch(&mailbox_with(&stub, token(&file), After::Leave)).await;
    assert!(matches!(world.read(&mut post).await, Read::Failed(_)));
    std::fs::write(&file, TOKEN).expect("a file");
    assert_eq!(world.read(&mut post).await, Read::All(0));
}

#[tokio::test]
async fn the_server_tells_of_new_mail_by_itself_and_the_daemon_stops_when_told() {
    let (world, stub) = (World::new().await, Stub::start().await);
    let answer = world.answer().await;
    let post = world.watch(&mailbox(&stub, After::Leave)).await;
    let stopping = CancellationToken::new();
    let reading = tokio::spawn(mailboxes::run(Arc::clone(&world.engine), vec![post], stopping.clone()));
    timeout(AMPLE, stub.somebody_idles()).await.expect("it waits for news");
    assert_eq!(world.times("replied").await, 0);
    stub.deliver(&answer);
    // Once it idles again it has read what came.
    timeout(AMPLE, stub.somebody_idles()).await.expect("it waits again, long before it would look by itself");
    assert_eq!(world.times("replied").await, 1);
    stopping.cancel();
    world.engine.stop();
    timeout(AMPLE, reading).await.expect("it stops").expect("without a panic");
}
