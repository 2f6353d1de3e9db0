//! The event log: append-only, and the source of `why`.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::column::{instant, millis};
use super::{StoreError, Tx, bulk, each, statements};
use crate::domain::ids::{EventId, LeadId, OutboxId};

macro_rules! columns {
    () => {
        "id, lead_id, occurred_at, recorded_at, kind, actor, playbook, outbox_id, facts"
    };
}

statements! {
    OF_LEAD = concat!("SELECT ", columns!(), " FROM event WHERE lead_id = $1 ORDER BY id");
    OF_LEAD_KIND = concat!("SELECT ", columns!(), " FROM event WHERE lead_id = $1 AND kind = $2 ORDER BY id");
    OF_PERSON_AFTER = concat!(
        "SELECT ", columns!(), " FROM event WHERE (lead_id = $1 \
         OR lead_id IN (SELECT lead_id FROM merged_lead WHERE into_id = $1)) AND id > $2 ORDER BY id LIMIT $3"
    );
    AGAINST_GATE = concat!("SELECT ", columns!(), " FROM event WHERE kind = 'called_against_gate' \
                            AND occurred_at >= $1 AND occurred_at < $2 ORDER BY id");
    OF_PERSON = concat!(
        "SELECT ", columns!(), " FROM event WHERE lead_id = $1 \
         OR lead_id IN (SELECT lead_id FROM merged_lead WHERE into_id = $1) ORDER BY id"
    );
    AFTER = concat!("SELECT ", columns!(), " FROM event WHERE id > $1 ORDER BY id LIMIT $2");
    INSERT_ONE = "INSERT INTO event (lead_id, occurred_at, recorded_at, kind, actor, playbook, outbox_id, facts) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
    INSERT_TEXT = "INSERT INTO event_text (event_id, body) VALUES ($1, $2)";
    TEXTS = "SELECT event_id, body FROM event_text WHERE event_id IN (SELECT id FROM event WHERE lead_id = $1)";
    ONE = concat!("SELECT ", columns!(), " FROM event WHERE id = $1");
    TEXT = "SELECT body FROM event_text WHERE event_id = $1";
}

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// To which lead.
    pub lead: Option<LeadId>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When we learned of it.
    pub recorded_at: Timestamp,
    /// What: `stage`, `mail`, `deferred` …
    pub kind: &'static str,
    /// By whose hand; `None`: the daemon's.
    pub actor: Option<String>,
    /// Under which version of the playbook.
    pub playbook: Option<String>,
    /// The mail it is about.
    pub mail: Option<OutboxId>,
    /// The rest, as a JSON object: ids, names of rules, reasons; no personal text.
    pub facts: serde_json::Value,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its row; the log's order.
    pub id: EventId,
    /// To which lead.
    pub lead: Option<LeadId>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When we learned of it.
    pub recorded_at: Timestamp,
    /// What.
    pub kind: String,
    /// By whose hand.
    pub actor: Option<String>,
    /// Under which version of the playbook.
    pub playbook: Option<String>,
    /// The mail it is about.
    pub mail: Option<OutboxId>,
    /// The rest.
    pub facts: serde_json::Value,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: i64,
    lead_id: Option<i64>,
    occurred_at: i64,
    recorded_at: i64,
    kind: String,
    actor: Option<String>,
    playbook: Option<String>,
    outbox_id: Option<i64>,
    facts: String,
}

impl TryFrom<EventRow> for Event {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Event, StoreError> {
        let id = row.id;
        Ok(Event {
            id: EventId(id),
            lead: row.lead_id.map(LeadId),
            occurred_at: instant("event", id, row.occurred_at)?,
            recorded_at: instant("event", id, row.recorded_at)?,
            kind: row.kind,
            actor: row.actor,
            playbook: row.playbook,
            mail: row.outbox_id.map(OutboxId),
            facts: serde_json::from_str(&row.facts).map_err(|error| StoreError::Inconsistent {
                table: "event",
                id,
                what: format!("facts: {error}"),
            })?,
        })
    }
}

fn domain(rows: Vec<EventRow>) -> Result<Vec<Event>, StoreError> {
    rows.into_iter().map(Event::try_from).collect()
}

macro_rules! bind_event {
    ($query:expr, $event:expr) => {
        $query
            .bind($event.lead.map(|id| id.0))
            .bind(millis($event.occurred_at))
            .bind(millis($event.recorded_at))
            .bind($event.kind)
            .bind($event.actor.as_deref())
            .bind($event.playbook.as_deref())
            .bind($event.mail.map(|id| id.0))
            .bind($event.facts.to_string())
    };
}

