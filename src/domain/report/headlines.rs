//! The five numbers that matter, what changed, and what to do about it: the mailed report, without its words
//! around them.
//!
//! A manager reads it between two meetings. So at most three pieces of advice, the most urgent first, each with a
//! name and a number, and none that cannot be acted upon.

use std::collections::BTreeMap;

use super::super::span::counted;
use super::attainment::Attainment;
use super::funnel::permille;
use super::{By, Group, Report, Said};

/// The promise that every hand-off has.
const FIRST_CONTACT: &str = "first_contact";

/// Less than this share kept is worth a word, in tenths of a percent.
const GOOD: i64 = 900;

/// As much of what sales gave back for one reason is worth a word, in tenths of a percent.
const MANY: i64 = 400;

/// Fewer leads given back than this are no pattern.
const PATTERN: i64 = 3;

/// Of fewer promises than this no share is told.
pub const ENOUGH: i64 = 20;

/// The most pieces of advice.
const ADVICE: usize = 3;

/// One of the numbers that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// What it is.
    pub label: &'static str,
    /// Now.
    pub value: String,
    /// In the period before.
    pub before: String,
}

/// The numbers that matter, of a report beside the one before it.
pub fn numbers(report: &Report, before: &Report) -> [Number; 5] {
    let number =
        |label, of: &dyn Fn(&Report) -> String| Number { label, value: of(report), before: of(before) };
    [
        number("Leads handed to sales", &|report| report.happened.handed_off.to_string()),
        number("Promises kept", &|report| {
            let all = together(report, None);
            match all.kept_permille() {
                // A share of a few says less than how many they are.
                Some(_) if all.decided() < ENOUGH => format!("{} of {}", all.kept, all.decided()),
                Some(share) => format!("{} ({} of {})", percent(share), all.kept, all.decided()),
                None => "none was due".to_owned(),
            }
        }),
        number("First contact after (median)", &|report| {
            let median = report.attainment_of(FIRST_CONTACT).and_then(|sum| sum.took.median());
            median.map_or_else(
                || "–".to_owned(),
                |minutes| format!("{} of business time", business_time(minutes)),
            )
        }),
        number("Given back or lost", &|report| {
            let count = report.happened.rejected + report.happened.lost;
            match most_given_back(report) {
                Some((_, reason, _)) if count > 1 => format!("{count}, most: {}", report.label(reason)),
                Some((_, reason, _)) => format!("{count}: {}", report.label(reason)),
                None => count.to_string(),
            }
        }),
        number("Opportunities and deals", &|report| {
            let deals = match report.happened.opportunity {
                1 => "1 opportunity".to_owned(),
                count => format!("{count} opportunities"),
            };
            format!("{deals}, {} won", report.happened.won)
        }),
    ]
}

/// What to do about it, one sentence each, the most urgent first.
pub fn advice(report: &Report) -> Vec<String> {
    let all = together(report, None);
    let mut advice = Vec::new();
    if all.overdue > 0 {
        let who = by_rep(report, |sum| sum.overdue);
        let (noun, verb) = if all.overdue == 1 { ("promise is", "it") } else { ("promises are", "them") };
        advice.push(format!(
            "{} {noun} overdue now ({}): have {verb} kept today, or give the leads to somebody with room.",
            all.overdue,
            listed(report, &who)
        ));
    }
    if all.kept_permille().is_some_and(|share| share < GOOD) {
        let who = by_rep(report, |sum| sum.late + sum.missed);
        if let Some((rep, broken)) = who.first() {
            let of = together(report, Some(rep)).decided();
            advice.push(format!(
                "{} broke {broken} of {of} promises, more than anybody else: ask what got in the way.",
                report.label(rep)
            ));
        }
    }
    if let Some((count, reason, of)) = most_given_back(report)
        && of >= PATTERN
        && permille(count, of).is_some_and(|share| share >= MANY)
    {
        let campaign = most_in_campaign(report, reason);
        let label = report.label(reason);
        let campaign = campaign
            .map(|(name, count)| format!(", {count} of them from campaign {name}"))
            .unwrap_or_default();
        advice.push(format!(
            "{count} of {of} leads came back as “{label}”{campaign}: look at the hand-off point together."
        ));
    }
    if all.detected_late > 0 {
        advice.push(format!(
            "{} found late, because nurtured was not running then: ask the operator.",
            match all.detected_late {
                1 => "1 broken promise was".to_owned(),
                count => format!("{count} broken promises were"),
            }
        ));
    }
    advice.truncate(ADVICE);
    advice
}

/// All kinds of promises together, of everybody or of one rep.
pub fn together(report: &Report, rep: Option<&str>) -> Attainment {
    let group = match rep {
        None => Group::all(),
        Some(rep) => Group { by: Some(By::Rep), name: rep.to_owned() },
    };
    let mut sum = Attainment::default();
    for ((_, _), one) in report.attainment.iter().filter(|((of, _), _)| *of == group) {
        sum.made += one.made;
        sum.kept += one.kept;
        sum.late += one.late;
        sum.missed += one.missed;
        sum.running += one.running;
        sum.closed += one.closed;
        sum.overdue += one.overdue;
        sum.detected_late += one.detected_late;
    }
    sum
}

/// Reps by how many they have, most first, those with none left out.
fn by_rep(report: &Report, of: fn(&Attainment) -> i64) -> Vec<(String, i64)> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for ((group, _), one) in report.attainment.iter().filter(|((group, _), _)| group.by == Some(By::Rep)) {
        *sums.entry(group.name.as_str()).or_default() += of(one);
    }
    let mut sums: Vec<(String, i64)> =
        sums.into_iter().filter(|(_, sum)| *sum > 0).map(|(rep, sum)| (rep.to_owned(), sum)).collect();
    sums.sort_by_key(|(_, sum)| -sum);
    sums
}

