//! Days in sentences. What the log keeps says `2026-03-16`, which sorts and can be read back; whoever reads a sentence
//! looks for a weekday first.

use jiff::civil::Date;

/// How long a date is as the log writes it.
const ISO: usize = "2026-03-16".len();

/// "Mon 16 Mar", with the year where that is not `year`.
pub fn told(day: Date, year: i16) -> String {
    day.strftime(if day.year() == year { "%a %-d %b" } else { "%a %-d %b %Y" }).to_string()
}

/// A sentence with every date in it told like that. What stands in a longer word (an address, an instant) stays.
pub fn readable(sentence: &str, year: i16) -> String {
    let mut words = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(first) = rest.chars().next() {
        let is_alone = |part: &str| {
            let next = rest[part.len()..].chars().next();
            !words.ends_with(belongs) && !next.is_some_and(belongs)
        };
        let day = rest.get(..ISO).filter(|part| is_alone(part)).and_then(|part| part.parse::<Date>().ok());
        let taken = match day {
            Some(day) => {
                words.push_str(&told(day, year));
                ISO
            }
            None => {
                words.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    words
}

/// Whether a character makes a date before or after it a part of something else.
fn belongs(c: char) -> bool {
    c.is_alphanumeric() || "-_@/".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_a_sentence_are_told_as_people_read_them() {
        for (sentence, words) in [
            ("away, back on 2026-03-16", "away, back on Mon 16 Mar"),
            ("rests until 2027-01-04; round 2 of 3", "rests until Mon 4 Jan 2027; round 2 of 3"),
            ("2026-12-25 is a holiday", "Fri 25 Dec is a holiday"),
            ("2026-13-01 is none, 2026-03-1 neither", "2026-13-01 is none, 2026-03-1 neither"),
            ("x2026-03-16@a.example, 2026-03-16T08:00Z", "x2026-03-16@a.example, 2026-03-16T08:00Z"),
            ("ünd 2026-03-16.", "ünd Mon 16 Mar."),
            ("", ""),
        ] {
            assert_eq!(readable(sentence, 2026), words);
        }
    }
}
