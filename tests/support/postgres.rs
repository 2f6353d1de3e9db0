//! A PostgreSQL database for one test, or a loud word that the test did not run.

mod servers;

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, ConnectOptions, Executor, postgres::PgConnectOptions};

/// A server on which databases can be made.
const SERVER: &str = "NURTURED_TEST_POSTGRES";

/// The server to test on, if there is one.
pub fn postgres_url() -> Option<String> {
    servers::given(SERVER, "PostgreSQL")
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
