//! Checks names and types against the schema, and turns expressions into the crate's parameters.
//!
//! A name that is not in the schema gets the advice that fits: a field with nearly the same name, the same name
//! outside of the `each`, or the fields that there are. A helper says with an example how it is written.

use std::collections::HashMap;
use std::ops::Range;

use handlebars::template::{Parameter, Subexpression};
use serde_json::Value;

use super::expand::{Expander, Source};
use super::expression::{Expr, Path, Start};
use super::helpers::{self, HELPERS};
use super::schema::{Kind, join};
use crate::problem::nearest;

/// `and` and `or` take so many.
const MAX_ARGUMENTS: usize = 20;

/// A question, or an answer to choose: it is part of a link.
const MAX_QUESTION: usize = 200;

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Type<'s> {
    Text,
    Integer,
    Boolean,
    Date,
    Url,
    /// From the `url` helper.
    Address,
    /// From the `query` helper.
    Query,
    Record,
    List(&'s Kind),
    /// Of something that was reported already.
    Unknown,
}

impl<'s> Type<'s> {
    fn of(kind: &'s Kind) -> Type<'s> {
        match kind {
            Kind::Text => Type::Text,
            Kind::Integer => Type::Integer,
            Kind::Boolean => Type::Boolean,
            Kind::Date => Type::Date,
            Kind::Url => Type::Url,
            Kind::Record(_) => Type::Record,
            Kind::List(item) => Type::List(item),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Type::Text => Kind::Text.name(),
            Type::Integer => Kind::Integer.name(),
            Type::Boolean => Kind::Boolean.name(),
            Type::Date => Kind::Date.name(),
            Type::Url | Type::Address | Type::Query => Kind::Url.name(),
            Type::Record => "a group of fields",
            Type::List(_) => "a list",
            Type::Unknown => "unknown",
        }
    }
}

impl<'a> Expander<'a> {
    /// The parameter of the crate, the type, and the variable to name when it is missing.
    pub(super) fn expr(&mut self, source: &Source, expr: &Expr) -> (Parameter, Type<'a>, String) {
        match expr {
            Expr::Text { value, .. } => {
                (Parameter::Literal(Value::from(value.as_str())), Type::Text, value.clone())
            }
            Expr::Integer { value, .. } => {
                (Parameter::Literal(Value::from(*value)), Type::Integer, value.to_string())
            }
            Expr::Boolean { value, .. } => {
                (Parameter::Literal(Value::from(*value)), Type::Boolean, value.to_string())
            }
            Expr::Path(path) => self.path(source, path),
            Expr::Call { helper, name_span, arguments, .. } => {
                let evaluated: Vec<_> =
                    arguments.iter().map(|argument| self.expr(source, argument)).collect();
                let types: Vec<Type<'a>> = evaluated.iter().map(|(_, kind, _)| *kind).collect();
                let kind = self.call(source, helper, name_span, arguments, &types);
                let named = if helper == "default" { evaluated.last() } else { evaluated.first() };
                let variable = named.map(|(_, _, variable)| variable.clone()).unwrap_or_default();
                let parameters = evaluated.into_iter().map(|(parameter, _, _)| parameter).collect();
                (Parameter::Subexpression(call(helper, parameters)), kind, variable)
            }
        }
    }

    fn path(&mut self, source: &Source, path: &Path) -> (Parameter, Type<'a>, String) {
        let parameter = match handlebars::Path::parse(&path.raw) {
            Ok(parsed) => Parameter::Path(parsed),
            Err(_) => Parameter::Literal(Value::Null),
        };
        let scope = match path.start {
            Start::Root => Some((self.schema.root(), String::new())),
            Start::Loop if self.scopes.len() > 1 => {
                let kind = if path.raw == "@index" { Type::Integer } else { Type::Boolean };
                return (parameter, kind, path.raw.clone());
            }
            Start::Loop => None,
            Start::Scope(outwards) => {
                let scope = (self.scopes.len() - 1).checked_sub(outwards).and_then(|at| self.scopes.get(at));
                scope.map(|scope| (scope.kind, scope.name.clone()))
            }
        };
        let Some((mut kind, mut name)) = scope else {
            let message = format!("`{}` is outside of `{{{{#each}}}}`", path.raw);
            self.problem(source, path.span.clone(), message, "name the variable itself".to_owned());
            return (parameter, Type::Unknown, path.raw.clone());
        };
        for segment in &path.segments {
            match kind.fields().iter().find(|field| field.name == segment.as_str()) {
                Some(field) => {
                    kind = &field.kind;
                    name = join(&name, segment);
                }
                None => {
                    self.unknown(source, path, (kind, &name), segment);
                    return (parameter, Type::Unknown, path.raw.clone());
                }
            }
        }
        (parameter, Type::of(kind), if name.is_empty() { path.raw.clone() } else { name })
    }

