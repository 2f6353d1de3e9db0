//! Whose turn it is, who waits for a rep, and what was told about it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::{instant, instant_opt, millis, millis_opt, parsed};
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{HandOffId, LeadId};
use crate::domain::lead::Grade;

/// Colleagues at which it is looked for who knows a company.
const COLLEAGUES: i64 = 50;

macro_rules! incomplete {
    () => {
        "lead_id, incomplete_lead.campaign, missing, since, told_at FROM incomplete_lead \
         JOIN lead ON lead.id = incomplete_lead.lead_id WHERE lead.stage = 'nurturing'"
    };
}

statements! {
    SET_LEVEL = "UPDATE rep SET level = $1 WHERE email = $2";
    ADD_GRADE = "UPDATE hand_off SET grade = $1 WHERE id = $2";
    ADD_OPPORTUNITY = "UPDATE hand_off SET opportunity_at = COALESCE(opportunity_at, $1) WHERE id = $2";
    LIKE = "SELECT COUNT(DISTINCT lead_id), COUNT(DISTINCT CASE WHEN opportunity_at IS NOT NULL THEN lead_id END) \
            FROM hand_off WHERE campaign = $1 AND grade = $2 AND at >= $3";
    // The newest colleagues; of a company with thousands of leads a few will do.
    KNOWS_COMPANY = "SELECT hand_off.rep FROM hand_off JOIN lead ON lead.id = hand_off.lead_id \
                     WHERE lead.company_key = $1 AND lead.id <> $2 ORDER BY hand_off.at DESC, hand_off.id DESC LIMIT $3";
    WAITING = "SELECT id, score, stage_at FROM lead WHERE campaign = $1 AND stage = 'qualified' AND due_at IS NULL \
               ORDER BY score DESC, stage_at, id LIMIT $2";
    COUNT_WAITING = "SELECT COUNT(*), MIN(stage_at) FROM lead \
                     WHERE campaign = $1 AND stage = 'qualified' AND due_at IS NULL";
    LOOK = "INSERT INTO routing_due (what, at) VALUES ($1, $2) ON CONFLICT (what) DO UPDATE SET at = excluded.at \
            WHERE routing_due.at > excluded.at";
    PLAN = "INSERT INTO routing_due (what, at) VALUES ($1, $2) ON CONFLICT (what) DO UPDATE SET at = excluded.at";
    CLEAR = "DELETE FROM routing_due WHERE what = $1";
    DUE = "SELECT at FROM routing_due WHERE what = $1";
    INCOMPLETE = "INSERT INTO incomplete_lead (lead_id, campaign, missing, since) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (lead_id) DO UPDATE SET campaign = excluded.campaign, missing = excluded.missing \
                  WHERE incomplete_lead.campaign <> excluded.campaign OR incomplete_lead.missing <> excluded.missing \
                  RETURNING lead_id";
    COMPLETE = "DELETE FROM incomplete_lead WHERE lead_id = $1";
    // Whoever is not nurtured any more lacks nothing that anybody waits for.
    INCOMPLETE_LEADS = concat!("SELECT ", incomplete!(), " AND lead_id > $1 ORDER BY lead_id LIMIT $2");
    COUNT_INCOMPLETE = "SELECT COUNT(*) FROM incomplete_lead JOIN lead ON lead.id = incomplete_lead.lead_id \
                        WHERE lead.stage = 'nurturing'";
    UNTOLD = concat!("SELECT ", incomplete!(), " AND told_at IS NULL AND lead_id > 0 ORDER BY lead_id");
    REASSESS = "UPDATE lead SET due_at = $1 WHERE stage = 'nurturing' \
                AND id IN (SELECT lead_id FROM incomplete_lead WHERE lead_id > 0)";
    TELL = "UPDATE incomplete_lead SET told_at = $1 WHERE told_at IS NULL AND lead_id > 0";
    FULL = "INSERT INTO full_team (team, since) VALUES ($1, $2) ON CONFLICT (team) DO UPDATE SET since = excluded.since \
            WHERE full_team.since < $3 RETURNING team";
    NOT_FULL = "DELETE FROM full_team WHERE team = $1";
    KNOWN = "SELECT content, sends_from, told_at FROM campaign_known WHERE campaign = $1";
    ANY_KNOWN = "SELECT MIN(campaign) FROM campaign_known";
    KNOW = "INSERT INTO campaign_known (campaign, content, sends_from, told_at) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (campaign) DO UPDATE SET content = excluded.content, sends_from = excluded.sends_from, \
            told_at = excluded.told_at";
}

