//! What a handler gets besides its input: steps, progress, requests, the clock and the log.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shared::Shared;
use crate::budget::{Budget, Usage};
use crate::config::Config;
use crate::error::JobError;
use crate::host::{Host, HttpRequest, HttpResponse, TransportError};
use crate::job::Job;
use crate::log::Log;
use crate::manifest::{Entry, Manifest};
use crate::outcome::Outcome;
use crate::queue::{Heartbeat, QueueClient, QueueError, Standing, Start};
use crate::report::Stopped;
use crate::signals::Signals;

/// A step's result travels to every later run of the job, so what is larger belongs into Storage. The database
/// refuses it too.
const LARGEST_RESULT_BYTES: usize = 1024 * 1024;

/// What all jobs of a run share.
pub struct RunContext<'a, H> {
    /// The world outside.
    pub host: &'a H,
    /// The settings.
    pub config: &'a Config,
    /// The database.
    pub queue: QueueClient<'a, H>,
    /// The function's log.
    pub log: Log<'a, H>,
    /// How the run is woken.
    pub signals: &'a Signals,
    /// What is on board.
    pub manifest: &'a Manifest,
    /// How long the isolate may work.
    pub budget: Budget,
    /// Who claims, for people who look at the table.
    pub worker_id: &'a str,
    shared: Shared,
}

impl<'a, H: Host> RunContext<'a, H> {
    /// The surroundings of a run in an isolate that began at `started_ms` on the host's clock.
    pub fn new(
        host: &'a H,
        config: &'a Config,
        signals: &'a Signals,
        manifest: &'a Manifest,
        started_ms: u64,
        worker_id: &'a str,
    ) -> Self {
        let budget = Budget::new(started_ms, config);
        Self {
            host,
            config,
            queue: QueueClient::new(host, budget.ends_at_ms(), config.lease_seconds),
            log: Log::new(host),
            signals,
            manifest,
            budget,
            worker_id,
            shared: Shared::default(),
        }
    }

    /// The same with what the jobs of the isolate's earlier runs had in common.
    pub fn sharing(self, shared: Shared) -> Self {
        Self { shared, ..self }
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            now_ms: self.host.now_ms(),
            cpu_ms: self.host.cpu_ms(),
            memory_bytes: self.host.memory_bytes(),
        }
    }

    /// When running jobs have to go on elsewhere, CPU time and memory permitting.
    pub(crate) fn hands_over_at_ms(&self) -> u64 {
        let planned_ms = self.budget.hands_over_at_ms();
        let announced_ms = self.signals.hand_over_at_ms();
        announced_ms.map_or(planned_ms, |at_ms| at_ms.min(planned_ms))
    }
}

/// What a handler can do besides computing.
pub struct JobContext<'a, H> {
    run: &'a RunContext<'a, H>,
    job: Job,
    deadline_ms: Option<u64>,
    entry: Rc<Entry>,
    progress: RefCell<Option<Progress>>,
    has_news: Cell<bool>,
    /// Whether progress is on its way to the database. Two at once could arrive in the wrong order.
    news_carrier: Cell<Option<Carrier>>,
    steps_begun: RefCell<Vec<String>>,
    steps_being_saved: Cell<u32>,
    /// Of the steps finished in this run.
    longest_step_ms: Cell<Option<u64>>,
    stop: Cell<Option<Stop>>,
}

/// Why a job's handler was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
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

