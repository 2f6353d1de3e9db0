//! Makes of what was read what is rendered: partials put in their places, names and types checked against the
//! schema, and the `handlebars` crate's template tree built node by node.
//!
//! Building the tree instead of handing text to the crate's parser means that nothing can be read in two
//! ways: what was checked is what runs. Beside it a *probe* is written, the Markdown of every branch with
//! stand-ins for values, together with the place of each piece: walking the probe at load finds raw HTML and
//! bad links and says where they are.

use std::collections::BTreeMap;
use std::ops::Range;

use handlebars::template::{Parameter, Template, TemplateElement};
use serde_json::Value;

use super::check::{Type, call};
use super::escape;
use super::expression::Expr;
use super::helpers::PRINT;
use super::refusal::Refusal;
use super::schema::{Kind, Schema};
use super::syntax::{MAX_BYTES, MAX_DEPTH, MAX_TAGS, Node};
use super::walk::Refused;
use crate::problem::{Problem, nearest};

/// A file that was read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) nodes: Vec<Node>,
}

/// A place where a value is shown, for the error when it is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) variable: String,
    pub(super) file: String,
    pub(super) line: usize,
}

/// A template ready to run.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) template: Template,
    pub(super) sites: Vec<Site>,
    probe: String,
    /// Where each piece of the probe came from, in its order.
    pieces: Vec<Piece>,
    pub(super) problems: Vec<Problem>,
}

#[derive(Debug)]
struct Piece {
    /// Where it begins in the probe.
    start: usize,
    file: String,
    span: Range<usize>,
    /// It is text, byte for byte; otherwise it stands for the tag at `span`.
    text: bool,
}

impl Expanded {
    /// The Markdown of every branch.
    pub(super) fn probe(&self) -> &str {
        &self.probe
    }

    /// What was refused in the probe, told about the file it came from.
    pub(super) fn problem(&self, refused: &Refused) -> Option<Problem> {
        let (file, span) = self.place(refused)?;
        Some(Problem::at(file, span, refused.what.to_string()).hint(refused.what.hint()))
    }

    fn place(&self, refused: &Refused) -> Option<(&str, Range<usize>)> {
        let at = &refused.at;
        if matches!(refused.what, Refusal::LinkVariable | Refusal::UrlPlace | Refusal::QueryPlace) {
            // The tag in the address, rather than the whole link.
            let address =
                self.probe.get(at.clone())?.rfind("](").map_or(at.start, |bracket| at.start + bracket);
            let tag =
                self.pieces.iter().find(|piece| !piece.text && (address..at.end).contains(&piece.start));
            if let Some(piece) = tag {
                return Some((&piece.file, piece.span.clone()));
            }
        }
        let (file, start) = self.origin(at.start)?;
        let (end_file, end) = self.origin(at.end.saturating_sub(1).max(at.start))?;
        let end = if end_file == file && end >= start { end + 1 } else { start + 1 };
        Some((file, start..end))
    }

    fn origin(&self, at: usize) -> Option<(&str, usize)> {
        let index = self.pieces.partition_point(|piece| piece.start <= at).checked_sub(1)?;
        let piece = self.pieces.get(index)?;
        let offset = if piece.text { at - piece.start } else { 0 };
        Some((&piece.file, piece.span.start + offset))
    }
}

/// Expands the template of `source` for mails of `schema`.
pub(super) fn expand(source: &Source, schema: &Schema, partials: &BTreeMap<String, Source>) -> Expanded {
    let mut expander = Expander {
        partials,
        schema,
        scopes: vec![Scope { kind: schema.root(), name: String::new() }],
        including: Vec::new(),
        indent: String::new(),
        bytes: 0,
        tags: 0,
        full: false,
        out: Expanded::default(),
    };
    let template = expander.nodes(source, &source.nodes, 0);
    expander.out.template = template;
    expander.out
}

