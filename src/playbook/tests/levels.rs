//! When a level is reached: shares and times of the target in one order, and every mistake told.

use super::*;

/// The small playbook with this promise and, for each of these `at`, a level of it.
fn with_levels(promise: &str, target: &str, levels: &[&str]) -> PlaybookFiles {
    let levels = levels.iter().enumerate().map(|(index, at)| {
        format!(
            "[[policies.standard.levels]]\npromise = \"{promise}\"\nname = \"l{index}\"\nat = \"{at}\"\ntell = [\"manager\"]\n"
        )
    });
    let levels: String = levels.collect();
    let target = match promise {
        "attempts" => format!("attempts = {{ count = 2, within = \"{target}\" }}\n"),
        "quiet" => format!("quiet_opportunity = \"{target}\"\n"),
        _ => format!("{promise} = \"{target}\"\n"),
    };
    let text = SMALL
        .replace("[[policies.standard.levels]]", &format!("{target}{levels}[[policies.standard.levels]]"));
    let mut files = small();
    files.insert("agreement.toml", text);
    files
}

#[test]
fn a_level_is_a_share_of_the_target_or_a_time_in_its_unit() {
    for (promise, target, levels, told) in [
        (
            "accept",
            "4 business hours",
            &["2 hours", "75%", "4 hours", "9 business hours"][..],
            &["2 business hours", "75%", "4 business hours", "9 business hours"][..],
        ),
        (
            "accept",
            "1 business hour",
            &["30 minutes", "90  business  minutes", "200%"],
            &["30 business minutes", "90 business minutes", "200%"],
        ),
        (
            "disposition",
            "2 business days",
            &["1 day", "75%", "3 business days"],
            &["1 business day", "75%", "3 business days"],
        ),
        (
            "attempts",
            "10 business days",
            &["50%", "6 days", "12 days"],
            &["50%", "6 business days", "12 business days"],
        ),
        ("quiet", "30 days", &["20 days", "30 days", "45 days"], &["20 days", "30 days", "45 days"]),
    ] {
        let policies = loaded(&with_levels(promise, target, levels)).agreement.policies;
        let promises = policies.get("standard").map(|policy| &policy.promises).expect("a policy");
        let promise = promises.iter().find(|(kind, _)| kind.name() == promise).expect("it is promised").1;
        let read: Vec<String> = promise.levels.iter().map(|level| level.at.to_string()).collect();
        assert_eq!(read, told, "{target}");
    }
}

#[test]
fn what_is_wrong_with_when_a_level_is_reached_is_told() {
    for (promise, target, levels, message, hint) in [
        (
            "accept",
            "4 business hours",
            &["75%", "3 hours"][..],
            "\"3 hours\": 3 business hours is not after the level before it, at 75%",
            "order of time",
        ),
        (
            "accept",
            "4 business hours",
            &["3 hours", "75%"],
            "\"75%\": 75% is not after the level before it, at 3 business hours",
            "order of time",
        ),
        (
            "accept",
            "4 business hours",
            &["90 minutes", "1 hour"],
            "\"1 hour\": 1 business hour is not after the level before it, at 90 business minutes",
            "order",
        ),
        (
            "disposition",
            "2 business days",
            &["1 day", "50%"],
            "\"50%\": 50% is not after the level before it, at 1 business day",
            "order of time",
        ),
        (
            "accept",
            "4 business hours",
            &["1 business day"],
            "\"1 business day\": `1 business day` cannot be compared with the target of 4 business hours",
            "count it in business hours",
        ),
        (
            "disposition",
            "2 business days",
            &["2 hours"],
            "\"2 hours\": `2 hours` cannot be compared with the target of 2 business days",
            "count it in business days as the target is, or write a share of the target",
        ),
        (
            "quiet",
            "30 days",
            &["20 business days"],
            "`20 business days` cannot be compared with the target of 30 days",
            "count it in days",
        ),
        ("accept", "4 business hours", &["0 hours"], "`0 hours` is no time at all", "2 hours"),
        ("accept", "4 business hours", &["0%"], "`0%` is no share of the target", "75%"),
        (
            "accept",
            "4 business hours",
            &["2 huors"],
            "`huors` is not a unit of time here; did you mean `hour`?",
            "75%",
        ),
        (
            "accept",
            "4 business hours",
            &["2 busines hours"],
            "`busines hours` is not a unit of time here; did you mean `business hour`?",
            "75%",
        ),
        (
            "accept",
            "4 business hours",
            &["half"],
            "`half` is not a share of the target or a time",
            "1 business day",
        ),
        (
            "accept",
            "4 business hours",
            &["-2 hours"],
            "`-2 hours` is not a share of the target or a time",
            "2 hours",
        ),
        (
            "accept",
            "4 business hours",
            &["9000 hours"],
            "`9000 hours` is longer than a year of work",
            "mended",
        ),
        ("disposition", "2 business days", &["99999 days"], "`99999 days` is longer than ten years", "75%"),
    ] {
        told(&with_levels(promise, target, levels), &format!("{levels:?} of {target}"), message, hint);
    }
}
