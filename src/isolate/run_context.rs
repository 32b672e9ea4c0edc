//! What the jobs of a run share.

use super::shared::Shared;
use crate::config::Config;
use crate::host::Host;
use crate::isolate::{CrashRecord, Resources, Signals};
use crate::log::Log;
use crate::queue::QueueClient;

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
    pub crash_record: &'a CrashRecord,
    /// What the isolate may use, and has used.
    pub resources: Resources<'a, H>,
    /// Who claims, for people who look at the table.
    pub worker_id: &'a str,
    pub(crate) shared: Shared,
}

impl<'a, H: Host> RunContext<'a, H> {
    /// The surroundings of a run in an isolate that began at `started_ms` on the host's clock.
    pub fn new(
        host: &'a H,
        config: &'a Config,
        signals: &'a Signals,
        crash_record: &'a CrashRecord,
        started_ms: u64,
        worker_id: &'a str,
    ) -> Self {
        let resources = Resources::new(host, config, signals, started_ms);
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

    /// The same with what the jobs of the isolate's earlier runs had in common.
    pub fn sharing(self, shared: Shared) -> Self {
        Self {
            resources: self.resources.sharing(&shared),
            shared,
            ..self
        }
    }
}
