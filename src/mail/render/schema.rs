//! What a template may say: the documented, typed set of variables of one class of mail.
//!
//! A [`Schema`] is written in code by whoever fills in the values, and serves three times: names and types in
//! templates are checked against it at load, the values are fitted to it at render, and people read it as
//! documentation. Every field is bound at render: one without a value is null, a list without one is empty,
//! and what the schema does not name cannot be reached.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::escape;

/// What kind of value a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One line of text.
    Text,
    /// A whole number.
    Integer,
    /// True or false, for `{{#if}}`.
    Boolean,
    /// A date, a local date and time, or an instant with its zone or offset (RFC 3339, RFC 9557); shown with
    /// the `date` helper, in the zone it is given in. An instant in `Z` is shown in UTC.
    Date,
    /// An `http`, `https`, `mailto` or `tel` address, for links by way of the `url` helper.
    Url,
    /// Fields under a common name.
    Record(Vec<Field>),
    /// Any number of values of one kind, for `{{#each}}`.
    List(Box<Kind>),
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name within the record it is in: a lower-case word.
    pub name: Cow<'static, str>,
    /// One line for the person who writes templates.
    pub doc: Cow<'static, str>,
    /// What it holds.
    pub kind: Kind,
}

impl Field {
    /// A variable of any kind.
    ///
    /// # Panics
    ///
    /// When `name` is not a lower-case word of letters, digits and `_`, or means something to Handlebars: a
    /// schema is code.
    pub fn new(name: impl Into<Cow<'static, str>>, doc: impl Into<Cow<'static, str>>, kind: Kind) -> Field {
        let name = name.into();
        let word = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let reserved = ["this", "else", "as", "true", "false", "null"].contains(&name.as_ref());
        assert!(word && !reserved, "`{name}` cannot be the name of a template variable");
        Field { name, doc: doc.into(), kind }
    }

    /// A line of text.
    pub fn text(name: impl Into<Cow<'static, str>>, doc: impl Into<Cow<'static, str>>) -> Field {
        Field::new(name, doc, Kind::Text)
    }

    /// A whole number.
    pub fn integer(name: impl Into<Cow<'static, str>>, doc: impl Into<Cow<'static, str>>) -> Field {
        Field::new(name, doc, Kind::Integer)
    }

    /// True or false.
    pub fn boolean(name: impl Into<Cow<'static, str>>, doc: impl Into<Cow<'static, str>>) -> Field {
        Field::new(name, doc, Kind::Boolean)
    }

    /// A date or a date and time.
    pub fn date(name: impl Into<Cow<'static, str>>, doc: impl Into<Cow<'static, str>>) -> Field {
        Field::new(name, doc, Kind::Date)
    }

    /// An address to link to.
    pub fn url(name: impl Into<Cow<'static, str>>, doc: impl Into<Cow<'static, str>>) -> Field {
        Field::new(name, doc, Kind::Url)
    }

    /// Fields under a common name.
    pub fn record(
        name: impl Into<Cow<'static, str>>,
        doc: impl Into<Cow<'static, str>>,
        fields: Vec<Field>,
    ) -> Field {
        Field::new(name, doc, Kind::Record(fields))
    }

    /// A list whose items have fields.
    pub fn list(
        name: impl Into<Cow<'static, str>>,
        doc: impl Into<Cow<'static, str>>,
        fields: Vec<Field>,
    ) -> Field {
        Field::new(name, doc, Kind::List(Box::new(Kind::Record(fields))))
    }

    /// A list of lines of text.
    pub fn texts(name: impl Into<Cow<'static, str>>, doc: impl Into<Cow<'static, str>>) -> Field {
        Field::new(name, doc, Kind::List(Box::new(Kind::Text)))
    }
}

/// The variables of one class of mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The root: always a record.
    root: Kind,
}

/// A value that does not fit: whoever filled it in is to blame, never a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) variable: String,
    pub(super) expected: &'static str,
}

impl Schema {
    /// A schema of these top-level variables.
    pub fn new(fields: Vec<Field>) -> Schema {
        Schema { root: Kind::Record(fields) }
    }

    /// The top-level variables.
    pub fn fields(&self) -> &[Field] {
        self.root.fields()
    }

    pub(super) fn root(&self) -> &Kind {
        &self.root
    }

    /// Every variable that can be shown, as templates write it, with its documentation: `lead.first_name`,
    /// `touches[].source`.
    pub fn variables(&self) -> Vec<(String, &Field)> {
        let mut found = Vec::new();
        self.root.variables("", &mut found);
        found
    }

