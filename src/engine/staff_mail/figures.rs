//! The mail of figures: five numbers beside those before, what to do about them, and where the rest is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Plan, name_of, plan};
use crate::domain::email::EmailAddress;
use crate::domain::mail::MailClass;
use crate::domain::report::Report;
use crate::domain::report::headlines::{ENOUGH, numbers, percent, together};
use crate::domain::report::period::{Length, Period};
use crate::domain::span::counted;
use crate::engine::pass::PassError;
use crate::engine::{Engine, Wake};
use crate::store::Tx;

/// Deals that a mail tells of.
const DEALS: usize = 3;

/// A mail of figures about to be planned.
#[derive(Clone, Debug)]
pub struct Figures {
    /// To whom.
    pub to: EmailAddress,
    /// Of which teams; `None`: of all.
    pub teams: Option<BTreeSet<String>>,
    /// The figures.
    pub report: Report,
    /// Those of the period before.
    pub before: Report,
    /// What to do about it, the most urgent first.
    pub advice: Vec<String>,
}

/// Plans a mail of figures. One period is told to one person once.
pub async fn report(engine: &Engine, tx: &mut Tx, wake: &Wake, figures: &Figures) -> Result<(), PassError> {
    let period = &figures.report.period;
    let length = period.length().map_or("days", Length::name);
    let to = &figures.to;
    let unique_key = format!("report:{length}:{}:{to}", period.first);
    let values = json!({ "to_name": name_of(wake, to), "report": values(figures) });
    let planned = Plan { class: MailClass::Report, template: "report", to, unique_key, level: None, values };
    plan(engine, tx, wake, None, planned).await
}

fn values(figures: &Figures) -> Value {
    let Figures { report, before, .. } = figures;
    let period = &report.period;
    let numbers: Vec<Value> = numbers(report, before)
        .into_iter()
        .map(|number| json!({ "label": number.label, "value": number.value, "before": number.before }))
        .collect();
    let deals: Vec<String> = report
        .stories
        .iter()
        .take(DEALS)
        .map(|story| {
            let days = match story.days_to_deal {
                0 => "on the same day".to_owned(),
                1 => "after 1 day".to_owned(),
                days => format!("after {days} days"),
            };
            format!("{}: won by {} {days}, from campaign {}.", story.lead, story.rep, story.campaign)
        })
        .collect();
    json!({
        "title": capitalised(&period.to_string()),
        "of": figures.teams.as_ref().map(of_teams),
        "gist": gist(report),
        "first_advice": figures.advice.first(),
        "column": short(period),
        "column_before": short(&before.period),
        "numbers": numbers,
        "advice": figures.advice,
        "deals": deals,
    })
}

/// "12 leads to sales, 87 % of promises kept, 1 won": what a subject has room for.
fn gist(report: &Report) -> String {
    let happened = &report.happened;
    let some = |count: i64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let all = together(report, None);
    let kept = all.kept_permille().map(|share| match (all.kept, all.decided()) {
        (1, 1) => "the one promise kept".to_owned(),
        (kept, decided) if kept == decided => format!("all {decided} promises kept"),
        (kept, decided) if decided < ENOUGH => format!("{kept} of {} kept", counted(decided, "promise")),
        _ => format!("{} of promises kept", percent(share)),
    });
    let parts = [
        some(happened.handed_off, "lead to sales", "leads to sales"),
        kept,
        some(happened.won, "won", "won"),
        some(happened.opportunity, "opportunity", "opportunities"),
        some(happened.rejected + happened.lost, "given back or lost", "given back or lost"),
    ];
    let told: Vec<String> = parts.into_iter().flatten().take(3).collect();
    if told.is_empty() { "promises are open".to_owned() } else { told.join(", ") }
}

fn of_teams(teams: &BTreeSet<String>) -> String {
    let names: Vec<&str> = teams.iter().map(String::as_str).collect();
    let noun = if names.len() == 1 { "team" } else { "teams" };
    format!("{noun} {}", names.join(" and "))
}

/// A period as a column has room for: "Week 10", "March".
fn short(period: &Period) -> String {
    match period.length() {
        Some(Length::Week) => format!("Week {}", period.first.iso_week_date().week()),
        Some(Length::Month) => period.first.strftime("%B").to_string(),
        Some(Length::Quarter) | None => capitalised(&period.to_string()),
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
