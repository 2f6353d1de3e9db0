//! The world outside the engine: a port that answers, people who click and answer, other programs, endpoints that
//! are told. Everything goes the way it goes in a real office: links are read out of the mails that came, pages
//! are opened over a connection, answers are raw mails for the reader behind `nurtured ingest`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use nurtured::config::ApiConfig;
use nurtured::domain::access::Scope;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::rate::Rate;
use nurtured::engine::Engine;
use nurtured::engine::ingest::Ingested;
use nurtured::engine::tokens::TokenWish;
use nurtured::engine::undo::UndoError;
use nurtured::http::{Health, serve};
use nurtured::mail::action;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::bodies::{Mails, Sent};
use super::came_in;
use super::endpoint::Endpoint;
use super::outside::{Answer, Beside, CameIn, Click, Copy, Forgery, Letter, PassedOn, Request, Undo, What};
use super::page::{self, ask, percent_encoded};
use super::printed;
use super::told::name;

/// What the pages of the test office are called.
pub const PUBLIC_URL: &str = "https://nurtured.ours.example";

/// What somebody outside met with: a line of the expectation, and what stands below it.
#[derive(Debug, Default)]
pub struct Met {
    /// The lead that it is about, if there is one.
    pub lead: Option<String>,
    /// What, in words.
    pub words: String,
    /// What was read.
    pub read: String,
}

/// The world outside.
pub struct World<'a> {
    beside: &'a Beside,
    engine: Arc<Engine>,
    server: SocketAddr,
    shutdown: CancellationToken,
    tokens: HashMap<String, String>,
    endpoints: Vec<Endpoint>,
    /// Pages that were opened before they are clicked on, by the place of their event.
    opened: HashMap<usize, (String, page::Answer)>,
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// An instant at which somebody outside does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Whether it is the deed, not the look at a page before it.
    acts: bool,
    /// The place of its event.
    event: usize,
}

/// Everything that is done from outside, in order; who click at one instant have both looked before.
pub fn steps(beside: &Beside) -> Vec<Step> {
    let mut steps = Vec::new();
    for (event, Event { at, what }) in
        beside.events.iter().map(|event| Event { at: event.at, what: &event.what }).enumerate()
    {
        if let What::Click(click) = what {
            steps.push(Step { at: click.opened.unwrap_or(at), acts: false, event });
        }
        steps.push(Step { at, acts: true, event });
    }
    steps.sort_unstable();
    steps
}

struct Event<'a> {
    at: Timestamp,
    what: &'a What,
}

impl<'a> World<'a> {
    /// Opens the port, makes the tokens and the endpoints.
    pub async fn open(beside: &'a Beside, engine: &Arc<Engine>) -> World<'a> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let room = Rate { per_minute: 60_000, burst: 10_000 };
        let config = ApiConfig { token_rate: room, form_rate: room, ..ApiConfig::default() };
        tokio::spawn(serve(Arc::clone(engine), listener, Health::new(), config, shutdown.clone()));
        let mut tokens = HashMap::new();
        for token in &beside.tokens {
            let scopes = token.scopes.iter().map(|scope| scope_of(scope)).collect();
            let wish = TokenWish {
                name: token.name.clone(),
                scopes,
                campaign: token.campaign.clone(),
                expires_at: token.expires,
            };
            let made = engine.new_token(wish, engine.clock().now()).await.expect("a token");
            tokens.insert(token.name.clone(), made);
        }
        let mut endpoints = Vec::new();
        for webhook in &beside.webhooks {
            endpoints.push(Endpoint::listening(webhook).await);
        }
        let hooks: Vec<_> = endpoints.iter().map(|endpoint| endpoint.webhook.clone()).collect();
        engine.set_webhooks(&hooks).await.expect("endpoints");
        let engine = Arc::clone(engine);
        World { beside, engine, server, shutdown, tokens, endpoints, opened: HashMap::new() }
    }

