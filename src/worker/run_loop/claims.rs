//! When to claim, how many jobs, and what becomes of them.

use std::rc::Rc;

use super::RunLoop;
use super::claim_state::ClaimState;
use crate::handler::JobContext;
use crate::host::Host;
use crate::queue::Outcome;
use crate::worker::exchanges::{ClaimSize, ClaimedJobs};
use crate::worker::prefetch::LARGEST_CLAIM;

impl<'a, H: Host> RunLoop<'a, H> {
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

    /// How much to claim now.
    pub(super) fn claim_size(&self) -> ClaimSize {
        let is_alone = self.in_flight.is_empty() && self.exchanges.requested_jobs() == 0;
        if self.stop_reason().is_some()
            || !(is_alone || self.may_claim_beside())
            || !self.is_worth_claiming(is_alone)
        {
            return ClaimSize::default();
        }
        let ahead = self.prefetch.ahead();
        let is_idle =
            is_alone && (ahead == 0 || self.claims.suspects_wait || self.claims.is_queue_drained);
        let ahead = if is_idle { 0 } else { ahead };
        let taken = self.in_flight.weight() + self.exchanges.requested_jobs();
        let slots = (self.context.config.concurrency + ahead).saturating_sub(taken);
        ClaimSize {
            jobs: slots.min(LARGEST_CLAIM),
            slots,
            is_idle,
        }
    }

    /// Whether jobs may join those in flight.
    fn may_claim_beside(&self) -> bool {
        let claims = &self.claims;
        let waits = claims.has_suspects || claims.suspects_wait || claims.waits_for_room;
        !waits && !self.exchanges.may_bring_suspects() && !self.context.resources.is_full()
    }

    /// A queue that was found drained is asked again only when results travel anyway, on request, or once for the jobs
    /// that run alone.
    fn is_worth_claiming(&self, is_alone: bool) -> bool {
        let now_ms = self.now_ms();
        let claims = &self.claims;
        !claims.is_queue_drained
            || (is_alone && !claims.was_idle)
            || self.exchanges.has_results()
            || self.context.signals.is_claim_requested()
            || claims.again_at_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }

    pub(super) fn make_room(&mut self) {
        self.claims.waits_for_room = false;
    }

    pub(super) fn take_claimed(&mut self, claimed: ClaimedJobs) {
        let now_ms = self.now_ms();
        let pause_ms = claimed.claim_again_ms.map(u64::from);
        self.claims = ClaimState {
            is_queue_drained: claimed.is_last,
            was_idle: claimed.is_idle,
            has_suspects: claimed.are_suspects,
            suspects_wait: claimed.suspects_wait,
            waits_for_room: claimed.is_cut && claimed.jobs.is_empty(),
            again_at_ms: pause_ms.map(|pause_ms| now_ms + pause_ms),
        };
        if claimed.jobs.is_empty() {
            return;
        }
        let is_first = self.context.crash_record.is_empty();
        self.heartbeats.begin_leases(claimed.leased_at_ms, is_first);
        self.prefetch
            .begin_claim(claimed.lease_token, claimed.jobs.len(), now_ms);
        let bytes = claimed.bytes / claimed.jobs.len();
        for job in claimed.jobs {
            self.run_log.claimed(&job, now_ms - claimed.leased_at_ms);
            let weight = self.weight(claimed.weights.get(&job.job_type));
            let context = JobContext::new(self.context, job).leased_at(claimed.leased_at_ms);
            context.hold_bytes(bytes);
            self.take_job(context, weight, claimed.leased_at_ms, now_ms);
        }
    }

    /// The slots that a job takes: one at least, and no more than there are.
    fn weight(&self, weight: Option<&u64>) -> usize {
        let weight = weight.map_or(1, |weight| usize::try_from(*weight).unwrap_or(usize::MAX));
        weight.clamp(1, self.context.config.concurrency.max(1))
    }

    /// A job whose type rests here goes back as it came, and so does one whose time is up already.
    fn take_job(
        &mut self,
        context: JobContext<'a, H>,
        weight: usize,
        leased_at_ms: u64,
        now_ms: u64,
    ) {
        let job = context.job();
        let refusal = match job.timeout_seconds {
            // Asked first: it is no try of a type that rests.
            Some(timeout_seconds) if context.overdue_ms(now_ms).is_some() => {
                Outcome::late(now_ms - leased_at_ms, timeout_seconds)
            }
            _ if !self.availability.admit(&job.job_type, now_ms) => Outcome::released(false),
            _ => return self.in_flight.push(context, weight, now_ms),
        };
        self.prefetch.end_job(job.lease_token, now_ms);
        self.exchanges.deliver(Rc::new(context), 0, refusal);
    }
}
