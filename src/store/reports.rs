//! What reports read: leads that sales had in a period, many at a time; and when the mailed ones are due.
//!
//! A year may have a hundred thousand hand-offs. They are read in pages of leads, in the order of the leads' rows,
//! each page in a handful of statements over lists of ids; nothing is held of a page but what was added up.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis, millis_opt};
use super::{StoreError, Tx, each, statements};
use crate::domain::ids::{HandOffId, LeadId, SlaClockId};

statements! {
    // A hand-off whose life touches the period: whatever a lead came to in it, it came to then.
    LEADS = "SELECT lead_id FROM hand_off WHERE lead_id > $1 AND at < $2 AND (ended_at IS NULL OR ended_at >= $3) \
             GROUP BY lead_id ORDER BY lead_id LIMIT $4";
    // A sum of BIGINT is NUMERIC on PostgreSQL. A message somebody wrote is no figure, and nobody's business here.
    TOP_ANSWERS = "SELECT campaign, question, answer, leads, leads_asked FROM ( \
                   SELECT campaign, question, answer, leads, \
                   CAST(SUM(leads) OVER (PARTITION BY campaign, question) AS BIGINT) AS leads_asked, \
                   ROW_NUMBER() OVER (PARTITION BY campaign, question ORDER BY leads DESC, answer) AS place FROM ( \
                   SELECT COALESCE(lead.campaign, '') AS campaign, answer.question AS question, \
                   answer.answer AS answer, COUNT(DISTINCT answer.lead_id) AS leads \
                   FROM answer JOIN lead ON lead.id = answer.lead_id \
                   WHERE answer.occurred_at >= $1 AND answer.occurred_at < $2 AND LENGTH(answer.answer) <= 100 \
                   GROUP BY COALESCE(lead.campaign, ''), answer.question, answer.answer) AS counted) AS placed \
                   WHERE place <= $3 ORDER BY campaign, question, place";
    BROUGHT = "SELECT COUNT(DISTINCT CASE WHEN accepted_at IS NOT NULL THEN lead_id END), \
               COUNT(DISTINCT CASE WHEN ended_why = 'won' OR EXISTS (SELECT 1 FROM event \
               WHERE event.lead_id = hand_off.lead_id AND event.kind = 'opportunity') THEN lead_id END), \
               COUNT(DISTINCT CASE WHEN ended_why = 'won' THEN lead_id END) \
               FROM hand_off WHERE campaign = $1 AND at < $2";
    TURNED_TO = "SELECT COUNT(outbox_id), COUNT(*) - COUNT(outbox_id) FROM contact WHERE lead_id = $1";
    NEXT_DUE = "SELECT MIN(due_at) FROM report_due WHERE due_at IS NOT NULL";
    DUE = "SELECT length, due_at, told_until FROM report_due WHERE due_at IS NOT NULL AND due_at <= $1 \
           ORDER BY length DESC";
    PLAN = "UPDATE report_due SET due_at = $1, told_until = $2 WHERE length = $3 AND due_at = $4";
    LOOK_AT = "UPDATE report_due SET due_at = 0";
}

/// A clock as figures want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseRow {
    /// Its row.
    pub id: SlaClockId,
    /// For which lead.
    pub lead: LeadId,
    /// Of which hand-off.
    pub hand_off: HandOffId,
    /// What was promised.
    pub kind: String,
    /// The promise as it was made, as JSON.
    pub terms: String,
    /// Since when.
    pub started_at: Timestamp,
    /// Until when.
    pub deadline_at: Timestamp,
    /// `running`, `met`, `late` or `closed`.
    pub state: String,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
}

/// A hand-off as figures want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOffRow {
    /// Its row.
    pub id: HandOffId,
    /// Which lead.
    pub lead: LeadId,
    /// To whom.
    pub rep: String,
    /// Of which team.
    pub team: String,
    /// From which campaign.
    pub campaign: String,
    /// When.
    pub at: Timestamp,
}

/// How many leads of a campaign gave an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerCount {
    /// The campaign; empty: none.
    pub campaign: String,
    /// What was asked.
    pub question: String,
    /// What was said.
    pub answer: String,
    /// How many leads said it.
    pub leads: i64,
    /// How many answers the question got, whatever was said.
    pub answers: i64,
}

/// When a mailed report is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportDue {
    /// What it looks back on, by its name.
    pub length: String,
    /// When it has to be looked at.
    pub due_at: Timestamp,
    /// The end of the last period that was told.
    pub told_until: Option<Timestamp>,
}

type Promise = (i64, i64, i64, String, String, i64, i64, String, Option<i64>);

impl Tx {
    /// Leads behind `after` that sales had at some time from `from` until before `to`, in the order of their rows.
    pub async fn leads_with_sales(
        &mut self,
        after: LeadId,
        from: Timestamp,
        to: Timestamp,
        limit: i64,
    ) -> Result<Vec<LeadId>, StoreError> {
        let ids: Vec<i64> = each!(self, conn => sqlx::query_scalar(LEADS)
            .bind(after.0)
            .bind(millis(to))
            .bind(millis(from))
            .bind(limit)
            .fetch_all(conn)
            .await)?;
        Ok(ids.into_iter().map(LeadId).collect())
    }

    /// Where each of these leads first came from.
    pub async fn sources_of(
        &mut self,
        leads: &[LeadId],
    ) -> Result<Vec<(LeadId, Option<String>)>, StoreError> {
        let rows: Vec<(i64, Option<String>)> =
            self.select_by_ids("SELECT id, source FROM lead WHERE id IN", &numbers(leads), "").await?;
        Ok(rows.into_iter().map(|(id, source)| (LeadId(id), source)).collect())
    }

