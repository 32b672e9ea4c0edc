//! What the jobs of a run share.

use super::budget::{Budget, ResourceUsage};
use super::crash_record::CrashRecord;
use super::shared::Shared;
use super::signals::Signals;
use crate::config::Config;
use crate::host::Host;
use crate::log::Log;
use crate::queue::QueueClient;

/// What all jobs of a run share.
pub struct RunContext<'a, H> {
    /// HTTP, clock and log.
    pub host: &'a H,
    /// The settings.
    pub config: &'a Config,
    /// The database.
    pub queue: QueueClient<'a, H>,
    /// The function's log.
    pub log: Log<'a, H>,
    /// What the isolate tells the run.
    pub signals: &'a Signals,
    /// The jobs in flight, for the case of a crash.
    pub crash_record: &'a CrashRecord,
    /// What the isolate may use.
    pub budget: Budget,
    /// Which worker claims, for people who look at the table.
    pub worker_id: &'a str,
    pub(crate) shared: Shared,
}

impl<'a, H: Host> RunContext<'a, H> {
    /// The context of a run in an isolate that began at `started_at_ms` on the host's clock.
    pub fn new(
        host: &'a H,
        config: &'a Config,
        signals: &'a Signals,
        crash_record: &'a CrashRecord,
        started_at_ms: u64,
        worker_id: &'a str,
    ) -> Self {
        let budget = Budget::new(started_at_ms, config);
        Self {
            host,
            config,
            queue: QueueClient::new(host, budget.ends_at_ms(), config.lease_seconds),
            log: Log::new(host),
            signals,
            crash_record,
            budget,
            worker_id,
            shared: Shared::default(),
        }
    }

    /// The same with what the isolate's earlier runs shared.
    pub fn sharing(self, shared: Shared) -> Self {
        Self { shared, ..self }
    }

    pub(crate) fn usage(&self) -> ResourceUsage {
        ResourceUsage {
            now_ms: self.host.now_ms(),
            cpu_ms: self.host.cpu_ms(),
            memory_bytes: self.host.memory_bytes(),
        }
    }

    /// When running jobs are handed over, unless CPU time or memory is used up before.
    pub(crate) fn hands_over_at_ms(&self) -> u64 {
        let planned_ms = self.budget.hands_over_at_ms();
        let announced_ms = self.signals.hand_over_at_ms();
        announced_ms.map_or(planned_ms, |at_ms| at_ms.min(planned_ms))
    }
}
