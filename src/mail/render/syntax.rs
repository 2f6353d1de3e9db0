//! Reads the part of Handlebars that templates may use, with the exact place of everything.
//!
//! The `handlebars` crate keeps only line and column of a tag, explains mistakes in the words of its
//! grammar, and recurses without a bound while parsing: a deep enough file aborts the process. So files are
//! read here, without recursion and within limits, into [`Node`]s that carry byte ranges; `expand` checks
//! them and builds the crate's own template tree, and the crate's parser never sees a file.
//!
//! Everything outside the subset is refused with advice. After a mistake reading goes on with the next tag,
//! so that all mistakes of a file are told at once.

use std::ops::Range;

use super::expression::{Expr, Mistake, Reader};
use crate::problem::Problem;

/// The largest file, and the largest template with its partials: a mail is never near it.
pub(super) const MAX_BYTES: usize = 256 * 1024;
/// Blocks and partials within one another. Rendering recurses once for each.
pub(super) const MAX_DEPTH: usize = 50;
/// Tags in one template with its partials, each partial counted as often as it is used. It bounds what
/// partials that include partials can grow to.
pub(super) const MAX_TAGS: usize = 2_000;
/// The longest tag; it bounds the search for a tag's end.
const MAX_TAG: usize = 1_000;
/// After so many mistakes in one file more of them help nobody.
const MAX_PROBLEMS: usize = 50;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Text as it stands in the file.
    Text(Range<usize>),
    /// `{{expression}}`
    Print(Expr),
    /// `{{{name}}}`, in layouts only.
    Raw { name: String, span: Range<usize> },
    /// `{{> name}}`; alone on its line when `indent` says what stands before it there.
    Partial { name: String, span: Range<usize>, indent: Option<Range<usize>> },
    /// `{{#if}} … {{else if}} … {{else}} … {{/if}}`; `unless` is an `if` whose first test is negated.
    Choice { negated: bool, branches: Vec<(Expr, Vec<Node>)>, otherwise: Vec<Node> },
    /// `{{#each list}} … {{else}} … {{/each}}`
    Loop { list: Expr, body: Vec<Node>, otherwise: Vec<Node> },
}

/// What differs between the files that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A mail's body or a partial.
    Body,
    /// A subject or preheader: no partials.
    Line,
    /// A layout: no partials, and `{{{name}}}` is allowed.
    Layout,
}

/// Reads `text[range]`. Mistakes go to `problems` with their place in `text`.
pub(super) fn parse(
    file: &str,
    text: &str,
    range: Range<usize>,
    dialect: Dialect,
    problems: &mut Vec<Problem>,
) -> Vec<Node> {
    if range.len() > MAX_BYTES {
        problems.push(
            Problem::of(file, format!("the file is larger than {} kB", MAX_BYTES / 1024))
                .hint("a mail is a page of text; move what is long to a web page and link to it"),
        );
        return Vec::new();
    }
    let mut parser = Parser { file, text, end: range.end, dialect, problems: Vec::new(), open: Vec::new() };
    parser.reserved(range.clone());
    let nodes = parser.nodes(range.start);
    problems.append(&mut parser.problems);
    nodes
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    If,
    Unless,
    Each,
}

impl Keyword {
    fn name(self) -> &'static str {
        match self {
            Keyword::If => "if",
            Keyword::Unless => "unless",
            Keyword::Each => "each",
        }
    }
}

/// A block whose end has not been seen.
struct Open {
    keyword: Keyword,
    span: Range<usize>,
    /// Branches that are complete, then the test of the one being read.
    branches: Vec<(Expr, Vec<Node>)>,
    test: Expr,
    otherwise: bool,
    /// What was read before the block began.
    before: Vec<Node>,
}

struct Parser<'t> {
    file: &'t str,
    text: &'t str,
    end: usize,
    dialect: Dialect,
    problems: Vec<Problem>,
    open: Vec<Open>,
}

/// The inside of a tag, without braces, `~` and the space around it.
struct Tag {
    span: Range<usize>,
    inner: Range<usize>,
    trim_before: bool,
    trim_after: bool,
}

