//! Permits that the jobs of an isolate share: whoever finds too few waits until some are given back.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Counts permits; a clone counts the same ones. How many there are is for each caller to say, so it may change.
#[derive(Debug, Clone, Default)]
pub struct Semaphore(Rc<PermitCount>);

#[derive(Debug, Default)]
struct PermitCount {
    taken: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

/// Permits, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    semaphore: Semaphore,
    count: usize,
}

impl Semaphore {
    /// Waits until no more than `most()` permits are taken with these `count`.
    pub async fn acquire(&self, count: usize, most: impl Fn() -> usize) -> Permit {
        poll_fn(|task| self.poll_acquire(count, most(), task)).await;
        Permit {
            semaphore: self.clone(),
            count,
        }
    }

    /// How many permits are taken.
    pub fn taken(&self) -> usize {
        self.0.taken.get()
    }

    /// Lets everybody who waits try again, first come, first served. All of them, because some may have given up.
    pub fn wake(&self) {
        self.0.waiting.take().into_iter().for_each(Waker::wake);
    }

    fn poll_acquire(&self, count: usize, most: usize, task: &Context<'_>) -> Poll<()> {
        let taken = self.taken() + count;
        if taken <= most {
            self.0.taken.set(taken);
            return Poll::Ready(());
        }
        let mut waiting = self.0.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(task.waker())) {
            waiting.push(task.waker().clone());
        }
        Poll::Pending
    }
}

impl Permit {
    /// Gives back all but `count`.
    pub fn shrink_to(&mut self, count: usize) {
        let spare = self.count.saturating_sub(count);
        self.count -= spare;
        self.semaphore.0.taken.set(self.semaphore.taken() - spare);
        self.semaphore.wake();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::testing::ScriptedHost;

    #[test]
    fn permits_come_back_when_they_are_dropped_or_shrunk() {
        let semaphore = Semaphore::default();
        let take = |count| semaphore.acquire(count, || 16).now_or_never();
        let mut first = take(10).expect("there are enough");
        assert!(take(10).is_none());
        first.shrink_to(2);
        let second = take(10).expect("there are enough");
        assert!(take(5).is_none());
        drop(second);
        assert!(take(14).is_some());
    }

    #[test]
    fn who_waits_gets_a_permit_though_another_gave_up_waiting() {
        let semaphore = Semaphore::default();
        let acquire = || semaphore.acquire(1, || 1);
        let mut permit = acquire().now_or_never();
        assert!(permit.is_some());
        assert!(acquire().now_or_never().is_none());
        let gives_back = async { drop(permit.take()) };
        ScriptedHost::new().run(async { futures_util::join!(acquire(), gives_back) });
    }
}
