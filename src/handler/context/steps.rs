//! Steps: what a job has done is kept, and not done again.

use std::cell::Cell;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{JobContext, ProgressCarrier};
use crate::error::JobError;
use crate::host::Host;
use crate::isolate::StopReason;
use crate::queue::{LeaseStatus, StepStart};

/// A step's result travels to every later run of the job: larger ones belong into Storage. The database has the same
/// limit.
const LARGEST_RESULT_BYTES: usize = 1024 * 1024;

impl<H: Host> JobContext<'_, H> {
    /// Runs `run` and keeps its result under `name`; in a later run of the job, on whatever worker, returns
    /// that result and runs nothing. Steps are known by their names alone: their order may change from one
    /// version of a handler to the next. A kept result that is no `T` any more is made again and replaced.
    ///
    /// A run that was killed while the step was under way leaves the step without a result, and it is run
    /// again: its effects outside may then have happened twice. [`Self::step_again`] knows.
    ///
    /// # Errors
    /// The error of `run`, or of starting or saving the step. [`JobError::Cancelled`] when the job was
    /// cancelled meanwhile: the result is kept. [`JobError::HandOver`], before `run`, when
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
        self.reserve_name(name)?;
        if let Some(result) = self.saved_result(name) {
            return Ok(result);
        }
        let is_again = self.start_step(name).await?;
        let started_at_ms = self.now_ms();
        let result = run(is_again).await?;
        let encoded = serde_json::to_value(&result);
        self.finish_step(name, encoded, started_at_ms).await?;
        Ok(result)
    }

    /// Drives `future` to its end even if the job is handed over meanwhile. For what takes seconds and must not happen
    /// twice. A cancelled or lost job is dropped all the same.
    pub async fn uninterrupted<F: Future>(&self, future: F) -> F::Output {
        let _guard = StepSaveGuard::new(&self.steps_being_saved);
        future.await
    }

    /// Refuses a step that would not end in this isolate: its cost would be lost. The first step of a run always
    /// begins, because another isolate would have no more time for it.
    fn check_time(&self) -> Result<(), JobError> {
        if self.interruption.get().is_some() {
            return Err(JobError::HandOver);
        }
        let left_ms = self.run.hands_over_at_ms().saturating_sub(self.now_ms());
        if self.longest_step_ms.get().is_none_or(|ms| ms <= left_ms) {
            return Ok(());
        }
        // Or this isolate would claim the job again.
        self.run.signals.drain(StopReason::WallClock);
        Err(JobError::HandOver)
    }

    fn saved_result<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let result = T::deserialize(self.job.steps.get(name)?).ok();
        if result.is_none() {
            // Saved by another version of the worker: better made twice than failed.
            self.log("step_unreadable", json!({ "step": name }));
        }
        result
    }

    fn reserve_name(&self, name: &str) -> Result<(), JobError> {
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
            StepStart::Held => Ok(false),
            StepStart::Again => Ok(true),
            StepStart::Cancelled => Err(JobError::Cancelled),
        }
    }

    async fn finish_step(
        &self,
        name: &str,
        result: serde_json::Result<Value>,
        started_at_ms: u64,
    ) -> Result<(), JobError> {
        let _guard = StepSaveGuard::new(&self.steps_being_saved);
        let result = result.map_err(|error| refused(name, &error.to_string()))?;
        let size = serde_json::to_string(&result).map_or(0, |text| text.len());
        if size > LARGEST_RESULT_BYTES {
            return Err(refused(
                name,
                "its result is larger than 1 MiB: put it into Storage and return its path",
            ));
        }
        let is_unreadable = self.job.steps.contains_key(name);
        let progress = self.take_unsent_progress(ProgressCarrier::Step);
        let carries_progress = progress.is_some();
        let save = self
            .run
            .queue
            .save_step(&self.job, name, result, progress, is_unreadable);
        let saved = save.await;
        if carries_progress {
            self.progress_carrier.set(None);
        }
        let lease_status = saved?;
        let ms = self.now_ms() - started_at_ms;
        self.log("step", json!({ "step": name, "ms": ms }));
        self.longest_step_ms
            .set(self.longest_step_ms.get().max(Some(ms)));
        check_lease(lease_status)?;
        if self.interruption.get().is_some() {
            // The handler may be waiting for something else too.
            self.run.signals.wake();
            return Err(JobError::HandOver);
        }
        Ok(())
    }
}

fn refused(step: &str, reason: &str) -> JobError {
    JobError::permanent(format!("step {step}: {reason}"))
}

fn check_lease(status: LeaseStatus) -> Result<(), JobError> {
    match status {
        LeaseStatus::Held => Ok(()),
        LeaseStatus::Cancelled => Err(JobError::Cancelled),
        LeaseStatus::Lost => Err(JobError::LeaseLost),
    }
}

/// Counts a step as being saved, or about to be, while it lives.
struct StepSaveGuard<'a>(&'a Cell<u32>);

impl<'a> StepSaveGuard<'a> {
    fn new(count: &'a Cell<u32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for StepSaveGuard<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
