//! Reads what stands in a tag: names, helpers with arguments, texts, numbers.
//!
//! The grammar is Handlebars' own, less what templates have no use for (named arguments, `as |name|`, `[odd
//! names]`, escapes in texts, literal lists): each left out with a message that says what to write instead.
//! Recursion is bounded by [`MAX_CALLS`].

use std::ops::Range;

/// Helpers within helpers.
const MAX_CALLS: usize = 8;

/// What a tag computes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Path(Path),
    Call { helper: String, name_span: Range<usize>, arguments: Vec<Expr>, span: Range<usize> },
    Text { value: String, span: Range<usize> },
    Integer { value: i64, span: Range<usize> },
    Boolean { value: bool, span: Range<usize> },
}

impl Expr {
    pub(super) fn span(&self) -> Range<usize> {
        match self {
            Expr::Path(path) => path.span.clone(),
            Expr::Call { span, .. }
            | Expr::Text { span, .. }
            | Expr::Integer { span, .. }
            | Expr::Boolean { span, .. } => span.clone(),
        }
    }
}

/// The name of a value: `lead.first_name`, `this`, `../lead.score`, `@root.lead.score`, `@index`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    /// As written.
    pub(super) raw: String,
    pub(super) start: Start,
    pub(super) segments: Vec<String>,
    pub(super) span: Range<usize>,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// In the enclosing `each`, or at the root outside of any; so many `each`es further out.
    Scope(usize),
    /// `@root.`
    Root,
    /// `@index`, `@first`, `@last`
    Loop,
}

/// Why an expression cannot be read.
pub(super) struct Mistake {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// Reads expressions; `at` is where it stands.
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, range: Range<usize>) -> Reader<'t> {
        Reader { text, at: range.start, end: range.end }
    }

    /// The one expression that fills the range.
    pub(super) fn expression(mut self) -> Result<Expr, Mistake> {
        self.space();
        self.call_or_value(0)
    }

    fn rest(&self) -> &str {
        &self.text[self.at..self.end]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// `name argument …` or one value, up to the end or a closing parenthesis.
    fn call_or_value(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let first = self.value(depth)?;
        let start = first.span().start;
        let mut arguments = Vec::new();
        let mut end = first.span().end;
        self.space();
        while self.at < self.end && !self.rest().starts_with(')') {
            let argument = self.value(depth)?;
            end = self.at;
            arguments.push(argument);
            self.space();
        }
        if depth == 0 && self.at < self.end {
            return Err(Mistake {
                span: self.at..self.at + 1,
                message: "this `)` closes nothing".to_owned(),
                hint: "remove it, or write the `(` it belongs to",
            });
        }
        if arguments.is_empty() {
            return Ok(first);
        }
        match first {
            Expr::Path(Path { raw, start: Start::Scope(0), segments, span }) if segments.len() == 1 => {
                Ok(Expr::Call { helper: raw, name_span: span, arguments, span: start..end })
            }
            other => Err(Mistake {
                span: other.span(),
                message: "this is followed by arguments but is not a helper".to_owned(),
                hint: "write one name, or a helper before it: `{{default lead.first_name \"there\"}}`",
            }),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let start = self.at;
        let next = self.rest().chars().next();
        match next {
            None => Err(Mistake {
                span: start.saturating_sub(1)..start,
                message: "a name is missing here".to_owned(),
                hint: "write what the tag is about: `{{#if lead.first_name}}`",
            }),
            Some('(') => self.parenthesis(depth),
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            Some(_) => self.word(),
        }
    }

    fn parenthesis(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let start = self.at;
        if depth >= MAX_CALLS {
            return Err(Mistake {
                span: start..start + 1,
                message: format!("helpers are nested more than {MAX_CALLS} deep"),
                hint: "use fewer helpers at once",
            });
        }
        self.at += 1;
        self.space();
        let expr = self.call_or_value(depth + 1)?;
        if !self.rest().starts_with(')') {
            return Err(Mistake {
                span: start..start + 1,
                message: "this `(` is never closed".to_owned(),
                hint: "write `)` where it ends",
            });
        }
        self.at += 1;
        Ok(expr)
    }

    fn quoted(&mut self, quote: char) -> Result<Expr, Mistake> {
        let start = self.at;
        let inside = &self.rest()[1..];
        let Some(length) = inside.find(quote) else {
            return Err(Mistake {
                span: start..self.end,
                message: "this quote is never closed".to_owned(),
                hint: "write the same quote again where the text ends",
            });
        };
        let value = inside[..length].to_owned();
        let span = start..start + length + 2;
        if value.contains(['\\', '{', '}', '\n']) {
            return Err(Mistake {
                span,
                message: "a text in quotes has no `\\`, `{`, `}` and no line break".to_owned(),
                hint: "use the other kind of quote around a quote",
            });
        }
        self.at = span.end;
        Ok(Expr::Text { value, span })
    }

    fn word(&mut self) -> Result<Expr, Mistake> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| c.is_whitespace() || "()\"'".contains(c))
            .unwrap_or(rest.len())
            .max(rest.chars().next().map_or(0, char::len_utf8));
        let word = rest[..length].to_owned();
        let span = start..start + length;
        self.at = span.end;
        if word == "true" || word == "false" {
            return Ok(Expr::Boolean { value: word == "true", span });
        }
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return match word.parse() {
                Ok(value) => Ok(Expr::Integer { value, span }),
                Err(_) => Err(Mistake {
                    span,
                    message: format!("`{word}` is not a whole number"),
                    hint: "write digits, or the text in quotes",
                }),
            };
        }
        if word.contains(['=', '|']) {
            return Err(Mistake {
                span,
                message: format!("`{word}`: named arguments and `as |name|` are not supported"),
                hint: "write the values one after the other; in `{{#each}}` say `this`",
            });
        }
        path(&word, span.clone()).map(Expr::Path).ok_or_else(|| Mistake {
            span,
            message: format!("`{word}` is not a name"),
            hint: "a name is words with dots between them, such as `lead.first_name`",
        })
    }
}

/// Reads a path, `None` when `word` is none.
fn path(word: &str, span: Range<usize>) -> Option<Path> {
    let raw = word.to_owned();
    if let Some(local) = word.strip_prefix('@') {
        if let Some(rest) = local.strip_prefix("root.") {
            return Some(Path { raw, start: Start::Root, segments: segments(rest)?, span });
        }
        let segments = vec![local.to_owned()];
        return matches!(local, "index" | "first" | "last").then_some(Path {
            raw,
            start: Start::Loop,
            segments,
            span,
        });
    }
    let mut rest = word;
    let mut outwards = 0;
    while let Some(inner) = rest.strip_prefix("../") {
        rest = inner;
        outwards += 1;
    }
    let segments = match rest {
        "this" if outwards == 0 => Vec::new(),
        _ if outwards == 0 => segments(rest.strip_prefix("this.").unwrap_or(rest))?,
        _ => segments(rest)?,
    };
    Some(Path { raw, start: Start::Scope(outwards), segments, span })
}

fn segments(dotted: &str) -> Option<Vec<String>> {
    dotted
        .split('.')
        .map(|part| {
            let plain = !part.is_empty()
                && !part.starts_with(|c: char| c.is_ascii_digit())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            (plain && part != "this").then(|| part.to_owned())
        })
        .collect()
}