/// Reports partials that include themselves, each circle once.
pub(super) fn circles(partials: &BTreeMap<String, Source>, problems: &mut Vec<Problem>) {
    /// The partials a file includes, with the tags.
    fn included<'n>(nodes: &'n [Node], found: &mut Vec<(&'n str, &'n Range<usize>)>) {
        for node in nodes {
            match node {
                Node::Partial { name, span, .. } => found.push((name, span)),
                Node::Choice { branches, otherwise, .. } => {
                    for (_, nodes) in branches {
                        included(nodes, found);
                    }
                    included(otherwise, found);
                }
                Node::Loop { body, otherwise, .. } => {
                    included(body, found);
                    included(otherwise, found);
                }
                Node::Text(_) | Node::Print(_) | Node::Raw { .. } => {}
            }
        }
    }
    let edges: BTreeMap<&str, Vec<(&str, &Range<usize>)>> = partials
        .iter()
        .map(|(name, source)| {
            let mut found = Vec::new();
            included(&source.nodes, &mut found);
            (name.as_str(), found)
        })
        .collect();
    // A depth-first search with its own stack: `false` while a partial is on it, `true` when done with.
    let mut done: BTreeMap<&str, bool> = BTreeMap::new();
    for &root in edges.keys() {
        if done.contains_key(root) {
            continue;
        }
        done.insert(root, false);
        let mut stack = vec![(root, 0)];
        while let Some((name, next)) = stack.pop() {
            let Some(&(child, span)) = edges.get(name).and_then(|children| children.get(next)) else {
                done.insert(name, true);
                continue;
            };
            stack.push((name, next + 1));
            match done.get(child) {
                Some(true) => {}
                Some(false) => {
                    let circle: Vec<&str> =
                        stack.iter().map(|(name, _)| *name).skip_while(|name| *name != child).collect();
                    if let Some(source) = partials.get(name) {
                        let message = format!(
                            "the partial `{child}` includes itself: {} → {child}",
                            circle.join(" → ")
                        );
                        problems.push(
                            Problem::at(&source.file, span.clone(), message).hint("remove one of these tags"),
                        );
                    }
                }
                None => {
                    if edges.contains_key(child) {
                        done.insert(child, false);
                        stack.push((child, 0));
                    }
                }
            }
        }
    }
}

/// What names mean at a place: the root, or the item of an `each`.
pub(super) struct Scope<'s> {
    pub(super) kind: &'s Kind,
    pub(super) name: String,
}

/// A template being expanded.
pub(super) struct Expander<'a> {
    partials: &'a BTreeMap<String, Source>,
    pub(super) schema: &'a Schema,
    pub(super) scopes: Vec<Scope<'a>>,
    /// The partials being put in place, outermost first.
    including: Vec<&'a str>,
    /// What stands before each line of the partial being put in place.
    indent: String,
    bytes: usize,
    tags: usize,
    /// A limit was passed and reported: nothing more is expanded.
    full: bool,
    out: Expanded,
}

impl<'a> Expander<'a> {
    pub(super) fn problem(
        &mut self,
        source: &Source,
        span: Range<usize>,
        message: impl Into<String>,
        hint: String,
    ) {
        self.out.problems.push(Problem::at(&source.file, span, message).hint(hint));
    }

    fn nodes(&mut self, source: &'a Source, nodes: &'a [Node], depth: usize) -> Template {
        let mut template = Template::new();
        for node in nodes {
            if self.full {
                break;
            }
            match node {
                Node::Text(range) => self.text(source, range, &mut template),
                Node::Print(expr) => {
                    self.tag(source, &expr.span());
                    self.print(source, expr, &mut template);
                }
                Node::Raw { span, .. } => {
                    let hint = "write two braces".to_owned();
                    self.problem(source, span.clone(), "`{{{` is not allowed here", hint);
                }
                Node::Partial { name, span, indent } => {
                    self.tag(source, span);
                    self.partial(source, name, span, indent.as_ref(), depth, &mut template);
                }
                Node::Choice { negated, branches, otherwise } => {
                    let element = self.choice(source, *negated, branches, otherwise, depth + 1);
                    template.elements.extend(element);
                }
                Node::Loop { list, body, otherwise } => {
                    self.tag(source, &list.span());
                    let element = self.each(source, list, body, otherwise, depth + 1);
                    template.elements.push(element);
                }
            }
        }
        template
    }

