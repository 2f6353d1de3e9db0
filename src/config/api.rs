//! What the API for other programs is configured with: `[http]` and `[forms]`.

use super::fields;
use super::network::Network;
use super::reader::Reader;
use crate::domain::rate::Rate;
use crate::toml_reader::Refusal;

/// Requests of one token in a minute.
const TOKEN_REQUESTS: u32 = 600;
/// Forms of one browser in a minute, and refusals of one stranger.
const FORM_REQUESTS: u32 = 20;
/// A field that people do not see and programs fill in.
const HONEYPOT: &str = "website";

/// What the API for other programs goes by.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Proxies whose word about the client counts.
    pub trusted_proxies: Vec<Network>,
    /// Where they say it.
    pub forwarded_header: ForwardedHeader,
    /// How often one token may ask.
    pub token_rate: Rate,
    /// How often one browser may hand in a form.
    pub form_rate: Rate,
    /// The form endpoint.
    pub forms: FormsConfig,
}

/// `[forms]`: what a web form may do.
#[derive(Clone, Debug)]
pub struct FormsConfig {
    /// The field that must stay empty.
    pub honeypot: String,
    /// Where a form may send its visitor afterwards.
    pub redirects: Vec<String>,
    /// The sites whose pages may post; none: any, but no script of theirs may read the answer.
    pub origins: Vec<String>,
}

/// Where a proxy says who its client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// What most proxies write.
    XForwardedFor,
    /// The standard's (RFC 7239).
    Forwarded,
}

impl ForwardedHeader {
    /// In lower case.
    pub fn name(self) -> &'static str {
        match self {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        }
    }
}

impl Default for ApiConfig {
    fn default() -> ApiConfig {
        ApiConfig {
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            token_rate: Rate::per_minute(TOKEN_REQUESTS),
            form_rate: Rate::per_minute(FORM_REQUESTS),
            forms: FormsConfig { honeypot: HONEYPOT.to_owned(), redirects: Vec::new(), origins: Vec::new() },
        }
    }
}

/// Reads the keys of `[http]` that are about other programs, and `[forms]`.
pub(super) fn api(http: &mut Reader<'_>, top: &mut Reader<'_>) -> ApiConfig {
    let defaults = ApiConfig::default();
    let headers =
        [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded].map(|header| (header.name(), header));
    let trusted_proxies = http.list("trusted_proxies", |text| {
        text.parse().map_err(|_| {
            Refusal::new(format!("`{text}` is no address or network"), "write `127.0.0.1` or `10.0.0.0/8`")
        })
    });
    let forwarded_header =
        http.parsed("forwarded_header", |text| fields::one_of(&text.to_ascii_lowercase(), &headers));
    let rate = |count: i64| Rate::per_minute(u32::try_from(count).unwrap_or(u32::MAX));
    let token_rate = http.integer("requests_per_minute", 1..=1_000_000).map(rate);
    let mut section = top.section("forms");
    let honeypot = section.parsed("honeypot", fields::words).map(|name| name.value);
    let redirects = section.list("redirects", web_address);
    let origins = section.list("origins", origin);
    let form_rate = section.integer("requests_per_minute", 1..=1_000_000).map(rate);
    section.finish();
    ApiConfig {
        trusted_proxies,
        forwarded_header: forwarded_header.map_or(defaults.forwarded_header, |header| header.value),
        token_rate: token_rate.unwrap_or(defaults.token_rate),
        form_rate: form_rate.unwrap_or(defaults.form_rate),
        forms: FormsConfig { honeypot: honeypot.unwrap_or(defaults.forms.honeypot), redirects, origins },
    }
}

/// An address that a visitor can be sent to.
fn web_address(text: &str) -> Result<String, Refusal> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if plain && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains('@')) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(
        format!("`{text}` is no address of a page"),
        "write `https://www.company.example/thanks`",
    ))
}

/// A site, as browsers name it: scheme, host and port, and nothing behind.
fn origin(text: &str) -> Result<String, Refusal> {
    let site = web_address(text)?;
    let site = site.strip_suffix('/').unwrap_or(&site).to_ascii_lowercase();
    if site.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#'])) {
        return Err(Refusal::new(
            format!("`{text}` goes on behind the host"),
            "write `https://www.company.example`",
        ));
    }
    Ok(site)
}