impl Tx {
    /// Appends events, in their order.
    pub async fn append(&mut self, events: &[NewEvent]) -> Result<(), StoreError> {
        const COLUMNS: usize = 8;
        for events in bulk::pieces(events, COLUMNS) {
            let sql = self.in_dialect(format!(
                "INSERT INTO event (lead_id, occurred_at, recorded_at, kind, actor, playbook, outbox_id, facts) \
                 VALUES {}",
                bulk::values(events.len(), COLUMNS)
            ));
            each!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for event in events {
                    query = bind_event!(query, event);
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// Appends one event with the words somebody used, which are kept apart because they are personal.
    pub async fn append_with_text(
        &mut self,
        event: &NewEvent,
        text: Option<&str>,
    ) -> Result<EventId, StoreError> {
        let id: i64 =
            each!(self, conn => bind_event!(sqlx::query_scalar(INSERT_ONE), event).fetch_one(conn).await)?;
        if let Some(text) = text {
            each!(self, conn => sqlx::query(INSERT_TEXT).bind(id).bind(text).execute(conn).await.map(drop))?;
        }
        Ok(EventId(id))
    }

    /// One entry.
    pub async fn event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        let row: Option<EventRow> =
            each!(self, conn => sqlx::query_as(ONE).bind(id.0).fetch_optional(conn).await)?;
        row.map(Event::try_from).transpose()
    }

    /// Everything that happened to a lead, in order.
    pub async fn events_of(&mut self, lead: LeadId) -> Result<Vec<Event>, StoreError> {
        domain(each!(self, conn => sqlx::query_as(OF_LEAD).bind(lead.0).fetch_all(conn).await)?)
    }

    /// A page of what happened to a lead and to its doubles, in order, behind an entry.
    pub async fn events_of_person_after(
        &mut self,
        lead: LeadId,
        after: EventId,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        domain(each!(self, conn => sqlx::query_as(OF_PERSON_AFTER)
            .bind(lead.0)
            .bind(after.0)
            .bind(limit)
            .fetch_all(conn)
            .await)?)
    }

    /// Everything that happened to a lead and to its doubles, in order.
    pub async fn events_of_person(&mut self, lead: LeadId) -> Result<Vec<Event>, StoreError> {
        domain(each!(self, conn => sqlx::query_as(OF_PERSON).bind(lead.0).fetch_all(conn).await)?)
    }

    /// One kind of event of a lead, in order.
    pub async fn events_of_kind(&mut self, lead: LeadId, kind: &str) -> Result<Vec<Event>, StoreError> {
        domain(
            each!(self, conn => sqlx::query_as(OF_LEAD_KIND).bind(lead.0).bind(kind).fetch_all(conn).await)?,
        )
    }

    /// What stops the clocks of these leads, or has them begin anew: absences, days that they named, more time.
    pub async fn pausing_events_of(&mut self, leads: &[LeadId]) -> Result<Vec<Event>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|id| id.0).collect();
        domain(
            self.select_by_ids(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM event WHERE kind IN ('out_of_office', 'follow_up', 'extended') \
                     AND NOT EXISTS (SELECT 1 FROM undo WHERE undo.event_id = event.id AND undone_at IS NOT NULL) \
                     AND lead_id IN"
                ),
                &ids,
                "ORDER BY id",
            )
            .await?,
        )
    }

    /// Calls from one instant to before another that the gate would have refused, by whom and why: for reports.
    pub async fn calls_against_gate(
        &mut self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Event>, StoreError> {
        domain(each!(self, conn =>
            sqlx::query_as(AGAINST_GATE).bind(millis(from)).bind(millis(to)).fetch_all(conn).await)?)
    }

    /// What figures are made of, of these leads, each in order: stages, what stopped their clocks, what was learned.
    pub async fn figure_events(&mut self, leads: &[LeadId]) -> Result<Vec<Event>, StoreError> {
        let ids: Vec<i64> = leads.iter().map(|lead| lead.0).collect();
        // The condition is that of an index, word for word: SQLite takes the index for nothing else.
        const OF_FIGURES: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM event WHERE kind IN ('stage', 'out_of_office', 'follow_up', 'extended', 'feedback') \
             AND lead_id IN"
        );
        domain(self.select_by_ids(OF_FIGURES, &ids, "ORDER BY lead_id, id").await?)
    }

    /// The log behind an entry.
    pub async fn events_after(&mut self, after: EventId, limit: i64) -> Result<Vec<Event>, StoreError> {
        domain(each!(self, conn => sqlx::query_as(AFTER).bind(after.0).bind(limit).fetch_all(conn).await)?)
    }

    /// The words that belong to an event, if there are any (and they were not erased).
    pub async fn event_text(&mut self, event: EventId) -> Result<Option<String>, StoreError> {
        Ok(each!(self, conn => sqlx::query_scalar(TEXT).bind(event.0).fetch_optional(conn).await)?)
    }

    /// The words that belong to events of a lead.
    pub async fn event_texts(&mut self, lead: LeadId) -> Result<Vec<(EventId, String)>, StoreError> {
        let rows: Vec<(i64, String)> =
            each!(self, conn => sqlx::query_as(TEXTS).bind(lead.0).fetch_all(conn).await)?;
        Ok(rows.into_iter().map(|(id, body)| (EventId(id), body)).collect())
    }
}
