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

/// Clocks that run, for a store that is filled with leads.
pub struct Clocks {
    /// How many are due, half of them at their warning and half at their deadline.
    pub due: usize,
    /// What all of them promise.
    pub terms: String,
    pub now: Timestamp,
    pub deadline_reached: Timestamp,
    pub warning_reached: Timestamp,
    pub nothing_reached: Timestamp,
    /// When those that are not due have to be looked at.
    pub next_morning: Timestamp,
}

/// Every lead was handed to a rep, and its clock of first contact runs. The last are those that are due, so that
/// an index and not luck finds them.
const CLOCK_STATEMENTS: [&str; 5] = [
    "UPDATE enrolment SET state = 'exited', voice = NULL, due_at = NULL, ended_at = {now}, ended_why = 'handed off'",
    "UPDATE lead SET stage = 'handed_off', voice = 'sales', stage_at = {started}, \
     owner = 'rep' || (id % 2 + 1) || '@ours.example'",
    "INSERT INTO hand_off (lead_id, number, rep, team, policy, campaign, at) \
     SELECT id, 1, owner, 'sales', 'standard', 'default', {started} FROM lead ORDER BY id",
    "INSERT INTO sla_clock (hand_off_id, lead_id, kind, number, terms, started_at, deadline_at, next_at, state) \
     SELECT id, id, 'first_contact', 1, '{terms}', {started}, {next} , {next}, 'running' FROM lead ORDER BY id",
    "INSERT INTO event (lead_id, occurred_at, recorded_at, kind, facts) \
     SELECT id, {started}, {started}, column1, column2 FROM lead CROSS JOIN \
     (VALUES ('assigned', '{\"to\":\"rep1@ours.example\",\"why\":\"Robin Adler has waited longest\"}'), \
     ('clock_started', '{\"promise\":\"first_contact\",\"policy\":\"standard\"}')) AS k ORDER BY id",
];

/// Starts a clock for every lead of a SQLite store that [`fill`] filled.
pub async fn start_clocks(url: &str, clocks: &Clocks) -> Outcome<()> {
    let path = url.strip_prefix("sqlite:").ok_or("clocks are measured on SQLite")?;
    let mut connection = sqlite(path).await?;
    let leads: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM lead").fetch_one(&mut connection).await?;
    let (due, first) = (clocks.due as i64, leads - clocks.due as i64);
    let at = |instant: Timestamp| instant.as_millisecond();
    let case = |later: Timestamp, warned: Timestamp, broken: Timestamp| {
        let half = first + due / 2;
        let (later, warned, broken) = (at(later), at(warned), at(broken));
        format!("CASE WHEN id <= {first} THEN {later} WHEN id <= {half} THEN {warned} ELSE {broken} END")
    };
    let started = case(clocks.nothing_reached, clocks.warning_reached, clocks.deadline_reached);
    let next = case(clocks.next_morning, clocks.now, clocks.now);
    for statement in CLOCK_STATEMENTS {
        let text = statement
            .replace("{started}", &started)
            .replace("{next}", &next)
            .replace("{now}", &at(clocks.now).to_string())
            .replace("{terms}", &clocks.terms);
        connection.execute(AssertSqlSafe(text)).await?;
    }
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await?;
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
pub async fn sqlite(path: &str) -> Outcome<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-200000");
    Ok(options.connect().await?)
}
