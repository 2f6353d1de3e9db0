//! What is remembered of a lead for ever: where it came from each time, what it said, what it did.

use jiff::Timestamp;

use super::column::{instant, millis};
use super::{StoreError, Tx, each, statements};
use crate::domain::ids::LeadId;
use crate::domain::lead::{Activity, Answer, Touch};
use crate::domain::scoring::Done;

statements! {
    INSERT_TOUCH = "INSERT INTO touch (lead_id, occurred_at, recorded_at, fingerprint, source, medium, campaign, \
                    term, content, ad, landing_page, referrer) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING id";
    INSERT_ANSWER = "INSERT INTO answer (lead_id, occurred_at, recorded_at, fingerprint, question, answer) \
                     SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT COUNT(*) FROM answer WHERE lead_id = $1) < $7 \
                     ON CONFLICT DO NOTHING RETURNING id";
    INSERT_ACTIVITY = "INSERT INTO activity (lead_id, occurred_at, recorded_at, fingerprint, name) \
                       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id";
    TOUCHES = "SELECT lead_id, occurred_at, source, medium, campaign, term, content, ad, landing_page, referrer \
               FROM touch WHERE lead_id = $1 ORDER BY occurred_at, id";
    ANSWERS = "SELECT lead_id, occurred_at, question, answer FROM answer WHERE lead_id = $1 ORDER BY occurred_at, id";
    ACTIVITIES = "SELECT lead_id, occurred_at, name FROM activity WHERE lead_id = $1 ORDER BY occurred_at, id";
    RECENT = "SELECT lead_id, occurred_at, name FROM activity WHERE lead_id = $1 \
              ORDER BY occurred_at DESC, id DESC LIMIT $2";
    DONE_SINCE = "SELECT lead_id, name, ($1 - occurred_at) / 86400000 AS days_ago, COUNT(*) AS times FROM activity \
                  WHERE lead_id = $2 AND occurred_at > $3 GROUP BY 1, 2, 3 ORDER BY 3 DESC, 2";
}

/// Answers of one lead that are kept. A public form takes any number; nobody reads so many.
const MOST_ANSWERS: i64 = 1_000;

#[derive(sqlx::FromRow)]
struct TouchRow {
    lead_id: i64,
    occurred_at: i64,
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
    ad: Option<String>,
    landing_page: Option<String>,
    referrer: Option<String>,
}

#[derive(sqlx::FromRow)]
struct AnswerRow {
    lead_id: i64,
    occurred_at: i64,
    question: String,
    answer: String,
}

#[derive(sqlx::FromRow)]
struct ActivityRow {
    lead_id: i64,
    occurred_at: i64,
    name: String,
}

#[derive(sqlx::FromRow)]
struct DoneRow {
    lead_id: i64,
    name: String,
    days_ago: i64,
    times: i64,
}

impl From<DoneRow> for Done {
    fn from(row: DoneRow) -> Done {
        Done { name: row.name, days_ago: row.days_ago.max(0), times: row.times }
    }
}

