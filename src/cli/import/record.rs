//! One record of a CSV text (RFC 4180): where it ends and where its cells lie.
//!
//! A library that parses a stream would do, but for one thing: a quote that is opened and never
//! closed makes every following row part of one cell. So a record is looked at where it lies, and
//! whoever finds it broken can go back and take up the reading at the next line. Strict where that
//! shows that quotes do not match (text behind a closing quote), lenient elsewhere (quotes in a cell
//! that does not begin with one, blanks behind a closing quote, any of LF, CRLF and CR).

/// A cell's place in the record's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    start: usize,
    end: usize,
    /// Quoted: the bytes lie between the quotes, and `""` in them is one quote.
    quoted: bool,
}

impl Cell {
    /// The cell's bytes, doubled quotes made single.
    pub fn bytes(self, record: &[u8]) -> std::borrow::Cow<'_, [u8]> {
        let bytes = record.get(self.start..self.end).unwrap_or_default();
        if !self.quoted || !bytes.contains(&b'"') {
            return bytes.into();
        }
        let mut single = Vec::with_capacity(bytes.len());
        let mut rest = bytes.iter();
        while let Some(byte) = rest.next() {
            single.push(*byte);
            if *byte == b'"' {
                rest.next();
            }
        }
        single.into()
    }
}

/// What lies at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// A record of so many bytes, its line end not counted.
    Record {
        /// Without the line end.
        body: usize,
        /// With the line end.
        whole: usize,
        /// How many lines it covers.
        lines: u64,
    },
    /// More bytes are needed.
    Incomplete,
    /// The last cell's quote is never closed.
    UnclosedQuote,
    /// Something other than a delimiter follows a closing quote.
    TextAfterQuote,
}

/// Finds the record at the beginning of `bytes`, and its cells. `last`: nothing follows `bytes`.
pub fn scan(bytes: &[u8], last: bool, delimiter: u8, cells: &mut Vec<Cell>) -> Scan {
    cells.clear();
    let mut position = 0;
    let mut lines = 1;
    loop {
        let (cell, after) = if bytes.get(position) == Some(&b'"') {
            match quoted(bytes, position, last, delimiter, &mut lines) {
                Ok(found) => found,
                Err(scan) => return scan,
            }
        } else {
            let rest = bytes.get(position..).unwrap_or_default();
            let length = rest.iter().position(|&byte| byte == delimiter || byte == b'\n' || byte == b'\r');
            let end = length.map_or(bytes.len(), |length| position + length);
            (Cell { start: position, end, quoted: false }, end)
        };
        cells.push(cell);
        match bytes.get(after) {
            Some(&byte) if byte == delimiter => position = after + 1,
            Some(_) => {
                return match line_end(&bytes[after..], last) {
                    Some(length) => Scan::Record { body: after, whole: after + length, lines },
                    None => Scan::Incomplete,
                };
            }
            None if last => return Scan::Record { body: after, whole: after, lines },
            None => return Scan::Incomplete,
        }
    }
}

/// A quoted cell and the position of what follows it: a delimiter, a line end, or the end.
fn quoted(
    bytes: &[u8],
    open: usize,
    last: bool,
    delimiter: u8,
    lines: &mut u64,
) -> Result<(Cell, usize), Scan> {
    let start = open + 1;
    let mut position = start;
    let end = loop {
        let rest = bytes.get(position..).unwrap_or_default();
        let Some(length) = rest.iter().position(|&byte| byte == b'"') else {
            return Err(if last { Scan::UnclosedQuote } else { Scan::Incomplete });
        };
        let quote = position + length;
        match bytes.get(quote + 1) {
            Some(b'"') => position = quote + 2,
            None if !last => return Err(Scan::Incomplete),
            _ => break quote,
        }
    };
    *lines += line_ends(&bytes[start..end]);
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != delimiter;
    let after = end + 1 + bytes[end + 1..].iter().take_while(|byte| blank(byte)).count();
    match bytes.get(after) {
        None if !last => Err(Scan::Incomplete),
        Some(&byte) if byte != delimiter && byte != b'\n' && byte != b'\r' => Err(Scan::TextAfterQuote),
        _ => Ok((Cell { start, end, quoted: true }, after)),
    }
}