    /// Does what the step says, with the mails that came so far.
    pub async fn takes(&mut self, step: Step, mails: &mut Mails) -> Option<Met> {
        let beside = self.beside;
        match &beside.events[step.event].what {
            What::Click(click) if !step.acts => self.opens(step.event, click, mails).await,
            What::Click(click) => Some(self.clicks(step.event, click, mails).await),
            What::Scan(letter) => Some(self.scans(letter, mails).await),
            What::Page(click) => {
                let sent = mails.latest(&click.letter);
                let path = self.path_of(click, sent);
                let answer = ask(self.server, "GET", &path, &[], "").await;
                let words = format!(
                    "{} opens {}: {} “{}”",
                    name(&click.letter.by),
                    called(&click.letter),
                    answer.status,
                    answer.title()
                );
                Some(Met { lead: sent.lead.clone(), words, read: answer.text() })
            }
            What::Answer(answer) => Some(self.answers(answer, mails).await),
            What::Copy(copy) => Some(self.copies(copy).await),
            What::CameIn(came) => Some(self.comes_in(came, mails).await),
            What::PassedOn(passed) => Some(self.passes_on(passed).await),
            What::Undo(undo) => Some(self.undoes(undo).await),
            What::Request(request) => Some(self.requests(request).await),
            What::Revoke { token } => {
                let mut tx = self.engine.store().begin().await.expect("the store answers");
                assert!(tx.revoke_token(token, self.now()).await.expect("the store answers"), "{token}");
                tx.commit().await.expect("the store answers");
                Some(Met { words: format!("the token {token} is revoked"), ..Met::default() })
            }
            What::Webhook { name } => {
                let endpoint = self.endpoints.iter_mut().find(|endpoint| endpoint.webhook.name == *name);
                let endpoint = endpoint.unwrap_or_else(|| panic!("there is no [[webhook]] {name}"));
                Some(endpoint.is_told(&self.engine).await)
            }
            What::Report(report) => Some(printed::report(&self.engine, report).await),
            What::Agreement { section } => Some(printed::agreement(&self.engine, section)),
            What::PlanCapacity { weeks } => Some(printed::plan(&self.engine, *weeks).await),
            What::Why { lead } => Some(printed::why(&self.engine, lead).await),
        }
    }

    fn now(&self) -> Timestamp {
        self.engine.clock().now()
    }

    /// Opens the page on which is clicked later.
    async fn opens(&mut self, event: usize, click: &Click, mails: &mut Mails) -> Option<Met> {
        let sent = mails.latest(&click.letter);
        let path = self.path_of(click, sent);
        let answer = ask(self.server, "GET", &path, &[], "").await;
        let words = format!("{} opens {}: {}", name(&click.letter.by), called(&click.letter), answer.status);
        let lead = sent.lead.clone();
        self.opened.insert(event, (path, answer));
        click.opened.map(|_| Met { lead, words, ..Met::default() })
    }

    async fn clicks(&mut self, event: usize, click: &Click, mails: &mut Mails) -> Met {
        let sent = mails.latest(&click.letter);
        let (path, opened) = self.opened.remove(&event).expect("it was opened");
        let who =
            format!("{} clicks “{}” in {}", name(&click.letter.by), click.button, called(&click.letter));
        let values: Vec<(String, String)> = printed::pairs(&click.form);
        let form = opened.form_with(&click.button);
        let filled = form.map(|form| form.filled(&click.button, &values));
        let mut fields = match filled {
            Some(fields) => fields.unwrap_or_else(|field| panic!("{who}: the form has no {field}")),
            None if click.anyway => vec![("do".to_owned(), click.button.clone())],
            None => {
                let words =
                    format!("{who}: {} “{}”, and there is no such button", opened.status, opened.title());
                let read = if click.shows { opened.text() } else { String::new() };
                return Met { lead: sent.lead.clone(), words, read };
            }
        };
        if click.anyway {
            fields.extend(values);
        }
        let mut met = Vec::new();
        let mut read = String::new();
        for _ in 0..click.times {
            let answer = page::post(self.server, &path, &fields).await;
            met.push(format!("{} “{}”", answer.status, answer.title()));
            if click.shows {
                read.push_str(&answer.text());
            }
        }
        Met { lead: sent.lead.clone(), words: format!("{who}: {}", met.join(", then ")), read }
    }

