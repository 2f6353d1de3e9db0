//! What was promised is held against what there is, at the times for it: marketing's commitments on each of its
//! business days, the whole agreement when both sides should look at it again.
//!
//! A commitment that falls behind is told to marketing's manager once for each spell, all that are behind in one
//! mail, and never twice in a week. When its period is over, the log says whether it was kept. An agreement whose
//! review is overdue is told to the managers of both sides, with the figures since it was signed, every two weeks.

mod figures;
mod review;

use std::collections::HashMap;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::pass::{PassError, PassReport};
use super::{Engine, Wake, staff_mail};
use crate::domain::agreement::Agreement;
use crate::domain::calendar::Calendar;
use crate::domain::capacity::{WEEKS_OPEN_TENTHS, team_weekly_tenths};
use crate::domain::commitments::{
    Commitment, Delivered, Figures, Line, Pace, Stock, Verdict, at_the_end, so_far, together,
};
use crate::store::{AgendaItem, CommitmentPeriod, NewEvent, StoreError, Tx};

/// At most one mail about commitments in so long a time.
const TOLD_AT_MOST_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is on the agenda.
const COMMITMENTS: &str = "commitments";
const REVIEW: &str = "review";

pub(super) async fn run(engine: &Engine, wake: &Wake) -> Result<PassReport, PassError> {
    let agreement = &wake.rules.agreement;
    let Some(calendar) = agreement.marketing_calendar() else { return Ok(PassReport::default()) };
    let mut tx = engine.store.read().await?;
    let mut agenda = tx.agenda().await?;
    tx.rollback().await?;
    if is_of_another_playbook(&agenda, wake) {
        agenda = plan(engine, wake, calendar, &agenda).await?;
    }
    let mut report = PassReport::default();
    for item in agenda.iter().filter(|item| item.due_at.is_some_and(|due| due <= wake.now)) {
        report.done += match item.topic.as_str() {
            COMMITMENTS => look_at_commitments(engine, wake, calendar).await?,
            REVIEW => review::remind(engine, wake, calendar).await?,
            _ => 0,
        };
    }
    Ok(report)
}

fn is_of_another_playbook(agenda: &[AgendaItem], wake: &Wake) -> bool {
    [COMMITMENTS, REVIEW].iter().any(|topic| {
        let planned = agenda.iter().find(|item| item.topic == *topic);
        planned.is_none_or(|item| item.playbook != wake.rules.version)
    })
}

/// Plans everything anew under the playbook in force.
async fn plan(
    engine: &Engine,
    wake: &Wake,
    calendar: &Calendar,
    before: &[AgendaItem],
) -> Result<Vec<AgendaItem>, PassError> {
    let agreement = &wake.rules.agreement;
    let mut tx = engine.store.begin().await?;
    let promised = !agreement.marketing.commitments.is_empty() || !tx.open_commitments().await?.is_empty();
    let commitments = if promised { calendar.next_open(wake.now) } else { None };
    let reminded = before.iter().find(|item| item.topic == REVIEW).and_then(|item| item.done_at);
    let review = review::next_reminder(agreement, calendar, reminded, wake.now);
    for (topic, due) in [(COMMITMENTS, commitments), (REVIEW, review)] {
        tx.plan_agenda(topic, due, &wake.rules.version).await?;
    }
    let agenda = tx.agenda().await?;
    tx.commit().await?;
    Ok(agenda)
}

/// When the office opens on the next business day.
fn next_morning(calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
    let tomorrow = calendar.local(now).date().tomorrow().ok()?;
    calendar.next_open(calendar.instant_at(tomorrow, Time::midnight())?)
}

