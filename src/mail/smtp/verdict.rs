//! From what went wrong in an SMTP dialogue to what that means for the mail.
//!
//! Pure: where the dialogue stood and what happened there decide the [`Outcome`]. Two rules carry it.
//! Only after the final dot was begun can a silent failure leave the mail in doubt. And only a word
//! about the *recipient's* address, at RCPT, counts against the address: a server that dislikes our
//! sender, our IP address or our content must not cost us a lead.

use std::error::Error as _;
use std::io;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::response::Response;

use crate::mail::transport::{Outcome, Reply, Scope};

/// Where a dialogue stands. Up to [`Phase::Auth`] no mail was mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Opening the TCP connection.
    Connect,
    /// The TLS handshake, and STARTTLS before it.
    Tls,
    /// The server's greeting and EHLO.
    Greeting,
    /// AUTH.
    Auth,
    /// MAIL: the envelope sender.
    Mail,
    /// RCPT: the recipient.
    Rcpt,
    /// DATA, before any of the message.
    Data,
    /// Within the message. What the server has of it, it must throw away (RFC 5321 section 4.1.1.4).
    Body,
    /// The final dot, and the reply to it.
    Dot,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The server said no.
    Said {
        /// The reply code, 400 to 599.
        code: u16,
        /// The text behind it, beginning with the enhanced status code if there is one.
        text: String,
    },
    /// The connection broke, or the server no longer speaks SMTP.
    Lost(String),
    /// No answer in time.
    Late,
    /// We will not go on with this server as it is set up.
    Unfit(String),
}

/// A dialogue that did not end with the mail taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) phase: Phase,
    pub(super) cause: Cause,
}

impl Failure {
    /// What the failure means for the mail that was to be sent.
    pub(super) fn outcome(self) -> Outcome {
        let phase = self.phase;
        match self.cause {
            Cause::Said { code, text } => {
                let reply = Reply::new(format!("{code} {text}"));
                if code >= 500 {
                    Outcome::Refused { reply, scope: scope_of_refusal(phase, &text) }
                } else {
                    Outcome::Deferred { reply, scope: scope_of_delay(phase, code) }
                }
            }
            Cause::Lost(what) => silent(phase, format!("connection lost {}: {what}", phase.during())),
            Cause::Late => silent(phase, format!("no answer in time {}", phase.during())),
            Cause::Unfit(why) if phase < Phase::Mail => {
                Outcome::Refused { reply: Reply::new(why), scope: Scope::Transport }
            }
            Cause::Unfit(why) => silent(phase, why),
        }
    }

    /// Whether the connection had been closed while nobody used it: it never got to know of the mail.
    pub(super) fn was_stale(&self) -> bool {
        self.phase == Phase::Mail
            && match self.cause {
                Cause::Lost(_) | Cause::Late => true,
                Cause::Said { code, .. } => code == 421,
                Cause::Unfit(_) => false,
            }
    }

    /// Whether the server answered in full and did not announce that it hangs up (RFC 5321 section
    /// 3.8): the next command would get its own reply.
    pub(super) fn leaves_dialogue_in_step(&self) -> bool {
        matches!(self.cause, Cause::Said { code, .. } if code != 421)
    }
}

impl Phase {
    fn during(self) -> &'static str {
        match self {
            Phase::Connect => "while connecting",
            Phase::Tls => "while setting up TLS",
            Phase::Greeting => "at the greeting",
            Phase::Auth => "at AUTH",
            Phase::Mail => "at MAIL",
            Phase::Rcpt => "at RCPT",
            Phase::Data => "at DATA",
            Phase::Body => "within the message",
            Phase::Dot => "after the message",
        }
    }
}

/// A failure without a word from the server. One that happens to a mail again and again is that mail's,
/// so it counts against the mail once the server knew of it.
fn silent(phase: Phase, what: String) -> Outcome {
    let reply = Reply::new(what);
    match phase {
        Phase::Dot => Outcome::InDoubt { reply },
        Phase::Rcpt | Phase::Data | Phase::Body => Outcome::Deferred { reply, scope: Scope::Message },
        Phase::Connect | Phase::Tls | Phase::Greeting | Phase::Auth | Phase::Mail => {
            Outcome::Deferred { reply, scope: Scope::Transport }
        }
    }
}

fn scope_of_delay(phase: Phase, code: u16) -> Scope {
    match phase {
        _ if code == 421 => Scope::Transport,
        Phase::Rcpt => Scope::Address,
        Phase::Data | Phase::Body | Phase::Dot => Scope::Message,
        Phase::Connect | Phase::Tls | Phase::Greeting | Phase::Auth | Phase::Mail => Scope::Transport,
    }
}

