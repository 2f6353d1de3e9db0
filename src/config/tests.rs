//! What `nurtured.toml` and the environment say, and every way in which they can be wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::mail::mailbox::imap::{ImapConfig, Login};
use crate::mail::mailbox::{After, Source};

/// The least that sends mail.
const SMTP: &str = r#"
[mail]
transport = "smtp"
from = "Ann <ann@ours.example>"
[mail.smtp]
host = "mail.ours.example"
[http]
public_url = "https://go.ours.example/"
"#;

/// A folder with a `nurtured.toml` in it.
struct Home(tempfile::TempDir);

impl Home {
    fn with(text: &str) -> Home {
        let home = Home(tempfile::tempdir().expect("a folder"));
        home.write("nurtured.toml", text);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
        #[cfg(unix)]
        self.allow(name, 0o600);
    }

    #[cfg(unix)]
    fn allow(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(name), mode).expect("permissions");
    }

    fn load(&self, env: &[(&str, &str)]) -> Result<Config, Problems> {
        let env: BTreeMap<_, _> = env.iter().copied().collect();
        let env = |name: &str| env.get(name).map(|value| (*value).to_owned());
        Config::load(Some(&self.path("nurtured.toml")), &env)
    }

    fn loaded(&self, env: &[(&str, &str)]) -> Config {
        self.load(env).unwrap_or_else(|problems| panic!("{problems}"))
    }
}

fn alone(env: &[(&str, &str)]) -> Result<Config, Problems> {
    let env: BTreeMap<_, _> = env.iter().copied().collect();
    Config::load(None, &|name: &str| env.get(name).map(|value| (*value).to_owned()))
}

/// Each problem as "where: message".
fn told(result: Result<Config, Problems>) -> Vec<String> {
    let Err(problems) = result else { return Vec::new() };
    let place = |problem: &Problem| match problems.position(problem) {
        Some((line, column)) => format!("{line}:{column}"),
        None => problem.file.clone(),
    };
    problems.iter().map(|problem| format!("{}: {}", place(problem), problem.message)).collect()
}

fn smtp_of(config: &Config) -> &SmtpConfig {
    match &config.mail.transport {
        TransportConfig::Smtp(smtp) => smtp,
        TransportConfig::Directory(path) => panic!("mail goes to {}", path.display()),
    }
}

fn password_of(config: &Config) -> Option<&str> {
    smtp_of(config).password.as_ref().map(Secret::reveal)
}

#[test]
fn without_a_file_the_defaults_work() {
    let config = alone(&[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.store_url.reveal(), "sqlite:nurtured.db");
    assert!(matches!(&config.mail.transport, TransportConfig::Directory(path) if path == Path::new("mail")));
    assert_eq!(config.mail.from.address.as_str(), DEFAULT_FROM);
    assert_eq!(config.mail.company, "localhost.localdomain");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.playbook, None);
    assert_eq!(config.log, LogConfig { format: LogFormat::Text, level: Level::INFO });
    assert_eq!(config.warnings, Vec::<String>::new());
    assert!(matches!(config.transport(), Ok(Transport::Directory(_))));
}

#[test]
fn the_starter_loads_as_it_is_and_means_the_defaults() {
    let home = Home::with(Config::starter());
    let config = home.loaded(&[]);
    assert_eq!(config.playbook, Some(home.path("templates")));
    assert_eq!(config.store_url.reveal(), format!("sqlite:{}", home.path("nurtured.db").display()));
    let defaults = Home::with("");
    let shown = |config: Config, home: &Home| {
        format!("{:?}", Config { playbook: None, ..config }).replace(&home.0.path().display().to_string(), "")
    };
    assert_eq!(shown(config, &home), shown(defaults.loaded(&[]), &defaults));
}

#[test]
fn the_starter_has_every_key_and_no_other() {
    // The variables that loading asks for are the keys there are.
    let asked = RefCell::new(BTreeSet::new());
    let smtp = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        (name == "NURTURED_MAIL_TRANSPORT").then(|| "smtp".to_owned())
    };
    assert!(Config::load(None, &smtp).is_err());
    let uncommented = uncommented();
    let written: toml::Table = uncommented.parse().expect("TOML");
    let mut keys = BTreeSet::new();
    variables("NURTURED", &written, &mut keys);
    assert_eq!(asked.into_inner(), keys);
}

