//! Counts what became of the jobs and writes it to the log.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::report::RunReport;
use super::results::EndedJob;
use crate::host::Host;
use crate::isolate::RunContext;
use crate::isolate::StopReason;
use crate::job::Job;
use crate::queue::Outcome;
use crate::queue::{FinishStatus, QueueError};

pub(super) struct RunLog<'a, H> {
    context: &'a RunContext<'a, H>,
    since_ms: u64,
    report: RunReport,
}

#[derive(Serialize)]
struct Took<'e> {
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'e str>,
}

impl<'a, H: Host> RunLog<'a, H> {
    pub(super) fn new(
        context: &'a RunContext<'a, H>,
        unavailable: BTreeMap<Cow<'static, str>, &'static str>,
    ) -> Self {
        Self {
            context,
            since_ms: context.host.now_ms(),
            report: RunReport {
                unavailable,
                ..RunReport::default()
            },
        }
    }

    /// A job came in with a trip that took `ms`.
    pub(super) fn claimed(&mut self, job: &Job, ms: u64) {
        self.report.claimed += 1;
        self.write("claimed", job, ms, None);
    }

    /// The database has settled a job.
    pub(super) fn settled(&mut self, finished: &EndedJob<'a, H>, settled: FinishStatus) {
        let report = &mut self.report;
        let (event, count) = match settled {
            FinishStatus::Completed => ("completed", &mut report.completed),
            FinishStatus::Queued => match *finished.outcome {
                Outcome::Released { .. } => ("released", &mut report.released),
                Outcome::HandedOver => ("handed_over", &mut report.handed_over),
                _ => ("retried", &mut report.retried),
            },
            FinishStatus::Failed => ("failed", &mut report.failed),
            FinishStatus::Cancelled => ("cancelled", &mut report.cancelled),
            FinishStatus::Lost => ("lost", &mut report.lost),
        };
        *count += 1;
        self.write(event, finished.context.job(), finished.ms, finished.error());
    }

    /// A job turned out to be somebody else's by now.
    pub(super) fn lost(&mut self, job: &Job, ms: u64) {
        self.report.lost += 1;
        self.write("lost", job, ms, None);
    }

    /// A job ran longer than it may; the database gives it back to the queue or fails it.
    pub(super) fn timed_out(&mut self, job: &Job, ms: u64) {
        self.report.lost += 1;
        self.write("timed_out", job, ms, None);
    }

    /// The database stays away: results are lost, and their jobs come back when their leases expire.
    pub(super) fn undelivered(&mut self, batch: &[EndedJob<'a, H>], error: &QueueError) {
        self.context.log.failure("database_lost", error);
        let error = error.to_string();
        for finished in batch {
            self.report.lost += 1;
            self.write("lost", finished.context.job(), finished.ms, Some(&error));
        }
    }

    /// Whether the run got any job.
    pub(super) fn has_claimed(&self) -> bool {
        self.report.claimed > 0
    }

    pub(super) fn close(mut self, stopped: StopReason, error: Option<String>) -> RunReport {
        self.report.stopped = stopped;
        self.report.error = error;
        self.report.duration_ms = self.context.host.now_ms() - self.since_ms;
        self.context.log.event("run_finished", &self.report);
        self.context.log.flush();
        self.report
    }

    fn write(&self, event: &str, job: &Job, ms: u64, error: Option<&str>) {
        self.context.log.job_event(event, job, &Took { ms, error });
    }
}
