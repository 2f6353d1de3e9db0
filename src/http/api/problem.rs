//! What went wrong, as programs read it (RFC 9457).
//!
//! Every refusal of the API is one of [`Kind`], whose name a client may rely on; the words beside it are for the
//! person who reads the client's log, and say what to do.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

/// What every type of problem begins with. It names, and leads nowhere.
const TYPE: &str = "urn:nurtured:problem:";

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $status:ident, $title:literal;)*) => {
        /// What can go wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)*
        }

        impl Kind {
            /// Every one.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The name a client may rely on.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)* }
            }

            /// The HTTP status it comes with.
            pub fn status(self) -> StatusCode {
                match self { $(Kind::$kind => StatusCode::$status,)* }
            }

            /// In words.
            pub fn title(self) -> &'static str {
                match self { $(Kind::$kind => $title,)* }
            }
        }
    };
}

kinds! {
    /// It is no JSON, or broke off.
    Unreadable = "unreadable", BAD_REQUEST, "The request cannot be read";
    /// There is no good token.
    Unauthorised = "unauthorised", UNAUTHORIZED, "A good token is needed";
    /// The token may not do that.
    Forbidden = "forbidden", FORBIDDEN, "The token may not do that";
    /// There is no such place.
    NotFound = "not-found", NOT_FOUND, "There is nothing here";
    /// Nobody knows the lead.
    UnknownLead = "unknown-lead", NOT_FOUND, "Nobody knows that lead";
    /// The agreement does not know the campaign.
    UnknownCampaign = "unknown-campaign", NOT_FOUND, "There is no such campaign";
    /// Nobody said so.
    UnknownSuppression = "unknown-suppression", NOT_FOUND, "The address is not suppressed for that reason";
    /// That cannot be done there.
    WrongMethod = "wrong-method", METHOD_NOT_ALLOWED, "That cannot be done here";
    /// It cannot be so as things stand.
    Refused = "refused", CONFLICT, "It cannot be so as things stand";
    /// The person had their data erased.
    Erased = "erased", CONFLICT, "The person had their data erased";
    /// A mail to the lead is on the wire.
    BeingSent = "being-sent", CONFLICT, "A mail is being sent at this moment";
    /// The same request is being answered.
    UnderWay = "under-way", CONFLICT, "The same request is under way";
    /// It is too long.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The request is too long";
    /// It is of another kind.
    WrongType = "wrong-type", UNSUPPORTED_MEDIA_TYPE, "The body is of a kind that is not read here";
    /// A value makes no sense.
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "A value makes no sense";
    /// The key was used for another request.
    KeyReused = "key-reused", UNPROCESSABLE_ENTITY, "The key was used for another request";
    /// Too often.
    TooMany = "too-many", TOO_MANY_REQUESTS, "Too many requests";
    /// The fault is ours.
    Failed = "failed", INTERNAL_SERVER_ERROR, "The fault is ours";
    /// Not now.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "This does not work right now";
}

impl Kind {
    /// The name as it stands on the wire.
    pub fn urn(self) -> String {
        format!("{TYPE}{}", self.name())
    }
}

/// A problem, with its words.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    at: Option<String>,
    retry_after: Option<i64>,
    allow: Option<String>,
}

/// A problem as it stands on the wire.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct Shown {
    /// What went wrong, by a name that stays.
    pub r#type: String,
    /// The same in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened in this case, and what to do.
    pub detail: String,
    /// Which value is meant: a path in the body, or a parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl Problem {
    /// A problem and its words.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        Problem { kind, detail: detail.into(), at: None, retry_after: None, allow: None }
    }

    /// A value that makes no sense.
    pub fn invalid(at: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem { at: Some(at.into()).filter(|at| !at.is_empty()), ..Problem::new(Kind::Invalid, detail) }
    }

    /// Something of ours that failed: the log has the cause, the client a sentence.
    pub fn failed(what: &str, error: &dyn std::fmt::Display) -> Problem {
        tracing::error!("{what} fails: {error}");
        Problem::new(Kind::Failed, "it is in our log; try again later, or tell whoever runs this")
    }

    /// The same of something that may work in a moment.
    pub fn unavailable() -> Problem {
        Problem::new(Kind::Unavailable, "try again in a moment").after(5)
    }

    /// When to try again, in seconds.
    pub fn after(mut self, seconds: i64) -> Problem {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// What can be done there instead.
    pub fn allowing(mut self, methods: String) -> Problem {
        self.allow = Some(methods);
        self
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// As it stands on the wire.
    pub fn shown(&self) -> Shown {
        Shown {
            r#type: self.kind.urn(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: self.detail.clone(),
            at: self.at.clone(),
        }
    }

    /// As an answer.
    pub fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.shown()).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.kind.status();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        self.say_in_headers(&mut response);
        response
    }

    /// What programs on the way read of it, whatever the answer's body is.
    pub fn say_in_headers(&self, response: &mut Response) {
        let headers = response.headers_mut();
        if self.kind == Kind::Unauthorised {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
    }
}

/// What a problem is served as.
pub const PROBLEM_JSON: &str = "application/problem+json";
