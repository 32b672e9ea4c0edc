//! Arguments and answers of the queue's functions. Field names are the functions' argument names.

use std::collections::BTreeMap;
use std::ops::Not;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::outcome::Outcome;
use crate::error::ErrorMessage;
use crate::foreign_json;
use crate::job::{Job, Progress};

/// Stores results and claims jobs in one call.
#[derive(Debug, Serialize)]
pub struct ExchangeRequest<'a, R> {
    /// Results of jobs in flight: each serializes as a [`JobResult`].
    pub results: &'a [R],
    /// How many jobs to claim; 0 only stores the results.
    pub max_jobs: usize,
    /// The job types this worker runs.
    pub job_types: &'a [&'a str],
    /// The job types it knows but does not run now, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unavailable: &'a BTreeMap<String, ErrorMessage>,
    /// Which worker claims, for people who look at the table.
    pub worker_id: &'a str,
    /// How long the lease lasts without a heartbeat.
    pub lease_seconds: u32,
    /// Chosen by the worker for this claim, so that it can be repeated when its answer is lost; `None` without a claim.
    pub lease_token: Option<Uuid>,
    /// How often the same claim was sent before, without an answer.
    pub repetition: u32,
    /// The worker holds no other job and expects none: it may be given jobs that run alone.
    pub is_idle: bool,
    /// Free slots: the weights of the claimed jobs fit into them.
    pub capacity: usize,
    /// How much text the claimed jobs may weigh together; one job is claimed whatever it weighs.
    pub max_bytes: usize,
}

/// The result of one job.
#[derive(Debug, Serialize)]
pub struct JobResult<'a> {
    /// Which job.
    pub job_id: Uuid,
    /// Proof that it is still this worker's.
    pub lease_token: Uuid,
    /// `true` when the run ended before its deadline: the database stores that however late it hears of it.
    #[serde(skip_serializing_if = "Not::not")]
    pub was_in_time: bool,
    /// What to do with it.
    #[serde(flatten)]
    pub outcome: &'a Outcome,
}

impl<'a> JobResult<'a> {
    /// The result of a run. Whatever a worker says of one, but that it timed out, it says of one that ended in time.
    pub fn of(job_id: Uuid, lease_token: Uuid, has_timeout: bool, outcome: &'a Outcome) -> Self {
        Self {
            job_id,
            lease_token,
            was_in_time: has_timeout && !matches!(outcome, Outcome::TimedOut),
            outcome,
        }
    }
}

/// What a crashed worker leaves behind.
#[derive(Serialize)]
pub struct AbandonRequest<'a> {
    /// Results of the jobs in flight.
    pub results: Vec<JobResult<'a>>,
    /// Claims without an answer.
    pub lease_tokens: Vec<Uuid>,
}

impl AbandonRequest<'_> {
    /// The function that takes it.
    pub const FUNCTION: &'static str = "abandon_jobs";

    /// The arguments of the call, as JSON.
    ///
    /// # Errors
    /// When an outcome has no JSON.
    pub fn arguments(&self) -> serde_json::Result<String> {
        encode(self)
    }
}

/// The answer to an [`ExchangeRequest`].
#[derive(Debug, Default, Deserialize)]
pub struct ExchangeAnswer {
    /// What state each result put its job in, in the order they were sent.
    pub finished: Vec<FinishStatus>,
    /// The claimed jobs, in the order they should start.
    pub jobs: Vec<Job>,
    /// After how long to claim once more before the run ends: until then new jobs wake no worker.
    #[serde(alias = "look_again_ms")]
    pub claim_again_ms: Option<u32>,
    /// Their workers died: nothing is claimed beside these jobs.
    #[serde(default)]
    pub are_suspects: bool,
    /// Such jobs have waited long enough for a worker that holds nothing else.
    #[serde(default)]
    pub suspects_wait: bool,
    /// More jobs are ready than fitted into the capacity or the bytes.
    #[serde(default)]
    pub is_cut: bool,
    /// The job types that do not weigh 1.
    pub weights: Option<BTreeMap<String, u64>>,
    /// The length of the answer.
    #[serde(skip)]
    pub bytes: usize,
}

/// Reads the answer to an exchange.
pub(super) fn decode_exchange(json: &str) -> serde_json::Result<ExchangeAnswer> {
    let answer = serde_json::from_str(json)?;
    Ok(ExchangeAnswer {
        bytes: json.len(),
        ..answer
    })
}

/// What state a result put its job in: the database has the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishStatus {
    /// The result is stored.
    Completed,
    /// It waits for another attempt.
    Queued,
    /// It will not be tried again.
    Failed,
    /// Someone cancelled it.
    Cancelled,
    /// The lease was lost and nothing changed.
    #[serde(other)]
    Lost,
}

/// A heartbeat for one job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobHeartbeat {
    /// Which job.
    pub job_id: Uuid,
    /// Proof that it is still this worker's.
    pub lease_token: Uuid,
    /// New progress, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

#[derive(Serialize)]
pub(super) struct HeartbeatRequest<'a> {
    pub(super) jobs: &'a [JobHeartbeat],
    pub(super) lease_seconds: u32,
}

/// What a heartbeat or a saved step is told about its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseStatus {
    /// Go on.
    Held,
    /// Stop: someone cancelled the job.
    Cancelled,
    /// Stop: the job is not this worker's any more.
    Lost,
}

