//! A report in words: sections with a heading, a sentence on what is counted, and a table; some with a chart.
//!
//! Table and page are made of the same sections, so they cannot say different things.

use super::charts::{Chart, promises, reasons, times, ways};
use crate::domain::report::attainment::Attainment;
use crate::domain::report::funnel::{Funnel, permille};
use crate::domain::report::headlines::{business_time, percent, plain_time};
use crate::domain::report::{By, Group, Report, Said};

/// The most lines of one split that a table or a chart shows; JSON and CSV have all of them.
pub const MOST: usize = 25;

/// A part of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// A word for links to it.
    pub anchor: String,
    /// Its heading.
    pub title: String,
    /// What is counted.
    pub note: &'static str,
    /// Its charts.
    pub charts: Vec<Chart>,
    /// The headings of the columns; the first is of names, the others of numbers, but in `words`.
    pub head: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// Columns from this one on hold words, not numbers; the first one always does.
    pub words_from: usize,
    /// Rows that are left out.
    pub more: usize,
}

/// Every section that has something to say.
pub fn of(report: &Report, by: Option<By>) -> Vec<Section> {
    let splits: Vec<By> = By::ALL.iter().copied().filter(|split| by.is_none_or(|by| by == *split)).collect();
    let mut sections = vec![kinds(report)];
    sections.extend(splits.iter().map(|by| split_promises(report, *by)));
    sections.extend(splits.iter().map(|by| split_leads(report, *by)));
    sections.extend([
        cohorts(report),
        rounds(report),
        origins(report),
        stays(report),
        said(report, Said::Rejected, "Why leads were given back", "rejected"),
        said(report, Said::Lost, "Why deals were lost", "lost"),
        said(report, Said::Objection, "Objections heard", "objections"),
        said(report, Said::Argument, "What convinced", "arguments"),
        against_gate(report),
        costs(report),
        answers(report),
        stories(report),
    ]);
    sections.retain(|section| !section.rows.is_empty());
    sections
}

fn section(anchor: &str, title: impl Into<String>, note: &'static str, head: &[&'static str]) -> Section {
    Section {
        anchor: anchor.to_owned(),
        title: title.into(),
        note,
        charts: Vec::new(),
        head: head.to_vec(),
        rows: Vec::new(),
        words_from: head.len(),
        more: 0,
    }
}

const PROMISES: &str = "Promises made in the period, as they stand now. Late: met after the deadline. Missed: not met, \
                        and the deadline has passed. Closed: no longer needed before it was due. The share is of kept, \
                        late and missed. Median and p90 are business time until it was met; paused is business time for \
                        which the lead had asked for peace, and is not in them.";

const PROMISE_HEAD: [&str; 13] = [
    "",
    "Promise",
    "Made",
    "Kept",
    "Late",
    "Missed",
    "Running",
    "Closed",
    "Kept %",
    "Median",
    "p90",
    "Paused",
    "Found late",
];

const LEADS: &str = "Leads handed off in the period, and how far they have come by now. A later stage implies those \
                     before it; shares are of the leads handed off.";

const LEAD_HEAD: [&str; 9] =
    ["", "Handed off", "Accepted", "Contacted", "Opportunity", "Won", "Lost", "Given back", "Open"];

fn promise_row(name: &str, kind: &str, sum: &Attainment) -> Vec<String> {
    let time = |minutes: Option<i64>| minutes.map_or_else(|| "–".to_owned(), business_time);
    let paused = match sum.paused {
        0 => "–".to_owned(),
        _ => business_time(sum.paused_minutes),
    };
    vec![
        name.to_owned(),
        kind.replace('_', " "),
        sum.made.to_string(),
        sum.kept.to_string(),
        sum.late.to_string(),
        sum.missed.to_string(),
        sum.running.to_string(),
        sum.closed.to_string(),
        sum.kept_permille().map_or_else(|| "–".to_owned(), percent),
        time(sum.took.median()),
        time(sum.took.p90()),
        paused,
        sum.detected_late.to_string(),
    ]
}

/// Everybody's promises, a kind a row.
fn kinds(report: &Report) -> Section {
    let mut all = section("promises", "Promises", PROMISES, &PROMISE_HEAD[1..]);
    let of_all = || report.attainment.iter().filter(|((group, _), _)| *group == Group::all());
    all.rows = of_all().map(|((_, kind), sum)| promise_row("", kind, sum).split_off(1)).collect();
    let sums: Vec<(String, &Attainment)> =
        of_all().map(|((_, kind), sum)| (capitalised(&kind.replace('_', " ")), sum)).collect();
    all.charts.extend(promises("How promises were kept", &sums));
    all
}