impl Tx {
    /// Remembers a touch; `false` when it was known.
    pub async fn insert_touch(
        &mut self,
        lead: LeadId,
        touch: &Touch,
        fingerprint: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(INSERT_TOUCH)
            .bind(lead.0)
            .bind(millis(touch.occurred_at.unwrap_or(now)))
            .bind(millis(now))
            .bind(fingerprint)
            .bind(touch.source.as_deref())
            .bind(touch.medium.as_deref())
            .bind(touch.campaign.as_deref())
            .bind(touch.term.as_deref())
            .bind(touch.content.as_deref())
            .bind(touch.ad.as_deref())
            .bind(touch.landing_page.as_deref())
            .bind(touch.referrer.as_deref())
            .fetch_optional(conn)
            .await)?;
        Ok(id.is_some())
    }

    /// Remembers an answer; `false` when it was known, or when the lead has given more than anybody reads.
    pub async fn insert_answer(
        &mut self,
        lead: LeadId,
        answer: &Answer,
        fingerprint: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(INSERT_ANSWER)
            .bind(lead.0)
            .bind(millis(answer.occurred_at.unwrap_or(now)))
            .bind(millis(now))
            .bind(fingerprint)
            .bind(answer.question.as_str())
            .bind(answer.answer.as_str())
            .bind(MOST_ANSWERS)
            .fetch_optional(conn)
            .await)?;
        Ok(id.is_some())
    }

    /// Remembers an activity; `false` when it was known.
    pub async fn insert_activity(
        &mut self,
        lead: LeadId,
        activity: &Activity,
        fingerprint: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id: Option<i64> = each!(self, conn => sqlx::query_scalar(INSERT_ACTIVITY)
            .bind(lead.0)
            .bind(millis(activity.occurred_at))
            .bind(millis(now))
            .bind(fingerprint)
            .bind(activity.name.as_str())
            .fetch_optional(conn)
            .await)?;
        Ok(id.is_some())
    }

    /// Every touch of a lead, the first one first.
    pub async fn touches(&mut self, lead: LeadId) -> Result<Vec<Touch>, StoreError> {
        let rows: Vec<TouchRow> =
            each!(self, conn => sqlx::query_as(TOUCHES).bind(lead.0).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|row| {
                Ok(Touch {
                    occurred_at: Some(instant("touch", row.lead_id, row.occurred_at)?),
                    source: row.source,
                    medium: row.medium,
                    campaign: row.campaign,
                    term: row.term,
                    content: row.content,
                    ad: row.ad,
                    landing_page: row.landing_page,
                    referrer: row.referrer,
                })
            })
            .collect()
    }

    /// Every answer of a lead, in order of time.
    pub async fn answers(&mut self, lead: LeadId) -> Result<Vec<Answer>, StoreError> {
        let rows: Vec<AnswerRow> =
            each!(self, conn => sqlx::query_as(ANSWERS).bind(lead.0).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|row| {
                Ok(Answer {
                    question: row.question,
                    answer: row.answer,
                    occurred_at: Some(instant("answer", row.lead_id, row.occurred_at)?),
                })
            })
            .collect()
    }

    /// Everything a lead did, in order of time.
    pub async fn activities(&mut self, lead: LeadId) -> Result<Vec<Activity>, StoreError> {
        let rows: Vec<ActivityRow> =
            each!(self, conn => sqlx::query_as(ACTIVITIES).bind(lead.0).fetch_all(conn).await)?;
        rows.into_iter().map(Activity::try_from).collect()
    }

    /// What a lead did last, at most `limit`, in order of time.
    pub async fn recent_activities(&mut self, lead: LeadId, limit: i64) -> Result<Vec<Activity>, StoreError> {
        let rows: Vec<ActivityRow> =
            each!(self, conn => sqlx::query_as(RECENT).bind(lead.0).bind(limit).fetch_all(conn).await)?;
        rows.into_iter().rev().map(Activity::try_from).collect()
    }

    /// How often a lead did what on which day since an instant, the longest ago first.
    pub async fn done_since(
        &mut self,
        lead: LeadId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Done>, StoreError> {
        let rows: Vec<DoneRow> = each!(self, conn => sqlx::query_as(DONE_SINCE)
            .bind(millis(now))
            .bind(lead.0)
            .bind(millis(since))
            .fetch_all(conn)
            .await)?;
        Ok(rows.into_iter().map(Done::from).collect())
    }

    /// How many touches each of several leads had.
    pub async fn touch_counts(&mut self, leads: &[LeadId]) -> Result<Vec<(LeadId, i64)>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        let rows: Vec<(i64, i64)> = self
            .select_by_ids("SELECT lead_id, COUNT(*) FROM touch WHERE lead_id IN", &ids, "GROUP BY lead_id")
            .await?;
        Ok(rows.into_iter().map(|(lead, touches)| (LeadId(lead), touches)).collect())
    }

    /// The answers of several leads at once, and how often each did what on which day before `now`, the longest
    /// ago first.
    pub async fn behaviour_of(
        &mut self,
        leads: &[LeadId],
        now: Timestamp,
    ) -> Result<(Vec<(LeadId, Answer)>, Vec<(LeadId, Done)>), StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        let rows: Vec<AnswerRow> = self
            .select_by_ids(
                "SELECT lead_id, occurred_at, question, answer FROM answer WHERE lead_id IN",
                &ids,
                "ORDER BY lead_id, occurred_at, id",
            )
            .await?;
        let mut answers = Vec::with_capacity(rows.len());
        for row in rows {
            let occurred_at = Some(instant("answer", row.lead_id, row.occurred_at)?);
            answers.push((
                LeadId(row.lead_id),
                Answer { question: row.question, answer: row.answer, occurred_at },
            ));
        }
        let rows: Vec<DoneRow> = self
            .select_by_ids_and(
                millis(now),
                "SELECT lead_id, name, ($1 - occurred_at) / 86400000 AS days_ago, COUNT(*) AS times FROM activity \
                 WHERE lead_id IN",
                &ids,
                "GROUP BY 1, 2, 3 ORDER BY 1, 3 DESC, 2",
            )
            .await?;
        let done = rows.into_iter().map(|row| (LeadId(row.lead_id), Done::from(row))).collect();
        Ok((answers, done))
    }
}

impl TryFrom<ActivityRow> for Activity {
    type Error = StoreError;

    fn try_from(row: ActivityRow) -> Result<Activity, StoreError> {
        let occurred_at = instant("activity", row.lead_id, row.occurred_at)?;
        Ok(Activity { name: row.name, occurred_at })
    }
}