fn listed(report: &Report, who: &[(String, i64)]) -> String {
    who.iter().map(|(rep, count)| format!("{} {count}", report.label(rep))).collect::<Vec<_>>().join(", ")
}

/// The reason for which most leads came back, how many did, and how many came back at all.
fn most_given_back(report: &Report) -> Option<(i64, &str, i64)> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for ((group, said, reason), count) in &report.reasons {
        if *group == Group::all() && matches!(said, Said::Rejected | Said::Lost) {
            *sums.entry(reason).or_default() += count;
        }
    }
    let all = sums.values().sum();
    // Of equal ones the first by name: the same figures give the same words.
    let (reason, count) = sums.into_iter().max_by_key(|(name, count)| (*count, std::cmp::Reverse(*name)))?;
    Some((count, reason, all))
}

fn most_in_campaign<'r>(report: &'r Report, wanted: &str) -> Option<(&'r str, i64)> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for ((group, said, reason), count) in &report.reasons {
        let given_back = matches!(said, Said::Rejected | Said::Lost);
        if group.by == Some(By::Campaign) && given_back && reason == wanted {
            *sums.entry(group.name.as_str()).or_default() += count;
        }
    }
    sums.into_iter().max_by_key(|(name, count)| (*count, std::cmp::Reverse(*name)))
}

/// "45 min", "3 h", "3 h 20 min": business time has no days, because a day has as many hours as its calendar.
pub fn business_time(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Plain time in its two largest units: "45 min", "3 h 20 min", "2 days 4 h", "60 days".
pub fn plain_time(minutes: i64) -> String {
    let (days, hours) = (minutes / 1_440, minutes % 1_440 / 60);
    match (days, hours) {
        (0, _) => business_time(minutes),
        (days, 0) | (days @ 10.., _) => counted(days, "day"),
        (days, hours) => format!("{} {hours} h", counted(days, "day")),
    }
}

/// "83.3 %", "50 %".
pub fn percent(permille: i64) -> String {
    match (permille / 10, permille % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenths) => format!("{whole}.{tenths} %"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::super::period::Period;
    use super::super::tally::Tally;
    use super::*;

    fn nothing() -> Report {
        let period = Period::of_days(date(2026, 3, 2), date(2026, 3, 8), &TimeZone::UTC).expect("a period");
        Tally::new(period, None, Timestamp::UNIX_EPOCH).finish().0
    }

    fn promises(report: &mut Report, rep: &str, kept: i64, late: i64, overdue: i64) {
        let one = Attainment {
            made: kept + late + overdue,
            kept,
            late,
            missed: overdue,
            overdue,
            ..Attainment::default()
        };
        let of_rep = Group { by: Some(By::Rep), name: rep.to_owned() };
        let kind = || FIRST_CONTACT.to_owned();
        report.attainment.insert((of_rep, kind()), one.clone());
        let all = report.attainment.entry((Group::all(), kind())).or_default();
        all.made += one.made;
        all.kept += kept;
        all.late += late;
        all.missed += overdue;
        all.overdue += overdue;
        all.took.add(75);
    }

    #[test]
    fn a_good_week_needs_no_advice() {
        let mut report = nothing();
        promises(&mut report, "rep1@ours.example", 9, 1, 0);
        report.happened.handed_off = 10;
        report.happened.opportunity = 1;
        let told: Vec<(String, String)> =
            numbers(&report, &nothing()).into_iter().map(|number| (number.value, number.before)).collect();
        let pair = |value: &str, before: &str| (value.to_owned(), before.to_owned());
        assert_eq!(
            told,
            [
                pair("10", "0"),
                pair("9 of 10", "none was due"),
                pair("1 h 15 min of business time", "–"),
                pair("0", "0"),
                pair("1 opportunity, 0 won", "0 opportunities, 0 won"),
            ]
        );
        assert_eq!(advice(&report), [""; 0]);
    }

    #[test]
    fn what_is_overdue_comes_first_and_has_names() {
        let mut report = nothing();
        promises(&mut report, "rep1@ours.example", 1, 0, 1);
        promises(&mut report, "rep2@ours.example", 2, 1, 3);
        report.labels.insert("rep2@ours.example".to_owned(), "Sam Berger".to_owned());
        for (by, name, reason, count) in [
            (None, "", "not-ready", 3),
            (None, "", "bad-fit", 1),
            (Some(By::Campaign), "webinar", "not-ready", 2),
            (Some(By::Campaign), "default", "not-ready", 1),
        ] {
            let group = Group { by, name: name.to_owned() };
            report.reasons.insert((group, Said::Rejected, reason.to_owned()), count);
        }
        let told = advice(&report);
        assert_eq!(
            told,
            [
                "4 promises are overdue now (Sam Berger 3, rep1@ours.example 1): have them kept today, or give the \
                 leads to somebody with room.",
                "Sam Berger broke 4 of 6 promises, more than anybody else: ask what got in the way.",
                "3 of 4 leads came back as “not-ready”, 2 of them from campaign webinar: look at the hand-off point \
                 together.",
            ]
        );
    }

    #[test]
    fn times_and_shares_are_said_as_people_say_them() {
        let business: Vec<String> = [0, 59, 60, 200].map(business_time).into();
        assert_eq!(business, ["0 min", "59 min", "1 h", "3 h 20 min"]);
        let plain: Vec<String> = [200, 1_440, 3_100, 14_500].map(plain_time).into();
        assert_eq!(plain, ["3 h 20 min", "1 day", "2 days 3 h", "10 days"]);
        let shares: Vec<String> = [0, 5, 333, 1_000].map(percent).into();
        assert_eq!(shares, ["0 %", "0.5 %", "33.3 %", "100 %"]);
    }
}
