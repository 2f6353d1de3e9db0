//! A PostgreSQL database for one test, or a loud word that the test did not run.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, ConnectOptions, Executor, postgres::PgConnectOptions};

/// Set by `tests/run`: a server on which databases can be made.
const SERVER: &str = "NURTURED_TEST_POSTGRES";

/// Set to 1 by `tests/run`: a missing server is a failure.
const REQUIRED: &str = "NURTURED_TEST_REQUIRE_SERVERS";

/// The server to test on. Without one this says so where the test harness does not swallow it.
///
/// # Panics
/// When a server is required and there is none.
pub fn postgres_url() -> Option<String> {
    if let Some(url) = std::env::var(SERVER).ok().filter(|url| !url.is_empty()) {
        return Some(url);
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{SERVER} is not set");
    // Not `eprintln!`: what that prints is shown of failed tests only.
    let _ = writeln!(std::io::stderr(), "NOT RUN: {test} needs PostgreSQL; use tests/run");
    None
}

/// An empty database, dropped with this value.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one, where there is a server to make it on.
    pub async fn create() -> Option<Database> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = postgres_url()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("nurtured_test_{}_{number}", std::process::id());
        // One that was left by a process of the same number, on a server that outlives its tests, goes first.
        administer(&server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        administer(&server, format!("CREATE DATABASE {name}")).await;
        Some(Database { server, name })
    }

    /// Its address.
    pub fn url(&self) -> String {
        let (scheme, rest) = self.server.split_once("://").expect("scheme://…");
        let (path, query) = rest.split_once('?').map_or((rest, String::new()), |(p, q)| (p, format!("?{q}")));
        let host = path.split('/').next().expect("split gives at least one part");
        format!("{scheme}://{host}/{}{query}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        // In a thread of its own, because the test's runtime cannot be blocked on from within.
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(administer(&server, sql));
        });
        // A failing test has something better to say; the server is thrown away anyway.
        let _ = dropped.join();
    }
}

async fn administer(server: &str, sql: String) {
    let options: PgConnectOptions = server.parse().unwrap_or_else(|error| panic!("{SERVER}: {error}"));
    let mut connection = options.connect().await.unwrap_or_else(|error| panic!("{SERVER}: {error}"));
    connection.execute(AssertSqlSafe(sql)).await.expect("a server on which databases can be made");
}
