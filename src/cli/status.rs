//! `nurtured status` and `nurtured release`: how things stand, and letting go of the brake.

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::output::{CliError, line};
use super::workplace::Workplace;
use crate::clock::Clock;
use crate::domain::agreement::{Agreement, Review};
use crate::domain::lead::Stage;
use crate::domain::reading::{Reading, hold};
use crate::engine::playbooks::short;
use crate::playbook::{Playbook, PlaybookFiles};
use crate::store::Store;

/// How often a daemon gives a sign of life.
const PULSE: SignedDuration = SignedDuration::from_mins(1);

/// Show how things stand now
#[derive(Debug, Args)]
pub struct Status {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let store = workplace.store().await?;
        let now = Clock::System.now();
        let mut tx = store.read().await.map_err(CliError::failed)?;
        let standing = tx.standing(now).await.map_err(CliError::failed)?;
        let incomplete = tx.count_incomplete_leads().await.map_err(CliError::failed)?;
        let brake = tx.brake().await.map_err(CliError::failed)?;
        let readings = tx.readings().await.map_err(CliError::failed)?;
        let beat = tx.last_beat().await.map_err(CliError::failed)?;
        let version = tx.playbook_in_force().await.map_err(CliError::failed)?;
        tx.rollback().await.map_err(CliError::failed)?;
        let agreement = agreement(&store, version.as_deref()).await?;
        let held = hold(&readings, now);
        let review = agreement.as_ref().map(|agreement| &agreement.review);
        let today = now.to_zoned(TimeZone::system()).date();
        if self.json {
            let counts = |rows: &[(String, i64)]| -> serde_json::Value {
                rows.iter()
                    .map(|(name, count)| (name.clone(), json!(count)))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            };
            let status = json!({
                "leads": counts(&standing.leads),
                "mails": counts(&standing.mails),
                "enrolments": standing.enrolments,
                "silent": standing.silent,
                "clocks": standing.clocks,
                "overdue": standing.overdue_clocks,
                "incomplete": incomplete,
                "brake": brake.map(|brake| json!({ "since": brake.since.to_string(), "why": brake.why })),
                "held": held.as_ref().map(|held| json!({
                    "mailbox": held.mailbox,
                    "until": held.until.to_string(),
                    "why": held.to_string(),
                })),
                "mailboxes": readings.iter().map(mailbox_json).collect::<Vec<_>>(),
                "last_wake": beat.map(|beat| beat.to_string()),
                "playbook": version,
                "signed_on": review.and_then(|review| review.signed_on).map(|day| day.to_string()),
                "review_due": review.and_then(Review::due).map(|day| day.to_string()),
            });
            return line(&status.to_string());
        }
        if let Some(brake) = &brake {
            line(&format!("THE BRAKE IS ON since {}: {} (nurtured release)", brake.since, brake.why))?;
        }
        if let Some(held) = &held {
            line(&format!("MAIL TO LEADS WAITS: {held}"))?;
        }
        line(&format!("daemon      {}", daemon(beat, now)))?;
        line(&format!("playbook    {}", version.as_deref().map_or("none in force yet", short)))?;
        if let Some(review) = review {
            line(&format!("agreement   {}", signed(review, today)))?;
        }
        let in_stage = |stage: &Stage| standing.leads.iter().find(|(name, _)| name == stage.name());
        let leads: Vec<String> = Stage::ALL
            .iter()
            .filter_map(in_stage)
            .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
            .collect();
        line(&format!("leads       {}", listed(leads, "none")))?;
        if incomplete > 0 {
            line(&format!(
                "lacking     {incomplete} would go to sales if more were known (nurtured lead incomplete)"
            ))?;
        }
        let silent = match standing.silent {
            0 => String::new(),
            silent => {
                format!(
                    "; {silent} nurtured without mail, because none is left for them or it waits for a person"
                )
            }
        };
        line(&format!("sequences   {} running{silent}", standing.enrolments))?;
        line(&format!("promises    {} running, {} overdue", standing.clocks, standing.overdue_clocks))?;
        line(&format!("mail        {}", listed(mails(&standing.mails), "none waits")))?;
        readings.iter().try_for_each(|reading| line(&format!("mailbox     {}", mailbox(reading, now))))
    }
}

/// The agreement in force; nothing when none is, or this program cannot read it.
async fn agreement(store: &Store, version: Option<&str>) -> Result<Option<Agreement>, CliError> {
    let Some(version) = version else { return Ok(None) };
    let mut tx = store.read().await.map_err(CliError::failed)?;
    let files = tx.playbook_files(version).await.map_err(CliError::failed)?;
    tx.rollback().await.map_err(CliError::failed)?;
    let files = files.and_then(|files| PlaybookFiles::from_json(&files).ok());
    Ok(files.and_then(|files| Playbook::load(&files).ok()).map(|playbook| playbook.agreement))
}

/// Who signed, and when it is looked at again.
fn signed(review: &Review, today: Date) -> String {
    let Some(signed_on) = review.signed_on else {
        return "not signed yet (nurtured agreement)".to_owned();
    };
    let signed = format!("signed on {signed_on} by {}", review.signed_by.join(", "));
    match review.due() {
        Some(due) if due < today => format!("{signed}; its review is overdue since {due}"),
        Some(due) => format!("{signed}; to be reviewed by {due}"),
        None => signed,
    }
}

