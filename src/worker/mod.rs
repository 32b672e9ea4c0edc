//! One run: claim what fits, run it, store results and claim again in one trip, until there is a reason to stop.
//!
//! Everything happens in one loop on one thread. While a trip to the database is under way running jobs go
//! on, and what they finish meanwhile travels with the next trip: that alone makes batches.

mod alarm;
mod exchange;
mod heartbeat;
mod in_flight;
mod prefetch;
mod report;
mod results;
mod run_log;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use self::alarm::Alarm;
use self::exchange::{ClaimedJobs, EndedExchange, Exchanges};
use self::heartbeat::{Heartbeats, LeaseStatuses};
use self::in_flight::{Attempt, InFlight};
use self::prefetch::{LARGEST_CLAIM, Prefetch};
pub use self::report::RunReport;
use self::results::EndedJob;
use self::run_log::RunLog;
use crate::handler::{Interruption, JobContext, Registration};
use crate::host::Host;
use crate::isolate::ResourceUsage;
use crate::isolate::RunContext;
use crate::isolate::StopReason;
use crate::queue::LeaseStatus;
use crate::queue::{Outcome, outcome};

/// After this long without a pause the event loop gets its turn: answers and timers wait in it.
const LONGEST_STRETCH_MS: u64 = 50;

/// Runs jobs of the types in `handlers` until there are none, or the isolate's time is up.
pub async fn run<H: Host>(
    context: &RunContext<'_, H>,
    handlers: impl IntoIterator<Item = Registration<H>>,
) -> RunReport {
    let mut unavailable = BTreeMap::new();
    let mut handlers: Vec<_> = handlers.into_iter().collect();
    handlers.retain(|handler| {
        let reason = (handler.unavailable)(context.config);
        reason.map(|reason| unavailable.insert(handler.job_type.clone(), reason));
        reason.is_none()
    });
    let job_types: Vec<_> = handlers.iter().map(|handler| &*handler.job_type).collect();
    let run_loop = RunLoop {
        context,
        in_flight: InFlight::new(&handlers, &context.resources, context.config.concurrency),
        prefetch: Prefetch::new(context.config.concurrency),
        exchanges: Exchanges::new(context, &job_types),
        is_drained: false,
        look_again_at_ms: None,
        usage: context.resources.usage(),
        heartbeats: Heartbeats::new(context),
        alarm: Alarm::new(context.host),
        run_log: RunLog::new(context, unavailable),
    };
    run_loop.run().await
}

struct RunLoop<'a, H: Host> {
    context: &'a RunContext<'a, H>,
    in_flight: InFlight<'a, H>,
    prefetch: Prefetch,
    exchanges: Exchanges<'a, H>,
    /// The last claim brought less than it asked for.
    is_drained: bool,
    /// When to ask once more all the same, because nobody is woken for what is enqueued until then.
    look_again_at_ms: Option<u64>,
    /// As it was last measured.
    usage: ResourceUsage,
    heartbeats: Heartbeats<'a, H>,
    alarm: Alarm<'a, H>,
    run_log: RunLog<'a, H>,
}

