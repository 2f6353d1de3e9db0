//! The pages as a browser, a mail program and a scanner meet them, over real connections.

use std::net::SocketAddr;

use jiff::{Timestamp, ToSpan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::domain::contact::SuppressionReason;
use crate::domain::email::EmailAddress;
use crate::domain::ids::LeadId;
use crate::domain::lead::Lead;
use crate::engine::pass::{PassError, PassReport, WakeReport};
use crate::engine::playbooks::put_in_force;
use crate::engine::{self, Identity};
use crate::mail::message::Correspondent;
use crate::mail::transport::{Memory, Transport};
use crate::mail::unsubscribe;
use crate::playbook::PlaybookFiles;
use crate::store::Store;

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().expect("an instant")
}

fn jane() -> EmailAddress {
    "jane@buyer.example".parse().expect("an address")
}

/// A daemon that answers on a port of its own, with one lead.
struct Site {
    engine: Arc<Engine>,
    clock: ManualClock,
    health: Health,
    address: SocketAddr,
    shutdown: CancellationToken,
    served: JoinHandle<()>,
    lead: LeadId,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn open() -> Site {
        Site::with(Limits::USUAL).await
    }

    async fn with(limits: Limits) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Site::on(listener, limits).await
    }

    async fn on(listener: TcpListener, limits: Limits) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("x.db").display());
        let store = Store::open(&url).await.expect("a store");
        put_in_force(&store, &PlaybookFiles::builtin(), now()).await.expect("the built-in playbook");
        let clock = ManualClock::at(now());
        let identity = Identity {
            from: Correspondent { name: None, address: "ann@ours.example".parse().expect("an address") },
            reply_to: None,
            public_url: "https://go.ours.example".to_owned(),
            log_address: None,
            operator: None,
            company: "Ours & <Sons>".to_owned(),
            postal_address: None,
        };
        let transport = Transport::Memory(Memory::new());
        let limits_of_mail = engine::Limits::default();
        let engine = Engine::new(store, Clock::Manual(clock.clone()), identity, transport, limits_of_mail);
        let engine = Arc::new(engine.await.expect("an engine"));
        let mut tx = engine.store().begin().await.expect("a transaction");
        let lead = tx.insert_lead(&lead()).await.expect("a row").expect("a new lead");
        tx.commit().await.expect("a commit");
        let address = listener.local_addr().expect("an address");
        let (health, shutdown) = (Health::new(), CancellationToken::new());
        let serving = serve_within(
            limits,
            Arc::clone(&engine),
            listener,
            health.clone(),
            ApiConfig::default(),
            shutdown.clone(),
        );
        let served = tokio::spawn(serving);
        Site { engine, clock, health, address, shutdown, served, lead, _folder: folder }
    }

    fn token(&self) -> String {
        unsubscribe::token(&self.engine.keys().unsubscribe, self.lead)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends a request as it is written, and reads until the other side hangs up.
    async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        String::from_utf8(answer).expect("UTF-8")
    }

    async fn get(&self, path: &str) -> String {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")).await
    }

    async fn post(&self, path: &str, kind: &str, body: &str) -> String {
        let length = body.len();
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    /// Whether the lead is off the list, and how often the log says that it asked to be.
    async fn told(&self) -> (bool, usize) {
        let mut tx = self.engine.store().read().await.expect("a transaction");
        let suppressions = tx.suppressions(&jane()).await.expect("suppressions");
        let events = tx.events_of(self.lead).await.expect("events");
        let off = suppressions.iter().any(|why| why.reason == SuppressionReason::Unsubscribed);
        (off, events.iter().filter(|event| event.kind == "unsubscribed").count())
    }
}

fn lead() -> Lead {
    Lead::new(jane(), now())
}