    /// The values that templates see: what `context` holds of each field, cleaned, and null for the rest.
    pub(super) fn fit(&self, context: &Value) -> Result<Value, Misfit> {
        fit(&self.root, Some(context), "")
    }
}

impl Kind {
    pub(super) fn fields(&self) -> &[Field] {
        match self {
            Kind::Record(fields) => fields,
            _ => &[],
        }
    }

    /// In words, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Integer => "a whole number",
            Kind::Boolean => "true or false",
            Kind::Date => "a date",
            Kind::Url => "an address",
            Kind::Record(_) => "a group of fields",
            Kind::List(_) => "a list",
        }
    }

    fn variables<'s>(&'s self, prefix: &str, found: &mut Vec<(String, &'s Field)>) {
        for field in self.fields() {
            let name = join(prefix, &field.name);
            match &field.kind {
                Kind::Record(_) => field.kind.variables(&name, found),
                Kind::List(item) if matches!(**item, Kind::Record(_)) => {
                    item.variables(&format!("{name}[]"), found);
                }
                _ => found.push((name, field)),
            }
        }
    }
}

/// `name` within `prefix`.
pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn fit(kind: &Kind, value: Option<&Value>, name: &str) -> Result<Value, Misfit> {
    let value = value.filter(|value| !value.is_null());
    let misfit = || Misfit { variable: name.to_owned(), expected: kind.name() };
    Ok(match (kind, value) {
        (Kind::Record(fields), None) => Value::Object(fit_fields(fields, None, name)?),
        (Kind::Record(fields), Some(Value::Object(values))) => {
            Value::Object(fit_fields(fields, Some(values), name)?)
        }
        (Kind::List(_), None) => Value::Array(Vec::new()),
        (Kind::List(item), Some(Value::Array(values))) => {
            let name = format!("{name}[]");
            Value::Array(values.iter().map(|value| fit(item, Some(value), &name)).collect::<Result<_, _>>()?)
        }
        (_, None) => Value::Null,
        (Kind::Text | Kind::Url | Kind::Date, Some(Value::String(text))) => {
            let cleaned = escape::clean(text);
            if escape::is_blank(&cleaned) { Value::Null } else { Value::String(cleaned) }
        }
        (Kind::Integer, Some(Value::Number(number))) if number.is_i64() || number.is_u64() => {
            Value::Number(number.clone())
        }
        (Kind::Boolean, Some(Value::Bool(flag))) => Value::Bool(*flag),
        _ => return Err(misfit()),
    })
}

fn fit_fields(
    fields: &[Field],
    values: Option<&Map<String, Value>>,
    prefix: &str,
) -> Result<Map<String, Value>, Misfit> {
    let mut fitted = Map::new();
    for field in fields {
        let value = values.and_then(|values| values.get(field.name.as_ref()));
        fitted.insert(field.name.clone().into_owned(), fit(&field.kind, value, &join(prefix, &field.name))?);
    }
    Ok(fitted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::record("lead", "", vec![Field::text("first_name", ""), Field::integer("score", "")]),
            Field::list("touches", "", vec![Field::text("source", "")]),
        ])
    }

    #[test]
    fn every_field_is_bound_and_nothing_else_is() {
        assert_eq!(
            schema().fit(&json!({"lead": {"first_name": " Ann\n", "secret": 1}, "other": 2})),
            Ok(json!({"lead": {"first_name": "Ann", "score": null}, "touches": []}))
        );
        assert_eq!(
            schema().fit(&json!(null)).map(|v| v["lead"].clone()),
            Ok(json!({"first_name": null, "score": null}))
        );
        assert_eq!(
            schema().fit(&json!({"lead": {"first_name": "\u{200B}"}, "touches": [null, {"source": "ad"}]})),
            Ok(
                json!({"lead": {"first_name": null, "score": null}, "touches": [{"source": null}, {"source": "ad"}]})
            )
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named() {
        for (context, variable) in [
            (json!({"lead": {"score": "7"}}), "lead.score"),
            (json!({"lead": {"score": 1.5}}), "lead.score"),
            (json!({"lead": []}), "lead"),
            (json!({"touches": [{"source": true}]}), "touches[].source"),
            (json!(7), ""),
        ] {
            assert_eq!(schema().fit(&context).map_err(|misfit| misfit.variable), Err(variable.to_owned()));
        }
    }

    #[test]
    fn the_variables_are_listed_as_templates_write_them() {
        let names: Vec<String> = schema().variables().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["lead.first_name", "lead.score", "touches[].source"]);
    }
}
