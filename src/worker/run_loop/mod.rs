//! The loop of one run.

mod claim_state;
mod claims;
mod events;

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use serde_json::value::RawValue;

use self::claim_state::ClaimState;
use super::alarm::Alarm;
use super::availability::Availability;
use super::exchanges::Exchanges;
use super::heartbeats::Heartbeats;
use super::in_flight::{Attempt, InFlight};
use super::prefetch::Prefetch;
use super::report::RunReport;
use super::run_log::RunLog;
use crate::error::{ErrorMessage, JobError};
use crate::handler::{Interruption, JobContext, Registration};
use crate::host::Host;
use crate::isolate::{ResourceUsage, RunContext, StopReason};
use crate::queue::{Outcome, outcome};

/// After this long without a pause the event loop gets its turn: answers and timers wait in it.
const LONGEST_STRETCH_MS: u64 = 50;
/// A deadline is noticed so late only if something kept the isolate to itself, or its clock leapt.
const LONGEST_DELAY_MS: u64 = 1_000;

pub(super) struct RunLoop<'a, H: Host> {
    context: &'a RunContext<'a, H>,
    availability: &'a Availability<'a>,
    in_flight: InFlight<'a, H>,
    prefetch: Prefetch,
    exchanges: Exchanges<'a, H>,
    claims: ClaimState,
    /// As it was last measured.
    usage: ResourceUsage,
    heartbeats: Heartbeats<'a, H>,
    alarm: Alarm<'a, H>,
    run_log: RunLog<'a, H>,
}

impl<'a, H: Host> RunLoop<'a, H> {
    pub(super) fn new(
        context: &'a RunContext<'a, H>,
        handlers: &'a [Registration<H>],
        availability: &'a Availability<'a>,
    ) -> Self {
        Self {
            context,
            availability,
            in_flight: InFlight::new(handlers, &context.resources, context.config.concurrency),
            prefetch: Prefetch::new(context.config.concurrency),
            exchanges: Exchanges::new(context, availability),
            claims: ClaimState::default(),
            usage: context.resources.usage(),
            heartbeats: Heartbeats::new(context),
            alarm: Alarm::new(context.host),
            run_log: RunLog::new(context),
        }
    }

    pub(super) async fn run(mut self) -> RunReport {
        loop {
            self.usage = self.context.resources.usage();
            self.time_out();
            self.hand_back();
            let has_more = self.work().await;
            self.usage = self.context.resources.usage();
            self.time_out();
            self.hand_back();
            self.begin_exchanges();
            self.heartbeats.begin_if_due(&self.in_flight);
            if self.is_over() {
                return self.close().await;
            }
            if has_more {
                self.yield_to_event_loop().await;
            } else {
                self.wait_for_event().await;
            }
        }
    }

    async fn close(mut self) -> RunReport {
        let stopped = self.stop_reason().unwrap_or_default();
        let error = self.exchanges.give_up(&mut self.run_log);
        if error.is_some() {
            return self
                .run_log
                .close(StopReason::Database, error, self.availability.reasons());
        }
        wake_successor(self.context, &self.run_log, stopped).await;
        self.run_log
            .close(stopped, None, self.availability.reasons())
    }

    /// Starts jobs while there are slots, and takes in what ends without waiting for anything. Returns whether it
    /// stopped only to let the event loop have its turn.
    async fn work(&mut self) -> bool {
        // Reading the clock takes a microsecond on the edge, as long as a quick job: once per turn is enough.
        let began_at_ms = self.now_ms();
        let mut now_ms = began_at_ms;
        while now_ms - began_at_ms <= LONGEST_STRETCH_MS {
            if self.stop_reason().is_none() {
                self.in_flight.start(now_ms);
            }
            let polled = poll_fn(|task| Poll::Ready(self.in_flight.poll_attempts(task))).await;
            let Poll::Ready(attempt) = polled else {
                return false;
            };
            now_ms = self.now_ms();
            self.end_attempt(attempt, now_ms);
        }
        true
    }

    fn end_attempt(&mut self, attempt: Attempt<'a, H>, now_ms: u64) {
        let context = attempt.context;
        let ms = now_ms - attempt.started_at_ms;
        self.make_room();
        self.prefetch.end_job(context.job().lease_token, now_ms);
        self.note_availability(&context.job().job_type, &attempt.result, now_ms);
        if let Some(late_ms) = context.overdue_ms(now_ms) {
            return self.end_overdue(context, ms, late_ms);
        }
        let was_given_time = self.context.resources.limits().is_long_run(ms);
        match outcome(attempt.result, was_given_time) {
            Some(outcome) => self.exchanges.deliver(context, ms, outcome),
            None => self.run_log.lost(context.job(), ms),
        }
    }