#[test]
fn the_examples_in_the_starter_are_good_ones() {
    let either_or = ["url_file", "password ="];
    let text = uncommented().replace("transport = \"directory\"", "transport = \"smtp\"");
    let lines = text.lines().filter(|line| !either_or.iter().any(|key| line.starts_with(key)));
    let home = Home::with(&lines.collect::<Vec<_>>().join("\n"));
    home.write("smtp-password", "open sesame\n");
    let config = home.loaded(&[]);
    assert_eq!(password_of(&config), Some("open sesame"));
    assert_eq!((smtp_of(&config).port, smtp_of(&config).tls), (587, TlsMode::StartTls));
    assert_eq!(smtp_of(&config).connections, SmtpConfig::CONNECTIONS);
    assert_eq!(config.warnings, Vec::<String>::new());
}

/// The starter with every key that is commented out.
fn uncommented() -> String {
    Config::starter().lines().map(|line| format!("{}\n", key_in(line).unwrap_or(line))).collect()
}

/// `key = value` of a line that is a key commented out.
fn key_in(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('#')?;
    rest.starts_with(|c: char| c.is_ascii_lowercase()).then_some(rest)
}

fn variables(prefix: &str, table: &toml::Table, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let name = format!("{prefix}_{}", key.to_uppercase());
        match value {
            toml::Value::Table(table) => variables(&name, table, found),
            _ => {
                found.insert(name);
            }
        }
    }
}

#[test]
fn a_mail_server_needs_a_name_a_sender_and_a_public_address() {
    let config = Home::with(SMTP).loaded(&[]);
    let smtp = smtp_of(&config);
    assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), ("mail.ours.example", 587, TlsMode::StartTls));
    assert_eq!((smtp.hello_name.as_str(), smtp.connections), ("ours.example", SmtpConfig::CONNECTIONS));
    assert_eq!(config.http.public_url, "https://go.ours.example");
    assert_eq!(config.mail.company, "ours.example");
    assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);

    let missing = told(Home::with("\n[mail]\ntransport = \"smtp\"\n").load(&[]));
    let [from, host, public_url] = missing.as_slice() else { panic!("{missing:?}") };
    assert_eq!(from, "2:2: `from` is missing in [mail]");
    assert!(host.ends_with("nurtured.toml: `host` is missing in [mail.smtp]"), "{host}");
    assert!(public_url.ends_with("nurtured.toml: `public_url` is missing in [http]"), "{public_url}");
    assert_eq!(
        told(alone(&[("NURTURED_MAIL_TRANSPORT", "smtp")])).first().map(String::as_str),
        Some("no nurtured.toml: `from` is missing in [mail]")
    );
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let home = Home::with(
        "[stroe]\n[store]\nurl = \"mysql://x\"\n[mail]\ntransprot = \"smtp\"\nfrom = \"ann\"\n\
         [mail.smtp]\nport = 0\ntls = \"ssl\"\nhost = \"a:b\"\n[http]\nlisten = \"8080\"\n\
         public_url = \"http://ours.example\"\n[operator]\nemail = 5\n[log]\nlevel = \"wran\"\n",
    );
    let mut lines: Vec<String> = told(home.load(&[]));
    lines.sort_by_key(|line| line.split(':').next().and_then(|line| line.parse::<u32>().ok()));
    assert_eq!(
        lines,
        [
            "1:2: unknown key `stroe`",
            "3:7: the store's address begins neither with `sqlite:` nor with `postgres://`",
            "5:1: unknown key `transprot` in [mail]",
            "6:8: `ann` is not an email address: it has no @",
            "8:8: `port` cannot be 0",
            "9:7: `ssl` is not known here",
            "10:8: `a:b` is neither a host name nor an IP address",
            "12:10: `8080` is no address and port",
            "13:14: links in mail have to be https: anybody on the way could read and change them",
            "15:9: `email` cannot be a number",
            "17:9: `wran` is not known here",
        ]
    );
    let shown = home.load(&[]).expect_err("problems").to_string();
    assert!(shown.contains("did you mean `store`?") && shown.contains("did you mean `warn`?"), "{shown}");
    assert!(shown.contains(" 5 | transprot = \"smtp\"\n   | ^^^^^^^^^\n"), "{shown}");
}

