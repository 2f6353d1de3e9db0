//! A file of a million leads, by `nurtured import`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::Outcome;
use super::process::{Process, Resident};
use super::seed::Leads;
use super::site::Site;
use super::table::{Table, mib};

const ROWS: usize = 1_000_000;
const EVERY: Duration = Duration::from_millis(50);

pub async fn measure(table: &mut Table) -> Outcome<()> {
    eprintln!("import: {ROWS} rows …");
    let site = Site::on_sqlite(Leads { enrolled: 0, due: 0 }).await?;
    let config = site.configure(1)?;
    let csv = site.path().join("leads.csv");
    write_csv(&csv, 0, ROWS)?;
    let begun = Instant::now();
    let mut import = Process::start(&config, &["import", &csv.to_string_lossy()], &site.path().join("log"))?;
    let mut resident = Resident::default();
    while !import.has_ended()? {
        resident = import.resident().unwrap_or(resident);
        tokio::time::sleep(EVERY).await;
    }
    let took = begun.elapsed();
    import.finish()?;
    table.add("import of 1,000,000 rows", format!("{:.0} rows/s", ROWS as f64 / took.as_secs_f64()), "");
    table.add("its memory, peak", mib(resident.peak), "");
    Ok(())
}

/// Writes a list of leads whose numbers begin after `first`.
pub fn write_csv(path: &Path, first: usize, rows: usize) -> Outcome<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(
        file,
        "Email,First Name,Last Name,Company,Job Title,Phone,Country,utm_source,utm_medium,utm_campaign"
    )?;
    for i in first + 1..=first + rows {
        writeln!(
            file,
            "jane.doe.{i}@buyer-{}.example,Jane,Doe-{i},Buyer {} Ltd,Head of Operations,+91 22 {},IN,google,cpc,autumn",
            i / 3,
            i / 3,
            20_000_000 + i,
        )?;
    }
    Ok(file.flush()?)
}
