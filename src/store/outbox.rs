//! The outbox: every mail before, while and after it is sent.
//!
//! # The guarantee
//! Mail to a lead is sent at most once; mail to staff is sent at least once, and twice only under the same
//! Message-ID. The states hold it:
//!
//! ```text
//! pending ──claim──▶ sending ──accepted──▶ sent
//!    ▲                  ├──not now────────▶ pending (later)
//!    │                  ├──refused────────▶ parked, or dropped
//!    └──staff mail──────┴──nobody knows───▶ in_doubt (lead mail)
//! ```
//!
//! `sending` is durable before the first byte leaves, so after a crash at most what was `sending` is in
//! doubt. Every mark names the lease it was sent under: who lost the lease cannot overwrite what the
//! finder of the lost mail decided, except to say that it did leave after all.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::{instant, instant_opt, millis, parsed};
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{EnrolmentId, LeadId, OutboxId};
use crate::domain::mail::{Audience, MailClass, MailState};

macro_rules! columns {
    () => {
        "id, audience, class, state, due_at, lead_id, recipient, requested, playbook, enrolment_id, sequence, step, \
         level, subject, attempts, held_why, last_error, planned_at, ended_at"
    };
}

/// Leases that several daemons hold are measured by the database's clock; `now` is bound and not asked.
macro_rules! lost_lease_shared {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM outbox WHERE state = 'sending' \
             AND lease_until <= CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + 0 * $1 \
             ORDER BY lease_until, id LIMIT $2"
        )
    };
}
const LOST_LEASE_SHARED: &str = lost_lease_shared!();

statements! {
    LEAD_MAIL_DUE = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE audience = 'lead' AND state = 'pending' AND due_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM brake WHERE one = 1) ORDER BY due_at, id LIMIT $2"
    );
    REQUESTED_DUE = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE audience = 'lead' AND state = 'pending' AND requested \
         AND due_at <= $1 AND NOT EXISTS (SELECT 1 FROM brake WHERE one = 1) ORDER BY due_at, id LIMIT $2"
    );
    NEXT_REQUESTED = "SELECT MIN(due_at) FROM outbox WHERE audience = 'lead' AND state = 'pending' AND requested";
    STAFF_DUE = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE audience = 'staff' AND state = 'pending' AND due_at <= $1 \
         ORDER BY due_at, id LIMIT $2"
    );
    SET_MESSAGE = "UPDATE outbox SET message = $1 WHERE id = $2 AND state = 'pending'";
    MESSAGE = "SELECT message FROM outbox WHERE id = $1";
    BY_ID = concat!("SELECT ", columns!(), " FROM outbox WHERE id = $1");
    BY_KEY = "SELECT id FROM outbox WHERE unique_key = $1";
    WITH_KEY = concat!("SELECT ", columns!(), " FROM outbox WHERE unique_key = $1");
    OF_LEAD = concat!("SELECT ", columns!(), " FROM outbox WHERE lead_id = $1 ORDER BY id");
    ANY_SENDING = "SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE state = 'sending' LIMIT 1) AS sending";
    NEXT_DUE = "SELECT MIN(due_at) FROM outbox WHERE audience = $1 AND state = 'pending'";
    LOST_LEASE = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE state = 'sending' AND lease_until <= $1 \
         ORDER BY lease_until, id LIMIT $2"
    );
    READDRESS = "UPDATE outbox SET recipient = $1 WHERE lead_id = $2 AND audience = 'lead' AND state = 'pending'";
    HOLD = "UPDATE outbox SET due_at = $1, held_why = $2 WHERE id = $3 AND state = 'pending'";
    SET_STATE = "UPDATE outbox SET state = $1, last_error = $2, ended_at = $3 WHERE id = $4 AND state = $5";
    AGAIN = "UPDATE outbox SET state = 'pending', due_at = $1, last_error = $2, ended_at = NULL, lease_token = NULL, \
             lease_until = NULL WHERE id = $3 AND state = $4";
    MARK_LATER = "UPDATE outbox SET state = 'pending', due_at = $1, last_error = $2, lease_token = NULL, \
                  lease_until = NULL WHERE id = $3 AND lease_token = $4 AND state = 'sending'";
    GIVE_BACK = "UPDATE outbox SET state = 'pending', due_at = $1, last_error = $2, attempts = attempts - 1, \
                 lease_token = NULL, lease_until = NULL WHERE id = $3 AND lease_token = $4 AND state = 'sending'";
    MARK_ENDED = "UPDATE outbox SET state = $1, last_error = $2, ended_at = $3 \
                  WHERE id = $4 AND lease_token = $5 AND state = 'sending'";
}

