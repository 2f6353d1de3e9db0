//! Whether both sides should look at the agreement again, and what they then want to see.

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::figures::{label, rows};
use super::{Counting, REVIEW};
use crate::domain::agreement::Agreement;
use crate::domain::calendar::Calendar;
use crate::domain::commitments::ENOUGH;
use crate::domain::email::EmailAddress;
use crate::domain::sla::PromiseKind;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake, staff_mail};
use crate::store::{FiredLevel, KeptPromise, NewEvent, Tx};

/// An overdue review is told again after so long.
const REMIND_AGAIN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// So many of the rules most often broken are shown.
const RULES_SHOWN: i64 = 5;

/// When the managers are told that a review is overdue, or told again; `None` when nobody has signed or no review was
/// agreed. An agreement without a signature is for `nurtured check` to complain about.
pub(super) fn next_reminder(
    agreement: &Agreement,
    calendar: &Calendar,
    reminded: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let due = agreement.review.due()?;
    // On the day itself there is still time.
    let morning = calendar.instant_at(due.tomorrow().ok()?, Time::midnight())?;
    let signed = calendar.instant_at(agreement.review.signed_on?, Time::midnight())?;
    // A reminder about an earlier signature is no reason to wait.
    let again =
        reminded.filter(|reminded| *reminded > signed).and_then(|at| at.checked_add(REMIND_AGAIN).ok());
    calendar.next_open(morning.max(now).max(again.unwrap_or(now)))
}

/// Tells the managers of both sides; how many were told.
pub(super) async fn remind(engine: &Engine, wake: &Wake, calendar: &Calendar) -> Result<u64, PassError> {
    let agreement = &wake.rules.agreement;
    let mut tx = engine.store.begin().await?;
    let next = next_reminder(agreement, calendar, Some(wake.now), wake.now);
    let taken = tx.take_agenda(REVIEW, wake.now, next).await?;
    let (Some(due), Some(signed_on), true) = (agreement.review.due(), agreement.review.signed_on, taken)
    else {
        tx.commit().await?;
        return Ok(0);
    };
    let values = values(&mut tx, wake, calendar, signed_on, due).await?;
    let facts = json!({ "signed_on": signed_on.to_string(), "due": due.to_string() });
    tx.append(&[NewEvent {
        lead: None,
        occurred_at: wake.now,
        recorded_at: wake.now,
        kind: "review_overdue",
        actor: None,
        playbook: Some(wake.rules.version.clone()),
        mail: None,
        facts,
    }])
    .await?;
    let managers = managers(agreement);
    for to in &managers {
        let key = format!("review:{}:{to}", wake.now);
        staff_mail::marketing::review(engine, &mut tx, wake, to, values.clone(), key).await?;
    }
    tx.commit().await?;
    Ok(managers.len() as u64)
}

/// Marketing's manager and each team's, each once.
fn managers(agreement: &Agreement) -> Vec<EmailAddress> {
    let mut managers = vec![agreement.marketing.manager.clone()];
    for team in agreement.teams.values() {
        if !managers.contains(&team.manager) {
            managers.push(team.manager.clone());
        }
    }
    managers
}

async fn values(
    tx: &mut Tx,
    wake: &Wake,
    calendar: &Calendar,
    signed_on: Date,
    due: Date,
) -> Result<Value, PassError> {
    let agreement = &wake.rules.agreement;
    let from = calendar.instant_at(signed_on, Time::midnight()).unwrap_or(Timestamp::MIN);
    let kept = tx.kept_promises(from, wake.now).await?;
    let rejected = tx.rejections(from, wake.now).await?;
    let fired = tx.most_fired_levels(from, wake.now, RULES_SHOWN).await?;
    let rejections: i64 = rejected.iter().map(|(_, count)| count).sum();
    let mut figures = Vec::new();
    let mut counting = Counting { calendar, counted: std::collections::HashMap::new() };
    let today = calendar.local(wake.now).date();
    for row in tx.open_commitments().await? {
        let known = agreement.marketing.commitments.iter().find(|known| known.name == row.name);
        if let Some(commitment) = known.filter(|_| row.next > today) {
            let standing = counting.standing(tx, commitment, row, today).await?;
            figures.extend(rows(agreement, &standing));
        }
    }
    Ok(json!({
        "figures": figures,
        "review": {
            "signed": format!("on {} by {}", day(signed_on), agreement.review.signed_by.join(" and ")),
            "due": day(due),
            "since": day(signed_on),
            "kept": kept.iter().filter_map(kept_words).collect::<Vec<_>>(),
            "rejected": rejected.iter().map(|(reason, count)| json!({
                "what": label(agreement, reason),
                "words": format!("{count} of {rejections}"),
            })).collect::<Vec<_>>(),
            "fired": fired.iter().map(fired_words).collect::<Vec<_>>(),
        },
    }))
}

/// How often a promise was kept; nothing when none has come to its end.
fn kept_words(promise: &KeptPromise) -> Option<Value> {
    let all = promise.kept + promise.broken;
    let percent = (promise.kept * 100).checked_div(all)?;
    let kept = format!("{} of {all}", promise.kept);
    // A share of a few says less than how many they are.
    let words = if all < ENOUGH { kept } else { format!("{percent}%: {kept}") };
    Some(json!({ "what": format!("{} ({})", named(&promise.kind), promise.policy), "words": words }))
}

/// A kind of promise in words.
fn named(kind: &str) -> String {
    kind.parse().map_or_else(|_| kind.replace('_', " "), |kind: PromiseKind| kind.words().to_owned())
}

fn fired_words(level: &FiredLevel) -> Value {
    let times = if level.times == 1 { "once".to_owned() } else { format!("{} times", level.times) };
    json!({
        "what": format!("{} ({}), level {}", named(&level.kind), level.policy, level.level),
        "words": times,
    })
}

/// "5 January 2026".
fn day(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}
