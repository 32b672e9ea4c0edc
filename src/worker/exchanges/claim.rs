//! Claims: how many jobs to ask for, under which lease token.

use uuid::Uuid;

use crate::job::Job;

/// A claim, the same however often it is sent.
pub(super) struct Claim {
    /// Chosen here and shared by all its jobs.
    pub(super) lease_token: Uuid,
    pub(super) max_jobs: usize,
    /// How often it was sent without an answer.
    pub(super) failures: u32,
}

impl Claim {
    /// Whether an answer with so many jobs means that there are no more. The first repetition of a claim that brought
    /// nothing claims itself; later ones only bring what was claimed.
    pub(super) fn drains_queue(&self, jobs: usize) -> bool {
        match self.failures {
            0 => jobs < self.max_jobs,
            failures => jobs == 0 && failures == 1,
        }
    }
}

/// What a claim brought.
pub struct ClaimedJobs {
    pub lease_token: Uuid,
    pub jobs: Vec<Job>,
    /// Their leases are at most as old as this.
    pub leased_at_ms: u64,
    /// The queue has no more of them.
    pub is_last: bool,
    /// How long to wait before one more claim all the same.
    pub claim_again_ms: Option<u32>,
}
