//! Where a handler in TypeScript leaves what it wants done, for as long as its job is held here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

use js_sys::{Function, Promise};
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasm_bindgen::prelude::*;

use crate::edge::wasm::host::now_ms;
use crate::error::JobError;
use crate::handler::{Interruption, JobContext};
use crate::host::Host;
use crate::job::Progress;

/// Something to be done for a handler.
pub(super) enum Errand {
    Step {
        name: String,
        run: Function,
        reply: Reply,
    },
    Call {
        function: String,
        arguments: Value,
        reply: Reply,
    },
    Progress(Progress),
    Log {
        event: String,
        fields: Value,
    },
}

/// The handler's side of the desk. Whatever it asks for after the desk has closed is answered with the reason.
#[wasm_bindgen]
pub struct Desk(Rc<Tray>);

#[wasm_bindgen]
impl Desk {
    /// Sets what is called, once, with the reason for which the job is to stop.
    #[wasm_bindgen(js_name = onStop)]
    pub fn on_stop(&self, stop: Function) {
        self.0.on_stop.replace(Some(stop));
    }

    /// Runs a step: `run` is given whether it may have had its effect before. Answers JSON of a result, as `run` does.
    #[wasm_bindgen(unchecked_return_type = "Promise<string>")]
    pub fn step(
        &self,
        name: String,
        #[wasm_bindgen(unchecked_param_type = "(isAgain: boolean) => Promise<string>")]
        run: Function,
    ) -> Promise {
        self.0.ask(|reply| Errand::Step { name, run, reply })
    }

    /// Calls a function of the database. Answers JSON of a result.
    ///
    /// # Errors
    /// When `arguments` is no JSON.
    #[wasm_bindgen(unchecked_return_type = "Promise<string>")]
    pub fn call(&self, function: String, arguments: &str) -> Result<Promise, JsError> {
        let arguments = read("arguments", arguments)?;
        Ok(self.0.ask(|reply| Errand::Call {
            function,
            arguments,
            reply,
        }))
    }

    /// Tells how far the job is.
    ///
    /// # Errors
    /// When `progress` is none: the message names the member.
    pub fn progress(&self, progress: &str) -> Result<(), JsError> {
        self.0.add(Errand::Progress(read("progress", progress)?));
        Ok(())
    }

    /// Writes a line to the function's log.
    ///
    /// # Errors
    /// When `fields` is no JSON.
    pub fn log(&self, event: String, fields: &str) -> Result<(), JsError> {
        let fields = read("fields", fields)?;
        self.0.add(Errand::Log { event, fields });
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

/// In two steps, because the second is in the Wasm already.
fn read<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, JsError> {
    let value: serde_json::Result<Value> = serde_json::from_str(json);
    value
        .and_then(|value| T::deserialize(&value))
        .map_err(|error| JsError::new(&format!("{what}: {error}")))
}

/// What the two sides share.
#[derive(Default)]
struct Tray {
    errands: RefCell<VecDeque<Errand>>,
    waker: RefCell<Option<Waker>>,
    on_stop: RefCell<Option<Function>>,
    ends_at_ms: Cell<f64>,
    closed: Cell<Option<&'static str>>,
}

impl Tray {
    fn add(&self, errand: Errand) {
        if self.closed.get().is_none() {
            self.errands.borrow_mut().push_back(errand);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }

    fn ask(self: &Rc<Self>, errand: impl FnOnce(Reply) -> Errand) -> Promise {
        let mut resolve = None;
        let promise = Promise::new(&mut |resolve_it, _| resolve = Some(resolve_it));
        self.add(errand(Reply {
            resolve,
            tray: self.clone(),
        }));
        promise
    }
}

/// Answers the handler, in any case.
pub(super) struct Reply {
    resolve: Option<Function>,
    tray: Rc<Tray>,
}

impl Reply {
    pub(super) fn send(mut self, result: &Result<Value, JobError>) {
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
        let reason = self.tray.closed.get().unwrap_or(ENDED);
        self.resolve_with(format!(r#"{{"Err":"{reason}"}}"#));
    }
}

/// The job's side of the desk: closed when this is dropped.
pub(super) struct OpenDesk<'a, 'r, H: Host> {
    tray: Rc<Tray>,
    context: &'a JobContext<'r, H>,
}

impl<'a, 'r, H: Host> OpenDesk<'a, 'r, H> {
    pub(super) fn new(context: &'a JobContext<'r, H>) -> Self {
        let tray = Rc::default();
        let desk = Self { tray, context };
        desk.tell_time();
        desk
    }

    pub(super) fn for_handler(&self) -> Desk {
        Desk(self.tray.clone())
    }

    /// Wakes the task when something is left on the desk.
    pub(super) fn attend(&self, task: &Context<'_>) {
        self.tray.waker.replace(Some(task.waker().clone()));
        self.tell_time();
    }

    fn tell_time(&self) {
        let left_ms = self.context.time_left_ms() as f64;
        self.tray.ends_at_ms.set(now_ms() + left_ms);
    }

    pub(super) fn take(&self) -> Option<Errand> {
        self.tray.errands.borrow_mut().pop_front()
    }
}

impl<H: Host> Drop for OpenDesk<'_, '_, H> {
    fn drop(&mut self) {
        let stop = self.context.interruption();
        self.tray.closed.set(Some(stop.map_or(ENDED, reason)));
        let on_stop = self.tray.on_stop.take();
        if let (Some(stop), Some(on_stop)) = (stop, on_stop) {
            // What a listener throws is reported by the runtime.
            drop(on_stop.call1(&JsValue::UNDEFINED, &reason(stop).into()));
        }
        drop(self.tray.errands.take());
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
