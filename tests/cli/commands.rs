//! What each command says, and with which exit code it ends: 0 done, 1 failed, 2 misuse or invalid
//! configuration.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStderr, Command, Stdio};

use sqlx::{Connection as _, SqliteConnection};

use crate::place::{Place, files};

const JANE: &str = "jane@acme.example";

/// A place where Jane is a ready lead of rep1.
fn with_jane_handed_off() -> Place {
    let place = Place::always_open();
    place.run(&["lead", "add", JANE, "--first-name", "Jane", "--campaign", "demo-request"]).done();
    place.run(&["run", "--once"]).done();
    place
}

#[test]
fn a_lead_comes_in_is_handed_off_and_won() {
    let place = with_jane_handed_off();
    let why = place.run(&["why", JANE]).done();
    for words in
        ["Came in.", "Mail to jane@acme.example: “We have your request”.", "Handed to rep1@ours.example"]
    {
        assert!(why.contains(words), "{words}: {why}");
    }
    assert!(why.contains("Now handed off, with rep1@ours.example. Next:"), "{why}");
    for (arguments, answer) in [
        (&["lead", "attempt", JANE, "--note", "line was bad"][..], "attempt noted; handed off → accepted"),
        (&["lead", "contacted", JANE], "contacted noted; accepted → contacted"),
        (&["lead", "opportunity", JANE], "opportunity noted; contacted → opportunity"),
        // What convinced it is told at once, so nobody asks for it.
        (&["lead", "won", JANE, "--note", "the trial"], "won noted; opportunity → won"),
    ] {
        assert_eq!(place.run(arguments).done(), format!("{JANE}: {answer}\n"));
    }
    let why = place.run(&["why", JANE]).done();
    assert!(why.contains("Tried by phone: no answer. “line was bad”"), "{why}");
    assert!(why.ends_with("Next:\n  nothing is planned until something happens\n"), "{why}");
    assert_eq!(files(&place.path("mail")).len(), 2, "the confirmation and the hand-off");
}

#[test]
fn no_sentence_of_a_history_shows_an_instant_as_machines_write_it() {
    let place = with_jane_handed_off();
    let why = place.run(&["why", JANE]).done();
    assert!(why.contains("First contact promised by "), "{why}");
    assert!(!why.contains("Z.") && !why.contains("T0") && !why.contains("T1"), "{why}");
}

