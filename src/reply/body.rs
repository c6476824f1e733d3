//! Bodies of refusals, such that the official SDKs raise their own typed error.

use crate::dialect::Dialect;
use crate::json::Object;
use crate::policy::Quota;
use crate::verdict::Reason;

/// The media type of a dialect's refusals.
pub(super) const fn content_type(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Other => "application/problem+json",
        Dialect::OpenAi | Dialect::Anthropic | Dialect::Gemini => "application/json",
    }
}

/// Writes a refusal in a dialect.
pub(super) fn write(
    dialect: Dialect,
    reason: Reason,
    message: &str,
    rule: Option<&Quota>,
    wait: Option<u64>,
) -> String {
    let body = match dialect {
        Dialect::OpenAi => open_ai(reason, message, rule),
        Dialect::Anthropic => anthropic(reason, message),
        Dialect::Gemini => gemini(reason, message, wait),
        Dialect::Other => problem(reason, message, rule),
    };
    body.finish()
}

fn open_ai(reason: Reason, message: &str, rule: Option<&Quota>) -> Object {
    let (kind, code) = match reason {
        Reason::Quota if rule.is_some_and(Quota::is_metered) => ("tokens", "rate_limit_exceeded"),
        Reason::Quota => ("requests", "rate_limit_exceeded"),
        Reason::MissingCredential | Reason::AmbiguousCredential => {
            ("invalid_request_error", "invalid_api_key")
        }
        Reason::BodyTooLarge => ("invalid_request_error", "request_too_large"),
        Reason::Unreadable => ("invalid_request_error", "unreadable_body"),
        Reason::Store | Reason::None => ("server_error", "service_unavailable"),
    };
    let error = Object::default()
        .text("message", message)
        .text("type", kind)
        .null("param")
        .text("code", code);
    Object::default().object("error", error)
}

fn anthropic(reason: Reason, message: &str) -> Object {
    let kind = match reason {
        Reason::Quota => "rate_limit_error",
        Reason::MissingCredential | Reason::AmbiguousCredential => "authentication_error",
        Reason::BodyTooLarge => "request_too_large",
        Reason::Unreadable => "invalid_request_error",
        Reason::Store | Reason::None => "api_error",
    };
    let error = Object::default()
        .text("type", kind)
        .text("message", message);
    Object::default()
        .text("type", "error")
        .object("error", error)
}

/// The error model of AIP-193, with the wait where Google's own clients look for it.
fn gemini(reason: Reason, message: &str, wait: Option<u64>) -> Object {
    let status = match reason {
        Reason::Quota => "RESOURCE_EXHAUSTED",
        Reason::MissingCredential | Reason::AmbiguousCredential => "UNAUTHENTICATED",
        Reason::BodyTooLarge | Reason::Unreadable => "INVALID_ARGUMENT",
        Reason::Store | Reason::None => "UNAVAILABLE",
    };
    let mut error = Object::default()
        .number("code", u64::from(reason.status()))
        .text("message", message)
        .text("status", status);
    if let Some(wait) = wait {
        let info = Object::default()
            .text("@type", "type.googleapis.com/google.rpc.RetryInfo")
            .text("retryDelay", &format!("{wait}s"));
        error = error.list_of("details", info);
    }
    Object::default().object("error", error)
}

/// RFC 9457, with the problem type that the rate-limit header draft registers.
fn problem(reason: Reason, message: &str, rule: Option<&Quota>) -> Object {
    let (kind, title) = match reason {
        Reason::Quota => (
            "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "Quota exceeded",
        ),
        Reason::MissingCredential | Reason::AmbiguousCredential => ("about:blank", "Unauthorized"),
        Reason::BodyTooLarge => ("about:blank", "Content Too Large"),
        Reason::Unreadable => ("about:blank", "Bad Request"),
        Reason::Store | Reason::None => ("about:blank", "Service Unavailable"),
    };
    let problem = Object::default()
        .text("type", kind)
        .text("title", title)
        .number("status", u64::from(reason.status()))
        .text("detail", message);
    match (reason, rule) {
        (Reason::Quota, Some(rule)) => problem.list_of_text("violated-policies", &rule.name),
        _ => problem,
    }
}
