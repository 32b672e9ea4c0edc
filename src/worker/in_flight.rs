//! The jobs this worker holds leases on: those that run, and those that wait for a free slot.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::future::{AbortHandle, LocalBoxFuture, abortable};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde_json::value::RawValue;

use crate::error::JobError;
use crate::handler::{Interruption, JobContext, Registration};
use crate::host::Host;
use crate::isolate::Resources;

/// After this wait for a slot a job is better off with another worker.
const LONGEST_WAIT_MS: u64 = 1_000;

/// One attempt and its result.
pub(super) struct Attempt<'a, H> {
    pub(super) context: Rc<JobContext<'a, H>>,
    pub(super) started_at_ms: u64,
    pub(super) result: Result<Box<RawValue>, JobError>,
}

pub(super) struct InFlight<'a, H: Host> {
    handlers: &'a [Registration<H>],
    resources: &'a Resources<'a, H>,
    slots: usize,
    waiting: VecDeque<WaitingJob<'a, H>>,
    running: Vec<RunningJob<'a, H>>,
    /// One future per entry of `running`, plus those that were aborted and not polled since.
    attempts: FuturesUnordered<LocalBoxFuture<'a, Option<Attempt<'a, H>>>>,
}

struct WaitingJob<'a, H> {
    context: Rc<JobContext<'a, H>>,
    weight: usize,
    claimed_at_ms: u64,
}

struct RunningJob<'a, H> {
    context: Rc<JobContext<'a, H>>,
    weight: usize,
    started_at_ms: u64,
    abort: AbortHandle,
}

