//! What is wrong with a file that a person wrote, told so that the person can mend it.
//!
//! Loading never stops at the first mistake: each check adds a [`Problem`] and goes on, and all of
//! them are shown together, each with file, line, column, the line itself with a caret under the
//! place, and a hint. Nothing here decides what is a mistake; the checks do.

use std::fmt;
use std::ops::Range;

/// One mistake in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as the person knows it, relative to the folder that was loaded.
    pub file: String,
    /// The place in the file, in bytes. `None` when the whole file is meant (it is missing, say).
    pub span: Option<Range<usize>>,
    /// What is wrong, as one sentence without a final full stop.
    pub message: String,
    /// What to do about it, as one sentence without a final full stop.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at a place in a file.
    pub fn at(file: impl Into<String>, span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem { file: file.into(), span: Some(span), message: message.into(), hint: None }
    }

    /// A problem with a file as a whole.
    pub fn of(file: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { file: file.into(), span: None, message: message.into(), hint: None }
    }

    /// The same problem with advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

/// All mistakes found so far, and the text of the files they are in.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
    /// They are no mistakes, but somebody should look at them.
    are_warnings: bool,
    sources: std::collections::BTreeMap<String, String>,
}

impl Problems {
    /// No problems yet.
    pub fn new() -> Problems {
        Problems::default()
    }

    /// The same, as warnings.
    pub fn as_warnings(self) -> Problems {
        Problems { are_warnings: true, ..self }
    }

    /// What each of them is called: `error` or `warning`.
    pub fn severity(&self) -> &'static str {
        if self.are_warnings { "warning" } else { "error" }
    }

    /// Remembers the text of `file`, so that problems in it can show the line.
    pub fn source(&mut self, file: &str, text: &str) {
        self.sources.insert(file.to_owned(), text.to_owned());
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many were found.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// The problems, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter()
    }

    /// Line and column (both from 1, the column in characters) of a problem, when it has a place.
    pub fn position(&self, problem: &Problem) -> Option<(usize, usize)> {
        let text = self.sources.get(&problem.file)?;
        let start = floor_char_boundary(text, problem.span.as_ref()?.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.found.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{}: {}", self.severity(), problem.message)?;
            match self.position(problem) {
                None => writeln!(f, "  --> {}", problem.file)?,
                Some((line, column)) => {
                    writeln!(f, "  --> {}:{line}:{column}", problem.file)?;
                    self.excerpt(f, problem, line, column)?;
                }
            }
            if let Some(hint) = &problem.hint {
                writeln!(f, "  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl Problems {
    /// The line with a caret under each marked character, control characters shown as spaces.
    fn excerpt(
        &self,
        f: &mut fmt::Formatter<'_>,
        problem: &Problem,
        line: usize,
        column: usize,
    ) -> fmt::Result {
        let (Some(text), Some(span)) = (self.sources.get(&problem.file), &problem.span) else {
            return Ok(());
        };
        let shown: String = text
            .lines()
            .nth(line - 1)
            .unwrap_or("")
            .chars()
            .take(160)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let start = floor_char_boundary(text, span.start);
        let end = floor_char_boundary(text, span.end.max(start));
        let room = shown.chars().count().saturating_sub(column - 1);
        let marked = text[start..end].lines().next().unwrap_or("").chars().count();
        let carets = "^".repeat(marked.clamp(1, room.max(1)));
        let gutter = line.to_string();
        let blank = " ".repeat(gutter.len());
        writeln!(f, " {blank} |")?;
        writeln!(f, " {gutter} | {shown}")?;
        writeln!(f, " {blank} | {}{carets}", " ".repeat(column - 1))
    }
}

/// The nearest character boundary at or before `index`, within `text`.
fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// The name among `known` that `name` was probably meant to be.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(name.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_with_a_caret_under_the_place() {
        let mut problems = Problems::new();
        problems.source("agreement.toml", "[contact]\nzoon = \"Europe/Berlin\"\n");
        problems
            .push(Problem::at("agreement.toml", 10..14, "unknown key `zoon`").hint("did you mean `zone`?"));
        assert_eq!(
            problems.to_string(),
            "error: unknown key `zoon`\n  --> agreement.toml:2:1\n   |\n 2 | zoon = \"Europe/Berlin\"\n   | ^^^^\n  hint: did you mean `zone`?\n"
        );
    }

    #[test]
    fn a_place_inside_a_character_or_past_the_end_does_not_panic() {
        let mut problems = Problems::new();
        problems.source("a", "é");
        problems.push(Problem::at("a", 1..1, "x"));
        problems.push(Problem::at("a", 90..99, "x"));
        assert!(problems.to_string().contains("a:1:2"));
    }

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("frist_name", ["first_name", "last_name"]), Some("first_name"));
        assert_eq!(nearest("colour", ["first_name", "last_name"]), None);
    }
}
