//! Tokens of the HTTP API, by their hashes: who steals the database has none.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis, millis_opt};
use super::{StoreError, Tx, each, statements};
use crate::domain::access::{Grant, Scope};
use crate::domain::ids::TokenId;

macro_rules! columns {
    () => {
        "id, name, scopes, campaign, created_at, expires_at, revoked_at, last_used_at"
    };
}

statements! {
    INSERT = "INSERT INTO api_token (name, hash, scopes, campaign, created_at, expires_at) \
              VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id";
    BY_HASH = concat!("SELECT ", columns!(), " FROM api_token WHERE hash = $1");
    LIST = concat!("SELECT ", columns!(), " FROM api_token ORDER BY id");
    REVOKE = "UPDATE api_token SET revoked_at = $1 WHERE name = $2 AND revoked_at IS NULL";
    USED = "UPDATE api_token SET last_used_at = $1 WHERE id = $2";
}

/// A token about to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is for. No two that are in use have one name.
    pub name: String,
    /// The hash by which it is known again.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The one campaign that a form's key is for.
    pub campaign: Option<String>,
    /// Now.
    pub created_at: Timestamp,
    /// From when on it is no longer good.
    pub expires_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: i64,
    name: String,
    scopes: String,
    campaign: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TryFrom<TokenRow> for Grant {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Grant, StoreError> {
        let id = row.id;
        let wrong = |what: String| StoreError::Inconsistent { table: "api_token", id, what };
        let names: Vec<String> =
            serde_json::from_str(&row.scopes).map_err(|error| wrong(error.to_string()))?;
        let scopes = names.iter().map(|name| name.parse().map_err(|error| wrong(format!("{error}"))));
        Ok(Grant {
            id: TokenId(id),
            name: row.name,
            scopes: scopes.collect::<Result<_, _>>()?,
            campaign: row.campaign,
            created_at: instant("api_token", id, row.created_at)?,
            expires_at: instant_opt("api_token", id, row.expires_at)?,
            revoked_at: instant_opt("api_token", id, row.revoked_at)?,
            last_used_at: instant_opt("api_token", id, row.last_used_at)?,
        })
    }
}

impl Tx {
    /// Keeps a new token; `None` when one of that name is in use.
    pub async fn insert_token(&mut self, new: &NewToken) -> Result<Option<TokenId>, StoreError> {
        let names: Vec<&str> = new.scopes.iter().map(|scope| scope.name()).collect();
        let scopes = serde_json::Value::from(names).to_string();
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(INSERT)
            .bind(new.name.as_str())
            .bind(new.hash.as_str())
            .bind(scopes)
            .bind(new.campaign.as_deref())
            .bind(millis(new.created_at))
            .bind(millis_opt(new.expires_at))
            .fetch_optional(conn)
            .await)?;
        Ok(id.map(TokenId))
    }

    /// The token with that hash, good or not.
    pub async fn token_by_hash(&mut self, hash: &str) -> Result<Option<Grant>, StoreError> {
        let row: Option<TokenRow> =
            each!(self, conn => sqlx::query_as(BY_HASH).bind(hash).fetch_optional(conn).await)?;
        row.map(Grant::try_from).transpose()
    }

    /// Every token there ever was, the oldest first.
    pub async fn tokens(&mut self) -> Result<Vec<Grant>, StoreError> {
        let rows: Vec<TokenRow> = each!(self, conn => sqlx::query_as(LIST).fetch_all(conn).await)?;
        rows.into_iter().map(Grant::try_from).collect()
    }

    /// Takes back the token in use under that name; `false` when there is none.
    pub async fn revoke_token(&mut self, name: &str, at: Timestamp) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(REVOKE)
            .bind(millis(at))
            .bind(name)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Notes that a token was used.
    pub async fn token_used(&mut self, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(USED).bind(millis(at)).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }
}
