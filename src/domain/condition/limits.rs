//! What a condition's text may be before anybody parses it.
//!
//! The parser recurses for every bracket and takes some 100 kB of stack for each (debug build,
//! measured: it overflows 2 MB at 24 levels, and an overflow aborts the process). Its own limit is
//! checked too late to help. So nesting is counted here, outside of quotes; and because a quote that the
//! parser reads differently would hide brackets, only quotes of which there can be no two opinions pass.

use std::ops::Range;

use super::ConditionError;

/// Longer conditions are no longer read by anybody.
const MAX_BYTES: usize = 1024;

/// Levels of brackets, and choices (`a ? b : c`), which nest without brackets. Far below what 2 MB of stack
/// carry, far above what is readable.
const MAX_NESTING: usize = 8;

/// What stands outside of quotes, beside letters, digits, quotes and space.
const SIGNS: &[u8] = b"_.,()[]!=<>&|+-*/%?:";

type Checked<T> = Result<T, ConditionError>;

/// Refuses what would be dangerous to parse.
pub(super) fn check(text: &str) -> Checked<()> {
    if text.trim().is_empty() {
        return refuse(0..text.len(), "the condition is empty", "write `true` for every lead");
    }
    if text.len() > MAX_BYTES {
        let message = format!("the condition is {} bytes long; {MAX_BYTES} are allowed", text.len());
        return refuse(
            0..text.len(),
            message,
            "match on fewer values, or set a field when importing and test that",
        );
    }
    let bytes = text.as_bytes();
    let (mut at, mut nesting, mut choices) = (0, 0usize, 0usize);
    // Where the letters and digits before `at` begin: `r` before a quote changes what is in it.
    let mut word = 0;
    while let Some(&byte) = bytes.get(at) {
        let here = at..at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        match byte {
            b'"' | b'\'' => {
                at = end_of_quote(text, word, at)?;
                word = at;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| at + length);
                word = at;
                continue;
            }
            b'(' | b'[' => nesting += 1,
            b')' | b']' => nesting = nesting.saturating_sub(1),
            b'?' => choices += 1,
            b'{' | b'}' => {
                return refuse(here, "maps are not part of conditions", "use a list: `[\"a\", \"b\"]`");
            }
            _ if byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || SIGNS.contains(&byte) => {}
            _ => {
                let sign = text.get(here.clone()).unwrap_or_default().escape_debug().to_string();
                return refuse(here, format!("`{sign}` is not expected here"), "text is written in quotes");
            }
        }
        if nesting + choices > MAX_NESTING {
            return refuse(here, "the condition nests too deep here", "split it");
        }
        at += 1;
        if !(byte.is_ascii_alphanumeric() || byte == b'_') {
            word = at;
        }
    }
    Ok(())
}

/// The index behind the quote that closes the one at `start`; the word before it begins at `word`.
fn end_of_quote(text: &str, word: usize, start: usize) -> Checked<usize> {
    let bytes = text.as_bytes();
    let raw = match text.get(word..start).unwrap_or_default() {
        "" => false,
        "r" | "R" => true,
        _ => return refuse(word..start, "a word touches the quote behind it", "put a space between them"),
    };
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            None | Some(b'\n' | b'\r') => {
                return refuse(
                    start..start + 1,
                    "this quote is never closed",
                    "end the text with the same quote",
                );
            }
            Some(b'\\') if !raw => at = end_of_escape(text, at)?,
            Some(byte) if Some(byte) == bytes.get(start) => break,
            Some(_) => at += 1,
        }
    }
    match bytes.get(at + 1) {
        Some(b'"' | b'\'') => {
            refuse(at + 1..at + 2, "two quotes touch here", "use one pair of quotes for a text")
        }
        _ => Ok(at + 1),
    }
}

/// The index behind an escape. The parser gives up a text at an unknown one, and reads on within it.
fn end_of_escape(text: &str, start: usize) -> Checked<usize> {
    let rest = text.as_bytes().get(start + 1..).unwrap_or_default();
    let all = |range: Range<usize>, ok: fn(&u8) -> bool| {
        rest.get(range).is_some_and(|digits| digits.iter().all(ok))
    };
    let octal: fn(&u8) -> bool = |byte| (b'0'..=b'7').contains(byte);
    let length = match rest.first() {
        Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'"' | b'\'' | b'`' | b'\\' | b'?') => 1,
        Some(b'x' | b'X') if all(1..3, u8::is_ascii_hexdigit) => 3,
        Some(b'u') if all(1..5, u8::is_ascii_hexdigit) => 5,
        Some(b'U') if all(1..9, u8::is_ascii_hexdigit) => 9,
        Some(b'0'..=b'3') if all(1..3, octal) => 3,
        _ => {
            let hint = "in a pattern write `\\\\d` for `\\d`, or put an `r` before the quote: `r\"\\d\"`";
            return refuse(start..start + 1, "this `\\` has no meaning here", hint);
        }
    };
    Ok(start + 1 + length)
}

fn refuse<T>(span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Checked<T> {
    Err(ConditionError { span, message: message.into(), hint: Some(hint.into()) })
}
