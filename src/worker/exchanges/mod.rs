//! Exchanges with the database: results out, jobs in. What is sent is kept until it is answered, so that an outage
//! costs time and nothing else.

mod claim;
mod outage;

use std::mem;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

use self::claim::Claim;
pub(super) use self::claim::{ClaimSize, ClaimedJobs};
use self::outage::Outage;
use super::availability::{Availability, Reasons};
use super::pending_result::PendingResult;
use super::prefetch::LARGEST_CLAIM;
use super::run_log::RunLog;
use crate::error::ErrorMessage;
use crate::handler::JobContext;
use crate::host::Host;
use crate::isolate::RunContext;
use crate::queue::retry::Retryability;
use crate::queue::{ExchangeAnswer, ExchangeRequest, Outcome, QueueError};

/// A second exchange begins only with a full claim, which keeps the database busy while this worker is, or with results
/// that an isolate about to end cannot keep any longer.
const MOST_EXCHANGES: usize = 2;

pub(super) struct Exchanges<'a, H: Host> {
    context: &'a RunContext<'a, H>,
    availability: &'a Availability<'a>,
    /// Results that travel with the next exchange.
    results: Vec<PendingResult<'a, H>>,
    /// Parts of batches that the database could not take whole, each to be sent by itself.
    parts: Vec<Vec<PendingResult<'a, H>>>,
    /// Claims without an answer: the database may hold jobs under their tokens.
    unanswered_claims: Vec<Claim>,
    under_way: FuturesUnordered<LocalBoxFuture<'a, Exchange<'a, H>>>,
    requested_jobs: usize,
    /// A claim under way asks for jobs that run alone as well.
    may_bring_suspects: bool,
    outage: Option<Outage>,
}

/// One exchange and its answer.
pub(super) struct Exchange<'a, H> {
    results: Vec<PendingResult<'a, H>>,
    claim: Option<Claim>,
    began_at_ms: u64,
    answer: Result<ExchangeAnswer, QueueError>,
}

impl<'a, H: Host> Exchanges<'a, H> {
    pub(super) fn new(context: &'a RunContext<'a, H>, availability: &'a Availability<'a>) -> Self {
        Self {
            context,
            availability,
            results: Vec::new(),
            parts: Vec::new(),
            unanswered_claims: Vec::new(),
            under_way: FuturesUnordered::new(),
            requested_jobs: 0,
            may_bring_suspects: false,
            outage: None,
        }
    }

    /// Sends what became of a job, which ran `ms` milliseconds, with the next exchange.
    pub(super) fn deliver(&mut self, context: Rc<JobContext<'a, H>>, ms: u64, outcome: Outcome) {
        self.results.push(PendingResult::new(context, ms, outcome));
    }

    /// How many jobs the exchanges under way ask for.
    pub(super) fn requested_jobs(&self) -> usize {
        self.requested_jobs
    }

    /// Whether a claim under way may bring jobs beside which nothing is claimed.
    pub(super) fn may_bring_suspects(&self) -> bool {
        self.may_bring_suspects
    }

    pub(super) fn has_results(&self) -> bool {
        !self.results.is_empty() || !self.parts.is_empty()
    }

    /// No exchange is under way, and none is needed.
    pub(super) fn is_done(&self) -> bool {
        self.is_idle() && !self.has_results() && self.unanswered_claims.is_empty()
    }

    /// No exchange is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Whether the database refuses claims for good.
    pub(super) fn is_refused(&self) -> bool {
        self.outage.as_ref().is_some_and(|outage| outage.is_refusal)
    }

    /// When to try again after a failure.
    pub(super) fn retry_at_ms(&self) -> Option<u64> {
        self.outage.as_ref().map(|outage| outage.retry_at_ms)
    }

    /// Clears a final refusal so that one more claim is tried.
    pub(super) fn clear_refusal(&mut self) {
        if self.is_refused() {
            self.outage = None;
        }
    }

    /// The database is reachable again: retry now.
    pub(super) fn retry_now(&mut self) {
        if let Some(outage) = &mut self.outage {
            outage.retry_at_ms = self.context.host.now_ms();
        }
    }

