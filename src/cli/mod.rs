//! The commands: one file or folder each.
//!
//! Every command that prints data has `--json`, one object a line. Exit codes: 0 done, 1 failed, 2 misuse or
//! invalid configuration. What a command prints goes to standard output; progress and complaints go to
//! standard error.

pub mod clock;
mod demo;
pub mod import;
mod output;
mod simulate;
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use output::CliError;

/// Nurtures leads, hands ready ones to one rep, and does not forget those that nobody has contacted.
#[derive(Debug, Parser)]
#[command(name = "nurtured", version, about, long_about = None, max_term_width = 100)]
struct Cli {
    /// The server's configuration. Without it: `nurtured.toml` in the working directory, or defaults that work.
    #[arg(long, short, global = true, env = "NURTURED_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Two simulated months on sample leads: a readable timeline, and the mails as files
    Demo(demo::Demo),
    /// What would happen: the real engine on a virtual clock, on the leads and events of a file
    Simulate(simulate::Simulate),
    /// Business-time calculator: JSON Lines in, JSON Lines out
    Clock,
}

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("nurtured: threads cannot be started: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::report(&error),
    }
}

async fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Demo(demo) => demo.run().await,
        Command::Simulate(simulate) => simulate.run().await,
        Command::Clock => tokio::task::spawn_blocking(run_clock).await.map_err(CliError::failed)?,
    }
}

fn run_clock() -> Result<(), CliError> {
    let input = std::io::stdin().lock();
    let output = std::io::BufWriter::new(std::io::stdout().lock());
    match clock::run(input, output) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CliError::Silent),
        Err(error) => output::pipe(error),
    }
}
