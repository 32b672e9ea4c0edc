//! From a handler's answer to what the queue shall do: the only place a verdict becomes an action.

use serde::Serialize;
use serde_json::Value;

use crate::error::JobError;

/// What the database shall do with a job this worker held.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Store the result.
    Completed {
        /// The handler's result.
        output_data: Value,
    },
    /// Record the error; the database decides whether and when to try again.
    Failed {
        /// For people.
        error_message: String,
        /// `false`: no further attempt can help.
        retryable: bool,
        /// Instead of the queue's own backoff.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
    },
    /// The handler stopped because somebody cancelled the job.
    Cancelled,
    /// Hand the job back as it was claimed: no attempt is lost.
    Released,
}

/// What to do after an attempt; `None` when the job is somebody else's by now and there is nothing to say.
pub fn outcome(result: Result<Value, JobError>) -> Option<Outcome> {
    match result {
        Ok(output_data) => Some(Outcome::Completed { output_data }),
        Err(JobError::Retryable {
            message,
            retry_after_seconds,
        }) => Some(Outcome::Failed {
            error_message: message,
            retryable: true,
            retry_after_seconds,
        }),
        Err(JobError::Permanent { message }) => Some(Outcome::Failed {
            error_message: message,
            retryable: false,
            retry_after_seconds: None,
        }),
        Err(JobError::Cancelled) => Some(Outcome::Cancelled),
        Err(JobError::LeaseLost) => None,
    }
}
