//! Values on their way in: cleaned, then hidden from Markdown until the walk shows them again.
//!
//! Escaping Markdown with backslashes or `&#NN;` still lets a value change the structure around it: an
//! entity begins with punctuation, so `a**{{x}}**` is bold for `Bob` and not for `(Bob)`, and inside a code
//! span it is shown as it stands. Here each character of a value becomes one private-use character, which
//! Markdown takes for a letter of no importance. A value is therefore *one opaque word* whatever it holds,
//! and the structure of a mail depends on its template alone. [`reveal`] undoes it when text is written.
//!
//! Three ranges tell the walk where a character came from: a plain value, the `url` helper, or the `query`
//! helper. That is how it refuses, at render too, a link whose address came from a plain value. The scheme
//! rests on no private-use character entering otherwise: [`clean`] drops them from values, and templates
//! that contain one are refused at load.

/// A plain value's character `c` becomes `VALUE + c`; the last one that fits is U+1FFFF. The letters beyond
/// (rare Chinese characters) have no meaning in Markdown and stay.
const VALUE: u32 = 0xF_0000;
const VALUE_END: u32 = 0x10_FFFF;
/// An ASCII character written by the `url` helper.
const ADDRESS: u32 = 0xE000;
/// An ASCII character written by the `query` helper.
const QUERY: u32 = 0xE080;
const QUERY_END: u32 = 0xE0FF;

/// Where a character of rendered Markdown came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The template itself.
    Template,
    /// A value.
    Value,
    /// The `url` helper.
    Address,
    /// The `query` helper.
    Query,
}

/// Makes a value fit to be shown: white space and control characters in a row become one space, ends are
/// trimmed, and what is invisible, reorders text or is reserved (private use) is dropped. The joiners that
/// Persian, Indian scripts and emoji need are kept.
pub(super) fn clean(value: &str) -> String {
    let mut cleaned = String::with_capacity(value.len());
    for c in value.chars() {
        if c.is_whitespace() || c.is_control() {
            if !cleaned.is_empty() && !cleaned.ends_with(' ') {
                cleaned.push(' ');
            }
        } else if !is_dropped(c) {
            cleaned.push(c);
        }
    }
    if cleaned.ends_with(' ') {
        cleaned.pop();
    }
    cleaned
}

/// Whether nothing of a cleaned value would be seen.
pub(super) fn is_blank(cleaned: &str) -> bool {
    cleaned.chars().all(|c| {
        matches!(
            c,
            ' ' | '\u{034F}'
                | '\u{115F}'
                | '\u{1160}'
                | '\u{17B4}'
                | '\u{17B5}'
                | '\u{200C}'
                | '\u{200D}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{FFA0}'
                | '\u{FE00}'..='\u{FE0F}'
        )
    })
}

/// Characters a value never needs: bidirectional controls, invisible ones, tags, and reserved ranges.
fn is_dropped(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{FDD0}'..='\u{FDEF}')
        || is_reserved(c)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// Whether `c` is one that this module gives a meaning of its own, so that it may come from nowhere else.
pub(super) fn is_reserved(c: char) -> bool {
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Hides a value. What the address helpers wrote is hidden already and passes.
pub(super) fn hide(value: &str) -> String {
    let mut hidden = String::with_capacity(value.len() * 4);
    hidden.extend(
        value
            .chars()
            .map(|c| if is_reserved(c) || u32::from(c) > VALUE_END - VALUE { c } else { shifted(c, VALUE) }),
    );
    hidden
}

/// Hides ASCII that the `url` helper made.
pub(super) fn hide_address(ascii: &str) -> String {
    ascii.chars().map(|c| shifted(c, ADDRESS)).collect()
}

/// Hides ASCII that the `query` helper made.
pub(super) fn hide_query(ascii: &str) -> String {
    ascii.chars().map(|c| shifted(c, QUERY)).collect()
}

fn shifted(c: char, base: u32) -> char {
    char::from_u32(base + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Where `c` came from.
pub(super) fn origin(c: char) -> Origin {
    match u32::from(c) {
        ADDRESS..QUERY => Origin::Address,
        QUERY..=QUERY_END => Origin::Query,
        VALUE..=VALUE_END => Origin::Value,
        _ => Origin::Template,
    }
}

/// The character that `c` stands for.
pub(super) fn reveal(c: char) -> char {
    let base = match origin(c) {
        Origin::Template => return c,
        Origin::Value => VALUE,
        Origin::Address => ADDRESS,
        Origin::Query => QUERY,
    };
    char::from_u32(u32::from(c) - base).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Appends `text`, revealed, as HTML text or as the value of a quoted attribute.
pub(super) fn push_html(out: &mut String, text: &str) {
    for c in text.chars().map(reveal) {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

/// One line for a header: revealed, cleaned, and cut at `limit` characters.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let line = clean(&text.chars().map(reveal).collect::<String>());
    match line.char_indices().nth(limit) {
        None => line,
        Some(_) => {
            let kept: String = line.chars().take(limit.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_invisible_or_breaks_a_line_does_not_survive_cleaning() {
        for (raw, cleaned) in [
            ("  Ann\t Lee ", "Ann Lee"),
            ("a\r\nBcc: x", "a Bcc: x"),
            ("\u{202E}evil\u{202C}", "evil"),
            ("a\u{2028}b\u{0085}c\0d", "a b c d"),
            ("\u{FEFF}a\u{200B}b\u{00AD}", "ab"),
            ("\u{E000}\u{F0041}\u{10FFFF}\u{E0041}x", "x"),
            ("👩\u{200D}🔧", "👩\u{200D}🔧"),
            (" \u{3000} ", ""),
        ] {
            assert_eq!(clean(raw), cleaned, "{raw:?}");
        }
        assert!(is_blank("") && is_blank("\u{200D}\u{3164}") && !is_blank("-"));
    }

    #[test]
    fn a_line_for_a_header_is_cut_with_an_ellipsis() {
        assert_eq!(one_line("abc\ndef", 7), "abc def");
        assert_eq!(one_line("abc def", 5), "abc…");
    }

    proptest! {
        #[test]
        fn hiding_leaves_nothing_for_markdown_and_revealing_gives_it_back(value in "\\PC*") {
            let cleaned = clean(&value);
            let hidden = hide(&cleaned);
            prop_assert!(hidden.chars().all(|c| u32::from(c) >= 0x2_0000));
            prop_assert_eq!(hidden.chars().map(reveal).collect::<String>(), cleaned);
        }

        #[test]
        fn cleaning_twice_changes_nothing(value in any::<String>()) {
            let once = clean(&value);
            prop_assert_eq!(clean(&once), once);
        }
    }
}
