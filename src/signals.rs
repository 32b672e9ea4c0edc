//! What reaches a run from outside while it runs.

use std::cell::{Cell, RefCell};
use std::task::Waker;

/// Messages to the run in progress. Sending one wakes it.
#[derive(Debug, Default)]
pub struct Signals {
    shutdown: Cell<bool>,
    look_again: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    woken: Cell<bool>,
}

impl Signals {
    /// The isolate is about to end: no run of it claims any more, and what has not started is handed back.
    pub fn shut_down(&self) {
        self.shutdown.set(true);
        self.wake();
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

    pub(crate) fn is_shut_down(&self) -> bool {
        self.shutdown.get()
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
