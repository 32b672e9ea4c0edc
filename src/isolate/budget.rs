//! What this isolate may still use. The platform ends it without asking when its wall clock, its CPU time or its memory
//! is used up.

use super::stop_reason::StopReason;
use crate::config::Config;

/// What one isolate may use, and which part of it before claims stop and running jobs are handed over.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    started_at_ms: u64,
    wall_clock_ms: u64,
    cpu_ms: u64,
    memory_bytes: u64,
    claim_percent: u64,
    hand_over_percent: u64,
}

/// What an isolate has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResourceUsage {
    /// On the host's clock.
    pub now_ms: u64,
    /// See [`crate::host::Host::cpu_ms`].
    pub cpu_ms: u64,
    /// See [`crate::host::Host::memory_bytes`].
    pub memory_bytes: u64,
}

impl Budget {
    /// The budget of an isolate that began at `started_at_ms`.
    pub fn new(started_at_ms: u64, config: &Config) -> Self {
        Self {
            started_at_ms,
            wall_clock_ms: u64::from(config.wall_clock_seconds) * 1_000,
            cpu_ms: u64::from(config.cpu_milliseconds),
            memory_bytes: u64::from(config.memory_megabytes) * 1024 * 1024,
            claim_percent: u64::from(config.claim_percent),
            hand_over_percent: u64::from(config.hand_over_percent),
        }
    }

    /// What is used up too far for another claim, if anything.
    pub fn ends_claims(&self, usage: ResourceUsage) -> Option<StopReason> {
        self.used_up(usage, self.claim_percent)
    }

    /// What is used up so far that running jobs are handed over, if anything.
    pub fn ends_runs(&self, usage: ResourceUsage) -> Option<StopReason> {
        self.used_up(usage, self.hand_over_percent)
    }

    /// From when on no job is claimed.
    pub fn claims_until_ms(&self) -> u64 {
        self.started_at_ms + self.wall_clock_ms * self.claim_percent / 100
    }

    /// When running jobs are handed over.
    pub fn hands_over_at_ms(&self) -> u64 {
        self.started_at_ms + self.wall_clock_ms * self.hand_over_percent / 100
    }

    /// When the platform ends the isolate.
    pub fn ends_at_ms(&self) -> u64 {
        self.started_at_ms + self.wall_clock_ms
    }

    /// When to hand over if the platform announces at `now_ms` that the wall clock is about to run out. It does so when
    /// a tenth is left (`cli/src/flags.rs` of supabase/edge-runtime). Half of that goes to the jobs, so that a request
    /// already paid for may still be answered.
    pub fn announced_end_ms(&self, now_ms: u64) -> u64 {
        let age_ms = now_ms.saturating_sub(self.started_at_ms);
        self.hands_over_at_ms().min(now_ms + age_ms / 9 / 2)
    }

    fn used_up(&self, usage: ResourceUsage, percent: u64) -> Option<StopReason> {
        let is_used_up = |used: u64, limit: u64| used >= limit * percent / 100;
        if is_used_up(usage.now_ms - self.started_at_ms, self.wall_clock_ms) {
            Some(StopReason::WallClock)
        } else if is_used_up(usage.cpu_ms, self.cpu_ms) {
            Some(StopReason::Cpu)
        } else if is_used_up(usage.memory_bytes, self.memory_bytes) {
            Some(StopReason::Memory)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    const STARTED_AT_MS: u64 = 1_000;

    fn budget() -> Budget {
        Budget::new(STARTED_AT_MS, &config(&[]))
    }

    fn usage(now_ms: u64, cpu_ms: u64, memory_megabytes: u64) -> ResourceUsage {
        ResourceUsage {
            now_ms,
            cpu_ms,
            memory_bytes: memory_megabytes * 1024 * 1024,
        }
    }

    #[test]
    fn claims_stop_at_half_of_whatever_is_used_up_first() {
        let ends_claims = |usage| budget().ends_claims(usage);
        assert_eq!(ends_claims(usage(75_999, 999, 127)), None);
        assert_eq!(
            ends_claims(usage(76_000, 0, 0)),
            Some(StopReason::WallClock)
        );
        assert_eq!(ends_claims(usage(1_000, 1_000, 0)), Some(StopReason::Cpu));
        assert_eq!(ends_claims(usage(1_000, 0, 128)), Some(StopReason::Memory));
    }

    #[test]
    fn jobs_are_handed_over_when_a_twentieth_is_left() {
        let ends_runs = |usage| budget().ends_runs(usage);
        assert_eq!(ends_runs(usage(143_499, 1_899, 243)), None);
        assert_eq!(ends_runs(usage(143_500, 0, 0)), Some(StopReason::WallClock));
        assert_eq!(ends_runs(usage(1_000, 1_900, 0)), Some(StopReason::Cpu));
        assert_eq!(ends_runs(usage(1_000, 0, 244)), Some(StopReason::Memory));
        assert_eq!(budget().hands_over_at_ms(), 143_500);
        assert_eq!(budget().ends_at_ms(), 151_000);
    }

    #[test]
    fn an_end_that_is_announced_earlier_than_expected_leaves_half_of_the_last_tenth() {
        assert_eq!(budget().announced_end_ms(91_000), 96_000);
        assert_eq!(budget().announced_end_ms(143_000), 143_500);
    }
}
