//! Exchanges with the database: results out, jobs in. What is sent is kept until it is answered, so that an outage
//! costs time and nothing else.

use std::mem;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use uuid::Uuid;

use super::prefetch::LARGEST_CLAIM;
use super::results::EndedJob;
use super::run_log::RunLog;
use crate::host::Host;
use crate::isolate::RunContext;
use crate::job::Job;
use crate::queue::retry::{self, Retryability};
use crate::queue::{ExchangeAnswer, ExchangeRequest, QueueError};

/// While one trip is under way a second may begin, but only with a full claim, which keeps the database busy while
/// this worker is, or when the isolate's end does not wait for the first.
const MOST_TRIPS: usize = 2;

pub(super) struct Exchanges<'a, H: Host> {
    context: &'a RunContext<'a, H>,
    job_types: &'a [&'a str],
    /// Results that travel with the next trip.
    finished: Vec<EndedJob<'a, H>>,
    /// Results of a batch that was refused for the sake of one of them: they travel one by one.
    suspects: Vec<EndedJob<'a, H>>,
    /// Claims of which nobody knows whether they happened: jobs may be waiting under their tokens.
    unanswered: Vec<Claim>,
    under_way: FuturesUnordered<LocalBoxFuture<'a, EndedExchange<'a, H>>>,
    asked: usize,
    trouble: Option<Trouble>,
}

/// A claim, the same however often it is sent.
struct Claim {
    /// Chosen here and shared by all its jobs.
    lease_token: Uuid,
    max_jobs: usize,
    /// How often it was sent without an answer.
    failures: u32,
}

impl Claim {
    /// Whether an answer with so many jobs means that there are no more. The first repetition of a claim that brought
    /// nothing claims itself; later ones only bring what was claimed.
    fn is_last(&self, jobs: usize) -> bool {
        match self.failures {
            0 => jobs < self.max_jobs,
            failures => jobs == 0 && failures == 1,
        }
    }
}

/// An exchange and its answer.
pub(super) struct EndedExchange<'a, H> {
    batch: Vec<EndedJob<'a, H>>,
    claim: Option<Claim>,
    began_at_ms: u64,
    answer: Result<ExchangeAnswer, QueueError>,
}

/// The last exchanges failed.
struct Trouble {
    error: QueueError,
    failures: u32,
    again_at_ms: u64,
    /// The database will say the same to every further claim.
    is_final: bool,
}

/// What a claim brought.
pub(super) struct ClaimedJobs {
    pub(super) lease_token: Uuid,
    pub(super) jobs: Vec<Job>,
    /// Their leases are at most as old as this.
    pub(super) since_ms: u64,
    /// There are no more where they came from.
    pub(super) is_last: bool,
    /// After how long to ask once more all the same.
    pub(super) look_again_ms: Option<u32>,
}

