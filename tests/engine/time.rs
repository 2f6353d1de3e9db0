//! A clock that was set.

use jiff::SignedDuration;
use nurtured::clock::ManualClock;

use crate::world::{JANE, World, berlin, engine};

#[tokio::test]
async fn a_clock_that_was_set_stops_leads_mail_and_nothing_else() {
    for (to, words) in [
        (berlin(9, 12, 0), "the clock was set ahead by 7 days"),
        (berlin(1, 12, 0), "the clock was set back by 24 hours"),
    ] {
        let world = World::new().await;
        world.until(berlin(2, 12, 0)).await;
        world.comes_in(JANE, "demo-request").await;
        world.wakes_at(berlin(2, 12, 0)).await;
        world.comes_in("joe@firm.example", "default").await;
        world.sent();
        world.clock.jump(to);
        world.engine.wake_until_done(to).await;
        let mut tx = world.engine.store().read().await.expect("the store answers");
        let brake = tx.brake().await.expect("the store answers").expect("the brake is on");
        tx.rollback().await.expect("the store answers");
        assert_eq!(brake.why, words);
        let sent = world.sent();
        assert!(sent.contains(&"operator@ours.example".to_owned()), "{sent:?}");
        assert!(sent.iter().all(|to| to.ends_with("@ours.example")), "no lead is written to: {sent:?}");
        // Once it is released, time goes on from there.
        assert!(world.engine.release(to).await.expect("released"));
        world.wakes_at(to + SignedDuration::from_secs(1)).await;
        let mut tx = world.engine.store().read().await.expect("the store answers");
        assert_eq!(tx.brake().await.expect("the store answers"), None);
        tx.rollback().await.expect("the store answers");
    }
}

#[tokio::test]
async fn time_that_passes_pulls_no_brake_and_a_clock_behind_the_last_wake_does() {
    let world = World::new().await;
    world.wakes_at(berlin(2, 9, 0)).await;
    world.wakes_at(berlin(20, 9, 0)).await;
    let brake = |world: &World| {
        let store = world.engine.store().clone();
        async move {
            let mut tx = store.read().await.expect("the store answers");
            let brake = tx.brake().await.expect("the store answers");
            tx.rollback().await.expect("the store answers");
            brake
        }
    };
    assert_eq!(brake(&world).await, None);
    // The daemon starts again on a machine whose battery was empty.
    let clock = ManualClock::at(berlin(2, 9, 0));
    let again = engine(world.engine.store().clone(), &clock, &world.mails).await;
    again.wake(clock.now()).await;
    assert_eq!(
        brake(&world).await.map(|brake| brake.why),
        Some("the clock was set back by 18 days".to_owned())
    );
}
