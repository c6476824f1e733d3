//! Bodies of refusals, such that the official SDKs raise their own typed error.

use crate::dialect::Dialect;
use crate::engine::Decision;
use crate::json::Object;
use crate::policy::Quota;
use crate::verdict::{Reason, Verdict};

/// What a program that is asked for verification finds in the refusal, in every dialect.
const VERIFICATION: &str = "verification_required";

/// The media type of a dialect's refusals.
pub(super) const fn content_type(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Other => "application/problem+json",
        Dialect::OpenAi | Dialect::Anthropic | Dialect::Gemini => "application/json",
    }
}

/// Why a request was refused, as far as its client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A quota is used up.
    Quota,
    /// There is no credential, or more than one.
    Credential,
    /// The body is too long.
    TooLarge,
    /// The body cannot be read.
    Unreadable,
    /// The account is to be verified first.
    Verify,
    /// Something about the request is not welcome; which, would be told to those who try to find out.
    Forbidden,
    /// It could not be decided.
    Failure,
}

impl Refusal {
    pub(super) const fn of(verdict: Verdict, reason: Reason) -> Self {
        match (verdict, reason) {
            (Verdict::Verify, _) => Self::Verify,
            (Verdict::Throttle, _) | (_, Reason::Quota) => Self::Quota,
            (_, Reason::MissingCredential | Reason::AmbiguousCredential) => Self::Credential,
            (_, Reason::BodyTooLarge) => Self::TooLarge,
            (_, Reason::Unreadable) => Self::Unreadable,
            (_, Reason::List | Reason::Contradiction | Reason::Distinct | Reason::Campaign) => {
                Self::Forbidden
            }
            (_, Reason::Store | Reason::None) => Self::Failure,
        }
    }
}

/// Writes a refusal in a dialect.
pub(super) fn write(
    dialect: Dialect,
    decision: &Decision,
    message: &str,
    rule: Option<&Quota>,
    (status, wait): (u16, Option<u64>),
) -> String {
    let status = u64::from(status);
    let refusal = Refusal::of(decision.verdict, decision.reason);
    let body = match dialect {
        Dialect::OpenAi => open_ai(refusal, message, rule),
        Dialect::Anthropic => anthropic(refusal, message),
        Dialect::Gemini => gemini(refusal, status, message, wait),
        Dialect::Other => problem(refusal, status, message, rule),
    };
    body.finish()
}

fn open_ai(refusal: Refusal, message: &str, rule: Option<&Quota>) -> Object {
    let (kind, code) = match refusal {
        Refusal::Quota if rule.is_some_and(Quota::is_metered) => ("tokens", "rate_limit_exceeded"),
        Refusal::Quota => ("requests", "rate_limit_exceeded"),
        Refusal::Credential => ("invalid_request_error", "invalid_api_key"),
        Refusal::TooLarge => ("invalid_request_error", "request_too_large"),
        Refusal::Unreadable => ("invalid_request_error", "unreadable_body"),
        Refusal::Verify => ("permission_error", "verification_required"),
        Refusal::Forbidden => ("permission_error", "access_denied"),
        Refusal::Failure => ("server_error", "service_unavailable"),
    };
    let error = Object::default()
        .text("message", message)
        .text("type", kind)
        .null("param")
        .text("code", code);
    Object::default().object("error", error)
}

fn anthropic(refusal: Refusal, message: &str) -> Object {
    let kind = match refusal {
        Refusal::Quota => "rate_limit_error",
        Refusal::Credential => "authentication_error",
        Refusal::TooLarge => "request_too_large",
        Refusal::Unreadable => "invalid_request_error",
        Refusal::Verify | Refusal::Forbidden => "permission_error",
        Refusal::Failure => "api_error",
    };
    let mut error = Object::default()
        .text("type", kind)
        .text("message", message);
    if refusal == Refusal::Verify {
        error = error.text("code", VERIFICATION);
    }
    Object::default()
        .text("type", "error")
        .object("error", error)
}

/// The error model of AIP-193, with the wait where Google's own clients look for it.
fn gemini(refusal: Refusal, status: u64, message: &str, wait: Option<u64>) -> Object {
    let name = match refusal {
        Refusal::Quota => "RESOURCE_EXHAUSTED",
        Refusal::Credential => "UNAUTHENTICATED",
        Refusal::TooLarge | Refusal::Unreadable => "INVALID_ARGUMENT",
        Refusal::Verify | Refusal::Forbidden => "PERMISSION_DENIED",
        Refusal::Failure => "UNAVAILABLE",
    };
    let mut error = Object::default()
        .number("code", status)
        .text("message", message)
        .text("status", name);
    if refusal == Refusal::Verify {
        let info = Object::default()
            .text("@type", "type.googleapis.com/google.rpc.ErrorInfo")
            .text("reason", VERIFICATION);
        error = error.list_of("details", [info]);
    }
    if let Some(wait) = wait {
        let info = Object::default()
            .text("@type", "type.googleapis.com/google.rpc.RetryInfo")
            .text("retryDelay", &format!("{wait}s"));
        error = error.list_of("details", [info]);
    }
    Object::default().object("error", error)
}

/// RFC 9457, with the problem type that the rate-limit header draft registers.
fn problem(refusal: Refusal, status: u64, message: &str, rule: Option<&Quota>) -> Object {
    let (kind, title) = match refusal {
        Refusal::Quota => (
            "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "Quota exceeded",
        ),
        Refusal::Credential => ("about:blank", "Unauthorized"),
        Refusal::TooLarge => ("about:blank", "Content Too Large"),
        Refusal::Unreadable => ("about:blank", "Bad Request"),
        Refusal::Verify | Refusal::Forbidden => ("about:blank", "Forbidden"),
        Refusal::Failure => ("about:blank", "Service Unavailable"),
    };
    let problem = Object::default()
        .text("type", kind)
        .text("title", title)
        .number("status", status)
        .text("detail", message);
    match (refusal, rule) {
        (Refusal::Quota, Some(rule)) => problem.list_of_text("violated-policies", &rule.name),
        (Refusal::Verify, _) => problem.text("code", VERIFICATION),
        _ => problem,
    }
}