    /// Counts a tag.
    fn tag(&mut self, source: &Source, span: &Range<usize>) {
        self.tags += 1;
        if self.tags > MAX_TAGS && !self.full {
            self.full = true;
            let message = format!("the template with its partials has more than {MAX_TAGS} tags");
            self.problem(source, span.clone(), message, "include fewer partials, each once".to_owned());
        }
    }

    fn text(&mut self, source: &Source, range: &Range<usize>, template: &mut Template) {
        let text = &source.text[range.clone()];
        self.bytes += text.len() + self.indent.len() * text.matches('\n').count();
        if self.bytes > MAX_BYTES {
            self.full = true;
            let message = format!("the template with its partials is larger than {} kB", MAX_BYTES / 1024);
            self.problem(source, range.start..range.start, message, "include fewer partials".to_owned());
            return;
        }
        if self.indent.is_empty() {
            self.piece(source, range.clone(), true);
            self.out.probe.push_str(text);
            template.elements.push(TemplateElement::RawString(text.to_owned()));
            return;
        }
        let mut indented = String::new();
        let mut start = range.start;
        for line in text.split_inclusive('\n') {
            let end = start + line.len();
            let begins_line = start == 0 || source.text[..start].ends_with('\n');
            if begins_line && !line.trim().is_empty() {
                self.out.probe.push_str(&self.indent);
                indented.push_str(&self.indent);
            }
            self.piece(source, start..end, true);
            self.out.probe.push_str(line);
            indented.push_str(line);
            start = end;
        }
        template.elements.push(TemplateElement::RawString(indented));
    }

    fn piece(&mut self, source: &Source, span: Range<usize>, text: bool) {
        self.out.pieces.push(Piece { start: self.out.probe.len(), file: source.file.clone(), span, text });
    }

    fn print(&mut self, source: &Source, expr: &Expr, template: &mut Template) {
        let (parameter, kind, variable) = self.expr(source, expr);
        let hint = match kind {
            Type::Boolean => Some("use it in `{{#if …}}`".to_owned()),
            Type::Date => {
                let shown = source.text.get(expr.span()).unwrap_or_default();
                Some(format!("write `{{{{date {shown} \"%-d %B %Y\"}}}}`"))
            }
            Type::Record => Some(format!("name one of its fields, such as `{variable}.name`")),
            Type::List(_) => Some("use `{{#each …}}`, or `{{join …}}` for a list of texts".to_owned()),
            Type::Text | Type::Integer | Type::Url | Type::Address | Type::Query | Type::Unknown => None,
        };
        if let Some(hint) = hint {
            let message = format!("{} cannot be shown as it is", kind.name());
            self.problem(source, expr.span(), message, hint);
        }
        let line = source.text[..expr.span().start].matches('\n').count() + 1;
        let number = Value::from(self.out.sites.len());
        self.out.sites.push(Site { variable, file: source.file.clone(), line });
        self.piece(source, expr.span(), false);
        self.out.probe.push_str(&match kind {
            Type::Address => escape::hide_address("https://value.example/"),
            Type::Query => escape::hide_query("value"),
            _ => escape::hide("value"),
        });
        let print = call(PRINT, vec![parameter, Parameter::Literal(number)]);
        template.elements.push(*print.element);
    }

