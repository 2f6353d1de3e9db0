//! What staff has to be told, until it is told, each matter once: alone or in a digest.
//!
//! ```text
//! new ──at once──▶ told
//!  │                ▲
//!  └──▶ waiting ────┴──moot meanwhile──▶ settled
//! ```
//!
//! A matter is written in the transaction that decides it (a level fires), and leaves `new` or `waiting` in the
//! transaction that puts its mail into the outbox; so it is neither lost nor told twice. What its mail says is
//! personal, and goes with the telling.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::{instant, millis, parsed};
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::escalation;
use crate::domain::ids::{LeadId, MatterId, OutboxId, SlaClockId};
use crate::domain::mail::MailClass;

statements! {
    INSERT = "INSERT INTO matter (recipient, lead_id, clock_id, unique_key, class, template, level, body, own, urgent, \
              found_late, state, noted_at, due_at) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'new', $12, $12) \
              ON CONFLICT (unique_key) DO NOTHING RETURNING id";
    NEXT_DUE = "SELECT MIN(due_at) FROM matter WHERE state IN ('new', 'waiting')";
    // Grouped by words that no index has, so that those that are due are found by their time.
    RECIPIENTS = "SELECT recipient || '' FROM matter WHERE state IN ('new', 'waiting') AND due_at <= $1 \
                  GROUP BY recipient || '' ORDER BY MIN(due_at), recipient || '' LIMIT $2";
    UNTOLD = "SELECT id, recipient, lead_id, clock_id, unique_key, class, template, level, body, own, urgent, \
              found_late, state, noted_at, due_at FROM matter \
              WHERE recipient = $1 AND state IN ('new', 'waiting') ORDER BY due_at, id LIMIT $2";
    COUNTED = "SELECT COUNT(*) FROM matter WHERE recipient = $1 AND counted_on = $2";
    TOLD = "UPDATE matter SET state = 'told', body = NULL, counted_on = $1, outbox_id = $2 WHERE id = $3";
    FORGET = "UPDATE matter SET state = 'settled', body = NULL WHERE lead_id = $1 AND state IN ('new', 'waiting')";
}

/// What daemons on one PostgreSQL lock while they tell matters: a reader's budget is read, then used up.
const TELLING: i64 = 0x6e75_7274_6d61_7474;

/// Something that somebody has to be told about a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMatter {
    /// Who.
    pub recipient: EmailAddress,
    /// About which lead.
    pub lead: LeadId,
    /// About which promise; `None`: about none.
    pub clock: Option<SlaClockId>,
    /// What makes a second one impossible: that of the mail in which it is told alone.
    pub unique_key: String,
    /// What kind of mail that is.
    pub class: MailClass,
    /// By which template.
    pub template: String,
    /// The level that caused it.
    pub level: Option<String>,
    /// The values of that mail, as JSON.
    pub body: String,
    /// What decides when it is told.
    pub weight: escalation::Matter,
    /// When it came up.
    pub noted_at: Timestamp,
}

/// A matter that is not told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// Its row.
    pub id: MatterId,
    /// What it is.
    pub what: NewMatter,
    /// It waits for a digest; otherwise nothing is decided yet.
    pub waits: bool,
    /// When it is told, or decided upon.
    pub due_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct MatterRow {
    id: i64,
    recipient: String,
    lead_id: i64,
    clock_id: Option<i64>,
    unique_key: String,
    class: String,
    template: String,
    level: Option<String>,
    body: Option<String>,
    own: bool,
    urgent: bool,
    found_late: bool,
    state: String,
    noted_at: i64,
    due_at: i64,
}

impl TryFrom<MatterRow> for Matter {
    type Error = StoreError;

    fn try_from(row: MatterRow) -> Result<Matter, StoreError> {
        let id = row.id;
        let what = NewMatter {
            recipient: parsed("matter", id, &row.recipient)?,
            lead: LeadId(row.lead_id),
            clock: row.clock_id.map(SlaClockId),
            unique_key: row.unique_key,
            class: parsed("matter", id, &row.class)?,
            template: row.template,
            level: row.level,
            body: row.body.unwrap_or_default(),
            weight: escalation::Matter { own: row.own, urgent: row.urgent, found_late: row.found_late },
            noted_at: instant("matter", id, row.noted_at)?,
        };
        Ok(Matter {
            id: MatterId(id),
            what,
            waits: row.state == "waiting",
            due_at: instant("matter", id, row.due_at)?,
        })
    }
}