/// Whether a daemon is at work, as far as its last sign of life tells.
fn daemon(beat: Option<Timestamp>, now: Timestamp) -> String {
    let Some(beat) = beat else {
        return "has never been at work (nurtured run)".to_owned();
    };
    match now.duration_since(beat) {
        silent if silent < PULSE * 2 => "at work less than 2 minutes ago".to_owned(),
        silent => format!("last at work {} ago: does it run?", length(silent)),
    }
}

/// A length of time as one says it, in its largest unit.
fn length(time: SignedDuration) -> String {
    let (count, unit) = match time.as_mins() {
        minutes @ ..60 => (minutes, "minute"),
        minutes @ 60..2_880 => (minutes / 60, "hour"),
        minutes => (minutes / 1_440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Open mail by its state, each with what shows it.
fn mails(counts: &[(String, i64)]) -> Vec<String> {
    let words = |(state, count): &(String, i64)| match state.as_str() {
        "pending" => format!("{count} waiting for their time"),
        "sending" => format!("{count} being sent"),
        "in_doubt" => format!("{count} in doubt (nurtured outbox --in-doubt)"),
        "parked" => format!("{count} parked (nurtured outbox --parked)"),
        other => format!("{count} {}", other.replace('_', " ")),
    };
    counts.iter().map(words).collect()
}

/// How reading a mailbox goes.
fn mailbox(reading: &Reading, now: Timestamp) -> String {
    let read = match reading.read_at {
        None => "has not been read yet".to_owned(),
        Some(read_at) => match now.duration_since(read_at) {
            ago if ago < PULSE => "read less than a minute ago".to_owned(),
            ago => format!("read {} ago", length(ago)),
        },
    };
    let failing = match (reading.failing_since, &reading.why) {
        (Some(since), Some(why)) => format!("; it fails for {}: {why}", length(now.duration_since(since))),
        _ => String::new(),
    };
    format!("{}: {read}{failing}", reading.mailbox)
}

fn mailbox_json(reading: &Reading) -> serde_json::Value {
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "mailbox": reading.mailbox,
        "read_at": instant(reading.read_at),
        "failing_since": instant(reading.failing_since),
        "why": reading.why,
    })
}

fn listed(words: Vec<String>, none: &str) -> String {
    if words.is_empty() { none.to_owned() } else { words.join(", ") }
}

/// Let go of the brake: mail to leads goes on
#[derive(Debug, Args)]
pub struct Release {}

impl Release {
    pub(super) async fn run(self, workplace: Workplace) -> Result<(), CliError> {
        let engine = workplace.engine().await?;
        if engine.release(Clock::System.now()).await.map_err(CliError::failed)? {
            line("the brake is released; the day's count begins anew")
        } else {
            line("the brake was not on")
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_review_is_overdue_the_day_after_it_was_due() {
        let review = Review {
            signed_by: vec!["Ann".to_owned(), "Tom".to_owned()],
            signed_on: Some(date(2026, 1, 5)),
            review_every_days: Some(90),
        };
        let by = "signed on 2026-01-05 by Ann, Tom";
        assert_eq!(signed(&review, date(2026, 4, 5)), format!("{by}; to be reviewed by 2026-04-05"));
        assert_eq!(
            signed(&review, date(2026, 4, 6)),
            format!("{by}; its review is overdue since 2026-04-05")
        );
        assert_eq!(signed(&Review { review_every_days: None, ..review.clone() }, date(2030, 1, 1)), by);
        let unsigned = Review { signed_on: None, ..review };
        assert_eq!(signed(&unsigned, date(2026, 4, 6)), "not signed yet (nurtured agreement)");
    }

    #[test]
    fn a_mailbox_tells_when_it_was_read_and_what_is_wrong() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(3);
        let mut reading = Reading {
            mailbox: "answers".to_owned(),
            watched_since: Timestamp::UNIX_EPOCH,
            tried_at: None,
            read_at: None,
            failing_since: None,
            why: None,
        };
        assert_eq!(mailbox(&reading, now), "answers: has not been read yet");
        reading.read_at = Some(Timestamp::UNIX_EPOCH);
        reading.failing_since = Some(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1));
        reading.why = Some("the server refuses the login".to_owned());
        assert_eq!(
            mailbox(&reading, now),
            "answers: read 3 hours ago; it fails for 2 hours: the server refuses the login"
        );
    }

    #[test]
    fn a_daemon_that_was_silent_for_long_is_asked_about() {
        let beat = Timestamp::UNIX_EPOCH;
        let after = |minutes| daemon(Some(beat), beat + SignedDuration::from_mins(minutes));
        assert_eq!(after(1), "at work less than 2 minutes ago");
        assert_eq!(after(7), "last at work 7 minutes ago: does it run?");
        assert_eq!(after(61), "last at work 1 hour ago: does it run?");
        assert_eq!(after(3_000), "last at work 2 days ago: does it run?");
        assert_eq!(daemon(None, beat), "has never been at work (nurtured run)");
    }
}
