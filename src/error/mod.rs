//! What a handler can answer instead of a result: an instruction to the queue.

mod message;
mod scrub;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::message::ErrorMessage;

/// Why an attempt ended without a result, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobError {
    /// Try again, after `retry_after_seconds` if given, else after the queue's own backoff.
    #[error("{message}")]
    Retryable {
        /// What went wrong, for people.
        message: String,
        /// How long to wait, when the handler knows better than the queue's backoff.
        retry_after_seconds: Option<u32>,
        /// Where it was thrown, for operators only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stack: Option<String>,
    },
    /// Trying again cannot help: the job fails now, whatever retries are left.
    #[error("{message}")]
    Permanent {
        /// What went wrong and what to change, for people.
        message: String,
    },
    /// The job waits for something else: run it again after `seconds`, at least 1. No attempt is used.
    #[error("snoozed for {seconds} seconds")]
    Snoozed {
        /// How long to wait.
        seconds: u32,
    },
    /// What all jobs of the type need is not to be had until somebody sees to it, as a service whose key has expired.
    /// The job goes back unharmed, and the type rests in this isolate: it is not claimed, but now and then one job is
    /// tried. Whoever waits for the job is told only that it waits.
    #[error("not available: {reason}")]
    Unavailable {
        /// What is missing and what to do about it, for operators.
        reason: String,
    },
    /// Too little time is left here: the job goes on in another isolate, with its finished steps. A run without a
    /// finished step counts as a failure.
    #[error("handed over")]
    HandOver,
    /// Someone cancelled the job: the handler stops without a result.
    #[error("the job was cancelled")]
    Cancelled,
    /// The job is no longer this worker's: whatever it still writes changes nothing.
    #[error("the lease on the job was lost")]
    LeaseLost,
}

impl JobError {
    /// Try again after the queue's own backoff.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::Retryable {
            message: message.into(),
            retry_after_seconds: None,
            stack: None,
        }
    }

    /// Let the type rest until what its jobs need is there again.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
        }
    }

    /// Never try again.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent {
            message: message.into(),
        }
    }
}
