//! Turns a handler's result into what the database does with the job. Nothing else decides that.

use std::fmt;
use std::ops::Not;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{ErrorMessage, JobError};

/// What a job shows while something it needs is not available. The reason is for operators.
const WAITING: &str = "waiting: a service that this job needs is not available at the moment";
/// Three hundred such rests use an attempt, so a database that is slow for twenty minutes uses none.
const LATE_REST_SECONDS: u32 = 5;
/// A year. The database has no more seconds than fit into 31 bits, and what waits longer is forgotten.
const MOST_SECONDS: u32 = 31_622_400;

/// What the database does with a job after this worker's attempt.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Store the result.
    Completed {
        /// The handler's result as JSON text.
        output_data: Box<RawValue>,
    },
    /// Record the error; the database decides whether and when to try again.
    Failed {
        /// For people.
        error_message: ErrorMessage,
        /// `false`: no further attempt can help.
        retryable: bool,
        /// Instead of the queue's own backoff.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
        /// For operators: where it was thrown.
        #[serde(skip_serializing_if = "Option::is_none")]
        error_stack: Option<ErrorMessage>,
    },
    /// The run was stopped at its deadline.
    TimedOut,
    /// The handler stopped because someone cancelled the job.
    Cancelled,
    /// Give the job back without using an attempt.
    Released {
        /// It is not claimed sooner.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
        /// What the job waits for, for people; the job keeps what it showed before when there is nothing to say.
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<ErrorMessage>,
        /// `false`: it may happen without end. Otherwise the database allows it only so often without a new step.
        #[serde(skip_serializing_if = "is_true")]
        is_counted: bool,
        /// Its claim took as long as it may run. Operators are told.
        #[serde(skip_serializing_if = "Not::not")]
        is_late: bool,
    },
    /// The job goes on in another isolate. The database decides by its steps whether this was progress or a failure.
    HandedOver {
        /// Whether the run had as much time as another isolate can give it.
        was_given_time: bool,
    },
}

impl Outcome {
    /// The job can be claimed again at once. Nothing is counted when its run had not begun.
    pub fn released(was_begun: bool) -> Self {
        Self::Released {
            retry_after_seconds: None,
            error_message: None,
            is_counted: was_begun,
            is_late: false,
        }
    }

    /// The job stays ready, and people are told that it waits for something that is not there.
    pub fn waiting() -> Self {
        Self::Released {
            retry_after_seconds: None,
            error_message: Some(ErrorMessage::of(&WAITING)),
            is_counted: false,
            is_late: false,
        }
    }

    /// The job's time was up when the answer to its claim came. It rests, so that others come first, and it is counted:
    /// where every claim takes that long, it would be claimed and released for ever.
    pub fn late(claim_ms: u64, timeout_seconds: u32) -> Self {
        let message = format!(
            "the time allowed is shorter than a claim takes: {timeout_seconds} s, and the last took {claim_ms} ms"
        );
        Self::Released {
            retry_after_seconds: Some(LATE_REST_SECONDS),
            error_message: Some(ErrorMessage::of(&message)),
            is_counted: true,
            is_late: true,
        }
    }

    /// How many bytes of text it carries.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Completed { output_data } => output_data.get().len(),
            Self::Failed {
                error_message,
                error_stack,
                ..
            } => {
                let stack = error_stack.as_ref();
                error_message.as_str().len() + stack.map_or(0, |stack| stack.as_str().len())
            }
            Self::TimedOut | Self::Cancelled | Self::Released { .. } | Self::HandedOver { .. } => 0,
        }
    }

    /// No further attempt can help.
    pub fn permanent(error: &impl fmt::Display) -> Self {
        Self::Failed {
            error_message: ErrorMessage::of(error),
            retryable: false,
            retry_after_seconds: None,
            error_stack: None,
        }
    }
}

fn is_true(value: &bool) -> bool {
    *value
}

