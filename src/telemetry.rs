//! The log: one line an event, on standard error.
//!
//! Text for people and for journald, which is told the importance of each line and dates it itself; or
//! JSON for a collector. Code logs ids, not addresses. Should one slip through all the same, by way of
//! an error of a mail server or a database, it is masked here, in the line as it is about to be written.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::LazyLock;

use regex::Regex;
use thiserror::Error;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{LogConfig, LogFormat};

/// Why there is no log.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// `RUST_LOG` cannot be read.
    #[error("RUST_LOG is not understood: {0}; write `RUST_LOG=info,nurtured=debug`")]
    Filter(#[from] ParseError),
    /// Somebody has set up a log already.
    #[error("the log is set up twice: {0}")]
    Twice(#[from] TryInitError),
}

/// Who reads the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// A person at a terminal.
    Terminal,
    /// systemd's journal.
    Journal,
    /// A file or a program.
    File,
}

/// Begins to log to standard error. `env` is asked for `RUST_LOG`, `JOURNAL_STREAM` and `NO_COLOR`.
///
/// # Errors
/// When `RUST_LOG` makes no sense, or when it was called before.
pub fn start(config: LogConfig, env: &impl Fn(&str) -> Option<String>) -> Result<(), TelemetryError> {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let reader = match (io::stderr().is_terminal(), set("JOURNAL_STREAM")) {
        // Without colours a terminal is as good as a file.
        (true, _) if set("NO_COLOR") => Reader::File,
        (true, _) => Reader::Terminal,
        (false, true) => Reader::Journal,
        (false, false) => Reader::File,
    };
    let filter = filter(config.level, env("RUST_LOG").as_deref())?;
    subscriber(config.format, filter, reader, io::stderr).try_init()?;
    Ok(())
}

/// What is logged. Others' details are noise, also for one who asks for ours.
fn filter(level: Level, rust_log: Option<&str>) -> Result<EnvFilter, ParseError> {
    match rust_log.filter(|directives| !directives.trim().is_empty()) {
        Some(directives) => EnvFilter::builder().parse(directives),
        // The heartbeat's crate tells the operator of its own birth ("Uninited").
        None => EnvFilter::builder().parse(format!(
            "{},tokio_cron_scheduler={},nurtured={level}",
            level.min(Level::INFO),
            level.min(Level::WARN)
        )),
    }
}

fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    reader: Reader,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // A log that cannot be written (its disk is full) is not complained of on standard error, where it would go
    // the same way: that panics, and would take the pass that logged with it.
    let lines = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(Masking(writer))
        .with_ansi(false);
    match (format, reader) {
        (LogFormat::Json, _) => Box::new(lines.json().flatten_event(true).with_current_span(false).finish()),
        (LogFormat::Text, Reader::Terminal) => Box::new(lines.with_ansi(true).with_target(false).finish()),
        (LogFormat::Text, Reader::File) => Box::new(lines.with_target(false).finish()),
        (LogFormat::Text, Reader::Journal) => {
            let line = tracing_subscriber::fmt::format().without_time().with_level(false).with_target(false);
            Box::new(lines.event_format(JournalLine(line)).finish())
        }
    }
}

/// A line that begins with its importance, as sd-daemon(3) has it, so that `journalctl -p warning` works.
struct JournalLine(Format<Full, ()>);

impl<S, N> FormatEvent<S, N> for JournalLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let importance = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        write!(writer, "<{importance}>")?;
        self.0.format_event(context, writer, event)
    }
}

/// `line` with every email address replaced by `[address]`, as they stand in text, in links and as the
/// credentials of one.
fn masked(line: &str) -> Cow<'_, str> {
    // Before an address may stand the end of a colour code or the name of a field, and both stay.
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        let border = r#"\s<>()\[\]{},;:"'|`\\\x1b"#;
        let pattern =
            format!(r"(?P<before>\x1b\[[0-9;]*m|\b[a-z_][a-z0-9_.]*=)?[^{border}]+(?:@|%40)[^{border}]+");
        Regex::new(&pattern).expect("the pattern is a constant")
    });
    ADDRESS.replace_all(line, "${before}[address]")
}

/// Masks what is written. The subscriber writes a line at a time, whole.
struct Masking<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Masking<W> {
    type Writer = Masked<W::Writer>;

    fn make_writer(&'w self) -> Masked<W::Writer> {
        Masked(self.0.make_writer())
    }
}

