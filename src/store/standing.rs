//! Where everything stands: the counts behind `nurtured status`.

use super::{StoreError, Tx, each, statements};

statements! {
    LEADS = "SELECT stage, COUNT(*) FROM lead GROUP BY stage ORDER BY stage";
    // Each part has the condition of one partial index: years of sent mail are not read.
    MAILS = "SELECT state, COUNT(*) FROM outbox WHERE state IN ('in_doubt', 'parked') GROUP BY state \
             UNION ALL SELECT state, COUNT(*) FROM outbox WHERE state = 'pending' GROUP BY state \
             UNION ALL SELECT state, COUNT(*) FROM outbox WHERE state = 'sending' GROUP BY state ORDER BY state";
    RUNNING_CLOCKS = "SELECT COUNT(*) FROM sla_clock WHERE state = 'running'";
    OVERDUE_CLOCKS = "SELECT COUNT(*) FROM sla_clock WHERE state = 'running' AND deadline_at < $1";
    // In no sequence, or in one of which nothing is due and no mail waits.
    SILENT = "SELECT COUNT(*) FROM lead WHERE stage = 'nurturing' AND NOT EXISTS (SELECT 1 FROM enrolment \
              WHERE enrolment.lead_id = lead.id AND enrolment.state = 'active' AND (enrolment.due_at IS NOT NULL \
              OR EXISTS (SELECT 1 FROM outbox WHERE outbox.enrolment_id = enrolment.id \
              AND outbox.state IN ('pending', 'sending'))))";
    ENROLMENTS = "SELECT COUNT(*) FROM enrolment WHERE state = 'active'";
}

/// Counts of what is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Leads in each stage that has any.
    pub leads: Vec<(String, i64)>,
    /// Open mails in each state that has any.
    pub mails: Vec<(String, i64)>,
    /// Running enrolments.
    pub enrolments: i64,
    /// Nurtured leads to which no mail is planned: they are in no sequence, or theirs waits for a person.
    pub silent: i64,
    /// Running SLA clocks.
    pub clocks: i64,
    /// Those of them whose deadline has passed.
    pub overdue_clocks: i64,
}

impl Tx {
    /// Counts what is open at `now`.
    pub async fn standing(&mut self, now: jiff::Timestamp) -> Result<Standing, StoreError> {
        Ok(Standing {
            leads: each!(self, conn => sqlx::query_as(LEADS).fetch_all(conn).await)?,
            mails: each!(self, conn => sqlx::query_as(MAILS).fetch_all(conn).await)?,
            enrolments: each!(self, conn => sqlx::query_scalar(ENROLMENTS).fetch_one(conn).await)?,
            silent: each!(self, conn => sqlx::query_scalar(SILENT).fetch_one(conn).await)?,
            clocks: each!(self, conn => sqlx::query_scalar(RUNNING_CLOCKS).fetch_one(conn).await)?,
            overdue_clocks: each!(self, conn => sqlx::query_scalar(OVERDUE_CLOCKS)
                .bind(super::column::millis(now))
                .fetch_one(conn)
                .await)?,
        })
    }
}
