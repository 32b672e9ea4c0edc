//! What an answer says, whoever wrote it: the function, PostgREST, or a gateway in front of it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::error::JobError;
use crate::host::{HttpResponse, TransportError};
use crate::retry::{self, Verdict, refusal};

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
            Self::Unreachable { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// Whether the database has no function of that name and those arguments.
    pub fn is_missing_function(&self) -> bool {
        matches!(self.code(), Some("PGRST202" | "42883"))
    }

    /// What the error means for repeating the call.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable { .. } => Verdict::Transient,
            Self::Refused { status, code, .. } => retry::classify(*status, code.as_deref()),
            Self::Unreadable { .. } => Verdict::Unsettled,
        }
    }

    pub(super) fn retry_after_ms(&self) -> Option<u32> {
        match self {
            Self::Refused { retry_after_ms, .. } => *retry_after_ms,
            Self::Unreachable { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// For a handler's `?`: what a failed call to the database means for its job.
impl From<QueueError> for JobError {
    fn from(error: QueueError) -> Self {
        match error.code() {
            Some(refusal::CANCELLED) => Self::Cancelled,
            Some(refusal::LEASE_LOST | refusal::NO_SUCH_JOB) => Self::LeaseLost,
            _ if error.verdict() == Verdict::Content => Self::permanent(error.to_string()),
            _ => Self::retryable(error.to_string()),
        }
    }
}

/// The value a function returned.
pub(super) fn decode<T: DeserializeOwned>(
    function: &str,
    answer: Result<HttpResponse, TransportError>,
) -> Result<T, QueueError> {
    let response = answer.map_err(|error| QueueError::Unreachable {
        function: function.into(),
        error,
    })?;
    if !(200..300).contains(&response.status) {
        return Err(refused(function, &response));
    }
    // A function that returns nothing answers without a body.
    let body: &[u8] = match response.body.as_slice() {
        [] => b"null",
        body => body,
    };
    serde_json::from_slice(body).map_err(|error| unreadable(function, &error.to_string()))
}

/// An answer that runs parallel to what was sent must be as long.
pub(super) fn expect_length(function: &str, got: usize, sent: usize) -> Result<(), QueueError> {
    if got == sent {
        return Ok(());
    }
    Err(unreadable(
        function,
        &format!("{got} entries for the {sent} that were sent"),
    ))
}

fn unreadable(function: &str, reason: &str) -> QueueError {
    QueueError::Unreadable {
        function: function.into(),
        reason: shortened(reason),
    }
}

fn refused(function: &str, response: &HttpResponse) -> QueueError {
    #[derive(Default, Deserialize)]
    struct Body {
        code: Option<String>,
        message: Option<String>,
    }
    let body: Body = serde_json::from_slice(&response.body).unwrap_or_default();
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

/// Enough for a person to understand; servers repeat what they were sent.
fn shortened(message: &str) -> String {
    message.chars().take(300).collect()
}
