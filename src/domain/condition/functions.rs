//! The functions of conditions: `has`, `size`, text searches, `[…]`, choices, and `exists` and `all`.

use std::ops::Range;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::check::{Check, Checked, METHODS, ROOTS, Shape, Typed, bool_of, call, first, ided, typed};
use super::facts::Lookup;
use super::places::path;
use super::variables::{Fact, Kind};
use crate::problem::nearest;

/// Patterns are linear in time, but not in memory: 64 kB is plenty for a list of job titles.
const MAX_PATTERN_BYTES: usize = 64 * 1024;

/// The loop variable that CEL's own macros use; no identifier can be called so.
const LOOP_RESULT: &str = "@result";

impl Check<'_> {
    pub(super) fn method(
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
    pub(super) fn has(&mut self, args: Vec<IdedExpr>, span: Range<usize>) -> Checked<Typed> {
        let of = self.tree(first(args))?;
        let nothing = match (of.shape, &of.fact) {
            (_, Some((Fact::Email | Fact::EmailDomain | Fact::Stage | Fact::Grade | Fact::EventName, _))) => {
                return self.refuse(of.span, "this is always known", "compare it with a value");
            }
            (Shape::One(Kind::Text), Some(_)) => LiteralValue::String(String::new().into()),
            (Shape::One(Kind::Int), Some((Fact::Activity, _))) => LiteralValue::Int(0.into()),
            (_, Some(_)) => return self.refuse(of.span, "this is always known", "compare it with a value"),
            (_, None) => return self.refuse(of.span, "`has` asks for a name", "write `has(lead.phone)`"),
        };
        let nothing = ided(Expr::Literal(nothing));
        Ok(typed(operators::NOT_EQUALS.to_owned(), vec![of.expr, nothing], Kind::Bool, span))
    }

    pub(super) fn size(&self, of: Typed, span: Range<usize>) -> Checked<Typed> {
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
    pub(super) fn index(&mut self, args: Vec<IdedExpr>, span: Range<usize>) -> Checked<Typed> {
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

    pub(super) fn choice(&mut self, args: Vec<IdedExpr>, span: Range<usize>) -> Checked<Typed> {
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
}
