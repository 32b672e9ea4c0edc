//! Handlers as the worker runs them, one at a time.

use std::cell::Cell;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::host::TransportError;
use crate::job::{Job, Progress};
use crate::queue::{JobResult, outcome};
use crate::testing::{Reply, ScriptedHost, config, held, job, raw, run_job, run_raw_job};

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
    type Output = Value;

    async fn run<H: Host>(input: Input, context: &JobContext<'_, H>) -> Result<Value, JobError> {
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

/// Two steps at a time, each with its own progress.
struct SideBySide;

impl JobHandler for SideBySide {
    const JOB_TYPE: &'static str = "side_by_side";
    type Input = Value;
    type Output = Value;

    async fn run<H: Host>(_: Value, context: &JobContext<'_, H>) -> Result<Value, JobError> {
        let step = async |done: u32, name: &'static str| {
            context.progress(Progress {
                phase: "walking".into(),
                done,
                total: 2,
                message: "walking".into(),
            });
            context.step(name, async || Ok(done)).await
        };
        let (one, two) = (step(1, "one"), async {
            context.sleep_ms(100).await;
            step(2, "two").await
        });
        futures_util::future::try_join(one, two).await?;
        Ok(json!({ "has_unsent_progress": context.has_unsent_progress() }))
    }
}

struct Careful;

impl JobHandler for Careful {
    const JOB_TYPE: &'static str = "careful";
    type Input = Value;
    type Output = Value;

    async fn run<H: Host>(_: Value, context: &JobContext<'_, H>) -> Result<Value, JobError> {
        context
            .step_again("pay", async |is_again| Ok(json!(is_again)))
            .await
    }
}

struct Large;

impl JobHandler for Large {
    const JOB_TYPE: &'static str = "large";
    type Input = Value;
    type Output = Value;

    async fn run<H: Host>(_: Value, context: &JobContext<'_, H>) -> Result<Value, JobError> {
        context
            .step("all", async || Ok("x".repeat(1024 * 1024)))
            .await?;
        Ok(Value::Null)
    }
}

/// Passes its input through a step and a function of the database.
struct Echo;

#[derive(Serialize)]
struct EchoArguments {
    value: Box<RawValue>,
}

impl JobHandler for Echo {
    const JOB_TYPE: &'static str = "echo";
    type Input = Box<RawValue>;
    type Output = Box<RawValue>;

