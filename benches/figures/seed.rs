//! A store as the program would have left it, filled by SQL: a million leads by the front door take minutes.
//!
//! Every lead came in with a touch and, each third, an activity; was given its campaign; was enrolled in
//! `welcome`. The first of them had its first mail ten days ago, with the contact that the caps count, and
//! wait for the second; the rest were enrolled three quarters of an hour ago and have their first mail due.
//! The log has the events of all that. Three leads share a company, as many as may get mail on one day.
//!
//! The leads live where the calendar tables know no public holidays, because a holiday would hold the mail.

use jiff::{SignedDuration, Timestamp};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::Outcome;

/// How many leads a store holds.
#[derive(Clone, Copy)]
pub struct Leads {
    /// Enrolled in a sequence.
    pub enrolled: usize,
    /// Of them, those whose next mail is due.
    pub due: usize,
}

/// The rows, in the order in which their tables refer to each other. Ids count from 1 in each table, because
/// it was empty; so the mail, the contact and the enrolment of a lead have its number.
const STATEMENTS: [&str; 7] = [
    "INSERT INTO lead (email, first_name, last_name, company, company_key, title, phone, country, zone, language, \
     fields, campaign, source, stage, stage_at, voice, base_score, score, round, created_at) \
     SELECT 'jane.doe.' || i || '@buyer-' || (i / 3) || '.example', 'Jane', 'Doe-' || i, 'Buyer ' || (i / 3) || ' Ltd', \
     'buyer-' || (i / 3) || '.example', 'Head of Operations', '+9122' || (10000000 + i), \
     CASE i % 2 WHEN 0 THEN 'IN' ELSE 'AE' END, \
     CASE i % 2 WHEN 0 THEN 'Asia/Kolkata' ELSE 'Asia/Dubai' END, 'en', \
     '{\"employees\":\"120\",\"industry\":\"manufacturing\"}', 'default', 'google', 'nurturing', {entered}, 'nurture', 0, 10, 1, {entered} \
     FROM n ORDER BY i",
    "INSERT INTO touch (lead_id, occurred_at, recorded_at, fingerprint, source, medium, campaign, landing_page) \
     SELECT i, {entered}, {entered}, \
     'f156c5ace176e8b4f2dbc149c9801164f1c6b5182b603a8d21bd81' || (1000000000 + i), 'google', 'cpc', 'autumn', \
     'https://ours.example/landing' FROM n ORDER BY i",
    "INSERT INTO activity (lead_id, occurred_at, recorded_at, fingerprint, name) \
     SELECT i, {entered}, {entered}, '81f1c6b5182b603a8d21bd8100fa8a3b36f156c5ace176e8b4f2db' || (1000000000 + i), \
     'newsletter' FROM n WHERE i % 3 = 0 ORDER BY i",
    "INSERT INTO enrolment (lead_id, sequence, entry, round, state, voice, started_at, last_sent_at, due_at) \
     SELECT i, 'welcome', 1, 1, 'active', 'nurture', {entered}, CASE WHEN i <= {waiting} THEN {mailed} END, \
     CASE WHEN i <= {waiting} THEN {later} + i ELSE {due} END FROM n ORDER BY i",
    "INSERT INTO outbox (audience, class, state, due_at, lead_id, recipient, unique_key, requested, playbook, \
     enrolment_id, sequence, step, subject, attempts, planned_at, ended_at) \
     SELECT 'lead', 'nurture', 'sent', {mailed}, i, 'jane.doe.' || i || '@buyer-' || (i / 3) || '.example', \
     'step:' || i || ':hello', FALSE, '{version}', i, 'welcome', 'hello', 'What you can expect from us', 1, {mailed}, {mailed} \
     FROM n WHERE i <= {waiting} ORDER BY i",
    "INSERT INTO contact (lead_id, occurred_at, local_date, channel, outbox_id, slot, company_key, company_slot) \
     SELECT i, {mailed}, {mailed} / 86400000, 'email', i, 0, 'buyer-' || (i / 3) || '.example', i % 3 \
     FROM n WHERE i <= {waiting} ORDER BY i",
    "INSERT INTO event (lead_id, occurred_at, recorded_at, kind, playbook, outbox_id, facts) \
     SELECT i, {entered}, {entered}, column2, '{version}', CASE column2 WHEN 'mail' THEN i END, column3 \
     FROM n CROSS JOIN (VALUES (1, 'taken_in', '{\"campaign\":null,\"source\":\"google\"}'), \
     (2, 'stage', '{\"from\":\"new\",\"to\":\"nurturing\",\"why\":\"campaign `default`\"}'), \
     (3, 'enrolled', '{\"sequence\":\"welcome\",\"why\":\"campaign `default`\"}'), (4, 'mail', '{}')) \
     AS k WHERE column2 <> 'mail' OR i <= {waiting} ORDER BY i, column1",
];

/// Fills an empty store.
pub async fn fill(url: &str, version: &str, leads: Leads, now: Timestamp) -> Outcome<()> {
    let waiting = leads.enrolled - leads.due;
    let at = |ago: SignedDuration| (now - ago).as_millisecond().to_string();
    let long_ago = at(SignedDuration::from_hours(10 * 24));
    let entered =
        format!("CASE WHEN i <= {waiting} THEN {long_ago} ELSE {} END", at(SignedDuration::from_mins(45)));
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) ",
        leads.enrolled
    );
    let mut script = Vec::with_capacity(STATEMENTS.len());
    for statement in STATEMENTS {
        // `INSERT … WITH … SELECT` is understood by both databases.
        let text = statement.replacen("SELECT", &format!("{numbers}SELECT"), 1);
        let text = text
            .replace("{entered}", &entered)
            .replace("{mailed}", &long_ago)
            .replace("{due}", &at(SignedDuration::from_mins(15)))
            .replace("{later}", &at(SignedDuration::from_hours(-24)))
            .replace("{waiting}", &waiting.to_string())
            .replace("{version}", version);
        script.push(text);
    }
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection = sqlite(path).await?;
            for sql in script {
                connection.execute(AssertSqlSafe(sql)).await?;
            }
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
            connection.close().await?;
        }
        None => {
            let mut connection = PgConnection::connect(url).await?;
            for sql in script {
                connection.execute(AssertSqlSafe(sql)).await?;
            }
            connection.close().await?;
        }
    }
    Ok(())
}

/// How many mails to leads were sent.
pub async fn sent(url: &str) -> Outcome<i64> {
    const SENT: &str = "SELECT COUNT(*) FROM outbox WHERE state = 'sent' AND audience = 'lead'";
    Ok(match url.strip_prefix("sqlite:") {
        Some(path) => sqlx::query_scalar(SENT).fetch_one(&mut sqlite(path).await?).await?,
        None => sqlx::query_scalar(SENT).fetch_one(&mut PgConnection::connect(url).await?).await?,
    })
}

/// Quick rather than safe: a store that is lost here is filled again.
async fn sqlite(path: &str) -> Outcome<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-200000");
    Ok(options.connect().await?)
}
