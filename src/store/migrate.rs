//! Brings the schema up to date when the store is opened, and refuses a database from the future.

use sqlx::migrate::Migrator;

use super::open::while_another_opens;
use super::{Store, StoreError};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Applies what is missing. Two programs may start at once: on PostgreSQL the migrator holds an advisory
/// lock; on SQLite there is one writing connection a process, each migration is a transaction, and the
/// loser of the race finds the work done when it looks again.
pub async fn up_to_date(store: &Store) -> Result<(), StoreError> {
    refuse_newer(store).await?;
    if let Some(pool) = store.sqlite_writer() {
        // A race that is lost means that somebody else is applying one.
        while_another_opens(|| async { Ok(SQLITE.run(pool).await?) }, |_| true).await?;
    } else if let Some(pool) = store.postgres() {
        POSTGRES.run(pool).await?;
    }
    Ok(())
}

async fn refuse_newer(store: &Store) -> Result<(), StoreError> {
    const TABLE_SQLITE: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    const TABLE_POSTGRES: &str = "SELECT COUNT(*) FROM pg_catalog.pg_tables WHERE tablename = '_sqlx_migrations' \
                                  AND schemaname = ANY (current_schemas(false))";
    const NEWEST: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
    let (found, known) = if let Some(pool) = store.sqlite_writer() {
        if sqlx::query_scalar::<_, i64>(TABLE_SQLITE).fetch_one(pool).await? == 0 {
            return Ok(());
        }
        (sqlx::query_scalar::<_, i64>(NEWEST).fetch_one(pool).await?, newest(&SQLITE))
    } else if let Some(pool) = store.postgres() {
        if sqlx::query_scalar::<_, i64>(TABLE_POSTGRES).fetch_one(pool).await? == 0 {
            return Ok(());
        }
        (sqlx::query_scalar::<_, i64>(NEWEST).fetch_one(pool).await?, newest(&POSTGRES))
    } else {
        return Ok(());
    };
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(()) }
}

fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}
