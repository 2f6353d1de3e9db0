//! Names and types of a condition, checked on the tree as it was parsed.
//!
//! The check also rewrites: every name becomes a numbered lookup (so evaluation compares no strings),
//! `has(x)` becomes `x != ""`, a pattern is compiled and its match becomes a lookup too, and `exists`
//! and `all` become the loops that CEL defines them as.

use std::ops::Range;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};

use super::facts::Lookup;
use super::variables::{Fact, Kind, VARIABLES, Variable};
use super::{ConditionError, Vars};
use crate::domain::lead::{Grade, Stage};
use crate::problem::nearest;

/// The tree may be deeper than its brackets: `1 + 1 + 1 …` leans to the left. Evaluation recurses.
const MAX_DEPTH: usize = 64;

/// Patterns are linear in time, but not in memory: 64 kB is plenty for a list of job titles.
const MAX_PATTERN_BYTES: usize = 64 * 1024;

/// The loop variable that CEL's own macros use; no identifier can be called so.
const LOOP_RESULT: &str = "@result";

const ROOTS: [&str; 3] = ["lead", "campaign", "event"];
const METHODS: [&str; 7] = ["contains", "startsWith", "endsWith", "matches", "size", "exists", "all"];

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
enum Shape {
    One(Kind),
    /// `None`: the empty list, which fits everywhere.
    List(Option<Kind>),
}

impl Shape {
    fn name(self) -> String {
        match self {
            Shape::One(kind) => kind.to_string(),
            Shape::List(None) => "an empty list".to_owned(),
            Shape::List(Some(kind)) => format!("a list of which each is {kind}"),
        }
    }
}

/// A checked part of the condition.
struct Typed {
    expr: IdedExpr,
    shape: Shape,
    span: Range<usize>,
    /// The variable it is, when it is one: its values may be known.
    fact: Option<(Fact, String)>,
    /// The texts written in it, when it is a text or a list of texts.
    texts: Vec<(String, Range<usize>)>,
}

struct Check<'a> {
    text: &'a str,
    places: &'a SourceInfo,
    allowed: Vars<'a>,
    lookups: Vec<Lookup>,
    /// The name that `exists` or `all` gives to each element.
    local: Option<(String, Kind)>,
    depth: usize,
}

type Checked<T> = Result<T, ConditionError>;

