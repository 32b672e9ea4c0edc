//! How long to wait after exchanges that failed.

use crate::queue::QueueError;
use crate::queue::retry::{self, Retryability};

/// The last exchanges failed.
pub(super) struct Outage {
    pub(super) error: QueueError,
    pub(super) failures: u32,
    pub(super) retry_at_ms: u64,
    /// The database would refuse every further claim.
    pub(super) is_refusal: bool,
}

impl Outage {
    /// After the `failures`th failure in a row. Results are sent again even after a refusal: the database
    /// may be repaired meanwhile.
    pub(super) fn new(
        error: QueueError,
        retryability: Retryability,
        failures: u32,
        now_ms: u64,
    ) -> Self {
        let pause_ms = retry::pause_ms(retryability, error.retry_after_ms(), failures);
        let is_refusal = pause_ms.is_none();
        let pause_ms = pause_ms.unwrap_or_else(|| retry::backoff_ms(failures));
        Self {
            error,
            failures,
            retry_at_ms: now_ms + u64::from(pause_ms),
            is_refusal,
        }
    }
}
