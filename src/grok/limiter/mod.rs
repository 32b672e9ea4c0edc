//! How many requests all jobs of an isolate send to xAI, and how fast. When one of them is told to slow down,
//! all of them do: the limit is the account's, not the job's.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::config::GrokConfig;
use crate::isolate::{Permit, Semaphore};

/// What the account's limits are counted over.
const WINDOW_MS: u64 = 60_000;
/// A pause that nobody told the length of begins here and doubles while the same is said again.
const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 60_000;

/// What is under way and what was sent lately. Times are the host's.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    under_way: Semaphore,
    /// At most so many are under way since xAI complained; `None`: it has not, or not for long enough.
    narrowed_to: Cell<Option<usize>>,
    /// Complaints in a row.
    complaints: Cell<u32>,
    paused_until_ms: Cell<u64>,
    /// When each of the last requests was sent, and how many tokens it was expected to take.
    sent: RefCell<VecDeque<(u64, u64)>>,
    /// Tokens that answered requests were expected to take, and that they took.
    answered_tokens: Cell<(u64, u64)>,
}

impl Limiter {
    /// Waits for a permit to have one more request under way.
    pub(super) async fn permit(&self, config: &GrokConfig) -> Permit {
        self.under_way.acquire(1, || self.width(config)).await
    }

    /// How long xAI wants nobody to send anything.
    pub(super) fn pause_ms(&self, now_ms: u64) -> u64 {
        self.paused_until_ms.get().saturating_sub(now_ms)
    }

    /// Counts a request of so many tokens as sent, if it may be sent now.
    ///
    /// # Errors
    /// How many milliseconds to wait before the next try.
    pub(super) fn admit(&self, config: &GrokConfig, tokens: u64, now_ms: u64) -> Result<(), u64> {
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
            return Err(pause_ms);
        }
        let tokens_sent: u64 = sent.iter().map(|(_, tokens)| tokens).sum();
        let has_room = sent.len() < config.requests_per_minute as usize
            && tokens_sent + tokens <= u64::from(config.tokens_per_minute);
        match sent.front() {
            Some((at_ms, _)) if !has_room => Err(at_ms + WINDOW_MS - now_ms),
            // A request that is too large for any minute is for xAI to refuse.
            _ => {
                sent.push_back((now_ms, tokens));
                Ok(())
            }
        }
    }

    /// xAI said that it is too much, and for how long if it did. All wait, and fewer go on at the same time.
    pub(super) fn slow_down(&self, config: &GrokConfig, pause_ms: Option<u64>, now_ms: u64) {
        let complaints = self.complaints.replace(self.complaints.get() + 1);
        let backoff_ms = FIRST_PAUSE_MS << complaints.min(6);
        let pause_ms = pause_ms.unwrap_or(backoff_ms).min(LONGEST_PAUSE_MS);
        let until_ms = self.paused_until_ms.get().max(now_ms + pause_ms);
        self.paused_until_ms.set(until_ms);
        let width = self.width(config);
        self.narrowed_to.set(Some((width / 2).max(1)));
    }

    /// A request was answered: one more may go on at the same time, up to what is configured.
    pub(super) fn speed_up(&self) {
        self.complaints.set(0);
        self.narrowed_to
            .set(self.narrowed_to.get().map(|width| width + 1));
        self.under_way.wake();
    }

    /// A request that was expected to take so many tokens took `used`: later expectations are corrected by that.
    pub(super) fn learn(&self, expected: u64, used: u64) {
        if expected > 0 && used > 0 {
            let (all_expected, all_used) = self.answered_tokens.get();
            let sums = (all_expected + expected, all_used.saturating_add(used));
            self.answered_tokens.set(sums);
        }
    }

    fn expected(&self, tokens: u64) -> u64 {
        match self.answered_tokens.get() {
            (0, _) => tokens,
            (all_expected, all_used) => tokens.saturating_mul(all_used) / all_expected,
        }
    }

    fn width(&self, config: &GrokConfig) -> usize {
        let most = config.concurrency;
        self.narrowed_to.get().map_or(most, |width| width.min(most))
    }
}
