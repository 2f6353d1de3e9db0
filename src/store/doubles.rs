//! Records that turned out to be one person: what one of them had becomes the other's, and nothing is lost.
//!
//! Touches, answers, activities, contacts and past enrolments move. The event log never changes, so the events of
//! a double stay its own, and whoever tells the history of the lead that lives on reads both. Who was suppressed
//! stays so: a suppression belongs to an address.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::millis;
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{EnrolmentId, LeadId};
use crate::domain::lead::Lead;

statements! {
    MERGE = "INSERT INTO merged_lead (lead_id, into_id, at) VALUES ($1, $2, $3)";
    // Whoever was a double of the double is one of the other now: nobody has to follow two pointers.
    FOLLOW = "UPDATE merged_lead SET into_id = $1 WHERE into_id = $2";
    INTO = "SELECT into_id FROM merged_lead WHERE lead_id = $1";
    BY_ADDRESS = "SELECT COALESCE(merged_lead.into_id, lead.id) FROM lead \
                  LEFT JOIN merged_lead ON merged_lead.lead_id = lead.id WHERE lead.email = $1";
    DOUBLES = "SELECT lead_id FROM merged_lead WHERE into_id = $1 ORDER BY at, lead_id";
    // What both have, by its fingerprint, is one thing: it counts once.
    MOVE_TOUCHES = "UPDATE touch SET lead_id = $1 WHERE lead_id = $2 AND NOT EXISTS (SELECT 1 FROM touch AS known \
                    WHERE known.lead_id = $1 AND known.fingerprint = touch.fingerprint)";
    MOVE_ANSWERS = "UPDATE answer SET lead_id = $1 WHERE lead_id = $2 AND NOT EXISTS (SELECT 1 FROM answer AS known \
                    WHERE known.lead_id = $1 AND known.fingerprint = answer.fingerprint)";
    MOVE_ACTIVITIES = "UPDATE activity SET lead_id = $1 WHERE lead_id = $2 AND NOT EXISTS (SELECT 1 FROM activity AS \
                       known WHERE known.lead_id = $1 AND known.fingerprint = activity.fingerprint)";
    // They count against the caps by their dates; slots are for those who take them at once.
    MOVE_CONTACTS = "UPDATE contact SET lead_id = $1, slot = NULL WHERE lead_id = $2";
    MOVE_ENROLMENT = "UPDATE enrolment SET lead_id = $1, entry = $2, round = $3 WHERE id = $4 AND state <> 'active'";
    STEPS_HAD = "SELECT DISTINCT step FROM outbox WHERE lead_id = $1 AND sequence = $2 AND step IS NOT NULL \
                 AND state IN ('sending', 'sent', 'in_doubt') ORDER BY step";
}

// Whoever a lock was waited for may have become another lead meanwhile, and to lock that one then would be out of the
// order of all locks: the locks taken since the savepoint are given back first. On PostgreSQL alone.
const BEFORE_LOCKS: &str = "SAVEPOINT before_locks";
const KEEP_LOCKS: &str = "RELEASE SAVEPOINT before_locks";
const GIVE_BACK_LOCKS: &str = "ROLLBACK TO SAVEPOINT before_locks";

/// How much of a double became the other's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Touches.
    pub touches: u64,
    /// Answers.
    pub answers: u64,
    /// Activities.
    pub activities: u64,
}

impl Tx {
    /// `double` is the same person as `into`: from now on what comes in for it is the other's. Both are locked.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is somebody's double already.
    pub async fn merge_lead(
        &mut self,
        double: LeadId,
        into: LeadId,
        now: Timestamp,
    ) -> Result<Moved, StoreError> {
        each!(self, conn =>
            sqlx::query(MERGE).bind(double.0).bind(into.0).bind(millis(now)).execute(conn).await.map(drop))?;
        self.move_rows(FOLLOW, double, into).await?;
        self.move_rows(MOVE_CONTACTS, double, into).await?;
        Ok(Moved {
            touches: self.move_rows(MOVE_TOUCHES, double, into).await?,
            answers: self.move_rows(MOVE_ANSWERS, double, into).await?,
            activities: self.move_rows(MOVE_ACTIVITIES, double, into).await?,
        })
    }

    async fn move_rows(&mut self, sql: &'static str, from: LeadId, to: LeadId) -> Result<u64, StoreError> {
        Ok(each!(self, conn =>
            sqlx::query(sql).bind(to.0).bind(from.0).execute(conn).await.map(|done| done.rows_affected()))?)
    }

