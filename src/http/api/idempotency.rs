//! `Idempotency-Key`: a request that is sent again, because nobody knows whether it arrived, is done once.
//!
//! The first request with a key takes its row, in a transaction of its own; whoever comes while it is being
//! answered is told to wait, whoever comes later gets the same answer. A key names one request: with another body
//! it is a mistake of the client's. What failed through our fault leaves no answer, so that it can be tried
//! again. Between the request's effect and its kept answer the daemon may die; then the key is free after five
//! minutes and the request is done again, which for most requests changes nothing.

use std::time::Duration;

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::Site;
use super::operation::Reply;
use super::problem::{Kind, Problem};
use super::store_failed;
use crate::domain::hex::hex;
use crate::domain::ids::TokenId;
use crate::store::Began;

const HEADER: &str = "idempotency-key";
const MAX_KEY: usize = 255;
/// A request that takes longer than this, from looking at its key to keeping its answer, is given up.
const DONE_WITHIN: Duration = Duration::from_secs(120);
/// So one that was begun so long ago is nobody's: the daemon that was at it has died. Well above the time that one may
/// take, since the clocks of two daemons may differ.
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// How often keeping an answer is tried.
const TRIES: usize = 3;

/// The hash of a client's key. The key itself may name a person.
pub struct Key(String);

impl Key {
    /// The key of a request, if it has one.
    pub fn of(headers: &HeaderMap) -> Result<Option<Key>, Problem> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim();
        // As the draft standard writes it, a string in quotes; and as everybody does.
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        if text.is_empty() || text.len() > MAX_KEY || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = format!("write 1 to {MAX_KEY} visible ASCII characters, best a UUID");
            return Err(Problem::invalid("Idempotency-Key", detail));
        }
        Ok(Some(Key(hash_of(&[text.as_bytes()]))))
    }
}

/// What makes two requests the same.
pub fn request_hash(method: &str, path: &str, query: &str, body: &[u8]) -> String {
    hash_of(&[method.as_bytes(), path.as_bytes(), query.as_bytes(), body])
}

fn hash_of(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex(digest.finalize())
}

/// Does a request unless it was done; says whether the answer is an earlier one.
pub async fn once<F>(
    site: &Site,
    token: TokenId,
    Key(key): &Key,
    request: &str,
    run: impl FnOnce() -> F,
) -> Result<(Reply, bool), Problem>
where
    F: Future<Output = Result<Reply, Problem>>,
{
    // Given up with its transaction: nothing of it is done, or all of it and nobody knows; its key stays taken until
    // it is lost.
    let done = timeout(DONE_WITHIN, once_in_time(site, token, key, request, run)).await;
    done.unwrap_or_else(|_| Err(Problem::unavailable()))
}

async fn once_in_time<F>(
    site: &Site,
    token: TokenId,
    key: &str,
    request: &str,
    run: impl FnOnce() -> F,
) -> Result<(Reply, bool), Problem>
where
    F: Future<Output = Result<Reply, Problem>>,
{
    let started = site.now();
    match begin(site, token, key, request, started).await? {
        Began::First => {}
        Began::UnderWay => {
            return Err(
                Problem::new(Kind::UnderWay, "the same request is being answered; ask again").after(1)
            );
        }
        Began::OtherRequest => {
            let detail = "another request was sent with this key; take a new key for each";
            return Err(Problem::new(Kind::KeyReused, detail));
        }
        Began::Answered { status, answer } => {
            let status = u16::try_from(status).unwrap_or(500);
            return Ok((Reply { status, body: answer }, true));
        }
    }
    let reply = match run().await {
        Ok(reply) => reply,
        Err(problem) => {
            let shown = problem.shown();
            if shown.status >= 500 || problem.kind() == Kind::BeingSent {
                end(site, token, key, started, None).await;
                return Err(problem);
            }
            Reply::json(shown.status, &shown)?
        }
    };
    end(site, token, key, started, Some(&reply)).await;
    Ok((reply, false))
}

async fn begin(
    site: &Site,
    token: TokenId,
    key: &str,
    request: &str,
    now: Timestamp,
) -> Result<Began, Problem> {
    let begin = async {
        let mut tx = site.engine.store().begin().await?;
        let lost_before = now.saturating_sub(LOST_AFTER).unwrap_or(now);
        let began = tx.begin_request(token, key, request, now, lost_before).await?;
        tx.commit().await?;
        Ok(began)
    };
    begin.await.map_err(|error| store_failed(&error))
}

/// Keeps the answer, or lets the request be tried again. It is done, so whoever asked is told what came of it even if
/// that fails.
async fn end(site: &Site, token: TokenId, key: &str, started: Timestamp, reply: Option<&Reply>) {
    for tried in 1..=TRIES {
        let end = async {
            let mut tx = site.engine.store().begin().await?;
            match reply {
                Some(reply) => {
                    tx.finish_request(token, key, started, i64::from(reply.status), &reply.body).await?;
                }
                None => tx.forget_request(token, key, started).await?,
            }
            tx.commit().await
        };
        match end.await {
            Ok(()) => return,
            Err(error) if tried == TRIES => {
                tracing::error!("an answer could not be kept for a request that is sent again: {error}");
            }
            Err(_) => {}
        }
    }
}
