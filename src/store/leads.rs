//! Leads: who they are, how far they have come, and which of them have to be looked at.

use jiff::Timestamp;

use super::column::{instant, instant_opt, millis, millis_opt, parsed, parsed_opt};
use super::{StoreError, Tx, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::ids::LeadId;
use crate::domain::lead::{Lead, Profile, Stage};

macro_rules! columns {
    () => {
        "id, email, first_name, last_name, company, title, phone, country, zone, language, fields, campaign, \
         source, stage, stage_at, base_score, score, grade, owner, round, away_until, follow_up_at, \
         next_sequence, avoid_rep, due_at, created_at"
    };
}

statements! {
    INSERT = "INSERT INTO lead (email, first_name, last_name, company, company_key, title, phone, country, zone, \
              language, fields, campaign, source, stage, stage_at, voice, base_score, score, grade, owner, round, \
              away_until, follow_up_at, next_sequence, avoid_rep, due_at, created_at) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
              $21, $22, $23, $24, $25, $26, $27) ON CONFLICT (email) DO NOTHING RETURNING id";
    SAVE = "UPDATE lead SET email = $1, first_name = $2, last_name = $3, company = $4, company_key = $5, \
            title = $6, phone = $7, country = $8, zone = $9, language = $10, fields = $11, campaign = $12, \
            source = $13, stage = $14, stage_at = $15, voice = $16, base_score = $17, score = $18, grade = $19, \
            owner = $20, round = $21, away_until = $22, follow_up_at = $23, next_sequence = $24, avoid_rep = $25, \
            due_at = $26, created_at = $27 WHERE id = $28";
    BY_EMAIL = concat!("SELECT ", columns!(), " FROM lead WHERE email = $1");
    DUE = concat!(
        "SELECT ", columns!(), " FROM lead WHERE stage = $1 AND due_at IS NOT NULL AND due_at <= $2 \
         ORDER BY due_at, id LIMIT $3"
    );
    NEXT_DUE = "SELECT MIN(due_at) FROM lead WHERE stage = $1 AND due_at IS NOT NULL";
    LIST = concat!(
        "SELECT ", columns!(), " FROM lead WHERE (CAST($1 AS TEXT) IS NULL OR stage = $1) \
         AND (CAST($2 AS TEXT) IS NULL OR owner = $2) AND (CAST($3 AS TEXT) IS NULL OR campaign = $3) \
         AND (CAST($4 AS TEXT) IS NULL OR voice = $4) AND id > $5 ORDER BY id LIMIT $6"
    );
}

/// A row of `lead` as the drivers read it.
#[derive(sqlx::FromRow)]
struct LeadRow {
    id: i64,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    company: Option<String>,
    title: Option<String>,
    phone: Option<String>,
    country: Option<String>,
    zone: Option<String>,
    language: Option<String>,
    fields: String,
    campaign: Option<String>,
    source: Option<String>,
    stage: String,
    stage_at: i64,
    base_score: i64,
    score: i64,
    grade: Option<String>,
    owner: Option<String>,
    round: i64,
    away_until: Option<i64>,
    follow_up_at: Option<i64>,
    next_sequence: Option<String>,
    avoid_rep: Option<String>,
    due_at: Option<i64>,
    created_at: i64,
}

/// Which leads a list shows. Absent parts do not restrict it.
#[derive(Clone, Debug, Default)]
pub struct LeadFilter {
    /// Only leads in this stage.
    pub stage: Option<Stage>,
    /// Only leads of this rep.
    pub owner: Option<EmailAddress>,
    /// Only leads of this campaign.
    pub campaign: Option<String>,
    /// Only leads that sales has the word for: handed off, and neither given back nor lost.
    pub with_sales: bool,
    /// Only leads behind this one, for the next page.
    pub after: Option<LeadId>,
}

impl TryFrom<LeadRow> for Lead {
    type Error = StoreError;