    /// A mail scanner opens everything.
    async fn scans(&self, letter: &Letter, mails: &mut Mails) -> Met {
        let sent = mails.latest(letter);
        let mut statuses = Vec::new();
        let links = links(&sent.text);
        for (_, path) in &links {
            for method in ["HEAD", "GET"] {
                statuses.push(ask(self.server, method, path, &[], "").await.status.to_string());
            }
        }
        statuses.sort_unstable();
        statuses.dedup();
        let words = format!(
            "a scanner opens all {} links of {} to {}: {}",
            links.len(),
            called(letter),
            name(&letter.by),
            statuses.join(", ")
        );
        Met { lead: sent.lead.clone(), words, ..Met::default() }
    }

    /// The path of the link in the mail that is for the button: its own, else the one to everything else.
    fn path_of(&self, click: &Click, sent: &Sent) -> String {
        let links = links(&sent.text);
        let word = click.button.split(' ').next().unwrap_or_default();
        let is_for = |(label, path): &&(String, String)| {
            path.rsplit('/').next() == Some(word)
                || (!click.button.is_empty() && label.ends_with(&click.button))
        };
        let rest = |(_, path): &&(String, String)| path.starts_with("/a/") && path.matches('/').count() == 2;
        let found = links.iter().find(is_for).or_else(|| links.iter().find(rest));
        let path = found.map(|(_, path)| path.clone());
        let path = path.unwrap_or_else(|| panic!("no link for `{}` in {links:?}", click.button));
        let Some(forgery) = click.token else { return path };
        let token = path.split('/').nth(2).unwrap_or_default();
        path.replace(token, &self.forged(token, forgery, &click.letter.by))
    }

    fn forged(&self, token: &str, forgery: Forgery, by: &str) -> String {
        match forgery {
            Forgery::Tampered => {
                let last = if token.ends_with('a') { "b" } else { "a" };
                format!("{}{last}", &token[..token.len() - 1])
            }
            Forgery::Cut => token[..token.len() - 4].to_owned(),
            Forgery::Foreign => {
                let ours = action::verify(&self.engine.keys().action, token).expect("it is ours");
                action::token_about(b"the key of another installation", ours.about, &address(by), self.now())
            }
        }
    }

    async fn answers(&self, answer: &Answer, mails: &mut Mails) -> Met {
        let log = self.log_address();
        let sent = mails.latest(&answer.letter);
        // "… to log@ours.example, subject: accept [token]"
        let text = sent.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let token = text.split(" [").skip(1).filter_map(|rest| rest.split(']').next());
        let token = token.into_iter().find(|word| word.len() == action::LENGTH);
        let token = token.unwrap_or_else(|| panic!("no token in the mail: {}", sent.text));
        let token = match answer.token {
            Some(forgery) => self.forged(token, forgery, &answer.letter.by),
            None => token.to_owned(),
        };
        let from = answer.from.as_ref().unwrap_or(&answer.letter.by);
        let subject = format!("{} [{token}]", answer.says);
        let automatic = if answer.automatic { "Auto-Submitted: auto-replied\r\n" } else { "" };
        let raw = self.raw(
            from,
            &[log],
            &subject,
            &format!("{}\r\n\r\n> {}", answer.words, sent.subject),
            automatic,
        );
        let who = format!("{} answers “{}” to {}", name(from), answer.says, called(&answer.letter));
        let met = self.ingested(&raw, &[], answer.times).await;
        Met { lead: sent.lead.clone(), words: format!("{who}: {met}"), ..Met::default() }
    }

