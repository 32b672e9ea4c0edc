//! The client as a job type of anyone's own uses it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Effort, Grok, Part, Preferences, Question, RequestRecord};
use crate::error::JobError;
use crate::handler::{JobContext, JobHandler};
use crate::host::Host;
use crate::testing::{Reply, ScriptedHost, config, held, job, raw, run_job};

/// Says a text in other words.
struct Rephrase;

impl JobHandler for Rephrase {
    const JOB_TYPE: &'static str = "rephrase";
    type Input = Value;
    type Output = Value;

    async fn run<H: Host>(input: Value, context: &JobContext<'_, H>) -> Result<Value, JobError> {
        let config = context.config().grok.as_ref();
        let config = config.ok_or_else(|| JobError::retryable("GROK_API_KEY is not set"))?;
        let grok = Grok::new(context, config, Preferences::default());
        let question = Question {
            name: "rephrase",
            rules: "Say it in other words.",
            parts: vec![Part::Text(input.to_string())],
            schema: r#"{"type":"object"}"#.into(),
            effort: Effort::None,
        };
        let ask = async |is_again| {
            let _permit = grok.permit().await?;
            let sent = Some(grok.ask(&question, &|_| ()).await?);
            Ok(RequestRecord {
                sent,
                is_again,
                ..RequestRecord::of(())
            })
        };
        let record = context.step_again("rephrased", ask).await?;
        let answer = grok.answer("rephrased", &record).await??;
        let content = answer.map(|answer| answer.content.map_err(|problem| problem.to_string()));
        let cost_usd = grok.spending().usage().cost_usd();
        Ok(json!({ "content": content, "cost_usd": cost_usd }))
    }
}

fn run(steps: BTreeMap<String, Box<RawValue>>) -> (Value, ScriptedHost) {
    let host = ScriptedHost::new().on_rpc(|_, _| held()).on_fetch(|_| {
        let choice = json!({ "message": { "content": "{}" }, "finish_reason": "stop" });
        let usage = json!({ "cost_in_usd_ticks": 10_000_000 });
        Reply::json(200, json!({ "choices": [choice], "usage": usage }))
    });
    let mut job = job("rephrase", json!({ "text": "The roof leaks." }));
    job.steps = steps;
    let output = run_job::<Rephrase>(&host, &config(&[]), job);
    (output.expect("it is answered"), host)
}

#[test]
fn any_job_type_asks_once_and_knows_what_it_cost() {
    let (first, host) = run(BTreeMap::new());
    assert_eq!(
        first,
        json!({ "content": { "Ok": "{}" }, "cost_usd": 0.001 })
    );
    let save = &host.calls_of("save_job_step")[0];
    let steps = [("rephrased".to_owned(), raw(&save["result"]))];
    let (second, host) = run(steps.into_iter().collect());
    assert_eq!(second, first);
    assert!(host.fetches.borrow().is_empty());
}
