//! Wakes the loop when something becomes due.

use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::host::Host;

/// One timer, set to whatever is due next.
pub struct Alarm<'a, H> {
    host: &'a H,
    timer: Option<(u64, LocalBoxFuture<'a, ()>)>,
}

impl<'a, H: Host> Alarm<'a, H> {
    /// An alarm that is not set.
    pub fn new(host: &'a H) -> Self {
        Self { host, timer: None }
    }

    /// Sets the alarm to a moment on the host's clock; `None` switches it off.
    pub fn set(&mut self, due_at_ms: Option<u64>) {
        if self.timer.as_ref().map(|(at_ms, _)| *at_ms) == due_at_ms {
            return;
        }
        self.timer = due_at_ms.map(|due_at_ms| {
            let pause_ms = due_at_ms.saturating_sub(self.host.now_ms());
            let pause_ms = u32::try_from(pause_ms).unwrap_or(u32::MAX);
            let sleep: LocalBoxFuture<'a, ()> = Box::pin(self.host.sleep_ms(pause_ms));
            (due_at_ms, sleep)
        });
    }

    /// Ready once when the moment has come.
    pub fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        let Some((_, sleep)) = &mut self.timer else {
            return Poll::Pending;
        };
        let is_due = sleep.poll_unpin(task);
        if is_due.is_ready() {
            self.timer = None;
        }
        is_due
    }
}
