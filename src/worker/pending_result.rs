//! Results on their way to the database.

use std::rc::Rc;

use serde::{Serialize, Serializer};

use crate::error::ErrorMessage;
use crate::handler::JobContext;
use crate::host::Host;
use crate::queue::{JobResult, Outcome, QueueError};

/// A job's result that the database has not confirmed.
pub(super) struct PendingResult<'a, H> {
    pub(super) context: Rc<JobContext<'a, H>>,
    /// How long the job ran.
    pub(super) ms: u64,
    pub(super) outcome: Rc<Outcome>,
    /// The database refused the job's own result, and `outcome` is the failure recorded instead.
    is_substitute: bool,
    /// How often the database ran out of time over this result alone.
    timeouts: u32,
}

/// One timeout may be the database's bad moment; a result that times out alone again and again is too much for it.
const MOST_TIMEOUTS: u32 = 3;

impl<'a, H: Host> PendingResult<'a, H> {
    pub(super) fn new(context: Rc<JobContext<'a, H>>, ms: u64, outcome: Outcome) -> Self {
        let outcome = Rc::new(outcome);
        context.record_outcome(&outcome);
        Self {
            context,
            ms,
            outcome,
            is_substitute: false,
            timeouts: 0,
        }
    }

    /// The failure to record instead of a result that the database refuses to store; `None` when it refused that too.
    pub(super) fn into_failure(mut self, error: &QueueError) -> Option<Self> {
        if self.is_substitute {
            return None;
        }
        self.is_substitute = true;
        self.outcome = Rc::new(Outcome::permanent(&format_args!(
            "the database refuses to store the result: {error}"
        )));
        self.context.record_outcome(&self.outcome);
        Some(self)
    }

    /// Counts a timeout over this result alone. Returns whether it is not worth sending again.
    pub(super) fn add_timeout(&mut self) -> bool {
        self.timeouts += 1;
        self.timeouts >= MOST_TIMEOUTS
    }

    /// How many bytes of text it carries.
    pub(super) fn bytes(&self) -> usize {
        self.outcome.bytes()
    }

    /// The error the log shows.
    pub(super) fn error(&self) -> Option<&ErrorMessage> {
        match &*self.outcome {
            Outcome::Failed { error_message, .. } => Some(error_message),
            Outcome::Released { error_message, .. } => error_message.as_ref(),
            Outcome::Completed { .. }
            | Outcome::TimedOut
            | Outcome::Cancelled
            | Outcome::HandedOver { .. } => None,
        }
    }
}

impl<H: Host> Serialize for PendingResult<'_, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let job = self.context.job();
        let has_timeout = job.timeout_seconds.is_some();
        JobResult::of(job.id, job.lease_token, has_timeout, &self.outcome).serialize(serializer)
    }
}