/// A mail to be sent, or a step that never will be (`skipped`), kept so that it cannot be planned again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// To a lead or to staff.
    pub audience: Audience,
    /// What kind of mail.
    pub class: MailClass,
    /// `pending` or `skipped`.
    pub state: MailState,
    /// Not before.
    pub due_at: Timestamp,
    /// The lead it goes to or is about.
    pub lead: Option<LeadId>,
    /// The address.
    pub recipient: EmailAddress,
    /// What makes a second one impossible.
    pub unique_key: String,
    /// The lead asked for it.
    pub requested: bool,
    /// The version of the playbook it was planned under, and is rendered from.
    pub playbook: String,
    /// The enrolment, for a step.
    pub enrolment: Option<EnrolmentId>,
    /// The sequence, for a step.
    pub sequence: Option<String>,
    /// The step.
    pub step: Option<String>,
    /// The escalation level that caused it.
    pub level: Option<String>,
    /// Known already for staff mail; lead mail gets it when it is rendered.
    pub subject: Option<String>,
    /// The rendered message of a staff mail.
    pub message: Option<Vec<u8>>,
    /// When it was planned.
    pub planned_at: Timestamp,
}

/// A mail in the outbox, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMail {
    /// Its row.
    pub id: OutboxId,
    /// To a lead or to staff.
    pub audience: Audience,
    /// What kind of mail.
    pub class: MailClass,
    /// How far it has come.
    pub state: MailState,
    /// Not before.
    pub due_at: Timestamp,
    /// The lead it goes to or is about.
    pub lead: Option<LeadId>,
    /// The address.
    pub recipient: EmailAddress,
    /// The lead asked for it.
    pub requested: bool,
    /// The playbook it is rendered from.
    pub playbook: String,
    /// The enrolment, for a step.
    pub enrolment: Option<EnrolmentId>,
    /// The sequence, for a step.
    pub sequence: Option<String>,
    /// The step.
    pub step: Option<String>,
    /// The escalation level that caused it.
    pub level: Option<String>,
    /// Once rendered.
    pub subject: Option<String>,
    /// How often it was claimed.
    pub attempts: i64,
    /// Why it waits.
    pub held_why: Option<String>,
    /// What the server or the renderer last said.
    pub last_error: Option<String>,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When it was sent, dropped, parked, or fell into doubt.
    pub ended_at: Option<Timestamp>,
}

/// The lease under which a batch of mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names the claim; never used twice.
    pub token: i64,
    /// How long nobody else may take the mails for lost, in milliseconds.
    pub length_ms: i64,
}

/// A mail that left, as it is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMail {
    /// Which.
    pub id: OutboxId,
    /// Under which subject.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct OutboxRow {
    id: i64,
    audience: String,
    class: String,
    state: String,
    due_at: i64,
    lead_id: Option<i64>,
    recipient: String,
    requested: bool,
    playbook: String,
    enrolment_id: Option<i64>,
    sequence: Option<String>,
    step: Option<String>,
    level: Option<String>,
    subject: Option<String>,
    attempts: i64,
    held_why: Option<String>,
    last_error: Option<String>,
    planned_at: i64,
    ended_at: Option<i64>,
}

impl TryFrom<OutboxRow> for OutboxMail {
    type Error = StoreError;

