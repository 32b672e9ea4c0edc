//! What the loop waits for.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::RunLoop;
use crate::handler::Interruption;
use crate::host::Host;
use crate::queue::{LeaseStatus, Outcome};
use crate::worker::exchanges::Exchange;
use crate::worker::heartbeats::LeaseStatuses;
use crate::worker::in_flight::Attempt;

pub(super) enum Event<'a, H> {
    AttemptEnded(Attempt<'a, H>),
    ExchangeEnded(Exchange<'a, H>),
    HeartbeatEnded(Option<LeaseStatuses<'a, H>>),
    Woken,
}

impl<'a, H: Host> RunLoop<'a, H> {
    pub(super) async fn wait_for_event(&mut self) {
        self.set_alarm();
        let event = poll_fn(|task| {
            let event = self.poll_event(task);
            self.context.log.flush();
            event
        });
        let event = event.await;
        self.handle(event);
    }

    /// Lets the event loop have its turn and takes in its answers, so that busy handlers do not keep the worker from
    /// the database.
    pub(super) async fn yield_to_event_loop(&mut self) {
        self.context.host.sleep_ms(0).await;
        while let Poll::Ready(event) = poll_fn(|task| Poll::Ready(self.poll_answer(task))).await {
            self.handle(event);
        }
    }

    fn poll_event(&mut self, task: &mut Context<'_>) -> Poll<Event<'a, H>> {
        if let Poll::Ready(attempt) = self.in_flight.poll_attempts(task) {
            return Poll::Ready(Event::AttemptEnded(attempt));
        }
        if let Poll::Ready(event) = self.poll_answer(task) {
            return Poll::Ready(event);
        }
        if self.alarm.poll(task).is_ready() {
            return Poll::Ready(Event::Woken);
        }
        // A handler that computes between its awaits uses up the isolate without any other event.
        if self.context.signals.take_woken(task.waker()) || self.has_crossed_budget() {
            return Poll::Ready(Event::Woken);
        }
        Poll::Pending
    }

    /// An answer of the database.
    fn poll_answer(&mut self, task: &mut Context<'_>) -> Poll<Event<'a, H>> {
        if let Poll::Ready(exchange) = self.exchanges.poll(task) {
            return Poll::Ready(Event::ExchangeEnded(exchange));
        }
        self.heartbeats.poll(task).map(Event::HeartbeatEnded)
    }

    fn has_crossed_budget(&self) -> bool {
        let resources = &self.context.resources;
        let (limits, usage) = (resources.limits(), resources.usage());
        limits.ends_claims(usage) != limits.ends_claims(self.usage)
            || limits.ends_runs(usage) != limits.ends_runs(self.usage)
    }

    /// Sets the alarm to whatever is due next.
    fn set_alarm(&mut self) {
        let now_ms = self.now_ms();
        let is_ahead = |at_ms: &u64| *at_ms > now_ms;
        // Once it is past, whoever is still here is saving a step.
        let hand_over =
            (!self.in_flight.is_empty()).then(|| self.context.resources.hands_over_at_ms());
        let due = [
            self.claims.again_at_ms.filter(is_ahead),
            self.heartbeats.due_at_ms(&self.in_flight),
            self.in_flight.kept_waiting_at_ms(),
            self.in_flight.next_deadline_ms(),
            self.exchanges.retry_at_ms().filter(is_ahead),
            hand_over.filter(is_ahead),
        ];
        self.alarm.set(due.into_iter().flatten().min());
    }

    fn handle(&mut self, event: Event<'a, H>) {
        match event {
            Event::AttemptEnded(attempt) => self.end_attempt(attempt, self.now_ms()),
            Event::ExchangeEnded(exchange) => {
                let claimed = self.exchanges.finish(exchange, &mut self.run_log);
                if let Some(claimed) = claimed {
                    self.take_claimed(claimed);
                }
            }
            Event::HeartbeatEnded(Some(statuses)) => self.take_lease_statuses(statuses),
            Event::HeartbeatEnded(None) | Event::Woken => {}
        }
    }

    fn take_lease_statuses(&mut self, statuses: LeaseStatuses<'a, H>) {
        self.exchanges.retry_now();
        for (context, status) in statuses {
            let interruption = match status {
                LeaseStatus::Held => continue,
                LeaseStatus::Cancelled => Interruption::Cancelled,
                LeaseStatus::Lost => Interruption::LeaseLost,
            };
            let Some(ms) = self.in_flight.interrupt(&context, interruption) else {
                continue;
            };
            if interruption == Interruption::Cancelled {
                self.exchanges.deliver(context, ms, Outcome::Cancelled);
            } else {
                self.run_log.lost(context.job(), ms);
            }
        }
    }
}
