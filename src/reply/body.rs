//! Bodies of refusals, such that the official SDKs raise their own typed error.

use serde_json::{Value, json};

use crate::dialect::Dialect;
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
    body.to_string()
}

fn open_ai(reason: Reason, message: &str, rule: Option<&Quota>) -> Value {
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
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

fn anthropic(reason: Reason, message: &str) -> Value {
    let kind = match reason {
        Reason::Quota => "rate_limit_error",
        Reason::MissingCredential | Reason::AmbiguousCredential => "authentication_error",
        Reason::BodyTooLarge => "request_too_large",
        Reason::Unreadable => "invalid_request_error",
        Reason::Store | Reason::None => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// The error model of AIP-193, with the wait where Google's own clients look for it.
fn gemini(reason: Reason, message: &str, wait: Option<u64>) -> Value {
    let status = match reason {
        Reason::Quota => "RESOURCE_EXHAUSTED",
        Reason::MissingCredential | Reason::AmbiguousCredential => "UNAUTHENTICATED",
        Reason::BodyTooLarge | Reason::Unreadable => "INVALID_ARGUMENT",
        Reason::Store | Reason::None => "UNAVAILABLE",
    };
    let mut error = json!({"code": reason.status(), "message": message, "status": status});
    if let (Some(wait), Some(error)) = (wait, error.as_object_mut()) {
        let info = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{wait}s")}]);
        error.insert(String::from("details"), info);
    }
    json!({"error": error})
}

/// RFC 9457, with the problem type that the rate-limit header draft registers.
fn problem(reason: Reason, message: &str, rule: Option<&Quota>) -> Value {
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
    let mut problem =
        json!({"type": kind, "title": title, "status": reason.status(), "detail": message});
    if let (Reason::Quota, Some(rule), Some(problem)) = (reason, rule, problem.as_object_mut()) {
        problem.insert(String::from("violated-policies"), json!([rule.name]));
    }
    problem
}
