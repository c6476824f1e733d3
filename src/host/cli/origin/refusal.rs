//! Errors, each in the form of the dialect that was spoken: instead of an answer, or in the middle of one.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::{self, Part};

/// Whose API was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAI's and Azure's.
    OpenAi,
    /// OpenAI's newer one, whose streams have typed events.
    Responses,
    /// Anthropic's.
    Anthropic,
    /// Gemini's and Vertex's.
    Gemini,
}

impl Dialect {
    /// What is said of a body that is no JSON.
    pub(super) fn garbled(self) -> Refusal {
        let message = match self {
            Self::OpenAi | Self::Responses => "We could not parse the JSON body of your request.",
            Self::Anthropic => "The request body is not valid JSON",
            Self::Gemini => "Invalid JSON payload received.",
        };
        Refusal::new(StatusCode::BAD_REQUEST, message)
    }

    /// The body of an error response.
    pub(super) fn refuse(self, refusal: &Refusal) -> Value {
        let Refusal {
            status,
            message,
            parameter,
        } = refusal;
        match self {
            Self::OpenAi | Self::Responses => {
                let (kind, code) = openai(*status);
                json!({"error": {"message": message, "type": kind, "param": parameter, "code": code}})
            }
            Self::Anthropic => {
                let error = json!({"type": anthropic(*status), "message": message});
                json!({"type": "error", "error": error, "request_id": answer::id("req_")})
            }
            Self::Gemini => {
                json!({"error": {"code": status.as_u16(), "message": message, "status": gemini(*status)}})
            }
        }
    }

    /// What breaks a stream off in place of its part number `place`, counted from 0.
    pub(super) fn failure(self, place: usize) -> Part {
        let message = "The demo origin was asked to fail here.";
        // Anthropic and Google call it overload, and say so by their own statuses.
        let status = match self {
            Self::OpenAi | Self::Responses => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Anthropic => StatusCode::from_u16(529).unwrap_or(StatusCode::BAD_GATEWAY),
            Self::Gemini => StatusCode::SERVICE_UNAVAILABLE,
        };
        let error = self.refuse(&Refusal::new(status, message));
        match self {
            Self::OpenAi | Self::Gemini => Part::new(error),
            Self::Anthropic => Part::typed(&error),
            // Not flat, as OpenAI's reference has it, but as the service sends it and the SDKs raise it.
            Self::Responses => Part::typed(&answer::with(
                error,
                [("type", json!("error")), ("sequence_number", json!(place))],
            )),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The response's status.
    pub(super) status: StatusCode,
    /// A sentence for whoever asked.
    pub(super) message: String,
    /// The member or header at fault.
    pub(super) parameter: Option<String>,
}

impl Refusal {
    /// A refusal that is about the request as a whole.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            parameter: None,
        }
    }

    /// The same, with the member or header at fault.
    pub(super) fn about(self, parameter: &str) -> Self {
        Self {
            parameter: Some(parameter.to_owned()),
            ..self
        }
    }
}

/// The type and the code of an error.
fn openai(status: StatusCode) -> (&'static str, Option<&'static str>) {
    match status.as_u16() {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("not_found")),
        429 => ("requests", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    }
}

fn anthropic(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn gemini(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}
