//! The text part of a mail: what the walk says, laid out for people who read plain text.
//!
//! Paragraphs are wrapped at 76 columns, between words only, so an address is never broken. Tables are
//! aligned while they fit; a wider one is written row by row as `heading: value` lines, which stays readable
//! on any screen and cannot be blown up by one long value.

use super::escape::reveal;

/// Leaves room for two more levels of `> ` within 80 columns, as is the custom.
pub const WIDTH: usize = 76;
/// However deep quotes and lists go, text keeps at least this.
const MIN_WIDTH: usize = 30;
/// Between the columns of a table.
const GAP: usize = 2;

/// What encloses the text being written.
enum Container {
    Quote,
    /// A list item; its marker is written on its first line.
    Item {
        marker: String,
        begun: bool,
    },
}

/// How a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// The text part as far as it is written.
#[derive(Default)]
pub(super) struct TextPart {
    out: String,
    /// The text of the block being read, line breaks as `\n`.
    block: String,
    containers: Vec<Container>,
    /// A blank line is due before the next block, within so many of the containers.
    gap: Option<usize>,
    table: Option<Vec<Vec<String>>>,
}

impl TextPart {
    /// Adds to the block being read.
    pub(super) fn push(&mut self, text: &str) {
        self.block.extend(text.chars().map(reveal));
    }

    /// Where the block being read stands, for [`TextPart::since`].
    pub(super) fn mark(&self) -> usize {
        self.block.len()
    }

    /// What was added since the mark.
    pub(super) fn since(&self, mark: usize) -> &str {
        self.block.get(mark..).unwrap_or_default()
    }

    /// Ends a block; `gap` when a blank line belongs after it.
    pub(super) fn end_block(&mut self, gap: bool) {
        let block = std::mem::take(&mut self.block);
        if !block.trim().is_empty() {
            let width = self.width();
            let lines: Vec<String> = block.split('\n').flat_map(|line| wrap(line, width)).collect();
            self.lines(lines);
        }
        if gap {
            self.separate();
        }
    }

    /// Ends a heading, underlined when `underline` is given.
    pub(super) fn end_heading(&mut self, underline: Option<char>) {
        let block = std::mem::take(&mut self.block);
        let mut lines = wrap(&block.replace('\n', " "), self.width());
        if let Some(underline) = underline {
            let longest = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
            lines.push(underline.to_string().repeat(longest));
        }
        self.lines(lines);
        self.separate();
    }

    /// Ends preformatted text: not wrapped, four columns in.
    pub(super) fn end_preformatted(&mut self) {
        let block = std::mem::take(&mut self.block);
        self.lines(block.trim_end_matches('\n').split('\n').map(|line| format!("    {line}")).collect());
        self.separate();
    }

    /// A line across.
    pub(super) fn rule(&mut self) {
        self.separate();
        self.lines(vec!["-".repeat(40)]);
        self.separate();
    }

    pub(super) fn start_quote(&mut self) {
        self.end_block(true);
        self.containers.push(Container::Quote);
    }

    pub(super) fn start_item(&mut self, marker: String) {
        self.containers.push(Container::Item { marker, begun: false });
    }

    /// Ends a quote or a list item.
    pub(super) fn end_container(&mut self) {
        self.end_block(false);
        if let Some(Container::Item { begun: false, .. }) = self.containers.last() {
            self.lines(vec![String::new()]);
        }
        self.containers.pop();
    }

    /// A blank line is due here.
    pub(super) fn separate(&mut self) {
        let depth = self.containers.len();
        self.gap = Some(self.gap.map_or(depth, |gap| gap.min(depth)));
    }

    pub(super) fn start_table(&mut self) {
        self.end_block(true);
        self.table = Some(Vec::new());
    }

    pub(super) fn start_row(&mut self) {
        if let Some(rows) = &mut self.table {
            rows.push(Vec::new());
        }
    }

