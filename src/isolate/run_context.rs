//! What the jobs of a run share.

use super::crash_record::CrashRecord;
use super::resources::Resources;
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
    /// What the isolate may use, and what it has used.
    pub resources: Resources<'a, H>,
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
        let resources = Resources::new(host, config, signals, started_at_ms);
        let ends_at_ms = resources.limits().ends_at_ms();
        Self {
            host,
            config,
            queue: QueueClient::new(host, ends_at_ms, config.lease_seconds),
            log: Log::new(host),
            signals,
            crash_record,
            resources,
            worker_id,
            shared: Shared::default(),
        }
    }

    /// The same with what the isolate's earlier runs shared.
    pub fn sharing(self, shared: Shared) -> Self {
        Self {
            resources: self.resources.sharing(&shared),
            shared,
            ..self
        }
    }
}