impl Parser<'_> {
    fn problem(&mut self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::at(self.file, span, message).hint(hint));
    }

    fn reserved(&mut self, range: Range<usize>) {
        let body = &self.text[range.clone()];
        if let Some((at, c)) = body.char_indices().find(|(_, c)| super::escape::is_reserved(*c)) {
            let at = range.start + at;
            self.problem(
                at..at + c.len_utf8(),
                format!("the private-use character U+{:04X}", u32::from(c)),
                "no mail program shows it; remove it",
            );
        }
    }

    fn nodes(&mut self, start: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        // Where text that is not yet in `nodes` begins.
        let mut text_start = start;
        let mut at = start;
        let mut tags = 0;
        while let Some(found) = self.text[at..self.end].find("{{") {
            if self.problems.len() > MAX_PROBLEMS {
                return Vec::new();
            }
            let begin = at + found;
            tags += 1;
            if tags > MAX_TAGS {
                let message = format!("the file has more than {MAX_TAGS} tags");
                self.problem(begin..begin + 2, message, "split the mail into several templates");
                return Vec::new();
            }
            let tag = match self.tag(begin) {
                Ok(tag) => tag,
                Err(resume) => {
                    at = resume.min(self.end);
                    continue;
                }
            };
            let alone = self.alone(begin, &tag);
            let mut text_end = begin;
            if tag.trim_before {
                text_end = text_start + self.text[text_start..begin].trim_end().len();
            } else if let Some(line) = &alone {
                text_end = line.start.max(text_start);
            }
            if text_end > text_start {
                nodes.push(Node::Text(text_start..text_end));
            }
            text_start = tag.span.end;
            if tag.trim_after {
                let rest = &self.text[tag.span.end..self.end];
                text_start += rest.len() - rest.trim_start().len();
            } else if let Some(line) = &alone {
                text_start = line.end;
            }
            at = text_start;
            let indent = alone.map(|line| line.start..begin);
            if !self.node(&tag, indent, &mut nodes) {
                return Vec::new();
            }
        }
        if text_start < self.end {
            nodes.push(Node::Text(text_start..self.end));
        }
        while let Some(open) = self.open.pop() {
            let name = open.keyword.name();
            self.problem(
                open.span.clone(),
                format!("`{{{{#{name}}}}}` is never closed"),
                format!("write `{{{{/{name}}}}}` where it ends"),
            );
            nodes = open.before;
        }
        nodes
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..self.end].find('\n').map_or(self.end, |newline| at + newline + 1)
    }

    /// The line of a block, partial or comment tag that has it to itself, with its newline.
    fn alone(&self, begin: usize, tag: &Tag) -> Option<Range<usize>> {
        let inner = &self.text[tag.inner.clone()];
        let sigil = inner.starts_with(['#', '/', '>', '!']);
        let writes = !sigil && inner != "else" && !inner.starts_with("else ");
        if writes || tag.trim_before || tag.trim_after {
            return None;
        }
        let line_start = self.text[..begin].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = self.line_end(tag.span.end);
        let around = [&self.text[line_start..begin], &self.text[tag.span.end..line_end]];
        around.iter().all(|text| text.trim().is_empty()).then_some(line_start..line_end)
    }

    /// The tag that begins at `begin`; when it cannot be read, that is told, and where to go on is given.
    fn tag(&mut self, begin: usize) -> Result<Tag, usize> {
        let rest = &self.text[begin..self.end];
        if self.text[..begin].ends_with('\\') {
            self.problem(
                begin - 1..begin + 2,
                "`\\{{` is not supported",
                "a mail cannot contain `{{` itself",
            );
            return Err(begin + 2);
        }
        let raw = rest.starts_with("{{{");
        if raw && (self.dialect != Dialect::Layout || rest.starts_with("{{{{")) {
            let length = rest.find("}}").map_or(3, |close| close + 2);
            let length = if rest[length..].starts_with('}') { length + 1 } else { length };
            let span = begin..begin + length.min(self.line_end(begin) - begin);
            let resume = span.end;
            self.problem(
                span,
                "`{{{` is not allowed: values are always escaped",
                "write two braces; Markdown in a value stays plain text",
            );
            return Err(resume);
        }
        let (open, close) = if raw { (3, "}}}") } else { (2, "}}") };
        let comment = rest.starts_with("{{!") || rest.starts_with("{{~!");
        let length = if comment {
            let close = if rest.trim_start_matches(['{', '~']).starts_with("!--") { "--}}" } else { "}}" };
            rest.find(close)
                .or_else(|| rest.find("--~}}").filter(|_| close == "--}}"))
                .map(|at| at + rest[at..].find("}}").map_or(0, |braces| braces + 2))
        } else {
            tag_length(rest, open, close)
        };
        let Some(length) = length else {
            let line = self.line_end(begin);
            let shown = self.text[begin..line].trim_end().len().min(MAX_TAG);
            let what = if comment { "comment" } else { "tag" };
            self.problem(
                begin..begin + shown,
                format!("this {what} is never closed"),
                format!("write `{close}` where it ends, and quotes in pairs"),
            );
            if comment {
                self.end = line;
            }
            return Err(line);
        };
        let span = begin..begin + length;
        let mut inner = begin + open..span.end - close.len();
        let trim_before = !raw && self.text[inner.clone()].starts_with('~');
        inner.start += usize::from(trim_before);
        let trim_after = !raw && inner.start < inner.end && self.text[inner.clone()].ends_with('~');
        inner.end -= usize::from(trim_after);
        let shown = &self.text[inner.clone()];
        inner.start += shown.len() - shown.trim_start().len();
        inner.end = inner.start + shown.trim().len();
        Ok(Tag { span, inner, trim_before, trim_after })
    }

    /// Takes one tag in. `false` when the file is not worth reading further.
    fn node(&mut self, tag: &Tag, indent: Option<Range<usize>>, nodes: &mut Vec<Node>) -> bool {
        let inner = &self.text[tag.inner.clone()];
        let after_sigil = tag.inner.start + 1..tag.inner.end;
        if self.text[tag.span.clone()].starts_with("{{{") {
            nodes.push(Node::Raw { name: inner.to_owned(), span: tag.span.clone() });
            return true;
        }
        match inner.chars().next() {
            None => self.problem(tag.span.clone(), "this tag is empty", "write a name between the braces"),
            Some('!') => {}
            Some('#') => return self.block_start(tag, after_sigil, nodes),
            Some('/') => self.block_end(tag, after_sigil, nodes),
            Some('>') => self.partial(tag, after_sigil, indent, nodes),
            Some('&' | '{') => self.problem(
                tag.span.clone(),
                "`{{&` and `{{{` are not allowed: values are always escaped",
                "write the name alone; Markdown in a value stays plain text",
            ),
            Some('^') => {
                self.problem(
                    tag.span.clone(),
                    "`{{^` is not supported",
                    "write `{{else}}` or `{{#unless …}}`",
                );
            }
            Some('*') => self.problem(tag.span.clone(), "decorators are not supported", "remove this tag"),
            Some(_) if inner == "else" || inner.starts_with("else ") => return self.branch(tag, nodes),
            Some(_) => {
                if let Some(expr) = self.expression(tag.inner.clone()) {
                    nodes.push(Node::Print(expr));
                }
            }
        }
        true
    }

    fn block_start(&mut self, tag: &Tag, inner: Range<usize>, nodes: &mut Vec<Node>) -> bool {
        let content = &self.text[inner.clone()];
        let name_length = content.find(char::is_whitespace).unwrap_or(content.len());
        let keyword = match &content[..name_length] {
            "if" => Keyword::If,
            "unless" => Keyword::Unless,
            "each" => Keyword::Each,
            other => {
                let hint = match crate::problem::nearest(other, ["if", "unless", "each"]) {
                    Some(near) => format!("did you mean `{{{{#{near} …}}}}`?"),
                    None => "there are `{{#if}}`, `{{#unless}}` and `{{#each}}`".to_owned(),
                };
                self.problem(tag.span.clone(), format!("there is no block `{{{{#{other}}}}}`"), hint);
                // Its end would be told as a mistake of its own: open it as something.
                Keyword::If
            }
        };
        if self.depth() >= MAX_DEPTH {
            self.too_deep(tag);
            return false;
        }
        let known = ["if", "unless", "each"].contains(&&content[..name_length]);
        let test = match known.then(|| self.expression(inner.start + name_length..inner.end)).flatten() {
            Some(test) => test,
            None => Expr::Boolean { value: false, span: tag.span.clone() },
        };
        self.open.push(Open {
            keyword,
            span: tag.span.clone(),
            branches: Vec::new(),
            test,
            otherwise: false,
            before: std::mem::take(nodes),
        });
        true
    }

    /// Blocks within one another here, each `else if` counted: it renders as a block within the one before.
    fn depth(&self) -> usize {
        self.open.iter().map(|open| 1 + open.branches.len()).sum()
    }

    fn too_deep(&mut self, tag: &Tag) {
        self.open.clear();
        self.problem(
            tag.span.clone(),
            format!("blocks are nested more than {MAX_DEPTH} deep"),
            "split the mail into several templates",
        );
    }

    fn branch(&mut self, tag: &Tag, nodes: &mut Vec<Node>) -> bool {
        let content = &self.text[tag.inner.clone()];
        let rest = content.strip_prefix("else").unwrap_or_default().trim_start();
        let condition = rest.strip_prefix("if").filter(|test| test.starts_with(char::is_whitespace));
        let (keyword, otherwise) = match self.open.last() {
            Some(open) => (open.keyword, open.otherwise),
            None => {
                self.problem(
                    tag.span.clone(),
                    "`{{else}}` outside of a block",
                    "begin with `{{#if …}}`, `{{#unless …}}` or `{{#each …}}`",
                );
                return true;
            }
        };
        if otherwise {
            self.problem(tag.span.clone(), "this block has had its `{{else}}`", "remove one of them");
            return true;
        }
        if condition.is_none() && !rest.is_empty() {
            self.problem(
                tag.span.clone(),
                "cannot read this `{{else}}`",
                "write `{{else}}` or `{{else if …}}`",
            );
            return true;
        }
        if condition.is_some() && keyword != Keyword::If {
            self.problem(
                tag.span.clone(),
                format!("`{{{{else if}}}}` in `{{{{#{}}}}}`", keyword.name()),
                "write `{{else}}{{#if …}}…{{/if}}`",
            );
            return true;
        }
        if self.depth() >= MAX_DEPTH {
            self.too_deep(tag);
            return false;
        }
        let test = match condition {
            Some(test) => match self.expression(tag.inner.end - test.len()..tag.inner.end) {
                Some(test) => Some(test),
                None => return true,
            },
            None => None,
        };
        if let Some(open) = self.open.last_mut() {
            let placeholder = Expr::Boolean { value: false, span: tag.span.clone() };
            open.otherwise = test.is_none();
            let done = std::mem::replace(&mut open.test, test.unwrap_or(placeholder));
            open.branches.push((done, std::mem::take(nodes)));
        }
        true
    }

    fn block_end(&mut self, tag: &Tag, inner: Range<usize>, nodes: &mut Vec<Node>) {
        let name = self.text[inner].trim();
        let Some(open) = self.open.pop() else {
            self.problem(
                tag.span.clone(),
                format!("`{{{{/{name}}}}}` closes nothing"),
                "remove it, or open the block above",
            );
            return;
        };
        let opened = &self.text[open.span.clone()];
        let opened = opened.trim_matches(['{', '}', '~', '#']).split_whitespace().next().unwrap_or_default();
        if name != opened {
            let line = self.text[..open.span.start].matches('\n').count() + 1;
            self.problem(
                tag.span.clone(),
                format!("`{{{{/{name}}}}}` closes the `{{{{#{opened}}}}}` of line {line}"),
                format!("write `{{{{/{opened}}}}}` here first"),
            );
        }
        let inside = std::mem::replace(nodes, open.before);
        let mut branches = open.branches;
        let otherwise = if open.otherwise {
            inside
        } else {
            branches.push((open.test, inside));
            Vec::new()
        };
        nodes.push(match open.keyword {
            Keyword::Each => match branches.pop() {
                Some((list, body)) => Node::Loop { list, body, otherwise },
                None => return,
            },
            keyword => Node::Choice { negated: keyword == Keyword::Unless, branches, otherwise },
        });
    }

    fn partial(
        &mut self,
        tag: &Tag,
        inner: Range<usize>,
        indent: Option<Range<usize>>,
        nodes: &mut Vec<Node>,
    ) {
        let name = self.text[inner].trim();
        if self.dialect != Dialect::Body {
            self.problem(tag.span.clone(), "partials are not allowed here", "write the text itself");
        } else if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-/".contains(&b)) {
            self.problem(
                tag.span.clone(),
                "a partial is called by its name alone",
                "write `{{> folder/name}}`; it sees the same variables as the template",
            );
        } else {
            nodes.push(Node::Partial { name: name.to_owned(), span: tag.span.clone(), indent });
        }
    }

    /// Reads a whole expression: a path, or a helper with arguments.
    fn expression(&mut self, range: Range<usize>) -> Option<Expr> {
        match Reader::new(self.text, range).expression() {
            Ok(expr) => Some(expr),
            Err(Mistake { span, message, hint }) => {
                self.problem(span, message, hint);
                None
            }
        }
    }
}

