//! How many requests all report jobs of an isolate send to xAI, and how fast. When one of them is told to slow down,
//! all of them do: the limit is the account's, not the job's.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use crate::config::GrokConfig;

/// What the account's limits are counted over.
const WINDOW_MS: u64 = 60_000;
/// A pause that nobody told the length of begins here and doubles while the same is said again.
const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 60_000;

/// What is under way and what was sent lately. Times are the host's.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    under_way: Cell<usize>,
    /// At most so many are under way since xAI complained; `None`: it has not, or not for long enough.
    narrowed_to: Cell<Option<usize>>,
    /// Complaints in a row.
    complaints: Cell<u32>,
    paused_until_ms: Cell<u64>,
    /// When each of the last requests was sent, and how many tokens it was reckoned at.
    sent: RefCell<VecDeque<(u64, u64)>>,
    /// Tokens that answered requests were reckoned at, and that they took.
    answered_tokens: Cell<(u64, u64)>,
    waiting: RefCell<Vec<Waker>>,
}

/// A place among the requests under way, given back when dropped.
#[derive(Debug)]
pub struct Place<'a>(&'a Limiter);

impl Limiter {
    /// Waits for a place.
    pub(super) async fn place(&self, config: &GrokConfig) -> Place<'_> {
        poll_fn(|task| self.poll_place(config, task)).await;
        Place(self)
    }

    /// How long xAI wants nobody to send anything.
    pub(super) fn pause_ms(&self, now_ms: u64) -> u64 {
        self.paused_until_ms.get().saturating_sub(now_ms)
    }

    /// How long to wait now before a request of so many tokens, 0 for not at all. Then it counts as sent.
    pub(super) fn wait_ms(&self, config: &GrokConfig, tokens: u64, now_ms: u64) -> u64 {
        let tokens = self.expected(tokens);
        let mut sent = self.sent.borrow_mut();
        while sent
            .front()
            .is_some_and(|(at_ms, _)| at_ms + WINDOW_MS <= now_ms)
        {
            sent.pop_front();
        }
        let pause_ms = self.pause_ms(now_ms);
        if pause_ms > 0 {
            return pause_ms;
        }
        let tokens_sent: u64 = sent.iter().map(|(_, tokens)| tokens).sum();
        let has_room = sent.len() < config.requests_per_minute as usize
            && tokens_sent + tokens <= u64::from(config.tokens_per_minute);
        match sent.front() {
            Some((at_ms, _)) if !has_room => at_ms + WINDOW_MS - now_ms,
            // A request that is too large for any minute is for xAI to refuse.
            _ => {
                sent.push_back((now_ms, tokens));
                0
            }
        }
    }

    /// xAI said that it is too much, and for how long if it did. All wait, and fewer go on at the same time.
    pub(super) fn complained(&self, config: &GrokConfig, pause_ms: Option<u64>, now_ms: u64) {
        let complaints = self.complaints.replace(self.complaints.get() + 1);
        let backoff_ms = FIRST_PAUSE_MS << complaints.min(6);
        let pause_ms = pause_ms.unwrap_or(backoff_ms).min(LONGEST_PAUSE_MS);
        let until_ms = self.paused_until_ms.get().max(now_ms + pause_ms);
        self.paused_until_ms.set(until_ms);
        let width = self.width(config);
        self.narrowed_to.set(Some((width / 2).max(1)));
    }

    /// A request was answered: one more may go on at the same time, up to what is configured.
    pub(super) fn answered(&self) {
        self.complaints.set(0);
        self.narrowed_to
            .set(self.narrowed_to.get().map(|width| width + 1));
        self.wake();
    }

    /// A request that was reckoned at so many tokens took `used`; what is reckoned from now on is corrected by that.
    pub(super) fn took(&self, reckoned: u64, used: u64) {
        if reckoned > 0 && used > 0 {
            let (all_reckoned, all_used) = self.answered_tokens.get();
            self.answered_tokens
                .set((all_reckoned + reckoned, all_used + used));
        }
    }

    fn expected(&self, reckoned: u64) -> u64 {
        match self.answered_tokens.get() {
            (0, _) => reckoned,
            (all_reckoned, all_used) => reckoned.saturating_mul(all_used) / all_reckoned,
        }
    }

    fn width(&self, config: &GrokConfig) -> usize {
        let most = config.concurrency;
        self.narrowed_to.get().map_or(most, |width| width.min(most))
    }

    fn poll_place(&self, config: &GrokConfig, task: &Context<'_>) -> Poll<()> {
        if self.under_way.get() < self.width(config) {
            self.under_way.set(self.under_way.get() + 1);
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(task.waker())) {
            waiting.push(task.waker().clone());
        }
        Poll::Pending
    }

    /// All of them, because some may have been dropped meanwhile; they come in the order they waited.
    fn wake(&self) {
        self.waiting.take().into_iter().for_each(Waker::wake);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
        self.0.wake();
    }
}