/// How far a job is, for people who wait for it.
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The part of the work, a short word.
    pub phase: String,
    /// Units of this phase that are done.
    pub done: u32,
    /// Units of this phase.
    pub total: u32,
    /// A sentence for people.
    pub message: String,
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
            entry: run.manifest.add(&job),
            job,
            progress: RefCell::default(),
            has_news: Cell::default(),
            news_carrier: Cell::default(),
            steps_begun: RefCell::default(),
            steps_being_saved: Cell::default(),
            longest_step_ms: Cell::default(),
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

    /// Runs `run` and keeps its result under `name`; in a later run of the job, on whatever worker, returns
    /// that result and runs nothing. Steps are known by their names alone: their order may change from one
    /// version of a handler to the next. A kept result that is no `T` any more is paid again and replaced.
    ///
    /// A run that was killed while the step was under way leaves the step without a result, and it is run
    /// again: its effects outside may then have happened twice. [`Self::step_again`] knows.
    ///
    /// # Errors
    /// The error of `run`, or of starting or saving the step. [`JobError::Cancelled`] when the job was
    /// cancelled meanwhile: the result is kept all the same. [`JobError::HandOver`], before `run`, when
    /// the longest step so far would not fit into what time is left here. A permanent error when `name` was
    /// used before in this run, or when the result is larger than 1 MiB.
    pub async fn step<T, F>(&self, name: &str, run: impl FnOnce() -> F) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, JobError>>,
    {
        self.step_again(name, |_| run()).await
    }

    /// A step whose function is told whether an earlier run of the job began the step and never finished it.
    ///
    /// # Errors
    /// As for [`Self::step`].
    pub async fn step_again<T, F>(
        &self,
        name: &str,
        run: impl FnOnce(bool) -> F,
    ) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, JobError>>,
    {
        self.claim_name(name)?;
        if let Some(result) = self.saved_result(name) {
            return Ok(result);
        }
        let is_again = self.start_step(name).await?;
        let started_ms = self.now_ms();
        let result = run(is_again).await?;
        let saved = serde_json::to_value(&result);
        self.finish_step(name, saved, started_ms).await?;
        Ok(result)
    }

    /// How long the handler may still take: until its timeout, or until this isolate hands over.
    pub fn time_left_ms(&self) -> u64 {
        let ends_at_ms = self.run.hands_over_at_ms();
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

    /// Drives `future` to its end even if the job is handed over meanwhile, for a few seconds of what cannot be done
    /// twice. When the job is cancelled or lost it is dropped all the same.
    pub async fn uninterrupted<F: Future>(&self, future: F) -> F::Output {
        let _held = Saving::begin(&self.steps_being_saved);
        future.await
    }

    /// Writes one line to the function's log, with the job's id, type and attempt.
    pub fn log(&self, event: &str, fields: Value) {
        self.run.log.job_event(event, &self.job, &fields);
    }

    /// A step that cannot end here is not begun: what it costs would be lost. Without a step finished in this
    /// run it is begun all the same, because elsewhere it would have no more time.
    fn check_time(&self) -> Result<(), JobError> {
        if self.stop.get().is_some() {
            return Err(JobError::HandOver);
        }
        let left_ms = self.run.hands_over_at_ms().saturating_sub(self.now_ms());
        if self.longest_step_ms.get().is_none_or(|ms| ms <= left_ms) {
            return Ok(());
        }
        // Or this isolate would claim the job again.
        self.run.signals.drain(Stopped::WallClock);
        Err(JobError::HandOver)
    }

    fn saved_result<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let result = T::deserialize(self.job.steps.get(name)?).ok();
        if result.is_none() {
            // Saved by another version of the worker: better paid twice than failed.
            self.log("step_unreadable", json!({ "step": name }));
        }
        result
    }

    fn claim_name(&self, name: &str) -> Result<(), JobError> {
        let mut begun = self.steps_begun.borrow_mut();
        if begun.iter().any(|other| other == name) {
            return Err(refused(name, "expected a name that no other step has"));
        }
        begun.push(name.to_owned());
        Ok(())
    }

    async fn start_step(&self, name: &str) -> Result<bool, JobError> {
        self.check_time()?;
        match self.run.queue.start_step(&self.job, name).await? {
            Start::Held => Ok(false),
            Start::Again => Ok(true),
            Start::Cancelled => Err(JobError::Cancelled),
        }
    }

    async fn finish_step(
        &self,
        name: &str,
        result: serde_json::Result<Value>,
        started_ms: u64,
    ) -> Result<(), JobError> {
        let _saving = Saving::begin(&self.steps_being_saved);
        let result = result.map_err(|error| refused(name, &error.to_string()))?;
        let size = serde_json::to_string(&result).map_or(0, |text| text.len());
        if size > LARGEST_RESULT_BYTES {
            return Err(refused(
                name,
                "its result is larger than 1 MiB: put it into Storage and return its path",
            ));
        }
        let is_unreadable = self.job.steps.contains_key(name);
        let progress = self.take_news(Carrier::Step);
        let carries_news = progress.is_some();
        let save = self
            .run
            .queue
            .save_step(&self.job, name, result, progress, is_unreadable);
        let saved = save.await;
        if carries_news {
            self.news_carrier.set(None);
        }
        let standing = saved?;
        let ms = self.now_ms() - started_ms;
        self.log("step", json!({ "step": name, "ms": ms }));
        self.longest_step_ms
            .set(self.longest_step_ms.get().max(Some(ms)));
        go_on(standing)?;
        if self.stop.get().is_some() {
            // The handler may be waiting for something else besides.
            self.run.signals.wake();
            return Err(JobError::HandOver);
        }
        Ok(())
    }

    /// The job came to this end, which the database does not know yet.
    pub(crate) fn ended(&self, outcome: &Rc<Outcome>) {
        self.entry.ended(outcome.clone());
    }

    /// Runs `poll` in the name of this job, should it crash.
    pub(crate) fn polling<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.run.manifest.polling(&self.entry, poll)
    }

    /// The handler is to be stopped; answers whether its future may be dropped now. What was paid for is
    /// saved before.
    pub(crate) fn stop(&self, stop: Stop) -> bool {
        self.stop.set(Some(stop));
        self.steps_being_saved.get() == 0
    }

    /// Why the handler was stopped, if it was.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop.get()
    }

    /// When this run has to be over, on the host's clock: from then on the database refuses what it writes.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    /// A sign of life, with the progress that was not sent yet.
    pub(crate) fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
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
        self.run.manifest.remove(&self.entry);
    }
}

fn refused(step: &str, reason: &str) -> JobError {
    JobError::permanent(format!("step {step}: {reason}"))
}

fn go_on(standing: Standing) -> Result<(), JobError> {
    match standing {
        Standing::Held => Ok(()),
        Standing::Cancelled => Err(JobError::Cancelled),
        Standing::Lost => Err(JobError::LeaseLost),
    }
}

/// Counts a step as being saved, or about to be, for as long as it lives.
struct Saving<'a>(&'a Cell<u32>);

impl<'a> Saving<'a> {
    fn begin(count: &'a Cell<u32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Saving<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
