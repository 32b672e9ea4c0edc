//! Job types written in TypeScript, run like any other. The handler's promise is awaited inside the job's future, and
//! what the handler wants done meanwhile is done there too: once that future is dropped, nothing more is done in the
//! job's name.
//!
//! JSON text travels both ways, and errors travel as values; `attempt.ts` is the other side.

mod bridge;

use std::future::poll_fn;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use js_sys::{Function, Object, Promise};
use serde_json::json;
use serde_json::value::RawValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use self::bridge::{Bridge, Command, OpenBridge};
use super::entries;
use crate::error::JobError;
use crate::handler::{JobContext, Registration};
use crate::host::Host;

/// The registrations of job types in TypeScript: functions by job type.
pub(super) fn registrations<H: Host>(handlers: &Object) -> Vec<Registration<H>> {
    entries(handlers)
        .filter_map(|(job_type, handler)| Some(registration(job_type, handler.dyn_into().ok()?)))
        .collect()
}

fn registration<H: Host>(job_type: String, handler: Function) -> Registration<H> {
    Registration {
        job_type: job_type.into(),
        unavailable: |_| None,
        run: Rc::new(move |context| {
            let handler = handler.clone();
            Box::pin(async move { attempt(&handler, context).await })
        }),
    }
}

async fn attempt<H: Host>(
    handler: &Function,
    context: &JobContext<'_, H>,
) -> Result<Box<RawValue>, JobError> {
    // Dropped after the bridge: what is still under way then gets the answer of one that has closed.
    let mut commands: Vec<LocalBoxFuture<'_, ()>> = Vec::new();
    let bridge = OpenBridge::new(context);
    let mut handler = begin(handler, context, bridge.for_handler())?;
    poll_fn(|task| {
        bridge.attend(task);
        while let Some(command) = bridge.take() {
            commands.push(Box::pin(execute(context, command)));
        }
        commands.retain_mut(|command| command.poll_unpin(task).is_pending());
        handler.poll_unpin(task).map(result)
    })
    .await
}

/// Calls the handler, which runs until it waits for something.
fn begin<H: Host>(
    handler: &Function,
    context: &JobContext<'_, H>,
    bridge: Bridge,
) -> Result<JsFuture, JobError> {
    let job = context.job();
    let about = json!({
        "id": job.id, "job_type": job.job_type,
        "retry_count": job.retry_count, "max_retries": job.max_retries,
    });
    let begun = handler.call3(
        &JsValue::UNDEFINED,
        &about.to_string().into(),
        &job.input_data.get().into(),
        &bridge.into(),
    );
    begun.map(awaited).map_err(|_| unreadable())
}

async fn execute<H: Host>(context: &JobContext<'_, H>, command: Command) {
    match command {
        Command::Step { name, run, reply } => {
            let run = async |is_again: bool| {
                let begun = run.call1(&JsValue::UNDEFINED, &is_again.into());
                result(awaited(begun.map_err(|_| unreadable())?).await)
            };
            reply.send(&context.step_again(&name, run).await);
        }
        Command::Call {
            function,
            arguments,
            reply,
        } => {
            let answer = context.call(&function, arguments).await;
            reply.send(&answer.map_err(JobError::from));
        }
        Command::Progress(progress) => context.progress(progress),
        Command::Log { event, fields } => context.log(&event, fields),
    }
}

fn awaited(value: JsValue) -> JsFuture {
    JsFuture::from(Promise::resolve(&value))
}

/// Reads what a function of the handler came to.
fn result(text: Result<JsValue, JsValue>) -> Result<Box<RawValue>, JobError> {
    let text = text.ok().and_then(|text| text.as_string());
    let result = text.and_then(|text| serde_json::from_str(&text).ok());
    result.unwrap_or_else(|| Err(unreadable()))
}

/// `attempt.ts` lets no error through; what comes here is a verdict with a number that is none. It would come again, and
/// so would the work.
fn unreadable() -> JobError {
    JobError::permanent("the handler gave something that is neither a result nor a verdict")
}
