//! A year of work with leads, for a store that [`fill`](super::seed::fill) filled: every lead was handed to a rep.
//!
//! Most were taken, called and talked to; of twenty one was won, three are opportunities, and five were given back for
//! one of five reasons. Four promises were made of each, on a working day of the year before, under the terms that the
//! agreement has on that day. Each lead has answered two questions with a word and every third one with a message.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::Outcome;
use super::seed::sqlite;

/// A promise that was made on a day of the year.
pub struct Promised {
    /// Which of the days.
    pub day: usize,
    /// `first_contact` and its like.
    pub kind: &'static str,
    /// What it says, as it is stored.
    pub terms: String,
    /// When it was made.
    pub started: Timestamp,
    /// Until when.
    pub deadline: Timestamp,
}

/// What happened to a lead, told from the hand-off on. `{at}` is its hand-off, `{days}` how many days there are.
const STATEMENTS: [&str; 6] = [
    "UPDATE enrolment SET state = 'exited', voice = NULL, due_at = NULL, ended_at = 0, ended_why = 'handed off'",
    "INSERT INTO hand_off (lead_id, number, rep, team, policy, campaign, at, accepted_at, ended_at, ended_why, grade, \
     opportunity_at) SELECT id, 1, 'rep' || (id % 2 + 1) || '@ours.example', 'sales', 'standard', \
     CASE id % 5 WHEN 0 THEN 'webinar' WHEN 1 THEN 'demo-request' ELSE 'default' END, {at}, {at} + 1800000, \
     CASE WHEN id % 20 < 6 THEN {at} + 432000000 END, \
     CASE WHEN id % 20 = 0 THEN 'won' WHEN id % 20 < 6 THEN 'rejected' END, 'B', \
     CASE WHEN id % 20 = 0 OR id % 20 > 16 THEN {at} + 259200000 END FROM lead ORDER BY id",
    "INSERT INTO sla_clock (hand_off_id, lead_id, kind, number, terms, started_at, deadline_at, state, stopped_at) \
     SELECT hand_off.id, lead_id, promised.kind, 1, terms, started, deadline, \
     CASE lead_id % 7 WHEN 0 THEN 'late' WHEN 1 THEN 'closed' ELSE 'met' END, \
     CASE lead_id % 7 WHEN 0 THEN deadline + 3600000 ELSE (started + deadline) / 2 END \
     FROM hand_off JOIN promised ON promised.day = lead_id % {days} ORDER BY hand_off.id",
    "INSERT INTO event (lead_id, occurred_at, recorded_at, kind, actor, facts) \
     SELECT hand_off.lead_id, hand_off.at + after, hand_off.at + after, k.kind, rep, replace(facts, '{rep}', rep) \
     FROM hand_off JOIN told AS k ON hand_off.lead_id % 20 BETWEEN k.first AND k.last ORDER BY hand_off.lead_id, after",
    "INSERT INTO answer (lead_id, occurred_at, recorded_at, fingerprint, question, answer) \
     SELECT id, {at}, {at}, 'q' || column1, column2, CASE column1 WHEN 1 THEN 'About ' || (id % 9 * 20) \
     WHEN 2 THEN 'Tool number ' || (id % 47) ELSE 'Please call me about ' || id || ' of our places in town.' END \
     FROM lead CROSS JOIN (VALUES (1, 'How many people?'), (2, 'What do you use?'), (3, 'message')) AS k \
     WHERE column1 < 3 OR id % 3 = 0 ORDER BY id",
    "UPDATE lead SET stage = CASE WHEN id % 20 = 0 THEN 'won' WHEN id % 20 < 6 THEN 'resting' \
     WHEN id % 20 > 16 THEN 'opportunity' ELSE 'contacted' END, \
     voice = CASE WHEN id % 20 BETWEEN 1 AND 5 THEN 'nurture' ELSE 'sales' END, \
     campaign = CASE id % 5 WHEN 0 THEN 'webinar' WHEN 1 THEN 'demo-request' ELSE 'default' END, \
     source = CASE id % 4 WHEN 0 THEN 'google' WHEN 1 THEN 'linkedin' WHEN 2 THEN 'partner' END",
];

