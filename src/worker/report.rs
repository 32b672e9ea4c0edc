//! What a run did, for the caller that waits and for the log.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::ErrorMessage;
use crate::isolate::StopReason;

/// Counts are jobs, times are milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// Jobs this run claimed.
    pub claimed: u32,
    /// Jobs whose result is stored.
    pub completed: u32,
    /// Jobs that failed and wait for another attempt.
    pub retried: u32,
    /// Jobs that failed for good.
    pub failed: u32,
    /// Jobs that stopped because someone cancelled them.
    pub cancelled: u32,
    /// Jobs given back without using an attempt: not started, or snoozed.
    pub released: u32,
    /// Jobs that go on in another isolate.
    pub handed_over: u32,
    /// Jobs whose lease was lost, or whose result could not be delivered.
    pub lost: u32,
    /// Why the run ended.
    pub stopped: StopReason,
    /// How long it took.
    pub duration_ms: u64,
    /// Job types this worker knows but does not run now, and why.
    pub unavailable: BTreeMap<String, ErrorMessage>,
    /// The database's error, when that ended the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorMessage>,
}
