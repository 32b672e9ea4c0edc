//! What a job type is: a name, a typed input and a function from one to a result.
//!
//! A new job type is one file in `handlers/` with an `impl JobHandler`, and its line in the list there.

use std::cell::{Cell, RefCell};
use std::future::Future;

use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::Config;
use crate::error::JobError;
use crate::host::{Host, HttpRequest, HttpResponse, TransportError};
use crate::job::Job;
use crate::log::Log;
use crate::queue::{QueueClient, QueueError, Standing};
use crate::signals::Signals;

/// A job type.
///
/// Between two `await`s a handler has the isolate to itself, so it keeps such stretches short. When a job
/// is cancelled or its lease is lost, the future of `run` is dropped, and its requests with it.
pub trait JobHandler {
    /// The `job_type` of the jobs it runs.
    const JOB_TYPE: &'static str;

    /// The shape of `input_data`. Input of another shape fails the job for good before `run` is called.
    type Input: DeserializeOwned;

    /// Why this worker cannot run such jobs, if it cannot; they stay queued for one that can.
    fn unavailable(_config: &Config) -> Option<&'static str> {
        None
    }

    /// Does the work of one attempt. The result becomes `output_data`.
    ///
    /// # Errors
    /// [`JobError`] says whether another attempt makes sense.
    fn run<H: Host>(
        input: Self::Input,
        context: &JobContext<'_, H>,
    ) -> impl Future<Output = Result<Value, JobError>>;
}

/// What all jobs of a run share.
pub struct RunContext<'a, H> {
    /// The world outside.
    pub host: &'a H,
    /// The settings.
    pub config: &'a Config,
    /// The database.
    pub queue: QueueClient<'a, H>,
    /// The function's log.
    pub log: Log<'a, H>,
    /// How the run is woken.
    pub signals: &'a Signals,
}

/// What a handler can do besides computing.
pub struct JobContext<'a, H> {
    run: &'a RunContext<'a, H>,
    job: Job,
    progress: RefCell<Option<Progress>>,
    has_news: Cell<bool>,
}

/// How far a job is, for people who wait for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The part of the work, a short word.
    pub phase: String,
    /// Units of this phase that are done.
    pub done: u32,
    /// Units of this phase.
    pub total: u32,
    /// A sentence for people.
    pub message: String,
}

impl<'a, H: Host> JobContext<'a, H> {
    /// The context of one claimed job.
    pub fn new(run: &'a RunContext<'a, H>, job: Job) -> Self {
        Self {
            run,
            job,
            progress: RefCell::default(),
            has_news: Cell::default(),
        }
    }