/// One look at every commitment; how many of them have changed their standing.
async fn look_at_commitments(engine: &Engine, wake: &Wake, calendar: &Calendar) -> Result<u64, PassError> {
    let agreement = &wake.rules.agreement;
    let today = calendar.local(wake.now).date();
    let mut tx = engine.store.begin().await?;
    if !tx.take_agenda(COMMITMENTS, wake.now, next_morning(calendar, wake.now)).await? {
        tx.rollback().await?;
        return Ok(0);
    }
    let mut changed = 0;
    for commitment in &agreement.marketing.commitments {
        let first = commitment.period.first_day(today);
        let seen = if tx.was_committed(&commitment.name).await? { first } else { today };
        tx.begin_commitment(&commitment.name, (first, commitment.period.next(first)), seen).await?;
    }
    let mut counting = Counting { calendar, counted: HashMap::new() };
    let mut behind = Vec::new();
    for row in tx.open_commitments().await? {
        let commitment = agreement.marketing.commitments.iter().find(|known| known.name == row.name);
        // Whoever renames a commitment, or counts it by another period, has agreed on something new.
        let Some(commitment) = commitment.filter(|known| known.period.next(row.first) == row.next) else {
            tx.close_commitment(&row.name, row.first, wake.now).await?;
            continue;
        };
        if row.next <= today {
            changed += close(&mut tx, wake, &mut counting, commitment, &row).await?;
            continue;
        }
        if row.first != commitment.period.first_day(today) {
            tx.close_commitment(&row.name, row.first, wake.now).await?;
            continue;
        }
        let standing = counting.standing(&mut tx, commitment, row, today).await?;
        changed += note_spell(&mut tx, wake, &standing, &mut behind).await?;
    }
    tell(engine, &mut tx, wake, &behind).await?;
    tx.commit().await?;
    Ok(changed)
}

/// A commitment in its running period.
pub(super) struct Standing<'a> {
    commitment: &'a Commitment,
    row: CommitmentPeriod,
    pace: Pace,
    figures: Figures,
    lines: Vec<Line>,
}

impl Standing<'_> {
    /// "webinar-leads: campaign webinar, March 2026".
    fn title(&self) -> String {
        title(self.commitment, self.row.first)
    }

    fn is_untold(&self) -> bool {
        self.row.behind_since.is_some_and(|since| self.row.told_at.is_none_or(|told| told < since))
    }
}

fn title(commitment: &Commitment, first: Date) -> String {
    format!("{}: {}, {}", commitment.name, commitment.about(), commitment.period.called(first))
}

/// Counts leads, those of one time once for all commitments.
struct Counting<'a> {
    calendar: &'a Calendar,
    counted: HashMap<(Date, Date), Leads>,
}

/// The leads of some time: those handed off, and by campaign how many wait.
type Leads = (Vec<Delivered>, Vec<(String, i64)>);

impl Counting<'_> {
    async fn figures(
        &mut self,
        tx: &mut Tx,
        commitment: &Commitment,
        (from, to): (Date, Date),
    ) -> Result<Figures, StoreError> {
        if !self.counted.contains_key(&(from, to)) {
            let midnight = |day| self.calendar.instant_at(day, Time::midnight());
            let (start, end) =
                (midnight(from).unwrap_or(Timestamp::MIN), midnight(to).unwrap_or(Timestamp::MAX));
            let found = (tx.delivered_between(start, end).await?, tx.qualified_waiting(start, end).await?);
            self.counted.insert((from, to), found);
        }
        Ok(match self.counted.get(&(from, to)) {
            Some((delivered, waiting)) => Figures::count(commitment, delivered, waiting),
            None => Figures::default(),
        })
    }

    async fn standing<'c>(
        &mut self,
        tx: &mut Tx,
        commitment: &'c Commitment,
        row: CommitmentPeriod,
        today: Date,
    ) -> Result<Standing<'c>, StoreError> {
        let pace = Pace::on(self.calendar, (row.first, row.next), row.seen, today);
        let figures = self.figures(tx, commitment, (row.seen.max(row.first), row.next)).await?;
        let lines = so_far(commitment, &figures, &pace);
        Ok(Standing { commitment, row, pace, figures, lines })
    }
}

