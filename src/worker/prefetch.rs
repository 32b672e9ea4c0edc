//! How many jobs to claim beyond the free slots.
//!
//! A trip to the database costs the same for one job as for two hundred. Jobs that are done within
//! milliseconds are therefore claimed ahead, the more the quicker they go; jobs that take their time never
//! are, because another worker could have started them.

use uuid::Uuid;

/// A claim worked off in this time was small enough to ask for more the next time.
const QUICK_MS: u64 = 250;
/// Beyond this size of a claim the trip no longer counts, and its answer takes memory.
pub(crate) const LARGEST_CLAIM: usize = 200;
/// Enough for two full claims: while this worker runs the jobs of one, the database prepares the other.
const MOST_HELD: usize = 2 * LARGEST_CLAIM;

/// Grows while whole claims are worked off quickly, and starts again from nothing when one is not.
#[derive(Debug)]
pub struct Prefetch {
    ahead: usize,
    concurrency: usize,
    claims: Vec<OpenClaim>,
}

#[derive(Debug)]
struct OpenClaim {
    lease_token: Uuid,
    claimed_at_ms: u64,
    left: usize,
}

impl Prefetch {
    /// Nothing ahead yet, for a worker with `concurrency` slots.
    pub fn new(concurrency: usize) -> Self {
        Self {
            ahead: 0,
            concurrency,
            claims: Vec::new(),
        }
    }

    /// How many jobs to hold beyond those that run.
    pub fn ahead(&mut self, now_ms: u64) -> usize {
        let before = self.claims.len();
        self.claims
            .retain(|claim| now_ms - claim.claimed_at_ms <= QUICK_MS);
        if self.claims.len() < before {
            self.ahead = 0;
        }
        self.ahead
    }

    /// A claim came in.
    pub fn claimed(&mut self, lease_token: Uuid, jobs: usize, now_ms: u64) {
        self.claims.push(OpenClaim {
            lease_token,
            claimed_at_ms: now_ms,
            left: jobs,
        });
    }

    /// A job of that claim came to its end.
    pub fn ended(&mut self, lease_token: Uuid, now_ms: u64) {
        let position = self
            .claims
            .iter()
            .position(|claim| claim.lease_token == lease_token);
        let Some(position) = position else {
            return;
        };
        let claim = &mut self.claims[position];
        claim.left = claim.left.saturating_sub(1);
        if claim.left == 0 && now_ms - claim.claimed_at_ms <= QUICK_MS {
            self.claims.swap_remove(position);
            self.grow();
        }
    }

    fn grow(&mut self) {
        let most = MOST_HELD.saturating_sub(self.concurrency);
        self.ahead = (self.ahead * 2).max(self.concurrency).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work_off(prefetch: &mut Prefetch, jobs: usize, from_ms: u64, ms: u64) -> usize {
        let claim = Uuid::new_v4();
        prefetch.claimed(claim, jobs, from_ms);
        for _ in 0..jobs {
            prefetch.ended(claim, from_ms + ms);
        }
        prefetch.ahead(from_ms + ms)
    }

    #[test]
    fn quick_claims_double_it_up_to_two_claims_of_two_hundred() {
        let mut prefetch = Prefetch::new(10);
        let ahead: Vec<usize> = (0..8)
            .map(|_| work_off(&mut prefetch, 10, 0, 250))
            .collect();
        assert_eq!(ahead, [10, 20, 40, 80, 160, 320, 390, 390]);
    }

    #[test]
    fn a_slow_claim_resets_it() {
        let mut prefetch = Prefetch::new(10);
        work_off(&mut prefetch, 10, 0, 5);
        work_off(&mut prefetch, 20, 5, 5);
        assert_eq!(work_off(&mut prefetch, 30, 10, 251), 0);
    }

    #[test]
    fn one_slow_job_resets_it_once_and_not_for_as_long_as_it_runs() {
        let mut prefetch = Prefetch::new(10);
        prefetch.claimed(Uuid::new_v4(), 1, 0);
        assert_eq!(work_off(&mut prefetch, 9, 0, 300), 0);
        assert_eq!(work_off(&mut prefetch, 9, 300, 5), 10);
    }

    #[test]
    fn a_worker_with_many_slots_claims_nothing_ahead() {
        let mut prefetch = Prefetch::new(400);
        assert_eq!(work_off(&mut prefetch, 400, 0, 5), 0);
    }
}