impl<'a, H: Host> InFlight<'a, H> {
    pub(super) fn new(
        handlers: &'a [Registration<H>],
        resources: &'a Resources<'a, H>,
        slots: usize,
    ) -> Self {
        Self {
            handlers,
            resources,
            slots,
            waiting: VecDeque::new(),
            running: Vec::new(),
            attempts: FuturesUnordered::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// The slots that all jobs take, or wait for.
    pub(super) fn weight(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(|job| job.weight).sum();
        waiting + self.running_weight()
    }

    fn running_weight(&self) -> usize {
        self.running.iter().map(|job| job.weight).sum()
    }

    pub(super) fn contexts(&self) -> impl Iterator<Item = &Rc<JobContext<'a, H>>> {
        let running = self.running.iter().map(|job| &job.context);
        running.chain(self.waiting.iter().map(|job| &job.context))
    }

    pub(super) fn has_unsent_progress(&self) -> bool {
        let mut running = self.running.iter();
        running.any(|job| job.context.has_unsent_progress())
    }

    /// Takes in a claimed job that needs `weight` slots.
    pub(super) fn push(&mut self, context: JobContext<'a, H>, weight: usize, now_ms: u64) {
        self.waiting.push_back(WaitingJob {
            context: Rc::new(context),
            weight,
            claimed_at_ms: now_ms,
        });
    }

    /// Starts waiting jobs while there are free slots. One that is heavier than all slots together runs alone.
    pub(super) fn start(&mut self, now_ms: u64) {
        let mut free = self.slots.saturating_sub(self.running_weight());
        while let Some(next) = self.waiting.front()
            && (next.weight <= free || self.running.is_empty())
            && let Some(WaitingJob {
                context, weight, ..
            }) = self.waiting.pop_front()
        {
            free = free.saturating_sub(weight);
            let (attempt, abort) = abortable(attempt(self.handlers, context.clone(), now_ms));
            self.attempts.push(Box::pin(async { attempt.await.ok() }));
            self.running.push(RunningJob {
                context,
                weight,
                started_at_ms: now_ms,
                abort,
            });
        }
    }

    /// Drives running jobs until one ends or all wait for something.
    pub(super) fn poll_attempts(&mut self, task: &mut Context<'_>) -> Poll<Attempt<'a, H>> {
        self.resources.skip_charge();
        loop {
            match self.attempts.poll_next_unpin(task) {
                Poll::Ready(Some(Some(attempt))) => {
                    self.running
                        .retain(|job| !Rc::ptr_eq(&job.context, &attempt.context));
                    return Poll::Ready(attempt);
                }
                Poll::Ready(Some(None)) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Removes a job and drops its future if it runs. Returns how long it ran; `None` if it has ended before.
    pub(super) fn interrupt(
        &mut self,
        context: &Rc<JobContext<'a, H>>,
        interruption: Interruption,
    ) -> Option<u64> {
        context.interrupt(interruption);
        let is_it = |other: &Rc<JobContext<'a, H>>| Rc::ptr_eq(other, context);
        if let Some(position) = self.waiting.iter().position(|job| is_it(&job.context)) {
            self.waiting.remove(position);
            return Some(0);
        }
        let position = self.running.iter().position(|job| is_it(&job.context))?;
        let job = self.running.swap_remove(position);
        job.abort.abort();
        Some(context.now_ms() - job.started_at_ms)
    }

    /// Removes the running jobs, drops their futures and returns how long each ran. A job that is about to save a step
    /// stays until that is done.
    pub(super) fn hand_over(&mut self, now_ms: u64) -> Vec<(Rc<JobContext<'a, H>>, u64)> {
        let may_go = |job: &mut RunningJob<'a, H>| job.context.interrupt(Interruption::HandOver);
        let jobs: Vec<_> = self.running.extract_if(.., may_go).collect();
        let jobs = jobs.into_iter().map(|job| {
            job.abort.abort();
            (job.context, now_ms - job.started_at_ms)
        });
        jobs.collect()
    }

    /// The jobs whose deadline has passed, and how long ago.
    pub(super) fn overdue(&self, now_ms: u64) -> Vec<(Rc<JobContext<'a, H>>, u64)> {
        let late_ms = |context: &Rc<JobContext<'a, H>>| context.overdue_ms(now_ms);
        self.contexts()
            .filter_map(|context| Some((context.clone(), late_ms(context)?)))
            .collect()
    }

    /// The earliest deadline.
    pub(super) fn next_deadline_ms(&self) -> Option<u64> {
        let deadlines = self.contexts().filter_map(|context| context.deadline_ms());
        deadlines.min()
    }

    /// Removes the jobs that have not started.
    pub(super) fn take_waiting(&mut self) -> Vec<Rc<JobContext<'a, H>>> {
        self.waiting.drain(..).map(|job| job.context).collect()
    }

    /// Removes the jobs of a type that have not started.
    pub(super) fn take_waiting_of(&mut self, job_type: &str) -> Vec<Rc<JobContext<'a, H>>> {
        let waiting = std::mem::take(&mut self.waiting);
        let is_of_type = |job: &WaitingJob<'a, H>| job.context.job().job_type == job_type;
        let (taken, kept): (Vec<_>, _) = waiting.into_iter().partition(is_of_type);
        self.waiting = kept.into();
        taken.into_iter().map(|job| job.context).collect()
    }

    /// Removes the jobs that have waited too long for a slot.
    pub(super) fn take_kept_waiting(&mut self, now_ms: u64) -> Vec<Rc<JobContext<'a, H>>> {
        let was_kept_waiting = |job: &&WaitingJob<'a, H>| job.kept_waiting_at_ms() <= now_ms;
        let kept = self.waiting.iter().take_while(was_kept_waiting).count();
        let kept = self.waiting.drain(..kept);
        kept.map(|job| job.context).collect()
    }

    /// When the first waiting job will have waited too long.
    pub(super) fn kept_waiting_at_ms(&self) -> Option<u64> {
        self.waiting.front().map(WaitingJob::kept_waiting_at_ms)
    }
}

impl<H> WaitingJob<'_, H> {
    fn kept_waiting_at_ms(&self) -> u64 {
        self.claimed_at_ms + LONGEST_WAIT_MS
    }
}

async fn attempt<'a, H: Host>(
    handlers: &[Registration<H>],
    context: Rc<JobContext<'a, H>>,
    started_at_ms: u64,
) -> Attempt<'a, H> {
    let job_type = &context.job().job_type;
    let mut handlers = handlers.iter();
    let result = match handlers.find(|handler| handler.job_type == *job_type) {
        Some(handler) => {
            let mut run = None;
            let mut poll = |task: &mut Context<'_>| {
                let run = run.get_or_insert_with(|| (handler.run)(&context));
                run.poll_unpin(task)
            };
            poll_fn(|task| context.polling(|| poll(task))).await
        }
        None => Err(JobError::retryable("this worker does not run such jobs")),
    };
    Attempt {
        context,
        started_at_ms,
        result,
    }
}
