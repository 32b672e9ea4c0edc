//! How many jobs to claim beyond the free slots.
//!
//! An exchange costs the same for one job as for two hundred. Jobs that end within milliseconds are therefore claimed
//! ahead, more of them with every quick claim. Slow jobs never are: another worker could have started them.

use uuid::Uuid;

/// A claim whose jobs all end within this time was small enough to ask for more the next time.
const QUICK_MS: u64 = 250;
/// A larger claim saves hardly any time, and its answer takes memory.
pub(crate) const LARGEST_CLAIM: usize = 200;
/// Enough for two full claims: while this worker runs the jobs of one, the database prepares the other.
const MOST_HELD: usize = 2 * LARGEST_CLAIM;

/// Grows with every claim whose jobs all end quickly; a slow one resets it.
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
    jobs_left: usize,
}

impl Prefetch {
    /// For a worker with `concurrency` slots.
    pub fn new(concurrency: usize) -> Self {
        Self {
            ahead: 0,
            concurrency,
            claims: Vec::new(),
        }
    }

    /// How many jobs to hold beyond those that run.
    pub fn ahead(&self) -> usize {
        self.ahead
    }

    /// Resets the prefetch if a claim has not ended in time. Each claim does so once.
    pub fn forget_slow_claims(&mut self, now_ms: u64) {
        let before = self.claims.len();
        self.claims
            .retain(|claim| now_ms - claim.claimed_at_ms <= QUICK_MS);
        if self.claims.len() < before {
            self.ahead = 0;
        }
    }

    /// A claim was answered with so many jobs.
    pub fn begin_claim(&mut self, lease_token: Uuid, jobs: usize, now_ms: u64) {
        self.claims.push(OpenClaim {
            lease_token,
            claimed_at_ms: now_ms,
            jobs_left: jobs,
        });
    }

    /// A job of that claim has ended.
    pub fn end_job(&mut self, lease_token: Uuid, now_ms: u64) {
        let position = self
            .claims
            .iter()
            .position(|claim| claim.lease_token == lease_token);
        let Some(position) = position else {
            return;
        };
        let claim = &mut self.claims[position];
        claim.jobs_left = claim.jobs_left.saturating_sub(1);
        if claim.jobs_left == 0 && now_ms - claim.claimed_at_ms <= QUICK_MS {
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
        prefetch.begin_claim(claim, jobs, from_ms);
        for _ in 0..jobs {
            prefetch.end_job(claim, from_ms + ms);
        }
        prefetch.forget_slow_claims(from_ms + ms);
        prefetch.ahead()
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
        prefetch.begin_claim(Uuid::new_v4(), 1, 0);
        assert_eq!(work_off(&mut prefetch, 9, 0, 300), 0);
        assert_eq!(work_off(&mut prefetch, 9, 300, 5), 10);
    }

    #[test]
    fn a_worker_with_many_slots_claims_nothing_ahead() {
        let mut prefetch = Prefetch::new(400);
        assert_eq!(work_off(&mut prefetch, 400, 0, 5), 0);
    }
}
