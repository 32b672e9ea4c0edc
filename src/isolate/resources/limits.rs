//! How much of an isolate may be used before nothing new begins, and before what runs goes on elsewhere.

use crate::config::Config;
use crate::isolate::StopReason;

/// What one isolate may use. The platform ends it without asking: when its time is up, when it has used its CPU time,
/// or when it has taken its memory.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    started_at_ms: u64,
    wall_clock_ms: Limit,
    cpu_us: Limit,
    memory_bytes: Limit,
    claim_percent: u64,
    hand_over_percent: u64,
}

/// What an isolate has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResourceUsage {
    /// On the host's clock.
    pub now_ms: u64,
    /// See [`crate::host::Host::cpu_us`].
    pub cpu_us: u64,
    /// See [`crate::host::Host::memory_bytes`].
    pub memory_bytes: u64,
}

/// What something takes, or what is left for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// From its beginning to its end.
    pub wall_clock_ms: u64,
    /// Of the isolate's CPU time.
    pub cpu_us: u64,
}

impl Limits {
    /// The limits of an isolate that began at `started_at_ms` on the host's clock.
    pub fn new(started_at_ms: u64, config: &Config) -> Self {
        let limit =
            |units: Option<u32>, of_one: u64| Limit(units.map(|units| u64::from(units) * of_one));
        Self {
            started_at_ms,
            wall_clock_ms: limit(config.wall_clock_seconds, 1_000),
            cpu_us: limit(config.cpu_milliseconds, 1_000),
            memory_bytes: limit(config.memory_megabytes, 1024 * 1024),
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
        self.after(self.claim_percent)
    }

    /// When running jobs are handed over.
    pub fn hands_over_at_ms(&self) -> u64 {
        self.after(self.hand_over_percent)
    }

    /// When the platform ends the isolate.
    pub fn ends_at_ms(&self) -> u64 {
        self.after(100)
    }

    /// When to hand over if the platform announces at `now_ms` that the wall clock is about to run out. It does so when
    /// a tenth is left (`cli/src/flags.rs` of supabase/edge-runtime). Half of that goes to the jobs, so that a request
    /// already paid for may still be answered.
    pub fn announced_end_ms(&self, now_ms: u64) -> u64 {
        let age_ms = now_ms.saturating_sub(self.started_at_ms);
        self.hands_over_at_ms().min(now_ms + age_ms / 9 / 2)
    }

    /// What a fresh isolate has for its jobs.
    pub fn of_fresh_isolate(&self) -> Cost {
        Cost {
            wall_clock_ms: self.wall_clock_ms.part(self.hand_over_percent),
            cpu_us: self.cpu_us.part(self.hand_over_percent),
        }
    }

    /// The CPU time that is left for running jobs.
    pub fn cpu_left_us(&self, usage: ResourceUsage) -> u64 {
        let for_runs_us = self.cpu_us.part(self.hand_over_percent);
        for_runs_us.saturating_sub(usage.cpu_us)
    }

    /// Whether a run of `ms` had at least half of what an isolate lives: as much as the next one can give it.
    pub fn is_long_run(&self, ms: u64) -> bool {
        ms >= self.wall_clock_ms.part(50)
    }

    fn after(&self, percent: u64) -> u64 {
        let part_ms = self.wall_clock_ms.part(percent);
        self.started_at_ms.saturating_add(part_ms)
    }

    fn used_up(&self, usage: ResourceUsage, percent: u64) -> Option<StopReason> {
        let age_ms = usage.now_ms.saturating_sub(self.started_at_ms);
        if age_ms >= self.wall_clock_ms.part(percent) {
            Some(StopReason::WallClock)
        } else if usage.cpu_us >= self.cpu_us.part(percent) {
            Some(StopReason::Cpu)
        } else if usage.memory_bytes >= self.memory_bytes.part(percent) {
            Some(StopReason::Memory)
        } else {
            None
        }
    }
}

/// A limit in its unit; `None` where there is none, as on a server of one's own.
#[derive(Debug, Clone, Copy)]
struct Limit(Option<u64>);

impl Limit {
    fn part(self, percent: u64) -> u64 {
        self.0.map_or(u64::MAX, |limit| limit * percent / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    const STARTED_AT_MS: u64 = 1_000;

    fn limits() -> Limits {
        Limits::new(STARTED_AT_MS, &config(&[]))
    }

    fn usage(now_ms: u64, cpu_ms: u64, memory_megabytes: u64) -> ResourceUsage {
        ResourceUsage {
            now_ms,
            cpu_us: cpu_ms * 1_000,
            memory_bytes: memory_megabytes * 1024 * 1024,
        }
    }

    #[test]
    fn claims_stop_at_half_of_whatever_is_used_up_first() {
        let ends_claims = |usage| limits().ends_claims(usage);
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
        let ends_runs = |usage| limits().ends_runs(usage);
        assert_eq!(ends_runs(usage(143_499, 1_899, 243)), None);
        assert_eq!(ends_runs(usage(143_500, 0, 0)), Some(StopReason::WallClock));
        assert_eq!(ends_runs(usage(1_000, 1_900, 0)), Some(StopReason::Cpu));
        assert_eq!(ends_runs(usage(1_000, 0, 244)), Some(StopReason::Memory));
        assert_eq!(limits().hands_over_at_ms(), 143_500);
        assert_eq!(limits().ends_at_ms(), 151_000);
    }

    #[test]
    fn an_end_that_is_announced_earlier_than_expected_leaves_half_of_the_last_tenth() {
        assert_eq!(limits().announced_end_ms(91_000), 96_000);
        assert_eq!(limits().announced_end_ms(143_000), 143_500);
    }

    #[test]
    fn where_nothing_ends_an_isolate_nothing_is_used_up() {
        let none = config(&[
            ("QUEUE_WALL_CLOCK_SECONDS", "none"),
            ("QUEUE_CPU_MILLISECONDS", "none"),
            ("QUEUE_MEMORY_MEGABYTES", "none"),
        ]);
        let limits = Limits::new(STARTED_AT_MS, &none);
        let usage = usage(u64::MAX, u64::MAX / 1_000, 1 << 40);
        assert_eq!(limits.ends_runs(usage), None);
        assert_eq!(limits.ends_at_ms(), u64::MAX);
        assert!(!limits.is_long_run(u64::MAX - 1));
    }

    #[test]
    fn what_is_left_for_running_jobs_ends_where_they_are_handed_over() {
        assert_eq!(limits().cpu_left_us(usage(0, 400, 0)), 1_500_000);
        assert_eq!(limits().cpu_left_us(usage(0, 1_950, 0)), 0);
        let fresh = limits().of_fresh_isolate();
        assert_eq!((fresh.wall_clock_ms, fresh.cpu_us), (142_500, 1_900_000));
        assert!(limits().is_long_run(75_000));
        assert!(!limits().is_long_run(74_999));
    }
}
