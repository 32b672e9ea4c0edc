//! One exchange with the database: results out, jobs in.

use uuid::Uuid;

use super::batch::Finished;
use crate::handler::RunContext;
use crate::host::Host;
use crate::queue::{Exchange, Exchanged, QueueError};

/// An exchange and its answer.
pub(super) struct Trip<'a, H> {
    pub(super) batch: Vec<Finished<'a, H>>,
    pub(super) max_jobs: usize,
    /// Chosen here and shared by all jobs of the claim, so that a lost answer can be asked for again.
    pub(super) lease_token: Uuid,
    pub(super) ms: u64,
    pub(super) answer: Result<Exchanged, QueueError>,
}

pub(super) async fn trip<'a, H: Host>(
    context: &'a RunContext<'a, H>,
    job_types: &[&str],
    batch: Vec<Finished<'a, H>>,
    max_jobs: usize,
    give_up_at_ms: u64,
) -> Trip<'a, H> {
    let since_ms = context.host.now_ms();
    let lease_token = Uuid::new_v4();
    let _claiming = (max_jobs > 0).then(|| context.manifest.claiming(lease_token));
    let exchange = Exchange {
        results: &batch,
        max_jobs,
        job_types,
        worker_id: context.worker_id,
        lease_seconds: context.config.lease_seconds,
        lease_token,
        is_repeat: false,
    };
    let answer = context.queue.exchange(&exchange, give_up_at_ms).await;
    Trip {
        batch,
        max_jobs,
        lease_token,
        ms: context.host.now_ms() - since_ms,
        answer,
    }
}