/// How the database knows a step that is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStart {
    /// For the first time.
    Held,
    /// An earlier run of the job began it and never finished it.
    Again,
    /// It must not begin: someone cancelled the job.
    Cancelled,
}

#[derive(Serialize)]
pub(super) struct StartStepRequest<'a> {
    pub(super) job_id: Uuid,
    pub(super) lease_token: Uuid,
    pub(super) name: &'a str,
    pub(super) lease_seconds: u32,
}

#[derive(Serialize)]
pub(super) struct SaveStepRequest<'a> {
    pub(super) job_id: Uuid,
    pub(super) lease_token: Uuid,
    pub(super) name: &'a str,
    pub(super) result: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<Progress>,
    pub(super) lease_seconds: u32,
    pub(super) replace: bool,
}

#[derive(Serialize)]
pub(super) struct WakeRequest {
    pub(super) max_posts: u32,
}

/// The JSON text of a call's arguments, without what Postgres cannot store.
///
/// # Errors
/// When they have none, as a map whose keys are no texts.
pub(super) fn encode(arguments: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(arguments).map(foreign_json::storable)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_exchange_has_the_functions_argument_names() {
        let outcome = Outcome::Failed {
            error_message: ErrorMessage::of(&"not now"),
            retryable: true,
            retry_after_seconds: None,
            error_stack: None,
        };
        let unavailable = BTreeMap::from([("report".to_owned(), ErrorMessage::of(&"no key"))]);
        let result = JobResult::of(Uuid::nil(), Uuid::max(), true, &outcome);
        let exchange = ExchangeRequest {
            results: &[result],
            max_jobs: 5,
            job_types: &["noop"],
            unavailable: &unavailable,
            worker_id: "w",
            lease_seconds: 30,
            lease_token: Some(Uuid::nil()),
            repetition: 0,
            is_idle: true,
            capacity: 5,
            max_bytes: 1_024,
        };
        let sent: Value =
            serde_json::from_str(&encode(&exchange).expect("encodable")).expect("JSON");
        assert_eq!(
            sent,
            json!({
                "results": [{
                    "job_id": "00000000-0000-0000-0000-000000000000",
                    "lease_token": "ffffffff-ffff-ffff-ffff-ffffffffffff",
                    "was_in_time": true,
                    "outcome": "failed",
                    "error_message": "not now",
                    "retryable": true,
                }],
                "max_jobs": 5,
                "job_types": ["noop"],
                "unavailable": { "report": "no key" },
                "worker_id": "w",
                "lease_seconds": 30,
                "lease_token": "00000000-0000-0000-0000-000000000000",
                "repetition": 0,
                "is_idle": true,
                "capacity": 5,
                "max_bytes": 1_024,
            })
        );
    }

    #[test]
    fn an_exchanges_answer_is_read_whatever_else_it_holds() {
        let answer = json!({
            "finished": ["completed", "queued", "failed", "cancelled", "lost", "processing"],
            "jobs": [{
                "id": Uuid::nil(), "job_type": "noop", "input_data": { "n": 1 }, "retry_count": 2,
                "max_retries": 3, "lease_token": Uuid::max(), "steps": { "a": [1] },
                "priority": 7, "created_at": "2026-01-01T00:00:00Z",
            }],
        });
        let exchanged = decode_exchange(&answer.to_string()).expect("readable");
        assert_eq!(
            exchanged.finished,
            [
                FinishStatus::Completed,
                FinishStatus::Queued,
                FinishStatus::Failed,
                FinishStatus::Cancelled,
                FinishStatus::Lost,
                FinishStatus::Lost,
            ]
        );
        assert_eq!(exchanged.jobs[0].attempt(), 3);
        assert_eq!(exchanged.claim_again_ms, None);
        assert_eq!(exchanged.jobs[0].steps["a"].get(), "[1]");
    }

    #[test]
    fn what_a_job_holds_for_its_handler_is_not_looked_into() {
        let deep = format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000));
        let huge = format!("1{}", "0".repeat(400));
        for text in [deep.as_str(), &huge, "-0.10e-400", r#"{"n":[1.50]}"#] {
            let id = Uuid::max();
            let answer = format!(
                r#"{{"finished":[],"jobs":[{{"input_data":{text},"id":"{id}","job_type":"noop","retry_count":2,
                "max_retries":3,"lease_token":"{id}","steps":{{"a":{text}}}}}]}}"#
            );
            let answer = decode_exchange(&answer).expect("readable");
            assert_eq!(answer.jobs[0].input_data.get(), text);
            assert_eq!(answer.jobs[0].steps["a"].get(), text);
        }
    }

    #[test]
    fn nul_characters_are_left_out_of_what_is_sent_and_nothing_else() {
        let sent = |text: &str| -> Value {
            let sent = encode(&json!({ "text": text })).expect("encodable");
            serde_json::from_str(&sent).expect("JSON")
        };
        assert_eq!(sent("a\0b\0")["text"], "ab");
        assert_eq!(sent("\0")["text"], "");
        assert_eq!(sent("a\\u0000b\\\0")["text"], "a\\u0000b\\");
        assert_eq!(sent("ü\n\"\\")["text"], "ü\n\"\\");
    }
}