    /// The job as it was claimed.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The worker's settings.
    pub fn config(&self) -> &'a Config {
        self.run.config
    }

    /// Runs `run` and keeps its result under `name`; in a later attempt returns that result and runs nothing.
    ///
    /// # Errors
    /// The error of `run`, or of saving; [`JobError::Cancelled`] when the job was cancelled meanwhile: the
    /// result is kept all the same.
    pub async fn step<T, F>(&self, name: &str, run: impl FnOnce() -> F) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, JobError>>,
    {
        if let Some(result) = self.saved_result(name) {
            return Ok(result);
        }
        let started_ms = self.now_ms();
        let result = run().await?;
        let saved = serde_json::to_value(&result)
            .map_err(|error| JobError::permanent(format!("step {name}: {error}")))?;
        let standing = self.save_step(name, saved).await?;
        let ms = self.now_ms() - started_ms;
        self.log("step", json!({ "step": name, "ms": ms }));
        match standing {
            Standing::Held => Ok(result),
            Standing::Cancelled => Err(JobError::Cancelled),
            Standing::Lost => Err(JobError::LeaseLost),
        }
    }

    /// Tells how far the job is. It travels with the next saved step, or with the next sign of life, which
    /// comes within about a second.
    pub fn progress(&self, progress: Progress) {
        self.progress.replace(Some(progress));
        self.has_news.set(true);
        self.run.signals.wake();
    }

    /// Sends a request to a server that is not the database.
    ///
    /// # Errors
    /// [`TransportError`] when no answer came; an answer with an error status is an `Ok`.
    pub async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.run.host.fetch(request).await
    }

    /// Calls a function of the database; it may be called again with the same arguments when an answer is lost.
    ///
    /// # Errors
    /// [`QueueError`] when the database stays away, refuses, or answers something else than a `T`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<T, QueueError> {
        self.run.queue.call(function, arguments).await
    }

    /// Waits.
    pub async fn sleep_ms(&self, milliseconds: u32) {
        self.run.host.sleep_ms(milliseconds).await;
    }

    /// Milliseconds on a clock that only measures time that passes.
    pub fn now_ms(&self) -> u64 {
        self.run.host.now_ms()
    }

    /// Writes one line to the function's log, with the job's id, type and attempt.
    pub fn log(&self, event: &str, fields: Value) {
        self.run.log.job_event(event, &self.job, &fields);
    }

    fn saved_result<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let result = T::deserialize(self.job.steps.get(name)?).ok();
        if result.is_none() {
            // Saved by another version of the worker: better paid twice than failed.
            self.log("step_unreadable", json!({ "step": name }));
        }
        result
    }

    async fn save_step(&self, name: &str, result: Value) -> Result<Standing, QueueError> {
        let progress = self.take_news();
        self.run
            .queue
            .save_step(&self.job, name, result, progress)
            .await
    }

    /// Progress that was not sent yet.
    pub(crate) fn take_news(&self) -> Option<Progress> {
        self.has_news
            .take()
            .then(|| self.progress.borrow().clone())
            .flatten()
    }

    /// Progress was taken but did not arrive.
    pub(crate) fn keep_news(&self) {
        self.has_news.set(self.progress.borrow().is_some());
    }

    pub(crate) fn has_news(&self) -> bool {
        self.has_news.get()
    }
}

/// A job type as the engine sees it, its input's type erased.
pub struct Registration<H: Host> {
    /// The `job_type` it runs.
    pub job_type: &'static str,
    /// Why this worker cannot run it, if it cannot.
    pub unavailable: fn(&Config) -> Option<&'static str>,
    /// Decodes the input and runs the handler.
    pub run: for<'a> fn(&'a JobContext<'a, H>) -> LocalBoxFuture<'a, Result<Value, JobError>>,
}

impl<H: Host> Registration<H> {
    /// The registration of a handler.
    pub fn of<J: JobHandler + 'static>() -> Self {
        Self {
            job_type: J::JOB_TYPE,
            unavailable: J::unavailable,
            run: |context| Box::pin(run::<J, H>(context)),
        }
    }
}

async fn run<J: JobHandler, H: Host>(context: &JobContext<'_, H>) -> Result<Value, JobError> {
    let input = decode_input(&context.job.input_data)?;
    J::run(input, context).await
}

fn decode_input<T: DeserializeOwned>(input_data: &Value) -> Result<T, JobError> {
    serde_path_to_error::deserialize(input_data).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            "." => String::new(),
            path => format!(".{path}"),
        };
        let reason = error.inner().to_string();
        JobError::permanent(format!("input_data{path}: {}", without_value(&reason)))
    })
}

