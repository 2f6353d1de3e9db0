//! Figures: gathered for whoever asks, and mailed when the agreement says.
//!
//! When a report is due stands in the store, so an idle wake looks at one indexed row. The period it looks back on
//! is worked out from the schedule at the moment it is written, not remembered: after a week of downtime the
//! latest period is told and no older one, and after an edit of the schedule no period is told twice. A daemon that
//! is new to a store tells nothing of the time before it came.

mod gather;

use super::duty::Duty;
use super::pass::{PassError, PassReport};
use super::{Engine, Wake, staff_mail};
use crate::domain::report::headlines::advice;
use crate::domain::report::mailing::readers;
use crate::domain::report::period::{Length, Period};
use crate::store::{ReportDue, StoreError};

pub use gather::{Ask, gather};

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    if !engine.has(Duty::Figures, wake.now).await? {
        return Ok(PassReport::default());
    }
    let mut tx = engine.store.read().await?;
    let due = tx.reports_due(wake.now).await?;
    tx.rollback().await?;
    let mut report = PassReport::default();
    for found in due {
        if engine.is_stopping() {
            break;
        }
        report.done += settle(engine, wake, &found).await?;
    }
    Ok(report)
}

/// Tells what is due, and notes when the next is; how many mails were planned.
async fn settle(engine: &Engine, wake: &Wake, found: &ReportDue) -> Result<u64, PassError> {
    let agreement = &wake.rules.agreement;
    let planned = (|| {
        let reports = agreement.reports.as_ref()?;
        let calendar = agreement.calendars.get(&reports.calendar)?;
        let schedule = reports.schedule(found.length.parse::<Length>().ok()?)?;
        schedule.at(wake.now, calendar)
    })();
    let Some((period, next)) = planned else {
        let mut tx = engine.store.begin().await?;
        tx.plan_report(found, None, found.told_until).await?;
        tx.commit().await?;
        return Ok(0);
    };
    let is_news = found.told_until.is_some_and(|told| told < period.to);
    let letters = if is_news { letters(engine, wake, &period).await? } else { Vec::new() };
    let mut tx = engine.store.begin().await?;
    let told_until = found.told_until.map_or(period.to, |told| told.max(period.to));
    if !tx.plan_report(found, Some(next), Some(told_until)).await? {
        // Another daemon was quicker.
        tx.rollback().await?;
        return Ok(0);
    }
    for letter in &letters {
        staff_mail::report(engine, &mut tx, wake, letter).await?;
    }
    tx.commit().await?;
    Ok(letters.len() as u64)
}

/// The mails on a period: none about a period in which nothing was.
async fn letters(
    engine: &Engine,
    wake: &Wake,
    period: &Period,
) -> Result<Vec<staff_mail::Figures>, StoreError> {
    let agreement = &wake.rules.agreement;
    let (Some(reports), Some(before)) = (&agreement.reports, period.before()) else {
        return Ok(Vec::new());
    };
    let mut letters: Vec<staff_mail::Figures> = Vec::new();
    for (to, teams) in readers(agreement, reports) {
        // Two who answer for the same teams read the same figures.
        if let Some(same) = letters.iter().find(|letter| letter.teams == teams) {
            let letter = staff_mail::Figures { to, ..same.clone() };
            letters.push(letter);
            continue;
        }
        let ask = Ask { period: period.clone(), teams: teams.clone(), whole: false };
        let report = gather(&engine.store, agreement, &ask, wake.now).await?;
        if report.is_empty() {
            continue;
        }
        let ask = Ask { period: before.clone(), ..ask };
        let before = gather(&engine.store, agreement, &ask, wake.now).await?;
        let advice = advice(&report);
        letters.push(staff_mail::Figures { to, teams, report, before, advice });
    }
    Ok(letters)
}
