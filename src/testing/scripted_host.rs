//! A host for tests: answers come from a script, time is a number, and a test takes no longer than its code.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::LocalBoxFuture;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::Config;
use crate::error::JobError;
use crate::handler::{JobContext, JobHandler, Registration};
use crate::host::{ComputeError, Host, HttpRequest, HttpResponse, Kernel, TransportError};
use crate::isolate::{CrashRecord, RunContext, Signals};
use crate::job::Job;
use crate::testing::Reply;

type OnRpc = Box<dyn FnMut(&str, &Value) -> Reply>;
type OnFetch = Box<dyn FnMut(&HttpRequest) -> Reply>;
type OnCompute = Box<dyn FnMut(Kernel, &[u8]) -> Result<Vec<u8>, ComputeError>>;

/// A [`Host`] that answers what a test says and records what it was asked.
pub struct ScriptedHost {
    on_rpc: RefCell<OnRpc>,
    on_fetch: RefCell<OnFetch>,
    on_compute: RefCell<OnCompute>,
    now_ms: Rc<Cell<u64>>,
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
    timers_made: Cell<u64>,
    /// Calls to the database in the order they were sent: function and arguments.
    pub rpcs: RefCell<Vec<(String, Value)>>,
    /// The text of the arguments of each of them.
    pub rpc_texts: RefCell<Vec<String>>,
    /// Requests to other servers in the order they were sent.
    pub fetches: RefCell<Vec<HttpRequest>>,
    /// Requests to other servers that were dropped before their answer came.
    pub aborted_fetches: Cell<usize>,
    /// The CPU time used.
    pub cpu_ms: Cell<u64>,
    /// The memory taken.
    pub memory_bytes: Cell<u64>,
    /// Messages written to the log; each is one or more lines.
    pub messages: RefCell<Vec<String>>,
}

impl ScriptedHost {
    /// A host that expects no call.
    pub fn new() -> Self {
        Self {
            on_rpc: RefCell::new(Box::new(|function, _| panic!("unexpected rpc {function}"))),
            on_fetch: RefCell::new(Box::new(|request| {
                panic!("unexpected request to {}", request.url)
            })),
            on_compute: RefCell::new(Box::new(compute)),
            now_ms: Rc::default(),
            timers: RefCell::default(),
            timers_made: Cell::new(0),
            rpcs: RefCell::default(),
            rpc_texts: RefCell::default(),
            fetches: RefCell::default(),
            aborted_fetches: Cell::new(0),
            cpu_ms: Cell::new(0),
            memory_bytes: Cell::new(0),
            messages: RefCell::default(),
        }
    }

    /// Answers calls to the database.
    pub fn on_rpc(self, script: impl FnMut(&str, &Value) -> Reply + 'static) -> Self {
        *self.on_rpc.borrow_mut() = Box::new(script);
        self
    }

    /// Answers requests to other servers.
    pub fn on_fetch(self, script: impl FnMut(&HttpRequest) -> Reply + 'static) -> Self {
        *self.on_fetch.borrow_mut() = Box::new(script);
        self
    }

    /// Answers in the place of the kernels.
    pub fn on_compute(
        self,
        script: impl FnMut(Kernel, &[u8]) -> Result<Vec<u8>, ComputeError> + 'static,
    ) -> Self {
        *self.on_compute.borrow_mut() = Box::new(script);
        self
    }

    /// Drives `future` to its end, moving the clock to the next timer whenever nothing else can happen.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(flag.clone());
        for _ in 0..1_000_000 {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            if !flag.0.swap(false, Ordering::Relaxed) {
                self.advance();
            }
        }
        panic!("the future is polled for ever");
    }

    /// The clock, for scripts that answer by the time.
    pub fn clock(&self) -> Rc<Cell<u64>> {
        self.now_ms.clone()
    }

    /// The arguments of all calls to one function.
    pub fn calls_of(&self, function: &str) -> Vec<Value> {
        let rpcs = self.rpcs.borrow();
        let calls = rpcs.iter().filter(|(name, _)| name == function);
        calls.map(|(_, arguments)| arguments.clone()).collect()
    }

    /// The log's lines, decoded.
    pub fn log_lines(&self) -> Vec<Value> {
        let messages = self.messages.borrow();
        let lines = messages.iter().flat_map(|message| message.lines());
        lines
            .map(|line| serde_json::from_str(line).expect("a log line is a JSON object"))
            .collect()
    }

    /// The log's lines about one event.
    pub fn log_lines_of(&self, event: &str) -> Vec<Value> {
        let mut lines = self.log_lines();
        lines.retain(|line| line["event"] == event);
        lines
    }

    fn advance(&self) {
        let next = self.timers.borrow_mut().pop_first();
        let ((due_ms, _), waker) = next.expect("everything waits for something that never happens");
        self.now_ms.set(self.now_ms.get().max(due_ms));
        waker.wake();
    }

    async fn answer(&self, reply: Reply) -> Result<HttpResponse, TransportError> {
        // Even an immediate answer comes no sooner than the next turn of the event loop.
        self.sleep_ms(reply.after_ms).await;
        reply.answer
    }
}

