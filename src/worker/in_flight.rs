//! The jobs this worker holds leases on: those that run, and those that wait for a free slot.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::future::{AbortHandle, LocalBoxFuture, abortable};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;

use crate::error::JobError;
use crate::handler::{Interruption, JobContext, Registration};
use crate::host::Host;
use crate::isolate::Resources;

/// A job that waited this long for a slot is better off with another worker.
const LONGEST_WAIT_MS: u64 = 1_000;

/// The end of one attempt.
pub(super) struct Attempt<'a, H> {
    pub(super) context: Rc<JobContext<'a, H>>,
    pub(super) since_ms: u64,
    pub(super) result: Result<Value, JobError>,
}

pub(super) struct InFlight<'a, H: Host> {
    handlers: &'a [Registration<H>],
    resources: &'a Resources<'a, H>,
    slots: usize,
    waiting: VecDeque<Waiting<'a, H>>,
    running: Vec<Running<'a, H>>,
    /// One future per entry of `running`, plus those that were aborted and not polled since.
    attempts: FuturesUnordered<LocalBoxFuture<'a, Option<Attempt<'a, H>>>>,
}

struct Waiting<'a, H> {
    context: Rc<JobContext<'a, H>>,
    since_ms: u64,
}

struct Running<'a, H> {
    context: Rc<JobContext<'a, H>>,
    since_ms: u64,
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

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.running.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn contexts(&self) -> impl Iterator<Item = &Rc<JobContext<'a, H>>> {
        let running = self.running.iter().map(|running| &running.context);
        running.chain(self.waiting.iter().map(|waiting| &waiting.context))
    }

    pub(super) fn has_news(&self) -> bool {
        self.running
            .iter()
            .any(|running| running.context.has_news())
    }

    pub(super) fn push(&mut self, context: JobContext<'a, H>, now_ms: u64) {
        self.waiting.push_back(Waiting {
            context: Rc::new(context),
            since_ms: now_ms,
        });
    }

    /// Starts waiting jobs while there are free slots.
    pub(super) fn start(&mut self, now_ms: u64) {
        while self.running.len() < self.slots
            && let Some(Waiting { context, .. }) = self.waiting.pop_front()
        {
            let (attempt, abort) = abortable(attempt(self.handlers, context.clone(), now_ms));
            self.attempts.push(Box::pin(async { attempt.await.ok() }));
            self.running.push(Running {
                context,
                since_ms: now_ms,
                abort,
            });
        }
    }

    /// Lets running jobs go on until one ends or all wait for something.
    pub(super) fn poll_ended(&mut self, task: &mut Context<'_>) -> Poll<Attempt<'a, H>> {
        self.resources.skip_charge();
        loop {
            match self.attempts.poll_next_unpin(task) {
                Poll::Ready(Some(Some(attempt))) => {
                    self.running
                        .retain(|running| !Rc::ptr_eq(&running.context, &attempt.context));
                    return Poll::Ready(attempt);
                }
                Poll::Ready(Some(None)) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Lets go of a job, dropping its future if it runs; `None` if it came to its end before. Answers how
    /// long it ran.
    pub(super) fn let_go(
        &mut self,
        context: &Rc<JobContext<'a, H>>,
        stop: Interruption,
    ) -> Option<u64> {
        context.stop(stop);
        let is_it = |other: &Rc<JobContext<'a, H>>| Rc::ptr_eq(other, context);
        if let Some(position) = self.waiting.iter().position(|job| is_it(&job.context)) {
            self.waiting.remove(position);
            return Some(0);
        }
        let position = self.running.iter().position(|job| is_it(&job.context))?;
        let running = self.running.swap_remove(position);
        running.abort.abort();
        Some(context.now_ms() - running.since_ms)
    }

    /// Takes out the jobs that run, dropping their futures, and says how long each ran. Those that are about to
    /// save a step stay until that is done.
    pub(super) fn take_running(&mut self, now_ms: u64) -> Vec<(Rc<JobContext<'a, H>>, u64)> {
        let may_go = |running: &mut Running<'a, H>| running.context.stop(Interruption::HandOver);
        let taken: Vec<_> = self.running.extract_if(.., may_go).collect();
        let taken = taken.into_iter().map(|running| {
            running.abort.abort();
            (running.context, now_ms - running.since_ms)
        });
        taken.collect()
    }

    /// The jobs that have run longer than they may.
    pub(super) fn overrun(&self, now_ms: u64) -> Vec<Rc<JobContext<'a, H>>> {
        let is_overrun = |context: &&Rc<JobContext<'a, H>>| {
            context.deadline_ms().is_some_and(|at_ms| at_ms <= now_ms)
        };
        self.contexts().filter(is_overrun).cloned().collect()
    }

    /// When the first of them will have.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        self.contexts()
            .filter_map(|context| context.deadline_ms())
            .min()
    }

    /// Takes out the jobs that have not started.
    pub(super) fn take_waiting(&mut self) -> Vec<Rc<JobContext<'a, H>>> {
        self.waiting.drain(..).map(|job| job.context).collect()
    }

    /// Takes out the jobs that have waited for a slot too long.
    pub(super) fn take_overdue(&mut self, now_ms: u64) -> Vec<Rc<JobContext<'a, H>>> {
        let overdue = self
            .waiting
            .iter()
            .take_while(|job| job.since_ms + LONGEST_WAIT_MS <= now_ms)
            .count();
        self.waiting
            .drain(..overdue)
            .map(|job| job.context)
            .collect()
    }

    /// When the first waiting job will have waited too long.
    pub(super) fn overdue_at_ms(&self) -> Option<u64> {
        self.waiting
            .front()
            .map(|job| job.since_ms + LONGEST_WAIT_MS)
    }
}

async fn attempt<'a, H: Host>(
    handlers: &[Registration<H>],
    context: Rc<JobContext<'a, H>>,
    since_ms: u64,
) -> Attempt<'a, H> {
    let handler = handlers
        .iter()
        .find(|handler| handler.job_type == context.job().job_type);
    let result = match handler {
        Some(handler) => {
            let mut run = context.polling(|| (handler.run)(&context));
            poll_fn(|task| context.polling(|| run.poll_unpin(task))).await
        }
        None => Err(JobError::retryable("this worker does not run such jobs")),
    };
    Attempt {
        context,
        since_ms,
        result,
    }
}
