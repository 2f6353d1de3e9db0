//! A daemon that answers on a port of its own, on a clock of ours.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use nurtured::clock::{Clock, ManualClock};
use nurtured::config::ApiConfig;
use nurtured::domain::access::Scope;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::rate::Rate;
use nurtured::engine::playbooks::put_in_force;
use nurtured::engine::tokens::TokenWish;
use nurtured::engine::{Engine, Identity, Limits};
use nurtured::http::{Health, serve};
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::playbook::PlaybookFiles;
use nurtured::store::Store;
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::postgres::Database;

pub struct Site {
    pub engine: Arc<Engine>,
    pub clock: ManualClock,
    pub url: String,
    pub address: SocketAddr,
    shutdown: CancellationToken,
    _remains: Remains,
}

enum Remains {
    Folder { _folder: tempfile::TempDir },
    Database { _database: Database },
}

/// Statements that fail.
pub struct Fault {
    name: String,
    table: String,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that it is a problem of that name.
    #[track_caller]
    pub fn is(&self, status: u16, problem: &str) -> Value {
        let told = self.json();
        assert_eq!(
            (self.status, told["type"].as_str()),
            (status, Some(&*format!("urn:nurtured:problem:{problem}"))),
            "{self:?}"
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(told["status"], status);
        assert!(told["detail"].as_str().is_some_and(|words| words.len() > 5), "{told}");
        told
    }

    /// Checks that it went well, and reads it.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }
}

/// Monday 2 March 2026, ten o'clock in Berlin.
pub fn start() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().expect("an instant")
}

pub fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

/// Room for every test, so that none waits for the next minute.
pub fn roomy() -> ApiConfig {
    let rate = Rate { per_minute: 60_000, burst: 10_000 };
    ApiConfig { token_rate: rate, form_rate: rate, ..ApiConfig::default() }
}

impl Site {
    pub async fn on_sqlite() -> Site {
        Site::with(roomy()).await
    }

    pub async fn with(config: ApiConfig) -> Site {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("nurtured.db").display());
        Site::at(url, Remains::Folder { _folder: folder }, config).await
    }

    pub async fn on_postgres() -> Option<Site> {
        let database = Database::create().await?;
        Some(Site::at(database.url(), Remains::Database { _database: database }, roomy()).await)
    }

    async fn at(url: String, remains: Remains, config: ApiConfig) -> Site {
        let store = Store::open(&url).await.expect("a store");
        put_in_force(&store, &PlaybookFiles::builtin(), start()).await.expect("the built-in playbook");
        let clock = ManualClock::at(start());
        let identity = Identity {
            from: Correspondent { name: None, address: address("ann@ours.example") },
            reply_to: None,
            public_url: "https://go.ours.example".to_owned(),
            log_address: None,
            operator: Some(address("ops@ours.example")),
            company: "Ours".to_owned(),
            postal_address: None,
        };
        let transport = Transport::Memory(Memory::new());
        let engine = Engine::new(store, Clock::Manual(clock.clone()), identity, transport, Limits::default());
        let engine = Arc::new(engine.await.expect("an engine"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(Arc::clone(&engine), listener, Health::new(), config, shutdown.clone()));
        Site { engine, clock, url, address, shutdown, _remains: remains }
    }

    /// A token with these scopes.
    pub async fn token(&self, scopes: &[Scope]) -> String {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
        let wish =
            TokenWish { name: names.join(" "), scopes: scopes.to_vec(), campaign: None, expires_at: None };
        self.engine.new_token(wish, self.clock.now()).await.expect("a token")
    }

    /// A token that may do everything.
    pub async fn master(&self) -> String {
        self.token(Scope::ALL).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask("GET", path, &[&bearer(token)], "").await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.ask("POST", path, &[&bearer(token), "Content-Type: application/json"], &body.to_string()).await
    }

    /// Asks as it is written; the server hangs up afterwards.
    pub async fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    pub async fn raw(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Answer { status, headers, body: body.to_owned() }
    }

    /// From now on each statement of that kind on `table` fails: on PostgreSQL like one that waited in vain.
    pub async fn fault(&self, statement: &str, table: &str) -> Fault {
        let fault = Fault { name: format!("fault_of_{table}"), table: table.to_owned() };
        let name = &fault.name;
        self.execute(&if self.is_on_sqlite() {
            format!(
                "CREATE TRIGGER {name} BEFORE {statement} ON {table} BEGIN SELECT RAISE(ABORT, 'a fault'); END"
            )
        } else {
            format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'a fault' USING ERRCODE = '55P03'; END $$; \
                 CREATE TRIGGER {name} BEFORE {statement} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
        })
        .await;
        fault
    }

    /// The end of a fault.
    pub async fn mend(&self, Fault { name, table }: Fault) {
        let on = if self.is_on_sqlite() { String::new() } else { format!(" ON {table}") };
        self.execute(&format!("DROP TRIGGER {name}{on}")).await;
    }

    fn is_on_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// Does something to the database that the daemon would not.
    async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = options.connect().await.expect("a connection");
            connection.execute(sql).await.expect("a statement");
            connection.close().await.expect("an end");
        } else {
            let mut connection = PgConnection::connect(&self.url).await.expect("a connection");
            connection.execute(sql).await.expect("a statement");
            connection.close().await.expect("an end");
        }
    }

    /// Runs every pass until nothing is due.
    pub async fn wake(&self) {
        let report = self.engine.wake_until_done(self.clock.now()).await;
        assert!(!report.failed(), "{:?}", report.failures().collect::<Vec<_>>());
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}
