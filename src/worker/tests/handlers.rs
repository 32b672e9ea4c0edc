//! Handlers that do one thing each.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::join;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::config::Config;
use crate::error::JobError;
use crate::handler::{JobContext, JobHandler, Registration};
use crate::host::{Host, HttpRequest, Method};
use crate::job::Progress;

pub(super) fn all<H: Host>(clock: Rc<Cell<u64>>) -> [Registration<H>; 10] {
    [
        Registration::of::<Sleep>(),
        Registration::of::<Echo>(),
        Registration::of::<Fail>(),
        Registration::of::<Fetch>(),
        Registration::of::<Tell>(),
        Registration::of::<Walk>(),
        Registration::of::<Two>(),
        Registration::of::<Unwilling>(),
        Registration::of::<NeedService>(),
        block(clock),
    ]
}

/// Computes for 60 milliseconds without a pause, or for as long as its input says.
fn block<H: Host>(clock: Rc<Cell<u64>>) -> Registration<H> {
    Registration {
        job_type: "block".into(),
        unavailable: |_| None,
        run: Rc::new(move |context| {
            let clock = clock.clone();
            Box::pin(async move {
                let input = context.job().input_data.get();
                let input: Value = serde_json::from_str(input).expect("JSON");
                clock.set(clock.get() + input["ms"].as_u64().unwrap_or(60));
                Ok(RawValue::NULL.to_owned())
            })
        }),
    }
}

/// Takes `ms` milliseconds; the result says at what time it ended.
struct Sleep;

#[derive(Deserialize)]
struct SleepInput {
    ms: u32,
    #[serde(default)]
    poison: bool,
}

impl JobHandler for Sleep {
    const JOB_TYPE: &'static str = "sleep";
    type Input = SleepInput;
    type Output = Value;

    async fn run<H: Host>(
        input: SleepInput,
        context: &JobContext<'_, H>,
    ) -> Result<Value, JobError> {
        if input.ms > 0 {
            context.sleep_ms(input.ms).await;
        }
        Ok(json!({ "ended_at_ms": context.now_ms(), "poison": input.poison }))
    }
}

/// Returns its input, after `ms` milliseconds if it says so.
struct Echo;

impl JobHandler for Echo {
    const JOB_TYPE: &'static str = "echo";
    type Input = Value;
    type Output = Value;

    async fn run<H: Host>(input: Value, context: &JobContext<'_, H>) -> Result<Value, JobError> {
        let ms = input["ms"].as_u64().unwrap_or_default();
        context.sleep_ms(ms as u32).await;
        Ok(input)
    }
}

/// Fails as its input says.
struct Fail;

#[derive(Deserialize)]
struct FailInput {
    how: String,
}

impl JobHandler for Fail {
    const JOB_TYPE: &'static str = "fail";
    type Input = FailInput;
    type Output = Value;

    async fn run<H: Host>(input: FailInput, _: &JobContext<'_, H>) -> Result<Value, JobError> {
        Err(match input.how.as_str() {
            "later" => JobError::Retryable {
                message: "not now".into(),
                retry_after_seconds: Some(7),
                stack: None,
            },
            "lost" => JobError::LeaseLost,
            "cancelled" => JobError::Cancelled,
            _ => JobError::permanent("never"),
        })
    }
}

/// Waits for an answer that never comes.
struct Fetch;

impl JobHandler for Fetch {
    const JOB_TYPE: &'static str = "fetch";
    type Input = Value;
    type Output = Value;

    async fn run<H: Host>(_: Value, context: &JobContext<'_, H>) -> Result<Value, JobError> {
        let request = HttpRequest {
            method: Method::Get,
            url: "http://slow.test/".into(),
            headers: Vec::new(),
            body: None,
            timeout_ms: 600_000,
            max_response_bytes: 1_000,
        };
        let answer = context.fetch(request).await;
        answer
            .map(|_| Value::Null)
            .map_err(|error| JobError::retryable(error.to_string()))
    }
}

/// Tells its progress every 300 milliseconds.
struct Tell;

impl JobHandler for Tell {
    const JOB_TYPE: &'static str = "tell";
    type Input = Value;
    type Output = Value;

    async fn run<H: Host>(_: Value, context: &JobContext<'_, H>) -> Result<Value, JobError> {
        for done in 0..9 {
            context.progress(Progress {
                phase: "telling".into(),
                done,
                total: 9,
                message: "still telling".into(),
            });
            context.sleep_ms(300).await;
        }
        Ok(Value::Null)
    }
}

/// Takes as many steps as its input says, `ms` milliseconds each.
struct Walk;

#[derive(Deserialize)]
struct WalkInput {
    steps: u32,
    ms: u32,
    #[serde(default)]
    uninterrupted: bool,
}

impl JobHandler for Walk {
    const JOB_TYPE: &'static str = "walk";
    type Input = WalkInput;
    type Output = Value;

    async fn run<H: Host>(
        input: WalkInput,
        context: &JobContext<'_, H>,
    ) -> Result<Value, JobError> {
        for step in 1..=input.steps {
            let walk = async || {
                let pace = context.sleep_ms(input.ms);
                match input.uninterrupted {
                    true => context.uninterrupted(pace).await,
                    false => pace.await,
                }
                Ok(step)
            };
            context.step(&format!("step/{step}"), walk).await?;
        }
        Ok(Value::Null)
    }
}

/// Two steps side by side, of which one takes a long time; it looks at their errors when both have ended.
struct Two;

impl JobHandler for Two {
    const JOB_TYPE: &'static str = "two";
    type Input = Value;
    type Output = Value;

    async fn run<H: Host>(_: Value, context: &JobContext<'_, H>) -> Result<Value, JobError> {
        let step = async |name: &str, ms| {
            let sleep = async || {
                context.sleep_ms(ms).await;
                Ok(())
            };
            context.step(name, sleep).await
        };
        let (short, long) = join(step("short", 100), step("long", 300_000)).await;
        short.and(long)?;
        Ok(Value::Null)
    }
}

/// Never available.
struct Unwilling;

impl JobHandler for Unwilling {
    const JOB_TYPE: &'static str = "unwilling";
    type Input = Value;
    type Output = Value;

    fn unavailable(_: &Config) -> Option<&'static str> {
        Some("it would rather not")
    }

    async fn run<H: Host>(_: Value, _: &JobContext<'_, H>) -> Result<Value, JobError> {
        unreachable!("is not claimed")
    }
}

/// Needs a service that is there from a moment on.
struct NeedService;

#[derive(Deserialize)]
struct NeedServiceInput {
    from_ms: u64,
}

impl JobHandler for NeedService {
    const JOB_TYPE: &'static str = "need_service";
    type Input = NeedServiceInput;
    type Output = Value;

    async fn run<H: Host>(
        input: NeedServiceInput,
        context: &JobContext<'_, H>,
    ) -> Result<Value, JobError> {
        context.sleep_ms(10).await;
        match context.now_ms() < input.from_ms {
            true => Err(JobError::unavailable("the key xai-0123456789 has expired")),
            false => Ok(Value::Null),
        }
    }
}
