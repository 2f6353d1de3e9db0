//! What a page looks like: one column, big buttons, no script, nothing loaded from anywhere.
//!
//! The content security policy allows the one style sheet by its hash and nothing else, so even a value
//! that escaped [`escaped`] could not run or load anything.

use std::fmt::{Display, Write as _};
use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::domain::ids::LeadId;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{overflow-wrap:anywhere;font:18px/1.5 system-ui,sans-serif;margin:0;padding:6vh 1.2rem;color:#1c1c1c;background:#fff}\
main{max-width:32rem;margin:auto}\
h1{font-size:1.5rem;line-height:1.25}\
input{font:inherit;width:100%;box-sizing:border-box;padding:.8rem;margin:0 0 1rem;border:1px solid #767676;border-radius:.4rem;color:inherit;background:transparent}\
button{font:inherit;font-weight:600;width:100%;padding:.9rem;border:0;border-radius:.4rem;color:#fff;background:#1c4f9c}\
h2{font-size:1.1rem;margin:2rem 0 .5rem}\
a{color:#1c4f9c}\
button{margin:.35rem 0}\
a.act{display:block;margin:.7rem 0;padding:.8rem;border:2px solid;border-radius:.4rem;font-weight:600;text-align:center;text-decoration:none}\
a.more{display:inline-block;padding:.6rem 0}\
details button{color:#1c4f9c;background:transparent;box-shadow:inset 0 0 0 2px}\
label{display:block;margin:.6rem 0}\
input,select,textarea{font:inherit;box-sizing:border-box;width:100%;padding:.6rem;border:1px solid #999;border-radius:.4rem;color:inherit;background:transparent}\
option{color:#1c1c1c;background:#fff}\
details{margin:.8rem 0;border:1px solid #bbb;border-radius:.4rem;padding:0 .8rem}\
summary{font-weight:600;padding:.8rem 0}\
.small{font-size:.8rem;margin-top:2.5rem}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}button{background:#2f6fcf}a,details button{color:#8ab4f8}details button{background:transparent}}";

/// The policy under which every page stands.
pub fn content_security_policy() -> HeaderValue {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        );
        HeaderValue::try_from(policy).expect("base 64 and the rest are ASCII")
    });
    POLICY.clone()
}

/// A page: its title is its heading, too; `body` is HTML.
pub fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escaped(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex, nofollow\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    (status, Html(html)).into_response()
}

/// Nothing is there.
pub fn not_found() -> Response {
    page(StatusCode::NOT_FOUND, "There is nothing here", "<p>Please check the address.</p>")
}

/// What was asked cannot be done there; `allowed` can.
pub fn wrong_method(allowed: &'static str) -> Response {
    let mut response = page(
        StatusCode::METHOD_NOT_ALLOWED,
        "This cannot be done here",
        "<p>Please open the link in a browser.</p>",
    );
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A link that we did not write, or that was cut off; `instead` says how else to tell us.
pub fn no_such_link(instead: &str) -> Response {
    let body = format!(
        "<p>It may have been cut off on its way. Please open it from the mail again, or {instead}: a person reads it.</p>"
    );
    page(StatusCode::NOT_FOUND, "This link does not work", &body)
}

/// What a lead asked for by its link was not done. The path is not logged: it is a right.
pub fn link_failed(lead: LeadId, error: &dyn Display) -> Response {
    tracing::error!(lead = lead.0, "what lead {lead} asked for by its link was not done: {error}");
    out_of_order()
}

/// A body that was not taken, for the reason that has this status.
pub fn not_taken(status: StatusCode) -> Response {
    if status == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { unreadable() }
}

/// More was sent than anybody needs.
pub fn too_large() -> Response {
    page(StatusCode::PAYLOAD_TOO_LARGE, "That is too much", "<p>Please open the link in a browser.</p>")
}

/// The request broke off, or makes no sense.
pub fn unreadable() -> Response {
    page(StatusCode::BAD_REQUEST, "That did not arrive whole", "<p>Please try again.</p>")
}

/// We cannot do it now.
pub fn out_of_order() -> Response {
    let mut response = page(
        StatusCode::SERVICE_UNAVAILABLE,
        "This does not work right now",
        "<p>The fault is ours. Please try again in a few minutes, or answer the mail \
         you came from: a person reads it.</p>",
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("120"));
    response
}

/// Text as HTML shows it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '"' | '\'' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