#[test]
fn whatever_is_printed_is_json_when_asked_for() {
    let place = with_jane_handed_off();
    place.write("more.csv", "email,first_name\nbo@x.example,Bo\n");
    for (arguments, keys) in [
        (&["status", "--json"][..], &["leads", "mails", "brake", "last_wake", "playbook"][..]),
        (&["lead", "show", JANE, "--json"], &["email", "touches", "answers", "sequence"]),
        (
            &["lead", "list", "--json"],
            &["email", "stage", "owner", "stage_since", "days_in_stage", "business_days_in_stage"],
        ),
        (&["lead", "add", "al@x.example", "--json"], &["email", "stage"]),
        (&["lead", "accept", JANE, "--json"], &["email", "stage"]),
        (&["why", JANE, "--json"], &["at", "kind", "lead"]),
        (&["agreement", "--json"], &["title", "blocks"]),
        (&["plan-capacity", "--json"], &["week", "team", "expected", "takes", "over", "waiting"]),
        (&["may-contact", JANE, "--channel", "phone", "--json"], &["answer", "not_before", "because"]),
        (&["preview", "welcome/hello", "--json"], &["subject", "preheader", "text", "html"]),
        (
            &["token", "new", "--name", "crm", "--scope", "leads:read,forms:write", "--json"],
            &["name", "token"],
        ),
        (&["token", "list", "--json"], &["name", "scopes", "good", "last_used_at"]),
        (&["lead", "export", JANE], &["lead", "touches", "events", "mails"]),
        (&["import", "more.csv", "--json"], &["rows", "new", "rejected", "columns"]),
    ] {
        let lines = place.run(arguments).json();
        assert!(!lines.is_empty(), "{arguments:?}");
        for (line, key) in lines.iter().flat_map(|line| keys.iter().map(move |key| (line, key))) {
            assert!(line.get(key).is_some(), "{arguments:?} has no {key}: {line}");
        }
    }
    let warnings = place.run(&["check", "--json"]).json();
    let told: Vec<_> = warnings.iter().map(|line| (&line["severity"], &line["message"])).collect();
    assert_eq!(told, [(&"warning".into(), &"nobody has signed the agreement".into())]);
    assert_eq!(place.run(&["outbox", "--parked", "--json"]).json(), [] as [serde_json::Value; 0]);
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let place = with_jane_handed_off();
    let add = ["lead", "add", "bo@x.example", "--campaign", "demo-reqest", "--zone", "Mars/Phobos"];
    let added = place.run(&add);
    assert!(
        added.err.contains("no campaign `demo-reqest`") && added.err.contains("did you mean demo-request?")
    );
    assert!(
        added.err.contains("nurtured: zone: unknown time zone: `Mars/Phobos`; kept as it is\n"),
        "{added:?}"
    );
    added.done();
    for (code, words, arguments) in [
        (2, "Usage:", &[][..]),
        (2, "unrecognized subcommand", &["frobnicate"]),
        (2, "it has no @", &["lead", "add", "nonsense"]),
        (2, "it has no @", &["why", "nonsense"]),
        (1, "no lead has the address who@x.example", &["why", "who@x.example"]),
        (1, "no lead has the address who@x.example", &["lead", "won", "who@x.example"]),
        (1, "no lead has the address who@x.example", &["may-contact", "who@x.example", "--channel", "email"]),
        (2, "it is phone or email", &["may-contact", JANE, "--channel", "fax"]),
        (2, "year-month-day: 2026-03-16", &["lead", "away", JANE, "--until", "tomorrow"]),
        (2, "2020-01-01 is not in the future", &["lead", "follow-up", JANE, "--on", "2020-01-01"]),
        (2, "`whim` is no reason", &["lead", "reject", JANE, "--reason", "whim"]),
        (2, "it is one of reached, no-answer", &["lead", "attempt", JANE, "--outcome", "fine"]),
        (2, "did you mean nurturing?", &["lead", "list", "--stage", "nurturin"]),
        (2, "is no rep of the agreement", &["rep", "away", "who@ours.example", "--until", "2099-01-01"]),
        (2, "there is no mail 17", &["outbox", "resolve", "17", "--sent"]),
        (2, "write the number that `nurtured outbox` shows", &["outbox", "resolve", "x", "--sent"]),
        (2, "--sent|--drop|--again", &["outbox", "resolve", "17"]),
        (2, "did you mean welcome/hello?", &["preview", "welcom/hello"]),
        (2, "did you mean staff/hand-off?", &["preview", "staff/handoff"]),
        (2, "for the sample lead only", &["preview", "staff/hand-off", "--lead", JANE]),
        (2, "nowhere: No such file or directory", &["check", "--playbook", "nowhere"]),
        (2, "exists already; nothing was written", &["init"]),
        (2, "nowhere.toml cannot be read", &["simulate", "nowhere.toml"]),
        (2, "`nurtured init` writes one", &["--config", "nowhere.toml", "status"]),
        (1, "nowhere.csv: the file cannot be read", &["import", "nowhere.csv"]),
        (1, "the file cannot be read", &["import", "templates"]),
        (2, "possible values: bash", &["completions", "tcsh"]),
    ] {
        place.run(arguments).complains(code, words);
    }
}

#[test]
fn a_token_is_shown_once_listed_without_itself_and_revoked() {
    let place = Place::new();
    let token = place.run(&["token", "new", "--name", "crm", "--scope", "leads:read", "contact:read"]).done();
    assert!(token.trim().starts_with("nurtured_"), "{token}");
    place.run(&["token", "new", "--name", "crm", "--scope", "leads:read"]).complains(2, "revoke it first");
    place
        .run(&["token", "new", "--name", "x", "--scope", "lead:read"])
        .complains(2, "did you mean leads:read?");
    let past = &["token", "new", "--name", "x", "--scope", "leads:read", "--expires", "2020-01-01"];
    place.run(past).complains(2, "expired already");
    let listed = place.run(&["token", "list"]).done();
    assert!(listed.contains("crm") && listed.contains("leads:read contact:read"), "{listed}");
    assert!(listed.contains("never used") && !listed.contains(token.trim()), "{listed}");
    place.run(&["token", "revoke", "crm"]).done();
    place.run(&["token", "revoke", "crm"]).complains(1, "no token in use is called `crm`");
    assert!(place.run(&["token", "list"]).done().contains("revoked"));
    let secret = place.run(&["webhook", "new-secret"]).done();
    assert!(secret.starts_with("whsec_"), "{secret}");
    place.run(&["webhook", "resume", "crm"]).complains(1, "no webhook is called `crm`");
}