/// A period is over: says how its commitment was kept, when anything can be said.
async fn close(
    tx: &mut Tx,
    wake: &Wake,
    counting: &mut Counting<'_>,
    commitment: &Commitment,
    row: &CommitmentPeriod,
) -> Result<u64, PassError> {
    if !tx.close_commitment(&row.name, row.first, wake.now).await? {
        return Ok(0);
    }
    let pace = Pace::on(counting.calendar, (row.first, row.next), row.seen, row.next);
    let figures = counting.figures(tx, commitment, (row.seen.max(row.first), row.next)).await?;
    let lines = at_the_end(commitment, &figures, &pace);
    let state = match together(&lines) {
        Verdict::Kept => "kept",
        Verdict::Broken => "not kept",
        Verdict::Open => return Ok(0),
    };
    tx.append(&[event(wake, commitment, row.first, state, &lines, true)]).await?;
    Ok(1)
}

/// Notes that a spell of being behind began or ended; those that are behind come to `behind`.
async fn note_spell<'a>(
    tx: &mut Tx,
    wake: &Wake,
    standing: &Standing<'a>,
    behind: &mut Vec<Standing<'a>>,
) -> Result<u64, PassError> {
    let Standing { commitment, row, lines, .. } = standing;
    let is_behind = together(lines) == Verdict::Broken;
    let mut row = row.clone();
    let changed = match (is_behind, row.behind_since) {
        (true, None) => Some((Some(wake.now), "behind")),
        (false, Some(_)) => Some((None, "on course again")),
        _ => None,
    };
    if let Some((since, state)) = changed {
        tx.set_behind(&row.name, row.first, since).await?;
        tx.append(&[event(wake, commitment, row.first, state, lines, false)]).await?;
        row.behind_since = since;
    }
    if is_behind {
        behind.push(Standing {
            commitment,
            row,
            pace: standing.pace,
            figures: standing.figures.clone(),
            lines: lines.clone(),
        });
    }
    Ok(u64::from(changed.is_some()))
}

/// Tells marketing's manager of everything that is behind, when something of it is new and a week has passed.
async fn tell(engine: &Engine, tx: &mut Tx, wake: &Wake, behind: &[Standing<'_>]) -> Result<(), PassError> {
    if !behind.iter().any(Standing::is_untold) {
        return Ok(());
    }
    let last = tx.last_told_behind().await?;
    if last.is_some_and(|last| wake.now.duration_since(last) < TOLD_AT_MOST_EVERY) {
        return Ok(());
    }
    for standing in behind {
        tx.set_behind_told(&standing.row.name, standing.row.first, wake.now).await?;
    }
    let stock = stock(tx, &wake.rules.agreement).await?;
    let values = figures::behind(&wake.rules.agreement, behind, &stock);
    staff_mail::marketing::behind(engine, tx, wake, values, format!("behind:{}", wake.now)).await
}

/// What is ready or nearly ready, against what all teams take.
async fn stock(tx: &mut Tx, agreement: &Agreement) -> Result<Stock, StoreError> {
    let sum = |counts: Vec<(String, i64)>| counts.iter().map(|(_, count)| count).sum();
    let waiting = sum(tx.qualified_waiting(Timestamp::MIN, Timestamp::MAX).await?);
    let soon = match agreement.marketing.soon_score {
        Some(score) => sum(tx.nearly_ready(score).await?),
        None => 0,
    };
    let named = agreement
        .teams
        .values()
        .filter(|team| agreement.campaigns.iter().any(|campaign| campaign.team == team.name));
    let weekly_tenths = named.map(|team| team_weekly_tenths(team, WEEKS_OPEN_TENTHS)).sum();
    Ok(Stock { waiting, soon, weekly_tenths })
}

fn event(
    wake: &Wake,
    commitment: &Commitment,
    first: Date,
    state: &str,
    lines: &[Line],
    over: bool,
) -> NewEvent {
    let told: Vec<String> = lines.iter().map(|line| line.told(over)).collect();
    NewEvent {
        lead: None,
        occurred_at: wake.now,
        recorded_at: wake.now,
        kind: "commitment",
        actor: None,
        playbook: Some(wake.rules.version.clone()),
        mail: None,
        facts: json!({
            "commitment": commitment.name,
            "campaign": commitment.campaign,
            "period": commitment.period.called(first),
            "state": state,
            "why": told.join("; "),
        }),
    }
}
