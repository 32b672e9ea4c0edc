//! What a handler may answer instead of a result. An error here is an instruction to the queue.

use thiserror::Error;

/// A handler's verdict on an attempt that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobError {
    /// Try again, after `retry_after_seconds` if given, else after the queue's own backoff.
    #[error("{message}")]
    Retryable {
        /// What went wrong, for people.
        message: String,
        /// How long to wait, when the handler knows better than the queue's backoff.
        retry_after_seconds: Option<u32>,
    },
    /// Trying again cannot help: the job fails now, whatever retries are left.
    #[error("{message}")]
    Permanent {
        /// What went wrong and what to change, for people.
        message: String,
    },
    /// Someone cancelled the job; the handler stops without a result.
    #[error("the job was cancelled")]
    Cancelled,
    /// The job is no longer this worker's; whatever it still writes changes nothing.
    #[error("the lease on the job was lost")]
    LeaseLost,
}

impl JobError {
    /// Try again after the queue's own backoff.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::Retryable {
            message: message.into(),
            retry_after_seconds: None,
        }
    }

    /// Never try again.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent {
            message: message.into(),
        }
    }
}
