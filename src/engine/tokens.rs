//! Tokens of the HTTP API: made, known again, taken back.
//!
//! A token is 256 bits from the system's source of randomness, so its plain hash is as good as a slow one: there is
//! nothing to guess. It begins with a fixed word, by which scanners of repositories and logs find one that leaked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Engine;
use crate::domain::access::{Grant, Scope};
use crate::domain::hex::hex;
use crate::store::{NewToken, StoreError};

/// What every token begins with.
pub const TOKEN_PREFIX: &str = "nurtured_";
const TOKEN_BYTES: usize = 32;

/// When a token was last used is noted this often at most: a row rewritten at each request would be most of what a
/// quiet day writes.
const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Why a token was not made.
#[derive(Debug, Error)]
pub enum TokenError {
    /// There is one of that name.
    #[error("a token `{0}` is in use; revoke it first, or take another name")]
    NameTaken(String),
    /// It could do nothing.
    #[error("a token without a scope can do nothing")]
    NoScope,
    /// A campaign restricts a form's key alone.
    #[error("a campaign goes with the scope forms:write alone")]
    CampaignWithoutForms,
    /// The agreement does not know the campaign.
    #[error("the agreement has no campaign `{0}`")]
    UnknownCampaign(String),
    /// It would be of no use.
    #[error("it would have expired already")]
    Expired,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a token is wanted for.
#[derive(Clone, Debug)]
pub struct TokenWish {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The one campaign that a form's key is for.
    pub campaign: Option<String>,
    /// From when on it is no longer good.
    pub expires_at: Option<Timestamp>,
}

impl Engine {
    /// Makes a token and gives it back, the only time that it can be read.
    ///
    /// # Errors
    /// When the wish makes no sense, or the store fails.
    pub async fn new_token(&self, wish: TokenWish, now: Timestamp) -> Result<String, TokenError> {
        let TokenWish { name, mut scopes, campaign, expires_at } = wish;
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(TokenError::NoScope);
        }
        if let Some(campaign) = &campaign {
            if scopes != [Scope::FormsWrite] {
                return Err(TokenError::CampaignWithoutForms);
            }
            if self.rules().agreement.campaign(campaign).is_none() {
                return Err(TokenError::UnknownCampaign(campaign.clone()));
            }
        }
        if expires_at.is_some_and(|end| end <= now) {
            return Err(TokenError::Expired);
        }
        let mut bytes = [0_u8; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| TokenError::NoRandomness(error.to_string()))?;
        let token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        let new = NewToken { name, hash: hash(&token), scopes, campaign, created_at: now, expires_at };
        let mut tx = self.store.begin().await?;
        let made = tx.insert_token(&new).await?;
        tx.commit().await?;
        made.map(|_| token).ok_or(TokenError::NameTaken(new.name))
    }

    /// What a token may do; `None` when it is not good, for whatever reason.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn grant_of(&self, token: &str, now: Timestamp) -> Result<Option<Grant>, StoreError> {
        if !token.starts_with(TOKEN_PREFIX) {
            return Ok(None);
        }
        let mut tx = self.store.read().await?;
        let grant = tx.token_by_hash(&hash(token)).await?;
        tx.rollback().await?;
        let Some(grant) = grant.filter(|grant| grant.is_good(now)) else {
            return Ok(None);
        };
        if grant.last_used_at.is_none_or(|last| now.duration_since(last) >= NOTE_USE_EVERY) {
            let mut tx = self.store.begin().await?;
            tx.token_used(grant.id, now).await?;
            tx.commit().await?;
        }
        Ok(Some(grant))
    }
}

/// By what a token is known again.
fn hash(token: &str) -> String {
    hex(Sha256::digest(token))
}
