//! In which encoding a file is written, and its bytes as text.
//!
//! A byte order mark decides; then zero bytes in every other place (UTF-16 without a mark); then whether
//! the first block is UTF-8. What is neither is Windows-1252, of which Latin-1's letters are a part. A
//! first block of pure ASCII decides nothing: the first row beyond ASCII does, so that the one umlaut on
//! line 40,000 is read, too.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::WINDOWS_1252;
use serde::Serialize;

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Encoding {
    /// Nothing beyond ASCII so far.
    #[serde(rename = "ASCII")]
    Ascii,
    /// UTF-8.
    #[serde(rename = "UTF-8")]
    Utf8,
    /// UTF-16, low byte first.
    #[serde(rename = "UTF-16LE")]
    Utf16Le,
    /// UTF-16, high byte first.
    #[serde(rename = "UTF-16BE")]
    Utf16Be,
    /// The Western European code page of Windows.
    #[serde(rename = "Windows-1252")]
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Encoding::Ascii => "ASCII",
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16LE",
            Encoding::Utf16Be => "UTF-16BE",
            Encoding::Windows1252 => "Windows-1252",
        })
    }
}

impl Encoding {
    /// The encoding that the first block of a file shows, and the length of its byte order mark.
    pub fn of_block(block: &[u8]) -> (Encoding, usize) {
        match block {
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
            _ => (of_bytes(block), 0),
        }
    }

    /// Decides for a row beyond ASCII when nothing was decided before.
    pub fn settled(self, row: &[u8]) -> Encoding {
        match self {
            Encoding::Ascii if row.is_ascii() => Encoding::Ascii,
            Encoding::Ascii if std::str::from_utf8(row).is_ok() => Encoding::Utf8,
            Encoding::Ascii => Encoding::Windows1252,
            settled => settled,
        }
    }

    /// The row's bytes as text; UTF-16 has been turned into UTF-8 before. `None` when they are no text of
    /// this encoding.
    pub fn text(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Encoding::Ascii | Encoding::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            // The decoder puts U+FFFD where half a surrogate pair stood.
            Encoding::Utf16Le | Encoding::Utf16Be => {
                std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\u{fffd}')).map(Cow::Borrowed)
            }
            Encoding::Windows1252 => Some(WINDOWS_1252.decode_without_bom_handling(bytes).0),
        }
    }

    /// The decoder into UTF-8 of an encoding whose bytes are not ASCII's.
    pub fn decoder(self) -> Option<encoding_rs::Decoder> {
        match self {
            Encoding::Utf16Le => Some(encoding_rs::UTF_16LE.new_decoder_without_bom_handling()),
            Encoding::Utf16Be => Some(encoding_rs::UTF_16BE.new_decoder_without_bom_handling()),
            Encoding::Ascii | Encoding::Utf8 | Encoding::Windows1252 => None,
        }
    }
}

fn of_bytes(block: &[u8]) -> Encoding {
    let head = block.get(..512).unwrap_or(block);
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), head.len() / 2);
    if pairs >= 4 && odd * 10 > pairs * 7 && even * 10 < pairs {
        return Encoding::Utf16Le;
    }
    if pairs >= 4 && even * 10 > pairs * 7 && odd * 10 < pairs {
        return Encoding::Utf16Be;
    }
    // Line by line, so that one broken row does not change the reading of all others. Text in another
    // encoding hardly ever happens to be UTF-8, so UTF-8 wins a draw.
    let (mut utf8, mut other) = (0, 0);
    for line in block.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii()) {
        match std::str::from_utf8(line) {
            Ok(_) => utf8 += 1,
            // The end of the block cuts a character.
            Err(error) if error.error_len().is_none() => {}
            Err(_) => other += 1,
        }
    }
    match (utf8, other) {
        (0, 0) => Encoding::Ascii,
        (utf8, other) if utf8 >= other => Encoding::Utf8,
        _ => Encoding::Windows1252,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_shows_its_encoding() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let swapped = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        for (block, encoding, mark) in [
            (b"email\nx".to_vec(), Encoding::Ascii, 0),
            ("email\nmüller".as_bytes().to_vec(), Encoding::Utf8, 0),
            (b"\xef\xbb\xbfemail".to_vec(), Encoding::Utf8, 3),
            (b"email\nm\xfcller".to_vec(), Encoding::Windows1252, 0),
            ("email\nmüller\nkäse\n".bytes().chain(*b"m\xfcller").collect(), Encoding::Utf8, 0),
            ([&[0xff, 0xfe][..], &utf16("email")].concat(), Encoding::Utf16Le, 2),
            ([&[0xfe, 0xff][..], &swapped("email")].concat(), Encoding::Utf16Be, 2),
            (utf16("email,name\n"), Encoding::Utf16Le, 0),
            (swapped("email,name\n"), Encoding::Utf16Be, 0),
            ("email\nmü".as_bytes()[..8].to_vec(), Encoding::Ascii, 0),
            (Vec::new(), Encoding::Ascii, 0),
        ] {
            assert_eq!(Encoding::of_block(&block), (encoding, mark), "{block:?}");
        }
    }

    #[test]
    fn the_first_row_beyond_ascii_decides_what_the_block_left_open() {
        assert_eq!(Encoding::Ascii.settled(b"abc"), Encoding::Ascii);
        assert_eq!(Encoding::Ascii.settled("ü".as_bytes()), Encoding::Utf8);
        assert_eq!(Encoding::Ascii.settled(b"\xfc"), Encoding::Windows1252);
        assert_eq!(Encoding::Utf8.settled(b"\xfc"), Encoding::Utf8);
    }
}
