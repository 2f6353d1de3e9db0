//! A report as rows of named values: what `--format json` and `--format csv` print, one row an object or a line.
//!
//! Every row has `section`; which others it has depends on that. Names are stable, numbers are whole, times are
//! minutes, and a share is a percentage with one decimal. What is not known or makes no sense is null, and empty
//! in CSV. Nothing in it is a number of a row in the database: the same leads give the same bytes anywhere.

use super::funnel::{Funnel, permille};
use super::{By, Group, Report};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Tenths of a percent, printed as percent: 833 is `83.3`.
    Share(i64),
    /// True or false.
    Flag(bool),
    /// Nothing.
    Nothing,
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Number(number)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Cell {
        Cell::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Cell {
        number.map_or(Cell::Nothing, Cell::Number)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        if text.is_empty() { Cell::Nothing } else { Cell::Text(text.to_owned()) }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::from(text.as_str())
    }
}

/// Named values, in the order in which they are printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<(&'static str, Cell)>);

/// Every name there is, in the order of the columns.
pub const NAMES: [&str; 62] = [
    "section",
    "first_day",
    "last_day",
    "zone",
    "as_of",
    "currency",
    "by",
    "name",
    "promise",
    "made",
    "kept",
    "late",
    "missed",
    "running",
    "closed",
    "overdue",
    "detected_late",
    "kept_percent",
    "median_business_minutes",
    "p90_business_minutes",
    "paused",
    "paused_business_minutes",
    "stage",
    "count",
    "median_minutes",
    "p90_minutes",
    "month",
    "round",
    "handed_off",
    "accepted",
    "contacted",
    "opportunity",
    "won",
    "lost",
    "rejected",
    "released",
    "open",
    "accepted_percent",
    "contacted_percent",
    "opportunity_percent",
    "won_percent",
    "lost_percent",
    "rejected_percent",
    "nurtured_again",
    "handed_off_again",
    "what",
    "reason",
    "campaign",
    "amount",
    "altogether",
    "per_accepted",
    "per_opportunity",
    "per_won",
    "question",
    "answer",
    "leads",
    "on",
    "lead",
    "rep",
    "source_line",
    "way_line",
    "who_line",
];

/// The rows of a report; of the split ones, those that are split so, or all with `None`.
pub fn rows(report: &Report, by: Option<By>) -> Vec<Row> {
    let shown = |group: &Group| by.is_none() || group.by.is_none() || group.by == by;
    let mut rows = vec![period(report)];
    rows.push(row("happened", {
        let happened = &report.happened;
        vec![
            ("handed_off", happened.handed_off.into()),
            ("accepted", happened.accepted.into()),
            ("contacted", happened.contacted.into()),
            ("opportunity", happened.opportunity.into()),
            ("won", happened.won.into()),
            ("lost", happened.lost.into()),
            ("rejected", happened.rejected.into()),
        ]
    }));
    for ((group, kind), sum) in report.attainment.iter().filter(|((group, _), _)| shown(group)) {
        let mut cells = of_group(group);
        cells.extend([
            ("promise", kind.as_str().into()),
            ("made", sum.made.into()),
            ("kept", sum.kept.into()),
            ("late", sum.late.into()),
            ("missed", sum.missed.into()),
            ("running", sum.running.into()),
            ("closed", sum.closed.into()),
            ("overdue", sum.overdue.into()),
            ("detected_late", sum.detected_late.into()),
            ("kept_percent", sum.kept_permille().map_or(Cell::Nothing, Cell::Share)),
            ("median_business_minutes", sum.took.median().into()),
            ("p90_business_minutes", sum.took.p90().into()),
            ("paused", sum.paused.into()),
            ("paused_business_minutes", sum.paused_minutes.into()),
        ]);
        rows.push(row("attainment", cells));
    }
    for (group, counts) in report.funnels.iter().filter(|(group, _)| shown(group)) {
        let mut cells = of_group(group);
        cells.extend(funnel(counts));
        rows.push(row("funnel", cells));
    }
    for (month, counts) in &report.cohorts {
        let mut cells = vec![("month", month.strftime("%Y-%m").to_string().into())];
        cells.extend(funnel(counts));
        rows.push(row("cohort", cells));
    }
    for (number, round) in &report.rounds {
        let mut cells = vec![("round", (*number).into())];
        cells.extend(funnel(&round.funnel));
        cells.push(("nurtured_again", round.nurtured_again.into()));
        cells.push(("handed_off_again", round.handed_off_again.into()));
        rows.push(row("round", cells));
    }
    for (name, counts) in [("marketing", &report.from_marketing), ("sales", &report.self_sourced)] {
        let mut cells = vec![("name", name.into())];
        cells.extend(funnel(counts));
        rows.push(row("origin", cells));
    }
    for (stage, stays) in &report.stays {
        rows.push(row(
            "stage",
            vec![
                ("stage", stage.name().into()),
                ("count", stays.count().into()),
                ("median_minutes", stays.median().into()),
                ("p90_minutes", stays.p90().into()),
            ],
        ));
    }
    for ((group, said, reason), count) in report.reasons.iter().filter(|((group, ..), _)| shown(group)) {
        let mut cells = of_group(group);
        cells.extend([
            ("what", said.name().into()),
            ("reason", reason.as_str().into()),
            ("count", (*count).into()),
        ]);
        rows.push(row("reason", cells));
    }
    for ((rep, why), count) in &report.against_gate {
        let group = Group { by: Some(By::Rep), name: rep.clone() };
        if !shown(&group) {
            continue;
        }
        let mut cells = of_group(&group);
        cells.extend([("reason", why.as_str().into()), ("count", (*count).into())]);
        rows.push(row("against_gate", cells));
    }
    rows.extend(of_campaigns(report));
    rows
}

