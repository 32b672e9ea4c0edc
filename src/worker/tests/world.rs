//! A queue in a few lines, and a run of the worker on it.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::handlers;
use crate::config::Config;
use crate::host::TransportError;
use crate::isolate::CrashRecord;
use crate::isolate::{RunContext, Shared, Signals};
use crate::testing::{Reply, ScriptedHost, config};
use crate::worker;
use crate::worker::RunReport;

/// What the database does instead of answering as usual.
type Fault = Box<dyn FnMut(&str, &Value) -> Option<Reply>>;

#[derive(Default)]
struct Database {
    ready: VecDeque<Value>,
    claims: HashMap<String, Vec<Value>>,
    outcomes: Vec<(String, Value)>,
    lease_statuses: HashMap<String, &'static str>,
    fault: Option<Fault>,
    call_ms: u32,
    claim_again_ms: Option<u32>,
    /// Members of the next answer that brings jobs, beside the usual ones.
    said: Value,
    weights: Value,
    puts_released_back: bool,
}

/// A queue of jobs in memory, without leases: what it says about them is up to the test.
#[derive(Clone, Default)]
pub(super) struct Queue(Rc<RefCell<Database>>);

impl Queue {
    /// Adds a job of a type and answers its id.
    pub(super) fn add(&self, job_type: &str, input_data: Value) -> String {
        let id = Uuid::new_v4().to_string();
        self.0.borrow_mut().ready.push_back(json!({
            "id": id, "job_type": job_type, "input_data": input_data,
            "retry_count": 0, "max_retries": 3, "steps": {},
        }));
        id
    }

    pub(super) fn add_many(&self, count: usize, job_type: &str, input_data: Value) {
        for _ in 0..count {
            self.add(job_type, input_data.clone());
        }
    }

    /// Adds a job that may take so long, and answers its id.
    pub(super) fn add_with_timeout(
        &self,
        job_type: &str,
        input_data: Value,
        seconds: u32,
    ) -> String {
        let id = self.add(job_type, input_data);
        let mut database = self.0.borrow_mut();
        let job = database.ready.back_mut().expect("just added");
        job["timeout_seconds"] = json!(seconds);
        id
    }

    /// Replaces the usual answer to a call whenever `fault` returns one.
    pub(super) fn fault(&self, fault: impl FnMut(&str, &Value) -> Option<Reply> + 'static) {
        self.0.borrow_mut().fault = Some(Box::new(fault));
    }

    /// What a heartbeat for the job is told, and for "lost" also its finish.
    pub(super) fn set_lease_status(&self, id: &str, lease_status: &'static str) {
        self.0
            .borrow_mut()
            .lease_statuses
            .insert(id.into(), lease_status);
    }

    /// How long every exchange takes.
    pub(super) fn calls_take_ms(&self, milliseconds: u32) {
        self.0.borrow_mut().call_ms = milliseconds;
    }

    /// What the next answer says about claiming again.
    pub(super) fn claim_again_after_ms(&self, milliseconds: u32) {
        self.0.borrow_mut().claim_again_ms = Some(milliseconds);
    }

    /// What the next answer says besides.
    pub(super) fn say(&self, members: Value) {
        self.0.borrow_mut().said = members;
    }

    /// Job types that do not weigh 1.
    pub(super) fn set_weights(&self, weights: Value) {
        self.0.borrow_mut().weights = weights;
    }

    /// Lets what is released be claimed again.
    pub(super) fn put_released_back(&self) {
        self.0.borrow_mut().puts_released_back = true;
    }

    /// What was stored about a job: its outcome as it was sent.
    pub(super) fn outcome(&self, id: &str) -> Value {
        let database = self.0.borrow();
        let mut outcomes = database.outcomes.iter().filter(|(job, _)| job == id);
        let outcome = outcomes.next().expect("the job was finished").1.clone();
        assert!(outcomes.next().is_none(), "the job was finished once");
        outcome
    }

    /// All outcomes of one kind as they were sent.
    pub(super) fn outcomes_of(&self, kind: &str) -> Vec<Value> {
        let database = self.0.borrow();
        let outcomes = database.outcomes.iter().map(|(_, outcome)| outcome);
        let of_kind = outcomes.filter(|outcome| outcome["outcome"] == kind);
        of_kind.cloned().collect()
    }

    pub(super) fn finished(&self) -> usize {
        self.0.borrow().outcomes.len()
    }

    pub(super) fn ready(&self) -> usize {
        self.0.borrow().ready.len()
    }

    fn answer(&self, function: &str, arguments: &Value) -> Reply {
        // The script may look into the database itself.
        let fault = self.0.borrow_mut().fault.take();
        if let Some(mut script) = fault {
            let reply = script(function, arguments);
            self.0.borrow_mut().fault = Some(script);
            if let Some(reply) = reply {
                return reply;
            }
        }
        self.usual_answer(function, arguments)
    }

    /// What happens when nothing goes wrong; a script uses it for a call whose answer is lost.
    pub(super) fn usual_answer(&self, function: &str, arguments: &Value) -> Reply {
        let answer = self.usual_json(function, arguments);
        Reply::json(200, answer).after_ms(self.0.borrow().call_ms)
    }