const FORM: &str = "application/x-www-form-urlencoded";
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[tokio::test]
async fn looking_at_the_link_changes_nothing() {
    let site = Site::open().await;
    let path = format!("/u/{}", site.token());
    let page = site.get(&path).await;
    assert_eq!(status(&page), 200);
    assert!(body(&page).contains("<form method=\"post\"><button"), "{page}");
    assert!(body(&page).contains("Ours &#38; &#60;Sons&#62;") && body(&page).contains("j…@b….example"));
    assert!(!page.contains(jane().as_str()) && !page.contains("evil"));

    let head = site.raw(&format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert_eq!((status(&head), body(&head)), (200, ""));
    assert_eq!(site.told().await, (false, 0));
}

#[tokio::test]
async fn one_click_takes_the_lead_off_the_list_and_a_second_changes_nothing() {
    let site = Site::open().await;
    let path = format!("/u/{}", site.token());
    for _ in 0..2 {
        let page = site.post(&path, FORM, ONE_CLICK).await;
        assert_eq!(status(&page), 200);
        assert!(body(&page).contains("You are unsubscribed"), "{page}");
        assert_eq!(site.told().await, (true, 1));
    }
    let page = site.get(&path).await;
    assert!(body(&page).contains("You are unsubscribed") && !body(&page).contains("<button"), "{page}");
}

#[tokio::test]
async fn mail_programs_may_write_the_form_as_they_like() {
    let parts =
        "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    for (kind, body) in [("multipart/form-data; boundary=b", parts), ("text/plain", ""), (FORM, "\u{0}")] {
        let site = Site::open().await;
        let page = site.post(&format!("/u/{}", site.token()), kind, body).await;
        assert_eq!((status(&page), site.told().await), (200, (true, 1)), "{kind}");
    }
}

#[tokio::test]
async fn a_lead_whose_mail_came_back_can_still_unsubscribe() {
    let site = Site::open().await;
    let mut tx = site.engine.store().begin().await.expect("a transaction");
    tx.suppress(&jane(), SuppressionReason::HardBounce, None, now()).await.expect("a suppression");
    tx.commit().await.expect("a commit");
    site.post(&format!("/u/{}", site.token()), FORM, ONE_CLICK).await;
    assert_eq!(site.told().await, (true, 1));
}

#[tokio::test]
async fn a_link_we_did_not_write_does_nothing_and_says_what_to_do() {
    let site = Site::open().await;
    let foreign = unsubscribe::token(b"another installation's key", site.lead);
    let cut = site.token()[..20].to_owned();
    for token in [foreign.as_str(), &cut, "%ff", "%2e%2e", "x"] {
        for page in
            [site.get(&format!("/u/{token}")).await, site.post(&format!("/u/{token}"), FORM, ONE_CLICK).await]
        {
            assert_eq!(status(&page), 404, "{token}");
            assert!(body(&page).contains("answer that mail"), "{page}");
        }
    }
    assert_eq!(site.told().await, (false, 0));
}

#[tokio::test]
async fn the_link_of_a_lead_that_is_gone_still_ends_well() {
    let site = Site::open().await;
    let gone = unsubscribe::token(&site.engine.keys().unsubscribe, LeadId(site.lead.0 + 1));
    let page = site.post(&format!("/u/{gone}"), FORM, ONE_CLICK).await;
    assert_eq!(status(&page), 200);
    assert!(body(&page).contains("You are unsubscribed") && body(&page).contains("to you"), "{page}");
}

#[tokio::test]
async fn nothing_else_is_offered() {
    let site = Site::open().await;
    let link = format!("/u/{}", site.token());
    for path in ["/", "/u", "/u/", "/u/a/b", "/metrics", "/api", "//", "/healthz/x", "/robots.txt"] {
        assert_eq!(status(&site.get(path).await), 404, "{path}");
    }
    for (method, path, allowed) in [
        ("PUT", link.as_str(), "GET, HEAD, POST"),
        ("DELETE", &link, "GET, HEAD, POST"),
        ("OPTIONS", &link, "GET, HEAD, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/readyz", "GET, HEAD"),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = site.raw(&request).await;
        assert_eq!(status(&answer), 405, "{method} {path}");
        assert!(answer.contains(&format!("\r\nallow: {allowed}\r\n")), "{answer}");
    }
    assert_eq!(site.told().await, (false, 0));
}

