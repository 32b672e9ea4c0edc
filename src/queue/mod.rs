//! The database as the worker sees it: a few functions called through PostgREST, every one safe to repeat.
//!
//! Nothing here decides about jobs: a call is encoded, sent, repeated if that may help, and its answer decoded.

mod answer;
mod outcome;
pub mod retry;
mod wire;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub use self::answer::QueueError;
pub use self::outcome::{Outcome, outcome};
pub use self::wire::{
    AbandonRequest, ExchangeAnswer, ExchangeRequest, FinishStatus, JobHeartbeat, JobResult,
    LeaseStatus, StepStart,
};
use self::wire::{HeartbeatRequest, SaveStepRequest, StartStepRequest, WakeRequest};
use crate::host::Host;
use crate::job::{Job, Progress};

/// What handlers call may not exist at all: with their pauses these tries take a second, and whoever writes a handler
/// hears of a misspelt name.
const MISSING_TRIES: u32 = 4;
/// PostgREST waits ten seconds for a connection, and its functions take less than eight.
const TIMEOUT_MS: u32 = 20_000;

/// Calls the queue's functions. What handlers call is repeated while that may help, until time is up.
pub struct QueueClient<'a, H> {
    host: &'a H,
    give_up_at_ms: u64,
    lease_seconds: u32,
}

impl<'a, H: Host> QueueClient<'a, H> {
    /// A client that repeats nothing after `give_up_at_ms` on the host's clock. Its heartbeats extend leases to
    /// `lease_seconds`.
    pub fn new(host: &'a H, give_up_at_ms: u64, lease_seconds: u32) -> Self {
        Self {
            host,
            give_up_at_ms,
            lease_seconds,
        }
    }

    /// Stores results and claims jobs in one call. It is not repeated here: the next one may have more to send.
    ///
    /// # Errors
    /// [`QueueError`] when no readable answer came.
    pub async fn exchange<R: Serialize>(
        &self,
        request: &ExchangeRequest<'_, R>,
    ) -> Result<ExchangeAnswer, QueueError> {
        const FUNCTION: &str = "finish_and_claim_jobs";
        let arguments = encode(FUNCTION, request)?;
        let answer = self.host.rpc(FUNCTION, arguments, self.timeout_ms()).await;
        let json = answer::returned(FUNCTION, answer)?;
        let answer = wire::decode_exchange(&json);
        let answer = answer.map_err(|error| answer::unreadable(FUNCTION, error))?;
        answer::expect_length(FUNCTION, answer.finished.len(), request.results.len())?;
        Ok(answer)
    }

    /// Extends the leases of jobs. It is not repeated here: the next heartbeat does the same.
    ///
    /// # Errors
    /// [`QueueError`] when no readable answer came.
    pub async fn heartbeat(&self, jobs: &[JobHeartbeat]) -> Result<Vec<LeaseStatus>, QueueError> {
        const FUNCTION: &str = "heartbeat_jobs";
        let heartbeat = HeartbeatRequest {
            jobs,
            lease_seconds: self.lease_seconds,
        };
        let arguments = encode(FUNCTION, &heartbeat)?;
        // Time out before the next heartbeat is due.
        let timeout_ms = self.heartbeat_ms().max(1_000);
        let answer = self.host.rpc(FUNCTION, arguments, timeout_ms).await;
        let json = answer::returned(FUNCTION, answer)?;
        let statuses: serde_json::Result<Vec<LeaseStatus>> = serde_json::from_str(&json);
        let statuses = statuses.map_err(|error| answer::unreadable(FUNCTION, error))?;
        answer::expect_length(FUNCTION, statuses.len(), jobs.len())?;
        Ok(statuses)
    }

    /// The pause between two heartbeats: two may fail before the lease ends.
    pub fn heartbeat_ms(&self) -> u32 {
        self.lease_seconds.saturating_mul(1_000) / 3
    }

    /// How long to wait for an answer about leases: not longer than two thirds of a lease, so that there is time to ask
    /// again, and not beyond the isolate's end.
    fn timeout_ms(&self) -> u32 {
        let left_ms = self.give_up_at_ms.saturating_sub(self.host.now_ms());
        let left_ms = u32::try_from(left_ms).unwrap_or(u32::MAX);
        let two_thirds_ms = self.heartbeat_ms().saturating_mul(2);
        TIMEOUT_MS.min(two_thirds_ms).min(left_ms).max(1_000)
    }

    /// Records that a step begins.
    ///
    /// # Errors
    /// [`QueueError`] when the database is unreachable or refuses, with code `JQ002` when the lease is lost.
    pub async fn start_step(&self, job: &Job, name: &str) -> Result<StepStart, QueueError> {
        let step = StartStepRequest {
            job_id: job.id,
            lease_token: job.lease_token,
            name,
            lease_seconds: self.lease_seconds,
        };
        self.repeated("start_job_step", &step, self.timeout_ms())
            .await
    }

    /// Keeps the result of a step. The first result under a name stays, unless this one is to `replace` it.
    ///
    /// # Errors
    /// [`QueueError`] when the database is unreachable or refuses, with code `JQ002` when the lease is lost.
    pub async fn save_step(
        &self,
        job: &Job,
        name: &str,
        result: &RawValue,
        progress: Option<Progress>,
        replace: bool,
    ) -> Result<LeaseStatus, QueueError> {
        let step = SaveStepRequest {
            job_id: job.id,
            lease_token: job.lease_token,
            name,
            result,
            progress,
            lease_seconds: self.lease_seconds,
            replace,
        };
        self.repeated("save_job_step", &step, self.timeout_ms())
            .await
    }