/// The length of the tag at the start of `rest`; braces within quotes do not end it.
fn tag_length(rest: &str, open: usize, close: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate().skip(open).take(MAX_TAG) {
        match (quote, byte) {
            (Some(q), b) if q == b => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'}') if rest.as_bytes()[at..].starts_with(close.as_bytes()) => {
                return Some(at + close.len());
            }
            (None, b'{') if rest.as_bytes()[at..].starts_with(b"{{") => return None,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Node>, Vec<Problem>) {
        let mut problems = Vec::new();
        let nodes = parse("t.md", text, 0..text.len(), Dialect::Body, &mut problems);
        (nodes, problems)
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        for (text, place, message) in [
            ("a {{{x}}} b", "{{{x}}}", "`{{{` is not allowed"),
            ("a {{& x}} b", "{{& x}}", "`{{&` and `{{{` are not allowed"),
            ("a {{ { x } }} b", "{{ { x } }}", "`{{&` and `{{{` are not allowed"),
            ("{{{{raw}}}}", "{{{{raw}}}}", "`{{{` is not allowed"),
            ("a {{x\nb", "{{x", "this tag is never closed"),
            ("a {{!-- b }}\nc", "{{!-- b }}", "this comment is never closed"),
            ("a {{x {{y}}", "{{x {{y}}", "this tag is never closed"),
            ("a\n{{#if x}}\nb", "{{#if x}}", "`{{#if}}` is never closed"),
            ("{{#if x}}{{/each}}", "{{/each}}", "`{{/each}}` closes the `{{#if}}` of line 1"),
            ("b{{/if}}", "{{/if}}", "`{{/if}}` closes nothing"),
            ("{{else}}", "{{else}}", "`{{else}}` outside of a block"),
            ("{{#each x}}{{else if y}}{{/each}}", "{{else if y}}", "`{{else if}}` in `{{#each}}`"),
            ("{{#if x}}{{else}}{{else}}{{/if}}", "{{else}}{{/if}}", "has had its `{{else}}`"),
            ("{{#iff x}}{{/iff}}", "{{#iff x}}", "there is no block `{{#iff}}`"),
            ("{{#with x}}{{/with}}", "{{#with x}}", "there is no block `{{#with}}`"),
            ("{{#if}}{{/if}}", "f", "a name is missing here"),
            ("{{#*inline \"x\"}}{{/inline}}", "{{#*inline \"x\"}}", "there is no block `{{#*inline}}`"),
            ("{{*x}}", "{{*x}}", "decorators"),
            ("{{^}}", "{{^}}", "`{{^` is not supported"),
            ("{{}}", "{{}}", "this tag is empty"),
            ("{{> (x)}}", "{{> (x)}}", "a partial is called by its name alone"),
            ("{{> a b=c}}", "{{> a b=c}}", "a partial is called by its name alone"),
            ("{{default x=1}}", "x=1", "named arguments"),
            ("{{default (x}}", "(", "this `(` is never closed"),
            ("{{default x)}}", ")", "this `)` closes nothing"),
            ("{{a.b c}}", "a.b", "is not a helper"),
            ("{{x-y}}", "x-y", "`x-y` is not a name"),
            ("{{a[0]}}", "a[0]", "`a[0]` is not a name"),
            ("{{1.5}}", "1.5", "`1.5` is not a whole number"),
            ("{{x \"a\\b\"}}", "\"a\\b\"", "a text in quotes has no"),
            ("\\{{x}}", "\\{{", "`\\{{` is not supported"),
            ("a\u{E000}", "\u{E000}", "the private-use character U+E000"),
            ("{{(((((((((x)))))))))}}", "(", "helpers are nested more than 8 deep"),
        ] {
            let (_, problems) = read(text);
            let first = problems.first().unwrap_or_else(|| panic!("{text:?} gave no problem"));
            let span = first.span.clone().unwrap_or_default();
            assert!(first.message.contains(message), "{text:?}: {}", first.message);
            assert!(text[span.start..].starts_with(place), "{text:?}: {:?}", &text[span.clone()]);
            assert!(place.starts_with(&text[span.clone()]), "{text:?}: {:?}", &text[span]);
        }
    }

    #[test]
    fn all_mistakes_of_a_file_are_told_at_once() {
        let (_, problems) = read("{{#if y}}{{{a}}}{{/if}}\n{{b-c}}\n{{#if x}}\n{{/unless}}\n{{d\n{{/if}}");
        let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages.len(), 5, "{messages:?}");
    }

    #[test]
    fn a_tag_alone_on_its_line_takes_the_line_with_it() {
        let text = "a\n  {{#if x}}  \nb\n{{/if}}\nc {{y}}\n{{! note }}\nd\n {{> p}}\ne\n{{elsewhere}}\nf";
        let (nodes, problems) = read(text);
        assert_eq!(problems, []);
        let texts: Vec<&str> = nodes
            .iter()
            .filter_map(|node| match node {
                Node::Text(range) => Some(&text[range.clone()]),
                _ => None,
            })
            .collect();
        assert_eq!(texts, ["a\n", "c ", "\n", "d\n", "e\n", "\nf"]);
        let Node::Choice { branches, .. } = &nodes[1] else { panic!("{nodes:?}") };
        assert_eq!(branches[0].1, [Node::Text(text.find('b').map_or(0..0, |at| at..at + 2))]);
        assert!(
            nodes.iter().any(|node| matches!(node, Node::Partial { indent: Some(i), .. } if i.len() == 1))
        );
    }

    #[test]
    fn tildes_take_the_space_around_a_tag() {
        let text = "a \n {{~x~}} \n b";
        let (nodes, problems) = read(text);
        assert_eq!(problems, []);
        assert_eq!(nodes.first(), Some(&Node::Text(0..1)));
        assert_eq!(nodes.last(), Some(&Node::Text(text.len() - 1..text.len())));
    }

    #[test]
    fn what_would_overflow_a_stack_is_refused() {
        for text in [
            "{{#if x}}".repeat(10_000),
            format!("{{{{#if x}}}}{}{{{{/if}}}}", "{{else if y}}".repeat(10_000)),
            format!("{{{{{}x{}}}}}", "(".repeat(10_000), ")".repeat(10_000)),
            "{{".repeat(100_000),
            "x".repeat(1_000_000),
        ] {
            let (nodes, problems) = read(&text);
            assert!(!problems.is_empty() && problems.len() < 100, "{} problems", problems.len());
            assert!(nodes.len() < 10);
        }
    }
}
