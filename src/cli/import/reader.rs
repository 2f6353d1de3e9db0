//! A CSV file as a stream of rows, whatever the file is like.
//!
//! Memory is bounded by [`MAX_ROW`]: no row is held that is longer. Every line of the file belongs to a
//! row, to a broken row, or is blank; none is lost. A row that is broken costs one line: the reading
//! goes on at the next line end, also when that lies inside what the row took for a quoted cell. So a
//! quote that is never closed costs its own line and not the rest of the file.

use std::io::{self, Read};

use super::encoding::Encoding;
use super::record::{Cell, Scan, line_end, scan};

/// Bytes of one row. Ten thousand columns of a hundred characters fit.
pub const MAX_ROW: usize = 1 << 20;
/// Columns of a file. HubSpot with every property of every tool exported has some two thousand.
pub const MAX_COLUMNS: usize = 10_000;
/// Bytes that are kept of a line longer than [`MAX_ROW`], to show which it was.
const KEPT_OF_TOO_LONG: usize = 4_096;
/// Bytes read at once; also the block that shows encoding and delimiter.
const BLOCK: usize = 64 * 1024;
/// What may stand between cells.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Why a file cannot be read as a list of leads.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk's word.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is no header.
    #[error("the file is empty; its first line must name the columns")]
    Empty,
    /// A ZIP archive: `.xlsx` is one.
    #[error("this is an Excel workbook or a ZIP archive; save the sheet as CSV and import that")]
    Workbook,
    /// A gzip archive.
    #[error("this is a gzip archive; unpack it and import what is in it")]
    Gzip,
    /// The header cannot be read.
    #[error("the first line cannot be read as column names: {0}")]
    Header(BrokenRow),
    /// The header is too wide.
    #[error("the first line names {0} columns; at most {MAX_COLUMNS} are read")]
    TooManyColumns(usize),
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRow {
    /// A quote is opened and never closed, or not within [`MAX_ROW`].
    #[error("a quote is opened and never closed")]
    UnclosedQuote,
    /// Text stands behind a closing quote: a quote within a cell was not doubled, or one is missing.
    #[error("text follows a closing quote; a quote within a cell must be doubled")]
    TextAfterQuote,
    /// Longer than [`MAX_ROW`].
    #[error("the row is longer than 1 MiB")]
    TooLong,
    /// Not as many cells as columns.
    #[error("the row has {found} cells, the header {expected}")]
    Cells {
        /// In the row.
        found: usize,
        /// In the header.
        expected: usize,
    },
    /// Bytes that are no text.
    #[error("the row is not {0}")]
    Encoding(Encoding),
}

/// A row and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of the file on which it begins, from 1.
    pub line: u64,
    /// How many lines it covers.
    pub lines: u64,
    /// Its bytes without the line end, in the file's encoding (UTF-16: in UTF-8). Of a line longer than
    /// [`MAX_ROW`] the beginning.
    pub raw: Vec<u8>,
    /// As many cells as there are columns, or what is wrong.
    pub cells: Result<Vec<String>, BrokenRow>,
}

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Of its characters.
    pub encoding: Encoding,
    /// It begins with a byte order mark.
    pub byte_order_mark: bool,
    /// Between its cells.
    pub delimiter: u8,
}

/// Reads rows.
pub struct Reader<R> {
    source: R,
    decoder: Option<encoding_rs::Decoder>,
    dialect: Dialect,
    header: Vec<String>,
    header_raw: Vec<u8>,
    /// What was read and decoded; rows before `start` are done with.
    buffer: Vec<u8>,
    start: usize,
    /// Nothing follows the buffer.
    last: bool,
    /// The line at `start`, from 1.
    line: u64,
    bytes_read: u64,
    cells: Vec<Cell>,
}

impl<R: Read> Reader<R> {
    /// Reads the header and finds out how the file is written. `recognised` says how many columns of a
    /// header mean something: the delimiter that gives the most is the file's.
    pub fn open(source: R, recognised: impl Fn(&[String]) -> usize) -> Result<Reader<R>, ReadError> {
        let mut reader = Reader {
            source,
            decoder: None,
            dialect: Dialect { encoding: Encoding::Ascii, byte_order_mark: false, delimiter: b',' },
            header: Vec::new(),
            header_raw: Vec::new(),
            buffer: Vec::new(),
            start: 0,
            last: false,
            line: 1,
            bytes_read: 0,
            cells: Vec::new(),
        };
        reader.fill()?;
        if reader.buffer.starts_with(b"PK\x03\x04") {
            return Err(ReadError::Workbook);
        }
        if reader.buffer.starts_with(&[0x1f, 0x8b]) {
            return Err(ReadError::Gzip);
        }
        reader.decode_first_block()?;
        reader.read_header(recognised)?;
        Ok(reader)
    }

