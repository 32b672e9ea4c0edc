//! Signs of life for all jobs on board in one call, and what comes back with them: cancellations and lost leases.

use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::held::Held;
use crate::handler::{JobContext, RunContext};
use crate::host::Host;
use crate::queue::{Heartbeat, QueueError, Standing};

/// News, and signs of life after one that failed, are not sent more often than this.
const SHORTEST_PAUSE_MS: u64 = 1_000;

pub(super) struct Pulse<'a, H> {
    context: &'a RunContext<'a, H>,
    last_ms: u64,
    has_failed: bool,
    is_wanted: bool,
    /// The one under way was wanted.
    is_awaited: bool,
    beat: Option<LocalBoxFuture<'a, Beat<'a, H>>>,
}

pub(super) type Standings<'a, H> = Vec<(Rc<JobContext<'a, H>>, Standing)>;

struct Beat<'a, H> {
    contexts: Vec<Rc<JobContext<'a, H>>>,
    answer: Result<Vec<Standing>, QueueError>,
}

impl<'a, H: Host> Pulse<'a, H> {
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
    pub(super) fn due_ms(&self, held: &Held<'a, H>) -> Option<u64> {
        if self.beat.is_some() {
            return None;
        }
        if self.is_wanted {
            return Some(0);
        }
        let pause_ms = match self.has_failed || held.has_news() {
            true => SHORTEST_PAUSE_MS,
            false => self.context.queue.heartbeat_ms().into(),
        };
        (!self.context.manifest.is_empty()).then_some(self.last_ms + pause_ms)
    }

    /// Sends one if it is time.
    pub(super) fn begin_if_due(&mut self, held: &Held<'a, H>) {
        let now_ms = self.context.host.now_ms();
        if self.due_ms(held).is_some_and(|due_ms| due_ms <= now_ms) {
            self.last_ms = now_ms;
            self.is_awaited = std::mem::take(&mut self.is_wanted);
            self.beat = Some(Box::pin(beat(
                self.context,
                held.contexts().cloned().collect(),
            )));
        }
    }

    /// The jobs that were asked about and how they stand; `None` when no answer came.
    pub(super) fn poll(&mut self, task: &mut Context<'_>) -> Poll<Option<Standings<'a, H>>> {
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
    let ended = context.manifest.ended().into_iter();
    heartbeats.extend(ended.map(|(job_id, lease_token)| Heartbeat {
        job_id,
        lease_token,
        progress: None,
    }));
    let answer = context.queue.heartbeat(&heartbeats).await;
    Beat { contexts, answer }
}
