//! Answers read as they are written.

use super::*;

fn event(event: &Value) -> String {
    format!("data: {event}\n\n")
}

/// The answer to a call as events, the last one left out if it is `cut`.
fn streamed(call: &Call, is_cut: bool) -> Reply {
    assert_eq!(call.body["stream"], true);
    let content = call.answer().to_string();
    let (one, other) = content.split_at(content.len() / 2);
    let delta = |text: &str| json!({ "choices": [{ "delta": { "content": text } }] });
    let end = json!({
        "model": "grok-4.3", "choices": [{ "delta": {}, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 100, "cost_in_usd_ticks": 10_000_000 },
    });
    let end = if is_cut { String::new() } else { event(&end) };
    Reply::bytes(
        200,
        format!("{}{}{end}", event(&delta(one)), event(&delta(other))),
    )
}

fn stream_input(photos: usize) -> Value {
    input(photos, json!({ "options": { "transport": "stream" } }))
}

#[test]
fn a_report_can_be_made_of_answers_read_as_they_are_written() {
    let host = world(|call| Some(streamed(call, false)));
    let report = report(&host, stream_input(7));
    assert_eq!(report["status"], "complete");
    assert_eq!(body(&report)[0].1.len(), 7);
    assert_eq!(report["stats"]["costUsd"], 0.004);
}

#[test]
fn an_answer_that_ends_in_its_middle_is_left_to_the_queue() {
    let host = world(|call| Some(streamed(call, call.name == "report_batch")));
    let error = run_input(&host, stream_input(1));
    let message = "grok stopped in the middle of its answer";
    assert_eq!(error, Err(JobError::retryable(message)));
}

#[test]
fn a_stream_of_events_that_say_nothing_is_a_failed_answer() {
    for events in [
        "data: {}\n\n",
        "data: null\n\ndata: [DONE]\n\n",
        "data: {\"choices\":[]}\n\n",
    ] {
        let host =
            world(move |call| (call.name == "report_batch").then(|| Reply::bytes(200, events)));
        let error = run_input(&host, stream_input(1));
        let message = "grok stopped in the middle of its answer";
        assert_eq!(error, Err(JobError::retryable(message)), "{events}");
    }
}

#[test]
fn an_api_that_does_not_stream_is_as_good() {
    let report = report(&world(|_| None), stream_input(1));
    assert_eq!(report["status"], "complete");
}
