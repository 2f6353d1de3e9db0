//! Ten thousand leads whose mail is due: planned, rendered, sent, marked, by `nurtured run --once`.

use std::time::Duration;

use tokio::time::Instant;

use super::Outcome;
use super::postfix::Sink;
use super::process::Process;
use super::seed::{self, Leads};
use super::site::Site;
use super::table::{Table, median};

#[path = "../../tests/support/postgres.rs"]
mod postgres;

const MAILS: usize = 10_000;
const ROUNDS: usize = 5;
const DUE: Leads = Leads { enrolled: MAILS, due: MAILS };

pub async fn measure(table: &mut Table) -> Outcome<()> {
    let size = mail_size().await?;
    table.add("a mail as it is sent", format!("{size} bytes"), "");
    let sink = Sink::start()?;
    let mut on_sqlite = Series::new("SQLite");
    let mut on_postgres = Series::new("PostgreSQL");
    for round in 1..=ROUNDS {
        eprintln!("delivery: round {round} of {ROUNDS}, {MAILS} mails …");
        let site = Site::on_sqlite(DUE).await?;
        on_sqlite.add(sink.push(MAILS, size)?, deliver(&site, &sink).await?);
        if let Some(database) = postgres::Database::create().await {
            let site = Site::on_postgres(database.url(), DUE).await?;
            on_postgres.add(sink.push(MAILS, size)?, deliver(&site, &sink).await?);
        }
    }
    on_sqlite.tell(table, "≥ 0.35");
    on_postgres.tell(table, "");
    Ok(())
}

/// Rounds of theirs and ours, one after the other.
struct Series {
    name: &'static str,
    theirs: Vec<f64>,
    ours: Vec<f64>,
    ratios: Vec<f64>,
}

impl Series {
    fn new(name: &'static str) -> Series {
        Series { name, theirs: Vec::new(), ours: Vec::new(), ratios: Vec::new() }
    }

    fn add(&mut self, theirs: Duration, ours: Duration) {
        let rate = |took: Duration| MAILS as f64 / took.as_secs_f64();
        self.theirs.push(rate(theirs));
        self.ours.push(rate(ours));
        self.ratios.push(theirs.as_secs_f64() / ours.as_secs_f64());
    }

    fn tell(&self, table: &mut Table, required: &str) {
        if self.ours.is_empty() {
            return;
        }
        let name = self.name;
        table.add(
            format!("smtp-source -d -s 8, beside {name}"),
            format!("{:.0}/s", median(&self.theirs)),
            "",
        );
        table.add(
            format!("run --once, planning included, {name}"),
            format!("{:.0}/s", median(&self.ours)),
            "",
        );
        table.add(format!("ratio on {name}"), format!("{:.2}", median(&self.ratios)), required);
    }
}

/// How long the program takes from its start to its end.
async fn deliver(site: &Site, sink: &Sink) -> Outcome<Duration> {
    let config = site.configure(sink.port)?;
    let log = site.path().join("log");
    let begun = Instant::now();
    let ended = Process::start(&config, &["run", "--once"], &log)?.finish();
    let took = begun.elapsed();
    ended.map_err(|error| format!("{error}: {}", std::fs::read_to_string(&log).unwrap_or_default()))?;
    let sent = seed::sent(&site.url).await?;
    if sent != MAILS as i64 {
        return Err(format!("{sent} of {MAILS} mails were sent").into());
    }
    Ok(took)
}

/// How large a mail is on average: written to files by the same program.
async fn mail_size() -> Outcome<usize> {
    let site = Site::on_sqlite(Leads { enrolled: 100, due: 100 }).await?;
    let config = site.configure(1)?;
    let text = std::fs::read_to_string(&config)?.replacen("\"smtp\"", "\"directory\"", 1);
    std::fs::write(&config, text)?;
    Process::start(&config, &["run", "--once"], &site.path().join("log"))?.finish()?;
    let mut bytes = 0;
    let mut mails = 0;
    for entry in std::fs::read_dir(site.path().join("mail"))? {
        bytes += entry?.metadata()?.len() as usize;
        mails += 1;
    }
    bytes.checked_div(mails).ok_or_else(|| "no mail was written".into())
}
