//! What turns the loop when something becomes due.

use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::host::Host;

/// One timer, set to whatever is due next.
pub struct Alarm<'a, H> {
    host: &'a H,
    set: Option<(u64, LocalBoxFuture<'a, ()>)>,
}

impl<'a, H: Host> Alarm<'a, H> {
    /// An alarm that is not set.
    pub fn new(host: &'a H) -> Self {
        Self { host, set: None }
    }

    /// Sets it to this moment on the host's clock, instead of the one before; `None` switches it off.
    pub fn set(&mut self, due_ms: Option<u64>) {
        if self.set.as_ref().map(|(set_ms, _)| *set_ms) == due_ms {
            return;
        }
        self.set = due_ms.map(|due_ms| {
            let pause_ms = due_ms.saturating_sub(self.host.now_ms());
            let pause_ms = u32::try_from(pause_ms).unwrap_or(u32::MAX);
            let sleep: LocalBoxFuture<'a, ()> = Box::pin(self.host.sleep_ms(pause_ms));
            (due_ms, sleep)
        });
    }

    /// Ready once when the moment has come.
    pub fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        let Some((_, sleep)) = &mut self.set else {
            return Poll::Pending;
        };
        let is_due = sleep.poll_unpin(task);
        if is_due.is_ready() {
            self.set = None;
        }
        is_due
    }
}