/// The length of the line end at the beginning of `bytes`, which begin with LF or CR. `None` when a LF
/// may follow the CR.
pub fn line_end(bytes: &[u8], last: bool) -> Option<usize> {
    match bytes {
        [b'\r', b'\n', ..] => Some(2),
        [b'\r'] if !last => None,
        _ => Some(1),
    }
}

/// How many lines end within `bytes`.
fn line_ends(bytes: &[u8]) -> u64 {
    let mut count = 0;
    let mut before = 0;
    for &byte in bytes {
        if byte == b'\r' || (byte == b'\n' && before != b'\r') {
            count += 1;
        }
        before = byte;
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(text: &str) -> (Scan, Vec<String>) {
        let mut cells = Vec::new();
        let scan = scan(text.as_bytes(), true, b',', &mut cells);
        let texts =
            cells.iter().map(|cell| String::from_utf8_lossy(&cell.bytes(text.as_bytes())).into_owned());
        (scan, texts.collect())
    }

    #[test]
    fn cells_are_told_apart_as_rfc_4180_says() {
        for (text, expected, lines) in [
            ("a,b,c\nd", vec!["a", "b", "c"], 1),
            ("a,,\r\n", vec!["a", "", ""], 1),
            ("\"a,b\",c", vec!["a,b", "c"], 1),
            ("\"a \"\"b\"\" c\",d", vec!["a \"b\" c", "d"], 1),
            ("\"a\nb\r\nc\rd\",e\nf", vec!["a\nb\r\nc\rd", "e"], 4),
            ("5\" pipe,b", vec!["5\" pipe", "b"], 1),
            ("\"a\" ,b\r", vec!["a", "b"], 1),
            ("\"\",\"\"", vec!["", ""], 1),
            ("", vec![""], 1),
        ] {
            let (scan, found) = cells(text);
            assert_eq!(found, expected, "{text:?}");
            assert!(
                matches!(scan, Scan::Record { lines: counted, .. } if counted == lines),
                "{text:?}: {scan:?}"
            );
        }
    }

    #[test]
    fn quotes_that_do_not_match_are_found() {
        for (text, expected) in [
            ("\"a,b\nc,d\n", Scan::UnclosedQuote),
            ("a,\"", Scan::UnclosedQuote),
            ("\"a\"b,c", Scan::TextAfterQuote),
            ("\"a\nx,\"y\",z", Scan::TextAfterQuote),
        ] {
            assert_eq!(cells(text).0, expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_in_pieces_is_the_same_record(text in "[ab,\"\r\n ]{0,24}") {
            let bytes = text.as_bytes();
            let (mut at_once, mut in_pieces) = (Vec::new(), Vec::new());
            let whole = scan(bytes, true, b',', &mut at_once);
            for end in 0..bytes.len() {
                let part = scan(&bytes[..end], false, b',', &mut in_pieces);
                prop_assert!(part == Scan::Incomplete || (part == whole && in_pieces == at_once), "{end}: {part:?}");
            }
        }

        #[test]
        fn a_record_written_by_the_csv_crate_is_read_as_it_was_written(
            row in proptest::collection::vec("[ab,\"\r\n ü]{0,6}", 1..5)
        ) {
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            writer.write_record(&row).expect("writing to memory");
            let text = String::from_utf8(writer.into_inner().expect("flushed")).expect("it was UTF-8");
            let (scan, found) = cells(&text);
            let whole = matches!(scan, Scan::Record { whole, .. } if whole == text.len());
            prop_assert!(whole);
            prop_assert_eq!(found, row);
        }
    }
}