#[test]
fn a_variable_wins_over_the_file_and_an_empty_one_does_not_count() {
    let home = Home::with("[http]\nlisten = \"nonsense\"\n[mail]\ncompany = \"Ours\"\n");
    let config = home.loaded(&[
        ("NURTURED_HTTP_LISTEN", "[::1]:9000"),
        ("NURTURED_MAIL_COMPANY", ""),
        ("NURTURED_MAIL_DIRECTORY", "out"),
        ("NURTURED_LOG_FORMAT", "json"),
        ("NURTURED_STORE_URL", "postgres://app:se-cr-et@db/x"),
    ]);
    assert_eq!(config.http.public_url, "http://[::1]:9000");
    assert_eq!((config.mail.company.as_str(), config.log.format), ("Ours", LogFormat::Json));
    assert!(matches!(&config.mail.transport, TransportConfig::Directory(path) if *path == home.path("out")));
    assert_eq!(config.store_url.reveal(), "postgres://app:se-cr-et@db/x");
    // The folder's random name has no hyphens.
    assert!(!format!("{config:?}").contains("se-cr-et"));
}

#[test]
fn a_mistake_in_a_variable_names_the_variable() {
    let broken = [
        ("NURTURED_MAIL_SMTP_PORT", "many"),
        ("NURTURED_LOG_LEVEL", "loud"),
        ("NURTURED_STORE_URL", "mysql://app:hush@db"),
    ];
    let told = told(alone(&broken));
    assert_eq!(
        told,
        [
            "environment variable NURTURED_STORE_URL: the store's address begins neither with `sqlite:` nor with `postgres://`",
            "environment variable NURTURED_MAIL_SMTP_PORT: `many` cannot be `port`",
            "environment variable NURTURED_LOG_LEVEL: `loud` is not known here",
        ]
    );
}

#[test]
fn paths_are_taken_from_the_folder_of_the_file() {
    let home = Home::with("[store]\nurl = \"sqlite://data/x.db\"\n[playbook]\npath = \"/etc/playbook\"\n");
    let config = home.loaded(&[]);
    assert_eq!(config.store_url.reveal(), format!("sqlite:{}", home.path("data/x.db").display()));
    assert_eq!(config.playbook, Some(PathBuf::from("/etc/playbook")));
    for url in ["sqlite:", "sqlite::memory:", "sqlite:x.db?mode=ro", "nurtured.db", ""] {
        let refused = told(Home::with(&format!("[store]\nurl = \"{url}\"\n")).load(&[]));
        assert_eq!(refused.len(), 1, "{url}: {refused:?}");
    }
}

