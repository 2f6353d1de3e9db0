//! The layout: the HTML frame around a mail, written and trusted by the operator.
//!
//! It is not Markdown and not a general template: it has four slots. `{{{content}}}` (once) and
//! `{{{footer}}}` take HTML that the walk wrote; `{{subject}}` and `{{preheader}}` take text, which is escaped
//! for HTML text and quoted attributes. `{{#if preheader}}` and `{{#if footer}}` ask whether there is one.
//! `<script>` is refused: no mail program runs it, and many filters drop a mail that has it.

use std::ops::Range;

use super::escape::push_html;
use super::expression::Expr;
use super::syntax::{self, Dialect, Node};
use crate::problem::{Problem, nearest};

/// What fills the slots.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filling<'m> {
    pub(super) content: &'m str,
    pub(super) footer: &'m str,
    pub(super) subject: &'m str,
    pub(super) preheader: &'m str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Content,
    Footer,
    Subject,
    Preheader,
}

const SLOTS: [(&str, Slot); 4] = [
    ("content", Slot::Content),
    ("footer", Slot::Footer),
    ("subject", Slot::Subject),
    ("preheader", Slot::Preheader),
];

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Slot(Slot),
    /// What is written when the slot is filled, and when not.
    If(Slot, Vec<Piece>, Vec<Piece>),
}

/// A layout ready to be filled.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pieces: Vec<Piece>,
    /// Where the footer goes, when it has a place.
    pub(super) footer: Option<Range<usize>>,
}

impl Frame {
    /// Reads a layout.
    pub(super) fn read(file: &str, text: &str, problems: &mut Vec<Problem>) -> Frame {
        let nodes = syntax::parse(file, text, 0..text.len(), Dialect::Layout, problems);
        let mut reader = Reader { file, text, problems, contents: 0, footer: None };
        if let Some(at) = text.to_ascii_lowercase().find("<script") {
            reader.problem(at..at + "<script".len(), "a mail cannot have scripts", "remove this element");
        }
        let pieces = reader.pieces(&nodes);
        if reader.contents != 1 && !nodes.is_empty() {
            let message =
                format!("a layout has `{{{{{{content}}}}}}` once, this one {} times", reader.contents);
            reader.problems.push(Problem::of(file, message).hint("write it where the mail's text belongs"));
        }
        Frame { pieces, footer: reader.footer }
    }

    /// The layout around a mail.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> String {
        let mut out = String::with_capacity(filling.content.len() + filling.footer.len() + 4_096);
        fill(&self.pieces, filling, &mut out);
        out
    }
}

fn fill(pieces: &[Piece], filling: &Filling<'_>, out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Slot(slot @ (Slot::Content | Slot::Footer)) => out.push_str(filling.of(*slot)),
            Piece::Slot(slot) => push_html(out, filling.of(*slot)),
            Piece::If(slot, then, _) if !filling.of(*slot).is_empty() => fill(then, filling, out),
            Piece::If(_, _, otherwise) => fill(otherwise, filling, out),
        }
    }
}

impl<'m> Filling<'m> {
    fn of(&self, slot: Slot) -> &'m str {
        match slot {
            Slot::Content => self.content,
            Slot::Footer => self.footer,
            Slot::Subject => self.subject,
            Slot::Preheader => self.preheader,
        }
    }
}

struct Reader<'r> {
    file: &'r str,
    text: &'r str,
    problems: &'r mut Vec<Problem>,
    contents: usize,
    footer: Option<Range<usize>>,
}