impl Host for ScriptedHost {
    async fn rpc(
        &self,
        function: &str,
        arguments: String,
        timeout_ms: u32,
    ) -> Result<HttpResponse, TransportError> {
        let mut reader = serde_json::Deserializer::from_str(&arguments);
        reader.disable_recursion_limit(); // as Postgres has none that matters
        let values = serde::Deserialize::deserialize(&mut reader);
        let values: Value = values.expect("arguments are JSON");
        let reply = (self.on_rpc.borrow_mut())(function, &values);
        self.rpcs.borrow_mut().push((function.into(), values));
        self.rpc_texts.borrow_mut().push(arguments);
        self.answer(reply.within(timeout_ms)).await
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let reply = (self.on_fetch.borrow_mut())(&request);
        let (timeout_ms, most_bytes) = (request.timeout_ms, request.max_response_bytes);
        self.fetches.borrow_mut().push(request);
        let aborted = AbortOnDrop(&self.aborted_fetches);
        let answer = self.answer(reply.within(timeout_ms)).await;
        std::mem::forget(aborted);
        match answer {
            Ok(response) if response.body.len() > most_bytes => Err(TransportError::TooLarge),
            answer => answer,
        }
    }

    /// A body comes in pieces of a few bytes, so that no reader can rely on where they end.
    async fn fetch_in_pieces(
        &self,
        request: HttpRequest,
        mut on_piece: impl FnMut(&[u8]),
    ) -> Result<HttpResponse, TransportError> {
        let mut response = self.fetch(request).await?;
        let body = std::mem::take(&mut response.body);
        body.chunks(7).for_each(&mut on_piece);
        Ok(response)
    }

    async fn compute(
        &self,
        kernel: Kernel,
        head: &[u8],
        body: &[u8],
    ) -> Result<Vec<u8>, ComputeError> {
        self.sleep_ms(0).await;
        (self.on_compute.borrow_mut())(kernel, &[head, body].concat())
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    fn unix_seconds(&self) -> u64 {
        self.now_ms() / 1_000
    }

    fn cpu_us(&self) -> u64 {
        self.cpu_ms.get() * 1_000
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes.get()
    }

    async fn sleep_ms(&self, milliseconds: u32) {
        let due_ms = self.now_ms.get() + u64::from(milliseconds);
        let key = (due_ms, self.timers_made.replace(self.timers_made.get() + 1));
        let mut timer = Timer {
            host: self,
            key,
            is_set: false,
        };
        poll_fn(|context| timer.poll(context)).await;
    }

    fn log(&self, message: &str) {
        self.messages.borrow_mut().push(message.into());
    }
}

/// The kernels themselves, linked natively.
fn compute(kernel: Kernel, frame: &[u8]) -> Result<Vec<u8>, ComputeError> {
    match kernel {
        Kernel::Images => Ok(image_kernel::answer(frame)),
        Kernel::Documents => Ok(document_kernel::answer(frame)),
    }
}

/// A timer that leaves no trace when it is dropped.
struct Timer<'a> {
    host: &'a ScriptedHost,
    key: (u64, u64),
    is_set: bool,
}

impl Timer<'_> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut timers = self.host.timers.borrow_mut();
        if self.is_set && !timers.contains_key(&self.key) {
            return Poll::Ready(());
        }
        timers.insert(self.key, context.waker().clone());
        self.is_set = true;
        Poll::Pending
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.host.timers.borrow_mut().remove(&self.key);
    }
}

struct AbortOnDrop<'a>(&'a Cell<usize>);

impl Drop for AbortOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Settings that are complete, Grok's included, plus or instead `changes`.
pub fn config(changes: &[(&str, &str)]) -> Config {
    let variables = [
        ("SUPABASE_URL", "http://supabase.test"),
        ("SUPABASE_SECRET_KEYS", r#"{"default":"sb_secret_test"}"#),
        ("QUEUE_WORKER_TOKEN", "worker-token"),
        ("GROK_API_KEY", "grok-key"),
        ("GROK_BASE_URL", "http://grok.test/v1"),
    ];
    let pairs = variables.iter().chain(changes);
    Config::parse(pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
        .expect("the settings are complete")
}

/// A claimed job in its first attempt, without saved steps.
pub fn job(job_type: &str, input_data: Value) -> Job {
    Job {
        id: Uuid::new_v4(),
        job_type: job_type.into(),
        input_data: raw(&input_data),
        retry_count: 0,
        max_retries: 3,
        timeout_seconds: None,
        lease_token: Uuid::new_v4(),
        steps: BTreeMap::new(),
    }
}

/// A value's JSON text.
pub fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).expect("a value has JSON text")
}

/// Runs one job as the worker does, without its loop.
pub fn run_job<J: JobHandler + 'static>(
    host: &ScriptedHost,
    config: &Config,
    job: Job,
) -> Result<Value, JobError> {
    run_raw_job::<J>(host, config, job).map(|output| read(&output))
}

/// The same, with the text of the result.
pub fn run_raw_job<J: JobHandler + 'static>(
    host: &ScriptedHost,
    config: &Config,
    job: Job,
) -> Result<Box<RawValue>, JobError> {
    let (signals, crash_record) = (Signals::default(), CrashRecord::default());
    let run = RunContext::new(host, config, &signals, &crash_record, 0, "test-worker");
    let context = JobContext::new(&run, job);
    let result = host.run(attempt::<J>(&context));
    run.log.flush();
    result
}

/// Runs one attempt of a job whose context the test has made.
pub fn run_attempt<J: JobHandler + 'static>(
    host: &ScriptedHost,
    context: &JobContext<'_, ScriptedHost>,
) -> Result<Value, JobError> {
    host.run(attempt::<J>(context)).map(|output| read(&output))
}

fn attempt<'a, J: JobHandler + 'static>(
    context: &'a JobContext<'a, ScriptedHost>,
) -> LocalBoxFuture<'a, Result<Box<RawValue>, JobError>> {
    (Registration::<ScriptedHost>::of::<J>().run)(context)
}

fn read(output: &RawValue) -> Value {
    serde_json::from_str(output.get()).expect("JSON")
}

/// The answer to `start_job_step` and `save_job_step`: go on.
pub fn held() -> Reply {
    Reply::json(200, json!("held"))
}