    pub(super) fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.block);
        if let Some(row) = self.table.as_mut().and_then(|rows| rows.last_mut()) {
            row.push(cell.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }

    pub(super) fn end_table(&mut self, aligns: &[Align]) {
        let rows = self.table.take().unwrap_or_default();
        let lines = table_lines(&rows, aligns, self.width());
        self.lines(lines);
        self.separate();
    }

    pub(super) fn finish(mut self) -> String {
        self.end_block(false);
        self.out
    }

    fn width(&self) -> usize {
        let taken: usize = self
            .containers
            .iter()
            .map(|container| match container {
                Container::Quote => 2,
                Container::Item { marker, .. } => marker.len(),
            })
            .sum();
        WIDTH.saturating_sub(taken).max(MIN_WIDTH)
    }

    /// Writes lines behind what the containers put before each.
    fn lines(&mut self, lines: Vec<String>) {
        if let Some(depth) = self.gap.take().filter(|_| !self.out.is_empty()) {
            let prefix: String = self
                .containers
                .iter()
                .take(depth)
                .map(|container| match container {
                    Container::Quote => "> ".to_owned(),
                    Container::Item { marker, .. } => " ".repeat(marker.len()),
                })
                .collect();
            self.out.push_str(prefix.trim_end());
            self.out.push('\n');
        }
        for line in lines {
            let start = self.out.len();
            for container in &mut self.containers {
                match container {
                    Container::Quote => self.out.push_str("> "),
                    Container::Item { marker, begun } if !*begun => {
                        *begun = true;
                        self.out.push_str(marker);
                    }
                    Container::Item { marker, .. } => self.out.push_str(&" ".repeat(marker.len())),
                }
            }
            self.out.push_str(&line);
            let kept = self.out[start..].trim_end().len();
            self.out.truncate(start + kept);
            self.out.push('\n');
        }
    }
}

/// Breaks one line between words; a word longer than `width` stays whole.
fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut taken = 0;
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let word_columns = columns(word);
        if taken > 0 && taken + 1 + word_columns > width {
            lines.push(std::mem::take(&mut current));
            taken = 0;
        }
        if taken > 0 {
            current.push(' ');
            taken += 1;
        }
        current.push_str(word);
        taken += word_columns;
    }
    lines.push(current);
    lines
}

fn table_lines(rows: &[Vec<String>], aligns: &[Align], width: usize) -> Vec<String> {
    let Some((head, body)) = rows.split_first() else { return Vec::new() };
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell)).max().unwrap_or(0)
        })
        .collect();
    let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    if total > width {
        return record_lines(head, body, width);
    }
    let laid_out = |row: &Vec<String>| {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let room = width.saturating_sub(columns(cell));
            let before = match aligns.get(column) {
                Some(Align::Right) => room,
                Some(Align::Centre) => room / 2,
                Some(Align::Left) | None => 0,
            };
            line.push_str(&" ".repeat(before));
            line.push_str(cell);
            line.push_str(&" ".repeat(room - before + GAP));
        }
        line.trim_end().to_owned()
    };
    let mut lines = Vec::with_capacity(rows.len() + 1);
    if head.iter().any(|cell| !cell.is_empty()) {
        lines.push(laid_out(head));
        lines.push(laid_out(&widths.iter().map(|&width| "-".repeat(width)).collect()));
    }
    lines.extend(body.iter().map(laid_out));
    lines
}

/// A table that is too wide, one cell a line.
fn record_lines(head: &[String], body: &[Vec<String>], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for row in body {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        for (name, cell) in head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let line = if name.is_empty() { cell.clone() } else { format!("{name}: {cell}") };
            let mut wrapped = wrap(&line, width - 2).into_iter();
            lines.extend(wrapped.next());
            lines.extend(wrapped.map(|line| format!("  {line}")));
        }
    }
    lines
}

/// How many columns of a terminal a text takes: near enough for alignment.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| match c {
            '\u{0300}'..='\u{036F}' | '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' => 0,
            '\u{1100}'..='\u{115F}'
            | '\u{2E80}'..='\u{A4CF}'
            | '\u{AC00}'..='\u{D7A3}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FE30}'..='\u{FE6F}'
            | '\u{FF00}'..='\u{FF60}'
            | '\u{1F300}'..='\u{1FAFF}'
            | '\u{20000}'..='\u{3FFFD}' => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn lines_break_between_words_and_never_within_one() {
        assert_eq!(wrap("aa bb  cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("a <https://x.example/long> b", 6), ["a", "<https://x.example/long>", "b"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn columns_are_aligned_while_they_fit() {
        let table = rows(&[&["Lead", "Score"], &["Ann", "7"], &["日本", "12"]]);
        assert_eq!(
            table_lines(&table, &[Align::Left, Align::Right], 76),
            ["Lead  Score", "----  -----", "Ann       7", "日本     12"]
        );
    }

    #[test]
    fn a_table_too_wide_is_written_row_by_row() {
        let table = rows(&[&["Lead", "Asked"], &["Ann", "what it costs"], &["Bob", ""]]);
        assert_eq!(table_lines(&table, &[], 14), ["Lead: Ann", "Asked: what", "  it costs", "", "Lead: Bob"]);
    }
}