#[tokio::test]
async fn every_answer_is_kept_by_nobody_framed_by_nobody_and_runs_nothing() {
    let site = Site::open().await;
    let link = format!("/u/{}", site.token());
    for answer in [
        site.get(&link).await,
        site.get("/u/forged").await,
        site.get("/elsewhere").await,
        site.get("/healthz").await,
        site.get("/readyz").await,
        site.post("/healthz", FORM, "").await,
        site.post(&link, FORM, ONE_CLICK).await,
    ] {
        for header in [
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
            "x-robots-tag: noindex, nofollow",
        ] {
            assert!(answer.contains(&format!("\r\n{header}\r\n")), "{header}: {answer}");
        }
        let policy = answer.lines().find(|line| line.starts_with("content-security-policy: "));
        let policy = policy.unwrap_or_else(|| panic!("{answer}"));
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!answer.contains("set-cookie") && !answer.contains("<script") && !answer.contains("src="));
    }
}

#[tokio::test]
async fn too_much_is_refused_and_does_nothing() {
    let site = Site::open().await;
    let path = format!("/u/{}", site.token());
    let answer = site
        .raw(&format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1))
        .await;
    assert_eq!(status(&answer), 413);
    let mut chunk = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunk.push_str(&format!("{:x}\r\n{}", MAX_BODY + 1, "x".repeat(MAX_BODY + 1)));
    assert_eq!(status(&site.raw(&chunk).await), 413);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(20_000));
    assert!(matches!(status(&site.raw(&long).await), 414 | 431));
    assert_eq!(site.told().await, (false, 0));
}

#[tokio::test]
async fn who_does_not_finish_a_request_is_not_waited_for() {
    let short = Duration::from_millis(40);
    let site = Site::with(Limits { head: short, answer: short, ..Limits::USUAL }).await;
    let path = format!("/u/{}", site.token());
    for request in ["", "GET /healthz HTTP/1.1\r\nHost:"] {
        let answer = site.raw(request).await;
        assert!(answer.is_empty() || status(&answer) == 408, "{answer}");
    }
    let half = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList");
    assert_eq!(status(&site.raw(&half).await), 503);
    assert_eq!(site.told().await, (false, 0));
}

#[tokio::test]
async fn who_asks_and_asks_over_one_connection_does_not_keep_it() {
    let site = Site::with(Limits { connection: Duration::from_millis(40), ..Limits::USUAL }).await;
    let mut stream = site.connect().await;
    let mut answered = 0;
    let asking = async {
        let mut answer = [0; 4096];
        while stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok() {
            match stream.read(&mut answer).await {
                Ok(0) | Err(_) => break,
                Ok(_) => answered += 1,
            }
        }
    };
    timeout(Duration::from_secs(20), asking).await.expect("the connection ends");
    assert!(answered > 0);
    assert_eq!(status(&site.get("/healthz").await), 200, "and may take another one");
}

/// A site whose answers do not fit between it and us, and a connection on which one has begun that nobody reads on.
async fn unread(limits: Limits) -> (Site, TcpStream) {
    let narrow = TcpSocket::new_v4().expect("a socket");
    narrow.set_send_buffer_size(4_096).expect("a small buffer");
    narrow.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let site = Site::on(narrow.listen(16).expect("a listener"), limits).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let mut stream = socket.connect(site.address).await.expect("a connection");
    stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a request");
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200");
    (site, stream)
}

/// Writes on until the other side is gone, without ever reading.
async fn is_cut_off(stream: &mut TcpStream) -> bool {
    let writing = async { while stream.write_all(&[b'x'; 4_096]).await.is_ok() {} };
    timeout(Duration::from_secs(20), writing).await.is_ok()
}

