//! The commands: one file or folder each.
//!
//! Every command that prints data has `--json`, one object a line. Exit codes: 0 done, 1 failed, 2 misuse or
//! invalid configuration. What a command prints goes to standard output; progress and complaints go to
//! standard error.

mod check;
pub mod clock;
mod demo;
pub mod import;
mod lead;
mod outbox;
mod output;
mod preview;
mod rep;
mod run;
mod simulate;
mod status;
mod take_in;
mod timeline;
mod why;
mod workplace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::telemetry;
use workplace::Workplace;

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
    Run(run::Run),
    Demo(demo::Demo),
    Init(check::Init),
    Check(check::Check),
    Import(take_in::Import),
    Lead(lead::LeadCommand),
    Rep(rep::RepCommand),
    Why(why::Why),
    MayContact(why::MayContact),
    Preview(preview::Preview),
    SendTest(preview::SendTest),
    Simulate(simulate::Simulate),
    /// Business-time calculator: JSON Lines in, JSON Lines out
    Clock,
    Status(status::Status),
    Outbox(outbox::Outbox),
    Release(status::Release),
    /// Completions for a shell: nurtured completions bash > /usr/share/bash-completion/completions/nurtured
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
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
    let config = cli.config.as_deref();
    match cli.command {
        Command::Run(command) => command.run(at_work(config, true)?).await,
        Command::Demo(command) => command.run().await,
        Command::Init(command) => command.run(),
        Command::Check(command) => command.run(config),
        Command::Import(command) => command.run(at_work(config, false)?).await,
        Command::Lead(command) => command.run(at_work(config, false)?).await,
        Command::Rep(command) => command.run(at_work(config, false)?).await,
        Command::Why(command) => command.run(at_work(config, false)?).await,
        Command::MayContact(command) => command.run(at_work(config, false)?).await,
        Command::Preview(command) => command.run(at_work(config, false)?).await,
        Command::SendTest(command) => command.run(at_work(config, false)?).await,
        Command::Simulate(command) => command.run().await,
        Command::Clock => tokio::task::spawn_blocking(run_clock).await.map_err(CliError::failed)?,
        Command::Status(command) => command.run(at_work(config, false)?).await,
        Command::Outbox(command) => command.run(at_work(config, false)?).await,
        Command::Release(command) => command.run(at_work(config, false)?).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "nurtured", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// The configuration, and the log as it says. Commands beside the daemon log what went wrong and nothing else.
fn at_work(config: Option<&Path>, daemon: bool) -> Result<Workplace, CliError> {
    let workplace = Workplace::open(config)?;
    let mut log = workplace.config.log;
    if !daemon {
        log.level = log.level.min(tracing::Level::WARN);
    }
    telemetry::start(log, &workplace::environment).map_err(CliError::failed)?;
    for warning in &workplace.config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(workplace)
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