    /// A past enrolment becomes that of another lead, as its entry of that number, in that round.
    pub async fn move_enrolment(
        &mut self,
        id: EnrolmentId,
        lead: LeadId,
        entry: i64,
        round: i64,
    ) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(MOVE_ENROLMENT)
            .bind(lead.0)
            .bind(entry)
            .bind(round)
            .bind(id.0)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// The steps of a sequence that went, or may have gone, to a lead.
    pub async fn steps_sent(&mut self, lead: LeadId, sequence: &str) -> Result<Vec<String>, StoreError> {
        Ok(each!(self, conn =>
            sqlx::query_scalar(STEPS_HAD).bind(lead.0).bind(sequence).fetch_all(conn).await)?)
    }

    /// The lead whose double this one is.
    pub async fn merged_into(&mut self, lead: LeadId) -> Result<Option<LeadId>, StoreError> {
        let into: Option<i64> =
            each!(self, conn => sqlx::query_scalar(INTO).bind(lead.0).fetch_optional(conn).await)?;
        Ok(into.map(LeadId))
    }

    /// The doubles of a lead, the first one first.
    pub async fn doubles_of(&mut self, lead: LeadId) -> Result<Vec<LeadId>, StoreError> {
        let ids: Vec<i64> =
            each!(self, conn => sqlx::query_scalar(DOUBLES).bind(lead.0).fetch_all(conn).await)?;
        Ok(ids.into_iter().map(LeadId).collect())
    }

    /// The lead with that address; of a double, the lead it became.
    pub async fn person_by_email(&mut self, email: &EmailAddress) -> Result<Option<Lead>, StoreError> {
        match self.person_id(email).await? {
            Some(id) => Ok(self.leads(&[id]).await?.pop()),
            None => Ok(None),
        }
    }

    /// The same, locked until the transaction ends.
    pub async fn lock_person_by_email(&mut self, email: &EmailAddress) -> Result<Option<Lead>, StoreError> {
        if !self.locks_rows() {
            return self.person_by_email(email).await;
        }
        loop {
            self.execute(BEFORE_LOCKS).await?;
            let Some(id) = self.person_id(email).await? else {
                self.execute(KEEP_LOCKS).await?;
                return Ok(None);
            };
            let lead = self.lock_leads(&[id]).await?.pop();
            // Somebody may have merged it while its lock was waited for.
            if self.person_id(email).await? == Some(id) {
                self.execute(KEEP_LOCKS).await?;
                return Ok(lead);
            }
            self.execute(GIVE_BACK_LOCKS).await?;
        }
    }

    async fn person_id(&mut self, email: &EmailAddress) -> Result<Option<LeadId>, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(BY_ADDRESS).bind(email.as_str()).fetch_optional(conn).await)?;
        Ok(id.map(LeadId))
    }

    /// Locks the leads with these addresses, and those that doubles among them became, in the order of all locks.
    /// For whoever comes upon leads one by one, in another order.
    pub async fn lock_persons_by_email(&mut self, emails: &[&EmailAddress]) -> Result<(), StoreError> {
        if !self.locks_rows() {
            return Ok(());
        }
        loop {
            self.execute(BEFORE_LOCKS).await?;
            let locked = self.ids_of_persons(emails).await?;
            self.lock_leads(&locked).await?;
            // Some may have become others while their locks were waited for.
            if self.ids_of_persons(emails).await?.iter().all(|id| locked.binary_search(id).is_ok()) {
                return self.execute(KEEP_LOCKS).await;
            }
            self.execute(GIVE_BACK_LOCKS).await?;
        }
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(sql).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The leads with these addresses, and those that doubles among them became, in the order of all locks.
    async fn ids_of_persons(&mut self, emails: &[&EmailAddress]) -> Result<Vec<LeadId>, StoreError> {
        let mut ids = Vec::with_capacity(emails.len());
        for emails in emails.chunks(bulk::MAX_LIST) {
            let emails = bulk::padded(emails);
            let list = bulk::list(1, emails.len());
            let sql = format!(
                "SELECT id FROM lead WHERE email IN ({list}) UNION \
                 SELECT into_id FROM merged_lead JOIN lead ON lead.id = merged_lead.lead_id \
                 WHERE lead.email IN ({list})"
            );
            let found: Vec<i64> = each!(self, conn => {
                let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
                for email in emails {
                    query = query.bind(email.as_str());
                }
                query.fetch_all(conn).await
            })?;
            ids.extend(found.into_iter().map(LeadId));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}
