//! The head of a mail: TOML between two lines of `+++`, and the Markdown below them.

use std::ops::Range;

/// The line that opens and closes the head.
const FENCE: &str = "+++";

/// Where in a file what stands, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The TOML, without the fences.
    pub head: Range<usize>,
    /// The Markdown.
    pub body: Range<usize>,
}

/// Why a file has no readable head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The first line is something else.
    #[error("the file does not begin with `+++`")]
    NotOpened,
    /// There is no second fence.
    #[error("the `+++` of the first line is never closed")]
    NotClosed,
}

/// Splits a file into head and body.
///
/// # Errors
/// When a fence is missing.
pub fn split(text: &str) -> Result<Parts, HeadError> {
    let mut lines = text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, *at, line.trim_end()))
    });
    let Some((_, head_start, FENCE)) = lines.next() else { return Err(HeadError::NotOpened) };
    let (head_end, body_start, _) = lines.find(|(_, _, line)| *line == FENCE).ok_or(HeadError::NotClosed)?;
    Ok(Parts { head: head_start..head_end, body: body_start..text.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_a_head_between_fences_and_a_body() {
        for text in ["+++\nsubject = \"x\"\n+++\nHello\n", "+++\r\nsubject = \"x\"\r\n+++ \r\nHello\n"] {
            let parts = split(text).expect("a mail");
            assert_eq!(text[parts.head].trim_end(), "subject = \"x\"");
            assert_eq!(&text[parts.body], "Hello\n");
        }
        let parts = split("+++\n+++").expect("an empty mail");
        assert_eq!(parts, Parts { head: 4..4, body: 7..7 });
    }

    #[test]
    fn a_missing_fence_is_told() {
        assert_eq!(split("Hello"), Err(HeadError::NotOpened));
        assert_eq!(split(""), Err(HeadError::NotOpened));
        assert_eq!(split("++++\n"), Err(HeadError::NotOpened));
        assert_eq!(split("+++\nsubject = \"x\"\nHello +++ \n"), Err(HeadError::NotClosed));
    }
}
