//! Names and types of a condition, checked on the tree as it was parsed.
//!
//! The check also rewrites: every name becomes a numbered lookup (so evaluation compares no strings),
//! `has(x)` becomes `x != ""`, a pattern is compiled and its match becomes a lookup too, and `exists`
//! and `all` become the loops that CEL defines them as.

use std::ops::Range;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};

use super::facts::Lookup;
use super::places::{self, path};
use super::variables::{Fact, Kind, VARIABLES, Variable};
use super::vocabulary::{self, Unknown};
use super::{ConditionError, Vars};
use crate::problem::nearest;

/// The tree may be deeper than its brackets: `1 + 1 + 1 …` leans to the left. (`&&` and `||` do not, the
/// parser balances them.) Evaluation recurses and takes some 35 kB of stack a level (debug build, measured).
const MAX_DEPTH: usize = 24;

pub(super) const ROOTS: [&str; 3] = ["lead", "campaign", "event"];
pub(super) const METHODS: [&str; 7] =
    ["contains", "startsWith", "endsWith", "matches", "size", "exists", "all"];

/// Checks `parsed`, and gives the tree to evaluate and what its names look up.
pub(super) fn check(
    text: &str,
    parsed: IdedExpr,
    places: &SourceInfo,
    allowed: Vars<'_>,
) -> Result<(IdedExpr, Vec<Lookup>), ConditionError> {
    let mut check = Check { text, places, allowed, lookups: Vec::new(), local: None, depth: 0 };
    let whole = check.tree(parsed)?;
    match whole.shape {
        Shape::One(Kind::Bool) => Ok((whole.expr, check.lookups)),
        other => Err(ConditionError {
            span: 0..text.len(),
            message: format!("this is {}, but a condition has to be true or false", other.name()),
            hint: Some("compare it with something: `lead.score >= 50`, `has(lead.phone)`".to_owned()),
        }),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    One(Kind),
    /// `None`: the empty list, which fits everywhere.
    List(Option<Kind>),
}

impl Shape {
    pub(super) fn name(self) -> String {
        match self {
            Shape::One(kind) => kind.to_string(),
            Shape::List(None) => "an empty list".to_owned(),
            Shape::List(Some(kind)) => format!("a list of which each is {kind}"),
        }
    }
}

/// A checked part of the condition.
pub(super) struct Typed {
    pub(super) expr: IdedExpr,
    pub(super) shape: Shape,
    pub(super) span: Range<usize>,
    /// The variable it is, when it is one: its values may be known.
    pub(super) fact: Option<(Fact, String)>,
    /// The texts written in it, when it is a text or a list of texts.
    pub(super) texts: Vec<(String, Range<usize>)>,
}

pub(super) struct Check<'a> {
    text: &'a str,
    places: &'a SourceInfo,
    allowed: Vars<'a>,
    lookups: Vec<Lookup>,
    /// The name that `exists` or `all` gives to each element.
    pub(super) local: Option<(String, Kind)>,
    depth: usize,
}

pub(super) type Checked<T> = Result<T, ConditionError>;

