//! What a handler gets besides its input: steps, progress, requests, the clock and the log.

mod steps;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::Config;
use crate::host::{Host, HttpRequest, HttpResponse, TransportError};
use crate::isolate::CrashEntry;
use crate::isolate::RunContext;
use crate::job::{Job, Progress};
use crate::queue::Outcome;
use crate::queue::{JobHeartbeat, QueueError};

/// What a handler can do besides computing.
pub struct JobContext<'a, H> {
    run: &'a RunContext<'a, H>,
    job: Job,
    deadline_ms: Option<u64>,
    entry: Rc<CrashEntry>,
    progress: RefCell<Option<Progress>>,
    has_news: Cell<bool>,
    /// Whether progress is on its way to the database. Two at once could arrive in the wrong order.
    news_carrier: Cell<Option<Carrier>>,
    steps_begun: RefCell<Vec<String>>,
    steps_being_saved: Cell<u32>,
    /// How long the longest step of each kind took in this run.
    longest_steps_ms: RefCell<BTreeMap<String, u64>>,
    /// The CPU time of this run.
    cpu_us: Cell<u64>,
    stop: Cell<Option<Interruption>>,
}

/// Why a job's handler was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// Somebody cancelled the job.
    Cancelled,
    /// The job is not this worker's any more.
    LeaseLost,
    /// It ran longer than it may.
    TimedOut,
    /// It goes on in another isolate.
    HandOver,
}

/// What takes progress to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
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
            entry: run.crash_record.add(&job),
            job,
            progress: RefCell::default(),
            has_news: Cell::default(),
            news_carrier: Cell::default(),
            steps_begun: RefCell::default(),
            steps_being_saved: Cell::default(),
            longest_steps_ms: RefCell::default(),
            cpu_us: Cell::default(),
            stop: Cell::default(),
        }
    }

    /// The job as it was claimed.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The worker's settings.
    pub fn config(&self) -> &'a Config {
        self.run.config
    }

    /// The value of this type that all jobs of this isolate share; the first who asks makes it.
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

    /// Tells how far the job is. It travels with the next saved step, or with the next sign of life, which
    /// comes within about a second.
    pub fn progress(&self, progress: Progress) {
        self.progress.replace(Some(progress));
        self.has_news.set(true);
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

    /// Calls a function of the database; it may be called again with the same arguments when an answer is lost.
    ///
    /// # Errors
    /// [`QueueError`] when the database stays away, refuses, or answers something else than a `T`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<T, QueueError> {
        self.run.queue.call(function, arguments).await
    }

    /// Waits.
    pub async fn sleep_ms(&self, milliseconds: u32) {
        self.run.host.sleep_ms(milliseconds).await;
    }

    /// Milliseconds on a clock that only measures time that passes.
    pub fn now_ms(&self) -> u64 {
        self.run.host.now_ms()
    }

    /// Seconds since 1970, for what others limit by the hour.
    pub fn unix_seconds(&self) -> u64 {
        self.run.host.unix_seconds()
    }

    /// Writes one line to the function's log, with the job's id, type and attempt.
    pub fn log(&self, event: &str, fields: Value) {
        self.run.log.job_event(event, &self.job, &fields);
    }

    /// The job came to this end, which the database does not know yet.
    pub(crate) fn ended(&self, outcome: &Rc<Outcome>) {
        self.entry.ended(outcome.clone());
    }

    /// Runs `poll` in the name of this job, should it crash.
    pub(crate) fn polling<T>(&self, poll: impl FnOnce() -> T) -> T {
        let polled = self.run.crash_record.polling(&self.entry, poll);
        self.add_cpu_us(self.run.resources.charge_us());
        polled
    }

    /// Counts CPU time that the job took.
    pub(crate) fn add_cpu_us(&self, cpu_us: u64) {
        self.cpu_us.update(|before_us| before_us + cpu_us);
    }

    /// The handler is to be stopped; answers whether its future may be dropped now. What was paid for is
    /// saved before.
    pub(crate) fn stop(&self, stop: Interruption) -> bool {
        self.stop.set(Some(stop));
        self.steps_being_saved.get() == 0
    }

    /// Why the handler was stopped, if it was.
    pub fn stopped(&self) -> Option<Interruption> {
        self.stop.get()
    }

    /// When this run has to be over, on the host's clock: from then on the database refuses what it writes.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    /// A sign of life, with the progress that was not sent yet.
    pub(crate) fn heartbeat(&self) -> JobHeartbeat {
        JobHeartbeat {
            job_id: self.job.id,
            lease_token: self.job.lease_token,
            progress: self.take_news(Carrier::Heartbeat),
        }
    }

    /// The sign of life was answered, or was not: then the news it took have to go with another.
    pub(crate) fn heartbeat_over(&self, has_arrived: bool) {
        if self.news_carrier.get() == Some(Carrier::Heartbeat) {
            self.news_carrier.set(None);
        }
        if !has_arrived {
            self.has_news.set(self.progress.borrow().is_some());
        }
    }

    pub(crate) fn has_news(&self) -> bool {
        self.has_news.get()
    }

    fn take_news(&self, carrier: Carrier) -> Option<Progress> {
        if self.news_carrier.get().is_some() || !self.has_news.take() {
            return None;
        }
        self.news_carrier.set(Some(carrier));
        self.progress.borrow().clone()
    }
}

impl<H> Drop for JobContext<'_, H> {
    fn drop(&mut self) {
        self.run.crash_record.remove(&self.entry);
    }
}
