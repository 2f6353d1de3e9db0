//! Conditions: what a marketer writes where the agreement asks "for whom?".
//!
//! A condition is a CEL expression (<https://cel.dev>) over the few names in [`VARIABLES`], and says yes
//! or no. The crate `cel` parses and evaluates; it checks neither names nor types, and it has no limits.
//! So a condition is checked once, when the playbook is loaded: every name is known, text is never
//! compared with a number, the answer is a `bool`, patterns compile, and nothing nests so deep or runs
//! so long that it could hurt. What remains at evaluation is arithmetic (a division by zero), and that
//! is an [`EvaluationError`], never "no".
//!
//! What is not known of a lead is the empty text, so `lead.country != "DE"` holds for a lead without a
//! country; `has(lead.country)` says whether something is known.

mod check;
mod facts;
mod functions;
mod limits;
mod places;
mod variables;
mod vocabulary;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cel::common::types::CelBool;
use cel::parser::Expression;
use cel::{Context, Env, ExecutionError, Value};

pub use facts::Facts;
pub use variables::{Kind, VARIABLES, Variable};

use facts::{Lookup, Resolver};

/// The language: CEL's standard functions. No macros: `has`, `exists` and `all` are written out by
/// the check, which has to see them as they were written, and there is no `map` to leave out.
static LANGUAGE: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::default().with_optional_support(false).with_stdlib()));

/// What a condition may speak of, depending on where it stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vars<'a> {
    /// Whether there is an event (`event.*`): only in scoring rules.
    pub event: bool,
    /// All names of activities, when the agreement lists them; any other is then a mistake.
    pub activities: Option<&'a BTreeSet<String>>,
}

/// A checked expression over [`VARIABLES`].
#[derive(Clone)]
pub struct Condition(Arc<Checked>);

struct Checked {
    text: String,
    /// The names in it are the places of `lookups`: "0", "1" …
    expression: Expression,
    lookups: Vec<Lookup>,
}

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// The place in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why a condition could be decided neither way for a lead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{condition}` cannot be decided: {reason}")]
pub struct EvaluationError {
    /// The condition.
    pub condition: String,
    /// Why, without anything about the lead.
    pub reason: &'static str,
}

impl Condition {
    /// Reads and checks a condition.
    ///
    /// # Errors
    /// The first thing in it that is not understood, or not allowed here.
    pub fn compile(text: &str, allowed: Vars<'_>) -> Result<Condition, ConditionError> {
        limits::check(text)?;
        let (parsed, places) =
            LANGUAGE.parser().parse_with_source_info(text).map_err(|errors| syntax_error(text, &errors))?;
        let (expression, lookups) = check::check(text, parsed, &places, allowed)?;
        Ok(Condition(Arc::new(Checked { text: text.to_owned(), expression, lookups })))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether it is simply `true`: holds for every lead.
    pub fn is_always(&self) -> bool {
        self.0.text.trim() == "true"
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// When the expression has no value for these facts: it divides by zero, or a number gets too large.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, EvaluationError> {
        let resolver = Resolver { lookups: &self.0.lookups, facts };
        let mut context = Context::with_env(Arc::clone(&LANGUAGE));
        context.set_variable_resolver(&resolver);
        let value = Value::resolve_val(&self.0.expression, &context)
            .map_err(|error| self.undecided(reason_of(&error)))?;
        match value.as_ref().downcast_ref::<CelBool>() {
            Some(answer) => Ok(*answer.inner()),
            None => Err(self.undecided("it is neither true nor false")),
        }
    }

    fn undecided(&self, reason: &'static str) -> EvaluationError {
        EvaluationError { condition: self.0.text.clone(), reason }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({:?})", self.0.text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.text)
    }
}

impl Eq for Condition {}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.0.text == other.0.text
    }
}

/// The crate's own messages quote values; a reason goes into the event log and must not.
fn reason_of(error: &ExecutionError) -> &'static str {
    match error {
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero",
        ExecutionError::Overflow(..) => "a number in it gets too large",
        _ => "the expression has no value here",
    }
}

/// The parser's first complaint; it may report several that follow from one mistake.
fn syntax_error(text: &str, errors: &cel::ParseErrors) -> ConditionError {
    let (line, column) = errors.errors.first().map_or((1, 1), |error| error.pos);
    let start = position(text, line, column);
    let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    let message = if text[start..].trim().is_empty() {
        "the condition ends too early".to_owned()
    } else {
        format!("`{}` is not expected here", text[start..].split_whitespace().next().unwrap_or_default())
    };
    let hint = if text.contains(" and ") || text.contains(" or ") || text.contains(" not ") {
        "write `&&` for and, `||` for or, `!` for not"
    } else if text.contains('=') && !text.contains("==") && !text.contains("!=") {
        "two values are compared with `==`"
    } else {
        "a condition looks like `lead.score >= 50 && lead.country in [\"DE\", \"AT\"]`"
    };
    ConditionError { span: start..end, message, hint: Some(hint.to_owned()) }
}

/// The byte at a line and a column, both from 1, the column in characters.
fn position(text: &str, line: isize, column: isize) -> usize {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let column = usize::try_from(column - 1).unwrap_or(0);
    let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    text[line_start..].char_indices().nth(column).map_or(text.len(), |(index, _)| line_start + index)
}

#[cfg(test)]
mod tests;
