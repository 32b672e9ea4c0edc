//! Counts what became of the jobs of a run and writes it to the log.

use serde::Serialize;

use super::availability::Reasons;
use super::pending_result::PendingResult;
use super::report::RunReport;
use crate::error::ErrorMessage;
use crate::host::Host;
use crate::isolate::{RunContext, StopReason};
use crate::job::Job;
use crate::queue::{FinishStatus, Outcome, QueueError};

pub(super) struct RunLog<'a, H> {
    context: &'a RunContext<'a, H>,
    started_at_ms: u64,
    report: RunReport,
}

/// What a line about a job says besides which job.
#[derive(Serialize)]
struct JobFields<'e> {
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'e ErrorMessage>,
}

/// What a line about a type that rests says.
#[derive(Serialize)]
struct RestFields<'e> {
    job_type: &'e str,
    reason: &'e ErrorMessage,
}

impl<'a, H: Host> RunLog<'a, H> {
    pub(super) fn new(context: &'a RunContext<'a, H>) -> Self {
        Self {
            context,
            started_at_ms: context.host.now_ms(),
            report: RunReport::default(),
        }
    }

    /// A job was claimed; the exchange took `ms`.
    pub(super) fn claimed(&mut self, job: &Job, ms: u64) {
        self.report.claimed += 1;
        self.write("claimed", job, ms, None);
    }

    /// The database has stored a job's result.
    pub(super) fn finished(&mut self, result: &PendingResult<'a, H>, status: FinishStatus) {
        let report = &mut self.report;
        let (event, count) = match status {
            FinishStatus::Completed => ("completed", &mut report.completed),
            FinishStatus::Queued => match *result.outcome {
                Outcome::Released { .. } => ("released", &mut report.released),
                Outcome::HandedOver { .. } => ("handed_over", &mut report.handed_over),
                Outcome::TimedOut => ("timed_out", &mut report.retried),
                _ => ("retried", &mut report.retried),
            },
            FinishStatus::Failed => match *result.outcome {
                Outcome::TimedOut => ("timed_out", &mut report.failed),
                _ => ("failed", &mut report.failed),
            },
            FinishStatus::Cancelled => ("cancelled", &mut report.cancelled),
            FinishStatus::Lost => ("lost", &mut report.lost),
        };
        *count += 1;
        self.write(event, result.context.job(), result.ms, result.error());
    }

    /// The lease on a job was lost.
    pub(super) fn lost(&mut self, job: &Job, ms: u64) {
        self.report.lost += 1;
        self.write("lost", job, ms, None);
    }

    /// The database stays unavailable: the results are lost, and their jobs come back when their leases expire.
    pub(super) fn undelivered(&mut self, results: &[PendingResult<'a, H>], error: &QueueError) {
        self.context.log.failure("database_unavailable", error);
        let error = ErrorMessage::of(error);
        for result in results {
            self.report.lost += 1;
            self.write("lost", result.context.job(), result.ms, Some(&error));
        }
    }

    pub(super) fn has_claimed(&self) -> bool {
        self.report.claimed > 0
    }

    /// A job found out that its type cannot be run now.
    pub(super) fn unavailable(&self, job_type: &str, reason: &ErrorMessage) {
        let fields = RestFields { job_type, reason };
        self.context.log.event("unavailable", &fields);
    }

    pub(super) fn close(
        mut self,
        stopped: StopReason,
        error: Option<ErrorMessage>,
        unavailable: Reasons,
    ) -> RunReport {
        self.report.unavailable = unavailable;
        self.report.stopped = stopped;
        self.report.error = error;
        self.report.duration_ms = self.context.host.now_ms() - self.started_at_ms;
        self.context.log.event("run_finished", &self.report);
        self.context.log.flush();
        self.report
    }

    fn write(&self, event: &str, job: &Job, ms: u64, error: Option<&ErrorMessage>) {
        let fields = JobFields { ms, error };
        self.context.log.job_event(event, job, &fields);
    }
}