impl Check<'_> {
    pub(super) fn tree(&mut self, node: IdedExpr) -> Checked<Typed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.refuse(self.span(&node), "the condition is too long a chain here", "split it");
        }
        let checked = self.node(node);
        self.depth -= 1;
        checked
    }

    fn node(&mut self, node: IdedExpr) -> Checked<Typed> {
        let span = self.span(&node);
        match node.expr {
            Expr::Literal(literal) => self.literal(literal, span),
            Expr::Ident(_) | Expr::Select(_) => self.name(&node),
            Expr::Call(call) => self.call(call, span),
            Expr::List(list) => self.list(list.elements, span),
            Expr::Unspecified | Expr::Comprehension(_) | Expr::Map(_) | Expr::Struct(_) => {
                self.refuse(span, "this is not part of conditions", "compare names with values")
            }
        }
    }

    fn literal(&self, literal: LiteralValue, span: Range<usize>) -> Checked<Typed> {
        let mut texts = Vec::new();
        let kind = match &literal {
            LiteralValue::Boolean(_) => Kind::Bool,
            LiteralValue::Int(_) => Kind::Int,
            LiteralValue::String(text) => {
                texts.push((text.inner().to_owned(), span.clone()));
                Kind::Text
            }
            LiteralValue::Double(_) | LiteralValue::UInt(_) => {
                return self.refuse(span, "numbers in conditions are whole", "write `50`, not `50.0`");
            }
            LiteralValue::Null => {
                return self.refuse(span, "nothing is `null` here", "ask `has(lead.phone)`");
            }
            LiteralValue::Bytes(_) => {
                return self.refuse(span, "bytes are not part of conditions", "write `\"text\"`");
            }
        };
        Ok(Typed { expr: ided(Expr::Literal(literal)), shape: Shape::One(kind), span, fact: None, texts })
    }

    fn list(&mut self, elements: Vec<IdedExpr>, span: Range<usize>) -> Checked<Typed> {
        let mut kind = None;
        let mut texts = Vec::new();
        let mut checked = Vec::with_capacity(elements.len());
        for element in elements {
            let element = self.tree(element)?;
            let Shape::One(one) = element.shape else {
                return self.refuse(element.span, "lists hold no lists", "put all values into one list");
            };
            if *kind.get_or_insert(one) != one {
                return self.refuse(
                    element.span,
                    format!("this is {one}, but the list began with {}", kind.unwrap_or(one)),
                    "all of a list are of one kind",
                );
            }
            texts.extend(element.texts);
            checked.push(element.expr);
        }
        let expr = ided(Expr::List(cel::common::ast::ListExpr::new(checked)));
        Ok(Typed { expr, shape: Shape::List(kind), span, fact: None, texts })
    }

    /// A name: `lead.score`, `lead.activities.pricing_page`, or what `exists` called an element.
    fn name(&mut self, node: &IdedExpr) -> Checked<Typed> {
        let span = self.span(node);
        let Some(path) = path(node) else {
            return self.refuse(span, "only names have fields", "names look like `lead.score`");
        };
        if let (Some((local, kind)), [only]) = (&self.local, path.as_slice())
            && local == only
        {
            let expr = ided(Expr::Ident(local.clone()));
            return Ok(Typed { expr, shape: Shape::One(*kind), span, fact: None, texts: Vec::new() });
        }
        let variable = self.variable(&path, span.clone())?;
        match (variable.family, path.get(2)) {
            (false, _) => Ok(self.looked_up(variable, String::new(), span)),
            (true, Some(member)) => self.member(variable, member, span),
            (true, None) => self.refuse(
                span,
                format!("`{}` holds many values", variable.path),
                format!("name one: `{}[\"name\"]`", variable.path),
            ),
        }
    }

    /// The variable a path leads to; the path has a third segment only for a family.
    pub(super) fn variable(&self, path: &[&str], span: Range<usize>) -> Checked<&'static Variable> {
        let written = path.join(".");
        let found =
            VARIABLES.iter().find(|variable| path.iter().take(2).copied().eq(variable.path.split('.')));
        match found {
            Some(variable) if variable.fact == Fact::EventName && !self.allowed.event => self.refuse(
                span,
                "there is no event here",
                "`event.name` is known in scoring rules; ask `lead.activities.pricing_page > 0`",
            ),
            Some(variable) if path.len() > if variable.family { 3 } else { 2 } => {
                self.refuse(span, format!("`{}` has no fields", variable.path), "drop what follows it")
            }
            Some(variable) => Ok(variable),
            None => {
                let known = || VARIABLES.iter().map(|variable| variable.path);
                // People forget the root, and mistype a field more often than the root.
                let bare = format!("lead.{written}");
                let suggestion = known()
                    .find(|path| *path == bare)
                    .or_else(|| nearest(&written, known()))
                    .or_else(|| nearest(&bare, known()));
                let hint = match (suggestion, path) {
                    (Some(name), _) => format!("did you mean `{name}`?"),
                    (None, [root, ..]) if ROOTS.contains(root) => format!(
                        "known are {}; other fields of a form are `lead.fields[\"name\"]`",
                        known()
                            .filter(|path| path.split('.').next() == Some(*root))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                    (None, _) => "names begin with `lead.`, `campaign.` or `event.`".to_owned(),
                };
                self.refuse(span, format!("`{written}` is not known"), hint)
            }
        }
    }

    pub(super) fn member(
        &mut self,
        variable: &'static Variable,
        member: &str,
        span: Range<usize>,
    ) -> Checked<Typed> {
        if variable.fact == Fact::Activity {
            self.vocabulary(vocabulary::activity(member, self.allowed), &span)?;
        }
        Ok(self.looked_up(variable, member.to_owned(), span))
    }

    fn looked_up(&mut self, variable: &'static Variable, member: String, span: Range<usize>) -> Typed {
        let lookup = match variable.kind {
            Kind::Bool => Lookup::Owned,
            Kind::Int => Lookup::Int(variable.fact, member.clone()),
            Kind::Text => Lookup::Text(variable.fact, member.clone()),
        };
        Typed {
            expr: self.lookup(lookup),
            shape: Shape::One(variable.kind),
            span,
            fact: Some((variable.fact, member)),
            texts: Vec::new(),
        }
    }

    pub(super) fn lookup(&mut self, lookup: Lookup) -> IdedExpr {
        self.lookups.push(lookup);
        ided(Expr::Ident((self.lookups.len() - 1).to_string()))
    }

    fn call(&mut self, call: CallExpr, span: Range<usize>) -> Checked<Typed> {
        let CallExpr { func_name, target, args } = call;
        if let Some(target) = target {
            return self.method(&func_name, *target, args, span);
        }
        match (func_name.as_str(), args.len()) {
            ("has", 1) => self.has(args, span),
            ("size", 1) => {
                let of = self.tree(first(args))?;
                self.size(of, span)
            }
            (operators::INDEX, 2) => self.index(args, span),
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, _) => {
                let args = args.into_iter().map(|arg| self.kind(arg, Kind::Bool)).collect::<Checked<_>>()?;
                Ok(typed(func_name, args, Kind::Bool, span))
            }
            (operators::NEGATE | operators::SUBSTRACT | operators::MULTIPLY, _)
            | (operators::DIVIDE | operators::MODULO, 2) => {
                let args = args.into_iter().map(|arg| self.kind(arg, Kind::Int)).collect::<Checked<_>>()?;
                Ok(typed(func_name, args, Kind::Int, span))
            }
            (operators::ADD, 2) => {
                let (left, right) = self.both(args)?;
                match (left.shape, right.shape) {
                    (Shape::One(kind @ (Kind::Int | Kind::Text)), other) if other == Shape::One(kind) => {
                        Ok(typed(func_name, vec![left.expr, right.expr], kind, span))
                    }
                    _ => self.mismatch(&left, &right, "added to"),
                }
            }
            (operators::EQUALS | operators::NOT_EQUALS, 2) => {
                let (left, right) = self.both(args)?;
                if left.shape != right.shape {
                    return self.mismatch(&left, &right, "compared with");
                }
                self.values(&left, &right)?;
                Ok(typed(func_name, vec![left.expr, right.expr], Kind::Bool, span))
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                2,
            ) => {
                let (left, right) = self.both(args)?;
                match (left.shape, right.shape) {
                    (Shape::One(Kind::Int | Kind::Text), other) if other == left.shape => {
                        self.values(&left, &right)?;
                        Ok(typed(func_name, vec![left.expr, right.expr], Kind::Bool, span))
                    }
                    _ => self.mismatch(&left, &right, "compared with"),
                }
            }
            (operators::IN, 2) => {
                let (left, right) = self.both(args)?;
                match (left.shape, right.shape) {
                    (Shape::One(kind), Shape::List(of)) if of.is_none_or(|of| of == kind) => {
                        self.values(&left, &right)?;
                        Ok(typed(func_name, vec![left.expr, right.expr], Kind::Bool, span))
                    }
                    (_, Shape::List(_)) => self.mismatch(&left, &right, "looked for in"),
                    _ => self.refuse(
                        right.span,
                        "`in` needs a list",
                        "write `lead.country in [\"DE\", \"AT\"]`",
                    ),
                }
            }
            (operators::CONDITIONAL, 3) => self.choice(args, span),
            (name, _) if METHODS.contains(&name) => self.refuse(
                span,
                format!("`{name}` stands behind a name"),
                format!("write `lead.title.{name}(…)`"),
            ),
            (name, _) => {
                let known = ["has", "size"];
                let hint = nearest(name, known).or_else(|| nearest(name, METHODS)).map_or_else(
                    || "known are has(…), size(…), and .contains(…), .startsWith(…), .endsWith(…), .matches(…)".to_owned(),
                    |name| format!("did you mean `{name}`?"),
                );
                self.refuse(span, format!("there is no function `{name}` like this"), hint)
            }
        }
    }

    fn both(&mut self, args: Vec<IdedExpr>) -> Checked<(Typed, Typed)> {
        let mut args = args.into_iter();
        let left = self.tree(args.next().unwrap_or_default())?;
        let right = self.tree(args.next().unwrap_or_default())?;
        Ok((left, right))
    }

    pub(super) fn kind(&mut self, node: IdedExpr, kind: Kind) -> Checked<IdedExpr> {
        let node = self.tree(node)?;
        if node.shape == Shape::One(kind) {
            return Ok(node.expr);
        }
        let hint = match (kind, node.shape) {
            (Kind::Bool, Shape::One(Kind::Text)) => "ask `has(…)`, or compare it with a text",
            (Kind::Bool, _) => "compare it with a value",
            (Kind::Int, _) => "numbers are written without quotes",
            (Kind::Text, _) => "text is written in quotes",
        };
        self.refuse(node.span, format!("this is {}, where {kind} belongs", node.shape.name()), hint)
    }

    pub(super) fn mismatch<T>(&self, left: &Typed, right: &Typed, verb: &str) -> Checked<T> {
        let hint = match (left.shape, right.shape) {
            (Shape::One(Kind::Int), Shape::One(Kind::Text))
            | (Shape::One(Kind::Text), Shape::One(Kind::Int)) => {
                "numbers are written without quotes, text with them"
            }
            (_, Shape::List(_)) | (Shape::List(_), _) => "ask whether a value is in a list with `in`",
            _ => "both sides have to be of one kind",
        };
        let message = format!("{} cannot be {verb} {}", left.shape.name(), right.shape.name());
        self.refuse(left.span.start..right.span.end, message, hint)
    }

    /// Texts that are compared with a variable of few values have to be among them.
    fn values(&self, left: &Typed, right: &Typed) -> Checked<()> {
        for (variable, texts) in [(left, right), (right, left)] {
            let Some((fact, _)) = &variable.fact else { continue };
            for (text, span) in &texts.texts {
                self.vocabulary(vocabulary::check(*fact, text, self.allowed), span)?;
            }
        }
        Ok(())
    }

    fn vocabulary(&self, checked: Result<(), Unknown>, span: &Range<usize>) -> Checked<()> {
        checked.or_else(|unknown| self.refuse(span.clone(), unknown.message, unknown.hint))
    }

    pub(super) fn span(&self, node: &IdedExpr) -> Range<usize> {
        places::span(self.text, self.places, node)
    }

    pub(super) fn refuse<T>(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Checked<T> {
        Err(ConditionError { span, message: message.into(), hint: Some(hint.into()) })
    }
}

/// A node of the rewritten tree; nobody asks for its place any more.
pub(super) fn ided(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

pub(super) fn call(function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    ided(Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }))
}

pub(super) fn typed(function: String, args: Vec<IdedExpr>, kind: Kind, span: Range<usize>) -> Typed {
    let expr = ided(Expr::Call(CallExpr { func_name: function, target: None, args }));
    Typed { expr, shape: Shape::One(kind), span, fact: None, texts: Vec::new() }
}

pub(super) fn bool_of(expr: Expr, span: Range<usize>) -> Typed {
    Typed { expr: ided(expr), shape: Shape::One(Kind::Bool), span, fact: None, texts: Vec::new() }
}

pub(super) fn first(args: Vec<IdedExpr>) -> IdedExpr {
    args.into_iter().next().unwrap_or_default()
}
