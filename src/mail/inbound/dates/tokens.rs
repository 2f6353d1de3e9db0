//! A text as words, numbers and signs, each with what stands before it.

/// What stands between a token and the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Nothing.
    None,
    /// A space, or the end of a line, which mail programs put anywhere.
    Space,
    /// An empty line: another matter.
    Paragraph,
}

/// One word, number or sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    /// As it stands, in lower case.
    pub text: &'a str,
    /// Its value, when it is a number of at most nine digits.
    pub number: Option<i64>,
    /// What stands before it.
    pub gap: Gap,
}

impl Token<'_> {
    /// Whether it is a word.
    pub fn is_word(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_alphabetic)
    }

    /// Whether it is this sign.
    pub fn is(&self, sign: &str) -> bool {
        self.text == sign
    }
}

/// A text in the form in which it is read: in lower case, one kind of apostrophe, hyphen and space.
pub(super) fn normal(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '’' | '‘' | '´' | '`' => normal.push('\''),
            '–' | '—' | '‑' | '−' | '‐' => normal.push('-'),
            '\u{ad}' | '\u{200b}' | '\u{feff}' | '\r' => {}
            '\n' => normal.push('\n'),
            c if c.is_whitespace() || c.is_control() => normal.push(' '),
            c => normal.extend(c.to_lowercase()),
        }
    }
    for (written, meant) in JOINED {
        if normal.contains(written) {
            normal = normal.replace(written, meant);
        }
    }
    normal
}

/// Words that are written apart and mean one thing, with what they mean in a word that is read anyway.
const JOINED: [(&str, &str); 62] = [
    ("thirty-first of", "31st of"),
    ("thirtieth of", "30th of"),
    ("twenty-ninth of", "29th of"),
    ("twenty-eighth of", "28th of"),
    ("twenty-seventh of", "27th of"),
    ("twenty-sixth of", "26th of"),
    ("twenty-fifth of", "25th of"),
    ("twenty-fourth of", "24th of"),
    ("twenty-third of", "23rd of"),
    ("twenty-second of", "22nd of"),
    ("twenty-first of", "21st of"),
    ("twentieth of", "20th of"),
    ("nineteenth of", "19th of"),
    ("eighteenth of", "18th of"),
    ("seventeenth of", "17th of"),
    ("sixteenth of", "16th of"),
    ("fifteenth of", "15th of"),
    ("fourteenth of", "14th of"),
    ("thirteenth of", "13th of"),
    ("twelfth of", "12th of"),
    ("eleventh of", "11th of"),
    ("tenth of", "10th of"),
    ("ninth of", "9th of"),
    ("eighth of", "8th of"),
    ("seventh of", "7th of"),
    ("sixth of", "6th of"),
    ("fifth of", "5th of"),
    ("fourth of", "4th of"),
    ("third of", "3rd of"),
    ("->", "-"),
    ("→", "-"),
    ("=>", "-"),
    ("i.e.", "ie"),
    ("z. b.", "zb"),
    ("mid-", "mid "),
    ("14 tage", "2 wochen"),
    ("a fortnight", "2 weeks"),
    ("fortnight", "2 weeks"),
    ("quinze jours", "2 semaines"),
    ("quindici giorni", "2 settimane"),
    ("quince días", "2 semanas"),
    ("pasado mañana", "übermorgen"),
    ("övermorgon", "übermorgen"),
    ("dopodomani", "übermorgen"),
    ("après-demain", "übermorgen"),
    ("depois de amanhã", "übermorgen"),
    ("the day after tomorrow", "übermorgen"),
    ("t.o.m.", "through"),
    ("t.o.m", "through"),
    ("bis und mit", "through"),
    ("till och med", "through"),
    ("t/m", "through"),
    ("tot en met", "through"),
    ("fr.o.m.", "from"),
    ("från och med", "from"),
    ("bis einschließlich", "through"),
    ("bis inkl.", "through"),
    ("up to and including", "through"),
    ("fino a tutto", "through"),
    ("à partir", "partir"),
    ("business day", "workday"),
    ("working day", "workday"),
];

/// The tokens of a [`normal`] text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(text.len() / 5);
    let mut rest = text;
    let mut lines = 0;
    let mut gap = Gap::None;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            lines += usize::from(first == '\n');
            gap = if lines > 1 { Gap::Paragraph } else { Gap::Space };
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let length = length(rest, first);
        let (text, after) = rest.split_at(length);
        let number = first.is_ascii_digit().then(|| text.parse().ok()).flatten().filter(|_| length <= 9);
        tokens.push(Token { text, number, gap });
        (rest, gap, lines) = (after, Gap::None, 0);
    }
    tokens
}

/// How long the token is with which `rest` begins.
fn length(rest: &str, first: char) -> usize {
    if first.is_ascii_digit() {
        return rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    }
    if first.is_alphabetic() {
        let mut end = 0;
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            let joins = (c == '\'' || c == '-') && next.is_some_and(char::is_alphabetic) && at > 0;
            if !(c.is_alphabetic() || joins) {
                break;
            }
            end = at + c.len_utf8();
        }
        return end;
    }
    first.len_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(&normal(text)).iter().map(|token| token.text.to_owned()).collect()
    }

    #[test]
    fn words_numbers_and_signs_are_told_apart() {
        assert_eq!(
            texts("Back on 17th Aug. – I’m away"),
            ["back", "on", "17", "th", "aug", ".", "-", "i'm", "away"]
        );
        assert_eq!(texts("13.–24.\u{a0}Juli"), ["13", ".", "-", "24", ".", "juli"]);
        assert_eq!(texts("segunda-feira, jusqu'au 3"), ["segunda-feira", ",", "jusqu'au", "3"]);
    }

    #[test]
    fn an_empty_line_is_more_than_the_end_of_a_line() {
        let normal = normal("a\nb\n\n c");
        let gaps: Vec<Gap> = tokens(&normal).iter().map(|token| token.gap).collect();
        assert_eq!(gaps, [Gap::None, Gap::Space, Gap::Paragraph]);
    }
}