#[test]
fn a_person_is_erased_only_when_it_is_meant_and_then_for_good() {
    let place = with_jane_handed_off();
    place.run(&["lead", "erase", JANE]).complains(2, "--yes");
    place.run(&["lead", "erase", JANE, "--yes"]).done();
    assert!(place.run(&["lead", "erase", JANE, "--yes"]).done().contains("before"));
    place.run(&["lead", "show", JANE]).complains(1, "no lead has the address");
    place.run(&["lead", "add", JANE]).complains(1, "welcome-back");
    place.write("again.csv", format!("email\n{JANE}\n"));
    assert!(place.run(&["import", "again.csv"]).done().contains("1 left out: they had their data erased"));
    place.run(&["lead", "welcome-back", JANE]).done();
    place.run(&["lead", "add", JANE]).done();
}

#[test]
fn a_configuration_with_mistakes_is_told_of_all_of_them() {
    let place = Place::new();
    place.write("nurtured.toml", "[store]\nurl = \"mysql://x\"\n[http]\nlisten = \"8080\"\n[mial]\n");
    for arguments in [&["status"][..], &["check"], &["run", "--once"], &["simulate", "/dev/null"]] {
        let said = place.run(arguments);
        for words in ["nurtured.toml:2:7", "nurtured.toml:4:10", "unknown", "3 problems"] {
            assert!(said.err.contains(words), "{words}: {said:?}");
        }
        said.complains(2, "hint: ");
    }
    let said = place.run(&["check", "--json"]);
    assert_eq!((said.code, said.out.lines().count()), (2, 3), "{said:?}");
    place.write("nurtured.toml", "[playbook]\npath = \"nowhere\"\n");
    place.run(&["check"]).complains(2, "the playbook cannot be read");
    place.write("nurtured.toml", "[store]\nurl = \"sqlite:nowhere/leads.db\"\n");
    let said = place.run(&["status"]);
    assert!(said.err.contains("nowhere/leads.db cannot be opened"), "{said:?}");
    said.complains(1, "this user may write to");
}

#[test]
fn a_configuration_without_a_secret_needs_no_warning() {
    let place = Place::new();
    place.run(&["init"]).done();
    let said = place.run(&["status"]);
    assert_eq!(said.err, "");
    assert!(said.done().starts_with("daemon      has never been at work"));
}