    /// The body of that.
    pub(super) fn usual_json(&self, function: &str, arguments: &Value) -> Value {
        let mut database = self.0.borrow_mut();
        match function {
            "finish_and_claim_jobs" => database.exchange(arguments),
            "heartbeat_jobs" => database.heartbeat(arguments),
            "start_job_step" | "save_job_step" => json!("held"),
            "dispatch_workers" => json!(1),
            other => panic!("unexpected function {other}"),
        }
    }
}

impl Database {
    fn exchange(&mut self, arguments: &Value) -> Value {
        let results = arguments["results"].as_array().expect("results");
        let finished: Vec<_> = results.iter().map(|result| self.finish(result)).collect();
        let claim_again_ms = self.claim_again_ms.take();
        let mut answer = json!({
            "finished": finished, "jobs": self.claim(arguments), "claim_again_ms": claim_again_ms,
            "weights": self.weights,
        });
        if let Value::Object(said) = self.said.take() {
            answer.as_object_mut().expect("an object").extend(said);
        }
        answer
    }

    fn finish(&mut self, result: &Value) -> &'static str {
        let id = result["job_id"].as_str().expect("job_id").to_owned();
        if self.lease_statuses.get(&id) == Some(&"lost") {
            return "lost";
        }
        if result["outcome"] == "released" && self.puts_released_back {
            let mut claimed = self.claims.values().flatten();
            let job = claimed.find(|job| job["id"] == id.as_str());
            self.ready.push_back(job.expect("it was claimed").clone());
        }
        self.outcomes.push((id, result.clone()));
        match result["outcome"].as_str() {
            Some("completed") => "completed",
            Some("failed") if result["retryable"] == false => "failed",
            Some("failed" | "timed_out" | "released" | "handed_over") => "queued",
            Some("cancelled") => "cancelled",
            other => panic!("unexpected outcome {other:?}"),
        }
    }

    fn claim(&mut self, arguments: &Value) -> Vec<Value> {
        let wanted = arguments["max_jobs"].as_u64().expect("max_jobs") as usize;
        if wanted == 0 {
            return Vec::new();
        }
        let token = arguments["lease_token"].as_str().expect("lease_token");
        if let Some(jobs) = self.claims.get(token) {
            assert_ne!(arguments["repetition"], 0, "a claim sent twice says so");
            return jobs.clone();
        }
        let types = arguments["job_types"].as_array().expect("job_types");
        let (mut taken, mut left) = (Vec::new(), VecDeque::new());
        for mut job in std::mem::take(&mut self.ready) {
            if taken.len() < wanted && types.contains(&job["job_type"]) {
                job["lease_token"] = json!(token);
                taken.push(job);
            } else {
                left.push_back(job);
            }
        }
        self.ready = left;
        self.claims.insert(token.into(), taken.clone());
        taken
    }

    fn heartbeat(&mut self, arguments: &Value) -> Value {
        let jobs = arguments["jobs"].as_array().expect("jobs");
        let lease_status = |job: &Value| {
            let id = job["job_id"].as_str().expect("job_id");
            *self.lease_statuses.get(id).unwrap_or(&"held")
        };
        jobs.iter().map(lease_status).collect()
    }
}

/// A worker, its queue, and what goes on between them.
pub(super) struct World {
    pub(super) host: ScriptedHost,
    pub(super) queue: Queue,
    pub(super) config: Config,
    pub(super) signals: Signals,
    /// What the isolate's runs share.
    shared: Shared,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(&[])
    }

    /// A world with some settings changed.
    pub(super) fn with(settings: &[(&str, &str)]) -> Self {
        let queue = Queue::default();
        let database = queue.clone();
        let host = ScriptedHost::new()
            .on_rpc(move |function, arguments| database.answer(function, arguments))
            .on_fetch(|_| Reply::never());
        Self {
            host,
            queue,
            config: config(settings),
            signals: Signals::default(),
            shared: Shared::default(),
        }
    }

    /// One run from start to end in an isolate that began with it.
    pub(super) fn run(&self) -> RunReport {
        self.run_beside(std::future::pending())
    }

    /// One run, and something that happens meanwhile.
    pub(super) fn run_beside(&self, other: impl Future<Output = ()>) -> RunReport {
        let crash_record = CrashRecord::default();
        let context = RunContext::new(
            &self.host,
            &self.config,
            &self.signals,
            &crash_record,
            0,
            "test-worker",
        )
        .sharing(self.shared.clone());
        let run = std::pin::pin!(worker::run(&context, handlers::all(self.host.clock())));
        let other = std::pin::pin!(async {
            other.await;
            std::future::pending::<()>().await;
        });
        match self.host.run(futures_util::future::select(run, other)) {
            futures_util::future::Either::Left((report, _)) => report,
            futures_util::future::Either::Right(_) => unreachable!("never ends"),
        }
    }

    /// The exchanges with the database so far.
    pub(super) fn exchanges(&self) -> Vec<Value> {
        self.host.calls_of("finish_and_claim_jobs")
    }

    /// How often the run had another worker woken.
    pub(super) fn successors(&self) -> usize {
        self.host.calls_of("dispatch_workers").len()
    }

    /// One number or text of every exchange.
    pub(super) fn exchanges_with(&self, member: &str) -> Vec<Value> {
        let exchanges = self.exchanges();
        exchanges
            .iter()
            .map(|exchange| exchange[member].clone())
            .collect()
    }
}

/// No server answers.
pub fn refused_connection() -> Reply {
    Reply::error(TransportError::Failed("connection refused".into()))
}
