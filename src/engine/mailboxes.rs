//! Mailboxes are read, and each mail in them is taken in ([`Engine::ingest`]).
//!
//! Not a pass: a server that takes a minute to answer must not hold up a mail. Each mailbox has a task of its own, which
//! looks at it as often as the configuration says, and whenever the server tells of something new.
//!
//! **The guarantee**: each mail is taken in at least once, and counts once, because it is known by its content. What has
//! been read is noted after it was taken in; whatever dies between the two reads some mails again. A mail that cannot be
//! understood is kept for a person and the next one is read; only a store that fails stops the reading. A mailbox that
//! cannot be read is tried again and again, mail to leads waits meanwhile ([`crate::domain::reading`]), and the operator
//! is told.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::ingest::Ingested;
use super::pass::PassError;
use super::{Engine, staff_mail};
use crate::domain::backoff;
use crate::domain::reading::{MOST_HELD, TELL_AFTER};
use crate::mail::mailbox::{Item, Mailbox, Mark, News, Reader, Trouble};
use crate::store::StoreError;

/// Longer than the mails between two notes take, mostly; a mailbox that two daemons read at once suffers no harm.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// So many mails are taken in before what has been read is noted.
const NOTE_EVERY: usize = 32;
/// Mails of a round: then others who write to the store have had their turn, and the daemon may stop.
const ROUND: usize = 512;
/// How often is tried what another daemon got in the way of.
const TRIES: usize = 3;
/// A mailbox is tried at least this often, so that mail to leads does not wait for a try.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// A mailbox and how far it has been read.
pub struct Post {
    mailbox: Mailbox,
    reader: Reader,
    mark: Option<Mark>,
    lease: i64,
    /// What was last said of it, so that one trouble is told once.
    said: Option<String>,
}

/// How one look at a mailbox ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Everything in it has been read; so many mails were new.
    All(u64),
    /// There is more.
    Some(u64),
    /// Another daemon reads it.
    ElsewhereNow,
    /// It could not be read; it has failed so often in a row.
    Failed(i64),
}

/// What came of a round at a mailbox.
enum Round {
    Done { mails: u64, more: bool },
    Trouble(Trouble),
}

impl Post {
    /// Nothing is read yet.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new(mailbox: Mailbox) -> Result<Post, PassError> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|error| PassError::Panic(error.to_string()))?;
        let reader = mailbox.reader();
        Ok(Post { mailbox, reader, mark: None, lease: i64::from_be_bytes(random), said: None })
    }

    /// Says goodbye to the server.
    pub async fn close(self) {
        self.reader.close().await;
    }
}