    /// Has the database wake another worker, if there is work for one.
    ///
    /// # Errors
    /// [`QueueError`] when the database is unreachable or refuses.
    pub async fn wake_successor(&self) -> Result<u32, QueueError> {
        let successor = WakeRequest { max_posts: 1 };
        self.repeated("dispatch_workers", &successor, TIMEOUT_MS)
            .await
    }

    /// The health of the queue in Prometheus's text format.
    ///
    /// # Errors
    /// [`QueueError`] when the database is unreachable or refuses.
    pub async fn metrics(&self) -> Result<String, QueueError> {
        let nothing = serde_json::Map::new();
        self.repeated("job_queue_metrics", &nothing, TIMEOUT_MS)
            .await
    }

    /// Calls any function of the database, for a handler.
    ///
    /// # Errors
    /// [`QueueError`] when the database is unreachable, refuses, or answers something else than a `T`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        function: &str,
        arguments: impl Serialize,
    ) -> Result<T, QueueError> {
        let call = Call {
            function,
            arguments: encode(function, &arguments)?,
            timeout_ms: TIMEOUT_MS,
            missing_tries: MISSING_TRIES,
        };
        self.answered(call).await
    }

    async fn repeated<T: DeserializeOwned>(
        &self,
        function: &str,
        arguments: &impl Serialize,
        timeout_ms: u32,
    ) -> Result<T, QueueError> {
        let call = Call {
            function,
            arguments: encode(function, arguments)?,
            timeout_ms,
            missing_tries: u32::MAX,
        };
        self.answered(call).await
    }

    async fn answered<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, QueueError> {
        let mut value = None;
        let mut read = |json: &str| {
            value = Some(serde_json::from_str(json)?);
            Ok(())
        };
        self.repeat(&call, &mut read).await?;
        value.ok_or_else(|| answer::unreadable(call.function, "it is missing"))
    }

    /// The loop of [`Self::answered`] without type parameters, so that the Wasm has one copy of it.
    async fn repeat(
        &self,
        call: &Call<'_>,
        read: &mut dyn FnMut(&str) -> serde_json::Result<()>,
    ) -> Result<(), QueueError> {
        let function = call.function;
        let mut failures = 0;
        loop {
            let arguments = call.arguments.clone();
            let answer = self.host.rpc(function, arguments, call.timeout_ms).await;
            let answered = answer::returned(function, answer)
                .and_then(|json| read(&json).map_err(|error| answer::unreadable(function, error)));
            let Err(error) = answered else {
                return Ok(());
            };
            failures += 1;
            let pause_ms = retry::pause_ms(error.retryability(), error.retry_after_ms(), failures);
            let Some(pause_ms) = pause_ms else {
                return Err(error);
            };
            let is_hopeless = error.is_missing_function() && failures >= call.missing_tries;
            if is_hopeless || self.host.now_ms() + u64::from(pause_ms) >= self.give_up_at_ms {
                return Err(error);
            }
            self.host.sleep_ms(pause_ms).await;
        }
    }
}

/// A call that is repeated.
struct Call<'c> {
    function: &'c str,
    arguments: String,
    timeout_ms: u32,
    /// How often a function is looked for that is not there.
    missing_tries: u32,
}

fn encode(function: &str, arguments: &impl Serialize) -> Result<String, QueueError> {
    wire::encode(arguments).map_err(|error| QueueError::Unsendable {
        function: function.into(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::queue::retry::Retryability;
    use crate::testing::{Reply, ScriptedHost};

    /// How long a call takes that is told that there is no such function, and what it comes to.
    fn missing<T: std::fmt::Debug>(
        call: impl AsyncFnOnce(QueueClient<'_, ScriptedHost>) -> Result<T, QueueError>,
    ) -> (u64, String) {
        let message = "Could not find the function public.pay_invoice(id) in the schema cache";
        let body = serde_json::json!({ "code": "PGRST202", "message": message });
        let host = ScriptedHost::new().on_rpc(move |_, _| Reply::json(404, body.clone()));
        let error = host.run(call(QueueClient::new(&host, 60_000, 30)));
        (host.clock().get(), error.expect_err("missing").to_string())
    }

    #[test]
    fn a_function_that_a_handler_misspells_is_missing_within_a_second() {
        let (ms, error) = missing(async |queue| queue.call::<Value>("pay_invoice", 7).await);
        assert!(ms < 1_000, "{ms} ms");
        assert!(error.contains("public.pay_invoice(id)"), "{error}");
    }

    #[test]
    fn the_queues_own_functions_are_waited_for_after_a_deployment() {
        let (ms, _) = missing(async |queue| queue.metrics().await);
        assert!(ms > 5_000, "{ms} ms");
    }

    #[test]
    fn arguments_that_are_no_json_are_an_error_and_nothing_is_sent() {
        let host = ScriptedHost::new();
        let queue = QueueClient::new(&host, 60_000, 30);
        let arguments = BTreeMap::from([(vec![1], "a key that is no text")]);
        let answer = host.run(queue.call::<Value>("f", arguments));
        let error = answer.expect_err("nothing to send");
        assert_eq!(
            error.to_string(),
            "f: the arguments cannot be sent: key must be a string"
        );
        assert_eq!(error.retryability(), Retryability::Content);
        assert!(host.rpcs.borrow().is_empty());
    }
}
