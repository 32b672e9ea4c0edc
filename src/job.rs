//! A claimed job as the database hands it to a worker, and how far it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// One job this worker holds a lease on: an element of `jobs` in the answer of `finish_and_claim_jobs`.
///
/// What is the handler's stays JSON text: numbers keep every digit, and a job that cannot be read fails alone.
#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    /// Which job.
    pub id: Uuid,
    /// Which handler runs it.
    pub job_type: String,
    /// Always a JSON object: the database refuses anything else.
    pub input_data: Box<RawValue>,
    /// Failed attempts so far: 0 the first time the job runs.
    pub retry_count: u32,
    /// Attempts after the first before the job fails for good.
    pub max_retries: u32,
    /// How long this run may take; `None`: no limit.
    #[serde(default)]
    pub timeout_seconds: Option<u32>,
    /// Proof of this claim; every write about the job carries it.
    pub lease_token: Uuid,
    /// Results of the steps that earlier claims finished, by step name.
    #[serde(default)]
    pub steps: BTreeMap<String, Box<RawValue>>,
}

impl Job {
    /// 1 the first time the job runs.
    pub fn attempt(&self) -> u32 {
        self.retry_count.saturating_add(1)
    }
}

/// How far a job is, for people who wait for it.
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The part of the work, a short word.
    pub phase: String,
    /// Units of this phase that are done.
    pub done: u32,
    /// Units of this phase.
    pub total: u32,
    /// A sentence for people.
    pub message: String,
}