fn split_promises(report: &Report, by: By) -> Section {
    let title = format!("Promises by {}", by.name());
    let mut split = section(&format!("promises-by-{}", by.name()), title.clone(), PROMISES, &PROMISE_HEAD);
    split.words_from = split.head.len();
    let mut found: Vec<(&str, &str, &Attainment)> = report
        .attainment
        .iter()
        .filter(|((group, _), _)| group.by == Some(by))
        .map(|((group, kind), sum)| (report.label(&group.name), kind.as_str(), sum))
        .collect();
    if found.len() > MOST {
        found.sort_by_key(|(_, _, sum)| -sum.made);
        split.more = found.len() - MOST;
        found.truncate(MOST);
        found.sort_by_key(|(name, kind, _)| (*name, *kind));
    }
    split.rows = found.iter().map(|(name, kind, sum)| promise_row(name, kind, sum)).collect();
    if matches!(by, By::Rep | By::Campaign) {
        let several = found.iter().any(|(_, kind, _)| *kind != found[0].1);
        let sums: Vec<(String, &Attainment)> = found
            .iter()
            .map(|(name, kind, sum)| match several {
                true => (format!("{name}: {}", kind.replace('_', " ")), *sum),
                false => ((*name).to_owned(), *sum),
            })
            .collect();
        split.charts.extend(promises(&title, &sums));
        split.charts.extend(times(&format!("Business time until it was met, by {}", by.name()), &sums));
    }
    split
}

fn lead_row(name: String, funnel: &Funnel) -> Vec<String> {
    let with_share = |part: i64| match permille(part, funnel.handed_off) {
        Some(share) if part > 0 => format!("{part} ({})", percent(share)),
        _ => part.to_string(),
    };
    vec![
        name,
        funnel.handed_off.to_string(),
        with_share(funnel.accepted),
        with_share(funnel.contacted),
        with_share(funnel.opportunity),
        with_share(funnel.won),
        with_share(funnel.lost),
        with_share(funnel.rejected + funnel.released),
        funnel.open.to_string(),
    ]
}

fn split_leads(report: &Report, by: By) -> Section {
    let title = format!("Leads by {}", by.name());
    let mut split = section(&format!("leads-by-{}", by.name()), title.clone(), LEADS, &LEAD_HEAD);
    let mut found: Vec<(&str, &Funnel)> = report
        .funnels
        .iter()
        .filter(|(group, _)| group.by == Some(by))
        .map(|(group, funnel)| (report.label(&group.name), funnel))
        .collect();
    if found.len() > MOST {
        found.sort_by_key(|(_, funnel)| -funnel.handed_off);
        split.more = found.len() - MOST;
        found.truncate(MOST);
    }
    split.rows = found.iter().map(|(name, funnel)| lead_row((*name).to_owned(), funnel)).collect();
    if matches!(by, By::Campaign | By::Source) {
        let bars: Vec<(String, &Funnel)> =
            found.iter().map(|(name, funnel)| ((*name).to_owned(), *funnel)).collect();
        split.charts.extend(ways(&title, &bars));
    }
    split
}

fn cohorts(report: &Report) -> Section {
    let mut cohorts = section("cohorts", "Leads by month of hand-off", LEADS, &LEAD_HEAD);
    let names = report.cohorts.iter().map(|(month, funnel)| (month.strftime("%B %Y").to_string(), funnel));
    let bars: Vec<(String, &Funnel)> = names.collect();
    cohorts.rows = bars.iter().map(|(name, funnel)| lead_row(name.clone(), funnel)).collect();
    cohorts.charts.extend(ways("How far leads came, by month of hand-off", &bars));
    cohorts
}

fn rounds(report: &Report) -> Section {
    let mut head = LEAD_HEAD.to_vec();
    head.extend(["Nurtured again", "With sales again"]);
    let note = "Leads handed off in the period by round: from the second on they had been given back before, and \
                rested. The last two columns are those lost or given back that came again since.";
    let mut rounds = section("rounds", "Leads that came back", note, &head);
    for (number, round) in &report.rounds {
        let mut row = lead_row(format!("Round {number}"), &round.funnel);
        row.extend([round.nurtured_again.to_string(), round.handed_off_again.to_string()]);
        rounds.rows.push(row);
    }
    rounds
}

fn origins(report: &Report) -> Section {
    let note = "Leads that marketing nurtured and handed off, beside those that sales had before marketing ever \
                wrote to them.";
    let mut origins = section("origins", "Marketing's leads and sales' own", note, &LEAD_HEAD);
    if report.from_marketing.handed_off + report.self_sourced.handed_off > 0 {
        origins.rows.push(lead_row("From marketing".to_owned(), &report.from_marketing));
        origins.rows.push(lead_row("Found by sales".to_owned(), &report.self_sourced));
    }
    origins
}

