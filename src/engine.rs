//! One run: claim what fits, run it, store results and claim again in one trip, until there is a reason to stop.
//!
//! Everything happens in one loop on one thread. While a trip to the database is under way running jobs go
//! on, and what they finish meanwhile travels with the next trip: that alone makes batches.

mod batch;
mod held;
mod ledger;
mod pulse;
mod trip;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::mem;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use uuid::Uuid;

use self::batch::Finished;
use self::held::{Attempt, Held};
use self::ledger::Ledger;
use self::pulse::Pulse;
use self::trip::{Trip, trip};
use crate::budget::Usage;
use crate::handler::{JobContext, Registration, RunContext, Stop};
use crate::host::Host;
use crate::job::Job;
use crate::outcome::{Outcome, outcome};
use crate::prefetch::{LARGEST_CLAIM, Prefetch};
use crate::queue::{QueueError, Standing};
use crate::report::{RunReport, Stopped};
use crate::retry::Verdict;

/// While one trip is under way a second may begin, but only with a full claim: then it keeps the database
/// busy while this worker is.
const MOST_TRIPS: usize = 2;
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
    let engine = Engine {
        context,
        job_types: &job_types,
        held: Held::new(&handlers, context.config.concurrency),
        prefetch: Prefetch::new(context.config.concurrency),
        finished: Vec::new(),
        suspects: Vec::new(),
        is_drained: false,
        look_again_at_ms: None,
        error: None,
        trips: FuturesUnordered::new(),
        asked: 0,
        usage: context.usage(),
        pulse: Pulse::new(context),
        alarm: None,
        ledger: Ledger::new(context, unavailable),
    };
    engine.run().await
}

struct Engine<'a, H: Host> {
    context: &'a RunContext<'a, H>,
    job_types: &'a [&'a str],
    held: Held<'a, H>,
    prefetch: Prefetch,
    /// Results that travel with the next trip.
    finished: Vec<Finished<'a, H>>,
    /// Results of a batch that was refused for the sake of one of them: they travel one by one.
    suspects: Vec<Finished<'a, H>>,
    /// The last claim brought less than it asked for.
    is_drained: bool,
    /// When to ask once more all the same, because nobody is woken for what is enqueued until then.
    look_again_at_ms: Option<u64>,
    /// Why there is no point in asking the database for more.
    error: Option<String>,
    trips: FuturesUnordered<LocalBoxFuture<'a, Trip<'a, H>>>,
    /// How many jobs the trips under way ask for.
    asked: usize,
    /// Measured once per turn.
    usage: Usage,
    pulse: Pulse<'a, H>,
    alarm: Option<Alarm<'a>>,
    ledger: Ledger<'a, H>,
}

struct Alarm<'a> {
    due_ms: u64,
    sleep: LocalBoxFuture<'a, ()>,
}