    async fn run<H: Host>(
        input: Box<RawValue>,
        context: &JobContext<'_, H>,
    ) -> Result<Box<RawValue>, JobError> {
        let value = context.step("keep", async || Ok(input)).await?;
        Ok(context.call("echo", EchoArguments { value }).await?)
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
fn numbers_come_out_of_a_step_a_call_and_the_result_as_they_came_in_to_the_digit() {
    let coordinates = (0..2_000).map(|n| format!("98.8833954570{:04}", n * 7 + 1953));
    let odd = ["12345678901234567890123", "1.0", "1.50", "1e-400", "0.1"].map(str::to_owned);
    let numbers: Vec<String> = coordinates.chain(odd).collect();
    let sent = format!(r#"{{"n":[{}]}}"#, numbers.join(","));
    let answer = sent.clone();
    let host = ScriptedHost::new().on_rpc(move |function, _| match function {
        "echo" => Reply::bytes(200, answer.clone()),
        _ => held(),
    });
    let mut job = job("echo", json!({}));
    job.input_data = RawValue::from_string(sent.clone()).expect("JSON");
    let result = run_raw_job::<Echo>(&host, &config(&[]), job.clone());
    let outcome = outcome(result, true).expect("an outcome");
    let result = JobResult::of(Uuid::nil(), Uuid::nil(), false, &outcome);
    let result = serde_json::to_string(&result).expect("JSON");
    let texts = host.rpc_texts.take();
    let [_, saved, called] = &texts[..] else {
        panic!("a step begins, is saved, and a function is called");
    };
    for (name, text) in [
        ("result", saved),
        ("value", called),
        ("output_data", &result),
    ] {
        assert!(text.contains(&format!(r#""{name}":{sent}"#)), "{text}");
    }
    // A later run is given what was saved.
    job.steps.insert("keep".into(), job.input_data.clone());
    job.input_data = raw(&json!({}));
    run_raw_job::<Echo>(&host, &config(&[]), job).expect("a result");
    let called = host.rpc_texts.take();
    assert!(called[0].contains(&sent), "{}", called[0]);
}

#[test]
fn progress_waits_while_other_progress_is_on_its_way() {
    let host = ScriptedHost::new().on_rpc(|function, arguments| match function {
        "save_job_step" if arguments["name"] == "one" => held().after_ms(1_000),
        _ => held(),
    });
    let result = run_job::<SideBySide>(&host, &config(&[]), job("side_by_side", json!({})));
    let saves = host.calls_of("save_job_step");
    assert_eq!(saves[0]["progress"]["done"], 1);
    assert_eq!(saves[1].get("progress"), None);
    assert_eq!(result, Ok(json!({ "has_unsent_progress": true })));
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
    job.steps.insert("photo/3".into(), raw(&json!(30)));
    assert_eq!(run_steps(&host, job), Ok(json!({ "sum": 34 })));
    let saved = host.calls_of("save_job_step");
    assert_eq!(saved.len(), 1);
    assert_eq!(saved[0]["name"], "photo/4");
}

#[test]
fn a_saved_step_of_another_shape_is_run_again_and_the_log_says_so() {
    let host = ScriptedHost::new().on_rpc(|_, _| held());
    let mut job = steps_job(&[3]);
    job.steps.insert("photo/3".into(), raw(&json!("three")));
    assert_eq!(run_steps(&host, job), Ok(json!({ "sum": 3 })));
    assert_eq!(host.log_lines_of("step_unreadable")[0]["step"], "photo/3");
    assert_eq!(host.calls_of("save_job_step")[0]["replace"], true);
}

#[test]
fn a_job_cancelled_while_its_step_is_saved_stops() {
    let host = ScriptedHost::new().on_rpc(|function, _| match function {
        "save_job_step" => Reply::json(200, json!("cancelled")),
        _ => held(),
    });
    let result = run_steps(&host, steps_job(&[3, 4]));
    assert_eq!(result, Err(JobError::Cancelled));
    assert_eq!(host.calls_of("save_job_step").len(), 1);
}

#[test]
fn a_step_of_a_cancelled_job_is_not_begun() {
    let host = ScriptedHost::new().on_rpc(|_, _| Reply::json(200, json!("cancelled")));
    let result = run_steps(&host, steps_job(&[3]));
    assert_eq!(result, Err(JobError::Cancelled));
    assert!(host.calls_of("save_job_step").is_empty());
}

#[test]
fn a_step_that_was_begun_before_and_never_finished_can_be_told() {
    let host = ScriptedHost::new().on_rpc(|function, _| match function {
        "start_job_step" => Reply::json(200, json!("again")),
        _ => held(),
    });
    let result = run_job::<Careful>(&host, &config(&[]), job("careful", json!({})));
    assert_eq!(result, Ok(json!(true)));
}

#[test]
fn a_step_is_recorded_before_it_begins() {
    let host = ScriptedHost::new().on_rpc(|_, _| held());
    run_steps(&host, steps_job(&[3])).expect("a sum");
    let rpcs = host.rpcs.borrow();
    let calls: Vec<_> = rpcs.iter().map(|(function, _)| function.as_str()).collect();
    assert_eq!(calls, ["start_job_step", "save_job_step"]);
    assert_eq!(rpcs[0].1["name"], "photo/3");
}

#[test]
fn two_steps_of_one_name_fail_the_job_for_good_instead_of_sharing_a_result() {
    let host = ScriptedHost::new().on_rpc(|_, _| held());
    let result = run_steps(&host, steps_job(&[3, 3]));
    assert_eq!(
        result,
        Err(JobError::permanent(
            "step photo/3: expected a name that no other step has"
        ))
    );
}

#[test]
fn a_result_larger_than_a_mebibyte_fails_the_job_for_good() {
    let host = ScriptedHost::new().on_rpc(|_, _| held());
    let result = run_job::<Large>(&host, &config(&[]), job("large", json!({})));
    let Err(JobError::Permanent { message }) = result else {
        panic!("{result:?} should be a permanent failure");
    };
    assert!(message.starts_with("step all: its result is larger than 1 MiB"));
    assert!(host.calls_of("save_job_step").is_empty());
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
    assert_eq!(host.calls_of("start_job_step").len(), 4);
    assert_eq!(host.calls_of("save_job_step").len(), 1);
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
        message(json!({ "photos": "a secret at line 1" })),
        "input_data.photos: expected a sequence"
    );
    assert_eq!(
        message(json!({ "photos": [{}] })),
        "input_data.photos[0]: missing field `number`"
    );
}