    /// Reports that `within`, a record with its name, has no field `segment`.
    fn unknown(&mut self, source: &Source, path: &Path, within: (&Kind, &str), segment: &str) {
        let (kind, name) = within;
        let wanted = path.segments.join(".");
        let inner = path.start == Start::Scope(0) && self.scopes.len() > 1;
        let written = |name: &str| {
            let start = path.raw.len() - wanted.len();
            let before = path.segments.iter().take_while(|part| *part != segment);
            let before: String = before.map(|part| format!("{part}.")).collect();
            format!("{}{before}{name}", &path.raw[..start])
        };
        let fields: Vec<&str> = kind.fields().iter().map(|field| field.name.as_ref()).collect();
        let root = self.schema.root();
        let everywhere = root.names();
        // Only a name that goes wrong at its first word may be meant quite differently.
        let elsewhere = everywhere
            .iter()
            .find(|known| known.strip_suffix(&wanted).is_some_and(|before| before.ends_with('.')))
            .map(String::as_str)
            .or_else(|| nearest(&wanted, everywhere.iter().map(String::as_str)))
            .filter(|_| name.is_empty());
        let hint = if inner && root.at(&path.segments).is_some() {
            let up = "../".repeat(self.scopes.len() - 1);
            format!("inside `{{{{#each}}}}` names belong to its items; write `{up}{wanted}`")
        } else if fields.is_empty() {
            format!("`{name}` is {} and has no fields", kind.name())
        } else if let Some(near) = nearest(segment, fields.iter().copied()) {
            let rest = path.segments.iter().skip_while(|part| *part != segment).skip(1);
            let rest: String = rest.map(|part| format!(".{part}")).collect();
            format!("did you mean `{}{rest}`?", written(near))
        } else if let Some(near) = elsewhere {
            format!("did you mean `{}{near}`?", if inner { "@root." } else { "" })
        } else {
            let of = if name.is_empty() { String::new() } else { format!(" of `{name}`") };
            format!("the fields{of} are {}", fields.join(", "))
        };
        self.problem(source, path.span.clone(), format!("there is no variable `{}`", path.raw), hint);
    }

    /// Checks a helper's name, the number and the types of its arguments; gives the type it returns.
    fn call(
        &mut self,
        source: &Source,
        helper: &str,
        name_span: &Range<usize>,
        arguments: &[Expr],
        types: &[Type<'a>],
    ) -> Type<'a> {
        let Some(&(_, example, _)) = HELPERS.iter().find(|(name, _, _)| *name == helper) else {
            let hint = match nearest(helper, HELPERS.iter().map(|(name, _, _)| *name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "the helpers are {}",
                    HELPERS.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
                ),
            };
            self.problem(source, name_span.clone(), format!("there is no helper `{helper}`"), hint);
            return Type::Unknown;
        };
        let count = match helper {
            "url" | "query" | "upper_first" | "not" => 1..=1,
            "date" | "join" | "ask" => 1..=2,
            "plural" => 3..=3,
            "and" | "or" => 2..=MAX_ARGUMENTS,
            _ => 2..=2,
        };
        if !count.contains(&types.len()) {
            let message = format!("`{helper}` takes {} arguments, here are {}", count.start(), types.len());
            self.problem(source, name_span.clone(), message, format!("write it like `{example}`"));
            return Type::Unknown;
        }
        let first = types.first().copied().unwrap_or(Type::Unknown);
        let result = match helper {
            "url" | "ask" => Type::Address,
            "query" => Type::Query,
            "default" if first == Type::Integer && types.get(1) == Some(&Type::Text) => Type::Text,
            "default" => first,
            "date" | "upper_first" | "plural" | "join" => Type::Text,
            _ => Type::Boolean,
        };
        for (index, (kind, argument)) in types.iter().zip(arguments).enumerate() {
            let fits = *kind == Type::Unknown
                || match (helper, index) {
                    ("url", _) => *kind == Type::Url,
                    ("query", _) => matches!(kind, Type::Text | Type::Integer | Type::Url),
                    ("date", 0) => *kind == Type::Date,
                    ("upper_first" | "date", _) | ("join" | "plural", 1..) => *kind == Type::Text,
                    ("plural", 0) | ("lt" | "lte" | "gt" | "gte", _) => *kind == Type::Integer,
                    ("join", 0) => matches!(kind, Type::List(Kind::Text)),
                    ("default", 0) => matches!(kind, Type::Text | Type::Integer | Type::Url | Type::Date),
                    ("default", _) => {
                        *kind == first
                            || first == Type::Unknown
                            || (*kind == Type::Text && first == Type::Integer)
                    }
                    ("eq" | "ne", _) => {
                        (*kind == first || first == Type::Unknown)
                            && !matches!(kind, Type::Record | Type::List(_))
                    }
                    _ => *kind != Type::Record,
                };
            if !fits {
                let message = format!("`{helper}` cannot take {} here", kind.name());
                self.problem(source, argument.span(), message, format!("write it like `{example}`"));
                return result;
            }
        }
        if helper == "ask" {
            // What was asked is fixed, so that the agreement can require the answer.
            for argument in arguments {
                let fits = matches!(argument, Expr::Text { value, .. }
                    if !value.trim().is_empty() && value.chars().count() <= MAX_QUESTION);
                if !fits {
                    let message = "`ask` takes the question, and an answer, in quotes";
                    self.problem(source, argument.span(), message, format!("write it like `{example}`"));
                }
            }
            return result;
        }
        if let ("date", Some(Expr::Text { value, span })) = (helper, arguments.get(1))
            && helpers::shown(value, jiff::civil::date(2026, 3, 9).at(14, 30, 0, 0)).is_none()
        {
            let hint = "write strftime codes such as `%-d %B %Y, %H:%M`".to_owned();
            self.problem(source, span.clone(), "this is not a date format", hint);
        }
        result
    }
}

impl Kind {
    /// The kind of the field that a path leads to.
    fn at(&self, segments: &[String]) -> Option<&Kind> {
        segments.iter().try_fold(self, |kind, segment| {
            kind.fields().iter().find(|field| field.name == segment.as_str()).map(|field| &field.kind)
        })
    }

    /// The dotted names of all fields within, lists by their own name only.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for field in self.fields() {
            names.push(field.name.clone().into_owned());
            names.extend(field.kind.names().iter().map(|name| join(&field.name, name)));
        }
        names
    }
}

/// A call of a helper in the crate's tree.
pub(super) fn call(helper: &str, arguments: Vec<Parameter>) -> Subexpression {
    Subexpression::new(Parameter::Name(helper.to_owned()), arguments, HashMap::new())
}