    async fn copies(&self, copy: &Copy) -> Met {
        let log = self.log_address();
        let mut to: Vec<&str> = copy.to.iter().map(String::as_str).collect();
        let blind = [address(log)];
        let recipients: &[EmailAddress] = if copy.bcc {
            &blind
        } else {
            to.push(log);
            &[]
        };
        let raw = self.raw(&copy.by, &to, &copy.says, "…", "");
        let met = self.ingested(&raw, recipients, copy.times).await;
        let whom: Vec<&str> = copy.to.iter().map(|to| name(to)).collect();
        let how = if copy.bcc { "blindly" } else { "openly" };
        let words =
            format!("{} writes to {}, {how} copied to the log: {met}", name(&copy.by), whom.join(", "));
        Met { lead: copy.to.first().cloned(), words, ..Met::default() }
    }

    async fn comes_in(&self, came: &CameIn, mails: &mut Mails) -> Met {
        let letter = Letter { by: came.to.clone(), mail: came.mail.clone(), lead: came.lead.clone() };
        let sent = mails.latest(&letter);
        let date = self.now().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        let raw = came_in::raw(came, sent, &date, self.now().as_second());
        let met = self.ingested(&raw, &[], came.times).await;
        let from = came.from.as_deref().unwrap_or(&came.to);
        let what = match (&came.complains, came.failed.is_empty()) {
            (Some(kind), _) => format!("a complaint of {} about {} ({kind})", name(&came.to), came.mail),
            (None, false) => format!("a bounce of {} to {}", came.mail, name(&came.to)),
            (None, true) => format!("a mail of {} about {}", name(from), came.mail),
        };
        Met { lead: sent.lead.clone(), words: format!("{what}: {met}"), ..Met::default() }
    }

    async fn passes_on(&self, passed: &PassedOn) -> Met {
        let PassedOn { by, from, subject, says, attached, also_to } = passed;
        let mut to = vec![self.log_address()];
        to.extend(also_to.as_deref());
        let (more, text) = if *attached {
            let more = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n";
            let date = self.now().strftime("%a, %d %b %Y %H:%M:%S +0000");
            let within = format!("From: {from}\r\nSubject: {subject}\r\nDate: {date}\r\n\r\n{says}");
            (more, format!("--x\r\n\r\nFYI\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n{within}\r\n--x--"))
        } else {
            let block = format!("From: {from}\r\nSent: Tuesday\r\nTo: {by}\r\nSubject: {subject}");
            ("", format!("FYI\r\n\r\n{block}\r\n\r\n{says}"))
        };
        let raw = self.raw(by, &to, &format!("Fwd: {subject}"), &text, more);
        let met = self.ingested(&raw, &[], 1).await;
        let words = format!("{} passes on what {} wrote: {met}", name(by), name(from));
        Met { lead: Some(from.clone()), words, ..Met::default() }
    }

    async fn undoes(&self, undo: &Undo) -> Met {
        let mut tx = self.engine.store().read().await.expect("the store answers");
        let lead =
            tx.person_by_email(&address(&undo.lead)).await.expect("the store answers").expect("a lead");
        let events = tx.events_of_kind(lead.id, &undo.what).await.expect("the store answers");
        tx.rollback().await.expect("the store answers");
        let event = undo
            .nth
            .map_or(events.last(), |nth| events.get(nth - 1))
            .unwrap_or_else(|| panic!("there is no {} of {}", undo.what, undo.lead));
        let by = undo.by.as_deref().map(address);
        let mut met = Vec::new();
        for _ in 0..undo.times {
            met.push(match self.engine.undo(event.id, by.as_ref(), self.now()).await {
                Ok(undone) => undone.words.join(" "),
                Err(UndoError::Before(_)) => "was taken back before".to_owned(),
                Err(UndoError::NoWord { .. }) => "cannot be taken back".to_owned(),
                Err(error) => panic!("{error}"),
            });
        }
        let words = format!("“{}” of {} is taken back: {}", undo.what, name(&undo.lead), met.join(", then "));
        Met { lead: Some(undo.lead.clone()), words, ..Met::default() }
    }

