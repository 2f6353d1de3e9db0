//! The helpers of templates: each returns a value and writes nothing, so that everything a mail says passes
//! through one place, `print`, where it is escaped and where a missing value is caught.
//!
//! Missing in, missing out: a helper given null gives null, so `{{default (upper_first lead.city) "you"}}`
//! works. Comparisons with null are false. Only `print` objects, and templates cannot call it: `expand` puts
//! it around each expression that is shown, with the number of its [`Site`](super::expand::Site).

use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonTruthy, RenderContext, RenderError, RenderErrorReason,
    ScopedJson,
};
use jiff::civil;
use serde_json::Value;

use super::escape;
use crate::mail::question;

/// The name, the arguments and the use of each helper, for messages and documentation.
pub const HELPERS: &[(&str, &str, &str)] = &[
    ("default", "{{default lead.first_name \"there\"}}", "the value, or the second one when it is missing"),
    ("url", "[Book a call]({{url campaign.link}})", "a variable as the address of a link"),
    ("query", "[Prices](https://x.example/?company={{query lead.company}})", "a value within an address"),
    (
        "ask",
        "[This year]({{ask \"When do you want to decide?\" \"This year\"}})",
        "a link that is an answer, or (without the second text) a page that asks",
    ),
    ("date", "{{date call.at \"%A %-d %B, %H:%M\"}}", "a date in words (strftime), `%-d %B %Y` unless told"),
    ("upper_first", "{{upper_first lead.interest}}", "the first letter as a capital"),
    ("plural", "{{plural lead.visits \"visit\" \"visits\"}}", "the first word for 1, else the second"),
    ("join", "{{join lead.interests \", \"}}", "a list of texts in one line"),
    ("eq", "{{#if (eq lead.stage \"won\")}}", "both are equal; missing equals nothing"),
    ("ne", "{{#if (ne lead.stage \"won\")}}", "both are not equal"),
    ("lt", "{{#if (lt lead.score 10)}}", "the first number is less"),
    ("lte", "{{#if (lte lead.score 10)}}", "the first number is not more"),
    ("gt", "{{#if (gt lead.score 10)}}", "the first number is more"),
    ("gte", "{{#if (gte lead.score 10)}}", "the first number is not less"),
    ("and", "{{#if (and lead.phone lead.city)}}", "all are there and not false, 0 or empty"),
    ("or", "{{#if (or lead.phone lead.city)}}", "one is there and not false, 0 or empty"),
    ("not", "{{#if (not lead.phone)}}", "it is missing, false, 0 or empty"),
];

/// Where the values of a mail have what its answer links are written with. No template can name it.
pub const ASKING: &str = "@asking";

/// How a date is shown when the template does not say.
pub(super) const DATE_FORMAT: &str = "%-d %B %Y";

/// The helper around everything that is shown.
pub(super) const PRINT: &str = "print";

/// Why a helper gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("value {0} is missing")]
    Missing(u64),
    #[error("{0} is no address")]
    Url(String),
    #[error("{0} is no date")]
    Date(String),
    #[error("there is nobody to ask")]
    NobodyToAsk,
    #[error("an argument is missing")]
    Argument,
}

/// The registry that renders bodies (`hide` = true) or subjects and preheaders, with these helpers alone.
pub(super) fn registry(hide: bool) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    for builtin in ["with", "lookup", "raw", "log", "len"] {
        registry.unregister_helper(builtin);
    }
    if hide {
        registry.register_escape_fn(escape::hide);
    } else {
        registry.register_escape_fn(handlebars::no_escape);
    }
    for (name, function) in [
        (PRINT, print as Function),
        ("default", default),
        ("url", url),
        ("query", query),
        ("date", date),
        ("upper_first", upper_first),
        ("plural", plural),
        ("join", join),
        ("eq", |h| Ok(Value::Bool(equal(h)?))),
        ("ne", |h| Ok(Value::Bool(!equal(h)?))),
        ("lt", |h| compare(h, std::cmp::Ordering::is_lt)),
        ("lte", |h| compare(h, std::cmp::Ordering::is_le)),
        ("gt", |h| compare(h, std::cmp::Ordering::is_gt)),
        ("gte", |h| compare(h, std::cmp::Ordering::is_ge)),
        ("and", |h| Ok(Value::Bool(h.params().iter().all(|p| p.value().is_truthy(false))))),
        ("or", |h| Ok(Value::Bool(h.params().iter().any(|p| p.value().is_truthy(false))))),
        ("not", |h| Ok(Value::Bool(!argument(h, 0)?.is_truthy(false)))),
    ] {
        registry.register_helper(name, Box::new(Returns(function)));
    }
    registry.register_helper("ask", Box::new(Ask));
    registry
}