    fn try_from(row: OutboxRow) -> Result<OutboxMail, StoreError> {
        let id = row.id;
        Ok(OutboxMail {
            id: OutboxId(id),
            audience: parsed("outbox", id, &row.audience)?,
            class: parsed("outbox", id, &row.class)?,
            state: parsed("outbox", id, &row.state)?,
            due_at: instant("outbox", id, row.due_at)?,
            lead: row.lead_id.map(LeadId),
            recipient: parsed("outbox", id, &row.recipient)?,
            requested: row.requested,
            playbook: row.playbook,
            enrolment: row.enrolment_id.map(EnrolmentId),
            sequence: row.sequence,
            step: row.step,
            level: row.level,
            subject: row.subject,
            attempts: row.attempts,
            held_why: row.held_why,
            last_error: row.last_error,
            planned_at: instant("outbox", id, row.planned_at)?,
            ended_at: instant_opt("outbox", id, row.ended_at)?,
        })
    }
}

fn domain(rows: Vec<OutboxRow>) -> Result<Vec<OutboxMail>, StoreError> {
    rows.into_iter().map(OutboxMail::try_from).collect()
}

impl Tx {
    /// Puts mails into the outbox. Those whose unique key, or whose enrolment and step, exist are left out.
    pub async fn insert_mails(&mut self, mails: &[NewMail]) -> Result<u64, StoreError> {
        const COLUMNS: usize = 18;
        let mut inserted = 0;
        for mails in bulk::pieces(mails, COLUMNS) {
            let sql = self.in_dialect(format!(
                "INSERT INTO outbox (audience, class, state, due_at, lead_id, recipient, unique_key, requested, \
                 playbook, enrolment_id, sequence, step, level, subject, message, attempts, planned_at, ended_at) \
                 VALUES {} ON CONFLICT DO NOTHING",
                bulk::values(mails.len(), COLUMNS)
            ));
            inserted += each!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for mail in mails {
                    let ended_at = (mail.state != MailState::Pending).then(|| millis(mail.planned_at));
                    query = query
                        .bind(mail.audience.name())
                        .bind(mail.class.name())
                        .bind(mail.state.name())
                        .bind(millis(mail.due_at))
                        .bind(mail.lead.map(|id| id.0))
                        .bind(mail.recipient.as_str())
                        .bind(mail.unique_key.as_str())
                        .bind(mail.requested)
                        .bind(mail.playbook.as_str())
                        .bind(mail.enrolment.map(|id| id.0))
                        .bind(mail.sequence.as_deref())
                        .bind(mail.step.as_deref())
                        .bind(mail.level.as_deref())
                        .bind(mail.subject.as_deref())
                        .bind(mail.message.as_deref())
                        .bind(0_i64)
                        .bind(millis(mail.planned_at))
                        .bind(ended_at);
                }
                query.execute(conn).await.map(|done| done.rows_affected())
            })?;
        }
        Ok(inserted)
    }

    /// Puts one mail into the outbox; `None` when its unique key exists.
    pub async fn insert_mail(&mut self, mail: &NewMail) -> Result<Option<OutboxId>, StoreError> {
        if self.insert_mails(std::slice::from_ref(mail)).await? == 0 {
            return Ok(None);
        }
        let id: i64 = each!(self, conn =>
            sqlx::query_scalar(BY_KEY).bind(mail.unique_key.as_str()).fetch_one(conn).await)?;
        Ok(Some(OutboxId(id)))
    }

    /// The mail that was planned under a unique key, whatever became of it.
    pub async fn mail_with_key(&mut self, key: &str) -> Result<Option<OutboxMail>, StoreError> {
        let row: Option<OutboxRow> =
            each!(self, conn => sqlx::query_as(WITH_KEY).bind(key).fetch_optional(conn).await)?;
        row.map(OutboxMail::try_from).transpose()
    }

    /// Gives a pending staff mail its bytes. Its Message-ID comes from its row, so they are written after it.
    pub async fn set_mail_message(&mut self, id: OutboxId, message: &[u8]) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(SET_MESSAGE).bind(message).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Mails to leads to send by `now`, the longest due first; none while the brake is on. Nobody is kept from
    /// claiming them: on PostgreSQL they are asked for again, with [`Tx::still_due`], once their leads are locked.
    pub async fn lead_mail_due(&mut self, now: Timestamp, limit: i64) -> Result<Vec<OutboxMail>, StoreError> {
        domain(each!(self, conn =>
            sqlx::query_as(LEAD_MAIL_DUE).bind(millis(now)).bind(limit).fetch_all(conn).await)?)
    }

    /// Those of [`Tx::lead_mail_due`] that the leads asked for.
    pub async fn requested_mail_due(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<OutboxMail>, StoreError> {
        domain(each!(self, conn =>
            sqlx::query_as(REQUESTED_DUE).bind(millis(now)).bind(limit).fetch_all(conn).await)?)
    }

    /// When the next mail to a lead is due that asked for it.
    pub async fn next_requested_mail_due(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT_REQUESTED).fetch_one(conn).await)?)
    }

    /// Those of these mails that are still to be sent by `now`. They are found by their rows: by their leads
    /// SQLite would go through everything that is due, once for each batch.
    pub async fn still_due(
        &mut self,
        mails: &[OutboxId],
        now: Timestamp,
    ) -> Result<Vec<OutboxMail>, StoreError> {
        let ids: Vec<i64> = mails.iter().map(|id| id.0).collect();
        let rows = self
            .select_by_ids_and(
                millis(now),
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM outbox WHERE state = 'pending' AND due_at <= $1 AND id IN"
                ),
                &ids,
                "ORDER BY due_at, id",
            )
            .await?;
        domain(rows)
    }

    /// Staff mails to send by `now`, the longest due first; on PostgreSQL locked, without those that another
    /// daemon has locked.
    pub async fn lock_staff_mail_due(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<OutboxMail>, StoreError> {
        const STAFF_DUE_LOCKED: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM outbox WHERE audience = 'staff' AND state = 'pending' AND due_at <= $1 \
             ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED"
        );
        let sql = if self.locks_rows() { STAFF_DUE_LOCKED } else { STAFF_DUE };
        domain(each!(self, conn => sqlx::query_as(sql).bind(millis(now)).bind(limit).fetch_all(conn).await)?)
    }

    /// Marks mails `sending` under a lease: the point of no return, once the transaction is committed.
    pub async fn mark_sending(
        &mut self,
        ids: &[OutboxId],
        lease: Lease,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Several daemons share a PostgreSQL, so its clock says when a lease ends. On SQLite there is one.
        let (until, bound) = if self.locks_rows() {
            ("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + $2", lease.length_ms)
        } else {
            ("$2", millis(now).saturating_add(lease.length_ms))
        };
        for ids in ids.chunks(bulk::MAX_LIST) {
            let ids = bulk::padded(ids);
            let sql = self.in_dialect(format!(
                "UPDATE outbox SET state = 'sending', attempts = attempts + 1, held_why = NULL, lease_token = $1, \
                 lease_until = {until} WHERE state = 'pending' AND id IN ({})",
                bulk::list(3, ids.len())
            ));
            each!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql)).bind(lease.token).bind(bound);
                for id in ids {
                    query = query.bind(id.0);
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// The bytes of a staff mail.
    pub async fn mail_message(&mut self, id: OutboxId) -> Result<Option<Vec<u8>>, StoreError> {
        let message: Option<Option<Vec<u8>>> =
            each!(self, conn => sqlx::query_scalar(MESSAGE).bind(id.0).fetch_optional(conn).await)?;
        Ok(message.flatten())
    }

    /// Marks mails sent under `token`, and returns those of which it was true: not of one that somebody
    /// else settled meanwhile. A mail that was taken for lost, and left after all, counts as sent.
    pub async fn mark_sent(&mut self, token: i64, sent: &[SentMail]) -> Result<Vec<OutboxId>, StoreError> {
        let mut marked = Vec::with_capacity(sent.len());
        for sent in bulk::pieces(sent, 3) {
            let sql = self.in_dialect(format!(
                "UPDATE outbox SET state = 'sent', subject = v.column2, ended_at = v.column3, last_error = NULL \
                 FROM (VALUES {}) AS v WHERE outbox.id = v.column1 AND outbox.lease_token = ${} \
                 AND outbox.state IN ('sending', 'in_doubt') RETURNING outbox.id",
                bulk::values(sent.len(), 3),
                sent.len() * 3 + 1
            ));
            let ids: Vec<i64> = each!(self, conn => {
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                for mail in sent {
                    query = query.bind(mail.id.0).bind(mail.subject.as_str()).bind(millis(mail.at));
                }
                query.bind(token).fetch_all(conn).await
            })?;
            marked.extend(ids.into_iter().map(OutboxId));
        }
        Ok(marked)
    }

    /// A mail that did not leave is tried again at `due_at`. `false` when the lease was lost.
    pub async fn mark_later(
        &mut self,
        token: i64,
        id: OutboxId,
        due_at: Timestamp,
        error: &str,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(MARK_LATER)
            .bind(millis(due_at))
            .bind(error)
            .bind(id.0)
            .bind(token)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// A mail that was claimed, and of which nothing was learnt, may leave from `due_at` on; the try does not
    /// count. `false` when the lease was lost.
    pub async fn give_back_mail(
        &mut self,
        token: i64,
        id: OutboxId,
        due_at: Timestamp,
        why: &str,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(GIVE_BACK)
            .bind(millis(due_at))
            .bind(why)
            .bind(id.0)
            .bind(token)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// A mail under `token` has ended as `parked`, `dropped` or `in_doubt`. `false` when the lease was lost.
    pub async fn mark_ended(
        &mut self,
        token: i64,
        id: OutboxId,
        state: MailState,
        error: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(MARK_ENDED)
            .bind(state.name())
            .bind(error)
            .bind(millis(at))
            .bind(id.0)
            .bind(token)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Mails that were being sent when their sender vanished. When the caller is the only daemon there can be,
    /// and has just started, that is all that are `sending`.
    pub async fn lost_mails(
        &mut self,
        now: Timestamp,
        all: bool,
        limit: i64,
    ) -> Result<Vec<OutboxMail>, StoreError> {
        let sql = if self.locks_rows() { LOST_LEASE_SHARED } else { LOST_LEASE };
        self.select_lost_mails(sql, now, all, limit).await
    }

    /// The same, locked, without those that another daemon has locked. The caller has locked their leads.
    pub async fn lock_lost_mails(
        &mut self,
        now: Timestamp,
        all: bool,
        limit: i64,
    ) -> Result<Vec<OutboxMail>, StoreError> {
        const LOST_LEASE_LOCKED: &str = concat!(lost_lease_shared!(), " FOR UPDATE SKIP LOCKED");
        let sql = if self.locks_rows() { LOST_LEASE_LOCKED } else { LOST_LEASE };
        self.select_lost_mails(sql, now, all, limit).await
    }

    async fn select_lost_mails(
        &mut self,
        sql: &'static str,
        now: Timestamp,
        all: bool,
        limit: i64,
    ) -> Result<Vec<OutboxMail>, StoreError> {
        let until = if all && !self.locks_rows() { i64::MAX } else { millis(now) };
        domain(each!(self, conn => sqlx::query_as(sql).bind(until).bind(limit).fetch_all(conn).await)?)
    }

    /// A pending mail has to wait.
    pub async fn hold_mail(&mut self, id: OutboxId, until: Timestamp, why: &str) -> Result<(), StoreError> {
        each!(self, conn =>
            sqlx::query(HOLD).bind(millis(until)).bind(why).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Mail to a lead that waits goes to another address.
    pub async fn readdress_waiting_mail(
        &mut self,
        lead: LeadId,
        to: &EmailAddress,
    ) -> Result<(), StoreError> {
        each!(self, conn =>
            sqlx::query(READDRESS).bind(to.as_str()).bind(lead.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// A mail goes from one state to another that ends it. `false` when it was not in the first.
    pub async fn settle_mail(
        &mut self,
        id: OutboxId,
        from: MailState,
        to: MailState,
        why: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(SET_STATE)
            .bind(to.name())
            .bind(why)
            .bind(millis(at))
            .bind(id.0)
            .bind(from.name())
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// A mail goes back to `pending`. `false` when it was not in the state named.
    pub async fn send_mail_again(
        &mut self,
        id: OutboxId,
        from: MailState,
        due_at: Timestamp,
        why: &str,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(AGAIN)
            .bind(millis(due_at))
            .bind(why)
            .bind(id.0)
            .bind(from.name())
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// The mails of these enrolments that were sent, in their order.
    pub async fn sent_in(
        &mut self,
        enrolments: &[EnrolmentId],
    ) -> Result<Vec<(EnrolmentId, OutboxId)>, StoreError> {
        let ids: Vec<i64> = enrolments.iter().map(|id| id.0).collect();
        let rows: Vec<(i64, i64)> = self
            .select_by_ids(
                "SELECT enrolment_id, id FROM outbox WHERE state = 'sent' AND enrolment_id IN",
                &ids,
                "ORDER BY id",
            )
            .await?;
        Ok(rows.into_iter().map(|(enrolment, mail)| (EnrolmentId(enrolment), OutboxId(mail))).collect())
    }

    /// One mail.
    pub async fn outbox_mail(&mut self, id: OutboxId) -> Result<Option<OutboxMail>, StoreError> {
        let row: Option<OutboxRow> =
            each!(self, conn => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(conn).await)?;
        row.map(OutboxMail::try_from).transpose()
    }

    /// Every mail to or about a lead, in order.
    pub async fn mails_of(&mut self, lead: LeadId) -> Result<Vec<OutboxMail>, StoreError> {
        domain(each!(self, conn => sqlx::query_as(OF_LEAD).bind(lead.0).fetch_all(conn).await)?)
    }

    /// Mails in a state, in order.
    pub async fn mails_in(&mut self, state: MailState, limit: i64) -> Result<Vec<OutboxMail>, StoreError> {
        // Word for word: SQLite uses a partial index where the condition it was made with stands in the text.
        let indexed = match state {
            MailState::InDoubt | MailState::Parked => "state IN ('in_doubt', 'parked') AND ",
            _ => "",
        };
        let sql = format!(
            concat!("SELECT ", columns!(), " FROM outbox WHERE {}state = '{}' ORDER BY id LIMIT $1"),
            indexed,
            state.name()
        );
        domain(each!(self, conn => sqlx::query_as(AssertSqlSafe(sql)).bind(limit).fetch_all(conn).await)?)
    }

    /// Whether any mail is being sent, or was when its sender vanished.
    pub async fn any_mail_sending(&mut self) -> Result<bool, StoreError> {
        let any: i64 = each!(self, conn => sqlx::query_scalar(ANY_SENDING).fetch_one(conn).await)?;
        Ok(any > 0)
    }

    /// The steps that these enrolments have had, whatever became of them.
    pub async fn steps_had(
        &mut self,
        enrolments: &[EnrolmentId],
    ) -> Result<Vec<(EnrolmentId, String)>, StoreError> {
        let ids: Vec<i64> = enrolments.iter().map(|id| id.0).collect();
        let rows: Vec<(i64, String)> = self
            .select_by_ids(
                "SELECT enrolment_id, step FROM outbox WHERE step IS NOT NULL AND enrolment_id IN",
                &ids,
                "ORDER BY id",
            )
            .await?;
        Ok(rows.into_iter().map(|(id, step)| (EnrolmentId(id), step)).collect())
    }

    /// When the next mail to leads, or to staff, may leave.
    pub async fn next_mail_due(&mut self, audience: Audience) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT_DUE).bind(audience.name()).fetch_one(conn).await)?)
    }
}
