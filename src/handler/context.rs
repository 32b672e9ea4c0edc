//! What a handler gets besides its input: steps, progress, requests, the clock and the log.

use std::cell::{Cell, RefCell};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::budget::Budget;
use crate::config::Config;
use crate::error::JobError;
use crate::host::{Host, HttpRequest, HttpResponse, TransportError};
use crate::job::Job;
use crate::log::Log;
use crate::queue::{Heartbeat, QueueClient, QueueError, Standing};
use crate::signals::Signals;

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
    /// How long the isolate may work.
    pub budget: Budget,
    /// Who claims, for people who look at the table.
    pub worker_id: &'a str,
}

impl<'a, H: Host> RunContext<'a, H> {
    /// The surroundings of a run in an isolate that began at `started_ms` on the host's clock.
    pub fn new(
        host: &'a H,
        config: &'a Config,
        signals: &'a Signals,
        started_ms: u64,
        worker_id: &'a str,
    ) -> Self {
        let budget = Budget::new(started_ms, config.wall_clock_seconds);
        Self {
            host,
            config,
            queue: QueueClient::new(host, budget.ends_at_ms(), config.lease_seconds),
            log: Log::new(host),
            signals,
            budget,
            worker_id,
        }
    }
}

/// What a handler can do besides computing.
pub struct JobContext<'a, H> {
    run: &'a RunContext<'a, H>,
    job: Job,
    progress: RefCell<Option<Progress>>,
    has_news: Cell<bool>,
}

/// How far a job is, for people who wait for it.
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
        Self {
            run,
            job,
            progress: RefCell::default(),
            has_news: Cell::default(),
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

    /// Runs `run` and keeps its result under `name`; in a later attempt returns that result and runs nothing.
    ///
    /// # Errors
    /// The error of `run`, or of saving; [`JobError::Cancelled`] when the job was cancelled meanwhile: the
    /// result is kept all the same.
    pub async fn step<T, F>(&self, name: &str, run: impl FnOnce() -> F) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, JobError>>,
    {
        if let Some(result) = self.saved_result(name) {
            return Ok(result);
        }
        let started_ms = self.now_ms();
        let result = run().await?;
        let saved = serde_json::to_value(&result)
            .map_err(|error| JobError::permanent(format!("step {name}: {error}")))?;
        let standing = self.save_step(name, saved).await?;
        let ms = self.now_ms() - started_ms;
        self.log("step", json!({ "step": name, "ms": ms }));
        match standing {
            Standing::Held => Ok(result),
            Standing::Cancelled => Err(JobError::Cancelled),
            Standing::Lost => Err(JobError::LeaseLost),
        }
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

    /// Writes one line to the function's log, with the job's id, type and attempt.
    pub fn log(&self, event: &str, fields: Value) {
        self.run.log.job_event(event, &self.job, &fields);
    }

    fn saved_result<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let result = T::deserialize(self.job.steps.get(name)?).ok();
        if result.is_none() {
            // Saved by another version of the worker: better paid twice than failed.
            self.log("step_unreadable", json!({ "step": name }));
        }
        result
    }

    async fn save_step(&self, name: &str, result: Value) -> Result<Standing, QueueError> {
        let progress = self.take_news();
        self.run
            .queue
            .save_step(&self.job, name, result, progress)
            .await
    }

    /// A sign of life, with the progress that was not sent yet.
    pub(crate) fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
            job_id: self.job.id,
            lease_token: self.job.lease_token,
            progress: self.take_news(),
        }
    }

    /// What was taken did not arrive.
    pub(crate) fn keep_news(&self) {
        self.has_news.set(self.progress.borrow().is_some());
    }

    pub(crate) fn has_news(&self) -> bool {
        self.has_news.get()
    }

    fn take_news(&self) -> Option<Progress> {
        self.has_news
            .take()
            .then(|| self.progress.borrow().clone())
            .flatten()
    }
}