/// The helper `ask`: it needs to know whom the mail goes to, beside its arguments.
struct Ask;

impl HelperDef for Ask {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let question = helper.param(0).and_then(|param| param.value().as_str()).unwrap_or_default();
        let answer = helper.param(1).and_then(|param| param.value().as_str());
        let asking = context.data().get(ASKING);
        match asking.and_then(|asking| question::address(asking, question, answer)) {
            Some(address) => Ok(ScopedJson::Derived(Value::String(escape::hide_address(&address)))),
            None => Err(RenderErrorReason::NestedError(Box::new(Fault::NobodyToAsk)).into()),
        }
    }
}

type Function = for<'h, 'rc> fn(&'h Helper<'rc>) -> Result<Value, Fault>;

/// A helper that is a function of its arguments.
struct Returns(Function);

impl HelperDef for Returns {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        match (self.0)(helper) {
            Ok(value) => Ok(ScopedJson::Derived(value)),
            Err(fault) => Err(RenderErrorReason::NestedError(Box::new(fault)).into()),
        }
    }
}

fn argument<'h>(helper: &'h Helper<'_>, index: usize) -> Result<&'h Value, Fault> {
    helper.param(index).map(handlebars::PathAndJson::value).ok_or(Fault::Argument)
}

fn text<'h>(helper: &'h Helper<'_>, index: usize) -> Result<Option<&'h str>, Fault> {
    Ok(argument(helper, index)?.as_str())
}

fn name(helper: &Helper<'_>) -> String {
    helper.param(0).and_then(handlebars::PathAndJson::relative_path).cloned().unwrap_or_default()
}

fn print(helper: &Helper<'_>) -> Result<Value, Fault> {
    let value = argument(helper, 0)?;
    if value.is_null() {
        return Err(Fault::Missing(argument(helper, 1)?.as_u64().unwrap_or(u64::MAX)));
    }
    Ok(value.clone())
}

fn default(helper: &Helper<'_>) -> Result<Value, Fault> {
    let value = argument(helper, 0)?;
    Ok(if value.is_null() { argument(helper, 1)?.clone() } else { value.clone() })
}

fn url(helper: &Helper<'_>) -> Result<Value, Fault> {
    let Some(value) = text(helper, 0)? else { return Ok(Value::Null) };
    match address(value) {
        Some(address) => Ok(Value::String(escape::hide_address(&address))),
        None => Err(Fault::Url(name(helper))),
    }
}

/// `value` as an address that is safe to link to: its scheme is one of four, an `http` one has a host and no
/// user name before it (`https://bank.example@evil.example`), and what an address cannot hold is
/// percent-encoded (RFC 3986).
pub(super) fn address(value: &str) -> Option<String> {
    let colon = value.find(':')?;
    let scheme = value[..colon].to_ascii_lowercase();
    let rest = &value[colon + 1..];
    match scheme.as_str() {
        "http" | "https" => {
            let authority = rest.strip_prefix("//")?;
            let host = &authority[..authority.find(['/', '?', '#', '\\']).unwrap_or(authority.len())];
            if host.is_empty() || host.starts_with(':') || host.contains(['@', ' ', '%']) {
                return None;
            }
        }
        "mailto" | "tel" if !rest.is_empty() => {}
        _ => return None,
    }
    let mut encoded = format!("{scheme}:");
    let bytes = rest.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let kept = match byte {
            b'%' => bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            _ => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte),
        };
        push_encoded(&mut encoded, byte, kept);
    }
    Some(encoded)
}

fn query(helper: &Helper<'_>) -> Result<Value, Fault> {
    let value = match argument(helper, 0)? {
        Value::String(value) => value.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Ok(Value::Null),
    };
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        push_encoded(&mut encoded, byte, byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte));
    }
    Ok(Value::String(escape::hide_query(&encoded)))
}