enum Event<'a, H> {
    Ended(Attempt<'a, H>),
    Returned(EndedExchange<'a, H>),
    Answered(Option<LeaseStatuses<'a, H>>),
    Woken,
}

impl<'a, H: Host> RunLoop<'a, H> {
    async fn run(mut self) -> RunReport {
        loop {
            self.usage = self.context.resources.usage();
            self.hand_back();
            let has_more = self.work().await;
            self.usage = self.context.resources.usage();
            self.hand_back();
            self.stop_overrun();
            while self.begin_trip() {}
            self.heartbeats.begin_if_due(&self.in_flight);
            if self.is_over() {
                return self.close().await;
            }
            if has_more {
                self.take_a_breath().await;
                continue;
            }
            let event = self.next_event().await;
            self.handle(event);
        }
    }

    async fn close(mut self) -> RunReport {
        let stopped = self.stop().unwrap_or_default();
        let error = self.exchanges.give_up(&mut self.run_log);
        if error.is_some() {
            return self.run_log.close(StopReason::Database, error);
        }
        wake_successor(self.context, &self.run_log, stopped).await;
        self.run_log.close(stopped, None)
    }

    /// Lets the event loop have its turn, and takes in what came with it: busy handlers must not keep a worker from
    /// hearing of its jobs.
    async fn take_a_breath(&mut self) {
        self.context.host.sleep_ms(0).await;
        while let Poll::Ready(event) = poll_fn(|task| Poll::Ready(self.poll_arrival(task))).await {
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event<'a, H>) {
        match event {
            Event::Ended(attempt) => self.ended(attempt, self.now_ms()),
            Event::Returned(trip) => self.returned(trip),
            Event::Answered(Some(standings)) => self.answered(standings),
            Event::Answered(None) | Event::Woken => {}
        }
    }

    /// Starts what there are slots for and takes in what ends without waiting for anything; answers
    /// whether it stopped for the event loop's sake.
    async fn work(&mut self) -> bool {
        // Reading the clock takes a microsecond on the edge, as long as a quick job: once per turn is enough.
        let since_ms = self.now_ms();
        let mut now_ms = since_ms;
        while now_ms - since_ms <= LONGEST_STRETCH_MS {
            if self.stop().is_none() {
                self.in_flight.start(now_ms);
            }
            let ended = poll_fn(|task| Poll::Ready(self.in_flight.poll_ended(task))).await;
            let Poll::Ready(attempt) = ended else {
                return false;
            };
            now_ms = self.now_ms();
            self.ended(attempt, now_ms);
        }
        true
    }

    fn ended(&mut self, attempt: Attempt<'a, H>, now_ms: u64) {
        let context = attempt.context;
        let ms = now_ms - attempt.since_ms;
        self.prefetch.ended(context.job().lease_token, now_ms);
        match outcome(attempt.result) {
            Some(outcome) => self.exchanges.deliver(EndedJob::new(context, ms, outcome)),
            None => self.run_log.lost(context.job(), ms),
        }
    }

    /// Jobs that will not start here go back unharmed, and those that cannot end here go on elsewhere.
    fn hand_back(&mut self) {
        let now_ms = self.now_ms();
        let unstarted = match self.stop() {
            Some(_) => self.in_flight.take_waiting(),
            None => self.in_flight.take_overdue(now_ms),
        };
        for context in unstarted {
            self.exchanges
                .deliver(EndedJob::new(context, 0, Outcome::released()));
        }
        if self.is_to_hand_over(now_ms) {
            for (context, ms) in self.in_flight.take_running(now_ms) {
                self.exchanges
                    .deliver(EndedJob::new(context, ms, Outcome::HandedOver));
            }
        }
    }

    fn is_to_hand_over(&self, now_ms: u64) -> bool {
        now_ms >= self.context.resources.hands_over_at_ms()
            || self
                .context
                .resources
                .limits()
                .ends_runs(self.usage)
                .is_some()
    }

    /// Stops the jobs whose time is up. Nothing is reported about them: the database ends such runs itself.
    fn stop_overrun(&mut self) {
        let now_ms = self.now_ms();
        for context in self.in_flight.overrun(now_ms) {
            if let Some(ms) = self.in_flight.let_go(&context, Interruption::TimedOut) {
                self.run_log.timed_out(context.job(), ms);
                self.heartbeats.want();
            }
        }
    }

    fn begin_trip(&mut self) -> bool {
        let wanted = self.claim_size();
        !self.is_hopeless() && self.exchanges.begin(wanted, self.stop().is_some())
    }

    /// Whether it is not worth waiting any longer for a database that is away.
    fn is_hopeless(&self) -> bool {
        let until_ms = match self.in_flight.is_empty() && !self.exchanges.has_results() {
            true => self.context.resources.limits().claims_until_ms(),
            false => self.context.resources.limits().ends_at_ms(),
        };
        let next_ms = self.exchanges.due_ms();
        next_ms.is_some_and(|at_ms| at_ms.max(self.now_ms()) >= until_ms)
    }

    /// How many jobs to ask for now.
    fn claim_size(&mut self) -> usize {
        let now_ms = self.now_ms();
        let is_to_look_again = self.context.signals.is_to_look_again();
        if is_to_look_again {
            self.exchanges.clear_refusal();
        }
        // When the last claim found too little, asking again is free only with results to deliver.
        let is_to_look_again =
            is_to_look_again || self.look_again_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        let is_worth_asking = !self.is_drained || self.exchanges.has_results() || is_to_look_again;
        if self.stop().is_some() || !is_worth_asking {
            return 0;
        }
        let wanted = self.context.config.concurrency + self.prefetch.ahead(now_ms);
        let coming = self.in_flight.len() + self.exchanges.asked();
        wanted.saturating_sub(coming).min(LARGEST_CLAIM)
    }

    fn returned(&mut self, trip: EndedExchange<'a, H>) {
        if let Some(claimed) = self.exchanges.returned(trip, &mut self.run_log) {
            self.is_drained = claimed.is_last;
            let pause_ms = claimed.look_again_ms.map(u64::from);
            self.look_again_at_ms = pause_ms.map(|pause_ms| self.now_ms() + pause_ms);
            self.take_claimed(claimed);
        }
    }

    fn take_claimed(&mut self, claimed: ClaimedJobs) {
        let now_ms = self.now_ms();
        if claimed.jobs.is_empty() {
            return;
        }
        self.heartbeats
            .begin_leases(claimed.since_ms, self.context.crash_record.is_empty());
        self.prefetch
            .claimed(claimed.lease_token, claimed.jobs.len(), now_ms);
        for mut job in claimed.jobs {
            self.run_log.claimed(&job, now_ms - claimed.since_ms);
            let unreadable = job.unreadable.take();
            let context = JobContext::new(self.context, job);
            match unreadable {
                None => self.in_flight.push(context, now_ms),
                Some(reason) => {
                    let outcome = Outcome::permanent(reason);
                    self.prefetch.ended(claimed.lease_token, now_ms);
                    self.exchanges
                        .deliver(EndedJob::new(Rc::new(context), 0, outcome));
                }
            }
        }
    }

    fn answered(&mut self, standings: LeaseStatuses<'a, H>) {
        self.exchanges.retry_now();
        for (context, standing) in standings {
            let stop = match standing {
                LeaseStatus::Held => continue,
                LeaseStatus::Cancelled => Interruption::Cancelled,
                LeaseStatus::Lost => Interruption::LeaseLost,
            };
            // A job that came to its end meanwhile needs no stopping.
            let Some(ms) = self.in_flight.let_go(&context, stop) else {
                continue;
            };
            match stop {
                Interruption::Cancelled => {
                    let cancelled = EndedJob::new(context, ms, Outcome::Cancelled);
                    self.exchanges.deliver(cancelled);
                }
                _ => self.run_log.lost(context.job(), ms),
            }
        }
    }

    /// Why nothing new begins, if so.
    fn stop(&self) -> Option<StopReason> {
        if self.exchanges.is_refused() {
            return Some(StopReason::Database);
        }
        let used_up = || self.context.resources.limits().ends_claims(self.usage);
        self.context.signals.drained().or_else(used_up)
    }

    fn is_over(&mut self) -> bool {
        if !self.in_flight.is_empty() || !self.exchanges.is_quiet() || self.heartbeats.is_pending()
        {
            return false;
        }
        let looks_again = self.look_again_at_ms.is_some() && self.stop().is_none();
        let is_done = self.exchanges.is_idle() && self.claim_size() == 0 && !looks_again;
        is_done || self.is_hopeless()
    }

    async fn next_event(&mut self) -> Event<'a, H> {
        self.set_alarm();
        poll_fn(|task| {
            let event = self.poll_event(task);
            self.context.log.flush();
            event
        })
        .await
    }

    fn poll_event(&mut self, task: &mut Context<'_>) -> Poll<Event<'a, H>> {
        if let Poll::Ready(attempt) = self.in_flight.poll_ended(task) {
            return Poll::Ready(Event::Ended(attempt));
        }
        if let Poll::Ready(event) = self.poll_arrival(task) {
            return Poll::Ready(event);
        }
        if self.alarm.poll(task).is_ready() {
            return Poll::Ready(Event::Woken);
        }
        // A handler that computes between its awaits uses up the isolate without any other event.
        match self.context.signals.take_woken(task.waker()) || self.is_budget_crossed() {
            true => Poll::Ready(Event::Woken),
            false => Poll::Pending,
        }
    }

    /// What came from the database.
    fn poll_arrival(&mut self, task: &mut Context<'_>) -> Poll<Event<'a, H>> {
        if let Poll::Ready(trip) = self.exchanges.poll(task) {
            return Poll::Ready(Event::Returned(trip));
        }
        self.heartbeats.poll(task).map(Event::Answered)
    }

    fn is_budget_crossed(&self) -> bool {
        let (limits, usage) = (
            self.context.resources.limits(),
            self.context.resources.usage(),
        );
        limits.ends_claims(usage) != limits.ends_claims(self.usage)
            || limits.ends_runs(usage) != limits.ends_runs(self.usage)
    }

    /// Makes sure that the loop turns when something becomes due.
    fn set_alarm(&mut self) {
        let now_ms = self.now_ms();
        let is_ahead = |at_ms: &u64| *at_ms > now_ms;
        // Once it is past, whoever is still here is saving a step.
        let hand_over =
            (!self.in_flight.is_empty()).then(|| self.context.resources.hands_over_at_ms());
        let due = [
            self.look_again_at_ms.filter(is_ahead),
            self.heartbeats.due_ms(&self.in_flight),
            self.in_flight.overdue_at_ms(),
            self.in_flight.deadline_ms(),
            self.exchanges.due_ms().filter(is_ahead),
            hand_over.filter(is_ahead),
        ];
        self.alarm.set(due.into_iter().flatten().min());
    }

    fn now_ms(&self) -> u64 {
        self.context.host.now_ms()
    }
}

/// Another worker takes over from one that had to stop, if it had anything to do at all: one that is used up when it
/// is woken calls nobody, or two of them would call each other for ever.
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