    /// Begins an exchange if there is a reason to, and says whether it did. It repeats an unanswered claim or claims
    /// `claim_size`. When `is_ending`, nothing new is claimed.
    pub(super) fn begin(&mut self, claim_size: ClaimSize, is_ending: bool) -> bool {
        if !self.is_due(claim_size, is_ending) {
            return false;
        }
        let (results, claim) = match self.parts.pop() {
            Some(part) => (part, None),
            None => (self.next_batch(), self.next_claim(claim_size)),
        };
        if let Some(claim) = &claim {
            self.requested_jobs += claim.size.jobs;
            self.may_bring_suspects = claim.size.is_idle;
        }
        // Without job types a repeated claim only brings what it claimed before.
        let job_types = match is_ending {
            true => Vec::new(),
            false => self.availability.job_types(self.context.host.now_ms()),
        };
        let unavailable = self.availability.reasons();
        let exchange = exchange(self.context, job_types, unavailable, results, claim);
        self.under_way.push(Box::pin(exchange));
        true
    }

    /// As many results as an exchange may carry, at least one.
    fn next_batch(&mut self) -> Vec<PendingResult<'a, H>> {
        let most_bytes = self.context.config.exchange_bytes();
        let mut bytes = 0;
        let fits = |result: &&PendingResult<'a, H>| {
            bytes += result.bytes();
            bytes <= most_bytes
        };
        let count = self.results.iter().take_while(fits).count().max(1);
        let later = self.results.split_off(count.min(self.results.len()));
        mem::replace(&mut self.results, later)
    }

    fn is_due(&self, claim_size: ClaimSize, is_ending: bool) -> bool {
        let now_ms = self.context.host.now_ms();
        if self.retry_at_ms().is_some_and(|at_ms| at_ms > now_ms) {
            return false;
        }
        match self.under_way.len() {
            0 => claim_size.jobs > 0 || self.has_results() || !self.unanswered_claims.is_empty(),
            MOST_EXCHANGES.. => false,
            _ if is_ending => !self.results.is_empty(),
            _ => claim_size.jobs == LARGEST_CLAIM && self.parts.is_empty() && self.outage.is_none(),
        }
    }

    fn next_claim(&mut self, claim_size: ClaimSize) -> Option<Claim> {
        let repeated = self.unanswered_claims.pop();
        repeated.or_else(|| {
            (claim_size.jobs > 0).then(|| {
                self.context.signals.begin_claim();
                Claim {
                    lease_token: self.context.crash_record.begin_claim(),
                    size: claim_size,
                    failures: 0,
                }
            })
        })
    }

    pub(super) fn poll(&mut self, task: &mut Context<'_>) -> Poll<Exchange<'a, H>> {
        match self.under_way.poll_next_unpin(task) {
            Poll::Ready(Some(exchange)) => Poll::Ready(exchange),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Takes in an answer; returns what a claim brought.
    pub(super) fn finish(
        &mut self,
        exchange: Exchange<'a, H>,
        run_log: &mut RunLog<'a, H>,
    ) -> Option<ClaimedJobs> {
        let Exchange {
            results,
            claim,
            began_at_ms,
            answer,
        } = exchange;
        if let Some(claim) = &claim {
            self.requested_jobs -= claim.size.jobs;
            self.may_bring_suspects = false;
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.fail(results, claim, error, run_log);
                return None;
            }
        };
        self.outage = None;
        for (result, status) in results.iter().zip(&answer.finished) {
            run_log.finished(result, *status);
        }
        let claim = claim?;
        self.context.crash_record.end_claim(claim.lease_token);
        Some(ClaimedJobs {
            lease_token: claim.lease_token,
            is_last: !answer.is_cut && claim.drains_queue(answer.jobs.len()),
            jobs: answer.jobs,
            bytes: answer.bytes,
            weights: answer.weights.unwrap_or_default(),
            is_cut: answer.is_cut,
            is_idle: claim.size.is_idle,
            are_suspects: answer.are_suspects,
            suspects_wait: answer.suspects_wait,
            claim_again_ms: answer.claim_again_ms,
            leased_at_ms: began_at_ms,
        })
    }

    fn fail(
        &mut self,
        results: Vec<PendingResult<'a, H>>,
        claim: Option<Claim>,
        error: QueueError,
        run_log: &mut RunLog<'a, H>,
    ) {
        let retryability = error.retryability();
        let has_claim = claim.is_some();
        if let Some(mut claim) = claim {
            claim.failures += 1;
            if error.is_statement_timeout() {
                claim.size.jobs = claim.size.jobs.div_ceil(2);
            }
            self.unanswered_claims.push(claim);
        }
        let is_too_much = retryability == Retryability::Content || error.is_statement_timeout();
        if is_too_much && !results.is_empty() {
            self.split(results, has_claim, &error, run_log);
            return;
        }
        self.results.splice(..0, results);
        self.back_off(error, retryability);
        if self.is_refused() {
            self.forget_claims();
        }
    }

    /// The database cannot take these results together, or one of them not at all. Halves show which.
    fn split(
        &mut self,
        mut results: Vec<PendingResult<'a, H>>,
        has_claim: bool,
        error: &QueueError,
        run_log: &mut RunLog<'a, H>,
    ) {
        let half = results.split_off(results.len() / 2);
        if !results.is_empty() {
            self.parts.extend([half, results]);
        } else if has_claim {
            self.parts.push(half);
        } else {
            for result in half {
                self.refuse(result, error, run_log);
            }
        }
    }

    /// This result alone is too much for the database: its job has failed.
    fn refuse(
        &mut self,
        mut result: PendingResult<'a, H>,
        error: &QueueError,
        run_log: &mut RunLog<'a, H>,
    ) {
        if error.is_statement_timeout() && !result.add_timeout() {
            self.parts.push(vec![result]);
            self.back_off(error.clone(), error.retryability());
            return;
        }
        let (context, ms) = (result.context.clone(), result.ms);
        match result.into_failure(error) {
            Some(failure) => self.parts.push(vec![failure]),
            None => run_log.lost(context.job(), ms),
        }
    }

    fn back_off(&mut self, error: QueueError, retryability: Retryability) {
        let failures = self.outage.as_ref().map_or(0, |outage| outage.failures);
        if failures == 0 {
            self.context.log.failure("exchange_failed", &error);
        }
        let now_ms = self.context.host.now_ms();
        self.outage = Some(Outage::new(error, retryability, failures + 1, now_ms));
    }

    fn forget_claims(&mut self) {
        for claim in self.unanswered_claims.drain(..) {
            self.context.crash_record.end_claim(claim.lease_token);
        }
    }

    /// Leaves undelivered results to their leases; returns the error that kept them from the database.
    pub(super) fn give_up(mut self, run_log: &mut RunLog<'a, H>) -> Option<ErrorMessage> {
        self.forget_claims();
        let outage = self.outage.take()?;
        self.results.extend(self.parts.drain(..).flatten());
        run_log.undelivered(&self.results, &outage.error);
        Some(ErrorMessage::of(&outage.error))
    }
}

async fn exchange<'a, H: Host>(
    context: &'a RunContext<'a, H>,
    job_types: Vec<&'a str>,
    unavailable: Reasons,
    results: Vec<PendingResult<'a, H>>,
    claim: Option<Claim>,
) -> Exchange<'a, H> {
    let began_at_ms = context.host.now_ms();
    let size = claim.as_ref().map(|claim| claim.size).unwrap_or_default();
    let request = ExchangeRequest {
        results: &results,
        max_jobs: size.jobs,
        capacity: size.slots,
        is_idle: size.is_idle,
        max_bytes: context.config.exchange_bytes(),
        job_types: &job_types,
        unavailable: &unavailable,
        worker_id: context.worker_id,
        lease_seconds: context.config.lease_seconds,
        lease_token: claim.as_ref().map(|claim| claim.lease_token),
        repetition: claim.as_ref().map_or(0, |claim| claim.failures),
    };
    let answer = context.queue.exchange(&request).await;
    Exchange {
        results,
        claim,
        began_at_ms,
        answer,
    }
}