fn push_encoded(out: &mut String, byte: u8, kept: bool) {
    if kept {
        out.push(char::from(byte));
    } else {
        const HEX: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
        out.push('%');
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

fn date(helper: &Helper<'_>) -> Result<Value, Fault> {
    let Some(value) = text(helper, 0)? else { return Ok(Value::Null) };
    let format = helper.param(1).and_then(|format| format.value().as_str()).unwrap_or(DATE_FORMAT);
    local(value)
        .and_then(|local| shown(format, local))
        .map(Value::String)
        .ok_or_else(|| Fault::Date(name(helper)))
}

/// A local date and time in words, `None` when `format` asks for what such a time has not (its zone, say).
pub(super) fn shown(format: &str, local: civil::DateTime) -> Option<String> {
    jiff::fmt::strtime::format(format, local).ok()
}

/// The wall clock's time in the zone or at the offset that comes with `value`.
fn local(value: &str) -> Option<civil::DateTime> {
    let zoned = value.parse::<jiff::Zoned>().map(|zoned| zoned.datetime());
    zoned
        .or_else(|_| value.parse::<civil::DateTime>())
        .or_else(|_| value.parse::<jiff::Timestamp>().map(|t| t.to_zoned(jiff::tz::TimeZone::UTC).datetime()))
        .ok()
}

fn upper_first(helper: &Helper<'_>) -> Result<Value, Fault> {
    let Some(value) = text(helper, 0)? else { return Ok(Value::Null) };
    let mut rest = value.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    Ok(Value::String(first.chain(rest).collect()))
}

fn plural(helper: &Helper<'_>) -> Result<Value, Fault> {
    let number = argument(helper, 0)?;
    if number.is_null() {
        return Ok(Value::Null);
    }
    Ok(argument(helper, if number.as_i64() == Some(1) { 1 } else { 2 })?.clone())
}

fn join(helper: &Helper<'_>) -> Result<Value, Fault> {
    let separator = helper.param(1).and_then(|separator| separator.value().as_str()).unwrap_or(", ");
    let items: Vec<&str> =
        argument(helper, 0)?.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    Ok(if items.is_empty() { Value::Null } else { Value::String(items.join(separator)) })
}

fn equal(helper: &Helper<'_>) -> Result<bool, Fault> {
    let (a, b) = (argument(helper, 0)?, argument(helper, 1)?);
    Ok(!a.is_null() && a == b)
}

fn compare(helper: &Helper<'_>, holds: fn(std::cmp::Ordering) -> bool) -> Result<Value, Fault> {
    let (a, b) = (argument(helper, 0)?.as_i64(), argument(helper, 1)?.as_i64());
    Ok(Value::Bool(a.zip(b).is_some_and(|(a, b)| holds(a.cmp(&b)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_are_safe_to_link_to_are_addresses() {
        for (value, address) in [
            ("https://x.example/a?b=c#d", Some("https://x.example/a?b=c#d")),
            ("HTTP://x.example", Some("http://x.example")),
            ("mailto:a@b.example", Some("mailto:a@b.example")),
            ("tel:+49 30 1", Some("tel:+49%2030%201")),
            ("https://x.example/a b\"<>\\é%2F%zz", Some("https://x.example/a%20b%22%3C%3E%5C%C3%A9%2F%25zz")),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            (" https://x.example", None),
            ("https:x.example", None),
            ("https://", None),
            ("https://?q", None),
            ("https://bank.example@evil.example/", None),
            ("https://a b/", None),
            ("//x.example", None),
            ("mailto:", None),
            ("", None),
        ] {
            assert_eq!(super::address(value).as_deref(), address, "{value:?}");
        }
    }

    #[test]
    fn a_date_is_shown_in_the_zone_it_is_given_in() {
        for (value, shown) in [
            ("2026-03-09", Some("9 March 2026 00:00")),
            ("2026-03-09T14:30:00", Some("9 March 2026 14:30")),
            ("2026-03-09T14:30:00+01:00[Europe/Berlin]", Some("9 March 2026 14:30")),
            ("2026-03-09T14:30:00+01:00", Some("9 March 2026 14:30")),
            ("2026-03-09T14:30:00Z", Some("9 March 2026 14:30")),
            ("tomorrow", None),
        ] {
            let actual = local(value).and_then(|local| super::shown("%-d %B %Y %H:%M", local));
            assert_eq!(actual.as_deref(), shown, "{value}");
        }
    }
}
