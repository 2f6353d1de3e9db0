//! The store says and does the same on SQLite and on PostgreSQL.
//!
//! Every statement is prepared on both, and every public method of `Tx` is called in some story, which runs
//! on both with the same assertions. A method that no story calls fails the last test here: it would be one
//! that never ran on PostgreSQL before a customer's database ran it.

#[path = "../support/postgres.rs"]
mod postgres;

mod commitments;
mod contacts;
mod enrolments;
mod escalation;
mod hand_offs;
mod keeping;
mod leads;
mod log;
mod opening;
mod others;
mod outbox;
mod recycling;
mod reports;
mod routing;
mod undoing;

use std::collections::BTreeMap;

use jiff::Timestamp;
use nurtured::domain::email::EmailAddress;
use nurtured::domain::ids::LeadId;
use nurtured::domain::lead::{Lead, Stage};
use nurtured::store::{NewEnrolment, Store, StoreError, Tx, all_statements};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection};

/// Where the stories take place. Dropping it removes the database.
struct Place {
    url: String,
    _remains: Remains,
}

enum Remains {
    Folder { _folder: tempfile::TempDir },
    Database { _database: postgres::Database },
}

impl Place {
    fn sqlite() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("nurtured.db").display());
        Place { url, _remains: Remains::Folder { _folder: folder } }
    }

    async fn postgres() -> Option<Place> {
        let database = postgres::Database::create().await?;
        Some(Place { url: database.url(), _remains: Remains::Database { _database: database } })
    }

    async fn store(&self) -> Store {
        Store::open(&self.url).await.expect("a store")
    }

    /// A connection beside the store, for what its interface rightly does not offer.
    async fn connection(&self) -> Raw {
        match self.url.strip_prefix("sqlite:") {
            Some(path) => {
                let options =
                    sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
                Raw::Sqlite(options.connect().await.expect("a connection"))
            }
            None => Raw::Postgres(PgConnection::connect(&self.url).await.expect("a connection")),
        }
    }
}

enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    async fn prepare(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Raw::Sqlite(connection) => connection.prepare(sql.into_sql_str()).await.map(drop),
            Raw::Postgres(connection) => connection.prepare(sql.into_sql_str()).await.map(drop),
        }
    }

    /// Runs `sql` and returns how many rows it changed.
    async fn execute(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Raw::Sqlite(connection) => connection.execute(sql).await.map(|done| done.rows_affected()),
            Raw::Postgres(connection) => connection.execute(sql).await.map(|done| done.rows_affected()),
        }
    }

    async fn close(self) {
        match self {
            Raw::Sqlite(connection) => connection.close().await.expect("closed"),
            Raw::Postgres(connection) => connection.close().await.expect("closed"),
        }
    }
}

/// Makes two tests of each story: one on SQLite, one on PostgreSQL.
macro_rules! stories {
    ($($file:ident: $($story:ident),+;)+) => {
        mod on_sqlite {
            $($(#[tokio::test]
            async fn $story() {
                super::$file::$story(super::Place::sqlite()).await;
            })+)+
        }
        mod on_postgres {
            $($(#[tokio::test]
            async fn $story() {
                if let Some(place) = super::Place::postgres().await {
                    super::$file::$story(place).await;
                }
            })+)+
        }
    };
}