enum Event<'a, H> {
    Ended(Attempt<'a, H>),
    Returned(Trip<'a, H>),
    Answered(Vec<(Rc<JobContext<'a, H>>, Standing)>),
    Woken,
}

impl<'a, H: Host> Engine<'a, H> {
    async fn run(mut self) -> RunReport {
        loop {
            self.usage = self.context.usage();
            let has_more = self.work().await;
            self.hand_back();
            self.stop_overrun();
            while self.begin_trip() {}
            self.pulse.begin_if_due(&self.held);
            if self.is_over() {
                let stopped = self.stop().unwrap_or_default();
                self.wake_successor(stopped).await;
                return self.ledger.close(stopped, self.error);
            }
            if has_more {
                self.context.host.sleep_ms(0).await;
                continue;
            }
            match self.next_event().await {
                Event::Ended(attempt) => self.ended(attempt, self.now_ms()),
                Event::Returned(trip) => self.returned(trip),
                Event::Answered(standings) => self.answered(standings),
                Event::Woken => {}
            }
        }
    }

    /// Another worker takes over from one that had to stop, if it had anything to do at all: one that is used up
    /// when it is woken calls nobody, or two of them would call each other for ever.
    async fn wake_successor(&self, stopped: Stopped) {
        let is_needed = !matches!(stopped, Stopped::Empty | Stopped::Database);
        if !is_needed || !self.ledger.has_claimed() {
            return;
        }
        if let Err(error) = self.context.queue.wake_successor().await {
            self.context.log.failure("no_successor", &error);
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
                self.held.start(now_ms);
            }
            let ended = poll_fn(|task| Poll::Ready(self.held.poll_ended(task))).await;
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
            Some(outcome) => self.finished.push(Finished::new(context, ms, outcome)),
            None => self.ledger.lost(context.job(), ms),
        }
    }

    /// Jobs that will not start here go back unharmed, and those that cannot end here go on elsewhere.
    fn hand_back(&mut self) {
        let now_ms = self.now_ms();
        let unstarted = match self.stop() {
            Some(_) => self.held.take_waiting(),
            None => self.held.take_overdue(now_ms),
        };
        let released = unstarted
            .into_iter()
            .map(|context| Finished::new(context, 0, Outcome::released()));
        self.finished.extend(released);
        if self.is_to_hand_over(now_ms) {
            let interrupted = self.held.take_running(now_ms).into_iter();
            let handed_over =
                interrupted.map(|(context, ms)| Finished::new(context, ms, Outcome::HandedOver));
            self.finished.extend(handed_over);
        }
    }

    fn is_to_hand_over(&self, now_ms: u64) -> bool {
        now_ms >= self.context.hands_over_at_ms()
            || self.context.budget.ends_runs(self.usage).is_some()
    }

    /// Stops the jobs whose time is up. Nothing is reported about them: the database ends such runs itself.
    fn stop_overrun(&mut self) {
        let now_ms = self.now_ms();
        for context in self.held.overrun(now_ms) {
            if let Some(ms) = self.held.let_go(&context, Stop::TimedOut) {
                self.ledger.timed_out(context.job(), ms);
                self.pulse.want();
            }
        }
    }

    /// Begins a trip if there is reason to; answers whether it did.
    fn begin_trip(&mut self) -> bool {
        let claim_size = self.claim_size();
        let is_worth_it = match self.trips.len() {
            0 => claim_size > 0 || !self.finished.is_empty() || !self.suspects.is_empty(),
            trips => trips < MOST_TRIPS && claim_size == LARGEST_CLAIM && self.suspects.is_empty(),
        };
        if !is_worth_it {
            return false;
        }
        let (batch, max_jobs) = match self.suspects.pop() {
            Some(suspect) => (vec![suspect], 0),
            None => (mem::take(&mut self.finished), claim_size),
        };
        if max_jobs > 0 {
            self.context.signals.looking();
            self.look_again_at_ms = None;
        }
        let give_up_at_ms = match batch.is_empty() && self.held.is_empty() {
            true => self.context.budget.claims_until_ms(),
            false => self.context.budget.ends_at_ms(),
        };
        let trip = trip(self.context, self.job_types, batch, max_jobs, give_up_at_ms);
        self.trips.push(Box::pin(trip));
        self.asked += max_jobs;
        true
    }

    /// How many jobs to ask for now.
    fn claim_size(&mut self) -> usize {
        let now_ms = self.now_ms();
        // When the last claim found too little, asking again is free only with results to deliver.
        let is_worth_asking = !self.is_drained
            || !self.finished.is_empty()
            || self.context.signals.is_to_look_again()
            || self.look_again_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        if self.stop().is_some() || !is_worth_asking {
            return 0;
        }
        let wanted = self.context.config.concurrency + self.prefetch.ahead(now_ms);
        let coming = self.held.len() + self.asked;
        wanted.saturating_sub(coming).min(LARGEST_CLAIM)
    }

    fn returned(&mut self, trip: Trip<'a, H>) {
        self.asked -= trip.max_jobs;
        match trip.answer {
            Ok(exchanged) => {
                for (finished, settled) in trip.batch.iter().zip(&exchanged.finished) {
                    self.ledger.settled(finished, *settled);
                }
                if trip.max_jobs > 0 {
                    self.is_drained = exchanged.jobs.len() < trip.max_jobs;
                    let pause_ms = exchanged.look_again_ms.map(u64::from);
                    self.look_again_at_ms = pause_ms.map(|pause_ms| self.now_ms() + pause_ms);
                    self.claimed(trip.lease_token, exchanged.jobs, trip.ms);
                }
            }
            Err(error) if error.verdict() == Verdict::Content && !trip.batch.is_empty() => {
                self.refused(trip.batch, trip.max_jobs, &error);
            }
            Err(error) => {
                self.ledger.undelivered(&trip.batch, &error);
                self.error = Some(error.to_string());
            }
        }
    }

    fn claimed(&mut self, lease_token: Uuid, jobs: Vec<Job>, ms: u64) {
        let now_ms = self.now_ms();
        if jobs.is_empty() {
            return;
        }
        if self.held.is_empty() {
            self.pulse.rest();
        }
        self.prefetch.claimed(lease_token, jobs.len(), now_ms);
        for job in jobs {
            self.ledger.claimed(&job, ms);
            self.held.push(JobContext::new(self.context, job), now_ms);
        }
    }

    /// Something in this batch cannot be stored. Sent alone, each result shows whether it is the one.
    fn refused(&mut self, batch: Vec<Finished<'a, H>>, max_jobs: usize, error: &QueueError) {
        if batch.len() > 1 || max_jobs > 0 {
            self.suspects.extend(batch);
            return;
        }
        for finished in batch {
            let (job_context, ms) = (finished.context.clone(), finished.ms);
            match finished.refused(error) {
                Some(stand_in) => self.suspects.push(stand_in),
                None => self.ledger.lost(job_context.job(), ms),
            }
        }
    }

    fn answered(&mut self, standings: Vec<(Rc<JobContext<'a, H>>, Standing)>) {
        for (context, standing) in standings {
            if standing == Standing::Held {
                continue;
            }
            let stop = match standing {
                Standing::Cancelled => Stop::Cancelled,
                Standing::Held | Standing::Lost => Stop::LeaseLost,
            };
            // A job that came to its end meanwhile needs no stopping.
            let Some(ms) = self.held.let_go(&context, stop) else {
                continue;
            };
            match stop {
                Stop::Cancelled => {
                    let cancelled = Finished::new(context, ms, Outcome::Cancelled);
                    self.finished.push(cancelled);
                }
                _ => self.ledger.lost(context.job(), ms),
            }
        }
    }

    /// Why nothing new begins, if so.
    fn stop(&self) -> Option<Stopped> {
        match self.error {
            Some(_) => Some(Stopped::Database),
            None => {
                let used_up = || self.context.budget.ends_claims(self.usage);
                self.context.signals.drained().or_else(used_up)
            }
        }
    }

    fn is_over(&mut self) -> bool {
        self.trips.is_empty()
            && !self.pulse.is_pending()
            && self.held.is_empty()
            && self.finished.is_empty()
            && self.suspects.is_empty()
            && self.claim_size() == 0
            && (self.look_again_at_ms.is_none() || self.stop().is_some())
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
        if let Poll::Ready(attempt) = self.held.poll_ended(task) {
            return Poll::Ready(Event::Ended(attempt));
        }
        if let Poll::Ready(Some(trip)) = self.trips.poll_next_unpin(task) {
            return Poll::Ready(Event::Returned(trip));
        }
        if let Poll::Ready(standings) = self.pulse.poll(task) {
            return Poll::Ready(Event::Answered(standings));
        }
        if let Some(Poll::Ready(())) = self
            .alarm
            .as_mut()
            .map(|alarm| alarm.sleep.poll_unpin(task))
        {
            self.alarm = None;
            return Poll::Ready(Event::Woken);
        }
        match self.context.signals.take_woken(task.waker()) {
            true => Poll::Ready(Event::Woken),
            false => Poll::Pending,
        }
    }

    /// Makes sure that the loop turns when something becomes due.
    fn set_alarm(&mut self) {
        // Once it is past, whoever is still here is saving a step.
        let hand_over = Some(self.context.hands_over_at_ms())
            .filter(|at_ms| !self.held.is_empty() && *at_ms > self.now_ms());
        let look_again = self.look_again_at_ms.filter(|at_ms| *at_ms > self.now_ms());
        let due = [
            look_again,
            self.pulse.due_ms(&self.held),
            self.held.overdue_at_ms(),
            self.held.deadline_ms(),
            hand_over,
        ];
        let Some(due_ms) = due.into_iter().flatten().min() else {
            self.alarm = None;
            return;
        };
        if self
            .alarm
            .as_ref()
            .is_some_and(|alarm| alarm.due_ms == due_ms)
        {
            return;
        }
        let pause_ms = due_ms.saturating_sub(self.now_ms());
        let pause_ms = u32::try_from(pause_ms).unwrap_or(u32::MAX);
        self.alarm = Some(Alarm {
            due_ms,
            sleep: Box::pin(self.context.host.sleep_ms(pause_ms)),
        });
    }

    fn now_ms(&self) -> u64 {
        self.context.host.now_ms()
    }
}