#[test]
fn a_password_comes_from_a_file_a_credential_or_a_variable() {
    let home = Home::with(&SMTP.replace("[http]", "username = \"ann\"\npassword_file = \"pw\"\n[http]"));
    home.write("pw", "from the file\n");
    assert_eq!(password_of(&home.loaded(&[])), Some("from the file"));

    let credentials = tempfile::tempdir().expect("a folder");
    let folder = credentials.path().to_str().expect("UTF-8");
    assert_eq!(password_of(&home.loaded(&[("CREDENTIALS_DIRECTORY", folder)])), Some("from the file"));
    std::fs::write(credentials.path().join("pw"), "a credential").expect("a file");
    assert_eq!(password_of(&home.loaded(&[("CREDENTIALS_DIRECTORY", folder)])), Some("a credential"));

    let variable = ("NURTURED_MAIL_SMTP_PASSWORD", "from outside");
    let config = home.loaded(&[variable, ("CREDENTIALS_DIRECTORY", folder)]);
    assert_eq!(password_of(&config), Some("from outside"));
    assert!(!format!("{config:?}").contains("outside"));

    let elsewhere = home.path("other").display().to_string();
    let gone = told(home.load(&[("NURTURED_MAIL_SMTP_PASSWORD_FILE", &elsewhere)]));
    assert!(gone[0].starts_with("environment variable NURTURED_MAIL_SMTP_PASSWORD_FILE: "), "{gone:?}");
    for broken in ["", "\n", "two\nlines\n"] {
        home.write("pw", broken);
        assert_eq!(told(home.load(&[])).len(), 1, "{broken:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_secret_that_everybody_can_read_is_told() {
    let home = Home::with(&SMTP.replace("[http]", "username = \"ann\"\npassword_file = \"pw\"\n[http]"));
    home.write("pw", "x");
    let warned = |home: &Home| home.loaded(&[]).warnings.iter().filter(|line| line.contains("chmod")).count();
    assert_eq!(warned(&home), 0);
    home.allow("pw", 0o644);
    assert_eq!(warned(&home), 1);

    let inline = Home::with(&SMTP.replace("[http]", "username = \"ann\"\npassword = \"x\"\n[http]"));
    assert_eq!(warned(&inline), 0);
    inline.allow("nurtured.toml", 0o604);
    assert_eq!(warned(&inline), 1);
}

#[test]
fn a_password_goes_with_a_username_and_not_in_the_clear() {
    for (lines, problem) in [
        ("username = \"ann\"", Some("there is a username without a password")),
        ("password = \"x\"", Some("there is a password without a username")),
        ("password = \"\"\nusername = \"ann\"", Some("this is empty")),
        ("password = \"x\"\npassword_file = \"y\"\nusername = \"ann\"", Some("are both given")),
        ("tls = \"none\"\nusername = \"ann\"\npassword = \"x\"", Some("in the clear")),
        ("tls = \"none\"", None),
        ("tls = \"implicit\"\nusername = \"ann\"\npassword = \"x\"", None),
    ] {
        let told = told(Home::with(&SMTP.replace("[http]", &format!("{lines}\n[http]"))).load(&[]));
        match problem {
            Some(problem) => assert!(told.iter().any(|line| line.contains(problem)), "{lines}: {told:?}"),
            None => assert!(told.is_empty(), "{lines}: {told:?}"),
        }
    }
    let here = SMTP.replace("mail.ours.example", "127.0.0.1");
    let here = here.replace("[http]", "tls = \"none\"\nusername = \"ann\"\npassword = \"x\"\n[http]");
    assert_eq!(smtp_of(&Home::with(&here).loaded(&[])).port, 25);
}

#[test]
fn a_port_says_which_protection_is_meant() {
    for (lines, port, tls) in [
        ("port = 465", 465, TlsMode::Implicit),
        ("port = 2525", 2525, TlsMode::StartTls),
        ("tls = \"implicit\"", 465, TlsMode::Implicit),
        ("tls = \"none\"", 25, TlsMode::None),
        ("tls = \"starttls\"\nport = 465", 465, TlsMode::StartTls),
    ] {
        let config = Home::with(&SMTP.replace("[http]", &format!("{lines}\n[http]"))).loaded(&[]);
        assert_eq!((smtp_of(&config).port, smtp_of(&config).tls), (port, tls), "{lines}");
    }
}

#[test]
fn no_problem_shows_a_secret() {
    for text in [
        "[mail]\ntransport = \"smtp\"\n[mail.smtp]\npassword = \"hush",
        "[mail.smtp]\npassword = \"hush\" junk\n",
        "[store]\nurl = \"mysql://app:hush@db\"\n",
        "[store]\nurl = \"postgres://app:hush@db\" junk\n",
        "mail = { transport = \"smtp\", smtp = { port = 0, password = \"hush\" } }\n",
    ] {
        let shown = Home::with(text).load(&[]).expect_err("problems").to_string();
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[test]
fn what_is_no_file_or_no_toml_is_told_as_such() {
    let home = Home::with("[store\nurl = \n");
    assert!(!told(home.load(&[])).is_empty());
    let gone = Config::load(Some(&home.path("other.toml")), &|_: &str| None);
    assert!(told(gone)[0].contains("other.toml: the configuration cannot be read"));
}

const HOOK: &str = "[[webhooks]]\nname = \"crm\"\nurl = \"https://crm.ours.example/in\"\n\
    events = [\"lead.won\", \"assigned\"]\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n";

#[test]
fn a_webhook_says_who_is_told_of_what() {
    let config = Home::with(HOOK).loaded(&[]);
    let [webhook] = config.webhooks.as_slice() else { panic!("{config:?}") };
    assert_eq!((webhook.name.as_str(), webhook.target.host.as_str()), ("crm", "crm.ours.example"));
    assert_eq!(webhook.events, ["assigned", "won"]);
    assert!(!format!("{config:?}").contains("MfKQ"));
    let all = Home::with(&HOOK.replace("\"assigned\"", "\"*\"")).loaded(&[]);
    assert_eq!(all.webhooks[0].events.len(), crate::domain::webhook::EVENTS.len());
    // A secret from outside, by the number of the section.
    let bare = HOOK.lines().filter(|line| !line.starts_with("secret")).collect::<Vec<_>>().join("\n");
    let outside = ("NURTURED_WEBHOOKS_1_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_eq!(Home::with(&bare).loaded(&[outside]).webhooks, std::slice::from_ref(webhook));
}

#[test]
fn a_webhook_s_mistakes_are_told_with_their_place() {
    for (from, to, problem) in [
        ("lead.won", "lead.wun", "nothing of the name `lead.wun` is told"),
        ("https://crm", "http://crm", "what is sent by http can be read and changed"),
        ("https://crm", "https://user:hush@crm", "there is a name or a password in it"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "hush", "this is no secret of a webhook"),
        ("\"crm\"", "\"My CRM\"", "`My CRM` is no name"),
        ("events", "event", "unknown key `event`"),
    ] {
        let told = told(Home::with(&HOOK.replacen(from, to, 1)).load(&[]));
        assert!(told.iter().any(|line| line.contains(problem)), "{problem}: {told:?}");
        assert!(told.iter().all(|line| !line.contains("hush")), "{told:?}");
    }
    let twice = told(Home::with(&format!("{HOOK}{HOOK}")).load(&[]));
    assert!(twice.iter().any(|line| line.contains("two webhooks are called `crm`")), "{twice:?}");
    let missing = told(Home::with("[[webhooks]]\n").load(&[]));
    assert_eq!(missing.len(), 4, "{missing:?}");
    let here = HOOK.replace("https://crm.ours.example", "http://127.0.0.1:8000");
    assert!(Home::with(&format!("{here}allow_http = true\n")).load(&[]).is_ok());
}

#[test]
fn the_example_of_a_webhook_in_the_starter_is_a_good_one() {
    let example: String = Config::starter()
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(|line| format!("{line}\n"))
        .collect();
    let home = Home::with(&example);
    home.write("webhook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let config = home.loaded(&[]);
    assert_eq!((config.webhooks.len(), config.mailboxes.len()), (1, 1), "{example}");
}

#[test]
fn what_a_form_may_do_is_checked() {
    let config = Home::with(
        "[http]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\nforwarded_header = \"Forwarded\"\n\
         [forms]\nredirects = [\"https://ours.example/thanks\"]\norigins = [\"https://Ours.example/\"]\n",
    )
    .loaded(&[]);
    let api = &config.http.api;
    assert_eq!((api.trusted_proxies.len(), api.forwarded_header), (2, ForwardedHeader::Forwarded));
    assert_eq!(api.forms.origins, ["https://ours.example"]);
    for text in [
        "[http]\ntrusted_proxies = [\"proxy\"]\n",
        "[http]\nforwarded_header = \"x-real-ip\"\n",
        "[http]\nrequests_per_minute = 0\n",
        "[forms]\nredirects = [\"javascript:alert(1)\"]\n",
        "[forms]\nredirects = [\"//evil.example\"]\n",
        "[forms]\norigins = [\"https://ours.example/page\"]\n",
        "[forms]\norigins = [\"*\"]\n",
    ] {
        assert_eq!(told(Home::with(text).load(&[])).len(), 1, "{text}");
    }
    let variable = ("NURTURED_FORMS_ORIGINS", "https://a.example, https://b.example");
    assert_eq!(Home::with("").loaded(&[variable]).http.api.forms.origins.len(), 2);
}

/// A mailbox on a server.
const BOX: &str = r#"
[[mailbox]]
name = "answers"
imap = { host = "imap.ours.example", username = "answers@ours.example", password_file = "pw" }
"#;

fn with_box(text: &str) -> Home {
    let home = Home::with(text);
    home.write("pw", "hush\n");
    home.write("token", "tok.en\n");
    home
}

fn imap_of(config: &Config) -> &ImapConfig {
    match &config.mailboxes[0].source {
        Source::Imap(imap) => imap,
        Source::Maildir(path) => panic!("{}", path.display()),
    }
}

#[test]
fn a_mailbox_is_read_with_its_defaults() {
    let home = with_box(BOX);
    let config = home.loaded(&[]);
    let (mailbox, imap) = (&config.mailboxes[0], imap_of(&config));
    assert_eq!((mailbox.name.as_str(), &mailbox.after), ("answers", &After::Leave));
    assert_eq!(mailbox.poll, Duration::from_secs(120));
    assert_eq!((imap.port, imap.tls, imap.folder.as_str()), (993, TlsMode::Implicit, "INBOX"));
    assert!(matches!(&imap.login, Login::Password(password) if password.reveal() == "hush"));
    assert!(!format!("{config:?}").contains("hush"));
    let maildir = Home::with("[[mailbox]]\nname = \"a\"\nmaildir = \"mail\"\nafter = \"seen\"\n");
    let config = maildir.loaded(&[("NURTURED_MAILBOX_1_POLL", "5 minutes")]);
    assert!(matches!(&config.mailboxes[0].source, Source::Maildir(path) if *path == maildir.path("mail")));
    assert_eq!(config.mailboxes[0].after, After::Seen);
    assert_eq!(config.mailboxes[0].poll, Duration::from_secs(300));
}

#[test]
fn a_mailbox_may_be_logged_in_to_with_a_token_and_its_mails_moved() {
    let text = BOX.replace("password_file = \"pw\"", "auth = \"xoauth2\", token_file = \"token\"");
    let home = with_box(&format!("{text}after = {{ move = \"Read mail\" }}\n"));
    let config = home.loaded(&[]);
    assert!(matches!(&imap_of(&config).login, Login::XOAuth2(file) if *file == home.path("token")));
    assert_eq!(config.mailboxes[0].after, After::Move("Read mail".to_owned()));
    let bearer = with_box(&text.replace("xoauth2", "oauthbearer"));
    assert!(matches!(&imap_of(&bearer.loaded(&[])).login, Login::OAuthBearer(_)));
    let variable = ("NURTURED_MAILBOX_1_IMAP_PASSWORD", "from outside");
    let outside = with_box(&BOX.replace(", password_file = \"pw\"", "")).loaded(&[variable]);
    assert!(
        matches!(&imap_of(&outside).login, Login::Password(password) if password.reveal() == "from outside")
    );
}

#[test]
fn a_mailbox_s_mistakes_are_told_with_their_place() {
    for (from, to, problem) in [
        ("\"answers\"", "\"My Box\"", "`My Box` is no name"),
        ("username", "user", "unknown key `user`"),
        ("imap.ours.example", "imap ours", "neither a host name nor an IP address"),
        ("password_file = \"pw\"", "tls = \"none\", password_file = \"pw\"", "the login would travel to"),
        (
            "password_file = \"pw\"",
            "auth = \"xoauth2\", password_file = \"pw\"",
            "this does not go with `auth`",
        ),
        ("password_file = \"pw\"", "token_file = \"token\"", "this does not go with `auth`"),
        ("password_file = \"pw\"", "auth = \"xoauth\"", "`xoauth` is not known here"),
        (", password_file = \"pw\"", "", "`password_file` is missing"),
        ("name =", "after = \"delete\"\nname =", "`delete` is nothing that is done with a mail"),
        ("name =", "after = { mov = \"x\" }\nname =", "unknown key `mov`"),
        ("name =", "poll = \"1 hour\"\nname =", "no time between two looks"),
        ("name =", "maildir = \"x\"\nname =", "from a Maildir or from a server, not both"),
        ("imap =", "imab =", "unknown key `imab`"),
    ] {
        let text = BOX.replacen(from, to, 1);
        let told = told(with_box(&text).load(&[]));
        assert!(told.iter().any(|line| line.contains(problem)), "{problem}: {told:?}");
        assert!(told.iter().all(|line| !line.contains("hush")), "{told:?}");
    }
    let twice = told(with_box(&format!("{BOX}{BOX}")).load(&[]));
    assert!(twice.iter().any(|line| line.contains("two mailboxes are called `answers`")), "{twice:?}");
    let moved = "[[mailbox]]\nname = \"a\"\nmaildir = \"mail\"\nafter = { move = \"x\" }\n";
    assert_eq!(told(Home::with(moved).load(&[])).len(), 1);
    let shown = with_box(&BOX.replace("password_file = \"pw\"", "password = \"hush\", x = 1"));
    let problems = shown.load(&[]).expect_err("a problem").to_string();
    assert!(problems.contains("unknown key `x`") && !problems.contains("hush"), "{problems}");
    let here = BOX.replace("imap.ours.example\"", "127.0.0.1\", tls = \"none\"");
    assert!(with_box(&here).load(&[]).is_ok());
}
