//! When to claim, how many jobs, and what becomes of them.

use std::rc::Rc;

use super::RunLoop;
use crate::handler::JobContext;
use crate::host::Host;
use crate::queue::Outcome;
use crate::worker::exchanges::ClaimedJobs;
use crate::worker::pending_result::PendingResult;
use crate::worker::prefetch::LARGEST_CLAIM;

impl<H: Host> RunLoop<'_, H> {
    pub(super) fn begin_exchanges(&mut self) {
        self.prefetch.forget_slow_claims(self.now_ms());
        if self.context.signals.is_claim_requested() {
            self.exchanges.clear_refusal();
        }
        while !self.is_hopeless() {
            let is_ending = self.stop_reason().is_some();
            if !self.exchanges.begin(self.claim_size(), is_ending) {
                return;
            }
        }
    }

    /// How many jobs to claim now.
    pub(super) fn claim_size(&self) -> usize {
        if self.stop_reason().is_some() || !self.is_worth_claiming() {
            return 0;
        }
        let wanted = self.context.config.concurrency + self.prefetch.ahead();
        let coming = self.in_flight.len() + self.exchanges.requested_jobs();
        wanted.saturating_sub(coming).min(LARGEST_CLAIM)
    }

    /// A queue that was found drained is asked again only when results travel anyway, or on request.
    fn is_worth_claiming(&self) -> bool {
        let now_ms = self.now_ms();
        !self.is_queue_drained
            || self.exchanges.has_results()
            || self.context.signals.is_claim_requested()
            || self.claim_again_at_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }

    pub(super) fn take_claimed(&mut self, claimed: ClaimedJobs) {
        let now_ms = self.now_ms();
        self.is_queue_drained = claimed.is_last;
        let pause_ms = claimed.claim_again_ms.map(u64::from);
        self.claim_again_at_ms = pause_ms.map(|pause_ms| now_ms + pause_ms);
        if claimed.jobs.is_empty() {
            return;
        }
        let is_first = self.context.crash_record.is_empty();
        self.heartbeats.begin_leases(claimed.leased_at_ms, is_first);
        self.prefetch
            .begin_claim(claimed.lease_token, claimed.jobs.len(), now_ms);
        for mut job in claimed.jobs {
            self.run_log.claimed(&job, now_ms - claimed.leased_at_ms);
            let unreadable = job.unreadable.take();
            let context = JobContext::new(self.context, job);
            match unreadable {
                None => self.in_flight.push(context, now_ms),
                Some(reason) => {
                    let outcome = Outcome::permanent(&reason);
                    self.prefetch.end_job(claimed.lease_token, now_ms);
                    let result = PendingResult::new(Rc::new(context), 0, outcome);
                    self.exchanges.deliver(result);
                }
            }
        }
    }
}
