//! What the isolate tells a run while it runs.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use crate::isolate::StopReason;

/// Signals to the run in progress. Each wakes it.
#[derive(Debug, Default)]
pub struct Signals {
    drain_reason: Cell<Option<StopReason>>,
    hand_over_at_ms: Cell<Option<u64>>,
    is_claim_requested: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    woken: Cell<bool>,
}

impl Signals {
    /// Begins nothing new: no run of this isolate claims any more, and jobs that have not started are released.
    pub fn drain(&self, reason: StopReason) {
        let earlier = self.drain_reason.get();
        self.drain_reason.set(earlier.or(Some(reason)));
        self.wake();
    }

    /// Drains the isolate, which is about to end, and hands over what still runs at `at_ms` on the host's clock.
    pub fn shut_down(&self, at_ms: u64) {
        let earlier_ms = self.hand_over_at_ms.get();
        self.hand_over_at_ms.set(Some(
            earlier_ms.map_or(at_ms, |earlier_ms| at_ms.min(earlier_ms)),
        ));
        self.drain(StopReason::Shutdown);
    }

    /// Drains the isolate after a crash: nobody is left to be woken.
    pub fn retire(&self) {
        self.drain_reason.set(Some(StopReason::Shutdown));
    }

    /// There may be new jobs: the run claims once more before it ends.
    pub fn request_claim(&self) {
        self.is_claim_requested.set(true);
        self.wake();
    }

    /// Lets the run look at its state.
    pub(crate) fn wake(&self) {
        self.woken.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Why the isolate begins nothing new, if so.
    pub(crate) fn drain_reason(&self) -> Option<StopReason> {
        self.drain_reason.get()
    }

    /// When the isolate hands over because the platform announced its end.
    pub(crate) fn hand_over_at_ms(&self) -> Option<u64> {
        self.hand_over_at_ms.get()
    }

    pub(crate) fn is_claim_requested(&self) -> bool {
        self.is_claim_requested.get()
    }

    /// A claim begins: it answers the requests so far and none that comes later.
    pub(crate) fn begin_claim(&self) {
        self.is_claim_requested.set(false);
    }

    /// Whether a signal came since the last call; if not, the next one wakes `waker`.
    pub(crate) fn take_woken(&self, waker: &Waker) -> bool {
        if self.woken.take() {
            return true;
        }
        self.waker.replace(Some(waker.clone()));
        false
    }
}