    fn log_address(&self) -> &'a str {
        let address = self.beside.office.log_address.as_deref();
        address.expect("[office] log_address = \"log@ours.example\" is missing")
    }

    fn raw(&self, from: &str, to: &[&str], subject: &str, text: &str, more: &str) -> Vec<u8> {
        let (to, at) = (to.join(", "), self.now());
        let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000");
        format!(
            "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{}@x>\r\nDate: {date}\r\n{more}\r\n{text}\r\n",
            at.as_second()
        )
        .into_bytes()
    }

    async fn ingested(&self, raw: &[u8], recipients: &[EmailAddress], times: usize) -> String {
        let mut met = Vec::new();
        for _ in 0..times {
            met.push(
                match self.engine.ingest(raw, recipients, self.now()).await.expect("the store answers") {
                    Ingested::Done(what) => what,
                    Ingested::Refused(why) => format!("refused: {why}"),
                    Ingested::Asked(why) => format!("a person is asked: {why}"),
                    Ingested::Kept(why) => format!("kept for a person: {why}"),
                    Ingested::Before => "came before".to_owned(),
                },
            );
        }
        met.join(", then ")
    }

    async fn requests(&self, request: &Request) -> Met {
        let who = request.token.as_deref();
        let mut headers = Vec::new();
        if let Some(token) = who {
            let known = self.tokens.get(token).map_or(token, String::as_str);
            headers.push(format!("Authorization: Bearer {known}"));
        }
        headers.extend(request.key.as_ref().map(|key| format!("Idempotency-Key: {key}")));
        let mut body = String::new();
        if let Some(table) = &request.body {
            headers.push("Content-Type: application/json".to_owned());
            body = serde_json::to_string(table).expect("JSON");
        } else if let Some(form) = &request.form {
            headers.push("Content-Type: application/x-www-form-urlencoded".to_owned());
            body = page::encoded(&printed::pairs(form));
        }
        let has_body = request.body.is_some() || request.form.is_some();
        let method = request.method.as_deref().unwrap_or(if has_body { "POST" } else { "GET" });
        let path = request.path.replace('@', &percent_encoded("@"));
        let answer = ask(self.server, method, &path, &headers, &body).await;
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let mut read = String::new();
        for pointer in &request.show {
            let value = json.pointer(pointer).map_or("–".to_owned(), ToString::to_string);
            read.push_str(&format!("{pointer} = {value}\n"));
        }
        if let (Some(title), Some(detail)) = (json["title"].as_str(), json["detail"].as_str()) {
            read.push_str(&format!("{title}: {detail}\n"));
        }
        let words = format!("{}: {method} {}: {}", who.unwrap_or("somebody"), request.path, answer.status);
        Met { lead: None, words, read }
    }
}

fn scope_of(text: &str) -> Scope {
    let found = Scope::ALL.iter().find(|scope| scope.name() == text);
    *found.unwrap_or_else(|| panic!("`{text}` is no scope"))
}

fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

/// The mail as an expectation calls it.
fn called(letter: &Letter) -> &str {
    &letter.mail
}

/// The links of a mail to our pages: what stands before each, and its path.
fn links(text: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    let start = format!("<{PUBLIC_URL}");
    let mut parts = text.split(&start);
    let mut before = parts.next().unwrap_or_default();
    for part in parts {
        let (path, rest) = part.split_once('>').unwrap_or((part, ""));
        let label = before.split_whitespace().collect::<Vec<_>>().join(" ");
        links.push((label, path.split_whitespace().collect()));
        before = rest;
    }
    links
}