/// What the database does after an attempt; `None` when the lease is lost and the job no longer this worker's.
/// `was_given_time` is for a job that is handed over: see [`Outcome::HandedOver`].
pub fn outcome(result: Result<Box<RawValue>, JobError>, was_given_time: bool) -> Option<Outcome> {
    match result {
        Ok(output_data) => Some(Outcome::Completed { output_data }),
        Err(JobError::Retryable {
            message,
            retry_after_seconds,
            stack,
        }) => Some(Outcome::Failed {
            error_message: ErrorMessage::of(&message),
            retryable: true,
            retry_after_seconds: retry_after_seconds.map(|seconds| seconds.min(MOST_SECONDS)),
            error_stack: stack.map(|stack| ErrorMessage::of(&stack)),
        }),
        Err(JobError::Permanent { message }) => Some(Outcome::permanent(&message)),
        Err(JobError::Snoozed { seconds }) => Some(Outcome::Released {
            // At once would be for ever: no attempt is used.
            retry_after_seconds: Some(seconds.clamp(1, MOST_SECONDS)),
            error_message: None,
            is_counted: true,
            is_late: false,
        }),
        Err(JobError::Unavailable { .. }) => Some(Outcome::waiting()),
        Err(JobError::HandOver) => Some(Outcome::HandedOver { was_given_time }),
        Err(JobError::Cancelled) => Some(Outcome::Cancelled),
        Err(JobError::LeaseLost) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::*;

    #[test]
    fn every_result_has_its_outcome() {
        let later = JobError::Retryable {
            message: "not now".into(),
            retry_after_seconds: Some(7),
            stack: Some("at https://x.test/a.ts:1:2".into()),
        };
        let next_century = JobError::Retryable {
            message: "much later".into(),
            retry_after_seconds: Some(u32::MAX),
            stack: None,
        };
        let year = 31_622_400;
        let cases = [
            (
                Err(next_century),
                json!({
                    "outcome": "failed", "error_message": "much later",
                    "retryable": true, "retry_after_seconds": year,
                }),
            ),
            (
                Err(JobError::Snoozed { seconds: u32::MAX }),
                json!({ "outcome": "released", "retry_after_seconds": year }),
            ),
            (
                Err(JobError::unavailable("the key sk-123456789 has expired")),
                json!({ "outcome": "released", "error_message": WAITING, "is_counted": false }),
            ),
            (
                Ok(to_raw_value(&json!({ "n": 1 })).expect("JSON")),
                json!({ "outcome": "completed", "output_data": { "n": 1 } }),
            ),
            (
                Err(later),
                json!({
                    "outcome": "failed", "error_message": "not now",
                    "retryable": true, "retry_after_seconds": 7, "error_stack": "at a.ts:1:2",
                }),
            ),
            (
                Err(JobError::permanent("never")),
                json!({ "outcome": "failed", "error_message": "never", "retryable": false }),
            ),
            (
                Err(JobError::Snoozed { seconds: 60 }),
                json!({ "outcome": "released", "retry_after_seconds": 60 }),
            ),
            (
                Err(JobError::Snoozed { seconds: 0 }),
                json!({ "outcome": "released", "retry_after_seconds": 1 }),
            ),
            (
                Err(JobError::permanent("no https://x.test/?token=1")),
                json!({ "outcome": "failed", "error_message": "no <address>", "retryable": false }),
            ),
            (
                Err(JobError::HandOver),
                json!({ "outcome": "handed_over", "was_given_time": true }),
            ),
            (Err(JobError::Cancelled), json!({ "outcome": "cancelled" })),
        ];
        for (result, expected) in cases {
            let outcome = outcome(result, true).expect("something to say");
            assert_eq!(serde_json::to_value(outcome).expect("JSON"), expected);
        }
    }

    #[test]
    fn a_lost_job_has_no_outcome() {
        assert!(outcome(Err(JobError::LeaseLost), true).is_none());
    }
}