    /// The column names.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The header's bytes, as [`Row::raw`].
    pub fn header_raw(&self) -> &[u8] {
        &self.header_raw
    }

    /// How the file is written, as far as is known by now.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Bytes of the file read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The next row that is not blank; `None` at the end.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        loop {
            if !self.skip_line_ends()? {
                return Ok(None);
            }
            let row = self.row()?;
            // Spreadsheets leave rows of delimiters behind their data.
            if !matches!(&row.cells, Ok(cells) if cells.iter().all(|cell| cell.trim().is_empty())) {
                return Ok(Some(row));
            }
        }
    }

    /// The row at `start`, where something lies.
    fn row(&mut self) -> io::Result<Row> {
        match self.scan()? {
            Scan::Record { body, whole, lines } if whole <= MAX_ROW => {
                let cells = self.texts(body);
                // Quotes that do not match can hide line ends in cells: such a row costs one line, not all.
                if lines > 1 && cells.is_err() {
                    return self.broken_line(cells.err().unwrap_or(BrokenRow::UnclosedQuote));
                }
                let raw = self.pending()[..body].to_vec();
                let row = Row { line: self.line, lines, raw, cells };
                self.start += whole;
                self.line += lines;
                Ok(row)
            }
            Scan::Record { lines: 1, .. } => self.broken_line(BrokenRow::TooLong),
            Scan::Record { .. } | Scan::Incomplete | Scan::UnclosedQuote => {
                self.broken_line(BrokenRow::UnclosedQuote)
            }
            Scan::TextAfterQuote => self.broken_line(BrokenRow::TextAfterQuote),
        }
    }

    /// Looks for the record at `start`, reading on as long as it is incomplete and not too long.
    fn scan(&mut self) -> io::Result<Scan> {
        loop {
            let found = scan(&self.buffer[self.start..], self.last, self.dialect.delimiter, &mut self.cells);
            let pending = self.pending().len();
            if found != Scan::Incomplete || pending > MAX_ROW {
                return Ok(found);
            }
            // Twice as much each time: a long row is looked at a few times, not once a block.
            while self.pending().len() <= pending * 2 && !self.last {
                self.fill()?;
            }
        }
    }

    /// Gives up the line at `start`.
    fn broken_line(&mut self, fault: BrokenRow) -> io::Result<Row> {
        loop {
            let pending = self.pending();
            if let Some(end) = pending.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                if line_end(&pending[end..], self.last).is_none() {
                    self.fill()?;
                    continue;
                }
                let (fault, kept) =
                    if end > MAX_ROW { (BrokenRow::TooLong, KEPT_OF_TOO_LONG) } else { (fault, end) };
                let row = Row { line: self.line, lines: 1, raw: pending[..kept].to_vec(), cells: Err(fault) };
                self.start += end;
                self.skip_one_line_end()?;
                return Ok(row);
            }
            if self.last && pending.len() <= MAX_ROW {
                let row = Row { line: self.line, lines: 1, raw: pending.to_vec(), cells: Err(fault) };
                self.start = self.buffer.len();
                self.line += 1;
                return Ok(row);
            }
            if pending.len() > MAX_ROW {
                return self.endless_line();
            }
            self.fill()?;
        }
    }

    /// Gives up a line that is longer than [`MAX_ROW`], block by block.
    fn endless_line(&mut self) -> io::Result<Row> {
        let raw = self.pending()[..KEPT_OF_TOO_LONG].to_vec();
        let row = Row { line: self.line, lines: 1, raw, cells: Err(BrokenRow::TooLong) };
        loop {
            if let Some(end) = self.pending().iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                self.start += end;
                self.skip_one_line_end()?;
                return Ok(row);
            }
            self.start = self.buffer.len();
            if self.last {
                self.line += 1;
                return Ok(row);
            }
            self.fill()?;
        }
    }

    /// The cells of the record at `start`.
    fn texts(&mut self, body: usize) -> Result<Vec<String>, BrokenRow> {
        let record = &self.buffer[self.start..self.start + body];
        let encoding = self.dialect.encoding.settled(record);
        let text = |cell: &Cell| match cell.bytes(record) {
            std::borrow::Cow::Borrowed(bytes) => encoding.text(bytes).map(std::borrow::Cow::into_owned),
            std::borrow::Cow::Owned(bytes) => encoding.text(&bytes).map(std::borrow::Cow::into_owned),
        };
        let expected = self.header.len();
        let mut found = self.cells.len();
        if expected > 0 {
            // A delimiter at the end of every row but the header's loses nothing.
            while found > expected
                && self.cells.get(found - 1).is_some_and(|cell| cell.bytes(record).is_empty())
            {
                found -= 1;
            }
            if found != expected {
                return Err(BrokenRow::Cells { found, expected });
            }
        }
        let texts: Option<Vec<String>> = self.cells.iter().take(found).map(text).collect();
        self.dialect.encoding = encoding;
        texts.ok_or(BrokenRow::Encoding(encoding))
    }

    fn pending(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Skips blank lines. Whether something follows.
    fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            match self.pending().first() {
                Some(b'\n' | b'\r') => self.skip_one_line_end()?,
                Some(_) => return Ok(true),
                None if self.last => return Ok(false),
                None => self.fill()?,
            }
        }
    }

    /// Skips the line end at `start`.
    fn skip_one_line_end(&mut self) -> io::Result<()> {
        loop {
            if let Some(length) = line_end(self.pending(), self.last) {
                self.start += length;
                self.line += 1;
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Reads one more block behind what is pending.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let end = self.buffer.len();
        let read = self.source.by_ref().take(BLOCK as u64).read_to_end(&mut self.buffer)?;
        self.bytes_read += read as u64;
        self.last = read < BLOCK;
        self.decode(end);
        Ok(())
    }

    /// Turns what lies behind `from` into UTF-8, if it is not ASCII's kin.
    fn decode(&mut self, from: usize) {
        let Some(decoder) = &mut self.decoder else {
            return;
        };
        let bytes = self.buffer.split_off(from);
        let mut text =
            String::with_capacity(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(BLOCK * 3));
        // The capacity is what the decoder asks for at most, so one call takes all.
        let _ = decoder.decode_to_string(&bytes, &mut text, self.last);
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn decode_first_block(&mut self) -> io::Result<()> {
        let (encoding, mark) = Encoding::of_block(&self.buffer);
        self.dialect.encoding = encoding;
        self.dialect.byte_order_mark = mark > 0;
        self.buffer.drain(..mark);
        self.decoder = encoding.decoder();
        self.decode(0);
        Ok(())
    }

    fn read_header(&mut self, recognised: impl Fn(&[String]) -> usize) -> Result<(), ReadError> {
        if !self.skip_line_ends()? {
            return Err(ReadError::Empty);
        }
        // Excel's own way to say which delimiter a file has.
        if let [b's', b'e', b'p', b'=', delimiter, b'\r' | b'\n', ..] = self.pending() {
            self.dialect.delimiter = *delimiter;
            self.start += 5;
            if !self.skip_line_ends()? {
                return Err(ReadError::Empty);
            }
        } else {
            self.dialect.delimiter = self.best_delimiter(recognised)?;
        }
        let row = self.row()?;
        self.header = row.cells.map_err(ReadError::Header)?;
        self.header_raw = row.raw;
        match self.header.len() {
            0..=MAX_COLUMNS => Ok(()),
            many => Err(ReadError::TooManyColumns(many)),
        }
    }

    /// The delimiter by which most columns are recognised; with as many, by which there are most.
    fn best_delimiter(&mut self, recognised: impl Fn(&[String]) -> usize) -> io::Result<u8> {
        let mut best = (0, 0, b',');
        for delimiter in DELIMITERS {
            self.dialect.delimiter = delimiter;
            let Scan::Record { body, whole, .. } = self.scan()? else {
                continue;
            };
            let candidate = if whole > MAX_ROW || self.cells.len() > MAX_COLUMNS {
                (0, self.cells.len(), delimiter)
            } else {
                let encoding = self.dialect.encoding;
                let header = self.texts(body).unwrap_or_default();
                self.dialect.encoding = encoding;
                (recognised(&header), header.len(), delimiter)
            };
            if (candidate.0, candidate.1) > (best.0, best.1) {
                best = candidate;
            }
        }
        Ok(best.2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::columns::Columns;
    use super::*;

    /// A source that gives few bytes at a time, as pipes and slow disks do.
    struct Dripping<'a>(&'a [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(into.len()).min(self.0.len());
            let (now, later) = self.0.split_at(length);
            into[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    fn open(bytes: &[u8]) -> Result<Reader<Dripping<'_>>, ReadError> {
        Reader::open(Dripping(bytes, 7), |header| Columns::recognise(header).recognised())
    }

    fn rows(bytes: &[u8]) -> (Dialect, Vec<Row>) {
        let mut reader = open(bytes).expect("the header is fine");
        let mut rows = Vec::new();
        while let Some(row) = reader.next_row().expect("memory does not fail") {
            rows.push(row);
        }
        (reader.dialect(), rows)
    }

    /// Line, and first cell or fault, of each row.
    fn outline(bytes: &[u8]) -> Vec<(u64, Result<String, BrokenRow>)> {
        rows(bytes).1.into_iter().map(|row| (row.line, row.cells.map(|cells| cells[0].clone()))).collect()
    }

    fn ok(text: &str) -> Result<String, BrokenRow> {
        Ok(text.to_owned())
    }

    #[test]
    fn every_delimiter_is_found_out() {
        for text in [
            "email,name\na@b.example,x;y",
            "email;name\na@b.example;x,y",
            "email\tname\na@b.example\tx,y",
            "email|name\na@b.example|x,y",
            "sep=;\r\nemail;name\na@b.example;x,y",
            "\"Name, full\";email\nx;a@b.example",
        ] {
            assert!(rows(text.as_bytes()).1[0].cells.as_ref().is_ok_and(|cells| cells.len() == 2), "{text}");
        }
        assert_eq!(outline(b"email\na@b.example\n"), [(2, ok("a@b.example"))]);
    }

    #[test]
    fn every_encoding_is_read() {
        let text = "email,name\na@b.example,Müller\n";
        let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
        let marked = format!("\u{feff}{text}");
        let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, encoding) in [
            (text.as_bytes(), Encoding::Utf8),
            (marked.as_bytes(), Encoding::Utf8),
            (&latin1, Encoding::Windows1252),
            (&little, Encoding::Utf16Le),
            (&little[2..], Encoding::Utf16Le),
            (&big, Encoding::Utf16Be),
        ] {
            let (dialect, rows) = rows(bytes);
            assert_eq!(dialect.encoding, encoding);
            assert_eq!(rows[0].cells, Ok(vec!["a@b.example".to_owned(), "Müller".to_owned()]), "{encoding}");
        }
    }

    #[test]
    fn an_umlaut_far_behind_the_first_block_is_read_in_its_encoding() {
        let mut bytes = b"email,name\n".to_vec();
        bytes.extend(b"a@b.example,x\n".repeat(BLOCK / 10));
        bytes.extend(b"z@b.example,M\xfcller\n");
        let (dialect, rows) = rows(&bytes);
        assert_eq!(dialect.encoding, Encoding::Windows1252);
        let last = rows.last().and_then(|row| row.cells.as_ref().ok()).expect("a row");
        assert_eq!(last[1], "Müller");
    }

    #[test]
    fn one_row_in_the_wrong_encoding_is_reported_and_the_others_go_in() {
        let mut bytes = "email,name\na@b.example,Müller\n".as_bytes().to_vec();
        bytes.extend(b"b@b.example,M\xfcller\n");
        bytes.extend("c@b.example,Käse\n".as_bytes());
        assert_eq!(
            outline(&bytes),
            [(2, ok("a@b.example")), (3, Err(BrokenRow::Encoding(Encoding::Utf8))), (4, ok("c@b.example"))]
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_own_line() {
        let text = "email,name\na@b.example,x\nb@b.example,\"Bob\nc@b.example,y\n\nd@b.example,z\n";
        assert_eq!(
            outline(text.as_bytes()),
            [
                (2, ok("a@b.example")),
                (3, Err(BrokenRow::UnclosedQuote)),
                (4, ok("c@b.example")),
                (6, ok("d@b.example"))
            ]
        );
        let closed_by_another = "email,name\nb@b.example,\"Bob\nc@b.example,\"y\"\nd@b.example,z\n";
        assert_eq!(
            outline(closed_by_another.as_bytes()),
            [(2, Err(BrokenRow::TextAfterQuote)), (3, ok("c@b.example")), (4, ok("d@b.example"))]
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_swallow_a_huge_file() {
        let mut bytes = b"email,name\nb@b.example,\"Bob\n".to_vec();
        let good = (MAX_ROW * 3) / 14;
        bytes.extend(b"a@b.example,x\n".repeat(good));
        let rows = outline(&bytes);
        assert_eq!(rows[0], (2, Err(BrokenRow::UnclosedQuote)));
        assert_eq!(rows.len(), good + 1);
        assert!(rows[1..].iter().all(|(_, row)| row.is_ok()));
    }

    #[test]
    fn lines_are_counted_through_quoted_line_ends() {
        let text = "email,note\r\na@b.example,\"one\r\ntwo\nthree\"\r\n\r\nb@b.example,x\r\nc@b.example\r\nd@b.example,y";
        assert_eq!(
            outline(text.as_bytes()),
            [
                (2, ok("a@b.example")),
                (6, ok("b@b.example")),
                (7, Err(BrokenRow::Cells { found: 1, expected: 2 })),
                (8, ok("d@b.example")),
            ]
        );
    }

    #[test]
    fn a_row_of_a_million_columns_is_reported_and_the_others_go_in() {
        let mut bytes = b"email,name\na@b.example,x\n".to_vec();
        bytes.extend(b",".repeat(1_000_000));
        bytes.extend(b"\nb@b.example,y\n");
        bytes.extend(b"x,".repeat(2_000_000));
        bytes.extend(b"\nc@b.example,z\n");
        let rows = rows(&bytes).1;
        let faults: Vec<_> = rows.iter().map(|row| (row.line, row.cells.as_ref().err().copied())).collect();
        // A million blank cells fit into the limit and say nothing: a blank row.
        assert_eq!(faults, [(2, None), (4, None), (5, Some(BrokenRow::TooLong)), (6, None)]);
        assert_eq!(rows[2].raw.len(), KEPT_OF_TOO_LONG);
    }

    #[test]
    fn a_row_with_too_many_cells_is_broken_unless_they_are_blank() {
        let text = "email,name\na@b.example,x,\nb@b.example,y,z\n";
        assert_eq!(
            outline(text.as_bytes()),
            [(2, ok("a@b.example")), (3, Err(BrokenRow::Cells { found: 3, expected: 2 }))]
        );
    }

    #[test]
    fn what_is_no_csv_says_what_it_is() {
        assert!(matches!(open(b"").err(), Some(ReadError::Empty)));
        assert!(matches!(open(b"\xef\xbb\xbf\r\n\n").err(), Some(ReadError::Empty)));
        assert!(matches!(open(b"PK\x03\x04abc").err(), Some(ReadError::Workbook)));
        assert!(matches!(open(b"\x1f\x8babc").err(), Some(ReadError::Gzip)));
        assert!(matches!(open(b"\"email,name\n").err(), Some(ReadError::Header(BrokenRow::UnclosedQuote))));
        let wide = "a,".repeat(MAX_COLUMNS);
        assert!(matches!(open(wide.as_bytes()).err(), Some(ReadError::TooManyColumns(_))));
    }

    /// Lines as an editor counts them, a line end at the very end opening none.
    fn lines_of(text: &str) -> u64 {
        let unified = text.replace("\r\n", "\n").replace('\r', "\n");
        unified.strip_suffix('\n').unwrap_or(&unified).split('\n').count() as u64
    }

    proptest! {
        #[test]
        fn random_bytes_never_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(mut reader) = open(&bytes) {
                while reader.next_row().expect("memory does not fail").is_some() {}
            }
        }

        #[test]
        fn every_line_is_in_a_row_or_in_a_broken_row_or_blank(body in "([ab,\"\r\n]|\"\"|\",\"|é){0,60}") {
            let text = format!("email,name\n{body}");
            let mut next = 2;
            let lines: Vec<String> =
                text.replace("\r\n", "\n").replace('\r', "\n").split('\n').map(str::to_owned).collect();
            let blank = |line: u64| {
                lines.get(line as usize - 1).is_none_or(|text| text.chars().all(|c| ",\" \n".contains(c)))
            };
            for row in rows(text.as_bytes()).1 {
                prop_assert!((next..row.line).all(blank), "a line before {} is lost", row.line);
                prop_assert!(row.line >= next);
                next = row.line + row.lines;
            }
            prop_assert!((next..=lines_of(&text)).all(blank), "a line at the end is lost");
        }

        #[test]
        fn the_size_of_the_pieces_does_not_matter(body in "[ab,\"\r\n]{0,60}", piece in 1usize..9) {
            let text = format!("email,name\n{body}");
            let read = |piece| {
                let mut reader = Reader::open(Dripping(text.as_bytes(), piece), |_| 0).expect("a header");
                let mut rows = Vec::new();
                while let Some(row) = reader.next_row().expect("memory does not fail") {
                    rows.push(row);
                }
                rows
            };
            prop_assert_eq!(read(piece), read(1_000));
        }
    }
}
