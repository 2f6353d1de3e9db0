//! `kill -9`, again and again, in the middle of a wave.

use std::collections::BTreeSet;
use std::time::Duration;

use nurtured::domain::ids::OutboxId;
use nurtured::domain::mail::{Audience, MailState};
use serde_json::Value;

use crate::daemon::{PATIENCE, eventually};
use crate::world::{STEPS, World};

/// How often a daemon is killed, unless the environment says otherwise.
const KILLS: usize = 12;

/// Leads for each kill: enough that every kill falls into the wave.
const LEADS_PER_KILL: usize = 90;

/// Hand-offs that come in between two kills. Mail to staff goes first, so the first mails of each daemon are these.
const ASKS_PER_KILL: usize = 24;

/// What a daemon can have in flight: two lanes with a batch of 32 each.
const IN_FLIGHT: usize = 64;

#[tokio::test]
async fn a_killed_daemon_sends_no_lead_mail_twice_and_loses_none_to_staff_on_sqlite() {
    killed_again_and_again(World::on_sqlite(PAUSE)).await;
}

#[tokio::test]
async fn a_killed_daemon_sends_no_lead_mail_twice_and_loses_none_to_staff_on_postgres() {
    if let Some(world) = World::on_postgres(PAUSE).await {
        killed_again_and_again(world).await;
    }
}

/// What the mail server takes for a mail: so long that the wave does not outrun the kills.
const PAUSE: Duration = Duration::from_millis(2);

async fn killed_again_and_again(world: World) {
    let kills: usize = from_environment("NURTURED_KILLS").unwrap_or(KILLS);
    let mut moments = Moments::new();
    let leads = kills * LEADS_PER_KILL;
    world.take_in("wave", 0..leads).await;

    let mut doubtful = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    let mut interrupted = BTreeSet::new();
    for kill in 0..kills {
        world.take_in("asks", kill * ASKS_PER_KILL..(kill + 1) * ASKS_PER_KILL).await;
        let mut daemon = world.start("daemon");
        // What was in flight at a kill may never arrive, so it is not counted on.
        let to_come = (leads * STEPS).saturating_sub(world.sink.count() + interrupted.len());
        // Every other kill comes soon, while mail to staff is in flight.
        let room = if kill % 2 == 0 { ASKS_PER_KILL } else { to_come / (kills - kill + 1) };
        let until = world.sink.count() + 1 + moments.below(room);
        assert!(
            world.sink.reaches(until, PATIENCE),
            "{moments:?}: no mail after {kill} kills\n{}",
            daemon.said()
        );
        // Between two answers of the mail server there are claims, marks and much else to be interrupted.
        std::thread::sleep(Duration::from_micros(moments.below(30_000) as u64));
        assert!(daemon.runs(), "{moments:?}: it ended by itself\n{}", daemon.said());
        daemon.kill();
        world.settled().await;

        let in_flight: Vec<_> = world.mails(MailState::Sending).await;
        let new: BTreeSet<OutboxId> = in_flight.iter().map(|mail| mail.id).collect();
        let new: BTreeSet<OutboxId> = new.difference(&interrupted).copied().collect();
        assert!(new.len() <= IN_FLIGHT, "{moments:?}: {} mails were in flight at once", new.len());
        for mail in &in_flight {
            match mail.audience {
                Audience::Lead => doubtful.insert(mail.id),
                Audience::Staff => repeated.insert(mail.id),
            };
        }
        interrupted = in_flight.iter().map(|mail| mail.id).collect();
    }

    let daemon = world.start("daemon");
    world.quiet().await;
    let outcome = world.outcome().await;
    outcome.assert_guarantee();
    assert_eq!(
        outcome.in_doubt(),
        doubtful,
        "{moments:?}: in doubt is what was in flight at a kill, and only that"
    );
    assert!(!doubtful.is_empty(), "{moments:?}: no kill fell into the sending of mail to leads");
    assert!(!repeated.is_empty(), "{moments:?}: no kill fell into the sending of mail to staff");
    let (sent, doubted) = (MailState::Sent, doubtful.len());
    assert_eq!(
        outcome.count(Audience::Lead, sent) + doubted,
        leads * STEPS,
        "{moments:?}: every step was taken"
    );
    assert_eq!(
        outcome.count(Audience::Staff, sent),
        kills * ASKS_PER_KILL,
        "{moments:?}: every rep was told"
    );

    eprintln!(
        "{kills} kills: {} mails taken on, {} to leads in doubt, {} to staff sent again; seed {}",
        world.sink.count(),
        doubtful.len(),
        repeated.len(),
        moments.seed
    );
    resolved(&world, &doubtful).await;
    drop(daemon);
}

/// Every mail in doubt is shown, with a command that settles it.
async fn resolved(world: &World, doubtful: &BTreeSet<OutboxId>) {
    let (listed, _) = world.command(&["outbox", "--in-doubt", "--json", "--limit", "1000000"]);
    let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ids: BTreeSet<OutboxId> =
        listed.iter().filter_map(|mail| mail["mail"].as_i64()).map(OutboxId).collect();
    assert_eq!(ids, *doubtful);
    let (_, advice) = world.command(&["outbox", "--in-doubt"]);
    assert!(advice.contains("nurtured outbox resolve"), "{advice}");

    // One that did not arrive goes again, the others count as sent.
    let before = world.outcome().await;
    let lost = doubtful.iter().copied().find(|id| !before.arrived(*id));
    if let Some(lost) = lost {
        world.command(&["outbox", "resolve", &lost.to_string(), "--again"]);
        eventually("the mail is sent after all", async || {
            let state = world.outcome().await.mails.get(&lost).map(|mail| mail.state);
            (state == Some(MailState::Sent)).then_some(())
        })
        .await;
        assert!(world.outcome().await.arrived(lost));
        world.outcome().await.assert_guarantee();
    }
    world.command(&["outbox", "resolve", "all", "--sent"]);
    let after = world.outcome().await;
    assert_eq!(after.in_doubt(), BTreeSet::new());
    assert!(after.mails.values().all(|mail| mail.state == MailState::Sent), "nothing is left to be settled");
}

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Random moments that can be had again: a failure shows the seed.
#[derive(Debug)]
struct Moments {
    seed: u64,
    state: u64,
}

impl Moments {
    fn new() -> Moments {
        let seed = from_environment("NURTURED_KILL_SEED").unwrap_or_else(|| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).expect("random bytes");
            u64::from_ne_bytes(bytes)
        });
        Moments { seed, state: seed }
    }

    /// A number below `bound`, by SplitMix64.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let random = mixed ^ (mixed >> 31);
        (random % (bound.max(1) as u64)) as usize
    }
}
