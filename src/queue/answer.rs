//! Reads answers, whoever wrote them: the function, PostgREST, or a gateway in front of it.

use serde::Deserialize;
use thiserror::Error;

use super::retry::{self, Retryability, refusal};
use crate::error::JobError;
use crate::host::{HttpResponse, TransportError};

/// A call to the database that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueueError {
    /// No answer; whether the call took effect is unknown.
    #[error("{function}: {error}")]
    Unreachable {
        /// The function called.
        function: String,
        /// What happened instead of an answer.
        error: TransportError,
    },
    /// An answer that says no.
    #[error("{function}: {message} (status {status}, code {})", code.as_deref().unwrap_or("none"))]
    Refused {
        /// The function called.
        function: String,
        /// The HTTP status.
        status: u16,
        /// The SQLSTATE or PostgREST's own code, if the body has one.
        code: Option<String>,
        /// The server's message, shortened.
        message: String,
        /// How long the server asks to wait.
        retry_after_ms: Option<u32>,
    },
    /// Arguments that are no JSON. Nothing was sent.
    #[error("{function}: the arguments cannot be sent: {reason}")]
    Unsendable {
        /// The function called.
        function: String,
        /// What is wrong with them.
        reason: String,
    },
    /// An answer of another shape than expected.
    #[error("{function}: the answer is not what was expected: {reason}")]
    Unreadable {
        /// The function called.
        function: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl QueueError {
    /// The code the server gave, a SQLSTATE or one of PostgREST's.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => code.as_deref(),
            Self::Unreachable { .. } | Self::Unsendable { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// Whether the database has no function of that name and those arguments.
    pub fn is_missing_function(&self) -> bool {
        matches!(self.code(), Some("PGRST202" | "42883"))
    }

    /// Whether the database ran out of time over what the call asks for.
    pub fn is_statement_timeout(&self) -> bool {
        self.code() == Some(retry::STATEMENT_TIMEOUT)
    }

    /// Whether repeating the call may help.
    pub fn retryability(&self) -> Retryability {
        match self {
            Self::Unreachable { .. } => Retryability::Transient,
            Self::Unsendable { .. } => Retryability::Content,
            Self::Refused { status, code, .. } => retry::classify(*status, code.as_deref()),
            Self::Unreadable { .. } => Retryability::Unsettled,
        }
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after_ms(&self) -> Option<u32> {
        match self {
            Self::Refused { retry_after_ms, .. } => *retry_after_ms,
            Self::Unreachable { .. } | Self::Unsendable { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// For a handler's `?`: what a failed call to the database means for its job.
impl From<QueueError> for JobError {
    fn from(error: QueueError) -> Self {
        match error.code() {
            Some(refusal::CANCELLED) => Self::Cancelled,
            Some(refusal::LEASE_LOST | refusal::NO_SUCH_JOB) => Self::LeaseLost,
            _ => match error.retryability() {
                Retryability::Content => Self::permanent(error.to_string()),
                // It was repeated until this isolate had no time left.
                Retryability::Transient => Self::HandOver,
                Retryability::Unsettled | Retryability::Fatal => Self::retryable(error.to_string()),
            },
        }
    }
}

/// What a function returned, as JSON text.
///
/// # Errors
/// [`QueueError`] when no answer came, or one that says no.
pub(super) fn returned(
    function: &str,
    answer: Result<HttpResponse, TransportError>,
) -> Result<String, QueueError> {
    let response = answer.map_err(|error| QueueError::Unreachable {
        function: function.into(),
        error,
    })?;
    if !(200..300).contains(&response.status) {
        return Err(refused(function, &response));
    }
    // A function that returns nothing answers without a body.
    if response.body.is_empty() {
        return Ok("null".into());
    }
    String::from_utf8(response.body).map_err(|error| unreadable(function, error))
}

/// An answer with one entry for each that was sent must be as long.
pub(super) fn expect_length(function: &str, got: usize, sent: usize) -> Result<(), QueueError> {
    if got == sent {
        return Ok(());
    }
    Err(unreadable(
        function,
        format!("{got} entries for the {sent} that were sent"),
    ))
}

pub(super) fn unreadable(function: &str, reason: impl ToString) -> QueueError {
    QueueError::Unreadable {
        function: function.into(),
        reason: shortened(&reason.to_string()),
    }
}

fn refused(function: &str, response: &HttpResponse) -> QueueError {
    #[derive(Default, Deserialize)]
    struct RefusalBody {
        code: Option<String>,
        message: Option<String>,
    }
    let body = str::from_utf8(&response.body).unwrap_or_default();
    let body: RefusalBody = serde_json::from_str(body).unwrap_or_default();
    QueueError::Refused {
        function: function.into(),
        status: response.status,
        code: body.code,
        message: shortened(
            body.message
                .as_deref()
                .unwrap_or("refused without a reason"),
        ),
        retry_after_ms: response
            .header("retry-after")
            .and_then(|seconds| seconds.trim().parse::<u32>().ok())
            .map(|seconds| seconds.saturating_mul(1_000)),
    }
}

/// Servers repeat what they were sent: a few words are enough for a person to understand.
fn shortened(message: &str) -> String {
    message.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn decode<T: DeserializeOwned>(
        function: &str,
        answer: Result<HttpResponse, TransportError>,
    ) -> Result<T, QueueError> {
        let json = returned(function, answer)?;
        serde_json::from_str(&json).map_err(|error| unreadable(function, error))
    }

    fn response(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            headers: vec![("retry-after".into(), "7".into())],
            body: body.into(),
        }
    }

    fn error(status: u16, body: &str) -> QueueError {
        decode::<Value>("f", Ok(response(status, body))).expect_err("no success")
    }

    #[test]
    fn a_returned_value_is_decoded_and_nothing_is_null() {
        assert_eq!(decode::<u32>("f", Ok(response(200, "3"))), Ok(3));
        assert_eq!(decode::<Value>("f", Ok(response(204, ""))), Ok(Value::Null));
    }

    #[test]
    fn a_refusal_keeps_code_and_message_and_how_long_to_wait() {
        let body = r#"{"code":"PGRST003","message":"timed out","details":null,"hint":null}"#;
        let error = error(504, body);
        assert_eq!(error.code(), Some("PGRST003"));
        assert_eq!(error.retry_after_ms(), Some(7_000));
        assert_eq!(
            error.to_string(),
            "f: timed out (status 504, code PGRST003)"
        );
    }

    #[test]
    fn a_gateways_answer_is_understood_by_its_status() {
        for body in [
            "<html>bad gateway</html>",
            "",
            r#"{"message":"no upstream"}"#,
            "[]",
        ] {
            let error = error(502, body);
            assert_eq!(error.retryability(), Retryability::Transient, "{body}");
            assert_eq!(error.code(), None);
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error_and_no_panic() {
        let error = decode::<Vec<u32>>("f", Ok(response(200, r#"{"a":1}"#)));
        assert_eq!(
            error.expect_err("no list").retryability(),
            Retryability::Unsettled
        );
    }

    #[test]
    fn an_answer_that_is_not_as_long_as_what_was_sent_is_an_error() {
        assert!(expect_length("f", 2, 2).is_ok());
        assert!(expect_length("f", 1, 2).is_err());
    }

    #[test]
    fn long_messages_are_shortened() {
        let body = json!({ "code": "P0001", "message": "x".repeat(9_000) }).to_string();
        assert!(error(400, &body).to_string().len() < 400);
    }

    #[test]
    fn a_missing_function_is_told_from_other_refusals() {
        assert!(error(404, r#"{"code":"PGRST202","message":"none"}"#).is_missing_function());
        assert!(!error(404, r#"{"message":"none"}"#).is_missing_function());
    }

    #[test]
    fn a_handlers_question_mark_does_what_the_refusal_says() {
        let job_error = |code: &str| {
            JobError::from(error(
                400,
                &json!({ "code": code, "message": "m" }).to_string(),
            ))
        };
        assert_eq!(job_error("JQ001"), JobError::Cancelled);
        assert_eq!(job_error("JQ002"), JobError::LeaseLost);
        assert_eq!(job_error("JQ003"), JobError::LeaseLost);
        assert!(matches!(job_error("JQ004"), JobError::Permanent { .. }));
        assert!(matches!(job_error("23505"), JobError::Permanent { .. }));
        assert_eq!(job_error("40001"), JobError::HandOver);
        assert!(matches!(job_error("42501"), JobError::Retryable { .. }));
    }
}