/// Serde quotes the value it stumbled over, and inputs have no place in errors.
fn without_value(reason: &str) -> &str {
    match reason.rfind(", expected ") {
        Some(position) => &reason[position + 2..],
        None => reason,
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::scripted_host::{Reply, ScriptedHost, config, held, job, run_job};

    struct Steps;

    #[derive(Deserialize)]
    struct Input {
        #[serde(default)]
        photos: Vec<Photo>,
    }

    #[derive(Deserialize)]
    struct Photo {
        number: u32,
    }

    impl JobHandler for Steps {
        const JOB_TYPE: &'static str = "steps";
        type Input = Input;

        async fn run<H: Host>(
            input: Input,
            context: &JobContext<'_, H>,
        ) -> Result<Value, JobError> {
            let mut sum = 0;
            for photo in input.photos {
                let name = format!("photo/{}", photo.number);
                context.progress(Progress {
                    phase: "adding".into(),
                    done: sum,
                    total: 9,
                    message: "adding up".into(),
                });
                sum += context.step(&name, async || Ok(photo.number)).await?;
            }
            Ok(json!({ "sum": sum }))
        }
    }

    fn run_steps(host: &ScriptedHost, job: Job) -> Result<Value, JobError> {
        run_job::<Steps>(host, &config(&[]), job)
    }

    fn steps_job(numbers: &[u32]) -> Job {
        let photos: Vec<Value> = numbers
            .iter()
            .map(|number| json!({ "number": number }))
            .collect();
        job("steps", json!({ "photos": photos }))
    }

    #[test]
    fn a_step_is_saved_with_the_latest_progress() {
        let host = ScriptedHost::new().on_rpc(|_, _| held());
        let result = run_steps(&host, steps_job(&[3]));
        assert_eq!(result, Ok(json!({ "sum": 3 })));
        let save = &host.calls_of("save_job_step")[0];
        assert_eq!(save["name"], "photo/3");
        assert_eq!(save["result"], 3);
        assert_eq!(save["progress"]["phase"], "adding");
        assert_eq!(host.log_lines_of("step")[0]["step"], "photo/3");
    }

    #[test]
    fn a_saved_step_is_not_run_again() {
        let host = ScriptedHost::new().on_rpc(|_, _| held());
        let mut job = steps_job(&[3, 4]);
        job.steps.insert("photo/3".into(), json!(30));
        assert_eq!(run_steps(&host, job), Ok(json!({ "sum": 34 })));
        let saved = host.calls_of("save_job_step");
        assert_eq!(saved.len(), 1);
        assert_eq!(saved[0]["name"], "photo/4");
    }

    #[test]
    fn a_saved_step_of_another_shape_is_run_again_and_the_log_says_so() {
        let host = ScriptedHost::new().on_rpc(|_, _| held());
        let mut job = steps_job(&[3]);
        job.steps.insert("photo/3".into(), json!("three"));
        assert_eq!(run_steps(&host, job), Ok(json!({ "sum": 3 })));
        assert_eq!(host.log_lines_of("step_unreadable")[0]["step"], "photo/3");
    }

    #[test]
    fn a_job_cancelled_while_its_step_is_saved_stops() {
        let host = ScriptedHost::new().on_rpc(|_, _| Reply::json(200, json!("cancelled")));
        let result = run_steps(&host, steps_job(&[3, 4]));
        assert_eq!(result, Err(JobError::Cancelled));
        assert_eq!(host.calls_of("save_job_step").len(), 1);
    }

    #[test]
    fn a_job_whose_lease_is_lost_while_its_step_is_saved_stops() {
        let refusal = json!({ "code": "JQ002", "message": "lease lost" });
        let host = ScriptedHost::new().on_rpc(move |_, _| Reply::json(400, refusal.clone()));
        let result = run_steps(&host, steps_job(&[3]));
        assert_eq!(result, Err(JobError::LeaseLost));
    }

    #[test]
    fn a_step_is_saved_even_if_the_database_is_away_for_a_moment() {
        let failures = Rc::new(Cell::new(3));
        let host = ScriptedHost::new().on_rpc(move |_, _| match failures.get() {
            0 => held(),
            left => {
                failures.set(left - 1);
                Reply::error(TransportError::Failed("connection refused".into()))
            }
        });
        assert_eq!(run_steps(&host, steps_job(&[3])), Ok(json!({ "sum": 3 })));
        assert_eq!(host.calls_of("save_job_step").len(), 4);
    }

    #[test]
    fn input_of_another_shape_fails_for_good_and_names_the_field_but_not_the_value() {
        let message = |input| match run_steps(&ScriptedHost::new(), job("steps", input)) {
            Err(JobError::Permanent { message }) => message,
            other => panic!("{other:?} should be a permanent failure"),
        };
        assert_eq!(
            message(json!({ "photos": [{ "number": 1 }, { "number": "secret" }] })),
            "input_data.photos[1].number: expected u32"
        );
        assert_eq!(
            message(json!({ "photos": [{}] })),
            "input_data.photos[0]: missing field `number`"
        );
    }
}