/// What the log holds: milliseconds after the hand-off, kind, facts, and of which twentieths of the leads.
const TOLD: [(i64, &str, &str, u8, u8); 17] = [
    (0, "stage", r#"{"from":"nurturing","to":"qualified","why":"the hand-off point is reached"}"#, 0, 19),
    (0, "assigned", r#"{"to":"{rep}","why":"Robin Adler has waited longest"}"#, 0, 19),
    (0, "stage", r#"{"from":"qualified","to":"handed_off","why":"to {rep}"}"#, 0, 19),
    (1_800_000, "accepted", "{}", 0, 19),
    (1_800_000, "stage", r#"{"from":"handed_off","to":"accepted","why":"accepted"}"#, 0, 19),
    (3_600_000, "attempt", r#"{"channel":"phone","outcome":"no_answer"}"#, 0, 19),
    (86_400_000, "attempt", r#"{"channel":"phone","outcome":"reached"}"#, 0, 19),
    (86_400_000, "contacted", "{}", 0, 19),
    (86_400_000, "stage", r#"{"from":"accepted","to":"contacted","why":"contacted"}"#, 0, 19),
    (86_400_001, "feedback", r#"{"objection":"price"}"#, 0, 9),
    (172_800_000, "called_against_gate", r#"{"why":"outside the lead's hours"}"#, 7, 7),
    (259_200_000, "opportunity", "{}", 0, 0),
    (259_200_000, "stage", r#"{"from":"contacted","to":"opportunity","why":"opportunity"}"#, 0, 0),
    (259_200_000, "opportunity", "{}", 17, 19),
    (259_200_000, "stage", r#"{"from":"contacted","to":"opportunity","why":"opportunity"}"#, 17, 19),
    (432_000_000, "stage", r#"{"from":"opportunity","to":"won","why":"won"}"#, 0, 0),
    (432_000_000, "stage", r#"{"from":"contacted","to":"rejected","why":"no-budget"}"#, 1, 5),
];

/// Gives every lead its year.
pub async fn happened(url: &str, days: usize, promised: &[Promised]) -> Outcome<()> {
    let path = url.strip_prefix("sqlite:").ok_or("a history is measured on SQLite")?;
    let mut connection = sqlite(path).await?;
    connection
        .execute(
            "CREATE TEMP TABLE promised (day INTEGER, kind TEXT, terms TEXT, started INTEGER, deadline INTEGER);
             CREATE TEMP TABLE told (after INTEGER, kind TEXT, facts TEXT, first INTEGER, last INTEGER)",
        )
        .await?;
    for one in promised {
        sqlx::query("INSERT INTO promised VALUES ($1, $2, $3, $4, $5)")
            .bind(one.day as i64)
            .bind(one.kind)
            .bind(one.terms.as_str())
            .bind(one.started.as_millisecond())
            .bind(one.deadline.as_millisecond())
            .execute(&mut connection)
            .await?;
    }
    for (after, kind, facts, first, last) in TOLD {
        sqlx::query("INSERT INTO told VALUES ($1, $2, $3, $4, $5)")
            .bind(after)
            .bind(kind)
            .bind(facts)
            .bind(first)
            .bind(last)
            .execute(&mut connection)
            .await?;
    }
    connection.execute("CREATE INDEX temp.of_day ON promised (day)").await?;
    for statement in STATEMENTS {
        let at = format!("(SELECT MIN(started) FROM promised WHERE day = lead.id % {days})");
        let text = statement.replace("{at}", &at).replace("{days}", &days.to_string());
        connection.execute(AssertSqlSafe(text)).await?;
    }
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await?;
    Ok(())
}