/// What of routing has to be looked at, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutingDuty {
    /// Leads that wait for a rep: somebody may have room.
    Waiting,
    /// Leads of which something is not known: marketing has to hear of it.
    Incomplete,
}

impl RoutingDuty {
    fn name(self) -> &'static str {
        match self {
            RoutingDuty::Waiting => "waiting",
            RoutingDuty::Incomplete => "incomplete",
        }
    }
}

/// A lead that waits for a rep. In the order of [`Ord`] they get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingLead {
    /// Which.
    pub lead: LeadId,
    /// Its points.
    pub score: i64,
    /// Since when it has been ready.
    pub since: Timestamp,
}

impl Ord for WaitingLead {
    fn cmp(&self, other: &WaitingLead) -> std::cmp::Ordering {
        (-self.score, self.since, self.lead).cmp(&(-other.score, other.since, other.lead))
    }
}

impl PartialOrd for WaitingLead {
    fn partial_cmp(&self, other: &WaitingLead) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What a rep's turn depends on, as far as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepState {
    /// Who.
    pub email: EmailAddress,
    /// When they were last given a lead.
    pub last_assigned_at: Option<Timestamp>,
    /// How many they were given at that instant and still have.
    pub given_then: i64,
    /// How many they were ever given.
    pub assigned: i64,
    /// How far `weighted` has counted them, in parts of a lead.
    pub level: Option<i64>,
    /// An absence they announced.
    pub away: Option<(Timestamp, Timestamp)>,
    /// How many of their leads are handed off, accepted or contacted now.
    pub open_leads: i64,
}

#[derive(sqlx::FromRow)]
struct RepRow {
    email: String,
    last_assigned_at: Option<i64>,
    assigned: i64,
    level: Option<i64>,
    away_from: Option<i64>,
    away_until: Option<i64>,
}

/// A lead of which something is not known that its campaign requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncompleteLead {
    /// Which.
    pub lead: LeadId,
    /// The campaign that requires it.
    pub campaign: String,
    /// What is not known, as people read it.
    pub missing: Vec<String>,
    /// Since when it would have been ready.
    pub since: Timestamp,
    /// When marketing heard of it.
    pub told_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct IncompleteRow {
    lead_id: i64,
    campaign: String,
    missing: String,
    since: i64,
    told_at: Option<i64>,
}

impl TryFrom<IncompleteRow> for IncompleteLead {
    type Error = StoreError;

    fn try_from(row: IncompleteRow) -> Result<IncompleteLead, StoreError> {
        const TABLE: &str = "incomplete_lead";
        let id = row.lead_id;
        Ok(IncompleteLead {
            lead: LeadId(id),
            campaign: row.campaign,
            missing: serde_json::from_str(&row.missing).map_err(|error| StoreError::Inconsistent {
                table: TABLE,
                id,
                what: format!("missing: {error}"),
            })?,
            since: instant(TABLE, id, row.since)?,
            told_at: instant_opt(TABLE, id, row.told_at)?,
        })
    }
}

/// What became of leads like one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Likes {
    /// How many were handed off.
    pub handed_off: i64,
    /// How many of those became an opportunity.
    pub opportunities: i64,
}

/// What a team knows of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCampaign {
    /// A hash of its brief and its mails.
    pub content: String,
    /// When its leads may be written to; `None`: at once.
    pub sends_from: Option<Timestamp>,
    /// When the mails that tell the team were planned, while it is not known that one has arrived.
    pub told_at: Option<Timestamp>,
}