    fn try_from(row: LeadRow) -> Result<Lead, StoreError> {
        let id = row.id;
        let fields = serde_json::from_str(&row.fields).map_err(|error| StoreError::Inconsistent {
            table: "lead",
            id,
            what: format!("fields: {error}"),
        })?;
        Ok(Lead {
            id: LeadId(id),
            email: parsed("lead", id, &row.email)?,
            profile: Profile {
                first_name: row.first_name,
                last_name: row.last_name,
                company: row.company,
                title: row.title,
                phone: row.phone,
                country: row.country,
                zone: row.zone,
                language: row.language,
                fields,
            },
            campaign: row.campaign,
            source: row.source,
            stage: parsed("lead", id, &row.stage)?,
            stage_at: instant("lead", id, row.stage_at)?,
            base_score: row.base_score,
            score: row.score,
            grade: parsed_opt("lead", id, row.grade.as_deref())?,
            owner: parsed_opt("lead", id, row.owner.as_deref())?,
            round: row.round,
            away_until: instant_opt("lead", id, row.away_until)?,
            follow_up_at: instant_opt("lead", id, row.follow_up_at)?,
            next_sequence: row.next_sequence,
            avoid_rep: parsed_opt("lead", id, row.avoid_rep.as_deref())?,
            due_at: instant_opt("lead", id, row.due_at)?,
            created_at: instant("lead", id, row.created_at)?,
        })
    }
}

fn domain(rows: Vec<LeadRow>) -> Result<Vec<Lead>, StoreError> {
    rows.into_iter().map(Lead::try_from).collect()
}

/// Whose word it is in a stage, as the column says it.
fn voice(stage: Stage) -> &'static str {
    if stage.sales_has_the_word() { "sales" } else { "nurture" }
}

/// Binds every column of a lead but its id, in the order of [`INSERT`] and [`SAVE`].
macro_rules! bind_lead {
    ($query:expr, $lead:expr, $fields:expr) => {
        $query
            .bind($lead.email.as_str())
            .bind($lead.profile.first_name.as_deref())
            .bind($lead.profile.last_name.as_deref())
            .bind($lead.profile.company.as_deref())
            .bind($lead.email.company_key())
            .bind($lead.profile.title.as_deref())
            .bind($lead.profile.phone.as_deref())
            .bind($lead.profile.country.as_deref())
            .bind($lead.profile.zone.as_deref())
            .bind($lead.profile.language.as_deref())
            .bind($fields)
            .bind($lead.campaign.as_deref())
            .bind($lead.source.as_deref())
            .bind($lead.stage.name())
            .bind(millis($lead.stage_at))
            .bind(voice($lead.stage))
            .bind($lead.base_score)
            .bind($lead.score)
            .bind($lead.grade.map(|grade| grade.name()))
            .bind($lead.owner.as_ref().map(|owner| owner.as_str()))
            .bind($lead.round)
            .bind(millis_opt($lead.away_until))
            .bind(millis_opt($lead.follow_up_at))
            .bind($lead.next_sequence.as_deref())
            .bind($lead.avoid_rep.as_ref().map(|rep| rep.as_str()))
            .bind(millis_opt($lead.due_at))
            .bind(millis($lead.created_at))
    };
}

impl Tx {
    /// Adds a lead; its `id` is not read. `None` when there is one with this address already.
    pub async fn insert_lead(&mut self, lead: &Lead) -> Result<Option<LeadId>, StoreError> {
        let fields = json(lead);
        let id: Option<i64> = each!(self, conn =>
            bind_lead!(sqlx::query_scalar(INSERT), lead, fields).fetch_optional(conn).await)?;
        Ok(id.map(LeadId))
    }

