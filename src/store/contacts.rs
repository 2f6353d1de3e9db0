//! Who was contacted when, and who must not be.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::{instant, millis};
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::contact::{Channel, SuppressionReason};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{LeadId, OutboxId};
use crate::domain::sla::Attempt;

statements! {
    FREE_SLOT = "DELETE FROM contact WHERE outbox_id = $1";
    SUPPRESS = "INSERT INTO suppression (email, reason, since, evidence) VALUES ($1, $2, $3, $4) \
                ON CONFLICT DO NOTHING RETURNING id";
    SUPPRESSIONS = "SELECT id, email, reason, since, evidence FROM suppression WHERE email = $1 ORDER BY since, id";
    ALL_SUPPRESSIONS = "SELECT id, email, reason, since, evidence FROM suppression WHERE id > $1 ORDER BY id LIMIT $2";
    LIFT = "DELETE FROM suppression WHERE email = $1 AND reason = $2";
}

/// Somebody of ours turns to a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContact {
    /// To which lead.
    pub lead: LeadId,
    /// When.
    pub at: Timestamp,
    /// On which date in the lead's zone, in days since 1970-01-01.
    pub local_date: i64,
    /// How.
    pub channel: Channel,
    /// The rep; `None`: a sequence.
    pub actor: Option<EmailAddress>,
    /// The mail, if it is one of ours.
    pub mail: Option<OutboxId>,
    /// The lead's slot of that date, which a nurture mail takes.
    pub slot: Option<i64>,
    /// The company's slot of that date, which the first nurture mail to a person takes.
    pub company_slot: Option<(String, i64)>,
}

/// That somebody of ours turned to a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastContact {
    /// To which lead.
    pub lead: LeadId,
    /// On which date in the lead's zone, in days since 1970-01-01.
    pub local_date: i64,
    /// How.
    pub channel: Channel,
    /// The slot of that date it took.
    pub slot: Option<i64>,
}

/// How many people of a company got nurture mail on a date.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CompanyDay {
    /// The company.
    pub company_key: String,
    /// The date, in days since 1970-01-01.
    pub local_date: i64,
    /// How many.
    pub people: i64,
    /// The highest slot that is taken.
    pub highest_slot: i64,
}

/// That an address must not be contacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The address.
    pub email: EmailAddress,
    /// Why.
    pub reason: SuppressionReason,
    /// Since when.
    pub since: Timestamp,
    /// By which entry of the log, or else on whose word.
    pub evidence: Option<String>,
}

#[derive(sqlx::FromRow)]
struct SuppressionRow {
    id: i64,
    email: String,
    reason: String,
    since: i64,
    evidence: Option<String>,
}

#[derive(sqlx::FromRow)]
struct ContactRow {
    lead_id: i64,
    local_date: i64,
    channel: String,
    slot: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    id: i64,
    lead_id: i64,
    occurred_at: i64,
    channel: String,
}

impl TryFrom<SuppressionRow> for Suppression {
    type Error = StoreError;

    fn try_from(row: SuppressionRow) -> Result<Suppression, StoreError> {
        Ok(Suppression {
            email: super::column::parsed("suppression", row.id, &row.email)?,
            reason: super::column::parsed("suppression", row.id, &row.reason)?,
            since: instant("suppression", row.id, row.since)?,
            evidence: row.evidence,
        })
    }
}

impl Tx {
    /// Notes contacts and takes their slots.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a slot is taken: somebody else was faster, decide again.
    pub async fn insert_contacts(&mut self, contacts: &[NewContact]) -> Result<(), StoreError> {
        const COLUMNS: usize = 9;
        for contacts in bulk::pieces(contacts, COLUMNS) {
            let sql = self.in_dialect(format!(
                "INSERT INTO contact (lead_id, occurred_at, local_date, channel, actor, outbox_id, slot, \
                 company_key, company_slot) VALUES {}",
                bulk::values(contacts.len(), COLUMNS)
            ));
            each!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for contact in contacts {
                    query = query
                        .bind(contact.lead.0)
                        .bind(millis(contact.at))
                        .bind(contact.local_date)
                        .bind(contact.channel.name())
                        .bind(contact.actor.as_ref().map(EmailAddress::as_str))
                        .bind(contact.mail.map(|id| id.0))
                        .bind(contact.slot)
                        .bind(contact.company_slot.as_ref().map(|(key, _)| key.as_str()))
                        .bind(contact.company_slot.as_ref().map(|(_, slot)| *slot));
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// Gives back the slot of a mail that did not reach the lead.
    pub async fn free_slot(&mut self, mail: OutboxId) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(FREE_SLOT).bind(mail.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Contacts with these leads on or after a date (days since 1970-01-01).
    pub async fn contacts_since(
        &mut self,
        leads: &[LeadId],
        date: i64,
    ) -> Result<Vec<PastContact>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        let rows: Vec<ContactRow> = self
            .select_by_ids_and(
                date,
                "SELECT lead_id, local_date, channel, slot FROM contact WHERE local_date >= $1 AND lead_id IN",
                &ids,
                "ORDER BY lead_id, id",
            )
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(PastContact {
                    lead: LeadId(row.lead_id),
                    local_date: row.local_date,
                    channel: super::column::parsed("contact", row.lead_id, &row.channel)?,
                    slot: row.slot,
                })
            })
            .collect()
    }

    /// Every time a human of ours turned to one of these leads, in order of time.
    pub async fn attempts_of(&mut self, leads: &[LeadId]) -> Result<Vec<(LeadId, Attempt)>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        let rows: Vec<AttemptRow> = self
            .select_by_ids(
                "SELECT id, lead_id, occurred_at, channel FROM contact WHERE outbox_id IS NULL AND lead_id IN",
                &ids,
                "ORDER BY occurred_at, id",
            )
            .await?;
        rows.into_iter()
            .map(|row| {
                let at = instant("contact", row.id, row.occurred_at)?;
                let channel = super::column::parsed("contact", row.id, &row.channel)?;
                Ok((LeadId(row.lead_id), Attempt { at, channel }))
            })
            .collect()
    }

