//! Signs of life for all jobs on board in one call, and what comes back with them: cancellations and lost leases.

use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::in_flight::InFlight;
use crate::handler::JobContext;
use crate::host::Host;
use crate::isolate::RunContext;
use crate::queue::{JobHeartbeat, LeaseStatus, QueueError};

/// News, and signs of life after one that failed, are not sent more often than this.
const SHORTEST_PAUSE_MS: u64 = 1_000;

pub(super) struct Heartbeats<'a, H> {
    context: &'a RunContext<'a, H>,
    last_ms: u64,
    has_failed: bool,
    is_wanted: bool,
    /// The one under way was wanted.
    is_awaited: bool,
    beat: Option<LocalBoxFuture<'a, Beat<'a, H>>>,
}

pub(super) type LeaseStatuses<'a, H> = Vec<(Rc<JobContext<'a, H>>, LeaseStatus)>;

struct Beat<'a, H> {
    contexts: Vec<Rc<JobContext<'a, H>>>,
    answer: Result<Vec<LeaseStatus>, QueueError>,
}

impl<'a, H: Host> Heartbeats<'a, H> {
    pub(super) fn new(context: &'a RunContext<'a, H>) -> Self {
        Self {
            context,
            last_ms: 0,
            has_failed: false,
            is_wanted: false,
            is_awaited: false,
            beat: None,
        }
    }

    /// Jobs came on board whose leases may have begun at `since_ms`; they are the first, if `is_first`.
    pub(super) fn begin_leases(&mut self, since_ms: u64, is_first: bool) {
        self.last_ms = if is_first {
            since_ms
        } else {
            self.last_ms.min(since_ms)
        };
    }

    /// A job has run too long: whoever sends a sign of life makes the database take notice.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Whether the database has not taken notice yet.
    pub(super) fn is_pending(&self) -> bool {
        self.is_wanted || self.is_awaited
    }

    /// When the next sign of life is to be sent.
    pub(super) fn due_ms(&self, in_flight: &InFlight<'a, H>) -> Option<u64> {
        if self.beat.is_some() {
            return None;
        }
        if self.is_wanted {
            return Some(0);
        }
        let pause_ms = match self.has_failed || in_flight.has_news() {
            true => SHORTEST_PAUSE_MS,
            false => self.context.queue.heartbeat_ms().into(),
        };
        (!self.context.crash_record.is_empty()).then_some(self.last_ms + pause_ms)
    }

    /// Sends one if it is time.
    pub(super) fn begin_if_due(&mut self, in_flight: &InFlight<'a, H>) {
        let now_ms = self.context.host.now_ms();
        if self
            .due_ms(in_flight)
            .is_some_and(|due_ms| due_ms <= now_ms)
        {
            self.last_ms = now_ms;
            self.is_awaited = std::mem::take(&mut self.is_wanted);
            self.beat = Some(Box::pin(beat(
                self.context,
                in_flight.contexts().cloned().collect(),
            )));
        }
    }

    /// The jobs that were asked about and how they stand; `None` when no answer came.
    pub(super) fn poll(&mut self, task: &mut Context<'_>) -> Poll<Option<LeaseStatuses<'a, H>>> {
        let Some(Poll::Ready(beat)) = self.beat.as_mut().map(|beat| beat.poll_unpin(task)) else {
            return Poll::Pending;
        };
        self.beat = None;
        self.is_awaited = false;
        self.has_failed = beat.answer.is_err();
        for context in &beat.contexts {
            context.heartbeat_over(!self.has_failed);
        }
        if let Err(error) = &beat.answer {
            self.context.log.failure("heartbeat_failed", error);
        }
        let standings = beat.answer.ok();
        Poll::Ready(standings.map(|standings| beat.contexts.into_iter().zip(standings).collect()))
    }
}

async fn beat<'a, H: Host>(
    context: &'a RunContext<'a, H>,
    contexts: Vec<Rc<JobContext<'a, H>>>,
) -> Beat<'a, H> {
    let mut heartbeats: Vec<_> = contexts.iter().map(|context| context.heartbeat()).collect();
    // Those whose results are on their way still need their leases. What is said of them is of no use to anyone.
    let ended = context.crash_record.ended().into_iter();
    heartbeats.extend(ended.map(|(job_id, lease_token)| JobHeartbeat {
        job_id,
        lease_token,
        progress: None,
    }));
    let answer = context.queue.heartbeat(&heartbeats).await;
    Beat { contexts, answer }
}