    /// Every hand-off of these leads, in order.
    pub async fn hand_offs_of_leads(&mut self, leads: &[LeadId]) -> Result<Vec<HandOffRow>, StoreError> {
        let rows: Vec<(i64, i64, String, String, String, i64)> = self
            .select_by_ids(
                "SELECT id, lead_id, rep, team, campaign, at FROM hand_off WHERE lead_id IN",
                &numbers(leads),
                "ORDER BY lead_id, number",
            )
            .await?;
        rows.into_iter()
            .map(|(id, lead, rep, team, campaign, at)| {
                let at = instant("hand_off", id, at)?;
                Ok(HandOffRow { id: HandOffId(id), lead: LeadId(lead), rep, team, campaign, at })
            })
            .collect()
    }

    /// The clocks of these leads that began at `from` or later, in order.
    pub async fn promises_of_leads(
        &mut self,
        leads: &[LeadId],
        from: Timestamp,
    ) -> Result<Vec<PromiseRow>, StoreError> {
        let rows: Vec<Promise> = self
            .select_by_ids_and(
                millis(from),
                "SELECT id, lead_id, hand_off_id, kind, terms, started_at, deadline_at, state, stopped_at \
                 FROM sla_clock WHERE started_at >= $1 AND lead_id IN",
                &numbers(leads),
                "ORDER BY lead_id, id",
            )
            .await?;
        rows.into_iter()
            .map(|(id, lead, hand_off, kind, terms, started_at, deadline_at, state, stopped_at)| {
                Ok(PromiseRow {
                    id: SlaClockId(id),
                    lead: LeadId(lead),
                    hand_off: HandOffId(hand_off),
                    kind,
                    terms,
                    started_at: instant("sla_clock", id, started_at)?,
                    deadline_at: instant("sla_clock", id, deadline_at)?,
                    state,
                    stopped_at: instant_opt("sla_clock", id, stopped_at)?,
                })
            })
            .collect()
    }

    /// Levels of these leads' clocks that were found more than `late` milliseconds after they fell due: the clock,
    /// and when the level did.
    pub async fn levels_found_late(
        &mut self,
        leads: &[LeadId],
        late: i64,
    ) -> Result<Vec<(SlaClockId, Timestamp)>, StoreError> {
        let rows: Vec<(i64, i64)> = self
            .select_by_ids_and(
                late,
                "SELECT sla_level.clock_id, sla_level.fell_due_at FROM sla_clock \
                 JOIN sla_level ON sla_level.clock_id = sla_clock.id \
                 WHERE sla_level.fired_at - sla_level.fell_due_at > $1 AND sla_clock.lead_id IN",
                &numbers(leads),
                "ORDER BY sla_level.clock_id, sla_level.fell_due_at",
            )
            .await?;
        rows.into_iter()
            .map(|(clock, fell_due)| Ok((SlaClockId(clock), instant("sla_level", clock, fell_due)?)))
            .collect()
    }

    /// The `top` most frequent answers to each question of each campaign, given from `from` until before `to`. Answers
    /// of more than a line are left out: each is given once.
    pub async fn top_answers(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        top: i64,
    ) -> Result<Vec<AnswerCount>, StoreError> {
        let rows: Vec<(String, String, String, i64, i64)> = each!(self, conn => sqlx::query_as(TOP_ANSWERS)
            .bind(millis(from))
            .bind(millis(to))
            .bind(top)
            .fetch_all(conn)
            .await)?;
        Ok(rows
            .into_iter()
            .map(|(campaign, question, answer, leads, answers)| AnswerCount {
                campaign,
                question,
                answer,
                leads,
                answers,
            })
            .collect())
    }

    /// Leads of a campaign that were handed off before `to` and since accepted, became opportunities, were won.
    pub async fn brought_by(&mut self, campaign: &str, to: Timestamp) -> Result<(i64, i64, i64), StoreError> {
        Ok(each!(self, conn =>
            sqlx::query_as(BROUGHT).bind(campaign).bind(millis(to)).fetch_one(conn).await)?)
    }

    /// Mails of ours to a lead, and how often somebody of ours turned to it in person.
    pub async fn turned_to(&mut self, lead: LeadId) -> Result<(i64, i64), StoreError> {
        Ok(each!(self, conn => sqlx::query_as(TURNED_TO).bind(lead.0).fetch_one(conn).await)?)
    }

    /// When a mailed report has to be looked at next.
    pub async fn next_report_due(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT_DUE).fetch_one(conn).await)?)
    }

    /// The mailed reports to look at by `now`.
    pub async fn reports_due(&mut self, now: Timestamp) -> Result<Vec<ReportDue>, StoreError> {
        let rows: Vec<(String, i64, Option<i64>)> =
            each!(self, conn => sqlx::query_as(DUE).bind(millis(now)).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|(length, due_at, told_until)| {
                Ok(ReportDue {
                    length,
                    due_at: instant("report_due", 0, due_at)?,
                    told_until: instant_opt("report_due", 0, told_until)?,
                })
            })
            .collect()
    }

    /// Notes when a report is due next (`None`: never) and until when was told; `false` when somebody else did.
    pub async fn plan_report(
        &mut self,
        found: &ReportDue,
        due_at: Option<Timestamp>,
        told_until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let changed = each!(self, conn => sqlx::query(PLAN)
            .bind(millis_opt(due_at))
            .bind(millis_opt(told_until))
            .bind(found.length.as_str())
            .bind(millis(found.due_at))
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(changed > 0)
    }

    /// Has every mailed report looked at: the agreement may say something else about them now.
    pub async fn look_at_reports(&mut self) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(LOOK_AT).execute(conn).await.map(drop))?;
        Ok(())
    }
}

fn numbers(leads: &[LeadId]) -> Vec<i64> {
    leads.iter().map(|lead| lead.0).collect()
}