fn row(section: &'static str, cells: Vec<(&'static str, Cell)>) -> Row {
    let mut row = vec![("section", section.into())];
    row.extend(cells);
    Row(row)
}

fn period(report: &Report) -> Row {
    let period = &report.period;
    row(
        "period",
        vec![
            ("first_day", period.first.to_string().into()),
            ("last_day", period.last.to_string().into()),
            ("zone", period.zone.iana_name().unwrap_or_default().into()),
            ("as_of", report.now.to_string().into()),
            ("currency", report.currency.clone().unwrap_or_default().into()),
        ],
    )
}

fn of_group(group: &Group) -> Vec<(&'static str, Cell)> {
    vec![("by", group.by.map_or("all", By::name).into()), ("name", group.name.as_str().into())]
}

fn funnel(counts: &Funnel) -> Vec<(&'static str, Cell)> {
    let share = |part| permille(part, counts.handed_off).map_or(Cell::Nothing, Cell::Share);
    vec![
        ("handed_off", counts.handed_off.into()),
        ("accepted", counts.accepted.into()),
        ("contacted", counts.contacted.into()),
        ("opportunity", counts.opportunity.into()),
        ("won", counts.won.into()),
        ("lost", counts.lost.into()),
        ("rejected", counts.rejected.into()),
        ("released", counts.released.into()),
        ("open", counts.open.into()),
        ("accepted_percent", share(counts.accepted)),
        ("contacted_percent", share(counts.contacted)),
        ("opportunity_percent", share(counts.opportunity)),
        ("won_percent", share(counts.won)),
        ("lost_percent", share(counts.lost)),
        ("rejected_percent", share(counts.rejected)),
    ]
}

/// Costs, answers and stories.
fn of_campaigns(report: &Report) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in &report.costs {
        let brought = &line.brought;
        rows.push(row(
            "cost",
            vec![
                ("campaign", line.campaign.as_str().into()),
                ("amount", line.amount.into()),
                ("altogether", Cell::Flag(line.altogether)),
                ("accepted", brought.accepted.into()),
                ("opportunity", brought.opportunity.into()),
                ("won", brought.won.into()),
                ("per_accepted", line.each(brought.accepted).into()),
                ("per_opportunity", line.each(brought.opportunity).into()),
                ("per_won", line.each(brought.won).into()),
            ],
        ));
    }
    for answers in &report.answers {
        for (answer, count) in &answers.top {
            rows.push(row(
                "answer",
                vec![
                    ("campaign", answers.campaign.as_str().into()),
                    ("question", answers.question.as_str().into()),
                    ("answer", answer.as_str().into()),
                    ("count", (*count).into()),
                    ("leads", answers.leads.into()),
                ],
            ));
        }
    }
    for story in &report.stories {
        let [source_line, way_line, who_line] = story.lines();
        rows.push(row(
            "story",
            vec![
                ("on", story.on.to_string().into()),
                ("lead", story.lead.as_str().into()),
                ("campaign", story.campaign.as_str().into()),
                ("rep", story.rep.as_str().into()),
                ("source_line", source_line.into()),
                ("way_line", way_line.into()),
                ("who_line", who_line.into()),
            ],
        ));
    }
    rows
}
