//! A wake with nothing due, on a store with ten thousand leads and on one with a million.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use nurtured::clock::Clock;
use nurtured::engine::{Engine, Identity, Limits};
use nurtured::mail::message::Correspondent;
use nurtured::mail::transport::{Memory, Transport};
use nurtured::store::Store;

use super::Outcome;
use super::seed::Leads;
use super::site::Site;
use super::table::{Table, median, ms};

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
const ROUNDS: usize = 51;

pub async fn measure(table: &mut Table) -> Outcome<()> {
    eprintln!("wake: filling stores with {FEW} and {MANY} leads …");
    let few = Site::on_sqlite(Leads { enrolled: FEW, due: 0 }).await?;
    let many = Site::on_sqlite(Leads { enrolled: MANY, due: 0 }).await?;
    measure_on(table, &few, &many).await
}

async fn measure_on(table: &mut Table, few: &Site, many: &Site) -> Outcome<()> {
    let few = engine(few).await?;
    let many = engine(many).await?;
    // The first wake notes that somebody was here; it is not one of those that find nothing to do.
    let first = wake(&many).await?;
    wake(&few).await?;
    let mut took_few = Vec::with_capacity(ROUNDS);
    let mut took_many = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        took_few.push(wake(&few).await?);
        took_many.push(wake(&many).await?);
    }
    let (few, many) = (median(&took_few), median(&took_many));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    table.add("idle wake, 10,000 leads", ms(few), "");
    table.add("idle wake, 1,000,000 leads", ms(many), "< 20 ms");
    table.add("its ratio to 10,000 leads", format!("{ratio:.2}"), "≤ 2");
    table.add("first wake after the start, 1,000,000 leads", ms(first), "");
    Ok(())
}

async fn wake(engine: &Arc<Engine>) -> Outcome<Duration> {
    let now = Clock::System.now();
    let begun = Instant::now();
    let report = engine.wake(now).await;
    let took = begun.elapsed();
    if report.failed() || report.did() != Default::default() {
        return Err(format!("something was due: {report:?}").into());
    }
    Ok(took)
}

async fn engine(site: &Site) -> Outcome<Arc<Engine>> {
    let store = Store::open(&site.url).await?;
    let transport = Transport::Memory(Memory::new());
    Ok(Arc::new(Engine::new(store, Clock::System, identity()?, transport, Limits::default()).await?))
}

/// Who writes, and whom nobody answers.
pub fn identity() -> Outcome<Identity> {
    Ok(Identity {
        from: Correspondent { name: None, address: "ann@ours.example".parse()? },
        reply_to: None,
        public_url: "https://nurture.ours.example".to_owned(),
        log_address: None,
        operator: None,
        company: "Ours".to_owned(),
        postal_address: None,
    })
}