fn stays(report: &Report) -> Section {
    let note = "How long leads that sales had stayed at each stage they left in the period, nights and weekends \
                included.";
    let mut stays = section("stages", "Time at each stage", note, &["Stage", "Leads", "Median", "p90"]);
    for (stage, lengths) in &report.stays {
        let time = |minutes: Option<i64>| minutes.map_or_else(|| "–".to_owned(), plain_time);
        stays.rows.push(vec![
            capitalised(&stage.name().replace('_', " ")),
            lengths.count().to_string(),
            time(lengths.median()),
            time(lengths.p90()),
        ]);
    }
    stays
}

fn said(report: &Report, said: Said, title: &'static str, anchor: &str) -> Section {
    let note = "Counted when it was said, whenever the lead was handed off. The last column is the campaign from which most of them came.";
    let mut section = section(anchor, title, note, &["", "Leads", "Most from campaign"]);
    section.words_from = 2;
    let mut counts: Vec<(&str, i64)> = report
        .reasons
        .iter()
        .filter(|((group, of, _), _)| *group == Group::all() && *of == said)
        .map(|((_, _, reason), count)| (reason.as_str(), *count))
        .collect();
    counts.sort_by_key(|(reason, count)| (-count, *reason));
    section.more = counts.len().saturating_sub(MOST);
    counts.truncate(MOST);
    for (reason, count) in &counts {
        let campaign = report
            .reasons
            .iter()
            .filter(|((group, of, name), _)| group.by == Some(By::Campaign) && *of == said && name == reason)
            .max_by_key(|((group, ..), count)| (**count, std::cmp::Reverse(group.name.as_str())))
            .map(|((group, ..), count)| format!("{} ({count})", report.label(&group.name)));
        section.rows.push(vec![
            report.said_label(said, reason).to_owned(),
            count.to_string(),
            campaign.unwrap_or_default(),
        ]);
    }
    let bars: Vec<(String, i64)> =
        counts.iter().map(|(reason, count)| (report.said_label(said, reason).to_owned(), *count)).collect();
    section.charts.extend(reasons(title, &bars));
    section
}

fn against_gate(report: &Report) -> Section {
    let note = "Calls that were made although the lead was away, had asked for peace, or it was none of its hours \
                for calls. Counted when they were made.";
    let mut calls =
        section("against-gate", "Calls while the gate was shut", note, &["", "Calls", "Although"]);
    calls.words_from = 2;
    for ((rep, why), count) in &report.against_gate {
        calls.rows.push(vec![report.label(rep).to_owned(), count.to_string(), why.clone()]);
    }
    calls
}

fn costs(report: &Report) -> Section {
    let note = "The share of a campaign's cost that lies in the period, for each lead handed off in it; of a cost \
                without days all of it, for everything the campaign has brought so far.";
    let head = ["Campaign", "Cost", "Per accepted", "Per opportunity", "Per deal won", "Of"];
    let mut costs = section("costs", "What leads cost", note, &head);
    costs.words_from = 5;
    let money = |amount: i64| match &report.currency {
        Some(currency) => format!("{} {currency}", grouped(amount)),
        None => grouped(amount),
    };
    for line in &report.costs {
        let each = |count: i64| match line.each(count) {
            Some(each) => format!("{} ({count})", money(each)),
            None => "– (0)".to_owned(),
        };
        costs.rows.push(vec![
            line.campaign.clone(),
            money(line.amount),
            each(line.brought.accepted),
            each(line.brought.opportunity),
            each(line.brought.won),
            if line.altogether { "the whole campaign" } else { "the period" }.to_owned(),
        ]);
    }
    costs
}

fn answers(report: &Report) -> Section {
    let note =
        "What leads answered in forms and surveys in the period: the most frequent answers to each question.";
    let head = ["Campaign", "Leads", "Question", "Answer"];
    let mut answers = section("answers", "What leads answered", note, &head);
    answers.words_from = 2;
    for one in &report.answers {
        for (answer, count) in &one.top {
            answers.rows.push(vec![
                report.label(&one.campaign).to_owned(),
                format!("{count} of {}", one.leads),
                one.question.clone(),
                answer.clone(),
            ]);
        }
    }
    answers
}

fn stories(report: &Report) -> Section {
    let note = "Deals won in the period, the latest first.";
    let mut stories = section("stories", "Success stories", note, &["Lead", "Story"]);
    stories.words_from = 1;
    stories.rows =
        report.stories.iter().map(|story| vec![story.lead.clone(), story.lines().join("\n")]).collect();
    stories
}

/// "12,000".
fn grouped(number: i64) -> String {
    let digits = number.abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

pub(super) fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        let told: Vec<String> = [0, 12, 999, 1_000, 12_000, 1_234_567, -4_000].map(grouped).into();
        assert_eq!(told, ["0", "12", "999", "1,000", "12,000", "1,234,567", "-4,000"]);
    }
}
