//! One heartbeat for all jobs in flight. Its answer tells of cancelled jobs and lost leases.

use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::in_flight::InFlight;
use crate::handler::JobContext;
use crate::host::Host;
use crate::isolate::RunContext;
use crate::queue::{JobHeartbeat, LeaseStatus, QueueError};

/// The pause before a heartbeat that carries progress or follows one that failed.
const SHORTEST_PAUSE_MS: u64 = 1_000;

pub(super) struct Heartbeats<'a, H> {
    context: &'a RunContext<'a, H>,
    last_at_ms: u64,
    has_failed: bool,
    under_way: Option<LocalBoxFuture<'a, Heartbeat<'a, H>>>,
}

/// One heartbeat and its answer.
struct Heartbeat<'a, H> {
    contexts: Vec<Rc<JobContext<'a, H>>>,
    answer: Result<Vec<LeaseStatus>, QueueError>,
}

pub(super) type LeaseStatuses<'a, H> = Vec<(Rc<JobContext<'a, H>>, LeaseStatus)>;

impl<'a, H: Host> Heartbeats<'a, H> {
    pub(super) fn new(context: &'a RunContext<'a, H>) -> Self {
        Self {
            context,
            last_at_ms: 0,
            has_failed: false,
            under_way: None,
        }
    }

    /// Reckons with leases that may have begun at `leased_at_ms`. `is_first`: no other lease is held.
    pub(super) fn begin_leases(&mut self, leased_at_ms: u64, is_first: bool) {
        self.last_at_ms = if is_first {
            leased_at_ms
        } else {
            self.last_at_ms.min(leased_at_ms)
        };
    }

    /// When to send the next one.
    pub(super) fn due_at_ms(&self, in_flight: &InFlight<'a, H>) -> Option<u64> {
        if self.under_way.is_some() {
            return None;
        }
        let pause_ms = if self.has_failed || in_flight.has_unsent_progress() {
            SHORTEST_PAUSE_MS
        } else {
            self.context.queue.heartbeat_ms().into()
        };
        (!self.context.crash_record.is_empty()).then_some(self.last_at_ms + pause_ms)
    }

    pub(super) fn begin_if_due(&mut self, in_flight: &InFlight<'a, H>) {
        let now_ms = self.context.host.now_ms();
        let due_at_ms = self.due_at_ms(in_flight);
        if due_at_ms.is_some_and(|due_at_ms| due_at_ms <= now_ms) {
            self.last_at_ms = now_ms;
            let contexts = in_flight.contexts().cloned().collect();
            self.under_way = Some(Box::pin(heartbeat(self.context, contexts)));
        }
    }

    /// The jobs and how their leases stand; `None` when no answer came.
    pub(super) fn poll(&mut self, task: &mut Context<'_>) -> Poll<Option<LeaseStatuses<'a, H>>> {
        let polled = self.under_way.as_mut().map(|it| it.poll_unpin(task));
        let Some(Poll::Ready(Heartbeat { contexts, answer })) = polled else {
            return Poll::Pending;
        };
        self.under_way = None;
        self.has_failed = answer.is_err();
        for context in &contexts {
            context.end_heartbeat(!self.has_failed);
        }
        if let Err(error) = &answer {
            self.context.log.failure("heartbeat_failed", error);
        }
        let statuses = answer.ok();
        Poll::Ready(statuses.map(|statuses| contexts.into_iter().zip(statuses).collect()))
    }
}

async fn heartbeat<'a, H: Host>(
    context: &'a RunContext<'a, H>,
    contexts: Vec<Rc<JobContext<'a, H>>>,
) -> Heartbeat<'a, H> {
    let mut jobs: Vec<_> = contexts.iter().map(|context| context.heartbeat()).collect();
    // Jobs whose results are under way still need their leases. What is said of them is ignored.
    let undelivered = context.crash_record.undelivered().into_iter();
    jobs.extend(undelivered.map(|(job_id, lease_token)| JobHeartbeat {
        job_id,
        lease_token,
        progress: None,
    }));
    let answer = context.queue.heartbeat(&jobs).await;
    Heartbeat { contexts, answer }
}