    /// Says that a job ran too long. Not if its deadline is noticed much too late: nobody knows whose doing that was,
    /// so the run ends with its lease, and is judged like those of a dead worker.
    fn end_overdue(&mut self, context: Rc<JobContext<'a, H>>, ms: u64, late_ms: u64) {
        if late_ms > LONGEST_DELAY_MS {
            self.run_log.lost(context.job(), ms);
        } else {
            self.exchanges.deliver(context, ms, Outcome::TimedOut);
        }
    }

    /// Lets a type rest that cannot be run now, or ends its rest.
    fn note_availability(
        &mut self,
        job_type: &str,
        result: &Result<Box<RawValue>, JobError>,
        now_ms: u64,
    ) {
        match result {
            Err(JobError::Unavailable { reason }) => {
                let reason = ErrorMessage::of(reason);
                self.run_log.unavailable(job_type, &reason);
                self.availability.rest(job_type, reason, now_ms);
                for context in self.in_flight.take_waiting_of(job_type) {
                    self.exchanges.deliver(context, 0, Outcome::waiting());
                }
            }
            // It was stopped before it could tell.
            Err(JobError::HandOver | JobError::Cancelled | JobError::LeaseLost) => {}
            Ok(_) | Err(_) => {
                if self.availability.resume(job_type) {
                    self.claims.is_queue_drained = false;
                }
            }
        }
    }

    /// Releases jobs that will not start here, and hands over those that cannot end here.
    fn hand_back(&mut self) {
        let now_ms = self.now_ms();
        let unstarted = if self.stop_reason().is_some() {
            self.in_flight.take_waiting()
        } else {
            self.in_flight.take_kept_waiting(now_ms)
        };
        for context in unstarted {
            self.exchanges.deliver(context, 0, Outcome::released(false));
        }
        if self.must_hand_over(now_ms) {
            for (context, ms) in self.in_flight.hand_over(now_ms) {
                let was_given_time = self.context.resources.limits().is_long_run(ms);
                let outcome = Outcome::HandedOver { was_given_time };
                self.exchanges.deliver(context, ms, outcome);
            }
        }
    }

    fn must_hand_over(&self, now_ms: u64) -> bool {
        now_ms >= self.context.resources.hands_over_at_ms()
            || self
                .context
                .resources
                .limits()
                .ends_runs(self.usage)
                .is_some()
    }

    /// Stops the jobs that ran too long, and gives back those whose time was up before they could begin.
    fn time_out(&mut self) {
        for (context, late_ms) in self.in_flight.overdue(self.now_ms()) {
            let Some(ms) = self.in_flight.interrupt(&context, Interruption::TimedOut) else {
                continue;
            };
            if context.was_begun() {
                self.end_overdue(context, ms, late_ms);
            } else {
                self.exchanges.deliver(context, 0, Outcome::released(false));
            }
        }
    }

    /// Why nothing new begins, if so.
    fn stop_reason(&self) -> Option<StopReason> {
        if self.exchanges.is_refused() {
            return Some(StopReason::Database);
        }
        let used_up = || self.context.resources.limits().ends_claims(self.usage);
        self.context.signals.drain_reason().or_else(used_up)
    }

    fn is_over(&self) -> bool {
        if !self.in_flight.is_empty() || !self.exchanges.is_idle() {
            return false;
        }
        let claims_again = self.claims.again_at_ms.is_some() && self.stop_reason().is_none();
        let is_done = self.exchanges.is_done() && self.claim_size().jobs == 0 && !claims_again;
        is_done || self.is_hopeless()
    }

    /// Whether an unreachable database is not worth waiting for any longer.
    fn is_hopeless(&self) -> bool {
        let until_ms = if self.in_flight.is_empty() && !self.exchanges.has_results() {
            self.context.resources.limits().claims_until_ms()
        } else {
            self.context.resources.limits().ends_at_ms()
        };
        let retry_at_ms = self.exchanges.retry_at_ms();
        retry_at_ms.is_some_and(|at_ms| at_ms.max(self.now_ms()) >= until_ms)
    }

    fn now_ms(&self) -> u64 {
        self.context.host.now_ms()
    }
}

/// Wakes another worker to take over from one that had to stop. One that got no job wakes nobody, or used-up isolates
/// would wake each other for ever.
async fn wake_successor<H: Host>(
    context: &RunContext<'_, H>,
    run_log: &RunLog<'_, H>,
    stopped: StopReason,
) {
    let is_needed = !matches!(stopped, StopReason::Empty | StopReason::Database);
    if !is_needed || !run_log.has_claimed() {
        return;
    }
    if let Err(error) = context.queue.wake_successor().await {
        context.log.failure("no_successor", &error);
    }
}
