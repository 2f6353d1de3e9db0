//! What a condition's text may be before anybody parses it.
//!
//! The parser recurses for every bracket and takes some 100 kB of stack for each (debug build,
//! measured: it overflows 2 MB at 24 levels, and an overflow aborts the process). Its own limit is
//! checked too late to help, so nesting is counted here first, on the characters, outside of quotes.

use super::ConditionError;

/// Longer conditions are no longer read by anybody.
const MAX_BYTES: usize = 1024;

/// Levels of brackets. Far below what 2 MB of stack carry, far above what is readable.
const MAX_NESTING: usize = 8;

/// Choices (`a ? b : c`), which nest without brackets.
const MAX_CHOICES: usize = 8;

/// Refuses what would be dangerous to parse.
pub(super) fn check(text: &str) -> Result<(), ConditionError> {
    let whole = |message: String, hint: &str| ConditionError {
        span: 0..text.len(),
        message,
        hint: Some(hint.to_owned()),
    };
    if text.trim().is_empty() {
        return Err(whole("the condition is empty".to_owned(), "write `true` for every lead"));
    }
    if text.len() > MAX_BYTES {
        return Err(whole(
            format!("the condition is {} bytes long; {MAX_BYTES} are allowed", text.len()),
            "match on fewer values, or set a field when importing and test that",
        ));
    }
    let bytes = text.as_bytes();
    let (mut at, mut nesting, mut choices) = (0, 0usize, 0);
    let mut word_start = 0;
    while let Some(&byte) = bytes.get(at) {
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'"' || byte == b'\'') {
            word_start = at + 1;
        }
        let refuse = |message: &str, hint: &str| {
            let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
            Err(ConditionError { span: at..end, message: message.to_owned(), hint: Some(hint.to_owned()) })
        };
        match byte {
            b'(' | b'[' => {
                nesting += 1;
                if nesting > MAX_NESTING {
                    return refuse("brackets nest too deep here", "split the condition");
                }
            }
            b')' | b']' => nesting = nesting.saturating_sub(1),
            b'{' | b'}' => return refuse("maps are not part of conditions", "use a list: `[\"a\", \"b\"]`"),
            b'?' => {
                choices += 1;
                if choices > MAX_CHOICES {
                    return refuse("too many choices (`? :`)", "split the condition");
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                word_start = at;
                continue;
            }
            b'"' | b'\'' => {
                let raw = matches!(&text[word_start..at], "r" | "R" | "br" | "bR" | "Br" | "BR");
                let Some(end) = end_of_quote(bytes, at, raw) else {
                    return refuse("this quote is never closed", "end the text with the same quote");
                };
                if end == at + 2 && bytes.get(end) == Some(&byte) {
                    return refuse("three quotes are not part of conditions", "use one pair of quotes");
                }
                at = end;
                word_start = at;
                continue;
            }
            byte if byte < b' ' && !byte.is_ascii_whitespace() => {
                return refuse("a control character", "delete it");
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The index behind the quote that closes the one at `start`.
fn end_of_quote(bytes: &[u8], start: usize, raw: bool) -> Option<usize> {
    let quote = bytes.get(start)?;
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => return None,
            b'\\' if !raw => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}