impl Tx {
    /// What is stored of these reps, in their order; of one never heard of, that nothing is.
    pub async fn rep_states(&mut self, emails: &[&EmailAddress]) -> Result<Vec<RepState>, StoreError> {
        const REPS: &str =
            "SELECT email, last_assigned_at, assigned, level, away_from, away_until FROM rep WHERE email IN";
        const OPEN: &str = "SELECT hand_off.rep, COUNT(*) FROM hand_off JOIN lead ON lead.id = hand_off.lead_id \
                            WHERE hand_off.ended_at IS NULL \
                            AND lead.stage IN ('handed_off', 'accepted', 'contacted') AND hand_off.rep IN";
        const GIVEN_THEN: &str = "SELECT hand_off.rep, COUNT(*) FROM hand_off JOIN rep ON rep.email = hand_off.rep \
                                  WHERE hand_off.ended_at IS NULL AND hand_off.at = rep.last_assigned_at \
                                  AND hand_off.rep IN";
        let mut rows: BTreeMap<String, RepRow> = BTreeMap::new();
        let (mut open, mut given) = (BTreeMap::new(), BTreeMap::new());
        for emails in emails.chunks(bulk::MAX_LIST) {
            let emails = bulk::padded(emails);
            let list = bulk::list(1, emails.len());
            let found: Vec<RepRow> = each!(self, conn => {
                let mut query = sqlx::query_as(AssertSqlSafe(format!("{REPS} ({list})")));
                for email in &emails {
                    query = query.bind(email.as_str());
                }
                query.fetch_all(conn).await
            })?;
            rows.extend(found.into_iter().map(|row| (row.email.clone(), row)));
            for (counts, sql) in [(&mut open, OPEN), (&mut given, GIVEN_THEN)] {
                let sql = format!("{sql} ({list}) GROUP BY hand_off.rep");
                counts.extend(self.counts_by_rep(sql, None, &emails).await?);
            }
        }
        let count = |counts: &BTreeMap<String, i64>, email: &EmailAddress| {
            counts.get(email.as_str()).copied().unwrap_or(0)
        };
        emails
            .iter()
            .map(|email| {
                let row = rows.get(email.as_str());
                let away = match row.and_then(|row| row.away_from.zip(row.away_until)) {
                    Some((from, until)) => Some((instant("rep", 0, from)?, instant("rep", 0, until)?)),
                    None => None,
                };
                Ok(RepState {
                    email: (*email).clone(),
                    last_assigned_at: instant_opt("rep", 0, row.and_then(|row| row.last_assigned_at))?,
                    given_then: count(&given, email),
                    assigned: row.map_or(0, |row| row.assigned),
                    level: row.and_then(|row| row.level),
                    away,
                    open_leads: count(&open, email),
                })
            })
            .collect()
    }

    /// What is stored of a rep; of one never heard of, that nothing is.
    pub async fn rep_state(&mut self, email: &EmailAddress) -> Result<RepState, StoreError> {
        let mut states = self.rep_states(&[email]).await?;
        Ok(states.pop().expect("one was asked for"))
    }

    /// How many leads these reps were given since then, those among them who were given any.
    pub async fn given_since(
        &mut self,
        emails: &[&EmailAddress],
        since: Timestamp,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        let mut counts = BTreeMap::new();
        for emails in emails.chunks(bulk::MAX_LIST) {
            let emails = bulk::padded(emails);
            let sql = format!(
                "SELECT rep, COUNT(*) FROM hand_off WHERE at >= $1 AND rep IN ({}) GROUP BY rep",
                bulk::list(2, emails.len())
            );
            counts.extend(self.counts_by_rep(sql, Some(millis(since)), &emails).await?);
        }
        Ok(counts)
    }

