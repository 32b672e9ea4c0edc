//! What a handler gets besides its input: steps, progress, requests, the clock and the log.

mod steps;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::Config;
use crate::host::{ComputeError, Host, HttpRequest, HttpResponse, Kernel, TransportError};
use crate::isolate::{CrashEntry, RunContext};
use crate::job::{Job, Progress};
use crate::queue::{JobHeartbeat, Outcome, QueueError};

/// One job in flight, and what its handler can do besides computing.
pub struct JobContext<'a, H> {
    run: &'a RunContext<'a, H>,
    job: Job,
    deadline_ms: Option<u64>,
    crash_entry: Rc<CrashEntry>,
    progress: RefCell<Option<Progress>>,
    has_unsent_progress: Cell<bool>,
    /// The call that carries progress to the database now. Two at once could arrive in the wrong order.
    progress_carrier: Cell<Option<ProgressCarrier>>,
    steps_begun: RefCell<Vec<String>>,
    steps_being_saved: Cell<u32>,
    /// How long the longest step of each kind took in this run.
    longest_steps_ms: RefCell<BTreeMap<String, u64>>,
    /// The CPU time of this run.
    cpu_us: Cell<u64>,
    /// What the job and its result hold of the isolate's memory.
    held_bytes: Cell<usize>,
    interruption: Cell<Option<Interruption>>,
}

/// Why a job's handler was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// Someone cancelled the job.
    Cancelled,
    /// The job is not this worker's any more.
    LeaseLost,
    /// It ran longer than it may.
    TimedOut,
    /// It goes on in another isolate.
    HandOver,
}

/// The call that carries progress to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProgressCarrier {
    Step,
    Heartbeat,
}

impl<'a, H: Host> JobContext<'a, H> {
    /// The context of one claimed job.
    pub fn new(run: &'a RunContext<'a, H>, job: Job) -> Self {
        let timeout_ms = job
            .timeout_seconds
            .map(|seconds| u64::from(seconds) * 1_000);
        Self {
            run,
            deadline_ms: timeout_ms.map(|timeout_ms| run.host.now_ms() + timeout_ms),
            crash_entry: run.crash_record.add(&job),
            job,
            progress: RefCell::default(),
            has_unsent_progress: Cell::default(),
            progress_carrier: Cell::default(),
            steps_begun: RefCell::default(),
            steps_being_saved: Cell::default(),
            longest_steps_ms: RefCell::default(),
            cpu_us: Cell::default(),
            held_bytes: Cell::default(),
            interruption: Cell::default(),
        }
    }

    /// The same with its timeout counted as the database counts it, from its claim: that was sent at `leased_at_ms`.
    pub(crate) fn leased_at(mut self, leased_at_ms: u64) -> Self {
        let late_ms = self.run.host.now_ms() - leased_at_ms;
        self.deadline_ms = self.deadline_ms.map(|at_ms| at_ms - late_ms);
        self
    }