impl Tx {
    /// Notes something to be told; `false` when it was noted before.
    pub async fn insert_matter(&mut self, new: &NewMatter) -> Result<bool, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(INSERT)
            .bind(new.recipient.as_str())
            .bind(new.lead.0)
            .bind(new.clock.map(|id| id.0))
            .bind(new.unique_key.as_str())
            .bind(new.class.name())
            .bind(new.template.as_str())
            .bind(new.level.as_deref())
            .bind(new.body.as_str())
            .bind(new.weight.own)
            .bind(new.weight.urgent)
            .bind(new.weight.found_late)
            .bind(millis(new.noted_at))
            .fetch_optional(conn)
            .await)?;
        Ok(id.is_some())
    }

    /// When somebody has to be told something next.
    pub async fn next_matter_due(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT_DUE).fetch_one(conn).await)?)
    }

    /// Tells alone, until the transaction ends.
    pub async fn lock_telling(&mut self) -> Result<(), StoreError> {
        match self {
            // A writing transaction on SQLite is alone.
            Tx::Sqlite(_) => {}
            Tx::Postgres(tx) => {
                sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(TELLING).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    /// Who has to be told something by `now`, each once, whoever waits longest first.
    pub async fn recipients_due(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<EmailAddress>, StoreError> {
        let found: Vec<String> = each!(self, conn =>
            sqlx::query_scalar(RECIPIENTS).bind(millis(now)).bind(limit).fetch_all(conn).await)?;
        found.iter().map(|email| parsed("matter", 0, email)).collect()
    }

    /// Everything that somebody was not told yet, in its order, those that wait for a digest among it.
    pub async fn untold(&mut self, recipient: &EmailAddress, limit: i64) -> Result<Vec<Matter>, StoreError> {
        let rows: Vec<MatterRow> = each!(self, conn =>
            sqlx::query_as(UNTOLD).bind(recipient.as_str()).bind(limit).fetch_all(conn).await)?;
        rows.into_iter().map(Matter::try_from).collect()
    }

    /// How many of the mails that somebody gets at once were used up on a day (days since 1970-01-01).
    pub async fn matters_counted_on(
        &mut self,
        recipient: &EmailAddress,
        day: i64,
    ) -> Result<i64, StoreError> {
        Ok(each!(self, conn =>
            sqlx::query_scalar(COUNTED).bind(recipient.as_str()).bind(day).fetch_one(conn).await)?)
    }

    /// A matter was told in a mail of its own, which counts for the day that is given.
    pub async fn matter_told(
        &mut self,
        id: MatterId,
        mail: Option<OutboxId>,
        counted_on: Option<i64>,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(TOLD)
            .bind(counted_on)
            .bind(mail.map(|id| id.0))
            .bind(id.0)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Matters wait for the digest of `until`.
    pub async fn put_off_matters(&mut self, ids: &[MatterId], until: Timestamp) -> Result<(), StoreError> {
        self.set_matters("state = 'waiting', due_at = $1", millis(until), ids).await
    }

    /// Matters were told in a digest.
    pub async fn matters_told_in(&mut self, ids: &[MatterId], digest: OutboxId) -> Result<(), StoreError> {
        self.set_matters("state = 'told', body = NULL, outbox_id = $1", digest.0, ids).await
    }

    /// Matters need not be told any more; `now` they were found so.
    pub async fn matters_settled(&mut self, ids: &[MatterId], now: Timestamp) -> Result<(), StoreError> {
        self.set_matters("state = 'settled', body = NULL, due_at = $1", millis(now), ids).await
    }

    /// Nobody is told anything more about a lead: it is erased. What was to be said of it goes.
    pub async fn forget_matters_of(&mut self, lead: LeadId) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(FORGET).bind(lead.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    async fn set_matters(&mut self, set: &str, value: i64, ids: &[MatterId]) -> Result<(), StoreError> {
        for ids in ids.chunks(bulk::MAX_LIST) {
            let ids = bulk::padded(ids);
            let sql = self.in_dialect(format!(
                "UPDATE matter SET {set} WHERE state IN ('new', 'waiting') AND id IN ({})",
                bulk::list(2, ids.len())
            ));
            each!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql)).bind(value);
                for id in ids {
                    query = query.bind(id.0);
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }
}