    /// How many people of each of these companies got nurture mail on each date from `date` on.
    pub async fn company_days(
        &mut self,
        companies: &[&str],
        date: i64,
    ) -> Result<Vec<CompanyDay>, StoreError> {
        let mut days = Vec::new();
        for companies in companies.chunks(bulk::MAX_LIST) {
            let companies = bulk::padded(companies);
            let sql = self.in_dialect(format!(
                "SELECT company_key, local_date, COUNT(*) AS people, MAX(company_slot) AS highest_slot FROM contact \
                 WHERE company_slot IS NOT NULL AND local_date >= $1 AND company_key IN ({}) \
                 GROUP BY company_key, local_date ORDER BY company_key, local_date",
                bulk::list(2, companies.len())
            ));
            let rows: Vec<CompanyDay> = each!(self, conn => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(date);
                for company in companies {
                    query = query.bind(company);
                }
                query.fetch_all(conn).await
            })?;
            days.extend(rows);
        }
        Ok(days)
    }

    /// An address must not be contacted from now on; `false` when that was so already, for this reason.
    pub async fn suppress(
        &mut self,
        email: &EmailAddress,
        reason: SuppressionReason,
        evidence: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(SUPPRESS)
            .bind(email.as_str())
            .bind(reason.name())
            .bind(millis(now))
            .bind(evidence)
            .fetch_optional(conn)
            .await)?;
        Ok(id.is_some())
    }

    /// Lifts one suppression; `false` when there was none.
    pub async fn lift_suppression(
        &mut self,
        email: &EmailAddress,
        reason: SuppressionReason,
    ) -> Result<bool, StoreError> {
        let rows = each!(self, conn => sqlx::query(LIFT)
            .bind(email.as_str())
            .bind(reason.name())
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Why an address must not be contacted; empty when it may.
    pub async fn suppressions(&mut self, email: &EmailAddress) -> Result<Vec<Suppression>, StoreError> {
        let rows: Vec<SuppressionRow> =
            each!(self, conn => sqlx::query_as(SUPPRESSIONS).bind(email.as_str()).fetch_all(conn).await)?;
        rows.into_iter().map(Suppression::try_from).collect()
    }

    /// A page of all suppressions in the order in which they were said, behind row `after`, each with its row.
    pub async fn list_suppressions(
        &mut self,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, Suppression)>, StoreError> {
        let rows: Vec<SuppressionRow> = each!(self, conn =>
            sqlx::query_as(ALL_SUPPRESSIONS).bind(after).bind(limit).fetch_all(conn).await)?;
        rows.into_iter().map(|row| Ok((row.id, Suppression::try_from(row)?))).collect()
    }

    /// The same for several addresses at once.
    pub async fn suppressions_of(
        &mut self,
        emails: &[&EmailAddress],
    ) -> Result<Vec<Suppression>, StoreError> {
        let mut found = Vec::new();
        for emails in emails.chunks(bulk::MAX_LIST) {
            let emails = bulk::padded(emails);
            let sql = self.in_dialect(format!(
                "SELECT id, email, reason, since, evidence FROM suppression WHERE email IN ({}) ORDER BY since, id",
                bulk::list(1, emails.len())
            ));
            let rows: Vec<SuppressionRow> = each!(self, conn => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for email in emails {
                    query = query.bind(email.as_str());
                }
                query.fetch_all(conn).await
            })?;
            for row in rows {
                found.push(Suppression::try_from(row)?);
            }
        }
        Ok(found)
    }
}
