//! Carries what a handler in TypeScript wants done to its job, for as long as that job runs here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

use js_sys::{Function, Promise};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use wasm_bindgen::prelude::*;

use crate::edge::wasm::clock::now_ms;
use crate::error::JobError;
use crate::handler::{Interruption, JobContext};
use crate::host::Host;
use crate::job::Progress;

/// Something to be done for a handler.
pub(super) enum Command {
    Step {
        name: String,
        run: Function,
        reply: Reply,
    },
    Call {
        function: String,
        arguments: Box<RawValue>,
        reply: Reply,
    },
    Progress(Progress),
    Log {
        event: String,
        fields: Value,
    },
}

/// The handler's end. Whatever it asks for after the bridge has closed is answered with the reason.
#[wasm_bindgen]
pub struct Bridge(Rc<State>);

// Arguments come from handlers, which need not keep to the types: wasm-bindgen reads a number that is declared a text
// as an address.
#[wasm_bindgen]
impl Bridge {
    /// Sets what is called, once, with the reason for which the job is to stop.
    #[wasm_bindgen(js_name = onStop)]
    pub fn on_stop(&self, stop: Function) {
        self.0.on_stop.replace(Some(stop));
    }

    /// Runs a step: `run` is given whether it may have had its effect before. Answers JSON of a result, as `run` does.
    ///
    /// # Errors
    /// When `name` is no text.
    #[wasm_bindgen(unchecked_return_type = "Promise<string>")]
    pub fn step(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] name: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "(isAgain: boolean) => Promise<string>")]
        run: Function,
    ) -> Result<Promise, JsError> {
        let name = text("name", name)?;
        Ok(self.0.ask(|reply| Command::Step { name, run, reply }))
    }

    /// Calls a function of the database. Answers JSON of a result.
    ///
    /// # Errors
    /// When `function` is no text or `arguments` no JSON.
    #[wasm_bindgen(unchecked_return_type = "Promise<string>")]
    pub fn call(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] function: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] arguments: &JsValue,
    ) -> Result<Promise, JsError> {
        let function = text("name", function)?;
        let arguments = json("args", arguments)?;
        Ok(self.0.ask(|reply| Command::Call {
            function,
            arguments,
            reply,
        }))
    }

    /// Tells how far the job is.
    ///
    /// # Errors
    /// When `progress` is none: the message names the member.
    pub fn progress(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] progress: &JsValue,
    ) -> Result<(), JsError> {
        self.0.add(Command::Progress(json("progress", progress)?));
        Ok(())
    }

    /// Writes a line to the function's log.
    ///
    /// # Errors
    /// When `event` is no text or `fields` no JSON.
    pub fn log(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] event: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] fields: &JsValue,
    ) -> Result<(), JsError> {
        let event = text("event", event)?;
        let fields = json("fields", fields)?;
        self.0.add(Command::Log { event, fields });
        Ok(())
    }

    /// How long the handler may still take.
    #[wasm_bindgen(js_name = timeLeftMs)]
    pub fn time_left_ms(&self) -> f64 {
        match self.0.closed.get() {
            Some(_) => 0.0,
            None => (self.0.ends_at_ms.get() - now_ms()).max(0.0),
        }
    }
}

fn text(what: &str, value: &JsValue) -> Result<String, JsError> {
    let text = value.as_string();
    text.ok_or_else(|| JsError::new(&format!("{what}: expected a text")))
}

fn json<T: DeserializeOwned>(what: &str, value: &JsValue) -> Result<T, JsError> {
    let Some(json) = value.as_string() else {
        return Err(JsError::new(&format!("{what}: expected a JSON value")));
    };
    serde_json::from_str(&json).map_err(|error| JsError::new(&format!("{what}: {error}")))
}

/// What the two ends share.
#[derive(Default)]
struct State {
    commands: RefCell<VecDeque<Command>>,
    waker: RefCell<Option<Waker>>,
    on_stop: RefCell<Option<Function>>,
    ends_at_ms: Cell<f64>,
    closed: Cell<Option<&'static str>>,
}

impl State {
    fn add(&self, command: Command) {
        if self.closed.get().is_none() {
            self.commands.borrow_mut().push_back(command);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }

    fn ask(self: &Rc<Self>, command: impl FnOnce(Reply) -> Command) -> Promise {
        let mut resolve = None;
        let promise = Promise::new(&mut |resolve_it, _| resolve = Some(resolve_it));
        self.add(command(Reply {
            resolve,
            state: self.clone(),
        }));
        promise
    }
}

/// Answers the handler, in any case.
pub(super) struct Reply {
    resolve: Option<Function>,
    state: Rc<State>,
}

impl Reply {
    pub(super) fn send(mut self, result: &Result<Box<RawValue>, JobError>) {
        self.resolve_with(serde_json::to_string(result).unwrap_or_default());
    }

    fn resolve_with(&mut self, text: String) {
        if let Some(resolve) = self.resolve.take() {
            // A promise's own function does not throw.
            drop(resolve.call1(&JsValue::UNDEFINED, &text.into()));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let reason = self.state.closed.get().unwrap_or(ENDED);
        self.resolve_with(format!(r#"{{"Err":"{reason}"}}"#));
    }
}

/// The job's end: dropping it closes the bridge.
pub(super) struct OpenBridge<'a, 'r, H: Host> {
    state: Rc<State>,
    context: &'a JobContext<'r, H>,
}

impl<'a, 'r, H: Host> OpenBridge<'a, 'r, H> {
    pub(super) fn new(context: &'a JobContext<'r, H>) -> Self {
        let state = Rc::default();
        let bridge = Self { state, context };
        bridge.tell_time();
        bridge
    }

    pub(super) fn for_handler(&self) -> Bridge {
        Bridge(self.state.clone())
    }

    /// Wakes the task when the handler sends a command.
    pub(super) fn attend(&self, task: &Context<'_>) {
        self.state.waker.replace(Some(task.waker().clone()));
        self.tell_time();
    }

    fn tell_time(&self) {
        let left_ms = self.context.time_left_ms() as f64;
        self.state.ends_at_ms.set(now_ms() + left_ms);
    }

    pub(super) fn take(&self) -> Option<Command> {
        self.state.commands.borrow_mut().pop_front()
    }
}

impl<H: Host> Drop for OpenBridge<'_, '_, H> {
    fn drop(&mut self) {
        let stop = self.context.interruption();
        self.state.closed.set(Some(stop.map_or(ENDED, reason)));
        let on_stop = self.state.on_stop.take();
        if let (Some(stop), Some(on_stop)) = (stop, on_stop) {
            // What a listener throws is reported by the runtime.
            drop(on_stop.call1(&JsValue::UNDEFINED, &reason(stop).into()));
        }
        drop(self.state.commands.take());
    }
}

/// The handler has returned.
const ENDED: &str = "ended";

/// `StopReason` in `handler.ts`.
fn reason(stop: Interruption) -> &'static str {
    match stop {
        Interruption::Cancelled => "cancelled",
        Interruption::LeaseLost => "lease_lost",
        Interruption::TimedOut => "timed_out",
        Interruption::HandOver => "hand_over",
    }
}
