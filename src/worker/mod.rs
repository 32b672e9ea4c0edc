//! One run: claims what fits, runs it, delivers results together with the next claim, until there is a reason to stop.
//!
//! Everything happens in one loop on one thread. Jobs run on while an exchange with the database is under way, and what
//! they finish meanwhile travels with the next one: that alone makes batches.
//!
//! `run_loop` decides: it starts jobs, stops those past their deadline and hands over. `in_flight` holds the jobs,
//! `exchanges` sends results and claims, `heartbeats` renews leases, `prefetch` says how much to claim, `availability`
//! which types rest.

mod alarm;
mod availability;
mod exchanges;
mod heartbeats;
mod in_flight;
mod pending_result;
mod prefetch;
mod report;
mod run_log;
mod run_loop;

#[cfg(test)]
mod tests;

use self::availability::Availability;
pub use self::report::RunReport;
use self::run_loop::RunLoop;
use crate::handler::Registration;
use crate::host::Host;
use crate::isolate::RunContext;

/// Runs jobs of the types in `handlers` until there are none, or until the isolate may claim no more.
pub async fn run<H: Host>(
    context: &RunContext<'_, H>,
    handlers: impl IntoIterator<Item = Registration<H>>,
) -> RunReport {
    let handlers: Vec<_> = handlers.into_iter().collect();
    let availability = Availability::new(context, &handlers);
    RunLoop::new(context, &handlers, &availability).run().await
}