/// See [`Masking`].
struct Masked<W>(W);

impl<W: Write> Write for Masked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(masked(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What a subscriber of this kind writes of the events in `act`.
    fn logged(format: LogFormat, reader: Reader, level: Level, act: impl FnOnce()) -> String {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let writer = move || Sink(Arc::clone(&sink));
        let filter = filter(level, None).expect("a filter");
        tracing::subscriber::with_default(subscriber(format, filter, reader, writer), act);
        let bytes = lines.lock().expect("lines").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lines").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn addresses_are_masked_wherever_they_stand() {
        for (line, shown) in [
            ("550 <jane@buyer.example>: unknown", "550 <[address]>: unknown"),
            ("lead=jane.doe+x@buyer.example stage=new", "lead=[address] stage=new"),
            ("mail.to=\"jane@buyer.example\"", "mail.to=\"[address]\""),
            (r#"{"message":"to jane@buyer.example\nand"}"#, r#"{"message":"to [address]\nand"}"#),
            (r#"Some("jané@büyer.example")"#, r#"Some("[address]")"#),
            ("postgres://app:secret@db.example/x", "postgres://app:[address]"),
            ("GET /people?email=jane%40buyer.example", "GET [address]"),
            (
                "\x1b[3mto\x1b[0m\x1b[2m=\x1b[0mjane@x.example\x1b[0m",
                "\x1b[3mto\x1b[0m\x1b[2m=\x1b[0m[address]\x1b[0m",
            ),
            ("sent 3 mails @ 09:00, 5 parked", "sent 3 mails @ 09:00, 5 parked"),
        ] {
            assert_eq!(masked(line), shown);
        }
    }

    #[test]
    fn no_format_lets_an_address_through() {
        let act = || {
            let span = tracing::info_span!("lead", email = "jane@buyer.example");
            let _inside = span.enter();
            let error = io::Error::other("550 <jane@buyer.example> unknown");
            tracing::warn!(to = "jane@buyer.example", error = %error, ids = ?["jane@buyer.example"], "no jane@buyer.example");
        };
        for (format, reader) in [
            (LogFormat::Json, Reader::File),
            (LogFormat::Text, Reader::File),
            (LogFormat::Text, Reader::Journal),
            (LogFormat::Text, Reader::Terminal),
        ] {
            let line = logged(format, reader, Level::INFO, act);
            assert!(line.contains("550 <[address]> unknown"), "{line}");
            assert!(!line.contains("jane") && !line.contains("buyer"), "{line}");
        }
    }

    #[test]
    fn the_journal_is_told_the_importance_and_dates_lines_itself() {
        let line = logged(LogFormat::Text, Reader::Journal, Level::DEBUG, || {
            tracing::error!("one");
            tracing::warn!(mails = 2, "two");
            tracing::info!("three");
            tracing::debug!("four");
            tracing::trace!("five");
        });
        assert_eq!(line, "<3>one\n<4>two mails=2\n<6>three\n<7>four\n");
    }

    #[test]
    fn a_line_of_json_has_its_fields_at_the_top() {
        let line = logged(LogFormat::Json, Reader::Journal, Level::INFO, || {
            tracing::info!(pass.name = "deliver", pass.done = 3, "deliver: 3 done");
        });
        let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(object["message"], "deliver: 3 done");
        assert_eq!((&object["pass.name"], &object["pass.done"]), (&"deliver".into(), &3.into()));
        assert_eq!(object["level"], "INFO");
        assert!(object["timestamp"].is_string() && line.ends_with("}\n"));
    }

    #[test]
    fn our_details_do_not_bring_those_of_others() {
        let act = || {
            tracing::debug!(target: "nurtured::engine", "ours");
            tracing::debug!(target: "hyper::proto", "theirs");
            tracing::info!(target: "tokio_cron_scheduler::job", "Uninited");
            tracing::warn!(target: "hyper::proto", "theirs, which matters");
        };
        assert_eq!(
            logged(LogFormat::Text, Reader::Journal, Level::TRACE, act),
            "<7>ours\n<4>theirs, which matters\n"
        );
        assert_eq!(logged(LogFormat::Text, Reader::Journal, Level::ERROR, act), "");
        assert!(filter(Level::INFO, Some("nurtured=loud")).is_err());
        assert_eq!(filter(Level::INFO, Some("debug")).expect("a filter").to_string(), "debug");
    }
}