impl<'a, H: Host> Exchanges<'a, H> {
    pub(super) fn new(context: &'a RunContext<'a, H>, job_types: &'a [&'a str]) -> Self {
        Self {
            context,
            job_types,
            finished: Vec::new(),
            suspects: Vec::new(),
            unanswered: Vec::new(),
            under_way: FuturesUnordered::new(),
            asked: 0,
            trouble: None,
        }
    }

    /// Takes a result along.
    pub(super) fn deliver(&mut self, finished: EndedJob<'a, H>) {
        self.finished.push(finished);
    }

    /// How many jobs the exchanges under way ask for.
    pub(super) fn asked(&self) -> usize {
        self.asked
    }

    pub(super) fn has_results(&self) -> bool {
        !self.finished.is_empty() || !self.suspects.is_empty()
    }

    /// Nothing is under way, and nothing has to be.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty() && !self.has_results() && self.unanswered.is_empty()
    }

    /// Nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The error for which no claim is worth trying.
    pub(super) fn is_refused(&self) -> bool {
        self.trouble
            .as_ref()
            .is_some_and(|trouble| trouble.is_final)
    }

    /// When to try again after a failure.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.trouble.as_ref().map(|trouble| trouble.again_at_ms)
    }

    /// Somebody wants to see whether claims are still refused.
    pub(super) fn clear_refusal(&mut self) {
        if self.is_refused() {
            self.trouble = None;
        }
    }

    /// The database has answered something else.
    pub(super) fn retry_now(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.again_at_ms = self.context.host.now_ms();
        }
    }

    /// Begins a trip if there is reason to; answers whether it did. It asks for `wanted` jobs, or repeats a claim.
    /// When `is_ending`, nothing new is claimed, and results wait for no other trip.
    pub(super) fn begin(&mut self, wanted: usize, is_ending: bool) -> bool {
        if !self.is_worth_it(wanted, is_ending) {
            return false;
        }
        let (batch, claim) = match self.suspects.pop() {
            Some(suspect) => (vec![suspect], None),
            None => (mem::take(&mut self.finished), self.next_claim(wanted)),
        };
        self.asked += claim.as_ref().map_or(0, |claim| claim.max_jobs);
        // A repeated claim then brings what it claimed before, and nothing else.
        let job_types = if is_ending { &[] } else { self.job_types };
        self.under_way
            .push(Box::pin(trip(self.context, job_types, batch, claim)));
        true
    }

    fn is_worth_it(&self, wanted: usize, is_ending: bool) -> bool {
        if self
            .due_ms()
            .is_some_and(|at_ms| at_ms > self.context.host.now_ms())
        {
            return false;
        }
        match self.under_way.len() {
            0 => wanted > 0 || self.has_results() || !self.unanswered.is_empty(),
            MOST_TRIPS.. => false,
            _ if is_ending => !self.finished.is_empty(),
            _ => wanted == LARGEST_CLAIM && self.suspects.is_empty() && self.trouble.is_none(),
        }
    }

    fn next_claim(&mut self, wanted: usize) -> Option<Claim> {
        let repeated = self.unanswered.pop();
        repeated.or_else(|| {
            (wanted > 0).then(|| {
                self.context.signals.looking();
                Claim {
                    lease_token: self.context.crash_record.begin_claim(),
                    max_jobs: wanted,
                    failures: 0,
                }
            })
        })
    }

    pub(super) fn poll(&mut self, task: &mut Context<'_>) -> Poll<EndedExchange<'a, H>> {
        match self.under_way.poll_next_unpin(task) {
            Poll::Ready(Some(trip)) => Poll::Ready(trip),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Takes in a trip's answer.
    pub(super) fn returned(
        &mut self,
        trip: EndedExchange<'a, H>,
        run_log: &mut RunLog<'a, H>,
    ) -> Option<ClaimedJobs> {
        let EndedExchange {
            batch,
            claim,
            began_at_ms,
            answer,
        } = trip;
        self.asked -= claim.as_ref().map_or(0, |claim| claim.max_jobs);
        let exchanged = match answer {
            Ok(exchanged) => exchanged,
            Err(error) => {
                self.failed(batch, claim, error, run_log);
                return None;
            }
        };
        self.trouble = None;
        for (finished, settled) in batch.iter().zip(&exchanged.finished) {
            run_log.settled(finished, *settled);
        }
        let claim = claim?;
        self.context.crash_record.end_claim(claim.lease_token);
        Some(ClaimedJobs {
            lease_token: claim.lease_token,
            is_last: claim.is_last(exchanged.jobs.len()),
            jobs: exchanged.jobs,
            look_again_ms: exchanged.look_again_ms,
            since_ms: began_at_ms,
        })
    }

    fn failed(
        &mut self,
        batch: Vec<EndedJob<'a, H>>,
        claim: Option<Claim>,
        error: QueueError,
        run_log: &mut RunLog<'a, H>,
    ) {
        let verdict = error.verdict();
        let has_claim = claim.is_some();
        if let Some(claim) = claim {
            let failures = claim.failures + 1;
            self.unanswered.push(Claim { failures, ..claim });
        }
        if verdict == Retryability::Content && !batch.is_empty() {
            self.refused(batch, has_claim, &error, run_log);
            return;
        }
        self.finished.splice(..0, batch);
        self.back_off(error, verdict);
        if self.is_refused() {
            self.forget_claims();
        }
    }

    /// Something in this batch cannot be stored. Sent alone, each result shows whether it is the one.
    fn refused(
        &mut self,
        batch: Vec<EndedJob<'a, H>>,
        has_claim: bool,
        error: &QueueError,
        run_log: &mut RunLog<'a, H>,
    ) {
        if batch.len() > 1 || has_claim {
            self.suspects.extend(batch);
            return;
        }
        for finished in batch {
            let (job_context, ms) = (finished.context.clone(), finished.ms);
            match finished.refused(error) {
                Some(stand_in) => self.suspects.push(stand_in),
                None => run_log.lost(job_context.job(), ms),
            }
        }
    }

    fn back_off(&mut self, error: QueueError, verdict: Retryability) {
        let failures = match &self.trouble {
            Some(trouble) => trouble.failures + 1,
            None => {
                self.context.log.failure("database_trouble", &error);
                1
            }
        };
        let pause_ms = retry::pause_ms(verdict, error.retry_after_ms(), failures);
        let is_final = pause_ms.is_none();
        // Results are worth it as long as there is time: somebody may put the database right.
        let pause_ms = pause_ms.unwrap_or_else(|| retry::backoff_ms(failures));
        self.trouble = Some(Trouble {
            error,
            failures,
            again_at_ms: self.context.host.now_ms() + u64::from(pause_ms),
            is_final,
        });
    }

    fn forget_claims(&mut self) {
        for claim in self.unanswered.drain(..) {
            self.context.crash_record.end_claim(claim.lease_token);
        }
    }

    /// Leaves to their leases what could not be delivered; answers why.
    pub(super) fn give_up(mut self, run_log: &mut RunLog<'a, H>) -> Option<String> {
        self.forget_claims();
        let trouble = self.trouble.take()?;
        self.finished.append(&mut self.suspects);
        run_log.undelivered(&self.finished, &trouble.error);
        Some(trouble.error.to_string())
    }
}

async fn trip<'a, H: Host>(
    context: &'a RunContext<'a, H>,
    job_types: &[&str],
    batch: Vec<EndedJob<'a, H>>,
    claim: Option<Claim>,
) -> EndedExchange<'a, H> {
    let began_at_ms = context.host.now_ms();
    let exchange = ExchangeRequest {
        results: &batch,
        max_jobs: claim.as_ref().map_or(0, |claim| claim.max_jobs),
        job_types,
        worker_id: context.worker_id,
        lease_seconds: context.config.lease_seconds,
        lease_token: claim.as_ref().map(|claim| claim.lease_token),
        is_repeat: claim.as_ref().is_some_and(|claim| claim.failures > 0),
    };
    let answer = context.queue.exchange(&exchange).await;
    EndedExchange {
        batch,
        claim,
        began_at_ms,
        answer,
    }
}
