//! What an isolate has, what of it is used, and what is left: wall clock, CPU time, memory, and bytes held for jobs.
//! Whoever claims, begins a step, hands over or retires asks here.

mod limits;
mod step_costs;

use std::cell::Cell;
use std::rc::Rc;

use super::shared::Shared;
use super::signals::Signals;
use super::stop_reason::StopReason;
use crate::config::Config;
use crate::host::Host;

pub use self::limits::{Cost, Limits, ResourceUsage};
use self::step_costs::StepCosts;
pub use self::step_costs::kind;

/// The resources of one isolate.
pub struct Resources<'a, H> {
    host: &'a H,
    signals: &'a Signals,
    limits: Limits,
    step_costs: Rc<StepCosts>,
    held_bytes: Cell<usize>,
    most_held_bytes: usize,
    /// The CPU time when it was last charged to somebody.
    charged_us: Cell<u64>,
}

impl<'a, H: Host> Resources<'a, H> {
    /// The resources of an isolate that began at `started_at_ms` on the host's clock.
    pub fn new(host: &'a H, config: &Config, signals: &'a Signals, started_at_ms: u64) -> Self {
        Self {
            host,
            signals,
            limits: Limits::new(started_at_ms, config),
            step_costs: Rc::default(),
            held_bytes: Cell::new(0),
            most_held_bytes: config.exchange_bytes().saturating_mul(EXCHANGES_HELD),
            charged_us: Cell::new(0),
        }
    }

    /// The same, knowing what steps took in the isolate's earlier runs.
    pub fn sharing(self, shared: &Shared) -> Self {
        let step_costs = shared.get();
        Self { step_costs, ..self }
    }

    /// How much may be used.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is used now.
    pub fn usage(&self) -> ResourceUsage {
        ResourceUsage {
            now_ms: self.host.now_ms(),
            cpu_us: self.host.cpu_us(),
            memory_bytes: self.host.memory_bytes(),
        }
    }

    /// When running jobs have to go on elsewhere, CPU time and memory permitting.
    pub fn hands_over_at_ms(&self) -> u64 {
        let planned_ms = self.limits.hands_over_at_ms();
        let announced_ms = self.signals.hand_over_at_ms();
        announced_ms.map_or(planned_ms, |at_ms| at_ms.min(planned_ms))
    }

    /// What is left for running jobs.
    fn left(&self) -> Cost {
        let usage = self.usage();
        Cost {
            wall_clock_ms: self.hands_over_at_ms().saturating_sub(usage.now_ms),
            cpu_us: self.limits.cpu_left_us(usage),
        }
    }

    /// What a step lacks here, if anything, where it is expected to take `wall_clock_ms` and as much CPU time as the
    /// costliest of its kind. `must_begin`: it has no more elsewhere, so nothing counts that a fresh isolate lacks too.
    pub fn lacking_for_step(
        &self,
        job_type: &str,
        step: &str,
        wall_clock_ms: u64,
        must_begin: bool,
    ) -> Option<StopReason> {
        let left = self.left();
        let fresh = self.limits.of_fresh_isolate();
        let lacks = |expected: u64, left: u64, fresh: u64| {
            expected > left && (expected <= fresh || !must_begin)
        };
        let cpu_us = self.step_costs.most_cpu_us(job_type, step);
        if lacks(wall_clock_ms, left.wall_clock_ms, fresh.wall_clock_ms) {
            Some(StopReason::WallClock)
        } else if lacks(cpu_us, left.cpu_us, fresh.cpu_us) {
            Some(StopReason::Cpu)
        } else {
            None
        }
    }

    /// Notes the CPU time that a step has taken.
    pub fn note_step(&self, job_type: &str, step: &str, cpu_us: u64) {
        self.step_costs.add(job_type, step, cpu_us);
    }

    /// The CPU time since the last charge, which is nobody's until the next.
    pub fn skip_charge(&self) {
        self.charged_us.set(self.host.cpu_us());
    }

    /// The CPU time since the last charge, in microseconds, for whoever had the isolate.
    pub fn charge_us(&self) -> u64 {
        let now_us = self.host.cpu_us();
        now_us.saturating_sub(self.charged_us.replace(now_us))
    }
}

impl<H> Resources<'_, H> {
    /// Holds the bytes of a job, or of its result.
    pub fn hold(&self, bytes: usize) {
        self.held_bytes.update(|held| held + bytes);
    }

    /// The bytes are gone.
    pub fn release(&self, bytes: usize) {
        self.held_bytes.update(|held| held.saturating_sub(bytes));
    }

    /// Whether what is held for jobs leaves no room for another claim.
    pub fn is_full(&self) -> bool {
        self.held_bytes.get() >= self.most_held_bytes
    }
}

/// How many exchanges' bytes are held at most before claims wait: one that is worked on, one that is coming.
const EXCHANGES_HELD: usize = 2;
