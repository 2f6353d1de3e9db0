//! SIGTERM: what is in flight is finished first. A second one ends it at once.

use std::time::Duration;

use nurtured::domain::mail::MailState;

use crate::daemon::PATIENCE;
use crate::world::{STEPS, World};

const LEADS: usize = 300;

/// As many mails are under way at a time by default.
const CONNECTIONS: usize = 8;

#[tokio::test]
async fn a_stopped_daemon_leaves_nothing_in_flight_on_sqlite() {
    stopped_softly(World::on_sqlite(Duration::from_millis(20))).await;
}

#[tokio::test]
async fn a_stopped_daemon_leaves_nothing_in_flight_on_postgres() {
    if let Some(world) = World::on_postgres(Duration::from_millis(20)).await {
        stopped_softly(world).await;
    }
}

async fn stopped_softly(world: World) {
    world.take_in("wave", 0..LEADS).await;
    world.take_in("asks", 0..10).await;
    let mut daemon = world.start("daemon");
    assert!(world.sink.reaches(40, PATIENCE), "{}", daemon.said());
    daemon.signal("TERM");
    let status = daemon.ended().await;
    assert_eq!(status.code(), Some(0), "{}", daemon.said());
    assert_eq!(world.mails(MailState::Sending).await, []);
    assert_eq!(world.mails(MailState::InDoubt).await, []);
    let before = world.sink.count();
    assert_eq!(world.mails(MailState::Sent).await.len(), before, "what left is marked");
    assert!(before < LEADS * STEPS, "it was stopped in the middle");

    let daemon = world.start("daemon");
    world.quiet().await;
    world.outcome().await.assert_guarantee();
    assert_eq!(world.sink.count(), LEADS * STEPS + 10, "exactly the rest was sent\n{}", daemon.said());
}

#[tokio::test]
async fn a_stopping_daemon_begins_no_further_mail() {
    // More than it could finish of what it has claimed.
    let world = World::on_sqlite(Duration::from_secs(2));
    world.take_in("wave", 0..100).await;
    let mut daemon = world.start("daemon");
    assert!(world.sink.reaches(1, PATIENCE), "{}", daemon.said());
    daemon.signal("TERM");
    let status = daemon.ended().await;
    assert_eq!(status.code(), Some(0), "{}", daemon.said());
    let sent = world.mails(MailState::Sent).await.len();
    assert!((1..=2 * CONNECTIONS).contains(&sent), "{sent} mails were sent");
    assert_eq!(world.sink.count(), sent);
    let given_back = world.mails(MailState::Pending).await;
    assert!(given_back.iter().all(|mail| mail.attempts == 0), "a mail that was not begun was not tried");
    assert!(given_back.len() >= 100 - sent, "all others wait");

    world.sink.take_for_each(Duration::ZERO);
    let _daemon = world.start("daemon");
    world.quiet().await;
    world.outcome().await.assert_guarantee();
    assert_eq!(world.sink.count(), 100 * STEPS, "exactly the rest was sent");
}

#[tokio::test]
async fn a_daemon_that_is_told_twice_ends_at_once() {
    let world = World::on_sqlite(Duration::ZERO);
    world.take_in("wave", 0..100).await;
    world.sink.fall_silent();
    let mut daemon = world.start("daemon");
    assert!(world.sink.keeps_somebody_waiting(PATIENCE), "{}", daemon.said());
    daemon.signal("TERM");
    crate::daemon::eventually("it heard", async || daemon.said().contains("stopping").then_some(())).await;
    daemon.signal("TERM");
    let status = daemon.ended().await;
    assert_eq!(status.code(), Some(1), "{}", daemon.said());
    assert!(daemon.said().contains("the next start settles it"), "{}", daemon.said());

    // What the silent server had taken on is in doubt, nothing is sent twice.
    world.sink.speak_again();
    let _daemon = world.start("daemon");
    world.quiet().await;
    let outcome = world.outcome().await;
    outcome.assert_guarantee();
    assert!(!outcome.in_doubt().is_empty());
}