impl Engine {
    /// From now on these mailboxes are read, and no others.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_mailboxes(&self, mailboxes: &[Mailbox], now: Timestamp) -> Result<(), StoreError> {
        let places: Vec<String> = mailboxes.iter().map(Mailbox::place).collect();
        let wanted: Vec<(&str, &str)> = mailboxes
            .iter()
            .zip(&places)
            .map(|(mailbox, place)| (mailbox.name.as_str(), place.as_str()))
            .collect();
        let mut tries = 1;
        loop {
            match self.try_to_set_mailboxes(&wanted, now).await {
                Err(error) if error.lost_a_race() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn try_to_set_mailboxes(&self, wanted: &[(&str, &str)], now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        tx.set_mailboxes(wanted, now, self.store.is_exclusive()).await?;
        tx.commit().await
    }

    /// Reads a mailbox until nothing in it is new.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_mailbox(&self, post: &mut Post) -> Result<Read, PassError> {
        let mut read = 0;
        loop {
            match self.read_some(post).await? {
                Read::Some(mails) if self.is_stopping() => return Ok(Read::Some(read + mails)),
                Read::Some(mails) => read += mails,
                Read::All(mails) => return Ok(Read::All(read + mails)),
                other => return Ok(other),
            }
        }
    }

    /// One round at a mailbox.
    async fn read_some(&self, post: &mut Post) -> Result<Read, PassError> {
        if !self.claim(post).await? {
            return Ok(Read::ElsewhereNow);
        }
        let result = self.round(post).await;
        let mut tx = self.store.begin().await?;
        tx.let_mailbox_go(&post.mailbox.name, post.lease).await?;
        tx.commit().await?;
        match result {
            Ok(Round::Done { mails, more: true }) => Ok(Read::Some(mails)),
            Ok(Round::Done { mails, more: false }) => {
                self.is_read(post).await?;
                Ok(Read::All(mails))
            }
            Ok(Round::Trouble(trouble)) => self.failed(post, &trouble).await,
            Err(error) => {
                // What was noted in memory may not be in the store.
                post.mark = None;
                Err(error)
            }
        }
    }

    async fn claim(&self, post: &Post) -> Result<bool, PassError> {
        let now = self.clock.now();
        let until = now.checked_add(LEASE).unwrap_or(now);
        let mut tx = self.store.begin().await?;
        let mine = tx.claim_mailbox(&post.mailbox.name, post.lease, now, until).await?;
        tx.commit().await?;
        Ok(mine)
    }

    async fn round(&self, post: &mut Post) -> Result<Round, PassError> {
        let mark = match post.mark.take() {
            Some(mark) => mark,
            None => self.mark(&post.mailbox.name).await?,
        };
        let mark = post.mark.insert(mark);
        let News { mut items, gone, uid_validity } = match self.unless_stopped(post.reader.look(mark)).await {
            Some(Ok(news)) => news,
            Some(Err(trouble)) => return Ok(Round::Trouble(trouble)),
            None => return Ok(Round::Done { mails: 0, more: true }),
        };
        if uid_validity.is_some() && uid_validity != mark.uid_validity {
            mark.last_uid = 0;
        }
        mark.uid_validity = uid_validity;
        if !gone.is_empty() {
            let mut tx = self.store.begin().await?;
            tx.forget_mailbox_files(&post.mailbox.name, &gone).await?;
            tx.commit().await?;
            mark.files.retain(|name| !gone.contains(name));
        }
        let more = items.len() > ROUND;
        items.truncate(ROUND);
        let mut mails = 0;
        for some in items.chunks(NOTE_EVERY) {
            let mut read = Vec::with_capacity(some.len());
            let result = self.take_in_some(post, some, &mut read).await;
            mails += read.len() as u64;
            self.note_read(post, &read).await?;
            match result {
                Ok(Some(trouble)) => return Ok(Round::Trouble(trouble)),
                Ok(None) => {}
                Err(error) => return Err(error),
            }
            if self.is_stopping() {
                return Ok(Round::Done { mails, more: true });
            }
            // The lease is made longer; who lost it has been slower than anybody should be, and reads on harmlessly.
            self.claim(post).await?;
        }
        Ok(Round::Done { mails, more })
    }

    /// Takes in mails one after the other; `read` is those that need not be read again.
    async fn take_in_some(
        &self,
        post: &mut Post,
        items: &[Item],
        read: &mut Vec<Item>,
    ) -> Result<Option<Trouble>, PassError> {
        for item in items {
            match self.unless_stopped(post.reader.fetch(item)).await {
                None => break,
                Some(Err(trouble)) => return Ok(Some(trouble)),
                // A number on a server never comes again; a file may only have got another name.
                Some(Ok(None)) if matches!(item, Item::Uid(_)) => read.push(item.clone()),
                Some(Ok(None)) => {}
                Some(Ok(Some(fetched))) => {
                    if fetched.is_cut {
                        tracing::warn!(
                            "mailbox {}: a mail is too long, and only its beginning is read",
                            post.mailbox.name
                        );
                    }
                    self.take_in_raw(&post.mailbox.name, &fetched.raw).await?;
                    read.push(item.clone());
                    if let Some(Err(trouble)) = self.unless_stopped(post.reader.settle(item)).await {
                        complain(post, &trouble);
                    }
                }
            }
            if self.is_stopping() {
                break;
            }
        }
        Ok(None)
    }

    /// Does something that waits for a server or a disk; nothing, as soon as the daemon is to stop. No transaction of
    /// ours is broken off so.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.stopping.cancelled() => None,
        }
    }

    /// Takes in one mail. Whatever is wrong with it, it is kept at least.
    async fn take_in_raw(&self, mailbox: &str, raw: &[u8]) -> Result<(), PassError> {
        let now = self.clock.now();
        let taken = AssertUnwindSafe(self.ingest(raw, &[], now)).catch_unwind().await;
        let why = match taken {
            Ok(Ok(Ingested::Kept(why))) => {
                tracing::info!(
                    "mailbox {mailbox}: a mail is kept for a person (nurtured ingest --kept): {why}"
                );
                return Ok(());
            }
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) if stops(&error) => return Err(error),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "a defect, please report it".to_owned(),
        };
        tracing::error!(
            "mailbox {mailbox}: a mail could not be taken in and is kept (nurtured ingest --kept): {why}"
        );
        self.keep(raw, "it could not be taken in, the log says why", now).await.map(drop)
    }

    async fn mark(&self, mailbox: &str) -> Result<Mark, PassError> {
        let mut tx = self.store.read().await?;
        let state = tx.mailbox_state(mailbox).await?;
        let files = tx.mailbox_files(mailbox).await?;
        tx.rollback().await?;
        let (uid_validity, last_uid) = state.map_or((None, 0), |state| (state.uid_validity, state.last_uid));
        Ok(Mark { files: files.into_iter().collect(), uid_validity, last_uid })
    }

    /// Notes what need not be read again.
    async fn note_read(&self, post: &mut Post, read: &[Item]) -> Result<(), PassError> {
        let Some(mark) = post.mark.as_mut() else { return Ok(()) };
        let mut files = Vec::new();
        for item in read {
            match item {
                Item::File { name, .. } => files.push(name.clone()),
                Item::Uid(uid) => mark.last_uid = mark.last_uid.max(i64::from(*uid)),
            }
        }
        if read.is_empty() {
            return Ok(());
        }
        let name = post.mailbox.name.as_str();
        let mut tx = self.store.begin().await?;
        tx.add_mailbox_files(name, &files).await?;
        if let Some(uid_validity) = mark.uid_validity {
            tx.mailbox_is_read_up_to(name, uid_validity, mark.last_uid).await?;
        }
        tx.commit().await?;
        mark.files.extend(files);
        Ok(())
    }

    async fn is_read(&self, post: &mut Post) -> Result<(), PassError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let was_failing =
            tx.mailbox_state(&post.mailbox.name).await?.is_some_and(|state| state.failing_since.is_some());
        tx.mailbox_is_read(&post.mailbox.name, now).await?;
        tx.commit().await?;
        if was_failing {
            tracing::info!("mailbox {} is read again", post.mailbox.name);
            post.said = None;
        }
        Ok(())
    }

    async fn failed(&self, post: &mut Post, trouble: &Trouble) -> Result<Read, PassError> {
        let name = post.mailbox.name.clone();
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let Some(since) = tx.mailbox_failed(&name, &trouble.0, now).await? else {
            tx.rollback().await?;
            return Ok(Read::Failed(1));
        };
        let failures = tx.mailbox_state(&name).await?.map_or(1, |state| state.failures);
        let wake = self.wake_at(now);
        let failing = now.duration_since(since);
        if failing >= TELL_AFTER {
            let words = format!(
                "The mailbox {name} could not be read for an hour: {trouble}. Until it can, nobody sees what leads \
                 answer, so their next mails wait, for four hours at most. It is tried again every few minutes; \
                 `nurtured status` shows how it goes."
            );
            staff_mail::operator(self, &mut tx, &wake, &words, &format!("mailbox:{name}:{since}")).await?;
        }
        if failing >= MOST_HELD {
            let words = format!(
                "The mailbox {name} could not be read for four hours: {trouble}. Mail to leads goes on now, also to \
                 those who may have answered, complained or left. Mend it soon."
            );
            let key = format!("mailbox:{name}:{since}:goes_on");
            staff_mail::operator(self, &mut tx, &wake, &words, &key).await?;
        }
        tx.commit().await?;
        complain(post, trouble);
        Ok(Read::Failed(failures))
    }
}