impl Reader<'_> {
    fn problem(&mut self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::at(self.file, span, message).hint(hint));
    }

    fn pieces(&mut self, nodes: &[Node]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for node in nodes {
            let piece = match node {
                Node::Text(range) => Some(Piece::Text(self.text[range.clone()].to_owned())),
                Node::Raw { name, span } => self.slot(name, span).and_then(|slot| self.raw(slot, span)),
                Node::Print(expr) => self.named(expr).and_then(|slot| match slot {
                    Slot::Subject | Slot::Preheader => Some(Piece::Slot(slot)),
                    Slot::Content | Slot::Footer => {
                        let hint = "write three braces: `{{{content}}}`, `{{{footer}}}`";
                        self.problem(expr.span(), "this slot takes HTML", hint);
                        None
                    }
                }),
                Node::Choice { negated, branches, otherwise } => self.choice(*negated, branches, otherwise),
                Node::Loop { list, .. } => {
                    self.problem(list.span(), "a layout has no lists", "write this in the mail's text");
                    None
                }
                Node::Partial { .. } => None,
            };
            pieces.extend(piece);
        }
        pieces
    }

    fn choice(&mut self, negated: bool, branches: &[(Expr, Vec<Node>)], otherwise: &[Node]) -> Option<Piece> {
        let mut rest = self.pieces(otherwise);
        for (test, nodes) in branches.iter().rev() {
            let then = self.pieces(nodes);
            let slot = self.named(test)?;
            let (then, other) = if negated { (rest, then) } else { (then, rest) };
            rest = vec![Piece::If(slot, then, other)];
        }
        rest.pop()
    }

    fn raw(&mut self, slot: Slot, span: &Range<usize>) -> Option<Piece> {
        match slot {
            Slot::Content => self.contents += 1,
            Slot::Footer => self.footer = Some(span.clone()),
            Slot::Subject | Slot::Preheader => {
                self.problem(span.clone(), "this slot takes text, which is escaped", "write two braces");
                return None;
            }
        }
        Some(Piece::Slot(slot))
    }

    fn named(&mut self, expr: &Expr) -> Option<Slot> {
        match expr {
            Expr::Path(path) => self.slot(&path.raw, &path.span),
            other => {
                let hint = "a layout has the slots content, footer, subject and preheader";
                self.problem(other.span(), "a layout has no helpers and no values", hint);
                None
            }
        }
    }

    fn slot(&mut self, name: &str, span: &Range<usize>) -> Option<Slot> {
        let found = SLOTS.iter().find(|(known, _)| *known == name).map(|(_, slot)| *slot);
        if found.is_none() {
            let hint = match nearest(name, SLOTS.iter().map(|(known, _)| *known)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "the slots are content, footer, subject and preheader".to_owned(),
            };
            self.problem(span.clone(), format!("a layout has no slot `{name}`"), hint);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_and_text_is_escaped() {
        let mut problems = Vec::new();
        let layout = "<title>{{subject}}</title>{{#if preheader}}<i>{{preheader}}</i>{{else}}-{{/if}}{{{content}}}{{{footer}}}";
        let frame = Frame::read("l.hbs", layout, &mut problems);
        assert_eq!(problems, []);
        let filling = Filling { content: "<p>c</p>", footer: "<p>f</p>", subject: "a<b", preheader: "\"x\"" };
        assert_eq!(frame.fill(&filling), "<title>a&lt;b</title><i>&quot;x&quot;</i><p>c</p><p>f</p>");
        assert_eq!(frame.fill(&Filling::default()), "<title></title>-");
    }

    #[test]
    fn mistakes_in_a_layout_are_told_with_their_place() {
        for (layout, place, message) in [
            ("{{{content}}}{{{contend}}}", "{{{contend}}}", "no slot `contend`"),
            ("{{{content}}}{{{subject}}}", "{{{subject}}}", "takes text"),
            ("{{{content}}}{{content}}", "content}}", "takes HTML"),
            ("{{{content}}}{{default subject \"x\"}}", "default subject", "no helpers"),
            ("{{{content}}}{{> x}}", "{{> x}}", "partials are not allowed here"),
            ("{{{content}}}{{#each x}}{{/each}}", "x}}", "no lists"),
            ("{{{content}}}<Script>", "<Script", "scripts"),
            ("<p>", "", "`{{{content}}}` once, this one 0 times"),
        ] {
            let mut problems = Vec::new();
            Frame::read("l.hbs", layout, &mut problems);
            let problem = problems.first().unwrap_or_else(|| panic!("{layout}"));
            assert!(problem.message.contains(message), "{layout}: {}", problem.message);
            let start = problem.span.clone().map_or(0, |span| span.start);
            let wanted =
                if layout.ends_with("{{content}}") { layout.rfind(place) } else { layout.find(place) };
            assert_eq!(Some(start), wanted, "{layout}");
        }
    }
}
