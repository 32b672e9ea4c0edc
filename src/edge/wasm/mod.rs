//! The worker as the edge function sees it. Only this module and the ones below it name JavaScript.

mod boundary;
mod chunk;
mod clock;
mod host;
mod http;
mod kernels;
mod meter;
mod rpc;
mod script;
mod upload;

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Object, Promise};
use uuid::Uuid;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use self::boundary::{LastWords, Order, to_js};
use self::clock::now_ms;
use self::host::EdgeHost;
use self::meter::{Meter, Metered};
use self::rpc::RpcBuilder;
use crate::config::{Config, ConfigError};
use crate::edge::auth::Credentials;
use crate::edge::endpoint::{self, Answer};
use crate::handler::Registration;
use crate::handlers;
use crate::host::Host as _;
use crate::isolate::{CrashRecord, Limits, Resources, RunContext, Shared, Signals, StopReason};
use crate::log::Log;
use crate::queue::QueueClient;
use crate::worker;

/// Prometheus gives up after ten seconds.
const SCRAPE_MS: u64 = 8_000;
/// A successor that cannot be woken by then is woken by the clock.
const FAREWELL_MS: u64 = 2_000;

/// The worker of one isolate.
#[wasm_bindgen]
pub struct Worker(Rc<Isolate>);

struct Isolate {
    config: Result<Config, ConfigError>,
    signals: Signals,
    crash_record: CrashRecord,
    meter: Rc<Meter>,
    shared: Shared,
    started_ms: u64,
    worker_id: String,
    /// Functions by the job type they run.
    scripts: Object,
    /// The run in progress: whoever comes meanwhile shares it.
    run: RefCell<Option<Promise>>,
}