stories! {
    opening: every_statement_can_be_prepared, no_statement_of_a_wake_looks_through_a_table, a_database_of_a_newer_program_is_refused,
        one_sqlite_file_serves_one_daemon, a_reading_transaction_sees_one_moment_and_changes_nothing,
        clocks_of_the_first_version_run_on, several_programs_may_open_a_new_store_at_once, what_is_rolled_back_never_was;
    leads: an_address_is_one_lead, every_field_of_a_lead_comes_back, leads_are_found_by_what_is_asked_for,
        leads_that_are_due_are_found_in_their_order, leads_in_other_hands_are_left_to_them,
        what_a_lead_did_is_remembered_once;
    enrolments: a_lead_is_in_one_sequence_at_a_time_and_in_each_once, sales_has_no_voice_while_an_enrolment_runs,
        enrolments_are_looked_at_when_they_are_due;
    outbox: a_mail_is_planned_once, a_mail_is_marked_under_its_lease_alone, a_lost_mail_is_found_by_its_lease,
        a_mail_in_doubt_that_left_after_all_is_sent, staff_mail_keeps_its_bytes,
        a_staff_mail_gets_its_bytes_after_its_number, a_mail_that_has_to_wait_stays_the_same_mail,
        what_leads_asked_for_is_found_apart;
    contacts: a_slot_is_taken_once, slots_of_a_company_are_taken_once, a_suppression_is_kept_once_for_each_reason;
    hand_offs: a_lead_has_one_open_hand_off, a_rep_is_known_by_what_was_given_to_them, one_at_a_time_decides_who_gets_a_lead,
        a_clock_runs_until_it_is_stopped, a_level_fires_once;
    escalation: a_matter_is_told_once, the_many_matters_of_one_reader_hide_nothing_else,
        nothing_more_is_told_about_a_lead_that_is_forgotten,
        a_rep_has_one_appointment_for_each_purpose, a_rep_s_untried_leads_are_known;
    commitments: a_lead_is_delivered_once_however_often_it_changes_hands, waiting_and_nearly_ready_leads_are_counted,
        how_promises_were_kept_is_counted, a_commitment_is_told_and_closed_once, an_item_of_the_agenda_is_taken_once;
    routing: whose_turn_it_is_is_read_for_many_at_once, who_waits_comes_by_points_and_then_by_age,
        leads_whose_campaign_is_gone_find_their_place_anew, who_knows_a_company_is_found_by_its_latest_leads,
        leads_are_counted_among_their_like, what_is_missing_is_told_once, that_leads_wait_is_told_once_a_day,
        what_a_team_knows_of_a_campaign_is_kept;
    recycling: a_rejection_is_kept_once_and_disputed_once, what_marketing_has_to_look_at_stands_in_one_list,
        what_a_double_had_becomes_the_other_s;
    log: the_log_keeps_everything_in_its_order, the_log_cannot_be_changed, words_are_kept_apart;
    keeping: one_playbook_is_in_force, a_key_is_made_once, the_brake_is_pulled_once_and_the_day_counted,
        a_mail_that_comes_in_is_noted_once_and_kept_until_somebody_looked,
        how_far_a_mailbox_was_read_is_known, one_daemon_at_a_time_reads_a_mailbox,
        the_last_wake_is_known, what_is_open_is_counted;
    others: a_token_is_known_by_its_hash, a_request_is_begun_once, words_of_a_person_go_and_facts_stay,
        who_subscribes_is_told_of_each_event_in_its_order;
    undoing: what_was_so_before_is_kept_until_it_is_undone_once,
        a_sequence_goes_on_that_should_not_have_ended_unless_there_is_another,
        a_mail_that_may_be_a_lead_s_holds_its_sequence_until_it_is_settled;
    reports: leads_that_sales_had_in_a_period_are_read_page_by_page, promises_and_what_was_found_late_are_read_of_many_leads,
        the_most_frequent_answers_are_counted_by_campaign_and_question, what_a_campaign_brought_is_counted_by_lead,
        a_mailed_report_is_planned_once;
}

/// 2 March 2026 is a Monday.
fn at(time: &str) -> Timestamp {
    format!("2026-03-02T{time}Z").parse().expect("a time of day")
}

fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

/// A nurtured lead of whom nothing is known but the address.
fn lead(email: &str) -> Lead {
    Lead { stage: Stage::Nurturing, ..Lead::new(address(email), at("08:00:00")) }
}

async fn insert(tx: &mut Tx, lead: &Lead) -> LeadId {
    tx.insert_lead(lead).await.expect("inserted").expect("a new address")
}

fn enrolment(lead: LeadId, sequence: &str) -> NewEnrolment {
    NewEnrolment {
        lead,
        sequence: sequence.to_owned(),
        entry: 1,
        round: 1,
        started_at: at("09:00:00"),
        due_at: at("09:00:00"),
    }
}

/// Checks that what was asked of a transaction is refused as existing already. The transaction is of no more
/// use on PostgreSQL, so it is given up.
#[track_caller]
fn assert_conflict<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
}

#[test]
fn every_method_of_a_transaction_is_called_in_a_story() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let texts = |folder: &str| -> BTreeMap<std::path::PathBuf, String> {
        std::fs::read_dir(root.join(folder))
            .expect("a folder of the project")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
            .map(|path| (path.clone(), std::fs::read_to_string(path).expect("a text")))
            .collect()
    };
    let stories = texts("tests/store").into_values().collect::<String>();
    let stories: String = stories.split_whitespace().collect();
    let mut methods = 0;
    let mut forgotten = Vec::new();
    for (path, text) in texts("src/store") {
        let Some((_, of_tx)) = text.split_once("\nimpl Tx {") else { continue };
        let of_tx = of_tx.split("\n}").next().unwrap_or_default();
        for name in of_tx.split("    pub async fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next())
        {
            methods += 1;
            if !stories.contains(&format!(".{name}(")) {
                forgotten.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(methods > 60, "only {methods} methods were found: this test looks in the wrong place");
    assert!(forgotten.is_empty(), "no story calls\n{}", forgotten.join("\n"));
    assert!(all_statements().count() > 60);
}