    async fn counts_by_rep(
        &mut self,
        sql: String,
        first: Option<i64>,
        emails: &[&EmailAddress],
    ) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(each!(self, conn => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            if let Some(first) = first {
                query = query.bind(first);
            }
            for email in emails {
                query = query.bind(email.as_str());
            }
            query.fetch_all(conn).await
        })?)
    }

    /// How far `weighted` has counted a rep from now on.
    pub async fn set_rep_level(&mut self, email: &EmailAddress, level: i64) -> Result<(), StoreError> {
        each!(self, conn =>
            sqlx::query(SET_LEVEL).bind(level).bind(email.as_str()).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Who was last given a lead of this company, another one than `lead`: the newest first, each once.
    pub async fn reps_of_company(
        &mut self,
        company_key: &str,
        lead: LeadId,
    ) -> Result<Vec<EmailAddress>, StoreError> {
        let rows: Vec<String> = each!(self, conn => sqlx::query_scalar(KNOWS_COMPANY)
            .bind(company_key)
            .bind(lead.0)
            .bind(COLLEAGUES)
            .fetch_all(conn)
            .await)?;
        let mut reps: Vec<EmailAddress> = Vec::new();
        for row in rows {
            let rep = parsed("hand_off", 0, &row)?;
            if !reps.contains(&rep) {
                reps.push(rep);
            }
        }
        Ok(reps)
    }

    /// Keeps how well the lead fitted when it was handed off, to be counted among its like.
    pub async fn note_grade(&mut self, id: HandOffId, grade: Option<Grade>) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(ADD_GRADE)
            .bind(grade.map(Grade::name))
            .bind(id.0)
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }

    /// A handed-off lead became an opportunity; the first time counts.
    pub async fn note_opportunity(&mut self, id: HandOffId, at: Timestamp) -> Result<(), StoreError> {
        each!(self, conn =>
            sqlx::query(ADD_OPPORTUNITY).bind(millis(at)).bind(id.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// What became of the leads of a campaign with that grade that were handed off since then.
    pub async fn likes(
        &mut self,
        campaign: &str,
        grade: Grade,
        since: Timestamp,
    ) -> Result<Likes, StoreError> {
        let (handed_off, opportunities): (i64, i64) = each!(self, conn => sqlx::query_as(LIKE)
            .bind(campaign)
            .bind(grade.name())
            .bind(millis(since))
            .fetch_one(conn)
            .await)?;
        Ok(Likes { handed_off, opportunities })
    }

    /// The first leads of a campaign that wait for a rep.
    pub async fn waiting_leads(
        &mut self,
        campaign: &str,
        limit: i64,
    ) -> Result<Vec<WaitingLead>, StoreError> {
        let rows: Vec<(i64, i64, i64)> = each!(self, conn =>
            sqlx::query_as(WAITING).bind(campaign).bind(limit).fetch_all(conn).await)?;
        rows.into_iter()
            .map(|(id, score, since)| {
                Ok(WaitingLead { lead: LeadId(id), score, since: instant("lead", id, since)? })
            })
            .collect()
    }

    /// How many leads of a campaign wait for a rep, and since when the first of them does.
    pub async fn count_waiting_leads(
        &mut self,
        campaign: &str,
    ) -> Result<(i64, Option<Timestamp>), StoreError> {
        let (count, since): (i64, Option<i64>) =
            each!(self, conn => sqlx::query_as(COUNT_WAITING).bind(campaign).fetch_one(conn).await)?;
        Ok((count, instant_opt("lead", 0, since)?))
    }

    /// Has the leads that wait for a rep looked at: somebody has room, or is back earlier than announced. As many of
    /// them as there is room for get a rep then, the first first.
    ///
    /// Whoever is just routing leads is waited for: either they see the room, or this is seen after them.
    pub async fn look_at_waiting_leads(&mut self, at: Timestamp) -> Result<(), StoreError> {
        self.lock_routing().await?;
        self.look_at_routing(RoutingDuty::Waiting, at).await
    }

    /// Has qualified leads that wait for a rep of a campaign which is none of these find their place anew.
    pub async fn requeue_leads_without_campaign(
        &mut self,
        campaigns: &[&str],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let list = bulk::list(2, campaigns.len());
        let of_no_campaign = format!("stage = 'qualified' AND due_at IS NULL AND campaign NOT IN ({list})");
        // These and those on marketing's list, in the order of all locks; an update takes them in any.
        if self.locks_rows() {
            let lock = format!(
                "SELECT id FROM lead WHERE $1 > 0 AND ({of_no_campaign}) OR stage = 'nurturing' \
                 AND id IN (SELECT lead_id FROM incomplete_lead) ORDER BY id FOR NO KEY UPDATE"
            );
            self.of_campaigns(lock, at, campaigns).await?;
        }
        self.of_campaigns(format!("UPDATE lead SET due_at = $1 WHERE {of_no_campaign}"), at, campaigns).await
    }

    /// A statement whose first value is an instant, and whose others are campaigns.
    async fn of_campaigns(
        &mut self,
        sql: String,
        at: Timestamp,
        campaigns: &[&str],
    ) -> Result<(), StoreError> {
        each!(self, conn => {
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(millis(at));
            for campaign in campaigns {
                query = query.bind(*campaign);
            }
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Has something looked at by then, or earlier if that was planned.
    pub async fn look_at_routing(&mut self, what: RoutingDuty, at: Timestamp) -> Result<(), StoreError> {
        each!(self, conn =>
            sqlx::query(LOOK).bind(what.name()).bind(millis(at)).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Plans the next look, whatever was planned before; `None`: there is nothing to look at.
    pub async fn plan_routing(&mut self, what: RoutingDuty, at: Option<Timestamp>) -> Result<(), StoreError> {
        match at {
            Some(at) => each!(self, conn =>
                sqlx::query(PLAN).bind(what.name()).bind(millis(at)).execute(conn).await.map(drop))?,
            None => each!(self, conn => sqlx::query(CLEAR).bind(what.name()).execute(conn).await.map(drop))?,
        }
        Ok(())
    }

    /// When something has to be looked at, in epoch milliseconds.
    pub async fn next_routing_due(&mut self, what: RoutingDuty) -> Result<Option<i64>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(DUE).bind(what.name()).fetch_optional(conn).await)?)
    }

    /// Puts a lead on marketing's list; `false` when it stands there with the same.
    pub async fn lead_is_incomplete(
        &mut self,
        lead: LeadId,
        campaign: &str,
        missing: &[String],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let missing = serde_json::to_string(missing).unwrap_or_else(|_| "[]".to_owned());
        let row: Option<i64> = each!(self, conn => sqlx::query_scalar(INCOMPLETE)
            .bind(lead.0)
            .bind(campaign)
            .bind(missing)
            .bind(millis(at))
            .fetch_optional(conn)
            .await)?;
        Ok(row.is_some())
    }

    /// Which of these leads stand on marketing's list.
    pub async fn incomplete_among(&mut self, leads: &[LeadId]) -> Result<BTreeSet<LeadId>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        let rows: Vec<(i64,)> =
            self.select_by_ids("SELECT lead_id FROM incomplete_lead WHERE lead_id IN", &ids, "").await?;
        Ok(rows.into_iter().map(|(id,)| LeadId(id)).collect())
    }

    /// Has the leads on marketing's list looked at: something else may be required from now on.
    /// Whoever changes other leads too locks all of them first.
    pub async fn look_at_incomplete_leads(&mut self, at: Timestamp) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(REASSESS).bind(millis(at)).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Takes a lead off marketing's list.
    pub async fn lead_is_complete(&mut self, lead: LeadId) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(COMPLETE).bind(lead.0).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// A page of marketing's list, in the order of the leads' rows, behind `after`.
    pub async fn incomplete_leads(
        &mut self,
        after: LeadId,
        limit: i64,
    ) -> Result<Vec<IncompleteLead>, StoreError> {
        let rows: Vec<IncompleteRow> = each!(self, conn =>
            sqlx::query_as(INCOMPLETE_LEADS).bind(after.0).bind(limit).fetch_all(conn).await)?;
        rows.into_iter().map(IncompleteLead::try_from).collect()
    }

    /// How many leads stand on marketing's list.
    pub async fn count_incomplete_leads(&mut self) -> Result<i64, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(COUNT_INCOMPLETE).fetch_one(conn).await)?)
    }

    /// Those on marketing's list of which it has not heard; from now on it has.
    pub async fn tell_incomplete_leads(&mut self, now: Timestamp) -> Result<Vec<IncompleteLead>, StoreError> {
        let rows: Vec<IncompleteRow> = each!(self, conn => sqlx::query_as(UNTOLD).fetch_all(conn).await)?;
        each!(self, conn => sqlx::query(TELL).bind(millis(now)).execute(conn).await.map(drop))?;
        rows.into_iter().map(IncompleteLead::try_from).collect()
    }

    /// Leads wait because nobody of a team is there with room; `false` when that was known since `today` began.
    pub async fn leads_wait(
        &mut self,
        team: &str,
        now: Timestamp,
        today: Timestamp,
    ) -> Result<bool, StoreError> {
        let row: Option<String> = each!(self, conn => sqlx::query_scalar(FULL)
            .bind(team)
            .bind(millis(now))
            .bind(millis(today))
            .fetch_optional(conn)
            .await)?;
        Ok(row.is_some())
    }

    /// Nobody waits for that team any more.
    pub async fn nobody_waits(&mut self, team: &str) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(NOT_FULL).bind(team).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// What its team knows of a campaign.
    pub async fn known_campaign(&mut self, campaign: &str) -> Result<Option<KnownCampaign>, StoreError> {
        let row: Option<(String, Option<i64>, Option<i64>)> =
            each!(self, conn => sqlx::query_as(KNOWN).bind(campaign).fetch_optional(conn).await)?;
        row.map(|(content, from, told)| {
            let instant = |at| instant_opt("campaign_known", 0, at);
            Ok(KnownCampaign { content, sends_from: instant(from)?, told_at: instant(told)? })
        })
        .transpose()
    }

    /// Whether any campaign is known: none is before the first playbook.
    pub async fn knows_campaigns(&mut self) -> Result<bool, StoreError> {
        let row: Option<String> = each!(self, conn => sqlx::query_scalar(ANY_KNOWN).fetch_one(conn).await)?;
        Ok(row.is_some())
    }

    /// From now on the team knows this of a campaign.
    pub async fn know_campaign(&mut self, campaign: &str, known: &KnownCampaign) -> Result<(), StoreError> {
        each!(self, conn => sqlx::query(KNOW)
            .bind(campaign)
            .bind(known.content.as_str())
            .bind(millis_opt(known.sends_from))
            .bind(millis_opt(known.told_at))
            .execute(conn)
            .await
            .map(drop))?;
        Ok(())
    }
}
