//! The commands: one file or folder each.
//!
//! Every command that prints data has `--json`, one object a line. Exit codes: 0 done, 1 failed, 2 misuse or
//! invalid configuration. What a command prints goes to standard output; progress and complaints go to
//! standard error.

pub mod agreement;
mod arguments;
mod check;
mod classify;
pub mod clock;
mod demo;
pub mod import;
mod ingest;
mod lead;
mod outbox;
mod output;
pub mod plan_capacity;
mod preview;
mod rep;
pub mod report;
mod run;
mod simulate;
mod sla;
mod status;
mod take_in;
mod timeline;
mod token;
mod undo;
mod webhook;
mod why;
mod workplace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::telemetry;
use workplace::Workplace;

pub use output::CliError;

/// The commands by who needs them first, in the order of the help.
const AUDIENCES: [(&str, &[&str]); 4] = [
    ("To begin with", &["demo", "init", "check"]),
    (
        "For operators",
        &[
            "run",
            "status",
            "import",
            "ingest",
            "undo",
            "classify",
            "outbox",
            "release",
            "sla",
            "token",
            "webhook",
            "completions",
        ],
    ),
    ("For marketers", &["preview", "send-test", "simulate", "agreement", "plan-capacity", "clock"]),
    ("For reps and managers", &["lead", "why", "may-contact", "rep", "report"]),
];

/// Nurtures leads by mail, hands ready ones to one rep, and does not forget those that nobody has contacted
#[derive(Debug, Parser)]
#[command(name = "nurtured", version, long_about = None, max_term_width = 100)]
struct Cli {
    /// The server's configuration [default: nurtured.toml here, or else defaults that work]
    #[arg(long, short, global = true, env = "NURTURED_CONFIG", value_name = "FILE", display_order = 900)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Init(check::Init),
    Check(check::Check),
    Run(run::Run),
    Status(status::Status),
    Import(take_in::Import),
    Ingest(ingest::Ingest),
    Undo(undo::Undo),
    Classify(classify::Classify),
    Outbox(outbox::Outbox),
    Release(status::Release),
    Token(token::TokenCommand),
    Webhook(webhook::WebhookCommand),
    Sla(sla::Sla),
    /// Print completions for a shell
    ///
    /// To install them:
    ///
    ///   nurtured completions bash > /usr/share/bash-completion/completions/nurtured
    ///   nurtured completions zsh  > /usr/share/zsh/site-functions/_nurtured
    ///   nurtured completions fish > ~/.config/fish/completions/nurtured.fish
    #[command(verbatim_doc_comment)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    Preview(preview::Preview),
    SendTest(preview::SendTest),
    Simulate(simulate::Simulate),
    Agreement(agreement::AgreementCommand),
    PlanCapacity(plan_capacity::PlanCapacity),
    /// Count business time: JSON Lines in, JSON Lines out
    ///
    /// A line asks how many minutes are open between two instants ("from", "to"), or when so many are
    /// used up ("from", "minutes"), in the "hours" of a "zone"; on "holidays" nothing is open:
    ///
    ///   {"hours":"Mo-Fr 09:00-17:00","zone":"UTC","from":"2026-03-06T16:30:00Z","minutes":60}
    ///   {"hours":"24/7","zone":"UTC","holidays":["2026-03-09"],"from":"…","to":"…"}
    ///
    /// A line that cannot be answered gets an "error" in its place, and the exit code is 1.
    #[command(verbatim_doc_comment)]
    Clock,
    Lead(lead::LeadCommand),
    Why(why::Why),
    MayContact(why::MayContact),
    Rep(rep::RepCommand),
    Report(report::ReportCommand),
}

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
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

/// Whether these arguments, the program's name first, are a command line: that every command, option and value
/// in them exists. Nothing is run. A final `--help` asks whether they begin one. Documentation is held to it.
pub fn parses<'a>(arguments: impl IntoIterator<Item = &'a str>) -> bool {
    match command().try_get_matches_from(arguments) {
        Ok(_) => true,
        Err(error) => !error.use_stderr(),
    }
}

/// The command line, its commands grouped by who needs them.
fn command() -> clap::Command {
    let command = Cli::command();
    let mut groups = String::new();
    for (audience, names) in AUDIENCES {
        groups.push_str(&format!("{audience}:\n"));
        for found in names.iter().filter_map(|name| command.find_subcommand(name)) {
            let about = found.get_about().map(ToString::to_string).unwrap_or_default();
            groups.push_str(&format!("  {:<13}{about}\n", found.get_name()));
        }
        groups.push('\n');
    }
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}\n\n\
         `nurtured help COMMAND` says more about one. Exit codes: 0 done, 1 failed, 2 misuse or invalid configuration."
    );
    command.help_template(template)
}

async fn run(cli: Cli) -> Result<(), CliError> {
    let config = cli.config.as_deref();
    match cli.command {
        Command::Run(command) => command.run(at_work(config, true)?).await,
        Command::Demo(command) => command.run().await,
        Command::Init(command) => command.run(),
        Command::Check(command) => command.run(config),
        Command::Import(command) => command.run(at_work(config, false)?).await,
        Command::Ingest(command) => command.run(config, |config| at_work(config, false)).await,
        Command::Undo(command) => command.run(at_work(config, false)?).await,
        Command::Lead(command) => command.run(at_work(config, false)?).await,
        Command::Rep(command) => command.run(at_work(config, false)?).await,
        Command::Report(command) => command.run(at_work(config, false)?).await,
        Command::Why(command) => command.run(at_work(config, false)?).await,
        Command::MayContact(command) => command.run(at_work(config, false)?).await,
        Command::Preview(command) => command.run(at_work(config, false)?).await,
        Command::SendTest(command) => command.run(at_work(config, false)?).await,
        Command::Simulate(command) => command.run(config).await,
        Command::Agreement(command) => command.run(at_work(config, false)?).await,
        Command::PlanCapacity(command) => command.run(at_work(config, false)?).await,
        Command::Clock => tokio::task::spawn_blocking(run_clock).await.map_err(CliError::failed)?,
        Command::Classify(command) => {
            tokio::task::spawn_blocking(move || command.run()).await.map_err(CliError::failed)?
        }
        Command::Status(command) => command.run(at_work(config, false)?).await,
        Command::Outbox(command) => command.run(at_work(config, false)?).await,
        Command::Sla(command) => command.run(at_work(config, false)?).await,
        Command::Release(command) => command.run(at_work(config, false)?).await,
        Command::Webhook(command) => command.run(at_work(config, false)?).await,
        Command::Token(command) => command.run(at_work(config, false)?).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "nurtured", &mut script);
            output::line(String::from_utf8_lossy(&script).trim_end())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_command_once() {
        let mut grouped: Vec<&str> = AUDIENCES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        grouped.sort_unstable();
        let command = Cli::command();
        let mut known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        known.sort_unstable();
        assert_eq!(grouped, known);
    }

    #[test]
    fn every_argument_of_every_command_has_a_line_of_help() {
        fn look(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} does not say what it does");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path}: {} says nothing", argument.get_id());
            }
            command.get_subcommands().for_each(|inner| look(inner, &path));
        }
        look(&command(), "");
        command().debug_assert();
    }

    #[test]
    fn no_line_of_the_help_is_longer_than_a_terminal_of_100_columns() {
        let help = command().render_help().to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= 110, "{line}");
        }
    }
}
