//! Two daemons on one database.

use std::time::Duration;

use nurtured::domain::mail::{Audience, MailState};

use crate::daemon::PATIENCE;
use crate::world::{STEPS, World};

const LEADS: usize = 300;

#[tokio::test]
async fn a_second_daemon_on_a_sqlite_file_refuses_and_says_why() {
    let world = World::on_sqlite(Duration::ZERO);
    world.take_in("wave", 0..1).await;
    let mut first = world.start("first");
    assert!(world.sink.reaches(1, PATIENCE), "{}", first.said());
    let mut second = world.start("second");
    let status = second.ended().await;
    assert_eq!(status.code(), Some(1), "{}", second.said());
    let said = second.said();
    assert!(said.contains("another nurtured daemon works on"), "{said}");
    assert!(said.contains("stop the other one, or move to PostgreSQL"), "{said}");
    assert!(first.runs(), "{}", first.said());
    // What is on the wire when it is killed is in doubt, and the lead waits: so not before all of it has left.
    assert!(world.sink.reaches(STEPS, PATIENCE), "{}", first.said());
    // The claim goes with the process, however it ends.
    first.kill();
    let third = world.start("third");
    world.take_in("wave", 1..2).await;
    assert!(world.sink.reaches(2 * STEPS, PATIENCE), "{}", third.said());
}

#[tokio::test]
async fn two_daemons_on_postgres_share_the_work_and_send_nothing_twice() {
    let Some(world) = World::on_postgres(Duration::from_millis(5)).await else { return };
    world.take_in("wave", 0..LEADS).await;
    world.take_in("asks", 0..20).await;
    let daemons = [world.start("first"), world.start("second")];
    world.quiet().await;
    let outcome = world.outcome().await;
    outcome.assert_guarantee();
    assert_eq!(outcome.count(Audience::Lead, MailState::Sent), LEADS * STEPS, "none fell into doubt");
    let taken = world.sink.taken();
    assert_eq!(taken.len(), LEADS * STEPS + 20, "none was sent twice, to staff neither");
    for (daemon, name) in daemons.iter().zip(["first.ours.example", "second.ours.example"]) {
        let share = taken.iter().filter(|taken| taken.by == name).count();
        assert!(share > 0, "{name} did nothing\n{}", daemon.said());
    }
}

#[tokio::test]
async fn a_daemon_on_postgres_takes_over_what_a_killed_one_left() {
    let Some(world) = World::on_postgres(Duration::from_millis(5)).await else { return };
    world.take_in("wave", 0..LEADS).await;
    let mut first = world.start("first");
    assert!(world.sink.reaches(LEADS / 3, PATIENCE), "{}", first.said());
    let second = world.start("second");
    first.kill();
    world.quiet().await;
    let outcome = world.outcome().await;
    outcome.assert_guarantee();
    let sent = outcome.count(Audience::Lead, MailState::Sent);
    assert_eq!(sent + outcome.in_doubt().len(), LEADS * STEPS, "{}", second.said());
    assert!(outcome.in_doubt().len() <= 64, "{} in doubt", outcome.in_doubt().len());
}
