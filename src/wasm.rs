//! The worker as the edge function sees it. Only this module and the ones below it name JavaScript.

mod host;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::Promise;
use serde::Serialize;
use uuid::Uuid;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use self::host::EdgeHost;
use crate::auth::Credentials;
use crate::config::{Config, ConfigError};
use crate::endpoint::{self, Answer};
use crate::engine;
use crate::handler::RunContext;
use crate::handlers;
use crate::signals::Signals;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What to answer over HTTP. */
export interface Answer {
  status: number;
  body: Record<string, unknown>;
  allow?: string;
}

/** What a caller's body asks for, or the answer to a body that asks for nothing sensible. */
export interface Order {
  wait: boolean;
  refusal?: Answer;
}
"#;

/// The worker of one isolate.
#[wasm_bindgen]
pub struct Worker(Rc<Isolate>);

struct Isolate {
    config: Result<Config, ConfigError>,
    signals: Signals,
    started_ms: u64,
    worker_id: String,
    /// The run in progress: whoever comes meanwhile shares it.
    run: RefCell<Option<Promise>>,
}

#[derive(Serialize)]
struct Order {
    wait: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Answer>,
}

#[wasm_bindgen]
impl Worker {
    /// Reads the environment. What is wrong with it is said to whoever wants a run.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "Record<string, string>")] environment: JsValue,
    ) -> Worker {
        console_error_panic_hook::set_once();
        let variables: BTreeMap<String, String> =
            serde_wasm_bindgen::from_value(environment).unwrap_or_default();
        Worker(Rc::new(Isolate {
            config: Config::parse(variables),
            signals: Signals::default(),
            started_ms: EdgeHost::now(),
            worker_id: Uuid::new_v4().to_string(),
            run: RefCell::default(),
        }))
    }

    /// The answer to a request that must not or need not start a run; nothing if it may.
    #[wasm_bindgen(unchecked_return_type = "Answer | undefined")]
    pub fn admit(
        &self,
        method: &str,
        worker_token: Option<String>,
        api_key: Option<String>,
    ) -> JsValue {
        let credentials = Credentials {
            worker_token: worker_token.as_deref(),
            api_key: api_key.as_deref(),
        };
        match endpoint::admit(&self.0.config, method, credentials) {
            Ok(_) => JsValue::UNDEFINED,
            Err(answer) => to_js(&answer),
        }
    }

    /// Reads the body of an admitted request.
    #[wasm_bindgen(unchecked_return_type = "Order")]
    pub fn read(&self, body: &str) -> JsValue {
        let order = endpoint::wants_to_wait(body);
        to_js(&Order {
            wait: *order.as_ref().unwrap_or(&false),
            refusal: order.err(),
        })
    }

    /// Works the queue off, or joins the run that is doing so. The promise is a native one, as
    /// `EdgeRuntime.waitUntil` demands, and is never rejected.
    #[wasm_bindgen(unchecked_return_type = "Promise<Answer>")]
    pub fn run(&self) -> Promise {
        let mut current = self.0.run.borrow_mut();
        if let Some(run) = current.as_ref() {
            self.0.signals.look_again();
            return run.clone();
        }
        let isolate = self.0.clone();
        let run = future_to_promise(async move {
            let answer = isolate.run().await;
            isolate.run.take();
            Ok(to_js(&answer))
        });
        current.insert(run).clone()
    }

    /// The answer to a caller that does not wait for the run.
    #[wasm_bindgen(unchecked_return_type = "Answer")]
    pub fn accepted(&self) -> JsValue {
        to_js(&endpoint::accepted())
    }

    /// The isolate is about to end.
    pub fn shutdown(&self) {
        self.0.signals.shut_down();
    }
}

impl Isolate {
    async fn run(&self) -> Answer {
        let config = match &self.config {
            Ok(config) => config,
            Err(error) => return endpoint::not_configured(error),
        };
        let host = EdgeHost::new(config);
        let context = RunContext::new(
            &host,
            config,
            &self.signals,
            self.started_ms,
            &self.worker_id,
        );
        endpoint::finished(&engine::run(&context, handlers::all()).await)
    }
}

fn to_js(value: &impl Serialize) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).unwrap_or(JsValue::UNDEFINED)
}