#[test]
fn a_file_of_leads_goes_in_row_by_row() {
    let place = Place::new();
    place.write("empty.csv", "");
    place.write("wrong.csv", "name,company\nJane,Acme\n");
    place.write("bare.csv", "Jane,jane@acme.example\n");
    place.run(&["import", "empty.csv"]).complains(1, "its first line must name the columns");
    place.run(&["import", "wrong.csv"]).complains(1, "the columns are: `name`, `company`");
    let bare = place.run(&["import", "bare.csv"]);
    assert!(!bare.err.contains('@'), "{bare:?}");
    bare.complains(1, "looks like a lead, not like a header");

    place.write("mixed.csv", "\u{feff}email;country\nok@x.example;DE\nbroken;DE\n;DE\n");
    let dry = place.run(&["import", "mixed.csv", "--dry-run"]).done();
    assert!(
        dry.contains("semicolons between cells") && dry.ends_with("dry run: nothing was written\n"),
        "{dry}"
    );
    assert_eq!(place.run(&["lead", "list", "--json"]).json().len(), 0);
    let first = place.run(&["import", "mixed.csv"]).done();
    assert!(first.contains("3 rows: 1 new, 0 updated, 0 unchanged, 2 rejected"), "{first}");
    assert!(first.contains("line 3: the email address is none"), "{first}");
    let rejected = place.read("mixed.rejected.csv");
    assert!(rejected.contains("3;") && rejected.contains("broken;DE"), "{rejected}");
    let again = place.run(&["import", "mixed.csv"]).done();
    assert!(again.contains("0 new, 0 updated, 1 unchanged"), "{again}");

    let rows: String = (0..150).map(|number| format!("p{number}@x{number}.example\n")).collect();
    place.write("many.csv", format!("email\n{rows}"));
    place.run(&["import", "many.csv"]).done();
    let list = place.run(&["lead", "list"]);
    assert!(list.err.contains("--limit shows more"), "{}", list.err);
    assert_eq!(list.done().lines().count(), 100);
    assert_eq!(place.run(&["lead", "list", "--limit", "999"]).done().lines().count(), 151);
    assert!(place.run(&["lead", "list", "--stage", "won"]).err.contains("no lead is like that"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = Place::new();
    for arguments in [
        &["completions", "bash"][..],
        &["preview", "welcome/hello", "--html"],
        &["help"],
        &["lead", "add", "--help"],
    ] {
        let said = place.run_for_head(arguments);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{arguments:?}");
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(place.run(&["completions", shell]).done().contains("may-contact"), "{shell}");
    }
}

#[test]
fn the_clock_answers_line_by_line_and_remembers_a_bad_one() {
    let place = Place::new();
    let ask = r#"{"hours":"Mo-Fr 09:00-17:00","zone":"Europe/Berlin","holidays":["2026-03-09"],"from":"2026-03-06T16:30:00+01:00","#;
    let said = place.run_with(
        &["clock"],
        &format!("{ask}\"minutes\":60}}\nnonsense\n{ask}\"to\":\"2026-03-10T09:30:59+01:00\"}}\n"),
    );
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!((lines[0], lines[2]), (r#"{"at":"2026-03-10T08:30:00Z"}"#, r#"{"open_minutes":60}"#));
    assert!(lines[1].starts_with(r#"{"error":"#), "{lines:?}");
    assert_eq!((said.code, lines.len()), (1, 3));
    assert_eq!(place.run(&["clock"]).done(), "");
}

#[test]
fn the_demo_is_the_same_every_time_and_fits_a_terminal() {
    let place = Place::new();
    let first = place.run(&["demo"]).done();
    let mails = files(&place.path("demo"));
    let leftover = place.path("demo/notes.txt");
    std::fs::write(&leftover, "mine").expect("a file can be written");
    assert_eq!(place.run(&["demo"]).done(), first);
    assert!(leftover.exists(), "only the mails of an earlier demo are replaced");
    std::fs::remove_file(leftover).expect("it is there");
    let again = files(&place.path("demo"));
    assert_eq!(
        again.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        mails.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    assert!(first.contains(&format!("{} mails are in demo/", mails.len())), "{first}");
    for line in first.lines() {
        assert!(line.chars().count() <= 110, "{line}");
    }
    for words in [
        "09:00 in Kolkata",
        "nobody calls before it is back on Mon 23 Mar",
        "2026-04-06 is a holiday for the lead",
        "✉ to the director",
        "won, round 2",
        "7 in all",
    ] {
        assert!(first.contains(words), "{words}: {first}");
    }
    assert!(!first.contains('✗'), "the story asks for nothing that cannot be: {first}");
    assert!(place.run(&["demo", "--json"]).json().len() > 50);
}

#[test]
fn a_simulation_is_the_same_every_time_by_the_playbook_of_its_folder() {
    let place = Place::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/example.toml");
    let plain = place.run(&["simulate", example, "--json"]).done();
    assert_eq!(place.run(&["simulate", example, "--json"]).done(), plain);
    assert!(plain.lines().count() > 10);

    place.run(&["init"]).done();
    let hello = place.read("templates/sequences/welcome/01-hello.md");
    place.write(
        "templates/sequences/welcome/01-hello.md",
        hello.replace("What you can expect from us", "A subject of our own"),
    );
    let ours = place.run(&["simulate", example]).done();
    assert!(ours.contains("A subject of our own"), "{ours}");
    let agreement = place.read("templates/agreement.toml");
    place.write("templates/agreement.toml", agreement.replace("\"60 days\"", "\"sixty days\""));
    place.run(&["simulate", example]).complains(2, "`sixty days` is not a length of time");

    place.write(
        "wrong.toml",
        "start = \"2026-03-02\"\nend = \"2026-03-03T00:00:00Z\"\n[[event]]\nkind = \"repled\"\n",
    );
    let said = place.run(&[
        "simulate",
        "wrong.toml",
        "--playbook",
        concat!(env!("CARGO_MANIFEST_DIR"), "/templates"),
    ]);
    assert!(
        said.err.contains("`start` is no instant") && said.err.contains("did you mean `replied`?"),
        "{said:?}"
    );
    assert_eq!(said.code, 2);
}

#[test]
fn a_simulation_shows_the_mails_that_its_scenario_asks_for() {
    let place = Place::new();
    let example =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/example.toml"));
    place.write("mine.toml", format!("show = [\"hand_off\"]\n{}", example.expect("the example")));
    let told = place.run(&["simulate", "mine.toml"]).done();
    let shown: Vec<&str> = told.lines().skip_while(|line| !line.contains("      │")).collect();
    let end = shown.iter().position(|line| !line.contains("      │")).expect("what follows the mail");
    let mail = shown[..end].join("\n");
    assert!(mail.contains("│ Jane Doe, Head of Operations") && mail.contains("/a/…/accept>"), "{mail}");
    assert!(shown[end..].iter().all(|line| !line.contains("│ ")), "one mail is a hand-off: {told}");

    // The same twice, though keys and tokens of the two databases differ; one object a line, each as it was.
    let lines = place.run(&["simulate", "mine.toml", "--json"]).json();
    assert_eq!(place.run(&["simulate", "mine.toml", "--json"]).json(), lines);
    let (with, without): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.get("text").is_some());
    assert_eq!(with.len(), 1, "{with:?}");
    assert_eq!((&with[0]["class"], &with[0]["kind"]), (&"hand_off".into(), &"mail".into()));
    assert!(with[0]["text"].as_str().is_some_and(|text| text.contains("Jane Doe, Head of Operations")));
    assert!(without.iter().any(|line| line["kind"] == "mail"));
    place.write("mine.toml", "show = \"hand_off\"\n");
    place.run(&["simulate", "mine.toml"]).complains(2, "show");
}

#[tokio::test]
async fn a_database_that_somebody_else_holds_or_upgraded_is_told() {
    let place = Place::new();
    place.run(&["status"]).done();
    let url = format!("sqlite:{}", place.path("nurtured.db").display());
    let mut other = SqliteConnection::connect(&url).await.expect("the database is there");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("nobody else writes");
    place.run(&["lead", "add", JANE]).complains(1, "try again");
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', '2099-01-01', 1, x'00', 1)")
        .execute(&mut other)
        .await
        .expect("the table is there");
    sqlx::query("COMMIT").execute(&mut other).await.expect("it was begun");
    place.run(&["status"]).complains(1, "install the newer nurtured again");
}

/// A daemon, and what it logs.
pub struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Daemon {
    pub fn start(place: &Place) -> Daemon {
        let mut child = place.command(&["run"]).stderr(Stdio::piped()).spawn().expect("the program runs");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        Daemon { child, log }
    }

    /// Waits for a line with `words`.
    #[track_caller]
    pub fn says(&mut self, words: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).expect("it logs text");
            assert!(read > 0, "it ended without `{words}`: {all}");
            if line.contains(words) {
                return line;
            }
            all.push_str(&line);
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(status.expect("there is kill").success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of a page.
fn get(address: &str, page: &str) -> u16 {
    let mut connection = std::net::TcpStream::connect(address).expect("it listens");
    let request = format!("GET /{page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("it answers");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status")
}

fn playbook(place: &Place) -> String {
    place.run(&["status", "--json"]).json()[0]["playbook"].as_str().expect("one is in force").to_owned()
}

#[test]
fn a_daemon_answers_takes_up_a_playbook_whole_or_not_at_all_and_stops() {
    let place = Place::always_open();
    let mut daemon = Daemon::start(&place);
    let address = daemon.says("http://").trim().rsplit('/').next().unwrap_or_default().to_owned();
    daemon.says("nurtured is at work");
    assert_eq!(get(&address, "healthz"), 200);
    // Ready is who has completed a wake; the first is under way.
    while get(&address, "readyz") != 200 {
        std::thread::yield_now();
    }
    place.run(&["run", "--once"]).complains(1, "another nurtured daemon works on");

    let before = playbook(&place);
    let agreement = place.read("templates/agreement.toml");
    place.write("templates/agreement.toml", agreement.replace("\"60 days\"", "\"sixty days\""));
    place.write("templates/partials/signature.md", "Yours,\n\n{{sender.name}}\n");
    daemon.signal("-HUP");
    daemon.says("the playbook was not reloaded, the one in force stays");
    assert_eq!(playbook(&place), before);
    place.write("templates/agreement.toml", agreement);
    daemon.signal("-HUP");
    daemon.says("is in force");
    assert_ne!(playbook(&place), before);

    daemon.signal("-TERM");
    daemon.says("stopped");
    assert!(daemon.child.wait().expect("it ends").success());
}
