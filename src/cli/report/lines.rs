//! The rows of a report as JSON and as CSV.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula and runs it, and whoever fills
//! in a form chooses what it begins with. So such a cell gets an apostrophe in front, which a spreadsheet
//! reads as "this is text". Numbers of ours are written as they are.

use std::fmt::Write as _;

use crate::domain::report::rows::{Cell, NAMES, Row, rows};
use crate::domain::report::{By, Report};

/// What a spreadsheet takes for the beginning of a formula, or skips on its way to one.
const DANGEROUS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One object a line, its names in the order of the columns.
pub fn json(report: &Report, by: Option<By>) -> String {
    let mut text = String::new();
    for Row(cells) in rows(report, by) {
        for (index, (name, cell)) in cells.iter().enumerate() {
            let separator = if index == 0 { '{' } else { ',' };
            let value = match cell {
                Cell::Text(text) => serde_json::json!(text).to_string(),
                other => plain(other).unwrap_or_else(|| "null".to_owned()),
            };
            let _ = write!(text, "{separator}\"{name}\":{value}");
        }
        text.push_str("}\n");
    }
    text
}

/// One table with a column for every name.
pub fn csv(report: &Report, by: Option<By>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |record: &[String]| writer.write_record(record).expect("memory can be written to");
    write(&NAMES.map(str::to_owned));
    for Row(cells) in rows(report, by) {
        let record =
            NAMES.map(|name| match cells.iter().find(|(known, _)| *known == name).map(|(_, cell)| cell) {
                Some(Cell::Text(text)) => neutral(text),
                Some(other) => plain(other).unwrap_or_default(),
                None => String::new(),
            });
        write(&record);
    }
    let bytes = writer.into_inner().expect("memory can be written to");
    String::from_utf8(bytes).expect("only text was written")
}

/// What is no text; `None` when nothing is known.
fn plain(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(_) | Cell::Nothing => None,
        Cell::Number(number) => Some(number.to_string()),
        Cell::Share(permille) => Some(format!("{}.{}", permille / 10, permille % 10)),
        Cell::Flag(flag) => Some(flag.to_string()),
    }
}

/// Text that no spreadsheet runs.
fn neutral(text: &str) -> String {
    if text.starts_with(DANGEROUS) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::report::period::Period;
    use crate::domain::report::stories::Story;
    use crate::domain::report::{Answers, Tally};

    fn report() -> Report {
        let period = Period::of_days(date(2026, 3, 2), date(2026, 3, 8), &TimeZone::UTC).expect("a period");
        Tally::new(period, None, Timestamp::UNIX_EPOCH).finish().0
    }

    #[test]
    fn no_cell_of_a_spreadsheet_begins_a_formula_whatever_a_lead_wrote() {
        let mut report = report();
        for evil in ["=HYPERLINK(\"http://evil.example\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            report.answers.push(Answers {
                campaign: "webinar".to_owned(),
                question: evil.to_owned(),
                leads: 1,
                top: vec![(evil.to_owned(), 1)],
            });
            report.stories.push(Story {
                lead: evil.to_owned(),
                on: date(2026, 3, 4),
                campaign: evil.to_owned(),
                source: Some(evil.to_owned()),
                ad: None,
                touches: 1,
                mails: 0,
                attempts: 1,
                round: 1,
                days_to_sales: 0,
                days_to_deal: 1,
                rep: evil.to_owned(),
            });
        }
        let text = csv(&report, None);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mut seen = 0;
        for record in reader.records() {
            for cell in &record.expect("a row") {
                let is_number = cell.parse::<f64>().is_ok() && !cell.starts_with('+');
                assert!(is_number || !cell.starts_with(DANGEROUS), "{cell:?}");
                seen += usize::from(cell.starts_with('\''));
            }
        }
        assert_eq!(seen, 6 * 2 + 6 * 4, "question and answer; lead, campaign, rep and the line of the rep");
    }

    #[test]
    fn json_and_csv_have_the_same_rows_under_documented_names() {
        let mut report = report();
        report.currency = Some("EUR".to_owned());
        let json = json(&report, None);
        for line in json.lines() {
            let object: serde_json::Value = serde_json::from_str(line).expect("an object");
            for name in object.as_object().expect("an object").keys() {
                assert!(NAMES.contains(&name.as_str()), "`{name}` has no column");
            }
        }
        assert_eq!(csv(&report, None).lines().count(), json.lines().count() + 1);
        assert!(json.starts_with("{\"section\":\"period\",\"first_day\":\"2026-03-02\""), "{json}");
    }
}
