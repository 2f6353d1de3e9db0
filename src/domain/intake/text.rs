//! What people type, made fit to be kept: trimmed, without control characters, of bounded length.
//!
//! The bounds are generous: they exist so that one row cannot fill the store, not to tidy data.

use std::borrow::Cow;

/// Characters of a name, a company, a title, a campaign, a source.
pub const MAX_LINE: usize = 255;
/// Characters of an address of a page: what browsers and log files agree on.
pub const MAX_URL: usize = 2_048;
/// Characters of an answer, a note, any other column.
pub const MAX_BLOCK: usize = 8_192;

/// What exports write where they know nothing.
const BLANKS: &[&str] =
    &["-", "--", "—", "#N/A", "N/A", "n/a", "NULL", "(null)", "(none)", "(No value)", "[not provided]"];

/// A cleaned text and whether it had to be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Not empty.
    pub text: String,
    /// It was longer.
    pub cut: bool,
}

/// One line of at most `max` characters: every run of white space and control characters is one space.
/// `None` when nothing is left.
pub fn line(text: &str, max: usize) -> Option<Cleaned> {
    let visible = without_invisible(text);
    let mut words =
        visible.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut joined = words.next()?.to_owned();
    for word in words {
        joined.push(' ');
        joined.push_str(word);
    }
    finish(&joined, max)
}

/// Text of at most `max` characters that keeps its line breaks. `None` when nothing is left.
pub fn block(text: &str, max: usize) -> Option<Cleaned> {
    let visible = without_invisible(text);
    if !visible.contains(char::is_control) {
        return finish(visible.trim(), max);
    }
    let unified = visible.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = unified.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    finish(kept.trim(), max)
}

fn finish(text: &str, max: usize) -> Option<Cleaned> {
    let text = without_formula_guard(text);
    if text.is_empty() || BLANKS.contains(&text) {
        return None;
    }
    match text.char_indices().nth(max) {
        None => Some(Cleaned { text: text.to_owned(), cut: false }),
        Some((end, _)) => Some(Cleaned { text: text[..end].trim_end().to_owned(), cut: true }),
    }
}

/// Spreadsheets, and careful exports, put `'` before a cell that begins like a formula.
fn without_formula_guard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => text,
    }
}

/// Drops what prints nothing or turns the direction of what follows: byte order marks, zero-width
/// characters, bidirectional controls.
fn without_invisible(text: &str) -> Cow<'_, str> {
    let invisible = |c: char| matches!(c, '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}');
    if text.contains(invisible) { Cow::Owned(text.replace(invisible, "")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_trimmed_and_has_single_spaces() {
        for (text, expected) in [
            ("  Jane \t Doe\r\n", Some("Jane Doe")),
            ("Jane\u{0}Doe", Some("Jane Doe")),
            ("\u{feff}Ja\u{202e}ne", Some("Jane")),
            ("'+4930901820", Some("+4930901820")),
            ("'s-Hertogenbosch", Some("'s-Hertogenbosch")),
            ("[not provided]", None),
            ("N/A", None),
            ("Null", Some("Null")),
            (" \n ", None),
        ] {
            assert_eq!(line(text, 50).map(|cleaned| cleaned.text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_block_keeps_its_lines() {
        let cleaned = block("one\r\ntwo\rthree\u{7}", 50).expect("text is left");
        assert_eq!(cleaned.text, "one\ntwo\nthree");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_says_so() {
        assert_eq!(line("äöüß", 3), Some(Cleaned { text: "äöü".into(), cut: true }));
        assert_eq!(line("äöü", 3), Some(Cleaned { text: "äöü".into(), cut: false }));
    }

    proptest! {
        #[test]
        fn cleaning_a_clean_text_changes_nothing(text in "\\PC{0,40}|[\\x00-\\x20a-z'+]{0,20}") {
            if let Some(once) = line(&text, 30) {
                let twice = line(&once.text, 30).map(|cleaned| cleaned.text);
                // A guard under a guard, or a blank under one, is peeled once a time.
                prop_assert!(twice.as_ref() == Some(&once.text) || text.contains('\''));
                prop_assert!(!once.text.contains(char::is_control));
            }
        }
    }
}
