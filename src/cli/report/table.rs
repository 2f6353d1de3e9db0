//! A report for a terminal.
//!
//! What leads typed stands in it, so everything that could steer a terminal is left out.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, presets};

use super::sections::{Section, capitalised};
use crate::domain::report::Report;

/// The report as text.
pub fn write(report: &Report, sections: &[Section]) -> String {
    let mut text = format!("{}\n{}\n", capitalised(&report.period.to_string()), as_of(report));
    text.push_str(&format!("\n{}\n", happened(report)));
    let mut told = "";
    for section in sections {
        text.push_str(&format!("\n{}\n", section.title.to_uppercase()));
        // The same words under each of four tables hide the tables.
        if section.note != told {
            for line in wrapped(section.note) {
                text.push_str(&format!("{line}\n"));
            }
            told = section.note;
        }
        text.push('\n');
        for line in table(section).lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        if section.more > 0 {
            text.push_str(&format!("… and {} more: --format csv has all of them\n", section.more));
        }
    }
    if sections.is_empty() {
        text.push_str("\nNothing was promised, handed off or decided in these days.\n");
    }
    text
}

/// "as of Tue 14 Apr 2026 10:00, days in Europe/Berlin".
pub(super) fn as_of(report: &Report) -> String {
    let zone = &report.period.zone;
    let now = report.now.to_zoned(zone.clone());
    format!("as of {}, days in {}", now.strftime("%a %-d %b %Y %H:%M"), zone.iana_name().unwrap_or("UTC"))
}

/// What happened, in one sentence.
pub(super) fn happened(report: &Report) -> String {
    let happened = &report.happened;
    let leads = match happened.handed_off {
        1 => "1 lead was".to_owned(),
        count => format!("{count} leads were"),
    };
    let deals = match happened.opportunity {
        1 => "1 became an opportunity".to_owned(),
        count => format!("{count} became opportunities"),
    };
    format!(
        "In these days {leads} handed off, {} accepted, {} contacted; {deals}, {} {} won, {} lost, {} given back.",
        happened.accepted,
        happened.contacted,
        happened.won,
        if happened.won == 1 { "was" } else { "were" },
        happened.lost,
        happened.rejected,
    )
}

fn table(section: &Section) -> String {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    table
        .load_style(presets::NOTHING.header_separator(line))
        .set_content_arrangement(ContentArrangement::Disabled)
        .force_no_tty()
        .set_header(section.head.clone());
    for row in &section.rows {
        table.add_row(row.iter().map(|cell| harmless(cell)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let is_words = index == 0 || index >= section.words_from || section.head[index] == "Promise";
        column.set_padding((if index == 0 { 0 } else { 1 }, 0));
        column.set_cell_alignment(if is_words { CellAlignment::Left } else { CellAlignment::Right });
    }
    table.to_string()
}

/// Without what a terminal would obey, or show somewhere else.
fn harmless(text: &str) -> String {
    let shown = |c: &char| {
        let is_bidi =
            matches!(*c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (*c == '\n' || !c.is_control()) && !is_bidi
    };
    text.chars().filter(shown).collect()
}

/// A note in lines that fit a terminal.
fn wrapped(words: &str) -> Vec<String> {
    const WIDTH: usize = 100;
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let last = lines.last_mut().expect("there is one");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lead_wrote_steers_no_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\rc\u{202e}d\ne"), "a[2Jbcd\ne");
    }
}
