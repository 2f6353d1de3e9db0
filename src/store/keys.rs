//! The keys that sign links and message ids: made once, kept with the leads, one for each purpose.

use super::{StoreError, Tx, each, statements};

statements! {
    ADD = "INSERT INTO secret_key (purpose, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    GET = "SELECT secret FROM secret_key WHERE purpose = $1";
}

impl Tx {
    /// The key for a purpose; `fresh` becomes it when there is none yet.
    pub async fn secret_key(&mut self, purpose: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        each!(self, conn => sqlx::query(ADD).bind(purpose).bind(fresh).execute(conn).await.map(drop))?;
        Ok(each!(self, conn => sqlx::query_scalar(GET).bind(purpose).fetch_one(conn).await)?)
    }
}