#[wasm_bindgen]
impl Worker {
    /// Reads the environment. What is wrong with it is said to whoever wants a run. Job types in TypeScript take the
    /// place of those in Rust that have the same name.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "Record<string, string>")] environment: JsValue,
        #[wasm_bindgen(
            unchecked_param_type = "Record<string, (job: string, input: string, bridge: Bridge) => Promise<string>>"
        )]
        scripts: Object,
    ) -> Worker {
        console_error_panic_hook::set_once();
        let config = boundary::variables(environment).and_then(Config::parse);
        let config = config.and_then(|config| RpcBuilder::check(&config).map(|()| config));
        Worker(Rc::new(Isolate {
            config,
            scripts,
            signals: Signals::default(),
            crash_record: CrashRecord::default(),
            meter: Rc::new(Meter::new()),
            shared: Shared::default(),
            started_ms: now_ms() as u64,
            worker_id: Uuid::new_v4().to_string(),
            run: RefCell::default(),
        }))
    }

    /// The answer to a request that must not or need not start a run; nothing if it may.
    #[wasm_bindgen(unchecked_return_type = "Answer | null")]
    pub fn admit(
        &self,
        method: &str,
        worker_token: Option<String>,
        api_key: Option<String>,
    ) -> Result<JsValue, JsValue> {
        let credentials = Credentials {
            worker_token: worker_token.as_deref(),
            api_key: api_key.as_deref(),
        };
        to_js(&endpoint::admit(&self.0.config, method, credentials).err())
    }

    /// Reads the body of an admitted request.
    #[wasm_bindgen(unchecked_return_type = "Order")]
    pub fn read(&self, body: &str) -> Result<JsValue, JsValue> {
        let wait = endpoint::wants_to_wait(body);
        to_js(&Order {
            wait: matches!(wait, Ok(true)),
            refusal: wait.err(),
        })
    }

    /// Works the queue off, or joins the run that is doing so. The promise is a native one, as
    /// `EdgeRuntime.waitUntil` demands, and is never rejected.
    #[wasm_bindgen(unchecked_return_type = "Promise<Answer>")]
    pub fn run(&self) -> Promise {
        let mut current = self.0.run.borrow_mut();
        if let Some(run) = current.as_ref() {
            self.0.signals.request_claim();
            return run.clone();
        }
        let isolate = self.0.clone();
        let run = async move {
            let answer = isolate.run().await;
            isolate.run.take();
            to_js(&answer)
        };
        let run = future_to_promise(Metered::new(run, self.0.meter.clone()));
        current.insert(run).clone()
    }

    /// The answer to a caller that does not wait for the run.
    #[wasm_bindgen(unchecked_return_type = "Answer")]
    pub fn accepted(&self) -> Result<JsValue, JsValue> {
        to_js(&endpoint::accepted())
    }

    /// The health of the queue in Prometheus's words, for an admitted caller. The promise is never rejected.
    #[wasm_bindgen(unchecked_return_type = "Promise<Answer>")]
    pub fn metrics(&self) -> Promise {
        let isolate = self.0.clone();
        future_to_promise(async move { to_js(&isolate.metrics().await) })
    }

    /// The answer to every request from now on when the isolate is used up and nothing runs in it.
    #[wasm_bindgen(js_name = usedUp, unchecked_return_type = "Answer | null")]
    pub fn used_up(&self) -> Result<JsValue, JsValue> {
        to_js(&self.0.is_used_up().then(endpoint::used_up))
    }

    /// Has another worker woken if work is due. For an isolate that is about to end itself. The promise is never
    /// rejected.
    #[wasm_bindgen(js_name = wakeSuccessor, unchecked_return_type = "Promise<void>")]
    pub fn wake_successor(&self) -> Promise {
        let isolate = self.0.clone();
        future_to_promise(async move {
            isolate.wake_successor().await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// The isolate is not to begin anything new.
    pub fn drain(&self) {
        self.0.signals.drain(StopReason::Shutdown);
    }

    /// The isolate is about to end, for the `reason` of the platform's event `beforeunload`.
    pub fn shutdown(&self, reason: Option<String>) {
        let now_ms = now_ms() as u64;
        let hand_over_at_ms = match (reason.as_deref(), &self.0.config) {
            (Some("wall_clock"), Ok(config)) => {
                Limits::new(self.0.started_ms, config).announced_end_ms(now_ms)
            }
            _ => now_ms,
        };
        self.0.signals.shut_down(hand_over_at_ms);
    }

    /// What to tell the database about the jobs on board after the worker has crashed, if anything. It is the
    /// only thing to ask a crashed worker for.
    #[wasm_bindgen(js_name = lastWords, unchecked_return_type = "LastWords | null")]
    pub fn last_words(&self) -> Result<JsValue, JsValue> {
        // Should it not have been the worker after all that crashed, it begins nothing more.
        self.0.signals.retire();
        to_js(&self.0.last_words())
    }
}

impl Isolate {
    async fn run(&self) -> Answer {
        let config = match &self.config {
            Ok(config) => config,
            Err(error) => return endpoint::not_configured(error),
        };
        let host = EdgeHost::new(config, &self.meter);
        let context = RunContext::new(
            &host,
            config,
            &self.signals,
            &self.crash_record,
            self.started_ms,
            &self.worker_id,
        )
        .sharing(self.shared.clone());
        endpoint::finished(worker::run(&context, self.handlers()).await)
    }

    async fn metrics(&self) -> Answer {
        match &self.config {
            Ok(config) => {
                let host = EdgeHost::new(config, &self.meter);
                let queue = queue(&host, config, SCRAPE_MS);
                endpoint::metrics(queue.metrics().await)
            }
            Err(error) => endpoint::not_configured(error),
        }
    }

    /// Whether it may claim nothing more and nothing runs. An isolate that the platform is ending is left to it.
    fn is_used_up(&self) -> bool {
        let Ok(config) = &self.config else {
            return false;
        };
        if self.run.borrow().is_some() {
            return false;
        }
        let host = EdgeHost::new(config, &self.meter);
        let resources = Resources::new(&host, config, &self.signals, self.started_ms);
        match self.signals.drain_reason() {
            Some(reason) => reason != StopReason::Shutdown,
            None => resources.limits().ends_claims(resources.usage()).is_some(),
        }
    }

    async fn wake_successor(&self) {
        let Ok(config) = &self.config else {
            return;
        };
        let host = EdgeHost::new(config, &self.meter);
        let log = Log::new(&host);
        if let Err(error) = queue(&host, config, FAREWELL_MS).wake_successor().await {
            log.failure("no_successor", &error);
        }
        log.flush();
    }

    fn last_words(&self) -> Option<LastWords> {
        let rpc = RpcBuilder::new(self.config.as_ref().ok()?);
        let words = self.crash_record.abandon_call()?;
        let request = rpc.request(words.function, words.arguments, 0).ok()?;
        Some(request.into())
    }

    fn handlers(&self) -> Vec<Registration<EdgeHost>> {
        let mut handlers = script::registrations(&self.scripts);
        let mut built_in = handlers::resident();
        built_in.append(&mut chunk::registrations(&self.meter));
        built_in.retain(|one| handlers.iter().all(|other| other.job_type != one.job_type));
        handlers.append(&mut built_in);
        handlers
    }
}

/// The database, for a call that is not repeated after `patience_ms`.
fn queue<'a>(host: &'a EdgeHost, config: &Config, patience_ms: u64) -> QueueClient<'a, EdgeHost> {
    QueueClient::new(host, host.now_ms() + patience_ms, config.lease_seconds)
}

fn entries(object: &Object) -> impl Iterator<Item = (String, JsValue)> {
    Object::entries(object).into_iter().filter_map(|entry| {
        let entry: Array = entry.unchecked_into();
        Some((entry.get(0).as_string()?, entry.get(1)))
    })
}
