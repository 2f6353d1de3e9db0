//! What a mail may not contain, and which addresses it may link to.

use super::escape::{Origin, origin, reveal};

/// What a mail may not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `<b>`, `<div>`, `<!-- -->` in Markdown.
    #[error("HTML is not allowed in a mail's text")]
    RawHtml,
    /// A link that leads anywhere but to `http`, `https`, `mailto`, `tel`.
    #[error("a link leads to a complete http, https, mailto or tel address")]
    LinkAddress,
    /// A link whose address contains a plain value.
    #[error("a variable in a link's address needs a helper")]
    LinkVariable,
    /// `{{url x}}` anywhere but at the beginning of an address.
    #[error("`{{{{url …}}}}` begins an address; it does not continue one")]
    UrlPlace,
    /// `{{query x}}` where it could choose the server.
    #[error("`{{{{query …}}}}` comes after the server's name and a `/`, `?` or `#`")]
    QueryPlace,
    /// An image from anywhere but a fixed `http` or `https` address.
    #[error("an image has a fixed http or https address")]
    ImageAddress,
    /// An image without a text for those who do not see it.
    #[error("an image needs a text for those who do not see it")]
    ImageText,
    /// Too many quotes, lists or emphases within one another.
    #[error("quotes and lists are nested more than 50 deep")]
    TooDeep,
}

impl Refusal {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Refusal::RawHtml => "write Markdown; a `<` that is meant as such is written `\\<`",
            Refusal::LinkAddress => "write the whole address, such as `https://example.com/prices`",
            Refusal::LinkVariable => "write `[text]({{url name}})`, or `{{query name}}` after the `?`",
            Refusal::UrlPlace => "use `{{query …}}` for a value within an address",
            Refusal::QueryPlace => "write `https://example.com/?q={{query …}}`",
            Refusal::ImageAddress => "write `![text](https://example.com/picture.png)`",
            Refusal::ImageText => "write what it shows between the brackets: `![Our team](https://…)`",
            Refusal::TooDeep => "use fewer levels",
        }
    }
}

/// The address a link leads to, as it is written. No value can choose its scheme or its server, unless the
/// `url` helper has looked at it.
pub(super) fn address(prefix: &str, destination: &str) -> Result<String, Refusal> {
    if destination.chars().any(|c| origin(c) == Origin::Value) {
        return Err(Refusal::LinkVariable);
    }
    let first = |wanted| destination.char_indices().find(|(_, c)| origin(*c) == wanted).map(|(at, _)| at);
    if first(Origin::Address).is_some_and(|at| at > 0) {
        return Err(Refusal::UrlPlace);
    }
    let revealed = |text: &str| text.chars().map(reveal).collect::<String>();
    let address = format!("{prefix}{}", revealed(destination));
    if !is_link(&address) {
        return Err(Refusal::LinkAddress);
    }
    if let Some(at) = first(Origin::Query) {
        let before = format!("{prefix}{}", revealed(&destination[..at]));
        let placed = match before.split_once("://") {
            Some((_, rest)) => rest.contains(['/', '?', '#']),
            None => before.contains(':'),
        };
        if !placed {
            return Err(Refusal::QueryPlace);
        }
    }
    Ok(address)
}

/// Whether an address is complete and of a kind that may be linked to.
fn is_link(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else { return false };
    let complete = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => rest
            .strip_prefix("//")
            .is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':']) && !rest.is_empty()),
        "mailto" | "tel" => !rest.is_empty(),
        _ => false,
    };
    complete && !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\')
}

/// The address of an image, if it is fixed and may be loaded.
pub(super) fn image_address(destination: &str) -> Option<String> {
    let fixed = destination.chars().all(|c| origin(c) == Origin::Template);
    (fixed && destination.starts_with("http") && is_link(destination)).then(|| destination.to_owned())
}
