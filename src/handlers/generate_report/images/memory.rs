//! How many bytes of photographs all jobs of an isolate have in memory at a time.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// One request full of large photographs, beside several with small ones. Each byte is there many times for a moment:
/// as it came, in the request as base64, and in the runtime's copies of that.
const MOST_BYTES: usize = 16 << 20;

/// The bytes that are spoken for.
#[derive(Debug, Default)]
pub(super) struct Memory {
    taken: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

/// Bytes that are spoken for until this is dropped.
#[derive(Debug)]
pub struct Held {
    memory: Rc<Memory>,
    bytes: usize,
}

/// Waits until there is room for so many bytes, which is never more than there is altogether.
pub(super) async fn hold(memory: &Rc<Memory>, bytes: usize) -> Held {
    poll_fn(|task| memory.poll_take(bytes, task)).await;
    Held {
        memory: memory.clone(),
        bytes,
    }
}

impl Memory {
    fn poll_take(&self, bytes: usize, task: &Context<'_>) -> Poll<()> {
        let taken = self.taken.get() + bytes;
        if taken <= MOST_BYTES {
            self.taken.set(taken);
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(task.waker())) {
            waiting.push(task.waker().clone());
        }
        Poll::Pending
    }

    fn give_back(&self, bytes: usize) {
        self.taken.set(self.taken.get() - bytes);
        self.waiting.take().into_iter().for_each(Waker::wake);
    }
}

impl Held {
    /// Keeps only so many of them.
    pub(super) fn keep(&mut self, bytes: usize) {
        let spare = self.bytes.saturating_sub(bytes);
        self.bytes -= spare;
        self.memory.give_back(spare);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn who_finds_no_room_waits_until_enough_is_given_back() {
        let memory = Rc::new(Memory::default());
        let take = |megabytes: usize| hold(&memory, megabytes << 20).now_or_never();
        let mut first = take(10).expect("there is room");
        assert!(take(10).is_none());
        first.keep(2 << 20);
        let second = take(10).expect("there is room");
        assert!(take(5).is_none());
        drop(second);
        assert!(take(14).is_some());
    }
}
