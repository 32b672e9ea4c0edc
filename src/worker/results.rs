//! Results on their way to the database.

use std::rc::Rc;

use serde::{Serialize, Serializer};

use crate::handler::JobContext;
use crate::host::Host;
use crate::queue::Outcome;
use crate::queue::{JobResult, QueueError};

/// A job's result and what the log says about it.
pub(super) struct EndedJob<'a, H> {
    pub(super) context: Rc<JobContext<'a, H>>,
    pub(super) ms: u64,
    pub(super) outcome: Rc<Outcome>,
    /// The database refused the job's own result, and `outcome` stands in for it.
    is_stand_in: bool,
}

impl<'a, H: Host> EndedJob<'a, H> {
    pub(super) fn new(context: Rc<JobContext<'a, H>>, ms: u64, outcome: Outcome) -> Self {
        let outcome = Rc::new(outcome);
        context.ended(&outcome);
        Self {
            context,
            ms,
            outcome,
            is_stand_in: false,
        }
    }

    /// The failure to record instead of a result that the database refuses to store; `None` when it
    /// refused that too.
    pub(super) fn refused(mut self, error: &QueueError) -> Option<Self> {
        if self.is_stand_in {
            return None;
        }
        self.is_stand_in = true;
        self.outcome = Rc::new(Outcome::permanent(format!(
            "the database refuses to store the result: {error}"
        )));
        self.context.ended(&self.outcome);
        Some(self)
    }

    /// The error the log shows.
    pub(super) fn error(&self) -> Option<&str> {
        match &*self.outcome {
            Outcome::Failed { error_message, .. } => Some(error_message),
            Outcome::Completed { .. }
            | Outcome::Cancelled
            | Outcome::Released { .. }
            | Outcome::HandedOver => None,
        }
    }
}

impl<H: Host> Serialize for EndedJob<'_, H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let job = self.context.job();
        JobResult {
            job_id: job.id,
            lease_token: job.lease_token,
            outcome: &self.outcome,
        }
        .serialize(serializer)
    }
}