    fn partial(
        &mut self,
        source: &Source,
        name: &str,
        span: &Range<usize>,
        indent: Option<&Range<usize>>,
        depth: usize,
        template: &mut Template,
    ) {
        let Some((name, partial)) = self.partials.get_key_value(name) else {
            let hint = match nearest(name, self.partials.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{{{{> {near}}}}}`?"),
                None => "write it as a file in `partials/`".to_owned(),
            };
            return self.problem(source, span.clone(), format!("there is no partial `{name}`"), hint);
        };
        if self.including.contains(&name.as_str()) {
            // Reported once, as a circle of partials.
            self.full = true;
            return;
        }
        if depth >= MAX_DEPTH {
            self.full = true;
            let message = format!("blocks and partials are nested more than {MAX_DEPTH} deep");
            return self.problem(
                source,
                span.clone(),
                message,
                "include fewer partials in partials".to_owned(),
            );
        }
        let outer = self.indent.len();
        self.indent.push_str(indent.map_or("", |range| &source.text[range.clone()]));
        self.including.push(name);
        let inside = self.nodes(partial, &partial.nodes, depth + 1);
        self.including.pop();
        self.indent.truncate(outer);
        template.elements.extend(inside.elements);
        if indent.is_some() && !ends_line(&partial.nodes, &partial.text) {
            self.out.probe.push('\n');
            template.elements.push(TemplateElement::RawString("\n".to_owned()));
        }
    }

    fn choice(
        &mut self,
        source: &'a Source,
        negated: bool,
        branches: &'a [(Expr, Vec<Node>)],
        otherwise: &'a [Node],
        depth: usize,
    ) -> Option<TemplateElement> {
        let mut parts = Vec::new();
        for (index, (test, nodes)) in branches.iter().enumerate() {
            self.tag(source, &test.span());
            let (parameter, kind, _) = self.expr(source, test);
            if matches!(kind, Type::Record) {
                let hint = "name one of its fields".to_owned();
                self.problem(source, test.span(), "a group of fields is always there", hint);
            }
            parts.push((parameter, self.nodes(source, nodes, depth + index)));
        }
        let last = self.nodes(source, otherwise, depth + branches.len());
        let mut inverse = (!last.elements.is_empty()).then_some(last);
        let keyword = if negated { "unless" } else { "if" };
        let mut element = None;
        for (parameter, inside) in parts.into_iter().rev() {
            if let Some(nested) = element.take() {
                let mut template = Template::new();
                template.elements.push(nested);
                inverse = Some(template);
            }
            element = Some(block(keyword, parameter, inside, inverse.take()));
        }
        element
    }

    fn each(
        &mut self,
        source: &'a Source,
        list: &Expr,
        body: &'a [Node],
        otherwise: &'a [Node],
        depth: usize,
    ) -> TemplateElement {
        let (parameter, kind, name) = self.expr(source, list);
        let item = match kind {
            Type::List(item) if matches!(list, Expr::Path(_)) => Some(item),
            Type::Unknown => None,
            _ => {
                let hint = "`{{#each}}` takes the name of a list".to_owned();
                self.problem(source, list.span(), "this is not a list", hint);
                None
            }
        };
        let inside = match item {
            Some(item) => {
                self.scopes.push(Scope { kind: item, name: format!("{name}[]") });
                let inside = self.nodes(source, body, depth);
                self.scopes.pop();
                inside
            }
            // What its names mean is not known.
            None => Template::new(),
        };
        let inverse = self.nodes(source, otherwise, depth);
        block("each", parameter, inside, (!otherwise.is_empty()).then_some(inverse))
    }
}

/// Whether the last thing a partial writes ends a line, as far as its text tells.
fn ends_line(nodes: &[Node], text: &str) -> bool {
    match nodes.last() {
        None => true,
        Some(Node::Text(range)) => text[range.clone()].ends_with('\n'),
        Some(Node::Choice { branches, otherwise, .. }) => {
            branches.iter().all(|(_, nodes)| ends_line(nodes, text)) && ends_line(otherwise, text)
        }
        Some(Node::Loop { body, otherwise, .. }) => ends_line(body, text) && ends_line(otherwise, text),
        Some(Node::Partial { indent, .. }) => indent.is_some(),
        Some(Node::Print(_) | Node::Raw { .. }) => false,
    }
}

fn block(keyword: &str, test: Parameter, inside: Template, inverse: Option<Template>) -> TemplateElement {
    match *call(keyword, vec![test]).element {
        TemplateElement::Expression(mut helper) => {
            helper.block = true;
            helper.template = Some(inside);
            helper.inverse = inverse;
            TemplateElement::HelperBlock(helper)
        }
        other => other,
    }
}
