//! Opening a store, and what its transactions are.

use nurtured::store::{Store, StoreError, all_statements};

use sqlx::AssertSqlSafe;

use super::{Place, Raw, at, insert, lead};

pub async fn every_statement_can_be_prepared(place: Place) {
    place.store().await.close().await;
    let mut connection = place.connection().await;
    let mut refused = Vec::new();
    for (file, name, sql) in all_statements() {
        if let Err(error) = connection.prepare(sql).await {
            refused.push(format!("{file}::{name}: {error}\n    {sql}"));
        }
    }
    assert!(refused.is_empty(), "\n{}\n", refused.join("\n"));
    assert!(connection.prepare("SELECT emial FROM lead").await.is_err(), "a misspelt column is found");
    connection.close().await;
}

/// A wake with nothing due costs the same for a thousand leads as for a million: each of its statements knows an
/// index. SQLite says so of an empty database too; PostgreSQL reads a small table whole whatever indices it has.
pub async fn no_statement_of_a_wake_looks_through_a_table(place: Place) {
    /// What only people ask for, now and then, or a mail of every other week; and tables of a few rows.
    const OF_PEOPLE: &[&str] = &[
        "events::AGAINST_GATE",
        "outbox::IN_STATE",
        "standing::LEADS",
        "standing::MAILS",
        "standing::RUNNING_CLOCKS",
        "standing::OVERDUE_CLOCKS",
        "standing::ENROLMENTS",
        "brake::LAST_BEAT",
        "leads::LIST",
        "api_tokens::LIST",
        "persons::KEPT_ANSWERS",
        "webhooks::ENDPOINTS",
        "webhooks::SUBSCRIPTIONS",
        "webhooks::UNSUBSCRIBE_ALL",
        "webhooks::FORGET_ENDPOINT",
        "commitments::OPEN",
        "commitments::AGENDA",
        "commitments::AGENDA_DUE",
        "deliveries::CAME_IN",
        "playbooks::VERSIONS",
        "deliveries::TIME_OPEN",
        "deliveries::KEPT",
        "deliveries::REJECTIONS",
        "deliveries::MOST_FIRED",
        "routing::COUNT_INCOMPLETE",
        "reports::TOP_ANSWERS",
        "reports::BROUGHT",
        "reports::LOOK_AT",
        "mailboxes::READINGS",
        "mailboxes::PLACES",
        "mailboxes::FREE",
    ];
    place.store().await.close().await;
    let Raw::Sqlite(mut connection) = place.connection().await else {
        return;
    };
    // Mails that were seen to be due, as the claim asks for them again.
    let claimed = "SELECT id FROM outbox WHERE state = 'pending' AND due_at <= $1 AND id IN ($2, $3) \
                   ORDER BY due_at, id";
    let mut found = Vec::new();
    for (file, name, sql) in all_statements().chain([("outbox", "still_due", claimed)]) {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
                .fetch_all(&mut connection)
                .await
                .expect("a plan");
        let name = format!("{file}::{name}");
        // An index that has the mails being sent alone may be read whole; so may what was read from it.
        let looks_through = |step: &str| {
            step.starts_with("SCAN")
                && !step.ends_with("outbox_sending")
                && !["SCAN sending", "SCAN CONSTANT ROW"].contains(&step)
        };
        let by_rows = plan.iter().any(|step| step.3.contains("PRIMARY KEY"));
        if name == "outbox::still_due" && !by_rows
            || plan.iter().any(|step| looks_through(&step.3)) && !OF_PEOPLE.contains(&name.as_str())
        {
            found.push(format!("{name}: {plan:?}"));
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// What the first version wrote, as the next one finds it.
pub async fn clocks_of_the_first_version_run_on(place: Place) {
    let mut connection = place.connection().await;
    let (first, second) = match &connection {
        super::Raw::Sqlite(_) => (
            include_str!("../../migrations/sqlite/0001_initial.sql"),
            include_str!("../../migrations/sqlite/0002_clocks.sql"),
        ),
        super::Raw::Postgres(_) => (
            include_str!("../../migrations/postgres/0001_initial.sql"),
            include_str!("../../migrations/postgres/0002_clocks.sql"),
        ),
    };
    connection.execute(first).await.expect("the first version");
    for sql in [
        "INSERT INTO lead (id, email, fields, stage, stage_at, voice, base_score, score, round, created_at) \
         VALUES (3, 'jane@firm.example', '{}', 'handed_off', 0, 'sales', 0, 0, 1, 0)",
        "INSERT INTO hand_off (id, lead_id, number, rep, team, policy, campaign, at) \
         VALUES (5, 3, 1, 'rep1@ours.example', 'sales', 'hot', 'default', 0)",
        "INSERT INTO sla_clock (id, hand_off_id, lead_id, kind, terms, started_at, deadline_at, next_at, state) \
         VALUES (7, 5, 3, 'first_contact', '{}', 0, 10, 20, 'running')",
        "INSERT INTO sla_level (clock_id, level, fell_due_at, fired_at) VALUES (7, 'warning', 1, 2)",
    ] {
        assert_eq!(connection.execute(sql).await.expect("inserted"), 1);
    }
    connection.execute(second).await.expect("the second version");
    for (sql, rows) in [
        ("UPDATE sla_clock SET number = 1 WHERE id = 7 AND number = 1 AND next_at = 20", 1),
        ("UPDATE sla_level SET fired_at = 2 WHERE clock_id = 7 AND level = 'warning' AND fired_at = 2", 1),
        // A new row gets a number that is free.
        (
            "INSERT INTO sla_clock (hand_off_id, lead_id, kind, number, terms, started_at, deadline_at, state) \
             VALUES (5, 3, 'accept', 1, '{}', 0, 10, 'running')",
            1,
        ),
    ] {
        assert_eq!(connection.execute(sql).await.expect(sql), rows, "{sql}");
    }
    let again = "INSERT INTO sla_clock (hand_off_id, lead_id, kind, number, terms, started_at, deadline_at, state) \
                 VALUES (5, 3, 'first_contact', 2, '{}', 0, 10, 'running')";
    connection.execute(again).await.expect_err("one of a kind runs");
    connection.close().await;
}

pub async fn a_database_of_a_newer_program_is_refused(place: Place) {
    place.store().await.close().await;
    let mut connection = place.connection().await;
    let added = connection
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
             SELECT version + 1000, description, installed_on, success, checksum, execution_time \
             FROM _sqlx_migrations",
        )
        .await
        .expect("a migration from the future");
    assert!(added > 0);
    connection.close().await;
    match Store::open(&place.url).await.err() {
        Some(error @ StoreError::Newer { found, known }) => {
            assert_eq!(found, known + 1000);
            let said = error.to_string();
            assert!(
                said.contains("install the newer nurtured") && said.contains(&found.to_string()),
                "{said}"
            );
        }
        other => panic!("{other:?}"),
    }
}

pub async fn one_sqlite_file_serves_one_daemon(place: Place) {
    let (first, second) = (place.store().await, place.store().await);
    first.claim_for_daemon().expect("nobody else has it");
    if first.is_exclusive() {
        let refused = second.claim_for_daemon();
        assert!(matches!(refused, Err(StoreError::Taken { .. })), "{refused:?}");
        // Nor by another name, as a release folder behind a link gives it.
        let file = place.url.trim_start_matches("sqlite:");
        let link = format!("{file}.link");
        std::os::unix::fs::symlink(file, &link).expect("a link");
        let refused = Store::open_for_daemon(&format!("sqlite:{link}")).await.err();
        assert!(matches!(refused, Some(StoreError::Taken { .. })), "{refused:?}");
        // Whoever only asks or imports is not kept away.
        let mut tx = second.begin().await.expect("a transaction");
        insert(&mut tx, &lead("jane@firm.example")).await;
        tx.commit().await.expect("committed");
    } else {
        second.claim_for_daemon().expect("daemons share a PostgreSQL");
    }
    first.close().await;
    drop(first);
    second.claim_for_daemon().expect("the claim ended with the first");
    second.close().await;
}

pub async fn a_reading_transaction_sees_one_moment_and_changes_nothing(place: Place) {
    let store = place.store().await;
    let mut reading = store.read().await.expect("a reading transaction");
    assert_eq!(reading.standing(at("09:00:00")).await.expect("counts").leads, []);

    let mut writing = store.begin().await.expect("a transaction beside it");
    insert(&mut writing, &lead("jane@firm.example")).await;
    writing.commit().await.expect("committed");

    assert_eq!(reading.standing(at("09:00:00")).await.expect("counts").leads, []);
    let refused = reading.insert_lead(&lead("john@firm.example")).await;
    assert!(matches!(refused, Err(StoreError::Driver(_))), "{refused:?}");
    drop(reading);

    let mut reading = store.read().await.expect("a reading transaction");
    let leads = reading.standing(at("09:00:00")).await.expect("counts").leads;
    assert_eq!(leads, [("nurturing".to_owned(), 1)]);
    drop(reading);
    store.close().await;
}

pub async fn several_programs_may_open_a_new_store_at_once(place: Place) {
    let opened = futures_util::future::join_all((0..4).map(|_| Store::open(&place.url))).await;
    for store in opened {
        let store = store.expect("a store");
        let mut tx = store.begin().await.expect("a transaction");
        assert_eq!(tx.playbook_in_force().await.expect("an answer"), None);
        tx.rollback().await.expect("rolled back");
        store.close().await;
    }
}

pub async fn what_is_rolled_back_never_was(place: Place) {
    let store = place.store().await;
    let mut tx = store.begin().await.expect("a transaction");
    let jane = lead("jane@firm.example");
    insert(&mut tx, &jane).await;
    tx.rollback().await.expect("rolled back");
    // A transaction that is merely dropped is rolled back too, before the next one begins.
    let mut tx = store.begin().await.expect("a transaction");
    insert(&mut tx, &jane).await;
    drop(tx);
    let mut tx = store.begin().await.expect("a transaction");
    assert_eq!(tx.lead_by_email(&jane.email).await.expect("an answer"), None);
    insert(&mut tx, &jane).await;
    tx.commit().await.expect("committed");
    store.close().await;
    drop(store);

    let store = place.store().await;
    let mut tx = store.read().await.expect("a transaction");
    assert!(tx.lead_by_email(&jane.email).await.expect("an answer").is_some());
    drop(tx);
    store.close().await;
}

#[tokio::test]
async fn an_address_of_no_known_kind_is_refused_without_showing_its_password() {
    match Store::open("mysql://app:secret@db/leads").await.err() {
        Some(error @ StoreError::Address { .. }) => {
            let said = error.to_string();
            assert!(said.contains("mysql://app:…@db/leads") && !said.contains("secret"), "{said}");
        }
        other => panic!("{other:?}"),
    }
}