    /// The job as it was claimed.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The worker's settings.
    pub fn config(&self) -> &'a Config {
        self.run.config
    }

    /// The value of this type that all jobs of this isolate share. The first call makes it.
    pub fn shared<T: Default + 'static>(&self) -> Rc<T> {
        self.run.shared.get()
    }

    /// How long the handler may still take: until its timeout, or until this isolate hands over.
    pub fn time_left_ms(&self) -> u64 {
        let ends_at_ms = self.run.resources.hands_over_at_ms();
        let ends_at_ms = self
            .deadline_ms
            .map_or(ends_at_ms, |at_ms| at_ms.min(ends_at_ms));
        ends_at_ms.saturating_sub(self.now_ms())
    }

    /// Tells how far the job is. The database hears of it with the next saved step or heartbeat, within about a second.
    pub fn progress(&self, progress: Progress) {
        self.progress.replace(Some(progress));
        self.has_unsent_progress.set(true);
        self.run.signals.wake();
    }

    /// Sends a request to a server that is not the database.
    ///
    /// # Errors
    /// [`TransportError`] when no answer came; an answer with an error status is an `Ok`.
    pub async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.run.host.fetch(request).await
    }

    /// The same, but the body is handed to `on_piece` as it comes, and is empty in the answer.
    ///
    /// # Errors
    /// As for [`Self::fetch`]; pieces may have been handed over before.
    pub async fn fetch_in_pieces(
        &self,
        request: HttpRequest,
        on_piece: impl FnMut(&[u8]),
    ) -> Result<HttpResponse, TransportError> {
        self.run.host.fetch_in_pieces(request, on_piece).await
    }

    /// Lets a kernel answer one input, a head and a body. Its CPU time is the job's.
    ///
    /// # Errors
    /// [`ComputeError`] when there is no answer.
    pub async fn compute(
        &self,
        kernel: Kernel,
        head: &[u8],
        body: &[u8],
    ) -> Result<Vec<u8>, ComputeError> {
        self.run.host.compute(kernel, head, body).await
    }

    /// Calls a function of the database. When an answer is lost it is called again with the same arguments.
    ///
    /// # Errors
    /// [`QueueError`] when the database is unreachable, refuses, or answers something else than a `T`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        function: &str,
        arguments: impl Serialize,
    ) -> Result<T, QueueError> {
        self.run.queue.call(function, arguments).await
    }

    /// Waits.
    pub async fn sleep_ms(&self, milliseconds: u32) {
        self.run.host.sleep_ms(milliseconds).await;
    }

    /// Milliseconds on a clock that measures how long something takes and nothing else.
    pub fn now_ms(&self) -> u64 {
        self.run.host.now_ms()
    }

    /// Seconds since 1970, for limits per hour or day.
    pub fn unix_seconds(&self) -> u64 {
        self.run.host.unix_seconds()
    }

    /// Writes one line to the function's log, with the job's id, type and attempt.
    pub fn log(&self, event: &str, fields: Value) {
        self.run.log.job_event(event, &self.job, &fields);
    }

    /// Holds bytes of the isolate's memory until the database has confirmed the job's end.
    pub(crate) fn hold_bytes(&self, bytes: usize) {
        self.held_bytes.update(|held| held + bytes);
        self.run.resources.hold(bytes);
    }

    /// Keeps the job's outcome until the database has it.
    pub(crate) fn record_outcome(&self, outcome: &Rc<Outcome>) {
        self.hold_bytes(outcome.bytes());
        self.crash_entry.record_outcome(outcome.clone());
    }

    /// Runs `poll`; a crash meanwhile is this job's.
    pub(crate) fn polling<T>(&self, poll: impl FnOnce() -> T) -> T {
        let polled = self.run.crash_record.polling(&self.crash_entry, poll);
        self.add_cpu_us(self.run.resources.charge_us());
        polled
    }

    /// Counts CPU time that the job took.
    pub(crate) fn add_cpu_us(&self, cpu_us: u64) {
        self.cpu_us.update(|before_us| before_us + cpu_us);
    }

    /// Tells the job that its handler is being stopped. Returns whether the handler's future may be dropped now: a
    /// step that was paid for is saved first.
    pub(crate) fn interrupt(&self, interruption: Interruption) -> bool {
        self.interruption.set(Some(interruption));
        self.steps_being_saved.get() == 0
    }

    /// Why the handler was stopped, if it was.
    pub fn interruption(&self) -> Option<Interruption> {
        self.interruption.get()
    }

    /// When the job's timeout ends it, on the host's clock: from then on the database refuses what it writes.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    /// Whether the handler was ever polled.
    pub(crate) fn was_begun(&self) -> bool {
        self.crash_entry.was_begun()
    }

    /// How long ago the deadline was; `None` when it lies ahead or there is none.
    pub(crate) fn overdue_ms(&self, now_ms: u64) -> Option<u64> {
        now_ms.checked_sub(self.deadline_ms?)
    }

    /// This job's part of a heartbeat, with its unsent progress.
    pub(crate) fn heartbeat(&self) -> JobHeartbeat {
        JobHeartbeat {
            job_id: self.job.id,
            lease_token: self.job.lease_token,
            progress: self.take_unsent_progress(ProgressCarrier::Heartbeat),
        }
    }

    /// A heartbeat is over. Progress that did not arrive is sent with another.
    pub(crate) fn end_heartbeat(&self, has_arrived: bool) {
        if self.progress_carrier.get() == Some(ProgressCarrier::Heartbeat) {
            self.progress_carrier.set(None);
        }
        if !has_arrived {
            self.has_unsent_progress
                .set(self.progress.borrow().is_some());
        }
    }

    pub(crate) fn has_unsent_progress(&self) -> bool {
        self.has_unsent_progress.get()
    }

    fn take_unsent_progress(&self, carrier: ProgressCarrier) -> Option<Progress> {
        if self.progress_carrier.get().is_some() || !self.has_unsent_progress.take() {
            return None;
        }
        self.progress_carrier.set(Some(carrier));
        self.progress.borrow().clone()
    }
}

impl<H> Drop for JobContext<'_, H> {
    fn drop(&mut self) {
        self.run.crash_record.remove(&self.crash_entry);
        self.run.resources.release(self.held_bytes.get());
    }
}