    /// Writes a lead back, whole. The caller has locked it.
    pub async fn save_lead(&mut self, lead: &Lead) -> Result<(), StoreError> {
        let fields = json(lead);
        each!(self, conn => bind_lead!(sqlx::query(SAVE), lead, fields).bind(lead.id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The lead with that address.
    pub async fn lead_by_email(&mut self, email: &EmailAddress) -> Result<Option<Lead>, StoreError> {
        let row: Option<LeadRow> = each!(self, conn =>
            sqlx::query_as(BY_EMAIL).bind(email.as_str()).fetch_optional(conn).await)?;
        row.map(Lead::try_from).transpose()
    }

    /// The lead with that address, locked until the transaction ends.
    pub async fn lock_lead_by_email(&mut self, email: &EmailAddress) -> Result<Option<Lead>, StoreError> {
        match self.lead_by_email(email).await? {
            Some(lead) => Ok(self.lock_leads(&[lead.id]).await?.pop()),
            None => Ok(None),
        }
    }

    /// The leads of these rows, in the order of their ids.
    pub async fn leads(&mut self, ids: &[LeadId]) -> Result<Vec<Lead>, StoreError> {
        self.select_leads(ids, "ORDER BY id").await
    }

    /// The leads of these rows, in the order of their ids, locked in that order until the transaction ends.
    /// Whoever changes a lead, or decides on its behalf, locks it first; one order for all means that no
    /// two wait for each other. Nor does whoever locks a lead wait for a row that names it as its own (`NO KEY`):
    /// such rows are written without a lock of the lead, too, and in any order.
    pub async fn lock_leads(&mut self, ids: &[LeadId]) -> Result<Vec<Lead>, StoreError> {
        let order = if self.locks_rows() { "ORDER BY id FOR NO KEY UPDATE" } else { "ORDER BY id" };
        // Of very many a part is locked at a time.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        self.select_leads(&ids, order).await
    }

    async fn select_leads(&mut self, ids: &[LeadId], after: &str) -> Result<Vec<Lead>, StoreError> {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let rows =
            self.select_by_ids(concat!("SELECT ", columns!(), " FROM lead WHERE id IN"), &ids, after).await?;
        domain(rows)
    }

    /// Locks leads whose facts are at hand already.
    pub async fn lock_rows_of_leads(&mut self, ids: &[LeadId]) -> Result<(), StoreError> {
        // A writing transaction on SQLite is alone.
        if self.locks_rows() {
            self.lock_leads(ids).await?;
        }
        Ok(())
    }

    /// As many of these leads as are not locked by somebody else, at most `limit`, locked in the order of
    /// their ids. Several daemons that look for work at once get different ones.
    pub async fn lock_free_leads(&mut self, ids: &[LeadId], limit: usize) -> Result<Vec<Lead>, StoreError> {
        let order = if self.locks_rows() {
            format!("ORDER BY id LIMIT {limit} FOR NO KEY UPDATE SKIP LOCKED")
        } else {
            format!("ORDER BY id LIMIT {limit}")
        };
        self.select_leads(ids, &order).await
    }

    /// Leads of a stage that have to be looked at by `now`, the longest due first, locked; those that
    /// another daemon has locked are left to it.
    pub async fn lock_leads_due(
        &mut self,
        stage: Stage,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Lead>, StoreError> {
        const DUE_LOCKED: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM lead WHERE stage = $1 AND due_at IS NOT NULL AND due_at <= $2 \
             ORDER BY due_at, id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED"
        );
        let sql = if self.locks_rows() { DUE_LOCKED } else { DUE };
        let rows = each!(self, conn =>
            sqlx::query_as(sql).bind(stage.name()).bind(millis(now)).bind(limit).fetch_all(conn).await)?;
        domain(rows)
    }

    /// When the next lead of a stage has to be looked at.
    pub async fn next_lead_due(&mut self, stage: Stage) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(NEXT_DUE).bind(stage.name()).fetch_one(conn).await)?)
    }

    /// A page of leads in the order of their ids.
    pub async fn list_leads(&mut self, filter: &LeadFilter, limit: i64) -> Result<Vec<Lead>, StoreError> {
        let rows = each!(self, conn => sqlx::query_as(LIST)
            .bind(filter.stage.map(Stage::name))
            .bind(filter.owner.as_ref().map(EmailAddress::as_str))
            .bind(filter.campaign.as_deref())
            .bind(filter.with_sales.then_some("sales"))
            .bind(filter.after.map_or(0, |id| id.0))
            .bind(limit)
            .fetch_all(conn)
            .await)?;
        domain(rows)
    }
}

fn json(lead: &Lead) -> String {
    // A map from text to text always has a JSON form.
    serde_json::to_string(&lead.profile.fields).unwrap_or_else(|_| "{}".to_owned())
}