/// RFC 3463: 5.1.x is about an address, but 5.1.7 and 5.1.8 about the *sender's*, which Postfix tells
/// at RCPT; 5.1.9 is about what lies behind the address; 5.7.x is policy, and so about us.
fn scope_of_refusal(phase: Phase, text: &str) -> Scope {
    match (phase, enhanced_status(text)) {
        (_, Some((7, _))) => Scope::Transport,
        (Phase::Rcpt, Some((1, 7 | 8))) => Scope::Transport,
        (Phase::Rcpt, Some((1, detail))) if detail != 9 => Scope::Address,
        (Phase::Rcpt | Phase::Data | Phase::Body | Phase::Dot, _) => Scope::Message,
        (Phase::Connect | Phase::Tls | Phase::Greeting | Phase::Auth | Phase::Mail, _) => Scope::Transport,
    }
}

/// Subject and detail of the enhanced status code that a 5xx reply begins with (RFC 2034).
fn enhanced_status(text: &str) -> Option<(u16, u16)> {
    let code = text.split_whitespace().next()?.strip_prefix("5.")?;
    let (subject, detail) = code.split_once('.')?;
    // Some servers put punctuation behind the code.
    Some((subject.parse().ok()?, detail.trim_end_matches([':', ';', ',']).parse().ok()?))
}

impl From<&Response> for Cause {
    fn from(response: &Response) -> Cause {
        let text: Vec<_> = response.message().collect();
        let code = u16::from(response.code());
        if code >= 400 {
            Cause::Said { code, text: text.join(" ") }
        } else {
            Cause::Lost(format!("an answer out of turn, {code} {}", text.join(" ")))
        }
    }
}

impl From<SmtpError> for Cause {
    fn from(error: SmtpError) -> Cause {
        let told = error.source().map(ToString::to_string);
        match error.status() {
            Some(code) => Cause::Said { code: code.into(), text: told.unwrap_or_default() },
            None if error.is_client() => Cause::Unfit(told.unwrap_or_else(|| error.to_string())),
            None => Cause::Lost(told.unwrap_or_else(|| error.to_string())),
        }
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Cause {
        Cause::Lost(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(phase: Phase, code: u16, text: &str) -> Scope {
        match (Failure { phase, cause: Cause::Said { code, text: text.to_owned() } }).outcome() {
            Outcome::Refused { scope, .. } => scope,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_word_about_the_recipients_address_counts_against_it() {
        for (text, scope) in [
            ("5.1.1 <jane@buyer.example>: no such user", Scope::Address),
            ("5.1.1: no such user", Scope::Address),
            ("5.1.2 no such host", Scope::Address),
            ("5.1.10 null MX", Scope::Address),
            ("5.1.7 <b@ours.example>: bad sender address syntax", Scope::Transport),
            ("5.1.8 <b@ours.example>: sender domain not found", Scope::Transport),
            ("5.1.9 relayed to a server that cannot", Scope::Message),
            ("5.2.1 mailbox disabled", Scope::Message),
            ("5.2.2 mailbox full", Scope::Message),
            ("5.7.1 relay access denied", Scope::Transport),
            ("5.7.509 DMARC", Scope::Transport),
            ("no such user 5.1.1", Scope::Message),
            ("no such user", Scope::Message),
            ("5.1 x", Scope::Message),
            ("5.x.y", Scope::Message),
            ("4.1.1 class and code disagree", Scope::Message),
            ("", Scope::Message),
        ] {
            assert_eq!(refused(Phase::Rcpt, 550, text), scope, "{text}");
        }
        for phase in [Phase::Mail, Phase::Data, Phase::Dot] {
            assert_ne!(refused(phase, 550, "5.1.1 unknown"), Scope::Address, "{phase:?}");
        }
    }

    #[test]
    fn no_reply_is_read_as_doubt_and_silence_is_doubt_only_after_the_dot() {
        let phases = [
            Phase::Connect,
            Phase::Tls,
            Phase::Greeting,
            Phase::Auth,
            Phase::Mail,
            Phase::Rcpt,
            Phase::Data,
            Phase::Body,
            Phase::Dot,
        ];
        for phase in phases {
            for code in [421, 450, 500, 554] {
                let cause = Cause::Said { code, text: String::new() };
                let outcome = Failure { phase, cause }.outcome();
                assert!(!matches!(outcome, Outcome::InDoubt { .. }), "{phase:?} {code}");
            }
            for cause in [Cause::Late, Cause::Lost("x".to_owned()), Cause::Unfit("x".to_owned())] {
                let outcome = Failure { phase, cause: cause.clone() }.outcome();
                let doubt = matches!(outcome, Outcome::InDoubt { .. });
                assert_eq!(doubt, phase == Phase::Dot, "{phase:?} {cause:?}");
            }
        }
    }
}
