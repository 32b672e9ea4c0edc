//! Claims: how many jobs to ask for, under which lease token.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::job::Job;

/// How much one claim may bring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaimSize {
    /// 0 claims nothing.
    pub jobs: usize,
    /// Slots that the jobs may take together.
    pub slots: usize,
    /// The worker holds no other job and expects none.
    pub is_idle: bool,
}

/// A claim, the same however often it is sent.
pub(super) struct Claim {
    /// Chosen here and shared by all its jobs.
    pub(super) lease_token: Uuid,
    pub(super) size: ClaimSize,
    /// How often it was sent without an answer.
    pub(super) failures: u32,
}

impl Claim {
    /// Whether an answer with so many jobs means that there are no more. The first repetition of a claim that brought
    /// nothing claims itself; later ones only bring what was claimed.
    pub(super) fn drains_queue(&self, jobs: usize) -> bool {
        match self.failures {
            0 => jobs < self.size.jobs,
            failures => jobs == 0 && failures == 1,
        }
    }
}

/// What a claim brought.
pub struct ClaimedJobs {
    pub lease_token: Uuid,
    pub jobs: Vec<Job>,
    /// What they weigh as text, together.
    pub bytes: usize,
    /// The weights of job types that do not weigh 1.
    pub weights: BTreeMap<String, u64>,
    /// Their leases are at most as old as this.
    pub leased_at_ms: u64,
    /// The queue has no more of them.
    pub is_last: bool,
    /// More are ready, but did not fit.
    pub is_cut: bool,
    /// The worker held nothing else when it claimed.
    pub is_idle: bool,
    /// Their workers died: nothing is claimed beside them.
    pub are_suspects: bool,
    /// Such jobs wait for a worker that holds nothing else.
    pub suspects_wait: bool,
    /// How long to wait before one more claim all the same.
    pub claim_again_ms: Option<u32>,
}
