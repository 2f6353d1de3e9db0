//! The figures `nurtured` is held to, measured on this machine in one run.
//!
//! ```text
//! cargo bench --bench figures -- [wake|sla|report|delivery|hot|memory|import|classify|all]
//! ```
//!
//! No figure stands alone: a wake is compared with a wake on a store a hundred times smaller, delivery with
//! what postfix's own `smtp-source` pushes into the same `smtp-sink`, in alternating rounds of the same run,
//! so that whatever else the machine does weighs on both. Printed are medians. Nothing fails here: a slow
//! machine is no defect. With `NURTURED_TEST_POSTGRES` set to a server, delivery is measured on it too.

mod classify;
mod delivery;
mod history;
mod hot;
mod intake;
mod memory;
mod postfix;
mod process;
mod report;
mod seed;
mod site;
mod sla;
mod table;
mod wake;

use std::error::Error;

use table::Table;

/// What went wrong: a missing tool, a full disk.
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    // Cargo adds `--bench`.
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let known = ["wake", "sla", "report", "delivery", "hot", "memory", "import", "classify", "all"];
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("no figure is called `{unknown}`; there are {}", known.join(", ")).into());
    }
    let all = wanted.is_empty() || wanted.iter().any(|name| name == "all");
    let wants = |name: &str| all || wanted.iter().any(|wanted| wanted == name);
    let runtime = tokio::runtime::Runtime::new()?;
    let mut table = Table::default();
    runtime.block_on(async {
        if wants("wake") {
            wake::measure(&mut table).await?;
        }
        if wants("sla") {
            sla::measure(&mut table).await?;
        }
        if wants("report") {
            report::measure(&mut table).await?;
        }
        if wants("delivery") {
            delivery::measure(&mut table).await?;
        }
        if wants("hot") {
            hot::measure(&mut table).await?;
        }
        if wants("memory") {
            memory::measure(&mut table).await?;
        }
        if wants("import") {
            intake::measure(&mut table).await?;
        }
        Outcome::Ok(())
    })?;
    if wants("classify") {
        classify::measure(&mut table)?;
    }
    println!("{table}");
    Ok(())
}
