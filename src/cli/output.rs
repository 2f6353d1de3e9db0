//! How commands end: what they say when they fail, and with which exit code.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use crate::problem::Problems;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub enum CliError {
    /// It failed. Exit code 1.
    Failed(String),
    /// It was asked for something that makes no sense. Exit code 2.
    Misuse(String),
    /// A file that a person wrote has problems. Exit code 2.
    Problems(Problems),
    /// It has said everything already. Exit code 1.
    Silent,
    /// It has said everything already, and whoever ran it should do so again later: 75, `EX_TEMPFAIL` of
    /// sysexits.h, as mail servers understand it.
    TryAgain,
}

impl CliError {
    /// A failure in the words of an error.
    pub fn failed(error: impl Display) -> CliError {
        CliError::Failed(error.to_string())
    }
}

/// Says why a command did not do what it was asked to, and gives its exit code.
pub fn report(error: &CliError) -> ExitCode {
    match error {
        CliError::Failed(words) => {
            eprintln!("nurtured: {words}");
            ExitCode::from(1)
        }
        CliError::Misuse(words) => {
            eprintln!("nurtured: {words}");
            ExitCode::from(2)
        }
        CliError::Problems(problems) => {
            eprint!("{problems}");
            let count = problems.len();
            eprintln!("\n{count} {}", if count == 1 { "problem" } else { "problems" });
            ExitCode::from(2)
        }
        CliError::Silent => ExitCode::from(1),
        CliError::TryAgain => ExitCode::from(75),
    }
}

/// A reader that has seen enough (`nurtured … | head`) is no failure.
pub fn pipe(error: io::Error) -> Result<(), CliError> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(CliError::failed(error)) }
}

/// Prints a line to standard output; a reader that has seen enough ends the command quietly.
pub fn line(text: &str) -> Result<(), CliError> {
    use io::Write as _;
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(CliError::failed(error)),
    }
}
