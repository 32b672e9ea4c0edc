//! What is known of the queue between two claims.

/// What the last claim said about the next.
#[derive(Default)]
pub(super) struct ClaimState {
    /// It brought less than it asked for.
    pub(super) is_queue_drained: bool,
    /// It asked for jobs that run alone as well.
    pub(super) was_idle: bool,
    /// What is in flight runs alone: nothing is claimed beside it.
    pub(super) has_suspects: bool,
    /// Such jobs wait: nothing is claimed until nothing is in flight.
    pub(super) suspects_wait: bool,
    /// What is ready fits only when something in flight has ended.
    pub(super) waits_for_room: bool,
    /// When to claim once more all the same: the database wakes nobody for jobs enqueued until then.
    pub(super) again_at_ms: Option<u64>,
}
