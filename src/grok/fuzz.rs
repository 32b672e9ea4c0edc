//! Whatever the API answers is read without a panic, and no message has what nobody may read.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::record::Ticket;
use super::reply::ApiReply;
use super::streaming::Stream;
use super::usage::Estimate;
use crate::error::{ErrorMessage, JobError};
use crate::host::HttpResponse;
use crate::testing::fuzz::{PAYLOAD, SECRET, any_change, fuzz};

const MEMBERS: &[&str] = &[
    "choices",
    "message",
    "content",
    "finish_reason",
    "usage",
    "error",
    "code",
    "output",
    "type",
    "text",
    "status",
    "incomplete_details",
    "reason",
    "delta",
    "refusal",
    "request_id",
    "detail",
    "param",
    "object",
    "prompt_tokens",
    "completion_tokens",
    "cost_in_usd_ticks",
    "model",
    "response",
];

fn completion() -> Value {
    let content = json!({ "photos": [{ "p": "p1", "points": [{ "text": PAYLOAD }] }] });
    json!({
        "model": "grok-4.3", "usage": { "prompt_tokens": 9, "cost_in_usd_ticks": 7 },
        "choices": [{ "message": { "content": content.to_string() }, "finish_reason": "stop" }],
    })
}

fn replied(status: u16, body: Vec<u8>) -> ApiReply {
    ApiReply::of(&HttpResponse {
        status,
        headers: Vec::new(),
        body,
    })
}

/// Reads a reply in every way there is; answers what people would be told.
fn read(reply: &ApiReply) -> Option<String> {
    let estimate = Estimate {
        prompt_tokens: 1,
        completion_tokens: 1,
    };
    Ticket::of(reply, 0, estimate);
    match reply.read(SECRET) {
        Ok(answer) => {
            answer.usage.ticks_at_most();
            answer.refusal().map(|failure| failure.message)
        }
        Err(failure) => {
            let message = failure.message.clone();
            let error = ErrorMessage::of(&JobError::from(failure));
            assert!(!error.as_str().contains(SECRET), "{error}");
            Some(message)
        }
    }
}

#[test]
fn replies_of_any_shape_are_read_and_the_models_words_are_in_no_message() {
    fuzz(any_change(MEMBERS), |change| {
        let body = change.apply(completion());
        let calls_itself_error = String::from_utf8_lossy(&body).contains("error");
        let message = read(&replied(200, body)).unwrap_or_default();
        assert!(!message.contains(SECRET), "{message}");
        assert!(
            calls_itself_error || !message.contains(PAYLOAD),
            "{message}"
        );
    });
}

#[test]
fn errors_of_any_shape_are_read_and_told_without_the_key() {
    let error =
        json!({ "error": { "message": format!("{SECRET} is wrong"), "code": "x", "param": "y" } });
    fuzz((100_u16..700, any_change(MEMBERS)), |(status, change)| {
        let message = read(&replied(status, change.apply(error.clone()))).unwrap_or_default();
        assert!(!message.contains(SECRET), "{message}");
        assert!(message.chars().count() < 1_000);
    });
}

/// The bodies of a stream that comes in pieces of these sizes.
fn streamed(text: &[u8], sizes: &[usize]) -> Option<Vec<u8>> {
    let mut stream = Stream::default();
    let (mut rest, mut sizes) = (text, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().map_or(1, |size| (*size).clamp(1, rest.len()));
        let (piece, later) = rest.split_at(size);
        stream.push(piece);
        rest = later;
    }
    stream.letters();
    stream.body()
}

#[test]
fn streams_of_any_events_cut_and_split_anywhere_say_the_same() {
    let event = any_change(MEMBERS).prop_map(|change| {
        let delta =
            json!({ "choices": [{ "delta": { "content": PAYLOAD }, "finish_reason": null }] });
        [b"data: ", &change.apply(delta)[..], b"\n\n"].concat()
    });
    let events = prop::collection::vec(event, 0..8).prop_map(|events| events.concat());
    let sizes = prop::collection::vec(1_usize..50, 1..5);
    fuzz((events, 0_usize..1_000, sizes), |(text, cut, sizes)| {
        let text = &text[..text.len() * cut / 1_000];
        let body = streamed(text, &[text.len()]);
        assert_eq!(body, streamed(text, &sizes));
        assert_eq!(body, streamed(text, &[1]));
        if let Some(body) = body {
            read(&replied(200, body));
        }
    });
}
