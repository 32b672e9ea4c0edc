//! What reaches a run from outside while it runs.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use crate::isolate::StopReason;

/// Messages to the run in progress. Sending one wakes it.
#[derive(Debug, Default)]
pub struct Signals {
    drained: Cell<Option<StopReason>>,
    hand_over_at_ms: Cell<Option<u64>>,
    look_again: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    woken: Cell<bool>,
}

impl Signals {
    /// The isolate is not to begin anything new: no run of it claims any more, and what has not started is
    /// handed back.
    pub fn drain(&self, reason: StopReason) {
        self.drained.set(self.drained.get().or(Some(reason)));
        self.wake();
    }

    /// The isolate is about to end: it is drained, and what still runs at `at_ms` on the host's clock is
    /// handed over.
    pub fn shut_down(&self, at_ms: u64) {
        let earlier_ms = self.hand_over_at_ms.get();
        self.hand_over_at_ms.set(Some(
            earlier_ms.map_or(at_ms, |earlier_ms| at_ms.min(earlier_ms)),
        ));
        self.drain(StopReason::Shutdown);
    }

    /// The isolate has crashed: it begins nothing new, and nobody is woken.
    pub fn retire(&self) {
        self.drained.set(Some(StopReason::Shutdown));
    }

    /// There may be new jobs: the run asks for some once more before it ends.
    pub fn look_again(&self) {
        self.look_again.set(true);
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
    pub(crate) fn drained(&self) -> Option<StopReason> {
        self.drained.get()
    }

    /// When the isolate hands over because it was told of its end.
    pub(crate) fn hand_over_at_ms(&self) -> Option<u64> {
        self.hand_over_at_ms.get()
    }

    pub(crate) fn is_to_look_again(&self) -> bool {
        self.look_again.get()
    }

    /// The run is asking: whoever comes from now on wants it asked once more.
    pub(crate) fn looking(&self) {
        self.look_again.set(false);
    }

    /// Whether something came since the last time; if not, `waker` is woken when it does.
    pub(crate) fn take_woken(&self, waker: &Waker) -> bool {
        if self.woken.take() {
            return true;
        }
        self.waker.replace(Some(waker.clone()));
        false
    }
}
