//! What the daemon holds in memory with a million leads in its store, while it plans and delivers a wave, and
//! while a file is imported beside it.

use std::time::Duration;

use tokio::time::Instant;

use super::Outcome;
use super::intake::write_csv;
use super::postfix::Sink;
use super::process::{Process, Resident};
use super::seed::{self, Leads};
use super::site::Site;
use super::table::{Table, median, mib};

const LEADS: Leads = Leads { enrolled: 1_000_000, due: 20_000 };
const IMPORTED: usize = 100_000;
/// At least so long is looked, longer when the import or the wave takes longer.
const WATCHED: Duration = Duration::from_secs(40);
/// Nobody waits longer than this for the wave.
const PATIENCE: Duration = Duration::from_secs(300);
const EVERY: Duration = Duration::from_millis(50);

pub async fn measure(table: &mut Table) -> Outcome<()> {
    eprintln!("memory: filling a store with {} leads …", LEADS.enrolled);
    let site = Site::on_sqlite(LEADS).await?;
    let sink = Sink::start()?;
    let config = site.configure(sink.port)?;
    let csv = site.path().join("leads.csv");
    write_csv(&csv, LEADS.enrolled, IMPORTED)?;
    eprintln!("memory: the daemon delivers {} mails and takes in {IMPORTED} leads …", LEADS.due);
    let daemon = Process::start(&config, &["run"], &site.path().join("log"))?;
    let csv = csv.to_string_lossy().into_owned();
    let mut import = Process::start(&config, &["import", &csv], &site.path().join("import-log"))?;
    let begun = Instant::now();
    let mut importing = Resident::default();
    let mut samples = Vec::new();
    let serving = loop {
        let serving = daemon.resident().ok_or("the daemon ended")?;
        samples.push(serving.now);
        importing = import.resident().unwrap_or(importing);
        let delivered = begun.elapsed() > WATCHED && seed::sent(&site.url).await? >= LEADS.enrolled as i64;
        if (delivered && import.has_ended()?) || begun.elapsed() > PATIENCE {
            break serving;
        }
        tokio::time::sleep(EVERY).await;
    };
    import.finish()?;
    let watched = begun.elapsed().as_secs();
    let sent = seed::sent(&site.url).await? - (LEADS.enrolled - LEADS.due) as i64;
    table.add(
        format!("daemon, {sent} mails and {IMPORTED} new leads in {watched} s, peak"),
        mib(serving.peak),
        "< 100 MiB",
    );
    table.add("the same, median", mib(median(&samples)), "");
    table.add("nurtured import beside it, peak", mib(importing.peak), "< 100 MiB");
    Ok(())
}
