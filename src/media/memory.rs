//! How many bytes of photographs all jobs of an isolate have in memory at a time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use uuid::Uuid;

use super::photograph::Photograph;
use crate::isolate::{Permit, Semaphore};

/// One request full of large photographs, beside several with small ones. Each byte is there many times for a moment:
/// as it came, in the request as base64, and in the runtime's copies of that.
const MOST_BYTES: usize = 16 << 20;

/// A job's photograph, by the job's name for it. Not its address: another job may find something else there.
pub type PhotographKey = (Uuid, String);

/// The bytes that are reserved, and photographs that are kept until their room is needed. All jobs of an isolate have
/// one, by [`JobContext::shared`](crate::handler::JobContext::shared).
#[derive(Debug, Default)]
pub struct ImageMemory {
    bytes: Semaphore,
    /// Photographs whose reservation is over, the latest last: needed once more they are not fetched again.
    kept: RefCell<VecDeque<(PhotographKey, Photograph)>>,
}

/// Bytes that are reserved until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    memory: Rc<ImageMemory>,
    permit: Permit,
    photographs: Vec<(PhotographKey, Photograph)>,
}

impl ImageMemory {
    /// Waits until there is room for so many bytes, of which more than there are altogether never come. Those of
    /// `wanted` that are kept come with it.
    pub async fn reserve(
        self: &Rc<Self>,
        bytes: usize,
        wanted: &[PhotographKey],
    ) -> (Reservation, Vec<(PhotographKey, Photograph)>) {
        let permit = self.bytes.acquire(bytes, || MOST_BYTES).await;
        let found = self.recall(bytes, wanted);
        self.make_room();
        let reservation = Reservation {
            memory: self.clone(),
            permit,
            photographs: Vec::new(),
        };
        (reservation, found)
    }

    /// Hands out what was kept of `wanted`, as much as `most_bytes` allow.
    fn recall(
        &self,
        most_bytes: usize,
        wanted: &[PhotographKey],
    ) -> Vec<(PhotographKey, Photograph)> {
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
        while self.bytes.taken() + bytes > MOST_BYTES {
            let Some((_, photo)) = kept.pop_front() else {
                return;
            };
            bytes -= photo.bytes.len();
        }
    }
}

impl Reservation {
    /// Keeps a photograph that fills a part of it for whoever needs it next.
    pub fn add(&mut self, key: PhotographKey, photograph: Photograph) {
        self.photographs.push((key, photograph));
    }

    /// Gives back all but so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.permit.shrink_to(bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.permit.shrink_to(0);
        let photographs = self.photographs.drain(..);
        self.memory.kept.borrow_mut().extend(photographs);
        self.memory.make_room();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::media::Format;

    fn reserve_now(
        memory: &Rc<ImageMemory>,
        megabytes: usize,
        wanted: &[PhotographKey],
    ) -> Option<(Reservation, usize)> {
        let (reservation, found) = memory.reserve(megabytes << 20, wanted).now_or_never()?;
        Some((reservation, found.len()))
    }

    fn key(alias: &str) -> PhotographKey {
        (Uuid::nil(), alias.into())
    }

    /// A request that is over, with one photograph.
    fn sent(memory: &Rc<ImageMemory>, alias: &str, megabytes: usize) {
        let (mut reservation, _) = reserve_now(memory, megabytes, &[]).expect("there is room");
        let photograph = Photograph {
            format: Format::Jpeg,
            dimensions: None,
            rotation: 0,
            is_whole: true,
            bytes: Rc::new(vec![0; megabytes << 20]),
        };
        reservation.add(key(alias), photograph);
    }

    #[test]
    fn who_finds_no_room_waits_until_enough_is_given_back() {
        let memory = Rc::new(ImageMemory::default());
        let (mut first, _) = reserve_now(&memory, 10, &[]).expect("there is room");
        assert!(reserve_now(&memory, 10, &[]).is_none());
        first.shrink_to(2 << 20);
        assert!(reserve_now(&memory, 14, &[]).is_some());
    }

    #[test]
    fn photographs_of_a_request_that_is_over_are_there_for_the_next_about_them() {
        let memory = Rc::new(ImageMemory::default());
        sent(&memory, "p1", 4);
        sent(&memory, "p2", 5);
        let found =
            |wanted: &[PhotographKey]| reserve_now(&memory, 10, wanted).map(|(_, found)| found);
        assert_eq!(found(&[key("p1"), key("p3")]), Some(1));
        assert_eq!(found(&[key("p1")]), Some(0));
        assert_eq!(found(&[key("p2")]), Some(1));
    }

    #[test]
    fn photographs_nobody_asks_about_make_room_the_oldest_first() {
        let memory = Rc::new(ImageMemory::default());
        for alias in ["p1", "p2", "p3"] {
            sent(&memory, alias, 4);
        }
        let all = [key("p1"), key("p2"), key("p3")];
        drop(reserve_now(&memory, 10, &[]).expect("what is kept is in nobody's way"));
        assert_eq!(
            reserve_now(&memory, 10, &all).map(|(_, found)| found),
            Some(1)
        );
    }
}