#[tokio::test]
async fn who_does_not_read_our_answer_is_cut_off() {
    let short = Duration::from_millis(40);
    let limits = Limits { head: short, answer: short, connection: 5 * short, ..Limits::USUAL };
    let (site, mut stream) = unread(limits).await;
    assert!(is_cut_off(&mut stream).await);
    assert_eq!(status(&site.get("/healthz").await), 200);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_who_does_not_read() {
    let limits = Limits { farewell: Duration::from_millis(20), ..Limits::USUAL };
    let (mut site, mut stream) = unread(limits).await;
    site.shutdown.cancel();
    timeout(Duration::from_secs(20), &mut site.served).await.expect("it stops").expect("an end");
    assert!(is_cut_off(&mut stream).await);
}

#[tokio::test]
async fn a_request_under_way_is_answered_when_the_daemon_stops_and_an_idle_connection_is_closed() {
    let site = Site::open().await;
    let mut idle = site.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a request");
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.expect("an answer");
    let mut busy = site.connect().await;
    let head = format!(
        "POST /u/{} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\nExpect: 100-continue\r\n\r\n",
        site.token()
    );
    busy.write_all(head.as_bytes()).await.expect("a head");
    // The server asks for the body: so it is at this request.
    let mut asked = [0; 25];
    busy.read_exact(&mut asked).await.expect("a 100");
    assert!(asked.starts_with(b"HTTP/1.1 100"));

    site.shutdown.cancel();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("the end of the idle connection");
    busy.write_all(ONE_CLICK.as_bytes()).await.expect("a body");
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.expect("an answer");
    assert_eq!(status(&answer), 200);
    assert_eq!(site.told().await, (true, 1));
    site.served.await.expect("an end");
    assert!(TcpStream::connect(site.address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = Limits { farewell: Duration::from_millis(20), ..Limits::USUAL };
    let mut site = Site::with(limits).await;
    let mut busy = site.connect().await;
    let head = format!(
        "POST /u/{} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\nExpect: 100-continue\r\n\r\n",
        site.token()
    );
    busy.write_all(head.as_bytes()).await.expect("a head");
    let mut asked = [0; 25];
    busy.read_exact(&mut asked).await.expect("a 100");
    site.shutdown.cancel();
    (&mut site.served).await.expect("an end");
    assert_eq!(site.told().await, (false, 0));
}

#[tokio::test]
async fn the_daemon_is_ready_when_it_works_and_says_why_it_is_not() {
    let site = Site::open().await;
    assert_eq!(body(&site.get("/healthz").await), "ok");
    let asleep = site.get("/readyz").await;
    assert_eq!(status(&asleep), 503);
    assert!(body(&asleep).contains("no wake is complete yet"), "{asleep}");

    let mut report = WakeReport::new(now());
    report.add("intake", Ok(PassReport { done: 3, ..PassReport::default() }));
    report.add("deliver", Err(PassError::Transport("mail.ours.example says no".to_owned())));
    site.health.woke(&report);
    let ready = site.get("/readyz").await;
    assert_eq!(status(&ready), 200);
    let told: serde_json::Value = serde_json::from_str(body(&ready)).expect("JSON");
    assert_eq!((&told["ready"], &told["brake"]), (&true.into(), &false.into()));
    assert_eq!(told["last_wake"]["at"], "2026-03-02T09:00:00Z");
    assert_eq!(told["last_wake"]["done"], 3);
    assert_eq!(told["last_wake"]["failed"], serde_json::json!(["deliver"]));
    assert!(!ready.contains("mail.ours.example"));

    site.clock.set(now() + 6.minutes());
    let silent = site.get("/readyz").await;
    assert_eq!(status(&silent), 503);
    assert!(body(&silent).contains("no wake was completed in the last 5 minutes"), "{silent}");

    site.engine.store().close().await;
    site.clock.set(now());
    let closed = site.get("/readyz").await;
    assert_eq!(status(&closed), 503);
    assert!(body(&closed).contains("the store fails"), "{closed}");
    assert_eq!(status(&site.get(&format!("/u/{}", site.token())).await), 503);
}

// ---------------------------------------------------------------- answers

impl Site {
    /// The path of a link in a mail to the lead.
    fn question(&self, question: &str, answer: Option<&str>) -> String {
        let asking = crate::mail::question::asking(&self.engine.keys().questions, self.lead, "");
        crate::mail::question::address(&asking, question, answer).expect("an address")
    }

    /// What the lead has answered, and its number.
    async fn answered(&self) -> (Vec<(String, String)>, Option<String>) {
        let mut tx = self.engine.store().read().await.expect("a transaction");
        let answers = tx.answers(self.lead).await.expect("answers");
        let lead = tx.leads(&[self.lead]).await.expect("leads").pop().expect("the lead");
        tx.rollback().await.expect("the end");
        let answers = answers.into_iter().map(|said| (said.question, said.answer)).collect();
        (answers, lead.profile.phone)
    }
}

fn pair(question: &str, answer: &str) -> (String, String) {
    (question.to_owned(), answer.to_owned())
}

#[tokio::test]
async fn an_answer_link_is_an_answer_once_it_is_confirmed() {
    let site = Site::open().await;
    let when = "When do you want to <decide>?";
    let link = site.question(when, Some("This year"));
    let page = site.get(&link).await;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("When do you want to &#60;decide&#62;?"),
        "{page}"
    );
    assert!(page.contains("This year") && page.contains("<button>"), "{page}");
    assert_eq!(site.answered().await.0, [], "a scanner that opens links says nothing");
    for _ in 0..2 {
        let page = site.post(&link, FORM, "").await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("Thank you"), "{page}");
    }
    assert_eq!(site.answered().await.0, [pair(when, "This year")], "twice is once");
    // Who thinks again clicks again; the last one counts.
    site.clock.set(now() + 1.hour());
    site.post(&site.question(when, Some("Next year")), FORM, "").await;
    site.clock.set(now() + 2.hours());
    site.post(&link, FORM, "").await;
    let said = site.answered().await.0;
    assert_eq!((said.len(), said.last()), (3, Some(&pair(when, "This year"))));
}

#[tokio::test]
async fn a_double_click_is_one_answer() {
    let site = Site::open().await;
    // Time goes on between the two, and neither has seen what the other does.
    let clicks =
        (0..6).map(|n| site.engine.answered(site.lead, "When?", "This year", now() + n.milliseconds()));
    let noted = futures_util::future::join_all(clicks).await;
    let noted = noted.into_iter().map(|click| click.expect("the store answers"));
    assert_eq!(noted.filter(|click| *click == engine::answer::Answered::Noted).count(), 1);
    assert_eq!(site.answered().await.0, [pair("When?", "This year")]);
}

#[tokio::test]
async fn a_question_without_an_answer_has_a_field_for_one() {
    let site = Site::open().await;
    let link = site.question("phone", None);
    let page = site.get(&link).await;
    assert!(page.contains("On which number may we call you?") && page.contains("<input"), "{page}");
    for (body, words) in
        [("", "Please write an answer"), ("answer=+++", "Please write"), ("answer=call+me", "could not read")]
    {
        let page = site.post(&link, FORM, body).await;
        assert!(page.starts_with("HTTP/1.1 422") && page.contains(words), "{body}: {page}");
        assert!(page.contains("type=\"tel\"") && !page.contains("value=\"+++"), "{page}");
    }
    let page = site.post(&link, FORM, "answer=call+%22me%22").await;
    assert!(page.contains("value=\"call &#34;me&#34;\""), "nobody types it again: {page}");
    assert_eq!(site.answered().await, (vec![], None));
    let page = site.post(&link, FORM, "answer=%2B49+30+901820").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Thank you"), "{page}");
    assert_eq!(site.answered().await.1.as_deref(), Some("+4930901820"));
    // Who gives another one wants to be called there.
    site.clock.set(now() + 1.hour());
    site.post(&link, FORM, "answer=%2B49+30+901821").await;
    assert_eq!(site.answered().await.1.as_deref(), Some("+4930901821"));
    // What was changed on its way, and what somebody made up.
    let forged = site.question("phone", None).replacen("/q/A", "/q/B", 1);
    for path in [forged.as_str(), "/q/x", "/q/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(site.get(path).await.starts_with("HTTP/1.1 404"), "{path}");
        assert!(site.post(path, FORM, "answer=x").await.starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(
        site.raw(&format!("PUT {link} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
            .await
            .contains(" 405 ")
    );
}