/// Whether no other mail could be taken in either.
fn stops(error: &PassError) -> bool {
    matches!(error, PassError::Store(error) if !matches!(error, StoreError::Inconsistent { .. }))
}

/// Tells a trouble of a mailbox once.
fn complain(post: &mut Post, trouble: &Trouble) {
    if post.said.as_ref() == Some(&trouble.0) {
        tracing::debug!("mailbox {}: still: {trouble}", post.mailbox.name);
    } else {
        tracing::warn!("mailbox {}: {trouble}; it is tried again", post.mailbox.name);
        post.said = Some(trouble.0.clone());
    }
}

/// How long to wait after so many failures in a row.
fn rest(failures: i64) -> Duration {
    backoff::delay(failures).min(LONGEST_WAIT).unsigned_abs()
}

/// Reads the mailboxes until `stopping`.
pub async fn run(engine: Arc<Engine>, posts: Vec<Post>, stopping: CancellationToken) {
    let mut tasks = tokio::task::JoinSet::new();
    for post in posts {
        tasks.spawn(run_one(Arc::clone(&engine), post, stopping.clone()));
    }
    while tasks.join_next().await.is_some() {}
}

async fn run_one(engine: Arc<Engine>, mut post: Post, stopping: CancellationToken) {
    let mut store_failures = 0;
    while !stopping.is_cancelled() {
        let wait = match engine.read_mailbox(&mut post).await {
            Ok(Read::All(_) | Read::Some(_) | Read::ElsewhereNow) => {
                store_failures = 0;
                None
            }
            Ok(Read::Failed(failures)) => Some(rest(failures)),
            Err(error) => {
                store_failures += 1;
                if store_failures == 1 {
                    tracing::error!("mailbox {}: {error}; it is tried again", post.mailbox.name);
                }
                Some(rest(store_failures))
            }
        };
        let poll = post.mailbox.poll;
        tokio::select! {
            () = stopping.cancelled() => break,
            () = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    // A connection that is lost while nothing is said is made anew by the next look, which tells what is
                    // wrong if it cannot; but not at once, since there are servers that lose each.
                    None => {
                        if post.reader.wait(poll).await.is_err() {
                            tokio::time::sleep(rest(1).min(poll)).await;
                        }
                    }
                }
            } => {}
        }
    }
    post.close().await;
}
