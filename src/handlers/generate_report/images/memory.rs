//! How many bytes of photographs all jobs of an isolate have in memory at a time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use uuid::Uuid;

use super::{Format, Size};

/// One request full of large photographs, beside several with small ones. Each byte is there many times for a moment:
/// as it came, in the request as base64, and in the runtime's copies of that.
const MOST_BYTES: usize = 16 << 20;

/// A photo as it came.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    pub(super) format: Format,
    pub(super) size: Option<Size>,
    pub(super) bytes: Rc<Vec<u8>>,
}

/// A job's photo, by its alias. Not its address: another job may find something else there.
pub(super) type Key = (Uuid, String);

/// The bytes that are spoken for, and what is there until its room is needed.
#[derive(Debug, Default)]
pub(super) struct Memory {
    taken: Cell<usize>,
    /// Photos of requests that are over, the latest last: asked about once more they need not be fetched again.
    kept: RefCell<VecDeque<(Key, Fetched)>>,
    waiting: RefCell<Vec<Waker>>,
}

/// Bytes that are spoken for until this is dropped.
#[derive(Debug)]
pub struct Held {
    memory: Rc<Memory>,
    bytes: usize,
    photos: Vec<(Key, Fetched)>,
}

/// Waits until there is room for so many bytes, which is never more than there is altogether. Those of the photos in
/// `wanted` that are still here come with it.
pub(super) async fn hold(
    memory: &Rc<Memory>,
    bytes: usize,
    wanted: &[Key],
) -> (Held, Vec<(Key, Fetched)>) {
    poll_fn(|task| memory.poll_take(bytes, task)).await;
    let found = memory.recall(bytes, wanted);
    memory.make_room();
    let held = Held {
        memory: memory.clone(),
        bytes,
        photos: Vec::new(),
    };
    (held, found)
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

    /// Hands out what was kept of `wanted`, as much as `most_bytes` allow.
    fn recall(&self, most_bytes: usize, wanted: &[Key]) -> Vec<(Key, Fetched)> {
        let mut left = most_bytes;
        let (found, others): (Vec<_>, Vec<_>) =
            self.kept.take().into_iter().partition(|(key, photo)| {
                let fits = wanted.contains(key) && photo.bytes.len() <= left;
                left -= if fits { photo.bytes.len() } else { 0 };
                fits
            });
        self.kept.replace(others.into());
        found
    }

    /// Forgets what was kept longest until all fits.
    fn make_room(&self) {
        let mut kept = self.kept.borrow_mut();
        let mut bytes: usize = kept.iter().map(|(_, photo)| photo.bytes.len()).sum();
        while self.taken.get() + bytes > MOST_BYTES {
            let Some((_, photo)) = kept.pop_front() else {
                return;
            };
            bytes -= photo.bytes.len();
        }
    }

    fn give_back(&self, bytes: usize) {
        self.taken.set(self.taken.get() - bytes);
        self.waiting.take().into_iter().for_each(Waker::wake);
    }
}

impl Held {
    /// Counts a photo among those that are held.
    pub(super) fn add(&mut self, key: Key, photo: Fetched) {
        self.photos.push((key, photo));
    }

    /// Keeps only so many of the bytes.
    pub(super) fn keep(&mut self, bytes: usize) {
        let spare = self.bytes.saturating_sub(bytes);
        self.bytes -= spare;
        self.memory.give_back(spare);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes);
        self.memory.kept.borrow_mut().extend(self.photos.drain(..));
        self.memory.make_room();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn hold_now(memory: &Rc<Memory>, megabytes: usize, wanted: &[Key]) -> Option<(Held, usize)> {
        let (held, found) = hold(memory, megabytes << 20, wanted).now_or_never()?;
        Some((held, found.len()))
    }

    fn key(alias: &str) -> Key {
        (Uuid::nil(), alias.into())
    }

    /// A request that is over, with one photo.
    fn sent(memory: &Rc<Memory>, alias: &str, megabytes: usize) {
        let (mut held, _) = hold_now(memory, megabytes, &[]).expect("there is room");
        let photo = Fetched {
            format: Format::Jpeg,
            size: None,
            bytes: Rc::new(vec![0; megabytes << 20]),
        };
        held.add(key(alias), photo);
    }

    #[test]
    fn who_finds_no_room_waits_until_enough_is_given_back() {
        let memory = Rc::new(Memory::default());
        let take = |megabytes: usize| hold_now(&memory, megabytes, &[]);
        let (mut first, _) = take(10).expect("there is room");
        assert!(take(10).is_none());
        first.keep(2 << 20);
        let second = take(10).expect("there is room");
        assert!(take(5).is_none());
        drop(second);
        assert!(take(14).is_some());
    }

    #[test]
    fn photos_of_a_request_that_is_over_are_there_for_the_next_about_them() {
        let memory = Rc::new(Memory::default());
        sent(&memory, "p1", 4);
        sent(&memory, "p2", 5);
        let (held, found) = hold_now(&memory, 10, &[key("p1"), key("p3")]).expect("there is room");
        assert_eq!(found, 1);
        drop(held);
        assert_eq!(
            hold_now(&memory, 10, &[key("p1")]).map(|(_, found)| found),
            Some(0)
        );
        assert_eq!(
            hold_now(&memory, 10, &[key("p2")]).map(|(_, found)| found),
            Some(1)
        );
    }

    #[test]
    fn photos_nobody_asks_about_make_room_the_oldest_first() {
        let memory = Rc::new(Memory::default());
        for alias in ["p1", "p2", "p3"] {
            sent(&memory, alias, 4);
        }
        let all = [key("p1"), key("p2"), key("p3")];
        drop(hold_now(&memory, 10, &[]).expect("what is kept is in nobody's way"));
        assert_eq!(hold_now(&memory, 10, &all).map(|(_, found)| found), Some(1));
    }
}
