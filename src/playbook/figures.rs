//! What the mail of figures, `staff/report.md`, knows: its variables, and values to try it with.

use serde_json::{Value, json};

use super::samples::Sample;
use crate::mail::render::Field;

/// The variables of figures.
pub(super) fn fields() -> Field {
    Field::record(
        "report",
        "figures of a period, in `report` alone",
        vec![
            Field::text("title", "which days: \"Week 10, 2 to 8 March 2026\""),
            Field::text("of", "of which teams: \"team sales\"; may be missing: of all"),
            Field::text("gist", "the first two numbers in a few words, for the subject"),
            Field::text("first_advice", "the most urgent piece of advice; may be missing"),
            Field::text("column", "the period as a table has room for it: \"Week 10\""),
            Field::text("column_before", "the one that it is compared with: \"Week 9\""),
            Field::list(
                "numbers",
                "the five numbers that matter",
                vec![
                    Field::text("label", "what it is"),
                    Field::text("value", "now"),
                    Field::text("before", "in the period before"),
                ],
            ),
            Field::texts("advice", "what to do about it, the most urgent first, at most three"),
            Field::texts("deals", "deals that were won and by whom, at most three"),
        ],
    )
}

/// The values of the mail.
pub(super) fn sample(sample: Sample) -> Value {
    let number =
        |label: &str, value: &str, before: &str| json!({ "label": label, "value": value, "before": before });
    let mut report = json!({
        "title": "Week 10, 2 to 8 March 2026",
        "gist": "12 leads to sales, 9 of 12 promises kept",
        "column": "Week 10",
        "column_before": "Week 9",
        "numbers": [number("Leads handed to sales", "12", "9")],
    });
    if sample == Sample::Rich {
        report["of"] = json!("team sales");
        let advice = [
            "2 promises are overdue now (Sam Berger 2): have them kept today, or give the leads to somebody with room.",
            "Sam Berger broke 2 of 5 promises, more than anybody else: ask what got in the way.",
            "3 of 4 leads came back as “Not ready yet”, 2 of them from campaign webinar: look at the hand-off point \
             together.",
        ];
        report["first_advice"] = json!(advice[0]);
        report["advice"] = json!(advice);
        report["numbers"] = json!([
            number("Leads handed to sales", "12", "9"),
            number("Promises kept", "9 of 12", "8 of 9"),
            number(
                "First contact after (median)",
                "3 h 20 min of business time",
                "2 h 5 min of business time"
            ),
            number("Given back or lost", "4, most: Not ready yet", "1: Lost on price"),
            number("Opportunities and deals", "3 opportunities, 1 won", "2 opportunities, 0 won"),
        ]);
        report["deals"] =
            json!(["Jane Doe, Acme: won by Robin Adler after 43 days, from campaign demo-request."]);
    }
    report
}