impl Check<'_> {
    fn tree(&mut self, node: IdedExpr) -> Checked<Typed> {
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
    fn variable(&self, path: &[&str], span: Range<usize>) -> Checked<&'static Variable> {
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

    fn member(&mut self, variable: &'static Variable, member: &str, span: Range<usize>) -> Checked<Typed> {
        if variable.fact == Fact::Activity {
            self.activity(member, &span)?;
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

    fn lookup(&mut self, lookup: Lookup) -> IdedExpr {
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

    fn method(
        &mut self,
        name: &str,
        target: IdedExpr,
        args: Vec<IdedExpr>,
        span: Range<usize>,
    ) -> Checked<Typed> {
        match (name, args.len()) {
            ("exists" | "all", 2) => return self.each(name == "exists", target, args, span),
            ("size", 0) => {
                let of = self.tree(target)?;
                return self.size(of, span);
            }
            ("map" | "filter" | "exists_one", _) => {
                return self.refuse(
                    span,
                    format!("`{name}` is not part of conditions"),
                    "use `exists` or `all`",
                );
            }
            ("contains" | "startsWith" | "endsWith" | "matches", 1) => {}
            ("contains" | "startsWith" | "endsWith" | "matches" | "exists" | "all" | "size", _) => {
                let hint = match name {
                    "exists" | "all" => "write `[\"CTO\", \"CIO\"].exists(t, lead.title.contains(t))`",
                    "size" => "write `lead.title.size()`",
                    _ => "it takes one text",
                };
                return self.refuse(span, format!("`{name}` is not used like this"), hint);
            }
            _ => {
                let hint = nearest(name, METHODS).map_or_else(
                    || format!("known are {}", METHODS.join(", ")),
                    |name| format!("did you mean `{name}`?"),
                );
                return self.refuse(span, format!("there is no function `{name}`"), hint);
            }
        }
        let target = self.tree(target)?;
        if target.shape != Shape::One(Kind::Text) {
            return self.refuse(
                target.span,
                format!("`{name}` searches text, and this is {}", target.shape.name()),
                "compare numbers with `<`, `==`, `>`",
            );
        }
        let arg = first(args);
        if name == "matches" {
            return self.matches(target, arg, span);
        }
        let arg = self.kind(arg, Kind::Text)?;
        let call =
            CallExpr { func_name: name.to_owned(), target: Some(Box::new(target.expr)), args: vec![arg] };
        Ok(bool_of(Expr::Call(call), span))
    }

    fn matches(&mut self, target: Typed, pattern: IdedExpr, span: Range<usize>) -> Checked<Typed> {
        let pattern_span = self.span(&pattern);
        let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
            return self.refuse(
                pattern_span,
                "a pattern has to be written out",
                "write `lead.title.matches(\"(?i)cto\")`",
            );
        };
        let compiled = match regex::RegexBuilder::new(pattern.inner()).size_limit(MAX_PATTERN_BYTES).build() {
            Ok(compiled) => compiled,
            Err(regex::Error::CompiledTooBig(_)) => {
                return self.refuse(pattern_span, "the pattern is too big", "use smaller repetitions");
            }
            Err(error) => {
                // The crate draws the pattern with a caret on several lines; its last line says what is wrong.
                let reason = error.to_string();
                let reason =
                    reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                return self.refuse(
                    pattern_span,
                    format!("the pattern is not valid: {reason}"),
                    "patterns are regular expressions as on docs.rs/regex; in quotes, `\\` is written `\\\\`",
                );
            }
        };
        let Some((fact, member)) = target.fact else {
            return self.refuse(
                target.span,
                "`matches` stands behind a name",
                "write `lead.title.matches(…)`",
            );
        };
        let expr = self.lookup(Lookup::Matches(fact, member, compiled));
        Ok(Typed { expr, shape: Shape::One(Kind::Bool), span, fact: None, texts: Vec::new() })
    }

    /// `has(x)`: something is known.
    fn has(&mut self, args: Vec<IdedExpr>, span: Range<usize>) -> Checked<Typed> {
        let of = self.tree(first(args))?;
        let nothing = match (of.shape, &of.fact) {
            (Shape::One(Kind::Text), Some(_)) => LiteralValue::String(String::new().into()),
            (Shape::One(Kind::Int), Some((Fact::Activity, _))) => LiteralValue::Int(0.into()),
            (_, Some(_)) => return self.refuse(of.span, "this is always known", "compare it with a value"),
            (_, None) => return self.refuse(of.span, "`has` asks for a name", "write `has(lead.phone)`"),
        };
        let nothing = ided(Expr::Literal(nothing));
        Ok(typed(operators::NOT_EQUALS.to_owned(), vec![of.expr, nothing], Kind::Bool, span))
    }

    fn size(&self, of: Typed, span: Range<usize>) -> Checked<Typed> {
        match of.shape {
            Shape::One(Kind::Text) | Shape::List(_) => {
                Ok(typed("size".to_owned(), vec![of.expr], Kind::Int, span))
            }
            Shape::One(kind) => {
                self.refuse(of.span, format!("only text has a size; this is {kind}"), "compare it as it is")
            }
        }
    }

    /// `lead.fields["name"]`.
    fn index(&mut self, args: Vec<IdedExpr>, span: Range<usize>) -> Checked<Typed> {
        let mut args = args.into_iter();
        let (Some(of), Some(index)) = (args.next(), args.next()) else {
            return self.refuse(span, "this is not part of conditions", "write `lead.fields[\"name\"]`");
        };
        let family = match path(&of) {
            Some(path) if path.len() == 2 => self.variable(&path, self.span(&of))?,
            _ => return self.refuse(span, "only names have `[…]`", "write `lead.fields[\"name\"]`"),
        };
        if !family.family {
            return self.refuse(span, format!("`{}` is one value", family.path), "leave out the `[…]`");
        }
        match index.expr {
            Expr::Literal(LiteralValue::String(member)) => self.member(family, member.inner(), span),
            _ => self.refuse(
                self.span(&index),
                "the name has to be written out",
                "write `lead.fields[\"name\"]`",
            ),
        }
    }

    fn choice(&mut self, args: Vec<IdedExpr>, span: Range<usize>) -> Checked<Typed> {
        let mut args = args.into_iter();
        let (Some(test), Some(yes), Some(no)) = (args.next(), args.next(), args.next()) else {
            return self.refuse(span, "a choice has three parts", "write `a ? b : c`");
        };
        let test = self.kind(test, Kind::Bool)?;
        let (yes, no) = (self.tree(yes)?, self.tree(no)?);
        match yes.shape {
            Shape::One(kind) if yes.shape == no.shape => {
                Ok(typed(operators::CONDITIONAL.to_owned(), vec![test, yes.expr, no.expr], kind, span))
            }
            _ => self.mismatch(&yes, &no, "chosen beside"),
        }
    }

    /// `list.exists(x, test)` and `list.all(x, test)`, as the loop CEL defines.
    fn each(
        &mut self,
        exists: bool,
        list: IdedExpr,
        args: Vec<IdedExpr>,
        span: Range<usize>,
    ) -> Checked<Typed> {
        if self.local.is_some() {
            return self.refuse(span, "`exists` and `all` do not nest", "split the condition");
        }
        let mut args = args.into_iter();
        let (Some(name), Some(test)) = (args.next(), args.next()) else {
            return self.refuse(span, "`exists` and `all` take a name and a test", "write `exists(t, …)`");
        };
        let name = match &name.expr {
            Expr::Ident(local) if !ROOTS.contains(&local.as_str()) => local.clone(),
            _ => {
                return self.refuse(
                    self.span(&name),
                    "a short name of your own belongs here",
                    "write `exists(t, …)`",
                );
            }
        };
        let list = self.tree(list)?;
        let Shape::List(kind) = list.shape else {
            return self.refuse(list.span, "this is no list", "write `[\"CTO\", \"CIO\"].exists(t, …)`");
        };
        self.local = Some((name.clone(), kind.unwrap_or(Kind::Text)));
        let test = self.kind(test, Kind::Bool);
        self.local = None;
        let result = || ided(Expr::Ident(LOOP_RESULT.to_owned()));
        let go_on = if exists { call(operators::LOGICAL_NOT, vec![result()]) } else { result() };
        let join = if exists { operators::LOGICAL_OR } else { operators::LOGICAL_AND };
        let comprehension = ComprehensionExpr {
            iter_range: list.expr,
            iter_var: name,
            iter_var2: None,
            accu_var: LOOP_RESULT.to_owned(),
            accu_init: ided(Expr::Literal(LiteralValue::Boolean((!exists).into()))),
            loop_cond: call(operators::NOT_STRICTLY_FALSE, vec![go_on]),
            loop_step: call(join, vec![result(), test?]),
            result: result(),
        };
        Ok(bool_of(Expr::Comprehension(Box::new(comprehension)), span))
    }

    fn both(&mut self, args: Vec<IdedExpr>) -> Checked<(Typed, Typed)> {
        let mut args = args.into_iter();
        let left = self.tree(args.next().unwrap_or_default())?;
        let right = self.tree(args.next().unwrap_or_default())?;
        Ok((left, right))
    }

    fn kind(&mut self, node: IdedExpr, kind: Kind) -> Checked<IdedExpr> {
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

    fn mismatch<T>(&self, left: &Typed, right: &Typed, verb: &str) -> Checked<T> {
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
                self.value(*fact, text, span)?;
            }
        }
        Ok(())
    }

    fn value(&self, fact: Fact, text: &str, span: &Range<usize>) -> Checked<()> {
        let closed = |what: &str, known: &[&str]| {
            if known.contains(&text) {
                return Ok(());
            }
            let hint = nearest(text, known.iter().copied()).map_or_else(
                || format!("known are {}", known.join(", ")),
                |name| format!("did you mean \"{name}\"?"),
            );
            self.refuse(span.clone(), format!("\"{text}\" is no {what}"), hint)
        };
        let is_code =
            |ok: fn(&char) -> bool| text.is_empty() || (text.len() == 2 && text.chars().all(|c| ok(&c)));
        match fact {
            Fact::Stage => closed("stage", &Stage::ALL.map(Stage::name)),
            Fact::Grade => closed("grade", &[Grade::A, Grade::B, Grade::C, Grade::D].map(Grade::name)),
            Fact::EventName => self.activity(text, span),
            Fact::Country if !is_code(char::is_ascii_uppercase) => self.refuse(
                span.clone(),
                format!("\"{text}\" is no country code"),
                "write two capital letters: \"DE\"",
            ),
            Fact::Language if !is_code(char::is_ascii_lowercase) => self.refuse(
                span.clone(),
                format!("\"{text}\" is no language code"),
                "write two small letters: \"de\"",
            ),
            Fact::Email | Fact::EmailDomain if text.chars().any(char::is_uppercase) => {
                self.refuse(span.clone(), "addresses are kept in lower case", "write it in lower case")
            }
            _ => Ok(()),
        }
    }

    fn activity(&self, name: &str, span: &Range<usize>) -> Checked<()> {
        match self.allowed.activities {
            Some(known) if !known.contains(name) => {
                let hint = nearest(name, known.iter().map(String::as_str)).map_or_else(
                    || "add it to `activities` in [scoring]".to_owned(),
                    |name| format!("did you mean `{name}`? New ones are added to `activities` in [scoring]"),
                );
                self.refuse(span.clone(), format!("`{name}` is not among the activities"), hint)
            }
            _ => Ok(()),
        }
    }

    /// The characters a part was written with.
    fn span(&self, node: &IdedExpr) -> Range<usize> {
        let mut span = usize::MAX..0;
        self.widen(node, &mut span);
        let clamp = |at: usize| at.min(self.text.len());
        if span.start > span.end { 0..self.text.len() } else { clamp(span.start)..clamp(span.end) }
    }

    fn widen(&self, node: &IdedExpr, span: &mut Range<usize>) {
        if let Some((start, last)) = self.places.offset_for(node.id) {
            span.start = span.start.min(start as usize);
            span.end = span.end.max(last as usize + 1);
        }
        match &node.expr {
            Expr::Select(select) => {
                self.widen(&select.operand, span);
                // The parser knows where the dot is; the field's name follows it.
                let field = self.text.get(span.end..).and_then(|rest| rest.find(select.field.as_str()));
                span.end += field.map_or(0, |at| at + select.field.len());
            }
            Expr::Call(call) => {
                call.target.iter().for_each(|target| self.widen(target, span));
                call.args.iter().for_each(|arg| self.widen(arg, span));
                // Neither the function's name nor the closing bracket is a part of its own.
                if call.target.is_none()
                    && self.text.get(..span.start).is_some_and(|t| t.ends_with(&call.func_name))
                {
                    span.start -= call.func_name.len();
                }
                let rest = self.text.get(span.end..).unwrap_or_default();
                let calls = call.target.is_some() || matches!(call.func_name.as_str(), "has" | "size");
                if (calls || call.func_name == operators::INDEX) && rest.starts_with([')', ']']) {
                    span.end += 1;
                }
            }
            Expr::List(list) => {
                list.elements.iter().for_each(|element| self.widen(element, span));
                if self.text.get(span.end..).is_some_and(|rest| rest.starts_with(']')) {
                    span.end += 1;
                }
            }
            _ => {}
        }
    }

    fn refuse<T>(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Checked<T> {
        Err(ConditionError { span, message: message.into(), hint: Some(hint.into()) })
    }
}

/// The segments of a dotted name.
fn path(node: &IdedExpr) -> Option<Vec<&str>> {
    let (mut segments, mut node) = (Vec::new(), node);
    loop {
        match &node.expr {
            Expr::Ident(name) => {
                segments.push(name.as_str());
                segments.reverse();
                return Some(segments);
            }
            Expr::Select(select) if !select.test => {
                segments.push(select.field.as_str());
                node = &select.operand;
            }
            _ => return None,
        }
    }
}

/// A node of the rewritten tree; nobody asks for its place any more.
fn ided(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

fn call(function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    ided(Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }))
}

fn typed(function: String, args: Vec<IdedExpr>, kind: Kind, span: Range<usize>) -> Typed {
    let expr = ided(Expr::Call(CallExpr { func_name: function, target: None, args }));
    Typed { expr, shape: Shape::One(kind), span, fact: None, texts: Vec::new() }
}

fn bool_of(expr: Expr, span: Range<usize>) -> Typed {
    Typed { expr: ided(expr), shape: Shape::One(Kind::Bool), span, fact: None, texts: Vec::new() }
}

fn first(args: Vec<IdedExpr>) -> IdedExpr {
    args.into_iter().next().unwrap_or_default()
}
