//! What a run did, for the caller that waits and for the log.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::isolate::StopReason;

/// Counts are jobs, times are milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// Jobs this run got leases on.
    pub claimed: u32,
    /// Jobs whose result is stored.
    pub completed: u32,
    /// Jobs that failed and wait for another attempt.
    pub retried: u32,
    /// Jobs that failed for good.
    pub failed: u32,
    /// Jobs that stopped because somebody cancelled them.
    pub cancelled: u32,
    /// Jobs handed back unharmed, unstarted or to rest, no attempt lost.
    pub released: u32,
    /// Jobs that ran and go on elsewhere.
    pub handed_over: u32,
    /// Jobs that were no longer this worker's when it wanted to write, or whose result it could not deliver.
    pub lost: u32,
    /// Why the run ended.
    pub stopped: StopReason,
    /// How long it took.
    pub duration_ms: u64,
    /// Job types this worker knows but does not run, and why.
    pub unavailable: BTreeMap<Cow<'static, str>, &'static str>,
    /// What the database said or did, when that ended the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
