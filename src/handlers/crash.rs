//! `crash`: crashes the worker in the ways Rust in Wasm can crash. For the fault suite, which builds it in with the
//! feature `faults`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::JobError;
use crate::handler::{JobContext, JobHandler};
use crate::host::{Host, HttpRequest, Method};

pub(super) struct Crash;

#[derive(Deserialize)]
pub(super) struct CrashInput {
    way: Ending,
    /// Where to report the crash that is about to come.
    #[serde(rename = "effectsUrl")]
    effects_url: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ending {
    /// A panic.
    Panic,
    /// Calls itself until the stack overflows.
    Recursion,
    /// Takes memory until Wasm has no more.
    Memory,
}

impl JobHandler for Crash {
    const JOB_TYPE: &'static str = "crash";

    type Input = CrashInput;
    type Output = Value;

    async fn run<H: Host>(
        input: CrashInput,
        context: &JobContext<'_, H>,
    ) -> Result<Value, JobError> {
        if let Some(url) = &input.effects_url {
            report(context, url).await?;
        }
        match input.way {
            Ending::Panic => panic!("on purpose"),
            Ending::Recursion => Ok(json!(recurse(context.now_ms()))),
            Ending::Memory => Ok(json!(hoard(context))),
        }
    }
}

async fn report<H: Host>(context: &JobContext<'_, H>, url: &str) -> Result<(), JobError> {
    let job = context.job();
    let effect = json!({ "kind": "crash", "job": job.id, "run": job.lease_token });
    let request = HttpRequest {
        method: Method::Post,
        url: url.into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: Some(effect.to_string().into()),
        timeout_ms: 5_000,
        max_response_bytes: 1_024,
    };
    let answer = context.fetch(request).await;
    answer.map_err(|error| JobError::retryable(error.to_string()))?;
    Ok(())
}

/// Adds after the call: a tail call would be a loop.
#[expect(unconditional_recursion, reason = "it is to overflow the stack")]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box(recurse(std::hint::black_box(depth + 1))) + 1
}

fn hoard<H: Host>(context: &JobContext<'_, H>) -> u64 {
    // Large, because each of them makes V8 move the whole memory.
    const PIECE_BYTES: usize = 1024 * 1024 * 1024;
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    // The clock never goes back to zero: only the memory ends this.
    while context.now_ms() > 0 {
        pieces.push(std::hint::black_box(Vec::with_capacity(PIECE_BYTES)));
    }
    pieces.len() as u64
}
