//! One command and its answers, and what can go wrong in words that may be logged.

use async_imap::Session;
use async_imap::error::Error;
use async_imap::imap_proto::{Outcome, Response, Status};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::mail::mailbox::Trouble;
use crate::mail::transport::masked;

/// More of what a server says about a failure is not told.
const MOST_WORDS: usize = 120;

/// Why a command did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server said no. The connection is as good as before.
    Refused(String),
    /// The connection is of no more use.
    Lost(String),
}

impl Failure {
    pub(super) fn lost(why: &str) -> Failure {
        Failure::Lost(why.to_owned())
    }

    /// What the crate says. Its own words are not taken: some hold what the server sent, which may be a mail.
    pub(super) fn of(error: &Error) -> Failure {
        match error {
            Error::Io(error) if error.kind() == std::io::ErrorKind::Other => {
                Failure::lost("the server answers what cannot be understood")
            }
            Error::Io(error) => Failure::Lost(format!("the connection was lost: {}", error.kind())),
            Error::No(_) | Error::Bad(_) => Failure::Refused("the server refuses it".to_owned()),
            Error::ConnectionLost => Failure::lost("the server hung up"),
            Error::Validate(_) => Failure::lost("there is a line end in what is to be said"),
            _ => Failure::lost("the server answers what cannot be understood"),
        }
    }

    /// As the trouble of a mailbox.
    pub(super) fn trouble(self, what: &str) -> Trouble {
        let (Failure::Refused(why) | Failure::Lost(why)) = self;
        Trouble(format!("{what}: {why}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::of(&error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::of(&Error::Io(error))
    }
}

/// Says `command`, and hears each answer until the one that ends it. A connection that ends before it is lost: it is not
/// an answer with nothing in it.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug>(
    session: &mut Session<S>,
    command: &str,
    mut each: impl FnMut(&Response<'_>) + Send,
) -> Result<(), Failure> {
    let tag = session.run_command(command).await?;
    loop {
        let Some(response) = session.read_response().await? else {
            return Err(Failure::lost("the server hung up"));
        };
        match response.parsed() {
            Response::Done { tag: ended, status, outcome } if *ended == tag => {
                return match status {
                    Status::Ok => Ok(()),
                    Status::No | Status::Bad => Err(Failure::Refused(said(outcome))),
                    Status::PreAuth | Status::Bye => Err(Failure::Lost(said(outcome))),
                };
            }
            other => each(other),
        }
    }
}

/// What the server says about a failure, without addresses.
fn said(outcome: &Outcome<'_>) -> String {
    let words = masked(outcome.information.as_deref().unwrap_or_default());
    let words: String = words.chars().filter(|c| !c.is_control()).take(MOST_WORDS).collect();
    if words.is_empty() { "the server refuses it".to_owned() } else { format!("the server says: {words}") }
}

/// A quoted string (RFC 3501 section 4.3). The configuration lets no control characters in.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_its_own_quotes() {
        assert_eq!(quoted(r#"a "b\ c"#), r#""a \"b\\ c""#);
    }

    #[test]
    fn what_a_server_says_is_told_without_addresses_and_not_for_ever() {
        let information = Some(format!("no mailbox of bob@firm.example {}", "x".repeat(500)).into());
        let told = said(&Outcome { code: None, information });
        assert!(told.starts_with("the server says: no mailbox of [address] x"), "{told}");
        assert!(told.len() < 200);
    }

    #[test]
    fn no_word_of_a_mail_gets_into_a_trouble() {
        let error = Error::Io(std::io::Error::other("parsing of \"Dear Jane\""));
        assert_eq!(Failure::of(&error), Failure::lost("the server answers what cannot be understood"));
    }
}
