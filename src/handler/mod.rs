//! What a job type is: a name, a typed input and a function from one to a result.
//!
//! A new job type is one file in `handlers/` with an `impl JobHandler`, and its line in the list there.

mod context;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::future::Future;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

pub use self::context::{Interruption, JobContext};
use crate::config::Config;
use crate::error::JobError;
use crate::host::Host;

/// A job type.
///
/// Between two `await`s a handler has the isolate to itself, so it keeps such stretches short. When a job is cancelled
/// or its lease is lost, the future of `run` is dropped, and its requests with it.
pub trait JobHandler {
    /// The `job_type` of the jobs it runs.
    const JOB_TYPE: &'static str;

    /// The shape of `input_data`. Input of another shape fails the job for good before `run` is called.
    type Input: DeserializeOwned;

    /// What becomes `output_data`.
    type Output: Serialize;

    /// Why this worker cannot run such jobs, if it cannot; they stay queued for one that can.
    fn unavailable(_config: &Config) -> Option<&'static str> {
        None
    }

    /// Does the work of one attempt.
    ///
    /// # Errors
    /// [`JobError`] says whether another attempt makes sense.
    fn run<H: Host>(
        input: Self::Input,
        context: &JobContext<'_, H>,
    ) -> impl Future<Output = Result<Self::Output, JobError>>;
}

/// A job type as the worker sees it: JSON text in, JSON text out.
pub struct Registration<H: Host> {
    /// The `job_type` it runs.
    pub job_type: Cow<'static, str>,
    /// Why this worker cannot run it, if it cannot.
    pub unavailable: fn(&Config) -> Option<&'static str>,
    /// Decodes the input and runs the handler.
    pub run: Rc<Run<H>>,
}

/// Makes the future of one attempt.
type Run<H> = dyn for<'a> Fn(&'a JobContext<'a, H>) -> JobFuture<'a>;

impl<H: Host> Registration<H> {
    /// The registration of a handler.
    pub fn of<J: JobHandler + 'static>() -> Self {
        Self {
            job_type: J::JOB_TYPE.into(),
            unavailable: J::unavailable,
            run: Rc::new(|context| attempt::<J, H>(context)),
        }
    }
}

/// What one attempt of a handler comes to: its output as JSON text.
pub type JobFuture<'a> = LocalBoxFuture<'a, Result<Box<RawValue>, JobError>>;

/// Decodes a job's input and runs its handler.
pub fn attempt<'a, J: JobHandler, H: Host>(context: &'a JobContext<'a, H>) -> JobFuture<'a> {
    Box::pin(async move {
        let input = decode_input(&context.job().input_data)?;
        let output = J::run(input, context).await?;
        to_raw_value(&output).map_err(|error| JobError::permanent(format!("output_data: {error}")))
    })
}

fn decode_input<T: DeserializeOwned>(input_data: &RawValue) -> Result<T, JobError> {
    let mut json = serde_json::Deserializer::from_str(input_data.get());
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            "." => String::new(),
            path => format!(".{path}"),
        };
        let reason = error.inner().to_string();
        JobError::permanent(format!("input_data{path}: {}", without_value(&reason)))
    })
}

/// Serde quotes the value it stumbled over, and inputs have no place in errors; nor does where in the text it stands.
fn without_value(reason: &str) -> &str {
    let reason = reason
        .rsplit_once(" at line ")
        .map_or(reason, |(reason, _)| reason);
    match reason.rfind(", expected ") {
        Some(position) => &reason[position + 2..],
        None => reason,
    }
}
