//! Steps: what a job has done is kept, and not done again.

use std::cell::Cell;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::{JobContext, ProgressCarrier};
use crate::error::JobError;
use crate::host::Host;
use crate::isolate::{Cost, kind};
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
        let before = self.cost_so_far();
        let result = run(is_again).await?;
        let encoded = to_raw_value(&result);
        self.finish_step(name, encoded, before).await?;
        Ok(result)
    }

    /// Drives `future` to its end even if the job is handed over meanwhile. For what takes seconds and must not happen
    /// twice. A cancelled or lost job is dropped all the same.
    pub async fn uninterrupted<F: Future>(&self, future: F) -> F::Output {
        let _guard = StepSaveGuard::new(&self.steps_being_saved);
        future.await
    }

    /// Refuses a step that cannot end in this isolate: its cost would be lost. It begins all the same when a fresh
    /// isolate has no more to offer and this run has not finished a step yet.
    fn check_resources(&self, name: &str) -> Result<(), JobError> {
        if self.interruption.get().is_some() {
            return Err(JobError::HandOver);
        }
        let must_begin = self.longest_steps_ms.borrow().is_empty();
        let expected_ms = self.expected_ms(name);
        let resources = &self.run.resources;
        let lacking = resources.lacking_for_step(&self.job.job_type, name, expected_ms, must_begin);
        let Some(reason) = lacking else {
            return Ok(());
        };
        // Or this isolate would claim the job again.
        self.run.signals.drain(reason);
        Err(JobError::HandOver)
    }

    /// As long as the longest step of its kind in this run, else as the longest of all.
    fn expected_ms(&self, name: &str) -> u64 {
        let longest_ms = self.longest_steps_ms.borrow();
        let of_kind_ms = longest_ms.get(kind(name));
        of_kind_ms
            .or_else(|| longest_ms.values().max())
            .copied()
            .unwrap_or_default()
    }

    fn note_cost(&self, name: &str, cost: Cost) {
        let mut longest_ms = self.longest_steps_ms.borrow_mut();
        let of_kind_ms = longest_ms.entry(kind(name).to_owned()).or_default();
        *of_kind_ms = cost.wall_clock_ms.max(*of_kind_ms);
        let resources = &self.run.resources;
        resources.note_step(&self.job.job_type, name, cost.cpu_us);
    }

    /// The clock and the CPU time of this run.
    fn cost_so_far(&self) -> Cost {
        Cost {
            wall_clock_ms: self.now_ms(),
            cpu_us: self.cpu_us.get(),
        }
    }

    fn saved_result<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let result = self.job.steps.get(name)?;
        let result = serde_json::from_str(result.get()).ok();
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
        self.check_resources(name)?;
        match self.run.queue.start_step(&self.job, name).await? {
            StepStart::Held => Ok(false),
            StepStart::Again => Ok(true),
            StepStart::Cancelled => Err(JobError::Cancelled),
        }
    }

    async fn finish_step(
        &self,
        name: &str,
        result: serde_json::Result<Box<RawValue>>,
        before: Cost,
    ) -> Result<(), JobError> {
        let _guard = StepSaveGuard::new(&self.steps_being_saved);
        let result = result.map_err(|error| refused(name, &error.to_string()))?;
        if result.get().len() > LARGEST_RESULT_BYTES {
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
            .save_step(&self.job, name, &result, progress, is_unreadable);
        let saved = save.await;
        if carries_progress {
            self.progress_carrier.set(None);
        }
        let lease_status = saved?;
        let after = self.cost_so_far();
        let cost = Cost {
            wall_clock_ms: after.wall_clock_ms - before.wall_clock_ms,
            cpu_us: after.cpu_us - before.cpu_us,
        };
        let (ms, cpu_ms) = (cost.wall_clock_ms, cost.cpu_us / 1_000);
        self.log("step", json!({ "step": name, "ms": ms, "cpu_ms": cpu_ms }));
        self.note_cost(name, cost);
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
